// What the MQTT codec costs on the C host: time for a message, next to mqtt-packet, which Node's clients use, on the same engine.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { buildNative } from '../../build/native.ts';
import { DIST, inProject, ROOT } from '../../build/project.ts';
import { ENGINE_LANGUAGE } from '../../build/targets.ts';
import type { Report } from './report.ts';

const run = promisify(execFile);
const MESSAGES = 5000;
const ROUNDS = 12;
const TARGET_US = 60;
const TARGET_RATIO = 2;

/** The guest on the C host, for this machine. mqtt-packet and what it needs are bundled as for browsers. */
async function buildGuest(log: (line: string) => void): Promise<string> {
  const out = join(DIST, 'bench', 'codec');
  await build({
    absWorkingDir: ROOT,
    entryPoints: [inProject('test/bench/codec-guest.ts')],
    outfile: `${out}.js`,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['browser', 'module', 'main'],
    conditions: ['import'],
    alias: { stream: inProject('node_modules/readable-stream/lib/ours/browser.js') },
    external: ['native'],
    // what they take browsers to have
    banner: {
      js: 'Object.assign(globalThis, { self: globalThis, process: { env: {} }, console: {}, AbortController: class {}, AbortSignal: class {} });',
    },
    target: ENGINE_LANGUAGE,
    logLevel: 'error',
  });
  await buildNative({ bundle: `${out}.js`, out, debug: false, log });
  return out;
}

/** Adds the figures: the quietest of some rounds, in which both take turns. @param log takes lines for people. */
export async function benchCodec(report: Report, log: (line: string) => void): Promise<void> {
  const program = await buildGuest(log);
  const once = async (whose: string): Promise<number> => {
    const { ms } = JSON.parse((await run(program, [whose, `${MESSAGES}`])).stdout) as { ms: number };
    return (1000 * ms) / MESSAGES;
  };
  let [ours, theirs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < ROUNDS; round++) {
    ours = Math.min(ours, await once('ours'));
    theirs = Math.min(theirs, await once('theirs'));
  }
  report.add({
    what: 'MQTT message of 500 B, encoded and decoded',
    value: ours,
    unit: 'us',
    target: { atMost: TARGET_US },
    note: `PUBLISH of MQTT 5, QoS 1; this machine, ${process.arch}`,
  });
  report.add({
    what: 'mqtt-packet on the same engine / ours',
    value: theirs / ours,
    unit: 'times',
    target: { atLeast: TARGET_RATIO },
    note: `${theirs.toFixed(1)} us`,
  });
}
