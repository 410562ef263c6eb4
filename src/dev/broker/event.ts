// Events: who listens for which, and their delivery.

import { UBUS_MSG_INVOKE } from '../../ubus/message.ts';
import type { Client } from './client.ts';
import type { BusObject } from './object.ts';
import type { Output } from './output.ts';

interface Listener {
  readonly object: BusObject;
  /** The event's id, or what it begins with. */
  readonly text: string;
  readonly isPrefix: boolean;
}

/** The listeners of one bus. */
export class Events {
  /** Sorted by text: the order of delivery. */
  private listeners: Listener[] = [];
  private sequence = 0;

  constructor(private readonly output: Output) {}

  /** From now on `object` is called for events of this id; a trailing `*` stands for any end. */
  register(object: BusObject, pattern: string): void {
    const isPrefix = pattern.endsWith('*');
    const text = isPrefix ? pattern.slice(0, -1) : pattern;
    const next = this.listeners.findIndex((listener) => listener.text > text);
    this.listeners.splice(next < 0 ? this.listeners.length : next, 0, { object, text, isPrefix });
  }

  /** The object is gone. */
  forget(object: BusObject): void {
    this.listeners = this.listeners.filter((listener) => listener.object !== object);
  }

  /** Calls each listening object once; those of `sender` are left out. */
  send(sender: Client | undefined, id: string, data: Uint8Array): void {
    const told = new Set<BusObject>();
    for (const { object, text, isPrefix } of this.listeners) {
      if (object.owner === undefined || object.owner === sender || told.has(object)) continue;
      if (isPrefix ? !id.startsWith(text) : id !== text) continue;
      told.add(object);
      this.output.send(object.owner, {
        type: UBUS_MSG_INVOKE,
        seq: ++this.sequence & 0xffff,
        peer: 0,
        attributes: { objectId: object.id, method: id, data },
      });
    }
  }
}
