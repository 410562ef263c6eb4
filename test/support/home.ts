// A home whose gateways and machine a test plays: what is to be done is done after a while, in a time that the test moves.

import type { Grant, Refusal, Waiting } from '../../src/api/lease.ts';
import type { GatewayName } from '../../src/mesh/gateway.ts';
import { HOME_PACE, Home } from '../../src/mesh/home.ts';
import type { CheckResult, HomeAct, HomeOutcome, HomeRecord } from '../../src/mesh/home-act.ts';
import { isPlaneAct } from '../../src/mesh/home-act.ts';
import type { Slot, TunnelAbility } from '../../src/mesh/tunnel.ts';
import { GATEWAY_KEY, gatewayInfo, grant, TERMS } from './gateway.ts';

export const ABILITY: TunnelAbility = {
  kinds: [{ kind: 'gre6' }, { kind: 'wireguard', problem: 'no module' }, { kind: 'vxlan' }],
  meshMtu: 65_535,
};
/** Between two looks at the counters, with traffic and without. */
const SAMPLE_MS = 500;
const IDLE_SAMPLE_MS = 5000;
/** Longest that one is asked. */
const PATIENCE_MS = 6000;

/** One gateway as a test plays it. */
export class PlayedGateway {
  /** What it says to who asks; `undefined`: nothing. */
  says: Grant | Waiting | Refusal | undefined;
  /** Its tunnel carries. */
  carries = true;
  exit: Pick<CheckResult, 'ipv4' | 'ipv6'> = { ipv4: true, ipv6: true };
  latencyMs = 20;
  load = 0;
  /** Questions that it holds open: told of what it says, they end. */
  watched: (() => void)[] = [];

  constructor(readonly name: GatewayName) {
    this.says = grant({ terms: { ...TERMS, outer: name.address } });
  }

  /** Says something else from now on, and to who watches at once. */
  say(says: PlayedGateway['says']): void {
    this.says = says;
    for (const tell of this.watched.splice(0)) tell();
  }
}

interface Due {
  readonly atMs: number;
  readonly run: () => void;
}

export interface PlayedOptions {
  enabled?: boolean;
  record?: HomeRecord | undefined;
  names?: readonly (Partial<GatewayName> & { name: string })[];
  random?: () => number;
}

/** Gateways are called a, b, c; their addresses are 200::a, 200::b, 200::c. */
export class PlayedHome {
  nowMs = 0;
  readonly home: Home;
  readonly gateways = new Map<string, PlayedGateway>();
  /** What was done, with the time in seconds. */
  readonly log: string[] = [];
  /** What the machine shows. */
  readonly tunnels: [string | undefined, string | undefined] = [undefined, undefined];
  used: Slot | undefined;
  blocked = false;
  kept = false;
  /** Why the machine does not do an act, by kind. */
  readonly broken = new Map<string, string>();
  /** Packets of the LAN in half a second; answers come while the tunnel in use carries. */
  traffic = 0;
  /** By address of the gateway. */
  private readonly counted = new Map<string, { rx: number; tx: number }>();
  private queue: Due[] = [];
  record: HomeRecord | undefined;
  /** Every record that was kept, one after the other. */
  readonly records: (HomeRecord | undefined)[] = [];

  constructor({
    enabled = false,
    record,
    names = [{ name: 'a' }, { name: 'b' }],
    random = () => 0.5,
  }: PlayedOptions = {}) {
    const all = names.map(
      (one): GatewayName => ({ address: `200::${one.name}`, port: 8080, protocol: 'auto', preference: 0, ...one }),
    );
    for (const name of all) this.gateways.set(name.address, new PlayedGateway(name));
    this.home = new Home(record, enabled, HOME_PACE, random, 0);
    this.home.setGateways(all);
    this.home.setMesh(true, true);
    this.record = record;
  }

  gateway(name: string): PlayedGateway {
    return this.gateways.get(`200::${name}`)!;
  }

  get state(): string {
    const { state, id } = this.home.situation(this.nowMs);
    return state === id ? state : `${state} ${id}`;
  }

  /** Who serves the LAN: a gateway's name, `line`, or nobody. */
  get exit(): string {
    if (!this.blocked) return 'line';
    const address = this.used === undefined ? undefined : this.tunnels[this.used];
    const gateway = address === undefined ? undefined : this.gateways.get(address);
    return gateway?.carries ? gateway.name.name : 'nobody';
  }

  /** Lets so many milliseconds pass. */
  run(ms: number): void {
    const endMs = this.nowMs + ms;
    while (this.step(endMs));
    this.nowMs = endMs;
    this.act();
  }

  /** Lets time pass to the next thing that happens. @returns false when that is not before a moment. */
  private step(endMs: number): boolean {
    this.act();
    const everyMs = this.traffic > 0 ? SAMPLE_MS : IDLE_SAMPLE_MS;
    const sampleMs = (Math.floor(this.nowMs / everyMs) + 1) * everyMs;
    const wakeMs = this.home.nextMs(this.nowMs);
    const dueMs = Math.min(Number.POSITIVE_INFINITY, ...this.queue.map(({ atMs }) => atMs));
    const nextMs = Math.max(this.nowMs, Math.min(sampleMs, wakeMs, dueMs));
    if (nextMs > endMs) return false;
    this.nowMs = nextMs;
    if (nextMs === sampleMs) this.sample();
    const due = this.queue.filter(({ atMs }) => atMs <= nextMs);
    this.queue = this.queue.filter(({ atMs }) => atMs > nextMs);
    for (const { run } of due) run();
    this.act();
    return true;
  }

