import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatPo, type Po, parsePo } from '../../build/po.ts';
import { inProject } from '../../build/project.ts';

const HEAD = 'msgid ""\nmsgstr ""\n"Language: de\\n"\n\n';

const parse = suite('parsePo');
parse('reads texts, plural forms, wrapped lines and escapes', () => {
  const { header, messages } = parsePo(
    readFileSync(inProject('test/fixtures/packaging/made-catalogue.po'), 'utf8'),
    'x',
  );
  assert.is(header.get('Plural-Forms'), 'nplurals=2; plural=(n != 1);');
  const find = (id: string) => messages.find((message) => message.id === id);
  assert.equal(find('Peers'), { id: 'Peers', files: ['a.ts'], translations: ['Nachbarn'] });
  assert.equal(find('missing')!.translations, ['']);
  assert.equal(find('%d peer'), {
    id: '%d peer',
    plural: '%d peers',
    files: ['a.ts'],
    translations: ['ein Nachbar', '%d Nachbarn'],
  });
  assert.equal(find('a "quoted" text with a back\\slash')!.translations, ['ein "Text" mit \\ darin']);
  assert.equal(find('wrapped by an editor')!.translations, ['umbrochen von einem Programm']);
});
const BROKEN: [what: string, text: string, complaint: RegExp][] = [
  [
    'a fuzzy translation',
    `${HEAD}#, fuzzy\nmsgid "a"\nmsgstr "b"\n`,
    /^x:5: expected a translation that somebody checked/,
  ],
  ['a context', `${HEAD}msgctxt "a"\n`, /^x:5: expected msgid, .* got msgctxt "a"$/],
  ['a text without a name', `${HEAD}"a"\n`, /^x:5: expected msgid/],
  ['an open quote', `${HEAD}msgid "a\n`, /^x:5: expected msgid/],
  ['a text without msgstr', `${HEAD}msgid "a"\n\nmsgid "b"\nmsgstr ""\n`, /^x:6: expected msgid, and msgstr after it$/],
  ['a translation of nothing', `${HEAD}msgstr "a"\n`, /^x:6: expected msgid/],
  ['two translations', `${HEAD}msgid "a"\nmsgstr "b"\nmsgstr "c"\n`, /^x:7: expected one msgstr/],
  ['a comment alone', `${HEAD}#: a.ts\n`, /^x:6: expected msgid/],
  ['no header', 'msgid "a"\nmsgstr "b"\n', /^x:1: expected the header/],
  [
    'a header of no fields',
    'msgid ""\nmsgstr "Language\\n"\n',
    /^x:1: expected name: value in the header, got Language$/,
  ],
  ['nothing', '', /^x:1: expected the header/],
];
for (const [what, text, complaint] of BROKEN)
  parse(`refuses ${what}`, () =>
    assert.throws(
      () => parsePo(text, 'x'),
      (error: Error) => complaint.test(error.message),
    ),
  );
parse.run();

// ---

const format = suite('formatPo');
format('is what parsePo reads', () => {
  const po: Po = {
    header: new Map([
      ['Language', 'de'],
      ['Plural-Forms', 'nplurals=2; plural=(n != 1);'],
    ]),
    messages: [
      { id: 'a', files: ['a.ts', 'b.ts'], translations: ['"ä"\\'] },
      { id: '%d b', plural: '%d bs', files: ['b.ts'], translations: ['', 'ß'] },
    ],
  };
  const text = formatPo(po);
  assert.equal(parsePo(text, 'x'), po);
  assert.is(formatPo(parsePo(text, 'x')), text);
});
format('gives a template an empty translation for each form', () => {
  const messages = [{ id: 'a', plural: 'b', files: [], translations: [] }];
  assert.match(
    formatPo({ header: new Map(), messages }),
    /msgid "a"\nmsgid_plural "b"\nmsgstr\[0\] ""\nmsgstr\[1\] ""\n/,
  );
});
format.run();
