import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Terms } from '../../src/api/lease.ts';
import {
  innerOf,
  nextHop,
  PREFERENCE,
  ROUTE_TABLES,
  routeCommands,
  ruleCommands,
  wantedRoutes,
  wantedRules,
} from '../../src/plane/home-route.ts';
import { type HomeFacts, homeRules } from '../../src/plane/home-rules.ts';

const VXLAN: Terms = {
  ...{ kind: 'vxlan', outer: '202::2', mtu: 1430, dns: [], vni: 4098, port: 4790 },
  ...{ home4: '10.43.0.7', gateway4: '10.43.0.1', home6: 'fd43::7', gateway6: 'fd43::1' },
};
const GRE4: Terms = { kind: 'gre6', outer: '202::3', mtu: 1456, dns: [], home4: '10.44.0.9' };
const FACTS: HomeFacts = {
  ...{ lan: ['br-lan'], prefixes: ['192.168.1.0/24', 'fd42::/64'], mesh: ['ygg0'], tunnels: [VXLAN, undefined] },
  ...{ used: 0, blocked: true, bypass: [], resolverUid: 453 },
};
const chain = (facts: HomeFacts, name: string): string =>
  new RegExp(`\\tchain ${name} \\{\\n([^}]*(?:\\}[^\\n][^}]*)*)\\n\\t\\}\\n`).exec(homeRules(facts) ?? '')?.[1] ?? '';

const rules = suite('homeRules');
rules('are none where nothing is to be kept', () => {
  assert.is(homeRules({ ...FACTS, blocked: false, tunnels: [] }), undefined);
});
rules('keep the LAN from everything but what is inside', () => {
  const from = chain(FACTS, 'from_lan');
  assert.ok(from.includes('oifname { "br-lan", "ygg0", "mbt0", "lo" } return'));
  assert.match(from, /reject with tcp reset\n.*reject with icmpx admin-prohibited$/);
  assert.ok(chain(FACTS, 'forward').includes('iifname { "br-lan" } jump from_lan'));
});
rules('keep the line from what this machine says because of the LAN', () => {
  const line = chain(FACTS, 'by_line');
  for (const part of [
    'fib saddr type != local',
    'admin-prohibited',
    'ip daddr { 192.168.1.0/24 }',
    'ip6 daddr { fd42::/64 }',
  ])
    assert.ok(line.includes(part), part);
  assert.ok(line.includes('meta skuid 453 meta l4proto { tcp, udp } th dport { 53, 853 } counter drop'));
  const { resolverUid, ...rest } = FACTS;
  assert.not.ok(chain(rest, 'by_line').includes('skuid'));
});
rules('refuse TCP at once where no tunnel carries it', () => {
  assert.is(chain(FACTS, 'refuse'), '');
  assert.ok(chain({ ...FACTS, used: undefined }, 'refuse').includes('meta nfproto { ipv4, ipv6 }'));
  assert.ok(chain({ ...FACTS, tunnels: [undefined, GRE4], used: 1 }, 'refuse').includes('meta nfproto { ipv6 }'));
});
rules('spare devices by MAC address, address and prefix', () => {
  const bypass = ['02:00:00:00:00:01', '192.168.1.9', '2001:db8::/64', 'fd42::9'];
  const exempt = chain({ ...FACTS, bypass }, 'exempt');
  assert.ok(exempt.includes('ether saddr { 02:00:00:00:00:01 }'));
  assert.ok(exempt.includes('ip saddr { 192.168.1.9 }'));
  assert.ok(exempt.includes('ip6 saddr { 2001:db8::/64, fd42::9 }'));
  assert.match(chain({ ...FACTS, bypass }, 'from_lan'), /^\t\tmeta mark and 0x40000000 == 0x40000000 return\n/);
  assert.not.ok(homeRules(FACTS)!.includes('mark'));
});
rules('let a gateway begin nothing, and take VXLAN from it alone', () => {
  const input = chain(FACTS, 'input');
  assert.ok(input.includes('iifname { "mbt0" } ct state != { established, related } counter drop'));
  assert.ok(input.includes('udp dport 4790 @th,96,24 4098 ip6 saddr != 202::2 counter drop'));
  assert.not.ok(chain({ ...FACTS, tunnels: [GRE4] }, 'input').includes('udp'));
});
rules('reset flows that began another way, and clamp segments both ways', () => {
  const forward = chain({ ...FACTS, tunnels: [VXLAN, GRE4] }, 'forward');
  for (const part of [
    'oifname "mbt0" ct state established ct reply ip daddr != 10.43.0.7 meta l4proto tcp reject with tcp reset',
    'oifname "mbt0" ct state established ct reply ip6 daddr != fd43::7 meta l4proto tcp reject with tcp reset',
    'oifname != "mbt1" ct state established ct reply ip daddr 10.44.0.9 meta l4proto tcp reject with tcp reset',
    'iifname "mbt0" meta nfproto ipv4 tcp flags syn tcp option maxseg size set 1390',
    'oifname "mbt1" meta nfproto ipv6 tcp flags syn tcp option maxseg size set 1396',
  ])
    assert.ok(forward.includes(part), part);
});
rules('do not keep the LAN in while it is let out, but tunnels safe', () => {
  const open = { ...FACTS, blocked: false, used: undefined };
  for (const name of ['from_lan', 'output', 'by_line', 'refuse']) assert.is(chain(open, name), '', name);
  assert.ok(chain(open, 'input').includes('drop'));
});
rules('hold without any LAN device', () => {
  const body = homeRules({ ...FACTS, lan: [] })!;
  assert.not.ok(body.includes('{  }'));
  assert.ok(chain({ ...FACTS, lan: [] }, 'by_line').includes('skuid'));
});
rules.run();

