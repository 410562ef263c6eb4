import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cryptSha256, isPassword } from '../../src/dev/page-host/crypt.ts';
import { Router, type Session } from '../../src/dev/page-host/router.ts';
import type { PageAnswer, PageCall } from '../../src/page-host/ubus.ts';

const crypt = suite('cryptSha256');
// the first two are of the specification's own test vectors, the others were made by glibc 2.36
const HASHES: [string, string][] = [
  ['Hello world!', '$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5'],
  ['Hello world!', '$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA'],
];
for (const [password, hash] of HASHES)
  crypt(`makes ${hash.slice(0, 24)}…`, () => assert.is(cryptSha256(password, hash), hash));
crypt('makes none with another method, or for hours', () => {
  for (const setting of ['', '$1$salt$', '$6$salt$', '$5', '$5$rounds=999999999$salt$'])
    assert.is(cryptSha256('a', setting), undefined);
  assert.is(cryptSha256('a\0b', '$5$salt$'), undefined);
  assert.is(cryptSha256('a'.repeat(257), '$5$salt$'), undefined);
});
crypt.run();

// ---

const password = suite('isPassword');
password('knows the password of a hash', () => {
  const hash = cryptSha256('grüße', '$5$rounds=1000$x')!;
  assert.is(isPassword('grüße', hash), true);
  for (const wrong of ['grüsse', 'grüße ', '']) assert.is(isPassword(wrong, hash), false);
  assert.is(isPassword('a', '$5$salt$'), false);
  assert.is(isPassword('a', 'a'), false);
});
password.run();

// ---

const CONFIG = `
config meshbridge 'main'
	option log_level 'info'
	list note 'a'

config interface 'ygg0'
	option socket 'unix:///a'

config interface
	option socket 'unix:///b'
`;
const LOGINS = `
config login
	option username 'root'
	option password '$p$root'
	list read '*'
	list write '*'

config login
	option username 'guest'
	option password '${cryptSha256('x', '$5$rounds=1000$s')}'
	list read '*'

config login
	option username 'all but one'
	option password '${cryptSha256('x', '$5$rounds=1000$s')}'
	list read 'luci-*'
	list read 'unauthenticated'
	list read '!luci-app-meshbridge-op*'
`;

interface Context {
  directory: string;
  router: Router;
  root: Session;
  /** Calls that reached the bus. */
  calls: string[];
  faults: string[];
  ask(object: string, method: string, args?: PageCall['args'], session?: string): Promise<PageAnswer>;
  text(): string;
}
const NOBODY = '0'.repeat(32);
const OK = { status: 0 };

function before(context: Context): void {
  const directory = mkdtempSync(join(tmpdir(), 'meshbridge-router-'));
  writeFileSync(join(directory, 'meshbridge'), CONFIG);
  writeFileSync(join(directory, 'rpcd'), LOGINS);
  writeFileSync(join(directory, 'luci'), '');
  const calls: string[] = [];
  const faults: string[] = [];
  const bus = {
    has: async (object: string) => object === 'meshbridge',
    call: async ({ object, method }: PageCall) => {
      calls.push(`${object}.${method}`);
      return { status: 2, reply: { error: 'made' } };
    },
  };
  const router = new Router({ directory, bus, log: (line) => faults.push(line) });
  const root = router.enter('root');
  const text = (): string => readFileSync(join(directory, 'meshbridge'), 'utf8');
  Object.assign(context, { directory, router, root, calls, faults, text });
  context.ask = (object, method, args = {}, session = root.id) => router.answer({ session, object, method, args });
}
function after({ router, directory, faults }: Context): void {
  router.close();
  rmSync(directory, { recursive: true });
  assert.equal(faults, []);
}

const router = suite<Context>('Router');
router.before.each(before);
router.after.each(after);
router('passes on what a login may call, and what came back', async ({ ask, calls }) => {
  assert.equal(await ask('meshbridge', 'status'), { status: 2, reply: { error: 'made' } });
  assert.equal(calls, ['meshbridge.status']);
});
router('denies what no access list grants, after telling what is not there', async ({ ask, calls }) => {
  assert.is(await ask('meshbridge', 'made_up'), 'denied');
  assert.is(await ask('mesh', 'status'), 'absent');
  assert.is(await ask('session', 'destroy'), 'denied');
  for (const session of [NOBODY, '', 'f'.repeat(32)])
    assert.is(await ask('meshbridge', 'status', {}, session), 'denied');
  assert.equal(calls, []);
});
router('lets nobody log in, and see what LuCI can do', async ({ ask }) => {
  assert.equal(await ask('luci', 'getFeatures', {}, NOBODY), { status: 0, reply: {} });
  const answer = await ask('session', 'login', { username: 'all but one', password: 'x' }, NOBODY);
  const { status, reply } = answer as { status: number; reply: { ubus_rpc_session: string; data: object } };
  assert.is(status, 0);
  assert.equal(reply.data, { username: 'all but one' });
  assert.match(reply.ubus_rpc_session, /^[0-9a-f]{32}$/);
  for (const [username, given] of [
    ['all but one', 'y'],
    ['root', ''],
    ['root', 'root'],
    ['toString', ''],
  ])
    assert.equal(await ask('session', 'login', { username, password: given }, NOBODY), { status: 6 });
  assert.equal(await ask('session', 'login', { username: 'root' }, NOBODY), { status: 2 });
});
router('grants groups by pattern, and takes away by another', async ({ router, ask }) => {
  const { id } = router.login('all but one', 'x')!;
  const access = async (object: string, name: string, scope = 'access-group'): Promise<unknown> =>
    ((await ask('session', 'access', { scope, object, function: name }, id)) as { reply: { access: boolean } }).reply
      .access;
  assert.is(await access('luci-app-meshbridge', 'read'), true);
  assert.is(await access('luci-app-meshbridge', 'write'), false);
  assert.is(await access('luci-app-meshbridge-operate', 'read'), false, 'operate begins as operator does');
  assert.is(await access('meshbridge', 'status', 'ubus'), true);
  assert.is(await access('meshbridge', 'read', 'uci'), false, '~> passwords are in it');
  assert.is(await access('meshbridge', 'write', 'uci'), false);
});
router('tells a session all that it may do', async ({ ask }) => {
  const { reply } = (await ask('session', 'access', {})) as { reply: Record<string, Record<string, string[]>> };
  assert.equal(reply['access-group']?.['luci-app-meshbridge-member'], ['read']);
});
router.run();

