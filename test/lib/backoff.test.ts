import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Backoff } from '../../src/lib/backoff.ts';

function waits(count: number, random: () => number): number[] {
  const backoff = new Backoff({ firstMs: 100, maxMs: 1000, random });
  return Array.from({ length: count }, () => backoff.nextMs());
}

const wait = suite('Backoff');
wait('doubles up to the longest wait', () => {
  assert.equal(
    waits(6, () => 1),
    [100, 200, 400, 800, 1000, 1000],
  );
});
wait('takes at least half of each', () => {
  assert.equal(
    waits(6, () => 0),
    [50, 100, 200, 400, 500, 500],
  );
});
wait('stays at the longest wait however often it is asked', () => {
  assert.is(waits(5000, () => 1).at(-1), 1000);
});
wait('starts afresh after a success', () => {
  const backoff = new Backoff({ firstMs: 100, maxMs: 1000, random: () => 1 });
  backoff.nextMs();
  backoff.nextMs();
  backoff.reset();
  assert.is(backoff.nextMs(), 100);
});
wait.run();
