import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Cap, DeskCap } from '../../src/api/scope.ts';
import { GroupLink, type GroupSurface } from '../../src/group-link.ts';
import { type EnvelopeKind, type EnvelopeSigner, sealEnvelope } from '../../src/lib/envelope.ts';
import { type HomeListHead, headBody, type ListedHome, packHomes, partHash } from '../../src/lib/home-list.ts';
import { decodeUtf8 } from '../../src/lib/utf8.ts';
import { SILENT } from '../../src/log.ts';
import type { Decision } from '../../src/mesh/client.ts';
import { ClientLedger } from '../../src/mesh/client-ledger.ts';
import { type KeptList, SharedHomes } from '../../src/mesh/shared-homes.ts';
import { bucketOf, SharedUse } from '../../src/mesh/shared-use.ts';
import { ManualClock, settle } from '../support/clock.ts';
import { OPERATOR, Signer, STRANGER } from '../support/command.ts';
import { crypto } from '../support/crypto.ts';
import { nodeOf } from '../support/node-key.ts';

const sha512 = (bytes: Uint8Array): Uint8Array => crypto.sha512(bytes);
const [ANN, BOB] = [1, 2].map((n) => nodeOf(n).address) as [string, string];
const [SELF, OTHER] = [new Signer(21), new Signer(22)];
const GATEWAYS = [
  { site: 'elm', node: 'aaaaaaaaaaaaa', key: SELF.public },
  { site: 'oak', node: 'bbbbbbbbbbbbb', key: OTHER.public },
];
const HEAD = 'mb/1/east/all/homes';
const USE = 'mb/1/oak/bbbbbbbbbbbbb/use/';
const MB = 1_000_000;

/** A broker that keeps what is published, and hands it to who asks. */
class KeepingBroker implements GroupSurface {
  filters: readonly string[] = [];
  readonly kept = new Map<string, Uint8Array>();
  readonly told: [string, Record<string, unknown>][] = [];
  private take: (topic: string, payload: Uint8Array) => void = () => {};

  follow(filters: readonly string[], take: (topic: string, payload: Uint8Array) => void): void {
    const added = filters.filter((filter) => !this.filters.includes(filter));
    this.filters = filters;
    this.take = take;
    for (const [topic, payload] of [...this.kept]) if (isMatch(topic, added)) this.deliver(topic, payload);
  }

  async share(name: 'held' | 'use', payload: Uint8Array, tail?: string): Promise<void> {
    this.told.push([tail === undefined ? name : `${name}/${tail}`, JSON.parse(decodeUtf8(payload))]);
  }

  publish(topic: string, payload: Uint8Array): void {
    this.kept.set(topic, payload);
    this.deliver(topic, payload);
  }

  private deliver(topic: string, payload: Uint8Array): void {
    if (isMatch(topic, this.filters)) this.take(topic, payload);
  }
}

function isMatch(topic: string, filters: readonly string[]): boolean {
  return filters.some((filter) => new RegExp(`^${filter.replaceAll('+', '[^/]+')}$`).test(topic));
}

function make({ cap = 'observe' as Cap, desk = 'desk' as DeskCap, scope = 'desk' as const } = {}) {
  const clock = new ManualClock(Date.UTC(2026, 2, 15));
  const decisions = new Map<string, Decision>();
  const disk: { list?: KeptList | undefined; next?: KeptList | undefined } = {};
  let shares = 0;
  const homes = new SharedHomes({
    ...{ group: 'east', sha512, log: SILENT },
    store: {
      load: (which) => disk[which],
      save(which, list) {
        disk[which] = list;
      },
    },
    desk: {
      decisionOn: (address) => decisions.get(address),
      share(changes) {
        shares++;
        for (const [address, decision] of changes) {
          if (decision) decisions.set(address, decision);
          else decisions.delete(address);
        }
      },
    },
  });
  const ledger = new ClientLedger(undefined);
  const world = { isClockRight: true, checks: 0, permit: { cap, desk } };
  const unixS = (): number | undefined => (world.isClockRight ? Math.floor(clock.unixMs() / 1000) : undefined);
  const use = new SharedUse({
    ...{ group: 'east', ledger, dateS: unixS, nowMs: () => clock.monotonicMs() },
    isHere: () => false,
    onChange() {},
  });
  const broker = new KeepingBroker();
  const seal = (kind: EnvelopeKind, body: string): Uint8Array => sealEnvelope(kind, body, [SELF]);
  const link = new GroupLink({
    ...{ share: { homes, use }, node: GATEWAYS[0]!.node, sid: 'boot', clock, log: SILENT, unixS, seal },
    surfaces: () => [broker],
    keys: () => [OPERATOR.entry('otto', scope)],
    permit: () => world.permit,
    verify: (key, bytes, signature) => {
      world.checks++;
      return crypto.ed25519Verify(key, bytes, signature);
    },
  });
  link.start();
  const send = (
    gen: number,
    all: readonly ListedHome[],
    by: EnvelopeSigner[] = [OPERATOR],
    more: Partial<HomeListHead> = {},
  ): void => {
    const parts = packHomes(all);
    for (const [index, part] of parts.entries()) broker.publish(`mb/1/east/all/part/${index}`, part);
    const head: HomeListHead = {
      ...{ gen, group: 'east', homes: all.length, gateways: GATEWAYS, again: false },
      parts: parts.map((part) => partHash(sha512, part)),
      ...more,
    };
    broker.publish(HEAD, sealEnvelope('homes', headBody(head), by));
  };
  const useOf = (table: object, more: object = {}, by: EnvelopeSigner = OTHER): Uint8Array =>
    sealEnvelope('use', JSON.stringify({ group: 'east', month: '2026-03', homes: table, ...more }), [by]);
  return { clock, decisions, homes, ledger, broker, link, send, useOf, world, shares: () => shares };
}

