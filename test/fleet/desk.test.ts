// `meshctl desk`: the daemon's own socket behind it, what comes over HTTP and from where, and in a browser the page itself, over a real daemon.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { createServer as createSocket, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ensureChromium } from '../../build/chromium.ts';
import { buildDesk, bundleMeshctl } from '../../build/meshctl.ts';
import { projectTexts } from '../../build/texts.ts';
import { LocalDaemon } from '../../src/fleet/desk/bus.ts';
import { type Desk, startDesk } from '../../src/fleet/desk/server.ts';
import { OTHER_WORDS } from '../../src/fleet/desk/words.ts';
import { nodeHost } from '../../src/host/node/host.ts';
import { Logger } from '../../src/log.ts';
import type { PageAnswer } from '../../src/page-host/ubus.ts';
import { LocalBus } from '../../src/ubus/local.ts';
import { type MadeGateway, makeGateway } from '../luci/made-gateway.ts';
import { ask } from '../support/ask.ts';
import { GatewayScene, homeOf, type SceneGateway, sceneProblem } from '../support/gateway-scene.ts';
import { Operator } from '../support/meshctl.ts';
import { nodeOf } from '../support/node-key.ts';

// waited for before the first suite: those of one file run together
const assets = await buildDesk();
const problem = await sceneProblem();
if (problem !== undefined) console.log(`skipped: meshctl desk beside a real daemon: ${problem}`);
const chrome = await ensureChromium((line) => console.log(line)).catch((error: Error) => {
  console.log(`skipped: meshctl desk in a browser: ${error.message.split('\n', 1)[0]}`);
  return undefined;
});

interface Daemon {
  gateway: MadeGateway;
  directory: string;
  path: string;
  bus: LocalBus;
}

/** The socket of a daemon, with a gateway behind it. */
async function openDaemon(): Promise<Daemon> {
  const directory = mkdtempSync(join(tmpdir(), 'meshbridge-desk-'));
  const path = join(directory, 'control.sock');
  const { streams, clock } = nodeHost({ signals: false });
  const bus = new LocalBus({ streams, clock, path, log: new Logger(() => {}).scope('control') });
  const gateway = await makeGateway();
  bus.publish(gateway.object);
  bus.start();
  return { gateway, directory, path, bus };
}

function closeDaemon({ gateway, directory, bus }: Daemon): void {
  bus.stop();
  gateway.stop();
  rmSync(directory, { recursive: true });
}

const asks = suite<Daemon>('LocalDaemon');
asks.before(async (context) => {
  Object.assign(context, await openDaemon());
});
asks.after(closeDaemon);
asks('gives what the daemon says', async ({ path }) => {
  const daemon = new LocalDaemon(path);
  const said = (await daemon.call('meshbridge.client', 'summary', {})) as { status: number; reply: { active: number } };
  assert.equal([said.status, said.reply.active], [0, 0]);
});
asks('says what was refused, and why, as ubus does', async ({ path }) => {
  const daemon = new LocalDaemon(path);
  const status = (said: PageAnswer): unknown => (typeof said === 'string' ? said : [said.status, said.reply]);
  assert.is(await daemon.call('meshbridge.clients', 'summary', {}), 'absent');
  assert.equal(status(await daemon.call('meshbridge.client', 'nothing', {})), [3, undefined]);
  assert.equal(status(await daemon.call('meshbridge.client', 'list', { count: 0 })), [
    2,
    { error: 'count: expected 1 to 200, got 0', field: 'count' },
  ]);
});
asks('asks a few at a time, and all in the end', async ({ path }) => {
  const daemon = new LocalDaemon(path);
  const all = Array.from({ length: 60 }, () => daemon.call('meshbridge.client', 'summary', {}));
  for (const said of await Promise.all(all)) assert.equal(typeof said === 'object' && said.status, 0);
});
asks('knows that nobody is there', async ({ directory }) => {
  assert.is(await new LocalDaemon(join(directory, 'none.sock')).call('meshbridge', 'status', {}), 'absent');
});
for (const [what, answer] of [
  ['nothing', ''],
  ['half an answer', '{"data":[{}'],
  ['no JSON', 'nonsense\n'],
  ['neither answer nor refusal', '{"x":1}\n'],
] as const)
  asks(`takes ${what} for silence`, async ({ directory }) => {
    const path = join(directory, 'odd.sock');
    const odd: Server = createSocket((socket) => void socket.on('data', () => socket.end(answer)));
    await new Promise<void>((resolve) => odd.listen(path, resolve));
    assert.is(await new LocalDaemon(path).call('meshbridge', 'status', {}), 'silent');
    await new Promise((resolve) => odd.close(resolve));
  });
