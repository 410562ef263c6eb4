// §1 to §5 of the protocol: connection, frames, attributes, and requests in general.

import * as assert from 'uvu/assert';
import { fromHex, joinBytes } from '../../src/lib/bytes.ts';
import {
  encodeMessage,
  UBUS_MSG_DATA,
  UBUS_MSG_HELLO,
  UBUS_MSG_INVOKE,
  UBUS_MSG_LOOKUP,
  UBUS_MSG_MONITOR,
  UBUS_MSG_PING,
  UBUS_MSG_REMOVE_OBJECT,
  UBUS_MSG_STATUS,
} from '../../src/ubus/message.ts';
import type { Case } from './broker.ts';
import { show, types } from './raw.ts';

function ping(seq: number, peer = 0): Uint8Array {
  return encodeMessage({ type: UBUS_MSG_PING, seq, peer, attributes: {} });
}

export const SESSIONS: readonly Case[] = [
  [
    'greets with HELLO that carries the id',
    async (bus) => {
      const client = await bus.connect();
      assert.equal(show(client.hello!), { type: 'HELLO', seq: 0, peer: client.id });
      assert.ok(client.id >= 1024);
    },
  ],
  [
    'gives each client its own id',
    async (bus) => {
      const ids = new Set<number>();
      for (let i = 0; i < 20; i++) ids.add((await bus.connect()).id);
      assert.is(ids.size, 20);
    },
  ],
  [
    'answers PING with DATA and STATUS 0',
    async (bus) => {
      const client = await bus.connect();
      const { frames } = await client.request(UBUS_MSG_PING, {}, { seq: 9, peer: 7 });
      assert.equal(frames.map(show), [
        { type: 'DATA', seq: 9, peer: 7 },
        { type: 'STATUS', seq: 9, peer: 7, status: 0 },
      ]);
    },
  ],
  [
    'returns the content of a PING',
    async (bus) => {
      const client = await bus.connect();
      const { frames } = await client.request(UBUS_MSG_PING, { method: 'echo', objectId: 5 });
      assert.equal(show(frames[0]!), { type: 'DATA', seq: 1, peer: 0, method: 'echo', objectId: 5 });
    },
  ],
  [
    'reads a request that comes one byte at a time',
    async (bus) => {
      const client = await bus.connect();
      for (const byte of ping(3)) {
        client.sendBytes(Uint8Array.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.is((await client.answer(3, 0)).status, 0);
    },
  ],
  [
    'reads requests that come in one piece, and answers in order',
    async (bus) => {
      const client = await bus.connect();
      client.sendBytes(joinBytes([ping(1), ping(2), ping(3)]));
      const frames = await client.take(6);
      assert.equal(
        frames.map(({ seq }) => seq),
        [1, 1, 2, 2, 3, 3],
      );
      assert.equal(types(frames), ['DATA', 'STATUS', 'DATA', 'STATUS', 'DATA', 'STATUS']);
    },
  ],
  [
    'serves others while a request is cut in the middle',
    async (bus) => {
      const slow = await bus.connect();
      const other = await bus.connect();
      const request = ping(1);
      for (const cut of [1, 7, 8, 11]) {
        slow.sendBytes(request.subarray(0, cut));
        await other.barrier();
        slow.sendBytes(request.subarray(cut));
        assert.is((await slow.answer(1, 0)).status, 0);
      }
    },
  ],
  [
    'carries the first and the last sequence number',
    async (bus) => {
      const client = await bus.connect();
      for (const seq of [0, 65535]) assert.is((await client.request(UBUS_MSG_PING, {}, { seq })).status, 0);
    },
  ],
  [
    'answers a STATUS with the sequence number and the peer of the request',
    async (bus) => {
      const client = await bus.connect();
      const { frames } = await client.request(UBUS_MSG_LOOKUP, { path: 'nobody' }, { seq: 500, peer: 0xfffffff0 });
      assert.equal(frames.map(show), [{ type: 'STATUS', seq: 500, peer: 0xfffffff0, status: 4 }]);
    },
  ],
  [
    'answers a thousand requests sent at once',
    async (bus) => {
      const client = await bus.connect();
      client.sendBytes(joinBytes(Array.from({ length: 1000 }, (_, i) => ping(i))));
      const frames = await client.take(2000);
      assert.equal(
        frames.filter(({ type }) => type === UBUS_MSG_STATUS).map(({ seq }) => seq),
        Array.from({ length: 1000 }, (_, i) => i),
      );
    },
  ],
  ...[UBUS_MSG_HELLO, UBUS_MSG_MONITOR, 12, 255].map(
    (type): Case => [
      `refuses message type ${type} with INVALID_COMMAND`,
      async (bus) => assert.is(await (await bus.connect()).status(type), 1),
    ],
  ),
  ...[UBUS_MSG_STATUS, UBUS_MSG_DATA].map(
    (type): Case => [
      `says nothing to message type ${type} out of place`,
      async (bus) => {
        const client = await bus.connect();
        client.send(type);
        client.send(type, { status: 0, objectId: 4711, data: new Uint8Array(0) });
        assert.equal(await client.barrier(), []);
      },
    ],
  ),
  [
    'takes attributes in any order',
    async (bus) => {
      const provider = await bus.connect();
      const objectId = await provider.add('order');
      const caller = await bus.connect();
      caller.send(UBUS_MSG_INVOKE, { data: new Uint8Array(0), method: 'm', objectId });
      assert.is((await provider.next()).attributes.method, 'm');
    },
  ],
  [
    'counts the last one of two attributes',
    async (bus) => {
      const client = await bus.connect();
      await client.add('second');
      // OBJPATH "first", OBJPATH "second"
      const content = '0200000a66697273740000000200000b7365636f6e640000';
      client.sendBytes(fromHex(`00040063000000000000001c${content}`));
      const { data, status } = await client.answer(99, 0);
      assert.is(status, 0);
      assert.is(data[0]?.attributes.path, 'second');
    },
  ],
  [
    'passes over attributes that it does not know',
    async (bus) => {
      const client = await bus.connect();
      // id 14 and id 127 around OBJPATH "x"
      client.sendBytes(fromHex('00040063000000000000001c0e0000080000000102000006780000007f00000800000001'));
      assert.is((await client.answer(99, 0)).status, 4);
    },
  ],
  [
    'takes an attribute of the wrong size as absent',
    async (bus) => {
      const client = await bus.connect();
      // REMOVE_OBJECT with an OBJID of two bytes: as if it had none
      client.sendBytes(fromHex('00070063000000000000000c0300000604d20000'));
      assert.is((await client.answer(99, 0)).status, 2);
      assert.is(await client.status(UBUS_MSG_REMOVE_OBJECT, { objectId: 1234 }), 4);
    },
  ],
];
