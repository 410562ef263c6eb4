// Tells what had to wait, once the broker is back: in order, one at a time, slowly, so that what happens now is not held up.

import { BusyError, errorText, LinkDownError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Report, ReportQueue } from './report-queue.ts';

/** Time, and one call after a while. */
export interface ReplayClock {
  monotonicMs(): number;
  after(delayMs: number, callback: () => void): () => void;
}

/** At most five a second. */
const APART_MS = 200;
/** After one that was not taken for now. */
const PAUSE_MS = 5000;

/** Empties a queue while it may. */
export class Replay {
  private timer: (() => void) | undefined;
  private sending = false;
  private running = false;

  /**
   * @param send resolves when the broker has it; rejects with LinkDownError or BusyError when it is to be tried again, otherwise it is given up.
   */
  constructor(
    private readonly queue: ReportQueue,
    private readonly clock: ReplayClock,
    private readonly send: (report: Report) => Promise<void>,
    private readonly log: Log,
  ) {}

  /** The broker is there. */
  start(): void {
    if (this.running) return;
    this.running = true;
    this.after(APART_MS);
  }

  /** The broker is gone; what is under way is its sender's. */
  stop(): void {
    this.running = false;
    this.timer?.();
    this.timer = undefined;
  }

  /** Something was put into the queue. */
  wake(): void {
    if (this.running && !this.timer && !this.sending) this.after(APART_MS);
  }

  private after(ms: number): void {
    this.timer ??= this.clock.after(ms, () => {
      this.timer = undefined;
      void this.next();
    });
  }

  private async next(): Promise<void> {
    // what is under way is not in the queue: it could be given up there, and would come all the same
    const report = this.sending ? undefined : this.queue.shift();
    if (!report) return;
    this.sending = true;
    const sentMs = this.clock.monotonicMs();
    let pauseMs = 0;
    try {
      await this.send(report);
    } catch (error) {
      if (error instanceof LinkDownError || error instanceof BusyError) {
        this.queue.unshift(report);
        pauseMs = PAUSE_MS;
      } else {
        this.queue.countLost();
        this.log.warn('not told', { topic: report.kind, error: errorText(error) });
      }
    } finally {
      this.sending = false;
    }
    if (this.running && this.queue.size > 0)
      this.after(Math.max(pauseMs, sentMs + APART_MS - this.clock.monotonicMs()));
  }
}
