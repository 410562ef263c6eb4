import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WireError } from '../../src/errors.ts';
import { fromHex, joinBytes, toHex } from '../../src/lib/bytes.ts';
import { BlobWriter, MAX_BLOB } from '../../src/ubus/blob.ts';
import { decodeTable } from '../../src/ubus/blobmsg.ts';
import {
  type Attributes,
  decodeMessage,
  encodeAnswer,
  encodeMessage,
  FrameReader,
  MAX_ANSWER_DATA,
  MAX_FRAME,
  UBUS_MSG_DATA,
  UBUS_MSG_INVOKE,
  UBUS_MSG_MONITOR,
  UBUS_MSG_PING,
  UBUS_MSG_STATUS,
  writeMessage,
} from '../../src/ubus/message.ts';
import session from '../fixtures/ubus/session.json';

const TYPES =
  'HELLO STATUS DATA PING LOOKUP INVOKE ADD_OBJECT REMOVE_OBJECT SUBSCRIBE UNSUBSCRIBE NOTIFY MONITOR'.split(' ');

/** How the capture names attributes. */
const NAMES: Record<string, string> = {
  status: 'STATUS',
  path: 'OBJPATH',
  objectId: 'OBJID',
  method: 'METHOD',
  objectType: 'OBJTYPE',
  signature: 'SIGNATURE',
  data: 'DATA',
  target: 'TARGET',
  active: 'ACTIVE',
  noReply: 'NO_REPLY',
  subscribers: 'SUBSCRIBERS',
  user: 'USER',
  group: 'GROUP',
};

function asCaptured(attributes: Attributes): Record<string, unknown> {
  const named: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(attributes)) {
    let shown: unknown = value;
    if (value instanceof Uint8Array) shown = decodeTable(value);
    else if (typeof value === 'boolean') shown = value ? 1 : 0;
    named[NAMES[key] ?? key] = shown;
  }
  return named;
}

function frames(reader: FrameReader, ...chunks: Uint8Array[]): string[] {
  const found: string[] = [];
  for (const chunk of chunks) reader.push(chunk, (frame) => found.push(toHex(frame)));
  return found;
}

const decode = suite('decodeMessage');
for (const { name, hex, decoded } of session) {
  decode(`reads the captured ${name}`, () => {
    const message = decodeMessage(fromHex(hex));
    assert.is(TYPES[message.type], decoded.type);
    assert.is(message.seq, decoded.seq);
    assert.is(message.peer, decoded.peer);
    assert.equal(asCaptured(message.attributes), decoded.attrs);
  });
}
decode('counts offsets from the start of the frame', () => {
  try {
    decodeMessage(fromHex('0001000100000000000000100100000800000000020000ff'));
    assert.unreachable();
  } catch (error) {
    assert.instance(error, WireError);
    assert.is((error as WireError).offset, 20);
  }
});
decode('reads the attributes of MONITOR by their own numbering', () => {
  const attributes: Attributes = {
    monitorClient: 0xfc921bb6,
    monitorPeer: 7,
    monitorSeq: 3,
    monitorType: UBUS_MSG_INVOKE,
    monitorSend: true,
    data: fromHex('0300000890853354'),
  };
  const message = { type: UBUS_MSG_MONITOR, seq: 1, peer: 0, attributes };
  const frame = encodeMessage(message);
  assert.is(
    toHex(frame),
    `000b00010000000000000038${'00000008fc921bb6'}${'0100000800000007'}${'0300000800000003'}${'0400000800000005'}${'0200000501000000'}${'0500000c0300000890853354'}`,
  );
  assert.equal(decodeMessage(frame), message);
});
decode.run();

const encode = suite('encodeMessage');
for (const { name, hex } of session) {
  encode(`writes the captured ${name} byte for byte`, () =>
    assert.is(toHex(encodeMessage(decodeMessage(fromHex(hex)))), hex),
  );
}
encode('leaves out what is undefined', () => {
  const attributes = { status: 0, method: undefined } as unknown as Attributes;
  assert.is(toHex(encodeMessage({ type: 1, seq: 1, peer: 0, attributes })), '00010001000000000000000c0100000800000000');
});
encode('fills a blob up to 1 MiB and refuses more', () => {
  const data = new Uint8Array(MAX_BLOB - 8);
  const largest = encodeMessage({ type: UBUS_MSG_DATA, seq: 1, peer: 2, attributes: { data } });
  assert.is(largest.length, MAX_FRAME);
  assert.is(decodeMessage(largest).attributes.data?.length, data.length);
  const attributes = { data: new Uint8Array(MAX_BLOB - 7) };
  assert.throws(
    () => encodeMessage({ type: UBUS_MSG_DATA, seq: 1, peer: 2, attributes }),
    (error: Error) => error instanceof RangeError && /1048580 bytes, at most 1048576/.test(error.message),
  );
});
encode.run();

