import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { AuditEntry } from '../../src/api/client-object.ts';
import type { Personal } from '../../src/api/lease.ts';
import { formatInvite, inviteHash } from '../../src/lib/invite-code.ts';
import { parsePrefix } from '../../src/lib/ip.ts';
import { AuditLog } from '../../src/mesh/audit.ts';
import { type ClientRules, type ClientStore, Clients } from '../../src/mesh/client.ts';
import { ClientLedger } from '../../src/mesh/client-ledger.ts';
import { Desk } from '../../src/mesh/desk.ts';
import { Invites } from '../../src/mesh/invite.ts';
import { Pool, pool6Of } from '../../src/mesh/pool.ts';
import { MemoryClientPlane } from '../support/client-plane.ts';
import { crypto } from '../support/crypto.ts';
import { decide } from '../support/decide.ts';
import { GATEWAY_ADDRESS, GATEWAY_KEY, leaseRequest, NO_LIMITS } from '../support/gateway.ts';
import { nodeOf } from '../support/node-key.ts';
import { noPeople } from '../support/people.ts';

const RULES: ClientRules = {
  ...{ admission: 'ask', maxClients: 2000, maxWaiting: 50, leaseMs: 3_600_000, kinds: ['gre6'], asksFor: [] },
  ...{ ask: 'ops@example.org', dns: [], wireguardPort: 51_820, vxlanPort: 4790, limits: NO_LIMITS },
};
const UNIX_S = 1_800_000_000;
const [ANN, BOB, CAT] = [1, 2, 3].map((number) => nodeOf(number).address) as [string, string, string];

function open(rules: Partial<ClientRules> = {}, portBlock?: number) {
  const time: { nowMs: number; dateS: number | undefined } = { nowMs: 1000, dateS: UNIX_S };
  const kept = { invites: '[]' };
  const invites = new Invites(
    {
      load: () => [],
      save(records) {
        if (disk.full) throw new Error('No space left on device');
        kept.invites = JSON.stringify(records);
      },
    },
    crypto.sha512,
    (count) => Uint8Array.from({ length: count }, (_, i) => i * 7 + tokens++),
  );
  let tokens = 0;
  const disk = { full: false, writes: 0 };
  const problems: string[] = [];
  const store: ClientStore = {
    standings: () => [],
    saveStandings() {
      disk.writes++;
      if (disk.full) throw new Error('write /etc/x: No space left on device');
    },
    leases: () => [],
    saveLeases() {},
  };
  const plane = new MemoryClientPlane();
  const ledger = new ClientLedger(undefined);
  const clients = new Clients({
    book: ledger,
    ...{ rules: { ...RULES, ...rules }, machine: { address: GATEWAY_ADDRESS, meshMtu: 65_535, ipv6: true } },
    ...{ pool: new Pool(parsePrefix('10.43.0.0/16')!, pool6Of(GATEWAY_KEY), GATEWAY_KEY, portBlock), plane, store },
    ...{ nowMs: () => time.nowMs, unixS: () => UNIX_S, dateS: () => time.dateS, invites },
    onProblem: (what: string) => problems.push(what),
  });
  const lines: string[] = [];
  const audit = new AuditLog({ load: () => [], append: (line) => lines.push(line) }, crypto.sha512, 1000);
  const entries: AuditEntry[] = [];
  const desk = new Desk({
    ...{ clients, ledger, audit, invites, maxClients: 2000, nowMs: () => time.nowMs, unixS: () => UNIX_S },
    ...{ admission: RULES.admission, keepDays: 30, logging: () => 'as it is', people: noPeople() },
    ...{ dateS: () => time.dateS, onProblem: (problem: string) => assert.unreachable(problem) },
    ...{ token: () => `token ${++tokens}`, onEntry: (entry: AuditEntry) => entries.push(entry) },
  });
  const ask = async (number: number, more = {}) =>
    clients.ask(nodeOf(number).address, leaseRequest({ key: nodeOf(number).key, kinds: ['gre6'], ...more }));
  const stateOf = (address: string) => desk.list({ search: address }).clients[0]?.state;
  return { desk, problems, kept, clients, plane, ledger, audit, entries, lines, time, disk, ask, stateOf };
}

