// A home on the kernel of this machine: a LAN host, the home, its line, two ends of tunnels that stand for gateways, and all that it does
// when they, the rules, or the daemon go. The mesh is a cable; what Yggdrasil makes of it is played by internet.test.ts.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Terms } from '../../src/api/lease.ts';
import { Child, findProgram } from '../../src/dev/child.ts';
import { Namespace } from '../../src/dev/lab/namespace.ts';
import { errorText } from '../../src/errors.ts';
import { nodeHost } from '../../src/host/node/host.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { SILENT } from '../../src/log.ts';
import { vxlanMac } from '../../src/plane/device.ts';
import type { ResolverFiles } from '../../src/plane/dns.ts';
import { KernelHome } from '../../src/plane/home.ts';
import type { CANARY } from '../../src/plane/home-rules.ts';
import { HostMachine, type Machine } from '../../src/plane/machine.ts';
import { HomeWatch } from '../../src/plane/watch.ts';
import type { Streams } from '../../src/transport/host.ts';
import { until } from '../service/router.ts';
import { networkProblem } from '../support/network.ts';
import { inside, LINE, load, loadRules, MTU, once, WEB } from './home-scene.ts';

const EXITS = [
  { 4: '203.0.113.21', 6: '2001:db8:80::21' },
  { 4: '203.0.113.22', 6: '2001:db8:80::22' },
] as const;
const HOME = '201:1111::1';
const GATEWAYS = ['202:2222::1', '203:3333::1'] as const;
const RESOLVER_UID = 453;

function termsOf(slot: 0 | 1): Terms {
  return {
    ...{ kind: 'vxlan', outer: nodeName(slot), mtu: MTU, vni: 4100 + slot, port: 4790, dns: [`10.4${slot}.0.1`] },
    ...{ home4: `10.4${slot}.0.7`, gateway4: `10.4${slot}.0.1`, home6: `fd4${slot}::7`, gateway6: `fd4${slot}::1` },
  };
}
/** Both first bytes 02, as nodes have it. */
function nodeName(slot: 0 | 1): string {
  return GATEWAYS[slot].replace('203:', '202:');
}

