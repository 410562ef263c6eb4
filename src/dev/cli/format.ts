// Prints blobmsg as libubox prints it: its JSON, its tabs, its numbers.

import { BlobCursor } from '../../ubus/blob.ts';
import {
  BLOBMSG_TYPE_ARRAY,
  BLOBMSG_TYPE_DOUBLE,
  BLOBMSG_TYPE_INT8,
  BLOBMSG_TYPE_INT16,
  BLOBMSG_TYPE_INT32,
  BLOBMSG_TYPE_INT64,
  BLOBMSG_TYPE_STRING,
  BLOBMSG_TYPE_TABLE,
  readText,
} from '../../ubus/blobmsg.ts';
import { attributes, type Member, memberAt } from '../member.ts';

/** How to print. */
export interface FormatOptions {
  /** One member a line, with tabs. */
  readonly indent?: boolean;
  /** Prints a value in another way; `undefined` leaves it to the formatter. */
  value?(member: Member): string | undefined;
}

const MAX_TABS = 16;
/** Below this nobody nests in earnest; deeper values print as `null`. */
const MAX_DEPTH = 128;

/** The JSON text of a table's content. */
export function formatTable(content: Uint8Array, options: FormatOptions = {}): string {
  return new Formatter(options).list(content, false);
}

/** A member as `"name":value`, on one line. */
export function formatMember(member: Member, options: FormatOptions = {}): string {
  return new Formatter(options).member(member, false);
}

class Formatter {
  private level = 0;

  constructor(private readonly options: FormatOptions) {}

  list(content: Uint8Array, isArray: boolean): string {
    this.level++;
    const open = (isArray ? '[' : '{') + this.separator();
    const parts: string[] = [];
    for (const cursor of attributes(new BlobCursor(content))) {
      // what is no blobmsg leaves its comma
      const member = memberAt(cursor);
      parts.push(member ? this.member(member, isArray) : '');
    }
    const body = parts.join(`,${this.separator()}`);
    this.level--;
    return open + body + this.separator() + (isArray ? ']' : '}');
  }

  member(member: Member, inArray: boolean): string {
    const value = this.options.value?.(member) ?? this.value(member);
    return inArray || member.name === ''
      ? value
      : `${formatText(member.name)}:${this.options.indent ? ' ' : ''}${value}`;
  }

  private value({ type, value }: Member): string {
    const view = new DataView(value.buffer, value.byteOffset, value.length);
    switch (type) {
      case BLOBMSG_TYPE_ARRAY:
      case BLOBMSG_TYPE_TABLE:
        return this.level < MAX_DEPTH ? this.list(value, type === BLOBMSG_TYPE_ARRAY) : 'null';
      case BLOBMSG_TYPE_STRING:
        return formatText(readText(value, 0, value.length));
      case BLOBMSG_TYPE_INT64:
        return view.getBigInt64(0).toString();
      case BLOBMSG_TYPE_INT32:
        return view.getInt32(0).toString();
      case BLOBMSG_TYPE_INT16:
        return view.getInt16(0).toString();
      case BLOBMSG_TYPE_INT8:
        return view.getUint8(0) === 0 ? 'false' : 'true';
      case BLOBMSG_TYPE_DOUBLE:
        return formatDouble(view.getFloat64(0));
      default:
        return 'null';
    }
  }

  private separator(): string {
    return this.options.indent ? `\n${'\t'.repeat(Math.min(this.level, MAX_TABS))}` : '';
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\n': '\\n',
  '\t': '\\t',
  '\r': '\\r',
  '"': '\\"',
  '\\': '\\\\',
};

/** A text in quotes, as libubox escapes it. */
export function formatText(text: string): string {
  let escaped = '';
  for (const char of text) {
    const control = char < ' ' ? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}` : char;
    escaped += ESCAPES[char] ?? control;
  }
  return `"${escaped}"`;
}

/** As C's `%lf`: six decimals, a tie goes to the even digit. */
export function formatDouble(value: number): string {
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 'nan';
  if (size === Number.POSITIVE_INFINITY) return `${sign}inf`;
  if (size >= 1e21) return `${sign}${BigInt(size)}.000000`;
  // toFixed rounds a tie up. A tie has exactly seven decimals, so 30 show it exactly
  const exact = size.toFixed(30);
  const cut = exact.indexOf('.') + 7;
  const isTie = /^50*$/.test(exact.slice(cut));
  const down = exact.slice(0, cut);
  return sign + (isTie && Number(down.at(-1)) % 2 === 0 ? down : size.toFixed(6));
}
