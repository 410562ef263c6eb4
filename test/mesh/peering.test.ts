import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { PeerClaim } from '../../src/api/model.ts';
import { errorText, InputError, LinkDownError } from '../../src/errors.ts';
import { Node } from '../../src/mesh/node.ts';
import type { PeeringName } from '../../src/mesh/peer.ts';
import { Peering } from '../../src/mesh/peering.ts';
import { type Trial, Trials } from '../../src/mesh/trial.ts';
import { ManualClock } from '../support/clock.ts';

const UP = 'tls://192.0.2.1:4001';
const DOWN = 'tcp://192.0.2.2:4001';
const INBOUND = 'tcp://192.0.2.3:40000';
const NEW = 'quic://192.0.2.4:4001';
const CLAIMS: readonly PeerClaim[] = [
  { remote: UP, inbound: false, up: true, key: 'ab'.repeat(32) },
  { remote: DOWN, inbound: false, up: false },
  { remote: INBOUND, inbound: true, up: true, key: 'cd'.repeat(32) },
];

/** The commands of a node with three peers; what they do is written down. */
function make(known: PeeringName[] | 'unknown' = [], stored: Trial[] = []) {
  const configured = known === 'unknown' ? undefined : known;
  const clock = new ManualClock();
  const done: string[] = [];
  const saved: (readonly Trial[])[] = [];
  const world = { claims: CLAIMS, failing: undefined as Error | undefined };
  const node: Node = new Node(
    'ygg0',
    'config',
    { configured: () => configured, dialledHere: (remote) => peering.dialledHere(remote), nameOf: () => undefined },
    () => {},
  );
  node.connected = true;
  node.source = { look() {}, refresh: async () => node.setPeers(world.claims, clock.monotonicMs()) };
  const step = (what: string, { uri, device }: PeeringName): void => {
    if (world.failing) throw world.failing;
    done.push([what, uri, device].filter((part) => part !== undefined).join(' '));
  };
  const links = {
    add: async (name: PeeringName) => step('add', name),
    remove: async (name: PeeringName) => step('remove', name),
    redial: async (name: PeeringName) => step('redial', name),
  };
  const config = {
    peers: () => configured,
    keep: async (_: string, name: PeeringName) => {
      step('keep', name);
      return configured?.some(({ uri }) => uri === name.uri) ? ('present' as const) : ('added' as const);
    },
    forget: async (_: string, name: PeeringName) => {
      step('forget', name);
      return 'removed' as const;
    },
  };
  const store = { load: () => stored, save: (list: readonly Trial[]) => saved.push(list) };
  const trials = new Trials(store, clock, () => void peering.undoTrials());
  const peering: Peering = new Peering(node, links, config, trials, () => clock.monotonicMs());
  return { clock, done, saved, world, node, trials, peering };
}

/** The text with which a command is refused. */
async function refusal(command: Promise<string>): Promise<string> {
  try {
    await command;
  } catch (error) {
    assert.instance(error, InputError);
    return errorText(error);
  }
  return assert.unreachable('~> refused') as never;
}

const add = suite('Peering.add');
add('adds a peering and remembers that it came from here', async () => {
  const { done, peering } = make();
  assert.is(
    await peering.add({ uri: `${NEW}?password=secret`, device: 'eth1' }),
    `peering with ${NEW}?password=… added until Yggdrasil restarts`,
  );
  assert.equal(done, [`add ${NEW}?password=secret eth1`]);
  assert.ok(peering.dialledHere(NEW));
  assert.not(peering.dialledHere(UP));
});
add('refuses a peer that is there, and what is no address', async () => {
  const { done, peering } = make();
  assert.is(
    await refusal(peering.add({ uri: `${UP}?priority=1` })),
    `uri: ${UP}?priority=1 is a peer already, it is up`,
  );
  assert.is(await refusal(peering.add({ uri: DOWN })), `uri: ${DOWN} is a peer already, it is down: retry it instead`);
  assert.match(await refusal(peering.add({ uri: 'gopher://x:1' })), /^uri: .*scheme/);
  assert.equal(done, []);
});
add('takes an address from which only an inbound link came', async () => {
  const { done, peering } = make();
  await peering.add({ uri: INBOUND });
  assert.equal(done, [`add ${INBOUND}`]);
});
add('remembers nothing that Yggdrasil refused', async () => {
  const { world, peering } = make();
  world.failing = new LinkDownError('gone');
  const error = await peering.add({ uri: NEW }).catch((e) => e);
  assert.is(error, world.failing);
  assert.not(peering.dialledHere(NEW));
});
add.run();

