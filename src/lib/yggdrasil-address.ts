// The address and the subnet that a Yggdrasil key gives its node, as bytes and as text.
//
// The key's bits are turned over. Byte 0 is 02 (an address) or 03 (a subnet), byte 1 counts the ones in front; these and the zero behind
// them are left out, and what follows fills the rest. Source: yggdrasil-go, src/address.

import { fromHex } from './bytes.ts';
import { formatIp, formatPrefix, parseIp } from './ip.ts';

const KEY = /^[0-9a-f]{64}$/i;

/** The 16 bytes of the address of a key of 32 bytes. */
export function addressOfKey(key: Uint8Array): Uint8Array {
  let ones = 0;
  while (ones < 256 && !(key[ones >> 3]! & (0x80 >> (ones & 7)))) ones++;
  const address = new Uint8Array(16);
  address[0] = 2;
  address[1] = ones;
  const skip = ones + 1;
  for (let at = 0; at < 14; at++) {
    const from = (skip >> 3) + at;
    const [high, low] = [from, from + 1].map((i) => (i < 32 ? ~key[i]! & 255 : 0)) as [number, number];
    address[at + 2] = (((high << 8) | low) >> (8 - (skip & 7))) & 255;
  }
  return address;
}

/** The text of the address of a key of 64 hex digits; `undefined` when it is none. */
export function addressOf(key: string): string | undefined {
  return KEY.test(key) ? formatIp(addressOfKey(fromHex(key))) : undefined;
}

/** The subnet of a key of 64 hex digits, `300:…::/64`; `undefined` when it is none. */
export function subnetOf(key: string): string | undefined {
  if (!KEY.test(key)) return undefined;
  const bytes = addressOfKey(fromHex(key)).fill(0, 8);
  bytes[0] = 3;
  return formatPrefix({ bytes, length: 64 });
}

/** The one way to write the address of a node (0200::/8); `undefined` of anything else: a host behind a node (0300::/8) is none. */
export function nodeAddress(text: string): string | undefined {
  const bytes = parseIp(text);
  return bytes?.length === 16 && bytes[0] === 2 ? formatIp(bytes) : undefined;
}

/**
 * One text for all addresses of which a node answers for: its own (0200::/8), or, of hosts behind it (0300::/8), their common /64; `undefined` of what
 * is not of the mesh.
 */
export function meshNode(text: string): string | undefined {
  const bytes = parseIp(text);
  if (bytes?.length !== 16 || (bytes[0] !== 2 && bytes[0] !== 3)) return undefined;
  return formatIp(bytes[0] === 3 ? bytes.fill(0, 8) : bytes);
}
