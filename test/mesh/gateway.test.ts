import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GATEWAY_PACE, type GatewayName, Gateways } from '../../src/mesh/gateway.ts';
import { gatewayInfo } from '../support/gateway.ts';

const name = (letter: string, more: Partial<GatewayName> = {}): GatewayName => ({
  name: letter,
  address: `200::${letter}`,
  port: 8080,
  protocol: 'auto',
  preference: 0,
  ...more,
});
const A = '200::a';
const B = '200::b';
const C = '200::c';

/** Gateways that were named, of which so many milliseconds away. */
function make(names: readonly GatewayName[], latencies: Record<string, number> = {}, nowMs = 0) {
  const gateways = new Gateways(GATEWAY_PACE, () => 0);
  gateways.set(names);
  for (const [address, latencyMs] of Object.entries(latencies))
    gateways.informed(address, gatewayInfo(), latencyMs, nowMs);
  const order = (now = nowMs, except?: string): string =>
    gateways
      .candidates(now, except)
      .map((gateway) => gateway.name.name)
      .join('');
  return { gateways, order };
}

const order = suite('Gateways: whom to ask');
order('asks by preference, then by latency', () => {
  const names = [name('a', { preference: 1 }), name('b'), name('c')];
  assert.is(make(names, { [A]: 1, [B]: 90, [C]: 30 }).order(), 'cba');
});
order('takes those of which nothing is known for neither near nor far', () => {
  assert.is(make([name('a'), name('b'), name('c')], { [A]: 300, [C]: 20 }).order(), 'cba');
});
order('takes a busy one for farther away', () => {
  const { gateways, order } = make([name('a'), name('b')], { [A]: 20, [B]: 100 });
  assert.is(order(), 'ab');
  gateways.informed(A, gatewayInfo({ load_percent: 90 }), 20, 0);
  assert.is(order(), 'ba');
});
for (const [what, more] of [
  ['is full', { load_percent: 100 }],
  ['does not reach the Internet', { online: false }],
  ['is about to stop', { drain: { in_s: 60, reason: '' } }],
] as const)
  order(`does not ask one that ${what}, as long as that is new`, () => {
    const { gateways, order } = make([name('a'), name('b')], { [B]: 50 });
    gateways.informed(A, gatewayInfo(more), 1, 0);
    assert.is(order(), 'b');
    assert.equal([...order(GATEWAY_PACE.infoMs + 1)].sort(), ['a', 'b']);
  });
order('asks the one that was chosen before all others', () => {
  const { gateways, order } = make([name('a'), name('b', { preference: 9 })], { [A]: 1, [B]: 300 });
  gateways.choose(B);
  assert.is(order(), 'ba');
  gateways.choose(undefined);
  assert.is(order(), 'ab');
});
order('leaves one out', () => assert.is(make([name('a'), name('b')]).order(0, A), 'b'));
order.run();

// ---

const wait = suite('Gateways: when to ask again');
wait('waits longer each time that one does not answer, and no longer than five minutes', () => {
  const { gateways, order } = make([name('a')]);
  const waits: number[] = [];
  let nowMs = 0;
  for (let i = 0; i < 10; i++) {
    gateways.failed(A, 'no answer', nowMs);
    assert.is(order(nowMs), '');
    waits.push(gateways.nextMs(nowMs) - nowMs);
    nowMs = gateways.nextMs(nowMs);
    assert.is(order(nowMs), 'a');
  }
  assert.equal(waits, [2500, 5000, 10_000, 20_000, 40_000, 80_000, 150_000, 150_000, 150_000, 150_000]);
  gateways.granted(A);
  gateways.failed(A, 'no answer', 0);
  assert.is(gateways.nextMs(0), 2500);
});
wait('waits as long as a gateway says, within bounds', () => {
  for (const [retry_after_s, waitMs] of [
    [undefined, 600_000],
    [0, 60_000],
    [120, 120_000],
    [1e6, 21_600_000],
  ] as const) {
    const { gateways } = make([name('a')]);
    gateways.refused(A, { error: 'full', reason: '', ...(retry_after_s !== undefined && { retry_after_s }) }, 0);
    assert.is(gateways.nextMs(0), waitMs);
    assert.is(gateways.find(A)!.problem, 'full');
  }
});
wait('comes back soon to one that is busy for a moment', () => {
  const { gateways } = make([name('a')]);
  gateways.refused(A, { error: 'busy', reason: '', retry_after_s: 1 }, 0);
  assert.is(gateways.nextMs(0), 5000);
});
wait('asks again where it waits for an operator', () => {
  const { gateways } = make([name('a')]);
  const waiting = { state: 'waiting', place: 2, waiting: 3, retry_after_s: 60, ask: 'ops' };
  gateways.waits(A, waiting, 1000);
  assert.equal([gateways.find(A)!.state, gateways.nextMs(0)], ['waiting', 61_000]);
  gateways.waits(A, { ...waiting, retry_after_s: 0 }, 0);
  assert.is(gateways.nextMs(0), 10_000);
});
wait('is over when the mesh is back; a refusal then only when somebody wants it', () => {
  const { gateways, order } = make([name('a'), name('b')]);
  gateways.failed(A, 'no answer', 0);
  gateways.refused(B, { error: 'full', reason: '' }, 0);
  gateways.retry();
  assert.is(order(), 'a');
  gateways.retry(true);
  assert.is(order(), 'ab');
});
wait('never ends where there is no gateway', () => assert.is(make([]).gateways.nextMs(0), Number.POSITIVE_INFINITY));
wait.run();

