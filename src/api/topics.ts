// What goes over MQTT: every topic with its direction, how it is sent, and the JSON in it. Daemon, meshctl, schemas and tests read it from
// here and nowhere else.
//
// A topic is `mb/1/<site>/<node>/<name>`; names of sites and nodes, kinds of events and ids of alarms are of a-z, 0-9 and `-` alone. Whoever
// reads a payload passes over fields that it does not know.

import { HEAL, type Shape, type TableLayout } from './model.ts';

/** First levels of every topic; the number is that of this contract. */
export const TOPIC_ROOT = 'mb/1';
/** In the place of a node: whatever is meant for all of a site. */
export const ALL_NODES = 'all';

/** Groups of what is measured, each of which may be kept from a broker. */
export const METRIC_GROUPS = ['own', 'yggdrasil', 'uplink', 'radio', 'system', 'internet', 'gateway'] as const;
export type MetricGroup = (typeof METRIC_GROUPS)[number];
/** Those that a broker gets unless something else is said: how many homes use a gateway is nobody's business but its operator's. */
export const USUAL_METRIC_GROUPS: readonly MetricGroup[] = METRIC_GROUPS.filter((group) => group !== 'gateway');

/** Topics that may be kept from a broker. */
export const OPTIONAL_TOPICS = ['state', 'tele', 'evt', 'alarm', 'log'] as const;
export type OptionalTopic = (typeof OPTIONAL_TOPICS)[number];

/** How a topic is used. */
export interface TopicContract {
  /** `up`: the router writes it; `down`: it reads it. */
  readonly direction: 'up' | 'down';
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** Nobody gets it after so long (MQTT 5). */
  readonly expiryS?: number;
  /** Longest payload. */
  readonly maxBytes: number;
  /** It has one level more: a kind of event, an id of an alarm. */
  readonly deeper?: true;
}

const DAY_S = 86_400;

/** Every topic of a node, by name. `want` is also one of `all`, for the whole site. */
export const TOPICS = {
  /** Whether it is there; also the will. */
  status: { direction: 'up', qos: 1, retain: true, maxBytes: 512 },
  /** What it is; signed. */
  info: { direction: 'up', qos: 1, retain: true, expiryS: 30 * DAY_S, maxBytes: 8192 },
  /** A keyframe: everything that is measured. */
  state: { direction: 'up', qos: 1, retain: true, expiryS: 7 * DAY_S, maxBytes: 2048 },
  /** A heartbeat; while somebody watches, with what changed since a keyframe. After an outage with QoS 1 and without an expiry. */
  tele: { direction: 'up', qos: 0, retain: false, expiryS: 600, maxBytes: 2048 },
  evt: { direction: 'up', qos: 1, retain: false, expiryS: DAY_S, maxBytes: 1024, deeper: true },
  /** What needs a person; an empty payload: not any more. */
  alarm: { direction: 'up', qos: 1, retain: true, expiryS: 7 * DAY_S, maxBytes: 1024, deeper: true },
  /** A signed command; never retained. */
  cmd: { direction: 'down', qos: 1, retain: false, expiryS: 60, maxBytes: 8192 },
  /** What became of a command; signed. */
  res: { direction: 'up', qos: 1, retain: false, expiryS: 3600, maxBytes: 8192 },
  /** The signed configuration that it should have. */
  want: { direction: 'down', qos: 1, retain: true, maxBytes: 16_384 },
  /** Which configuration it has; signed. */
  have: { direction: 'up', qos: 1, retain: true, expiryS: 30 * DAY_S, maxBytes: 8192 },
  /** What is decided on homes at all gateways of a group, signed: only as that of `all` of the group, in the place of a site; and its parts. */
  homes: { direction: 'down', qos: 1, retain: true, maxBytes: 16_384 },
  part: { direction: 'down', qos: 1, retain: true, maxBytes: 16_384, deeper: true },
  /** Which of these a gateway has; signed. */
  held: { direction: 'up', qos: 1, retain: true, expiryS: 30 * DAY_S, maxBytes: 4096 },
  /** What homes used of a gateway in this month, for the others of its group; signed. */
  use: { direction: 'up', qos: 1, retain: true, expiryS: 32 * DAY_S, maxBytes: 8192, deeper: true },
  /** Lines of its log, while that is on lease. */
  log: { direction: 'up', qos: 0, retain: false, expiryS: 60, maxBytes: 16_384 },
} as const satisfies Record<string, TopicContract>;
export type TopicName = keyof typeof TOPICS;

/** The topic of a node. @param tail the kind of an event, the id of an alarm. */
export function topicOf(site: string, node: string, name: TopicName, tail?: string): string {
  return [TOPIC_ROOT, site, node, name, ...(tail === undefined ? [] : [tail])].join('/');
}

