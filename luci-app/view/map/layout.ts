// Where nodes stand: this one in the middle, the others on rings around it, each behind the one by which it hangs.
//
// Everybody's place follows from the keys alone, so a node that comes moves the others a little and never past one another.

import type { MapNode } from './graph.ts';

export type Spot = readonly [x: number, y: number];

/** Between two rings, between two nodes of one ring, and between the lanes of a ring that is crowded. */
const STEP = 92;
const GAP = 34;
const LANE = 26;
const MAX_LANES = 5;

/** A place for each node of a graph; the places come ring by ring and go around. */
export function place(nodes: readonly MapNode[]): Map<MapNode, Spot> {
  const behind = new Map<MapNode | undefined, MapNode[]>(nodes.map((node) => [node, []]));
  for (const node of nodes) behind.get(node.via)?.push(node);
  const weigh = (node: MapNode): number => behind.get(node)!.reduce((sum, one) => sum + weigh(one), 0) || 1;
  const farthest = Math.max(...nodes.map(({ hops = 0 }) => hops));

  const rings: [node: MapNode, angle: number][][] = [];
  const spread = (node: MapNode, from: number, width: number): void => {
    const { hops, own } = node;
    // somewhere, or out of reach
    const ring = hops ?? (own ? 1 : farthest + 1);
    rings[ring] = [...(rings[ring] ?? []), [node, from + width / 2]];
    const children = behind.get(node)!.sort((a, b) => (a.key < b.key ? -1 : 1));
    // beyond a half circle lines would run across the middle, and so would one between two that are opposite
    const even = children.length % 2 ? 1 : children.length / (children.length + 1);
    const fan = ring ? Math.min(width, Math.PI) : width * even;
    let at = from + (width - fan) / 2;
    for (const one of children) {
      const part = (fan * weigh(one)) / weigh(node);
      spread(one, at, part);
      at += part;
    }
  };
  spread(nodes[0]!, 0, 2 * Math.PI);

  const spots = new Map<MapNode, Spot>([[nodes[0]!, [0, 0]]]);
  let radius = 0;
  for (const ring of rings.slice(1)) {
    ring.sort((a, b) => a[1] - b[1]);
    const least = Math.min(9, ...ring.slice(1).map(([, angle], i) => angle - ring[i]![1]));
    radius += STEP;
    const lanes = Math.min(MAX_LANES, Math.ceil(GAP / (least * radius)));
    radius = Math.max(radius, GAP / (least * lanes));
    for (const [i, [node, angle]] of ring.entries()) {
      const far = radius + (i % lanes) * LANE;
      spots.set(node, [far * Math.cos(angle), far * Math.sin(angle)]);
    }
    radius += (lanes - 1) * LANE;
  }
  return spots;
}
