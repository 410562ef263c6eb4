import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { version } from '../../package.json';
import { main, parseArguments } from '../../src/app.ts';
import { InputError } from '../../src/errors.ts';
import type { Table } from '../../src/ubus/blobmsg.ts';
import { OWN_KEY, peerEntry } from '../support/admin.ts';
import { MemoryRouter } from '../support/router.ts';

const PATH = '/etc/config/meshbridge';
const BUS = '/var/run/ubus/ubus.sock';
const YGG0 = '/tmp/yggdrasil/ygg0.sock';
const YGG1 = '/tmp/yggdrasil/ygg1.sock';
const NEW = 'tcp://192.0.2.9:1';

const section = (name: string, path: string) => `config interface '${name}'\n\toption socket 'unix://${path}'\n`;
const settings = (...lines: string[]) =>
  `config meshbridge 'main'\n${lines.map((line) => `\toption ${line}\n`).join('')}`;
const ONE = section('ygg0', YGG0);
const BOTH = ONE + section('ygg1', YGG1);

const args = suite('parseArguments');
args('run the daemon with the usual configuration', () => {
  assert.equal(parseArguments([]), { action: 'run' });
});
args('take another file and another action, in any order', () => {
  assert.equal(parseArguments(['--config', '/tmp/x']), { config: '/tmp/x', action: 'run' });
  assert.equal(parseArguments(['--config', 'x', '--version']), { config: 'x', action: 'version' });
  assert.equal(parseArguments(['--help']), { action: 'help' });
});
for (const [given, message] of [
  [['--config'], '--config: expected a file'],
  [['--config', ''], '--config: expected a file'],
  [['--cheque'], '--cheque: unknown option, --help tells which there are'],
  [['--check'], '--check: unknown option, --help tells which there are'],
  [['file'], 'file: unknown option, --help tells which there are'],
] as const)
  args(`refuse ${given.join(' ') || 'nothing'}, ${given.length}`, () => {
    assert.throws(
      () => parseArguments(given),
      (error: unknown) => error instanceof InputError && error.message === message,
    );
  });
args.run();

// ---

/** What a command that ends at once printed, logged and ended with. */
function command(given: readonly string[], config?: string) {
  const router = new MemoryRouter(given);
  if (config !== undefined) router.write(PATH, config);
  main(router);
  assert.is(router.clock.pending, 0);
  assert.is(router.streams.dialled.length, 0);
  return { printed: router.printed, lines: router.lines, exits: router.exits };
}

const once = suite('main: commands that end');
once('tell the version', () => {
  assert.equal(command(['--version']), { printed: `${version}\n`, lines: [], exits: [0] });
});
once('tell every option', () => {
  const { printed, lines, exits } = command(['--help'], 'broken');
  for (const option of ['--config', '--check', '--version', '--help']) assert.ok(printed.includes(`  ${option} `));
  assert.ok(printed.split('\n').every((line) => line.length <= 80));
  assert.equal([lines, exits], [[], [0]]);
});
once('do not start with a bad configuration, and list everything that is wrong with it', () => {
  const { printed, lines, exits } = command(
    [],
    `${settings("log_level 'loud'", "colour 'red'")}config interface 'ygg0'\n`,
  );
  assert.is(printed, '');
  assert.equal(lines.map((line) => line.split(': ').slice(0, 2).join(': ')).sort(), [
    'meshbridge: meshbridge.main.colour',
    'meshbridge: meshbridge.main.log_level',
    'meshbridge: meshbridge.ygg0.socket',
  ]);
  assert.equal(exits, [1]);
});
once('end with 2 when they cannot be carried out', () => {
  assert.equal(command(['--nope']).exits, [2]);
  const { lines, exits } = command([], '#'.repeat(262_145));
  assert.equal(lines, [`meshbridge: read ${PATH}: larger than 262144 bytes`]);
  assert.equal(exits, [2]);
});
once.run();

// ---

