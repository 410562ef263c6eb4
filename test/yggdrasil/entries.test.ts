import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { TableLayout } from '../../src/api/model.ts';
import { MULTICAST_INTERFACE, PATH, PEER, SELF, SESSION, TREE_ENTRY, TUN } from '../../src/api/model.ts';
import { WireError } from '../../src/errors.ts';
import type { AdminResponse } from '../../src/yggdrasil/admin.ts';
import {
  toMulticast,
  toNodeInfo,
  toNodePeers,
  toPaths,
  toPeers,
  toSelf,
  toSessions,
  toTree,
  toTun,
} from '../../src/yggdrasil/entries.ts';
import oldMulticast from '../fixtures/yggdrasil/0.4.7-a-getMulticastInterfaces.json';
import oldPaths from '../fixtures/yggdrasil/0.4.7-a-getPaths.json';
import oldPeers from '../fixtures/yggdrasil/0.4.7-a-getPeers.json';
import oldSelf from '../fixtures/yggdrasil/0.4.7-a-getSelf.json';
import oldSessions from '../fixtures/yggdrasil/0.4.7-a-getSessions.json';
import oldTun from '../fixtures/yggdrasil/0.4.7-a-getTun.json';
import remotePeers from '../fixtures/yggdrasil/0.5.12-a-debug_remoteGetPeers-b.json';
import multicast from '../fixtures/yggdrasil/0.5.12-a-getMulticastInterfaces-after-traffic.json';
import nodeInfo from '../fixtures/yggdrasil/0.5.12-a-getNodeInfo-remote-b.json';
import peers from '../fixtures/yggdrasil/0.5.12-a-getPeers-after-traffic.json';
import self from '../fixtures/yggdrasil/0.5.12-a-getSelf-after-traffic.json';
import tun from '../fixtures/yggdrasil/0.5.12-a-getTun-after-traffic.json';
import paths from '../fixtures/yggdrasil/0.5.12-b-getPaths-after-traffic.json';
import sessions from '../fixtures/yggdrasil/0.5.12-b-getSessions-after-traffic.json';
import tree from '../fixtures/yggdrasil/0.5.12-e-getTree-after-traffic.json';
import twins from '../fixtures/yggdrasil/0.5.12-getPeers-after-addPeer.json';
import versions from '../fixtures/yggdrasil/made-versions.json';

const KEY_A = '5f834fd742aa1172a88edd5c5fd17b9ed797d051c00ac0247254db85aa992419';
const KEY_B = '4512203662748b353e55c974da1247501b28711f0135fb3dab9ef82894adee11';
const ADDRESS_B = '201:ebb7:7f26:762d:d32b:6a8:da2c:97b6';

function responseOf(captured: { response: string }): AdminResponse {
  return JSON.parse(captured.response).response;
}

/** Every field is one of the layout and has its type; whole numbers are whole. */
function fits(value: object, layout: TableLayout): void {
  const types = new Map(Object.entries(layout).map(([name, type]) => [name.replace('?', ''), type]));
  for (const [name, content] of Object.entries(value)) {
    const type = types.get(name);
    assert.ok(type, `~> ${name} is in the layout`);
    if (type === 'string') assert.type(content, 'string', name);
    else if (type === 'bool') assert.type(content, 'boolean', name);
    else if (type === 'double') assert.type(content, 'number', name);
    else if (type === 'int64') assert.ok(Number.isSafeInteger(content), name);
    else if (type === 'int32') assert.ok(content === (content | 0), name);
    else assert.ok(Array.isArray(content) && content.every(Number.isSafeInteger), name);
  }
}

const UP = {
  remote: 'tls://10.99.0.2:4001',
  up: true,
  inbound: false,
  address: ADDRESS_B,
  key: KEY_B,
  port: 2,
  priority: 3,
  cost: 13,
  bytes_recvd: 1890,
  bytes_sent: 813,
  rate_recvd: 68,
  rate_sent: 70,
  uptime: 106.4,
  latency: 2_850_000,
};

