// A router's root directory, with the files that the package brings: programs run in it by chroot, which takes root.

import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { PACKAGES } from '../../build/packages.ts';
import { inProject } from '../../build/project.ts';
import { errorText } from '../../src/errors.ts';
import { addProgram } from '../support/chroot.ts';
import { findBusybox } from '../support/shell.ts';

/** User and group of the daemon. */
export const DAEMON_ID = 480;
/** Somebody else, who is hostile. */
export const OTHER_ID = 1000;

export type ShellName = 'busybox ash' | 'dash';
const DASH = '/usr/bin/dash';

/** How a program ended. */
export interface End {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** What is told of a file. */
export interface Entry {
  /** Type and permission bits, in octal. */
  mode: string;
  /** `user:group`. */
  owner: string;
  /** Of a file its text, of a link where it points. */
  content?: string;
}

const ACCOUNTS = [
  ['root', 0],
  ['meshbridge', DAEMON_ID],
  ['other', OTHER_ID],
] as const;

/** Why there can be no such root here; `undefined`: there can. Prints nothing. */
export async function rootProblem(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'not root';
  try {
    const root = await RouterRoot.open('busybox ash');
    const { status, stderr } = root.run(['sh', '-c', 'echo yes > /dev/null']);
    root.close();
    return status === 0 ? undefined : stderr.trim();
  } catch (error) {
    return errorText(error);
  }
}

/** The shells that scripts are tried on; dash, the strictest, where the machine has it. */
export function shellNames(): ShellName[] {
  return existsSync(DASH) ? ['busybox ash', 'dash'] : ['busybox ash'];
}

/** One root, from `open` to `close`. */
export class RouterRoot {
  // short: the paths of sockets in it are
  readonly directory = mkdtempSync('/tmp/mb-root-');

  /** With the package's files, but for the program. @throws Error when the machine lacks something. */
  static async open(shell: ShellName): Promise<RouterRoot> {
    const busybox = await findBusybox();
    const root = new RouterRoot();
    try {
      root.fill(busybox, shell);
    } catch (error) {
      root.close();
      throw error;
    }
    return root;
  }

  /** Where a path of the router is on this machine. */
  path(path: string): string {
    return join(this.directory, path);
  }

  /** Runs a program inside, as root or as another; `input` is its standard input. */
  run(argv: readonly string[], options: { user?: number; env?: Record<string, string>; input?: string } = {}): End {
    const { user = 0, env = {}, input = '' } = options;
    const [program, ...args] = this.command(argv, user);
    const { status, stdout, stderr, error } = spawnSync(program!, args, {
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...env },
      input,
      encoding: 'utf8',
      timeout: 60_000,
    });
    if (error) throw error;
    return { status, stdout, stderr };
  }

  /** `argv` so that it runs inside. */
  command(argv: readonly string[], user = 0): string[] {
    return ['/usr/sbin/chroot', `--userspec=${user}:${user}`, '--groups=', this.directory, ...argv];
  }

  write(path: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    rmSync(this.path(path), { force: true });
    writeFileSync(this.path(path), text);
    chmodSync(this.path(path), mode);
  }

  /** The text of a file; empty when there is none. */
  read(path: string): string {
    return existsSync(this.path(path)) ? readFileSync(this.path(path), 'utf8') : '';
  }

  /** Makes a directory; its parents are root's. */
  directoryAt(path: string, mode: number, owner = 0, group = owner): void {
    mkdirSync(this.path(path), { recursive: true });
    chownSync(this.path(path), owner, group);
    chmodSync(this.path(path), mode);
  }

  /** What is at a path; `undefined`: nothing. Links are not followed. */
  entry(path: string): Entry | undefined {
    const found = lstatSync(this.path(path), { throwIfNoEntry: false });
    if (!found) return undefined;
    const entry: Entry = { mode: found.mode.toString(8), owner: `${found.uid}:${found.gid}` };
    if (found.isFile()) entry.content = readFileSync(this.path(path), 'utf8');
    if (found.isSymbolicLink()) entry.content = readlinkSync(this.path(path));
    return entry;
  }

  /** Everything below a path, by path. */
  tree(path = '/'): Map<string, Entry> {
    const tree = new Map([[path, this.entry(path)!]]);
    const found = lstatSync(this.path(path), { throwIfNoEntry: false });
    if (found?.isDirectory())
      for (const name of readdirSync(this.path(path)).sort())
        for (const [below, entry] of this.tree(join(path, name))) tree.set(below, entry);
    return tree;
  }

  /** Copies a program of this machine, with the libraries that it is linked to. */
  addProgram(from: string, to: string): void {
    addProgram(this.directory, from, to);
  }

  close(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  private fill(busybox: string, shell: ShellName): void {
    chmodSync(this.directory, 0o755);
    for (const path of ['/bin', '/dev', '/etc', '/sbin', '/usr/sbin', '/var/run']) this.directoryAt(path, 0o755);
    this.directoryAt('/tmp', 0o1777);
    for (const [name, minor] of Object.entries({ null: '3', urandom: '9' }))
      execFileSync('mknod', ['-m', '0666', this.path(`/dev/${name}`), 'c', '1', minor]);
    this.write('/etc/passwd', ACCOUNTS.map(([name, id]) => `${name}:x:${id}:${id}:${name}:/:/bin/false\n`).join(''));
    this.write('/etc/group', ACCOUNTS.map(([name, id]) => `${name}:x:${id}:\n`).join(''));

    copyFileSync(busybox, this.path('/bin/busybox'));
    for (const name of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n'))
      if (name !== 'busybox' && name !== 'sh') symlinkSync('busybox', this.path(`/bin/${name}`));
    if (shell === 'dash') this.addProgram(DASH, '/bin/sh');
    else symlinkSync('busybox', this.path('/bin/sh'));

    for (const { path, mode, from } of PACKAGES.find(({ name }) => name === 'meshbridge')!.files) {
      if (from.kind === 'file') this.write(path, readFileSync(inProject(from.path), 'utf8'), mode);
      if (from.kind === 'link') {
        mkdirSync(dirname(this.path(path)), { recursive: true });
        symlinkSync(from.to, this.path(path));
      }
    }
  }
}
