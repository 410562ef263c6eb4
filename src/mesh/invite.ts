// Invites: words by which homes get in without waiting for the operator. Who has the file has no words: it holds their hashes.

import type { Limits } from '../api/lease.ts';
import { formatInvite, INVITE_BYTES, inviteHash } from '../lib/invite-code.ts';

/** Invites at the same time. */
export const MAX_INVITES = 256;

/** An invite, as it is kept. */
export interface InviteRecord {
  /** How it is called by operators: the first characters of its hash. */
  readonly id: string;
  readonly hash: string;
  /** Homes that may still come by it. */
  readonly left: number;
  /** Homes that came by it. */
  readonly used: number;
  /** Unix seconds, as everything here: when it was made, and from when on nobody comes by it. */
  readonly made_s: number;
  readonly until_s: number;
  /** How long homes are let in by it; absent: for good. */
  readonly access_s?: number;
  /** The neighbourhood that homes have to belong to. */
  readonly site?: string;
  /** Of those who come by it. */
  readonly limits?: Limits;
  /** For the operator. */
  readonly note: string;
}

/** Keeps them. */
export interface InviteStore {
  load(): InviteRecord[];
  /** On disk when it returns. @throws Error */
  save(records: readonly InviteRecord[]): void;
}

/** What somebody came in by. */
export interface Redeemed {
  readonly id: string;
  readonly accessS: number | undefined;
  readonly limits: Limits | undefined;
}

/** All invites of one gateway. */
export class Invites {
  private records: readonly InviteRecord[];

  constructor(
    private readonly store: InviteStore,
    private readonly sha512: (bytes: Uint8Array) => Uint8Array,
    private readonly randomBytes: (count: number) => Uint8Array,
  ) {
    this.records = store.load();
  }

  /** Those that are kept, the newest last. */
  list(): readonly InviteRecord[] {
    return this.records;
  }

  /**
   * Makes one. @param hash of a word that somebody else made. @returns the word, which is shown this once, or nothing where somebody else has it; and its id.
   * @throws Error when it cannot be kept, there are too many, or there is one of this hash
   */
  make(
    terms: Pick<InviteRecord, 'left' | 'until_s' | 'access_s' | 'site' | 'limits' | 'note'>,
    nowS: number,
    hash?: string,
  ): { code: string; id: string } {
    const kept = this.records.filter((record) => isOpen(record, nowS));
    if (kept.length >= MAX_INVITES) throw new Error(`there are ${MAX_INVITES} invites already: revoke some`);
    const code = hash === undefined ? formatInvite(this.randomBytes(INVITE_BYTES)) : '';
    const of = hash ?? inviteHash((bytes) => this.sha512(bytes), code)!;
    if (hash !== undefined && kept.some((record) => record.hash === of))
      throw new Error('there is an invite of this hash already');
    const record: InviteRecord = { id: of.slice(0, 8), hash: of, used: 0, made_s: nowS, ...terms };
    this.save([...kept, record]);
    return { code, id: record.id };
  }

  /** Nobody comes by it any more. @returns whether there was such a one. @throws Error when that cannot be kept */
  revoke(id: string): boolean {
    const kept = this.records.filter((record) => record.id !== id);
    if (kept.length === this.records.length) return false;
    this.save(kept);
    return true;
  }

  /** A home comes by a word. @param nowS `undefined`: the clock is wrong, so that nothing is over. @returns `undefined`: it is worth nothing. @throws Error when that cannot be kept */
  redeem(text: string, site: string | undefined, nowS: number | undefined): Redeemed | undefined {
    const hash = inviteHash((bytes) => this.sha512(bytes), text);
    if (hash === undefined) return undefined;
    const found = this.records.find((record) => record.hash === hash);
    if (!found || !isOpen(found, nowS) || (found.site !== undefined && found.site !== site)) return undefined;
    if (found.access_s !== undefined && nowS === undefined)
      throw new Error('the clock of this gateway is wrong, so no end of access can be told');
    const after = { ...found, left: found.left - 1, used: found.used + 1 };
    this.save(this.records.map((record) => (record === found ? after : record)));
    return { id: found.id, accessS: found.access_s, limits: found.limits };
  }

  private save(records: readonly InviteRecord[]): void {
    this.store.save(records);
    // only now, for what was not written does not count
    this.records = records;
  }
}

/** Whether somebody may still come by it. */
export function isOpen({ left, until_s }: Pick<InviteRecord, 'left' | 'until_s'>, nowS: number | undefined): boolean {
  return left > 0 && (nowS === undefined || nowS < until_s);
}
