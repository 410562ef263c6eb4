import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { errorText, InputError } from '../../src/errors.ts';
import { FINDINGS, type FindingId } from '../../src/mesh/lint-finding.ts';
import { applyFix, FIXABLE } from '../../src/system/fix.ts';
import { MemoryRouter } from '../support/router.ts';
import { FIREWALL, NETWORK, PRIVATE_KEY, PUBLIC_KEY } from '../support/router-files.ts';

const FILES = { network: NETWORK, firewall: FIREWALL };
type File = keyof typeof FILES;
const RELOAD = 'ubus -t 5 call service event {"type":"config.change","data":{"package":"firewall"}}';

/** A router that is good but for what replaces a text in one file. */
function make(file: File, from: string, to: string) {
  const router = new MemoryRouter();
  assert.ok(FILES[file].includes(from), `~> ${from}`);
  for (const [name, text] of Object.entries(FILES))
    router.write(`/etc/config/${name}`, name === file ? text.replace(from, to) : text);
  const asked: string[] = [];
  router.program = (argv) => {
    asked.push(argv.join(' '));
    return { code: 0 };
  };
  const fix = (id: string, option: string) => applyFix(router, '/etc/config', id, option);
  return { router, asked, fix, text: () => router.text(`/etc/config/${file}`) };
}

const KEY = `\toption private_key '${PRIVATE_KEY}'\n`;
const MULTICAST = "\toption beacon '1'\n\toption listen '1'\n";
const TWICE =
  "\nconfig yggdrasil_ygg0_peer\n\toption address 'quic://192.0.2.7:9002?priority=1'\n\toption interface 'eth1'\n";
const ZONE = "list network 'ygg0'\n\toption input 'REJECT'\n\toption output 'ACCEPT'\n\toption forward ";
const DEFAULTS =
  "config defaults\n\toption syn_flood '1'\n\toption input 'REJECT'\n\toption output 'ACCEPT'\n\toption forward ";

/** What is broken, where it is found, and what the file is afterwards, where that is not what it was before it broke. */
const CASES: [id: FindingId, option: string, file: File, good: string, broken: string, after?: string][] = [
  ['empty_private_key', 'network.ygg0.private_key', 'network', KEY, "\toption private_key ''\n"],
  ['public_key_mismatch', 'network.ygg0.public_key', 'network', PUBLIC_KEY, 'cd'.repeat(32)],
  [
    'dropped_node_info',
    'network.ygg0.node_info',
    'network',
    `'{"name":"home-12"}'`,
    `'{"name": "höme 12"}' # mine`,
    `'{"name":"höme\u00a012"}' # mine`,
  ],
  ['idle_multicast', 'network.@yggdrasil_ygg0_interface[0]', 'network', MULTICAST, ''],
  ['bad_multicast_port', 'network.@yggdrasil_ygg0_interface[0].port', 'network', "port '0'", "port '70000'"],
  [
    'duplicate_peer',
    'network.@yggdrasil_ygg0_peer[2].address',
    'network',
    '\nconfig yggdrasil_ygg0_interface\n',
    `${TWICE}\nconfig yggdrasil_ygg0_interface\n`,
  ],
  [
    'no_autostart',
    'network.ygg0.auto',
    'network',
    "\toption proto 'yggdrasil'\n",
    "\toption proto 'yggdrasil'\n\toption auto '0'\n",
  ],
  ['open_default_forward', 'firewall.@defaults[0].forward', 'firewall', `${DEFAULTS}'REJECT'`, `${DEFAULTS}'accept'`],
  ['loose_forward', 'firewall.@zone[2].forward', 'firewall', `${ZONE}'REJECT'`, `${ZONE}'ACCEPT'`],
];
/** What is not put back but taken out, or written otherwise. */
const AFTER: { [id in FindingId]?: (text: string) => string } = {
  empty_private_key: (text) =>
    text.replace(
      "list listen_address 'tls://[::]:9001'",
      "list listen_address 'tls://[::]:9001'\n\toption private_key 'auto'",
    ),
  public_key_mismatch: (text) => text.replace(/.*public_key.*\n/, ''),
  idle_multicast: (text) => text.replace(/(.*password '\w+'\n)$/, `$1${MULTICAST}`),
  bad_multicast_port: (text) => text.replace(/.*port '70000'\n/, ''),
};

const fixes = suite('applyFix');
for (const [id, option, file, good, broken, after] of CASES)
  fixes(`puts ${id} right, and nothing else`, async () => {
    const { router, asked, fix, text } = make(file, good, broken);
    const before = text();
    const done = await fix(id, option);
    assert.match(done, /^[A-Z].*\.$/);
    assert.not.match(done, /[{}]/);
    assert.is(text(), AFTER[id]?.(before) ?? FILES[file].replace(good, after ?? good));
    assert.equal(router.files.writes, [`/etc/config/${file}`]);
    assert.equal(
      asked.filter((line) => !line.endsWith(' dump')),
      file === 'firewall' ? [RELOAD] : [],
    );
    const again = await fix(id, option).catch((error) => error);
    assert.instance(again, InputError);
    assert.is(router.files.writes.length, 1);
  });
fixes('is tried for all that is said to be fixable, and is said of all that can be fixed', () => {
  const said = Object.entries(FINDINGS).filter(([, words]) => 'does' in words);
  assert.equal(said.map(([id]) => id).sort(), [...FIXABLE].sort());
  assert.equal(CASES.map(([id]) => id).sort(), [...FIXABLE].sort());
});
fixes('does nothing where the lint finds something else now', async () => {
  const [id, option, file, good, broken] = CASES[3]!;
  for (const [otherId, otherOption] of [
    [id, 'network.@yggdrasil_ygg0_interface[1]'],
    [id, `${option}.beacon`],
    ['no_autostart', option],
    ['toString', option],
    [id, ''],
  ]) {
    const { router, fix } = make(file, good, broken);
    assert.match(
      await fix(otherId!, otherOption!).then(String, errorText),
      /^id: expected a finding that is there now/,
    );
    assert.equal(router.files.writes, []);
  }
});
fixes('does nothing to what the lint does not call fixable', async () => {
  const { router, fix } = make('network', `'{"name":"home-12"}'`, `'{"name": "a\\tb"}'`);
  assert.match(await fix('dropped_node_info', 'network.ygg0.node_info').then(String, errorText), /^id: /);
  assert.equal(router.files.writes, []);
});
fixes('looks again when the file changes while it is edited', async () => {
  const { router, fix } = make(
    'network',
    "\toption proto 'yggdrasil'\n",
    "\toption proto 'yggdrasil'\n\toption auto '0'\n",
  );
  let reads = 0;
  // the facts, the edit, and the look before writing
  router.files.onRead = (path) => {
    if (path === '/etc/config/network' && ++reads === 3) router.write(path, NETWORK);
  };
  assert.match(await fix('no_autostart', 'network.ygg0.auto').then(String, errorText), /^id: /);
  assert.is(router.text('/etc/config/network'), NETWORK);
});
fixes('says when the firewall was changed and is not loaded', async () => {
  const [id, option, file, good, broken] = CASES.at(-1)!;
  const { router, fix, text } = make(file, good, broken);
  router.program = (argv) => ({ code: argv.includes('event') ? 4 : 0 });
  assert.is(
    await fix(id, option).then(String, errorText),
    'firewall: changed but not loaded, run: /etc/init.d/firewall reload',
  );
  assert.is(text(), FIREWALL);
});
fixes.run();
