// OpenWrt's UCI files: text to tree, tree to text, and edits that leave every other byte of the text alone.
//
// Follows libuci (file.c), also where it is odd; test/dev/uci-real.test.ts holds the two against each other.
//   - A line is `config TYPE [NAME]`, `option NAME [VALUE]`, `list NAME [VALUE]` or `package NAME` (checked, then ignored);
//     the first letter alone will do. Only blanks and tabs end these words, so `config` at the end of a line is no command.
//   - Arguments join plain, 'single' and "double" quoted parts; quoted parts may span lines; outside single quotes a backslash
//     takes the next character literally and joins lines at their end. `#` starts a comment, even within a plain word.
//   - `;` ends a statement, but one that touches a plain word swallows the rest of its line.
//   - `option NAME ''` changes nothing, `list NAME ''` adds an empty item. `option` replaces what stood before, `list` adds to it.
//   - `config` with a known name goes on with that section, which must have the same type.
// Stricter than libuci: a NUL is refused (libuci loses the rest of the line), and so is what exceeds the limits below.
// Any text will do, one character a byte too: what lies beyond ASCII is only ever passed on.

import { InputError, WireError } from '../errors.ts';

/** Longest file, in characters. */
export const MAX_UCI_LENGTH = 256 * 1024;
export const MAX_UCI_SECTIONS = 2048;
/** Longest argument; a node info of 16 KiB fits. */
export const MAX_UCI_VALUE = 32 * 1024;

export interface UciOption {
  value: string | string[];
  /** Where its last statement starts. */
  line: number;
}

export interface UciSection {
  type: string;
  /** The given name; that of an anonymous section is made as libuci makes it (`cfg02a1b2`) and holds for this text only. */
  name: string;
  anonymous: boolean;
  line: number;
  /** In order of appearance. */
  options: Map<string, UciOption>;
}

export interface UciPackage {
  /** In order of appearance. */
  sections: UciSection[];
}

/** Text that is no UCI file. Line and column count from 1. */
export class UciError extends WireError {
  override name = 'UciError';
  constructor(
    message: string,
    readonly line: number,
    readonly column: number,
  ) {
    super(`line ${line}: ${message}`);
  }
}

/** A `config`, `option` or `list` statement and where it stands; `from` and `to` enclose its line, or lines. */
interface Statement {
  section: UciSection;
  line: number;
  from: number;
  to: number;
  /** False: another statement or a `;` is on the same line. */
  alone: boolean;
  /** Absent on `config`. */
  option?: { name: string; value: string; from: number; to: number };
}

interface Keyword {
  short: string;
  long: string;
}
const KEYWORDS: readonly Keyword[] = ['package', 'config', 'option', 'list'].map((long) => ({ short: long[0]!, long }));

const BLANK = ' \t';
/** What C's isspace() takes; JavaScript's \s takes more. */
const SPACE = ' \t\n\v\f\r';
/** What ends a run of plain characters. */
const SPECIAL = `${SPACE}'"#;\\`;

/** True for what may name a section or an option. */
export function isUciName(text: string): boolean {
  return /^[A-Za-z0-9_]+$/.test(text);
}

/** True for what may be a section's type. */
export function isUciType(text: string): boolean {
  return /^[!-~]+$/.test(text);
}

/** The tree of a file. @throws UciError on what libuci would refuse, and beyond the limits above. */
export function parseUci(text: string): UciPackage {
  return { sections: new Parser(text).sections };
}

/** The text of a tree as `uci commit` writes it; types are quoted where libuci could not read back its own output. */
export function formatUci(uci: UciPackage): string {
  return `${uci.sections.map((section) => `\n${formatSection(section)}`).join('')}\n`;
}

/**
 * Appends a section; without a name, an anonymous one.
 * @throws InputError on a bad or taken name, or a value that UCI cannot hold; UciError when `text` is no UCI file.
 */
