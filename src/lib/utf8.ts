// UTF-8 for engines without TextEncoder. Malformed input becomes U+FFFD, one per maximal faulty part, as the WHATWG decoder does.

const REPLACEMENT = 0xfffd;
/** Code units handed to `String.fromCharCode` at once: its arguments live on the engine's stack. */
const CHUNK = 1024;

/** The bytes of a text; lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const { length } = text;
  let bytes = new Uint8Array(length);
  let at = 0;
  let i = 0;
  for (; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) break;
    bytes[at++] = unit;
  }
  if (i === length) return bytes;
  const ascii = bytes;
  bytes = new Uint8Array(at + (length - i) * 3);
  bytes.set(ascii.subarray(0, at));
  for (; i < length; i++) {
    let point = text.charCodeAt(i);
    if (point >= 0xd800 && point < 0xe000) {
      const low = point < 0xdc00 ? text.charCodeAt(i + 1) : Number.NaN;
      if (low >= 0xdc00 && low < 0xe000) {
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
        i++;
      } else point = REPLACEMENT;
    }
    if (point < 0x80) bytes[at++] = point;
    else if (point < 0x800) {
      bytes[at++] = 0xc0 | (point >> 6);
      bytes[at++] = 0x80 | (point & 63);
    } else if (point < 0x10000) {
      bytes[at++] = 0xe0 | (point >> 12);
      bytes[at++] = 0x80 | ((point >> 6) & 63);
      bytes[at++] = 0x80 | (point & 63);
    } else {
      bytes[at++] = 0xf0 | (point >> 18);
      bytes[at++] = 0x80 | ((point >> 12) & 63);
      bytes[at++] = 0x80 | ((point >> 6) & 63);
      bytes[at++] = 0x80 | (point & 63);
    }
  }
  return bytes.slice(0, at);
}

/** The text of `bytes[start, end)`. */
export function decodeUtf8(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let text = '';
  let units: number[] = [];
  let i = start;
  while (i < end) {
    // most of what is decoded is ASCII: without a JIT, this is seven times faster than a loop over its bytes
    if (units.length === 0) {
      const part = bytes.subarray(i, Math.min(end, i + CHUNK));
      const latin = String.fromCharCode.apply(null, part as unknown as number[]);
      const ascii = latin.search(/[\x80-\xff]/);
      text += ascii < 0 ? latin : latin.slice(0, ascii);
      i += ascii < 0 ? latin.length : ascii;
      if (ascii < 0) continue;
    }
    const byte = bytes[i++]!;
    if (byte < 0x80) units.push(byte);
    else {
      // lowest and highest legal second byte exclude overlong forms, surrogates and what lies beyond U+10FFFF
      let more = 0;
      let low = 0x80;
      let high = 0xbf;
      let point = REPLACEMENT;
      if (byte >= 0xc2 && byte <= 0xdf) {
        more = 1;
        point = byte & 0x1f;
      } else if (byte >= 0xe0 && byte <= 0xef) {
        more = 2;
        point = byte & 0x0f;
        if (byte === 0xe0) low = 0xa0;
        if (byte === 0xed) high = 0x9f;
      } else if (byte >= 0xf0 && byte <= 0xf4) {
        more = 3;
        point = byte & 0x07;
        if (byte === 0xf0) low = 0x90;
        if (byte === 0xf4) high = 0x8f;
      }
      for (; more > 0; more--) {
        const next = i < end ? bytes[i]! : -1;
        if (next < low || next > high) {
          point = REPLACEMENT;
          break;
        }
        point = (point << 6) | (next & 63);
        low = 0x80;
        high = 0xbf;
        i++;
      }
      if (point < 0x10000) units.push(point);
      else {
        point -= 0x10000;
        units.push(0xd800 + (point >> 10), 0xdc00 + (point & 0x3ff));
      }
    }
    if (units.length >= CHUNK) {
      text += String.fromCharCode.apply(null, units);
      units = [];
    }
  }
  return units.length > 0 ? text + String.fromCharCode.apply(null, units) : text;
}
