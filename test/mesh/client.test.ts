import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LeaseRequest, Limits, RefusalCode } from '../../src/api/lease.ts';
import { parsePrefix } from '../../src/lib/ip.ts';
import {
  type ClientRules,
  type ClientStore,
  Clients,
  type LeaseRecord,
  type StandingRecord,
} from '../../src/mesh/client.ts';
import { ClientLedger } from '../../src/mesh/client-ledger.ts';
import type { LeaseAnswer } from '../../src/mesh/lease-message.ts';
import { Pool, pool6Of } from '../../src/mesh/pool.ts';
import { MemoryClientPlane } from '../support/client-plane.ts';
import { settle } from '../support/clock.ts';
import { decide, waitingOf } from '../support/decide.ts';
import { GATEWAY_ADDRESS, GATEWAY_KEY, leaseRequest, NO_LIMITS, WIREGUARD_KEY } from '../support/gateway.ts';
import { nodeOf } from '../support/node-key.ts';

const RULES: ClientRules = {
  admission: 'open',
  maxClients: 100,
  maxWaiting: 3,
  leaseMs: 3_600_000,
  kinds: ['gre6', 'vxlan', 'wireguard'],
  asksFor: [],
  ask: 'ops@example.org',
  dns: [],
  wireguardPort: 51_820,
  vxlanPort: 4790,
  limits: NO_LIMITS,
};

class MemoryStore implements ClientStore {
  kept: readonly LeaseRecord[] = [];
  decided = new Map<string, StandingRecord>();
  saves = 0;
  full = false;
  standings(): StandingRecord[] {
    return [...this.decided.values()];
  }
  saveStandings(changes: ReadonlyMap<string, StandingRecord | undefined>): void {
    if (this.full) throw new Error('write /etc/x: No space left on device');
    for (const [address, record] of changes) {
      if (record) this.decided.set(address, record);
      else this.decided.delete(address);
    }
  }
  leases(): readonly LeaseRecord[] {
    return this.kept;
  }
  saveLeases(leases: readonly LeaseRecord[]): void {
    this.saves++;
    this.kept = JSON.parse(JSON.stringify(leases));
  }
}

function gateway(
  rules: Partial<ClientRules> = {},
  store = new MemoryStore(),
  plane = new MemoryClientPlane(),
  pool = '10.43.0.0/16',
  portBlock?: number,
) {
  const time = { nowMs: 1000, unixS: 1_800_000_000 };
  const problems: string[] = [];
  /** By its word: the site that homes have to belong to, for how long they are let in, and with which limits. */
  const invites = new Map<string, { site?: string; accessS?: number; limits?: Limits }>();
  const redeem = (text: string, site: string | undefined) => {
    const invite = invites.get(text);
    if (!invite || (invite.site !== undefined && invite.site !== site)) return undefined;
    return { id: 'x', accessS: invite.accessS, limits: invite.limits };
  };
  const ledger = new ClientLedger(undefined);
  const clients = new Clients({
    rules: { ...RULES, ...rules },
    machine: { address: GATEWAY_ADDRESS, meshMtu: 65_535, ipv6: true, wireguardKey: WIREGUARD_KEY },
    pool: new Pool(parsePrefix(pool)!, pool6Of(GATEWAY_KEY), GATEWAY_KEY, portBlock),
    plane,
    store,
    book: ledger,
    nowMs: () => time.nowMs,
    invites: { redeem: (text, site) => redeem(text, site) },
    unixS: () => time.unixS,
    dateS: () => time.unixS,
    onProblem: (what) => problems.push(what),
  });
  const request = (number: number, more: Partial<LeaseRequest> = {}): LeaseRequest =>
    leaseRequest({ key: nodeOf(number).key, ...more });
  /** What node `number` is told when it asks. */
  const ask = async (number: number, more: Partial<LeaseRequest> = {}, legacy = false): Promise<LeaseAnswer> =>
    clients.ask(nodeOf(number).address, request(number, more), legacy);
  return { clients, ledger, plane, store, time, problems, invites, ask, request };
}

function granted(answer: LeaseAnswer) {
  if (answer.kind !== 'granted') throw new Error(`expected a grant, got ${JSON.stringify(answer)}`);
  return answer.grant;
}

function codeOf(answer: LeaseAnswer): RefusalCode | string {
  return answer.kind === 'refused' ? answer.refusal.error : answer.kind;
}

const { address: ANN } = nodeOf(1);
const { address: BOB } = nodeOf(2);

