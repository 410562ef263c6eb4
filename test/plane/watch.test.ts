import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CANARY } from '../../src/plane/home-rules.ts';
import { HomeWatch } from '../../src/plane/watch.ts';
import type { Endpoint, StreamEvents } from '../../src/transport/host.ts';
import { ManualClock } from '../support/clock.ts';

/** Answers as a kernel with or without the table. */
function make() {
  const clock = new ManualClock();
  const dialled: Endpoint[] = [];
  const warned: string[] = [];
  let answer: 'refused' | 'unreachable' | 'open' | 'nothing' = 'unreachable';
  let restored = 0;
  const streams = {
    dial(to: Endpoint, events: StreamEvents) {
      dialled.push(to);
      if (answer === 'open') clock.after(0, () => events.onOpen?.());
      else if (answer !== 'nothing')
        clock.after(0, () =>
          events.onClose(new Error(answer === 'refused' ? 'Connection refused' : 'No route to host')),
        );
      return { write: () => true, queuedBytes: 0, setReading() {}, close() {} };
    },
  };
  const watch = new HomeWatch({
    ...{ streams, clock, log: { warn: (text: string) => void warned.push(text) } },
    restore: async () => {
      restored++;
      if (restored === 1 && answer === 'open') throw new Error('no nft');
    },
  });
  return { clock, watch, dialled, warned, answer: (to: typeof answer) => (answer = to), restored: () => restored };
}

const watches = suite('HomeWatch');
watches('restores what was taken away, and only then', async () => {
  const { clock, watch, dialled, warned, answer, restored } = make();
  watch.start();
  watch.start();
  await clock.advance(9000);
  assert.is(dialled.length, 4);
  assert.equal(dialled[0], CANARY);
  assert.is(restored(), 0);
  answer('refused');
  await clock.advance(2000);
  assert.is(restored(), 1);
  assert.is(warned.length, 1);
  answer('unreachable');
  await clock.advance(4000);
  assert.is(restored(), 1);
  watch.stop();
  await clock.advance(60_000);
  assert.is(clock.pending, 0);
});
watches('compares everything now and then', async () => {
  const { clock, watch, warned, restored } = make();
  watch.start();
  await clock.advance(62_000);
  assert.is(restored(), 2);
  assert.equal(warned, []);
});
watches('goes on when it could not be restored', async () => {
  const { clock, watch, warned, answer, restored } = make();
  answer('open');
  watch.start();
  await clock.advance(4100);
  assert.is(restored(), 2);
  assert.ok(warned.includes('not restored'));
});
watches('takes silence for rules of others', async () => {
  const { clock, watch, answer, restored } = make();
  answer('nothing');
  watch.start();
  await clock.advance(9000);
  assert.is(restored(), 0);
});
watches.run();
