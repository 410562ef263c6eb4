// What captains told of homes, and what the operator made of it. Bounded whoever tells: so many in all, of one captain, on one home and a day.

import type { ReportState } from '../api/client-object.ts';
import type { HomeReport, ReportMessage } from '../api/lease.ts';

/** Reports that are kept. */
export const MAX_REPORTS = 500;
/** Of these, from keys that the operator did not name as a captain's: homes can name any key, and keys are free. */
const MAX_OF_STRANGERS = 250;
/** Of one captain that nobody decided on, and those of a day. */
export const MAX_OPEN = 50;
export const MAX_DAY = 5;
/** On one home that nobody decided on. */
const MAX_ON_HOME = 10;
const DAY_S = 86_400;
/** What was decided can be read by the home for so long, whatever is kept else. */
const LEAST_DAYS = 7;

/** A report, as it is kept. */
export interface ReportRecord {
  /** From 1 on; never given twice while others are kept. */
  readonly id: number;
  /** When it came, Unix seconds by the gateway's clock. */
  readonly at_s: number;
  /** The home. */
  readonly address: string;
  readonly captain_key: string;
  readonly reason: string;
  readonly evidence?: string;
  readonly contact?: string;
  readonly state: ReportState;
  readonly decided_s?: number;
  readonly note?: string;
  /** Of what was signed: the same bytes are the same report. */
  readonly digest: string;
}

/** Keeps them, each for itself. */
export interface ReportStore {
  load(): ReportRecord[];
  /** Reports by id, `undefined` where one goes; on disk when it returns. @throws Error: then some of them may be */
  save(changes: ReadonlyMap<number, ReportRecord | undefined>): void;
}

/** How many reports of one captain are kept. */
export type ReportCounts = Readonly<Record<ReportState, number>>;

/** Why there is no room for one more. */
export type ReportProblem = { readonly error: 'too_often' | 'full'; readonly reason: string };

/** All reports of one gateway. */
export class Reports {
  /** By id, the oldest first. */
  private readonly byId = new Map<number, ReportRecord>();

  constructor(private readonly store: ReportStore) {
    for (const record of [...store.load()].sort((a, b) => a.id - b.id)) this.byId.set(record.id, record);
  }

  /** The newest first. */
  list(state?: ReportState): ReportRecord[] {
    return [...this.byId.values()].filter((record) => state === undefined || record.state === state).reverse();
  }

  find(id: number): ReportRecord | undefined {
    return this.byId.get(id);
  }

  /** One of these very bytes. */
  byDigest(digest: string): ReportRecord | undefined {
    return this.list().find((record) => record.digest === digest);
  }

  /** What its home is told. */
  newestOn(address: string): HomeReport | undefined {
    let newest: ReportRecord | undefined;
    for (const record of this.byId.values()) if (record.address === address) newest = record;
    if (!newest) return undefined;
    const { reason, state, note } = newest;
    return { reason, state, ...(note !== undefined && note !== '' && { note }) };
  }

  /** By captain's key: all that reported. */
  counts(): Map<string, Record<ReportState, number> & { firstS: number }> {
    const counts = new Map<string, Record<ReportState, number> & { firstS: number }>();
    for (const { captain_key: key, state, at_s } of this.byId.values()) {
      const mine = counts.get(key) ?? { open: 0, upheld: 0, dismissed: 0, firstS: at_s };
      mine[state]++;
      counts.set(key, mine);
    }
    return counts;
  }