const shows = suite('Desk, what it shows');
shows('homes that wait in their order, with what they told, then the others', async () => {
  const { desk, ask, clients } = open({ asksFor: ['name'] });
  await ask(2, { name: 'Bob <b>', site: 'north' });
  await ask(1, { name: 'Ann' });
  decide(clients, CAT, 'refused', 'spam');
  const { total, clients: all } = desk.list({});
  assert.is(total, 3);
  assert.equal(
    all.map(({ address, state, place, name }) => [address, state, place, name]),
    [
      [BOB, 'waiting', 1, 'Bob <b>'],
      [ANN, 'waiting', 2, 'Ann'],
      [CAT, 'refused', undefined, undefined],
    ],
  );
  const summary = desk.summary();
  assert.equal([summary.waiting, summary.active, summary.suspended, summary.refused, summary.away], [2, 0, 0, 1, 0]);
  desk.decide('admit', { addresses: [CAT] });
  assert.equal([desk.summary().refused, desk.summary().away], [0, 1]);
});
shows('leases with their inner addresses, and what was used', async () => {
  const { desk, ask, ledger } = open({ admission: 'open' });
  await ask(1);
  ledger.add(ANN, { rx_bytes: 10, tx_bytes: 2 }, UNIX_S);
  const [ann] = desk.list({ state: 'active' }).clients;
  assert.equal(
    [ann!.kind, ann!.left_s, ann!.today, ann!.configured],
    ['gre6', 3600, { rx_bytes: 10, tx_bytes: 2 }, false],
  );
  assert.match(ann!.home4!, /^10\.43\./);
  assert.match(ann!.home6!, /^fd/);
  assert.equal(desk.summary().days, [{ rx_bytes: 10, tx_bytes: 2 }]);
});
shows('them in the order that is asked for', async () => {
  const { desk, ask, ledger, clients } = open({ admission: 'open', asksFor: ['name'] });
  await ask(1, { name: 'zoe' });
  await ask(2, { name: 'Ann' });
  decide(clients, CAT, 'suspended', 'x');
  ledger.add(CAT, { rx_bytes: 10, tx_bytes: 2 }, UNIX_S - 86_400);
  ledger.add(ANN, { rx_bytes: 1, tx_bytes: 7 }, UNIX_S);
  ledger.add(BOB, { rx_bytes: 3, tx_bytes: 0 }, UNIX_S);
  const order = (sort: string) => desk.list({ sort }).clients.map(({ address }) => address);
  assert.equal(order('month'), [CAT, ANN, BOB]);
  assert.equal(order('today').slice(0, 2), [ANN, BOB]);
  assert.equal(order('name'), [BOB, ANN, CAT]);
  assert.is(order('since').at(-1), CAT);
  assert.equal(desk.list({ sort: 'month', skip: 1, count: 1 }).clients[0]?.address, ANN);
});
shows('pages, and what is searched for', async () => {
  const { desk, ask } = open({ admission: 'open', asksFor: ['name'] });
  for (let i = 0; i < 30; i++) await ask(i, { name: `home ${i}` });
  assert.equal([desk.list({ count: 7 }).clients.length, desk.list({ count: 7 }).total], [7, 30]);
  assert.is(desk.list({ skip: 28, count: 7 }).clients.length, 2);
  assert.is(desk.list({ search: ' HOME 17 ' }).total, 1);
  assert.is(desk.list({ search: nodeOf(5).key.slice(0, 12) }).total, 1);
  for (const args of [{ state: 'odd' }, { sort: 'odd' }, { count: 0 }, { count: 201 }, { skip: -1 }])
    assert.throws(() => desk.list(args), /expected/, JSON.stringify(args));
});
shows('nothing by what whoever reads the answer is not to learn', async () => {
  const { desk, ask } = open({ admission: 'open', asksFor: ['name', 'email'] });
  await ask(1, { name: 'zoe', email: 'zoe@example.org', site: 'hill' });
  await ask(2, { name: 'Ann', email: 'ann@example.org' });
  const found = (search: string, ...hidden: Personal[]) => desk.list({ search }, hidden).total;
  assert.equal([found('zoe'), found('zoe', 'name'), found('zoe', 'name', 'email')], [1, 1, 0]);
  assert.equal([found('hill', 'name', 'email'), found(ANN.slice(0, 20), 'name', 'email')], [1, 1]);
  const order = (...hidden: Personal[]) => desk.list({ sort: 'name' }, hidden).clients.map(({ address }) => address);
  const unsorted = desk.list({}).clients.map(({ address }) => address);
  assert.equal(order(), [BOB, ANN]);
  assert.equal([order('name'), order('email')], [unsorted, [BOB, ANN]]);
  assert.equal(unsorted, [ANN, BOB]);
});
shows.run();