asks.run();

// ---

const words = suite('OTHER_WORDS');
words('stand for sentences that the page says, in each of its languages', () => {
  const said = new Set(projectTexts().map(({ id }) => id));
  const [first, ...others] = Object.values(OTHER_WORDS).map((table) => Object.keys(table).sort());
  for (const text of first!) assert.ok(said.has(text), `~> no page says ${text}`);
  for (const other of others) assert.equal(other, first);
});
words.run();

// ---

interface Served extends Daemon {
  desk: Desk;
  clock: { ms: number };
  faults: string[];
}
const VIEW = `/luci-static/resources/view/${assets.view}.js`;
const CALL = JSON.stringify({
  ...{ jsonrpc: '2.0', id: 1, method: 'call' },
  params: ['', 'meshbridge.client', 'admit', { addresses: [nodeOf(1).address] }],
});
const summaryOf = (id: number): object => ({
  ...{ jsonrpc: '2.0', id, method: 'call', params: ['', 'meshbridge.client', 'summary', {}] },
});

const http = suite<Served>('the desk over HTTP');
http.before.each(async (context) => {
  const daemon = await openDaemon();
  const clock = { ms: 0 };
  const faults: string[] = [];
  const desk = await startDesk({
    ...{ assets, daemon: new LocalDaemon(daemon.path), port: 0, by: 'zoe' },
    ...{ log: (line: string) => void faults.push(line), nowMs: () => clock.ms },
  });
  Object.assign(context, daemon, { desk, clock, faults });
});
http.after.each(async (context) => {
  await context.desk.close();
  closeDaemon(context);
  assert.equal(context.faults, []);
});

/** Logs in by password: the cookie, and the token that stands in the page. */
async function enter({ port, password }: Desk): Promise<{ cookie: string; token: string }> {
  const { status, headers } = await ask({ port }, '/login', { method: 'POST', body: `password=${password}` });
  assert.is(status, 303);
  const cookie = headers['set-cookie']![0]!.split(';', 1)[0]!;
  const { text } = await ask({ port }, '/', { headers: { cookie } });
  return { cookie, token: /&quot;token&quot;:&quot;([0-9a-f]{32})&quot;/.exec(text)![1]! };
}
const post = (desk: Desk, body: string, headers: Record<string, string>) =>
  ask(desk, '/ubus/', { method: 'POST', body, headers });
const admitted = ({ gateway }: Served): Promise<unknown> => gateway.call('list').then(({ total }) => total);

