// What is to be sent, in order and within bounds: few sends under way, the others wait for their turn, the oldest are lost first.

import { errorText } from '../errors.ts';
import type { Log } from '../log.ts';

/** Sends under way; the ubus client refuses requests far beyond that. */
export const MAX_UNDER_WAY = 64;
/** Sends that wait for their turn. */
export const MAX_WAITING = 4096;

/** Does one thing at most: resolves or rejects when it has been taken or lost. */
export type Send = () => Promise<unknown>;

/**
 * Sends in the order of `push`. A send that fails is not repeated: while the bus is down each fails at once, so that nothing waits for its
 * return.
 */
export class SendQueue {
  private readonly waiting = new Set<Send>();
  private underWay = 0;
  private lost = 0;

  constructor(private readonly log: Log) {}

  /** Sends now or as soon as it is its turn. Each call takes a function of its own. */
  push(send: Send): void {
    this.waiting.add(send);
    this.work();
    if (this.waiting.size <= MAX_WAITING) return;
    for (const oldest of this.waiting) {
      this.waiting.delete(oldest);
      break;
    }
    this.lost++;
  }

  private work(): void {
    for (const send of this.waiting) {
      if (this.underWay >= MAX_UNDER_WAY) return;
      this.waiting.delete(send);
      this.underWay++;
      send()
        .catch((error: unknown) => this.log.debug('not told', { error: errorText(error) }))
        .then(() => {
          this.underWay--;
          this.work();
        });
    }
    if (this.lost === 0) return;
    this.log.warn('too much to tell at once, the oldest was lost', { lost: this.lost, most: MAX_WAITING });
    this.lost = 0;
  }
}
