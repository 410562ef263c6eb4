import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OBJECTS } from '../../src/api/contract.ts';
import type { LeaseStatus } from '../../src/api/lease-object.ts';
import { type Candidate, type Finding, type Layout, PEER, type Peer, type TableLayout } from '../../src/api/model.ts';
import { FAILURE, MESH_EVENTS, PEER_NOTICE } from '../../src/api/objects.ts';
import { InputError, LinkDownError, TimeoutError } from '../../src/errors.ts';
import { type Log, SILENT } from '../../src/log.ts';
import { Healer } from '../../src/mesh/heal.ts';
import { Node } from '../../src/mesh/node.ts';
import { Overview } from '../../src/mesh/overview.ts';
import type { PeeringName } from '../../src/mesh/peer.ts';
import { Peering } from '../../src/mesh/peering.ts';
import { Remote } from '../../src/mesh/remote.ts';
import { type Member, MeshState } from '../../src/mesh/state.ts';
import { Trials } from '../../src/mesh/trial.ts';
import { Uplinks } from '../../src/mesh/uplink.ts';
import { YggdrasilSource } from '../../src/source/yggdrasil.ts';
import { UbusSurface } from '../../src/surface/ubus.ts';
import { decodeTable, encodeTable, type Table, type Value } from '../../src/ubus/blobmsg.ts';
import {
  type Data,
  encodeFailure,
  encodeReply,
  readArguments,
  toFailure,
  type UbusObject,
} from '../../src/ubus/object.ts';
import {
  UBUS_STATUS_CONNECTION_FAILED,
  UBUS_STATUS_INVALID_ARGUMENT,
  UBUS_STATUS_NOT_FOUND,
  UBUS_STATUS_OK,
  UBUS_STATUS_TIMEOUT,
} from '../../src/ubus/status.ts';
import { FakeAdmin, OTHER_KEY, OWN_KEY, peerEntry } from '../support/admin.ts';
import { ManualClock, settle } from '../support/clock.ts';
import { TERMS } from '../support/gateway.ts';

const REMOTE = 'tls://10.99.0.2:4001';
const LINK_UP = { name: 'ubus', endpoint: 'unix:///run/ubus.sock', state: 'up', since_s: 0, ups: 1 };

const FOUND: Finding = {
  id: 'empty_private_key',
  level: 'error',
  option: 'network.ygg0.private_key',
  what: 'a',
  why: 'b',
  fix: 'c',
  words: { what: 'a', why: 'b', fix: 'c' },
  values: { name: 'ygg0' },
  fixable: true,
};

const ORDERED = {
  cid: 'b',
  by: 'ops',
  key: '0123456789abcdef',
  op: 'peers',
  state: 'done',
  t: 1_800_000_000,
  ago_s: 5,
};
const REJECTED = {
  cid: 'a',
  key: 'fedcba9876543210',
  op: 'restart',
  state: 'rejected',
  code: 'scope',
  error: 'restart: takes operate',
  ago_s: 9,
};

const CANDIDATE: Candidate = {
  uri: 'tls://a.example.org:443',
  operator: 'example.org',
  region: 'germany',
  latency_ms: 12,
  measured_ago_s: 60,
  role: 'kept',
};

const LEASE: LeaseStatus = {
  ...{ mode: 'kept', state: 'up', id: 'up', since_s: 5, sentence: 'a', fix: 'b', words: { sentence: 'a', fix: 'b' } },
  ...{ values: { gateway: 'boston' }, blocking: true, gateway: 'boston', lease_left_s: 60, terms: TERMS, ipv4: true },
  use: { rx_bytes: 2 ** 40, tx_bytes: 1, since_s: 9 },
};
/** A bus that keeps what it is given; calls take the way that they take on a real one: checked, served, encoded. */
class FakeBus {
  readonly objects = new Map<string, UbusObject>();
  readonly told: { how: string; name: string; data: Table }[] = [];
  subscribers = false;
  failing = false;

  publish(object: UbusObject): void {
    assert.not(this.objects.has(object.path), '~> published once');
    this.objects.set(object.path, object);
  }

  hasSubscribers(): boolean {
    return this.subscribers;
  }

