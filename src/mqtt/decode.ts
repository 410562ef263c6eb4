// What a broker sends, from bytes as they come: cut into packets, checked, decoded. Source: MQTT 5.0 and 3.1.1, sections 2 to 4.
//
// Everything that a client must refuse is refused by a WireError, and so is a packet longer than was agreed, before its bytes are kept.
// MQTT 3.1.1 has no way to agree on that: there a PUBLISH that is too long is delivered without its payload, which is passed over, or else
// a message that the broker keeps for us would end each of our connections.

import { WireError } from '../errors.ts';
import { Cursor } from './field.ts';
import {
  type AckType,
  AUTH,
  CONNACK,
  DISCONNECT,
  PACKET_NAMES,
  type Packet,
  PINGRESP,
  PUBACK,
  PUBCOMP,
  PUBLISH,
  PUBREC,
  PUBREL,
  type PublishPacket,
  type Qos,
  SUBACK,
  UNSUBACK,
  type Version,
} from './packet.ts';
import { type Properties, readProperties } from './property.ts';
import { PACKET_TOO_LARGE, Violation } from './reason.ts';
import { topicProblem } from './topic.ts';

/** First byte and length, at most. */
const MAX_HEAD = 5;
const NOTHING = new Uint8Array(0);

/** Codes below 0x80 that a broker may give; from there on all are failures. */
const GOOD_CODES: Readonly<Record<number, readonly number[]>> = {
  [CONNACK]: [0],
  [PUBACK]: [0, 0x10],
  [PUBREC]: [0, 0x10],
  [PUBREL]: [0],
  [PUBCOMP]: [0],
  [SUBACK]: [0, 1, 2],
  [UNSUBACK]: [0, 0x11],
  [DISCONNECT]: [0],
  [AUTH]: [0, 0x18, 0x19],
};

/** One whole packet. @param isCut its end is missing, which only a payload may reach beyond. @throws WireError with the offset in it. */
export function decodePacket(bytes: Uint8Array, version: Version, isCut = false): Packet {
  const first = bytes[0]!;
  const type = first >> 4;
  const name = PACKET_NAMES[type]!;
  const cursor = new Cursor(bytes, 1);
  cursor.variable(name);
  if (type !== PUBLISH && (first & 15) !== (type === PUBREL ? 2 : 0))
    throw new WireError(`${name}: flags ${first & 15}, expected ${type === PUBREL ? 2 : 0}`, 0);
  const packet = decodeFields(type, first & 15, cursor, version);
  if (!packet) throw new WireError(`${name}: not one that a broker sends`, 0);
  if (isCut && packet.type === PUBLISH) return { ...packet, payload: NOTHING, isCut };
  if (cursor.left > 0) throw new WireError(`${name}: ${cursor.left} bytes too many`, cursor.at);
  return packet;
}

function decodeFields(type: number, flags: number, cursor: Cursor, version: Version): Packet | undefined {
  switch (type) {
    case PUBLISH:
      return decodePublish(flags, cursor, version);
    case PUBACK:
    case PUBREC:
    case PUBREL:
    case PUBCOMP:
      return { type: type as AckType, id: readId(cursor, type), ...readReason(type, cursor, version) };
    case SUBACK:
    case UNSUBACK: {
      const id = readId(cursor, type);
      const properties = version === 5 ? readProperties(cursor, type) : {};
      const codes: number[] = [];
      const hasCodes = type === SUBACK || version === 5;
      if (hasCodes)
        do codes.push(readCode(type, cursor, version));
        while (cursor.left > 0);
      return { type, id, codes, properties };
    }
    case CONNACK: {
      const start = cursor.at;
      const acknowledge = cursor.uint8('CONNACK');
      // a broker that speaks no MQTT 5 refuses it as it would refuse any other version
      const isOld = version < 5 || cursor.left === 1;
      const code = isOld ? cursor.uint8('CONNACK') : readCode(type, cursor, version);
      if (acknowledge > (code === 0 ? 1 : 0))
        throw new WireError(`CONNACK: flags ${acknowledge} with code ${code}`, start);
      if (isOld && (version === 5 ? code === 0 || (code > 5 && code < 0x80) : code > 5))
        throw new WireError(`CONNACK: code ${code} without properties`, start + 1);
      return { type, sessionPresent: acknowledge === 1, code, properties: isOld ? {} : readProperties(cursor, type) };
    }
    case PINGRESP:
      return { type };
    case DISCONNECT:
    case AUTH:
      return version < 5 ? undefined : { type, ...readReason(type, cursor, version) };
    default:
      return undefined;
  }
}

function decodePublish(flags: number, cursor: Cursor, version: Version): PublishPacket {
  const qos = ((flags >> 1) & 3) as Qos;
  const dup = flags > 7;
  if ((qos as number) === 3) throw new WireError('PUBLISH: QoS 3', 0);
  if (dup && qos === 0) throw new WireError('PUBLISH: sent again, with QoS 0', 0);
  const start = cursor.at;
  const topic = cursor.text('topic');
  const id = qos > 0 ? readId(cursor, PUBLISH) : undefined;
  const properties = version === 5 ? readProperties(cursor, PUBLISH) : {};
  const problem = topic === '' && properties.topicAlias !== undefined ? undefined : topicProblem(topic);
  if (problem) throw new WireError(`topic: ${problem}`, start);
  const payload = cursor.bytes.subarray(cursor.at, cursor.end);
  cursor.at = cursor.end;
  return { type: PUBLISH, topic, payload, qos, retain: (flags & 1) === 1, dup, ...(id && { id }), properties };
}

