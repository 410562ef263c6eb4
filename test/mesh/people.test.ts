import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { AuditEntry, HeldSpan } from '../../src/api/client-object.ts';
import { ClientLedger } from '../../src/mesh/client-ledger.ts';
import { LeaseLog } from '../../src/mesh/lease-log.ts';
import { People } from '../../src/mesh/people.ts';
import { LeaseLogFile } from '../../src/system/lease-log-file.ts';
import { MemoryFiles } from '../support/files.ts';
import { nodeOf } from '../support/node-key.ts';
import { CAPTAIN, memoryCaptains, memoryReports, OTHER_CAPTAIN } from '../support/people.ts';

const NOW_S = 1_800_000_000;
const [ANN, BOB] = [1, 2].map((number) => nodeOf(number).address) as [string, string];
const KEY = CAPTAIN.public;

function make({ keepDays = 30, hasPorts = true, isClockWrong = false } = {}) {
  const dateS = isClockWrong ? undefined : NOW_S;
  const disk = { full: false };
  const { captains } = memoryCaptains(disk);
  const { reports } = memoryReports(disk);
  const ledger = new ClientLedger(undefined);
  const touched: string[] = [];
  const spans = new Map<string, HeldSpan>();
  const clients = {
    touch: (address: string) => touched.push(address),
    vouchedBy: (key: string) => (key === KEY ? 3 : 0),
    forgetTold(address: string) {
      const { name: _, ...rest } = spans.get(address) ?? { address: '', home4: '', from_s: 0 };
      if (spans.has(address)) spans.set(address, rest);
    },
  };
  const store = new LeaseLogFile(new MemoryFiles(), '/x');
  const leaseLog =
    keepDays === 0
      ? undefined
      : new LeaseLog({
          ...{ store, keepDays, maxPieces: 100, hasPorts, spans: () => [...spans.values()] },
          ...{ nowMs: () => 5, dateS: () => dateS, onProblem: (problem: string) => assert.unreachable(problem) },
        });
  const noted: Pick<AuditEntry, 'did' | 'reason' | 'by'>[] = [];
  const note = (did: string, reason: string, by = 'unknown'): number => noted.push({ did, reason, by });
  const people = new People(
    { captains, reports, clients, ledger, leaseLog, unixS: () => NOW_S, dateS: () => dateS },
    {
      note,
      failed: (error) => {
        note('failed', (error as Error).message);
        return error;
      },
    },
  );
  const begin = (address: string, slot: number, more: Partial<HeldSpan> = {}): void => {
    const span = {
      ...{ address, home4: `10.43.0.${slot}`, home6: `fd01::${slot}`, from_s: NOW_S - 60, name: 'Ann' },
      ...(hasPorts && { ports: { first: slot * 1000, last: slot * 1000 + 63 } }),
      ...more,
    };
    spans.set(address, span);
    leaseLog?.began(span);
  };
  const report = (address: string, key = KEY): void => {
    const message = { kind: 'report', address, reason: 'sends spam', contact: 'otto', at_s: NOW_S, gateway: KEY };
    reports.add(message, { at_s: NOW_S, captain_key: key, digest: `${address}${key}` }, () => true);
  };
  return { people, captains, reports, ledger, touched, noted, disk, begin, report, spans };
}

