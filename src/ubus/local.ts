// What a machine without ubus has instead: the same objects, served to whoever may open a socket of this machine. One question a connection,
// `{"object": …, "method": …, "args": {…}}` in one line, and one answer: `{"data": […]}` or `{"error": …, "field": …}`.

import { errorText, InputError, LinkDownError } from '../errors.ts';
import { joinBytes } from '../lib/bytes.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import type { Log } from '../log.ts';
import type { Cancel, Clock, Stream, Streams } from '../transport/host.ts';
import type { LinkReport } from '../transport/link.ts';
import { decodeTable, type Table } from './blobmsg.ts';
import type { UbusClient } from './client.ts';
import { checkArguments, encodeReply, Failure, toFailure, type UbusObject } from './object.ts';

const MAX_QUESTION = 64 * 1024;
const MAX_CONNECTIONS = 8;
const QUESTION_MS = 5000;
/** For its answer, and until that is read. */
const ANSWER_MS = 60_000;
/** From one attempt to listen to the next. */
const AGAIN_MS = 5000;
const NEWLINE = 10;

/** What of a bus is used by the daemon. */
export type Bus = Pick<
  UbusClient,
  | ('start' | 'stop' | 'up' | 'report' | 'onChange' | 'call' | 'listen')
  | ('publish' | 'notify' | 'send' | 'hasSubscribers' | 'onSubscribers')
>;

export interface LocalBusOptions {
  readonly streams: Pick<Streams, 'listen'>;
  readonly clock: Clock;
  readonly path: string;
  readonly log: Log;
}

const nothing: Cancel = () => {};

/** A bus with one program on it. Nobody else's objects are there, and nobody is told of events: the log tells of those. */
export class LocalBus implements Bus {
  readonly up = false;
  private readonly objects = new Map<string, UbusObject>();
  private readonly open = new Set<Stream>();
  private stopListening: Cancel = nothing;
  private lastError: string | undefined;
  private readonly sinceMs: number;

  constructor(private readonly options: LocalBusOptions) {
    this.sinceMs = options.clock.monotonicMs();
  }

  start(): void {
    const { streams, clock, path, log } = this.options;
    try {
      this.stopListening = streams.listen({ path }, (stream) => this.accept(stream));
      this.lastError = undefined;
    } catch (error) {
      const text = errorText(error);
      if (text !== this.lastError) log.warn('socket not taken', { error: text });
      this.lastError = text;
      this.stopListening = clock.after(AGAIN_MS, () => this.start());
    }
  }

  stop(): void {
    this.stopListening();
    for (const stream of this.open) stream.close();
    this.open.clear();
  }

  report(): LinkReport {
    const { lastError } = this;
    return {
      state: 'stopped',
      since_ms: this.sinceMs,
      ups: 0,
      ...(lastError !== undefined && { last_error: lastError }),
    };
  }

  onChange(): Cancel {
    return nothing;
  }

  onSubscribers(): Cancel {
    return nothing;
  }

  listen(): Cancel {
    return nothing;
  }

  hasSubscribers(): boolean {
    return false;
  }

  call(path: string, method: string): Promise<Table[]> {
    return Promise.reject(new LinkDownError(`call ${path} ${method}: this machine has no ubus`));
  }

  async notify(): Promise<[]> {
    return [];
  }

  async send(): Promise<void> {}

  /** @throws InputError when its path is published already */
  publish(object: UbusObject): void {
    if (this.objects.has(object.path)) throw new InputError(`${object.path}: published already`);
    this.objects.set(object.path, object);
  }

  private accept(stream: Stream) {
    const { clock } = this.options;
    let parts: Uint8Array[] = [];
    let length = 0;
    const end = (): void => {
      cancel();
      this.open.delete(stream);
      stream.close();
    };
    let cancel = clock.after(QUESTION_MS, end);
    this.open.add(stream);
    if (this.open.size > MAX_CONNECTIONS) clock.after(0, end);
    return {
      onData: (bytes: Uint8Array): void => {
        length += bytes.length;
        if (length > MAX_QUESTION) {
          end();
          return;
        }
        parts.push(bytes);
        if (!bytes.includes(NEWLINE)) return;
        // whoever does not read the answer does not keep the place
        cancel();
        cancel = clock.after(ANSWER_MS, end);
        stream.setReading(false);
        const question = joinBytes(parts);
        parts = [];
        void this.answer(question).then((answer) => {
          if (this.open.has(stream) && stream.write(encodeUtf8(`${JSON.stringify(answer)}\n`))) end();
        });
      },
      onDrain: end,
      onClose: (): void => {
        cancel();
        this.open.delete(stream);
      },
    };
  }

  private async answer(question: Uint8Array): Promise<object> {
    try {
      const { object, method, args } = questionOf(decodeUtf8(question));
      const found = this.objects.get(object);
      if (!found) throw new InputError(`object: expected one of ${[...this.objects.keys()].join(', ')}`, 'object');
      const known = Object.hasOwn(found.methods, method) ? found.methods[method] : undefined;
      if (!known) throw new InputError(`method: expected one of ${Object.keys(found.methods).join(', ')}`, 'method');
      const reply = await known.handle(checkArguments(known.args, args), { user: 'local', group: 'local', peer: 0 });
      if (reply instanceof Failure) throw reply;
      return { data: encodeReply(known, reply).data.map((bytes) => decodeTable(bytes)) };
    } catch (error) {
      const { error: text, field } = toFailure(error);
      return { error: text, ...(field !== undefined && { field }) };
    }
  }
}

function questionOf(text: string): { object: string; method: string; args: Table } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InputError('expected a line of JSON');
  }
  const { object, method, args = {} } = (value ?? {}) as Record<string, unknown>;
  if (typeof object !== 'string' || typeof method !== 'string') throw new InputError('expected object and method');
  if (typeof args !== 'object' || args === null || Array.isArray(args))
    throw new InputError('args: expected a table', 'args');
  return { object, method, args: args as Table };
}
