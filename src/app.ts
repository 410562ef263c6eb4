// The only wiring: configuration -> links -> clients -> sources -> state -> surfaces; what starts, stops and changes in which order.

import { version } from '../package.json';
import { LateAdviser } from './adviser.ts';
import type { LinkStatus } from './api/model.ts';
import { BrokerTests } from './broker-test.ts';
import { LateBrokers } from './brokers.ts';
import { Chain, CLOCK_BOUNDS } from './chain.ts';
import { CONFIG_PATH, type Config, configPath, MAX_INTERFACES, PLAIN_CONFIG, readConfig } from './config.ts';
import { ConfigError, errorText, InputError, LinkDownError } from './errors.ts';
import type { OwnMachine } from './home-planes.ts';
import { Leases } from './leases.ts';
import { LOG_LEVELS, type Log, Logger, type LogLevel } from './log.ts';
import { Management } from './management.ts';
import { Node } from './mesh/node.ts';
import { Peering } from './mesh/peering.ts';
import { Remote } from './mesh/remote.ts';
import { type Member, MeshState } from './mesh/state.ts';
import { Trials } from './mesh/trial.ts';
import type { MachineHost } from './plane/machine.ts';
import { Discovery, type FoundInterface } from './source/discovery.ts';
import { ServiceCheck } from './source/service.ts';
import { YggdrasilSource } from './source/yggdrasil.ts';
import { type Daemon, UbusSurface } from './surface/ubus.ts';
import { Helper } from './system/helper.ts';
import { NetworkCache } from './system/network-cache.ts';
import { TrialFile } from './system/trial-file.ts';
import { formatEndpoint } from './transport/endpoint.ts';
import type { Cancel, ChildlessHost, Processes } from './transport/host.ts';
import type { LinkReport } from './transport/link.ts';
import { UbusClient } from './ubus/client.ts';
import { type Bus, LocalBus } from './ubus/local.ts';
import { YggdrasilClient } from './yggdrasil/client.ts';

const MOVE_UBUS_MS = 100;
const RESTART_MS = 1000;
/** In the state directory of a machine without ubus. */
const CONTROL_SOCKET = 'control.sock';
/** Where there is no ubus: what a home's machine was told, in RAM; its key of WireGuard, and with what rules it starts. */
const HOME_RUN = '/var/run/meshbridge';
const HOME_FLASH = '/etc/meshbridge';

const HELP = `meshbridge ${version}: the companion daemon of community mesh routers

usage: meshbridge [options]
       meshbridge [--config FILE] call OBJECT METHOD [JSON]
       meshbridge enroll [CODE [--cap CAP]]
       meshbridge release

  --config FILE  configuration, in UCI's form (default ${CONFIG_PATH},
                 where there is none ${PLAIN_CONFIG.directory}/${PLAIN_CONFIG.name})
  --check        check the configuration, name every bad option, tell what is
                 unsafe on this router, and end; with --config, only check FILE
  --version      print the version
  --help         print this

call asks the daemon of a machine without ubus, for instance
  meshbridge call meshbridge status
  meshbridge call meshbridge.client list
enroll prints the card of this machine for an operator; with the code that the
  operator made of it, joins the operator's fleet; as root
release gives the LAN its own line back, whatever runs or does not: takes away
  all tunnels, routes and rules of a home and of a gateway; as root

It stays in the foreground and logs to standard error.
SIGHUP reads the configuration again; SIGTERM and SIGINT end it.
What takes root is done by meshbridge.helper, which rpcd starts.
`;

interface Arguments {
  /** Absent: where it is on this machine. */
  config?: string;
  /** `--check`, `enroll` and `release` are not among them: the C host runs the helper then. */
  action: 'run' | 'version' | 'help' | 'call';
  /** Of `call`: object, method, and arguments as JSON. */
  question?: string[];
}

