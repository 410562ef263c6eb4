// blobmsg: named, typed values inside DATA and SIGNATURE; the JSON of ubus.
//
//   a blob attribute with bit 31 set and the type as id; its payload: u16 name length, name, NUL, zeros up to a multiple of 4, value.
//
// Items of an array have the empty name. DATA holds the members of its table directly. Source: libubox blobmsg.h.

import { WireError } from '../errors.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import {
  BLOB_EXTENDED,
  BLOB_HEAD,
  BlobCursor,
  BlobWriter,
  MAX_BLOB,
  padded,
  readInt64,
  readUint32,
  writeUint32,
} from './blob.ts';

export const BLOBMSG_TYPE_UNSPEC = 0;
export const BLOBMSG_TYPE_ARRAY = 1;
export const BLOBMSG_TYPE_TABLE = 2;
export const BLOBMSG_TYPE_STRING = 3;
export const BLOBMSG_TYPE_INT64 = 4;
export const BLOBMSG_TYPE_INT32 = 5;
export const BLOBMSG_TYPE_INT16 = 6;
/** Booleans. */
export const BLOBMSG_TYPE_INT8 = 7;
export const BLOBMSG_TYPE_DOUBLE = 8;

/** Tables and arrays inside one another, the outermost table included. */
export const MAX_NESTING = 32;

/** A decoded value: int64 beyond 2^53 is a bigint, every other number a number; int8 is a boolean. */
export type Value = null | boolean | number | bigint | string | Value[] | Table;
export interface Table {
  [name: string]: Value;
}

/** The type of one field: `json` is inferred from the value, `[layout]` is a list, an object a table. */
export type Layout = 'string' | 'bool' | 'int32' | 'int64' | 'double' | 'json' | readonly [Layout] | TableLayout;
/** Fields in the order of the wire; one whose name ends in `?` may be absent. */
export interface TableLayout {
  readonly [field: string]: Layout;
}

function nameHeaderLength(nameLength: number): number {
  return padded(2 + nameLength + 1);
}

/** Where the value of the first member of an encoded table lies, given its name (ASCII): a fixed-size value can be rewritten there. */
export function firstValueOffset(name: string): number {
  return BLOB_HEAD + nameHeaderLength(name.length);
}

// decoding

/** Decodes the members in `bytes[start, end)`. Of members with one name the last counts. @throws WireError on any breach of the format. */
export function decodeTable(bytes: Uint8Array, start = 0, end = bytes.length): Table {
  return readTable(new BlobCursor(bytes, start, end), 1);
}

function readTable(cursor: BlobCursor, depth: number): Table {
  const table: Table = {};
  while (cursor.next()) {
    const valueStart = skipName(cursor);
    const nameStart = cursor.start + 2;
    const nameLength = (cursor.bytes[cursor.start]! << 8) | cursor.bytes[cursor.start + 1]!;
    const name = readText(cursor.bytes, nameStart, nameStart + nameLength);
    const value = readValue(cursor, valueStart, depth);
    // assigning to this name would change the prototype instead of adding a member
    if (name === '__proto__')
      Object.defineProperty(table, name, { value, enumerable: true, configurable: true, writable: true });
    else table[name] = value;
  }
  return table;
}

function readArray(cursor: BlobCursor, depth: number): Value[] {
  const items: Value[] = [];
  while (cursor.next()) items.push(readValue(cursor, skipName(cursor), depth));
  return items;
}

/** Checks the name header and returns where the value starts. */
function skipName({ bytes, head, start, end, extended }: BlobCursor): number {
  if (!extended) throw new WireError('blobmsg: attribute without a name header', head);
  if (end - start < 2) throw new WireError(`blobmsg: name header of ${end - start} bytes, expected at least 2`, start);
  const nameLength = (bytes[start]! << 8) | bytes[start + 1]!;
  const valueStart = start + nameHeaderLength(nameLength);
  if (valueStart > end) throw new WireError(`blobmsg: name of ${nameLength} bytes, ${end - start} are left`, start);
  if (bytes[start + 2 + nameLength] !== 0) throw new WireError('blobmsg: name without its NUL', start + 2 + nameLength);
  return valueStart;
}

