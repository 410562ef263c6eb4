// `npm run size`: what everything that goes to a router weighs, and what the daemon needs while it runs, against the budgets of targets.ts; ends
// with exit code 1 when one is past. Then what the daemon grew by since a commit, module by module. How fast it is is for `npm run bench`.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { errorText } from '../src/errors.ts';
import { bundleProgram, bundlePrograms } from './bundle.ts';
import { formatGrowth, lastCommit, moduleBytes, modulesAt } from './growth.ts';
import { buildPages, weighScripts } from './luci.ts';
import { buildNative } from './native.ts';
import { packFor } from './pack.ts';
import { PACKAGES } from './packages.ts';
import { DIST, inProject, ROOT } from './project.ts';
import { BUDGETS, ROUTER, TARGETS } from './targets.ts';
import { zigTarget } from './zig.ts';

/** One weighed thing. */
export interface Weight {
  what: string;
  unit: 'bytes' | 'lines' | 'instructions';
  /** `undefined`: cannot be weighed here. */
  value: number | undefined;
  /** `undefined`: nothing bounds it. */
  budget: number | undefined;
}

/** Lines of C in a directory that hold code: not empty, not comment alone. */
export function countCodeLines(directory: string): number {
  return readdirSync(directory)
    .filter((name) => /\.[ch]$/.test(name))
    .flatMap((name) =>
      readFileSync(join(directory, name), 'utf8')
        .replace(/\/\*[\s\S]*?\*\//g, '')
        .split('\n'),
    )
    .filter((line) => line.replace(/\/\/.*/, '').trim() !== '').length;
}

/** Bundles the router's program as `npm run bundle` does, whatever its size, to `out`. */
export async function weighBundle(out: string): Promise<Weight[]> {
  const { bytes, gzipBytes } = await bundleProgram(inProject(ROUTER.entry), out, metafileOf(out));
  return [
    { what: 'router bundle, minified', unit: 'bytes', value: bytes, budget: BUDGETS.bundle },
    { what: 'router bundle, gzip', unit: 'bytes', value: gzipBytes, budget: BUDGETS.bundleGzip },
  ];
}

const metafileOf = (bundle: string): string => `${bundle}.meta.json`;
const log = (line: string): void => console.error(`size: ${line}`);

/** Weighs what `make` makes; where it cannot be made, that is all. */
async function weigh(what: string, budget: number | undefined, make: () => Promise<number>): Promise<Weight> {
  try {
    return { what, unit: 'bytes', value: await make(), budget };
  } catch (error) {
    log(`${what}: not weighed: ${errorText(error)}`);
    return { what, unit: 'bytes', value: undefined, budget };
  }
}

/** The programs with both bundles inside: for this machine, and for the kind of router with the least flash, with its package. */
async function weighPrograms(directory: string): Promise<Weight[]> {
  const request = { ...(await bundlePrograms(join(directory, 'router'))), debug: false, log };
  const mipsel = join(directory, 'mipsel', 'meshbridge');
  return [
    await weigh(`program, ${process.arch}, dynamic`, undefined, async () => {
      const out = join(directory, 'meshbridge');
      await buildNative({ ...request, out });
      return statSync(out).size;
    }),
    await weigh('program, mipsel, static', BUDGETS.mipselBinary, async () => {
      rmSync(mipsel, { force: true }); // its package would be of an earlier one, were this one not made
      await buildNative({ ...request, out: mipsel, target: await zigTarget(TARGETS.mipsel, log) });
      return statSync(mipsel).size;
    }),
    await weigh('its package', BUDGETS.ipk, async () => {
      const daemon = PACKAGES.find(({ name }) => name === 'meshbridge')!;
      const pages = () => Promise.reject(new Error("the daemon's package has the LuCI pages"));
      const builds = { program: async () => readFileSync(mipsel), pages };
      const [ipks] = (await packFor(['mipsel_24kc'], [daemon], builds, 0)).values();
      return ipks![0]!.bytes.length;
    }),
  ];
}

/** The LuCI pages: each file, and all together. */
async function weighPages(): Promise<Weight[]> {
  const { files } = await buildPages();
  const each = files.map(({ path, bytes }): Weight => {
    const what = `page file ${path.replace(/.*\/|-[0-9a-f]+\.\w+$/g, '')}`;
    return { what, unit: 'bytes', value: bytes.length, budget: undefined };
  });
  return [
    ...each,
    ...weighScripts(files).map((weight): Weight => ({ ...weight, what: `pages, ${weight.what}`, unit: 'bytes' })),
  ];
}

/** What the static programs need while they run on this machine, by a program of the tests. */
async function weighRunning(): Promise<Weight[]> {
  const argv = ['build/run.mjs', 'test/bench/footprint.ts'];
  const child = spawnSync(process.execPath, argv, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.status !== 0) throw new Error(`${argv[1]}: ended with ${child.status ?? child.signal}`);
  const found = JSON.parse(child.stdout) as { idleBytes?: number; startInstructions?: number };
  return [
    { what: 'idle, x86, static, resident', unit: 'bytes', value: found.idleBytes, budget: BUDGETS.idleRss },
    {
      what: 'start to first object, x86_64',
      unit: 'instructions',
      value: found.startInstructions,
      budget: BUDGETS.startInstructions,
    },
  ];
}

function show({ what, unit, value, budget }: Weight): string {
  const used = value !== undefined && budget !== undefined ? `${Math.round((100 * value) / budget)} %` : '';
  const cells = [value ?? 'unknown', budget ?? 'none', used].map((cell) => String(cell).padStart(11));
  return `${what.padEnd(30)}${cells.join('')}  ${unit}`;
}

/** Tells what the bundle grew by; without git there is nothing to compare with. */
async function showGrowth(bundle: string, given: string | undefined): Promise<void> {
  const now = moduleBytes(JSON.parse(readFileSync(metafileOf(bundle), 'utf8')));
  try {
    const commit = given ?? lastCommit();
    const lines = formatGrowth(await modulesAt(commit), now);
    console.log(`\nmodules of the router bundle since ${commit}:${lines.length === 0 ? ' no change' : ''}`);
    for (const line of lines) console.log(line);
  } catch (error) {
    if (given !== undefined) throw error;
    log(`what grew: not told: ${errorText(error)}`);
  }
}

/** What is past its budget. */
export function overweight(weights: readonly Weight[]): Weight[] {
  return weights.filter(({ value = 0, budget = Number.POSITIVE_INFINITY }) => value > budget);
}

const HELP = `usage: npm run size [-- --since COMMIT]

  --since COMMIT  shows what each module grew by since then; without it, since the last commit that differs from what lies here
`;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { since: { type: 'string' }, help: { type: 'boolean' } } });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const directory = join(DIST, 'size');
  const bundle = join(directory, ROUTER.out);
  const weights = [
    ...(await weighBundle(bundle)),
    ...(await weighPrograms(directory)),
    ...(await weighPages()),
    ...(await weighRunning()),
    {
      what: 'C of the host',
      unit: 'lines',
      value: countCodeLines(inProject('src/host/quickjs')),
      budget: BUDGETS.hostLines,
    } as const,
  ];
  console.log(`${''.padEnd(30)}${['size', 'budget', 'used'].map((head) => head.padStart(11)).join('')}`);
  for (const weight of weights) console.log(show(weight));
  await showGrowth(bundle, values.since);
  const past = overweight(weights);
  for (const { what } of past) console.log(`past its budget: ${what}`);
  process.exitCode = past.length === 0 ? 0 : 1;
}

if (process.argv[1] === inProject('build/size.ts')) {
  try {
    await main();
  } catch (error) {
    console.error(`size: ${errorText(error)}`);
    process.exitCode = 2;
  }
}
