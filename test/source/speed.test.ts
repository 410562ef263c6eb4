import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SPEED_BLOCK } from '../../src/api/lease.ts';
import { LinkDownError, RemoteError, TimeoutError } from '../../src/errors.ts';
import { HttpServer } from '../../src/http/server.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { measureSpeed, type SpeedResult } from '../../src/source/speed.ts';
import { SPEED_LIMITS, Speed, say } from '../../src/surface/speed.ts';
import { ManualClock } from '../support/clock.ts';
import { PipedStreams } from '../support/piped-streams.ts';

const AT = { host: '10.43.0.1', port: 8080 };
const TO = { ...AT, from: '10.43.7.9' };

/** What measuring comes to. @param answer what the gateway says to each piece that it gets; absent: a real one. */
async function measure(direction: 'down' | 'up', answer?: (bytes: Uint8Array, piece: number) => string, blocks = 40) {
  const clock = new ManualClock();
  const streams = new PipedStreams(clock);
  let largest = 0;
  if (answer) {
    let pieces = 0;
    streams.listen(AT, (stream) => ({
      onData: (bytes) => void stream.write(encodeUtf8(answer(bytes, pieces++))),
      onClose() {},
    }));
  } else {
    const speed = new Speed({ homeAt: () => '200::1', linePercent: () => 0, nowMs: () => clock.monotonicMs() });
    const handle = (exchange: Parameters<Speed['handle']>[0]): void => speed.handle(exchange);
    new HttpServer({ streams, clock, at: AT, limits: SPEED_LIMITS, handle, refuse: say }).start();
  }
  const shares: number[] = [];
  let outcome: SpeedResult | Error | undefined;
  measureSpeed(streams, clock, {
    ...{ to: TO, direction, blocks, forMs: 5000 },
    onProgress: (share) => shares.push(share),
  }).then(
    (result) => {
      outcome = result;
    },
    (error) => {
      outcome = error;
    },
  );
  const startMs = clock.monotonicMs();
  while (!outcome && clock.monotonicMs() - startMs < 20_000) {
    await clock.advance(10);
    largest = Math.max(largest, clock.pending);
  }
  return { outcome: outcome!, shares, largest, dialled: streams.dialled, tookMs: clock.monotonicMs() - startMs };
}

const speed = suite('measureSpeed');
for (const direction of ['down', 'up'] as const)
  speed(`measures ${direction}, with as much on its way as is allowed and no more`, async () => {
    const { outcome, shares, dialled, largest } = await measure(direction);
    const { bytes, ms } = outcome as SpeedResult;
    assert.is(bytes, 40 * SPEED_BLOCK);
    // 40 blocks, 16 of them on their way at once, and 20 ms there and back
    assert.ok(ms >= 20 && ms <= 100, `~> ${ms} ms`);
    assert.ok(largest <= 40, `~> ${largest} pieces at once`);
    assert.equal([dialled, shares.at(-1)], [[TO], 1]);
    assert.equal(
      shares,
      [...shares].sort((a, b) => a - b),
    );
  });
const block = (length: number): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${SPEED_BLOCK}\r\n\r\n${'x'.repeat(length)}`;
speed('tells of what came before it stopped', async () => {
  const { outcome, tookMs } = await measure('down', (_, piece) => (piece === 0 ? block(1000) : ''));
  assert.equal(outcome, { bytes: 1000, ms: 4000 }, '~> the silence counts');
  assert.ok(tookMs < 5000);
});
speed('believes no answer to what was not asked', async () => {
  const early = 'HTTP/1.1 204 No Content\r\n\r\n'.repeat(64);
  const { outcome } = await measure('up', (_, piece) => (piece === 0 ? early : ''));
  assert.match(String(outcome), /it answers what was not asked/);
});
speed('ends when its time is over, though bytes go on trickling', async () => {
  const clock = new ManualClock();
  const streams = new PipedStreams(clock);
  streams.listen(AT, (stream) => {
    const trickle = (): void => {
      stream.write(encodeUtf8('x'));
      clock.after(500, trickle);
    };
    stream.write(encodeUtf8(block(1)));
    trickle();
    return { onData() {}, onClose() {} };
  });
  const result = measureSpeed(streams, clock, { to: TO, direction: 'down', blocks: 4, forMs: 5000 });
  await clock.advance(6000);
  const { bytes, ms } = await result;
  assert.ok(bytes > 5 && bytes < 20 && ms > 4000 && ms <= 5000, `~> ${bytes} bytes in ${ms} ms`);
});
for (const [what, direction, answer, kind, message] of [
  ['nothing', 'down', () => '', TimeoutError, 'nothing came through for 4 s after 0 bytes'],
  [
    'a refusal',
    'down',
    () => 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nb\u0007sy',
    RemoteError,
    'expected status 200, got 503: b·sy',
  ],
  [
    'another length',
    'down',
    () => 'HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n',
    RemoteError,
    'expected 65536 bytes, got 9999999',
  ],
  ['a block for one', 'up', () => block(5), RemoteError, 'expected status 204, got 200: xxxxx'],
  ['a head without end', 'down', () => 'x'.repeat(700), RemoteError, 'expected a head of at most 1024 bytes'],
  ['what is no HTTP', 'down', () => 'SSH-2.0\r\n\r\n', RemoteError, 'expected status 200, got 0'],
] as const)
  speed(`rejects ${what}`, async () => {
    const { outcome } = await measure(direction, answer);
    assert.instance(outcome, kind);
    assert.is((outcome as Error).message, message);
  });
speed('tells when nobody is there', async () => {
  const clock = new ManualClock();
  const streams = new PipedStreams(clock);
  streams.fate = () => 'refused';
  const result = measureSpeed(streams, clock, { to: TO, direction: 'up', blocks: 1, forMs: 5000 }).catch(
    (error) => error,
  );
  await clock.advance(100);
  assert.instance(await result, LinkDownError);
  assert.is(clock.pending, 0);
});
speed.run();
