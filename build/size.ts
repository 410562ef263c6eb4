// `npm run size`: what the router's program weighs, against the budgets of targets.ts; ends with exit code 1 when one is past.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errorText } from '../src/errors.ts';
import { bundleProgram } from './bundle.ts';
import { buildNative, findCompiler } from './native.ts';
import { DIST, inProject } from './project.ts';
import { BUDGETS, ROUTER } from './targets.ts';

/** One weighed thing. */
export interface Weight {
  what: string;
  unit: 'bytes' | 'lines';
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
  const { bytes, gzipBytes } = await bundleProgram(inProject(ROUTER.entry), out, `${out}.meta.json`);
  return [
    { what: 'router bundle, minified', unit: 'bytes', value: bytes, budget: BUDGETS.bundle },
    { what: 'router bundle, gzip', unit: 'bytes', value: gzipBytes, budget: BUDGETS.bundleGzip },
  ];
}

async function weighProgram(bundle: string): Promise<Weight> {
  const weight = { what: `program, ${process.arch}, dynamic`, unit: 'bytes', budget: undefined } as const;
  if (!findCompiler()) return { ...weight, value: undefined };
  const out = join(DIST, 'size', 'meshbridge');
  await buildNative({ bundle, out, debug: false, log: (line) => console.error(`size: ${line}`) });
  return { ...weight, value: existsSync(out) ? statSync(out).size : undefined };
}

function show({ what, unit, value, budget }: Weight): string {
  const used = value !== undefined && budget !== undefined ? `${Math.round((100 * value) / budget)} %` : '';
  const cells = [value === undefined ? 'no compiler' : value, budget ?? 'none', used].map((cell) =>
    String(cell).padStart(11),
  );
  return `${what.padEnd(30)}${cells.join('')}  ${unit}`;
}

/** What is past its budget. */
export function overweight(weights: readonly Weight[]): Weight[] {
  return weights.filter(({ value = 0, budget = Number.POSITIVE_INFINITY }) => value > budget);
}

async function main(): Promise<void> {
  const bundle = join(DIST, 'size', ROUTER.out);
  const weights = [
    ...(await weighBundle(bundle)),
    await weighProgram(bundle),
    {
      what: 'C of the host',
      unit: 'lines',
      value: countCodeLines(inProject('src/host/quickjs')),
      budget: BUDGETS.hostLines,
    } as const,
  ];
  console.log(`${''.padEnd(30)}${['size', 'budget', 'used'].map((head) => head.padStart(11)).join('')}`);
  for (const weight of weights) console.log(show(weight));
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