// ---

const uci = suite<Context>('Uci');
uci.before.each(before);
uci.after.each(after);
uci('gives a package, a section, an option', async ({ ask }) => {
  const { reply } = (await ask('uci', 'get', { config: 'meshbridge' })) as {
    reply: { values: Record<string, object> };
  };
  const [main, ygg0, other] = Object.values(reply.values) as Record<string, unknown>[];
  assert.equal(main, {
    '.anonymous': false,
    '.type': 'meshbridge',
    '.name': 'main',
    log_level: 'info',
    note: ['a'],
    '.index': 0,
  });
  assert.is(ygg0!['.name'], 'ygg0');
  assert.match(String(other!['.name']), /^cfg03[0-9a-f]{4}$/);
  assert.equal(await ask('uci', 'get', { config: 'meshbridge', section: 'main', option: 'log_level' }), {
    status: 0,
    reply: { value: 'info' },
  });
  assert.equal(await ask('uci', 'get', { config: 'luci' }), { status: 0, reply: { values: {} } });
});
uci('keeps changes to itself until they are applied, each session its own', async ({ router, ask, text }) => {
  const set = { config: 'meshbridge', section: 'main', values: { log_level: 'debüg', note: ['b', 'c'], same: true } };
  assert.equal(await ask('uci', 'set', set), OK);
  assert.equal(await ask('uci', 'set', { config: 'meshbridge', section: 'main', values: { log_level: 'debüg' } }), OK);
  assert.equal(await ask('uci', 'add', { config: 'meshbridge', type: 'x', name: 'y', values: { z: 1 } }), {
    status: 0,
    reply: { section: 'y' },
  });
  assert.equal(await ask('uci', 'delete', { config: 'meshbridge', section: 'ygg0' }), OK);
  assert.equal(await ask('uci', 'delete', { config: 'meshbridge', section: 'main', options: ['same', 'none'] }), OK);
  assert.equal(((await ask('uci', 'changes')) as { reply: unknown }).reply, {
    changes: {
      meshbridge: [
        ['set', 'main', 'log_level', Buffer.from('debüg').toString('latin1')],
        ['remove', 'main', 'note'],
        ['list-add', 'main', 'note', 'b'],
        ['list-add', 'main', 'note', 'c'],
        ['set', 'main', 'same', '1'],
        ['set', 'y', 'x'],
        ['set', 'y', 'z', '1'],
        ['remove', 'ygg0'],
        ['remove', 'main', 'same'],
      ],
    },
  });
  const { reply } = (await ask('uci', 'get', { config: 'meshbridge' })) as {
    reply: { values: Record<string, object> };
  };
  assert.equal(reply.values.main, {
    '.anonymous': false,
    '.type': 'meshbridge',
    '.name': 'main',
    log_level: 'debüg',
    note: ['b', 'c'],
    '.index': 0,
  });
  assert.equal(Object.keys(reply.values).slice(-1), ['y']);
  assert.is(text(), CONFIG);
  assert.equal(((await ask('uci', 'changes', {}, router.enter('root').id)) as { reply: unknown }).reply, {
    changes: {},
  });
  assert.equal(await ask('uci', 'apply', {}), OK);
  assert.is(
    text(),
    `
config meshbridge 'main'
	option log_level 'debüg'
	list note 'b'
	list note 'c'

config interface
	option socket 'unix:///b'

config x 'y'
	option z '1'

`,
  );
});
uci('has the daemon read its configuration again', async ({ ask, calls }) => {
  await ask('uci', 'set', { config: 'meshbridge', section: 'main', values: { log_level: 'warn' } });
  await ask('uci', 'apply', { rollback: true, timeout: 30 });
  assert.equal(calls, ['meshbridge.reload']);
  assert.equal(await ask('uci', 'confirm'), OK);
  assert.equal(await ask('uci', 'confirm'), { status: 5 });
  assert.equal(calls, ['meshbridge.reload']);
});
uci('lets nobody else confirm, or apply meanwhile', async ({ router, ask, text }) => {
  const set = { config: 'meshbridge', section: 'main', values: { log_level: 'warn' } };
  await ask('uci', 'set', set);
  await ask('uci', 'apply', { rollback: true, timeout: 30 });
  const other = router.enter('root');
  assert.equal(await ask('uci', 'confirm', {}, other.id), { status: 6 });
  assert.is(router.applyBy(other, 'confirm', 90), 403);
  await ask('uci', 'set', { ...set, values: { log_level: 'error' } }, other.id);
  assert.equal(await ask('uci', 'apply', {}, other.id), { status: 6 });
  assert.equal(await ask('uci', 'confirm'), OK);
  assert.match(text(), /warn/);
});
uci('takes changes back that nobody confirmed', async ({ ask, text, calls }) => {
  await ask('uci', 'set', { config: 'meshbridge', section: 'main', values: { log_level: 'warn' } });
  const staged = await ask('uci', 'changes');
  await ask('uci', 'apply', { rollback: true, timeout: 0.01 });
  while (/warn/.test(text())) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.is(text(), CONFIG);
  assert.equal(await ask('uci', 'changes'), staged);
  assert.equal(calls, ['meshbridge.reload', 'meshbridge.reload']);
});
uci('puts sections in an order', async ({ ask, text }) => {
  await ask('uci', 'order', { config: 'meshbridge', sections: ['ygg0', 'main'] });
  await ask('uci', 'apply', {});
  assert.match(text(), /^\nconfig interface 'ygg0'\n[\s\S]*config meshbridge 'main'\n[\s\S]*config interface\n/);
});
const REFUSALS: [string, string, PageCall['args'], number][] = [
  ['no package', 'get', {}, 2],
  ['a package that is not there', 'get', { config: 'system' }, 4],
  ['a path', 'get', { config: '../meshbridge' }, 6],
  ['a section that is not there', 'get', { config: 'meshbridge', section: 'x' }, 4],
  ['an option that is not there', 'get', { config: 'meshbridge', section: 'main', option: 'x' }, 4],
  ['a change of a section that is not there', 'set', { config: 'meshbridge', section: 'x', values: { a: '1' } }, 4],
  ['a change of nothing', 'set', { config: 'meshbridge', section: 'main' }, 2],
  ['an empty list', 'set', { config: 'meshbridge', section: 'main', values: { a: [] } }, 2],
  ['a table', 'set', { config: 'meshbridge', section: 'main', values: { a: {} } }, 2],
  ['a bad name', 'set', { config: 'meshbridge', section: 'main', values: { 'a b': '1' } }, 2],
  ['a NUL', 'set', { config: 'meshbridge', section: 'main', values: { a: 'b\0' } }, 2],
  ['a long value', 'set', { config: 'meshbridge', section: 'main', values: { a: 'b'.repeat(40_000) } }, 2],
  ['a bad type', 'add', { config: 'meshbridge', type: 'a b' }, 2],
  ['a bad name of a section', 'add', { config: 'meshbridge', type: 'a', name: "b'" }, 2],
  ['removing what is not there', 'delete', { config: 'meshbridge', section: 'main', options: ['x'] }, 4],
  ['applying nothing', 'apply', {}, 5],
];
for (const [what, method, args, status] of REFUSALS)
  uci(`refuses ${what}`, async ({ ask, text }) => {
    assert.equal(await ask('uci', method, args), { status });
    assert.is(text(), CONFIG);
  });
