// `npm test`: every stage in turn, or the stages named as arguments; closes with `N passed, N failed`.
//
// Portable suites run as one bundle on Node and on the C host; the others as one process a file, on Node.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { bundleTests } from './bundle.ts';
import { check } from './check.ts';
import { buildNative, findCompiler } from './native.ts';
import { DIST, inProject, ROOT } from './project.ts';
import { ensureYggdrasil } from './yggdrasil.ts';

/** Areas whose suites use nothing but the port: they run on every host. */
const PORTABLE = ['lib', 'api', 'transport', 'ubus', 'yggdrasil', 'mesh', 'source', 'system', 'surface', 'bugs'];

interface Count {
  passed: number;
  failed: number;
}

function suitesOf(area: string): string[] {
  const directory = inProject(`test/${area}`);
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => join(directory, name));
}

/** Reads what uvu (`Total:`, `Passed:`) or one of our own runners (`N passed, N failed`) printed last. */
function countOf(output: string): Count | undefined {
  const plain = [...output.matchAll(/^(\d+) passed, (\d+) failed/gm)].at(-1);
  if (plain) return { passed: Number(plain[1]), failed: Number(plain[2]) };
  const total = [...output.matchAll(/^\s*Total:\s+(\d+)/gm)].at(-1);
  const passed = [...output.matchAll(/^\s*Passed:\s+(\d+)/gm)].at(-1);
  const skipped = [...output.matchAll(/^\s*Skipped:\s+(\d+)/gm)].at(-1);
  if (!total || !passed) return undefined;
  return { passed: Number(passed[1]), failed: Number(total[1]) - Number(passed[1]) - Number(skipped?.[1] ?? 0) };
}

/** Reasons for which something was not tested, as the suites print them. */
const skipped: string[] = [];

/** Runs one process and counts its tests; its output is shown only when it failed. */
async function run(name: string, argv: string[]): Promise<Count> {
  const started = Date.now();
  const child = spawn(argv[0]!, argv.slice(1), {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
  });
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  child.stderr.on('data', (data) => {
    output += data;
  });
  const code = await new Promise<number | null>((resolve) => {
    child.on('error', (error) => {
      output += error.message;
      resolve(null);
    });
    child.on('close', resolve);
  });
  const count = countOf(output) ?? { passed: 0, failed: 1 };
  if (count.passed + count.failed === 0) count.failed = 1; // a suite that ran nothing proves nothing
  if (code !== 0 && count.failed === 0) count.failed = 1;
  skipped.push(...[...output.matchAll(/^skipped: .*$/gm)].map((match) => match[0]));
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(
    `  ${count.failed === 0 ? 'ok  ' : 'FAIL'} ${name}: ${count.passed} passed, ${count.failed} failed (${seconds} s)`,
  );
  if (count.failed > 0) console.log(output);
  for (const line of [...output.matchAll(/^measured: .*$/gm)]) console.log(`       ${line[0]}`);
  return count;
}

/** One process a file. */
async function runFiles(areas: readonly string[]): Promise<Count> {
  const sum: Count = { passed: 0, failed: 0 };
  for (const area of areas) {
    for (const file of suitesOf(area)) {
      const path = file.slice(ROOT.length);
      add(sum, await run(path, [process.execPath, 'build/run.mjs', path]));
    }
  }
  return sum;
}

function add(sum: Count, count: Count): void {
  sum.passed += count.passed;
  sum.failed += count.failed;
}

const portable = (): string[] => PORTABLE.flatMap(suitesOf);

const STAGES: Record<string, () => Promise<Count>> = {
  check: async () => (check() ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }),
  rules: () => runFiles(['rules', 'build']),
  node: async () => {
    const out = join(DIST, 'test', 'portable-node.mjs');
    await bundleTests({ files: portable(), out, platform: 'node' });
    return run('portable suites on Node', [process.execPath, '--enable-source-maps', out]);
  },
  native: async () => {
    if (!findCompiler()) {
      skipped.push('skipped: the suites on the C host: no C compiler (install gcc)');
      return { passed: 0, failed: 0 };
    }
    const bundle = join(DIST, 'test', 'portable-native.js');
    await bundleTests({ files: portable(), out: bundle, platform: 'quickjs' });
    const out = join(DIST, 'test', 'meshbridge-test');
    await buildNative({ bundle, out, debug: true });
    return run('portable suites on the C host', [out]);
  },
  host: () => runFiles(['host', 'dev']),
  conformance: () => run('ubus conformance', [process.execPath, 'build/run.mjs', 'test/conformance/main.ts']),
  lab: () => runFiles(['lab']),
  fuzz: () =>
    run('fuzzing, seeded', [process.execPath, 'build/run.mjs', 'test/fuzz/main.ts', '--seconds', '20', '--seed', '1']),
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in STAGES));
if (unknown.length > 0) {
  console.error(`test: no stage ${unknown.join(', ')}; there are ${Object.keys(STAGES).join(', ')}`);
  process.exit(2);
}
mkdirSync(join(DIST, 'test'), { recursive: true });
try {
  await ensureYggdrasil((line) => console.log(line));
} catch (error) {
  skipped.push(`skipped: whatever needs real Yggdrasil nodes: ${error instanceof Error ? error.message : error}`);
}
const sum: Count = { passed: 0, failed: 0 };
for (const [name, stage] of Object.entries(STAGES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const started = Date.now();
  console.log(`${name}:`);
  let count: Count;
  try {
    count = await stage();
  } catch (error) {
    console.log(`  FAIL ${basename(name)}: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
    count = { passed: 0, failed: 1 };
  }
  add(sum, count);
  console.log(`  ${name} took ${((Date.now() - started) / 1000).toFixed(1)} s`);
}
for (const reason of skipped) console.log(reason);
console.log(`${sum.passed} passed, ${sum.failed} failed`);
process.exitCode = sum.failed === 0 && sum.passed > 0 ? 0 : 1;
