// A broker that greets, publishes whatever is given to it, and then sends what it is told to: for the fault tests.

import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import {
  decodeMessage,
  encodeMessage,
  FrameReader,
  type Message,
  UBUS_MSG_ADD_OBJECT,
  UBUS_MSG_DATA,
  UBUS_MSG_HELLO,
  UBUS_MSG_STATUS,
} from '../../src/ubus/message.ts';
import { until } from './router.ts';

const CLIENT = 0x1234567;
const CALLER_SEQ = 7;
const FIRST_OBJECT = 0x90853354;

/** One connection of the daemon. */
class Peer {
  /** Ids by path. */
  readonly objects = new Map<string, number>();
  /** How the calls that it was sent ended, and the DATA of their answers. */
  readonly statuses: number[] = [];
  readonly answers: Uint8Array[] = [];
  isClosed = false;
  private isQuiet = false;

  constructor(
    private readonly socket: Socket,
    private readonly onObject: (peer: Peer) => void,
  ) {
    const reader = new FrameReader();
    socket.on('data', (bytes) => reader.push(new Uint8Array(bytes), (frame) => this.onMessage(decodeMessage(frame))));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.isClosed = true;
    });
    this.reply({ type: UBUS_MSG_HELLO, seq: 0, peer: CLIENT, attributes: {} });
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Sends these bytes, if any, and nothing after them: an answer to another request would continue the frame that they begin. */
  sendLast(bytes: Uint8Array): void {
    this.send(bytes);
    this.isQuiet = true;
  }

  close(): void {
    this.isClosed = true;
    this.socket.destroy();
  }

  private onMessage(message: Message): void {
    const { type, seq, peer, attributes } = message;
    const { status, data } = attributes;
    if (type === UBUS_MSG_STATUS && seq === CALLER_SEQ) this.statuses.push(status!);
    else if (type === UBUS_MSG_DATA && data) this.answers.push(data);
    if (type === UBUS_MSG_STATUS || type === UBUS_MSG_DATA) return;
    if (type === UBUS_MSG_ADD_OBJECT) {
      this.onObject(this);
      const objectId = FIRST_OBJECT + this.objects.size;
      this.objects.set(attributes.path ?? '', objectId);
      this.reply({ type: UBUS_MSG_DATA, seq, peer, attributes: { objectId, objectType: 1025 } });
    }
    this.reply({ type: UBUS_MSG_STATUS, seq, peer, attributes: { status: 0 } });
  }

  private reply(message: Message): void {
    if (!this.isQuiet) this.send(encodeMessage(message));
  }
}

/** Listens on a unix socket until `close`. */
export class FakeBroker {
  private readonly peers: Peer[] = [];
  private readonly server: Server;

  private constructor(
    private readonly path: string,
    onObject: (peer: Peer) => void,
  ) {
    this.server = createServer((socket) => this.peers.push(new Peer(socket, onObject)));
  }

  /** @param onObject is called when an object comes, before the daemon hears that it was published. */
  static async open(path: string, onObject: (peer: Peer) => void = () => {}): Promise<FakeBroker> {
    const broker = new FakeBroker(path, onObject);
    await new Promise<void>((resolve) => broker.server.listen(path, resolve));
    return broker;
  }

  /** The daemon's connection, once it has published both objects. */
  async client(): Promise<Peer> {
    const current = (): Peer | undefined => this.peers.find((peer) => !peer.isClosed);
    await until('the daemon is there', () => (current()?.objects.size ?? 0) >= 2);
    return current()!;
  }

  async close(): Promise<void> {
    for (const peer of this.peers) peer.close();
    if (!this.server.listening) return;
    await new Promise((resolve) => this.server.close(resolve));
    rmSync(this.path, { force: true });
  }
}
