// What a virtual machine takes: QEMU, Debian's kernel with all its modules, and a busybox to begin with; in the cache and not installed.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { downloadDebian, libraryPath, unpackDeb } from './debian.ts';
import { withLock } from './lock.ts';
import { CACHE } from './project.ts';

/** Paths of what a virtual machine is made of. */
export interface VirtualMachine {
  qemu: string;
  /** The environment that QEMU runs in. */
  env: Record<string, string>;
  /** Directories of its firmware. */
  firmware: readonly string[];
  kernel: string;
  /** Of the kernel: `6.1.0-50-amd64`. */
  release: string;
  /** The directory in which `lib/modules/<release>` is. */
  root: string;
  busybox: string;
}

const SUITE = 'bookworm';
const PACKAGES = ['busybox-static', 'linux-image-amd64', 'qemu-system-x86'];
const UNPACKED = join(CACHE, 'virtual-machine');
/** Of all that they depend on, what is run or loaded; the C library must be the machine's own, as its loader is. */
const TAKEN = /^(busybox-static|kmod|linux-image-\d.*|qemu-system-.*|seabios|lib(?!c6_)[^_]*)_/;

async function unpack(log: (line: string) => void): Promise<void> {
  if (existsSync(UNPACKED)) return;
  const downloads = await downloadDebian({ suite: SUITE, packages: PACKAGES, closure: true, log });
  const files = readdirSync(downloads).filter((name) => name.endsWith('.deb') && TAKEN.test(name));
  await unpackDeb(
    files.map((name) => join(downloads, name)),
    UNPACKED,
  );
  rmSync(downloads, { recursive: true, force: true });
}

/** What depends on what among the modules, as `modprobe` reads it; packages leave that to their installation. */
function indexModules(kmod: string, release: string): void {
  if (existsSync(join(UNPACKED, 'lib/modules', release, 'modules.dep.bin'))) return;
  const env = { ...process.env, LD_LIBRARY_PATH: libraryPath(UNPACKED) };
  // one program under several names
  const { status, stderr, error } = spawnSync(kmod, ['-b', UNPACKED, release], {
    argv0: 'depmod',
    env,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`depmod: ${error?.message ?? stderr.trim()}`);
}

/**
 * The machine's parts, downloaded (120 MB) and unpacked (500 MB) when they are not there.
 * @param log takes a line for people, when it takes long.
 * @throws Error with one line that says why there are none.
 */
export async function ensureVirtualMachine(log: (line: string) => void): Promise<VirtualMachine> {
  if (process.arch !== 'x64') throw new Error(`the virtual machine is one of x86_64, this machine is ${process.arch}`);
  await unpack(log);
  const [release] = readdirSync(join(UNPACKED, 'lib/modules'));
  if (!release) throw new Error(`${UNPACKED}: no kernel in it: remove it and try again`);
  const at = (path: string): string => join(UNPACKED, path);
  await withLock(UNPACKED, async () => indexModules(at('bin/kmod'), release));
  const env = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => !!entry[1]));
  return {
    qemu: at('usr/bin/qemu-system-x86_64'),
    env: {
      ...env,
      LD_LIBRARY_PATH: libraryPath(UNPACKED),
      QEMU_MODULE_DIR: at('usr/lib/x86_64-linux-gnu/qemu'),
    },
    firmware: ['usr/share/seabios', 'usr/share/qemu'].map(at),
    kernel: at(`boot/vmlinuz-${release}`),
    release,
    root: UNPACKED,
    busybox: at('bin/busybox'),
  };
}

/** Paths of modules below `root`, each after those that it depends on. @throws Error when the kernel has no such module. */
export function moduleFiles({ root, release }: VirtualMachine, names: readonly string[]): string[] {
  const directory = join('lib/modules', release);
  const lines = readFileSync(join(root, directory, 'modules.dep'), 'utf8')
    .trim()
    .split('\n');
  const all = names.flatMap((name) => {
    const line = lines.find((one) => one.split(':')[0]!.endsWith(`/${name}.ko`));
    if (!line) throw new Error(`Linux ${release}: no module ${name}`);
    const [file = '', needs = ''] = line.split(':');
    return [...needs.trim().split(' ').filter(Boolean).reverse(), file];
  });
  return [...new Set(all)].map((file) => join(directory, file));
}
