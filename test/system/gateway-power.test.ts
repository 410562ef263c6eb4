// Cuts the power at every point of every write of what a gateway keeps: each record is the old one or the new one, and none is broken.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeBase32 } from '../../src/lib/base32.ts';
import { parsePrefix } from '../../src/lib/ip.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { Logger } from '../../src/log.ts';
import { AuditLog } from '../../src/mesh/audit.ts';
import { Captains } from '../../src/mesh/captain.ts';
import { CaptainDesk } from '../../src/mesh/captain-desk.ts';
import { Clients } from '../../src/mesh/client.ts';
import { ClientLedger } from '../../src/mesh/client-ledger.ts';
import { Desk } from '../../src/mesh/desk.ts';
import { Invites } from '../../src/mesh/invite.ts';
import { LeaseLog } from '../../src/mesh/lease-log.ts';
import { Pool, pool6Of } from '../../src/mesh/pool.ts';
import { Reports } from '../../src/mesh/report.ts';
import { AUDIT_ENTRIES, AuditFile } from '../../src/system/audit-file.ts';
import { CaptainFile } from '../../src/system/captain-file.ts';
import { ClientFile } from '../../src/system/client-file.ts';
import { InviteFile } from '../../src/system/invite-file.ts';
import { LeaseLogFile } from '../../src/system/lease-log-file.ts';
import { LedgerFile } from '../../src/system/ledger-file.ts';
import { removeLeftovers } from '../../src/system/leftover.ts';
import { ReportFile } from '../../src/system/report-file.ts';
import type { Files } from '../../src/transport/host.ts';
import { MemoryClientPlane } from '../support/client-plane.ts';
import { crypto } from '../support/crypto.ts';
import { MemoryFiles } from '../support/files.ts';
import { GATEWAY_ADDRESS, GATEWAY_KEY, leaseRequest, NO_LIMITS } from '../support/gateway.ts';
import { nodeOf } from '../support/node-key.ts';
import { CAPTAIN } from '../support/people.ts';
import { PoweredFiles } from '../support/power.ts';
import { seal } from '../support/signed.ts';

const DIRECTORY = '/etc/meshbridge/clients';
const LEASES = '/var/run/meshbridge/leases.json';
const DAY_S = 86_400;
const START_S = 20_833 * DAY_S + 3600;
const address = (number: number): string => nodeOf(number).address;
const many = (count: number): string[] => Array.from({ length: count }, (_, at) => address(20 + at));
/** The word of the invite that is made of these random bytes. */
const RANDOM = 8;
const INVITE = encodeBase32(new Uint8Array(10).fill(RANDOM));

/** The gateway that finds a disk as it is. */
function open(files: Files, dateS = START_S) {
  const lines: string[] = [];
  const log = new Logger((line) => lines.push(line)).scope('registrar');
  const time = { nowMs: 1000, dateS };
  const clock = { nowMs: () => time.nowMs, unixS: () => time.dateS, dateS: () => time.dateS };
  removeLeftovers(files, DIRECTORY);
  const invites = new Invites(new InviteFile(files, DIRECTORY, log), crypto.sha512, (count) =>
    new Uint8Array(count).fill(RANDOM),
  );
  const ledgerFile = new LedgerFile(files, DIRECTORY, log);
  const ledger = new ClientLedger(ledgerFile.load());
  ledger.turn(time.dateS);
  const captains = new Captains(new CaptainFile(files, DIRECTORY, log));
  const reports = new Reports(new ReportFile(files, DIRECTORY, log));
  const clients = new Clients({
    ...{ invites, reports, book: ledger, plane: new MemoryClientPlane(), ...clock },
    rules: {
      ...{ admission: 'ask', maxClients: 1000, maxWaiting: 50, leaseMs: 3_600_000, kinds: ['gre6'], asksFor: ['name'] },
      ...{ ask: '', dns: [], wireguardPort: 51_820, vxlanPort: 4790, limits: NO_LIMITS },
    },
    machine: { address: GATEWAY_ADDRESS, meshMtu: 65_535, ipv6: true },
    pool: new Pool(parsePrefix('10.43.0.0/16')!, pool6Of(GATEWAY_KEY), GATEWAY_KEY),
    store: new ClientFile({ files, directory: DIRECTORY, leases: LEASES, log }),
    onProblem: (problem) => lines.push(problem),
  });
  const leaseLog = new LeaseLog({
    ...{ store: new LeaseLogFile(files, DIRECTORY), keepDays: 3, maxPieces: 100, hasPorts: false, ...clock },
    spans: () => clients.spans(),
    onProblem: (problem) => lines.push(problem),
  });
  clients.leasing.on(({ isEnd, span }) => (isEnd ? leaseLog.ended(span) : leaseLog.began(span)));
  const audit = new AuditLog(new AuditFile(files, DIRECTORY, log), crypto.sha512, AUDIT_ENTRIES);
  const desk = new Desk({
    ...{ clients, ledger, audit, invites, maxClients: 1000, admission: 'ask', keepDays: 3, ...clock },
    people: { captains, reports, leaseLog },
    logging: () => '',
    onProblem: (problem: string) => lines.push(problem),
    token: () => 'token',
    onEntry() {},
  });
  const captainDesk = new CaptainDesk({
    ...{ captains, reports, clients, key: GATEWAY_KEY, sha512: crypto.sha512, verify: crypto.ed25519Verify, ...clock },
    onTaken() {},
    onProblem: (problem) => lines.push(problem),
  });
  const said = (word: 'report' | 'vouch', home: string, more: object = {}): Uint8Array =>
    seal(word, { kind: word, address: home, at_s: time.dateS, gateway: GATEWAY_KEY, ...more }, [CAPTAIN]);
  const ask = async (number: number, more: object = {}) =>
    clients.ask(address(number), leaseRequest({ key: nodeOf(number).key, kinds: ['gre6'], ...more }));
  return {
    ...{
      lines,
      time,
      invites,
      ledger,
      ledgerFile,
      captains,
      reports,
      clients,
      leaseLog,
      audit,
      desk,
      captainDesk,
      said,
      ask,
    },
  };
}
type Open = ReturnType<typeof open>;

