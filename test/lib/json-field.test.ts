import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WireError } from '../../src/errors.ts';
import { JsonFields, knownWords } from '../../src/lib/json-field.ts';

const of = (members: object): JsonFields => new JsonFields('x', members);

function refuses(run: () => unknown, message: string): void {
  assert.throws(run, (error: unknown) => error instanceof WireError && error.message === message);
}

const fields = suite('JsonFields');
for (const value of [null, 1, 'text', [], true, undefined])
  fields(`refuses ${JSON.stringify(value)}`, () => refuses(() => new JsonFields('x', value), 'x: expected an object'));
fields('reads texts, and makes visible what is not', () => {
  assert.is(of({ a: 'Ann' }).text('a', 5), 'Ann');
  assert.is(of({ a: 'a\u202eb\nc\u200b' }).text('a', 6), 'a·b·c·');
  assert.is(of({}).text('a', 5, 'none'), 'none');
  assert.is(of({ a: null }).text('a', 5, ''), '');
  for (const a of [undefined, 7, 'toolong', ['a']])
    refuses(() => of({ a }).text('a', 5), 'x.a: expected a text of at most 5 characters');
});
fields('reads texts of a form, and what is made of them', () => {
  assert.is(of({ a: 'ab' }).match('a', /^[ab]+$/, 'letters'), 'ab');
  refuses(() => of({ a: 'abc' }).match('a', /^[ab]+$/, 'letters'), 'x.a: expected letters');
  assert.is(of({ a: '7' }).read('a', Number, 'a number'), 7);
  refuses(() => of({ a: '7' }).read('a', () => undefined, 'something'), 'x.a: expected something');
  refuses(() => of({ a: 7 }).read('a', () => 1, 'something'), 'x.a: expected something');
});
fields('reads whole numbers within bounds', () => {
  assert.is(of({ a: 5 }).whole('a', 0, 5), 5);
  assert.is(of({}).whole('a', 0, 5, 3), 3);
  for (const a of [-1, 6, 1.5, '3', true, 1e300, Number.NaN])
    refuses(() => of({ a }).whole('a', 0, 5), 'x.a: expected a whole number from 0 to 5');
});
fields('reads flags', () => {
  assert.is(of({ a: false }).flag('a', true), false);
  assert.is(of({}).flag('a', true), true);
  for (const a of [undefined, 0, 'true']) refuses(() => of({ a }).flag('a'), 'x.a: expected true or false');
});
fields('reads lists, and leaves out what is not known', () => {
  const known = knownWords(['a', 'b']);
  assert.equal(of({ a: ['b', 'c', 1, 'a'] }).list('a', 4, known), ['b', 'a']);
  assert.equal(of({}).list('a', 4, known), []);
  refuses(() => of({ a: [1, 2, 3] }).list('a', 2, known), 'x.a: expected a list of at most 2');
  refuses(() => of({ a: 'b' }).list('a', 2, known), 'x.a: expected a list of at most 2');
});
fields('reads objects within it', () => {
  assert.is(
    of({ a: { b: 'c' } })
      .fields('a')
      .text('b', 1),
    'c',
  );
  refuses(
    () =>
      of({ a: { b: 1 } })
        .fields('a')
        .text('b', 1),
    'x.a.b: expected a text of at most 1 characters',
  );
  refuses(() => of({}).fields('a'), 'x.a: expected an object');
});
fields('takes nothing from what every object has', () => {
  assert.not.ok(of({}).has('constructor'));
  assert.not.ok(of(JSON.parse('{"__proto__":{"a":"b"}}')).has('a'));
  assert.is(of({}).text('toString', 5, 'none'), 'none');
});
fields.run();
