// A node of this router that knows what a test says, with everything that can be asked and done through it.

import type { PeerClaim } from '../../src/api/model.ts';
import { TimeoutError } from '../../src/errors.ts';
import { Node } from '../../src/mesh/node.ts';
import type { Peering } from '../../src/mesh/peering.ts';
import { Remote } from '../../src/mesh/remote.ts';
import { MeshState } from '../../src/mesh/state.ts';

/** A key that is easy to tell. */
export const keyOf = (number: number): string => number.toString(16).padStart(2, '0').repeat(32);

/** The node of key 0, `ygg0`, in a mesh whose nodes have the peers of `graph`; those that are not in it do not answer. */
export function meshOf(graph: Readonly<Record<number, readonly number[]>>, claims: readonly PeerClaim[] = []) {
  const asked: string[] = [];
  const peered: string[] = [];
  const node = new Node(
    'ygg0',
    'config',
    { configured: () => undefined, dialledHere: () => undefined, nameOf: () => undefined },
    () => {},
  );
  node.connected = true;
  node.source = { look() {}, refresh: async () => {} };
  const self = {
    build_name: 'yggdrasil',
    build_version: '0.5.12',
    key: keyOf(0),
    address: '200::1',
    subnet: '300::/64',
  };
  node.set('self', self, 0);
  const own = (graph[0] ?? []).map((number) => ({ key: keyOf(number), up: true, inbound: false, uptime_s: 9 }));
  node.setPeers([...own, ...claims] as PeerClaim[], 0);
  const answer = (key: string): readonly number[] => {
    asked.push(key.slice(0, 2));
    const found = Object.entries(graph).find(([number]) => keyOf(Number(number)) === key);
    if (!found) throw new TimeoutError(`${key}: the node does not answer`);
    return found[1];
  };
  const remote = new Remote(
    node,
    {
      nodeInfo: async (key) => {
        answer(key);
        return { name: `node ${key.slice(0, 2)}` };
      },
      nodePeers: async (key) => answer(key).map(keyOf),
      echo: async (key) => {
        answer(key);
        return 10 * Number.parseInt(key.slice(0, 2), 16);
      },
    },
    () => undefined,
  );
  const act =
    (what: string) =>
    async ({ uri, device }: { uri: string; device?: string }, forget?: boolean): Promise<string> => {
      peered.push([what, uri, device, forget].filter((part) => part !== undefined).join(' '));
      return `${what} done`;
    };
  const peering = { add: act('add'), remove: act('remove'), retry: act('retry') } as unknown as Peering;
  const mesh = new MeshState();
  mesh.replace([{ node, remote, peering }]);
  return { mesh, node, remote, asked, peered };
}
