// The ubus client: one supervised connection to ubusd, over which objects are called, published, notified and listened to.
//
// What is published, subscribed to and listened for is desired state: it outlives every connection and is set up again on the next one.
// Calls are not repeated: those in flight when the link goes down fail at once.

import { errorText, LinkDownError, RemoteError } from '../errors.ts';
import { Backoff } from '../lib/backoff.ts';
import { joinBytes } from '../lib/bytes.ts';
import type { Log } from '../log.ts';
import type { Cancel, Clock, Stream, Streams } from '../transport/host.ts';
import { Link, type LinkReport } from '../transport/link.ts';
import { decodeTable, encodeMember, encodeTable, type Table } from './blobmsg.ts';
import { Connection } from './connection.ts';
import { type EventHandler, Listener, type NotificationHandler } from './listener.ts';
import {
  type Attributes,
  type Message,
  UBUS_MSG_INVOKE,
  UBUS_MSG_LOOKUP,
  UBUS_MSG_NOTIFY,
  UBUS_MSG_PING,
  UBUS_MSG_UNSUBSCRIBE,
  UBUS_SYSTEM_OBJECT_EVENT,
} from './message.ts';
import { type Data, encodeData, type UbusObject } from './object.ts';
import { type Acknowledgement, HOUSEKEEPING_TIMEOUT_MS, type NotifyOptions, Publisher } from './publisher.ts';
import { statusError, UBUS_STATUS_NOT_FOUND, UBUS_STATUS_OK, UBUS_STATUS_UNKNOWN_ERROR } from './status.ts';

/** From dialling to HELLO, which ubusd sends at once. */
const READY_TIMEOUT_MS = 10_000;
/** Waits between attempts to connect: a restarted ubusd is found again within a second. */
const BACKOFF = { firstMs: 100, maxMs: 1000 };
const CALL_TIMEOUT_MS = 30_000;
/** Object ids remembered by path. */
const MAX_KNOWN_IDS = 256;

export interface UbusClientOptions {
  streams: Streams;
  clock: Clock;
  /** Uniform in [0, 1). */
  random(): number;
  /** ubusd's socket. */
  path: string;
  log: Log;
}

export interface CallOptions {
  /** From the call to its last answer, default 30,000. */
  timeoutMs?: number;
}

/** An object as ubusd shows it. */
export interface ObjectInfo {
  path: string;
  id: number;
  type: number;
  /** Per method a table: per argument the number of its type. */
  signature: Table;
}

interface Ask {
  what: string;
  type: number;
  peer: number;
  attributes: Attributes;
  timeoutMs: number;
  onData?(message: Message): void;
}

/** A client of ubusd that stays connected from `start()` to `stop()`. */
export class UbusClient {
  private readonly link: Link;
  private readonly publisher: Publisher;
  private readonly listener: Listener;
  private connection: Connection | undefined;
  private clientId = 0;
  private readonly ids = new Map<string, number>();
  private readonly changed = new Set<(up: boolean, error: Error | undefined) => void>();
  private readonly subscribersChanged = new Set<(path: string, active: boolean) => void>();

  constructor(private readonly options: UbusClientOptions) {
    const { streams, clock, random, path, log } = options;
    this.publisher = new Publisher(clock, log, (object, active) => {
      for (const callback of [...this.subscribersChanged]) callback(object, active);
    });
    this.listener = new Listener(clock, log, (object) => this.ids.delete(object));
    this.link = new Link(streams, clock, {
      endpoint: { path },
      log,
      backoff: new Backoff({ ...BACKOFF, random }),
      readyTimeoutMs: READY_TIMEOUT_MS,
      open: (stream) => this.open(stream),
      onChange: (up, error) => this.onLinkChange(up, error),
    });
  }

  start(): void {
    this.link.start();
  }

  /** Disconnects; what is desired is kept for the next `start()`. */
  stop(): void {
    this.link.stop();
  }

  get up(): boolean {
    return this.link.up;
  }

  /** Our id on this connection; 0 while there is none. */
  get id(): number {
    return this.clientId;
  }

  /** The state of the link, for people. */
  report(): LinkReport {
    return this.link.report();
  }

  /** Tells each change of `up`, and why it went down. */
  onChange(callback: (up: boolean, error: Error | undefined) => void): Cancel {
    this.changed.add(callback);
    return () => this.changed.delete(callback);
  }

  // objects of others

