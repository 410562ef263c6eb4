// HMAC and PBKDF2 over SHA-512. Sources: RFC 2104; RFC 8018, section 5.2.

import { joinBytes } from './bytes.ts';

const BLOCK = 128;
type Sha512 = (bytes: Uint8Array) => Uint8Array;

/** 64 bytes that only holders of the key can make of a message. */
export function hmacSha512(sha512: Sha512, key: Uint8Array, message: Uint8Array): Uint8Array {
  const block = new Uint8Array(BLOCK);
  block.set(key.length > BLOCK ? sha512(key) : key);
  const inner = sha512(joinBytes([block.map((byte) => byte ^ 0x36), message]));
  return sha512(joinBytes([block.map((byte) => byte ^ 0x5c), inner]));
}

/** The first 64 bytes that PBKDF2 makes of a password, in so many rounds. */
export function pbkdf2Sha512(sha512: Sha512, password: Uint8Array, salt: Uint8Array, rounds: number): Uint8Array {
  let last = hmacSha512(sha512, password, joinBytes([salt, new Uint8Array([0, 0, 0, 1])]));
  const sum = last.slice();
  for (let round = 1; round < rounds; round++) {
    last = hmacSha512(sha512, password, last);
    for (let at = 0; at < sum.length; at++) sum[at]! ^= last[at]!;
  }
  return sum;
}
