// One supervised connection: dials, hands the stream to a protocol, and dials again, with backoff, whenever it is lost.

import { errorText, LinkDownError, TimeoutError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Cancel, Clock, Endpoint, Stream, Streams } from './host.ts';

/** What a protocol does with one connection; a new one is made for each. */
export interface LinkSession {
  onData(bytes: Uint8Array): void;
  onDrain?(): void;
  /** The connection is gone; called once, last, whoever ended it. */
  onDown(error: Error): void;
}

export type LinkState = 'stopped' | 'connecting' | 'up' | 'waiting';

/** The state of a link as shown to people. */
export interface LinkReport {
  state: LinkState;
  /** Monotonic time of the last change of `state` between up and not up, milliseconds. */
  since_ms: number;
  /** How often it came up. */
  ups: number;
  last_error?: string;
}

/** When to dial again; `Backoff` is one. */
export interface RetryPolicy {
  /** Milliseconds to wait before the next attempt. @param error why the connection was lost, or did not come to be. */
  nextMs(error: Error): number;
  /** The link came up. */
  reset(): void;
}

export interface LinkOptions {
  endpoint: Endpoint;
  log: Log;
  backoff: RetryPolicy;
  /** Longest time from dialling to `ready()`, milliseconds. */
  readyTimeoutMs: number;
  /** A stream opened: start the protocol on it. */
  open(stream: Stream): LinkSession;
  /** The link came up (after `ready()`) or went down; called once per change. */
  onChange?(up: boolean, error: Error | undefined): void;
}

/** Keeps one connection alive from `start()` to `stop()`. */
export class Link {
  private state: LinkState = 'stopped';
  private stream: Stream | undefined;
  private session: LinkSession | undefined;
  private timer: Cancel | undefined;
  /** While it waits: when it dials. */
  private dialAtMs = 0;
  private sinceMs: number;
  private ups = 0;
  private lastError: string | undefined;

  constructor(
    private readonly streams: Streams,
    private readonly clock: Clock,
    private readonly options: LinkOptions,
  ) {
    this.sinceMs = clock.monotonicMs();
  }

  get up(): boolean {
    return this.state === 'up';
  }

  report(): LinkReport {
    const report: LinkReport = { state: this.state, since_ms: this.sinceMs, ups: this.ups };
    if (this.lastError !== undefined) report.last_error = this.lastError;
    return report;
  }

  /** Dials, after `delayMs` if given. */
  start(delayMs = 0): void {
    if (this.state !== 'stopped') return;
    if (delayMs > 0) this.wait(delayMs);
    else this.dial();
  }

  /** Where it waits to dial, it waits no longer than this from now on. */
  hasten(withinMs: number): void {
    if (this.state !== 'waiting' || this.dialAtMs - this.clock.monotonicMs() <= withinMs) return;
    this.clearTimer();
    this.wait(withinMs);
  }

  /** Ends the connection and stays down. */
  stop(): void {
    if (this.state === 'stopped') return;
    this.end('stopped', new LinkDownError('link stopped'));
  }

  /** The protocol's handshake is done: the link counts as up, and the backoff is told. */
  ready(): void {
    if (this.state !== 'connecting') return;
    this.clearTimer();
    this.options.backoff.reset();
    this.state = 'up';
    this.sinceMs = this.clock.monotonicMs();
    this.ups++;
    this.lastError = undefined;
    this.options.onChange?.(true, undefined);
  }

  /** The protocol gives this connection up (bad bytes, no answer); the link dials again. */
  drop(error: Error): void {
    if (this.state === 'connecting' || this.state === 'up') this.lose(error);
  }

  private dial(): void {
    this.state = 'connecting';
    this.timer = this.clock.after(this.options.readyTimeoutMs, () => {
      this.timer = undefined;
      this.lose(new TimeoutError(`not ready after ${this.options.readyTimeoutMs} ms`));
    });
    const stream = this.streams.dial(this.options.endpoint, {
      onOpen: () => {
        const session = this.options.open(stream);
        if (this.stream === stream) this.session = session;
        else session.onDown(new LinkDownError('ended while it opened'));
      },
      onData: (bytes) => this.session?.onData(bytes),
      onDrain: () => this.session?.onDrain?.(),
      onClose: (error) => this.lose(error ?? new LinkDownError('the other side closed the connection')),
    });
    this.stream = stream;
  }

  private lose(error: Error): void {
    this.lastError = errorText(error);
    this.options.log.debug('lost', { error: this.lastError });
    this.end('waiting', error);
    // whoever was told may have stopped it, and started it again
    if (!this.isIdle()) return;
    const delayMs = this.options.backoff.nextMs(error);
    if (this.isIdle()) this.wait(delayMs);
  }

  /** It is to dial again, and nothing was decided on yet. */
  private isIdle(): boolean {
    return this.state === 'waiting' && !this.timer;
  }

  private wait(delayMs: number): void {
    this.state = 'waiting';
    this.dialAtMs = this.clock.monotonicMs() + delayMs;
    this.timer = this.clock.after(delayMs, () => {
      this.timer = undefined;
      this.dial();
    });
  }

  /** Leaves the connection behind; the new state stands before anybody is told, so that callbacks may call `stop()` or `start()`. */
  private end(next: 'stopped' | 'waiting', error: Error): void {
    const wasUp = this.state === 'up';
    const { stream, session } = this;
    this.clearTimer();
    this.state = next;
    this.stream = undefined;
    this.session = undefined;
    if (wasUp) this.sinceMs = this.clock.monotonicMs();
    stream?.close();
    session?.onDown(error);
    if (wasUp) this.options.onChange?.(false, error);
  }

  private clearTimer(): void {
    this.timer?.();
    this.timer = undefined;
  }
}
