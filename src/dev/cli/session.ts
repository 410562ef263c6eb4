// One connection of the command line: made once, never remade; its requests answer with a status, as libubus' do.

import { LinkDownError, TimeoutError, WireError } from '../../errors.ts';
import { SILENT } from '../../log.ts';
import type { Clock, Stream, Streams } from '../../transport/host.ts';
import { encodeTable } from '../../ubus/blobmsg.ts';
import { Connection } from '../../ubus/connection.ts';
import {
  type Attributes,
  type Message,
  UBUS_MSG_ADD_OBJECT,
  UBUS_MSG_INVOKE,
  UBUS_MSG_LOOKUP,
  UBUS_SYSTEM_OBJECT_EVENT,
} from '../../ubus/message.ts';
import {
  UBUS_STATUS_CONNECTION_FAILED,
  UBUS_STATUS_OK,
  UBUS_STATUS_PARSE_ERROR,
  UBUS_STATUS_TIMEOUT,
  UBUS_STATUS_UNKNOWN_ERROR,
} from '../../ubus/status.ts';

/** For what the broker itself answers, and at once. */
const BROKER_TIMEOUT_MS = 30_000;

/** A request; `peer` is whom the answer comes from, the object's id or 0 for the broker. */
export interface SessionRequest {
  readonly type: number;
  readonly peer?: number;
  readonly attributes: Attributes;
  readonly timeoutMs?: number;
  onData?(message: Message): void;
}

/** A connection that has been greeted. */
export class Session {
  /** Called with every frame that answers nothing. */
  onMessage: (message: Message) => void = () => {};

  private constructor(
    private readonly connection: Connection,
    /** Resolves when the connection has ended. */
    readonly closed: Promise<void>,
    /** Ends the connection. */
    readonly close: () => void,
  ) {}

  /** Connects and waits for the greeting. @throws Error when nobody answers. */
  static open(streams: Streams, clock: Clock, path: string): Promise<Session> {
    return new Promise((resolve, reject) => {
      let ended = (): void => {};
      const closed = new Promise<void>((done) => {
        ended = done;
      });
      let connection: Connection | undefined;
      let session: Session | undefined;
      const fail = (error: Error): void => {
        stream.close();
        connection?.onDown(error);
        ended();
        reject(error); // nothing happens after the session was given out
      };
      const stream: Stream = streams.dial(
        { path },
        {
          onOpen() {
            const made = new Connection(stream, clock, SILENT, {
              onHello: () => {
                session = new Session(made, closed, () => fail(new LinkDownError('closed')));
                resolve(session);
              },
              onMessage: (message) => session?.onMessage(message),
              onBroken: fail,
            });
            connection = made;
          },
          onData: (bytes) => connection?.onData(bytes),
          onDrain: () => connection?.onDrain(),
          onClose: (error) => fail(error ?? new LinkDownError('the broker closed the connection')),
        },
      );
    });
  }

  /** Sends a request and answers with its status. */
  request({ type, peer = 0, attributes, timeoutMs = BROKER_TIMEOUT_MS, onData }: SessionRequest): Promise<number> {
    return new Promise((resolve) => {
      this.connection.request({
        what: 'request',
        type,
        peer,
        attributes,
        timeoutMs,
        ...(onData && { onData }),
        onDone: (result) =>
          resolve(result instanceof Error ? statusOf(result) : (result.attributes.status ?? UBUS_STATUS_UNKNOWN_ERROR)),
      });
    });
  }

  /** Looks up one object, several (`path*`) or all; `onObject` gets each as it comes. */
  lookup(path: string | undefined, onObject: (attributes: Attributes) => void): Promise<number> {
    return this.request({
      type: UBUS_MSG_LOOKUP,
      attributes: path === undefined ? {} : { path },
      onData: ({ attributes }) => onObject(attributes),
    });
  }

  /** The id of the object at a path, or why there is none. */
  async find(path: string): Promise<{ status: number; id: number }> {
    let id = 0;
    const status = await this.lookup(path, ({ objectId = 0 }) => {
      id = objectId;
    });
    return { status, id };
  }

  /** Calls one of the broker's own objects. */
  system(objectId: number, method: string, data: Uint8Array): Promise<number> {
    return this.request({ type: UBUS_MSG_INVOKE, peer: objectId, attributes: { objectId, method, data } });
  }

  /** Adds an object without a path, to be called with notifications and events. */
  async addAnonymous(): Promise<{ status: number; id: number }> {
    let id = 0;
    const status = await this.request({
      type: UBUS_MSG_ADD_OBJECT,
      attributes: {},
      onData: ({ attributes }) => {
        id = attributes.objectId ?? 0;
      },
    });
    return { status, id };
  }

  /** Has an object of ours called with the events of a pattern. */
  register(object: number, pattern: string): Promise<number> {
    return this.system(UBUS_SYSTEM_OBJECT_EVENT, 'register', encodeTable({ object: object | 0, pattern }));
  }

  /** Thanks for a call; the caller may wait for it. */
  acknowledge(invoke: Message): void {
    if (!invoke.attributes.noReply) this.connection.reply(invoke, { status: UBUS_STATUS_OK, data: [] });
  }
}

function statusOf(error: Error): number {
  if (error instanceof TimeoutError) return UBUS_STATUS_TIMEOUT;
  if (error instanceof LinkDownError) return UBUS_STATUS_CONNECTION_FAILED;
  return error instanceof WireError ? UBUS_STATUS_PARSE_ERROR : UBUS_STATUS_UNKNOWN_ERROR;
}
