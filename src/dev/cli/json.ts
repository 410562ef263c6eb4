// Reads the JSON of a command line into blobmsg, with the types that OpenWrt's `ubus` gives it and JSON.parse cannot tell:
// whole numbers are int32 where they fit, else int64; a fraction or an exponent makes a double. Strings may stand in single quotes,
// and what follows the value is ignored, as there.

import { InputError } from '../../errors.ts';
import { BLOB_EXTENDED, BlobWriter } from '../../ubus/blob.ts';
import {
  BLOBMSG_TYPE_ARRAY,
  BLOBMSG_TYPE_DOUBLE,
  BLOBMSG_TYPE_INT8,
  BLOBMSG_TYPE_INT32,
  BLOBMSG_TYPE_INT64,
  BLOBMSG_TYPE_STRING,
  BLOBMSG_TYPE_TABLE,
  BLOBMSG_TYPE_UNSPEC,
  MAX_NESTING,
} from '../../ubus/blobmsg.ts';

/** A bigint is a whole number, a number a double. */
type Json = null | boolean | bigint | number | string | Json[] | Map<string, Json>;

/** The members of a JSON object as blobmsg. @throws InputError on anything else, with the position. */
export function encodeJson(text: string): Uint8Array {
  const value = new Parser(text).parse();
  if (!(value instanceof Map)) throw new InputError('json: expected an object');
  const writer = new BlobWriter();
  for (const [name, member] of value) writeMember(writer, name, member);
  return writer.take();
}

const SPACE = /[\t\n\r ]*/y;
const NUMBER = /-?\d+(\.\d+)?([eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const WORDS: Readonly<Record<string, Json>> = { true: true, false: false, null: null };
const PLAIN = /[^"'\\]+/y;
const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|(["'\\/bfnrt]))/y;
const ESCAPED: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

class Parser {
  private at = 0;

  constructor(private readonly text: string) {}

  parse(): Json {
    return this.value(1);
  }

  private value(depth: number): Json {
    if (depth > MAX_NESTING) throw new InputError(`json: nested deeper than ${MAX_NESTING} at character ${this.at}`);
    this.take(SPACE);
    if (this.skip('{')) return this.object(depth);
    if (this.skip('[')) return this.list(depth);
    const quote = this.text[this.at];
    if (quote === '"' || quote === "'") return this.string();
    const word = this.take(WORD);
    if (word) return WORDS[word[0]]!;
    const number = this.take(NUMBER);
    if (!number) throw this.error('a value');
    return (number[1] ?? number[2]) ? Number(number[0]) : clampInt64(BigInt(number[0]));
  }

  /** Of two members of one name the last one counts, in the place of the first. */
  private object(depth: number): Json {
    const members = new Map<string, Json>();
    this.take(SPACE);
    if (this.skip('}')) return members;
    do {
      this.take(SPACE);
      const name = this.string();
      this.take(SPACE);
      if (!this.skip(':')) throw this.error('":"');
      members.set(name, this.value(depth + 1));
      this.take(SPACE);
    } while (this.skip(','));
    if (!this.skip('}')) throw this.error('"," or "}"');
    return members;
  }

  private list(depth: number): Json {
    const items: Json[] = [];
    this.take(SPACE);
    if (this.skip(']')) return items;
    do {
      items.push(this.value(depth + 1));
      this.take(SPACE);
    } while (this.skip(','));
    if (!this.skip(']')) throw this.error('"," or "]"');
    return items;
  }

  private string(): string {
    const quote = this.text[this.at];
    if (quote !== '"' && quote !== "'") throw this.error('a string');
    this.at++;
    let value = '';
    while (!this.skip(quote)) {
      const plain = this.take(PLAIN);
      const escaped = plain ? undefined : this.take(ESCAPE);
      if (plain) value += plain[0];
      else if (escaped?.[1]) value += String.fromCharCode(Number.parseInt(escaped[1], 16));
      else if (escaped?.[2]) value += ESCAPED[escaped[2]] ?? escaped[2];
      else if (this.text[this.at] === '"' || this.text[this.at] === "'") value += this.text[this.at++];
      else throw this.error('the end of the string');
    }
    return value;
  }

  private take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match) this.at = pattern.lastIndex;
    return match;
  }

  private skip(char: string): boolean {
    if (this.text[this.at] !== char) return false;
    this.at++;
    return true;
  }

  private error(expected: string): InputError {
    const found = this.at < this.text.length ? JSON.stringify(this.text[this.at]) : 'the end';
    return new InputError(`json: expected ${expected} at character ${this.at}, got ${found}`);
  }
}

const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -MAX_INT64 - 1n;

function clampInt64(value: bigint): bigint {
  return value > MAX_INT64 ? MAX_INT64 : value < MIN_INT64 ? MIN_INT64 : value;
}

function writeMember(writer: BlobWriter, name: string, value: Json): void {
  const start = openMember(writer, typeOf(value), name);
  if (value instanceof Map) for (const [key, member] of value) writeMember(writer, key, member);
  else if (Array.isArray(value)) for (const item of value) writeMember(writer, '', item);
  else if (typeof value === 'string') writer.text(value);
  else if (typeof value === 'boolean') writer.uint8(value ? 1 : 0);
  else if (typeof value === 'number') writer.double(value);
  else if (typeof value === 'bigint') {
    if (isInt32(value)) writer.uint32(Number(value));
    else writer.int64(value);
  }
  writer.close(start);
}

function openMember(writer: BlobWriter, type: number, name: string): number {
  const start = writer.open(BLOB_EXTENDED | type);
  const header = writer.reserve(2);
  writer.text(name);
  const length = writer.length - header - 3;
  if (length > 0xffff) throw new InputError(`json: name of ${length} bytes, at most 65535`);
  writer.bytes[header] = length >>> 8;
  writer.bytes[header + 1] = length;
  writer.pad();
  return start;
}

function typeOf(value: Json): number {
  if (value === null) return BLOBMSG_TYPE_UNSPEC;
  if (value instanceof Map) return BLOBMSG_TYPE_TABLE;
  if (Array.isArray(value)) return BLOBMSG_TYPE_ARRAY;
  if (typeof value === 'string') return BLOBMSG_TYPE_STRING;
  if (typeof value === 'boolean') return BLOBMSG_TYPE_INT8;
  if (typeof value === 'number') return BLOBMSG_TYPE_DOUBLE;
  return isInt32(value) ? BLOBMSG_TYPE_INT32 : BLOBMSG_TYPE_INT64;
}

function isInt32(value: bigint): boolean {
  return value === BigInt.asIntN(32, value);
}
