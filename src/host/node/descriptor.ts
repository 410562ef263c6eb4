// Node's sockets, servers and look-ups behind descriptors with level-triggered readiness, as poll tells it.

import { Buffer } from 'node:buffer';
import { lookup } from 'node:dns';
import type { Server, Socket } from 'node:net';
import { READABLE, WRITABLE } from '../native.ts';
import { errorCode, reasonOf } from './errno.ts';

/** Bytes that stand in for the kernel's buffers, each way. */
const BUFFER_BYTES = 256 * 1024;
/** How long bytes that were taken may outlive `close`, milliseconds. */
const LINGER_MS = 10_000;

/** One open descriptor: what is watched, and who is told on the next turn of the loop. */
export abstract class Descriptor {
  private watched = 0;
  private callback: ((events: number) => void) | undefined;
  private turn: NodeJS.Immediate | undefined;

  /** READABLE | WRITABLE as far as they hold now. */
  protected abstract ready(): number;
  /** Hang-up or error: told as both bits. */
  protected hungUp(): boolean {
    return false;
  }
  /** Keeps Node's loop alive, or not. */
  protected abstract hold(on: boolean): void;
  protected onWatch(_events: number): void {}
  protected abstract release(): void;

  watch(events: number, callback: ((events: number) => void) | undefined): void {
    this.watched = events;
    this.callback = callback;
    this.hold(events !== 0);
    this.onWatch(events);
    this.poke();
  }

  close(): void {
    this.watched = 0;
    this.callback = undefined;
    clearImmediate(this.turn);
    this.release();
  }

  /** Something changed: tells the watcher on the next turn if it concerns it. */
  protected poke(): void {
    if (this.turn === undefined && this.due() !== 0) this.turn = setImmediate(() => this.tell());
  }

  private due(): number {
    if (this.watched === 0) return 0;
    return this.hungUp() ? READABLE | WRITABLE : this.ready() & this.watched;
  }

  private tell(): void {
    this.turn = undefined;
    const events = this.due();
    try {
      if (events !== 0) this.callback?.(events);
    } finally {
      this.poke();
    }
  }
}

/** Bytes that arrived and wait to be read. */
class Inbox {
  private chunks: Uint8Array[] = [];
  bytes = 0;

  push(chunk: Uint8Array): void {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
  }

  /** The next bytes in an array of their own; `undefined` when there are none. */
  take(maxBytes: number): ArrayBuffer | undefined {
    if (this.bytes === 0) return undefined;
    const taken = new Uint8Array(Math.min(maxBytes, this.bytes));
    let at = 0;
    while (at < taken.length) {
      const chunk = this.chunks[0]!;
      const part = chunk.subarray(0, taken.length - at);
      taken.set(part, at);
      at += part.length;
      if (part.length === chunk.length) this.chunks.shift();
      else this.chunks[0] = chunk.subarray(part.length);
    }
    this.bytes -= taken.length;
    return taken.buffer;
  }
}

/** A connected or connecting socket, or a pipe to a child. */
export class SocketDescriptor extends Descriptor {
  private readonly inbox = new Inbox();
  private ended = false;
  /** Watched for READABLE: bytes may flow. */
  private wanted = false;
  protected error: Error | undefined;

  constructor(readonly socket: Socket) {
    super();
    socket.pause();
    socket.on('connect', () => this.poke());
    socket.on('data', (chunk) => {
      this.inbox.push(chunk);
      this.fill();
      this.poke();
    });
    socket.on('error', (error) => {
      this.error = error;
      this.poke();
    });
    const onEnd = (): void => {
      this.ended = true;
      this.poke();
    };
    socket.on('end', onEnd);
    socket.on('close', onEnd);
    socket.pause(); // listening for data has resumed it
    this.hold(false);
  }

  peerAddress(): string {
    // those of unix sockets have neither
    const { remoteAddress, localAddress } = this.socket;
    if (remoteAddress === undefined && localAddress !== undefined)
      throw new Error('peer: Transport endpoint is not connected');
    return remoteAddress?.replace(/%.*/, '') ?? '';
  }

  /** In the contract's words. */
  protected reason(error: Error): string {
    return reasonOf(error);
  }

