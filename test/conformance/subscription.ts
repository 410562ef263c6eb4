// §6 SUBSCRIBE, UNSUBSCRIBE and NOTIFY.

import * as assert from 'uvu/assert';
import { encodeTable } from '../../src/ubus/blobmsg.ts';
import {
  UBUS_MSG_INVOKE,
  UBUS_MSG_NOTIFY,
  UBUS_MSG_REMOVE_OBJECT,
  UBUS_MSG_STATUS,
  UBUS_MSG_SUBSCRIBE,
  UBUS_MSG_UNSUBSCRIBE,
} from '../../src/ubus/message.ts';
import type { Bus, Case } from './broker.ts';
import { type RawClient, show, types } from './raw.ts';

const EMPTY = new Uint8Array(0);

interface Stage {
  owner: RawClient;
  target: number;
  subscriber: RawClient;
  objectId: number;
}

async function stage(bus: Bus): Promise<Stage> {
  const owner = await bus.connect();
  const target = await owner.add('target', { m: {} });
  const subscriber = await bus.connect();
  return { owner, target, subscriber, objectId: await subscriber.add() };
}

/** As `stage`, with the subscription made and its NOTIFY taken. */
async function subscribed(bus: Bus): Promise<Stage> {
  const made = await stage(bus);
  const { subscriber, objectId, target, owner } = made;
  assert.is(await subscriber.status(UBUS_MSG_SUBSCRIBE, { objectId, target }), 0);
  assert.equal(types(await owner.barrier()), ['NOTIFY']);
  return made;
}

