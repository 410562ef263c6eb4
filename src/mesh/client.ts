// The clients of a gateway: homes by the address that they come from, one lease each, what was decided on them, and who waits.
//
// Nothing that a client says names another one: it is known by its address, which nobody else can send from. A lease is in force for its
// time from when it was last asked for; that is never written down. What was decided is, before anybody is told of it.

import type { HeldSpan } from '../api/client-object.ts';
import type {
  Drain,
  Grant,
  InfoLimits,
  LeaseQuota,
  LeaseRequest,
  LeaseUse,
  Limits,
  Personal,
  Refusal,
  RefusalCode,
  TunnelKind,
  VolumeState,
} from '../api/lease.ts';
import { errorText } from '../errors.ts';
import { Emitter } from '../lib/emitter.ts';
import { Meter } from '../lib/meter.ts';
import { addressOf } from '../lib/yggdrasil-address.ts';
import { type Allowance, Allowances, type MonthBook } from './client-limit.ts';
import type { Invites } from './invite.ts';
import type { LeaseAnswer } from './lease-message.ts';
import type { Newcomers } from './newcomer.ts';
import type { Pool, PortRange } from './pool.ts';
import type { Reports } from './report.ts';
import {
  type ClientChange,
  type ClientFlow,
  type ClientPlane,
  type ClientTunnel,
  type GatewayLack,
  LEAST_MTU6,
  type TunnelLimits,
  tunnelMtu,
} from './tunnel.ts';

/** What an operator decided on a home. */
export type Standing = 'admitted' | 'suspended' | 'refused';

/** A decision that outlives everything. */
export interface StandingRecord {
  readonly address: string;
  readonly standing: Standing;
  /** Told to the home; may be empty. */
  readonly reason: string;
  /** Unix seconds, by the gateway's clock. */
  readonly since_s: number;
  /** When it is over, and the home like one that never came; absent: never. */
  readonly until_s?: number;
  /** What it may use, as far as that is another thing than what the configuration says of all. */
  readonly limits?: Limits;
  /** Key of the captain by whose word it came in. */
  readonly vouched_by?: string;
}

/** What is decided on a home. */
export type Decision = Pick<StandingRecord, 'standing' | 'reason' | 'until_s' | 'limits' | 'vouched_by'>;

/** A home, as the desk sees it. */
export interface ClientRow {
  readonly address: string;
  readonly told: LeaseRecord['told'];
  readonly standing?: Standing;
  readonly reason?: string;
  readonly untilS?: number;
  /** Decided by the configuration. */
  readonly configured?: boolean;
  readonly vouchedBy?: string;
  /** In the queue, from 1 on. */
  readonly place?: number;
  /** Its own. */
  readonly limits?: Limits;
  readonly quota?: LeaseQuota;
  readonly lease?: {
    readonly key: string;
    readonly kind: TunnelKind;
    readonly home4: string;
    readonly home6?: string;
    readonly ports?: PortRange;
    readonly sinceS: number;
    readonly leftS: number;
  };
}

/** A lease, as it outlives the daemon. */
export interface LeaseRecord {
  readonly address: string;
  readonly slot: number;
  /** By which what it sends leaves the gateway. */
  readonly ports?: PortRange;
  readonly kind: TunnelKind;
  readonly mtu: number;
  readonly wireguard_key?: string;
  /** By autoygg: IPv4 alone. */
  readonly legacy?: boolean;
  readonly key: string;
  /** What it told of itself, where it was asked to. */
  readonly told?: Readonly<Partial<Record<Personal | 'site' | 'captain_key', string>>>;
  readonly since_s: number;
  readonly rx_bytes: number;
  readonly tx_bytes: number;
  /** What the machine had counted then, which goes on counting while no daemon runs. */
  readonly flow_rx_bytes?: number;
  readonly flow_tx_bytes?: number;
}

/** Keeps decisions and leases. */
export interface ClientStore {
  standings(): readonly StandingRecord[];
  /** Decisions by address, `undefined` where one is taken back; on disk when it returns. @throws Error: then some of them may be. */
  saveStandings(changes: ReadonlyMap<string, StandingRecord | undefined>): void;
  leases(): readonly LeaseRecord[];
  saveLeases(leases: readonly LeaseRecord[]): void;
}

/** What of the configuration counts here. */
export interface ClientRules {
  readonly admission: 'open' | 'ask' | 'closed';
  readonly maxClients: number;
  readonly maxWaiting: number;
  readonly leaseMs: number;
  /** The preferred one first. */
  readonly kinds: readonly TunnelKind[];
  readonly asksFor: readonly Personal[];
  /** Whom to ask for admission. */
  readonly ask: string;
  readonly dns: readonly string[];
  readonly wireguardPort: number;
  readonly vxlanPort: number;
  /** What homes may use of which nothing else was decided. */
  readonly limits: InfoLimits;
}

/** What the machine is. */
export interface ClientMachine {
  /** Of the gateway's Yggdrasil. */
  readonly address: string;
  readonly meshMtu: number;
  readonly ipv6: boolean;
  readonly wireguardKey?: string;
  /** What it does without. */
  readonly lacks?: readonly GatewayLack['what'][];
}