/**
 * How good a clock is: `none` (it cannot be right), `rtc` (a clock with a battery), `file` (later than the newest file, no more is known),
 * `ntp` (set over the network since the router started).
 */
export const CLOCK_QUALITIES = ['none', 'rtc', 'file', 'ntp'] as const;
export type ClockQuality = (typeof CLOCK_QUALITIES)[number];

/** When something was: dated later where the clock was wrong, by any message of the same session with a better one. */
const MOMENT = {
  /** Session: one start of the router. */
  sid: 'string',
  /** Milliseconds since the router started. */
  mono: 'int64',
  /** Unix seconds; absent with `clk` none. */
  't?': 'int64',
  /** One of CLOCK_QUALITIES. */
  clk: 'string',
} as const;

/** As MOMENT, of one broker: `seq` rises by one with each state and tele; a restart of the daemon goes on at the next million. */
const STAMP = { sid: 'string', seq: 'int64', mono: 'int64', 't?': 'int64', clk: 'string' } as const;

/** One link of a node to another. */
const PEER_SAMPLE = {
  /** First 16 digits of its key, `none` where nobody has shown one; `.2`, `.3` for further ones. */
  id: 'string',
  /** PeerState; absent: `up`. */
  'state?': 'string',
  'cost?': 'int32',
  /** Left out where there is no room. */
  'latency_ms?': 'double',
  /** Since this connection was made; left out first. */
  'rx_kb?': 'int64',
  'tx_kb?': 'int64',
} as const;

/** Groups of measurements; all but those that the broker is to get, and those that are not known, are absent. */
export const GROUPS = {
  'own?': {
    /** Of the daemon. */
    uptime_s: 'int64',
    /** One of CHECK_STATES, and which situation it is; of the first Yggdrasil. */
    'verdict?': 'string',
    'situation?': 'string',
    'rss_kb?': 'int32',
    /** Messages that wait for their turn after an outage, and that were given up, since the daemon started. */
    queued: 'int32',
    dropped: 'int64',
    /** Why it is sent more often than usual: `watch`, `boost`. */
    'lease?': 'string',
  },
  'yggdrasil?': [
    {
      /** Its interface. */
      id: 'string',
      /** It answers. */
      connected: 'bool',
      'verdict?': 'string',
      'peers_up?': 'int32',
      'peers_unproven?': 'int32',
      'peers_down?': 'int32',
      'sessions?': 'int32',
      /** Known part of the tree. */
      'routing_entries?': 'int64',
      /** Since the daemon watches. */
      'own_rx_kb?': 'int64',
      'own_tx_kb?': 'int64',
      'relayed_kb?': 'int64',
      'peers?': [PEER_SAMPLE],
    },
  ],
  'uplink?': [
    {
      /** Its interface. */
      id: 'string',
      up: 'bool',
      default_route: 'bool',
      'carrier?': 'bool',
      'uptime_s?': 'int64',
    },
  ],
  'radio?': [
    {
      /** Its network device. */
      id: 'string',
      'mode?': 'string',
      'channel?': 'int32',
      'noise_dbm?': 'int32',
      /** Share of the time in which the channel was in use, since the look before. */
      'busy_pct?': 'int32',
      'stations?': 'int32',
      /** Median of its stations. */
      'signal_dbm?': 'int32',
    },
  ],
  'system?': {
    uptime_s: 'int64',
    /** Of one minute. */
    'load?': 'double',
    'memory_kb?': 'int64',
    'memory_free_kb?': 'int64',
    /** Where changes are kept. */
    'flash_kb?': 'int64',
    'flash_free_kb?': 'int64',
    'temperature_c?': 'int32',
  },
  /** This home's lease, while it is switched on or on trial. */
  'internet?': {
    /** `trial`, `kept`. */
    mode: 'string',
    /** As `meshbridge.lease status` has both. */
    state: 'string',
    situation: 'string',
    /** Nothing of the devices goes out by the own line. */
    blocking: 'bool',
    /** The one in use. */
    'gateway?': 'string',
    /** As the gateway counts. */
    'rx_kb?': 'int64',
    'tx_kb?': 'int64',
  },
  /** Of a gateway: counts of its homes, and nothing of anybody. */
  'gateway?': {
    waiting: 'int32',
    active: 'int32',
    suspended: 'int32',
    refused: 'int32',
    max: 'int32',
    /** It reaches the Internet; homes were told that it is about to stop. */
    online: 'bool',
    draining: 'bool',
    /** Of all homes, today in UTC, as they see the direction. */
    rx_kb: 'int64',
    tx_kb: 'int64',
    reports_open: 'int32',
    /** How busy its line is, where that is known. */
    'line_pct?': 'int32',
    /** Packets that were not of whom they said, since the rules were made. */
    'spoofed?': 'int64',
  },
} as const;

