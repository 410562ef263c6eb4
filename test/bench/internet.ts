// The way to the Internet by gateways, measured in the lab: how soon another one takes over, what our tunnels cost, what an idle day costs.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deviceCommands, type TunnelDevice } from '../../src/plane/device.ts';
import { INTERNET, WEB_PORT } from '../lab/internet/address.ts';
import { Hands } from '../lab/internet/hands.ts';
import { choose, failOver } from '../lab/internet/home-check.ts';
import { MESH_DEVICE } from '../lab/internet/mesh-node.ts';
import { plug } from '../lab/internet/place.ts';
import { buildPrograms, findPrograms, labProblem } from '../lab/internet/program.ts';
import { sleep, until } from '../lab/internet/until.ts';
import { type GatewayLetter, World } from '../lab/internet/world.ts';
import type { Report } from './report.ts';

/** How much is measured. */
export interface InternetPlan {
  trials: number;
  pairs: number;
  bytes: number;
  idleSeconds: number;
}

export const FULL_INTERNET: InternetPlan = { trials: 20, pairs: 20, bytes: 30_000_000, idleSeconds: 600 };
export const QUICK_INTERNET: InternetPlan = { trials: 5, pairs: 10, bytes: 10_000_000, idleSeconds: 150 };

const FAILOVER_MS = 5000;
const HAND = { number: 7, port: 4791, home4: '10.77.0.2', gateway4: '10.77.0.1', mtu: 1500 } as const;
const HAND_LAN = { router: '192.168.77.1', host: '192.168.77.100' } as const;
const DAY_S = 86_400;

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** Measures all of it, and tells it as figures. */
export async function benchInternet(report: Report, plan: InternetPlan, log: (line: string) => void): Promise<void> {
  const problem = await labProblem();
  if (problem !== undefined)
    return report.add({ what: 'Internet by a gateway', value: undefined, unit: '', note: `skipped: ${problem}` });
  await buildPrograms();
  const directory = mkdtempSync(join(tmpdir(), 'meshbridge-internet-'));
  const world = await World.build({ ...(await findPrograms(log)), directory, kind: 'vxlan' });
  try {
    for (const { daemon } of world.gateways.values()) await daemon.start();
    await world.home.start();
    await choose(world, 'g1');
    await measureIdle(world, report, plan);
    await measureThroughput(world, report, plan);
    await measureFailover(world, report, plan);
  } finally {
    await world.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measureFailover(world: World, report: Report, { trials }: InternetPlan): Promise<void> {
  const tookMs: number[] = [];
  const [first, second]: GatewayLetter[] = ['g1', 'g2'];
  for (let i = 0; i < trials; i++) {
    await choose(world, first!);
    tookMs.push(await failOver(world, first!, second!));
    world.gateway(first!).node.thaw();
  }
  const note = `${trials} trials, median ${(median(tookMs) / 1000).toFixed(2)} s; a new flow tries four times a second`;
  report.add({
    what: 'failover, gateway dead without a word, slowest',
    value: Math.max(...tookMs) / 1000,
    unit: 's',
    target: { atMost: FAILOVER_MS / 1000 },
    note,
  });
}

/** A second LAN whose router has a tunnel to the same gateway that was made by hand, as a book would have it. */
async function digByHand(world: World): Promise<Hands> {
  const [router, gateway, lan] = [world.place('stranger'), world.gateway('g1'), await world.open('lan2')];
  await plug(lan, 'eth0', router, 'lan0');
  const device = (end: TunnelDevice['end']): TunnelDevice => ({
    ...{ name: 'hand', kind: 'vxlan', end, mtu: HAND.mtu, vni: HAND.number, port: HAND.port },
    local: (end === 'home' ? world.strangerNode : gateway.node).address,
    remote: (end === 'home' ? gateway.node : world.strangerNode).address,
    addresses: [end === 'home' ? HAND.home4 : HAND.gateway4],
    neighbours: [end === 'home' ? HAND.gateway4 : HAND.home4],
  });
  await router.knobs({ 'ipv4/ip_forward': 1 });
  await router.ip([
    ...deviceCommands(device('home'), undefined, []),
    `addr add ${HAND_LAN.router}/24 dev lan0`,
    `route add ${HAND.gateway4} dev hand`,
    `route add ${INTERNET.web4}/32 via ${HAND.gateway4} dev hand`,
  ]);
  await router.nft(
    'table ip hand { chain nat { type nat hook postrouting priority 100; oifname "hand" masquerade; }; }\n',
  );
  await gateway.place.ip([...deviceCommands(device('gateway'), undefined, []), `route add ${HAND.home4} dev hand`]);
  await gateway.place.nft(
    `table ip hand { chain nat { type nat hook postrouting priority 100; ip saddr ${HAND.home4} oifname "wan" masquerade; }; }\n`,
  );
  await lan.ip([`addr add ${HAND_LAN.host}/24 dev eth0`, `route add default via ${HAND_LAN.router}`]);
  return Hands.start(lan, world.options.agent);
}

/** One download. @returns Mbit/s */
async function download(hands: Hands, name: string, bytes: number): Promise<number> {
  const startMs = performance.now();
  await hands.do('download', { name, host: INTERNET.web4, port: WEB_PORT, path: `/?bytes=${bytes}` });
  await until(
    `${name} is there`,
    async () => (await hands.do('downloaded')).find((one) => one.name === name)?.ended !== undefined,
    120_000,
  );
  const got = (await hands.do('downloaded')).find((one) => one.name === name)!;
  if (got.received !== bytes) throw new Error(`${name}: got ${got.received} of ${bytes} bytes: ${got.ended}`);
  return (8 * bytes) / (performance.now() - startMs - got.silentMs) / 1000;
}

async function measureThroughput(world: World, report: Report, { pairs, bytes }: InternetPlan): Promise<void> {
  const byHand = await digByHand(world);
  const ratios: number[] = [];
  const rates: number[] = [];
  for (let i = 0; i <= pairs; i++) {
    const turns = [() => download(world.host, `ours ${i}`, bytes), () => download(byHand, `hand ${i}`, bytes)];
    // who begins changes
    const first = i % 2;
    const rate: number[] = [];
    for (const at of [first, 1 - first]) rate[at] = await turns[at]!();
    // the first pair finds paths through the mesh
    if (i === 0) continue;
    ratios.push(rate[0]! / rate[1]!);
    rates.push(rate[0]!);
  }
  const note = `${pairs} pairs in turn, of ${bytes / 1e6} MB; ours ${median(rates).toFixed(0)} Mbit/s, all machines on these cores`;
  report.add({
    what: 'throughput to that of a tunnel by hand',
    value: median(ratios),
    unit: 'times',
    target: { atLeast: 0.95 },
    note,
  });
}

/** What an idle home says in the mesh, and hears. */
async function measureIdle(world: World, report: Report, { idleSeconds }: InternetPlan): Promise<void> {
  const bytes = async (): Promise<number> => {
    const text = await world.place('home').must(['cat', '/proc/net/dev']);
    const fields = new RegExp(`^\\s*${MESH_DEVICE}:(.*)$`, 'm').exec(text)![1]!.trim().split(/\s+/).map(Number);
    return fields[0]! + fields[8]!;
  };
  // what it began with is over
  await sleep(30_000);
  const before = await bytes();
  await sleep(idleSeconds * 1000);
  const aDay = ((await bytes()) - before) * (DAY_S / idleSeconds);
  report.add({
    what: 'idle home, bytes in the mesh a day',
    value: aDay / 1000,
    unit: 'KB',
    target: { atMost: 300 },
    note: `of ${idleSeconds} s; probes, renewals, questions that are held`,
  });
}
