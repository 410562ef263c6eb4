import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError, LinkDownError, type RemoteError } from '../../src/errors.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import type { Publication, Will } from '../../src/mqtt/client.ts';
import { broker, type ClientPacket, Played } from '../support/mqtt.ts';

const MINUTE = 60_000;
const message = <Q extends 0 | 1>(
  topic: string,
  qos: Q,
  more: Partial<Publication> = {},
): Publication & { qos: Q } => ({
  topic,
  payload: encodeUtf8('x'),
  ...more,
  qos,
});
/** How a promise ended, once it has: `done`, or the error. */
function outcomeOf(promise: Promise<void>): { value?: string } {
  const outcome: { value?: string } = {};
  promise.then(
    () => {
      outcome.value = 'done';
    },
    (error: Error) => {
      outcome.value = error.message;
    },
  );
  return outcome;
}

const connect = suite('MqttClient: connect');
connect('says in CONNECT what it was told, in MQTT 5', () => {
  const it = new Played({ username: 'u', password: 'p' });
  const packet = it.greet();
  assert.equal(packet, {
    type: 1,
    version: 5,
    clientId: 'node',
    cleanStart: true,
    keepAliveS: 240,
    username: 'u',
    password: encodeUtf8('p'),
    properties: { sessionExpiryS: 600, receiveMaximum: 20, maximumPacketBytes: 16_384 },
  });
  assert.ok(it.client.up);
  assert.equal(it.changes, [[true, undefined]]);
  assert.is(it.client.report().protocol, 5);
});
connect('asks for its will with each connection', async () => {
  let count = 0;
  const will = (): Will => ({ topic: 't', payload: encodeUtf8(`${++count}`), qos: 1, retain: true, delayS: 90 });
  const it = new Played({ will });
  const first = it.greet();
  assert.equal(first.will, {
    topic: 't',
    payload: encodeUtf8('1'),
    qos: 1,
    retain: true,
    properties: { willDelayS: 90 },
  });
  it.far.end();
  await it.redial();
  assert.is(decodeUtf8(it.greet().will!.payload), '2');
});
connect('goes without a will that cannot be sent, and says so', () => {
  const it = new Played({
    will: () => ({ topic: 'a/#', payload: new Uint8Array(0), qos: 0, retain: false, delayS: 0 }),
  });
  assert.is(it.greet().will, undefined);
  assert.ok(it.lines.includes('error will left out'));
});
connect('refuses an id, user or password that cannot be sent', () => {
  for (const bad of [{ clientId: 'a\0' }, { username: '\ud800' }, { password: 'x'.repeat(65_536) }])
    assert.throws(
      () => new Played(bad),
      (error: Error) => error instanceof InputError && !error.message.includes('xxx'),
    );
});
connect('begins a session when the process does, and goes on with it afterwards', async () => {
  const it = new Played();
  assert.is(it.greet().cleanStart, true);
  for (let i = 0; i < 3; i++) {
    it.far.end(new Error('lost'));
    await it.redial();
    assert.is(it.greet({ session: true }).cleanStart, false);
  }
});
connect('begins a new session after one in which something broke the protocol', async () => {
  const it = new Played();
  it.greet();
  it.send(broker.publish(5, { topic: 'a', qos: 2, id: 1 }));
  assert.not.ok(it.client.up);
  await it.redial();
  assert.is(it.greet().cleanStart, true);
  it.far.end(new Error('lost'));
  await it.redial();
  assert.is(it.greet().cleanStart, false);
});
connect('waits 20 s for the greeting', async () => {
  const it = new Played();
  it.client.start();
  it.accept();
  const { far } = it;
  await it.clock.advance(19_999);
  assert.is(far.closed, false);
  await it.clock.advance(1);
  assert.is(far.closed, true);
  assert.is(it.client.report().last_error, 'connect: no answer within 20000 ms');
});
connect('gives up a dial that takes a minute', async () => {
  const it = new Played();
  it.client.start();
  const { far } = it;
  await it.clock.advance(MINUTE);
  assert.ok(far.closed);
});
connect('waits at first, then dials at once when it is started again', async () => {
  const it = new Played({ profile: 'fleet', random: () => 0.5 });
  it.client.start();
  await it.clock.advance(9999);
  assert.is(it.streams.dialled.length, 0);
  await it.clock.advance(1);
  assert.is(it.streams.dialled.length, 1);
  it.client.stop();
  it.client.start();
  assert.is(it.streams.dialled.length, 2);
});
connect('waits no longer than at first when an uplink is back', async () => {
  const it = new Played({ profile: 'fleet', random: () => 0.5 });
  it.client.start();
  await it.redial();
  for (let i = 0; i < 6; i++) {
    it.far.end(new Error('no route'));
    await it.redial();
  }
  it.far.end(new Error('no route'));
  const dials = it.streams.dialled.length;
  it.client.lineBack();
  await it.clock.advance(10_000);
  assert.is(it.streams.dialled.length, dials + 1);
});
connect('does not hasten to a door that is closed', async () => {
  const it = new Played();
  it.greet({ code: 0x87 });
  it.client.lineBack();
  await it.clock.advance(14 * MINUTE);
  assert.is(it.streams.dialled.length, 1);
  assert.equal(it.alarms, [['not-authorised', 'connect: not authorised']]);
  assert.is(it.client.report().alarm, 'connect: not authorised');
  await it.clock.advance(MINUTE);
  it.greet();
  assert.equal(it.alarms.slice(1), [['not-authorised', undefined]]);
  assert.is(it.client.report().alarm, undefined);
});
connect('spreads as it is told', async () => {
  const it = new Played({ profile: 'fleet', random: () => 0.99 });
  it.client.setSpread(10);
  it.client.start();
  await it.clock.advance(1100);
  assert.is(it.streams.dialled.length, 1);
});
connect.run();

