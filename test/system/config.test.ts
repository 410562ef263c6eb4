import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type BrokerConfig,
  brokerEndpoint,
  type Config,
  configText,
  MAX_INTERFACES,
  OPTIONS,
  parseConfig,
} from '../../src/config.ts';
import { ConfigError } from '../../src/errors.ts';

const DEFAULTS: Config = {
  logLevel: 'info',
  ubusSocket: '/var/run/ubus/ubus.sock',
  stateDirectory: '/var/run/meshbridge',
  discover: true,
  socketDirectory: '/tmp/yggdrasil',
  pollBriskMs: 2000,
  pollIdleMs: 30_000,
  probe: true,
  adviser: false,
  mqtt: false,
  site: undefined,
  manageCap: 'none',
  interfaces: [],
  brokers: [],
  keys: [],
  lease: undefined,
  gateways: [],
  registrar: undefined,
  clients: [],
};

/** What is said of leases where nothing is. */
const LEASES = {
  lease: DEFAULTS.lease,
  gateways: [],
  registrar: DEFAULTS.registrar,
  clients: [],
};

/** Of a broker of which only the address is set. */
const BROKER: BrokerConfig = {
  name: 'b',
  profile: 'fleet',
  url: { endpoint: { host: 'broker', port: 1883 }, secure: false },
  username: undefined,
  password: undefined,
  caFile: undefined,
  serverName: undefined,
  certFile: undefined,
  keyFile: undefined,
  pins: [],
  intervalMs: 300_000,
  metered: false,
  metrics: ['own', 'yggdrasil', 'uplink', 'radio', 'system', 'internet'],
  send: ['state', 'tele', 'evt', 'alarm', 'log'],
  discovery: false,
  manage: true,
};
const PUBLIC = 'c0ffee'.padEnd(64, '0');
const PIN = `${'A'.repeat(43)}=`;

/** A file whose section `main` holds these lines. */
function main(...lines: string[]): string {
  return `config meshbridge 'main'\n${lines.map((line) => `\t${line}\n`).join('')}`;
}

/** `option: message` of each problem. */
function problemsOf(text: string): string[] {
  try {
    parseConfig(text);
  } catch (error) {
    assert.instance(error, ConfigError);
    return (error as ConfigError).problems.map(({ option, message }) => `${option}: ${message}`);
  }
  return [];
}

