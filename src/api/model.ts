// The JSON that we publish: every object as a layout (field -> type, in the order of the wire) from which its TypeScript type follows.
//
// Conventions: snake_case, the unit in the name, counters always int64. A field whose name ends in `?` may be absent: absent means
// "not known" or "does not apply", never zero. Ages and durations are counted from the moment `age_ms` belongs to.

/** `json` is any JSON value, typed by its content; `[layout]` is a list; an object is a table. */
export type Layout = 'string' | 'bool' | 'int32' | 'int64' | 'double' | 'json' | readonly [Layout] | TableLayout;
export interface TableLayout {
  readonly [field: string]: Layout;
}

export type Json = null | boolean | number | bigint | string | Json[] | { [name: string]: Json };

interface Scalars {
  string: string;
  bool: boolean;
  int32: number;
  int64: number;
  double: number;
  json: Json;
}

/** The TypeScript type of the JSON that a layout describes. */
export type Shape<L> = L extends keyof Scalars
  ? Scalars[L]
  : L extends readonly [infer E]
    ? Shape<E>[]
    : { -readonly [K in keyof L as K extends `${string}?` ? never : K]: Shape<L[K]> } & {
        -readonly [K in keyof L as K extends `${infer N}?` ? N : never]?: Shape<L[K]>;
      };

/** How a peering came about. */
export type PeerOrigin = 'configured' | 'runtime' | 'multicast' | 'inbound' | 'unknown';

/**
 * What is known of a peering: `up` claimed by Yggdrasil and proven lately; `unproven` claimed without proof; `down`.
 * Yggdrasil itself goes on claiming "up" for minutes after a cable was cut.
 */
export type PeerState = 'up' | 'unproven' | 'down';

/** One peering (a link, not a node: two links to one node are two peers). Source: getPeers. */
export const PEER = {
  /** URI without its query; absent only when Yggdrasil does not tell. */
  'remote?': 'string',
  /** Network device that the link is bound to, where that is configured. */
  'device?': 'string',
  /** Query of the address with which this daemon dialled it, secrets hidden; empty: without one. Absent: not known. */
  'options?': 'string',
  /** On trial: it is undone in so many seconds unless somebody confirms it. */
  'trial_left_s?': 'int32',
  /** PeerOrigin. */
  origin: 'string',
  inbound: 'bool',
  /** What Yggdrasil claims. */
  up: 'bool',
  /** PeerState: what we found. */
  state: 'string',
  /** Milliseconds since bytes were last seen to arrive over this link; absent: never while we watched. */
  'proven_ago_ms?': 'int64',
  /** What the proof was: `traffic` (received bytes moved) or `connected` (the handshake of this connection). */
  'proof?': 'string',
  /** Milliseconds since `state` last changed; of a link that was up before we watched, since its connection. */
  state_ago_ms: 'int64',
  /** Changes between up and down in the last hour. */
  changes_per_hour: 'int32',
  /** 64 hex digits. Of a peer that is down: what it last was, then `key_remembered` is true. */
  'key?': 'string',
  'key_remembered?': 'bool',
  'address?': 'string',
  /** Name from the node's node info, where it was asked for already. */
  'name?': 'string',
  /** Local tree port. */
  'port?': 'int32',
  /** 0..254, lower is preferred; the larger of both ends' values. */
  'priority?': 'int32',
  /** Link cost, about the smoothed round trip in milliseconds; from Yggdrasil 0.5.9. */
  'cost?': 'int32',
  /** Duration of this connection. */
  'uptime_s?': 'int64',
  'rx_bytes?': 'int64',
  'tx_bytes?': 'int64',
  /** From Yggdrasil 0.5.10; computed between two polls before that. */
  'rx_bytes_per_s?': 'int64',
  'tx_bytes_per_s?': 'int64',
  /** Last tree signature exchange, not a ping; renewed about every 4 minutes. From 0.5.6. */
  'latency_ms?': 'double',
  'last_error?': 'string',
  'last_error_ago_ms?': 'int64',
} as const;
export type Peer = Shape<typeof PEER>;

/** One peering as Yggdrasil claims it at one moment: a `Peer` without what only memory can add. Sizes and ages as of the answer. */
export type PeerClaim = Omit<
  Peer,
  | 'device'
  | 'options'
  | 'trial_left_s'
  | 'origin'
  | 'state'
  | 'proven_ago_ms'
  | 'proof'
  | 'state_ago_ms'
  | 'changes_per_hour'
  | 'key_remembered'
  | 'name'
>;

