// What a gateway is made of: who is served, by which tunnels, over which port. In memory only where this machine is one.

import { version } from '../package.json';
import type { GatewayInfo, TunnelKind } from './api/lease.ts';
import { PROTOCOL } from './api/lease.ts';
import type { Sample } from './api/topics.ts';
import { errorText } from './errors.ts';
import { HttpServer, SERVER_LIMITS } from './http/server.ts';
import type { ClientConfig, RegistrarConfig } from './lease-option.ts';
import { encodeBase32 } from './lib/base32.ts';
import { inTime } from './lib/in-time.ts';
import type { Log } from './log.ts';
import { AuditLog } from './mesh/audit.ts';
import { Captains } from './mesh/captain.ts';
import { CaptainDesk } from './mesh/captain-desk.ts';
import { Clients, type Standing } from './mesh/client.ts';
import { ClientLedger } from './mesh/client-ledger.ts';
import { Desk } from './mesh/desk.ts';
import type { GroupShare } from './mesh/group-share.ts';
import { Invites } from './mesh/invite.ts';
import { LeaseLog } from './mesh/lease-log.ts';
import { loggingStatement } from './mesh/logging-statement.ts';
import { Newcomers } from './mesh/newcomer.ts';
import { Pool, pool6Of } from './mesh/pool.ts';
import { Reports } from './mesh/report.ts';
import type { ClientChange, ClientPlane, ClientProblems, TunnelAbility } from './mesh/tunnel.ts';
import { ExitCheck } from './source/exit.ts';
import { residentKb } from './source/resident.ts';
import type { GatewayCounts } from './surface/metrics.ts';
import { Registrar, refuse } from './surface/registrar.ts';
import { SPEED_LIMITS, Speed, say } from './surface/speed.ts';
import { AUDIT_ENTRIES, AuditFile } from './system/audit-file.ts';
import { CaptainFile } from './system/captain-file.ts';
import { ClientFile } from './system/client-file.ts';
import { InviteFile } from './system/invite-file.ts';
import { LeaseLogFile } from './system/lease-log-file.ts';
import { LedgerFile } from './system/ledger-file.ts';
import { removeLeftovers } from './system/leftover.ts';
import { ReportFile } from './system/report-file.ts';
import type { Cancel, ChildlessHost } from './transport/host.ts';

export interface GatewayParts {
  readonly host: Pick<ChildlessHost, 'streams' | 'clock' | 'files' | 'crypto' | 'randomBytes'>;
  readonly config: RegistrarConfig;
  /** Of this machine's Yggdrasil. */
  readonly key: string;
  readonly address: string;
  readonly plane: ClientPlane;
  /** What is known of this machine's Yggdrasil now; whoever looks has it renewed. */
  look(): { readonly sessions?: number; readonly peersUp?: number };
  /** Whether what is kept lies on flash. */
  readonly isFlash: boolean;
  /** Directory in RAM. */
  readonly state: string;
  /** Unix seconds; `undefined` while the clock is wrong. */
  dateS(): number | undefined;
  readonly log: Log;
}

/** Longest that the machine is waited for, as root's helper is, and where all tunnels may have to be made. */
const PLANE_MS = 60_000;
const RESTORE_MS = 120_000;
const SWEEP_MS = 5000;
const USE_MS = 60_000;
/** How often use is counted while a home could use up its volume before the next count. */
const CLOSE_MS = 4000;
/** A line that nobody tells the bandwidth of, kbit/s. */
const USUAL_KBITS = 20_000;
/** What homes used is written to flash four times a day, to a disk each minute. */
const LEDGER_MS = { flash: 6 * 3_600_000, disk: 60_000 } as const;
/** Who had which address is written in batches; pieces of 2 KB. */
const HELD_MS = { flash: 30 * 60_000, disk: 60_000 } as const;
const HELD_PIECES = { flash: 1024, disk: 16_384 } as const;
const DAY_MS = 86_400_000;
const TOKEN_BYTES = 10;
const WHOLE_MS = 15_000;
/** From one attempt to take the port to the next. */
const BIND_AGAIN_MS = 5000;
/** Inner addresses are there only once a tunnel is. */
const BIND_INSIDE_MS = 15_000;
/** Of a gateway's connections, so many may wait for something to change. */
const HELD_SHARE = 3;

const STANDINGS: Readonly<Record<ClientConfig['access'], Standing>> = {
  admit: 'admitted',
  suspend: 'suspended',
  refuse: 'refused',
};

