import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { joinBytes } from '../../src/lib/bytes.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { MAX_STUCK_BYTES, MAX_UNPROVEN_BYTES } from '../../src/mqtt/connection.ts';
import type { PublishPacket, Version } from '../../src/mqtt/packet.ts';
import { bytesOf, PACKETS } from '../fixtures/mqtt/packets.ts';
import { broker, Played } from '../support/mqtt.ts';

const text = (topic: string, more: Partial<PublishPacket> = {}): Uint8Array =>
  broker.publish(5, { topic, payload: encodeUtf8('hi'), ...more });

/** A client that was greeted and listens, in this version. */
function greeted(version: Version): Played {
  const it = new Played({ version });
  it.listen();
  return it;
}

const receive = suite('Connection: what comes');
receive('is handed on with what the sender said, and answered afterwards', () => {
  const it = new Played();
  it.listen();
  const properties = {
    responseTopic: 'r',
    correlationData: encodeUtf8('c'),
    contentType: 't',
    messageExpiryS: 60,
    subscriptionIds: [1],
  };
  it.send(text('a'), text('b', { qos: 1, id: 7, dup: true, retain: true, properties }));
  const { subscriptionIds, messageExpiryS, ...rest } = properties;
  const payload = encodeUtf8('hi');
  assert.equal(it.messages, [
    { topic: 'a', payload, qos: 0, retain: false, dup: false },
    { topic: 'b', payload, qos: 1, retain: true, dup: true, ...rest, expiryS: 60 },
  ]);
  assert.equal(it.told(), ['PUBACK #7']);
});
receive('is answered in order, each when its handler is done', async () => {
  const ends: (() => void)[] = [];
  const it = new Played({
    onMessage: () =>
      new Promise<void>((resolve) => {
        ends.push(resolve);
      }),
  });
  it.listen();
  it.send(...[1, 2, 3].map((id) => text('a', { qos: 1, id })), text('b'));
  ends[1]!();
  ends[3]!();
  await it.settle();
  assert.equal(it.told(), []);
  ends[0]!();
  await it.settle();
  assert.equal(it.told(), ['PUBACK #1', 'PUBACK #2']);
  ends[2]!();
  await it.settle();
  assert.equal(it.told(), ['PUBACK #3']);
});
receive('is answered when its handler fails, which is told', async () => {
  for (const fail of [
    (): never => {
      throw new Error('no');
    },
    (): Promise<void> => Promise.reject(new Error('no')),
  ]) {
    const it = new Played({ onMessage: fail });
    it.listen();
    it.send(text('a', { qos: 1, id: 1 }));
    await it.settle();
    assert.equal(it.told(), ['PUBACK #1']);
    assert.ok(it.lines.includes('warn message not taken'));
  }
});
receive('is told of as not taken once, however often that happens', async () => {
  const it = new Played({ onMessage: () => Promise.reject(new Error('no')) });
  it.listen();
  for (let id = 1; id <= 50; id++) {
    it.send(text('a', { qos: 1, id }));
    await it.settle();
  }
  assert.is(it.lines.filter((line) => line === 'warn message not taken').length, 1);
  assert.is(it.told().length, 50);
});
receive('is not answered on another connection than it came by', async () => {
  let end = (): void => {};
  const it = new Played({
    onMessage: () =>
      new Promise<void>((resolve) => {
        end = resolve;
      }),
  });
  it.listen();
  it.send(text('a', { qos: 1, id: 1 }));
  it.far.end();
  await it.redial();
  it.greet({ session: true });
  it.told();
  end();
  await it.settle();
  assert.equal(it.told(), []);
});
receive('and is too long before MQTT 5 is answered and passed over, once told', async () => {
  const it = greeted(4);
  const long = { topic: 'a', payload: new Uint8Array(20_000) };
  it.send(
    broker.publish(4, { ...long, qos: 1, id: 1 }),
    broker.publish(4, long),
    broker.publish(4, { topic: 'b', payload: encodeUtf8('hi') }),
  );
  assert.equal(
    it.messages.map(({ topic }) => topic),
    ['b'],
  );
  assert.equal(it.told(), ['PUBACK #1']);
  assert.is(it.lines.filter((line) => line.startsWith('warn')).length, 1);
});
receive.run();

// ---

