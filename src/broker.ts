// The wiring of what goes to brokers and comes from them: identity, session and clock -> measurements, events, alarms, commands -> a surface each.

import { version } from '../package.json';
import type { LeaseStatus } from './api/lease-object.ts';
import type { BrokerStatus, Heal, Json, LinkStatus, TelemetryStatus, Uplink } from './api/model.ts';
import { ALARM_IDS, type AlarmId, type EventKind, type Payload, type Sample } from './api/topics.ts';
import { allOperations, type DeskParts, openCommandDesk, permitOf } from './command-desk.ts';
import { type BrokerConfig, brokerEndpoint, type Config, configText, HOME_SITE, MAX_BROKERS } from './config.ts';
import type { GroupLink } from './group-link.ts';
import { toHex } from './lib/bytes.ts';
import { type EnvelopeKind, sealEnvelope } from './lib/envelope.ts';
import { keyIdOf } from './lib/node-id.ts';
import { encodeUtf8 } from './lib/utf8.ts';
import { openWant, type Trust, verifyWant } from './lib/want.ts';
import type { Log, Logger } from './log.ts';
import type { Management } from './management.ts';
import { Alarms, type Trouble } from './mesh/alarm.ts';
import type { CommandClock, CommandDesk } from './mesh/command.ts';
import { DesiredDesk } from './mesh/desired.ts';
import { type EventFields, Events } from './mesh/event.ts';
import type { Feed } from './mesh/feed.ts';
import type { GroupShare } from './mesh/group-share.ts';
import { heartbeat, inGroups } from './mesh/keyframe.ts';
import type { LeaseDesk } from './mesh/lease-desk.ts';
import { LeaseEvents } from './mesh/lease-event.ts';
import { LogLease } from './mesh/log-lease.ts';
import { Moments } from './mesh/moment.ts';
import type { ClientDesk } from './mesh/operation/client.ts';
import type { Service } from './mesh/operation/service.ts';
import { type Operations, reaches } from './mesh/operation.ts';
import type { Overview, Sketch } from './mesh/overview.ts';
import { alivePeers, changePeers } from './mesh/peer-change.ts';
import { nameIn } from './mesh/remote.ts';
import { MAX_QUEUED_BYTES, ReportQueue } from './mesh/report-queue.ts';
import { takeSample } from './mesh/sample.ts';
import type { MeshState, PeerNotice } from './mesh/state.ts';
import { firstNumber, Telemetry } from './mesh/telemetry.ts';
import { MqttClient } from './mqtt/client.ts';
import type { ServiceCheck } from './source/service.ts';
import { type SystemBus, SystemSource } from './source/system.ts';
import { WirelessSource } from './source/wireless.ts';
import { MqttSurface } from './surface/mqtt.ts';
import { openCommands } from './system/command-journal.ts';
import { desiredRoot } from './system/desired-root.ts';
import type { HelperCaller } from './system/helper.ts';
import { identityOf, type NodeIdentity, readSeed } from './system/node-key.ts';
import { RunFile } from './system/run-file.ts';
import { formatEndpoint } from './transport/endpoint.ts';
import type { ChildlessHost } from './transport/host.ts';

/** What the brokers' part needs of the rest of the daemon. */
export interface BrokerParts {
  readonly host: ChildlessHost;
  /** Uniform in [0, 1). */
  random(): number;
  readonly bus: SystemBus;
  readonly mesh: MeshState;
  readonly overview: Pick<Overview, 'look' | 'judged'>;
  uplinks(): readonly Uplink[] | undefined;
  /** What the node of an interface is told to say of itself. */
  nodeInfo(iface: string): Json | undefined;
  readonly service: Service;
  readonly services: Pick<ServiceCheck, 'knock'>;
  readonly lease: {
    /** This home's. @throws InputError where no gateway is named. */
    desk(): LeaseDesk;
    /** While it is switched on or on trial. */
    status(): LeaseStatus | undefined;
  };
  /** Counts of this gateway, if it is one. */
  gateway(): Sample['gateway'];
  /** The desk of this gateway's operator. @throws as ClientDesk */
  askDesk: ClientDesk['ask'];
  readonly helper: HelperCaller;
  /** Shows what was ordered. */
  readonly management: Management;
  /** Reads the daemon's configuration again. @throws ConfigError */
  readConfig(): void;
  /** Asks root anew which peerings are configured. */
  readNetwork(): void;
  /** Bounds within which a clock can be right, Unix milliseconds. */
  readonly clockBounds: { readonly earliestMs: number; readonly latestMs: number };
  /** Directory of what the daemon keeps, best in RAM. */
  readonly state: string;
  /** Directory in which root hands things over; ends in `/`. */
  readonly handed: string;
  readonly startedAtMs: number;
  readonly logger: Logger;
  /** The connection to a broker came up or was lost. */
  onLink(event: 'link_up' | 'link_down', link: LinkStatus): void;
}

