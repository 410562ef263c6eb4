// The desired state of this router: takes signed wants in the order of their generations, and tells what became of them.
//
// What was decided is root's to remember: a generation that was undone is not tried again. Of each audience the newest want waits, for its
// turn, its time, or root. Each change is on trial, see probation.ts.

import { BusyError, errorText, InputError, LinkDownError, RemoteError, TimeoutError } from '../errors.ts';
import { placeOf } from '../lib/uci-path.ts';
import { AUDIENCES, type Audience, type SignedWant, WantRefusal } from '../lib/want.ts';
import type { Log } from '../log.ts';
import {
  type ChangeEnd,
  type DesiredEffects,
  type DesiredReading,
  type DesiredRoot,
  Probation,
  type ProbationClock,
} from './probation.ts';

/** Whom to believe. Its methods throw WantRefusal. */
export interface WantGate {
  /** Reads a message, and checks all but its signature. */
  open(payload: Uint8Array): SignedWant;
  /** Checks signature and scope. */
  verify(want: SignedWant): void;
}

export interface DesiredClock extends ProbationClock {
  unixMs(): number;
  /** Whether the wall clock may be believed. */
  isTrusted(): boolean;
}

export interface DesiredParts {
  /** This boot's session. */
  readonly sid: string;
  readonly root: DesiredRoot;
  readonly effects: DesiredEffects;
  readonly gate: WantGate;
  readonly clock: DesiredClock;
  readonly log: Log;
  /** Tells a `have` whoever wants something; nobody, where no broker is connected. */
  sendHave(body: string): void;
}

/** Why something that a trusted key signed was not even tried. */
interface Note {
  readonly audience: Audience;
  readonly gen: number;
  readonly error: string;
}

interface Command {
  readonly text: string;
  readonly done: (end: ChangeEnd) => void;
}

/** Waits after root was not reached. */
const RETRY_MS = { first: 5000, most: 300_000 } as const;
/** A want that waits for its time is looked at again at least so often: a clock may be set. */
const DATE_MS = 60_000;
/** Signatures that are checked: one a second, so many at once. */
const BURST = 4;
const REFILL_MS = 1000;
/** Of what was rejected, so much is told. */
const MAX_REJECTED = 16;

/** One router's. */
export class DesiredDesk {
  /** Refused messages, by why. */
  readonly refused = new Map<string, number>();
  private readonly probation: Probation;
  private readonly waiting = new Map<Audience, SignedWant>();
  /** The highest generations that a trusted key signed, whatever became of them. */
  private readonly signed = new Map<Audience, number>();
  /** What root said last; absent: it has to be asked. */
  private reading: DesiredReading | undefined;
  private command: Command | undefined;
  /** What is on trial, or about to be. */
  private current: { readonly audience?: Audience; readonly gen?: number } | undefined;
  /** Something was begun and its end is not known. */
  private interrupted = false;
  private note: Note | undefined;
  private problem: string | undefined;
  private working = false;
  private workAgain = false;
  private told = '';
  private stopped = false;
  private retryMs: number = RETRY_MS.first;
  private timer: (() => void) | undefined;
  private tokens = BURST;
  private refilledMs: number;

  constructor(private readonly parts: DesiredParts) {
    const { root, effects, clock, log } = parts;
    this.probation = new Probation(root, effects, clock, log);
    this.refilledMs = clock.monotonicMs();
  }

  /** Asks root what was decided, and goes on with a trial that is under way. */
  start(): void {
    void this.work();
  }

  /** A trial that is under way goes on with the next daemon. */
  stop(): void {
    this.stopped = true;
    this.probation.stop();
    this.timer?.();
    this.timer = undefined;
  }

  /** Takes a message. @param audience whose topic it came by. */
  take(payload: Uint8Array, audience: Audience): void {
    try {
      const signed = this.parts.gate.open(payload);
      const { want } = signed;
      if (want.audience !== audience)
        throw new WantRefusal('audience', `aud: expected a ${audience}, got a ${want.audience}`);
      const known = this.newestGen(audience);
      // a broker gives what is retained with each connection
      if (want.gen === known) return;
      const least = Math.max(known, this.signed.get(audience) ?? 0);
      if (want.gen < least) throw new WantRefusal('generation', `gen: expected ${least} or more, got ${want.gen}`);
      this.spend();
      this.parts.gate.verify(signed);
      this.signed.set(audience, want.gen);
      this.waiting.set(audience, signed);
      this.tell();
    } catch (error) {
      if (!(error instanceof WantRefusal)) throw error;
      this.refuse(error);
      return;
    }
    void this.work();
  }

