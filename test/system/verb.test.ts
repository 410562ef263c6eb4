import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { version } from '../../package.json';
import { HELPER_METHODS, type HelperVerb } from '../../src/api/helper.ts';
import { FAILURE } from '../../src/api/objects.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { addressOf } from '../../src/lib/yggdrasil-address.ts';
import { checkArguments } from '../../src/ubus/object.ts';
import { answer, main, ROUTER, signatures } from '../../src/verb.ts';
import { makeCode } from '../support/enrolment.ts';
import { MemoryRouter } from '../support/router.ts';
import { NODE, NODE_SEED, OPERATOR, SITE, STRANGER, seal, wantBody } from '../support/signed.ts';

const NETWORK = '/etc/config/network';
const URI = 'tls://192.0.2.1:443';
const FILE = `config interface 'ygg0'
	option proto 'yggdrasil'
	option private_key 'c0ffee'
	option node_info '{"name":"höme"}'
	option auto '0'
`;
const HASH = `$5$salt$${'a'.repeat(43)}`;
/** Of a change on trial. */
const ID = '0123456789abcdef';
const TERMS = JSON.stringify({ kind: 'gre6', outer: '202::2', home4: '10.43.0.7', mtu: 1456, dns: [] });
/** Of a gateway: the key of its Yggdrasil, its address, and a change of tunnels. */
const KEY = '0123456789abcdef'.repeat(4);
const ADDRESS = addressOf(KEY)!;
const HOME = { slot: 2, kind: 'gre6', outer: '202::2', mtu: 1456, ipv6: true, suspended: false };
const CHANGE = JSON.stringify({ add: [HOME], remove: [3], suspend: [], resume: [] });
const GATEWAY = "config registrar 'registrar'\n\toption enabled '1'\n\toption pool4 '10.43.0.0/24'\n";
const SHOWN: Record<string, string> = {
  [`ip -j addr show to ${ADDRESS}`]: JSON.stringify([{ ifname: 'ygg0', mtu: 65_535 }]),
  'ubus -t 5 call network.interface dump': JSON.stringify({ interface: [{ interface: 'lan', device: 'br-lan' }] }),
  'ip -j -d addr show': JSON.stringify([
    { ifname: 'ygg0', mtu: 65_535, flags: ['UP'], addr_info: [{ local: '201::1', prefixlen: 7 }] },
  ]),
  'wg pubkey': `${'A'.repeat(43)}=\n`,
  'wg genkey': `${'A'.repeat(43)}=\n`,
};
const VERBS = Object.keys(HELPER_METHODS) as HelperVerb[];

/** A router with a network configuration, and the helper on it; `ubus` says nothing, and does all that it is told. */
function make(text = FILE) {
  const router = new MemoryRouter().write(NETWORK, text);
  const asked: string[] = [];
  router.program = (argv) => {
    asked.push(argv.join(' '));
    const stdout = SHOWN[argv.join(' ')];
    return { code: 0, ...(stdout !== undefined && { stdout }) };
  };
  const at = { machine: router, ...ROUTER };
  const call = (verb: string, args: unknown = {}) =>
    answer(at, verb, typeof args === 'string' ? args : JSON.stringify(args));
  return { router, asked, call };
}

const list = suite('signatures');
list('name every verb with its arguments, by an example of each type', () => {
  const peering = { interface: 'string', uri: 'string', device: 'string' };
  assert.equal(signatures(), {
    network_read: {},
    peer_keep: peering,
    peer_forget: peering,
    config_publish: {},
    announce: { interface: 'string', node_info: 'string' },
    interface_restart: { interface: 'string' },
    fix: { id: 'string', option: 'string' },
    member_read: {},
    member_set: { username: 'string', hash: 'string' },
    member_remove: {},
    public_peers_set: { list: 'string' },
    enroll_card: {},
    enroll_check: { code: 'string' },
    enroll: { code: 'string', cap: 'string' },
    desired_read: {},
    desired_apply: { payload: 'string', kind: 'string' },
    desired_confirm: { id: 'string' },
    desired_undo: { id: 'string', why: 'string' },
    tunnel_ability: {},
    tunnel_build: { slot: 'string', terms: 'string' },
    tunnel_drop: { slot: 'string' },
    route_use: { slot: 'string', terms: 'string' },
    route_block: { on: 'string' },
    route_keep: { terms: 'string' },
    route_restore: {},
    route_undo: {},
    clients_ability: { key: 'string' },
    clients_restore: { key: 'string', slots: 'string' },
    clients_change: { key: 'string', change: 'string' },
    clients_use: { key: 'string' },
    clients_check: { key: 'string' },
    clients_release: {},
    lint: {},
  });
  assert.equal(Object.keys(signatures()).sort(), [...VERBS].sort());
});
list.run();

// ---

