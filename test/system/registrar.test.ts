import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../src/config.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { Logger } from '../../src/log.ts';
import type { GroupShare } from '../../src/mesh/group-share.ts';
import { LocalGateway } from '../../src/registrar.ts';
import type { UbusObject } from '../../src/ubus/object.ts';
import { MemoryClientPlane } from '../support/client-plane.ts';
import { ManualClock, settle } from '../support/clock.ts';
import { crypto } from '../support/crypto.ts';
import { MemoryFiles } from '../support/files.ts';
import { GATEWAY_ADDRESS, GATEWAY_KEY, leaseRequest } from '../support/gateway.ts';
import { nodeOf } from '../support/node-key.ts';
import { selfOnly } from '../support/self-only.ts';
import { MemoryStreams } from '../support/stream.ts';

const ANN = nodeOf(1);
const AT = { host: GATEWAY_ADDRESS, port: 8080 };

/** The sections of a gateway. */
function section(...lines: string[]): string {
  return `config registrar 'registrar'\n${lines.map((line) => `\t${line}\n`).join('')}`;
}

const OPEN = section("option enabled '1'", "option admission 'open'", "option name 'Boston'");

function make({ files = new MemoryFiles(), plane = new MemoryClientPlane(), able = true, isFlash = true } = {}) {
  let released = 0;
  const failing = { release: false };
  const clock = new ManualClock();
  const streams = new MemoryStreams();
  const lines: string[] = [];
  const published: UbusObject[] = [];
  const groups: (GroupShare | undefined)[] = [];
  const self = selfOnly('ygg0', GATEWAY_KEY, GATEWAY_ADDRESS);
  const registrar = new LocalGateway({
    host: { streams, clock, files, crypto, randomBytes: (count) => new Uint8Array(count) },
    members: () => [self.member],
    plane: async () => {
      if (!able) throw new Error('this program makes no tunnels itself');
      return plane;
    },
    release: async () => {
      if (failing.release) throw new Error('not now');
      released++;
      plane.tunnels.clear();
    },
    isFlash: () => isFlash,
    state: '/var/run/meshbridge',
    dateS: () => 1_800_000_000,
    publish: (object) => published.push(object),
    onGroup: (share) => groups.push(share),
    log: new Logger((line) => lines.push(line)).scope('registrar'),
  });
  const configure = async (text: string, left = false): Promise<void> => {
    const config = parseConfig(text);
    registrar.setConfig(config.registrar, config.clients, left);
    await clock.advance(100);
  };
  /** What a node is told. */
  const ask = async (
    node: { address: string },
    method: string,
    target: string,
    body?: object,
    // biome-ignore lint/suspicious/noExplicitAny: what came over the wire
  ): Promise<[number, any]> => {
    const far = streams.connect(AT, node.address);
    const text = body ? JSON.stringify(body) : '';
    far.send(encodeUtf8(`${method} ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: ${text.length}\r\n\r\n${text}`));
    await settle();
    const answer = decodeUtf8(far.take());
    far.end();
    return [Number(answer.slice(9, 12)), JSON.parse(answer.split('\r\n\r\n')[1] || '{}')];
  };
  const lease = (node: typeof ANN) => ask(node, 'PUT', '/v1/lease', leaseRequest({ key: node.key }));
  return {
    clock,
    streams,
    files,
    lines,
    published,
    groups,
    self,
    registrar,
    configure,
    ask,
    lease,
    plane,
    released: () => released,
    failing,
  };
}

