import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError, WireError } from '../../src/errors.ts';
import { fromHex, toHex } from '../../src/lib/bytes.ts';
import { Cursor, Writer } from '../../src/mqtt/field.ts';
import { AUTH, CONNACK, CONNECT, DISCONNECT, PUBACK, PUBLISH, SUBACK, SUBSCRIBE } from '../../src/mqtt/packet.ts';
import { MAX_PROPERTIES, type Properties, readProperties, WILL, writeProperties } from '../../src/mqtt/property.ts';

/** Each property by itself: a packet that may have it, its value, its bytes. */
const EACH: [type: number, properties: Properties, hex: string][] = [
  [PUBLISH, { payloadFormat: 1 }, '0101'],
  [PUBLISH, { messageExpiryS: 600 }, '0200000258'],
  [PUBLISH, { contentType: 'a/b' }, '030003612f62'],
  [PUBLISH, { responseTopic: 'r' }, '08000172'],
  [PUBLISH, { correlationData: fromHex('00ff') }, '09000200ff'],
  [SUBSCRIBE, { subscriptionIds: [300] }, '0bac02'],
  [CONNECT, { sessionExpiryS: 0xffffffff }, '11ffffffff'],
  [CONNACK, { assignedClientId: 'id' }, '1200026964'],
  [CONNACK, { serverKeepAliveS: 0 }, '130000'],
  [AUTH, { authMethod: 'm' }, '1500016d'],
  [AUTH, { authData: fromHex('01') }, '16000101'],
  [CONNECT, { requestProblemInfo: 0 }, '1700'],
  [WILL, { willDelayS: 90 }, '180000005a'],
  [CONNECT, { requestResponseInfo: 1 }, '1901'],
  [CONNACK, { responseInfo: 'r' }, '1a000172'],
  [DISCONNECT, { serverReference: 's' }, '1c000173'],
  [SUBACK, { reasonString: 'why' }, '1f0003776879'],
  [CONNACK, { receiveMaximum: 20 }, '210014'],
  [CONNACK, { topicAliasMaximum: 0 }, '220000'],
  [PUBLISH, { topicAlias: 1 }, '230001'],
  [CONNACK, { maximumQos: 1 }, '2401'],
  [CONNACK, { retainAvailable: 0 }, '2500'],
  [PUBACK, { userProperties: [['a', 'b']] }, '26000161000162'],
  [CONNACK, { maximumPacketBytes: 1 }, '2700000001'],
  [CONNACK, { wildcardsAvailable: 1 }, '2801'],
  [CONNACK, { subscriptionIdsAvailable: 1 }, '2901'],
  [CONNACK, { sharedAvailable: 1 }, '2a01'],
];

const withLength = (hex: string): string => {
  const writer = new Writer();
  writer.variable(hex.length / 2);
  return toHex(Uint8Array.from(writer.bytes)) + hex;
};

const read = suite('readProperties');
for (const [type, properties, hex] of EACH)
  read(`reads ${Object.keys(properties)[0]}`, () =>
    assert.equal(readProperties(new Cursor(fromHex(withLength(hex)), 0), type), properties),
  );
read('reads none', () => assert.equal(readProperties(new Cursor(fromHex('00'), 0), CONNACK), {}));
read('reads those that may come several times, in order', () => {
  const hex = withLength(`0b01${'26000161000162'}0bac02${'26000161000163'}`);
  assert.equal(readProperties(new Cursor(fromHex(hex), 0), PUBLISH), {
    subscriptionIds: [1, 300],
    userProperties: [
      ['a', 'b'],
      ['a', 'c'],
    ],
  });
});
read('reads no further than their length', () => {
  const cursor = new Cursor(fromHex('022301ff'), 0);
  assert.throws(() => readProperties(cursor, PUBLISH), /longer than all of them/);
  const exact = new Cursor(fromHex('03230001ff'), 0);
  readProperties(exact, PUBLISH);
  assert.is(exact.left, 1);
});
for (const [what, type, hex, text, offset] of [
  ['a number that means nothing', PUBLISH, '0100', /property 0: not one of a PUBLISH/, 1],
  ['a number beyond the table', PUBLISH, '03ff0100', /property 255: not one of a PUBLISH/, 1],
  ['one of another packet', CONNACK, '03230001', /property topicAlias: not one of a CONNACK/, 1],
  ['one twice', PUBLISH, '06230001230002', /topicAlias: twice/, 4],
  ['a flag that is neither', PUBLISH, '020102', /payloadFormat: 2, expected 0 or 1/, 1],
  ['a Receive Maximum of 0', CONNACK, '03210000', /receiveMaximum: 0, expected more/, 1],
  ['a topic alias of 0', PUBLISH, '03230000', /topicAlias: 0, expected more/, 1],
  ['a Maximum Packet Size of 0', CONNACK, '052700000000', /maximumPacketBytes: 0, expected more/, 1],
  ['a subscription identifier of 0', PUBLISH, '020b00', /subscriptionIds: 0, expected more/, 1],
  ['a response topic with a wildcard', PUBLISH, '040800012b', /responseTopic: a wildcard/, 1],
  ['a length beyond the packet', PUBLISH, '0423', /properties: 1 bytes left, expected 4/, 1],
  ['no length', PUBLISH, '', /properties: 0 bytes left/, 0],
  ['a value that is cut off', PUBLISH, '0223', /properties: 1 bytes left/, 1],
  ['text that is none', CONNACK, '041f0001ff', /reasonString: no UTF-8/, 2],
] as const)
  read(`refuses ${what}`, () => {
    try {
      readProperties(new Cursor(fromHex(hex), 0), type);
      assert.unreachable('no error');
    } catch (error) {
      assert.instance(error, WireError);
      assert.match((error as WireError).message, text);
      assert.is((error as WireError).offset, offset);
    }
  });
read(`takes ${MAX_PROPERTIES} and no more`, () => {
  const pairs = (count: number): Cursor => new Cursor(fromHex(withLength('2600000000'.repeat(count))), 0);
  assert.is(readProperties(pairs(MAX_PROPERTIES), PUBLISH).userProperties!.length, MAX_PROPERTIES);
  assert.throws(() => readProperties(pairs(MAX_PROPERTIES + 1), PUBLISH), /more than 64/);
});
read.run();

// ---

const write = suite('writeProperties');
const written = (properties?: Properties): string => {
  const writer = new Writer();
  writeProperties(writer, properties);
  return toHex(Uint8Array.from(writer.bytes));
};
for (const [, properties, hex] of EACH)
  write(`writes ${Object.keys(properties)[0]}`, () => assert.is(written(properties), withLength(hex)));
write('writes a 0 for none', () => {
  assert.is(written(), '00');
  assert.is(written({}), '00');
  assert.is(written({ contentType: undefined } as unknown as Properties), '00');
});
write('writes all of those that may come several times', () => {
  const properties: Properties = {
    userProperties: [
      ['a', 'b'],
      ['a', 'c'],
    ],
    subscriptionIds: [1, 2],
  };
  assert.is(written(properties), withLength('26000161000162260001610001630b010b02'));
});
write('refuses what does not fit', () =>
  assert.throws(
    () => written({ contentType: '\0' }),
    (error: Error) => error instanceof InputError && error.field === 'contentType',
  ),
);
write.run();
