// Waiting times between attempts: exponential with jitter, so that many clients do not return in step.

export interface BackoffOptions {
  /** Wait after the first failure, milliseconds. */
  firstMs: number;
  /** Longest wait, milliseconds. */
  maxMs: number;
  /** Uniform in [0, 1). */
  random(): number;
}

/** The next waiting time after each failure: doubling up to `maxMs`, each taken from 50 % to 100 % of it. */
export class Backoff {
  private attempts = 0;

  constructor(private readonly options: BackoffOptions) {}

  /** Milliseconds to wait before the next attempt. */
  nextMs(): number {
    const { firstMs, maxMs, random } = this.options;
    const ceiling = Math.min(maxMs, firstMs * 2 ** Math.min(this.attempts++, 30));
    return ceiling * (0.5 + random() / 2);
  }

  /** After a success: the next failure waits `firstMs` again. */
  reset(): void {
    this.attempts = 0;
  }
}