const decides = suite('Desk, what it decides');
decides('lets in who waits, and writes down who did it, and why, before it is done', async () => {
  const { desk, ask, stateOf, entries } = open();
  await ask(1);
  const answer = desk.decide('admit', { addresses: [ANN], by: 'zoe' });
  assert.equal(answer, { message: '1 home let in', entry: 1 });
  assert.is((await ask(1)).kind, 'granted');
  assert.is(stateOf(ANN), 'active');
  assert.equal(entries, [{ n: 1, at_s: UNIX_S, by: 'zoe', did: 'admit', reason: '', clients: [{ address: ANN }] }]);
});
decides('turns homes off in the data plane at once, tells them why, and back on', async () => {
  const { desk, ask, clients, plane, stateOf } = open({ admission: 'open' });
  await ask(1);
  await ask(2);
  desk.decide('suspend', { addresses: [ANN], reason: ' not paid ' });
  await clients.settled();
  assert.equal(
    [...plane.tunnels.values()].map(({ outer, suspended }) => [outer, suspended]).sort(),
    [
      [ANN, true],
      [BOB, false],
    ].sort(),
  );
  const told = await ask(1);
  assert.equal(told.kind === 'refused' && [told.refusal.error, told.refusal.reason], ['suspended', 'not paid']);
  assert.is(stateOf(ANN), 'suspended');
  desk.decide('admit', { addresses: [ANN] });
  await clients.settled();
  assert.ok([...plane.tunnels.values()].every(({ suspended }) => !suspended));
});
decides('wants a reason where homes are told one, and addresses of nodes', () => {
  const { desk, lines } = open();
  assert.throws(() => desk.decide('suspend', { addresses: [ANN] }), /reason: missing/);
  assert.throws(() => desk.decide('refuse', { addresses: [ANN], reason: '  ' }), /reason: missing/);
  assert.throws(() => desk.decide('admit', { addresses: [] }), /at least one/);
  assert.throws(() => desk.decide('admit', { addresses: ['fd00::1'] }), /addresses of nodes .*, got "fd00::1"/);
  assert.throws(() => desk.decide('admit', { addresses: [ANN], reason: 'x'.repeat(257) }), /at most 256/);
  assert.equal(lines, [], '~> nothing was done');
});
decides('says where the configuration counts instead', () => {
  const { desk, clients } = open();
  clients.configure([{ address: ANN, standing: 'admitted', reason: '' }]);
  assert.match(
    desk.decide('suspend', { addresses: [ANN, BOB], reason: 'x' }).message,
    /of 1 of them the configuration/,
  );
});
decides('does nothing when it cannot be kept, and has that in the log', () => {
  const { desk, disk, entries, clients } = open();
  disk.full = true;
  assert.throws(() => desk.decide('suspend', { addresses: [ANN], reason: 'x' }), /No space left/);
  assert.equal(
    entries.map(({ did }) => did),
    ['suspend', 'failed'],
  );
  assert.is(clients.decisionOn(ANN), undefined);
});
decides('on many at once, in entries that are bounded and one write', async () => {
  const { desk, entries, disk, ask, plane, clients, time } = open({ admission: 'open' });
  for (let i = 0; i < 150; i++) {
    time.nowMs += 100;
    await ask(i);
  }
  const addresses = desk.list({ count: 200 }).clients.map(({ address }) => address);
  assert.is(addresses.length, 150);
  const before = disk.writes;
  desk.decide('suspend', { addresses, reason: 'x' });
  await clients.settled();
  assert.is(disk.writes, before + 1);
  assert.ok(entries.every(({ clients }) => clients.length <= 64));
  assert.is(entries.flatMap(({ clients }) => clients).length, addresses.length);
  assert.ok([...plane.tunnels.values()].every(({ suspended }) => suspended));
  assert.ok(entries.length > 1);
  desk.undo({ entry: entries.at(-1)!.n });
  assert.ok(
    addresses.every((address) => clients.decisionOn(address) === undefined),
    '~> all of it',
  );
});
decides.run();

