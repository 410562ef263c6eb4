// ubus messages: the frames between a client and ubusd.
//
//   u8 version (0), u8 type, u16 seq, u32 peer, then one blob with id 0 whose attributes are the content; integers big endian.
//
// Attributes of a known id and the wrong type, strings without their NUL and unknown ids are passed over, as ubusd does.
// A list of attributes that does not add up is an error, where ubusd silently drops its rest. Source: ubus ubusmsg.h, ubusd_proto.c.

import { WireError } from '../errors.ts';
import { BLOB_HEAD, BlobCursor, BlobWriter, MAX_BLOB, padded, readUint32, writeUint32 } from './blob.ts';
import { readText } from './blobmsg.ts';

export const UBUS_MSG_HELLO = 0;
export const UBUS_MSG_STATUS = 1;
export const UBUS_MSG_DATA = 2;
export const UBUS_MSG_PING = 3;
export const UBUS_MSG_LOOKUP = 4;
export const UBUS_MSG_INVOKE = 5;
export const UBUS_MSG_ADD_OBJECT = 6;
export const UBUS_MSG_REMOVE_OBJECT = 7;
export const UBUS_MSG_SUBSCRIBE = 8;
export const UBUS_MSG_UNSUBSCRIBE = 9;
export const UBUS_MSG_NOTIFY = 10;
export const UBUS_MSG_MONITOR = 11;

export const UBUS_ATTR_STATUS = 1;
export const UBUS_ATTR_OBJPATH = 2;
export const UBUS_ATTR_OBJID = 3;
export const UBUS_ATTR_METHOD = 4;
export const UBUS_ATTR_OBJTYPE = 5;
export const UBUS_ATTR_SIGNATURE = 6;
export const UBUS_ATTR_DATA = 7;
export const UBUS_ATTR_TARGET = 8;
export const UBUS_ATTR_ACTIVE = 9;
export const UBUS_ATTR_NO_REPLY = 10;
export const UBUS_ATTR_SUBSCRIBERS = 11;
export const UBUS_ATTR_USER = 12;
export const UBUS_ATTR_GROUP = 13;

/** Attributes of MONITOR frames: a numbering of their own, from 0. */
export const UBUS_MONITOR_CLIENT = 0;
export const UBUS_MONITOR_PEER = 1;
export const UBUS_MONITOR_SEND = 2;
export const UBUS_MONITOR_SEQ = 3;
export const UBUS_MONITOR_TYPE = 4;
export const UBUS_MONITOR_DATA = 5;

export const UBUS_SYSTEM_OBJECT_EVENT = 1;
export const UBUS_SYSTEM_OBJECT_ACL = 2;
export const UBUS_SYSTEM_OBJECT_MONITOR = 3;
/** Ids of clients, objects and types begin here. */
export const UBUS_SYSTEM_OBJECT_MAX = 1024;

/** Bytes before the outer blob. */
export const FRAME_HEAD = 8;
/** The shortest frame: an empty blob. */
export const MIN_FRAME = FRAME_HEAD + BLOB_HEAD;
export const MAX_FRAME = FRAME_HEAD + MAX_BLOB;
/** Longest content of a DATA that also carries the object's id. */
export const MAX_ANSWER_DATA = MAX_BLOB - 16;

/** The content of a message; absent attributes are absent here. The order of the keys is the order on the wire. */
export interface Attributes {
  status?: number;
  path?: string;
  objectId?: number;
  method?: string;
  objectType?: number;
  /** Undecoded blobmsg: one table per method. */
  signature?: Uint8Array;
  /** Undecoded blobmsg: the members of a table. In MONITOR frames the attributes of the watched frame. */
  data?: Uint8Array;
  target?: number;
  active?: boolean;
  noReply?: boolean;
  /** Object ids. */
  subscribers?: number[];
  user?: string;
  group?: string;
  monitorClient?: number;
  monitorPeer?: number;
  /** True: ubusd sent it to that client; false: it came from there. */
  monitorSend?: boolean;
  monitorSeq?: number;
  monitorType?: number;
}