  socketError(): string | undefined {
    return this.error && reasonOf(this.error);
  }

  read(maxBytes: number): ArrayBuffer | undefined | null {
    const bytes = this.inbox.take(maxBytes);
    this.fill();
    if (bytes) return bytes;
    // a write that found the other side gone says nothing against what it sent
    if (this.error && errorCode(this.error) !== 'EPIPE') throw new Error(`read: ${this.reason(this.error)}`);
    return this.ended || this.error ? null : undefined;
  }

  write(bytes: Uint8Array): number {
    if (this.error) throw new Error(`write: ${this.reason(this.error)}`);
    if (this.socket.destroyed || !this.socket.writable) throw new Error('write: Broken pipe');
    const room = BUFFER_BYTES - this.socket.writableLength;
    if (room <= 0) return 0;
    const taken = Math.min(room, bytes.length);
    this.socket.write(Buffer.from(bytes.subarray(0, taken)), () => this.poke());
    return taken;
  }

  /** Lets bytes flow while they are wanted and there is room. */
  private fill(): void {
    if (this.wanted && this.inbox.bytes < BUFFER_BYTES) this.socket.resume();
    else this.socket.pause();
  }

  protected ready(): number {
    if (this.socket.connecting) return 0;
    const readable = this.inbox.bytes > 0 || this.ended;
    return (readable ? READABLE : 0) | (this.socket.writableLength < BUFFER_BYTES ? WRITABLE : 0);
  }

  protected override hungUp(): boolean {
    return this.error !== undefined;
  }

  protected override hold(on: boolean): void {
    if (on) this.socket.ref();
    else this.socket.unref();
  }

  protected override onWatch(events: number): void {
    this.wanted = (events & READABLE) !== 0;
    this.fill();
  }

  /** Nothing is left that should still reach the other side. */
  protected isDone(): boolean {
    return this.socket.connecting || this.socket.writableLength === 0;
  }

  protected release(): void {
    const { socket } = this;
    socket.pause();
    if (this.isDone()) {
      socket.destroy();
      return;
    }
    socket.ref();
    socket.destroySoon();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.on('close', () => clearTimeout(timer));
  }
}

/** The process's standard input, which may be a file and stays open: others may read it afterwards. */
export class InputDescriptor extends SocketDescriptor {
  /** What is read holds the loop by itself, what is paused does not. */
  protected override hold(): void {}

  protected override release(): void {
    this.onWatch(0);
  }
}

/** A listening socket; connections wait in it until they are accepted. */
export class ServerDescriptor extends Descriptor {
  private readonly waiting: SocketDescriptor[] = [];

  constructor(private readonly server: Server) {
    super();
    server.on('connection', (socket) => {
      this.waiting.push(new SocketDescriptor(socket));
      this.poke();
    });
    this.hold(false);
  }

  accept(): SocketDescriptor | undefined {
    return this.waiting.shift();
  }

  protected ready(): number {
    return this.waiting.length > 0 ? READABLE : 0;
  }

  protected hold(on: boolean): void {
    if (on) this.server.ref();
    else this.server.unref();
  }

  protected release(): void {
    this.server.close();
    for (const socket of this.waiting) socket.close();
  }
}

/** The answer to a name, as the C host's resolver child writes it. */
export class LookupDescriptor extends Descriptor {
  private readonly inbox = new Inbox();
  private ended = false;

  constructor(name: string) {
    super();
    lookup(name, { all: true, verbatim: true }, (error, addresses) => {
      const lines = error ? [] : [...new Set(addresses.map(({ address }) => `${address}\n`))];
      if (lines.length > 0) this.inbox.push(Buffer.from(lines.join('')));
      this.ended = true;
      this.poke();
    });
  }

  read(maxBytes: number): ArrayBuffer | undefined | null {
    return this.inbox.take(maxBytes) ?? (this.ended ? null : undefined);
  }

  protected ready(): number {
    return this.ended ? READABLE : 0;
  }

  /** A look-up that runs holds the loop by itself, and cannot be cancelled. */
  protected hold(): void {}

  protected release(): void {}
}