export function addSection(
  text: string,
  type: string,
  name: string | undefined,
  options: Readonly<Record<string, string | readonly string[]>>,
): string {
  const { sections } = new Parser(text);
  if (!isUciType(type))
    throw new InputError(`section type ${show(type)}: expected printable ASCII without blanks`, 'type');
  if (name !== undefined) {
    checkName(name, 'section');
    if (sections.some((section) => section.name === name))
      throw new InputError(`section ${show(name)}: expected a new name, it is taken`, 'section');
  }
  const section: UciSection = { type, name: name ?? '', anonymous: name === undefined, line: 0, options: new Map() };
  for (const [option, value] of Object.entries(options)) {
    checkName(option, 'option');
    for (const item of typeof value === 'string' ? [value] : value) checkValue(option, item);
    section.options.set(option, { value: typeof value === 'string' ? value : [...value], line: 0 });
  }
  const complete = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  // one blank line before; one after only where the file ended with one, as those written by uci do
  const spaced = complete === '' || complete === '\n' || complete.endsWith('\n\n');
  return checked(`${complete}${spaced ? '' : '\n'}${formatSection(section)}${spaced && complete !== '' ? '\n' : ''}`);
}

/**
 * Removes a section by its name: the lines of its statements, and one blank line where two would meet. Comments on lines of their own stay.
 * @throws InputError when there is none, or when other statements stand on one of its lines; UciError when `text` is no UCI file.
 */
export function removeSection(text: string, name: string): string {
  const { sections, statements } = new Parser(text);
  const section = findSection(sections, name);
  return removeLines(
    text,
    statements.filter((statement) => statement.section === section),
  );
}

/**
 * Removes an option or list of a section, if it has it: the lines of its statements.
 * @throws InputError when there is no such section, or when other statements stand on one of the lines; UciError when `text` is no UCI file.
 */
export function removeOption(text: string, name: string, option: string): string {
  const { sections, statements } = new Parser(text);
  const section = findSection(sections, name);
  return removeLines(
    text,
    statements.filter((statement) => statement.section === section && statement.option?.name === option),
  );
}

/**
 * Sets an option of a section, where it stands or else after the section's last statement. The rest of its line stays.
 * @throws InputError when there is no such section, the option is a list, or its line holds more; UciError when `text` is no UCI file.
 */
export function setOption(text: string, name: string, option: string, value: string): string {
  checkName(option, 'option');
  checkValue(option, value);
  const { sections, statements } = new Parser(text);
  const section = findSection(sections, name);
  const old = section.options.get(option)?.value;
  if (typeof old === 'object')
    throw new InputError(`option ${show(option)}: expected one value, it is a list`, 'option');
  if (old !== undefined) {
    // the last that is not empty is in force
    const statement = statements
      .filter((s) => s.section === section && s.option?.name === option && s.option.value !== '')
      .at(-1)!;
    const { from, to } = editable(statement).option!;
    return checked(text.slice(0, from) + quote(value) + text.slice(to));
  }
  return insertOption(text, name, option, value);
}

/**
 * Sets a list of a section, after the section's last statement; the list or option that it had by that name goes.
 * @throws InputError when there is no such section, no item, or lines hold more; UciError when `text` is no UCI file.
 */
export function setList(text: string, name: string, option: string, values: readonly string[]): string {
  checkName(option, 'option');
  if (values.length === 0) throw new InputError(`option ${show(option)}: expected a list with items`, 'option');
  for (const value of values) checkValue(option, value);
  return insertOption(removeOption(text, name, option), name, option, values);
}

/** Writes an option after the last statement of its section. */
function insertOption(text: string, name: string, option: string, value: string | readonly string[]): string {
  const { sections, statements } = new Parser(text);
  const section = findSection(sections, name);
  const { to } = editable(statements.filter((s) => s.section === section).at(-1)!);
  const before = text.slice(0, to);
  return checked(`${before}${before.endsWith('\n') ? '' : '\n'}${formatOption(option, value)}${text.slice(to)}`);
}

