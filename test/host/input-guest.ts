// Reads standard input to its end, at most 100,000 bytes, and prints how long it was and the sum of its bytes, or why not.

import { readInput } from '../../src/host/input.ts';
import type { Native } from '../../src/host/native.ts';

/** What was read, in words. */
export async function tellInput(native: Native): Promise<void> {
  let told: string;
  try {
    const bytes = await readInput(native, 100_000);
    told = `${bytes.length} bytes, sum ${bytes.reduce((sum, byte) => sum + byte, 0)}`;
  } catch (error) {
    told = String(error);
  }
  native.print(`${told}\n`);
  native.exit(0);
}
