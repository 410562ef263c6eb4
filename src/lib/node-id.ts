// By which names a router and the keys that order it are known: made of keys, so that nobody can take another's.

import { encodeBase32 } from './base32.ts';

const NODE_ID = 13;
const KEY_ID = 16;

/** The id of the router with a public key: the first 13 characters of the hash in base32, 65 bits. */
export function nodeIdOf(sha512: (bytes: Uint8Array) => Uint8Array, publicKey: Uint8Array): string {
  return encodeBase32(sha512(publicKey)).slice(0, NODE_ID);
}

/** The id of a public key, 64 lower-case hex digits, in signatures: its first 16 digits. */
export function keyIdOf(publicKey: string): string {
  return publicKey.slice(0, KEY_ID);
}
