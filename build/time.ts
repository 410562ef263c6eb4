// The one time that all files of a build bear, so that the same sources give the same bytes, from a clone and from a release archive.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { version } from '../package.json';
import { inProject, ROOT } from './project.ts';

/** The day on which the changelog says that a version came out, as Unix seconds of its midnight in UTC; `undefined`: it has none. */
export function releaseTime(changelog: string, wanted: string): number | undefined {
  for (const [heading] of changelog.matchAll(/^## .*$/gm)) {
    const day = /\b\d{4}-\d\d-\d\d\b/.exec(heading)?.[0];
    if (day && heading.split(/[^0-9.]+/).includes(wanted)) return Date.parse(`${day}T00:00:00Z`) / 1000;
  }
  return undefined;
}

/** Unix seconds of the last commit, or why it cannot be told. */
function commitTime(): number | string {
  // Whoever builds runs this clone's programs, so git need not be afraid of it when it belongs to somebody else, as in a container.
  const argv = ['-c', 'safe.directory=*', '-C', ROOT, 'log', '-1', '--format=%ct'];
  const { error, stdout, stderr } = spawnSync('git', argv, { encoding: 'utf8' });
  if (error) return error.message;
  return /^\d+\n$/.test(stdout) ? Number(stdout) : stderr.trim();
}

/**
 * Unix seconds: SOURCE_DATE_EPOCH, else the day of the release by the changelog, else the time of the last commit.
 * @throws Error when there is none of these.
 */
export function sourceTime(): number {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given !== undefined) {
    if (!/^\d{1,10}$/.test(given)) throw new Error(`SOURCE_DATE_EPOCH: expected Unix seconds, got ${given}`);
    return Number(given);
  }
  const released = releaseTime(readFileSync(inProject('CHANGELOG.md'), 'utf8'), version);
  if (released !== undefined) return released;
  const why = existsSync(inProject('.git')) ? commitTime() : 'no .git';
  if (typeof why === 'number') return why;
  throw new Error(
    `time of the build: ${version} has no date in CHANGELOG.md, and no commit tells it: ${why}; set SOURCE_DATE_EPOCH`,
  );
}
