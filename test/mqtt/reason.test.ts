import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { reasonOf, reasonText, refusal } from '../../src/mqtt/reason.ts';

const of = suite('reasonOf');
of('numbers the codes of old as MQTT 5 does, and leaves those of MQTT 5 alone', () => {
  assert.equal([0, 1, 2, 3, 4, 5].map(reasonOf), [0, 0x84, 0x85, 0x88, 0x86, 0x87]);
  assert.is(reasonOf(0x97), 0x97);
});
of.run();

// ---

const text = suite('reasonText');
for (const [code, words] of [
  [0x80, 'unspecified error'],
  [0x86, 'bad user name or password'],
  [0x87, 'not authorised'],
  [0x8e, 'session taken over'],
  [0x90, 'topic name invalid'],
  [0x97, 'quota exceeded'],
  [0x9d, 'server moved'],
  [0xa2, 'wildcard subscriptions not supported'],
] as const)
  text(`knows 0x${code.toString(16)}`, () => assert.is(reasonText(code), words));
text('gives the number of one that it does not know', () => assert.is(reasonText(0xff), 'code 0xff'));
text('quotes what the broker says, and cuts it off', () => {
  assert.is(reasonText(0x87, { reasonString: 'no\n"x"' }), 'not authorised ("no\\n\\"x\\"")');
  assert.ok(reasonText(0x87, { reasonString: 'x'.repeat(60_000) }).length < 150);
});
text.run();

// ---

const error = suite('refusal');
error('says what was refused and why, with the code as its status', () => {
  const found = refusal('publish a', 0x97);
  assert.is(found.message, 'publish a: quota exceeded');
  assert.is(found.status, 0x97);
});
error.run();
