// A lease that a home holds: how long it lasts, when it is renewed, watched, and left.

import type { Drain, Grant } from '../api/lease.ts';

/** Milliseconds. */
export interface HeldLeasePace {
  /** A renewal that failed is tried again after this, doubled each time up to an eighth of the lease. */
  readonly renewAgainMs: number;
  /** From one question that is held open to the next, when it broke, and when it could not be held. */
  readonly watchAgainMs: number;
  readonly watchPollMs: number;
}

export const HELD_LEASE_PACE: HeldLeasePace = { renewAgainMs: 10_000, watchAgainMs: 10_000, watchPollMs: 60_000 };

/** A lease is renewed when so much of it is over, and by chance up to a tenth of it later, so that homes do not come in step. */
const RENEW_SHARE = 0.45;
const RENEW_JITTER = 0.1;
const MAX_DOUBLINGS = 10;

/** One lease. Times are monotonic. */
export class HeldLease {
  untilMs = 0;
  renewMs = 0;
  /** When the gateway is to be asked to tell of changes. */
  watchMs: number;
  /** When it is left, because its gateway is about to stop. */
  leaveMs: number | undefined;
  /** When its home is not let in any more; `undefined`: no end was told. */
  accessUntilMs: number | undefined;
  /** Renewals in a row that failed. */
  failures = 0;

  /** @param random uniform in [0, 1). */
  constructor(
    readonly address: string,
    public grant: Grant,
    private readonly pace: HeldLeasePace,
    private readonly random: () => number,
    nowMs: number,
  ) {
    this.watchMs = nowMs;
    this.take(grant, nowMs);
    this.extend(nowMs);
  }

  /** What the gateway says of it now. */
  take(grant: Grant, nowMs: number): void {
    // how much is used is told only to who looks
    const { use } = this.grant;
    this.grant = { ...(use && { use }), ...grant };
    const { access_left_s: leftS } = grant;
    this.accessUntilMs = leftS === undefined ? undefined : nowMs + leftS * 1000;
  }

  /** It was given for its whole time. */
  extend(nowMs: number): void {
    const leaseMs = this.grant.lease_s * 1000;
    this.untilMs = nowMs + leaseMs;
    this.renewMs = nowMs + leaseMs * (RENEW_SHARE + RENEW_JITTER * this.random());
    this.failures = 0;
  }

  /** It was taken over from an earlier daemon, and how old it is nobody knows: more time is asked for at once. */
  adopt(nowMs: number): void {
    this.untilMs = nowMs + (this.grant.lease_s * 1000) / 2;
    this.renewMs = nowMs;
  }

  /** A renewal failed. */
  renewLater(nowMs: number): void {
    const { renewAgainMs } = this.pace;
    const longestMs = Math.max(renewAgainMs, (this.grant.lease_s * 1000) / 8);
    this.renewMs = nowMs + Math.min(longestMs, renewAgainMs * 2 ** Math.min(this.failures++, MAX_DOUBLINGS));
  }

  /** The question that was held open broke. */
  watchLater(nowMs: number): void {
    this.watchMs = nowMs + this.pace.watchAgainMs * (0.5 + this.random());
  }

  /** The gateway holds no question open: it is asked now and then. */
  poll(nowMs: number): void {
    this.watchMs = nowMs + this.pace.watchPollMs;
  }

  /** Whether the gateway is about to stop: then it is left by chance within the first half of its time, so that homes do not move in step. */
  drains(drain: Drain | undefined, nowMs: number): void {
    if (!drain) this.leaveMs = undefined;
    else this.leaveMs ??= nowMs + drain.in_s * 500 * this.random();
  }

  /** When something is to be done about it. */
  get timesMs(): readonly (number | undefined)[] {
    return [this.untilMs, this.renewMs, this.watchMs, this.leaveMs];
  }
}
