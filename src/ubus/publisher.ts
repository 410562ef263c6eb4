// The objects that we publish: kept on ubus across reconnects, their calls served, their subscribers told.

import { BusyError, errorText, InputError, LinkDownError, RemoteError, TimeoutError, WireError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Cancel, Clock } from '../transport/host.ts';
import type { Table } from './blobmsg.ts';
import type { Connection } from './connection.ts';
import {
  MAX_ANSWER_DATA,
  type Message,
  UBUS_MSG_ADD_OBJECT,
  UBUS_MSG_NOTIFY,
  UBUS_MSG_REMOVE_OBJECT,
} from './message.ts';
import {
  type Data,
  type EncodedReply,
  encodeData,
  encodeFailure,
  encodeReply,
  encodeSignature,
  Failure,
  type Reply,
  readArguments,
  toFailure,
  type UbusMethod,
  type UbusObject,
} from './object.ts';
import {
  statusError,
  statusName,
  UBUS_STATUS_INVALID_ARGUMENT,
  UBUS_STATUS_METHOD_NOT_FOUND,
  UBUS_STATUS_NOT_FOUND,
  UBUS_STATUS_OK,
  UBUS_STATUS_SYSTEM_ERROR,
  UBUS_STATUS_TIMEOUT,
  UBUS_STATUS_UNKNOWN_ERROR,
} from './status.ts';

/** A request of ours to ubusd itself; one that stays unanswered so long means that ubusd is stuck. */
export const HOUSEKEEPING_TIMEOUT_MS = 30_000;
/** Between attempts to take a path. ubusd needs a moment to see that our dead twin is gone. */
const RETRY_MS = 1000;
/** A path that is still taken after this long belongs to somebody else: worth a warning. */
const WARN_AFTER_MS = 10_000;
/** Calls whose handler has not answered yet. */
const MAX_DEFERRED = 256;
/** The longest that a handler may take. The command line waits for 30 s, uhttpd for 60 s. */
const HANDLER_TIMEOUT_MS = 60_000;

/** The answer of one subscriber to a notification: a status, TIMEOUT when none came. */
export interface Acknowledgement {
  /** Object id of the subscriber. */
  subscriber: number;
  status: number;
}

export interface NotifyOptions {
  /** Waits for the answer of each subscriber; without it nothing comes back. */
  wantReplies?: boolean;
  /** Default 30,000. */
  timeoutMs?: number;
}

interface Publication {
  object: UbusObject;
  signature: Uint8Array;
  /** On this connection, once ubusd has given one. */
  id: number | undefined;
  subscribed: boolean;
  refusedSinceMs: number | undefined;
  warned: boolean;
  cancelRetry: Cancel | undefined;
}

/** Keeps what is published in the state that was asked for. */
export class Publisher {
  private connection: Connection | undefined;
  private readonly publications = new Map<string, Publication>();
  private readonly byId = new Map<number, Publication>();
  /** Calls that wait for their handler, by caller, sequence number and object. */
  private readonly deferred = new Map<string, { invoke: Message; cancelTimer: Cancel }>();

  constructor(
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly onSubscribers: (path: string, active: boolean) => void,
  ) {}

  /** @throws InputError when the path is published already. */
  publish(object: UbusObject): void {
    const { path } = object;
    if (this.publications.has(path)) throw new InputError(`publish ${path}: published already`, 'path');
    const publication: Publication = {
      object,
      signature: encodeSignature(object),
      id: undefined,
      subscribed: false,
      refusedSinceMs: undefined,
      warned: false,
      cancelRetry: undefined,
    };
    this.publications.set(path, publication);
    this.add(publication);
  }

  /** Takes an object back; calls that wait for it are answered NOT_FOUND. A path that is not published is no error. */
  withdraw(path: string): void {
    const publication = this.publications.get(path);
    if (!publication) return;
    this.publications.delete(path);
    for (const [key, { invoke }] of this.deferred)
      if (invoke.attributes.objectId === publication.id)
        this.finish(key, invoke, encodeFailure(new Failure(UBUS_STATUS_NOT_FOUND, `${path}: withdrawn`)));
    const { id } = publication;
    this.forget(publication);
    if (id !== undefined) this.remove(id);
  }

  hasSubscribers(path: string): boolean {
    return this.publications.get(path)?.subscribed ?? false;
  }

