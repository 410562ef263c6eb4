// A change of the configuration on trial: root makes it, the router is watched, and it is kept only while the router is well.
//
// Well means: a broker answered after the change, and of the peers that were up before one showed itself alive after it, or as many are
// alive as before. Whatever is not known to be well in time is undone, also by the daemon that comes after this one.

import type { HELPER_METHODS } from '../api/helper.ts';
import type { Shape } from '../api/model.ts';
import { errorText, InputError } from '../errors.ts';
import type { Log } from '../log.ts';

type Reply<V extends keyof typeof HELPER_METHODS> = Shape<(typeof HELPER_METHODS)[V]['reply']>;
export type DesiredReading = Reply<'desired_read'>;
export type TrialReading = NonNullable<DesiredReading['trial']>;
export type DesiredApplied = Reply<'desired_apply'>;
type Effect = Reply<'desired_undo'>;
export type PeerChange = Effect['peers'][number];
export type Rejection = DesiredApplied['rejected'][number];

/** What root does; each rejects as the helper's `call`. */
export interface DesiredRoot {
  read(): Promise<DesiredReading>;
  /** @param text the signed message, which root checks itself. */
  apply(text: string, kind: 'want' | 'cmd'): Promise<DesiredApplied>;
  confirm(id: string): Promise<Reply<'desired_confirm'>>;
  undo(id: string, why: string): Promise<Effect>;
}

/** What of a change the daemon has to do itself, and how the router is. */
export interface DesiredEffects {
  /** Reads the daemon's configuration again. @throws Error */
  reload(): void;
  /** Begins and ends peerings of the running Yggdrasil, unless that is done already. @throws (rejects) Error when it cannot be done now. */
  changePeers(changes: readonly PeerChange[]): Promise<void>;
  /** What the peers are known by that are up, and showed themselves alive since a moment (monotonic milliseconds). Never rejects. */
  alivePeers(sinceMs: number): Promise<readonly string[]>;
  /** Whether a broker answers now; `false` when none is connected, or none answers for some seconds. Never rejects. */
  isHeard(): Promise<boolean>;
}

/** Time, as the machine has it. */
export interface ProbationClock {
  monotonicMs(): number;
  after(delayMs: number, callback: () => void): () => void;
}

/** How a change ended. */
export interface ChangeEnd {
  readonly st: 'applied' | 'rolled-back' | 'rejected';
  readonly rejected: readonly Rejection[];
  readonly error?: string;
}

/** The router is looked at so often. */
const LOOK_MS = 5000;
/** After a change, before what is seen counts: peerings are dialled, radios started anew. */
const CALM_MS = 5000;
const CALM_RADIO_MS = 20_000;
/** Of the time of a trial so much is for undoing it. */
const UNDO_MS = 10_000;
/** Waits until root is asked to undo once more. */
const RETRY_MS = { first: 5000, most: 60_000 } as const;

/** Puts changes on trial, one at a time. */
export class Probation {
  private cancel: (() => void) | undefined;
  private stopped = false;

  constructor(
    private readonly root: DesiredRoot,
    private readonly effects: DesiredEffects,
    private readonly clock: ProbationClock,
    private readonly log: Log,
  ) {}

  /** Leaves a trial that is under way to the next daemon: what waits for its end waits for ever. */
  stop(): void {
    this.stopped = true;
    this.cancel?.();
  }

  /** Makes a change, and ends when it is confirmed or undone. @throws (rejects) as the helper's `call`, and something may be on trial all the same */
  async run(text: string, kind: 'want' | 'cmd'): Promise<ChangeEnd> {
    const before = await this.effects.alivePeers(Number.NEGATIVE_INFINITY);
    const { result, id, left_s: leftS, rejected, changed, peers } = await this.root.apply(text, kind);
    if (result !== 'trial' || id === undefined) return { st: result === 'rejected' ? 'rejected' : 'applied', rejected };
    this.log.info('change on trial', { id, files: changed.join(), left_s: leftS });
    const end = await this.see({ id, left_s: leftS, changed, peers }, before);
    return { ...end, rejected: [...rejected, ...end.rejected] };
  }

