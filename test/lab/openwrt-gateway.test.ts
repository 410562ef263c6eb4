// A gateway on OpenWrt's own programs, from the package's installation to its removal: the daemon as its own user, root's helper by rpcd, fw4; a
// home on plain Linux whose LAN goes by it, over real Yggdrasil.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ECHO_PORT, INTERNET, WEB_PORT } from './internet/address.ts';
import { situation } from './internet/home-check.ts';
import { buildPrograms, findPrograms, labProblem } from './internet/program.ts';
import { sleep, until } from './internet/until.ts';
import { LAN_DEVICE, World } from './internet/world.ts';
import { differenceOf, OpenwrtMachine, OWRT_LAN } from './openwrt-lab.ts';
import { findOpenwrt } from './openwrt-root.ts';

const WHAT = "a gateway on OpenWrt's own programs";
const LINE_NUMBER = 31;
const REASON = 'the bill is open';
const EXIT_MS = 60_000;
const MAIL_PORT = 25;

const REGISTRAR = `config registrar 'registrar'
	option enabled '1'
	option admission 'open'
	option name 'owrt'
	list kinds 'vxlan'
	list dns '${INTERNET.dns4}'
	list check '${INTERNET.web4}:${WEB_PORT}'
	list check '[${INTERNET.web6}]:${WEB_PORT}'
`;