const parse = suite('parseConfig');
parse('gives the defaults without a file, a section or an option', () => {
  for (const text of [undefined, '', '# nothing\n', main()]) assert.equal(parseConfig(text), DEFAULTS);
});
parse('has defaults that it would take', () => {
  const lines = Object.entries(OPTIONS.meshbridge).map(([name, spec]) => `option ${name} '${spec.default}'`);
  assert.equal(parseConfig(main(...lines)), DEFAULTS);
});
parse('takes every option', () => {
  const text = `
config meshbridge 'main'
	option log_level 'debug'
	option ubus_socket '/tmp/ubus.sock'
	option state_dir '/tmp/state'
	option discover 'off'
	option socket_dir '/run/ygg'
	option poll_brisk '60'
	option poll_idle '3600'
	option probe '0'
	option adviser '1'
	option mqtt '1'
	option site 'hill-12'
	option manage_cap 'operate'

config interface 'ygg0'
	option socket 'unix:///tmp/yggdrasil/ygg0.sock'

config interface 'ygg1'
	option socket 'tcp://[::1]:9001'
	option enabled 'no'

config interface 'ygg2'
	option enabled '1'
	option socket 'localhost:9001'

config interface 'ygg3'
	option socket 'unix://@ygg3'

config mqtt 'fleet'
	option url 'mqtts://[200:1::2]:443'
	option username 'node'
	option password 'pass word'
	option ca_file '/etc/ssl/ca.pem'
	option server_name 'broker.example.org'
	option cert_file '/etc/ssl/cert.pem'
	option key_file '/etc/ssl/key.pem'
	list pin '${PIN}'
	option interval '60'
	option metered '1'
	list metrics 'own'
	list metrics 'system'
	list metrics 'own'
	list send 'tele'
	option discovery '1'
	option manage '0'

config mqtt 'home'
	option enabled '1'
	option profile 'home'
	option url 'unix:///tmp/mqtt.sock'

config mqtt 'third'
	option enabled '0'
	option url 'mqtt://broker'

config key 'operator'
	option public '${PUBLIC}'
	option scope 'configure'

config key 'former'
	option public '${PUBLIC}'
	option scope 'observe'
	option enabled '0'
`;
  assert.equal(parseConfig(text), {
    logLevel: 'debug',
    ubusSocket: '/tmp/ubus.sock',
    stateDirectory: '/tmp/state',
    discover: false,
    socketDirectory: '/run/ygg',
    pollBriskMs: 60_000,
    pollIdleMs: 3_600_000,
    probe: false,
    adviser: true,
    mqtt: true,
    site: 'hill-12',
    manageCap: 'operate',
    interfaces: [
      { name: 'ygg0', endpoint: { path: '/tmp/yggdrasil/ygg0.sock' } },
      { name: 'ygg2', endpoint: { host: 'localhost', port: 9001 } },
      { name: 'ygg3', endpoint: { path: '@ygg3' } },
    ],
    brokers: [
      {
        name: 'fleet',
        profile: 'fleet',
        url: { endpoint: { host: '200:1::2', port: 443 }, secure: true },
        username: 'node',
        password: 'pass word',
        caFile: '/etc/ssl/ca.pem',
        serverName: 'broker.example.org',
        certFile: '/etc/ssl/cert.pem',
        keyFile: '/etc/ssl/key.pem',
        pins: [PIN],
        intervalMs: 60_000,
        metered: true,
        metrics: ['own', 'system'],
        send: ['tele'],
        discovery: true,
        manage: false,
      },
      {
        ...BROKER,
        name: 'home',
        profile: 'home',
        url: { endpoint: { path: '/tmp/mqtt.sock' }, secure: false },
        manage: false,
      },
    ],
    keys: [{ name: 'operator', public: PUBLIC, scope: 'configure' }],
    ...LEASES,
  });
});
for (const [words, value] of [
  [['1', 'on', 'true', 'yes', 'enabled'], true],
  [['0', 'off', 'false', 'no', 'disabled'], false],
] as const)
  parse(`reads ${words.join(', ')} as ${value}`, () => {
    for (const word of words) assert.is(parseConfig(main(`option probe '${word}'`)).probe, value);
  });

parse('takes a broker of which only the address is set', () => {
  const text = main("option mqtt '1'", "option site 'a'");
  assert.equal(parseConfig(`${text}config mqtt 'b'\n\toption url 'mqtt://broker'\n`).brokers, [BROKER]);
});
parse('takes management from the broker of a home only when it is told to', () => {
  const home = "config mqtt 'h'\n\toption url 'mqtt://broker'\n\toption profile 'home'\n";
  assert.is(parseConfig(home).brokers[0]!.manage, false);
  assert.is(parseConfig(`${home}\toption manage 'on'\n`).brokers[0]!.manage, true);
});