http('is on the loopback address alone', async ({ desk }) => {
  await new Promise<void>((resolve, reject) => {
    request({ hostname: '::1', port: desk.port, path: '/' }, () => reject(new Error('answered')))
      .on('error', () => resolve())
      .end();
  });
});
http('gives nothing but the form, and what everybody may have, to whoever is not logged in', async (context) => {
  const { desk } = context;
  for (const cookie of ['', 'x', `meshbridge_desk_${desk.port}=${'0'.repeat(32)}`]) {
    const { status, text } = await ask(desk, '/', { headers: { cookie } });
    assert.is(status, 200);
    assert.match(text, /<form method="post" action="\/login">/);
    assert.not.match(text, /client\.js|token&quot;/);
    const said = await post(desk, CALL, { cookie });
    assert.equal(JSON.parse(said.text).error, { code: -32002, message: 'Access denied' });
  }
  assert.is(await admitted(context), 0);
  for (const path of [VIEW, '/client.js', '/cgi-bin/luci/admin/translations/de'])
    assert.is((await ask(desk, path)).status, 200, path);
  for (const path of [
    '/luci-static/resources/',
    '/luci-static/resources/../../package.json',
    '/etc/passwd',
    '/%2e%2e/x',
  ])
    assert.is((await ask(desk, path)).status, 404, path);
});
http('lets in by the password of this run', async (context) => {
  const { desk } = context;
  const { cookie, token } = await enter(desk);
  const said = await post(desk, CALL, { cookie, 'x-meshbridge-token': token });
  assert.equal(JSON.parse(said.text).result[1].message, '1 home let in');
  const { entries } = (await context.gateway.call('audit')) as { entries: { by: string }[] };
  assert.is(entries[0]!.by, 'zoe', '~> whoever started it, where the page gives no name');
});
http('sets a cookie that no script and no other site has', async ({ desk }) => {
  const { headers } = await ask(desk, '/login', { method: 'POST', body: `password=${desk.password}` });
  assert.match(
    headers['set-cookie']![0]!,
    new RegExp(`^meshbridge_desk_${desk.port}=[0-9a-f]{32}; HttpOnly; SameSite=Strict; Path=/$`),
  );
  assert.is(headers.location, '/');
});
http('lets in by the link once, and leads away from it', async ({ desk }) => {
  const { pathname, search } = new URL(desk.url);
  const { status, headers, text } = await ask(desk, pathname + search);
  assert.is(status, 200);
  assert.match(headers['set-cookie']![0]!, /HttpOnly; SameSite=Strict/);
  assert.match(text, /content="0;url=\/"/);
  const again = await ask(desk, pathname + search);
  assert.equal([again.status, again.headers['set-cookie']], [403, undefined]);
});
http('refuses wrong passwords, slower with each that comes beside', async ({ desk }) => {
  const started = performance.now();
  const tries = ['', 'x', `${desk.password} `].map((password) =>
    ask(desk, '/login', { method: 'POST', body: new URLSearchParams({ password }).toString() }),
  );
  for (const { status, text, headers } of await Promise.all(tries)) {
    assert.equal([status, headers['set-cookie']], [403, undefined]);
    assert.match(text, /Wrong password\./);
  }
  assert.ok(performance.now() - started >= 1400, '~> three at once take 500, 1000 and 1500 ms');
});
http('refuses a page of another site, and one of another port', async (context) => {
  const { desk } = context;
  const { cookie, token } = await enter(desk);
  const headers = { cookie, 'x-meshbridge-token': token };
  for (const origin of ['http://evil.example', 'http://127.0.0.1:1', `https://127.0.0.1:${desk.port}`, 'null'])
    assert.is((await post(desk, CALL, { ...headers, origin })).status, 403, origin);
  assert.is(await admitted(context), 0);
  assert.is((await post(desk, CALL, { ...headers, origin: `http://127.0.0.1:${desk.port}` })).status, 200);
});
http('refuses a request with the cookie alone, as other sites could have sent it', async (context) => {
  const { desk } = context;
  const { cookie, token } = await enter(desk);
  for (const given of [undefined, '', '0'.repeat(32), `${token}0`]) {
    const headers = { cookie, ...(given !== undefined && { 'x-meshbridge-token': given }) };
    assert.is((await post(desk, CALL, headers)).status, 403);
  }
  assert.is((await post(desk, CALL, { cookie: '', 'x-meshbridge-token': token })).status, 200);
  assert.is(await admitted(context), 0, '~> and the token alone is nothing either');
});
http('refuses every other name, which may lead to this machine', async (context) => {
  const { desk } = context;
  const { cookie, token } = await enter(desk);
  for (const host of [
    'evil.example',
    `evil.example:${desk.port}`,
    `127.0.0.1.evil.example:${desk.port}`,
    '127.0.0.2',
  ]) {
    assert.is((await ask(desk, '/', { headers: { host, cookie } })).status, 403, host);
    const headers = { host, cookie, 'x-meshbridge-token': token };
    assert.is((await post(desk, CALL, headers)).status, 403, host);
  }
  assert.is(await admitted(context), 0);
  for (const host of [`localhost:${desk.port}`, '127.0.0.1:9000'])
    assert.is((await ask(desk, '/', { headers: { host } })).status, 200, '~> a tunnel has another port');
});
http('asks the daemon for what belongs to the desk, and for nothing else', async ({ desk }) => {
  const { cookie, token } = await enter(desk);
  for (const [object, method] of [
    ['meshbridge', 'reload'],
    ['meshbridge.client', 'constructor'],
    ['meshbridge.lease', 'release'],
    ['yggdrasil', 'peer_remove'],
  ]) {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'call', params: ['', object, method, {}] });
    const said = await post(desk, body, { cookie, 'x-meshbridge-token': token });
    assert.equal(JSON.parse(said.text).error?.code, -32002, `${object}.${method}`);
  }
});
http(
  'ends a session half an hour after its last request, after half a day, and by the button',
  async ({ desk, clock }) => {
    const works = async ({ cookie, token }: { cookie: string; token: string }): Promise<boolean> => {
      const said = await post(desk, JSON.stringify(summaryOf(1)), { cookie, 'x-meshbridge-token': token });
      return JSON.parse(said.text).result !== undefined;
    };
    const idle = await enter(desk);
    assert.ok(await works(idle));
    clock.ms += 1_800_001;
    assert.not.ok(await works(idle));
    const used = await enter(desk);
    for (let i = 0; i < 24; i++) {
      assert.ok(await works(used));
      clock.ms += 1_799_000;
    }
    clock.ms += 30_000;
    assert.not.ok(await works(used));
    const left = await enter(desk);
    const { status, headers } = await ask(desk, '/logout', { method: 'POST', headers: { cookie: left.cookie } });
    assert.equal([status, /Max-Age=0/.test(headers['set-cookie']![0]!)], [303, true]);
    assert.not.ok(await works(left));
  },
);
http('tells browsers what its pages may do, and keeps nothing in their stores', async ({ desk }) => {
  const { cookie } = await enter(desk);
  const { headers } = await ask(desk, '/', { headers: { cookie } });
  assert.match(
    String(headers['content-security-policy']),
    /^default-src 'none'; .*connect-src 'self'.*frame-ancestors 'none'$/,
  );
  assert.equal(
    [headers['cache-control'], headers['x-content-type-options'], headers['referrer-policy']],
    ['no-store', 'nosniff', 'same-origin'],
  );
});
http('takes no other method, and nothing that is too long', async ({ desk }) => {
  const { cookie, token } = await enter(desk);
  for (const method of ['PUT', 'DELETE', 'OPTIONS']) assert.is((await ask(desk, '/ubus/', { method })).status, 405);
  assert.is((await ask(desk, '/', { method: 'POST' })).status, 405);
  assert.is((await ask(desk, '/logout', { headers: { cookie } })).status, 405, '~> a link logs nobody out');
  assert.is((await post(desk, ' '.repeat(65_537), { cookie, 'x-meshbridge-token': token })).status, 413);
});
http('says where to look on this machine, in the language of the browser', async ({ desk }) => {
  for (const [language, text] of [
    ['en', 'systemctl start meshbridge'],
    ['de', 'Starte ihn: systemctl start meshbridge'],
    ['es', 'Inícialo: systemctl start meshbridge'],
  ] as const)
    assert.ok((await ask(desk, `/cgi-bin/luci/admin/translations/${language}`)).text.includes(text), language);
  const { cookie } = await enter(desk);
  const { text } = await ask(desk, '/', { headers: { cookie, 'accept-language': 'fr, de-AT;q=0.8, en;q=0.5' } });
  assert.match(text, /<html lang="de">/);
});
http.run();

