// What the daemon does when those around it die, lie or fall silent: real parts, in processes of their own.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ensureYggdrasil } from '../../build/yggdrasil.ts';
import { startLab } from '../../src/dev/lab.ts';
import type { StageNode } from '../../src/dev/stage.ts';
import { startStandin } from '../../src/dev/standin.ts';
import { decodeTable, type Table } from '../../src/ubus/blobmsg.ts';
import { malformedFrames } from '../fixtures/ubus/malformed.ts';
import { sleep } from '../support/sleep.ts';
import { FakeAdmin, HOSTILITIES } from './fake-admin.ts';
import { FakeBroker } from './fake-broker.ts';
import { type Holding, LIMIT_MS, Router, TARGET_MS, until } from './router.ts';

const ROUNDS = 20;
/** Memory and descriptors are compared from this round on: caches are full by then. */
const SETTLED = 10;
const RSS_SLACK_KIB = 512;
/** The heap's limit of the router, and the program with its stack. */
const RSS_MOST_KIB = 20 * 1024;
/** Nobody listens on the port `discard` of this machine. */
const DEAD_PEER = 'tcp://127.0.0.1:9';

function report(what: string, times: readonly number[]): void {
  const sorted = [...times].sort((a, b) => a - b);
  const median = sorted[sorted.length >> 1]!;
  console.log(
    `measured: ${what}: back after ${median.toFixed(0)} ms (median), ${sorted.at(-1)!.toFixed(0)} ms (worst) of ${times.length}, target ${TARGET_MS} ms`,
  );
}

function assertFlat(what: string, before: Holding | undefined, after: Holding | undefined): void {
  if (!before || !after) return;
  console.log(
    `measured: ${what}: descriptors ${before.fds} -> ${after.fds}, RSS ${before.rssKib} -> ${after.rssKib} KiB (round ${SETTLED} to ${ROUNDS})`,
  );
  assert.is(after.fds, before.fds, 'descriptors');
  assert.ok(after.rssKib <= before.rssKib + RSS_SLACK_KIB, `RSS ${before.rssKib} -> ${after.rssKib} KiB`);
}

/** Two nodes, the first of which dials the second: real ones where there are any. */
async function openNodes(): Promise<{ nodes: readonly StageNode[]; real: boolean; close(): Promise<void> }> {
  const directory = mkdtempSync(join(tmpdir(), 'meshbridge-nodes-'));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  const log = (line: string): void => console.log(line);
  let stage: { nodes: readonly StageNode[]; close(): Promise<void> };
  let real = true;
  try {
    const yggdrasil = await ensureYggdrasil(log);
    stage = await startLab({ nodes: 2, directory, yggdrasil, namespaces: false, log });
  } catch (error) {
    console.log(`skipped: real Yggdrasil in the fault tests: ${(error as Error).message}`);
    real = false;
    stage = await startStandin({ directory, nodes: ['a', 'b'] });
  }
  return { nodes: stage.nodes, real, close: () => stage.close().finally(remove) };
}

interface Context {
  router: Router;
  nodes: Awaited<ReturnType<typeof openNodes>>;
}

/** A suite whose tests share two nodes, a broker and the daemon. */
function faults(name: string) {
  const tests = suite<Context>(name);
  tests.before(async (context) => {
    context.nodes = await openNodes();
    context.router = new Router(context.nodes.nodes);
    await context.router.startBroker();
    await context.router.startDaemon();
    await context.router.published();
    await connected(context.router, 'ygg0');
    await connected(context.router, 'ygg1');
  });
  tests.after(async ({ router, nodes }) => {
    await router?.close();
    await nodes?.close();
  });
  return tests;
}

/** Waits until an interface answers. @returns milliseconds. */
async function connected(router: Router, iface: string): Promise<number> {
  const client = await router.observer();
  try {
    return await until(`${iface} answers`, async () => {
      await client.call('yggdrasil', 'self', { interface: iface });
      await client.call('yggdrasil', 'peers', { interface: iface });
      return true;
    });
  } finally {
    client.stop();
  }
}

