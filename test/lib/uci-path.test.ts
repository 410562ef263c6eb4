import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OPTIONS } from '../../src/config.ts';
import { InputError } from '../../src/errors.ts';
import {
  type Change,
  MAX_CHANGES,
  MESHBRIDGE_RULES,
  optionsOf,
  parseChanges,
  pathOf,
  placeOf,
  problemOf,
  subjectOf,
} from '../../src/lib/uci-path.ts';

const PEER = 'network.yggdrasil_ygg0_peer.address';
const KEY = 'ab'.repeat(32);

const place = suite('placeOf');
place('leads to an option with the type of its section', () => {
  for (const [path, file, section, type, option] of [
    ['meshbridge.main.log_level', 'meshbridge', 'main', 'meshbridge', 'log_level'],
    ['meshbridge.home.metrics', 'meshbridge', 'home', 'mqtt', 'metrics'],
    ['wireless.radio0.channel', 'wireless', 'radio0', 'wifi-device', 'channel'],
  ] as const) {
    const { rule, ...rest } = placeOf(path) as { rule: unknown };
    assert.equal(rest, { package: file, section, type, option });
    assert.ok(rule);
  }
  assert.equal(placeOf(PEER), { package: 'network', interface: 'ygg0' });
});
const FORBIDDEN = [
  '',
  'meshbridge',
  'meshbridge.main',
  'meshbridge.main.mqtt',
  'meshbridge.main.site',
  'meshbridge.main.manage_cap',
  'meshbridge.main.ubus_socket',
  'meshbridge.main.state_dir',
  'meshbridge.main.socket_dir',
  'meshbridge.main.interval',
  'meshbridge.fleet.url',
  'meshbridge.fleet.username',
  'meshbridge.fleet.password',
  'meshbridge.fleet.ca_file',
  'meshbridge.fleet.key_file',
  'meshbridge.fleet.pin',
  'meshbridge.fleet.enabled',
  'meshbridge.fleet.manage',
  'meshbridge.fleet.profile',
  'meshbridge.operator.public',
  'meshbridge.operator.scope',
  'meshbridge.ygg0.socket',
  'meshbridge.@mqtt[0].interval',
  'meshbridge.main.log_level.x',
  'meshbridge.main.constructor',
  'meshbridge.main.__proto__',
  'network.lan.ipaddr',
  'network.ygg0.private_key',
  'network.yggdrasil_ygg0_peer.interface',
  'network.yggdrasil_ygg-0_peer.address',
  `network.yggdrasil_${'y'.repeat(16)}_peer.address`,
  'network.yggdrasil__peer.address',
  'wireless.radio0.country',
  'wireless.radio0.path',
  'wireless.default_radio0.key',
  '../wireless.radio0.channel',
  'wireless.radio0.channel\n',
  `wireless.${'r'.repeat(200)}.channel`,
  'firewall.wan.input',
  'system.ntp.server',
  'rpcd.login.password',
];
for (const path of FORBIDDEN)
  place(`does not lead to ${JSON.stringify(path).slice(0, 60)}`, () => {
    assert.is(placeOf(path), undefined);
    assert.is(problemOf({ set: path, to: '1' }), 'not on the list of what may be changed from afar');
    assert.is(problemOf({ unset: path }), 'not on the list of what may be changed from afar');
  });
place.run();

// ---

const rules = suite('MESHBRIDGE_RULES');
type Spec = { takes: string; items?: readonly string[]; read(text: string): unknown };
const specs: Readonly<Record<string, Readonly<Record<string, Spec>>>> = OPTIONS;
const reads = ({ read }: Spec, text: string): boolean => {
  const result = read(text) as { value?: unknown } | undefined;
  return result !== undefined && 'value' in result;
};
const TEXTS = ['0', '1', '2', '5', '59', '60', '61', '3600', '3601', 'info', 'debug', 'loud', 'radio', 'tele', 'cmd'];
for (const [type, options] of Object.entries(MESHBRIDGE_RULES))
  rules(`take of a section of type ${type} what the configuration takes`, () => {
    for (const [option, rule] of Object.entries(options)) {
      const spec = specs[type]![option]!;
      for (const text of TEXTS) assert.is(rule.fits(text), reads(spec, text), `~> ${option} ${text}`);
      assert.is(rule.isList === true, spec.items !== undefined, `~> ${option}`);
    }
  });
