// The contract between the daemon, which is nobody special, and its helper, which is root: the ubus object `meshbridge.helper`.
//
// The helper is a program of its own that rpcd starts for each call and that ends with it. Only root may call it, pages by way of rpcd's
// access list, and the daemon's user some of it (ubusd's); it knows these verbs and no others, and it believes nothing that it is told: it
// refuses arguments that are not named here, too.

import { FINDING, type Shape, type TableLayout } from './model.ts';
import type { MethodContract } from './objects.ts';

/** Path of the helper's object on ubus. */
export const HELPER_OBJECT = 'meshbridge.helper';

/** A peering as `/etc/config/network` has it: URI, and the network device that it is bound to. */
export const CONFIGURED_PEER = { uri: 'string', 'device?': 'string' } as const satisfies TableLayout;

/** One interface of proto yggdrasil in `/etc/config/network`; its private key stays there. */
export const CONFIGURED_INTERFACE = {
  interface: 'string',
  peers: [CONFIGURED_PEER],
  /** What the node is told to say of itself: the text of its JSON. */
  'node_info?': 'string',
} as const satisfies TableLayout;
export type ConfiguredInterface = Shape<typeof CONFIGURED_INTERFACE>;

/** A router by its own key: its id, and the key, 64 hex digits. */
const IDENTITY = { node: 'string', key: 'string' } as const satisfies TableLayout;
/** A change from afar that is not made, and why. */
const REJECTION = { path: 'string', reason: 'string' } as const satisfies TableLayout;

/** What became of files: whose readers have to know, and which peerings begin or end (`change` is `added` or `removed`). */
const EFFECT = {
  changed: ['string'],
  peers: [{ interface: 'string', uri: 'string', 'device?': 'string', change: 'string' }],
} as const satisfies TableLayout;

/** A desired state that was decided; `st` is `applied`, `rolled-back` or `rejected`. */
const DECIDED = {
  gen: 'int64',
  st: 'string',
  'rejected?': [REJECTION],
  'error?': 'string',
} as const satisfies TableLayout;

/** One verb. Its arguments are texts: rpcd is told of types by examples, and nothing else is needed. */
interface VerbContract extends MethodContract {
  readonly args: Readonly<Record<string, 'string'>>;
  /** Has other programs of the machine do something, one after the other. */
  readonly slow?: true;
}

const PEERING = { interface: 'string', uri: 'string', 'device?': 'string' } as const;

