// The desk of a gateway's operator: shows homes, and carries out what is decided on them. What operators do is in the log before it is done; what
// happens by itself, afterwards.

import type { AuditEntry, ClientMethod, ClientSort, ClientState, ClientUse, ClientView } from '../api/client-object.ts';
import { type CLIENT_METHODS, CLIENT_SORTS, CLIENT_STATES } from '../api/client-object.ts';
import type { Admission, Limits, Personal } from '../api/lease.ts';
import type { Shape } from '../api/model.ts';
import { errorText, InputError } from '../errors.ts';
import { INVITE_HASH } from '../lib/invite-code.ts';
import { nodeAddress } from '../lib/yggdrasil-address.ts';
import { type AuditLog, MAX_AUDITED } from './audit.ts';
import type { ClientRow, Clients, Decision, Standing } from './client.ts';
import type { ClientLedger } from './client-ledger.ts';
import { limitsIn, limitWords, mergeLimits } from './client-limit.ts';
import { expectWhole, MAX_REASON, quoted, reasonOf, shortText } from './desk-argument.ts';
import { type Invites, isOpen } from './invite.ts';
import { People, type PeopleOptions } from './people.ts';

type Args<M extends ClientMethod> = Shape<(typeof CLIENT_METHODS)[M]['args']>;
type Answer<M extends ClientMethod> = Shape<(typeof CLIENT_METHODS)[M]['reply']>;

/** What decides on homes, and what that makes of them. */
const DECISIONS = { admit: 'admitted', suspend: 'suspended', refuse: 'refused', forget: undefined } as const;
type DecisionName = keyof typeof DECISIONS;
/** In sentences. */
const DONE: Readonly<Record<DecisionName, string>> = {
  admit: 'let in',
  suspend: 'turned off',
  refuse: 'turned away',
  forget: 'forgotten',
};
/** What is decided on a home that is given limits before anything else. */
const ADMITTED: Decision = { standing: 'admitted', reason: '' };
/** What may be done to all at once. */
const FOR_ALL = ['suspend', 'admit'] as const;

/** Homes in one call. */
const MAX_ADDRESSES = 4096;
const MAX_PAGE = 200;
const PAGE = 50;
const MAX_BY = 64;
const DAY_S = 86_400;
const MAX_DRAIN_S = DAY_S;
const INVITE_DAYS = 30;
const MAX_INVITE_DAYS = 365;
const MAX_ACCESS_DAYS = 3650;
const MAX_USES = 1000;
/** How long what was asked for all waits for its confirmation. */
const CONFIRM_MS = 60_000;

export interface DeskOptions {
  readonly clients: Clients;
  readonly ledger: ClientLedger;
  readonly audit: AuditLog;
  readonly invites: Invites;
  readonly people: Omit<PeopleOptions, 'clients' | 'ledger' | 'unixS' | 'dateS'>;
  readonly maxClients: number;
  readonly admission: Admission;
  /** Of who had which address. */
  readonly keepDays: number;
  /** What homes are told of what is kept. */
  logging(): string;
  /** Monotonic milliseconds; Unix seconds. */
  nowMs(): number;
  unixS(): number;
  /** Unix seconds, `undefined` while the clock is wrong. */
  dateS(): number | undefined;
  /** Something that happened by itself could not be kept in the log. */
  onProblem(problem: string): void;
  /** A word that nobody guesses. */
  token(): string;
  /** Something was done; for the log of the machine, where it is out of reach of who changes files here. */
  onEntry(entry: AuditEntry, head: string): void;
}

/** The desk of one gateway. All commands throw InputError for what they do not take, and Error when it cannot be kept. */
export class Desk {
  private asked: { readonly what: string; readonly token: string; readonly untilMs: number } | undefined;
  readonly people: People;

  constructor(private readonly options: DeskOptions) {
    this.people = new People(
      { ...options, ...options.people },
      {
        note: (did, reason, by) => this.note(did, reason, by, []),
        failed: (error, by) => this.failed(error, by),
      },
    );
    options.clients.happened.on(({ did, address, reason }) => {
      try {
        this.note(did, reason, 'gateway', [{ address }]);
      } catch (error) {
        options.onProblem(errorText(error));
      }
    });
  }

  // what is shown

