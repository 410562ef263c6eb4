// Leases: for a while a router is measured more often than usual, because somebody watches it.

export type LeaseKind = 'watch' | 'boost';

/** How often it is measured meanwhile, and for how long at most. */
export const LEASES = {
  watch: { everyMs: 60_000, mostS: 86_400 },
  boost: { everyMs: 10_000, mostS: 600 },
} as const satisfies Record<LeaseKind, { everyMs: number; mostS: number }>;

/** The leases of one router; times are monotonic milliseconds. */
export class Leases {
  private readonly untilMs: Record<LeaseKind, number> = { watch: 0, boost: 0 };

  /** Grants one, or replaces the one there is. @param seconds 0 ends it. @throws RangeError beyond the longest */
  grant(kind: LeaseKind, seconds: number, nowMs: number): void {
    const { mostS } = LEASES[kind];
    if (!(seconds >= 0 && seconds <= mostS)) throw new RangeError(`seconds: expected 0 to ${mostS}, got ${seconds}`);
    this.untilMs[kind] = nowMs + seconds * 1000;
  }

  /** The quickest one in force. */
  current(nowMs: number): LeaseKind | undefined {
    return (['boost', 'watch'] as const).find((kind) => nowMs < this.untilMs[kind]);
  }
}
