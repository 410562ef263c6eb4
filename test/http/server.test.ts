import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Exchange, HttpServer, SERVER_LIMITS, type ServerLimits } from '../../src/http/server.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { ManualClock } from '../support/clock.ts';
import { type FarEnd, MemoryStreams } from '../support/stream.ts';

const AT = { host: '200::1', port: 8080 };
const GET = 'GET /x HTTP/1.1\r\nHost: x\r\n\r\n';

function serve(limits: Partial<ServerLimits> = {}) {
  const clock = new ManualClock();
  const streams = new MemoryStreams();
  const exchanges: Exchange[] = [];
  const handler = { handle: (exchange: Exchange): void => void exchanges.push(exchange) };
  const server = new HttpServer({
    streams,
    clock,
    at: AT,
    limits: { ...SERVER_LIMITS, connections: 8, ...limits },
    handle: (exchange) => handler.handle(exchange),
    refuse: (status, reason) => ({ status, body: encodeUtf8(reason) }),
  });
  server.start();
  const connect = (from = '201::a'): FarEnd => streams.connect(AT, from);
  return { clock, streams, exchanges, handler, server, connect };
}

/** Answers that came, by status and body. */
function answers(far: FarEnd): string[] {
  const text = decodeUtf8(far.take());
  return text === ''
    ? []
    : text.split(/(?=HTTP\/1\.1 )/).map((one) => `${one.slice(9, 12)} ${one.split('\r\n\r\n')[1]}`);
}

const send = (far: FarEnd, text: string): void => far.send(encodeUtf8(text));
const answer = (exchange: Exchange, status = 200, text = 'ok'): void =>
  exchange.answer({ status, body: encodeUtf8(text) });

