// Captains: who speaks for homes of a neighbourhood, known to the operator of a gateway by the key that they sign with.

import { InputError } from '../errors.ts';
import { fromHex } from '../lib/bytes.ts';
import { keyIdOf } from '../lib/node-id.ts';
import { isWeakKey } from '../lib/weak-key.ts';

/** Captains at the same time. */
export const MAX_CAPTAINS = 100;
/** What is remembered of one captain's words, so that each counts once. */
export const MAX_SAID = 64;
const KEY = /^[0-9a-f]{64}$/;

/** A captain, as they are kept. */
export interface CaptainRecord {
  /** ed25519, 64 lower-case hex digits. */
  readonly key: string;
  /** As the operator calls them. */
  readonly name: string;
  /** Homes of another neighbourhood do not get in by their word. */
  readonly site?: string;
  readonly may_vouch: boolean;
  /** Homes that may be in by their word at the same time. */
  readonly max_homes: number;
  /** Unix seconds. */
  readonly added_s: number;
  /** Words of theirs that were taken lately: digests, and the time that they say. */
  readonly said?: readonly Said[];
}

/** A word that was taken. */
export interface Said {
  readonly digest: string;
  readonly at_s: number;
}

/** Keeps them. */
export interface CaptainStore {
  load(): CaptainRecord[];
  /** On disk when it returns. @throws Error */
  save(records: readonly CaptainRecord[]): void;
}

/** All captains of one gateway. */
export class Captains {
  private records: readonly CaptainRecord[];

  constructor(private readonly store: CaptainStore) {
    this.records = store.load();
  }

  /** In the order in which they were named. */
  list(): readonly CaptainRecord[] {
    return this.records;
  }

  find(key: string): CaptainRecord | undefined {
    return this.records.find((record) => record.key === key);
  }

  /** Whose signature one with this id may be. */
  byId(id: string): CaptainRecord | undefined {
    return this.records.find(({ key }) => keyIdOf(key) === id);
  }

  /** Whether one more can be named with this key. @throws InputError */
  expectRoom(key: string): void {
    if (!KEY.test(key)) throw new InputError(`key: expected 64 hex digits, got ${key.length} characters`, 'key');
    // anybody could sign for them
    if (isWeakKey(fromHex(key))) throw new InputError('key: expected one that is not weak', 'key');
    if (this.find(key)) return;
    if (this.byId(keyIdOf(key)))
      throw new InputError(
        'key: its first 16 digits are those of another captain, by which signatures name keys',
        'key',
      );
    if (this.records.length >= MAX_CAPTAINS)
      throw new InputError(`there are ${MAX_CAPTAINS} captains already: take some away`);
  }

  /** Adds one, or changes them. @throws Error when that cannot be kept */
  set(record: CaptainRecord): void {
    const isKnown = this.find(record.key) !== undefined;
    this.save(isKnown ? this.records.map((one) => (one.key === record.key ? record : one)) : [...this.records, record]);
  }

  /** @throws Error when that cannot be kept */
  remove(key: string): void {
    this.save(this.records.filter((record) => record.key !== key));
  }

  private save(records: readonly CaptainRecord[]): void {
    this.store.save(records);
    // only now, for what was not written does not count
    this.records = records;
  }
}
