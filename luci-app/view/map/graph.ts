// The neighbourhood as a graph: who is known, how far away, and by which links. Much of it is what strangers say, so it is bounded, and
// nothing that they say adds a link to this node.

import type { Peer, Session, TreeEntry } from '../../../src/api/model.ts';

export interface Known {
  /** Key of this node. */
  self: string;
  peers: readonly Peer[];
  tree: readonly TreeEntry[];
  sessions: readonly Session[];
  /** Keys of a node's peers, where it was asked for them. */
  peersOf(key: string): readonly string[] | undefined;
}

export interface MapNode {
  key: string;
  /** Nodes to which it has a link. */
  near: Set<MapNode>;
  /** Links from here; absent: no way there is known. */
  hops?: number;
  /** The node by which it hangs in the picture; this node hangs by none. */
  via?: MapNode;
  /** The next node on its way to the root; of the root, itself. */
  parent?: MapNode | undefined;
  address?: string | undefined;
  /** The best peering with it of this node's own. */
  own?: Peer;
}

export interface MapLink {
  a: MapNode;
  b: MapNode;
  /** This node's own peering. */
  own: Peer | undefined;
  /** One is the parent of the other in the tree. */
  isTree: boolean;
  /** It is a part of this node's way to the root. */
  isWay: boolean;
}

export interface Graph {
  /** This one first, then the nearest, then those to which no way is known. */
  nodes: readonly MapNode[];
  links: readonly MapLink[];
  /** Nodes that are known and not among these. */
  left: number;
}

export const MAX_NODES = 200;
/** Of links that only others tell of; besides, there are this node's own, and those of the tree. */
export const MAX_LINKS = 600;

/** Puts together what is known. */
export function readGraph({ self, peers, tree, sessions, peersOf }: Known): Graph {
  const all = new Map<string, MapNode>();
  const nodeOf = (key = ''): MapNode | undefined => {
    let node = all.get(key);
    if (!node && /^[0-9a-f]{64}$/.test(key)) {
      node = { key, near: new Set() };
      all.set(key, node);
    }
    return node;
  };
  const join = (a: MapNode | undefined, b: MapNode | undefined): void => {
    if (!a || !b || a === b) return;
    a.near.add(b);
    b.near.add(a);
  };

  const me = nodeOf(self)!;
  for (const { key, address, parent } of [...sessions, ...tree] as TreeEntry[]) {
    const node = nodeOf(key);
    if (!node) continue;
    node.address = address;
    node.parent = nodeOf(parent);
    join(node, node.parent);
  }
  for (const peer of peers) {
    const node = nodeOf(peer.key);
    if (!node || node === me) continue;
    node.address ??= peer.address;
    if (peer.state !== 'down') join(me, node);
    // of their states, down, unproven and up, the best comes last in the alphabet
    if (!node.own || peer.state > node.own.state) node.own = peer;
  }
  for (const node of [...all.values()])
    if (node !== me)
      for (const key of peersOf(node.key) ?? []) {
        const other = nodeOf(key);
        if (other !== me) join(node, other);
      }

  // of two that are as near, the one that is heard of first hand comes first
  const rank = ({ key, own, address }: MapNode): string => (own ? 0 : address ? 1 : 2) + key;
  const byRank = (a: MapNode, b: MapNode): number => (rank(a) < rank(b) ? -1 : 1);
  const order: MapNode[] = [];
  me.hops = 0;
  for (let ring = [me], hops = 1; ring.length > 0; hops++) {
    const next = new Set<MapNode>();
    for (const node of ring) {
      order.push(node);
      for (const other of node.near)
        if (other.hops === undefined || (other.hops === hops && other.parent === node)) {
          other.hops = hops;
          other.via = node;
          next.add(other);
        }
    }
    ring = [...next].sort(byRank);
  }
  const apart = [...all.values()].filter(({ hops }) => hops === undefined).sort(byRank);
  for (const node of all.values()) {
    if (node.hops === undefined) node.via = me;
    if (node.own) join(me, node);
  }
  order.push(...apart);

  const way = new Set<MapNode | undefined>();
  for (let node: MapNode | undefined = me, below = me; node && !way.has(node); node = node.parent) {
    way.add(node);
    // so that nobody on it hangs by a node that is left out
    if (node !== me) node.via = below;
    below = node;
  }
  // who is its own parent, and not the root of this node, was so when it was heard of last
  for (const node of all.values()) if (node.parent === node && !way.has(node)) node.parent = undefined;
  const first = [...new Set([...way, ...apart.filter(({ own }) => own), ...order])].slice(0, MAX_NODES);
  const chosen = new Set(first);
  const nodes = order.filter((node) => chosen.has(node));

  const links: MapLink[] = [];
  for (const a of nodes) {
    chosen.delete(a);
    for (const b of a.near) {
      const child = a.parent === b ? a : b.parent === a ? b : undefined;
      const own = a === me ? b.own : undefined;
      if (chosen.has(b) && (own || child || links.length < MAX_LINKS))
        links.push({ a, b, own, isTree: !!child, isWay: way.has(child) });
    }
  }
  return { nodes, links, left: all.size - nodes.length };
}
