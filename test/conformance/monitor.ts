// §6 the monitor object (3) and the access list object (2).

import * as assert from 'uvu/assert';
import { decodeTable } from '../../src/ubus/blobmsg.ts';
import {
  type Message,
  UBUS_MSG_INVOKE,
  UBUS_MSG_LOOKUP,
  UBUS_MSG_MONITOR,
  UBUS_SYSTEM_OBJECT_ACL,
  UBUS_SYSTEM_OBJECT_MONITOR,
} from '../../src/ubus/message.ts';
import type { Case } from './broker.ts';
import type { RawClient } from './raw.ts';

function control(client: RawClient, method: string): Promise<number> {
  return client.system(method, {}, UBUS_SYSTEM_OBJECT_MONITOR);
}

interface Shown {
  client: number | undefined;
  type: number | undefined;
  sent: boolean | undefined;
}

function shown(frames: readonly Message[]): Shown[] {
  return frames
    .filter(({ type }) => type === UBUS_MSG_MONITOR)
    .map(({ attributes }) => ({
      client: attributes.monitorClient,
      type: attributes.monitorType,
      sent: attributes.monitorSend,
    }));
}

export const MONITORS: readonly Case[] = [
  ['lets root watch', async (bus) => assert.is(await control(await bus.connect(), 'add'), 0)],
  [
    'shows what clients send and get',
    async (bus) => {
      const watcher = await bus.connect();
      const other = await bus.connect();
      await control(watcher, 'add');
      other.send(UBUS_MSG_LOOKUP, { path: 'nobody' }, { seq: 77, peer: 5 });
      await other.answer(77, 5);
      const frames = (await watcher.barrier()).filter(({ attributes }) => attributes.monitorClient === other.id);
      assert.equal(shown(frames), [
        { client: other.id, type: UBUS_MSG_LOOKUP, sent: false },
        { client: other.id, type: 1, sent: true },
      ]);
      const [request, answer] = frames;
      assert.equal([request!.attributes.monitorSeq, request!.attributes.monitorPeer, request!.peer], [77, 5, 0]);
      assert.is(String.fromCharCode(...request!.attributes.data!.subarray(4)).replaceAll('\0', ''), 'nobody');
      assert.is(answer!.attributes.monitorSeq, 77);
    },
  ],
  [
    'shows a watcher its own traffic, but no MONITOR frame',
    async (bus) => {
      const watcher = await bus.connect();
      const { frames } = await watcher.request(UBUS_MSG_INVOKE, {
        objectId: 3,
        method: 'add',
        data: new Uint8Array(0),
      });
      assert.equal(shown(frames), [{ client: watcher.id, type: 1, sent: true }]);
      const rest = await watcher.request(3);
      assert.equal(
        shown(rest.frames).map(({ type }) => type),
        [3, 2, 1],
      );
    },
  ],
  [
    'numbers MONITOR frames from 1',
    async (bus) => {
      const watcher = await bus.connect();
      await watcher.barrier();
      const first = await watcher.request(UBUS_MSG_INVOKE, { objectId: 3, method: 'add', data: new Uint8Array(0) });
      const more = await watcher.request(3);
      const seqs = [...first.frames, ...more.frames]
        .filter(({ type }) => type === UBUS_MSG_MONITOR)
        .map(({ seq }) => seq);
      assert.equal(seqs, [1, 2, 3, 4]);
    },
  ],
  [
    'stops showing when asked to',
    async (bus) => {
      const watcher = await bus.connect();
      const other = await bus.connect();
      await control(watcher, 'add');
      assert.is(await control(watcher, 'remove'), 0);
      await other.barrier();
      assert.equal(await watcher.barrier(), []);
    },
  ],
  [
    'shows the way of a call through the bus',
    async (bus) => {
      const watcher = await bus.connect();
      const provider = await bus.connect();
      const caller = await bus.connect();
      const objectId = await provider.add('watched', { m: {} });
      await control(watcher, 'add');
      caller.send(UBUS_MSG_INVOKE, { objectId, method: 'm', data: new Uint8Array(0) });
      const { seq, peer } = await provider.next();
      provider.send(1, { objectId, status: 0 }, { seq, peer });
      await caller.next();
      const ways = shown(await watcher.barrier()).filter(({ client }) => client !== watcher.id);
      assert.equal(ways, [
        { client: caller.id, type: UBUS_MSG_INVOKE, sent: false },
        { client: provider.id, type: UBUS_MSG_INVOKE, sent: true },
        { client: provider.id, type: 1, sent: false },
        { client: caller.id, type: 1, sent: true },
      ]);
    },
  ],
  [
    'bears a watcher that goes',
    async (bus) => {
      const watcher = await bus.connect();
      await control(watcher, 'add');
      watcher.close();
      const other = await bus.connect();
      for (let i = 0; i < 50; i++) await other.barrier();
    },
  ],
  [
    'answers METHOD_NOT_FOUND to other methods of the monitor',
    async (bus) => assert.is(await control(await bus.connect(), 'watch'), 3),
  ],
  [
    'answers a query of access lists with an empty list',
    async (bus) => {
      const client = await bus.connect();
      const attributes = { objectId: UBUS_SYSTEM_OBJECT_ACL, method: 'query', data: new Uint8Array(0) };
      const { data, status } = await client.request(UBUS_MSG_INVOKE, attributes);
      assert.is(status, 0);
      assert.is(data[0]!.attributes.objectId, UBUS_SYSTEM_OBJECT_ACL);
      const { seq, acl } = decodeTable(data[0]!.attributes.data!);
      assert.type(seq, 'number');
      assert.equal(acl, []);
    },
  ],
  [
    'answers INVALID_COMMAND to other methods of the access list',
    async (bus) => assert.is(await (await bus.connect()).system('list', {}, UBUS_SYSTEM_OBJECT_ACL), 1),
  ],
];
