// Gzip as `gzip -9n` writes it: no name, no time, and the same system in the header whichever machine compressed.

import { gzipSync } from 'node:zlib';

/** Byte of the header that says where the file was made; 3 is Unix. Source: RFC 1952. */
const SYSTEM = 9;
const UNIX = 3;

/** The compressed bytes; the same input gives the same output with one release of Node on one kind of machine. */
export function gzipFile(bytes: Uint8Array): Uint8Array {
  const compressed = gzipSync(bytes, { level: 9 });
  compressed[SYSTEM] = UNIX;
  return compressed;
}
