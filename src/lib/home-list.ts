// The list of what is decided on homes at all gateways of a group: a head, which is signed, and parts, of which it has the hashes. Gateways read
// it, and meshctl writes it.
//
//   head  {"gen","aud":{"group"},"homes":N,"parts":["<hash>",…],"gateways":[{"site","node","key"},…],"again"?}
//   part  [["<address>","a"|"s"|"r","<reason>"?,until_s?,{"quota_mb"?,…}?],…], by address; 0 where there is no end
//
// What a reader does not know it refuses: half of what was decided is not what was decided.

import { InputError, WireError } from '../errors.ts';
import { encodeBase32 } from './base32.ts';
import { JsonFields } from './json-field.ts';
import { decodeUtf8, encodeUtf8 } from './utf8.ts';
import { nodeAddress } from './yggdrasil-address.ts';

/** Homes of a list, its parts, bytes of one, and gateways of a group. */
export const MAX_LISTED = 4096;
export const MAX_LIST_PARTS = 64;
export const MAX_PART_BYTES = 12_000;
export const MAX_GROUP = 16;
/** What a group of gateways may be called; as a site, for it is a level of topics, too. */
export const GROUP = /^[a-z0-9-]{1,32}$/;

const STANDINGS = { a: 'admitted', s: 'suspended', r: 'refused' } as const;
type Letter = keyof typeof STANDINGS;
const LETTERS = Object.keys(STANDINGS) as Letter[];
const LIMITS = { quota_mb: 1e9, down_kbits: 1e8, up_kbits: 1e8, flows: 1e6 } as const;
const LIMIT_NAMES = Object.keys(LIMITS) as (keyof typeof LIMITS)[];
const HEAD_MEMBERS = ['gen', 'aud', 'homes', 'parts', 'gateways', 'again'];
const MAX_REASON = 256;
const HASH_BYTES = 32;
const HASH = /^[a-z2-7]{52}$/;
const MOST = Number.MAX_SAFE_INTEGER;

/** What is decided on a home. */
export interface ListedHome {
  readonly address: string;
  readonly standing: (typeof STANDINGS)[Letter];
  /** Told to the home; may be empty. */
  readonly reason: string;
  /** Unix seconds; absent: for good. */
  readonly until_s?: number;
  readonly limits?: { readonly [N in keyof typeof LIMITS]?: number };
}

/** A gateway of the group: where it writes, and what it signs with. */
export interface ListedGateway {
  readonly site: string;
  readonly node: string;
  /** 64 hex digits. */
  readonly key: string;
}

/** The signed part of a list. */
export interface HomeListHead {
  /** Rises with each list of a group. */
  readonly gen: number;
  readonly group: string;
  /** How many homes there are in all. */
  readonly homes: number;
  /** Hash of each part. */
  readonly parts: readonly string[];
  readonly gateways: readonly ListedGateway[];
  /** All of it counts anew, also what did not change since the list before. */
  readonly again: boolean;
}

/** Hash of a part. */
export function partHash(sha512: (bytes: Uint8Array) => Uint8Array, bytes: Uint8Array): string {
  return encodeBase32(sha512(bytes).slice(0, HASH_BYTES));
}

/** The parts of a list. @throws InputError where it is too long */
export function packHomes(homes: readonly ListedHome[]): Uint8Array[] {
  if (homes.length > MAX_LISTED) throw new InputError(`homes: expected at most ${MAX_LISTED}, got ${homes.length}`);
  const parts: Uint8Array[] = [];
  let texts: string[] = [];
  let bytes = 2;
  const flush = (): void => {
    if (texts.length > 0) parts.push(encodeUtf8(`[${texts.join()}]`));
    texts = [];
    bytes = 2;
  };
  for (const home of [...homes].sort((a, b) => (a.address < b.address ? -1 : 1))) {
    const text = JSON.stringify(entryOf(home));
    const length = encodeUtf8(text).length + 1;
    if (bytes + length > MAX_PART_BYTES) flush();
    texts.push(text);
    bytes += length;
  }
  flush();
  if (parts.length > MAX_LIST_PARTS)
    throw new InputError(
      `homes: expected at most ${MAX_LIST_PARTS * MAX_PART_BYTES} bytes in all: give shorter reasons`,
    );
  return parts;
}