// ---

const version = suite('MqttClient: version');
version('falls back to 3.1.1 within a second where that is refused by code, and remembers', async () => {
  for (const refusal of [Uint8Array.of(0x20, 2, 0, 1), broker.connack(5, { code: 0x84 })]) {
    const it = new Played({ username: 'u', password: 'p', random: () => 0.9 });
    it.client.start();
    await it.redial();
    it.accept();
    it.send(refusal);
    await it.clock.advance(1000);
    const packet = it.greet();
    assert.equal(packet, {
      type: 1,
      version: 4,
      clientId: 'node',
      cleanStart: false,
      keepAliveS: 240,
      username: 'u',
      password: encodeUtf8('p'),
      properties: {},
    });
    assert.is(it.client.report().protocol, 4);
    it.far.end(new Error('lost'));
    await it.redial();
    assert.is(it.greet().version, 4);
    assert.equal(it.alarms, []);
  }
});
version('falls back where the broker ends two connections without a word', async () => {
  const it = new Played();
  it.client.start();
  const spoken: number[] = [];
  for (let i = 0; i < 4; i++) {
    spoken.push(it.accept().version);
    it.far.end();
    await it.redial();
  }
  assert.equal(spoken, [5, 5, 4, 4]);
});
version('does not fall back when nothing answers at all', async () => {
  const it = new Played();
  it.client.start();
  for (let i = 0; i < 5; i++) {
    it.far.end(new Error('Connection refused'));
    await it.redial();
  }
  assert.is(it.accept().version, 5);
});
version('is not changed by our own stop', async () => {
  const it = new Played();
  for (let i = 0; i < 5; i++) {
    it.client.start();
    assert.is(it.accept().version, 5);
    it.client.stop();
  }
});
version('3.1.1 keeps the session unless that is not wanted', async () => {
  for (const [sessionExpiryS, cleanStart] of [
    [600, false],
    [0, true],
  ] as const) {
    const it = new Played({ sessionExpiryS });
    it.client.start();
    it.accept();
    it.send(Uint8Array.of(0x20, 2, 0, 1));
    await it.redial();
    assert.is(it.greet().cleanStart, cleanStart);
  }
});
version('3.1.1 knows the codes of old', async () => {
  const it = new Played();
  it.client.start();
  it.accept();
  it.send(Uint8Array.of(0x20, 2, 0, 1));
  await it.redial();
  it.greet({ code: 4 });
  assert.equal(it.alarms, [['not-authorised', 'connect: bad user name or password']]);
});
version.run();

// ---

