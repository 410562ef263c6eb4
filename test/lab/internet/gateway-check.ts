// Checks of gateways: suspension, restarts under traffic, and whether they count right.

import { ECHO_PORT, INTERNET, WEB_PORT } from './address.ts';
import { situation, untilExit } from './home-check.ts';
import { expect, type LabReport, ms } from './report.ts';
import { patient, sleep, until } from './until.ts';
import type { GatewayLetter, World } from './world.ts';

/** Of each family, on a machine that is not slow. */
const DOWNLOAD_BYTES = 8_000_000;
/** Some forty acknowledgements. */
const BETWEEN_BYTES = 2400;
const ACCOUNT_SHARE = 0.02;
const REASON = 'the lab says so';

/** What the operator writes about a home. */
function decision(world: World, access: string): { type: string; name: string; options: Record<string, string> } {
  return { type: 'client', name: 'member', options: { key: world.homeNode.key, access, reason: REASON } };
}

/** Suspends a home at every gateway, and lets it go on. */
export async function checkSuspension(world: World, report: LabReport): Promise<void> {
  const decide = (access: string): void => {
    for (const { name, daemon } of world.gateways.values()) {
      daemon.configure([world.registrar(name), decision(world, access)]);
      daemon.reload();
    }
  };
  await report.check('suspension cuts a running download, and the home says why', async () => {
    await world.host.do('download', { name: 'film', host: INTERNET.web4, port: WEB_PORT, path: '/?rate=200000' });
    await until('it runs', async () => (await world.host.do('downloaded'))[0]!.received > 200_000);
    const startMs = performance.now();
    decide('suspend');
    await until(
      'nothing of it comes any more',
      async () => (await world.host.do('downloaded'))[0]!.silentMs > patient(1000),
    );
    const [film] = await world.host.do('downloaded');
    const cutMs = performance.now() - startMs - film!.silentMs;
    expect(cutMs < patient(3000), `it went on for ${ms(cutMs)}`);
    await until('the home says why', async () => {
      const told =
        JSON.stringify(await world.home.call('meshbridge.lease', 'gateways')) +
        JSON.stringify(await world.home.call('meshbridge.lease', 'status'));
      if (!told.includes(REASON)) throw new Error(await situation(world));
      return true;
    });
    return `cut after ${ms(Math.max(0, cutMs))}; "${await situation(world)}"`;
  });
  await report.check('and it goes on when the operator says so', async () => {
    decide('admit');
    await world.home.call('meshbridge.lease', 'ask');
    return `after ${ms(await untilExit(world, 'g1', 60_000))}`;
  });
}

/** The gateway's daemon dies and starts while flows go through it. */
export async function checkRestart(world: World, report: LabReport): Promise<void> {
  await report.check('gateway restarted under traffic: flows go on', async () => {
    const { daemon } = world.gateway('g1');
    for (const [name, host] of [
      ['v4', INTERNET.web4],
      ['v6', INTERNET.web6],
    ] as const)
      await world.host.do('open', { name, host, port: ECHO_PORT });
    await sleep(1000);
    await daemon.kill();
    await sleep(500);
    const since = daemon.lines.length;
    await daemon.start();
    await daemon.logged(/registrar: serving/, since);
    await sleep(1500);
    const flows = await world.host.do('flows');
    await world.host.do('hangUp');
    for (const { name, ended, received, gapMs } of flows) {
      expect(ended === undefined, `the flow of ${name} ended: ${ended}`);
      expect(received > 10, `the flow of ${name} carried ${received} echoes`);
      expect(gapMs < patient(1000), `the flow of ${name} stood still for ${ms(gapMs)}`);
    }
    return `longest silence ${flows.map(({ name, gapMs }) => `${name} ${ms(gapMs)}`).join(', ')}`;
  });
}

interface Use {
  rx: number;
  tx: number;
}

/** What the gateway has counted of all homes' inner addresses. */
async function counted(world: World, name: GatewayLetter): Promise<Use> {
  const place = world.gateway(name).place;
  const sum = async (set: string): Promise<number> => {
    const text = await place.must(['nft', 'list', 'set', 'inet', 'meshbridge_gw', set]);
    return [...text.matchAll(/counter packets \d+ bytes (\d+)/g)].reduce((all, [, bytes]) => all + Number(bytes), 0);
  };
  return { rx: (await sum('to4')) + (await sum('to6')), tx: (await sum('from4')) + (await sum('from6')) };
}

/** Counts what goes between the web server and a gateway's line, where nothing of a tunnel is left. */
async function countLine(world: World): Promise<() => Promise<Use>> {
  const { web4, web6 } = INTERNET;
  const net = world.place('net');
  const rules = (way: string, device: string): string =>
    [`ip ${way} ${web4}`, `ip6 ${way} ${web6}`].map((words) => `${device} "br0" ${words} counter`).join('\n');
  await net.nft(`table inet count {
    chain output { type filter hook output priority 0; policy accept; ${rules('saddr', 'oifname')}
}
    chain input { type filter hook input priority 0; policy accept; ${rules('daddr', 'iifname')}
}
  }
  `);
  return async () => {
    const chain = async (which: string): Promise<number> => {
      const text = await net.must(['nft', 'list', 'chain', 'inet', 'count', which]);
      return [...text.matchAll(/counter packets \d+ bytes (\d+)/g)].reduce((all, [, bytes]) => all + Number(bytes), 0);
    };
    const use = { rx: await chain('output'), tx: await chain('input') };
    await net.nft('delete table inet count\n');
    return use;
  };
}

/** What was downloaded is what is counted. */
export async function checkAccounting(world: World, report: LabReport): Promise<void> {
  await report.check('accounting', async () => {
    const bytesEach = Math.round(DOWNLOAD_BYTES / patient(1));
    const before = await counted(world, 'g1');
    const line = await countLine(world);
    const startMs = performance.now();
    for (const host of [INTERNET.web4, INTERNET.web6]) {
      const name = `bytes ${host}`;
      await world.host.do('download', { name, host, port: WEB_PORT, path: `/?bytes=${bytesEach}` });
      await until(
        `${name} are there`,
        async () => (await world.host.do('downloaded')).find((one) => one.name === name)?.ended === 'done',
        60_000,
      );
    }
    const tookMs = performance.now() - startMs;
    const [after, passed] = [await counted(world, 'g1'), await line()];
    const got = { rx: after.rx - before.rx, tx: after.tx - before.tx };
    expect(got.rx > 2 * bytesEach, `the gateway counted ${got.rx} of ${2 * bytesEach} bytes`);
    const off = (way: keyof Use): number => Math.abs(got[way] / passed[way] - 1);
    const said = `off by ${(100 * off('rx')).toFixed(2)} % and ${(100 * off('tx')).toFixed(2)} %`;
    // what passes between the two looks counts in one of them only; of a short download up it would be more than its share
    const isOff = (way: keyof Use): boolean =>
      off(way) >= ACCOUNT_SHARE && Math.abs(got[way] - passed[way]) > BETWEEN_BYTES;
    expect(!isOff('rx') && !isOff('tx'), said);
    const rate = (16 * bytesEach) / tookMs / 1000;
    return `${got.rx} bytes down and ${got.tx} up, ${said} (target 2 %); ${rate.toFixed(0)} Mbit/s`;
  });
}
