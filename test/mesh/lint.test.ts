import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FINDING_LEVELS, type Values } from '../../src/api/model.ts';
import { routerConfig } from '../../src/dev/router-config.ts';
import { hasControl, replaceInvisible } from '../../src/lib/text.ts';
import { parseUci } from '../../src/lib/uci.ts';
import { fillWords, shown } from '../../src/lib/words.ts';
import { formatFindings, lint, MAX_FINDINGS } from '../../src/mesh/lint.ts';
import type { FileFact, LintFacts } from '../../src/mesh/lint-fact.ts';
import { FINDINGS, Findings, MAX_SAME } from '../../src/mesh/lint-finding.ts';
import { seededRandom } from '../support/random.ts';
import { DUMP, FIREWALL, MESHBRIDGE, NETWORK, PASSWORD, PRIVATE_KEY, PUBLIC_KEY } from '../support/router-files.ts';
import { randomUciText } from '../support/uci-text.ts';

interface Router {
  network: string;
  firewall: string;
  meshbridge: string;
  pbr: string;
  mwan3: string;
  dhcp: string;
  /** JSON. */
  dump: string;
}
const GOOD: Router = {
  network: NETWORK,
  firewall: FIREWALL,
  meshbridge: MESHBRIDGE,
  pbr: '',
  mwan3: '',
  dhcp: '',
  dump: DUMP,
};

const read = (text: string): FileFact => ({ state: 'read', tree: parseUci(text) });
const ABSENT: FileFact = { state: 'absent' };

function factsOf({ network, firewall, meshbridge, pbr, mwan3, dhcp, dump }: Router): LintFacts {
  return {
    network: read(network),
    firewall: read(firewall),
    meshbridge: read(meshbridge),
    pbr: read(pbr),
    mwan3: read(mwan3),
    dhcp: read(dhcp),
    dump: JSON.parse(dump),
  };
}

/** A change to the good router: in one of its files, a text by another one, or one that is added. */
type Change = readonly [file: keyof Router, from: string | undefined, to: string];

function changed(changes: readonly Change[]): Router {
  const router = { ...GOOD };
  for (const [file, from, to] of changes) {
    if (from === undefined) router[file] += to;
    else {
      assert.ok(router[file].includes(from), `~> ${file} holds ${from}`);
      router[file] = router[file].replace(from, () => to);
    }
  }
  return router;
}

const findingsOf = (changes: readonly Change[]) => lint(factsOf(changed(changes)));
const told = (changes: readonly Change[]) =>
  findingsOf(changes).map(({ level, id, option }) => `${level} ${id} ${option}`);

const INFO = `'{"name":"home-12"}'`;
const info = (text: string): Change => ['network', INFO, `'${text}'`];
const peer = (uri: string): Change => ['network', 'quic://192.0.2.7:9002', uri];
const LEASE: Change = ['meshbridge', undefined, "\nconfig lease 'home'\n\toption enabled '1'\n"];
const resolver = (line: string): Change => ['dhcp', undefined, `config dnsmasq\n\t${line}\n`];
const OFFLOAD: Change = ['firewall', 'config defaults\n', "config defaults\n\toption flow_offloading '1'\n"];
const RULE_PLACE = 'network.@yggdrasil_ygg0_interface[0]';
const ygg = (option: string, value: string): Change => [
  'network',
  "option proto 'yggdrasil'",
  `option proto 'yggdrasil'\n\toption ${option} '${value}'`,
];
const KEY = `\toption private_key '${PRIVATE_KEY}'\n`;
/** Another interface, in the same zone. */
const second = (
  key: string,
  name = 'ygg1',
  more = `config yggdrasil_${name}_peer\n\toption address 'tcp://192.0.2.8:1'\n`,
): Change[] => [
  [
    'network',
    undefined,
    `\nconfig interface '${name}'\n\toption proto 'yggdrasil'\n\toption private_key '${key}'\n${more}`,
  ],
  ['firewall', "'ygg0'", `'ygg0'\n\tlist network '${name}'`],
];
const MULTICAST = `	list interface 'br-lan'
	list interface 'mesh0'
	option beacon '1'
	option listen '1'
`;
const ZONE = `	option name 'ygg'
	list network 'ygg0'
	option input 'REJECT'
	option output 'ACCEPT'
	option forward 'REJECT'
`;
const zone = (lines: string): Change => ['firewall', ZONE, lines];
const yggZone = (from: string, to: string): Change => zone(ZONE.replace(from, to));
const YGG = 'firewall.@zone[2]';
const rule = (lines: string): Change => [
  'firewall',
  undefined,
  `\nconfig rule 'extra'\n${lines
    .split(', ')
    .map((line) => `\toption ${line.replace(/ (.*)/, " '$1'")}\n`)
    .join('')}`,
];
const forwarding = (src: string, dest: string, more = ''): Change => [
  'firewall',
  undefined,
  `\nconfig forwarding 'extra'\n\toption src '${src}'\n\toption dest '${dest}'\n${more}`,
];
/** A zone that nothing is in, unless netifd knows of something. */
const TUNNELS: Change = ['firewall', undefined, "\nconfig zone\n\toption name 'tunnels'\n"];
const LAN_PREFIX = '{"address":"fd12:3456:789a::","mask":60}';
const MESH_PREFIX = '{"address":"301:1:2:3::","mask":64}';
const toSize = (bytes: number): string => `{"a":"${'x'.repeat(bytes - 8)}"}`;
const PRIVACY = ygg('node_info_privacy', '1');

