// The devices of homes at a gateway, as lines for `ip -batch`: what makes one, and what takes many away.

import type { ClientTunnel } from '../mesh/tunnel.ts';
import { clientDevice, WIREGUARD_DEVICE } from './client-rules.ts';
import { deviceCommands, type TunnelDevice } from './device.ts';
import type { ShownDevice } from './ip.ts';

/** Group of all devices of homes: by it they are taken away together. */
export const CLIENT_GROUP = 430;
/** Group of those that are about to go: many at once take the kernel no longer than one. */
const LEAVING_GROUP = 431;

/** What of the gateway is in all of its devices. */
export interface GatewayEnd {
  /** In the mesh. */
  readonly address: string;
  readonly gateway4: string;
  readonly gateway6: string;
  readonly vxlanPort: number;
}

/** The device that carries a home's packets. */
export function deviceOf({ kind, slot }: Pick<ClientTunnel, 'kind' | 'slot'>): string {
  return kind === 'wireguard' ? WIREGUARD_DEVICE : clientDevice(slot);
}

/** Lines that make a tunnel be, from nothing or from the device that is there. WireGuard's device is there; only its routes are made. */
export function buildLines(tunnel: ClientTunnel, end: GatewayEnd, shown: ShownDevice | undefined): string[] {
  const { kind, mtu, home4, home6, outer, vni } = tunnel;
  const name = deviceOf(tunnel);
  const lines: string[] = [];
  if (kind !== 'wireguard') {
    const device: TunnelDevice = {
      ...{ name, kind, end: 'gateway', local: end.address, remote: outer, mtu },
      // the inner address of a gateway is on `lo`, for no device of a home stays
      addresses: [],
      neighbours: home6 === undefined ? [home4] : [home4, home6],
      ...(vni !== undefined && { vni, port: end.vxlanPort }),
    };
    lines.push(...deviceCommands(device, shown, []));
    if (lines.some((line) => line.startsWith('link add'))) lines.push(`link set ${name} group ${CLIENT_GROUP}`);
  }
  // WireGuard has one device for homes of all MTUs
  const size = kind === 'wireguard' ? ` mtu ${mtu}` : '';
  lines.push(`route replace ${home4}/32 dev ${name} src ${end.gateway4}${size}`);
  if (home6 !== undefined) lines.push(`route replace ${home6}/128 dev ${name} src ${end.gateway6}${size}`);
  return lines;
}

/** Lines that take devices away. */
export function dropLines(names: readonly string[]): string[] {
  if (names.length === 0) return [];
  return [...names.map((name) => `link set dev ${name} group ${LEAVING_GROUP}`), `link del group ${LEAVING_GROUP}`];
}

/** Which lines of a batch failed (from 0 on), and why. Source: iproute2, batch mode with `-force`. */
export function batchProblems(stderr: string): Map<number, string> {
  const problems = new Map<number, string>();
  let why = '';
  for (const line of stderr.split('\n')) {
    const number = /^Command failed \S*:(\d+)$/.exec(line.trim())?.[1];
    if (number === undefined) {
      if (line.trim() !== '') why = line.trim();
      continue;
    }
    problems.set(Number(number) - 1, why || 'failed');
    why = '';
  }
  return problems;
}

/** What `ip -d -j -batch` printed of devices: one list a line. @throws SyntaxError */
export function shownDevices(stdout: string): ShownDevice[] {
  const rows = stdout
    .split('\n')
    .filter((line) => line.startsWith('['))
    .flatMap((line) => JSON.parse(line) as LinkRow[]);
  return rows.flatMap(({ ifname: name, mtu = 0, flags = [], address, link_type: type, linkinfo = {} }) =>
    name === undefined
      ? []
      : {
          ...{ name, mtu, isUp: flags.includes('UP'), data: linkinfo.info_data ?? {}, addresses: [] },
          ...(type === 'ether' && address !== undefined && { mac: address }),
          ...(linkinfo.info_kind !== undefined && { kind: linkinfo.info_kind }),
        },
  );
}

/** Source: iproute2. */
interface LinkRow {
  readonly ifname?: string;
  readonly mtu?: number;
  readonly flags?: readonly string[];
  readonly address?: string;
  readonly link_type?: string;
  readonly linkinfo?: { readonly info_kind?: string; readonly info_data?: Readonly<Record<string, unknown>> };
}