  /** A broker was connected to: it is told what is. */
  brokerUp(): void {
    this.told = '';
    this.tell();
    void this.work();
  }

  /** Makes the changes of a signed command on trial; ends when they are confirmed or undone. @throws (rejects) BusyError */
  set(payload: string): Promise<ChangeEnd> {
    if (this.command || this.current) return Promise.reject(new BusyError('another change is on trial'));
    return new Promise((done) => {
      this.command = { text: payload, done };
      void this.work();
    });
  }

  /**
   * What options are set to, `null` where they are not: those of the paths, or all that are set of the list of what may be changed.
   * @throws (rejects) InputError on a path that is not on the list; as the helper's `call`.
   */
  async get(paths?: readonly string[]): Promise<{ values: Record<string, string | readonly string[] | null> }> {
    for (const path of paths ?? [])
      if (!placeOf(path))
        throw new InputError(`paths: ${path.slice(0, 64)} is not on the list of what may be seen from afar`, 'paths');
    const { values } = await this.parts.root.read();
    const known = values.map(({ path, value, list }) => [path, value ?? list ?? null] as const);
    const unset = (paths ?? []).map((path) => [path, null] as const);
    const wanted = known.filter(([path]) => paths?.includes(path) ?? true);
    return { values: Object.fromEntries([...unset, ...wanted]) };
  }

  /** The body of a `have`: what was decided, or is under way. */
  have(): object {
    const { sid, clock } = this.parts;
    const { reading, note } = this;
    const { node, site, hash = '', last } = reading ?? {};
    const decided = (last === 'site' ? site : node) ?? node ?? site;
    const isPending = !reading || reading.trial || this.current || this.waiting.size > 0;
    const rejected = [site, node].flatMap((one) => one?.rejected ?? []);
    const error = note?.error ?? this.problem ?? decided?.error;
    return {
      sid,
      ...(node && { node_gen: node.gen, node_st: node.st }),
      ...(site && { site_gen: site.gen, site_st: site.st }),
      hash,
      st: isPending ? 'pending' : note ? 'rejected' : (decided?.st ?? 'none'),
      ...(rejected.length > 0 && { rejected: rejected.slice(0, MAX_REJECTED) }),
      ...(rejected.length > MAX_REJECTED && { left_out: rejected.length - MAX_REJECTED }),
      ...(error !== undefined && { error }),
      ...(clock.isTrusted() && { t: Math.floor(clock.unixMs() / 1000) }),
    };
  }

  /** The newest generation that was decided, or is being looked after. */
  private newestGen(audience: Audience): number {
    const { reading, current } = this;
    return Math.max(
      reading?.[audience]?.gen ?? 0,
      this.waiting.get(audience)?.want.gen ?? 0,
      current?.audience === audience ? current.gen! : 0,
    );
  }

  /** So that a flood cannot have the one thread check signatures all day. */
  private spend(): void {
    const nowMs = this.parts.clock.monotonicMs();
    const gained = Math.floor((nowMs - this.refilledMs) / REFILL_MS);
    this.tokens = Math.min(BURST, this.tokens + gained);
    this.refilledMs += gained * REFILL_MS;
    if (this.tokens === 0) throw new WantRefusal('busy', 'more messages than are looked at');
    this.tokens--;
  }

  private refuse({ code, message, signed }: WantRefusal): void {
    const count = (this.refused.get(code) ?? 0) + 1;
    this.refused.set(code, count);
    // the first of each kind, and then ever more seldom
    if ((count & (count - 1)) === 0) this.parts.log.warn('want refused', { code, count, reason: message });
    if (signed) this.setNote(signed, message);
  }

  /** What a trusted key signed is answered. */
  private setNote({ want: { audience, gen } }: SignedWant, error: string): void {
    this.note = { audience, gen, error };
    this.tell();
  }