/** What is found, by which change, and a change that is close to it and good. */
type Case = [found: string | string[], by: Change[], nearMiss: Change[]];

const CASES: Case[] = [
  // network: the node
  [
    'error empty_private_key network.ygg0.private_key',
    [['network', KEY, '']],
    [['network', KEY, "\toption private_key 'auto'\n"]],
  ],
  [
    'error empty_private_key network.ygg0.private_key',
    [['network', KEY, "\toption private_key ''\n"]],
    [['network', PRIVATE_KEY, PRIVATE_KEY.toUpperCase()]],
  ],
  [
    'error bad_private_key network.ygg0.private_key',
    [['network', PRIVATE_KEY, PRIVATE_KEY.slice(64)]],
    second(PRIVATE_KEY.replaceAll('5', '4')),
  ],
  [
    'error bad_private_key network.ygg0.private_key',
    [['network', PRIVATE_KEY, `${PRIVATE_KEY.slice(1)}g`]],
    second('auto'),
  ],
  [
    'error duplicate_private_key network.ygg1.private_key',
    second(PRIVATE_KEY.toUpperCase()),
    second(PRIVATE_KEY, 'ygg1', "\toption disabled '0'\n\toption proto 'none'\n"),
  ],
  [
    'note public_key_mismatch network.ygg0.public_key',
    [['network', `'${PUBLIC_KEY}'`, `'${'ac'.repeat(32)}'`]],
    [['network', `'${PUBLIC_KEY}'`, `'${PUBLIC_KEY.toUpperCase()}'`]],
  ],
  ['note disabled network.ygg0.disabled', [ygg('disabled', '1'), ['network', KEY, '']], [ygg('disabled', '0')]],
  ['note no_autostart network.ygg0.auto', [ygg('auto', '0')], [ygg('auto', '1')]],
  [
    'error no_protocol network.ygg0.proto',
    [['dump', '"proto":"yggdrasil"', '"proto":"none"']],
    [['dump', '"interface":"ygg0"', '"interface":"other"']],
  ],
  ['error long_name network.yggdrasil_of_us1', second('auto', 'yggdrasil_of_us1'), second('auto', 'yggdrasil_of_us')],
  [
    [
      'warning orphan_section network.@yggdrasil_ygg0_peer[0]',
      'warning orphan_section network.@yggdrasil_ygg0_peer[1]',
      'warning orphan_section network.@yggdrasil_ygg0_interface[0]',
      'note no_interface network',
    ],
    [
      ['network', "'yggdrasil'", "'none'"],
      ['meshbridge', "config interface 'ygg0'", 'config x'],
    ],
    [['network', undefined, '']],
  ],

  // network: node info
  ['error bad_node_info network.ygg0.node_info', [info('{"name":"x"')], [info('{"name":{"a":[1]}}')]],
  ['error bad_node_info network.ygg0.node_info', [info('["x"]')], [info('null')]],
  ['error bad_node_info network.ygg0.node_info', [info('"x"')], [info('')]],
  ['error bad_node_info network.ygg0.node_info', [info('['.repeat(30_000))], [info('{}')]],
  ['error large_node_info network.ygg0.node_info', [info(toSize(16_385)), PRIVACY], [info(toSize(16_384)), PRIVACY]],
  ['error large_node_info network.ygg0.node_info', [info(toSize(16_320))], [info(toSize(16_290))]],
  [
    'error large_node_info network.ygg0.node_info',
    [info(`{"a":"${'<'.repeat(2800)}"}`)],
    [info(`{"a":"${'é'.repeat(2800)}"}`)],
  ],
  ['warning dropped_node_info network.ygg0.node_info', [info('{"name": "x"}')], [info('{"name":"x_y"}')]],
  ['warning dropped_node_info network.ygg0.node_info', [info('{"name":\n"x"}')], [info('{"name":"höme"}')]],
  ['warning dropped_node_info network.ygg0.node_info', [info('{"name":"x y"}')], [info('{"name":"x\u00a0y"}')]],
  ['error mangled_node_info network.ygg0.node_info', [info('{"name":"a&b"}')], [info('{"name":"a+b"}')]],
  ['warning mangled_node_info network.ygg0.node_info', [info('{"name":"h\\u00f6me"}')], [info('{"name":"a/b"}')]],

  // network: peers
  [
    'error bad_peer network.@yggdrasil_ygg0_peer[1].address',
    [peer('quick://192.0.2.7:9002')],
    [peer('QUIC://192.0.2.7:9002')],
  ],
  [
    'error bad_peer network.@yggdrasil_ygg0_peer[1].address',
    [peer('tls://192.0.2.7')],
    [peer('wss://ygg.example/path')],
  ],
  [
    'error bad_peer network.@yggdrasil_ygg0_peer[1].address',
    [peer('tls://192.0.2.7:1?key=00')],
    [peer(`tls://192.0.2.7:1?key=${PUBLIC_KEY}`)],
  ],
  [
    'error bad_peer network.@yggdrasil_ygg0_peer[1].address',
    [peer('tls://[200:1::1]:1')],
    [peer('tls://[2001:1::1]:1')],
  ],
  ['error bad_peer network.@yggdrasil_ygg0_peer[1].address', [peer('')], [peer('unix:///run/y.sock')]],
  [
    'error bad_peer network.@yggdrasil_ygg0_peer[1].address',
    [peer('tls://192.0.2.7:1 tls://192.0.2.8:1')],
    [peer('socks://127.0.0.1:1080/h.example:1')],
  ],
  [
    'note odd_peer network.@yggdrasil_ygg0_peer[1].address',
    [peer('tls://192.0.2.7:1?pasword=x')],
    [peer('tls://192.0.2.7:1?password=x')],
  ],
  ['note odd_peer network.@yggdrasil_ygg0_peer[1].address', [peer('tls://192.0.2.7:1/')], [peer('ws://192.0.2.7:1/')]],
  [
    'note duplicate_peer network.@yggdrasil_ygg0_peer[1].address',
    [peer('TLS://ygg.example.org:443'), ['network', "\toption interface 'eth1'\n", '']],
    [peer('tls://ygg.example.org:443')],
  ],
  [
    'warning logical_device network.@yggdrasil_ygg0_peer[1].interface',
    [['network', "interface 'eth1'", "interface 'wan'"]],
    [['network', "interface 'eth1'", "interface 'eth9'"]],
  ],
  [
    'warning logical_device network.@yggdrasil_ygg0_interface[0].interface',
    [['network', "list interface 'br-lan'", "list interface 'lan'"]],
    [
      ['network', "list interface 'br-lan'", "list interface 'lan'"],
      ['network', "name 'br-lan'", "name 'lan'"],
    ],
  ],
  [
    'error no_peers network.ygg1',
    second('auto', 'ygg1', ''),
    second('auto', 'ygg1', "\tlist listen_address 'tcp://[::]:9001'\n"),
  ],

  // network: neighbours
  [
    `warning idle_multicast ${RULE_PLACE}`,
    [['network', "beacon '1'\n\toption listen '1'", "beacon 'true'\n\toption listen '0'"]],
    [['network', "beacon '1'\n\toption listen '1'", "beacon '0'\n\toption listen '1'"]],
  ],
  [
    `warning multicast_nowhere ${RULE_PLACE}.interface`,
    [['network', MULTICAST, MULTICAST.replace(/\tlist.*\n/g, '')]],
    [['network', "\tlist interface 'mesh0'\n", '']],
  ],
  [
    `error bad_multicast_pattern ${RULE_PLACE}.interface`,
    [['network', "list interface 'mesh0'", "list interface '*'"]],
    [['network', "list interface 'mesh0'", "list interface 'phy[0-9]+-mesh.*'"]],
  ],
  [
    `error bad_multicast_pattern ${RULE_PLACE}.interface`,
    [['network', "list interface 'mesh0'", "list interface 'mesh(0'"]],
    [['network', "list interface 'mesh0'", "list interface '(?i:mesh)0'"]],
  ],
  [
    `error bad_multicast_port ${RULE_PLACE}.port`,
    [['network', "port '0'", "port '70000'"]],
    [['network', "port '0'", "port '65535'"]],
  ],
  [
    `error bad_multicast_port ${RULE_PLACE}.port`,
    [['network', "port '0'", "port '-1'"]],
    [['network', "port '0'", "port 'x'"]],
  ],
  [
    `warning dropped_password ${RULE_PLACE}.password`,
    [['network', `\toption password '${PASSWORD}'`, "\toption password 'open sesame'"]],
    [['network', `\toption password '${PASSWORD}'`, "\toption password 'open-sesame'"]],
  ],
  [
    `warning option_for_list ${RULE_PLACE}.interface`,
    [['network', MULTICAST, MULTICAST.replace(/\tlist interface 'br-lan'\n\tlist/, '\toption')]],
    [['network', "list interface 'br-lan'\n", '']],
  ],
  [
    'warning option_for_list network.ygg0.listen_address',
    [['network', 'list listen_address', 'option listen_address']],
    [['network', "\tlist listen_address 'tls://[::]:9001'\n", '']],
  ],
  [
    'error option_for_list network.ygg0.allowed_public_key',
    [ygg('allowed_public_key', PUBLIC_KEY)],
    [['network', INFO, `${INFO}\n\tlist allowed_public_key '${PUBLIC_KEY}'`]],
  ],
  [
    'error bad_allowed_key network.ygg0.allowed_public_key',
    [['network', INFO, `${INFO}\n\tlist allowed_public_key '${PUBLIC_KEY.slice(1)}'`]],
    [['network', INFO, `${INFO}\n\tlist allowed_public_key '${PUBLIC_KEY.toUpperCase()}'`]],
  ],
  [
    'note idle_allowed_keys network.ygg0.allowed_public_key',
    [['network', 'list listen_address', `list allowed_public_key '${PUBLIC_KEY}'\n\tlist other`]],
    [['network', 'list listen_address', `list allowed_public_key '${PUBLIC_KEY}'\n\tlist listen_address`]],
  ],
  ...['socks://[::]:9001', 'wss://[::]:9001', '[::]:9001', 'tls://[::]', 'tls://[::]:99999', 'tls://::1:9001', ''].map(
    (value): Case => [
      'error bad_listen network.ygg0.listen_address',
      [['network', "'tls://[::]:9001'", `'${value}'`]],
      [['network', "'tls://[::]:9001'", `'${value === '' ? 'unix:///run/y.sock' : 'TCP://0.0.0.0:9001?priority=1'}'`]],
    ],
  ),
  [
    'note unreachable_listen network.ygg0.listen_address',
    [['network', 'tls://[::]:9001', 'quic://[::]:9001']],
    [['network', 'tls://[::]:9001', 'quic://[::1]:9001']],
  ],
  [
    'note unreachable_listen network.ygg0.listen_address',
    [['firewall', "dest_port '9001'", "dest_port '9002'"]],
    [['firewall', "dest_port '9001'", "dest_port '22 9000-9010'"]],
  ],
  [
    'note unreachable_listen network.ygg0.listen_address',
    [['firewall', "dest_port '9001'", "dest_port '9002'"]],
    [
      ['firewall', "dest_port '9001'", "dest_port '9002'"],
      ['firewall', undefined, "\nconfig redirect\n\toption src 'wan'\n\toption src_dport '9001'\n"],
    ],
  ],
  [
    'warning orphan_section network.@yggdrasil_ygg_peer[0]',
    [['network', undefined, "\nconfig yggdrasil_ygg_peer\n\toption address 'tcp://192.0.2.8:1'\n"]],
    [['network', undefined, "\nconfig other_ygg_peer\n\toption address 'tcp://192.0.2.8:1'\n"]],
  ],
  [
    'warning orphan_section network.x',
    [['network', undefined, "\nconfig yggdrasil_ygg0_multicast 'x'\n"]],
    [['network', undefined, "\nconfig yggdrasil 'x'\n"]],
  ],
  [
    'warning lan_mesh_prefix network.lan.ip6class',
    [['dump', LAN_PREFIX, MESH_PREFIX]],
    [
      ['dump', LAN_PREFIX, MESH_PREFIX],
      ['dump', '"target":"::"', '"table":430,"target":"::"'],
    ],
  ],
  [
    'note lan_mesh_prefix network.lan.ip6class',
    [['dump', LAN_PREFIX, `${MESH_PREFIX},{"address":"2001:db8:7:1::","mask":64}`]],
    [['dump', LAN_PREFIX, '{"address":"3001:db8::","mask":64}']],
  ],

  // firewall
  [
    'warning no_zone network.ygg0',
    [yggZone("\tlist network 'ygg0'\n", '')],
    [yggZone("list network 'ygg0'", "list device 'ygg0'")],
  ],
  [
    'warning no_zone network.ygg0',
    [yggZone("'ygg0'\n", "'ygg0'\n\toption enabled 'no'\n")],
    [yggZone("list network 'ygg0'", "option device 'tun+ ygg+'")],
  ],
  [
    'warning no_zone network.ygg0',
    [yggZone("list network 'ygg0'", "list device 'yg'")],
    [yggZone("list network 'ygg0'", "option subnet '200::/7'")],
  ],
  [
    'warning no_zone network.ygg0',
    [yggZone("\tlist network 'ygg0'\n", '')],
    [yggZone("\tlist network 'ygg0'\n", ''), ygg('zone', 'ygg')],
  ],
  [
    'warning no_zone network.ygg0',
    [yggZone("\tlist network 'ygg0'\n", '')],
    [
      yggZone("\tlist network 'ygg0'\n", ''),
      ['dump', '"interface":"ygg0"', '"data":{"zone":"ygg"},"interface":"ygg0"'],
    ],
  ],
  [
    'error no_zone_open network.ygg0',
    [yggZone("\tlist network 'ygg0'\n", ''), ['firewall', "input 'REJECT'", "input 'acc'"]],
    [['firewall', "input 'REJECT'", "input 'ACCEPT'"]],
  ],
  [
    'warning ipv4_zone firewall.@zone[2].family',
    [yggZone("'ygg0'\n", "'ygg0'\n\toption family 'ipv4'\n")],
    [yggZone("'ygg0'\n", "'ygg0'\n\toption family 'ipv6'\n")],
  ],
  [
    `error broken_zone ${YGG}.input`,
    [yggZone("input 'REJECT'", "input 'DENY'")],
    [yggZone("input 'REJECT'", "input 'drop'")],
  ],
  [
    `error broken_zone ${YGG}.name`,
    [yggZone("name 'ygg'", "name 'the mesh'"), ['firewall', "dest 'ygg'", "dest 'the mesh'"]],
    [yggZone('x', 'x')],
  ],
  [
    `error broken_zone ${YGG}.enabled`,
    [yggZone("'ygg0'\n", "'ygg0'\n\toption enabled 'ja'\n")],
    [yggZone("'ygg0'\n", "'ygg0'\n\toption enabled 'on'\n")],
  ],
  [
    `error open_input ${YGG}.input`,
    [yggZone("input 'REJECT'", "input 'ACCEPT'")],
    [yggZone("input 'REJECT'", "input 'ACCEPT'"), rule('src ygg, proto all, target DROP')],
  ],
  [
    `error open_input ${YGG}.input`,
    [yggZone("\toption input 'REJECT'\n", ''), ['firewall', "input 'REJECT'", "input 'ACCEPT'"]],
    [yggZone("\toption input 'REJECT'\n", '')],
  ],
  [
    [
      'error open_input firewall.@zone[0].input',
      'error open_forward firewall.@zone[0].forward',
      'error open_line firewall.@forwarding[0]',
    ],
    [['firewall', "list network 'lan'", "option network 'lan ygg0'"], yggZone("\tlist network 'ygg0'\n", '')],
    [['firewall', "list network 'lan'", "option network 'lan'"]],
  ],
  [
    `note loose_forward ${YGG}.forward`,
    [yggZone("forward 'REJECT'", "forward 'ACCEPT'")],
    [yggZone("forward 'REJECT'", "forward 'DROP'")],
  ],
  [
    `error open_forward ${YGG}.forward`,
    [yggZone("forward 'REJECT'", "forward 'ACCEPT'\n\tlist network 'radio'")],
    [yggZone("forward 'REJECT'", "forward 'REJECT'\n\tlist network 'radio'")],
  ],
  [
    [`note loose_forward ${YGG}.forward`, `note loose_forward ${YGG}.forward`],
    [yggZone("forward 'REJECT'", "forward 'ACCEPT'"), ...second('auto')],
    second('auto'),
  ],
  [
    'error open_default_forward firewall.@defaults[0].forward',
    [['firewall', "forward 'REJECT'", "forward 'ACCEPT'"]],
    [['firewall', "forward 'REJECT'", "forward 'DROP'"]],
  ],
  ['error open_forwarding firewall.extra', [forwarding('ygg', 'lan')], [forwarding('lan', 'ygg')]],
  [
    'error open_forwarding firewall.extra',
    [forwarding('*', 'lan')],
    [forwarding('ygg', 'lan', "\toption family 'ipv4'\n")],
  ],
  ['error open_forwarding firewall.extra', [forwarding('ygg', '*')], [forwarding('ygg', 'nowhere')]],
  [
    'error open_forwarding firewall.extra',
    [
      TUNNELS,
      forwarding('ygg', 'tunnels'),
      ['dump', '"interface":"radio"', '"data":{"zone":"tunnels"},"interface":"radio"'],
    ],
    [TUNNELS, forwarding('ygg', 'tunnels')],
  ],
  ['error open_line firewall.extra', [forwarding('ygg', 'wan')], [forwarding('ygg', 'wan', "\toption enabled '0'\n")]],
  [
    'error open_rule firewall.extra',
    [rule('src ygg, target ACCEPT')],
    [rule('src ygg, target ACCEPT, src_ip 201:1::1')],
  ],
  [
    'error open_rule firewall.extra',
    [rule('src ygg, dest lan, proto any, target accept')],
    [rule('src ygg, dest lan, proto any, target REJECT')],
  ],
  [
    'error open_rule firewall.extra',
    [rule('src *, proto all, target ACCEPT')],
    [rule('src lan, proto all, target ACCEPT')],
  ],
  [
    'warning open_login firewall.extra',
    [rule('src ygg, proto tcp, dest_port 22, target ACCEPT')],
    [rule('src ygg, proto udp, dest_port 22, target ACCEPT')],
  ],
  [
    'warning open_login firewall.extra',
    [rule('src ygg, dest_port 1-1024, target ACCEPT')],
    [rule('src ygg, dest_port 8080, target ACCEPT')],
  ],
  [
    'warning open_login firewall.extra',
    [rule('src ygg, proto tcp, dest_port 80 443, target ACCEPT')],
    [rule('src ygg, proto tcp, dest_port 80, target ACCEPT, src_ip 201:1::1')],
  ],
  [
    'note missing_network firewall.@zone[2].network',
    [yggZone("'ygg0'\n", "'ygg0'\n\tlist network 'ygg7'\n")],
    [yggZone("'ygg0'\n", "'ygg0'\n\tlist network 'radio'\n")],
  ],

  // meshbridge
  [
    'error admin_over_network meshbridge.ygg0.socket',
    [['meshbridge', 'unix:///tmp/yggdrasil/ygg0.sock', 'tcp://192.168.1.5:9001']],
    [['meshbridge', 'unix:///tmp/yggdrasil/ygg0.sock', 'tcp://127.0.0.1:9001']],
  ],
  [
    'error admin_over_network meshbridge.ygg0.socket',
    [['meshbridge', 'unix:///tmp/yggdrasil/ygg0.sock', 'tcp://[201::1]:9001']],
    [['meshbridge', 'unix:///tmp/yggdrasil/ygg0.sock', 'tcp://[::1]:9001']],
  ],
  [
    'warning other_routing pbr.config.enabled',
    [LEASE, ['pbr', undefined, "config pbr 'config'\n\toption enabled '1'\n"]],
    [LEASE, ['pbr', undefined, "config pbr 'config'\n\toption enabled '0'\n"]],
  ],
  [
    'warning other_routing mwan3.wan.enabled',
    [LEASE, ['mwan3', undefined, "config interface 'wan'\n\toption enabled '1'\n"]],
    [['mwan3', undefined, "config interface 'wan'\n\toption enabled '1'\n"]],
  ],
  ...[
    "list server '9.9.9.9'\n\tlist server '127.0.0.1#5053'",
    "option server '1.1.1.1 ::1#53'",
    "list server '/#/127.0.0.53'",
  ].map(
    (line): Case => [
      'warning local_resolver dhcp.@dnsmasq[0].server',
      [LEASE, resolver(line)],
      // one domain of the house's own, and other machines
      [
        LEASE,
        resolver("list server '/lan.example/127.0.0.1#5353'\n\tlist server '10.0.0.1'\n\tlist server '127.example'"),
      ],
    ],
  ),
  [
    'warning local_resolver dhcp.@dnsmasq[0].server',
    [LEASE, resolver("list server '127.0.0.1#5053'")],
    [resolver("list server '127.0.0.1#5053'")],
  ],
  ['warning flow_offload firewall.@defaults[0].flow_offloading', [LEASE, OFFLOAD], [OFFLOAD]],
];