const verbs = suite('answer');
const GOOD: Record<HelperVerb, object> = {
  network_read: {},
  peer_keep: { interface: 'ygg0', uri: URI },
  peer_forget: { interface: 'ygg0', uri: URI, device: 'eth0' },
  config_publish: {},
  announce: { interface: 'ygg0', node_info: '{"name":"höme 12"}' },
  interface_restart: { interface: 'ygg0' },
  fix: { id: 'no_autostart', option: 'network.ygg0.auto' },
  member_read: {},
  member_set: { username: 'home', hash: HASH },
  member_remove: {},
  public_peers_set: { list: '' },
  enroll_card: {},
  enroll_check: { code: makeCode() },
  enroll: { code: makeCode(), cap: 'observe' },
  desired_read: {},
  desired_apply: { payload: decodeUtf8(seal('want', wantBody(1))), kind: 'want' },
  desired_confirm: { id: ID },
  desired_undo: { id: ID, why: 'unwell' },
  tunnel_ability: {},
  tunnel_build: { slot: '0', terms: TERMS },
  tunnel_drop: { slot: '1' },
  route_use: { slot: '0', terms: TERMS },
  route_block: { on: '1' },
  route_keep: { terms: TERMS },
  route_restore: {},
  route_undo: {},
  clients_ability: { key: KEY },
  clients_restore: { key: KEY, slots: '[2,3]' },
  clients_change: { key: KEY, change: CHANGE },
  clients_use: { key: KEY },
  clients_check: { key: KEY },
  clients_release: {},
  lint: {},
};
/** Files with which each of those does something. */
const MANAGED = `config meshbridge 'main'
	option mqtt '1'
	option site '${SITE}'
	option manage_cap 'configure'

config key 'operator'
	option public '${OPERATOR.public}'
	option scope 'configure'
`;
const TRIAL = JSON.stringify({
  id: ID,
  state: 'applied',
  boot: '',
  begun_ms: 0,
  confirm_s: 60,
  origin: { audience: 'node', gen: 1, subjects: [] },
  steps: [{ file: 'meshbridge', section: 'main', option: 'probe', was: null, to: '0' }],
  rejected: [],
});
const STATE = '/etc/meshbridge';
const OWN = '/etc/config/meshbridge';
function prepare(router: MemoryRouter, verb: string): void {
  // netifd is played by nobody here: as on plain Linux
  if (/^(tunnel|route)_/.test(verb)) router.files.remove(NETWORK);
  // what is used has been built
  if (verb === 'route_use') router.write('/var/run/home.json', `{"blocked":true,"tunnels":[${TERMS},null]}`);
  if (verb.startsWith('clients_')) router.write(OWN, GATEWAY);
  if (!verb.startsWith('desired_')) return;
  router.write(OWN, MANAGED).write(`${STATE}/node.key`, `${NODE_SEED}\n`);
  if (verb === 'desired_confirm' || verb === 'desired_undo') router.write(`${STATE}/trial.json`, TRIAL);
}
for (const verb of VERBS)
  verbs(`serves ${verb} as its contract says, whoever calls by way of HTTP, too`, async () => {
    for (const session of [{}, { ubus_rpc_session: '0'.repeat(32) }]) {
      const { router, call } = make();
      prepare(router, verb);
      const done = call(verb, { ...GOOD[verb], ...session });
      await router.clock.advance(1000);
      const reply = await done;
      assert.not('error' in reply, JSON.stringify(reply));
      assert.equal(checkArguments(HELPER_METHODS[verb].reply, reply as never), reply);
    }
  });
for (const [args, words] of [
  [{ slot: '2', terms: TERMS }, 'slot: expected 0 or 1, got "2"'],
  [{ slot: '0', terms: '{' }, 'terms: expected JSON'],
  [{ slot: '0', terms: TERMS.replace('202::2', 'fe80::1') }, 'terms.outer: expected an address of a node'],
  [{ slot: '0', terms: TERMS.replace('10.43.0.7', '127.0.0.1') }, 'terms.home4: expected an IPv4 address'],
  [{ slot: '0', terms: ' '.repeat(4097) }, 'terms: expected at most 4096 characters'],
] as const)
  verbs(`makes no tunnel by ${words.slice(0, 30)}`, async () => {
    const { asked, call } = make();
    const reply = (await call('tunnel_build', args)) as { error: string; field: string };
    assert.ok(reply.error.startsWith(words), reply.error);
    assert.equal(asked, []);
  });
