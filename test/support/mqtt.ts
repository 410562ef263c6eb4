// A broker for tests of the MQTT client: reads what a client sends, writes what a broker sends, and plays one in memory. Portable.

import { joinBytes } from '../../src/lib/bytes.ts';
import { decodeUtf8 } from '../../src/lib/utf8.ts';
import { type AlarmId, type Message, MqttClient, type MqttOptions } from '../../src/mqtt/client.ts';
import { decodePacket } from '../../src/mqtt/decode.ts';
import { encodeAck, encodePublish, encodeReason } from '../../src/mqtt/encode.ts';
import { Cursor, toPacket, Writer } from '../../src/mqtt/field.ts';
import {
  type AckPacket,
  CONNACK,
  CONNECT,
  type ConnectPacket,
  DISCONNECT,
  type FilterRequest,
  PACKET_NAMES,
  PINGREQ,
  PINGRESP,
  PUBACK,
  PUBLISH,
  type PublishPacket,
  type Qos,
  SUBACK,
  SUBSCRIBE,
  UNSUBACK,
  UNSUBSCRIBE,
  type Version,
} from '../../src/mqtt/packet.ts';
import { type Properties, readProperties, WILL, writeProperties } from '../../src/mqtt/property.ts';
import { ManualClock, settle } from './clock.ts';
import { type FarEnd, MemoryStreams } from './stream.ts';

/** What a client sends, as a broker sees it. */
export type ClientPacket =
  | ({ type: typeof CONNECT; version: Version } & ConnectPacket)
  | Omit<PublishPacket, 'isCut'>
  | AckPacket
  | { type: typeof SUBSCRIBE; id: number; requests: FilterRequest[]; properties: Properties }
  | { type: typeof UNSUBSCRIBE; id: number; filters: string[]; properties: Properties }
  | { type: typeof PINGREQ }
  | { type: typeof DISCONNECT; code: number; properties: Properties };

/** The first packet in `bytes` and its length; `undefined` while it is not complete. @throws Error when it is none of a client's. */
export function readClientPacket(
  bytes: Uint8Array,
  version: Version,
): { packet: ClientPacket; length: number } | undefined {
  let head = 1;
  while (head < bytes.length && bytes[head]! >= 128) head++;
  if (head >= bytes.length) return undefined;
  const length = new Cursor(bytes, 1).variable('length') + head + 1;
  if (bytes.length < length) return undefined;
  const cursor = new Cursor(bytes.slice(0, length), head + 1);
  return { packet: readFields(bytes[0]! >> 4, cursor, version), length };
}

function readFields(type: number, cursor: Cursor, version: Version): ClientPacket {
  const properties = (): Properties => (version === 5 ? readProperties(cursor, type) : {});
  switch (type) {
    case CONNECT:
      return readConnect(cursor);
    case SUBSCRIBE: {
      const packet = {
        type,
        id: cursor.uint16('id'),
        properties: properties(),
        requests: [] as FilterRequest[],
      } as const;
      while (cursor.left > 0) {
        const filter = cursor.text('filter');
        const options = cursor.uint8('options');
        packet.requests.push({
          filter,
          qos: (options & 3) as Qos,
          ...(version === 5 && { noLocal: (options & 4) > 0, retainHandling: (options >> 4) as 0 | 1 | 2 }),
        });
      }
      return packet;
    }
    case UNSUBSCRIBE: {
      const packet = { type, id: cursor.uint16('id'), properties: properties(), filters: [] as string[] } as const;
      while (cursor.left > 0) packet.filters.push(cursor.text('filter'));
      return packet;
    }
    case PINGREQ:
      return { type };
    case DISCONNECT: {
      const code = cursor.left > 0 ? cursor.uint8('code') : 0;
      return { type, code, properties: cursor.left > 0 ? readProperties(cursor, type) : {} };
    }
    default:
      // these look the same both ways
      return decodePacket(cursor.bytes, version) as ClientPacket;
  }
}

function readConnect(cursor: Cursor): ClientPacket {
  const name = cursor.text('protocol');
  const version = cursor.uint8('version') as Version;
  if (name !== 'MQTT') throw new Error(`protocol ${name}`);
  const flags = cursor.uint8('flags');
  const keepAliveS = cursor.uint16('keep alive');
  const properties = version === 5 ? readProperties(cursor, CONNECT) : {};
  const clientId = cursor.text('client id');
  const hasWill = (flags & 4) > 0;
  const willProperties = hasWill && version === 5 ? readProperties(cursor, WILL) : {};
  return {
    type: CONNECT,
    version,
    clientId,
    cleanStart: (flags & 2) > 0,
    keepAliveS,
    properties,
    ...(hasWill && {
      will: {
        topic: cursor.text('will topic'),
        payload: cursor.binary('will'),
        qos: ((flags >> 3) & 3) as Qos,
        retain: (flags & 32) > 0,
        properties: willProperties,
      },
    }),
    ...(flags & 128 && { username: cursor.text('user') }),
    ...(flags & 64 && { password: cursor.binary('password') }),
  };
}

