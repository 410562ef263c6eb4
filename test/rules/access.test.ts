import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import ubusd from '../../openwrt-feed/meshbridge/files/meshbridge.acl.json';
import { OBJECTS } from '../../src/api/contract.ts';
import { HELPER_METHODS, HELPER_OBJECT } from '../../src/api/helper.ts';
import type { MethodContract } from '../../src/api/objects.ts';
import { read, sources } from './source.ts';

/** rpcd: scope -> object -> functions. Source: rpcd, session.c. */
type Scopes = { ubus?: Record<string, string[]>; uci?: string[] };
type Groups = Record<string, { description: string; read?: Scopes; write?: Scopes }>;

const groups: Groups = JSON.parse(read('luci-app/root/usr/share/rpcd/acl.d/luci-app-meshbridge.json'));
const SHOW = 'luci-app-meshbridge';
const MEMBER = 'luci-app-meshbridge-member';
const OPERATE = 'luci-app-meshbridge-operate';
const OPERATOR = 'luci-app-meshbridge-operator';
/** Commands that write the router's configuration. */
const LASTING = ['meshbridge.lease.confirm', 'meshbridge.lease.release', 'yggdrasil.peer_keep'];
/** The desk of a gateway's operator tells of people: all of it is the operator's. */
const isDesk = (name: string): boolean => name.startsWith('meshbridge.client.');
/** What the household is shown. */
const OWN = ['meshbridge.member'];

function methodsOf(scopes: Scopes = {}): string[] {
  return Object.entries(scopes.ubus ?? {}).flatMap(([object, names]) => names.map((name) => `${object}.${name}`));
}

function methodsWhere(holds: (name: string, method: MethodContract) => boolean): string[] {
  const all = Object.entries(OBJECTS).flatMap(([object, methods]) =>
    Object.entries(methods).map(([name, method]): [string, MethodContract] => [`${object}.${name}`, method]),
  );
  return all.filter(([name, method]) => holds(name, method)).map(([name]) => name);
}

