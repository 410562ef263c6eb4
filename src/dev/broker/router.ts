// What the broker does with each frame: the rules of ubusd, with its statuses and its order of frames.

import type { Log } from '../../log.ts';
import { writeUint32 } from '../../ubus/blob.ts';
import {
  BLOBMSG_TYPE_INT32,
  BLOBMSG_TYPE_STRING,
  BLOBMSG_TYPE_TABLE,
  encodeTable,
  readText,
} from '../../ubus/blobmsg.ts';
import {
  UBUS_MSG_ADD_OBJECT,
  UBUS_MSG_DATA,
  UBUS_MSG_HELLO,
  UBUS_MSG_INVOKE,
  UBUS_MSG_LOOKUP,
  UBUS_MSG_NOTIFY,
  UBUS_MSG_PING,
  UBUS_MSG_REMOVE_OBJECT,
  UBUS_MSG_STATUS,
  UBUS_MSG_SUBSCRIBE,
  UBUS_MSG_UNSUBSCRIBE,
  UBUS_SYSTEM_OBJECT_ACL,
  UBUS_SYSTEM_OBJECT_EVENT,
  UBUS_SYSTEM_OBJECT_MAX,
  UBUS_SYSTEM_OBJECT_MONITOR,
} from '../../ubus/message.ts';
import {
  UBUS_STATUS_INVALID_ARGUMENT,
  UBUS_STATUS_INVALID_COMMAND,
  UBUS_STATUS_METHOD_NOT_FOUND,
  UBUS_STATUS_NOT_FOUND,
  UBUS_STATUS_OK,
  UBUS_STATUS_PERMISSION_DENIED,
} from '../../ubus/status.ts';
import { formatId } from '../id.ts';
import { findMember } from '../member.ts';
import type { Client } from './client.ts';
import { Events } from './event.ts';
import { type BusObject, link, Registry, type Subscription, unlink } from './object.ts';
import { Output } from './output.ts';
import type { Owner } from './owner.ts';
import { type Request, readRequest } from './request.ts';

/** A status to answer with; `undefined`: no STATUS of the broker's own follows. */
type Outcome = number | undefined;

const NOTHING = new Uint8Array(0);
/** Longest path and signature together, so that the answer to a LOOKUP fits into a frame. */
const MAX_OBJECT_BYTES = 1_048_000;

/** The state of one bus. */
export class Router {
  private readonly clients = new Map<number, Client>();
  private readonly registry = new Registry();
  private readonly output = new Output();
  private readonly events = new Events(this.output);
  private readonly handlers = new Map<number, (request: Request) => Outcome>([
    [UBUS_MSG_STATUS, (request) => this.relay(request)],
    [UBUS_MSG_DATA, (request) => this.relay(request)],
    [UBUS_MSG_PING, (request) => this.ping(request)],
    [UBUS_MSG_LOOKUP, (request) => this.lookup(request)],
    [UBUS_MSG_INVOKE, (request) => this.invoke(request)],
    [UBUS_MSG_ADD_OBJECT, (request) => this.addObject(request)],
    [UBUS_MSG_REMOVE_OBJECT, (request) => this.removeObject(request)],
    [UBUS_MSG_SUBSCRIBE, (request) => this.subscribe(request)],
    [UBUS_MSG_UNSUBSCRIBE, (request) => this.unsubscribe(request)],
    [UBUS_MSG_NOTIFY, (request) => this.notify(request)],
  ]);

  /** @param owner whom providers are told to be called by: Node cannot ask a socket for its peer's credentials (SO_PEERCRED), and the
   * socket is open to the broker's own user alone. */
  constructor(
    private readonly log: Log,
    private readonly owner: Owner,
  ) {
    this.registry.addSystem(UBUS_SYSTEM_OBJECT_EVENT, (request, method) => this.eventCall(request, method));
    this.registry.addSystem(UBUS_SYSTEM_OBJECT_ACL, (request, method) => this.accessCall(request, method));
    this.registry.addSystem(UBUS_SYSTEM_OBJECT_MONITOR, (request, method) => this.monitorCall(request, method));
  }