export interface ClientsOptions {
  readonly rules: ClientRules;
  readonly machine: ClientMachine;
  readonly pool: Pool;
  readonly plane: Pick<ClientPlane, 'restore' | 'change'>;
  readonly store: ClientStore;
  readonly invites: Pick<Invites, 'redeem'>;
  /** What homes used. */
  readonly book: MonthBook;
  /** What homes are told of reports on them. */
  readonly reports?: Pick<Reports, 'newestOn'> | undefined;
  /** Whether one more home that was never here may come by itself, where anybody may; absent: any number. */
  readonly newcomers?: Pick<Newcomers, 'isLet' | 'came'> | undefined;
  /** Monotonic milliseconds; Unix seconds; the same, `undefined` while the clock is wrong. */
  nowMs(): number;
  unixS(): number;
  dateS(): number | undefined;
  /** Something could not be done on the machine. */
  onProblem(what: string): void;
}

interface Lease {
  readonly key: string;
  readonly address: string;
  readonly slot: number;
  readonly block: number | undefined;
  kind: TunnelKind;
  mtu: number;
  wireguardKey: string | undefined;
  legacy: boolean;
  told: LeaseRecord['told'];
  untilMs: number;
  generation: number;
  readonly sinceS: number;
  rxBytes: number;
  txBytes: number;
  /** What the machine said last, for it counts from when a tunnel was made. */
  flow: ClientFlow | undefined;
  /** What its tunnel was last to be kept to, and how far it was with its volume. */
  limits: TunnelLimits;
  volume: VolumeState | undefined;
  /** Who waits until the tunnel stands. */
  made: ((problem: string | undefined) => void)[] | undefined;
}

interface Waiter {
  askedMs: number;
  told: LeaseRecord['told'];
}

/** A place in the queue is kept for so long. */
const WAIT_MS = 3_600_000;
/** When a home is to ask again, seconds. */
const AGAIN_S = { waiting: 60, suspended: 60, refused: 3600, closed: 3600, full: 300, busy: 10, asksFor: 600 } as const;
/** New tunnels that are being made. */
const MAX_MAKING = 256;
const LIMIT_NAMES = ['downKbits', 'upKbits', 'flows'] as const satisfies readonly (keyof TunnelLimits)[];
/** New leases of all: 20 a second, and 40 at once. */
const NEW = { burst: 40, everyMs: 50, most: 1 } as const;

/** All clients. */
export class Clients {
  /** By address. */
  private readonly leased = new Map<string, Lease>();
  private readonly bySlot = new Map<number, Lease>();
  /** By slot: leases that are over and whose tunnels are still there, and those of the change that is being made; their bytes count, too. */
  private readonly leaving = new Map<number, Lease>();
  private going: ReadonlyMap<number, Lease> = new Map();
  private readonly blocks = new Set<number>();
  private readonly waiting = new Map<string, Waiter>();
  /** What the desk decided, and what the configuration says, which wins. */
  private readonly standings = new Map<string, StandingRecord>();
  private configured = new Map<string, Decision>();
  private readonly fresh = new Meter(NEW);
  /** Counts what concerns everybody. */
  private epoch = 0;
  private online = true;
  private drain: { atMs: number; reason: string } | undefined;
  private readonly pending = {
    ...{ add: new Set<number>(), remove: new Set<number>() },
    ...{ switch: new Set<number>(), limit: new Set<number>() },
  };
  private working: Promise<void> | undefined;
  /** More came while it was being worked. */
  private again = false;
  private making = 0;
  private dirty = false;
  /** Something of a client changed but the time that is left; `undefined`: of all. */
  readonly changed = new Emitter<string | undefined>();
  /** A home came in by an invite or a captain's word, or what was decided on it is over. */
  readonly happened = new Emitter<{
    readonly did: 'invited' | 'vouched' | 'over';
    readonly address: string;
    readonly reason: string;
  }>();
  /** A lease began, or ended. */
  readonly leasing = new Emitter<{ readonly isEnd: boolean; readonly span: HeldSpan }>();

  private readonly allowances: Allowances;

  constructor(private readonly options: ClientsOptions) {
    this.allowances = new Allowances(options.rules.limits, options.book, options.machine.lacks);
    for (const record of options.store.standings()) this.standings.set(record.address, record);
  }

  /** Takes the leases of an earlier daemon over; their tunnels stand, or are made. Nobody is served before it has ended. */
  async start(): Promise<void> {
    const { store, pool } = this.options;
    for (const record of store.leases()) {
      const { address, slot } = record;
      if (!pool.has(slot) || this.bySlot.has(slot) || this.leased.has(address)) continue;
      if (addressOf(record.key) !== address || this.leased.size >= this.options.rules.maxClients) continue;
      if (this.isLeft(address)) continue;
      const block = this.blockFor(record.key, record.ports);
      if (block === 'none') continue;
      this.keep({
        ...{ address, slot, key: record.key, kind: record.kind, mtu: record.mtu },
        // it may be asked for less than before
        told: toldIn(record.told ?? {}, this.options.rules.asksFor),
        ...{ wireguardKey: record.wireguard_key, legacy: record.legacy === true, sinceS: record.since_s },
        ...{ rxBytes: record.rx_bytes, txBytes: record.tx_bytes, made: undefined, generation: 1, block },
        ...this.allowed(address),
        flow: { rxBytes: record.flow_rx_bytes ?? 0, txBytes: record.flow_tx_bytes ?? 0 },
        untilMs: this.options.nowMs() + this.options.rules.leaseMs,
      });
    }
    await this.restore();
    this.dirty = true;
  }

