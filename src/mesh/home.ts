// A home by its lease: which gateway is used, and when that changes. No I/O and no clock of its own.
//
// Whoever drives it calls `next` for what is to be done now, does it, and tells by `done` what came of it. What is wanted is compared with
// what the machine was last told, so that nothing is left half done, whatever fails, and a daemon that starts goes on from there.

import type { Grant, LeaseRequest } from '../api/lease.ts';
import { InputError } from '../errors.ts';
import { GATEWAY_PACE, type Gateway, type GatewayName, type GatewayPace, Gateways } from './gateway.ts';
import { HELD_LEASE_PACE, HeldLease, type HeldLeasePace } from './held-lease.ts';
import {
  type CheckAct,
  type CheckResult,
  type GatewayAct,
  type Heard,
  type HomeAct,
  type HomeOutcome,
  type HomeRecord,
  isPlaneAct,
  isPlaneName,
  isSameTerms,
  nameOf,
  type PlaneAct,
} from './home-act.ts';
import { HomePlane } from './home-plane.ts';
import { type HomeView, type LeaseMode, type Situation, situationOf, troubleOf } from './home-situation.ts';
import type { LeaseAnswer } from './lease-message.ts';
import { LIVENESS_PACE, Liveness, type LivenessPace } from './liveness.ts';
import type { Flow, Slot, TunnelAbility } from './tunnel.ts';

/** Milliseconds. */
export interface HomePace extends GatewayPace, HeldLeasePace, LivenessPace {
  /** Several gateways are asked at the same time, one after the other so far apart. */
  readonly staggerMs: number;
  /** A trial that finds no gateway ends after this. */
  readonly findMs: number;
  /** Who is let in after so long is not there any more to confirm a trial. */
  readonly patienceMs: number;
  /** How often the exit is tested: during a trial, and afterwards while something is wrong with it. */
  readonly testMs: number;
  readonly retestMs: number;
  /** How old a test may be for a confirmation. */
  readonly testedMs: number;
  /** A tunnel that was prepared for nothing is kept for so long. */
  readonly spareMs: number;
  /** A return to a preferred gateway that did not last for so long has failed. */
  readonly returnMs: number;
  /** How long a look at the gateways lasts, and how old their infos may be meanwhile. */
  readonly lookMs: number;
  readonly lookedMs: number;
}

export const HOME_PACE: HomePace = {
  ...GATEWAY_PACE,
  ...HELD_LEASE_PACE,
  ...LIVENESS_PACE,
  staggerMs: 1500,
  findMs: 60_000,
  patienceMs: 300_000,
  testMs: 15_000,
  retestMs: 300_000,
  testedMs: 40_000,
  spareMs: 30_000,
  returnMs: 600_000,
  lookMs: 30_000,
  lookedMs: 60_000,
};

export const TRIAL_SECONDS = { least: 30, usual: 90, most: 600 } as const;
export const LET_OUT_SECONDS = { least: 60, most: 3600 } as const;
/** Gateways that are asked at the same time. */
const MAX_ASKS = 3;
/** Packets were sent so lately that the tunnel is in use, milliseconds. */
const BUSY_MS = 10_000;

interface HomeTrial {
  readonly seconds: number;
  readonly begunMs: number;
  /** The one gateway that is tried; absent: any. */
  readonly only: string | undefined;
  /** Since its tunnel is in use. */
  endMs: number | undefined;
  confirmed: boolean;
}

/** The lease in use, how long it lasts, and how long this home is let in. */
export interface LeaseNow {
  readonly gateway: Gateway;
  readonly grant: Grant;
  readonly leftS: number;
  /** Absent: no end was told. */
  readonly accessLeftS: number | undefined;
}

