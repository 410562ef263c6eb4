// One connection to an admin socket: requests out, answers in, matched by order.

import { BusyError, errorText, LinkDownError, RemoteError, TimeoutError, WireError } from '../errors.ts';
import { JsonFramer } from '../lib/json-frame.ts';
import type { Cancel, Clock, Stream } from '../transport/host.ts';
import { type AdminRequest, type AdminResponse, decodeAnswer, encodeRequest } from './admin.ts';

export interface ConnectionOptions {
  clock: Clock;
  stream: Stream;
  /** Largest answer, bytes. */
  maxBytes: number;
  /** The connection is of no more use: whoever owns the stream closes it and calls `onDown`. */
  drop(error: Error): void;
}

interface Waiting {
  name: AdminRequest['name'];
  resolve(response: AdminResponse): void;
  reject(error: Error): void;
  timer: Cancel;
}

/** Requests without an answer that one connection may carry. */
export const MAX_WAITING = 64;

/** The protocol on one stream. After bad bytes or a time-out the order of answers is lost, so it asks to be dropped. */
export class AdminConnection {
  private readonly framer: JsonFramer;
  private readonly waiting: Waiting[] = [];
  private down: Error | undefined;

  constructor(private readonly options: ConnectionOptions) {
    this.framer = new JsonFramer({ maxBytes: options.maxBytes });
  }

  /** Requests that wait for their answer. */
  get pending(): number {
    return this.waiting.length;
  }

  /**
   * Sends a request; several may be on their way, the node answers one after the other.
   *
   * Rejects with RemoteError (the node's words), TimeoutError, WireError, LinkDownError, InputError, or BusyError past 64 waiting.
   */
  request(request: AdminRequest, timeoutMs: number): Promise<AdminResponse> {
    return new Promise((resolve, reject) => {
      if (this.down) throw this.down;
      if (this.waiting.length >= MAX_WAITING)
        throw new BusyError(`${request.name}: ${MAX_WAITING} requests are waiting`);
      const bytes = encodeRequest(request);
      const timer = this.options.clock.after(timeoutMs, () => {
        this.fail(new TimeoutError(`${request.name}: no answer within ${timeoutMs} ms`), waiting);
      });
      const waiting: Waiting = { name: request.name, resolve, reject, timer };
      this.waiting.push(waiting);
      this.options.stream.write(bytes);
    });
  }

  onData(bytes: Uint8Array): void {
    try {
      for (const frame of this.framer.push(bytes)) {
        if (this.down) return;
        this.answer(frame);
      }
      if (this.framer.inFrame) this.first();
    } catch (error) {
      this.fail(error instanceof Error ? error : new WireError(errorText(error)), this.waiting[0]);
    }
  }

  /** The stream is gone: everything that waits fails with `error`. */
  onDown(error: Error): void {
    if (this.down) return;
    this.down = error;
    for (const { timer, reject } of this.waiting.splice(0)) {
      timer();
      reject(error);
    }
  }

  /** Gives the connection up, once: `culprit` fails with `error`, all others because the link went down. */
  fail(error: Error, culprit?: Waiting): void {
    if (this.down) return;
    culprit?.reject(error);
    this.onDown(new LinkDownError(`connection given up: ${error.message}`, { cause: error }));
    this.options.drop(error);
  }

  private answer(frame: Uint8Array): void {
    const { name, timer, resolve, reject } = this.first();
    let settle: () => void;
    try {
      const response = decodeAnswer(frame, name);
      settle = () => resolve(response);
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      settle = () => reject(error);
    }
    this.waiting.shift();
    timer();
    settle();
  }

  private first(): Waiting {
    const first = this.waiting[0];
    if (!first) throw new WireError('answer that nobody asked for');
    return first;
  }
}
