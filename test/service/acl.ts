// ubusd's access lists as ubusd applies them, and what a client of the bus needs of them.

import { connect, createServer, type Server, type Socket } from 'node:net';
import { decodeTable } from '../../src/ubus/blobmsg.ts';
import {
  decodeMessage,
  FrameReader,
  type Message,
  UBUS_MSG_ADD_OBJECT,
  UBUS_MSG_DATA,
  UBUS_MSG_INVOKE,
  UBUS_MSG_LOOKUP,
  UBUS_MSG_SUBSCRIBE,
  UBUS_SYSTEM_OBJECT_EVENT,
} from '../../src/ubus/message.ts';

/** What may be allowed; the last one is calling a method. */
export type Right = 'publish' | 'subscribe' | 'listen' | 'send' | 'access';

/** A file of `/usr/share/acl.d`, as far as ours go. */
export interface AccessList {
  user: string;
  access?: Record<string, { methods: string[] }>;
  publish?: string[];
  subscribe?: string[];
  listen?: string[];
  send?: string[];
}

/** One thing that a client does. */
export interface Use {
  right: Right;
  /** Path of an object, id or pattern of an event. */
  name: string;
  /** Of `access` alone. */
  method?: string;
}

/** Names with that right, the methods of `access` among them. */
function grants(list: AccessList, right: Right): [name: string, methods: string[]][] {
  if (right === 'access') return Object.entries(list.access ?? {}).map(([name, { methods }]) => [name, methods]);
  return (list[right] ?? []).map((name) => [name, []]);
}

/**
 * Whether ubusd allows it: a name is meant as it is, or with `*` at its end as a beginning. Of a pattern that is listened for the `*` at
 * its end does not count.
 */
export function isAllowed(list: AccessList, { right, name, method = '' }: Use): boolean {
  const wanted = right === 'listen' ? name.replace(/\*$/, '') : name;
  return grants(list, right).some(([granted, methods]) => {
    const matches = granted.endsWith('*') ? wanted.startsWith(granted.slice(0, -1)) : wanted === granted;
    return matches && (right !== 'access' || methods.includes(method) || methods.includes('*'));
  });
}

/** Everything that a list grants, as uses; a `*` stays. */
export function usesOf(list: AccessList): Use[] {
  const rights: Right[] = ['publish', 'subscribe', 'listen', 'send', 'access'];
  return rights.flatMap((right) =>
    grants(list, right).flatMap(([name, methods]): Use[] =>
      right === 'access' ? methods.map((method) => ({ right, name, method })) : [{ right, name }],
    ),
  );
}

/** Stands between clients and a broker, and notes what the clients do. */
export class Watch {
  /** What was done, each once, as JSON. */
  private readonly seen = new Set<string>();
  private readonly sockets = new Set<Socket>();
  /** Paths of the objects that were looked up, by id. */
  private readonly paths = new Map<number, string>();
  private server: Server | undefined;

  /** Listens on `at` for clients of the broker on `broker`. */
  static async open(at: string, broker: string): Promise<Watch> {
    const watch = new Watch();
    watch.server = createServer((near) => watch.join(near, connect(broker)));
    await new Promise<void>((resolve, reject) => watch.server!.once('error', reject).listen(at, resolve));
    return watch;
  }

  get uses(): Use[] {
    return [...this.seen].map((text) => JSON.parse(text) as Use);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server!.close(resolve));
  }

  private join(near: Socket, far: Socket): void {
    this.pass(near, far, (message) => this.note(message));
    this.pass(far, near, ({ type, attributes: { path, objectId } }) => {
      if (type === UBUS_MSG_DATA && path !== undefined && objectId !== undefined) this.paths.set(objectId, path);
    });
  }

  private pass(from: Socket, to: Socket, take: (message: Message) => void): void {
    const reader = new FrameReader();
    this.sockets.add(from);
    from.on('data', (bytes) => {
      reader.push(bytes, (frame) => take(decodeMessage(frame)));
      to.write(bytes);
    });
    from.on('error', () => {});
    from.on('close', () => to.destroy());
  }

  private note({ type, attributes }: Message): void {
    const { objectId = 0, method = '', path, target = 0, data } = attributes;
    if (type === UBUS_MSG_ADD_OBJECT && path !== undefined) this.add({ right: 'publish', name: path });
    else if (type === UBUS_MSG_SUBSCRIBE) this.add({ right: 'subscribe', name: this.pathOf(target) });
    else if (type === UBUS_MSG_INVOKE && objectId === UBUS_SYSTEM_OBJECT_EVENT) {
      const { pattern, id } = decodeTable(data!);
      if (method === 'register') this.add({ right: 'listen', name: String(pattern) });
      else this.add({ right: 'send', name: String(id) });
    } else if (type === UBUS_MSG_INVOKE) this.add({ right: 'access', name: this.pathOf(objectId), method });
    else if (type === UBUS_MSG_LOOKUP && (path === undefined || path.endsWith('*')))
      throw new Error(`lookup of ${path ?? 'everything'}: what it shows depends on the access list`);
  }

  private pathOf(id: number): string {
    return this.paths.get(id) ?? `@${id.toString(16)}`;
  }

  private add(use: Use): void {
    this.seen.add(JSON.stringify(use));
  }
}