/** Reads the command line. @throws InputError */
export function parseArguments(args: readonly string[]): Arguments {
  const parsed: Arguments = { action: 'run' };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '--config') {
      const path = args[++i];
      if (!path) throw new InputError('--config: expected a file');
      parsed.config = path;
    } else if (arg === '--version' || arg === '--help') {
      parsed.action = arg.slice(2) as Arguments['action'];
    } else if (arg === 'call') {
      parsed.action = arg;
      const question = args.slice(i + 1);
      parsed.question = question;
      const { length } = question;
      if (length < 2 || length > 3) throw new InputError('call: expected OBJECT METHOD [JSON]');
      return parsed;
    } else throw new InputError(`${arg}: unknown option, --help tells which there are`);
  }
  return parsed;
}

/** Gives the daemon other programs, where it has to start some by itself: on a gateway without ubus. */
type ProcessSource = () => Promise<Processes>;

/** Does what the command line says; the daemon goes on until a signal ends it. */
export function main(host: ChildlessHost, processes?: ProcessSource): void {
  try {
    const { action, config: named, question = [] } = parseArguments(host.args);
    if (action === 'help') host.print(HELP);
    else if (action === 'version') host.print(`${version}\n`);
    else {
      const config = named ?? configPath(host.files);
      if (action === 'call') ask(host, config, question);
      else new App(host, config, processes).start();
      return;
    }
    host.exit(0);
  } catch (error) {
    for (const line of errorText(error).split('\n')) host.log(`meshbridge: ${line}`);
    host.exit(error instanceof ConfigError ? 1 : 2);
  }
}

/** Puts one question to the daemon of a machine without ubus, prints the answer, and ends. @throws ConfigError, InputError */
function ask(host: ChildlessHost, configPath: string, question: readonly string[]): void {
  const { ubusSocket, stateDirectory } = readConfig(host.files, configPath).config;
  if (ubusSocket !== undefined) throw new InputError('call: this machine has ubus, ask by that');
  import('./ubus/question.ts').then(async ({ askLocal }) => {
    try {
      for (const table of await askLocal(host, `${stateDirectory}/${CONTROL_SOCKET}`, question))
        host.print(`${JSON.stringify(table, undefined, 2)}\n`);
      host.exit(0);
    } catch (error) {
      host.log(`meshbridge: ${errorText(error)}`);
      host.exit(1);
    }
  });
}

/** One interface with all that belongs to it. */
interface Unit extends Member {
  readonly endpoint: string;
  readonly client: YggdrasilClient;
  readonly source: YggdrasilSource;
}

/** The daemon. */
export class App {
  private readonly logger: Logger;
  private readonly log: Log;
  private readonly mesh = new MeshState();
  private readonly helper: Helper;
  private readonly network: NetworkCache;
  private readonly trials: Trials;
  private readonly chain: Chain;
  private readonly services: ServiceCheck;
  private readonly adviser: LateAdviser;
  private readonly leases: Leases;
  private readonly management: Management;
  private readonly brokers: LateBrokers;
  private readonly brokerTests: BrokerTests;
  private readonly startedAtMs: number;
  private config: Config;
  private configErrors: string[] = [];
  private ubus: Bus;
  private surface: UbusSurface;
  private discovery: Discovery | undefined;
  private units: Unit[] = [];
  private busCancels: Cancel[] = [];