function readValue(cursor: BlobCursor, start: number, depth: number): Value {
  const { bytes, end, id } = cursor;
  switch (id) {
    case BLOBMSG_TYPE_UNSPEC:
      return null;
    case BLOBMSG_TYPE_ARRAY:
    case BLOBMSG_TYPE_TABLE: {
      if (depth === MAX_NESTING) throw new WireError(`blobmsg: nested deeper than ${MAX_NESTING}`, cursor.head);
      const inner = new BlobCursor(bytes, start, end);
      return id === BLOBMSG_TYPE_ARRAY ? readArray(inner, depth + 1) : readTable(inner, depth + 1);
    }
    case BLOBMSG_TYPE_STRING: {
      if (start === end || bytes[end - 1] !== 0) throw new WireError('blobmsg: string without its NUL', start);
      return readText(bytes, start, end);
    }
    case BLOBMSG_TYPE_INT64:
      expectSize('int64', 8, start, end);
      return readInt64(bytes, start);
    case BLOBMSG_TYPE_INT32:
      expectSize('int32', 4, start, end);
      return readUint32(bytes, start) | 0;
    case BLOBMSG_TYPE_INT16:
      expectSize('int16', 2, start, end);
      return ((bytes[start]! << 24) >> 16) | bytes[start + 1]!;
    case BLOBMSG_TYPE_INT8:
      expectSize('int8', 1, start, end);
      return bytes[start] !== 0;
    case BLOBMSG_TYPE_DOUBLE:
      expectSize('double', 8, start, end);
      return new DataView(bytes.buffer, bytes.byteOffset + start, 8).getFloat64(0);
    default:
      throw new WireError(`blobmsg: unknown type ${id}, expected 0 to ${BLOBMSG_TYPE_DOUBLE}`, cursor.head);
  }
}

function expectSize(type: string, size: number, start: number, end: number): void {
  if (end - start !== size) throw new WireError(`blobmsg: ${type} of ${end - start} bytes, expected ${size}`, start);
}

/** Texts up to this are looked at byte by byte, which costs less than a search: names of methods, members and users. */
const SHORT_TEXT = 24;

/** A C string: up to the first NUL, or to `end`. */
export function readText(bytes: Uint8Array, start: number, end: number): string {
  let stop = start;
  let seen = 0;
  for (; stop < end && bytes[stop] !== 0; stop++) seen |= bytes[stop]!;
  if (seen >= 0x80 || stop - start > SHORT_TEXT) return decodeUtf8(bytes, start, stop);
  return String.fromCharCode.apply(null, bytes.subarray(start, stop) as unknown as number[]);
}

// encoding

/**
 * Encodes the members of a table. Without a layout types are inferred as ubus' command line does: int32 where the integer fits, then int64,
 * double for fractions, int8 for booleans, int64 for bigints; members that are `undefined` are left out.
 * @throws TypeError naming the path when a value has no blobmsg type or not that of the layout; RangeError beyond 1 MiB.
 */
export function encodeTable(value: object, layout?: TableLayout): Uint8Array {
  if (layout) return compileLayout(layout).encode(value);
  const writer = new BlobWriter();
  writeMembers(writer, value, []);
  return writer.take();
}

/** Encodes one table member around members that are encoded already. */
export function encodeMember(name: string, members: Uint8Array): Uint8Array {
  const writer = new BlobWriter(MAX_BLOB, 64 + members.length);
  const start = openNamed(writer, BLOBMSG_TYPE_TABLE, name);
  writer.raw(members);
  writer.close(start);
  return writer.take();
}

/** `path` holds the names of the containers around the value: for error texts and the nesting limit. */
type Path = (string | number)[];

