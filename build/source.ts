// Gets the sources of what the C host is linked with into the project's cache: from Debian's source packages, checked against known sums.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { downloadDebian } from './debian.ts';
import { CACHE } from './project.ts';

/** One release of a source package. */
export interface Source {
  /** Directory in the cache that holds its releases. */
  name: string;
  version: string;
  suite: string;
  /** Debian's name. */
  source: string;
  /** Of the .orig tarball. */
  sha256: string;
}

/**
 * The directory with the unpacked sources; downloads them the first time.
 * @throws Error with one line: no Debian, no network, a tarball that is not the known one, no tar.
 */
export async function unpackSource(wanted: Source, log: (line: string) => void): Promise<string> {
  const { name, version, suite, source } = wanted;
  const directory = join(CACHE, name, version);
  if (existsSync(directory)) return directory;
  const downloads = await downloadDebian({ suite, sources: [source], log });
  const file = readdirSync(downloads).find((entry) => entry.includes('.orig.tar.'));
  if (!file) throw new Error(`${downloads}: no .orig.tar file in the source package ${source}`);
  const tarball = join(downloads, file);
  const sha256 = createHash('sha256').update(readFileSync(tarball)).digest('hex');
  if (sha256 !== wanted.sha256)
    throw new Error(`${tarball}: sha256 ${sha256}, expected ${wanted.sha256} of ${version}`);
  const work = `${directory}.${process.pid}`;
  mkdirSync(work, { recursive: true });
  try {
    const tar = spawnSync('tar', ['-x', '--strip-components=1', '-f', tarball, '-C', work], { encoding: 'utf8' });
    if (tar.error || tar.status !== 0)
      throw new Error(
        `cannot unpack ${tarball}: ${tar.error?.message ?? tar.stderr.trim()} (are tar, xz and bzip2 installed?)`,
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
