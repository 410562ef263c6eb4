// The state of one Yggdrasil node (one logical interface): the newest answer of each kind, its peers, its last 24 hours.

import type {
  InterfaceStatus,
  MulticastInterface,
  Path,
  Peer,
  PeerClaim,
  Self,
  Session,
  TreeEntry,
  Tun,
} from '../api/model.ts';
import type { PeerEvent } from '../api/objects.ts';
import { History } from './history.ts';
import { PeerBook, type PeerKnowledge, type SilentPeer } from './peer.ts';
import { Usage } from './usage.ts';

/** What is kept of a node, by kind: exactly what the ubus method of the same name shows beside `age_ms` and `interface`. */
export interface Views {
  self: Self;
  peers: { peers: Peer[] };
  sessions: { sessions: Session[] };
  paths: { paths: Path[] };
  tree: { tree: TreeEntry[] };
  tun: Tun;
  multicast: { multicast_interfaces: MulticastInterface[] };
}
export type ViewKind = keyof Views;

/** The newest answer of one kind; replaced as a whole, never changed. */
export interface View<K extends ViewKind = ViewKind> {
  readonly value: Views[K];
  /** Monotonic time at which Yggdrasil was asked, milliseconds. */
  readonly atMs: number;
}

/** How old an answer may be and still be given; older ones are asked for again first. Milliseconds. */
const FRESH_MS: Record<ViewKind, number> = {
  self: 30_000,
  peers: 3_000,
  sessions: 3_000,
  paths: 3_000,
  tree: 10_000,
  tun: 60_000,
  multicast: 60_000,
};

/** What the node asks its source for; rejects when Yggdrasil cannot be asked. */
export interface NodeSource {
  /** Asks Yggdrasil now; answers when the view stands in the node. Callers at the same time share one request. */
  refresh(kind: ViewKind): Promise<void>;
  /** Somebody looks: poll briskly for a while. */
  look(): void;
}

export type FoundBy = 'config' | 'netifd' | 'socket';

/** What is known of one node; its source fills it, surfaces read it. */
export class Node {
  private readonly views: { [K in ViewKind]?: View<K> } = {};
  private readonly book: PeerBook;
  readonly history = new History();
  readonly usage = new Usage();
  /** The link to Yggdrasil is up. */
  connected = false;
  /** When it came up last. */
  connectedAtMs = 0;
  /** Why there is nothing to show, in plain words. */
  problem: string | undefined;
  /** Set once by whoever wires the node to its source. */
  source: NodeSource | undefined;

  constructor(
    readonly name: string,
    readonly foundBy: FoundBy,
    knowledge: PeerKnowledge,
    onPeerEvent: (event: PeerEvent, peer: Peer) => void,
  ) {
    this.book = new PeerBook(knowledge, onPeerEvent);
  }

  /** The link to Yggdrasil came up, or went down for a reason. */
  setLink(problem: string | undefined, nowMs: number): void {
    this.connected = problem === undefined;
    this.problem = problem;
    if (this.connected) this.connectedAtMs = nowMs;
    this.history.gap(nowMs);
  }

  /** The newest answer of a kind, however old. */
  view<K extends ViewKind>(kind: K): View<K> | undefined {
    return this.views[kind];
  }

  /**
   * An answer that is fresh enough to be given: at once when there is one, else when Yggdrasil has been asked.
   * @throws (rejects) what the source throws: LinkDownError, TimeoutError, RemoteError.
   */
  read<K extends ViewKind>(kind: K, nowMs: number): View<K> | Promise<View<K>> {
    const { source } = this;
    if (!source) throw new TypeError(`node ${this.name} has no source`);
    source.look();
    const view = this.current(kind);
    if (view && nowMs - view.atMs <= FRESH_MS[kind]) return view;
    return source.refresh(kind).then(() => this.view(kind)!);
  }

  /** The newest answer of a kind, if it is of the Yggdrasil that is connected now: what an earlier process said is nothing of this one. */
  current<K extends ViewKind>(kind: K): View<K> | undefined {
    const view = this.view(kind);
    return view && this.connected && view.atMs >= this.connectedAtMs ? view : undefined;
  }

  /** Takes an answer that needs no further thought. */
  set<K extends Exclude<ViewKind, 'peers'>>(kind: K, value: Views[K], atMs: number): void {
    const views: { [P in ViewKind]?: View<P> } = this.views;
    views[kind] = { value, atMs } as (typeof views)[K];
    if (kind === 'sessions') this.usage.addSessions((value as Views['sessions']).sessions, atMs);
  }

  /** Takes the newest list of peers, tells what changed and adds a point to the history. */
  setPeers(claims: readonly PeerClaim[], atMs: number): void {
    const { peers, traffic } = this.book.update(claims, atMs);
    this.views.peers = { value: { peers }, atMs };
    this.usage.addPeers(traffic, atMs);
    const latencies = peers.flatMap((peer) =>
      peer.state === 'up' && peer.latency_ms !== undefined ? [peer.latency_ms] : [],
    );
    this.history.add(
      {
        peersUp: peers.filter((peer) => peer.state === 'up').length,
        peersTotal: peers.length,
        latencyMs: latencies.length > 0 ? latencies.reduce((a, b) => Math.min(a, b)) : undefined,
        traffic,
      },
      atMs,
    );
  }

  /** The node in short. */
  status(): InterfaceStatus {
    const self = this.view('self')?.value;
    const peers = this.view('peers')?.value.peers;
    return {
      interface: this.name,
      connected: this.connected,
      found_by: this.foundBy,
      ...(self && { build_version: self.build_version, key: self.key, address: self.address }),
      ...(this.connected &&
        peers && { peers_up: peers.filter((peer) => peer.state === 'up').length, peers_total: peers.length }),
      ...(this.problem !== undefined && { problem: this.problem }),
    };
  }

  /** Peers to ask whether they are there; see `PeerBook.silent`. */
  silentPeers(nowMs: number, silentMs: number, everyMs: number, most: number): SilentPeer[] {
    return this.book.silent(nowMs, silentMs, everyMs, most);
  }

  /** A silent peer that was asked did not answer. */
  peerUnanswered(id: string): void {
    this.book.unanswered(id);
  }
}
