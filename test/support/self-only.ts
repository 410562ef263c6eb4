// A Yggdrasil of which only its own key is asked.

import { LinkDownError } from '../../src/errors.ts';
import { Node } from '../../src/mesh/node.ts';

/** A member of the mesh's state; it answers while it is connected. */
export function selfOnly(name: string, key: string, address: string) {
  const node = new Node(
    name,
    'config',
    { configured: () => undefined, dialledHere: () => undefined, nameOf: () => undefined },
    () => {},
  );
  const setConnected = (on: boolean): void => node.setLink(on ? undefined : 'down', 0);
  node.source = {
    look() {},
    async refresh() {
      if (!node.connected) throw new LinkDownError('not connected');
      node.set('self', { build_name: 'yggdrasil', build_version: '0.5.12', key, address, subnet: '' }, 0);
    },
  };
  setConnected(true);
  return { member: { node }, setConnected };
}
