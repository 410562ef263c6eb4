import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json } from '../../src/api/model.ts';
import { InputError, TimeoutError } from '../../src/errors.ts';
import { Node } from '../../src/mesh/node.ts';
import { nameIn, Remote, RemoteAnswers } from '../../src/mesh/remote.ts';

const answers = suite('RemoteAnswers');

answers('give what is young enough', () => {
  const kept = new RemoteAnswers<string>(4, 100);
  kept.set('a', 'x', 1, 1000);
  assert.is(kept.get('a', 3000, 2000)?.value, 'x');
  assert.is(kept.get('a', 3001, 2000), undefined);
  assert.is(kept.get('b', 3000), undefined);
});

answers('drop the least recently used beyond their number', () => {
  const kept = new RemoteAnswers<number>(2, 100);
  kept.set('a', 1, 1, 0);
  kept.set('b', 2, 1, 0);
  kept.get('a', 0);
  kept.set('c', 3, 1, 0);
  assert.equal(
    ['a', 'b', 'c'].map((key) => kept.get(key, 0)?.value),
    [1, undefined, 3],
  );
});

answers('drop the least recently used beyond their size, and replace without counting twice', () => {
  const kept = new RemoteAnswers<number>(10, 100);
  kept.set('a', 1, 60, 0);
  kept.set('a', 2, 60, 0);
  kept.set('b', 3, 40, 0);
  assert.is(kept.get('a', 0)?.value, 2);
  kept.set('c', 4, 30, 0);
  assert.equal(
    ['a', 'b', 'c'].map((key) => kept.get(key, 0)?.value),
    [2, undefined, 4],
  );
  kept.set('d', 5, 101, 0);
  assert.is(kept.get('d', 0), undefined);
  assert.is(kept.get('a', 0)?.value, 2, '~> what does not fit drives nothing out');
});
answers.run();

// ---

const OWN = 'ab'.repeat(32);
const OTHER = 'cd'.repeat(32);

/** Questions through one node, whose own key is OWN. */
function make(ownInfo: () => Json | undefined = () => undefined) {
  const asked: string[] = [];
  const world = { info: { name: 'other' } as Json | Error };
  const node = new Node(
    'ygg0',
    'config',
    {
      configured: () => undefined,
      dialledHere: () => undefined,
      nameOf: (key) => remote.nameOf(key, 0),
    },
    () => {},
  );
  node.connected = true;
  node.source = { look() {}, refresh: async () => assert.unreachable('~> fresh enough') };
  const self = { build_name: 'yggdrasil', build_version: '0.5.12', key: OWN, address: '200::1', subnet: '300::/64' };
  node.set('self', self, 0);
  const source = {
    nodeInfo: async (key: string) => {
      asked.push(`info ${key}`);
      if (world.info instanceof Error) throw world.info;
      return world.info;
    },
    nodePeers: async (key: string) => {
      asked.push(`peers ${key}`);
      return [OWN];
    },
    echo: async (key: string) => {
      asked.push(`echo ${key}`);
      return 17;
    },
  };
  const remote = new Remote(node, source, ownInfo);
  return { asked, world, node, remote };
}

const echo = suite('Remote.echo');
echo('asks another node each time, and never this one', async () => {
  const { asked, remote } = make();
  assert.equal([await remote.echo(OTHER.toUpperCase()), await remote.echo(OTHER)], [17, 17]);
  assert.equal(asked, [`echo ${OTHER}`, `echo ${OTHER}`]);
  for (const key of [OWN, 'x']) assert.instance(await remote.echo(key).catch((error) => error), InputError);
  assert.is(asked.length, 2);
});
echo.run();

// ---

