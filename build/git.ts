// Asks git about this clone.

import { spawnSync } from 'node:child_process';
import { ROOT } from './project.ts';

/** What git prints, trimmed. @throws Error with what it complained of: no git, no repository, no such commit. */
export function git(...args: string[]): string {
  // Whoever builds runs this clone's programs, so git need not be afraid of it when it belongs to somebody else, as in a container.
  const argv = ['-c', 'safe.directory=*', '-C', ROOT, ...args];
  const { error, status, stdout, stderr } = spawnSync('git', argv, { encoding: 'utf8' });
  if (error || status !== 0) throw new Error(`git ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
  return stdout.trim();
}