  /** Goes on with a trial that was found. @param why it is to be undone; absent: it is watched, as far as there is time. */
  async resume(trial: TrialReading, why?: string): Promise<ChangeEnd> {
    this.log.info('change found on trial', { id: trial.id, left_s: trial.left_s, undo: why });
    const late = trial.left_s * 1000 <= UNDO_MS ? 'it was not confirmed in time' : undefined;
    const reason = why ?? late;
    // who began it is gone, and with it what was up before: then one peer at least
    return reason === undefined ? this.see(trial, undefined) : this.undo(trial.id, reason);
  }

  private async see(trial: TrialReading, before: readonly string[] | undefined): Promise<ChangeEnd> {
    const endsMs = this.clock.monotonicMs() + trial.left_s * 1000 - UNDO_MS;
    const why = (await this.carryOut(trial)) ?? (await this.watch(trial, before, endsMs));
    if (why !== undefined) return this.undo(trial.id, why);
    for (;;) {
      try {
        const { rejected } = await this.root.confirm(trial.id);
        this.log.info('change confirmed', { id: trial.id });
        return { st: 'applied', rejected };
      } catch (error) {
        const isOver = error instanceof InputError || this.clock.monotonicMs() + LOOK_MS > endsMs;
        if (isOver) return this.undo(trial.id, `not confirmed: ${errorText(error)}`);
        await this.sleep(LOOK_MS);
      }
    }
  }

  /** @returns why it cannot be done. */
  private async carryOut({ changed, peers }: Effect): Promise<string | undefined> {
    try {
      if (changed.includes('meshbridge')) this.effects.reload();
      if (peers.length > 0) await this.effects.changePeers(peers);
      return undefined;
    } catch (error) {
      return `not in force: ${errorText(error)}`;
    }
  }

  /** @returns why the router is not well when the time is over; `undefined` as soon as it is. */
  private async watch(
    { changed }: Effect,
    before: readonly string[] | undefined,
    endsMs: number,
  ): Promise<string | undefined> {
    const changedMs = this.clock.monotonicMs();
    const calmMs = changed.includes('wireless') ? CALM_RADIO_MS : CALM_MS;
    const sinceMs = changedMs + Math.min(calmMs, (endsMs - changedMs) / 2);
    let heard = false;
    let alive: readonly string[] = [];
    for (;;) {
      const leftMs = endsMs - this.clock.monotonicMs();
      if (leftMs <= 0) break;
      await this.sleep(Math.min(LOOK_MS, leftMs));
      if (this.clock.monotonicMs() < sinceMs) continue;
      heard ||= await this.effects.isHeard();
      alive = await this.effects.alivePeers(changedMs);
      if (heard && isAsBefore(before, alive)) return undefined;
    }
    return heard
      ? `no peer showed itself alive after the change${before ? `, ${before.length} were up before` : ''}`
      : 'no broker answered after the change';
  }

  /** Again and again until it is done: nothing else may be changed before. */
  private async undo(id: string, why: string): Promise<ChangeEnd> {
    for (let waitMs: number = RETRY_MS.first; ; waitMs = Math.min(waitMs * 2, RETRY_MS.most)) {
      try {
        const effect = await this.root.undo(id, why);
        this.log.warn('change undone', { id, why });
        const problem = await this.carryOut(effect);
        if (problem !== undefined) this.log.warn('undone in the files only', { problem });
        return { st: 'rolled-back', rejected: [], error: why };
      } catch (error) {
        // somebody else was first
        if (error instanceof InputError) return { st: 'rolled-back', rejected: [], error: why };
        this.log.warn('change not undone yet', { id, error: errorText(error) });
        await this.sleep(waitMs);
      }
    }
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (!this.stopped) this.cancel = this.clock.after(ms, resolve);
    });
  }
}

function isAsBefore(before: readonly string[] | undefined, alive: readonly string[]): boolean {
  if (before === undefined) return alive.length > 0;
  return before.length === 0 || alive.length >= before.length || before.some((peer) => alive.includes(peer));
}