const access = suite("rpcd's access groups");
access('are four, each with a text for people', () => {
  assert.equal(Object.keys(groups), [SHOW, MEMBER, OPERATE, OPERATOR]);
  for (const { description } of Object.values(groups)) assert.ok(description);
});
access('let whoever may see call all that only shows, and nothing else', () => {
  assert.equal(groups[SHOW]!.write, undefined);
  assert.equal(Object.keys(groups[SHOW]!.read!), ['ubus'], '~> passwords of brokers are in our configuration');
  const shows = methodsWhere((name, { writes }) => !writes && !OWN.includes(name) && !isDesk(name));
  assert.equal(methodsOf(groups[SHOW]!.read).sort(), shows.sort());
});
access('let a member see its own page, and nothing else', () => {
  assert.equal(groups[MEMBER]!.write, undefined);
  assert.equal(Object.keys(groups[MEMBER]!.read!), ['ubus']);
  assert.equal(methodsOf(groups[MEMBER]!.read), OWN);
});
access('let whoever operates change what ends with a restart', () => {
  assert.equal(groups[OPERATE]!.read, undefined);
  assert.equal(Object.keys(groups[OPERATE]!.write!), ['ubus']);
  assert.equal(
    methodsOf(groups[OPERATE]!.write).sort(),
    methodsWhere((name, { writes }) => writes === true && !LASTING.includes(name) && !isDesk(name)).sort(),
  );
});
access('let the operator change what lasts, and no other configuration than ours', () => {
  // nobody can change what he may not read; whatever else is read is under `write`: `list read '*'` must not see it
  assert.equal(groups[OPERATOR]!.read, { uci: ['meshbridge'] });
  assert.equal(Object.keys(groups[OPERATOR]!.write!), ['ubus', 'uci']);
  const { [HELPER_OBJECT]: _, ...ubus } = groups[OPERATOR]!.write!.ubus!;
  assert.equal(methodsOf({ ubus }).sort(), [...LASTING, ...methodsWhere(isDesk)].sort());
  assert.equal(groups[OPERATOR]!.write!.uci, ['meshbridge']);
});
access('give each verb of the helper to the daemon, by ubusd, or to the operator', () => {
  const daemon = ubusd.access[HELPER_OBJECT].methods;
  const operator = groups[OPERATOR]!.write!.ubus![HELPER_OBJECT]!;
  assert.equal([...new Set([...daemon, ...operator])].sort(), Object.keys(HELPER_METHODS).sort());
  assert.equal(
    daemon.filter((verb) => operator.includes(verb)),
    ['network_read', 'route_undo'],
  );
});
for (const file of ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md'])
  access(`have as many verbs of the helper as ${file} says`, () => {
    const daemon = ubusd.access[HELPER_OBJECT].methods.length;
    const all = Object.keys(HELPER_METHODS).length;
    const said = read(file).replaceAll('\n', ' ');
    assert.match(
      said,
      new RegExp(`\\b${all} verbs\\b.{0,120}\\b${daemon}\\b`),
      `~> ${all} verbs, ${daemon} for the daemon`,
    );
  });
access('use no patterns', () => assert.not.match(JSON.stringify(groups), /[*?[\]]"[*?]|[*?]/));
access.run();

// ---

interface MenuEntry {
  title: string;
  order: number;
  action: { type: string; path?: string };
  depends?: { acl: string[] };
}
const menu: Record<string, MenuEntry> = JSON.parse(
  read('luci-app/root/usr/share/luci/menu.d/luci-app-meshbridge.json'),
);

const entries = suite("LuCI's menu");
entries('has one entry a view, below Mesh', () => {
  assert.is(menu['admin/mesh']!.action.type, 'firstchild');
  const views = sources('luci-app/view')
    .map((path) => /^luci-app\/view\/(\w+)\.ts$/.exec(path)?.[1])
    .filter((name) => name !== undefined);
  const pages = Object.entries(menu).filter(([key]) => key !== 'admin/mesh');
  assert.equal(pages.map(([key]) => key).sort(), views.map((name) => `admin/mesh/${name}`).sort());
  for (const [key, { action }] of pages)
    assert.equal(action, { type: 'view', path: `meshbridge/${key.slice('admin/mesh/'.length)}` });
});
entries('is shown to whoever may see, to a member its page, to an operator the desk', () => {
  // LuCI asks for the groups of all that is above a page, too
  const { 'admin/mesh': above, 'admin/mesh/member': own, 'admin/mesh/operator': desk, ...others } = menu;
  assert.is(above!.depends, undefined);
  assert.equal(own!.depends, { acl: [MEMBER] });
  assert.equal(desk!.depends, { acl: [OPERATOR] });
  for (const [key, { depends }] of Object.entries(others)) assert.equal(depends, { acl: [SHOW] }, key);
});
entries.run();

// ---

const pages = suite('LuCI pages');
const HTML =
  /\b(innerHTML|outerHTML|insertAdjacentHTML|setHTMLUnsafe|DOMParser|createContextualFragment|document\.write)\b/;
const CODE = /\beval\s*\(|\bnew Function\b|javascript:/;
for (const path of sources('luci-app/view')) {
  pages(`make no HTML or code out of text: ${path}`, () => {
    assert.not.match(read(path), HTML);
    assert.not.match(read(path), CODE);
  });
  // this one translates the daemon's sentences, whose literals stand in the daemon
  if (path !== 'luci-app/view/part/say.ts')
    pages(`translate literals alone: ${path}`, () => {
      for (const [, argument] of read(path).matchAll(/(?<![\w.])_\((.)/g))
        assert.match(argument!, /['\n]/, '~> not one literal');
    });
}
pages('call nothing on the bus but through the contract, and rpcd for their rights', () => {
  const callers = sources('luci-app/view').filter((path) => /rpc\.declare/.test(read(path)));
  assert.equal(callers, ['luci-app/view/part/daemon.ts', 'luci-app/view/part/rights.ts']);
  const objects = [...read('luci-app/view/part/rights.ts').matchAll(/object: '(\w+)'/g)].map(([, object]) => object);
  assert.equal(objects, ['session']);
});
pages.run();
