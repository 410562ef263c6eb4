// Bounds what a directory of the cache keeps: of the files that begin alike, the ones that were used last.

import { readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';

/** When a file was last used, as `touch` marked it; 0: another program has just removed it. */
function usedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Marks a file as used now. @throws Error when it is not there. */
export function touch(path: string): void {
  const now = new Date();
  utimesSync(path, now, now);
}

/** Removes the files of a directory whose names begin with `prefix`, but for the `count` that were used last. */
export function keepNewest(directory: string, prefix: string, count: number): void {
  const paths = readdirSync(directory)
    .filter((name) => name.startsWith(prefix))
    .map((name) => join(directory, name));
  const newestFirst = paths.map((path) => ({ path, at: usedMs(path) })).sort((a, b) => b.at - a.at);
  for (const { path } of newestFirst.slice(count)) rmSync(path, { force: true });
}
