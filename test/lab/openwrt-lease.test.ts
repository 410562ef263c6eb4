// A home on OpenWrt's own programs, from the package's installation to its removal, as a person has it: by calls on the bus, the daemon as its own
// user, root's helper by rpcd. Two gateways on plain Linux, over real Yggdrasil.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { INTERNET, PEER_NAME, SINK_PORT, WEB_NAME, WEB_PORT } from './internet/address.ts';
import { Hands } from './internet/hands.ts';
import { buildPrograms, findPrograms, labProblem } from './internet/program.ts';
import { sleep, until } from './internet/until.ts';
import { type GatewayLetter, World } from './internet/world.ts';
import { differenceOf, OpenwrtMachine, OWRT_LAN } from './openwrt-lab.ts';
import { findOpenwrt } from './openwrt-root.ts';

const WHAT = "a lease on OpenWrt's own programs";
const LINE_NUMBER = 32;
const EXIT_MS = 60_000;
const GUARD = '/etc/meshbridge/guard.nft';

const openwrt = await findOpenwrt();
const problem = (await labProblem()) ?? ('problem' in openwrt ? openwrt.problem : undefined);
if (problem !== undefined || !('root' in openwrt)) console.log(`skipped: ${WHAT}: ${problem}`);
else {
  const lease = suite(WHAT);
  const directory = mkdtempSync(join(tmpdir(), 'mb-owrt-lease-'));
  await buildPrograms();
  const world = await World.build({ ...(await findPrograms(console.log)), directory, kind: 'vxlan' });
  for (const { daemon } of world.gateways.values()) await daemon.start();
  const machine = await OpenwrtMachine.open(world, openwrt.root, 'owrt', LINE_NUMBER);
  const { router, line } = machine;
  const host = await Hands.start(machine.lan, world.options.agent);
  lease.after(async () => {
    await machine.close();
    await world.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const seenAs = async (web: string, timeoutMs = 2000): Promise<string | undefined> => {
    const { status, body } = await host.do('get', { host: web, port: WEB_PORT, timeoutMs });
    return status === 200 ? JSON.parse(body).from : undefined;
  };
  const status = (): Record<string, unknown> => router.call('meshbridge.lease', 'status');
  const untilSeenAs = async ({ v4, v6 }: { v4: string; v6: string }): Promise<void> => {
    for (const [web, exit] of [
      [INTERNET.web4, v4],
      [INTERNET.web6, v6],
    ] as const)
      await until(
        `the exit is ${exit}`,
        async () => {
          const from = await seenAs(web);
          if (from === exit) return true;
          await sleep(300);
          throw new Error(`seen as ${from ?? 'nobody'}; ${JSON.stringify(status().sentence)}`);
        },
        EXIT_MS,
      );
  };
  const exitOf = (name: GatewayLetter) => world.gateway(name).exit;
  const untilAnyExit = async (): Promise<void> => {
    const exits = [...world.gateways.values()].map(({ exit }) => exit.v4);
    await until(
      'there is an exit',
      async () => {
        const from = await seenAs(INTERNET.web4);
        if (from !== undefined && exits.includes(from)) return true;
        await sleep(300);
        throw new Error(`seen as ${from ?? 'nobody'}; ${JSON.stringify(status().sentence)}`);
      },
      EXIT_MS,
    );
  };
  /** Confirms a trial, as soon as its test has passed. */
  const keep = (): Promise<number> =>
    until(
      'it is kept',
      async () => {
        try {
          router.call('meshbridge.lease', 'confirm');
        } catch {
          // its test goes on, or has not passed
        }
        await sleep(500);
        const { mode, id, sentence, ipv4, ipv6 } = status();
        if (mode === 'kept') return true;
        throw new Error(JSON.stringify({ mode, id, sentence, ipv4, ipv6 }));
      },
      EXIT_MS,
    );
  /** Begins a trial once a gateway has answered: one that does not is not waited for. */
  const connect = async (seconds: number): Promise<void> => {
    await until(
      'a gateway is ready',
      () => JSON.stringify(router.call('meshbridge.lease', 'gateways')).includes('"state":"ready"'),
      EXIT_MS,
    );
    router.call('meshbridge.lease', 'connect', { seconds });
  };
  const lookup = () => host.do('askName', { server: OWRT_LAN.router4, name: WEB_NAME, timeoutMs: 1000 });
  /** What the Internet heard from the own line since it was last asked, but for what the router itself looks up. */
  const heardOfLine = async (): Promise<string[]> => {
    const { web, sink, names } = await world.net.do('seen');
    const lines = [line.v4, line.v6];
    return [
      ...lines.flatMap((address) => (web[address] ? [`web ${address} ${web[address]} times`] : [])),
      ...lines.flatMap((address) => (sink[address] ? [`sink ${address} ${sink[address]} times`] : [])),
      ...Object.keys(names).filter((one) =>
        lines.some((at) => one.startsWith(`${at} `) && one !== `${at} ${PEER_NAME}`),
      ),
    ];
  };
  /** The LAN under load; what its line was heard to say meanwhile. */
  const tight = async (what: string, during: () => Promise<void>): Promise<void> => {
    await world.net.do('seen');
    await host.do('flood', {
      ...{ hosts: [INTERNET.web4, INTERNET.web6], port: SINK_PORT, perSecond: 200 },
      ...{
        dialPort: WEB_PORT,
        dialsPerSecond: 5,
        resolver: OWRT_LAN.router4,
        asksPerSecond: 10,
        domain: 'lan.example',
      },
    });
    await during().finally(async () => {
      const { sent, refused, dials, asks } = await host.do('calm');
      const heard = await heardOfLine();
      console.log(
        `${what}: of ${sent + refused} datagrams, ${dials} connections, ${asks} questions by the line: ${heard.join(', ') || 'none'}`,
      );
      assert.equal(heard, []);
    });
  };
  const sections = (names: readonly GatewayLetter[]): string =>
    names
      .map(
        (name, at) =>
          `config gateway '${name}'\n\toption key '${world.gateway(name).node.key}'\n\toption kind 'vxlan'\n\toption preference '${at}'\n`,
      )
      .join('\n');
  let before = '';
  let files = '';
  const own = (): string =>
    ['network', 'firewall', 'dhcp'].map((name) => router.read(`/etc/config/${name}`)).join('\n');

  lease('begins with the own line, and names by it', async () => {
    await untilSeenAs(line);
    await until('names', async () => (await lookup()).addresses[0] === INTERNET.web4);
    before = machine.left();
    files = own();
  });
  lease('changes nothing by being installed and told of gateways', async () => {
    await machine.install('meshbridge');
    machine.configure(sections(['g1', 'g2']));
    await until('the lease is there', () => status().mode === 'off');
    const changed = differenceOf(before, machine.left()).filter(
      (text) => !/meshbridge|^more: (\t|S|yggdrasil$)/.test(text),
    );
    assert.equal(changed, []);
    await untilSeenAs(line);
  });
  lease('goes by the gateway on a trial, writes nothing, and comes back when nobody confirms', async () => {
    await connect(30);
    await untilSeenAs(exitOf('g1'));
    await until('names', async () => (await lookup()).addresses[0] === INTERNET.web4);
    assert.is(status().mode, 'trial');
    assert.is(own(), files);
    await until('the trial is over', () => status().mode === 'off', EXIT_MS);
    await untilSeenAs(line);
    await until('nothing is left', () => {
      const left = differenceOf(before, machine.left()).filter(
        (text) => !/meshbridge|^more: (\t|S|yggdrasil$)/.test(text),
      );
      if (left.length > 0) throw new Error(left.join('\n'));
      return true;
    });
  });
  lease('is kept when it is confirmed', async () => {
    await connect(120);
    await untilSeenAs(exitOf('g1'));
    await keep();
    assert.match(own(), /mbt0/);
    await tight('kept', () => sleep(2000));
  });
  lease('asks the gateway for names at once after a switch, and never the line', async () => {
    const gaps: number[] = [];
    for (const name of ['g2', 'g1', 'g2', 'g1'] as const) {
      await world.net.do('seen');
      let lastMs = performance.now();
      let gapMs = 0;
      let isOver = false;
      const asking = (async () => {
        // each time another name, for who asks for one that another waits for waits with him; there is none of these, says the server
        for (let n = 0; !isOver; n++) {
          const { problem: said } = await host.do('askName', {
            ...{ server: OWRT_LAN.router4, name: `n${n}.${WEB_NAME}`, timeoutMs: 100 },
          });
          const nowMs = performance.now();
          gapMs = Math.max(gapMs, nowMs - lastMs);
          if (said === 'code 3') lastMs = nowMs;
          await sleep(10);
        }
      })();
      try {
        await until(
          `the exit is that of ${name}`,
          async () => {
            router.call('meshbridge.lease', 'ask');
            router.call('meshbridge.lease', 'choose', { gateway: name });
            await sleep(500);
            return (await seenAs(INTERNET.web4, 500)) === exitOf(name).v4;
          },
          EXIT_MS,
        );
        await sleep(4000);
      } finally {
        isOver = true;
        await asking;
      }
      gaps.push(Math.round(gapMs));
      assert.equal(await heardOfLine(), []);
    }
    console.log(`longest time without an answer of the resolver around a switch of gateway: ${gaps.join(', ')} ms`);
  });
  lease('lets nothing out while the daemon is dead, and goes on when procd starts it', async () => {
    await tight('the daemon killed', async () => {
      const { pid } = machine;
      assert.ok(router.killProcesses('meshbridge') > 0);
      await sleep(7000);
      await until('procd starts another one', () => machine.pid !== undefined && machine.pid !== pid, 20_000);
    });
    await untilSeenAs(exitOf('g1'));
  });
  lease('lets nothing out while both gateways are dead, by reloads and restarts of everything', async () => {
    await tight('gateways dead, everything reloaded', async () => {
      for (const { node } of world.gateways.values()) node.freeze();
      await sleep(3000);
      for (const service of ['firewall', 'network', 'dnsmasq', 'rpcd']) {
        router.run(`/etc/init.d/${service}`, service === 'rpcd' ? 'reload' : 'restart');
        await sleep(1000);
      }
      for (const { node } of world.gateways.values()) node.thaw();
    });
    await router.isUp('ygg0');
    await untilAnyExit();
  });
  lease('starts by itself after a power-cut, and says nothing by the line', async () => {
    await world.net.do('seen');
    await router.cut();
    await router.boot();
    await until('the kill switch', () => router.run('nft', 'list', 'tables').includes('inet meshbridge'));
    await until('the daemon', () => machine.pid !== undefined, EXIT_MS);
    await untilAnyExit();
    assert.equal(await heardOfLine(), []);
  });
  lease("gives the own line back by root's helper alone, as the page's button does", async () => {
    router.run('/etc/init.d/meshbridge', 'stop');
    // tunnel and kill switch outlive the daemon
    assert.is.not(await seenAs(INTERNET.web4), line.v4);
    router.call('meshbridge.helper', 'route_undo');
    await untilSeenAs(line);
    assert.is(own(), files);
    router.run('/etc/init.d/meshbridge', 'start');
    await until('the lease is off', () => status().mode === 'off');
    await untilSeenAs(line);
  });
  lease('gives it back by `meshbridge release`, with the bus, the daemon and Yggdrasil dead', async () => {
    await connect(120);
    await untilAnyExit();
    await keep();
    for (const program of ['procd', 'ubusd', 'rpcd', 'netifd', 'yggdrasil', 'meshbridge', 'ujail'])
      router.killProcesses(program);
    assert.is.not(await seenAs(INTERNET.web4, 1000), line.v4);
    const said = router.run('sh', '-c', 'meshbridge release 2>&1; true');
    await until('the line', async () => {
      const from = await seenAs(INTERNET.web4);
      if (from === line.v4) return true;
      throw new Error(`seen as ${from ?? 'nobody'}; release said: ${said}`);
    });
    assert.is(own(), files);
    await router.cut();
    await router.boot();
    await router.isUp('ygg0');
    await untilSeenAs(line);
  });
  lease('leaves nothing when the package is removed in the middle of a lease', async () => {
    await until('the daemon', () => status().mode === 'off', EXIT_MS);
    await connect(120);
    await untilAnyExit();
    await keep();
    machine.remove('meshbridge');
    await untilSeenAs(line);
    assert.is(own(), files);
    await until('nothing is left', () => {
      const left = differenceOf(before, machine.left());
      if (left.length > 0) throw new Error(left.join('\n'));
      return true;
    });
    assert.is(router.run('sh', '-c', `ls ${GUARD} 2> /dev/null; true`), '');
  });
  lease.run();
}
