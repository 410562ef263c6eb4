// Asks one name server for one name, over TCP and from one address of this machine: the machine's own resolver would ask by another way.
//
// Source: RFC 1035 (§4.1, §4.2.2).

import { LinkDownError, RemoteError, TimeoutError } from '../errors.ts';
import { joinBytes } from '../lib/bytes.ts';
import { encodeUtf8 } from '../lib/utf8.ts';
import type { Clock, Endpoint, Streams } from '../transport/host.ts';

/** Of an answer to one question. */
const MAX_ANSWER = 4096;
const HEADER = 12;
const RECURSION_DESIRED = 1;
const IS_ANSWER = 0x80;
const TYPE_A = 1;
const CLASS_IN = 1;
const CODES: Readonly<Record<number, string>> = {
  1: 'it did not understand the question',
  2: 'it failed to find out',
  3: 'there is no such name',
  4: 'it does not do that',
  5: 'it refused',
};

/** The question for the IPv4 addresses of a name, with its length in front. */
export function encodeQuestion(name: string, id: number): Uint8Array {
  const labels = name.split('.').flatMap((label) => {
    const bytes = encodeUtf8(label);
    return [Uint8Array.of(bytes.length), bytes];
  });
  const body = joinBytes([
    Uint8Array.of(id >> 8, id & 255, RECURSION_DESIRED, 0, 0, 1, 0, 0, 0, 0, 0, 0),
    ...labels,
    Uint8Array.of(0, 0, TYPE_A, 0, CLASS_IN),
  ]);
  return joinBytes([Uint8Array.of(body.length >> 8, body.length & 255), body]);
}

/** Records of an answer. @throws RemoteError when it is none to this question, or says why there are none. */
export function countRecords(answer: Uint8Array, id: number): number {
  const [high = 0, low = 0, flags = 0, code = 0] = answer;
  if (answer.length < HEADER || ((high << 8) | low) !== id || (flags & IS_ANSWER) === 0)
    throw new RemoteError('what came is no answer to the question', -1);
  const status = code & 15;
  if (status !== 0) throw new RemoteError(CODES[status] ?? `it answered with code ${status}`, status);
  return (answer[6]! << 8) | answer[7]!;
}

/** Asks, and resolves when addresses came. Rejects with RemoteError, TimeoutError or LinkDownError. */
export function askName(
  streams: Pick<Streams, 'dial'>,
  clock: Pick<Clock, 'after' | 'monotonicMs'>,
  to: Extract<Endpoint, { host: string }>,
  name: string,
  timeoutMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const id = clock.monotonicMs() & 0xffff;
    let got = new Uint8Array(0);
    const end = (error?: Error): void => {
      cancel();
      stream.close();
      if (error) reject(error);
      else resolve();
    };
    const cancel = clock.after(timeoutMs, () => end(new TimeoutError(`no answer after ${timeoutMs / 1000} s`)));
    const stream = streams.dial(to, {
      onOpen: () => {
        stream.write(encodeQuestion(name, id));
      },
      onData: (bytes) => {
        got = joinBytes([got, bytes]).slice();
        const length = got.length < 2 ? MAX_ANSWER : (got[0]! << 8) | got[1]!;
        if (length > MAX_ANSWER || got.length > MAX_ANSWER + 2)
          return end(new RemoteError(`expected an answer of at most ${MAX_ANSWER} bytes`, -1));
        if (got.length < 2 + length || got.length < 2) return;
        try {
          const count = countRecords(got.subarray(2, 2 + length), id);
          end(count > 0 ? undefined : new RemoteError('it knows no address of that name', 0));
        } catch (error) {
          end(error as Error);
        }
      },
      onClose: (error) => end(new LinkDownError(error?.message ?? 'it ended the connection')),
    });
  });
}
