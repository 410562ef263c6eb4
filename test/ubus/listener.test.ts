import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fromHex, toHex } from '../../src/lib/bytes.ts';
import { decodeTable, encodeTable, type Table } from '../../src/ubus/blobmsg.ts';
import {
  type Message,
  UBUS_MSG_ADD_OBJECT,
  UBUS_MSG_INVOKE,
  UBUS_MSG_LOOKUP,
  UBUS_MSG_REMOVE_OBJECT,
  UBUS_MSG_STATUS,
  UBUS_MSG_SUBSCRIBE,
  UBUS_MSG_UNSUBSCRIBE,
} from '../../src/ubus/message.ts';
import session from '../fixtures/ubus/session.json';
import { Ubusd } from '../support/ubusd.ts';

const OWN = 0x4d569886;
const WATCH = 0x4d569887;
const TARGET = 0x90853354;

function captured(name: string): string {
  return session.find((frame) => frame.name === name)!.hex;
}

/** An event as ubusd delivers it. */
function event(objectId: number, method: string, table: Table): Message {
  return { type: UBUS_MSG_INVOKE, seq: 24, peer: 0, attributes: { objectId, method, data: encodeTable(table) } };
}

const listen = suite('UbusClient: listen');
/** A client that listens for `meshbridge.*`, and what it heard. */
function listening(): { ubusd: Ubusd; heard: unknown[]; cancel: () => void } {
  const ubusd = new Ubusd().connect();
  const heard: unknown[] = [];
  const cancel = ubusd.client.listen('meshbridge.*', (...given) => heard.push(given));
  return { ubusd, heard, cancel };
}
listen('registers an anonymous object as it was captured', () => {
  const { ubusd } = listening();
  assert.is(toHex(ubusd.far.take()).slice(8), captured('add_anon_object').slice(8));
  ubusd.far.send(fromHex(`00020001${captured('add_anon_object_data').slice(8)}`));
  ubusd.far.send(fromHex(`00010001${captured('add_anon_object_status').slice(8)}`));
  assert.is(toHex(ubusd.far.take()).slice(8), captured('event_register').slice(8));
});
listen('registers an id of the upper half as int32, since ubusd refuses int64', () => {
  const { ubusd } = listening();
  ubusd.added(0xfffffff0);
  const { attributes } = ubusd.one(UBUS_MSG_INVOKE);
  assert.equal(decodeTable(attributes.data!), { object: -16, pattern: 'meshbridge.*' });
});
listen('hands events over and does not answer them', () => {
  const { ubusd, heard } = listening();
  ubusd.added(OWN);
  ubusd.answer(ubusd.one(UBUS_MSG_INVOKE), 0);
  ubusd.far.send(fromHex(captured('event_delivered')));
  assert.equal(heard, [['meshbridge.peer', { up: true }]]);
  assert.equal(ubusd.take(), []);
});
listen('listens again on each connection', async () => {
  const { ubusd } = listening();
  for (let i = 0; i < 3; i++) {
    ubusd.added(OWN + i);
    assert.equal(decodeTable(ubusd.one(UBUS_MSG_INVOKE).attributes.data!), {
      object: OWN + i,
      pattern: 'meshbridge.*',
    });
    ubusd.far.end();
    await ubusd.reconnect();
  }
});
listen('asks again every 5 s when it was refused, and warns once', async () => {
  const { ubusd } = listening();
  ubusd.added(OWN);
  for (let i = 0; i < 3; i++) {
    ubusd.answer(ubusd.one(UBUS_MSG_INVOKE), 6);
    await ubusd.clock.advance(5000);
  }
  ubusd.answer(ubusd.one(UBUS_MSG_INVOKE), 0);
  assert.equal(ubusd.lines, ['warn refused, trying again']);
  assert.is(ubusd.clock.pending, 0);
});
listen('removes its object when cancelled, at whatever step', () => {
  const early = listening();
  early.cancel();
  early.cancel();
  early.ubusd.added(OWN);
  assert.equal(early.ubusd.one(UBUS_MSG_REMOVE_OBJECT).attributes, { objectId: OWN });

  const late = listening();
  late.ubusd.added(OWN);
  late.ubusd.answer(late.ubusd.one(UBUS_MSG_INVOKE), 0);
  late.cancel();
  late.ubusd.send(event(OWN, 'meshbridge.x', {}));
  assert.equal(late.heard, []);
  assert.equal(late.ubusd.one(UBUS_MSG_REMOVE_OBJECT).attributes, { objectId: OWN });
});
listen('passes over an event that is no blobmsg, and one whose handler fails', () => {
  const { ubusd, heard } = listening();
  ubusd.client.listen('bad', () => {
    throw new Error('boom');
  });
  const [first, second] = ubusd.take() as [Message, Message];
  ubusd.answer(first, 0, { objectId: OWN });
  ubusd.answer(second, 0, { objectId: OWN + 1 });
  ubusd.take();
  const bad = event(OWN, 'meshbridge.x', {});
  ubusd.send({ ...bad, attributes: { ...bad.attributes, data: fromHex('ff') } });
  ubusd.send(event(OWN + 1, 'bad', {}), event(OWN, 'meshbridge.y', {}));
  assert.equal(heard, [['meshbridge.y', {}]]);
  assert.equal(ubusd.lines, ['warn not taken', 'warn not taken']);
  assert.is(ubusd.client.up, true);
});
listen.run();