const remove = suite('Peering.remove');
remove('ends an outgoing peering', async () => {
  const { done, peering } = make();
  assert.is(await peering.remove({ uri: UP }, false), `peering with ${UP} removed`);
  assert.equal(done, [`remove ${UP}`]);
});
remove('says that a configured one comes back, and names its device', async () => {
  const { done, peering } = make([{ uri: `${UP}?key=00`, device: 'wan' }]);
  assert.match(await peering.remove({ uri: UP }, false), /comes back when Yggdrasil restarts$/);
  assert.equal(done, [`remove ${UP} wan`]);
});
remove('takes it out of the configuration on demand, connected or not', async () => {
  const { done, peering } = make([{ uri: `${UP}?priority=3` }, { uri: NEW }]);
  assert.match(await peering.remove({ uri: UP }, true), /taken out of the configuration$/);
  await peering.remove({ uri: NEW }, true);
  assert.equal(done, [`remove ${UP}`, `forget ${UP}?priority=3`, `forget ${NEW}`]);
});
remove('looks in the configuration on demand while it is not known what that holds', async () => {
  const { done, peering } = make('unknown');
  assert.is(await peering.remove({ uri: UP }, true), `peering with ${UP} removed, and taken out of the configuration`);
  assert.equal(done, [`remove ${UP}`, `forget ${UP}`]);
  assert.is(await peering.remove({ uri: DOWN }, false), `peering with ${DOWN} removed`);
});
remove('refuses what is inbound and what is not there', async () => {
  const { done, peering } = make([{ uri: NEW }]);
  assert.match(await refusal(peering.remove({ uri: INBOUND }, false)), /is an inbound link: the neighbour made it/);
  assert.is(await refusal(peering.remove({ uri: NEW }, false)), `uri: ${NEW} is not a peer of ygg0`);
  assert.is(await refusal(peering.remove({ uri: 'tcp://a:1' }, true)), 'uri: tcp://a:1 is not a peer of ygg0');
  assert.equal(done, []);
});
remove('ends a trial', async () => {
  const { done, clock, world, peering } = make();
  await peering.try({ uri: NEW });
  world.claims = [{ remote: NEW, inbound: false, up: false }];
  await clock.advance(5000);
  await peering.remove({ uri: NEW }, false);
  await clock.advance(60_000);
  assert.equal(done, [`add ${NEW}`, `remove ${NEW}`]);
  assert.not(peering.dialledHere(NEW));
});
remove.run();

const redial = suite('Peering.redial');
redial('dials one of the list, with the device that is known', async () => {
  const { done, node, peering } = make([{ uri: `${DOWN}?maxbackoff=30s`, device: 'wan' }]);
  await node.source!.refresh('peers');
  await peering.redial(node.view('peers')!.value.peers.find(({ remote }) => remote === DOWN)!);
  assert.equal(done, [`redial ${DOWN} wan`]);
});
redial('passes over what has no address', async () => {
  const { done, node, peering } = make();
  await node.source!.refresh('peers');
  const { remote, ...peer } = node.view('peers')!.value.peers.find((one) => one.remote === DOWN)!;
  await peering.redial(peer);
  assert.equal(done, []);
});
redial.run();