async function remotesOf(router: Router, iface: string, inbound: boolean): Promise<string[]> {
  const { peers } = (await router.call('yggdrasil', 'peers', { interface: iface })) as unknown as {
    peers: { remote?: string; inbound: boolean }[];
  };
  return peers.filter((peer) => peer.inbound === inbound).map((peer) => peer.remote ?? '');
}

const brokers = faults('a broker that is killed');
brokers('finds both objects back, twenty times', async ({ router }) => {
  const times: number[] = [];
  let settled: Holding | undefined;
  for (let round = 1; round <= ROUNDS; round++) {
    await router.killBroker();
    await router.startBroker();
    times.push(await router.published());
    if (round === SETTLED) settled = await router.rest();
  }
  report('broker killed', times);
  assertFlat('broker killed', settled, await router.rest(settled?.fds));
  const { links } = await router.status();
  assert.is(links.find((link) => link.name === 'ubus')?.ups, ROUNDS + 1);
  assert.is(links.find((link) => link.name === 'yggdrasil.ygg0')?.ups, 1, '~> Yggdrasil was left alone');
});
brokers.run();

const nodes = faults('a Yggdrasil that is killed');
nodes('is shown again, twenty times, each change told once', async ({ router, nodes: { nodes: all } }) => {
  const [node] = all;
  const client = await router.observer();
  const told: string[] = [];
  client.listen('meshbridge.*', (type, data) => {
    if (data.name === 'yggdrasil.ygg0') told.push(type);
  });
  await sleep(200);
  const times: number[] = [];
  let settled: Holding | undefined;
  for (let round = 1; round <= ROUNDS; round++) {
    await node!.kill();
    await until('the loss is told', () => told.length === 2 * round - 1);
    await node!.start();
    times.push(await connected(router, 'ygg0'));
    await until('the return is told', () => told.length === 2 * round);
    if (round === SETTLED) settled = await router.rest();
  }
  report('Yggdrasil killed', times);
  assertFlat('Yggdrasil killed', settled, await router.rest(settled?.fds));
  assert.equal(told, Array.from({ length: ROUNDS }, () => ['meshbridge.link_down', 'meshbridge.link_up']).flat());
});
nodes('is told of by its neighbour, once each time', async ({ router, nodes: { nodes: all, real } }) => {
  if (!real) return; // played nodes do not notice one another's end
  const client = await router.observer();
  const told: string[] = [];
  const mine = (data: Table): boolean =>
    data.interface === 'ygg0' && (data.peer as unknown as { inbound: boolean }).inbound === false;
  let heard = 0;
  client.listen('yggdrasil.*', (type, data) => {
    if (mine(data)) told.push(type);
  });
  client.subscribe('yggdrasil', (_type, data) => {
    if (mine(data)) heard++;
  });
  await sleep(200);
  const rounds = 2;
  for (let round = 1; round <= rounds; round++) {
    await all[1]!.kill();
    await until('the loss is told', () => told.length === 2 * round - 1);
    await all[1]!.start();
    await until('the return is told', () => told.length === 2 * round, 2 * LIMIT_MS);
  }
  await sleep(200);
  const expected = Array.from({ length: rounds }, () => ['yggdrasil.peer_down', 'yggdrasil.peer_up']).flat();
  assert.equal(told, expected);
  assert.is(heard, expected.length, '~> as notifications, too');
});
nodes.run();

