// Properties of MQTT 5: which may stand in which packet, how each is written, and what it may say. Source: MQTT 5.0, section 2.2.2.

import { WireError } from '../errors.ts';
import { type Cursor, Writer } from './field.ts';
import { PACKET_NAMES } from './packet.ts';
import { topicProblem } from './topic.ts';

/** The properties of a packet; absent ones are absent here. */
export interface Properties {
  payloadFormat?: number;
  messageExpiryS?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Uint8Array;
  /** Several in a PUBLISH, one in a SUBSCRIBE. */
  subscriptionIds?: number[];
  sessionExpiryS?: number;
  assignedClientId?: string;
  serverKeepAliveS?: number;
  authMethod?: string;
  authData?: Uint8Array;
  requestProblemInfo?: number;
  willDelayS?: number;
  requestResponseInfo?: number;
  responseInfo?: string;
  serverReference?: string;
  reasonString?: string;
  receiveMaximum?: number;
  topicAliasMaximum?: number;
  topicAlias?: number;
  maximumQos?: number;
  retainAvailable?: number;
  userProperties?: [name: string, value: string][];
  maximumPacketBytes?: number;
  wildcardsAvailable?: number;
  subscriptionIdsAvailable?: number;
  sharedAvailable?: number;
}

/** Where properties of a will stand: no type of packet has this number. */
export const WILL = 0;
/** Properties of one packet: the longest that is taken could hold thousands. */
export const MAX_PROPERTIES = 64;

/** Byte, 0 or 1; two and four bytes; the same without 0; variable; text; bytes; pairs of text. */
type Kind = 'flag' | 'uint16' | 'uint32' | 'count16' | 'count32' | 'variable' | 'text' | 'binary' | 'pair';

interface Spec {
  id: number;
  name: keyof Properties;
  kind: Kind;
  /** Bits of the types that may have it. */
  types: number;
}

/** Number, name, kind, types of packets. */
const TABLE: readonly (readonly [number, keyof Properties, Kind, readonly number[]])[] = [
  [1, 'payloadFormat', 'flag', [3, WILL]],
  [2, 'messageExpiryS', 'uint32', [3, WILL]],
  [3, 'contentType', 'text', [3, WILL]],
  [8, 'responseTopic', 'text', [3, WILL]],
  [9, 'correlationData', 'binary', [3, WILL]],
  [11, 'subscriptionIds', 'variable', [3, 8]],
  [17, 'sessionExpiryS', 'uint32', [1, 2, 14]],
  [18, 'assignedClientId', 'text', [2]],
  [19, 'serverKeepAliveS', 'uint16', [2]],
  [21, 'authMethod', 'text', [1, 2, 15]],
  [22, 'authData', 'binary', [1, 2, 15]],
  [23, 'requestProblemInfo', 'flag', [1]],
  [24, 'willDelayS', 'uint32', [WILL]],
  [25, 'requestResponseInfo', 'flag', [1]],
  [26, 'responseInfo', 'text', [2]],
  [28, 'serverReference', 'text', [2, 14]],
  [31, 'reasonString', 'text', [2, 4, 5, 6, 7, 9, 11, 14, 15]],
  [33, 'receiveMaximum', 'count16', [1, 2]],
  [34, 'topicAliasMaximum', 'uint16', [1, 2]],
  [35, 'topicAlias', 'count16', [3]],
  [36, 'maximumQos', 'flag', [2]],
  [37, 'retainAvailable', 'flag', [2]],
  [38, 'userProperties', 'pair', [WILL, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15]],
  [39, 'maximumPacketBytes', 'count32', [1, 2]],
  [40, 'wildcardsAvailable', 'flag', [2]],
  [41, 'subscriptionIdsAvailable', 'flag', [2]],
  [42, 'sharedAvailable', 'flag', [2]],
];