const admit = (address: string): ListedHome => ({ address, standing: 'admitted', reason: '' });
const suspend = (address: string): ListedHome => ({ address, standing: 'suspended', reason: 'x' });

const lists = suite('GroupLink, lists');
lists('asks for parts while a list is on its way, and says what it has', async () => {
  const { broker, send, decisions } = make();
  assert.equal(broker.filters, [HEAD]);
  assert.equal(
    broker.told.map(([topic, { st }]) => [topic, st]),
    [['held', 'none']],
  );
  send(1, [admit(ANN), suspend(BOB)]);
  assert.equal([decisions.get(ANN)!.standing, decisions.get(BOB)!.standing], ['admitted', 'suspended']);
  assert.equal(broker.filters, [HEAD, `${USE}+`], '~> no parts any more, but the other gateway');
  const [topic, held] = broker.told.at(-1)!;
  assert.equal([topic, held.gen, held.st, held.homes, held.differ, held.sid], ['held', 1, 'applied', 2, 0, 'boot']);
  assert.match((held.sigs as string[])[0]!, new RegExp(`^${SELF.key}:`));
});
for (const [what, by, options] of [
  ['a stranger', STRANGER, {}],
  ['a key that may configure, where that is not enough', OPERATOR, { scope: 'configure' }],
  ['a key that may operate, where configure would be enough', OPERATOR, { scope: 'operate', desk: 'configure' }],
  ['a key of the desk, where the gateway lets no key decide', OPERATOR, { desk: 'none' }],
  ['a key of the desk, where the owner lets nobody do anything', OPERATOR, { cap: 'none' }],
] as const)
  lists(`counts for nothing by ${what}`, () => {
    const { send, shares, world, homes, broker, link } = make(options as never);
    send(1, [suspend(ANN)], [by]);
    assert.equal([shares(), world.checks, homes.held().st, link.refused], [0, 0, 'none', 1]);
    assert.equal(broker.filters, [HEAD]);
  });
lists('counts by a key that may configure where the gateway says so', () => {
  const { send, shares } = make({ scope: 'configure' as never, desk: 'configure' });
  send(1, [suspend(ANN)]);
  assert.is(shares(), 1);
});
lists('counts for nothing where one byte of it is another', () => {
  const { send, broker, shares, homes } = make();
  send(1, [admit(ANN)]);
  const good = sealEnvelope(
    'homes',
    headBody({ gen: 2, group: 'east', homes: 0, parts: [], gateways: [], again: false }),
    [OPERATOR],
  );
  const text = decodeUtf8(good);
  for (const bad of [
    text.replace('"gen":2', '"gen":3'),
    text.replace('{"gen"', '{ "gen"'),
    text.slice(0, -3),
    '',
    'x',
    text.replace(OPERATOR.key, STRANGER.key),
  ])
    broker.publish(
      HEAD,
      Uint8Array.from(bad, (char) => char.charCodeAt(0)),
    );
  assert.equal([shares(), homes.held().gen], [1, 1]);
  // signed, as a want
  broker.publish(
    HEAD,
    sealEnvelope('want', headBody({ gen: 2, group: 'east', homes: 0, parts: [], gateways: [], again: false }), [
      OPERATOR,
    ]),
  );
  assert.equal([shares(), homes.held().gen], [1, 1]);
});
lists('is taken though its parts came before it, and those of the list before never came', () => {
  const { broker, send, homes } = make();
  send(1, [admit(ANN)], [OPERATOR], { parts: ['a'.repeat(52)] });
  assert.is(homes.held().st, 'fetching');
  send(2, [suspend(ANN)]);
  assert.equal([homes.held().st, homes.held().gen], ['applied', 2]);
  assert.equal(broker.filters, [HEAD, `${USE}+`]);
});
lists('is not carried out again, nor is an older one, whoever sends it', () => {
  const { broker, send, shares, decisions, world } = make();
  send(1, [admit(ANN)]);
  const first = broker.kept.get(HEAD)!;
  send(2, [suspend(ANN)]);
  const { checks } = world;
  for (let i = 0; i < 10; i++) broker.publish(HEAD, first);
  broker.publish(HEAD, broker.kept.get(HEAD)!);
  assert.equal([shares(), decisions.get(ANN)!.standing], [2, 'suspended']);
  assert.is(world.checks, checks, '~> no signature is checked of what is old');
});
lists('of another group count for nothing, though signed', () => {
  const { send, shares, link } = make();
  send(1, [suspend(ANN)], [OPERATOR], { group: 'west' });
  assert.equal([shares(), link.refused], [0, 1]);
});
lists('in a flood have few signatures checked', () => {
  const { broker, world } = make();
  for (let gen = 1; gen < 100; gen++) {
    const head = { gen, group: 'east', homes: 0, parts: [], gateways: [], again: false };
    const payload = sealEnvelope('homes', headBody(head), [OPERATOR]);
    // of another signature
    payload[payload.length - 20]! ^= 1;
    broker.publish(HEAD, payload);
  }
  assert.ok(world.checks <= 4, String(world.checks));
});
lists('are told of once more to a broker that comes back', () => {
  const { broker, link, send } = make();
  send(1, [admit(ANN)]);
  const before = broker.told.length;
  link.brokerUp();
  assert.equal(
    broker.told.slice(before).map(([topic, { gen }]) => [topic, gen]),
    [['held', 1]],
  );
});
lists.run();

