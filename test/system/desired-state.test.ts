import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.ts';
import { setOption } from '../../src/lib/uci.ts';
import type { Change } from '../../src/lib/uci-path.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import type { Order } from '../../src/system/desired-state.ts';
import {
  boot,
  CHANGES,
  CONFIG,
  contentsOf,
  FILES,
  makeDisk,
  makeState,
  NEW_PEER,
  orderOf,
  STATE,
  textOf,
} from '../support/change.ts';

const PEER = 'network.yggdrasil_ygg0_peer.address';
const LEVEL: Change = { set: 'meshbridge.main.log_level', to: 'debug' };
const CHANNEL: Change = { set: 'wireless.radio0.channel', to: '11' };

function make() {
  const disk = makeDisk();
  const loaded: string[][] = [];
  let nowMs = 1000;
  const state = makeState(disk, { nowMs: () => nowMs, loaded });
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  const record = () => JSON.parse(textOf(disk, `${STATE}/desired.json`) || '{}');
  /** Writes since the last time this was asked, by file. */
  const written = (): string[] => disk.writes.splice(0).map((path) => path.replace(/^.*\//, ''));
  return { disk, state, loaded, pass, record, written };
}

async function refusal(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
  } catch (error) {
    if (error instanceof InputError) return error.field;
    throw error;
  }
  return 'done';
}

const apply = suite('DesiredState apply');
apply('makes changes of three files on trial, and tells what has to be done', async () => {
  const { state, loaded } = make();
  const { peers, ...rest } = await state.apply(orderOf(1));
  assert.equal(rest, {
    result: 'trial',
    id: 'node-1',
    left_s: 120,
    changed: ['meshbridge', 'network', 'wireless'],
    rejected: [],
  });
  assert.equal(peers, [
    { interface: 'ygg0', uri: 'tcp://two.example:1', device: 'eth0.2', change: 'removed' },
    { interface: 'ygg0', uri: NEW_PEER, change: 'added' },
    { interface: 'ygg0', uri: 'tls://one.example:443?priority=5', change: 'removed' },
    { interface: 'ygg0', uri: 'tls://one.example:443?priority=1', change: 'added' },
  ]);
  assert.equal(loaded, [['meshbridge', 'network', 'wireless']]);
});
apply('answers the same when it is asked once more, and writes no more', async () => {
  const { state, written, pass } = make();
  const first = await state.apply(orderOf(1));
  written();
  pass(10_500);
  assert.equal(await state.apply(orderOf(1)), { ...first, left_s: 109 });
  assert.equal(written(), []);
});
apply('takes one trial at a time', async () => {
  const { state } = make();
  await state.apply(orderOf(1));
  assert.is(await refusal(state.apply(orderOf(2))), 'trial');
  assert.is(await refusal(state.apply({ ...orderOf(1), id: 'other' })), 'trial');
});
apply('goes never back, for each audience by itself', async () => {
  const { state } = make();
  for (const order of [orderOf(5, [LEVEL]), orderOf(3, [CHANNEL], 'site')]) {
    await state.apply(order);
    await state.confirm(order.id);
  }
  assert.is(await refusal(state.apply(orderOf(5))), 'gen');
  assert.is(await refusal(state.apply(orderOf(4))), 'gen');
  assert.is(await refusal(state.apply(orderOf(3, CHANGES, 'site'))), 'gen');
  assert.is(await refusal(state.apply(orderOf(4, CHANGES, 'site'))), 'done');
});
apply('decides at once where there is nothing to change', async () => {
  const { state, written, record } = make();
  const nothing: Change = { set: 'meshbridge.main.log_level', to: 'info' };
  assert.equal(await state.apply(orderOf(1, [nothing])), {
    result: 'applied',
    left_s: 0,
    changed: [],
    peers: [],
    rejected: [],
  });
  assert.equal(written(), ['desired.json']);
  const bad: Change = { set: 'meshbridge.main.mqtt', to: '0' };
  assert.is((await state.apply(orderOf(2, [bad]))).result, 'rejected');
  assert.is((await state.apply(orderOf(3, [bad, nothing]))).result, 'applied');
  assert.is((await state.apply(orderOf(4, []))).result, 'applied');
  assert.is(record().node.gen, 4);
});
apply('keeps what it rejects in bounds', async () => {
  const { state } = make();
  const many = Array.from({ length: 64 }, (_, i): Change => ({ set: `network.x${i}.y`, to: 'x' }));
  const { rejected } = await state.apply(orderOf(1, [...many.slice(1), LEVEL]));
  assert.is(rejected.length, 16);
  const { record } = state.read();
  assert.is(record.node, undefined);
  await state.confirm('node-1');
  assert.is(state.read().record.node?.rejected?.length, 16);
});
apply('leaves to the node what the node is told for itself', async () => {
  const { state, disk, record } = make();
  await state.apply(orderOf(1, [LEVEL, { add: PEER, value: NEW_PEER }]));
  await state.confirm('node-1');
  const site: Change[] = [{ set: 'meshbridge.main.log_level', to: 'warn' }, CHANNEL, { remove: PEER, value: NEW_PEER }];
  assert.equal((await state.apply(orderOf(1, site, 'site'))).changed, ['wireless']);
  await state.confirm('site-1');
  assert.match(textOf(disk, `${CONFIG}/meshbridge`), "log_level 'debug'");
  // a newer one that does not name it any more leaves it as it is, and to the site
  await state.apply(orderOf(2, []));
  assert.equal(record().node.subjects, []);
  assert.equal((await state.apply(orderOf(2, site, 'site'))).changed, ['meshbridge', 'network']);
});
apply('does not give up what the node had because of a change that was undone', async () => {
  const { state } = make();
  await state.apply(orderOf(1, [LEVEL]));
  await state.confirm('node-1');
  await state.apply(orderOf(2, [CHANNEL]));
  await state.undo('node-2', 'unwell');
  const site: Change[] = [{ set: 'meshbridge.main.log_level', to: 'warn' }, CHANNEL];
  assert.equal((await state.apply(orderOf(1, site, 'site'))).changed, ['wireless']);
});
apply('takes back what it wrote where it cannot go on, and knows nothing of it', async () => {
  const { disk, record } = make();
  const before = contentsOf(disk);
  const state = makeState(disk, {
    load: () => {
      throw new Error('netifd does not answer');
    },
  });
  let told = '';
  await state.apply(orderOf(1)).catch((error: Error) => {
    told = error.message;
  });
  assert.is(told, 'netifd does not answer');
  assert.is(contentsOf(disk), before);
  assert.equal(record(), {});
  assert.is((await makeState(disk).apply(orderOf(1))).result, 'trial');
});
apply.run();

// ---

const confirm = suite('DesiredState confirm');
confirm('keeps the changes, and remembers the generation', async () => {
  const { state, disk, record } = make();
  await state.apply(orderOf(7));
  const changed = contentsOf(disk);
  assert.equal(await state.confirm('node-7'), { rejected: [] });
  assert.is(contentsOf(disk), changed);
  assert.not.ok(disk.list(STATE).includes('trial.json'));
  const { node, last } = record();
  assert.equal([node.gen, node.st, last], [7, 'applied', { id: 'node-7', st: 'applied', audience: 'node' }]);
});
confirm('may be repeated, and takes no other id', async () => {
  const { state } = make();
  assert.is(await refusal(state.confirm('node-1')), 'id');
  await state.apply(orderOf(1));
  assert.is(await refusal(state.confirm('node-2')), 'id');
  await state.confirm('node-1');
  assert.equal(await state.confirm('node-1'), { rejected: [] });
});
confirm('comes too late once the time is over, or after a boot', async () => {
  const { state, pass, disk } = make();
  await state.apply(orderOf(1));
  boot(disk, 'second');
  assert.is(await refusal(state.confirm('node-1')), 'id');
  boot(disk, 'first');
  pass(120_000);
  assert.is(await refusal(state.confirm('node-1')), 'id');
  await state.undo('node-1', 'late');
  assert.is(await refusal(state.confirm('node-1')), 'id');
});
confirm('names what somebody else changed meanwhile', async () => {
  const { state, disk } = make();
  const path = `${CONFIG}/wireless`;
  await state.apply(orderOf(1));
  disk.all.set(path, { bytes: encodeUtf8(setOption(textOf(disk, path), 'radio0', 'channel', '40')), mode: 0o600 });
  const reason = 'changed by somebody else meanwhile';
  assert.equal(await state.confirm('node-1'), { rejected: [{ path: 'wireless.radio0.channel', reason }] });
  assert.match(textOf(disk, path), "channel '40'");
});
confirm.run();

// ---

const undo = suite('DesiredState undo');
undo('puts everything back, says what has to be done, and does not try that generation again', async () => {
  const { state, disk, loaded, record } = make();
  const before = contentsOf(disk);
  const { peers } = await state.apply(orderOf(1));
  const effect = await state.undo('node-1', 'the broker was not reached');
  assert.is(contentsOf(disk), before);
  const other = { added: 'removed', removed: 'added' } as const;
  const sorted = (list: readonly object[]): string[] => list.map((one) => JSON.stringify(one)).sort();
  assert.equal(sorted(effect.peers), sorted(peers.map((peer) => ({ ...peer, change: other[peer.change] }))));
  assert.equal(effect.changed, ['meshbridge', 'network', 'wireless']);
  assert.is(loaded.length, 2);
  assert.equal([record().node.st, record().node.error], ['rolled-back', 'the broker was not reached']);
  assert.is(await refusal(state.apply(orderOf(1))), 'gen');
  assert.equal(await state.undo('node-1', 'again'), { changed: [], peers: [] });
  assert.is(await refusal(state.undo('node-9', 'again')), 'id');
});
undo('stays to be done where those who run cannot be told', async () => {
  const { disk } = make();
  let works = true;
  const state = makeState(disk, {
    load: () => {
      if (!works) throw new Error('netifd does not answer');
    },
  });
  await state.apply(orderOf(1));
  works = false;
  await state.undo('node-1', 'unwell').then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'netifd does not answer'),
  );
  assert.ok(state.read().trial);
  works = true;
  assert.equal((await state.undo('node-1', 'unwell')).changed.length, 3);
});
undo.run();

