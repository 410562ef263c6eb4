// Gets the sources of what the C host is linked with into the project's cache: from Debian's source packages, checked against known sums.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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
  /** What is mended in it until a release does: text that occurs once in a file, and what takes its place. */
  mended?: readonly { file: string; from: string; to: string }[];
}

/** Sources of a library as a build needs them. */
export interface Library {
  /** Paths of the files to compile. */
  files: readonly string[];
  /** For the library and for what includes its headers. */
  flags: readonly string[];
  /** Changes when the release or its configuration does. */
  key: string;
}

/**
 * The directory with the unpacked sources; downloads them the first time.
 * @throws Error with one line: no Debian, no network, a tarball that is not the known one, no tar.
 */
export async function unpackSource(wanted: Source, log: (line: string) => void): Promise<string> {
  const { name, version, suite, source, mended = [] } = wanted;
  const state = createHash('sha256').update(JSON.stringify(mended)).digest('hex').slice(0, 8);
  const directory = join(CACHE, name, mended.length > 0 ? `${version}+${state}` : version);
  if (existsSync(directory)) return directory;
  const downloads = await downloadDebian({ suite, sources: [source], log });
  const orig = readdirSync(downloads).find((entry) => /\.orig\.tar\.[a-z0-9]+$/.test(entry)); // not its signature
  if (!orig) throw new Error(`${downloads}: no .orig.tar file in the source package ${source}`);
  const tarball = join(downloads, orig);
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
    for (const { file, from, to } of mended) {
      const parts = readFileSync(join(work, file), 'utf8').split(from);
      if (parts.length !== 2)
        throw new Error(
          `${name} ${version}: ${file} has ${parts.length - 1} times what is to be mended, expected once`,
        );
      writeFileSync(join(work, file), parts.join(to));
    }
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
