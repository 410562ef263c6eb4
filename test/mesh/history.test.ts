import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HISTORY_STEP_S, History } from '../../src/mesh/history.ts';

const STEP_MS = HISTORY_STEP_S * 1000;
const point = (peersUp: number, rxBytes = 0, latencyMs?: number) => ({
  peersUp,
  peersTotal: 5,
  latencyMs,
  traffic: { rxBytes, txBytes: 2 * rxBytes },
});

const history = suite('History');

history('is empty at first', () => assert.equal(new History().samples(0), []));

history('gathers the polls of five minutes', () => {
  const h = new History();
  h.add(point(3, 0, 10), 0);
  h.add(point(1, 100, 20), 60_000);
  h.add(point(4, 50), 120_000);
  assert.equal(h.samples(120_000), [
    {
      ago_s: 0,
      connected_s: 120,
      peers_up_min: 1,
      peers_up_max: 4,
      peers_total: 5,
      rx_bytes: 150,
      tx_bytes: 300,
      latency_ms: 15,
    },
  ]);
});

history('counts time without an answer as not connected', () => {
  const h = new History();
  h.add(point(3), 0);
  h.gap(100_000);
  h.add(point(3), 160_000);
  assert.is(h.samples(160_000)[0]!.connected_s, 60);
});

history('keeps 24 hours, oldest first', () => {
  const h = new History();
  for (let step = 0; step < 400; step++) h.add(point(step), step * STEP_MS);
  const samples = h.samples(400 * STEP_MS - 1);
  assert.is(samples.length, 288);
  assert.is(samples[0]!.peers_up_max, 112);
  assert.is(samples.at(-1)!.peers_up_max, 399);
  assert.is(samples[0]!.ago_s, 287 * HISTORY_STEP_S);
});

history('drops what is older after a long silence', () => {
  const h = new History();
  h.add(point(3, 9), 0);
  h.gap(3 * 86_400_000);
  const samples = h.samples(3 * 86_400_000);
  assert.ok(samples.length <= 288);
  assert.ok(samples.every((sample) => sample.connected_s === 0 && sample.rx_bytes === 0));
});

history('does not mind an answer that is older than the gap after it', () => {
  const h = new History();
  h.add(point(3), 0);
  h.gap(STEP_MS + 10);
  h.add(point(4), STEP_MS - 10);
  assert.equal(
    h.samples(STEP_MS + 10).map((sample) => sample.peers_up_max),
    [3, 4],
  );
});

history('takes a fixed 7,488 bytes', () => assert.is(new History().byteLength, 7488));
history.run();
