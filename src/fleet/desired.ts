// What the operator wants of nodes and sites: written as lines, signed as a whole, remembered here so that it can be compared and taken back.

import { InputError } from '../errors.ts';
import { type Change, parseChanges, pathOf, placeOf, problemOf } from '../lib/uci-path.ts';
import type { Home } from './home.ts';
import type { Pin } from './pin.ts';

/** Whom a desired state is for: one node, or all nodes of a site. */
export type Target = { readonly pin: Pin } | { readonly site: string };

/** One generation of it. */
export interface Generation {
  gen: number;
  /** Unix seconds. */
  at: number;
  confirm_s: number;
  changes: readonly Change[];
  /** Of a node: what the options were set to before, where it told; null: not set. */
  before?: Values;
}

/** Options by path; null: not set. */
export type Values = Readonly<Record<string, string | readonly string[] | null>>;

/** How many are remembered of each target. */
const MAX_GENERATIONS = 50;

function fileOf(target: Target): string {
  return `wants/${'pin' in target ? `node-${target.pin.node}` : `site-${target.site}`}.json`;
}

/** What was wanted of a target, the newest last. */
export function readGenerations(home: Home, target: Target): Generation[] {
  const value = home.read(fileOf(target)) as { v?: unknown; generations?: unknown } | undefined;
  if (value?.v !== 1 || !Array.isArray(value.generations)) return [];
  return value.generations as Generation[];
}

/** Remembers a generation. */
export function addGeneration(home: Home, target: Target, generation: Generation): Promise<void> {
  return home.locked(() => {
    const generations = [...readGenerations(home, target), generation].slice(-MAX_GENERATIONS);
    home.write(fileOf(target), { v: 1, generations });
  });
}

/**
 * Changes as people write them, one each: `PATH=VALUE`, `PATH=` (unset), `PATH+=URI` and `PATH-=URI` of peerings; of a list, the values with
 * blanks or commas between them. Lines that begin with `#` and empty ones are passed over.
 * @throws InputError on what is none, and on a path or value that routers would refuse.
 */
export function parseChangeLines(lines: readonly string[]): Change[] {
  const changes = lines.flatMap((line) => {
    const text = line.trim();
    return text === '' || text.startsWith('#') ? [] : [parseLine(text)];
  });
  for (const change of parseChanges(changes)) {
    const problem = problemOf(change);
    if (problem !== undefined) throw new InputError(`${pathOf(change)}: ${problem}`);
  }
  return changes;
}

function parseLine(text: string): Change {
  const [, path = '', sign, value = ''] = /^([\w.@[\]-]+?)\s*(\+=|-=|=)\s*(.*)$/s.exec(text) ?? [];
  if (sign === undefined)
    throw new InputError(`${JSON.stringify(text)}: expected PATH=VALUE, PATH=, PATH+=URI or PATH-=URI`);
  if (sign === '+=') return { add: path, value };
  if (sign === '-=') return { remove: path, value };
  if (value === '') return { unset: path };
  const place = placeOf(path);
  const isList = place !== undefined && 'rule' in place && place.rule.isList === true;
  return { set: path, to: isList ? value.split(/[\s,]+/).filter(Boolean) : value };
}

/** A change as a line. */
export function formatChange(change: Change): string {
  if ('set' in change) return `${change.set}=${typeof change.to === 'string' ? change.to : change.to.join(' ')}`;
  if ('unset' in change) return `${change.unset}=`;
  return 'add' in change ? `${change.add}+=${change.value}` : `${change.remove}-=${change.value}`;
}

/** What makes two generations differ: lines that are gone, and lines that are new. */
export function compareChanges(
  before: readonly Change[],
  after: readonly Change[],
): { removed: string[]; added: string[] } {
  const [old, now] = [before.map(formatChange), after.map(formatChange)];
  return { removed: old.filter((line) => !now.includes(line)), added: now.filter((line) => !old.includes(line)) };
}

/**
 * What takes a router from one generation back to the one before: a router leaves what the new one does not name as it is, so what only
 * the newer one named is named once more: as it was where that is known, else without a value, which gives an option its default.
 * @returns also the paths whose options stay as they are: what they were is not known, and they must have a value.
 */
export function takeBack(
  newer: Pick<Generation, 'changes' | 'before'>,
  older: readonly Change[],
): { changes: Change[]; stay: string[] } {
  const named = older.map(nameOf);
  const stay: string[] = [];
  const undone = newer.changes.flatMap((change): Change[] => {
    if (named.includes(nameOf(change))) return [];
    if ('add' in change) return [{ remove: change.add, value: change.value }];
    if ('remove' in change) return [{ add: change.remove, value: change.value }];
    const path = pathOf(change);
    const was = newer.before?.[path];
    if (was !== undefined && was !== null) return [{ set: path, to: was }];
    // an option that was not set gets no value again
    const undo: Change = { unset: path };
    if (('set' in change || was === null) && problemOf(undo) === undefined) return [undo];
    stay.push(path);
    return [];
  });
  return { changes: [...older, ...undone], stay };
}

/** Which options are not as changes want them, in lines `PATH: VALUE, wanted VALUE`. Peerings are not looked at. */
export function compareValues(values: Values, changes: readonly Change[]): string[] {
  return changes.flatMap((change) => {
    if ('value' in change) return [];
    const path = pathOf(change);
    const wanted = 'set' in change ? change.to : null;
    const [is, should] = [shown(values[path] ?? null), shown(wanted)];
    return is === should ? [] : [`${path}: ${is}, wanted ${should}`];
  });
}

function shown(value: string | readonly string[] | null): string {
  if (value === null) return 'not set';
  return typeof value === 'string' ? value : value.join(' ');
}

/** What a change is about: an option, or one peering. */
function nameOf(change: Change): string {
  return 'value' in change ? `${pathOf(change)} ${change.value}` : pathOf(change);
}
