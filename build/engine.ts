// Gets the sources of the JavaScript engine, QuickJS, into the project's cache: from Debian's source package, checked against a known sum.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { downloadDebian } from './debian.ts';
import { CACHE } from './project.ts';

/** The release that this machine's builds use; OpenWrt's feed brings its own tarball of 2026-06-04. */
export const ENGINE = {
  version: '2025-04-26',
  suite: 'trixie',
  source: 'quickjs',
  sha256: 'ec81da5b3249ed648dbc7df4a1654988910e66a118d9b71cb63534216efcfbbe',
} as const;

/** The files that make up the engine proper: no command line, no libc module. */
export const ENGINE_FILES = ['quickjs.c', 'dtoa.c', 'libregexp.c', 'libunicode.c', 'cutils.c'] as const;

/**
 * The directory with the engine's sources; downloads and unpacks them the first time.
 * @throws Error with one line: no Debian, no network, a tarball that is not the known one, no tar.
 */
export async function engineSources(log: (line: string) => void): Promise<string> {
  const directory = join(CACHE, 'engine', ENGINE.version);
  if (existsSync(directory)) return directory;
  const downloads = await downloadDebian({ suite: ENGINE.suite, sources: [ENGINE.source], log });
  const name = readdirSync(downloads).find((file) => file.includes('.orig.tar.'));
  if (!name) throw new Error(`${downloads}: no .orig.tar file in the source package ${ENGINE.source}`);
  const tarball = join(downloads, name);
  const sha256 = createHash('sha256').update(readFileSync(tarball)).digest('hex');
  if (sha256 !== ENGINE.sha256)
    throw new Error(`${tarball}: sha256 ${sha256}, expected ${ENGINE.sha256} of ${ENGINE.version}`);
  const work = `${directory}.${process.pid}`;
  mkdirSync(work, { recursive: true });
  try {
    const tar = spawnSync('tar', ['-x', '--strip-components=1', '-f', tarball, '-C', work], { encoding: 'utf8' });
    if (tar.error || tar.status !== 0)
      throw new Error(
        `cannot unpack ${tarball}: ${tar.error?.message ?? tar.stderr.trim()} (are tar and xz installed?)`,
      );
    try {
      renameSync(work, directory);
    } catch (error) {
      if (!existsSync(directory)) throw error; // else another build was faster
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return directory;
}
