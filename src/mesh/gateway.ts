// The gateways that a home may use: what is known of each, which is asked next, and when another one is worth a move. No clock of its own.

import type { GatewayInfo, Refusal, TunnelKind, Waiting } from '../api/lease.ts';

/** A gateway as it was named: by hand, in a list, by itself in the mesh. */
export interface GatewayName {
  /** What people call it. */
  readonly name: string;
  /** Pinned; absent: whatever key belongs to the address. */
  readonly key?: string | undefined;
  /** Of its Yggdrasil: what it is known by here. */
  readonly address: string;
  readonly port: number;
  readonly protocol: 'auto' | 'meshbridge' | 'autoygg';
  /** Absent: what both can do. */
  readonly kind?: TunnelKind | undefined;
  /** The lower, the rather. */
  readonly preference: number;
}

/** Milliseconds. */
export interface GatewayPace {
  /** After it did not answer: the first wait, and the longest. */
  readonly againMs: number;
  readonly longestMs: number;
  /** After a refusal without a time, and the least and the most that is waited after one with. */
  readonly refusedMs: number;
  readonly leastRefusedMs: number;
  readonly mostRefusedMs: number;
  /** How old an info of one that is not in use may be. */
  readonly infoMs: number;
  /** For so long one that is preferred must have answered before it is gone back to, doubled up to the most by each return that failed. */
  readonly steadyMs: number;
  readonly mostSteadyMs: number;
}

export const GATEWAY_PACE: GatewayPace = {
  againMs: 5000,
  longestMs: 300_000,
  refusedMs: 600_000,
  leastRefusedMs: 60_000,
  mostRefusedMs: 6 * 3_600_000,
  infoMs: 600_000,
  steadyMs: 300_000,
  mostSteadyMs: 3_600_000,
};

/** Another one of the same preference is better with this share of the cost and so much less, in so many infos in a row. */
const BETTER_SHARE = 0.7;
const BETTER_BY = 20;
const BETTER_TIMES = 3;
/** Load from which one counts as farther away, and milliseconds for each percent. */
const BUSY_PERCENT = 50;
const BUSY_COST = 4;
const FULL_PERCENT = 100;
/** Of a gateway whose latency is not known yet. */
const UNKNOWN_COST = 200;
/** Weight of the newest latency. */
const SMOOTH = 0.5;
/** A waiting gateway is asked again within these. */
const WAITING_MS = { least: 10_000, most: 3_600_000 } as const;
const MAX_DOUBLINGS = 16;

export type GatewayState = 'unknown' | 'ready' | 'waiting' | 'refused' | 'unreachable';

/** One gateway, as far as it is known. */
export class Gateway {
  state: GatewayState = 'unknown';
  /** Why it is not ready. */
  problem: string | undefined;
  refusal: Refusal | undefined;
  waiting: Waiting | undefined;
  info: GatewayInfo | undefined;
  /** When it last told what it is; when it last answered anything. */
  infoAtMs: number | undefined;
  answeredAtMs: number | undefined;
  latencyMs: number | undefined;
  /** Not asked for a lease before. */
  notBeforeMs = Number.NEGATIVE_INFINITY;
  /** How often in a row it did not answer, or its tunnel did not carry. */
  failures = 0;
  /** Since when it answers without a failure. */
  steadyMs: number | undefined;
  /** Returns to it that did not last. */
  returns = 0;
  /** Infos in a row by which it is better than the one in use. */
  better = 0;

  constructor(public name: GatewayName) {}

  get address(): string {
    return this.name.address;
  }

  /** What is compared within a preference: milliseconds, about. */
  get cost(): number {
    const busy = Math.max(0, (this.info?.load_percent ?? 0) - BUSY_PERCENT);
    return (this.latencyMs ?? UNKNOWN_COST) + BUSY_COST * busy;
  }
}

/** All of them, in the order in which they were named. */
export class Gateways {
  private all: Gateway[] = [];
  /** Preferred by hand, until the daemon ends. */
  private chosen: string | undefined;

  /** @param random uniform in [0, 1). */
  constructor(
    private readonly pace: GatewayPace,
    private readonly random: () => number,
  ) {}