const violations = suite('Connection: what a broker must not do');
for (const [what, bytes, told] of [
  ['a topic alias', text('a', { properties: { topicAlias: 1 } }), 'DISCONNECT 0x94'],
  ['QoS 2', text('a', { qos: 2, id: 1 }), 'DISCONNECT 0x9b'],
  ['a second greeting', broker.connack(5), 'DISCONNECT 0x82'],
  ['AUTH', bytesOf('f000'), 'DISCONNECT 0x82'],
  ['PUBREC', bytesOf('50020001'), 'DISCONNECT 0x82'],
  ['PUBREL', bytesOf('62020001'), 'DISCONNECT 0x82'],
  ['PUBCOMP', bytesOf('70020001'), 'DISCONNECT 0x82'],
  ['a packet of a client', bytesOf('c000'), 'DISCONNECT 0x81'],
  ['a packet that is too long', bytesOf('30ffff7f'), 'DISCONNECT 0x95'],
  ['bytes that are none', bytesOf('ffffffffff'), 'DISCONNECT 0x81'],
  ['a property twice', bytesOf('300a 00016106 230001230002'), 'DISCONNECT 0x81'],
] as const)
  violations(`${what}: is told why, and lost`, async () => {
    const it = new Played();
    it.greet();
    it.send(bytes, text('late'));
    assert.not.ok(it.client.up);
    assert.ok(it.far.closed);
    assert.equal(it.told(), [told]);
    assert.equal(it.messages, []);
  });
violations('an id again before we answered the message with it', () => {
  const it = new Played({ onMessage: () => new Promise(() => {}) });
  it.listen();
  it.send(text('a', { qos: 1, id: 1 }), text('b', { qos: 1, id: 2 }), text('c', { qos: 1, id: 1, dup: true }));
  assert.equal(it.told(), ['DISCONNECT 0x91']);
});
violations('the same before MQTT 5, where it is allowed: each is answered', async () => {
  const ends: (() => void)[] = [];
  const it = new Played({
    version: 4,
    onMessage: () =>
      new Promise<void>((resolve) => {
        ends.push(resolve);
      }),
  });
  it.listen();
  for (const dup of [false, true]) it.send(broker.publish(4, { topic: 'a', qos: 1, id: 1, dup }));
  for (const end of ends) end();
  await it.settle();
  assert.equal(it.told(), ['PUBACK #1', 'PUBACK #1']);
});
violations('a session although a new one was begun', () => {
  const it = new Played();
  it.greet({ session: true });
  assert.not.ok(it.client.up);
  assert.is(it.client.report().last_error, 'mqtt: a session although we began a new one');
});
violations('acknowledgements of nothing are passed over', () => {
  const it = new Played();
  it.greet();
  it.send(broker.puback(5, 9), broker.suback(5, 9, [0]), broker.unsuback(5, 9, [0]), broker.pingresp());
  assert.ok(it.client.up);
});
for (const version of [4, 5] as const)
  violations(
    `any packet with any byte changed, version ${version}: the client goes on or drops the link, and nothing is left behind`,
    async () => {
      for (const [, of, hex] of PACKETS) {
        if (of !== version) continue;
        const bytes = bytesOf(hex);
        for (let at = 0; at < bytes.length; at++)
          for (const value of [0, 1, 0x7f, 0x80, 0xff, bytes[at]! ^ 1, bytes[at]! ^ 0x10]) {
            const it = greeted(version);
            const changed = bytes.slice();
            changed[at] = value;
            it.send(changed, bytes);
            it.client.stop();
            assert.is(it.clock.pending, 0, `${hex} at ${at}: ${value}`);
          }
      }
    },
  );
violations.run();

// ---

const alive = suite('Connection: signs of life');
alive('are asked for after 240 s of silence', async () => {
  const it = new Played();
  it.greet();
  await it.clock.advance(239_999);
  assert.equal(it.told(), []);
  await it.clock.advance(1);
  assert.equal(it.told(), ['PINGREQ']);
  it.send(broker.pingresp());
  await it.clock.advance(239_999);
  assert.equal(it.told(), []);
  assert.ok(it.client.up);
});
alive('must come within 15 s', async () => {
  const it = new Played();
  it.greet();
  await it.clock.advance(240_000 + 15_000);
  assert.not.ok(it.client.up);
  assert.equal(it.changes.at(-1), [false, 'ping: no answer within 15000 ms']);
});
alive('are asked for more often where the line forgets us, on later connections too', async () => {
  const it = new Played();
  it.greet();
  for (let i = 0; i < 2; i++) {
    await it.clock.advance(240_000 + 15_000);
    await it.redial();
    it.greet();
  }
  it.told();
  await it.clock.advance(120_000);
  assert.equal(it.told(), ['PINGREQ']);
});
alive('are asked for as often as the broker wants', async () => {
  const it = new Played();
  it.greet({ serverKeepAliveS: 30 });
  await it.clock.advance(30_000);
  assert.equal(it.told(), ['PINGREQ']);
});
alive.run();

