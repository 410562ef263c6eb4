// Answers of distant nodes, kept for a while: bounded in number and in size, the least recently used go first.

/** One kept answer. */
export interface RemoteAnswer<T> {
  readonly value: T;
  /** Monotonic time of the answer, milliseconds. */
  readonly atMs: number;
}

interface Entry<T> extends RemoteAnswer<T> {
  readonly size: number;
}

export class RemoteAnswers<T> {
  private readonly entries = new Map<string, Entry<T>>();
  private size = 0;

  /** @param maxSize sum of the sizes that `set` was given. */
  constructor(
    private readonly maxEntries: number,
    private readonly maxSize: number,
  ) {}

  /** The answer of the node with this key, unless it is older than `maxAgeMs`. */
  get(key: string, nowMs: number, maxAgeMs = Number.POSITIVE_INFINITY): RemoteAnswer<T> | undefined {
    const entry = this.entries.get(key);
    if (!entry || nowMs - entry.atMs > maxAgeMs) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry;
  }

  /** Keeps an answer; one that is larger than everything together may be is not kept. */
  set(key: string, value: T, size: number, atMs: number): void {
    this.drop(key);
    if (size > this.maxSize) return;
    this.entries.set(key, { value, size, atMs });
    this.size += size;
    for (const oldest of this.entries.keys()) {
      if (this.entries.size <= this.maxEntries && this.size <= this.maxSize) break;
      this.drop(oldest);
    }
  }

  private drop(key: string): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    this.entries.delete(key);
    this.size -= entry.size;
  }
}
