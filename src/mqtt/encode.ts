// What a client sends, as bytes. Source: MQTT 5.0 and 3.1.1, section 3.
//
//   u8 type and flags, variable integer with the length of the rest, then the fields; MQTT 5 has properties among them.

import { InputError } from '../errors.ts';
import { toPacket, Writer } from './field.ts';
import {
  type AckType,
  type AUTH,
  CONNECT,
  type ConnectPacket,
  type DISCONNECT,
  type FilterRequest,
  PINGREQ,
  PUBLISH,
  PUBREL,
  type PublishPacket,
  SUBSCRIBE,
  UNSUBSCRIBE,
  type Version,
} from './packet.ts';
import { type Properties, writeProperties } from './property.ts';
import { filterProblem, topicProblem } from './topic.ts';

/** CONNECT. Before MQTT 5, `properties` and those of the will are left out. @throws InputError on a text, topic or payload that does not fit. */
export function encodeConnect(packet: ConnectPacket, version: Version): Uint8Array {
  const { clientId, cleanStart, keepAliveS, username, password, will, properties } = packet;
  const writer = new Writer();
  writer.text('MQTT', 'protocol');
  writer.uint8(version);
  writer.uint8(
    (cleanStart ? 2 : 0) |
      (will ? 4 | (will.qos << 3) | (will.retain ? 32 : 0) : 0) |
      (password ? 64 : 0) |
      (username === undefined ? 0 : 128),
  );
  writer.uint16(keepAliveS);
  if (version === 5) writeProperties(writer, properties);
  writer.text(clientId, 'clientId');
  if (will) {
    checkTopic(will.topic);
    if (version === 5) writeProperties(writer, will.properties);
    writer.text(will.topic, 'topic');
    writer.binary(will.payload, 'will');
  }
  if (username !== undefined) writer.text(username, 'username');
  if (password) writer.binary(password, 'password');
  return toPacket(CONNECT << 4, writer);
}

/** PUBLISH; with a topic alias its topic may be empty. @throws InputError on a topic or property that does not fit. */
export function encodePublish(packet: Omit<PublishPacket, 'type' | 'isCut'>, version: Version): Uint8Array {
  const { topic, payload, qos, retain, dup, id, properties } = packet;
  if (topic !== '' || version < 5 || properties.topicAlias === undefined) checkTopic(topic);
  const writer = new Writer();
  writer.text(topic, 'topic');
  if (qos > 0) writer.uint16(id!);
  if (version === 5) writeProperties(writer, properties);
  return toPacket((PUBLISH << 4) | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0), writer, payload);
}

/** PUBACK, PUBREC, PUBREL or PUBCOMP; code and properties are of MQTT 5. */
export function encodeAck(type: AckType, id: number, version: Version, code = 0, properties?: Properties): Uint8Array {
  const writer = new Writer();
  writer.uint16(id);
  if (version === 5 && (code !== 0 || properties)) {
    writer.uint8(code);
    if (properties) writeProperties(writer, properties);
  }
  return toPacket((type << 4) | (type === PUBREL ? 2 : 0), writer);
}

/** SUBSCRIBE. @throws InputError on a filter that nobody can subscribe to. */
export function encodeSubscribe(
  id: number,
  requests: readonly FilterRequest[],
  version: Version,
  properties?: Properties,
): Uint8Array {
  const writer = openFilters(id, version, properties);
  for (const { filter, qos, noLocal, retainAsPublished, retainHandling = 0 } of requests) {
    writeFilter(writer, filter);
    const options = (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0) | (retainHandling << 4);
    writer.uint8(version === 5 ? qos | options : qos);
  }
  return toPacket((SUBSCRIBE << 4) | 2, writer);
}

/** UNSUBSCRIBE. @throws InputError on a filter that nobody can have subscribed to. */
export function encodeUnsubscribe(
  id: number,
  filters: readonly string[],
  version: Version,
  properties?: Properties,
): Uint8Array {
  const writer = openFilters(id, version, properties);
  for (const filter of filters) writeFilter(writer, filter);
  return toPacket((UNSUBSCRIBE << 4) | 2, writer);
}

/** PINGREQ. */
export function encodePing(): Uint8Array {
  return toPacket(PINGREQ << 4, new Writer());
}

/** DISCONNECT or AUTH; before MQTT 5 there is only the former, without reason. */
export function encodeReason(
  type: typeof DISCONNECT | typeof AUTH,
  code: number,
  version: Version,
  properties?: Properties,
): Uint8Array {
  const writer = new Writer();
  if (version === 5 && (code !== 0 || properties)) {
    writer.uint8(code);
    if (properties) writeProperties(writer, properties);
  }
  return toPacket(type << 4, writer);
}

function openFilters(id: number, version: Version, properties: Properties | undefined): Writer {
  const writer = new Writer();
  writer.uint16(id);
  if (version === 5) writeProperties(writer, properties);
  return writer;
}

function writeFilter(writer: Writer, filter: string): void {
  const problem = filterProblem(filter);
  if (problem) throw new InputError(`filter: ${problem}`, 'filter');
  writer.text(filter, 'filter');
}

function checkTopic(topic: string): void {
  const problem = topicProblem(topic);
  if (problem) throw new InputError(`topic: ${problem}`, 'topic');
}
