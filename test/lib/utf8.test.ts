import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fromHex, toHex } from '../../src/lib/bytes.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';

const TEXTS: [string, string][] = [
  ['', ''],
  ['mesh', '6d657368'],
  ['höme', '68c3b66d65'],
  ['€ 5', 'e282ac2035'],
  ['a😀b', '61f09f988062'],
];

const encode = suite('encodeUtf8');
for (const [text, hex] of TEXTS)
  encode(`encodes ${JSON.stringify(text)}`, () => assert.is(toHex(encodeUtf8(text)), hex));
encode('replaces lone surrogates', () => {
  assert.is(toHex(encodeUtf8('\ud800x')), 'efbfbd78');
  assert.is(toHex(encodeUtf8('\udc00')), 'efbfbd');
});
encode.run();

const decode = suite('decodeUtf8');
for (const [text, hex] of TEXTS) decode(`decodes ${hex}`, () => assert.is(decodeUtf8(fromHex(hex)), text));
decode('decodes a long text whole', () => {
  const text = 'é😀x'.repeat(5000);
  assert.is(decodeUtf8(encodeUtf8(text)), text);
});
decode('decodes what lies across the borders of its parts', () => {
  for (let before = 1020; before < 1030; before++)
    for (const mark of ['é', '€', '😀']) {
      const text = 'a'.repeat(before) + mark + 'b'.repeat(2000) + mark;
      assert.is(decodeUtf8(encodeUtf8(text)), text, `~> ${mark} at ${before}`);
    }
  assert.is(decodeUtf8(encodeUtf8(`${'a'.repeat(1023)}€`), 0, 1024), `${'a'.repeat(1023)}\ufffd`);
});
decode('decodes a part', () => assert.is(decodeUtf8(encodeUtf8('abcdef'), 2, 4), 'cd'));
const FAULTY: [string, string][] = [
  ['80', '\ufffd'],
  ['c0af', '\ufffd\ufffd'],
  ['c3', '\ufffd'],
  ['e28241', '\ufffdA'],
  ['eda080', '\ufffd\ufffd\ufffd'],
  ['f4908080', '\ufffd\ufffd\ufffd\ufffd'],
  ['ff61', '\ufffda'],
];
for (const [hex, text] of FAULTY)
  decode(`replaces what is faulty in ${hex}`, () => assert.is(decodeUtf8(fromHex(hex)), text));
decode.run();

const hex = suite('fromHex');
hex('refuses odd counts and other digits', () => {
  assert.throws(() => fromHex('abc'), /pairs of digits/);
  assert.throws(() => fromHex('zz'), /pairs of digits/);
});
hex.run();