  async send(name: string, data: Data = {}): Promise<void> {
    if (this.failing) throw new LinkDownError(`send ${name}: not connected`);
    this.told.push({ how: 'event', name, data: decodeTable(data as Uint8Array) });
  }

  async notify(path: string, type: string, data: Data = {}): Promise<[]> {
    if (this.failing) throw new LinkDownError(`notify ${path} ${type}: not published now`);
    this.told.push({ how: 'notification', name: `${path} ${type}`, data: decodeTable(data as Uint8Array) });
    return [];
  }

  /** The status of a call, its only DATA, and that decoded. */
  async call(
    path: string,
    name: string,
    args: object = {},
  ): Promise<{ status: number; bytes: Uint8Array; data: Table }> {
    const method = this.objects.get(path)!.methods[name]!;
    let answer: ReturnType<typeof encodeFailure>;
    try {
      const table = readArguments(method, encodeTable(args));
      answer = encodeReply(method, await method.handle(table, { user: 'root', group: 'root', peer: 1 }));
    } catch (error) {
      answer = encodeFailure(toFailure(error));
    }
    assert.is(answer.data.length, 1, '~> one DATA');
    return { status: answer.status, bytes: answer.data[0]!, data: decodeTable(answer.data[0]!) };
  }
}

/** A surface over real nodes, one for each name, each with a Yggdrasil in memory. */
function make(names: readonly string[] = ['ygg0'], log: Log = SILENT) {
  const bus = new FakeBus();
  const clock = new ManualClock();
  const mesh = new MeshState();
  const nowMs = () => clock.monotonicMs();
  const clients = names.map(() => new FakeAdmin());
  const kept: PeeringName[] = [];
  const trials = new Trials({ load: () => [], save: () => {} }, clock, () => {});
  const members = names.map((name, i): Member => {
    const node = new Node(
      name,
      'config',
      { configured: () => kept, dialledHere: () => undefined, nameOf: () => undefined },
      (event, peer) => mesh.peerNotices.emit({ event, interface: name, peer }),
    );
    node.connected = true;
    const pace = { briskMs: 2000, idleMs: 30_000, probe: false };
    const source = new YggdrasilSource(node, clients[i]!, clock, SILENT, pace, {
      nameless: () => undefined,
      learnName: async () => {},
      polled() {},
    });
    node.source = source;
    const config = {
      peers: () => kept,
      keep: async (_: string, peering: PeeringName) => {
        kept.push(peering);
        return 'added' as const;
      },
      forget: async () => 'removed' as const,
    };
    return {
      node,
      remote: new Remote(node, source, () => ({ name: 'here' })),
      peering: new Peering(node, source, config, trials, nowMs),
    };
  });
  mesh.replace(members);
  let level = 'info';
  const daemon = {
    problem: undefined as Error | undefined,
    status: () => ({
      version: '1.2.3',
      uptime_s: 5,
      log_level: level,
      config_errors: ['meshbridge.main.x: unknown'],
      links: [LINK_UP],
      interfaces: members.map(({ node }) => node.status()),
    }),
    reload: async () => {
      if (daemon.problem) throw daemon.problem;
      return 'configuration read';
    },
    commands: () => ({
      cap: 'operate',
      keys: [{ name: 'ops', id: '0123456789abcdef', scope: 'operate' }],
      commands: [ORDERED, REJECTED],
      refused: [{ code: 'session', count: 3 }],
    }),
    lint: async () => ({ findings: [FOUND] }),
    logLevel: (to?: string) => {
      level = to ?? level;
      return level;
    },
  };
  const uplinks = new Uplinks();
  const healer = new Healer(
    clock,
    () => [],
    () => {},
  );
  const around = {
    uplinks,
    dns: () => undefined,
    internet: () => undefined,
    clock: () => ({ unixMs: clock.unixMs(), earliestMs: 0, latestMs: 4e12 }),
    configured: () => ({ peerings: kept, name: 'home' }),
  };
  const overview = new Overview(mesh, around, healer, clock, '1.2.3', (sketch) => surface.verdictNotice(sketch));
  const testBroker = async (name: string) => ({
    ok: true,
    steps: [{ step: 'dns', state: 'good', sentence: name, words: { sentence: '{name}' }, values: { name } }],
  });
  const checkService = async (address: string, port: number) => {
    if (address !== '200::1') throw new InputError(`address: got ${address}`, 'address');
    return { reachable: true, latency_ms: port };
  };
  const adviser = {
    status: () => ({ enabled: true, state: 'content', listed: 1, candidates: [CANDIDATE], next_s: 60 }),
    undo: async () => '1 peering removed',
  };
  const telemetry = (look: boolean) => ({ enabled: false, brokers: [], ...(look && { problem: 'looked at' }) });
  const surface = new UbusSurface({
    bus,
    mesh,
    overview,
    daemon,
    checkService,
    testBroker,
    adviser,
    telemetry,
    sendNow: () => 'told',
    nowMs,
    log,
  });
  surface.publish();
  return {
    commands,
    overview,
    uplinks,
    bus,
    clock,
    mesh,
    clients,
    client: clients[0]!,
    members,
    daemon,
    surface,
    kept,
  };
}