/** The lease of one home. Times are monotonic. */
export class Home {
  readonly gateways: Gateways;
  private readonly plane: HomePlane;
  private readonly leases = new Map<string, HeldLease>();
  private mode: LeaseMode = 'off';
  private trial: HomeTrial | undefined;
  private ending: Omit<Situation, 'state'> | undefined;
  private meshUp = false;
  /** The own key is known: gateways can be asked. */
  private canAsk = false;
  /** Addresses: in use, and being prepared. */
  private active: string | undefined;
  private activeMs = 0;
  /** It was gone back to, for it is preferred. */
  private returned = false;
  private spare: string | undefined;
  private spareMs = 0;
  /** To be told that their lease is not wanted any more. */
  private readonly leaving = new Set<string>();
  private life: Liveness | undefined;
  private test: { readonly atMs: number; readonly result: CheckResult } | undefined;
  private letOutEnd: { readonly untilMs: number; readonly whileBlocked: boolean } | undefined;
  /** Names of acts under way. */
  private readonly running = new Set<string>();
  private askedMs = Number.NEGATIVE_INFINITY;
  private lookedMs = Number.NEGATIVE_INFINITY;
  private shown: { situation: Situation; sinceMs: number } | undefined;

  /**
   * @param record of an earlier daemon.
   * @param enabled as configured.
   * @param random uniform in [0, 1).
   */
  constructor(
    record: HomeRecord | undefined,
    private enabled: boolean,
    private readonly pace: HomePace,
    private readonly random: () => number,
    nowMs: number,
  ) {
    this.gateways = new Gateways(pace, random);
    // nobody can confirm any more what an earlier daemon tried, and what was switched off meanwhile is to go; what is switched on is never
    // undone, for that would open the own line
    this.plane = new HomePlane(!enabled && record !== undefined && record.mode !== 'asking');
    if (enabled) {
      this.mode = 'kept';
      if (record?.mode === 'kept' && record.lease) this.adopt(record.lease, nowMs);
    } else if (record?.mode === 'asking') this.beginTrial(undefined, TRIAL_SECONDS.usual, nowMs);
  }

  // what people and others want

  /** The gateways as they are named now. */
  setGateways(names: readonly GatewayName[]): void {
    this.gateways.set(names);
    for (const address of [...this.leases.keys()]) if (!this.gateways.find(address)) this.forget(address);
  }

  /** As configured. */
  setEnabled(enabled: boolean): void {
    if (this.enabled === enabled) return;
    this.enabled = enabled;
    if (enabled && this.mode !== 'kept') {
      this.mode = 'kept';
      this.trial = undefined;
      this.gateways.retry(true);
    } else if (!enabled && this.mode === 'kept') this.stop('off');
  }

  /** Yggdrasil answers, or has a new peer; or it does not any more. @param known the own key is known, if only from before. */
  setMesh(up: boolean, known: boolean): void {
    this.meshUp = up;
    this.canAsk = known;
    if (up) this.gateways.retry();
  }

  /** Begins a trial. @throws InputError */
  connect(which: string | undefined, seconds: number, nowMs: number): void {
    const { least, most } = TRIAL_SECONDS;
    if (!(seconds >= least && seconds <= most))
      throw new InputError(`seconds: expected ${least} to ${most}, got ${seconds}`, 'seconds');
    if (this.mode === 'kept') throw new InputError('it is switched on already: choose another gateway instead');
    if (this.mode === 'trial') throw new InputError('a trial is under way already: confirm it or undo it first');
    if (this.gateways.list().length === 0) throw new InputError('no gateway is known: name one first');
    this.beginTrial(which === undefined ? undefined : this.named(which).address, seconds, nowMs);
  }

  /** Keeps what is on trial. @throws InputError when there is no trial, or its last test failed. */
  confirm(nowMs: number): void {
    if (this.trial?.endMs === undefined || this.active === undefined) throw new InputError('nothing is on trial');
    const { test } = this;
    if (!test || nowMs - test.atMs > this.pace.testedMs)
      throw new InputError('it is still being tested: try again in a few seconds');
    const { carries, ipv4, problem } = test.result;
    if (!carries || ipv4 === false)
      throw new InputError(`the test failed: ${problem ?? 'the Internet was not reached'}`);
    this.trial.confirmed = true;
  }

  /** Ends a trial, and undoes what it did. @throws InputError when there is none. */
  undo(): void {
    if (this.mode !== 'trial') throw new InputError('nothing is on trial');
    this.stop('undone');
  }

