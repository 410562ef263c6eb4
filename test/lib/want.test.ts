import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.ts';
import { CONFIRM_S, parseConfirmS, parseWant } from '../../src/lib/want.ts';

const parse = suite('parseWant');
const WANT = { gen: 7, aud: { node: 'abcdefghijklm' }, changes: [{ unset: 'meshbridge.main.probe' }] };
const text = (more: object = {}): string => JSON.stringify({ ...WANT, ...more });
parse('takes what must be there, and fills in the rest', () => {
  assert.equal(parseWant(text()), {
    gen: 7,
    audience: 'node',
    name: 'abcdefghijklm',
    confirmS: 120,
    changes: [{ unset: 'meshbridge.main.probe' }],
  });
});
parse('takes what may be there', () => {
  const want = parseWant(
    text({ aud: { site: 'hill-1' }, not_before: 0, exp: 1_800_000_000, confirm_s: 30, changes: [] }),
  );
  assert.equal(want, {
    gen: 7,
    audience: 'site',
    name: 'hill-1',
    notBefore: 0,
    exp: 1_800_000_000,
    confirmS: 30,
    changes: [],
  });
});
const REFUSED: [string, string][] = [
  ['', 'body: expected JSON'],
  ['[]', 'body: expected a table'],
  ['null', 'body: expected a table'],
  ['['.repeat(16_000), 'body: expected JSON'],
  [text({ when: 1 }), 'body: expected gen, aud, not_before, exp, confirm_s, changes, got "when"'],
  [text({ gen: undefined }), 'gen: missing'],
  [text({ gen: 0 }), 'gen: expected a whole number from 1'],
  [text({ gen: 1.5 }), 'gen: expected a whole number from 1'],
  [text({ gen: '7' }), 'gen: expected a whole number from 1'],
  [text({ gen: 2 ** 53 }), 'gen: expected a whole number from 1'],
  [text({ aud: undefined }), 'aud: expected a table'],
  [text({ aud: {} }), 'aud: expected node or site'],
  [text({ aud: { node: 'a', site: 'b' } }), 'aud: expected node or site'],
  [text({ aud: { all: 'x' } }), 'aud: expected node or site'],
  [text({ aud: { site: '' } }), 'aud.site: expected 1 to 32 of a-z, 0-9 and -'],
  [text({ aud: { site: 'a/b' } }), 'aud.site: expected 1 to 32 of a-z, 0-9 and -'],
  [text({ aud: { node: 7 } }), 'aud.node: expected 1 to 32 of a-z, 0-9 and -'],
  [text({ exp: -1 }), 'exp: expected a whole number from 0'],
  [text({ exp: null }), 'exp: expected a whole number from 0'],
  [text({ not_before: 'now' }), 'not_before: expected a whole number from 0'],
  [text({ confirm_s: 29 }), 'confirm_s: expected a whole number from 30 to 600'],
  [text({ confirm_s: 601 }), 'confirm_s: expected a whole number from 30 to 600'],
  [text({ changes: undefined }), 'changes: expected a list'],
  [text({ changes: [{}] }), 'changes[0]: expected {set, to}'],
];
for (const [body, words] of REFUSED)
  parse(`refuses ${body.slice(0, 70)}`, () => {
    assert.throws(
      () => parseWant(body),
      (error: unknown) => error instanceof InputError && error.message.startsWith(words),
    );
  });
parse.run();

const confirm = suite('parseConfirmS');
confirm('is the usual one where none is given, and has bounds', () => {
  assert.is(parseConfirmS(undefined), CONFIRM_S.usual);
  assert.is(parseConfirmS(CONFIRM_S.most), CONFIRM_S.most);
  for (const bad of [CONFIRM_S.least - 1, CONFIRM_S.most + 1, '60', null, Number.NaN])
    assert.throws(() => parseConfirmS(bad), /^confirm_s: expected/);
});
confirm.run();