/** A router on which the daemon has started and everything is connected. */
async function started(config = BOTH, prepare: (router: MemoryRouter) => void = () => {}) {
  const router = new MemoryRouter();
  router.write(PATH, config);
  const ygg0 = router.yggdrasil(YGG0);
  const ygg1 = router.yggdrasil(YGG1);
  prepare(router);
  main(router);
  await router.run(1500);
  const status = async () => (await router.call('meshbridge', 'status')).data;
  const links = async () => ((await status()).links as Table[]).map(({ name, state }) => `${name} ${state}`);
  return { router, ygg0, ygg1, status, links };
}

/** Checks that nothing is left: no connection, no timer, no further word. */
async function assertEnded(router: MemoryRouter): Promise<void> {
  assert.equal(router.exits, [0]);
  assert.is(router.clock.pending, 0);
  assert.ok(router.streams.dialled.every((end) => end.closed));
  const { length } = router.lines;
  await router.run(120_000);
  assert.is(router.lines.length, length);
  assert.is(router.clock.pending, 0);
}

const start = suite('App: start');
start('publishes both objects and connects every interface', async () => {
  const { router, status, links } = await started();
  assert.equal(router.published, ['yggdrasil', 'meshbridge']);
  assert.equal(await links(), ['ubus up', 'yggdrasil.ygg0 up', 'yggdrasil.ygg1 up']);
  const { interfaces, config_errors, version: shown } = await status();
  assert.is(shown, version);
  assert.equal(config_errors, []);
  assert.equal(
    (interfaces as Table[]).map((one) => [one.interface, one.connected, one.found_by, one.key]),
    [
      ['ygg0', true, 'config', OWN_KEY],
      ['ygg1', true, 'config', OWN_KEY],
    ],
  );
  assert.ok(router.told.includes('event meshbridge.link_up'));
  assert.match(router.lines[0]!, /^info meshbridge: started version=\S+ config=\/etc\/config\/meshbridge$/);
});
start('answers for each interface from its own Yggdrasil', async () => {
  const { router } = await started(BOTH, ({ yggdrasils }) => {
    yggdrasils.get(YGG1)!.responses.getpeers = { peers: [peerEntry(NEW)] };
  });
  const peers = async (name: string) =>
    ((await router.call('yggdrasil', 'peers', { interface: name })).data.peers as Table[]).map((peer) => peer.remote);
  assert.equal(await peers('ygg1'), [NEW]);
  assert.not((await peers('ygg0')).includes(NEW));
  assert.is((await router.call('yggdrasil', 'peers', { interface: 'ygg2' })).status, 4);
});
start('finds interfaces by netifd and by their sockets', async () => {
  const { status, router } = await started('', (r) => {
    r.netifd = ['ygg0'];
    r.write(YGG1, '');
  });
  await router.run(3000);
  assert.equal(
    ((await status()).interfaces as Table[]).map((one) => [one.interface, one.found_by, one.connected]),
    [
      ['ygg0', 'netifd', true],
      ['ygg1', 'socket', true],
    ],
  );
});
start('shows why there is nothing while Yggdrasil is away, and finds it when it comes', async () => {
  const { router, status } = await started(ONE, ({ yggdrasils }) => yggdrasils.clear());
  const [away] = (await status()).interfaces as Table[];
  assert.is(away!.connected, false);
  assert.is(away!.problem, 'Yggdrasil was not reached yet');
  assert.is((await router.call('yggdrasil', 'peers')).status, 10);
  router.yggdrasil(YGG0);
  await router.run(3000);
  assert.is(((await status()).interfaces as Table[])[0]!.connected, true);
});
start('publishes again when ubusd returns', async () => {
  const { router, links } = await started(ONE);
  router.connections(BUS)[0]!.end();
  assert.equal(router.published, []);
  await router.run(3000);
  assert.equal(router.published, ['yggdrasil', 'meshbridge']);
  assert.equal(await links(), ['ubus up', 'yggdrasil.ygg0 up']);
  assert.is(router.dials(YGG0).length, 1);
});
start('asks briskly while somebody is subscribed, and tells them', async () => {
  const { router, ygg0 } = await started(ONE);
  const polls = () => ygg0.asked.filter((line) => line === 'getpeers').length;
  const idle = polls();
  router.subscribe('meshbridge', true);
  await router.run(10_000);
  assert.is(polls(), idle);
  router.subscribe('yggdrasil', true);
  await router.run(10_000);
  assert.ok(polls() - idle >= 4, `~> ${polls() - idle} polls`);
  ygg0.responses.getpeers = { peers: [] };
  await router.run(3000);
  assert.ok(router.told.includes('notification peer_removed'));
  assert.ok(router.told.includes('event yggdrasil.peer_removed'));
});
start('undoes the trials of a daemon that died', async () => {
  const trials = '/var/run/meshbridge/trials.json';
  const { router, ygg0 } = await started(ONE, (r) => {
    r.write(trials, JSON.stringify([{ interface: 'ygg0', uri: NEW }]));
    r.yggdrasils.get(YGG0)!.responses.getpeers = { peers: [peerEntry(NEW)] };
  });
  assert.ok(ygg0.asked.includes(`removepeer ${NEW}`));
  assert.not(router.files.all.has(trials));
});
start.run();

