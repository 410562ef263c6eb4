import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LinkDownError } from '../../src/errors.ts';
import { SILENT } from '../../src/log.ts';
import { Connection, HIGH_WATER } from '../../src/ubus/connection.ts';
import { decodeMessage, encodeMessage, type Message, UBUS_MSG_NOTIFY, UBUS_MSG_PING } from '../../src/ubus/message.ts';
import { ManualClock } from '../support/clock.ts';
import { FarEnd } from '../support/stream.ts';
import { CLIENT, call } from '../support/ubusd.ts';

const OBJECT = 0x90853354;

function connect(onMessage: (message: Message) => void = () => {}) {
  let connection: Connection | undefined;
  const far = new FarEnd(
    { path: '/run/ubus.sock' },
    {
      onData: (bytes) => connection?.onData(bytes),
      onDrain: () => connection?.onDrain(),
      onClose() {},
    },
  );
  const broken: Error[] = [];
  connection = new Connection(far, new ManualClock(), SILENT, {
    onHello() {},
    onMessage,
    onBroken: (error) => broken.push(error),
  });
  far.send(encodeMessage({ type: 0, seq: 0, peer: CLIENT, attributes: {} }));
  return { connection, far, broken };
}

function ping(connection: Connection, onDone: (result: Message | Error) => void): void {
  connection.request({ what: 'ping', type: UBUS_MSG_PING, peer: 0, attributes: {}, timeoutMs: 1000, onDone });
}

const request = suite('Connection: requests');
request('count past 65,535 without the number of one that waits', () => {
  const { connection, far } = connect();
  const results: unknown[] = [];
  const seqs = () => far.writes.splice(0).map((frame) => decodeMessage(frame).seq);
  ping(connection, (result) => results.push(result));
  assert.equal(seqs(), [1]);
  for (let i = 0; i < 65_536; i++) connection.post('notify', UBUS_MSG_NOTIFY, OBJECT, {});
  assert.is(far.writes.length, 65_536);
  assert.equal(seqs().slice(-3), [65_535, 0, 2]);
  far.send(encodeMessage({ type: 1, seq: 1, peer: 0, attributes: { status: 0 } }));
  assert.equal(results, [{ type: 1, seq: 1, peer: 0, attributes: { status: 0 } }]);
});
request('end with the connection, all at once, and none is sent after it', () => {
  const { connection, far } = connect();
  const results: unknown[] = [];
  ping(connection, (result) => {
    results.push(result);
    ping(connection, (again) => results.push(again));
  });
  far.take();
  connection.onDown(new Error('gone'));
  assert.is(results.length, 2);
  assert.ok(results.every((result) => result instanceof LinkDownError));
  assert.is(far.take().length, 0);
  assert.throws(() => connection.post('notify', UBUS_MSG_NOTIFY, OBJECT, {}), /not connected/);
});
request.run();

const pressure = suite('Connection: back-pressure');
const large = new Uint8Array(500_000);
const invokes = (count: number): Uint8Array => {
  const frame = encodeMessage(call(OBJECT, 'peers', new Uint8Array(0)));
  const bytes = new Uint8Array(count * frame.length);
  for (let i = 0; i < count; i++) bytes.set(frame, i * frame.length);
  return bytes;
};
pressure('reads on while writes go out', () => {
  const { connection, far } = connect((message) => connection.reply(message, { status: 0, data: [large] }));
  far.send(invokes(100));
  assert.is(far.writes.length, 100);
  assert.is(far.reading, true);
});
pressure('stops within a chunk once 1 MiB waits, and loses nothing', () => {
  let taken = 0;
  const { connection, far } = connect((message) => {
    taken++;
    connection.reply(message, { status: 0, data: [large] });
  });
  far.accepting = false;
  far.send(invokes(100));
  assert.is(taken, 3);
  assert.is(far.reading, false);
  assert.ok(far.queuedBytes < HIGH_WATER + large.length + 100);
  // a chunk that was on its way when reading stopped
  far.send(invokes(10).subarray(0, 100));
  assert.is(taken, 3);
  far.drain();
  assert.is(far.reading, true);
  far.send(invokes(10).subarray(100));
  assert.is(taken, 110);
  assert.is(far.writes.length, 110);
});
pressure('stops again when the rest of the chunk fills the queue again', () => {
  let taken = 0;
  const { connection, far } = connect((message) => {
    taken++;
    connection.reply(message, { status: 0, data: [large] });
  });
  far.accepting = false;
  far.send(invokes(10));
  for (const expected of [6, 9, 10]) {
    far.drain = drainOnly;
    far.drain();
    assert.is(taken, expected);
  }
  assert.is(far.reading, true);

  /** The queue empties, yet the next writes wait again. */
  function drainOnly(this: FarEnd): void {
    this.queuedBytes = 0;
    connection.onDrain();
  }
});
pressure('holds deferred replies back, unframed, until there is room', () => {
  const deferred: Message[] = [];
  const { connection, far } = connect((message) => deferred.push(message));
  far.send(invokes(50));
  far.accepting = false;
  for (const message of deferred) connection.reply(message, { status: 0, data: [large] });
  assert.is(far.writes.length, 3);
  far.drain();
  assert.is(far.writes.length, 50);
});
pressure('forgets what it held when the connection ends', () => {
  const { connection, far } = connect((message) => connection.reply(message, { status: 0, data: [large] }));
  far.accepting = false;
  far.send(invokes(100));
  const before = far.writes.length;
  connection.onDown(new Error('gone'));
  connection.onDrain();
  assert.is(far.writes.length, before);
});
pressure.run();
