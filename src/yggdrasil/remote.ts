// Questions that a node passes on to other nodes.
//
// A node answers one request of a connection after the other, and one for a far node may take 6 s: so each question has a connection to itself.
// Of several questions of one kind about one key, the node answers only one and lets the others time out: so they share one.

import { BusyError, errorText, LinkDownError, TimeoutError } from '../errors.ts';
import type { Cancel, Clock, Endpoint, Streams } from '../transport/host.ts';
import { type AdminResponse, isRemoteTimeout, parseKey, type RemoteRequest } from './admin.ts';
import { AdminConnection } from './connection.ts';

const MAX_CONNECTIONS = 4;
const MAX_QUEUE = 32;
const IDLE_MS = 30_000;
/** The node itself gives up after 6 s. */
const TIMEOUT_MS = 7000;
/** Node info has 16 KiB; a list of keys fits the overlay's MTU of 64 KiB and doubles as hex. */
const MAX_ANSWER = 512 * 1024;

interface Question {
  name: RemoteRequest;
  key: string;
  resolve(response: AdminResponse): void;
  reject(error: Error): void;
}

export interface RemotePoolOptions {
  streams: Streams;
  clock: Clock;
  endpoint: Endpoint;
}

/** Up to 4 connections, made when they are needed and closed after 30 s without use. */
export class RemotePool {
  private readonly asked = new Map<string, Promise<AdminResponse>>();
  private readonly queue: Question[] = [];
  private readonly lines = new Set<Line>();

  constructor(private readonly options: RemotePoolOptions) {}

  /** Open connections, idle ones included. */
  get connections(): number {
    return this.lines.size;
  }

  /**
   * Asks the node with this key; who asks the same while it is under way gets the same answer.
   *
   * Rejects with TimeoutError (nobody by this key answers), RemoteError, WireError, LinkDownError, InputError, or BusyError past 32 waiting.
   */
  ask(name: RemoteRequest, key: string): Promise<AdminResponse> {
    const id = `${name} ${key.toLowerCase()}`;
    const known = this.asked.get(id);
    if (known) return known;
    const answer = new Promise<AdminResponse>((resolve, reject) => {
      const question = { name, key: parseKey(key), resolve, reject };
      if (this.queue.length >= MAX_QUEUE) throw new BusyError(`${name}: ${MAX_QUEUE} questions are waiting`);
      this.queue.push(question);
    });
    const forget = (): void => {
      this.asked.delete(id);
    };
    this.asked.set(id, answer);
    answer.then(forget, forget);
    this.pump();
    return answer;
  }

  /** Ends all connections; everything that waits fails with `error`. */
  close(error: Error): void {
    const waiting = this.queue.splice(0);
    for (const line of [...this.lines]) line.end(error);
    for (const { reject } of waiting) reject(error);
  }

  private pump(): void {
    while (this.queue.length > 0) {
      const line = this.freeLine();
      if (!line) return;
      line.take(this.queue.shift()!);
    }
  }

  private freeLine(): Line | undefined {
    for (const line of this.lines) if (line.free) return line;
    if (this.lines.size >= MAX_CONNECTIONS) return undefined;
    const line = new Line(this.options, (ended) => {
      if (ended) this.lines.delete(line);
      this.pump();
    });
    this.lines.add(line);
    return line;
  }
}

/** One connection of the pool, with one question at a time. */
class Line {
  private question: Question | undefined;
  private connection: AdminConnection | undefined;
  private ended = false;
  /** The time-out of dialling, or the end of idleness. */
  private timer: Cancel | undefined;
  private readonly close: () => void;

  /** @param onFree called whenever a question is settled, and, with `ended`, when the connection is gone. */
  constructor(
    private readonly options: RemotePoolOptions,
    private readonly onFree: (ended: boolean) => void,
  ) {
    const { streams, clock, endpoint } = options;
    const stream = streams.dial(endpoint, {
      onOpen: () => {
        this.stopTimer();
        this.connection = new AdminConnection({
          clock,
          stream,
          maxBytes: MAX_ANSWER,
          drop: (error) => this.end(error),
        });
        this.send();
      },
      onData: (bytes) => this.connection?.onData(bytes),
      onClose: (error) => this.end(new LinkDownError(error ? errorText(error) : 'the node closed the connection')),
    });
    this.close = () => stream.close();
    this.timer = clock.after(TIMEOUT_MS, () => this.end(new TimeoutError(`not connected within ${TIMEOUT_MS} ms`)));
  }

  get free(): boolean {
    return !this.ended && this.question === undefined;
  }

  take(question: Question): void {
    this.question = question;
    if (this.connection) {
      this.stopTimer();
      this.send();
    }
  }

  end(error: Error): void {
    if (this.ended) return;
    this.ended = true;
    this.stopTimer();
    this.close();
    this.connection?.onDown(error);
    // a question on its way is rejected by the connection, one that waited for it here
    if (!this.connection) this.question?.reject(error);
    this.onFree(true);
  }

  private send(): void {
    const { question, connection } = this;
    if (!question || !connection) return;
    const { name, key } = question;
    connection.request({ name, key }, TIMEOUT_MS).then(
      (response) => this.settle(() => question.resolve(response)),
      (error: Error) =>
        this.settle(() =>
          question.reject(
            isRemoteTimeout(error) ? new TimeoutError(`${key}: the node does not answer`, { cause: error }) : error,
          ),
        ),
    );
  }

  private settle(tell: () => void): void {
    this.question = undefined;
    tell();
    if (this.ended) return;
    this.onFree(false);
    if (this.free) this.timer = this.options.clock.after(IDLE_MS, () => this.end(new LinkDownError('idle')));
  }

  private stopTimer(): void {
    this.timer?.();
    this.timer = undefined;
  }
}