// ---

const reload = suite('App: reload');
reload('keeps what did not change, drops what is gone and adds what is new', async () => {
  const { router, links } = await started(ONE);
  router.write(PATH, BOTH);
  router.signal('SIGHUP');
  await router.run(1500);
  assert.equal(await links(), ['ubus up', 'yggdrasil.ygg0 up', 'yggdrasil.ygg1 up']);
  router.write(PATH, section('ygg1', YGG1));
  assert.equal((await router.call('meshbridge', 'reload')).data, { message: `configuration read: ${PATH}` });
  assert.equal(await links(), ['ubus up', 'yggdrasil.ygg1 up']);
  for (const [path, open] of [
    [BUS, 1],
    [YGG0, 0],
    [YGG1, 1],
  ] as const) {
    assert.is(router.dials(path).length, 1, `~> ${path} was dialled once`);
    assert.is(router.connections(path).length, open);
  }
});
reload('dials an interface anew whose socket changed', async () => {
  const { router, links } = await started(ONE);
  router.write(PATH, section('ygg0', YGG1));
  router.signal('SIGHUP');
  await router.run(1500);
  assert.equal(await links(), ['ubus up', 'yggdrasil.ygg0 up']);
  assert.is(router.connections(YGG0).length, 0);
  assert.is(router.connections(YGG1).length, 1);
});
reload('keeps what netifd knows while it is asked again', async () => {
  const { router, links } = await started('', (r) => {
    r.netifd = ['ygg0'];
  });
  await router.run(1500);
  router.signal('SIGHUP');
  await router.run(1500);
  assert.equal(await links(), ['ubus up', 'yggdrasil.ygg0 up']);
  assert.is(router.dials(YGG0).length, 1);
});
reload('moves to another ubusd', async () => {
  const { router } = await started(ONE, ({ busPaths }) => busPaths.add('/run/other.sock'));
  router.write(PATH, settings("ubus_socket '/run/other.sock'") + ONE);
  router.signal('SIGHUP');
  await router.run(1500);
  assert.is(router.connections(BUS).length, 0);
  assert.is(router.connections('/run/other.sock').length, 1);
  assert.equal(router.published, ['yggdrasil', 'meshbridge']);
  assert.is(router.dials(YGG0).length, 1);
});
reload('of a bad configuration changes nothing, and says why until a good one comes', async () => {
  const { router, links, status } = await started(BOTH);
  router.write(PATH, settings("log_level 'loud'", "probe 'maybe'"));
  router.signal('SIGHUP');
  const { status: refused, data } = await router.call('meshbridge', 'reload');
  assert.is(refused, 2);
  assert.equal((await status()).config_errors, (data.error as string).split('\n'));
  assert.is((data.error as string).split('\n').length, 2);
  assert.equal(await links(), ['ubus up', 'yggdrasil.ygg0 up', 'yggdrasil.ygg1 up']);
  router.write(PATH, BOTH);
  router.signal('SIGHUP');
  assert.equal((await status()).config_errors, []);
});
reload('takes the level of the configuration, whatever was set meanwhile', async () => {
  const { router, status } = await started(ONE);
  assert.equal((await router.call('meshbridge', 'log_level', { level: 'debug' })).data, { level: 'debug' });
  const bad = await router.call('meshbridge', 'log_level', { level: 'loud' });
  assert.is(bad.status, 2);
  assert.equal(bad.data, { error: 'level: expected error, warn, info, debug, got "loud"', field: 'level' });
  router.write(PATH, settings("log_level 'warn'") + ONE);
  router.signal('SIGHUP');
  assert.is((await status()).log_level, 'warn');
});
reload.run();

