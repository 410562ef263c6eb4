import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BusyError, InputError, LinkDownError, type RemoteError } from '../../src/errors.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import type { Publication } from '../../src/mqtt/client.ts';
import { MAX_BYTES, MAX_MESSAGES, Outgoing, type Sender } from '../../src/mqtt/outgoing.ts';
import { PUBACK } from '../../src/mqtt/packet.ts';
import { ManualClock, settle } from '../support/clock.ts';

const message = (topic: string, more: Partial<Publication> = {}): Publication => ({
  topic,
  payload: encodeUtf8('x'),
  qos: 1,
  ...more,
});

class FakeSender implements Sender {
  receiveMaximum = 2;
  /** Topic, id, whether again, what is left of its time. */
  readonly sent: string[] = [];
  readonly dropped: string[] = [];
  /** What sending does, by topic. */
  readonly outcomes: Record<string, boolean | Error> = {};

  publish({ topic, expiryS }: Publication, id: number, isAgain: boolean): boolean {
    const outcome = this.outcomes[topic] ?? true;
    if (outcome instanceof Error) throw outcome;
    this.sent.push([topic, `#${id}`, ...(isAgain ? ['again'] : []), ...(expiryS ? [`${expiryS}s`] : [])].join(' '));
    return outcome;
  }

  drop(error: Error): void {
    this.dropped.push(error.message);
  }
}

function setUp() {
  const clock = new ManualClock();
  const it = new Outgoing(clock);
  const outcomes: string[] = [];
  const add = (topic: string, more?: Partial<Publication>): void => {
    it.add(message(topic, more)).then(
      () => outcomes.push(topic),
      (error: Error) => outcomes.push(`${error.name} ${error.message}`),
    );
  };
  const ack = (id: number, code = 0): void => it.onAck({ type: PUBACK, id, code, properties: {} });
  return { clock, it, outcomes, add, ack };
}

const order = suite('Outgoing');
order('sends as many as the broker takes, the next with each acknowledgement, in order', async () => {
  const { it, add, ack, outcomes } = setUp();
  const sender = new FakeSender();
  it.attach(sender, false);
  for (const topic of ['a', 'b', 'c', 'd']) add(topic);
  assert.equal(sender.sent, ['a #1', 'b #2']);
  ack(2);
  await settle();
  assert.equal(outcomes, ['b']);
  ack(1);
  assert.equal(sender.sent.slice(2), ['c #3', 'd #4']);
  ack(4);
  ack(3);
  await settle();
  assert.equal(outcomes, ['b', 'a', 'd', 'c']);
  assert.is(it.bytes, 0);
});
order('keeps what is added while there is no connection', () => {
  const { it, add } = setUp();
  add('a');
  const sender = new FakeSender();
  it.attach(sender, true);
  assert.equal(sender.sent, ['a #1']);
});
order('sends again, with the same ids, what was not acknowledged in a session that goes on', async () => {
  const { it, add, ack, outcomes } = setUp();
  it.attach(new FakeSender(), false);
  for (const topic of ['a', 'b', 'c']) add(topic);
  it.detach();
  ack(1);
  const sender = new FakeSender();
  it.attach(sender, true);
  assert.equal(sender.sent, ['a #1 again', 'b #2 again']);
  ack(1);
  ack(2);
  assert.equal(sender.sent.slice(2), ['c #3']);
  await settle();
  assert.equal(outcomes, ['a', 'b']);
});
order('sends them as new ones where the session is lost', () => {
  const { it, add } = setUp();
  it.attach(new FakeSender(), false);
  add('a');
  add('b');
  it.detach();
  const sender = new FakeSender();
  it.attach(sender, false);
  assert.equal(sender.sent, ['a #3', 'b #4']);
});
order('sends again no more than the new connection takes', () => {
  const { it, add, ack } = setUp();
  it.attach(new FakeSender(), false);
  add('a');
  add('b');
  it.detach();
  const sender = new FakeSender();
  sender.receiveMaximum = 1;
  it.attach(sender, true);
  assert.equal(sender.sent, ['a #1 again']);
  ack(1);
  assert.equal(sender.sent.slice(1), ['b #2 again']);
});
order('tells why the broker refused one, and goes on', async () => {
  const { it, add, ack, outcomes } = setUp();
  const sender = new FakeSender();
  sender.receiveMaximum = 1;
  it.attach(sender, false);
  add('a');
  add('b');
  ack(1, 0x97);
  ack(2, 0x10);
  await settle();
  assert.equal(outcomes, ['RemoteError publish a: quota exceeded', 'b']);
});
order('gives the reason code as the status', async () => {
  const { it, ack } = setUp();
  it.attach(new FakeSender(), false);
  const failure = it.add(message('a')).catch((error: Error) => error);
  ack(1, 0x87);
  assert.is(((await failure) as RemoteError).status, 0x87);
});
order('tells why one could not be sent, and goes on', async () => {
  const { it, add, outcomes } = setUp();
  const sender = new FakeSender();
  sender.outcomes.a = new InputError('publish a: 20 bytes, the broker takes at most 10');
  it.attach(sender, false);
  add('a');
  add('b');
  await settle();
  assert.equal(outcomes, ['InputError publish a: 20 bytes, the broker takes at most 10']);
  assert.equal(sender.sent, ['b #2']);
});
order('waits for nothing where the broker acknowledges nothing', async () => {
  const { it, add, outcomes } = setUp();
  const sender = new FakeSender();
  for (const topic of ['a', 'b', 'c']) sender.outcomes[topic] = false;
  it.attach(sender, false);
  for (const topic of ['a', 'b', 'c']) add(topic);
  await settle();
  assert.equal(outcomes, ['a', 'b', 'c']);
});
order('takes no notice of an acknowledgement of nothing', () => {
  const { it, add, ack } = setUp();
  ack(1);
  it.attach(new FakeSender(), false);
  add('a');
  ack(2);
  ack(32_767);
  assert.is(it.bytes, 2);
});
order('uses ids from 1 to 32,767 that are free', () => {
  const { it, add, ack } = setUp();
  const sender = new FakeSender();
  sender.receiveMaximum = 3;
  it.attach(sender, false);
  add('kept');
  for (let i = 2; i <= 32_767; i++) {
    add('x');
    ack(i);
  }
  sender.sent.length = 0;
  add('a');
  assert.equal(sender.sent, ['a #2']);
});
order.run();

