// ed25519 public keys that are points of small order: there are signatures that hold of any message under them, made by anybody.

import { toHex } from './bytes.ts';

/** The second coordinates of the eight points, also where a number is written that is the prime or larger; without the sign in the last bit. */
const SMALL_ORDER = new Set([
  `00${'00'.repeat(31)}`,
  `01${'00'.repeat(31)}`,
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
]);

/** Whether a public key, 32 bytes, is a point of small order. Source: RFC 8032, section 5.1.3, and the curve's eight such points. */
export function isWeakKey(publicKey: Uint8Array): boolean {
  const unsigned = publicKey.slice();
  unsigned[31]! &= 0x7f;
  return SMALL_ORDER.has(toHex(unsigned));
}
