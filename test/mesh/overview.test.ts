import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Peer, PeerClaim, Session, Verdict } from '../../src/api/model.ts';
import { LinkDownError } from '../../src/errors.ts';
import { Healer } from '../../src/mesh/heal.ts';
import { Node, type ViewKind } from '../../src/mesh/node.ts';
import { Overview, type Sketch } from '../../src/mesh/overview.ts';
import { type Member, MeshState } from '../../src/mesh/state.ts';
import { Uplinks } from '../../src/mesh/uplink.ts';
import type { DnsFact, InternetFact } from '../../src/mesh/verdict.ts';
import { ManualClock } from '../support/clock.ts';

const KEY = 'ab'.repeat(32);
const STRANGER = 'cd'.repeat(32);
const HOST = 'peer.stranger.example';
const SELF = {
  build_name: 'yggdrasil',
  build_version: '0.5.12',
  key: KEY,
  address: '200:1::1',
  subnet: '300:1::/64',
  routing_entries: 3,
};
const WAN = {
  interface: 'wan',
  proto: 'dhcp',
  device: 'eth1',
  up: true,
  uptime: 600,
  route: [{ target: '0.0.0.0', mask: 0, nexthop: '192.0.2.1' }],
  'ipv4-address': [{ address: '192.0.2.7', mask: 24 }],
  'dns-server': ['192.0.2.53'],
};

/** A router with one node, which answers what `world` holds. */
function make() {
  const clock = new ManualClock();
  const nowMs = () => clock.monotonicMs();
  const mesh = new MeshState();
  const world = {
    peers: [
      {
        remote: `tls://${HOST}:443`,
        inbound: false,
        up: true,
        key: STRANGER,
        uptime_s: 900,
        rx_bytes: 5000,
        tx_bytes: 5000,
        cost: 20,
      },
      {
        remote: `tls://other.${HOST}:443`,
        inbound: false,
        up: false,
        last_error: `lookup other.${HOST}: no such host`,
      },
    ] as PeerClaim[],
    sessions: [] as Session[],
    asked: [] as ViewKind[],
    delayMs: 0,
    problem: undefined as Error | undefined,
    dns: undefined as DnsFact | undefined,
    internet: undefined as InternetFact | undefined,
  };
  const makeMember = (name: string): Member => {
    const node = new Node(
      name,
      'netifd',
      { configured: () => [], dialledHere: () => undefined, nameOf: () => 'the-neighbour' },
      () => {},
    );
    const refresh = async (kind: ViewKind): Promise<void> => {
      world.asked.push(kind);
      const atMs = nowMs();
      if (world.delayMs > 0) await new Promise<void>((resolve) => clock.after(world.delayMs, resolve));
      if (world.problem) throw world.problem;
      if (kind === 'peers') node.setPeers(world.peers, atMs);
      if (kind === 'sessions') node.set('sessions', { sessions: world.sessions }, atMs);
    };
    node.source = { look() {}, refresh };
    node.setLink(undefined, nowMs());
    node.set('self', SELF, nowMs());
    const parent = { key: STRANGER, address: '200:2::1', parent: STRANGER, sequence: 1 };
    node.set('tree', { tree: [{ key: KEY, address: SELF.address, parent: STRANGER, sequence: 1 }, parent] }, nowMs());
    return { node } as Member;
  };
  const member = makeMember('ygg0');
  mesh.replace([member]);
  const uplinks = new Uplinks();
  uplinks.update(uplinks.read({ interface: [WAN] }), new Map(), 0);
  const told: Sketch[] = [];
  const healer = new Healer(
    clock,
    () => [],
    () => {},
  );
  const around = {
    uplinks,
    dns: () => world.dns,
    internet: () => world.internet,
    clock: () => ({ unixMs: clock.unixMs(), earliestMs: 1_767_225_600_000, latestMs: 4e12 }),
    configured: () => ({ peerings: world.peers.map(({ remote }) => ({ uri: remote! })), name: 'our-house' }),
  };
  const overview = new Overview(mesh, around, healer, clock, '1.2.3', (sketch) => told.push(sketch));
  return { clock, mesh, world, node: member.node, makeMember, uplinks, told, overview };
}