for (const [args, words] of [
  [{ key: KEY.toUpperCase(), change: CHANGE }, 'key: expected 64 hex digits'],
  [{ key: KEY, change: '{' }, 'change: expected JSON'],
  [{ key: KEY, change: '[]' }, 'change: expected an object'],
  [{ key: KEY, change: CHANGE.replace('"slot":2', '"slot":1') }, 'change.add.slot: expected the slot of a home'],
  [{ key: KEY, change: CHANGE.replace('"slot":2', '"slot":255') }, 'change.add.slot: expected the slot of a home'],
  [{ key: KEY, change: CHANGE.replace('gre6', 'gre7') }, 'change.add.kind: expected one of'],
  [{ key: KEY, change: CHANGE.replace('202::2', '2001:db8::2') }, 'change.add.outer: expected an address of a node'],
  [{ key: KEY, change: CHANGE.replace('1456', '1456.5') }, 'change.add.mtu: expected a whole number'],
  [{ key: KEY, change: CHANGE.replace('gre6', 'wireguard') }, 'change.add.wireguard_key: expected a key'],
  [{ key: KEY, change: CHANGE.replace('[3]', '["3; flush ruleset"]') }, 'change.remove: expected slots of homes'],
  [{ key: KEY, change: `{"resume":[${'2,'.repeat(1000)}2]}` }, 'change.resume: expected a list of at most 1000'],
] as const)
  verbs(`changes no tunnel of a gateway by ${words} ${JSON.stringify(args).length}`, async () => {
    const { router, asked, call } = make();
    prepare(router, 'clients_change');
    const reply = (await call('clients_change', args)) as { error: string; field: string };
    assert.ok(reply.error.startsWith(words), reply.error);
    assert.equal(asked, []);
  });
verbs('is no gateway that root does not have, and none of another key', async () => {
  const { router, asked, call } = make();
  router.write(OWN, GATEWAY.replace("enabled '1'", "enabled '0'"));
  for (const verb of ['clients_ability', 'clients_restore', 'clients_change', 'clients_use', 'clients_check'] as const)
    assert.equal(await call(verb, GOOD[verb]), { error: 'registrar: is not switched on in the configuration' });
  assert.equal(asked, []);
  router.write(OWN, GATEWAY);
  for (const verb of ['clients_ability', 'clients_restore', 'clients_change'] as const) {
    const reply = (await call(verb, { ...GOOD[verb], key: `8${KEY.slice(1)}` })) as { error: string };
    assert.match(reply.error, /^no device has the address of Yggdrasil, 200:/);
  }
  assert.not.ok(asked.includes('nft -f -'));
});
verbs('takes networks and who is spared from root, and changes nothing where a network has no device', async () => {
  const { router, asked, call } = make();
  prepare(router, 'route_block');
  const base = "config lease 'home'\n\tlist network 'lan'\n\tlist bypass '192.168.1.9'\n";
  router.write(OWN, base);
  assert.equal(await call('route_block', { on: '1' }), {});
  assert.ok(asked.includes('nft -f -'));
  router.write(OWN, base.replace('lan', 'guest'));
  asked.length = 0;
  const reply = (await call('route_block', { on: '1' })) as { error: string };
  assert.match(reply.error, /^network guest: has no device/);
  assert.not.ok(asked.includes('nft -f -'));
});
verbs('writes down that leases are in use, for the daemon to read, and that they are not any more', async () => {
  const { router, call } = make();
  prepare(router, 'route_keep');
  router.write(OWN, "config lease 'home'\n\toption enabled '0'\n\toption name 'x'\n");
  await call('route_keep', { terms: TERMS });
  for (const path of [OWN, '/var/run/meshbridge/config']) assert.match(router.text(path)!, /enabled '1'/);
  await call('route_undo');
  for (const path of [OWN, '/var/run/meshbridge/config']) assert.match(router.text(path)!, /enabled '0'/);
});
verbs('uses no tunnel by other terms than it was built by', async () => {
  const { router, asked, call } = make();
  prepare(router, 'route_use');
  const terms = TERMS.replace('10.43.0.7', '192.168.1.1');
  assert.equal(await call('route_use', { slot: '0', terms }), { error: 'tunnel 0: was not built by these terms' });
  assert.not.ok(
    asked.some((one) => /batch|nft -f/.test(one)),
    asked.join('\n'),
  );
});
for (const [what, own, left, undone] of [
  ['a lease', '# nothing\n', 'home', /^nft -f -/],
  ['a lease that is in use', "config lease 'home'\n\toption enabled 'on'\n", 'home', undefined],
  ['a gateway', '# nothing\n', 'gateway', /link del group|nft -f -/],
  ['a gateway that is switched on', GATEWAY, 'gateway', undefined],
  ['either, by a configuration with mistakes', "config lease 'home'\n\toption enabled 'maybe'\n", 'both', undefined],
] as const)
  verbs(`looks at each start for what is left of ${what}`, async () => {
    const { router, asked, call } = make();
    router.write(OWN, own);
    router.files.remove(NETWORK);
    if (left !== 'gateway') router.write('/etc/meshbridge/guard.nft', 'table inet meshbridge {\n}\n');
    if (left !== 'home') router.write('/etc/config/firewall', "config zone 'mbg_zone'\n\toption name 'meshclients'\n");
    const done = call('config_publish');
    await router.clock.advance(1000);
    assert.equal(await done, {});
    assert.is(
      asked.some((one) => undone?.test(one)),
      undone !== undefined,
      asked.join('\n'),
    );
    const guard = router.files.list('/etc/meshbridge').includes('guard.nft');
    assert.is(guard, left !== 'gateway' && undone === undefined);
  });