  /** Switches off: the own line serves again. @throws InputError when it is off. */
  release(): void {
    if (this.mode === 'off') throw new InputError('it is switched off already');
    this.stop('off');
  }

  /** Prefers a gateway until the daemon ends; empty: none. @throws InputError */
  choose(which: string): void {
    this.gateways.choose(which === '' ? undefined : this.named(which).address);
  }

  /** Lets devices out by the own line for a while; 0 ends that. @throws InputError */
  letOut(seconds: number, nowMs: number): void {
    const { least, most } = LET_OUT_SECONDS;
    if (seconds !== 0 && !(seconds >= least && seconds <= most))
      throw new InputError(`seconds: expected 0, or ${least} to ${most}, got ${seconds}`, 'seconds');
    if (this.mode !== 'kept') throw new InputError('it is not switched on: the own line serves anyway');
    const whileBlocked = this.active === undefined;
    this.letOutEnd = seconds === 0 ? undefined : { untilMs: nowMs + seconds * 1000, whileBlocked };
  }

  /** Asks all again, those that said no, too. */
  askAgain(): void {
    this.gateways.retry(true);
  }

  /** Somebody looks: what is known of gateways is kept fresh for a while. */
  looked(nowMs: number): void {
    this.lookedMs = nowMs;
  }

  // the tunnel in use

  /** The slot whose counters are wanted. */
  get usedSlot(): Slot | undefined {
    return this.life && this.plane.used?.slot;
  }

  /** Takes them. @returns whether it is busy, so that they are wanted soon again. */
  sample(flow: Flow | undefined, nowMs: number): boolean {
    this.life?.sample(flow, nowMs);
    return this.life !== undefined && nowMs - this.life.sentMs < BUSY_MS;
  }

  // what is to be done

  /** What is to be done now, each thing once; `record` is to be kept before it is done. */
  next(nowMs: number): HomeAct[] {
    this.judge(nowMs);
    const acts: HomeAct[] = [];
    const add = (act: HomeAct | undefined): void => {
      if (!act || this.running.has(nameOf(act))) return;
      this.running.add(nameOf(act));
      acts.push(act);
    };
    for (const act of this.canAsk ? this.network(nowMs) : []) add(act);
    const isOn = this.mode !== 'off' || this.plane.undoing;
    if (isOn && ![...this.running].some(isPlaneName)) add(this.plane.next(this.want(), nowMs));
    return acts;
  }

  /** When `next` is to be called again if nothing happens; Infinity: never. */
  nextMs(nowMs: number): number {
    const { trial, pace, test } = this;
    const isBusy = this.mode !== 'off' || !this.plane.isClean || nowMs - this.lookedMs < pace.lookMs;
    if (!isBusy) return Number.POSITIVE_INFINITY;
    const times = [
      trial?.endMs,
      trial && trial.begunMs + pace.findMs,
      this.letOutEnd?.untilMs,
      this.plane.retryMs(nowMs),
      this.spare === undefined ? undefined : this.spareMs + pace.spareMs,
      this.gateways.nextMs(nowMs, this.active),
      this.asking().length > 0 ? this.askedMs + pace.staggerMs : undefined,
      test && test.atMs + pace.testMs,
      ...[...this.leases.values()].flatMap(({ timesMs }) => timesMs),
      // infos grow old, and looks end, without anybody telling
      nowMs + pace.lookMs,
    ];
    return times.reduce<number>(
      (least, atMs) => (atMs !== undefined && atMs > nowMs ? Math.min(least, atMs) : least),
      nowMs + pace.lookMs,
    );
  }

  /** What outlives the daemon; `undefined`: nothing has to. */
  record(): HomeRecord | undefined {
    const { plane, mode } = this;
    if (mode === 'off' || plane.undoing) return plane.isClean ? undefined : { mode: 'trial' };
    if (mode === 'trial') return { mode: plane.isClean && this.spare === undefined ? 'asking' : 'trial' };
    const lease = this.active === undefined ? undefined : this.leases.get(this.active);
    const slot = plane.slotOf(this.active);
    if (!lease || slot === undefined) return { mode: 'kept' };
    const { lease_s, terms } = lease.grant;
    return { mode: 'kept', lease: { address: lease.address, slot, lease_s, terms } };
  }