const longest = suite('Peering.longestWaitMs');
longest('is what the configuration sets, where it is known', () => {
  assert.is(make([{ uri: `${DOWN}?maxbackoff=1m30s` }]).peering.longestWaitMs(DOWN), 90_000);
  for (const configured of [[{ uri: DOWN }], [{ uri: `${DOWN}?maxbackoff=soon` }], [], undefined])
    assert.is(make(configured).peering.longestWaitMs(DOWN), undefined);
});
longest.run();

const retry = suite('Peering.retry');
retry('dials a peer that is down, with the device of the configuration', async () => {
  const { done, peering } = make([{ uri: DOWN, device: 'wan' }]);
  assert.is(await peering.retry({ uri: DOWN }), `dialling ${DOWN} now`);
  assert.equal(done, [`add ${DOWN} wan`]);
  assert.not(peering.dialledHere(DOWN));
});
retry('refuses what is up, inbound or not there', async () => {
  const { done, peering } = make();
  assert.is(await refusal(peering.retry({ uri: UP })), `uri: ${UP} is up already, there is nothing to retry`);
  assert.match(await refusal(peering.retry({ uri: INBOUND })), /is an inbound link/);
  assert.is(await refusal(peering.retry({ uri: NEW })), `uri: ${NEW} is not a peer of ygg0`);
  assert.equal(done, []);
});
retry.run();

const trial = suite('Peering.try');
trial('adds a peering that is removed again when nobody confirms it', async () => {
  const { clock, done, saved, trials, peering } = make();
  assert.is(
    await peering.try({ uri: NEW }, 30),
    `peering with ${NEW} on trial: it is removed in 30 s unless it is confirmed`,
  );
  assert.equal(saved, [[{ uri: NEW, interface: 'ygg0' }]]);
  await clock.advance(29_999);
  assert.equal(done, [`add ${NEW}`]);
  await clock.advance(1);
  assert.equal(done, [`add ${NEW}`, `remove ${NEW}`]);
  assert.not(peering.dialledHere(NEW));
  assert.equal(saved.at(-1), []);
  assert.equal(trials.overdue('ygg0'), []);
});
trial('leaves a peering that was confirmed or kept', async () => {
  for (const settleIt of ['confirm', 'keep'] as const) {
    const { clock, done, peering } = make();
    await peering.try({ uri: NEW });
    await peering[settleIt]({ uri: NEW });
    await clock.advance(3_600_000);
    assert.not(done.includes(`remove ${NEW}`), `~> ${settleIt}`);
    assert.ok(peering.dialledHere(NEW));
  }
});
trial('takes 10 s to an hour', async () => {
  const { peering } = make();
  for (const seconds of [9, 3601, -1, Number.NaN])
    assert.is(await refusal(peering.try({ uri: NEW }, seconds)), `seconds: expected 10 to 3600, got ${seconds}`);
  await peering.try({ uri: NEW }, 3600);
});
trial('is on record before the peering is there, and off it when Yggdrasil refuses', async () => {
  const { clock, saved, world, peering } = make();
  world.failing = new LinkDownError('gone');
  await peering.try({ uri: NEW }).catch(() => {});
  assert.equal(
    saved.map((list) => list.length),
    [1, 0],
  );
  assert.is(clock.pending, 0);
});
trial('refuses a peer that is there, and more than can be remembered', async () => {
  const { peering } = make();
  assert.match(await refusal(peering.try({ uri: UP })), /is a peer already/);
  for (let i = 1; i <= 32; i++) await peering.try({ uri: `tcp://198.51.100.${i}:1` });
  assert.match(await refusal(peering.try({ uri: NEW })), /too many peerings are on trial/);
});
trial('refuses to confirm what is not on trial', async () => {
  const { peering } = make();
  assert.is(await refusal(peering.confirm({ uri: NEW })), `uri: ${NEW} is not on trial`);
});
trial('is undone when Yggdrasil is back, by the daemon that finds it on record too', async () => {
  const { done, saved, world, peering } = make(
    [],
    [
      { uri: NEW, interface: 'ygg0' },
      { uri: UP, interface: 'ygg1' },
    ],
  );
  world.failing = new LinkDownError('gone');
  await peering.undoTrials().catch(() => {});
  assert.equal(saved, [], '~> still on record');
  world.failing = undefined;
  await peering.undoTrials();
  assert.equal(done, [`remove ${NEW}`]);
  assert.equal(saved.at(-1), [{ uri: UP, interface: 'ygg1' }]);
});
trial('of a proxy with a password ends by the address that is shown', async () => {
  const { clock, done, peering } = make();
  await peering.try({ uri: 'socks://me:secret@127.0.0.1:9050/example.org:1' });
  assert.match(await peering.confirm({ uri: 'socks://…@127.0.0.1:9050/example.org:1' }), / confirmed/);
  await clock.advance(60_000);
  assert.is(done.length, 1);
});
trial.run();

