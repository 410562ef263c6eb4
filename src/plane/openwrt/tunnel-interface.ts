// A home's tunnel as netifd takes it: one interface that is the tunnel, one on it that has its inner addresses.
//
// No `tunlink`: with one, netifd takes the tunnel down with Yggdrasil, and what is in RAM for good. Yggdrasil's address is enough.

import type { Terms } from '../../api/lease.ts';
import type { Slot } from '../../mesh/tunnel.ts';
import { bitsOf, type TunnelDevice, vxlanMac } from '../device.ts';
import type { InterfaceOptions } from './netifd.ts';

/** netifd's protocols, and the packages that bring their handlers. Of WireGuard's, the key would have to be in UCI, also for a trial. */
const PROTOCOLS = { vxlan: { proto: 'vxlan6', from: 'vxlan' }, gre6: { proto: 'grev6', from: 'gre' } } as const;
const HOPS = 64;

/** The handler that makes a kind, and the package that brings it; `undefined`: `ip` makes it, as on other machines. */
export function handlerOf(kind: Terms['kind']): { readonly proto: string; readonly from: string } | undefined {
  return kind === 'wireguard' ? undefined : PROTOCOLS[kind];
}

/** Names of a tunnel's interface, and of the one that has its addresses. */
export function interfaceNames(slot: Slot): { readonly tunnel: string; readonly inner: string } {
  return { tunnel: `mbt${slot}`, inner: `mbt${slot}a` };
}

/** The device of a tunnel: netifd names those of GRE itself. */
export function tunnelDeviceName(slot: Slot, kind: Terms['kind'] | undefined): string {
  const { tunnel } = interfaceNames(slot);
  return kind === 'gre6' ? `gre6-${tunnel}` : tunnel;
}

/** The tunnel's interface. @throws Error on a kind that has no handler */
export function tunnelOptions({ kind, end, local, remote, mtu, vni, port }: TunnelDevice): InterfaceOptions {
  const handler = handlerOf(kind);
  if (!handler) throw new Error(`${kind}: expected a kind that netifd makes`);
  const ends = { proto: handler.proto, ip6addr: local, peer6addr: remote, mtu, ttl: HOPS };
  if (kind === 'gre6') return { ...ends, encaplimit: 'ignore', nohostroute: true };
  return { ...ends, vid: vni!, port: port!, learning: false, macaddr: vxlanMac(end, vni!) };
}

/** The interface with its addresses. */
export function innerOptions(slot: Slot, { addresses }: TunnelDevice): InterfaceOptions {
  const of = (family: 4 | 6): string[] =>
    addresses.filter((address) => address.includes(':') === (family === 6)).map((one) => `${one}/${bitsOf(one)}`);
  const [four, six] = [of(4), of(6)];
  return {
    ...{ proto: 'static', device: `@${interfaceNames(slot).tunnel}` },
    ...(four.length > 0 && { ipaddr: four }),
    ...(six.length > 0 && { ip6addr: six }),
  };
}
