// Arguments of operations that are asked for from afar: what each takes, and how it is read. What is not named is refused.

import type { Layout, TableLayout } from '../api/model.ts';
import { InputError } from '../errors.ts';

/** One kind of argument. */
export interface ArgumentKind<T> {
  /** Completes "expected …". */
  readonly takes: string;
  /** May be left out. */
  readonly isOptional?: true;
  /** `undefined`: it is something else. */
  read(value: unknown): T | undefined;
}

export type ArgumentTable = Readonly<Record<string, ArgumentKind<unknown>>>;
/** What was read by a table. */
export type ArgumentValues<A extends ArgumentTable> = {
  readonly [N in keyof A]: A[N] extends ArgumentKind<infer T> ? T : never;
};

const MAX_SHOWN = 32;

/** A text of one to so many characters. */
export function text(most: number): ArgumentKind<string> {
  return {
    takes: `a text of 1 to ${most} characters`,
    read: (value) => (typeof value === 'string' && value !== '' && value.length <= most ? value : undefined),
  };
}

/** A whole number. */
export function whole(least: number, most: number): ArgumentKind<number> {
  return {
    takes: `a whole number from ${least} to ${most}`,
    read: (value) =>
      typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most ? value : undefined,
  };
}

/** One of some words. */
export function word<W extends string>(words: readonly W[]): ArgumentKind<W> {
  return { takes: `one of ${words.join(', ')}`, read: (value) => words.find((one) => one === value) };
}

/** The key of a node, in lower case. */
export const KEY: ArgumentKind<string> = {
  takes: '64 hex digits',
  read: (value) => (typeof value === 'string' && /^[0-9a-f]{64}$/i.test(value) ? value.toLowerCase() : undefined),
};

/** A list of texts. */
export function texts(mostItems: number, most: number): ArgumentKind<readonly string[]> {
  const one = text(most);
  return {
    takes: `a list of at most ${mostItems} texts`,
    read: (value) =>
      Array.isArray(value) && value.length <= mostItems && value.every((item) => one.read(item) !== undefined)
        ? value
        : undefined,
  };
}

/** Anything: who takes it looks at it himself. */
export const ANYTHING: ArgumentKind<unknown> = { takes: 'something', read: (value) => value ?? undefined };

/** One that may be left out. */
export function maybe<T>(kind: ArgumentKind<T>): ArgumentKind<T | undefined> {
  return { ...kind, isOptional: true };
}

/** Characters and items of arguments that a contract says no more of. */
const MAX_WORDS = 1024;
const MAX_ITEMS = 256;
const WIDTHS: Readonly<Record<string, number>> = { int32: 2 ** 31 - 1, int64: Number.MAX_SAFE_INTEGER };

/** Arguments as the contract of a method names them, but for some. */
export function argumentsBy(layout: TableLayout, except: readonly string[] = []): ArgumentTable {
  const named = Object.entries(layout).map(([field, type]): [string, ArgumentKind<unknown>] =>
    field.endsWith('?') ? [field.slice(0, -1), maybe(kindOf(type))] : [field, kindOf(type)],
  );
  return Object.fromEntries(named.filter(([name]) => !except.includes(name)));
}

function kindOf(type: Layout): ArgumentKind<unknown> {
  if (type === 'string')
    return {
      takes: `a text of at most ${MAX_WORDS} characters`,
      read: (value) => (typeof value === 'string' && value.length <= MAX_WORDS ? value : undefined),
    };
  if (type === 'bool')
    return { takes: 'true or false', read: (value) => (typeof value === 'boolean' ? value : undefined) };
  const most = typeof type === 'string' ? WIDTHS[type] : undefined;
  if (most !== undefined) return whole(-most, most);
  if (Array.isArray(type) && type[0] === 'string') return texts(MAX_ITEMS, MAX_WORDS);
  return ANYTHING;
}

/** Reads arguments by a table. @throws InputError that names the one at fault */
export function readArguments<A extends ArgumentTable>(
  table: A,
  given: Readonly<Record<string, unknown>>,
): ArgumentValues<A> {
  const known = Object.keys(table);
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const name = unknown.slice(0, MAX_SHOWN);
    throw new InputError(`${name}: unknown argument, expected ${known.join(', ') || 'none'}`, name);
  }
  const values: Record<string, unknown> = {};
  for (const [name, kind] of Object.entries(table)) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined && kind.isOptional) continue;
    const read = kind.read(value);
    if (read === undefined)
      throw new InputError(`${name}: expected ${kind.takes}${value === undefined ? ', got nothing' : ''}`, name);
    values[name] = read;
  }
  return values as ArgumentValues<A>;
}
