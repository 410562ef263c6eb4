import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { errorText, InputError } from '../../src/errors.ts';
import {
  MAX_SERVICES,
  mergeNodeInfo,
  nodeInfoBytes,
  nodeInfoTable,
  parseAnnouncement,
  readName,
  readServices,
  servicePlace,
  withBlanks,
} from '../../src/lib/node-info.ts';

const URL = 'http://[300:1:2:3::1]:8080/wiki/';
const service = (more: object = {}) => ({ name: 'Wiki', url: URL, ...more });
const parse = (value: unknown) => parseAnnouncement(JSON.stringify(value));

/** Field and text of the refusal. */
function refusal(work: () => unknown): [field: string | undefined, text: string] {
  try {
    work();
  } catch (error) {
    if (error instanceof InputError) return [error.field, errorText(error)];
    throw error;
  }
  return [undefined, 'taken'];
}

const announcement = suite('parseAnnouncement');
announcement('takes a name and services, and carries their blanks', () => {
  assert.equal(parse({ name: ' Our house ', services: [service({ description: 'All we know' })] }), {
    name: 'Our\u00a0house',
    services: [{ name: 'Wiki', url: URL, description: 'All\u00a0we\u00a0know' }],
  });
  assert.equal(parse({ services: [service({ description: '' })] }), { services: [service()] });
});
announcement('tells what is to be removed from what stays', () => {
  assert.equal(parse({ name: null, services: null }), { name: null, services: null });
  assert.equal(parse({}), {});
  assert.equal(parse({ services: [] }), { services: [] });
});
const BAD: [value: unknown, field: string, text: string][] = [
  [[], 'node_info', 'expected the JSON of a table, but it is a list'],
  [null, 'node_info', 'expected the JSON of a table, but it is null'],
  [7, 'node_info', 'expected the JSON of a table, but it is a number'],
  [{ owner: 'x' }, 'owner', 'expected only name and services, got that'],
  [JSON.parse('{"__proto__":{"name":"x"}}'), '__proto__', 'expected only name and services, got that'],
  [{ name: 7 }, 'name', 'expected a text, got number'],
  [{ name: ' ' }, 'name', 'expected 1 to 64 characters, got 0'],
  [{ name: 'x'.repeat(65) }, 'name', 'expected 1 to 64 characters, got 65'],
  [{ name: 'a"b' }, 'name', 'expected no " & \\ and no invisible characters, got """'],
  [{ name: 'a&b' }, 'name', 'expected no " & \\ and no invisible characters, got "&"'],
  [{ name: 'a\\b' }, 'name', 'expected no " & \\ and no invisible characters, got "\\"'],
  [{ name: 'a\nb' }, 'name', 'expected no " & \\ and no invisible characters, got U+000A'],
  [{ name: 'a\u202eb' }, 'name', 'expected no " & \\ and no invisible characters, got U+202E'],
  [{ name: 'a\ud800' }, 'name', 'expected no " & \\ and no invisible characters, got "\ud800"'],
  [{ services: {} }, 'services', 'expected a list, got object'],
  [{ services: 'x' }, 'services', 'expected a list, got string'],
  [{ services: Array(17).fill(service()) }, 'services', 'expected at most 16, got 17'],
  [{ services: [service(), null] }, 'services[1]', 'expected a table, got null'],
  [{ services: [[]] }, 'services[0]', 'expected a table, got a list'],
  [{ services: [service({ port: 1 })] }, 'services[0].port', 'expected only name, url, description, got that'],
  [{ services: [{ url: URL }] }, 'services[0].name', 'expected a text, got none'],
  [{ services: [{ name: 'x' }] }, 'services[0].url', 'expected a text, got none'],
  [
    { services: [service({ description: 'x'.repeat(201) })] },
    'services[0].description',
    'expected 1 to 200 characters, got 201',
  ],
  [
    { services: [service({ url: 'wiki' })] },
    'services[0].url',
    'expected scheme://host, or scheme://host:port/path, got "wiki"',
  ],
  [
    { services: [service({ url: 'http://x/?a=1&b=2' })] },
    'services[0].url',
    'expected letters, digits and !#$%\'()*+,-./:;=?@[]_~ (others are written %XX), got "&"',
  ],
  [
    { services: [service({ url: 'JavaScript://x/%0aalert(1)' })] },
    'services[0].url',
    'expected a scheme that goes to a host, got JavaScript',
  ],
  [
    { services: [service({ url: 'ssh://me@x' })] },
    'services[0].url',
    'expected a host: an address, in brackets where it has colons, or a name, got "me@x"',
  ],
  [
    { services: [service({ url: 'http://x:65536/' })] },
    'services[0].url',
    'expected a port from 1 to 65535, got "65536"',
  ],
  [{ services: [service({ url: 'http://x:' })] }, 'services[0].url', 'expected a port from 1 to 65535, got ""'],
];
for (const [value, field, text] of BAD)
  announcement(`refuses ${JSON.stringify(value).slice(0, 60)}`, () => {
    assert.equal(
      refusal(() => parse(value)),
      [field, `${field}: ${text}`],
    );
  });
