import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.ts';
import { fromHex, toHex } from '../../src/lib/bytes.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import {
  encodeAck,
  encodeConnect,
  encodePing,
  encodePublish,
  encodeReason,
  encodeSubscribe,
  encodeUnsubscribe,
} from '../../src/mqtt/encode.ts';
import {
  AUTH,
  type ConnectPacket,
  DISCONNECT,
  PUBACK,
  PUBCOMP,
  PUBREC,
  PUBREL,
  type PublishPacket,
} from '../../src/mqtt/packet.ts';

const NOTHING = new Uint8Array(0);
const PLAIN: ConnectPacket = { clientId: 'c', cleanStart: true, keepAliveS: 240 };
const FULL: ConnectPacket = {
  clientId: 'c',
  cleanStart: false,
  keepAliveS: 60,
  username: 'u',
  password: encodeUtf8('p'),
  will: {
    topic: 't',
    payload: encodeUtf8('w'),
    qos: 1,
    retain: true,
    properties: { willDelayS: 90 },
  },
  properties: { sessionExpiryS: 600, receiveMaximum: 20 },
};

const connect = suite('encodeConnect');
connect('writes the least that there is', () => {
  assert.is(toHex(encodeConnect(PLAIN, 4)), '100d00044d5154540402 00f0 000163'.replaceAll(' ', ''));
  assert.is(toHex(encodeConnect(PLAIN, 5)), '100e00044d5154540502 00f0 00 000163'.replaceAll(' ', ''));
});
connect('writes will, user and password, in this order', () => {
  const head = '00044d515454';
  const fields = '000175000170';
  assert.is(
    toHex(encodeConnect(FULL, 5)),
    `1028${head}05ec003c 08 1100000258210014 000163 05180000005a 000174 000177 ${fields}`.replaceAll(' ', ''),
  );
  assert.is(toHex(encodeConnect(FULL, 4)), `1019${head}04ec003c 000163 000174 000177 ${fields}`.replaceAll(' ', ''));
});
connect('writes an empty password as one', () => {
  const bytes = encodeConnect({ ...PLAIN, username: '', password: NOTHING }, 4);
  assert.is(toHex(bytes), '101100044d5154540 4c2 00f0 000163 0000 0000'.replaceAll(' ', ''));
});
connect('refuses a will that cannot be published', () => {
  for (const [topic, payload] of [
    ['a/+', NOTHING],
    ['', NOTHING],
    ['a', new Uint8Array(65_536)],
  ] as const)
    assert.throws(
      () => encodeConnect({ ...PLAIN, will: { topic, payload, qos: 0, retain: false } }, 5),
      (error: Error) => error instanceof InputError,
    );
});
connect('does not show the password that it refuses', () => {
  const password = encodeUtf8('secret'.repeat(11_000));
  assert.throws(
    () => encodeConnect({ ...PLAIN, password }, 5),
    (error: Error) => !error.message.includes('secret') && /^password: 66000 bytes/.test(error.message),
  );
});
connect.run();

// ---

const message = (more: Partial<PublishPacket>): Omit<PublishPacket, 'type'> => ({
  topic: 'a/b',
  payload: encodeUtf8('hi'),
  qos: 0,
  retain: false,
  dup: false,
  properties: {},
  ...more,
});
const publish = suite('encodePublish');
for (const [what, packet, old, now] of [
  ['QoS 0', message({}), '30070003612f626869', '30080003612f62006869'],
  ['QoS 1', message({ qos: 1, id: 0x0102 }), '32090003612f6201026869', '320a0003612f620102006869'],
  ['QoS 1 again', message({ qos: 1, id: 1, dup: true }), '3a090003612f6200016869', '3a0a0003612f620001006869'],
  ['QoS 2', message({ qos: 2, id: 1 }), '34090003612f6200016869', '340a0003612f620001006869'],
  ['what is to be kept', message({ retain: true }), '31070003612f626869', '31080003612f62006869'],
  ['nothing', message({ payload: NOTHING }), '30050003612f62', '30060003612f6200'],
  [
    'properties, of MQTT 5 only',
    message({ properties: { messageExpiryS: 600, topicAlias: 2 } }),
    '30070003612f626869',
    '30100003612f6208 0200000258230002 6869'.replaceAll(' ', ''),
  ],
] as const)
  publish(`writes ${what}`, () => {
    assert.is(toHex(encodePublish(packet, 4)), old);
    assert.is(toHex(encodePublish(packet, 5)), now);
  });
