import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../src/config.ts';
import { ConfigError } from '../../src/errors.ts';
import { formatPrefix } from '../../src/lib/ip.ts';

const KEY = '5f834fd742aa1172a88edd5c5fd17b9ed797d051c00ac0247254db85aa992419';
const ADDRESS = '201:81f2:c0a2:f557:ba35:5dc4:8a8e:80ba';

/** One section with these lines. */
function section(type: string, name: string, ...lines: string[]): string {
  return `config ${type} '${name}'\n${lines.map((line) => `\t${line}\n`).join('')}`;
}

function problemsOf(text: string): string[] {
  try {
    parseConfig(text);
  } catch (error) {
    assert.instance(error, ConfigError);
    return (error as ConfigError).problems.map(({ option, message }) => `${option}: ${message}`);
  }
  return [];
}

const home = suite('options of a home');
home('are taken', () => {
  const { lease } = parseConfig(
    section(
      'lease',
      'home',
      "option enabled '1'",
      "option interface 'ygg1'",
      "list network 'lan'",
      "list network 'guest'",
      "list bypass '02:11:22:AA:BB:CC'",
      "list bypass '192.168.1.7'",
      "list bypass 'fd00:1::/64'",
      "option name 'Ann'",
      "option email 'ann@example.org'",
      "option phone '+1 555'",
      `option captain_key '${KEY.toUpperCase()}'`,
      "option invite 'abc_1-2'",
    ),
  );
  assert.equal(lease, {
    enabled: true,
    interface: 'ygg1',
    networks: ['lan', 'guest'],
    bypass: ['02:11:22:aa:bb:cc', '192.168.1.7', 'fd00:1::/64'],
    name: 'Ann',
    email: 'ann@example.org',
    phone: '+1 555',
    captainKey: KEY,
    invite: 'abc_1-2',
  });
});
for (const [line, problem] of [
  ["list network 'br lan'", 'network: expected a logical interface, got "br lan"'],
  ["list bypass '192.168.1.7/24'", 'bypass: expected a MAC address, an address or a prefix, got "192.168.1.7/24"'],
  ["list bypass 'printer'", 'bypass: expected a MAC address, an address or a prefix, got "printer"'],
  ["option captain_key 'abc'", 'captain_key: expected 64 hex digits, got "abc"'],
  ["option invite 'a b'", 'invite: expected 1 to 64 letters, digits, _ and -, got "a b"'],
  ["option name 'a\nb'", 'name: expected at most 256 characters, none of them for control, got "a\\nb"'],
] as const)
  home(`are refused: ${line}`, () =>
    assert.equal(problemsOf(section('lease', 'home', line)), [`meshbridge.home.${problem}`]),
  );
home('have defaults, once there is a section or a gateway', () => {
  const normal = {
    ...{ enabled: false, interface: undefined, networks: ['lan'], bypass: [], name: undefined, email: undefined },
    ...{ phone: undefined, captainKey: undefined, invite: undefined },
  };
  assert.is(parseConfig('').lease, undefined);
  assert.equal(parseConfig(section('lease', 'home')).lease, normal);
  assert.equal(parseConfig(section('gateway', 'a', "option address '200::1'")).lease, normal);
});
home('have one section', () =>
  assert.equal(problemsOf(section('lease', 'mine')), ['meshbridge.mine: expected config lease \'home\', got "mine"']),
);
home.run();

// ---

