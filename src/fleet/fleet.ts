// What is known of the nodes of a fleet, from what a broker delivers: each message is looked at as if a stranger had made it.

import { type Payload, TOPICS, type TopicContract } from '../api/topics.ts';
import { readPayload, readTopic, type Topic } from './message.ts';
import type { Pin, Pins } from './pin.ts';
import type { Arrival } from './session.ts';
import { claimedKey, openSigned } from './trust.ts';

/**
 * Whose a node is: `pinned` (its info is signed by the key that was enrolled), `new` (signed by the key that its id is made of, which nobody
 * enrolled), `forged` (told in the name of a node, not signed by it), `unsigned` (nothing signed was seen).
 */
export type Trust = 'pinned' | 'new' | 'forged' | 'unsigned';

/** One node in one site. */
export interface NodeView {
  site: string;
  node: string;
  pin: Pin | undefined;
  trust: Trust;
  /** Signed, by whom `trust` says. */
  info: Payload<'info'> | undefined;
  have: Payload<'have'> | undefined;
  /** What follows nobody signed. */
  status: Payload<'status'> | undefined;
  state: Payload<'state'> | undefined;
  tele: Payload<'tele'> | undefined;
  /** By id. */
  alarms: Map<string, Payload<'alarm'>>;
  /** Unix milliseconds at which something of it arrived that the broker had not kept. */
  heard_ms: number | undefined;
  /** The same of what it kept, by the time that is left until it expires. */
  kept_ms: number | undefined;
  /** Of its state: when the broker was given it, Unix milliseconds. */
  state_ms: number | undefined;
  /** Sessions in which it came and went while we looked. */
  sessions: Set<string>;
}

/** Of any kind; enrolled ones are taken beyond that. */
const MAX_NODES = 100_000;
const MAX_ALARMS = 32;
const MAX_SESSIONS = 32;

/** The nodes, by site and id. */
export class Fleet {
  /** Messages that were none, too long, not signed as they must be, or of too many nodes. */
  dropped = 0;
  private readonly views = new Map<string, NodeView>();

  constructor(private readonly pins: Pins) {}

  /** Takes a message in. Answers whose it was; `undefined` when it was dropped. */
  take({ topic, payload, isRetained, expires_in_s }: Arrival, nowMs: number): NodeView | undefined {
    const parts = readTopic(topic);
    const view = parts && this.view(parts.site, parts.node);
    if (!parts || !view || !put(view, parts, payload)) {
      this.dropped++;
      return undefined;
    }
    if (payload.length === 0) return view;
    const contract: TopicContract = TOPICS[parts.kind];
    if (parts.kind === 'state') view.state_ms = isRetained ? undefined : nowMs;
    if (!isRetained) {
      // the broker says by itself that a node is lost
      if (parts.kind !== 'status' || view.status?.state !== 'offline') view.heard_ms = nowMs;
    } else if (expires_in_s !== undefined && contract.expiryS !== undefined) {
      const kept = nowMs - 1000 * Math.max(0, contract.expiryS - expires_in_s);
      view.kept_ms = Math.max(view.kept_ms ?? 0, kept);
      if (parts.kind === 'state') view.state_ms = kept;
    }
    return view;
  }

  /** All that were heard of, and all that are enrolled; by site, then by name. */
  nodes(): NodeView[] {
    for (const { site, node } of this.pins.values()) this.view(site, node);
    return [...this.views.values()]
      .filter((view) => view.pin?.site === view.site || isHeard(view))
      .sort((a, b) => compare(a.site, b.site) || compare(nameOf(a), nameOf(b)) || compare(a.node, b.node));
  }

  find(site: string, node: string): NodeView | undefined {
    return this.views.get(`${site}/${node}`);
  }

  private view(site: string, node: string): NodeView | undefined {
    const id = `${site}/${node}`;
    const known = this.views.get(id);
    const pin = this.pins.get(node);
    if (known || (this.views.size >= MAX_NODES && pin?.site !== site)) return known;
    const view: NodeView = {
      site,
      node,
      pin,
      trust: 'unsigned',
      info: undefined,
      have: undefined,
      status: undefined,
      state: undefined,
      tele: undefined,
      alarms: new Map(),
      heard_ms: undefined,
      kept_ms: undefined,
      state_ms: undefined,
      sessions: new Set(),
    };
    this.views.set(id, view);
    return view;
  }
}

/** Whether the broker had anything of a node. */
export function isHeard({ status, info, state, trust }: NodeView): boolean {
  return status !== undefined || info !== undefined || state !== undefined || trust === 'forged';
}

/** Answers whether it was a message. */
function put(view: NodeView, { kind, name }: Topic, payload: Uint8Array): boolean {
  const isGone = payload.length === 0;
  switch (kind) {
    case 'info':
      return putInfo(view, payload);
    case 'have': {
      const key = view.pin?.key ?? view.info?.key;
      const have = key === undefined ? undefined : openSigned('have', payload, [key]);
      if (isGone || have) view.have = have;
      return isGone || have !== undefined;
    }
    case 'alarm':
      return putAlarm(view, name!, payload);
    case 'status':
      view.status = readPayload(kind, payload);
      if (view.status && view.status.state !== 'offline' && view.sessions.size < MAX_SESSIONS)
        view.sessions.add(`${view.status.sid} ${view.status.n}`);
      return isGone || view.status !== undefined;
    case 'state':
      view.state = readPayload(kind, payload);
      return isGone || view.state !== undefined;
    case 'tele':
      view.tele = readPayload(kind, payload);
      return view.tele !== undefined;
    default:
      return true;
  }
}

function putInfo(view: NodeView, payload: Uint8Array): boolean {
  if (payload.length === 0) {
    view.info = undefined;
    view.trust = 'unsigned';
    return true;
  }
  const key = view.pin?.key ?? claimedKey(payload, view.node);
  const info = key === undefined ? undefined : openSigned('info', payload, [key]);
  // one that was moved from another site, or another node's, says where it belongs
  if (info === undefined || info.node !== view.node || info.site !== view.site || info.key !== key) {
    if (view.info === undefined) view.trust = 'forged';
    return false;
  }
  view.info = info;
  view.trust = view.pin ? 'pinned' : 'new';
  return true;
}

function putAlarm(view: NodeView, id: string, payload: Uint8Array): boolean {
  if (payload.length === 0) {
    view.alarms.delete(id);
    return true;
  }
  const alarm = readPayload('alarm', payload);
  if (!alarm || (view.alarms.size >= MAX_ALARMS && !view.alarms.has(id))) return false;
  view.alarms.set(id, alarm);
  return true;
}

/** What people call a node: as the operator does, as it does itself, or by its id. */
export function nameOf({ pin, info, node }: Pick<NodeView, 'pin' | 'info' | 'node'>): string {
  return pin?.name ?? (info?.name || node);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