/** Made by root: the key of this node, and the mark that the clock was set over the network. */
const KEY_FILE = 'node.key';
const CLOCK_MARK = 'clock-set';
const IDS = Object.keys(ALARM_IDS) as AlarmId[];
/** Less than this share is left. */
const SHORT = 0.05;
/** The clock is looked at so often. */
const LOOK_MS = 60_000;

/** One broker with all that belongs to it. */
interface Unit {
  config: BrokerConfig;
  readonly client: MqttClient;
  readonly surface: MqttSurface;
  readonly queue: ReportQueue;
  readonly feed: Feed;
  /** Why a person is needed, by the client's own ids. */
  readonly troubles: Map<string, string>;
}

/** All brokers of this router, from `start()` to `stop()`. */
export class Brokers {
  private readonly log: Log;
  private readonly identity: NodeIdentity;
  private readonly moments: Moments;
  private readonly system: SystemSource;
  private readonly wireless: WirelessSource;
  private readonly runs: RunFile;
  private readonly telemetry: Telemetry;
  private readonly events: Events;
  private readonly alarms: Alarms;
  private readonly logLease: LogLease;
  private readonly leaseEvents = new LeaseEvents();
  private readonly desk: CommandDesk;
  private readonly desired: DesiredDesk;
  /** Names of the operations that there are always. */
  private readonly operations: readonly string[];
  /** Those on homes, while this machine is a gateway whose operator lets keys decide. */
  private late: Operations = {};
  /** What this machine's gateway shares with others, and the wiring of that. */
  private group: GroupShare | undefined;
  private groupLink: GroupLink | undefined;
  private units: Unit[] = [];
  private sample: Sample | undefined;
  private board: { model?: string; os?: string; name?: string } = {};
  private toldInfo = '';
  private online = new Map<string, boolean>();
  private cancelLook: (() => void) | undefined;
  private stopped = false;

  /** @throws Error when there is no key of this node yet. */
  constructor(
    private readonly parts: BrokerParts,
    private config: Config,
  ) {
    const { host, logger, state, handed, bus, clockBounds, mesh, overview } = parts;
    const { clock, files } = host;
    this.log = logger.scope('mqtt');
    const seed = readSeed(files, `${handed}${KEY_FILE}`);
    if (!seed) throw new Error(`${handed}${KEY_FILE}: not there; service meshbridge reload has root hand it over`);
    this.identity = identityOf(host.crypto, seed);
    this.system = new SystemSource(bus, files, this.log);
    this.wireless = new WirelessSource(bus, this.log);
    const { sid, journal } = openCommands(host, state, this.log);
    this.runs = new RunFile(files, state, sid, this.log);
    this.moments = new Moments(sid, {
      monotonicMs: () => clock.monotonicMs(),
      unixMs: () => clock.unixMs(),
      ...clockBounds,
      isSet: () => this.runs.isClockSet,
      hasBattery: this.system.hasClock(),
    });
    const now = () => this.moments.now();
    this.telemetry = new Telemetry({
      clock,
      random: () => parts.random(),
      moments: this.moments,
      take: () => this.take(),
      runs: this.runs.runs,
      log: this.log,
    });
    this.events = new Events(clock, now, firstNumber(this.runs.runs), (kind, text) => {
      for (const { surface } of this.units) surface.event(kind, text);
    });
    this.alarms = new Alarms(clock, now, (id, text) => {
      for (const { surface } of this.units) surface.alarm(id, text);
    });
    this.logLease = new LogLease(clock, now, (text) => {
      for (const { surface } of this.units) surface.lines(text);
    });
    const isTrusted = (): boolean => this.isClockTrusted();
    const time: CommandClock = {
      monotonicMs: () => clock.monotonicMs(),
      unixMs: () => clock.unixMs(),
      isTrusted,
      after: (delayMs, callback) => clock.after(delayMs, callback),
    };
    this.desired = new DesiredDesk({
      sid,
      root: desiredRoot(parts.helper),
      effects: {
        reload: () => parts.readConfig(),
        changePeers: (changes) => {
          parts.readNetwork();
          return changePeers(mesh, changes);
        },
        alivePeers: (sinceMs) => alivePeers(mesh, time.monotonicMs, sinceMs, this.config.probe),
        isHeard: () => this.isHeard(),
      },
      gate: {
        open: (payload) => openWant(payload, this.trust()),
        verify: (want) => verifyWant(want, this.trust(), (...signed) => host.crypto.ed25519Verify(...signed)),
      },
      clock: time,
      log: logger.scope('desired'),
      sendHave: (body) => this.toManagers((surface) => surface.tellHave(this.seal('have', body))),
    });
    const desk: DeskParts = {
      node: this.identity.node,
      sid,
      journal,
      config: () => this.config,
      crypto: host.crypto,
      clock: time,
      mesh,
      overview,
      services: parts.services,
      lease: () => parts.lease.desk(),
      service: parts.service,
      reporting: {
        keyframe: () => this.telemetry.request(),
        snapshot: async () => ({ ...now(), ...(await this.take()) }),
        lease: (kind, seconds) => this.telemetry.grant(kind, seconds),
        leaseLog: (level, seconds) => this.logLease.grant(level, seconds),
      },
      configuration: this.desired,
      late: () => this.late,
      answer: async (body) => {
        const payload = this.seal('res', body);
        await Promise.all(this.managers().map(({ surface }) => surface.result(payload)));
      },
      log: logger.scope('command'),
    };
    this.operations = Object.keys(allOperations(desk)).sort();
    this.desk = openCommandDesk(desk);
  }

