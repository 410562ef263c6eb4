// `npm run bench [-- --quick]`: how fast and how small the daemon on the C host is, next to what it replaces, in one run; with `--fleet`, how
// many routers and their operator get on with one broker; with `--internet`, the way to the Internet by gateways; with
// `--registrar`, a gateway with 1,000 homes; with `--pages`, the pages alone.

import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleProgram, bundlePrograms } from '../../build/bundle.ts';
import { buildNative } from '../../build/native.ts';
import { DIST, inProject } from '../../build/project.ts';
import { BUDGETS } from '../../build/targets.ts';
import { findYggdrasil, yggdrasilctl } from '../../build/yggdrasil.ts';
import { errorText } from '../../src/errors.ts';
import { benchCodec } from './codec.ts';
import { benchCommands, buildCommandGuest } from './command.ts';
import { benchFleet, FULL_FLEET, QUICK_FLEET } from './fleet.ts';
import { IDLE_PEERS, idleResidentKb, PEER_BYTES, startInstructions, staticProgram } from './footprint.ts';
import { benchInternet, FULL_INTERNET, QUICK_INTERNET } from './internet.ts';
import { benchPages } from './pages.ts';
import { cpuMs, residentKb, wakeups } from './process.ts';
import { benchRegistrar } from './registrar.ts';
import { Report } from './report.ts';
import { benchTelemetry } from './telemetry.ts';
import { sleep, type Timing, World } from './world.ts';

const CROWDS = [3, 100, 1000] as const;
/** Objects that do nothing: one provided in C, one by our client on the C host. */
const IN_C = 'bench.c';
const ON_HOST = 'bench.host';

interface Plan {
  /** Rounds in which the contestants take turns, so that a noisy moment hits all. */
  rounds: number;
  calls: number;
  rateSeconds: number;
  idleSeconds: number;
  redraws: number;
}

const FULL: Plan = { rounds: 25, calls: 600, rateSeconds: 30, idleSeconds: 60, redraws: 15 };
const QUICK: Plan = { rounds: 8, calls: 400, rateSeconds: 5, idleSeconds: 20, redraws: 7 };
const RATE = 1000;

/**
 * The median of each contestant in its quietest round, in microseconds. What else the machine does, and which cores the kernel picks,
 * changes medians twofold from one moment to the next.
 */
async function contest(rounds: number, contestants: readonly (() => Promise<Timing>)[]): Promise<number[]> {
  const best = contestants.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < rounds; round++)
    for (const [i, run] of contestants.entries()) best[i] = Math.min(best[i]!, (await run()).medianNs / 1000);
  return best;
}

/** Paths of what runs on the C host. */
interface Programs {
  daemon: string;
  noop: string;
  command: string;
}

class Bench {
  private readonly report = new Report();

  constructor(
    private readonly world: World,
    private readonly programs: Programs,
    private readonly plan: Plan,
  ) {}

  async run(): Promise<string> {
    await this.startUp();
    const more: number[] = [];
    for (const peers of CROWDS) more.push(await this.crowd(peers));
    const [few, some, many] = more as [number, number, number];
    const [a, b, c] = CROWDS;
    const [near, far] = [(some - few) / (b - a), (many - some) / (c - b)];
    this.report.add({ what: 'growth of a call a peer', value: near, unit: 'us', note: `from ${a} to ${b} peers` });
    this.report.add({ what: 'growth of a call a peer', value: far, unit: 'us', note: `from ${b} to ${c} peers` });
    await this.idle();
    await benchPages(this.report, this.plan.redraws);
    await benchCommands(this.report, this.programs.command);
    await benchCodec(this.report, log);
    await benchTelemetry(this.report, this.world, log);
    return this.report.table();
  }

