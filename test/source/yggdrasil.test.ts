import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { errorText, LinkDownError, RemoteError, TimeoutError } from '../../src/errors.ts';
import { SILENT } from '../../src/log.ts';
import { Node, type ViewKind } from '../../src/mesh/node.ts';
import { Remote } from '../../src/mesh/remote.ts';
import { type YggdrasilPace, YggdrasilSource } from '../../src/source/yggdrasil.ts';
import type { AdminResponse } from '../../src/yggdrasil/admin.ts';
import { capturedResponses, FakeAdmin, OTHER_KEY, OWN_KEY, peerEntry } from '../support/admin.ts';
import { ManualClock, settle } from '../support/clock.ts';

const PACE: YggdrasilPace = { briskMs: 2000, idleMs: 30_000, probe: true };
const REMOTE = 'tls://10.99.0.2:4001';

/** A real node fed by a source from a Yggdrasil in memory, wired as the program wires them. */
function make(pace: Partial<YggdrasilPace> = {}) {
  const clock = new ManualClock();
  const client = new FakeAdmin();
  const events: string[] = [];
  const polled: number[] = [];
  const node = new Node(
    'ygg0',
    'config',
    {
      configured: () => undefined,
      dialledHere: () => undefined,
      nameOf: (key) => remote.nameOf(key, clock.monotonicMs()),
    },
    (event, peer) => events.push(`${event} ${peer.remote}`),
  );
  const source: YggdrasilSource = new YggdrasilSource(
    node,
    client,
    clock,
    SILENT,
    { ...PACE, ...pace },
    {
      nameless: (nowMs) => remote.nextNameless(nowMs),
      learnName: (key) => remote.nodeInfo(key, clock.monotonicMs()),
      polled: () => polled.push(clock.monotonicMs()),
    },
  );
  node.source = source;
  const remote = new Remote(node, source, () => undefined);
  const polls = () => client.count('getpeers');
  const peers = () => node.view('peers')?.value.peers ?? [];
  return { clock, client, node, source, remote, events, polled, polls, peers };
}