/** This node. Source: getSelf. */
export const SELF = {
  build_name: 'string',
  build_version: 'string',
  key: 'string',
  address: 'string',
  subnet: 'string',
  /** Size of the known part of the tree, not the number of nodes in the network. */
  'routing_entries?': 'int64',
} as const;
export type Self = Shape<typeof SELF>;

/** One encrypted session with another node; it vanishes 60 s after its last traffic. Source: getSessions. */
export const SESSION = {
  key: 'string',
  address: 'string',
  rx_bytes: 'int64',
  tx_bytes: 'int64',
  uptime_s: 'int64',
} as const;
export type Session = Shape<typeof SESSION>;

/** One active destination; `path` holds its tree coordinates, ports from the root down. Source: getPaths. */
export const PATH = { key: 'string', address: 'string', path: ['int64'], sequence: 'int64' } as const;
export type Path = Shape<typeof PATH>;

/** One node of the part of the tree that this node knows; the root is its own parent. Source: getTree. */
export const TREE_ENTRY = { key: 'string', address: 'string', parent: 'string', sequence: 'int64' } as const;
export type TreeEntry = Shape<typeof TREE_ENTRY>;

/** The network device of Yggdrasil. Source: getTun. */
export const TUN = { enabled: 'bool', 'name?': 'string', 'mtu?': 'int32' } as const;
export type Tun = Shape<typeof TUN>;

/** One device on which neighbours are looked for. Source: getMulticastInterfaces. */
export const MULTICAST_INTERFACE = {
  name: 'string',
  /** From 0.5.10. */
  'address?': 'string',
  'beacon?': 'bool',
  'listen?': 'bool',
  'password?': 'bool',
} as const;
export type MulticastInterface = Shape<typeof MULTICAST_INTERFACE>;

/** Five minutes of the last 24 hours. */
export const HISTORY_SAMPLE = {
  /** End of the five minutes. */
  ago_s: 'int32',
  /** Seconds of them in which Yggdrasil answered. */
  connected_s: 'int32',
  /** Fewest and most peers proven up. */
  peers_up_min: 'int32',
  peers_up_max: 'int32',
  peers_total: 'int32',
  /** Lowest latency among the peers, averaged. */
  'latency_ms?': 'double',
  rx_bytes: 'int64',
  tx_bytes: 'int64',
} as const;
export type HistorySample = Shape<typeof HISTORY_SAMPLE>;

/** A supervised connection of the daemon. */
export const LINK = {
  /** `ubus`, or `yggdrasil.<interface>`. */
  name: 'string',
  endpoint: 'string',
  /** stopped, connecting, up, waiting. */
  state: 'string',
  since_s: 'int64',
  ups: 'int64',
  'last_error?': 'string',
} as const;
export type LinkStatus = Shape<typeof LINK>;

/** One Yggdrasil node that we look after, in short. */
export const INTERFACE = {
  interface: 'string',
  connected: 'bool',
  /** How it was found: config, netifd or socket. */
  found_by: 'string',
  'build_version?': 'string',
  'key?': 'string',
  'address?': 'string',
  'peers_up?': 'int32',
  'peers_total?': 'int32',
  /** Why there is nothing to show, in plain words. */
  'problem?': 'string',
} as const;
export type InterfaceStatus = Shape<typeof INTERFACE>;

/**
 * Sentences for people come filled in, and as what they were made of, so that a page can say them in another language: `words` holds
 * them with `{name}` in place of each value, `values` the value of each name. Values may be hostile: they are text, never markup.
 */
export type Values = { [name: string]: string | number };

/** An interface of OpenWrt over which this router reaches, or should reach, the Internet. Source: netifd, `network.interface dump`. */
export const UPLINK = {
  interface: 'string',
  'device?': 'string',
  /** `dhcp`, `pppoe`, `static`, … */
  'proto?': 'string',
  up: 'bool',
  /** It is being set up. */
  pending: 'bool',
  /** The device has a signal; absent where netifd does not tell. */
  'carrier?': 'bool',
  /** IPv4 and IPv6 addresses, without prefix length. */
  addresses: ['string'],
  /** It holds a default route, IPv4 or IPv6. */
  default_route: 'bool',
  /** Next hops of its default routes. */
  next_hops: ['string'],
  /** Name servers. */
  dns_servers: ['string'],
  'uptime_s?': 'int64',
  /** What netifd says is wrong: `NO_DEVICE`, `AUTH_FAILED`, … */
  errors: ['string'],
} as const;
export type Uplink = Shape<typeof UPLINK>;

/**
 * The links of the chain from the wall to the mesh, in the order in which they are looked at. Behind it, for homes that reach the Internet by
 * a gateway or want to, and for nobody else: that way.
 */
export const CHAIN = ['line', 'dns', 'clock', 'yggdrasil', 'peers', 'tree', 'internet'] as const;
export type ChainLink = (typeof CHAIN)[number];

