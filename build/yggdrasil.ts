// The Yggdrasil that the desk, the tests and the bench run: Debian's, unpacked in the cache. A package that is installed on this
// machine is left alone: installing it would start a node here.

import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { downloadDebian, unpackDeb } from './debian.ts';
import { CACHE } from './project.ts';

const SUITE = 'bookworm-backports';
const UNPACKED = join(CACHE, 'yggdrasil');
const BINARY = join(UNPACKED, 'usr/sbin/yggdrasil');

/**
 * The path of a `yggdrasil` program that is there already: the one that MESHBRIDGE_YGGDRASIL names, else the cached one.
 * @throws Error when MESHBRIDGE_YGGDRASIL names a file that does not exist.
 */
export function findYggdrasil(): string | undefined {
  const named = process.env.MESHBRIDGE_YGGDRASIL;
  if (named) {
    if (!existsSync(named)) throw new Error(`MESHBRIDGE_YGGDRASIL: no such file: ${named}`);
    return named;
  }
  return existsSync(BINARY) ? BINARY : undefined;
}

/**
 * As `findYggdrasil`, downloading it (4 MB) when it is not there.
 * @param log takes a line for people, when it takes long.
 * @throws Error with one line that says why there is none.
 */
export async function ensureYggdrasil(log: (line: string) => void): Promise<string> {
  const found = findYggdrasil();
  if (found) return found;
  const directory = await downloadDebian({ suite: SUITE, packages: ['yggdrasil'], log });
  const file = (await readdir(directory)).find((name) => name.endsWith('.deb'));
  if (!file) throw new Error(`${directory}: no package in it: remove it and try again`);
  await unpackDeb(join(directory, file), UNPACKED);
  if (!existsSync(BINARY)) throw new Error(`${UNPACKED}: no usr/sbin/yggdrasil in it: remove it and try again`);
  return BINARY;
}

/** The `yggdrasilctl` that came with a `yggdrasil`. */
export function yggdrasilctl(yggdrasil: string): string {
  return join(dirname(yggdrasil), 'yggdrasilctl');
}