  summary(): Answer<'summary'> {
    const { clients, ledger, maxClients, admission, keepDays, logging, audit } = this.options;
    const counts: Record<ClientState, number> = { waiting: 0, active: 0, suspended: 0, refused: 0, away: 0 };
    for (const row of clients.rows()) counts[stateOf(row)]++;
    const { today, month, days } = ledger.all();
    const drain = clients.drainNow();
    return {
      ...{ waiting: counts.waiting, active: counts.active, suspended: counts.suspended, refused: counts.refused },
      ...{ away: counts.away },
      ...{ max_clients: maxClients, online: clients.isOnline, ...(drain && { drain }) },
      ...{ admission, reports_open: this.people.reportsOpen, logging: logging(), keep_days: keepDays },
      ...(audit.brokenAt !== undefined && { broken_at: audit.brokenAt }),
      ...{ today, month, days: [...days] },
    };
  }

  /** @param hidden what whoever reads the answer is not to learn of people: by that nothing is found, nor sorted. */
  list(args: Args<'list'>, hidden: readonly Personal[] = []): Answer<'list'> {
    const { search = '', skip = 0, count = PAGE } = args;
    const state = oneOf('state', CLIENT_STATES, args.state);
    const sort = oneOf('sort', CLIENT_SORTS, args.sort);
    expectWhole('skip', skip, 0, MAX_ADDRESSES * 16);
    expectWhole('count', count, 1, MAX_PAGE);
    const wanted = search.trim().toLowerCase();
    const rows = this.options.clients
      .rows()
      .filter(
        (row) => (state === undefined || stateOf(row) === state) && (wanted === '' || isFound(row, wanted, hidden)),
      );
    if (sort && !(sort === 'name' && hidden.includes(sort))) this.sortBy(sort, rows);
    return { total: rows.length, clients: rows.slice(skip, skip + count).map((row) => this.view(row)) };
  }

  log(args: Args<'audit'>): Answer<'audit'> {
    const { audit } = this.options;
    const { before = Number.MAX_SAFE_INTEGER, count = PAGE } = args;
    expectWhole('count', count, 1, MAX_PAGE);
    const [address] = args.address === undefined ? [] : addressesOf([args.address], 'address');
    return {
      entries: audit.newest(before, count, address),
      head: audit.head,
      ...(audit.brokenAt !== undefined && { broken_at: audit.brokenAt }),
    };
  }

  invites(): Answer<'invites'> {
    const nowS = this.options.dateS();
    const shown = this.options.invites
      .list()
      .map(({ hash: _, ...invite }) => ({ ...invite, open: isOpen(invite, nowS) }));
    return { invites: shown };
  }

  // what is done

  /** Decides on some homes. */
  decide(name: DecisionName, args: Args<DecisionName> & Limits & { days?: number }): Answer<DecisionName> {
    const addresses = addressesOf(args.addresses);
    const given = limitsIn(args);
    const reason = reasonOf(args.reason);
    if ((name === 'suspend' || name === 'refuse') && reason === '')
      throw new InputError('reason: missing, for the home is told why', 'reason');
    const standing = DECISIONS[name];
    const until_s = args.days === undefined ? undefined : this.inDays('days', args.days, MAX_ACCESS_DAYS);
    const decision = standing && { standing, reason, ...(until_s !== undefined && { until_s }) };
    const decisions = addresses.map(
      (address) => [address, decision && this.limited(address, decision, given)] as const,
    );
    const entry = this.carryOut(name, new Map(decisions), reason, args.by);
    const fixed = this.configuredOf(addresses);
    const note = fixed > 0 ? `; of ${fixed} of them the configuration says something, and that counts` : '';
    return { message: `${homes(addresses.length)} ${DONE[name]}${note}`, entry };
  }

  /** Gives some homes limits of their own. */
  limit(args: Args<'limit'>): Answer<'limit'> {
    const addresses = addressesOf(args.addresses);
    const given = limitsIn(args);
    const { clear = false, by } = args;
    if (!given && !clear)
      throw new InputError('expected one of quota_mb, down_kbits, up_kbits and flows, or clear, got none of them');
    const reason = reasonOf(args.reason);
    const decisions = addresses.map((address) => {
      const { limits: before, ...rest } = this.options.clients.decisionOn(address) ?? ADMITTED;
      const limits = mergeLimits(clear ? undefined : before, given);
      return [address, { ...rest, ...(limits && { limits }) }] as const;
    });
    const words = given ? limitWords(given) : 'as all have them';
    const why = `${words}${reason && `: ${reason}`}`.slice(0, MAX_REASON);
    const entry = this.carryOut('limit', new Map(decisions), why, by);
    return { message: `limits of ${homes(addresses.length)}: ${words}`, entry };
  }