const info = suite('Remote.nodeInfo');
info('asks the network once in ten minutes, in any case of the key', async () => {
  const { asked, remote } = make();
  assert.equal(await remote.nodeInfo(OTHER.toUpperCase(), 1000), { value: { name: 'other' }, atMs: 1000 });
  assert.is((await remote.nodeInfo(OTHER, 601_000)).atMs, 1000);
  assert.is(asked.length, 1);
  assert.is((await remote.nodeInfo(OTHER, 601_001)).atMs, 601_001);
  assert.equal(asked, [`info ${OTHER}`, `info ${OTHER}`]);
});
info('keeps the answers of as many nodes as the map asks in one visit, and no more bytes than that takes', async () => {
  const { asked, world, remote } = make();
  const keys = Array.from({ length: 120 }, (_, i) => i.toString(16).padStart(64, '0'));
  for (const key of [...keys, ...keys]) await remote.nodeInfo(key, 0);
  assert.is(asked.length, 120);
  world.info = { name: 'x'.repeat(16_000) };
  for (let i = 0; i < 9; i++) await remote.nodeInfo(`f${i}`.padStart(64, '0'), 0);
  await remote.nodeInfo(keys[0]!, 0);
  assert.is(asked.length, 130);
});
info('keeps no failure', async () => {
  const { world, remote } = make();
  world.info = new TimeoutError('no answer');
  assert.is(await remote.nodeInfo(OTHER, 0).catch((e) => e), world.info);
  world.info = { name: 'back' };
  assert.equal((await remote.nodeInfo(OTHER, 1)).value, { name: 'back' });
});
info('answers for this node from its configuration, which the network never does', async () => {
  for (const [own, more] of [
    [
      { name: 'here', buildname: 'mine' },
      { name: 'here', buildname: 'mine' },
    ],
    [undefined, {}],
    [['no', 'object'], {}],
    [null, {}],
  ] as const) {
    const { asked, remote } = make(() => own as Json | undefined);
    const { value, atMs } = await remote.nodeInfo(OWN.toUpperCase(), 7);
    assert.equal(value, { buildname: 'yggdrasil', buildversion: '0.5.12', ...more });
    assert.is(atMs, 7);
    assert.equal(asked, []);
  }
});
info('refuses what is no key, without asking', async () => {
  const { asked, remote } = make();
  for (const text of ['', 'abc', `${OTHER}0`, 'xy'.repeat(32)]) {
    const error = await remote.nodeInfo(text, 0).catch((e) => e);
    assert.instance(error, InputError);
    assert.is(error.message, `key: expected 64 hex digits, got ${text.length} characters`);
  }
  assert.equal(asked, []);
});
info.run();

const peers = suite('Remote.nodePeers');
peers('asks the network once in half a minute', async () => {
  const { asked, remote } = make();
  assert.equal(await remote.nodePeers(OTHER, 0), { value: [OWN], atMs: 0 });
  await remote.nodePeers(OTHER, 30_000);
  assert.is(asked.length, 1);
  await remote.nodePeers(OTHER, 30_001);
  assert.is(asked.length, 2);
});
peers('answers for this node from what is up, each key once', async () => {
  const { asked, node, remote } = make();
  const claim = { inbound: false, up: true, key: OTHER };
  node.setPeers(
    [
      { ...claim, remote: 'tcp://192.0.2.1:1' },
      { ...claim, remote: 'tls://192.0.2.1:2' },
      { remote: 'tcp://192.0.2.2:1', inbound: false, up: false, key: 'ee'.repeat(32) },
    ],
    500,
  );
  assert.equal(await remote.nodePeers(OWN, 1000), { value: [OTHER], atMs: 500 });
  assert.equal(asked, []);
});
peers.run();

const names = suite('Remote names');
names('are those of node info that was asked for', async () => {
  const { remote } = make();
  assert.is(remote.nameOf(OTHER, 0), undefined);
  await remote.nodeInfo(OTHER, 0);
  assert.is(remote.nameOf(OTHER, 3_600_000), 'other', '~> however old');
});
names(
  'are asked for of each peer that is up and has none: again after a minute without an answer, an hour after one',
  async () => {
    const { world, node, remote } = make();
    const keys = ['1', '2', '3'].map((digit) => digit.repeat(64));
    node.setPeers(
      keys.map((key, i) => ({ remote: `tcp://192.0.2.${i}:1`, inbound: false, up: i < 2, key })),
      0,
    );
    assert.equal(
      [0, 1, 2].map((ms) => remote.nextNameless(ms)),
      [keys[0], keys[1], undefined],
    );
    world.info = {};
    await remote.nodeInfo(keys[0]!, 10);
    assert.is(remote.nextNameless(60_001), undefined);
    assert.is(remote.nextNameless(60_002), keys[1]);
    await remote.nodeInfo(keys[1]!, 60_002);
    assert.is(remote.nextNameless(3_600_010), undefined);
    assert.is(remote.nextNameless(3_600_011), keys[0]);
  },
);
names('are not asked for of those that have one', async () => {
  const { node, remote } = make();
  await remote.nodeInfo(OTHER, 0);
  node.setPeers([{ remote: 'tcp://192.0.2.1:1', inbound: false, up: true, key: OTHER }], 0);
  assert.is(remote.nextNameless(0), undefined);
});
names.run();

const nameOf = suite('nameIn');
for (const [given, name] of [
  [{ name: 'höme' }, 'höme'],
  [{ name: '  a\tb\u0000\n' }, 'a b'],
  [{ name: 'x'.repeat(100) }, 'x'.repeat(64)],
  [{ name: ' \n' }, undefined],
  [{ name: '' }, undefined],
  [{ name: 7 }, undefined],
  [{ name: { name: 'x' } }, undefined],
  [{}, undefined],
  [['name'], undefined],
  ['name', undefined],
  [null, undefined],
  [undefined, undefined],
] as const)
  nameOf(`finds ${JSON.stringify(name)} in ${JSON.stringify(given)}`.slice(0, 80), () =>
    assert.is(nameIn(given as Json | undefined), name),
  );
nameOf.run();
