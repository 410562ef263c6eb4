// An edit of a file of /etc/config that is read back after a rest: whoever writes at the same time may write back what he read before.

import type { UciFile } from '../../system/uci-file.ts';
import type { Clock } from '../../transport/host.ts';

const MAX_ATTEMPTS = 5;
const REST_MS = 50;

/**
 * Edits a file until what was written is there after a rest.
 * @returns whether it was written. @throws (rejects) Error as the file does, and when it does not rest.
 */
export async function editAtRest(
  clock: Pick<Clock, 'after'>,
  file: UciFile,
  change: (text: string) => string,
): Promise<boolean> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    if (!file.edit(change)) return attempt > 0;
    await new Promise<void>((resolve) => clock.after(REST_MS, resolve));
  }
  throw new Error(`${file.path}: expected it to rest, what was written was lost ${MAX_ATTEMPTS} times`);
}
