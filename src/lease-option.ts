// The sections of leases in the UCI package `meshbridge`: a home's (`lease`, `gateway`) and a gateway's (`registrar`, `client`).

import {
  ADMISSIONS,
  type Admission,
  AT_QUOTA,
  type InfoLimits,
  PERSONAL,
  type Personal,
  TELL_NAMES,
  type TellName,
  TUNNEL_KINDS,
  type TunnelKind,
} from './api/lease.ts';
import { DESK_CAPS, type DeskCap } from './api/scope.ts';
import { canonicalIp, formatPrefix, type Prefix, parsePrefix } from './lib/ip.ts';
import { addressOf, nodeAddress } from './lib/yggdrasil-address.ts';
import {
  choice,
  flag,
  listOf,
  maybe,
  type OptionSpec,
  path,
  pattern,
  seconds,
  show,
  type ValuesOf,
  whole,
  words,
} from './option.ts';
import { parseEndpoint } from './transport/endpoint.ts';

/** Gateways that a home may name. */
export const MAX_GATEWAYS = 16;
/** Homes that an operator may decide on in the file. */
export const MAX_CLIENTS = 1000;

/** How a gateway is spoken to; `auto` finds out. */
export const GATEWAY_PROTOCOLS = ['auto', 'meshbridge', 'autoygg'] as const;
export type GatewayProtocol = (typeof GATEWAY_PROTOCOLS)[number];

/** What an operator decides on a home. */
export const CLIENT_ACCESS = ['admit', 'refuse', 'suspend'] as const;
export type ClientAccess = (typeof CLIENT_ACCESS)[number];

/** How this home uses gateways. */
export interface LeaseConfig {
  enabled: boolean;
  /** Of Yggdrasil; absent: the first one. */
  interface: string | undefined;
  /** Logical interfaces whose traffic goes through the gateway. */
  networks: string[];
  /** Devices that keep the own line: MAC addresses, addresses, prefixes. */
  bypass: string[];
  name: string | undefined;
  email: string | undefined;
  phone: string | undefined;
  captainKey: string | undefined;
  invite: string | undefined;
}

/** A gateway that was named by hand. */
export interface GatewayConfig {
  name: string;
  /** Pinned; absent: whatever key belongs to the address. */
  key: string | undefined;
  address: string;
  port: number;
  protocol: GatewayProtocol;
  /** Absent: what both can do. */
  kind: TunnelKind | undefined;
  /** The lower, the rather. */
  preference: number;
}

/** How this gateway serves homes. */
export interface RegistrarConfig {
  enabled: boolean;
  interface: string | undefined;
  port: number;
  admission: Admission;
  maxClients: number;
  maxWaiting: number;
  leaseMs: number;
  /** In order of preference; those that the machine cannot make are passed over. */
  kinds: TunnelKind[];
  pool4: Prefix;
  /** Absent: one that follows from the key of Yggdrasil. */
  pool6: Prefix | undefined;
  /** Empty: the gateway's own inner addresses. */
  dns: string[];
  /** `address:port` of hosts in the Internet. */
  check: string[];
  /** Of its line towards it and from it, kbit/s; absent: not known. */
  bandwidth: number | undefined;
  bandwidthUp: number | undefined;
  /** What homes may use unless something else was decided on one. */
  limits: InfoLimits;
  /** Ports of one home; absent: it has none of its own. */
  portBlock: number | undefined;
  closedPorts: number[];
  isolate: boolean;
  /** Own networks that homes may reach. */
  reach: string[];
  wireguardPort: number;
  vxlanPort: number;
  operator: string;
  name: string;
  place: string;
  country: string;
  website: string;
  abuseContact: string;
  logging: string;
  ask: string;
  asksFor: Personal[];
  clientsDirectory: string;
  /** Days for which it is kept who had which address; 0: not at all. */
  keepDays: number;
  /** Homes that were never here, a day, where anybody is served. */
  newPerDay: number;
  maxConnections: number;
  /** Of this machine alone; absent: nothing is told there. */
  metricsPort: number | undefined;
  /** Whose keys may decide on homes by way of brokers, within `manage_cap`. */
  deskCap: DeskCap;
  /** What of people brokers may be told when such a key asks. */
  deskTells: TellName[];
  /** Gateways of one operator for which the same is decided; absent: this one is of no group. */
  group: string | undefined;
}

/** What the operator decided on one home. */
export interface ClientConfig {
  name: string;
  address: string;
  access: ClientAccess;
  reason: string | undefined;
}

