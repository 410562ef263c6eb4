import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Leases } from '../../src/mesh/lease.ts';

const leases = suite('Leases');
leases('are in force for as long as they were granted, the quicker one first', () => {
  const it = new Leases();
  assert.is(it.current(0), undefined);
  it.grant('watch', 3600, 0);
  it.grant('boost', 600, 1000);
  assert.is(it.current(1000), 'boost');
  assert.is(it.current(600_999), 'boost');
  assert.is(it.current(601_000), 'watch');
  assert.is(it.current(3_600_000), undefined);
});
leases('end when they are granted for no time', () => {
  const it = new Leases();
  it.grant('boost', 600, 0);
  it.grant('boost', 0, 1000);
  assert.is(it.current(1000), undefined);
});
leases('are never longer than the longest', () => {
  const it = new Leases();
  for (const [kind, seconds, message] of [
    ['boost', 601, 'seconds: expected 0 to 600, got 601'],
    ['watch', 86_401, 'seconds: expected 0 to 86400, got 86401'],
    ['watch', -1, 'seconds: expected 0 to 86400, got -1'],
    ['watch', Number.NaN, 'seconds: expected 0 to 86400, got NaN'],
  ] as const)
    assert.throws(
      () => it.grant(kind, seconds, 0),
      (error: Error) => error instanceof RangeError && error.message === message,
    );
  assert.is(it.current(0), undefined);
});
leases.run();
