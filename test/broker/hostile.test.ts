// A broker that means it ill, and the real daemon on the C host: none of what it tries changes the router or ends it, and memory stays in bounds.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findCompiler } from '../../build/native.ts';
import { obey } from '../support/scripted-broker.ts';
import { sleep } from '../support/sleep.ts';
import type { Attack } from './attack.ts';
import { Scene } from './hostile-scene.ts';
import { MEANS, PLACES } from './link-attacks.ts';
import { MESSAGES, REPLAYS } from './message-attacks.ts';
import { MALFORMED, VIOLATIONS } from './packet-attacks.ts';

/** By router: those of a row are made on one, after one another; all rows at a time, since most of an attack is waiting for a connection. */
const ATTACKS: readonly (readonly Attack[])[] = [
  MESSAGES,
  VIOLATIONS,
  [...MALFORMED.slice(0, 1), ...REPLAYS.slice(2)],
  MALFORMED.slice(1, 2),
  MALFORMED.slice(2, 3),
  MALFORMED.slice(3),
  [...MEANS.slice(0, 2), ...REPLAYS.slice(0, 2)],
  [...MEANS.slice(2, 3), ...PLACES.slice(4)],
  MEANS.slice(3),
  PLACES.slice(0, 4),
];
/** What a daemon may take more than before, at any time in all attacks on it. */
const MAX_GROWTH_KIB = 2048;

interface Row {
  what: string;
  did: string;
  beforeKib: number;
  afterKib: number;
  /** Of this daemon so far. */
  peakKib: number;
  error?: Error;
}

/** Longest wait for what the router says that it did. */
const DID_MS = 10_000;
/** Where it says that it is too soon, the same is tried again. */
const TRIES = 20;
const LOOK_MS = 100;

async function undergo(scene: Scene, { what, run, ends, did }: Attack): Promise<Row> {
  const beforeKib = scene.router.holding()!.rssKib;
  const row: Row = { what, did: '', beforeKib, afterKib: 0, peakKib: 0 };
  try {
    for (let tries = 1; !did.test(row.did) && tries <= TRIES; tries++) {
      scene.note = '';
      const before = await scene.told();
      await run(scene);
      for (const endMs = performance.now() + DID_MS; performance.now() < endMs; await sleep(LOOK_MS)) {
        row.did = await scene.did(before);
        if (did.test(row.did) || row.did === 'refused as busy') break;
      }
      if (row.did !== 'refused as busy') break;
      await sleep(10 * LOOK_MS);
    }
    const { rssKib, peakKib } = scene.router.holding()!;
    [row.afterKib, row.peakKib] = [rssKib, peakKib];
    assert.match(row.did, did);
    if (ends) {
      const { length } = scene.broker.connections;
      scene.broker.answer = obey;
      await scene.again();
      await scene.meet(length);
    }
    await scene.good();
    await scene.unchanged();
  } catch (error) {
    row.error = error as Error;
  }
  return row;
}

const reason = findCompiler() ? undefined : 'no C compiler (install gcc)';
const hostile = suite('a hostile broker');
if (reason !== undefined) console.log(`skipped: a hostile broker: ${reason}`);
else {
  const lanes = await Promise.all(
    ATTACKS.map(async (attacks) => {
      const scene = await Scene.open();
      const rows: Row[] = [];
      try {
        for (const attack of attacks) rows.push(await undergo(scene, attack));
      } finally {
        await scene.close();
      }
      return rows;
    }),
  );
  const rows = lanes.flat();
  for (const { what, did } of rows) console.log(`measured: ${what} | ${did}`);
  for (const row of rows)
    hostile(row.what, () => {
      if (row.error) throw row.error;
    });
  hostile(`takes no more than ${MAX_GROWTH_KIB} KiB`, () => {
    for (const lane of lanes) {
      const [{ beforeKib }, { afterKib, peakKib }] = [lane[0]!, lane.at(-1)!];
      console.log(
        `measured: RSS of a daemon before ${beforeKib} KiB, after ${lane.length} attacks ${afterKib} KiB, at most ${peakKib} KiB`,
      );
      assert.ok(peakKib - beforeKib <= MAX_GROWTH_KIB, `~> ${peakKib - beforeKib}`);
    }
  });
}
hostile.run();