const limits = suite('Desk, its limits');
limits('are set for some homes, in the log before, on the machine at once', async () => {
  const { desk, ask, clients, plane, entries } = open();
  desk.decide('admit', { addresses: [ANN], reason: 'a friend' });
  await ask(1);
  const answer = desk.limit({ addresses: [ANN, BOB], quota_mb: 50_000, down_kbits: 4000, by: 'zoe', reason: 'busy' });
  assert.is(answer.message, 'limits of 2 homes: 50000 MB a month, 4000 kbit/s down');
  await clients.settled();
  assert.equal([...plane.tunnels.values()][0]!.limits, { downKbits: 4000 });
  const [ann] = desk.list({ search: ANN }).clients;
  assert.equal(ann!.limits, { quota_mb: 50_000, down_kbits: 4000 });
  assert.equal(ann!.quota, { bytes: 5e10, used_bytes: 0, state: 'ok', at_quota: 'slow' });
  assert.is(ann!.reason, 'a friend', '~> what it was told stays');
  assert.equal(entries.at(-1), {
    ...{ n: 2, at_s: UNIX_S, by: 'zoe', did: 'limit', reason: '50000 MB a month, 4000 kbit/s down: busy' },
    clients: [{ address: ANN, was: 'admitted', reason: 'a friend' }, { address: BOB }],
  });
  // who is limited before anything was decided is let in
  assert.is((await ask(2)).kind, 'granted');
});
limits('stay where they are not given, go where they are cleared, and one that is 0 is none', () => {
  const { desk, clients } = open({ limits: { ...NO_LIMITS, flows: 64 } });
  const limitsOf = () => clients.decisionOn(ANN)?.limits;
  desk.limit({ addresses: [ANN], quota_mb: 5, up_kbits: 9 });
  desk.limit({ addresses: [ANN], up_kbits: 0, flows: 7 });
  assert.equal(limitsOf(), { quota_mb: 5, up_kbits: 0, flows: 7 });
  desk.limit({ addresses: [ANN], clear: true, flows: 0 });
  assert.equal(limitsOf(), { flows: 0 });
  assert.is(desk.limit({ addresses: [ANN], clear: true }).message, 'limits of 1 home: as all have them');
  assert.equal(clients.decisionOn(ANN), { standing: 'admitted', reason: '' });
  assert.throws(() => desk.limit({ addresses: [ANN] }), /expected one of quota_mb, .* or clear, got none/);
  assert.throws(() => desk.limit({ addresses: [ANN], flows: -1 }), /flows: expected 0 to 1000000, got -1/);
  assert.throws(() => desk.limit({ addresses: [], flows: 1 }), /at least one/);
});
limits('outlive every decision but one that takes all back', async () => {
  const { desk, clients, ask } = open();
  const limitsOf = () => clients.decisionOn(ANN)?.limits;
  desk.decide('admit', { addresses: [ANN], flows: 7 });
  await ask(1);
  desk.decide('suspend', { addresses: [ANN], reason: 'x' });
  desk.decide('refuse', { addresses: [ANN], reason: 'x' });
  desk.decide('admit', { addresses: [ANN], days: 3, quota_mb: 5 });
  assert.equal(limitsOf(), { flows: 7, quota_mb: 5 });
  await ask(1);
  const { confirm } = desk.all({ what: 'suspend', reason: 'x' });
  desk.all({ what: 'suspend', reason: 'x', confirm: confirm! });
  assert.equal([clients.decisionOn(ANN)?.standing, limitsOf()], ['suspended', { flows: 7, quota_mb: 5 }]);
  const { entry } = desk.decide('forget', { addresses: [ANN] });
  assert.is(clients.decisionOn(ANN), undefined);
  desk.undo({ entry });
  assert.equal(limitsOf(), { flows: 7, quota_mb: 5 });
});
limits('are put back by undo, each as it was', () => {
  const { desk, clients } = open();
  desk.decide('suspend', { addresses: [ANN], reason: 'not paid' });
  desk.limit({ addresses: [ANN], flows: 7 });
  const { entry } = desk.limit({ addresses: [ANN, BOB], flows: 9, quota_mb: 1 });
  assert.is(clients.decisionOn(ANN)?.standing, 'suspended');
  desk.undo({ entry });
  assert.equal(clients.decisionOn(ANN), { standing: 'suspended', reason: 'not paid', limits: { flows: 7 } });
  assert.is(clients.decisionOn(BOB), undefined);
});
limits('come with an invite', async () => {
  const { desk, ask, clients } = open();
  const { code } = desk.invite({ quota_mb: 500, down_kbits: 1000 });
  assert.equal(desk.invites().invites[0]!.limits, { quota_mb: 500, down_kbits: 1000 });
  await ask(1, { invite: code });
  assert.equal(clients.decisionOn(ANN)?.limits, { quota_mb: 500, down_kbits: 1000 });
  assert.throws(() => desk.invite({ quota_mb: -5 }), /quota_mb: expected 0 to/);
});
limits('show what a home used at other gateways, and its ports', async () => {
  const { desk, ask, ledger } = open({ admission: 'open' }, 1024);
  await ask(1);
  ledger.setElsewhere('north', ANN, { rx_bytes: 5, tx_bytes: 6 });
  const [ann] = desk.list({ search: ANN }).clients;
  assert.equal(ann!.elsewhere, { rx_bytes: 5, tx_bytes: 6 });
  assert.is(ann!.ports!.last - ann!.ports!.first, 1023);
});
limits.run();