  /** What came of an act that `next` gave. */
  done(act: HomeAct, outcome: HomeOutcome, nowMs: number): void {
    this.running.delete(nameOf(act));
    const problem = outcome instanceof Error ? outcome.message : undefined;
    if (isPlaneAct(act)) this.planeDone(act, problem, outcome, nowMs);
    else if (act.kind === 'check')
      this.checked(act, problem === undefined ? (outcome as CheckResult) : { carries: false, problem }, nowMs);
    else if (problem !== undefined) this.unanswered(act, problem, nowMs);
    else if (act.kind !== 'release') this.heard(act, outcome as Heard, nowMs);
  }

  // how it is

  /** How it is, and since when. */
  situation(nowMs: number): Situation & { readonly sinceMs: number } {
    const situation = situationOf(this.view(nowMs));
    const { shown } = this;
    const isSame = shown?.situation.id === situation.id && shown.situation.state === situation.state;
    const sinceMs = isSame ? shown.sinceMs : nowMs;
    this.shown = { situation, sinceMs };
    return { ...situation, sinceMs };
  }

  get currentMode(): LeaseMode {
    return this.mode;
  }

  leaseNow(nowMs: number): LeaseNow | undefined {
    const lease = this.active === undefined ? undefined : this.leases.get(this.active);
    const gateway = this.gateways.find(this.active);
    if (!lease || !gateway) return undefined;
    const accessLeftS = lease.accessUntilMs === undefined ? undefined : secondsTo(lease.accessUntilMs, nowMs);
    return { gateway, grant: lease.grant, leftS: secondsTo(lease.untilMs, nowMs), accessLeftS };
  }

  /** Whether the kill switch holds. */
  get isBlocking(): boolean {
    return this.plane.blocked === true;
  }

  /** What the last test of the exit found. */
  get tested(): CheckResult | undefined {
    return this.test?.result;
  }

  trialLeftS(nowMs: number): number | undefined {
    const endMs = this.trial?.endMs;
    return endMs === undefined ? undefined : secondsTo(endMs, nowMs);
  }

  letOutLeftS(nowMs: number): number | undefined {
    return this.letOutEnd && secondsTo(this.letOutEnd.untilMs, nowMs);
  }

  /** What part a gateway has now. */
  roleOf(address: string): 'in_use' | 'next' | undefined {
    if (address === this.active) return 'in_use';
    return address === this.spare ? 'next' : undefined;
  }

  /** What tunnels this router can make; `undefined`: not known yet. */
  get ability(): TunnelAbility | undefined {
    return this.plane.ability;
  }

  /** What is asked of a gateway, but for what it wants to know of people. @throws Error while it is not known what tunnels can be made. */
  request(gateway: GatewayName, key: string, software: string): LeaseRequest {
    const { ability } = this;
    if (!ability) throw new Error('it is not known yet what tunnels this router can make');
    const able = ability.kinds.filter(({ problem }) => problem === undefined).map(({ kind }) => kind);
    const kinds = gateway.kind === undefined ? able : able.filter((kind) => kind === gateway.kind);
    const { meshMtu: mesh_mtu, wireguardKey } = ability;
    return { key, kinds, mesh_mtu, software, ...(wireguardKey !== undefined && { wireguard_key: wireguardKey }) };
  }

  // decisions

  /** Times that are over, and tunnels that died. */
  private judge(nowMs: number): void {
    const { trial, letOutEnd, active, spare, pace } = this;
    if (letOutEnd && (nowMs >= letOutEnd.untilMs || (letOutEnd.whileBlocked && active !== undefined)))
      this.letOutEnd = undefined;
    if (trial?.endMs !== undefined && !trial.confirmed && nowMs >= trial.endMs) this.stop('trial_over');
    if (trial && trial.endMs === undefined && nowMs >= trial.begunMs + pace.findMs) this.giveUp();
    for (const { address, untilMs } of [...this.leases.values()])
      if (nowMs >= untilMs) this.lose(address, 'the lease ended and could not be renewed', nowMs);
    if (this.active !== undefined && this.life?.life === 'dead')
      this.lose(this.active, 'its tunnel does not carry any more', nowMs);
    // prepared for nothing: the one in use has recovered
    if (spare !== undefined && nowMs >= this.spareMs + pace.spareMs && !this.needsAnother(nowMs)) this.forget(spare);
    for (const address of [this.active, this.spare]) {
      const lease = address === undefined ? undefined : this.leases.get(address);
      if (lease) this.plane.plan(lease.address, lease.grant.terms, this.active);
    }
    this.promote(nowMs);
  }