/** A gateway with a bit of everything. */
async function makeDisk(): Promise<MemoryFiles> {
  const disk = new MemoryFiles();
  const gateway = open(disk);
  const { desk, clients, ask, captainDesk, said, leaseLog, ledger, ledgerFile, invites } = gateway;
  desk.decide('admit', { addresses: [address(1), address(2), address(3), ...many(6)] });
  desk.decide('suspend', { addresses: [address(4)], reason: 'not paid' });
  invites.make({ left: 2, until_s: START_S + DAY_S, note: 'first' }, START_S);
  desk.people.captain({ key: CAPTAIN.public, name: 'Otto' });
  for (const number of [1, 2, 3]) await ask(number, { captain_key: CAPTAIN.public, name: `home ${number}` });
  captainDesk.report(said('report', address(1), { reason: 'sends spam' }));
  ledger.add(address(1), { rx_bytes: 10, tx_bytes: 2 }, START_S);
  ledgerFile.save(ledger.record());
  leaseLog.flush();
  clients.save();
  assert.equal(gateway.lines, []);
  return disk;
}

/** What is on a disk, record by record; hashes of the log aside. */
function recordsOf(disk: MemoryFiles): Map<string, string> {
  const found = open(disk);
  const records = new Map<string, string>();
  const put = (name: string, value: object): void => {
    records.set(name, JSON.stringify(value));
  };
  const log = new Logger(() => {}).scope('x');
  const store = new ClientFile({ files: disk, directory: DIRECTORY, leases: LEASES, log });
  const held = new LeaseLogFile(disk, DIRECTORY);
  for (const one of store.standings()) put(`standing ${one.address}`, one);
  for (const one of store.leases()) put(`lease ${one.address}`, one);
  for (const one of found.invites.list()) put(`invite ${one.id}`, one);
  for (const one of found.captains.list()) put(`captain ${one.key}`, one);
  for (const one of found.reports.list()) put(`report ${one.id}`, one);
  for (const one of found.audit.newest(Number.MAX_SAFE_INTEGER, 200)) put(`entry ${one.n}`, one);
  for (const piece of held.pieces())
    for (const line of held.read(piece).split('\n'))
      if (line !== '') put(`held ${piece.day} ${line}`, JSON.parse(line));
  put('ledger', found.ledger.record());
  assert.equal(found.lines, [], '~> something is broken');
  assert.is(found.audit.brokenAt, undefined, '~> the chain is broken');
  return records;
}

interface Act {
  readonly what: string;
  /** One after the other; what is on the disk between two of them is whole, too. */
  readonly steps: readonly ((gateway: Open) => unknown)[];
  /** A record that is another one afterwards. */
  readonly changes: RegExp;
  /** The log tells of it first. */
  readonly isLogged?: true;
}

