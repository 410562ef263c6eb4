// Takes requests over HTTP/1.1: bounded in connections, bytes and time, whoever is at their other side.
//
// Who asks is the address that the kernel tells; no field of a request has a say in it.

import type { Cancel, Clock, ListenEndpoint, Stream, StreamEvents, Streams } from '../transport/host.ts';
import { encodeResponse, HttpError, type HttpLimits, type HttpRequest, RequestReader } from './message.ts';

/** What a server gives at most. */
export interface ServerLimits extends HttpLimits {
  /** Connections in all, and of one address. */
  connections: number;
  connectionsEach: number;
  /** Requests of one connection. */
  requests: number;
  /** Bytes of requests that wait for their rest, over all connections. */
  waitingBytes: number;
  /** From the first byte of a request, or from connecting, to its last; and between two requests. Milliseconds. */
  requestMs: number;
  idleMs: number;
}

/** For a registrar; `connections` is to be set. */
export const SERVER_LIMITS: Omit<ServerLimits, 'connections'> = {
  headBytes: 8192,
  bodyBytes: 4096,
  connectionsEach: 4,
  requests: 100,
  waitingBytes: 512 * 1024,
  requestMs: 5000,
  idleMs: 15_000,
};

/** How often it is looked for connections whose time is over, milliseconds. */
const SWEEP_MS = 1000;
/** So long, and for so many bytes, is listened after the last answer: closed at once, it might be lost on its way. */
const LINGER_MS = 2000;
const LINGER_BYTES = 256 * 1024;

/** An answer as a handler gives it. */
export interface HttpAnswer {
  readonly status: number;
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** One request that waits for its answer. */
export interface Exchange {
  readonly request: HttpRequest;
  /** Numeric address of who asks, as the kernel knows it. */
  readonly from: string;
  /** To be called once; later calls, and those after `onGone`, do nothing. */
  answer(answer: HttpAnswer): void;
  /** Set by the handler: whoever asked is gone, nobody waits for the answer any more. */
  onGone?: (() => void) | undefined;
}

export interface HttpServerOptions {
  readonly streams: Pick<Streams, 'listen'>;
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>;
  readonly at: ListenEndpoint;
  readonly limits: ServerLimits;
  /** Answers now or later; what it throws is a bug, and ends the program. */
  handle(exchange: Exchange): void;
  /** What is said to what is no request, or came too slowly. */
  refuse(status: number, reason: string): HttpAnswer;
}

/** The server of one endpoint. */
export class HttpServer {
  /** The longest connected first. */
  private readonly open = new Set<Connection>();
  private readonly byAddress = new Map<string, number>();
  private cancelListen: Cancel | undefined;
  private cancelSweep: Cancel | undefined;
  private waitingBytes = 0;

  constructor(readonly options: HttpServerOptions) {}

  get connections(): number {
    return this.open.size;
  }

  /** @throws Error when the endpoint cannot be bound. */
  start(): void {
    const { streams, at } = this.options;
    this.cancelListen ??= streams.listen(at, (stream, from) => this.accept(stream, from));
  }

  /** Ends everything; requests that wait get no answer. */
  stop(): void {
    this.cancelListen?.();
    this.cancelListen = undefined;
    this.cancelSweep?.();
    this.cancelSweep = undefined;
    for (const connection of [...this.open]) connection.end();
  }

  private accept(stream: Stream, from: string): StreamEvents {
    const { limits, clock } = this.options;
    const each = this.byAddress.get(from) ?? 0;
    if (each >= limits.connectionsEach || (this.open.size >= limits.connections && !this.makeRoom())) {
      stream.close();
      return { onData() {}, onClose() {} };
    }
    const connection = new Connection(this.options, stream, from, {
      ended: () => this.forget(connection),
      waits: (more) => {
        this.waitingBytes += more;
        return this.waitingBytes <= limits.waitingBytes;
      },
    });
    this.open.add(connection);
    this.byAddress.set(from, each + 1);
    this.cancelSweep ??= clock.after(SWEEP_MS, () => this.sweep());
    return connection;
  }

  /** Ends the connection that has been without a request under way for longest; an answer takes a moment, who holds a place takes long. */
  private makeRoom(): boolean {
    for (const connection of this.open) {
      if (connection.isBusy) continue;
      connection.end();
      return true;
    }
    return false;
  }

  private forget(connection: Connection): void {
    this.open.delete(connection);
    const each = (this.byAddress.get(connection.from) ?? 1) - 1;
    if (each > 0) this.byAddress.set(connection.from, each);
    else this.byAddress.delete(connection.from);
  }

