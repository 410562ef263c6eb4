import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inTurn } from '../../src/system/turn.ts';
import { ManualClock, settle } from '../support/clock.ts';
import { MemoryStreams } from '../support/stream.ts';

/** A change that ends when the test says so. */
function slow(log: string[], name: string) {
  let end!: (error?: Error) => void;
  const change = () => {
    log.push(`${name} begins`);
    return new Promise<string>((resolve, reject) => {
      end = (error) => (error ? reject(error) : resolve(name));
    });
  };
  return { change, end: (error?: Error) => end(error) };
}

const turn = suite('inTurn');
turn('does one change after the other, whatever becomes of the first', async () => {
  const host = { streams: new MemoryStreams(), clock: new ManualClock() };
  for (const error of [undefined, new Error('broken')]) {
    const log: string[] = [];
    const [a, b] = [slow(log, 'a'), slow(log, 'b')];
    const first = inTurn(host, a.change).catch((reason: Error) => reason.message);
    const second = inTurn(host, b.change);
    await host.clock.advance(1000);
    assert.equal(log, ['a begins']);
    a.end(error);
    assert.is(await first, error ? 'broken' : 'a');
    await host.clock.advance(50);
    assert.equal(log, ['a begins', 'b begins']);
    b.end();
    assert.is(await second, 'b');
  }
  assert.is(host.clock.pending, 0);
});
turn('waits no longer than 5 s for a name that another program took', async () => {
  const host = { streams: new MemoryStreams(), clock: new ManualClock() };
  host.streams.listen({ path: '@meshbridge.helper' }, () => ({ onData() {}, onClose() {} }));
  let done = '';
  void inTurn(host, () => {
    done = 'done';
  });
  await host.clock.advance(4999);
  assert.is(done, '');
  await host.clock.advance(1);
  assert.is(done, 'done');
});
turn('does not wait where there are no such names', async () => {
  const listen = () => {
    throw new Error('listen @meshbridge.helper: Permission denied');
  };
  const host = { streams: { listen }, clock: new ManualClock() };
  let done = false;
  void inTurn(host, () => {
    done = true;
  });
  await settle();
  assert.ok(done);
});
turn.run();