  private tell(): void {
    const { t, ...rest } = this.have() as { t?: number };
    const text = JSON.stringify(rest);
    if (this.stopped || text === this.told) return;
    this.told = text;
    this.parts.sendHave(JSON.stringify({ ...rest, t }));
  }

  /** Does one thing after the other, until there is nothing to do now. */
  private async work(): Promise<void> {
    this.workAgain = true;
    if (this.working || this.stopped) return;
    this.working = true;
    this.timer?.();
    this.timer = undefined;
    try {
      while (this.workAgain && !this.stopped) {
        this.workAgain = false;
        if (await this.next()) this.workAgain = true;
      }
    } catch (error) {
      // whatever became of it, root knows
      this.reading = undefined;
      this.current = undefined;
      this.problem = errorText(error);
      this.parts.log.warn('not done yet', { error: this.problem });
      this.tell();
      this.wakeIn(this.retryMs);
      this.retryMs = Math.min(this.retryMs * 2, RETRY_MS.most);
    } finally {
      this.working = false;
    }
  }

  private wakeIn(ms: number): void {
    if (this.stopped) return;
    this.timer?.();
    this.timer = this.parts.clock.after(ms, () => void this.work());
  }

  /** @returns whether there may be more to do at once. @throws (rejects) when root was not reached */
  private async next(): Promise<boolean> {
    if (!this.reading) return this.ask();
    const { trial } = this.reading;
    if (trial) {
      this.current = {};
      const why = this.interrupted ? 'what made the change was interrupted' : undefined;
      await this.probation.resume(trial, why);
      return this.decided();
    }
    this.interrupted = false;
    if (this.command) return this.run(this.command);
    for (const audience of AUDIENCES) {
      const signed = this.waiting.get(audience);
      if (!signed || !this.isDue(signed)) continue;
      return this.want(signed);
    }
    return false;
  }

  private async ask(): Promise<boolean> {
    this.reading = await this.parts.root.read();
    this.problem = undefined;
    this.retryMs = RETRY_MS.first;
    // what was decided meanwhile need not wait any more
    for (const [audience, { want }] of [...this.waiting])
      if (want.gen <= (this.reading[audience]?.gen ?? 0)) this.waiting.delete(audience);
    this.tell();
    return true;
  }

  private decided(): true {
    this.current = undefined;
    this.reading = undefined;
    return true;
  }

  private async run({ text, done }: Command): Promise<boolean> {
    this.command = undefined;
    this.current = {};
    this.tell();
    try {
      done(await this.probation.run(text, 'cmd'));
    } catch (error) {
      this.interrupted = isUnreached(error);
      done({ st: 'rejected', rejected: [], error: errorText(error) });
    }
    return this.decided();
  }

  private async want(signed: SignedWant): Promise<boolean> {
    const { audience, gen } = signed.want;
    this.waiting.delete(audience);
    this.current = { audience, gen };
    this.tell();
    try {
      await this.probation.run(signed.text, 'want');
      if (this.note?.audience === audience) this.note = undefined;
    } catch (error) {
      // of what was not answered nobody knows what became: it waits until root says
      if (isUnreached(error)) {
        this.interrupted = true;
        if (!this.waiting.has(audience)) this.waiting.set(audience, signed);
        throw error;
      }
      this.note = { audience, gen, error: errorText(error) };
    }
    return this.decided();
  }

  /** Whether now is the time for a want; one whose time is over is dropped. */
  private isDue(signed: SignedWant): boolean {
    const { audience, notBefore, exp } = signed.want;
    const { clock } = this.parts;
    const nowS = clock.unixMs() / 1000;
    if (clock.isTrusted() && exp !== undefined && nowS > exp) {
      this.waiting.delete(audience);
      this.refuse(new WantRefusal('expired', `exp: expected a time to come, got ${exp}`, signed));
      return false;
    }
    if (notBefore === undefined || (clock.isTrusted() && nowS >= notBefore)) return true;
    this.wakeIn(clock.isTrusted() ? Math.min(DATE_MS, Math.max(1000, (notBefore - nowS) * 1000)) : DATE_MS);
    return false;
  }
}

function isUnreached(error: unknown): boolean {
  return [LinkDownError, TimeoutError, RemoteError, BusyError].some((cause) => error instanceof cause);
}
