// One question to the daemon of a machine without ubus: see local.ts.

import { errorText, InputError, LinkDownError, TimeoutError } from '../errors.ts';
import { joinBytes } from '../lib/bytes.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import type { Clock, Streams } from '../transport/host.ts';

const ANSWER_MS = 35_000;
const MAX_ANSWER = 8 * 1024 * 1024;

/**
 * Asks an object. @param question object, method, and arguments as JSON.
 * @throws (rejects) InputError with why the object refuses; LinkDownError where no daemon answers; TimeoutError
 */
export function askLocal(
  host: { readonly streams: Pick<Streams, 'dial'>; readonly clock: Pick<Clock, 'after'> },
  path: string,
  [object = '', method = '', text = '{}']: readonly string[],
): Promise<readonly object[]> {
  return new Promise((resolve, reject) => {
    let args: unknown;
    try {
      args = JSON.parse(text);
    } catch {
      throw new InputError('call: expected arguments in JSON');
    }
    const parts: Uint8Array[] = [];
    let length = 0;
    const cancel = host.clock.after(ANSWER_MS, () => {
      stream.close();
      reject(new TimeoutError(`call ${object} ${method}: no answer after ${ANSWER_MS / 1000} s`));
    });
    const stream = host.streams.dial(
      { path },
      {
        onOpen: () => void stream.write(encodeUtf8(`${JSON.stringify({ object, method, args })}\n`)),
        onData: (bytes) => {
          length += bytes.length;
          if (length <= MAX_ANSWER) parts.push(bytes);
          else {
            cancel();
            stream.close();
            reject(new InputError(`call ${object} ${method}: the answer has more than ${MAX_ANSWER} bytes`));
          }
        },
        onClose: (error) => {
          cancel();
          try {
            resolve(tablesOf(decodeUtf8(joinBytes(parts)), error));
          } catch (caught) {
            reject(caught);
          }
        },
      },
    );
  });
}

function tablesOf(text: string, closed: Error | undefined): readonly object[] {
  if (!text.endsWith('\n')) {
    const why = closed ? `: ${errorText(closed)}` : '';
    throw new LinkDownError(`the daemon does not answer${why}; does it run, and may you ask it?`);
  }
  const { data, error } = JSON.parse(text) as { data?: readonly object[]; error?: string };
  if (!data) throw new InputError(error ?? 'refused');
  return data;
}
