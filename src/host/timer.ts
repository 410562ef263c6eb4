// Many timers over the one wake-up that a machine gives: a heap ordered by time, then by who asked first.

import type { Cancel } from '../transport/host.ts';
import type { Native } from './native.ts';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
  /** Index in the heap; -1 when it waits no more. */
  place: number;
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** All timers of one machine. */
export class Timers {
  private readonly heap: Timer[] = [];
  private order = 0;
  private armedMs = Number.POSITIVE_INFINITY;
  private firing = false;

  constructor(private readonly native: Pick<Native, 'monotonicMs' | 'wakeAt' | 'onWake'>) {
    native.onWake(() => this.fire());
  }

  /** Timers that wait. */
  get pending(): number {
    return this.heap.length;
  }

  /** Calls `callback` once, `delayMs` from now; equal times in the order of asking. */
  after(delayMs: number, callback: () => void): Cancel {
    // whole, as the clock that people compare it with: 7.3 ms later it may tell of 7
    const atMs = this.native.monotonicMs() + Math.ceil(Math.max(0, delayMs || 0));
    const timer: Timer = { atMs, order: this.order++, callback, place: this.heap.length };
    this.heap.push(timer);
    this.rise(timer);
    this.arm();
    return () => this.remove(timer);
  }

  /** Fires what was due when it began, so that timers set by timers cannot starve the streams. */
  private fire(): void {
    this.armedMs = Number.POSITIVE_INFINITY;
    const nowMs = this.native.monotonicMs();
    const end = this.order;
    this.firing = true;
    try {
      for (let top = this.heap[0]; top && top.atMs <= nowMs && top.order < end; top = this.heap[0]) {
        this.remove(top);
        top.callback();
      }
    } finally {
      this.firing = false;
      this.arm();
    }
  }

  private arm(): void {
    if (this.firing) return;
    const nextMs = this.heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
    if (nextMs === this.armedMs) return;
    this.armedMs = nextMs;
    this.native.wakeAt(nextMs);
  }

  private remove(timer: Timer): void {
    const { place } = timer;
    if (place < 0) return;
    timer.place = -1;
    const last = this.heap.pop()!;
    if (last !== timer) {
      this.put(last, place);
      this.rise(last);
      this.sink(last);
    }
    this.arm();
  }

  private put(timer: Timer, place: number): void {
    this.heap[place] = timer;
    timer.place = place;
  }

  private rise(timer: Timer): void {
    while (timer.place > 0) {
      const { place } = timer;
      const above = this.heap[(place - 1) >> 1]!;
      if (!isBefore(timer, above)) return;
      this.put(timer, above.place);
      this.put(above, place);
    }
  }

  private sink(timer: Timer): void {
    for (;;) {
      const { place } = timer;
      const left = this.heap[2 * place + 1];
      const right = this.heap[2 * place + 2];
      const below = right && left && isBefore(right, left) ? right : left;
      if (!below || !isBefore(below, timer)) return;
      this.put(timer, below.place);
      this.put(below, place);
    }
  }
}
