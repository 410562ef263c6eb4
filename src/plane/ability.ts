// What tunnels this machine can make: found out by making one of each kind and taking it away again, for the kernel alone knows.

import { TUNNEL_KINDS, type TunnelKind } from '../api/lease.ts';
import { errorText } from '../errors.ts';
import type { TunnelAbility } from '../mesh/tunnel.ts';
import { findMesh } from './device.ts';
import { Ip } from './ip.ts';
import type { Machine } from './machine.ts';
import type { Wireguard } from './wireguard.ts';

/** Has no traffic, and is gone after a moment. */
const PROBE = 'mbprobe';
const ENDS = 'local 200::1 remote 200::2';
/** What makes a device of each kind, and the package that brings what it takes. */
const KINDS: Readonly<Record<TunnelKind, { readonly words: string; readonly from: string }>> = {
  gre6: { words: `type ip6gre ${ENDS} encaplimit none`, from: 'kmod-gre6' },
  wireguard: { words: 'type wireguard', from: 'kmod-wireguard' },
  vxlan: { words: `type vxlan id 16777215 ${ENDS} dstport 4790 nolearning`, from: 'kmod-vxlan' },
};

/**
 * What this machine can do; what it cannot says why.
 * @param name of Yggdrasil's device; absent: the first.
 * @throws (rejects) Error when there is no Yggdrasil, or no iproute2.
 */
export async function findAbility(
  machine: Machine,
  wireguard: Pick<Wireguard, 'publicKey'>,
  name: string | undefined,
): Promise<TunnelAbility> {
  const ip = new Ip(machine);
  const devices = await ip.devices();
  const mesh = findMesh(devices, name);
  if (!mesh) throw new Error('Yggdrasil has no device with an address on this machine: is it running, with IfName?');
  if (devices.some((device) => device.name === PROBE)) await ip.attempt(['link', 'del', PROBE]);
  return { ...(await findKinds(machine, wireguard)), meshMtu: mesh.mtu };
}

/** The same without a look at Yggdrasil and at all the devices that there are. @throws (rejects) Error when there is no iproute2 */
export async function findKinds(
  machine: Machine,
  wireguard: Pick<Wireguard, 'publicKey'>,
): Promise<Pick<TunnelAbility, 'kinds' | 'wireguardKey'>> {
  const ip = new Ip(machine);
  if (machine.files.list('/sys/class/net').includes(PROBE)) await ip.attempt(['link', 'del', PROBE]);
  const kinds: { kind: TunnelKind; problem?: string }[] = [];
  let wireguardKey: string | undefined;
  for (const kind of TUNNEL_KINDS) {
    let problem = await problemOf(ip, kind);
    if (kind === 'wireguard' && problem === undefined)
      try {
        wireguardKey = await wireguard.publicKey();
      } catch (error) {
        problem = errorText(error);
      }
    kinds.push(problem === undefined ? { kind } : { kind, problem });
  }
  return { kinds, ...(wireguardKey !== undefined && { wireguardKey }) };
}

async function problemOf(ip: Ip, kind: TunnelKind): Promise<string | undefined> {
  const { words, from } = KINDS[kind];
  const refused = await ip.attempt(['link', 'add', PROBE, ...words.split(' ')]);
  if (refused !== undefined) return `the kernel does not make it (${refused}); OpenWrt has it in ${from}`;
  await ip.attempt(['link', 'del', PROBE]);
  return undefined;
}

/** What can be made, as the helper answers. */
export function abilityReply({ kinds, meshMtu, wireguardKey }: TunnelAbility) {
  return {
    kinds: kinds.map((one) => ({ ...one })),
    mesh_mtu: meshMtu,
    ...(wireguardKey !== undefined && { wireguard_key: wireguardKey }),
  };
}