const OLD = `${UP}?priority=3`;
const PINNED = `${UP}?key=${'ab'.repeat(32)}`;

const replace = suite('Peering.try with replace');
replace('dials a peering anew with other options, and undoes that when nobody confirms it', async () => {
  const { clock, done, saved, node, peering } = make([{ uri: OLD, device: 'wan' }]);
  const BOTH = `${OLD}&key=${'ab'.repeat(32)}`;
  assert.is(
    await peering.try({ uri: PINNED }, 30, true),
    `peering with ${BOTH} dialled anew: in 30 s it has its old options again unless it is confirmed`,
  );
  assert.equal(saved, [[{ uri: BOTH, interface: 'ygg0', device: 'wan', before: OLD }]]);
  assert.equal(done, [`remove ${BOTH} wan`, `add ${BOTH} wan`]);
  await node.source!.refresh('peers');
  const shown = node.view('peers')!.value.peers[0]!;
  assert.equal([shown.options, shown.device, shown.trial_left_s], [`priority=3&key=${'ab'.repeat(32)}`, 'wan', 30]);
  await clock.advance(30_000);
  assert.equal(done.slice(2), [`remove ${BOTH} wan`, `add ${OLD} wan`]);
  assert.equal(saved.at(-1), []);
  assert.equal(peering.dialledHere(UP), { options: 'priority=3', device: 'wan' });
});
replace('undoes it on demand, and what it undid cannot be confirmed', async () => {
  const { clock, done, peering } = make();
  await peering.try({ uri: PINNED }, 30, true);
  assert.match(await peering.undo({ uri: UP }), /has the options again that it had before its trial$/);
  assert.equal(done.slice(2), [`remove ${PINNED}`, `add ${UP}`]);
  assert.is(await refusal(peering.confirm({ uri: UP })), `uri: ${UP} is not on trial`);
  await clock.advance(60_000);
  assert.is(done.length, 4);
});
replace('keeps the new options once it is confirmed, and tells that nobody counts down any more', async () => {
  const { clock, done, node, peering } = make();
  await peering.try({ uri: PINNED }, 30, true);
  await peering.confirm({ uri: UP });
  assert.is(node.view('peers')!.value.peers[0]!.trial_left_s, undefined);
  await clock.advance(60_000);
  assert.equal(done, [`remove ${PINNED}`, `add ${PINNED}`]);
  await peering.keep({ uri: UP });
  assert.is(done.at(-1), `keep ${PINNED}`, '~> the options that it has');
});
replace('dials as the configuration has it when no options are named', async () => {
  const { done, peering } = make([{ uri: OLD }]);
  await peering.try({ uri: PINNED }, 30, true);
  await peering.confirm({ uri: UP });
  await peering.try({ uri: UP }, 30, true);
  assert.is(done.at(-1), `add ${OLD}`);
  assert.match(await refusal(make().peering.try({ uri: UP }, 30, true)), /^uri: expected options, or a peering of the/);
});
replace('gives the old options back when Yggdrasil refuses the new ones', async () => {
  const { clock, done, saved, world, peering } = make();
  const refuse = peering.try({ uri: PINNED }, 30, true);
  world.failing = new LinkDownError('gone');
  assert.is(await refuse.catch((error) => error), world.failing);
  assert.equal(saved.at(-1)?.length, 1, '~> forgotten though it was not undone');
  world.failing = undefined;
  await clock.advance(60_000);
  assert.equal(done, [`remove ${PINNED}`, `add ${UP}`]);
  assert.equal(saved.at(-1), []);
});
replace('refuses what is not there, inbound, found by multicast, or hidden in part', async () => {
  const { done, world, peering } = make();
  const found = 'tls://[fe80::1%25eth0]:1';
  world.claims = [...CLAIMS, { remote: found, inbound: false, up: true }];
  assert.is(await refusal(peering.try({ uri: NEW }, 30, true)), `uri: ${NEW} is not a peer of ygg0`);
  assert.match(await refusal(peering.try({ uri: INBOUND }, 30, true)), /is an inbound link/);
  assert.match(await refusal(peering.try({ uri: found }, 30, true)), /was found by multicast/);
  assert.match(await refusal(peering.try({ uri: `${UP}?password=…` }, 30, true)), /is hidden in part/);
  assert.equal(done, []);
});
replace.run();