  /** Ids of the connected clients. */
  get ids(): ReadonlyMap<number, Client> {
    return this.clients;
  }

  /** A new connection: greets it with its id. */
  join(client: Client): void {
    this.clients.set(client.id, client);
    this.output.send(client, { type: UBUS_MSG_HELLO, seq: 0, peer: client.id, attributes: {} });
  }

  /** A connection is gone, and with it its objects. */
  leave(client: Client): void {
    this.output.removeMonitor(client);
    for (const object of this.registry.ownedBy(client)) this.dismiss(object);
    this.clients.delete(client.id);
  }

  /** Handles one frame, then holds its sender back from the clients that it made slow. */
  receive(client: Client, frame: Uint8Array): void {
    this.output.takeSlow();
    this.output.show(client, frame, false);
    const request = readRequest(client, frame);
    if (request.fault)
      this.log.warn('malformed request', { client: formatId(client.id), error: request.fault.message });
    // taken before the handler, which may rewrite the head to pass the frame on
    const { seq, peer } = request;
    const status = this.handle(request);
    if (status !== undefined) this.output.send(client, { type: UBUS_MSG_STATUS, seq, peer, attributes: { status } });
    for (const slow of this.output.takeSlow()) client.waitFor(slow);
  }

  private handle(request: Request): Outcome {
    const handler = this.handlers.get(request.type);
    if (!handler) return UBUS_STATUS_INVALID_COMMAND;
    try {
      return handler(request);
    } catch (error) {
      // only encoding throws it: what the broker adds (the caller's names) made the frame too long to go on
      if (!(error instanceof RangeError)) throw error;
      this.log.warn('request refused', { client: formatId(request.client.id), error: error.message });
      return UBUS_STATUS_INVALID_ARGUMENT;
    }
  }

  private reply({ client, seq, peer }: Request, attributes: Parameters<Output['send']>[1]['attributes']): void {
    this.output.send(client, { type: UBUS_MSG_DATA, seq, peer, attributes });
  }

  private ping({ client, frame }: Request): Outcome {
    frame[1] = UBUS_MSG_DATA;
    this.output.forward(client, frame);
    return UBUS_STATUS_OK;
  }

  // objects

  private lookup(request: Request): Outcome {
    const { path } = request;
    if (path === '') return UBUS_STATUS_INVALID_ARGUMENT;
    if (path === undefined) {
      for (const object of this.registry.startingWith('')) this.describe(request, object);
      return UBUS_STATUS_OK;
    }
    const exact = this.registry.at(path);
    const found = path.endsWith('*') ? this.registry.startingWith(path.slice(0, -1)) : exact ? [exact] : [];
    for (const object of found) this.describe(request, object);
    return found.length > 0 ? UBUS_STATUS_OK : UBUS_STATUS_NOT_FOUND;
  }

  /** Objects without a type exist, but do not show. */
  private describe(request: Request, { path, id, type }: BusObject): void {
    if (path === undefined || !type) return;
    this.reply(request, { path, objectId: id, objectType: type.id, signature: type.signature });
  }

  private addObject(request: Request): Outcome {
    const { client, path, signature } = request;
    if ((path?.length ?? 0) + (signature?.length ?? 0) > MAX_OBJECT_BYTES) return UBUS_STATUS_INVALID_ARGUMENT;
    const object = this.registry.add(client, request);
    if (!object) return UBUS_STATUS_INVALID_ARGUMENT;
    if (path !== undefined) this.announce('ubus.object.add', object.id, path);
    this.reply(request, {
      objectId: object.id,
      ...(signature && object.type && { objectType: object.type.id }),
    });
    return UBUS_STATUS_OK;
  }