  /** The prepared tunnel is used where it carries, and there is none, or one that is to be left. */
  private promote(nowMs: number): void {
    const { spare, active: left } = this;
    if (spare === undefined || this.plane.tunnelOf(spare)?.state !== 'good') return;
    if (left !== undefined && this.reasonToMove(nowMs) === undefined) return;
    const [mine, other] = [this.gateways.find(left), this.gateways.find(spare)];
    this.returned = mine !== undefined && other !== undefined && other.name.preference < mine.name.preference;
    if (left !== undefined) this.forget(left);
    this.active = spare;
    this.activeMs = nowMs;
    this.spare = undefined;
    this.life = undefined;
    this.test = undefined;
  }

  /** Why the gateway in use, which carries, is to be left for another one. */
  private reasonToMove(nowMs: number): 'drain' | 'offline' | 'better' | undefined {
    const lease = this.active === undefined ? undefined : this.leases.get(this.active);
    if (!lease) return undefined;
    if (lease.leaveMs !== undefined && nowMs >= lease.leaveMs) return 'drain';
    if (!lease.grant.online) return 'offline';
    return this.target(nowMs) ? 'better' : undefined;
  }

  /** The gateway that is better than the one in use. */
  private target(nowMs: number): Gateway | undefined {
    if (this.active === undefined || this.mode !== 'kept') return undefined;
    const chosen = this.gateways.find(this.gateways.chosenAddress);
    if (!chosen || chosen.address === this.active) return this.gateways.better(this.active, nowMs);
    return chosen.notBeforeMs <= nowMs ? chosen : undefined;
  }

  private needsAnother(nowMs: number): boolean {
    return this.active === undefined || this.isSuspect || this.reasonToMove(nowMs) !== undefined;
  }

  private get isSuspect(): boolean {
    return this.life?.life === 'suspect';
  }

  private want() {
    const { mode, trial, letOutEnd, active, spare } = this;
    const isOnTrial = trial?.endMs !== undefined || active !== undefined;
    const block = mode === 'kept' ? letOutEnd === undefined : mode === 'trial' && isOnTrial ? true : undefined;
    return { block, active, spare, keep: trial?.confirmed === true };
  }

  private network(nowMs: number): (HomeAct | undefined)[] {
    const released = [...this.leaving].map((address): GatewayAct | undefined => {
      const gateway = this.gateways.find(address)?.name;
      return gateway && { kind: 'release', gateway };
    });
    this.leaving.clear();
    return [...released, ...this.upkeep(nowMs), this.askDue(nowMs), this.informDue(nowMs), this.checkDue(nowMs)];
  }

  /** What leases in force need. */
  private upkeep(nowMs: number): GatewayAct[] {
    if (!this.ability) return [];
    return [...this.leases.values()].flatMap(({ address, grant, renewMs, watchMs }): GatewayAct[] => {
      const gateway = this.gateways.find(address)?.name;
      if (!gateway) return [];
      const { generation } = grant;
      return [
        ...(nowMs >= renewMs ? [{ kind: 'renew', gateway } as const] : []),
        ...(address === this.active && nowMs >= watchMs ? [{ kind: 'watch', gateway, generation } as const] : []),
      ];
    });
  }

