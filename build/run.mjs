// Runs a TypeScript program of this repository: `node build/run.mjs <file.ts> [arguments]`.
// It checks Node's version, installs the node modules when package-lock.json is newer than they are, bundles the program and starts it.
// Written so that an old Node can read it and say what is wrong.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const MIN_NODE = 20;
const root = dirname(dirname(fileURLToPath(import.meta.url)));

function fail(message) {
  process.stderr.write(`meshbridge: ${message}\n`);
  process.exit(1);
}

function changedMs(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

const major = Number(process.versions.node.split('.')[0]);
if (major < MIN_NODE) fail(`needs Node.js ${MIN_NODE} or newer, this is ${process.versions.node}`);

const [program, ...args] = process.argv.slice(2);
if (!program) fail('usage: node build/run.mjs <file.ts> [arguments]');

const marker = join(root, 'node_modules', '.package-lock.json');
if (changedMs(marker) < changedMs(join(root, 'package-lock.json'))) {
  process.stderr.write('meshbridge: installing the node modules …\n');
  const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (npm.error || npm.status !== 0) fail('npm ci failed: is the npm registry reachable?');
}

const { build } = await import('esbuild');
const name = relative(root, join(root, program))
  .replace(/\.ts$/, '')
  .replace(/[^a-z0-9]+/gi, '-');
const out = join(root, 'dist', 'run', `${name}-${process.pid}.mjs`);
mkdirSync(dirname(out), { recursive: true });
try {
  await build({
    entryPoints: [join(root, program)],
    outfile: out,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: `node${MIN_NODE}`,
    packages: 'external',
    sourcemap: 'inline',
    logLevel: 'error',
  });
} catch {
  process.exit(1); // esbuild has said why
}
process.on('exit', () => rmSync(out, { force: true }));
process.setSourceMapsEnabled(true);
process.argv.splice(1, process.argv.length - 1, join(root, program), ...args);
await import(pathToFileURL(out).href);
