// What we listen to: events by pattern and notifications of objects, each through an anonymous object of ours, kept across reconnects.
//
// ubusd forgets a subscription with its target. So we also listen for `ubus.object.add` and subscribe again when the target returns.

import { errorText, TimeoutError, WireError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Cancel, Clock } from '../transport/host.ts';
import { decodeTable, encodeTable, type Table } from './blobmsg.ts';
import type { Connection } from './connection.ts';
import {
  type Attributes,
  type Message,
  UBUS_MSG_ADD_OBJECT,
  UBUS_MSG_INVOKE,
  UBUS_MSG_LOOKUP,
  UBUS_MSG_REMOVE_OBJECT,
  UBUS_MSG_SUBSCRIBE,
  UBUS_SYSTEM_OBJECT_EVENT,
} from './message.ts';
import { HOUSEKEEPING_TIMEOUT_MS } from './publisher.ts';
import { statusName, UBUS_STATUS_INVALID_ARGUMENT, UBUS_STATUS_OK, UBUS_STATUS_UNKNOWN_ERROR } from './status.ts';

/** Between attempts that ubusd refused, or that wait for a target whose return we are not told of. */
const RETRY_MS = 5000;

/** Takes an event: its id and content. */
export type EventHandler = (id: string, data: Table) => void;
/** Takes a notification: its type and content. What it throws, the notifier gets as status UNKNOWN_ERROR. */
export type NotificationHandler = (type: string, data: Table) => void;

/** One anonymous object of ours and what it is for. */
interface Receiver {
  /** `listen meshbridge.*`, for logs. */
  readonly what: string;
  readonly handle: (name: string, data: Table) => void;
  readonly pattern?: string;
  readonly path?: string;
  readonly onActive?: ((active: boolean) => void) | undefined;
  /** On this connection: own object id; that of the object subscribed to. */
  id: number | undefined;
  target: number | undefined;
  /** Steps under way; an event that came meanwhile is looked into afterwards. */
  busy: boolean;
  again: boolean;
  warned: boolean;
  cancelRetry: Cancel | undefined;
}

/** Keeps what we listen to in the state that was asked for. */
export class Listener {
  private connection: Connection | undefined;
  private readonly receivers = new Set<Receiver>();
  private readonly byId = new Map<number, Receiver>();
  /** Watches objects come and go; there as soon as anything is subscribed to. */
  private watch: Receiver | undefined;
  private watching = false;

  constructor(
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly onObjectGone: (path: string) => void,
  ) {}

  /** Hears events from now on until cancelled. `pattern`: an event id, or its beginning and `*`. */
  listen(pattern: string, handle: EventHandler): Cancel {
    return this.add({ what: `listen ${pattern}`, pattern, handle });
  }

  /** Hears the notifications of an object from whenever it is there until cancelled; `onActive` tells when it is. */
  subscribe(path: string, handle: NotificationHandler, onActive?: (active: boolean) => void): Cancel {
    if (!this.watch) {
      this.listen('ubus.object.*', (id, data) => this.onObjectEvent(id, data));
      this.watch = [...this.receivers].at(-1);
    }
    return this.add({ what: `subscribe ${path}`, path, handle, onActive });
  }

  /** A connection stands: everything is set up on it. */
  attach(connection: Connection): void {
    this.connection = connection;
    for (const receiver of this.receivers) this.begin(receiver);
  }

  /** The connection is gone, and with it all ids. */
  detach(): void {
    this.connection = undefined;
    this.watching = false;
    this.byId.clear();
    for (const receiver of this.receivers) {
      receiver.id = undefined;
      receiver.busy = false;
      this.cancelRetry(receiver);
      this.setTarget(receiver, undefined);
    }
  }

  owns(objectId: number): boolean {
    return this.byId.has(objectId);
  }

  /** An event or a notification. */
  onInvoke(invoke: Message): void {
    const { objectId = 0, method = '', data, noReply } = invoke.attributes;
    const receiver = this.byId.get(objectId);
    if (!receiver) return;
    let status = UBUS_STATUS_OK;
    try {
      receiver.handle(method, data ? decodeTable(data) : {});
    } catch (error) {
      status = error instanceof WireError ? UBUS_STATUS_INVALID_ARGUMENT : UBUS_STATUS_UNKNOWN_ERROR;
      this.log.warn('not taken', { what: receiver.what, type: method, error: errorText(error) });
    }
    // events come from peer 0, and nobody waits for an answer to them
    if (!noReply && invoke.peer !== 0) this.connection?.reply(invoke, { status, data: [] });
  }

  /** ubusd tells that the target of a subscription is gone. */
  onUnsubscribe({ attributes: { objectId = 0, target } }: Message): void {
    const receiver = this.byId.get(objectId);
    if (receiver && receiver.target === target) this.setTarget(receiver, undefined);
  }

  private add(wanted: Pick<Receiver, 'what' | 'handle' | 'pattern' | 'path' | 'onActive'>): Cancel {
    const receiver: Receiver = {
      ...wanted,
      id: undefined,
      target: undefined,
      busy: false,
      again: false,
      warned: false,
      cancelRetry: undefined,
    };
    this.receivers.add(receiver);
    this.begin(receiver);
    return () => {
      if (!this.receivers.delete(receiver)) return;
      this.cancelRetry(receiver);
      if (receiver.id !== undefined) this.remove(receiver, receiver.id);
    };
  }