/** Its leases, in the directory of what is remembered: where there are some, this machine was a gateway. */
export const LEASES_FILE = 'leases.json';

/** One gateway, from `start()` to `stop()`. */
export class Gateway {
  private readonly timers = new Set<Cancel>();
  private clients: Clients | undefined;
  private registrar: Registrar | undefined;
  /** The registrar's, and all there are. */
  private server: HttpServer | undefined;
  private servers: HttpServer[] = [];
  private exit: ExitCheck | undefined;
  private ledger: ClientLedger | undefined;
  private ledgerFile: LedgerFile | undefined;
  private leaseLog: LeaseLog | undefined;
  /** The operator's, once it has started. */
  desk: Desk | undefined;
  /** What it shares, where it is one of a group. */
  group: GroupShare | undefined;
  private ability: Awaited<ReturnType<ClientPlane['ability']>> | undefined;
  private kinds: TunnelKind[] = [];
  private stopped = false;
  private turn: Promise<unknown> = Promise.resolve();
  /** When bytes of homes were last asked for; when they were last measured against the line, the bytes since then, and what they were of it. */
  private askedAtMs: number | undefined;
  private isCounting = false;
  private isMending = false;
  private measuredAtMs: number | undefined;
  private lineBytes = 0;
  private linePercent = 0;
  /** Of all homes since it began. */
  private readonly sum = { rxBytes: 0, txBytes: 0 };
  private readonly begunMs: number;

  constructor(private readonly parts: GatewayParts) {
    this.begunMs = parts.host.clock.monotonicMs();
  }

  /** Takes leases of an earlier daemon over, and serves. @throws (rejects) Error when this machine cannot make tunnels. */
  async start(decisions: readonly ClientConfig[]): Promise<void> {
    const { config, key, address, plane, host, isFlash, state, log } = this.parts;
    this.ability = await this.inTurn(() => plane.ability());
    this.kinds = config.kinds.filter((kind) => this.problemOf(kind) === undefined);
    if (this.kinds.length === 0)
      throw new Error(
        `no tunnel can be made: ${config.kinds.map((kind) => `${kind}: ${this.problemOf(kind)}`).join('; ')}`,
      );
    const { meshMtu, ipv6, wireguardKey, lacks } = this.ability;
    for (const { what, problem } of lacks) log.warn('done without', { what, problem });
    const pool = new Pool(config.pool4, config.pool6 ?? pool6Of(key), key, config.portBlock);
    const invites = new Invites(
      new InviteFile(host.files, config.clientsDirectory, log),
      (bytes) => host.crypto.sha512(bytes),
      (count) => host.randomBytes(count),
    );
    this.ledgerFile = new LedgerFile(host.files, config.clientsDirectory, log);
    this.ledger = new ClientLedger(this.ledgerFile.load());
    this.ledger.turn(this.parts.dateS());
    this.tidy();
    const captains = new Captains(new CaptainFile(host.files, config.clientsDirectory, log));
    const reports = new Reports(new ReportFile(host.files, config.clientsDirectory, log));
    const nowMs = (): number => host.clock.monotonicMs();
    const newcomers = config.admission === 'open' ? new Newcomers({ most: config.newPerDay, nowMs }) : undefined;
    const clients = new Clients({
      ...{ invites, reports, newcomers, book: this.ledger },
      rules: { ...config, kinds: this.kinds },
      machine: {
        ...{ address, meshMtu, ipv6, lacks: lacks.map(({ what }) => what) },
        ...(wireguardKey !== undefined && { wireguardKey }),
      },
      pool,
      plane: {
        restore: (all) => this.inTurn(() => plane.restore(all), RESTORE_MS),
        change: (change) => this.inTurn(() => this.change(change)),
      },
      store: new ClientFile({
        ...{ files: host.files, directory: config.clientsDirectory, leases: `${state}/${LEASES_FILE}`, log },
      }),
      nowMs,
      unixS: () => Math.floor(host.clock.unixMs() / 1000),
      dateS: () => this.parts.dateS(),
      onProblem: (problem) => log.warn('not done on this machine', { problem }),
    });
    this.clients = clients;
    this.configure(decisions);
    await clients.start();
    if (this.stopped) return;
    this.openLeaseLog(clients, newcomers);
    this.openDesk(clients, this.ledger, { invites, captains, reports });
    // what was begun of a list for several gateways is ended before anybody is served
    if (config.group !== undefined) await this.openGroup(config.group, clients, this.ledger);
    if (this.stopped) return;
    this.serve(clients, pool, this.captainDesk(clients, captains, reports));
    this.exit = new ExitCheck(host.streams, host.clock, config.check, (online) => {
      if (online !== clients.isOnline) {
        log.info(online ? 'online' : 'offline');
        // its line may be another one: the rules follow it when use is asked for
        this.inTurn(() => plane.use()).catch(() => {});
      }
      clients.setOnline(online);
    });
    this.exit.start();
    this.every(SWEEP_MS, () => clients.sweep());
    this.every(CLOSE_MS, () => this.countWhenDue(clients));
    this.every(isFlash ? LEDGER_MS.flash : LEDGER_MS.disk, () => this.keepLedger());
    this.every(isFlash ? HELD_MS.flash : HELD_MS.disk, () => this.leaseLog?.flush());
    this.every(USE_MS, () => this.forgetReports(reports));
    this.every(WHOLE_MS, () => this.mend(clients));
    void this.serveMetrics();
    log.info('serving', { port: config.port, clients: clients.count, kinds: this.kinds.join() });
  }