rules('are listed by file and type', () => {
  assert.equal(optionsOf('wireless', 'wifi-device'), ['channel', 'txpower', 'disabled']);
  assert.equal(optionsOf('wireless', 'wifi-iface'), []);
  assert.equal(optionsOf('meshbridge', 'mqtt'), Object.keys(MESHBRIDGE_RULES.mqtt));
  assert.equal(optionsOf('meshbridge', 'key'), []);
  assert.equal(optionsOf('network', 'interface'), []);
});
rules.run();

// ---

const problem = suite('problemOf');
const GOOD: Change[] = [
  { set: 'meshbridge.main.log_level', to: 'debug' },
  { set: 'meshbridge.main.poll_brisk', to: '60' },
  { set: 'meshbridge.main.adviser', to: '1' },
  { unset: 'meshbridge.main.probe' },
  { set: 'meshbridge.fleet.interval', to: '60' },
  { set: 'meshbridge.fleet.metered', to: '1' },
  { set: 'meshbridge.fleet.metrics', to: ['own', 'radio'] },
  { set: 'meshbridge.fleet.send', to: 'tele' },
  { unset: 'meshbridge.fleet.send' },
  { set: 'wireless.radio0.channel', to: 'auto' },
  { set: 'wireless.radio0.channel', to: '233' },
  { set: 'wireless.radio0.txpower', to: '0' },
  { set: 'wireless.radio0.disabled', to: '1' },
  { unset: 'wireless.radio0.disabled' },
  { add: PEER, value: `tls://[2001:db8::1]:443?key=${KEY}&password=a%20b` },
  { add: PEER, value: 'socks://proxy.example:1080/peer.example:443' },
  { remove: PEER, value: 'quic://peer.example:1' },
];
for (const change of GOOD)
  problem(`has none with ${JSON.stringify(change).slice(0, 80)}`, () => assert.is(problemOf(change), undefined));
const BAD: [Change, string][] = [
  [{ set: 'meshbridge.main.log_level', to: 'loud' }, 'expected one of error, warn, info, debug, got "loud"'],
  [{ set: 'meshbridge.main.probe', to: 'on' }, 'expected 1 or 0, got "on"'],
  [{ set: 'meshbridge.main.poll_brisk', to: '0' }, 'expected 1 to 60, got "0"'],
  [{ set: 'meshbridge.main.poll_brisk', to: '01' }, 'expected 1 to 60, got "01"'],
  [{ set: 'meshbridge.main.poll_brisk', to: ['1'] }, 'expected 1 to 60, got a list'],
  [{ set: 'meshbridge.fleet.metrics', to: [] }, 'got none: unset gives it its default'],
  [{ set: 'meshbridge.fleet.send', to: ['tele', 'tele'] }, 'each once'],
  [{ set: 'meshbridge.fleet.send', to: Array.from({ length: 17 }, () => 'tele') }, 'expected at most 16 items, got 17'],
  [{ set: 'meshbridge.fleet.send', to: ['tele', 'cmd'] }, 'got "cmd"'],
  [{ set: 'wireless.radio0.channel', to: '0' }, 'expected auto or 1 to 233, got "0"'],
  [{ set: 'wireless.radio0.channel', to: "1'\n\toption country 'US" }, 'expected auto or 1 to 233, got'],
  [{ set: 'wireless.radio0.channel', to: '234' }, 'expected auto or 1 to 233, got "234"'],
  [{ set: 'wireless.radio0.txpower', to: '31' }, 'expected 0 to 30, got "31"'],
  [{ set: 'wireless.radio0.txpower', to: '-1' }, 'expected 0 to 30, got "-1"'],
  [{ unset: 'wireless.radio0.channel' }, 'it cannot be unset'],
  [{ add: 'wireless.radio0.channel', value: '1' }, 'expected set or unset'],
  [{ set: PEER, to: 'tls://a.example:1' }, 'expected add or remove'],
  [{ unset: PEER }, 'expected add or remove'],
  [{ add: PEER, value: 'unix:///tmp/sock' }, 'expected an address of the network, got unix://'],
  [{ add: PEER, value: 'socks://me:hush@proxy.example:1080/peer.example:443' }, 'expected socks without a user'],
  [{ add: PEER, value: 'gopher://a.example:1' }, 'scheme: expected one of'],
  [{ add: PEER, value: 'tls://[200::1]:1' }, 'expected an address outside 200::/7'],
  [{ add: PEER, value: '' }, 'scheme: expected one of'],
  [{ add: PEER, value: 'tls://a.example:1?password=$(reboot)' }, 'are written %XX'],
  [{ add: PEER, value: 'tls://a.example:1?password=`reboot`' }, 'are written %XX'],
  [{ add: PEER, value: "tls://a.example:1'\n\toption private_key 'x" }, 'are written %XX'],
  [{ remove: PEER, value: 'tls://a.example:1;reboot' }, 'are written %XX'],
];
for (const [change, words] of BAD)
  problem(`tells what is wrong with ${JSON.stringify(change).slice(0, 80)}`, () => {
    const told = problemOf(change);
    assert.ok(told?.includes(words), `~> ${told}`);
    assert.not.match(told!, /hush|reboot/);
  });