const pass = ({ time }: Open, seconds: number): void => {
  time.nowMs += seconds * 1000;
  time.dateS += seconds;
};
const decision = (name: 'suspend' | 'refuse' | 'forget', addresses: string[]) => (gateway: Open) =>
  gateway.desk.decide(name, { addresses, reason: 'x' });

const ACTS: readonly Act[] = [
  { what: 'a decision', steps: [decision('suspend', [address(1)])], changes: /^standing/, isLogged: true },
  { what: 'a decision on many homes', steps: [decision('refuse', many(100))], changes: /^standing/, isLogged: true },
  { what: 'a decision that is taken back', steps: [decision('forget', many(6))], changes: /^standing/, isLogged: true },
  { what: 'an undo', steps: [({ desk }) => desk.undo({ entry: 2 })], changes: /^standing/, isLogged: true },
  {
    ...{ what: 'limits', changes: /^standing/, isLogged: true },
    steps: [({ desk }) => desk.limit({ addresses: many(6), quota_mb: 5 })],
  },
  {
    ...{ what: 'an invite that is made', changes: /^invite/, isLogged: true },
    steps: [({ desk }) => desk.invite({ uses: 3, note: 'second' })],
  },
  {
    ...{ what: 'an invite that is ended', changes: /^invite/, isLogged: true },
    steps: [({ desk, invites }) => desk.revoke({ id: invites.list()[0]!.id })],
  },
  {
    ...{ what: 'an invite that somebody comes by', changes: /^standing/ },
    steps: [({ ask }) => ask(9, { invite: INVITE, name: 'home 9' }), ({ clients }) => clients.save()],
  },
  {
    ...{ what: 'a captain who is named', changes: /^captain/, isLogged: true },
    steps: [({ desk }) => desk.people.captain({ key: nodeOf(7).key, name: 'Eva' })],
  },
  {
    ...{ what: 'a captain who goes', changes: /^captain/, isLogged: true },
    steps: [({ desk }) => desk.people.uncaptain({ key: CAPTAIN.public })],
  },
  {
    ...{ what: 'a vouch', changes: /^standing/ },
    steps: [({ captainDesk, said }) => captainDesk.vouch(said('vouch', address(9), { days: 3 }))],
  },
  {
    ...{ what: 'a report', changes: /^report/ },
    steps: [({ captainDesk, said }) => captainDesk.report(said('report', address(2), { reason: 'scans' }))],
  },
  {
    ...{ what: 'a decision on a report', changes: /^report/, isLogged: true },
    steps: [({ desk }) => desk.people.decideReport({ id: 1, decision: 'upheld', note: 'n' })],
  },
  {
    ...{ what: 'an erasure', changes: /^held/, isLogged: true },
    steps: [
      ({ desk }) => desk.people.erase({ address: address(1) }),
      ({ ledgerFile, ledger }) => ledgerFile.save(ledger.record()),
    ],
  },
  {
    ...{ what: 'what homes used', changes: /^ledger/ },
    steps: [
      ({ ledger, ledgerFile, time }) => {
        ledger.add(address(2), { rx_bytes: 5, tx_bytes: 5 }, time.dateS);
        ledgerFile.save(ledger.record());
      },
    ],
  },
  {
    ...{ what: 'leases that end', changes: /^held/ },
    steps: [
      (gateway) => {
        gateway.clients.release(address(2));
        pass(gateway, 5);
        gateway.leaseLog.flush();
      },
      ({ clients }) => clients.save(),
    ],
  },
  {
    ...{ what: 'days that begin, and one that is over for too long', changes: /^held/ },
    steps: [1, 2, 3, 4].flatMap((day) => [
      (gateway: Open) => {
        pass(gateway, DAY_S);
        if (day === 2) gateway.clients.release(address(3));
        gateway.leaseLog.flush();
      },
      ({ ledger, ledgerFile, time }: Open) => {
        ledger.turn(time.dateS);
        ledgerFile.save(ledger.record());
      },
    ]),
  },
  {
    ...{ what: 'so many entries that the oldest piece of the log goes', changes: /^standing/, isLogged: true },
    steps: [0, 1, 2, 3].map(
      (at) =>
        ({ desk }: Open) =>
          desk.decide('suspend', { addresses: [address(60)], reason: `${at}` }),
    ),
  },
];

/** What the log needs to be about to drop a piece: many full ones. */
function fillLog(disk: MemoryFiles): void {
  const { desk } = open(disk);
  for (let i = 0; i < 34; i++)
    desk.decide('suspend', { addresses: many(64).map((_, at) => address(200 + at)), reason: 'r'.repeat(250) });
}