  /** What the configuration says of homes. */
  configure(decisions: readonly ClientConfig[]): void {
    this.clients?.configure(
      decisions.map(({ address, access, reason = '' }) => ({ address, standing: STANDINGS[access], reason })),
    );
  }

  /** Ends all work; tunnels stay, for the daemon that comes after. */
  stop(): void {
    this.stopped = true;
    for (const cancel of this.timers) cancel();
    this.timers.clear();
    this.exit?.stop();
    this.registrar?.stop();
    for (const server of this.servers) server.stop();
    this.clients?.save();
    this.keepLedger();
    this.leaseLog?.flush();
  }

  /** What it tells of itself. */
  info(): GatewayInfo {
    const { config, key, address } = this.parts;
    const { clients, ability } = this;
    const count = clients?.count ?? 0;
    const drain = clients?.drainNow();
    return {
      protocol: PROTOCOL,
      software: `meshbridge ${version}`,
      key,
      address,
      name: config.name,
      operator: config.operator,
      place: config.place,
      country: config.country,
      website: config.website,
      abuse_contact: config.abuseContact,
      logging: this.logging(),
      ask: config.ask,
      admission: config.admission,
      asks_for: config.asksFor,
      kinds: this.kinds,
      mesh_mtu: ability?.meshMtu ?? 0,
      ipv4: true,
      ipv6: ability?.ipv6 ?? false,
      dns: config.dns,
      online: clients?.isOnline ?? true,
      clients: count,
      max_clients: config.maxClients,
      load_percent: Math.min(100, Math.max(Math.floor((100 * count) / config.maxClients), this.linePercent)),
      lease_s: config.leaseMs / 1000,
      blocked_ports: config.closedPorts,
      check: config.check,
      ...(drain && { drain }),
      limits: clients?.limits ?? config.limits,
    };
  }

  /** In memory only where this gateway is one of a group. */
  private async openGroup(group: string, clients: Clients, ledger: ClientLedger): Promise<void> {
    const { config, host, dateS, log } = this.parts;
    const { clientsDirectory } = config;
    const desk = this.desk!;
    const [{ SharedHomes }, { SharedUse }, { HomeListFile }] = await Promise.all([
      import('./mesh/shared-homes.ts'),
      import('./mesh/shared-use.ts'),
      import('./system/home-list-file.ts'),
    ]);
    try {
      const homes = new SharedHomes({
        ...{ group, log },
        store: new HomeListFile(host.files, clientsDirectory, host.crypto, log),
        desk: {
          decisionOn: (address) => clients.decisionOn(address),
          share: (decisions, words, by) => desk.share(decisions, words, by),
        },
        sha512: (bytes) => host.crypto.sha512(bytes),
      });
      const use = new SharedUse({
        ...{ group, ledger, dateS },
        isHere: (address) => clients.keyOf(address) !== undefined,
        nowMs: () => host.clock.monotonicMs(),
        onChange: () => clients.weigh(),
      });
      this.group = { homes, use };
    } catch (error) {
      // the homes that are here are served all the same
      log.error('what is decided for several gateways is not carried out', { error: errorText(error) });
    }
  }

  private tidy(): void {
    const { host, config, log } = this.parts;
    try {
      removeLeftovers(host.files, config.clientsDirectory);
    } catch (error) {
      log.warn('files that were cut off are not removed', { error: errorText(error) });
    }
  }

