// signify-openbsd, the independent judge of our signatures: Debian's, unpacked into the cache and not installed.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { downloadDebian, unpackDeb } from '../../build/debian.ts';
import { CACHE } from '../../build/project.ts';

/** Path of the program, or why there is none. */
export async function findSignify(): Promise<string | Error> {
  try {
    const downloads = await downloadDebian({
      suite: 'bookworm',
      packages: ['signify-openbsd'],
      log: (line) => console.log(line),
    });
    const directory = join(CACHE, 'signify');
    await unpackDeb(join(downloads, readdirSync(downloads).find((name) => name.endsWith('.deb'))!), directory);
    const program = join(directory, 'bin/signify-openbsd');
    const { status, stderr } = spawnSync(program, { encoding: 'utf8' });
    return status === 1 ? program : new Error(`${program} does not run here: ${stderr.trim()}`); // 1: it shows its usage
  } catch (error) {
    return error as Error;
  }
}
