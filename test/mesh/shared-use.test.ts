import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_PAYLOAD } from '../../src/lib/envelope.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { ClientLedger } from '../../src/mesh/client-ledger.ts';
import { bucketOf, SharedUse, USE_BUCKETS } from '../../src/mesh/shared-use.ts';
import { nodeOf } from '../support/node-key.ts';

const [ANN, BOB] = [1, 2].map((n) => nodeOf(n).address) as [string, string];
const MARCH_S = Date.UTC(2026, 2, 15) / 1000;
const MB = 1_000_000;

function make(group = 'east') {
  const ledger = new ClientLedger(undefined);
  const here = new Set<string>();
  const time = { nowMs: 0, dateS: MARCH_S as number | undefined };
  let changes = 0;
  const use = new SharedUse({
    ...{ group, ledger },
    isHere: (address) => here.has(address),
    dateS: () => time.dateS,
    nowMs: () => time.nowMs,
    onChange: () => void changes++,
  });
  const add = (address: string, mb: number): void => {
    ledger.turn(time.dateS);
    ledger.add(address, { rx_bytes: mb * MB, tx_bytes: 0 }, time.dateS);
  };
  const told = (all = false) =>
    use.due(all).flatMap(({ body }) => Object.keys((JSON.parse(body) as { homes: object }).homes));
  return { ledger, here, time, use, add, told, changes: () => changes };
}

const statements = suite('SharedUse, what it tells');
statements('is of a home that moved away, at once, and then nothing more', () => {
  const { add, here, told, time } = make();
  here.add(ANN);
  add(ANN, 3);
  assert.equal(told(), [], '~> it is here, and 3 MB are little');
  here.delete(ANN);
  assert.equal(told(), [ANN]);
  time.nowMs += 3_600_000;
  assert.equal(told(), []);
});
statements('is of a home that is here now and then, once it used so much', () => {
  const { add, here, told, time } = make();
  here.add(ANN);
  add(ANN, 60);
  assert.equal(told(), [ANN]);
  add(ANN, 60);
  time.nowMs += 60_000;
  assert.equal(told(), []);
  time.nowMs += 15 * 60_000;
  assert.equal(told(), [ANN]);
});
statements('is all of it for whoever may have lost it, in megabytes that are begun', () => {
  const { add, here, use, ledger } = make();
  here.add(ANN);
  add(ANN, 1);
  ledger.add(ANN, { rx_bytes: 1, tx_bytes: 1 }, MARCH_S);
  const [{ bucket, body } = { bucket: -1, body: '' }] = use.due(true);
  assert.is(bucket, bucketOf(ANN));
  assert.equal(JSON.parse(body), { group: 'east', month: '2026-03', homes: { [ANN]: [2, 1] } });
});
statements('begins anew with each month, and waits while the clock is wrong', () => {
  const { add, told, time } = make();
  add(ANN, 3);
  time.dateS = undefined;
  assert.equal(told(true), []);
  time.dateS = MARCH_S;
  assert.equal(told(), [ANN]);
  time.dateS = Date.UTC(2026, 3, 1) / 1000;
  add(ANN, 1);
  assert.equal(told(), [ANN]);
});
statements('has room in messages, though eight thousand homes used something', () => {
  const { add, use } = make();
  for (let n = 0; n < 8192; n++) add(nodeOf(n).address, 999_999_999);
  const all = use.due(true);
  assert.ok(all.length <= USE_BUCKETS);
  for (const { body } of all)
    assert.ok(encodeUtf8(body).length < MAX_PAYLOAD.use - 200, String(encodeUtf8(body).length));
});
statements.run();

const heard = suite('SharedUse, what others tell');
const statement = (homes: object, more: object = {}): object => ({ group: 'east', month: '2026-03', homes, ...more });
heard('counts with what was used here', () => {
  const { use, ledger, add, changes } = make();
  add(ANN, 10);
  use.take('boston', statement({ [ANN]: [3, 2] }));
  use.take('north', statement({ [ANN]: [1, 0], [BOB]: [0, 7] }));
  assert.equal(ledger.elsewhere(ANN), { rx_bytes: 4 * MB, tx_bytes: 2 * MB });
  assert.is(ledger.monthBytes(ANN), 16 * MB);
  assert.is(changes(), 2);
});
heard('only rises: what is old or comes twice takes nothing back', () => {
  const { use, ledger, changes } = make();
  use.take('boston', statement({ [ANN]: [5, 5] }));
  use.take('boston', statement({ [ANN]: [3, 9] }));
  use.take('boston', statement({ [ANN]: [5, 5] }));
  assert.equal(ledger.elsewhere(ANN), { rx_bytes: 5 * MB, tx_bytes: 9 * MB });
  assert.is(changes(), 2);
});
heard('is of this month and this group alone', () => {
  const { use, ledger, time } = make();
  use.take('boston', statement({ [ANN]: [5, 5] }, { month: '2026-02' }));
  use.take('boston', statement({ [ANN]: [5, 5] }, { group: 'west' }));
  time.dateS = undefined;
  use.take('boston', statement({ [ANN]: [5, 5] }));
  assert.is(ledger.elsewhere(ANN), undefined);
});
for (const [what, body] of [
  ['no table', []],
  ['no month', { group: 'east', homes: {} }],
  ['a month that is none', statement({}, { month: 'March' })],
  ['an address that is none', statement({ '10.0.0.1': [1, 1] })],
  ['a host behind a node', statement({ '300::1': [1, 1] })],
  ['one number', statement({ [ANN]: [1] })],
  ['less than nothing', statement({ [ANN]: [-1, 0] })],
  ['a part of a megabyte', statement({ [ANN]: [0.5, 0] })],
  ['no end of bytes', statement({ [ANN]: [1e12, 0] })],
  ['too many homes', statement(Object.fromEntries(Array.from({ length: 101 }, (_, n) => [nodeOf(n).address, [1, 1]])))],
] as const)
  heard(`is refused with ${what}`, () => {
    assert.throws(() => make().use.take('boston', body), /use\S*: expected/);
  });
heard.run();