function removeLines(text: string, statements: readonly Statement[]): string {
  let result = '';
  let kept = 0;
  let span: { from: number; to: number } | undefined;
  const cut = (): void => {
    if (!span) return;
    let { from, to } = span;
    if (from === 0 || `\n${text.slice(Math.max(0, from - 2), from)}`.endsWith('\n\n')) {
      if (text[to] === '\n') to++;
      else if (to === text.length && from > 0) from--;
    }
    result += text.slice(kept, Math.max(kept, from));
    kept = to;
  };
  for (const statement of statements) {
    const { from, to } = editable(statement);
    if (span?.to === from) span.to = to;
    else {
      cut();
      span = { from, to };
    }
  }
  cut();
  return checked(result + text.slice(kept));
}

/** Reads a whole text when it is made. Its cursor moves as libuci's does over its line buffer, `[.., end)`. */
class Parser {
  readonly sections: UciSection[] = [];
  readonly statements: Statement[] = [];
  private readonly byName = new Map<string, UciSection>();
  private section: UciSection | undefined;
  private pos = 0;
  /** Where the buffered line ends: after its newline, or where a comment or `;` cut it short. */
  private end = 0;
  /** Where the line after the buffered one starts. */
  private next = 0;
  private line = 0;
  private semicolon = false;
  /** Where the latest argument stands, quotes included. */
  private argument = { from: 0, to: 0 };

  constructor(private readonly text: string) {
    if (text.length > MAX_UCI_LENGTH)
      throw new UciError(`expected at most ${MAX_UCI_LENGTH} characters, got ${text.length}`, 1, 1);
    const nul = text.indexOf('\0');
    if (nul >= 0) throw this.error('expected text, got a NUL', nul);
    while (this.next < text.length) this.readLine();
  }

  /** One line with all that it carries over to the following ones. */
  private readLine(): void {
    const from = this.next;
    const first = this.statements.length;
    this.semicolon = false;
    this.fetch();
    this.skipSpace();
    let count = 0;
    while (this.readStatement()) count++;
    for (const statement of this.statements.slice(first)) {
      statement.from = from;
      statement.to = this.next;
      statement.alone = count === 1 && !this.semicolon;
    }
  }

  /** Continues with the following line, whatever is left of this one; at the end of the text, with nothing. */
  private fetch(): void {
    const newline = this.text.indexOf('\n', this.next);
    this.pos = this.next;
    if (this.next < this.text.length) this.line++;
    this.end = this.next = newline < 0 ? this.text.length : newline + 1;
  }

  /** False at the end of the line. */
  private readStatement(): boolean {
    while (this.pos < this.end && BLANK.includes(this.text[this.pos]!)) this.pos++;
    const from = this.pos;
    let to = from;
    while (to < this.end && !BLANK.includes(this.text[to]!)) to++;
    if (from === to || this.text[from] === '#') return false;
    const word = this.text.slice(from, to);
    const keyword = KEYWORDS.find(({ short, long }) => word === short || word === long);
    if (!keyword)
      throw this.error(`expected config, option, list or package, got ${show(word.trimEnd() || word)}`, from);
    if (to === this.end) throw this.error(`expected an argument after ${keyword.long}, got the end of the file`, to);
    this.pos = to + 1;
    const { line } = this;
    if (keyword.long === 'package') this.readPackage();
    else if (keyword.long === 'config') this.readConfig(line, from);
    else this.readOption(keyword.long === 'list', line, from);
    return true;
  }

  private readPackage(): void {
    const name = this.readRequired("the package's name");
    if (!/^[A-Za-z0-9_-]+$/.test(name))
      throw this.error(`expected a package name of letters, digits, _ and -, got ${show(name)}`, this.argument.from);
    this.readEnd();
  }

