import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RemoteAnswers } from '../../src/mesh/remote.ts';

const answers = suite('RemoteAnswers');

answers('give what is young enough', () => {
  const kept = new RemoteAnswers<string>(4, 100);
  kept.set('a', 'x', 1, 1000);
  assert.is(kept.get('a', 3000, 2000)?.value, 'x');
  assert.is(kept.get('a', 3001, 2000), undefined);
  assert.is(kept.get('b', 3000), undefined);
});

answers('drop the least recently used beyond their number', () => {
  const kept = new RemoteAnswers<number>(2, 100);
  kept.set('a', 1, 1, 0);
  kept.set('b', 2, 1, 0);
  kept.get('a', 0);
  kept.set('c', 3, 1, 0);
  assert.equal(
    ['a', 'b', 'c'].map((key) => kept.get(key, 0)?.value),
    [1, undefined, 3],
  );
});

answers('drop the least recently used beyond their size, and replace without counting twice', () => {
  const kept = new RemoteAnswers<number>(10, 100);
  kept.set('a', 1, 60, 0);
  kept.set('a', 2, 60, 0);
  kept.set('b', 3, 40, 0);
  assert.is(kept.get('a', 0)?.value, 2);
  kept.set('c', 4, 30, 0);
  assert.equal(
    ['a', 'b', 'c'].map((key) => kept.get(key, 0)?.value),
    [2, undefined, 4],
  );
  kept.set('d', 5, 101, 0);
  assert.is(kept.get('d', 0), undefined);
  assert.is(kept.get('a', 0)?.value, 2, '~> what does not fit drives nothing out');
});
answers.run();