const copyOf = (disk: MemoryFiles): MemoryFiles => {
  const copy = new MemoryFiles();
  for (const [path, { bytes, mode }] of disk.all) copy.write(path, bytes, mode);
  return copy;
};

async function start(files: Files): Promise<Open> {
  const gateway = open(files);
  await gateway.clients.start();
  gateway.leaseLog.adopt();
  return gateway;
}

const power = suite('a cut of power at a gateway');
let cuts = 0;
for (const { what, steps, changes, isLogged } of ACTS)
  power(`leaves each record old or new, at every point of ${what}`, async () => {
    const base = await makeDisk();
    if (what.startsWith('so many')) fillLog(base);
    const before = recordsOf(copyOf(base));
    /** What each record may be: as it was before, and after each step. */
    const known = [before];
    const whole = copyOf(base);
    const undisturbed = await start(whole);
    for (const step of steps) {
      await step(undisturbed);
      known.push(recordsOf(copyOf(whole)));
    }
    const after = known.at(-1)!;
    const others = [...new Set([...before.keys(), ...after.keys()])].filter(
      (one) => after.get(one) !== before.get(one),
    );
    assert.ok(
      others.some((one) => changes.test(one)),
      `~> nothing was done: ${others}`,
    );
    // of several the oldest
    const entry = [...after.keys()].filter((one) => one.startsWith('entry ') && !before.has(one)).at(-1);
    for (let lasts = 0; ; lasts++) {
      const disk = copyOf(base);
      const files = new PoweredFiles(disk, lasts);
      try {
        const gateway = await start(files);
        for (const step of steps) await step(gateway);
      } catch (error) {
        if (!files.isCut) throw error;
      }
      if (!files.isCut) break;
      cuts++;
      const now = recordsOf(disk);
      for (const name of new Set([...known.flatMap((one) => [...one.keys()]), ...now.keys()]))
        assert.ok(
          known.some((one) => one.get(name) === now.get(name)),
          `~> cut at ${lasts}: ${name}: ${now.get(name)}`,
        );
      assert.not.ok(
        disk.list(DIRECTORY).some((name) => name.includes('~')),
        `~> cut at ${lasts}: something is left`,
      );
      const isDone = others.some((one) => changes.test(one) && now.get(one) !== before.get(one));
      if (isLogged) assert.ok(!isDone || now.has(entry!), `~> cut at ${lasts}: done, and not in the log`);
    }
  });
power('was tried often', () => {
  console.log(
    `measured: ${cuts} cuts of power, each at another point of a write of what a gateway keeps: old or new each time`,
  );
  assert.ok(cuts >= 300, `~> ${cuts}`);
});
power.run();

const hand = suite('a hand in the files of a gateway');
hand('shows in the log: an entry that is changed, taken out, moved, or whose hash is made anew', async () => {
  const base = await makeDisk();
  const { desk } = open(base);
  for (let i = 0; i < 5; i++) desk.decide('suspend', { addresses: [address(i)], reason: `reason ${i}` });
  const path = `${DIRECTORY}/audit-000001.log`;
  const good = decodeUtf8(base.all.get(path)!.bytes).split('\n');
  assert.is(open(base).audit.brokenAt, undefined);
  const change: readonly [string, (lines: string[]) => string[], number | undefined][] = [
    ['a reason', (lines) => lines.map((line) => line.replace('reason 2', 'reason 3')), 6],
    ['who it was', (lines) => lines.map((line, at) => (at === 4 ? line.replace('unknown', 'zoe') : line)), 5],
    ['one that is gone', (lines) => lines.filter((_, at) => at !== 4), 6],
    ['two in another order', (lines) => [...lines.slice(0, 3), lines[4]!, lines[3]!, ...lines.slice(5)], 5],
    ['a line that is no entry', (lines) => lines.map((line, at) => (at === 2 ? line.slice(0, -1) : line)), 3],
  ];
  for (const [what, spoil, at] of change) {
    const disk = new MemoryFiles();
    for (const [name, { bytes, mode }] of base.all) disk.write(name, bytes, mode);
    disk.write(path, encodeUtf8(spoil(good).join('\n')), 0o600);
    const found = open(disk);
    assert.is(found.audit.brokenAt, at, `~> ${what}: ${found.audit.brokenAt}`);
    assert.is(found.desk.summary().broken_at, at, '~> the desk shows it first');
    // and what is done from now on is written down all the same
    found.desk.decide('suspend', { addresses: [address(1)], reason: 'after' });
    assert.is(open(disk).audit.brokenAt, at, `~> ${what}`);
  }
});
hand.run();