  private readConfig(line: number, from: number): void {
    const type = this.readRequired("the section's type");
    if (!isUciType(type))
      throw this.error(`expected a section type of printable ASCII, got ${show(type)}`, this.argument.from);
    const name = this.readArgument();
    const named = this.argument.from;
    if (name !== '') this.checkName(name, 'section');
    this.readEnd();
    const known = this.byName.get(name);
    if (known && known.type !== type) {
      const wanted = `type ${show(known.type)} as in line ${known.line}`;
      throw this.error(`section ${show(name)}: expected ${wanted}, got ${show(type)}`, named);
    }
    if (!known && this.sections.length === MAX_UCI_SECTIONS)
      throw this.error(`expected at most ${MAX_UCI_SECTIONS} sections, got more`, from);
    this.section = known ?? this.addSection(type, name, line);
    this.record(line, undefined);
  }

  private addSection(type: string, name: string, line: number): UciSection {
    const anonymous = name === '';
    const section: UciSection = {
      type,
      name: anonymous ? madeName(type, this.sections.length + 1) : name,
      anonymous,
      line,
      options: new Map(),
    };
    this.sections.push(section);
    if (!this.byName.has(section.name)) this.byName.set(section.name, section);
    return section;
  }

  private readOption(list: boolean, line: number, from: number): void {
    if (!this.section) throw this.error(`expected config first, got ${list ? 'list' : 'option'}`, from);
    const name = this.readRequired("the option's name");
    this.checkName(name, 'option');
    const value = this.readArgument();
    const place = this.argument;
    this.readEnd();
    this.record(line, { name, value, ...place });
    const { options } = this.section;
    const old = options.get(name)?.value;
    if (list) options.set(name, { value: old === undefined ? [value] : appended(old, value), line });
    else if (value !== '') options.set(name, { value, line });
  }

  private record(line: number, option: Statement['option']): void {
    const statement: Statement = { section: this.section!, line, from: 0, to: 0, alone: false };
    if (option) statement.option = option;
    this.statements.push(statement);
  }

  private readRequired(what: string): string {
    const from = this.pos;
    const text = this.readArgument();
    if (text === '') throw this.error(`expected ${what}, got nothing`, from);
    return text;
  }

  /** After the last argument. An empty one, `''`, passes unseen in libuci too. */
  private readEnd(): void {
    const extra = this.readArgument();
    if (extra !== '') throw this.error(`expected the end of the line, got ${show(extra)}`, this.argument.from);
  }

  /** The next argument; empty when there is none. */
  private readArgument(): string {
    this.skipSpace();
    const from = this.pos;
    if (this.current() === ';') {
      this.semicolon = true;
      this.argument = { from, to: from };
      this.pos++;
      return '';
    }
    let value = '';
    /** Quotes or backslashes were taken out: libuci's copy ends before the cursor. */
    let shorter = false;
    for (;;) {
      const char = this.current();
      if (char === '') break;
      if (char === ';') {
        // libuci ends its copy with a NUL: where nothing was taken out, that falls on the `;` and hides what follows
        this.semicolon = true;
        if (!shorter) this.end = this.pos;
        break;
      }
      if (char === '#') {
        this.end = this.pos;
        break;
      }
      if (char === "'" || char === '"') {
        shorter = true;
        value += this.readQuoted(char);
      } else if (char === '\\') {
        shorter = true;
        this.pos++;
        if (!this.joinsLines()) value += this.text[this.pos++];
      } else {
        const start = this.pos;
        while (this.pos < this.end && !SPECIAL.includes(this.text[this.pos]!)) this.pos++;
        value += this.text.slice(start, this.pos);
      }
      if (isSpace(this.current())) break;
    }
    this.argument = { from, to: this.pos };
    if (isSpace(this.current())) this.pos++;
    if (value.length > MAX_UCI_VALUE)
      throw this.error(`expected an argument of at most ${MAX_UCI_VALUE} characters, got ${value.length}`, from);
    return value;
  }

