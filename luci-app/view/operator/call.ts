// What the page Operator has the gateway do. Who does it is said in its log: by the name that was given to this page, on this device.

import type { Limits } from '../../../src/api/lease.ts';
import { method } from '../part/daemon.ts';
import type { Deed } from './word.ts';

const OBJECT = 'meshbridge.client';
const DECISION = ['addresses', 'reason', 'by'] as const;
/** Homes in one call: a request has 64 KiB at most, an address 42 bytes. */
const MOST = 1000;
const NAME = 'meshbridge.by';
const LIMIT = ['quota_mb', 'down_kbits', 'up_kbits', 'flows'] as const;

export const readSummary = method(OBJECT, 'summary');
export const readHomes = method(OBJECT, 'list', ['state', 'search', 'sort', 'skip', 'count']);
export const readLog = method(OBJECT, 'audit', ['address', 'before', 'count']);
export const readInvites = method(OBJECT, 'invites');
export const readCaptains = method(OBJECT, 'captains');
export const readReports = method(OBJECT, 'reports', ['state', 'before', 'count']);
export const findHolder = method(OBJECT, 'who', ['port', 'address4', 'address6', 'address', 'at_s']);

const deeds = {
  admit: method(OBJECT, 'admit', [...DECISION, ...LIMIT, 'days']),
  suspend: method(OBJECT, 'suspend', DECISION),
  refuse: method(OBJECT, 'refuse', DECISION),
  forget: method(OBJECT, 'forget', DECISION),
  limit: method(OBJECT, 'limit', [...DECISION, ...LIMIT, 'clear']),
};
const all = method(OBJECT, 'all', ['what', 'reason', 'by', 'confirm']);
const drain = method(OBJECT, 'drain', ['in_s', 'reason', 'by']);
const undrain = method(OBJECT, 'undrain', ['by']);
const invite = method(OBJECT, 'invite', ['uses', 'days', 'access_days', 'site', 'note', 'by', ...LIMIT]);
const revoke = method(OBJECT, 'revoke', ['id', 'by']);
const undo = method(OBJECT, 'undo', ['entry', 'by']);
const captain = method(OBJECT, 'captain', ['key', 'name', 'site', 'may_vouch', 'max_homes', 'by']);
const uncaptain = method(OBJECT, 'uncaptain', ['key', 'by']);
const report = method(OBJECT, 'decide_report', ['id', 'decision', 'note', 'by']);
const erase = method(OBJECT, 'erase', ['address', 'by']);

/** Who does it; empty: as the gateway knows the login. */
export function signature(): string {
  try {
    return localStorage.getItem(NAME) ?? '';
  } catch {
    return '';
  }
}

/** Keeps that name, on this device. */
export function sign(name: string): void {
  try {
    localStorage.setItem(NAME, name);
  } catch {
    // where nothing may be kept, it counts for nothing
  }
}

/** Arguments with who does it. */
function signed<T extends object>(args: T): T & { by?: string } {
  const by = signature();
  return { ...args, ...(by && { by }) };
}

/** What is decided, beside on whom. */
export interface Decided extends Limits {
  reason?: string;
  days?: number;
  /** Limits that are not among these are gone. */
  clear?: true;
}

/** Decides on homes. @returns the entries of the log, more than one where there are many. */
export async function decide(deed: Deed, addresses: readonly string[], decided: Decided): Promise<number[]> {
  const entries: number[] = [];
  for (let at = 0; at < addresses.length; at += MOST)
    entries.push((await deeds[deed](signed({ ...decided, addresses: addresses.slice(at, at + MOST) }))).entry);
  return entries;
}

export const decideAll = (args: Parameters<typeof all>[0]): ReturnType<typeof all> => all(signed(args));
export const tellStop = (args: Parameters<typeof drain>[0]): ReturnType<typeof drain> => drain(signed(args));
export const tellGoOn = (): ReturnType<typeof undrain> => undrain(signed({}));
export const makeInvite = (args: Parameters<typeof invite>[0]): ReturnType<typeof invite> => invite(signed(args));
export const endInvite = (id: string): ReturnType<typeof revoke> => revoke(signed({ id }));
export const nameCaptain = (args: Parameters<typeof captain>[0]): ReturnType<typeof captain> => captain(signed(args));
export const endCaptain = (key: string): ReturnType<typeof uncaptain> => uncaptain(signed({ key }));
export const decideReport = (args: Parameters<typeof report>[0]): ReturnType<typeof report> => report(signed(args));
export const eraseHome = (address: string): ReturnType<typeof erase> => erase(signed({ address }));

/** Puts back what was before entries of the log, the last one first. @returns the entries of that. */
export async function putBack(entries: readonly number[]): Promise<number[]> {
  const made: number[] = [];
  for (const entry of [...entries].reverse()) made.push((await undo(signed({ entry }))).entry);
  return made;
}
