// The desk of a gateway's operator: shows homes, and carries out what is decided on them. What is done is in the log before it is done.

import type { AuditEntry, ClientMethod, ClientState, ClientView } from '../api/client-object.ts';
import { type CLIENT_METHODS, CLIENT_STATES } from '../api/client-object.ts';
import type { Shape } from '../api/model.ts';
import { errorText, InputError } from '../errors.ts';
import { nodeAddress } from '../lib/yggdrasil-address.ts';
import { type AuditLog, MAX_AUDITED } from './audit.ts';
import type { ClientRow, Clients, Decision, Standing } from './client.ts';
import type { ClientLedger } from './client-ledger.ts';

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
/** What may be done to all at once. */
const FOR_ALL = ['suspend', 'admit'] as const;

/** Homes in one call. */
const MAX_ADDRESSES = 4096;
const MAX_PAGE = 200;
const PAGE = 50;
const MAX_REASON = 256;
const MAX_BY = 64;
const MAX_DRAIN_S = 86_400;
/** How long what was asked for all waits for its confirmation. */
const CONFIRM_MS = 60_000;

export interface DeskOptions {
  readonly clients: Clients;
  readonly ledger: ClientLedger;
  readonly audit: AuditLog;
  readonly maxClients: number;
  /** Monotonic milliseconds; Unix seconds. */
  nowMs(): number;
  unixS(): number;
  /** A word that nobody guesses. */
  token(): string;
  /** Something was done; for the log of the machine, where it is out of reach of who changes files here. */
  onEntry(entry: AuditEntry, head: string): void;
}

/** The desk of one gateway. All commands throw InputError for what they do not take, and Error when it cannot be kept. */
export class Desk {
  private asked: { readonly what: string; readonly token: string; readonly untilMs: number } | undefined;

  constructor(private readonly options: DeskOptions) {}

  // what is shown

  summary(): Answer<'summary'> {
    const { clients, ledger, maxClients } = this.options;
    const counts: Record<ClientState, number> = { waiting: 0, active: 0, suspended: 0, refused: 0, away: 0 };
    for (const row of clients.rows()) counts[stateOf(row)]++;
    const { today, month, days } = ledger.all();
    const drain = clients.drainNow();
    return {
      ...{ waiting: counts.waiting, active: counts.active, suspended: counts.suspended, refused: counts.refused },
      ...{ max_clients: maxClients, online: clients.isOnline, ...(drain && { drain }) },
      ...{ today, month, days: [...days] },
    };
  }

  list(args: Args<'list'>): Answer<'list'> {
    const { state, search = '', skip = 0, count = PAGE } = args;
    if (state !== undefined && !CLIENT_STATES.some((one) => one === state))
      throw new InputError(`state: expected ${CLIENT_STATES.join(', ')}, got ${quoted(state)}`, 'state');
    expectWhole('skip', skip, 0, MAX_ADDRESSES * 16);
    expectWhole('count', count, 1, MAX_PAGE);
    const wanted = search.trim().toLowerCase();
    const rows = this.options.clients
      .rows()
      .filter((row) => (state === undefined || stateOf(row) === state) && (wanted === '' || isFound(row, wanted)));
    return { total: rows.length, clients: rows.slice(skip, skip + count).map((row) => this.view(row)) };
  }

  log(args: Args<'audit'>): Answer<'audit'> {
    const { audit } = this.options;
    const { before = Number.MAX_SAFE_INTEGER, count = PAGE } = args;
    expectWhole('count', count, 1, MAX_PAGE);
    return {
      entries: audit.newest(before, count),
      head: audit.head,
      ...(audit.brokenAt !== undefined && { broken_at: audit.brokenAt }),
    };
  }

  // what is done

  /** Decides on some homes. */
  decide(name: DecisionName, args: Args<DecisionName>): Answer<DecisionName> {
    const addresses = addressesOf(args.addresses);
    const reason = reasonOf(args.reason);
    if ((name === 'suspend' || name === 'refuse') && reason === '')
      throw new InputError('reason: missing, for the home is told why', 'reason');
    const standing = DECISIONS[name];
    const decision = standing && { standing, reason };
    const entry = this.carryOut(name, new Map(addresses.map((address) => [address, decision])), reason, args.by);
    const fixed = this.configuredOf(addresses);
    const note = fixed > 0 ? `; of ${fixed} of them the configuration says something, and that counts` : '';
    return { message: `${homes(addresses.length)} ${DONE[name]}${note}`, entry };
  }

