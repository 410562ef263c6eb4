import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SPEED_BLOCK } from '../../src/api/lease.ts';
import { HttpServer } from '../../src/http/server.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { SPEED_LIMITS, Speed, say } from '../../src/surface/speed.ts';
import { ManualClock } from '../support/clock.ts';
import { type FarEnd, MemoryStreams } from '../support/stream.ts';

const AT = { host: '10.43.0.1', port: 8080 };
const GET = 'GET /v1/speed HTTP/1.1\r\nHost: x\r\n\r\n';

/** A gateway's end of its tunnels; homes are the inner addresses from 10.43.0.2 to 10.43.0.9, and those with the same last digit in fd43::. */
function gateway(load = 0) {
  const clock = new ManualClock();
  const streams = new MemoryStreams();
  const speed = new Speed({
    homeAt: (inner) => /^(?:10\.43\.0\.|fd43::)([2-9])$/.exec(inner)?.[1]?.replace(/^/, '200::'),
    linePercent: () => load,
    nowMs: () => clock.monotonicMs(),
  });
  const handle = (exchange: Parameters<Speed['handle']>[0]): void => speed.handle(exchange);
  const server = new HttpServer({ streams, clock, at: AT, limits: SPEED_LIMITS, handle, refuse: say });
  server.start();
  const ask = (from: string, text: string): FarEnd => {
    const far = streams.connect(AT, from);
    far.send(encodeUtf8(text));
    return far;
  };
  /** Statuses, reasons and lengths of what was answered. */
  const answers = (far: FarEnd): string[] => {
    const bytes = far.take();
    const found: string[] = [];
    for (let at = 0; at < bytes.length; ) {
      const text = decodeUtf8(bytes.subarray(at, at + 300).map((byte) => byte & 127));
      const end = text.indexOf('\r\n\r\n') + 4;
      const head = text.slice(0, end);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      const body = bytes.subarray(at + end, at + end + length);
      found.push(`${head.slice(9, 12)} ${length > 200 ? length : decodeUtf8(body)}`.trim());
      at += end + length;
    }
    return found;
  };
  return { clock, ask, answers, server };
}
const post = (length: number): string =>
  `POST /v1/speed HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n${'x'.repeat(length)}`;

const speed = suite('Speed');
speed('gives and takes blocks, several on one connection', () => {
  const { ask, answers } = gateway();
  const far = ask('10.43.0.2', GET + GET + post(SPEED_BLOCK) + post(7));
  assert.equal(answers(far), [`200 ${SPEED_BLOCK}`, `200 ${SPEED_BLOCK}`, '204', '204']);
});
speed('serves nobody but homes with a lease', () => {
  const { ask, answers } = gateway();
  assert.equal(answers(ask('10.43.0.77', GET)), ['403 only homes with a lease are served']);
});
for (const [what, request, answer] of [
  ['what is not there', GET.replace('/v1/speed', '/v1/lease'), '404 expected /v1/speed'],
  ['another method', GET.replace('GET', 'PUT'), '405 expected GET or POST'],
  ['a body larger than a block', post(SPEED_BLOCK + 1), '413 http: body: expected at most 65536 bytes, got 65537'],
] as const)
  speed(`refuses ${what}`, () => {
    const { ask, answers } = gateway();
    assert.equal(answers(ask('10.43.0.2', request)), [answer]);
  });
speed('has two homes measure at a time, each for a while', async () => {
  const { ask, answers, clock } = gateway();
  for (const home of ['10.43.0.2', '10.43.0.3']) assert.match(answers(ask(home, GET))[0]!, /^200/);
  const third = ask('10.43.0.4', GET);
  assert.equal(answers(third), ['503 other homes are measuring']);
  third.end();
  await clock.advance(15_000);
  assert.match(answers(ask('10.43.0.4', GET))[0]!, /^200/);
});
speed('counts both inner addresses of a home as one', () => {
  const { ask, answers } = gateway();
  const first = ask('10.43.0.2', post(1).repeat(639));
  assert.is(answers(first).length, 639);
  assert.match(answers(ask('10.43.0.3', GET))[0]!, /^200/);
  const second = ask('fd43::2', GET + GET);
  assert.match(answers(second).join(), /^200 65536,429/, '~> neither a third place, nor another 640 blocks');
});
speed('gives way to those who work: not while the line is busy', () => {
  const { ask, answers } = gateway(80);
  assert.equal(answers(ask('10.43.0.2', GET)), ['503 the line of the gateway is busy']);
});
speed('takes few connections of a home: one that has ended there may not have ended here', () => {
  const { ask, server } = gateway();
  for (let i = 0; i < 4; i++) assert.not.ok(ask('10.43.0.2', GET).closed);
  assert.ok(ask('10.43.0.2', GET).closed);
  assert.is(server.connections, 4);
});
speed('ends after 40 MB, and takes a block a second then', async () => {
  const { ask, answers, clock } = gateway();
  const far = ask('10.43.0.2', post(1).repeat(639) + GET);
  assert.equal(answers(far).slice(-2), ['204', `200 ${SPEED_BLOCK}`]);
  await clock.advance(20_000);
  far.end();
  const again = ask('10.43.0.2', GET.repeat(21));
  assert.equal(answers(again).slice(-2), [`200 ${SPEED_BLOCK}`, '429 measured too often']);
});
speed.run();
