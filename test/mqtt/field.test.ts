import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError, WireError } from '../../src/errors.ts';
import { fromHex, toHex } from '../../src/lib/bytes.ts';
import { Cursor, MAX_VARIABLE, toPacket, Writer } from '../../src/mqtt/field.ts';

/** From the table in MQTT 5.0, section 1.5.5, and between. */
const VARIABLES: [number, string][] = [
  [0, '00'],
  [1, '01'],
  [127, '7f'],
  [128, '8001'],
  [300, 'ac02'],
  [16_383, 'ff7f'],
  [16_384, '808001'],
  [2_097_151, 'ffff7f'],
  [2_097_152, '80808001'],
  [MAX_VARIABLE, 'ffffff7f'],
];

function written(write: (writer: Writer) => void): string {
  const writer = new Writer();
  write(writer);
  return toHex(Uint8Array.from(writer.bytes));
}

function refusal(read: (cursor: Cursor) => unknown, hex: string): WireError {
  try {
    read(new Cursor(fromHex(hex), 0));
  } catch (error) {
    assert.instance(error, WireError);
    return error as WireError;
  }
  throw new Error(`${hex}: expected a refusal`);
}

const cursor = suite('Cursor');
cursor('reads integers, most significant byte first', () => {
  const it = new Cursor(fromHex('0102038004ff'), 0);
  assert.is(it.uint8('a'), 1);
  assert.is(it.uint16('b'), 0x0203);
  assert.is(it.left, 3);
  assert.is(new Cursor(fromHex('fffefdfc'), 0).uint32('c'), 0xfffefdfc);
});
for (const [value, hex] of VARIABLES)
  cursor(`reads ${value}`, () => assert.is(new Cursor(fromHex(hex), 0).variable('n'), value));
cursor('stays between its bounds', () => {
  const bytes = fromHex('0001020304');
  const it = new Cursor(bytes, 1, 3);
  assert.is(it.uint16('n'), 0x0102);
  assert.throws(
    () => it.uint8('n'),
    (error: Error) => error instanceof WireError && error.message === 'n: 0 bytes left, expected 1 at byte 3',
  );
});
cursor('reads text of any script', () => {
  const bytes = fromHex('000d61c3a4e282acf09f93b6efbfbd');
  assert.is(new Cursor(bytes, 0).text('t'), 'aä€📶\ufffd');
  assert.is(new Cursor(fromHex('0000'), 0).text('t'), '');
});
cursor('keeps a byte order mark', () => assert.is(new Cursor(fromHex('0003efbbbf'), 0).text('t'), '\ufeff'));
for (const [what, hex, text, offset] of [
  ['a number in more bytes than it needs', '8000', /more bytes than the number needs/, 0],
  ['the same with three', '818000', /more bytes than the number needs/, 0],
  ['a number of five bytes', '8080808001', /a number of more than four bytes/, 0],
  ['a number that is cut off', '80', /0 bytes left, expected 1/, 1],
] as const)
  cursor(`refuses ${what}`, () => {
    const error = refusal((it) => it.variable('n'), hex);
    assert.match(error.message, text);
    assert.is(error.offset, offset);
  });
for (const [what, hex, text] of [
  ['without its length', '00', /1 bytes left, expected 2/],
  ['that is cut off', '000361', /1 bytes left, expected 3/],
  ['with a NUL', '0003610062', /a NUL in it/],
  ['with half a surrogate pair', '0003eda080', /no UTF-8/],
  ['with an overlong form', '0002c080', /no UTF-8/],
  ['that ends within a character', '0002c3', /expected 2/],
  ['with a lone continuation byte', '000180', /no UTF-8/],
  ['beyond Unicode', '0004f4908080', /no UTF-8/],
  ['with a replacement beside a fault', '0004efbfbdff', /no UTF-8/],
] as const)
  cursor(`refuses text ${what}`, () => assert.match(refusal((it) => it.text('t'), hex).message, text));
cursor('does not copy bytes', () => {
  const bytes = fromHex('00020102');
  assert.is(new Cursor(bytes, 0).binary('b').buffer, bytes.buffer);
});
cursor.run();

// ---

const writer = suite('Writer');
for (const [value, hex] of VARIABLES)
  writer(`writes ${value}`, () =>
    assert.is(
      written((it) => it.variable(value)),
      hex,
    ),
  );
writer('writes integers, text and bytes', () => {
  const bytes = written((it) => {
    it.uint8(255);
    it.uint16(0x0102);
    it.uint32(0xfffefdfc);
    it.text('aä📶', 't');
    it.binary(fromHex('0102'), 'b');
    it.raw([9]);
  });
  assert.is(bytes, 'ff0102fffefdfc000761c3a4f09f93b60002010209');
});
for (const text of ['a\0', '\ud800', 'a\udc00b', '\udc00\ud800'])
  writer(`refuses ${JSON.stringify(text)}`, () =>
    assert.throws(
      () => written((it) => it.text(text, 'topic')),
      (error: Error) => error instanceof InputError && error.field === 'topic',
    ),
  );
writer('takes 65,535 bytes and no more', () => {
  assert.is(written((it) => it.text('a'.repeat(65_535), 't')).length, 2 * 65_537);
  assert.throws(() => written((it) => it.text('a'.repeat(65_536), 't')), /65536 bytes, expected at most 65535/);
  assert.throws(() => written((it) => it.binary(new Uint8Array(65_536), 'b')), /65536 bytes, expected at most 65535/);
});
writer.run();

// ---

const packet = suite('toPacket');
packet('has just the size that it needs, whatever its length takes', () => {
  for (const size of [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152]) {
    const head = size < 128 ? 2 : size < 16_384 ? 3 : size < 2_097_152 ? 4 : 5;
    const bytes = toPacket(0x30, new Writer(), new Uint8Array(size).fill(7));
    assert.is(bytes.length, head + size);
    assert.is(bytes.buffer.byteLength, head + size);
    assert.is(new Cursor(bytes, 1).variable('length'), size);
    if (size > 0) assert.equal([bytes[head], bytes.at(-1)], [7, 7]);
  }
});
packet('has its fields before its last bytes', () => {
  const fields = new Writer();
  fields.uint16(0x0102);
  assert.is(toHex(toPacket(0x30, fields, fromHex('0304'))), '300401020304');
});
packet.run();