const gateway = suite('options of a gateway');
gateway('are taken, with the address that follows from the key', () => {
  const text =
    section('gateway', 'boston', `option key '${KEY.toUpperCase()}'`) +
    section(
      'gateway',
      'lyon',
      "option address '0200:0:0::000A'",
      "option port '81'",
      "option protocol 'autoygg'",
      "option kind 'gre6'",
      "option preference '3'",
    ) +
    section('gateway', 'off', "option address '200::b'", "option enabled '0'");
  const common = { port: 8080, protocol: 'auto', kind: undefined, preference: 0 };
  assert.equal(parseConfig(text).gateways, [
    { ...common, name: 'boston', key: KEY, address: ADDRESS },
    { name: 'lyon', key: undefined, address: '200::a', port: 81, protocol: 'autoygg', kind: 'gre6', preference: 3 },
  ]);
});
gateway('may say the key and its address', () => {
  const both = section('gateway', 'a', `option key '${KEY}'`, `option address '${ADDRESS}'`);
  assert.is(parseConfig(both).gateways[0]!.address, ADDRESS);
});
for (const [lines, problem] of [
  [[], 'key: expected a key, or an address, got neither'],
  [["option key 'abc'"], 'key: expected 64 hex digits, got "abc"'],
  [[`option key '${KEY}'`, "option address '200::1'"], `address: expected that of the key, ${ADDRESS}, got "200::1"`],
  [["option address '300::1'"], 'address: expected an address of a node of the mesh (200::/8), got "300::1"'],
  [["option address '10.0.0.1'"], 'address: expected an address of a node of the mesh (200::/8), got "10.0.0.1"'],
  [["option address '200::1'", "option port '0'"], 'port: expected a whole number from 1 to 65535, got "0"'],
  [["option address '200::1'", "option preference '10'"], 'preference: expected a whole number from 0 to 9, got "10"'],
  [["option address '200::1'", "option kind 'gre'"], 'kind: expected one of auto, gre6, wireguard, vxlan, got "gre"'],
] as [string[], string][])
  gateway(`are refused: ${lines.join(', ') || 'none'}`, () =>
    assert.equal(problemsOf(section('gateway', 'g', ...lines)), [`meshbridge.g.${problem}`]),
  );
gateway('are refused when two sections name the same one', () => {
  const text = section('gateway', 'a', `option key '${KEY}'`) + section('gateway', 'b', `option address '${ADDRESS}'`);
  assert.equal(problemsOf(text), ['meshbridge.b.address: expected another one than that of meshbridge.a']);
});
gateway('are taken of sixteen, not more', () => {
  const all = (count: number): string =>
    Array.from({ length: count }, (_, i) => section('gateway', `g${i}`, `option address '200::${i + 1}'`)).join('');
  assert.is(parseConfig(all(16)).gateways.length, 16);
  assert.equal(problemsOf(all(17)), ['meshbridge.gateway: expected at most 16 that are enabled, got 17']);
});
gateway.run();

// ---

