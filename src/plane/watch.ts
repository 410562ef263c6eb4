// Sees to it that the kill switch stands: looks often, and costs next to nothing, since no program is started and no right is needed for it.

import { errorText } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Cancel, Clock, Streams } from '../transport/host.ts';
import { CANARY } from './home-rules.ts';

/** From one look to the next, and how often everything is compared. */
const LOOK_MS = 2000;
const COMPARE_MS = 30_000;
/** The kernel answers at once. */
const ANSWER_MS = 1000;

export interface HomeWatchOptions {
  readonly streams: Pick<Streams, 'dial'>;
  readonly clock: Pick<Clock, 'after' | 'monotonicMs'>;
  readonly log: Pick<Log, 'warn'>;
  /** Makes the machine be again what it was told. */
  restore(): Promise<void>;
}

/** Watches from `start()` to `stop()`. */
export class HomeWatch {
  private running = false;
  private timer: Cancel | undefined;
  private comparedMs = 0;

  constructor(private readonly options: HomeWatchOptions) {}

  /** A second call changes nothing. */
  start(): void {
    if (this.running) return;
    this.running = true;
    this.comparedMs = this.options.clock.monotonicMs();
    this.later();
  }

  stop(): void {
    this.running = false;
    this.timer?.();
  }

  /** Has everything compared now; while it does not watch, nothing. */
  compare(): void {
    if (!this.running) return;
    this.comparedMs = Number.NEGATIVE_INFINITY;
    this.timer?.();
    void this.look();
  }

  private later(): void {
    this.timer?.();
    this.timer = this.options.clock.after(LOOK_MS, () => void this.look());
  }

  private async look(): Promise<void> {
    const { clock, log, restore } = this.options;
    const stands = await isKillSwitchUp(this.options.streams, clock);
    if (!this.running) return;
    const nowMs = clock.monotonicMs();
    if (!stands || nowMs - this.comparedMs >= COMPARE_MS) {
      if (!stands) log.warn('the rules that keep the LAN from the own line were taken away: restored');
      this.comparedMs = nowMs;
      await restore().catch((error) => log.warn('not restored', { error: errorText(error) }));
    }
    if (this.running) this.later();
  }
}

/** Whether the kernel refuses as our table does it: without the table, it says that nobody listens. */
export function isKillSwitchUp(streams: Pick<Streams, 'dial'>, clock: Pick<Clock, 'after'>): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (stands: boolean): void => {
      cancel();
      stream.close();
      resolve(stands);
    };
    // who answers nothing drops: that is not the kernel's own way either
    const cancel = clock.after(ANSWER_MS, () => end(true));
    const stream = streams.dial(CANARY, {
      onOpen: () => end(false),
      onData() {},
      onClose: (error) => end(!/refused/i.test(errorText(error))),
    });
  });
}