const undo = suite('Peering.undo');
undo('removes a peering on trial', async () => {
  const { clock, done, peering } = make();
  await peering.try({ uri: NEW, device: 'eth1' });
  assert.is(await peering.undo({ uri: NEW }), `peering with ${NEW} removed, as it was before its trial`);
  assert.is(await refusal(peering.undo({ uri: NEW })), `uri: ${NEW} is not on trial`);
  await clock.advance(60_000);
  assert.equal(done, [`add ${NEW} eth1`, `remove ${NEW} eth1`]);
});
undo.run();

const dialled = suite('Peering.dialledHere');
dialled('tells options without their secrets, until Yggdrasil may have been started anew', async () => {
  const { peering } = make();
  await peering.add({ uri: `${NEW}?password=secret&priority=2`, device: 'eth1' });
  assert.equal(peering.dialledHere(NEW), { options: 'password=…&priority=2', device: 'eth1' });
  peering.forgetDialled();
  assert.is(peering.dialledHere(NEW), undefined);
});
dialled('remembers the newest 256', async () => {
  const { peering } = make();
  for (let i = 0; i <= 256; i++) await peering.add({ uri: `tcp://198.51.100.7:${i + 1}` });
  assert.is(peering.dialledHere('tcp://198.51.100.7:1'), undefined);
  assert.equal(peering.dialledHere('tcp://198.51.100.7:257'), { options: '' });
});
dialled.run();

const keep = suite('Peering.keep');
keep('writes down the options that it was dialled with, and its device', async () => {
  const { done, peering } = make([{ uri: OLD }]);
  await peering.add({ uri: `${NEW}?password=secret`, device: 'eth1' });
  await peering.keep({ uri: NEW });
  await peering.keep({ uri: UP });
  assert.equal(done.slice(1), [`add ${NEW}?password=secret eth1`, `keep ${NEW}?password=secret eth1`, `keep ${OLD}`]);
});
keep('writes a peering down, and adds it where it is missing', async () => {
  const { done, peering } = make();
  assert.is(await peering.keep({ uri: UP }), `peering with ${UP} kept: it is in the configuration of ygg0 now`);
  await peering.keep({ uri: NEW });
  assert.equal(done, [`keep ${UP}`, `add ${NEW}`, `keep ${NEW}`]);
});
keep('says that it was there', async () => {
  const { peering } = make([{ uri: UP }]);
  assert.is(await peering.keep({ uri: UP }), `peering with ${UP} was in the configuration already`);
});
keep('refuses an address whose password is hidden: it would be written down as it is shown', async () => {
  const { done, peering } = make();
  for (const uri of ['socks://…@127.0.0.1:9050/example.org:1', `${NEW}?password=…`])
    for (const command of ['keep', 'add', 'try'] as const)
      assert.match(await refusal(peering[command]({ uri })), /^uri: expected the whole address, .* is hidden in part$/);
  assert.equal(done, []);
});
keep.run();