verbs('reads what the network configuration says, but for its keys', async () => {
  const { router, call } = make();
  const read = await call('network_read');
  assert.equal(read, { interfaces: [{ interface: 'ygg0', peers: [], node_info: '{"name":"höme"}' }] });
  router.files.remove(NETWORK);
  assert.equal(await call('network_read'), {});
});
verbs('keeps a peering and forgets it', async () => {
  const { router, call } = make();
  const peering = { interface: 'ygg0', uri: `${URI}?priority=1`, device: 'eth0' };
  assert.equal(await call('peer_keep', peering), { result: 'added' });
  assert.equal(await call('peer_keep', peering), { result: 'present' });
  assert.match(router.text(NETWORK), `option address '${URI}?priority=1'\n\toption interface 'eth0'`);
  assert.equal(await call('peer_forget', { ...peering, uri: URI }), { result: 'removed' });
  assert.equal(await call('peer_forget', peering), { result: 'absent' });
  assert.is(router.text(NETWORK), FILE);
});
verbs('keeps a list of public peers, hands it over, and removes both', async () => {
  const { router, call } = make();
  const copy = '/var/run/meshbridge/publicnodes.json';
  const list = JSON.stringify({ 'germany.md': { 'tls://a.example:1': { up: true, last_seen: 1 } } });
  assert.equal(await call('public_peers_set', { list }), { entries: 1 });
  router.files.remove(copy);
  await call('config_publish');
  assert.is(router.text(copy), '{"germany":{"tls://a.example:1":{}}}');
  const { error, field } = (await call('public_peers_set', { list: '[]' })) as { error: string; field: string };
  assert.equal([error, field], ['list: expected a table of regions, got a list', 'list']);
  assert.equal(await call('public_peers_set', { list: '' }), { entries: 0 });
  await call('config_publish');
  assert.not(router.files.all.has(copy));
});
verbs('joins a fleet by a code, hands the configuration to the daemon, and its key', async () => {
  const { router, call } = make();
  const [own, copy] = ['/etc/config/meshbridge', '/var/run/meshbridge/config'];
  const { node, key, card } = (await call('enroll_card')) as Record<string, string>;
  assert.match(card!, /^mbcard/);
  assert.equal(await call('enroll', { code: makeCode(), cap: 'observe' }), { node, key });
  assert.match(router.text(own), /option mqtt '1'[\s\S]*config mqtt 'fleet'/);
  assert.is(router.text(copy), router.text(own));
  assert.is(router.text('/var/run/meshbridge/node.key'), router.text('/etc/meshbridge/node.key'));
  const refused = await call('enroll', { code: makeCode(), cap: 'upgrade' });
  assert.equal(refused, {
    error:
      'code: with it the configuration would not do: meshbridge.main.manage_cap: expected one of none, observe, diagnose, operate, configure, got "upgrade"',
    field: 'code',
  });
});
verbs('makes no change while another helper is at one', async () => {
  const { router, call } = make();
  const leave = router.streams.listen({ path: '@meshbridge.helper' }, () => ({ onData() {}, onClose() {} }));
  const kept = call('peer_keep', GOOD.peer_keep);
  await router.clock.advance(1000);
  assert.is(router.text(NETWORK), FILE);
  assert.not('error' in (await call('network_read')));
  leave();
  await router.clock.advance(100);
  assert.equal(await kept, { result: 'added' });
});
verbs('announces, and tells when it says so already', async () => {
  const { router, asked, call } = make();
  const announce = (node_info: object) => call('announce', { interface: 'ygg0', node_info: JSON.stringify(node_info) });
  const services = [{ name: 'Wiki', url: 'http://[300::1]/' }];
  assert.equal(await announce({ services }), { result: 'changed' });
  assert.equal(await announce({ services }), { result: 'same' });
  assert.is(router.text(NETWORK), FILE.replace('"höme"', `"höme","services":${JSON.stringify(services)}`));
  assert.equal(await announce({ services: null, name: 'our house' }), { result: 'changed' });
  assert.match(router.text(NETWORK), `'{"name":"our\u00a0house"}'`);
  assert.equal(await announce({ name: null }), { result: 'changed' });
  assert.not.match(router.text(NETWORK), 'node_info');
  assert.equal(await announce({ name: null }), { result: 'same' });
  assert.equal(await announce({ name: 'höme' }), { result: 'changed' });
  assert.equal(asked, []);
});
verbs('restarts an interface of Yggdrasil, and says when it stays down', async () => {
  const { router, asked, call } = make();
  assert.equal(await call('interface_restart', GOOD.interface_restart), {});
  assert.equal(asked, [
    'ubus -t 5 call network.interface down {"interface":"ygg0"}',
    'ubus -t 5 call network.interface up {"interface":"ygg0"}',
  ]);
  router.program = (argv) => ({ code: argv.includes('up') ? 4 : 0 });
  assert.equal(await call('interface_restart', GOOD.interface_restart), { error: 'ygg0: down now, run: ifup ygg0' });
  router.program = () => ({ code: 4 });
  assert.equal(await call('interface_restart', GOOD.interface_restart), {
    error: 'ubus call network.interface down: ended with 4',
  });
});
verbs('puts right what is found', async () => {
  const { router, call } = make();
  assert.equal(await call('fix', GOOD.fix), { result: 'Lets ygg0 come up whenever the router starts.' });
  assert.is(router.text(NETWORK), FILE.replace("\toption auto '0'\n", ''));
  assert.is(((await call('fix', GOOD.fix)) as { field: string }).field, 'id');
});
verbs('makes, tells and removes the login of the household', async () => {
  const { router, call } = make();
  assert.equal(await call('member_read'), {});
  assert.equal(await call('member_set', GOOD.member_set), {});
  assert.equal(await call('member_read'), { username: 'home' });
  assert.equal(await call('member_remove'), {});
  assert.equal(await call('member_read'), {});
  assert.equal(router.files.writes, ['/etc/config/rpcd', '/etc/config/rpcd']);
});
for (const [verb, args] of Object.entries(GOOD))
  if ('writes' in HELPER_METHODS[verb as HelperVerb])
    verbs(`waits for its turn to ${verb}`, async () => {
      const { router, asked, call } = make();
      prepare(router, verb);
      const leave = router.streams.listen({ path: '@meshbridge.helper' }, () => ({ onData() {}, onClose() {} }));
      const done = call(verb, args);
      await router.clock.advance(1000);
      assert.equal([router.files.writes, asked], [[], []]);
      leave();
      await router.clock.advance(1000);
      assert.not('error' in (await done));
    });
