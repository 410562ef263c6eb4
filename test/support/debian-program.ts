// Programs of Debian that a test needs: unpacked into the cache and run from there, not installed.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { downloadDebian, unpackDeb } from '../../build/debian.ts';
import { CACHE } from '../../build/project.ts';
import { errorText } from '../../src/errors.ts';

/** What to fetch: a package, with those of its libraries that Debian may lack, and what to run of it. */
export interface DebianProgram {
  name: string;
  libraries?: readonly string[];
  /** Path of the program within the package. */
  path: string;
  /** Arguments with which it ends at once, with status 0. */
  proof: readonly string[];
}

/** Where a program is, and the environment it runs in. */
export interface FoundProgram {
  path: string;
  env: NodeJS.ProcessEnv;
}

const SUITE = 'bookworm';

/** The program, or why there is none. */
export async function findDebianProgram({
  name,
  libraries = [],
  path,
  proof,
}: DebianProgram): Promise<FoundProgram | string> {
  try {
    const packages = [name, ...libraries];
    const downloads = await downloadDebian({ suite: SUITE, packages, log: (line) => console.log(line) });
    const directory = join(CACHE, 'program');
    const roots = await Promise.all(
      packages.map(async (one) => {
        const file = readdirSync(downloads).find((entry) => entry.startsWith(`${one}_`) && entry.endsWith('.deb'));
        if (!file) throw new Error(`${downloads}: no package ${one} in it: remove it and try again`);
        await unpackDeb(join(downloads, file), join(directory, one));
        return join(directory, one);
      }),
    );
    const found = {
      path: join(roots[0]!, path),
      env: { ...process.env, LD_LIBRARY_PATH: libraryPath(roots.slice(1)) },
    };
    const { status, error, stderr } = spawnSync(found.path, proof, { env: found.env, encoding: 'utf8' });
    return status === 0 ? found : `${found.path} does not run here: ${error?.message ?? stderr.trim()}`;
  } catch (error) {
    return errorText(error);
  }
}

/** `usr/lib/<triplet>` of each. */
function libraryPath(roots: readonly string[]): string {
  return roots
    .map((root) => join(root, 'usr/lib'))
    .filter((lib) => existsSync(lib))
    .flatMap((lib) => readdirSync(lib).map((triplet) => join(lib, triplet)))
    .join(':');
}
