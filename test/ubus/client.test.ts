import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LinkDownError, RemoteError, TimeoutError, WireError } from '../../src/errors.ts';
import { fromHex, toHex } from '../../src/lib/bytes.ts';
import { decodeTable, encodeTable } from '../../src/ubus/blobmsg.ts';
import {
  encodeMessage,
  type Message,
  UBUS_MSG_DATA,
  UBUS_MSG_HELLO,
  UBUS_MSG_INVOKE,
  UBUS_MSG_LOOKUP,
  UBUS_MSG_PING,
  UBUS_MSG_STATUS,
} from '../../src/ubus/message.ts';
import { answers, CLIENT, Ubusd } from '../support/ubusd.ts';

const OBJECT = 0x90853354;
const EMPTY = new Uint8Array(0);

/** The error that a promise is rejected with. */
async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('expected a rejection');
}

const link = suite('UbusClient: link');
link('is up with HELLO, whose peer is our id', () => {
  const ubusd = new Ubusd();
  const seen: boolean[] = [];
  ubusd.client.onChange((up) => seen.push(up));
  ubusd.client.start();
  ubusd.far.accept();
  assert.is(ubusd.client.up, false);
  for (const byte of fromHex('00000000fc921bb600000004')) ubusd.far.send(Uint8Array.of(byte));
  assert.is(ubusd.client.up, true);
  assert.is(ubusd.client.id, CLIENT);
  ubusd.client.stop();
  assert.equal(seen, [true, false]);
  assert.is(ubusd.client.id, 0);
});
link('stops telling changes to who cancelled', () => {
  const ubusd = new Ubusd();
  const seen: boolean[] = [];
  ubusd.client.onChange((up) => seen.push(up))();
  ubusd.connect();
  assert.equal(seen, []);
});
for (const peer of [0, 1])
  link(`refuses HELLO with the id ${peer} and dials again`, async () => {
    const ubusd = new Ubusd();
    ubusd.client.start();
    ubusd.far.accept();
    ubusd.send({ type: UBUS_MSG_HELLO, seq: 0, peer, attributes: {} });
    assert.is(ubusd.client.up, false);
    assert.match(ubusd.client.report().last_error ?? '', `the id ${peer}, expected more than 1`);
    await ubusd.reconnect();
    assert.is(ubusd.client.up, true);
  });
link('refuses anything before HELLO', () => {
  const ubusd = new Ubusd();
  ubusd.client.start();
  ubusd.far.accept();
  ubusd.send({ type: UBUS_MSG_STATUS, seq: 0, peer: 0, attributes: { status: 0 } });
  assert.match(ubusd.client.report().last_error ?? '', 'message type 1 before HELLO');
});
link('gives up a connection without HELLO', async () => {
  const ubusd = new Ubusd();
  ubusd.client.start();
  const { far } = ubusd;
  far.accept();
  await ubusd.clock.advance(10_000);
  assert.is(far.closed, true);
});
link('dials again within a second, twenty times in a row', async () => {
  const ubusd = new Ubusd().connect();
  for (let i = 0; i < 20; i++) {
    ubusd.far.end();
    await ubusd.reconnect();
  }
  assert.is(ubusd.client.report().ups, 21);
  assert.is(ubusd.streams.dialled.length, 21);
  assert.is(ubusd.clock.pending, 0);
});
link('passes over frame types that it does not know, and answers to nothing', () => {
  const ubusd = new Ubusd().connect();
  ubusd.send({ type: 77, seq: 1, peer: 0, attributes: {} }, { type: UBUS_MSG_INVOKE, seq: 1, peer: 5, attributes: {} });
  ubusd.send(
    { type: UBUS_MSG_DATA, seq: 1, peer: 0, attributes: {} },
    { type: UBUS_MSG_STATUS, seq: 1, peer: 0, attributes: {} },
  );
  assert.is(ubusd.client.up, true);
  assert.equal(ubusd.lines, [
    'debug frame ignored',
    'debug frame ignored',
    'debug answer without a request',
    'debug answer without a request',
  ]);
});
link('reads nothing more from a connection that it dropped', () => {
  const ubusd = new Ubusd();
  let got = 0;
  ubusd.connect();
  ubusd.client.listen('x', () => got++);
  ubusd.added(OBJECT);
  ubusd.answer(ubusd.one(UBUS_MSG_INVOKE), 0);
  const event = encodeMessage({
    type: UBUS_MSG_INVOKE,
    seq: 1,
    peer: 0,
    attributes: { objectId: OBJECT, method: 'x' },
  });
  ubusd.far.send(fromHex(`${toHex(event)}010000000000000000000004${toHex(event)}`));
  assert.is(got, 1);
  assert.is(ubusd.client.up, false);
});
link.run();

