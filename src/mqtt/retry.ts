// When to dial a broker again: so that a fleet does not return in step, nobody fights over a session, and nobody knocks at a closed door.
//
//   first of all        uniform over a ninth of the spread (fleet: 20 s of 180 s), or over the spread at home (5 s)
//   lost when stable    uniform over the spread, and so on while the broker is away: whoever finds it down stays spread
//   otherwise           full jitter: uniform over 5 s, 10 s, 20 s … 15 min, until a connection has lasted for 5 min
//   not let in, quota   15 to 18 min, with an alarm
//   taken over          twice in a row the same; so are connections that the broker closes soon, without a word, three times each
//
// An uplink that is back shortens a wait to what comes first of all: its neighbourhood returns with it, but not the whole fleet. A pause is not
// shortened, for its cause is not the line.

import { LinkDownError, RemoteError } from '../errors.ts';
import type { Cancel, Clock } from '../transport/host.ts';
import type { RetryPolicy } from '../transport/link.ts';
import type { AlarmId, Profile } from './client.ts';
import {
  BAD_CREDENTIALS,
  BANNED,
  BUSY,
  CONNECTION_RATE_EXCEEDED,
  NOT_AUTHORISED,
  QUOTA_EXCEEDED,
  RATE_TOO_HIGH,
  SHUTTING_DOWN,
  TAKEN_OVER,
  UNAVAILABLE,
} from './reason.ts';

const FIRST_MS = 5000;
const MAX_MS = 15 * 60_000;
/** A pause, of which a fifth more is jitter. */
const PAUSE_MS = 15 * 60_000;
/** A connection that has lasted so long counts as good. */
export const STABLE_MS = 5 * 60_000;
/** And after so long nobody else claims our session. */
const UNDISPUTED_MS = 60 * 60_000;
/** A connection closed so soon may have been taken over; the longer we wait ourselves, the later does a rival come, who waits as long. */
const QUICK_MS = 10_000;
/** Quick ends that are taken for a takeover, and takeovers that are one too many. */
const QUICK_ENDS = 3;
const TAKEOVERS = 2;
/** What part of the spread is enough for those who start at one time. */
const START_SHARE = 9;

export const MAX_SPREAD_S = 180;
const SPREAD_S: Record<Profile, number> = { fleet: MAX_SPREAD_S, home: 5 };

const CLOSED_DOORS = [BAD_CREDENTIALS, NOT_AUTHORISED, BANNED];
const QUOTAS = [RATE_TOO_HIGH, QUOTA_EXCEEDED, CONNECTION_RATE_EXCEEDED];
const CROWDS = [UNAVAILABLE, BUSY, SHUTTING_DOWN];

export interface RetryOptions {
  clock: Clock;
  /** Uniform in [0, 1). */
  random(): number;
  profile: Profile;
  /** Default: 180 for a fleet, 5 for a home. */
  spreadS?: number | undefined;
  /** A person is needed, and why; `undefined`: not any more. */
  onAlarm(id: AlarmId, why: string | undefined): void;
}

/** The waits of one client. */
export class Retry implements RetryPolicy {
  private spreadMs: number;
  /** Failures in a row; how often the wait has doubled. */
  private attempts = 0;
  /** The broker let go of many at once, as it seems: the spread counts, not the first waits. */
  private isCrowd = false;
  private isPaused = false;
  private quickEnds = 0;
  private takeovers = 0;
  private upSinceMs: number | undefined;
  private cancelTimer: Cancel | undefined;

  constructor(private readonly options: RetryOptions) {
    const { profile, spreadS = SPREAD_S[profile] } = options;
    this.spreadMs = spreadS * 1000;
  }

  /** The time over which those return who were lost together, 0 to 180 s. */
  setSpread(spreadS: number): void {
    this.spreadMs = Math.min(Math.max(spreadS, 0), MAX_SPREAD_S) * 1000;
  }

  /** Before the first attempt of this process. */
  startMs(): number {
    return this.uniform(this.options.profile === 'home' ? this.spreadMs : this.spreadMs / START_SHARE);
  }

  /** After an uplink came back: no longer than this; `undefined` during a pause. */
  lineBackMs(): number | undefined {
    return this.isPaused ? undefined : this.startMs();
  }

  /** The broker has greeted us. */
  reset(): void {
    const { clock, onAlarm } = this.options;
    this.upSinceMs = clock.monotonicMs();
    this.isCrowd = false;
    this.isPaused = false;
    onAlarm('not-authorised', undefined);
    this.cancelTimer = clock.after(STABLE_MS, () => {
      this.attempts = 0;
      this.quickEnds = 0;
      onAlarm('quota', undefined);
      this.cancelTimer = clock.after(UNDISPUTED_MS - STABLE_MS, () => {
        this.cancelTimer = undefined;
        this.takeovers = 0;
        onAlarm('duplicate-id', undefined);
      });
    });
  }

  nextMs(error: Error): number {
    const lastedMs = this.end();
    const code = error instanceof RemoteError ? Number(error.status) : 0;
    const ceilingMs = Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(this.attempts, 30));
    this.isPaused = true;
    if (CLOSED_DOORS.includes(code)) return this.pause('not-authorised', error.message);
    if (QUOTAS.includes(code)) return this.pause('quota', error.message);
    if (this.isTakeover(error, code, lastedMs, ceilingMs) && ++this.takeovers >= TAKEOVERS)
      return this.pause('duplicate-id', `another client seems to use our id: ${error.message}`);
    this.isPaused = false;
    this.attempts++;
    if ((lastedMs !== undefined && lastedMs >= STABLE_MS) || CROWDS.includes(code)) this.isCrowd = true;
    return this.uniform(this.isCrowd ? Math.max(ceilingMs, this.spreadMs) : ceilingMs);
  }

  /** Nothing is waited for any more. Answers how long the connection lasted that just ended. */
  end(): number | undefined {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    const sinceMs = this.upSinceMs;
    this.upSinceMs = undefined;
    return sinceMs === undefined ? undefined : this.options.clock.monotonicMs() - sinceMs;
  }

  /** Before MQTT 5, and of some brokers also with it, a takeover looks like any end: the broker closes, without a word. */
  private isTakeover(error: Error, code: number, lastedMs: number | undefined, ceilingMs: number): boolean {
    if (code === TAKEN_OVER) return true;
    if (lastedMs === undefined) return false;
    const isQuick = error instanceof LinkDownError && lastedMs < QUICK_MS + ceilingMs && lastedMs < STABLE_MS;
    this.quickEnds = isQuick ? this.quickEnds + 1 : 0;
    if (this.quickEnds < QUICK_ENDS) return false;
    this.quickEnds = 0;
    return true;
  }

  private pause(id: AlarmId, why: string): number {
    this.options.onAlarm(id, why);
    return PAUSE_MS + this.uniform(PAUSE_MS / 5);
  }

  private uniform(mostMs: number): number {
    return Math.floor(this.options.random() * mostMs);
  }
}