/** The helper's verbs. A verb that fails answers with FAILURE (`error`, and `field?`) instead of its reply, and status 0. */
export const HELPER_METHODS = {
  /** What `/etc/config/network` says of Yggdrasil; empty when there is no such file. */
  network_read: { args: {}, reply: { 'interfaces?': [CONFIGURED_INTERFACE] } },
  /** Writes a peering of an interface of protocol yggdrasil into it; `result` is `added` or `present`. */
  peer_keep: { args: PEERING, reply: { result: 'string' }, writes: true },
  /** Takes a peering out of it; `result` is `removed` or `absent`. */
  peer_forget: { args: PEERING, reply: { result: 'string' }, writes: true },
  /**
   * Copies `/etc/config/meshbridge` to where the daemon may read it; where there is none, removes the copy. What is still there of a lease or of a
   * gateway that it does not switch on is taken away.
   */
  config_publish: { args: {}, reply: {}, writes: true, slow: true },
  /**
   * The desired state: what was decided for node and site, and for which of them last; a change on trial; the options that may be changed from
   * afar, as they are, and their hash. Addresses of peerings are shown without secrets, but those that a trial began or ended.
   */
  desired_read: {
    args: {},
    reply: {
      'node?': DECIDED,
      'site?': DECIDED,
      'last?': 'string',
      'trial?': { id: 'string', left_s: 'int32', ...EFFECT },
      values: [{ path: 'string', 'value?': 'string', 'list?': ['string'] }],
      hash: 'string',
    },
  },
  /**
   * Makes the changes of a signed message (`kind` is `want` or `cmd`), whoever hands it over: signature, scope, audience and generation are
   * checked here. `result` is `trial`, to be confirmed within `left_s`, or what was decided at once, since there was nothing to change.
   */
  desired_apply: {
    args: { payload: 'string', kind: 'string' },
    reply: { result: 'string', 'id?': 'string', left_s: 'int32', rejected: [REJECTION], ...EFFECT },
    writes: true,
  },
  /** Keeps what is on trial; `rejected` is what was rejected, or changed by somebody else meanwhile. */
  desired_confirm: { args: { id: 'string' }, reply: { rejected: [REJECTION] }, writes: true },
  /** Undoes what is on trial; `why` is for whoever wanted it. */
  desired_undo: { args: { id: 'string', why: 'string' }, reply: EFFECT, writes: true },
  /** What tunnels can be made here, and the MTU of Yggdrasil. */
  tunnel_ability: {
    args: {},
    reply: { kinds: [{ kind: 'string', 'problem?': 'string' }], mesh_mtu: 'int32', 'wireguard_key?': 'string' },
    writes: true,
    slow: true,
  },
  /** Makes tunnel `slot` (0 or 1) by `terms`, the JSON text of a gateway's. `device` carries it. */
  tunnel_build: { args: { slot: 'string', terms: 'string' }, reply: { device: 'string' }, writes: true, slow: true },
  tunnel_drop: { args: { slot: 'string' }, reply: {}, writes: true, slow: true },
  /** Sends the LAN's packets by a tunnel; without one they are refused. Which networks and devices these are the configuration says. */
  route_use: { args: { 'slot?': 'string', 'terms?': 'string' }, reply: {}, writes: true, slow: true },
  /** Keeps the LAN from the own line (`on` is 1), or not (0). */
  route_block: { args: { on: 'string' }, reply: {}, writes: true, slow: true },
  /** Writes down that leases are in use, and what stays after a power-cycle. */
  route_keep: { args: { terms: 'string' }, reply: {}, writes: true, slow: true },
  /** Makes everything be again as it was told last. */
  route_restore: { args: {}, reply: {}, writes: true, slow: true },
  /** Takes everything of a home's lease away: the own line serves. Pages call it, too, where the daemon does not run. */
  route_undo: { args: {}, reply: {}, writes: true, slow: true },
  /** What tunnels a gateway can make here. `key` is that of its Yggdrasil, 64 hex digits; what else it has to know the configuration says. */
  clients_ability: {
    args: { key: 'string' },
    reply: {
      kinds: [{ kind: 'string', 'problem?': 'string' }],
      mesh_mtu: 'int32',
      'wireguard_key?': 'string',
      ipv6: 'bool',
      /** What is done without: `rates`, `flows`, `fair`. */
      lacks: [{ what: 'string', problem: 'string' }],
    },
    writes: true,
    slow: true,
  },
  /** Makes this machine a gateway, and takes every tunnel away but those of `slots`, a JSON list of numbers; `clients_change` makes the others. */
  clients_restore: { args: { key: 'string', slots: 'string' }, reply: {}, writes: true, slow: true },
  /** Changes tunnels of homes; may be repeated. `change` is the JSON text of a table: see client-change.ts. */
  clients_change: {
    args: { key: 'string', change: 'string' },
    reply: { problems: [{ slot: 'int32', problem: 'string' }] },
    writes: true,
    slow: true,
  },
  /** Bytes from and to homes since their tunnels were made, and packets that were dropped, for they were not of whom they said. */
  clients_use: {
    args: { key: 'string' },
    reply: { flows: [{ slot: 'int32', rx_bytes: 'int64', tx_bytes: 'int64' }], 'spoofed?': 'int64' },
    writes: true,
    slow: true,
  },
  /** Whether what keeps homes apart stands. */
  clients_check: { args: { key: 'string' }, reply: { whole: 'bool' }, writes: true, slow: true },
  /** Takes everything of a gateway away. */
  clients_release: { args: {}, reply: {}, writes: true, slow: true },
  // what only pages call, through rpcd's access list

  /**
   * Sets `name` and `services` in an interface's `node_info` and leaves its other members as they are; counts from the next start of the
   * interface. `node_info` is the JSON text of a table with one or both (`null` removes), whose blanks are plain ones: they are written as
   * U+00A0, see lib/node-info.ts. `services` is a list of at most 16 `{name, url, description?}`. `result` is `changed` or `same`; of an
   * error, `field` is the part at fault: `services[1].url`.
   */
  announce: { args: { interface: 'string', node_info: 'string' }, reply: { result: 'string' }, writes: true },
  /** Takes an interface of protocol yggdrasil down and up again: its peerings break for some seconds. */
  interface_restart: { args: { interface: 'string' }, reply: {}, writes: true },
  /** Puts a finding right that is `fixable`, as its `words.does` says, if the lint finds it now; `result` is that sentence, filled in. */
  fix: { args: { id: 'string', option: 'string' }, reply: { result: 'string' }, writes: true },
  /** The login for the household; without `username`, there is none. */
  member_read: { args: {}, reply: { 'username?': 'string' } },
  /** Makes that login, or changes it, which ends its sessions. `hash` is what crypt(3) made of its password by SHA-256: `$5$…`. */
  member_set: { args: { username: 'string', hash: 'string' }, reply: {}, writes: true },
  /** Removes that login, and ends its sessions. */
  member_remove: { args: {}, reply: {}, writes: true },
  /** Keeps a list of public peers (the JSON text of publicnodes.json) and hands it to the daemon; an empty text removes it. */
  public_peers_set: { args: { list: 'string' }, reply: { entries: 'int32' }, writes: true },
  /** The card of this router, for an operator who is to enrol it; makes its key when it has none. Each card counts for itself. */
  enroll_card: { args: {}, reply: { ...IDENTITY, card: 'string' }, writes: true },
  /** What a code of an operator would do here, changing nothing but to make this router's key when it has none. */
  enroll_check: {
    args: { code: 'string' },
    reply: {
      ...IDENTITY,
      site: 'string',
      url: 'string',
      /** Whose orders would count: `name`, `public` (64 hex digits), `scope`. */
      keys: [{ name: 'string', public: 'string', scope: 'string' }],
      /** What the operator asks for as `manage_cap`. */
      cap: 'string',
      /** Unix seconds. */
      expires_at: 'int64',
    },
    writes: true,
  },
  /**
   * Does what a code says: broker, site, keys, `manage_cap`, and `mqtt` switched on. `cap`, what the owner permits, counts instead of what the
   * code asks for. The daemon is told by its own `reload`.
   */
  enroll: { args: { code: 'string', 'cap?': 'string' }, reply: IDENTITY, writes: true },
  /** What is unsafe or broken in the router's configuration. */
  lint: { args: {}, reply: { findings: [FINDING] } },
} as const satisfies Record<string, VerbContract>;
export type HelperVerb = keyof typeof HELPER_METHODS;
