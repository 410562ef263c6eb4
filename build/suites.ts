// Runs test programs as processes of their own and counts what they report.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runGroup } from './group.ts';
import { inProject, ROOT } from './project.ts';

/** Tests that held, and those that did not. */
export interface Count {
  passed: number;
  failed: number;
}

/** Time for one program, lab suites included. */
const LIMIT_MS = 600_000;

/** Reasons for which something was not tested, as the suites print them: lines that begin with `skipped:`. */
export const skipped: string[] = [];

/** The suites of `test/<area>`: absolute paths, sorted. */
export function suitesOf(area: string): string[] {
  const directory = inProject(`test/${area}`);
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => join(directory, name));
}

/** Areas whose suites use nothing but the port: they run on every host. */
const PORTABLE = [
  'lib',
  'api',
  'transport',
  'ubus',
  'yggdrasil',
  'mqtt',
  'http',
  'mesh',
  'source',
  'system',
  'plane',
  'surface',
  'bugs',
];

/** The suites that run on every host: absolute paths. */
export function portableSuites(): string[] {
  return PORTABLE.flatMap(suitesOf);
}

/** Adds `count` to `sum`. */
export function add(sum: Count, count: Count): void {
  sum.passed += count.passed;
  sum.failed += count.failed;
}

/** Reads what uvu (`Total:`, `Passed:`) or one of our own runners (`N passed, N failed`) printed last. */
export function countOf(output: string): Count | undefined {
  const plain = [...output.matchAll(/^(\d+) passed, (\d+) failed/gm)].at(-1);
  if (plain) return { passed: Number(plain[1]), failed: Number(plain[2]) };
  const total = [...output.matchAll(/^\s*Total:\s+(\d+)/gm)].at(-1);
  const passed = [...output.matchAll(/^\s*Passed:\s+(\d+)/gm)].at(-1);
  const skipped = [...output.matchAll(/^\s*Skipped:\s+(\d+)/gm)].at(-1);
  if (!total || !passed) return undefined;
  return { passed: Number(passed[1]), failed: Number(total[1]) - Number(passed[1]) - Number(skipped?.[1] ?? 0) };
}

/** Runs one program and counts its tests; its output is shown only when it failed. Past `limitMs` it is killed and has failed. */
export async function runSuite(name: string, argv: readonly string[], limitMs = LIMIT_MS): Promise<Count> {
  const started = Date.now();
  const { code, output } = await runGroup(argv, limitMs);
  const count = countOf(output) ?? { passed: 0, failed: 0 };
  const reasons = [...output.matchAll(/^skipped: .*$/gm)].map((match) => match[0]);
  // a suite that ran nothing and does not say why proves nothing
  if (count.passed + count.failed === 0 && reasons.length === 0) count.failed = 1;
  if (code !== 0 && count.failed === 0) count.failed = 1;
  skipped.push(...reasons);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(
    `  ${count.failed === 0 ? 'ok  ' : 'FAIL'} ${name}: ${count.passed} passed, ${count.failed} failed (${seconds} s)`,
  );
  if (count.failed > 0) console.log(output);
  for (const line of [...output.matchAll(/^measured: .*$/gm)]) console.log(`       ${line[0]}`);
  return count;
}

/** Runs the suites of some areas, one process a file. */
export async function runAreas(areas: readonly string[]): Promise<Count> {
  const sum: Count = { passed: 0, failed: 0 };
  for (const file of areas.flatMap(suitesOf)) {
    const path = file.slice(ROOT.length);
    add(sum, await runSuite(path, [process.execPath, 'build/run.mjs', path]));
  }
  return sum;
}