const peer = suite('toPeers');
peer('turns every captured entry into the model', () => {
  const { entries, ignored } = toPeers(responseOf(peers));
  assert.is(entries.length, 18);
  assert.is(ignored, 0);
  for (const entry of entries) fits(entry, PEER);
  assert.equal(
    entries.find((entry) => entry.remote === 'tls://10.99.0.2:4001'),
    {
      inbound: false,
      up: true,
      remote: 'tls://10.99.0.2:4001',
      key: KEY_B,
      address: ADDRESS_B,
      port: 2,
      priority: 3,
      cost: 13,
      uptime_s: 106,
      rx_bytes: 1890,
      tx_bytes: 813,
      latency_ms: 2.85,
    },
  );
});
peer('leaves out the zeros of a peer that is down, and turns the age of its error into milliseconds', () => {
  const { entries } = toPeers(responseOf(peers));
  assert.equal(
    entries.find((entry) => entry.remote === 'tls://10.99.0.99:4001'),
    {
      inbound: false,
      up: false,
      remote: 'tls://10.99.0.99:4001',
      last_error: 'dial tcp 10.99.0.99:4001: connect: no route to host',
      last_error_ago_ms: 28088,
    },
  );
});
peer('puts outgoing peers first, by remote, whatever the order of the answer', () => {
  const raw = responseOf(peers).peers as object[];
  const { entries } = toPeers({ peers: raw });
  const remotes = entries.map((entry) => entry.remote ?? '');
  const firstInbound = entries.findIndex((entry) => entry.inbound);
  assert.is(firstInbound, 16);
  assert.equal(remotes.slice(0, 16), [...remotes.slice(0, 16)].sort());
  assert.equal(toPeers({ peers: [...raw].reverse() }).entries, entries);
});
peer('keeps two look-alike peers', () => {
  const { entries } = toPeers(responseOf(twins));
  assert.is(entries.filter((entry) => entry.remote === 'tcp://10.99.0.3:4999').length, 2);
});
const VERSIONS: [keyof typeof versions, object][] = [
  ['0.5.5', {}],
  ['0.5.6', { latency_ms: 2.85 }],
  ['0.5.9', { latency_ms: 2.85, cost: 13 }],
  ['0.5.10', { latency_ms: 2.85, cost: 13, rx_bytes_per_s: 68, tx_bytes_per_s: 70 }],
  ['0.5.13', { latency_ms: 2.85, cost: 13, rx_bytes_per_s: 68, tx_bytes_per_s: 70 }],
  ['0.5.14', { latency_ms: 2.85, cost: 13, rx_bytes_per_s: 68, tx_bytes_per_s: 70 }],
];
for (const [version, added] of VERSIONS) {
  peer(`reads what ${version} answers`, () => {
    const { entries, ignored } = toPeers(versions[version].getpeers);
    assert.is(ignored, 0);
    assert.equal(entries[0], {
      inbound: false,
      up: true,
      remote: 'tls://10.99.0.2:4001',
      key: KEY_B,
      address: ADDRESS_B,
      port: 2,
      priority: 3,
      uptime_s: 106,
      rx_bytes: 1890,
      tx_bytes: 813,
      ...added,
    });
    assert.is(entries[1]!.up, false);
    assert.is(entries[1]!.cost, undefined);
  });
}
peer('takes missing counters of a link that is up for zero, and missing rates for unknown', () => {
  const { bytes_recvd, bytes_sent, rate_recvd, rate_sent, ...rest } = UP;
  const [entry] = toPeers({ peers: [rest] }).entries;
  assert.is(entry!.rx_bytes, 0);
  assert.is(entry!.tx_bytes, 0);
  assert.is(entry!.rx_bytes_per_s, undefined);
});
const BROKEN_FIELDS: [string, unknown, string][] = [
  ['key', 'abc', 'key'],
  ['key', 5, 'key'],
  ['address', '<b>', 'address'],
  ['address', `${'a'.repeat(40)}`, 'address'],
  ['port', -1, 'port'],
  ['port', 2 ** 31, 'port'],
  ['port', 1.5, 'port'],
  ['priority', 256, 'priority'],
  ['priority', '3', 'priority'],
  ['cost', 1e300, 'cost'],
  ['bytes_recvd', -5, 'rx_bytes'],
  ['bytes_sent', 2 ** 63, 'tx_bytes'],
  ['rate_recvd', '1', 'rx_bytes_per_s'],
  ['uptime', -1, 'uptime_s'],
  ['uptime', [], 'uptime_s'],
  ['latency', {}, 'latency_ms'],
  ['remote', 'x'.repeat(513), 'remote'],
  ['remote', 'tls://a\u001b[2J:1', 'remote'],
];
for (const [name, value, field] of BROKEN_FIELDS) {
  peer(`leaves out a ${name} of ${JSON.stringify(value).slice(0, 20)} and counts it`, () => {
    const { entries, ignored } = toPeers({ peers: [{ ...UP, [name]: value }] });
    assert.is(ignored, 1);
    const found = entries[0]?.[field as keyof (typeof entries)[0]];
    assert.is(found, field === 'rx_bytes' || field === 'tx_bytes' ? 0 : undefined);
    assert.is(entries[0]?.up, true);
  });
}
peer('leaves out entries that say neither up nor inbound, and what is no entry', () => {
  const { up, ...noUp } = UP;
  const { inbound, ...noInbound } = UP;
  const list = [noUp, noInbound, { ...UP, up: 1 }, null, 5, 'x', [], UP];
  const { entries, ignored } = toPeers({ peers: list });
  assert.is(entries.length, 1);
  assert.ok(ignored >= 7);
});
peer('leaves out all entries of 0.4.7, which do not say who dialled', () =>
  assert.equal(toPeers(responseOf(oldPeers)), { entries: [], ignored: 3 }),
);
peer('bounds texts and takes control characters out of them', () => {
  const down = { remote: 'tls://a:1', up: false, inbound: false, last_error: `a\u001b[2J\n${'x'.repeat(5000)}` };
  const [entry] = toPeers({ peers: [down] }).entries;
  assert.is(entry!.last_error!.length, 512);
  assert.ok(entry!.last_error!.startsWith('a\ufffd[2J\ufffdx'));
});
peer('takes 4096 peers and counts the rest', () => {
  const { entries, ignored } = toPeers({ peers: Array.from({ length: 4100 }, () => UP) });
  assert.is(entries.length, 4096);
  assert.is(ignored, 4);
});
peer('takes an empty list, as a list or as null', () => {
  assert.equal(toPeers({ peers: [] }), { entries: [], ignored: 0 });
  assert.equal(toPeers({ peers: null }), { entries: [], ignored: 0 });
});
peer('refuses an answer without a list', () => {
  for (const response of [{}, { peers: {} }, { peers: 'x' }, Object.create({ peers: [] })])
    assert.throws(
      () => toPeers(response),
      (error: unknown) => error instanceof WireError,
    );
});
peer.run();

