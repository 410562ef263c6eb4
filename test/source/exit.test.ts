import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ExitCheck } from '../../src/source/exit.ts';
import { ManualClock } from '../support/clock.ts';
import { MemoryStreams } from '../support/stream.ts';

const HOSTS = ['192.0.2.1:443', '[2001:db8::1]:80'];

function make(hosts = HOSTS) {
  const clock = new ManualClock();
  const streams = new MemoryStreams();
  const told: boolean[] = [];
  const check = new ExitCheck(streams, clock, hosts, (online) => told.push(online));
  check.start();
  return { clock, streams, told, check };
}

const exit = suite('ExitCheck');
exit('looks at every host, every half minute', async () => {
  const { clock, streams } = make();
  assert.equal(
    streams.dialled.map(({ endpoint }) => endpoint),
    [
      { host: '192.0.2.1', port: 443 },
      { host: '2001:db8::1', port: 80 },
    ],
  );
  await clock.advance(30_000);
  assert.is(streams.dialled.length, 4);
});
exit('is online when one of them answers, and closes again', () => {
  const { streams, told } = make();
  streams.dialled[1]!.accept();
  assert.equal([told, streams.dialled[1]!.closed], [[true], true]);
});
exit('takes a refusal for an answer', () => {
  const { streams, told } = make();
  streams.dialled[0]!.end(new Error('connect 192.0.2.1:443: Connection refused'));
  assert.equal(told, [true]);
});
exit('is offline when none has answered twice in a row', async () => {
  const { clock, streams, told } = make();
  await clock.advance(20_000);
  assert.equal(told, []);
  streams.dialled[0]!.end(new Error('No route to host'));
  await clock.advance(20_000);
  assert.equal(told, [false]);
  await clock.advance(30_000);
  streams.last().accept();
  assert.is(told.at(-1), true);
});
exit('looks at nothing, and tells nothing, where no host is named', async () => {
  const { clock, streams, told } = make([]);
  await clock.advance(100_000);
  assert.equal([streams.dialled.length, told, clock.pending], [0, [], 0]);
});
exit('ends', async () => {
  const { clock, streams, told, check } = make();
  check.stop();
  assert.ok(streams.dialled.every(({ closed }) => closed));
  await clock.advance(100_000);
  assert.equal([told, clock.pending], [[], 0]);
});
exit.run();
