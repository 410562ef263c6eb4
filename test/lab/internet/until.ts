// Waiting in the lab: for what must come, with a limit that grows where the machine is slow.

/** How much longer everything may take than on an ordinary machine: 1, or more in emulation. */
let patience = 1;

/** Sets how many times longer everything may take. */
export function setPatience(factor: number): void {
  patience = factor;
}

/** A limit of the lab as it is on this machine. */
export function patient(ms: number): number {
  return ms * patience;
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const POLL_MS = 20;

/** Waits until `test` holds, which may throw meanwhile. @returns how long it took, milliseconds. @throws Error naming `what` and why not. */
export async function until(what: string, test: () => unknown, limitMs = 15_000): Promise<number> {
  const startMs = performance.now();
  for (let last: unknown = 'no'; ; await sleep(POLL_MS)) {
    try {
      if (await test()) return performance.now() - startMs;
      last = 'no';
    } catch (error) {
      last = error instanceof Error ? error.message : error;
    }
    if (performance.now() - startMs > patient(limitMs))
      throw new Error(`not within ${patient(limitMs)} ms: ${what}: ${last}`);
  }
}