/** A decoded frame. */
export interface Message {
  type: number;
  /** 0..65535. */
  seq: number;
  /** A client's or an object's id, by type. */
  peer: number;
  attributes: Attributes;
}

type Kind = 'int32' | 'id' | 'flag' | 'string' | 'nested' | 'ids';
type Row = readonly [id: number, name: keyof Attributes, kind: Kind];

const ATTRIBUTES: readonly Row[] = [
  [UBUS_ATTR_STATUS, 'status', 'int32'],
  [UBUS_ATTR_OBJPATH, 'path', 'string'],
  [UBUS_ATTR_OBJID, 'objectId', 'id'],
  [UBUS_ATTR_METHOD, 'method', 'string'],
  [UBUS_ATTR_OBJTYPE, 'objectType', 'id'],
  [UBUS_ATTR_SIGNATURE, 'signature', 'nested'],
  [UBUS_ATTR_DATA, 'data', 'nested'],
  [UBUS_ATTR_TARGET, 'target', 'id'],
  [UBUS_ATTR_ACTIVE, 'active', 'flag'],
  [UBUS_ATTR_NO_REPLY, 'noReply', 'flag'],
  [UBUS_ATTR_SUBSCRIBERS, 'subscribers', 'ids'],
  [UBUS_ATTR_USER, 'user', 'string'],
  [UBUS_ATTR_GROUP, 'group', 'string'],
];

const MONITOR_ATTRIBUTES: readonly Row[] = [
  [UBUS_MONITOR_CLIENT, 'monitorClient', 'id'],
  [UBUS_MONITOR_PEER, 'monitorPeer', 'id'],
  [UBUS_MONITOR_SEND, 'monitorSend', 'flag'],
  [UBUS_MONITOR_SEQ, 'monitorSeq', 'id'],
  [UBUS_MONITOR_TYPE, 'monitorType', 'id'],
  [UBUS_MONITOR_DATA, 'data', 'nested'],
];

/** A row as an object: taking a list apart costs the engine an iterator, for each attribute of each frame. */
interface Spec {
  id: number;
  name: keyof Attributes;
  kind: Kind;
}

interface Specs {
  byId: readonly (Spec | undefined)[];
  byName: ReadonlyMap<string, Spec>;
}

function index(rows: readonly Row[]): Specs {
  const specs = rows.map(([id, name, kind]) => ({ id, name, kind }));
  const byId: (Spec | undefined)[] = [];
  for (const spec of specs) byId[spec.id] = spec;
  return { byId, byName: new Map(specs.map((spec) => [spec.name, spec])) };
}

const PLAIN = index(ATTRIBUTES);
const MONITOR = index(MONITOR_ATTRIBUTES);

function specsOf(type: number): Specs {
  return type === UBUS_MSG_MONITOR ? MONITOR : PLAIN;
}

/** Appends a frame to what `writer` holds. @throws RangeError when its blob is longer than 1 MiB; nothing is appended then. */
export function writeMessage(writer: BlobWriter, message: Message): void {
  const start = writer.reserve(MIN_FRAME);
  try {
    writeHead(writer.bytes, start, message.type, message.seq, message.peer, 0);
    const outer = start + FRAME_HEAD;
    const { byName } = specsOf(message.type);
    const { attributes } = message;
    for (const name in attributes) {
      const spec = byName.get(name);
      const value = attributes[name as keyof Attributes];
      if (spec && value !== undefined) writeAttribute(writer, spec, value);
    }
    const length = writer.length - outer;
    if (length > MAX_BLOB) throw new RangeError(`ubus: message of ${length} bytes, at most ${MAX_BLOB}`);
    writer.close(outer);
  } catch (error) {
    writer.length = start;
    throw error;
  }
}