// ---

const bounds = suite('Outgoing: bounds');
bounds(`holds ${MAX_MESSAGES} messages`, async () => {
  const { it } = setUp();
  const ends: Promise<unknown>[] = [];
  for (let i = 0; i < MAX_MESSAGES; i++) ends.push(it.add(message('a')).catch((error) => error));
  const failure = await it.add(message('b')).catch((error: Error) => error);
  assert.instance(failure, BusyError);
  assert.is((failure as Error).message, 'publish b: 64 messages of 128 bytes wait already');
  it.clear(new LinkDownError('stopped'));
  for (const one of await Promise.all(ends)) assert.instance(one, LinkDownError);
  assert.is(it.bytes, 0);
});
bounds(`holds ${MAX_BYTES} bytes`, async () => {
  const { it, add } = setUp();
  add('a', { payload: new Uint8Array(MAX_BYTES - 1) });
  assert.instance(await it.add(message('b')).catch((error) => error), BusyError);
});
bounds('passes on what is left of a message’s time, and gives it up when nothing is', async () => {
  const { it, add, clock, outcomes } = setUp();
  add('a', { expiryS: 60 });
  add('b', { expiryS: 10 });
  add('c');
  await clock.advance(10_500);
  const sender = new FakeSender();
  it.attach(sender, false);
  await settle();
  assert.equal(sender.sent, ['a #1 50s', 'c #2']);
  assert.equal(outcomes, ['TimeoutError publish b: waited for longer than 10 s']);
});
bounds('gives up a connection on which a message is not acknowledged within two minutes', async () => {
  const { it, add, clock, ack } = setUp();
  const sender = new FakeSender();
  it.attach(sender, false);
  add('a');
  await clock.advance(60_000);
  add('b');
  ack(1);
  await clock.advance(119_999);
  assert.equal(sender.dropped, []);
  await clock.advance(1);
  assert.equal(sender.dropped, ['publish: no acknowledgement within 120000 ms']);
  it.detach();
  assert.is(clock.pending, 0);
});
bounds('leaves no timer behind when all is acknowledged', async () => {
  const { it, add, clock, ack } = setUp();
  it.attach(new FakeSender(), false);
  add('a');
  ack(1);
  await clock.advance(120_000);
  assert.is(clock.pending, 0);
});
bounds.run();