const all = suite('Desk, all at once');
all('asks first how many it would be, and does it with what it handed out', async () => {
  const { desk, ask, stateOf, time } = open({ admission: 'open' });
  await ask(1);
  await ask(2);
  const asked = desk.all({ what: 'suspend', reason: 'abuse' });
  assert.equal([asked.clients, asked.entry, stateOf(ANN)], [2, undefined, 'active']);
  assert.match(asked.message, /2 homes would be turned off: confirm/);
  for (const args of [
    { what: 'suspend', reason: 'other', confirm: asked.confirm! },
    { what: 'admit', reason: 'abuse', confirm: asked.confirm! },
    { what: 'suspend', reason: 'abuse', confirm: 'guessed' },
  ])
    assert.throws(() => desk.all(args), /confirm: not what was handed out/);
  assert.is(desk.all({ what: 'suspend', reason: 'abuse', confirm: asked.confirm! }).message, '2 homes turned off');
  assert.equal([stateOf(ANN), stateOf(BOB)], ['suspended', 'suspended']);
  assert.throws(() => desk.all({ what: 'suspend', reason: 'abuse', confirm: asked.confirm! }), /confirm/, '~> once');
  assert.is(desk.all({ what: 'admit' }).clients, 2);
  const late = desk.all({ what: 'admit' });
  time.nowMs += 60_000;
  assert.throws(() => desk.all({ what: 'admit', confirm: late.confirm! }), /in the last minute/);
  assert.throws(() => desk.all({ what: 'forget' }), /what: expected suspend, admit/);
  assert.throws(() => desk.all({ what: 'suspend' }), /reason: missing/);
});
all('lets those in again who were turned off, when their leases have ended, too, and nobody else', async () => {
  const { desk, ask, clients, stateOf, time } = open({ admission: 'open' });
  await ask(1);
  await ask(2);
  desk.decide('suspend', { addresses: [ANN], reason: 'x' });
  desk.decide('admit', { addresses: [BOB], days: 30 });
  time.nowMs += 3_600_000;
  clients.sweep();
  assert.is(clients.count, 0);
  const { confirm } = desk.all({ what: 'admit' });
  assert.is(desk.all({ what: 'admit', confirm: confirm! }).message, '1 home let in');
  assert.equal([stateOf(ANN), clients.decisionOn(BOB)?.until_s], ['away', UNIX_S + 30 * 86_400]);
});
all.run();

