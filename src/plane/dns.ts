// Where the LAN's resolver gets its answers, on plain Linux: dnsmasq reads its servers from a file of ours (`no-resolv` and `servers-file`).
//
// While a lease is used they are the gateway's, asked from the inner address, which only ever leaves by the tunnel; without a tunnel there are
// none, and the LAN hears a refusal at once. What this machine looks up itself goes by /etc/resolv.conf as before: it must not name this machine.

import type { Terms } from '../api/lease.ts';
import { canonicalIp } from '../lib/ip.ts';
import { encodeUtf8 } from '../lib/utf8.ts';
import { type Machine, readKnob } from './machine.ts';

/** Files of the LAN's resolver. */
export interface ResolverFiles {
  /** dnsmasq's `servers-file`. */
  readonly servers: string;
  /** dnsmasq's `pid-file`. */
  readonly pid: string;
  /** What the line told: resolv.conf. */
  readonly line: string;
}

/** The usual ones. */
export const RESOLVER_FILES: ResolverFiles = {
  servers: '/run/meshbridge/dnsmasq.servers',
  pid: '/run/dnsmasq/dnsmasq.pid',
  line: '/etc/resolv.conf',
};

/** Servers to be asked through a tunnel, as dnsmasq takes them. */
export function tunnelServers({ dns, home4, home6 }: Terms): string[] {
  return dns.flatMap((address) => {
    const from = address.includes(':') ? home6 : home4;
    return from === undefined ? [] : [`server=${address}@${from}`];
  });
}

/** Servers of the line, of the text of resolv.conf; those on this machine would be the resolver itself. */
export function lineServers(text: string): string[] {
  return [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].flatMap(([, name]) => {
    const address = canonicalIp(name!);
    return address === undefined || address === '::1' || address.startsWith('127.') ? [] : [`server=${address}`];
  });
}

/** Tells the resolver whom to ask: through a tunnel, nobody, or the line. @throws (rejects) Error when the file cannot be written. */
export async function setServers(machine: Machine, files: ResolverFiles, way: Terms | 'none' | 'line'): Promise<void> {
  const servers =
    way === 'line' ? lineServers(readKnob(machine.files, files.line) ?? '') : way === 'none' ? [] : tunnelServers(way);
  const text = `# by meshbridge: ${way === 'line' ? 'the line' : way === 'none' ? 'nobody' : 'the gateway'}\n${servers.map((one) => `${one}\n`).join('')}`;
  if (readKnob(machine.files, files.servers) === text.trim()) return;
  machine.files.write(files.servers, encodeUtf8(text), 0o644);
  const pid = readKnob(machine.files, files.pid);
  if (!pid || !/^\d{1,8}$/.test(pid) || readKnob(machine.files, `/proc/${pid}/comm`) !== 'dnsmasq') return;
  await machine.run('kill', ['-HUP', pid]);
}