  /**
   * Calls a method of the object at `path`. Resolves to its DATA, in order: usually one, sometimes none or many.
   * @throws RemoteError with the ubus status; TimeoutError when no answer came, also because the provider went away; LinkDownError; WireError
   * when the answer is no blobmsg; TypeError when `args` has a value of no blobmsg type.
   */
  async call(path: string, method: string, args: Data = {}, options: CallOptions = {}): Promise<Table[]> {
    const { timeoutMs = CALL_TIMEOUT_MS } = options;
    const { clock } = this.options;
    const endMs = clock.monotonicMs() + timeoutMs;
    const data = encodeData(args);
    const known = this.ids.get(path);
    if (known !== undefined) {
      const answer = await this.invokeRaw(`call ${path} ${method}`, known, method, data, timeoutMs);
      if (answer) return answer;
      this.ids.delete(path);
    }
    const id = await this.find(path, endMs - clock.monotonicMs());
    const answer = await this.invokeRaw(`call ${path} ${method}`, id, method, data, endMs - clock.monotonicMs());
    if (answer) return answer;
    this.ids.delete(path);
    throw statusError(`call ${path} ${method}`, UBUS_STATUS_NOT_FOUND);
  }

  /** Calls a method of the object with this id; otherwise like `call`. */
  async invoke(id: number, method: string, args: Data = {}, options: CallOptions = {}): Promise<Table[]> {
    const what = `call @${id.toString(16)} ${method}`;
    const answer = await this.invokeRaw(what, id, method, encodeData(args), options.timeoutMs ?? CALL_TIMEOUT_MS);
    if (!answer) throw statusError(what, UBUS_STATUS_NOT_FOUND);
    return answer;
  }

  /** The object at a path; with a `*` at the end, all whose path begins so; without a path, all. @throws RemoteError NOT_FOUND when there is none. */
  async lookup(path?: string, options: CallOptions = {}): Promise<ObjectInfo[]> {
    const found: ObjectInfo[] = [];
    await this.ask({
      what: `lookup ${path ?? '*'}`,
      type: UBUS_MSG_LOOKUP,
      peer: 0,
      attributes: path === undefined ? {} : { path },
      timeoutMs: options.timeoutMs ?? CALL_TIMEOUT_MS,
      onData: ({ attributes: { path: at, objectId, objectType = 0, signature } }) => {
        if (at !== undefined && objectId !== undefined)
          found.push({ path: at, id: objectId, type: objectType, signature: this.readSignature(at, signature) });
      },
    });
    return found;
  }

  /** Hears the notifications of an object, whenever it is there, until cancelled; `onActive` tells when it begins and ends to be heard. */
  subscribe(path: string, handle: NotificationHandler, onActive?: (active: boolean) => void): Cancel {
    return this.listener.subscribe(path, handle, onActive);
  }

  // objects of ours

  /** Keeps an object on ubus from now on. @throws InputError when its path is published already. */
  publish(object: UbusObject): void {
    this.publisher.publish(object);
  }

  /** Takes an object back. */
  withdraw(path: string): void {
    this.publisher.withdraw(path);
  }

  /** Notifies the subscribers of one of our objects. @throws LinkDownError while it is not on ubus; RemoteError; TypeError as `call`. */
  notify(path: string, type: string, data: Data = {}, options: NotifyOptions = {}): Promise<Acknowledgement[]> {
    return this.publisher.notify(path, type, data, options);
  }

  /** Somebody listens to the notifications of one of our objects. */
  hasSubscribers(path: string): boolean {
    return this.publisher.hasSubscribers(path);
  }

  /** Tells when the first subscriber of one of our objects comes and the last one goes. */
  onSubscribers(callback: (path: string, active: boolean) => void): Cancel {
    this.subscribersChanged.add(callback);
    return () => this.subscribersChanged.delete(callback);
  }

  // events

  /** Hears events until cancelled; `pattern` is an id, or its beginning and `*`. Our own events do not come back to us. */
  listen(pattern: string, handle: EventHandler): Cancel {
    return this.listener.listen(pattern, handle);
  }

  /** Sends an event. @throws RemoteError PERMISSION_DENIED, also for ids that begin with `ubus.`; LinkDownError; TimeoutError; TypeError as `call`. */
  async send(id: string, data: Data = {}): Promise<void> {
    await this.ask({
      what: `send ${id}`,
      type: UBUS_MSG_INVOKE,
      peer: UBUS_SYSTEM_OBJECT_EVENT,
      attributes: {
        objectId: UBUS_SYSTEM_OBJECT_EVENT,
        method: 'send',
        data: joinBytes([encodeTable({ id }), encodeMember('data', encodeData(data))]),
      },
      timeoutMs: HOUSEKEEPING_TIMEOUT_MS,
    });
  }

  // ubusd