// ---

const command = suite('meshctl desk');
command('says what to do where no daemon is, and what it was built without', async () => {
  const it = new Operator();
  try {
    const without = await it.run('desk');
    assert.equal(without.code, 1);
    assert.match(without.err, /this meshctl has no pages\n {2}npm run meshctl:build makes one that has/);
    assert.match((await it.run('desk --help')).out, /ssh -L 8780:127\.0\.0\.1:8780/);
  } finally {
    it.end();
  }
});
command.run();

// ---

const WAIT_MS = 30_000;

/** The program as operators have it. */
class RunningDesk {
  said = '';
  private readonly child;
  private readonly ended: Promise<unknown>;

  constructor(program: string, words: readonly string[]) {
    this.child = spawn(process.execPath, [program, 'desk', ...words]);
    this.ended = new Promise((resolve) => this.child.once('close', resolve));
    for (const stream of [this.child.stdout, this.child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.said += text;
      });
  }

  /** What it prints for programs. */
  async told(): Promise<{ url: string; port: number; password: string }> {
    for (;;) {
      const [json] = /\{[\s\S]*?\n\}/.exec(this.said) ?? [];
      if (json) return JSON.parse(json);
      if (this.child.exitCode !== null) throw new Error(this.said);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** @returns its exit code. */
  async stop(): Promise<number | null> {
    this.child.kill('SIGINT');
    return this.end();
  }

  /** Waits until it ends by itself. @returns its exit code. */
  async end(): Promise<number | null> {
    await this.ended;
    return this.child.exitCode;
  }
}

interface Scene {
  scene: GatewayScene;
  gateway: SceneGateway;
  browser: Browser;
  program: string;
  desk: RunningDesk;
}

const real = suite<Scene>('meshctl desk beside a real daemon');
real.before(async (context) => {
  context.scene = await GatewayScene.open(['boston'], { asks_for: ['name'] });
  context.gateway = context.scene.gateway('boston');
  context.browser = await chromium.launch({ executablePath: chrome!.path, env: chrome!.env });
  context.program = await bundleMeshctl();
  context.desk = new RunningDesk(context.program, ['--socket', context.gateway.daemon.socket, '--port', '0', '--json']);
});
real.after(async ({ scene, browser, desk }) => {
  await desk?.stop();
  await browser?.close();
  await scene?.close();
});

/** A page of somebody with a browser of their own, and errors that nobody caught in it. */
async function visit(
  browser: Browser,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<[Page, BrowserContext]> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on('pageerror', (error) => assert.unreachable(error.message));
  return [page, context];
}
const shows = (page: Page, text: string | RegExp): Promise<void> =>
  page.getByText(text).filter({ visible: true }).first().waitFor({ timeout: WAIT_MS });

/** The page has an answer of the gateway, whether that reaches the Internet or not. */
const tab = (page: Page, name: RegExp): Promise<void> => page.getByRole('tab', { name }).waitFor({ timeout: WAIT_MS });

let state: Awaited<ReturnType<BrowserContext['storageState']>> | undefined;
real('logs in by its link, leaves no secret in the address, and lets a home in by one tap', async (context) => {
  const { browser, gateway, desk } = context;
  const { url } = await desk.told();
  assert.is((await gateway.lease(0, { name: 'Ann <b>' })).status, 202);
  const [page, session] = await visit(browser);
  await page.goto(url);
  await shows(page, '1 home waits for you.');
  assert.is(new URL(page.url()).pathname + new URL(page.url()).search, '/');
  await page.getByRole('button', { name: 'Let in', exact: true }).click();
  await shows(page, '1 home is let in.');
  const granted = await gateway.lease(0, { name: 'Ann <b>' });
  assert.is(granted.status, 200, JSON.stringify(granted.json));
  await page.getByRole('button', { name: 'Ann <b>' }).click();
  await shows(page, homeOf(0).address);
  await page.screenshot({ path: 'dist/screenshots/desk-home.png', fullPage: true });
  state = await session.storageState();
  await session.close();
});
real(
  'turns the home off with a reason that it reads, and back on by Undo, in the kernel, too',
  async ({ browser, gateway }) => {
    const [page, session] = await visit(browser, { storageState: state! });
    await page.goto(
      new URL('/', state!.origins[0]?.origin ?? `http://127.0.0.1:${/\d+$/.exec(state!.cookies[0]!.name)![0]}`).href,
    );
    await page.getByLabel('Choose Ann <b>').check({ timeout: WAIT_MS });
    await page.getByRole('button', { name: 'Turn off …' }).click();
    await page.getByRole('dialog').getByLabel('Reason, which homes read').fill('not paid');
    await page.getByRole('dialog').getByRole('button', { name: 'Turn off', exact: true }).click();
    await shows(page, '1 home is turned off.');
    const cut = await gateway.asHome(0, 'GET', '/v1/lease');
    assert.equal([cut.json.error, cut.json.reason], ['suspended', 'not paid']);
    const rules = async (): Promise<string> =>
      (await gateway.place.run(['nft', 'list', 'table', 'inet', 'meshbridge_gw'])).stdout;
    await page.getByRole('button', { name: 'Undo' }).click();
    await shows(page, 'Undone: all is as it was before.');
    assert.is((await gateway.asHome(0, 'GET', '/v1/lease')).status, 200);
    assert.match(await rules(), /10\.43\./);
    await session.close();
  },
);
real('lets nobody in by the link again, but by the password', async ({ browser, desk }) => {
  const { url, password } = await desk.told();
  const [page, session] = await visit(browser);
  await page.goto(url);
  await page.getByLabel('Password').fill(`${password}x`);
  await page.getByRole('button', { name: 'Log in' }).click();
  await shows(page, 'Wrong password.');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await tab(page, /Homes/);
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByLabel('Password').waitFor({ timeout: WAIT_MS });
  await session.close();
});
real(
  'does nothing for a page of another site, even in the browser of who is logged in',
  async ({ browser, gateway, desk }) => {
    const { port } = await desk.told();
    const body = JSON.stringify({
      ...{ jsonrpc: '2.0', id: 1, method: 'call' },
      params: ['', 'meshbridge.client', 'suspend', { addresses: [homeOf(0).address], reason: 'evil' }],
    });
    const html = `<!DOCTYPE html><title>evil</title>
<form id="form" method="post" action="http://127.0.0.1:${port}/ubus/" enctype="text/plain"><input name='${body.slice(0, -1)},"x":"' value='"}'></form>`;
    const evil = createServer((_request, response) => void response.setHeader('content-type', 'text/html').end(html));
    await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve));
    const at = `http://localhost:${(evil.address() as { port: number }).port}/`;
    const [page, session] = await visit(browser, { storageState: state! });
    await page.goto(at);
    const attempts = await page.evaluate<string[]>(`Promise.all([
    ['no-cors', {}], ['cors', {}], ['cors', { 'x-meshbridge-token': '0' }],
  ].map(async ([mode, headers]) => {
    try {
      const said = await fetch('http://127.0.0.1:${port}/ubus/', { method: 'POST', mode, headers, credentials: 'include', body: ${JSON.stringify(body)} });
      return said.type === 'opaque' ? 'opaque' : await said.text();
    } catch (error) {
      return 'refused';
    }
  }))`);
    assert.ok(
      attempts.every((said) => said === 'opaque' || said === 'refused'),
      attempts.join(),
    );
    await page.evaluate('document.getElementById("form").submit()');
    await page.waitForURL(/\/ubus\//, { timeout: WAIT_MS }).catch(() => {});
    assert.is((await gateway.asHome(0, 'GET', '/v1/lease')).status, 200, '~> it is still in');
    const { entries } = (await gateway.daemon.call('meshbridge.client', 'audit', {})) as {
      entries: { reason: string }[];
    };
    assert.not.ok(entries.some(({ reason }) => reason === 'evil'));
    // and no page of another site may show it in a frame
    await page.goto(at);
    await page.evaluate(`document.body.innerHTML = '<iframe src="http://127.0.0.1:${port}/"></iframe>'`);
    await page.waitForTimeout(500);
    const framed = page.frames().find((frame) => frame !== page.mainFrame());
    assert.is(
      await framed
        ?.locator('form, .mb-page')
        .count()
        .catch(() => 0),
      0,
    );
    await session.close();
    evil.closeAllConnections();
    await new Promise((resolve) => evil.close(resolve));
  },
);
real(
  'speaks the language of the browser, fits a phone, and says when the daemon is gone',
  async ({ browser, gateway, desk }) => {
    const { port } = await desk.told();
    const phone = { viewport: { width: 360, height: 740 }, isMobile: true, locale: 'de', storageState: state! };
    const [page, session] = await visit(browser, phone);
    await page.goto(`http://127.0.0.1:${port}/`);
    await tab(page, /Haushalte/);
    assert.is(await page.evaluate('document.documentElement.scrollWidth'), 360);
    await page.screenshot({ path: 'dist/screenshots/desk-phone.png', fullPage: true });
    await gateway.daemon.stop();
    await shows(page, 'Starte ihn: systemctl start meshbridge.');
    const since = gateway.daemon.lines.length;
    await gateway.daemon.start();
    await gateway.daemon.logged(/registrar: serving/, since);
    await tab(page, /Haushalte/);
    await session.close();
  },
);
real('ends with Ctrl-C, and its sessions with it', async ({ program, gateway }) => {
  const again = new RunningDesk(program, ['--socket', gateway.daemon.socket, '--port', '0']);
  for (let i = 0; !/Ctrl-C ends it/.test(again.said); i++) {
    assert.ok(i < 600, again.said);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.match(
    again.said,
    /^Open http:\/\/127\.0\.0\.1:\d+\/\?token=[0-9a-f]{32}\nThat link logs in once\. Later: .* with the password [a-z2-9-]{14}$/m,
  );
  assert.is(await again.stop(), 0);
  const none = new RunningDesk(program, ['--socket', join(gateway.daemon.socket, '../none.sock')]);
  assert.is(await none.end(), 3);
  assert.match(none.said, /none\.sock: no daemon there/);
});
if (problem === undefined && chrome) {
  real.run();
}
