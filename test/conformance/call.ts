// §6 INVOKE, both sides.

import * as assert from 'uvu/assert';
import { fromHex } from '../../src/lib/bytes.ts';
import { encodeTable } from '../../src/ubus/blobmsg.ts';
import { encodeMessage, UBUS_MSG_DATA, UBUS_MSG_INVOKE, UBUS_MSG_STATUS } from '../../src/ubus/message.ts';
import type { Bus, Case } from './broker.ts';
import { type RawClient, show } from './raw.ts';

const EMPTY = new Uint8Array(0);

interface Stage {
  provider: RawClient;
  caller: RawClient;
  objectId: number;
}

async function stage(bus: Bus): Promise<Stage> {
  const provider = await bus.connect();
  const objectId = await provider.add('provider', { echo: { msg: 3 } });
  return { provider, caller: await bus.connect(), objectId };
}

/** Both connections are empty once everything sent before has been handled. */
async function quiet(...clients: RawClient[]): Promise<void> {
  for (const client of clients) await client.barrier();
  for (const client of clients) assert.equal((await client.barrier()).map(show), []);
}

export const CALLS: readonly Case[] = [
  [
    'delivers a call with the caller, its number, its user and group',
    async (bus) => {
      const { provider, caller, objectId } = await stage(bus);
      caller.send(
        UBUS_MSG_INVOKE,
        { objectId, method: 'echo', data: encodeTable({ msg: 'hi' }) },
        { seq: 3, peer: objectId },
      );
      const call = show(await provider.next());
      const { user, group, ...rest } = call;
      assert.equal(rest, { type: 'INVOKE', seq: 3, peer: caller.id, objectId, method: 'echo', data: { msg: 'hi' } });
      assert.equal(Object.keys(call).slice(3), ['objectId', 'method', 'user', 'group', 'data']);
      assert.type(user, 'string');
      assert.type(group, 'string');
    },
  ],
  [
    'routes by OBJID, whatever the peer in the head',
    async (bus) => {
      const { provider, caller, objectId } = await stage(bus);
      for (const peer of [0, 1, objectId]) {
        caller.send(UBUS_MSG_INVOKE, { objectId, method: 'm', data: EMPTY }, { peer });
        assert.is((await provider.next()).peer, caller.id);
      }
    },
  ],
  [
    'passes a call without DATA on without DATA',
    async (bus) => {
      const { provider, caller, objectId } = await stage(bus);
      caller.send(UBUS_MSG_INVOKE, { objectId, method: 'm' });
      assert.is((await provider.next()).attributes.data, undefined);
    },
  ],
  [
    'keeps the bytes of DATA, also when they are no blobmsg',
    async (bus) => {
      const { provider, caller, objectId } = await stage(bus);
      const table = encodeTable({ a: null, b: [1, 'x', [], {}], c: 2n ** 60n, d: 1.5, e: { f: true }, g: -1 });
      for (const data of [table, fromHex('deadbeef01')]) {
        caller.send(UBUS_MSG_INVOKE, { objectId, method: 'm', data });
        assert.equal([...(await provider.next()).attributes.data!], [...data]);
      }
    },
  ],
  [
    'checks neither the method nor the arguments',
    async (bus) => {
      const { provider, caller, objectId } = await stage(bus);
      caller.send(UBUS_MSG_INVOKE, { objectId, method: 'not there', data: encodeTable({ msg: 5 }) });
      assert.is((await provider.next()).attributes.method, 'not there');
    },
  ],
  [
    'refuses a call without method or object',
    async (bus) => {
      const { caller, objectId } = await stage(bus);
      assert.is(await caller.status(UBUS_MSG_INVOKE, { objectId, data: EMPTY }), 2);
      assert.is(await caller.status(UBUS_MSG_INVOKE, { method: 'echo', data: EMPTY }), 2);
      assert.is(await caller.status(UBUS_MSG_INVOKE), 2);
    },
  ],
  [
    'answers NOT_FOUND to a call of an object that is not there',
    async (bus) => {
      const { caller } = await stage(bus);
      assert.is(await caller.status(UBUS_MSG_INVOKE, { objectId: 4, method: 'echo', data: EMPTY }), 4);
    },
  ],
  [
    'hands the reply to the caller with the object as peer',
    async (bus) => {
      const { provider, caller, objectId } = await stage(bus);
      caller.send(UBUS_MSG_INVOKE, { objectId, method: 'echo', data: EMPTY }, { seq: 5 });
      const { seq, peer } = await provider.next();
      provider.send(UBUS_MSG_DATA, { objectId, data: encodeTable({ reply: 'ok' }) }, { seq, peer });
      provider.send(UBUS_MSG_STATUS, { status: 0, objectId }, { seq, peer });
      assert.equal((await caller.take(2)).map(show), [
        { type: 'DATA', seq: 5, peer: objectId, objectId, data: { reply: 'ok' } },
        { type: 'STATUS', seq: 5, peer: objectId, status: 0, objectId },
      ]);
      await quiet(provider, caller);
    },
  ],
  [
    'hands on several DATA in order',
    async (bus) => {
      const { provider, caller, objectId } = await stage(bus);
      caller.send(UBUS_MSG_INVOKE, { objectId, method: 'm', data: EMPTY }, { seq: 1 });
      const { seq, peer } = await provider.next();
      for (let n = 0; n < 8; n++) provider.send(UBUS_MSG_DATA, { objectId, data: encodeTable({ n }) }, { seq, peer });
      provider.send(UBUS_MSG_STATUS, { objectId, status: 0 }, { seq, peer });
      const { data } = await caller.answer(1, objectId);
      assert.equal(
        data.map((frame) => show(frame).data),
        Array.from({ length: 8 }, (_, n) => ({ n })),
      );
    },
  ],
  [
    'keeps callers apart that use the same number',
    async (bus) => {
      const { provider, caller, objectId } = await stage(bus);
      const other = await bus.connect();
      for (const client of [caller, other]) {
        client.send(UBUS_MSG_INVOKE, { objectId, method: 'm', data: EMPTY }, { seq: 7 });
        await client.barrier();
      }
      const calls = await provider.take(2);
      assert.equal(
        calls.map(({ peer }) => peer),
        [caller.id, other.id],
      );
      for (const { seq, peer } of calls.reverse())
        provider.send(UBUS_MSG_STATUS, { objectId, status: peer === other.id ? 3 : 0 }, { seq, peer });
      assert.is((await caller.answer(7, objectId)).status, 0);
      assert.is((await other.answer(7, objectId)).status, 3);
    },
  ],
  [
    'hands on replies that come late and out of order',
    async (bus) => {
      const { provider, caller, objectId } = await stage(bus);
      for (const seq of [1, 2]) caller.send(UBUS_MSG_INVOKE, { objectId, method: 'm', data: EMPTY }, { seq });
      await provider.take(2);
      assert.equal(await caller.barrier(), []);
      for (const seq of [2, 1]) provider.send(UBUS_MSG_STATUS, { objectId, status: 0 }, { seq, peer: caller.id });
      assert.equal(
        (await caller.take(2)).map(({ seq }) => seq),
        [2, 1],
      );
    },
  ],
  [
    'hands on any status number',
    async (bus) => {
      const { provider, caller, objectId } = await stage(bus);
      for (const status of [3, 13, 99, -1]) {
        provider.send(UBUS_MSG_STATUS, { objectId, status }, { seq: 40, peer: caller.id });
        assert.is((await caller.next()).attributes.status, status);
      }
    },
  ],
  [
    'drops replies in the name of an object that is not the sender’s',
    async (bus) => {
      const { provider, caller, objectId } = await stage(bus);
      const head = { seq: 1, peer: caller.id };
      const stranger = await bus.connect();
      stranger.send(UBUS_MSG_DATA, { objectId, data: EMPTY }, head);
      stranger.send(UBUS_MSG_STATUS, { objectId, status: 0 }, head);
      provider.send(UBUS_MSG_STATUS, { objectId: 1, status: 0 }, head);
      provider.send(UBUS_MSG_STATUS, { objectId: objectId ^ 1, status: 0 }, head);
      await quiet(stranger, provider, caller);
    },
  ],
  [
    'drops replies that lack OBJID, STATUS or DATA',
    async (bus) => {
      const { provider, caller, objectId } = await stage(bus);
      const head = { seq: 1, peer: caller.id };
      provider.send(UBUS_MSG_STATUS, { status: 0 }, head);
      provider.send(UBUS_MSG_STATUS, { objectId }, head);
      provider.send(UBUS_MSG_DATA, { data: EMPTY }, head);
      provider.send(UBUS_MSG_DATA, { objectId }, head);
      await quiet(provider, caller);
    },
  ],
  [
    'drops replies to nobody',
    async (bus) => {
      const { provider, caller, objectId } = await stage(bus);
      for (const peer of [0, 1, objectId]) provider.send(UBUS_MSG_STATUS, { objectId, status: 0 }, { seq: 1, peer });
      await quiet(provider, caller);
    },
  ],
  [
    'lets a client call its own object',
    async (bus) => {
      const client = await bus.connect();
      const objectId = await client.add('self', { m: {} });
      client.send(UBUS_MSG_INVOKE, { objectId, method: 'm', data: EMPTY }, { seq: 6 });
      const call = await client.next();
      assert.is(call.peer, client.id);
      client.send(UBUS_MSG_STATUS, { objectId, status: 0 }, { seq: call.seq, peer: call.peer });
      assert.equal(show(await client.next()), { type: 'STATUS', seq: 6, peer: objectId, status: 0, objectId });
    },
  ],
  [
    'tells the caller nothing when the provider goes in mid call',
    async (bus) => {
      const { provider, caller, objectId } = await stage(bus);
      const watcher = await bus.connect();
      await watcher.listen('ubus.object.remove');
      caller.send(UBUS_MSG_INVOKE, { objectId, method: 'm', data: EMPTY }, { seq: 1 });
      await provider.next();
      provider.close();
      await watcher.next(); // the broker has noticed
      assert.equal(await caller.barrier(), []);
      assert.is(await caller.status(UBUS_MSG_INVOKE, { objectId, method: 'm', data: EMPTY }), 4);
    },
  ],
  [
    'bears a provider that answers a caller who is gone',
    async (bus) => {
      const { provider, caller, objectId } = await stage(bus);
      const watcher = await bus.connect();
      await watcher.listen('ubus.object.remove');
      await caller.add('caller', { m: {} });
      caller.send(UBUS_MSG_INVOKE, { objectId, method: 'm', data: EMPTY });
      const { seq, peer } = await provider.next();
      caller.close();
      await watcher.next();
      provider.send(UBUS_MSG_STATUS, { objectId, status: 0 }, { seq, peer });
      await quiet(provider);
    },
  ],
  [
    'delivers a call that comes one byte at a time',
    async (bus) => {
      const { provider, caller, objectId } = await stage(bus);
      const frame = encodeMessage({
        type: UBUS_MSG_INVOKE,
        seq: 2,
        peer: objectId,
        attributes: { objectId, method: 'bytes', data: encodeTable({ n: 1 }) },
      });
      for (const byte of frame) caller.sendBytes(Uint8Array.of(byte));
      assert.equal(show(await provider.next()).data, { n: 1 });
    },
  ],
];