const pace = suite('YggdrasilSource: pace');
pace('asks at once when the link comes up, then every 30 s', async () => {
  const { clock, client, source, polls } = make();
  source.onLink(true, undefined);
  await settle();
  assert.equal(client.asked, ['getself', 'gettree', 'getmulticastinterfaces', 'getpeers', 'getsessions']);
  await clock.advance(29_999);
  assert.is(polls(), 1);
  await clock.advance(1);
  assert.is(polls(), 2);
  await clock.advance(300_000);
  assert.is(polls(), 12);
});
pace('renews what a verdict rests on: every minute, and more often while somebody looks', async () => {
  const { clock, client, source } = make();
  source.onLink(true, undefined);
  await clock.advance(600_000);
  const slow = ['getsessions', 'getself', 'gettree', 'getmulticastinterfaces'].map((name) => client.count(name));
  assert.equal(slow, [21, 11, 11, 2]);
  for (let i = 0; i < 12; i++) {
    source.look();
    await clock.advance(5000);
  }
  const brisk = ['getsessions', 'getself', 'gettree', 'getmulticastinterfaces'].map((name) => client.count(name));
  assert.equal(
    brisk.map((count, i) => count - slow[i]!),
    [30, 2, 6, 1],
  );
});
pace('asks anew for everything when the link comes up again', async () => {
  const { client, source, clock } = make();
  source.onLink(true, undefined);
  await clock.advance(5000);
  client.up = false;
  source.onLink(false, new LinkDownError('gone'));
  client.up = true;
  await clock.advance(1000);
  client.asked.length = 0;
  source.onLink(true, undefined);
  await settle();
  assert.equal(client.asked, ['getself', 'gettree', 'getmulticastinterfaces', 'getpeers', 'getsessions']);
});
pace('tells after each poll, whether it was answered or not, and when the link goes down', async () => {
  const { clock, client, source, polled } = make();
  source.onLink(true, undefined);
  await clock.advance(30_000);
  assert.equal(polled, [0, 30_000]);
  client.answers.getpeers = new TimeoutError('no answer');
  client.answers.getsessions = new TimeoutError('no answer');
  await clock.advance(30_000);
  assert.equal(polled, [0, 30_000, 60_000]);
  client.up = false;
  source.onLink(false, new LinkDownError('gone'));
  assert.is(polled.length, 4);
});
pace('quickens at a look, and falls back 15 s after the last one', async () => {
  const { clock, source, polls } = make();
  source.onLink(true, undefined);
  await clock.advance(5000);
  source.look();
  await clock.advance(10_000);
  assert.is(polls(), 1 + 5, '~> brisk from the look on, not from the next idle poll on');
  source.look();
  await clock.advance(14_000);
  assert.is(polls(), 1 + 5 + 7);
  const before = polls();
  await clock.advance(60_000);
  assert.ok(polls() - before <= 3, `~> idle again, polled ${polls() - before} times in a minute`);
});
pace('does not put the next poll off, however often somebody looks', async () => {
  const { clock, source, polls } = make();
  source.onLink(true, undefined);
  for (let i = 0; i < 100; i++) {
    source.look();
    await clock.advance(100);
  }
  assert.is(polls(), 6);
});
pace('is brisk for as long as somebody listens', async () => {
  const { clock, source, polls } = make();
  source.onLink(true, undefined);
  source.setListeners(true);
  await clock.advance(120_000);
  assert.is(polls(), 61);
  source.setListeners(false);
  await clock.advance(92_000);
  assert.is(polls(), 61 + 1 + 3);
});
pace('follows the configuration at once', async () => {
  const { clock, source, polls } = make();
  source.onLink(true, undefined);
  await clock.advance(1000);
  source.setPace({ ...PACE, idleMs: 10_000 });
  await clock.advance(10_000);
  assert.is(polls(), 2);
});
pace('goes on after a poll that failed', async () => {
  const { clock, client, source, polls } = make();
  client.answers.getpeers = new RemoteError('no', 'no');
  source.onLink(true, undefined);
  await clock.advance(60_000);
  assert.is(polls(), 3);
});
pace('waits for an answer before it counts the time to the next poll', async () => {
  const { clock, client, source, polls } = make();
  let answer!: (response: AdminResponse) => void;
  client.answers.getpeers = new Promise((resolve) => {
    answer = resolve;
  });
  source.onLink(true, undefined);
  await clock.advance(60_000);
  assert.is(polls(), 1);
  answer({ peers: [] });
  await clock.advance(30_000);
  assert.is(polls(), 2);
});
pace('leaves no timer behind when it is stopped', async () => {
  const { clock, client, source, polls } = make();
  source.onLink(true, undefined);
  await clock.advance(1000);
  source.stop();
  assert.is(clock.pending, 0);
  source.look();
  source.setListeners(true);
  source.setPace(PACE);
  assert.is(clock.pending, 0);
  await clock.advance(60_000);
  assert.is(polls(), 1);
  // an answer that was under way starts nothing either
  const other = make();
  other.source.onLink(true, undefined);
  other.source.stop();
  await settle();
  assert.is(other.polls(), 1);
  assert.is(other.clock.pending, 0);
  assert.is(client.up, true);
});
pace.run();

// ---