const lease = suite('Clients');
lease('gives a lease whose tunnel stands, with inner addresses of its own', async () => {
  const { ask, plane, clients } = gateway();
  const { terms, lease_s, generation, online } = granted(await ask(1));
  assert.equal([lease_s, generation, online, clients.count], [3600, 1, true, 1]);
  assert.equal(
    [terms.kind, terms.outer, terms.mtu, terms.gateway4, terms.gateway6],
    ['gre6', GATEWAY_ADDRESS, 1500, '10.43.0.1', 'fd1c:1601:f92a::1'],
  );
  assert.equal(terms.dns, ['10.43.0.1', 'fd1c:1601:f92a::1']);
  const [tunnel] = plane.tunnels.values();
  assert.equal([tunnel!.outer, tunnel!.home4, tunnel!.home6, tunnel!.mtu], [ANN, terms.home4, terms.home6, 1500]);
  assert.not.ok(tunnel!.suspended);
});
lease('is idempotent: who asks again has the same, for its whole time', async () => {
  const { ask, plane, time } = gateway();
  const first = granted(await ask(1));
  time.nowMs += 1_800_000;
  const again = granted(await ask(1));
  assert.equal(again, first);
  assert.is(plane.changes.length, 1);
});
lease('lets everybody who waits for the same tunnel wait', async () => {
  const { ask, plane } = gateway();
  plane.holding = true;
  const both = [ask(1), ask(1)];
  await settle();
  plane.go();
  const [a, b] = await Promise.all(both);
  assert.equal(a, b);
  assert.is(plane.tunnels.size, 1);
});
lease('makes tunnels of many who come at once together', async () => {
  const { ask, plane } = gateway();
  plane.holding = true;
  const first = ask(1);
  await settle();
  const others = Array.from({ length: 30 }, (_, i) => ask(i + 2));
  await settle();
  plane.go();
  await Promise.all([first, ...others]);
  assert.equal(
    plane.changes.map(({ add }) => add.length),
    [1, 30],
  );
});
lease('takes the kind that it prefers of those that the home can make', async () => {
  const { ask } = gateway({ kinds: ['wireguard', 'vxlan'] });
  assert.equal(codeOf(await ask(1, { kinds: ['gre6'] })), 'no_kind');
  const vxlan = granted(await ask(1, { kinds: ['wireguard', 'vxlan'] })).terms;
  assert.is(vxlan.kind, 'vxlan', '~> it told no key of WireGuard');
  assert.ok(vxlan.vni! > 4096 && vxlan.port === 4790 && vxlan.mtu === 1500);
  const wireguard = granted(await ask(2, { kinds: ['wireguard'], wireguard_key: WIREGUARD_KEY })).terms;
  assert.equal([wireguard.port, wireguard.wireguard_key, wireguard.mtu], [51_820, WIREGUARD_KEY, 1500]);
});
lease('agrees on an MTU that both ends carry, and gives no IPv6 below what that needs', async () => {
  const { ask } = gateway();
  assert.is(granted(await ask(1, { mesh_mtu: 1500 })).terms.mtu, 1456);
  const small = granted(await ask(2, { mesh_mtu: 1280 })).terms;
  assert.is(small.mtu, 1236);
  assert.equal([small.home6, small.gateway6, small.dns], [undefined, undefined, ['10.43.0.1']]);
});
lease('makes the tunnel anew when a home asks for another one, and says so by the generation', async () => {
  const { ask, plane } = gateway();
  const first = granted(await ask(1));
  const second = granted(await ask(1, { kinds: ['vxlan'] }));
  assert.is(second.terms.kind, 'vxlan');
  assert.is(second.terms.home4, first.terms.home4);
  assert.ok(second.generation > first.generation);
  assert.equal(
    [...plane.tunnels.values()].map(({ kind }) => kind),
    ['vxlan'],
  );
});
lease('gives a home of autoygg IPv4 alone', async () => {
  const { ask, plane } = gateway();
  const { terms } = granted(await ask(1, { kinds: ['gre6'] }, true));
  assert.equal([terms.home6, terms.gateway6], [undefined, undefined]);
  assert.is([...plane.tunnels.values()][0]!.home6, undefined);
});
lease('ends when it was not asked for again in its time', async () => {
  const { ask, plane, time, clients } = gateway();
  await ask(1);
  time.nowMs += 3_599_000;
  clients.sweep();
  assert.is(clients.count, 1);
  time.nowMs += 1000;
  clients.sweep();
  await clients.settled();
  assert.equal([clients.count, plane.tunnels.size], [0, 0]);
  assert.is(codeOf(clients.look(ANN)), 'no_lease');
});
lease('ends when the home releases it, once and again', async () => {
  const { ask, plane, clients } = gateway();
  await ask(1);
  assert.ok(clients.release(ANN));
  assert.not.ok(clients.release(ANN));
  await clients.settled();
  assert.is(plane.tunnels.size, 0);
  granted(await ask(1));
});
lease('shows a home its use, as it sees the direction', async () => {
  const { ask, clients, plane, time } = gateway();
  await ask(1);
  const [slot] = plane.tunnels.keys();
  const use = () => granted(clients.look(ANN)).use;
  clients.takeUse(new Map([[slot!, { rxBytes: 100, txBytes: 1000 }]]));
  clients.takeUse(new Map([[slot!, { rxBytes: 150, txBytes: 1500 }]]));
  time.unixS += 60;
  assert.equal(use(), { rx_bytes: 1500, tx_bytes: 150, since_s: 60 });
  clients.takeUse(new Map([[slot!, { rxBytes: 10, txBytes: 20 }]]));
  assert.equal(use(), { rx_bytes: 1520, tx_bytes: 160, since_s: 60 }, '~> a tunnel that was made anew counts from 0');
  clients.takeUse(new Map([[9999, { rxBytes: 1, txBytes: 1 }]]));
});
lease('counts a home until its tunnel is gone, and none of that for whoever has its slot next', async () => {
  const { ask, plane, clients, problems } = gateway({}, new MemoryStore(), new MemoryClientPlane(), '10.43.0.0/30');
  const used = new Map<string, number>();
  const change = plane.change.bind(plane);
  const count = () =>
    clients.takeUse(plane.flows, (address, rx) => void used.set(address, (used.get(address) ?? 0) + rx));
  // as the gateway does it
  plane.change = (what) => {
    if (what.remove.length > 0) count();
    return change(what);
  };
  await ask(1);
  const [slot] = plane.tunnels.keys();
  const uses = (txBytes: number) => plane.flows.set(slot!, { rxBytes: 0, txBytes });
  uses(100);
  count();
  uses(150);
  clients.release(ANN);
  // its tunnel is still there
  const taken = ask(2);
  count();
  uses(160);
  await taken;
  assert.equal([...used], [[ANN, 160]], '~> all of it');
  uses(7);
  count();
  assert.equal([used.get(ANN), used.get(BOB)], [160, 7]);
  // it cannot be removed: it counts on until it is
  plane.problems.set(slot!, 'busy');
  clients.release(BOB);
  await clients.settled();
  assert.ok(problems.includes(`tunnel ${slot}: busy`));
  uses(9);
  plane.problems.clear();
  clients.sweep();
  await clients.settled();
  assert.equal([used.get(BOB), plane.tunnels.size], [9, 0]);
});
lease('counts on for who has a slot anew whose tunnel could not be removed', async () => {
  const { ask, plane, clients } = gateway({}, new MemoryStore(), new MemoryClientPlane(), '10.43.0.0/30');
  const used = new Map<string, number>();
  const count = () =>
    clients.takeUse(plane.flows, (address, rx) => void used.set(address, (used.get(address) ?? 0) + rx));
  await ask(1);
  const [slot] = plane.tunnels.keys();
  plane.flows.set(slot!, { rxBytes: 0, txBytes: 100 });
  count();
  const change = plane.change.bind(plane);
  let taken: Promise<LeaseAnswer> | undefined;
  plane.change = async () => {
    plane.change = change;
    taken = ask(2);
    await settle();
    throw new Error('no nft');
  };
  clients.release(ANN);
  await settle();
  await clients.settled();
  assert.is((await taken!).kind, 'granted');
  plane.flows.set(slot!, { rxBytes: 0, txBytes: 130 });
  count();
  assert.equal(
    [...used],
    [
      [ANN, 100],
      [BOB, 30],
    ],
  );
});
lease('tells all when it cannot reach the Internet, and when it is going to stop', async () => {
  const { ask, clients, time } = gateway();
  const first = granted(await ask(1));
  const told: (string | undefined)[] = [];
  clients.changed.on((address) => told.push(address));
  clients.setOnline(false);
  clients.setOnline(false);
  const second = granted(clients.look(ANN));
  assert.equal([second.online, second.generation], [false, first.generation + 1]);
  clients.setDrain({ in_s: 600, reason: 'maintenance' });
  time.nowMs += 100_000;
  assert.equal(granted(clients.look(ANN)).drain, { in_s: 500, reason: 'maintenance' });
  assert.equal(told, [undefined, undefined]);
  assert.is(codeOf(await ask(2)), 'draining');
  granted(await ask(1));
  clients.setDrain(undefined);
  granted(await ask(2));
});
lease.run();