  /** Asks for, and then does, something to all homes that hold a lease. */
  all(args: Args<'all'>): Answer<'all'> {
    const what = FOR_ALL.find((one) => one === args.what);
    if (!what) throw new InputError(`what: expected ${FOR_ALL.join(', ')}, got ${quoted(args.what)}`, 'what');
    const reason = reasonOf(args.reason);
    if (what === 'suspend' && reason === '') throw new InputError('reason: missing, for homes are told why', 'reason');
    const addresses = this.options.clients.rows().flatMap(({ address, lease }) => (lease ? [address] : []));
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
    const entry = this.carryOut(what, new Map(addresses.map((address) => [address, decision])), reason, args.by);
    return { message: `${homes(count)} ${DONE[what]}`, clients: count, entry };
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
    if (undone.length === 0) throw new InputError(`entry: ${last.did} is nothing that can be undone`, 'entry');
    const later = new Set(audit.since(last.n).flatMap(({ clients }) => clients.map(({ address }) => address)));
    const back = new Map<string, Decision | undefined>();
    for (const { address, was, reason = '' } of undone)
      if (!later.has(address)) back.set(address, was === undefined ? undefined : { standing: was as Standing, reason });
    if (back.size === 0) throw new InputError('entry: on all of its homes something was decided since', 'entry');
    const made = this.carryOut('undo', back, `entry ${n}`, by);
    const left = undone.length - back.size;
    const note = left > 0 ? `; on ${left} something was decided since, and stays` : '';
    return { message: `${homes(back.size)} as before entry ${n}${note}`, entry: made };
  }

  // the work

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
        const before = clients.decisionOn(address);
        return { address, ...(before && { was: before.standing, ...(before.reason && { reason: before.reason }) }) };
      });
      entry = this.note(did, reason, by, some, first);
      first ??= entry;
    }
    try {
      clients.decideAll(decisions);
    } catch (error) {
      this.note('failed', errorText(error).slice(0, MAX_REASON), by, []);
      throw error;
    }
    return entry!;
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

  private view(row: ClientRow): ClientView {
    const { address, told, lease, standing, reason, configured = false, place } = row;
    return {
      address,
      ...(lease && { key: lease.key }),
      state: stateOf(row),
      ...(standing && { standing, reason: reason ?? '' }),
      configured,
      ...told,
      ...(place !== undefined && { place }),
      ...(lease && { kind: lease.kind, home4: lease.home4, ...(lease.home6 && { home6: lease.home6 }) }),
      ...(lease && { since_s: lease.sinceS, left_s: lease.leftS }),
      ...this.options.ledger.of(address),
    };
  }
}

function stateOf({ place, lease, standing }: ClientRow): ClientState {
  if (place !== undefined) return 'waiting';
  if (standing === 'suspended' || standing === 'refused') return standing;
  return lease ? 'active' : 'away';
}

function isFound({ address, told, lease, reason }: ClientRow, wanted: string): boolean {
  const texts = [address, lease?.key, lease?.home4, lease?.home6, reason, ...Object.values(told ?? {})];
  return texts.some((text) => text?.toLowerCase().includes(wanted));
}

function addressesOf(given: readonly string[]): string[] {
  if (given.length === 0) throw new InputError('addresses: expected at least one', 'addresses');
  if (given.length > MAX_ADDRESSES)
    throw new InputError(`addresses: expected at most ${MAX_ADDRESSES}, got ${given.length}`, 'addresses');
  const all = given.map((text) => {
    const address = nodeAddress(text);
    if (address === undefined)
      throw new InputError(`addresses: expected addresses of nodes (200::/8), got ${quoted(text)}`, 'addresses');
    return address;
  });
  return [...new Set(all)];
}

function reasonOf(text = ''): string {
  const reason = text.trim();
  if (reason.length > MAX_REASON)
    throw new InputError(`reason: expected at most ${MAX_REASON} characters, got ${reason.length}`, 'reason');
  return reason;
}

function expectWhole(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new InputError(`${name}: expected ${least} to ${most}, got ${value}`, name);
}

const homes = (count: number): string => (count === 1 ? '1 home' : `${count} homes`);
const quoted = (text: string): string => JSON.stringify(text.slice(0, 40));
