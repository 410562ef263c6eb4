// The data types that MQTT packets are made of: integers, most significant byte first, text and bytes with their length before them.
// Source: MQTT 5.0, section 1.5; of 3.1.1 the same without what has no properties.

import { InputError, WireError } from '../errors.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';

/** Longest text or bytes of a field. */
export const MAX_FIELD = 65_535;
/** Largest variable integer: seven bits in each of four bytes. */
export const MAX_VARIABLE = 268_435_455;
/** What no text may have: the character NUL, and halves of surrogate pairs. */
const UNFIT = /[\0\ud800-\udfff]/u;

/** Reads fields one after the other; offsets in its errors count from the start of `bytes`. */
export class Cursor {
  constructor(
    readonly bytes: Uint8Array,
    public at: number,
    readonly end = bytes.length,
  ) {}

  get left(): number {
    return this.end - this.at;
  }

  /** One byte. @throws WireError, as all of these, when the packet ends before the field does. */
  uint8(what: string): number {
    this.need(1, what);
    return this.bytes[this.at++]!;
  }

  uint16(what: string): number {
    this.need(2, what);
    const value = (this.bytes[this.at]! << 8) | this.bytes[this.at + 1]!;
    this.at += 2;
    return value;
  }

  uint32(what: string): number {
    return this.uint16(what) * 65_536 + this.uint16(what);
  }

  /** A variable integer in as few bytes as it needs. */
  variable(what: string): number {
    const start = this.at;
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.uint8(what);
      value += (byte & 127) * factor;
      if (byte === 0 && factor > 1) throw new WireError(`${what}: more bytes than the number needs`, start);
      if (byte < 128) return value;
      if (factor === 2_097_152) throw new WireError(`${what}: a number of more than four bytes`, start);
    }
  }

  /** UTF-8 without NUL. */
  text(what: string): string {
    const start = this.at;
    const bytes = this.binary(what);
    const text = decodeUtf8(bytes);
    const fault = text.indexOf('\0');
    if (fault >= 0) throw new WireError(`${what}: a NUL in it`, start);
    // what is malformed was replaced by this character, which may also stand for itself
    if (text.includes('\ufffd') && !isSame(encodeUtf8(text), bytes)) throw new WireError(`${what}: no UTF-8`, start);
    return text;
  }

  /** Shares the memory of the packet. */
  binary(what: string): Uint8Array {
    const length = this.uint16(what);
    this.need(length, what);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  private need(count: number, what: string): void {
    if (this.left < count) throw new WireError(`${what}: ${this.left} bytes left, expected ${count}`, this.at);
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Enough for the fields of most packets; their payload is not among them. */
const USUAL_BYTES = 96;

/** Collects the fields of a packet. */
export class Writer {
  private buffer = new Uint8Array(USUAL_BYTES);
  /** How many bytes were written. */
  length = 0;

  /** What was written; shares its memory. */
  get bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  uint8(value: number): void {
    this.need(1);
    this.buffer[this.length++] = value;
  }

  uint16(value: number): void {
    this.need(2);
    this.buffer[this.length++] = value >>> 8;
    this.buffer[this.length++] = value;
  }

  uint32(value: number): void {
    this.uint16(value >>> 16);
    this.uint16(value);
  }

  variable(value: number): void {
    for (let rest = value; ; rest >>>= 7) {
      this.uint8(rest < 128 ? rest : (rest & 127) | 128);
      if (rest < 128) return;
    }
  }

  /** @throws InputError when it is too long, or has a NUL or half a surrogate pair. */
  text(value: string, what: string): void {
    if (UNFIT.test(value)) throw new InputError(`${what}: a NUL or half a character in it`, what);
    this.binary(encodeUtf8(value), what);
  }

  /** @throws InputError when they are too many. */
  binary(value: Uint8Array, what: string): void {
    const { length } = value;
    if (length > MAX_FIELD) throw new InputError(`${what}: ${length} bytes, expected at most ${MAX_FIELD}`, what);
    this.uint16(length);
    this.raw(value);
  }

  raw(value: ArrayLike<number>): void {
    this.need(value.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
  }

  private need(count: number): void {
    if (this.length + count <= this.buffer.length) return;
    const grown = new Uint8Array(2 * (this.length + count));
    grown.set(this.buffer);
    this.buffer = grown;
  }
}

/**
 * A whole packet in an array of just its size. @param first type and flags. @param last bytes that come behind what was written.
 * @throws InputError when it is longer than a packet can be.
 */
export function toPacket(first: number, fields: Writer, last?: Uint8Array): Uint8Array {
  const length = fields.length + (last?.length ?? 0);
  if (length > MAX_VARIABLE)
    throw new InputError(`mqtt: a packet of ${length} bytes, expected at most ${MAX_VARIABLE}`);
  const start = length < 128 ? 2 : length < 16_384 ? 3 : length < 2_097_152 ? 4 : 5;
  const packet = new Uint8Array(start + length);
  packet[0] = first;
  let rest = length;
  for (let at = 1; at < start; at++, rest >>>= 7) packet[at] = rest < 128 ? rest : (rest & 127) | 128;
  packet.set(fields.bytes, start);
  if (last) packet.set(last, start + fields.length);
  return packet;
}