  /** What it tells of what it keeps. */
  private logging(): string {
    const { keepDays, portBlock, asksFor, logging: words } = this.parts.config;
    return loggingStatement({ keepDays, hasPorts: portBlock !== undefined, asksFor, words });
  }

  /** Who had which address is kept, or, where it is not to be, deleted. */
  private openLeaseLog(clients: Clients, newcomers: Newcomers | undefined): void {
    const { host, config, isFlash, dateS, log } = this.parts;
    const store = new LeaseLogFile(host.files, config.clientsDirectory);
    try {
      if (config.keepDays === 0) for (const piece of store.pieces()) store.remove(piece);
      else {
        const leaseLog = new LeaseLog({
          ...{ store, keepDays: config.keepDays, maxPieces: isFlash ? HELD_PIECES.flash : HELD_PIECES.disk, dateS },
          ...{
            spans: () => clients.spans(),
            hasPorts: config.portBlock !== undefined,
            nowMs: () => host.clock.monotonicMs(),
          },
          onProblem: (problem) => log.warn('who had which address is not kept as it should be', { problem }),
        });
        leaseLog.adopt();
        clients.leasing.on(({ isEnd, span }) => (isEnd ? leaseLog.ended(span) : leaseLog.began(span)));
        this.leaseLog = leaseLog;
      }
    } catch (error) {
      log.error('who had which address is not kept', { error: errorText(error) });
    }
    if (!newcomers) return;
    const nowS = dateS();
    for (const [address, fromS] of this.leaseLog?.homes() ?? [])
      newcomers.remember(address, nowS === undefined ? DAY_MS : (nowS - fromS) * 1000);
    for (const { address } of clients.spans()) newcomers.remember(address);
  }

  /** What was decided on reports long ago is deleted. */
  private forgetReports(reports: Reports): void {
    const nowS = this.parts.dateS();
    try {
      if (nowS !== undefined) reports.sweep(nowS, this.parts.config.keepDays);
    } catch (error) {
      this.parts.log.warn('old reports not deleted', { error: errorText(error) });
    }
  }

  private captainDesk(clients: Clients, captains: Captains, reports: Reports): CaptainDesk {
    const { host, key, dateS, log } = this.parts;
    const { clock, crypto } = host;
    return new CaptainDesk({
      ...{ captains, reports, clients, key, dateS },
      verify: (publicKey, bytes, signature) => crypto.ed25519Verify(publicKey, bytes, signature),
      sha512: (bytes) => crypto.sha512(bytes),
      nowMs: () => clock.monotonicMs(),
      onTaken: (word, keyId) => log.info('taken from a captain', { word, key: keyId }),
      onProblem: (problem) => log.warn('not taken from a captain', { problem }),
    });
  }

  private openDesk(
    clients: Clients,
    ledger: ClientLedger,
    { invites, captains, reports }: { invites: Invites; captains: Captains; reports: Reports },
  ): void {
    const { host, config, dateS, log } = this.parts;
    const { clock, files, crypto } = host;
    const store = new AuditFile(files, config.clientsDirectory, log);
    const audit = new AuditLog(store, (bytes) => crypto.sha512(bytes), AUDIT_ENTRIES);
    if (audit.brokenAt !== undefined)
      log.error('log of what was decided was changed or lost', { entry: audit.brokenAt });
    this.desk = new Desk({
      ...{ clients, ledger, audit, invites, maxClients: config.maxClients, dateS },
      ...{ admission: config.admission, keepDays: config.keepDays, logging: () => this.logging() },
      people: { captains, reports, leaseLog: this.leaseLog },
      onProblem: (problem) => log.error('not in the log of what was decided', { problem }),
      nowMs: () => clock.monotonicMs(),
      unixS: () => Math.floor(clock.unixMs() / 1000),
      token: () => encodeBase32(host.randomBytes(TOKEN_BYTES)),
      onEntry: ({ n, did, by, clients: { length } }, head) =>
        log.info('decided', { entry: n, did, by, homes: length, head }),
    });
  }

  private keepLedger(): void {
    if (this.ledger?.isDirty) this.ledgerFile?.save(this.ledger.record());
  }

  private problemOf(kind: TunnelKind): string | undefined {
    const known: TunnelAbility['kinds'][number] | undefined = this.ability?.kinds.find((one) => one.kind === kind);
    return known ? known.problem : 'not known here';
  }

