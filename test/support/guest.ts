// A guest: a virtual machine with Debian's kernel that sees this machine's files as they are, and whose changes to them nobody else sees.

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { moduleFiles, type VirtualMachine } from '../../build/virtual-machine.ts';
import { Child } from '../../src/dev/child.ts';

export interface GuestOptions {
  machine: VirtualMachine;
  /** Program and arguments, with paths as on this machine. */
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Modules that are there from the start; others come when the kernel asks for them. */
  modules: readonly string[];
  memoryMb: number;
  /** Then it is switched off. */
  limitMs: number;
  /** Takes what is printed inside. */
  onLine(line: string): void;
}

/** What it takes to see this machine's files. */
const BASE = ['virtio_pci', '9pnet_virtio', '9p', 'overlay'];
const END = 'guest: ended with status ';

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** The first program of the guest: mounts this machine's root, with a layer in RAM above it, and makes it the root. */
function initScript({ machine }: GuestOptions, early: readonly string[]): string {
  return `#!/bin/busybox sh
/bin/busybox mkdir -p /proc /host /rw /new
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
for module in ${early.map((file) => basename(file)).join(' ')}; do insmod /lib/$module; done
mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,cache=loose,ro host /host
mount -t tmpfs tmpfs /rw
mkdir /rw/upper /rw/work
mount -t overlay -o lowerdir=/host,upperdir=/rw/upper,workdir=/rw/work overlay /new
# what is shared there is that of this machine
mount -t proc proc /new/proc
mount -t sysfs sysfs /new/sys
mount -t devtmpfs dev /new/dev
mkdir -p /new/dev/net /new/dev/shm
mount -t tmpfs tmpfs /new/dev/shm
mount -t tmpfs tmpfs /new/run
cp /bin/busybox /main /new/run/
mkdir -p /new/lib/modules
mount --bind ${quote(`/host${machine.root}/lib/modules`)} /new/lib/modules
exec switch_root /new /run/busybox sh /run/main
`;
}

/** What comes after it, with all files in their places. A real root and no chroot: whoever enters a namespace begins there. */
function mainScript({ machine, argv, env }: GuestOptions, late: readonly string[]): string {
  const command = ['/usr/bin/env', ...Object.entries(env).map(([name, value]) => `${name}=${value}`), ...argv];
  return `export PATH=/run:/usr/sbin:/usr/bin:/sbin:/bin
printf '#!/run/busybox sh\nexec /run/busybox modprobe "$@"\n' >/run/modprobe
chmod +x /run/modprobe
echo /run/modprobe >/proc/sys/kernel/modprobe
for module in ${late.map((file) => quote(join(machine.root, file))).join(' ')}; do /run/busybox insmod $module; done
${command.map(quote).join(' ')}
status=$?
echo
echo "${END}$status"
/run/busybox sync
/run/busybox poweroff -f
`;
}

/** The file system that the kernel begins with, as `cpio` packs it. */
function packInitial(directory: string, options: GuestOptions): string {
  const { machine, modules } = options;
  const early = moduleFiles(machine, BASE);
  const late = moduleFiles(machine, modules).filter((file) => !early.includes(file));
  for (const name of ['bin', 'lib', 'dev']) mkdirSync(join(directory, name), { recursive: true });
  copyFileSync(machine.busybox, join(directory, 'bin/busybox'));
  for (const file of early) copyFileSync(join(machine.root, file), join(directory, 'lib', basename(file)));
  writeFileSync(join(directory, 'init'), initScript(options, early), { mode: 0o755 });
  writeFileSync(join(directory, 'main'), mainScript(options, late));
  const image = `${directory}.img`;
  const input = `${(readdirSync(directory, { recursive: true }) as string[]).join('\n')}\n`;
  const packed = spawnSync(machine.busybox, ['cpio', '-o', '-H', 'newc'], {
    cwd: directory,
    input,
    maxBuffer: 1 << 26,
  });
  if (packed.status !== 0) throw new Error(`cpio: ${packed.error?.message ?? packed.stderr.toString().trim()}`);
  writeFileSync(image, packed.stdout);
  return image;
}

/** Boots it, runs one program and switches it off. @returns the program's status; a sentence where it did not get that far. */
export async function runGuest(options: GuestOptions): Promise<number | string> {
  const { machine, memoryMb, limitMs, onLine } = options;
  const work = mkdtempSync(join(tmpdir(), 'meshbridge-guest-'));
  try {
    const image = packInitial(join(work, 'initial'), options);
    let status: number | undefined;
    let late = false;
    const child = await Child.start(
      [
        ...['env', ...Object.entries(machine.env).map(([name, value]) => `${name}=${value}`), machine.qemu],
        ...machine.firmware.flatMap((directory) => ['-L', directory]),
        // what a newer processor can is slower to emulate than to do without
        ...['-accel', 'tcg,thread=multi', '-cpu', 'qemu64', '-smp', '2', '-m', String(memoryMb)],
        ...['-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-no-reboot', '-nic', 'none'],
        ...[
          '-kernel',
          machine.kernel,
          '-initrd',
          image,
          '-append',
          'console=ttyS0 quiet loglevel=2 panic=-1 mitigations=off',
        ],
        ...['-virtfs', 'local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap'],
      ],
      (line) => {
        const text = line.replace(/\r$/, '');
        if (text.startsWith(END)) status = Number(text.slice(END.length));
        else onLine(text);
      },
    );
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, limitMs);
    await child.ended;
    clearTimeout(timer);
    if (late) return `not done after ${limitMs / 1000} s`;
    return status ?? `it did not run: ${child.tail.at(-1) ?? 'QEMU said nothing'}`;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
