import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Terms } from '../../src/api/lease.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import type { TunnelDevice } from '../../src/plane/device.ts';
import type { HomeFacts } from '../../src/plane/home-rules.ts';
import {
  closedForwardings,
  OWN_LOOKUPS,
  openForwardings,
  readOwn,
  withOwn,
  writeOwn,
} from '../../src/plane/openwrt/own-section-file.ts';
import { acceptRules, routingSections, tunnelSections } from '../../src/plane/openwrt/uci-section.ts';
import { ManualClock } from '../support/clock.ts';
import { MemoryFiles } from '../support/files.ts';

const TERMS: Terms = {
  ...{ kind: 'vxlan', outer: '202::1', mtu: 1430, vni: 4100, port: 4790, dns: ['10.40.0.1'] },
  ...{ home4: '10.40.0.7', gateway4: '10.40.0.1', home6: 'fd40::7', gateway6: 'fd40::1' },
};
const DEVICE: TunnelDevice = {
  ...{ name: 'mbt0', kind: 'vxlan', end: 'home', local: '201::1', remote: '202::1', mtu: 1430 },
  ...{ addresses: ['10.40.0.7', 'fd40::7'], neighbours: ['10.40.0.1', 'fd40::1'], vni: 4100, port: 4790 },
};
const FACTS: HomeFacts = {
  ...{ lan: ['br-lan', 'br-guest'], prefixes: [], mesh: ['ygg0'], tunnels: [TERMS, undefined], used: 0 },
  ...{ blocked: true, bypass: [] },
};
const FIREWALL = `# by hand
config forwarding
	option src 'lan'
	option dest 'wan'   # all of it

config forwarding 'guest'
	option src 'guest'
	option dest 'wan'
	option enabled '1'

config forwarding
	option src 'lan'
	option dest 'mesh'
`;
const CLOSED = { sections: [], change: closedForwardings((src, dest) => src !== 'x' && dest === 'wan') };

