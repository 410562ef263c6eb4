// What a cut of power may leave of files that were being written.

import type { Files } from '../transport/host.ts';

/** As files are called until they are whole: see `Files.write`. */
const LEFTOVER = /~[A-Za-z0-9]{6}$/;

/** Removes them from a directory in which nobody writes now. @throws Error */
export function removeLeftovers(files: Pick<Files, 'list' | 'remove'>, directory: string): void {
  for (const name of files.list(directory)) if (LEFTOVER.test(name)) files.remove(`${directory}/${name}`);
}
