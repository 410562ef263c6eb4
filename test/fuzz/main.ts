// `npm run fuzz -- [--seconds N] [--seed S] [--target NAME] [--input HEX] [--save]`: seeded fuzzing of every decoder; one result a target.
//
// The inputs of a target depend on seed and name alone; the time given decides how many there are.

import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { fromHex, toHex } from '../../src/lib/bytes.ts';
import { seededRandom } from '../support/random.ts';
import { targets as config } from './config.ts';
import { configCorpus, keepFinding, keptFindings, ubusCorpus, yggdrasilCorpus } from './corpus.ts';
import { targets as envelope, envelopeCorpus } from './envelope.ts';
import { targets as http, httpCorpus } from './http.ts';
import { targets as lint, lintCorpus } from './lint.ts';
import { targets as mqtt, mqttCorpus } from './mqtt.ts';
import { nextInput } from './mutate.ts';
import { targets as ubus } from './ubus.ts';
import { Watchdog } from './watchdog.ts';
import { targets as yggdrasil } from './yggdrasil.ts';

interface Target {
  name: string;
  /** Throws when the input shows a defect. */
  run(input: Uint8Array): void;
  corpus: readonly Uint8Array[];
}

/** Bytes that may stay in use after a target has run, beyond what its first inputs left: caches fill, leaks go on. */
const MAX_GROWTH = 8 << 20;
/** Resident bytes of the whole run at its peak. */
const MAX_RESIDENT = 768 << 20;
/** An input that takes longer hangs its target. */
const MAX_BUSY_MS = 10_000;
/** Inputs before the first measurement of memory. */
const WARM_UP = 500;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function bytesInUse(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** A seed of its own for each target. */
function seedOf(seed: number, name: string): number {
  return [...name].reduce((sum, char) => Math.imul(sum ^ char.charCodeAt(0), 0x01000193), seed ^ 0x811c9dc5);
}

class Finding extends Error {
  constructor(
    readonly input: Uint8Array,
    override readonly cause: unknown,
  ) {
    super('finding');
  }
}

/** Runs one target; answers how many inputs it took. @throws Finding */
function fuzz(target: Target, seed: number, milliseconds: number, watchdog: Watchdog): number {
  const random = seededRandom(seedOf(seed, target.name));
  const attempt = (input: Uint8Array): void => {
    try {
      watchdog.watch(target.name, input, target.run);
    } catch (error) {
      throw new Finding(input, error);
    }
  };
  for (const input of [...keptFindings(target.name), ...target.corpus, new Uint8Array(0)]) attempt(input);
  const until = performance.now() + milliseconds;
  let count = 0;
  let before = Number.POSITIVE_INFINITY;
  while (count < WARM_UP || performance.now() < until) {
    const input = nextInput(target.corpus, random);
    attempt(input);
    if (++count === WARM_UP) before = bytesInUse();
  }
  const grown = bytesInUse() - before;
  if (grown > MAX_GROWTH)
    throw new Finding(new Uint8Array(0), new Error(`${grown} bytes more in use after ${count} inputs: a leak`));
  const resident = process.memoryUsage.rss();
  if (resident > MAX_RESIDENT)
    throw new Finding(new Uint8Array(0), new Error(`${resident} bytes resident after ${count} inputs`));
  return count;
}

function allTargets(): Target[] {
  return [
    ...ubus.map((target) => ({ ...target, corpus: ubusCorpus() })),
    ...yggdrasil.map((target) => ({ ...target, corpus: yggdrasilCorpus() })),
    ...http.map((target) => ({ ...target, corpus: httpCorpus() })),
    ...mqtt.map((target) => ({ ...target, corpus: mqttCorpus() })),
    ...config.map((target) => ({ ...target, corpus: configCorpus() })),
    ...envelope.map((target) => ({ ...target, corpus: envelopeCorpus() })),
    ...lint.map((target) => ({ ...target, corpus: lintCorpus })),
  ];
}

function numberOf(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1e9))
    throw new Error(`--${option}: expected a number from 0 to 1000000000, got "${text}"`);
  return value;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(Date.now() % 1e9) },
      target: { type: 'string' },
      input: { type: 'string' },
      save: { type: 'boolean', default: false },
    },
  });
  const seconds = numberOf('seconds', values.seconds);
  const seed = numberOf('seed', values.seed);
  const all = allTargets();
  const chosen = all.filter(({ name }) => values.target === undefined || name === values.target);
  if (chosen.length === 0)
    throw new Error(`--target: no "${values.target}"; there are:\n${all.map(({ name }) => `  ${name}`).join('\n')}`);
  const watchdog = new Watchdog(MAX_BUSY_MS);
  let failed = 0;
  for (const target of chosen) {
    try {
      if (values.input !== undefined) watchdog.watch(target.name, fromHex(values.input), target.run);
      else {
        const count = fuzz(target, seed, (seconds * 1000) / chosen.length, watchdog);
        console.log(`ok   ${target.name}: ${count} inputs`);
      }
    } catch (error) {
      failed++;
      const { input, cause } = error instanceof Finding ? error : { input: fromHex(values.input ?? ''), cause: error };
      const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
      console.log(`FAIL ${target.name}: seed ${seed}\n  input ${toHex(input)}\n  ${text.replaceAll('\n', '\n  ')}`);
      if (values.save) console.log(`  kept as ${keepFinding(target.name, input, text.split('\n')[0]!)}`);
    }
  }
  await watchdog.close();
  console.log(`seed ${seed}`);
  console.log(`${chosen.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`fuzz: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 2;
}