const openwrt = await findOpenwrt();
const problem = (await labProblem()) ?? ('problem' in openwrt ? openwrt.problem : undefined);
if (problem !== undefined || !('root' in openwrt)) console.log(`skipped: ${WHAT}: ${problem}`);
else {
  const gateway = suite(WHAT);
  const directory = mkdtempSync(join(tmpdir(), 'mb-owrt-gateway-'));
  await buildPrograms();
  const world = await World.build({ ...(await findPrograms(console.log)), directory, kind: 'vxlan' });
  const machine = await OpenwrtMachine.open(world, openwrt.root, 'owrt', LINE_NUMBER);
  const { router, line } = machine;
  const { host, home } = world;
  gateway.after(async () => {
    await machine.close();
    await world.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const seenAs = async (web: string): Promise<string | undefined> => {
    const { status, body } = await host.do('get', { host: web, port: WEB_PORT, timeoutMs: 2000 });
    return status === 200 ? JSON.parse(body).from : undefined;
  };
  const untilExit = async (): Promise<void> => {
    for (const [web, exit] of [
      [INTERNET.web4, line.v4],
      [INTERNET.web6, line.v6],
    ] as const)
      await until(
        `the exit is ${exit}`,
        async () => {
          const from = await seenAs(web);
          if (from === exit) return true;
          throw new Error(
            `seen as ${from ?? 'nobody'}; ${await situation(world)}; ${router.log.slice(-3).join(' | ')}`,
          );
        },
        EXIT_MS,
      );
  };
  const openFlows = async (): Promise<void> => {
    for (const [name, to] of [
      ['v4', INTERNET.web4],
      ['v6', INTERNET.web6],
    ] as const)
      await host.do('open', { name, host: to, port: ECHO_PORT });
    await sleep(500);
  };
  /** What stood the whole time, and how long it stood still at most. */
  const flowsGoOn = async (what: string): Promise<void> => {
    const before = (await host.do('flows')).map(({ received }) => received);
    await until('echoes', async () => (await host.do('flows')).every(({ received }, at) => received > before[at]! + 5));
    const flows = await host.do('flows');
    await host.do('hangUp');
    console.log(
      `${what}: ${flows.map(({ name, gapMs }) => `${name} stood still for ${Math.round(gapMs)} ms`).join(', ')}`,
    );
    for (const { name, ended } of flows) assert.is(ended, undefined, `${what}: the flow of ${name} ended`);
  };
  const rules = (): string => router.run('nft', '-s', 'list', 'table', 'inet', 'meshbridge_gw');
  const tunnels = (): string[] =>
    [...router.run('ip', '-o', 'link').matchAll(/^\d+: (mbc\w+)/gm)].map(([, name]) => name!);
  let before = '';

  gateway('is installed, and does nothing until it is asked to', async () => {
    before = machine.left();
    await machine.install('meshbridge');
    await until('the daemon', () => router.run('ubus', 'list').includes('meshbridge.helper'));
    await until('it has found the node', () =>
      JSON.stringify(router.call('meshbridge', 'status')).includes('"connected":true'),
    );
    assert.equal(
      differenceOf(before, machine.left()).filter(
        (text) => !/meshbridge/.test(text) && /^(more|less): (\d|table|\tchain)/.test(text),
      ),
      [],
    );
  });
  gateway('runs as a user who may do nothing', () => {
    const daemons = router.pidsOf('meshbridge').map((pid) => router.run('cat', `/proc/${pid}/status`));
    assert.ok(daemons.length > 0);
    for (const status of daemons) {
      assert.match(status, /^Uid:\t480\t480\t480\t480$/m);
      assert.match(status, /^CapEff:\t0+$/m);
      assert.match(status, /^NoNewPrivs:\t1$/m);
    }
  });
  gateway('serves a home by vxlan, both families, by its own line', async () => {
    machine.configure(REGISTRAR);
    await until('it serves', () => router.log.some((text) => /registrar: serving/.test(text)), EXIT_MS);
    home.configure([
      { type: 'lease', name: 'home', options: { enabled: 1, interface: 'ygg0', network: [LAN_DEVICE] } },
      { type: 'gateway', name: 'owrt', options: { key: machine.key, kind: 'vxlan' } },
    ]);
    await home.start();
    await untilExit();
    assert.is(tunnels().length, 1);
  });
  gateway('lets a home test its way, and measure it', async () => {
    await home.call('meshbridge.lease', 'test');
    let steps: { id: string; state: string; sentence: string }[] = [];
    await until(
      'the test is over',
      async () => {
        const told = await home.call('meshbridge.lease', 'test_status');
        steps = told.steps as typeof steps;
        return told.running === false;
      },
      90_000,
    );
    console.log(steps.map(({ sentence }) => sentence).join(' '));
    // the name server of the lab hears no TCP
    const seen = steps.filter(({ id, state }) => id !== 'dns' && state !== 'good');
    assert.equal(seen, []);
    assert.is(steps.length, 8);
  });
  gateway('keeps homes from its own network, from itself and from port 25', async () => {
    const ask = (to: string, port: number) => host.do('get', { host: to, port, timeoutMs: 1500 });
    for (const [to, port] of [
      [OWRT_LAN.router4, 53],
      [OWRT_LAN.host4, 80],
      [INTERNET.web4, MAIL_PORT],
      [line.v4, 22],
    ] as const) {
      const { status, error } = await ask(to, port);
      assert.is(status, 0, `${to} ${port}`);
      assert.match(error ?? '', /ECONNREFUSED|EHOSTUNREACH|EACCES|timeout/, `${to} ${port}`);
    }
    assert.match(rules(), /chain/);
  });
  gateway('goes on through reloads of the firewall and of the network', async () => {
    await openFlows();
    const stood = [tunnels(), rules()];
    for (let i = 0; i < 3; i++) router.run('fw4', '-q', 'reload');
    router.run('/etc/init.d/firewall', 'restart');
    for (let i = 0; i < 3; i++) router.run('ubus', 'call', 'network', 'reload');
    await flowsGoOn('firewall and network reloaded');
    assert.equal(
      [tunnels(), rules().replace(/elements = \{[^}]*\}/g, '')],
      [stood[0], String(stood[1]).replace(/elements = \{[^}]*\}/g, '')],
    );
  });
  gateway('goes on while the daemon is dead, and when it comes again', async () => {
    await openFlows();
    const { pid } = machine;
    const since = router.log.length;
    assert.ok(router.killProcesses('meshbridge') > 0);
    // procd waits 5 s
    await sleep(7000);
    await until('procd starts another one', () => machine.pid !== undefined && machine.pid !== pid, 20_000);
    await until('it serves', () => router.log.slice(since).some((text) => /registrar: serving/.test(text)), EXIT_MS);
    await flowsGoOn('the daemon killed, and started by procd');
    await untilExit();
  });
  gateway('has its rules again when somebody stopped the firewall', async () => {
    router.run('/etc/init.d/firewall', 'stop');
    router.run('/etc/init.d/firewall', 'start');
    const tookMs = await until('its table', () => rules() !== '', 90_000);
    console.log(`the rules of homes were back after ${Math.round(tookMs)} ms`);
    await untilExit();
  });
  gateway('cuts a home that is suspended, which is told why', async () => {
    await host.do('download', { name: 'film', host: INTERNET.web4, port: WEB_PORT, path: '/?rate=200000' });
    await until('it runs', async () => (await host.do('downloaded'))[0]!.received > 200_000);
    router.call('meshbridge.client', 'suspend', { addresses: [world.homeNode.address], reason: REASON, by: 'otto' });
    await until('nothing comes any more', async () => (await host.do('downloaded'))[0]!.silentMs > 1000);
    await until('the home says why', async () => {
      const told = await home.call('meshbridge.lease', 'gateways');
      return JSON.stringify(told).includes(REASON);
    });
    assert.is(await seenAs(INTERNET.web4), undefined);
    router.call('meshbridge.client', 'admit', { addresses: [world.homeNode.address], by: 'otto' });
    await home.call('meshbridge.lease', 'ask');
    await untilExit();
  });
  gateway('leaves nothing when the package is removed', async () => {
    machine.remove('meshbridge');
    assert.equal(differenceOf(before, machine.left()), []);
    assert.equal(tunnels(), []);
    assert.not.match(router.run('nft', 'list', 'tables'), /meshbridge/);
  });
  gateway.run();
}
