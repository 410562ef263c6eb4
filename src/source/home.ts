// The life of a home's lease: does what mesh/home.ts decides, in time, and shows how it is.

import type { GatewayView, LeaseStatus, TestStatus } from '../api/lease-object.ts';
import { errorText, InputError } from '../errors.ts';
import { inTime } from '../lib/in-time.ts';
import type { Log } from '../log.ts';
import type { Gateway, GatewayName } from '../mesh/gateway.ts';
import { HOME_PACE, Home, type HomePace, TRIAL_SECONDS } from '../mesh/home.ts';
import { type HomeAct, type HomeOutcome, type HomeRecord, isPlaneAct, type PlaneAct } from '../mesh/home-act.ts';
import { describe } from '../mesh/home-words.ts';
import type { RoutePlane, TunnelPlane } from '../mesh/tunnel.ts';
import type { InternetFact } from '../mesh/verdict.ts';
import type { Cancel, Clock, Streams } from '../transport/host.ts';
import { GatewaySource, type Household } from './gateway.ts';
import { SelfTest } from './self-test.ts';
import { checkTunnel } from './tunnel-check.ts';

/** Keeps the record where it outlives the daemon but not a power-cycle. */
export interface HomeStore {
  load(): HomeRecord | undefined;
  save(record: HomeRecord | undefined): void;
}

export interface HomeSourceOptions {
  readonly streams: Pick<Streams, 'dial'>;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  random(): number;
  readonly tunnels: TunnelPlane;
  readonly routes: RoutePlane;
  readonly store: HomeStore;
  readonly log: Log;
  /** Key and address of this router's Yggdrasil, once they are known. */
  identity(): { readonly key: string; readonly address: string } | undefined;
  household(): Household;
  readonly software: string;
  /** How it is has changed. */
  onChange(status: LeaseStatus): void;
  readonly pace?: HomePace;
}

/** Longest that the machine is waited for; and where it has its own programs do something, one after the other. */
const PLANE_MS = 10_000;
const SLOW_MS = 60_000;
const SLOW: readonly PlaneAct['kind'][] = ['build', 'keep', 'undo'];
/** Between two looks at the counters: while packets are sent, and while none are. */
const BUSY_SAMPLE_MS = 500;
const IDLE_SAMPLE_MS = 1000;

/** The lease of this home, on or off. While it is off and nobody looks, it holds no timer. */
export class HomeSource {
  private readonly home: Home;
  private readonly gateways: GatewaySource;
  private readonly selfTest: SelfTest;
  private timer: Cancel | undefined;
  private sampler: Cancel | undefined;
  private stopped = false;
  private kept: string;
  private told = '';

  /** @param enabled as configured. */
  constructor(
    private readonly options: HomeSourceOptions,
    enabled: boolean,
    names: readonly GatewayName[],
  ) {
    const { store, random, pace, streams, clock, software } = options;
    const record = store.load();
    this.kept = JSON.stringify(record ?? null);
    this.home = new Home(record, enabled, pace ?? HOME_PACE, random, this.nowMs());
    this.home.setGateways(names);
    this.gateways = new GatewaySource({
      streams,
      clock,
      identity: () => options.identity(),
      household: () => options.household(),
      software,
    });
    this.selfTest = new SelfTest(streams, clock);
    this.pump();
  }

  /** As configured now. */
  configure(enabled: boolean, names: readonly GatewayName[]): void {
    this.home.setGateways(names);
    this.home.setEnabled(enabled);
    this.pump();
  }

  /** Yggdrasil answers, or has a new peer; or it does not any more. */
  setMesh(up: boolean): void {
    this.home.setMesh(up, this.options.identity() !== undefined);
    this.pump();
  }

  /** Whether there is anything to look after. */
  get isBusy(): boolean {
    return this.home.nextMs(this.nowMs()) < Number.POSITIVE_INFINITY;
  }

  /** Ends all work; tunnels, routes and the kill switch stay as they are, for the daemon that comes after. */
  stop(): void {
    this.stopped = true;
    this.timer?.();
    this.sampler?.();
    this.gateways.stop();
  }

  // what people want; all throw InputError, and answer with a sentence

  connect(gateway: string | undefined, seconds: number = TRIAL_SECONDS.usual): string {
    this.home.connect(gateway, seconds, this.nowMs());
    return this.did(
      `asking for a lease: its trial takes ${seconds} s once it stands, and is undone unless it is confirmed`,
    );
  }

  confirm(): string {
    this.home.confirm(this.nowMs());
    return this.did('confirmed: it is being written down');
  }

  undo(): string {
    this.home.undo();
    return this.did('the trial is being undone');
  }

  release(): string {
    this.home.release();
    return this.did('switched off: the own line serves again');
  }

