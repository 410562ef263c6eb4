// Why a broker refused or ended something: MQTT 5's reason codes, in words. Source: MQTT 5.0, section 2.4.

import { RemoteError, WireError } from '../errors.ts';
import type { Properties } from './property.ts';

export const MALFORMED_PACKET = 0x81;
export const PROTOCOL_ERROR = 0x82;
export const UNSUPPORTED_VERSION = 0x84;
export const BAD_CREDENTIALS = 0x86;
export const NOT_AUTHORISED = 0x87;
export const UNAVAILABLE = 0x88;
export const BUSY = 0x89;
export const BANNED = 0x8a;
export const SHUTTING_DOWN = 0x8b;
export const TAKEN_OVER = 0x8e;
export const ID_IN_USE = 0x91;
export const BAD_ALIAS = 0x94;
export const PACKET_TOO_LARGE = 0x95;
export const RATE_TOO_HIGH = 0x96;
export const QUOTA_EXCEEDED = 0x97;
export const QOS_NOT_SUPPORTED = 0x9b;
export const CONNECTION_RATE_EXCEEDED = 0x9f;

/** From 0x80 on. */
const WORDS = (
  'unspecified error|malformed packet|protocol error|implementation specific error|unsupported protocol version|' +
  'client id not valid|bad user name or password|not authorised|server unavailable|server busy|banned|server shutting down|' +
  'bad authentication method|keep alive timeout|session taken over|topic filter invalid|topic name invalid|packet id in use|' +
  'packet id not found|receive maximum exceeded|topic alias invalid|packet too large|message rate too high|quota exceeded|' +
  'administrative action|payload format invalid|retain not supported|QoS not supported|use another server|server moved|' +
  'shared subscriptions not supported|connection rate exceeded|maximum connect time|subscription ids not supported|' +
  'wildcard subscriptions not supported'
).split('|');
/** What CONNACK says before MQTT 5, as MQTT 5 says it, by the code of old. */
const OF_OLD = [0, UNSUPPORTED_VERSION, 0x85, UNAVAILABLE, BAD_CREDENTIALS, NOT_AUTHORISED];
/** Longest text of a broker's that goes into an error. */
const MAX_TEXT = 120;

/** The code of a CONNACK as MQTT 5 numbers it. */
export function reasonOf(connackCode: number): number {
  return OF_OLD[connackCode] ?? connackCode;
}

/** A reason in words, with the broker's own where it gave some: they are a stranger's. */
export function reasonText(code: number, { reasonString }: Properties = {}): string {
  const text = WORDS[code - 0x80] ?? `code 0x${code.toString(16)}`;
  return reasonString ? `${text} (${JSON.stringify(reasonString.slice(0, MAX_TEXT))})` : text;
}

/** The broker refused `what`; the status is the reason code. */
export function refusal(what: string, code: number, properties?: Properties): RemoteError {
  return new RemoteError(`${what}: ${reasonText(code, properties)}`, code);
}

/** The broker breaks the rules of the protocol. `code` is what it is told. */
export class Violation extends WireError {
  constructor(
    message: string,
    readonly code = PROTOCOL_ERROR,
    offset?: number,
  ) {
    super(message, offset);
  }
}