publish('writes no topic where an alias stands for it', () => {
  const packet = message({ topic: '', properties: { topicAlias: 1 } });
  assert.is(toHex(encodePublish(packet, 5)), '300800000323 0001 6869'.replaceAll(' ', ''));
  assert.throws(() => encodePublish(packet, 4), /topic: empty/);
});
publish('refuses what is no topic', () => {
  for (const topic of ['', 'a/#', '+', 'a\0', '\ud800', 'x'.repeat(65_536)])
    assert.throws(
      () => encodePublish(message({ topic }), 5),
      (error: Error) => error instanceof InputError && error.field === 'topic',
    );
});
publish.run();

// ---

const ack = suite('encodeAck');
ack('writes the four of them, shortest where all is well', () => {
  for (const version of [4, 5] as const)
    assert.equal(
      ([PUBACK, PUBREC, PUBREL, PUBCOMP] as const).map((type) => toHex(encodeAck(type, 0xff01, version))),
      ['4002ff01', '5002ff01', '6202ff01', '7002ff01'],
    );
});
ack('gives a reason from MQTT 5 on', () => {
  assert.is(toHex(encodeAck(PUBACK, 1, 5, 0x83)), '4003000183');
  assert.is(toHex(encodeAck(PUBACK, 1, 5, 0x83, { reasonString: 'n' })), '4008000183041f00016e');
  assert.is(toHex(encodeAck(PUBACK, 1, 4, 0x83)), '40020001');
});
ack.run();

// ---

const subscribe = suite('encodeSubscribe');
subscribe('writes filters with their options', () => {
  const requests = [
    { filter: 'a', qos: 1 },
    { filter: 'b/#', qos: 0, noLocal: true, retainHandling: 1 },
    { filter: 'c', qos: 2, retainAsPublished: true, retainHandling: 2 },
  ] as const;
  assert.is(toHex(encodeSubscribe(7, requests, 5)), '8211000700 00016101 0003622f2314 0001632a'.replaceAll(' ', ''));
  assert.is(toHex(encodeSubscribe(7, requests, 4)), '82100007 00016101 0003622f2300 00016302'.replaceAll(' ', ''));
  assert.is(
    toHex(encodeSubscribe(7, requests.slice(0, 1), 5, { subscriptionIds: [1] })),
    '82090007020b01 00016101'.replaceAll(' ', ''),
  );
});
subscribe('refuses a filter that is none', () =>
  assert.throws(
    () => encodeSubscribe(1, [{ filter: 'a/#/b', qos: 0 }], 5),
    (error: Error) => error instanceof InputError && error.field === 'filter',
  ),
);
subscribe.run();

// ---

const unsubscribe = suite('encodeUnsubscribe');
unsubscribe('writes filters', () => {
  assert.is(toHex(encodeUnsubscribe(7, ['a', 'b/+'], 5)), 'a20b000700 000161 0003622f2b'.replaceAll(' ', ''));
  assert.is(toHex(encodeUnsubscribe(7, ['a', 'b/+'], 4)), 'a20a0007 000161 0003622f2b'.replaceAll(' ', ''));
  assert.throws(() => encodeUnsubscribe(7, ['a#'], 5), /where none may be/);
});
unsubscribe.run();

// ---

const ping = suite('encodePing');
ping('is two bytes', () => assert.is(toHex(encodePing()), 'c000'));
ping.run();

// ---

const reason = suite('encodeReason');
reason('writes DISCONNECT and AUTH, shortest where all is well', () => {
  assert.is(toHex(encodeReason(DISCONNECT, 0, 5)), 'e000');
  assert.is(toHex(encodeReason(DISCONNECT, 4, 5)), 'e00104');
  assert.is(toHex(encodeReason(DISCONNECT, 4, 4)), 'e000');
  assert.is(toHex(encodeReason(DISCONNECT, 0, 5, { sessionExpiryS: 0 })), 'e00700051100000000');
  assert.is(
    toHex(encodeReason(AUTH, 0x18, 5, { authMethod: 'm', authData: fromHex('01') })),
    'f00a18 08 1500016d16000101'.replaceAll(' ', ''),
  );
});
reason.run();
