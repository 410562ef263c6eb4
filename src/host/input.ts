// Standard input as a whole, for programs that take one thing and end.

import { joinBytes } from '../lib/bytes.ts';
import { type Native, READABLE } from './native.ts';
import { READ_BYTES } from './stream.ts';

/** All of standard input, once it has ended. @throws Error when it cannot be read, or is longer than `maxBytes`: then at once. */
export function readInput(native: Native, maxBytes: number): Promise<Uint8Array> {
  const fd = native.stdin();
  const parts: Uint8Array[] = [];
  let total = 0;
  /** False: more may come. */
  const read = (): boolean => {
    const bytes = native.read(fd, READ_BYTES);
    if (!bytes) return bytes === null;
    total += bytes.byteLength;
    if (total > maxBytes) throw new Error(`read standard input: larger than ${maxBytes} bytes`);
    parts.push(new Uint8Array(bytes));
    return false;
  };
  return new Promise<Uint8Array>((resolve, reject) => {
    native.watch(fd, READABLE, () => {
      try {
        if (read()) resolve(joinBytes(parts));
        else return;
      } catch (error) {
        reject(error);
      }
      native.close(fd);
    });
  });
}
