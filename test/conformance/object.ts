// §6 ADD_OBJECT and REMOVE_OBJECT.

import * as assert from 'uvu/assert';
import { fromHex } from '../../src/lib/bytes.ts';
import { encodeTable } from '../../src/ubus/blobmsg.ts';
import { UBUS_MSG_ADD_OBJECT, UBUS_MSG_LOOKUP, UBUS_MSG_REMOVE_OBJECT } from '../../src/ubus/message.ts';
import type { Case } from './broker.ts';
import { type RawClient, show, types } from './raw.ts';

const SIGNATURE = encodeTable({ hello: { name: 3 } });

async function typeOf(client: RawClient, path: string): Promise<number | undefined> {
  const { data } = await client.request(UBUS_MSG_LOOKUP, { path });
  return data[0]?.attributes.objectType;
}

export const OBJECTS: readonly Case[] = [
  [
    'answers with the ids of object and type',
    async (bus) => {
      const client = await bus.connect();
      const { frames, status } = await client.request(UBUS_MSG_ADD_OBJECT, { path: 'a', signature: SIGNATURE });
      assert.is(status, 0);
      assert.equal(types(frames), ['DATA', 'STATUS']);
      assert.equal(Object.keys(frames[0]!.attributes), ['objectId', 'objectType']);
      assert.ok(frames[0]!.attributes.objectId! >= 1024);
      assert.ok(frames[0]!.attributes.objectType! >= 1024);
    },
  ],
  [
    'adds an anonymous object',
    async (bus) => {
      const client = await bus.connect();
      const { data, status } = await client.request(UBUS_MSG_ADD_OBJECT);
      assert.is(status, 0);
      assert.equal(Object.keys(data[0]!.attributes), ['objectId']);
    },
  ],
  [
    'refuses a path that is taken, also by oneself',
    async (bus) => {
      const owner = await bus.connect();
      await owner.add('taken', { hello: {} });
      const other = await bus.connect();
      for (const client of [owner, other]) {
        const { frames } = await client.request(
          UBUS_MSG_ADD_OBJECT,
          { path: 'taken', signature: SIGNATURE },
          { seq: 9 },
        );
        assert.equal(frames.map(show), [{ type: 'STATUS', seq: 9, peer: 0, status: 2 }]);
      }
      assert.is((await other.request(UBUS_MSG_LOOKUP, { path: 'taken' })).data.length, 1);
    },
  ],
  [
    'gives a path free with its object',
    async (bus) => {
      const owner = await bus.connect();
      const objectId = await owner.add('path', { hello: {} });
      assert.is(await owner.status(UBUS_MSG_REMOVE_OBJECT, { objectId }), 0);
      const other = await bus.connect();
      assert.is(await other.status(UBUS_MSG_LOOKUP, { path: 'path' }), 4);
      assert.is.not(await other.add('path', { hello: {} }), objectId);
    },
  ],
  [
    'removes all objects of a connection that ends',
    async (bus) => {
      const owner = await bus.connect();
      await owner.add('one', { hello: {} });
      await owner.add('two', { hello: {} });
      const watcher = await bus.connect();
      await watcher.listen('ubus.object.remove');
      owner.close();
      const gone = (await watcher.take(2)).map((frame) => (show(frame).data as { path: string }).path);
      assert.equal(gone, ['two', 'one']); // newest first
      assert.is(await watcher.status(UBUS_MSG_LOOKUP, { path: 'one' }), 4);
    },
  ],
  [
    'takes the id of a known type in place of a signature',
    async (bus) => {
      const first = await bus.connect();
      const added = await first.request(UBUS_MSG_ADD_OBJECT, { path: 'first', signature: SIGNATURE });
      const objectType = added.data[0]!.attributes.objectType!;
      const second = await bus.connect();
      const { data, status } = await second.request(UBUS_MSG_ADD_OBJECT, { path: 'second', objectType });
      assert.is(status, 0);
      assert.equal(Object.keys(data[0]!.attributes), ['objectId']);
      const found = await second.request(UBUS_MSG_LOOKUP, { path: 'second' });
      assert.is(found.data[0]!.attributes.objectType, objectType);
      assert.equal(show(found.data[0]!).signature, { hello: { name: 3 } });
    },
  ],
  [
    'gives every signature a type of its own',
    async (bus) => {
      const client = await bus.connect();
      await client.add('a', { same: {} });
      await client.add('b', { same: {} });
      assert.is.not(await typeOf(client, 'a'), await typeOf(client, 'b'));
    },
  ],
  [
    'adds an object of an unknown type without one',
    async (bus) => {
      const client = await bus.connect();
      const attributes = { path: 'odd', objectType: 77, signature: SIGNATURE };
      const { data, status } = await client.request(UBUS_MSG_ADD_OBJECT, attributes);
      assert.is(status, 0);
      assert.equal(Object.keys(data[0]!.attributes), ['objectId']);
      assert.is(await typeOf(client, 'odd'), undefined);
    },
  ],
  [
    'adds an object without a type when a method has no name',
    async (bus) => {
      const client = await bus.connect();
      const signature = fromHex('8200000800000000');
      const { data, status } = await client.request(UBUS_MSG_ADD_OBJECT, { path: 'nameless', signature });
      assert.is(status, 0);
      assert.equal(Object.keys(data[0]!.attributes), ['objectId']);
    },
  ],
  [
    'shows an object with an empty signature',
    async (bus) => {
      const client = await bus.connect();
      const { data } = await client.request(UBUS_MSG_ADD_OBJECT, { path: 'empty', signature: new Uint8Array(0) });
      assert.equal(Object.keys(data[0]!.attributes), ['objectId', 'objectType']);
      const found = await client.request(UBUS_MSG_LOOKUP, { path: 'empty' });
      assert.equal(show(found.data[0]!).signature, {});
    },
  ],
  [
    'keeps the bytes of a signature',
    async (bus) => {
      const client = await bus.connect();
      const signature = encodeTable({
        m: { s: 3, i: 5, l: 1, t: 2, b: 7, x: 4, d: 8, any: 0 },
        n: { deep: { er: 3 } },
      });
      await client.request(UBUS_MSG_ADD_OBJECT, { path: 'sig', signature });
      const found = await client.request(UBUS_MSG_LOOKUP, { path: 'sig' });
      assert.equal([...found.data[0]!.attributes.signature!], [...signature]);
    },
  ],
  [
    'answers a removal with the ids that are gone',
    async (bus) => {
      const client = await bus.connect();
      const added = await client.request(UBUS_MSG_ADD_OBJECT, { path: 'a', signature: SIGNATURE });
      const { objectId, objectType } = added.data[0]!.attributes;
      const { frames } = await client.request(UBUS_MSG_REMOVE_OBJECT, { objectId: objectId! }, { seq: 9 });
      assert.equal(frames.map(show), [
        { type: 'DATA', seq: 9, peer: 0, objectId, objectType },
        { type: 'STATUS', seq: 9, peer: 0, status: 0 },
      ]);
    },
  ],
  [
    'keeps a type as long as an object has it',
    async (bus) => {
      const client = await bus.connect();
      const added = await client.request(UBUS_MSG_ADD_OBJECT, { path: 'a', signature: SIGNATURE });
      const { objectId, objectType } = added.data[0]!.attributes;
      const shared = await client.request(UBUS_MSG_ADD_OBJECT, { path: 'b', objectType: objectType! });
      const first = await client.request(UBUS_MSG_REMOVE_OBJECT, { objectId: objectId! });
      assert.equal(Object.keys(first.data[0]!.attributes), ['objectId']);
      const last = await client.request(UBUS_MSG_REMOVE_OBJECT, { objectId: shared.data[0]!.attributes.objectId! });
      assert.is(last.data[0]!.attributes.objectType, objectType);
      await client.request(UBUS_MSG_ADD_OBJECT, { path: 'c', objectType: objectType! });
      assert.is(await typeOf(client, 'c'), undefined);
    },
  ],
  [
    'refuses a removal without an id',
    async (bus) => assert.is(await (await bus.connect()).status(UBUS_MSG_REMOVE_OBJECT), 2),
  ],
  [
    'answers NOT_FOUND to the removal of nothing',
    async (bus) => {
      const client = await bus.connect();
      const objectId = await client.add();
      assert.is(await client.status(UBUS_MSG_REMOVE_OBJECT, { objectId }), 0);
      assert.is(await client.status(UBUS_MSG_REMOVE_OBJECT, { objectId }), 4);
    },
  ],
  [
    "denies the removal of another client's object, and of the broker's own",
    async (bus) => {
      const owner = await bus.connect();
      const objectId = await owner.add('mine', { hello: {} });
      const other = await bus.connect();
      for (const id of [objectId, 1, 2, 3]) assert.is(await other.status(UBUS_MSG_REMOVE_OBJECT, { objectId: id }), 6);
      assert.is((await other.request(UBUS_MSG_LOOKUP, { path: 'mine' })).data.length, 1);
    },
  ],
];
