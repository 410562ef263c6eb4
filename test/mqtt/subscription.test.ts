import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BusyError, InputError, WireError } from '../../src/errors.ts';
import { type FilterRequest, SUBACK, UNSUBACK } from '../../src/mqtt/packet.ts';
import { MAX_SUBSCRIPTIONS, type SubscriptionSender, Subscriptions } from '../../src/mqtt/subscription.ts';
import { ManualClock } from '../support/clock.ts';

class FakeSender implements SubscriptionSender {
  readonly sent: string[] = [];
  readonly dropped: string[] = [];

  subscribe(id: number, requests: readonly FilterRequest[]): void {
    this.sent.push(`+${id} ${requests.map(({ filter, qos }) => `${filter}:${qos}`).join(' ')}`);
  }

  unsubscribe(id: number, filters: readonly string[]): void {
    this.sent.push(`-${id} ${filters.join(' ')}`);
  }

  drop(error: Error): void {
    this.dropped.push(error.message);
  }
}

function setUp() {
  const clock = new ManualClock();
  const refusals: (string | undefined)[] = [];
  const lines: string[] = [];
  const log = { error() {}, warn: (event: string) => void lines.push(event), info() {}, debug() {} };
  const it = new Subscriptions(clock, log, (why) => refusals.push(why));
  const sender = new FakeSender();
  const ack = (id: number, ...codes: number[]): void => it.onAck({ type: SUBACK, id, codes, properties: {} });
  const unack = (id: number, ...codes: number[]): void => it.onAck({ type: UNSUBACK, id, codes, properties: {} });
  return { clock, it, sender, refusals, lines, ack, unack };
}
const request = (filter: string, qos: 0 | 1 = 1): FilterRequest => ({ filter, qos });