  start(): void {
    const { logger } = this.parts;
    const { logLease } = this;
    logger.tap = {
      get level() {
        return logLease.level;
      },
      take: (line) => logLease.take(line),
    };
    void this.system.board().then((board) => {
      this.board = board;
      this.infoChanged();
    });
    this.look();
    this.setConfig(this.config);
    // only now is there somebody for whom it waits
    this.events.tell('started', { version });
    this.desired.start();
    this.parts.management.desk = this.desk;
  }

  /**
   * The daemon ends, or, `forGood`, brokers are not wanted any more: then Home Assistant forgets the router. Resolves when the brokers were
   * told, or after a moment.
   */
  async stop(forGood = false): Promise<void> {
    this.stopped = true;
    this.parts.management.desk = undefined;
    this.desired.stop();
    this.cancelLook?.();
    this.parts.logger.tap = undefined;
    this.events.stop();
    this.alarms.stop();
    this.logLease.stop();
    this.telemetry.stop();
    this.groupLink?.stop();
    this.groupLink = undefined;
    this.late = {};
    const units = this.units.splice(0);
    await Promise.all(units.map((unit) => this.end(unit, forGood ? unit.surface.leave() : unit.surface.bye())));
  }

  /** What did not change goes on as it is. */
  setConfig(config: Config): void {
    const isMoved = this.config.site !== config.site;
    this.config = config;
    const wanted = config.brokers;
    const isKept = ({ config: { name } }: Unit, by: BrokerConfig): boolean => name === by.name;
    const kept = this.units.filter(
      (unit) => !isMoved && wanted.some((by) => isKept(unit, by) && !isOther(unit.config, by)),
    );
    // what waits for a broker that is reached in another way waits on
    const queues = new Map<string, ReportQueue>();
    for (const unit of this.units)
      if (!kept.includes(unit)) {
        if (!isMoved) queues.set(unit.config.name, unit.queue);
        this.telemetry.remove(unit.feed);
        void this.end(unit, unit.surface.leave());
      }
    this.units = wanted.map((by) => {
      const known = kept.find((unit) => isKept(unit, by));
      if (!known) return this.begin(by, queues.get(by.name));
      known.config = by;
      known.surface.setFilter(filterOf(by));
      known.feed.setOptions(feedOf(by));
      return known;
    });
    void this.bringDesk();
    // whose orders count may be others, and so may the brokers
    this.setGroup(this.group);
    this.infoChanged();
  }

  /** What this machine's gateway shares with others of its operator; `undefined`: nothing. */
  setGroup(share: GroupShare | undefined): void {
    this.group = share;
    this.groupLink?.stop();
    this.groupLink = undefined;
    if (share && !this.stopped) void this.bringGroup(share);
  }

