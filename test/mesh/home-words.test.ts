import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { REFUSALS } from '../../src/api/lease.ts';
import type { Situation } from '../../src/mesh/home-situation.ts';
import { describe, homeTexts } from '../../src/mesh/home-words.ts';

const SAYS: [Situation['state'], string[]][] = [
  [
    'idle',
    ['off', 'undone', 'trial_over', 'undoing', 'admitted', 'trial_unreachable', 'trial_no_gateway', 'trial_full'],
  ],
  ['asking', ['asking', 'preparing', 'unreachable', 'no_mesh']],
  ['waiting', ['waiting']],
  ['trial', ['trial']],
  ['up', ['up', 'access_ends', 'near_slow', 'near_stop']],
  ['degraded', ['suspect', 'offline', 'draining', 'renewing', 'no_exit', 'no_ipv6', 'slowed']],
  ['blocked', ['let_out', 'no_mesh', 'machine', 'no_gateway', 'unreachable', 'asking', ...REFUSALS]],
];
const VALUES = {
  ...{ gateway: 'Boston', problem: 'no answer', reason: 'not paid', missing: 'name', count: 2 },
  ...{ place: 1, of: 2, ask: 'ops', left: 9, hours: 5, percent: 85 },
};

const words = suite('describe');
for (const [state, ids] of SAYS)
  for (const id of ids)
    words(`has whole sentences for ${state} ${id}`, () => {
      const { sentence, fix } = describe({ state, id, values: VALUES });
      assert.match(sentence, /^[A-Z].*[.]$/);
      assert.match(fix, /^$|^[A-Z].*\.$/);
      assert.not.match(sentence + fix, /[{}]/);
      // who is blocked is always told what to do
      if (state === 'blocked' || state === 'waiting' || state === 'trial') assert.ok(fix.length > 10);
    });
words('tells who is blocked of the way out', () => {
  const { sentence, fix } = describe({
    state: 'blocked',
    id: 'suspended',
    values: { gateway: 'B', reason: 'not paid' },
  });
  assert.is(
    sentence,
    'The operator of B has suspended this home: not paid. While no gateway serves, nothing goes out: that is how it is meant.',
  );
  assert.match(fix, /own line for a while\.$/);
});
words('cleans what strangers say, and gives it apart from the words', () => {
  const { sentence, words, values } = describe({
    state: 'blocked',
    id: 'suspended',
    values: { gateway: '<b>\u202e', reason: `${'x'.repeat(500)}` },
  });
  assert.not.match(sentence, /[<>\u202e]/);
  assert.ok(sentence.length < 400);
  assert.match(words.sentence, /\{gateway\}.*\{reason\}/);
  assert.is(values.gateway, '·b··');
});
words('says that there is nothing where nothing was said', () => {
  assert.match(describe({ state: 'waiting', id: 'waiting', values: { ...VALUES, ask: '' } }).fix, /operator: –\./);
});
words.run();

// ---

const texts = suite('homeTexts');
texts('are all that is said', () => {
  const all = homeTexts();
  for (const [state, ids] of SAYS)
    for (const id of ids) {
      const { words } = describe({ state, id, values: {} });
      assert.ok(all.includes(words.sentence), words.sentence);
      if (words.fix !== '') assert.ok(all.includes(words.fix), words.fix);
    }
});
texts.run();