/** `good`, `weak` (it works, something is wrong), `bad`, `unknown` (cannot be told now), `unused` (this router does without it). */
export const CHECK_STATES = ['good', 'weak', 'bad', 'unknown', 'unused'] as const;
export type CheckState = (typeof CHECK_STATES)[number];

/** One link of the chain, looked at. */
export const CHECK = {
  /** One of CHAIN. */
  link: 'string',
  /** One of CHECK_STATES. */
  state: 'string',
  /** How long it has been in this state, as far as this daemon has watched. */
  since_s: 'int64',
  /** What the state was seen by, one sentence. */
  evidence: 'string',
  words: { evidence: 'string' },
  /** Values. */
  values: 'json',
} as const;
export type Check = Shape<typeof CHECK>;

/** Does the mesh work, and if not, what is the first broken link and what is to be done. */
export const VERDICT = {
  /** One of CHECK_STATES but `unused`. */
  state: 'string',
  /** Which situation this is: `no_cable`, say. Each has a sentence of its own. */
  id: 'string',
  sentence: 'string',
  /** What to do; empty when there is nothing to do. */
  fix: 'string',
  words: { sentence: 'string', fix: 'string' },
  /** Values. */
  values: 'json',
  /** How long this has been the situation. */
  since_s: 'int64',
  /** When `state` was last `good`; absent: never while this daemon has watched. */
  'last_good_ago_s?': 'int64',
  /** In the order of CHAIN; without `internet` where no gateway is used. */
  checks: [CHECK],
} as const;
export type Verdict = Shape<typeof VERDICT>;

/** Bytes over the peerings of one node since this daemon watches: of its own sessions, and relayed for others (counted once). */
export const TRAFFIC = {
  since_s: 'int64',
  own_rx_bytes: 'int64',
  own_tx_bytes: 'int64',
  relayed_bytes: 'int64',
  own_rx_bytes_per_s: 'int64',
  own_tx_bytes_per_s: 'int64',
  relayed_bytes_per_s: 'int64',
} as const;
export type Traffic = Shape<typeof TRAFFIC>;

/** The last time that an uplink came back and peers were dialled at once. */
export const HEAL = {
  ago_s: 'int64',
  /** The uplink that came back. */
  uplink: 'string',
  /** Peers that were dialled. */
  dialled: 'int32',
  /** Of these, those that are up now. */
  healed: 'int32',
  /** How much longer the one that came back first would have waited by itself, about. */
  saved_s: 'int64',
} as const;
export type Heal = Shape<typeof HEAL>;

/** One step of the test of a broker: `dns`, `tcp`, `tls`, `login`, `permission`, `publish`. */
export const BROKER_STEP = {
  step: 'string',
  /** One of CHECK_STATES but `weak`. */
  state: 'string',
  /** What was found, and what to do about it. */
  sentence: 'string',
  words: { sentence: 'string' },
  /** Values. */
  values: 'json',
} as const;
export type BrokerStep = Shape<typeof BROKER_STEP>;

/** How many peerings are in each state. */
export const PEER_COUNT = { up: 'int32', unproven: 'int32', down: 'int32' } as const;

/** One public peer that the adviser measured, or keeps. */
export const CANDIDATE = {
  /** Without its query. */
  uri: 'string',
  /** Who runs it, as far as its host name tells; of an address, its network. */
  operator: 'string',
  'region?': 'string',
  /** Median of the times that a TCP connection took. */
  'latency_ms?': 'double',
  /** Absent: not since the adviser was started. */
  'measured_ago_s?': 'int64',
  /** Why it does not count. */
  'problem?': 'string',
  /** `kept`, `trial`, or absent. */
  'role?': 'string',
} as const;
export type Candidate = Shape<typeof CANDIDATE>;

/** What the adviser for public peers does. */
export const ADVISER = {
  enabled: 'bool',
  /** `off`, `no_list`, `waiting`, `measuring`, `trial`, `content` (it keeps as many as it wants). */
  state: 'string',
  /** Entries of the list that can be measured (by TCP, so none of quic) and are not marked as down. */
  listed: 'int32',
  /** At most 40: those that are kept (at most three), the one on trial, then the best first, then those with a problem. */
  candidates: [CANDIDATE],
  /** When it measures again, about. */
  'next_s?': 'int64',
  /** Why it does not go on, in plain words. */
  'problem?': 'string',
} as const;
export type AdviserStatus = Shape<typeof ADVISER>;

/** A key that may ask for something from afar. */
export const TRUSTED_KEY = {
  /** In the configuration. */
  name: 'string',
  /** First 16 digits. */
  id: 'string',
  /** One of SCOPES. */
  scope: 'string',
} as const;

