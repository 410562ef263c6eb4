// Byte streams of the port over descriptors: queues, fairness, and no event after the end.

import { errorText } from '../errors.ts';
import type { Cancel, Clock, Endpoint, ListenEndpoint, Stream, StreamEvents, Streams } from '../transport/host.ts';
import { connect, endpointProblem, endpointText } from './dial.ts';
import { type Native, READABLE, WRITABLE } from './native.ts';
import { Outbox } from './outbox.ts';

/** Bytes of one read, and reads of one readiness: a busy stream leaves room for the others. */
export const READ_BYTES = 64 * 1024;
export const READS_AT_ONCE = 4;
/** Reads that still save what the other side said before writing to it failed. */
const LAST_READS = 16;
const ACCEPTS_AT_ONCE = 16;
/** Pause of a listener that ran out of descriptors, milliseconds; who waits stays in the kernel's queue. */
const ACCEPT_PAUSE_MS = 1000;

class DescriptorStream implements Stream {
  private readonly outbox = new Outbox();
  private events: StreamEvents | undefined;
  private fd: number | undefined;
  private watched = 0;
  private reading = true;
  private owesDrain = false;
  private failure: Error | undefined;
  private ended = false;
  /** Undoes what is under way: the dial, or the end after a failed write. */
  private cancelPending: Cancel | undefined;

  constructor(
    private readonly native: Native,
    private readonly clock: Clock,
    private readonly at: Endpoint,
  ) {}

  get queuedBytes(): number {
    return this.outbox.bytes;
  }

  dial(events: StreamEvents): this {
    this.events = events;
    this.cancelPending = connect(this.native, this.clock, this.at, (outcome) => {
      this.cancelPending = undefined;
      if (typeof outcome !== 'number') return this.end(outcome);
      this.fd = outcome;
      this.watch();
      events.onOpen?.();
      this.flush();
    });
    return this;
  }

  accept(fd: number, from: string, owner: (stream: Stream, from: string) => StreamEvents): void {
    this.fd = fd;
    this.events = owner(this, from);
    this.watch();
  }

  write(bytes: Uint8Array): boolean {
    if (this.ended || this.failure) return false;
    const wasEmpty = this.outbox.bytes === 0;
    this.outbox.push(bytes);
    if (this.fd !== undefined && wasEmpty) this.writeOut(this.fd);
    if (this.failure) return false;
    if (this.outbox.bytes === 0) return true;
    this.owesDrain = true;
    this.watch();
    return false;
  }

  setReading(on: boolean): void {
    this.reading = on;
    this.watch();
  }

  close(): void {
    if (this.ended) return;
    this.ended = true;
    this.cancelPending?.();
    this.outbox.clear();
    if (this.fd !== undefined) this.native.close(this.fd);
    this.fd = undefined;
  }

  private end(error: Error | undefined): void {
    if (this.ended) return;
    this.close();
    this.events?.onClose(error);
  }

  private watch(): void {
    // before `accept` has the events there is nobody to tell
    if (this.fd === undefined || !this.events || this.failure) return;
    const wanted = (this.reading ? READABLE : 0) | (this.outbox.bytes > 0 ? WRITABLE : 0);
    if (wanted === this.watched) return;
    this.watched = wanted;
    this.native.watch(this.fd, wanted, this.onReady);
  }

  private readonly onReady = (ready: number): void => {
    if (ready & READABLE && this.reading) this.read(READS_AT_ONCE);
    if (ready & WRITABLE) this.flush();
  };

  /** Hands over what has arrived; the end of the stream too, unless a failed write explains it better. */
  private read(times: number): void {
    for (let i = 0; i < times && this.reading && this.fd !== undefined; i++) {
      let bytes: ArrayBuffer | undefined | null;
      try {
        bytes = this.native.read(this.fd, READ_BYTES);
      } catch (error) {
        this.end(this.failure ?? this.describe(error));
        return;
      }
      if (bytes === undefined) return;
      if (bytes === null) {
        this.end(this.failure);
        return;
      }
      const whole = bytes.byteLength;
      this.events!.onData(new Uint8Array(bytes));
      if (whole < READ_BYTES) return; // most likely all; if not, the loop tells again
    }
  }

  private flush(): void {
    if (this.fd === undefined || this.failure || this.outbox.bytes === 0) return;
    this.writeOut(this.fd);
    this.watch();
    if (this.outbox.bytes > 0 || this.failure || !this.owesDrain) return;
    this.owesDrain = false;
    this.events!.onDrain?.();
  }

  /** A write that fails is told on the loop's next turn, for the owner may be the one who writes. */
  private writeOut(fd: number): void {
    try {
      this.outbox.flush(this.native, fd);
    } catch (error) {
      this.failure = this.describe(error);
      this.outbox.clear();
      this.native.watch(fd, 0);
      this.cancelPending = this.clock.after(0, () => {
        this.read(LAST_READS);
        this.end(this.failure);
      });
    }
  }

  private describe(error: unknown): Error {
    return new Error(`${endpointText(this.at)}: ${errorText(error)}`, { cause: error });
  }
}

/** The port's streams over `native`; `clock` limits how long connecting may take. */
export class NativeStreams implements Streams {
  constructor(
    private readonly native: Native,
    private readonly clock: Clock,
  ) {}

  dial(to: Endpoint, events: StreamEvents): Stream {
    return new DescriptorStream(this.native, this.clock, to).dial(events);
  }

  listen(at: ListenEndpoint, accept: (stream: Stream, from: string) => StreamEvents): Cancel {
    const { native, clock } = this;
    const problem = endpointProblem(at);
    if (problem !== undefined) throw new Error(`listen ${endpointText(at)}: ${problem}`);
    const fd = 'path' in at ? native.listenUnix(at.path) : native.listenTcp(at.host, at.port);
    let open = true;
    let cancelPause: Cancel = () => {};
    const onReady = (): void => {
      for (let i = 0; i < ACCEPTS_AT_ONCE && open; i++) {
        let peer: number | undefined;
        try {
          peer = native.accept(fd);
        } catch {
          native.watch(fd, 0);
          cancelPause = clock.after(ACCEPT_PAUSE_MS, () => native.watch(fd, READABLE, onReady));
          return;
        }
        if (peer === undefined) return;
        let from: string;
        try {
          from = native.peerAddress(peer);
        } catch {
          native.close(peer); // gone again
          continue;
        }
        new DescriptorStream(native, clock, at).accept(peer, from, accept);
      }
    };
    native.watch(fd, READABLE, onReady);
    return () => {
      if (!open) return;
      open = false;
      cancelPause();
      native.close(fd);
      if ('path' in at && at.path.startsWith('/')) native.removeFile(at.path);
    };
  }
}