// ---

const admission = suite('Clients and admission');
admission('lets homes wait for the operator, and tells their place and whom to ask', async () => {
  const { ask, clients } = gateway({ admission: 'ask' });
  await ask(1);
  assert.equal(await ask(2), {
    kind: 'waiting',
    waiting: { state: 'waiting', place: 2, waiting: 2, retry_after_s: 60, ask: 'ops@example.org' },
  });
  assert.is(codeOf(clients.look(ANN)), 'waiting');
  decide(clients, ANN, 'admitted');
  assert.is(codeOf(await ask(1)), 'granted');
  assert.equal(
    waitingOf(clients).map(({ address }) => address),
    [BOB],
  );
});
admission('keeps a place for an hour after it was last asked for, and only so many', async () => {
  const { ask, clients, time } = gateway({ admission: 'ask', maxWaiting: 2 });
  await ask(1);
  await ask(2);
  assert.is(codeOf(await ask(3)), 'queue_full');
  time.nowMs += 3_000_000;
  await ask(2);
  time.nowMs += 700_000;
  clients.sweep();
  assert.is(codeOf(await ask(3)), 'waiting');
  assert.equal(
    waitingOf(clients).map(({ address }) => address),
    [BOB, nodeOf(3).address],
  );
});
admission('is over when a home gives up', async () => {
  const { ask, clients } = gateway({ admission: 'ask' });
  await ask(1);
  clients.release(ANN);
  assert.equal(waitingOf(clients), []);
});
admission('asks for what the operator wants to know, once', async () => {
  const { ask } = gateway({ asksFor: ['name', 'email'] });
  const answer = await ask(1, { name: 'Ann', email: ' ' });
  assert.equal(answer.kind === 'refused' && answer.refusal, {
    error: 'asks_for',
    reason: 'the operator wants to know: email',
    retry_after_s: 600,
    missing: ['email'],
  });
  granted(await ask(1, { name: 'Ann', email: 'a@example.org' }));
  granted(await ask(1));
});
admission('shows the operator what those who wait told', async () => {
  const { ask, clients } = gateway({ admission: 'ask', asksFor: ['name'] });
  await ask(1, { name: 'Ann', phone: 'nobody asked for it', site: 'hill' });
  assert.equal(waitingOf(clients), [{ address: ANN, told: { name: 'Ann', site: 'hill' } }]);
});
admission('lets nobody new in when it is closed', async () => {
  const { ask, clients } = gateway({ admission: 'closed' });
  assert.is(codeOf(await ask(1)), 'closed');
  clients.configure([{ address: ANN, standing: 'admitted', reason: '' }]);
  granted(await ask(1));
});
admission.run();

