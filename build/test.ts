// `npm test`: every stage in turn, or the stages named as arguments; closes with `N passed, N failed`.
//
// Portable suites run as one bundle on Node and on the C host; the others as one process a file, on Node.

import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { bundleTests } from './bundle.ts';
import { checkSources } from './check.ts';
import { buildNative, findCompiler } from './native.ts';
import { DIST } from './project.ts';
import { add, type Count, portableSuites, runAreas, runSuite, skipped } from './suites.ts';
import type { TargetName } from './targets.ts';
import { ensureYggdrasil } from './yggdrasil.ts';

/**
 * Of the targets, those that are run each time: big-endian, 64 bits, and without an emulator. In an emulator only the suites that a
 * machine makes a difference to. `npm run test:targets` runs everything.
 */
const TARGETS_EACH_TIME = ['mips', 'aarch64', 'x86_64'] as const satisfies TargetName[];
/** Time for them, with zig and musl made first. */
const TARGETS_MS = 3_600_000;

const STAGES: Record<string, () => Promise<Count>> = {
  check: async () => ((await checkSources()) ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }),
  rules: () => runAreas(['rules', 'build']),
  node: async () => {
    const out = join(DIST, 'test', 'portable-node.mjs');
    await bundleTests({ files: portableSuites(), out, platform: 'node' });
    return runSuite('portable suites on Node', [process.execPath, '--enable-source-maps', out]);
  },
  native: async () => {
    if (!findCompiler()) {
      skipped.push('skipped: the suites on the C host: no C compiler (install gcc)');
      return { passed: 0, failed: 0 };
    }
    const bundle = join(DIST, 'test', 'portable-native.js');
    await bundleTests({ files: portableSuites(), out: bundle, platform: 'quickjs' });
    const out = join(DIST, 'test', 'meshbridge-test');
    await buildNative({ bundle, out, debug: true });
    return runSuite('portable suites on the C host', [out]);
  },
  host: () => runAreas(['host', 'dev', 'page-host']),
  luci: () => runAreas(['luci']),
  service: () => runAreas(['service']),
  packages: () => runAreas(['packages']),
  targets: () =>
    runSuite(
      "the routers' programs",
      [process.execPath, 'build/run.mjs', 'test/targets/main.ts', '--short', ...TARGETS_EACH_TIME],
      TARGETS_MS,
    ),
  conformance: () => runSuite('ubus conformance', [process.execPath, 'build/run.mjs', 'test/conformance/main.ts']),
  broker: () => runAreas(['broker']),
  fleet: () => runAreas(['fleet']),
  lab: async () => {
    const sum = await runAreas(['lab']);
    add(
      sum,
      await runSuite('the lab of the Internet', [process.execPath, 'build/run.mjs', 'test/lab/internet/main.ts']),
    );
    return sum;
  },
  fuzz: () =>
    runSuite('fuzzing, seeded', [
      process.execPath,
      'build/run.mjs',
      'test/fuzz/main.ts',
      '--seconds',
      '20',
      '--seed',
      '1',
    ]),
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
const began = Date.now();
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
console.log(`all of it took ${((Date.now() - began) / 60_000).toFixed(1)} min`);
console.log(`${sum.passed} passed, ${sum.failed} failed`);
process.exitCode = sum.failed === 0 && sum.passed > 0 ? 0 : 1;