  /** Asks ubusd for a sign of life. @throws TimeoutError, LinkDownError */
  async ping(options: CallOptions = {}): Promise<void> {
    const timeoutMs = options.timeoutMs ?? CALL_TIMEOUT_MS;
    await this.ask({ what: 'ping', type: UBUS_MSG_PING, peer: 0, attributes: {}, timeoutMs });
  }

  private open(stream: Stream): Connection {
    const connection = new Connection(stream, this.options.clock, this.options.log, {
      onHello: (id) => {
        this.connection = connection;
        this.clientId = id;
        this.link.ready();
      },
      onMessage: (message) => this.onMessage(message),
      onBroken: (error) => this.link.drop(error),
    });
    return connection;
  }

  private onLinkChange(up: boolean, error: Error | undefined): void {
    const { connection } = this;
    if (up && connection) {
      this.publisher.attach(connection);
      this.listener.attach(connection);
    } else {
      this.connection = undefined;
      this.clientId = 0;
      this.ids.clear();
      this.publisher.detach();
      this.listener.detach();
    }
    for (const callback of [...this.changed]) callback(up, error);
  }

  private onMessage(message: Message): void {
    const { type, peer, attributes } = message;
    const { objectId = 0 } = attributes;
    if (type === UBUS_MSG_INVOKE && this.publisher.owns(objectId)) this.publisher.onInvoke(message);
    else if (type === UBUS_MSG_INVOKE && this.listener.owns(objectId)) this.listener.onInvoke(message);
    else if (type === UBUS_MSG_NOTIFY) this.publisher.onActive(message);
    else if (type === UBUS_MSG_UNSUBSCRIBE) this.listener.onUnsubscribe(message);
    else this.options.log.debug('frame ignored', { type, peer, object: objectId });
  }

  /** One provider's nonsense must not hide the objects of all others. */
  private readSignature(path: string, signature: Uint8Array | undefined): Table {
    try {
      return signature ? decodeTable(signature) : {};
    } catch (error) {
      this.options.log.debug('signature ignored', { path, error: errorText(error) });
      return {};
    }
  }

  private async find(path: string, timeoutMs: number): Promise<number> {
    let id: number | undefined;
    await this.ask({
      what: `lookup ${path}`,
      type: UBUS_MSG_LOOKUP,
      peer: 0,
      attributes: { path },
      timeoutMs,
      onData: ({ attributes }) => {
        if (attributes.path === path) id = attributes.objectId;
      },
    });
    // an object of which we may call no method is not shown
    if (id === undefined) throw statusError(`lookup ${path}`, UBUS_STATUS_NOT_FOUND);
    if (this.ids.size >= MAX_KNOWN_IDS) this.ids.clear();
    this.ids.set(path, id);
    return id;
  }

  /** The DATA of an answer; `undefined` when ubusd knows no object with this id. */
  private async invokeRaw(
    what: string,
    objectId: number,
    method: string,
    data: Uint8Array,
    timeoutMs: number,
  ): Promise<Table[] | undefined> {
    const tables: Table[] = [];
    try {
      await this.ask({
        what,
        type: UBUS_MSG_INVOKE,
        peer: objectId,
        attributes: { objectId, method, data },
        timeoutMs,
        onData: ({ attributes }) => {
          tables.push(attributes.data ? decodeTable(attributes.data) : {});
        },
      });
      return tables;
    } catch (error) {
      if (error instanceof UnknownObject) return undefined;
      const reason = tables.at(-1)?.error;
      if (error instanceof RemoteError && typeof reason === 'string')
        throw statusError(what, error.status as number, reason);
      throw error;
    }
  }

  /** Sends a request; settles with its STATUS. */
  private ask(ask: Ask): Promise<void> {
    return new Promise((resolve, reject) => {
      const { connection } = this;
      if (!connection) throw new LinkDownError(`${ask.what}: not connected`);
      connection.request({
        ...ask,
        onDone(result) {
          if (result instanceof Error) return reject(result);
          const { status = UBUS_STATUS_UNKNOWN_ERROR, objectId } = result.attributes;
          if (status === UBUS_STATUS_OK) resolve();
          // a provider's own status carries its object id: only ubusd's NOT_FOUND means that the object is gone
          else if (status === UBUS_STATUS_NOT_FOUND && objectId === undefined && ask.type === UBUS_MSG_INVOKE)
            reject(new UnknownObject(`${ask.what}: no such object`, status));
          else reject(statusError(ask.what, status));
        },
      });
    });
  }
}

/** ubusd has no object with the id that was called. */
class UnknownObject extends RemoteError {}