// ---

const control = suite('Clients and control');
control('suspends at once: on the machine, and in every answer, with the reason', async () => {
  const { ask, clients, plane } = gateway();
  const first = granted(await ask(1));
  const told: (string | undefined)[] = [];
  clients.changed.on((address) => told.push(address));
  decide(clients, ANN, 'suspended', 'not paid');
  const refused = {
    kind: 'refused',
    refusal: { error: 'suspended', reason: 'not paid', retry_after_s: 60 },
  } as const;
  assert.equal(clients.look(ANN), refused);
  assert.equal(await ask(1), refused);
  assert.equal(told, [ANN]);
  await clients.settled();
  assert.ok([...plane.tunnels.values()][0]!.suspended);
  decide(clients, ANN, 'admitted');
  await clients.settled();
  assert.not.ok([...plane.tunnels.values()][0]!.suspended);
  const again = granted(await ask(1));
  assert.equal(again.terms, first.terms);
  assert.ok(again.generation > first.generation);
});
control('does not make a suspended home older by asking: its lease ends', async () => {
  const { ask, clients, time } = gateway();
  await ask(1);
  decide(clients, ANN, 'suspended');
  time.nowMs += 3_600_000;
  await ask(1);
  clients.sweep();
  assert.is(clients.count, 0);
  decide(clients, ANN, undefined);
  granted(await ask(1));
});
control('ends the lease of a home that is refused', async () => {
  const { ask, clients, plane } = gateway();
  await ask(1);
  decide(clients, ANN, 'refused', 'spam');
  await clients.settled();
  assert.equal([clients.count, plane.tunnels.size], [0, 0]);
  assert.is(codeOf(await ask(1)), 'refused');
});
control('has a decision on disk before it is in force, and no decision where the disk is full', async () => {
  const { ask, clients, store } = gateway();
  await ask(1);
  decide(clients, BOB, 'suspended', 'x');
  assert.equal(store.standings(), [{ address: BOB, standing: 'suspended', reason: 'x', since_s: 1_800_000_000 }]);
  store.full = true;
  assert.throws(() => decide(clients, ANN, 'suspended'), /No space left/);
  granted(await ask(1));
});
control('lets the configuration win over the desk, and follows when it changes', async () => {
  const { ask, clients, plane } = gateway();
  await ask(1);
  decide(clients, ANN, 'admitted');
  clients.configure([{ address: ANN, standing: 'suspended', reason: 'by file' }]);
  assert.is(codeOf(await ask(1)), 'suspended');
  await clients.settled();
  assert.ok([...plane.tunnels.values()][0]!.suspended);
  const changes = plane.changes.length;
  clients.configure([{ address: ANN, standing: 'suspended', reason: 'by file' }]);
  await clients.settled();
  assert.is(plane.changes.length, changes, '~> nothing changed');
  clients.configure([]);
  await clients.settled();
  granted(await ask(1));
  assert.not.ok([...plane.tunnels.values()][0]!.suspended);
});
control('ends the lease of a home that nobody vouches for any more', async () => {
  const { ask, clients } = gateway({ admission: 'ask' });
  clients.configure([{ address: ANN, standing: 'admitted', reason: '' }]);
  await ask(1);
  clients.configure([]);
  assert.is(clients.count, 0);
});
control('tries again to suspend what the machine did not', async () => {
  const { ask, clients, plane, problems } = gateway();
  await ask(1);
  plane.all = 'nft: timed out';
  decide(clients, ANN, 'suspended');
  await clients.settled();
  assert.equal(problems, ['nft: timed out']);
  plane.all = undefined;
  clients.sweep();
  await clients.settled();
  assert.ok([...plane.tunnels.values()][0]!.suspended);
});
control('tries again to suspend one that the machine did not, and does nothing else meanwhile', async () => {
  const { ask, clients, plane, problems } = gateway();
  await ask(1);
  const [slot] = plane.tunnels.keys();
  plane.problems.set(slot!, 'busy');
  decide(clients, ANN, 'suspended');
  await clients.settled();
  assert.equal([problems, plane.changes.length], [[`tunnel ${slot}: busy`], 2]);
  plane.problems.clear();
  clients.sweep();
  await clients.settled();
  assert.ok([...plane.tunnels.values()][0]!.suspended);
});
control.run();

// ---

