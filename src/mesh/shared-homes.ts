// What is decided on homes at all gateways of a group: takes the list, whole or not at all, and has the desk carry out what is new in it.
//
// A list counts by its generation, once. What differs from the list before is carried out; what an operator decided here since stays, until a list says
// something new on that home. The list that is to count lies on disk before anything of it is done: whatever ends the daemon, the next one ends
// what was begun before anybody is served, so it is the old list or the new one.

import { errorText, InputError, WireError } from '../errors.ts';
import { type HomeListHead, type ListedGateway, type ListedHome, partHash, readPart } from '../lib/home-list.ts';
import type { Log } from '../log.ts';
import type { Decision } from './client.ts';

/** A list, as it is kept. */
export interface KeptList {
  readonly group: string;
  readonly gen: number;
  readonly gateways: readonly ListedGateway[];
  readonly homes: readonly ListedHome[];
  /** Of the key that signed it. */
  readonly by: string;
  /** All of it counts anew. */
  readonly again: boolean;
}

/** Keeps the list that counts, and one that is to count. Both are on disk when `save` returns. */
export interface HomeListStore {
  load(which: 'list' | 'next'): KeptList | undefined;
  /** @param list `undefined` removes it. @throws Error */
  save(which: 'list' | 'next', list: KeptList | undefined): void;
}

/** The desk, as far as it is needed here. */
export interface SharingDesk {
  decisionOn(address: string): Decision | undefined;
  /** Into the log, then onto the machine. @throws Error when it cannot be kept */
  share(decisions: ReadonlyMap<string, Decision | undefined>, words: string, by: string): void;
}

/** Whoever carries messages. */
export interface GroupOutlet {
  /** Asks for the parts of a list, or for none any more. */
  wantParts(isWanted: boolean): void;
  /** What this gateway has is another thing. */
  heldChanged(): void;
  /** The list names these gateways. */
  gatewaysChanged(): void;
}

export interface SharedHomesParts {
  readonly group: string;
  readonly store: HomeListStore;
  readonly desk: SharingDesk;
  sha512(bytes: Uint8Array): Uint8Array;
  readonly log: Log;
}

/** How it is with the newest list: none came, its parts come, it counts, or it cannot. */
export type HeldState = 'none' | 'fetching' | 'applied' | 'rejected';

/** A list whose parts come. */
interface Fetching {
  readonly head: HomeListHead;
  readonly by: string;
  readonly parts: Map<number, readonly ListedHome[]>;
}

/** One gateway's. */
export class SharedHomes {
  outlet: GroupOutlet | undefined;
  private list: KeptList | undefined;
  private fetching: Fetching | undefined;
  /** Why a list that a trusted key signed does not count, and its generation. */
  private note: { readonly gen: number; readonly error: string } | undefined;

  /** Ends what an earlier daemon began. @throws Error when that cannot be kept */
  constructor(private readonly parts: SharedHomesParts) {
    const { store, group } = parts;
    const kept = store.load('list');
    // of another group nothing counts here
    this.list = kept?.group === group ? kept : undefined;
    const next = store.load('next');
    if (next?.group === group && next.gen > (this.list?.gen ?? 0)) this.carryOut(next);
    else if (next) store.save('next', undefined);
  }

  get group(): string {
    return this.parts.group;
  }

  /** Gateways of the group, this one among them. */
  get gateways(): readonly ListedGateway[] {
    return this.list?.gateways ?? [];
  }

  /** Whether a list of this generation would be new: else nothing of it need be looked at. */
  isNew(gen: number): boolean {
    return gen > Math.max(this.list?.gen ?? 0, this.fetching?.head.gen ?? 0, this.note?.gen ?? 0);
  }

  /** Takes the head of a list. @param by the name of the key that signed it, which was checked. @throws InputError on one of another group, and on one that is not new */
  takeHead(head: HomeListHead, by: string): void {
    const { group, log } = this.parts;
    if (head.group !== group) throw new InputError(`aud: expected group ${group}, got ${head.group}`);
    if (!this.isNew(head.gen)) throw new InputError(`gen: expected more than ${this.newest()}, got ${head.gen}`);
    log.info('list of homes', { gen: head.gen, homes: head.homes, by });
    this.note = undefined;
    this.fetching = { head, by, parts: new Map() };
    if (head.parts.length === 0) this.complete(this.fetching);
    else {
      this.outlet?.wantParts(true);
      this.outlet?.heldChanged();
    }
  }