  /** Lets time pass until something holds. @throws Error when it never does. */
  until(what: string, holds: () => boolean, mostMs = 3_600_000): number {
    const startMs = this.nowMs;
    while (!holds()) {
      if (this.nowMs - startMs > mostMs) throw new Error(`never: ${what}; ${this.state}\n${this.log.join('\n')}`);
      if (!this.step(startMs + mostMs)) this.nowMs = startMs + mostMs + 1;
    }
    return this.nowMs - startMs;
  }

  private sample(): void {
    const address = this.used === undefined ? undefined : this.tunnels[this.used];
    if (address !== undefined && this.blocked) this.count(address, this.traffic);
    const slot = this.home.usedSlot;
    if (slot === undefined) return;
    const found = this.tunnels[slot];
    const { rx, tx } = this.count(found ?? '', 0);
    this.home.sample(found === undefined ? undefined : { rxPackets: rx, txPackets: tx }, this.nowMs);
  }

  /** Packets were sent to a gateway, and answered where its tunnel carries. */
  private count(address: string, packets: number): { rx: number; tx: number } {
    const counted = this.counted.get(address) ?? { rx: 0, tx: 0 };
    counted.tx += packets;
    if (this.gateways.get(address)?.carries) counted.rx += packets;
    this.counted.set(address, counted);
    return counted;
  }

  private act(): void {
    for (let i = 0; i < 100; i++) {
      const acts = this.home.next(this.nowMs);
      const record = this.home.record();
      if (JSON.stringify(record) !== JSON.stringify(this.record)) this.records.push(record);
      this.record = record;
      if (acts.length === 0) return;
      for (const one of acts) this.begin(one);
    }
    throw new Error(`it goes round in circles: ${this.log.slice(-20).join('\n')}`);
  }

  private begin(act: HomeAct): void {
    const at = 'gateway' in act ? act.gateway.name : 'slot' in act ? `${act.slot}` : 'on' in act ? `${act.on}` : '';
    const deep = act.kind === 'check' && act.depth === 'exit' ? ' exit' : '';
    this.log.push(`${(this.nowMs / 1000).toFixed(1)} ${act.kind} ${at}${deep}`.trim());
    if (isPlaneAct(act)) this.later(100, act, () => this.machine(act));
    else if (act.kind === 'check') {
      const gateway = this.gateways.get(act.gateway.address)!;
      const isThere = this.tunnels.includes(act.gateway.address) && gateway.carries;
      this.later(isThere ? gateway.latencyMs : 700, act, () => {
        this.count(act.gateway.address, 1);
        return {
          carries: isThere,
          ...(act.depth === 'exit' && isThere && gateway.exit),
          ...(!isThere && { problem: 'no answer' }),
        };
      });
    } else this.ask(act);
  }

  private ask(act: Extract<HomeAct, { gateway: GatewayName }>): void {
    const gateway = this.gateways.get(act.gateway.address)!;
    const { says, latencyMs } = gateway;
    const answer = (): HomeOutcome => {
      const now = gateway.says;
      if (!now) return new Error('no answer');
      const info = gatewayInfo({ key: GATEWAY_KEY, address: act.gateway.address, load_percent: gateway.load });
      if (act.kind === 'inform') return { latencyMs, info };
      if ('error' in now) return { latencyMs, info, answer: { kind: 'refused', refusal: now } };
      if ('place' in now) return { latencyMs, info, answer: { kind: 'waiting', waiting: now } };
      return { latencyMs, ...(act.kind !== 'watch' && { info }), answer: { kind: 'granted', grant: now } };
    };
    if (act.kind === 'watch' && says && !('error' in says)) {
      let told = false;
      const tell = (): void => {
        if (told) return;
        told = true;
        this.later(latencyMs, act, answer);
      };
      gateway.watched.push(tell);
      this.queue.push({ atMs: this.nowMs + 900_000, run: tell });
    } else this.later(says ? 2 * latencyMs : PATIENCE_MS, act, act.kind === 'release' ? () => undefined : answer);
  }

  private machine(act: HomeAct): HomeOutcome {
    const problem = this.broken.get(act.kind);
    if (problem !== undefined) return new Error(problem);
    if (act.kind === 'ability') return ABILITY;
    if (act.kind === 'block') {
      this.blocked = act.on;
      if (!act.on) this.used = undefined;
    } else if (act.kind === 'build') this.tunnels[act.slot] = act.terms.outer;
    else if (act.kind === 'drop') this.tunnels[act.slot] = undefined;
    else if (act.kind === 'use') this.used = act.slot;
    else if (act.kind === 'keep') this.kept = true;
    else if (act.kind === 'undo') {
      this.tunnels.fill(undefined);
      this.used = undefined;
      this.blocked = false;
      this.kept = false;
    }
    return undefined;
  }

  private later(ms: number, act: HomeAct, outcome: () => HomeOutcome): void {
    this.queue.push({ atMs: this.nowMs + ms, run: () => this.home.done(act, outcome(), this.nowMs) });
  }
}