/** Checks that a decoded table has exactly the fields of a layout, in its order and of its types. */
function assertShape(value: Value, layout: Layout, where: string): void {
  if (layout === 'json') return;
  if (typeof layout === 'string') {
    const type = { string: 'string', bool: 'boolean', int32: 'number', int64: 'number', double: 'number' }[layout];
    assert.type(value, type as 'string', `~> ${where} is ${layout}`);
  } else if (Array.isArray(layout)) {
    assert.ok(Array.isArray(value), `~> ${where} is a list`);
    for (const [i, item] of (value as Value[]).entries()) assertShape(item, layout[0], `${where}[${i}]`);
  } else {
    const names = Object.keys(layout).map((key) => key.replace(/\?$/, ''));
    const given = Object.keys(value as Table);
    assert.equal(
      given,
      names.filter((name) => given.includes(name)),
      `~> ${where}: known fields in the contract's order`,
    );
    for (const [key, type] of Object.entries(layout as TableLayout)) {
      const field = (value as Table)[key.replace(/\?$/, '')];
      if (field === undefined) assert.ok(key.endsWith('?'), `~> ${where}.${key} is there`);
      else assertShape(field, type, `${where}.${key}`);
    }
  }
}

/** Arguments with which every method succeeds. */
const ARGUMENTS: Record<string, object> = {
  node_info: { key: OTHER_KEY },
  node_peers: { key: OTHER_KEY.toUpperCase() },
  service_check: { address: '200::1', port: 80 },
  broker_test: { name: 'fleet' },
  peer_add: { uri: 'tcp://192.0.2.9:1' },
  peer_remove: { uri: REMOTE },
  peer_retry: { uri: 'tcp://192.0.2.2:1' },
  peer_try: { uri: 'tcp://192.0.2.9:1' },
  peer_confirm: { uri: 'tcp://192.0.2.8:1' },
  peer_undo: { uri: 'tcp://192.0.2.8:1' },
  peer_keep: { uri: REMOTE },
};

const contract = suite('UbusSurface: contract');
// these objects come late, and have suites of their own
const { 'meshbridge.lease': _, 'meshbridge.client': __, ...PUBLISHED } = OBJECTS;
for (const [path, methods] of Object.entries(PUBLISHED)) {
  contract(`publishes ${path} with exactly the methods and arguments of the contract`, () => {
    const { bus } = make();
    const published = bus.objects.get(path)!.methods;
    assert.equal(Object.keys(published), Object.keys(methods));
    for (const [name, { args, reply }] of Object.entries(methods)) {
      assert.is(published[name]!.args, args);
      assert.is(published[name]!.reply, reply);
    }
  });
  for (const [name, { reply }] of Object.entries(methods)) {
    contract(`answers ${path} ${name} as the contract says`, async () => {
      const { bus, client, members } = make();
      await members[0]!.node.read('self', 0);
      if (name === 'history' || name.startsWith('peer_')) {
        client.peers = [peerEntry(REMOTE), peerEntry('tcp://192.0.2.2:1', { up: false })];
        await members[0]!.node.read('peers', 0);
      }
      if (name === 'peer_confirm' || name === 'peer_undo') await members[0]!.peering.try({ uri: 'tcp://192.0.2.8:1' });
      const { status, data } = await bus.call(path, name, ARGUMENTS[name]);
      assert.is(status, UBUS_STATUS_OK, `~> ${data.error}`);
      assertShape(data, reply, name);
      if ('age_ms' in reply) assert.is(Object.keys(data)[0], 'age_ms');
      if ('interface' in reply) assert.is(data.interface, 'ygg0');
    });
  }
}
contract.run();

