// The hash by which LuCI finds the translation of a text. Source: luci-base, src/lib/lmo.c (sfh_hash, after P. Hsieh's SuperFastHash) and
// resources/cbi.js (sfh).

import { encodeUtf8 } from './utf8.ts';

/** The hash that LuCI finds a text by. */
export function hashText(text: string): number {
  const bytes = encodeUtf8(text);
  const { length } = bytes;
  if (length === 0) return 0;
  const word = (at: number): number => bytes[at]! | (bytes[at + 1]! << 8);
  const signed = (at: number): number => (bytes[at]! << 24) >> 24;
  const whole = length & ~3;
  let hash = length;
  for (let at = 0; at < whole; at += 4) {
    hash = (hash + word(at)) | 0;
    hash = (hash << 16) ^ (word(at + 2) << 11) ^ hash;
    hash = (hash + (hash >>> 11)) | 0;
  }
  switch (length & 3) {
    case 3:
      hash = (hash + word(whole)) | 0;
      hash ^= hash << 16;
      hash ^= signed(whole + 2) << 18;
      hash = (hash + (hash >>> 11)) | 0;
      break;
    case 2:
      hash = (hash + word(whole)) | 0;
      hash ^= hash << 11;
      hash = (hash + (hash >>> 17)) | 0;
      break;
    case 1:
      hash = (hash + signed(whole)) | 0;
      hash ^= hash << 10;
      hash = (hash + (hash >>> 1)) | 0;
  }
  hash ^= hash << 3;
  hash = (hash + (hash >>> 5)) | 0;
  hash ^= hash << 4;
  hash = (hash + (hash >>> 17)) | 0;
  hash ^= hash << 25;
  return (hash + (hash >>> 6)) >>> 0;
}