// ---

const NETWORK = '/etc/config/network';
const PUBLISHED = '/var/run/meshbridge/config';
const CONFIGURED = `config interface 'ygg0'
	option proto 'yggdrasil'
	option private_key 'c0ffee'

config yggdrasil_ygg0_peer
	option address '${NEW}'
`;

/** A router whose Yggdrasil has one peering, and whose network configuration is as above. */
function withNetwork(text = CONFIGURED) {
  return started(ONE, (r) => {
    r.write(NETWORK, text);
    r.yggdrasils.get(YGG0)!.responses.getpeers = { peers: [peerEntry(NEW)] };
  });
}

async function originOf(router: MemoryRouter): Promise<unknown> {
  await router.run(4000);
  return ((await router.call('yggdrasil', 'peers')).data.peers as Table[])[0]?.origin;
}

const helper = suite('App: helper');
helper('tells which peerings are configured', async () => {
  const { router, status } = await withNetwork();
  assert.is(await originOf(router), 'configured');
  assert.equal((await status()).config_errors, []);
});
helper('is asked again when an interface changed, once for a burst, and when the daemon is told to read', async () => {
  const { router } = await withNetwork(CONFIGURED.replace(NEW, 'tcp://192.0.2.1:1'));
  assert.is(await originOf(router), 'runtime');
  router.write(NETWORK, CONFIGURED);
  const reads = () => router.helped.filter((verb) => verb === 'network_read').length;
  const before = reads();
  for (let i = 0; i < 20; i++) router.event('network.interface', { action: 'ifup', interface: 'ygg0' });
  await router.run(3000);
  assert.is(reads(), before + 1);
  assert.is(await originOf(router), 'configured');
  router.signal('SIGHUP');
  await router.run(250);
  assert.is(reads(), before + 2);
});
helper('writes peerings into the configuration and takes them out', async () => {
  const { router } = await withNetwork("config interface 'ygg0'\n\toption proto 'yggdrasil'\n");
  const kept = await router.call('yggdrasil', 'peer_keep', { uri: NEW });
  assert.equal(kept.data.message, `peering with ${NEW} kept: it is in the configuration of ygg0 now`);
  assert.match(router.text(NETWORK), `option address '${NEW}'`);
  assert.is(await originOf(router), 'configured');
  const forgotten = await router.call('yggdrasil', 'peer_remove', { uri: NEW, forget: true });
  assert.match(forgotten.data.message as string, /taken out of the configuration$/);
  assert.not.match(router.text(NETWORK), NEW);
});
helper('says what it refuses', async () => {
  const { router } = await withNetwork('');
  const { status, data } = await router.call('yggdrasil', 'peer_keep', { uri: NEW });
  assert.is(status, 2);
  assert.equal(data, {
    error: `interface: ${NETWORK} has no interface "ygg0" of protocol yggdrasil`,
    field: 'interface',
  });
});
helper('that is missing leaves origins unknown, and says what to do', async () => {
  const { router, status } = await started(ONE, (r) => {
    r.helper = false;
    r.write(NETWORK, CONFIGURED);
    r.yggdrasils.get(YGG0)!.responses.getpeers = { peers: [peerEntry(NEW)] };
  });
  const missing =
    'meshbridge.helper: not on ubus: rpcd does not run or has not found it, /etc/init.d/rpcd restart makes it look again';
  assert.is(await originOf(router), 'unknown');
  assert.equal((await status()).config_errors, [missing]);
  for (const [path, method, args] of [
    ['yggdrasil', 'peer_keep', { uri: NEW }],
    ['meshbridge', 'lint', {}],
  ] as const)
    assert.equal(await router.call(path, method, args), { status: 10, data: { error: missing } });
  router.write(PATH, BOTH);
  assert.equal((await router.call('meshbridge', 'reload')).data, {
    message: `configuration read: ${PATH}, but not copied anew: ${missing}`,
  });
  assert.is(router.lines.filter((line) => line.includes(missing)).length, 1, '~> told once');
  router.helper = true;
  await router.run(33_000);
  assert.equal((await status()).config_errors, []);
  assert.is(await originOf(router), 'configured');
});
helper('says where the network configuration breaks, and what it held before counts no more', async () => {
  const { router, status } = await withNetwork();
  router.write(NETWORK, `${CONFIGURED}config interface\n\toption\n`);
  router.signal('SIGHUP');
  assert.is(await originOf(router), 'unknown');
  assert.equal((await status()).config_errors, [
    `${NETWORK}: expected a UCI file, it has an error in line 8, column 2`,
  ]);
});
helper('publishes the configuration before it is read', async () => {
  const router = new MemoryRouter(['--config', PUBLISHED]);
  router.write(PATH, ONE).write(PUBLISHED, ONE);
  router.yggdrasil(YGG0);
  main(router);
  await router.run(1500);
  router.write(PATH, settings("log_level 'debug'") + ONE);
  router.signal('SIGHUP');
  const level = async () => (await router.call('meshbridge', 'status')).data.log_level;
  assert.is(await level(), 'info', '~> the signal reads what is published');
  assert.equal((await router.call('meshbridge', 'reload')).data, { message: `configuration read: ${PUBLISHED}` });
  assert.is(await level(), 'debug');
  router.files.all.delete(PATH);
  await router.call('meshbridge', 'reload');
  assert.not(router.files.all.has(PUBLISHED));
  assert.is(await level(), 'info', '~> the defaults again');
});
helper('tells what the lint found', async () => {
  const { router } = await withNetwork(CONFIGURED.replace("option private_key 'c0ffee'", ''));
  const { findings } = (await router.call('meshbridge', 'lint')).data as { findings: Table[] };
  assert.ok(
    findings.some(({ option }) => option === 'network.ygg0.private_key'),
    JSON.stringify(findings),
  );
});
helper.run();

