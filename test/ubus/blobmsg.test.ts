import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fromHex, toHex } from '../../src/lib/bytes.ts';
import { readInt64, writeInt64 } from '../../src/ubus/blob.ts';
import {
  BLOBMSG_TYPE_ARRAY,
  BLOBMSG_TYPE_INT64,
  BLOBMSG_TYPE_UNSPEC,
  decodeTable,
  encodeTable,
  firstValueOffset,
  type Layout,
  layoutType,
  MAX_NESTING,
  type Table,
  type TableLayout,
  type Value,
} from '../../src/ubus/blobmsg.ts';

/** A member named `n`, as hex. */
const MEMBERS: [what: string, value: Value, hex: string][] = [
  ['null', null, '8000000800016e00'],
  ['true', true, '8700000900016e0001000000'],
  ['false', false, '8700000900016e0000000000'],
  ['0', 0, '8500000c00016e0000000000'],
  ['the largest int32', 2147483647, '8500000c00016e007fffffff'],
  ['the smallest int32', -2147483648, '8500000c00016e0080000000'],
  ['an integer beyond int32', 2147483648, '8400001000016e000000000080000000'],
  ['a negative one', -2147483649, '8400001000016e00ffffffff7fffffff'],
  ['the largest exact integer', Number.MAX_SAFE_INTEGER, '8400001000016e00001fffffffffffff'],
  ['the smallest exact integer', Number.MIN_SAFE_INTEGER, '8400001000016e00ffe0000000000001'],
  ['a bigint', 2n ** 53n, '8400001000016e000020000000000000'],
  ['the smallest bigint', -(2n ** 63n), '8400001000016e008000000000000000'],
  ['a fraction', 1.5, '8800001000016e003ff8000000000000'],
  ['an integer beyond 2^53', 1e20, '8800001000016e004415af1d78b58c40'],
  ['infinity', Number.POSITIVE_INFINITY, '8800001000016e007ff0000000000000'],
  ['an empty string', '', '8300000900016e0000000000'],
  ['a string', 'abc', '8300000c00016e0061626300'],
  ['UTF-8', 'hé', '8300000c00016e0068c3a900'],
  ['an empty list', [], '8100000800016e00'],
  ['an empty table', {}, '8200000800016e00'],
  ['a list', [1, 'x'], '8100002000016e008500000c00000000000000018300000a0000000078000000'],
  ['a table', { k: [] }, '8200001000016e008100000800016b00'],
];

const encode = suite('encodeTable');
for (const [what, value, hex] of MEMBERS)
  encode(`writes ${what}`, () => assert.is(toHex(encodeTable({ n: value })), hex));
encode('writes a small bigint as int64', () =>
  assert.is(toHex(encodeTable({ n: 1n })), '8400001000016e000000000000000001'),
);
encode('leaves out what is undefined', () => assert.is(encodeTable({ a: undefined }).length, 0));
encode('pads names and ends texts at a NUL, as C strings end', () => {
  assert.equal(decodeTable(encodeTable({ 'a\0b': 'x\0y', naïve: 'é\0é' })), { a: 'x', naïve: 'é' });
});
encode('grows with the content', () => {
  const list = Array.from({ length: 5000 }, (_, i) => ({ i, name: `node ${i}` }));
  assert.equal(decodeTable(encodeTable({ list })), { list });
});
encode('refuses what has no blobmsg type, naming where it is', () => {
  assert.throws(() => encodeTable({ a: [{ b: () => 1 }] }), /^a\[0\]\.b: expected a JSON value, got function$/);
  assert.throws(() => encodeTable({ a: 2n ** 63n }), /a: expected 64 bits, got 9223372036854775808/);
});
encode('refuses a circle instead of running round it', () => {
  const circle: Table = {};
  circle.c = circle;
  assert.throws(() => encodeTable(circle), /at most 32 levels/);
});
encode('refuses more than 1 MiB', () =>
  assert.throws(() => encodeTable({ a: 'x'.repeat(1_048_577) }), /more than 1048576 bytes/),
);
encode.run();

const LAYOUT = {
  age_ms: 'int64',
  name: 'string',
  'note?': 'string',
  ok: 'bool',
  count: 'int32',
  rate: 'double',
  any: 'json',
  list: [{ 'port?': 'int32', path: ['int64'] }],
  inner: { x: 'bool' },
} as const satisfies TableLayout;
const FULL = {
  age_ms: 5,
  name: 'höme',
  note: '',
  ok: true,
  count: -1,
  rate: 2,
  any: { free: [null, 1.5] },
  list: [{ port: 1, path: [1, 2 ** 40] }, { path: [] }],
  inner: { x: false },
};