verbs('publishes the configuration', async () => {
  const { router, call } = make();
  router.write('/etc/config/meshbridge', '# mine\n');
  assert.equal(await call('config_publish'), {});
  const { bytes, mode } = router.files.all.get('/var/run/meshbridge/config')!;
  assert.equal([decodeUtf8(bytes), mode], ['# mine\n', 0o440]);
});
verbs('makes the key of the node where brokers are wanted, and hands it over while they are', async () => {
  const { router, call } = make();
  const [kept, copy] = [ROUTER.nodeKey.kept, ROUTER.nodeKey.published];
  const configure = async (text: string): Promise<void> => {
    router.write('/etc/config/meshbridge', text);
    assert.equal(await call('config_publish'), {});
  };
  await configure('');
  assert.not.ok(router.files.all.has(kept), '~> nobody wants one yet');
  await configure("config meshbridge main\n\toption mqtt '1'\n");
  const { bytes, mode } = router.files.all.get(kept)!;
  assert.equal([decodeUtf8(bytes), mode], [`${'80'.repeat(32)}\n`, 0o600]);
  assert.equal(router.files.all.get(copy), { bytes, mode: 0o440 });
  await configure("config meshbridge main\n\toption mqtt 'perhaps'\n");
  assert.ok(router.files.all.has(copy), '~> a configuration that is refused changes nothing');
  await configure('');
  assert.equal([router.files.all.has(copy), router.files.all.has(kept)], [false, true]);
});
/** A router that is managed, and what becomes of a call there. */
function managed(config = MANAGED) {
  const { router, asked, call } = make();
  router.write(OWN, config).write(`${STATE}/node.key`, `${NODE_SEED}\n`);
  const ask = async (verb: string, args: object = {}) => {
    const done = call(verb, args);
    await router.clock.advance(1000);
    return (await done) as { error?: string; field?: string; result?: string; id?: string; hash?: string };
  };
  const apply = (body: object, signers = [OPERATOR]) =>
    ask('desired_apply', { payload: decodeUtf8(seal('want', body, signers)), kind: 'want' });
  return { router, asked, ask, apply };
}
verbs('makes a signed change on trial, hands it over, and confirms it', async () => {
  const { router, ask, apply } = managed();
  const before = await ask('desired_read');
  const { id, ...applied } = await apply(wantBody(1, { confirm_s: 60 }));
  assert.match(id!, /^[0-9a-f]{16}$/);
  assert.equal(applied, { result: 'trial', left_s: 59, rejected: [], changed: ['meshbridge'], peers: [] });
  assert.match(router.text(OWN), "option log_level 'debug'");
  assert.is(router.text('/var/run/meshbridge/config'), router.text(OWN));
  const trial = await ask('desired_read');
  assert.equal((trial as { trial?: object }).trial, { id, left_s: 59, changed: ['meshbridge'], peers: [] });
  assert.not.equal(trial.hash, before.hash);
  assert.equal(await ask('desired_confirm', { id }), { rejected: [] });
  const { hash, ...after } = await ask('desired_read');
  assert.equal(after, {
    node: { gen: 1, st: 'applied' },
    last: 'node',
    values: [{ path: 'meshbridge.main.log_level', value: 'debug' }],
  });
  assert.is(hash, trial.hash);
});
verbs('undoes a change, and tells radios', async () => {
  const { router, asked, ask, apply } = managed();
  const wireless = '/etc/config/wireless';
  router.write(wireless, "config wifi-device 'radio0'\n\toption channel '1'\n");
  const changes = [{ set: 'wireless.radio0.channel', to: '6' }];
  const { id } = await apply(wantBody(1, { changes }));
  assert.match(router.text(wireless), "channel '6'");
  const undone = await ask('desired_undo', { id, why: 'x'.repeat(500) });
  assert.equal(undone, { changed: ['wireless'], peers: [] });
  assert.match(router.text(wireless), "channel '1'");
  assert.equal(asked, Array(2).fill('ubus -t 5 call network reload'));
  const { node } = (await ask('desired_read')) as { node?: { error: string } };
  assert.is(node?.error.length, 200);
});
verbs('undoes what is on trial once the owner switches off that the router is managed', async () => {
  const { router, ask, apply } = managed();
  await apply(wantBody(1));
  await ask('config_publish');
  assert.match(router.text(OWN), "option log_level 'debug'");
  router.write(OWN, router.text(OWN).replace("mqtt '1'", "mqtt '0'"));
  assert.equal(await ask('config_publish'), {});
  assert.not.match(router.text(OWN), 'log_level');
  assert.is(router.text('/var/run/meshbridge/config'), router.text(OWN));
  const { node } = (await ask('desired_read')) as { node?: object };
  assert.equal(node, { gen: 1, st: 'rolled-back', error: 'it was switched off that this router is managed' });
});
verbs('takes a change back where netifd does not hear of it', async () => {
  const { router, ask, apply } = managed();
  const wireless = '/etc/config/wireless';
  router.write(wireless, "config wifi-device 'radio0'\n\toption channel '1'\n");
  router.program = () => ({ code: 4 });
  const { error } = await apply(wantBody(1, { changes: [{ set: 'wireless.radio0.channel', to: '6' }] }));
  assert.is(error, 'ubus call network reload: ended with 4');
  assert.match(router.text(wireless), "channel '1'");
  assert.not('trial' in (await ask('desired_read')));
});
verbs('rejects what would stop the daemon', async () => {
  const { apply } = managed();
  const changes = [{ set: 'meshbridge.main.poll_brisk', to: '60' }];
  const { result, rejected } = (await apply(wantBody(1, { changes }))) as { result?: string; rejected?: object[] };
  assert.is(result, 'rejected');
  assert.equal(rejected, [
    {
      path: 'meshbridge.main.poll_brisk',
      reason: 'meshbridge.main.poll_idle: expected at least poll_brisk (60), got "30"',
    },
  ]);
});
const UNTRUSTED: [what: string, config: string, words: string][] = [
  [
    'while the owner lets nobody configure',
    MANAGED.replace("manage_cap 'configure'", "manage_cap 'operate'"),
    'the owner',
  ],
  ['of a key that may only operate', MANAGED.replace("scope 'configure'", "scope 'operate'"), 'the owner'],
  ['while all of it is switched off', MANAGED.replace("mqtt '1'", "mqtt '0'"), 'has switched off that it is managed'],
  ['of a key that is switched off', `${MANAGED}\toption enabled '0'\n`, 'expected a key that is known here'],
  ['while the configuration has mistakes', `${MANAGED}\toption scop 'x'\n`, 'has mistakes, so nobody is trusted'],
  ['where there is no configuration', '', 'has switched off that it is managed'],
];
for (const [what, config, words] of UNTRUSTED)
  verbs(`makes no change ${what}`, async () => {
    const { router, apply } = managed(config);
    assert.match((await apply(wantBody(1))).error!, words);
    assert.equal(router.files.writes, []);
  });