const undoes = suite('Desk, undone');
undoes('puts back what was before, each as it was', () => {
  const { desk, clients } = open();
  desk.decide('suspend', { addresses: [ANN], reason: 'not paid' });
  const { entry } = desk.decide('admit', { addresses: [ANN, BOB] });
  assert.is(desk.undo({ entry, by: 'zoe' }).message, '2 homes as before entry 2');
  assert.equal(clients.decisionOn(ANN), { standing: 'suspended', reason: 'not paid' });
  assert.is(clients.decisionOn(BOB), undefined);
});
undoes('leaves alone what was decided since', () => {
  const { desk, clients } = open();
  const { entry } = desk.decide('admit', { addresses: [ANN, BOB] });
  desk.decide('refuse', { addresses: [BOB], reason: 'spam' });
  assert.match(desk.undo({ entry }).message, /1 home as before entry 1; on 1 something was decided since/);
  assert.equal([clients.decisionOn(ANN), clients.decisionOn(BOB)?.standing], [undefined, 'refused']);
  assert.throws(() => desk.undo({ entry }), /on all of its homes something was decided since/);
  assert.throws(() => desk.undo({ entry: 99 }), /expected the number of one that is kept/);
});
undoes('is itself undone by another undo', () => {
  const { desk, clients } = open();
  const { entry } = desk.decide('suspend', { addresses: [ANN], reason: 'x' });
  const { entry: back } = desk.undo({ entry });
  assert.is(clients.decisionOn(ANN), undefined);
  desk.undo({ entry: back });
  assert.equal(clients.decisionOn(ANN), { standing: 'suspended', reason: 'x' });
});
undoes('what a list for several gateways said, which is one entry', async () => {
  const { desk, clients, entries, plane, ask } = open({ admission: 'open' });
  await ask(1);
  desk.decide('suspend', { addresses: [BOB], reason: 'not paid' });
  const decisions = new Map([
    [ANN, { standing: 'admitted', reason: '', limits: { down_kbits: 4000 } } as const],
    [BOB, undefined],
    [CAT, { standing: 'refused', reason: 'spam' } as const],
  ]);
  desk.share(decisions, 'group east, generation 3', 'key otto');
  const last = entries.at(-1)!;
  assert.equal(
    [last.did, last.by, last.reason, last.clients.length],
    ['share', 'key otto', 'group east, generation 3', 3],
  );
  assert.equal([clients.decisionOn(ANN)?.limits, clients.decisionOn(BOB)], [{ down_kbits: 4000 }, undefined]);
  await clients.settled();
  assert.equal([...plane.tunnels.values()][0]!.limits, { downKbits: 4000 });
  desk.undo({ entry: last.n });
  assert.equal(
    [ANN, BOB, CAT].map((home) => clients.decisionOn(home)?.standing),
    [undefined, 'suspended', undefined],
  );
});
undoes('announces a stop, lets nobody new in, and takes that back', async () => {
  const { desk, ask } = open({ admission: 'open' });
  const { entry } = desk.drain({ in_s: 600, reason: 'new disk' });
  assert.equal(desk.summary().drain, { in_s: 600, reason: 'new disk' });
  const told = await ask(1);
  assert.is(told.kind === 'refused' && told.refusal.error, 'draining');
  assert.throws(() => desk.undo({ entry }), /drain is nothing that can be undone/);
  desk.undrain({});
  assert.is((await ask(1)).kind, 'granted');
  assert.throws(() => desk.undrain({}), /was not about to stop/);
  assert.throws(() => desk.drain({ in_s: 90_000 }), /expected 0 to 86400/);
});
undoes.run();