const calls = suite('UbusClient: call');
calls('looks the path up once, then invokes by id', async () => {
  const ubusd = new Ubusd().connect();
  const first = ubusd.client.call('network', 'dump', { n: 1 });
  assert.is(ubusd.found(OBJECT).attributes.path, 'network');
  await ubusd.settle();
  const invoke = ubusd.one(UBUS_MSG_INVOKE);
  assert.is(invoke.peer, OBJECT);
  assert.is(invoke.attributes.objectId, OBJECT);
  assert.is(invoke.attributes.method, 'dump');
  assert.equal(decodeTable(invoke.attributes.data!), { n: 1 });
  ubusd.answerCall(invoke, 0, encodeTable({ a: 1 }), encodeTable({ b: 2 }));
  assert.equal(await first, [{ a: 1 }, { b: 2 }]);
  const second = ubusd.client.call('network', 'dump');
  const again = ubusd.one(UBUS_MSG_INVOKE);
  assert.is(again.attributes.data?.length, 0, 'DATA must be there even when it is empty');
  ubusd.answerCall(again, 0);
  assert.equal(await second, []);
  assert.is(ubusd.clock.pending, 0);
});
calls('sends arguments that are encoded already as they are', async () => {
  const ubusd = new Ubusd().connect();
  const data = encodeTable({ n: 1 });
  void rejection(ubusd.client.invoke(OBJECT, 'm', data));
  assert.equal(ubusd.one(UBUS_MSG_INVOKE).attributes.data, data);
});
calls('takes answers by number and sender only', async () => {
  const ubusd = new Ubusd().connect();
  const answer = ubusd.client.invoke(OBJECT, 'm');
  const invoke = ubusd.one(UBUS_MSG_INVOKE);
  ubusd.answerCall({ ...invoke, peer: OBJECT + 1 }, 0, encodeTable({ forged: true }));
  ubusd.answerCall({ ...invoke, seq: invoke.seq + 1 }, 0, encodeTable({ forged: true }));
  ubusd.answerCall(invoke, 0, encodeTable({ ok: true }));
  assert.equal(await answer, [{ ok: true }]);
});
calls('keeps two answers apart that come interleaved', async () => {
  const ubusd = new Ubusd().connect();
  const both = Promise.all([ubusd.client.invoke(OBJECT, 'a'), ubusd.client.invoke(OBJECT, 'b')]);
  const [a, b] = ubusd.take() as [Message, Message];
  const frames = (to: Message, name: string): Message[] =>
    answers(to, 0, { objectId: OBJECT, data: encodeTable({ name }) });
  const [dataA, statusA] = frames(a, 'a') as [Message, Message];
  const [dataB, statusB] = frames(b, 'b') as [Message, Message];
  ubusd.send(dataB, dataA, statusB, statusA);
  assert.equal(await both, [[{ name: 'a' }], [{ name: 'b' }]]);
});
calls('fails with the status, and the reason that came before it', async () => {
  const ubusd = new Ubusd().connect();
  const failing = rejection(ubusd.client.invoke(OBJECT, 'm'));
  ubusd.answerCall(ubusd.one(UBUS_MSG_INVOKE), 2, encodeTable({ error: 'uri: no scheme' }));
  const error = await failing;
  assert.instance(error, RemoteError);
  assert.is((error as RemoteError).status, 2);
  assert.is(error.message, 'call @90853354 m: uri: no scheme (INVALID_ARGUMENT)');
});
calls('looks up afresh, once, when ubusd does not know the id any more', async () => {
  const ubusd = new Ubusd().connect();
  void ubusd.client.call('network', 'dump');
  ubusd.found(OBJECT);
  await ubusd.settle();
  ubusd.answerCall(ubusd.one(UBUS_MSG_INVOKE), 0);
  const answer = ubusd.client.call('network', 'dump');
  ubusd.answer(ubusd.one(UBUS_MSG_INVOKE), 4);
  await ubusd.settle();
  ubusd.found(OBJECT + 1);
  await ubusd.settle();
  const invoke = ubusd.one(UBUS_MSG_INVOKE);
  assert.is(invoke.peer, OBJECT + 1);
  ubusd.answerCall(invoke, 0, encodeTable({ ok: true }));
  assert.equal(await answer, [{ ok: true }]);

  const lost = rejection(ubusd.client.call('network', 'dump'));
  ubusd.answer(ubusd.one(UBUS_MSG_INVOKE), 4);
  await ubusd.settle();
  ubusd.found(OBJECT + 2);
  await ubusd.settle();
  ubusd.answer(ubusd.one(UBUS_MSG_INVOKE), 4);
  assert.is(((await lost) as RemoteError).status, 4);
  assert.equal(ubusd.take(), []);
});
calls('does not repeat a call whose provider said NOT_FOUND', async () => {
  const ubusd = new Ubusd().connect();
  const failing = rejection(ubusd.client.call('uci', 'get'));
  ubusd.found(OBJECT);
  await ubusd.settle();
  ubusd.answerCall(ubusd.one(UBUS_MSG_INVOKE), 4);
  assert.is(((await failing) as RemoteError).status, 4);
  assert.equal(ubusd.take(), []);
});
calls('fails when the path is unknown', async () => {
  const ubusd = new Ubusd().connect();
  const failing = rejection(ubusd.client.call('no.such', 'm'));
  ubusd.answer(ubusd.one(UBUS_MSG_LOOKUP), 4);
  assert.is((await failing).message, 'lookup no.such: not found (NOT_FOUND)');
});
calls('ends at its time-out when the provider goes away, and takes no answer after it', async () => {
  const ubusd = new Ubusd().connect();
  const failing = rejection(ubusd.client.invoke(OBJECT, 'm', {}, { timeoutMs: 500 }));
  const invoke = ubusd.one(UBUS_MSG_INVOKE);
  await ubusd.clock.advance(499);
  assert.is(ubusd.clock.pending, 1);
  await ubusd.clock.advance(1);
  assert.instance(await failing, TimeoutError);
  ubusd.answerCall(invoke, 0, EMPTY);
  assert.is(ubusd.client.up, true);
});
calls('counts the lookup into its time-out', async () => {
  const ubusd = new Ubusd().connect();
  const failing = rejection(ubusd.client.call('network', 'dump', {}, { timeoutMs: 1000 }));
  await ubusd.clock.advance(900);
  ubusd.found(OBJECT);
  await ubusd.settle();
  await ubusd.clock.advance(100);
  assert.instance(await failing, TimeoutError);
});
calls('fails at once when the link goes down, and while it is down', async () => {
  const ubusd = new Ubusd().connect();
  const failing = rejection(ubusd.client.invoke(OBJECT, 'm'));
  ubusd.far.end(new Error('read: Connection reset by peer'));
  const error = await failing;
  assert.instance(error, LinkDownError);
  assert.is(error.message, 'call @90853354 m: connection lost: read: Connection reset by peer');
  assert.instance(await rejection(ubusd.client.invoke(OBJECT, 'm')), LinkDownError);
  ubusd.client.stop();
  assert.is(ubusd.clock.pending, 0);
});
calls('forgets ids with the connection', async () => {
  const ubusd = new Ubusd().connect();
  void ubusd.client.call('network', 'dump');
  ubusd.found(OBJECT);
  await ubusd.settle();
  ubusd.answerCall(ubusd.one(UBUS_MSG_INVOKE), 0);
  ubusd.far.end();
  await ubusd.reconnect();
  void rejection(ubusd.client.call('network', 'dump'));
  ubusd.one(UBUS_MSG_LOOKUP);
});
calls('fails alone when its answer is no blobmsg', async () => {
  const ubusd = new Ubusd().connect();
  const failing = rejection(ubusd.client.invoke(OBJECT, 'm'));
  const invoke = ubusd.one(UBUS_MSG_INVOKE);
  ubusd.answerCall(invoke, 0, fromHex('8300000900016e0061'));
  assert.instance(await failing, WireError);
  assert.is(ubusd.client.up, true);
});
calls('fails when its answer grows beyond 4 MiB', async () => {
  const ubusd = new Ubusd().connect();
  const failing = rejection(ubusd.client.invoke(OBJECT, 'm'));
  const { seq, peer } = ubusd.one(UBUS_MSG_INVOKE);
  const data = encodeTable({ x: 'x'.repeat(1_000_000) });
  for (let i = 0; i < 5; i++) ubusd.send({ type: UBUS_MSG_DATA, seq, peer, attributes: { objectId: OBJECT, data } });
  assert.match((await failing).message, 'answer of more than 4194304 bytes');
});
calls('is refused while 1,024 wait, and not before', async () => {
  const ubusd = new Ubusd().connect();
  const failures: Error[] = [];
  for (let i = 0; i < 1025; i++) void ubusd.client.invoke(OBJECT, 'm').catch((error: Error) => failures.push(error));
  await ubusd.settle();
  assert.is(failures.length, 1);
  assert.match(failures[0]!.message, '1024 requests wait for an answer, at most 1024');
  assert.is(ubusd.take().length, 1024);
  ubusd.client.stop();
});
calls('is refused while 4 MiB wait to be sent', async () => {
  const ubusd = new Ubusd().connect();
  ubusd.far.queuedBytes = 4 * 1_048_576 + 1;
  assert.match((await rejection(ubusd.client.invoke(OBJECT, 'm'))).message, 'bytes wait to be sent');
});
calls.run();