  /** Makes the machine have exactly the tunnels of all leases, and what keeps them apart. @throws (rejects) Error */
  async restore(): Promise<void> {
    const problems = await this.options.plane.restore([...this.leased.values()].map((lease) => this.tunnelOf(lease)));
    for (const [slot, problem] of problems) this.fail(slot, problem);
  }

  /** The key of a home that has a lease. */
  keyOf(address: string): string | undefined {
    return this.leased.get(address)?.key;
  }

  /** The home whose tunnel has this inner address, as `look` knows it; `undefined`: nobody's. */
  homeAt(inner: string): string | undefined {
    const slot = this.options.pool.slotOf(inner);
    return slot === undefined ? undefined : this.bySlot.get(slot)?.address;
  }

  /** What homes may use of which nothing else was decided. */
  get limits(): InfoLimits {
    return this.allowances.forAll;
  }

  /** Leases in force. */
  get count(): number {
    return this.leased.size;
  }

  /**
   * What a home that asks for a lease, or for more time, is told; a promise where its tunnel is being made.
   * @param address canonical, the one that it comes from. @param legacy by autoygg, which knows no IPv6.
   */
  ask(address: string, request: LeaseRequest, legacy = false): LeaseAnswer | Promise<LeaseAnswer> {
    const { rules, nowMs } = this.options;
    if (addressOf(request.key) !== address) return this.refuse('other_key', 'the key belongs to another address');
    // who is let in waits no more
    const told = this.waiting.get(address)?.told;
    const barred = this.barred(address, request);
    if (barred) return barred;
    const kind = rules.kinds.find(
      (kind) => request.kinds.includes(kind) && (kind !== 'wireguard' || request.wireguard_key !== undefined),
    );
    if (!kind) return this.refuse('no_kind', `it makes tunnels of these kinds: ${rules.kinds.join(', ') || 'none'}`);
    const mtu = tunnelMtu(kind, this.options.machine.meshMtu, request.mesh_mtu);
    const wireguardKey = kind === 'wireguard' ? request.wireguard_key : undefined;
    const terms = { kind, mtu, wireguardKey, legacy };
    const known = this.leased.get(address);
    const lease = known ?? this.begin(address, request, terms, told);
    if ('kind' in lease && !('slot' in lease)) return lease;
    lease.untilMs = nowMs() + rules.leaseMs;
    if (known) this.takeTold(known, request, legacy);
    if (
      known &&
      (known.kind !== kind || known.mtu !== mtu || known.wireguardKey !== wireguardKey || known.legacy !== legacy)
    ) {
      Object.assign(known, terms);
      known.generation++;
      this.make(known);
    }
    const { made } = lease;
    if (!made) return { kind: 'granted', grant: this.grantOf(lease) };
    return new Promise((resolve) => {
      made.push((problem) =>
        resolve(
          problem === undefined
            ? { kind: 'granted', grant: this.grantOf(lease) }
            : this.refuse('busy', 'the tunnel could not be made', AGAIN_S.busy),
        ),
      );
    });
  }

  /** What a home would be told, without more time. */
  look(address: string): LeaseAnswer {
    const barred = this.decided(address);
    if (barred) return barred;
    const lease = this.leased.get(address);
    if (lease && !lease.made) return { kind: 'granted', grant: { ...this.grantOf(lease), use: this.useOf(lease) } };
    const place = [...this.waiting.keys()].indexOf(address) + 1;
    return place > 0 ? this.queued(place) : this.refuse('no_lease', 'there is no lease of this address');
  }

  /** Ends the lease of a home, and its place in the queue. @returns whether there was one. */
  release(address: string): boolean {
    this.waiting.delete(address);
    const lease = this.leased.get(address);
    if (!lease) return false;
    this.end(lease);
    return true;
  }

  /** What the configuration says of homes; what changed is carried out at once. */
  configure(decisions: readonly { address: string; standing: Standing; reason: string }[]): void {
    const before = this.configured;
    this.configured = new Map(decisions.map((decision) => [decision.address, decision]));
    for (const address of new Set([...before.keys(), ...this.configured.keys()])) {
      const [old, now] = [before.get(address), this.configured.get(address)];
      if (old?.standing !== now?.standing || old?.reason !== now?.reason) this.carryOut(address);
    }
  }

  /** Decides on homes, or with `undefined` takes back what was decided: on disk first, then on the machine. @throws Error when it cannot be kept: then nothing of it counts, until the next start at least */
  decideAll(decisions: ReadonlyMap<string, Decision | undefined>): void {
    const since_s = this.options.unixS();
    const changes = new Map<string, StandingRecord | undefined>();
    for (const [address, decision] of decisions) {
      // who brought a home is known whatever is decided on it, until it is forgotten
      const by = decision?.vouched_by ?? this.standings.get(address)?.vouched_by;
      changes.set(address, decision && { address, ...decision, since_s, ...(by !== undefined && { vouched_by: by }) });
    }
    this.options.store.saveStandings(changes);
    for (const [address, record] of changes) {
      if (record) this.standings.set(address, record);
      else this.standings.delete(address);
      this.carryOut(address);
    }
  }

  /** What was decided on a home, the configuration aside. */
  decisionOn(address: string): Decision | undefined {
    const record = this.standings.get(address);
    if (!record) return undefined;
    const { address: _, since_s: __, ...decision } = record;
    return decision;
  }

