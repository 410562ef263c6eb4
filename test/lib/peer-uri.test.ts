import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.ts';
import { identityOf, redact, withOptions } from '../../src/lib/peer-text.ts';
import { type PeerUri, parsePeerUri } from '../../src/lib/peer-uri.ts';

const KEY = '4512203662748b353e55c974da1247501b28711f0135fb3dab9ef82894adee11';

const GOOD: [string, Partial<PeerUri>][] = [
  [
    'tcp://10.99.0.2:4002',
    { scheme: 'tcp', host: '10.99.0.2', port: 4002, keys: [], identity: 'tcp://10.99.0.2:4002' },
  ],
  ['TLS://mesh.example.org:443', { scheme: 'tls', host: 'mesh.example.org', uri: 'tls://mesh.example.org:443' }],
  ['tls://node_1.example.:1', { host: 'node_1.example.' }],
  ['tls://[2001:db8::1]:65535', { host: '2001:db8::1', port: 65535 }],
  ['tls://[::ffff:192.0.2.1]:1', { host: '::ffff:192.0.2.1' }],
  ['tls://[1:2:3:4:5:6:7:8]:1', { host: '1:2:3:4:5:6:7:8' }],
  ['tls://[fe80::1%25mesh0]:1', { host: 'fe80::1%mesh0', uri: 'tls://[fe80::1%25mesh0]:1' }],
  ['tls://[fe80::1%mesh0]:1', { host: 'fe80::1%mesh0', uri: 'tls://[fe80::1%25mesh0]:1' }],
  ['quic://10.99.0.2:4003', { scheme: 'quic' }],
  ['ws://10.99.0.2:80', { scheme: 'ws', host: '10.99.0.2', port: 80 }],
  [
    'wss://mesh.example.org:443/ygg/in',
    { scheme: 'wss', path: '/ygg/in', identity: 'wss://mesh.example.org:443/ygg/in' },
  ],
  ['socks://10.99.0.2:1080/1.2.3.4:5', { scheme: 'socks', host: '10.99.0.2', port: 1080, path: '1.2.3.4:5' }],
  ['sockstls://me:secret@[::1]:9050/abcdefgh.onion:80', { scheme: 'sockstls', host: '::1', path: 'abcdefgh.onion:80' }],
  ['unix:///run/ygg/peer.sock', { scheme: 'unix', path: '/run/ygg/peer.sock', identity: 'unix:///run/ygg/peer.sock' }],
  [`tls://a:1?key=${KEY.toUpperCase()}`, { keys: [KEY], identity: 'tls://a:1' }],
  [`tls://a:1?key=${KEY}&key=${KEY.replace('4', '5')}`, { keys: [KEY, KEY.replace('4', '5')] }],
  ['tls://a:1?priority=0', { priority: 0 }],
  ['tls://a:1?priority=254', { priority: 254 }],
  ['tls://a:1?password=p%26w%C3%BC+x', { password: 'p&wü x' }],
  [`tls://a:1?password=${'x'.repeat(64)}`, { password: 'x'.repeat(64) }],
  ['tls://a:1?maxbackoff=5s', { maxBackoffMs: 5000 }],
  ['tls://a:1?maxbackoff=1h8m16s', { maxBackoffMs: 4_096_000 }],
  ['tls://a:1?maxbackoff=1.5m', { maxBackoffMs: 90_000 }],
  ['tls://1.2.3.4:1?sni=mesh.example.org', { sni: 'mesh.example.org' }],
  ['ws://a:1?origin=https://mesh.example.org', { origin: 'https://mesh.example.org' }],
  ['tls://a:1?', { uri: 'tls://a:1' }],
];

