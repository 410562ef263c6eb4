import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Newcomers } from '../../src/mesh/newcomer.ts';
import { nodeOf } from '../support/node-key.ts';

const DAY_MS = 86_400_000;
const address = (number: number): string => nodeOf(number).address;

function make(most: number) {
  const time = { nowMs: 5 };
  const newcomers = new Newcomers({ most, nowMs: () => time.nowMs });
  /** Whether one comes in. */
  const come = (number: number, before = 0): boolean => {
    const isLet = newcomers.isLet(address(number), before);
    if (isLet) newcomers.came(address(number));
    return isLet;
  };
  return { newcomers, time, come };
}

const newcomers = suite('Newcomers');
newcomers('so many a day, whatever their keys; who was here comes back at any time', () => {
  const { come, time } = make(3);
  assert.equal(
    [0, 1, 2, 3, 4].map((number) => come(number)),
    [true, true, true, false, false],
  );
  assert.equal(
    [0, 2, 3].map((number) => come(number)),
    [true, true, false],
  );
  time.nowMs += DAY_MS - 1;
  assert.not.ok(come(3));
  time.nowMs += 1;
  assert.equal(
    [3, 4, 5, 6].map((number) => come(number)),
    [true, true, true, false],
  );
});
newcomers('the day goes on with the time, and does not begin at midnight', () => {
  const { come, time } = make(2);
  come(0);
  time.nowMs += DAY_MS / 2;
  come(1);
  time.nowMs += DAY_MS / 2;
  assert.equal(
    [2, 3].map((number) => come(number)),
    [true, false],
  );
});
newcomers('who waits goes before who comes later', () => {
  const { come } = make(2);
  assert.not.ok(come(5, 2), '~> two others wait, and there is room for two');
  assert.ok(come(5, 1));
});
newcomers('none at all, where none are wanted', () => {
  const { come, newcomers: all } = make(0);
  assert.not.ok(come(1));
  all.remember(address(1));
  assert.ok(come(1));
});
newcomers('what an earlier daemon let in today counts, and what came long ago is only known', () => {
  const { come, newcomers: all } = make(2);
  all.remember(address(1), 1000);
  all.remember(address(2), 3 * DAY_MS);
  assert.equal(
    [1, 2, 3, 4].map((number) => come(number)),
    [true, true, true, false],
  );
});
newcomers.run();
