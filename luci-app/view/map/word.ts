// What is said of nodes and links.

import type { Peer } from '../../../src/api/model.ts';
import { join } from '../part/join.ts';
import type { MapNode } from './graph.ts';

/** Whether a peering leads over the Internet, and not to a neighbour by cable or radio. */
export function isFar({ origin, remote = '' }: Peer): boolean {
  return origin !== 'multicast' && !remote.includes('://[fe80:');
}

/** How far away a node is, how the link to it does, and what it is. */
export function describeNode(node: MapNode): string {
  const { hops, own, parent } = node;
  const { latency_ms: ms, state } = own ?? {};
  const place = [
    hops === 0 && _('this router'),
    own ? _('neighbour') : hops ? N_(hops, '%d link away', '%d links away').format(hops) : '',
    own && (isFar(own) ? _('over the Internet') : _('by cable or radio')),
    state === 'unproven' && _('not proven'),
    state === 'down' && _('down'),
    ms !== undefined && _('%d ms').format(Math.round(ms)),
    node === parent && _('root of the tree'),
  ];
  return join(place, ', ');
}
