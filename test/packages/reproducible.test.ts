// Two clones in different places, the second with nothing compiled yet, make the same program, byte for byte.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildTarget } from '../../build/native.ts';
import { CACHE, inProject, ROOT } from '../../build/project.ts';
import { sourceTime } from '../../build/time.ts';

const run = promisify(execFile);
const TARGET = 'mips';
/** What holds compiled code of ours, directly or one level below. */
const COMPILED = ['native', 'zig-cache/objects'];
/** What is not part of a clone. */
const LEFT_OUT = /^(\.git|\.cache|dist|node_modules)$/;

const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

/** A copy of this clone as it lies here. */
function copyClone(to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(ROOT))
    if (!LEFT_OUT.test(name)) cpSync(inProject(name), join(to, name), { recursive: true });
  symlinkSync(inProject('node_modules'), join(to, 'node_modules'));
}

/** A cache with all that was downloaded, and the C library, but with nothing that was compiled of ours. */
function copyCache(from: string, to: string, below = ''): void {
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    const path = below + name;
    if (COMPILED.includes(path)) continue;
    if (COMPILED.some((compiled) => compiled.startsWith(`${path}/`)))
      copyCache(join(from, name), join(to, name), `${path}/`);
    else symlinkSync(join(from, name), join(to, name));
  }
}

const test = suite('reproducible');

test('another clone makes the same program', async () => {
  const work = mkdtempSync(join(tmpdir(), 'meshbridge-another-place-'));
  try {
    const program = await buildTarget(TARGET, { tls: false, log: (line) => console.log(line) });
    const clone = join(work, 'a-clone-with-a-longer-name');
    copyClone(clone);
    copyCache(CACHE, join(work, 'cache'));
    const env = { ...process.env, MESHBRIDGE_CACHE: join(work, 'cache'), SOURCE_DATE_EPOCH: `${sourceTime()}` };
    await run(process.execPath, ['build/run.mjs', 'build/native.ts', '--target', TARGET], { cwd: clone, env });
    const other = join(clone, 'dist/native', TARGET, 'meshbridge');
    assert.ok(readdirSync(join(work, 'cache/native')).length > 0, '~> it compiled everything itself');
    assert.is(digest(other), digest(program));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
});

test.run();