  /** In memory only where there is a group. */
  private async bringGroup(share: GroupShare): Promise<void> {
    const { host, logger } = this.parts;
    const { GroupLink } = await import('./group-link.ts');
    if (this.stopped || this.group !== share || this.groupLink) return;
    this.groupLink = new GroupLink({
      share,
      node: this.identity.node,
      sid: this.moments.sid,
      surfaces: () => this.managers().map(({ surface }) => surface),
      keys: () => this.config.keys,
      permit: () => permitOf(this.config),
      verify: (...signed) => host.crypto.ed25519Verify(...signed),
      seal: (kind, body) => this.seal(kind, body),
      unixS: () => (this.isClockTrusted() ? Math.floor(host.clock.unixMs() / 1000) : undefined),
      clock: host.clock,
      log: logger.scope('group'),
    });
    this.groupLink.start();
  }

  /** Operations on homes are in memory only where they may be asked for. */
  private async bringDesk(): Promise<void> {
    const isWanted = (): boolean => this.config.registrar?.enabled === true && this.config.registrar.deskCap !== 'none';
    if (!isWanted()) {
      this.late = {};
      return;
    }
    const { clientOperations } = await import('./mesh/operation/client.ts');
    if (this.stopped || !isWanted()) return;
    this.late = clientOperations({
      ask: (...asked) => this.parts.askDesk(...asked),
      tells: () => this.config.registrar?.deskTells ?? [],
    });
    this.infoChanged();
  }

  // what happens in the daemon

  peerNotice({ event, interface: iface, peer }: PeerNotice): void {
    const { key, name, remote, inbound, state, last_error: error } = peer;
    const told = {
      ...(key !== undefined && { key }),
      ...(name !== undefined && { name: name.slice(0, MAX_NAME) }),
      ...(remote !== undefined && { remote: remote.slice(0, MAX_REMOTE) }),
      inbound,
      state,
      ...(error !== undefined && { error: error.slice(0, MAX_REMOTE) }),
    };
    this.events.tell(event.replaceAll('_', '-') as 'peer-up', { interface: iface, peer: told });
    this.telemetry.changed();
  }

  linkNotice(event: 'link_up' | 'link_down', { name, last_error: error }: LinkStatus): void {
    this.events.tell(event === 'link_up' ? 'link-up' : 'link-down', {
      link: name,
      ...(error !== undefined && { error: error.slice(0, MAX_REMOTE) }),
    });
    this.infoChanged();
  }

  verdict({ interface: iface, judgement: { state, id } }: Sketch): void {
    this.events.tell('verdict', { interface: iface, state, situation: id });
    this.telemetry.changed();
    void this.seeMesh(iface);
  }

  /** The situation of this home's lease is another one. */
  leaseNotice(status: LeaseStatus): void {
    const event = this.leaseEvents.see(status);
    if (event) this.events.tell(event.kind, event.fields);
    this.telemetry.changed();
  }

  healed(heal: Heal): void {
    this.events.tell('healed', heal);
  }

  /** A configuration was read, or refused: why. */
  configRead(problems: readonly string[]): void {
    this.events.tell('config', problems.length > 0 ? { problems: problems.slice(0, 4) } : {});
    const [first] = problems;
    this.alarms.see('config', first === undefined ? undefined : { sev: 'error', msg: first });
  }

  /** The uplinks were looked at. @param back some came back. */
  uplinksSeen(back: boolean): void {
    const now = new Map((this.parts.uplinks() ?? []).map((uplink) => [uplink.interface, uplink.default_route]));
    for (const [uplink, online] of now)
      if (online !== (this.online.get(uplink) ?? false)) this.tell(online ? 'uplink-up' : 'uplink-down', { uplink });
    for (const [uplink, online] of this.online) if (online && !now.has(uplink)) this.tell('uplink-down', { uplink });
    this.online = now;
    if (back) for (const { client } of this.units) client.lineBack();
  }

  // what people see

  links(): LinkStatus[] {
    return this.units.map((unit) => this.linkOf(unit));
  }

