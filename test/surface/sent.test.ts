import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { Sent } from '../../src/surface/sent.ts';

const MINUTE = 60_000;

function add(sent: Sent, atMs: number, text = `at ${atMs}`): void {
  sent.add({ topic: `t/${atMs}`, qos: 1, retain: false, atMs }, encodeUtf8(text));
}
const texts = (sent: Sent) => sent.recent().map(({ text }) => text);

const sent = suite('Sent');
sent('counts all, and remembers the last twenty, the newest first', () => {
  const it = new Sent();
  for (let i = 0; i < 25; i++) add(it, i, 'ä');
  assert.equal([it.messages, it.bytes], [25, 50]);
  assert.equal(
    it.recent().map(({ topic }) => topic),
    Array.from({ length: 20 }, (_, i) => `t/${24 - i}`),
  );
  assert.equal(it.recent()[0], { topic: 't/24', qos: 1, retain: false, atMs: 24, bytes: 2 });
});
sent('keeps what a message says only while somebody looks', () => {
  const it = new Sent();
  add(it, 0);
  it.look(10);
  add(it, 20);
  assert.equal(texts(it), ['at 20', undefined]);
  // each look is for a minute
  it.look(MINUTE);
  add(it, MINUTE + 20);
  assert.equal(texts(it), [`at ${MINUTE + 20}`, 'at 20', undefined]);
  add(it, 2 * MINUTE);
  assert.equal(texts(it), [undefined, undefined, undefined, undefined], '~> nobody looks, and all is forgotten');
});
sent('shows nothing to who comes later', () => {
  const it = new Sent();
  it.look(0);
  add(it, 1);
  it.look(10 * MINUTE);
  assert.equal(texts(it), [undefined]);
});
sent('keeps how a long message begins, whatever is cut', () => {
  const it = new Sent();
  it.look(0);
  add(it, 1, `x${'ä'.repeat(5000)}`);
  const [text] = texts(it);
  assert.is(it.bytes, 10_001);
  assert.match(text!, /^xä{511}. …$/);
  add(it, 2, 'y'.repeat(1024));
  assert.is(texts(it)[0], 'y'.repeat(1024));
});
sent.run();
