import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LeaseStatus } from '../../src/api/lease-object.ts';
import { InputError } from '../../src/errors.ts';
import { Logger } from '../../src/log.ts';
import type { GatewayName } from '../../src/mesh/gateway.ts';
import type { HomeRecord } from '../../src/mesh/home-act.ts';
import type { Household } from '../../src/source/gateway.ts';
import { HomeSource } from '../../src/source/home.ts';
import { ManualClock } from '../support/clock.ts';
import { decide } from '../support/decide.ts';
import { HOME_ADDRESS, HOME_KEY, leaseRequest } from '../support/gateway.ts';
import { MemoryHomePlane } from '../support/home-plane.ts';
import { nodeOf } from '../support/node-key.ts';
import { CAPTAIN } from '../support/people.ts';
import { type Fate, PipedStreams } from '../support/piped-streams.ts';
import { type GatewayOptions, registrarGateway } from '../support/registrar.ts';
import { seal } from '../support/signed.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** A home and two real registrars, but for network, machines and clock. */
async function neighbourhood({
  enabled = false,
  record = undefined as HomeRecord | undefined,
  gateway = {} as GatewayOptions,
  household = {} as Household,
} = {}) {
  const clock = new ManualClock();
  const streams = new PipedStreams(clock);
  const gateways = [1, 2].map((number) => registrarGateway({ ...gateway, key: nodeOf(number).key, clock, streams }));
  const names = gateways.map(
    ({ key, address }, at): GatewayName => ({
      ...{ name: 'ab'[at]!, key, address, port: 8080, protocol: 'auto', preference: at },
    }),
  );
  const plane = new MemoryHomePlane();
  /** Gateways that do not answer any more, and tunnels that do not carry. */
  const dead = new Set<string>();
  streams.fate = ({ host, from }): Fate => {
    if (gateways.some(({ address }) => address === host)) return dead.has(host) ? 'silent' : 'reaches';
    // inside a tunnel, or through one
    const terms = plane.tunnels.find((one) => one && (one.home4 === from || one.home6 === from));
    if (!terms || dead.has(terms.outer)) return 'silent';
    return host === terms.gateway6 || host === terms.gateway4 ? 'refused' : 'reaches';
  };
  for (const host of ['9.9.9.9', '2620:fe::fe'])
    streams.listen({ host, port: 443 }, () => ({ onData() {}, onClose() {} }));
  const lines: string[] = [];
  const told: LeaseStatus[] = [];
  const store = { record, saves: 0 };
  const start = (on: boolean): HomeSource =>
    new HomeSource(
      {
        ...{ streams, clock, random: () => 0.5, tunnels: plane, routes: plane, software: 'meshbridge 0.1.0' },
        store: {
          load: () => store.record,
          save: (next) => {
            store.record = next;
            store.saves++;
          },
        },
        log: new Logger((line) => lines.push(line)).scope('lease'),
        identity: () => ({ key: HOME_KEY, address: HOME_ADDRESS }),
        household: () => household,
        onChange: (status) => told.push(status),
      },
      on,
      names,
    );
  const source = start(enabled);
  source.setMesh(true);
  await clock.advance(3 * SECOND);
  const exit = (): string => {
    if (plane.blocked !== true) return 'line';
    const outer = plane.used === undefined ? undefined : plane.tunnels[plane.used]?.outer;
    return names.find(({ address }) => address === outer && !dead.has(address))?.name ?? 'nobody';
  };
  /** Seconds until something holds. */
  const until = async (holds: () => boolean, mostS = 600): Promise<number> => {
    const startMs = clock.monotonicMs();
    while (!holds()) {
      if (clock.monotonicMs() - startMs > mostS * SECOND)
        throw new Error(`never; ${JSON.stringify(source.status())}\n${plane.told}`);
      await clock.advance(100);
    }
    return (clock.monotonicMs() - startMs) / SECOND;
  };
  /** Packets of the LAN, for so many seconds. */
  const send = async (seconds: number): Promise<void> => {
    for (let i = 0; i < 4 * seconds; i++) {
      for (const slot of [0, 1] as const) {
        const { rxPackets, txPackets } = plane.flows[slot];
        const outer = plane.tunnels[slot]?.outer;
        if (plane.used !== slot || outer === undefined) continue;
        plane.flows[slot] = { txPackets: txPackets + 5, rxPackets: rxPackets + (dead.has(outer) ? 0 : 5) };
      }
      await clock.advance(250);
    }
  };
  return { clock, streams, gateways, names, plane, dead, lines, told, store, source, start, exit, until, send };
}