function writeAttribute(writer: BlobWriter, { id, kind }: Spec, value: Required<Attributes>[keyof Attributes]): void {
  if (kind === 'string') writer.putString(id, value as string);
  else if (kind === 'nested') writer.putNested(id, value as Uint8Array);
  else if (kind === 'flag') writer.putInt8(id, value ? 1 : 0);
  else if (kind === 'ids') {
    const list = writer.open(id);
    for (const item of value as number[]) writer.putInt32(0, item);
    writer.close(list);
  } else writer.putInt32(id, value as number);
}

/** One frame. @throws RangeError when its blob is longer than 1 MiB. */
export function encodeMessage(message: Message): Uint8Array {
  const writer = new BlobWriter(Number.POSITIVE_INFINITY, 128 + (message.attributes.data?.length ?? 0));
  writeMessage(writer, message);
  return writer.take();
}

/**
 * The frames of a provider's answer in one piece: any number of DATA with these contents, then the STATUS; laid out directly, because every
 * call ends here. @throws RangeError when a content does not fit into a message.
 */
export function encodeAnswer(
  seq: number,
  peer: number,
  objectId: number,
  contents: readonly Uint8Array[],
  status: number,
): Uint8Array {
  let length = MIN_FRAME + 16;
  for (const content of contents) {
    if (content.length > MAX_ANSWER_DATA)
      throw new RangeError(`ubus: DATA of ${content.length} bytes, at most ${MAX_ANSWER_DATA}`);
    length += MIN_FRAME + 12 + padded(content.length);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const content of contents) {
    const blob = BLOB_HEAD + 12 + padded(content.length);
    writeHead(bytes, at, UBUS_MSG_DATA, seq, peer, blob);
    writeUint32(bytes, at + 12, (UBUS_ATTR_OBJID << 24) | 8);
    writeUint32(bytes, at + 16, objectId);
    writeUint32(bytes, at + 20, (UBUS_ATTR_DATA << 24) | (BLOB_HEAD + content.length));
    bytes.set(content, at + 24);
    at += FRAME_HEAD + blob;
  }
  writeHead(bytes, at, UBUS_MSG_STATUS, seq, peer, BLOB_HEAD + 16);
  writeUint32(bytes, at + 12, (UBUS_ATTR_STATUS << 24) | 8);
  writeUint32(bytes, at + 16, status);
  writeUint32(bytes, at + 20, (UBUS_ATTR_OBJID << 24) | 8);
  writeUint32(bytes, at + 24, objectId);
  return bytes;
}

function writeHead(bytes: Uint8Array, at: number, type: number, seq: number, peer: number, blob: number): void {
  writeUint32(bytes, at, (type << 16) | seq);
  writeUint32(bytes, at + 4, peer);
  writeUint32(bytes, at + FRAME_HEAD, blob);
}

/** Checks the first 12 bytes of a frame at `at` and returns the length of the whole. @throws WireError */
function frameLength(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== 0) throw new WireError(`ubus: version ${bytes[at]}, expected 0`, 0);
  const blob = readUint32(bytes, at + FRAME_HEAD) & 0xff_ffff;
  if (blob < BLOB_HEAD) throw new WireError(`ubus: blob of ${blob} bytes, expected at least ${BLOB_HEAD}`, FRAME_HEAD);
  if (padded(blob) > MAX_BLOB)
    throw new WireError(`ubus: blob of ${blob} bytes, expected at most ${MAX_BLOB}`, FRAME_HEAD);
  return FRAME_HEAD + blob;
}