const registrar = suite('options of a registrar');
registrar('have defaults, once there is a section', () => {
  assert.is(parseConfig('').registrar, undefined);
  assert.equal(parseConfig(section('registrar', 'registrar')).registrar, {
    enabled: false,
    interface: undefined,
    port: 8080,
    admission: 'ask',
    maxClients: 100,
    maxWaiting: 50,
    leaseMs: 3_600_000,
    kinds: ['gre6', 'wireguard', 'vxlan'],
    pool4: { bytes: Uint8Array.of(10, 43, 0, 0), length: 16 },
    pool6: undefined,
    dns: [],
    check: ['9.9.9.9:443', '[2620:fe::fe]:443'],
    bandwidth: undefined,
    bandwidthUp: undefined,
    limits: { flows: 4096, at_quota: 'slow', slow_kbits: 256 },
    portBlock: undefined,
    closedPorts: [25],
    isolate: true,
    reach: [],
    wireguardPort: 51_820,
    vxlanPort: 4790,
    operator: '',
    name: '',
    place: '',
    country: '',
    website: '',
    abuseContact: '',
    logging: '',
    ask: '',
    asksFor: [],
    clientsDirectory: '/etc/meshbridge/clients',
    keepDays: 30,
    newPerDay: 20,
    maxConnections: 256,
    metricsPort: undefined,
    deskCap: 'none',
    deskTells: [],
    group: undefined,
  });
});
registrar('are taken', () => {
  const text = section(
    'registrar',
    'registrar',
    "option enabled '1'",
    "option admission 'open'",
    "option lease '600'",
    "list kinds 'vxlan'",
    "option pool4 '10.1.0.0/24'",
    "option pool6 'fd01::/64'",
    "list dns '::1'",
    "list check '192.0.2.1:80'",
    "option bandwidth '200000'",
    "option bandwidth_up '50000'",
    "option quota '80000'",
    "option at_quota 'stop'",
    "option slow_rate '128'",
    "option rate_down '20000'",
    "option rate_up '5000'",
    "option flows '0'",
    "option port_block '512'",
    "list reach '192.0.2.0/24'",
    "option country 'US'",
    "option website 'https://example.org'",
    "list asks_for 'name'",
  );
  const found = parseConfig(text).registrar!;
  assert.equal([found.enabled, found.admission, found.leaseMs, found.kinds], [true, 'open', 600_000, ['vxlan']]);
  assert.equal([formatPrefix(found.pool4), formatPrefix(found.pool6!)], ['10.1.0.0/24', 'fd01::/64']);
  assert.equal([found.dns, found.check, found.bandwidth], [['::1'], ['192.0.2.1:80'], 200_000]);
  assert.equal([found.bandwidthUp, found.portBlock], [50_000, 512]);
  assert.equal(found.limits, {
    ...{ quota_mb: 80_000, down_kbits: 20_000, up_kbits: 5000, at_quota: 'stop', slow_kbits: 128 },
  });
  assert.equal([found.reach, found.country, found.asksFor], [['192.0.2.0/24'], 'US', ['name']]);
  assert.is(found.website, 'https://example.org');
});
for (const [line, problem] of [
  ["option pool4 '10.1.0.0/25'", 'pool4: expected an IPv4 prefix of 8 to 24 bits, got "10.1.0.0/25"'],
  ["option pool4 '10.1.0.1/24'", 'pool4: expected an IPv4 prefix of 8 to 24 bits, got "10.1.0.1/24"'],
  ["option pool4 'fd00::/24'", 'pool4: expected an IPv4 prefix of 8 to 24 bits, got "fd00::/24"'],
  ["option pool6 'fd00::/120'", 'pool6: expected an IPv6 prefix of 16 to 112 bits, got "fd00::/120"'],
  ["list check 'example.org:80'", 'check: expected address:port, an IPv6 address in brackets, got "example.org:80"'],
  ["list dns 'localhost'", 'dns: expected an address, got "localhost"'],
  ["list closed_ports '0'", 'closed_ports: expected a whole number from 1 to 65535, got "0"'],
  ["list kinds 'gre'", 'kinds: expected one of gre6, wireguard, vxlan, got "gre"'],
  ["option country 'usa'", 'country: expected two capital letters, got "usa"'],
  ["option max_clients '4001'", 'max_clients: expected a whole number from 1 to 4000, got "4001"'],
  ["option lease '60'", 'lease: expected whole seconds from 600 to 86400, got "60"'],
] as const)
  registrar(`are refused: ${line}`, () =>
    assert.equal(problemsOf(section('registrar', 'registrar', line)), [`meshbridge.registrar.${problem}`]),
  );
registrar.run();

// ---

const client = suite('options of a client');
client('are taken', () => {
  const text =
    section('client', 'ann', `option key '${KEY}'`) +
    section('client', 'bob', "option address '200::b'", "option access 'suspend'", "option reason 'not paid'") +
    section('client', 'off', "option address '200::c'", "option enabled '0'");
  assert.equal(parseConfig(text).clients, [
    { name: 'ann', address: ADDRESS, access: 'admit', reason: undefined },
    { name: 'bob', address: '200::b', access: 'suspend', reason: 'not paid' },
  ]);
});
client('are refused without key and address, and twice for one home', () => {
  assert.equal(problemsOf(section('client', 'x')), ['meshbridge.x.key: expected a key, or an address, got neither']);
  const twice = section('client', 'a', `option key '${KEY}'`) + section('client', 'b', `option address '${ADDRESS}'`);
  assert.equal(problemsOf(twice), ['meshbridge.b.address: expected another one than that of meshbridge.a']);
});
client.run();