const registrar = suite('LocalGateway');
registrar('does nothing on a router that is no gateway', async () => {
  const { configure, lines, clock, streams, registrar } = make();
  await configure('');
  registrar.linkChanged();
  await clock.advance(100_000);
  assert.equal([lines, clock.pending], [[], 0]);
  assert.throws(() => streams.connect(AT), /refused/);
});
registrar('serves on the address of its Yggdrasil, and tells what it is', async () => {
  const { configure, ask, lease, lines } = make();
  await configure(OPEN);
  assert.match(lines[0]!, /serving port=8080 clients=0 kinds=gre6,vxlan/);
  const [status, info] = await ask(ANN, 'GET', '/v1/info');
  assert.equal([status, info.name, info.key, info.kinds], [200, 'Boston', GATEWAY_KEY, ['gre6', 'vxlan']]);
  assert.is((await lease(ANN))[0], 200);
  assert.is((await ask(ANN, 'GET', '/v1/info'))[1].clients, 1);
});
registrar('waits until its Yggdrasil answers', async () => {
  const { configure, self, registrar, ask, clock } = make();
  self.setConnected(false);
  await configure(OPEN);
  self.setConnected(true);
  registrar.linkChanged();
  await clock.advance(100);
  assert.is((await ask(ANN, 'GET', '/v1/info'))[0], 200);
});
registrar('goes on with the leases of the daemon before it, on the same tunnels', async () => {
  const before = make();
  await before.configure(OPEN);
  const [, grant] = await before.lease(ANN);
  before.registrar.stop();
  assert.throws(() => before.streams.connect(AT), /refused/);
  const plane = new MemoryClientPlane();
  const after = make({ files: before.files, plane });
  await after.configure(OPEN);
  assert.equal([...plane.tunnels], [...before.plane.tunnels]);
  assert.equal((await after.ask(ANN, 'GET', '/v1/lease'))[1].terms, grant.terms);
});
registrar('follows what the configuration says of homes, without a new start', async () => {
  const { configure, lease, plane, lines } = make();
  await configure(OPEN);
  await lease(ANN);
  await configure(
    `${OPEN}config client 'ann'\n\toption key '${ANN.key}'\n\toption access 'suspend'\n\toption reason 'not paid'\n`,
  );
  assert.equal(await lease(ANN), [403, { error: 'suspended', reason: 'not paid', retry_after_s: 60 }]);
  assert.ok([...plane.tunnels.values()][0]!.suspended);
  await configure(OPEN);
  assert.is((await lease(ANN))[0], 200);
  assert.is(lines.filter((line) => /serving/.test(line)).length, 1);
});
registrar('starts anew with other options, and keeps the leases', async () => {
  const { configure, ask, lease, lines } = make();
  await configure(OPEN);
  await lease(ANN);
  await configure(`${OPEN}\toption operator 'ops'\n`);
  const [, info] = await ask(ANN, 'GET', '/v1/info');
  assert.equal([info.operator, info.clients], ['ops', 1]);
  assert.is(lines.filter((line) => /serving/.test(line)).length, 2);
});
registrar('ends when it is switched off, and takes its tunnels and leases with it', async () => {
  const { configure, lease, streams, clock, lines, plane, files, released } = make();
  await configure(OPEN);
  await lease(ANN);
  await configure('');
  assert.throws(() => streams.connect(AT), /refused/);
  await clock.advance(100_000);
  assert.is(clock.pending, 0);
  assert.match(lines.at(-1)!, /ended/);
  assert.equal([released(), plane.tunnels.size, files.list('/var/run/meshbridge')], [1, 0, []]);
});
registrar('takes away what an earlier daemon left, unless it goes on with it', async () => {
  const files = new MemoryFiles();
  files.write('/var/run/meshbridge/leases.json', encodeUtf8('[]'), 0o600);
  const off = make({ files });
  await off.configure('', true);
  assert.equal([off.released(), files.list('/var/run/meshbridge')], [1, []]);
  const on = make();
  await on.configure(OPEN, true);
  await on.configure(OPEN);
  assert.is(on.released(), 0);
});
registrar('makes rules again that somebody flushed, for all homes', async () => {
  const { configure, lease, clock, plane, lines } = make();
  await configure(OPEN);
  await lease(ANN);
  const [...tunnels] = plane.tunnels;
  plane.tunnels.clear();
  plane.whole = false;
  await clock.advance(16_000);
  assert.equal([...plane.tunnels], tunnels);
  assert.ok(lines.some((line) => /rules were taken away/.test(line)));
  plane.whole = true;
  const { length } = lines;
  await clock.advance(60_000);
  assert.not.ok(lines.slice(length).some((line) => /taken away/.test(line)));
});
registrar('counts what homes used on, whoever counted before it', async () => {
  const before = make();
  await before.configure(OPEN);
  await before.lease(ANN);
  const [slot] = before.plane.tunnels.keys();
  before.plane.flows.set(slot!, { rxBytes: 100, txBytes: 1000 });
  await before.clock.advance(66_000);
  before.registrar.stop();
  // the machine went on counting meanwhile
  before.plane.flows.set(slot!, { rxBytes: 150, txBytes: 1500 });
  const after = make({ files: before.files, plane: before.plane });
  await after.configure(OPEN);
  await after.clock.advance(61_000);
  const { use } = (await after.ask(ANN, 'GET', '/v1/lease'))[1];
  assert.equal([use.rx_bytes, use.tx_bytes], [1500, 150]);
});
registrar('says what is missing where no tunnel can be made, and looks again', async () => {
  const { configure, lines, clock, plane, ask } = make();
  plane.kinds = [];
  await configure(OPEN);
  assert.match(
    lines[0]!,
    /no gateway error="?no tunnel can be made: gre6: no module; wireguard: no module; vxlan: no module/,
  );
  plane.kinds = ['gre6'];
  await clock.advance(31_000);
  assert.is((await ask(ANN, 'GET', '/v1/info'))[0], 200);
});
registrar('says that a program without tunnels is no gateway', async () => {
  const { configure, lines } = make({ able: false });
  await configure(OPEN);
  assert.match(lines[0]!, /this program makes no tunnels/);
});
registrar('tries again to take a port that is taken', async () => {
  const { configure, streams, clock, lines, ask } = make();
  const free = streams.listen(AT, () => ({ onData() {}, onClose() {} }));
  await configure(OPEN);
  await clock.advance(20_000);
  assert.is(lines.filter((line) => /port not taken/.test(line)).length, 1);
  free();
  await clock.advance(6000);
  assert.is((await ask(ANN, 'GET', '/v1/info'))[0], 200);
});
registrar('tells homes that it does not reach the Internet, and how busy its line is', async () => {
  const { configure, streams, clock, ask, lease, plane } = make();
  await configure(`${OPEN}\toption bandwidth '1000'\n`);
  await lease(ANN);
  const [slot] = plane.tunnels.keys();
  plane.flows.set(slot!, { rxBytes: 0, txBytes: 0 });
  await clock.advance(61_000);
  assert.is((await ask(ANN, 'GET', '/v1/info'))[1].online, false);
  // 3.75 MB in a minute are half of 1000 kbit/s
  plane.flows.set(slot!, { rxBytes: 1000, txBytes: 3_750_000 });
  await clock.advance(60_000);
  streams.dialled.at(-1)!.accept();
  const [, info] = await ask(ANN, 'GET', '/v1/info');
  assert.equal([info.online, info.load_percent], [true, 50]);
  assert.is((await ask(ANN, 'GET', '/v1/lease'))[1].use.rx_bytes, 3_750_000);
});
registrar('tells a home within seconds that its volume is used up, and slows it', async () => {
  const { configure, ask, lease, plane, clock } = make();
  // what the line carries in a minute is half of it
  await configure(`${OPEN}\toption bandwidth '1000'\n\toption quota '15'\n`);
  await lease(ANN);
  const [slot] = plane.tunnels.keys();
  const uses = (txBytes: number) => plane.flows.set(slot!, { rxBytes: 0, txBytes });
  const state = async () => (await ask(ANN, 'GET', '/v1/lease'))[1].quota.state;
  uses(8_000_000);
  await clock.advance(58_000);
  assert.equal((await ask(ANN, 'GET', '/v1/lease'))[1].quota.used_bytes, 0, '~> once a minute');
  await clock.advance(2000);
  uses(13_000_000);
  await clock.advance(4000);
  assert.is(await state(), 'near');
  uses(15_000_000);
  await clock.advance(4000);
  assert.is(await state(), 'over');
  assert.equal(plane.tunnels.get(slot!)!.limits, { downKbits: 256, upKbits: 256, flows: 4096 });
  assert.equal((await ask(ANN, 'GET', '/v1/info'))[1].limits, {
    ...{ quota_mb: 15, flows: 4096, at_quota: 'slow', slow_kbits: 256 },
  });
});
registrar('counts what a home used that leaves and comes back again and again before it is counted', async () => {
  const { configure, ask, lease, plane, clock } = make();
  await configure(`${OPEN}\toption quota '15'\n\toption at_quota 'stop'\n\toption bandwidth '100'\n`);
  for (let round = 0; round < 2; round++) {
    assert.is((await lease(ANN))[0], 200);
    plane.flows.set([...plane.tunnels.keys()][0]!, { rxBytes: 0, txBytes: 8_000_000 });
    await clock.advance(20_000);
    assert.is((await ask(ANN, 'DELETE', '/v1/lease'))[0], 204);
    // without a moment between: its slot is taken again before its tunnel is gone
    if (round === 0) assert.is((await lease(ANN))[0], 200);
    await settle();
  }
  assert.equal((await lease(ANN))[1].error, 'suspended');
  assert.is(plane.tunnels.size, 0);
});
registrar('takes a tunnel away though it cannot be counted', async () => {
  const { configure, ask, lease, plane, lines } = make();
  await configure(OPEN);
  await lease(ANN);
  plane.use = async () => {
    throw new Error('no nft');
  };
  await ask(ANN, 'DELETE', '/v1/lease');
  await settle();
  assert.is(plane.tunnels.size, 0);
  assert.ok(lines.some((line) => /use of homes that left not counted error="no nft"/.test(line)));
});
registrar('asks a slow machine for nothing again before it has answered', async () => {
  const { configure, lease, plane, clock, ask } = make();
  await configure(`${OPEN}\toption bandwidth '1000'\n\toption quota '15'\n`);
  await lease(ANN);
  // from now on bytes are wanted every 4 s
  plane.flows.set([...plane.tunnels.keys()][0]!, { rxBytes: 0, txBytes: 8_000_000 });
  await clock.advance(60_000);
  const before = { ...plane.asked };
  plane.slow = true;
  await clock.advance(50_000);
  plane.flows.set([...plane.tunnels.keys()][0]!, { rxBytes: 0, txBytes: 9_000_000 });
  plane.go();
  await settle();
  assert.equal([plane.asked.use - before.use, plane.asked.whole - before.whole], [1, 1]);
  assert.is((await ask(ANN, 'GET', '/v1/lease'))[1].quota.used_bytes, 9_000_000);
  await clock.advance(4000);
  assert.is(plane.asked.use - before.use, 2, '~> and goes on then');
});
registrar('says what it does without, and promises nobody that', async () => {
  const plane = new MemoryClientPlane();
  plane.lacks = [{ what: 'flows', problem: 'the kernel does not count connections' }];
  const { configure, ask, lease, lines } = make({ plane });
  await configure(OPEN);
  assert.ok(
    lines.some((line) => /done without what=flows problem="the kernel does not count/.test(line)),
    lines[0],
  );
  await lease(ANN);
  assert.equal((await ask(ANN, 'GET', '/v1/info'))[1].limits, { at_quota: 'slow', slow_kbits: 256 });
  assert.is((await ask(ANN, 'GET', '/v1/lease'))[1].limits, undefined);
  assert.equal([...plane.tunnels.values()][0]!.limits, {});
});
registrar('has a desk on the bus, whose decisions last and whose book is kept four times a day', async () => {
  const { configure, ask, lease, published, plane, files, registrar, clock } = make();
  await configure(OPEN);
  registrar.moved();
  assert.equal(
    published.map(({ path }) => path),
    ['meshbridge.client', 'meshbridge.client'],
  );
  /** As over the bus, of whose caller the desk knows nothing. */
  // biome-ignore lint/suspicious/noExplicitAny: as the contract says
  const call = async (method: string, args: object = {}): Promise<any> =>
    published[0]!.methods[method]!.handle(args as never, { user: 'root', group: 'root', peer: 1 });
  await lease(ANN);
  plane.flows.set([...plane.tunnels.keys()][0]!, { rxBytes: 5, txBytes: 100 });
  await clock.advance(60_000);
  assert.equal((await call('list')).clients[0].today, { rx_bytes: 100, tx_bytes: 5 });
  assert.equal((await call('summary')).active, 1);
  await call('suspend', { addresses: [ANN.address], reason: 'not paid', by: 'zoe' });
  assert.equal((await lease(ANN))[1].reason, 'not paid');
  assert.equal((await ask(ANN, 'GET', '/v1/lease'))[1].error, 'suspended');
  const written = () => files.writes.filter((path) => path.endsWith('/use.json')).length;
  assert.is(written(), 0);
  await clock.advance(6 * 3_600_000);
  assert.is(written(), 1);
  await clock.advance(24 * 3_600_000);
  assert.is(written(), 1, '~> nothing new, nothing written');
  registrar.stop();
  const again = make({ files });
  await again.configure(OPEN);
  const { entries } = await (again.published[0]!.methods.audit!.handle({}, {} as never) as unknown as Promise<{
    entries: { did: string; by: string }[];
  }>);
  assert.equal(
    entries.map(({ did, by }) => [did, by]),
    [['suspend', 'zoe']],
  );
});
registrar('tries again to take away what it made, until that is done', async () => {
  const { configure, lease, clock, failing, released } = make();
  await configure(OPEN);
  await lease(ANN);
  failing.release = true;
  await configure('');
  assert.is(released(), 0);
  await configure('');
  failing.release = false;
  await clock.advance(30_000);
  assert.is(released(), 1);
  await clock.advance(100_000);
  assert.is(released(), 1, '~> once');
});
registrar('tells how busy its line is by what is new, also when a home leaves', async () => {
  const { configure, ask, lease, plane, clock } = make();
  await configure(section("option enabled '1'", "option admission 'open'", "option bandwidth '1000'"));
  const BOB = nodeOf(2);
  await lease(ANN);
  await lease(BOB);
  const [ann, bob] = [...plane.tunnels.keys()] as [number, number];
  const load = async () => (await ask(BOB, 'GET', '/v1/info'))[1].load_percent;
  plane.flows.set(ann, { rxBytes: 5e10, txBytes: 0 });
  plane.flows.set(bob, { rxBytes: 0, txBytes: 0 });
  await clock.advance(60_000);
  plane.flows.delete(ann);
  await ask(ANN, 'DELETE', '/v1/lease');
  // half of 1000 kbit/s for a minute
  plane.flows.set(bob, { rxBytes: (500_000 * 60) / 8, txBytes: 0 });
  await clock.advance(60_000);
  assert.is(await load(), 50);
});
registrar('has its desk asked by others than the bus, in their name', async () => {
  const { configure, registrar, ask } = make();
  assert.throws(() => registrar.askDesk('summary', {}, 'key otto'), /no gateway runs here now/);
  await configure(OPEN);
  await settle();
  await registrar.askDesk('suspend', { addresses: [ANN.address], reason: 'x' }, 'key otto');
  const { entries } = (await registrar.askDesk('audit', {}, 'key otto')) as { entries: { did: string; by: string }[] };
  assert.equal(
    entries.map(({ did, by }) => [did, by]),
    [['suspend', 'key otto']],
  );
  assert.throws(() => registrar.askDesk('suspend', { addresses: [] }, 'key otto'), /addresses: expected at least one/);
  await configure(`${OPEN}\tlist asks_for 'name'\n`);
  await registrar.askDesk('admit', { addresses: [ANN.address] }, 'key otto');
  assert.is((await ask(ANN, 'PUT', '/v1/lease', leaseRequest({ key: ANN.key, name: 'Ann' })))[0], 200);
  const total = (...hidden: 'name'[]) =>
    (registrar.askDesk('list', { search: 'ann' }, 'key otto', hidden) as { total: number }).total;
  assert.equal([total(), total('name')], [1, 0], '~> nor do they find by what they are not to learn');
});
registrar('tells programs of this machine counts, where that is wanted, and nothing of anybody', async () => {
  const { configure, lease, plane, clock, streams, registrar } = make();
  const metrics = async (): Promise<string> => {
    const far = streams.connect({ host: '127.0.0.1', port: 9100 }, '127.0.0.1');
    far.send(encodeUtf8('GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:9100\r\n\r\n'));
    await settle();
    const text = decodeUtf8(far.take());
    far.end();
    return text;
  };
  await configure(OPEN);
  await settle();
  assert.throws(() => streams.connect({ host: '127.0.0.1', port: 9100 }), /refused/, '~> not unless it is asked for');
  await configure(`${OPEN}\toption metrics_port '9100'\n`);
  // the part that comes into memory late
  await import('../../src/surface/metrics.ts');
  await settle();
  await lease(ANN);
  await lease({ ...nodeOf(2), key: ANN.key });
  const [slot] = plane.tunnels.keys();
  plane.flows.set(slot!, { rxBytes: 5, txBytes: 7 });
  plane.spoofed = 3;
  await clock.advance(60_000);
  const text = await metrics();
  for (const line of [
    'meshbridge_homes{state="active"} 1',
    'meshbridge_home_bytes_total{direction="rx"} 7',
    'meshbridge_home_bytes_total{direction="tx"} 5',
    'meshbridge_requests_refused_total{why="other_key"} 1',
    'meshbridge_spoofed_packets_total 3',
    'meshbridge_log_broken 0',
  ])
    assert.ok(text.includes(`${line}\n`), `~> ${line}\n${text}`);
  assert.match(text, /meshbridge_requests_answered_total 1\n/);
  assert.not.match(text, /2[0-9a-f]{2}:|10\.43\.|[0-9a-f]{64}|ann/i);
  assert.equal(registrar.sample(), {
    ...{ waiting: 0, active: 1, suspended: 0, refused: 0, max: 100, online: false, draining: false, reports_open: 0 },
    ...{ rx_kb: 0, tx_kb: 0, spoofed: 3 },
  });
  await configure(OPEN);
  assert.throws(() => streams.connect({ host: '127.0.0.1', port: 9100 }), /refused/);
});
registrar('says so on the bus where no gateway runs', async () => {
  const { configure, published } = make({ able: false });
  await configure(OPEN);
  assert.throws(() => published[0]!.methods.summary!.handle({}, {} as never), /no gateway runs here now/);
});
registrar.run();
