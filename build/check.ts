// `npm run check`: types (whole project, the portable part without Node's, LuCI's pages), lint and format, then test/rules. `--write` formats.

import { runGroup } from './group.ts';
import { inProject } from './project.ts';
import { runAreas } from './suites.ts';

const LIMIT_MS = 300_000;
const tsc = inProject('node_modules/typescript/bin/tsc');
const biome = inProject('node_modules/@biomejs/biome/bin/biome');

async function run(name: string, argv: readonly string[]): Promise<boolean> {
  const started = Date.now();
  const { code, output } = await runGroup([process.execPath, ...argv], LIMIT_MS);
  process.stdout.write(output);
  console.log(`  ${code === 0 ? 'ok  ' : 'FAIL'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  return code === 0;
}

/** Checks types, lint and format, all of it whatever the first say; `write` formats. @returns true when all hold. */
export async function checkSources(write = false): Promise<boolean> {
  const results = [
    await run('types', [tsc, '-p', '.']),
    await run('types of the portable part', [tsc, '-p', 'src']),
    await run('types of the LuCI pages', [tsc, '-p', 'luci-app']),
    await run('lint and format', [biome, 'check', '--error-on-warnings', ...(write ? ['--write'] : []), '.']),
  ];
  return results.every(Boolean);
}

if (process.argv[1]?.endsWith('build/check.ts')) {
  const hold = await checkSources(process.argv.includes('--write'));
  const rules = await runAreas(['rules']);
  process.exitCode = hold && rules.failed === 0 && rules.passed > 0 ? 0 : 1;
}
