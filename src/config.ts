// The UCI package `meshbridge` (/etc/config/meshbridge) as a Config: defaults and rejections here and only here.

import { LEASE_SECTION } from './api/lease.ts';
import { CAPS, type Cap, SCOPES, type Scope } from './api/scope.ts';
import {
  METRIC_GROUPS,
  type MetricGroup,
  OPTIONAL_TOPICS,
  type OptionalTopic,
  USUAL_METRIC_GROUPS,
} from './api/topics.ts';
import { ConfigError, type ConfigProblem } from './errors.ts';
import {
  type ClientConfig,
  clientOf,
  type GatewayConfig,
  gatewayOf,
  LEASE_MEANINGS,
  LEASE_OPTIONS,
  type LeaseConfig,
  leaseOf,
  MAX_CLIENTS,
  MAX_GATEWAYS,
  type RegistrarConfig,
  registrarOf,
} from './lease-option.ts';
import { nearest } from './lib/nearest.ts';
import { MAX_UCI_LENGTH, parseUci, UciError, type UciPackage, type UciSection } from './lib/uci.ts';
import { decodeUtf8 } from './lib/utf8.ts';
import { LOG_LEVELS, type LogLevel } from './log.ts';
import {
  address,
  choice,
  flag,
  type ListSpec,
  listOf,
  maybe,
  type OptionSpec,
  orNone,
  path,
  pattern,
  seconds,
  show,
  type ValuesOf,
  words,
} from './option.ts';
import { type BrokerUrl, parseBrokerUrl } from './transport/broker-url.ts';
import { parseEndpoint, socketPathProblem } from './transport/endpoint.ts';
import type { Endpoint, Files, Tls } from './transport/host.ts';

/** What the daemon is told to do. Source: `OPTIONS`, where each option is explained. */
export interface Config {
  logLevel: LogLevel;
  /** Absent: this machine has no ubus. */
  ubusSocket: string | undefined;
  stateDirectory: string;
  discover: boolean;
  socketDirectory: string;
  pollBriskMs: number;
  pollIdleMs: number;
  probe: boolean;
  adviser: boolean;
  /** Whether `brokers` are connected to. */
  mqtt: boolean;
  /** Of the topics; there is one where a fleet's broker is in use. */
  site: string | undefined;
  /** The highest scope that keys of others may use here. */
  manageCap: Cap;
  interfaces: InterfaceConfig[];
  brokers: BrokerConfig[];
  keys: KeyConfig[];
  /** Absent: neither a section says how, nor is a gateway named. */
  lease: LeaseConfig | undefined;
  /** Of which this home takes its lease, in the order of the file. */
  gateways: GatewayConfig[];
  /** Absent: this machine is no gateway. */
  registrar: RegistrarConfig | undefined;
  /** What the operator of this gateway decided on homes. */
  clients: ClientConfig[];
}

/** A Yggdrasil that was named by hand. */
export interface InterfaceConfig {
  name: string;
  endpoint: Endpoint;
}

/** Whose a broker is: that of the people who look after many routers, or one of this home. */
export const BROKER_PROFILES = ['fleet', 'home'] as const;
export type BrokerProfile = (typeof BROKER_PROFILES)[number];

/** An MQTT broker, and what goes to it. */
export interface BrokerConfig {
  name: string;
  profile: BrokerProfile;
  url: BrokerUrl;
  /** Absent: the node's id. */
  username: string | undefined;
  password: string | undefined;
  /** Absent: the machine's authorities. */
  caFile: string | undefined;
  /** Absent: the host of `url`. */
  serverName: string | undefined;
  /** Of the client's certificate; both or none. */
  certFile: string | undefined;
  keyFile: string | undefined;
  pins: string[];
  intervalMs: number;
  metered: boolean;
  metrics: MetricGroup[];
  send: OptionalTopic[];
  discovery: boolean;
  /** Whether commands and desired state are taken from it. */
  manage: boolean;
}

/** A key that signs commands and desired state. */
export interface KeyConfig {
  name: string;
  /** 64 lower-case hex digits. */
  public: string;
  scope: Scope;
}