// ---

const DEFAULT = { target: '0.0.0.0', mask: 0, nexthop: '192.0.2.1' };
const WAN = { interface: 'wan', proto: 'dhcp', device: 'eth1', up: true, uptime: 5000, route: [DEFAULT] };
const WAN_DOWN = { interface: 'wan', proto: 'dhcp', device: 'eth1', up: false };
const NAMED = 'tls://peer.example.org:443';

/** A router with an uplink and two peerings. */
function withUplink() {
  return started(ONE, (r) => {
    r.netifd = ['ygg0'];
    r.interfaces.push(WAN);
    r.hosts.set('peer.example.org', ['192.0.2.80']);
    r.write(NETWORK, CONFIGURED.replace(NEW, NAMED));
    r.yggdrasils.get(YGG0)!.responses.getpeers = { peers: [peerEntry(NAMED), peerEntry(NEW)] };
  });
}

/** What the overview shows, once it was refreshed. */
async function overviewOf(router: MemoryRouter): Promise<Table> {
  await router.run(4000);
  const { status, data } = await router.call('meshbridge', 'overview');
  assert.is(status, 0);
  return data;
}

const chain = suite('App: chain');
chain('shows uplinks, peers and traffic', async () => {
  const { router } = await withUplink();
  const data = await overviewOf(router);
  assert.is(data.interface, 'ygg0');
  assert.is(data.version, version);
  assert.equal(
    (data.uplinks as Table[]).map((uplink) => [uplink.interface, uplink.default_route]),
    [['wan', true]],
  );
  assert.equal(data.peers, { up: 2, unproven: 0, down: 0 });
  assert.is((data.traffic as Table).relayed_bytes, 0);
  assert.is((data.self as Table).key, OWN_KEY);
  assert.is(((data.verdict as Table).checks as Table[]).length, 6);
});
chain('asks the device of an uplink without a signal', async () => {
  const { router } = await withUplink();
  router.interfaces.splice(0, 1, WAN_DOWN);
  router.unplugged.add('eth1');
  router.event('network.interface', { action: 'ifdown', interface: 'wan' });
  const data = await overviewOf(router);
  assert.equal(
    (data.uplinks as Table[]).map(({ up, carrier }) => [up, carrier]),
    [[false, false]],
  );
});
chain('resolves the names of peerings, and no others', async () => {
  const { router } = await withUplink();
  await router.run(60_000);
  assert.equal([...new Set(router.resolved)], ['peer.example.org']);
  assert.ok(router.resolved.length <= 2, `~> ${router.resolved.length}`);
});
chain('dials what is down when an uplink comes back, and tells what came of it', async () => {
  const { router, ygg0 } = await withUplink();
  const down = { up: false, last_error: 'network is unreachable', last_error_time: 5e9 };
  router.interfaces.splice(0, 1, WAN_DOWN);
  router.event('network.interface', { action: 'ifdown', interface: 'wan' });
  ygg0.responses.getpeers = { peers: [peerEntry(NAMED, down), peerEntry(NEW)] };
  await router.run(120_000);
  assert.not.ok(ygg0.asked.some((line) => line.startsWith('addpeer')));
  router.interfaces.splice(0, 1, { ...WAN, uptime: 0 });
  router.event('network.interface', { action: 'ifup', interface: 'wan' });
  await router.run(2500);
  assert.equal(
    ygg0.asked.filter((line) => /^(add|remove)peer/.test(line)),
    [`addpeer ${NAMED}`, `removepeer ${NAMED}`],
    '~> the one that is down; this Yggdrasil takes each for new',
  );
  ygg0.responses.getpeers = { peers: [peerEntry(NAMED), peerEntry(NEW)] };
  const { heal } = await overviewOf(router);
  const { uplink, dialled, healed } = heal as Table;
  assert.equal({ uplink, dialled, healed }, { uplink: 'wan', dialled: 1, healed: 1 });
  assert.is(router.told.filter((line) => line === 'event meshbridge.healed').length, 1);
});
chain('tells when the situation is another one', async () => {
  const { router } = await withUplink();
  await router.run(60_000);
  const told = () => router.told.filter((line) => line === 'event meshbridge.verdict').length;
  const before = told();
  await router.run(180_000);
  assert.is(told(), before);
  router.yggdrasils.clear();
  router.connections(YGG0)[0]!.end();
  await router.run(120_000);
  assert.ok(told() > before);
  assert.is(((await router.call('meshbridge', 'verdict')).data as Table).state as string, 'bad');
});
chain('has a verdict on a router without netifd and without Yggdrasil', async () => {
  const { router } = await started('');
  const data = await overviewOf(router);
  assert.is(data.interface, '');
  assert.equal(data.uplinks, []);
  assert.ok((data.verdict as Table).sentence);
});
chain('looks at a service, in the mesh only', async () => {
  const { router } = await withUplink();
  const inside = await router.call('meshbridge', 'service_check', { address: '200::1', port: 80 });
  assert.is(inside.status, 0);
  assert.is(inside.data.reachable, false);
  const outside = await router.call('meshbridge', 'service_check', { address: '192.168.1.1', port: 80 });
  assert.is(outside.status, 2);
  assert.is(outside.data.field, 'address');
});
chain.run();

// ---

const stop = suite('App: stop');
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  stop(`ends in order at ${signal}`, async () => {
    const { router } = await started(BOTH, (r) => {
      r.netifd = ['ygg1'];
    });
    await router.call('yggdrasil', 'peer_try', { uri: NEW });
    router.signal(signal);
    await assertEnded(router);
    assert.ok(router.lines.includes(`info meshbridge: ending signal=${signal}`));
  });
stop('ends while nothing is connected', async () => {
  const { router } = await started(BOTH, (r) => {
    r.yggdrasils.clear();
    r.busPaths.clear();
  });
  router.signal('SIGTERM');
  await assertEnded(router);
});
stop('ends while answers are under way', async () => {
  const { router } = await started(BOTH);
  for (let ms = 0; ms < 40_000; ms += 1000) await router.clock.advance(1000);
  router.signal('SIGTERM');
  await assertEnded(router);
});
stop.run();
