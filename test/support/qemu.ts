// qemu's user mode, which runs a program of another kind of machine as one of this: Debian's, unpacked into the cache and not installed.

import { findDebianProgram } from './debian-program.ts';

/** Path of a program such as `qemu-mips-static`. @throws Error that says why there is none. */
export async function findQemu(program: string): Promise<string> {
  const found = await findDebianProgram({ name: 'qemu-user-static', path: `usr/bin/${program}`, proof: ['--version'] });
  if (typeof found === 'string') throw new Error(found);
  return found.path;
}