const BAD: [string, RegExp][] = [
  ['', /uri: scheme: expected one of tcp, .* got none/],
  ['10.0.0.1:80', /scheme: .* got none/],
  ['http://x:1', /scheme: expected one of .*, got "http"/],
  ['tcp:10.0.0.1:80', /scheme/],
  ['tcp://', /host: expected an address.*got none/],
  ['tcp://1.2.3.4', /host port: expected 1 to 65535, got none/],
  ['tcp://1.2.3.4:', /host port: .* got none/],
  ['tcp://1.2.3.4:0', /host port: .* got "0"/],
  ['tcp://1.2.3.4:65536', /host port: .* got "65536"/],
  ['tcp://1.2.3.4:080', /host port: .* got "080"/],
  ['tcp://1.2.3.4:http', /host port: .* got "http"/],
  ['tcp://1.2.3:5', /expected an IPv4 address of 4 numbers/],
  ['tcp://1.2.3.256:5', /IPv4 address/],
  ['tcp://1.2.3.04:5', /IPv4 address/],
  ['tcp://-a:5', /host: expected an address, or a name.* got "-a"/],
  ['tcp://a..b:5', /host: /],
  [`tcp://${'a'.repeat(64)}:5`, /host: /],
  ['tcp://mäsh:5', /host: /],
  ['tcp://2001:db8::1:5', /host: expected an IPv6 address in brackets/],
  ['tcp://[::1', /in brackets/],
  ['tcp://[::1]', /host port: .* got none/],
  ['tcp://[::1]x:5', /host port/],
  ['tcp://[1:2]:5', /expected an IPv6 address in the brackets, got "1:2"/],
  ['tcp://[1::2::3]:5', /IPv6 address/],
  ['tcp://[12345::1]:5', /IPv6 address/],
  ['tcp://[::1.2.3]:5', /IPv6 address/],
  ['tcp://[1.2.3.4::]:5', /IPv6 address/],
  ['tcp://[mesh.example.org]:5', /IPv6 address/],
  ['tcp://[fe80::1%25]:5', /host zone: expected a network device/],
  ['tcp://[fe80::1%averylongdevicename]:5', /host zone/],
  ['tcp://[200::1]:5', /outside 200::\/7.* got "200::1"/],
  ['tls://[3ff:1:2:3:4:5:6:7]:5', /outside 200::\/7/],
  ['tls://[0301:ebb7::1]:5', /outside 200::\/7/],
  ['socks://10.0.0.1:1080/[201::1]:5', /target: expected an address outside 200::\/7/],
  ['socks://10.0.0.1:1080', /target: expected socks:\/\/proxy:port\/host:port, got none/],
  ['socks://10.0.0.1/1.2.3.4:5', /proxy port: /],
  ['socks://10.0.0.1:1080/1.2.3.4', /target port: /],
  ['tls://user@a:1', /user: expected none with tls/],
  ['tls://a:1/path', /path: expected none with tls, got "\/path"/],
  ['unix://relative', /path: expected unix:\/\/\/absolute\/path/],
  ['unix:///', /path: /],
  [`unix:///${'x'.repeat(107)}`, /path: expected at most 107 bytes, got 108/],
  ['tls://a:1#x', /expected no #/],
  ['tls://a: 1', /no white space/],
  ['tls://a:1\n', /no white space/],
  [`tls://${'a'.repeat(2050)}`, /at most 2048 characters, got 2056/],
  ['tls://a:1?key=abcd', /key: expected 64 hex digits, got "abcd"/],
  [`tls://a:1?key=${KEY}0`, /key: /],
  [`tls://a:1?${Array(17).fill(`key=${KEY}`).join('&')}`, /key: expected at most 16/],
  ['tls://a:1?key=', /key: expected key=value, got none/],
  ['tls://a:1?priority=255', /priority: expected 0 to 254, got "255"/],
  ['tls://a:1?priority=-1', /priority: /],
  ['tls://a:1?priority=1&priority=2', /priority: expected once/],
  ['tls://a:1?maxbackoff=4s', /maxbackoff: expected a duration of at least 5s.* got "4s"/],
  ['tls://a:1?maxbackoff=60', /maxbackoff: /],
  ['tls://a:1?maxbackoff=1d', /maxbackoff: /],
  ['tls://a:1?sni=a/b', /sni: /],
  ['tls://a:1?sni=%zz', /sni: expected %XX/],
  ['tls://a:1?origin=mesh', /origin: expected scheme:\/\/host, got "mesh"/],
  ['tls://a:1?Priority=1', /option: expected one of key, priority, password, maxbackoff, sni, origin.* got "Priority"/],
  ['tls://a:1?toString=1', /option: /],
  ['tls://a:1?sni=a;b', /sni: expected no ;/],
  ['tls://a:1?&', /option: .* got none/],
  [`tls://a:1?password=${'x'.repeat(65)}`, /password: expected at most 64 bytes, got 65/],
  [`tls://a:1?password=${'ü'.repeat(33)}`, /password: expected at most 64 bytes, got 66/],
];

const SECRET = [
  'tls://a:1?password=hunter2&x=1',
  'tls://a:1?password=tail&hunter2',
  'tls://a:1?hunter2&password=x',
  'tls://a:1?password=hunter2;x',
  'tls://a:1?password=hunter2%zz',
  'tls://a:99999?password=hunter2',
  'tls://user:hunter2@a:1',
  'tls://user:hunter2@a',
  'socks://user:hunter2@a:1',
  'socks://user:hunter2/x@a:1/b:1',
  'socks://user:hunter2?x@a:1/b:1',
  'socks://user:hunter2?x=y@a:1/b:1',
  'unix://user:hunter2@a',
  'user:hunter2@a:1',
  'tls://a:1 ?password=hunter2',
  `tls://a:1?password=hunter2${'2'.repeat(64)}`,
  'tls://a:1?Password=hunter2',
];

const parse = suite('parsePeerUri');
for (const [text, expected] of GOOD) {
  parse(`takes ${text.slice(0, 60)}`, () => {
    const found = parsePeerUri(text);
    for (const [name, value] of Object.entries(expected))
      assert.equal(found[name as keyof PeerUri], value, `~> ${name}`);
    assert.is(identityOf(text), found.identity, '~> identityOf agrees');
    assert.is(parsePeerUri(found.uri).uri, found.uri, '~> its result is taken as it is');
  });
}
for (const [text, message] of BAD) {
  parse(`refuses ${JSON.stringify(text.slice(0, 60))}`, () => {
    try {
      parsePeerUri(text);
      assert.unreachable('~> accepted');
    } catch (error) {
      assert.instance(error, InputError);
      assert.match((error as Error).message, message);
      assert.is((error as InputError).field, 'uri');
      assert.ok((error as Error).message.length < 300, '~> bounded');
    }
  });
}
for (const text of SECRET) {
  parse(`keeps the secret when it refuses ${text.slice(0, 50)}`, () => {
    try {
      parsePeerUri(text);
      assert.unreachable('~> accepted');
    } catch (error) {
      assert.instance(error, InputError);
      assert.not.match((error as Error).message, /hunter/);
      assert.is((error as Error).cause, undefined);
    }
  });
}
parse.run();

// ---

const identity = suite('identityOf');
const IDENTITIES: [string, string][] = [
  ['TLS://A.example:1?key=x', 'tls://A.example:1'],
  ['tls://[fe80::1%mesh0]:1?priority=1', 'tls://[fe80::1%25mesh0]:1'],
  ['tls://[fe80::1%25mesh0]:1', 'tls://[fe80::1%25mesh0]:1'],
  ['socks://u:p@a:1/b:2?x=?', 'socks://u:p@a:1/b:2'],
  ['', ''],
  ['nonsense', 'nonsense'],
];
for (const [uri, expected] of IDENTITIES)
  identity(`of ${JSON.stringify(uri)} is ${JSON.stringify(expected)}`, () => assert.is(identityOf(uri), expected));
identity.run();

// ---

const redaction = suite('redact');
const REDACTED: [string, string][] = [
  ['tls://a:1', 'tls://a:1'],
  [`tls://a:1?key=${KEY}&priority=1&sni=b.example`, `tls://a:1?key=${KEY}&priority=1&sni=b.example`],
  ['tls://a:1?password=hunter2&priority=1', 'tls://a:1?password=…&priority=1'],
  ['socks://me:hunter2@a:1/b:2', 'socks://…@a:1/b:2'],
  ['tls://a:1?hunter2', 'tls://a:1?…'],
  ['tls://a:1?sni=x;password=hunter2', 'tls://a:1?…'],
];
for (const [uri, expected] of REDACTED) redaction(`shows ${expected}`, () => assert.is(redact(uri), expected));
for (const uri of SECRET)
  redaction(`hides the secret of ${uri.slice(0, 50)}`, () => assert.not.match(redact(uri), /hunter/));
redaction.run();

// ---

const options = suite('withOptions');
for (const [uri, other, whole] of [
  ['tcp://a:1', 'tcp://b:2', 'tcp://a:1'],
  ['tcp://a:1?', '', 'tcp://a:1'],
  ['tcp://a:1', '?key=00', 'tcp://a:1?key=00'],
  ['tcp://a:1?priority=1&password=x', 'tcp://a:1?priority=2', 'tcp://a:1?password=x&priority=2'],
  ['tcp://a:1?key=1&key=2&sni=b', '?key=3&key=4', 'tcp://a:1?sni=b&key=3&key=4'],
] as const)
  options(`makes ${whole} of ${uri} and ${other}`, () => assert.is(withOptions(uri, other), whole));
options.run();
