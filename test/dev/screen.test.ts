import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Peer } from '../../src/api/model.ts';
import {
  formatAge,
  formatBytes,
  formatLatency,
  type NodeView,
  render,
  type ScreenState,
  wantsColor,
} from '../../src/dev/screen.ts';

const KEY_B = 'bb'.repeat(32);
const KEY_C = 'cc'.repeat(32);

function peer(fields: Partial<Peer>): Peer {
  return {
    origin: 'configured',
    inbound: false,
    up: true,
    state: 'up',
    state_ago_ms: 12_000,
    changes_per_hour: 0,
    ...fields,
  };
}

const TLS_PEER = peer({
  remote: 'tls://10.77.2.2:9002',
  key: KEY_C,
  proven_ago_ms: 1000,
  latency_ms: 1.44,
  rx_bytes: 12_345,
  tx_bytes: 5_000_000,
  rx_bytes_per_s: 200,
  tx_bytes_per_s: 12_345,
});
const MULTICAST_PEER = peer({
  remote: 'tls://[fe80::5c31:c4ff:fe1a:c83e%25eth-b]:37559',
  key: KEY_B,
  origin: 'multicast',
  state: 'unproven',
  proven_ago_ms: 31_000,
  latency_ms: 231,
  rx_bytes: 12_345,
  tx_bytes: 5_000_000,
});
const DOWN_PEER = peer({ remote: 'tcp://192.0.2.1:9', state: 'down', up: false });

function node(letter: string, fields: Partial<NodeView>): NodeView {
  const iface = `ygg${letter.charCodeAt(0) - 97}`;
  const address = '201:d826:6a4e:ea62:7775:746c:7de0:7f98';
  return { name: `home-${letter}`, interface: iface, address, isRunning: true, ...fields };
}

const STATE: ScreenState = {
  yggdrasil: '3 x Yggdrasil 0.5.12, namespaces',
  broker: 'own broker',
  engine: 'QuickJS (wasm)',
  daemon: {
    version: '0.1.0',
    uptime_s: 42,
    links: [
      { name: 'ubus', endpoint: '/s', state: 'up', since_s: 42, ups: 1 },
      { name: 'yggdrasil.ygg0', endpoint: '/y', state: 'up', since_s: 41, ups: 1 },
      { name: 'yggdrasil.ygg1', endpoint: '/z', state: 'waiting', since_s: 2, ups: 1 },
    ],
    interfaces: [],
  },
  nodes: [
    node('a', { peers: [MULTICAST_PEER, DOWN_PEER, TLS_PEER] }),
    node('b', { isRunning: false }),
    node('c', { peers: [] }),
  ],
  names: new Map([
    [KEY_B, 'home-b'],
    [KEY_C, 'home-c'],
  ]),
  cables: [
    { from: 'a', to: 'b', isCut: true },
    { from: 'b', to: 'c', isCut: false },
  ],
  events: [
    { time: '14:00:01', text: 'ygg0: peer up: home-c tls://10.77.2.2:9002' },
    { time: '14:00:05', text: 'cable a-b cut, in silence' },
  ],
  hints: ['npm run ubus -- call yggdrasil peers', 'npm run ubus -- listen'],
  keys: 'keys: c cut or join a cable, k kill or start a node, q quit',
};

const screen = suite('render');

screen('fills 80 by 24', () => {
  assert.fixture(
    render(STATE, 80, 24),
    `meshbridge desk | 3 x Yggdrasil 0.5.12, namespaces | own broker | QuickJS (wasm)
daemon 0.1.0 up 42s, links: ubus up ygg0 up ygg1 waiting
  PEER    REMOTE                FROM    STATE    PROVEN    RTT  RX/s  TX/s SINCE
home-a  ygg0  201:d826:6a4e:ea62:7775:746c:7de0:7f98   1/3 up  rx 24.7K tx 10.0M
  -       tcp://192.0.2.1:9     config  down          -      -     -     -   12s
  home-c  tls://10.77.2.2:9002  config  up           1s  1.4ms   200 12.3K   12s
  home-b  tls://[fe8…h-b]:37559 mcast   unproven    31s  231ms     -     -   12s
home-b  ygg1  201:d826:6a4e:ea62:7775:746c:7de0:7f98    killed (key k starts it)
home-c  ygg2  201:d826:6a4e:ea62:7775:746c:7de0:7f98           0/0 up  rx 0 tx 0
  no peers
cables: a-/-b CUT b---c
events
14:00:01 ygg0: peer up: home-c tls://10.77.2.2:9002
14:00:05 cable a-b cut, in silence







try npm run ubus -- call yggdrasil peers
    npm run ubus -- listen
keys: c cut or join a cable, k kill or start a node, q quit`,
  );
});