/** The end of an acknowledgement or of a DISCONNECT, which may be missing. */
function readReason(type: number, cursor: Cursor, version: Version): { code: number; properties: Properties } {
  if (version < 5 || cursor.left === 0) return { code: 0, properties: {} };
  const code = readCode(type, cursor, version);
  return { code, properties: cursor.left > 0 ? readProperties(cursor, type) : {} };
}

function readCode(type: number, cursor: Cursor, version: Version): number {
  const at = cursor.at;
  const code = cursor.uint8('code');
  // before MQTT 5 there is one failure
  if ((code < 0x80 && !GOOD_CODES[type]!.includes(code)) || (version < 5 && code > 0x80))
    throw new WireError(`${PACKET_NAMES[type]}: code ${code} means nothing`, at);
  return code;
}

function readId(cursor: Cursor, type: number): number {
  const at = cursor.at;
  const id = cursor.uint16('packet id');
  if (id === 0) throw new WireError(`${PACKET_NAMES[type]}: packet id 0`, at);
  return id;
}

/** Cuts a byte stream into packets and decodes them. */
export class PacketReader {
  /** The beginning of a packet that is not complete yet; its first `have` bytes count. */
  private pending = new Uint8Array(64);
  private have = 0;
  /** Bytes still to be passed over. */
  private excess = 0;
  private stopped = false;

  /** @param maxBytes longest packet. */
  constructor(
    private readonly version: Version,
    private readonly maxBytes: number,
  ) {}

  /**
   * Takes bytes as they come and calls `onPacket` with each packet that is complete; one within a chunk is not copied.
   * When `onPacket` returns false it leaves the rest; what it took is the answer, and the caller brings the rest again later.
   * @throws WireError on a packet that MQTT forbids or that is too long; the stream cannot be read on after that.
   */
  push(bytes: Uint8Array, onPacket: (packet: Packet) => unknown): number {
    let at = 0;
    while (at < bytes.length && !this.stopped) {
      if (this.excess > 0) {
        const passed = Math.min(this.excess, bytes.length - at);
        this.excess -= passed;
        at += passed;
        continue;
      }
      let packet: Uint8Array | undefined;
      const length = this.have === 0 ? packetLength(bytes, at, bytes.length) : undefined;
      const taken = length === undefined ? undefined : this.taken(bytes[at]!, length);
      if (taken !== undefined && bytes.length - at >= taken) {
        packet = bytes.subarray(at, at + taken);
        at += taken;
        this.excess = length! - taken;
      } else {
        at += this.collect(bytes, at);
        packet = this.complete();
      }
      if (packet && onPacket(decodePacket(packet, this.version, this.excess > 0)) === false) break;
    }
    return at;
  }

  /** No further packet is delivered, not even from the chunk at hand. */
  stop(): void {
    this.stopped = true;
    this.pending = NOTHING;
  }

  /** How much is taken of a packet of that length. */
  private taken(first: number, length: number): number {
    if (length <= this.maxBytes) return length;
    if (first >> 4 !== PUBLISH || this.version === 5)
      throw new Violation(
        `${PACKET_NAMES[first >> 4]}: ${length} bytes, expected at most ${this.maxBytes}`,
        PACKET_TOO_LARGE,
        1,
      );
    return this.maxBytes;
  }

  /** Adds to the incomplete packet what belongs to it; returns how many bytes that were. */
  private collect(bytes: Uint8Array, at: number): number {
    const length = packetLength(this.pending, 0, this.have);
    const needed = length === undefined ? this.have + 1 : this.taken(this.pending[0]!, length);
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

  /** Takes the collected packet out when nothing of it is missing. */
  private complete(): Uint8Array | undefined {
    const length = packetLength(this.pending, 0, this.have);
    if (length === undefined) return undefined;
    const taken = this.taken(this.pending[0]!, length);
    if (this.have < taken) return undefined;
    this.excess = length - taken;
    const packet = this.pending.subarray(0, this.have);
    this.pending = new Uint8Array(64);
    this.have = 0;
    return packet;
  }
}

/** The length of the packet that begins at `at`, its head included; `undefined` while that is not complete. @throws WireError */
function packetLength(bytes: Uint8Array, at: number, end: number): number | undefined {
  const most = Math.min(end, at + MAX_HEAD);
  let last = at + 1;
  while (last < most && bytes[last]! >= 128) last++;
  if (last >= most && most < at + MAX_HEAD) return undefined;
  const cursor = new Cursor(bytes.subarray(at, most), 1);
  const length = cursor.variable(PACKET_NAMES[bytes[at]! >> 4]!);
  return cursor.at + length;
}