// ---

const settled = suite('DesiredState settle');
settled('does nothing where nothing is on trial, and clears away what a killed one left', async () => {
  const { state, disk, loaded } = make();
  disk.all.set(`${CONFIG}/network~aB3d5f`, { bytes: new Uint8Array(), mode: 0o600 });
  assert.is(await state.settle('ended'), false);
  assert.equal(disk.list(CONFIG), ['meshbridge', 'network', 'wireless']);
  assert.equal([disk.writes, loaded], [[], []]);
});
settled('undoes what is on trial, and says so', async () => {
  const { state, disk, record } = make();
  const before = contentsOf(disk);
  await state.apply(orderOf(1));
  assert.is(await state.settle('ended'), true);
  assert.is(contentsOf(disk), before);
  const { st, error } = record().node;
  assert.equal([st, error], ['rolled-back', 'ended']);
});
settled('needs nobody who runs', async () => {
  const { disk, state } = make();
  const before = contentsOf(disk);
  await state.apply(orderOf(1));
  const alone = makeState(disk, {
    load: () => {
      throw new Error('no ubus');
    },
  });
  assert.is(await alone.settle('ended'), true);
  assert.is(contentsOf(disk), before);
});
settled.run();

// ---

const commands = suite('DesiredState apply of a command');
const command = (key: string, ctr: number): Order => ({
  id: `${key}-${ctr}`,
  origin: { key, ctr },
  confirmS: 30,
  changes: [{ set: 'wireless.radio0.txpower', to: String(ctr % 30) }],
});
commands('leaves generations alone, and counts on by key', async () => {
  const { state, record } = make();
  await state.apply(command('a', 5));
  await state.confirm('a-5');
  assert.is(await refusal(state.apply(command('a', 5))), 'ctr');
  assert.is(await refusal(state.apply(command('a', 4))), 'ctr');
  await state.apply(command('b', 1));
  await state.undo('b-1', 'unwell');
  assert.equal(record(), { counters: { a: 5, b: 1 }, last: { id: 'b-1', st: 'rolled-back' } });
  assert.is(await refusal(state.apply(command('b', 1))), 'ctr');
});
commands('remembers as many keys as there may be', async () => {
  const { state, record } = make();
  for (let i = 1; i <= 20; i++) {
    await state.apply(command(`k${i}`, i));
    await state.confirm(`k${i}-${i}`);
  }
  const keys = Object.keys(record().counters);
  assert.equal([keys.length, keys[0], keys.at(-1)], [16, 'k5', 'k20']);
});
commands.run();

