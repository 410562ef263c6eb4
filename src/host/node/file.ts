// Files of the native contract over node:fs.

import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { KEEPS, type Native } from '../native.ts';
import { errorCode, named } from './errno.ts';

/** What `run` gives; `undefined` when the file or directory does not exist. */
function ifExists<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function withFile<T>(path: string, flags: number, run: (fd: number) => T): T {
  const fd = openSync(path, flags, 0o600);
  try {
    return run(fd);
  } finally {
    closeSync(fd);
  }
}

/** Up to `maxBytes + 1` bytes; the size that the system tells is not believed, for files of /proc have none. */
function readUpTo(fd: number, maxBytes: number): Buffer {
  const chunks: Buffer[] = [];
  let total = 0;
  while (total <= maxBytes) {
    const chunk = Buffer.allocUnsafe(Math.min(maxBytes + 1 - total, Math.max(4096, fstatSync(fd).size + 1 - total)));
    const count = readSync(fd, chunk, 0, chunk.length, null);
    if (count === 0) break;
    chunks.push(chunk.subarray(0, count));
    total += count;
  }
  return Buffer.concat(chunks);
}

/** So that the new name comes before whatever is written after it, as on the C host. */
function syncDirectory(path: string): void {
  try {
    withFile(path, constants.O_RDONLY | constants.O_DIRECTORY, fsyncSync);
  } catch {
    // a file system that cannot does without
  }
}

const MODE_BITS = 0o7777;

/** As far as we may. */
function giveTo(fd: number, { uid, gid }: Stats): void {
  try {
    fchownSync(fd, uid, gid);
  } catch (error) {
    if (errorCode(error) !== 'EPERM') throw error;
  }
}

export const nodeFiles: Pick<Native, 'readFile' | 'writeFile' | 'listDirectory' | 'removeFile'> = {
  readFile(path, maxBytes) {
    // without NONBLOCK, opening a pipe would wait for its writer
    const flags = constants.O_RDONLY | constants.O_NONBLOCK;
    const read = () => withFile(path, flags, (fd) => readUpTo(fd, maxBytes));
    const bytes = named('read', path, () => ifExists(read));
    if (bytes && bytes.length > maxBytes) throw new Error(`read ${path}: larger than ${maxBytes} bytes`);
    return bytes && new Uint8Array(bytes).buffer;
  },

  writeFile(path, buffer, offset, length, mode) {
    const temporary = `${path}~${randomBytes(3).toString('hex')}`;
    named('write', path, () => {
      try {
        const old = mode & KEEPS ? statSync(path, { throwIfNoEntry: false }) : undefined;
        withFile(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, (fd) => {
          if (old) giveTo(fd, old);
          fchmodSync(fd, (old?.mode ?? mode) & MODE_BITS);
          for (let at = 0; at < length; ) at += writeSync(fd, new Uint8Array(buffer, offset + at, length - at));
          fsyncSync(fd);
        });
        renameSync(temporary, path);
        syncDirectory(dirname(path));
      } catch (error) {
        rmSync(temporary, { force: true });
        throw error;
      }
    });
  },

  listDirectory: (path) => named('list', path, () => ifExists(() => readdirSync(path))),

  removeFile: (path) => {
    named('remove', path, () => ifExists(() => unlinkSync(path)));
  },
};
