// A home on OpenWrt's own netifd, fw4, rpcd and ubusd: a LAN host, the router, its line, a gateway behind real Yggdrasil nodes; and how many
// packets of the LAN are on the line whatever happens.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inProject } from '../../build/project.ts';
import { findYggdrasil } from '../../build/yggdrasil.ts';
import type { Terms } from '../../src/api/lease.ts';
import { Child } from '../../src/dev/child.ts';
import { Namespace, namespaceProblem } from '../../src/dev/lab/namespace.ts';
import { vxlanMac } from '../../src/plane/device.ts';
import { KernelHome } from '../../src/plane/home.ts';
import { OpenwrtPart } from '../../src/plane/openwrt/part.ts';
import { inside, LINE, load, loadRules, MTU, once, WEB } from './home-scene.ts';
import { findOpenwrt, firewallFile, OpenwrtRouter } from './openwrt-root.ts';
import { until as untilMs } from './router.ts';

const EXIT = { 4: '192.0.2.21', 6: '2001:db8:2::21' } as const;
const PORT = 9001;
const VNI = 4100;

const NETWORK = `config interface 'loopback'
	option device 'lo'
	option proto 'static'
	option ipaddr '127.0.0.1'
	option netmask '255.0.0.0'

config interface 'lan'
	option device 'br-lan'
	option proto 'static'
	option ipaddr '192.168.42.1/24'
	option ip6addr 'fd42::1/64'

config interface 'wan'
	option device 'wan0'
	option proto 'static'
	option ipaddr '${LINE[4]}/24'
	option gateway '198.51.100.1'
	option ip6addr '${LINE[6]}/64'
	option ip6gw '2001:db8:1::1'
	option dns '198.51.100.1'

config interface 'ygg0'
	option proto 'yggdrasil'
	option private_key 'PRIVATE'

config yggdrasil_ygg0_peer
	option address 'tcp://${EXIT[4]}:${PORT}'
`;
/** Debian's dnsmasq knows no ubus; to dnsmasq, addresses of documentation are private ones. */
const DHCP = `config dnsmasq
	option domain 'lan'
	option localuse '1'
	option cachesize '0'
	option resolvfile '/tmp/resolv.conf.d/resolv.conf.auto'
	option rebind_protection '0'
	option ubus '0'
`;
/** What the home may say by its line: Yggdrasil's peering, and what keeps the cable alive. */
const WATCHED = `table inet watch {
	counter leaked { }
	set seen4 { type ipv4_addr . ipv4_addr . inet_proto; flags dynamic; size 256; }
	set kinds { type icmpv6_type; flags dynamic; size 256; }
	set seen6 { type ipv6_addr . ipv6_addr . inet_proto; flags dynamic; size 256; }
	chain line { type filter hook prerouting priority -300; policy accept;
		iifname != "line" return
		ip daddr ${EXIT[4]} tcp dport ${PORT} return
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld2-listener-report, mld-listener-report } return
		ip protocol igmp return
		counter name leaked
		add @seen4 { ip saddr . ip daddr . ip protocol }
		add @seen6 { ip6 saddr . ip6 daddr . ip6 nexthdr }
		add @kinds { icmpv6 type }
	}
}
`;

/** A machine that is busy takes its time, and so does a node until it has its peers again. */
const LIMIT_MS = 60_000;
const until = async (what: string, test: () => unknown): Promise<void> => void (await untilMs(what, test, LIMIT_MS));

/** Waits until nothing that `test` expects fails any more. */
function holds(what: string, test: () => unknown): Promise<void> {
  return until(what, async () => {
    await test();
    return true;
  });
}

interface Node {
  readonly config: string;
  readonly privateKey: string;
  readonly address: string;
}

/** A key, and what follows from it. */
function nodeOf(parts: Readonly<Record<string, unknown>>): Node {
  const yggdrasil = findYggdrasil()!;
  const made = JSON.parse(execFileSync(yggdrasil, ['-genconf', '-json'], { encoding: 'utf8' }));
  const config = JSON.stringify({ ...made, MulticastInterfaces: [], IfMTU: 65535, IfName: 'ygg0', ...parts });
  const address = execFileSync(yggdrasil, ['-useconf', '-address'], { encoding: 'utf8', input: config }).trim();
  return { config, privateKey: made.PrivateKey, address };
}

