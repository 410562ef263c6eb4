import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fromHex } from '../../src/lib/bytes.ts';
import { formatIp } from '../../src/lib/ip.ts';
import { addressOf, addressOfKey, nodeAddress, subnetOf } from '../../src/lib/yggdrasil-address.ts';
import oldPaths from '../fixtures/yggdrasil/0.4.7-a-getPaths.json';
import oldPeers from '../fixtures/yggdrasil/0.4.7-a-getPeers.json';
import oldSelf from '../fixtures/yggdrasil/0.4.7-a-getSelf.json';
import oldSessions from '../fixtures/yggdrasil/0.4.7-a-getSessions.json';
import remoteSelf from '../fixtures/yggdrasil/0.5.12-a-debug_remoteGetSelf-b.json';
import peers from '../fixtures/yggdrasil/0.5.12-a-getPeers-after-traffic.json';
import selfA from '../fixtures/yggdrasil/0.5.12-a-getSelf-after-traffic.json';
import tree from '../fixtures/yggdrasil/0.5.12-a-getTree-after-traffic.json';
import pathsB from '../fixtures/yggdrasil/0.5.12-b-getPaths-after-traffic.json';
import selfB from '../fixtures/yggdrasil/0.5.12-b-getSelf-after-traffic.json';
import sessionsB from '../fixtures/yggdrasil/0.5.12-b-getSessions-after-traffic.json';
import selfC from '../fixtures/yggdrasil/0.5.12-c-getSelf-after-traffic.json';
import selfE from '../fixtures/yggdrasil/0.5.12-e-getSelf-after-traffic.json';
import more from '../fixtures/yggdrasil/0.5.12-getPeers-after-addPeer.json';

const CAPTURED = [
  ...[oldPaths, oldPeers, oldSelf, oldSessions, remoteSelf, peers, selfA, tree],
  ...[pathsB, selfB, sessionsB, selfC, selfE, more],
];

interface Told {
  key: string;
  address: string;
  subnet?: string;
}

/** Everything in an answer that has a key, with its address. 0.4.7 has the address as the name of a member. */
function toldBy(value: unknown, name: string): Told[] {
  if (typeof value !== 'object' || value === null) return [];
  const { key, address = name, subnet } = value as { key?: string; address?: string; subnet?: string };
  const below = Object.entries(value).flatMap(([inner, one]) => toldBy(one, inner));
  // a node that is down has none; 0.4.7 fills the keys of its paths up with ones
  if (!key || !/:.*:/.test(address) || key.includes('fffffffffffffffff')) return below;
  return [{ key, address, ...(subnet !== undefined && { subnet }) }, ...below];
}

const told = CAPTURED.flatMap(({ response }) => toldBy(JSON.parse(response).response, ''));

const address = suite('addressOf');
address('gives the address that Yggdrasil itself tells of each key', () => {
  assert.ok(told.length > 30, `~> only ${told.length} found`);
  assert.ok(new Set(told.map(({ key }) => key)).size >= 4);
  for (const { key, address } of told) assert.is(addressOf(key), address);
});
address('counts the zeros that a key begins with', () => {
  assert.is(addressOf('8'.padEnd(64, '0')), '200:ffff:ffff:ffff:ffff:ffff:ffff:ffff');
  assert.is(addressOf(`0001${'0'.repeat(60)}`), '20f:ffff:ffff:ffff:ffff:ffff:ffff:ffff');
  assert.is(addressOf(`${'0'.repeat(63)}1`), '2ff::');
  assert.is(formatIp(addressOfKey(fromHex('0'.repeat(64)))), '200::');
});
address('takes upper case for the same', () => {
  const { key, address } = told[0]!;
  assert.is(addressOf(key.toUpperCase()), address);
});
for (const key of ['', 'abcd', '0'.repeat(63), `${'0'.repeat(63)}g`, '0'.repeat(65)])
  address(`refuses "${key}"`, () => assert.is(addressOf(key), undefined));
address.run();

// ---

const subnet = suite('subnetOf');
subnet('gives the subnet that Yggdrasil itself tells of each key', () => {
  const subnets = told.filter(({ subnet }) => subnet !== undefined);
  assert.ok(subnets.length >= 4);
  for (const { key, subnet } of subnets) assert.is(subnetOf(key), subnet);
});
subnet('refuses what is no key', () => assert.is(subnetOf('12'), undefined));
subnet.run();

// ---

const node = suite('nodeAddress');
node('is written in one way', () => assert.is(nodeAddress('0200:0:0:0::00AB'), '200::ab'));
for (const [text, what] of [
  ['300:85a9:4320:fa5c::1', 'a host behind a node'],
  ['::ffff:200:1', 'another network'],
  ['2001:db8::1', 'the Internet'],
  ['2.0.0.1', 'IPv4'],
  ['fe80::1%ygg0', 'a zone'],
  ['', 'nothing'],
])
  node(`is none of ${what}`, () => assert.is(nodeAddress(text!), undefined));
node.run();
