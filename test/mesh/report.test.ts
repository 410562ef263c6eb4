import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ReportMessage } from '../../src/api/lease.ts';
import { MAX_DAY, MAX_OPEN, MAX_REPORTS, Reports } from '../../src/mesh/report.ts';
import { nodeOf } from '../support/node-key.ts';
import { memoryReports } from '../support/people.ts';

const NOW_S = 1_800_000_000;
const DAY_S = 86_400;
const [ANN, BOB] = [1, 2].map((number) => nodeOf(number).address) as [string, string];
const [HILL, FIELD] = ['a'.repeat(64), 'b'.repeat(64)] as [string, string];
const everybody = () => true;

const message = (address: string, reason = 'sends spam'): ReportMessage => ({
  ...{ kind: 'report', address, reason, at_s: NOW_S, gateway: HILL },
});

function make() {
  const disk = { full: false };
  const { reports, kept } = memoryReports(disk);
  let digest = 0;
  const add = (address: string, key = HILL, atS = NOW_S, isNamed: (key: string) => boolean = everybody) =>
    reports.add(message(address), { at_s: atS, captain_key: key, digest: `d${++digest}` }, isNamed);
  return { reports, kept, disk, add };
}

const keeps = suite('Reports');
keeps('are numbered, shown the newest first, and told to their home', () => {
  const { reports, add } = make();
  assert.is(reports.newestOn(ANN), undefined);
  add(ANN);
  add(BOB);
  reports.add(
    { ...message(ANN, 'scans ports'), evidence: 'log', contact: 'otto' },
    { at_s: NOW_S + 5, captain_key: FIELD, digest: 'x' },
    everybody,
  );
  assert.equal(
    reports.list().map(({ id, address }) => [id, address]),
    [
      [3, ANN],
      [2, BOB],
      [1, ANN],
    ],
  );
  assert.equal(reports.newestOn(ANN), { reason: 'scans ports', state: 'open' });
  assert.is(reports.byDigest('x')?.id, 3);
});
keeps('are decided on, and the home reads that and the note', () => {
  const { reports, add, kept } = make();
  add(ANN);
  reports.decide(1, 'upheld', 'change your password', NOW_S + 9);
  assert.equal(reports.newestOn(ANN), { reason: 'sends spam', state: 'upheld', note: 'change your password' });
  assert.equal([kept.get(1)!.decided_s, reports.list('open').length], [NOW_S + 9, 0]);
  reports.decide(1, 'dismissed', '', NOW_S + 10);
  assert.equal(reports.newestOn(ANN), { reason: 'sends spam', state: 'dismissed' });
});
keeps('count for each captain, by what became of them', () => {
  const { reports, add } = make();
  add(ANN);
  add(BOB);
  add(BOB, FIELD, NOW_S + 7);
  reports.decide(1, 'dismissed', '', NOW_S);
  assert.equal(
    [...reports.counts()],
    [
      [HILL, { open: 1, upheld: 0, dismissed: 1, firstS: NOW_S }],
      [FIELD, { open: 1, upheld: 0, dismissed: 0, firstS: NOW_S + 7 }],
    ],
  );
});
keeps('do not count when they cannot be kept', () => {
  const { reports, disk, add } = make();
  add(ANN);
  disk.full = true;
  assert.throws(() => add(BOB), /No space left/);
  assert.throws(() => reports.decide(1, 'upheld', '', NOW_S), /No space left/);
  assert.equal(
    reports.list().map(({ id, state }) => [id, state]),
    [[1, 'open']],
  );
});
keeps('go when they were decided on long ago, or are to be forgotten', () => {
  const { reports, add } = make();
  add(ANN);
  add(BOB);
  add(ANN);
  reports.decide(1, 'upheld', '', NOW_S);
  reports.decide(2, 'upheld', '', NOW_S);
  reports.sweep(NOW_S + 30 * DAY_S - 1, 30);
  assert.is(reports.list().length, 3);
  reports.sweep(NOW_S + 30 * DAY_S, 30);
  assert.equal(
    reports.list().map(({ id }) => id),
    [3],
    '~> what nobody decided on stays',
  );
  // its home has a week to read it, whatever is kept else
  reports.decide(3, 'dismissed', '', NOW_S);
  reports.sweep(NOW_S + 7 * DAY_S - 1, 0);
  assert.is(reports.list().length, 1);
  assert.is(reports.forgetOn(ANN), 1);
  assert.is(reports.list().length, 0);
});
keeps('are read again as they were', () => {
  const { kept, add } = make();
  add(ANN);
  add(BOB);
  const again = new Reports({ load: () => [...kept.values()].reverse(), save() {} });
  assert.equal(
    again.list().map(({ id }) => id),
    [2, 1],
  );
});
keeps.run();

const bounds = suite('Reports, their bounds');
bounds('so many a day of one captain, whatever homes they are on', () => {
  const { reports, add } = make();
  for (let i = 0; i < MAX_DAY; i++) add(nodeOf(i).address);
  assert.is(reports.problemOf(HILL, BOB, NOW_S, everybody)?.error, 'too_often');
  assert.is(reports.problemOf(FIELD, BOB, NOW_S, everybody), undefined);
  assert.is(reports.problemOf(HILL, BOB, NOW_S + DAY_S, everybody), undefined);
});
bounds('so many of one captain that nobody decided on, and so many on one home', () => {
  const { reports, add } = make();
  for (let i = 0; i < MAX_OPEN; i++) add(nodeOf(i).address, HILL, NOW_S - i * DAY_S);
  assert.is(reports.problemOf(HILL, BOB, NOW_S + DAY_S, everybody)?.error, 'full');
  reports.decide(1, 'dismissed', '', NOW_S);
  assert.is(reports.problemOf(HILL, BOB, NOW_S + DAY_S, everybody), undefined);
  for (let i = 0; i < 10; i++) add(ANN, `${i}`.repeat(64));
  assert.match(reports.problemOf(FIELD, ANN, NOW_S + DAY_S, everybody)!.reason, /10 reports on this home/);
});
bounds('so many in all: what was decided on goes first, and nothing that waits of a captain with a name', () => {
  const { reports, add } = make();
  for (let i = 0; i < MAX_REPORTS; i++) add(nodeOf(i).address, HILL, NOW_S - i * DAY_S);
  assert.is(reports.problemOf(FIELD, BOB, NOW_S, everybody)?.error, 'full');
  reports.decide(400, 'upheld', '', NOW_S);
  assert.is(reports.problemOf(FIELD, BOB, NOW_S, everybody), undefined);
  add(BOB, FIELD);
  assert.equal([reports.list().length, reports.find(400)], [MAX_REPORTS, undefined]);
});
bounds('half of the room is for captains whom the operator named, and they get all of it', () => {
  const { reports, add } = make();
  const isNamed = (key: string) => key === HILL;
  for (let i = 0; i < 250; i++) add(nodeOf(i).address, `${i}`.padStart(64, '0'), NOW_S, isNamed);
  assert.is(reports.problemOf(FIELD, BOB, NOW_S, isNamed)?.error, 'full');
  assert.is(reports.problemOf(HILL, BOB, NOW_S, isNamed), undefined);
  for (let i = 0; i < 251; i++) add(nodeOf(300 + i).address, HILL, NOW_S, isNamed);
  assert.is(reports.list().length, MAX_REPORTS);
  assert.is(reports.find(1), undefined, '~> the oldest of a key without a name made room');
});
bounds.run();