  /** Takes a part; what is none of the list that is awaited is passed over. */
  takePart(index: number, bytes: Uint8Array): void {
    const { fetching } = this;
    const hash = fetching?.head.parts[index];
    if (!fetching || hash === undefined || fetching.parts.has(index)) return;
    // of another generation, or somebody's
    if (partHash((data) => this.parts.sha512(data), bytes) !== hash) return;
    try {
      fetching.parts.set(index, readPart(bytes));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.reject(fetching.head.gen, error.message);
      return;
    }
    if (fetching.parts.size === fetching.head.parts.length) this.complete(fetching);
  }

  /** Whoever carries messages is there: what is missing is asked for again. */
  connected(): void {
    this.outlet?.wantParts(this.fetching !== undefined);
  }

  /** What this gateway has: the body of a `held`, but for session and time. */
  held(): { group: string; gen?: number; st: HeldState; homes: number; differ: number; error?: string } {
    const { list, fetching, note } = this;
    const st: HeldState = fetching ? 'fetching' : note ? 'rejected' : list ? 'applied' : 'none';
    return {
      group: this.parts.group,
      ...(list && { gen: list.gen }),
      st,
      homes: list?.homes.length ?? 0,
      differ: list?.homes.filter((home) => !isSame(this.parts.desk.decisionOn(home.address), home)).length ?? 0,
      ...(note && { error: `generation ${note.gen}: ${note.error}` }),
    };
  }

  private newest(): number {
    return Math.max(this.list?.gen ?? 0, this.fetching?.head.gen ?? 0, this.note?.gen ?? 0);
  }

  private complete({ head, by, parts }: Fetching): void {
    const homes = [...parts].sort(([a], [b]) => a - b).flatMap(([, some]) => some);
    const { gen, group, gateways, again } = head;
    const next: KeptList = { group, gen, gateways, homes, by, again };
    try {
      if (homes.length !== head.homes) throw new InputError(`expected ${head.homes} homes, got ${homes.length}`);
      if (new Set(homes.map(({ address }) => address)).size < homes.length)
        throw new InputError('expected each home once');
      this.parts.store.save('next', next);
      this.carryOut(next);
    } catch (error) {
      this.reject(gen, errorText(error));
      return;
    }
    this.fetching = undefined;
    this.outlet?.wantParts(false);
    this.outlet?.gatewaysChanged();
    this.outlet?.heldChanged();
  }

  private reject(gen: number, error: string): void {
    this.parts.log.error('list of homes does not count', { gen, error });
    this.fetching = undefined;
    this.note = { gen, error };
    this.outlet?.wantParts(false);
    this.outlet?.heldChanged();
  }

  /** Makes a list count that is on disk as the next one. May be repeated: what is done already is not done again. @throws Error when it cannot be kept */
  private carryOut(next: KeptList): void {
    const { desk, store } = this.parts;
    const before = new Map(this.list?.homes.map((home) => [home.address, home]));
    const decisions = new Map<string, Decision | undefined>();
    for (const home of next.homes) {
      const old = before.get(home.address);
      before.delete(home.address);
      const isSaid = old !== undefined && !next.again && isSame(decisionOf(old), home);
      if (!isSaid && !isSame(desk.decisionOn(home.address), home)) decisions.set(home.address, decisionOf(home));
    }
    // what the list does not name any more is taken back where it still is as the list had it
    for (const [address, old] of before) if (isSame(desk.decisionOn(address), old)) decisions.set(address, undefined);
    if (decisions.size > 0) desk.share(decisions, `group ${next.group}, generation ${next.gen}`, next.by);
    store.save('list', next);
    this.list = next;
    store.save('next', undefined);
  }
}

function decisionOf({ standing, reason, until_s, limits }: ListedHome): Decision {
  return { standing, reason, ...(until_s !== undefined && { until_s }), ...(limits && { limits }) };
}

/** Whether what was decided is what a list says; by whose word it was is not looked at. */
function isSame(decision: Decision | undefined, home: ListedHome): boolean {
  if (!decision) return false;
  const limits = home.limits ?? {};
  const own = decision.limits ?? {};
  const names = [...new Set([...Object.keys(limits), ...Object.keys(own)])] as (keyof typeof limits)[];
  return (
    decision.standing === home.standing &&
    decision.reason === home.reason &&
    decision.until_s === home.until_s &&
    names.every((name) => limits[name] === own[name])
  );
}
