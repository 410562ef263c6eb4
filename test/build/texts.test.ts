import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { collectTexts, type Said, scanTexts } from '../../build/texts.ts';

const scan = suite('scanTexts');
const SOURCES: [what: string, source: string, said: Said[]][] = [
  ['a literal', "x(_('a b'));", [{ id: 'a b' }]],
  ['one on a line of its own, as the formatter leaves it', "_(\n  'a b',\n)", [{ id: 'a b' }]],
  ['one in double quotes, with escapes', `_("it's \\u201ca\\u201d \\"b\\" \\\\");`, [{ id: 'it\'s “a” "b" \\' }]],
  ['plurals, over lines', "N_(\n f(a, [b, { c }]),\n '%d a',\n '%d as',\n)", [{ id: '%d a', plural: '%d as' }]],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a program
  ['a place in a template', "`a ${_('b')} c`", [{ id: 'b' }]],
  ['what follows a regular expression with a quote', "/[/'\"]/.test(a) ? _('b') : c / d", [{ id: 'b' }]],
  ['a division', "a / _('b') / c", [{ id: 'b' }]],
  ['no comment', "// _('a')\n/* _('b')\n */ c", []],
  ['no text that looks like one', `"_('a')"`, []],
  ['no other function', "a._('b'); my_('c'); _x('d');", []],
  ['no parameter', '(_: string) => 0', []],
];
for (const [what, source, said] of SOURCES) scan(`finds ${what}`, () => assert.equal(scanTexts(source, 'a.ts'), said));
const REFUSED: [what: string, source: string, got: RegExp][] = [
  ['a variable', '\n_(a)', /^a\.ts:2: expected _\(\) of literals, got a$/],
  ['a template', '_(`a`)', /got `$/],
  ['a sum', "_('a' + b)", /got 'a' \+$/],
  ['a second argument', "_('a', 'b')", /got 'a' ,$/],
  ['a variable plural', "N_(1, 'a', b)", /^a\.ts:1: expected N_\(\) of literals, got b$/],
  ['a plural without many', "N_(1, 'a')", /got 'a' \)$/],
  ['a plural without end', 'N_(1', /got the end$/],
  ['HTML', "_('a <b>')", /which LuCI's forms take for HTML$/],
];
for (const [what, source, got] of REFUSED)
  scan(`refuses ${what}`, () =>
    assert.throws(
      () => scanTexts(source, 'a.ts'),
      (error: Error) => got.test(error.message),
    ),
  );
scan.run();

// ---

const collect = suite('collectTexts');
collect('has each text once, with all files that say it, in an order of its own', () => {
  const b: [string, Said[]] = ['b.ts', [{ id: '2' }, { id: '1' }]];
  const a: [string, Said[]] = ['a.ts', [{ id: '3', plural: '3s' }, { id: '1' }, { id: '1' }]];
  const expected = [
    { id: '3', plural: '3s', files: ['a.ts'], translations: [] },
    { id: '1', files: ['a.ts', 'b.ts'], translations: [] },
    { id: '2', files: ['b.ts'], translations: [] },
  ];
  assert.equal(collectTexts([b, a]), expected);
  assert.equal(collectTexts([a, b]), expected);
});
collect('refuses a text that has a plural here and none there', () => {
  const texts: [string, Said[]][] = [
    ['a.ts', [{ id: 'a', plural: 'as' }]],
    ['b.ts', [{ id: 'a' }]],
  ];
  assert.throws(() => collectTexts(texts), /b\.ts: expected a with the same plural as in a\.ts, got none/);
});
for (const id of ['', ' a', 'a  b', 'a\nb'])
  collect(`refuses what LuCI cannot look up: ${JSON.stringify(id)}`, () => {
    assert.throws(
      () => collectTexts([['a.ts', [{ id }]]]),
      /a\.ts: expected a text that LuCI can look up, got (an empty|blanks)/,
    );
  });
collect.run();