const BAD: [string, string][] = [
  ["option log_level 'verbose'", 'log_level: expected one of error, warn, info, debug, got "verbose"'],
  ["option log_level 'INFO'", 'log_level: expected one of error, warn, info, debug, got "INFO"'],
  ["option discover 'True'", 'discover: expected 1 or 0, got "True"'],
  ["option probe '2'", 'probe: expected 1 or 0, got "2"'],
  ["option ubus_socket 'ubus.sock'", 'ubus_socket: expected an absolute path, or none, got "ubus.sock"'],
  [
    `option ubus_socket '/${'x'.repeat(107)}'`,
    `ubus_socket: expected a path of at most 107 bytes, it has 108, got "/${'x'.repeat(79)}…"`,
  ],
  ["option state_dir '/'", 'state_dir: expected an absolute path, got "/"'],
  ["option state_dir '/a\nb'", 'state_dir: expected an absolute path, got "/a\\nb"'],
  [`option socket_dir '/${'x'.repeat(256)}'`, `socket_dir: expected an absolute path, got "/${'x'.repeat(79)}…"`],
  ["option poll_brisk '0'", 'poll_brisk: expected whole seconds from 1 to 60, got "0"'],
  ["option poll_brisk '61'", 'poll_brisk: expected whole seconds from 1 to 60, got "61"'],
  ["option poll_brisk '1.5'", 'poll_brisk: expected whole seconds from 1 to 60, got "1.5"'],
  ["option poll_brisk '2s'", 'poll_brisk: expected whole seconds from 1 to 60, got "2s"'],
  ["option poll_idle '-5'", 'poll_idle: expected whole seconds from 5 to 3600, got "-5"'],
  ["option poll_idle '4'", 'poll_idle: expected whole seconds from 5 to 3600, got "4"'],
  ["option poll_idle '3601'", 'poll_idle: expected whole seconds from 5 to 3600, got "3601"'],
  ["option poll_idle '5'\n\toption poll_brisk '6'", 'poll_idle: expected at least poll_brisk (6), got "5"'],
  ["list probe '1'", 'probe: expected one value, got a list of 1'],
  ["option mqtt 'maybe'", 'mqtt: expected 1 or 0, got "maybe"'],
  ["option site 'Hill'", 'site: expected 1 to 32 lower-case letters, digits and -, got "Hill"'],
  ["option site 'a/b'", 'site: expected 1 to 32 lower-case letters, digits and -, got "a/b"'],
  ["option manage_cap 'keys'", 'manage_cap: expected one of none, observe, diagnose, operate, configure, got "keys"'],
  ["option pol_idle '5'", 'pol_idle: unknown option "pol_idle", did you mean poll_idle?'],
  [
    "option colour 'red'",
    `colour: unknown option "colour", expected one of ${Object.keys(OPTIONS.meshbridge).join(', ')}`,
  ],
  [
    "option __proto__ '5'",
    `__proto__: unknown option "__proto__", expected one of ${Object.keys(OPTIONS.meshbridge).join(', ')}`,
  ],
];
for (const [line, problem] of BAD)
  parse(`refuses ${line.slice(0, 50)}`, () => assert.equal(problemsOf(main(line)), [`meshbridge.main.${problem}`]));