const KEY = pattern(/^[0-9a-f]{64}$/i, '64 hex digits');
const text = maybe(words(show));
const NODE_ADDRESS: OptionSpec<string> = {
  takes: 'an address of a node of the mesh (200::/8)',
  read: (text) => {
    const address = nodeAddress(text);
    return address === undefined ? undefined : { value: address };
  },
};
const IP: OptionSpec<string> = {
  takes: 'an address',
  read: (text) => {
    const address = canonicalIp(text);
    return address === undefined ? undefined : { value: address };
  },
};
const INTERFACE = pattern(/^[\w.-]{1,15}$/, 'a logical interface');
const TARGET: OptionSpec<string> = {
  takes: 'address:port, an IPv6 address in brackets',
  read: (text) => {
    try {
      const endpoint = parseEndpoint(text);
      return 'host' in endpoint && canonicalIp(endpoint.host) !== undefined ? { value: text } : undefined;
    } catch {
      return undefined;
    }
  },
};

function pool(bytes: 4 | 16, least: number, most: number, normal?: string): OptionSpec<Prefix> {
  return {
    ...(normal !== undefined && { default: normal }),
    takes: `an IPv${bytes === 4 ? 4 : 6} prefix of ${least} to ${most} bits`,
    read: (text) => {
      const prefix = parsePrefix(text);
      const fits = prefix && prefix.bytes.length === bytes && prefix.length >= least && prefix.length <= most;
      return fits ? { value: prefix } : undefined;
    },
  };
}

function prefixText(what: string, more: RegExp | undefined): OptionSpec<string> {
  return {
    takes: what,
    read: (text) => {
      const prefix = parsePrefix(text);
      if (prefix) return { value: formatPrefix(prefix).replace(/\/(32|128)$/, '') };
      return more?.test(text) ? { value: text.toLowerCase() } : undefined;
    },
  };
}

/** Every option, as in config.ts. */
export const LEASE_OPTIONS = {
  lease: {
    enabled: flag('0'),
    interface: maybe(INTERFACE),
    network: listOf(INTERFACE, ['lan'], 8),
    bypass: listOf(prefixText('a MAC address, an address or a prefix', /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i), [], 64),
    name: text,
    email: text,
    phone: text,
    captain_key: maybe(KEY),
    invite: maybe(pattern(/^[\w-]{1,64}$/, '1 to 64 letters, digits, _ and -')),
  },
  gateway: {
    key: maybe(KEY),
    address: maybe(NODE_ADDRESS),
    port: whole(1, 65_535, '8080'),
    protocol: choice(GATEWAY_PROTOCOLS, 'auto'),
    kind: choice(['auto', ...TUNNEL_KINDS], 'auto'),
    preference: whole(0, 9, '0'),
    enabled: flag('1'),
  },
  registrar: {
    enabled: flag('0'),
    interface: maybe(INTERFACE),
    port: whole(1, 65_535, '8080'),
    admission: choice(ADMISSIONS, 'ask'),
    max_clients: whole(1, 4000, '100'),
    max_waiting: whole(0, 1000, '50'),
    lease: seconds(600, 86_400, '3600'),
    kinds: listOf(choice(TUNNEL_KINDS), TUNNEL_KINDS, TUNNEL_KINDS.length),
    pool4: pool(4, 8, 24, '10.43.0.0/16'),
    pool6: maybe(pool(16, 16, 112)),
    dns: listOf(IP, [], 4),
    check: listOf(TARGET, ['9.9.9.9:443', '[2620:fe::fe]:443'], 4),
    bandwidth: maybe(whole(1, 100_000_000)),
    bandwidth_up: maybe(whole(1, 100_000_000)),
    quota: maybe(whole(1, 1_000_000_000)),
    at_quota: choice(AT_QUOTA, 'slow'),
    slow_rate: whole(64, 100_000_000, '256'),
    rate_down: maybe(whole(64, 100_000_000)),
    rate_up: maybe(whole(64, 100_000_000)),
    flows: whole(0, 1_000_000, '4096'),
    port_block: maybe(whole(64, 8192)),
    closed_ports: listOf(whole(1, 65_535), ['25'], 32),
    isolate: flag('1'),
    reach: listOf(prefixText('a prefix', undefined), [], 16),
    wireguard_port: whole(1, 65_535, '51820'),
    vxlan_port: whole(1, 65_535, '4790'),
    operator: text,
    name: text,
    place: text,
    country: maybe(pattern(/^[A-Z]{2}$/, 'two capital letters')),
    website: text,
    abuse_contact: text,
    logging: text,
    ask: text,
    asks_for: listOf(choice(PERSONAL), [], PERSONAL.length),
    clients_dir: path('/etc/meshbridge/clients'),
    keep_days: whole(0, 365, '30'),
    new_per_day: whole(0, 4000, '20'),
    max_connections: whole(64, 4096, '256'),
    metrics_port: maybe(whole(1, 65_535)),
    desk_cap: choice(DESK_CAPS, 'none'),
    desk_tells: listOf(choice(TELL_NAMES), [], TELL_NAMES.length),
    group: maybe(pattern(/^[a-z0-9-]{1,32}$/, '1 to 32 lower-case letters, digits and -')),
  },
  client: {
    key: maybe(KEY),
    address: maybe(NODE_ADDRESS),
    access: choice(CLIENT_ACCESS, 'admit'),
    reason: text,
    enabled: flag('1'),
  },
} as const;

