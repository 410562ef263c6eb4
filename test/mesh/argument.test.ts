import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.ts';
import {
  ANYTHING,
  type ArgumentKind,
  argumentsBy,
  KEY,
  maybe,
  readArguments,
  text,
  texts,
  whole,
  word,
} from '../../src/mesh/argument.ts';

const kinds = suite('kinds of arguments');
const CASES: [name: string, kind: ArgumentKind<unknown>, good: unknown[], bad: unknown[]][] = [
  ['text', text(3), ['a', 'abc'], ['', 'abcd', 1, null, ['a'], {}]],
  ['whole', whole(-1, 5), [-1, 0, 5], [-2, 6, 1.5, '1', Number.NaN, null, true, 2 ** 60]],
  ['word', word(['a', 'b']), ['a', 'b'], ['c', '', ['a'], null]],
  ['KEY', KEY, ['0'.repeat(64), 'aF'.repeat(32)], ['0'.repeat(63), 'g'.repeat(64), 1, null]],
  ['texts', texts(2, 3), [[], ['a'], ['a', 'abc']], [['a', 'b', 'c'], ['abcd'], [''], [1], 'a', { length: 0 }]],
  ['ANYTHING', ANYTHING, [0, '', false, {}, []], [null, undefined]],
];
for (const [name, kind, good, bad] of CASES)
  kinds(`${name} takes what it says`, () => {
    for (const value of good) assert.is.not(kind.read(value), undefined, JSON.stringify(value));
    for (const value of bad) assert.is(kind.read(value), undefined, JSON.stringify(value));
  });
kinds('KEY gives lower case', () => assert.is(KEY.read('AF'.repeat(32)), 'af'.repeat(32)));
kinds.run();

const reading = suite('readArguments');
const TABLE = { key: text(8), count: maybe(whole(1, 5)) };
reading('reads what is there, and leaves out what may be', () => {
  assert.equal(readArguments(TABLE, { key: 'a', count: 2 }), { key: 'a', count: 2 });
  assert.equal(readArguments(TABLE, { key: 'a' }), { key: 'a' });
  assert.equal(readArguments({}, {}), {});
});
for (const [given, message] of [
  [{}, 'key: expected a text of 1 to 8 characters, got nothing'],
  [{ key: 1 }, 'key: expected a text of 1 to 8 characters'],
  [{ key: 'a', count: 9 }, 'count: expected a whole number from 1 to 5'],
  [{ key: 'a', other: 1 }, 'other: unknown argument, expected key, count'],
  [{ key: 'a', ['x'.repeat(99)]: 1 }, `${'x'.repeat(32)}: unknown argument, expected key, count`],
  [JSON.parse('{"key":"a","__proto__":{"count":1}}'), '__proto__: unknown argument, expected key, count'],
] as const)
  reading(`refuses ${JSON.stringify(given).slice(0, 60)}`, () => {
    assert.throws(
      () => readArguments(TABLE, given),
      (error: unknown) => error instanceof InputError && error.message === message,
    );
  });
reading('does not take what tables have of themselves for an argument', () =>
  assert.throws(() => readArguments({ constructor: ANYTHING }, {}), 'constructor: expected something, got nothing'),
);
reading.run();

// ---

const contract = suite('argumentsBy');
const LAYOUT = {
  'text?': 'string',
  many: ['string'],
  'on?': 'bool',
  'small?': 'int32',
  'large?': 'int64',
  'by?': 'string',
} as const;
contract('takes what a contract names, each of its type', () => {
  const table = argumentsBy(LAYOUT, ['by']);
  const given = { text: '', many: ['a', 'b'], on: false, small: -5, large: 2 ** 40 };
  assert.equal(readArguments(table, given), given);
  assert.equal(readArguments(table, { many: [] }), { many: [] });
});
contract('refuses every other value, and says what it expects', () => {
  const table = argumentsBy(LAYOUT, ['by']);
  for (const [name, value, why] of [
    ['text', 7, 'text: expected a text of at most 1024 characters'],
    ['many', 'a', 'many: expected a list of at most 256 texts'],
    ['on', 1, 'on: expected true or false'],
    ['small', 2 ** 31, 'small: expected a whole number from -2147483647 to 2147483647'],
    ['large', 0.5, 'large: expected a whole number'],
    ['by', 'x', 'by: unknown argument, expected text, many, on, small, large'],
  ] as const)
    assert.throws(
      () => readArguments(table, { many: [], [name]: value }),
      (error: Error) => error.message.startsWith(why),
      name,
    );
  assert.throws(() => readArguments(table, {}), /^many: expected .*, got nothing/);
});
contract.run();