class World {
  private readonly children: Child[] = [];
  router!: OpenwrtRouter;
  gateway!: Node;

  private constructor(
    readonly lan: Namespace,
    readonly home: Namespace,
    readonly gate: Namespace,
    readonly net: Namespace,
  ) {}

  static async open(openwrt: string): Promise<World> {
    const [lan, home, gate, net] = await Promise.all([0, 1, 2, 3].map(() => Namespace.open()));
    const world = new World(lan!, home!, gate!, net!);
    try {
      await world.wire(openwrt);
    } catch (error) {
      await world.close();
      throw error;
    }
    return world;
  }

  get terms(): Terms {
    return {
      ...{ kind: 'vxlan', outer: this.gateway.address, mtu: MTU, vni: VNI, port: 4790, dns: ['10.40.0.1'] },
      ...{ home4: '10.40.0.7', gateway4: '10.40.0.1', home6: 'fd40::7', gateway6: 'fd40::1' },
    };
  }

  /** As each call of the helper makes it: anew. */
  plane(): KernelHome {
    const { machine } = this.router;
    return new KernelHome({
      ...{ machine, run: '/run', flash: '/etc/meshbridge', part: new OpenwrtPart(machine) },
      settings: () => ({ lan: ['br-lan'], bypass: [] }),
      remember: () => {},
    });
  }

  /** Packets on the line that are not the node's. */
  get leaked(): number {
    const text = inside(this.net, 'nft', 'list', 'counter', 'inet', 'watch', 'leaked');
    return Number(/packets (\d+)/.exec(text)![1]);
  }

  /** Sources, destinations and protocols of what was on the line since it was forgotten. */
  get seen(): string {
    const sets = ['seen4', 'seen6', 'kinds'].map((name) =>
      inside(this.net, 'nft', 'list', 'set', 'inet', 'watch', name),
    );
    return sets.map((text) => /elements = \{([^}]*)/.exec(text)?.[1]?.replace(/\s+/g, ' ') ?? '').join(';');
  }

  forgetSeen(): void {
    for (const name of ['seen4', 'seen6', 'kinds']) inside(this.net, 'nft', 'flush', 'set', 'inet', 'watch', name);
  }

  async flood(): Promise<() => Promise<{ sent: number; answered: number }>> {
    const { child, said } = await load(this.lan, 'flood', '192.168.42.1', WEB[4], WEB[6]);
    this.children.push(child);
    await until('the load to begin', () => said.length > 0);
    return async () => {
      child.end('');
      await child.ended;
      return said.at(-1) as { sent: number; answered: number };
    };
  }

  /** What is on the machine that could be ours. */
  left(): string {
    const { router } = this;
    const shown = ['rule', '-6 rule', 'route show table all', '-6 route show table all', '-o link'].map((words) =>
      router.run('ip', ...words.split(' ')),
    );
    const files = ['network', 'firewall', 'dhcp'].map((name) => router.run('cat', `/etc/config/${name}`));
    const interfaces = router.run('ubus', 'list', 'network.interface.*');
    const rules = router.run('nft', '-s', 'list', 'ruleset');
    const data = router.run('ubus', 'call', 'service', 'list').replace(/"pid": \d+/g, '');
    const names = router.run('sh', '-c', 'cat /tmp/resolv.conf; ls /tmp/dnsmasq.d /etc/meshbridge');
    return [...shown, ...files, interfaces, rules, data, names]
      .join('\n')
      .replace(/ (expires|lft) \S+/g, '')
      .replace(/^\d+: /gm, '')
      .split('\n')
      .filter((line) => !/ygg0|fe80|ff00|anycast/.test(line))
      .join('\n');
  }

  async close(): Promise<void> {
    await Promise.all(this.children.map((child) => child.stop()));
    await this.router?.close();
    await Promise.all([this.lan, this.home, this.gate, this.net].map((space) => space.close()));
  }

