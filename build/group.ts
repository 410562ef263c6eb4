// Runs a program in a process group of its own, so that all it starts ends with it: at a time limit, or when we are interrupted.

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { ROOT } from './project.ts';

/** How a program ended, and what it printed. */
export interface GroupEnd {
  /** `null`: a signal ended it, or it did not start. */
  code: number | null;
  /** Standard output and standard error, as they came. */
  output: string;
}

/** Between asking a group to end and killing it. */
const GRACE_MS = 3000;
const running = new Set<number>();
let interrupted: NodeJS.Signals | undefined;

function kill(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // all of it has ended
  }
}

function leave(): never {
  process.exit(128 + constants.signals[interrupted ?? 'SIGTERM']);
}

function interrupt(signal: NodeJS.Signals): void {
  interrupted ??= signal;
  if (running.size === 0) leave();
  for (const group of running) kill(group, 'SIGTERM');
  setTimeout(leave, GRACE_MS);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
process.on('exit', () => {
  for (const group of running) kill(group, 'SIGKILL');
});

/** Runs `argv` in the root, without colours. Past `limitMs` its group is killed, and the output's last line says so. Never rejects. */
export function runGroup(argv: readonly string[], limitMs: number): Promise<GroupEnd> {
  return new Promise((resolve) => {
    const child = spawn(argv[0]!, argv.slice(1), {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
      detached: true,
    });
    const group = child.pid;
    if (group !== undefined) running.add(group);
    let output = '';
    let late = false;
    let killer: NodeJS.Timeout | undefined;
    const limit = setTimeout(() => {
      late = true;
      if (group !== undefined) kill(group, 'SIGTERM');
      killer = setTimeout(() => {
        if (group !== undefined) kill(group, 'SIGKILL');
        // whoever left the group may still hold our pipes
        child.stdout.destroy();
        child.stderr.destroy();
      }, GRACE_MS);
    }, limitMs);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        output += text;
      });
    }
    child.on('error', (error) => {
      output += `${error.message}\n`;
    });
    child.on('close', (code) => {
      clearTimeout(limit);
      clearTimeout(killer);
      if (group !== undefined) {
        if (late || interrupted) kill(group, 'SIGKILL');
        running.delete(group);
      }
      if (interrupted && running.size === 0) leave();
      if (late) output += `\nended: not done after ${limitMs / 1000} s\n`;
      resolve({ code: late ? null : code, output });
    });
  });
}
