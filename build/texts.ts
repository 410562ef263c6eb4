// Every text that pages say: what stands in `_('…')` and `N_(n, '…', '…')` of the pages, the titles of LuCI's menu and rights, and the
// daemon's sentences, which pages translate as they come.

import { readdirSync, readFileSync } from 'node:fs';
import { REFUSED } from '../src/mesh/adviser.ts';
import { homeTexts } from '../src/mesh/home-words.ts';
import { FINDINGS } from '../src/mesh/lint-finding.ts';
import { selfTestTexts } from '../src/mesh/self-test.ts';
import { verdictTexts } from '../src/mesh/verdict-words.ts';
import { BROKER_SENTENCES } from '../src/source/broker-words.ts';
import type { Message } from './po.ts';
import { inProject } from './project.ts';

/** A text in a source. */
export interface Said {
  id: string;
  plural?: string;
}

/** A string has its value; anything else is one character, or a name. */
interface Token {
  text: string;
  value?: string;
  line: number;
}

const TOKEN = new RegExp(
  [
    /(?<blank>\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)/,
    /(?<string>'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*")/,
    /(?<name>[\w$]+)/,
    /(?<mark>[\s\S])/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'gy',
);
const REGEXP = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y;
/** After these, a slash begins a regular expression. */
const BEFORE_REGEXP = /^[(,=:[!&|?{};>]$|^return$/;
const ESCAPED: Record<string, string> = { n: '\n', t: '\t' };

/** The value of a string literal. */
function textOf(literal: string): string {
  return literal
    .slice(1, -1)
    .replace(/\\(?:u\{([0-9a-f]+)\}|u([0-9a-f]{4})|([\s\S]))/gi, (_, long: string, short: string, char: string) =>
      char === undefined ? String.fromCodePoint(Number.parseInt(long ?? short, 16)) : (ESCAPED[char] ?? char),
    );
}

/** Names, strings and marks of a TypeScript source, without comments. Templates are read as code: none of ours holds a quote alone. */
function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  for (let at = 0; at < source.length; ) {
    TOKEN.lastIndex = at;
    const { blank, string } = TOKEN.exec(source)!.groups!;
    let text = source.slice(at, TOKEN.lastIndex);
    if (text === '/' && BEFORE_REGEXP.test(tokens.at(-1)?.text ?? '(')) {
      REGEXP.lastIndex = at;
      text = REGEXP.exec(source)?.[0] ?? text;
    }
    if (blank === undefined) tokens.push({ text, ...(string !== undefined && { value: textOf(string) }), line });
    line += text.split('\n').length - 1;
    at += text.length;
  }
  return tokens;
}

/** Why a text cannot be looked up by LuCI, which trims it and makes one blank of many. */
function faultOf(text: string): string | undefined {
  if (text === '') return 'an empty text';
  return text.trim().replace(/\s+/g, ' ') === text ? undefined : 'blanks that LuCI changes';
}

/** The texts of a source in their order. @throws Error that names the line of one that is no single literal. */
export function scanTexts(source: string, path: string): Said[] {
  const tokens = tokensOf(source);
  const said: Said[] = [];
  tokens.forEach(({ text: name, line }, at) => {
    if ((name !== '_' && name !== 'N_') || tokens[at + 1]?.text !== '(' || tokens[at - 1]?.text === '.') return;
    const refused = (got: string): Error => new Error(`${path}:${line}: expected ${name}() of literals, got ${got}`);
    let next = at + 2;
    if (name === 'N_') {
      for (let depth = 0; depth > 0 || tokens[next]?.text !== ','; next++) {
        const mark = tokens[next]?.text;
        if (mark === undefined) throw refused('the end');
        if (/^[([{]$/.test(mark)) depth++;
        else if (/^[)\]}]$/.test(mark)) depth--;
      }
      next++;
    }
    const literal = (end: RegExp): string => {
      const { value, text: got } = tokens[next]!;
      if (value === undefined) throw refused(got);
      const [mark = '', after] = tokens.slice(next + 1, next + 3).map(({ text }) => text);
      // a comma that the formatter put behind the last argument
      const isLast = mark === ',' && after === ')';
      if (!end.test(isLast ? after : mark)) throw refused(`${got} ${mark}`);
      if (/[<&]/.test(value)) throw refused(`${got}, which LuCI's forms take for HTML`);
      next += 2;
      return value;
    };
    if (name === '_') said.push({ id: literal(/^\)$/) });
    else said.push({ id: literal(/^,$/), plural: literal(/^[,)]$/) });
  });
  return said;
}

/** What LuCI's scan takes of a JSON file: titles and descriptions. */
function scanJson(value: unknown): Said[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) =>
    (key === 'title' || key === 'description') && typeof one === 'string' ? [{ id: one }] : scanJson(one),
  );
}

/** The file whose `_()` takes the daemon's sentences, no literals. */
const SAYS_DAEMON = 'luci-app/view/part/say.ts';

function filesIn(directory: string, end: string): string[] {
  return readdirSync(inProject(directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(end))
    .map((name) => `${directory}/${name}`);
}

/** All texts by file. @throws Error */
function readTexts(): [path: string, said: Said[]][] {
  const pages = filesIn('luci-app/view', '.ts').filter((path) => path !== SAYS_DAEMON);
  const tables = filesIn('luci-app/root/usr/share', '.json');
  const findings = Object.values(FINDINGS).flatMap(({ level, ...texts }) => Object.values<string>(texts));
  const daemon = (ids: readonly string[]): Said[] => ids.map((id) => ({ id }));
  return [
    ...pages.map((path): [string, Said[]] => [path, scanTexts(readFileSync(inProject(path), 'utf8'), path)]),
    ...tables.map((path): [string, Said[]] => [path, scanJson(JSON.parse(readFileSync(inProject(path), 'utf8')))]),
    ['src/mesh/adviser.ts', daemon([REFUSED])],
    ['src/mesh/home-words.ts', daemon(homeTexts())],
    ['src/mesh/lint-finding.ts', daemon(findings)],
    ['src/mesh/self-test.ts', daemon(selfTestTexts())],
    ['src/mesh/verdict-words.ts', daemon(verdictTexts())],
    [
      'src/source/broker-words.ts',
      daemon(Object.values(BROKER_SENTENCES).flatMap((one) => Object.values<string>(one))),
    ],
  ];
}

/** The texts of files without translations, each once, sorted by the first file that says it and then as they stand there. @throws Error */
export function collectTexts(texts: readonly (readonly [path: string, said: readonly Said[]])[]): Message[] {
  const found = new Map<string, { id: string; plural?: string; files: Set<string> }>();
  for (const [path, said] of [...texts].sort(([a], [b]) => (a < b ? -1 : 1)))
    for (const one of said) {
      const fault = faultOf(one.id) ?? (one.plural === undefined ? undefined : faultOf(one.plural));
      if (fault) throw new Error(`${path}: expected a text that LuCI can look up, got ${fault}: ${one.id}`);
      const known = found.get(one.id) ?? { ...one, files: new Set() };
      if (known.plural !== one.plural)
        throw new Error(
          `${path}: expected ${one.id} with the same plural as in ${[...known.files]}, got ${one.plural ?? 'none'}`,
        );
      known.files.add(path);
      found.set(one.id, known);
    }
  return [...found.values()].map(({ files, ...one }) => ({ ...one, files: [...files], translations: [] }));
}

/** Every text of the project. @throws Error that names one that cannot be translated. */
export function projectTexts(): Message[] {
  return collectTexts(readTexts());
}
