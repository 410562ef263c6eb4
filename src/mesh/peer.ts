// The peers of one node over time: what Yggdrasil claims, what the counters prove, who a silent link belonged to, what changed.

import type { Peer, PeerClaim, PeerOrigin, PeerState } from '../api/model.ts';
import type { PeerEvent } from '../api/objects.ts';
import { identityOf, redact } from '../lib/peer-text.ts';

/** A peering as the configuration or a person names it. */
export interface PeeringName {
  uri: string;
  device?: string;
}

/** What is known of a peering because this daemon dialled it. */
export interface DialledHere {
  device?: string;
  /** Query of its address, secrets hidden. */
  options: string;
  /** Until it is undone unless somebody confirms it. */
  trialLeftS?: number;
}

/** What the book needs to know from elsewhere; each answer is about this node. */
export interface PeerKnowledge {
  /** Peerings of the configuration; `undefined`: no configuration is known. */
  configured(): readonly PeeringName[] | undefined;
  /** Of an outgoing peering that this daemon dialled. */
  dialledHere(remote: string): DialledHere | undefined;
  /** A node's name from its node info, where it was asked already. */
  nameOf(key: string): string | undefined;
}

/** Bytes that went over all links since the update before. */
export interface Traffic {
  rxBytes: number;
  txBytes: number;
}

/** Silence on a link that claims to be up, after which it counts as unproven: longer than Yggdrasil's own 4-minute exchange. */
const SILENCE_MS = 300_000;
/** Questions in a row that a silent link must leave unanswered: one may get lost while paths change. */
const UNANSWERED = 2;
const HOUR_MS = 3_600_000;
/** So many changes in so short a time, and a peer is said to flap; it has settled after this long without one. */
const FLAP_CHANGES = 6;
const FLAP_WINDOW_MS = 600_000;
const SETTLED_MS = 300_000;
/** Changes remembered per peer: more within an hour are counted as this many. */
const MAX_CHANGES = 64;
/** How long a peering that left the list is remembered (its key, its changes). */
const MEMORY_MS = HOUR_MS;
/** Peerings remembered that are no longer in the list: keys cost nothing, so a stranger could bring any number. */
const MAX_REMEMBERED = 512;

interface Record {
  peer: Peer;
  state: PeerState;
  /** In the newest list. */
  listed: boolean;
  stateAtMs: number;
  seenAtMs: number;
  /** Since when we have watched this connection. */
  watchedAtMs: number;
  provenAtMs: number | undefined;
  proof: 'traffic' | 'connected' | undefined;
  /** When we last asked the node over this link, and how often in a row that went unanswered while the link stayed silent. */
  probedAtMs: number;
  unanswered: number;
  rxBytes: number;
  txBytes: number;
  uptimeS: number;
  key: string | undefined;
  changes: number[];
  flapping: boolean;
}

/** A peer that wants to be asked whether it is there. */
export interface SilentPeer {
  id: string;
  key: string;
}