const attack = suite('Clients under attack');
attack('give no lease for a key of somebody else, and change nothing of theirs', async () => {
  const { clients, request, ask } = gateway();
  const before = granted(await ask(1));
  assert.is(codeOf(await clients.ask(BOB, request(1))), 'other_key');
  assert.is(codeOf(await clients.ask('200::1', request(1))), 'other_key');
  assert.equal(granted(await ask(1)), before);
  assert.is(clients.count, 1);
});
attack('give one lease an address, however often it asks', async () => {
  const { ask, clients, plane } = gateway();
  for (let i = 0; i < 1000; i++) granted(await ask(1));
  assert.equal([clients.count, plane.changes.length], [1, 1]);
});
attack('give so many new leases in a second, and no more than there is room for', async () => {
  const { ask, clients, time } = gateway({ maxClients: 50 });
  const codes: string[] = [];
  for (let i = 0; i < 1000; i++) codes.push(codeOf(await ask(i)));
  assert.equal([codes.filter((code) => code === 'granted').length, codes[40], clients.count], [40, 'busy', 40]);
  granted(await ask(0));
  time.nowMs += 1000;
  for (let i = 1000; i < 1020; i++) codes.push(codeOf(await ask(i)));
  assert.is(clients.count, 50);
  assert.is(codes.at(-1), 'full');
  clients.release(nodeOf(0).address);
  time.nowMs += 1000;
  granted(await ask(2000));
});
attack('bound the tunnels that are being made', async () => {
  const { ask, clients, plane, time } = gateway({ maxClients: 4000 });
  plane.holding = true;
  const answers: Promise<LeaseAnswer>[] = [];
  for (let i = 0; i < 400; i++) {
    time.nowMs += 50;
    answers.push(ask(i));
  }
  await settle();
  plane.go();
  const codes = (await Promise.all(answers)).map(codeOf);
  assert.equal([codes.filter((code) => code === 'granted').length, codes.at(-1)], [256, 'busy']);
  assert.is(clients.count, 256);
});
attack('free addresses at once: a small pool is used again', async () => {
  const { ask, clients, time } = gateway({ maxClients: 4000 }, undefined, undefined, '10.1.2.0/24');
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 253; i++) {
      time.nowMs += 50;
      granted(await ask(round * 1000 + i));
    }
    time.nowMs += 50;
    assert.is(codeOf(await ask(5000)), 'full');
    for (let i = 0; i < 253; i++) clients.release(nodeOf(round * 1000 + i).address);
  }
});
attack.run();

// ---

const failure = suite('Clients when something fails');
failure('say no where a tunnel cannot be made, and leave nothing of it', async () => {
  const { ask, clients, plane, problems } = gateway();
  const plan = gateway();
  await plan.ask(1);
  const [slot] = plan.plane.tunnels.keys();
  plane.problems.set(slot!, 'no such module');
  assert.is(codeOf(await ask(1)), 'busy');
  assert.equal([clients.count, problems], [0, [`tunnel of ${ANN}: no such module`, `tunnel ${slot}: no such module`]]);
  plane.problems.clear();
  granted(await ask(1));
});
failure('say no to those who wait when the machine does nothing at all, and go on afterwards', async () => {
  const { ask, clients, plane, problems } = gateway();
  plane.all = 'helper: timed out';
  assert.equal((await Promise.all([ask(1), ask(2)])).map(codeOf), ['busy', 'busy']);
  assert.equal([clients.count, problems], [0, ['helper: timed out']]);
  plane.all = undefined;
  clients.sweep();
  granted(await ask(1));
  granted(await ask(2));
  assert.is(plane.tunnels.size, 2);
});
failure('take a home that gives up while its tunnel is made for one that has none', async () => {
  const { ask, clients, plane } = gateway();
  plane.holding = true;
  const answer = ask(1);
  await settle();
  clients.release(ANN);
  plane.go();
  assert.is(codeOf(await answer), 'busy');
  await clients.settled();
  assert.equal([clients.count, plane.tunnels.size], [0, 0]);
});
failure('try again to remove a tunnel that the machine did not', async () => {
  const { ask, clients, plane } = gateway();
  await ask(1);
  const [slot] = plane.tunnels.keys();
  plane.problems.set(slot!, 'busy');
  clients.release(ANN);
  await clients.settled();
  assert.is(plane.tunnels.size, 1);
  plane.problems.clear();
  clients.sweep();
  await clients.settled();
  assert.is(plane.tunnels.size, 0);
});
failure('give a slot that was just left to somebody else without removing it afterwards', async () => {
  const { ask, clients, plane, time } = gateway({ maxClients: 1000 }, undefined, undefined, '10.1.2.0/24');
  for (let i = 0; i < 253; i++) {
    time.nowMs += 50;
    await ask(i);
  }
  plane.holding = true;
  clients.release(nodeOf(7).address);
  time.nowMs += 50;
  const next = ask(500);
  await settle();
  plane.go();
  granted(await next);
  await clients.settled();
  assert.is(plane.tunnels.size, 253);
});
failure.run();

// ---