// ---

const reads = suite('UbusSurface: reading');
reads('shows what Yggdrasil said, at the contract’s units', async () => {
  const { bus } = make();
  const { data } = await bus.call('yggdrasil', 'peers');
  const peer = (data.peers as Table[]).find((p) => p.remote === 'tcp://10.99.0.4:42832')!;
  assert.is(peer.latency_ms, 3.04);
  assert.is(peer.uptime_s, 106);
  assert.is(peer.rx_bytes, 922);
  assert.is(peer.origin, 'inbound');
});
reads('gives the same bytes again with a new age, while the answer is fresh', async () => {
  const { bus, clock, client } = make();
  const first = await bus.call('yggdrasil', 'peers');
  const { bytes } = first;
  assert.is(first.data.age_ms, 0);
  await clock.advance(2500);
  const second = await bus.call('yggdrasil', 'peers');
  assert.is(second.bytes, bytes, '~> not encoded again');
  assert.equal(second.data, { ...first.data, age_ms: 2500 });
  assert.is(client.count('getpeers'), 1);
});
reads('asks Yggdrasil once for all who wait when the answer is stale', async () => {
  const { bus, clock, client } = make();
  await bus.call('yggdrasil', 'peers');
  await clock.advance(3001);
  const answers = await Promise.all([0, 1, 2].map(() => bus.call('yggdrasil', 'peers')));
  assert.is(client.count('getpeers'), 2);
  assert.equal(
    answers.map(({ data }) => data.age_ms),
    [0, 0, 0],
  );
});
reads('keeps the nodes apart', async () => {
  const { bus, clients } = make(['ygg0', 'ygg1']);
  clients[1]!.peers = [];
  const first = await bus.call('yggdrasil', 'peers', { interface: 'ygg0' });
  const second = await bus.call('yggdrasil', 'peers', { interface: 'ygg1' });
  assert.is(first.data.interface, 'ygg0');
  assert.ok((first.data.peers as Table[]).length > 0);
  assert.is(second.data.interface, 'ygg1');
  assert.equal(second.data.peers, []);
  assert.is((await bus.call('yggdrasil', 'peers')).data.interface, 'ygg0', '~> the first one where none is named');
});
reads('answers for this node itself without asking the network', async () => {
  const { bus, client, members } = make();
  await members[0]!.node.read('self', 0);
  const { data } = await bus.call('yggdrasil', 'node_info', { key: OWN_KEY });
  assert.equal(data.node_info, { buildname: 'yggdrasil', buildversion: '0.5.12', name: 'here' });
  assert.is(client.count('getnodeinfo'), 0);
});
reads('tells how old a kept answer of another node is', async () => {
  const { bus, clock, client } = make();
  await bus.call('yggdrasil', 'node_info', { key: OTHER_KEY });
  await clock.advance(1234);
  const { data } = await bus.call('yggdrasil', 'node_info', { key: OTHER_KEY });
  assert.is(data.age_ms, 1234);
  assert.is((data.node_info as Table).name, 'gateway-b');
  assert.is(client.count('getnodeinfo'), 1);
});
reads('tells how old an answer of another node is that took long', async () => {
  const { bus, clock, client } = make();
  const response = client.answers.getnodeinfo as object;
  client.answers.getnodeinfo = new Promise((resolve) => clock.after(4000, () => resolve({ ...response })));
  const call = bus.call('yggdrasil', 'node_info', { key: OTHER_KEY });
  await clock.advance(4000);
  assert.is((await call).data.age_ms, 4000);
});
reads('counts the age of its own peers to the moment of the answer', async () => {
  const { bus, clock, client, members } = make();
  await members[0]!.node.read('self', 0);
  const response = client.answers.getpeers as object;
  client.answers.getpeers = new Promise((resolve) => clock.after(500, () => resolve({ ...response })));
  const call = bus.call('yggdrasil', 'node_peers', { key: OWN_KEY });
  await clock.advance(500);
  assert.is((await call).data.age_ms, 500);
});
reads('cuts a list that does not fit in one message, and tells how much is missing', async () => {
  const { bus, client } = make();
  const hex = (n: number) => n.toString(16).padStart(64, '0');
  const trees = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ key: hex(n), address: '200::1', parent: hex(0), sequence: n }));
  client.answers.gettree = { tree: trees(16_000) };
  const { status, bytes, data } = await bus.call('yggdrasil', 'tree');
  assert.is(status, UBUS_STATUS_OK);
  const tree = data.tree as Table[];
  assert.is(tree.length + (data.left_out as number), 16_000);
  assert.is(tree[0]!.key, hex(0));
  assert.is(tree.at(-1)!.key, hex(tree.length - 1), '~> none is missing between');
  assert.ok(bytes.length <= 1_048_560, `${bytes.length} bytes`);
  assert.ok(bytes.length > 900_000, `${bytes.length} bytes`);
  assertShape(data, OBJECTS.yggdrasil.tree.reply, 'tree');
});
reads('tells of nothing left out where all fits', async () => {
  const { bus } = make();
  for (const method of ['peers', 'sessions', 'paths', 'tree'])
    assert.is((await bus.call('yggdrasil', method)).data.left_out, undefined);
});
reads('shows the first peers of thousands with long errors', async () => {
  const { bus, client } = make();
  client.peers = Array.from({ length: 4096 }, (_, n) =>
    peerEntry(`tcp://192.0.2.1:${n + 1000}`, { up: false, last_error: n < 2048 ? 'short' : '\u20ac'.repeat(500) }),
  );
  const { status, data } = await bus.call('yggdrasil', 'peers');
  assert.is(status, UBUS_STATUS_OK);
  assert.is((data.peers as Table[]).length + (data.left_out as number), 4096);
  assert.ok((data.peers as Table[]).length >= 2048);
});
reads('goes on with the history while Yggdrasil does not answer', async () => {
  const { bus, clock, members } = make();
  await members[0]!.node.read('peers', 0);
  const peersUp = members[0]!.node.status().peers_up!;
  members[0]!.node.setLink('gone', 0);
  assert.is(members[0]!.node.status().peers_up, undefined, '~> nobody knows now');
  await clock.advance(600_000);
  const { data } = await bus.call('yggdrasil', 'history');
  assert.is(data.age_ms, 600_000);
  assert.is(data.step_s, 300);
  assert.equal(
    (data.samples as Table[]).map((sample) => sample.peers_up_max),
    [peersUp, 0, 0],
  );
});
reads.run();