  /** Whether the configuration decides on it. */
  isConfigured(address: string): boolean {
    return this.configured.has(address);
  }

  /** The key that a home names as its captain's in its lease. */
  captainOf(address: string): string | undefined {
    return this.leased.get(address)?.told?.captain_key;
  }

  /** The neighbourhood that a home says it belongs to. */
  siteOf(address: string): string | undefined {
    return (this.leased.get(address) ?? this.waiting.get(address))?.told?.site;
  }

  /** Homes that are in by a captain's word. */
  vouchedBy(key: string): number {
    return [...this.standings.values()].filter((one) => one.standing === 'admitted' && one.vouched_by === key).length;
  }

  /** Lets a home in by a captain's word. @throws Error as `decideAll` */
  vouch(address: string, key: string, until_s: number | undefined, captain: string): void {
    const decision = { standing: 'admitted', reason: '', ...(until_s !== undefined && { until_s }) } as const;
    this.decideAll(new Map([[address, { ...decision, vouched_by: key }]]));
    this.happened.emit({ did: 'vouched', address, reason: `captain ${captain}` });
  }

  /** What a home is told is another one. */
  touch(address: string): void {
    const lease = this.leased.get(address);
    if (lease) lease.generation++;
    this.changed.emit(address);
  }

  /** Forgets what a home told of its people. */
  forgetTold(address: string): void {
    const forget = (told: LeaseRecord['told']): LeaseRecord['told'] => told && toldIn(told, []);
    const waiter = this.waiting.get(address);
    if (waiter) waiter.told = forget(waiter.told);
    const lease = this.leased.get(address);
    if (!lease) return;
    lease.told = forget(lease.told);
    this.dirty = true;
    this.save();
  }

  /** Leases in force, with what they hold. */
  spans(): HeldSpan[] {
    return [...this.leased.values()].map((lease) => this.spanOf(lease));
  }

  /** Every home that waits, has a lease, or was decided on; those who wait first, in their order. */
  rows(): ClientRow[] {
    const nowMs = this.options.nowMs();
    const rows = [...this.waiting].map(([address, { told }], at): ClientRow => ({ address, told, place: at + 1 }));
    const others = new Set([...this.leased.keys(), ...this.standings.keys(), ...this.configured.keys()]);
    for (const address of [...others].sort()) {
      const lease = this.leased.get(address);
      const decision = this.standingOf(address);
      const limits = this.standings.get(address)?.limits;
      const { quota } = this.allowanceOf(address);
      rows.push({
        address,
        told: lease?.told,
        ...(decision && { standing: decision.standing, reason: decision.reason }),
        ...(decision?.until_s !== undefined && { untilS: decision.until_s }),
        ...(this.configured.has(address) && { configured: true }),
        ...(limits && { limits }),
        ...(quota && { quota }),
        ...(decision?.vouched_by !== undefined && { vouchedBy: decision.vouched_by }),
        ...(lease && {
          lease: {
            ...{ key: lease.key, kind: lease.kind, sinceS: lease.sinceS, home4: this.options.pool.home4(lease.slot) },
            ...(this.hasV6(lease) && { home6: this.options.pool.home6(lease.slot) }),
            ...(lease.block !== undefined && { ports: this.options.pool.ports(lease.block) }),
            leftS: Math.max(0, Math.ceil((lease.untilMs - nowMs) / 1000)),
          },
        }),
      });
    }
    return rows;
  }

  /** Whether the gateway reaches the Internet. */
  setOnline(online: boolean): void {
    if (this.online === online) return;
    this.online = online;
    this.touchAll();
  }

  get isOnline(): boolean {
    return this.online;
  }

  /** The gateway is going to stop, or is not any more. */
  setDrain(drain: Drain | undefined): void {
    this.drain = drain && { atMs: this.options.nowMs() + drain.in_s * 1000, reason: drain.reason };
    this.touchAll();
  }

  drainNow(): Drain | undefined {
    const { drain } = this;
    if (!drain) return undefined;
    const inS = Math.max(0, Math.ceil((drain.atMs - this.options.nowMs()) / 1000));
    return { in_s: inS, reason: drain.reason };
  }

  /**
   * Takes what the machine counted; to be called before what was asked for later is done, and before a change that removes tunnels, for
   * counts go with them. @param told is given what is new of each home, as the home sees the direction.
   */
  takeUse(
    use: ReadonlyMap<number, ClientFlow>,
    told?: (address: string, rxBytes: number, txBytes: number) => void,
  ): void {
    for (const [slot, flow] of use) {
      // who has a slot anew has used nothing before the tunnel of the one before is gone
      const lease = this.going.get(slot) ?? this.leaving.get(slot) ?? this.bySlot.get(slot);
      if (!lease) continue;
      const { flow: before } = lease;
      const more = (now: number, was: number | undefined): number => (was === undefined || now < was ? now : now - was);
      const [rx, tx] = [more(flow.rxBytes, before?.rxBytes), more(flow.txBytes, before?.txBytes)];
      if (rx + tx > 0) this.dirty = true;
      lease.rxBytes += rx;
      lease.txBytes += tx;
      lease.flow = flow;
      told?.(lease.address, tx, rx);
    }
  }