const refresh = suite('YggdrasilSource: refresh');
refresh('asks once for all who wait, and anew for those who come later', async () => {
  const { client, node } = make();
  const kinds: ViewKind[] = ['self', 'peers', 'sessions', 'paths', 'tree', 'tun', 'multicast'];
  const answers = await Promise.all([...kinds, ...kinds].map((kind) => node.read(kind, 0)));
  assert.is(client.asked.length, kinds.length);
  for (const [i, kind] of kinds.entries()) {
    assert.is(answers[i], node.view(kind), `~> ${kind} stands in the node`);
    assert.is(answers[i], answers[i + kinds.length]);
  }
  await node.source!.refresh('paths');
  assert.is(client.count('getpaths'), 2);
});
refresh('takes every kind from its own answer', async () => {
  const { node } = make();
  assert.is((await node.read('self', 0)).value.key, OWN_KEY);
  assert.is((await node.read('sessions', 0)).value.sessions[0]!.key, OTHER_KEY);
  assert.equal((await node.read('paths', 0)).value.paths[0]!.path, [1]);
  assert.ok((await node.read('tree', 0)).value.tree.length > 2);
  assert.equal((await node.read('tun', 0)).value, { enabled: true, name: 'ygg0', mtu: 65_535 });
  assert.equal(
    (await node.read('multicast', 0)).value.multicast_interfaces.map(({ name }) => name),
    ['eth0', 'mesh0'],
  );
});
refresh('fails for all who wait, and leaves nothing behind', async () => {
  const { client, node } = make();
  client.answers.gettree = new RemoteError('no tree today', 'no');
  const failures = await Promise.all([0, 1].map(() => (node.read('tree', 0) as Promise<unknown>).catch(errorText)));
  assert.is(client.count('gettree'), 1);
  assert.equal(failures, ['no tree today', 'no tree today']);
  client.answers.gettree = { tree: [] };
  assert.equal((await node.read('tree', 0)).value, { tree: [] });
});
refresh('dates an answer by when it was asked for', async () => {
  const { clock, client, node } = make();
  let answer!: (response: AdminResponse) => void;
  client.answers.gettun = new Promise((resolve) => {
    answer = resolve;
  });
  const view = node.read('tun', 0);
  await clock.advance(700);
  answer({ enabled: false });
  assert.is((await view).atMs, 0);
});
refresh.run();

// ---

const probe = suite('YggdrasilSource: probing');

/** A silent peer that is watched for 14 s. */
async function silent(more: Partial<YggdrasilPace> = {}) {
  const made = make(more);
  made.client.peers = [peerEntry(REMOTE)];
  made.client.answers.debug_remotegetself = new TimeoutError('debug_remotegetself: no answer within 7000 ms');
  made.source.setListeners(true);
  made.source.onLink(true, undefined);
  await made.clock.advance(14_000);
  assert.is(made.client.count('debug_remotegetself'), 0);
  return made;
}

