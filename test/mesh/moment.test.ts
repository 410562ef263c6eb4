import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ClockFacts, Moments } from '../../src/mesh/moment.ts';

const EARLIEST = 1_767_225_600_000;
const LATEST = EARLIEST + 20 * 366 * 86_400_000;

function at(unixMs: number, more: Partial<ClockFacts> = {}): Moments {
  return new Moments('abc', {
    monotonicMs: () => 1234.5,
    unixMs: () => unixMs,
    earliestMs: EARLIEST,
    latestMs: LATEST,
    isSet: () => false,
    hasBattery: false,
    ...more,
  });
}

const moments = suite('Moments');
moments('have no date where the clock cannot be right: 1970, 2038 and before this program was built', () => {
  for (const unixMs of [0, 5_000_000, EARLIEST - 1, LATEST + 1, 2 ** 31 * 1000 * 2])
    for (const isSet of [true, false])
      assert.equal(at(unixMs, { isSet: () => isSet }).now(), { sid: 'abc', mono: 1234, clk: 'none' });
});
moments('have one, and say how far to trust it, where it can', () => {
  const unixMs = EARLIEST + 1999;
  assert.equal(at(unixMs).now(), { sid: 'abc', mono: 1234, t: EARLIEST / 1000 + 1, clk: 'file' });
  assert.is(at(unixMs, { hasBattery: true }).now().clk, 'rtc');
  assert.is(at(unixMs, { hasBattery: true, isSet: () => true }).now().clk, 'ntp');
});
moments.run();