  /** @param look as `Sent.look` */
  telemetryStatus(look: boolean): TelemetryStatus {
    const { lease } = this.telemetry;
    return {
      enabled: true,
      node: this.identity.node,
      key: this.identity.publicKey,
      ...(this.config.site !== undefined && { site: this.config.site }),
      sid: this.moments.sid,
      clock: this.moments.quality(),
      ...(lease !== undefined && { lease }),
      brokers: this.units.map((unit) => this.statusOf(unit, look)),
    };
  }

  /** Measures everything and tells it at once. @returns how many brokers are there to be told. */
  sendNow(): number {
    this.telemetry.request();
    return this.units.filter(({ client }) => client.up).length;
  }

  // one broker

  private begin(config: BrokerConfig, kept?: ReportQueue): Unit {
    const { host, logger, random } = this.parts;
    const { node } = this.identity;
    const { streams, clock } = host;
    const log = logger.scope(`mqtt.${config.name}`);
    const queue = kept ?? new ReportQueue(MAX_QUEUED_BYTES / MAX_BROKERS);
    const troubles = new Map<string, string>();
    const surface: MqttSurface = new MqttSurface(
      {
        site: this.config.site ?? HOME_SITE,
        node,
        clock,
        random,
        log,
        moments: this.moments,
        queue,
        connection: () => client,
        info: () => this.info(unit.config),
        have: () => (unit.config.manage ? this.seal('have', JSON.stringify(this.desired.have())) : undefined),
        alarms: () => this.alarms.standing(),
        alarmIds: IDS,
        onConnected: () => feed.connected(),
        onAsked: () => feed.request(),
        onCommand: (payload, retained) => this.desk.take(payload, retained),
        onWant: (payload, audience) => this.desired.take(payload, audience),
        homeAssistant: {
          device: () => ({
            node,
            name: this.nameOf() ?? this.board.name ?? `meshbridge ${node}`,
            model: this.board.model,
            version,
            statusTopic: surface.topic('status'),
            teleTopic: surface.topic('tele'),
          }),
          fields: () => this.sample && Object.keys(heartbeat(inGroups(this.sample, unit.config.metrics))),
        },
      },
      filterOf(config),
    );
    const client: MqttClient = new MqttClient({
      streams,
      clock,
      random,
      log,
      endpoint: brokerEndpoint(config, () => ['ntp', 'rtc'].includes(this.moments.quality())),
      clientId: node,
      username: config.username ?? node,
      ...(config.password !== undefined && { password: config.password }),
      will: () => surface.will(),
      profile: config.profile,
      ...(config.metered && { keepaliveS: METERED_KEEPALIVE_S }),
      onChange: (up, error) => {
        if (up) log.info('connected');
        else log.info('lost', { error: error?.message });
        surface.changed(up);
        if (up && unit.config.manage) {
          this.desk.brokerUp();
          this.desired.brokerUp();
          this.groupLink?.brokerUp();
        }
        this.parts.onLink(up ? 'link_up' : 'link_down', this.linkOf(unit));
      },
      onMessage: (message) => surface.take(message),
      onAlarm: (id, why) => {
        if (why === undefined) troubles.delete(id);
        else troubles.set(id, why);
        this.seeBrokers();
      },
    });
    const feed = this.telemetry.add(surface, feedOf(config));
    const unit: Unit = { config, client, surface, queue, feed, troubles };
    surface.subscribe();
    client.start();
    feed.start();
    return unit;
  }