// ---

const reading = suite('DesiredState read');
reading('tells the options of the list, and no secret', async () => {
  const disk = makeDisk({
    ...FILES,
    network: `${FILES.network}\nconfig yggdrasil_ygg0_peer\n\toption address 'socks://me:hush@proxy.example:1/a.example:2?password=hush'\n`,
  });
  const { values, whole, record, trial } = makeState(disk).read();
  assert.equal([record, trial], [{}, undefined]);
  assert.equal(values, [
    { path: 'meshbridge.main.log_level', value: 'info' },
    { path: 'meshbridge.main.poll_idle', value: '30' },
    { path: 'meshbridge.fleet.metrics', list: ['own', 'radio'] },
    {
      path: PEER,
      list: [
        'tls://one.example:443?priority=5',
        'tcp://two.example:1',
        'tls://three.example:443',
        'socks://…@proxy.example:1/a.example:2?password=…',
      ],
    },
    { path: 'wireless.radio0.channel', value: '36' },
    { path: 'wireless.radio0.txpower', value: '20' },
    { path: 'wireless.radio1.channel', value: 'auto' },
    { path: 'wireless.radio1.disabled', value: '1' },
  ]);
  assert.match(whole, 'hush');
  assert.not.match(whole, 'secret');
});
reading('tells of a trial how long it lasts, and what it did', async () => {
  const { state, pass, disk } = make();
  const { changed, peers } = await state.apply(orderOf(1));
  pass(20_000);
  assert.equal(state.read().trial, { id: 'node-1', left_s: 100, changed, peers });
  boot(disk, 'second');
  assert.is(state.read().trial?.left_s, 0);
  boot(disk, 'first');
  await state.confirm('node-1');
  assert.is(state.read().trial, undefined);
});
reading('changes nothing, whatever is left to be done', async () => {
  const { state, disk, written } = make();
  await state.apply(orderOf(1));
  const trial = textOf(disk, `${STATE}/trial.json`);
  await state.confirm('node-1');
  disk.all.set(`${STATE}/trial.json`, { bytes: encodeUtf8(trial), mode: 0o600 });
  written();
  assert.is(state.read().trial, undefined);
  assert.equal([written(), disk.list(STATE)], [[], ['desired.json', 'trial.json']]);
});
reading.run();

// ---

const flash = suite('writes of flash');
flash('are three and one a file for a change, and none without one', async () => {
  const { state, written } = make();
  await state.apply(orderOf(1));
  await state.confirm('node-1');
  const each = written();
  assert.equal(each, ['trial.json', 'meshbridge', 'network', 'wireless', 'trial.json', 'desired.json']);
  await state.apply(orderOf(2, [{ set: 'wireless.radio0.channel', to: '1' }]));
  await state.undo('node-2', 'unwell');
  assert.equal(written(), ['trial.json', 'wireless', 'trial.json', 'wireless', 'desired.json']);
  state.read();
  await state.settle('ended');
  for (const gen of [1, 2]) await refusal(state.apply(orderOf(gen)));
  assert.equal(written(), []);
  console.log(`measured: ${each.length} writes and 1 removal in flash for a change of three files that is confirmed`);
});
flash.run();