const subscriptions = suite('Subscriptions');
subscriptions('are asked for on each connection, whether or not the session goes on', () => {
  const { it, sender, ack } = setUp();
  it.add(request('a'));
  it.add(request('b', 0));
  assert.equal(sender.sent, []);
  for (const isResumed of [false, true]) {
    it.attach(sender, isResumed);
    it.detach();
  }
  assert.equal(sender.sent, ['+32768 a:1 b:0', '+32769 a:1 b:0']);
  ack(32768, 1, 0);
});
subscriptions('are asked for at once on a connection that stands', () => {
  const { it, sender } = setUp();
  it.attach(sender, false);
  it.add(request('a'));
  assert.equal(sender.sent, ['+32768 a:1']);
});
subscriptions('are asked for eight at a time', () => {
  const { it, sender } = setUp();
  for (let i = 0; i < 17; i++) it.add(request(`f${i}`));
  it.attach(sender, false);
  assert.equal(
    sender.sent.map((line) => line.split(' ').length - 1),
    [8, 8, 1],
  );
});
subscriptions('take the place of those with the same filter', () => {
  const { it, sender } = setUp();
  const cancel = it.add(request('a', 0));
  it.add(request('a', 1));
  cancel();
  it.attach(sender, false);
  assert.equal(sender.sent, ['+32768 a:1']);
});
subscriptions('are taken back', () => {
  const { it, sender, unack } = setUp();
  const cancel = it.add(request('a'));
  it.attach(sender, false);
  cancel();
  cancel();
  assert.equal(sender.sent, ['+32768 a:1', '-32769 a']);
  unack(32769, 0);
  it.detach();
  it.attach(sender, true);
  assert.is(sender.sent.length, 2);
});
subscriptions('that were given up while there was no connection are taken back in a session that goes on', () => {
  const { it, sender, unack } = setUp();
  const cancels = ['a', 'b'].map((filter) => it.add(request(filter)));
  it.attach(sender, false);
  it.detach();
  cancels[0]!();
  it.attach(sender, true);
  it.detach();
  it.attach(sender, true);
  unack(32771);
  it.detach();
  it.attach(sender, true);
  assert.equal(sender.sent.slice(1), ['-32769 a', '+32770 b:1', '-32771 a', '+32772 b:1', '+32773 b:1']);
});
subscriptions('that were given up are forgotten with the session, and when they are wanted again', () => {
  const { it, sender } = setUp();
  const cancel = it.add(request('a'));
  it.add(request('b'))();
  it.attach(sender, false);
  it.detach();
  cancel();
  it.add(request('a'));
  it.attach(sender, true);
  assert.equal(sender.sent, ['+32768 a:1', '+32769 a:1']);
});
subscriptions('that are refused are told, not asked for again before the next connection', async () => {
  const { it, sender, refusals, lines, ack, clock } = setUp();
  for (const filter of ['a', 'b', 'c']) it.add(request(filter));
  it.attach(sender, false);
  ack(32768, 1, 0x87, 0x8f);
  assert.equal(refusals, ['b: not authorised; c: topic filter invalid']);
  assert.equal(lines, ['subscription refused', 'subscription refused']);
  await clock.advance(3_600_000);
  assert.is(sender.sent.length, 1);
  assert.is(clock.pending, 0);
  it.detach();
  it.attach(sender, true);
  ack(32769, 1, 1, 0x8f);
  it.detach();
  it.attach(sender, true);
  ack(32770, 1, 1, 1);
  assert.equal(refusals.slice(1), ['c: topic filter invalid', undefined]);
});
subscriptions('that are refused and given up are told no longer', () => {
  const { it, sender, refusals, ack } = setUp();
  const cancel = it.add(request('a'));
  it.attach(sender, false);
  ack(32768, 0x80);
  cancel();
  assert.equal(refusals, ['a: unspecified error', undefined]);
});
subscriptions('must be answered one by one', () => {
  const { it, sender, ack, unack } = setUp();
  const cancel = it.add(request('a'));
  it.attach(sender, false);
  assert.throws(
    () => ack(32768, 1, 1),
    (error: Error) => error instanceof WireError && /2 answers to 1 filters/.test(error.message),
  );
  ack(1, 1);
  ack(32768, 1);
  cancel();
  assert.throws(() => unack(32769, 0, 0), /2 answers to 1 filters/);
  unack(32769);
});
subscriptions('must be answered by the packet that answers them', () => {
  const { it, sender, ack, unack } = setUp();
  const cancel = it.add(request('a'));
  it.attach(sender, false);
  assert.throws(() => unack(32768, 0), /UNSUBACK 32768, expected SUBACK/);
  ack(32768, 1);
  cancel();
  assert.throws(() => ack(32769, 1), /SUBACK 32769, expected UNSUBACK/);
});
subscriptions('are not granted with more than was asked for; less is told', () => {
  const { it, sender, ack, lines, refusals } = setUp();
  it.add(request('a'));
  it.add(request('b', 0));
  it.attach(sender, false);
  for (const codes of [
    [2, 0],
    [1, 1],
  ])
    assert.throws(() => ack(32768, ...codes), /granted with QoS \d, we asked for/);
  ack(32768, 0, 0);
  assert.equal(lines, ['subscription granted with less']);
  assert.equal(refusals, [undefined]);
});
subscriptions('that a broker does not end are taken back again on the next connection', () => {
  const { it, sender, unack } = setUp();
  const cancel = it.add(request('a'));
  it.attach(sender, false);
  cancel();
  unack(32769, 0x87);
  it.detach();
  it.attach(sender, true);
  assert.equal(sender.sent.slice(1), ['-32769 a', '-32770 a']);
});
subscriptions('cover what was asked for: topic and QoS', () => {
  const { it } = setUp();
  it.add(request('a/+'));
  it.add(request('b/#', 0));
  const asked = (topic: string, qos: 0 | 1 | 2): boolean => it.isAsked(topic, qos);
  assert.equal([asked('a/b', 0), asked('a/b', 1), asked('b', 0)], [true, true, true]);
  assert.equal([asked('a/b', 2), asked('b', 1), asked('a', 0)], [false, false, false]);
});
subscriptions('must be answered within 30 s', async () => {
  const { it, sender, clock } = setUp();
  it.add(request('a'));
  it.attach(sender, false);
  await clock.advance(29_999);
  assert.equal(sender.dropped, []);
  await clock.advance(1);
  assert.equal(sender.dropped, ['subscribe: no answer within 30000 ms']);
  it.detach();
  assert.is(clock.pending, 0);
});
subscriptions('use ids of their own, from 32,768 on', () => {
  const { it, sender, ack } = setUp();
  it.attach(sender, false);
  for (let id = 32_768; id <= 65_535; id++) {
    it.add(request('a'));
    ack(id, 1);
  }
  it.add(request('a'));
  assert.is(sender.sent.at(-1), '+32768 a:1');
});
subscriptions(`are at most ${MAX_SUBSCRIPTIONS}`, () => {
  const { it } = setUp();
  for (let i = 0; i < MAX_SUBSCRIPTIONS; i++) it.add(request(`${i}`));
  assert.throws(
    () => it.add(request('more')),
    (error: Error) => error instanceof BusyError,
  );
  it.add(request('0', 0));
});
subscriptions('need a filter that is one', () =>
  assert.throws(
    () => setUp().it.add(request('a/#/b')),
    (error: Error) => error instanceof InputError && error.field === 'filter',
  ),
);
subscriptions.run();
