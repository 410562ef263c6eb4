// Checks of what homes are kept to at a gateway: ports, speed, connections, a shared line, a month's volume. The stranger is the other home.

import { ECHO_PORT, INTERNET, WEB_PORT } from './address.ts';
import type { Section } from './daemon.ts';
import { choose, situation, untilExit } from './home-check.ts';
import { MESH_DEVICE } from './mesh-node.ts';
import { expect, type LabReport, ms } from './report.ts';
import { patient, sleep, until } from './until.ts';
import type { World } from './world.ts';

const PORT_BLOCK = 1024;
/** kbit/s, on a machine that is not slow: of the line, which has to be narrower than what processors carry, and of one home. */
const LINE = 12_000;
const SPEED = 6000;
const WHILE_MS = 8000;
/** Target; past three times as much, as past three times any target, a check fails. */
const OFF_SHARE = 0.1;
const FLOWS = 12;
/** How many of them are the home's own: names, tests of the exit. */
const OWN_FLOWS = 6;
/** Downloads of the one that wants more than its share. */
const GREEDY = 8;
const LONG = 100_000_000;
const MB = 1_000_000;
const VOLUME_MB = 4;
/** A home that has used its volume is told within this. */
const TOLD_MS = 5000;
const SLOW = 256;
/** A bucket holds a second, and what the kernel carries as one packet. */
const BURST = 65_536;

/** A home, as the gateway's desk shows it. */
interface Shown {
  home4: string;
  home6: string;
  ports?: { first: number; last: number };
  month: { rx_bytes: number; tx_bytes: number };
}

interface Counted {
  /** As the home sees the direction. */
  down: number;
  up: number;
}

/** All of them. */
export async function checkLimits(world: World, report: LabReport): Promise<void> {
  const limits = new Limits(world);
  const line = Math.round(LINE / patient(1));
  await limits.configure({ port_block: PORT_BLOCK, bandwidth: line, bandwidth_up: line });
  await report.check('each home leaves by ports of its own', () => limits.ports());
  for (const way of ['down', 'up'] as const)
    await report.check(`a speed ${way} holds, target within ${100 * OFF_SHARE} %`, () => limits.speed(way));
  await report.check(`no more than ${FLOWS} connections at a time`, () => limits.flows());
  for (const way of ['down', 'up'] as const)
    await report.check(`two homes share a full line ${way} evenly, ${GREEDY} connections against one`, () =>
      limits.share(way),
    );
  await report.check('a volume that is used up: slow, and told', () => limits.slow());
  await limits.configure({ at_quota: 'stop' });
  await report.check('or nothing more, told with when it begins anew', () => limits.stop());
  await limits.limit({ clear: true });
  // who was refused pauses for a minute, unless somebody asks
  await world.home.call('meshbridge.lease', 'ask');
  await limits.configure({});
  await choose(world, 'g1');
}

class Limits {
  private readonly homeAddress: string;
  private readonly otherAddress: string;

  constructor(private readonly world: World) {
    this.homeAddress = world.homeNode.address;
    this.otherAddress = world.strangerNode.address;
  }

  /** Makes g1 another gateway, with all its homes. */
  async configure(more: Section['options']): Promise<void> {
    const { daemon } = this.world.gateway('g1');
    const since = daemon.lines.length;
    daemon.configure([this.world.registrar('g1', more)]);
    daemon.reload();
    await daemon.logged(/registrar: serving/, since);
    await untilExit(this.world, 'g1', 180_000);
  }

  async limit(limits: object): Promise<void> {
    const args = { addresses: [this.homeAddress], by: 'lab', ...limits };
    await this.world.gateway('g1').daemon.call('meshbridge.client', 'limit', args);
    // it is decided, and carried out at once, but not yet
    await sleep(patient(500));
  }

  private async shown(address: string): Promise<Shown> {
    const { daemon } = this.world.gateway('g1');
    const { clients } = (await daemon.call('meshbridge.client', 'list', { search: address })) as { clients: Shown[] };
    expect(clients[0] !== undefined, `the gateway does not know ${address}`);
    return clients[0];
  }

