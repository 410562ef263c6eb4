import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BusyError, InputError, TimeoutError } from '../../src/errors.ts';
import { type Knock, reachOperations } from '../../src/mesh/operation/reach.ts';
import { jsonBytes } from '../../src/mesh/page.ts';
import { ManualClock } from '../support/clock.ts';
import { keyOf, meshOf } from '../support/member.ts';
import { ORDER } from '../support/order.ts';

function make(graph: Record<number, number[]>, knock: Knock = async () => ({ latency_ms: 7 })) {
  const clock = new ManualClock();
  const { mesh, asked } = meshOf(graph);
  const operations = reachOperations({ mesh, knock, clock });
  const steps: object[] = [];
  const order = { ...ORDER, progress: (out: object) => void steps.push(JSON.parse(JSON.stringify(out))) };
  const begin = async (name: string, args: object): Promise<Record<string, unknown>> =>
    (await operations[name]!.run(args as Record<string, unknown>, order)) as Record<string, unknown>;
  /** Runs it to its end. */
  const run = async (name: string, args: object): Promise<Record<string, unknown>> => {
    const done = begin(name, args);
    done.catch(() => {});
    await clock.advance(60_000);
    return done;
  };
  return { asked, begin, clock, operations, run, steps };
}

const ping = suite('ping');
ping('asks a node three times, with pauses', async () => {
  const { begin, clock, steps, asked } = make({ 0: [1], 1: [0] });
  const done = begin('ping', { key: keyOf(1) });
  await clock.advance(1999);
  assert.is(asked.length, 2);
  await clock.advance(1);
  const told = { sent: 3, answered: 3, times_ms: [10, 10, 10], min_ms: 10, max_ms: 10, error: undefined };
  assert.equal(await done, told);
  assert.is(steps.length, 3);
});
ping('tells what did not answer, and why', async () => {
  const { run } = make({ 0: [1] });
  const told = await run('ping', { key: keyOf(1), count: 2 });
  assert.equal([told.sent, told.answered, told.times_ms, told.min_ms], [2, 0, [null, null], undefined]);
  assert.match(String(told.error), 'the node does not answer');
});
ping('connects to a port: of an address, or of the address of a key', async () => {
  const knocked: string[] = [];
  const knock: Knock = async (address, port) => {
    knocked.push(`${address} ${port}`);
    return knocked.length === 2 ? { error: 'closed' } : { latency_ms: knocked.length };
  };
  const { run } = make({ 0: [] }, knock);
  const told = await run('ping', { address: '200::2', port: 80, count: 2 });
  assert.equal([told.times_ms, told.error], [[1, null], 'closed']);
  await run('ping', { key: keyOf(1), port: 22, count: 1 });
  assert.is(knocked[2], '207:fefe:fefe:fefe:fefe:fefe:fefe:fefe 22');
});
ping('wants to know whom', async () => {
  const { run } = make({ 0: [1], 1: [0] });
  for (const args of [{}, { key: keyOf(1), address: '200::2' }, { address: '200::2' }, { key: keyOf(0) }])
    assert.instance(await run('ping', args).catch((error) => error), InputError, JSON.stringify(args));
  const refusing = make({ 0: [] }, () => Promise.reject(new InputError('address: not of the mesh', 'address')));
  assert.instance(await refusing.run('ping', { address: '10.0.0.1', port: 1 }).catch((error) => error), InputError);
});
ping('is done once at a time', async () => {
  const { begin, clock } = make({ 0: [1], 1: [0] });
  const first = begin('ping', { key: keyOf(1) });
  for (const name of ['ping', 'trace'])
    assert.instance(await begin(name, { key: keyOf(1) }).catch((error) => error), BusyError);
  await clock.advance(5000);
  await first;
  const second = begin('ping', { key: keyOf(1) });
  await clock.advance(5000);
  assert.is((await second).answered, 3);
});
ping.run();

const trace = suite('trace');
const keys = (told: Record<string, unknown>): number[] =>
  (told.hops as { key: string }[]).map(({ key }) => Number.parseInt(key.slice(0, 2), 16));
