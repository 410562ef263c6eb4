import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LinkDownError, RemoteError, TimeoutError, WireError } from '../../src/errors.ts';
import { Protocol } from '../../src/mqtt/protocol.ts';
import { ManualClock } from '../support/clock.ts';

const unsupported = new RemoteError('connect: unsupported protocol version', 0x84);
const closed = new LinkDownError('closed');
const DAY = 24 * 3_600_000;

function setUp() {
  const clock = new ManualClock();
  return { clock, it: new Protocol(clock) };
}

/** A protocol that fell back and was greeted. */
function fallen() {
  const all = setUp();
  all.it.begin();
  all.it.onRefused(unsupported);
  all.it.begin();
  all.it.onGreeted();
  return all;
}

const protocol = suite('Protocol');
protocol('begins with MQTT 5 and stays with it', () => {
  const { it } = setUp();
  for (let i = 0; i < 50; i++) {
    assert.is(it.begin(), 5);
    it.onGreeted();
  }
});
protocol('falls back at once when the broker refuses the version', () => {
  const { it } = setUp();
  assert.is(it.onRefused(unsupported), true);
  assert.is(it.begin(), 4);
});
for (const error of [closed, new TimeoutError('no answer'), new Error('read: Connection reset by peer')])
  protocol(`falls back after two ends without an answer, in no haste: ${error.message}`, () => {
    const { it } = setUp();
    assert.is(it.onRefused(error), false);
    assert.is(it.begin(), 5);
    assert.is(it.onRefused(error), false);
    assert.is(it.begin(), 4);
  });
protocol('takes any other answer for a sign that the version is understood', () => {
  for (const answer of [new RemoteError('connect', 0x87), new WireError('bad')]) {
    const { it } = setUp();
    for (let i = 0; i < 5; i++) {
      it.onRefused(closed);
      it.onRefused(answer);
    }
    assert.is(it.begin(), 5);
  }
});
protocol('does not stay with the older one where that is refused too', () => {
  const { it } = setUp();
  it.onRefused(unsupported);
  assert.is(it.onRefused(unsupported), false, '~> no haste: both were refused');
  assert.is(it.begin(), 5);
});
protocol('alternates while nothing answers', () => {
  const { it } = setUp();
  const spoken = Array.from({ length: 8 }, () => {
    const version = it.begin();
    it.onRefused(closed);
    return version;
  });
  assert.equal(spoken, [5, 5, 4, 4, 5, 5, 4, 4]);
});
protocol('remembers a broker of old, and tries MQTT 5 again with each 20th connection', () => {
  const { it } = fallen();
  const spoken: number[] = [];
  for (let i = 0; i < 40; i++) {
    spoken.push(it.begin());
    if (spoken.at(-1) === 5) it.onRefused(unsupported);
    else it.onGreeted();
  }
  assert.equal(
    spoken.flatMap((version, i) => (version === 5 ? [i] : [])),
    [19, 39],
  );
});
protocol('tries MQTT 5 again after a day', async () => {
  const { it, clock } = fallen();
  await clock.advance(DAY - 1);
  assert.is(it.begin(), 4);
  it.onGreeted();
  await clock.advance(1);
  assert.is(it.begin(), 5);
});
protocol('needs one end without an answer there, since it knows what the broker speaks', async () => {
  const { it, clock } = fallen();
  await clock.advance(DAY);
  it.begin();
  it.onRefused(closed);
  assert.is(it.begin(), 4);
});
protocol('stays with MQTT 5 once the broker speaks it', async () => {
  const { it, clock } = fallen();
  await clock.advance(DAY);
  it.begin();
  it.onGreeted();
  it.onRefused(closed);
  assert.is(it.begin(), 5);
});
for (const only of [4, 5] as const)
  protocol(`speaks ${only} alone when it is told to`, async () => {
    const clock = new ManualClock();
    const it = new Protocol(clock, only);
    for (let i = 0; i < 30; i++) {
      assert.is(it.begin(), only);
      if (i % 3 === 0) it.onGreeted();
      else assert.is(it.onRefused(i % 3 === 1 ? unsupported : closed), false);
      await clock.advance(DAY);
    }
  });
protocol.run();
