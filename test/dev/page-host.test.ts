import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestOptions } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cryptSha256 } from '../../src/dev/page-host/crypt.ts';
import { type PageHost, startPageHost } from '../../src/dev/page-host/host.ts';
import { luciRoots } from '../../src/dev/page-host/luci.ts';
import type { Session } from '../../src/dev/page-host/router.ts';
import { Router } from '../../src/dev/page-host/router.ts';
import { ask } from '../support/ask.ts';

const MENU = JSON.stringify({
  'admin/mesh': { title: 'Mesh', order: 55, action: { type: 'firstchild' } },
  'admin/mesh/member': {
    title: 'Home',
    order: 95,
    action: { type: 'view', path: 'meshbridge/member' },
    depends: { acl: ['luci-app-meshbridge-member'] },
  },
  'admin/mesh/status': {
    title: 'Status <b>',
    order: 10,
    action: { type: 'view', path: 'meshbridge/status' },
    depends: { acl: ['luci-app-meshbridge'] },
  },
});
const PASSWORD = 'correct horse';
const LOGINS = `
config login
	option username 'root'
	option password '${cryptSha256(PASSWORD, '$5$salt')}'
	list read '*'
	list write '*'

config login
	option username 'member'
	option password '${cryptSha256('sofa', '$5$rounds=1000$salt')}'
	list read 'luci-app-meshbridge-member'
`;

interface Context {
  host: PageHost;
  router: Router;
  directory: string;
  faults: string[];
}

function cookieHeader(host: PageHost, session: Session): { headers: { cookie: string } } {
  const { name, value } = host.cookieFor(session);
  return { headers: { cookie: `other=1; ${name}=${value}` } };
}

const host = suite<Context>('startPageHost');
host.before(async (context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'meshbridge-host-'));
  writeFileSync(join(context.directory, 'secret.js'), 'secret');
  writeFileSync(join(context.directory, 'rpcd'), LOGINS);
  const root = join(context.directory, 'www');
  mkdirSync(join(root, 'luci-static/resources'), { recursive: true });
  writeFileSync(join(root, 'luci-static/resources/luci.js'), 'made');
  context.faults = [];
  const log = (line: string): void => void context.faults.push(line);
  const bus = { has: async () => false, call: async () => 'absent' as const };
  context.router = new Router({ directory: context.directory, bus, log });
  const files = [{ path: 'view/meshbridge/status.js', bytes: new TextEncoder().encode('return 1;') }];
  const pages = { files, menu: MENU };
  context.host = await startPageHost({ pages, router: context.router, luci: root, log });
});
host.after.each(({ faults }) => {
  assert.equal(faults.splice(0), []);
});
host.after(async ({ host, router, directory }) => {
  await host.close();
  router.close();
  rmSync(directory, { recursive: true });
});

const STATUS_PAGE = '/cgi-bin/luci/admin/mesh/status';
const REQUESTS: [string, string, RequestOptions & { body?: string }, number][] = [
  ['a page', STATUS_PAGE, {}, 200],
  ['a view', '/luci-static/resources/view/meshbridge/status.js?v=1', {}, 200],
  ["a file of LuCI's", '/luci-static/resources/luci.js', {}, 200],
  ['the menu', '/cgi-bin/luci/admin/menu', {}, 200],
  ['translations', '/cgi-bin/luci/admin/translations/de', {}, 200],
  ['a call', '/ubus/meshbridge.status', { method: 'POST', body: '{}' }, 200],
  ['no page for the parent of pages', '/cgi-bin/luci/admin/mesh', {}, 404],
  ['no page that the menu lacks', '/cgi-bin/luci/admin/mesh/map', {}, 404],
  ['no page named as what every object has', '/cgi-bin/luci/admin/constructor/name', {}, 404],
  ['nothing outside', '/../secret.js', {}, 404],
  ['nothing outside, encoded', '/%2e%2e/secret.js', {}, 404],
  ['nothing outside, encoded twice', '/luci-static/..%2f..%2f..%2fsecret.js', {}, 404],
  ['nothing behind a NUL', '/luci-static/resources/luci.js%00.png', {}, 404],
  ['no directory', '/luci-static', {}, 404],
  ['no path that is none', '/%ff', {}, 400],
  ['no call by GET', '/ubus', {}, 405],
  ['no file by POST', '/luci-static/resources/luci.js', { method: 'POST' }, 405],
  ['no body beyond 64 KiB', '/ubus', { method: 'POST', body: ' '.repeat(65_537) }, 413],
  ['nothing under another name', '/luci-static/resources/luci.js', { headers: { host: 'router.example' } }, 403],
  ["nothing to another site's page", '/ubus', { method: 'POST', headers: { origin: 'http://evil.example' } }, 403],
  ["nothing to another port's page", '/ubus', { method: 'POST', headers: { origin: 'http://127.0.0.1:1' } }, 403],
  ['no applying without a token', '/cgi-bin/luci/admin/uci/apply_rollback', { method: 'POST' }, 403],
];
for (const [what, path, options, status] of REQUESTS)
  host(`gives ${what}`, async ({ host, router }) => {
    const headers = Object.assign(cookieHeader(host, router.enter('root')).headers, options.headers);
    const answered = await ask(host, path, { ...options, headers });
    assert.is(answered.status, status);
    assert.not.match(answered.text, /secret/);
    assert.match(String(answered.headers['content-security-policy']), /^default-src 'none'; .*frame-ancestors 'none'$/);
    assert.is(answered.headers['x-content-type-options'], 'nosniff');
  });