const map = suite('Overview.map');
map('has all lists, and the tree for whoever wants it', async () => {
  const { overview, world } = make();
  const picture = await overview.look('ygg0');
  const without = await overview.map(picture, false, 10);
  assert.equal(
    Object.keys(without).sort(),
    ['interface', 'name', 'peers', 'self', 'sessions', 'uplinks', 'verdict'],
    '~> nothing is left out',
  );
  assert.is(without.peers!.length, world.peers.length);
  const { tree } = await overview.map(picture, true, 10);
  assert.is(tree!.length, 2);
  assert.equal(world.asked, ['peers', 'sessions'], '~> the tree was fresh enough');
});
map('asks for a tree that is old', async () => {
  const { clock, overview, world } = make();
  await clock.advance(11_000);
  await overview.map(await overview.look('ygg0'), true, 10);
  assert.is(world.asked.at(-1), 'tree');
});
map('counts what does not fit', async () => {
  const { overview, world } = make();
  const { tree, peers, left_out } = await overview.map(await overview.look('ygg0'), true, 1);
  assert.is(tree!.length, 1);
  assert.is(peers!.length, 1);
  assert.is(left_out, 1 + world.peers.length - 1 + Math.max(0, world.sessions.length - 1));
});
map('has no list while Yggdrasil is away, and without any', async () => {
  const { node, overview } = make();
  node.setLink('gone', 0);
  for (const name of ['ygg0', '']) {
    const { peers, sessions, tree, self } = await overview.map(await overview.look(name), true, 10);
    assert.equal([peers, sessions, tree, self], [undefined, undefined, undefined, undefined]);
  }
});
map.run();

// ---

const look = suite('Overview.look');
look('asks the node first, and both of what belongs together', async () => {
  const { world, overview } = make();
  const picture = await overview.look('ygg0');
  assert.equal(world.asked, ['peers', 'sessions']);
  assert.is(picture.verdict.state, 'good', `~> ${picture.verdict.id}`);
});
look('gives the same picture again for a second', async () => {
  const { clock, world, overview } = make();
  const first = await overview.look('ygg0');
  await clock.advance(999);
  assert.is(await overview.look('ygg0'), first);
  await clock.advance(1);
  assert.is.not(await overview.look('ygg0'), first, '~> verdicts change with time');
  assert.is(world.asked.length, 2, '~> what it rests on was fresh enough');
});
look('shows what is known when the node takes its time, or fails', async () => {
  const { clock, world, overview } = make();
  const first = await overview.look('ygg0');
  await clock.advance(10_000);
  world.delayMs = 4000;
  const looked = overview.look('ygg0');
  await clock.advance(1000);
  const picture = await looked;
  assert.is(picture.atMs, 11_000);
  assert.is(picture.verdict.id, first.verdict.id);
  await clock.advance(10_000);
  Object.assign(world, { delayMs: 0, problem: new LinkDownError('gone') });
  assert.is((await overview.look('ygg0')).atMs, 21_000);
  assert.is(clock.pending, 0);
});
look('knows for a minute that somebody looked', async () => {
  const { clock, overview } = make();
  assert.not.ok(overview.isLookedAt);
  await overview.look('ygg0');
  await clock.advance(59_999);
  assert.ok(overview.isLookedAt);
  await clock.advance(1);
  assert.not.ok(overview.isLookedAt);
});
look('has a verdict on a router without any node', async () => {
  const { mesh, overview } = make();
  mesh.replace([]);
  const picture = await overview.look('');
  assert.is(picture.interface, '');
  assert.ok(picture.verdict.sentence);
  const { interfaces, self, peers, traffic } = overview.overview(picture);
  assert.equal([interfaces, self, peers, traffic], [[], undefined, undefined, undefined]);
});
look.run();

// ---

