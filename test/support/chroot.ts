// Programs of this machine for a root directory that is a world of its own.

import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Copies a program to where `to` is in a root, and with it the libraries that it is linked to. */
export function addProgram(root: string, from: string, to: string): void {
  const place = join(root, to);
  mkdirSync(dirname(place), { recursive: true });
  rmSync(place, { force: true });
  copyFileSync(from, place);
  chmodSync(place, 0o755);
  const { stdout } = spawnSync('ldd', [from], { encoding: 'utf8' });
  for (const [, library] of stdout.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)) {
    // a library that is found by a path of its own is looked for in the standard ones here
    const at = join(root, /^\/(usr\/)?lib/.test(library!) ? library! : join('/usr/lib', library!.split('/').at(-1)!));
    mkdirSync(dirname(at), { recursive: true });
    if (!existsSync(at)) copyFileSync(library!, at);
  }
}