const hostileNode = suite('a hostile Yggdrasil');
hostileNode('is named, survived and bounded, and a good one takes its place', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'meshbridge-hostile-'));
  const socket = join(directory, 'ygg0.sock');
  const router = new Router([{ iface: 'ygg0', socket, peers: [] }]);
  try {
    await router.startBroker();
    await router.startDaemon();
    await router.published();
    for (const hostility of HOSTILITIES) {
      const fake = await FakeAdmin.open(socket, hostility);
      try {
        const { what, expected } = hostility;
        if (expected) {
          await until(`${what} is told`, async () => {
            const link = (await router.status()).links.find(({ name }) => name === 'yggdrasil.ygg0');
            if (expected.test(link?.last_error ?? '')) return true;
            throw new Error(JSON.stringify(link));
          });
        } else {
          await until(`${what} is passed over`, async () => (await router.call('yggdrasil', 'peers')).peers);
          for (const method of ['sessions', 'paths', 'tree', 'tun', 'multicast'])
            await router.call('yggdrasil', method).catch(() => {});
        }
        assert.is((await router.status()).interfaces.length, 1, what);
      } finally {
        await fake.close();
      }
    }
    const standin = await startStandin({ directory, nodes: ['a'] });
    try {
      report('good Yggdrasil after hostile ones', [await connected(router, 'ygg0')]);
      const [link] = (await router.status()).links.filter(({ name }) => name === 'yggdrasil.ygg0');
      assert.is(link?.last_error, undefined);
      const holding = router.holding();
      if (holding) {
        console.log(`measured: hostile Yggdrasil: RSS ${holding.rssKib} KiB, at most ${holding.peakKib} KiB`);
        assert.ok(holding.peakKib < RSS_MOST_KIB, `RSS ${holding.peakKib} KiB`);
      }
    } finally {
      await standin.close();
    }
  } finally {
    await router.close();
    rmSync(directory, { recursive: true, force: true });
  }
});
hostileNode.run();

const hostileBroker = suite('a hostile broker');
hostileBroker('leaves the daemon running, and a good one takes its place', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'meshbridge-hostile-'));
  const standin = await startStandin({ directory, nodes: ['a'] });
  const router = new Router(standin.nodes);
  const fake = await FakeBroker.open(router.socket);
  try {
    await router.startDaemon();
    await until('Yggdrasil is connected', () => router.lines.some((line) => /ygg0: connected/.test(line)));
    const counts = { drop: 0, wait: 0, refuse: 0, pass: 0 };
    for (const { name, outcome } of malformedFrames()) {
      const peer = await fake.client();
      const { bytes, text } = malformedFrames(peer.objects.get('yggdrasil'), 'peers').find(
        (f) => f.name === name && f.outcome === outcome,
      )!;
      const from = router.lines.length;
      const what = `${outcome}: ${name}`;
      if (outcome === 'drop' || outcome === 'wait') peer.sendLast(bytes);
      else peer.send(bytes);
      if (outcome === 'drop') {
        await until(`${what}: the connection ends`, () => peer.isClosed);
        await until(`${what}: it is logged with "${text}"`, () =>
          router.lines.slice(from).some((line) => line.includes('ubus: lost') && line.includes(text)),
        );
      } else if (outcome === 'wait') {
        await sleep(30);
        assert.not.ok(peer.isClosed, what);
        assert.is(peer.statuses.length, 0, what);
        peer.close();
      } else {
        await until(`${what}: the call is answered`, () => peer.statuses.length > 0);
        assert.is(peer.statuses[0], outcome === 'refuse' ? 2 : 0, what);
        if (outcome === 'refuse')
          assert.ok(
            peer.answers.some((data) => String(decodeTable(data).error).includes(text)),
            what,
          );
        assert.not.ok(peer.isClosed, what);
        peer.close();
      }
      counts[outcome]++;
    }
    console.log(`measured: malformed frames of a broker: ${JSON.stringify(counts)}`);
    await fake.close();
    await router.startBroker();
    report('good broker after a hostile one', [await router.published()]);
    router.holding();
  } finally {
    await fake.close();
    await router.close();
    await standin.close();
    rmSync(directory, { recursive: true, force: true });
  }
});
hostileBroker.run();

