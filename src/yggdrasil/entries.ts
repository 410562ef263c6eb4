// Answers of the admin socket as model objects: the one place where their names and units are known, for 0.5.5 to 0.5.14.
//
// What differs: `latency_ms` (0.5.6-0.5.11) and `latency` (from 0.5.12) both hold nanoseconds; `cost` from 0.5.9, rates from 0.5.10; multicast
// interfaces are plain names before 0.5.10. Go leaves out what is zero, and writes zeros for a peer that is down: neither is a fact.
// Nothing is taken on trust: an entry that is broken is left out, a field that is broken is left out, both are counted.

import type { Json, MulticastInterface, Path, PeerClaim, Self, Session, TreeEntry, Tun } from '../api/model.ts';
import { WireError } from '../errors.ts';
import { replaceControls } from '../lib/text.ts';
import { type AdminResponse, isObject } from './admin.ts';

/** A list, and how many broken entries and fields were left out of it. */
export interface Entries<T> {
  entries: T[];
  ignored: number;
}

const MAX_TEXT = 512;
const MAX_PEERS = 4096;
const MAX_ENTRIES = 16384;
const MAX_PATH = 256;
const MAX_INTERFACES = 256;
/** Largest node info that a node may set: yggdrasil-go src/core/nodeinfo.go. */
const MAX_NODE_INFO = 16384;
const INT32_MAX = 0x7fffffff;

/** One object of an answer, read field by field; counts what is there and broken. */
class Fields {
  ignored = 0;

  constructor(private readonly raw: Readonly<Record<string, unknown>>) {}

  bool(name: string): boolean | undefined {
    return this.take(name, (value) => (typeof value === 'boolean' ? value : undefined));
  }

  /** A whole number from 0 to `max`. */
  int(name: string, max = Number.MAX_SAFE_INTEGER): number | undefined {
    return this.take(name, (value) => (isInt(value) && value >= 0 && value <= max ? value : undefined));
  }

  /** A number of at least 0, finite. */
  float(name: string): number | undefined {
    return this.take(name, (value) =>
      typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : undefined,
    );
  }

  text(name: string): string | undefined {
    return this.take(name, (value) => (typeof value === 'string' ? clean(value) : undefined));
  }

  /** A text that identifies: as it is or not at all. */
  uri(name: string): string | undefined {
    return this.take(name, (value) => (typeof value === 'string' && clean(value) === value ? value : undefined));
  }

  key(name: string): string | undefined {
    return this.take(name, (value) => (isKey(value) ? value.toLowerCase() : undefined));
  }

  address(name: string): string | undefined {
    return this.take(name, (value) =>
      typeof value === 'string' && /^[0-9a-f:]{2,39}$/i.test(value) ? value : undefined,
    );
  }

  ints(name: string): number[] | undefined {
    return this.take(name, (value) =>
      Array.isArray(value) && value.length <= MAX_PATH && value.every((n) => isInt(n) && n >= 0) ? value : undefined,
    );
  }

  private take<T>(name: string, read: (value: unknown) => T | undefined): T | undefined {
    const value = this.raw[name];
    if (value === undefined || value === null) return undefined;
    const taken = read(value);
    if (taken === undefined) this.ignored++;
    return taken;
  }
}

/**
 * This node. Source: getSelf.
 * @throws WireError when key or address are missing or broken.
 */
export function toSelf(response: AdminResponse): Self {
  const fields = new Fields(response);
  const key = fields.key('key');
  const address = fields.address('address');
  if (key === undefined || address === undefined) throw new WireError('getself: no valid key and address');
  const self: Self = {
    build_name: fields.text('build_name') ?? 'unknown',
    build_version: fields.text('build_version') ?? 'unknown',
    key,
    address,
    subnet: fields.text('subnet') ?? '',
  };
  set(self, 'routing_entries', fields.int('routing_entries'));
  return self;
}

/**
 * All peerings: outgoing ones first, then by remote, key and port, whether up or not, so that a peer keeps its place. Source: getPeers.
 *
 * A counter that is missing while the link is up is 0 (Go leaves zeros out); a rate that is missing stays missing, since before 0.5.10 there were none.
 * @throws WireError when there is no list.
 */
