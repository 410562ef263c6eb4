// The part of a gateway's desk that is about people: captains and what they report, who had which address when, and what of it is deleted.

import type { CaptainView, CLIENT_METHODS, ClientMethod, HeldSpan, ReportView } from '../api/client-object.ts';
import { REPORT_STATES } from '../api/client-object.ts';
import type { Shape } from '../api/model.ts';
import { InputError } from '../errors.ts';
import { canonicalIp } from '../lib/ip.ts';
import { nodeAddress } from '../lib/yggdrasil-address.ts';
import type { Captains } from './captain.ts';
import type { Clients } from './client.ts';
import type { ClientLedger } from './client-ledger.ts';
import { expectWhole, quoted, reasonOf, shortText } from './desk-argument.ts';
import type { LeaseLog } from './lease-log.ts';
import type { ReportRecord, Reports } from './report.ts';

type Args<M extends ClientMethod> = Shape<(typeof CLIENT_METHODS)[M]['args']>;
type Answer<M extends ClientMethod> = Shape<(typeof CLIENT_METHODS)[M]['reply']>;

const MAX_HOMES = { usual: 20, most: 4000 } as const;
const PAGE = 50;
const MAX_PAGE = 200;
const MOST = Number.MAX_SAFE_INTEGER;
/** What is decided on a report, and the word for it in the log. */
const DECISIONS = { upheld: 'uphold', dismissed: 'dismiss' } as const;

export interface PeopleOptions {
  readonly captains: Captains;
  readonly reports: Reports;
  readonly clients: Pick<Clients, 'touch' | 'vouchedBy' | 'forgetTold'>;
  readonly ledger: Pick<ClientLedger, 'forget'>;
  /** Absent: nothing is kept of who had which address. */
  readonly leaseLog: LeaseLog | undefined;
  unixS(): number;
  dateS(): number | undefined;
}

/** Puts what is done into the log. */
export interface PeopleLog {
  /** @returns the number of the entry. @throws Error when it cannot be kept: then it is not done */
  note(did: string, reason: string, by: string | undefined): number;
  /** Has it in the log that what was noted last was not done. @returns why */
  failed(error: unknown, by: string | undefined): unknown;
}

/** Commands throw InputError for what they do not take, and Error when it cannot be kept. */
export class People {
  constructor(
    private readonly options: PeopleOptions,
    private readonly log: PeopleLog,
  ) {}

  get reportsOpen(): number {
    return this.options.reports.list('open').length;
  }

  captains(): Answer<'captains'> {
    const { captains, reports, clients } = this.options;
    const counts = reports.counts();
    const view = (key: string): Pick<CaptainView, 'open' | 'upheld' | 'dismissed'> => {
      const { open = 0, upheld = 0, dismissed = 0 } = counts.get(key) ?? {};
      return { open, upheld, dismissed };
    };
    const named = captains.list().map(({ said: _, ...captain }): CaptainView => {
      return { ...captain, homes: clients.vouchedBy(captain.key), ...view(captain.key) };
    });
    const others = [...counts].flatMap(([key, { firstS }]): CaptainView[] => {
      if (captains.find(key)) return [];
      return [{ key, name: '', may_vouch: false, max_homes: 0, homes: 0, ...view(key), added_s: firstS }];
    });
    return { captains: [...named, ...others] };
  }

  captain({ key: text, name, site, may_vouch, max_homes, by }: Args<'captain'>): Answer<'captain'> {
    const { captains, unixS } = this.options;
    const key = text.trim().toLowerCase();
    captains.expectRoom(key);
    if (max_homes !== undefined) expectWhole('max_homes', max_homes, 0, MAX_HOMES.most);
    const before = captains.find(key);
    const called = name === undefined ? (before?.name ?? '') : shortText('name', name);
    if (called === '') throw new InputError('name: missing, by which you know them', 'name');
    const place = site === undefined ? before?.site : shortText('site', site);
    const record = {
      ...{ key, name: called, may_vouch: may_vouch ?? before?.may_vouch ?? true },
      ...{ max_homes: max_homes ?? before?.max_homes ?? MAX_HOMES.usual, added_s: before?.added_s ?? unixS() },
      ...(place !== undefined && place !== '' && { site: place }),
      ...(before?.said && { said: before.said }),
    };
    const room = record.may_vouch ? `vouches for ${record.max_homes} homes at most` : 'does not vouch';
    const words = `${called}${record.site === undefined ? '' : ` of ${record.site}`} ${room}`;
    const entry = this.log.note('captain', `${key.slice(0, 16)} ${words}`, by);
    try {
      captains.set(record);
    } catch (error) {
      throw this.log.failed(error, by);
    }
    return { message: words, entry };
  }

