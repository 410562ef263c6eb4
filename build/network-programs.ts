// Programs that labs of networks take: the machine's own, and of those that it lacks Debian's, unpacked in the cache and not installed.

import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { findProgram } from '../src/dev/child.ts';
import { downloadDebian, libraryPath, unpackDeb } from './debian.ts';
import { CACHE } from './project.ts';
import { replaceFile } from './replace.ts';

const SUITE = 'bookworm';
/** Packages, and the programs wanted of them. */
const PROGRAMS = {
  conntrack: 'usr/sbin/conntrack',
  'dnsmasq-base': 'usr/sbin/dnsmasq',
  nftables: 'usr/sbin/nft',
  tcpdump: 'usr/bin/tcpdump',
  'wireguard-tools': 'usr/bin/wg',
} as const;
const UNPACKED = join(CACHE, 'network');
const BIN = join(CACHE, 'network-bin');
/** Of all that they depend on, what they load; the C library must be the machine's own, as its loader is. */
const TAKEN = new RegExp(`^(${Object.keys(PROGRAMS).join('|')}|lib(?!c6_)[^_]*)_`);

const nameOf = (path: string): string => path.split('/').at(-1)!;

async function unpack(log: (line: string) => void): Promise<void> {
  if (existsSync(UNPACKED)) return;
  const downloads = await downloadDebian({ suite: SUITE, packages: Object.keys(PROGRAMS), closure: true, log });
  const files = readdirSync(downloads).filter((name) => name.endsWith('.deb') && TAKEN.test(name));
  await unpackDeb(
    files.map((name) => join(downloads, name)),
    UNPACKED,
  );
  rmSync(downloads, { recursive: true, force: true });
}

/**
 * Has nft, conntrack, dnsmasq, tcpdump and wg, downloading those that are missing (4 MB).
 * @returns the PATH on which they are.
 * @throws Error with one line that says why there are none.
 */
export async function ensureNetworkPrograms(log: (line: string) => void): Promise<string> {
  const path = [process.env.PATH ?? '', '/usr/sbin', '/sbin'].join(delimiter);
  const missing = Object.values(PROGRAMS).filter((program) => !findProgram(nameOf(program)));
  if (missing.length === 0) return path;
  await unpack(log);
  for (const program of missing) {
    const target = join(UNPACKED, program);
    if (!existsSync(target)) throw new Error(`${UNPACKED}: no ${program} in it: remove it and try again`);
    // with its own libraries, whoever starts it: those that it starts itself get the machine's
    const wrapper = join(BIN, nameOf(program));
    replaceFile(wrapper, `#!/bin/sh\nLD_LIBRARY_PATH='${libraryPath(UNPACKED)}' exec '${target}' "$@"\n`);
    chmodSync(wrapper, 0o755);
  }
  return [BIN, path].join(delimiter);
}