// ---

const pictures = suite('UbusSurface: pictures');
pictures('are encoded once, with a new age each time', async () => {
  const { bus, clock, client } = make();
  for (const method of ['verdict', 'overview', 'member']) {
    const first = await bus.call('meshbridge', method);
    await clock.advance(300);
    const second = await bus.call('meshbridge', method);
    assert.is(second.bytes, first.bytes, `~> ${method} is not encoded again`);
    assert.equal(second.data, { ...first.data, age_ms: second.data.age_ms });
    assert.is((second.data.age_ms as number) - (first.data.age_ms as number), 300);
  }
  assert.is(client.count('getpeers'), 1);
});
pictures('are of the interface that is named', async () => {
  const { bus } = make(['ygg0', 'ygg1']);
  const { data } = await bus.call('meshbridge', 'overview', { interface: 'ygg1' });
  assert.is(data.interface, 'ygg1');
  assert.equal(data.interfaces, ['ygg0', 'ygg1']);
  assert.is(data.name, 'home');
  const { status, data: failure } = await bus.call('meshbridge', 'verdict', { interface: 'x' });
  assert.is(status, UBUS_STATUS_NOT_FOUND);
  assert.is(failure.field, 'interface');
});
pictures('are there without any Yggdrasil', async () => {
  const { bus } = make([]);
  const { status, data } = await bus.call('meshbridge', 'overview');
  assert.is(status, UBUS_STATUS_OK);
  assertShape(data, OBJECTS.meshbridge.overview.reply, 'overview');
  assert.equal([data.interface, data.interfaces], ['', []]);
  for (const method of ['verdict', 'member', 'map'])
    assert.is((await bus.call('meshbridge', method)).status, UBUS_STATUS_OK, method);
  assert.is((await bus.call('meshbridge', 'overview', { interface: 'ygg0' })).status, UBUS_STATUS_NOT_FOUND);
});
pictures('make a map, as large as a message may be', async () => {
  const { bus, members } = make();
  const { data } = await bus.call('meshbridge', 'map', { tree: true });
  assertShape(data, OBJECTS.meshbridge.map.reply, 'map');
  assert.is(data.left_out, undefined);
  const { node } = members[0]!;
  const key = 'a'.repeat(64);
  node.set(
    'tree',
    { tree: Array.from({ length: 500 }, () => ({ key, address: 'x'.repeat(4000), parent: key, sequence: 1 })) },
    0,
  );
  const large = await bus.call('meshbridge', 'map', { tree: true });
  assert.ok(large.bytes.length > 400_000 && large.bytes.length < 1024 * 1024, String(large.bytes.length));
  assert.is((large.data.tree as Table[]).length + (large.data.left_out as number), 500);
  assert.is((await bus.call('meshbridge', 'map')).data.tree, undefined);
});
pictures('are given while Yggdrasil hangs', async () => {
  const { bus, clock, client } = make();
  client.answers.getpeers = new Promise(() => {});
  const call = bus.call('meshbridge', 'overview');
  await clock.advance(1000);
  assert.is((await call).status, UBUS_STATUS_OK);
});
pictures.run();

