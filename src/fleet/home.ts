// The operator's directory: settings, pinned nodes, keys. What is in it is its owner's alone, and is replaced as a whole.

import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { errorText } from '../errors.ts';
import { Failure } from './failure.ts';

/** Largest file that is read, in bytes: 50,000 pinned nodes. */
const MAX_BYTES = 32 * 1024 * 1024;
/** How long another meshctl that changes something is waited for. */
const LOCK_MS = 10_000;
const RETRY_MS = 50;
/** Of this process, so that each has a name of its own. */
let turns = 0;
/** Bits of group and others. */
const FOREIGN = 0o077;

/** Where it is unless `--home` says otherwise. */
export function defaultHome(env: NodeJS.ProcessEnv = process.env): string {
  return env.MESHCTL_HOME || join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'meshctl');
}

/** One directory, which need not exist before something is written. */
export class Home {
  constructor(readonly path: string) {}

  /** The path of a file in it. */
  file(name: string): string {
    return join(this.path, name);
  }

  /** Names of the files in one of its directories, sorted. */
  list(directory: string): string[] {
    try {
      return readdirSync(this.file(directory)).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  /**
   * The value of a JSON file; `undefined` when there is none.
   * @param isSecret refuses a file that others could read or replace.
   * @throws Failure when it cannot be read, is no JSON, or is open to others.
   */
  read(name: string, isSecret = false): unknown {
    const path = this.file(name);
    let text: string;
    try {
      const { mode, size } = statSync(path);
      if (size > MAX_BYTES) throw new Error(`expected at most ${MAX_BYTES} bytes, got ${size}`);
      if (isSecret && mode & FOREIGN)
        throw new Failure(
          'usage',
          `${path}: expected mode 0600, got 0${(mode & 0o777).toString(8)}: others on this machine can read it`,
          `chmod 600 ${path}`,
        );
      text = readFileSync(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      if (error instanceof Failure) throw error;
      throw new Failure('failed', `${path}: ${errorText(error)}`);
    }
    try {
      return JSON.parse(text);
    } catch {
      // no cause: it may quote a secret
      throw new Failure(
        'failed',
        `${path}: expected JSON, it cannot be read`,
        'Restore it from a backup, or remove it.',
      );
    }
  }

  /** Replaces a JSON file: a crash leaves the old or the new one. Mode 0600, and 0700 for directories. */
  write(name: string, value: unknown): void {
    const path = this.file(name);
    const directory = dirname(path);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    chmodSync(this.path, 0o700);
    const temporary = `${path}~${process.pid}`;
    const file = openSync(temporary, 'w', 0o600);
    try {
      writeFileSync(file, `${JSON.stringify(value, undefined, 2)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    const parent = openSync(directory, 'r');
    fsyncSync(parent);
    closeSync(parent);
  }

  /** Removes a file; one that is not there is no error. */
  remove(name: string): void {
    rmSync(this.file(name), { force: true });
  }

  /**
   * Does a change while no other meshctl is at one. The lock is a directory that holds one file, named after its holder's process: it
   * arrives by a rename, which fails while there is a file in it, so it never exists without its holder's name.
   * @throws Failure when another one takes longer than 10 s.
   */
  async locked<T>(change: () => T | Promise<T>): Promise<T> {
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
    const lock = this.file('lock');
    const mine = `${lock}~${process.pid}-${turns++}`;
    mkdirSync(mine, { recursive: true });
    writeFileSync(join(mine, String(process.pid)), '');
    const until = Date.now() + LOCK_MS;
    while (!this.take(mine, lock)) {
      const holder = this.list('lock')[0];
      if (holder !== undefined && !isAlive(Number(holder))) rmSync(join(lock, holder), { force: true });
      else if (Date.now() > until) {
        rmSync(mine, { recursive: true, force: true });
        throw new Failure(
          'failed',
          `${this.path}: process ${holder} has been changing it for too long`,
          `End it, or remove ${lock}.`,
        );
      } else await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
    try {
      return await change();
    } finally {
      rmSync(join(lock, String(process.pid)), { force: true });
      try {
        rmdirSync(lock);
      } catch {
        // the next holder has it already
      }
    }
  }

  private take(mine: string, lock: string): boolean {
    try {
      renameSync(mine, lock);
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
      throw error;
    }
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