export const SUBSCRIPTIONS: readonly Case[] = [
  [
    'tells the owner of the first subscriber and of the last one to leave',
    async (bus) => {
      const { owner, target, subscriber, objectId } = await stage(bus);
      const second = await bus.connect();
      const secondId = await second.add();
      assert.is(await subscriber.status(UBUS_MSG_SUBSCRIBE, { objectId, target }), 0);
      assert.is(await second.status(UBUS_MSG_SUBSCRIBE, { objectId: secondId, target }), 0);
      assert.is(await subscriber.status(UBUS_MSG_UNSUBSCRIBE, { objectId, target }), 0);
      assert.equal((await owner.barrier()).map(show), [
        { type: 'NOTIFY', seq: 1, peer: 0, objectId: target, active: true },
      ]);
      assert.is(await second.status(UBUS_MSG_UNSUBSCRIBE, { objectId: secondId, target }), 0);
      assert.equal((await owner.barrier()).map(show), [
        { type: 'NOTIFY', seq: 2, peer: 0, objectId: target, active: false },
      ]);
    },
  ],
  [
    'refuses to subscribe without own object or target',
    async (bus) => {
      const { subscriber, objectId, target } = await stage(bus);
      assert.is(await subscriber.status(UBUS_MSG_SUBSCRIBE, { objectId }), 2);
      assert.is(await subscriber.status(UBUS_MSG_SUBSCRIBE, { target }), 2);
    },
  ],
  [
    'refuses to subscribe an object that is not there or not one’s own',
    async (bus) => {
      const { subscriber, owner, objectId, target } = await stage(bus);
      assert.is(await subscriber.status(UBUS_MSG_SUBSCRIBE, { objectId: objectId ^ 1, target }), 4);
      assert.is(await owner.status(UBUS_MSG_SUBSCRIBE, { objectId, target }), 2);
      assert.is(await subscriber.status(UBUS_MSG_SUBSCRIBE, { objectId: 1, target }), 2);
    },
  ],
  [
    'refuses a target that is not there, the broker’s own, or of the same connection',
    async (bus) => {
      const { subscriber, objectId, target } = await stage(bus);
      const own = await subscriber.add('own', { m: {} });
      assert.is(await subscriber.status(UBUS_MSG_SUBSCRIBE, { objectId, target: target ^ 1 }), 4);
      assert.is(await subscriber.status(UBUS_MSG_SUBSCRIBE, { objectId, target: 1 }), 4);
      assert.is(await subscriber.status(UBUS_MSG_SUBSCRIBE, { objectId, target: own }), 2);
      assert.is(await subscriber.status(UBUS_MSG_SUBSCRIBE, { objectId, target: objectId }), 2);
    },
  ],
  [
    'lets a client subscribe to an anonymous object of the same user',
    async (bus) => {
      const { subscriber, objectId, owner } = await stage(bus);
      const target = await owner.add();
      assert.is(await subscriber.status(UBUS_MSG_SUBSCRIBE, { objectId, target }), 0);
    },
  ],
  [
    'refuses to end a subscription that is not there',
    async (bus) => {
      const { subscriber, objectId, target, owner } = await subscribed(bus);
      assert.is(await subscriber.status(UBUS_MSG_UNSUBSCRIBE, { objectId, target: target ^ 1 }), 4);
      assert.is(await subscriber.status(UBUS_MSG_UNSUBSCRIBE, { objectId: objectId ^ 1, target }), 4);
      assert.is(await owner.status(UBUS_MSG_UNSUBSCRIBE, { objectId, target }), 2);
      assert.is(await subscriber.status(UBUS_MSG_UNSUBSCRIBE, { objectId }), 2);
      assert.is(await subscriber.status(UBUS_MSG_UNSUBSCRIBE, { target }), 2);
      assert.is(await subscriber.status(UBUS_MSG_UNSUBSCRIBE, { objectId, target }), 0);
      assert.is(await subscriber.status(UBUS_MSG_UNSUBSCRIBE, { objectId, target }), 4);
    },
  ],
  [
    'notifies: first the list of subscribers, then their answers',
    async (bus) => {
      const { owner, target, subscriber, objectId } = await subscribed(bus);
      owner.send(
        UBUS_MSG_NOTIFY,
        { objectId: target, method: 'up', data: encodeTable({ n: 1 }) },
        { seq: 30, peer: target },
      );
      assert.equal(show(await owner.next()), {
        type: 'STATUS',
        seq: 30,
        peer: target,
        objectId: target,
        subscribers: [objectId],
        status: 0,
      });
      const { user, group, ...call } = show(await subscriber.next());
      assert.equal(call, { type: 'INVOKE', seq: 30, peer: owner.id, objectId, method: 'up', data: { n: 1 } });
      assert.ok(user && group);
      subscriber.send(UBUS_MSG_STATUS, { status: 0, objectId }, { seq: 30, peer: owner.id });
      assert.equal(show(await owner.next()), { type: 'STATUS', seq: 30, peer: objectId, status: 0, objectId });
    },
  ],
  [
    'notifies nobody with an empty list',
    async (bus) => {
      const { owner, target } = await stage(bus);
      const { frames } = await owner.request(UBUS_MSG_NOTIFY, { objectId: target, method: 'up', data: EMPTY });
      assert.equal(frames.map(show), [
        { type: 'STATUS', seq: 2, peer: 0, objectId: target, subscribers: [], status: 0 },
      ]);
    },
  ],
  [
    'says nothing to a notifier that wants no reply, and tells the subscriber so',
    async (bus) => {
      const { owner, target, subscriber, objectId } = await subscribed(bus);
      owner.send(UBUS_MSG_NOTIFY, { objectId: target, method: 'up', data: EMPTY, noReply: true });
      assert.equal(await owner.barrier(), []);
      const call = show(await subscriber.next());
      assert.equal([call.type, call.objectId, call.noReply], ['INVOKE', objectId, true]);
      assert.equal(await subscriber.barrier(), []);
    },
  ],
  [
    'takes NO_REPLY 0 as a wish for a reply',
    async (bus) => {
      const { owner, target, subscriber } = await subscribed(bus);
      const { status } = await owner.request(UBUS_MSG_NOTIFY, {
        objectId: target,
        method: 'up',
        data: EMPTY,
        noReply: false,
      });
      assert.is(status, 0);
      assert.is((await subscriber.next()).attributes.noReply, undefined);
    },
  ],
  [
    'refuses a notification without object or method, of nobody’s or another client’s object',
    async (bus) => {
      const { owner, target, subscriber } = await subscribed(bus);
      assert.is(await owner.status(UBUS_MSG_NOTIFY, { objectId: target }), 2);
      assert.is(await owner.status(UBUS_MSG_NOTIFY, { method: 'up' }), 2);
      assert.is(await owner.status(UBUS_MSG_NOTIFY, { objectId: target ^ 1, method: 'up' }), 4);
      assert.is(await subscriber.status(UBUS_MSG_NOTIFY, { objectId: target, method: 'up' }), 6);
      assert.is(await subscriber.status(UBUS_MSG_NOTIFY, { objectId: 1, method: 'up' }), 6);
      assert.equal(await subscriber.barrier(), []);
    },
  ],
  [
    'lists and calls the newest subscriber first',
    async (bus) => {
      const { owner, target, subscriber, objectId } = await subscribed(bus);
      const newer = await subscriber.add();
      await subscriber.status(UBUS_MSG_SUBSCRIBE, { objectId: newer, target });
      const { frames } = await owner.request(UBUS_MSG_NOTIFY, { objectId: target, method: 'up', data: EMPTY });
      assert.equal(frames[0]!.attributes.subscribers, [newer, objectId]);
      assert.equal(
        (await subscriber.take(2)).map(({ attributes }) => attributes.objectId),
        [newer, objectId],
      );
    },
  ],
  [
    'counts a subscription made twice twice',
    async (bus) => {
      const { owner, target, subscriber, objectId } = await subscribed(bus);
      assert.is(await subscriber.status(UBUS_MSG_SUBSCRIBE, { objectId, target }), 0);
      const { frames } = await owner.request(UBUS_MSG_NOTIFY, { objectId: target, method: 'up', data: EMPTY });
      assert.equal(frames[0]!.attributes.subscribers, [objectId, objectId]);
      assert.equal(types(await subscriber.take(2)), ['INVOKE', 'INVOKE']);
      assert.is(await subscriber.status(UBUS_MSG_UNSUBSCRIBE, { objectId, target }), 0);
      assert.equal(await owner.barrier(), []);
      assert.is(await subscriber.status(UBUS_MSG_UNSUBSCRIBE, { objectId, target }), 0);
      assert.equal(types(await owner.barrier()), ['NOTIFY']);
    },
  ],
  [
    'answers the removal of a subscribed object with DATA, NOTIFY, STATUS',
    async (bus) => {
      const { owner, target, subscriber, objectId } = await subscribed(bus);
      const { frames } = await owner.request(UBUS_MSG_REMOVE_OBJECT, { objectId: target });
      assert.equal(types(frames), ['DATA', 'NOTIFY', 'STATUS']);
      assert.equal(show(frames[1]!), { type: 'NOTIFY', seq: 2, peer: 0, objectId: target, active: false });
      assert.equal(show(await subscriber.next()), { type: 'UNSUBSCRIBE', seq: 1, peer: 0, objectId, target });
    },
  ],
  [
    'tells subscribers when the target’s connection ends',
    async (bus) => {
      const { owner, target, subscriber, objectId } = await subscribed(bus);
      owner.close();
      assert.equal(show(await subscriber.next()), { type: 'UNSUBSCRIBE', seq: 1, peer: 0, objectId, target });
      assert.is(await subscriber.status(UBUS_MSG_UNSUBSCRIBE, { objectId, target }), 4);
    },
  ],
  [
    'tells the owner when the last subscriber’s connection ends',
    async (bus) => {
      const { owner, target, subscriber } = await subscribed(bus);
      subscriber.close();
      assert.equal(show(await owner.next()), { type: 'NOTIFY', seq: 2, peer: 0, objectId: target, active: false });
    },
  ],
  [
    'ends the subscriptions of an object that is removed',
    async (bus) => {
      const { owner, target, subscriber, objectId } = await subscribed(bus);
      const { frames } = await subscriber.request(UBUS_MSG_REMOVE_OBJECT, { objectId });
      assert.equal(types(frames), ['DATA', 'STATUS']);
      assert.equal((await owner.barrier()).map(show), [
        { type: 'NOTIFY', seq: 2, peer: 0, objectId: target, active: false },
      ]);
    },
  ],
  [
    'does not renew a subscription when the target comes back under its path',
    async (bus) => {
      const { owner, target, subscriber } = await subscribed(bus);
      await owner.request(UBUS_MSG_REMOVE_OBJECT, { objectId: target });
      await subscriber.next();
      const again = await owner.add('target', { m: {} });
      const { frames } = await owner.request(UBUS_MSG_NOTIFY, { objectId: again, method: 'up', data: EMPTY });
      assert.equal(frames[0]!.attributes.subscribers, []);
      assert.equal(await subscriber.barrier(), []);
    },
  ],
  [
    'lets a subscriber be called like any object',
    async (bus) => {
      const { owner, subscriber, objectId } = await subscribed(bus);
      owner.send(UBUS_MSG_INVOKE, { objectId, method: 'direct', data: EMPTY });
      assert.is((await subscriber.next()).attributes.method, 'direct');
    },
  ],
];