// ---

const others = suite('other entries');
others('turn captured answers of 0.5.12 into the model', () => {
  const node = toSelf(responseOf(self));
  fits(node, SELF);
  assert.is(node.key, KEY_A);
  assert.is(node.routing_entries, 4);
  assert.is(node.subnet, '301:81f2:c0a2:f557::/64');
  for (const [list, layout, size] of [
    [toSessions(responseOf(sessions)), SESSION, 2],
    [toPaths(responseOf(paths)), PATH, 2],
    [toTree(responseOf(tree)), TREE_ENTRY, 4],
    [toMulticast(responseOf(multicast)), MULTICAST_INTERFACE, 2],
  ] as const) {
    assert.is(list.entries.length, size);
    assert.is(list.ignored, 0);
    for (const entry of list.entries) fits(entry, layout);
  }
  const device = toTun(responseOf(tun));
  fits(device, TUN);
  assert.equal(device, { enabled: true, name: 'ygg0', mtu: 65535 });
});
others('come sorted by key or name', () => {
  const keys = toTree(responseOf(tree)).entries.map((entry) => entry.key);
  assert.equal(keys, [...keys].sort());
  assert.equal(toMulticast(versions['0.5.5'].getmulticastinterfaces).entries, [{ name: 'eth0' }, { name: 'mesh0' }]);
});
others('leave out the address of a device without beacons', () =>
  assert.equal(toMulticast(versions['0.5.10'].getmulticastinterfaces).entries, [
    { name: 'eth0', beacon: false, listen: true, password: false },
    {
      name: 'mesh0',
      address: '[fe80::18ed:bbff:fee5:fa3%mesh0]:37351',
      beacon: true,
      listen: true,
      password: true,
    },
  ]),
);
others('read what 0.4.7 has in common, and ignore the rest', () => {
  assert.is(toSelf(responseOf(oldSelf)).build_version, 'unknown');
  assert.is(toSelf(responseOf(oldSelf)).routing_entries, undefined);
  assert.is(toSessions(responseOf(oldSessions)).entries.length, 1);
  assert.is(toTun(responseOf(oldTun)).mtu, 53049);
  assert.is(toMulticast(responseOf(oldMulticast)).entries.length, 2);
  assert.equal(toPaths(responseOf(oldPaths)), { entries: [], ignored: 2 });
});
others('refuse answers that lack what makes them an answer', () => {
  for (const read of [toSelf, toTun, toSessions, toPaths, toTree, toMulticast])
    for (const response of [{}, { key: 5, enabled: 'x', sessions: 1, paths: 1, tree: 1, multicast_interfaces: 1 }])
      assert.throws(
        () => read(response as AdminResponse),
        (error: unknown) => error instanceof WireError,
        read.name,
      );
});
others('leave out entries with a broken field that they cannot be without', () => {
  const session = { address: ADDRESS_B, key: KEY_B, bytes_recvd: 1, bytes_sent: 2, uptime: 3.9 };
  const list = [session, { ...session, uptime: 'x' }, { ...session, key: '' }, { ...session, bytes_sent: -1 }];
  const { entries, ignored } = toSessions({ sessions: list });
  assert.equal(entries, [{ key: KEY_B, address: ADDRESS_B, rx_bytes: 1, tx_bytes: 2, uptime_s: 3 }]);
  assert.is(ignored, 3);
  const path = { address: ADDRESS_B, key: KEY_B, path: [1, 2], sequence: 9 };
  const broken = [path, { ...path, path: [1, -2] }, { ...path, path: Array(257).fill(1) }, { ...path, path: 'x' }];
  assert.is(toPaths({ paths: broken }).entries.length, 1);
});
others.run();

