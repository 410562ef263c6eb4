// The lab of the Internet, from its first check to its last, for one kind of tunnels.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Attack } from './attack-check.ts';
import { DeskCheck } from './desk-check.ts';
import { checkAccounting, checkRestart, checkSuspension } from './gateway-check.ts';
import {
  checkBeforeLease,
  checkColdBoot,
  checkExit,
  checkFailover,
  checkOwnLine,
  checkRelease,
  checkTightness,
  machineState,
} from './home-check.ts';
import { checkBadLine, checkOffload, offloadProblem } from './kernel-check.ts';
import { checkLimits } from './limit-check.ts';
import type { LabReport } from './report.ts';
import { World, type WorldOptions } from './world.ts';

/** Lines of each daemon's log that are shown where a check failed. */
const LAST_WORDS = 6;

/** Builds a world, runs all checks in it and takes it down. @throws Error when it cannot be built. */
export async function runLab(
  options: Omit<WorldOptions, 'directory'>,
  report: LabReport,
  print: (line: string) => void,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'meshbridge-internet-'));
  const world = await World.build({ ...options, directory });
  const daemons = (): [string, readonly string[]][] => [
    ['home', world.home.lines],
    ...[...world.gateways.values()].map(({ name, daemon }): [string, readonly string[]] => [name, daemon.lines]),
  ];
  report.lastWords = () =>
    daemons().flatMap(([name, lines]) => lines.slice(-LAST_WORDS).map((line) => `${name}: ${line}`));
  try {
    await checkOwnLine(world, report);
    const before = await machineState(world);
    await checkBeforeLease(world, report);
    for (const { daemon } of world.gateways.values()) await daemon.start();
    if (await checkExit(world, report)) {
      await checkAccounting(world, report);
      await checkTightness(world, report);
      await checkFailover(world, report);
      await checkRestart(world, report);
      await checkSuspension(world, report);
      await new DeskCheck(world, report).run();
      await new Attack(world, report).run();
      await checkLimits(world, report);
      const problem = await offloadProblem(world);
      if (problem === undefined) {
        await checkBadLine(world, report);
        await checkOffload(world, report);
      } else print(`skipped: flow offload and a bad line, for which this kernel has nothing: ${problem}`);
      await checkColdBoot(world, report);
    }
    await checkRelease(world, report, before);
  } finally {
    await world.close();
    rmSync(directory, { recursive: true, force: true });
  }
}
