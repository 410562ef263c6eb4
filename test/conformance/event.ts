// §6 events: the broker's object 1, and the events that it sends itself.

import * as assert from 'uvu/assert';
import { encodeTable } from '../../src/ubus/blobmsg.ts';
import { UBUS_MSG_INVOKE, UBUS_MSG_REMOVE_OBJECT, UBUS_MSG_STATUS } from '../../src/ubus/message.ts';
import type { Bus, Case } from './broker.ts';
import { type RawClient, show } from './raw.ts';

interface Stage {
  sender: RawClient;
  listener: RawClient;
  objectId: number;
}

async function stage(bus: Bus, ...patterns: string[]): Promise<Stage> {
  const listener = await bus.connect();
  const objectId = await listener.listen(...patterns);
  return { sender: await bus.connect(), listener, objectId };
}

function send(client: RawClient, id: string): Promise<number> {
  return client.system('send', { id, data: {} });
}

/** The ids of events that arrived at a client. */
async function heard(client: RawClient): Promise<(string | undefined)[]> {
  return (await client.barrier()).map(({ attributes }) => attributes.method);
}

export const EVENTS: readonly Case[] = [
  [
    'delivers an event as a call from nobody',
    async (bus) => {
      const { sender, listener, objectId } = await stage(bus, 'hello');
      assert.is(await sender.system('send', { id: 'hello', data: { a: 1, b: ['x'] } }), 0);
      const { seq, ...event } = show(await listener.next());
      assert.equal(event, { type: 'INVOKE', peer: 0, objectId, method: 'hello', data: { a: 1, b: ['x'] } });
      assert.type(seq, 'number');
    },
  ],
  [
    'numbers what it delivers',
    async (bus) => {
      const { sender, listener } = await stage(bus, 'e');
      await send(sender, 'e');
      await send(sender, 'e');
      const [first, second] = await listener.take(2);
      assert.is(second!.seq, first!.seq + 1);
    },
  ],
  [
    'delivers what matches a whole id or a prefix',
    async (bus) => {
      const { sender, listener } = await stage(bus, 'net', 'mesh.*');
      for (const id of ['net', 'network', 'ne', 'mesh', 'mesh.', 'mesh.peer', 'other'])
        assert.is(await send(sender, id), 0);
      assert.equal(await heard(listener), ['net', 'mesh.', 'mesh.peer']);
    },
  ],
  [
    'delivers everything for a lone asterisk',
    async (bus) => {
      const { sender, listener } = await stage(bus, '*');
      for (const id of ['a', 'b.c']) await send(sender, id);
      assert.equal(await heard(listener), ['a', 'b.c']);
    },
  ],
  [
    'delivers an event once to an object that several patterns of match',
    async (bus) => {
      const { sender, listener } = await stage(bus, 'a.b', 'a.*', '*', 'a.b');
      await send(sender, 'a.b');
      assert.equal(await heard(listener), ['a.b']);
    },
  ],
  [
    'delivers an event to each object of a client',
    async (bus) => {
      const { sender, listener, objectId } = await stage(bus, 'a');
      const second = await listener.listen('*');
      await send(sender, 'a');
      const ids = (await listener.barrier()).map(({ attributes }) => attributes.objectId);
      assert.equal(ids, [second, objectId]); // by pattern: the empty prefix comes first
    },
  ],
  [
    'does not deliver to the sender',
    async (bus) => {
      const { listener } = await stage(bus, '*');
      assert.is(await send(listener, 'mine'), 0);
      assert.equal(await heard(listener), []);
    },
  ],
  [
    'keeps ids that begin with "ubus." to itself',
    async (bus) => {
      const { sender, listener } = await stage(bus, '*');
      assert.is(await send(sender, 'ubus.object.add'), 6);
      assert.is(await send(sender, 'ubus.'), 6);
      assert.is(await send(sender, 'ubus'), 0);
      assert.equal(await heard(listener), ['ubus']);
    },
  ],
  [
    'refuses an event without id or data',
    async (bus) => {
      const client = await bus.connect();
      assert.is(await client.system('send', { id: 'x' }), 2);
      assert.is(await client.system('send', { data: {} }), 2);
      assert.is(await client.system('send', { id: 'x', data: 'text' }), 2);
      assert.is(await client.system('send', { id: 5, data: {} }), 2);
      assert.is(await client.system('send', {}), 2);
      assert.is(await client.status(UBUS_MSG_INVOKE, { objectId: 1, method: 'send' }), 2);
    },
  ],
  [
    'refuses a registration without object or pattern',
    async (bus) => {
      const client = await bus.connect();
      const object = (await client.add()) | 0;
      assert.is(await client.system('register', { object }), 2);
      assert.is(await client.system('register', { pattern: '*' }), 2);
      assert.is(await client.status(UBUS_MSG_INVOKE, { objectId: 1, method: 'register' }), 2);
    },
  ],
  [
    'refuses the id of a listener as int64',
    async (bus) => {
      const client = await bus.connect();
      const object = BigInt(await client.add());
      assert.is(await client.system('register', { object, pattern: '*' }), 2);
    },
  ],
  [
    'takes ids from 2^31 on as int32',
    async (bus) => {
      const { sender } = await stage(bus);
      const listener = await bus.connect();
      let object = 0;
      while (object < 2 ** 31) object = await listener.add(); // half of all ids are
      assert.is(await listener.system('register', { object: object | 0, pattern: 'high' }), 0);
      await send(sender, 'high');
      assert.is((await listener.next()).attributes.objectId, object);
    },
  ],
  [
    'denies registrations for objects of others, and the empty pattern',
    async (bus) => {
      const { sender, listener, objectId } = await stage(bus, 'a');
      assert.is(await sender.system('register', { object: objectId | 0, pattern: '*' }), 6);
      assert.is(await sender.system('register', { object: 1, pattern: '*' }), 6);
      assert.is(await sender.system('register', { object: 1023, pattern: '*' }), 6);
      assert.is(await listener.system('register', { object: objectId | 0, pattern: '' }), 6);
    },
  ],
  [
    'answers NOT_FOUND to a registration for an object that is not there',
    async (bus) => {
      const { listener, objectId } = await stage(bus, 'a');
      assert.is(await listener.system('register', { object: (objectId ^ 1) | 0, pattern: '*' }), 4);
    },
  ],
  [
    'answers INVALID_COMMAND to other methods',
    async (bus) => assert.is(await (await bus.connect()).system('listen', {}), 1),
  ],
  [
    'tells of objects that come and go, their owner too',
    async (bus) => {
      const { sender: owner, listener } = await stage(bus, 'ubus.object.*');
      await owner.listen('ubus.object.*');
      const id = await owner.add('path', { m: {} });
      await owner.status(UBUS_MSG_REMOVE_OBJECT, { objectId: id });
      const events = (await listener.barrier()).map(show);
      assert.equal(
        events.map(({ method, data }) => [method, data]),
        [
          ['ubus.object.add', { id: id | 0, path: 'path' }],
          ['ubus.object.remove', { id: id | 0, path: 'path' }],
        ],
      );
      assert.is(events[0]!.peer, 0);
    },
  ],
  [
    'tells the owner of its object before it answers',
    async (bus) => {
      const { listener } = await stage(bus, 'ubus.object.add');
      const { frames } = await listener.request(6, { path: 'own', signature: encodeTable({ m: {} }) });
      assert.equal(
        frames.map(({ attributes, type }) => attributes.method ?? type),
        ['ubus.object.add', 2, 1],
      );
    },
  ],
  [
    'tells nothing of anonymous objects',
    async (bus) => {
      const { sender, listener } = await stage(bus, '*');
      const objectId = await sender.add();
      await sender.status(UBUS_MSG_REMOVE_OBJECT, { objectId });
      assert.equal(await heard(listener), []);
    },
  ],
  [
    'forgets the patterns of an object that is removed',
    async (bus) => {
      const { sender, listener, objectId } = await stage(bus, '*');
      await listener.status(UBUS_MSG_REMOVE_OBJECT, { objectId });
      await send(sender, 'late');
      assert.equal(await heard(listener), []);
    },
  ],
  [
    'drops the answer of a listener',
    async (bus) => {
      const { sender, listener, objectId } = await stage(bus, 'e');
      await send(sender, 'e');
      const { seq, peer } = await listener.next();
      listener.send(UBUS_MSG_STATUS, { status: 0, objectId }, { seq, peer });
      assert.equal(await listener.barrier(), []);
      assert.equal(await sender.barrier(), []);
    },
  ],
];
