// The wiring of this home's lease, in memory once a gateway is named: its object on ubus, and the work itself once somebody wants a lease.

import { version } from '../package.json';
import type { GatewayView, LeaseStatus, TestStatus } from './api/lease-object.ts';
import { errorText, InputError } from './errors.ts';
import type { GatewayConfig, LeaseConfig } from './lease-option.ts';
import type { Log } from './log.ts';
import { identityOf } from './mesh/identity.ts';
import type { LeaseCommand, LeaseDesk } from './mesh/lease-desk.ts';
import type { Member } from './mesh/state.ts';
import type { RoutePlane, TunnelPlane } from './mesh/tunnel.ts';
import type { InternetFact } from './mesh/verdict.ts';
import { HomeSource } from './source/home.ts';
import { leaseObject } from './surface/lease.ts';
import { HomeFile } from './system/home-file.ts';
import type { ChildlessHost } from './transport/host.ts';
import type { UbusObject } from './ubus/object.ts';

/** What makes a home's tunnels and routes. */
export interface HomePlanes {
  readonly tunnels: TunnelPlane;
  readonly routes: RoutePlane;
  /** The configuration is another one. */
  refresh?(): void;
  /** Everything stays as it is. */
  stop?(): void;
}

export interface LeaseParts {
  readonly host: Pick<ChildlessHost, 'streams' | 'clock' | 'files'>;
  /** Uniform in [0, 1). */
  random(): number;
  members(): readonly Pick<Member, 'node'>[];
  /** Absent: this program makes no tunnels. */
  readonly planes?: (() => Promise<HomePlanes>) | undefined;
  /** Directory of its record, in RAM. */
  readonly state: string;
  readonly log: Log;
  /** Puts its object on the bus. */
  publish(object: UbusObject): void;
  onChange(status: LeaseStatus): void;
}

const RECORD = 'lease.json';
/** New peers have gateways asked again, but not more often. */
const PEER_MS = 10_000;
/** What is shown until its words are in memory. */
const OFF: LeaseStatus = {
  ...{ mode: 'off', state: 'idle', id: 'off', since_s: 0, blocking: false, values: {}, fix: '' },
  sentence: 'The Internet is reached by the own line.',
  words: { sentence: 'The Internet is reached by the own line.', fix: '' },
};

/** This home's lease, as people see it; it brings the rest when a lease is wanted, or one has to be undone. */
export class HomeLease implements LeaseDesk {
  private loading: Promise<void> | undefined;
  private source: HomeSource | undefined;
  private planes: HomePlanes | undefined;
  private config: LeaseConfig | undefined;
  private gatewayNames: readonly GatewayConfig[] = [];
  private site: string | undefined;
  private identity: { key: string; address: string } | undefined;
  private object: UbusObject | undefined;
  private peerMs = Number.NEGATIVE_INFINITY;
  private stopped = false;

  constructor(private readonly parts: LeaseParts) {}

  /** As configured now. @param left an earlier daemon left a record: what it says is undone, or gone on with. */
  setConfig(
    config: LeaseConfig | undefined,
    gateways: readonly GatewayConfig[],
    site: string | undefined,
    left: boolean,
  ): void {
    this.config = config;
    const enabled = config?.enabled === true;
    this.gatewayNames = gateways;
    this.site = site;
    if (config) this.show();
    this.planes?.refresh?.();
    if (this.source) this.source.configure(enabled, gateways);
    else if (enabled || left)
      this.load().catch((error) => this.parts.log.error('no lease', { error: errorText(error) }));
  }

  /** The bus is another one: its object has to be put there again. */
  moved(): void {
    if (this.object) this.parts.publish(this.object);
  }

  /** A Yggdrasil was connected to, or lost. */
  linkChanged(): void {
    if (this.source) void this.meet();
  }

  /** A peer came up: gateways may be reached again. */
  peerUp(): void {
    const nowMs = this.parts.host.clock.monotonicMs();
    if (!this.source || nowMs - this.peerMs < PEER_MS) return;
    this.peerMs = nowMs;
    void this.meet();
  }

  stop(): void {
    this.stopped = true;
    this.source?.stop();
    this.planes?.stop?.();
  }

  status(): LeaseStatus {
    return this.source?.status() ?? OFF;
  }

  /** What the verdict is judged by; absent while it is off. */
  internet(): InternetFact | undefined {
    return this.source?.internet();
  }

  testStatus(): TestStatus {
    return this.source?.testStatus() ?? { running: false, steps: [] };
  }

  /** @throws (rejects) InputError where no tunnels can be made. */
  async gateways(): Promise<GatewayView[]> {
    if (this.gatewayNames.length === 0) return [];
    return (await this.loaded()).list();
  }

  /** @throws (rejects) InputError */
  async command(command: LeaseCommand): Promise<string> {
    const source = await this.loaded();
    switch (command.kind) {
      case 'connect':
        return source.connect(command.gateway, command.seconds);
      case 'confirm':
        return source.confirm();
      case 'undo':
        return source.undo();
      case 'release':
        return source.release();
      case 'choose':
        return source.choose(command.gateway);
      case 'let_out':
        return source.letOut(command.seconds);
      case 'ask':
        return source.ask();
      case 'test':
        return source.test();
    }
  }

  private show(): void {
    if (this.object) return;
    this.object = leaseObject(this);
    this.parts.publish(this.object);
  }

  private async loaded(): Promise<HomeSource> {
    await this.load();
    if (!this.source) throw new InputError('the daemon is ending');
    return this.source;
  }

  private load(): Promise<void> {
    if (this.source) return Promise.resolve();
    this.loading ??= this.bring().finally(() => {
      this.loading = undefined;
    });
    return this.loading;
  }

  private async bring(): Promise<void> {
    const { host, random, planes, state, log, onChange } = this.parts;
    if (!planes) throw new InputError('this program makes no tunnels');
    const made = await planes();
    if (this.stopped) return;
    this.planes = made;
    this.source = new HomeSource(
      {
        ...{ streams: host.streams, clock: host.clock, random, log, onChange },
        ...{ tunnels: made.tunnels, routes: made.routes },
        store: new HomeFile(host.files, `${state}/${RECORD}`, log),
        identity: () => this.identity,
        household: () => ({ ...this.config, site: this.site }),
        software: `meshbridge ${version}`,
      },
      this.config?.enabled ?? false,
      this.gatewayNames,
    );
    await this.meet();
  }

  /** Learns who this router is in the mesh; once known, it is asked with that whether Yggdrasil answers or not. */
  private async meet(): Promise<void> {
    const identity = await identityOf(this.parts.members(), this.config?.interface);
    if (identity) this.identity = identity;
    this.source?.setMesh(identity !== undefined);
  }
}
