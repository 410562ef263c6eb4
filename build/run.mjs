// Runs a TypeScript program of this repository: `node build/run.mjs <file.ts> [arguments]`.
// It checks Node's version, installs the node modules when they are not those of package-lock.json, bundles the program and starts it.
// Written so that an old Node can read it and say what is wrong: no `node:` names, nothing by name from `fs`
// that it may lack, no await outside of functions, no `?.`.

// biome-ignore-all lint/style/useNodejsImportProtocol: Node.js before 12.20 does not know the `node:` names
import { spawnSync } from 'child_process';
import { createHash } from 'crypto';
import fs from 'fs';
import { dirname, join, relative } from 'path';
import { fileURLToPath, pathToFileURL } from 'url';

const MIN_NODE = 20;
/** How long an installation by another start is waited for. */
const INSTALL_MS = 600000;
const LOCK_POLL_MS = 200;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const runs = join(root, 'dist', 'run');
const lockFile = join(root, 'package-lock.json');
const modules = join(root, 'node_modules');
/** Holds the hash of the package-lock.json that was installed here. */
const marker = join(modules, '.meshbridge-lock');

function fail(message) {
  process.stderr.write(`meshbridge: ${message}\n`);
  process.exit(1);
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function changedMs(path) {
  return fs.existsSync(path) ? fs.statSync(path).mtimeMs : 0;
}

function wantedModules() {
  return createHash('sha256').update(fs.readFileSync(lockFile)).digest('hex');
}

/** Without our marker, npm was called by hand: then the times decide. */
function isInstalled() {
  if (fs.existsSync(marker)) return fs.readFileSync(marker, 'utf8') === wantedModules();
  return changedMs(join(modules, '.package-lock.json')) >= changedMs(lockFile);
}

function holderOf(lock) {
  try {
    return fs.readdirSync(lock)[0];
  } catch {
    return undefined; // given back meanwhile
  }
}

/**
 * Takes the lock of the installation, and returns what gives it back. The lock is a directory with one file, named after the holder's
 * process id. It arrives by a rename, which fails while there is a file in it: so it never exists without its holder's name,
 * and of two that find a dead holder's file and remove it, one gets the lock.
 */
async function lockInstallation() {
  const lock = join(runs, 'install.lock');
  const mine = `${lock}-${process.pid}`;
  fs.mkdirSync(mine, { recursive: true });
  fs.writeFileSync(join(mine, String(process.pid)), '');
  const until = Date.now() + INSTALL_MS;
  let told = false;
  for (;;) {
    try {
      fs.renameSync(mine, lock);
      break;
    } catch (error) {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    }
    const holder = holderOf(lock);
    if (holder === undefined) continue;
    if (!isAlive(Number(holder))) {
      fs.rmSync(join(lock, holder), { force: true });
      continue;
    }
    if (Date.now() > until) {
      fs.rmSync(mine, { recursive: true });
      fail(`process ${holder} has been installing the node modules for too long: end it, or remove ${lock}`);
    }
    if (!told) process.stderr.write(`meshbridge: waiting for process ${holder}, which installs the node modules …\n`);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
  return () => {
    fs.rmSync(join(lock, String(process.pid)), { force: true });
    try {
      fs.rmdirSync(lock);
    } catch {
      // the next holder has it already
    }
  };
}

async function install() {
  const release = await lockInstallation();
  try {
    if (isInstalled()) return;
    process.stderr.write('meshbridge: installing the node modules …\n');
    const wanted = wantedModules();
    fs.rmSync(marker, { force: true });
    const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      stdio: ['ignore', 2, 2],
    });
    if (npm.error || npm.status !== 0) return fail('npm ci failed: is the npm registry reachable?');
    fs.writeFileSync(marker, wanted);
  } finally {
    release();
  }
}

/** Removes what earlier starts that were killed left behind. */
function sweep() {
  for (const name of fs.readdirSync(runs)) {
    const match = /-(\d+)(\.mjs)?$/.exec(name);
    if (match && !isAlive(Number(match[1]))) fs.rmSync(join(runs, name), { recursive: true, force: true });
  }
}

async function main() {
  const [program, ...args] = process.argv.slice(2);
  if (!program) fail('usage: node build/run.mjs <file.ts> [arguments]');
  fs.mkdirSync(runs, { recursive: true });
  sweep();
  if (!isInstalled()) await install();

  const { build } = await import('esbuild');
  const name = relative(root, join(root, program))
    .replace(/\.ts$/, '')
    .replace(/[^a-z0-9]+/gi, '-');
  const out = join(runs, `${name}-${process.pid}.mjs`);
  try {
    await build({
      entryPoints: [join(root, program)],
      outfile: out,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: `node${MIN_NODE}`,
      packages: 'external',
      alias: { native: join(root, 'test/support/native.ts') },
      sourcemap: 'inline',
      logLevel: 'error',
    });
  } catch {
    process.exit(1); // esbuild has said why
  }
  process.on('exit', () => fs.rmSync(out, { force: true }));
  process.setSourceMapsEnabled(true);
  process.argv.splice(1, process.argv.length - 1, join(root, program), ...args);
  // Node would tell of an await that never ends, were this module's own top level waiting for it.
  const stuck = () => {
    process.stderr.write(`meshbridge: ${program} waits for what never comes\n`);
    process.exitCode = 13;
  };
  process.once('beforeExit', stuck);
  await import(pathToFileURL(out).href);
  process.removeListener('beforeExit', stuck);
}

if (Number(process.versions.node.split('.')[0]) < MIN_NODE)
  fail(`needs Node.js ${MIN_NODE} or newer, this is ${process.versions.node}`);
main();
