// What judges shell scripts, and what they run on: shellcheck, and busybox, whose shell OpenWrt has.

import { spawnSync } from 'node:child_process';
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

/** The shell and the tools of OpenWrt in one static program: its path. @throws Error that says why there is none. */
export async function findBusybox(): Promise<string> {
  const found = await findDebianProgram(BUSYBOX);
  if (typeof found === 'string') throw new Error(found);
  return found.path;
}
