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

/**
 * Areas and suites of the portable ones that the machine may make a difference to: its word, its order of bytes, its arithmetic, its
 * host. The others are decisions over values that these have read: what holds on one machine holds on all.
 */
const MACHINE = [
  'lib',
  'transport',
  'ubus',
  'yggdrasil',
  'http',
  'mqtt/decode',
  'mqtt/encode',
  'mqtt/field',
  'mqtt/property',
  // typed arrays, sums of 32 bits, seconds and bytes as doubles
  'mesh/history',
  'mesh/pool',
  'mesh/sample',
  'mesh/usage',
];
/** Of those areas: texts and nothing else, a third of the time. */
const NO_MACHINE = ['lib/uci', 'lib/uci-path'];

/** The portable suites that the machine may make a difference to: absolute paths. */
export function machineSuites(): string[] {
  const nameOf = (path: string): string => /([^/]+\/[^/]+)\.test\.ts$/.exec(path)![1]!;
  return portableSuites().filter((path) => {
    const name = nameOf(path);
    return (MACHINE.includes(name) || MACHINE.includes(name.split('/')[0]!)) && !NO_MACHINE.includes(name);
  });
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
  if (!total || !passed) return undefined;
  return { passed: Number(passed[1]), failed: Number(total[1]) - Number(passed[1]) };
}

/** What came of one program, not told yet. */
interface Outcome {
  count: Count;
  /** Lines for people. */
  lines: string[];
  /** Reasons for which something was not tested. */
  reasons: string[];
}

/** Runs one program and counts its tests; its output is shown only when it failed. Past `limitMs` it is killed and has failed. */
export async function runSuite(name: string, argv: readonly string[], limitMs = LIMIT_MS): Promise<Count> {
  return tell(await tryProgram(name, argv, limitMs));
}

function tell({ count, lines, reasons }: Outcome): Count {
  for (const line of lines) console.log(line);
  skipped.push(...reasons);
  return count;
}

async function tryProgram(name: string, argv: readonly string[], limitMs: number): Promise<Outcome> {
  const started = Date.now();
  const { code, output } = await runGroup(argv, limitMs);
  const count = countOf(output) ?? { passed: 0, failed: 0 };
  const reasons = [...output.matchAll(/^skipped: .*$/gm)].map((match) => match[0]);
  // a suite that ran nothing and does not say why proves nothing
  if (count.passed + count.failed === 0 && reasons.length === 0) count.failed = 1;
  if (code !== 0 && count.failed === 0) count.failed = 1;
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  const lines = [
    `  ${count.failed === 0 ? 'ok  ' : 'FAIL'} ${name}: ${count.passed} passed, ${count.failed} failed (${seconds} s)`,
    ...(count.failed > 0 ? [output] : []),
    ...[...output.matchAll(/^measured: .*$/gm)].map((match) => `       ${match[0]}`),
  ];
  return { count, lines, reasons };
}

/** How many suites of an area run at once: most wait longer than they calculate. They share nothing but build outputs, which are replaced whole. */
const AT_ONCE = 2;

/** They measure how long something takes, or what it takes of the machine: nothing runs beside them. */
const ALONE = [
  'test/host/footprint.test.ts',
  'test/lab/fault.test.ts',
  'test/lab/heal.test.ts',
  'test/lab/start.test.ts',
];

/** Runs the suites of some areas, one process a file, and tells of them in their order; those that run alone come last. */
export async function runAreas(areas: readonly string[]): Promise<Count> {
  const paths = areas.flatMap(suitesOf).map((file) => file.slice(ROOT.length));
  const sum: Count = { passed: 0, failed: 0 };
  const isAlone = (path: string): boolean => ALONE.includes(path);
  await runSome(
    paths.filter((path) => !isAlone(path)),
    AT_ONCE,
    sum,
  );
  await runSome(paths.filter(isAlone), 1, sum);
  return sum;
}

async function runSome(paths: readonly string[], atOnce: number, sum: Count): Promise<void> {
  const outcomes: Promise<Outcome>[] = [];
  const start = (): void => {
    const path = paths[outcomes.length];
    if (path === undefined) return;
    const outcome = tryProgram(path, [process.execPath, 'build/run.mjs', path], LIMIT_MS);
    outcomes.push(outcome);
    void outcome.then(start);
  };
  for (let i = 0; i < atOnce; i++) start();
  for (let i = 0; i < paths.length; i++) add(sum, tell(await outcomes[i]!));
}
