// How often each of many may do something: a bucket of tokens for each, and one for those whom there is no room to tell apart.

export interface MeterOptions {
  /** Tokens that a full bucket holds. */
  readonly burst: number;
  /** How long it takes for one to come back, milliseconds. */
  readonly everyMs: number;
  /** Names that are told apart at the same time. */
  readonly most: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Bounded in memory, whoever comes: a bucket that is full again is forgotten. */
export class Meter {
  private readonly buckets = new Map<string, Bucket>();
  private readonly crowd: Bucket;

  constructor(private readonly options: MeterOptions) {
    this.crowd = { tokens: options.burst, atMs: Number.NEGATIVE_INFINITY };
  }

  /** Takes a token of a name. @returns 0, or how long there will be none, milliseconds. */
  take(name: string, nowMs: number): number {
    const { burst, everyMs, most } = this.options;
    let bucket = this.buckets.get(name);
    if (!bucket) {
      if (this.buckets.size >= most) this.forget(nowMs);
      if (this.buckets.size < most) {
        bucket = { tokens: burst, atMs: nowMs };
        this.buckets.set(name, bucket);
      } else bucket = this.crowd;
    }
    bucket.tokens = Math.min(burst, bucket.tokens + (nowMs - bucket.atMs) / everyMs);
    bucket.atMs = nowMs;
    if (bucket.tokens < 1) return Math.ceil((1 - bucket.tokens) * everyMs);
    bucket.tokens -= 1;
    return 0;
  }

  /** Forgets buckets that are full again, the oldest first, until one is not. */
  private forget(nowMs: number): void {
    const { burst, everyMs } = this.options;
    for (const [name, { tokens, atMs }] of this.buckets) {
      if (tokens + (nowMs - atMs) / everyMs < burst) continue;
      this.buckets.delete(name);
    }
  }
}