  /** Brings a receiver one step further; ends when it hears, or waits for its target. */
  private begin(receiver: Receiver): void {
    if (!this.connection || receiver.busy || !this.receivers.has(receiver)) return;
    this.cancelRetry(receiver);
    if (receiver.id === undefined) this.create(receiver);
    else if (receiver.pattern !== undefined) this.register(receiver, receiver.id, receiver.pattern);
    else if (receiver.target === undefined) this.find(receiver, receiver.id, receiver.path!);
  }

  private create(receiver: Receiver): void {
    this.step(
      receiver,
      UBUS_MSG_ADD_OBJECT,
      0,
      {},
      {
        onData: ({ attributes: { objectId } }) => {
          receiver.id = objectId;
          if (objectId !== undefined) this.byId.set(objectId, receiver);
        },
        onStatus: (status) => {
          if (status !== UBUS_STATUS_OK || receiver.id === undefined) this.refused(receiver, status);
          else if (this.receivers.has(receiver)) this.begin(receiver);
          else this.remove(receiver, receiver.id);
        },
      },
    );
  }

  private register(receiver: Receiver, id: number, pattern: string): void {
    // object ids are unsigned, but an int64 here is refused: the upper half of them goes as negative int32
    const data = encodeTable({ object: id | 0, pattern });
    const attributes: Attributes = { objectId: UBUS_SYSTEM_OBJECT_EVENT, method: 'register', data };
    this.step(receiver, UBUS_MSG_INVOKE, UBUS_SYSTEM_OBJECT_EVENT, attributes, {
      onStatus: (status) => {
        if (status !== UBUS_STATUS_OK) this.refused(receiver, status);
        else if (receiver === this.watch) {
          this.watching = true;
          // what appeared before we were told of it
          for (const other of this.receivers) if (other.path !== undefined) this.look(other);
        }
      },
    });
  }

  private find(receiver: Receiver, id: number, path: string): void {
    let found: number | undefined;
    receiver.again = false;
    this.step(
      receiver,
      UBUS_MSG_LOOKUP,
      0,
      { path },
      {
        onData: ({ attributes }) => {
          if (attributes.path === path) found = attributes.objectId;
        },
        onStatus: () => {
          if (!this.receivers.has(receiver)) return;
          if (found !== undefined) this.subscribeTo(receiver, id, found);
          else this.wait(receiver);
        },
      },
    );
  }

  private subscribeTo(receiver: Receiver, objectId: number, target: number): void {
    this.step(
      receiver,
      UBUS_MSG_SUBSCRIBE,
      0,
      { objectId, target },
      {
        onStatus: (status) => {
          if (!this.receivers.has(receiver)) return;
          if (status === UBUS_STATUS_OK) {
            receiver.warned = false;
            this.setTarget(receiver, target);
          } else if (receiver.again) this.find(receiver, objectId, receiver.path!);
          else this.refused(receiver, status);
        },
      },
    );
  }

  private step(
    receiver: Receiver,
    type: number,
    peer: number,
    attributes: Attributes,
    on: { onData?: (message: Message) => void; onStatus: (status: number) => void },
  ): void {
    const { connection } = this;
    if (!connection) return;
    receiver.busy = true;
    connection.request({
      what: receiver.what,
      type,
      peer,
      attributes,
      timeoutMs: HOUSEKEEPING_TIMEOUT_MS,
      ...(on.onData && { onData: on.onData }),
      onDone: (result) => {
        if (result instanceof TimeoutError) connection.drop(result);
        if (connection.isDown) return;
        receiver.busy = false;
        if (result instanceof Error) this.retry(receiver);
        else on.onStatus(result.attributes.status ?? UBUS_STATUS_UNKNOWN_ERROR);
      },
    });
  }

  private refused(receiver: Receiver, status: number): void {
    if (!receiver.warned) this.log.warn('refused, trying again', { what: receiver.what, status: statusName(status) });
    receiver.warned = true;
    this.retry(receiver);
  }

  /** The target is not there: its return is told to the watch, where that works. */
  private wait(receiver: Receiver): void {
    if (receiver.again) this.begin(receiver);
    else if (!this.watching) this.retry(receiver);
  }

  private retry(receiver: Receiver): void {
    this.cancelRetry(receiver);
    receiver.cancelRetry = this.clock.after(RETRY_MS, () => {
      receiver.cancelRetry = undefined;
      this.begin(receiver);
    });
  }

  private cancelRetry(receiver: Receiver): void {
    receiver.cancelRetry?.();
    receiver.cancelRetry = undefined;
  }

  private onObjectEvent(id: string, { path }: Table): void {
    if (typeof path !== 'string') return;
    if (id === 'ubus.object.remove') this.onObjectGone(path);
    if (id !== 'ubus.object.add') return;
    for (const receiver of this.receivers) {
      if (receiver.path === path) this.look(receiver);
    }
  }

  /** Its target may be there: looks now, or once the step under way is done. */
  private look(receiver: Receiver): void {
    receiver.again = true;
    this.begin(receiver);
  }

  private setTarget(receiver: Receiver, target: number | undefined): void {
    const active = target !== undefined;
    const was = receiver.target !== undefined;
    receiver.target = target;
    if (active !== was) receiver.onActive?.(active);
  }

  private remove(receiver: Receiver, objectId: number): void {
    this.byId.delete(objectId);
    receiver.id = undefined;
    receiver.target = undefined;
    this.connection?.request({
      what: `end ${receiver.what}`,
      type: UBUS_MSG_REMOVE_OBJECT,
      peer: 0,
      attributes: { objectId },
      timeoutMs: HOUSEKEEPING_TIMEOUT_MS,
      onDone() {},
    });
  }
}