uci('asks for the right to each package', async ({ router, ask }) => {
  const { id } = router.login('guest', 'x')!;
  const set = { config: 'meshbridge', section: 'main', values: { a: '1' } };
  assert.equal(await ask('uci', 'get', { config: 'rpcd' }, id), { status: 6 });
  assert.is(await ask('uci', 'set', set, id), 'denied');
  assert.equal(
    await ask('uci', 'set', { ...set, config: 'rpcd' }),
    { status: 6 },
    'root has what groups grant, no more',
  );
  assert.is(await ask('uci', 'get', { config: 'meshbridge' }, NOBODY), 'denied');
});
uci('applies as LuCI asks for it', async ({ router, root, ask, text }) => {
  assert.is(router.applyBy(root, 'apply_rollback', 90), 204);
  const set = { config: 'meshbridge', section: 'main', values: { log_level: 'warn' } };
  await ask('uci', 'set', set);
  assert.is(router.applyBy(root, 'revert', 90), 200);
  assert.is(router.applyBy(root, 'apply_unchecked', 90), 204);
  assert.is(text(), CONFIG);
  await ask('uci', 'set', set);
  assert.is(router.applyBy(root, 'apply_rollback', 90), 200);
  assert.is(router.applyBy(root, 'confirm', 90), 200);
  assert.is(router.applyBy(root, 'confirm', 90), 204);
  assert.match(text(), /warn/);
});
uci.run();
