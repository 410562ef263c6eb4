import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WireError } from '../../src/errors.ts';
import { joinBytes, toHex } from '../../src/lib/bytes.ts';
import { decodePacket, PacketReader } from '../../src/mqtt/decode.ts';
import { encodePublish } from '../../src/mqtt/encode.ts';
import { type Packet, PINGRESP, PUBLISH, type Version } from '../../src/mqtt/packet.ts';
import { bytesOf, message, PACKETS } from '../fixtures/mqtt/packets.ts';

const MAX = 16_384;

/** Values at which decoders go wrong; all 256 are tried by `npm run fuzz`. */
const VALUES = [0, 1, 2, 3, 5, 0x7f, 0x80, 0x81, 0xfe, 0xff];
const BITS = [1, 2, 4, 8, 16, 32, 64, 128];

function assertRefused(run: () => unknown, text: RegExp, offset: number): void {
  try {
    run();
  } catch (error) {
    assert.instance(error, WireError);
    assert.match((error as WireError).message, text);
    assert.is((error as WireError).offset, offset);
    return;
  }
  assert.unreachable('no error');
}

/** What comes of any bytes: packets, then perhaps why no more. Anything but a WireError is a defect. */
function outcome(version: Version, bytes: Uint8Array, chunk: number, maxBytes = MAX): string {
  const reader = new PacketReader(version, maxBytes);
  const found: unknown[] = [];
  try {
    for (let at = 0; at < bytes.length; at += chunk)
      reader.push(bytes.subarray(at, at + chunk), (packet) => {
        found.push('payload' in packet ? { ...packet, payload: toHex(packet.payload) } : packet);
      });
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    found.push(error.message);
  }
  return JSON.stringify(found);
}

const decode = suite('decodePacket');
for (const [what, version, hex, packet] of PACKETS)
  decode(`reads ${what}, version ${version}: ${hex}`, () => assert.equal(decodePacket(bytesOf(hex), version), packet));
