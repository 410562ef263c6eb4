// The gateway's end on the kernel of this machine: real tunnels, rules and traffic between namespaces, a bridge for the mesh.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type KernelClients, releaseClients } from '../../src/plane/clients.ts';
import { GATEWAY_ADDRESS } from '../support/gateway.ts';
import { networkProblem } from '../support/network.ts';
import { nodeOf } from '../support/node-key.ts';
import {
  homeEnd,
  LAN4,
  LAN6,
  LINE4,
  LINE6,
  MTU,
  machineIn,
  openWorld,
  PORT,
  planeOf,
  pool,
  SLOTS,
  tunnelOf,
  WEB4,
  WEB6,
} from './gateway-world.ts';

const problem = await networkProblem();
if (problem) console.log(`skipped: a gateway's tunnels with real traffic: ${problem}`);
else {
  const { gateway: machine, web, lan, first, second } = await openWorld();
  const plane = (more?: Parameters<typeof planeOf>[1]): KernelClients => planeOf(machine, more);
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
