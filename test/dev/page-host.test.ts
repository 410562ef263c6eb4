import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type PageHost, startPageHost } from '../../src/dev/page-host/host.ts';
import { luciRoots } from '../../src/dev/page-host/luci.ts';
import { type Answerer, answerUbus } from '../../src/dev/page-host/ubus.ts';

const SESSION = '0'.repeat(32);
const answer: Answerer = ({ object, method, args }) => {
  if (object !== 'meshbridge') return 'absent';
  if (method === 'reload') return 'denied';
  if (method === 'lint') throw new Error('made to fail');
  return args.empty ? { status: 0 } : { status: 0, reply: { args } };
};
function call(id: number, object: string, method: string, args: unknown = {}): object {
  return { jsonrpc: '2.0', id, method: 'call', params: [SESSION, object, method, args] };
}

const ubus = suite('answerUbus');
const ANSWERS: [string, unknown, unknown][] = [
  ['a call', call(1, 'meshbridge', 'status', { a: 1 }), { id: 1, result: [0, { args: { a: 1 } }] }],
  ['a call without a reply', call(2, 'meshbridge', 'status', { empty: true }), { id: 2, result: [0] }],
  ['an unknown object', call(3, 'mesh', 'status'), { id: 3, error: { code: -32000, message: 'Object not found' } }],
  ['a forbidden call', call(4, 'meshbridge', 'reload'), { id: 4, error: { code: -32002, message: 'Access denied' } }],
  ['a failure of ours', call(5, 'meshbridge', 'lint'), { id: 5, error: { code: -32603, message: 'Internal error' } }],
  ['the probe', { jsonrpc: '2.0', id: 'init', method: 'list' }, { id: 'init', result: {} }],
  [
    'another method',
    { jsonrpc: '2.0', id: 6, method: 'x' },
    { id: 6, error: { code: -32601, message: 'Method not found' } },
  ],
  ['another protocol', { id: 7, method: 'call' }, { id: null, error: { code: -32600, message: 'Invalid request' } }],
  ['no table', 7, { id: null, error: { code: -32600, message: 'Invalid request' } }],
  [
    'no parameters',
    { jsonrpc: '2.0', id: 8, method: 'call' },
    { id: 8, error: { code: -32602, message: 'Invalid parameters' } },
  ],
  [
    'a list as arguments',
    call(9, 'meshbridge', 'status', []),
    { id: 9, error: { code: -32602, message: 'Invalid parameters' } },
  ],
  [
    'a session among the arguments',
    call(10, 'meshbridge', 'status', { ubus_rpc_session: SESSION }),
    { id: 10, error: { code: -32602, message: 'Invalid parameters' } },
  ],
];
for (const [what, message, expected] of ANSWERS)
  ubus(`answers ${what} as uhttpd does`, async () => {
    const said: string[] = [];
    const reply = await answerUbus(JSON.stringify(message), answer, (line) => said.push(line));
    assert.equal(reply, { jsonrpc: '2.0', ...(expected as object) });
    assert.equal(said, what === 'a failure of ours' ? ['meshbridge.lint: made to fail'] : []);
  });
ubus('answers a list in its order', async () => {
  const messages = ANSWERS.map(([, message]) => message);
  const replies = await answerUbus(JSON.stringify(messages), answer, () => {});
  assert.equal(
    replies,
    ANSWERS.map(([, , expected]) => ({ jsonrpc: '2.0', ...(expected as object) })),
  );
});
ubus('refuses what is no JSON', async () => {
  const error = { code: -32700, message: 'Parse error' };
  assert.equal(await answerUbus('{', answer, () => {}), { jsonrpc: '2.0', id: null, error });
});
ubus.run();

// ---

const host = suite<{ host: PageHost; directory: string; faults: string[] }>('startPageHost');
host.before(async (context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'meshbridge-host-'));
  writeFileSync(join(context.directory, 'secret.js'), 'secret');
  const root = join(context.directory, 'www');
  mkdirSync(join(root, 'luci-static/resources'), { recursive: true });
  writeFileSync(join(root, 'luci-static/resources/luci.js'), 'made');
  context.faults = [];
  const files = [{ path: 'view/meshbridge/status-0123abcd.js', bytes: new TextEncoder().encode('return 1;') }];
  const menu = {
    'admin/mesh': { title: 'Mesh', order: 1, action: { type: 'firstchild' } },
    'admin/mesh/status': { title: 'Status', order: 1, action: { type: 'view', path: 'meshbridge/status-0123abcd' } },
  };
  const pages = { files, menu: JSON.stringify(menu) };
  context.host = await startPageHost({ pages, luci: root, answer, log: (line) => context.faults.push(line) });
});
host.after(async ({ host, directory }) => {
  await host.close();
  rmSync(directory, { recursive: true });
});

/** Without the URL parser, which would tidy the path. */
function get(base: string, path: string, options: object = {}): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const { body, ...rest } = options as { body?: string };
    request({ hostname, port, path, ...rest }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode!, text: Buffer.concat(chunks).toString() }));
    })
      .on('error', reject)
      .end(body);
  });
}

const REQUESTS: [string, string, object, number][] = [
  ['a page', '/cgi-bin/luci/admin/mesh/status', {}, 200],
  ['a view', '/luci-static/resources/view/meshbridge/status-0123abcd.js?v=1', {}, 200],
  ["a file of LuCI's", '/luci-static/resources/luci.js', {}, 200],
  ['the menu', '/cgi-bin/luci/admin/menu', {}, 200],
  ['a call', '/ubus/meshbridge.status', { method: 'POST', body: '{}' }, 200],
  ['no page for the parent of pages', '/cgi-bin/luci/admin/mesh', {}, 404],
  ['no page that the menu lacks', '/cgi-bin/luci/admin/mesh/map', {}, 404],
  ['no page named as what every object has', '/cgi-bin/luci/admin/constructor/name', {}, 404],
  ['nothing outside', '/../secret.js', {}, 404],
  ['nothing outside, encoded', '/%2e%2e/secret.js', {}, 404],
  ['nothing outside, encoded twice', '/luci-static/..%2f..%2f..%2fsecret.js', {}, 404],
  ['no directory', '/luci-static', {}, 404],
  ['no path that is none', '/%ff', {}, 400],
  ['no call by GET', '/ubus', {}, 405],
  ['no file by POST', '/luci-static/resources/luci.js', { method: 'POST' }, 405],
  ['no body beyond 64 KiB', '/ubus', { method: 'POST', body: ' '.repeat(65_537) }, 413],
  ['nothing under another name', '/luci-static/resources/luci.js', { headers: { host: 'router.example' } }, 403],
];
for (const [what, path, options, status] of REQUESTS)
  host(`gives ${what}`, async ({ host, faults }) => {
    const answered = await get(host.pageUrl(''), path, options);
    assert.is(answered.status, status);
    assert.not.match(answered.text, /secret/);
    assert.equal(faults, []);
  });
host('boots LuCI with the view of the page', async ({ host }) => {
  const { text } = await get(host.pageUrl(''), '/cgi-bin/luci/admin/mesh/status');
  assert.match(text, /instantiateView\('meshbridge\/status-0123abcd'\)/);
  assert.match(text, /"dispatchpath":\["admin","mesh","status"\]/);
});
host.run();

// ---

const roots = suite('luciRoots');
roots('refuses a directory without LuCI', () => {
  assert.throws(() => luciRoots('/nowhere'), /^\/nowhere: expected a LuCI checkout or an installed web root: no /);
});
roots.run();