trace('finds a chain of peerings, and how far each of it is', async () => {
  const { begin, steps } = make({ 0: [1, 2], 1: [0, 3], 2: [0, 4], 3: [1, 5], 4: [2], 5: [3, 6], 6: [5] });
  const told = await begin('trace', { key: keyOf(6) });
  assert.equal([told.found, keys(told)], [true, [1, 3, 5, 6]]);
  assert.equal(
    (told.hops as { latency_ms: number }[]).map(({ latency_ms }) => latency_ms),
    [10, 30, 50, 60],
  );
  assert.ok(steps.length >= 4, '~> and tells how it goes');
});
trace('finds a peer of its own', async () => {
  assert.equal(keys(await make({ 0: [1], 1: [0] }).begin('trace', { key: keyOf(1) })), [1]);
});
trace('takes a shorter chain before a longer one', async () => {
  const { begin } = make({ 0: [1, 2], 1: [0, 3], 2: [0, 9], 3: [1, 4], 4: [3, 9], 9: [2, 4] });
  assert.equal(keys(await begin('trace', { key: keyOf(9) })), [2, 9]);
});
trace('goes round nodes that do not answer', async () => {
  const { begin } = make({ 0: [1, 2], 2: [0, 9], 9: [1, 2] });
  const told = await begin('trace', { key: keyOf(9) });
  assert.ok(told.found);
});
trace('tells that there is none, and whether the node answers at all', async () => {
  const apart = await make({ 0: [1], 1: [0], 8: [9], 9: [8] }).begin('trace', { key: keyOf(9) });
  assert.equal([apart.found, apart.target], [false, { key: keyOf(9), name: undefined, latency_ms: 90 }]);
  const silent = await make({ 0: [1], 1: [0] }).begin('trace', { key: keyOf(9) });
  assert.equal([silent.found, silent.silent], [false, 1]);
  assert.match(String((silent.target as { error: string }).error), 'does not answer');
});
trace('asks forty times at most', async () => {
  const far: Record<number, number[]> = { 0: [1] };
  for (let i = 1; i < 99; i++) far[i] = [i - 1, i + 1];
  far[200] = [201];
  for (let i = 201; i < 250; i++) far[i] = [i - 1, i + 1];
  const told = await make(far).begin('trace', { key: keyOf(200) });
  assert.equal([told.found, told.asked], [false, 40]);
});
trace('gives up after a minute', async () => {
  const { mesh } = meshOf({ 0: [1] });
  const clock = new ManualClock();
  const { remote } = mesh.all()[0]!;
  let count = 0;
  remote.nodePeers = (key) =>
    new Promise((resolve) => {
      const value = key === keyOf(0) ? [keyOf(1)] : [keyOf(++count + 1)];
      clock.after(7000, () => resolve({ value, atMs: 0 }));
    });
  const operations = reachOperations({ mesh, knock: async () => ({}), clock });
  const done = operations.trace!.run({ key: keyOf(99) }, ORDER) as Promise<object>;
  await clock.advance(70_000);
  const { found, asked } = (await done) as { found: boolean; asked: number };
  assert.equal([found, asked], [false, 18]);
});
trace('is not for this node itself, nor without Yggdrasil', async () => {
  const { begin } = make({ 0: [1] });
  assert.instance(await begin('trace', { key: keyOf(0) }).catch((error) => error), InputError);
  const { mesh, node } = meshOf({ 0: [] });
  node.view = () => undefined;
  node.problem = 'Yggdrasil does not answer';
  const { trace: operation } = reachOperations({ mesh, knock: async () => ({}), clock: new ManualClock() });
  assert.throws(() => operation!.run({ key: keyOf(1) }, ORDER), 'Yggdrasil does not answer');
});
trace('fits an answer', async () => {
  const chain: Record<number, number[]> = { 0: [1] };
  for (let i = 1; i <= 12; i++) chain[i] = [i - 1, i + 1];
  const told = await make(chain).begin('trace', { key: keyOf(12) });
  assert.is(keys(told).length, 12);
  assert.ok(jsonBytes(told) < 4096);
  delete chain[5];
  chain[13] = [12];
  chain[12] = [11, 13];
  const long = await make({ ...chain, 5: [4, 6] }).begin('trace', { key: keyOf(13) });
  assert.is(long.found, false, '~> longer ones are not told');
});
trace('takes the turns of others into account', async () => {
  const { mesh } = meshOf({ 0: [1], 1: [0] });
  const { remote } = mesh.all()[0]!;
  remote.nodePeers = () => Promise.reject(new BusyError('32 questions are waiting'));
  const { trace: operation } = reachOperations({ mesh, knock: async () => ({}), clock: new ManualClock() });
  const failure = await (operation!.run({ key: keyOf(1) }, ORDER) as Promise<object>).catch((e) => e);
  assert.instance(failure, BusyError);
  assert.not.instance(failure, TimeoutError);
});
trace.run();
