import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BusyError, InputError } from '../../src/errors.ts';
import { ServiceCheck } from '../../src/source/service.ts';
import { ManualClock, settle } from '../support/clock.ts';
import { MemoryStreams } from '../support/stream.ts';

const ADDRESS = '200:1234::5';

function make() {
  const clock = new ManualClock();
  const streams = new MemoryStreams();
  return { clock, streams, service: new ServiceCheck(streams, clock) };
}

const check = suite('ServiceCheck');
for (const address of ['200::1', '0200::1', '3ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '03FF::', '2aB:0:0:1::'])
  check(`looks at ${address}`, () => {
    const { streams, service } = make();
    void service.check(address, 80);
    assert.equal(streams.last().endpoint, { host: address, port: 80 });
  });
for (const address of [
  '',
  'localhost',
  '127.0.0.1',
  '::1',
  '::ffff:127.0.0.1',
  'fe80::1',
  'fd00::1',
  '2001:db8::1',
  '20::1',
  '400::1',
  '200::1%eth0',
  '200::127.0.0.1',
  '200::1 ',
  '200::1\n',
  '[200::1]',
  '200:',
  `200:${'0'.repeat(36)}`,
  'x'.repeat(10_000),
])
  check(`refuses ${JSON.stringify(address.slice(0, 40))}`, () => {
    const { streams, service } = make();
    assert.throws(
      () => service.check(address, 80),
      (error: unknown) =>
        error instanceof InputError &&
        error.field === 'address' &&
        error.message.length < 140 &&
        error.message.startsWith('address: expected one of the mesh (200::/7), got "'),
    );
    assert.is(streams.dialled.length, 0);
  });
for (const port of [0, -1, 65_536, Number.NaN])
  check(`refuses port ${port}`, () => {
    assert.throws(
      () => make().service.check(ADDRESS, port),
      (error: unknown) => error instanceof InputError && error.message === `port: expected 1 to 65535, got ${port}`,
    );
  });
check('tells how long connecting took, and closes again', async () => {
  const { clock, streams, service } = make();
  const answer = service.check(ADDRESS, 80);
  await clock.advance(42);
  streams.last().accept();
  assert.equal(await answer, { reachable: true, latency_ms: 42 });
  assert.ok(streams.last().closed);
  assert.is(clock.pending, 0);
});
check('tells why not', async () => {
  const { clock, streams, service } = make();
  const answer = service.check(ADDRESS, 80);
  streams.last().end(new Error('connect [200:1234::5]:80: Connection refused'));
  assert.equal(await answer, { reachable: false, error: 'connect [200:1234::5]:80: Connection refused' });
  assert.is(clock.pending, 0);
});
check('waits five seconds', async () => {
  const { clock, streams, service } = make();
  const answer = service.check(ADDRESS, 80);
  await clock.advance(5000);
  assert.equal(await answer, { reachable: false, error: 'no answer within 5000 ms' });
  assert.ok(streams.last().closed);
});
check('looks once for all who ask within ten seconds', async () => {
  const { clock, streams, service } = make();
  const answers = [service.check(ADDRESS, 80), service.check(ADDRESS.toUpperCase(), 80)];
  streams.last().accept();
  assert.equal(await Promise.all(answers), [
    { reachable: true, latency_ms: 0 },
    { reachable: true, latency_ms: 0 },
  ]);
  await clock.advance(9999);
  await service.check(ADDRESS, 80);
  assert.is(streams.dialled.length, 1);
  await clock.advance(1);
  void service.check(ADDRESS, 80);
  void service.check(ADDRESS, 81);
  assert.is(streams.dialled.length, 3);
});
check('looks at four at once, and refuses more', async () => {
  const { streams, service } = make();
  for (let port = 1; port <= 4; port++) void service.check(ADDRESS, port);
  assert.throws(
    () => service.check(ADDRESS, 5),
    (error: unknown) => error instanceof BusyError && /^4 services are being looked at/.test(error.message),
  );
  streams.dialled[0]!.accept();
  await settle();
  void service.check(ADDRESS, 5);
  assert.is(streams.dialled.length, 5);
});
check('keeps a bounded number of answers', async () => {
  const { streams, service } = make();
  for (let port = 1; port <= 100; port++) {
    const answer = service.check(ADDRESS, port);
    streams.last().accept();
    await answer;
  }
  void service.check(ADDRESS, 100);
  assert.is(streams.dialled.length, 100);
  void service.check(ADDRESS, 1);
  assert.is(streams.dialled.length, 101);
});
check.run();

const knock = suite('ServiceCheck.knock');
knock('takes a refusal for an answer, and asks anew each time', async () => {
  const { clock, streams, service } = make();
  for (const [answer, end] of [
    [{ latency_ms: 9 }, () => streams.last().accept()],
    [{ latency_ms: 9 }, () => streams.last().end(new Error('connect [200:1234::5]:80: Connection refused'))],
    [
      { error: 'connect [200:1234::5]:80: No route to host' },
      () => streams.last().end(new Error('connect [200:1234::5]:80: No route to host')),
    ],
  ] as const) {
    const asked = service.knock(ADDRESS, 80);
    await clock.advance(9);
    end();
    assert.equal(await asked, answer);
  }
  const silent = service.knock(ADDRESS, 80);
  await clock.advance(5000);
  assert.equal(await silent, { error: 'no answer within 5000 ms' });
  assert.is(streams.dialled.length, 4);
});
knock('knows the same bounds', async () => {
  const { streams, service } = make();
  for (const [address, port] of [
    ['192.0.2.1', 80],
    [ADDRESS, 0],
  ] as const)
    assert.instance(await service.knock(address, port).catch((error) => error), InputError);
  for (let port = 1; port <= 4; port++) void service.check(ADDRESS, port);
  assert.instance(await service.knock(ADDRESS, 80).catch((error) => error), BusyError);
  assert.is(streams.dialled.length, 4);
});
knock.run();
