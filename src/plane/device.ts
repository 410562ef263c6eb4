// One end of one tunnel as a device: the commands that make it, and what shows that it is there already. For homes and for gateways.

import type { TunnelKind } from '../api/lease.ts';
import { canonicalIp } from '../lib/ip.ts';
import { nodeAddress } from '../lib/yggdrasil-address.ts';
import type { ShownDevice, ShownNeighbour } from './ip.ts';

/** One end of a tunnel. WireGuard's peers are not among it: see wireguard.ts. */
export interface TunnelDevice {
  readonly name: string;
  readonly kind: TunnelKind;
  readonly end: 'home' | 'gateway';
  /** Addresses in the mesh: of this end, and of the other one. */
  readonly local: string;
  readonly remote: string;
  readonly mtu: number;
  /** Inner addresses of this end. */
  readonly addresses: readonly string[];
  /** Inner addresses at the other end that packets are handed to. */
  readonly neighbours: readonly string[];
  /** Of VXLAN. */
  readonly vni?: number;
  readonly port?: number;
}

/** What iproute2 calls the kinds. */
const LINK_KINDS: Readonly<Record<TunnelKind, string>> = { gre6: 'ip6gre', wireguard: 'wireguard', vxlan: 'vxlan' };
const MAC_BYTES = { home: 0x48, gateway: 0x47 } as const;
/** Packets in the mesh may make so many hops. */
const HOPS = 64;

/** The Yggdrasil of a machine. */
export interface MeshDevice {
  readonly name: string;
  readonly address: string;
  readonly mtu: number;
}

/** The Yggdrasil whose device has this name; without one, or where there is no such device, the first. `undefined`: none has an address. */
export function findMesh(devices: readonly ShownDevice[], name?: string): MeshDevice | undefined {
  const found = devices.flatMap((device): MeshDevice[] => {
    const address = device.addresses.map((one) => nodeAddress(one.address)).find(Boolean);
    return address === undefined || device.kind === 'wireguard' ? [] : [{ ...device, address }];
  });
  const mesh = found.find((one) => one.name === name) ?? found[0];
  return mesh && { name: mesh.name, address: mesh.address, mtu: mesh.mtu };
}

/** The MAC address of one end of a VXLAN: it follows from the number, so nobody has to ask for it, and an end that is made anew has the same. */
export function vxlanMac(end: TunnelDevice['end'], vni: number): string {
  const bytes = [0x02, 0x4d, MAC_BYTES[end], (vni >> 16) & 255, (vni >> 8) & 255, vni & 255];
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** Commands of `ip` that turn what is there into what is wanted; none where that fits already. @param all set by hand, of every device */
export function deviceCommands(
  wanted: TunnelDevice,
  shown: ShownDevice | undefined,
  all: readonly ShownNeighbour[],
): string[] {
  const { name, mtu, addresses, neighbours } = wanted;
  const there = shown && isSameLink(wanted, shown) ? shown : undefined;
  const commands: string[] = [];
  if (shown && !there) commands.push(`link del ${name}`);
  if (!there) commands.push(`link add ${name} mtu ${mtu} ${linkWords(wanted)}`, `link set ${name} addrgenmode none`);
  else if (there.mtu !== mtu) commands.push(`link set ${name} mtu ${mtu}`);
  const had = there?.addresses ?? [];
  for (const { address, bits } of had)
    if (!addresses.includes(address) || bits !== bitsOf(address))
      commands.push(`addr del ${address}/${bits} dev ${name}`);
  for (const address of addresses)
    if (!had.some((one) => one.address === address && one.bits === bitsOf(address)))
      commands.push(`addr replace ${address}/${bitsOf(address)} dev ${name}${address.includes(':') ? ' nodad' : ''}`);
  if (!there?.isUp) commands.push(`link set ${name} up`);
  // MACs of VXLAN are known: nobody asks for them, so nothing about them can go stale
  if (wanted.kind === 'vxlan') {
    const mac = vxlanMac(wanted.end === 'home' ? 'gateway' : 'home', wanted.vni!);
    const known = there ? all.filter((one) => one.device === name) : [];
    for (const address of neighbours)
      if (!known.some((one) => one.address === address && one.mac === mac))
        commands.push(`neigh replace ${address} lladdr ${mac} dev ${name} nud permanent`);
  }
  return commands;
}

/** All bits of an address. */
export function bitsOf(address: string): 32 | 128 {
  return address.includes(':') ? 128 : 32;
}

function linkWords({ kind, end, local, remote, vni, port }: TunnelDevice): string {
  if (kind === 'wireguard') return 'type wireguard';
  const ends = `local ${local} remote ${remote}`;
  if (kind === 'gre6') return `type ip6gre ${ends} encaplimit none hoplimit ${HOPS}`;
  return `address ${vxlanMac(end, vni!)} type vxlan id ${vni} ${ends} dstport ${port} ttl ${HOPS} nolearning`;
}

/** Whether a device is this end of this tunnel, whatever its MTU and addresses. */
export function isSameLink({ kind, end, local, remote, vni, port }: TunnelDevice, shown: ShownDevice): boolean {
  const { data } = shown;
  const is = (value: unknown, address: string): boolean =>
    typeof value === 'string' && canonicalIp(value) === canonicalIp(address);
  if (shown.kind !== LINK_KINDS[kind]) return false;
  if (kind === 'wireguard') return true;
  if (kind === 'gre6') return is(data.local, local) && is(data.remote, remote);
  return (
    is(data.local6, local) &&
    is(data.remote6, remote) &&
    data.id === vni &&
    data.port === port &&
    data.learning !== true &&
    shown.mac === vxlanMac(end, vni!)
  );
}