verbs('makes no change of a stranger, of no key of its own, or of an earlier generation', async () => {
  const { router, apply, ask } = managed();
  assert.match((await apply(wantBody(1), [STRANGER])).error!, 'expected a key that is known here');
  const { id } = await apply(wantBody(5));
  await ask('desired_confirm', { id });
  assert.equal(await apply(wantBody(4)), { error: 'gen: expected more than 5, got 4', field: 'gen' });
  router.write(`${STATE}/node.key`, `${NODE_SEED.slice(2)}\n`);
  assert.match((await apply(wantBody(6))).error!, 'node.key: expected a line of 64 hex digits');
  router.files.remove(`${STATE}/node.key`);
  assert.match((await apply(wantBody(6))).error!, `expected this node, got "${NODE}"`);
});
verbs('takes no text at all for no arguments', async () => {
  assert.equal(await make().call('config_publish', ''), {});
  assert.equal(await make().call('config_publish', ' \n'), {});
});

const NO_JSON = 'arguments: expected a JSON object, got what is no JSON';
const HOSTILE: [what: string, verb: string, args: unknown, error: string, field?: string][] = [
  ['a verb that objects have', 'constructor', {}, `constructor: no such verb, there are ${VERBS.join(', ')}`],
  ['a path for a verb', '../../bin/sh', {}, `../../bin/sh: no such verb, there are ${VERBS.join(', ')}`],
  ['a long verb', 'x'.repeat(9999), {}, `${'x'.repeat(32)}…: no such verb, there are ${VERBS.join(', ')}`],
  ['no JSON', 'lint', 'secret', NO_JSON],
  ['JSON that is cut short', 'peer_keep', '{"interface":"ygg0","uri":"tcp://a:1?password=secret', NO_JSON],
  ['two objects', 'lint', '{}{}', NO_JSON],
  ['a list', 'lint', [], 'arguments: expected a JSON object, got a list'],
  ['null', 'lint', 'null', 'arguments: expected a JSON object, got null'],
  ['a text', 'lint', '"x"', 'arguments: expected a JSON object, got string'],
  ['more brackets than any stack bears', 'lint', '['.repeat(65_536), NO_JSON],
  ['an argument too many', 'lint', { path: '/x' }, 'path: unknown argument, lint takes none', 'path'],
  [
    'a prototype',
    'peer_keep',
    '{"interface":"ygg0","uri":"tcp://a:1","__proto__":{"device":"x"}}',
    '__proto__: unknown argument, peer_keep takes interface, uri, device',
    '__proto__',
  ],
  ['too little', 'peer_keep', { interface: 'ygg0' }, 'uri: missing, expected a string', 'uri'],
  ['a number for a text', 'peer_keep', { interface: 7, uri: URI }, 'interface: expected a string, got 7', 'interface'],
  ['a list for a text', 'peer_forget', { interface: 'ygg0', uri: [URI] }, 'uri: expected a string, got a list', 'uri'],
  [
    'a path for an interface',
    'peer_keep',
    { interface: '../../etc/passwd', uri: URI },
    'interface: expected 1 to 15 letters, digits and _',
    'interface',
  ],
  [
    'an interface that is none of Yggdrasil',
    'peer_keep',
    { interface: 'lan', uri: URI },
    `interface: ${NETWORK} has no interface "lan" of protocol yggdrasil`,
    'interface',
  ],
  [
    'a line break in a URI',
    'peer_keep',
    { interface: 'ygg0', uri: "tcp://a:1'\n\toption private_key 'x" },
    'uri: expected 1 to 2048 characters without blanks',
    'uri',
  ],
  [
    'a URI without end',
    'peer_keep',
    { interface: 'ygg0', uri: `tcp://a:1?key=${'0'.repeat(60_000)}` },
    'uri: expected 1 to 2048 characters without blanks',
    'uri',
  ],
  [
    'an announcement for nobody',
    'announce',
    { interface: 'lan', node_info: '{}' },
    `interface: ${NETWORK} has no interface "lan" of protocol yggdrasil`,
    'interface',
  ],
  [
    'an announcement that the way would spoil',
    'announce',
    { interface: 'ygg0', node_info: '{"name":"a&b"}' },
    'name: expected no " & \\ and no invisible characters, got "&"',
    'name',
  ],
  [
    'an announcement that is no JSON',
    'announce',
    { interface: 'ygg0', node_info: "{}'\n\toption private_key 'x" },
    'node_info: expected the JSON of a table, but it cannot be read',
    'node_info',
  ],
  [
    'the restart of what is none of Yggdrasil',
    'interface_restart',
    { interface: 'wan' },
    `interface: ${NETWORK} has no interface "wan" of protocol yggdrasil`,
    'interface',
  ],
  ...[
    { id: 'no_autostart', option: 'network.ygg1.auto' },
    { id: 'idle_multicast', option: 'network.ygg0.auto' },
    { id: 'bad_private_key', option: 'network.ygg0.private_key' },
    { id: '__proto__', option: 'network.ygg0.auto' },
    { id: 'no_autostart', option: '../rpcd.ygg0.auto' },
  ].map((args): (typeof HOSTILE)[number] => [
    `to fix ${args.id} at ${args.option}`,
    'fix',
    args,
    'id: expected a finding that is there now and can be put right, got none',
    'id',
  ]),
  ...['', 'Home', 'a b', 'a\nb', "a'b", 'x'.repeat(33), '../root', 'ö'].map((username): (typeof HOSTILE)[number] => [
    `the user ${JSON.stringify(username)}`,
    'member_set',
    { username, hash: HASH },
    'username: expected 1 to 32 of a-z, 0-9, _ and -',
    'username',
  ]),
  [
    'the user root',
    'member_set',
    { username: 'root', hash: HASH },
    'username: expected another name than root',
    'username',
  ],
  ...[
    '',
    'secret',
    '$p$root',
    '$1$salt$x',
    `${HASH}\n`,
    HASH.replace('5', '6'),
    HASH.replace('$salt', '$rounds=999999999$salt'),
  ].map((hash): (typeof HOSTILE)[number] => [
    `the hash ${JSON.stringify(hash.slice(0, 24))}`,
    'member_set',
    { username: 'home', hash },
    'hash: expected what SHA-256 crypt makes, $5$salt$…',
    'hash',
  ]),
  [
    'a path for a device',
    'peer_keep',
    { interface: 'ygg0', uri: URI, device: '../../x' },
    'device: expected a network device of 1 to 15 characters',
    'device',
  ],
];
for (const [what, verb, args, error, field] of HOSTILE)
  verbs(`refuses ${what}`, async () => {
    const { router, asked, call } = make();
    const reply = await call(verb, args);
    assert.equal(
      asked.filter((line) => !line.endsWith(' dump')),
      [],
    );
    assert.equal(reply, field === undefined ? { error } : { error, field });
    checkArguments(FAILURE, reply as never);
    assert.equal(router.files.writes, []);
  });