/** What each option means, as in config.ts. */
export const LEASE_MEANINGS: {
  readonly [T in keyof typeof LEASE_OPTIONS]: { readonly [O in keyof (typeof LEASE_OPTIONS)[T]]: string };
} = {
  lease: {
    enabled:
      'Send what leaves the mesh through a gateway, and nothing by the own line; the page Internet switches it on.',
    interface: 'Logical interface of the Yggdrasil by which gateways are reached. Without it, the first one.',
    network: 'Networks whose traffic goes through the gateway.',
    bypass: 'Devices that keep the own line.',
    name: 'Told only to a gateway that asks for it.',
    email: 'Told only to a gateway that asks for it.',
    phone: 'Told only to a gateway that asks for it.',
    captain_key: 'Key of the captain, who may report this home to the operator of its gateway.',
    invite: 'Code by which a gateway lets this home in.',
  },
  gateway: {
    key: 'Key of its Yggdrasil; it counts only if that is the one it has. Its address follows from it.',
    address: 'Address of its Yggdrasil, where the key is not known.',
    port: 'Port of its registrar.',
    protocol: 'What is spoken there.',
    kind: 'Kind of tunnel.',
    preference: 'The lower, the rather; of equal ones the nearer and the less busy one.',
    enabled: 'Whether this section counts.',
  },
  registrar: {
    enabled: 'Be a gateway: let homes of the mesh use the Internet through this machine.',
    interface: 'Logical interface of the Yggdrasil by which homes come. Without it, the first one.',
    port: 'TCP port on the address of that Yggdrasil.',
    admission: 'Who gets a lease: anybody (open), whom the operator lets in (ask), nobody new (closed).',
    max_clients: 'Homes that may hold a lease at the same time.',
    max_waiting: 'Homes that may wait for the operator.',
    lease: 'How long a lease lasts unless it is renewed.',
    kinds: 'Kinds of tunnels, the preferred one first; those that this machine cannot make are passed over.',
    pool4: 'Inner addresses of homes; its first address is the gateway.',
    pool6: 'The same for IPv6. Without it, a private one that follows from the key of Yggdrasil.',
    dns: 'Name servers for homes. Without any, this machine.',
    check: 'Hosts in the Internet that tell whether this machine reaches it; homes test their exit by them, too.',
    bandwidth:
      'Of its line, in kbit/s, towards this machine; tells homes how busy it is, and has them share it evenly.',
    bandwidth_up: 'The same from this machine.',
    quota: 'Volume of one home a month, in MB (10^6 bytes), both directions together. Without it, as much as there is.',
    at_quota: 'What becomes of a home that has used it: slow, or stop until the next month.',
    slow_rate: 'How slow that is, in kbit/s.',
    rate_down: 'Speed of one home towards it, in kbit/s. Without it, as fast as the line.',
    rate_up: 'The same from it.',
    flows: 'Connections of one home at the same time, of IPv4 and of IPv6 each; 0: as many as it likes.',
    port_block:
      'TCP and UDP ports of its own for each home, so that a complaint is answered without a log of connections. Without it, whichever are free.',
    closed_ports: 'TCP ports in the Internet that homes cannot reach.',
    isolate: 'Keep homes from reaching each other through this machine.',
    reach: 'Networks of this machine that homes may reach.',
    wireguard_port: 'UDP port of WireGuard.',
    vxlan_port: 'UDP port of VXLAN.',
    operator: 'Who runs it. Everybody in the mesh can read this and the following.',
    name: 'What it is called.',
    place: 'Where it is.',
    country: 'Where its traffic appears in the Internet.',
    website: 'Where more is told of it.',
    abuse_contact: 'Whom to write to about what comes from it.',
    logging: 'What is kept of homes beside what this program keeps, which it tells by itself.',
    ask: 'Whom to ask for admission.',
    asks_for: 'What a home has to tell of its people.',
    clients_dir: 'Directory that remembers who was let in, suspended or refused.',
    keep_days: 'Days for which it is kept which home had which addresses when, to answer complaints; 0: not at all.',
    new_per_day:
      'Homes that were never here and may come by themselves a day, where anybody is served; the others wait for the operator.',
    max_connections: 'Connections at the same time.',
    metrics_port:
      'TCP port of 127.0.0.1 where programs of this machine (Prometheus) read counts of it. Without it, none.',
    desk_cap:
      "Whose keys may see homes and decide on them by way of brokers, unless manage_cap is none: nobody's, those of scope desk, those of scope configure too.",
    desk_tells:
      'What homes told of their people, and how captains are reached, that such a key is told by way of brokers, which read it.',
    group:
      'Group of gateways of one operator: by way of brokers they take the same decisions on homes, and tell one another what homes used. Without it, none.',
  },
  client: {
    key: 'Key of its Yggdrasil, or its address.',
    address: 'Address of its Yggdrasil.',
    access: 'What it may do here.',
    reason: 'Told to the home when it is refused or suspended.',
    enabled: 'Whether this section counts.',
  },
};