/** Where people keep it: on OpenWrt, and on other Linux. */
export const CONFIG_PATH = '/etc/config/meshbridge';
export const PLAIN_CONFIG = { directory: '/etc/meshbridge', name: 'meshbridge.conf' } as const;

/** Whether this machine is none of OpenWrt, where it is kept in another place. */
export function isPlain(files: Pick<Files, 'list'>): boolean {
  const { directory, name } = PLAIN_CONFIG;
  const [first, last] = [CONFIG_PATH.replace(/\/[^/]*$/, ''), CONFIG_PATH.replace(/.*\//, '')];
  return !files.list(first).includes(last) && files.list(directory).includes(name);
}

/** Where it is on this machine. @throws Error where its directory may not be looked into */
export function configPath(files: Pick<Files, 'list'>): string {
  return isPlain(files) ? `${PLAIN_CONFIG.directory}/${PLAIN_CONFIG.name}` : CONFIG_PATH;
}

/** Most nodes that one router is expected to run. */
export const MAX_INTERFACES = 4;

/** A fleet's broker and one at home. */
export const MAX_BROKERS = 2;

export const MAX_KEYS = 16;

const MAX_PINS = 8;

/** Every option, by section type. The shipped file, the reader and the errors follow this table. */
export const OPTIONS = {
  meshbridge: {
    log_level: choice(LOG_LEVELS, 'info'),
    ubus_socket: orNone(path('/var/run/ubus/ubus.sock', socketPathProblem)),
    state_dir: path('/var/run/meshbridge'),
    discover: flag('1'),
    socket_dir: path('/tmp/yggdrasil'),
    poll_brisk: seconds(1, 60, '2'),
    poll_idle: seconds(5, 3600, '30'),
    probe: flag('1'),
    adviser: flag('0'),
    mqtt: flag('0'),
    site: maybe(pattern(/^[a-z0-9-]{1,32}$/, '1 to 32 lower-case letters, digits and -')),
    manage_cap: choice(CAPS, 'none'),
  },
  interface: {
    socket: address('unix:///path, unix://@name or tcp://host:port', parseEndpoint),
    enabled: flag('1'),
  },
  mqtt: {
    enabled: flag('1'),
    profile: choice(BROKER_PROFILES, 'fleet'),
    url: address('mqtt://host:port, mqtts://host:port or unix:///path', parseBrokerUrl),
    username: maybe(words(show)),
    password: maybe(words(() => 'what is not shown')),
    ca_file: maybe(path()),
    server_name: maybe(pattern(/^[a-z0-9_][a-z0-9_.-]{0,252}$/i, 'a host name')),
    cert_file: maybe(path()),
    key_file: maybe(path()),
    pin: listOf(pattern(/^[A-Za-z0-9+/]{43}=$/, '44 characters of base64'), [], MAX_PINS),
    interval: seconds(60, 3600, '300'),
    metered: flag('0'),
    metrics: listOf(choice(METRIC_GROUPS), USUAL_METRIC_GROUPS),
    send: listOf(choice(OPTIONAL_TOPICS), OPTIONAL_TOPICS),
    discovery: flag('0'),
    manage: maybe(flag('0')),
  },
  key: {
    public: pattern(/^[0-9a-f]{64}$/, '64 lower-case hex digits'),
    scope: choice(SCOPES),
    enabled: flag('1'),
  },
  ...LEASE_OPTIONS,
} as const;

/** What each option means, in whole sentences: for the shipped file and for pages; the daemon does without, and only what is pure is left out of its bundle. */
export const MEANINGS: Meanings<SectionType> = /* @__PURE__ */ Object.assign(
  {
    meshbridge: {
      log_level: 'How much is logged.',
      ubus_socket: 'Socket of ubus; none: there is no ubus.',
      state_dir: 'Directory, best in RAM, that remembers trials of peerings which must be reverted after a crash.',
      discover: 'Find Yggdrasil by the interfaces of netifd and by the socket files in socket_dir.',
      socket_dir: 'Directory with the admin sockets of Yggdrasil, each named <interface>.sock.',
      poll_brisk: 'How often Yggdrasil is asked while somebody looks or listens.',
      poll_idle: 'How often Yggdrasil is asked while nobody does; not less than poll_brisk.',
      probe: 'Ask silent peers whether they are still there while somebody looks.',
      adviser:
        'Choose at most three public peers from the list publicnodes.json, by measuring them from here, and keep them as peerings.',
      mqtt: 'Connect to the brokers below. While it is 0, nothing is told to anybody and nothing is taken from anybody.',
      site: 'The neighbourhood that this router is counted to: a part of the topics. A broker of a fleet needs it.',
      manage_cap: 'The most that the keys below may do here: look, find out, operate, change the configuration.',
    },
    interface: {
      socket: 'Admin socket of this Yggdrasil (its AdminListen), such as unix:///tmp/yggdrasil/ygg0.sock.',
      enabled: 'Whether this section counts.',
    },
    mqtt: {
      enabled: 'Whether this section counts.',
      profile: 'Whose broker it is: of those who look after many routers (fleet), or of this home (home).',
      url: 'Where the broker is: mqtt, through TLS mqtts, or a socket of this machine.',
      username: 'Name to log in with. Without it, the id of this node.',
      password: 'Password to log in with.',
      ca_file: 'File of the authorities that may vouch for the broker. Without it, those of this machine.',
      server_name: 'The name that its certificate must have. Without it, the host of url.',
      cert_file: 'File of the certificate by which the broker knows this router.',
      key_file: 'File of the key of that certificate.',
      pin: 'SHA-256 of the public key that the broker must have; one of several. Needs no right clock.',
      interval: 'How often measurements are sent.',
      metered: 'Send as little as possible: the line is paid by the megabyte.',
      metrics: 'Groups of measurements that this broker gets.',
      send: 'Topics that this broker gets, beside its status, what the router is, and answers.',
      discovery: 'Tell Home Assistant of this router.',
      manage: 'Take signed commands and desired state from this broker. Without it, 1 with fleet and 0 with home.',
    },
    key: {
      public: 'Public key (ed25519) of somebody who may ask this router for something.',
      scope: 'The most that this key may do, within manage_cap.',
      enabled: 'Whether this section counts.',
    },
  } satisfies Meanings<Exclude<SectionType, keyof typeof LEASE_OPTIONS>>,
  LEASE_MEANINGS,
);

type SectionType = keyof typeof OPTIONS;
type Meanings<T extends SectionType> = { readonly [S in T]: { readonly [O in keyof (typeof OPTIONS)[S]]: string } };
type Values<T extends SectionType> = ValuesOf<(typeof OPTIONS)[T]>;

const PACKAGE = 'meshbridge';
/** So many problems are listed; the rest is counted. */
const MAX_PROBLEMS = 64;
/** The one section of type `meshbridge`. */
const MAIN = 'main';
/** Types of which there is one section, and its name. */
const SINGLE = { meshbridge: MAIN, lease: LEASE_SECTION, registrar: 'registrar' } as const;

/**
 * The configuration that a file sets; without a file, the defaults.
 * @throws ConfigError listing everything that is wrong with it.
 */
export function parseConfig(text: string | undefined): Config {
  const problems: ConfigProblem[] = [];
  const report: Report = (where, message) => {
    problems.push({ option: `${PACKAGE}.${where}`, message });
  };

  const single: { -readonly [T in keyof typeof SINGLE]?: UciSection } = {};
  const interfaces: InterfaceConfig[] = [];
  const brokers: BrokerConfig[] = [];
  const keys: KeyConfig[] = [];
  const gateways = new Map<string, GatewayConfig>();
  const clients = new Map<string, ClientConfig>();
  const counts = new Map<string, number>();
  for (const section of readPackage(text ?? '').sections) {
    const { type, anonymous, name } = section;
    const count = counts.get(type) ?? 0;
    counts.set(type, count + 1);
    // as `uci show` names them
    const where = anonymous ? `@${type}[${count}]` : name;
    const within: Report = (option, message) => report(`${where}.${option}`, message);
    if (isSingle(type)) {
      if (name === SINGLE[type]) single[type] = section;
      else report(where, `expected config ${type} '${SINGLE[type]}', got ${anonymous ? 'no name' : show(name)}`);
      continue;
    }
    if (!isSectionType(type)) {
      report(where, unknown('section type', type, Object.keys(OPTIONS)));
      continue;
    }
    if (anonymous) report(where, `expected config ${type} 'name', got no name`);
    if (type === 'interface') {
      const values = readSection(type, section, where, report);
      if (values?.enabled) interfaces.push({ name, endpoint: values.socket });
    } else if (type === 'mqtt') {
      const values = readSection(type, section, where, report);
      const broker = values && brokerOf(name, values, where, report);
      if (values?.enabled && broker) brokers.push(broker);
    } else if (type === 'key') {
      const values = readSection(type, section, where, report);
      if (!values?.enabled) continue;
      const twin = keys.find((key) => key.public === values.public);
      if (twin) within('public', `expected another key than that of ${PACKAGE}.${twin.name}`);
      keys.push({ name, public: values.public, scope: values.scope });
    } else if (type === 'gateway') {
      const values = readSection(type, section, where, report);
      const gateway = values && gatewayOf(name, values, within);
      if (values?.enabled && gateway) addTo(gateways, gateway, within);
    } else {
      const values = readSection(type, section, where, report);
      const client = values && clientOf(name, values, within);
      if (values?.enabled && client) addTo(clients, client, within);
    }
  }
  for (const [type, most, { length }] of [
    ['interface', MAX_INTERFACES, interfaces],
    ['mqtt', MAX_BROKERS, brokers],
    ['key', MAX_KEYS, keys],
    ['gateway', MAX_GATEWAYS, { length: gateways.size }],
    ['client', MAX_CLIENTS, { length: clients.size }],
  ] as const)
    if (length > most) report(type, `expected at most ${most} that are enabled, got ${length}`);
  const values = readSection('meshbridge', single.meshbridge, SINGLE.meshbridge, report);
  if (values && values.poll_idle < values.poll_brisk)
    report(`${MAIN}.poll_idle`, `expected at least poll_brisk (${values.poll_brisk}), got "${values.poll_idle}"`);
  // a router that knows nothing of leases has no defaults to read
  const hasLease = single.lease !== undefined || gateways.size > 0;
  const lease = hasLease ? readSection('lease', single.lease, SINGLE.lease, report) : undefined;
  const registrar = single.registrar && readSection('registrar', single.registrar, SINGLE.registrar, report);
  const fleet = brokers.find(({ profile }) => profile === 'fleet');
  if (values?.mqtt && values.site === undefined && fleet)
    report(`${MAIN}.site`, `expected a name, since ${PACKAGE}.${fleet.name} is the broker of a fleet, got nothing`);

  const more = problems.length - MAX_PROBLEMS;
  if (more > 0) problems.splice(MAX_PROBLEMS, more, { option: PACKAGE, message: `${more} problems more` });
  if (!values || problems.length > 0) throw new ConfigError(problems);
  return {
    logLevel: values.log_level,
    ubusSocket: values.ubus_socket,
    stateDirectory: values.state_dir,
    discover: values.discover,
    socketDirectory: values.socket_dir,
    pollBriskMs: values.poll_brisk * 1000,
    pollIdleMs: values.poll_idle * 1000,
    probe: values.probe,
    adviser: values.adviser,
    mqtt: values.mqtt,
    site: values.site,
    manageCap: values.manage_cap,
    interfaces,
    brokers,
    keys,
    lease: lease && leaseOf(lease),
    gateways: [...gateways.values()],
    registrar: registrar && registrarOf(registrar),
    clients: [...clients.values()],
  };
}

/** A configuration as text, to tell two apart by its hash. No passwords: whoever knows the rest could find a weak one by trying. */
export function configText(config: Config): string {
  return JSON.stringify(config, (name, value) => (name === 'password' ? undefined : value));
}

/** The site of a router that names none: it is at no broker but that of its home. */
export const HOME_SITE = 'home';

/** Where a broker is, and by what both ends are known. @param isClockRight as in Tls. */
export function brokerEndpoint(broker: BrokerConfig, isClockRight?: () => boolean): Endpoint {
  const { url, caFile, serverName, certFile, keyFile, pins } = broker;
  const { endpoint } = url;
  if (!url.secure || 'path' in endpoint) return endpoint;
  const tls: Tls = {
    ...(caFile !== undefined && { caFile }),
    ...(serverName !== undefined && { serverName }),
    ...(certFile !== undefined && keyFile !== undefined && { certFile, keyFile }),
    ...(pins.length > 0 && { pins }),
    ...(isClockRight && { isClockRight }),
  };
  return { ...endpoint, tls };
}

/** The configuration of a file, and whether there is one. @throws ConfigError; Error when the file cannot be read. */
export function readConfig(files: Pick<Files, 'read'>, path: string): { config: Config; found: boolean } {
  const bytes = files.read(path, MAX_UCI_LENGTH);
  return { config: parseConfig(bytes && decodeUtf8(bytes)), found: bytes !== undefined };
}

function readPackage(text: string): UciPackage {
  try {
    return parseUci(text);
  } catch (error) {
    if (error instanceof UciError) throw new ConfigError([{ option: PACKAGE, message: error.message }]);
    throw error;
  }
}

type Report = (where: string, message: string) => void;

function isSingle(type: string): type is keyof typeof SINGLE {
  return Object.hasOwn(SINGLE, type);
}

function isSectionType(type: string): type is Exclude<SectionType, keyof typeof SINGLE> {
  return Object.hasOwn(OPTIONS, type);
}

/** Adds one to others, of which each has an address of its own. */
function addTo<T extends { name: string; address: string }>(all: Map<string, T>, one: T, report: Report): void {
  const twin = all.get(one.address);
  if (twin) report('address', `expected another one than that of ${PACKAGE}.${twin.name}`);
  all.set(one.address, one);
}

/** Also what only several options together make wrong. */
function brokerOf(name: string, values: Values<'mqtt'>, where: string, report: Report): BrokerConfig {
  const { url, profile, cert_file: certFile, key_file: keyFile } = values;
  if ((certFile === undefined) !== (keyFile === undefined))
    report(`${where}.${certFile ? 'key_file' : 'cert_file'}`, 'expected a file, since the other of the two is given');
  return {
    name,
    profile,
    url,
    username: values.username,
    password: values.password,
    caFile: values.ca_file,
    serverName: values.server_name,
    certFile,
    keyFile,
    pins: values.pin,
    intervalMs: values.interval * 1000,
    metered: values.metered,
    metrics: values.metrics,
    send: values.send,
    discovery: values.discovery,
    manage: values.manage ?? profile === 'fleet',
  };
}

/** All options of a section, absent ones by their default; `undefined` when one was reported. */
function readSection<T extends SectionType>(
  type: T,
  section: UciSection | undefined,
  where: string,
  report: Report,
): Values<T> | undefined {
  const specs: Readonly<Record<string, OptionSpec<unknown> | ListSpec<unknown>>> = OPTIONS[type];
  let failed = false;
  const fail = (name: string, message: string): void => {
    failed = true;
    report(`${where}.${name}`, message);
  };
  for (const name of section?.options.keys() ?? []) {
    if (!Object.hasOwn(specs, name)) fail(name, unknown('option', name, Object.keys(specs)));
  }
  const values: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(specs)) {
    const given = section?.options.get(name)?.value;
    const read = (text: string): unknown => {
      const result = spec.read(text);
      if (result === undefined) fail(name, `expected ${spec.takes}, got ${show(text)}`);
      else if ('problem' in result) fail(name, result.problem);
      else return result.value;
      return undefined;
    };
    if ('items' in spec) {
      const items = given ?? spec.items;
      if (typeof items === 'string') fail(name, 'expected a list, got one value');
      else if (items.length > spec.most) fail(name, `expected at most ${spec.most} items, got ${items.length}`);
      else values[name] = [...new Set(items.map(read))];
    } else {
      const text = given ?? spec.default;
      if (text === undefined) fail(name, `expected ${spec.takes}, got nothing`);
      else if (typeof text !== 'string') fail(name, `expected one value, got a list of ${text.length}`);
      else values[name] = read(text);
    }
  }
  return failed ? undefined : (values as Values<T>);
}

function unknown(what: string, name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  return `unknown ${what} ${show(name)}, ${meant ? `did you mean ${meant}?` : `expected one of ${known.join(', ')}`}`;
}