problem.run();

// ---

const parse = suite('parseChanges');
parse('takes every form, and nothing else', () => {
  const changes: Change[] = [
    { set: 'a.b.c', to: 'x' },
    { set: 'a.b.d', to: ['x', 'y'] },
    { unset: 'a.b.e' },
    { add: PEER, value: 'tls://a.example:1' },
    { remove: PEER, value: 'tls://b.example:1' },
  ];
  assert.equal(parseChanges(JSON.parse(JSON.stringify(changes))), changes);
  assert.equal(parseChanges([]), []);
});
const FORM = '{set, to}, {unset}, {add, value} or {remove, value}';
const REFUSED: [unknown, string][] = [
  [undefined, 'changes: expected a list'],
  [{}, 'changes: expected a list'],
  [Array.from({ length: MAX_CHANGES + 1 }, (_, i) => ({ unset: `a.b.c${i}` })), 'changes: expected at most 64, got 65'],
  [[null], 'changes[0]: expected a table'],
  [[{ unset: 'a.b.c' }, []], 'changes[1]: expected a table'],
  [[{}], `changes[0]: expected ${FORM}`],
  [[{ set: 'a.b.c' }], `changes[0]: expected ${FORM}`],
  [[{ set: 'a.b.c', to: 'x', if: 'y' }], `changes[0]: expected ${FORM}`],
  [[{ set: 'a.b.c', to: 7 }], 'changes[0]: expected a path and a text, or a list of texts'],
  [[{ set: 'a.b.c', to: ['x', 7] }], 'changes[0]: expected a path and a text, or a list of texts'],
  [[{ set: 7, to: 'x' }], 'changes[0]: expected a path and a text, or a list of texts'],
  [[{ set: 'a.b.c', to: 'x'.repeat(2049) }], 'changes[0]: expected a path and a text, or a list of texts'],
  [[{ unset: null }], 'changes[0]: expected the path of an option'],
  [[{ unset: 'x'.repeat(161) }], 'changes[0]: expected the path of an option'],
  [[{ add: PEER, value: ['tls://a.example:1'] }], 'changes[0]: expected a path and a text'],
  [[{ remove: 1, value: 'tls://a.example:1' }], 'changes[0]: expected a path and a text'],
  [[{ set: 'a.b.c', to: 'x' }, { unset: 'a.b.c' }], 'changes[1]: expected each option once, "a.b.c" is there before'],
];
for (const [value, message] of REFUSED)
  parse(`refuses ${JSON.stringify(value)?.slice(0, 60)}`, () => {
    assert.throws(
      () => parseChanges(value),
      (error: unknown) => error instanceof InputError && error.field === 'changes' && error.message === message,
    );
  });
parse('does not take one peering twice, whatever its options', () => {
  const twice = [
    { add: PEER, value: 'tls://a.example:1?password=hush' },
    { remove: PEER, value: 'TLS://a.example:1' },
  ];
  assert.throws(
    () => parseChanges(twice),
    (error: Error) => /each option once/.test(error.message) && !/hush/.test(error.message),
  );
});
parse.run();

// ---

const subject = suite('subjectOf');
subject('is the path, and of a peering its address without options and user', () => {
  assert.is(subjectOf({ unset: 'a.b.c' }), 'a.b.c');
  assert.is(subjectOf({ add: PEER, value: 'tls://a.example:1?key=x' }), `${PEER} tls://a.example:1`);
  assert.is(subjectOf({ remove: PEER, value: 'socks://u:p@a.example:1/b:2' }), `${PEER} socks://a.example:1/b:2`);
  for (const change of [...GOOD, ...BAD.map(([one]) => one)]) assert.ok(subjectOf(change).startsWith(pathOf(change)));
});
subject.run();