const limit = suite('Clients, their limits');
/** What the machine counted of the only home: so many MB of one direction since its tunnel was made. */
function uses({ clients, ledger, plane, time }: ReturnType<typeof gateway>, mb: number): void {
  const [slot] = plane.tunnels.keys();
  clients.takeUse(new Map([[slot!, { rxBytes: 0, txBytes: mb * 1_000_000 }]]), (address, rx_bytes, tx_bytes) =>
    ledger.add(address, { rx_bytes, tx_bytes }, time.unixS),
  );
  clients.weigh();
}
limit('come with a tunnel, and with each answer', async () => {
  const { ask, clients, plane } = gateway({ limits: { ...NO_LIMITS, down_kbits: 5000, flows: 64, quota_mb: 100 } });
  const given = granted(await ask(1));
  const looked = granted(clients.look(ANN));
  assert.equal([given.limits, given.quota], [looked.limits, looked.quota]);
  assert.equal(looked.limits, { down_kbits: 5000, flows: 64, quota_mb: 100 });
  assert.equal(looked.quota, { bytes: 1e8, used_bytes: 0, state: 'ok', at_quota: 'slow' });
  assert.equal([...plane.tunnels.values()][0]!.limits, { downKbits: 5000, flows: 64 });
});
limit('are not spoken of where there are none', async () => {
  const { ask, clients } = gateway();
  await ask(1);
  const looked = granted(clients.look(ANN));
  assert.equal(['limits' in looked, 'quota' in looked], [false, false]);
});
limit('of a home change while it flows, and nothing of others does', async () => {
  const { ask, clients, plane } = gateway({ limits: { ...NO_LIMITS, down_kbits: 5000 } });
  await ask(1);
  await ask(2);
  const before = granted(clients.look(ANN)).generation;
  clients.decideAll(new Map([[ANN, { standing: 'admitted', reason: '', limits: { down_kbits: 0, up_kbits: 64 } }]]));
  await clients.settled();
  assert.equal(
    plane.changes.at(-1)!.limit!.map(({ limits }) => limits),
    [{ upKbits: 64 }],
  );
  assert.equal(
    [...plane.tunnels.values()].map(({ outer, limits }) => [outer, limits]).sort(),
    [
      [ANN, { upKbits: 64 }],
      [BOB, { downKbits: 5000 }],
    ].sort(),
  );
  assert.ok(granted(clients.look(ANN)).generation > before);
  const changes = plane.changes.length;
  clients.decideAll(new Map([[ANN, { standing: 'admitted', reason: 'x', limits: { down_kbits: 0, up_kbits: 64 } }]]));
  await clients.settled();
  assert.equal(
    plane.changes.slice(changes).flatMap((change) => change.limit),
    [],
    '~> the same as before',
  );
});
limit('slow a home that has used its volume, tell it at once, and end with the month', async () => {
  const at = gateway({ limits: { ...NO_LIMITS, quota_mb: 100, down_kbits: 5000 } });
  const { ask, clients, ledger, plane, time } = at;
  await ask(1);
  const told: (string | undefined)[] = [];
  clients.changed.on((address) => told.push(address));
  const seen = () => {
    const { generation, quota } = granted(clients.look(ANN));
    return [generation, quota!.state, [...plane.tunnels.values()][0]!.limits];
  };
  uses(at, 79);
  await clients.settled();
  assert.equal([seen(), told], [[1, 'ok', { downKbits: 5000 }], []]);
  uses(at, 80);
  await clients.settled();
  assert.equal([seen(), told], [[2, 'near', { downKbits: 5000 }], [ANN]]);
  uses(at, 100);
  await clients.settled();
  assert.equal(
    [seen(), told],
    [
      [3, 'over', { downKbits: 256, upKbits: 256 }],
      [ANN, ANN],
    ],
  );
  assert.is(codeOf(await ask(1)), 'granted');
  time.unixS += 31 * 86_400;
  ledger.turn(time.unixS);
  clients.sweep();
  await clients.settled();
  assert.equal(seen(), [4, 'ok', { downKbits: 5000 }]);
});
limit('or turn it off, with the reason, whatever its standing, until the month ends', async () => {
  const at = gateway({ admission: 'ask', limits: { ...NO_LIMITS, quota_mb: 100, at_quota: 'stop' } });
  const { ask, clients, ledger, plane, time } = at;
  decide(clients, ANN, 'admitted');
  await ask(1);
  uses(at, 100);
  await clients.settled();
  assert.ok([...plane.tunnels.values()][0]!.suspended);
  const reason = 'the volume of this month is used up: 100 MB; it begins anew on 2027-02-01';
  const refusal = { error: 'suspended', reason, retry_after_s: 60 };
  assert.equal(clients.look(ANN), { kind: 'refused', refusal });
  assert.equal(await ask(1), { kind: 'refused', refusal });
  assert.is(clients.decisionOn(ANN)?.standing, 'admitted');
  assert.equal(
    clients.rows().map(({ standing, quota }) => [standing, quota?.state]),
    [['admitted', 'over']],
  );
  // the lease is gone, the volume is not
  clients.release(ANN);
  assert.is(codeOf(await ask(1)), 'suspended');
  time.unixS += 31 * 86_400;
  ledger.turn(time.unixS);
  assert.is(codeOf(await ask(1)), 'granted');
  assert.not.ok([...plane.tunnels.values()][0]!.suspended);
});
limit('count what other gateways of the operator tell', async () => {
  const at = gateway({ limits: { ...NO_LIMITS, quota_mb: 100, at_quota: 'stop' } });
  await at.ask(1);
  uses(at, 60);
  at.ledger.setElsewhere('north', ANN, { rx_bytes: 39_000_000, tx_bytes: 1_000_000 });
  at.clients.sweep();
  await at.clients.settled();
  assert.is(codeOf(at.clients.look(ANN)), 'suspended');
  assert.ok([...at.plane.tunnels.values()][0]!.suspended);
  at.ledger.setElsewhere('north', ANN, undefined);
  at.clients.sweep();
  await at.clients.settled();
  assert.is(codeOf(at.clients.look(ANN)), 'granted');
  assert.not.ok([...at.plane.tunnels.values()][0]!.suspended);
});
limit('leave a home turned off that an operator turned off, when its month begins', async () => {
  const at = gateway({ limits: { ...NO_LIMITS, quota_mb: 100, at_quota: 'stop' } });
  await at.ask(1);
  uses(at, 100);
  decide(at.clients, ANN, 'suspended', 'not paid');
  at.time.unixS += 31 * 86_400;
  at.ledger.turn(at.time.unixS);
  at.clients.sweep();
  await at.clients.settled();
  assert.ok([...at.plane.tunnels.values()][0]!.suspended);
  const told = at.clients.look(ANN);
  assert.is(told.kind === 'refused' && told.refusal.reason, 'not paid');
});
limit('of an invite are those of the home that comes by it', async () => {
  const { ask, clients, invites, plane } = gateway({ admission: 'ask' });
  invites.set('good', { limits: { down_kbits: 1000 } });
  await ask(1, { invite: 'good' });
  assert.equal(clients.decisionOn(ANN), { standing: 'admitted', reason: '', limits: { down_kbits: 1000 } });
  assert.equal([...plane.tunnels.values()][0]!.limits, { downKbits: 1000 });
});
limit('are tried again where the machine did not take them', async () => {
  const { ask, clients, plane, problems } = gateway();
  await ask(1);
  const [slot] = plane.tunnels.keys();
  plane.problems.set(slot!, 'no module');
  clients.decideAll(new Map([[ANN, { standing: 'admitted', reason: '', limits: { up_kbits: 64 } }]]));
  await clients.settled();
  assert.ok(problems.some((problem) => /no module/.test(problem)));
  plane.problems.clear();
  clients.sweep();
  await clients.settled();
  assert.equal(plane.tunnels.get(slot!)!.limits, { upKbits: 64 });
});
limit.run();