const BAD_FILES: [string, string][] = [
  ['garbage\n', 'meshbridge: line 1: expected config, option, list or package, got "garbage"'],
  ["config meshbridg 'main'\n", 'meshbridge.main: unknown section type "meshbridg", did you mean meshbridge?'],
  [
    'config x\nconfig x\n',
    'meshbridge.@x[1]: unknown section type "x", expected one of meshbridge, interface, mqtt, key, lease, gateway, registrar, client',
  ],
  ['config meshbridge\n', "meshbridge.@meshbridge[0]: expected config meshbridge 'main', got no name"],
  ["config meshbridge 'other'\n", 'meshbridge.other: expected config meshbridge \'main\', got "other"'],
  [
    "config interface\n\toption socket 'h:1'\n",
    "meshbridge.@interface[0]: expected config interface 'name', got no name",
  ],
  [
    "config interface 'a'\n",
    'meshbridge.a.socket: expected unix:///path, unix://@name or tcp://host:port, got nothing',
  ],
  ["config interface 'a'\n\toption socket '/x'\n", 'meshbridge.a.socket: expected unix:// before a path, got "/x"'],
  [
    "config interface 'a'\n\toption socket 'h:1'\n\toption enable '1'\n",
    'meshbridge.a.enable: unknown option "enable", did you mean enabled?',
  ],
];
/** Of a section `mqtt` with these lines beside an address. */
const BAD_BROKERS: [string, string][] = [
  ["option url 'http://broker'", 'url: expected mqtt://host, mqtts://host or unix:///path, got "http://broker"'],
  ["option url 'broker:1883'", 'url: expected mqtt://host, mqtts://host or unix:///path, got "broker:1883"'],
  [
    "option url 'mqtt://me:secret@broker'",
    'url: expected no user in it (username and password are options), got one that is not shown',
  ],
  [
    "option url 'mqtt://broker/topic'",
    'url: expected mqtt://host, mqtts://host or unix:///path, got "mqtt://broker/topic"',
  ],
  ["option url 'mqtt://broker:0'", 'url: expected a port from 1 to 65535, got "tcp://broker:0"'],
  [
    `option username '${'x'.repeat(257)}'`,
    `username: expected at most 256 characters, none of them for control, got "${'x'.repeat(80)}…"`,
  ],
  [
    "option password 'a\nb'",
    'password: expected at most 256 characters, none of them for control, got what is not shown',
  ],
  ["option ca_file 'ca.pem'", 'ca_file: expected an absolute path, got "ca.pem"'],
  ["option server_name 'a b'", 'server_name: expected a host name, got "a b"'],
  ["option cert_file '/c.pem'", 'key_file: expected a file, since the other of the two is given'],
  ["option key_file '/k.pem'", 'cert_file: expected a file, since the other of the two is given'],
  ["list pin 'abc'", 'pin: expected 44 characters of base64, got "abc"'],
  [`option pin '${PIN}'`, 'pin: expected a list, got one value'],
  [`list pin '${PIN}'\n`.repeat(9), 'pin: expected at most 8 items, got 9'],
  ["option interval '59'", 'interval: expected whole seconds from 60 to 3600, got "59"'],
  [
    "list metrics 'all'",
    'metrics: expected one of own, yggdrasil, uplink, radio, system, internet, gateway, got "all"',
  ],
  ["list send 'cmd'", 'send: expected one of state, tele, evt, alarm, log, got "cmd"'],
  ["option profile 'public'", 'profile: expected one of fleet, home, got "public"'],
  ["option manage 'yes please'", 'manage: expected 1 or 0, got "yes please"'],
  ["option topic 'x'", `topic: unknown option "topic", expected one of ${Object.keys(OPTIONS.mqtt).join(', ')}`],
];
for (const [line, problem] of BAD_BROKERS)
  parse(`refuses a broker with ${line.slice(0, 50)}`, () => {
    const url = line.startsWith('option url') ? '' : "\toption url 'mqtt://broker'\n";
    assert.is(problemsOf(`config mqtt 'b'\n${url}\t${line}\n`).at(-1), `meshbridge.b.${problem}`);
  });
parse('refuses a broker without an address', () => {
  assert.equal(problemsOf("config mqtt 'b'\n"), [
    'meshbridge.b.url: expected mqtt://host:port, mqtts://host:port or unix:///path, got nothing',
  ]);
});
parse('wants a site for the broker of a fleet, once it is to be used', () => {
  const broker = (profile: string): string =>
    `config mqtt 'b'\n\toption url 'mqtt://broker'\n\toption profile '${profile}'\n`;
  const problem = 'meshbridge.main.site: expected a name, since meshbridge.b is the broker of a fleet, got nothing';
  assert.equal(problemsOf(main("option mqtt '1'") + broker('fleet')), [problem]);
  assert.equal(problemsOf(main() + broker('fleet')), []);
  assert.equal(problemsOf(main("option mqtt '1'") + broker('home')), []);
});
parse('takes two brokers and sixteen keys that are enabled, not more', () => {
  const broker = (i: number): string => `config mqtt 'b${i}'\n\toption url 'mqtt://broker'\n`;
  assert.is(parseConfig(broker(1) + broker(2)).brokers.length, 2);
  assert.equal(problemsOf(broker(1) + broker(2) + broker(3)), [
    'meshbridge.mqtt: expected at most 2 that are enabled, got 3',
  ]);
  const key = (i: number): string =>
    `config key 'k${i}'\n\toption public '${String(i).padStart(64, '0')}'\n\toption scope 'observe'\n`;
  const keys = Array.from({ length: 16 }, (_, i) => key(i)).join('');
  assert.is(parseConfig(keys).keys.length, 16);
  assert.equal(problemsOf(keys + key(16)), ['meshbridge.key: expected at most 16 that are enabled, got 17']);
});
for (const [line, problem] of [
  ["option public 'C0FFEE'", 'public: expected 64 lower-case hex digits, got "C0FFEE"'],
  ["option scope 'upgrade'", 'scope: expected one of observe, diagnose, operate, configure, desk, got "upgrade"'],
] as const)
  parse(`refuses a key with ${line}`, () => {
    const rest = line.startsWith('option scope') ? `option public '${PUBLIC}'` : "option scope 'observe'";
    assert.equal(problemsOf(`config key 'k'\n\t${line}\n\t${rest}\n`), [`meshbridge.k.${problem}`]);
  });
