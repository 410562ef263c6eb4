// `npm run test:conformance`: one suite for every broker at hand. Names the broker it ran on; ends with `N passed, N failed`.

import { type BrokerKind, Bus, type Case, findProgram, OURS, ubusdAt } from './broker.ts';
import { CALLS } from './call.ts';
import { CLIENTS } from './client.ts';
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
  client: CLIENTS,
};

/** Counts of one run. */
interface Counts {
  passed: number;
  failed: number;
}

/** The real broker, or why it cannot be had. */
function realBroker(): BrokerKind | string {
  const program = findProgram('ubusd');
  if (!program) return 'no ubusd on PATH';
  // without access lists, which root alone may write, ubusd denies everything to everybody else
  return process.getuid?.() === 0 ? ubusdAt(program) : 'ubusd serves root alone, this is another user';
}

async function runOn(kind: BrokerKind, print: (line: string) => void): Promise<Counts> {
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

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const real = realBroker();
const kinds = typeof real === 'string' ? [OURS] : [OURS, real];
if (typeof real === 'string') print(`skipped: ubus conformance on the real broker: ${real}`);
let passed = 0;
let failed = 0;
for (const kind of kinds) {
  const result = await runOn(kind, print);
  passed += result.passed;
  failed += result.failed;
}
print(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