// ---

const better = suite('Gateways: when to move');
const MINUTES = 60_000;
better('moves to a much nearer one only when it was so three times in a row', () => {
  const { gateways } = make([name('a'), name('b')], { [A]: 100 });
  const inform = (latencyMs: number): string | undefined => {
    gateways.find(B)!.latencyMs = undefined;
    gateways.informed(B, gatewayInfo(), latencyMs, 0);
    gateways.compare(B, A);
    return gateways.better(A, 0)?.address;
  };
  assert.equal([60, 60, 90, 60, 60, 60].map(inform), [undefined, undefined, undefined, undefined, undefined, B]);
});
better('does not move for a little, nor for a few milliseconds', () => {
  for (const [mine, other] of [
    [100, 75],
    [20, 5],
  ] as const) {
    const { gateways } = make([name('a'), name('b')], { [A]: mine, [B]: other });
    for (let i = 0; i < 9; i++) gateways.compare(B, A);
    assert.is(gateways.better(A, 0), undefined);
  }
});
better('goes back to a preferred one when it has answered for five minutes', () => {
  const { gateways } = make([name('a', { preference: 1 }), name('b')], { [A]: 10 });
  gateways.failed(B, 'no answer', 0);
  gateways.informed(B, gatewayInfo(), 300, 10 * MINUTES);
  assert.is(gateways.better(A, 14 * MINUTES), undefined);
  assert.is(gateways.better(A, 15 * MINUTES)?.address, B);
});
better('waits twice as long after each return that did not last, at most an hour', () => {
  const { gateways } = make([name('a', { preference: 1 }), name('b')], { [A]: 10, [B]: 10 });
  const isBack = (minutes: number): boolean => gateways.better(A, minutes * MINUTES)?.address === B;
  assert.equal([isBack(4), isBack(5)], [false, true]);
  gateways.returnFailed(B);
  assert.equal([isBack(9), isBack(10)], [false, true]);
  for (let i = 0; i < 9; i++) gateways.returnFailed(B);
  assert.equal([isBack(59), isBack(60)], [false, true]);
});
better('does not leave for one that is less preferred, that says no, or is unknown', () => {
  const { gateways } = make([name('a'), name('b', { preference: 1 }), name('c')], { [A]: 500, [B]: 1, [C]: 1 });
  for (let i = 0; i < 9; i++) for (const address of [B, C]) gateways.compare(address, A);
  gateways.refused(C, { error: 'full', reason: '' }, 0);
  assert.is(gateways.better(A, 0), undefined);
});
better('moves to the one that was chosen, and stays there', () => {
  const { gateways } = make([name('a'), name('b', { preference: 9 })], { [A]: 1, [B]: 400 });
  gateways.choose(B);
  assert.is(gateways.better(A, 0)?.address, B);
  for (let i = 0; i < 9; i++) gateways.compare(A, B);
  assert.is(gateways.better(B, 1e9), undefined);
});
better.run();

// ---

const known = suite('Gateways: what is known');
known('is kept of those that stay, and begins anew with another key or port', () => {
  const { gateways } = make([name('a'), name('b')], { [A]: 5, [B]: 6 });
  gateways.choose(B);
  gateways.set([name('b', { port: 81 }), name('a', { preference: 3 })]);
  assert.equal([gateways.find(A)!.latencyMs, gateways.find(A)!.name.preference], [5, 3]);
  assert.is(gateways.find(B)!.latencyMs, undefined);
  gateways.set([]);
  assert.equal([gateways.list(), gateways.chosenAddress], [[], undefined]);
});
known('is found by address and by name', () => {
  const { gateways } = make([name('a')]);
  assert.equal([gateways.find('a')?.address, gateways.find(A)?.address, gateways.find('x')], [A, A, undefined]);
});
known('is renewed of the one that was silent for longest, one at a time', () => {
  const { gateways } = make([name('a'), name('b'), name('c')], { [A]: 1 }, 1000);
  gateways.informed(B, gatewayInfo(), 1, 0);
  const stale = (nowMs: number, except?: string) => gateways.stale(nowMs, 600_000, except)?.name.name;
  assert.is(stale(1000), 'c');
  gateways.failed(C, 'no answer', 1000);
  assert.equal(
    [stale(1000), stale(3500), stale(3500, C), stale(600_000, C), stale(602_000, B)],
    [...[undefined, 'c', undefined, 'b', 'c']],
  );
});
known('smoothes latencies', () => {
  const { gateways } = make([name('a')], { [A]: 100 });
  gateways.measured(A, 200, 0);
  assert.is(gateways.find(A)!.latencyMs, 150);
});
known('says nothing of gateways that are not named any more', () => {
  const { gateways } = make([]);
  gateways.informed(A, gatewayInfo(), 1, 0);
  gateways.failed(A, 'x', 0);
  gateways.refused(A, { error: 'full', reason: '' }, 0);
  gateways.granted(A);
  gateways.compare(A, B);
  assert.is(gateways.better(A, 0), undefined);
});
known.run();
