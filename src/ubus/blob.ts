// Blob attributes, libubox's tagged values: what ubus frames and their contents are made of.
//
//   u32 big endian: bit 31 "extended" | 7 bits id | 24 bits length; then the payload, then zeros up to a multiple of 4.
//
// The length counts its own 4 bytes and not the padding; padding counts in the length of the attribute around it, after the last child too.
// Source: libubox blob.h.

import { WireError } from '../errors.ts';
import { encodeUtf8 } from '../lib/utf8.ts';

/** Bytes of an attribute's head. */
export const BLOB_HEAD = 4;
/** Longest blob that ubusd carries, its head included. */
export const MAX_BLOB = 1_048_576;
/** Largest buffer that a writer keeps for the next use. */
const KEPT_CAPACITY = 65_536;
/** Bit 31 of the head: a blobmsg attribute, whose payload begins with its name. */
export const BLOB_EXTENDED = 0x80;

/** A length rounded up to where the next attribute starts. */
export function padded(length: number): number {
  return (length + 3) & ~3;
}

/** Writes an unsigned 32-bit integer, big endian. */
export function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

/** Reads an unsigned 32-bit integer, big endian; the caller has checked the bounds. */
export function readUint32(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!) >>> 0;
}

/** Writes a signed 64-bit integer, big endian; a number must be a whole one. */
export function writeInt64(bytes: Uint8Array, offset: number, value: number | bigint): void {
  if (typeof value === 'bigint') {
    writeUint32(bytes, offset, Number(BigInt.asUintN(32, value >> 32n)));
    writeUint32(bytes, offset + 4, Number(BigInt.asUintN(32, value)));
    return;
  }
  // ToUint32 takes the remainder modulo 2^32, so the low word of a negative number comes out right as well
  writeUint32(bytes, offset, Math.floor(value / 0x1_0000_0000));
  writeUint32(bytes, offset + 4, value);
}

/** Reads a signed 64-bit integer, big endian: a number where that is exact, else a bigint. */
export function readInt64(bytes: Uint8Array, offset: number): number | bigint {
  const high = readUint32(bytes, offset) | 0;
  const low = readUint32(bytes, offset + 4);
  const value = high * 0x1_0000_0000 + low;
  return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low);
}

/** A growing buffer for attributes; lengths are filled in when an attribute is closed. Reusable after `clear()`. */
export class BlobWriter {
  /** The buffer; only its first `length` bytes count, and it is replaced when it grows. */
  bytes: Uint8Array;
  length = 0;

  /** @param limit most bytes that may be written; more is a RangeError. */
  constructor(
    private readonly limit = MAX_BLOB,
    capacity = 256,
  ) {
    this.bytes = new Uint8Array(capacity);
  }

  clear(): void {
    this.length = 0;
  }

  /** Adds `count` bytes whose content is undefined and returns where they start. @throws RangeError beyond the limit. */
  reserve(count: number): number {
    const at = this.length;
    const end = at + count;
    if (end > this.limit) throw new RangeError(`blob: more than ${this.limit} bytes`);
    if (end > this.bytes.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.bytes.length));
      grown.set(this.bytes.subarray(0, at));
      this.bytes = grown;
    }
    this.length = end;
    return at;
  }

  /** Begins an attribute and returns its offset, which `close` wants. `tag`: its id, with BLOB_EXTENDED where it applies. */
  open(tag: number): number {
    const at = this.reserve(BLOB_HEAD);
    this.bytes[at] = tag;
    return at;
  }

  /** Ends the attribute that begins at `start`: writes its length and pads it. */
  close(start: number): void {
    const length = this.length - start;
    this.pad();
    this.bytes[start + 1] = length >>> 16;
    this.bytes[start + 2] = length >>> 8;
    this.bytes[start + 3] = length;
  }

  pad(): void {
    const count = -this.length & 3;
    if (count > 0) {
      const at = this.reserve(count);
      this.bytes.fill(0, at, at + count);
    }
  }

  raw(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.bytes.set(bytes, at);
  }

  uint8(value: number): void {
    const at = this.reserve(1);
    this.bytes[at] = value;
  }

  uint32(value: number): void {
    const at = this.reserve(4);
    writeUint32(this.bytes, at, value);
  }

  int64(value: number | bigint): void {
    const at = this.reserve(8);
    writeInt64(this.bytes, at, value);
  }

  double(value: number): void {
    const at = this.reserve(8);
    new DataView(this.bytes.buffer, at, 8).setFloat64(0, value);
  }

  /** UTF-8 and a NUL. The other side reads C strings, so a text ends at its own first NUL. */
  text(text: string): void {
    const { length } = text;
    const start = this.reserve(length + 1);
    const { bytes } = this;
    let i = 0;
    for (; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80 || unit === 0) break;
      bytes[start + i] = unit;
    }
    bytes[start + i] = 0;
    this.length = start + i + 1;
    if (i === length || text.charCodeAt(i) === 0) return;
    const cut = text.indexOf('\0', i);
    this.length = start + i;
    this.raw(encodeUtf8(cut < 0 ? text.slice(i) : text.slice(i, cut)));
    this.uint8(0);
  }

  /** A whole attribute. */
  putInt8(tag: number, value: number): void {
    const start = this.open(tag);
    this.uint8(value);
    this.close(start);
  }

  putInt32(tag: number, value: number): void {
    const start = this.open(tag);
    this.uint32(value);
    this.close(start);
  }

  putString(tag: number, text: string): void {
    const start = this.open(tag);
    this.text(text);
    this.close(start);
  }

  /** An attribute around bytes that are encoded already. */
  putNested(tag: number, content: Uint8Array): void {
    const start = this.open(tag);
    this.raw(content);
    this.close(start);
  }

  /** A copy of what was written; the writer is empty after it, and lets a large buffer go. */
  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.length);
    if (this.bytes.length > KEPT_CAPACITY) this.bytes = new Uint8Array(256);
    this.length = 0;
    return taken;
  }
}

/** Steps through the attributes in `bytes[start, end)`; after `next()` its fields describe the attribute it stands on. */
export class BlobCursor {
  id = 0;
  extended = false;
  /** Where the payload starts and ends. */
  start = 0;
  end = 0;

  constructor(
    readonly bytes: Uint8Array,
    private at = 0,
    private readonly limit = bytes.length,
  ) {}

  /** Where the attribute's head is. */
  get head(): number {
    return this.start - BLOB_HEAD;
  }

  /** Steps on; false at the end of the list. @throws WireError when an attribute does not fit into what is around it. */
  next(): boolean {
    const { at, bytes } = this;
    const rest = this.limit - at;
    if (rest === 0) return false;
    if (rest < BLOB_HEAD)
      throw new WireError(`blob: ${rest} stray bytes, an attribute takes at least ${BLOB_HEAD}`, at);
    const length = (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
    if (length < BLOB_HEAD)
      throw new WireError(`blob: attribute of ${length} bytes, expected at least ${BLOB_HEAD}`, at);
    if (padded(length) > rest) throw new WireError(`blob: attribute of ${length} bytes padded, ${rest} are left`, at);
    this.id = bytes[at]! & 0x7f;
    this.extended = bytes[at]! >= BLOB_EXTENDED;
    this.start = at + BLOB_HEAD;
    this.end = at + length;
    this.at = at + padded(length);
    return true;
  }

  /** The payload, not copied. */
  payload(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }
}
