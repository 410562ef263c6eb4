import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.ts';
import {
  formatPublicPeers,
  hostOf,
  isPublicAddress,
  operatorOf,
  parsePublicPeers,
  rankOf,
} from '../../src/lib/public-peers.ts';

const KEY = 'ab'.repeat(32);
const LIST = JSON.stringify({
  'germany.md': {
    'tls://Ygg1.example.org:443': { up: true, key: KEY.toUpperCase(), last_seen: 1_700_000_000, response_ms: 31 },
    'quic://ygg1.example.org:443': { up: true, key: KEY },
    'tcp://ygg1.example.org:80': { up: false, key: KEY },
  },
  'other/united-states.md': { 'wss://203.0.113.5:443/p': { up: true }, 'ws://[2001:db8::1]:80': {} },
});

const parse = suite('parsePublicPeers');
parse('takes what TCP reaches and is not marked as down', () => {
  assert.equal(parsePublicPeers(LIST), [
    { uri: 'tls://Ygg1.example.org:443', host: 'ygg1.example.org', port: 443, region: 'germany', key: KEY },
    { uri: 'wss://203.0.113.5:443/p', host: '203.0.113.5', port: 443, region: 'united-states' },
    { uri: 'ws://[2001:db8::1]:80', host: '2001:db8::1', port: 80, region: 'united-states' },
  ]);
});
parse('takes the key that an address names where the list tells none', () => {
  const [peer] = parsePublicPeers(JSON.stringify({ x: { [`tls://h.example:1?key=${KEY}`]: {} } }));
  assert.is(peer!.key, KEY);
});
for (const [what, list] of Object.entries({
  'regions that are no tables': { a: 1, b: null, c: ['tls://h.example:1'], d: 'tls://h.example:1' },
  'schemes that are not measured': { a: { 'socks://p.example:1/h.example:2': {}, 'unix:///x': {}, 'http://h:1': {} } },
  'addresses that are none': { a: { '': {}, 'tls://h.example': {}, 'tls://h.example:0': {}, '<script>': {} } },
  'addresses that are too long': { a: { [`tls://h.example:1?sni=${'a.'.repeat(130)}b`]: {} } },
  'nodes inside the mesh': { a: { 'tls://[200::1]:1': {} } },
}))
  parse(`passes over ${what}`, () => assert.equal(parsePublicPeers(JSON.stringify(list)), []));
parse('tolerates facts of any kind, and names no hostile region or key', () => {
  const text = `{"__proto__":{"tls://a.example:1":null},"<b>":{"tls://b.example:1":{"key":7,"up":"no"}},
    "constructor":{"tls://c.example:1":[1],"tls://a.example:1":{}}}`;
  assert.equal(parsePublicPeers(text), [
    { uri: 'tls://a.example:1', host: 'a.example', port: 1, region: '' },
    { uri: 'tls://b.example:1', host: 'b.example', port: 1, region: '' },
    { uri: 'tls://c.example:1', host: 'c.example', port: 1, region: 'constructor' },
  ]);
});
parse('takes 1024 at most', () => {
  const entries = Array.from({ length: 1030 }, (_, i) => [`tls://h${i}.example:1`, {}]);
  assert.is(parsePublicPeers(JSON.stringify({ a: Object.fromEntries(entries) })).length, 1024);
});
for (const [text, message] of [
  ['', /^list: expected the JSON of publicnodes\.json, got /],
  ['['.repeat(50_000), /^list: expected the JSON of publicnodes\.json, got /],
  ['[]', /^list: expected a table of regions, got a list$/],
  ['null', /^list: expected a table of regions, got object$/],
  [`"${'x'.repeat(1_000_000)}"`, /^list: expected at most 1000000 characters, got 1000002$/],
] as const)
  parse(`refuses ${text.slice(0, 8) || 'nothing'}`, () =>
    assert.throws(
      () => parsePublicPeers(text),
      (error: unknown) => error instanceof InputError && error.field === 'list' && message.test(error.message),
    ),
  );
parse.run();

const format = suite('formatPublicPeers');
format('says what is read again, and no more', () => {
  const peers = parsePublicPeers(LIST);
  const text = formatPublicPeers(peers);
  assert.equal(parsePublicPeers(text), peers);
  assert.is(
    text,
    `{"germany":{"tls://Ygg1.example.org:443":{"key":"${KEY}"}},"united-states":{"wss://203.0.113.5:443/p":{},"ws://[2001:db8::1]:80":{}}}`,
  );
});
format('keeps regions apart from what every object has', () => {
  const peers = parsePublicPeers('{"constructor":{"tls://c.example:1":{}}}');
  assert.equal(parsePublicPeers(formatPublicPeers(peers)), peers);
});
format.run();

const operators = suite('operatorOf');
for (const [host, operator] of Object.entries({
  'example.org': 'example.org',
  'a.b.example.org': 'example.org',
  'a.example.org.': 'example.org',
  'ygg.example.co.uk': 'example.co.uk',
  'ygg.example.com.br': 'example.com.br',
  'ygg.mesh.de': 'mesh.de',
  'ygg.net': 'ygg.net',
  localhost: 'localhost',
  '203.0.113.5': '203.0.113.0/24',
  '2001:db8:12:34::1': '2001:db8:12::/48',
  '2001:0db8::1': '2001:db8:0::/48',
  '2001:db8::': '2001:db8:0::/48',
}))
  operators(`of ${host} is ${operator}`, () => assert.is(operatorOf(host), operator));
operators.run();

const hosts = suite('hostOf');
for (const [uri, host] of Object.entries({
  'tls://A.example:443?key=1': 'a.example',
  'tcp://[2001:DB8::1]:1': '2001:db8::1',
  'tcp://[fe80::1%25eth0]:1': 'fe80::1%25eth0',
  'wss://a.example/path:1': 'a.example',
  'no address': '',
  '': '',
}))
  hosts(`of ${uri || 'nothing'} is ${host || 'empty'}`, () => assert.is(hostOf(uri), host));
hosts.run();

const ranks = suite('rankOf');
ranks('prefers tls, tcp, wss, ws', () => {
  const peer = (scheme: string) => ({ uri: `${scheme}://h.example:1`, host: 'h.example', port: 1, region: '' });
  const schemes = ['ws', 'tcp', 'wss', 'tls'].sort((a, b) => rankOf(peer(a)) - rankOf(peer(b)));
  assert.equal(schemes, ['tls', 'tcp', 'wss', 'ws']);
});
ranks.run();

const addresses = suite('isPublicAddress');
for (const address of ['203.0.113.5', '100.63.0.1', '172.32.0.1', '192.169.0.1', '223.255.255.1', '2001:db8::1'])
  addresses(`takes ${address}`, () => assert.ok(isPublicAddress(address)));
for (const address of [
  ...['0.0.0.0', '10.1.2.3', '127.0.0.1', '100.64.0.1', '169.254.1.1', '172.16.0.1', '172.31.9.9', '192.168.1.1'],
  ...['224.0.0.1', '255.255.255.255', '::1', '::', 'fe80::1', 'fd00::1', '200::1', '::ffff:192.168.1.1', '64:ff9b::1'],
  ...['', 'example.org'],
])
  addresses(`takes not ${address || 'nothing'}`, () => assert.not(isPublicAddress(address)));
addresses.run();