const BY_ID: (Spec | undefined)[] = [];
const BY_NAME = new Map<string, Spec>();
for (const [id, name, kind, types] of TABLE) {
  const spec = { id, name, kind, types: types.reduce((bits, type) => bits | (1 << type), 0) };
  BY_ID[id] = spec;
  BY_NAME.set(name, spec);
}

/** Reads the properties of a packet of that type, with their length before them. @throws WireError on whatever MQTT forbids, and past 64. */
export function readProperties(cursor: Cursor, type: number): Properties {
  const properties: Properties = {};
  const length = cursor.variable('properties');
  const start = cursor.at;
  const end = start + length;
  if (length > cursor.left) throw new WireError(`properties: ${cursor.left} bytes left, expected ${length}`, start);
  for (let count = 1; cursor.at < end; count++) {
    const at = cursor.at;
    if (count > MAX_PROPERTIES) throw new WireError(`properties: more than ${MAX_PROPERTIES}`, at);
    const id = cursor.variable('property');
    const spec = BY_ID[id];
    if (!spec || !(spec.types & (1 << type)))
      throw new WireError(`property ${spec?.name ?? id}: not one of a ${PACKET_NAMES[type]}`, at);
    readProperty(cursor, spec, properties, at);
    if (cursor.at > end) throw new WireError(`property ${spec.name}: longer than all of them`, at);
  }
  return properties;
}

function readProperty(cursor: Cursor, { name, kind }: Spec, properties: Properties, at: number): void {
  const set = properties as Record<string, unknown>;
  const known = set[name];
  if (kind === 'pair') {
    const pair: [string, string] = [cursor.text(name), cursor.text(name)];
    if (known) (known as [string, string][]).push(pair);
    else set[name] = [pair];
  } else if (kind === 'variable') {
    const value = cursor.variable(name);
    if (value === 0) throw new WireError(`${name}: 0, expected more`, at);
    if (known) (known as number[]).push(value);
    else set[name] = [value];
  } else {
    if (known !== undefined) throw new WireError(`${name}: twice`, at);
    const value = kind === 'text' || kind === 'binary' ? cursor[kind](name) : readNumber(cursor, name, kind, at);
    if (name === 'responseTopic') {
      const problem = topicProblem(value as string);
      if (problem) throw new WireError(`${name}: ${problem}`, at);
    }
    set[name] = value;
  }
}

function readNumber(cursor: Cursor, name: string, kind: Kind, at: number): number {
  if (kind === 'flag') {
    const value = cursor.uint8(name);
    if (value > 1) throw new WireError(`${name}: ${value}, expected 0 or 1`, at);
    return value;
  }
  const value = kind.endsWith('16') ? cursor.uint16(name) : cursor.uint32(name);
  if (value === 0 && kind.startsWith('count')) throw new WireError(`${name}: 0, expected more`, at);
  return value;
}

/** Writes properties, with their length before them. @throws InputError on a text or bytes that do not fit. */
export function writeProperties(writer: Writer, properties: Properties = {}): void {
  const own = new Writer();
  for (const name in properties) {
    const value = properties[name as keyof Properties];
    const spec = BY_NAME.get(name);
    if (spec && value !== undefined) writeProperty(own, spec, value);
  }
  writer.variable(own.length);
  writer.raw(own.bytes);
}

function writeProperty(writer: Writer, { id, name, kind }: Spec, value: unknown): void {
  if (kind === 'pair')
    for (const [key, text] of value as [string, string][]) {
      writer.uint8(id);
      writer.text(key, name);
      writer.text(text, name);
    }
  else if (kind === 'variable')
    for (const one of value as number[]) {
      writer.uint8(id);
      writer.variable(one);
    }
  else {
    writer.uint8(id);
    if (kind === 'text') writer.text(value as string, name);
    else if (kind === 'binary') writer.binary(value as Uint8Array, name);
    else if (kind === 'flag') writer.uint8(value as number);
    else if (kind.endsWith('16')) writer.uint16(value as number);
    else writer.uint32(value as number);
  }
}
