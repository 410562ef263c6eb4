import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type HomeListHead, type ListedHome, packHomes, partHash } from '../../src/lib/home-list.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { Logger } from '../../src/log.ts';
import { AuditLog } from '../../src/mesh/audit.ts';
import type { Decision, StandingRecord } from '../../src/mesh/client.ts';
import { type KeptList, SharedHomes } from '../../src/mesh/shared-homes.ts';
import { AUDIT_ENTRIES, AuditFile } from '../../src/system/audit-file.ts';
import { ClientFile } from '../../src/system/client-file.ts';
import { HomeListFile } from '../../src/system/home-list-file.ts';
import { removeLeftovers } from '../../src/system/leftover.ts';
import type { Files } from '../../src/transport/host.ts';
import { crypto } from '../support/crypto.ts';
import { MemoryFiles } from '../support/files.ts';
import { nodeOf } from '../support/node-key.ts';
import { PoweredFiles } from '../support/power.ts';

const DIRECTORY = '/etc/meshbridge/clients';
const address = (n: number): string => nodeOf(n).address;
const LIST: KeptList = {
  ...{ group: 'east', gen: 7, gateways: [], by: 'key otto', again: false },
  homes: [
    { address: address(1), standing: 'admitted', reason: '', limits: { quota_mb: 5 } },
    { address: address(2), standing: 'suspended', reason: 'a "quote"\nand a line', until_s: 1_900_000_000 },
  ].sort((a, b) => (a.address < b.address ? -1 : 1)) as ListedHome[],
};

function make(files: Files = new MemoryFiles()) {
  const lines: string[] = [];
  const store = new HomeListFile(files, DIRECTORY, crypto, new Logger((line) => lines.push(line)).scope('registrar'));
  return { store, lines, files };
}

const file = suite('HomeListFile');
file('keeps what it is given, each beside the other', () => {
  const { store, lines } = make();
  assert.equal([store.load('list'), store.load('next')], [undefined, undefined]);
  const [first, ...rest] = LIST.homes;
  const shown = {
    ...LIST,
    homes: [first, ...rest].map((home) => ({ ...home!, reason: home!.reason.replace('\n', '·') })),
  };
  store.save('list', LIST);
  store.save('next', { ...LIST, gen: 8, again: true, homes: [] });
  assert.equal(store.load('list'), shown);
  assert.equal(store.load('next'), { ...LIST, gen: 8, again: true, homes: [] });
  store.save('next', undefined);
  assert.equal([store.load('next'), lines], [undefined, []]);
});
file('keeps as many homes as a list may have', () => {
  const { store } = make();
  const homes = Array.from(
    { length: 4096 },
    (_, n): ListedHome => ({ address: address(n), standing: 'suspended', reason: 'x'.repeat(100) }),
  );
  store.save('list', { ...LIST, homes });
  assert.is(store.load('list')!.homes.length, 4096);
});
file('has no list in a file that somebody changed, and says so', () => {
  const path = `${DIRECTORY}/group.json`;
  const disk = new MemoryFiles();
  make(disk).store.save('list', LIST);
  const text = decodeUtf8(disk.read(path, 1e6)!);
  for (const [what, changed] of [
    ['another decision', text.replace('"s"', '"a"')],
    ['a part more', `${text}[]\n`],
    ['a part less', `${text.split('\n')[0]}\n`],
    ['another number', text.replace('"homes":2', '"homes":3')],
    ['nothing', ''],
    ['something else', 'x'],
  ] as const) {
    assert.is.not(changed, text, what);
    disk.write(path, encodeUtf8(changed), 0o600);
    const { store, lines } = make(disk);
    assert.is(store.load('list'), undefined, what);
    assert.is(lines.length, 1, what);
  }
});
file.run();

// ---

/** Lists of two generations as they come. */
const lists = [
  [
    { address: address(1), standing: 'admitted', reason: '' },
    { address: address(2), standing: 'suspended', reason: 'old' },
    { address: address(3), standing: 'admitted', reason: '' },
  ],
  [
    { address: address(1), standing: 'suspended', reason: 'new' },
    { address: address(2), standing: 'admitted', reason: '', limits: { flows: 7 } },
    { address: address(4), standing: 'refused', reason: 'new' },
  ],
] as const satisfies ListedHome[][];