const subscribe = suite('UbusClient: subscribe');
interface Subscribed {
  ubusd: Ubusd;
  heard: unknown[];
  active: boolean[];
  cancel: () => void;
}
/** A client that wants notifications of `netifd`; the watch for objects is set up. */
function wanting(handle?: () => void): Subscribed {
  const ubusd = new Ubusd().connect();
  const heard: unknown[] = [];
  const active: boolean[] = [];
  const take = (...given: unknown[]) => {
    heard.push(given);
    handle?.();
  };
  const cancel = ubusd.client.subscribe('netifd', take, (on) => active.push(on));
  return { ubusd, heard, active, cancel };
}
/** Plays the set-up of the watch and of the own object; the LOOKUP is the next request. */
function setUp(ubusd: Ubusd): void {
  const [watch, own] = ubusd.take() as [Message, Message];
  assert.equal([watch.type, own.type], [UBUS_MSG_ADD_OBJECT, UBUS_MSG_ADD_OBJECT]);
  ubusd.answer(watch, 0, { objectId: WATCH });
  const register = ubusd.one(UBUS_MSG_INVOKE);
  assert.equal(decodeTable(register.attributes.data!), { object: WATCH, pattern: 'ubus.object.*' });
  ubusd.answer(register, 0);
  ubusd.answer(own, 0, { objectId: OWN });
}
/** Plays everything up to the subscription. */
function subscribed(handle?: () => void): Subscribed {
  const it = wanting(handle);
  setUp(it.ubusd);
  it.ubusd.found(TARGET);
  accept(it.ubusd);
  return it;
}
function accept(ubusd: Ubusd, target = TARGET): void {
  const request = ubusd.one(UBUS_MSG_SUBSCRIBE);
  assert.equal(request.attributes, { objectId: OWN, target });
  ubusd.answer(request, 0);
}
subscribe('subscribes to an object that is there', () => {
  const { active, ubusd } = subscribed();
  assert.equal(active, [true]);
  assert.is(ubusd.clock.pending, 0);
});
subscribe('hears notifications and acknowledges them as it was captured', () => {
  const { ubusd, heard } = subscribed();
  ubusd.far.send(fromHex(captured('notify_delivered')));
  assert.equal(heard, [['peer.up', { key: 'abcd' }]]);
  assert.is(toHex(ubusd.far.take()), captured('notify_reply'));
});
subscribe('does not acknowledge what wants no reply', () => {
  const { ubusd, heard } = subscribed();
  ubusd.far.send(fromHex(captured('notify_noreply_delivered')));
  assert.is(heard.length, 1);
  assert.equal(ubusd.take(), []);
});
subscribe('tells the notifier that its handler failed', () => {
  const { ubusd } = subscribed(() => {
    throw new Error('boom');
  });
  ubusd.far.send(fromHex(captured('notify_delivered')));
  assert.equal(ubusd.one(UBUS_MSG_STATUS).attributes, { status: 9, objectId: OWN });
});
subscribe('waits for an object that is not there, without asking again', async () => {
  const { ubusd, active } = wanting();
  setUp(ubusd);
  ubusd.answer(ubusd.one(UBUS_MSG_LOOKUP), 4);
  await ubusd.clock.advance(60_000);
  assert.equal(ubusd.take(), []);
  ubusd.send(event(WATCH, 'ubus.object.add', { id: 1, path: 'another' }));
  assert.equal(ubusd.take(), []);
  ubusd.send(event(WATCH, 'ubus.object.add', { id: TARGET | 0, path: 'netifd' }));
  ubusd.found(TARGET);
  accept(ubusd);
  assert.equal(active, [true]);
});
subscribe('subscribes again when the object returns', () => {
  const { ubusd, active } = subscribed();
  ubusd.far.send(fromHex(captured('target_gone_1')));
  assert.equal(active, [true, false]);
  ubusd.send(event(WATCH, 'ubus.object.add', { id: 77_777, path: 'netifd' }));
  ubusd.found(77_777);
  accept(ubusd, 77_777);
  assert.equal(active, [true, false, true]);
});
subscribe('subscribes again on the next connection', async () => {
  const { ubusd, active } = subscribed();
  ubusd.far.end();
  assert.equal(active, [true, false]);
  await ubusd.reconnect();
  setUp(ubusd);
  ubusd.found(TARGET);
  accept(ubusd);
  assert.equal(active, [true, false, true]);
});
subscribe('looks again when the object returned while it was subscribing to the old one', () => {
  const { ubusd, active } = wanting();
  setUp(ubusd);
  ubusd.found(TARGET);
  const request = ubusd.one(UBUS_MSG_SUBSCRIBE);
  ubusd.send(event(WATCH, 'ubus.object.add', { id: 88_888, path: 'netifd' }));
  ubusd.answer(request, 4);
  ubusd.found(88_888);
  accept(ubusd, 88_888);
  assert.equal(active, [true]);
});
subscribe('asks every 5 s while it may not watch objects', async () => {
  const { ubusd, active } = wanting();
  const [watch, own] = ubusd.take() as [Message, Message];
  ubusd.answer(watch, 0, { objectId: WATCH });
  ubusd.answer(ubusd.one(UBUS_MSG_INVOKE), 6);
  ubusd.answer(own, 0, { objectId: OWN });
  ubusd.answer(ubusd.one(UBUS_MSG_LOOKUP), 4);
  await ubusd.clock.advance(5000);
  const requests = ubusd.take();
  assert.equal(
    requests.map(({ type }) => type),
    [UBUS_MSG_INVOKE, UBUS_MSG_LOOKUP],
  );
  ubusd.answer(requests[1]!, 0, { path: 'netifd', objectId: TARGET });
  accept(ubusd);
  assert.equal(active, [true]);
});
subscribe('ignores that another target is gone', () => {
  const { ubusd, active } = subscribed();
  ubusd.send({ type: UBUS_MSG_UNSUBSCRIBE, seq: 1, peer: 0, attributes: { objectId: OWN, target: 5 } });
  ubusd.send({ type: UBUS_MSG_UNSUBSCRIBE, seq: 1, peer: 0, attributes: { objectId: 5, target: TARGET } });
  assert.equal(active, [true]);
});
subscribe('ends when cancelled', async () => {
  const { ubusd, cancel, active } = subscribed();
  cancel();
  assert.equal(ubusd.one(UBUS_MSG_REMOVE_OBJECT).attributes, { objectId: OWN });
  ubusd.send(event(WATCH, 'ubus.object.add', { id: TARGET | 0, path: 'netifd' }));
  assert.equal(ubusd.take(), []);
  assert.equal(active, [true]);
});
subscribe('drops an id that calls remember when its object goes', async () => {
  const { ubusd } = subscribed();
  void ubusd.client.call('netifd', 'dump');
  ubusd.found(TARGET);
  await ubusd.settle();
  ubusd.answerCall(ubusd.one(UBUS_MSG_INVOKE), 0);
  ubusd.send(event(WATCH, 'ubus.object.remove', { id: TARGET | 0, path: 'netifd' }));
  void ubusd.client.call('netifd', 'dump').catch(() => {});
  ubusd.one(UBUS_MSG_LOOKUP);
});
subscribe.run();