  private serve(clients: Clients, pool: Pool, captains: CaptainDesk): void {
    const { config, address, host, log } = this.parts;
    const registrar = new Registrar({
      ...{ clients, captains },
      info: () => this.info(),
      clock: host.clock,
      maxHeld: Math.floor(config.maxConnections / HELD_SHARE),
      bits: pool.bits4,
      unixS: () => Math.floor(host.clock.unixMs() / 1000),
    });
    const server = new HttpServer({
      streams: host.streams,
      clock: host.clock,
      // on the address of the mesh alone: who comes another way does not come from where its address says
      at: { host: address, port: config.port },
      limits: { ...SERVER_LIMITS, connections: config.maxConnections },
      handle: (exchange) => registrar.handle(exchange),
      refuse: (status, reason) => registrar.count(refuse(status, reason)),
    });
    this.registrar = registrar;
    this.server = server;
    this.bind(server, BIND_AGAIN_MS, (error) => log.warn('port not taken', { error }));
    this.serveInside(clients, pool);
  }

  /** At its ends of tunnels it serves homes that measure. */
  private serveInside(clients: Clients, pool: Pool): void {
    const { config, host, log } = this.parts;
    const speed = new Speed({
      homeAt: (inner) => {
        const address = clients.homeAt(inner);
        return address !== undefined && clients.look(address).kind === 'granted' ? address : undefined;
      },
      linePercent: () => this.linePercent,
      nowMs: () => host.clock.monotonicMs(),
    });
    for (const inner of this.ability?.ipv6 ? [pool.gateway4, pool.gateway6] : [pool.gateway4]) {
      const server = new HttpServer({
        streams: host.streams,
        clock: host.clock,
        at: { host: inner, port: config.port },
        limits: SPEED_LIMITS,
        handle: (exchange) => speed.handle(exchange),
        refuse: say,
      });
      this.bind(server, BIND_INSIDE_MS, (error) => log.debug('no address inside yet', { error }));
    }
  }

  /** For programs of this machine that watch it; in memory only where they may. */
  private async serveMetrics(): Promise<void> {
    const { config, host, log } = this.parts;
    if (config.metricsPort === undefined) return;
    const { answerMetrics, METRICS_LIMITS } = await import('./surface/metrics.ts');
    if (this.stopped) return;
    const server = new HttpServer({
      streams: host.streams,
      clock: host.clock,
      at: { host: '127.0.0.1', port: config.metricsPort },
      limits: METRICS_LIMITS,
      handle: (exchange) => answerMetrics(exchange, () => this.counts()),
      refuse: say,
    });
    this.bind(server, BIND_AGAIN_MS, (error) => log.warn('metrics_port not taken', { error }));
  }

  /** What brokers may be told: counts, and nothing of anybody. */
  sample(): Sample['gateway'] {
    const summary = this.desk?.summary();
    if (!summary) return undefined;
    const { waiting, active, suspended, refused, max_clients: max, online, drain, today, reports_open } = summary;
    const { spoofed } = this.parts.plane;
    return {
      ...{ waiting, active, suspended, refused, max, online, draining: drain !== undefined, reports_open },
      rx_kb: Math.round(today.rx_bytes / 1000),
      tx_kb: Math.round(today.tx_bytes / 1000),
      ...(this.parts.config.bandwidth !== undefined && { line_pct: this.linePercent }),
      ...(spoofed !== undefined && { spoofed }),
    };
  }

  private counts(): GatewayCounts {
    const { config, plane, host, look } = this.parts;
    const summary = this.desk?.summary();
    const { waiting = 0, active = 0, suspended = 0, refused = 0, away = 0 } = summary ?? {};
    const { sessions, peersUp } = look();
    const memoryKb = residentKb(host.files);
    return {
      version,
      uptimeS: Math.floor((host.clock.monotonicMs() - this.begunMs) / 1000),
      residentBytes: memoryKb === undefined ? undefined : memoryKb * 1024,
      homes: { waiting, active, suspended, refused, away },
      maxHomes: config.maxClients,
      maxWaiting: config.maxWaiting,
      online: this.clients?.isOnline ?? true,
      draining: this.clients?.drainNow() !== undefined,
      ...this.sum,
      linePercent: config.bandwidth === undefined ? undefined : this.linePercent,
      answered: this.registrar?.tally.answered ?? 0,
      refused: this.registrar?.tally.refused ?? new Map(),
      connections: this.server?.connections ?? 0,
      held: this.registrar?.waiting ?? 0,
      spoofed: plane.spoofed,
      sessions,
      peersUp,
      reportsOpen: summary?.reports_open ?? 0,
      isLogBroken: summary?.broken_at !== undefined,
    };
  }