/** What a broker sends, as bytes; the version where it matters. */
export const broker = {
  connack(
    version: Version,
    { code = 0, session = false, ...properties }: Properties & { code?: number; session?: boolean } = {},
  ): Uint8Array {
    const writer = new Writer();
    writer.raw([session ? 1 : 0, code]);
    if (version === 5) writeProperties(writer, properties);
    return toPacket(CONNACK << 4, writer);
  },
  publish(version: Version, message: Partial<PublishPacket> & { topic: string }): Uint8Array {
    const packet = { payload: new Uint8Array(0), retain: false, dup: false, properties: {}, ...message };
    return encodePublish({ qos: 0, ...packet }, version);
  },
  puback: (version: Version, id: number, code = 0): Uint8Array => encodeAck(PUBACK, id, version, code),
  suback(version: Version, id: number, codes: readonly number[], type: number = SUBACK): Uint8Array {
    const writer = new Writer();
    writer.uint16(id);
    if (version === 5) writeProperties(writer);
    if (version === 5 || type === SUBACK) writer.raw(codes);
    return toPacket(type << 4, writer);
  },
  unsuback: (version: Version, id: number, codes: readonly number[]): Uint8Array =>
    broker.suback(version, id, codes, UNSUBACK),
  pingresp: (): Uint8Array => toPacket(PINGRESP << 4, new Writer()),
  disconnect: (code: number): Uint8Array => encodeReason(DISCONNECT, code, 5),
};

/** A client on streams in memory and a clock that is moved by hand, and the broker at their other end. */
export class Played {
  readonly clock = new ManualClock();
  readonly streams = new MemoryStreams();
  readonly client: MqttClient;
  readonly messages: Message[] = [];
  readonly changes: [up: boolean, error: string | undefined][] = [];
  readonly alarms: [AlarmId, string | undefined][] = [];
  /** Its log: level and event. */
  readonly lines: string[] = [];
  version: Version = 5;
  private rest: Uint8Array = new Uint8Array(0);

  constructor(options: Partial<MqttOptions> = {}) {
    const at =
      (level: string) =>
      (event: string): void =>
        void this.lines.push(`${level} ${event}`);
    this.client = new MqttClient({
      streams: this.streams,
      clock: this.clock,
      random: () => 0,
      log: { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') },
      endpoint: { path: '/run/mqtt.sock' },
      clientId: 'node',
      profile: 'home',
      onChange: (up, error) => this.changes.push([up, error?.message]),
      onMessage: (message) => {
        this.messages.push({ ...message, payload: message.payload.slice() });
      },
      onAlarm: (id, why) => this.alarms.push([id, why]),
      ...options,
    });
  }

  /** The newest connection. */
  get far(): FarEnd {
    return this.streams.last();
  }

  /** Lets the stream stand; answers with the CONNECT. */
  accept(): ClientPacket & { type: typeof CONNECT } {
    this.rest = new Uint8Array(0);
    this.far.accept();
    const [packet] = this.take();
    if (packet?.type !== CONNECT) throw new Error(`${packet ? PACKET_NAMES[packet.type] : 'nothing'} before CONNECT`);
    this.version = packet.version;
    return packet;
  }

  /** Greets the client on the newest connection, which it started if need be. */
  greet(options: Properties & { code?: number; session?: boolean } = {}): ClientPacket & { type: typeof CONNECT } {
    if (this.client.report().state === 'stopped') this.client.start();
    const connect = this.accept();
    this.send(broker.connack(this.version, options));
    return connect;
  }

  /** Greets the client, which is subscribed to everything from now on. */
  listen(options: Properties = {}): void {
    this.client.subscribe('#', 1);
    this.greet(options);
    for (const packet of this.take())
      if (packet.type === SUBSCRIBE) this.send(broker.suback(this.version, packet.id, [1]));
  }

  send(...packets: Uint8Array[]): void {
    this.far.send(joinBytes(packets));
  }

  /** What the client sent since it was asked last. */
  take(): ClientPacket[] {
    this.rest = joinBytes([this.rest, this.far.take()]);
    const packets: ClientPacket[] = [];
    for (;;) {
      const found = this.rest.length === 0 ? undefined : readClientPacket(this.rest, this.version);
      if (!found) return packets;
      packets.push(found.packet);
      this.rest = this.rest.subarray(found.length);
    }
  }

  /** The same, as text: `PUBLISH a 1 #1 dup`. */
  told(): string[] {
    return this.take().map(packetText);
  }

  /** Moves the clock on until the client dials again, which it must within an hour. */
  async redial(): Promise<void> {
    const before = this.streams.dialled.length;
    for (let s = 0; s <= 3600 && this.streams.dialled.length === before; s++) await this.clock.advance(1000);
    if (this.streams.dialled.length === before) throw new Error('not dialled again within an hour');
  }

  settle(): Promise<void> {
    return settle();
  }
}

/** A packet in a few words: name, topic or filters, QoS, packet id, flags, code. */
export function packetText(packet: ClientPacket): string {
  const words: (string | number)[] = [PACKET_NAMES[packet.type]!];
  if (packet.type === PUBLISH) {
    words.push(packet.topic, packet.qos);
    if (packet.id) words.push(`#${packet.id}`);
    if (packet.retain) words.push('retain');
    if (packet.dup) words.push('dup');
    if (packet.properties.topicAlias) words.push(`alias ${packet.properties.topicAlias}`);
    if (packet.properties.messageExpiryS) words.push(`${packet.properties.messageExpiryS}s`);
    if (packet.payload.length <= 20) words.push(decodeUtf8(packet.payload));
  } else if (packet.type === SUBSCRIBE)
    words.push(`#${packet.id}`, ...packet.requests.map(({ filter, qos }) => `${filter}:${qos}`));
  else if (packet.type === UNSUBSCRIBE) words.push(`#${packet.id}`, ...packet.filters);
  else if (packet.type !== PINGREQ && packet.type !== CONNECT) {
    if ('id' in packet) words.push(`#${packet.id}`);
    if (packet.code) words.push(`0x${packet.code.toString(16)}`);
  }
  return words.filter((word) => word !== '').join(' ');
}