  private removeObject(request: Request): Outcome {
    if (request.objectId === undefined) return UBUS_STATUS_INVALID_ARGUMENT;
    const object = this.registry.find(request.objectId);
    if (!object) return UBUS_STATUS_NOT_FOUND;
    if (object.owner !== request.client) return UBUS_STATUS_PERMISSION_DENIED;
    this.reply(request, {
      objectId: object.id,
      ...(object.type?.uses === 1 && { objectType: object.type.id }),
    });
    this.dismiss(object);
    return UBUS_STATUS_OK;
  }

  /** Takes an object off the bus and tells everybody concerned. */
  private dismiss(object: BusObject): void {
    for (const subscription of object.targets) this.endSubscription(subscription);
    for (const subscription of object.subscribers) {
      const { subscriber } = subscription;
      this.output.send(subscriber.owner!, {
        type: UBUS_MSG_UNSUBSCRIBE,
        seq: ++subscriber.sequence & 0xffff,
        peer: 0,
        attributes: { objectId: subscriber.id, target: object.id },
      });
      this.endSubscription(subscription);
    }
    this.events.forget(object);
    if (object.path !== undefined) this.announce('ubus.object.remove', object.id, object.path);
    this.registry.remove(object);
  }

  private announce(event: string, id: number, path: string): void {
    this.events.send(undefined, event, encodeTable({ id: id | 0, path }));
  }

  // calls

  private invoke(request: Request): Outcome {
    const { client, seq, method, objectId, data } = request;
    if (method === undefined || objectId === undefined) return UBUS_STATUS_INVALID_ARGUMENT;
    const object = this.registry.find(objectId);
    if (!object) return UBUS_STATUS_NOT_FOUND;
    if (object.handler) return object.handler(request, method);
    this.call(object, client, seq, method, data, false);
    return undefined;
  }

  private call(
    object: BusObject,
    caller: Client,
    seq: number,
    method: string,
    data: Uint8Array | undefined,
    noReply: boolean,
  ): void {
    this.output.send(object.owner!, {
      type: UBUS_MSG_INVOKE,
      seq,
      peer: caller.id,
      attributes: {
        ...(noReply && { noReply }),
        objectId: object.id,
        method,
        user: this.owner.user,
        group: this.owner.group,
        ...(data && { data }),
      },
    });
  }

  /** A provider's DATA or STATUS goes to the client that the head names, with the object's id in its place. There is no table of calls. */
  private relay({ client, frame, type, peer, objectId, status, data }: Request): Outcome {
    const object = this.registry.find(objectId);
    const to = this.clients.get(peer);
    const isComplete = type === UBUS_MSG_STATUS ? status !== undefined : data !== undefined;
    if (!object || object.owner !== client || !to || !isComplete) return undefined;
    writeUint32(frame, 4, object.id);
    this.output.forward(to, frame);
    return undefined;
  }

  // subscriptions

  private subscribe({ client, objectId, target: targetId }: Request): Outcome {
    if (objectId === undefined || targetId === undefined) return UBUS_STATUS_INVALID_ARGUMENT;
    const object = this.registry.find(objectId);
    if (!object) return UBUS_STATUS_NOT_FOUND;
    if (object.owner !== client) return UBUS_STATUS_INVALID_ARGUMENT;
    const target = this.registry.find(targetId);
    if (!target?.owner) return UBUS_STATUS_NOT_FOUND;
    if (target.owner === client) return UBUS_STATUS_INVALID_ARGUMENT;
    if (link(object, target)) this.tellActive(target, true);
    return UBUS_STATUS_OK;
  }

  private unsubscribe({ client, objectId, target: targetId }: Request): Outcome {
    if (objectId === undefined || targetId === undefined) return UBUS_STATUS_INVALID_ARGUMENT;
    const object = this.registry.find(objectId);
    if (!object) return UBUS_STATUS_NOT_FOUND;
    if (object.owner !== client) return UBUS_STATUS_INVALID_ARGUMENT;
    const subscription = object.targets.find(({ target }) => target.id === targetId);
    if (!subscription) return UBUS_STATUS_NOT_FOUND;
    this.endSubscription(subscription);
    return UBUS_STATUS_OK;
  }