verbs('quotes a quote in a URI so that it stays one', async () => {
  const { router, call } = make();
  const uri = "tcp://a:1?password=it's;#\\";
  const reply = await call('peer_keep', { interface: 'ygg0', uri });
  if ('error' in reply) assert.is(router.text(NETWORK), FILE);
  else
    assert.equal(await call('network_read'), {
      interfaces: [{ interface: 'ygg0', peers: [{ uri }], node_info: '{"name":"höme"}' }],
    });
});
verbs('shows nothing of what broke but its kind, unless it is known to be harmless', async () => {
  const { router, call } = make();
  for (const [thrown, error] of [
    [new TypeError('c0ffee'), 'network_read: failed (TypeError)'],
    ['c0ffee', 'network_read: failed (string)'],
    [new Error(`read ${NETWORK}: Input/output error`), `read ${NETWORK}: Input/output error`],
  ] as const) {
    router.files.onRead = () => {
      throw thrown;
    };
    assert.equal(await call('network_read'), { error });
  }
});
verbs.run();

// ---

/** What the program printed, logged and ended with. */
async function program(args: readonly string[], input = '{}') {
  const router = new MemoryRouter(args).write(NETWORK, FILE);
  await main(router, async (maxBytes) => {
    if (input.length > maxBytes) throw new Error(`read standard input: larger than ${maxBytes} bytes`);
    return encodeUtf8(input);
  });
  const { printed, lines, exits } = router;
  return { printed, lines, exits };
}

