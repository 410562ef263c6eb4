// A neighbourhood for the tests of the map: made, the same for the same number of nodes.

import type { Peer, TreeEntry } from '../../src/api/model.ts';
import type { PageAnswer } from '../../src/page-host/ubus.ts';
import type { Script } from './browser.ts';
import { GOOD, map, ok, SELF } from './made-answer.ts';

const PLACES = ['mill', 'school', 'harbour', 'chapel', 'tower', 'bakery', 'ridge', 'farm', 'depot', 'library'];
const SIDES = ['roof', 'north', 'south', 'yard', 'attic'];

export interface MadeNode {
  key: string;
  address: string;
  name: string | undefined;
  parent: string;
  peers: string[];
}

function hex(number: number): string {
  return (Math.imul(number + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0');
}

/** This node and others that hang by one another as in a grown network; the root is the third. */
export function madeMesh(count: number): MadeNode[] {
  const nodes: MadeNode[] = Array.from({ length: count }, (_, i) => ({
    key: i === 0 ? SELF.key : hex(i).repeat(8),
    address: i === 0 ? SELF.address : `200:${hex(i).slice(0, 4)}:${hex(i).slice(4)}::${i.toString(16)}`,
    name: i % 6 === 5 ? undefined : `${PLACES[i % 10]}-${SIDES[Math.floor(i / 10) % 5]}${i < 50 ? '' : `-${i}`}`,
    parent: '',
    peers: [],
  }));
  const join = (a: MadeNode, b: MadeNode): void => {
    if (a === b || a.peers.includes(b.key)) return;
    a.peers.push(b.key);
    b.peers.push(a.key);
  };
  nodes.forEach((node, i) => {
    if (i === 0) return;
    join(node, nodes[i <= 4 ? 0 : 1 + ((i * 7) % Math.max(1, Math.floor(i / 3)))]!);
    if (i % 5 === 4) join(node, nodes[(i * 11) % i]!);
  });
  const root = nodes[Math.min(2, count - 1)]!;
  const byKey = new Map(nodes.map((node) => [node.key, node]));
  root.parent = root.key;
  for (const key of [root].map((node) => node.key)) {
    const queue = [key];
    for (const at of queue)
      for (const other of byKey.get(at)!.peers)
        if (byKey.get(other)!.parent === '') {
          byKey.get(other)!.parent = at;
          queue.push(other);
        }
  }
  return nodes;
}

const OWN: Partial<Peer>[] = [
  { origin: 'multicast', remote: 'tls://[fe80::21e:42ff:fe1a:1%br-lan]:5400', latency_ms: 2.4, cost: 2 },
  { origin: 'configured', remote: 'tls://peer.example.net:443', latency_ms: 38, cost: 40 },
  { origin: 'configured', remote: 'quic://far.example.org:9002', state: 'unproven', latency_ms: 140, cost: 150 },
  { origin: 'multicast', remote: 'tls://[fe80::9%wlan0]:5400', state: 'down', up: false },
];

/** This node's peerings in a made mesh. */
export function madePeers(nodes: readonly MadeNode[]): Peer[] {
  return nodes[0]!.peers.map((key, i) => {
    const { name, address } = nodes.find((node) => node.key === key)!;
    return {
      origin: 'configured',
      inbound: false,
      up: true,
      state: 'up',
      state_ago_ms: 60_000,
      changes_per_hour: 0,
      key,
      address,
      ...(name !== undefined && { name }),
      ...OWN[i % OWN.length],
    };
  });
}

/** What the daemon tells of a made mesh. */
export function meshScript(nodes: readonly MadeNode[], peers = madePeers(nodes)): Script {
  const aged = { age_ms: 500, interface: 'ygg0' };
  const of = (key: unknown): MadeNode | undefined => nodes.find((node) => node.key === key);
  const remote =
    (answer: (node: MadeNode) => object) =>
    ({ key }: Record<string, unknown>): PageAnswer => {
      const node = of(key);
      return node ? ok({ ...aged, key: node.key, ...answer(node) }) : { status: 7 };
    };
  const tree: TreeEntry[] = nodes.map(({ key, address, parent }) => ({ key, address, parent, sequence: 1 }));
  return {
    'meshbridge.map': ({ tree: wanted }) => {
      const { tree: _tree, ...without } = map(GOOD, { peers });
      return ok(wanted === true ? { ...without, tree: tree.filter((_, i) => i % 4 < 3) } : without);
    },
    'yggdrasil.node_info': remote(({ name }) => ({
      node_info: { buildname: 'yggdrasil', buildversion: '0.5.12', ...(name !== undefined && { name }) },
    })),
    'yggdrasil.node_peers': remote(({ peers: keys }) => ({ keys })),
  };
}
