// What one broker gets of the measurements, and when: keyframes and heartbeats, at its own pace and in its own numbers.

import { type MetricGroup, type Sample, TOPICS } from '../api/topics.ts';
import { errorText } from '../errors.ts';
import { encodeUtf8 } from '../lib/utf8.ts';
import type { Log } from '../log.ts';
import { changeSince, heartbeat, inGroups, type Keyframe, keyframe, type Stamp } from './keyframe.ts';
import { LEASES, type LeaseKind } from './lease.ts';

/** Time, and one call after a while. */
export interface FeedClock {
  monotonicMs(): number;
  after(delayMs: number, callback: () => void): () => void;
}

/** Where it goes. */
export interface FeedSink {
  /** The broker is there: a keyframe would arrive. */
  readonly up: boolean;
  /** So much waits that what can be left out should be. */
  readonly congested: boolean;
  /** What it holds back, and gave up. */
  queue(): { queued: number; dropped: number };
  keyframe(text: string): void;
  heartbeat(text: string): void;
}

export interface FeedOptions {
  groups: readonly MetricGroup[];
  /** Between two heartbeats. */
  intervalMs: number;
  /** As little as possible. */
  metered: boolean;
  /** Which of them are wanted. */
  keyframes: boolean;
  heartbeats: boolean;
}

export interface FeedParts {
  readonly clock: FeedClock;
  /** Uniform in [0, 1). */
  random(): number;
  /** Takes a sample, or gives one that is fresh. */
  sample(): Promise<Sample>;
  /** When, and the next number. */
  stamp(): Stamp;
  lease(): LeaseKind | undefined;
  readonly sink: FeedSink;
  readonly log: Log;
}

/** A keyframe comes with every third heartbeat; where the line is metered, four times a day. */
const HEARTBEATS_A_KEYFRAME = 3;
const METERED_INTERVAL_MS = 900_000;
const METERED_KEYFRAME_MS = 21_600_000;
/** Keyframes that are asked for are at least so far apart; where the line is metered, those of its own accord are left out. */
const REQUEST_MS = 30_000;
const CHANGE_MS = 60_000;
/** A timer may be a little early. */
const SLACK_MS = 500;

/** Feeds one sink from `start()` to `stop()`. */
export class Feed {
  private timer: (() => void) | undefined;
  private soon: (() => void) | undefined;
  private last: Keyframe | undefined;
  private lastKeyframeMs = Number.NEGATIVE_INFINITY;
  private lastTickMs = 0;
  private running = false;
  /** What is being done, one thing after the other. */
  private work: Promise<void> = Promise.resolve();

  constructor(
    private readonly parts: FeedParts,
    private options: FeedOptions,
  ) {}

  /** Begins at a random moment of the interval, so that many routers do not speak at once. */
  start(): void {
    this.running = true;
    this.lastTickMs = this.parts.clock.monotonicMs() - this.parts.random() * this.everyMs;
    this.schedule();
  }

  stop(): void {
    this.running = false;
    this.timer?.();
    this.soon?.();
    this.timer = this.soon = undefined;
  }

  setOptions(options: FeedOptions): void {
    this.options = options;
    this.repace();
  }

  /** A lease was granted or ended, or the options are others. One that runs out needs none: the next tick counts anew. */
  repace(): void {
    if (this.running) this.schedule();
  }

  /** The broker was reached: it may have lost what it had. */
  connected(): void {
    this.last = undefined;
    this.lastKeyframeMs = Number.NEGATIVE_INFINITY;
    this.soonAt(0);
  }

  /** Somebody asks for a keyframe: it comes at once, or as soon as the one before is old enough. */
  request(): void {
    this.soonAt(REQUEST_MS);
  }

  /** Something changed that people should see. */
  changed(): void {
    if (!this.options.metered) this.soonAt(CHANGE_MS);
  }

  /** Between two heartbeats now. */
  get everyMs(): number {
    const lease = this.parts.lease();
    const { intervalMs, metered } = this.options;
    const usual = metered ? Math.max(intervalMs, METERED_INTERVAL_MS) : intervalMs;
    return lease ? Math.min(usual, LEASES[lease].everyMs) : usual;
  }

  private get keyframeMs(): number {
    const { intervalMs, metered } = this.options;
    return metered ? METERED_KEYFRAME_MS : HEARTBEATS_A_KEYFRAME * intervalMs;
  }

  private schedule(): void {
    this.timer?.();
    const nowMs = this.parts.clock.monotonicMs();
    const dueMs = Math.max(0, this.lastTickMs + this.everyMs - nowMs);
    this.timer = this.parts.clock.after(dueMs, () => {
      this.timer = undefined;
      this.lastTickMs = this.parts.clock.monotonicMs();
      this.schedule();
      this.tick(false);
    });
  }

  private soonAt(apartMs: number): void {
    if (this.soon || !this.running || !this.options.keyframes) return;
    const waitMs = Math.max(0, this.lastKeyframeMs + apartMs - this.parts.clock.monotonicMs());
    this.soon = this.parts.clock.after(waitMs, () => {
      this.soon = undefined;
      this.tick(true);
    });
  }

  /** @param wanted a keyframe, whether it is time for one or not. */
  private tick(wanted: boolean): void {
    this.work = this.work
      .then(async () => this.send(await this.parts.sample(), wanted))
      .catch((error) => {
        this.parts.log.error('not measured', { error: errorText(error) });
      });
  }

  private send(sample: Sample, wanted: boolean): void {
    const { parts, options } = this;
    if (!this.running) return;
    const dueMs = this.lastKeyframeMs + this.keyframeMs - SLACK_MS;
    const isDue = wanted || parts.clock.monotonicMs() >= dueMs;
    if (options.keyframes && isDue && parts.sink.up) this.sendKeyframe(sample);
    else if (options.heartbeats && !wanted && !(parts.sink.up && parts.sink.congested)) this.sendHeartbeat(sample);
  }

  private content(sample: Sample): Sample {
    const content = inGroups(sample, this.options.groups);
    if (!content.own) return content;
    const lease = this.parts.lease();
    return { ...content, own: { ...content.own, ...this.parts.sink.queue(), ...(lease && { lease }) } };
  }

  private sendKeyframe(sample: Sample): void {
    this.last = keyframe(this.parts.stamp(), this.content(sample));
    this.lastKeyframeMs = this.parts.clock.monotonicMs();
    this.parts.sink.keyframe(this.last.text);
  }

  private sendHeartbeat(sample: Sample): void {
    const content = this.content(sample);
    const beat = { ...this.parts.stamp(), ...heartbeat(content) };
    const { last } = this;
    const d = last && this.parts.lease() && this.parts.sink.up ? changeSince(last, content) : undefined;
    const text = JSON.stringify(d ? { ...beat, base: last!.seq, d } : beat);
    const isLong = d !== undefined && encodeUtf8(text).length > TOPICS.tele.maxBytes;
    this.parts.sink.heartbeat(isLong ? JSON.stringify(beat) : text);
  }
}