const trials = faults('a daemon that is killed');
trials('undoes after its return what was on trial', async ({ router }) => {
  if (!router.holding()) return; // within this process it cannot be killed
  await router.call('yggdrasil', 'peer_try', { uri: DEAD_PEER, seconds: 60 });
  assert.ok((await remotesOf(router, 'ygg0', false)).includes(DEAD_PEER));
  await router.killDaemon();
  await router.startDaemon();
  await router.published();
  const ms = await until(
    'the trial is undone',
    async () => !(await remotesOf(router, 'ygg0', false)).includes(DEAD_PEER),
  );
  report('trial undone', [ms]);
  await connected(router, 'ygg0');
  await connected(router, 'ygg1');
});
trials('writes what is kept into the network file', async ({ router }) => {
  await router.call('yggdrasil', 'peer_keep', { uri: DEAD_PEER });
  assert.match(readFileSync(router.network, 'utf8'), `option address '${DEAD_PEER}'`);
  await router.call('yggdrasil', 'peer_remove', { uri: DEAD_PEER, forget: true });
  assert.not.match(readFileSync(router.network, 'utf8'), DEAD_PEER);
});
trials('has the helper look for what is unsafe', async ({ router }) => {
  const { findings } = (await router.call('meshbridge', 'lint')) as { findings: Table[] };
  const keyless = findings.filter(({ id }) => id === 'empty_private_key').map(({ option }) => option);
  assert.equal(keyless, ['network.ygg0.private_key', 'network.ygg1.private_key']);
});
trials('refuses to remove an inbound link, and Yggdrasil lives', async ({ router, nodes: { nodes: all } }) => {
  let inbound: string | undefined;
  await until('an inbound link', async () => {
    [inbound] = await remotesOf(router, 'ygg1', true);
    return inbound;
  });
  await router.call('yggdrasil', 'peer_remove', { uri: inbound!, interface: 'ygg1' }).then(
    () => assert.unreachable('it was removed'),
    (error: Error) => assert.match(error.message, /inbound/),
  );
  assert.ok((await remotesOf(router, 'ygg1', true)).includes(inbound!));
  assert.ok(all[1]!.isRunning);
});
trials.run();

const reloads = faults('a configuration that changes');
reloads('is refused with every reason while it is broken', async ({ router, nodes: { nodes: all } }) => {
  router.configure(
    all,
    "\nconfig interface 'ygg9'\n\toption socket 'nowhere'\n\toption enabled 'perhaps'\n\toption sokcet 'x'\n",
  );
  const problems = [/ygg9\.socket: /, /ygg9\.enabled: /, /ygg9\.sokcet: /];
  await router.call('meshbridge', 'reload').then(
    () => assert.unreachable('it was taken'),
    (error: Error) => {
      for (const problem of problems) assert.match(error.message, problem);
    },
  );
  const { config_errors: errors, links } = await router.status();
  assert.is(errors.length, problems.length, errors.join('\n'));
  for (const problem of problems)
    assert.ok(
      errors.some((line) => problem.test(line)),
      String(problem),
    );
  assert.equal(
    links.map(({ name, state, ups }) => `${name} ${state} ${ups}`),
    ['ubus up 1', 'yggdrasil.ygg0 up 1', 'yggdrasil.ygg1 up 1'],
  );
});
reloads('drops what changed and nothing else', async ({ router, nodes: { nodes: all } }) => {
  router.configure(all.slice(0, 1));
  if (router.holding()) await router.reload();
  else await router.call('meshbridge', 'reload');
  await until('it is in force', async () => (await router.status()).links.length === 2);
  const { config_errors: errors, links } = await router.status();
  assert.equal(errors, []);
  assert.equal(
    links.map(({ name, state, ups }) => `${name} ${state} ${ups}`),
    ['ubus up 1', 'yggdrasil.ygg0 up 1'],
  );
  router.configure(all);
  await router.call('meshbridge', 'reload');
  report('interface added', [await connected(router, 'ygg1')]);
});
reloads.run();