announcement('refuses what is no JSON without quoting it', () => {
  assert.equal(
    refusal(() => parseAnnouncement('{"name":"secret')),
    ['node_info', 'node_info: expected the JSON of a table, but it cannot be read'],
  );
  assert.is(refusal(() => parseAnnouncement('['.repeat(60_000)))[0], 'node_info');
});
announcement('bounds what it says of a long name of a field', () => {
  assert.ok(refusal(() => parse({ ['x'.repeat(60_000)]: 1 }))[1].length < 200);
});
announcement.run();

const merge = suite('mergeNodeInfo');
merge('leaves other members where they are, and as they are', () => {
  const old = '{"contact":{"irc":["#mesh",1,null]},"name":"old","n":1.5}';
  assert.is(
    mergeNodeInfo(old, { name: 'new', services: [service()] }),
    `{"contact":{"irc":["#mesh",1,null]},"name":"new","n":1.5,"services":[{"name":"Wiki","url":"${URL}"}]}`,
  );
  assert.is(mergeNodeInfo(old, { name: null }), '{"contact":{"irc":["#mesh",1,null]},"n":1.5}');
  assert.is(mergeNodeInfo('{"__proto__":1}', { name: 'x' }), '{"__proto__":1,"name":"x"}');
});
merge('writes nothing that the way to Yggdrasil would lose', () => {
  assert.is(mergeNodeInfo('{ "a note": "two  words",\n\t"b": 1 }'), '{"a\u00a0note":"two\u00a0\u00a0words","b":1}');
  const { name, services } = parse({ name: "it's $(x) `y` *?[a] %s é 😀", services: [service()] });
  assert.not.match(mergeNodeInfo('', { name: name!, services: services! }), /[ \t\n&\\]/);
});
merge('makes one, and leaves none', () => {
  assert.is(mergeNodeInfo('', { name: 'x' }), '{"name":"x"}');
  assert.is(mergeNodeInfo('null', { name: 'x' }), '{"name":"x"}');
  assert.is(mergeNodeInfo('{"name":"x","services":[]}', { name: null, services: [] }), '');
  assert.is(mergeNodeInfo(''), '');
});
for (const [old, text] of [
  ['{"name":"x"', 'node_info: expected the JSON of a table in the configuration, but it cannot be read'],
  ['["x"]', 'node_info: expected the JSON of a table in the configuration, but it is a list'],
  ['{"a":"b&c"}', 'node_info.a: expected no text that is written with & or \\, got &'],
  ['{"a":["b\\n"]}', 'node_info.a: expected no text that is written with & or \\, got \\'],
  ['{"a&":1}', 'node_info.a&: expected no text that is written with & or \\, got &'],
] as const)
  merge(`refuses to build on ${old}`, () => assert.is(refusal(() => mergeNodeInfo(old, { name: 'x' }))[1], text));
