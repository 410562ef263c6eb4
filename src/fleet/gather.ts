// Waits until all that a broker keeps of some topics has arrived: a subscriber is not told where that ends.
//
// What we publish ourselves comes back behind what the broker had put into our queue before. Where we may not publish, or where the broker is
// so full that it drops our message, only silence tells.

import { randomBytes } from 'node:crypto';
import type { Arrival, Session } from './session.ts';

/** Without a message for so long, that was all. */
const QUIET_MS = 400;
/** For one portion at most. */
const PORTION_MS = 20_000;
const LOOK_MS = 20;

/** For one session; it must be handed every message that arrives. */
export class Gather {
  private readonly mark = `mb/1/doctor/${randomBytes(6).toString('hex')}/mark`;
  private last = 0;
  private passed = 0;
  /** Whether our own messages come back to us. */
  private isOrdered = false;

  /** Answers whether a message was only ours. */
  take({ topic }: Arrival): boolean {
    this.last = Date.now();
    if (topic !== this.mark) return false;
    this.passed++;
    return true;
  }

  /** Finds out what may be relied on; to be called once, first. */
  async begin(session: Session): Promise<void> {
    this.isOrdered = await session.subscribe([this.mark]).then(
      () => true,
      () => false,
    );
    await this.settle(session);
    this.isOrdered = this.passed > 0;
  }

  /** Subscribes to filters and waits until what the broker keeps of them is there. @throws Failure as `subscribe`. */
  async portion(session: Session, filters: readonly string[]): Promise<void> {
    await session.subscribe(filters);
    await this.settle(session);
  }

  private async settle(session: Session): Promise<void> {
    this.last = Date.now();
    const before = this.passed;
    if (this.isOrdered) await session.publish(this.mark, '').catch(() => {});
    for (const until = Date.now() + PORTION_MS; Date.now() < until && session.endedBy === undefined; ) {
      if (this.passed > before || Date.now() - this.last > QUIET_MS) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
}