probe('asks a silent peer; two answers that fail to come make it unproven, moving bytes prove it again', async () => {
  const { clock, client, events, peers } = await silent();
  await clock.advance(2000);
  assert.is(client.asked.filter((line) => line === `debug_remotegetself ${OTHER_KEY}`).length, 1);
  await clock.advance(10_000);
  assert.is(client.count('debug_remotegetself'), 2);
  assert.is(peers()[0]!.state, 'up');
  await clock.advance(2000);
  assert.is(peers()[0]!.state, 'unproven');
  assert.equal(events, [`peer_unproven ${REMOTE}`]);
  client.peers = [peerEntry(REMOTE, { bytes_recvd: 1001 })];
  await clock.advance(2000);
  assert.is(peers()[0]!.state, 'up');
  assert.is(peers()[0]!.proof, 'traffic');
  assert.equal(events, [`peer_unproven ${REMOTE}`, `peer_up ${REMOTE}`]);
});
probe('asks each peer at most every 10 s', async () => {
  const { clock, client } = await silent();
  await clock.advance(11_000);
  await clock.advance(2000);
  assert.is(client.count('debug_remotegetself'), 2);
});
probe('takes only silence for an answer, not a refusal or a lost link', async () => {
  for (const error of [new RemoteError('no', 'no'), new LinkDownError('gone')]) {
    const { clock, client, events } = await silent();
    client.answers.debug_remotegetself = error;
    await clock.advance(60_000);
    assert.ok(client.count('debug_remotegetself') > 3);
    assert.equal(events, []);
  }
});
probe('asks at most three at a time, each in its turn', async () => {
  const { clock, client } = await silent();
  const keys = [...'abcdef'].map((digit) => digit.repeat(64));
  client.peers = keys.map((key, i) => peerEntry(`tcp://192.0.2.${i}:1`, { key }));
  await clock.advance(16_000);
  const before = client.count('debug_remotegetself');
  await clock.advance(2000);
  assert.is(client.count('debug_remotegetself') - before, 3);
  await clock.advance(2000);
  assert.is(client.count('debug_remotegetself') - before, 6);
  const asked = client.asked.filter((line) => line.startsWith('debug_remotegetself')).slice(-6);
  assert.is(new Set(asked).size, 6, '~> nobody twice before everybody once');
});
probe('leaves everybody alone while nobody looks', async () => {
  const { clock, client, source } = make();
  client.peers = [peerEntry(REMOTE)];
  source.onLink(true, undefined);
  await clock.advance(120_000);
  assert.is(client.count('debug_remotegetself') + client.count('getnodeinfo'), 0);
});
probe('can be turned off', async () => {
  const { clock, client } = await silent({ probe: false });
  await clock.advance(60_000);
  assert.is(client.count('debug_remotegetself') + client.count('getnodeinfo'), 0);
});
probe('asks peers for their name, one a poll, once an hour', async () => {
  const { clock, client, source, peers } = make();
  const nameless = 'ab'.repeat(32);
  client.answers.getnodeinfo = { ...capturedResponses().getnodeinfo, [nameless]: { buildname: 'yggdrasil' } };
  client.peers = [
    peerEntry(REMOTE),
    peerEntry('tcp://192.0.2.1:1', { key: nameless }),
    peerEntry('tcp://192.0.2.2:1', { up: false, key: '' }),
  ];
  source.setListeners(true);
  source.onLink(true, undefined);
  await settle();
  assert.is(client.count('getnodeinfo'), 1);
  await clock.advance(4000);
  const asked = client.asked.filter((line) => line.startsWith('getnodeinfo')).sort();
  assert.equal(asked, [`getnodeinfo ${OTHER_KEY}`, `getnodeinfo ${nameless}`]);
  assert.equal(
    peers().map(({ remote, name }) => [remote, name]),
    [
      ['tcp://192.0.2.1:1', undefined],
      ['tcp://192.0.2.2:1', undefined],
      [REMOTE, 'gateway-b'],
    ],
  );
  await clock.advance(3_500_000);
  assert.is(client.count('getnodeinfo'), 2);
  await clock.advance(120_000);
  assert.is(client.count('getnodeinfo'), 4);
});
probe('keeps names apart from the answers that they came in, so that many peers are not asked for ever', async () => {
  const { clock, client, source } = make();
  const keys = Array.from({ length: 100 }, (_, i) => (i + 1).toString(16).padStart(64, '0'));
  client.answers.getnodeinfo = Object.fromEntries(keys.map((key) => [key, { name: `n${key.slice(-2)}` }]));
  client.peers = keys.map((key, i) => peerEntry(`tcp://192.0.2.1:${i + 1}`, { key }));
  source.setListeners(true);
  source.onLink(true, undefined);
  await clock.advance(400_000);
  assert.is(client.count('getnodeinfo'), 100);
});
probe.run();

// ---

const link = suite('YggdrasilSource: link');
link('says why there is nothing to show, and stops asking, while the link is down', async () => {
  const { clock, client, node, source, polls } = make();
  source.onLink(true, undefined);
  assert.is(node.connected, true);
  await clock.advance(60_000);
  client.up = false;
  source.onLink(false, new Error('connection refused'));
  assert.is(node.connected, false);
  assert.is(node.status().problem, 'Yggdrasil does not answer: connection refused');
  assert.is(clock.pending, 0);
  const before = polls();
  await clock.advance(120_000);
  assert.is(polls(), before);
  client.up = true;
  source.onLink(true, undefined);
  assert.is(node.status().problem, undefined);
  await settle();
  assert.is(polls(), before + 1);
});
link('counts the time without an answer as a gap', async () => {
  const { clock, client, node, source } = make();
  source.onLink(true, undefined);
  await clock.advance(60_000);
  client.up = false;
  source.onLink(false, undefined);
  assert.is(node.problem, 'Yggdrasil does not answer: not connected');
  await clock.advance(120_000);
  client.up = true;
  source.onLink(true, undefined);
  await clock.advance(60_000);
  assert.is(node.history.samples(clock.monotonicMs())[0]!.connected_s, 120);
});
link('does not poll twice when the link returns while an answer is under way', async () => {
  const { clock, source, polls } = make();
  source.onLink(true, undefined);
  source.onLink(false, undefined);
  source.onLink(true, undefined);
  await settle();
  assert.is(polls(), 1);
  assert.is(clock.pending, 1);
  await clock.advance(30_000);
  assert.is(polls(), 2);
});
link.run();