// ---

const info = suite('toNodeInfo');
info('answers what a node says, as it is', () => {
  const found = toNodeInfo(responseOf(nodeInfo), KEY_B) as { name: string; services: object };
  assert.is(found.name, 'gateway-b');
  assert.equal(found.services, { gateway: true });
  assert.is(toNodeInfo({ [KEY_B]: null }, KEY_B), null);
});
info('refuses an answer about another node, and one that is too large', () => {
  assert.throws(() => toNodeInfo(responseOf(nodeInfo), KEY_A), /no node info of/);
  assert.throws(() => toNodeInfo({}, '__proto__'), /no node info of/);
  assert.throws(
    () => toNodeInfo({ [KEY_B]: 'x'.repeat(16384) }, KEY_B),
    /expected at most 16384 characters, got 16386/,
  );
  assert.is((toNodeInfo({ [KEY_B]: 'x'.repeat(16382) }, KEY_B) as string).length, 16382);
});
info.run();

// ---

const nodePeers = suite('toNodePeers');
nodePeers('lists each peer of a node once, in order', () => {
  const { entries, ignored } = toNodePeers(responseOf(remotePeers));
  assert.equal(entries, ['315ff2e98df7804f77f748cda92c1501e37d9ee5a07229009b042945d73effdb', KEY_A]);
  assert.is(ignored, 0);
});
nodePeers('takes a node without peers, which sends no list', () =>
  assert.equal(toNodePeers({ [ADDRESS_B]: {} }), { entries: [], ignored: 0 }),
);
nodePeers('counts what is no key', () =>
  assert.equal(toNodePeers({ [ADDRESS_B]: { keys: [KEY_B.toUpperCase(), 'x', 5, null] } }), {
    entries: [KEY_B],
    ignored: 3,
  }),
);
nodePeers('refuses what is not about one node', () => {
  for (const response of [{}, { a: 1 }, { a: {}, b: {} }, { a: { keys: 'x' } }])
    assert.throws(
      () => toNodePeers(response),
      (error: unknown) => error instanceof WireError,
    );
});
nodePeers.run();
