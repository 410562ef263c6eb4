// The log on lease: for a while its lines are told to whoever looks after the router, gathered by the second and never too many.

import type { Payload } from '../api/topics.ts';
import type { LogLevel } from '../log.ts';
import type { Moment } from './moment.ts';

/** Time, and one call after a while. */
export interface LogLeaseClock {
  monotonicMs(): number;
  after(delayMs: number, callback: () => void): () => void;
}

/** Longest lease. */
export const MAX_LOG_LEASE_S = 600;
const FLUSH_MS = 1000;
const MAX_LINES = 20;
const MAX_LINE = 240;

/** The lease of one router's log. */
export class LogLease {
  private granted: { level: LogLevel; untilMs: number } | undefined;
  private lines: string[] = [];
  private lost = 0;
  private timer: (() => void) | undefined;

  /** @param out takes the JSON of some lines. */
  constructor(
    private readonly clock: LogLeaseClock,
    private readonly now: () => Moment,
    private readonly out: (text: string) => void,
  ) {}

  /** Grants it, or ends it. @throws RangeError beyond the longest */
  grant(level: LogLevel, seconds: number): void {
    if (!(seconds >= 0 && seconds <= MAX_LOG_LEASE_S))
      throw new RangeError(`seconds: expected 0 to ${MAX_LOG_LEASE_S}, got ${seconds}`);
    this.granted = { level, untilMs: this.clock.monotonicMs() + seconds * 1000 };
  }

  /** From which level on lines are wanted now; `undefined`: none are. */
  get level(): LogLevel | undefined {
    if (this.granted && this.clock.monotonicMs() >= this.granted.untilMs) this.granted = undefined;
    return this.granted?.level;
  }

  /** A line of that level. */
  take(line: string): void {
    if (this.lines.length < MAX_LINES) this.lines.push(line.slice(0, MAX_LINE));
    else this.lost++;
    this.timer ??= this.clock.after(FLUSH_MS, () => {
      this.timer = undefined;
      const { sid, mono } = this.now();
      const payload: Payload<'log'> = { sid, mono, lines: this.lines, ...(this.lost > 0 && { lost: this.lost }) };
      this.lines = [];
      this.lost = 0;
      this.out(JSON.stringify(payload));
    });
  }

  stop(): void {
    this.timer?.();
    this.timer = undefined;
    this.granted = undefined;
  }
}