  /** Takes the names; what is known of those that stay is kept. */
  set(names: readonly GatewayName[]): void {
    const known = new Map(this.all.map((gateway) => [gateway.address, gateway]));
    this.all = names.map((name) => {
      const gateway = known.get(name.address);
      const { key, port, protocol } = gateway?.name ?? {};
      // another port or key: another one
      if (!gateway || key !== name.key || port !== name.port || protocol !== name.protocol) return new Gateway(name);
      gateway.name = name;
      return gateway;
    });
    if (!this.find(this.chosen)) this.chosen = undefined;
  }

  list(): readonly Gateway[] {
    return this.all;
  }

  /** By address, or by name. */
  find(which: string | undefined): Gateway | undefined {
    return this.all.find(({ address, name }) => address === which || name.name === which);
  }

  /** Prefers one before all others; `undefined` ends that. */
  choose(address: string | undefined): void {
    this.chosen = address;
    const gateway = this.find(address);
    if (gateway) gateway.notBeforeMs = Number.NEGATIVE_INFINITY;
  }

  get chosenAddress(): string | undefined {
    return this.chosen;
  }

  // what was learnt

  /** It told what it is. @param latencyMs how long a round trip to it took. */
  informed(address: string, info: GatewayInfo, latencyMs: number, nowMs: number): void {
    const gateway = this.find(address);
    if (!gateway) return;
    gateway.info = info;
    gateway.infoAtMs = nowMs;
    this.measured(address, latencyMs, nowMs);
    if (gateway.state === 'unreachable' || gateway.state === 'unknown') this.become(gateway, 'ready');
  }

  /** It answered, whatever it said. */
  measured(address: string, latencyMs: number, nowMs: number): void {
    const gateway = this.find(address);
    if (!gateway) return;
    const { latencyMs: before } = gateway;
    gateway.latencyMs = before === undefined ? latencyMs : before + SMOOTH * (latencyMs - before);
    gateway.answeredAtMs = nowMs;
    gateway.steadyMs ??= nowMs;
  }

  granted(address: string): void {
    const gateway = this.find(address);
    if (!gateway) return;
    this.become(gateway, 'ready');
    gateway.failures = 0;
    gateway.notBeforeMs = Number.NEGATIVE_INFINITY;
  }

  waits(address: string, waiting: Waiting, nowMs: number): void {
    const gateway = this.find(address);
    if (!gateway) return;
    this.become(gateway, 'waiting');
    gateway.waiting = waiting;
    const { least, most } = WAITING_MS;
    gateway.notBeforeMs = nowMs + clamp(waiting.retry_after_s * 1000, least, most);
  }

  refused(address: string, refusal: Refusal, nowMs: number): void {
    const gateway = this.find(address);
    if (!gateway) return;
    this.become(gateway, 'refused', refusal.reason || refusal.error);
    gateway.refusal = refusal;
    const { refusedMs, leastRefusedMs, mostRefusedMs } = this.pace;
    const { retry_after_s: afterS } = refusal;
    // busy for a moment is no refusal that lasts
    const least = refusal.error === 'busy' || refusal.error === 'too_often' ? this.pace.againMs : leastRefusedMs;
    const waitMs = afterS === undefined ? refusedMs : clamp(afterS * 1000, least, mostRefusedMs);
    gateway.notBeforeMs = nowMs + waitMs * (1 + this.random() / 10);
  }

  /** It did not answer, answered nonsense, or its tunnel does not carry. */
  failed(address: string, problem: string, nowMs: number): void {
    const gateway = this.find(address);
    if (!gateway) return;
    this.become(gateway, 'unreachable', problem);
    const { againMs, longestMs } = this.pace;
    const waitMs = Math.min(longestMs, againMs * 2 ** Math.min(gateway.failures, MAX_DOUBLINGS));
    gateway.failures++;
    gateway.steadyMs = undefined;
    gateway.better = 0;
    gateway.notBeforeMs = nowMs + waitMs * (0.5 + this.random() / 2);
  }