  /** What the gateway has counted of a home. */
  private async counted({ home4, home6 }: Shown): Promise<Counted> {
    const { place } = this.world.gateway('g1');
    const sum = async (set: string): Promise<number> => {
      let bytes = 0;
      for (const [name, address] of [
        [`${set}4`, home4],
        [`${set}6`, home6],
      ] as const) {
        const text = await place.must(['nft', 'list', 'set', 'inet', 'meshbridge_gw', name]);
        const element = text.split(/[{,]/).find((one) => one.trim().startsWith(`${address} counter`));
        bytes += Number(/bytes (\d+)/.exec(element ?? '')?.[1] ?? 0);
      }
      return bytes;
    };
    return { down: await sum('to'), up: await sum('from') };
  }

  /** The home's host, or the stranger, has bytes sent one way until they are ended. */
  private load(hands: World['host'], way: keyof Counted, name: string): Promise<unknown> {
    if (way === 'up') return hands.do('upload', { host: INTERNET.web4, port: WEB_PORT, bytes: LONG });
    return hands.do('download', { name, host: INTERNET.web4, port: WEB_PORT, path: `/?bytes=${LONG}` });
  }

  private async endLoads(): Promise<void> {
    await Promise.all([this.world.host.do('endLoads'), this.world.strangerHands.do('endLoads')]);
  }

  async ports(): Promise<string> {
    const { host, strangerHands } = this.world;
    const said: string[] = [];
    for (const [hands, address] of [
      [host, this.homeAddress],
      [strangerHands, this.otherAddress],
    ] as const) {
      const { ports } = await this.shown(address);
      expect(ports !== undefined && ports.last - ports.first + 1 === PORT_BLOCK, 'it has no block');
      for (const web of [INTERNET.web4, INTERNET.web6])
        for (let i = 0; i < 3; i++) {
          const { body, error } = await hands.do('get', { host: web, port: WEB_PORT, timeoutMs: patient(5000) });
          expect(error === undefined, `${web}: ${error}`);
          const { port } = JSON.parse(body) as { port: number };
          expect(port >= ports.first && port <= ports.last, `${port} is none of ${ports.first} to ${ports.last}`);
        }
      said.push(`${ports.first}–${ports.last}`);
    }
    expect(said[0] !== said[1], 'both homes have the same');
    return said.join(', ');
  }

  /** How fast it goes for a while, kbit/s, once the bucket is empty. */
  private async pace(way: keyof Counted, shown: Shown, kbits: number): Promise<number> {
    const start = (await this.counted(shown))[way];
    const bucket = 1.5 * (125 * kbits + BURST);
    await until('its bucket is empty', async () => (await this.counted(shown))[way] - start > bucket, 120_000);
    const [before, startMs] = [(await this.counted(shown))[way], performance.now()];
    await sleep(WHILE_MS);
    const bytes = (await this.counted(shown))[way] - before;
    return (8 * bytes) / (performance.now() - startMs);
  }

  async speed(way: keyof Counted): Promise<string> {
    const kbits = Math.round(SPEED / patient(1));
    const shown = await this.shown(this.homeAddress);
    await this.limit({ [`${way}_kbits`]: kbits });
    await this.load(this.world.host, way, 'film');
    try {
      const pace = await this.pace(way, shown, kbits);
      const off = pace / kbits - 1;
      const said = `${pace.toFixed(0)} of ${kbits} kbit/s, off by ${(100 * off).toFixed(1)} %`;
      expect(Math.abs(off) <= 3 * OFF_SHARE, said);
      return said;
    } finally {
      await this.endLoads();
      await this.limit({ clear: true });
    }
  }

  async flows(): Promise<string> {
    const { host } = this.world;
    await this.limit({ flows: FLOWS });
    try {
      for (let i = 0; i < 2 * FLOWS; i++) await host.do('open', { name: `${i}`, host: INTERNET.web4, port: ECHO_PORT });
      await sleep(patient(500));
      const all = await host.do('flows');
      const stand = all.filter(({ ended }) => ended === undefined).length;
      expect(stand <= FLOWS && stand >= FLOWS - OWN_FLOWS, `${stand} stand`);
      const refused = all.filter(({ ended }) => ended === 'ECONNREFUSED').length;
      expect(refused === all.length - stand, `of the others ${refused} were refused`);
      return `${stand} of ${all.length} stand, the others were refused`;
    } finally {
      await host.do('hangUp');
      await this.limit({ clear: true });
    }
  }

  async share(way: keyof Counted): Promise<string> {
    const { host, strangerHands } = this.world;
    const both = await Promise.all([this.homeAddress, this.otherAddress].map((one) => this.shown(one)));
    const used = async (): Promise<[number, number]> => {
      const [a, b] = await Promise.all(both.map((one) => this.counted(one)));
      return [a![way], b![way]];
    };
    for (let i = 0; i < GREEDY; i++) await this.load(host, way, `film ${i}`);
    await this.load(strangerHands, way, 'film');
    try {
      await sleep(WHILE_MS / 2);
      const before = await used();
      await sleep(WHILE_MS);
      const after = await used();
      const [greedy, modest] = [after[0] - before[0], after[1] - before[1]];
      const text = await this.world
        .gateway('g1')
        .place.must(['tc', 'qdisc', 'show', 'dev', way === 'down' ? MESH_DEVICE : 'wan']);
      const kind = /^qdisc (\S+) 4d42:/.exec(text)?.[1];
      const said = `${(greedy / MB).toFixed(1)} and ${(modest / MB).toFixed(1)} MB by ${kind}`;
      expect(kind !== undefined && modest > 0.5 * greedy && modest < 2 * greedy, said);
      return said;
    } finally {
      await this.endLoads();
    }
  }

  /** Gives the home little volume, and has it used up. @returns when that was. */
  private async useUp(): Promise<number> {
    const exact = async (): Promise<number> => {
      const { month } = await this.shown(this.homeAddress);
      return month.rx_bytes + month.tx_bytes;
    };
    // near its end, use is counted each few seconds
    await this.limit({ quota_mb: Math.ceil((await exact()) / MB) + 1000 });
    let used = -1;
    await until(
      'all is counted',
      async () => {
        const before = used;
        used = await exact();
        await sleep(patient(5000));
        return before === used || used - before < 100_000;
      },
      180_000,
    );
    const quota_mb = Math.ceil(used / MB) + VOLUME_MB;
    const shown = await this.shown(this.homeAddress);
    const start = await this.counted(shown);
    await this.limit({ quota_mb });
    await this.load(this.world.host, 'down', 'film');
    await until(
      'it has used its volume',
      async () => {
        const now = await this.counted(shown);
        return now.down - start.down + now.up - start.up >= quota_mb * MB - used;
      },
      180_000,
    );
    return performance.now();
  }

  async slow(): Promise<string> {
    const shown = await this.shown(this.homeAddress);
    const usedMs = await this.useUp();
    try {
      await until('the home is told', async () => {
        const { quota } = (await this.world.home.call('meshbridge.lease', 'status')) as { quota?: { state: string } };
        return quota?.state === 'over';
      });
      const toldMs = performance.now() - usedMs;
      expect(toldMs <= patient(3 * TOLD_MS), `told after ${ms(toldMs)}`);
      const pace = await this.pace('down', shown, SLOW);
      expect(pace <= (1 + 3 * OFF_SHARE) * SLOW, `it goes on with ${pace.toFixed(0)} kbit/s`);
      return `told after ${ms(toldMs)}, goes on with ${pace.toFixed(0)} kbit/s (slow is ${SLOW}); "${await situation(this.world)}"`;
    } finally {
      await this.endLoads();
      await this.limit({ clear: true });
    }
  }

  async stop(): Promise<string> {
    const usedMs = await this.useUp();
    let said = '';
    await until('the home is told', async () => {
      const text = JSON.stringify(await this.world.home.call('meshbridge.lease', 'gateways'));
      said = /the volume of this month is used up: [^"]*/.exec(text)?.[0] ?? '';
      return said !== '';
    });
    const toldMs = performance.now() - usedMs;
    await this.endLoads();
    expect(toldMs <= patient(3 * TOLD_MS), `told after ${ms(toldMs)}`);
    const movedMs = await untilExit(this.world, 'g2', 60_000);
    return `told after ${ms(toldMs)}: "${said}"; by g2 after ${ms(movedMs)} more`;
  }
}