  /** Bytes that are left to the home that is the closest to the end of its volume; Infinity: none is. */
  get leastLeft(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const { address } of this.leased.values()) {
      const { quota } = this.allowanceOf(address);
      if (quota && quota.state !== 'over') least = Math.min(least, quota.bytes - quota.used_bytes);
    }
    return least;
  }

  /** Looks how far homes are with their volume, as the book has it now; who is told, and slowed or turned off, is so at once. */
  weigh(): void {
    for (const lease of this.leased.values()) {
      const { volume: before } = lease;
      this.allow(lease);
      if (lease.volume === before) continue;
      lease.generation++;
      this.pending.switch.add(lease.slot);
      this.work();
      this.changed.emit(lease.address);
    }
  }

  /** To be called every few seconds: ends what is over, looks how far homes are with their volume, tries again what could not be done, and has leases kept. */
  sweep(): void {
    const nowMs = this.options.nowMs();
    this.endAccess();
    for (const lease of [...this.leased.values()]) if (lease.untilMs <= nowMs) this.end(lease);
    for (const [address, { askedMs }] of this.waiting) if (nowMs - askedMs > WAIT_MS) this.waiting.delete(address);
    this.weigh();
    if (!this.working) this.work();
    this.save();
  }

  /** Has leases kept now; tunnels stay, for the daemon that comes after. */
  save(): void {
    if (!this.dirty) return;
    this.dirty = false;
    this.options.store.saveLeases(this.records());
  }

  /** Leases as they are kept. */
  records(): LeaseRecord[] {
    return [...this.leased.values()].map((lease) => ({
      address: lease.address,
      slot: lease.slot,
      ...(lease.block !== undefined && { ports: this.options.pool.ports(lease.block) }),
      kind: lease.kind,
      mtu: lease.mtu,
      ...(lease.wireguardKey !== undefined && { wireguard_key: lease.wireguardKey }),
      ...(lease.legacy && { legacy: true }),
      key: lease.key,
      ...(lease.told && { told: lease.told }),
      since_s: lease.sinceS,
      rx_bytes: lease.rxBytes,
      tx_bytes: lease.txBytes,
      ...(lease.flow && { flow_rx_bytes: lease.flow.rxBytes, flow_tx_bytes: lease.flow.txBytes }),
    }));
  }

  /** Resolves when nothing is left to be done on the machine that can be. */
  async settled(): Promise<void> {
    while (this.working) await this.working;
  }

  // who may

  private standingOf(address: string): Decision | undefined {
    return this.configured.get(address) ?? this.standings.get(address);
  }

  /** What was decided against a home. */
  private decided(address: string): LeaseAnswer | undefined {
    const decision = this.standingOf(address);
    if (decision && decision.standing !== 'admitted')
      return this.refuse(decision.standing, decision.reason, AGAIN_S[decision.standing]);
    const { stopped } = this.allowanceOf(address);
    return stopped === undefined ? undefined : this.refuse('suspended', stopped, AGAIN_S.suspended);
  }

  /** Whether a home's packets are refused, though it may keep its lease. */
  private isCut(address: string): boolean {
    return this.standingOf(address)?.standing === 'suspended' || this.allowanceOf(address).stopped !== undefined;
  }

  /** What a home may use; limits of its own count whatever the configuration says of its standing. */
  private allowanceOf(address: string): Allowance {
    return this.allowances.of(address, this.standings.get(address)?.limits);
  }

  private allowed(address: string): Pick<Lease, 'limits' | 'volume'> {
    const { tunnel, quota } = this.allowanceOf(address);
    return { limits: tunnel, volume: quota?.state };
  }

  /** Has the tunnel of a home kept to what it may use now. */
  private allow(lease: Lease): void {
    const { limits, volume } = this.allowed(lease.address);
    lease.volume = volume;
    const { limits: before } = lease;
    if (LIMIT_NAMES.every((name) => before[name] === limits[name])) return;
    lease.limits = limits;
    this.pending.limit.add(lease.slot);
    this.work();
  }

  /** Why a home gets no lease now. */
  private barred(address: string, request: LeaseRequest): LeaseAnswer | undefined {
    const { rules } = this.options;
    const decided = this.decided(address);
    if (decided) return decided;
    // told once, it need not be told again
    const told = this.leased.get(address)?.told ?? this.waiting.get(address)?.told;
    const missing = rules.asksFor.filter((what) => (request[what] ?? told?.[what] ?? '').trim() === '');
    if (missing.length > 0) {
      const refusal = this.refuse('asks_for', `the operator wants to know: ${missing.join(', ')}`, AGAIN_S.asksFor);
      return { ...refusal, refusal: { ...refusal.refusal, missing } };
    }
    if (this.standingOf(address)) return undefined;
    if (rules.admission === 'open' && (this.leased.has(address) || this.isLet(address))) return undefined;
    if (request.invite !== undefined) {
      const problem = this.comeByInvite(address, request.invite, request.site);
      if (problem === undefined) return undefined;
      if (problem !== '') return this.refuse('busy', problem, AGAIN_S.busy);
    }
    if (rules.admission === 'closed') {
      const words = request.invite === undefined ? '' : 'the invite is not good any more, and ';
      return this.refuse('closed', `${words}nobody new is let in`, AGAIN_S.closed);
    }
    return this.wait(address, request);
  }

  /** Whether a home may come by itself where anybody may: its turn is after those who wait already. */
  private isLet(address: string): boolean {
    const at = [...this.waiting.keys()].indexOf(address);
    return this.options.newcomers?.isLet(address, at < 0 ? this.waiting.size : at) ?? true;
  }

  /** @returns `undefined`: it is let in; empty: the invite is worth nothing; else why it could not be let in. */
  private comeByInvite(address: string, invite: string, site: string | undefined): string | undefined {
    const { invites, dateS, onProblem } = this.options;
    const nowS = dateS();
    try {
      const redeemed = invites.redeem(invite, site, nowS);
      if (!redeemed) return '';
      const { id, accessS, limits } = redeemed;
      const until_s = accessS === undefined || nowS === undefined ? undefined : nowS + accessS;
      const terms = { ...(until_s !== undefined && { until_s }), ...(limits && { limits }) };
      this.decideAll(new Map([[address, { standing: 'admitted', reason: '', ...terms }]]));
      this.happened.emit({ did: 'invited', address, reason: `invite ${id}` });
      return undefined;
    } catch (error) {
      onProblem(`invite: ${errorText(error)}`);
      return 'what was decided cannot be kept now';
    }
  }

  /** Takes back what was decided for a time that is over. */
  private endAccess(): void {
    const nowS = this.options.dateS();
    if (nowS === undefined) return;
    const over = [...this.standings.values()].filter(({ until_s = Number.POSITIVE_INFINITY }) => until_s <= nowS);
    if (over.length === 0) return;
    try {
      this.decideAll(new Map(over.map(({ address }) => [address, undefined])));
    } catch (error) {
      this.options.onProblem(`access that is over: ${errorText(error)}`);
      return;
    }
    for (const { address, standing } of over) this.happened.emit({ did: 'over', address, reason: standing });
  }

  private wait(address: string, request: LeaseRequest): LeaseAnswer {
    const { rules, nowMs } = this.options;
    const known = this.waiting.get(address);
    if (known) known.askedMs = nowMs();
    else {
      if (this.waiting.size >= rules.maxWaiting)
        return this.refuse('queue_full', 'too many wait for the operator already', AGAIN_S.full);
      this.waiting.set(address, { askedMs: nowMs(), told: toldIn(request, rules.asksFor) });
    }
    return this.queued([...this.waiting.keys()].indexOf(address) + 1);
  }

  private queued(place: number): LeaseAnswer {
    const { ask } = this.options.rules;
    return {
      kind: 'waiting',
      waiting: { state: 'waiting', place, waiting: this.waiting.size, retry_after_s: AGAIN_S.waiting, ask },
    };
  }

  private refuse(error: RefusalCode, reason: string, retryAfterS?: number): { kind: 'refused'; refusal: Refusal } {
    return {
      kind: 'refused',
      refusal: { error, reason, ...(retryAfterS !== undefined && { retry_after_s: retryAfterS }) },
    };
  }

  /** A decision on a home is new. */
  private carryOut(address: string): void {
    const standing = this.standingOf(address)?.standing;
    if (standing !== undefined) this.waiting.delete(address);
    const lease = this.leased.get(address);
    if (lease) {
      lease.generation++;
      if (this.isLeft(address)) this.end(lease);
      else {
        this.allow(lease);
        this.pending.switch.add(lease.slot);
        this.work();
      }
    }
    this.changed.emit(address);
  }

  /** Whether a home may not even keep the lease that it has; one that is suspended keeps it, and may go on with it later. */
  private isLeft(address: string): boolean {
    const standing = this.standingOf(address)?.standing;
    return standing === 'refused' || (standing === undefined && this.options.rules.admission !== 'open');
  }

  // leases

  private begin(
    address: string,
    request: LeaseRequest,
    terms: Pick<Lease, 'kind' | 'mtu' | 'wireguardKey' | 'legacy'>,
    toldBefore: LeaseRecord['told'],
  ): Lease | LeaseAnswer {
    const { rules, pool, nowMs, unixS } = this.options;
    if (this.drain) return this.refuse('draining', this.drain.reason || 'it is about to stop', AGAIN_S.full);
    if (this.leased.size >= rules.maxClients) return this.refuse('full', 'it has no room for more homes', AGAIN_S.full);
    if (this.making >= MAX_MAKING || this.fresh.take('', nowMs()) > 0)
      return this.refuse('busy', 'too many ask for a new lease at once', AGAIN_S.busy);
    const slot = pool.slotFor(request.key, (slot) => this.bySlot.has(slot));
    if (slot === undefined) return this.refuse('full', 'it has no address left', AGAIN_S.full);
    const block = this.blockFor(request.key);
    if (block === 'none') return this.refuse('full', 'it has no ports left', AGAIN_S.full);
    const lease: Lease = {
      ...{ address, slot, block, key: request.key, ...terms, untilMs: 0, generation: 1 },
      told: merged(toldBefore, toldIn(request, rules.asksFor)),
      ...{ sinceS: unixS(), rxBytes: 0, txBytes: 0, flow: undefined, made: undefined },
      ...this.allowed(address),
    };
    this.waiting.delete(address);
    if (!this.standingOf(address)) this.options.newcomers?.came(address);
    this.keep(lease);
    this.make(lease);
    this.leasing.emit({ isEnd: false, span: this.spanOf(lease) });
    return lease;
  }

  /** What it tells with a renewal takes the place of what it told before; of its people it need not tell again. */
  private takeTold(lease: Lease, request: LeaseRequest, legacy: boolean): void {
    const { asksFor } = this.options.rules;
    const { site, captain_key, ...personal } = lease.told ?? {};
    const before = toldIn(legacy ? { ...lease.told } : personal, asksFor);
    const now = merged(before, toldIn(request, asksFor));
    if (JSON.stringify(now) === JSON.stringify(lease.told)) return;
    lease.told = now;
    this.dirty = true;
  }

  /** @param ports those that it had, which it keeps. @returns `undefined`: homes have none of their own; `none`: all are given. */
  private blockFor(key: string, ports?: PortRange): number | undefined | 'none' {
    const { pool } = this.options;
    if (pool.blocks === 0) return undefined;
    const had = ports && pool.blockOf(ports);
    if (had !== undefined && !this.blocks.has(had)) return had;
    return pool.blockFor(key, (block) => this.blocks.has(block)) ?? 'none';
  }

  private keep(lease: Lease): void {
    this.leased.set(lease.address, lease);
    this.bySlot.set(lease.slot, lease);
    if (lease.block !== undefined) this.blocks.add(lease.block);
  }

  private make(lease: Lease): void {
    if (!lease.made) this.making++;
    lease.made ??= [];
    // what is to be removed of an earlier lease is removed before, with its counts
    this.pending.add.add(lease.slot);
    this.dirty = true;
    this.work();
  }

  private end(lease: Lease): void {
    this.forget(lease, 'released');
    this.pending.add.delete(lease.slot);
    this.pending.switch.delete(lease.slot);
    this.pending.limit.delete(lease.slot);
    this.pending.remove.add(lease.slot);
    this.work();
    this.changed.emit(lease.address);
  }

  private forget(lease: Lease, why: string): void {
    this.leased.delete(lease.address);
    this.bySlot.delete(lease.slot);
    // one that came and went while another's tunnel was there had none itself
    if (!this.leaving.has(lease.slot)) this.leaving.set(lease.slot, lease);
    if (lease.block !== undefined) this.blocks.delete(lease.block);
    this.dirty = true;
    this.tell(lease, why);
    this.leasing.emit({ isEnd: true, span: this.spanOf(lease) });
  }

  private tell(lease: Lease, problem: string | undefined): void {
    const { made } = lease;
    lease.made = undefined;
    if (!made) return;
    this.making--;
    for (const resolve of made) resolve(problem);
  }

  /** A tunnel could not be made: its lease is none. */
  private fail(slot: number, problem: string): void {
    const lease = this.bySlot.get(slot);
    if (!lease) return;
    this.options.onProblem(`tunnel of ${lease.address}: ${problem}`);
    this.forget(lease, problem);
    this.pending.remove.add(slot);
  }

  private touchAll(): void {
    this.epoch++;
    this.changed.emit(undefined);
  }

  // the machine

  /** Has what is pending done; what comes meanwhile is done together afterwards. */
  private work(): void {
    this.again = this.working !== undefined;
    this.working ??= this.workOff().finally(() => {
      this.working = undefined;
      if (this.again) this.work();
    });
  }

  private async workOff(): Promise<void> {
    await undefined; // whoever asks at the same time comes along
    /** What the next sweep tries again. */
    const later: ClientChange[] = [];
    while (this.hasPending()) {
      const change = this.takePending();
      try {
        const problems = await this.options.plane.change(change);
        for (const { slot } of change.add) {
          const lease = this.bySlot.get(slot);
          const problem = problems.get(slot);
          if (problem !== undefined) this.fail(slot, problem);
          // asked for anew meanwhile: it is made once more
          else if (lease && !this.pending.add.has(slot)) this.tell(lease, undefined);
        }
        const failed = (slots: readonly number[]): number[] => slots.filter((slot) => problems.has(slot));
        this.takeGoing(failed(change.remove));
        const [remove, suspend, resume] = [change.remove, change.suspend, change.resume].map(failed);
        const limit = (change.limit ?? []).filter(({ slot }) => problems.has(slot));
        later.push({ add: [], remove: remove!, suspend: suspend!, resume: resume!, limit });
        for (const slot of [...remove!, ...suspend!, ...resume!, ...limit.map((one) => one.slot)])
          this.options.onProblem(`tunnel ${slot}: ${problems.get(slot)}`);
      } catch (error) {
        this.options.onProblem(errorText(error));
        this.takeGoing(change.remove);
        later.push(change);
        break;
      }
    }
    for (const change of later) this.putBack(change);
  }

  private hasPending(): boolean {
    return Object.values(this.pending).some(({ size }) => size > 0);
  }

  private takePending(): ClientChange {
    const { add, remove, switch: switched, limit: limited } = this.pending;
    const leases = (slots: Set<number>): Lease[] => [...slots].flatMap((slot) => this.bySlot.get(slot) ?? []);
    const standing = (slots: Set<number>): Lease[] => leases(slots).filter(({ slot }) => !add.has(slot));
    const turned = standing(switched);
    const isCut = ({ address }: Lease): boolean => this.isCut(address);
    const change: ClientChange = {
      add: leases(add).map((lease) => this.tunnelOf(lease)),
      remove: [...remove],
      suspend: turned.filter(isCut).map(({ slot }) => slot),
      resume: turned.filter((lease) => !isCut(lease)).map(({ slot }) => slot),
      limit: standing(limited).map(({ slot, limits }) => ({ slot, limits })),
    };
    for (const set of Object.values(this.pending)) set.clear();
    this.going = new Map(this.leaving);
    this.leaving.clear();
    return change;
  }

  /** A change was made. @param failed slots whose tunnels may still be there. */
  private takeGoing(failed: readonly number[]): void {
    for (const slot of failed) {
      const lease = this.going.get(slot);
      if (lease) this.leaving.set(slot, lease);
    }
    this.going = new Map();
  }

  /** Nothing is known of what became of a change: homes that wait for a tunnel are told no, the rest is tried again. */
  private putBack(change: ClientChange): void {
    for (const slot of change.remove) {
      const lease = this.bySlot.get(slot);
      if (!lease) this.pending.remove.add(slot);
      else {
        // the tunnel is another's by now, and counts on
        lease.flow ??= this.leaving.get(slot)?.flow;
        this.leaving.delete(slot);
      }
    }
    for (const slot of [...change.suspend, ...change.resume]) if (this.bySlot.has(slot)) this.pending.switch.add(slot);
    for (const { slot } of change.limit ?? []) if (this.bySlot.has(slot)) this.pending.limit.add(slot);
    for (const { slot } of change.add) {
      const lease = this.bySlot.get(slot);
      if (!lease) continue;
      this.forget(lease, 'failed');
      this.pending.remove.add(slot);
    }
  }

  private tunnelOf(lease: Lease): ClientTunnel {
    const { pool } = this.options;
    const { slot, kind, address, mtu, wireguardKey, limits, block } = lease;
    return {
      slot,
      kind,
      outer: address,
      home4: pool.home4(slot),
      ...(this.hasV6(lease) && { home6: pool.home6(slot) }),
      mtu,
      ...(kind === 'vxlan' && { vni: pool.vni(slot) }),
      ...(wireguardKey !== undefined && { wireguardKey }),
      suspended: this.isCut(address),
      limits,
      ...(block !== undefined && { block }),
    };
  }

  private spanOf(lease: Lease): HeldSpan {
    const { pool } = this.options;
    const { captain_key: _, ...told } = lease.told ?? {};
    return {
      ...{ address: lease.address, home4: pool.home4(lease.slot), from_s: lease.sinceS, ...told },
      ...(this.hasV6(lease) && { home6: pool.home6(lease.slot) }),
      ...(lease.block !== undefined && { ports: pool.ports(lease.block) }),
    };
  }

  private hasV6({ legacy, mtu }: Lease): boolean {
    return this.options.machine.ipv6 && !legacy && mtu >= LEAST_MTU6;
  }

  private grantOf(lease: Lease): Grant {
    const { rules, machine, pool, nowMs } = this.options;
    const { slot, kind, mtu } = lease;
    const six = this.hasV6(lease);
    const dns = rules.dns.length > 0 ? [...rules.dns] : [pool.gateway4, ...(six ? [pool.gateway6] : [])];
    const drain = this.drainNow();
    const report = this.options.reports?.newestOn(lease.address);
    const { quota, limits } = this.allowanceOf(lease.address);
    const leftS = this.accessLeftS(lease.address);
    return {
      state: 'active',
      generation: lease.generation + this.epoch,
      lease_s: Math.max(0, Math.ceil((lease.untilMs - nowMs()) / 1000)),
      terms: {
        kind,
        outer: machine.address,
        home4: pool.home4(slot),
        ...(six && { home6: pool.home6(slot) }),
        gateway4: pool.gateway4,
        ...(six && { gateway6: pool.gateway6 }),
        mtu,
        dns,
        ...(kind === 'vxlan' && { vni: pool.vni(slot), port: rules.vxlanPort }),
        ...(kind === 'wireguard' && { port: rules.wireguardPort, wireguard_key: machine.wireguardKey ?? '' }),
      },
      online: this.online,
      ...(drain && { drain }),
      ...(quota && { quota }),
      ...(Object.keys(limits).length > 0 && { limits }),
      ...(report && { report }),
      ...(leftS !== undefined && { access_left_s: leftS }),
    };
  }

  /** How long a home is let in; `undefined`: for good, or nobody knows, for the clock is wrong. */
  private accessLeftS(address: string): number | undefined {
    const untilS = this.standingOf(address)?.until_s;
    const nowS = this.options.dateS();
    return untilS === undefined || nowS === undefined ? undefined : Math.max(0, untilS - nowS);
  }

  private useOf({ rxBytes, txBytes, sinceS }: Lease): LeaseUse {
    // what the gateway sends is what the home gets
    return { rx_bytes: txBytes, tx_bytes: rxBytes, since_s: Math.max(0, this.options.unixS() - sinceS) };
  }
}

/** What a home told that is to be kept: of its people only what it was asked for. */
function toldIn(
  request: Pick<LeaseRequest, Personal | 'site' | 'captain_key'>,
  asksFor: readonly Personal[],
): LeaseRecord['told'] {
  const given = [...asksFor, 'site' as const, 'captain_key' as const].flatMap((name) => {
    const value = request[name];
    return value === undefined || value === '' ? [] : [[name, value] as const];
  });
  return given.length > 0 ? Object.fromEntries(given) : undefined;
}

/** Of two, what the later told counts. */
function merged(before: LeaseRecord['told'], later: LeaseRecord['told']): LeaseRecord['told'] {
  return before || later ? { ...before, ...later } : undefined;
}