const ports = suite('Clients, their ports');
ports('are of each home alone, free again with its lease, and no more homes come than there are', async () => {
  const at = gateway({}, new MemoryStore(), new MemoryClientPlane(), '10.43.0.0/16', 8192);
  const { ask, clients, plane } = at;
  for (let i = 1; i <= 7; i++) assert.is(codeOf(await ask(i)), 'granted');
  const blocks = [...plane.tunnels.values()].map(({ block }) => block);
  assert.equal([...blocks].sort(), [0, 1, 2, 3, 4, 5, 6]);
  const told = await ask(8);
  assert.is(told.kind === 'refused' && told.refusal.reason, 'it has no ports left');
  const free = clients.rows().find(({ address }) => address === ANN)!.lease!.ports!;
  assert.is(free.last - free.first, 8191);
  clients.release(ANN);
  assert.is(codeOf(await ask(8)), 'granted');
  const taken = clients.rows().find(({ address }) => address === nodeOf(8).address)!.lease!.ports;
  assert.equal(taken, free);
});
ports('stay those of a home over a restart, and are others where blocks are', async () => {
  const make = (store: MemoryStore, size: number | undefined) =>
    gateway({}, store, new MemoryClientPlane(), '10.43.0.0/16', size);
  const first = make(new MemoryStore(), 1024);
  for (let i = 1; i <= 20; i++) await first.ask(i);
  first.clients.save();
  const same = make(first.store, 1024);
  await same.clients.start();
  assert.equal(same.plane.tunnels, first.plane.tunnels);
  const kept = (at: typeof first) => at.clients.records().map(({ address, ports }) => [address, ports]);
  assert.equal(kept(same), kept(first));
  const other = make(first.store, 512);
  await other.clients.start();
  const blocks = [...other.plane.tunnels.values()].map(({ block }) => block);
  assert.equal([blocks.length, new Set(blocks).size], [20, 20]);
  const none = make(first.store, undefined);
  await none.clients.start();
  assert.ok([...none.plane.tunnels.values()].every(({ block }) => block === undefined));
  // blocks that became greater are fewer than homes
  const few = make(first.store, 8192);
  await few.clients.start();
  assert.equal([few.clients.count, few.plane.tunnels.size], [7, 7]);
});
ports.run();

// ---

