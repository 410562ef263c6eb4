// `npm run test:targets [-- [--short] <target> …]`: builds the router's program for each target and runs it, where need be under qemu.
// It plays a session whose answers must be those of this machine's own program, tells its helper's verbs, and runs the suites of port and
// core, with `--short` in an emulator only those that a machine makes a difference to; the flavour with TLS meets servers of all kinds;
// what mends zig's runtime is judged by runtime.c. As many targets at once as there are processors, for an emulator uses one.

import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';
import { bundleProgram, bundleRouter, bundleTests } from '../../build/bundle.ts';
import { runGroup } from '../../build/group.ts';
import { buildNative, buildTarget } from '../../build/native.ts';
import { DIST, inProject } from '../../build/project.ts';
import { add, type Count, countOf, machineSuites, portableSuites } from '../../build/suites.ts';
import { C_FLAGS, HELPER, RUNTIME_FLAGS, TARGET_NAMES, TARGETS, type TargetName } from '../../build/targets.ts';
import { ensureZig, zigTarget } from '../../build/zig.ts';
import { errorText } from '../../src/errors.ts';
import { type Case, check, dialBy, makeCases } from '../host/tls-cases.ts';
import { findQemu } from '../support/qemu.ts';
import { playSession, type Step } from './session.ts';

const OUT = join(DIST, 'test', 'targets');
/** Time for the suites in an emulator, on a busy machine. */
const SUITES_MS = 2_700_000;
/** qemu 7.2 hands SO_ERROR out untranslated, and on MIPS these numbers mean something else: the suites of the port that see it. */
const MISNUMBERED = [
  'dial and listen: tells of refused connections',
  'dial and listen: writes IPv6 addresses in brackets',
  'names: names every address that failed',
];

/** They play weeks of decisions, and nothing of the machine: two thirds of all the time, ten times as long in an emulator. The C host runs them. */
const LONG = [
  'test/mesh/adviser.test.ts',
  'test/source/adviser.test.ts',
  'test/system/desired-power.test.ts',
  'test/mesh/home.test.ts',
];

const log = (line: string): void => console.log(line);
const run = promisify(execFile);

/** Builds one thing after the other: some share files, and each uses all processors. */
function build<T>(work: () => Promise<T>): Promise<T> {
  const next = building.then(work, work);
  building = next;
  return next;
}
let building: Promise<unknown> = Promise.resolve();

/** Makes a program of a test bundle for a target; its path. */
async function buildTest(target: TargetName, name: string, tls = false): Promise<string> {
  const out = join(OUT, `${name}-${target}`);
  const bundle = join(OUT, `${name}.js`);
  await build(async () =>
    buildNative({ bundle, out, debug: true, tls, target: await zigTarget(TARGETS[target], log), log }),
  );
  return out;
}

/** A program, and what runs it: nothing, or an emulator. */
interface Runnable {
  emulator: readonly string[];
  path: string;
}

const argvOf = ({ emulator, path }: Runnable): string[] => [...emulator, path];