export function toPeers(response: AdminResponse): Entries<PeerClaim> {
  return toEntries(response, 'peers', MAX_PEERS, toPeer, (a, b) =>
    a.inbound !== b.inbound
      ? Number(a.inbound) - Number(b.inbound)
      : compare(a.remote ?? '', b.remote ?? '') || compare(a.key ?? '', b.key ?? '') || (a.port ?? 0) - (b.port ?? 0),
  );
}

function toPeer(fields: Fields): PeerClaim | undefined {
  const up = fields.bool('up');
  const inbound = fields.bool('inbound');
  if (up === undefined || inbound === undefined) return undefined;
  const peer: PeerClaim = { inbound, up };
  set(peer, 'remote', notEmpty(fields.uri('remote')));
  // while down, everything else is zeros that mean "not known"
  if (up) {
    set(peer, 'key', fields.key('key'));
    set(peer, 'address', fields.address('address'));
    set(peer, 'port', notZero(fields.int('port', INT32_MAX)));
    set(peer, 'priority', fields.int('priority', 255));
    set(peer, 'cost', notZero(fields.int('cost', INT32_MAX)));
    set(peer, 'uptime_s', whole(fields.float('uptime')));
    set(peer, 'rx_bytes', fields.int('bytes_recvd') ?? 0);
    set(peer, 'tx_bytes', fields.int('bytes_sent') ?? 0);
    set(peer, 'rx_bytes_per_s', fields.int('rate_recvd'));
    set(peer, 'tx_bytes_per_s', fields.int('rate_sent'));
    const latencyNs = fields.float('latency') ?? fields.float('latency_ms');
    if (latencyNs) set(peer, 'latency_ms', Math.round(latencyNs / 1e4) / 100);
  }
  const error = notEmpty(fields.text('last_error'));
  if (error !== undefined) {
    set(peer, 'last_error', error);
    const errorNs = fields.float('last_error_time');
    if (errorNs !== undefined) set(peer, 'last_error_ago_ms', Math.round(errorNs / 1e6));
  }
  return peer;
}

/** Sessions by key. Source: getSessions. @throws WireError when there is no list. */
export function toSessions(response: AdminResponse): Entries<Session> {
  return toEntries(
    response,
    'sessions',
    MAX_ENTRIES,
    (fields) => {
      const key = fields.key('key');
      const address = fields.address('address');
      const rx_bytes = fields.int('bytes_recvd');
      const tx_bytes = fields.int('bytes_sent');
      const uptime_s = whole(fields.float('uptime'));
      if (key === undefined || address === undefined) return undefined;
      if (rx_bytes === undefined || tx_bytes === undefined || uptime_s === undefined) return undefined;
      return { key, address, rx_bytes, tx_bytes, uptime_s };
    },
    byKey,
  );
}

/** Active destinations by key. Source: getPaths. @throws WireError when there is no list. */
export function toPaths(response: AdminResponse): Entries<Path> {
  return toEntries(
    response,
    'paths',
    MAX_ENTRIES,
    (fields) => {
      const key = fields.key('key');
      const address = fields.address('address');
      const path = fields.ints('path');
      const sequence = fields.int('sequence');
      if (key === undefined || address === undefined || path === undefined || sequence === undefined) return undefined;
      return { key, address, path, sequence };
    },
    byKey,
  );
}

/** The known part of the tree by key. Source: getTree. @throws WireError when there is no list. */
export function toTree(response: AdminResponse): Entries<TreeEntry> {
  return toEntries(
    response,
    'tree',
    MAX_ENTRIES,
    (fields) => {
      const key = fields.key('key');
      const address = fields.address('address');
      const parent = fields.key('parent');
      const sequence = fields.int('sequence');
      if (key === undefined || address === undefined || parent === undefined || sequence === undefined)
        return undefined;
      return { key, address, parent, sequence };
    },
    byKey,
  );
}

