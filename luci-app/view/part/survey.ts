// Questions to many nodes, one after the other: each travels through the mesh, so a page asks slowly, and not for ever.

/** How gently. */
export interface SurveyPace {
  /** Questions while the page is open. */
  most: number;
  /** How long an answer counts, and how long a node that gave none is left alone. */
  keepMs: number;
  againMs: number;
}

interface Asked<T> {
  atMs: number;
  answer?: T;
}

/** What nodes answered, by key. */
export class Survey<T> {
  private readonly asked = new Map<string, Asked<T>>();
  private count = 0;

  constructor(
    private readonly ask: (key: string) => Promise<T>,
    private readonly pace: SurveyPace,
  ) {}

  /** The last answer of a node. */
  get(key: string): T | undefined {
    return this.asked.get(key)?.answer;
  }

  /** Asks the first of these that is worth asking now. @returns whether there was one. Never rejects. */
  async next(keys: Iterable<string>): Promise<boolean> {
    if (document.hidden || this.count >= this.pace.most) return false;
    const nowMs = performance.now();
    for (const key of keys) {
      const known = this.asked.get(key);
      if (known && nowMs - known.atMs < (known.answer === undefined ? this.pace.againMs : this.pace.keepMs)) continue;
      this.count++;
      const entry: Asked<T> = known ?? { atMs: nowMs };
      entry.atMs = nowMs;
      this.asked.set(key, entry);
      try {
        entry.answer = await this.ask(key);
      } catch {
        // far away, or gone: asked again later
      }
      return true;
    }
    return false;
  }
}
