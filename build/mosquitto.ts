// The MQTT broker that tests and the bench talk to: Debian's mosquitto with its libraries, unpacked in the cache, neither installed nor started.

import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { downloadDebian, libraryPath, unpackDeb } from './debian.ts';
import { CACHE } from './project.ts';

/** Where the broker is, and the environment it runs in. */
export interface MosquittoProgram {
  path: string;
  env: Record<string, string>;
}

const SUITE = 'bookworm';
const PACKAGE = 'mosquitto';
const UNPACKED = join(CACHE, 'mosquitto');
const BINARY = join(UNPACKED, 'usr/sbin/mosquitto');
/** Of all that it depends on, what it loads; the C library must be the machine's own, as its loader is. */
const TAKEN = /^(mosquitto|lib(?!c6_)[^_]*)_/;

/**
 * The mosquitto that MESHBRIDGE_MOSQUITTO names, else Debian's 2.0.11, which is downloaded (10 MB) when it is not there.
 * @param log takes a line for people, when it takes long.
 * @throws Error with one line that says why there is none.
 */
export async function ensureMosquitto(log: (line: string) => void): Promise<MosquittoProgram> {
  const env = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => !!entry[1]));
  const named = process.env.MESHBRIDGE_MOSQUITTO;
  if (named && !existsSync(named)) throw new Error(`MESHBRIDGE_MOSQUITTO: no such file: ${named}`);
  if (named) return { path: named, env };
  if (!existsSync(BINARY)) {
    const downloads = await downloadDebian({ suite: SUITE, packages: [PACKAGE], closure: true, log });
    const files = readdirSync(downloads).filter((name) => name.endsWith('.deb') && TAKEN.test(name));
    await unpackDeb(
      files.map((name) => join(downloads, name)),
      UNPACKED,
    );
    if (!existsSync(BINARY)) throw new Error(`${UNPACKED}: no usr/sbin/mosquitto in it: remove it and try again`);
    rmSync(downloads, { recursive: true, force: true });
  }
  return { path: BINARY, env: { ...env, LD_LIBRARY_PATH: libraryPath(UNPACKED) } };
}