/** A command that somebody with a key gave, and what became of it. */
export const COMMAND = {
  cid: 'string',
  /** Name of the key, while the configuration has it. */
  'by?': 'string',
  /** Its id. */
  key: 'string',
  op: 'string',
  /** `accepted` (under way), `done`, `failed`, `rejected`, `expired`. */
  state: 'string',
  /** Why not, in a word, and in a sentence. */
  'code?': 'string',
  'error?': 'string',
  /** When it came, in Unix seconds where the clock was right, and how long ago that is. */
  't?': 'int64',
  ago_s: 'int64',
} as const;

/** So many messages were refused for one reason, since the daemon started. */
export const REFUSED = { code: 'string', count: 'int64' } as const;

/** What may be ordered from afar, and what was. */
export const COMMAND_LIST = {
  /** One of CAPS. */
  cap: 'string',
  keys: [TRUSTED_KEY],
  /** Of this start of the router, the newest first; at most 64. */
  commands: [COMMAND],
  refused: [REFUSED],
} as const;
export type CommandList = Shape<typeof COMMAND_LIST>;

/** How much a finding matters: `error` (something does not work, or is unsafe now), `warning` (it will hurt), `note`. */
export const FINDING_LEVELS = ['error', 'warning', 'note'] as const;
export type FindingLevel = (typeof FINDING_LEVELS)[number];

/** Something unsafe or broken in the router's configuration. Sentences for people; no secret is quoted. */
export const FINDING = {
  /** Which check found it: `empty_private_key`, say. */
  id: 'string',
  /** One of FINDING_LEVELS. */
  level: 'string',
  /** Where: `network.ygg0.private_key`. */
  option: 'string',
  /** What was found. */
  what: 'string',
  /** Why it matters. */
  why: 'string',
  /** What to do about it. */
  fix: 'string',
  /** `does`: what the helper's verb `fix` would do. */
  words: { what: 'string', why: 'string', fix: 'string', 'does?': 'string' },
  /** Values. */
  values: 'json',
  /** The helper's verb `fix` can put it right safely, and `words.does` says how. */
  fixable: 'bool',
} as const;
export type Finding = Shape<typeof FINDING> & { level: FindingLevel };

/** A message that went to a broker. */
export const SENT_MESSAGE = {
  topic: 'string',
  bytes: 'int32',
  qos: 'int32',
  retain: 'bool',
  age_ms: 'int64',
  /** What it says, or how that begins: of what was sent while somebody looked. */
  'text?': 'string',
} as const satisfies TableLayout;

/** A broker of MQTT, and what goes to it. */
export const BROKER = {
  name: 'string',
  /** `fleet` or `home`. */
  profile: 'string',
  endpoint: 'string',
  /** Through TLS. */
  secure: 'bool',
  /** Commands and desired state are taken from it. */
  manage: 'bool',
  /** What it gets, and how often: as its section says. */
  interval_s: 'int32',
  metered: 'bool',
  metrics: ['string'],
  send: ['string'],
  /** As that of a link. */
  state: 'string',
  since_s: 'int64',
  ups: 'int32',
  'last_error?': 'string',
  /** 5, or 4 for MQTT 3.1.1. */
  'protocol?': 'int32',
  /** Why a person is needed. */
  'alarm?': 'string',
  /** Messages that wait for the broker, and that were given up. */
  queued: 'int32',
  dropped: 'int64',
  /** Since the daemon connects to it: sent, bytes of their payloads, and come. */
  messages: 'int64',
  bytes: 'int64',
  received: 'int64',
  /** Messages that the broker sent and nobody asked for: none was looked at. */
  unasked: 'int64',
  /** The last 20, newest first. */
  sent: [SENT_MESSAGE],
} as const satisfies TableLayout;
export type BrokerStatus = Shape<typeof BROKER>;

/** What this router is to brokers, and what goes to them. */
export const TELEMETRY = {
  /** The option `mqtt` is on. */
  enabled: 'bool',
  /** Why nothing is told all the same. */
  'problem?': 'string',
  /** Its id, and the key that it is made of, 64 hex digits. */
  'node?': 'string',
  'key?': 'string',
  'site?': 'string',
  /** The session: one start of the router. */
  'sid?': 'string',
  /** How good its clock is: `none`, `rtc`, `file`, `ntp`. */
  'clock?': 'string',
  /** Why it is measured more often than usual: `watch`, `boost`. */
  'lease?': 'string',
  brokers: [BROKER],
} as const satisfies TableLayout;
export type TelemetryStatus = Shape<typeof TELEMETRY>;
