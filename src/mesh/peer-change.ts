// What a change of the configuration means for the peerings that are, and which of them are alive after it.

import { InputError } from '../errors.ts';
import type { Peering } from './peering.ts';
import type { PeerChange } from './probation.ts';
import type { MeshState } from './state.ts';

/**
 * Begins and ends peerings as the configuration has them now. Where an interface is not connected there is nothing to do: it will read
 * them when it starts.
 * @throws (rejects) what the links throw.
 */
export async function changePeers(mesh: Pick<MeshState, 'find'>, changes: readonly PeerChange[]): Promise<void> {
  for (const { interface: iface, uri, device, change } of changes) {
    const member = mesh.find(iface);
    if (!member?.node.connected) continue;
    const name = device === undefined ? { uri } : { uri, device };
    await carryOut(member.peering, name, change === 'added');
  }
}

async function carryOut(peering: Peering, name: { uri: string; device?: string }, isAdded: boolean): Promise<void> {
  try {
    await (isAdded ? peering.add(name) : peering.remove(name, false));
  } catch (error) {
    // it is there already, or gone
    if (!(error instanceof InputError)) throw error;
  }
}

/**
 * The peers of all nodes that are up, by interface and key, and that showed themselves alive since a moment. Never rejects.
 * @param sinceMs monotonic; where no silent peer is asked whether it is there, it does not count.
 * @param probes whether they are asked.
 */
export async function alivePeers(
  mesh: Pick<MeshState, 'all'>,
  nowMs: () => number,
  sinceMs: number,
  probes: boolean,
): Promise<string[]> {
  const lists = mesh.all().map(async ({ node }) => {
    try {
      const { value, atMs } = await node.read('peers', nowMs());
      const alive = value.peers.filter(
        ({ state, proven_ago_ms: agoMs = Number.POSITIVE_INFINITY }) =>
          state === 'up' && (!probes || sinceMs === Number.NEGATIVE_INFINITY || atMs - agoMs >= sinceMs),
      );
      return alive.map(({ key, remote }) => `${node.name} ${key ?? remote}`);
    } catch {
      return [];
    }
  });
  return (await Promise.all(lists)).flat();
}
