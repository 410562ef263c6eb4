// Gets the sources of tinyssh and says how those of them are compiled that the C host checks and makes signatures with.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inProject } from './project.ts';
import { type Library, unpackSource } from './source.ts';

/** The release of all builds. Debian has the author's own archive byte by byte, which OpenWrt's SDK downloads. */
export const TINYSSH = {
  name: 'tinyssh',
  version: '20250501',
  suite: 'trixie',
  source: 'tinyssh',
  sha256: 'f3ae622c765db4e0d791ea90a9feba39d7f693ef9cb949a797f7ad6b404a2d61',
} as const;

/** The arithmetic of ed25519, and SHA-512. The last three hold zeros that keep a compiler from undoing what takes the same time always. */
export const TINYSSH_FILES = [
  'fe.c',
  'fe25519.c',
  'ge25519.c',
  'sc25519.c',
  'crypto_hash_sha512_tinyssh.c',
  'crypto_verify_32.c',
  'cleanup.c',
  'int16_optblocker.c',
  'uint32_optblocker.c',
  'uint64_optblocker.c',
] as const;

/** From the root: stands for what tinyssh's own build finds out about the machine. */
export const TINYSSH_HEADER = 'build/haslib25519.h';

/** Gets the sources the first time. @throws Error as `unpackSource` does. */
export async function signatureLibrary(log: (line: string) => void): Promise<Library> {
  const directory = await unpackSource(TINYSSH, log);
  return {
    files: TINYSSH_FILES.map((name) => join(directory, name)),
    flags: ['-isystem', directory, '-isystem', join(directory, 'cryptoint'), '-I', inProject('build')],
    key: `${JSON.stringify(TINYSSH)} ${readFileSync(inProject(TINYSSH_HEADER), 'utf8')}`,
  };
}