/** The network device. Source: getTun. @throws WireError when `enabled` is missing or broken. */
export function toTun(response: AdminResponse): Tun {
  const fields = new Fields(response);
  const enabled = fields.bool('enabled');
  if (enabled === undefined) throw new WireError('gettun: no valid "enabled"');
  const tun: Tun = { enabled };
  set(tun, 'name', notEmpty(fields.text('name')));
  set(tun, 'mtu', notZero(fields.int('mtu', INT32_MAX)));
  return tun;
}

/** Devices with multicast by name. Source: getMulticastInterfaces. @throws WireError when there is no list. */
export function toMulticast(response: AdminResponse): Entries<MulticastInterface> {
  return toEntries(
    response,
    'multicast_interfaces',
    MAX_INTERFACES,
    (fields) => {
      const name = notEmpty(fields.text('name'));
      if (name === undefined) return undefined;
      const found: MulticastInterface = { name };
      const address = notEmpty(fields.text('address'));
      if (address !== '-') set(found, 'address', address);
      set(found, 'beacon', fields.bool('beacon'));
      set(found, 'listen', fields.bool('listen'));
      set(found, 'password', fields.bool('password'));
      return found;
    },
    (a, b) => compare(a.name, b.name),
    (entry) => (typeof entry === 'string' ? { name: entry } : entry),
  );
}

/**
 * What another node says of itself: any JSON, as it is, to be shown and not to be believed. Source: getNodeInfo.
 * @throws WireError when the answer is not about `key`, or larger than 16 KiB.
 */
export function toNodeInfo(response: AdminResponse, key: string): Json {
  const info = Object.hasOwn(response, key) ? response[key] : undefined;
  if (info === undefined) throw new WireError(`getnodeinfo: no node info of ${key}`);
  const size = JSON.stringify(info).length;
  if (size > MAX_NODE_INFO)
    throw new WireError(`getnodeinfo: expected at most ${MAX_NODE_INFO} characters, got ${size}`);
  return info as Json;
}

/**
 * Keys of another node's peers, each once, in order. Source: debug_remoteGetPeers, which lists one key a link.
 * @throws WireError when the answer is not about one node.
 */
export function toNodePeers(response: AdminResponse): Entries<string> {
  const nodes = Object.values(response);
  const node = nodes[0];
  if (nodes.length !== 1 || !isObject(node))
    throw new WireError('debug_remotegetpeers: expected the peers of one node');
  const raw = node.keys ?? [];
  if (!Array.isArray(raw)) throw new WireError('debug_remotegetpeers: expected a list of keys');
  const keys = raw.filter(isKey).map((key) => key.toLowerCase());
  const entries = [...new Set(keys)].sort().slice(0, MAX_PEERS);
  return { entries, ignored: raw.length - keys.length };
}

function toEntries<T>(
  response: AdminResponse,
  name: string,
  max: number,
  read: (fields: Fields) => T | undefined,
  order: (a: T, b: T) => number,
  asObject: (entry: unknown) => unknown = (entry) => entry,
): Entries<T> {
  const list = response[name] ?? [];
  if (!Array.isArray(list) || !Object.hasOwn(response, name)) throw new WireError(`answer: expected a list "${name}"`);
  const entries: T[] = [];
  let ignored = Math.max(0, list.length - max);
  for (const raw of list.slice(0, max)) {
    const object = asObject(raw);
    if (!isObject(object)) {
      ignored++;
      continue;
    }
    const fields = new Fields(object);
    const entry = read(fields);
    if (entry === undefined) ignored++;
    else {
      entries.push(entry);
      ignored += fields.ignored;
    }
  }
  return { entries: entries.sort(order), ignored };
}

function set<T, K extends keyof T>(target: T, name: K, value: T[K] | undefined): void {
  if (value !== undefined) target[name] = value;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function byKey(a: { key: string }, b: { key: string }): number {
  return compare(a.key, b.key);
}

function notEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function notZero(value: number | undefined): number | undefined {
  return value === 0 ? undefined : value;
}

function whole(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.floor(value);
}

function isInt(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isKey(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/i.test(value);
}

/** Bounded, and without control characters: texts end up in terminals and logs. */
function clean(text: string): string {
  const bounded = text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text;
  return replaceControls(bounded, '\ufffd');
}
