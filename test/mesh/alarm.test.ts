import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PAYLOADS } from '../../src/api/topics.ts';
import { Alarms } from '../../src/mesh/alarm.ts';
import { ManualClock } from '../support/clock.ts';
import { layoutFaults } from '../support/layout.ts';

function make() {
  const clock = new ManualClock();
  const told: string[] = [];
  const alarms = new Alarms(
    clock,
    () => ({ sid: 'a', mono: clock.monotonicMs(), clk: 'none' }),
    (id, text) => {
      const payload = text && JSON.parse(text);
      if (text) assert.equal(layoutFaults(PAYLOADS.alarm, payload), []);
      told.push(
        `${clock.monotonicMs() / 1000} ${id} ${text ? `${payload.sev} ${payload.since_s} ${payload.msg}` : 'over'}`,
      );
    },
  );
  return { clock, alarms, told };
}

const alarms = suite('Alarms');
alarms('are raised once their condition has held for a while', async () => {
  const { clock, alarms: it, told } = make();
  it.see('mesh', { sev: 'error', msg: 'no peer' });
  await clock.advance(119_000);
  it.see('mesh', undefined);
  await clock.advance(600_000);
  assert.equal(told, []);
  it.see('mesh', { sev: 'error', msg: 'no peer' });
  await clock.advance(60_000);
  it.see('mesh', { sev: 'error', msg: 'no line' });
  await clock.advance(60_000);
  assert.equal(told, ['839 mesh error 120 no line']);
});
alarms('are taken back when it is over', async () => {
  const { clock, alarms: it, told } = make();
  it.see('flash', { sev: 'warning', msg: 'full' });
  await clock.advance(100_000);
  it.see('flash', undefined);
  it.see('flash', undefined);
  assert.equal(told, ['0 flash warning 0 full', '100 flash over']);
  assert.equal(it.standing(), []);
});
alarms('are told at most once a minute each, and the last word counts', async () => {
  const { clock, alarms: it, told } = make();
  for (let i = 0; i < 200; i++) {
    it.see('flash', i % 2 ? undefined : { sev: 'warning', msg: `full ${i}` });
    it.see('config', { sev: 'error', msg: 'refused' });
    await clock.advance(1000);
  }
  assert.equal(
    told.filter((one) => one.includes('config')),
    ['0 config error 0 refused'],
  );
  const flash = told.filter((one) => one.includes('flash'));
  assert.ok(flash.length >= 3 && flash.length <= 4, `~> ${flash}`);
  await clock.advance(60_000);
  assert.equal(
    it.standing().map(([id]) => id),
    ['config'],
  );
});
alarms('that stand are known, for a broker that lost them', async () => {
  const { clock, alarms: it } = make();
  it.see('config', { sev: 'error', msg: 'x'.repeat(1000) });
  await clock.advance(5000);
  const [[id, text]] = it.standing() as [[string, string]];
  assert.is(id, 'config');
  const { since_s, mono, msg } = JSON.parse(text);
  assert.equal([since_s, mono, msg.length], [5, 5000, 300]);
});
alarms('know nothing of what never was, and leave no timer behind', () => {
  const { clock, alarms: it, told } = make();
  it.see('memory', undefined);
  it.see('memory', { sev: 'warning', msg: 'low' });
  it.stop();
  assert.equal([told, clock.pending], [[], 0]);
});
alarms.run();