const invite = suite('Desk, its invites');
invite('lets so many homes in by a word that is kept nowhere', async () => {
  const { desk, ask, kept, entries } = open();
  const made = desk.invite({ uses: 2, note: 'the Smiths', by: 'zoe' });
  assert.match(made.code, /^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/);
  assert.not.match(kept.invites + JSON.stringify(entries), new RegExp(made.code.replaceAll('-', '')));
  assert.is((await ask(1, { invite: 'aaaa-bbbb-cccc-dddd' })).kind, 'waiting');
  assert.is((await ask(1, { invite: ` ${made.code.toUpperCase()} ` })).kind, 'granted');
  assert.is((await ask(2, { invite: made.code })).kind, 'granted');
  assert.is((await ask(3, { invite: made.code })).kind, 'waiting', '~> used up');
  const [shown] = desk.invites().invites;
  assert.equal([shown!.id, shown!.left, shown!.used, shown!.open, shown!.note], [made.id, 0, 2, false, 'the Smiths']);
  assert.is('hash' in shown!, false);
  assert.equal(
    entries.map(({ did, by, reason, clients }) => [did, by, reason, clients.length]),
    [
      ['invite', 'zoe', '2 homes within 30 days: the Smiths', 0],
      ['invited', 'gateway', `invite ${made.id}`, 1],
      ['invited', 'gateway', `invite ${made.id}`, 1],
    ],
  );
});
invite('ends, is revoked, and is for one site only', async () => {
  const { desk, ask, time } = open();
  const north = desk.invite({ site: 'north', days: 7 });
  assert.is((await ask(1, { invite: north.code })).kind, 'waiting');
  assert.is((await ask(1, { invite: north.code, site: 'south' })).kind, 'waiting');
  time.dateS! += 7 * 86_400;
  assert.is((await ask(1, { invite: north.code, site: 'north' })).kind, 'waiting');
  time.dateS! -= 1;
  assert.is((await ask(1, { invite: north.code, site: 'north' })).kind, 'granted');
  const other = desk.invite({});
  assert.is(desk.revoke({ id: other.id }).message, 'nobody comes by it any more');
  assert.is((await ask(2, { invite: other.code })).kind, 'waiting');
  assert.throws(() => desk.revoke({ id: other.id }), /id: expected that of an invite/);
});
invite('lets in for a time', async () => {
  const { desk, ask, clients, time, entries } = open();
  const { code } = desk.invite({ access_days: 30 });
  await ask(1, { invite: code });
  desk.decide('admit', { addresses: [BOB], days: 30 });
  await ask(2);
  assert.is(desk.list({ search: ANN }).clients[0]!.until_s, UNIX_S + 30 * 86_400);
  time.dateS! += 30 * 86_400;
  clients.sweep();
  assert.equal([clients.count, desk.list({}).total], [0, 0]);
  assert.equal(
    entries.slice(-2).map(({ did }) => did),
    ['over', 'over'],
  );
  assert.throws(() => desk.undo({ entry: entries.at(-1)!.n }), /over is nothing that can be undone/);
});
invite('promises no end while the clock is wrong', () => {
  const { desk, time } = open();
  time.dateS = undefined;
  assert.throws(() => desk.invite({}), /the clock of this gateway is wrong/);
  assert.throws(() => desk.decide('admit', { addresses: [ANN], days: 1 }), /the clock of this gateway is wrong/);
});
invite('lets nobody in for good whose access was to end, though the clock is wrong', async () => {
  const { desk, ask, time, clients, problems } = open();
  const { code } = desk.invite({ access_days: 7 });
  time.dateS = undefined;
  const told = await ask(1, { invite: code });
  assert.is(told.kind === 'refused' && told.refusal.error, 'busy');
  assert.match(problems.join(), /the clock of this gateway is wrong/);
  assert.equal([clients.decisionOn(ANN), desk.invites().invites[0]!.left], [undefined, 1]);
  time.dateS = UNIX_S;
  await ask(1, { invite: code });
  assert.is(clients.decisionOn(ANN)?.until_s, UNIX_S + 7 * 86_400);
});
invite('lets homes in by a code that somebody else made, of which it knows the hash alone', async () => {
  const { desk, ask } = open();
  const code = formatInvite(new Uint8Array(10).fill(7));
  const hash = inviteHash((bytes) => crypto.sha512(bytes), code)!;
  const made = desk.invite({ hash });
  assert.equal([made.code, made.id], ['', hash.slice(0, 8)]);
  assert.throws(() => desk.invite({ hash }), /an invite of this hash already/);
  assert.throws(() => desk.invite({ hash: code }), /hash: expected 32 characters/);
  assert.is((await ask(1, { invite: code.toUpperCase() })).kind, 'granted');
});
invite('makes none that could not be kept, and not too many', () => {
  const { desk, disk, entries } = open();
  disk.full = true;
  assert.throws(() => desk.invite({}), /No space left/);
  assert.is(entries.at(-1)!.did, 'failed');
  disk.full = false;
  assert.equal(desk.invites().invites, []);
  for (let i = 0; i < 256; i++) desk.invite({});
  assert.throws(() => desk.invite({}), /256 invites already/);
  for (const args of [{ uses: 0 }, { days: 366 }, { access_days: 0 }, { note: 'x'.repeat(65) }])
    assert.throws(() => desk.invite(args), /expected/, JSON.stringify(args));
});
invite.run();