  private readQuoted(mark: string): string {
    const opened = this.pos++;
    const parts: string[] = [];
    let start = this.pos;
    for (;;) {
      const char = this.current();
      if (char === mark) break;
      if (char === '') {
        parts.push(this.text.slice(start, this.pos));
        this.fetch();
        start = this.pos;
        if (this.current() === '') throw this.error(`expected a closing ${mark}, got the end of the file`, opened);
      } else if (char === '\\' && mark === '"') {
        parts.push(this.text.slice(start, this.pos++));
        if (this.joinsLines()) start = this.pos;
        else start = this.pos++;
      } else this.pos++;
    }
    parts.push(this.text.slice(start, this.pos++));
    return parts.join('');
  }

  /** After a backslash: at the end of a line, goes on with the next one. */
  private joinsLines(): boolean {
    const rest = this.end - this.pos;
    const char = this.current();
    if (char !== '' && char !== '\n' && !(char === '\r' && rest === 2 && this.text[this.pos + 1] === '\n'))
      return false;
    this.fetch();
    return true;
  }

  /** The character under the cursor; empty at the end of the line. */
  private current(): string {
    return this.pos < this.end ? this.text[this.pos]! : '';
  }

  private skipSpace(): void {
    while (isSpace(this.current())) this.pos++;
  }

  private checkName(name: string, what: string): void {
    if (!isUciName(name))
      throw this.error(`expected ${what} name of letters, digits and _, got ${show(name)}`, this.argument.from);
  }

  private error(message: string, at: number): UciError {
    const before = this.text.slice(0, at);
    const line = before.split('\n').length;
    return new UciError(message, line, at - (before.lastIndexOf('\n') + 1) + 1);
  }
}

function isSpace(char: string): boolean {
  return char !== '' && SPACE.includes(char);
}

function appended(old: string | string[], value: string): string[] {
  if (typeof old === 'string') return [old, value];
  old.push(value);
  return old;
}

/** libuci's name of the `count`-th section, when it has none: 16 bits of Bernstein's hash over the type. */
function madeName(type: string, count: number): string {
  let hash = 5381;
  for (let i = 0; i < type.length; i++) hash = (hash * 33 + type.charCodeAt(i)) & 0xffff;
  return `cfg${count.toString(16).padStart(2, '0')}${hash.toString(16).padStart(4, '0')}`;
}

function quote(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}

function formatOption(name: string, value: string | readonly string[]): string {
  if (typeof value === 'string') return `\toption ${name} ${quote(value)}\n`;
  return value.map((item) => `\tlist ${name} ${quote(item)}\n`).join('');
}

function formatSection(section: UciSection): string {
  const type = /['"#;\\]/.test(section.type) ? quote(section.type) : section.type;
  let text = `config ${type}${section.anonymous ? '' : ` ${quote(section.name)}`}\n`;
  for (const [name, { value }] of section.options) text += formatOption(name, value);
  return text;
}

function show(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

function checkName(name: string, what: 'section' | 'option'): void {
  if (!isUciName(name)) throw new InputError(`${what} name ${show(name)}: expected letters, digits and _`, what);
}

function checkValue(option: string, value: string): void {
  if (value === '') throw new InputError(`option ${option}: expected a value, got none: UCI drops it`, option);
  if (value.length > MAX_UCI_VALUE)
    throw new InputError(`option ${option}: expected at most ${MAX_UCI_VALUE} characters, got ${value.length}`, option);
  if (value.includes('\0')) throw new InputError(`option ${option}: expected text, got a NUL`, option);
}

function findSection(sections: readonly UciSection[], name: string): UciSection {
  const [section, ...others] = sections.filter((s) => s.name === name);
  if (!section) throw new InputError(`section ${show(name)}: expected one that exists`, 'section');
  if (others.length > 0)
    throw new InputError(`section ${show(name)}: expected one of this name, got several`, 'section');
  return section;
}

function editable(statement: Statement): Statement {
  if (!statement.alone)
    throw new InputError(`line ${statement.line}: expected one statement a line, to be edited, got more`, 'section');
  return statement;
}

/** What an edit made; reading it once more holds it to the limits. */
function checked(text: string): string {
  new Parser(text);
  return text;
}