// ---

const failures = suite('UbusSurface: failures');
for (const [title, path, method, args, status, error, field] of [
  [
    'an interface that is not there',
    'yggdrasil',
    'peers',
    { interface: 'x' },
    UBUS_STATUS_NOT_FOUND,
    'interface: no Yggdrasil interface "x", there is ygg0, ygg1',
    'interface',
  ],
  [
    'an interface with an endless name',
    'yggdrasil',
    'peers',
    { interface: 'x'.repeat(100_000) },
    UBUS_STATUS_NOT_FOUND,
    `interface: no Yggdrasil interface "${'x'.repeat(32)}…", there is ygg0, ygg1`,
    'interface',
  ],
  [
    'an argument that is missing',
    'yggdrasil',
    'peer_add',
    {},
    UBUS_STATUS_INVALID_ARGUMENT,
    'uri: missing, expected a string',
    'uri',
  ],
  [
    'an argument of another type',
    'yggdrasil',
    'peer_try',
    { uri: 'tcp://a:1', seconds: 'x' },
    UBUS_STATUS_INVALID_ARGUMENT,
    'seconds: expected an integer of 32 bits, got a string',
    'seconds',
  ],
  [
    'a time out of range',
    'yggdrasil',
    'peer_try',
    { uri: 'tcp://192.0.2.9:1', seconds: 9 },
    UBUS_STATUS_INVALID_ARGUMENT,
    'seconds: expected 10 to 3600, got 9',
    'seconds',
  ],
  [
    'a key that is none',
    'yggdrasil',
    'node_info',
    { key: 'abc' },
    UBUS_STATUS_INVALID_ARGUMENT,
    'key: expected 64 hex digits, got 3 characters',
    'key',
  ],
  [
    'a peer that is not there',
    'yggdrasil',
    'peer_retry',
    { uri: 'tcp://a:1' },
    UBUS_STATUS_INVALID_ARGUMENT,
    'uri: tcp://a:1 is not a peer of ygg0',
    'uri',
  ],
] as const)
  failures(`name ${title}`, async () => {
    const { bus } = make(['ygg0', 'ygg1']);
    const answer = await bus.call(path, method, args);
    assert.is(answer.status, status);
    assert.equal(answer.data, { error, field });
    assertShape(answer.data, FAILURE, 'failure');
  });