const publish = suite('MqttClient: publish');
publish('QoS 0 is sent, or refused while there is no connection', async () => {
  const it = new Played();
  assert.is(it.client.publish(message('a', 0)), false);
  it.greet();
  assert.is(it.client.publish(message('a', 0, { retain: true, expiryS: 600 })), true);
  assert.equal(it.told(), ['PUBLISH a 0 retain 600s x']);
  it.far.end();
  assert.is(it.client.publish(message('a', 0)), false);
});
publish('QoS 1 is done when it is acknowledged', async () => {
  const it = new Played();
  it.greet();
  const outcome = outcomeOf(it.client.publish(message('a', 1)));
  assert.equal(it.told(), ['PUBLISH a 1 #1 x']);
  await it.settle();
  assert.is(outcome.value, undefined);
  it.send(broker.puback(5, 1));
  await it.settle();
  assert.is(outcome.value, 'done');
});
publish('QoS 1 survives a connection, with DUP in a session that goes on', async () => {
  const it = new Played();
  it.greet();
  const outcome = outcomeOf(it.client.publish(message('a', 1)));
  it.told();
  it.far.end(new Error('lost'));
  await it.redial();
  it.greet({ session: true });
  assert.equal(it.told(), ['PUBLISH a 1 #1 dup x']);
  it.far.end(new Error('lost'));
  await it.redial();
  it.greet();
  assert.equal(it.told(), ['PUBLISH a 1 #2 x']);
  it.send(broker.puback(5, 2));
  await it.settle();
  assert.is(outcome.value, 'done');
});
publish('QoS 1 is refused with the broker’s reason', async () => {
  const it = new Played();
  it.greet();
  const failure = it.client.publish(message('a', 1)).catch((error: RemoteError) => error);
  it.send(broker.puback(5, 1, 0x87));
  assert.equal([(await failure)?.message, (await failure)?.status], ['publish a: not authorised', 0x87]);
});
publish('keeps to the broker’s Receive Maximum', () => {
  const it = new Played();
  it.greet({ receiveMaximum: 2 });
  for (const topic of ['a', 'b', 'c']) void it.client.publish(message(topic, 1));
  assert.equal(it.told(), ['PUBLISH a 1 #1 x', 'PUBLISH b 1 #2 x']);
  it.send(broker.puback(5, 1));
  assert.equal(it.told(), ['PUBLISH c 1 #3 x']);
});
publish('keeps to the broker’s Maximum Packet Size', async () => {
  const it = new Played();
  it.greet({ maximumPacketBytes: 20 });
  const payload = new Uint8Array(30);
  assert.is(it.client.publish(message('a', 0, { payload })), false);
  const outcome = outcomeOf(it.client.publish(message('a', 1, { payload })));
  await it.settle();
  assert.is(outcome.value, 'publish a: 38 bytes, the broker takes at most 20');
  assert.equal(it.told(), []);
  assert.ok(it.client.up);
});
publish('refuses what is no topic', async () => {
  const it = new Played();
  it.greet();
  assert.throws(
    () => it.client.publish(message('a/#', 0)),
    (error: Error) => error instanceof InputError && error.field === 'topic',
  );
  assert.instance(await it.client.publish(message('', 1)).catch((error) => error), InputError);
});
publish('sends a topic once where the broker allows aliases, no more of them than it does', async () => {
  const it = new Played();
  it.greet({ topicAliasMaximum: 2 });
  const aliased = (topic: string): void => {
    it.client.publish(message(topic, 0, { alias: true }));
    it.client.publish(message(topic, 0, { alias: true }));
  };
  aliased('a');
  it.client.publish(message('b', 0));
  aliased('c');
  aliased('d');
  assert.equal(it.told(), [
    'PUBLISH a 0 alias 1 x',
    'PUBLISH 0 alias 1 x',
    'PUBLISH b 0 x',
    'PUBLISH c 0 alias 2 x',
    'PUBLISH 0 alias 2 x',
    'PUBLISH d 0 x',
    'PUBLISH d 0 x',
  ]);
  it.far.end();
  await it.redial();
  it.greet();
  aliased('a');
  assert.equal(it.told(), ['PUBLISH a 0 x', 'PUBLISH a 0 x']);
});
publish('gives no alias to a message that was too long to be sent', () => {
  const it = new Played();
  it.greet({ topicAliasMaximum: 2, maximumPacketBytes: 30 });
  it.client.publish(message('a', 0, { alias: true, payload: new Uint8Array(30) }));
  it.client.publish(message('a', 0, { alias: true }));
  assert.equal(it.told(), ['PUBLISH a 0 alias 1 x']);
});
publish('QoS 1 goes as QoS 0 to a broker that takes no other', async () => {
  const it = new Played();
  it.greet({ maximumQos: 0 });
  const outcome = outcomeOf(it.client.publish(message('a', 1)));
  await it.settle();
  assert.is(outcome.value, 'done');
  assert.equal(it.told(), ['PUBLISH a 0 x']);
});
publish('leaves retain away where the broker keeps nothing', () => {
  const it = new Played();
  it.greet({ retainAvailable: 0 });
  it.client.publish(message('a', 0, { retain: true }));
  it.client.publish(message('a', 0, { retain: true }));
  assert.equal(it.told(), ['PUBLISH a 0 x', 'PUBLISH a 0 x']);
  assert.is(it.lines.filter((line) => line === 'warn the broker keeps no messages').length, 1);
});
publish('has no properties before MQTT 5', async () => {
  const it = new Played();
  it.client.start();
  it.accept();
  it.send(Uint8Array.of(0x20, 2, 0, 1));
  await it.redial();
  it.greet();
  it.client.publish(message('a', 0, { expiryS: 60, contentType: 't', alias: true }));
  assert.equal(it.told(), ['PUBLISH a 0 x']);
});
publish.run();

