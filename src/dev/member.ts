// Walks attributes and blobmsg as forgivingly as libubox does: a list ends at the first entry that does not add up, and what came before it counts.

import { WireError } from '../errors.ts';
import { BlobCursor, padded } from '../ubus/blob.ts';
import {
  BLOBMSG_TYPE_DOUBLE,
  BLOBMSG_TYPE_INT8,
  BLOBMSG_TYPE_INT16,
  BLOBMSG_TYPE_INT32,
  BLOBMSG_TYPE_INT64,
  BLOBMSG_TYPE_STRING,
  readText,
} from '../ubus/blobmsg.ts';

/** One member of a table or array; its bytes are not copied. */
export interface Member {
  /** A blobmsg type. */
  readonly type: number;
  /** Empty in arrays. */
  readonly name: string;
  /** The value alone. */
  readonly value: Uint8Array;
  /** The whole attribute: head, name, value and padding. */
  readonly encoded: Uint8Array;
}

/** Steps through a list of attributes; the cursor that is given out stands on each in turn. `onFault` is told why the list ended early. */
export function* attributes(cursor: BlobCursor, onFault?: (fault: WireError) => void): Generator<BlobCursor> {
  for (;;) {
    try {
      if (!cursor.next()) return;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      onFault?.(error);
      return;
    }
    yield cursor;
  }
}

/** The members of an encoded table or array; attributes that are no blobmsg are passed over. */
export function* members(content: Uint8Array): Generator<Member> {
  for (const cursor of attributes(new BlobCursor(content))) {
    if (!cursor.extended) continue;
    const member = memberAt(cursor);
    if (!member) return;
    yield member;
  }
}

const SCALAR_BYTES: Readonly<Record<number, number>> = {
  [BLOBMSG_TYPE_INT64]: 8,
  [BLOBMSG_TYPE_INT32]: 4,
  [BLOBMSG_TYPE_INT16]: 2,
  [BLOBMSG_TYPE_INT8]: 1,
  [BLOBMSG_TYPE_DOUBLE]: 8,
};

/** The attribute as blobmsg; `undefined` when it is none, or its name, type or size does not do. */
export function memberAt({ bytes, id, extended, head, start, end }: BlobCursor): Member | undefined {
  if (!extended || end - start < 2 || id > BLOBMSG_TYPE_DOUBLE) return undefined;
  const nameLength = (bytes[start]! << 8) | bytes[start + 1]!;
  const nameEnd = start + 2 + nameLength;
  const at = start + padded(2 + nameLength + 1);
  if (at > end || bytes[nameEnd] !== 0) return undefined;
  const size = SCALAR_BYTES[id];
  if (size !== undefined && end - at !== size) return undefined;
  if (id === BLOBMSG_TYPE_STRING && (end === at || bytes[end - 1] !== 0)) return undefined;
  return {
    type: id,
    name: readText(bytes, start + 2, nameEnd),
    value: bytes.subarray(at, end),
    encoded: bytes.subarray(head, head + padded(end - head)),
  };
}

/** The first member with this name and type. */
export function findMember(content: Uint8Array, name: string, type: number): Member | undefined {
  for (const member of members(content)) if (member.name === name && member.type === type) return member;
  return undefined;
}