  private async wire(openwrt: string): Promise<void> {
    const { lan, home, gate, net } = this;
    await lan.ip([`link add eth0 type veth peer name br-lan netns ${home.pid}`]);
    await home.ip([`link add wan0 type veth peer name line netns ${net.pid}`]);
    await gate.ip([`link add up0 type veth peer name gate netns ${net.pid}`]);
    await lan.ip([
      ...['link set eth0 up', 'addr add 192.168.42.100/24 dev eth0', 'addr add fd42::100/64 dev eth0 nodad'],
      ...['route add default via 192.168.42.1', 'route add default via fd42::1'],
    ]);
    await net.ip([
      ...['link set line up', 'link set gate up'],
      ...['addr add 198.51.100.1/24 dev line', 'addr add 2001:db8:1::1/64 dev line nodad'],
      ...['addr add 192.0.2.1/24 dev gate', 'addr add 2001:db8:2::1/64 dev gate nodad'],
      ...[`addr add ${WEB[4]}/32 dev lo`, `addr add ${WEB[6]}/128 dev lo nodad`],
      // answers to datagrams come from where they were sent to
      ...(['198.51.100.0/24 dev line', '192.0.2.0/24 dev gate'] as const).flatMap((way) => [
        `route del ${way}`,
        `route add ${way} src ${WEB[4]}`,
      ]),
      ...[`route add 2001:db8:1::/64 dev line src ${WEB[6]} metric 1`],
      ...[`route add 2001:db8:2::/64 dev gate src ${WEB[6]} metric 1`],
    ]);
    await gate.ip([
      ...['link set up0 up', `addr add ${EXIT[4]}/24 dev up0`, `addr add ${EXIT[6]}/64 dev up0 nodad`],
      ...['route add default via 192.0.2.1', 'route add default via 2001:db8:2::1'],
    ]);
    const forwarding = 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding';
    for (const space of [net, gate]) inside(space, 'sh', '-c', forwarding);
    loadRules(net, WATCHED);
    const serving = await load(net, 'serve');
    this.children.push(serving.child);
    await until('the server to listen', () => serving.said.length > 0);
    await this.startResolver(net, '198.51.100.1', '192.0.2.201');

    this.gateway = nodeOf({ Listen: [`tcp://${EXIT[4]}:${PORT}`], AdminListen: 'none' });
    const own = nodeOf({});
    const node = await Child.start(gate.command([findYggdrasil()!, '-useconf']));
    node.end(this.gateway.config);
    this.children.push(node);
    await until("the gateway's node", () => inside(gate, 'ip', 'addr', 'show', 'ygg0').includes(this.gateway.address));
    await gate.ip([
      `link add end0 mtu ${MTU} address ${vxlanMac('gateway', VNI)} type vxlan id ${VNI} local ${this.gateway.address} remote ${own.address} dstport 4790 nolearning`,
      ...['link set end0 up', 'addr add 10.40.0.1/32 dev end0', 'addr add fd40::1/128 dev end0 nodad'],
      ...['route add 10.40.0.7 dev end0', 'route add fd40::7 dev end0'],
      ...['10.40.0.7', 'fd40::7'].map(
        (to) => `neigh replace ${to} lladdr ${vxlanMac('home', VNI)} dev end0 nud permanent`,
      ),
    ]);
    const snat =
      'table inet exit { chain out { type nat hook postrouting priority srcnat;\noifname "up0" masquerade\n}\n}\n';
    loadRules(gate, snat);
    await this.startResolver(gate, '10.40.0.1', '192.0.2.202');
    const configs = {
      network: NETWORK.replace('PRIVATE', own.privateKey),
      firewall: firewallFile('masq6'),
      dhcp: DHCP,
    };
    this.router = await OpenwrtRouter.open(home, openwrt, configs);
    const guard = inProject('openwrt-feed/meshbridge/files/meshbridge.guard');
    this.router.write('/usr/share/meshbridge/guard.sh', readFileSync(guard));
    await this.router.boot();
  }

