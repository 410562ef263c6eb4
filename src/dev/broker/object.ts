// The objects on the bus: their ids, paths, types and subscriptions.

import { randomInt } from 'node:crypto';
import { joinBytes } from '../../lib/bytes.ts';
import { BlobCursor } from '../../ubus/blob.ts';
import { UBUS_SYSTEM_OBJECT_MAX } from '../../ubus/message.ts';
import { attributes, memberAt } from '../member.ts';
import type { Client } from './client.ts';
import type { Request } from './request.ts';

/** Answers a call of one of the broker's own objects with a status. */
export type SystemHandler = (request: Request, method: string) => number;

/** A signature, shared by all objects that name its id. */
export interface ObjectType {
  readonly id: number;
  /** Objects of this type; at 0 the type is gone. */
  uses: number;
  /** One encoded blobmsg table per method. */
  readonly signature: Uint8Array;
}

/** Two objects, once for each time that one subscribed to the other. */
export interface Subscription {
  readonly subscriber: BusObject;
  readonly target: BusObject;
}

/** An object on the bus. */
export interface BusObject {
  readonly id: number;
  /** Absent: the broker's own. */
  readonly owner?: Client;
  readonly path?: string;
  readonly type?: ObjectType;
  readonly handler?: SystemHandler;
  /** Newest first, as ubusd lists and serves them. */
  subscribers: Subscription[];
  /** What this object is subscribed to; newest first. */
  targets: Subscription[];
  /** Sequence number of what the broker last sent to this object of its own accord. */
  sequence: number;
}

/** What ADD_OBJECT asks for. */
export interface ObjectRequest {
  readonly path?: string;
  readonly objectType?: number;
  readonly signature?: Uint8Array;
}

/** A random id as ubusd draws it, not taken yet. */
export function drawId(taken: { has(id: number): boolean }): number {
  for (;;) {
    const id = randomInt(UBUS_SYSTEM_OBJECT_MAX, 0x1_0000_0000);
    if (!taken.has(id)) return id;
  }
}

/** All objects, by id and by path, and their types. */
export class Registry {
  private readonly objects = new Map<number, BusObject>();
  private readonly types = new Map<number, ObjectType>();
  private readonly paths = new Map<string, BusObject>();

  /** Puts one of the broker's own objects on the bus. */
  addSystem(id: number, handler: SystemHandler): void {
    this.objects.set(id, { id, handler, subscribers: [], targets: [], sequence: 0 });
  }

  /** A new object; `undefined` when its path is taken. A type that is not known and a signature that does not do leave it without a type. */
  add(owner: Client, request: ObjectRequest): BusObject | undefined {
    const { path, objectType, signature } = request;
    if (path !== undefined && this.paths.has(path)) return undefined;
    const type = objectType === undefined ? this.newType(signature) : this.types.get(objectType);
    const object: BusObject = {
      id: drawId(this.objects),
      owner,
      ...(path !== undefined && { path }),
      ...(type && { type }),
      subscribers: [],
      targets: [],
      sequence: 0,
    };
    if (type) type.uses++;
    this.objects.set(object.id, object);
    if (path !== undefined) this.paths.set(path, object);
    return object;
  }

  find(id: number | undefined): BusObject | undefined {
    return id === undefined ? undefined : this.objects.get(id);
  }

  at(path: string): BusObject | undefined {
    return this.paths.get(path);
  }

  /** Objects whose path begins with `prefix`, by path. */
  startingWith(prefix: string): BusObject[] {
    const found = [...this.paths.keys()].filter((path) => path.startsWith(prefix));
    return found.sort().map((path) => this.paths.get(path)!);
  }

  /** Newest first: the order in which they go with their client. */
  ownedBy(client: Client): BusObject[] {
    return [...this.objects.values()].filter((object) => object.owner === client).reverse();
  }

  /** Takes an object off the bus; its subscriptions must be ended before. */
  remove(object: BusObject): void {
    this.objects.delete(object.id);
    if (object.path !== undefined) this.paths.delete(object.path);
    if (object.type && --object.type.uses === 0) this.types.delete(object.type.id);
  }

  private newType(signature: Uint8Array | undefined): ObjectType | undefined {
    const methods = signature && readSignature(signature);
    if (!methods) return undefined;
    const type = { id: drawId(this.types), uses: 0, signature: methods };
    this.types.set(type.id, type);
    return type;
  }
}

/** The methods, up to where the list no longer adds up; `undefined` when one is no named blobmsg. What they say is nobody's concern here. */
function readSignature(signature: Uint8Array): Uint8Array | undefined {
  const methods: Uint8Array[] = [];
  for (const entry of attributes(new BlobCursor(signature))) {
    const method = memberAt(entry);
    if (!method?.name) return undefined;
    methods.push(method.encoded);
  }
  return joinBytes(methods);
}

/** Adds a subscription; true when it is the target's first. */
export function link(subscriber: BusObject, target: BusObject): boolean {
  const subscription = { subscriber, target };
  subscriber.targets.unshift(subscription);
  return target.subscribers.unshift(subscription) === 1;
}

/** Ends a subscription; true when it was the target's last. */
export function unlink(subscription: Subscription): boolean {
  const { subscriber, target } = subscription;
  subscriber.targets = subscriber.targets.filter((other) => other !== subscription);
  target.subscribers = target.subscribers.filter((other) => other !== subscription);
  return target.subscribers.length === 0;
}
