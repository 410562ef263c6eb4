import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LinkDownError, TimeoutError } from '../../src/errors.ts';
import { httpRequest } from '../../src/http/client.ts';
import { HttpError, type HttpResponse } from '../../src/http/message.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { ManualClock } from '../support/clock.ts';
import { MemoryStreams } from '../support/stream.ts';

function ask(body?: string) {
  const clock = new ManualClock();
  const streams = new MemoryStreams();
  const outcomes: (HttpResponse | Error)[] = [];
  const call = {
    to: { host: '200::1', port: 8080, from: '201::2' },
    method: body === undefined ? 'GET' : 'PUT',
    target: '/v1/lease?a=1',
    ...(body !== undefined && { body: encodeUtf8(body) }),
    dialMs: 3000,
    timeoutMs: 6000,
    limits: { headBytes: 512, bodyBytes: 100 },
  };
  const cancel = httpRequest(streams, clock, call, (outcome) => outcomes.push(outcome));
  return { clock, far: streams.last(), outcomes, cancel };
}

const OK = encodeUtf8('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');

const client = suite('httpRequest');
client('asks from the address that it is told, and gives the answer', () => {
  const { far, outcomes, clock } = ask('{"a":1}');
  assert.equal(far.endpoint, { host: '200::1', port: 8080, from: '201::2' });
  far.accept();
  assert.is(
    decodeUtf8(far.take()),
    'PUT /v1/lease?a=1 HTTP/1.1\r\nHost: [200::1]:8080\r\nConnection: close\r\nAccept: application/json\r\n' +
      'Content-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}',
  );
  far.send(OK.subarray(0, 20));
  assert.equal(outcomes, []);
  far.send(OK.subarray(20));
  assert.is((outcomes[0] as HttpResponse).status, 200);
  assert.is(decodeUtf8((outcomes[0] as HttpResponse).body), '{}');
  assert.ok(far.closed);
  assert.is(clock.pending, 0);
});
client('asks without a body where there is none', () => {
  const { far } = ask();
  far.accept();
  assert.match(decodeUtf8(far.take()), /^GET \/v1\/lease\?a=1 HTTP\/1\.1\r\n[^{]*application\/json\r\n\r\n$/);
});
client('takes an answer that ends with the connection', () => {
  const { far, outcomes } = ask();
  far.accept().send(encodeUtf8('HTTP/1.1 404 Not Found\r\n\r\nno'));
  far.end();
  assert.is((outcomes[0] as HttpResponse).status, 404);
  assert.is(outcomes.length, 1);
});
for (const [what, run, kind, message] of [
  ['is not connected in time', async ({ clock }) => clock.advance(3000), TimeoutError, 'not connected after 3000 ms'],
  [
    'gets no answer in time, though bytes trickle',
    async ({ clock, far }) => {
      far.accept();
      for (let at = 0; at < 7; at++) {
        await clock.advance(1000);
        far.send(OK.subarray(at, at + 1));
      }
    },
    TimeoutError,
    'no answer after 6000 ms',
  ],
  ['cannot connect', async ({ far }) => far.end(new Error('connect: refused')), LinkDownError, 'connect: refused'],
  [
    'is left in the middle',
    async ({ far }) => {
      far.accept().send(OK.subarray(0, 30));
      far.end();
    },
    HttpError,
    'http: the connection ended before the answer did',
  ],
  [
    'hears nonsense',
    async ({ far }) => far.accept().send(encodeUtf8('SSH-2.0-x\r\n\r\n')),
    HttpError,
    'http: malformed first line',
  ],
] satisfies [string, (one: ReturnType<typeof ask>) => Promise<void>, new (...args: never[]) => Error, string][])
  client(`says why when it ${what}`, async () => {
    const one = ask();
    await run(one);
    assert.is(one.outcomes.length, 1);
    assert.instance(one.outcomes[0], kind);
    assert.is((one.outcomes[0] as Error).message, message);
    assert.ok(one.far.closed);
    assert.is(one.clock.pending, 0);
  });
client('tells nothing once it is cancelled', async () => {
  const { far, outcomes, cancel, clock } = ask();
  far.accept();
  cancel();
  assert.ok(far.closed);
  far.send(OK);
  await clock.advance(10_000);
  assert.equal(outcomes, []);
  assert.is(clock.pending, 0);
});
client.run();
