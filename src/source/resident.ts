// How much memory this process takes.

import { decodeUtf8 } from '../lib/utf8.ts';
import type { Files } from '../transport/host.ts';

const PATH = '/proc/self/status';
const MAX_BYTES = 8192;

/** Resident memory of this process, in units of 1024 bytes; `undefined`: the kernel does not tell. */
export function residentKb(files: Pick<Files, 'read'>): number | undefined {
  try {
    const bytes = files.read(PATH, MAX_BYTES);
    const digits = bytes && /^VmRSS:\s+(\d+) kB$/m.exec(decodeUtf8(bytes))?.[1];
    return digits === undefined ? undefined : Number(digits);
  } catch {
    return undefined; // a jail without /proc
  }
}
