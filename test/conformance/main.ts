// `npm run test:conformance`: one suite for every broker at hand. Names the broker it ran on; ends with `N passed, N failed`.

import { type BrokerKind, Bus, type Case, findProgram, OURS, ubusdAt } from './broker.ts';
import { CALLS } from './call.ts';
import { EVENTS } from './event.ts';
import { LIMITS } from './limit.ts';
import { LOOKUPS } from './lookup.ts';
import { MONITORS } from './monitor.ts';
import { OBJECTS } from './object.ts';
import { SESSIONS } from './session.ts';
import { SUBSCRIPTIONS } from './subscription.ts';

const CHAPTERS: Readonly<Record<string, readonly Case[]>> = {
  session: SESSIONS,
  lookup: LOOKUPS,
  object: OBJECTS,
  call: CALLS,
  subscription: SUBSCRIPTIONS,
  event: EVENTS,
  monitor: MONITORS,
  limit: LIMITS,
};

/** Counts of one run. */
export interface ConformanceResult {
  passed: number;
  failed: number;
}

/** Runs every case on our broker and, where it is on PATH, on ubusd, each case on a broker of its own. Prints as it goes. */
export async function runConformance(print: (line: string) => void): Promise<ConformanceResult> {
  const ubusd = findProgram('ubusd');
  const sum = await runOn(OURS, print);
  if (!ubusd) {
    print('skipped: ubus conformance on the real broker: no ubusd on PATH');
    return sum;
  }
  const real = await runOn(ubusdAt(ubusd), print);
  return { passed: sum.passed + real.passed, failed: sum.failed + real.failed };
}

async function runOn(kind: BrokerKind, print: (line: string) => void): Promise<ConformanceResult> {
  const result = { passed: 0, failed: 0 };
  for (const [chapter, cases] of Object.entries(CHAPTERS)) {
    for (const [name, run] of cases) {
      const bus = new Bus(kind);
      try {
        await bus.start();
        await run(bus);
        result.passed++;
      } catch (error) {
        result.failed++;
        print(`FAIL ${kind.name}: ${chapter}: ${name}`);
        print(error instanceof Error ? `${error.stack ?? error.message}${detailsOf(error)}` : String(error));
      } finally {
        await bus.close();
      }
    }
  }
  print(`${kind.name}: ${result.passed} passed, ${result.failed} failed`);
  return result;
}

/** What uvu's assertions add to their errors. */
function detailsOf(error: Error & { details?: string }): string {
  return error.details ? `\n${error.details}` : '';
}

const { passed, failed } = await runConformance((line) => process.stdout.write(`${line}\n`));
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