/** Decodes one whole frame; `data` and `signature` share its memory. @throws WireError with the offset in the frame. */
export function decodeMessage(frame: Uint8Array): Message {
  if (frame.length < MIN_FRAME)
    throw new WireError(`ubus: frame of ${frame.length} bytes, expected at least ${MIN_FRAME}`, 0);
  const length = frameLength(frame, 0);
  if (length !== frame.length) throw new WireError(`ubus: frame of ${frame.length} bytes says ${length}`, FRAME_HEAD);
  const type = frame[1]!;
  const { byId } = specsOf(type);
  const attributes: Attributes = {};
  const cursor = new BlobCursor(frame, MIN_FRAME);
  while (cursor.next()) {
    const spec = byId[cursor.id];
    if (spec) readAttribute(cursor, spec, attributes);
  }
  return { type, seq: (frame[2]! << 8) | frame[3]!, peer: readUint32(frame, 4), attributes };
}

function readAttribute(cursor: BlobCursor, { name, kind }: Spec, attributes: Attributes): void {
  const { bytes, start, end } = cursor;
  const size = end - start;
  const set = attributes as Record<string, unknown>;
  if (kind === 'string') {
    if (size > 0 && bytes[end - 1] === 0) set[name] = readText(bytes, start, end);
  } else if (kind === 'nested') set[name] = cursor.payload();
  else if (kind === 'flag') {
    if (size === 1) set[name] = bytes[start] !== 0;
  } else if (kind === 'ids') {
    const ids: number[] = [];
    const items = new BlobCursor(bytes, start, end);
    while (items.next()) if (items.end - items.start === 4) ids.push(readUint32(bytes, items.start));
    set[name] = ids;
  } else if (size === 4) {
    const value = readUint32(bytes, start);
    set[name] = kind === 'id' ? value : value | 0;
  }
}

/** Cuts a byte stream into frames. */
export class FrameReader {
  /** The beginning of a frame that is not complete yet; its first `have` bytes count. */
  private pending = new Uint8Array(MIN_FRAME);
  private have = 0;
  private stopped = false;

  /**
   * Takes bytes as they come and calls `onFrame` with each frame that is complete; a frame within one chunk is not copied.
   * When `onFrame` returns false it leaves the rest; what it took is the answer, and the caller brings the rest again later.
   * @throws WireError on a bad version or length; the stream cannot be read on after that.
   */
  push(bytes: Uint8Array, onFrame: (frame: Uint8Array) => unknown): number {
    let at = 0;
    while (at < bytes.length && !this.stopped) {
      let frame: Uint8Array | undefined;
      if (this.have === 0 && bytes.length - at >= MIN_FRAME) {
        const length = frameLength(bytes, at);
        if (bytes.length - at >= length) frame = bytes.subarray(at, at + length);
      }
      if (frame) at += frame.length;
      else {
        at += this.collect(bytes, at);
        frame = this.complete();
      }
      if (frame && onFrame(frame) === false) break;
    }
    return at;
  }

  /** No further frame is delivered, not even from the chunk at hand. */
  stop(): void {
    this.stopped = true;
    this.pending = new Uint8Array(0);
  }

  /** Adds to the incomplete frame what belongs to it; returns how many bytes that were. */
  private collect(bytes: Uint8Array, at: number): number {
    const needed = this.have < MIN_FRAME ? MIN_FRAME : frameLength(this.pending, 0);
    const count = Math.min(needed - this.have, bytes.length - at);
    const end = this.have + count;
    if (end > this.pending.length) {
      // grows with what has come, not with what the length promises
      const grown = new Uint8Array(Math.min(needed, Math.max(end, 2 * this.pending.length)));
      grown.set(this.pending.subarray(0, this.have));
      this.pending = grown;
    }
    this.pending.set(bytes.subarray(at, at + count), this.have);
    this.have = end;
    return count;
  }

  /** Takes the collected frame out when nothing of it is missing. */
  private complete(): Uint8Array | undefined {
    if (this.have < MIN_FRAME || this.have < frameLength(this.pending, 0)) return undefined;
    const frame = this.pending.subarray(0, this.have);
    this.pending = new Uint8Array(MIN_FRAME);
    this.have = 0;
    return frame;
  }
}