  /** Whom to ask for a lease now. */
  private askDue(nowMs: number): GatewayAct | undefined {
    const { trial, active } = this;
    if (this.mode === 'off' || this.plane.undoing || !this.ability || this.spare !== undefined) return undefined;
    if (trial && active !== undefined) return undefined;
    const reason = this.reasonToMove(nowMs);
    const isUrgent = active === undefined || this.isSuspect;
    if (!isUrgent && !reason) return undefined;
    const asked = this.asking();
    if (asked.length >= (isUrgent ? MAX_ASKS : 1)) return undefined;
    if (asked.length > 0 && nowMs - this.askedMs < this.pace.staggerMs) return undefined;
    const only = reason === 'better' && !this.isSuspect ? this.target(nowMs)?.address : trial?.only;
    const one = this.gateways
      .candidates(nowMs, active)
      .find(({ address }) => !asked.includes(address) && (only === undefined || address === only));
    if (!one) return undefined;
    this.askedMs = nowMs;
    return { kind: 'ask', gateway: one.name };
  }

  /** Whose info is too old. */
  private informDue(nowMs: number): GatewayAct | undefined {
    const { lookMs, lookedMs, infoMs } = this.pace;
    const isLooked = nowMs - this.lookedMs < lookMs;
    // while nothing is in use they are asked for a lease anyway
    if (!isLooked && (this.mode !== 'kept' || this.active === undefined)) return undefined;
    if ([...this.running].some((name) => name.startsWith('inform '))) return undefined;
    const stale = this.gateways.stale(nowMs, isLooked ? lookedMs : infoMs, isLooked ? undefined : this.active);
    return stale && { kind: 'inform', gateway: stale.name };
  }

  /** The check that is due: of what is being prepared, of what is in use, of the exit. */
  private checkDue(nowMs: number): CheckAct | undefined {
    for (const address of [this.spare, this.active]) {
      const tunnel = this.plane.tunnelOf(address);
      const gateway = this.gateways.find(address)?.name;
      if (!tunnel || !gateway) continue;
      const check = { kind: 'check', gateway, terms: tunnel.terms } as const;
      if (tunnel.state === 'built') return { ...check, depth: 'tunnel' };
      if (address !== this.active || !this.life) continue;
      if (this.life.isDue(nowMs)) return { ...check, depth: 'probe' };
      if (this.isTestDue(nowMs)) return { ...check, depth: 'exit' };
    }
    return undefined;
  }

  private isTestDue(nowMs: number): boolean {
    const { test, pace } = this;
    if (!test) return true;
    const isWeak = !test.result.carries || test.result.ipv4 === false || test.result.ipv6 === false;
    return nowMs - test.atMs >= (this.trial ? pace.testMs : isWeak ? pace.retestMs : Number.POSITIVE_INFINITY);
  }

  // what came of it

  private heard(act: GatewayAct, { answer, latencyMs, info }: Heard, nowMs: number): void {
    const { address } = act.gateway;
    if (info) {
      this.gateways.informed(address, info, latencyMs, nowMs);
      this.gateways.compare(address, this.active);
    } else if (act.kind !== 'watch') this.gateways.measured(address, latencyMs, nowMs);
    if (!answer) return;
    if (act.kind === 'ask') this.answered(address, answer, nowMs);
    else if (act.kind === 'renew') this.renewed(address, answer, nowMs);
    else if (act.kind === 'watch') this.told(address, answer, nowMs);
  }

  /** An answer to who asked for a lease. */
  private answered(address: string, answer: LeaseAnswer, nowMs: number): void {
    if (answer.kind === 'waiting') this.gateways.waits(address, answer.waiting, nowMs);
    else if (answer.kind === 'refused') this.gateways.refused(address, answer.refusal, nowMs);
    else {
      this.gateways.granted(address);
      // another one was faster, or nobody wants it any more
      const isWanted = this.mode !== 'off' && this.spare === undefined && this.needsAnother(nowMs);
      if (!isWanted || this.isTooLate(address, nowMs)) {
        if (!this.leases.has(address)) this.leaving.add(address);
        return;
      }
      const lease = new HeldLease(address, this.settled(answer.grant), this.pace, this.random, nowMs);
      this.leases.set(address, lease);
      lease.drains(answer.grant.drain, nowMs);
      this.spare = address;
      this.spareMs = nowMs;
    }
  }