const server = suite('HttpServer');
server('hands a request over with the address that the kernel tells', () => {
  const { connect, exchanges } = serve();
  const far = connect('201::a');
  send(
    far,
    'POST /y?z HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 200::b\r\nForwarded: for=200::b\r\nContent-Length: 2\r\n\r\n{}',
  );
  const [{ request, from }] = exchanges as [Exchange];
  assert.equal(
    [request.method, request.path, request.query, decodeUtf8(request.body), from],
    ['POST', '/y', 'z', '{}', '201::a'],
  );
  answer(exchanges[0]!);
  assert.equal(answers(far), ['200 ok']);
  assert.not.ok(far.closed);
});
server('answers one request after the other, in their order', () => {
  const { connect, exchanges } = serve();
  const far = connect();
  send(far, GET + GET);
  assert.is(exchanges.length, 1);
  answer(exchanges[0]!, 200, 'one');
  assert.is(exchanges.length, 2);
  answer(exchanges[1]!, 404, 'two');
  answer(exchanges[1]!, 500, 'again');
  assert.equal(answers(far), ['200 one', '404 two']);
});
server('answers many that come at once without going deeper and deeper', () => {
  const { connect, handler } = serve({ requests: 1000 });
  handler.handle = (exchange) => answer(exchange);
  const far = connect();
  send(far, GET.repeat(400));
  assert.is(answers(far).length, 400);
});
server('holds the next answer back while the last one is not out', () => {
  const { connect, handler } = serve();
  handler.handle = (exchange) => answer(exchange);
  const far = connect();
  far.accepting = false;
  send(far, GET + GET + GET);
  assert.is(answers(far).length, 1);
  far.drain();
  assert.is(answers(far).length, 2);
});
server('closes after the last answer, and waits a moment for it to arrive', async () => {
  const { connect, exchanges, clock, server } = serve();
  const far = connect();
  send(far, GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  answer(exchanges[0]!);
  assert.match(decodeUtf8(far.take()), /\r\nConnection: close\r\n/);
  send(far, GET);
  assert.is(exchanges.length, 1, '~> nothing more is read');
  assert.not.ok(far.closed);
  await clock.advance(3000);
  assert.ok(far.closed);
  assert.is(server.connections, 0);
});
server('is rid of a connection when the other side closes it after the last answer', () => {
  const { connect, exchanges, server } = serve();
  const far = connect();
  send(far, 'GET / HTTP/1.0\r\n\r\n');
  answer(exchanges[0]!);
  far.end();
  assert.is(server.connections, 0);
});
server('gives a connection so many requests and no more', () => {
  const { connect, handler } = serve({ requests: 3 });
  handler.handle = (exchange) => answer(exchange);
  const far = connect();
  send(far, GET.repeat(5));
  assert.is(answers(far).length, 3);
});
server('tells the handler that whoever asked is gone', () => {
  const { connect, exchanges } = serve();
  let gone = 0;
  const far = connect();
  send(far, GET);
  exchanges[0]!.onGone = () => gone++;
  far.end();
  assert.is(gone, 1);
  answer(exchanges[0]!);
  assert.equal(answers(far), []);
});
server('does not tell that to who has answered', () => {
  const { connect, exchanges } = serve();
  const far = connect();
  send(far, GET);
  exchanges[0]!.onGone = () => assert.unreachable();
  answer(exchanges[0]!);
  far.end();
});
server('waits for an answer for as long as the handler takes', async () => {
  const { connect, exchanges, clock } = serve();
  const far = connect();
  send(far, GET);
  await clock.advance(1_800_000);
  assert.not.ok(far.closed);
  answer(exchanges[0]!);
  assert.equal(answers(far), ['200 ok']);
});
server('ends everything when it stops', async () => {
  const { connect, exchanges, server, clock } = serve();
  const ends = [connect('201::1'), connect('201::2')];
  send(ends[0]!, GET);
  let gone = 0;
  exchanges[0]!.onGone = () => gone++;
  server.stop();
  assert.ok(ends.every((far) => far.closed));
  assert.is(gone, 1);
  assert.throws(() => connect(), /Connection refused/);
  assert.is(clock.pending, 0);
  server.start();
  connect();
  assert.is(server.connections, 1);
});
server.run();

// ---

const attack = suite('HttpServer under attack');
attack('refuses a body of 10,000 bytes with 413, whether it comes or not', () => {
  for (const body of ['', 'x'.repeat(10_000)]) {
    const { connect, exchanges } = serve();
    const far = connect();
    send(far, `PUT /v1/lease HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n${body}`);
    assert.equal(answers(far), ['413 http: body: expected at most 4096 bytes, got 10000']);
    assert.equal(exchanges, []);
    assert.not.ok(far.closed, '~> closed at once, the answer might be lost');
  }
});
attack('listens no longer than so many bytes after a refusal', () => {
  const { connect, server } = serve();
  const far = connect();
  send(far, 'nonsense\r\n\r\n');
  for (let i = 0; i < 5; i++) far.send(new Uint8Array(65_536));
  assert.ok(far.closed);
  assert.is(server.connections, 0);
});
attack('reads no second request out of a refused one', () => {
  const { connect, exchanges } = serve();
  const far = connect();
  send(far, `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${GET}`);
  assert.is(answers(far).length, 1);
  assert.equal(exchanges, []);
});
attack('ends a head that trickles after five seconds, though bytes keep coming', async () => {
  const { connect, clock, server } = serve();
  const far = connect();
  for (const char of `${GET.slice(0, -2)}X: yyyyyyyyyyyyyyyyyyyy`) {
    send(far, char);
    await clock.advance(500);
    if (server.connections === 0) break;
  }
  assert.ok(far.closed);
  assert.equal(answers(far), ['408 the request did not come in time']);
  assert.ok(clock.monotonicMs() <= 9000, `~> ended after ${clock.monotonicMs()} ms`);
});
attack('ends a body that trickles', async () => {
  const { connect, clock } = serve();
  const far = connect();
  send(far, 'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n');
  for (let s = 0; s < 6; s++) {
    await clock.advance(1000);
    send(far, 'x');
  }
  assert.equal(answers(far), ['408 the request did not come in time']);
});
attack('ends who connects and says nothing, and who stays without asking again', async () => {
  const { connect, clock, handler, server } = serve();
  handler.handle = (exchange) => answer(exchange);
  const silent = connect('201::1');
  const idle = connect('201::2');
  send(idle, GET);
  await clock.advance(6000);
  assert.ok(silent.closed);
  assert.equal(answers(silent), []);
  assert.not.ok(idle.closed);
  await clock.advance(11_000);
  assert.ok(idle.closed);
  assert.is(server.connections, 0);
  assert.is(clock.pending, 0, '~> nothing is looked for any more');
});
attack('ends who does not read', async () => {
  const { connect, clock, handler } = serve();
  handler.handle = (exchange) => answer(exchange);
  const far = connect();
  far.accepting = false;
  send(far, GET + GET);
  await clock.advance(17_000);
  assert.ok(far.closed);
});
attack('takes four connections of one address', () => {
  const { connect, server } = serve();
  const ends = Array.from({ length: 6 }, () => connect('201::1'));
  assert.equal(
    ends.map((far) => far.closed),
    [false, false, false, false, true, true],
  );
  ends[0]!.end();
  assert.not.ok(connect('201::1').closed);
  assert.not.ok(connect('201::2').closed);
  assert.is(server.connections, 5);
});
attack('makes room for who comes by ending who has held a place for longest', () => {
  const { connect, exchanges, server } = serve();
  const first = connect('201::0');
  send(first, GET);
  const others = Array.from({ length: 7 }, (_, i) => connect(`201::${i + 1}`));
  const late = connect('201::f');
  assert.not.ok(first.closed, '~> it waits for an answer');
  assert.ok(others[0]!.closed);
  assert.ok(others.slice(1).every((far) => !far.closed));
  send(late, GET);
  answer(exchanges[1]!);
  assert.equal(answers(late), ['200 ok']);
  assert.is(server.connections, 8);
});
attack('turns away who comes when all wait for an answer', () => {
  const { connect, server } = serve();
  for (let i = 0; i < 8; i++) send(connect(`201::${i}`), GET);
  assert.ok(connect('201::f').closed);
  assert.is(server.connections, 8);
});
attack('ends a connection on which requests pile up behind one that waits', () => {
  const { connect, exchanges } = serve();
  const far = connect();
  send(far, GET);
  send(far, GET.repeat(500));
  assert.ok(far.closed);
  answer(exchanges[0]!);
  assert.is(exchanges.length, 1);
});
attack('bounds what waits over all connections', () => {
  const { connect, server } = serve({ waitingBytes: 10_000, connections: 100 });
  const half = `PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 4096\r\n\r\n${'x'.repeat(4000)}`;
  const ends = Array.from({ length: 4 }, (_, i) => connect(`201::${i}`));
  for (const far of ends) send(far, half);
  assert.equal(
    ends.map((far) => far.closed),
    [false, false, true, true],
  );
  ends[0]!.end();
  const next = connect('201::9');
  send(next, half);
  assert.not.ok(next.closed);
  assert.is(server.connections, 2);
});
attack('forgets every address whose connections are over', () => {
  const { connect, server } = serve();
  for (let i = 0; i < 300; i++) connect(`201::${i.toString(16)}`).end();
  const addresses = (server as unknown as { byAddress: Map<string, number> }).byAddress;
  assert.is(addresses.size, 0);
});
attack.run();
