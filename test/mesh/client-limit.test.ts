import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Limits } from '../../src/api/lease.ts';
import { InputError, WireError } from '../../src/errors.ts';
import { JsonFields } from '../../src/lib/json-field.ts';
import { Allowances, limitsIn, limitWords, mergeLimits, readLimits } from '../../src/mesh/client-limit.ts';
import { nodeOf } from '../support/node-key.ts';

const ANN = nodeOf(1).address;
const MB = 1_000_000;

/** What a home may use that used so many MB this month. */
function allowance(rules: Partial<Limits> & { at_quota?: 'slow' | 'stop' }, own?: Limits, usedMb = 0) {
  const book = { monthBytes: () => usedMb * MB, nextMonth: '2027-02-01' };
  return new Allowances({ at_quota: 'slow', slow_kbits: 256, ...rules }, book).of(ANN, own);
}

const allows = suite('Allowances');
allows('limit nothing where nothing is said', () => {
  assert.equal(allowance({}), { limits: {}, quota: undefined, stopped: undefined, tunnel: {} });
});
allows("have a home's own limits count before those of all, and none where one of its own is 0", () => {
  const { limits, tunnel, quota } = allowance(
    { quota_mb: 1000, down_kbits: 5000, up_kbits: 1000, flows: 64 },
    { down_kbits: 20_000, up_kbits: 0, quota_mb: 0 },
  );
  assert.equal(limits, { down_kbits: 20_000, flows: 64 });
  assert.equal(tunnel, { downKbits: 20_000, flows: 64 });
  assert.is(quota, undefined);
});
allows('tell how far a home is with its volume', () => {
  const states = [0, 799, 800, 999, 1000, 5000].map((used) => allowance({ quota_mb: 1000 }, undefined, used).quota);
  assert.equal(
    states.map((quota) => quota?.state),
    ['ok', 'ok', 'near', 'near', 'over', 'over'],
  );
  assert.equal(states[3], { bytes: 1000 * MB, used_bytes: 999 * MB, state: 'near', at_quota: 'slow' });
});
allows('slow a home down when it has used its volume, and no home is made faster by that', () => {
  assert.equal(allowance({ quota_mb: 1, down_kbits: 5000, flows: 9 }, undefined, 1).tunnel, {
    ...{ downKbits: 256, upKbits: 256, flows: 9 },
  });
  assert.equal(allowance({ quota_mb: 1, down_kbits: 100 }, undefined, 1).tunnel, { downKbits: 100, upKbits: 256 });
});
allows('or stop it, and say until when', () => {
  const { stopped, tunnel } = allowance({ quota_mb: 50_000, at_quota: 'stop', up_kbits: 900 }, undefined, 50_000);
  assert.is(stopped, 'the volume of this month is used up: 50 GB; it begins anew on 2027-02-01');
  assert.equal(tunnel, { upKbits: 900 });
  assert.match(allowance({ at_quota: 'stop' }, { quota_mb: 500 }, 500).stopped!, /used up: 500 MB;/);
  assert.match(allowance({ at_quota: 'stop' }, { quota_mb: 1550 }, 2000).stopped!, /used up: 1.6 GB;/);
  assert.is(allowance({ quota_mb: 50_000, at_quota: 'stop' }, undefined, 49_999).stopped, undefined);
});
allows('promise no day while the clock was never right', () => {
  const book = { monthBytes: () => 5 * MB, nextMonth: undefined };
  const { stopped } = new Allowances({ quota_mb: 5, at_quota: 'stop', slow_kbits: 256 }, book).of(ANN, undefined);
  assert.is(stopped, 'the volume of this month is used up: 5 MB');
});
allows.run();

const limits = suite('limits');
limits('are taken from a command one by one, each within its bounds', () => {
  assert.equal(limitsIn({ quota_mb: 0, flows: 1_000_000 }), { quota_mb: 0, flows: 1_000_000 });
  assert.is(limitsIn({}), undefined);
  for (const [args, message] of [
    [{ quota_mb: -1 }, 'quota_mb: expected 0 to 1000000000, got -1'],
    [{ down_kbits: 100_000_001 }, 'down_kbits: expected 0 to 100000000, got 100000001'],
    [{ up_kbits: 0.5 }, 'up_kbits: expected 0 to 100000000, got 0.5'],
    [{ flows: Number.NaN }, 'flows: expected 0 to 1000000, got NaN'],
  ] as const)
    assert.throws(
      () => limitsIn(args),
      (error: unknown) => error instanceof InputError && error.message === message,
      message,
    );
});
limits('are read from what was kept, and refused where that is nonsense', () => {
  const read = (value: unknown) => readLimits(new JsonFields('record', { limits: value }));
  assert.equal(read({ quota_mb: 7, up_kbits: 0, more: 1 }), { limits: { quota_mb: 7, up_kbits: 0 } });
  assert.equal(read(undefined), {});
  for (const odd of [7, [], { flows: '7' }, { quota_mb: 1e12 }])
    assert.throws(
      () => read(odd),
      (error: unknown) => error instanceof WireError && /expected/.test(error.message),
    );
});
limits('are put together, the last one counting, and said in words', () => {
  assert.equal(mergeLimits({ flows: 1, quota_mb: 5 }, undefined, { flows: 2 }), { flows: 2, quota_mb: 5 });
  assert.is(mergeLimits(undefined, {}), undefined);
  assert.is(limitWords({ flows: 2, quota_mb: 5, down_kbits: 0 }), '5 MB a month, any speed down, 2 connections');
});
limits.run();