// ---

const use = suite('GroupLink, use');
use('counts what the other gateway signed, one statement after the other', async () => {
  const { broker, send, useOf, ledger, clock, world } = make();
  send(1, []);
  broker.publish(`${USE}1`, useOf({ [ANN]: [5, 1] }));
  broker.publish(`${USE}2`, useOf({ [BOB]: [2, 2] }));
  const { checks } = world;
  await clock.advance(200);
  assert.is(world.checks, checks + 1);
  await clock.advance(200);
  assert.equal(ledger.elsewhere(ANN), { rx_bytes: 5 * MB, tx_bytes: MB });
  assert.equal(ledger.elsewhere(BOB), { rx_bytes: 2 * MB, tx_bytes: 2 * MB });
});
use('counts nothing by a stranger, by the operator, or by another gateway in its name', async () => {
  const { broker, send, useOf, ledger, clock, link } = make();
  send(1, []);
  for (const [at, by] of [STRANGER, OPERATOR, SELF].entries())
    broker.publish(`${USE}${at}`, useOf({ [ANN]: [900, 0] }, {}, by));
  broker.publish('mb/1/oak/ccccccccccccc/use/1', useOf({ [ANN]: [900, 0] }));
  await clock.advance(2000);
  assert.equal([ledger.elsewhere(ANN), link.refused], [undefined, 3]);
});
use('counts nothing twice, nothing back, and nothing of another month', async () => {
  const { broker, send, useOf, ledger, clock } = make();
  send(1, []);
  const old = useOf({ [ANN]: [5, 1] });
  for (const payload of [old, useOf({ [ANN]: [9, 1] }), old, old, useOf({ [ANN]: [800, 0] }, { month: '2026-02' })]) {
    broker.publish(`${USE}1`, payload);
    await clock.advance(300);
  }
  assert.equal(ledger.elsewhere(ANN), { rx_bytes: 9 * MB, tx_bytes: MB });
});
use('waits until this gateway knows the month', async () => {
  const { broker, send, useOf, ledger, clock, world } = make();
  send(1, []);
  world.isClockRight = false;
  broker.publish(`${USE}1`, useOf({ [ANN]: [5, 1] }));
  await clock.advance(5000);
  assert.is(ledger.elsewhere(ANN), undefined);
  world.isClockRight = true;
  await clock.advance(300);
  assert.ok(ledger.elsewhere(ANN));
});
use('goes no further than to a gateway of the group, and is told at once of who is gone', async () => {
  const { broker, send, ledger, clock, link } = make();
  ledger.add(ANN, { rx_bytes: 7 * MB, tx_bytes: 0 }, Math.floor(clock.unixMs() / 1000));
  await clock.advance(31_000);
  assert.not.ok(
    broker.told.some(([topic]) => topic.startsWith('use')),
    '~> there is no other gateway',
  );
  send(1, []);
  await clock.advance(31_000);
  await settle();
  const told = broker.told.filter(([topic]) => topic.startsWith('use'));
  assert.equal(
    told.map(([topic, { homes }]) => [topic, homes]),
    [[`use/${bucketOf(ANN)}`, { [ANN]: [7, 0] }]],
  );
  await clock.advance(600_000);
  assert.is(broker.told.filter(([topic]) => topic.startsWith('use')).length, 1);
  link.brokerUp();
  await settle();
  assert.is(broker.told.filter(([topic]) => topic.startsWith('use')).length, 2);
});
use('is bounded, whatever a broker sends', async () => {
  const { broker, send, clock, link } = make();
  send(1, []);
  const junk = new Uint8Array(8000).fill(0x41);
  for (let n = 0; n < 1000; n++) broker.publish(`${USE}${n}`, junk);
  await clock.advance(60_000);
  assert.ok(link.refused <= 70, String(link.refused));
});
use('stops with its link', async () => {
  const { broker, link, clock } = make();
  link.stop();
  assert.equal([broker.filters, clock.pending], [[], 0]);
});
use.run();
