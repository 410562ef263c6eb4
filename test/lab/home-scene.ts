// What the labs of a home's plane share: the places that their Internet has, programs in a namespace, and the load of the LAN.

import { execFileSync } from 'node:child_process';
import { inProject } from '../../build/project.ts';
import { Child } from '../../src/dev/child.ts';
import type { Namespace } from '../../src/dev/lab/namespace.ts';

const LOAD = inProject('test/lab/home-load.mjs');
/** A server of the Internet, and the home's own end of its line. */
export const WEB = { 4: '203.0.113.80', 6: '2001:db8:80::80' } as const;
export const LINE = { 4: '198.51.100.10', 6: '2001:db8:1::10' } as const;
/** Of the tunnels. */
export const MTU = 1430;

/** What a program says that has to succeed inside. @throws Error */
export function inside(space: Namespace, ...argv: string[]): string {
  const [program, ...args] = space.command(argv);
  return execFileSync(program!, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Loads rules inside. @throws Error */
export function loadRules(space: Namespace, rules: string): void {
  const [program, ...args] = space.command(['nft', '-f', '-']);
  execFileSync(program!, args, { encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'], input: rules });
}

/** Runs a part of the load inside; its words, as they come. */
export async function load(
  space: Namespace,
  ...args: string[]
): Promise<{ child: Child; said: Record<string, unknown>[] }> {
  const said: Record<string, unknown>[] = [];
  const child = await Child.start(space.command([process.execPath, LOAD, ...args]), (line) => {
    if (line.startsWith('{')) said.push(JSON.parse(line));
  });
  return { child, said };
}

/** The same to its end: its last words. */
export async function once(space: Namespace, ...args: string[]): Promise<Record<string, unknown>> {
  const { child, said } = await load(space, ...args);
  await child.ended;
  return said.at(-1) ?? { error: child.tail.join() };
}