// ---

const subscribe = suite('MqttClient: subscribe');
subscribe('asks with its options, again on each connection, before it sends anything else', async () => {
  const it = new Played();
  it.client.subscribe('a/+', 1);
  it.client.subscribe('b', 0, { noLocal: true, retainHandling: 2 });
  void it.client.publish(message('p', 1));
  it.greet();
  const [packet, then] = it.take();
  assert.equal((packet as ClientPacket & { requests: unknown }).requests, [
    { filter: 'a/+', qos: 1, noLocal: false, retainHandling: 1 },
    { filter: 'b', qos: 0, noLocal: true, retainHandling: 2 },
  ]);
  assert.is(then?.type, 3);
  it.send(broker.suback(5, 32768, [1, 0]), broker.puback(5, 1));
  it.far.end();
  await it.redial();
  it.greet({ session: true });
  assert.equal(it.told(), ['SUBSCRIBE #32769 a/+:1 b:0']);
});
subscribe('raises an alarm for what is refused, until it is granted', async () => {
  const it = new Played();
  it.client.subscribe('a', 1);
  it.greet();
  it.send(broker.suback(5, 32768, [0x87]));
  assert.equal(it.alarms, [['subscription-refused', 'a: not authorised']]);
  assert.ok(it.client.up);
  it.far.end();
  await it.redial();
  it.greet();
  it.send(broker.suback(5, 32769, [1]));
  assert.equal(it.alarms.slice(1), [['subscription-refused', undefined]]);
});
subscribe('takes back what is not wanted', () => {
  const it = new Played();
  it.greet();
  const cancel = it.client.subscribe('a', 1);
  cancel();
  assert.equal(it.told(), ['SUBSCRIBE #32768 a:1', 'UNSUBSCRIBE #32769 a']);
  it.send(broker.suback(5, 32768, [1]), broker.unsuback(5, 32769, [0]));
  assert.ok(it.client.up);
});
subscribe('gives up a connection on which it is not answered', async () => {
  const it = new Played();
  it.client.subscribe('a', 1);
  it.greet();
  await it.clock.advance(30_000);
  assert.is(it.client.report().last_error, 'subscribe: no answer within 30000 ms');
});
subscribe('gives up a connection on which the answer does not fit', () => {
  const it = new Played();
  it.client.subscribe('a', 1);
  it.greet();
  it.told();
  it.send(broker.suback(5, 32768, [1, 1]));
  assert.equal(it.told(), ['DISCONNECT 0x82']);
  assert.not.ok(it.client.up);
});
for (const [what, ...packets] of [
  ['more than was asked for', broker.suback(5, 32768, [2])],
  ['what was asked for as if it was to end', broker.unsuback(5, 32768, [0])],
] as const)
  subscribe(`gives up a connection on which ${what} is granted`, () => {
    const it = new Played();
    it.client.subscribe('a', 1);
    it.greet();
    it.told();
    it.send(...packets);
    assert.equal(it.told(), ['DISCONNECT 0x82']);
  });
subscribe('takes what it asked for, and nothing else: that is answered, counted and told once', () => {
  const it = new Played();
  it.client.subscribe('a/+', 1);
  it.client.subscribe('b', 0);
  it.greet();
  it.told();
  const publish = (topic: string, qos: 0 | 1 = 0): void =>
    it.send(broker.publish(5, { topic, qos, ...(qos === 1 && { id: 7 }) }));
  for (const topic of ['a', 'a/b/c', 'c', '$SYS/a', 'a/b']) publish(topic);
  publish('a/c', 1);
  publish('b', 1);
  publish('b');
  assert.equal(
    it.messages.map(({ topic, qos }) => `${topic} ${qos}`),
    ['a/b 0', 'a/c 1', 'b 0'],
  );
  assert.is(it.client.report().unasked, 5);
  assert.equal(it.told(), ['PUBACK #7', 'PUBACK #7'], '~> a broker that keeps it would send it again');
  assert.is(it.lines.filter((line) => line === 'warn message passed over, nobody asked for it').length, 1);
});
subscribe('takes nothing any more that it has taken back', () => {
  const it = new Played();
  it.greet();
  it.client.subscribe('a', 1)();
  it.send(broker.publish(5, { topic: 'a' }));
  assert.equal([it.messages.length, it.client.report().unasked], [0, 1]);
});
subscribe.run();