  /** Ends a broker once it was told. */
  private async end({ client }: Unit, told: Promise<void>): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.parts.host.clock.after(BYE_MS, resolve);
      void told.finally(() => {
        cancel();
        resolve();
      });
    });
    client.stop();
    this.seeBrokers();
  }

  private linkOf({ config, client }: Unit): LinkStatus {
    const { state, since_ms, ups, last_error } = client.report();
    return {
      name: `mqtt.${config.name}`,
      endpoint: formatEndpoint(config.url.endpoint),
      state,
      since_s: Math.floor((this.parts.host.clock.monotonicMs() - since_ms) / 1000),
      ups,
      ...(last_error !== undefined && { last_error }),
    };
  }

  private statusOf(unit: Unit, look: boolean): BrokerStatus {
    const { config, client, surface, queue } = unit;
    const nowMs = this.parts.host.clock.monotonicMs();
    const { protocol, alarm, unasked } = client.report();
    if (look) surface.sent.look(nowMs);
    const { name: _, ...link } = this.linkOf(unit);
    return {
      name: config.name,
      profile: config.profile,
      ...link,
      secure: config.url.secure,
      manage: config.manage,
      interval_s: config.intervalMs / 1000,
      metered: config.metered,
      metrics: config.metrics,
      send: config.send,
      ...(protocol !== undefined && { protocol }),
      ...(alarm !== undefined && { alarm }),
      queued: queue.size,
      dropped: queue.dropped,
      messages: surface.sent.messages,
      bytes: surface.sent.bytes,
      received: surface.received,
      unasked,
      sent: surface.sent.recent().map(({ atMs, text, ...message }) => ({
        ...message,
        age_ms: nowMs - atMs,
        ...(look && text !== undefined && { text }),
      })),
    };
  }

  private toManagers(tell: (surface: MqttSurface) => void): void {
    for (const { surface } of this.managers()) tell(surface);
  }

  private managers(): Unit[] {
    return this.units.filter(({ config }) => config.manage);
  }

  private trust(): Trust {
    const { keys, manageCap, site } = this.config;
    return {
      keys: keys.map((key) => ({
        public: key.public,
        mayConfigure: reaches(key.scope, 'configure') && reaches(manageCap, 'configure'),
      })),
      node: this.identity.node,
      site,
    };
  }

  /** Whether a broker that may change something here answers now. */
  private async isHeard(): Promise<boolean> {
    const asked = this.units.filter(({ config, client }) => config.manage && client.up);
    const heard = asked.map(async ({ surface }) => {
      await surface.knock();
      return true as const;
    });
    return new Promise((resolve) => {
      const cancel = this.parts.host.clock.after(HEARD_MS, () => resolve(false));
      void Promise.any(heard).then(
        () => {
          cancel();
          resolve(true);
        },
        () => {
          cancel();
          resolve(false);
        },
      );
    });
  }

  // what is measured and told

  private async take(): Promise<Sample> {
    const { mesh, overview, host, startedAtMs } = this.parts;
    const { clock } = host;
    const nodes = mesh.all().map(({ node }) => node);
    const asked = nodes.flatMap(({ connected, source }) =>
      // together: what they count belongs together
      connected && source ? (['peers', 'sessions'] as const).map((kind) => source.refresh(kind).catch(() => {})) : [],
    );
    const [radio, system] = await Promise.all([this.wireless.read(), this.system.read(), ...asked]);
    const sample = takeSample(
      {
        nodes,
        verdictOf: (iface) => overview.judged(iface)?.judgement,
        uplinks: this.parts.uplinks(),
        radio,
        system,
        lease: this.parts.lease.status(),
        gateway: this.parts.gateway(),
        uptimeS: Math.floor((clock.monotonicMs() - startedAtMs) / 1000),
        rssKb: this.system.rssKb(),
      },
      clock.monotonicMs(),
    );
    this.sample = sample;
    this.seeSystem(sample.system);
    this.infoChanged();
    return sample;
  }

  private isClockTrusted(): boolean {
    return ['ntp', 'rtc'].includes(this.moments.quality());
  }

  private look(): void {
    const before = this.moments.quality();
    this.runs.clockSet(this.isClockMarked());
    const quality = this.moments.quality();
    if (quality !== before) for (const { surface } of this.units) surface.clockChanged();
    this.alarms.see(
      'clock',
      quality === 'none'
        ? { sev: 'warning', msg: 'the clock of this router cannot be right: it was not set' }
        : undefined,
    );
    this.cancelLook = this.parts.host.clock.after(LOOK_MS, () => this.look());
  }

  private isClockMarked(): boolean {
    try {
      return this.parts.host.files.list(this.parts.handed.slice(0, -1)).includes(CLOCK_MARK);
    } catch {
      return false;
    }
  }

  private async seeMesh(iface: string): Promise<void> {
    const { state } = this.parts.overview.judged(iface)?.judgement ?? {};
    if (iface !== (this.parts.mesh.all()[0]?.node.name ?? '')) return;
    let trouble: Trouble | undefined;
    if (state === 'bad') {
      const { verdict } = await this.parts.overview.look(iface);
      trouble = { sev: 'error', msg: verdict.sentence };
    }
    if (!this.stopped) this.alarms.see('mesh', trouble);
  }

  private seeSystem(system: Sample['system']): void {
    const short = (free: number | undefined, all: number | undefined): boolean =>
      free !== undefined && all !== undefined && free < SHORT * all;
    const trouble = (holds: boolean, msg: string): Trouble | undefined => (holds ? { sev: 'warning', msg } : undefined);
    this.alarms.see(
      'memory',
      trouble(short(system?.memory_free_kb, system?.memory_kb), 'less than 5 % of the memory are left'),
    );
    this.alarms.see(
      'flash',
      trouble(short(system?.flash_free_kb, system?.flash_kb), 'less than 5 % of the flash for changes are left'),
    );
  }

  /** Each broker hears of the others. */
  private seeBrokers(): void {
    const all = this.units.flatMap(({ config, troubles }) =>
      [...troubles.values()].map((why) => `${config.name}: ${why}`),
    );
    this.alarms.see('broker', all.length > 0 ? { sev: 'warning', msg: all.join('; ') } : undefined);
  }

  private tell<K extends EventKind>(kind: K, fields: EventFields<K>): void {
    this.events.tell(kind, fields);
  }

  private seal(kind: EnvelopeKind, body: string): Uint8Array {
    const { key, sign } = this.identity;
    return sealEnvelope(kind, body, [{ key, sign }]);
  }

  /** Tells what the router is, where that is something else than it was. */
  private infoChanged(): void {
    const text = JSON.stringify(this.units.map(({ config }) => this.infoBody(config)));
    if (text === this.toldInfo) return;
    this.toldInfo = text;
    for (const { surface } of this.units) surface.tellInfo();
  }

  private info(config: BrokerConfig): Uint8Array {
    return this.seal('info', JSON.stringify(this.infoBody(config)));
  }

  private infoBody({ profile, intervalMs, metrics }: BrokerConfig): Omit<Payload<'info'>, 'sigs'> {
    const { mesh } = this.parts;
    const { node, publicKey } = this.identity;
    const { model, os } = this.board;
    const name = this.nameOf();
    return {
      v: 1,
      node,
      key: publicKey,
      site: this.config.site ?? HOME_SITE,
      sid: this.moments.sid,
      ...(name !== undefined && { name }),
      ...(model !== undefined && { model }),
      ...(os !== undefined && { os }),
      version,
      interfaces: mesh.all().map(({ node }) => {
        const { interface: iface, key, address, build_version: build } = node.status();
        const subnet = node.view('self')?.value.subnet;
        return {
          interface: iface,
          ...(key !== undefined && { key }),
          ...(address !== undefined && { address }),
          ...(subnet !== undefined && { subnet }),
          ...(build !== undefined && { version: build }),
        };
      }),
      profile,
      interval_s: intervalMs / 1000,
      metrics,
      ops: [...this.operations, ...Object.keys(this.late)].sort(),
      cap: this.config.manageCap,
      ...(this.config.registrar?.enabled && { desk: this.config.registrar.deskCap }),
      keys: this.config.keys.map((key) => ({ id: keyIdOf(key.public), scope: key.scope })),
      conf: toHex(this.parts.host.crypto.sha512(encodeUtf8(configText(this.config)))).slice(0, 16),
    };
  }

  private nameOf(): string | undefined {
    const first = this.parts.mesh.all()[0]?.node.name;
    return first === undefined ? undefined : nameIn(this.parts.nodeInfo(first))?.slice(0, MAX_NAME);
  }
}

/** Longer than there is between two heartbeats then, so that no ping is needed. */
const METERED_KEEPALIVE_S = 1200;
/** How long a broker may take to hear that the router goes. */
const BYE_MS = 1000;
/** And how long it may take to answer. */
const HEARD_MS = 5000;
const MAX_NAME = 64;
const MAX_REMOTE = 200;

/** Whether it takes another connection. */
function isOther(before: BrokerConfig, after: BrokerConfig): boolean {
  const part = (broker: BrokerConfig) => {
    const { url, username, password, profile, metered, caFile, serverName, certFile, keyFile, pins } = broker;
    return JSON.stringify([url, username, password, profile, metered, caFile, serverName, certFile, keyFile, pins]);
  };
  return part(before) !== part(after);
}

function filterOf({ send, metrics, manage, discovery }: BrokerConfig) {
  return { send, groups: metrics, manage, discovery };
}

function feedOf({ metrics, intervalMs, metered, send }: BrokerConfig) {
  return {
    groups: metrics,
    intervalMs,
    metered,
    keyframes: send.includes('state'),
    heartbeats: send.includes('tele'),
  };
}
