// `npm run check`: types (whole project, and the portable part without Node's), lint and format, rules. `--write` formats.

import { spawnSync } from 'node:child_process';
import { inProject, ROOT } from './project.ts';

function run(name: string, argv: string[]): boolean {
  const started = Date.now();
  const { status } = spawnSync(process.execPath, argv, { cwd: ROOT, stdio: 'inherit' });
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  return status === 0;
}

const tsc = inProject('node_modules/typescript/bin/tsc');
const biome = inProject('node_modules/@biomejs/biome/bin/biome');
const write = process.argv.includes('--write');

/** Runs all checks. @returns true when all hold. */
export function check(): boolean {
  const results = [
    run('types', [tsc, '-p', '.']),
    run('types of the portable part', [tsc, '-p', 'src']),
    run('lint and format', [biome, 'check', '--error-on-warnings', ...(write ? ['--write'] : []), '.']),
  ];
  return results.every(Boolean);
}

if (process.argv[1]?.endsWith('build/check.ts')) process.exitCode = check() ? 0 : 1;
