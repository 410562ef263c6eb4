// Ends the process when one input keeps a decoder busy too long: a thread of its own, since the fuzzed one cannot look at the clock.

import { Worker } from 'node:worker_threads';

/** Longest input that can be shown, in bytes. */
const ROOM = 8192;

/** What the thread runs. It looks each second whether the count of inputs has moved. */
const SOURCE = `
const { workerData } = require('node:worker_threads');
const { writeSync } = require('node:fs');
const { state, input, name, limitMs } = workerData;
let last = -1, since = 0;
setInterval(() => {
  const count = Atomics.load(state, 0);
  if (count !== last) { last = count; since = Date.now(); return; }
  if (Atomics.load(state, 2) === 0 || Date.now() - since < limitMs) return;
  const hex = Buffer.from(input.subarray(0, Atomics.load(state, 1))).toString('hex');
  const target = Buffer.from(name).toString().replace(/\\0+$/, '');
  writeSync(1, 'FAIL ' + target + ': busy for ' + limitMs + ' ms with\\n  input ' + hex + '\\n0 passed, 1 failed\\n');
  process.kill(process.pid, 'SIGKILL');
}, 1000);
`;

export class Watchdog {
  /** Count of inputs, bytes of the present one, 1 while it runs. */
  private readonly state = new Int32Array(new SharedArrayBuffer(12));
  private readonly input = new Uint8Array(new SharedArrayBuffer(ROOM));
  private readonly name = new Uint8Array(new SharedArrayBuffer(128));
  private readonly worker: Worker;
  private shown = '';

  constructor(limitMs: number) {
    const { state, input, name } = this;
    this.worker = new Worker(SOURCE, { eval: true, workerData: { state, input, name, limitMs } });
    this.worker.unref();
  }

  /** Runs a target with an input, and kills the process when that does not end. */
  watch(target: string, input: Uint8Array, run: (input: Uint8Array) => void): void {
    if (this.shown !== target) this.show(target);
    this.input.set(input.subarray(0, ROOM));
    Atomics.store(this.state, 1, Math.min(input.length, ROOM));
    Atomics.add(this.state, 0, 1);
    Atomics.store(this.state, 2, 1);
    try {
      run(input);
    } finally {
      Atomics.store(this.state, 2, 0);
    }
  }

  close(): Promise<number> {
    return this.worker.terminate();
  }

  private show(target: string): void {
    this.shown = target;
    this.name.fill(0).set(Buffer.from(target).subarray(0, this.name.length));
  }
}