merge('keeps to what Yggdrasil takes', () => {
  const old = (length: number) => JSON.stringify({ text: 'x'.repeat(length) });
  const rest = 16_384 - 80 - old(0).length;
  assert.is(mergeNodeInfo(old(rest)), old(rest));
  assert.is(
    refusal(() => mergeNodeInfo(old(rest + 1)))[1],
    'node_info: expected at most 16384 bytes in all, got 16385',
  );
  const all = Array(MAX_SERVICES).fill({ name: 'é'.repeat(64), url: URL, description: '😀'.repeat(100) });
  assert.ok(mergeNodeInfo('', parse({ services: all })).length < 16_384);
});
merge.run();

const table = suite('nodeInfoTable');
table('tells a table from what is none', () => {
  assert.equal(nodeInfoTable('{"a":1}'), { a: 1 });
  assert.is(nodeInfoTable('null'), undefined);
  assert.is(nodeInfoTable('"secret"'), 'it is a string');
  assert.is(nodeInfoTable('secret'), 'it cannot be read');
});
table('is measured as Go writes it', () => {
  assert.is(nodeInfoBytes({ a: 'é' }), 10);
  assert.is(nodeInfoBytes({ a: '<' }), 14);
  assert.is(nodeInfoBytes({ a: '\u2028' }), 14);
});
table.run();

const read = suite('readServices');
read('gives back what was announced', () => {
  const given = {
    name: 'Our house',
    services: [service({ description: 'All we know' }), service({ url: 'mumble://x' })],
  };
  const written: unknown = JSON.parse(mergeNodeInfo('', parse(given)));
  assert.is(readName(written), given.name);
  assert.equal(readServices(written), given.services);
});
read('leaves out what cannot be shown, and cleans the rest', () => {
  const list = [
    null,
    7,
    [],
    {},
    { name: 'x' },
    { name: 'x', url: 'javascript://x/%0aalert(1)' },
    { name: '\u202e\u0007', url: URL },
    { name: '\u202e<b>x', url: URL, description: 7 },
    { name: 'x'.repeat(1e6), url: URL, description: 'y'.repeat(1e6) },
  ];
  assert.equal(readServices({ services: list }), [
    { name: '<b>x', url: URL },
    { name: 'x'.repeat(64), url: URL, description: 'y'.repeat(200) },
  ]);
  assert.is(readServices({ services: Array(1000).fill(service()) }).length, MAX_SERVICES);
});
for (const strange of [undefined, null, 7, 'x', [], { name: [] }, { name: '', services: {} }, { services: 'x' }])
  read(`finds nothing in ${JSON.stringify(strange)}`, () => {
    assert.is(readName(strange), undefined);
    assert.equal(readServices(strange), []);
  });
read.run();

const urls = suite('servicePlace');
for (const url of [
  'http://[200::1]',
  'https://wiki.example:443/a?b=c#d',
  'ssh://10.0.0.1:22',
  'xmpp://chat.example',
  'MATRIX://x_y.example./',
  'mqtt://a-b',
  'git+ssh://x/y',
])
  urls(`takes ${url}`, () => assert.ok(servicePlace(url)));
for (const url of [
  '',
  'x',
  'http:/x',
  'http://',
  'http:///x',
  '//x',
  'http://a b',
  'http://é',
  'http://[200::1',
  'http://200::1',
  'http://a:0',
  'http://a:1:2',
  'http://a\\b',
  'http://<b>',
  'data://x',
  'file://x/etc/passwd',
  `http://${'x'.repeat(260)}`,
  undefined,
  7,
])
  urls(`refuses ${url}`, () => assert.not.ok(servicePlace(url)));
urls('tells scheme, host and port', () => {
  assert.equal(servicePlace('HTTPS://[200:1::2]:8443/a'), { scheme: 'https', host: '200:1::2', port: 8443 });
  assert.equal(servicePlace('odd://wiki.example'), { scheme: 'odd', host: 'wiki.example' });
});
urls.run();

const blanks = suite('withBlanks');
blanks('turns back what travelled', () => assert.is(withBlanks('a\u00a0b c'), 'a b c'));
blanks.run();