  /** Why a captain's next report is not taken. @param isNamed the operator named this captain. */
  problemOf(key: string, address: string, nowS: number, isNamed: (key: string) => boolean): ReportProblem | undefined {
    const all = this.list();
    const mine = all.filter((record) => record.captain_key === key);
    if (mine.filter(({ at_s }) => at_s > nowS - DAY_S).length >= MAX_DAY)
      return { error: 'too_often', reason: `expected at most ${MAX_DAY} reports a day` };
    if (mine.filter(isOpen).length >= MAX_OPEN)
      return { error: 'full', reason: `${MAX_OPEN} reports of yours wait for the operator already` };
    if (all.filter((record) => record.address === address && isOpen(record)).length >= MAX_ON_HOME)
      return { error: 'full', reason: `${MAX_ON_HOME} reports on this home wait for the operator already` };
    if (isNamed(key) ? this.leaving(1, isNamed) !== undefined : this.hasRoomForStranger(isNamed)) return undefined;
    return { error: 'full', reason: 'too many reports wait for the operator already' };
  }

  /**
   * Keeps one that there is room for; what was decided long ago, or comes from nobody whom the operator named, makes room.
   * @throws Error when it cannot be kept
   */
  add(
    { address, reason, evidence, contact }: ReportMessage,
    more: Pick<ReportRecord, 'at_s' | 'captain_key' | 'digest'>,
    isNamed: (key: string) => boolean,
  ): ReportRecord {
    const id = ([...this.byId.keys()].at(-1) ?? 0) + 1;
    const record: ReportRecord = {
      ...{ id, address, reason, ...more },
      ...(evidence !== undefined && evidence !== '' && { evidence }),
      ...(contact !== undefined && contact !== '' && { contact }),
      state: 'open',
    };
    const gone = this.leaving(1, isNamed) ?? [];
    // one too many for a moment is better than one too few
    this.save(new Map([[id, record] as const, ...gone.map((one) => [one, undefined] as const)]));
    return record;
  }

  /** @throws Error when it cannot be kept */
  decide(id: number, state: 'upheld' | 'dismissed', note: string, nowS: number): void {
    const record = this.byId.get(id);
    if (!record) return;
    const { note: _, ...rest } = record;
    this.save(new Map([[id, { ...rest, state, decided_s: nowS, ...(note !== '' && { note }) }]]));
  }

  /** Deletes all on one home. @returns how many. @throws Error when that cannot be kept */
  forgetOn(address: string): number {
    const ids = this.list().flatMap((record) => (record.address === address ? [record.id] : []));
    if (ids.length > 0) this.save(new Map(ids.map((id) => [id, undefined])));
    return ids.length;
  }

  /** Deletes what was decided long ago. @throws Error when that cannot be kept */
  sweep(nowS: number, keepDays: number): void {
    const beforeS = nowS - Math.max(keepDays, LEAST_DAYS) * DAY_S;
    const old = this.list().filter(({ decided_s }) => decided_s !== undefined && decided_s <= beforeS);
    if (old.length > 0) this.save(new Map(old.map(({ id }) => [id, undefined])));
  }

  private hasRoomForStranger(isNamed: (key: string) => boolean): boolean {
    const ofStrangers = this.list().filter((record) => isOpen(record) && !isNamed(record.captain_key)).length;
    return ofStrangers < MAX_OF_STRANGERS && this.leaving(1, isNamed) !== undefined;
  }

  /** Which ones go so that there is room; `undefined`: none may. */
  private leaving(count: number, isNamed: (key: string) => boolean): number[] | undefined {
    const over = this.byId.size + count - MAX_REPORTS;
    if (over <= 0) return [];
    const oldest = this.list().reverse();
    const decided = oldest.filter((record) => !isOpen(record));
    const ofStrangers = oldest.filter((record) => isOpen(record) && !isNamed(record.captain_key));
    const gone = [...decided, ...ofStrangers].slice(0, over);
    return gone.length < over ? undefined : gone.map(({ id }) => id);
  }

  private save(changes: ReadonlyMap<number, ReportRecord | undefined>): void {
    this.store.save(changes);
    // only now, for what was not written does not count
    for (const [id, record] of changes) {
      if (record) this.byId.set(id, record);
      else this.byId.delete(id);
    }
  }
}

const isOpen = ({ state }: ReportRecord): boolean => state === 'open';
