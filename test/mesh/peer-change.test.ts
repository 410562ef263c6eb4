import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Peer } from '../../src/api/model.ts';
import { InputError, LinkDownError } from '../../src/errors.ts';
import { alivePeers, changePeers } from '../../src/mesh/peer-change.ts';
import type { PeerChange } from '../../src/mesh/probation.ts';
import type { Member } from '../../src/mesh/state.ts';

const NOW_MS = 100_000;
const CHANGES: readonly PeerChange[] = [
  { interface: 'ygg0', uri: 'tls://a.example:1?priority=1', change: 'removed' },
  { interface: 'ygg0', uri: 'tls://a.example:1?priority=2', change: 'added' },
  { interface: 'ygg1', uri: 'tcp://b.example:1', device: 'eth0', change: 'added' },
];

/** A node that is played; `peers` may be why it does not answer. */
function member(
  name: string,
  connected: boolean,
  peers: Partial<Peer>[] | Error,
  did: string[] = [],
  fail?: Error,
): Member {
  const act = (what: string) => async (peering: { uri: string; device?: string }, forget?: boolean) => {
    did.push([name, what, peering.uri, peering.device, forget].filter((word) => word !== undefined).join(' '));
    if (fail) throw fail;
  };
  const read = async () => {
    if (peers instanceof Error) throw peers;
    return { value: { peers }, atMs: NOW_MS };
  };
  return { node: { name, connected, read }, peering: { add: act('add'), remove: act('remove') } } as unknown as Member;
}
const meshOf = (...members: Member[]) => ({
  all: () => members,
  find: (name: string | undefined) => members.find(({ node }) => node.name === name),
});

const change = suite('changePeers');
change('ends and begins peerings, and leaves the configuration alone', async () => {
  const did: string[] = [];
  await changePeers(meshOf(member('ygg0', true, [], did), member('ygg1', true, [], did)), CHANGES);
  assert.equal(did, [
    'ygg0 remove tls://a.example:1?priority=1 false',
    'ygg0 add tls://a.example:1?priority=2',
    'ygg1 add tcp://b.example:1 eth0',
  ]);
});
change('passes over nodes that do not run, and what is done already', async () => {
  const did: string[] = [];
  const there = new InputError('uri: is a peer already', 'uri');
  await changePeers(meshOf(member('ygg0', true, [], did, there), member('ygg1', false, [], did)), CHANGES);
  assert.is(did.length, 2);
  await changePeers(meshOf(), CHANGES);
});
change('says when it cannot be done', async () => {
  const down = new LinkDownError('not connected');
  let told: unknown;
  await changePeers(meshOf(member('ygg0', true, [], [], down)), CHANGES).catch((error) => {
    told = error;
  });
  assert.is(told, down);
});
change.run();

const alive = suite('alivePeers');
const PEERS: Partial<Peer>[] = [
  { key: 'a', state: 'up', proven_ago_ms: 1000 },
  { key: 'b', state: 'up', proven_ago_ms: 60_000 },
  { key: 'c', state: 'unproven', proven_ago_ms: 0 },
  { key: 'd', state: 'down' },
  { remote: 'tls://e.example:1', state: 'up' },
];
const mesh = meshOf(member('ygg0', true, PEERS), member('ygg1', true, new LinkDownError('down')));
alive('are those that showed themselves alive since then', async () => {
  const since = (ms: number, probes = true) => alivePeers(mesh, () => NOW_MS, ms, probes);
  assert.equal(await since(NOW_MS - 5000), ['ygg0 a']);
  assert.equal(await since(NOW_MS - 60_000), ['ygg0 a', 'ygg0 b']);
  assert.equal(await since(Number.NEGATIVE_INFINITY), ['ygg0 a', 'ygg0 b', 'ygg0 tls://e.example:1']);
  assert.equal(await since(NOW_MS, false), ['ygg0 a', 'ygg0 b', 'ygg0 tls://e.example:1']);
});
alive.run();
