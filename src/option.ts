// The kinds of options that a configuration is made of: what each takes, and how its text is read.

import { errorText } from './errors.ts';
import { readFlag } from './lib/flag.ts';
import { hasControl } from './lib/text.ts';

/** Characters of a text that people make up. */
const MAX_WORDS = 256;
/** Of a list whose kind names no other. */
const MAX_ITEMS = 32;

/** One option: how it is read, and what the shipped file says of it. */
export interface OptionSpec<T> {
  /** The default as it is written; empty: nothing; absent: the option must be given. */
  readonly default?: string;
  /** What values it takes: completes "expected …". */
  readonly takes: string;
  /** The value of a text; `undefined` when it does not do, or a text that says why not. */
  read(text: string): { value: T } | { problem: string } | undefined;
}

/** An option that is a list; `takes` and `read` are about one item. */
export interface ListSpec<T> {
  /** The items without the option. */
  readonly items: readonly string[];
  /** So many items at most. */
  readonly most: number;
  readonly takes: string;
  read(text: string): { value: T } | { problem: string } | undefined;
}

/** The values of some options, by name. */
export type ValuesOf<O> = {
  -readonly [K in keyof O]: O[K] extends ListSpec<infer V> ? V[] : O[K] extends OptionSpec<infer V> ? V : never;
};

/** One of some words; without `normal` it must be given. */
export function choice<const V extends string>(of: readonly V[], normal?: V): OptionSpec<V> {
  return {
    ...(normal !== undefined && { default: normal }),
    takes: `one of ${of.join(', ')}`,
    read: (text) => {
      const value = of.find((one) => one === text);
      return value && { value };
    },
  };
}

/** As the option is, but without it there is no value. */
export function maybe<V>({ takes, read }: OptionSpec<V>): OptionSpec<V | undefined> {
  return { default: '', takes, read: (text) => (text === '' ? { value: undefined } : read(text)) };
}

/** As the option is; the word `none` stands for no value. */
export function orNone<V>(spec: OptionSpec<V>): OptionSpec<V | undefined> {
  return {
    ...spec,
    takes: `${spec.takes}, or none`,
    read: (text) => (text === 'none' ? { value: undefined } : spec.read(text)),
  };
}

/** Any number of what an option takes. */
export function listOf<V>(
  { takes, read }: OptionSpec<V>,
  items: readonly string[],
  most: number = MAX_ITEMS,
): ListSpec<V> {
  return { items, most, takes, read };
}

/** A text of a form; must be given. */
export function pattern(form: RegExp, takes: string): OptionSpec<string> {
  return { takes, read: (text) => (form.test(text) ? { value: text } : undefined) };
}

/** A text that people make up. @param shown what is said of one that does not do. */
export function words(shown: (text: string) => string): OptionSpec<string> {
  const takes = `at most ${MAX_WORDS} characters, none of them for control`;
  return {
    takes,
    read: (text) =>
      text.length > MAX_WORDS || hasControl(text)
        ? { problem: `expected ${takes}, got ${shown(text)}` }
        : { value: text },
  };
}

/** On or off; the words are those of OpenWrt's `config_get_bool`. */
export function flag(normal: '0' | '1'): OptionSpec<boolean> {
  return {
    default: normal,
    takes: '1 or 0',
    read: (text) => {
      const value = readFlag(text);
      return value === undefined ? undefined : { value };
    },
  };
}

/** A count, or a number by which something is known; without `normal` it must be given. */
export function whole(least: number, most: number, normal?: string): OptionSpec<number> {
  return { ...between(least, most, `a whole number from ${least} to ${most}`), ...(normal && { default: normal }) };
}

/** A duration. */
export function seconds(least: number, most: number, normal: string): OptionSpec<number> {
  return { ...between(least, most, `whole seconds from ${least} to ${most}`), default: normal };
}

function between(least: number, most: number, takes: string): OptionSpec<number> {
  return {
    takes,
    read: (text) => {
      const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
      return value >= least && value <= most ? { value } : undefined;
    },
  };
}

/** A full path. @param problemOf what else speaks against one. */
export function path(
  normal?: string,
  problemOf: (path: string) => string | undefined = () => undefined,
): OptionSpec<string> {
  return {
    ...(normal !== undefined && { default: normal }),
    takes: 'an absolute path',
    read: (text) => {
      if (!/^\/.{1,255}$/su.test(text) || hasControl(text)) return undefined;
      const problem = problemOf(text);
      return problem === undefined ? { value: text } : { problem: `${problem}, got ${show(text)}` };
    },
  };
}

/** What another module reads, whose words its refusals have; must be given. */
export function address<V>(takes: string, parse: (text: string) => V): OptionSpec<V> {
  return {
    takes,
    read: (text) => {
      try {
        return { value: parse(text) };
      } catch (error) {
        return { problem: errorText(error) };
      }
    },
  };
}

/** A text of people as an error quotes it. */
export function show(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
