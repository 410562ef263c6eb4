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