  /** A return to a preferred one did not last. */
  returnFailed(address: string): void {
    const gateway = this.find(address);
    if (gateway) gateway.returns = Math.min(gateway.returns + 1, MAX_DOUBLINGS);
  }

  /** The mesh is back, or somebody wants to know: those that did not answer may be asked at once. @param all those that said no, too. */
  retry(all = false): void {
    for (const gateway of this.all)
      if (all || gateway.state === 'unreachable') gateway.notBeforeMs = Number.NEGATIVE_INFINITY;
  }

  // what follows

  /** Those that may be asked for a lease now, the best first. */
  candidates(nowMs: number, except?: string): Gateway[] {
    return this.ranked().filter(
      (gateway) => gateway.address !== except && gateway.notBeforeMs <= nowMs && !this.isBarred(gateway, nowMs),
    );
  }

  /** When the next of those that may not be asked now may be; Infinity: there is none. */
  nextMs(nowMs: number, except?: string): number {
    const times = this.all.filter(({ address }) => address !== except).map(({ notBeforeMs }) => notBeforeMs);
    return Math.min(Number.POSITIVE_INFINITY, ...times.filter((atMs) => atMs > nowMs));
  }

  /** The one whose info is older than `maxMs`, the longest unknown first. */
  stale(nowMs: number, maxMs: number, except?: string): Gateway | undefined {
    const age = ({ infoAtMs }: Gateway): number => nowMs - (infoAtMs ?? Number.NEGATIVE_INFINITY);
    return this.all
      .filter((gateway) => gateway.address !== except && age(gateway) >= maxMs && this.isQuiet(gateway, nowMs))
      .sort((a, b) => age(b) - age(a))[0];
  }

  /** Another one that is worth leaving a good one for, by the newest infos. */
  better(current: string, nowMs: number): Gateway | undefined {
    const mine = this.find(current);
    if (!mine) return undefined;
    return this.ranked().find((gateway) => {
      if (gateway === mine || gateway.state !== 'ready' || gateway.notBeforeMs > nowMs) return false;
      if (this.isBarred(gateway, nowMs)) return false;
      if (gateway.address === this.chosen) return true;
      if (mine.address === this.chosen || gateway.name.preference > mine.name.preference) return false;
      if (gateway.name.preference < mine.name.preference) return this.isSteady(gateway, nowMs);
      return gateway.better >= BETTER_TIMES;
    });
  }

  /** A new info was taken: counts by how many in a row a gateway is better than the one in use. */
  compare(address: string, current: string | undefined): void {
    const [gateway, mine] = [this.find(address), this.find(current)];
    if (!gateway || !mine || gateway === mine) return;
    const isBetter = gateway.cost <= BETTER_SHARE * mine.cost && gateway.cost <= mine.cost - BETTER_BY;
    gateway.better = isBetter && mine.latencyMs !== undefined ? gateway.better + 1 : 0;
  }

  private ranked(): Gateway[] {
    const order = ({ address, name }: Gateway): number => (address === this.chosen ? -1 : name.preference);
    return [...this.all].sort((a, b) => order(a) - order(b) || a.cost - b.cost);
  }

  /** By its own words there is no use in asking it, as far as these are new. */
  private isBarred({ info, infoAtMs }: Gateway, nowMs: number): boolean {
    if (!info || nowMs - infoAtMs! > this.pace.infoMs) return false;
    return !info.online || info.drain !== undefined || (info.load_percent >= FULL_PERCENT && info.max_clients > 0);
  }

  /** Asking what it is does not go on and on at one that does not answer. */
  private isQuiet({ state, notBeforeMs }: Gateway, nowMs: number): boolean {
    return state !== 'unreachable' || notBeforeMs <= nowMs;
  }

  private isSteady({ steadyMs, returns }: Gateway, nowMs: number): boolean {
    const neededMs = Math.min(this.pace.mostSteadyMs, this.pace.steadyMs * 2 ** returns);
    return steadyMs !== undefined && nowMs - steadyMs >= neededMs;
  }

  private become(gateway: Gateway, state: GatewayState, problem?: string): void {
    gateway.state = state;
    gateway.problem = problem;
    gateway.refusal = undefined;
    gateway.waiting = undefined;
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}
