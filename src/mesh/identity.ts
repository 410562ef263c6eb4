// Which of a router's Yggdrasils speaks for it, and by which key.

import type { Member } from './state.ts';

/** Key and address of the Yggdrasil of an interface, or of the first one; `undefined`: it does not answer. Asks it where that is not known. */
export async function identityOf(
  members: readonly Pick<Member, 'node'>[],
  iface: string | undefined,
): Promise<{ key: string; address: string } | undefined> {
  const member = iface === undefined ? members[0] : members.find(({ node }) => node.name === iface);
  const node = member?.node;
  if (!node?.connected) return undefined;
  try {
    if (!node.current('self')) await node.source?.refresh('self');
  } catch {
    return undefined;
  }
  const self = node.current('self')?.value;
  return self && { key: self.key, address: self.address };
}