host('boots LuCI with the view of the page', async ({ host, router }) => {
  const { text } = await ask(host, STATUS_PAGE, cookieHeader(host, router.enter('root')));
  assert.match(text, /instantiateView\('meshbridge\/status'\)/);
  assert.match(text, /"dispatchpath":\["admin","mesh","status"\]/);
});
host('lets nobody in without a session', async ({ host }) => {
  for (const cookie of ['', 'x', `${host.cookieFor({ id: '0'.repeat(32) } as Session).name}=${'0'.repeat(32)}`]) {
    const { status, text } = await ask(host, STATUS_PAGE, { headers: { cookie } });
    assert.is(status, 403);
    assert.match(text, /<form method="post" action="\/login">/);
    assert.not.match(text, /sessionid/);
  }
});
host('logs in by password, and out', async ({ host }) => {
  const body = new URLSearchParams({ username: 'root', password: PASSWORD, to: STATUS_PAGE }).toString();
  const entered = await ask(host, '/login', { method: 'POST', body });
  assert.is(entered.status, 303);
  assert.is(entered.headers.location, STATUS_PAGE);
  const set = entered.headers['set-cookie']![0]!;
  assert.match(set, /^meshbridge_\d+=[0-9a-f]{32}; HttpOnly; SameSite=Strict; Path=\/$/);
  const headers = { cookie: set.split(';', 1)[0]! };
  assert.is((await ask(host, STATUS_PAGE, { headers })).status, 200);
  await ask(host, '/logout', { method: 'POST', headers });
  assert.is((await ask(host, STATUS_PAGE, { headers })).status, 403);
});
host('answers a wrong password with the form', async ({ host }) => {
  const body = new URLSearchParams({
    username: 'root',
    password: `${PASSWORD} `,
    to: 'http://evil.example/"',
  }).toString();
  const { status, text, headers } = await ask(host, '/login', { method: 'POST', body });
  assert.is(status, 403);
  assert.match(text, /Wrong user name or password/);
  assert.match(text, /name="to" value="\/"/);
  assert.is(headers['set-cookie'], undefined);
});
host('lets each token in once', async ({ host }) => {
  const { pathname, search } = new URL(host.entryUrl('root'));
  const { status, headers, text } = await ask(host, pathname + search);
  assert.is(status, 200);
  assert.match(headers['set-cookie']![0]!, /HttpOnly; SameSite=Strict/);
  assert.match(text, /http-equiv="refresh" content="0;url=\/"/);
  const again = await ask(host, pathname + search);
  assert.is(again.status, 403);
  assert.is(again.headers['set-cookie'], undefined);
});
host('shows a login the pages that it may see', async ({ host, router }) => {
  const member = cookieHeader(host, router.enter('member'));
  assert.is((await ask(host, '/', member)).headers.location, '/cgi-bin/luci/admin/mesh/member');
  assert.is((await ask(host, '/cgi-bin/luci/admin/mesh/member', member)).status, 200);
  assert.is((await ask(host, STATUS_PAGE, member)).status, 404);
  assert.is((await ask(host, '/', cookieHeader(host, router.enter('root')))).headers.location, STATUS_PAGE);
});
host('tells that its port is taken', async ({ host, router }) => {
  try {
    await startPageHost({ pages: { files: [], menu: MENU }, router, port: host.port, log() {} });
    assert.unreachable();
  } catch (error) {
    assert.is((error as NodeJS.ErrnoException).code, 'EADDRINUSE');
  }
});
host.run();

// ---

const roots = suite('luciRoots');
roots('refuses a directory without LuCI', () => {
  assert.throws(() => luciRoots('/nowhere'), /^\/nowhere: expected a LuCI checkout or an installed web root: no /);
});
roots.run();