screen('shows totals where there is room', () => {
  const lines = render(STATE, 100, 24).split('\n');
  assert.match(lines[2]!, /RX\/s {2}TX\/s {4}RX {4}TX SINCE$/);
  assert.match(lines.find((line) => line.includes('10.77.2.2'))!, /200 12\.3K 12\.3K {2}5\.0M {3}12s$/);
});

screen('never exceeds the terminal', () => {
  const many = {
    ...STATE,
    nodes: STATE.nodes.map((n) => ({ ...n, isRunning: true, peers: Array(50).fill(DOWN_PEER) })),
  };
  for (const [width, height] of [
    [80, 24],
    [60, 20],
    [40, 10],
    [20, 5],
    [10, 2],
    [200, 60],
    [1, 1],
  ] as const) {
    for (const state of [STATE, many]) {
      const lines = render(state, width, height).split('\n');
      assert.ok(lines.length <= height, `~> ${lines.length} lines in ${width}x${height}`);
      for (const line of lines) assert.ok(line.length <= width, `~> ${line.length} in ${width}x${height}: ${line}`);
    }
  }
});

screen('says how many peers it leaves out', () => {
  const many = { ...STATE, nodes: [node('a', { peers: Array(50).fill(DOWN_PEER) })] };
  assert.match(render(many, 80, 24), /^ {2}… \d+ more$/m);
});

screen('keeps the newest events', () => {
  const events = Array.from({ length: 40 }, (_, i) => ({ time: '14:00:00', text: `number ${i}` }));
  const text = render({ ...STATE, events }, 80, 24);
  assert.match(text, /number 39$/m);
  assert.not.match(text, /number 1$/m);
});

screen('changes nothing but colour with colour', () => {
  const colored = render(STATE, 80, 24, true);
  assert.ok(colored.includes('\x1b[32mup'));
  const plain = colored
    .split('\x1b[')
    .map((part, i) => (i === 0 ? part : part.replace(/^\d+m/, '')))
    .join('')
    .replace(/ +$/gm, '');
  assert.is(plain, render(STATE, 80, 24));
});

screen('says that the nodes are a stand-in, and that the daemon is silent', () => {
  const { daemon, ...silent } = STATE;
  const lines = render({ ...silent, warning: 'STAND-IN: these nodes are played from transcripts' }, 80, 24).split('\n');
  assert.is(lines[1], 'STAND-IN: these nodes are played from transcripts');
  assert.is(lines[2], 'daemon does not answer yet');
});

screen('keeps control characters of others off the terminal', () => {
  const hostile = peer({ remote: 'tcp://\x1b[2J\x07\u202e:1', name: '\n\r\u{1f600}', key: KEY_B });
  const text = render({ ...STATE, nodes: [node('a', { peers: [hostile] })] }, 80, 24);
  assert.not.match(text, /[^\x20-\x7e\n…]/);
  assert.match(text, /tcp:\/\/\?\[2J/);
});

screen.run();

const format = suite('formatBytes, formatAge, formatLatency');
format('keep to their width', () => {
  const bytes: [number | undefined, string][] = [
    [undefined, '-'],
    [0, '0'],
    [999, '999'],
    [1000, '1.0K'],
    [99_400, '99.4K'],
    [999_499, '999K'],
    [999_600, '1.0M'],
    [5e15, '5P'],
  ];
  for (const [value, text] of bytes) assert.is(formatBytes(value), text);
  const ages: [number | undefined, string][] = [
    [undefined, '-'],
    [-5, '0s'],
    [99_000, '99s'],
    [100_000, '2m'],
    [7_200_000, '2h'],
    [864_000_000, '10d'],
  ];
  for (const [value, text] of ages) assert.is(formatAge(value), text);
  const latencies: [number | undefined, string][] = [
    [undefined, '-'],
    [0.04, '0.0ms'],
    [9.94, '9.9ms'],
    [9.96, '10ms'],
    [2310, '2310ms'],
    [60_000, '60s'],
  ];
  for (const [value, text] of latencies) assert.is(formatLatency(value), text);
});
format.run();

const color = suite('wantsColor');
color('asks for a terminal and respects NO_COLOR', () => {
  assert.ok(wantsColor({ TERM: 'xterm' }, true));
  assert.not.ok(wantsColor({ TERM: 'xterm' }, false));
  assert.not.ok(wantsColor({ TERM: 'xterm', NO_COLOR: '1' }, true));
  assert.not.ok(wantsColor({ TERM: 'dumb' }, true));
});
color.run();