  private sweep(): void {
    const { clock } = this.options;
    const nowMs = clock.monotonicMs();
    for (const connection of [...this.open]) connection.sweep(nowMs);
    this.cancelSweep = this.open.size > 0 ? clock.after(SWEEP_MS, () => this.sweep()) : undefined;
  }
}

interface Owner {
  ended(): void;
  /** So many bytes more wait, or fewer; false: too many do, of all connections. */
  waits(more: number): boolean;
}

/** One connection. */
class Connection implements StreamEvents {
  private reader: RequestReader;
  private exchange: Exchange | undefined;
  private pumping = false;
  private deadlineMs: number;
  private requests = 0;
  /** Bytes of the reader, as its owner was told. */
  private told = 0;
  /** The last answer was given: what still comes is not read. */
  private lingering = false;
  private passed = 0;
  private ended = false;

  constructor(
    private readonly options: HttpServerOptions,
    private readonly stream: Stream,
    readonly from: string,
    private readonly owner: Owner,
  ) {
    this.reader = new RequestReader(options.limits);
    this.deadlineMs = this.nowMs() + options.limits.requestMs;
  }

  /** A request of it is being answered. */
  get isBusy(): boolean {
    return this.exchange !== undefined;
  }

  onData(bytes: Uint8Array): void {
    const { headBytes, bodyBytes, requestMs } = this.options.limits;
    if (this.lingering) {
      this.passed += bytes.length;
      if (this.passed > LINGER_BYTES) this.end();
      return;
    }
    if (!this.isBusy && !this.reader.inRequest) this.deadlineMs = this.nowMs() + requestMs;
    this.reader.push(bytes);
    this.pump();
    const waiting = this.reader.waitingBytes;
    if (!this.account() || waiting > headBytes + bodyBytes) this.end();
  }

  onDrain(): void {
    this.pump();
    this.account();
  }

  onClose(): void {
    this.end();
  }

  /** Ends it at once. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.stream.close();
    this.owner.waits(-this.told);
    this.owner.ended();
    const { exchange } = this;
    this.exchange = undefined;
    exchange?.onGone?.();
  }

  /** Its time may be over. */
  sweep(nowMs: number): void {
    if (this.isBusy || nowMs < this.deadlineMs) return;
    if (this.lingering || !this.reader.inRequest) this.end();
    else this.refuse(408, 'the request did not come in time');
  }

  private nowMs(): number {
    return this.options.clock.monotonicMs();
  }

  /** Answers one request after the other; the next one when the answer before is out. */
  private pump(): void {
    if (this.pumping) return; // answered from inside `handle`: the loop goes on by itself
    this.pumping = true;
    while (!this.isBusy && !this.lingering && !this.ended && this.stream.queuedBytes === 0) {
      let request: HttpRequest | undefined;
      try {
        request = this.reader.next();
      } catch (error) {
        const { status, message } = error as HttpError;
        if (!(error instanceof HttpError)) throw error;
        this.refuse(status, message);
      }
      if (!request) break;
      this.take(request);
    }
    this.pumping = false;
  }

  private take(request: HttpRequest): void {
    const { limits } = this.options;
    const isLast = !request.keepAlive || ++this.requests >= limits.requests;
    const exchange: Exchange = {
      request,
      from: this.from,
      answer: (answer) => {
        if (this.exchange !== exchange) return;
        this.exchange = undefined;
        this.send(answer, isLast);
        this.pump();
        this.account();
      },
    };
    this.exchange = exchange;
    this.options.handle(exchange);
  }

  private refuse(status: number, reason: string): void {
    this.send(this.options.refuse(status, reason), true);
  }

  private send({ status, fields, body }: HttpAnswer, isLast: boolean): void {
    if (isLast) {
      this.lingering = true;
      this.reader = new RequestReader(this.options.limits); // what waits in it is not wanted any more
    }
    this.deadlineMs = this.nowMs() + (isLast ? LINGER_MS : this.options.limits.idleMs);
    const close = isLast ? { Connection: 'close' } : {};
    this.stream.write(encodeResponse(status, { ...fields, ...close }, body));
  }

  private account(): boolean {
    if (this.ended) return true;
    const waiting = this.reader.waitingBytes;
    const more = waiting - this.told;
    this.told = waiting;
    return more === 0 || this.owner.waits(more) || more < 0;
  }
}