  /** @throws ConfigError when the configuration cannot be used; Error when it cannot be read. */
  constructor(
    private readonly host: ChildlessHost,
    private readonly configPath: string,
    private readonly processes: ProcessSource | undefined = undefined,
  ) {
    this.config = readConfig(host.files, configPath).config;
    this.logger = new Logger((line) => host.log(line));
    this.logger.level = this.config.logLevel;
    this.log = this.logger.scope('meshbridge');
    this.helper = new Helper({ call: (...call) => this.ubus.call(...call) });
    this.network = new NetworkCache(this.helper, host.clock, this.logger.scope('network'), () => this.random());
    this.startedAtMs = host.clock.monotonicMs();
    this.management = new Management(
      () => this.config,
      () => this.nowMs(),
    );
    this.brokerTests = new BrokerTests({
      host,
      config: () => this.config,
      // beside the daemon's copy of its configuration
      keyPath: configPath.replace(/[^/]*$/, 'node.key'),
    });
    const store = new TrialFile(host.files, this.config.stateDirectory, this.logger.scope('trial'));
    this.trials = new Trials(store, host.clock, (trial) => {
      this.log.info('trial over', { interface: trial.interface });
      this.undoTrials(trial.interface);
    });
    this.services = new ServiceCheck(host.streams, host.clock);
    this.chain = new Chain({
      host,
      bus: { call: (...call) => this.ubus.call(...call) },
      mesh: this.mesh,
      network: this.network,
      log: (scope) => this.logger.scope(scope),
      internet: () => this.leases.internet(),
      onDump: (dump) => this.discovery?.look(dump),
      onVerdict: (sketch) => {
        this.surface.verdictNotice(sketch);
        this.brokers.verdict(sketch);
      },
      onUplinks: (back) => this.brokers.uplinksSeen(back),
      onHealed: (heal) => {
        this.surface.healNotice(heal);
        this.brokers.healed(heal);
      },
    });
    this.adviser = new LateAdviser({
      host,
      random: () => this.random(),
      view: {
        members: () => this.mesh.all(),
        configured: (iface) => this.network.peers(iface),
        isOnline: () => this.chain.isOnline,
      },
      state: this.config.stateDirectory,
      // beside the daemon's copy of its configuration
      list: configPath.replace(/[^/]*$/, 'publicnodes.json'),
      log: this.logger.scope('adviser'),
    });
    this.brokers = new LateBrokers({
      host,
      random: () => this.random(),
      bus: { call: (...call) => this.ubus.call(...call) },
      mesh: this.mesh,
      overview: this.chain.overview,
      uplinks: () => this.chain.uplinkList(),
      nodeInfo: (iface) => this.network.nodeInfo(iface),
      service: { reload: () => this.reload(), restart: () => this.restart() },
      services: this.services,
      lease: { desk: () => this.leases.desk(), status: () => this.leases.status() },
      gateway: () => this.leases.sample(),
      askDesk: (...asked) => this.leases.askDesk(...asked),
      helper: this.helper,
      management: this.management,
      readConfig: () => this.read(),
      readNetwork: () => void this.network.refresh(),
      clockBounds: CLOCK_BOUNDS,
      state: this.config.stateDirectory,
      handed: configPath.replace(/[^/]*$/, ''),
      startedAtMs: this.startedAtMs,
      logger: this.logger,
      onLink: (event, link) => this.surface.linkNotice(event, link),
    });
    this.leases = new Leases({
      host,
      random: () => this.random(),
      members: () => this.mesh.all(),
      state: this.config.stateDirectory,
      dateS: () => {
        const unixMs = host.clock.unixMs();
        const { earliestMs, latestMs } = CLOCK_BOUNDS;
        return unixMs >= earliestMs && unixMs <= latestMs ? Math.floor(unixMs / 1000) : undefined;
      },
      log: (scope) => this.logger.scope(scope),
      plane: async (config, identity) => {
        if (this.config.ubusSocket !== undefined) {
          const { RootClientPlane } = await import('./system/root-client-plane.ts');
          return new RootClientPlane(this.helper, identity.key);
        }
        const { clientPlane } = await import('./client-plane.ts');
        const { stateDirectory: state } = this.config;
        return clientPlane(await this.machine(), config, identity, { keys: state, state });
      },
      // who has no ubus has a disk
      isFlash: () => this.config.ubusSocket !== undefined,
      release: async () => {
        if (this.config.ubusSocket !== undefined) await this.helper.call('clients_release', {});
        else await (await import('./client-plane.ts')).releaseGateway(await this.machine());
      },
      onGroup: (share) => this.brokers.setGroup(share),
      planes: async () => {
        const { homePlanes } = await import('./home-planes.ts');
        const by = this.config.ubusSocket === undefined ? this.ownMachine() : this.helper;
        return homePlanes({ host, by, log: this.logger.scope('plane') });
      },
      publish: (object) => this.ubus.publish(object),
      onChange: (status) => {
        this.surface.leaseNotice(status);
        this.brokers.leaseNotice(status);
        this.chain.overview.judge();
      },
    });
    this.ubus = this.makeUbus();
    this.surface = this.makeSurface();
    this.mesh.peerNotices.on((notice) => {
      this.surface.peerNotice(notice);
      this.brokers.peerNotice(notice);
      if (notice.event === 'peer_up') this.leases.peerUp();
    });
  }