  /** Answers how much longer than a no-op on the C host a call takes, in microseconds: the rest depends on the moment. */
  private async crowd(peers: number): Promise<number> {
    const { world, report, plan } = this;
    const { rounds } = plan;
    const node = await world.playNode(peers);
    const inC = await world.provide(IN_C);
    const onHost = await world.provide(ON_HOST, this.programs.noop);
    const daemon = await world.startDaemon(this.programs.daemon);
    try {
      await world.answering('yggdrasil', 'peers', peers * PEER_BYTES);
      const call = (count: number) => () => world.time('call', world.ubus, 'yggdrasil', 'peers', count);
      const [mine, fromC, fromHost, trip] = (await contest(rounds, [
        call(peers > 100 ? 100 : plan.calls),
        () => world.time('call', world.ubus, IN_C, 'noop', plan.calls),
        () => world.time('call', world.ubus, ON_HOST, 'noop', plan.calls),
        () => world.time('admin', world.admin, peers > 100 ? 5 : 20),
      ])) as [number, number, number, number];
      report.add({ what: 'yggdrasil peers, a call', peers, value: mine, unit: 'us' });
      const through =
        world.broker.name === 'ubusd'
          ? 'through ubusd'
          : 'through our broker, on Node, which slows both: no measure of ubusd';
      for (const [name, nothing] of [
        ['on the C host', fromHost],
        ['in C', fromC],
      ] as const) {
        report.add({ what: `no-op object ${name}, a call`, peers, value: nothing, unit: 'us' });
        report.add({
          what: `call / no-op object ${name}`,
          peers,
          value: mine / nothing,
          unit: 'times',
          ...(peers === 3 && { target: { atMost: 1.3 } }),
          note: through,
        });
      }
      report.add({
        what: 'fresh admin round trip / call',
        peers,
        value: trip / mine,
        unit: 'times',
        note: 'the played node, on Node; a real one is slower or faster',
      });
      await this.forks(peers, mine);
      await this.load(peers, daemon.pid);
      return mine - fromHost;
    } finally {
      await daemon.stop();
      await onHost.stop();
      await inC.stop();
      await node.close();
    }
  }

  private async forks(peers: number, mine: number): Promise<void> {
    const { world, report, plan } = this;
    const yggdrasil = findYggdrasil();
    const rivals = [
      { what: 'yggdrasilctl process / call', atLeast: 40 },
      { what: 'shell script that forks it / call', atLeast: 75 },
    ];
    if (!yggdrasil) {
      for (const { what } of rivals)
        report.add({ what, peers, value: undefined, unit: 'times', note: 'skipped: no yggdrasilctl' });
      return;
    }
    const argv = [yggdrasilctl(yggdrasil), `-endpoint=unix://${world.admin}`, '-json', 'getPeers'];
    const script = world.path('peers.sh');
    // what a status script does: fork the program, pick a field of each peer
    writeFileSync(
      script,
      `#!/bin/sh\nanswer=$(${argv.join(' ')})\necho "$answer" | grep '"remote"' | sed 's/.*: //'\n`,
    );
    chmodSync(script, 0o755);
    const count = peers > 100 ? 2 : 5;
    const times = await contest(plan.rounds, [
      () => world.time('spawn', count, ...argv),
      () => world.time('spawn', count, script),
    ]);
    for (const [i, { what, atLeast }] of rivals.entries())
      report.add({
        what,
        peers,
        value: times[i]! / mine,
        unit: 'times',
        ...(peers === 3 && { target: { atLeast } }),
        note: `${(times[i]! / 1000).toFixed(1)} ms`,
      });
  }

  /** Processor time, and memory under load. */
  private async load(peers: number, pid: number): Promise<void> {
    const { world, report, plan } = this;
    const { rateSeconds } = plan;
    const count = plan.rounds * plan.calls;
    const cpuBefore = cpuMs(pid);
    await world.time('call', world.ubus, 'yggdrasil', 'peers', count);
    report.add({
      what: 'processor time of the daemon, a call',
      peers,
      value: (cpuMs(pid) - cpuBefore) / count,
      unit: 'ms',
      ...(peers === 3 && { target: { atMost: 0.1 } }),
      note: `over ${count} calls, its polls of Yggdrasil included`,
    });
    if (peers !== CROWDS[0]) {
      report.add({ what: 'resident after calls', peers, value: residentKb(pid), unit: 'KiB' });
      return;
    }
    const before = residentKb(pid);
    const timing = await world.time('rate', world.ubus, 'yggdrasil', 'peers', RATE, rateSeconds);
    const reached = timing.count / (timing.totalNs / 1e9);
    report.add({
      what: `calls a second, ${RATE} wanted`,
      peers,
      value: reached,
      unit: '/s',
      target: { atLeast: 0.99 * RATE },
      note: `for ${rateSeconds} s; median ${(timing.medianNs / 1000).toFixed(0)} us, 99 % within ${(timing.p99Ns / 1000).toFixed(0)} us`,
    });
    const after = residentKb(pid);
    report.add({
      what: 'resident, grown under that load',
      peers,
      value: after - before,
      unit: 'KiB',
      target: { atMost: 64 },
      note: `from ${before} to ${after}`,
    });
  }