// ---

const waiting = suite('Connection: what waits');
const KIB = new Uint8Array(1000);
waiting('is what nothing proves to have been read: a ping asks for proof', () => {
  const it = new Played();
  it.greet();
  for (let i = 0; i < 17; i++) it.client.publish({ topic: 'a', payload: KIB, qos: 0 });
  assert.is(it.client.queuedBytes, 17 * 1007 + 2);
  assert.not.ok(it.client.congested);
  assert.is(it.told().filter((line) => line === 'PINGREQ').length, 1);
  for (let i = 0; i < 16; i++) it.client.publish({ topic: 'a', payload: KIB, qos: 0 });
  assert.ok(it.client.congested);
  assert.is(it.told().filter((line) => line === 'PINGREQ').length, 0, '~> one ping at a time');
  it.send(broker.pingresp());
  assert.not.ok(it.client.congested);
});
waiting('is proved by the acknowledgement of a later message', () => {
  const it = new Played();
  it.greet();
  for (let i = 0; i < 10; i++) it.client.publish({ topic: 'a', payload: KIB, qos: 0 });
  void it.client.publish({ topic: 'b', payload: KIB, qos: 1 });
  it.send(broker.puback(5, 1));
  assert.is(it.client.queuedBytes, 0);
});
waiting('holds no more than a bound of what need not be sent', async () => {
  const it = new Played();
  it.greet();
  let sent = 0;
  while (it.client.publish({ topic: 'a', payload: KIB, qos: 0 })) sent++;
  assert.ok(sent * 1000 > 0.9 * MAX_UNPROVEN_BYTES && it.client.queuedBytes < MAX_UNPROVEN_BYTES + 2000);
  await it.clock.advance(15_000 + MAX_UNPROVEN_BYTES);
  assert.not.ok(it.client.up, '~> a broker that reads nothing is given up');
});
waiting('counts messages that are not acknowledged', () => {
  const it = new Played();
  const payload = new Uint8Array(40_000);
  it.client.publish({ topic: 'a', payload, qos: 1 }).catch(() => {});
  assert.is(it.client.queuedBytes, 40_001);
  assert.ok(it.client.congested);
  it.client.stop();
});
waiting('is asked about again as long as there is much', () => {
  const it = new Played();
  it.greet();
  for (let i = 0; i < 40; i++) it.client.publish({ topic: 'a', payload: KIB, qos: 0 });
  it.told();
  it.send(broker.pingresp());
  assert.equal(it.told(), ['PINGREQ']);
  it.send(broker.pingresp());
  assert.equal(it.told(), []);
  assert.is(it.client.queuedBytes, 0);
});
waiting('is never less than what is still here, whatever a broker claims to have read', () => {
  const it = new Played();
  it.greet();
  it.far.accepting = false;
  for (let i = 0; i < 40; i++) it.client.publish({ topic: 'a', payload: KIB, qos: 0 });
  // as often as it likes
  for (let i = 0; i < 5; i++) it.send(broker.pingresp());
  assert.ok(it.client.queuedBytes > 40_000 && it.client.congested, String(it.client.queuedBytes));
  while (it.client.publish({ topic: 'a', payload: KIB, qos: 0 })) it.send(broker.pingresp());
  assert.ok(it.far.queuedBytes < MAX_UNPROVEN_BYTES + 2000);
  assert.ok(it.client.up);
});
waiting('ends the connection where answers to a flood are not read', async () => {
  const it = new Played();
  it.listen();
  it.far.accepting = false;
  let most = 0;
  for (let id = 0; it.client.up && id < 60_000; id++) {
    it.send(text('a', { qos: 1, id: 1 + (id % 65_535) }), broker.pingresp());
    most = Math.max(most, it.far.queuedBytes);
    if (id % 32 === 0) await it.clock.advance(250);
  }
  assert.match(it.client.report().last_error!, /^the broker reads nothing: \d+ bytes wait$/);
  assert.ok(most < MAX_STUCK_BYTES + 2000, String(most));
});
waiting.run();