const lookup = suite('UbusClient: lookup');
lookup('lists what ubusd shows, signatures decoded, bad ones empty', async () => {
  const ubusd = new Ubusd().connect();
  const objects = ubusd.client.lookup('net*');
  const request = ubusd.one(UBUS_MSG_LOOKUP);
  assert.is(request.attributes.path, 'net*');
  ubusd.answer(
    request,
    0,
    { path: 'net.a', objectId: OBJECT, objectType: 2000, signature: encodeTable({ m: { n: 5 } }) },
    { path: 'net.b', objectId: 3000, objectType: 2001, signature: fromHex('ff') },
  );
  assert.equal(await objects, [
    { path: 'net.a', id: OBJECT, type: 2000, signature: { m: { n: 5 } } },
    { path: 'net.b', id: 3000, type: 2001, signature: {} },
  ]);
});
lookup('asks for everything without a path', () => {
  const ubusd = new Ubusd().connect();
  void rejection(ubusd.client.lookup());
  assert.equal(ubusd.one(UBUS_MSG_LOOKUP).attributes, {});
});
lookup.run();

const rest = suite('UbusClient: send, ping, monitor');
rest('sends an event as it was captured', async () => {
  const ubusd = new Ubusd().connect();
  const sent = ubusd.client.send('meshbridge.peer', { up: true });
  assert.is(
    toHex(ubusd.far.take()),
    '00050001000000010000005403000008000000010400000973656e64000000000700003c8300001c00026964000000006d6573686272696467652e70656572008200001c00046461746100008700000d000275700000000001000000',
  );
  ubusd.send({ type: UBUS_MSG_STATUS, seq: 1, peer: 1, attributes: { status: 0 } });
  assert.is(await sent, undefined);
});
rest('tells that an event was refused', async () => {
  const ubusd = new Ubusd().connect();
  const refused = rejection(ubusd.client.send('ubus.x'));
  ubusd.answer(ubusd.one(UBUS_MSG_INVOKE), 6);
  assert.is(((await refused) as RemoteError).status, 6);
});
rest('pings', async () => {
  const ubusd = new Ubusd().connect();
  const pong = ubusd.client.ping();
  ubusd.answer(ubusd.one(UBUS_MSG_PING), 0, {});
  assert.is(await pong, undefined);
  assert.instance(
    await rejection(Promise.all([ubusd.client.ping({ timeoutMs: 5 }), ubusd.clock.advance(5)])),
    TimeoutError,
  );
});
rest.run();