const layout = suite('encodeTable with a layout');
layout('writes what decodes to the same', () => assert.equal(decodeTable(encodeTable(FULL, LAYOUT)), FULL));
layout('gives each field its type, whatever the value', () => {
  assert.is(toHex(encodeTable({ n: 1 }, { n: 'int64' })), '8400001000016e000000000000000001');
  assert.is(toHex(encodeTable({ n: -1 }, { n: 'int64' })), '8400001000016e00ffffffffffffffff');
  assert.is(toHex(encodeTable({ n: 7n }, { n: 'int64' })), '8400001000016e000000000000000007');
  assert.is(toHex(encodeTable({ n: 2 }, { n: 'double' })), '8800001000016e004000000000000000');
  assert.is(toHex(encodeTable({ n: true }, { n: 'bool' })), '8700000900016e0001000000');
});
layout('writes the order of the layout and nothing that is not in it', () => {
  const { age_ms, ...rest } = FULL;
  assert.equal(Object.keys(decodeTable(encodeTable({ extra: 1, ...rest, age_ms }, LAYOUT))), Object.keys(FULL));
});
layout('equals the inferred encoding where the types agree', () => {
  const value = { s: 'x', b: false, l: [{ n: 1.5 }], t: {} };
  assert.equal(encodeTable(value, { s: 'string', b: 'bool', l: [{ n: 'double' }], t: {} }), encodeTable(value));
});
layout('can be used again after it failed', () => {
  assert.throws(
    () => encodeTable({ ...FULL, list: [{ path: ['x'] }] }, LAYOUT),
    /list\[0\]\.path\[0\]: expected int64, got string/,
  );
  assert.equal(decodeTable(encodeTable(FULL, LAYOUT)), FULL);
});
const WRONG: [what: string, value: unknown, type: Layout, text: RegExp][] = [
  ['a missing field', undefined, 'string', /f: expected string, got undefined/],
  ['null for a string', null, 'string', /f: expected string, got null/],
  ['a number for a bool', 1, 'bool', /f: expected bool, got 1/],
  ['a fraction for an int32', 1.5, 'int32', /f: expected int32, got 1.5/],
  ['too much for an int32', 2 ** 31, 'int32', /f: expected int32, got 2147483648/],
  ['NaN for an int64', Number.NaN, 'int64', /f: expected int64, got NaN/],
  ['an inexact int64', 2 ** 53, 'int64', /f: expected int64, got 9007199254740992/],
  ['too much for an int64', 2n ** 63n, 'int64', /f: expected int64/],
  ['a string for a double', '1', 'double', /f: expected double, got string/],
  ['a table for a list', {}, ['string'], /f: expected list, got a table/],
  ['a list for a table', [], {}, /f: expected table, got a list/],
  ['a field of a field', {}, { g: 'bool' }, /f\.g: expected bool, got undefined/],
];
for (const [what, value, type, text] of WRONG)
  layout(`refuses ${what}`, () =>
    assert.throws(
      () => encodeTable({ f: value }, { f: type }),
      (error: Error) => error instanceof TypeError && text.test(error.message),
    ),
  );
layout.run();

const decode = suite('decodeTable');
for (const [what, value, hex] of MEMBERS)
  decode(`reads ${what}`, () => assert.equal(decodeTable(fromHex(hex)), { n: value }));
decode('reads an int16', () => assert.equal(decodeTable(fromHex('8600000a00016e00fffe0000')), { n: -2 }));
decode('reads any other int8 as true', () =>
  assert.equal(decodeTable(fromHex('8700000900016e00ff000000')), { n: true }),
);
decode('ends a string at its first NUL', () =>
  assert.equal(decodeTable(fromHex('8300000c00016e0061006200')), { n: 'a' }),
);
decode('ends a name at its first NUL', () =>
  assert.equal(decodeTable(fromHex('8700000d0003610062000000' + '01000000')), { a: true }),
);
decode('reads a part of an array of bytes', () => {
  const bytes = fromHex('ffff8700000900016e0001000000ff');
  assert.equal(decodeTable(bytes, 2, bytes.length - 1), { n: true });
});
decode('lets the last of several members with one name count', () =>
  assert.equal(decodeTable(fromHex('8700000900016e00010000008500000c00016e0000000005')), { n: 5 }),
);
decode('reads a member called __proto__ as a member', () => {
  const table = decodeTable(encodeTable(JSON.parse('{"__proto__":{"admin":true}}')));
  assert.ok(Object.hasOwn(table, '__proto__'));
  assert.is(table.admin, undefined);
});
decode('reads 32 levels and refuses one more', () => {
  const nest = (levels: number): Uint8Array => {
    let bytes = new Uint8Array(0);
    for (let i = 1; i < levels; i++) {
      const outer = new Uint8Array(8 + bytes.length);
      outer.set(fromHex('8200000000016e00'));
      outer[2] = outer.length >> 8;
      outer[3] = outer.length;
      outer.set(bytes, 8);
      bytes = outer;
    }
    return bytes;
  };
  assert.ok(decodeTable(nest(MAX_NESTING)).n);
  assert.throws(() => decodeTable(nest(MAX_NESTING + 1)), /nested deeper than 32/);
  assert.equal(encodeTable(decodeTable(nest(MAX_NESTING))), nest(MAX_NESTING));
});
decode.run();

const offset = suite('firstValueOffset');
for (const name of ['', 'a', 'ab', 'age_ms', 'age_in_ms'])
  offset(`finds the value of a first member called "${name}"`, () => {
    const bytes = encodeTable({ [name]: 0, other: 'x' }, { [name]: 'int64', other: 'string' });
    writeInt64(bytes, firstValueOffset(name), 2 ** 40 + 7);
    assert.equal(decodeTable(bytes), { [name]: 2 ** 40 + 7, other: 'x' });
  });
offset.run();

const int64 = suite('writeInt64 and readInt64');
for (const value of [
  0,
  1,
  -1,
  2 ** 32 - 1,
  2 ** 32,
  -(2 ** 32),
  2 ** 53 - 1,
  -(2 ** 53 - 1),
  2n ** 53n,
  -(2n ** 63n),
  2n ** 63n - 1n,
])
  int64(`keep ${value}`, () => {
    const bytes = new Uint8Array(10);
    writeInt64(bytes, 1, value);
    assert.is(readInt64(bytes, 1), value);
    assert.equal([bytes[0], bytes[9]], [0, 0]);
  });
int64.run();

const type = suite('layoutType');
type('names the type as signatures do', () => {
  assert.is(layoutType('int64'), BLOBMSG_TYPE_INT64);
  assert.is(layoutType(['string']), BLOBMSG_TYPE_ARRAY);
  assert.is(layoutType('json'), BLOBMSG_TYPE_UNSPEC);
});
type.run();
