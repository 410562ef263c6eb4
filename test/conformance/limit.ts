// §2 and §8: sizes, and frames that break the format.

import * as assert from 'uvu/assert';
import { fromHex } from '../../src/lib/bytes.ts';
import { encodeTable } from '../../src/ubus/blobmsg.ts';
import {
  UBUS_MSG_DATA,
  UBUS_MSG_INVOKE,
  UBUS_MSG_NOTIFY,
  UBUS_MSG_PING,
  UBUS_MSG_STATUS,
  UBUS_MSG_SUBSCRIBE,
} from '../../src/ubus/message.ts';
import { malformedFrames } from '../fixtures/ubus/malformed.ts';
import type { Case } from './broker.ts';
import { type RawClient, show } from './raw.ts';

/** The largest payload that passes a real broker from caller to provider. */
const LARGEST = 1_048_376;

/** The bus works for two other clients. */
async function works(provider: RawClient, caller: RawClient): Promise<void> {
  const objectId = await provider.add();
  caller.send(UBUS_MSG_INVOKE, { objectId, method: 'm', data: new Uint8Array(0) }, { seq: 600 });
  const { seq, peer } = await provider.next();
  provider.send(UBUS_MSG_STATUS, { objectId, status: 0 }, { seq, peer });
  assert.is((await caller.answer(600, objectId)).status, 0);
}

export const LIMITS: readonly Case[] = [
  [
    'carries a payload of 1048376 bytes both ways',
    async (bus) => {
      const provider = await bus.connect();
      const objectId = await provider.add('big', { m: {} });
      const caller = await bus.connect();
      const data = encodeTable({ text: 'x'.repeat(LARGEST - 4 - 8 - 1) });
      assert.is(data.length, LARGEST);
      caller.send(UBUS_MSG_INVOKE, { objectId, method: 'm', data }, { seq: 1 });
      const call = await provider.next();
      assert.is(call.attributes.data!.length, LARGEST);
      provider.send(UBUS_MSG_DATA, { objectId, data: call.attributes.data! }, { seq: 1, peer: call.peer });
      const reply = await caller.next();
      assert.ok(Buffer.from(data).equals(reply.attributes.data!));
    },
  ],
  [
    'ends a connection that announces more than 1 MiB',
    async (bus) => {
      const [provider, caller, bad] = [await bus.connect(), await bus.connect(), await bus.connect()];
      bad.sendBytes(fromHex('000300010000000000100004')); // 1 MiB and 4 bytes
      await bad.closed();
      await works(provider, caller);
    },
  ],
  [
    'takes a frame of exactly 1 MiB',
    async (bus) => {
      const client = await bus.connect();
      const frame = new Uint8Array(8 + 1_048_576);
      frame.set(fromHex('000300010000000000100000'));
      frame.set(fromHex('070ffffc'), 12); // one DATA attribute that fills it
      client.sendBytes(frame);
      const { status, data } = await client.answer(1, 0);
      assert.is(status, 0);
      assert.is(data[0]!.attributes.data!.length, 1_048_576 - 8);
    },
  ],
  ...['00000000', '00000003'].map(
    (head): Case => [
      `ends a connection whose blob says ${Number.parseInt(head, 16)} bytes`,
      async (bus) => {
        const [provider, caller, bad] = [await bus.connect(), await bus.connect(), await bus.connect()];
        bad.sendBytes(fromHex(`0003000100000000${head}`));
        await bad.closed();
        await works(provider, caller);
      },
    ],
  ),
  [
    'goes on after a blob that is not padded',
    async (bus) => {
      const client = await bus.connect();
      // REMOVE_OBJECT with a blob of 9 bytes: the attribute inside would need 12. A PING follows at once
      client.sendBytes(fromHex('0007000100000000000000090a00000501000300020000000000000004'));
      assert.is((await client.answer(1, 0)).status, 2);
      assert.is((await client.answer(2, 0)).status, 0);
    },
  ],
  [
    'loses nothing of many large notifications to a client that reads',
    async (bus) => {
      const owner = await bus.connect();
      const target = await owner.add('source', { m: {} });
      const subscriber = await bus.connect();
      const objectId = await subscriber.add();
      await subscriber.status(UBUS_MSG_SUBSCRIBE, { objectId, target });
      await owner.next();
      const text = 'x'.repeat(50_000);
      for (let n = 0; n < 60; n++) {
        owner.send(UBUS_MSG_NOTIFY, { objectId: target, method: 'up', data: encodeTable({ n, text }), noReply: true });
        await owner.barrier();
        assert.is((show(await subscriber.next()).data as { n: number }).n, n);
      }
    },
  ],
  [
    'keeps a connection that sends half a frame and nothing more',
    async (bus) => {
      const half = await bus.connect();
      half.sendBytes(fromHex('0003000100000000000f0000'));
      await works(await bus.connect(), await bus.connect());
      half.close();
      await works(await bus.connect(), await bus.connect());
    },
  ],
  [
    'answers PING after any request whose attributes lie',
    async (bus) => {
      const client = await bus.connect();
      // REMOVE_OBJECT with an OBJID that says 16 bytes and has 4, that says 3, that ends after its head
      for (const attribute of ['03000010000004d2', '03000003000004d2', '0300000800']) {
        const size = (4 + attribute.length / 2).toString(16).padStart(8, '0');
        client.sendBytes(fromHex(`0007006300000000${size}${attribute}`));
        assert.is((await client.answer(99, 0)).status, 2);
        assert.is((await client.request(UBUS_MSG_PING)).status, 0);
      }
    },
  ],
  // a broker looks at the frame and its own attributes only: what is wrong inside DATA it passes on, for the provider to refuse
  ...malformedFrames().map(
    ({ name, outcome }, i): Case => [
      `goes on for others after ${name}`,
      async (bus) => {
        const [provider, caller, bad] = [await bus.connect(), await bus.connect(), await bus.connect()];
        const objectId = await provider.add('target', { peers: {} });
        bad.sendBytes(malformedFrames(objectId)[i]!.bytes);
        const stays =
          outcome === 'wait' ||
          (await bad.barrier().then(
            () => true,
            () => false,
          ));
        const passedOn = (await provider.barrier()).map(({ attributes }) => attributes.method);
        if (outcome === 'pass' || outcome === 'refuse') assert.equal([stays, passedOn], [true, ['peers']]);
        await works(provider, caller);
      },
    ],
  ),
];
