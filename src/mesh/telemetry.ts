// Measures one router for all its brokers: takes samples, at most as often as they differ, and holds the leases.

import type { Sample } from '../api/topics.ts';
import type { Log } from '../log.ts';
import { Feed, type FeedClock, type FeedOptions, type FeedSink } from './feed.ts';
import { type LeaseKind, Leases } from './lease.ts';
import type { Moments } from './moment.ts';

export interface TelemetryParts {
  readonly clock: FeedClock;
  /** Uniform in [0, 1). */
  random(): number;
  readonly moments: Pick<Moments, 'now'>;
  /** Asks all parts of the router anew and takes a sample; never rejects. */
  take(): Promise<Sample>;
  /** How often the daemon was started before in this session. */
  readonly runs: number;
  readonly log: Log;
}

/** A sample that is not older serves several brokers. */
const FRESH_MS = 5000;
/** Numbers of one run of the daemon. */
const NUMBERS_A_RUN = 1_000_000;

/** The first number after so many runs in this session: none of an earlier run is used twice, wherever that ended. */
export function firstNumber(runs: number): number {
  return runs * NUMBERS_A_RUN + 1;
}

/** The measurements of one router. */
export class Telemetry {
  private readonly leases = new Leases();
  private readonly feeds = new Set<Feed>();
  private taken: { sample: Promise<Sample>; atMs: number } | undefined;
  /** No feed has used this number, nor a higher one. */
  private unused: number;

  constructor(private readonly parts: TelemetryParts) {
    this.unused = firstNumber(parts.runs);
  }

  /** A feed for one broker; it counts for leases and changes until `remove`. */
  add(sink: FeedSink, options: FeedOptions): Feed {
    const { clock, random, moments, log } = this.parts;
    let seq = this.unused;
    const feed = new Feed(
      {
        clock,
        random,
        sample: () => this.sample(),
        stamp: () => {
          const { sid, ...when } = moments.now();
          const stamp = { sid, seq: seq++, ...when };
          this.unused = Math.max(this.unused, seq);
          return stamp;
        },
        lease: () => this.lease,
        sink,
        log,
      },
      options,
    );
    this.feeds.add(feed);
    return feed;
  }

  remove(feed: Feed): void {
    feed.stop();
    this.feeds.delete(feed);
  }

  stop(): void {
    for (const feed of this.feeds) this.remove(feed);
  }

  /** Why it is measured more often than usual. */
  get lease(): LeaseKind | undefined {
    return this.leases.current(this.parts.clock.monotonicMs());
  }

  /** Grants a lease. @param seconds 0 ends it. @throws RangeError */
  grant(kind: LeaseKind, seconds: number): void {
    this.leases.grant(kind, seconds, this.parts.clock.monotonicMs());
    for (const feed of this.feeds) feed.repace();
  }

  /** Somebody asks for a keyframe. */
  request(): void {
    for (const feed of this.feeds) feed.request();
  }

  /** Something changed that people should see. */
  changed(): void {
    for (const feed of this.feeds) feed.changed();
  }

  private sample(): Promise<Sample> {
    const nowMs = this.parts.clock.monotonicMs();
    if (!this.taken || nowMs - this.taken.atMs >= FRESH_MS) this.taken = { sample: this.parts.take(), atMs: nowMs };
    return this.taken.sample;
  }
}