const start = suite('main of the helper');
start('tells rpcd its verbs', async () => {
  assert.equal(await program(['list']), { printed: `${JSON.stringify(signatures())}\n`, lines: [], exits: [0] });
});
start('settles what nobody confirmed', async () => {
  const router = new MemoryRouter(['settle']).write(OWN, MANAGED.replace("mqtt '1'", "probe '0'"));
  router.write(`${STATE}/trial.json`, TRIAL);
  const done = main(router, async () => new Uint8Array());
  await router.clock.advance(1000);
  await done;
  assert.equal([router.printed, router.exits], ['a change from afar that nobody confirmed was undone\n', [0]]);
  assert.not.match(router.text(OWN), 'probe');
  assert.equal(await program(['settle']), { printed: '', lines: [], exits: [0] });
});
start('says that it could not settle', async () => {
  const router = new MemoryRouter(['settle']).write(`${STATE}/trial.json`, 'secret');
  await main(router, async () => new Uint8Array());
  const why = `${STATE}/trial.json: expected what meshbridge wrote, got something else: remove it to begin anew`;
  assert.equal([router.lines, router.exits], [[`meshbridge.helper: a change from afar was not undone: ${why}`], [1]]);
});
start('does what it is called for and prints one object, errors too', async () => {
  assert.equal(await program(['call', 'config_publish']), { printed: '{}\n', lines: [], exits: [0] });
  assert.equal(await program(['call', 'reboot']), {
    printed: `${JSON.stringify({ error: `reboot: no such verb, there are ${VERBS.join(', ')}` })}\n`,
    lines: [],
    exits: [0],
  });
  const { printed, exits } = await program(['call', 'lint'], ' '.repeat(1_000_000));
  assert.is(printed, '{"error":"read standard input: larger than 65536 bytes"}\n');
  assert.equal(exits, [0]);
});
start('tells what it is', async () => {
  const { printed, lines, exits } = await program(['--help']);
  assert.match(printed, `meshbridge.helper ${version}`);
  assert.ok(printed.split('\n').every((line) => line.length <= 80));
  assert.equal([lines, exits], [[], [0]]);
});
for (const args of [[], ['call'], ['call', 'lint', 'now'], ['list', 'all'], ['lint']])
  start(`refuses the words ${args.join(' ') || 'of nobody'}`, async () => {
    assert.equal(await program(args), {
      printed: '',
      lines: ['meshbridge.helper: expected list, call VERB, settle, enroll, or release; --help tells more'],
      exits: [2],
    });
  });
start.run();
