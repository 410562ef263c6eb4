import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ConfiguredInterface } from '../../src/api/helper.ts';
import { InputError, LinkDownError, TimeoutError } from '../../src/errors.ts';
import { type Log, SILENT } from '../../src/log.ts';
import type { HelperCaller } from '../../src/system/helper.ts';
import { NetworkCache } from '../../src/system/network-cache.ts';
import { ManualClock, settle } from '../support/clock.ts';

const YGG0: ConfiguredInterface = {
  interface: 'ygg0',
  peers: [{ uri: 'tls://a:1?password=x' }, { uri: 'tcp://b:2', device: 'eth0' }],
  node_info: '{"name":"here"}',
};

/** A cache whose helper answers what the test says. */
function make() {
  const clock = new ManualClock();
  const lines: string[] = [];
  const log: Log = { ...SILENT, warn: (event, fields) => lines.push(`${event}: ${fields?.problem}`) };
  const world = {
    answer: { interfaces: [YGG0] } as object | Error,
    asked: [] as string[],
    /** Set, answers wait for it. */
    gate: undefined as Promise<void> | undefined,
  };
  const helper = {
    async call(verb: string, args: object) {
      world.asked.push(`${verb} ${JSON.stringify(args)}`);
      await world.gate;
      if (world.answer instanceof Error) throw world.answer;
      return verb === 'network_read' ? world.answer : { result: verb === 'peer_keep' ? 'added' : 'removed' };
    },
  } as HelperCaller;
  return { clock, lines, world, cache: new NetworkCache(helper, clock, log, () => 1) };
}

const known = suite('NetworkCache: what is known');
known('is nothing before the helper was asked, and what it said afterwards', async () => {
  const { cache, clock } = make();
  assert.is(cache.peers('ygg0'), undefined);
  assert.is(cache.nodeInfo('ygg0'), undefined);
  await cache.refresh();
  assert.equal(cache.peers('ygg0'), YGG0.peers);
  assert.equal(cache.nodeInfo('ygg0'), { name: 'here' });
  assert.equal(cache.peers('ygg1'), [], '~> the file is known, and has none');
  assert.is(cache.nodeInfo('ygg1'), undefined);
  assert.equal(cache.problems, []);
  assert.is(clock.pending, 0);
});
known('is nothing when there is no file', async () => {
  const { cache, world } = make();
  await cache.refresh();
  world.answer = {};
  await cache.refresh();
  assert.is(cache.peers('ygg0'), undefined);
  assert.equal(cache.problems, []);
});
known('stays while the helper is not reached, which is tried again', async () => {
  const { cache, world, clock, lines } = make();
  await cache.refresh();
  for (const error of [new LinkDownError('gone'), new TimeoutError('late')]) {
    world.answer = error;
    await cache.refresh();
    assert.equal(cache.peers('ygg0'), YGG0.peers);
    assert.equal(cache.problems, [error.message]);
  }
  await clock.advance(62_000);
  assert.is(world.asked.length, 8, '~> after 2, 4, 8, 16 and 32 s, for the first wait was cut short');
  await clock.advance(64_000);
  assert.is(world.asked.length, 10, '~> and no rarer than each 32 s');
  world.answer = { interfaces: [] };
  await clock.advance(32_000);
  assert.equal(cache.peers('ygg0'), []);
  assert.equal(cache.problems, []);
  assert.is(clock.pending, 0);
  assert.equal(
    lines,
    ['gone', 'late'].map((why) => `network configuration not known: ${why}`),
    '~> each told once',
  );
});
known('goes when the helper cannot read the file', async () => {
  const { cache, world, clock } = make();
  await cache.refresh();
  world.answer = new Error('/etc/config/network: expected a UCI file');
  await cache.refresh();
  assert.is(cache.peers('ygg0'), undefined);
  assert.equal(cache.problems, ['/etc/config/network: expected a UCI file']);
  assert.is(clock.pending, 0, '~> that the file changed is told');
});
for (const text of ['', '{', '{name: 1}', '['.repeat(32_000)])
  known(`has no node info that is no JSON: ${text.slice(0, 10)}`, async () => {
    const { cache, world } = make();
    world.answer = { interfaces: [{ ...YGG0, node_info: text }] };
    await cache.refresh();
    assert.is(cache.nodeInfo('ygg0'), undefined);
    assert.equal(cache.peers('ygg0'), YGG0.peers);
    assert.equal(cache.problems, ['network.ygg0.node_info: expected JSON']);
  });
known('takes any name of an interface', async () => {
  const { cache, world } = make();
  world.answer = { interfaces: [{ ...YGG0, interface: '__proto__' }] };
  await cache.refresh();
  assert.equal(cache.peers('__proto__'), YGG0.peers);
  assert.equal(cache.peers('constructor'), []);
});
known.run();

// ---

const asking = suite('NetworkCache: asking');
asking('is shared by all who want it while the helper is being asked', async () => {
  const { cache, world } = make();
  let open: () => void = () => {};
  world.gate = new Promise((resolve) => {
    open = resolve;
  });
  const all = [cache.refresh(), cache.refresh(), cache.refresh()];
  await settle();
  assert.is(world.asked.length, 1);
  world.answer = { interfaces: [] };
  open();
  await Promise.all(all);
  assert.is(world.asked.length, 2, '~> once more, for what changed meanwhile');
  assert.equal(cache.peers('ygg0'), []);
});
asking('happens once for a burst', async () => {
  const { cache, world, clock } = make();
  for (let i = 0; i < 100; i++) cache.refreshSoon();
  await clock.advance(999);
  assert.is(world.asked.length, 0);
  await clock.advance(1);
  assert.is(world.asked.length, 1);
  cache.refreshSoon();
  await cache.refresh();
  await clock.advance(60_000);
  assert.is(world.asked.length, 2, '~> what was asked at once need not be asked soon');
});
asking('ends when it is stopped', async () => {
  const { cache, world, clock } = make();
  world.answer = new LinkDownError('gone');
  await cache.refresh();
  cache.refreshSoon();
  cache.stop();
  assert.is(clock.pending, 0);
  void cache.refresh();
  cache.stop();
  await clock.advance(60_000);
  assert.is(clock.pending, 0, '~> also when the answer comes later');
});
asking.run();

// ---

const change = suite('NetworkCache: changes');
change('are the helper’s, and seen at once', async () => {
  const { cache, world } = make();
  assert.is(await cache.keep('ygg0', { uri: 'tcp://b:2', device: 'eth0' }), 'added');
  assert.equal(world.asked, ['peer_keep {"interface":"ygg0","uri":"tcp://b:2","device":"eth0"}', 'network_read {}']);
  assert.equal(cache.peers('ygg0'), YGG0.peers);
  assert.is(await cache.forget('ygg0', { uri: 'tcp://b:2' }), 'removed');
});
change('that fail say why', async () => {
  const { cache, world } = make();
  world.answer = new InputError('uri: no', 'uri');
  assert.is(await cache.keep('ygg0', { uri: 'x' }).catch((error) => error), world.answer);
  assert.is(world.asked.length, 1);
});
change.run();