  choose(gateway: string): string {
    this.home.choose(gateway);
    return this.did(
      gateway === '' ? 'no gateway is preferred by hand any more' : 'preferred until the daemon restarts',
    );
  }

  letOut(seconds: number): string {
    this.home.letOut(seconds, this.nowMs());
    return this.did(seconds === 0 ? 'the own line is closed again' : `the own line is open for ${seconds} s`);
  }

  ask(): string {
    this.home.askAgain();
    return this.did('all gateways are being asked again');
  }

  /** Tests the way by the gateway in use, else by the one that is preferred. */
  test(): string {
    const { home, gateways } = this;
    const lease = home.leaseNow(this.nowMs());
    const [first] = home.gateways.candidates(Number.POSITIVE_INFINITY);
    const gateway = (lease?.gateway ?? first ?? home.gateways.list()[0])?.name;
    if (!gateway) throw new InputError('no gateway is known: name one first');
    this.selfTest.start({ gateway, terms: lease?.grant.terms, inform: () => gateways.inform(gateway) });
    return 'the way to the Internet is being tested';
  }

  // how it is

  /** What the verdict is judged by; absent while it is off. */
  internet(): InternetFact | undefined {
    const { home } = this;
    if (home.currentMode === 'off') return undefined;
    const { state, id, values } = home.situation(this.nowMs());
    return { state, id, blocking: home.isBlocking, values: { ...values } };
  }

  testStatus(): TestStatus {
    return this.selfTest.status();
  }

  status(): LeaseStatus {
    const nowMs = this.nowMs();
    const { home } = this;
    const { sinceMs, ...situation } = home.situation(nowMs);
    const { sentence, fix, words, values } = describe(situation);
    const status: LeaseStatus = {
      mode: home.currentMode,
      state: situation.state,
      id: situation.id,
      since_s: Math.floor((nowMs - sinceMs) / 1000),
      sentence,
      fix,
      words,
      values,
      blocking: home.isBlocking,
    };
    const trialLeftS = home.trialLeftS(nowMs);
    if (trialLeftS !== undefined) status.trial_left_s = trialLeftS;
    const letOutLeftS = home.letOutLeftS(nowMs);
    if (letOutLeftS !== undefined) status.let_out_left_s = letOutLeftS;
    const lease = home.leaseNow(nowMs);
    if (lease) {
      status.gateway = lease.gateway.name.name;
      status.lease_left_s = lease.leftS;
      status.terms = lease.grant.terms;
      if (lease.grant.use) status.use = lease.grant.use;
      if (lease.grant.quota) status.quota = lease.grant.quota;
      if (lease.grant.limits) status.limits = lease.grant.limits;
      if (lease.grant.report) status.report = lease.grant.report;
      if (lease.accessLeftS !== undefined) status.access_left_s = lease.accessLeftS;
    }
    const { ipv4, ipv6 } = home.tested ?? {};
    if (ipv4 !== undefined) status.ipv4 = ipv4;
    if (ipv6 !== undefined) status.ipv6 = ipv6;
    return status;
  }

  /** What is known of the gateways; to ask for it counts as a look, and has it renewed. */
  list(): GatewayView[] {
    const nowMs = this.nowMs();
    this.home.looked(nowMs);
    this.pump();
    const { gateways } = this.home;
    return gateways.list().map((gateway) => this.view(gateway, gateways.chosenAddress === gateway.address, nowMs));
  }

  private view(gateway: Gateway, chosen: boolean, nowMs: number): GatewayView {
    const { name, state, problem, info, latencyMs, notBeforeMs, waiting, infoAtMs } = gateway;
    const role = this.home.roleOf(gateway.address);
    const key = name.key ?? info?.key;
    return {
      ...{ name: name.name, address: name.address, port: name.port, preference: name.preference, chosen, state },
      ...(key && { key }),
      ...(role && { role }),
      ...(problem !== undefined && { problem }),
      ...(notBeforeMs > nowMs && { retry_s: Math.ceil((notBeforeMs - nowMs) / 1000) }),
      ...(waiting && { place: waiting.place, waiting: waiting.waiting }),
      ...(latencyMs !== undefined && { latency_ms: Math.round(latencyMs * 10) / 10 }),
      ...(info && { ...told(info), info_ago_s: Math.floor((nowMs - (infoAtMs ?? nowMs)) / 1000) }),
      asks_for: info?.asks_for ?? [],
      kinds: info?.kinds ?? [],
      blocked_ports: info?.blocked_ports ?? [],
    };
  }

  // the work

  private did(sentence: string): string {
    this.pump();
    return sentence;
  }