  uncaptain({ key: text, by }: Args<'uncaptain'>): Answer<'uncaptain'> {
    const { captains, clients } = this.options;
    const key = text.trim().toLowerCase();
    const captain = captains.find(key);
    if (!captain) throw new InputError(`key: expected that of a captain, got ${quoted(text)}`, 'key');
    const entry = this.log.note('uncaptain', `${key.slice(0, 16)} ${captain.name}`, by);
    try {
      captains.remove(key);
    } catch (error) {
      throw this.log.failed(error, by);
    }
    const homes = clients.vouchedBy(key);
    const stay = homes > 0 ? `; the ${homes} homes that are in by their word stay` : '';
    return { message: `${captain.name} is no captain any more${stay}`, entry };
  }

  reports({ state, before = MOST, count = PAGE }: Args<'reports'>): Answer<'reports'> {
    const known = REPORT_STATES.find((one) => one === state);
    if (state !== undefined && known === undefined)
      throw new InputError(`state: expected ${REPORT_STATES.join(', ')}, got ${quoted(state)}`, 'state');
    expectWhole('count', count, 1, MAX_PAGE);
    const all = this.options.reports.list(known);
    const shown = all.filter(({ id }) => id < before).slice(0, count);
    return { reports: shown.map((record) => this.view(record)), total: all.length };
  }

  decideReport({ id, decision, note: text, by }: Args<'decide_report'>): Answer<'decide_report'> {
    const { reports, clients, unixS } = this.options;
    const record = reports.find(id);
    if (!record) throw new InputError(`id: expected that of a report, got ${id}`, 'id');
    if (decision !== 'upheld' && decision !== 'dismissed')
      throw new InputError(`decision: expected upheld or dismissed, got ${quoted(decision)}`, 'decision');
    const note = reasonOf(text, 'note');
    const words = `report ${id} on ${record.address}${note && `: ${note}`}`;
    const entry = this.log.note(DECISIONS[decision], words, by);
    try {
      reports.decide(id, decision, note, unixS());
    } catch (error) {
      throw this.log.failed(error, by);
    }
    clients.touch(record.address);
    return { message: `report ${id} is ${decision}; the home is told so`, entry };
  }

  who({ port, address4, address6, address, at_s: atS }: Args<'who'>): Answer<'who'> {
    const { leaseLog, dateS } = this.options;
    const given = [port, address4, address6, address].filter((one) => one !== undefined);
    if (given.length !== 1)
      throw new InputError(`expected one of port, address4, address6 and address, got ${given.length}`, 'port');
    if (port !== undefined) expectWhole('port', port, 1, 65_535);
    if (atS !== undefined) expectWhole('at_s', atS, 0, MOST);
    const inner = address4 ?? address6;
    const name = address4 === undefined ? 'address6' : 'address4';
    const held = inner === undefined ? undefined : canonicalIp(inner);
    if (inner !== undefined && (held === undefined || held.includes(':') !== (name === 'address6')))
      throw new InputError(`${name}: expected an address inside of tunnels, got ${quoted(inner)}`, name);
    const home = address === undefined ? undefined : homeOf(address);
    if (!leaseLog) return { message: 'nothing of that is kept here: keep_days is 0', leases: [] };
    const nowS = dateS();
    if (nowS === undefined && atS === undefined && home === undefined)
      throw new InputError('at_s: missing, for the clock of this gateway is wrong', 'at_s');
    if (port !== undefined && !leaseLog.hasPorts)
      return { message: 'homes have no source ports of their own here: port_block is not set', leases: [] };
    const spans = home === undefined ? leaseLog.at(atS ?? nowS!, { port, held }) : leaseLog.of(home, atS);
    const leases = spans.slice(0, MAX_PAGE) as HeldSpan[];
    const found = spans.length === 1 ? '1 lease' : `${spans.length} leases`;
    return { message: `${found}, of what is kept for ${leaseLog.keepDays} days`, leases };
  }

  erase({ address: text, by }: Args<'erase'>): Answer<'erase'> {
    const { reports, clients, ledger, leaseLog } = this.options;
    const address = homeOf(text);
    const entry = this.log.note('erase', address, by);
    try {
      clients.forgetTold(address);
      leaseLog?.erase(address);
      reports.forgetOn(address);
      ledger.forget(address);
    } catch (error) {
      throw this.log.failed(error, by);
    }
    clients.touch(address);
    const stays = 'what was decided on it stays, until it is forgotten, and so does the log of what operators did';
    return { message: `what it told, its leases of before, its use and reports on it are deleted; ${stays}`, entry };
  }

  private view({ digest: _, ...record }: ReportRecord): ReportView {
    const name = this.options.captains.find(record.captain_key)?.name;
    return { ...record, ...(name !== undefined && { captain: name }) };
  }
}

function homeOf(text: string): string {
  const address = nodeAddress(text);
  if (address === undefined)
    throw new InputError(`address: expected that of a node (200::/8), got ${quoted(text)}`, 'address');
  return address;
}
