// The lab of the Internet, from its first check to its last, for one kind of tunnels.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Attack } from './attack-check.ts';
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
import type { LabReport } from './report.ts';
import { World, type WorldOptions } from './world.ts';

/** Builds a world, runs all checks in it and takes it down. @throws Error when it cannot be built. */
export async function runLab(
  options: Omit<WorldOptions, 'directory'>,
  report: LabReport,
  print: (line: string) => void,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'meshbridge-internet-'));
  const world = await World.build({ ...options, directory });
  const failedBefore = report.failed;
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
      await new Attack(world, report).run();
      await checkColdBoot(world, report);
    }
    await checkRelease(world, report, before);
  } finally {
    if (report.failed > failedBefore)
      for (const [name, lines] of [
        ['home', world.home.lines] as const,
        ...[...world.gateways.values()].map(({ name, daemon }) => [name, daemon.lines] as const),
      ]) {
        print(`the last words of ${name}:`);
        for (const line of lines.filter((one) => !/ubus: lost|not told/.test(one)).slice(-LAST_WORDS))
          print(`  ${line}`);
      }
    await world.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

const LAST_WORDS = 15;
