// The one time that all files of a build bear, so that the same sources give the same bytes, from a clone and from a release archive.

import { existsSync, readFileSync } from 'node:fs';
import { version } from '../package.json';
import { errorText } from '../src/errors.ts';
import { git } from './git.ts';
import { inProject } from './project.ts';

/** The day on which the changelog says that a version came out, as Unix seconds of its midnight in UTC; `undefined`: it has none. */
export function releaseTime(changelog: string, wanted: string): number | undefined {
  for (const [heading] of changelog.matchAll(/^## .*$/gm)) {
    const day = /\b\d{4}-\d\d-\d\d\b/.exec(heading)?.[0];
    if (day && heading.split(/[^0-9.]+/).includes(wanted)) return Date.parse(`${day}T00:00:00Z`) / 1000;
  }
  return undefined;
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
  try {
    // without .git, git would ask the directories above
    if (!existsSync(inProject('.git'))) throw new Error('there is no .git');
    return Number(git('log', '-1', '--format=%ct'));
  } catch (error) {
    throw new Error(
      `time of the build: ${version} has no date in CHANGELOG.md, and no commit tells it (${errorText(error)}): set SOURCE_DATE_EPOCH`,
    );
  }
}
