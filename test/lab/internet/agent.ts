// What runs in a machine of the lab and does there what it is told, a line of JSON each on standard input: asks, floods, serves, counts.

import { createInterface } from 'node:readline';
import { askName, dialMany, get, sendDatagrams } from './ask.ts';
import { FakeInternet } from './fake-internet.ts';
import { Floods } from './flood.ts';
import { Downloads, Flows } from './flow.ts';

/** What an agent can be told to do; each takes one object and answers with one. */
const internet = new FakeInternet();
const floods = new Floods();
const flows = new Flows();
const downloads = new Downloads();
export const SKILLS = {
  /** Be the Internet: a web server that says who asks, an echo, a sink, a name server. */
  serve: (names: Record<string, string[]>) => internet.serve(names),
  /** What came to it since it was last asked. */
  seen: () => internet.seen(),
  get,
  dialMany,
  askName,
  sendDatagrams,
  flood: (options: Parameters<Floods['start']>[0]) => floods.start(options),
  calm: () => floods.stop(),
  open: (options: Parameters<Flows['open']>[0]) => flows.open(options),
  flows: () => flows.states(),
  hangUp: () => flows.close(),
  download: (options: Parameters<Downloads['start']>[0]) => downloads.start(options),
  downloaded: () => downloads.states(),
  upload: (options: Parameters<Downloads['send']>[0]) => downloads.send(options),
  endLoads: () => downloads.end(),
};

interface Order {
  id: number;
  skill: keyof typeof SKILLS;
  args: unknown;
}

async function obey({ id, skill, args }: Order): Promise<void> {
  let answer: object;
  try {
    const done = SKILLS[skill] as (args: unknown) => unknown;
    answer = { id, result: (await done(args)) ?? null };
  } catch (error) {
    answer = { id, error: error instanceof Error ? error.message : String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => void obey(JSON.parse(line) as Order));
lines.on('close', () => process.exit(0));
process.stdout.write('{"id":0,"result":null}\n');
