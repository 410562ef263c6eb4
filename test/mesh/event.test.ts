import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EVENT_KINDS, type EventKind, PAYLOADS } from '../../src/api/topics.ts';
import { Events } from '../../src/mesh/event.ts';
import { ManualClock } from '../support/clock.ts';
import { layoutFaults } from '../support/layout.ts';

function make() {
  const clock = new ManualClock();
  const told: { kind: EventKind; atMs: number; eseq: number; mono: number; more?: number; uplink?: string }[] = [];
  const events = new Events(
    clock,
    () => ({ sid: 'a', mono: clock.monotonicMs(), clk: 'none' }),
    1_000_001,
    (kind, text) => {
      const payload = JSON.parse(text);
      assert.equal(layoutFaults({ ...PAYLOADS.evt, ...EVENT_KINDS[kind] }, payload), []);
      told.push({ kind, atMs: clock.monotonicMs(), ...payload });
    },
  );
  return { clock, events, told };
}

const events = suite('Events');
events('are told at once, numbered, with their moment', async () => {
  const { clock, events: it, told } = make();
  await clock.advance(5);
  it.tell('uplink-down', { uplink: 'wan' });
  await clock.advance(5);
  it.tell('uplink-up', { uplink: 'wan' });
  assert.equal(told, [
    { kind: 'uplink-down', atMs: 5, sid: 'a', mono: 5, clk: 'none', eseq: 1_000_001, uplink: 'wan' },
    { kind: 'uplink-up', atMs: 10, sid: 'a', mono: 10, clk: 'none', eseq: 1_000_002, uplink: 'wan' },
  ]);
});
events('beyond ten a minute are counted by their kind, and the newest is told', async () => {
  const { clock, events: it, told } = make();
  for (let i = 0; i < 40; i++) {
    it.tell(i % 2 ? 'uplink-up' : 'uplink-down', { uplink: `wan${i}` });
    await clock.advance(1);
  }
  assert.is(told.length, 10);
  await clock.advance(60_000);
  assert.equal(
    told.slice(10).map(({ kind, more, uplink }) => [kind, more, uplink]),
    [
      ['uplink-down', 14, 'wan38'],
      ['uplink-up', 14, 'wan39'],
    ],
  );
  assert.is(told[10]!.mono, 38, '~> when it happened, not when it was told');
  assert.equal(
    told.map(({ eseq }) => eseq),
    told.map((_, i) => 1_000_001 + i),
  );
  assert.is(clock.pending, 0);
});
events('are never more than ten in any minute, after the first ones', async () => {
  const { clock, events: it, told } = make();
  for (let i = 0; i < 600; i++) {
    it.tell('uplink-up', { uplink: 'wan' });
    await clock.advance(1000);
  }
  for (const { atMs } of told.filter((one) => one.atMs > 130_000))
    assert.ok(told.filter((one) => one.atMs > atMs - 60_000 && one.atMs <= atMs).length <= 11);
  const stood = told.reduce((n, { more = 0 }) => n + 1 + more, 0);
  assert.ok(stood > 590, `~> all were counted: ${stood}`);
});
events('leave no timer behind', () => {
  const { clock, events: it } = make();
  for (let i = 0; i < 12; i++) it.tell('uplink-up', { uplink: 'wan' });
  it.stop();
  assert.is(clock.pending, 0);
});
events.run();
