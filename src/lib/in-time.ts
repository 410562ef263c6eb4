// Patience with what may never end.

import { TimeoutError } from '../errors.ts';

/** What comes of some work, or a TimeoutError when it is not done in time; the work itself goes on. */
export function inTime<T>(
  clock: { after(delayMs: number, callback: () => void): () => void },
  work: Promise<T>,
  limitMs: number,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(limitMs, () => reject(new TimeoutError(`not done after ${limitMs / 1000} s`)));
    work.finally(cancel).then(resolve, reject);
  });
}