  private endSubscription(subscription: Subscription): void {
    if (unlink(subscription)) this.tellActive(subscription.target, false);
  }

  private tellActive(target: BusObject, active: boolean): void {
    this.output.send(target.owner!, {
      type: UBUS_MSG_NOTIFY,
      seq: ++target.sequence & 0xffff,
      peer: 0,
      attributes: { objectId: target.id, active },
    });
  }

  private notify({ client, seq, peer, objectId, method, data, noReply = false }: Request): Outcome {
    if (method === undefined || objectId === undefined) return UBUS_STATUS_INVALID_ARGUMENT;
    const object = this.registry.find(objectId);
    if (!object) return UBUS_STATUS_NOT_FOUND;
    if (object.owner !== client) return UBUS_STATUS_PERMISSION_DENIED;
    if (!noReply) {
      const subscribers = object.subscribers.map(({ subscriber }) => subscriber.id);
      const attributes = { objectId: object.id, subscribers, status: UBUS_STATUS_OK };
      this.output.send(client, { type: UBUS_MSG_STATUS, seq, peer, attributes });
    }
    for (const { subscriber } of object.subscribers) this.call(subscriber, client, seq, method, data, noReply);
    return undefined;
  }

  // the broker's own objects

  private eventCall(request: Request, method: string): number {
    const data = request.data ?? NOTHING;
    if (method === 'register') return this.registerListener(request.client, data);
    if (method === 'send') return this.sendEvent(request.client, data);
    return UBUS_STATUS_INVALID_COMMAND;
  }

  private registerListener(client: Client, data: Uint8Array): number {
    const object = findMember(data, 'object', BLOBMSG_TYPE_INT32);
    const pattern = findMember(data, 'pattern', BLOBMSG_TYPE_STRING);
    if (!object || !pattern) return UBUS_STATUS_INVALID_ARGUMENT;
    const id = new DataView(object.value.buffer, object.value.byteOffset).getUint32(0);
    if (id < UBUS_SYSTEM_OBJECT_MAX) return UBUS_STATUS_PERMISSION_DENIED;
    const listener = this.registry.find(id);
    if (!listener) return UBUS_STATUS_NOT_FOUND;
    const text = readText(pattern.value, 0, pattern.value.length);
    if (listener.owner !== client || text === '') return UBUS_STATUS_PERMISSION_DENIED;
    this.events.register(listener, text);
    return UBUS_STATUS_OK;
  }

  private sendEvent(client: Client, data: Uint8Array): number {
    const id = findMember(data, 'id', BLOBMSG_TYPE_STRING);
    const content = findMember(data, 'data', BLOBMSG_TYPE_TABLE);
    if (!id || !content) return UBUS_STATUS_INVALID_ARGUMENT;
    const event = readText(id.value, 0, id.value.length);
    // the bus's own events
    if (event.startsWith('ubus.')) return UBUS_STATUS_PERMISSION_DENIED;
    this.events.send(client, event, content.value);
    return UBUS_STATUS_OK;
  }

  /** There are no access lists: nobody but the broker's own user can connect. */
  private accessCall(request: Request, method: string): number {
    if (method !== 'query') return UBUS_STATUS_INVALID_COMMAND;
    this.reply(request, { objectId: UBUS_SYSTEM_OBJECT_ACL, data: encodeTable({ seq: 0, acl: [] }) });
    return UBUS_STATUS_OK;
  }

  private monitorCall({ client }: Request, method: string): number {
    if (method === 'add') this.output.addMonitor(client);
    else if (method === 'remove') this.output.removeMonitor(client);
    else return UBUS_STATUS_METHOD_NOT_FOUND;
    return UBUS_STATUS_OK;
  }
}