decode('does not copy the payload', () => {
  const bytes = bytesOf('300700 03612f626869');
  assert.is((decodePacket(bytes, 4) as typeof message).payload.buffer, bytes.buffer);
});
for (const [what, version, hex, text, offset] of [
  ['type 0', 4, '0000', /type 0: not one that a broker sends/, 0],
  ['what only clients send', 5, '8006000100000000', /SUBSCRIBE: flags 0|SUBSCRIBE: not one/, 0],
  ['CONNECT', 5, '1000', /CONNECT: not one that a broker sends/, 0],
  ['PINGREQ', 5, 'c000', /PINGREQ: not one that a broker sends/, 0],
  ['DISCONNECT before MQTT 5', 4, 'e000', /DISCONNECT: not one that a broker sends/, 0],
  ['AUTH before MQTT 5', 4, 'f000', /AUTH: not one that a broker sends/, 0],
  ['flags', 5, 'd100', /PINGRESP: flags 1, expected 0/, 0],
  ['PUBREL without its flags', 5, '60020001', /PUBREL: flags 0, expected 2/, 0],
  ['a length in too many bytes', 5, 'd08000', /PINGRESP: more bytes than the number needs/, 1],
  ['bytes behind', 5, 'd00100', /PINGRESP: 1 bytes too many/, 2],
  ['bytes behind CONNACK', 4, '2003000000', /CONNACK: 1 bytes too many/, 4],
  ['bytes behind an acknowledgement', 4, '4003000100', /PUBACK: 1 bytes too many/, 4],
  ['bytes behind UNSUBACK', 4, 'b003000100', /UNSUBACK: 1 bytes too many/, 4],
  ['an empty CONNACK', 5, '2000', /CONNACK: 0 bytes left/, 2],
  ['CONNACK with unknown flags', 5, '2003020000', /CONNACK: flags 2 with code 0/, 2],
  ['CONNACK of a session that it refuses', 5, '2003018700', /CONNACK: flags 1 with code 135/, 2],
  ['CONNACK with an unknown code', 4, '20020006', /CONNACK: code 6/, 3],
  ['CONNACK of old that greets', 5, '20020000', /CONNACK: code 0 without properties/, 3],
  ['CONNACK of old with an unknown code', 5, '20020006', /CONNACK: code 6 without properties/, 3],
  ['CONNACK with a code that means nothing', 5, '2003000100', /CONNACK: code 1 means nothing/, 3],
  ['QoS 3', 5, '36080003612f62000100', /PUBLISH: QoS 3/, 0],
  ['QoS 0 sent again', 5, '38060003612f6200', /PUBLISH: sent again, with QoS 0/, 0],
  ['packet id 0', 5, '32080003612f62000000', /PUBLISH: packet id 0/, 7],
  ['an acknowledgement of nothing', 5, '40020000', /PUBACK: packet id 0/, 2],
  ['an empty topic', 4, '30020000', /topic: empty/, 2],
  ['an empty topic without an alias', 5, '3003000000', /topic: empty/, 2],
  ['a wildcard as topic', 4, '3005 0003612f2b'.replace(' ', ''), /topic: a wildcard/, 2],
  ['a topic beyond the packet', 4, '30030003 61'.replace(' ', ''), /topic: 1 bytes left, expected 3/, 4],
  ['a topic that is no UTF-8', 4, '30030001ff', /topic: no UTF-8/, 2],
  ['no packet id', 4, '32030001 61'.replace(' ', ''), /packet id: 0 bytes left/, 5],
  ['properties beyond the packet', 5, '3004000161 05'.replace(' ', ''), /properties: 0 bytes left, expected 5/, 6],
  ['SUBACK without codes', 4, '90020001', /code: 0 bytes left/, 4],
  ['SUBACK without codes', 5, '9003000100', /code: 0 bytes left/, 5],
  ['SUBACK with a code that means nothing', 4, '9003000103', /SUBACK: code 3 means nothing/, 4],
  ['SUBACK of old with a failure of MQTT 5', 4, '9003000187', /SUBACK: code 135 means nothing/, 4],
  ['UNSUBACK without codes', 5, 'b003000100', /code: 0 bytes left/, 5],
  ['UNSUBACK with a code that means nothing', 5, 'b00400010001', /UNSUBACK: code 1 means nothing/, 5],
  ['PUBACK with a code that means nothing', 5, '4003000101', /PUBACK: code 1 means nothing/, 4],
  ["DISCONNECT with a client's code", 5, 'e00104', /DISCONNECT: code 4 means nothing/, 2],
] as const)
  decode(`refuses ${what}, version ${version}: ${hex}`, () =>
    assertRefused(() => decodePacket(bytesOf(hex), version), text, offset),
  );
for (const [what, version, hex] of PACKETS) {
  const bytes = bytesOf(hex);
  decode(`reads ${what}, version ${version}, or refuses it by a WireError, with any byte changed`, () => {
    for (let at = 0; at < bytes.length; at++)
      for (const value of [...VALUES, ...BITS.map((bit) => bytes[at]! ^ bit)]) {
        const changed = bytes.slice();
        changed[at] = value;
        outcome(version, changed, changed.length);
      }
  });
  decode(`reads ${what}, version ${version}, or refuses it by a WireError, cut off at any byte`, () => {
    for (let length = 2; length < bytes.length; length++) {
      const cut = bytes.slice(0, length);
      cut[1] = length - 2;
      outcome(version, cut, cut.length);
    }
  });
}
decode.run();

// ---

const reader = suite('PacketReader');
for (const version of [4, 5] as const) {
  const packets = PACKETS.filter(([, of]) => of === version);
  const whole = joinBytes(packets.map(([, , hex]) => bytesOf(hex)));
  const expected = outcome(version, whole, whole.length);
  reader(`finds all packets of version ${version} in one chunk`, () => {
    const found: Packet[] = [];
    const taken = new PacketReader(version, MAX).push(whole, (packet) => {
      found.push(packet);
    });
    assert.is(taken, whole.length);
    assert.equal(
      found,
      packets.map(([, , , packet]) => packet),
    );
  });
  reader(`finds the same in chunks of any size, version ${version}`, () => {
    for (let chunk = 1; chunk < whole.length; chunk++) assert.is(outcome(version, whole, chunk), expected, `${chunk}`);
  });
  reader(`finds the same in every two parts, version ${version}`, () => {
    for (let cut = 1; cut < whole.length; cut++) {
      const it = new PacketReader(version, MAX);
      let count = 0;
      for (const part of [whole.subarray(0, cut), whole.subarray(cut)]) it.push(part, () => void count++);
      assert.is(count, packets.length);
    }
  });
}
const big = (size: number, version: Version, qos: 0 | 1 = 1): Uint8Array =>
  encodePublish({ ...message, payload: new Uint8Array(size).fill(7), qos, ...(qos && { id: 5 }) }, version);