const routes = suite('routing of a home');
routes('goes by the device of origin', () => {
  assert.equal(ruleCommands(wantedRules({ ...FACTS, lan: ['br-lan', 'guest'] }, 6), []), [
    'rule add from fd43::7 iif lo lookup 431 pref 1000',
    'rule add lookup main suppress_prefixlength 0 pref 1005',
    'rule add iif br-lan lookup 430 pref 1010',
    'rule add iif guest lookup 430 pref 1011',
  ]);
  assert.is(
    ruleCommands(wantedRules({ ...FACTS, bypass: ['192.168.1.9'] }, 4), [])[1],
    'rule add fwmark 0x40000000/0x40000000 lookup main pref 1004',
  );
});
routes('keeps checks of a tunnel while the LAN is let out', () => {
  assert.equal(wantedRules({ ...FACTS, blocked: false }, 4), [
    { priority: PREFERENCE.inner, from: '10.43.0.7', iif: 'lo', table: '431' },
  ]);
  assert.equal(wantedRoutes({ ...FACTS, blocked: false }, 4, 430), []);
  assert.is(wantedRoutes({ ...FACTS, blocked: false }, 4, 431).length, 2);
});
routes('always ends in a refusal', () => {
  const last = { type: 'unreachable', to: 'default', metric: 4_278_198_272 };
  assert.equal(wantedRoutes(FACTS, 4, 430), [{ to: 'default', via: '10.43.0.1', device: 'mbt0', metric: 10 }, last]);
  assert.equal(wantedRoutes({ ...FACTS, used: undefined }, 6, 430), [last]);
  const gre: HomeFacts = { ...FACTS, tunnels: [undefined, GRE4], used: 1 };
  assert.equal(wantedRoutes(gre, 4, 430), [{ to: 'default', device: 'mbt1', metric: 10 }, last]);
  assert.equal(wantedRoutes(gre, 6, 432), [last]);
  assert.equal(wantedRoutes(gre, 4, 431), []);
});
routes('leaves alone what fits, and what is not ours', () => {
  const wanted = wantedRules(FACTS, 4);
  const foreign = [
    { priority: 0, table: 'local' },
    { priority: 1001, table: '1', iif: 'wan' },
    { priority: 1005, table: '2' },
    { priority: 1004, table: 'main', from: '10.0.0.0/8' },
    { priority: 32_766, table: 'main' },
  ];
  assert.equal(ruleCommands(wanted, [...foreign, ...wanted]), []);
  assert.equal(ruleCommands(wanted, [...wanted, wanted[2]!, { priority: 1012, iif: 'old', table: '430' }]), [
    'rule del iif br-lan lookup 430 pref 1010',
    'rule del iif old lookup 430 pref 1012',
  ]);
  for (const table of ROUTE_TABLES) {
    const shown = wantedRoutes(FACTS, 6, table);
    assert.equal(routeCommands(table, shown, shown), []);
  }
});
routes('replaces a way, and never takes it away first', () => {
  const old = { to: 'default', via: '10.43.0.1', device: 'mbt0', metric: 10 };
  const now = { to: 'default', device: 'mbt1', metric: 10 };
  assert.equal(routeCommands(430, [now], [old, { to: '10.0.0.0/8', device: 'x' }]), [
    'route replace default dev mbt1 metric 10 table 430',
    'route del 10.0.0.0/8 dev x table 430',
  ]);
  assert.equal(routeCommands(430, [], [old]), ['route del default via 10.43.0.1 dev mbt0 metric 10 onlink table 430']);
});
routes('hands packets to somebody where a gateway has no address inside', () => {
  assert.is(nextHop(VXLAN, 6), 'fd43::1');
  assert.is(nextHop(GRE4, 4), '169.254.43.1');
  assert.is(innerOf(GRE4, 6), undefined);
});
routes.run();