  /** Asks for, and then does, something to all homes that hold a lease. */
  all(args: Args<'all'>): Answer<'all'> {
    const what = FOR_ALL.find((one) => one === args.what);
    if (!what) throw new InputError(`what: expected ${FOR_ALL.join(', ')}, got ${quoted(args.what)}`, 'what');
    const reason = reasonOf(args.reason);
    if (what === 'suspend' && reason === '') throw new InputError('reason: missing, for homes are told why', 'reason');
    // leases of those who are turned off end meanwhile
    const isMeant = ({ lease, standing, configured }: ClientRow): boolean =>
      what === 'admit' ? standing === 'suspended' && configured !== true : lease !== undefined;
    const addresses = this.options.clients
      .rows()
      .filter(isMeant)
      .map(({ address }) => address);
    const count = addresses.length;
    const words = JSON.stringify([what, reason]);
    const nowMs = this.options.nowMs();
    if (args.confirm === undefined) {
      const token = this.options.token();
      this.asked = { what: words, token, untilMs: nowMs + CONFIRM_MS };
      const message = `${homes(count)} would be ${DONE[what]}: confirm it within ${CONFIRM_MS / 1000} s`;
      return { message, clients: count, confirm: token };
    }
    const { asked } = this;
    if (!asked || asked.untilMs <= nowMs || asked.what !== words || asked.token !== args.confirm)
      throw new InputError('confirm: not what was handed out for these words in the last minute', 'confirm');
    this.asked = undefined;
    const decision = { standing: DECISIONS[what], reason };
    const decisions = addresses.map((address) => [address, this.limited(address, decision)] as const);
    const entry = this.carryOut(what, new Map(decisions), reason, args.by);
    return { message: `${homes(count)} ${DONE[what]}`, clients: count, entry };
  }

  /** Makes an invite. */
  invite(args: Args<'invite'>): Answer<'invite'> {
    const { uses = 1, days = INVITE_DAYS, access_days: accessDays, site = '', note: text = '', hash, by } = args;
    const { invites, unixS } = this.options;
    expectWhole('uses', uses, 1, MAX_USES);
    const until_s = this.inDays('days', days, MAX_INVITE_DAYS);
    if (accessDays !== undefined) expectWhole('access_days', accessDays, 1, MAX_ACCESS_DAYS);
    if (hash !== undefined && !INVITE_HASH.test(hash))
      throw new InputError('hash: expected 32 characters of a-z and 2-7', 'hash');
    const note = shortText('note', text);
    const limits = limitsIn(args);
    const terms = {
      ...{ left: uses, until_s, note },
      ...(accessDays !== undefined && { access_s: accessDays * DAY_S }),
      ...(site !== '' && { site: shortText('site', site) }),
      ...(limits && { limits }),
    };
    const words = `${homes(uses)} within ${days} days`;
    const entry = this.note('invite', `${words}${note && `: ${note}`}`, by, []);
    try {
      const made = invites.make(terms, unixS(), hash);
      const next =
        made.code === '' ? 'whoever made the code hands it over' : 'hand the code over, it is not shown again';
      return { ...made, message: `${words}: ${next}`, entry };
    } catch (error) {
      throw this.failed(error, by);
    }
  }

  /** Ends an invite. */
  revoke({ id, by }: Args<'revoke'>): Answer<'revoke'> {
    const { invites } = this.options;
    if (!invites.list().some((invite) => invite.id === id))
      throw new InputError(`id: expected that of an invite, got ${quoted(id)}`, 'id');
    const entry = this.note('revoke', `invite ${id}`, by, []);
    try {
      invites.revoke(id);
    } catch (error) {
      throw this.failed(error, by);
    }
    return { message: 'nobody comes by it any more', entry };
  }

  drain({ in_s, reason: text, by }: Args<'drain'>): Answer<'drain'> {
    expectWhole('in_s', in_s, 0, MAX_DRAIN_S);
    const reason = reasonOf(text);
    const entry = this.note('drain', reason, by, []);
    this.options.clients.setDrain({ in_s, reason });
    return { message: `homes are told that it stops in ${in_s} s, and nobody new is let in`, entry };
  }

