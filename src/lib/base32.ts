// Base32, lower case, without padding. Source: RFC 4648, section 6.

const DIGITS = 'abcdefghijklmnopqrstuvwxyz234567';

/** The text of bytes: eight characters for each five, fewer for what is left. */
export function encodeBase32(bytes: Uint8Array): string {
  let text = '';
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text += DIGITS[(held >> (bits - 5)) & 31];
  }
  return bits > 0 ? text + DIGITS[(held << (5 - bits)) & 31] : text;
}

/** The bytes of a text: exactly one text is read for each, so of the last character no bit is left that belongs to no byte. @throws RangeError */
export function decodeBase32(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  let held = 0;
  let bits = 0;
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = DIGITS.indexOf(text[at]!);
    if (digit < 0) throw new RangeError(`base32: expected a-z and 2-7 at character ${at}`);
    held = ((held << 5) | digit) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[count++] = (held >> bits) & 255;
  }
  if (bits >= 5 || (held & ((1 << bits) - 1)) !== 0)
    throw new RangeError('base32: expected nothing behind the last whole byte');
  return bytes;
}
