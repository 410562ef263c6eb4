import { chmodSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import acl from '../../openwrt-feed/meshbridge/files/meshbridge.acl.json';
import { OBJECTS } from '../../src/api/contract.ts';
import { HELPER_METHODS, HELPER_OBJECT } from '../../src/api/helper.ts';
import { LINK_EVENTS, MESH_EVENTS, PEER_EVENTS } from '../../src/api/objects.ts';
import { findProgram } from '../../src/dev/child.ts';
import { type Standin, startStandin } from '../../src/dev/standin.ts';
import { errorText } from '../../src/errors.ts';
import { type AccessList, isAllowed, type Use, usesOf, Watch } from './acl.ts';
import { DAEMON_ID, OTHER_ID } from './root.ts';
import { BUS, KEPT, Router, routerProblem, until } from './router.ts';

const LIST: AccessList = acl;

const matching = suite('isAllowed');
const MATCHES: [granted: string, wanted: string, allowed: boolean][] = [
  ['a', 'a', true],
  ['a', 'a.b', false],
  ['a.b', 'a', false],
  ['a.*', 'a.b', true],
  ['a.*', 'a.', true],
  ['a.*', 'a', false],
  ['a*', 'ab', true],
  ['*', 'a', true],
];
for (const [granted, wanted, allowed] of MATCHES)
  matching(`${allowed ? 'lets' : 'does not let'} ${granted} be ${wanted}`, () => {
    for (const right of ['publish', 'subscribe', 'listen', 'send'] as const)
      assert.is(isAllowed({ user: 'u', [right]: [granted] }, { right, name: wanted }), allowed);
    const access = { [granted]: { methods: ['m'] } };
    assert.is(isAllowed({ user: 'u', access }, { right: 'access', name: wanted, method: 'm' }), allowed);
    assert.not.ok(isAllowed({ user: 'u', access }, { right: 'access', name: wanted, method: 'n' }));
  });
matching('passes over the star of a pattern that is listened for', () => {
  assert.ok(isAllowed({ user: 'u', listen: ['a.'] }, { right: 'listen', name: 'a.*' }));
  assert.not.ok(isAllowed({ user: 'u', listen: ['a.b'] }, { right: 'listen', name: 'a.*' }));
});
matching.run();

/** What no daemon of ours has any business with. */
const FOREIGN: Use[] = [
  { right: 'access', name: 'uci', method: 'get' },
  { right: 'access', name: 'uci', method: 'set' },
  { right: 'access', name: 'service', method: 'list' },
  { right: 'access', name: 'file', method: 'exec' },
  { right: 'access', name: 'session', method: 'create' },
  { right: 'access', name: 'network.interface', method: 'down' },
  { right: 'access', name: 'network.interface.lan', method: 'status' },
  { right: 'access', name: 'network.device', method: 'set_state' },
  { right: 'access', name: HELPER_OBJECT, method: 'exec' },
  { right: 'publish', name: 'network' },
  { right: 'publish', name: HELPER_OBJECT },
  { right: 'publish', name: 'yggdrasil.other' },
  { right: 'subscribe', name: 'network.interface' },
  { right: 'listen', name: '*' },
  { right: 'listen', name: 'ubus.*' },
  { right: 'send', name: 'network.interface' },
  { right: 'send', name: 'meshbridge' },
];

const list = suite("ubusd's access list");
list('is for the user meshbridge', () => assert.is(LIST.user, 'meshbridge'));
list('names verbs of the helper, and none that only pages call', () => {
  const { methods } = LIST.access![HELPER_OBJECT]!;
  for (const verb of methods) assert.ok(Object.hasOwn(HELPER_METHODS, verb), verb);
  for (const verb of ['fix', 'announce', 'interface_restart', 'member_set', 'member_remove', 'public_peers_set'])
    assert.not.ok(methods.includes(verb), verb);
});
list('lets the objects be published and every event be sent', () => {
  for (const name of Object.keys(OBJECTS)) assert.ok(isAllowed(LIST, { right: 'publish', name }));
  for (const event of Object.keys(PEER_EVENTS))
    assert.ok(isAllowed(LIST, { right: 'send', name: `yggdrasil.${event}` }));
  for (const event of Object.keys({ ...LINK_EVENTS, ...MESH_EVENTS }))
    assert.ok(isAllowed(LIST, { right: 'send', name: `meshbridge.${event}` }));
});
for (const use of FOREIGN) list(`refuses ${Object.values(use).join(' ')}`, () => assert.not.ok(isAllowed(LIST, use)));

/** Lets the daemon do all it does on the bus. */
async function exercise(router: Router, standin: Standin): Promise<void> {
  await router.published(Object.keys(OBJECTS));
  const connected = async () => (await router.status()).interfaces[0]?.connected;
  await until('Yggdrasil is asked', connected);
  const closeAbout = router.bus.subscribe('yggdrasil', () => {});
  await until('peers are known', async () => ((await router.call('yggdrasil', 'peers')).peers as unknown[]).length > 0);
  for (const [path, methods] of Object.entries(OBJECTS))
    for (const method of Object.keys(methods)) {
      const args = method.startsWith('peer_') ? { uri: KEPT, forget: true } : { key: standin.node('b').key };
      // whether it succeeds does not matter: it did what it does on the bus
      await router.call(path, method, method === 'log_level' ? {} : args).catch(() => {});
    }
  standin.cut('a', 'b');
  await standin.node('a').stop();
  await until('it notices the end of Yggdrasil', async () => !(await connected()));
  closeAbout();
}

const problem = await routerProblem();
if (problem) console.log(`skipped: what the daemon does on the bus: ${problem}`);
// what it does for brokers and for whoever manages it takes a broker, see test/broker; for leases, a gateway: see
// test/system/root-plane.test.ts
else
  list('allows what the daemon does, and nothing that it never does', async () => {
    const behind = '/var/run/ubus/broker.sock';
    const router = await Router.open(undefined, behind);
    let watch: Watch | undefined;
    let standin: Standin | undefined;
    try {
      watch = await Watch.open(router.root.path(BUS), router.root.path(behind));
      chmodSync(router.root.path(BUS), 0o666);
      router.makeSockets();
      standin = await startStandin({ directory: router.root.path('/tmp/yggdrasil') });
      router.lendSockets();
      // or there is no `meshbridge.client`
      router.configure("config registrar 'registrar'\n\toption enabled '1'\n");
      await router.startDaemon();
      await exercise(router, standin);
      for (const use of watch.uses) assert.ok(isAllowed(LIST, use), `~> ${JSON.stringify(use)}`);
      const needed = watch.uses;
      const forBrokers = ({ name, method }: Use): boolean =>
        method?.startsWith('desired_') === true || name === 'system' || name === 'iwinfo';
      const forLeases = ({ method = '' }: Use): boolean => /^(tunnel|route|clients)_/.test(method);
      for (const grant of usesOf(LIST).filter((use) => !forBrokers(use) && !forLeases(use))) {
        const alone: AccessList = { user: LIST.user };
        if (grant.right === 'access') alone.access = { [grant.name]: { methods: [grant.method!] } };
        else alone[grant.right] = [grant.name];
        assert.ok(
          needed.some((use) => isAllowed(alone, use)),
          `~> never used: ${JSON.stringify(grant)}`,
        );
      }
    } finally {
      await standin?.close();
      await router.close();
      await watch?.close();
    }
  });

const ubusd = findProgram('ubusd');
if (problem || !ubusd) console.log(`skipped: the access list with the real ubusd: ${problem ?? 'it is not on PATH'}`);
else
  list('is enough on the real ubusd, which refuses the rest', async () => {
    const router = await Router.open(ubusd);
    let standin: Standin | undefined;
    try {
      const { root } = router;
      router.makeSockets();
      standin = await startStandin({ directory: root.path('/tmp/yggdrasil') });
      router.lendSockets();
      const events: string[] = [];
      for (const pattern of ['meshbridge.*', 'yggdrasil.*']) router.bus.listen(pattern, (id) => events.push(id));
      await router.startDaemon();
      await router.published();
      const asked = (): number => router.calls.filter((call) => call === 'network.interface dump').length;
      await until('netifd was asked', () => asked() > 0);
      const before = asked();
      await router.bus.send('network.interface', { action: 'ifup', interface: 'ygg0' });
      await until('its event was heard', () => asked() > before);
      await exercise(router, standin);
      assert.ok(events.includes('meshbridge.link_up'), `~> ${events}`);
      assert.ok(events.includes('meshbridge.link_down'), `~> ${events}`);
      assert.ok(
        events.some((id) => id.startsWith('yggdrasil.peer_')),
        `~> ${events}`,
      );
      assert.not.match(router.lines.join('\n'), /PERMISSION|permission/);

      const daemon = await router.client(BUS, DAEMON_ID);
      const other = await router.client(BUS, OTHER_ID);
      await daemon.call(HELPER_OBJECT, 'network_read');
      await daemon.send('meshbridge.test');
      router.play('uci', { get: () => ({ values: {} }) });
      const attempts: [what: string, attempt: () => Promise<unknown>][] = [
        ['an event of others', () => daemon.send('network.interface')],
        ['our event by others', () => other.send('meshbridge.test')],
      ];
      for (const path of ['uci', 'meshbridge', HELPER_OBJECT]) {
        await until(`${path} is there`, async () => (await router.bus.lookup(path)).length > 0);
        const [object] = await router.bus.lookup(path);
        const [method] = Object.keys(object!.signature);
        for (const client of path === HELPER_OBJECT ? [other] : [daemon, other])
          attempts.push(
            [`${path} by path`, () => client.call(path, method!)],
            [`${path} by its id`, () => client.invoke(object!.id, method!)],
          );
      }
      for (const [what, attempt] of attempts)
        assert.match(await attempt().then(() => 'done', errorText), /NOT_FOUND|PERMISSION_DENIED/, `~> ${what}`);

      for (const path of ['network', 'yggdrasil.other']) daemon.publish({ path, methods: {} });
      await daemon.ping();
      for (const path of ['network', 'yggdrasil.other'])
        assert.equal(await router.bus.lookup(path).catch(() => []), [], `~> ${path} is published`);
    } finally {
      await standin?.close();
      await router.close();
    }
  });
list.run();
