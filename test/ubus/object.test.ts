import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.ts';
import { decodeTable, encodeTable, type Layout, type TableLayout, type Value } from '../../src/ubus/blobmsg.ts';
import { checkArguments, encodeSignature } from '../../src/ubus/object.ts';

const check = suite('checkArguments');
const GOOD: [layout: Layout, value: Value][] = [
  ['string', ''],
  ['bool', false],
  ['int32', -2147483648],
  ['int64', Number.MAX_SAFE_INTEGER],
  ['double', 1],
  ['double', Number.NaN],
  ['json', [{}]],
  [['string'], []],
  [['string'], ['a', 'b']],
  [
    { 'a?': 'int32', b: 'bool' },
    { b: true, more: 1 },
  ],
];
for (const [layout, value] of GOOD)
  check(`takes ${JSON.stringify(value)} for ${JSON.stringify(layout)}`, () =>
    assert.equal(checkArguments({ x: layout }, { x: value }), { x: value }),
  );
check('takes integers of any width, and doubles without a fraction', () => {
  const given = decodeTable(encodeTable({ a: 5n, c: 5 }, { a: 'int64', c: 'double' }));
  assert.equal(checkArguments({ a: 'int32', c: 'int64' }, given), { a: 5, c: 5 });
});
check('drops what it does not name', () => assert.equal(checkArguments({ 'x?': 'int32' }, { y: 1 }), {}));
check('takes null as absent', () => {
  assert.equal(checkArguments({ 'x?': 'int32' }, { x: null }), {});
  assert.throws(() => checkArguments({ x: 'int32' }, { x: null }), /x: missing/);
});
check('does not take what every table has for an argument', () =>
  assert.throws(
    () => checkArguments(Object.fromEntries([['constructor', 'json']]) as TableLayout, {}),
    /constructor: missing/,
  ),
);
const BAD: [layout: Layout, value: Value, text: string][] = [
  ['string', 1, 'x: expected a string, got 1'],
  ['bool', 1, 'x: expected true or false, got 1'],
  ['int32', true, 'x: expected an integer of 32 bits, got true'],
  ['int32', 2 ** 31, 'x: expected an integer of 32 bits, got 2147483648'],
  ['int32', 1.5, 'x: expected an integer of 32 bits, got 1.5'],
  ['int64', 2n ** 53n, 'x: expected an integer up to 2^53, got 9007199254740992'],
  ['double', '1', 'x: expected a number, got a string'],
  [['string'], ['a', 1], 'x: expected a list of a string, got a list'],
  [['string'], {}, 'x: expected a list of a string, got a table'],
  [{ b: 'bool' }, {}, 'x: expected a table, got a table'],
  [{}, [], 'x: expected a table, got a list'],
];
for (const [layout, value, text] of BAD)
  check(`refuses: ${text}`, () => {
    try {
      checkArguments({ x: layout }, { x: value });
    } catch (error) {
      assert.instance(error, InputError);
      assert.is((error as InputError).message, text);
      assert.is((error as InputError).field, 'x');
      return;
    }
    assert.unreachable();
  });
check.run();

const signature = suite('encodeSignature');
signature('tells the type number of each argument', () => {
  const handle = () => undefined;
  const args = { 'a?': 'string', b: ['json'], c: {}, d: 'json' } as const;
  const bytes = encodeSignature({ path: 'p', methods: { m: { args, handle }, none: { args: {}, handle } } });
  assert.equal(decodeTable(bytes), { m: { a: 3, b: 1, c: 2, d: 0 }, none: {} });
});
signature.run();
