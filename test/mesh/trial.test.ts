import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Trial, Trials } from '../../src/mesh/trial.ts';
import { ManualClock } from '../support/clock.ts';

const TRIAL: Trial = { interface: 'ygg0', uri: 'tls://198.51.100.7:4001' };

function makeTrials(stored: Trial[] = []) {
  const clock = new ManualClock();
  const over: Trial[] = [];
  const saved: Trial[][] = [];
  const trials = new Trials({ load: () => stored, save: (list) => saved.push([...list]) }, clock, (trial) =>
    over.push(trial),
  );
  return { clock, trials, over, saved };
}

const trials = suite('Trials');

trials('end by themselves, once, and stay on record until they are undone', async () => {
  const { clock, trials, over, saved } = makeTrials();
  assert.is(trials.begin(TRIAL, 60_000), 'begun');
  assert.is(trials.begin(TRIAL, 60_000), 'present');
  assert.equal(saved.at(-1), [TRIAL]);
  await clock.advance(59_999);
  assert.equal(over, []);
  await clock.advance(1);
  assert.equal(over, [TRIAL]);
  assert.equal(trials.overdue('ygg0'), [TRIAL]);
  assert.ok(trials.end(TRIAL));
  assert.equal(saved.at(-1), []);
});

trials('are over for good when they are confirmed, whatever the options of the address', async () => {
  const { clock, trials, over } = makeTrials();
  trials.begin(TRIAL, 60_000);
  assert.ok(trials.end({ ...TRIAL, uri: `${TRIAL.uri}?priority=1` }));
  assert.not(trials.end(TRIAL));
  await clock.advance(120_000);
  assert.equal(over, []);
});

trials('of a daemon that died are overdue at once', () => {
  const { trials } = makeTrials([TRIAL]);
  assert.equal(trials.overdue('ygg0'), [TRIAL]);
  assert.equal(trials.overdue('ygg1'), []);
});

trials('are bounded', () => {
  const { trials } = makeTrials();
  for (let i = 0; i < 32; i++) assert.is(trials.begin({ ...TRIAL, device: `eth${i}` }, 1000), 'begun');
  assert.is(trials.begin({ ...TRIAL, device: 'eth32' }, 1000), 'full');
});

trials('give up one that is over and could not be undone before they refuse a new one', async () => {
  const { clock, trials } = makeTrials();
  for (let i = 0; i < 32; i++) trials.begin({ ...TRIAL, interface: 'gone', device: `eth${i}` }, 1000);
  await clock.advance(1000);
  assert.is(trials.begin(TRIAL, 1000), 'begun');
  assert.is(trials.overdue('gone').length, 31);
});

trials('leave no timer behind when they are stopped', () => {
  const { clock, trials } = makeTrials();
  trials.begin(TRIAL, 60_000);
  trials.stop();
  assert.is(clock.pending, 0);
});
trials.run();