const judge = suite('Overview.judge');
judge('tells each change of the situation once, and not the first one', async () => {
  const { clock, world, node, told, overview } = make();
  overview.judge();
  await overview.look('ygg0');
  const known = told.length;
  for (let i = 0; i < 10; i++) {
    await clock.advance(2000);
    overview.judge('ygg0');
  }
  assert.is(told.length, known);
  node.setLink('Yggdrasil does not answer', clock.monotonicMs());
  for (let i = 0; i < 60; i++) {
    await clock.advance(2000);
    overview.judge('ygg0');
  }
  const later = told.slice(known);
  assert.ok(later.length >= 1);
  assert.is(later.at(-1)!.judgement.state, 'bad');
  assert.is(new Set(later.map(({ judgement }) => `${judgement.id} ${judgement.state}`)).size, later.length);
  assert.is(later.at(-1)!.interface, 'ygg0');
  assert.ok(world.asked.length <= 2, '~> judging asks nobody');
});
judge('keeps the nodes apart, and forgets those that are gone', async () => {
  const { clock, mesh, told, makeMember, overview } = make();
  const other = makeMember('ygg1');
  mesh.replace([...mesh.all(), other]);
  overview.judge();
  await overview.look('ygg0');
  await overview.look('ygg1');
  await clock.advance(1000);
  other.node.setLink('gone', clock.monotonicMs());
  told.length = 0;
  for (let i = 0; i < 60; i++) {
    await clock.advance(2000);
    overview.judge();
  }
  assert.ok(told.length > 0 && told.every((picture) => picture.interface === 'ygg1'));
  mesh.replace(mesh.all().slice(0, 1));
  overview.judge();
  mesh.replace([...mesh.all(), other]);
  told.length = 0;
  overview.judge();
  assert.equal(told, [], '~> it is new');
});
judge.run();

// ---

const shown = suite('Overview: what is shown');
shown('is all that the page needs, as of the picture', async () => {
  const { overview } = make();
  const picture = await overview.look('ygg0');
  const { uplinks, traffic, verdict, ...rest } = overview.overview(picture);
  assert.equal(rest, {
    interface: 'ygg0',
    version: '1.2.3',
    interfaces: ['ygg0'],
    name: 'our-house',
    self: SELF,
    peers: { up: 1, unproven: 0, down: 1 },
  });
  assert.is(verdict, picture.verdict);
  assert.is(uplinks[0]!.interface, 'wan');
  assert.is(traffic!.own_rx_bytes, 0);
});
shown('is nothing of a node that is not connected', async () => {
  const { clock, node, overview } = make();
  await overview.look('ygg0');
  node.setLink('gone', clock.monotonicMs());
  await clock.advance(1000);
  const { self, peers } = overview.overview(await overview.look('ygg0'));
  assert.equal([self, peers], [undefined, undefined]);
});

/** Every text of a value. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part));
}
shown('is to the household nothing of anybody else', async () => {
  for (const break_ of [
    () => {},
    (w: ReturnType<typeof make>) => {
      for (const claim of w.world.peers)
        Object.assign(claim, { up: false, last_error: `lookup ${HOST}: no such host` });
    },
    (w: ReturnType<typeof make>) => {
      w.world.dns = { host: HOST, result: 'unknown' };
    },
    (w: ReturnType<typeof make>) => {
      w.node.setLink(`dial ${HOST}`, w.clock.monotonicMs());
    },
  ]) {
    const world = make();
    await world.overview.look('ygg0');
    break_(world);
    for (let i = 0; i < 60; i++) {
      await world.clock.advance(5000);
      const picture = await world.overview.look('ygg0');
      const member = world.overview.member(picture);
      const text = textOf(member);
      for (const other of [HOST, STRANGER, 'the-neighbour', '200:2::1', KEY]) assert.not.ok(text.includes(other), text);
      assert.equal(
        member.verdict.checks.map(({ link, state }) => [link, state]),
        picture.verdict.checks.map(({ link, state }) => [link, state]),
      );
      assert.is(member.verdict.sentence, picture.verdict.sentence);
    }
    const { evidence } = (world.overview.member(await world.overview.look('ygg0')).verdict as Verdict).checks[0]!;
    assert.is(evidence, '');
  }
});
shown('counts peers by what was found, not by what is claimed', async () => {
  const { clock, overview } = make();
  await overview.look('ygg0');
  await clock.advance(310_000);
  const peers: Partial<Record<Peer['state'], number>> = overview.overview(await overview.look('ygg0')).peers!;
  assert.equal(peers, { up: 0, unproven: 1, down: 1 });
});
shown.run();
