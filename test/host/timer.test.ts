import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Timers } from '../../src/host/timer.ts';

/** A machine whose time moves by hand. */
class Machine {
  nowMs = 1000.5;
  wakes: number[] = [];
  wake: () => void = () => {};
  monotonicMs = (): number => this.nowMs;
  wakeAt = (atMs: number): void => {
    this.wakes.push(atMs);
  };
  onWake = (callback: () => void): void => {
    this.wake = callback;
  };
  /** Wakes at the time asked for last. */
  run(): void {
    this.nowMs = this.wakes.at(-1)!;
    this.wake();
  }
}

const timers = suite('Timers');
timers('fires by time, then by who asked first', () => {
  const machine = new Machine();
  const all = new Timers(machine);
  const expected: [number, number][] = [];
  const seen: [number, number][] = [];
  let seed = 1;
  for (let i = 0; i < 500; i++) {
    seed = (seed * 48271) % 2147483647;
    const delayMs = seed % 50;
    const cancel = all.after(delayMs, () => seen.push([delayMs, i]));
    if (seed % 3 === 0) cancel();
    else expected.push([delayMs, i]);
  }
  expected.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  while (all.pending > 0) machine.run();
  assert.equal(seen, expected);
});
timers('keeps nothing of what is cancelled', () => {
  const machine = new Machine();
  const all = new Timers(machine);
  for (let i = 0; i < 10_000; i++) all.after(60_000, () => {})();
  assert.is(all.pending, 0);
  assert.is(machine.wakes.at(-1), Number.POSITIVE_INFINITY, '~> and does not wake for it');
});
timers('asks for a wake-up only when the next time changes', () => {
  const machine = new Machine();
  const all = new Timers(machine);
  all.after(10, () => {});
  const later = all.after(20, () => {});
  later();
  later();
  all.after(5, () => {});
  assert.equal(machine.wakes, [1010.5, 1005.5]);
});
timers('leaves a timer that a timer sets to the next turn', () => {
  const machine = new Machine();
  const all = new Timers(machine);
  let count = 0;
  const again = (): void => {
    count++;
    all.after(0, again);
  };
  all.after(0, again);
  machine.run();
  assert.is(count, 1);
  assert.is(machine.wakes.at(-1), machine.nowMs);
});
timers('lets one timer cancel another that is due too', () => {
  const machine = new Machine();
  const all = new Timers(machine);
  all.after(1, () => cancel());
  const cancel = all.after(1, () => assert.unreachable());
  machine.run();
  assert.is(all.pending, 0);
});
timers('waits on when it is woken early', () => {
  const machine = new Machine();
  const all = new Timers(machine);
  all.after(10, () => assert.unreachable());
  machine.wake();
  assert.equal(machine.wakes, [1010.5, 1010.5]);
});
timers('goes on after a callback that throws', () => {
  const machine = new Machine();
  const all = new Timers(machine);
  let fired = false;
  all.after(1, () => {
    throw new Error('a bug');
  });
  all.after(1, () => {
    fired = true;
  });
  assert.throws(() => machine.run(), 'a bug');
  machine.run();
  assert.ok(fired);
});
timers('takes what is no time as now', () => {
  const machine = new Machine();
  const all = new Timers(machine);
  let fired = 0;
  for (const delayMs of [Number.NaN, -1]) all.after(delayMs, () => fired++);
  machine.run();
  assert.is(fired, 2);
});
timers('waits whole milliseconds, so that a clock that tells whole ones agrees', () => {
  const machine = new Machine();
  const all = new Timers(machine);
  const startMs = Math.floor(machine.nowMs);
  all.after(7.3, () => {});
  machine.run();
  assert.ok(Math.floor(machine.nowMs) - startMs >= 7.3, `~> at ${machine.nowMs}`);
});
timers.run();
