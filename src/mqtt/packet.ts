// MQTT packets as values: what a client sends, what it receives, and their numbers. Sources: MQTT 5.0 and 3.1.1, sections 2 and 3.

import type { Properties } from './property.ts';

/** The protocol's number: 4 is MQTT 3.1.1. */
export type Version = 4 | 5;
export type Qos = 0 | 1 | 2;

export const CONNECT = 1;
export const CONNACK = 2;
export const PUBLISH = 3;
export const PUBACK = 4;
export const PUBREC = 5;
export const PUBREL = 6;
export const PUBCOMP = 7;
export const SUBSCRIBE = 8;
export const SUBACK = 9;
export const UNSUBSCRIBE = 10;
export const UNSUBACK = 11;
export const PINGREQ = 12;
export const PINGRESP = 13;
export const DISCONNECT = 14;
export const AUTH = 15;

/** Names of the types, by number. */
export const PACKET_NAMES =
  'type 0,CONNECT,CONNACK,PUBLISH,PUBACK,PUBREC,PUBREL,PUBCOMP,SUBSCRIBE,SUBACK,UNSUBSCRIBE,UNSUBACK,PINGREQ,PINGRESP,DISCONNECT,AUTH'.split(
    ',',
  );

/** What the broker publishes in the client's name when it loses it. */
export interface WillPacket {
  topic: string;
  payload: Uint8Array;
  qos: Qos;
  retain: boolean;
  properties?: Properties;
}

export interface ConnectPacket {
  clientId: string;
  cleanStart: boolean;
  keepAliveS: number;
  username?: string;
  password?: Uint8Array;
  will?: WillPacket;
  properties?: Properties;
}

export interface ConnackPacket {
  type: typeof CONNACK;
  sessionPresent: boolean;
  /** As its version numbers them: 0 to 5 before MQTT 5, and from a broker that speaks no other. */
  code: number;
  properties: Properties;
}

export interface PublishPacket {
  type: typeof PUBLISH;
  topic: string;
  /** Shares the memory of what came. */
  payload: Uint8Array;
  qos: Qos;
  retain: boolean;
  dup: boolean;
  /** 1 to 65,535; absent with QoS 0. */
  id?: number;
  properties: Properties;
  /** Longer than we take: its payload was passed over. */
  isCut?: boolean;
}

export type AckType = typeof PUBACK | typeof PUBREC | typeof PUBREL | typeof PUBCOMP;

export interface AckPacket {
  type: AckType;
  id: number;
  /** 0 before MQTT 5. */
  code: number;
  properties: Properties;
}

/** The answers to a SUBSCRIBE or UNSUBSCRIBE, one a filter; UNSUBACK has none before MQTT 5. */
export interface SubackPacket {
  type: typeof SUBACK | typeof UNSUBACK;
  id: number;
  codes: number[];
  properties: Properties;
}

export interface PingPacket {
  type: typeof PINGRESP;
}

/** From MQTT 5 on. */
export interface ReasonPacket {
  type: typeof DISCONNECT | typeof AUTH;
  code: number;
  properties: Properties;
}

/** Whatever a broker may send. */
export type Packet = ConnackPacket | PublishPacket | AckPacket | SubackPacket | PingPacket | ReasonPacket;

/** One filter of a SUBSCRIBE; all but `qos` are of MQTT 5. */
export interface FilterRequest {
  filter: string;
  qos: Qos;
  /** What we publish ourselves does not come back. */
  noLocal?: boolean;
  /** Messages keep their retain flag. */
  retainAsPublished?: boolean;
  /** Retained messages come: 0 always, 1 when the subscription is new, 2 never. */
  retainHandling?: 0 | 1 | 2;
}
