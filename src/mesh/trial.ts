// Peerings on trial: each ends by itself, and a trial that nobody confirmed is undone even when the daemon or Yggdrasil died meanwhile.

import { identityOf, redact } from '../lib/peer-text.ts';
import type { PeeringName } from './peer.ts';

/** One peering on trial. */
export interface Trial extends PeeringName {
  interface: string;
  /** Its address with the options that it had before; absent: there was no such peering. */
  before?: string;
}

/** Keeps the list of trials where it outlives the daemon but not a power-cycle. */
export interface TrialStore {
  load(): Trial[];
  save(trials: readonly Trial[]): void;
}

/** Calls back once after a delay. */
export interface TrialTimer {
  monotonicMs(): number;
  after(delayMs: number, callback: () => void): () => void;
}

const MAX_TRIALS = 32;

interface Entry {
  trial: Trial;
  endsAtMs: number;
  /** `undefined`: over, waiting to be undone. */
  cancel: (() => void) | undefined;
}

/** The trials of all interfaces. */
export class Trials {
  private entries: Entry[] = [];

  /** @param onOver a trial ended unconfirmed and is to be undone now; it stays `overdue` until `end` is called. */
  constructor(
    private readonly store: TrialStore,
    private readonly timer: TrialTimer,
    private readonly onOver: (trial: Trial) => void,
  ) {
    // the daemon that began these is gone: nobody can confirm them any more
    this.entries = store
      .load()
      .slice(0, MAX_TRIALS)
      .map((trial) => ({ trial, endsAtMs: Number.NEGATIVE_INFINITY, cancel: undefined }));
  }

  /** Begins a trial, unless the peering is on trial already or too many are. */
  begin(trial: Trial, durationMs: number): 'begun' | 'present' | 'full' {
    if (this.find(trial)) return 'present';
    if (this.entries.length >= MAX_TRIALS) {
      // one that is over and could not be undone for so long belongs to an interface that is gone
      const stale = this.entries.findIndex((e) => e.cancel === undefined);
      if (stale < 0) return 'full';
      this.entries.splice(stale, 1);
    }
    const entry: Entry = { trial, endsAtMs: this.timer.monotonicMs() + durationMs, cancel: undefined };
    entry.cancel = this.timer.after(durationMs, () => {
      entry.cancel = undefined;
      this.onOver(trial);
    });
    this.entries.push(entry);
    this.save();
    return 'begun';
  }

  /** Ends a trial: the peering stays (or is gone already). @returns false when there is none. */
  end(name: Trial): boolean {
    const entry = this.entries.find(({ trial }) => isSame(trial, name));
    if (!entry) return false;
    entry.cancel?.();
    this.entries = this.entries.filter((e) => e !== entry);
    this.save();
    return true;
  }

  /** Trials of an interface that are over and not yet undone. */
  overdue(iface: string): Trial[] {
    return this.entries.filter((e) => e.cancel === undefined && e.trial.interface === iface).map((e) => e.trial);
  }

  /** The trial of a peering, with its whole address. */
  find(name: Trial): Trial | undefined {
    return this.entries.find(({ trial }) => isSame(trial, name))?.trial;
  }

  /** Whole seconds until the trial of a peering is over. */
  leftS(name: Trial): number | undefined {
    const entry = this.entries.find(({ trial }) => isSame(trial, name));
    return entry && Math.max(0, Math.ceil((entry.endsAtMs - this.timer.monotonicMs()) / 1000));
  }

  /** Stops all timers; the trials stay in the store. */
  stop(): void {
    for (const entry of this.entries) entry.cancel?.();
  }

  private save(): void {
    this.store.save(this.entries.map(({ trial }) => trial));
  }
}

/** By the address as it is shown, the only one that those who see a peer know; `b` may leave the device open. */
function isSame(a: Trial, b: Trial): boolean {
  const shown = ({ uri }: Trial): string => redact(identityOf(uri));
  return a.interface === b.interface && shown(a) === shown(b) && (b.device === undefined || a.device === b.device);
}