const captains = suite('People, captains');
captains('are named by key and name, changed bit by bit, and shown with what they did', () => {
  const { people, noted, report } = make();
  assert.equal(people.captain({ key: ` ${KEY.toUpperCase()} `, name: 'Otto', by: 'zoe' }), {
    message: 'Otto vouches for 20 homes at most',
    entry: 1,
  });
  people.captain({ key: KEY, site: 'hill', max_homes: 5 });
  people.captain({ key: KEY, may_vouch: false });
  report(ANN);
  report(BOB, OTHER_CAPTAIN.public);
  const counts = { open: 1, upheld: 0, dismissed: 0 };
  assert.equal(people.captains().captains, [
    { key: KEY, name: 'Otto', may_vouch: false, max_homes: 5, added_s: NOW_S, site: 'hill', homes: 3, ...counts },
    {
      ...{ key: OTHER_CAPTAIN.public, name: '', may_vouch: false, max_homes: 0, homes: 0, ...counts, added_s: NOW_S },
    },
  ]);
  people.captain({ key: KEY, site: '' });
  assert.is(people.captains().captains[0]!.site, undefined);
  assert.equal(noted.map(({ did, reason, by }) => [did, reason, by])[1], [
    'captain',
    `${KEY.slice(0, 16)} Otto of hill vouches for 5 homes at most`,
    'unknown',
  ]);
});
captains('are taken away again; homes that are in by their word stay', () => {
  const { people } = make();
  people.captain({ key: KEY, name: 'Otto' });
  assert.match(people.uncaptain({ key: KEY }).message, /Otto is no captain any more; the 3 homes .* stay/);
  assert.equal(people.captains().captains, []);
  assert.throws(() => people.uncaptain({ key: KEY }), /key: expected that of a captain/);
});
captains(
  'are refused with a key that is none, or anybody could sign with, and with numbers and names out of bounds',
  () => {
    const { people, noted } = make();
    const weak = `01${'00'.repeat(31)}`;
    for (const [args, expected] of [
      [{ key: 'abc', name: 'x' }, /key: expected 64 hex digits, got 3 characters/],
      [{ key: weak, name: 'x' }, /key: expected one that is not weak/],
      [{ key: KEY }, /name: missing/],
      [{ key: KEY, name: '   ' }, /name: missing/],
      [{ key: KEY, name: 'x'.repeat(65) }, /name: expected at most 64 characters, got 65/],
      [{ key: KEY, name: 'x', max_homes: 4001 }, /max_homes: expected 0 to 4000/],
      [{ key: KEY, name: 'x', max_homes: 1.5 }, /max_homes: expected 0 to 4000/],
    ] as const)
      assert.throws(() => people.captain(args), expected, JSON.stringify(args));
    assert.equal(noted, []);
    people.captain({ key: KEY, name: 'Otto' });
    const twin = `${KEY.slice(0, 16)}${'7'.repeat(48)}`;
    assert.throws(() => people.captain({ key: twin, name: 'Twin' }), /first 16 digits are those of another captain/);
  },
);
captains('are a hundred at most', () => {
  const { people } = make();
  for (let i = 0; i < 100; i++) people.captain({ key: nodeOf(i).key, name: `captain ${i}` });
  assert.throws(() => people.captain({ key: KEY, name: 'Otto' }), /100 captains already/);
  people.captain({ key: nodeOf(3).key, max_homes: 1 });
});
captains('count only when they are kept, and the log says so', () => {
  const { people, disk, noted } = make();
  disk.full = true;
  assert.throws(() => people.captain({ key: KEY, name: 'Otto' }), /No space left/);
  assert.equal(people.captains().captains, []);
  assert.equal(
    noted.map(({ did }) => did),
    ['captain', 'failed'],
  );
});
captains.run();

const reports = suite('People, reports');
reports('are shown the newest first, by state, in pages, with the name of a captain that is known', () => {
  const { people, report } = make();
  people.captain({ key: KEY, name: 'Otto' });
  report(ANN);
  report(BOB, OTHER_CAPTAIN.public);
  const { reports: all, total } = people.reports({});
  assert.equal(
    [all.map(({ id, captain }) => [id, captain]), total],
    [
      [
        [2, undefined],
        [1, 'Otto'],
      ],
      2,
    ],
  );
  assert.not.ok('digest' in all[0]!);
  assert.equal(
    people.reports({ before: 2, count: 1 }).reports.map(({ id }) => id),
    [1],
  );
  people.decideReport({ id: 1, decision: 'upheld', note: 'twice now', by: 'zoe' });
  assert.equal(
    [people.reports({ state: 'open' }).total, people.reports({ state: 'upheld' }).reports[0]!.note],
    [1, 'twice now'],
  );
  assert.is(people.reportsOpen, 1);
  assert.throws(() => people.reports({ state: 'odd' }), /state: expected open, upheld, dismissed, got "odd"/);
  assert.throws(() => people.reports({ count: 201 }), /count: expected 1 to 200/);
});
reports('are decided on: that is in the log, and the home learns it', () => {
  const { people, report, noted, touched } = make();
  report(ANN);
  assert.match(people.decideReport({ id: 1, decision: 'dismissed', by: 'zoe' }).message, /report 1 is dismissed/);
  assert.equal([noted.at(-1), touched], [{ did: 'dismiss', reason: `report 1 on ${ANN}`, by: 'zoe' }, [ANN]]);
  assert.throws(() => people.decideReport({ id: 7, decision: 'upheld' }), /id: expected that of a report, got 7/);
  assert.throws(() => people.decideReport({ id: 1, decision: 'maybe' }), /decision: expected upheld or dismissed/);
  assert.throws(
    () => people.decideReport({ id: 1, decision: 'upheld', note: 'x'.repeat(257) }),
    /note: expected at most 256/,
  );
});
reports.run();

