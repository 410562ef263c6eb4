// The gateway's end on the kernel of this machine: real tunnels, rules and traffic between namespaces, a bridge for the mesh.

import { execFileSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inProject } from '../../build/project.ts';
import { Child } from '../../src/dev/child.ts';
import { Namespace } from '../../src/dev/lab/namespace.ts';
import { nodeHost } from '../../src/host/node/host.ts';
import { parsePrefix } from '../../src/lib/ip.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { Pool, pool6Of } from '../../src/mesh/pool.ts';
import type { ClientTunnel } from '../../src/mesh/tunnel.ts';
import type { GatewayRules } from '../../src/plane/client-rules.ts';
import { KernelClients, releaseClients } from '../../src/plane/clients.ts';
import { vxlanMac } from '../../src/plane/device.ts';
import { HostMachine, type Machine } from '../../src/plane/machine.ts';
import { GATEWAY_ADDRESS, GATEWAY_KEY } from '../support/gateway.ts';
import { networkProblem } from '../support/network.ts';
import { nodeOf } from '../support/node-key.ts';

const TRAFFIC = inProject('test/lab/traffic.mjs');
const WEB4 = '203.0.113.80';
const WEB6 = '2001:db8:80::80';
const LINE4 = '203.0.113.2';
const LINE6 = '2001:db8:80::2';
const LAN4 = '192.168.9.9';
/** Public, and yet the operator's own. */
const LAN6 = '2001:db8:9::9';
const PORT = 8080;
const VXLAN_PORT = 4790;
const MTU = 1430;
const SLOTS = [2, 3] as const;

const pool = new Pool(parsePrefix('10.43.0.0/16')!, pool6Of(GATEWAY_KEY), GATEWAY_KEY);
const RULES: GatewayRules = {
  address: GATEWAY_ADDRESS,
  gateway4: pool.gateway4,
  gateway6: pool.gateway6,
  pool4: parsePrefix('10.43.0.0/16')!,
  pool6: pool6Of(GATEWAY_KEY),
  port: PORT,
  vxlanPort: VXLAN_PORT,
  wireguardPort: undefined,
  closedPorts: [25],
  isolate: true,
  reach: [],
  resolver: true,
};

