import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.ts';
import {
  formatEndpoint,
  MAX_SOCKET_PATH_BYTES,
  parseEndpoint,
  socketPathProblem,
} from '../../src/transport/endpoint.ts';
import type { Endpoint } from '../../src/transport/host.ts';

const ENDPOINTS: [string, Endpoint][] = [
  ['unix:///tmp/yggdrasil/ygg0.sock', { path: '/tmp/yggdrasil/ygg0.sock' }],
  ['unix:///a b:1', { path: '/a b:1' }],
  ['unix://@yggdrasil', { path: '@yggdrasil' }],
  ['tcp://localhost:9001', { host: 'localhost', port: 9001 }],
  ['tcp://127.0.0.1:1', { host: '127.0.0.1', port: 1 }],
  ['tcp://[::1]:65535', { host: '::1', port: 65535 }],
  ['tcp://[fe80::1%eth0]:9001', { host: 'fe80::1%eth0', port: 9001 }],
  ['tcp://node-1.my_lan.example.:9001', { host: 'node-1.my_lan.example.', port: 9001 }],
];

const REFUSED: [string, RegExp][] = [
  ['', /expected unix:\/\/\/path or tcp:\/\/host:port, got ""/],
  ['localhost', /expected unix:\/\/\/path or tcp/],
  ['/tmp/x.sock', /expected unix:\/\/ before a path, got "\/tmp\/x.sock"/],
  ['@name', /expected unix:\/\/ before a path/],
  ['unix://', /expected an absolute path or @name/],
  ['unix://tmp/x', /expected an absolute path/],
  ['unix:///', /expected an absolute path/],
  ['unix:///a\nb', /without control characters/],
  ['unix:///a\0b', /without control characters/],
  [`unix:///${'ö'.repeat(54)}`, /at most 107 bytes, it has 109/],
  ['tls://host:1', /expected unix:\/\/\/path or tcp/],
  ['TCP://host:1', /expected unix:\/\/\/path or tcp/],
  ['host:', /expected unix/],
  [':9001', /expected a host name or an address/],
  ['host:0', /expected a port from 1 to 65535, got "host:0"/],
  ['host:65536', /expected a port/],
  ['host:123456', /expected unix/],
  ['host:+1', /expected unix/],
  ['::1:9001', /expected unix/],
  ['[::1]', /expected unix/],
  ['[host]:1', /expected a host name or an address/],
  ['[1:2]:1x', /expected unix/],
  ['user@host:1', /expected a host name/],
  ['-x:1', /expected a host name/],
  ['a..b:1', /expected a host name/],
  [`${'a'.repeat(254)}:1`, /expected a host name/],
  ['host:1\n', /expected unix/],
];

const parse = suite('parseEndpoint');
for (const [text, endpoint] of ENDPOINTS) parse(`reads ${text}`, () => assert.equal(parseEndpoint(text), endpoint));
parse('reads a place without its scheme', () => {
  assert.equal(parseEndpoint('localhost:9001'), { host: 'localhost', port: 9001 });
  assert.equal(parseEndpoint('[::1]:9001'), { host: '::1', port: 9001 });
});
for (const [text, message] of REFUSED)
  parse(`refuses ${JSON.stringify(text).slice(0, 60)}`, () => {
    assert.throws(
      () => parseEndpoint(text),
      (error: Error) => error instanceof InputError && message.test(error.message),
    );
  });
parse.run();

const format = suite('formatEndpoint');
for (const [text, endpoint] of ENDPOINTS) format(`writes ${text}`, () => assert.is(formatEndpoint(endpoint), text));
format.run();

const path = suite('socketPathProblem');
path('takes what fits into a socket address', () => {
  assert.is(socketPathProblem(`/${'x'.repeat(MAX_SOCKET_PATH_BYTES - 1)}`), undefined);
  assert.match(socketPathProblem(`/${'x'.repeat(MAX_SOCKET_PATH_BYTES)}`) ?? '', /at most 107 bytes, it has 108/);
  assert.is(socketPathProblem('@a'), undefined);
  assert.match(socketPathProblem('a') ?? '', /absolute path/);
});
path.run();