  /** Starts what is to be done now, and comes back when the next thing is. */
  private pump(): void {
    if (this.stopped) return;
    const nowMs = this.nowMs();
    const acts = this.home.next(nowMs);
    this.keep();
    for (const act of acts) void this.carryOut(act);
    this.timer?.();
    const nextMs = this.home.nextMs(this.nowMs());
    this.timer =
      nextMs < Number.POSITIVE_INFINITY
        ? this.options.clock.after(Math.max(0, nextMs - this.nowMs()), () => this.pump())
        : undefined;
    if (this.home.usedSlot !== undefined)
      this.sampler ??= this.options.clock.after(BUSY_SAMPLE_MS, () => this.sample());
    this.tell();
  }

  /** On record before it is done. */
  private keep(): void {
    const record = this.home.record();
    const text = JSON.stringify(record ?? null);
    if (text === this.kept) return;
    this.kept = text;
    this.options.store.save(record);
  }

  private tell(): void {
    const { state, id } = this.home.situation(this.nowMs());
    // from one gateway to another is news, too
    const isServed = state === 'up' || state === 'degraded';
    const gateway = isServed ? (this.home.leaseNow(this.nowMs())?.gateway.name.name ?? '') : '';
    const what = `${state} ${id} ${gateway}`;
    if (what === this.told) return;
    const isFirst = this.told === '';
    this.told = what;
    if (isFirst && state === 'idle') return;
    const status = this.status();
    this.options.log.info(state, { situation: id, ...(status.gateway !== undefined && { gateway: status.gateway }) });
    this.options.onChange(status);
  }

  private sample(): void {
    this.sampler = undefined;
    const slot = this.home.usedSlot;
    if (this.stopped || slot === undefined) return;
    const isBusy = this.home.sample(this.options.tunnels.flow(slot), this.nowMs());
    this.sampler = this.options.clock.after(isBusy ? BUSY_SAMPLE_MS : IDLE_SAMPLE_MS, () => this.sample());
    this.pump();
  }

  private async carryOut(act: HomeAct): Promise<void> {
    let outcome: HomeOutcome;
    try {
      outcome = isPlaneAct(act)
        ? await inTime(this.options.clock, this.onMachine(act), SLOW.includes(act.kind) ? SLOW_MS : PLANE_MS)
        : await this.elsewhere(act);
    } catch (error) {
      outcome = error instanceof Error ? error : new Error(errorText(error));
      const { log } = this.options;
      if (isPlaneAct(act)) log.warn(`${act.kind} failed`, { error: outcome.message });
      else log.debug(`${act.kind} failed`, { gateway: act.gateway.name, error: outcome.message });
    }
    if (this.stopped) return;
    this.home.done(act, outcome, this.nowMs());
    this.pump();
  }

  private async onMachine(act: PlaneAct): Promise<HomeOutcome> {
    const { tunnels, routes } = this.options;
    switch (act.kind) {
      case 'ability':
        return tunnels.ability();
      case 'build':
        return void (await tunnels.build(act.slot, act.terms));
      case 'drop':
        return void (await tunnels.drop(act.slot));
      case 'use':
        return void (await routes.use(act.slot, act.terms));
      case 'block':
        return void (await routes.block(act.on));
      case 'keep':
        return void (await routes.keep(act.terms));
      case 'undo':
        return void (await routes.undo());
    }
  }

  private async elsewhere(act: Exclude<HomeAct, PlaneAct>): Promise<HomeOutcome> {
    const { gateways, home } = this;
    const { gateway } = act;
    if (act.kind === 'check') {
      const { streams, clock } = this.options;
      const latencyMs = home.gateways.find(gateway.address)?.latencyMs;
      const checked = { terms: act.terms, port: gateway.port, info: gateways.info(gateway), latencyMs };
      return checkTunnel(streams, clock, checked, act.depth);
    }
    if (act.kind === 'inform') return gateways.inform(gateway);
    if (act.kind === 'release') return void (await gateways.release(gateway));
    if (act.kind === 'watch') return gateways.watch(gateway, act.generation, home.ability?.meshMtu ?? 0);
    const identity = this.options.identity();
    if (!identity) throw new Error('Yggdrasil was not reached yet');
    const request = home.request(gateway, identity.key, this.options.software);
    return gateways.ask(gateway, request, act.kind === 'renew' ? 'renew' : undefined);
  }

  private nowMs(): number {
    return this.options.clock.monotonicMs();
  }
}

/** What a gateway told of itself; nothing where it told nothing. */
function told(info: NonNullable<Gateway['info']>): Partial<GatewayView> {
  const { software, operator, place, country, website, abuse_contact, logging, ask } = info;
  const texts = { software, operator, place_name: place, country, website, abuse_contact, logging, ask };
  return {
    ...Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== '')),
    admission: info.admission,
    online: info.online,
    ipv6: info.ipv6,
    clients: info.clients,
    max_clients: info.max_clients,
    load_percent: info.load_percent,
    ...(info.limits && { limits: info.limits }),
  };
}
