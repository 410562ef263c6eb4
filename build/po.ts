// Catalogues of texts in gettext's PO format, as far as translators and LuCI's tools use it: one text a line where we write, several where
// an editor wrapped it, singular and plural, no context.
//
//   #: file               where it comes from
//   msgid "…"             the English text
//   msgid_plural "…"      the one for several
//   msgstr "…"            the translation; empty: missing
//   msgstr[0] "…"         the one for each plural form
//
// The first entry has an empty msgid: its msgstr is the header, `Name: value\n` by line. Source: GNU gettext's manual, "PO Files".

/** One text and its translations. */
export interface Message {
  id: string;
  plural?: string;
  /** Where it is said, relative to the root, sorted. */
  files: readonly string[];
  /** One, or one for each plural form; an empty one is missing. None in a template. */
  translations: readonly string[];
}

/** A file of them. */
export interface Po {
  /** Fields of the header, in their order. */
  header: ReadonlyMap<string, string>;
  messages: readonly Message[];
}

/** Header fields of every file of ours: no dates and no names, so that equal texts are equal files. */
export const HEADER: readonly [string, string][] = [
  ['Project-Id-Version', 'meshbridge'],
  ['MIME-Version', '1.0'],
  ['Content-Type', 'text/plain; charset=UTF-8'],
  ['Content-Transfer-Encoding', '8bit'],
];

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n').replace(/\t/g, '\\t')}"`;
}

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', '"': '"', '\\': '\\' };

function unquote(quoted: string): string {
  return quoted.replace(/\\(.)/g, (whole, escaped: string) => ESCAPES[escaped] ?? whole);
}

/** The text of a file; a template's texts have one empty translation, or two. */
export function formatPo({ header, messages }: Po): string {
  const lines = ['msgid ""', 'msgstr ""', ...[...header].map(([name, value]) => quote(`${name}: ${value}\n`)), ''];
  for (const { id, plural, files, translations } of messages) {
    lines.push(...files.map((file) => `#: ${file}`), `msgid ${quote(id)}`);
    if (plural === undefined) lines.push(`msgstr ${quote(translations[0] ?? '')}`);
    else {
      const forms = translations.length > 0 ? translations : ['', ''];
      lines.push(`msgid_plural ${quote(plural)}`, ...forms.map((form, at) => `msgstr[${at}] ${quote(form)}`));
    }
    lines.push('');
  }
  return lines.join('\n');
}

/** Reads a file. @throws Error that names the line: on what it does not know, contexts among it, and on fuzzy translations. */
export function parsePo(text: string, path: string): Po {
  const messages: Message[] = [];
  let files: string[] = [];
  let fields = new Map<string, string>();
  let last = '';

  const finish = (at: number): void => {
    if (fields.size === 0 && files.length === 0) return;
    const id = fields.get('msgid');
    if (id === undefined || last === 'msgid' || last === 'msgid_plural')
      throw new Error(`${path}:${at}: expected msgid, and msgstr after it`);
    const plural = fields.get('msgid_plural');
    const translations: string[] = [];
    for (const [name, value] of fields) if (name.startsWith('msgstr')) translations.push(value);
    messages.push({ id, ...(plural !== undefined && { plural }), files, translations });
    files = [];
    fields = new Map();
    last = '';
  };

  for (const [index, line] of text.split('\n').entries()) {
    const at = index + 1;
    const refused = (why: string): Error => new Error(`${path}:${at}: ${why}, got ${line}`);
    if (line.startsWith('#: ')) {
      if (fields.size > 0) finish(at);
      files.push(line.slice('#: '.length));
    } else if (/^#,.*\bfuzzy\b/.test(line)) throw refused('expected a translation that somebody checked');
    else if (line === '') finish(at);
    else if (!line.startsWith('#')) {
      const [, name, quoted] = /^(?:(msgid|msgid_plural|msgstr|msgstr\[\d\]) )?"((?:[^"\\]|\\.)*)"$/.exec(line) ?? [];
      if (quoted === undefined || !(name ?? last))
        throw refused('expected msgid, msgid_plural, msgstr or a quoted text');
      if (name === 'msgid' && fields.size > 0) finish(at);
      if (name !== undefined && fields.has(name)) throw refused(`expected one ${name}`);
      last = name ?? last;
      fields.set(last, (name === undefined ? (fields.get(last) ?? '') : '') + unquote(quoted));
    }
  }
  finish(text.split('\n').length);

  const [head, ...rest] = messages;
  if (head?.id !== '') throw new Error(`${path}:1: expected the header, an entry with an empty msgid`);
  const header = new Map<string, string>();
  for (const line of head.translations[0]!.split('\n').filter(Boolean)) {
    const [, name, value] = /^([\w-]+): (.*)$/.exec(line) ?? [];
    if (name === undefined) throw new Error(`${path}:1: expected name: value in the header, got ${line}`);
    header.set(name, value!);
  }
  return { header, messages: rest };
}
