// What needs a person: raised when a condition has held for a while, taken back when it is over, told at most once a minute each.

import type { AlarmId, Payload } from '../api/topics.ts';
import type { Moment } from './moment.ts';

/** Time, and one call after a while. */
export interface AlarmClock {
  monotonicMs(): number;
  after(delayMs: number, callback: () => void): () => void;
}

/** What is wrong. */
export interface Trouble {
  readonly sev: 'warning' | 'error';
  /** One sentence for people. */
  readonly msg: string;
}

/** How long a condition holds before it is told. */
const HOLD_MS: Readonly<Record<AlarmId, number>> = {
  mesh: 120_000,
  config: 0,
  broker: 0,
  memory: 900_000,
  flash: 0,
  clock: 3_600_000,
};
/** Between two messages of one alarm. */
const APART_MS = 60_000;
const MAX_MSG = 300;

interface Watched {
  trouble: Trouble | undefined;
  sinceMs: number;
  /** What was told last; `undefined`: that there is nothing. */
  told: Trouble | undefined;
  toldMs: number;
  timer: (() => void) | undefined;
}

/** The alarms of one router. */
export class Alarms {
  private readonly watched = new Map<AlarmId, Watched>();

  /** @param out takes each change: JSON, or an empty text when an alarm is over. */
  constructor(
    private readonly clock: AlarmClock,
    private readonly now: () => Moment,
    private readonly out: (id: AlarmId, text: string) => void,
  ) {}

  stop(): void {
    for (const { timer } of this.watched.values()) timer?.();
    this.watched.clear();
  }

  /** Whether a condition holds now. */
  see(id: AlarmId, trouble: Trouble | undefined): void {
    const nowMs = this.clock.monotonicMs();
    let watched = this.watched.get(id);
    if (!watched) {
      if (!trouble) return;
      watched = {
        trouble: undefined,
        sinceMs: nowMs,
        told: undefined,
        toldMs: Number.NEGATIVE_INFINITY,
        timer: undefined,
      };
      this.watched.set(id, watched);
    }
    if (trouble && !watched.trouble) watched.sinceMs = nowMs;
    watched.trouble = trouble;
    this.settle(id, watched);
  }

  /** Those that stand: for a broker that may have lost them. */
  standing(): [AlarmId, text: string][] {
    return [...this.watched].flatMap(([id, watched]): [AlarmId, string][] =>
      watched.told ? [[id, this.textOf(watched)]] : [],
    );
  }

  private settle(id: AlarmId, watched: Watched): void {
    watched.timer?.();
    watched.timer = undefined;
    const { trouble, told } = watched;
    if (trouble?.msg === told?.msg && trouble?.sev === told?.sev) return;
    const nowMs = this.clock.monotonicMs();
    const heldMs = trouble && !told ? watched.sinceMs + HOLD_MS[id] : 0;
    const waitMs = Math.max(heldMs, watched.toldMs + APART_MS) - nowMs;
    if (waitMs > 0) {
      watched.timer = this.clock.after(waitMs, () => this.settle(id, watched));
      return;
    }
    watched.told = trouble;
    watched.toldMs = nowMs;
    this.out(id, trouble ? this.textOf(watched) : '');
  }

  private textOf({ told, sinceMs }: Watched): string {
    const payload: Payload<'alarm'> = {
      ...this.now(),
      sev: told!.sev,
      since_s: Math.floor((this.clock.monotonicMs() - sinceMs) / 1000),
      msg: told!.msg.slice(0, MAX_MSG),
    };
    return JSON.stringify(payload);
  }
}