function entryOf({ address, standing, reason, until_s: untilS, limits }: ListedHome): unknown[] {
  const letter = LETTERS.find((one) => STANDINGS[one] === standing)!;
  const known = limits && Object.keys(limits).length > 0 ? limits : undefined;
  if (known) return [address, letter, reason, untilS ?? 0, known];
  if (untilS !== undefined) return [address, letter, reason, untilS];
  return reason === '' ? [address, letter] : [address, letter, reason];
}

/** Reads a part. @throws WireError */
export function readPart(bytes: Uint8Array): ListedHome[] {
  const list = parse('part', decodeUtf8(bytes));
  if (!Array.isArray(list)) throw new WireError('part: expected a list');
  return list.map(readEntry);
}

function readEntry(value: unknown): ListedHome {
  if (!Array.isArray(value) || value.length < 2 || value.length > 5)
    throw new WireError('part: expected lists of an address, a letter, a reason, an end and limits');
  const [address, letter, reason = '', until_s = 0, limits] = value;
  const fields = new JsonFields('home', { address, letter, reason, until_s, limits });
  const untilS = fields.whole('until_s', 0, MOST);
  const read = limits === undefined ? undefined : readListedLimits(fields.fields('limits'), limits as object);
  return {
    address: fields.read('address', nodeAddress, 'an address of a node (200::/8)'),
    standing: STANDINGS[fields.match('letter', /^[asr]$/, 'a, s or r') as Letter],
    reason: fields.text('reason', MAX_REASON),
    ...(untilS > 0 && { until_s: untilS }),
    ...(read && Object.keys(read).length > 0 && { limits: read }),
  };
}

function readListedLimits(fields: JsonFields, given: object): NonNullable<ListedHome['limits']> {
  for (const name of Object.keys(given))
    if (!(LIMIT_NAMES as readonly string[]).includes(name))
      throw fields.fault(name.slice(0, 32), LIMIT_NAMES.join(', '));
  const known = LIMIT_NAMES.filter((name) => fields.has(name));
  return Object.fromEntries(known.map((name) => [name, fields.whole(name, 0, LIMITS[name])]));
}

/** The body of a head, for `sealEnvelope`. */
export function headBody({ gen, group, homes, parts, gateways, again }: HomeListHead): string {
  return JSON.stringify({ gen, aud: { group }, homes, parts, gateways, ...(again && { again }) });
}

/** Reads the body of a head. @throws WireError */
export function readHead(body: string): HomeListHead {
  const value = parse('homes', body);
  const fields = new JsonFields('homes', value);
  const unknown = Object.keys(value as object).find((name) => !HEAD_MEMBERS.includes(name));
  if (unknown !== undefined) throw fields.fault(unknown.slice(0, 32), HEAD_MEMBERS.join(', '));
  return {
    gen: fields.whole('gen', 1, MOST),
    group: fields.fields('aud').match('group', GROUP, '1 to 32 of a-z, 0-9 and -'),
    homes: fields.whole('homes', 0, MAX_LISTED),
    parts: fields.list('parts', MAX_LIST_PARTS, (item) => {
      if (typeof item !== 'string' || !HASH.test(item)) throw fields.fault('parts', 'hashes of 52 characters');
      return item;
    }),
    gateways: fields.list('gateways', MAX_GROUP, (item) => {
      const one = new JsonFields('homes.gateways', item);
      return {
        site: one.match('site', GROUP, 'a site'),
        node: one.match('node', /^[a-z2-7]{13}$/, 'the id of a node'),
        key: one.match('key', /^[0-9a-f]{64}$/, '64 lower-case hex digits'),
      };
    }),
    again: fields.flag('again', false),
  };
}

function parse(what: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WireError(`${what}: expected JSON`, undefined, { cause });
  }
}