/** The machine as it is inside a namespace. */
function machineIn(space: Namespace): Machine {
  const host = nodeHost();
  const machine = new HostMachine(host);
  const inside = (...argv: string[]): string => {
    const [program, ...args] = space.command(argv);
    return execFileSync(program!, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  };
  return {
    clock: host.clock,
    files: {
      ...host.files,
      list: () => [...inside('ip', '-o', 'link').matchAll(/^\d+: ([^:@]+)/gm)].map((match) => match[1]!),
      read: (path) => {
        try {
          return encodeUtf8(inside('cat', path));
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

function tunnelOf(slot: number, more: Partial<ClientTunnel> = {}): ClientTunnel {
  return {
    ...{ slot, kind: 'vxlan', outer: nodeOf(slot).address, home4: pool.home4(slot), home6: pool.home6(slot) },
    ...{ mtu: MTU, vni: pool.vni(slot), suspended: false, ...more },
  };
}

interface Got {
  from: string;
  bytes: number;
  error?: string;
}

/** A namespace with a process in it that makes traffic. */
class Place {
  private readonly waiting = new Map<number, (result: unknown) => void>();
  private count = 0;

  private constructor(
    readonly space: Namespace,
    private agent: Child | undefined,
  ) {}

  static async open(): Promise<Place> {
    const place = new Place(await Namespace.open(), undefined);
    place.agent = await Child.start(place.space.command([process.execPath, TRAFFIC]), (line) => place.heard(line));
    return place;
  }

  private heard(line: string): void {
    const { id, result } = JSON.parse(line) as { id: number; result: unknown };
    this.waiting.get(id)?.(result);
    this.waiting.delete(id);
  }

  private tell<T>(act: string, ...args: unknown[]): Promise<T> {
    const id = ++this.count;
    return new Promise<T>((resolve, reject) => {
      this.waiting.set(id, resolve as (result: unknown) => void);
      void this.agent!.ended.then(() => reject(new Error(`it ended: ${this.agent!.tail.join(' ')}`)));
      this.agent!.write(`${JSON.stringify({ id, act, args })}\n`);
    });
  }

  serve(...ports: number[]): Promise<void> {
    return this.tell('serve', ports);
  }

  get(host: string, port = 80, bytes = 0, from = ''): Promise<Got> {
    return this.tell('get', host, port, bytes, from);
  }

  startEcho(host: string): Promise<void> {
    return this.tell('startEcho', host);
  }

  endEcho(): Promise<{ sent: number; lost: number }> {
    return this.tell('endEcho');
  }

  ip(commands: readonly string[]): Promise<void> {
    return this.space.ip(commands);
  }

  run(...argv: string[]): string {
    const [program, ...args] = this.space.command(argv);
    return execFileSync(program!, args, { encoding: 'utf8' });
  }

  async close(): Promise<void> {
    this.agent?.kill('SIGKILL');
    await this.space.close();
  }
}

/** The gateway, the Internet, the operator's own network, and homes in the order of SLOTS. */
async function openWorld(): Promise<{ gateway: Place; web: Place; lan: Place; first: Place; second: Place }> {
  const [gateway, web, lan, first, second] = (await Promise.all([0, 1, 2, 3, 4].map(() => Place.open()))) as [
    ...[Place, Place, Place, Place, Place],
  ];
  await gateway.ip([
    'link add ygg0 mtu 9000 type bridge',
    'link set ygg0 up',
    `addr add ${GATEWAY_ADDRESS}/7 dev ygg0 nodad`,
    `link add wan0 type veth peer name eth0 netns ${web.space.pid}`,
    'link set wan0 up',
    `addr add ${LINE4}/24 dev wan0`,
    `addr add ${LINE6}/64 dev wan0 nodad`,
    `route add default via ${WEB4}`,
    `route add default via ${WEB6}`,
    `link add lan0 type veth peer name eth0 netns ${lan.space.pid}`,
    'link set lan0 up',
    'addr add 192.168.9.1/24 dev lan0',
    'addr add 2001:db8:9::1/64 dev lan0 nodad',
  ]);
  await web.ip(['link set eth0 up', `addr add ${WEB4}/24 dev eth0`, `addr add ${WEB6}/64 dev eth0 nodad`]);
  await lan.ip([
    ...['link set eth0 up', `addr add ${LAN4}/24 dev eth0`, `addr add ${LAN6}/64 dev eth0 nodad`],
    ...['route add default via 192.168.9.1', 'route add default via 2001:db8:9::1'],
  ]);
  for (const [at, home] of [first, second].entries()) {
    const slot = SLOTS[at]!;
    await gateway.ip([
      `link add port${slot} mtu 9000 type veth peer name ygg0 mtu 9000 netns ${home.space.pid}`,
      `link set port${slot} master ygg0 up`,
    ]);
    await home.ip([
      'link set ygg0 up',
      `addr add ${nodeOf(slot).address}/7 dev ygg0 nodad`,
      ...homeEnd('mbt0', slot, pool.vni(slot)),
      `addr add ${pool.home4(slot)}/32 dev mbt0`,
      `addr add ${pool.home6(slot)}/128 dev mbt0 nodad`,
      `route add ${pool.gateway4} dev mbt0`,
      `route add ${pool.gateway6} dev mbt0`,
      `route add default via ${pool.gateway4} src ${pool.home4(slot)}`,
      `route add default via ${pool.gateway6} src ${pool.home6(slot)}`,
    ]);
  }
  await Promise.all([web, lan, first, second].map((place) => place.serve(80, 25)));
  // the operator's own services, and a resolver
  await gateway.serve(22, 53);
  return { gateway, web, lan, first, second };
}

/** A home's end of a tunnel; `slot` is the home that makes it. */
function homeEnd(name: string, slot: number, vni: number): string[] {
  const mac = vxlanMac('gateway', vni);
  return [
    `link add ${name} address ${vxlanMac('home', vni)} type vxlan id ${vni} local ${nodeOf(slot).address} remote ${GATEWAY_ADDRESS} dstport ${VXLAN_PORT} nolearning`,
    `link set ${name} mtu ${MTU} up`,
    `neigh add ${pool.gateway4} lladdr ${mac} dev ${name} nud permanent`,
    `neigh add ${pool.gateway6} lladdr ${mac} dev ${name} nud permanent`,
  ];
}

const problem = await networkProblem();
if (problem) console.log(`skipped: a gateway's tunnels with real traffic: ${problem}`);
else {
  const { gateway: machine, web, lan, first, second } = await openWorld();
  const plane = (more: Partial<GatewayRules> = {}): KernelClients =>
    new KernelClients({
      machine: machineIn(machine.space),
      rules: { ...RULES, ...more },
      pool,
      ability: async () => ({ kinds: [{ kind: 'vxlan' }] }),
      wireguardKeyPath: '/nonexistent',
    });
  const gateway = plane();
  const tests = suite('gateway plane');
  tests.after(async () => {
    await Promise.all([machine, web, lan, first, second].map((place) => place.close()));
  });

  tests('tells what it can do', async () => {
    const { meshMtu, ipv6 } = await gateway.ability();
    assert.is(meshMtu, 9000);
    assert.is(ipv6, true);
  });

  tests('homes reach the Internet by it, IPv4 and IPv6', async () => {
    assert.equal(await gateway.restore([]), new Map());
    assert.equal(
      await gateway.change({ add: SLOTS.map((slot) => tunnelOf(slot)), remove: [], suspend: [], resume: [] }),
      new Map(),
    );
    assert.is((await first.get(WEB4)).from, LINE4);
    assert.is((await first.get(WEB6)).from, LINE6);
    assert.is((await second.get(WEB4)).from, LINE4);
  });

  tests('of the gateway itself a home reaches names and the probe, and nothing else', async () => {
    assert.is((await first.get(pool.gateway4, 53)).from, pool.home4(2));
    assert.is((await first.get(pool.gateway6, 53)).from, pool.home6(2));
    assert.is((await first.get(pool.gateway4, PORT)).error, 'ECONNREFUSED');
    for (const host of [pool.gateway4, pool.gateway6, LINE4, '192.168.9.1', '2001:db8:9::1'])
      assert.ok((await first.get(host, 22)).error, host);
  });

  tests('port 25 is closed, and networks of the operator are, whatever their addresses', async () => {
    assert.is((await first.get(WEB4, 25)).error, 'ECONNREFUSED');
    assert.is((await first.get(WEB6, 25)).error, 'ECONNREFUSED');
    assert.ok((await first.get(LAN4)).error);
    assert.ok((await first.get(LAN6)).error);
    // and the other way
    assert.ok((await lan.get(pool.home4(2))).error);
  });

  tests('homes do not reach each other', async () => {
    assert.ok((await first.get(pool.home4(3))).error);
    assert.ok((await first.get(pool.home6(3))).error);
  });

  tests("another's inner address is refused", async () => {
    await second.ip([`addr add ${pool.home4(2)}/32 dev mbt0`, `addr add ${pool.home6(2)}/128 dev mbt0 nodad`]);
    const before = await spoofed();
    assert.is((await second.get(WEB4, 80, 0, pool.home4(2))).error, 'ETIMEDOUT');
    assert.is((await second.get(WEB6, 80, 0, pool.home6(2))).error, 'ETIMEDOUT');
    assert.ok((await spoofed()) > before);
    await gateway.use();
    assert.is(gateway.spoofed, await spoofed());
    await second.ip([`addr del ${pool.home4(2)}/32 dev mbt0`, `addr del ${pool.home6(2)}/128 dev mbt0`]);
  });

  tests("another's number of VXLAN is refused, and one that nobody has", async () => {
    for (const vni of [pool.vni(2), pool.vni(99)]) {
      await second.ip([...homeEnd('forged', 3, vni), `addr add ${pool.home4(2)}/32 dev forged`]);
      await second.ip([`route add ${WEB4} via ${pool.gateway4} dev forged onlink`]);
      const before = await spoofed();
      assert.is((await second.get(WEB4, 80, 0, pool.home4(2))).error, 'ETIMEDOUT');
      assert.ok((await spoofed()) > before);
      await second.ip(['link del forged']);
    }
    assert.is((await first.get(WEB4)).from, LINE4);
  });

  tests('bytes are counted by home, within 2 %', async () => {
    const MIB = 1024 * 1024;
    for (const [host, bytes] of [
      [WEB4, 8 * MIB],
      [WEB6, 4 * MIB],
    ] as const) {
      const before = (await gateway.use()).get(2)!;
      assert.is((await first.get(host, 80, bytes)).error, undefined);
      const after = (await gateway.use()).get(2)!;
      const down = after.txBytes - before.txBytes;
      // one header counts for segments that the kernel carries as one packet
      assert.ok(down > bytes && down < 1.02 * bytes, `${down} counted, ${bytes} loaded`);
      assert.ok(after.rxBytes > before.rxBytes && after.rxBytes - before.rxBytes < down);
    }
    const other = (await gateway.use()).get(3)!;
    assert.ok(other.txBytes < MIB, `${other.txBytes} of the home that loaded nothing`);
  });

  tests('suspension cuts a running download, and the registrar stays reachable', async () => {
    const running = first.get(WEB4, 80, 1e12);
    await flowing(gateway, 2);
    await gateway.change({ add: [], remove: [], suspend: [2], resume: [] });
    const { error, bytes } = await running;
    // told, not left hanging
    assert.is.not(error, 'ETIMEDOUT');
    assert.ok(bytes > 1e5 && bytes < 1e12, `${bytes} bytes`);
    assert.ok((await first.get(WEB4)).error);
    assert.ok((await first.get(WEB6)).error);
    assert.ok((await first.get(pool.gateway4, 53)).error);
    assert.is((await first.get(GATEWAY_ADDRESS, 22)).from, nodeOf(2).address);
    assert.is((await second.get(WEB4)).from, LINE4);
    // a daemon that starts anew forgets nothing of it
    await plane().restore([tunnelOf(2, { suspended: true }), tunnelOf(3)]);
    assert.ok((await first.get(WEB4)).error);
    await gateway.change({ add: [], remove: [], suspend: [], resume: [2] });
    assert.is((await first.get(WEB4)).from, LINE4);
  });

  tests('a gateway that starts anew under traffic loses no packet and no count', async () => {
    const before = (await gateway.use()).get(2)!;
    await first.startEcho(WEB4);
    for (let i = 0; i < 5; i++) assert.equal(await plane().restore(SLOTS.map((slot) => tunnelOf(slot))), new Map());
    const { sent, lost } = await first.endEcho();
    assert.ok(sent > 50, `${sent} sent`);
    assert.is(lost, 0);
    const after = (await gateway.use()).get(2)!;
    assert.ok(after.rxBytes > before.rxBytes && after.txBytes > before.txBytes);
  });

  tests('rules that somebody flushed are missed, and made again', async () => {
    assert.is(await gateway.isWhole(), true);
    machine.run('nft', 'flush', 'ruleset');
    assert.is(await gateway.isWhole(), false);
    await gateway.restore(SLOTS.map((slot) => tunnelOf(slot)));
    assert.is(await gateway.isWhole(), true);
    assert.is((await first.get(WEB4)).from, LINE4);
    assert.ok((await first.get(WEB4, 25)).error);
  });

  tests('the operator may let homes reach networks, and each other', async () => {
    await plane({ reach: ['192.168.9.0/24'], isolate: false, closedPorts: [] }).restore(
      SLOTS.map((slot) => tunnelOf(slot)),
    );
    assert.is((await first.get(LAN4)).from, '192.168.9.1');
    assert.ok((await first.get(LAN6)).error);
    assert.is((await first.get(pool.home4(3))).from, pool.home4(2));
    assert.is((await first.get(WEB4, 25)).from, LINE4);
    await gateway.restore(SLOTS.map((slot) => tunnelOf(slot)));
    assert.ok((await first.get(LAN4)).error);
  });

  tests('large segments fit the tunnel, though nobody tells of its size', async () => {
    web.run(
      'nft',
      'add table inet t; add chain inet t c { type filter hook input priority 0; }; add rule inet t c meta l4proto { icmp, icmpv6 } drop; add set inet t s { typeof tcp option maxseg size; flags dynamic; }; add rule inet t c tcp flags syn add @s { tcp option maxseg size }',
    );
    assert.ok((await first.get(WEB4, 80, 300_000)).bytes >= 300_000);
    const { nftables } = JSON.parse(web.run('nft', '-j', 'list', 'set', 'inet', 't', 's')) as {
      nftables: { set?: { elem: number[] } }[];
    };
    assert.equal(
      nftables.flatMap(({ set }) => set?.elem ?? []),
      [MTU - 40],
    );
  });

  tests('what cannot be made is told by slot, and the others stand', async () => {
    const wrong = tunnelOf(7, { vni: pool.vni(2) });
    const problems = await gateway.change({ add: [wrong, tunnelOf(8)], remove: [], suspend: [], resume: [] });
    assert.equal([...problems.keys()], [7]);
    assert.match(problems.get(7)!, /link add mbc0007/);
    await gateway.change({ add: [], remove: [7, 8], suspend: [], resume: [] });
    assert.is((await first.get(WEB4)).from, LINE4);
  });

  tests('who leaves is out at once, with what was counted, and others go on', async () => {
    await gateway.change({ add: [], remove: [2], suspend: [], resume: [] });
    assert.is((await first.get(WEB4)).error, 'ETIMEDOUT');
    assert.is((await second.get(WEB4)).from, LINE4);
    assert.equal([...(await gateway.use()).keys()], [3]);
    await gateway.change({ add: [tunnelOf(2)], remove: [], suspend: [], resume: [] });
    assert.equal((await gateway.use()).get(2), { rxBytes: 0, txBytes: 0 });
    assert.is((await first.get(WEB4)).from, LINE4);
  });

  tests('nothing is left', async () => {
    await releaseClients(machineIn(machine.space));
    const left = machine.run('sh', '-c', 'nft list tables; ip -o link; ip -o addr show lo; ip route; ip -6 route');
    assert.not.match(left, /meshbridge|mbc|mbwg|10\.43\.|fdb9/);
    await releaseClients(machineIn(machine.space));
  });

  async function flowing(of: KernelClients, slot: number): Promise<void> {
    const before = (await of.use()).get(slot)!.txBytes;
    while ((await of.use()).get(slot)!.txBytes < before + 1e6) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** Packets that came with a sender that is not theirs, so far. */
  async function spoofed(): Promise<number> {
    const text = machine.run('nft', 'list', 'counter', 'inet', 'meshbridge_gw', 'spoofed');
    return Number(/packets (\d+)/.exec(text)?.[1]);
  }

  tests.run();
}
