// The far end of a client's connection to ubusd: the test reads what the client sent and plays the broker.

import { joinBytes } from '../../src/lib/bytes.ts';
import type { Log, LogFields } from '../../src/log.ts';
import { UbusClient } from '../../src/ubus/client.ts';
import {
  type Attributes,
  decodeMessage,
  encodeMessage,
  FrameReader,
  type Message,
  UBUS_MSG_ADD_OBJECT,
  UBUS_MSG_DATA,
  UBUS_MSG_HELLO,
  UBUS_MSG_INVOKE,
  UBUS_MSG_LOOKUP,
  UBUS_MSG_STATUS,
} from '../../src/ubus/message.ts';
import { ManualClock, settle } from './clock.ts';
import { type FarEnd, MemoryStreams } from './stream.ts';

/** The id that `hello` gives, and the caller's in `invoke`. */
export const CLIENT = 0xfc921bb6;
export const CALLER = 0x10337464;

/** One client, its clock and its connections. */
export class Ubusd {
  readonly clock = new ManualClock();
  readonly streams = new MemoryStreams();
  /** What was logged, as `level event`. */
  readonly lines: string[] = [];
  readonly client: UbusClient;

  constructor() {
    const at = (level: string) => (event: string, _fields?: LogFields) => this.lines.push(`${level} ${event}`);
    const log: Log = { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
    const { streams, clock } = this;
    this.client = new UbusClient({ streams, clock, random: () => 0.5, path: '/run/ubus.sock', log });
  }

  /** The newest connection. */
  get far(): FarEnd {
    return this.streams.last();
  }

  /** Starts the client and greets it. */
  connect(): this {
    this.client.start();
    return this.greet();
  }

  /** Lets the backoff pass, then greets the client on its new connection. */
  async reconnect(): Promise<void> {
    await this.clock.advance(1000);
    this.greet();
  }

  greet(): this {
    this.far.accept();
    this.send({ type: UBUS_MSG_HELLO, seq: 0, peer: CLIENT, attributes: {} });
    return this;
  }

  /** Sends frames in one chunk. */
  send(...messages: Message[]): void {
    this.far.send(joinBytes(messages.map(encodeMessage)));
  }

  /** What the client sent since the last time. */
  take(): Message[] {
    const messages: Message[] = [];
    new FrameReader().push(this.far.take(), (frame) => messages.push(decodeMessage(frame)));
    return messages;
  }

  /** The only message that the client sent. @throws Error when there are more or less. */
  one(type: number): Message {
    const messages = this.take();
    if (messages.length !== 1 || messages[0]!.type !== type)
      throw new Error(`expected one message of type ${type}, got ${JSON.stringify(messages.map((m) => m.type))}`);
    return messages[0]!;
  }

  /** Answers a request: any DATA, then the status. */
  answer(to: Message, status: number, ...data: Attributes[]): void {
    this.send(...answers(to, status, ...data));
  }

  /** Answers as a provider does: DATA contents, and the object's id in each frame. */
  answerCall(to: Message, status: number, ...contents: Uint8Array[]): void {
    const objectId = to.peer;
    this.send(...contents.map((data) => ({ ...to, type: UBUS_MSG_DATA, attributes: { objectId, data } })), {
      ...to,
      type: UBUS_MSG_STATUS,
      attributes: { status, objectId },
    });
  }

  /** Takes the ADD_OBJECT that the client sent and gives it an id. */
  added(objectId: number): Message {
    const request = this.one(UBUS_MSG_ADD_OBJECT);
    this.answer(request, 0, { objectId, objectType: 1025 });
    return request;
  }

  /** Takes the LOOKUP that the client sent and answers it. */
  found(objectId: number): Message {
    const request = this.one(UBUS_MSG_LOOKUP);
    this.answer(request, 0, { path: request.attributes.path!, objectId, objectType: 1025 });
    return request;
  }

  /** Somebody calls an object of the client. */
  invoke(objectId: number, method: string, data: Uint8Array, seq = 7, peer = CALLER): void {
    this.send(call(objectId, method, data, seq, peer));
  }

  settle = settle;
}

/** The frames of an answer. */
export function answers(to: Message, status: number, ...data: Attributes[]): Message[] {
  return [
    ...data.map((attributes) => ({ ...to, type: UBUS_MSG_DATA, attributes })),
    { ...to, type: UBUS_MSG_STATUS, attributes: { status } },
  ];
}

/** An INVOKE as a provider gets it. */
export function call(objectId: number, method: string, data: Uint8Array, seq = 7, peer = CALLER): Message {
  const attributes = { objectId, method, user: 'root', group: 'root', data };
  return { type: UBUS_MSG_INVOKE, seq, peer, attributes };
}
