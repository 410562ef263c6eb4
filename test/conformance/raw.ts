// A client that does nothing by itself: frames go out as told and come in one by one.

import { connect, type Socket } from 'node:net';
import { decodeTable, encodeTable, type Table } from '../../src/ubus/blobmsg.ts';
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
  UBUS_MSG_PING,
  UBUS_MSG_STATUS,
  UBUS_SYSTEM_OBJECT_EVENT,
} from '../../src/ubus/message.ts';

/** Only a broker that fails lets it run out; nothing is timed by it. */
const PATIENCE_MS = 10_000;

/** What one request brought, until its STATUS. */
export interface Answer {
  status: number;
  /** The DATA frames with the request's number. */
  data: Message[];
  /** Everything that came, in order, the STATUS included. */
  frames: Message[];
}

export class RawClient {
  /** Its id, from HELLO. */
  id = 0;
  hello: Message | undefined;
  private readonly reader = new FrameReader();
  private readonly frames: Message[] = [];
  private wake: (() => void) | undefined;
  private ended = false;
  private seq = 0;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk) => {
      this.reader.push(chunk, (frame) => {
        this.frames.push(decodeMessage(frame));
      });
      this.wake?.();
    });
    socket.on('error', () => {}); // `close` follows
    socket.on('close', () => {
      this.ended = true;
      this.wake?.();
    });
  }

  /** Connects and takes the greeting. */
  static async open(path: string): Promise<RawClient> {
    const socket = connect(path);
    const client = new RawClient(socket);
    client.hello = await client.next();
    if (client.hello.type !== UBUS_MSG_HELLO) throw new Error(`first frame is of type ${client.hello.type}, not HELLO`);
    client.id = client.hello.peer;
    return client;
  }

  /** Sends a frame and returns its number. */
  send(type: number, attributes: Attributes = {}, { seq = ++this.seq, peer = 0 } = {}): number {
    this.sendBytes(encodeMessage({ type, seq, peer, attributes }));
    return seq;
  }

  sendBytes(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The next frame. */
  async next(): Promise<Message> {
    await this.until(() => this.frames.length > 0, 'a frame');
    return this.frames.shift()!;
  }

  /** The next `count` frames. */
  async take(count: number): Promise<Message[]> {
    const taken: Message[] = [];
    while (taken.length < count) taken.push(await this.next());
    return taken;
  }

  /** Sends a request and collects what comes until its STATUS. */
  request(type: number, attributes: Attributes = {}, head: { seq?: number; peer?: number } = {}): Promise<Answer> {
    const seq = this.send(type, attributes, head);
    return this.answer(seq, head.peer ?? 0);
  }

  /** Collects what comes until the STATUS with this number and peer. */
  async answer(seq: number, peer: number): Promise<Answer> {
    const frames: Message[] = [];
    for (;;) {
      const frame = await this.next();
      frames.push(frame);
      if (frame.type !== UBUS_MSG_STATUS || frame.seq !== seq || frame.peer !== peer) continue;
      const data = frames.filter((f) => f.type === UBUS_MSG_DATA && f.seq === seq);
      return { status: frame.attributes.status ?? -1, data, frames };
    }
  }

  /** When it returns, the broker has handled everything sent before; answers with the frames that came until then. */
  async barrier(): Promise<Message[]> {
    const { frames } = await this.request(UBUS_MSG_PING);
    return frames.slice(0, -2);
  }

  /** The status of a request. */
  async status(type: number, attributes: Attributes = {}): Promise<number> {
    return (await this.request(type, attributes)).status;
  }

  /** Adds an object and returns its id. */
  async add(path?: string, signature: Table = {}): Promise<number> {
    const answer = await this.request(
      UBUS_MSG_ADD_OBJECT,
      path === undefined ? {} : { path, signature: encodeTable(signature) },
    );
    const id = answer.data[0]?.attributes.objectId;
    if (answer.status !== 0 || id === undefined) throw new Error(`add ${path}: status ${answer.status}`);
    return id;
  }

  /** Calls a method of the event object (or another one of the broker's own) and returns the status. */
  async system(method: string, data: Table, objectId = UBUS_SYSTEM_OBJECT_EVENT): Promise<number> {
    return this.status(UBUS_MSG_INVOKE, { objectId, method, data: encodeTable(data) });
  }

  /** Adds an anonymous object that listens for these patterns; returns its id. */
  async listen(...patterns: string[]): Promise<number> {
    const id = await this.add();
    for (const pattern of patterns) {
      const status = await this.system('register', { object: id | 0, pattern });
      if (status !== 0) throw new Error(`register ${pattern}: status ${status}`);
    }
    return id;
  }

  /** Waits until the broker has closed the connection. */
  closed(): Promise<void> {
    return this.until(() => this.ended, 'the end of the connection', true);
  }

  close(): void {
    this.socket.destroy();
  }

  private async until(done: () => boolean, what: string, endIsFine = false): Promise<void> {
    const deadline = setTimeout(() => this.socket.destroy(new Error('patience is out')), PATIENCE_MS);
    try {
      while (!done()) {
        if (this.ended && !endIsFine) throw new Error(`waited for ${what}, but the connection ended`);
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      }
    } finally {
      clearTimeout(deadline);
    }
  }
}

const TYPE_NAMES = [
  'HELLO',
  'STATUS',
  'DATA',
  'PING',
  'LOOKUP',
  'INVOKE',
  'ADD_OBJECT',
  'REMOVE_OBJECT',
  'SUBSCRIBE',
].concat(['UNSUBSCRIBE', 'NOTIFY', 'MONITOR']);

/** A frame as plain data, for comparison: its type's name, its head and its attributes, `data` and `signature` decoded. */
export function show({ type, seq, peer, attributes }: Message): Record<string, unknown> {
  const { data, signature, ...rest } = attributes;
  const shown: Record<string, unknown> = { type: TYPE_NAMES[type] ?? type, seq, peer, ...rest };
  if (data) shown.data = decodeTable(data);
  if (signature) shown.signature = decodeTable(signature);
  return shown;
}

/** Names of the types of several frames. */
export function types(frames: readonly Message[]): string[] {
  return frames.map(({ type }) => TYPE_NAMES[type] ?? String(type));
}