const sections = suite('own sections');
sections('are a tunnel that netifd keeps, with what nobody has to ask for', () => {
  const [tunnel, inner, ...neighbours] = tunnelSections(0, DEVICE);
  assert.equal(tunnel, {
    type: 'interface',
    name: 'mbt0',
    options: {
      ...{ proto: 'vxlan6', ip6addr: '201::1', peer6addr: '202::1', mtu: '1430', ttl: '64', vid: '4100' },
      ...{ port: '4790', learning: '0', macaddr: '02:4d:48:00:10:04' },
    },
  });
  assert.equal(inner!.options, {
    ...{ proto: 'static', device: '@mbt0', ipaddr: ['10.40.0.7/32'], ip6addr: ['fd40::7/128'] },
  });
  assert.equal(
    neighbours.map(({ type, options }) => [type, options.ipaddr, options.mac]),
    [
      ['neighbor', '10.40.0.1', '02:4d:47:00:10:04'],
      ['neighbor', 'fd40::1', '02:4d:47:00:10:04'],
    ],
  );
});
sections('have no tunnel that takes a private key, and GRE without a limit of its own', () => {
  assert.equal(tunnelSections(1, { ...DEVICE, kind: 'wireguard' }), []);
  const [gre] = tunnelSections(1, { ...DEVICE, kind: 'gre6' });
  assert.is(gre!.options.encaplimit, 'ignore');
  assert.is(gre!.options.nohostroute, '1');
  assert.is(gre!.options.vid, undefined);
});
sections('are rules and routes as the kernel is to have them, by the names of interfaces', () => {
  const made = routingSections(FACTS, (device) => (device === 'br-lan' ? 'lan' : undefined));
  const of = (name: string) => made.find((one) => one.name === name);
  assert.equal(of('mb_rule4_1005'), {
    ...{ type: 'rule', name: 'mb_rule4_1005' },
    options: { priority: '1005', lookup: 'main', suppress_prefixlength: '0' },
  });
  assert.equal(of('mb_rule6_1010'), {
    ...{ type: 'rule6', name: 'mb_rule6_1010' },
    options: { priority: '1010', lookup: '430', in: 'lan' },
  });
  // netifd would leave out without a word what is on no interface of its own
  assert.is(of('mb_rule4_1011'), undefined);
  assert.equal(of('mb_default4')!.options, {
    ...{ interface: 'mbt0a', target: '0.0.0.0/0', table: '430', metric: '10', gateway: '10.40.0.1', onlink: '1' },
  });
  assert.is(of('mb_last6')!.type, 'route6');
  assert.equal(of('mb_last6')!.options, {
    ...{ interface: 'loopback', type: 'unreachable', target: '::/0', table: '430', metric: '4278198272' },
  });
  assert.not(made.some(({ options }) => 'ip4table' in options));
});
sections('have fw4 let the tunnel pass, and its packets in', () => {
  assert.equal(acceptRules(FACTS), [
    {
      name: 'mb_pass0',
      options: { src: '*', dest: '*', proto: 'all', device: 'mbt0', direction: 'out', target: 'ACCEPT' },
    },
    {
      name: 'mb_outer0',
      options: {
        ...{ src: '*', family: 'ipv6', src_ip: '202::1', proto: 'udp', dest_port: '4790', target: 'ACCEPT' },
      },
    },
  ]);
});
sections('close others ways, and put them back as they were, to the byte', () => {
  const closed = withOwn(
    FIREWALL,
    { ...CLOSED, sections: acceptRules(FACTS).map((one) => ({ type: 'rule', ...one })) },
    'firewall',
  );
  assert.is([...closed.matchAll(/option enabled '0'/g)].length, 2);
  assert.match(closed, /config rule 'mb_pass0'/);
  // once more changes nothing
  const again = withOwn(
    closed,
    { ...CLOSED, sections: acceptRules(FACTS).map((one) => ({ type: 'rule', ...one })) },
    'firewall',
  );
  assert.is(again, closed);
  assert.is(withOwn(closed, { sections: [] }, 'firewall'), FIREWALL);
});
sections('leave what somebody set meanwhile', () => {
  const closed = withOwn(FIREWALL, CLOSED, 'firewall');
  const theirs = closed.replace(
    /(option dest 'wan' {3}# all of it\n)\toption enabled '0'\n/,
    "$1\toption enabled 'yes'\n",
  );
  assert.not.equal(theirs, closed);
  assert.match(withOwn(theirs, { sections: [] }, 'firewall'), /# all of it\n\toption enabled 'yes'/);
});
sections('keep what the router looks up itself off its own resolver', () => {
  const text =
    "config dnsmasq\n\toption domain 'lan'\n\toption localuse '1'\n\nconfig dnsmasq 'guest'\n\toption domain 'guest'\n";
  const content = { sections: [], change: OWN_LOOKUPS };
  const changed = withOwn(text, content, 'dhcp');
  assert.is([...changed.matchAll(/option localuse '0'/g)].length, 2);
  assert.is(withOwn(changed, { sections: [] }, 'dhcp'), text);
});

function make(text: string | undefined) {
  const files = new MemoryFiles();
  const clock = new ManualClock();
  if (text !== undefined) files.write('/c/firewall', encodeUtf8(text), 0o644);
  files.writes.length = 0;
  const read = (): string => decodeUtf8(files.read('/c/firewall', 1 << 20)!);
  return { files, clock, read };
}

const written = suite('writeOwn');
written('writes again what somebody who had read before wrote back', async () => {
  const { files, clock, read } = make(FIREWALL);
  const done = writeOwn({ files, clock }, '/c', 'firewall', CLOSED);
  files.all.set('/c/firewall', { bytes: encodeUtf8(FIREWALL), mode: 0o644 });
  await clock.advance(200);
  assert.is(await done, true);
  assert.is([...read().matchAll(/option enabled '0'/g)].length, 2);
  assert.equal(openForwardings(files, '/c'), [
    { src: 'lan', dest: 'wan' },
    { src: 'guest', dest: 'wan' },
  ]);
});
written('gives up on a file that does not rest', async () => {
  const { files, clock } = make(FIREWALL);
  const done = writeOwn({ files, clock }, '/c', 'firewall', CLOSED).then(
    () => 'written',
    (error: Error) => error.message,
  );
  for (let i = 0; i < 20; i++) {
    files.all.set('/c/firewall', { bytes: encodeUtf8(FIREWALL), mode: 0o644 });
    await clock.advance(50);
  }
  assert.match(await done, /expected it to rest, what was written was lost 5 times/);
});
written('makes no file to say nothing in it, and touches none that says it', async () => {
  const none = make(undefined);
  assert.is(await writeOwn(none, '/c', 'firewall', { sections: [] }), false);
  const same = make(FIREWALL);
  assert.is(await writeOwn(same, '/c', 'firewall', { sections: [] }), false);
  assert.equal([...none.files.writes, ...same.files.writes], []);
  assert.is(readOwn(same.files, '/c', 'firewall').size, 0);
});
sections.run();
written.run();
