// The ubus contract: objects, methods, arguments, replies, events. Daemon, LuCI and tests read it from here and nowhere else.

import {
  ADVISER,
  BROKER_STEP,
  COMMAND_LIST,
  FINDING,
  HEAL,
  HISTORY_SAMPLE,
  INTERFACE,
  LINK,
  MULTICAST_INTERFACE,
  PATH,
  PEER,
  PEER_COUNT,
  SELF,
  SESSION,
  type TableLayout,
  TELEMETRY,
  TRAFFIC,
  TREE_ENTRY,
  TUN,
  UPLINK,
  VERDICT,
} from './model.ts';

/** One ubus method. Arguments whose name ends in `?` may be left out; arguments that are not named here are ignored. */
export interface MethodContract {
  readonly args: TableLayout;
  readonly reply: TableLayout;
  /** True: it changes something. */
  readonly writes?: true;
}

/** Which Yggdrasil, by its logical interface; without it, the first one. */
const WHICH = { 'interface?': 'string' } as const;

/** First in every reply. `age_ms`: time since Yggdrasil was last asked for this. */
const AGED = { age_ms: 'int64', interface: 'string' } as const;

/** Of a reply with a list that may outgrow one message: `left_out`, where it did, counts the entries at its end that are missing. */
const LISTED = { ...AGED, 'left_out?': 'int32' } as const;

/** A peering named as Yggdrasil names it: URI, and the device it is bound to. */
const PEERING = { uri: 'string', 'device?': 'string', ...WHICH } as const;

/** What a command did, in one sentence. */
const DONE = { interface: 'string', message: 'string' } as const;

/** What comes with every status other than 0: the reason, and the argument at fault. */
export const FAILURE = { error: 'string', 'field?': 'string' } as const;

/** The methods of the object `yggdrasil`. */
export const YGGDRASIL_METHODS = {
  self: { args: WHICH, reply: { ...AGED, ...SELF } },
  peers: { args: WHICH, reply: { ...LISTED, peers: [PEER] } },
  sessions: { args: WHICH, reply: { ...LISTED, sessions: [SESSION] } },
  paths: { args: WHICH, reply: { ...LISTED, paths: [PATH] } },
  tree: { args: WHICH, reply: { ...LISTED, tree: [TREE_ENTRY] } },
  tun: { args: WHICH, reply: { ...AGED, ...TUN } },
  multicast: { args: WHICH, reply: { ...AGED, multicast_interfaces: [MULTICAST_INTERFACE] } },
  /** What a node says of itself: untrusted JSON of at most 16 KiB. */
  node_info: { args: { key: 'string', ...WHICH }, reply: { ...AGED, key: 'string', node_info: 'json' } },
  /** Keys of a node's peers. */
  node_peers: { args: { key: 'string', ...WHICH }, reply: { ...AGED, key: 'string', keys: ['string'] } },
  /** The last 24 hours, oldest first. */
  history: { args: WHICH, reply: { ...AGED, step_s: 'int32', samples: [HISTORY_SAMPLE] } },
  /** Adds a peering until Yggdrasil restarts. */
  peer_add: { args: PEERING, reply: DONE, writes: true },
  /** Ends an outgoing peering; with `forget`, takes it out of the configuration too. */
  peer_remove: { args: { ...PEERING, 'forget?': 'bool' }, reply: DONE, writes: true },
  /** Dials a peer that is down now instead of at the end of its backoff. */
  peer_retry: { args: PEERING, reply: DONE, writes: true },
  /**
   * Adds a peering that is removed again after `seconds` (default 60, 10..3600) unless `peer_confirm` comes. With `replace`, dials an
   * outgoing one that is there anew: with the options of `uri` in the place of those of the same name, or where `uri` has none, with
   * those of the configuration. What is undone is that: it gets back the options that it had.
   */
  peer_try: {
    args: { ...PEERING, 'seconds?': 'int32', 'replace?': 'bool' },
    reply: { ...DONE, reverts_in_s: 'int32' },
    writes: true,
  },
  /** Ends the trial of a peering: it stays until Yggdrasil restarts. */
  peer_confirm: { args: PEERING, reply: DONE, writes: true },
  /** Undoes what a trial did, before its time is over. */
  peer_undo: { args: PEERING, reply: DONE, writes: true },
  /** Writes a peering into `/etc/config/network`, so that it outlives a restart, and adds it where it is missing; ends its trial. */
  peer_keep: { args: PEERING, reply: DONE, writes: true },
} as const satisfies Record<string, MethodContract>;