failures('say that there is no Yggdrasil at all', async () => {
  const { bus } = make([]);
  for (const args of [{}, { interface: 'ygg0' }]) {
    const { status, data } = await bus.call('yggdrasil', 'self', args);
    assert.is(status, UBUS_STATUS_NOT_FOUND);
    assert.is(data.field, 'interface');
  }
  assert.is(
    (await bus.call('yggdrasil', 'self')).data.error,
    'interface: no Yggdrasil interface was found on this router',
  );
  assert.is((await bus.call('meshbridge', 'status')).status, UBUS_STATUS_OK);
});
failures('tell a node that is away from one that is slow', async () => {
  const { bus, client } = make();
  client.answers.getself = new LinkDownError('yggdrasil.ygg0: not connected');
  const away = await bus.call('yggdrasil', 'self');
  assert.is(away.status, UBUS_STATUS_CONNECTION_FAILED);
  assert.equal(away.data, { error: 'yggdrasil.ygg0: not connected' });
  client.answers.getself = new TimeoutError('getself: no answer within 5000 ms');
  assert.is((await bus.call('yggdrasil', 'self')).status, UBUS_STATUS_TIMEOUT);
});
failures('of the configuration name what is wrong', async () => {
  const { bus, daemon } = make();
  daemon.problem = new InputError('meshbridge.main.x: unknown option "x"');
  const { status, data } = await bus.call('meshbridge', 'reload');
  assert.is(status, UBUS_STATUS_INVALID_ARGUMENT);
  assert.equal(data, { error: 'meshbridge.main.x: unknown option "x"' });
});
failures.run();

// ---

const commands = suite('UbusSurface: commands');
commands('reach the node that is named, with the device that is named', async () => {
  const { bus, clients } = make(['ygg0', 'ygg1']);
  const { data } = await bus.call('yggdrasil', 'peer_add', {
    uri: 'tcp://192.0.2.9:1',
    device: 'eth1',
    interface: 'ygg1',
  });
  assert.is(data.interface, 'ygg1');
  assert.equal(clients[0]!.asked, []);
  assert.is(clients[1]!.asked.filter((line) => line === 'addpeer tcp://192.0.2.9:1 eth1').length, 1);
});
commands('tell when a trial ends', async () => {
  const { bus } = make();
  assert.is((await bus.call('yggdrasil', 'peer_try', { uri: 'tcp://192.0.2.8:1' })).data.reverts_in_s, 60);
  assert.is((await bus.call('yggdrasil', 'peer_try', { uri: 'tcp://192.0.2.9:1', seconds: 10 })).data.reverts_in_s, 10);
});
commands('set the log level', async () => {
  const { bus } = make();
  assert.equal((await bus.call('meshbridge', 'log_level')).data, { level: 'info' });
  assert.equal((await bus.call('meshbridge', 'log_level', { level: 'debug' })).data, { level: 'debug' });
});
commands('show all that belongs to telemetry to who looks, and the short of it to others', async () => {
  const { bus } = make();
  const shown = async (method: string, args?: object) => (await bus.call('meshbridge', method, args)).data;
  const all = await shown('telemetry', { look: true });
  assert.is(all.problem, 'looked at');
  assert.equal(all.config_errors, (await shown('status')).config_errors);
  assert.equal(all.management, await shown('commands'));
  assert.equal(await shown('telemetry'), { enabled: false, brokers: [] });
  assert.equal(await shown('telemetry_send'), { message: 'told' });
});
commands('pass on what the lint found', async () => {
  assert.equal((await make().bus.call('meshbridge', 'lint')).data, { findings: [FOUND] });
});
commands.run();

// ---

const HEALED = { ago_s: 4, uplink: 'wan', dialled: 3, healed: 2, saved_s: 600 };

const PEER_DOWN: Peer = {
  remote: REMOTE,
  origin: 'configured',
  inbound: false,
  up: false,
  state: 'down',
  state_ago_ms: 0,
  changes_per_hour: 1,
};