  /** An answer to who asked for more time. */
  private renewed(address: string, answer: LeaseAnswer, nowMs: number): void {
    const lease = this.leases.get(address);
    // given up meanwhile
    if (!lease) return;
    if (answer.kind === 'granted') {
      this.change(lease, answer.grant, nowMs);
      lease.extend(nowMs);
      this.gateways.granted(address);
    } else if (answer.kind === 'refused' && isPassing(answer.refusal.error)) lease.renewLater(nowMs);
    else this.bar(address, answer, nowMs);
  }

  /** An answer to who watches a lease. */
  private told(address: string, answer: LeaseAnswer, nowMs: number): void {
    const lease = this.leases.get(address);
    if (!lease) return;
    if (answer.kind === 'granted') {
      this.change(lease, answer.grant, nowMs);
      if (answer.grant.held === false) lease.poll(nowMs);
      else lease.watchMs = nowMs;
    } else if (answer.kind === 'refused' && answer.refusal.error === 'no_lease') {
      // the gateway has forgotten it: it is asked for anew at once
      lease.renewMs = nowMs;
      lease.watchLater(nowMs);
    } else if (answer.kind === 'refused' && isPassing(answer.refusal.error)) lease.poll(nowMs);
    else this.bar(address, answer, nowMs);
  }

  /** A lease is none any more, for its operator says so. */
  private bar(address: string, answer: Exclude<LeaseAnswer, { kind: 'granted' }>, nowMs: number): void {
    if (answer.kind === 'waiting') this.gateways.waits(address, answer.waiting, nowMs);
    else this.gateways.refused(address, answer.refusal, nowMs);
    this.leases.delete(address);
    this.leave(address);
  }

  private change(lease: HeldLease, grant: Grant, nowMs: number): void {
    lease.take(this.settled(grant), nowMs);
    lease.drains(grant.drain, nowMs);
  }

  private settled(grant: Grant): Grant {
    return { ...grant, terms: this.plane.agreed(grant.terms) };
  }

  /** Who waited long for the operator is not there to confirm a trial: so it is only told that it may begin. */
  private isTooLate(address: string, nowMs: number): boolean {
    const { trial } = this;
    if (!trial || trial.endMs !== undefined || nowMs - trial.begunMs < this.pace.patienceMs) return false;
    this.stop('admitted', { gateway: this.gateways.find(address)?.name.name ?? address });
    return true;
  }

  private unanswered(act: GatewayAct, problem: string, nowMs: number): void {
    const { address } = act.gateway;
    const lease = this.leases.get(address);
    if (act.kind === 'renew') lease?.renewLater(nowMs);
    else if (act.kind === 'watch') lease?.watchLater(nowMs);
    else if (act.kind !== 'release' && address !== this.active) this.gateways.failed(address, problem, nowMs);
  }

  private checked({ gateway, terms, depth }: CheckAct, result: CheckResult, nowMs: number): void {
    const { address } = gateway;
    const tunnel = this.plane.tunnelOf(address);
    // another one meanwhile
    if (!tunnel || !isSameTerms(tunnel.terms, terms)) return;
    if (tunnel.state === 'built') {
      if (result.carries) tunnel.state = 'good';
      else this.lose(address, result.problem ?? 'its tunnel does not carry', nowMs);
    } else if (address === this.active) {
      if (depth === 'exit') this.test = { atMs: nowMs, result };
      else this.life?.probed(result.carries, nowMs);
    }
  }

  private planeDone(act: PlaneAct, problem: string | undefined, outcome: HomeOutcome, nowMs: number): void {
    const { plane, trial } = this;
    if (problem !== undefined) {
      const address = plane.failed(act, problem, nowMs);
      // a tunnel that cannot be made speaks against its gateway: another one may do
      if (address !== undefined) this.lose(address, problem, nowMs);
      if (act.kind === 'keep' && trial) trial.confirmed = false;
      return;
    }
    const { used } = plane;
    plane.did(act, outcome as TunnelAbility);
    if (act.kind === 'use') {
      if (act.slot === undefined) this.life = undefined;
      else if (used?.slot !== act.slot || !this.life) this.life = new Liveness(this.pace, nowMs);
      if (act.slot !== undefined && trial) trial.endMs ??= nowMs + trial.seconds * 1000;
    } else if (act.kind === 'keep' && trial) {
      this.mode = 'kept';
      this.enabled = true;
      this.trial = undefined;
    }
  }

