// shellcheck, and the shells that scripts of routers are tried on: busybox' ash, which OpenWrt has, and dash, the strictest.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { findDebianProgram } from './debian-program.ts';

/** As what scripts are judged: POSIX and `local`, which every shell of a router has. */
const SHELL = 'dash';

const SHELLCHECK = {
  name: 'shellcheck',
  libraries: ['libgmp10', 'libffi8'],
  path: 'usr/bin/shellcheck',
  proof: ['--version'],
} as const;

const BUSYBOX = { name: 'busybox-static', path: 'bin/busybox', proof: ['true'] } as const;

/** A judge of shell scripts: takes a text, gives the findings, one a line (empty: clean). */
export type Shellcheck = (text: string) => string;

/** shellcheck 0.9, or why there is none. */
export async function findShellcheck(): Promise<Shellcheck | string> {
  const found = await findDebianProgram(SHELLCHECK);
  if (typeof found === 'string') return found;
  return (text) => {
    const args = ['--shell', SHELL, '--format', 'gcc', '--norc', '-'];
    const { status, stdout, stderr } = spawnSync(found.path, args, { env: found.env, input: text, encoding: 'utf8' });
    return status === 0 ? '' : stdout.trim() || stderr.trim() || `shellcheck ended with ${status}`;
  };
}

/** Whether a text is a shell script: by its first line, such as `#!/bin/sh /etc/rc.common`. */
export function isShellScript(text: string): boolean {
  return /^#!\s*\/\S*\bsh(\s|$)/.test(text);
}

/** A shell: the words to run a script with. */
export interface Shell {
  name: string;
  argv: readonly string[];
}

/** The shells that are here, and why one is not. */
export async function findShells(): Promise<{ shells: Shell[]; missing: string[] }> {
  const shells: Shell[] = [];
  const missing: string[] = [];
  const busybox = await findDebianProgram(BUSYBOX);
  if (typeof busybox === 'string') missing.push(`busybox ash: ${busybox}`);
  else shells.push({ name: 'busybox ash', argv: [busybox.path, 'ash'] });
  if (existsSync('/usr/bin/dash')) shells.push({ name: 'dash', argv: ['/usr/bin/dash'] });
  else missing.push('dash: no /usr/bin/dash');
  return { shells, missing };
}