const checks = suite('lint');
checks('finds nothing in a good router', () => assert.equal(told([]), []));
CASES.forEach(([found, by, nearMiss], i) => {
  const wanted = typeof found === 'string' ? [found] : found;
  checks(`finds ${wanted.join(', ')}, case ${i}`, () => assert.equal(told(by), wanted));
  checks(`finds no more than it should next to ${wanted[0]}, case ${i}`, () => assert.equal(told(nearMiss), []));
});
checks('is tested for every id', () => {
  const seen = new Set(CASES.flatMap(([found]) => found).map((line) => line.split(' ')[1]));
  const elsewhere = ['broken_file', 'unread_file', 'no_firewall', 'more'];
  assert.equal([...seen, ...elsewhere].sort(), Object.keys(FINDINGS).sort());
});
checks('quotes no secret', () => {
  for (const [, by, nearMiss] of CASES) {
    const text = JSON.stringify([findingsOf(by), findingsOf(nearMiss)]);
    for (const secret of [PRIVATE_KEY.slice(0, 12), PASSWORD, 'sesame'])
      assert.not.match(text, new RegExp(secret, 'i'));
  }
  for (const uri of [`tls://a:${PASSWORD}@h:1`, `tls://h:1 password=${PASSWORD}`, `tls://h:1?x=1&pass=${PASSWORD}@`])
    for (const change of [peer(uri), ['network', "'tls://[::]:9001'", `'${uri}'`] as const])
      assert.not.match(JSON.stringify(findingsOf([change])), new RegExp(PASSWORD));
});
checks('gives three whole sentences each, and a fourth where it can be put right', () => {
  for (const [id, { level: _, ...words }] of Object.entries(FINDINGS))
    for (const text of Object.values(words)) assert.match(text, /^[A-Z{"/].*[.)]$/, `~> ${id}: ${text}`);
  for (const [, by] of CASES)
    for (const { id, what, why, fix, words, values } of findingsOf(by))
      assert.not.match(
        `${what} ${why} ${fix} ${fillWords(words.does ?? '', values as Values)}`,
        /\{[a-z]+\}|undefined|NaN/,
        `~> ${id}`,
      );
});
const FORWARD: Change = [
  'firewall',
  "option output 'ACCEPT'\n\toption forward 'REJECT'",
  "option output 'ACCEPT'\n\toption forward 'ACCEPT'",
];
/** What can be put right, and what is too much for that. */
const FIXES: [id: string, by: readonly Change[], fixable: boolean][] = [
  ['empty_private_key', [['network', KEY, '']], true],
  ['bad_private_key', [['network', PRIVATE_KEY, 'x']], false],
  ['dropped_node_info', [info('{"name": "a home"}')], true],
  ['dropped_node_info', [info('{"name": "a\\tb"}')], false],
  ['dropped_node_info', [info('{"name": "x"')], false],
  ['loose_forward', [yggZone("forward 'REJECT'", "forward 'ACCEPT'")], true],
  ['loose_forward', [yggZone("forward 'REJECT'", "forward 'ACCEPT'"), ...second('auto')], false],
  ['open_default_forward', [FORWARD], true],
  ['open_default_forward', [FORWARD, ['firewall', "option forward 'DROP'\n", '']], false],
  ['open_default_forward', [FORWARD, ['firewall', "option src 'lan'\n\toption dest 'wan'", "option src 'x'"]], true],
  [
    'open_default_forward',
    [FORWARD, ['firewall', undefined, "\nconfig zone\n\toption name 'guest'\n\toption forward 'REJECT'\n"]],
    false,
  ],
];
FIXES.forEach(([id, by, fixable], i) => {
  checks(`says that ${id} can ${fixable ? '' : 'not '}be put right, case ${i}`, () => {
    const finding = findingsOf(by).find((one) => one.id === id)!;
    assert.is(finding.fixable, fixable);
    assert.is(finding.words.does !== undefined, fixable);
  });
});
checks.run();

// ---

const files = suite('lint: files');
const NONE: LintFacts = { network: ABSENT, firewall: ABSENT, meshbridge: ABSENT };
files('find nothing where there is nothing', () => {
  assert.equal(lint(NONE), []);
  assert.equal(lint({ ...NONE, firewall: read(FIREWALL), meshbridge: read(MESHBRIDGE) }), []);
});
files('find no interface in an empty file', () => {
  const [only, ...rest] = lint({ ...NONE, network: read('') });
  assert.equal([only!.id, rest], ['no_interface', []]);
  assert.equal(lint({ ...NONE, network: read(''), meshbridge: read(MESHBRIDGE) }), []);
});
files('find that there is no firewall', () => {
  const found = lint({ ...factsOf(GOOD), firewall: ABSENT });
  assert.equal(
    found.map(({ id, option }) => [id, option]),
    [['no_firewall', 'network.ygg0']],
  );
});
files('say nothing of zones when there are no zones to see', () => {
  const reason = 'read /etc/config/firewall: Permission denied';
  const [only, ...rest] = lint({ ...factsOf(GOOD), firewall: { state: 'unread', reason } });
  assert.equal([only!.id, only!.option, only!.level, rest], ['unread_file', 'firewall', 'note', []]);
  assert.ok(only!.what.includes(reason));
});
for (const file of ['network', 'firewall', 'meshbridge'] as const)
  files(`are told of when they are broken: ${file}`, () => {
    const [only, ...rest] = lint({ ...factsOf(GOOD), [file]: { state: 'broken', line: 7, column: 3 } });
    assert.equal([only!.id, only!.option, only!.level, rest], ['broken_file', file, 'error', []]);
    assert.ok(only!.what.includes(`/etc/config/${file} has a mistake in line 7, column 3.`));
  });
files('do without netifd, and take any answer of it', () => {
  const { dump: _, ...facts } = factsOf(GOOD);
  assert.equal(lint(facts), []);
  const answers = [null, 7, 'x', [], {}, { interface: 7 }, { interface: [null, 7, 'x', [], { interface: 7 }] }];
  const odd = [
    { route: 7, up: true },
    { route: [null, 7], up: true, data: 7 },
    { 'ipv6-address': {}, data: null },
  ];
  for (const dump of [...answers, { interface: odd.map((one) => ({ interface: 'lan', ...one })) }])
    assert.equal(lint({ ...facts, dump }), [], JSON.stringify(dump));
});
files('of the desk are reported as they are', () => {
  const nodes = [{ iface: 'ygg0', socket: '/desk/ygg0.sock', peers: ['tls://10.77.2.2:9002'] }];
  const { network, meshbridge } = routerConfig(nodes, { ubusSocket: '/desk/u', stateDirectory: '/desk/s' });
  const found = lint({ network: read(network), firewall: ABSENT, meshbridge: read(meshbridge) });
  assert.equal(
    found.map(({ id }) => id),
    ['empty_private_key', 'no_firewall'],
  );
});
files.run();

// ---

const HOSTILE = [
  '<img src=x onerror=alert(1)>',
  'a\nconfig b',
  '\u001b[31mred\u001b[0m',
  '\u202egnirts',
  '\u0007\u0000\u009b',
  '$(reboot)`reboot`;reboot',
  '{interface}{place}',
  '../../etc/shadow',
  '\ud800x',
  '😀'.repeat(100),
  'x'.repeat(32 * 1024),
  "'".repeat(32 * 1024),
];
const OPTIONS = 'private_key public_key node_info listen_address allowed_public_key mtu auto disabled zone proto';

/** Values in every place where a section may have one. */
function hostileFacts(value: string): LintFacts {
  const options = (names: string, list: boolean) =>
    new Map(names.split(' ').map((name) => [name, { value: list ? [value, value] : value, line: 1 }]));
  const fixed = (entries: Record<string, string>) =>
    Object.entries(entries).map(([k, v]) => [k, { value: v, line: 1 }] as const);
  const section = (type: string, name: string, names: string, more: Record<string, string> = {}) =>
    [false, true].map((list) => ({
      type,
      name: `${name}${list}`,
      anonymous: list,
      line: 1,
      options: new Map([...options(names, list), ...fixed(more)]),
    }));
  const node = section('interface', 'y', OPTIONS, { proto: 'yggdrasil', disabled: '0' });
  const types = node.flatMap(({ name }) => [
    ...section(`yggdrasil_${name}_peer`, 'p', 'address interface'),
    ...section(`yggdrasil_${name}_interface`, 'm', 'interface beacon listen port password'),
  ]);
  const lan = section('interface', 'l', 'device ifname', {});
  const aliased = [{ ...lan[0]!, name: value, options: new Map(fixed({ device: value.slice(1) })) }];
  const network = { sections: [...node, ...types, ...lan, ...aliased, ...section(`yggdrasil_${value}`, 'o', 'x')] };
  const policies = { input: 'ACCEPT', forward: 'ACCEPT' };
  const firewall = {
    sections: [
      ...section('defaults', 'd', 'input forward'),
      ...section('zone', 'z', 'name network device', { ...policies, network: `yfalse ytrue ${value.slice(0, 99)}` }),
      ...section('zone', 'v', 'name network device family enabled input'),
      ...section('forwarding', 'f', 'dest', { src: '*', dest: '*' }),
      ...section('rule', 'r', 'name', { src: '*', target: 'ACCEPT' }),
      ...section('rule', 's', 'src dest proto dest_port target'),
    ],
  };
  const meshbridge = { sections: section('interface', 'i', 'enabled', { socket: `tcp://${value}:1` }) };
  const address = [{ address: `300:${value}`, mask: 64 }];
  const entry = {
    interface: value,
    up: true,
    device: value,
    data: { zone: value },
    route: [{ target: '::', mask: 0 }],
  };
  const tree = (given: typeof network): FileFact => ({ state: 'read', tree: given });
  return {
    network: tree(network),
    firewall: tree(firewall),
    meshbridge: tree(meshbridge),
    dump: {
      interface: [
        { ...entry, 'ipv6-address': address },
        { ...entry, interface: 'ytrue', proto: value },
      ],
    },
  };
}

const bounds = suite('lint: bounds');
for (const value of HOSTILE)
  bounds(`lets nothing through that does harm: ${JSON.stringify(value.slice(0, 32))}`, () => {
    const found = lint(hostileFacts(value));
    assert.ok(found.length > 5, `~> ${found.length} findings`);
    for (const { words: _, values, ...finding } of found)
      for (const text of Object.values({ ...finding, ...(values as object) })) {
        if (typeof text !== 'string') continue;
        assert.ok(text.length < 1500, `~> ${finding.id}: ${text.length} characters`);
        assert.is(replaceInvisible(text, '?'), text);
        assert.not.match(text, /[\ud800-\udfff<>`\\]/u, `~> ${finding.id}: ${JSON.stringify(text)}`);
      }
    assert.not.ok(hasControl(formatFindings(found).replaceAll('\n', '')));
  });
bounds('keeps the list short, and counts what it leaves out', () => {
  const peers = (count: number) => `\nconfig yggdrasil_ygg0_peer\n\toption address 'x'\n`.repeat(count);
  const few = lint(factsOf(changed([['network', undefined, peers(1)]])));
  assert.equal(
    few.map(({ id }) => id),
    ['bad_peer'],
  );
  const many = lint(factsOf(changed([['network', undefined, peers(500)]])));
  assert.is(many.length, 2 * MAX_SAME + 1);
  assert.is(many.at(-1)!.what, `${2 * 500 - 1 - 2 * MAX_SAME} more findings are left out.`);
});
bounds('says what weighs most, when there is too much', () => {
  const odd =
    '\n' +
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
      .map(
        (i) => `
config interface 'y${i}'
	option proto 'yggdrasil'
	option auto '0'
	option node_info '{"a": "&\\"'
	list allowed_public_key 'x'
	list listen_address 'x'
config yggdrasil_y${i}_interface
	option interface 'x'
	option port '-1'
	option password 'a b'
config yggdrasil_y${i}_peer
	option address 'x'
config yggdrasil_y${i}_peer
	option address 'x'
`,
      )
      .join('');
  const found = lint(
    factsOf(
      changed([
        ['network', undefined, odd],
        ['firewall', ZONE, ZONE.replace('ygg0', 'nought')],
      ]),
    ),
  );
  assert.is(found.length, MAX_FINDINGS);
  const levels = found.map(({ level }) => FINDING_LEVELS.indexOf(level));
  assert.equal(levels, [...levels].sort());
  assert.match(found.at(-1)!.what, /^\d+ more findings are left out\.$/);
});
bounds('takes thousands of sections in its stride', () => {
  const zones = Array.from({ length: 600 }, (_, i) => `config zone\n\toption name 'z${i}'\n\tlist network 'y${i}'\n`);
  const nodes = Array.from({ length: 600 }, (_, i) => `config interface 'y${i}'\n\toption proto yggdrasil\n`);
  const forwardings = Array.from(
    { length: 600 },
    (_, i) => `config forwarding\n\toption src 'z${i}'\n\toption dest '*'\n`,
  );
  const found = lint({ ...NONE, network: read(nodes.join('')), firewall: read([...zones, ...forwardings].join('')) });
  assert.ok(found.length <= MAX_FINDINGS);
});
bounds('holds for any text', () => {
  const random = seededRandom(7);
  for (let i = 0; i < 300; i++) {
    const texts = [0, 1, 2].map(() => {
      try {
        return read(
          randomUciText(random)
            .replace(/config a(?= |$)/gm, 'config interface')
            .replace(/config b/g, 'config zone'),
        );
      } catch {
        return ABSENT;
      }
    });
    const [network, firewall, meshbridge] = texts as [FileFact, FileFact, FileFact];
    for (const { what } of lint({ network, firewall, meshbridge })) assert.ok(what.length > 0);
  }
});
bounds.run();

// ---

const clean = suite('shown');
clean('keeps words, addresses and harmless marks', () => {
  for (const text of ['höme 12', 'tls://[fe80::1%25eth0]:1?key=ab', '^(phy0-mesh|br-lan)$', 'привіт', ''])
    assert.is(shown(text), text);
});
clean('shows the blank of a node info as one', () => assert.is(shown('our\u00a0home'), 'our home'));
clean('replaces the rest and cuts what is long', () => {
  assert.is(shown('a<b>&"c\n\u001b'), 'a·b···c··');
  assert.is(shown('x'.repeat(10), 4), 'xxx…');
  assert.is(shown('xxxx', 4), 'xxxx');
  assert.is(shown('xx😀😀', 4), 'xx·…');
});
clean.run();

const collect = suite('Findings');
collect('fill in what is given, cleaned, and nothing else', () => {
  const findings = new Findings();
  findings.add('orphan_section', 'network.<x>', { type: 'a\nb', place: '{type}' });
  const [only] = findings.list;
  assert.is(only!.option, 'network.·x·');
  assert.is(only!.what, 'A section of type a·b belongs to no Yggdrasil interface.');
  assert.ok(only!.fix.includes('uci delete {type};'));
});
collect.run();

const format = suite('formatFindings');
format('is empty without findings', () => assert.is(formatFindings([]), ''));
format('writes each on lines that fit a terminal', () => {
  const found = findingsOf([['network', KEY, ''], yggZone("input 'REJECT'", "input 'ACCEPT'")]);
  const text = formatFindings(found);
  assert.match(
    text,
    /^error: network\.ygg0\.private_key \(empty_private_key\)\n {2}ygg0 has no private key\.\n {2}Why: /,
  );
  assert.match(text, /\n\nerror: firewall\.@zone\[2\]\.input \(open_input\)\n/);
  assert.ok(text.endsWith('\n') && !text.endsWith('\n\n'));
  for (const line of text.split('\n')) assert.ok(line.length <= 80 && line === line.trimEnd(), `~> ${line}`);
});
format.run();
