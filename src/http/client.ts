// One request over HTTP/1.1 on a connection of its own.

import { LinkDownError, TimeoutError } from '../errors.ts';
import type { Cancel, Clock, Endpoint, Streams } from '../transport/host.ts';
import { encodeRequest, type HttpLimits, type HttpResponse, ResponseReader } from './message.ts';

/** What is asked of whom. */
export interface HttpCall {
  readonly to: Extract<Endpoint, { host: string }>;
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** JSON, where there is one. */
  readonly body?: Uint8Array;
  /** Longest time until it is connected, and until the whole answer is there, milliseconds. */
  readonly dialMs: number;
  readonly timeoutMs: number;
  readonly limits: HttpLimits;
}

/**
 * Asks, and tells the answer, whatever its status, or why there is none: HttpError when it breaks the rules, TimeoutError, LinkDownError,
 * Error when it could not be asked. `done` is called once, never from inside, and not after it is cancelled.
 */
export function httpRequest(
  streams: Pick<Streams, 'dial'>,
  clock: Pick<Clock, 'after'>,
  call: HttpCall,
  done: (outcome: HttpResponse | Error) => void,
): Cancel {
  const { to, method, target, body, limits } = call;
  const reader = new ResponseReader(limits);
  let open = true;
  const stop = (): void => {
    open = false;
    cancelDial();
    cancelWhole();
    stream.close();
  };
  const end = (outcome: HttpResponse | Error): void => {
    if (!open) return;
    stop();
    done(outcome);
  };
  const read = (ended: boolean): void => {
    try {
      const response = reader.next(ended);
      if (response) end(response);
    } catch (error) {
      end(error as Error);
    }
  };
  const cancelDial = clock.after(call.dialMs, () => end(new TimeoutError(`not connected after ${call.dialMs} ms`)));
  const cancelWhole = clock.after(call.timeoutMs, () => end(new TimeoutError(`no answer after ${call.timeoutMs} ms`)));
  const stream = streams.dial(to, {
    onOpen: () => {
      cancelDial();
      const host = to.host.includes(':') ? `[${to.host}]` : to.host;
      const fields = { Host: `${host}:${to.port}`, Connection: 'close', Accept: 'application/json' };
      const json = body && { 'Content-Type': 'application/json' };
      stream.write(encodeRequest(method, target, { ...fields, ...json }, body));
    },
    onData: (bytes) => {
      reader.push(bytes);
      read(false);
    },
    onClose: (error) => {
      if (error) end(new LinkDownError(error.message, { cause: error }));
      else read(true);
    },
  });
  return stop;
}