/** Everything that is measured, at one moment. */
export type Sample = Shape<typeof GROUPS>;
export type PeerSample = Shape<typeof PEER_SAMPLE>;

/** A peer as an event tells of it; texts are shortened. */
const EVENT_PEER = {
  'key?': 'string',
  'name?': 'string',
  'remote?': 'string',
  inbound: 'bool',
  state: 'string',
  'error?': 'string',
} as const;
const PEER_EVENT = { interface: 'string', peer: EVENT_PEER } as const;
const LINK_EVENT = { link: 'string', 'error?': 'string' } as const;
const UPLINK_EVENT = { uplink: 'string' } as const;

/** Kinds of events, each a topic of its own below `evt`, and what they tell beside the moment. */
export const EVENT_KINDS = {
  /** The daemon started. */
  started: { version: 'string' },
  'peer-up': PEER_EVENT,
  'peer-down': PEER_EVENT,
  'peer-unproven': PEER_EVENT,
  'peer-flapping': PEER_EVENT,
  'peer-settled': PEER_EVENT,
  'peer-added': PEER_EVENT,
  'peer-removed': PEER_EVENT,
  /** A connection to ubus or a Yggdrasil. */
  'link-up': LINK_EVENT,
  'link-down': LINK_EVENT,
  'uplink-up': UPLINK_EVENT,
  'uplink-down': UPLINK_EVENT,
  /** The situation of a node is another one. */
  verdict: { interface: 'string', state: 'string', situation: 'string' },
  healed: HEAL,
  /** The Internet is reached by a gateway; by another one; nothing goes out any more; the own line serves. */
  'lease-up': { gateway: 'string' },
  'lease-moved': { from: 'string', gateway: 'string' },
  'lease-blocked': { situation: 'string' },
  'lease-off': { situation: 'string' },
  /** A configuration was read, or refused: why. */
  config: { 'problems?': ['string'] },
} as const satisfies Record<string, TableLayout>;
export type EventKind = keyof typeof EVENT_KINDS;

/** Ids of alarms, each a topic of its own below `alarm`, and when they are raised. */
export const ALARM_IDS = {
  mesh: 'a node has been without the mesh for two minutes',
  config: 'a configuration was refused, the one before is in force',
  broker: 'another broker needs a person: a second router with the same id, no permission',
  memory: 'less than 5 % of the memory have been left for 15 minutes',
  flash: 'less than 5 % of the flash for changes are left',
  clock: 'the clock has not been right for an hour',
} as const;
export type AlarmId = keyof typeof ALARM_IDS;

/** Last in what is signed: `<key id>:<base64 of 64 bytes>` each. */
const SIGNED = { sigs: ['string'] } as const;

