// Base64, the alphabet with `+` and `/`, padded. Source: RFC 4648, section 4.

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The text of bytes: four characters for each three, `=` for what the last group lacks. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const group = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!; // past the end: 0
    for (let shift = 18; shift >= 0; shift -= 6) text += DIGITS[(group >> shift) & 63];
  }
  const lacking = (3 - (bytes.length % 3)) % 3;
  return text.slice(0, text.length - lacking) + '='.repeat(lacking);
}

/** The bytes of a text: exactly one text is read for each, so no blanks, all padding, and zeros in what is padded. @throws RangeError */
export function decodeBase64(text: string): Uint8Array {
  const lacking = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const digits = text.length - lacking;
  if (text.length % 4 !== 0) throw new RangeError(`base64: expected groups of 4 characters, got ${text.length}`);
  const bytes = new Uint8Array((text.length / 4) * 3 - lacking);
  let held = 0;
  let count = 0;
  for (let at = 0; at < digits; at++) {
    const digit = DIGITS.indexOf(text[at]!);
    if (digit < 0) throw new RangeError(`base64: expected A-Z, a-z, 0-9, + and / at character ${at}`);
    held = ((held << 6) | digit) & 0xffff;
    // after each fourth digit nothing is held
    if (at % 4 > 0) bytes[count++] = (held >> (6 - 2 * (at % 4))) & 255;
  }
  if (lacking > 0 && (held & (lacking === 2 ? 15 : 3)) !== 0)
    throw new RangeError('base64: expected zeros in what is padded');
  return bytes;
}