function machineIn(space: Namespace): Machine {
  const host = nodeHost();
  const machine = new HostMachine(host);
  return {
    clock: host.clock,
    files: {
      ...host.files,
      read: (path, most) => {
        if (path === '/etc/passwd') return encodeUtf8(`dnsmasq:x:${RESOLVER_UID}:${RESOLVER_UID}::/:/bin/false\n`);
        // of a process inside
        if (!/^\/proc\/(net|sys)\//.test(path)) return host.files.read(path, most);
        try {
          return encodeUtf8(inside(space, 'cat', path));
        } catch {
          return undefined;
        }
      },
    },
    run: (program, args, options) => {
      const [first, ...rest] = space.command([program, ...args]);
      return machine.run(first!, rest, options);
    },
  };
}

const WATCHED = `table inet watch {
	counter leaked { }
	chain line { type filter hook prerouting priority -300; policy accept;
		iifname "line" ip saddr 0.0.0.0/0 counter name leaked
		iifname "line" meta l4proto != ipv6-icmp meta nfproto ipv6 counter name leaked
		iifname "line" icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, echo-request, echo-reply } counter name leaked
	}
}
`;

class World {
  readonly directory = mkdtempSync(join(tmpdir(), 'meshbridge-home-'));
  readonly resolver: ResolverFiles;
  readonly remembered: boolean[] = [];
  private readonly children: Child[] = [];

  private constructor(
    readonly lan: Namespace,
    readonly home: Namespace,
    readonly gate: Namespace,
    readonly net: Namespace,
  ) {
    const path = (name: string): string => join(this.directory, name);
    this.resolver = { servers: path('servers'), pid: path('dnsmasq.pid'), line: path('resolv.conf') };
  }

  static async open(): Promise<World> {
    const [lan, home, gate, net] = await Promise.all([0, 1, 2, 3].map(() => Namespace.open()));
    const world = new World(lan!, home!, gate!, net!);
    try {
      await world.wire();
    } catch (error) {
      await world.close();
      throw error;
    }
    return world;
  }

  /** The home's plane, as a daemon that starts has it. */
  plane(bypass: string[] = []): KernelHome {
    return new KernelHome({
      machine: machineIn(this.home),
      run: this.directory,
      flash: this.directory,
      settings: () => ({ lan: ['lan0'], bypass }),
      resolver: this.resolver,
      remember: (enabled) => void this.remembered.push(enabled),
    });
  }

  /** Packets of the home on its line. */
  get leaked(): number {
    return Number(/packets (\d+)/.exec(inside(this.net, 'nft', 'list', 'counter', 'inet', 'watch', 'leaked'))![1]);
  }

  ask(host: string): Promise<Record<string, unknown>> {
    return once(this.lan, 'ask', host, '80');
  }

  /** What of ours is on the machine. */
  left(): string {
    const { home } = this;
    const shown = [
      ['nft', 'list', 'ruleset'],
      ['ip', 'rule'],
      ['ip', '-6', 'rule'],
      ['ip', '-o', 'link'],
      ['ip', 'route', 'show', 'table', 'all'],
      ['ip', '-6', 'route', 'show', 'table', 'all'],
    ];
    return shown
      .map((argv) => inside(home, ...argv))
      .join('')
      .replace(/ (expires|lft) \S+/g, '');
  }

  async flood(): Promise<{ stop(): Promise<{ sent: number; answered: number }> }> {
    const { child, said } = await load(this.lan, 'flood', '192.168.42.1', WEB[4], WEB[6]);
    this.children.push(child);
    await until('the load to begin', () => said.length > 0);
    return {
      stop: async () => {
        child.end('');
        await child.ended;
        return said.at(-1) as { sent: number; answered: number };
      },
    };
  }

  /** Makes the end of a tunnel silent, or speak again. */
  async silence(slot: 0 | 1, on: boolean): Promise<void> {
    await this.gate.ip([`link set end${slot} ${on ? 'down' : 'up'}`]);
    if (!on) await this.gate.ip(endRoutes(slot));
  }

  async close(): Promise<void> {
    await Promise.all(this.children.map((child) => child.stop()));
    await Promise.all([this.lan, this.home, this.gate, this.net].map((space) => space.close()));
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async wire(): Promise<void> {
    const { lan, home, gate, net } = this;
    await lan.ip([`link add eth0 type veth peer name lan0 netns ${home.pid}`]);
    await home.ip([
      `link add wan0 type veth peer name line netns ${net.pid}`,
      `link add ygg0 mtu 9000 type veth peer name ygg0 mtu 9000 netns ${gate.pid}`,
    ]);
    await gate.ip([`link add up0 type veth peer name gate netns ${net.pid}`]);
    await lan.ip([
      ...['link set eth0 address 02:00:00:00:42:64', 'link set eth0 up'],
      ...['addr add 192.168.42.100/24 dev eth0', 'addr add fd42::100/64 dev eth0 nodad'],
      ...['route add default via 192.168.42.1', 'route add default via fd42::1'],
    ]);
    await home.ip([
      ...['link set lan0 up', 'link set wan0 up', 'link set ygg0 up', `addr add ${HOME}/7 dev ygg0 nodad`],
      ...['addr add 192.168.42.1/24 dev lan0', 'addr add fd42::1/64 dev lan0 nodad'],
      ...[`addr add ${LINE[4]}/24 dev wan0`, `addr add ${LINE[6]}/64 dev wan0 nodad`],
      ...['route add default via 198.51.100.1', 'route add default via 2001:db8:1::1'],
    ]);
    await net.ip([
      ...['link set line up', 'link set gate up'],
      ...['addr add 198.51.100.1/24 dev line', 'addr add 2001:db8:1::1/64 dev line nodad'],
      ...[`addr add ${WEB[4]}/24 dev gate`, `addr add ${WEB[6]}/64 dev gate nodad`],
    ]);
    await gate.ip([
      ...['link set ygg0 up', 'link set up0 up', 'addr add 203.0.113.20/24 dev up0'],
      ...EXITS.flatMap((exit) => [`addr add ${exit[4]}/24 dev up0`, `addr add ${exit[6]}/64 dev up0 nodad`]),
      ...([0, 1] as const).flatMap((slot) => [
        `addr add ${nodeName(slot)}/7 dev ygg0 nodad`,
        `link add end${slot} mtu ${MTU} address ${vxlanMac('gateway', 4100 + slot)} type vxlan id ${4100 + slot} local ${nodeName(slot)} remote ${HOME} dstport 4790 nolearning`,
        `link set end${slot} up`,
        `addr add 10.4${slot}.0.1/32 dev end${slot}`,
        `addr add fd4${slot}::1/128 dev end${slot} nodad`,
        ...endRoutes(slot),
      ]),
    ]);
    for (const space of [home, gate])
      inside(
        space,
        'sh',
        '-c',
        'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding',
      );
    loadRules(
      home,
      'table inet plain { chain out { type nat hook postrouting priority srcnat; oifname "wan0" masquerade\n}\n}\n',
    );
    const snat = ([0, 1] as const).flatMap((slot) => [
      `ip saddr 10.4${slot}.0.7 snat ip to ${EXITS[slot][4]}`,
      `ip6 saddr fd4${slot}::7 snat ip6 to ${EXITS[slot][6]}`,
    ]);
    loadRules(
      gate,
      `table inet exit { chain out { type nat hook postrouting priority srcnat;\n${snat.join('\n')}\n}\n}\n`,
    );
    loadRules(net, WATCHED);
    const serving = await load(net, 'serve');
    this.children.push(serving.child);
    await until('the server to listen', () => serving.said.length > 0);
    // the line's own resolver tells another address than the gateways'
    writeFileSync(this.resolver.line, 'nameserver 127.0.0.1\nnameserver 198.51.100.1\n');
    writeFileSync(this.resolver.servers, 'server=198.51.100.1\n');
    chmodSync(this.directory, 0o755);
    await this.startResolver(net, '198.51.100.1', '--address=/#/192.0.2.1');
    await this.startResolver(gate, '10.40.0.1', '--listen-address=10.41.0.1', '--address=/#/192.0.2.2');
    const own = await this.startResolver(home, '192.168.42.1', `--servers-file=${this.resolver.servers}`);
    writeFileSync(this.resolver.pid, String(own.pid));
  }

  /** A dnsmasq of the user that the plane takes for the resolver's. */
  private async startResolver(space: Namespace, address: string, ...args: string[]): Promise<Child> {
    const as = ['setpriv', `--reuid=${RESOLVER_UID}`, `--regid=${RESOLVER_UID}`, '--clear-groups'];
    const caps = ['--inh-caps=+net_bind_service,+net_raw', '--ambient-caps=+net_bind_service,+net_raw', '--'];
    const fixed = ['--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--bind-interfaces'];
    const argv = [
      findProgram('dnsmasq')!,
      ...fixed,
      '--cache-size=0',
      '--pid-file=',
      `--listen-address=${address}`,
      ...args,
    ];
    const child = await Child.start(space.command([...as, ...caps, ...argv]));
    this.children.push(child);
    return child;
  }
}

/** What vanishes with a device that goes down. */
function endRoutes(slot: 0 | 1): string[] {
  const mac = vxlanMac('home', 4100 + slot);
  return [
    `route replace 10.4${slot}.0.7 dev end${slot}`,
    `route replace fd4${slot}::7 dev end${slot}`,
    `neigh replace 10.4${slot}.0.7 lladdr ${mac} dev end${slot} nud permanent`,
    `neigh replace fd4${slot}::7 lladdr ${mac} dev end${slot} nud permanent`,
  ];
}

const problem = await networkProblem();
if (problem) console.log(`skipped: a home's tunnels, routes and rules in the kernel: ${problem}`);
else {
  const world = await World.open();
  const before = world.left();
  const home = suite('a home in the kernel');
  home.after(() => world.close());
  let plane = world.plane();
  const exits = async (): Promise<unknown[]> => [await world.ask(WEB[4]), await world.ask(WEB[6])];
  const from = (exit: { 4: string; 6: string }): unknown[] => [{ from: exit[4] }, { from: exit[6] }];
  const refused = [{ error: 'ECONNREFUSED' }, { error: 'ECONNREFUSED' }];
  const lookup = (): Promise<Record<string, unknown>> => once(world.lan, 'resolve', '192.168.42.1', 'name.example');
  /** Packets on the line while something happens under load. */
  const leaked = async (what: () => Promise<unknown>): Promise<{ leaked: number; sent: number; answered: number }> => {
    const had = world.leaked;
    const flood = await world.flood();
    await what();
    const counts = await flood.stop();
    return { leaked: world.leaked - had, ...counts };
  };

  home('begins with a line that serves, as the capture sees', async () => {
    assert.equal(await exits(), [{ from: LINE[4] }, { from: LINE[6] }]);
    assert.equal(await lookup(), { addresses: ['192.0.2.1'] });
    assert.ok(world.leaked > 10);
  });
  home('tells what tunnels can be made, and leaves nothing', async () => {
    const { kinds, meshMtu } = await plane.ability();
    assert.is(meshMtu, 9000);
    assert.equal(
      kinds.find(({ kind }) => kind === 'vxlan'),
      { kind: 'vxlan' },
    );
    assert.is(world.left(), before);
  });
  home('lets nothing out before the first lease, and refuses at once', async () => {
    await plane.block(true);
    await plane.use(undefined, undefined);
    const had = world.leaked;
    assert.equal(await exits(), refused);
    assert.equal(await lookup(), { error: 'EREFUSED' });
    assert.is(world.leaked, had);
  });
  home('goes by the gateway, IPv4, IPv6 and names', async () => {
    await plane.build(0, termsOf(0));
    await plane.use(0, termsOf(0));
    const had = world.leaked;
    assert.equal(await exits(), from(EXITS[0]));
    assert.equal(await lookup(), { addresses: ['192.0.2.2'] });
    assert.is(world.leaked, had);
    assert.equal(await once(world.home, 'ask', WEB[4], '80'), { from: LINE[4] });
  });
  home('touches nothing that fits, whoever comes after a daemon that was killed', async () => {
    const handles = (): string =>
      world.left() +
      inside(world.home, 'nft', '-a', 'list', 'table', 'inet', 'meshbridge').replace(/packets \d+ bytes \d+/g, '');
    const had = handles();
    plane = world.plane();
    await plane.block(true);
    await plane.build(0, termsOf(0));
    await plane.use(0, termsOf(0));
    await plane.restore();
    assert.is(handles(), had);
    assert.equal(await exits(), from(EXITS[0]));
  });
  home('leaks nothing while its tunnel is deleted under load, and brings it back', async () => {
    const counts = await leaked(async () => {
      await world.home.ip(['link del mbt0']);
      for (const { error } of (await exits()) as { error?: string }[]) assert.ok(error);
      await plane.restore();
      assert.equal(await exits(), from(EXITS[0]));
    });
    assert.is(counts.leaked, 0, `~> of ${counts.sent} sent, ${counts.answered} answered`);
    assert.ok(counts.answered > 0 && counts.answered < counts.sent, JSON.stringify(counts));
  });
  home('makes a tunnel again that somebody took away before it is used', async () => {
    const had = world.leaked;
    await plane.use(undefined, undefined);
    await world.home.ip(['link del mbt0']);
    await plane.use(0, termsOf(0));
    assert.equal(await exits(), from(EXITS[0]));
    assert.is(world.leaked, had);
  });
  home('leaks nothing while its rules and routes are flushed and added 40 times', async () => {
    const counts = await leaked(async () => {
      for (let i = 0; i < 40; i++) {
        for (const family of ['-4', '-6']) {
          inside(
            world.home,
            'sh',
            '-c',
            `ip ${family} rule flush; ip ${family} rule add pref 32766 lookup main; [ ${family} = -6 ] || ip rule add pref 32767 lookup default; ip ${family} route flush table 430`,
          );
        }
        await plane.restore();
      }
    });
    assert.is(counts.leaked, 0, `~> of ${counts.sent} sent`);
    assert.equal(await exits(), from(EXITS[0]));
  });
  home('has its kill switch again when somebody took it away, and leaks nothing meanwhile', async () => {
    const { clock } = nodeHost();
    let restored = 0;
    // looks from inside, as the daemon does
    const streams: Pick<Streams, 'dial'> = {
      dial(to, events) {
        const { host, port } = to as typeof CANARY;
        const look = `require('net').connect(${port}, '${host}').on('error', ({ code }) => console.log(code))`;
        const code = inside(world.home, process.execPath, '-e', look).trim();
        queueMicrotask(() => events.onClose(new Error(code === 'ECONNREFUSED' ? 'connection refused' : code)));
        return { write: () => true, queuedBytes: 0, setReading() {}, close() {} };
      },
    };
    const watch = new HomeWatch({
      streams,
      clock,
      log: SILENT,
      restore: async () => {
        await plane.restore();
        restored++;
      },
    });
    const counts = await leaked(async () => {
      watch.start();
      inside(world.home, 'nft', 'delete', 'table', 'inet', 'meshbridge');
      await until('the table to be back', () => restored > 0);
      watch.stop();
    });
    assert.is(counts.leaked, 0);
    assert.match(inside(world.home, 'nft', 'list', 'table', 'inet', 'meshbridge'), /chain from_lan/);
    assert.equal(await exits(), from(EXITS[0]));
  });
  home('goes on by another gateway, and resets what went by the dead one', async () => {
    const held = [await load(world.lan, 'hold', WEB[4], '8080'), await load(world.lan, 'hold', WEB[6], '8080')];
    await until('both flows to stand', () => held.every(({ said }) => said.length > 0));
    await plane.build(1, termsOf(1));
    await world.silence(0, true);
    await plane.use(1, termsOf(1));
    assert.equal(await exits(), from(EXITS[1]));
    for (const { child, said } of held) {
      await child.ended;
      assert.equal(said.at(-1), { ended: 'ECONNRESET' });
    }
    await world.silence(0, false);
    await plane.drop(0);
    assert.equal(await exits(), from(EXITS[1]));
    assert.equal(await lookup(), { addresses: ['192.0.2.2'] });
  });
  home('resets what stands when there is no gateway any more, and goes on with the next one', async () => {
    const held = await load(world.lan, 'hold', WEB[4], '8080');
    await until('the flow to stand', () => held.said.length > 0);
    await plane.use(undefined, undefined);
    await held.child.ended;
    assert.equal(held.said.at(-1), { ended: 'ECONNRESET' });
    assert.equal(await exits(), refused);
    await plane.use(1, termsOf(1));
    assert.equal(await exits(), from(EXITS[1]));
  });
  home('lets the LAN out by its own line for a while, and back', async () => {
    const held = await load(world.lan, 'hold', WEB[4], '8080');
    await until('the flow to stand', () => held.said.length > 0);
    await plane.block(false);
    assert.equal(await exits(), from(LINE));
    assert.equal(await lookup(), { addresses: ['192.0.2.1'] });
    await held.child.ended;
    assert.equal(held.said.at(-1), { ended: 'ECONNRESET' });
    await plane.block(true);
    await plane.use(1, termsOf(1));
    assert.equal(await exits(), from(EXITS[1]));
  });
  for (const [what, bypass] of [
    ['MAC address', ['02:00:00:00:42:64']],
    ['address', ['192.168.42.100', 'fd42::/64']],
  ] as const)
    home(`leaves the own line to a device by its ${what}`, async () => {
      await world.plane([...bypass]).restore();
      assert.equal(await exits(), from(LINE));
      await plane.restore();
      assert.equal(await exits(), from(EXITS[1]));
    });
  home('lets gateways begin nothing, and takes packets of its tunnel from the gateway alone', async () => {
    await plane.build(0, termsOf(0));
    await world.gate.ip(['route add 192.168.42.0/24 dev end1']);
    await world.gate.ip([`neigh replace 192.168.42.100 lladdr ${vxlanMac('home', 4101)} dev end1 nud permanent`]);
    for (const target of ['10.41.0.7', '192.168.42.100', '192.168.42.1'])
      assert.equal(await once(world.gate, 'ask', target, '80'), { error: 'ETIMEDOUT' });
    const dropped = (): number =>
      Number(
        /@th,96,24 0x1004 ip6 saddr != \S+ counter packets (\d+)/.exec(
          inside(world.home, 'nft', 'list', 'table', 'inet', 'meshbridge'),
        )?.[1],
      );
    assert.is(dropped(), 0);
    inside(
      world.gate,
      process.execPath,
      '-e',
      `const s=require('dgram').createSocket('udp6');s.bind(0,'${nodeName(1)}',()=>s.send(Buffer.from('0800000000100400'+'00'.repeat(60),'hex'),4790,'${HOME}',()=>s.close()))`,
    );
    await until('the forged packet to be dropped', () => dropped() === 1);
  });
  for (const [what, terms] of [
    ['an address of the LAN', { home4: '192.168.42.7' }],
    ['the address of the line', { home6: LINE[6] }],
    ['the address of the other tunnel', { home4: '10.41.0.7' }],
  ] as const)
    home(`does not take ${what} from a gateway`, async () => {
      await plane.drop(0);
      assert.match(
        String(await plane.build(0, { ...termsOf(0), ...terms }).catch(errorText)),
        /: (belongs to the network of|the other tunnel)/,
      );
      assert.equal(await exits(), from(EXITS[1]));
    });
  home('is written down when it is kept', async () => {
    await plane.keep(termsOf(1));
    assert.equal(world.remembered, [true]);
  });
  home('leaves nothing behind', async () => {
    await plane.undo();
    assert.is(world.left(), before);
    assert.equal(world.remembered, [true, false]);
    assert.equal(await exits(), from(LINE));
    assert.equal(await lookup(), { addresses: ['192.0.2.1'] });
    await plane.undo();
  });
  home.run();
}
