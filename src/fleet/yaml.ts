// The part of YAML that autoygg's files are written in: names with values, and lists of such tables. Everything else is refused by its line.

import { InputError } from '../errors.ts';

export type YamlTable = Record<string, string>;
/** A value, or a list of tables. */
export type YamlValue = string | YamlTable[];

const MAX_LENGTH = 1024 * 1024;
const PAIR = /^([A-Za-z_][\w-]*)\s*:(?:\s+(.*))?$/;

/** Names as they are written; a name that comes twice counts last. @throws InputError with the line */
export function parseYaml(text: string, file: string): Map<string, YamlValue> {
  if (text.length > MAX_LENGTH) throw new InputError(`${file}: expected at most ${MAX_LENGTH} characters`);
  const values = new Map<string, YamlValue>();
  let list: YamlTable[] | undefined;
  for (const [at, raw] of text.split(/\r?\n/).entries()) {
    const fail = (expected: string): InputError => new InputError(`${file}, line ${at + 1}: expected ${expected}`);
    const line = withoutComment(raw);
    if (line.trim() === '' || /^(---|\.\.\.)\s*$/.test(line)) continue;
    if (/^\s*\t/.test(line)) throw fail('blanks in front, got a tab');
    const words = line.trim();
    const isItem = /^-(\s|$)/.test(words);
    if (!isItem && !/^\s/.test(line)) {
      const [, name, value] = PAIR.exec(words) ?? [];
      if (name === undefined) throw fail('name: value');
      list = value === undefined || value === '' || value === '[]' ? [] : undefined;
      values.set(name, list ?? scalar(value!, fail));
      continue;
    }
    if (!list) throw fail('no blanks in front, for nothing that takes more stands above');
    const rest = isItem ? words.slice(1).trim() : words;
    if (isItem) list.push({});
    const item = list.at(-1);
    if (!item) throw fail('- in front of the first entry');
    const pairs = /^\{.*\}$/.test(rest) ? splitFlow(rest.slice(1, -1)) : rest === '' ? [] : [rest];
    for (const pair of pairs) {
      const [, name, value] = PAIR.exec(pair) ?? [];
      if (name === undefined) throw fail('name: value');
      item[name] = scalar(value ?? '', fail);
    }
  }
  return values;
}

/** What stands before a `#` that is in no quotes. */
function withoutComment(line: string): string {
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const one = line[i]!;
    if (quote !== '') quote = one === quote ? '' : quote;
    else if ((one === '"' || one === "'") && /[\s:{,[-]/.test(line[i - 1] ?? ' ')) quote = one;
    else if (one === '#' && (i === 0 || /\s/.test(line[i - 1]!))) return line.slice(0, i);
  }
  return line;
}

/** The pairs of `a: 1, b: "x, y"`. */
function splitFlow(text: string): string[] {
  return (text.match(/(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^,])+/g) ?? []).map((part) => part.trim()).filter(Boolean);
}

function scalar(text: string, fail: (expected: string) => InputError): string {
  const value = text.trim();
  if (value.startsWith('"')) {
    try {
      return String(JSON.parse(value));
    } catch {
      throw fail('a text in quotes that ends, with \\ as in JSON');
    }
  }
  if (value.startsWith("'")) {
    if (!/^'([^']|'')*'$/.test(value)) throw fail('a text in quotes that ends');
    return value.slice(1, -1).replaceAll("''", "'");
  }
  if (/^[[{&*!|>%@`]/.test(value))
    throw fail(`a plain value or one in quotes, got ${JSON.stringify(value.slice(0, 20))}`);
  return value;
}