const restart = suite('Clients after a restart');
restart('have the same leases, on tunnels that were not touched, for their whole time', async () => {
  const before = gateway();
  const terms = granted(await before.ask(1)).terms;
  await before.ask(2, { kinds: ['vxlan'] });
  before.clients.takeUse(new Map([[[...before.plane.tunnels.keys()][0]!, { rxBytes: 5, txBytes: 9 }]]));
  before.clients.sweep();
  const after = gateway({}, before.store);
  await after.clients.start();
  assert.equal(after.plane.tunnels, before.plane.tunnels);
  assert.equal(granted(after.clients.look(ANN)).terms, terms);
  assert.equal(granted(after.clients.look(ANN)).lease_s, 3600);
  assert.is(granted(after.clients.look(ANN)).use!.rx_bytes, 9);
  assert.equal(granted(await after.ask(1)).terms, terms);
  assert.equal(after.plane.changes, []);
});
restart('forget what is not asked for any more, wherever it would be told or kept', async () => {
  const before = gateway({ asksFor: ['name', 'phone'] });
  await before.ask(1, { name: 'Ann', phone: '555', site: 'hill' });
  before.clients.sweep();
  assert.match(JSON.stringify(before.store.kept), /Ann.*555/);
  const after = gateway({ asksFor: ['phone'] }, before.store);
  await after.clients.start();
  const toldOf = () => [after.clients.rows()[0]!.told, after.clients.spans()[0]!.name];
  assert.equal(toldOf(), [{ phone: '555', site: 'hill' }, undefined]);
  await after.ask(1, { site: 'dale' });
  assert.equal(toldOf(), [{ phone: '555', site: 'dale' }, undefined], '~> nor with a renewal');
  await after.ask(1, {}, true);
  after.clients.sweep();
  assert.not.match(JSON.stringify(after.store.kept), /Ann/);
  const last = gateway({}, before.store);
  await last.clients.start();
  last.clients.sweep();
  assert.not.match(JSON.stringify(before.store.kept), /Ann|555/);
});
restart('have the same decisions', async () => {
  const before = gateway();
  await before.ask(1);
  decide(before.clients, ANN, 'suspended', 'not paid');
  before.clients.sweep();
  const after = gateway({}, before.store);
  await after.clients.start();
  assert.is(codeOf(await after.ask(1)), 'suspended');
  assert.ok([...after.plane.tunnels.values()][0]!.suspended);
});
restart('give a home that was forgotten by a power cut the same addresses again', async () => {
  const before = gateway();
  const { terms } = granted(await before.ask(1));
  assert.equal(granted(await gateway().ask(1)).terms, terms);
});
restart('leave out what the store should not hold', async () => {
  const store = new MemoryStore();
  const good = { ...nodeOf(1), slot: 7, kind: 'gre6' as const, mtu: 1500, since_s: 0, rx_bytes: 0, tx_bytes: 0 };
  store.kept = [
    good,
    { ...good, ...nodeOf(2) },
    { ...good, slot: 1, ...nodeOf(3) },
    { ...good, slot: 8, key: nodeOf(4).key },
    { ...good, slot: 9 },
  ];
  const after = gateway({}, store);
  await after.clients.start();
  assert.equal([...after.plane.tunnels.keys()], [7]);
});
restart('leave those out who may not have a lease any more, and those whose tunnel cannot be made', async () => {
  const before = gateway();
  for (const number of [1, 2, 3]) await before.ask(number);
  const [first] = before.plane.tunnels.keys();
  before.clients.sweep();
  const plane = new MemoryClientPlane();
  plane.problems.set(first!, 'gone');
  const after = gateway({ admission: 'ask' }, before.store, plane);
  after.clients.configure([
    { address: ANN, standing: 'admitted', reason: '' },
    { address: BOB, standing: 'admitted', reason: '' },
  ]);
  await after.clients.start();
  assert.is(after.clients.count, 1);
  assert.is(after.problems.length, 1);
});
restart('write nothing while leases are only asked for again', async () => {
  const { ask, clients, store, time } = gateway();
  await ask(1);
  clients.sweep();
  const { saves } = store;
  for (let i = 0; i < 100; i++) {
    time.nowMs += 1_800_000;
    await ask(1);
    clients.sweep();
  }
  assert.equal([saves, store.saves], [1, 1]);
});
restart.run();

const invited = suite('Clients, invited');
invited('come in without waiting, and that is kept and told', async () => {
  const { ask, invites, store, clients } = gateway({ admission: 'ask' });
  const happened: object[] = [];
  clients.happened.on((what) => happened.push(what));
  invites.set('good', {});
  assert.is((await ask(1, { invite: 'bad' })).kind, 'waiting');
  assert.is((await ask(1, { invite: 'good' })).kind, 'granted');
  assert.is(store.decided.get(ANN)?.standing, 'admitted');
  assert.equal(happened, [{ did: 'invited', address: ANN, reason: 'invite x' }]);
  assert.equal(waitingOf(clients), []);
});
invited('come in where nobody new is let in, and are told when their word is worth nothing', async () => {
  const { ask, invites } = gateway({ admission: 'closed' });
  invites.set('good', { site: 'north' });
  const told = await ask(1, { invite: 'good', site: 'south' });
  assert.match(told.kind === 'refused' ? told.refusal.reason : '', /the invite is not good any more, and nobody new/);
  assert.is((await ask(1, { invite: 'good', site: 'north' })).kind, 'granted');
});
invited('have told already what they told while they waited', async () => {
  const { ask, invites, clients } = gateway({ admission: 'ask', asksFor: ['name', 'email'] });
  const toldOf = () => clients.rows()[0]!.told;
  await ask(1, { name: 'Ann', email: 'old@example.org', site: 'hill' });
  invites.set('good', {});
  assert.is((await ask(1, { invite: 'good', email: 'new@example.org' })).kind, 'granted');
  assert.equal(toldOf(), { name: 'Ann', email: 'new@example.org', site: 'hill' });
});
invited('do not come in against what was decided', async () => {
  const { ask, invites, clients } = gateway({ admission: 'ask' });
  invites.set('good', {});
  decide(clients, ANN, 'refused', 'spam');
  const told = await ask(1, { invite: 'good' });
  assert.is(told.kind === 'refused' && told.refusal.error, 'refused');
});
invited('are asked to come again where it cannot be kept', async () => {
  const { ask, invites, store, problems, clients } = gateway({ admission: 'ask' });
  invites.set('good', {});
  store.full = true;
  const told = await ask(1, { invite: 'good' });
  assert.is(told.kind === 'refused' && told.refusal.error, 'busy');
  assert.match(problems.join(), /invite: .*No space left/);
  assert.is(clients.count, 0);
});
invited('stay until their time is over, which a wrong clock does not end', async () => {
  const { ask, invites, clients, time, plane } = gateway({ admission: 'ask' });
  invites.set('good', { accessS: 86_400 });
  await ask(1, { invite: 'good' });
  time.unixS += 86_399;
  clients.sweep();
  assert.is(clients.count, 1);
  time.unixS += 1;
  clients.sweep();
  await clients.settled();
  assert.equal([clients.count, plane.tunnels.size, clients.decisionOn(ANN)], [0, 0, undefined]);
  assert.is((await ask(1)).kind, 'waiting');
});
invited.run();
