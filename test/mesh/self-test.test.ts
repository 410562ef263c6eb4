import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { describeStep, newSteps, selfTestTexts, TEST_STEPS } from '../../src/mesh/self-test.ts';

const step = suite('describeStep');
step('says of each step that waits what it will look at', () => {
  const sentences = newSteps().map((one) => describeStep(one).sentence);
  assert.is(new Set(sentences).size, TEST_STEPS.length);
  assert.not.ok(sentences.some((text) => text.includes('{')));
});
step('fills in what was seen, cleaned, and how far it is', () => {
  const shown = describeStep({
    ...{ name: 'gateway', state: 'bad', share: 0.459 },
    values: { gateway: '<b>\u202e', address: '200::1', problem: '' },
  });
  assert.is(shown.sentence, 'The gateway ·b·· does not answer by its address in the mesh, 200::1: –.');
  assert.is(shown.done_percent, 45);
});
step('says why a step was not looked at', () => {
  const { sentence } = describeStep({ name: 'dns', state: 'skipped', skipped: 'broken', values: {} });
  assert.is(sentence, 'Not looked at: the tunnel does not carry.');
});
step.run();

const texts = suite('selfTestTexts');
texts('has every text once', () => {
  const all = selfTestTexts();
  assert.is(new Set(all).size, all.length);
  for (const one of newSteps()) assert.ok(all.includes(describeStep(one).words.sentence));
});
texts.run();