function fail(path: Path, name: string | number, expected: string, value: unknown): never {
  let text = '';
  for (const part of [...path, name]) text += typeof part === 'number' ? `[${part}]` : text === '' ? part : `.${part}`;
  throw new TypeError(`${text}: expected ${expected}, got ${describe(value)}`);
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return typeof value === 'object' ? 'a table' : typeof value;
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function openNamed(writer: BlobWriter, type: number, name: string): number {
  const start = writer.open(BLOB_EXTENDED | type);
  const header = writer.reserve(2);
  writer.text(name);
  const length = writer.length - header - 3;
  if (length > 0xffff) throw new RangeError(`blobmsg: name of ${length} bytes, at most 65535`);
  writer.bytes[header] = length >>> 8;
  writer.bytes[header + 1] = length;
  writer.pad();
  return start;
}

function enter(path: Path, name: string | number, value: unknown): void {
  if (path.length + 1 >= MAX_NESTING) fail(path, name, `at most ${MAX_NESTING} levels`, value);
  path.push(name);
}

function writeMembers(writer: BlobWriter, value: object, path: Path): void {
  for (const [name, member] of Object.entries(value))
    if (member !== undefined) writeValue(writer, name, member, path, name);
}

function writeValue(writer: BlobWriter, name: string, value: unknown, path: Path, key: string | number): void {
  let start: number;
  switch (typeof value) {
    case 'boolean':
      start = openNamed(writer, BLOBMSG_TYPE_INT8, name);
      writer.uint8(value ? 1 : 0);
      break;
    case 'number':
      if (Number.isInteger(value) && value === (value | 0)) {
        start = openNamed(writer, BLOBMSG_TYPE_INT32, name);
        writer.uint32(value);
      } else if (Number.isSafeInteger(value)) {
        start = openNamed(writer, BLOBMSG_TYPE_INT64, name);
        writer.int64(value);
      } else {
        start = openNamed(writer, BLOBMSG_TYPE_DOUBLE, name);
        writer.double(value);
      }
      break;
    case 'bigint':
      if (value !== BigInt.asIntN(64, value)) fail(path, key, '64 bits', value);
      start = openNamed(writer, BLOBMSG_TYPE_INT64, name);
      writer.int64(value);
      break;
    case 'string':
      start = openNamed(writer, BLOBMSG_TYPE_STRING, name);
      writer.text(value);
      break;
    case 'object':
      if (value === null) start = openNamed(writer, BLOBMSG_TYPE_UNSPEC, name);
      else if (Array.isArray(value)) {
        start = openNamed(writer, BLOBMSG_TYPE_ARRAY, name);
        enter(path, key, value);
        for (let i = 0; i < value.length; i++) writeValue(writer, '', value[i], path, i);
        path.pop();
      } else {
        start = openNamed(writer, BLOBMSG_TYPE_TABLE, name);
        enter(path, key, value);
        writeMembers(writer, value, path);
        path.pop();
      }
      break;
    default:
      fail(path, key, 'a JSON value', value);
  }
  writer.close(start);
}

interface Field {
  name: string;
  optional: boolean;
  type: Exclude<Layout, object> | 'list' | 'table';
  /** Head and name header; for types of fixed size with the length filled in. */
  prefix: Uint8Array;
  /** Of a table, its fields; of a list, its items as one. */
  fields: readonly Field[];
}

const TYPES: Readonly<Record<Field['type'], readonly [type: number, size: number]>> = {
  string: [BLOBMSG_TYPE_STRING, 0],
  bool: [BLOBMSG_TYPE_INT8, 1],
  int32: [BLOBMSG_TYPE_INT32, 4],
  int64: [BLOBMSG_TYPE_INT64, 8],
  double: [BLOBMSG_TYPE_DOUBLE, 8],
  json: [BLOBMSG_TYPE_UNSPEC, 0],
  list: [BLOBMSG_TYPE_ARRAY, 0],
  table: [BLOBMSG_TYPE_TABLE, 0],
};

/** The type number of a layout as it stands in a method's signature; `json` is "any". */
export function layoutType(layout: Layout): number {
  return TYPES[typeName(layout)][0];
}

function typeName(layout: Layout): Field['type'] {
  return typeof layout === 'string' ? layout : Array.isArray(layout) ? 'list' : 'table';
}

function toFields(layout: TableLayout): Field[] {
  return Object.entries(layout).map(([key, type]) => toField(key, type));
}

function toField(key: string, layout: Layout): Field {
  const optional = key.endsWith('?');
  const name = optional ? key.slice(0, -1) : key;
  const type = typeName(layout);
  const text = encodeUtf8(name);
  const [id, size] = TYPES[type];
  const prefix = new Uint8Array(BLOB_HEAD + nameHeaderLength(text.length));
  writeUint32(prefix, 0, prefix.length + size);
  prefix[0] = BLOB_EXTENDED | id;
  prefix[4] = text.length >>> 8;
  prefix[5] = text.length;
  prefix.set(text, 6);
  let fields: Field[] = [];
  if (typeof layout === 'object')
    fields = Array.isArray(layout) ? [toField('', layout[0])] : toFields(layout as TableLayout);
  return { name, optional, type, prefix, fields };
}

/** A layout with its names encoded, and a buffer that is kept between uses. */
export class CompiledLayout {
  private readonly fields: readonly Field[];
  private readonly writer = new BlobWriter();
  private path: Path = [];

  constructor(layout: TableLayout) {
    this.fields = toFields(layout);
  }

  /** Encodes the members of a table. @throws TypeError naming the path of a member that is missing or of another type; RangeError beyond 1 MiB. */
  encode(value: object): Uint8Array {
    this.writer.clear();
    this.path = [];
    this.members(this.fields, value as Record<string, unknown>);
    return this.writer.take();
  }

  private members(fields: readonly Field[], table: Record<string, unknown>): void {
    for (const field of fields) {
      const value = table[field.name];
      if (value === undefined) {
        if (!field.optional) fail(this.path, field.name, field.type, value);
      } else this.value(field, value, field.name);
    }
  }

  private value(field: Field, value: unknown, key: string | number): void {
    const { prefix, type } = field;
    const { writer, path } = this;
    if (type === 'json') {
      writeValue(writer, field.name, value, path, key);
      return;
    }
    const start = writer.length;
    writer.raw(prefix);
    switch (type) {
      case 'string':
        if (typeof value !== 'string') fail(path, key, type, value);
        writer.text(value);
        writer.close(start);
        break;
      case 'bool':
        if (typeof value !== 'boolean') fail(path, key, type, value);
        writer.uint32(value ? 0x0100_0000 : 0); // with its three bytes of padding
        break;
      case 'int32':
        if (typeof value !== 'number' || value !== (value | 0)) fail(path, key, type, value);
        writer.uint32(value);
        break;
      case 'int64':
        if (!Number.isSafeInteger(value) && (typeof value !== 'bigint' || value !== BigInt.asIntN(64, value)))
          fail(path, key, type, value);
        writer.int64(value as number | bigint);
        break;
      case 'double':
        if (typeof value !== 'number') fail(path, key, type, value);
        writer.double(value);
        break;
      case 'list': {
        if (!Array.isArray(value)) fail(path, key, type, value);
        const item = field.fields[0]!;
        path.push(key);
        for (let i = 0; i < value.length; i++) this.value(item, value[i], i);
        path.pop();
        writer.close(start);
        break;
      }
      case 'table':
        if (!isTable(value)) fail(path, key, type, value);
        path.push(key);
        this.members(field.fields, value);
        path.pop();
        writer.close(start);
        break;
    }
  }
}

const compiled = new WeakMap<TableLayout, CompiledLayout>();

/** The compiled form of a layout, made once for each. */
export function compileLayout(layout: TableLayout): CompiledLayout {
  let found = compiled.get(layout);
  if (!found) {
    found = new CompiledLayout(layout);
    compiled.set(layout, found);
  }
  return found;
}