  start(): void {
    const { host } = this;
    host.onSignal('SIGHUP', () => {
      try {
        this.read();
      } catch {
        // the reasons are logged, and shown by status
      }
    });
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      host.onSignal(signal, () => {
        this.log.info('ending', { signal });
        this.end();
      });
    }
    this.log.info('started', { version, config: this.configPath });
    this.startUbus();
    this.startDiscovery();
    this.chain.start();
    this.adviser.setEnabled(this.config.adviser);
    this.brokers.setConfig(this.config);
    this.leases.setConfig(this.config);
  }

  /** Ends every connection; the state is dropped. Where brokers are to be told, answers with when they were. */
  stop(): Promise<void> | undefined {
    const told = this.brokers.stop();
    this.adviser.stop();
    this.leases.stop();
    this.chain.stop();
    this.discovery?.stop();
    this.network.stop();
    this.trials.stop();
    for (const unit of this.units) this.stopUnit(unit);
    this.units = [];
    this.stopUbus();
    return told;
  }

  private end(): void {
    const told = this.stop();
    if (told) void told.then(() => this.host.exit(0));
    else this.host.exit(0);
  }

  // the configuration

  /** Reads the configuration again; what did not change goes on as it is. @throws ConfigError, and the old configuration stays in force. */
  private read(): void {
    let config: Config;
    try {
      config = readConfig(this.host.files, this.configPath).config;
    } catch (error) {
      this.configErrors = errorText(error).split('\n');
      for (const problem of this.configErrors) this.log.error('configuration refused', { problem });
      this.brokers.configRead(this.configErrors);
      throw new InputError(errorText(error), undefined, { cause: error });
    }
    const old = this.config;
    this.config = config;
    this.configErrors = [];
    this.logger.level = config.logLevel;
    for (const { source } of this.units) source.setPace(this.pace());
    // not at once: whoever asked for this over ubus is to hear that it was done
    if (config.ubusSocket !== old.ubusSocket) this.host.clock.after(MOVE_UBUS_MS, () => this.moveUbus());
    this.discovery?.setOptions(this.discoveryOptions());
    this.adviser.setEnabled(config.adviser);
    this.leases.setConfig(this.config);
    this.brokers.setConfig(config);
    this.brokers.configRead([]);
    if (this.ubus.up) {
      this.chain.refresh();
      void this.network.refresh();
    }
    this.log.info('configuration read', { interfaces: this.units.length });
  }

  /** Has the helper publish the configuration, and reads it; without a helper, what is published already. @throws as `read`, and as the helper's `call` */
  private async reload(): Promise<string> {
    let remark = '';
    try {
      await this.helper.call('config_publish', {});
    } catch (error) {
      if (!(error instanceof LinkDownError)) throw error;
      remark = `, but not copied anew: ${error.message}`;
    }
    this.read();
    return `configuration read: ${this.configPath}${remark}`;
  }

  /** Ends in a moment, so that what was asked for is answered first; whoever keeps the daemon running starts it again. */
  private restart(): void {
    this.log.info('restarting');
    this.host.clock.after(RESTART_MS, () => this.end());
  }

  private moveUbus(): void {
    this.stopUbus();
    for (const { source } of this.units) source.setListeners(false);
    this.ubus = this.makeUbus();
    this.surface = this.makeSurface();
    this.leases.moved();
    this.startUbus();
  }

  private pace() {
    const { pollBriskMs: briskMs, pollIdleMs: idleMs, probe } = this.config;
    return { briskMs, idleMs, probe };
  }

  // ubus

  private makeUbus(): Bus {
    const { streams, clock } = this.host;
    const { ubusSocket } = this.config;
    if (ubusSocket === undefined)
      return new LocalBus({ streams, clock, path: this.controlSocket(), log: this.logger.scope('control') });
    return new UbusClient({
      streams,
      clock,
      random: () => this.random(),
      path: ubusSocket,
      log: this.logger.scope('ubus'),
    });
  }

  private makeSurface(): UbusSurface {
    const daemon: Daemon = {
      status: () => this.status(),
      reload: () => this.reload(),
      commands: () => this.management.list(),
      lint: () => this.helper.call('lint', {}),
      logLevel: (level) => this.logLevel(level),
    };
    return new UbusSurface({
      bus: this.ubus,
      mesh: this.mesh,
      overview: this.chain.overview,
      daemon,
      checkService: (address, port) => this.services.check(address, port),
      testBroker: (name) => this.brokerTests.test(name),
      adviser: this.adviser,
      telemetry: (look) => this.brokers.telemetry(look),
      sendNow: () => this.brokers.sendNow(),
      nowMs: () => this.nowMs(),
      log: this.logger.scope('ubus'),
    });
  }

  private startUbus(): void {
    const { ubus } = this;
    const log = this.logger.scope('ubus');
    this.busCancels = [
      ubus.onChange((up, error) => {
        if (up) log.info('connected');
        else log.info('lost', { error: error?.message });
        if (!up) return;
        this.surface.linkNotice('link_up', this.ubusLink());
        this.brokers.linkNotice('link_up', this.ubusLink());
        this.chain.refresh();
        void this.network.refresh();
      }),
      ubus.onSubscribers((path, active) => {
        if (path === 'yggdrasil') for (const { source } of this.units) source.setListeners(active);
      }),
      ubus.listen('network.interface', () => {
        this.chain.refresh();
        this.network.refreshSoon();
      }),
    ];
    this.surface.publish();
    ubus.start();
  }

  private stopUbus(): void {
    for (const cancel of this.busCancels) cancel();
    this.busCancels = [];
    this.ubus.stop();
  }

  // the Yggdrasil interfaces

  private startDiscovery(): void {
    this.discovery = new Discovery(
      this.host.files,
      this.host.clock,
      this.discoveryOptions(),
      this.logger.scope('discovery'),
      (found) => this.setInterfaces(found),
    );
    this.discovery.start();
  }

  private discoveryOptions() {
    const { interfaces: configured, discover, socketDirectory } = this.config;
    return { configured, discover, socketDirectory, most: MAX_INTERFACES };
  }

  private setInterfaces(found: readonly FoundInterface[]): void {
    const isKept = (unit: Unit): boolean =>
      found.some((f) => f.name === unit.node.name && formatEndpoint(f.endpoint) === unit.endpoint);
    const kept = this.units.filter(isKept);
    for (const unit of this.units) if (!kept.includes(unit)) this.stopUnit(unit);
    const added: Unit[] = [];
    this.units = found.map((f) => {
      const known = kept.find((unit) => unit.node.name === f.name);
      if (known) return known;
      const unit = this.makeUnit(f);
      added.push(unit);
      return unit;
    });
    this.mesh.replace(this.units);
    this.chain.overview.judge();
    for (const { client, source } of added) {
      source.setListeners(this.ubus.hasSubscribers('yggdrasil'));
      client.start();
    }
  }

  private makeUnit({ name, endpoint, foundBy }: FoundInterface): Unit {
    const { streams, clock } = this.host;
    const log = this.logger.scope(`yggdrasil.${name}`);
    const node = new Node(
      name,
      foundBy,
      {
        configured: () => this.network.peers(name),
        dialledHere: (remote) => peering.dialledHere(remote),
        nameOf: (key) => remote.nameOf(key, this.nowMs()),
      },
      (event, peer) => {
        log.info(event, { remote: peer.remote, key: peer.key });
        this.mesh.peerNotices.emit({ event, interface: name, peer });
      },
    );
    node.problem = 'Yggdrasil was not reached yet';
    const client: YggdrasilClient = new YggdrasilClient({
      streams,
      clock,
      random: () => this.random(),
      endpoint,
      log,
      name,
      onChange: (up, error) => {
        source.onLink(up, error);
        const event = up ? 'link_up' : 'link_down';
        const link = this.link(`yggdrasil.${name}`, formatEndpoint(endpoint), client.report());
        this.surface.linkNotice(event, link);
        this.brokers.linkNotice(event, link);
        this.leases.linkChanged();
        if (!up) return;
        peering.forgetDialled();
        this.undoTrials(name);
        this.adviser.linkUp(name);
      },
    });
    const source: YggdrasilSource = new YggdrasilSource(node, client, clock, log, this.pace(), {
      nameless: (nowMs) => remote.nextNameless(nowMs),
      learnName: (key) => remote.nodeInfo(key, this.nowMs()),
      polled: () => this.chain.polled(name),
    });
    node.source = source;
    const remote = new Remote(node, source, () => this.network.nodeInfo(name));
    const peering = new Peering(node, source, this.network, this.trials, () => this.nowMs());
    return { node, remote, peering, client, source, endpoint: formatEndpoint(endpoint) };
  }

  private stopUnit({ client, source }: Unit): void {
    source.stop();
    client.stop();
  }

  private undoTrials(iface: string): void {
    const unit = this.units.find(({ node }) => node.name === iface);
    // when it is not connected, this is done as soon as it is
    if (!unit?.client.up) return;
    unit.peering.undoTrials().catch((error) => this.log.warn('trial not undone', { error: errorText(error) }));
  }

  // what `meshbridge status` shows

  private status(): ReturnType<Daemon['status']> {
    return {
      version,
      uptime_s: Math.floor((this.nowMs() - this.startedAtMs) / 1000),
      log_level: this.logger.level,
      config_errors: [...this.configErrors, ...this.network.problems],
      links: [
        this.ubusLink(),
        ...this.units.map(({ node, endpoint, client }) =>
          this.link(`yggdrasil.${node.name}`, endpoint, client.report()),
        ),
        ...this.brokers.links(),
      ],
      interfaces: this.units.map(({ node }) => node.status()),
    };
  }

  private ubusLink(): LinkStatus {
    const { ubusSocket } = this.config;
    const path = ubusSocket ?? this.controlSocket();
    return this.link(ubusSocket === undefined ? 'control' : 'ubus', formatEndpoint({ path }), this.ubus.report());
  }

  /** Where the objects are, if there is no ubus. */
  private controlSocket(): string {
    return `${this.config.stateDirectory}/${CONTROL_SOCKET}`;
  }

  /** Where a home's tunnels are made by this program. */
  private ownMachine(): OwnMachine {
    return {
      machine: () => this.machine(),
      run: HOME_RUN,
      flash: HOME_FLASH,
      config: () => this.config.lease,
      configPath: this.configPath,
    };
  }

  private async machine(): Promise<MachineHost> {
    const { host, processes } = this;
    if (this.config.ubusSocket !== undefined || !processes) throw new Error('this program makes no tunnels itself');
    return { files: host.files, clock: host.clock, processes: await processes() };
  }

  private link(name: string, endpoint: string, report: LinkReport): LinkStatus {
    const status: LinkStatus = {
      name,
      endpoint,
      state: report.state,
      since_s: Math.floor((this.nowMs() - report.since_ms) / 1000),
      ups: report.ups,
    };
    if (report.last_error !== undefined) status.last_error = report.last_error;
    return status;
  }

  private logLevel(level: string | undefined): string {
    if (level !== undefined) {
      if (!(LOG_LEVELS as readonly string[]).includes(level)) {
        throw new InputError(`level: expected ${LOG_LEVELS.join(', ')}, got "${level.slice(0, 32)}"`, 'level');
      }
      this.logger.level = level as LogLevel;
    }
    return this.logger.level;
  }

  private nowMs(): number {
    return this.host.clock.monotonicMs();
  }

  /** Uniform in [0, 1). */
  private random(): number {
    const [a = 0, b = 0, c = 0] = this.host.randomBytes(3);
    return ((a << 16) | (b << 8) | c) / 0x1000000;
  }
}
