import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { jsonBytes, pageOf } from '../../src/mesh/page.ts';

const bytes = suite('jsonBytes');
bytes('counts as they are sent', () => {
  assert.equal([jsonBytes('a'), jsonBytes({ a: 'ä' }), jsonBytes([1, '🦊'])], [3, 10, 10]);
});
bytes.run();

const page = suite('pageOf');
page('gives what there is room for, and where the rest begins', () => {
  assert.equal(pageOf([1, 2, 3, 4, 5], 0, 6), { items: [1, 2, 3], next: 3 });
  assert.equal(pageOf([1, 2, 3, 4, 5], 3, 6), { items: [4, 5] });
  assert.equal(pageOf([1, 2, 3], 3, 6), { items: [] });
  assert.equal(pageOf([1, 2, 3], 99, 6), { items: [] });
});
page('gives at least one, so that a reader gets on', () => {
  assert.equal(pageOf(['x'.repeat(99), 'y'], 0, 6), { items: ['x'.repeat(99)], next: 1 });
});
page.run();