const notices = suite('UbusSurface: notices');
notices('are one event each, and one notification where somebody is subscribed', async () => {
  const { bus, surface } = make();
  surface.peerNotice({ event: 'peer_down', interface: 'ygg0', peer: PEER_DOWN });
  surface.linkNotice('link_up', LINK_UP);
  assert.equal(
    bus.told.map(({ how, name }) => `${how} ${name}`),
    ['event yggdrasil.peer_down', 'event meshbridge.link_up'],
  );
  assert.equal(bus.told[0]!.data, { interface: 'ygg0', peer: PEER_DOWN as unknown as Table });
  assert.equal(bus.told[1]!.data, LINK_UP);
  bus.told.length = 0;
  bus.subscribers = true;
  surface.peerNotice({ event: 'peer_down', interface: 'ygg0', peer: PEER_DOWN });
  surface.linkNotice('link_down', { ...LINK_UP, last_error: 'closed' });
  assert.equal(
    bus.told.map(({ how, name }) => `${how} ${name}`),
    [
      'event yggdrasil.peer_down',
      'notification yggdrasil peer_down',
      'event meshbridge.link_down',
      'notification meshbridge link_down',
    ],
  );
  assert.equal(bus.told[0]!.data, bus.told[1]!.data);
});
notices('show a peer as the method peers shows it', async () => {
  const { bus, client, mesh, members, surface } = make();
  mesh.peerNotices.on((notice) => surface.peerNotice(notice));
  client.peers = [];
  await members[0]!.node.source!.refresh('peers');
  client.peers = [peerEntry(REMOTE)];
  await members[0]!.node.source!.refresh('peers');
  assert.equal(
    bus.told.map(({ name }) => name),
    ['yggdrasil.peer_added', 'yggdrasil.peer_up'],
  );
  const { data } = await bus.call('yggdrasil', 'peers');
  assertShape(bus.told[1]!.data, PEER_NOTICE, 'notice');
  assertShape(bus.told[1]!.data.peer!, PEER, 'peer');
  assert.equal(bus.told[1]!.data.peer, (data.peers as Table[])[0]);
});
notices('are lost in silence while the bus is away', async () => {
  const lines: string[] = [];
  const log: Log = { ...SILENT, debug: (event, fields) => lines.push(`${event} ${fields?.error}`) };
  const { bus, surface } = make(['ygg0'], log);
  bus.failing = true;
  bus.subscribers = true;
  surface.linkNotice('link_down', LINK_UP);
  await settle();
  assert.equal(lines, [
    'not told send meshbridge.link_down: not connected',
    'not told notify meshbridge link_down: not published now',
  ]);
});
notices('come all, in order, when they are more than the bus takes at once', async () => {
  const { bus, surface } = make();
  const numbers = Array.from({ length: 3000 }, (_, ups) => ups);
  let underWay = 0;
  let most = 0;
  bus.send = async (name, data = {}) => {
    most = Math.max(most, ++underWay);
    bus.told.push({ how: 'event', name, data: decodeTable(data as Uint8Array) });
    await Promise.resolve();
    underWay--;
  };
  for (const ups of numbers) surface.linkNotice('link_up', { ...LINK_UP, ups });
  assert.is(most, 64);
  while (underWay > 0) await settle();
  assert.is(most, 64);
  assert.equal(
    bus.told.map(({ data }) => data.ups),
    numbers,
  );
});
notices('tell of a verdict and of a heal', async () => {
  const { bus, surface, overview } = make();
  const { verdict } = await overview.look('ygg0');
  const { state, id, since_s } = verdict;
  bus.told.length = 0;
  bus.subscribers = true;
  const judgement = { state: state as 'good', id, since_s, fault: 'good', values: {}, checks: [] } as const;
  surface.verdictNotice({ interface: 'ygg0', atMs: 0, judgement });
  surface.healNotice(HEALED);
  assert.equal(
    bus.told.map(({ how, name }) => `${how} ${name}`),
    [
      'event meshbridge.verdict',
      'notification meshbridge verdict',
      'event meshbridge.healed',
      'notification meshbridge healed',
    ],
  );
  assertShape(bus.told[0]!.data, MESH_EVENTS.verdict, 'verdict');
  assert.equal(bus.told[0]!.data, { interface: 'ygg0', state, id, since_s });
  assert.equal(bus.told[2]!.data, HEALED);
});
notices.run();

// ---

const leases = suite('UbusSurface: the lease');
leases('tells that its situation is another one', async () => {
  const { bus, surface } = make();
  bus.subscribers = true;
  surface.leaseNotice(LEASE);
  await settle();
  const data = { state: 'up', id: 'up', gateway: 'boston' };
  assert.equal(bus.told, [
    { how: 'event', name: 'meshbridge.lease', data },
    { how: 'notification', name: 'meshbridge lease', data },
  ]);
});
leases.run();