  private async startUp(): Promise<void> {
    const figure = {
      what: 'start to first object',
      unit: 'M instr',
      target: { atMost: BUDGETS.startInstructions / 1e6 },
    };
    try {
      const instructions = await startInstructions(this.world, await staticProgram('x86_64', log));
      this.report.add({ ...figure, value: instructions / 1e6, note: 'callgrind; x86_64, static' });
    } catch (error) {
      this.report.add({ ...figure, value: undefined, note: `skipped: ${errorText(error)}` });
    }
  }

  private async idle(): Promise<void> {
    const { world, report, plan } = this;
    const figure = {
      what: 'idle, resident',
      peers: IDLE_PEERS,
      unit: 'KiB',
      target: { atMost: BUDGETS.idleRss / 1024 },
    };
    try {
      const program = await staticProgram('x86', log);
      report.add({ ...figure, value: await idleResidentKb(world, program), note: 'x86, static' });
    } catch (error) {
      report.add({ ...figure, value: undefined, note: `skipped: ${errorText(error)}` });
    }
    await idleResidentKb(world, this.programs.daemon, async (pid) => {
      const [before, begun, cpu] = [wakeups(pid), performance.now(), cpuMs(pid)];
      await sleep(plan.idleSeconds * 1000);
      const minutes = (performance.now() - begun) / 60_000;
      report.add({
        what: 'idle, wake-ups a minute',
        peers: IDLE_PEERS,
        value: (wakeups(pid) - before) / minutes,
        unit: '/min',
        target: { atMost: 30 },
        note: `over ${plan.idleSeconds} s, ${cpuMs(pid) - cpu} ms of processor time`,
      });
    });
  }
}

const log = (line: string): void => console.error(`bench: ${line}`);

/** Builds both, whatever their size: the daemon as routers get it. */
async function build(): Promise<Programs> {
  const directory = join(DIST, 'bench');
  const [daemon, noop] = [join(directory, 'meshbridge'), join(directory, 'noop')];
  await buildNative({ ...(await bundlePrograms(join(directory, 'router'))), out: daemon, debug: false, log });
  await bundleProgram(inProject('test/bench/noop.ts'), `${noop}.js`, `${noop}.meta.json`);
  await buildNative({ bundle: `${noop}.js`, out: noop, debug: false, log });
  return { daemon, noop, command: await buildCommandGuest(log) };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      fleet: { type: 'boolean', default: false },
      internet: { type: 'boolean', default: false },
      registrar: { type: 'boolean', default: false },
      pages: { type: 'boolean', default: false },
    },
  });
  if (values.internet) {
    const report = new Report();
    await benchInternet(report, values.quick ? QUICK_INTERNET : FULL_INTERNET, log);
    console.log(`\n${report.table()}`);
    return;
  }
  if (values.registrar) {
    const report = new Report();
    await benchRegistrar(report, log);
    console.log(`\n${report.table()}`);
    return;
  }
  if (values.pages) {
    const report = new Report();
    await benchPages(report, (values.quick ? QUICK : FULL).redraws);
    console.log(`\n${report.table()}`);
    return;
  }
  if (values.fleet) {
    const report = new Report();
    await benchFleet(report, values.quick ? QUICK_FLEET : FULL_FLEET);
    console.log(`\n${report.table()}`);
    return;
  }
  const programs = await build();
  const world = new World();
  await world.open();
  console.error(`bench: on ${world.broker.name}${values.quick ? ', quick' : ''}`);
  try {
    const table = await new Bench(world, programs, values.quick ? QUICK : FULL).run();
    console.log(`\n${table}`);
  } finally {
    await world.close();
  }
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${errorText(error)}`);
  process.exitCode = 1;
}
