// Operations on peerings: until Yggdrasil restarts, as nothing of them is written into the configuration.

import { InputError } from '../../errors.ts';
import { problemOf } from '../../lib/uci-path.ts';
import { maybe, text } from '../argument.ts';
import { type Operations, operation } from '../operation.ts';
import type { PeeringName } from '../peer.ts';
import type { Peering } from '../peering.ts';
import type { MeshState } from '../state.ts';
import { INTERFACE, memberOf } from './look.ts';

const ARGS = { uri: text(2048), device: maybe(text(32)), interface: INTERFACE } as const;

/** The operations on peerings. */
export function peerOperations(mesh: Pick<MeshState, 'find'>): Operations {
  const on = (act: (peering: Peering, name: PeeringName) => Promise<string>) =>
    operation({
      scope: 'operate',
      isSlow: true,
      args: ARGS,
      async run({ uri, device, interface: iface }) {
        const { node, peering } = memberOf(mesh, iface);
        const message = await act(peering, device === undefined ? { uri } : { uri, device });
        return { interface: node.name, message };
      },
    });
  return {
    peer_add: on((peering, name) => {
      // as what may be written into the configuration from afar
      const problem = problemOf({ add: 'network.yggdrasil_any_peer.address', value: name.uri });
      if (problem !== undefined) throw new InputError(problem, 'uri');
      return peering.add(name);
    }),
    peer_remove: on((peering, name) => peering.remove(name, false)),
    peer_retry: on((peering, name) => peering.retry(name)),
  };
}
