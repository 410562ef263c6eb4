import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BusyError, LinkDownError, RemoteError } from '../../src/errors.ts';
import { SILENT } from '../../src/log.ts';
import { Replay } from '../../src/mesh/replay.ts';
import { ReportQueue } from '../../src/mesh/report-queue.ts';
import { ManualClock } from '../support/clock.ts';

/** A queue with so many reports; `outcome` says what becomes of each that is sent. */
function make(count: number, outcome: (text: string, nth: number) => Promise<void> = async () => {}) {
  const clock = new ManualClock();
  const queue = new ReportQueue(100_000);
  const push = (n: number): void => queue.push({ kind: 'evt', tail: 't', text: String(n) });
  for (let n = 0; n < count; n++) push(n);
  const sent: { text: string; atMs: number }[] = [];
  const replay = new Replay(
    queue,
    clock,
    ({ text }) => {
      sent.push({ text, atMs: clock.monotonicMs() });
      return outcome(text, sent.length);
    },
    SILENT,
  );
  return { clock, queue, replay, sent, push, texts: () => sent.map(({ text }) => text).join(' ') };
}

const replay = suite('Replay');
replay('tells everything in order, at most five a second', async () => {
  const { clock, queue, replay: it, sent, texts } = make(12);
  await clock.advance(1000);
  assert.is(sent.length, 0, '~> not before it may');
  it.start();
  it.start();
  await clock.advance(1000);
  assert.ok(sent.length <= 5, `~> ${sent.length}`);
  await clock.advance(2000);
  assert.is(texts(), '0 1 2 3 4 5 6 7 8 9 10 11');
  assert.is(queue.size, 0);
  assert.is(clock.pending, 0);
});
replay('has one under way at a time', async () => {
  const done: (() => void)[] = [];
  const { clock, replay: it, texts, queue } = make(3, () => new Promise((resolve) => done.push(resolve)));
  it.start();
  await clock.advance(10_000);
  assert.equal([texts(), queue.size], ['0', 2]);
  done[0]!();
  await clock.advance(1000);
  assert.is(texts(), '0 1');
});
replay('stops when the broker is gone, and goes on where it was', async () => {
  const { clock, replay: it, texts } = make(4);
  it.start();
  await clock.advance(500);
  it.stop();
  await clock.advance(60_000);
  assert.is(texts(), '0 1');
  it.start();
  await clock.advance(2000);
  assert.is(texts(), '0 1 2 3');
});
for (const error of [new LinkDownError('gone'), new BusyError('too much')])
  replay(`tells again what was not taken: ${error.message}`, async () => {
    const outcome = async (_: string, nth: number): Promise<void> => {
      if (nth === 2) throw error;
    };
    const { clock, replay: it, texts, queue } = make(3, outcome);
    it.start();
    await clock.advance(3000);
    assert.is(texts(), '0 1');
    await clock.advance(10_000);
    assert.is(texts(), '0 1 1 2');
    assert.is(queue.dropped, 0);
  });
replay('gives up what is refused, counts it and goes on', async () => {
  const outcome = async (text: string): Promise<void> => {
    if (text === '1') throw new RemoteError('not authorised', 0x87);
  };
  const { clock, replay: it, texts, queue } = make(3, outcome);
  it.start();
  await clock.advance(3000);
  assert.equal([texts(), queue.dropped, queue.size], ['0 1 2', 1, 0]);
});
replay('tells what comes into the queue meanwhile', async () => {
  const { clock, replay: it, texts, push } = make(0);
  it.start();
  await clock.advance(1000);
  push(7);
  it.wake();
  await clock.advance(1000);
  assert.is(texts(), '7');
});
replay.run();