/** The methods of the object `meshbridge`. */
export const MESHBRIDGE_METHODS = {
  status: {
    args: {},
    reply: {
      version: 'string',
      uptime_s: 'int64',
      log_level: 'string',
      /** Why the last reload changed nothing, one line per bad option. */
      config_errors: ['string'],
      links: [LINK],
      interfaces: [INTERFACE],
    },
  },
  /** Has the configuration copied to where the daemon may read it, and reads it again; on errors the old one stays in force. */
  reload: { args: {}, reply: { message: 'string' }, writes: true },
  /**
   * What this router is to brokers of MQTT, and what goes to them. With `look`, all that the page Telemetry shows: also what is wrong with the
   * configuration, who may order something and what was ordered; and what is sent in the next minute is kept, to be shown with `look`.
   */
  telemetry: {
    args: { 'look?': 'bool' },
    reply: { ...TELEMETRY, 'config_errors?': ['string'], 'management?': COMMAND_LIST },
  },
  /** Measures everything and tells all brokers now instead of at its time. */
  telemetry_send: { args: {}, reply: { message: 'string' }, writes: true },
  /** Without `level`, tells; with it, sets until the next reload or restart. */
  log_level: { args: { 'level?': 'string' }, reply: { level: 'string' }, writes: true },
  /** What is unsafe or broken in the router's configuration. */
  lint: { args: {}, reply: { findings: [FINDING] } },
  /** Does the mesh work; of which interface: the named one, or the first. */
  verdict: { args: WHICH, reply: { age_ms: 'int64', ...VERDICT } },
  /** All that the page Overview shows, but for the history: the verdict, and in short what it rests on. */
  overview: {
    args: WHICH,
    reply: {
      ...AGED,
      version: 'string',
      /** All interfaces of protocol yggdrasil; `interface` is empty without any. */
      interfaces: ['string'],
      /** What this node is called in the mesh. */
      'name?': 'string',
      'self?': SELF,
      verdict: VERDICT,
      uplinks: [UPLINK],
      'peers?': PEER_COUNT,
      'traffic?': TRAFFIC,
      'heal?': HEAL,
    },
  },
  /** What a map is drawn from: this node, what it is connected to and whom it knows; with `tree`, the tree too, which changes slowly. */
  map: {
    args: { ...WHICH, 'tree?': 'bool' },
    reply: {
      ...LISTED,
      'name?': 'string',
      'self?': SELF,
      verdict: VERDICT,
      uplinks: [UPLINK],
      'peers?': [PEER],
      'sessions?': [SESSION],
      'tree?': [TREE_ENTRY],
    },
  },
  /** What the household may see: the verdict and the own use, no address, key or name of anybody else. */
  member: {
    args: {},
    reply: { age_ms: 'int64', 'name?': 'string', verdict: VERDICT, 'traffic?': TRAFFIC },
  },
  /** Whether something answers at an address of the mesh (200::/7) on a TCP port. */
  service_check: {
    args: { address: 'string', port: 'int32' },
    reply: { reachable: 'bool', 'latency_ms?': 'double', 'error?': 'string' },
  },
  /** Who may order something from afar, what was ordered, and what was refused. */
  commands: { args: {}, reply: COMMAND_LIST },
  /**
   * Tries the broker of a section `mqtt` step by step, and says at which one it fails. It takes at most 20 s, and sends one message. `ok`:
   * nothing is wrong with it.
   */
  broker_test: { args: { name: 'string' }, reply: { ok: 'bool', steps: [BROKER_STEP] }, writes: true },
  /** What the adviser for public peers does. */
  adviser: { args: {}, reply: ADVISER },
  /** Removes every peering that the adviser added, and lets it rest until the daemon starts again. */
  adviser_undo: { args: {}, reply: { message: 'string' }, writes: true },
} as const satisfies Record<string, MethodContract>;

/** What happened to a peer: the type of a notification of `yggdrasil`, and the end of an event's name (`yggdrasil.peer_up`). */
export const PEER_EVENTS = {
  /** A peering that was not up is up. */
  peer_up: PEER,
  peer_down: PEER,
  /** Claims to be up, without proof. */
  peer_unproven: PEER,
  /** Changed so often that its ups and downs are not told any more; `peer_settled` ends that. */
  peer_flapping: PEER,
  peer_settled: PEER,
  /** A new peering, and one that is gone from the list. */
  peer_added: PEER,
  peer_removed: PEER,
} as const;
export type PeerEvent = keyof typeof PEER_EVENTS;

/** Notification of `meshbridge` and event `meshbridge.link_up`, `meshbridge.link_down`: a connection of the daemon came or went. */
export const LINK_EVENTS = { link_up: LINK, link_down: LINK } as const;
export type LinkEvent = keyof typeof LINK_EVENTS;

/**
 * Notification of `meshbridge` and event `meshbridge.verdict`, `meshbridge.healed`, `meshbridge.lease`: the situation or the state of a node
 * changed; an uplink came back, and peers that were dialled at once are up; the situation of this home's lease changed.
 */
export const MESH_EVENTS = {
  /** In short: `verdict` says it in words. */
  verdict: { interface: 'string', state: 'string', id: 'string', since_s: 'int64' },
  healed: HEAL,
  /** In short: `meshbridge.lease status` says it in words. */
  lease: { state: 'string', id: 'string', 'gateway?': 'string' },
} as const;
export type MeshEvent = keyof typeof MESH_EVENTS;

/** The layout of a peer event: which interface, and the peer as `peers` shows it. */
export const PEER_NOTICE = { interface: 'string', peer: PEER } as const;