/** A gateway that finds a disk: its decisions, its log and its lists, as far as they matter here. */
function open(files: Files) {
  const log = new Logger(() => {}).scope('registrar');
  removeLeftovers(files, DIRECTORY);
  const store = new ClientFile({ files, directory: DIRECTORY, leases: '/tmp/leases.json', log });
  const standings = new Map(store.standings().map((record) => [record.address, record]));
  const audit = new AuditLog(new AuditFile(files, DIRECTORY, log), (bytes) => crypto.sha512(bytes), AUDIT_ENTRIES);
  const homes = new SharedHomes({
    ...{ group: 'east', log, sha512: (bytes) => crypto.sha512(bytes) },
    store: new HomeListFile(files, DIRECTORY, crypto, log),
    desk: {
      decisionOn: (home): Decision | undefined => standings.get(home),
      share(decisions, reason, by) {
        const clients = [...decisions.keys()].map((home) => ({ address: home }));
        audit.append({ at_s: 1, by, did: 'share', reason, clients });
        const records = new Map<string, StandingRecord | undefined>();
        for (const [home, decision] of decisions)
          records.set(home, decision && { address: home, since_s: 1, ...decision });
        store.saveStandings(records);
        for (const [home, record] of records) {
          if (record) standings.set(home, record);
          else standings.delete(home);
        }
      },
    },
  });
  return { homes, standings, audit };
}

function give({ homes }: ReturnType<typeof open>, gen: number): void {
  const all = lists[gen - 1]!;
  const parts = packHomes(all);
  const head: HomeListHead = {
    ...{ gen, group: 'east', homes: all.length, gateways: [], again: false },
    parts: parts.map((part) => partHash((bytes) => crypto.sha512(bytes), part)),
  };
  homes.takeHead(head, 'key otto');
  for (const [index, part] of parts.entries()) homes.takePart(index, part);
}

function copyOf(disk: MemoryFiles): MemoryFiles {
  const copy = new MemoryFiles();
  for (const [path, { bytes, mode }] of disk.all) copy.write(path, bytes, mode);
  return copy;
}

/** What is decided, as text. */
const decided = ({ standings }: ReturnType<typeof open>): string =>
  JSON.stringify(
    [...standings.values()]
      .map(({ address: home, standing, reason, limits }) => [home, standing, reason, limits ?? null])
      .sort(),
  );

const power = suite('a list of homes, and the power');
power('leaves the old list or the new one, wherever it is cut', () => {
  const disk = new MemoryFiles();
  const first = open(disk);
  give(first, 1);
  const old = decided(first);
  const whole = new PoweredFiles(copyOf(disk));
  const second = open(whole);
  const before = whole.passed;
  give(second, 2);
  const now = decided(second);
  assert.is.not(old, now);
  const ends = { old: 0, new: 0 };
  for (let at = before; at < whole.passed; at++) {
    const copy = copyOf(disk);
    const powered = new PoweredFiles(copy, at);
    try {
      give(open(powered), 2);
    } catch {
      // the daemon is gone
    }
    assert.ok(powered.isCut, `~> at ${at}`);
    const found = open(copy);
    const text = decided(found);
    assert.ok(text === old || text === now, `~> mixed at ${at}: ${text}`);
    const { gen } = found.homes.held();
    assert.is(gen, text === old ? 1 : 2, `~> at ${at}`);
    assert.is(found.audit.brokenAt, undefined, `~> at ${at}`);
    ends[text === old ? 'old' : 'new']++;
    // and goes on from there
    if (found.homes.isNew(2)) give(found, 2);
    assert.is(decided(found), now);
  }
  console.log(
    `measured: power cut at ${whole.passed - before} points of a list: ${ends.old} times old, ${ends.new} times new, never mixed`,
  );
  assert.ok(ends.old > 0 && ends.new > 0);
});
power.run();