function isLinkLocal(remote: string): boolean {
  return /^[a-z]+:\/\/\[fe80:/i.test(remote);
}

/** Names for the claims by which they are known again in the next list; none for a handshake. Equal ones are numbered. */
function identify(claims: readonly PeerClaim[]): (string | undefined)[] {
  const counts = new Map<string, number>();
  return claims.map(({ inbound, key, remote = '' }) => {
    if (inbound && key === undefined) return undefined;
    const name = inbound ? `< ${key} ${remote}` : `> ${remote}`;
    const nth = (counts.get(name) ?? 0) + 1;
    counts.set(name, nth);
    return `${nth} ${name}`;
  });
}

/** The list of peers, kept from poll to poll. Times are the caller's monotonic milliseconds. */
export class PeerBook {
  private readonly records = new Map<string, Record>();
  private updatedAtMs: number | undefined;

  constructor(
    private readonly knowledge: PeerKnowledge,
    private readonly onEvent: (event: PeerEvent, peer: Peer) => void,
  ) {}

  /**
   * Takes the newest list and tells what changed.
   * @returns the peers, in the order of the claims, and the traffic since the update before.
   */
  update(claims: readonly PeerClaim[], nowMs: number): { peers: Peer[]; traffic: Traffic } {
    const first = this.updatedAtMs === undefined;
    const elapsedMs = first ? 0 : nowMs - this.updatedAtMs!;
    this.updatedAtMs = nowMs;
    const configured = this.configuredByRemote();
    const traffic: Traffic = { rxBytes: 0, txBytes: 0 };
    const events: [PeerEvent, Peer][] = [];
    const ids = identify(claims);
    const departed = this.leave(new Set(ids), nowMs, events);
    const seen = new Set<Record>();

    const peers = claims.map((claim, i) => {
      const id = ids[i];
      // an inbound handshake: nobody knows yet who it is
      if (id === undefined) {
        return this.describe(this.newRecord(claim, nowMs), claim, configured, nowMs, elapsedMs);
      }
      const known = this.records.get(id) ?? this.adopt(id, claim, departed);
      const record = known ?? this.newRecord(claim, nowMs);
      if (!known) this.records.set(id, record);
      seen.add(record);
      const isNew = !record.listed;
      record.listed = true;
      record.seenAtMs = nowMs;
      this.prove(record, claim, nowMs, first, traffic);
      const before = record.state;
      record.state = this.judge(record, claim, nowMs);
      if (claim.key !== undefined) record.key = claim.key;
      const changed = known ? record.state !== before : false;
      if (changed) record.stateAtMs = nowMs;
      if (changed && (record.state === 'down' || before === 'down')) this.countChange(record, nowMs);
      record.peer = this.describe(record, claim, configured, nowMs, elapsedMs);
      record.rxBytes = claim.rx_bytes ?? 0;
      record.txBytes = claim.tx_bytes ?? 0;
      record.uptimeS = claim.uptime_s ?? 0;
      if (isNew && !first) events.push(['peer_added', record.peer]);
      if (changed || (isNew && !first && record.state === 'up')) events.push([`peer_${record.state}`, record.peer]);
      return record.peer;
    });
    for (const [event, peer] of this.withFlapping(events, seen, nowMs)) this.onEvent(event, peer);
    this.forget(nowMs);
    return { peers, traffic };
  }

  /** Peers that claim to be up and have shown nothing for `silentMs`; each is named at most once in `everyMs`. */
  silent(nowMs: number, silentMs: number, everyMs: number, most: number): SilentPeer[] {
    const found: [string, Record][] = [];
    for (const [id, record] of this.records) {
      if (!record.listed || !record.peer.up || record.key === undefined) continue;
      if (nowMs - Math.max(record.provenAtMs ?? 0, record.watchedAtMs) < silentMs) continue;
      if (nowMs - record.probedAtMs < everyMs) continue;
      found.push([id, record]);
    }
    found.sort(([, a], [, b]) => (a.probedAtMs < b.probedAtMs ? -1 : a.probedAtMs > b.probedAtMs ? 1 : 0));
    return found.slice(0, most).map(([id, record]) => {
      record.probedAtMs = nowMs;
      return { id, key: record.key! };
    });
  }

  /** A node that was asked did not answer; when that repeats, its link is unproven until bytes arrive over it again. */
  unanswered(id: string): void {
    const record = this.records.get(id);
    if (!record || (record.provenAtMs !== undefined && record.provenAtMs >= record.probedAtMs)) return;
    record.unanswered++;
  }

  private newRecord(claim: PeerClaim, nowMs: number): Record {
    return {
      peer: {
        inbound: claim.inbound,
        up: false,
        origin: 'unknown',
        state: 'down',
        state_ago_ms: 0,
        changes_per_hour: 0,
      },
      state: 'down',
      listed: false,
      stateAtMs: nowMs - (claim.uptime_s ?? 0) * 1000,
      seenAtMs: nowMs,
      watchedAtMs: nowMs,
      provenAtMs: undefined,
      proof: undefined,
      probedAtMs: Number.NEGATIVE_INFINITY,
      unanswered: 0,
      rxBytes: 0,
      txBytes: 0,
      uptimeS: 0,
      key: undefined,
      changes: [],
      flapping: false,
    };
  }

  /** Finds proof in the counters, and adds what moved to the traffic. */
  private prove(record: Record, claim: PeerClaim, nowMs: number, first: boolean, traffic: Traffic): void {
    if (!claim.up) {
      record.unanswered = 0;
      return;
    }
    const rx = claim.rx_bytes ?? 0;
    const tx = claim.tx_bytes ?? 0;
    const uptimeS = claim.uptime_s ?? 0;
    const sameConnection =
      record.peer.up && record.listed && rx >= record.rxBytes && tx >= record.txBytes && uptimeS >= record.uptimeS;
    if (!sameConnection) {
      record.watchedAtMs = nowMs;
      record.provenAtMs = nowMs - uptimeS * 1000;
      record.proof = 'connected';
      record.unanswered = 0;
    }
    const rxMoved = sameConnection ? rx - record.rxBytes : first ? 0 : rx;
    traffic.rxBytes += rxMoved;
    traffic.txBytes += sameConnection ? tx - record.txBytes : first ? 0 : tx;
    if (sameConnection && rxMoved > 0) {
      record.provenAtMs = nowMs;
      record.proof = 'traffic';
      record.unanswered = 0;
    }
  }

  private judge(record: Record, claim: PeerClaim, nowMs: number): PeerState {
    // without a key nobody has shaken hands yet, whatever accepted the connection
    if (!claim.up || claim.key === undefined) return 'down';
    if (record.unanswered >= UNANSWERED) return 'unproven';
    const silenceMs = nowMs - Math.max(record.provenAtMs ?? Number.NEGATIVE_INFINITY, record.watchedAtMs);
    return silenceMs > SILENCE_MS ? 'unproven' : 'up';
  }

  private countChange(record: Record, nowMs: number): void {
    record.changes = [...record.changes.filter((at) => nowMs - at < HOUR_MS), nowMs].slice(-MAX_CHANGES);
  }

  private describe(
    record: Record,
    claim: PeerClaim,
    configured: ReadonlyMap<string, PeeringName> | undefined,
    nowMs: number,
    elapsedMs: number,
  ): Peer {
    const outgoing = claim.inbound ? undefined : claim.remote;
    const listed = claim.remote === undefined ? undefined : configured?.get(claim.remote);
    const dialled = outgoing === undefined ? undefined : this.knowledge.dialledHere(outgoing);
    const peer: Peer = {
      ...claim,
      origin: this.originOf(claim, configured, listed, dialled !== undefined),
      state: record.state,
      state_ago_ms: nowMs - record.stateAtMs,
      changes_per_hour: record.changes.filter((at) => nowMs - at < HOUR_MS).length,
    };
    const device = listed ? listed.device : dialled?.device;
    if (device !== undefined) peer.device = device;
    if (dialled) {
      peer.options = dialled.options;
      if (dialled.trialLeftS !== undefined) peer.trial_left_s = dialled.trialLeftS;
    }
    if (claim.key === undefined && record.key !== undefined) {
      peer.key = record.key;
      peer.key_remembered = true;
    }
    if (record.provenAtMs !== undefined && record.proof !== undefined) {
      peer.proven_ago_ms = nowMs - record.provenAtMs;
      peer.proof = record.proof;
    }
    const name = peer.key === undefined ? undefined : this.knowledge.nameOf(peer.key);
    if (name !== undefined) peer.name = name;
    if (claim.up && claim.rx_bytes_per_s === undefined && elapsedMs > 0 && record.peer.up) {
      const perSecond = (now: number, before: number): number =>
        Math.max(0, Math.round(((now - before) * 1000) / elapsedMs));
      peer.rx_bytes_per_s = perSecond(claim.rx_bytes ?? 0, record.rxBytes);
      peer.tx_bytes_per_s = claim.tx_bytes_per_s ?? perSecond(claim.tx_bytes ?? 0, record.txBytes);
    }
    return peer;
  }

  private originOf(
    claim: PeerClaim,
    configured: ReadonlyMap<string, PeeringName> | undefined,
    listed: PeeringName | undefined,
    dialled: boolean,
  ): PeerOrigin {
    if (claim.inbound) return 'inbound';
    if (listed) return 'configured';
    if (claim.remote !== undefined && isLinkLocal(claim.remote)) return 'multicast';
    if (dialled) return 'runtime';
    return configured ? 'runtime' : 'unknown';
  }

  private configuredByRemote(): Map<string, PeeringName> | undefined {
    const list = this.knowledge.configured();
    return list && new Map(list.map((name) => [redact(identityOf(name.uri)), name]));
  }

  /** An inbound node that returns does so from another port: its new link takes over what is remembered of an old one. */
  private adopt(id: string, claim: PeerClaim, departed: Map<string, string>): Record | undefined {
    const oldId = claim.inbound ? departed.get(claim.key!) : undefined;
    const record = oldId === undefined ? undefined : this.records.get(oldId);
    if (!record) return undefined;
    departed.delete(claim.key!);
    this.records.delete(oldId!);
    this.records.set(id, record);
    return record;
  }

  /**
   * What is no longer in the list: it went down if it was up, and it is gone.
   * @returns inbound links that are gone, by key.
   */
  private leave(
    present: ReadonlySet<string | undefined>,
    nowMs: number,
    events: [PeerEvent, Peer][],
  ): Map<string, string> {
    const departed = new Map<string, string>();
    for (const [id, record] of this.records) {
      if (present.has(id)) continue;
      if (record.peer.inbound && record.key !== undefined) departed.set(record.key, id);
      if (!record.listed) continue;
      record.listed = false;
      const wasDown = record.state === 'down';
      const { key, ...rest } = record.peer;
      record.peer = { ...rest, up: false, state: 'down', state_ago_ms: 0 };
      if (key !== undefined) Object.assign(record.peer, { key, key_remembered: true });
      if (!wasDown) {
        record.state = 'down';
        record.stateAtMs = nowMs;
        this.countChange(record, nowMs);
        events.push(['peer_down', record.peer]);
      }
      events.push(['peer_removed', record.peer]);
    }
    return departed;
  }

  /** Replaces the ups and downs of a peer that changes all the time by one `peer_flapping` and, later, one `peer_settled`. */
  private withFlapping(
    events: readonly [PeerEvent, Peer][],
    seen: ReadonlySet<Record>,
    nowMs: number,
  ): [PeerEvent, Peer][] {
    const told: [PeerEvent, Peer][] = [];
    const quiet = new Set<Peer>();
    for (const record of this.records.values()) {
      const recent = record.changes.filter((at) => nowMs - at < FLAP_WINDOW_MS).length;
      if (record.flapping) {
        if (nowMs - (record.changes.at(-1) ?? 0) < SETTLED_MS) quiet.add(record.peer);
        else {
          record.flapping = false;
          if (seen.has(record)) told.push(['peer_settled', record.peer]);
        }
      } else if (recent >= FLAP_CHANGES) {
        record.flapping = true;
        quiet.add(record.peer);
        told.push(['peer_flapping', record.peer]);
      }
    }
    return [...events.filter(([, peer]) => !quiet.has(peer)), ...told];
  }

  private forget(nowMs: number): void {
    const unlisted = [...this.records].filter(([, record]) => !record.listed);
    unlisted.sort(([, a], [, b]) => a.seenAtMs - b.seenAtMs);
    unlisted.forEach(([id, record], i) => {
      const tooMany = unlisted.length - i > MAX_REMEMBERED;
      if (tooMany || nowMs - record.seenAtMs > MEMORY_MS) this.records.delete(id);
    });
  }
}
