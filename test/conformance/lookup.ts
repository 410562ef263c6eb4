// §6 LOOKUP.

import * as assert from 'uvu/assert';
import { fromHex } from '../../src/lib/bytes.ts';
import { UBUS_MSG_ADD_OBJECT, UBUS_MSG_LOOKUP } from '../../src/ubus/message.ts';
import type { Bus, Case } from './broker.ts';
import { type RawClient, show, types } from './raw.ts';

/** A provider of these paths, and the client that looks. */
async function stage(bus: Bus, ...paths: string[]): Promise<RawClient> {
  const provider = await bus.connect();
  for (const path of paths) await provider.add(path, { method: {} });
  return bus.connect();
}

async function found(client: RawClient, path?: string): Promise<(string | undefined)[]> {
  const { data, status } = await client.request(UBUS_MSG_LOOKUP, path === undefined ? {} : { path });
  assert.is(status, 0);
  return data.map(({ attributes }) => attributes.path);
}

export const LOOKUPS: readonly Case[] = [
  [
    'tells path, id, type and signature of an object',
    async (bus) => {
      const provider = await bus.connect();
      const signature = { echo: { msg: 3, flag: 7 }, later: {} };
      const objectId = await provider.add('meshbridge.fixture', signature);
      const client = await bus.connect();
      const { frames } = await client.request(UBUS_MSG_LOOKUP, { path: 'meshbridge.fixture' });
      assert.equal(types(frames), ['DATA', 'STATUS']);
      const { objectType, ...shown } = show(frames[0]!);
      assert.equal(shown, { type: 'DATA', seq: 1, peer: 0, path: 'meshbridge.fixture', objectId, signature });
      assert.ok((objectType as number) >= 1024);
    },
  ],
  [
    'answers NOT_FOUND for a path that is not there',
    async (bus) => {
      const client = await stage(bus, 'here');
      const { status, data } = await client.request(UBUS_MSG_LOOKUP, { path: 'her' });
      assert.is(status, 4);
      assert.is(data.length, 0);
    },
  ],
  [
    'refuses an empty path',
    async (bus) => assert.is(await (await stage(bus, 'a')).status(UBUS_MSG_LOOKUP, { path: '' }), 2),
  ],
  [
    'lists everything without a path',
    async (bus) => assert.equal(await found(await stage(bus, 'b', 'a', 'c')), ['a', 'b', 'c']),
  ],
  ['lists nothing on an empty bus', async (bus) => assert.equal(await found(await bus.connect()), [])],
  [
    'lists in the order of bytes',
    async (bus) => {
      const paths = ['a.b', 'B', 'a-b', 'a', 'ab', 'a_b', 'é', '~'];
      assert.equal(await found(await stage(bus, ...paths)), ['B', 'a', 'a-b', 'a.b', 'a_b', 'ab', '~', 'é']);
    },
  ],
  [
    'lists what begins with a prefix',
    async (bus) => {
      const client = await stage(bus, 'net', 'net.b', 'net.a', 'network', 'ne', 'other');
      assert.equal(await found(client, 'net*'), ['net', 'net.a', 'net.b', 'network']);
      assert.equal(await found(client, 'net.*'), ['net.a', 'net.b']);
    },
  ],
  [
    'lists everything for a lone asterisk',
    async (bus) => assert.equal(await found(await stage(bus, 'b', 'a'), '*'), ['a', 'b']),
  ],
  [
    'answers NOT_FOUND for a prefix of nothing',
    async (bus) => {
      const client = await stage(bus, 'b');
      for (const path of ['a*', 'bb*', 'c*']) assert.is(await client.status(UBUS_MSG_LOOKUP, { path }), 4);
    },
  ],
  [
    'answers NOT_FOUND for a lone asterisk on an empty bus',
    async (bus) => assert.is(await (await bus.connect()).status(UBUS_MSG_LOOKUP, { path: '*' }), 4),
  ],
  [
    'lists everything for a path without its NUL',
    async (bus) => {
      const client = await stage(bus, 'a', 'b');
      client.sendBytes(fromHex('00040063000000000000000c0200000561000000'));
      const { data, status } = await client.answer(99, 0);
      assert.is(status, 0);
      assert.equal(
        data.map(({ attributes }) => attributes.path),
        ['a', 'b'],
      );
    },
  ],
  [
    'does not show objects without a type, but finds them',
    async (bus) => {
      const client = await stage(bus, 'typed');
      assert.is(await client.status(UBUS_MSG_ADD_OBJECT, { path: 'typeless' }), 0);
      assert.equal(await found(client), ['typed']);
      assert.equal(await found(client, 'typeless'), []);
      assert.equal(await found(client, 'typel*'), []);
    },
  ],
  [
    'lists more than a socket buffer holds',
    async (bus) => {
      const provider = await bus.connect();
      const signature = Object.fromEntries(
        Array.from({ length: 100 }, (_, i) => [`method_number_${i}`, { argument: 3 }]),
      );
      for (let i = 0; i < 100; i++) await provider.add(`object.${i}`, signature);
      assert.is((await found(await bus.connect())).length, 100);
    },
  ],
];