  // small steps

  private named(which: string): Gateway {
    const gateway = this.gateways.find(which);
    if (!gateway) throw new InputError(`gateway: no gateway ${JSON.stringify(which.slice(0, 64))}`, 'gateway');
    return gateway;
  }

  private beginTrial(only: string | undefined, seconds: number, nowMs: number): void {
    this.mode = 'trial';
    this.ending = undefined;
    this.trial = { seconds, begunMs: nowMs, only, endMs: undefined, confirmed: false };
    this.gateways.retry(true);
  }

  /** A trial has found nothing in its time; where an operator has to decide, it goes on. */
  private giveUp(): void {
    if (this.active !== undefined || this.spare !== undefined || this.asking().length > 0) return;
    if (this.gateways.list().some(({ state }) => state === 'waiting')) return;
    const { id, values } = troubleOf({
      meshUp: this.meshUp,
      problem: this.plane.problem,
      gateways: this.gateways.list(),
    });
    this.stop(`trial_${id}`, values);
  }

  private stop(id: string, values: Situation['values'] = {}): void {
    this.mode = 'off';
    this.enabled = false;
    this.trial = undefined;
    this.letOutEnd = undefined;
    this.ending = { id, values };
    this.plane.undo();
    for (const address of [...this.leases.keys()]) this.forget(address);
  }

  /** A gateway does not serve any more: it is left, and asked again later. */
  private lose(address: string, problem: string, nowMs: number): void {
    const isReturn = address === this.active && this.returned && nowMs - this.activeMs < this.pace.returnMs;
    this.gateways.failed(address, problem, nowMs);
    if (isReturn) this.gateways.returnFailed(address);
    this.forget(address);
  }

  /** What was prepared or used is not wanted any more. */
  private forget(address: string): void {
    if (this.leases.delete(address)) this.leaving.add(address);
    this.leave(address);
  }

  private leave(address: string): void {
    if (this.active === address) {
      this.active = undefined;
      this.life = undefined;
      this.test = undefined;
    }
    if (this.spare === address) this.spare = undefined;
  }

  private adopt({ address, slot, lease_s, terms }: NonNullable<HomeRecord['lease']>, nowMs: number): void {
    const grant: Grant = { state: 'active', generation: 0, lease_s, terms, online: true };
    const lease = new HeldLease(address, grant, this.pace, this.random, nowMs);
    lease.adopt(nowMs);
    this.leases.set(address, lease);
    this.plane.adopt(slot, address, terms);
    this.active = address;
    this.activeMs = nowMs;
  }

  private asking(): string[] {
    return [...this.running].filter((name) => name.startsWith('ask ')).map((name) => name.slice(4));
  }

  private view(nowMs: number): HomeView {
    const { plane, gateways } = this;
    const slot = plane.slotOf(this.active);
    const isUsed = slot !== undefined && plane.used?.slot === slot;
    const lease = this.active === undefined ? undefined : this.leases.get(this.active);
    return {
      mode: this.mode,
      ending: this.ending,
      undoing: plane.undoing,
      letOutLeftS: this.letOutLeftS(nowMs),
      trialLeftS: this.trialLeftS(nowMs),
      gateways: gateways.list(),
      active: isUsed ? gateways.find(this.active) : undefined,
      preparing: gateways.find(this.spare ?? this.active),
      grant: lease?.grant,
      accessLeftS: this.leaseNow(nowMs)?.accessLeftS,
      renewals: lease?.failures ?? 0,
      suspect: this.isSuspect,
      test: this.test?.result,
      asking: this.asking().length > 0,
      meshUp: this.meshUp,
      problem: plane.problem,
    };
  }
}

/** Refusals that say nothing against a lease that is in force. */
function isPassing(error: string): boolean {
  return ['too_often', 'busy', 'full', 'queue_full', 'draining', 'malformed', 'unknown'].includes(error);
}

function secondsTo(atMs: number, nowMs: number): number {
  return Math.max(0, Math.ceil((atMs - nowMs) / 1000));
}
