import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Keepalive, Silence } from '../../src/mqtt/keepalive.ts';
import { ManualClock } from '../support/clock.ts';

const MAX = 240_000;
const DAY = 24 * 3_600_000;

const silence = suite('Silence');
silence('is halved after two pings that nobody answered, down to a minute', () => {
  const it = new Silence(MAX);
  const found: number[] = [];
  for (let i = 0; i < 8; i++) {
    it.learn(it.intervalMs, false);
    found.push(it.intervalMs / 1000);
  }
  assert.equal(found, [240, 120, 120, 60, 60, 60, 60, 60]);
});
silence('is not halved when one between was answered', () => {
  const it = new Silence(MAX);
  for (let i = 0; i < 6; i++) it.learn(MAX, i % 2 === 1);
  assert.is(it.intervalMs, MAX);
});
silence('learns nothing from a ping into a conversation', () => {
  const it = new Silence(MAX);
  for (let i = 0; i < 6; i++) it.learn(MAX * 0.7, false);
  assert.is(it.intervalMs, MAX);
});
silence('grows again after a day of good ones, and waits twice as long when that was too early', () => {
  const it = new Silence(MAX);
  const fail = (): void => {
    for (let i = 0; i < 2; i++) it.learn(it.intervalMs, false);
  };
  const good = (days: number): void => {
    for (let ms = 0; ms < days * DAY; ms += it.intervalMs) it.learn(it.intervalMs, true);
  };
  fail();
  good(0.9);
  assert.is(it.intervalMs, MAX / 2);
  good(0.2);
  assert.is(it.intervalMs, MAX);
  fail();
  assert.is(it.intervalMs, MAX / 2);
  good(1.1);
  assert.is(it.intervalMs, MAX / 2);
  good(1);
  assert.is(it.intervalMs, MAX);
});
silence('never exceeds what was asked for, however small', () => {
  const it = new Silence(30_000);
  for (let i = 0; i < 4; i++) it.learn(30_000, false);
  assert.is(it.intervalMs, 30_000);
});
silence.run();

// ---

function setUp(serverMs?: number) {
  const clock = new ManualClock();
  const diary: string[] = [];
  let unproven = 0;
  const quiet = new Silence(MAX);
  const it = new Keepalive({
    clock,
    silence: quiet,
    serverMs,
    ping: () => diary.push(`ping ${clock.monotonicMs() / 1000}`),
    unprovenBytes: () => unproven,
    onDead: (error) => diary.push(`${error.message} at ${clock.monotonicMs() / 1000}`),
  });
  return {
    clock,
    diary,
    it,
    silence: quiet,
    owe: (bytes: number) => {
      unproven = bytes;
    },
  };
}

const keepalive = suite('Keepalive');
keepalive('pings after the silence, again after the answer', async () => {
  const { clock, it, diary } = setUp();
  await clock.advance(MAX);
  assert.equal(diary, ['ping 240']);
  assert.ok(it.isAsking);
  it.onSent();
  it.onHeard();
  it.onPong();
  assert.not.ok(it.isAsking);
  await clock.advance(MAX);
  assert.equal(diary, ['ping 240', 'ping 480']);
});
keepalive('keeps quiet while both sides talk', async () => {
  const { clock, it, diary } = setUp();
  for (let i = 0; i < 50; i++) {
    await clock.advance(60_000);
    it.onSent();
    it.onHeard();
  }
  assert.equal(diary, []);
});
keepalive('pings when only one side talks', async () => {
  for (const side of ['onSent', 'onHeard'] as const) {
    const { clock, it, diary } = setUp();
    for (let i = 0; i < 4; i++) {
      await clock.advance(60_000);
      it[side]();
    }
    assert.equal(diary, ['ping 240'], side);
  }
});
keepalive('does as often as the broker wants', async () => {
  const { clock, diary } = setUp(30_000);
  await clock.advance(30_000);
  assert.equal(diary, ['ping 30']);
});
keepalive('gives up when no answer comes within 15 s', async () => {
  const { clock, diary } = setUp();
  await clock.advance(MAX + 14_999);
  assert.equal(diary, ['ping 240']);
  await clock.advance(1);
  assert.equal(diary, ['ping 240', 'ping: no answer within 15000 ms at 255']);
});
keepalive('waits longer for an answer behind much that was sent', async () => {
  const { clock, it, diary, owe } = setUp();
  owe(10 * 2048);
  it.ask();
  await clock.advance(24_999);
  assert.equal(diary, ['ping 0']);
  await clock.advance(1);
  assert.equal(diary, ['ping 0', 'ping: no answer within 25000 ms at 25']);
});
keepalive('believes a broker that talks for two minutes, not longer', async () => {
  const { clock, it, diary } = setUp();
  it.ask();
  for (let s = 1; s <= 130; s++) {
    await clock.advance(1000);
    it.onHeard();
  }
  assert.equal(diary, ['ping 0', 'ping: no answer within 15000 ms at 120']);
});
keepalive('asks when it is told to, once', async () => {
  const { clock, it, diary } = setUp();
  await clock.advance(1000);
  it.ask();
  it.ask();
  assert.equal(diary, ['ping 1']);
  it.onPong();
  it.onPong();
  it.ask();
  assert.equal(diary, ['ping 1', 'ping 1']);
});
keepalive('learns from an end while it waits, unless we wanted that', async () => {
  const { clock, it, silence } = setUp();
  await clock.advance(MAX);
  it.stop(true);
  assert.is(clock.pending, 0);
  const other = setUp();
  await other.clock.advance(MAX);
  other.it.stop(false);
  for (const [one, expected] of [
    [silence, MAX / 2],
    [other.silence, MAX],
  ] as const) {
    one.learn(MAX, false);
    assert.is(one.intervalMs, expected);
  }
});
keepalive.run();
