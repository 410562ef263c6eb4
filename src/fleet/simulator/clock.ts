// A clock that runs faster than this machine's: for what would take minutes of waiting.

import type { Clock } from '../../transport/host.ts';

/** Time as `clock` has it, `speed` times as fast from now on. */
export function fastClock(clock: Clock, speed: number): Clock {
  const [monotonicMs, unixMs] = [clock.monotonicMs(), clock.unixMs()];
  return {
    monotonicMs: () => Math.floor(monotonicMs + (clock.monotonicMs() - monotonicMs) * speed),
    unixMs: () => Math.floor(unixMs + (clock.unixMs() - unixMs) * speed),
    after: (delayMs, callback) => clock.after(delayMs / speed, callback),
  };
}
