// What uvu looks for as it loads, for engines that have no globals; imported before it. For tests only: the product has none of it.

import native from 'native';

const hrtime = (since: readonly [number, number] = [0, 0]): [number, number] => {
  const ms = native.monotonicMs() - since[0] * 1e3 - since[1] / 1e6;
  return [Math.floor(ms / 1e3), (ms % 1e3) * 1e6];
};
const process = {
  argv: [],
  env: {},
  exitCode: 1,
  hrtime,
  on() {},
  stdout: { write: (text: string) => native.print(text) },
};

// Suites queue up, as under uvu's own command, until `runSuites`.
Object.assign(globalThis, { process, console: { log: process.stdout.write }, UVU_DEFER: 1, UVU_QUEUE: [[null]] });

/** Runs all suites, given uvu's `exec`, and ends the program with 0 or, when a test failed, 1. */
export async function runSuites(exec: () => Promise<void>): Promise<void> {
  await exec();
  native.exit(process.exitCode);
}
