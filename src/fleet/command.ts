// One command of meshctl: its words, its options, and what runs; the help is made of the same table.

import { type ParseArgsConfig, parseArgs } from 'node:util';
import { errorText, InputError } from '../errors.ts';
import { nearest } from '../lib/nearest.ts';
import { Failure } from './failure.ts';
import type { Home } from './home.ts';
import type { Output } from './output.ts';
import type { Prompt } from './prompt.ts';

/** One option. */
export interface OptionSpec {
  /** What stands for its value in the help; absent: it takes none. */
  takes?: string;
  /** It may be given several times. */
  isList?: true;
  /** One line. */
  help: string;
}

/** What a command is given. */
export interface Context {
  readonly args: readonly string[];
  readonly options: Options;
  readonly output: Output;
  readonly home: Home;
  readonly prompt: Prompt;
  readonly env: NodeJS.ProcessEnv;
  /** Aborted when a person ends the command. */
  readonly ended: AbortSignal;
}

export interface Command {
  /** `enroll new`. */
  readonly words: string;
  /** One line of the list of commands. */
  readonly summary: string;
  /** What follows the words: `<node> <op> [name=value …]`. */
  readonly args: string;
  /** How many arguments there may be. */
  readonly takes: readonly [least: number, most: number];
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** What there is to say beyond the summary: lines of at most 80 columns. */
  readonly details?: string;
  run(context: Context): Promise<void>;
}

/** Options that every command has. */
export const COMMON: Readonly<Record<string, OptionSpec>> = {
  json: { help: 'print JSON and nothing else' },
  home: { takes: 'DIR', help: "the operator's directory (MESHCTL_HOME, ~/.config/meshctl)" },
  help: { help: 'print this' },
};

/** The values of a command's options. */
export class Options {
  constructor(private readonly values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>) {}

  flag(name: string): boolean {
    return this.values[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.values[name];
    return typeof value === 'string' ? value : undefined;
  }

  list(name: string): string[] {
    const value = this.values[name];
    return Array.isArray(value) ? value.map(String) : [];
  }

  /** @throws InputError when it is missing. */
  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw new InputError(`--${name}: missing`);
    return value;
  }

  /** A whole number. @throws InputError on anything else, and outside of the bounds. */
  whole(name: string, least: number, most: number, normal: number): number {
    const text = this.text(name);
    if (text === undefined) return normal;
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most))
      throw new InputError(`--${name}: expected a whole number from ${least} to ${most}, got ${JSON.stringify(text)}`);
    return value;
  }
}

/** Finds the command that words begin with, and what follows. @throws Failure that names those there are. */
export function findCommand(
  commands: readonly Command[],
  words: readonly string[],
): { command: Command; rest: string[] } | { group: string } {
  const [first = '', second = ''] = words;
  const command =
    commands.find((one) => one.words === `${first} ${second}`) ?? commands.find((one) => one.words === first);
  if (command) return { command, rest: words.slice(command.words.split(' ').length) };
  const group = commands.filter((one) => one.words.startsWith(`${first} `));
  if (group.length > 0) {
    if (second === '' || second.startsWith('-')) return { group: first };
    const known = group.map((one) => one.words.slice(first.length + 1));
    throw unknown(`${first} ${second}`, second, known, (word) => `${first} ${word}`);
  }
  throw unknown(first, first, [...new Set(commands.map((one) => one.words.split(' ')[0]!))], (word) => word);
}

function unknown(said: string, word: string, known: readonly string[], full: (word: string) => string): Failure {
  const meant = nearest(word, known);
  const hint = meant ? `did you mean ${full(meant)}?` : `there are ${known.join(', ')}`;
  return new Failure('usage', `${JSON.stringify(said)}: no such command, ${hint}`, 'meshctl --help lists them all.');
}

/** Arguments and options of a command. @throws Failure on what it does not take. */
export function parseWords(command: Command, words: readonly string[]): { args: string[]; options: Options } {
  const specs = { ...command.options, ...COMMON };
  const config: ParseArgsConfig['options'] = {};
  for (const [name, { takes, isList }] of Object.entries(specs))
    config[name] = {
      type: takes === undefined ? 'boolean' : 'string',
      multiple: isList === true,
      ...(name === 'help' && { short: 'h' }),
    };
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({ args: [...words], options: config, allowPositionals: true, strict: true });
  } catch (error) {
    throw misused(command, optionProblem(error, specs));
  }
  const { positionals: args, values } = parsed;
  const [least, most] = command.takes;
  if (values.help !== true && (args.length < least || args.length > most)) {
    const got = args.length > most ? `${JSON.stringify(args[most])} is one too many` : 'something is missing';
    throw misused(command, `${command.words}: expected ${command.args || 'no arguments'}, ${got}`);
  }
  return { args, options: new Options(values) };
}

function misused({ words }: Command, problem: string): Failure {
  return new Failure('usage', problem, `meshctl ${words} --help tells what it takes.`);
}

/** What is wrong with an option, with a suggestion; else Node's own words. */
function optionProblem(error: unknown, specs: Readonly<Record<string, OptionSpec>>): string {
  const text = errorText(error).split(/\. |\n/)[0]!;
  const [, name = '', what] = /^(?:Unknown option|Option) '(?:-\w, )?--?([\w-]+).*?'(.*)$/.exec(text) ?? [];
  if (what === undefined) return text;
  const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
  if (spec) return `--${name}: ${spec.takes ? `expected ${spec.takes} behind it` : 'it takes no value'}`;
  const known = Object.keys(specs);
  const meant = nearest(name, known);
  return `--${name}: unknown option, ${meant ? `did you mean --${meant}?` : `there are ${known.map((one) => `--${one}`).join(', ')}`}`;
}

/** The help of one command. */
export function formatHelp({ words, args, summary, details, options }: Command): string {
  const own = Object.keys(options).length > 0 ? ' [options]' : '';
  const all = Object.entries({ ...options, ...COMMON }).map(([name, { takes, isList, help }]) => ({
    left: `--${name}${takes ? ` ${takes}` : ''}${isList ? ' …' : ''}`,
    help,
  }));
  const width = Math.max(...all.map(({ left }) => left.length));
  return [
    `usage: meshctl ${words}${args ? ` ${args}` : ''}${own}`,
    '',
    `${summary[0]!.toUpperCase()}${summary.slice(1)}${summary.endsWith('…') ? '' : '.'}`,
    ...(details ? ['', details.trim()] : []),
    '',
    ...all.map(({ left, help }) => `  ${left.padEnd(width)}  ${help}`),
    '',
  ].join('\n');
}

/** The help of all commands, or of those that begin with one word. */
export function formatOverview(commands: readonly Command[], group?: string): string {
  const shown = commands.filter(({ words }) => group === undefined || words.startsWith(`${group} `));
  const width = Math.max(...shown.map(({ words }) => words.length));
  return [
    'usage: meshctl COMMAND [options]',
    '',
    ...shown.map(({ words, summary }) => `  ${words.padEnd(width)}  ${summary}`),
    '',
    'meshctl COMMAND --help tells what it takes. Every command takes --json and --home DIR.',
    ...(group === undefined ? ['To begin: broker set, keys new, then enroll new for each router.'] : []),
    '',
  ].join('\n');
}
