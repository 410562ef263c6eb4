import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { clean, columnsOf, count, fit, formatAge, formatTime, shorten, toJson } from '../../src/fleet/display.ts';

/** What a terminal would act upon, or what would hide or reorder something. */
const HOSTILE: [what: string, text: string][] = [
  ['an escape sequence', 'a\x1b[2J\x1b]0;title\x07b'],
  ['a C1 control, which some terminals take for an escape sequence', 'a\u009b31mb'],
  ['a carriage return over what stands there', 'good\rbad'],
  ['a line break', 'a\nb'],
  ['a NUL and a delete', 'a\0\x7fb'],
  ['text turned round', 'a\u202etxt.exe'],
  ['isolates', 'a\u2066b\u2069'],
  ['zero width', 'a\u200bb\ufeff\u2060'],
  ['tags', 'a\u{e0041}b'],
  ['half a pair', 'a\ud800b'],
  ['a private character', 'a\ue000b'],
  ['line separators', 'a\u2028b\u2029'],
  ['letters that show nothing', 'a\u3164\u115f\u2800b'],
];

const cleaning = suite('clean');
for (const [what, text] of HOSTILE)
  cleaning(`makes ${what} harmless`, () => {
    const shown = clean(text);
    assert.not.match(shown, /[\p{C}\p{Zl}\p{Zp}]/u);
    assert.match(shown, /^[a-z.\w? [\];]+$/);
    assert.match(shown, /^(a|good)/);
  });
cleaning('leaves what people write', () => {
  for (const text of ["Anna's roof", 'Müllerstraße 7', 'Дом', '家', 'São Paulo', 'e\u0301', '🏠 2'])
    assert.is(clean(text), text);
});
cleaning('takes down piles of marks', () => assert.is(clean(`a${'\u0301'.repeat(40)}b`), 'a\u0301\u0301b'));
cleaning('makes any blank a plain one', () => assert.is(clean('a\u00a0b\u3000c'), 'a b c'));
cleaning.run();

// ---

const widths = suite('columnsOf, shorten and fit');
widths('count what a terminal shows', () => {
  for (const [text, columns] of [
    ['abc', 3],
    ['é', 1],
    ['e\u0301', 1],
    ['家', 2],
    ['ｶ', 1],
    ['🏠', 2],
    ['한글', 4],
    ['', 0],
  ] as const)
    assert.is(columnsOf(text), columns, text);
});
widths('cut no character in two', () => {
  assert.is(shorten('abcdef', 6), 'abcdef');
  assert.is(shorten('abcdef', 5), 'abcd…');
  assert.is(shorten('家家家', 5), '家家…');
  assert.is(shorten('家家家', 4), '家…');
  assert.is(shorten('abc', 0), '');
});
widths('fill up to the edge, on either side', () => {
  assert.is(fit('ab', 4), 'ab  ');
  assert.is(fit('ab', 4, 'right'), '  ab');
  assert.is(columnsOf(fit('家家家', 4)), 4);
});
widths.run();

// ---

const json = suite('toJson');
json('escapes what JSON.stringify leaves to the terminal', () => {
  for (const [what, text] of HOSTILE) {
    const shown = toJson({ text });
    assert.not.match(shown, /[^\x20-\x7e\u2800\u3164\u115f\ue000]/, what);
    assert.equal(JSON.parse(shown), { text });
  }
});
json('leaves letters alone', () => assert.is(toJson('Müller 家'), '"Müller 家"'));
json.run();

// ---

const values = suite('formatAge, formatTime and count');
values('take the unit that fits', () =>
  assert.equal([0, 99, 100, 5999, 6000, 172_799, 172_800].map(formatAge), [
    '0s',
    '99s',
    '1m',
    '99m',
    '1h',
    '47h',
    '2d',
  ]),
);
values('show no moment that is none', () => {
  assert.is(formatTime(1_800_000_000), '2027-01-15 08:00 UTC');
  for (const odd of [Number.NaN, 1e300, Number.POSITIVE_INFINITY]) assert.is(formatTime(odd), 'no time');
});
values('tell one from many', () => assert.equal([count(1, 'node'), count(0, 'node')], ['1 node', '0 nodes']));
values.run();
