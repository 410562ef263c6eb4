import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { tryLock, withLock } from '../../build/lock.ts';

const PATH = `/made-up/${process.pid}`;

const lock = suite('tryLock');
lock('gives the lock to one at a time', async () => {
  const release = await tryLock(PATH);
  assert.ok(release);
  assert.is(await tryLock(PATH), undefined);
  const other = await tryLock(`${PATH}/other`);
  assert.ok(other);
  await other();
  await release();
  const again = await tryLock(PATH);
  assert.ok(again);
  await again();
});
lock.run();

const work = suite('withLock');
work('runs one after the other', async () => {
  let inside = 0;
  let most = 0;
  let waited = 0;
  const enter = async (): Promise<void> => {
    most = Math.max(most, ++inside);
    await new Promise(setImmediate);
    inside--;
  };
  await Promise.all([1, 2, 3, 4].map(() => withLock(PATH, enter, () => waited++)));
  assert.is(most, 1);
  assert.is(waited, 3);
});
work('gives the lock back after an error', async () => {
  await withLock(PATH, () => Promise.reject(new Error('no'))).catch(() => {});
  const release = await tryLock(PATH);
  assert.ok(release);
  await release();
});
work.run();