/** The JSON of each topic. */
export const PAYLOADS = {
  status: {
    /** `online`, `offline` (said by the broker), `bye` (switched off, or ended in order). */
    state: 'string',
    sid: 'string',
    /** Which connection of this session. */
    n: 'int32',
    /** Absent with `offline`. */
    'mono?': 'int64',
    't?': 'int64',
    'clk?': 'string',
  },
  info: {
    /** Of this contract. */
    v: 'int32',
    node: 'string',
    /** 64 hex digits, ed25519: signs info, res and have. */
    key: 'string',
    site: 'string',
    sid: 'string',
    /** Its name in the mesh. */
    'name?': 'string',
    'model?': 'string',
    'os?': 'string',
    /** Of the daemon. */
    version: 'string',
    interfaces: [
      { interface: 'string', 'key?': 'string', 'address?': 'string', 'subnet?': 'string', 'version?': 'string' },
    ],
    /** Of this broker. */
    profile: 'string',
    /** Seconds between two heartbeats. */
    interval_s: 'int32',
    /** Groups of measurements that this broker gets. */
    metrics: ['string'],
    /** Operations that it knows. */
    ops: ['string'],
    /** The most that keys of others may do. */
    cap: 'string',
    /** Of a gateway: one of DESK_CAPS. */
    'desk?': 'string',
    /** Keys that it trusts: `id`, first 16 digits, and scope. */
    keys: [{ id: 'string', scope: 'string' }],
    /** Hash of its configuration. */
    conf: 'string',
    ...SIGNED,
  },
  state: {
    ...STAMP,
    ...GROUPS,
    /** What there was no room for: of all peers traffic and latency; so many peers, so many other entries of lists. */
    'left_out?': { 'peer_traffic?': 'bool', 'peer_latency?': 'bool', 'peers?': 'int32', 'entries?': 'int32' },
  },
  tele: {
    ...STAMP,
    'verdict?': 'string',
    'peers_up?': 'int32',
    'peers?': 'int32',
    /** The lowest among the peers that are up. */
    'latency_ms?': 'double',
    'sessions?': 'int32',
    'own_kb?': 'int64',
    'relayed_kb?': 'int64',
    /** An uplink holds a default route. */
    'online?': 'bool',
    'stations?': 'int32',
    'load?': 'double',
    'memory_free_kb?': 'int64',
    'temperature_c?': 'int32',
    /** State of this home's lease. */
    'internet?': 'string',
    /** `seq` of the state that `d` is to be added to. */
    'base?': 'int64',
    /** What changed since: tables are merged, null removes; items of lists of tables are known by `id`, and `gone` removes one. */
    'd?': 'json',
  },
  evt: {
    ...MOMENT,
    /** Rises by one with each event; a restart of the daemon goes on at the next million. */
    eseq: 'int64',
    /** So many more of this kind were not told one by one. */
    'more?': 'int32',
  },
  alarm: {
    ...MOMENT,
    /** `warning` or `error`. */
    sev: 'string',
    /** How long before `mono` it began. */
    since_s: 'int64',
    msg: 'string',
  },
  cmd: {
    cid: 'string',
    op: 'string',
    'args?': 'json',
    aud: { node: 'string', sid: 'string' },
    ctr: 'int64',
    'not_before?': 'int64',
    'exp?': 'int64',
    ...SIGNED,
  },
  res: {
    cid: 'string',
    'op?': 'string',
    /** accepted, running, done, failed, rejected, dup, expired. */
    st: 'string',
    'code?': 'string',
    'error?': 'string',
    'out?': 'json',
    'left_out?': 'bool',
    /** With `running`: which part of the answer `out` is, from 1 on; at the end, how many there were. Lists of parts belong behind one another. */
    'part?': 'int32',
    'parts?': 'int32',
    sid: 'string',
    't?': 'int64',
    ...SIGNED,
  },
  want: {
    gen: 'int64',
    /** One of the two. */
    aud: { 'node?': 'string', 'site?': 'string' },
    'not_before?': 'int64',
    'exp?': 'int64',
    'confirm_s?': 'int32',
    changes: ['json'],
    ...SIGNED,
  },
  have: {
    sid: 'string',
    /** The generation that was decided last, and how: applied, rolled-back, rejected. */
    'node_gen?': 'int64',
    'node_st?': 'string',
    'site_gen?': 'int64',
    'site_st?': 'string',
    /** Of all options that may be changed from afar, as they are. */
    hash: 'string',
    /** none, pending, applied, rolled-back, rejected: of what is under way, or was decided last. */
    st: 'string',
    'rejected?': [{ path: 'string', reason: 'string' }],
    /** So many more were rejected. */
    'left_out?': 'int32',
    'error?': 'string',
    't?': 'int64',
    ...SIGNED,
  },
  homes: {
    /** Rises with each list of a group. */
    gen: 'int64',
    aud: { group: 'string' },
    /** How many there are, and the hashes of all parts: base32 of half of SHA-512. */
    homes: 'int32',
    parts: ['string'],
    /** The group. */
    gateways: [{ site: 'string', node: 'string', key: 'string' }],
    /** All of it counts anew, also what did not change since the list before. */
    'again?': 'bool',
    ...SIGNED,
  },
  /** A list, not a table: `[["<address>", "a", "s" or "r", "<reason>"?, until_s?, limits?], …]`. */
  part: {},
  held: {
    sid: 'string',
    group: 'string',
    /** The list that counts. */
    'gen?': 'int64',
    /** none, fetching, applied, rejected: of the newest list. */
    st: 'string',
    /** Homes of the list, and those of them on which something else is decided here. */
    homes: 'int32',
    differ: 'int32',
    'error?': 'string',
    't?': 'int64',
    ...SIGNED,
  },
  use: {
    group: 'string',
    /** In UTC: `2026-03`. */
    month: 'string',
    /** By address: received and sent, in megabytes (10^6), begun ones included. */
    homes: 'json',
    ...SIGNED,
  },
  log: {
    sid: 'string',
    mono: 'int64',
    /** As on standard error. */
    lines: ['string'],
    /** So many lines before these were too many. */
    'lost?': 'int32',
  },
} as const satisfies Record<TopicName, TableLayout>;
export type Payload<T extends TopicName> = Shape<(typeof PAYLOADS)[T]>;

/** The JSON of an event of one kind. */
export type EventPayload<K extends EventKind> = Payload<'evt'> & Shape<(typeof EVENT_KINDS)[K]>;