  /** Takes a server's port, now or as soon as it can be had. @param tell why it cannot, each reason once. */
  private bind(server: HttpServer, againMs: number, tell: (problem: string) => void): void {
    this.servers.push(server);
    let told = '';
    const attempt = (): void => {
      try {
        server.start();
      } catch (error) {
        const text = errorText(error);
        if (text !== told) tell(text);
        told = text;
        this.after(againMs, attempt);
      }
    };
    attempt();
  }

  private countWhenDue(clients: Clients): void {
    // a slow machine is asked no faster than it answers
    if (this.isCounting) return;
    // kilobits a second are bits a millisecond
    const couldPass = ((this.parts.config.bandwidth ?? USUAL_KBITS) * USE_MS) / 8;
    const sinceMs = this.parts.host.clock.monotonicMs() - (this.askedAtMs ?? this.begunMs);
    if (sinceMs >= USE_MS - CLOSE_MS / 2 || clients.leastLeft <= couldPass) void this.count();
  }

  private async count(): Promise<void> {
    const { config, host, log } = this.parts;
    this.askedAtMs = host.clock.monotonicMs();
    this.isCounting = true;
    try {
      await this.inTurn(() => this.takeUse());
      this.clients?.weigh();
      this.measureLine(config.bandwidth, host.clock.monotonicMs());
    } catch (error) {
      log.debug('use not counted', { error: errorText(error) });
    } finally {
      this.isCounting = false;
    }
  }

  /** To be called in turn: what was counted is taken before it is counted again. */
  private async takeUse(): Promise<void> {
    const use = await this.parts.plane.use();
    const dateS = this.parts.dateS();
    // a day begins though nobody uses anything
    this.ledger?.turn(dateS);
    this.clients?.takeUse(use, (address, rx_bytes, tx_bytes) => {
      this.ledger?.add(address, { rx_bytes, tx_bytes }, dateS);
      this.sum.rxBytes += rx_bytes;
      this.sum.txBytes += tx_bytes;
      this.lineBytes += Math.max(rx_bytes, tx_bytes);
    });
  }

  /** Counts go with tunnels: what a home used since it was last counted is taken before, or it would come back to a full volume each time. */
  private async change(change: ClientChange): Promise<ClientProblems> {
    const { plane, log } = this.parts;
    if (change.remove.length > 0) {
      try {
        await this.takeUse();
      } catch (error) {
        log.warn('use of homes that left not counted', { error: errorText(error) });
      }
    }
    const problems = await plane.change(change);
    if (change.remove.length > 0) this.clients?.weigh();
    return problems;
  }

  /** How busy the line was, over a minute, however often it was counted. */
  private measureLine(bandwidth: number | undefined, nowMs: number): void {
    const { measuredAtMs, lineBytes } = this;
    if (measuredAtMs !== undefined && nowMs - measuredAtMs < USE_MS - CLOSE_MS / 2) return;
    this.measuredAtMs = nowMs;
    this.lineBytes = 0;
    if (measuredAtMs === undefined || bandwidth === undefined) return;
    const kbits = (8 * lineBytes) / (nowMs - measuredAtMs);
    this.linePercent = Math.min(100, Math.round((100 * kbits) / bandwidth));
  }

  /** Whoever loads firewall rules anew may flush everybody's: then homes are not kept apart any more. */
  private async mend(clients: Clients): Promise<void> {
    const { plane, log } = this.parts;
    if (this.isMending) return;
    this.isMending = true;
    try {
      if (await this.inTurn(() => plane.isWhole())) return;
      log.warn('rules were taken away by somebody, and are made again');
      await clients.restore();
    } catch (error) {
      log.error('rules not made again', { error: errorText(error) });
    } finally {
      this.isMending = false;
    }
  }

  /** What is told to the machine is told one thing after the other, each in so much time; the next begins when the one before has really ended. */
  private inTurn<T>(work: () => Promise<T>, limitMs = PLANE_MS): Promise<T> {
    let begun: Promise<T> | undefined;
    const done = this.turn.then(() => {
      begun = work();
      return inTime(this.parts.host.clock, begun, limitMs);
    });
    this.turn = done.catch(() => begun).catch(() => {});
    return done;
  }

  private every(ms: number, run: () => void): void {
    this.after(ms, () => {
      run();
      this.every(ms, run);
    });
  }

  private after(ms: number, run: () => void): void {
    const cancel = this.parts.host.clock.after(ms, () => {
      this.timers.delete(cancel);
      if (!this.stopped) run();
    });
    this.timers.add(cancel);
  }
}