  /**
   * Notifies the subscribers of one of our objects; with nobody subscribed nothing is sent. With `wantReplies` resolves to their answers.
   * @throws LinkDownError while the object is not on ubus; RemoteError when ubusd refuses.
   */
  notify(path: string, type: string, data: Data, options: NotifyOptions = {}): Promise<Acknowledgement[]> {
    const { wantReplies = false, timeoutMs = HOUSEKEEPING_TIMEOUT_MS } = options;
    return new Promise((resolve, reject) => {
      const what = `notify ${path} ${type}`;
      const publication = this.publications.get(path);
      const { connection } = this;
      if (!connection || publication?.id === undefined) throw new LinkDownError(`${what}: not published now`);
      if (!publication.subscribed) {
        resolve([]);
        return;
      }
      const objectId = publication.id;
      const content = { data: encodeData(data) };
      if (!wantReplies) {
        connection.post(what, UBUS_MSG_NOTIFY, objectId, { objectId, method: type, noReply: true, ...content });
        resolve([]);
        return;
      }
      /** By subscriber, in ubusd's order; TIMEOUT until its answer is there. Filled by the first STATUS, which lists them. */
      let answers: Map<number, number> | undefined;
      const toList = () => Array.from(answers ?? [], ([subscriber, status]) => ({ subscriber, status }));
      let open = 0;
      connection.request({
        what,
        type: UBUS_MSG_NOTIFY,
        peer: objectId,
        attributes: { objectId, method: type, ...content },
        timeoutMs,
        onStatus: ({ peer, attributes: { status = UBUS_STATUS_UNKNOWN_ERROR, subscribers } }) => {
          if (peer === objectId && !answers) {
            if (!subscribers) return true;
            answers = new Map(subscribers.map((id) => [id, UBUS_STATUS_TIMEOUT]));
            open = answers.size;
          } else if (answers?.get(peer) === UBUS_STATUS_TIMEOUT) {
            answers.set(peer, status);
            open--;
          }
          return open === 0 && answers !== undefined;
        },
        onDone: (result) => {
          if (result instanceof TimeoutError && answers) resolve(toList());
          else if (result instanceof Error) reject(result);
          else if (!answers) reject(statusError(what, result.attributes.status ?? UBUS_STATUS_UNKNOWN_ERROR));
          else resolve(toList());
        },
      });
    });
  }

  /** A connection stands: everything is published on it. */
  attach(connection: Connection): void {
    this.connection = connection;
    for (const publication of this.publications.values()) this.add(publication);
  }

  /** The connection is gone, and with it all ids, subscribers and callers. */
  detach(): void {
    this.connection = undefined;
    for (const { cancelTimer } of this.deferred.values()) cancelTimer();
    this.deferred.clear();
    for (const publication of this.publications.values()) this.forget(publication);
    this.byId.clear();
  }

  owns(objectId: number): boolean {
    return this.byId.has(objectId);
  }

  /** ubusd tells that the first subscriber of an object has come, or the last one gone. */
  onActive({ attributes: { objectId = 0, active } }: Message): void {
    const publication = this.byId.get(objectId);
    if (publication && active !== undefined) this.setSubscribed(publication, active);
  }

  /** Somebody calls one of our objects. */
  onInvoke(invoke: Message): void {
    const { connection } = this;
    const { objectId = 0, method: name = '', data, user = '', group = '' } = invoke.attributes;
    const publication = this.byId.get(objectId);
    if (!publication || !connection) return;
    const { path, methods } = publication.object;
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
    if (!method) {
      const failure = new Failure(UBUS_STATUS_METHOD_NOT_FOUND, `${path}: no method "${name}"`);
      connection.reply(invoke, encodeFailure(failure));
      return;
    }
    if (this.deferred.size >= MAX_DEFERRED) {
      const failure = new Failure(UBUS_STATUS_SYSTEM_ERROR, `busy: ${MAX_DEFERRED} calls wait for their answer`);
      connection.reply(invoke, encodeFailure(failure));
      return;
    }
    let args: Table;
    try {
      args = readArguments(method, data);
    } catch (error) {
      // arguments that are no blobmsg are the caller's fault, and only this call's
      const failure =
        error instanceof WireError ? new Failure(UBUS_STATUS_INVALID_ARGUMENT, error.message) : toFailure(error);
      connection.reply(invoke, encodeFailure(failure));
      return;
    }
    let reply: Reply | Promise<Reply>;
    try {
      reply = method.handle(args, { user, group, peer: invoke.peer });
    } catch (error) {
      connection.reply(invoke, this.encodeError(path, name, error));
      return;
    }
    if (reply instanceof Promise) this.defer(invoke, path, name, method, reply);
    else connection.reply(invoke, this.encode(path, name, method, reply));
  }

  private defer(invoke: Message, path: string, name: string, method: UbusMethod, reply: Promise<Reply>): void {
    const key = `${invoke.peer} ${invoke.seq} ${invoke.attributes.objectId}`;
    // a caller that counted round to the same number has given the earlier call up
    this.deferred.get(key)?.cancelTimer();
    const cancelTimer = this.clock.after(HANDLER_TIMEOUT_MS, () => {
      this.log.warn('handler too slow', { path, method: name, limit_ms: HANDLER_TIMEOUT_MS });
      const failure = new Failure(UBUS_STATUS_TIMEOUT, `${path} ${name}: no answer within ${HANDLER_TIMEOUT_MS} ms`);
      this.finish(key, invoke, encodeFailure(failure));
    });
    this.deferred.set(key, { invoke, cancelTimer });
    const isOpen = () => this.deferred.get(key)?.invoke === invoke;
    reply.then(
      (value) => isOpen() && this.finish(key, invoke, this.encode(path, name, method, value)),
      (error) => isOpen() && this.finish(key, invoke, this.encodeError(path, name, error)),
    );
  }

