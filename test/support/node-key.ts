// Keys of many nodes, each with the address that follows from it.

import { toHex } from '../../src/lib/bytes.ts';
import { addressOf } from '../../src/lib/yggdrasil-address.ts';
import { seededRandom } from './random.ts';

/** A key that depends on a number and looks like any other, and its address. */
export function nodeOf(number: number): { key: string; address: string } {
  const random = seededRandom(number + 1);
  const key = toHex(Uint8Array.from({ length: 32 }, () => random() * 256));
  return { key, address: addressOf(key)! };
}