const who = suite('People, who it was');
who('finds a home by source port and by inner address, with what it told', () => {
  const { people, begin } = make();
  begin(ANN, 7);
  begin(BOB, 8);
  for (const what of [{ port: 7001 }, { address4: '10.43.0.7' }, { address6: 'FD01:0::7' }, { address: ANN }])
    assert.equal(
      people.who(what).leases.map(({ address, name }) => [address, name]),
      [[ANN, 'Ann']],
      JSON.stringify(what),
    );
  assert.is(people.who({ port: 7001 }).message, '1 lease, of what is kept for 30 days');
  assert.is(people.who({ port: 7001, at_s: NOW_S - 3600 }).leases.length, 0);
});
who('says plainly when it cannot know', () => {
  assert.match(make({ keepDays: 0 }).people.who({ port: 1 }).message, /keep_days is 0/);
  assert.match(make({ hasPorts: false }).people.who({ port: 1 }).message, /port_block is not set/);
  assert.throws(() => make({ isClockWrong: true }).people.who({ port: 1 }), /the clock of this gateway is wrong/);
});
who('wants exactly one thing to look for, and what can be one', () => {
  const { people } = make();
  for (const [args, expected] of [
    [{}, /expected one of port, address4, address6 and address, got 0/],
    [{ port: 1, address: ANN }, /got 2/],
    [{ port: 0 }, /port: expected 1 to 65535/],
    [{ port: 65_536 }, /port: expected 1 to 65535/],
    [{ address4: 'fd01::7' }, /address4: expected an address inside of tunnels/],
    [{ address6: '10.43.0.7' }, /address6: expected an address inside of tunnels/],
    [{ address4: '$(reboot)' }, /address4: expected/],
    [{ address: '300::1' }, /address: expected that of a node \(200::\/8\)/],
    [{ port: 1, at_s: -1 }, /at_s: expected 0 to/],
  ] as const)
    assert.throws(() => people.who(args), expected, JSON.stringify(args));
});
who.run();

const erases = suite('People, erasure');
erases('deletes what a home told, had, used and was reported for, and says what stays', () => {
  const { people, begin, report, ledger, reports: kept, touched, noted } = make();
  begin(ANN, 7);
  begin(BOB, 8);
  report(ANN);
  report(BOB);
  ledger.add(ANN, { rx_bytes: 5, tx_bytes: 6 }, NOW_S);
  people.who({ port: 7001 });
  const { message } = people.erase({ address: ANN, by: 'zoe' });
  assert.match(message, /what was decided on it stays/);
  assert.equal(ledger.of(ANN).month, { rx_bytes: 0, tx_bytes: 0 });
  assert.equal(ledger.all().today, { rx_bytes: 5, tx_bytes: 6 }, '~> of all together it still counts');
  assert.equal(
    kept.list().map(({ address }) => address),
    [BOB],
  );
  assert.equal(
    people.who({ address: ANN }).leases.map(({ name, home4 }) => [name, home4]),
    [[undefined, '10.43.0.7']],
    '~> which addresses it has now is known still',
  );
  assert.is(people.who({ address: BOB }).leases[0]!.name, 'Ann');
  assert.equal([touched, noted.at(-1)], [[ANN], { did: 'erase', reason: ANN, by: 'zoe' }]);
  assert.throws(() => people.erase({ address: 'ann' }), /address: expected that of a node/);
});
erases.run();
