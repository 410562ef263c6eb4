// What operators did, as a chain: the hash of each entry is made of the hash before it and of its own bytes, so that nothing in between can be
// changed or taken out without that being seen.

import type { AuditEntry } from '../api/client-object.ts';
import { encodeBase32 } from '../lib/base32.ts';
import { JsonFields } from '../lib/json-field.ts';
import { replaceInvisible } from '../lib/text.ts';
import { encodeUtf8 } from '../lib/utf8.ts';
import { nodeAddress } from '../lib/yggdrasil-address.ts';
import { readLimits } from './client-limit.ts';

/** Homes of one entry; who did more at once did it in several. */
export const MAX_AUDITED = 64;
/** Characters of a text in it. */
const MAX_TEXT = 256;
/** A hash is half of SHA-512, in base32. */
const HASH_BYTES = 32;
const HASH_CHARACTERS = 52;
const FIRST = 'a'.repeat(HASH_CHARACTERS);
const MOST = Number.MAX_SAFE_INTEGER;
const STANDINGS: readonly string[] = ['admitted', 'suspended', 'refused'];

/** A line as it is kept: its hash, a blank, and the JSON of an entry. */
export type AuditLine = string;

/** Keeps the lines. */
export interface AuditStore {
  /** All that are kept, the oldest first. @throws Error when they cannot be read */
  load(): AuditLine[];
  /** On disk when it returns. @throws Error */
  append(line: AuditLine): void;
}

/** The newest entries, as many as the store keeps. */
export class AuditLog {
  private entries: AuditEntry[] = [];
  private headNow = FIRST;
  private brokenAtNow: number | undefined;

  /** @throws Error when the store cannot be read. @param most entries that the store keeps at most, and so does this. */
  constructor(
    private readonly store: AuditStore,
    private readonly sha512: (bytes: Uint8Array) => Uint8Array,
    private readonly most: number,
  ) {
    let before: string | undefined;
    for (const line of store.load()) before = this.take(line, before);
  }

  /** Hash of the newest entry. */
  get head(): string {
    return this.headNow;
  }

  /** Number of the first entry that does not fit those before it. */
  get brokenAt(): number | undefined {
    return this.brokenAtNow;
  }

  /** Adds an entry; it counts once it is on disk. @throws Error when it cannot be kept */
  append(entry: Omit<AuditEntry, 'n'>): AuditEntry {
    const by = shown(entry.by);
    const reason = shown(entry.reason);
    const full: AuditEntry = { n: (this.entries.at(-1)?.n ?? 0) + 1, ...entry, by, reason };
    const text = JSON.stringify(full);
    const hash = this.hash(this.headNow, text);
    this.store.append(`${hash} ${text}`);
    this.headNow = hash;
    this.keep(full);
    return full;
  }

  /** All entries of what an entry tells of, the oldest first; empty when it is not kept. */
  act(n: number): readonly AuditEntry[] {
    const first = this.entries.find((entry) => entry.n === n)?.of ?? n;
    return this.entries.filter((entry) => (entry.of ?? entry.n) === first);
  }

  /** Entries below a number, the newest first. @param address of a home: those that tell of it. */
  newest(before: number, count: number, address?: string): AuditEntry[] {
    const isMeant = ({ n, clients }: AuditEntry): boolean =>
      n < before && (address === undefined || clients.some((client) => client.address === address));
    const all = this.entries.filter(isMeant);
    return all.slice(Math.max(0, all.length - count)).reverse();
  }

  /** Entries above a number, the oldest first. */
  since(n: number): readonly AuditEntry[] {
    return this.entries.filter((entry) => entry.n > n);
  }

  private keep(entry: AuditEntry): void {
    this.entries.push(entry);
    if (this.entries.length > this.most) this.entries.splice(0, this.entries.length - this.most);
  }

  /** @param before hash of the line before; `undefined`: what was before the first line is not kept any more. */
  private take(line: AuditLine, before: string | undefined): string {
    const expected = (this.entries.at(-1)?.n ?? 0) + 1;
    const hash = line.slice(0, HASH_CHARACTERS);
    const text = line.slice(HASH_CHARACTERS + 1);
    try {
      const entry = readEntry(JSON.parse(text));
      // the first that is kept follows on one that is not, unless it is the very first
      const known = before ?? (entry.n === 1 ? FIRST : undefined);
      const isFit = known === undefined || (this.hash(known, text) === hash && (!before || entry.n === expected));
      if (!isFit || line[HASH_CHARACTERS] !== ' ') this.brokenAtNow ??= entry.n;
      this.keep(entry);
    } catch {
      this.brokenAtNow ??= expected;
    }
    this.headNow = hash;
    return hash;
  }

  private hash(before: string, text: string): string {
    return encodeBase32(this.sha512(encodeUtf8(`${before} ${text}`)).slice(0, HASH_BYTES));
  }
}

/** An entry as it was kept. @throws WireError */
function readEntry(value: unknown): AuditEntry {
  const fields = new JsonFields('entry', value);
  const standing = (text: unknown): string | undefined => STANDINGS.find((one) => one === text);
  return {
    n: fields.whole('n', 1, MOST),
    ...(fields.has('of') && { of: fields.whole('of', 1, MOST) }),
    at_s: fields.whole('at_s', 0, MOST),
    by: fields.text('by', MAX_TEXT),
    did: fields.text('did', MAX_TEXT),
    reason: fields.text('reason', MAX_TEXT),
    clients: fields.list('clients', MAX_AUDITED, (item) => {
      const client = new JsonFields('client', item);
      return {
        address: client.read('address', nodeAddress, 'an address of a node'),
        ...(client.has('was') && { was: client.read('was', standing, 'a standing') }),
        ...(client.has('reason') && { reason: client.text('reason', MAX_TEXT) }),
        ...(client.has('until_s') && { until_s: client.whole('until_s', 0, MOST) }),
        ...readLimits(client),
        ...(client.has('vouched_by') && { vouched_by: client.text('vouched_by', MAX_TEXT) }),
      };
    }),
  };
}

const shown = (text: string): string => replaceInvisible(text, '·').slice(0, MAX_TEXT);
