import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Report, ReportQueue } from '../../src/mesh/report-queue.ts';

const report = (kind: Report['kind'], n: number, length = 100): Report => ({
  kind,
  tail: 'peer-up',
  text: String(n).padStart(length, '.'),
});
const numbersOf = (queue: ReportQueue): string[] => {
  const all: string[] = [];
  for (let one = queue.shift(); one; one = queue.shift()) all.push(one.kind + Number(one.text.replace(/\./g, '')));
  return all;
};

const queue = suite('ReportQueue');
queue('gives reports back in the order in which they came', () => {
  const it = new ReportQueue(10_000);
  for (let n = 0; n < 5; n++) it.push(report(n % 2 ? 'evt' : 'tele', n));
  assert.is(it.size, 5);
  assert.equal(numbersOf(it), ['tele0', 'evt1', 'tele2', 'evt3', 'tele4']);
  assert.equal([it.size, it.queuedBytes, it.dropped], [0, 0, 0]);
  assert.is(it.shift(), undefined);
});
queue('gives heartbeats up where there is no room, the oldest first, and counts them', () => {
  const it = new ReportQueue(2500);
  for (let n = 0; n < 40; n++) it.push(report(n % 4 ? 'tele' : 'evt', n));
  assert.ok(it.queuedBytes <= 2500);
  assert.is(it.dropped, 40 - it.size);
  const left = numbersOf(it);
  assert.equal(left.filter((one) => one.startsWith('evt')).length, 10, '~> every event');
  assert.is(left.at(-1), 'tele39', '~> the newest heartbeat');
});
queue('gives events up when there is nothing else, the oldest first', () => {
  const it = new ReportQueue(1000);
  for (let n = 0; n < 10; n++) it.push(report('evt', n));
  assert.is(it.dropped, 6);
  assert.equal(numbersOf(it), ['evt6', 'evt7', 'evt8', 'evt9']);
});
queue('gives up what alone is too long', () => {
  const it = new ReportQueue(1000);
  it.push(report('tele', 1, 2000));
  assert.equal([it.size, it.queuedBytes, it.dropped], [0, 0, 1]);
});
queue('takes back to its front what was not told', () => {
  const it = new ReportQueue(1000);
  for (let n = 0; n < 3; n++) it.push(report('evt', n));
  it.unshift(it.shift()!);
  assert.equal(numbersOf(it), ['evt0', 'evt1', 'evt2']);
});
queue('counts what was refused', () => {
  const it = new ReportQueue(1000);
  it.countLost();
  assert.is(it.dropped, 1);
});
queue.run();