  private finish(key: string, invoke: Message, reply: EncodedReply): void {
    this.deferred.get(key)?.cancelTimer();
    this.deferred.delete(key);
    this.connection?.reply(invoke, reply);
  }

  private encode(path: string, name: string, method: UbusMethod, reply: Reply): EncodedReply {
    try {
      const encoded = encodeReply(method, reply);
      for (const { length } of encoded.data)
        if (length > MAX_ANSWER_DATA) throw new RangeError(`reply of ${length} bytes, at most ${MAX_ANSWER_DATA}`);
      return encoded;
    } catch (error) {
      return this.encodeError(path, name, error);
    }
  }

  private encodeError(path: string, name: string, error: unknown): EncodedReply {
    if (!(error instanceof Failure))
      this.log[isExpected(error) ? 'debug' : 'warn']('handler failed', { path, method: name, error: errorText(error) });
    return encodeFailure(toFailure(error));
  }

  private add(publication: Publication): void {
    const { connection } = this;
    const { path } = publication.object;
    connection?.request({
      what: `publish ${path}`,
      type: UBUS_MSG_ADD_OBJECT,
      peer: 0,
      attributes: { path, signature: publication.signature },
      timeoutMs: HOUSEKEEPING_TIMEOUT_MS,
      onData: ({ attributes: { objectId } }) => {
        // calls may follow in the same chunk as this frame
        publication.id = objectId;
        if (objectId !== undefined) this.byId.set(objectId, publication);
      },
      onDone: (result) => {
        if (result instanceof TimeoutError) connection.drop(result);
        if (connection.isDown) return;
        if (this.publications.get(path) === publication) this.onAdded(publication, result);
        else if (publication.id !== undefined) {
          const { id } = publication;
          this.forget(publication);
          this.remove(id);
        }
      },
    });
  }

  private onAdded(publication: Publication, result: Message | Error): void {
    const { path } = publication.object;
    const status = result instanceof Error ? undefined : (result.attributes.status ?? UBUS_STATUS_UNKNOWN_ERROR);
    if (status === UBUS_STATUS_OK && publication.id !== undefined) {
      if (publication.refusedSinceMs !== undefined) this.log.info('published', { path });
      publication.refusedSinceMs = undefined;
      publication.warned = false;
      return;
    }
    const nowMs = this.clock.monotonicMs();
    const reason = result instanceof Error ? result.message : statusName(status ?? UBUS_STATUS_UNKNOWN_ERROR);
    // ubusd says INVALID_ARGUMENT both when the path is taken and when its access list forbids us to publish it
    if (publication.refusedSinceMs === undefined) {
      publication.refusedSinceMs = nowMs;
      this.log.info('path taken or not allowed, trying again', { path, status: reason });
    } else if (nowMs - publication.refusedSinceMs >= WARN_AFTER_MS && !publication.warned) {
      publication.warned = true;
      this.log.warn('path still taken or not allowed', { path, status: reason });
    }
    publication.cancelRetry = this.clock.after(RETRY_MS, () => {
      publication.cancelRetry = undefined;
      this.add(publication);
    });
  }

  private remove(objectId: number): void {
    this.connection?.request({
      what: `withdraw ${objectId}`,
      type: UBUS_MSG_REMOVE_OBJECT,
      peer: 0,
      attributes: { objectId },
      timeoutMs: HOUSEKEEPING_TIMEOUT_MS,
      onDone: (result) => {
        if (!(result instanceof Error) && result.attributes.status !== UBUS_STATUS_OK)
          this.log.debug('not withdrawn', {
            status: statusName(result.attributes.status ?? UBUS_STATUS_UNKNOWN_ERROR),
          });
      },
    });
  }

  private forget(publication: Publication): void {
    if (publication.id !== undefined) this.byId.delete(publication.id);
    publication.id = undefined;
    publication.cancelRetry?.();
    publication.cancelRetry = undefined;
    this.setSubscribed(publication, false);
  }

  private setSubscribed(publication: Publication, active: boolean): void {
    if (publication.subscribed === active) return;
    publication.subscribed = active;
    this.onSubscribers(publication.object.path, active);
  }
}

/** Handlers fail so every day: what they were asked or whom they asked is at fault, not they. */
function isExpected(error: unknown): boolean {
  return [RemoteError, BusyError, LinkDownError, TimeoutError, InputError].some((kind) => error instanceof kind);
}