// ---

const change = suite('YggdrasilSource: changes');
const HIDDEN = 'socks://…@127.0.0.1:9050/example.org:4001';
const OPEN = 'socks://user:secret@127.0.0.1:9050/example.org:4001';

change('never shows credentials, and uses the real ones', async () => {
  const { client, node, source, peers } = make();
  client.peers = [peerEntry(OPEN), peerEntry(REMOTE)];
  await source.refresh('peers');
  assert.equal(
    peers().map((peer) => peer.remote),
    [HIDDEN, REMOTE],
  );
  assert.not.match(JSON.stringify(node.view('peers')), 'secret');
  await source.remove({ uri: HIDDEN });
  await source.add({ uri: HIDDEN, device: 'wan' });
  assert.equal(
    client.asked.filter((line) => /^(add|remove)peer/.test(line)),
    [`removepeer ${OPEN}`, `addpeer ${OPEN} wan`],
  );
});
change('dials again what is there, and leaves nothing behind of what is not', async () => {
  const { client, source } = make();
  client.peers = [peerEntry(OPEN, { up: false }), peerEntry(REMOTE, { up: false })];
  await source.refresh('peers');
  client.asked.length = 0;
  await source.redial({ uri: REMOTE });
  await source.redial({ uri: HIDDEN });
  await source.redial({ uri: 'tcp://192.0.2.1:1', device: 'wan' });
  assert.equal(client.asked, [
    `addpeer ${REMOTE}`,
    `addpeer ${OPEN}`,
    'addpeer tcp://192.0.2.1:1 wan',
    'removepeer tcp://192.0.2.1:1 wan',
  ]);
});
change('forgets the credentials of a peering that is gone: the next one may have others', async () => {
  const { client, source } = make();
  client.peers = [peerEntry(OPEN)];
  await source.refresh('peers');
  client.peers = [];
  await source.remove({ uri: OPEN });
  await source.add({ uri: OPEN.replace('secret', 'better') });
  assert.ok(client.asked.includes(`addpeer ${OPEN.replace('secret', 'better')}`));
});
change('shows the peers as they are after a change, whatever was under way', async () => {
  const { client, source, polls, peers } = make();
  let answer!: (response: AdminResponse) => void;
  client.answers.getpeers = new Promise((resolve) => {
    answer = resolve;
  });
  const before = source.refresh('peers');
  const added = source.add({ uri: REMOTE });
  await settle();
  client.peers = [peerEntry(REMOTE)];
  answer({ peers: [] });
  await Promise.all([before, added]);
  assert.is(polls(), 2);
  assert.equal(
    peers().map((peer) => peer.remote),
    [REMOTE],
  );
});
change('is told what the node refuses', async () => {
  const { client, source, polls } = make();
  client.answers.addpeer = new RemoteError('no such thing', 'no');
  const error = await source.add({ uri: REMOTE }).catch((e) => e);
  assert.is(error.message, 'no such thing');
  assert.is(polls(), 0);
});
change('asks other nodes', async () => {
  const { client, source } = make();
  assert.is(((await source.nodeInfo(OTHER_KEY)) as { name: string }).name, 'gateway-b');
  assert.ok((await source.nodePeers(OTHER_KEY)).includes(OWN_KEY));
  assert.is(await source.echo(OTHER_KEY), 0, '~> by a clock that stands still');
  const questions = ['getnodeinfo', 'debug_remotegetpeers', 'debug_remotegetself'];
  assert.equal(
    client.asked,
    questions.map((name) => `${name} ${OTHER_KEY}`),
  );
});
change.run();