/** What a program says of itself and of its helper's verbs. */
async function introduction(program: Runnable): Promise<Step[]> {
  const directory = mkdtempSync(join(tmpdir(), 'meshbridge-target-'));
  try {
    const helper = join(directory, HELPER.names[0]);
    symlinkSync(program.path, helper);
    const steps: [string, string[]][] = [
      ['--version', [...argvOf(program), '--version']],
      ['helper list', [...program.emulator, helper, 'list']],
      ['--check', [...argvOf(program), '--check', '--config', join(directory, 'none')]],
    ];
    const results: Step[] = [];
    for (const [what, argv] of steps) {
      const { code, output } = await runGroup(argv, SUITES_MS);
      results.push({ what, result: { code, output: output.replaceAll(directory, 'DIR') } });
    }
    return results;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function answersOf(program: Runnable): Promise<Step[]> {
  return [...(await introduction(program)), ...(await playSession(argvOf(program)))];
}

/** Steps that came out as they should; tells of the others. */
function compare(target: TargetName, steps: readonly Step[], expected: readonly Step[]): Count {
  const count: Count = { passed: 0, failed: 0 };
  for (const [i, { what, result }] of expected.entries()) {
    const step = steps[i];
    const isSame = isDeepStrictEqual(step, { what, result });
    count[isSame ? 'passed' : 'failed']++;
    if (!isSame)
      log(`FAIL ${target}: ${what}\n  expected ${JSON.stringify(result)}\n  got      ${JSON.stringify(step?.result)}`);
  }
  return count;
}

/** Names of the suites' tests that failed, as uvu prints them. */
function failures(output: string): string[] {
  return [...output.matchAll(/^\s+FAIL {2}(.*?) {2}"(.*)"$/gm)].map(([, suite, test]) => `${suite}: ${test}`);
}

/** Runs a bundle of suites on a target. */
async function runSuites(target: TargetName, emulator: readonly string[], name: string): Promise<Count> {
  const path = await buildTest(target, name);
  const directory = mkdtempSync(join(tmpdir(), 'meshbridge-target-'));
  try {
    const { output } = await runGroup([...emulator, path, directory], SUITES_MS);
    const count = countOf(output) ?? { passed: 0, failed: 1 };
    const excused = target.startsWith('mips') ? MISNUMBERED : [];
    const excuses = failures(output).filter((failure) => excused.includes(failure)).length;
    count.failed -= excuses;
    if (count.failed > 0) log(`${target}: ${output}`);
    const aside = excuses > 0 ? `, ${excuses} that qemu cannot run` : '';
    log(`     ${target}: ${name} suites: ${count.passed} passed, ${count.failed} failed${aside}`);
    return count;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Runs what judges the mended runtime: one test, or an Error with its words. */
async function runRuntime(target: TargetName, emulator: readonly string[]): Promise<Count> {
  const { cc, flags, env, runtime = [] } = await zigTarget(TARGETS[target], log);
  const path = join(OUT, `runtime-${target}`);
  const sources = [inProject('test/targets/runtime.c'), ...runtime];
  const args = [...cc.slice(1), ...C_FLAGS, ...flags, ...RUNTIME_FLAGS, ...sources, '-o', path];
  await build(() => run(cc[0]!, args, { env: { ...process.env, ...env } }));
  const { code, output } = await runGroup([...emulator, path], SUITES_MS);
  if (code !== 0) throw new Error(`the runtime of ${target}: status ${code}: ${output}`);
  return { passed: 1, failed: 0 };
}

/** Dials servers of all kinds from the flavour with TLS. */
async function runTls(target: TargetName, emulator: readonly string[], cases: readonly Case[]): Promise<Count> {
  const path = await buildTest(target, 'tls', true);
  const { outcomes } = await dialBy(
    [...emulator, path],
    cases.map(({ dial }) => dial),
  );
  const count: Count = { passed: 0, failed: 0 };
  for (const [i, one] of cases.entries())
    try {
      check(one, outcomes[i]!, false);
      count.passed++;
    } catch (error) {
      count.failed++;
      log(`FAIL ${target}: TLS ${one.name}: ${errorText(error)}`);
    }
  log(`     ${target}: TLS: ${count.passed} passed, ${count.failed} failed`);
  return count;
}

/** Whether this machine runs a program of that kind by itself. */
function runsHere(path: string): boolean {
  return spawnSync(path, ['--version']).status === 0;
}

/** What all targets have in common. */
interface Scene {
  /** Whether to run only what a machine makes a difference to, where it takes an emulator. */
  isShort: boolean;
  /** What this machine's own program answers. */
  expected: readonly Step[];
  cases: readonly Case[];
}

async function testTarget(target: TargetName, { isShort, expected, cases }: Scene): Promise<Count> {
  const { qemu } = TARGETS[target] as { qemu?: string };
  const path = await build(() => buildTarget(target, { tls: false, log }));
  const emulator = qemu && !runsHere(path) ? [await findQemu(qemu)] : [];
  const sum = await runRuntime(target, emulator);
  const session = compare(target, await answersOf({ emulator, path }), expected);
  log(`     ${target}: session: ${session.passed} steps as expected, ${session.failed} not`);
  add(sum, session);
  const suites = isShort && emulator.length > 0 ? 'machine' : 'portable';
  for (const name of ['port', suites]) add(sum, await runSuites(target, emulator, name));
  add(sum, await runTls(target, emulator, cases));
  return sum;
}

/** Tests a target, whatever happens, and tells how it went. */
async function judgeTarget(target: TargetName, scene: Scene): Promise<Count> {
  const started = performance.now();
  let count: Count;
  try {
    count = await testTarget(target, scene);
  } catch (error) {
    log(`${target}: ${errorText(error)}`);
    count = { passed: 0, failed: 1 };
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  log(`${count.failed === 0 ? 'ok  ' : 'FAIL'} ${target}: ${count.passed} passed, ${count.failed} failed`);
  log(`measured: ${target}: ${seconds} s`);
  return count;
}

/** What this machine's own program answers. */
async function expectedAnswers(): Promise<Step[]> {
  const path = join(OUT, 'meshbridge');
  await buildNative({ ...(await bundleRouter()), out: path, debug: false, log });
  return answersOf({ emulator: [], path });
}

/** Why nothing can be built or run here, if so. */
async function obstacle(): Promise<string | undefined> {
  try {
    await ensureZig(log);
    await findQemu('qemu-mips-static');
    return undefined;
  } catch (error) {
    return errorText(error);
  }
}

async function main(): Promise<void> {
  const isShort = process.argv[2] === '--short';
  const names = process.argv.slice(isShort ? 3 : 2);
  const unknown = names.filter((name) => !(TARGET_NAMES as string[]).includes(name));
  if (unknown.length > 0)
    throw new Error(`expected some of ${TARGET_NAMES.join(', ')}, or nothing for all, got ${unknown.join(' ')}`);
  const sum: Count = { passed: 0, failed: 0 };
  const why = await obstacle();
  if (why) log(`skipped: running the programs for routers: ${why}`);
  else {
    mkdirSync(OUT, { recursive: true });
    const files = portableSuites().filter((path) => !LONG.some((name) => path.endsWith(name)));
    await bundleTests({ files, out: join(OUT, 'portable.js'), platform: 'quickjs' });
    await bundleTests({ files: machineSuites(), out: join(OUT, 'machine.js'), platform: 'quickjs' });
    const port = [inProject('test/host/port-guest.ts')];
    await bundleTests({ files: port, out: join(OUT, 'port.js'), platform: 'quickjs' });
    await bundleProgram(inProject('test/host/tls-guest.ts'), join(OUT, 'tls.js'), join(OUT, 'tls.json'));
    const scene = { isShort, expected: await expectedAnswers(), cases: await makeCases() };
    const left = names.length > 0 ? (names as TargetName[]) : [...TARGET_NAMES];
    const worker = async (): Promise<void> => {
      for (let target = left.shift(); target; target = left.shift()) add(sum, await judgeTarget(target, scene));
    };
    await Promise.all(Array.from({ length: availableParallelism() }, worker));
  }
  log(`${sum.passed} passed, ${sum.failed} failed`);
  process.exitCode = sum.failed === 0 ? 0 : 1;
}

try {
  await main();
} catch (error) {
  console.error(`test:targets: ${errorText(error)}`);
  process.exitCode = 2;
}
