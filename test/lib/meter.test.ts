import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Meter } from '../../src/lib/meter.ts';

const meter = suite('Meter');
meter('lets as many pass as a bucket holds, then one at a time', () => {
  const one = new Meter({ burst: 3, everyMs: 1000, most: 10 });
  assert.equal(
    [1, 2, 3, 4].map(() => one.take('a', 0)),
    [0, 0, 0, 1000],
  );
  assert.is(one.take('a', 400), 600);
  assert.is(one.take('a', 1000), 0);
  assert.is(one.take('a', 1001), 999);
  assert.is(one.take('b', 1001), 0, '~> another name has a bucket of its own');
});
meter('does not save up more than a bucket holds', () => {
  const one = new Meter({ burst: 2, everyMs: 1000, most: 10 });
  one.take('a', 0);
  assert.equal(
    [1, 2, 3].map(() => one.take('a', 1e9) > 0),
    [false, false, true],
  );
});
meter('forgets whose bucket is full again, and has one for those it has no room for', () => {
  const one = new Meter({ burst: 1, everyMs: 1000, most: 2 });
  for (const name of ['a', 'b', 'c']) assert.is(one.take(name, 0), 0);
  assert.is(one.take('d', 0), 1000, '~> c and d share one');
  assert.is(one.take('a', 0), 1000);
  assert.is(one.take('d', 1000), 0, '~> a and b are forgotten');
  assert.is((one as unknown as { buckets: Map<string, unknown> }).buckets.size, 1);
});
meter('stays bounded, whoever comes', () => {
  const one = new Meter({ burst: 10, everyMs: 1000, most: 100 });
  for (let i = 0; i < 10_000; i++) one.take(`${i}`, i);
  assert.ok((one as unknown as { buckets: Map<string, unknown> }).buckets.size <= 100);
});
meter.run();
