// Where things are in this repository. Programs run as bundles in dist/run (build/run.mjs), two levels below the root.

import { fileURLToPath } from 'node:url';

/** The repository's root, with a trailing slash. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A path below the root. */
export function inProject(path: string): string {
  return ROOT + path;
}

/** What `npm start`, `npm test` and the builds fetch or make once, and git ignores. Kept across `dist` clean-ups. */
export const CACHE = process.env.MESHBRIDGE_CACHE ?? inProject('.cache');

/** Build outputs. */
export const DIST = inProject('dist');