parse('refuses a key that has two sections, and so two scopes', () => {
  const key = (name: string): string => `config key '${name}'\n\toption public '${PUBLIC}'\n\toption scope 'observe'\n`;
  assert.equal(problemsOf(key('a') + key('b')), [
    'meshbridge.b.public: expected another key than that of meshbridge.a',
  ]);
});

for (const [text, problem] of BAD_FILES)
  parse(`refuses ${JSON.stringify(text)}`, () => assert.is(problemsOf(text).at(-1), problem));

parse('lists every problem at once', () => {
  const text = `config interface 'a'\n\toption socket 'x'\n\toption enabled 'maybe'\n${main("option log_level 'x'", "option prob '1'")}`;
  assert.equal(
    problemsOf(text).map((problem) => problem.split(': ')[0]),
    ['meshbridge.a.socket', 'meshbridge.a.enabled', 'meshbridge.main.prob', 'meshbridge.main.log_level'],
  );
});
parse('says package, section and option in the text of the error', () => {
  assert.throws(() => parseConfig(main("option probe 'x'")), 'meshbridge.main.probe: expected 1 or 0, got "x"');
});
parse(`takes ${MAX_INTERFACES} interfaces that are enabled, not more`, () => {
  const section = (i: number, enabled: number): string =>
    `config interface 'y${i}'\n\toption socket 'h:1'\n\toption enabled '${enabled}'\n`;
  const fits = [1, 2, 3, 4].map((i) => section(i, 1)).join('') + section(5, 0);
  assert.is(parseConfig(fits).interfaces.length, MAX_INTERFACES);
  assert.equal(problemsOf(fits + section(6, 1)), ['meshbridge.interface: expected at most 4 that are enabled, got 5']);
});
parse('counts problems beyond the first 64', () => {
  const problems = problemsOf('config x\n'.repeat(1000));
  assert.is(problems.length, 65);
  assert.is(problems.at(-1), 'meshbridge: 936 problems more');
});
parse.run();

const text = suite('configText');
text('tells configurations apart, but not by their passwords', () => {
  const of = (...lines: string[]): string =>
    configText(
      parseConfig(`config mqtt 'b'\n\toption url 'mqtt://broker'\n${lines.map((line) => `\t${line}\n`).join('')}`),
    );
  assert.is.not(of("option username 'a'"), of("option username 'b'"));
  assert.is(of("option password 'a'"), of("option password 'b'"));
  assert.not.match(of("option password 'hunter2'"), 'hunter2');
});
text.run();

const endpoint = suite('brokerEndpoint');
endpoint('has TLS where the address says so, with what both ends are known by', () => {
  assert.equal(brokerEndpoint(BROKER), { host: 'broker', port: 1883 });
  const secure = { ...BROKER, url: { ...BROKER.url, secure: true } };
  assert.equal(brokerEndpoint(secure), { host: 'broker', port: 1883, tls: {} });
  const isClockRight = () => true;
  const whole = { caFile: '/ca', serverName: 'b', certFile: '/c', keyFile: '/k', pins: [PIN] };
  assert.equal(brokerEndpoint({ ...secure, ...whole }, isClockRight), {
    host: 'broker',
    port: 1883,
    tls: { ...whole, isClockRight },
  });
});
endpoint.run();
