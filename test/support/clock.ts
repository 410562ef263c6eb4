// A clock that moves only when the test says so.

import type { Cancel, Clock } from '../../src/transport/host.ts';

/** Lets everything that waits on resolved promises run. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

export class ManualClock implements Clock {
  private nowMs = 0;
  private timers: { atMs: number; callback: () => void }[] = [];

  /** @param bootUnixMs wall clock at monotonic time 0; may be changed to make the wall clock jump. */
  constructor(public bootUnixMs = 1_800_000_000_000) {}

  monotonicMs(): number {
    return this.nowMs;
  }

  unixMs(): number {
    return this.bootUnixMs + this.nowMs;
  }

  after(delayMs: number, callback: () => void): Cancel {
    const timer = { atMs: this.nowMs + Math.max(0, delayMs), callback };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((t) => t !== timer);
    };
  }

  /** Timers that wait. */
  get pending(): number {
    return this.timers.length;
  }

  /** Moves time on, firing timers in order, with promises settled after each. */
  async advance(ms: number): Promise<void> {
    const end = this.nowMs + ms;
    await settle();
    for (;;) {
      const due = this.timers.filter((t) => t.atMs <= end).sort((a, b) => a.atMs - b.atMs)[0];
      if (!due) break;
      this.timers = this.timers.filter((t) => t !== due);
      this.nowMs = Math.max(this.nowMs, due.atMs);
      due.callback();
      await settle();
    }
    this.nowMs = end;
  }
}