  /** A resolver that says one address for every name. */
  private async startResolver(space: Namespace, at: string, address: string): Promise<void> {
    const fixed = ['--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--bind-interfaces'];
    const argv = ['dnsmasq', ...fixed, '--pid-file=', `--listen-address=${at}`, `--address=/#/${address}`];
    this.children.push(await Child.start(space.command(argv)));
  }
}

const openwrt = await findOpenwrt();
const problem = (await namespaceProblem()) ?? ('problem' in openwrt ? openwrt.problem : undefined);
if (problem !== undefined || !('root' in openwrt))
  console.log(`skipped: a home on OpenWrt's own netifd, fw4, rpcd and ubusd: ${problem}`);
else {
  const home = suite("a home on OpenWrt's own programs");
  const world = await World.open(openwrt.root);
  const { router } = world;
  home.after(() => world.close());
  const exits = async (): Promise<unknown[]> => [
    await once(world.lan, 'ask', WEB[4], '80'),
    await once(world.lan, 'ask', WEB[6], '80'),
  ];
  const from = (exit: { 4: string; 6: string }): unknown[] => [{ from: exit[4] }, { from: exit[6] }];
  const refused = [{ error: 'ECONNREFUSED' }, { error: 'ECONNREFUSED' }];
  const lookup = (): Promise<Record<string, unknown>> => once(world.lan, 'resolve', '192.168.42.1', 'name.example');
  const files = (): string =>
    ['network', 'firewall', 'dhcp'].map((name) => readFileSync(router.path(`/etc/config/${name}`), 'utf8')).join();
  const restored = (): Promise<void> =>
    holds('the exit to be back', async () => {
      await world.plane().restore();
      assert.equal(await exits(), from(EXIT));
    });
  /** While something happens under load; it is told with its figures. */
  const under = async (what: string, event: () => Promise<unknown>): Promise<void> => {
    world.forgetSeen();
    const had = world.leaked;
    const stop = await world.flood();
    let counts = { sent: 0, answered: 0 };
    try {
      await event();
    } finally {
      counts = await stop();
    }
    const leaked = world.leaked - had;
    console.log(`${what}: ${leaked} packets on the line, ${counts.sent} sent, ${counts.answered} answered`);
    assert.is(leaked, 0, `${what}: ${world.seen}`);
  };
  const restartNetwork = async (): Promise<void> => {
    router.run('/etc/init.d/network', 'restart');
    await router.isUp('lan');
  };
  let before = '';
  let written = '';

  home('begins with a line that serves, as the capture sees', async () => {
    await holds('the line', async () => assert.equal(await exits(), from(LINE)));
    assert.equal(await lookup(), { addresses: ['192.0.2.201'] });
    assert.ok(world.leaked > 10);
    await router.isUp('ygg0');
    before = world.left();
    written = files();
  });
  home('tells what tunnels can be made, and what is missing', async () => {
    const { kinds } = await world.plane().ability();
    assert.equal(
      kinds.find(({ kind }) => kind === 'vxlan'),
      { kind: 'vxlan' },
    );
    for (const { kind, problem: why } of kinds)
      if (kind !== 'vxlan') assert.match(why ?? '', /kmod|netifd has no protocol/);
    assert.is(world.left(), before);
  });
  home('goes by the gateway on a trial, and writes nothing', async () => {
    await world.plane().block(true);
    await world.plane().use(undefined, undefined);
    assert.equal(await exits(), refused);
    assert.equal(await lookup(), { error: 'EREFUSED' });
    await world.plane().build(0, world.terms);
    await world.plane().use(0, world.terms);
    const had = world.leaked;
    await holds('the exit', async () => assert.equal(await exits(), from(EXIT)));
    assert.equal(await lookup(), { addresses: ['192.0.2.202'] });
    assert.is(world.leaked, had);
    assert.is(files(), written);
    assert.not.match(router.run('cat', '/tmp/resolv.conf'), /127\.0\.0\.1/);
  });
  home('leaks nothing on a trial: reloads under flood', async () => {
    await under('40 reloads of the network and 3 of the firewall', async () => {
      for (let i = 0; i < 40; i++) router.run('ubus', 'call', 'network', 'reload');
      for (let i = 0; i < 3; i++) router.run('fw4', '-q', 'reload');
    });
    await restored();
  });
  home('leaks nothing on a trial: network restart', async () => {
    await under('network restart', restartNetwork);
    await restored();
  });
  home('leaks nothing on a trial: Yggdrasil killed', async () => {
    await under('Yggdrasil killed', async () => {
      assert.is(router.killProcesses('yggdrasil'), 1);
      await restored();
    });
  });
  home('has its kill switch again when the firewall was stopped', async () => {
    router.run('fw4', 'flush');
    assert.not.match(router.run('nft', 'list', 'tables'), /meshbridge/);
    await world.plane().restore();
    assert.match(router.run('nft', 'list', 'tables'), /meshbridge/);
    assert.equal(await exits(), from(EXIT));
    router.run('fw4', '-q', 'start');
    await under('firewall restart', async () => router.run('fw4', '-q', 'restart'));
    await restored();
  });
  home('forgets a trial at a power-cut', async () => {
    await router.cut();
    await router.boot();
    assert.is(files(), written);
    await holds('the line', async () => assert.equal(await exits(), from(LINE)));
    assert.equal(await lookup(), { addresses: ['192.0.2.201'] });
    await router.isUp('ygg0');
    assert.is(world.left(), before);
  });
  home('keeps: own sections, read back, and nothing on the line meanwhile', async () => {
    await world.plane().block(true);
    await world.plane().build(0, world.terms);
    await world.plane().use(0, world.terms);
    await restored();
    await under('keep', () => world.plane().keep(world.terms));
    await restored();
    const status = JSON.parse(router.run('ubus', 'call', 'network.interface.mbt0', 'status'));
    assert.is(status.up, true);
    assert.is(status.dynamic ?? false, false);
    assert.match(router.run('uci', 'show', 'firewall'), /forwarding\[0\]\.enabled='0'/);
    assert.match(router.run('uci', 'show', 'dhcp'), /localuse='0'/);
    assert.not.match(router.run('nft', 'list', 'chain', 'inet', 'fw4', 'forward_lan'), /accept_to_wan/);
  });
  home('leaks nothing when it is kept: reloads under flood, network restart', async () => {
    await under('kept: 40 reloads of the network and 3 of the firewall', async () => {
      for (let i = 0; i < 40; i++) router.run('ubus', 'call', 'network', 'reload');
      for (let i = 0; i < 3; i++) router.run('fw4', '-q', 'reload');
    });
    await restored();
    await under('kept: network restart', restartNetwork);
    await restored();
  });
  home('lets out by the line for a while, and not longer', async () => {
    await world.plane().block(false);
    await holds('the line', async () => assert.equal(await exits(), from(LINE)));
    await world.plane().block(true);
    await world.plane().use(0, world.terms);
    await restored();
  });
  home('starts after a power-cut as it was kept, without the daemon', async () => {
    await router.cut();
    world.forgetSeen();
    const had = world.leaked;
    await router.boot();
    assert.match(router.run('nft', 'list', 'tables'), /meshbridge/);
    assert.is((await exits()).filter((one) => JSON.stringify(one).includes('198.51.100')).length, 0);
    await router.isUp('ygg0');
    console.log(`power-cut and start: ${world.leaked - had} packets on the line`);
    assert.is(world.leaked, had, world.seen);
    // the daemon comes
    await world.plane().block(true);
    await world.plane().build(0, world.terms);
    await world.plane().use(0, world.terms);
    await restored();
    assert.is(world.leaked, had);
  });
  home('leaves nothing when it is undone', async () => {
    await world.plane().undo();
    await holds('the line', async () => assert.equal(await exits(), from(LINE)));
    assert.equal(await lookup(), { addresses: ['192.0.2.201'] });
    assert.is(files(), written);
    assert.is(world.left(), before);
  });
  home.run();
}