  undrain({ by }: Args<'undrain'>): Answer<'undrain'> {
    if (!this.options.clients.drainNow()) throw new InputError('it was not about to stop');
    const entry = this.note('undrain', '', by, []);
    this.options.clients.setDrain(undefined);
    return { message: 'homes are told that it goes on', entry };
  }

  /** Puts back what was decided before, where what an entry decided still stands. */
  undo({ entry: n, by }: Args<'undo'>): Answer<'undo'> {
    const { audit } = this.options;
    const act = audit.act(n);
    const undone = act.flatMap(({ clients }) => clients);
    const last = act.at(-1);
    if (!last) throw new InputError(`entry: expected the number of one that is kept, got ${n}`, 'entry');
    if (undone.length === 0 || last.did === 'over')
      throw new InputError(`entry: ${last.did} is nothing that can be undone`, 'entry');
    if (act[0]!.of !== undefined) throw new InputError('entry: the first of its act is not kept any more', 'entry');
    const later = new Set(audit.since(last.n).flatMap(({ clients }) => clients.map(({ address }) => address)));
    const back = new Map<string, Decision | undefined>();
    for (const { address, was, reason = '', until_s, limits, vouched_by } of undone) {
      if (later.has(address)) continue;
      const terms = {
        ...{ ...(until_s !== undefined && { until_s }), ...(limits && { limits }) },
        ...(vouched_by !== undefined && { vouched_by }),
      };
      back.set(address, was === undefined ? undefined : { standing: was as Standing, reason, ...terms });
    }
    if (back.size === 0) throw new InputError('entry: on all of its homes something was decided since', 'entry');
    const made = this.carryOut('undo', back, `entry ${n}`, by);
    const left = undone.length - back.size;
    const note = left > 0 ? `; on ${left} something was decided since, and stays` : '';
    return { message: `${homes(back.size)} as before entry ${n}${note}`, entry: made };
  }

  /** Carries out what a list of a group of gateways says. @param words which list. @param by whose it is. @throws Error when it cannot be kept */
  share(decisions: ReadonlyMap<string, Decision | undefined>, words: string, by: string): void {
    this.carryOut('share', decisions, words, by);
  }

  // the work

  /** A decision on a home, with the limits that it has and those that it is given. */
  private limited(address: string, decision: Decision, given?: Limits): Decision {
    const limits = mergeLimits(this.options.clients.decisionOn(address)?.limits, given);
    return { ...decision, ...(limits && { limits }) };
  }

  /** Into the log, then onto the machine. @returns the number of the last entry */
  private carryOut(
    did: string,
    decisions: ReadonlyMap<string, Decision | undefined>,
    reason: string,
    by: string | undefined,
  ): number {
    const { clients } = this.options;
    const all = [...decisions.keys()];
    let entry: number | undefined;
    let first: number | undefined;
    for (let at = 0; at < Math.max(1, all.length); at += MAX_AUDITED) {
      const some = all.slice(at, at + MAX_AUDITED).map((address) => {
        return { address, ...wasOf(clients.decisionOn(address)) };
      });
      entry = this.note(did, reason, by, some, first);
      first ??= entry;
    }
    try {
      clients.decideAll(decisions);
    } catch (error) {
      throw this.failed(error, by);
    }
    return entry!;
  }

  /** Has it in the log that what an entry tells of was not done. @returns why */
  private failed(error: unknown, by: string | undefined): unknown {
    this.note('failed', errorText(error).slice(0, MAX_REASON), by, []);
    return error;
  }

  /** @returns Unix seconds. @throws InputError */
  private inDays(name: string, days: number, most: number): number {
    expectWhole(name, days, 1, most);
    const nowS = this.options.dateS();
    if (nowS === undefined)
      throw new InputError(`${name}: the clock of this gateway is wrong, so no end can be told`, name);
    return nowS + days * DAY_S;
  }

  private note(
    did: string,
    reason: string,
    by: string | undefined,
    clients: AuditEntry['clients'],
    first?: number,
  ): number {
    const { audit, unixS, onEntry } = this.options;
    const who = by?.trim().slice(0, MAX_BY) || 'unknown';
    const entry = audit.append({
      ...(first !== undefined && { of: first }),
      at_s: unixS(),
      by: who,
      did,
      reason,
      clients,
    });
    onEntry(entry, audit.head);
    return entry.n;
  }