// ---

const takeover = suite('MqttClient: takeover');
takeover('twice in a row makes it wait and tell a person', async () => {
  const it = new Played();
  it.greet();
  for (let i = 0; i < 2; i++) {
    it.send(broker.disconnect(0x8e));
    if (i === 0) {
      await it.redial();
      it.greet();
    }
  }
  const dials = it.streams.dialled.length;
  await it.clock.advance(14 * MINUTE);
  assert.is(it.streams.dialled.length, dials);
  assert.equal(it.alarms, [
    ['duplicate-id', 'another client seems to use our id: the broker ended the connection: session taken over'],
  ]);
  await it.clock.advance(MINUTE);
  assert.is(it.streams.dialled.length, dials + 1);
});
takeover('without a word is seen too, in MQTT 3.1.1', async () => {
  const it = new Played();
  it.client.start();
  it.accept();
  it.send(Uint8Array.of(0x20, 2, 0, 1));
  for (let i = 0; i < 6; i++) {
    await it.redial();
    it.greet();
    await it.clock.advance(2000);
    it.far.end();
  }
  assert.equal(
    it.alarms.map(([id]) => id),
    ['duplicate-id'],
  );
});
takeover('by a broker that sends us elsewhere does not move us', async () => {
  const it = new Played();
  it.greet();
  it.send(broker.disconnect(0x9d));
  assert.is(it.client.report().last_error, 'the broker ended the connection: server moved');
  await it.redial();
  assert.equal(it.far.endpoint, { path: '/run/mqtt.sock' });
  assert.equal(it.alarms, []);
});
takeover.run();

// ---

const stop = suite('MqttClient.stop');
stop('takes leave', () => {
  for (const [leave, expected] of [
    [undefined, 'DISCONNECT'],
    ['quiet', 'DISCONNECT'],
    ['will', 'DISCONNECT 0x4'],
  ] as const) {
    const it = new Played();
    it.greet();
    it.client.stop(leave);
    assert.equal(it.told(), [expected]);
    assert.ok(it.far.closed);
    assert.equal(it.changes.at(-1), [false, 'link stopped']);
    assert.is(it.clock.pending, 0);
    assert.is(it.client.report().state, 'stopped');
  }
});
stop('says nothing to a broker of 3.1.1 that is to publish the will', async () => {
  const it = new Played();
  it.client.start();
  it.accept();
  it.send(Uint8Array.of(0x20, 2, 0, 1));
  await it.redial();
  it.greet();
  it.client.stop('will');
  assert.equal(it.told(), []);
  assert.ok(it.far.closed);
});
stop('gives up what waits, and keeps the subscriptions', async () => {
  const it = new Played();
  it.client.subscribe('a', 1);
  it.greet();
  const sent = outcomeOf(it.client.publish(message('a', 1)));
  it.client.stop();
  const late = it.client.publish(message('b', 1)).catch((error: Error) => error);
  await it.settle();
  assert.is(sent.value, 'mqtt: client stopped');
  it.client.stop();
  assert.instance(await late, LinkDownError);
  it.greet();
  assert.equal(it.told(), ['SUBSCRIBE #32769 a:1']);
});
stop('may be called from inside a message, a change and an alarm, before the greeting too', async () => {
  const stopping = (): { it: Played; stop: () => void } => {
    const stop = (): void => it.client.stop();
    const it: Played = new Played({ onMessage: stop, onChange: stop, onAlarm: stop });
    return { it, stop };
  };
  const { it } = stopping();
  it.greet();
  assert.is(it.clock.pending, 0);
  const refused = stopping().it;
  refused.greet({ code: 0x87 });
  assert.is(refused.client.report().state, 'stopped');
  assert.is(refused.clock.pending, 0);
  const message = new Played({ onMessage: (): void => message.client.stop() });
  message.listen();
  message.send(broker.publish(5, { topic: 'a', qos: 1, id: 1 }), broker.publish(5, { topic: 'a', qos: 1, id: 2 }));
  assert.equal(message.told(), ['DISCONNECT']);
  assert.is(message.clock.pending, 0);
});
stop.run();