type Values<T extends keyof typeof LEASE_OPTIONS> = ValuesOf<(typeof LEASE_OPTIONS)[T]>;
type Report = (option: string, message: string) => void;

/** How this home uses gateways. */
export function leaseOf(values: Values<'lease'>): LeaseConfig {
  const { network: networks, captain_key: captainKey, ...rest } = values;
  return { ...rest, networks, captainKey: captainKey?.toLowerCase() };
}

/** The address that a section names, by key or as it is; `undefined` where that was reported. */
function addressIn(
  values: { key: string | undefined; address: string | undefined },
  report: Report,
): string | undefined {
  const { key, address } = values;
  const derived = key === undefined ? undefined : addressOf(key);
  if (derived === undefined && address === undefined) report('key', 'expected a key, or an address, got neither');
  else if (derived !== undefined && address !== undefined && derived !== address) {
    report('address', `expected that of the key, ${derived}, got ${show(address)}`);
    return undefined;
  }
  return derived ?? address;
}

/** A gateway; `undefined` where something was reported. */
export function gatewayOf(name: string, values: Values<'gateway'>, report: Report): GatewayConfig | undefined {
  const address = addressIn(values, report);
  if (address === undefined) return undefined;
  const { key, port, protocol, kind, preference } = values;
  return {
    name,
    key: key?.toLowerCase(),
    address,
    port,
    protocol,
    kind: kind === 'auto' ? undefined : kind,
    preference,
  };
}

/** How this gateway serves homes. */
export function registrarOf(values: Values<'registrar'>): RegistrarConfig {
  return {
    enabled: values.enabled,
    interface: values.interface,
    port: values.port,
    admission: values.admission,
    maxClients: values.max_clients,
    maxWaiting: values.max_waiting,
    leaseMs: values.lease * 1000,
    kinds: values.kinds,
    pool4: values.pool4,
    pool6: values.pool6,
    dns: values.dns,
    check: values.check,
    bandwidth: values.bandwidth,
    bandwidthUp: values.bandwidth_up,
    limits: {
      ...(values.quota !== undefined && { quota_mb: values.quota }),
      ...(values.rate_down !== undefined && { down_kbits: values.rate_down }),
      ...(values.rate_up !== undefined && { up_kbits: values.rate_up }),
      ...(values.flows > 0 && { flows: values.flows }),
      at_quota: values.at_quota,
      slow_kbits: values.slow_rate,
    },
    portBlock: values.port_block,
    closedPorts: values.closed_ports,
    isolate: values.isolate,
    reach: values.reach,
    wireguardPort: values.wireguard_port,
    vxlanPort: values.vxlan_port,
    operator: values.operator ?? '',
    name: values.name ?? '',
    place: values.place ?? '',
    country: values.country ?? '',
    website: values.website ?? '',
    abuseContact: values.abuse_contact ?? '',
    logging: values.logging ?? '',
    ask: values.ask ?? '',
    asksFor: values.asks_for,
    clientsDirectory: values.clients_dir,
    keepDays: values.keep_days,
    newPerDay: values.new_per_day,
    maxConnections: values.max_connections,
    metricsPort: values.metrics_port,
    deskCap: values.desk_cap,
    deskTells: values.desk_tells,
    group: values.group,
  };
}

/** What was decided on a home; `undefined` where something was reported. */
export function clientOf(name: string, values: Values<'client'>, report: Report): ClientConfig | undefined {
  const address = addressIn(values, report);
  return address === undefined ? undefined : { name, address, access: values.access, reason: values.reason };
}