// ---

const flood = suite('Connection: a flood');
flood('is taken 64 packets at a time, four times a second, and slows the sender down', async () => {
  const it = new Played();
  it.listen();
  await it.clock.advance(1000);
  it.send(...Array.from({ length: 200 }, (_, i) => text(`${i}`)));
  assert.is(it.messages.length, 64);
  assert.is(it.far.reading, false);
  await it.clock.advance(249);
  assert.is(it.messages.length, 64);
  await it.clock.advance(1);
  assert.is(it.messages.length, 128);
  await it.clock.advance(500);
  assert.equal(
    it.messages.map(({ topic }) => topic),
    Array.from({ length: 200 }, (_, i) => `${i}`),
  );
  assert.is(it.far.reading, true);
});
flood('in small pieces is slowed down as well, a trickle is not', async () => {
  const it = new Played();
  it.listen();
  await it.clock.advance(1000);
  for (let i = 0; i < 63; i++) it.send(text('a'));
  await it.clock.advance(250);
  for (let i = 0; i < 63; i++) it.send(text('a'));
  assert.is(it.messages.length, 126);
  assert.is(it.far.reading, true);
  it.send(text('a'));
  assert.is(it.far.reading, false);
  it.send(text('b'));
  assert.is(it.messages.length, 127);
  await it.clock.advance(250);
  assert.is(it.messages.length, 128);
});
flood('that splits packets anywhere loses none', async () => {
  const it = new Played();
  it.listen();
  const all = joinBytes(Array.from({ length: 300 }, (_, i) => text(`topic/${i}`, { qos: 1, id: i + 1 })));
  for (let at = 0; at < all.length; at += 997) {
    it.far.send(all.subarray(at, at + 997));
    await it.clock.advance(10);
  }
  await it.clock.advance(2000);
  assert.equal(
    it.messages.map(({ topic, payload }) => `${topic} ${decodeUtf8(payload)}`),
    Array.from({ length: 300 }, (_, i) => `topic/${i} hi`),
  );
  assert.is(it.told().length, 300);
});
for (const version of [5, 4] as const)
  flood(`of messages that we have not answered is held back, version ${version}, and loses none`, async () => {
    const ends: (() => void)[] = [];
    const it = new Played({
      version,
      receiveMaximum: 2,
      onMessage: () =>
        new Promise<void>((resolve) => {
          ends.push(resolve);
        }),
    });
    it.listen();
    it.send(...Array.from({ length: 10 }, (_, i) => broker.publish(version, { topic: 'a', qos: 1, id: i + 1 })));
    assert.equal([ends.length, it.far.reading], [3, false]);
    it.send(broker.publish(version, { topic: 'a', qos: 1, id: 11 }));
    for (let i = 0; i < 11; i++) {
      ends[i]!();
      await it.settle();
      assert.ok(ends.length <= i + 4, `${ends.length} at ${i}`);
    }
    assert.equal([ends.length, it.far.reading, it.client.up], [11, true, true]);
    assert.equal(
      it.told(),
      Array.from({ length: 11 }, (_, i) => `PUBACK #${i + 1}`),
    );
    it.client.stop();
    assert.is(it.clock.pending, 0);
  });
flood('of unanswered messages is held back no more once the connection has ended', async () => {
  const ends: (() => void)[] = [];
  const it = new Played({
    receiveMaximum: 1,
    onMessage: () =>
      new Promise<void>((resolve) => {
        ends.push(resolve);
      }),
  });
  it.listen();
  it.send(...[1, 2, 3].map((id) => text('a', { qos: 1, id })));
  it.far.end();
  for (const end of ends) end();
  await it.settle();
  assert.equal([ends.length, it.told()], [2, []]);
});
flood('leaves nothing behind when the connection ends in it', async () => {
  const it = new Played();
  it.listen();
  it.send(...Array.from({ length: 200 }, () => text('a')));
  it.client.stop();
  await it.clock.advance(1000);
  assert.ok(it.messages.length <= 64);
  assert.is(it.clock.pending, 0);
});
flood.run();
