import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { difference, type Fields, patched, type Value } from '../../src/lib/delta.ts';
import { seededRandom } from '../support/random.ts';

const CASES: [what: string, before: Fields, now: Fields, change: Fields | undefined][] = [
  ['nothing', { a: 1, b: [{ id: 'x', c: 2 }] }, { a: 1, b: [{ id: 'x', c: 2 }] }, undefined],
  ['a value', { a: 1, b: 2 }, { a: 1, b: 3 }, { b: 3 }],
  ['a field that came, and one that went', { a: 1 }, { b: 1 }, { a: null, b: 1 }],
  ['a field of a table', { a: { b: 1, c: 2 } }, { a: { b: 1, c: 3 } }, { a: { c: 3 } }],
  ['a plain list', { a: ['x'] }, { a: ['x', 'y'] }, { a: ['x', 'y'] }],
  [
    'items of a list',
    { a: [{ id: 'x', up: 1, cost: 2 }, { id: 'y' }, { id: 'z' }] },
    { a: [{ id: 'x', up: 2 }, { id: 'z' }, { id: 'n', up: 3 }] },
    {
      a: [
        { id: 'x', up: 2, cost: null },
        { id: 'n', up: 3 },
        { id: 'y', gone: true },
      ],
    },
  ],
  ['a list that got its first item', { a: [] }, { a: [{ id: 'x' }] }, { a: [{ id: 'x' }] }],
  ['a list that lost its last item', { a: [{ id: 'x' }] }, { a: [] }, { a: [] }],
  ['a list with one id twice', { a: [{ id: 'x' }, { id: 'x' }] }, { a: [{ id: 'x' }] }, { a: [{ id: 'x' }] }],
  ['another type', { a: 1, b: [], c: { d: 1 } }, { a: '1', b: {}, c: 1 }, { a: '1', b: {}, c: 1 }],
  ['names of objects', { constructor: 1 }, { toString: 1 }, { constructor: null, toString: 1 }],
];

const delta = suite('difference');
for (const [what, before, now, change] of CASES)
  delta(`tells of ${what}`, () => {
    assert.equal(difference(before, now), change);
    assert.equal(patched(before, change ?? {}), now);
  });

function anything(below: (count: number) => number, depth: number): Value {
  const kind = below(depth > 3 ? 4 : 7);
  if (kind === 0) return below(3);
  if (kind === 1) return ['', 'x', '☃'][below(3)]!;
  if (kind === 2) return below(2) === 1;
  if (kind === 3) return below(5) / 4;
  if (kind === 4) return Array.from({ length: below(3) }, () => anything(below, depth + 1));
  if (kind === 5) return anyTable(below, depth + 1);
  return ['a', 'b', 'c', 'd']
    .filter(() => below(2) === 1)
    .map((id) => ({ id, ...(anyTable(below, depth + 1) as object) }));
}
function anyTable(below: (count: number) => number, depth: number): Fields {
  const names = ['p', 'q', 'r', 's', '__proto__x'].filter(() => below(2) === 1);
  return Object.fromEntries(names.map((name) => [name, anything(below, depth)]));
}
/** The same whatever the order of fields, and of items that have an id. */
function sorted(value: Value): Value {
  if (Array.isArray(value)) {
    const items = value.map(sorted);
    const idOf = (item: Value): string => String((item as Fields).id);
    return items.every((item) => typeof item === 'object' && item !== null && 'id' in item)
      ? items.sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1))
      : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, one]) => [name, sorted(one)]),
  );
}
delta('and patched go there and back', () => {
  const random = seededRandom(7);
  const below = (count: number): number => Math.floor(random() * count);
  for (let i = 0; i < 2000; i++) {
    const [before, now] = [anyTable(below, 0), anyTable(below, 0)];
    const change = JSON.parse(JSON.stringify(difference(before, now) ?? {}));
    assert.equal(sorted(patched(before, change)), sorted(now), `~> ${JSON.stringify({ before, now, change })}`);
  }
});
delta.run();

const patch = suite('patched');
patch('leaves what it was given as it is', () => {
  const before = { a: { b: 1 }, c: [{ id: 'x', d: 1 }] };
  const text = JSON.stringify(before);
  patched(before, { a: { b: 2 }, c: [{ id: 'x', d: 2 }] });
  assert.is(JSON.stringify(before), text);
});
patch('refuses what is nested too deeply', () => {
  let change: Fields = {};
  for (let i = 0; i < 40; i++) change = { a: change };
  assert.throws(() => patched(change, change), /^change: nested deeper than 16$/);
});
patch('takes names that objects have by themselves', () => {
  const change = JSON.parse('{"__proto__":{"x":1},"constructor":2}');
  const now = patched({}, change);
  assert.is(JSON.stringify(now), '{"__proto__":{"x":1},"constructor":2}');
  assert.is(({} as { x?: number }).x, undefined);
});
patch.run();
