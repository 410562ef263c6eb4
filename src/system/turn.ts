// Lets one helper at a time change files: rpcd starts them side by side, and each reads, changes and replaces a whole file.
//
// A name for unix sockets that is no file (a leading `@`) is the lock: the kernel gives it to one process, and frees it when that ends,
// however it ends. Any user may take such a name, so one that stays taken holds nobody up for long.

import { errorText } from '../errors.ts';
import type { Clock, Streams } from '../transport/host.ts';

const NAME = '@meshbridge.helper';
const RETRY_MS = 50;
/** A slow router takes a second for a change; whoever has the name for longer is no helper. */
const WAIT_MS = 5000;

/** The part of the port that is needed here. */
export interface TurnHost {
  readonly streams: Pick<Streams, 'listen'>;
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>;
}

/** Does a change once no other helper is at one, or after 5 s all the same. Rejects with what `change` throws. */
export async function inTurn<T>(host: TurnHost, change: () => T | Promise<T>): Promise<T> {
  const leave = await enter(host);
  try {
    return await change();
  } finally {
    leave();
  }
}

async function enter({ streams, clock }: TurnHost): Promise<() => void> {
  const end = clock.monotonicMs() + WAIT_MS;
  for (;;) {
    try {
      return streams.listen({ path: NAME }, (stream) => {
        stream.close();
        return { onData() {}, onClose() {} };
      });
    } catch (error) {
      if (!/ in use$/.test(errorText(error)) || clock.monotonicMs() >= end) return () => {};
    }
    await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
  }
}