const life = suite('HomeSource');
life('does nothing while it is off, and says so', async () => {
  const { source, plane, streams, clock, told } = await neighbourhood();
  await clock.advance(24 * 60 * MINUTE);
  assert.equal([plane.told, streams.dialled, clock.pending, told, source.isBusy], [[], [], 0, [], false]);
  const { state, mode, sentence, blocking } = source.status();
  assert.equal([state, mode, blocking], ['idle', 'off', false]);
  assert.is(sentence, 'The Internet is reached by the own line.');
});
life('takes a trial to its end: a lease of a real registrar, a tunnel, a test, a confirmation', async () => {
  const { source, plane, gateways, clock, exit, told, lines } = await neighbourhood();
  assert.match(source.connect(undefined, 60), /its trial takes 60 s/);
  await clock.advance(5 * SECOND);
  const trial = source.status();
  assert.equal([trial.state, trial.gateway, trial.blocking, exit()], ['trial', 'a', true, 'a']);
  assert.equal([trial.ipv4, trial.ipv6, trial.terms!.home4], [true, true, plane.tunnels[0]!.home4]);
  assert.ok(trial.trial_left_s! > 50 && trial.lease_left_s! > 3590);
  assert.is(source.confirm(), 'confirmed: it is being written down');
  await clock.advance(SECOND);
  assert.equal([source.status().state, plane.kept?.outer, gateways[0]!.clients.count], ['up', gateways[0]!.address, 1]);
  assert.equal(
    told.map(({ state }) => state),
    ['asking', 'asking', 'trial', 'up'],
  );
  assert.match(lines.at(-1)!, /up situation=up gateway=a/);
});
life('undoes a trial that nobody confirms, and gives the lease back', async () => {
  const { source, plane, gateways, clock, exit, store } = await neighbourhood();
  source.connect('a', 30);
  await clock.advance(20 * SECOND);
  assert.equal([exit(), store.record?.mode], ['a', 'trial']);
  await clock.advance(20 * SECOND);
  assert.equal([exit(), plane.undone, gateways[0]!.clients.count, store.record], ['line', 1, 0, undefined]);
});
life('moves to the other gateway within five seconds when the one in use dies under traffic', async () => {
  const { source, gateways, dead, exit, until, send } = await neighbourhood({ enabled: true });
  await send(10);
  assert.is(exit(), 'a');
  dead.add(gateways[0]!.address);
  const traffic = send(20);
  const s = await until(() => exit() === 'b', 20);
  await traffic;
  assert.ok(s < 5, `~> ${s} s`);
  assert.is(source.status().gateway, 'b');
});
life('is told of a suspension within a second, moves, and shows why of the one it left', async () => {
  const { source, gateways, exit, until, clock } = await neighbourhood({ enabled: true });
  await clock.advance(MINUTE);
  decide(gateways[0]!.clients, HOME_ADDRESS, 'suspended', 'not paid');
  assert.ok((await until(() => exit() === 'b', 20)) < 2);
  const [first] = source.list();
  assert.equal([first!.state, first!.problem, first!.role], ['refused', 'not paid', undefined]);
});
life('blocks with the reason when all suspend it, and comes back when one lets it in again', async () => {
  const { source, gateways, exit, until, clock } = await neighbourhood({ enabled: true });
  await clock.advance(MINUTE);
  for (const { clients } of gateways) decide(clients, HOME_ADDRESS, 'suspended', 'not paid');
  await until(() => source.status().state === 'blocked', 10);
  await clock.advance(SECOND);
  assert.equal([exit(), source.status().id], ['nobody', 'suspended']);
  assert.match(source.status().sentence, /has suspended this home: not paid/);
  decide(gateways[1]!.clients, HOME_ADDRESS, 'admitted');
  await until(() => exit() === 'b', 200);
});
life('learns within a second that its captain reported it, and what became of that; no other home does', async () => {
  const { source, gateways, until, clock } = await neighbourhood({
    enabled: true,
    household: { captainKey: CAPTAIN.public, site: 'hill' },
  });
  await until(() => source.status().state === 'up');
  const [a] = gateways;
  const other = nodeOf(7);
  await a!.clients.ask(other.address, leaseRequest({ key: other.key, captain_key: CAPTAIN.public }));
  const at_s = Math.floor(clock.unixMs() / 1000);
  const message = { kind: 'report', address: HOME_ADDRESS, reason: 'sends <b>spam</b>', at_s, gateway: a!.key };
  assert.is(a!.captainDesk.report(seal('report', message, [CAPTAIN])).kind, 'taken');
  assert.ok((await until(() => source.status().report !== undefined, 10)) < 2);
  assert.equal(source.status().report, { reason: 'sends <b>spam</b>', state: 'open' });
  a!.reports.decide(1, 'upheld', 'change your passwords', at_s);
  a!.clients.touch(HOME_ADDRESS);
  await until(() => source.status().report?.state === 'upheld', 2);
  assert.equal(source.status().report?.note, 'change your passwords');
  const looked = a!.clients.look(other.address);
  assert.ok(looked.kind === 'granted' && looked.grant.report === undefined);
  // a renewal says it, too
  await clock.advance(40 * MINUTE);
  assert.is(source.status().report?.state, 'upheld');
});
life('is told beforehand when its access ends, and goes on when it is let in for longer', async () => {
  const { source, gateways, until, clock } = await neighbourhood({ enabled: true, gateway: { admission: 'ask' } });
  const [a] = gateways;
  const letIn = (days: number): void => {
    const until_s = Math.floor(clock.unixMs() / 1000) + days * 86_400;
    a!.clients.decideAll(new Map([[HOME_ADDRESS, { standing: 'admitted', reason: '', until_s }]]));
  };
  letIn(4);
  await until(() => source.status().state === 'up');
  const { id, access_left_s: leftS } = source.status();
  assert.is(id, 'up');
  assert.ok(leftS! > 3 * 86_400 && leftS! <= 4 * 86_400, `~> ${leftS}`);
  await clock.advance(25 * 60 * MINUTE);
  const told = source.status();
  assert.equal([told.state, told.id, told.values], ['up', 'access_ends', { gateway: 'a', hours: 71 }]);
  assert.match(told.sentence, /this home is let in for 71 more hours only/);
  letIn(30);
  await until(() => source.status().id === 'up', 5);
});
life('is told what it may use before it uses it, and within seconds when its volume is used up', async () => {
  const limits = { quota_mb: 100, down_kbits: 20_000, flows: 64, at_quota: 'slow' as const, slow_kbits: 256 };
  const { source, gateways, until, clock } = await neighbourhood({ enabled: true, gateway: { limits } });
  await until(() => source.status().state === 'up');
  source.list();
  await until(() => source.list()[0]!.limits !== undefined);
  assert.equal(source.list()[0]!.limits, limits);
  const [a] = gateways;
  const uses = (rx_bytes: number): void => {
    a!.ledger.add(HOME_ADDRESS, { rx_bytes, tx_bytes: 0 }, Math.floor(clock.unixMs() / 1000));
    a!.clients.weigh();
  };
  const { quota, limits: mine } = source.status();
  assert.equal(quota, { bytes: 1e8, used_bytes: 0, state: 'ok', at_quota: 'slow' });
  assert.equal(mine, { quota_mb: 100, down_kbits: 20_000, flows: 64 });
  uses(85_000_000);
  assert.ok((await until(() => source.status().id === 'near_slow')) <= 5);
  assert.match(source.status().sentence, /through a; 85 % of this month's volume are used/);
  uses(20_000_000);
  assert.ok((await until(() => source.status().state === 'degraded')) <= 5);
  const told = source.status();
  assert.equal([told.id, told.quota!.state], ['slowed', 'over']);
  assert.match(told.sentence, /volume at a is used up: it goes on slowly/);
  // renewals say nothing of bytes, and forget none
  await clock.advance(40 * MINUTE);
  assert.is(source.status().quota!.state, 'over');
  assert.ok(source.status().use);
});
life('is told why when its volume is used up and nothing goes on, and goes to another gateway', async () => {
  const limits = { quota_mb: 100, at_quota: 'stop' as const, slow_kbits: 256 };
  const { source, gateways, until, exit, clock } = await neighbourhood({
    ...{ enabled: true, on: [{ name: 'a' }, { name: 'b' }], gateway: { limits } },
  });
  await until(() => exit() === 'a');
  gateways[0]!.ledger.add(HOME_ADDRESS, { rx_bytes: 2e8, tx_bytes: 0 }, Math.floor(clock.unixMs() / 1000));
  gateways[0]!.clients.weigh();
  await until(() => exit() === 'b', 30);
  const a = source.list().find(({ name }) => name === 'a')!;
  assert.match(a.problem!, /^the volume of this month is used up: 100 MB; it begins anew on \d{4}-\d\d-01$/);
});
life('waits in the queue of a real registrar, and shows its place', async () => {
  const { source, gateways, clock } = await neighbourhood({ gateway: { admission: 'ask' } });
  source.connect('a', 90);
  await clock.advance(5 * SECOND);
  const { state, fix, values } = source.status();
  assert.equal(
    [state, values, fix],
    ['waiting', { gateway: 'a', place: 1, of: 1, ask: 'ops' }, 'Ask the operator: ops.'],
  );
  decide(gateways[0]!.clients, HOME_ADDRESS, 'admitted');
  await clock.advance(70 * SECOND);
  assert.is(source.status().state, 'trial');
});
life('goes on by the same tunnel when the daemon died, without a moment of the line', async () => {
  const { source, start, plane, gateways, clock, exit, store } = await neighbourhood({ enabled: true });
  await clock.advance(MINUTE);
  source.stop();
  const before = { ...plane.tunnels };
  plane.told.length = 0;
  const next = start(true);
  next.setMesh(true);
  const exits = new Set<string>();
  for (let i = 0; i < 50; i++) {
    await clock.advance(100);
    exits.add(exit());
  }
  assert.equal([[...exits], next.status().state], [['a'], 'up']);
  assert.equal([{ ...plane.tunnels }, gateways[0]!.clients.count], [before, 1]);
  assert.not.ok(plane.told.includes('undo') || plane.told.includes('use undefined'));
  assert.is(store.record?.lease?.slot, 0);
});
life('keeps its record before the machine is changed', async () => {
  const { source, plane, store, clock } = await neighbourhood();
  plane.hanging = true;
  source.connect(undefined, 90);
  await clock.advance(SECOND);
  assert.is(store.record?.mode, 'asking');
  plane.hanging = false;
  await clock.advance(20 * SECOND);
  assert.is(source.status().state, 'trial');
});
life('gives a machine that hangs while it undoes a minute, and tries again', async () => {
  const { source, plane, clock } = await neighbourhood({ enabled: true });
  plane.hanging = true;
  source.release();
  await clock.advance(59 * SECOND);
  assert.is(source.status().id, 'undoing');
  plane.hanging = false;
  await clock.advance(10 * SECOND);
  assert.is(source.status().id, 'off');
});
life('ends by configuration, and begins by it', async () => {
  const { source, names, clock, exit } = await neighbourhood({ enabled: true });
  source.configure(false, names);
  await clock.advance(2 * SECOND);
  assert.is(exit(), 'line');
  source.configure(true, names.slice(1));
  await clock.advance(5 * SECOND);
  assert.is(exit(), 'b');
});
life('lets out by the own line for a while', async () => {
  const { source, clock, exit } = await neighbourhood({ enabled: true });
  assert.is(source.letOut(60), 'the own line is open for 60 s');
  await clock.advance(2 * SECOND);
  assert.equal([exit(), source.status().let_out_left_s], ['line', 58]);
  source.letOut(0);
  await clock.advance(2 * SECOND);
  assert.is(exit(), 'a');
});
life('goes to the gateway that was chosen', async () => {
  const { source, exit, until, told } = await neighbourhood({ enabled: true });
  source.choose('b');
  assert.ok((await until(() => exit() === 'b', 20)) < 10);
  assert.equal(
    told.filter(({ state }) => state === 'up').map(({ gateway }) => gateway),
    ['a', 'b'],
  );
  assert.ok(source.list()[1]!.chosen);
  assert.throws(
    () => source.choose('x'),
    (error: unknown) => error instanceof InputError,
  );
});
life('shows what gateways tell of themselves, and keeps it fresh while somebody looks', async () => {
  const { source, clock } = await neighbourhood();
  assert.equal(
    source.list().map(({ name, state, operator }) => [name, state, operator]),
    [
      ['a', 'unknown', undefined],
      ['b', 'unknown', undefined],
    ],
  );
  await clock.advance(5 * SECOND);
  const [first] = source.list();
  assert.equal(
    [first!.state, first!.operator, first!.logging, first!.country],
    ['ready', 'Mesh Test', 'nothing is kept', 'US'],
  );
  assert.ok(first!.latency_ms! > 0 && first!.info_ago_s! <= 5);
  await clock.advance(120 * SECOND);
  assert.is(clock.pending, 0, '~> nobody looks any more');
});
life('moves from a gateway that is about to stop, and tells', async () => {
  const { source, gateways, exit, until, told } = await neighbourhood({ enabled: true });
  gateways[0]!.clients.setDrain({ in_s: 120, reason: 'maintenance' });
  await until(() => exit() === 'b', 100);
  assert.ok(told.some(({ id, sentence }) => id === 'draining' && /about to stop: maintenance/.test(sentence)));
  assert.is(source.status().gateway, 'b');
});
life('tests the way by the gateway in use, or by the first one where none is', async () => {
  const off = await neighbourhood();
  assert.is(off.source.test(), 'the way to the Internet is being tested');
  await off.clock.advance(5 * SECOND);
  const alone = off.source.testStatus();
  assert.equal(
    [alone.running, alone.gateway, alone.steps[0]!.state, alone.steps[1]!.state],
    [false, 'a', 'good', 'skipped'],
  );
  const on = await neighbourhood({ enabled: true });
  on.source.choose('b');
  await on.until(() => on.exit() === 'b', 20);
  on.source.test();
  assert.throws(
    () => on.source.test(),
    (error: unknown) => error instanceof InputError,
  );
  await on.clock.advance(30 * SECOND);
  const { running, gateway, steps } = on.source.testStatus();
  assert.equal([running, gateway, steps.slice(0, 4).map(({ state }) => state)], [false, 'b', Array(4).fill('good')]);
});
life('uses little while nothing happens: a probe a minute, a renewal in half an hour', async () => {
  const { streams, clock } = await neighbourhood({ enabled: true });
  streams.dialled.length = 0;
  await clock.advance(60 * MINUTE);
  const [inside, outside] = [
    streams.dialled.filter(({ host }) => host.startsWith('fd')),
    streams.dialled.filter(({ host }) => host.startsWith('2')),
  ];
  assert.ok(inside.length >= 55 && inside.length <= 61, `~> ${inside.length} probes`);
  assert.ok(outside.length <= 14, `~> ${outside.length} questions`);
});
life.run();