const logs = suite('Desk, its log');
logs('gives it in pages, the newest first, with its hash', () => {
  const { desk } = open();
  for (let i = 0; i < 5; i++) desk.decide('admit', { addresses: [ANN] });
  const { entries, head, broken_at } = desk.log({ count: 2 });
  assert.equal(
    entries.map(({ n }) => n),
    [5, 4],
  );
  assert.match(head, /^[a-z2-7]{52}$/);
  assert.is(broken_at, undefined);
  assert.equal(
    desk.log({ before: 4, count: 2 }).entries.map(({ n }) => n),
    [3, 2],
  );
  assert.throws(() => desk.log({ count: 0 }), /expected 1 to 200/);
});
logs('gives what was done to one home', () => {
  const { desk } = open();
  desk.decide('admit', { addresses: [ANN, BOB] });
  desk.decide('suspend', { addresses: [BOB], reason: 'x' });
  desk.drain({ in_s: 60 });
  desk.decide('forget', { addresses: [ANN] });
  const entries = (args: Parameters<typeof desk.log>[0]) => desk.log(args).entries.map(({ n }) => n);
  assert.equal(entries({ address: ANN }), [4, 1]);
  assert.equal(entries({ address: ANN, count: 1, before: 4 }), [1]);
  assert.equal(entries({ address: CAT }), []);
  assert.throws(() => desk.log({ address: 'fd00::1' }), /address: expected addresses of nodes .*, got "fd00::1"/);
});
logs.run();