reader('joins a packet of the greatest length from bytes', () => {
  const bytes = big(MAX - 11, 5);
  assert.is(bytes.length, MAX);
  let payload = 0;
  const it = new PacketReader(5, MAX);
  for (const byte of bytes)
    it.push(Uint8Array.of(byte), (packet) => {
      payload = (packet as typeof message).payload.length;
    });
  assert.is(payload, MAX - 11);
});
reader('refuses a longer one as soon as its length is there', () => {
  const bytes = big(MAX - 10, 5);
  for (const chunk of [1, 3])
    assert.match(outcome(5, bytes.subarray(0, 3), chunk), 'PUBLISH: 16385 bytes, expected at most 16384 at byte 1');
  assert.is(outcome(5, bytes.subarray(0, 2), 1), '[]');
});
reader('passes over the payload of a message that is too long before MQTT 5, and reads on', () => {
  const bytes = joinBytes([big(100_000, 4), bytesOf('d000'), big(MAX - 11, 4, 0), bytesOf('d000')]);
  for (const chunk of [1, 7, 1000, bytes.length]) {
    const found = JSON.parse(outcome(4, bytes, chunk)) as (typeof message & { id?: number; isCut?: boolean })[];
    assert.equal(
      found.map(({ type, id, isCut }) => [type, id, isCut]),
      [
        [PUBLISH, 5, true],
        [PINGRESP, undefined, undefined],
        [PUBLISH, undefined, undefined],
        [PINGRESP, undefined, undefined],
      ],
    );
    assert.is(found[0]!.payload as unknown, '');
  }
});
reader('refuses anything else that is too long, and a topic that is', () => {
  assert.match(outcome(4, bytesOf('90808001'), 1), 'SUBACK: 16388 bytes, expected at most 16384');
  const topic = encodePublish({ ...message, topic: 'x'.repeat(20_000) }, 4);
  assert.match(outcome(4, topic, topic.length), /topic: \d+ bytes left, expected 20000/);
});
reader('keeps no more than has come of what a length promises', () => {
  const it = new PacketReader(5, 268_435_460);
  it.push(bytesOf('30ffffff7f0003612f62'), () => assert.unreachable());
  assert.is(
    it.push(new Uint8Array(1000), () => assert.unreachable()),
    1000,
  );
});
reader('leaves the rest when it is told to, and takes it up again', () => {
  const bytes = bytesOf('d000d000d000');
  const it = new PacketReader(5, MAX);
  let count = 0;
  const taken = it.push(bytes, () => ++count < 2);
  assert.equal([taken, count], [4, 2]);
  assert.is(
    it.push(bytes.subarray(taken), () => ++count),
    2,
  );
  assert.is(count, 3);
});
reader('delivers nothing after it was stopped, not even from the same chunk', () => {
  const it = new PacketReader(5, MAX);
  let count = 0;
  it.push(bytesOf('d000d000'), () => {
    count++;
    it.stop();
  });
  it.push(bytesOf('d000'), () => count++);
  assert.is(count, 1);
});
reader('keeps a message intact that was joined, when the next one comes', () => {
  const it = new PacketReader(4, MAX);
  const kept: Uint8Array[] = [];
  for (const byte of bytesOf('3007 0003612f62 6869 3007 0003612f62 7979'))
    it.push(Uint8Array.of(byte), (packet) => kept.push((packet as typeof message).payload));
  assert.equal(kept.map(toHex), ['6869', '7979']);
});
reader.run();