  private configuredOf(addresses: readonly string[]): number {
    const asked = new Set(addresses);
    return this.options.clients.rows().filter(({ address, configured }) => configured && asked.has(address)).length;
  }

  /** What stands equal keeps its order. */
  private sortBy(sort: ClientSort, rows: ClientRow[]): void {
    if (sort === 'name') {
      const nameOf = ({ told }: ClientRow): string => told?.name?.toLowerCase() ?? '\uffff';
      rows.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0));
      return;
    }
    const sum = ({ rx_bytes, tx_bytes }: ClientUse): number => rx_bytes + tx_bytes;
    const { ledger } = this.options;
    const figureOf = ({ address, lease }: ClientRow): number =>
      sort === 'since' ? (lease?.sinceS ?? -1) : sum(ledger.of(address)[sort]);
    const values = new Map(rows.map((row) => [row, figureOf(row)]));
    rows.sort((a, b) => values.get(b)! - values.get(a)!);
  }

  private view(row: ClientRow): ClientView {
    const { address, told, lease, standing, reason, untilS, configured = false, place, limits, quota, vouchedBy } = row;
    const elsewhere = this.options.ledger.elsewhere(address);
    return {
      address,
      ...(lease && { key: lease.key }),
      state: stateOf(row),
      ...(standing && { standing, reason: reason ?? '' }),
      ...(untilS !== undefined && { until_s: untilS }),
      configured,
      ...(vouchedBy !== undefined && { vouched_by: vouchedBy }),
      ...told,
      ...(place !== undefined && { place }),
      ...(lease && { kind: lease.kind, home4: lease.home4, ...(lease.home6 && { home6: lease.home6 }) }),
      ...(lease && { since_s: lease.sinceS, left_s: lease.leftS }),
      ...(lease?.ports && { ports: { ...lease.ports } }),
      ...this.options.ledger.of(address),
      ...(elsewhere && { elsewhere }),
      ...(limits && { limits }),
      ...(quota && { quota }),
    };
  }
}

/** What was decided on a home, as an entry has it. */
function wasOf(decision: Decision | undefined): Omit<AuditEntry['clients'][number], 'address'> {
  if (!decision) return {};
  const { standing, reason, until_s, limits, vouched_by } = decision;
  return {
    was: standing,
    ...(reason && { reason }),
    ...(until_s !== undefined && { until_s }),
    ...(limits && { limits }),
    ...(vouched_by !== undefined && { vouched_by }),
  };
}

function stateOf({ place, lease, standing }: ClientRow): ClientState {
  if (place !== undefined) return 'waiting';
  if (standing === 'suspended' || standing === 'refused') return standing;
  return lease ? 'active' : 'away';
}

function isFound(
  { address, told, lease, reason, vouchedBy }: ClientRow,
  wanted: string,
  hidden: readonly Personal[],
): boolean {
  const said = Object.entries(told ?? {}).flatMap(([name, text]) => (hidden.some((one) => one === name) ? [] : text));
  const texts = [address, vouchedBy, lease?.key, lease?.home4, lease?.home6, reason, ...said];
  return texts.some((text) => text?.toLowerCase().includes(wanted));
}

/** One of these; absent where nothing is given. @throws InputError */
function oneOf<T extends string>(name: string, all: readonly T[], given: string | undefined): T | undefined {
  const found = all.find((one) => one === given);
  if (given !== undefined && found === undefined)
    throw new InputError(`${name}: expected ${all.join(', ')}, got ${quoted(given)}`, name);
  return found;
}

function addressesOf(given: readonly string[], name = 'addresses'): string[] {
  if (given.length === 0) throw new InputError(`${name}: expected at least one`, name);
  if (given.length > MAX_ADDRESSES)
    throw new InputError(`${name}: expected at most ${MAX_ADDRESSES}, got ${given.length}`, name);
  const all = given.map((text) => {
    const address = nodeAddress(text);
    if (address === undefined)
      throw new InputError(`${name}: expected addresses of nodes (200::/8), got ${quoted(text)}`, name);
    return address;
  });
  return [...new Set(all)];
}

const homes = (count: number): string => (count === 1 ? '1 home' : `${count} homes`);
