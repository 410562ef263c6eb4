// Signs of life: when to ask the broker for one, how long to wait for it, and how much silence the line stands.
//
// Routers of others forget a connection that is silent for long, some after less than two minutes, and tell nobody. It shows as a ping into a
// silence that is never answered. Two of those in a row, and we ask twice as often; after a day of good silences half as often again, after the
// next failure not before two days, and so on.

import { TimeoutError } from '../errors.ts';
import type { Cancel, Clock } from '../transport/host.ts';

/** Longest wait for an answer to a ping, and what is added for bytes on their way: a line of less than 2 KiB/s is none. */
const PONG_MS = 15_000;
const SLOWEST_BYTES_PER_S = 2048;
/** Waits in a row that other packets may fill: a broker that talks is alive, but it owes an answer. */
const MAX_WAITS = 8;
const MIN_INTERVAL_MS = 60_000;
const STRIKES = 2;
const GROW_AFTER_MS = 24 * 3_600_000;
const MAX_GROW_AFTER_MS = 8 * GROW_AFTER_MS;
/** What part of the interval makes a silence that says something about the line. */
const FULL_SHARE = 0.8;

/** How much silence the line stands, as far as we have learnt; outlives connections. */
export class Silence {
  intervalMs: number;
  private strikes = 0;
  /** Silences of this length that were survived since the interval changed, together. */
  private goodMs = 0;
  private growAfterMs = GROW_AFTER_MS;
  private hasGrown = false;

  /** @param maxMs longest silence. */
  constructor(private readonly maxMs: number) {
    this.intervalMs = maxMs;
  }

  /** A ping after that much silence was answered, or never. */
  learn(silentMs: number, isAnswered: boolean): void {
    if (silentMs < this.intervalMs * FULL_SHARE) return;
    if (isAnswered) this.strengthen(silentMs);
    else if (++this.strikes >= STRIKES) this.weaken();
  }

  private strengthen(silentMs: number): void {
    this.strikes = 0;
    this.goodMs += silentMs;
    if (this.goodMs < this.growAfterMs || this.intervalMs === this.maxMs) return;
    this.change(this.intervalMs * 2);
    this.hasGrown = true;
  }

  private weaken(): void {
    if (this.hasGrown) this.growAfterMs = Math.min(2 * this.growAfterMs, MAX_GROW_AFTER_MS);
    this.hasGrown = false;
    this.change(this.intervalMs / 2);
  }

  private change(intervalMs: number): void {
    this.intervalMs = Math.min(Math.max(intervalMs, MIN_INTERVAL_MS), this.maxMs);
    this.strikes = 0;
    this.goodMs = 0;
  }
}

export interface KeepaliveOptions {
  clock: Clock;
  silence: Silence;
  /** What the broker wants at the longest; `undefined`: as we like. */
  serverMs: number | undefined;
  /** Sends a PINGREQ. */
  ping(): void;
  /** Bytes that were sent and not yet proved to have arrived. */
  unprovenBytes(): number;
  /** There is nobody at the other end. */
  onDead(error: Error): void;
}

/** The signs of life of one connection. */
export class Keepalive {
  private sentAtMs: number;
  private heardAtMs: number;
  /** A ping that waits for its answer: how much silence was before it, and how often the wait began. */
  private waiting: { silentMs: number; waits: number } | undefined;
  private cancelTimer: Cancel | undefined;

  constructor(private readonly options: KeepaliveOptions) {
    this.sentAtMs = options.clock.monotonicMs();
    this.heardAtMs = this.sentAtMs;
    this.watch();
  }

  /** A ping is on its way. */
  get isAsking(): boolean {
    return this.waiting !== undefined;
  }

  /** Bytes went out. */
  onSent(): void {
    this.sentAtMs = this.options.clock.monotonicMs();
  }

  /** Bytes came in. */
  onHeard(): void {
    this.heardAtMs = this.options.clock.monotonicMs();
  }

  /** Asks for a sign of life now, unless that was done already. */
  ask(): void {
    if (this.waiting) return;
    this.waiting = {
      silentMs: this.options.clock.monotonicMs() - Math.max(this.sentAtMs, this.heardAtMs),
      waits: 0,
    };
    this.options.ping();
    this.await();
  }

  /** The answer came. */
  onPong(): void {
    if (!this.waiting) return;
    this.options.silence.learn(this.waiting.silentMs, true);
    this.waiting = undefined;
    this.watch();
  }

  /** The connection is over. @param isLost nobody wanted that. */
  stop(isLost: boolean): void {
    this.cancelTimer?.();
    if (this.waiting && isLost) this.options.silence.learn(this.waiting.silentMs, false);
    this.waiting = undefined;
  }

  /** One direction alone does not do: the broker wants to hear us, and we it. */
  private watch(): void {
    const { clock, silence, serverMs = Number.POSITIVE_INFINITY } = this.options;
    const dueMs = Math.min(this.sentAtMs, this.heardAtMs) + Math.min(silence.intervalMs, serverMs);
    this.after(dueMs - clock.monotonicMs(), () => {
      if (Math.min(this.sentAtMs, this.heardAtMs) + Math.min(silence.intervalMs, serverMs) <= clock.monotonicMs())
        this.ask();
      else this.watch();
    });
  }

  private await(): void {
    const startMs = this.options.clock.monotonicMs();
    const patienceMs = PONG_MS + 1000 * Math.floor(this.options.unprovenBytes() / SLOWEST_BYTES_PER_S);
    this.after(patienceMs, () => {
      if (this.heardAtMs > startMs && ++this.waiting!.waits < MAX_WAITS) this.await();
      else this.options.onDead(new TimeoutError(`ping: no answer within ${patienceMs} ms`));
    });
  }

  private after(delayMs: number, callback: () => void): void {
    this.cancelTimer?.();
    this.cancelTimer = this.options.clock.after(delayMs, callback);
  }
}
