// Streams in memory: the test plays the other side of each connection.

import type { Cancel, Endpoint, Stream, StreamEvents, Streams } from '../../src/transport/host.ts';

/** One dialled connection, seen from the side that was dialled. */
export class FarEnd implements Stream {
  /** Everything that was written, one entry a write. */
  readonly writes: Uint8Array[] = [];
  open = false;
  /** The near side closed the stream, or the test did. */
  closed = false;
  reading = true;
  queuedBytes = 0;
  /** While false, writes stay queued: `write` answers false until `drain()`. */
  accepting = true;

  private events: StreamEvents;

  /** @param owner the near side's events; of an accepted connection, what gives them. */
  constructor(
    readonly endpoint: Endpoint,
    owner: StreamEvents | ((stream: Stream) => StreamEvents),
  ) {
    this.events = { onData() {}, onClose() {} };
    this.events = typeof owner === 'function' ? owner(this) : owner;
  }

  // the near side's view

  write(bytes: Uint8Array): boolean {
    if (this.closed) return false;
    this.writes.push(bytes);
    if (!this.accepting) this.queuedBytes += bytes.length;
    return this.accepting;
  }

  setReading(on: boolean): void {
    this.reading = on;
  }

  close(): void {
    this.closed = true;
  }

  // the test's side

  /** The connection stands. */
  accept(): this {
    this.open = true;
    this.events.onOpen?.();
    return this;
  }

  /** Bytes arrive at the near side. */
  send(bytes: Uint8Array): void {
    if (!this.closed) this.events.onData(bytes);
  }

  drain(): void {
    this.accepting = true;
    this.queuedBytes = 0;
    if (!this.closed) this.events.onDrain?.();
  }

  /** The far side ends the connection. */
  end(error?: Error): void {
    if (this.closed) return;
    this.closed = true;
    this.events.onClose(error);
  }

  /** Takes everything written so far, joined. */
  take(): Uint8Array {
    const all = this.writes.splice(0);
    const joined = new Uint8Array(all.reduce((n, b) => n + b.length, 0));
    let at = 0;
    for (const bytes of all) {
      joined.set(bytes, at);
      at += bytes.length;
    }
    return joined;
  }
}

export class MemoryStreams implements Streams {
  /** Every dial so far, oldest first. */
  readonly dialled: FarEnd[] = [];
  private readonly listeners = new Map<string, (stream: Stream, from: string) => StreamEvents>();

  dial(to: Endpoint, events: StreamEvents): Stream {
    const end = new FarEnd(to, events);
    this.dialled.push(end);
    return end;
  }

  listen(at: Endpoint, accept: (stream: Stream, from: string) => StreamEvents): Cancel {
    const name = JSON.stringify(at);
    if (this.listeners.has(name)) throw new Error(`listen ${name}: Address in use`);
    this.listeners.set(name, accept);
    return () => this.listeners.delete(name);
  }

  /** Somebody connects to where something listens. @throws Error when nothing does. */
  connect(at: Endpoint, from = ''): FarEnd {
    const accept = this.listeners.get(JSON.stringify(at));
    if (!accept) throw new Error(`connect ${JSON.stringify(at)}: Connection refused`);
    const end = new FarEnd(at, (stream) => accept(stream, from));
    end.open = true;
    return end;
  }

  /** The newest connection. @throws Error when there is none. */
  last(): FarEnd {
    const end = this.dialled.at(-1);
    if (!end) throw new Error('nothing was dialled');
    return end;
  }
}
