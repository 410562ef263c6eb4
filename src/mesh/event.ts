// What happened on a router, told to its brokers: numbered, at most so many a minute, what is more is counted by its kind.

import type { EventKind, EventPayload, Payload } from '../api/topics.ts';
import type { Moment } from './moment.ts';

/** Time, and one call after a while. */
export interface EventClock {
  monotonicMs(): number;
  after(delayMs: number, callback: () => void): () => void;
}

/** What an event tells beside its number and moment. */
export type EventFields<K extends EventKind = EventKind> = K extends EventKind
  ? Omit<EventPayload<K>, keyof Payload<'evt'>>
  : never;

/** Ten a minute, of which ten may come at once. */
const BURST = 10;
const TOKEN_MS = 6000;

/** The newest of a kind that waits, and how many it stands for beside itself. */
interface Waiting {
  fields: object;
  moment: Moment;
  more: number;
}

/** The events of one router. */
export class Events {
  private tokens = BURST;
  private countedMs: number;
  private readonly waiting = new Map<EventKind, Waiting>();
  private timer: (() => void) | undefined;

  /** @param eseq the first number. @param out takes each event, with its JSON. */
  constructor(
    private readonly clock: EventClock,
    private readonly now: () => Moment,
    private eseq: number,
    private readonly out: (kind: EventKind, text: string) => void,
  ) {
    this.countedMs = clock.monotonicMs();
  }

  stop(): void {
    this.timer?.();
    this.timer = undefined;
  }

  /** Something happened now. */
  tell<K extends EventKind>(kind: K, fields: EventFields<K>): void {
    const moment = this.now();
    const known = this.waiting.get(kind);
    if (known) Object.assign(known, { fields, moment, more: known.more + 1 });
    else if (this.waiting.size === 0 && this.takeToken()) this.send(kind, { fields, moment, more: 0 });
    else {
      this.waiting.set(kind, { fields, moment, more: 0 });
      this.wait();
    }
  }

  private takeToken(): boolean {
    const nowMs = this.clock.monotonicMs();
    const earned = Math.floor((nowMs - this.countedMs) / TOKEN_MS);
    this.tokens = Math.min(BURST, this.tokens + earned);
    this.countedMs = this.tokens === BURST ? nowMs : this.countedMs + earned * TOKEN_MS;
    if (this.tokens === 0) return false;
    this.tokens--;
    return true;
  }

  private wait(): void {
    this.timer ??= this.clock.after(Math.max(0, this.countedMs + TOKEN_MS - this.clock.monotonicMs()), () => {
      this.timer = undefined;
      for (const [kind, waiting] of this.waiting) {
        if (!this.takeToken()) break;
        this.waiting.delete(kind);
        this.send(kind, waiting);
      }
      if (this.waiting.size > 0) this.wait();
    });
  }

  private send(kind: EventKind, { fields, moment, more }: Waiting): void {
    this.out(kind, JSON.stringify({ ...moment, eseq: this.eseq++, ...(more > 0 && { more }), ...fields }));
  }
}