const write = suite('writeMessage');
write('appends frames, and nothing of one that is too long', () => {
  const writer = new BlobWriter(Number.POSITIVE_INFINITY);
  const ping = { type: UBUS_MSG_PING, seq: 1, peer: 0, attributes: {} };
  writeMessage(writer, ping);
  assert.throws(() => writeMessage(writer, { ...ping, attributes: { data: new Uint8Array(MAX_BLOB) } }), /at most/);
  writeMessage(writer, { ...ping, seq: 2 });
  assert.is(toHex(writer.take()), '000300010000000000000004000300020000000000000004');
});
write.run();

const answer = suite('encodeAnswer');
answer('writes DATA and STATUS as they were captured', () => {
  const [data, status] = ['reply_data', 'reply_status'].map(
    (name) => session.find((frame) => frame.name === name)!.hex,
  );
  const { seq, peer, attributes } = decodeMessage(fromHex(data!));
  assert.is(toHex(encodeAnswer(seq, peer, attributes.objectId!, [attributes.data!], 0)), data! + status!);
});
answer('writes what encodeMessage writes, padding included', () => {
  const [seq, peer, objectId] = [0xffff, 0xfffffff0, 0xfffffff1];
  const contents = [0, 1, 2, 3, 4].map((length) => new Uint8Array(length).fill(255));
  const frames = contents.map((data) =>
    encodeMessage({ type: UBUS_MSG_DATA, seq, peer, attributes: { objectId, data } }),
  );
  frames.push(encodeMessage({ type: UBUS_MSG_STATUS, seq, peer, attributes: { status: 9, objectId } }));
  assert.is(toHex(encodeAnswer(seq, peer, objectId, contents, 9)), toHex(joinBytes(frames)));
});
answer('fills a message and refuses more', () => {
  assert.is(encodeAnswer(1, 2, 3, [new Uint8Array(MAX_ANSWER_DATA)], 0).length, MAX_FRAME + 28);
  assert.throws(
    () => encodeAnswer(1, 2, 3, [new Uint8Array(MAX_ANSWER_DATA + 1)], 0),
    /1048561 bytes, at most 1048560/,
  );
});
answer.run();

const reader = suite('FrameReader');
for (const { name, hex } of session) {
  const bytes = fromHex(hex);
  reader(`joins ${name} from every two parts`, () => {
    for (let cut = 1; cut < bytes.length; cut++)
      assert.equal(frames(new FrameReader(), bytes.subarray(0, cut), bytes.subarray(cut)), [hex], `cut at ${cut}`);
  });
}
const whole = joinBytes(session.map(({ hex }) => fromHex(hex)));
const all = session.map(({ hex }) => hex);
reader('finds all frames of a session in one chunk', () => assert.equal(frames(new FrameReader(), whole), all));
reader('finds them one byte at a time', () =>
  assert.equal(frames(new FrameReader(), ...Array.from(whole, (byte) => Uint8Array.of(byte))), all),
);
reader('finds them in chunks of 100 bytes', () => {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < whole.length; at += 100) chunks.push(whole.subarray(at, at + 100));
  assert.equal(frames(new FrameReader(), ...chunks), all);
});
reader('does not copy a frame that lies within one chunk', () => {
  const chunk = fromHex(all[0]! + all[2]!);
  new FrameReader().push(chunk, (frame) => assert.is(frame.buffer, chunk.buffer));
});
reader('keeps a frame intact that was joined, when the next one comes', () => {
  const kept: Uint8Array[] = [];
  const it = new FrameReader();
  for (const byte of fromHex(all[2]! + all[3]!)) it.push(Uint8Array.of(byte), (frame) => kept.push(frame));
  assert.equal(kept.map(toHex), [all[2], all[3]]);
});
reader('joins the largest frame', () => {
  const largest = encodeMessage({
    type: UBUS_MSG_DATA,
    seq: 1,
    peer: 2,
    attributes: { data: new Uint8Array(MAX_BLOB - 8) },
  });
  let length = 0;
  const it = new FrameReader();
  for (let at = 0; at < largest.length; at += 65_536)
    it.push(largest.subarray(at, at + 65_536), (frame) => {
      length = frame.length;
    });
  assert.is(length, MAX_FRAME);
});
reader('delivers nothing after it was stopped, not even from the same chunk', () => {
  const it = new FrameReader();
  let count = 0;
  it.push(whole, () => {
    count++;
    it.stop();
  });
  it.push(whole, () => count++);
  assert.is(count, 1);
});
for (const [what, hex, text] of [
  ['a version other than 0', '010000000000000000000004', /version 1, expected 0/],
  ['a blob shorter than its head', '000200010000000000000003', /blob of 3 bytes/],
  ['a blob longer than 1 MiB', '000200010000000000100001', /blob of 1048577 bytes/],
] as const) {
  reader(`refuses ${what} as soon as the head is there`, () => {
    const bytes = fromHex(hex);
    assert.throws(() => frames(new FrameReader(), bytes), text);
    assert.throws(() => frames(new FrameReader(), ...Array.from(bytes, (byte) => Uint8Array.of(byte))), text);
    assert.is(frames(new FrameReader(), bytes.subarray(0, 11)).length, 0);
  });
}
reader.run();
