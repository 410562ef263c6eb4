// Which of a router's Yggdrasils speaks for it, and by which key.

import type { Node } from './node.ts';
import type { Member } from './state.ts';

/** Key and address of the Yggdrasil of an interface, or of the first one; `undefined`: it does not answer. Asks it where that is not known. */
export async function identityOf(
  members: readonly Pick<Member, 'node'>[],
  iface: string | undefined,
): Promise<{ key: string; address: string } | undefined> {
  const node = find(members, iface);
  if (!node?.connected) return undefined;
  try {
    if (!node.current('self')) await node.source?.refresh('self');
  } catch {
    return undefined;
  }
  const self = node.current('self')?.value;
  return self && { key: self.key, address: self.address };
}

/** Sessions and peers of that Yggdrasil as they were when it was last asked; it is asked anew, for who looks next. */
export function countsOf(
  members: readonly Pick<Member, 'node'>[],
  iface: string | undefined,
): { sessions?: number; peersUp?: number } {
  const node = find(members, iface);
  if (!node?.connected) return {};
  for (const kind of ['sessions', 'peers'] as const) node.source?.refresh(kind).catch(() => {});
  const sessions = node.current('sessions')?.value.sessions.length;
  const peersUp = node.current('peers')?.value.peers.filter(({ state }) => state === 'up').length;
  return { ...(sessions !== undefined && { sessions }), ...(peersUp !== undefined && { peersUp }) };
}

function find(members: readonly Pick<Member, 'node'>[], iface: string | undefined): Node | undefined {
  return (iface === undefined ? members[0] : members.find(({ node }) => node.name === iface))?.node;
}
