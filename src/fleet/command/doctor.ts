// `meshctl doctor`: whether a broker does what a fleet needs of it.

import { readFileSync } from 'node:fs';
import { errorText } from '../../errors.ts';
import { readBroker } from '../broker.ts';
import type { Command, Context } from '../command.ts';
import { clean, count } from '../display.ts';
import { Doctor, type Finding, type Level, type Marker, type NodeLogin } from '../doctor.ts';
import { Failure } from '../failure.ts';
import { Fleet } from '../fleet.ts';
import { findOdd } from '../fleet-finding.ts';
import type { Home } from '../home.ts';
import { findPin, readPins } from '../pin.ts';
import { Session } from '../session.ts';
import { Survey } from '../survey.ts';
import type { Style } from '../table.ts';

/** What was left at brokers by earlier looks. */
const FILE = 'doctor.json';
const LOOK_MS = 50;
const STYLES: Readonly<Record<Level, Style>> = {
  ok: 'green',
  note: 'dim',
  unknown: 'dim',
  warning: 'yellow',
  error: 'red',
};

function readMarker(home: Home, url: string): Marker | undefined {
  const marker = home.read(FILE) as Partial<Marker> | undefined;
  return marker?.url === url && typeof marker.text === 'string' && typeof marker.left_at === 'number'
    ? (marker as Marker)
    : undefined;
}

function readLogin({ options, home }: Context): NodeLogin | undefined {
  const name = options.text('as');
  if (name === undefined) return undefined;
  const { site, node } = findPin(readPins(home), name);
  try {
    return { site, node, password: readFileSync(options.required('as-password-file'), 'utf8').split('\n')[0]! };
  } catch (error) {
    throw new Failure('usage', `--as-password-file: ${errorText(error)}`);
  }
}

export const DOCTOR: Command = {
  words: 'doctor',
  summary: 'look for what is wrong with the broker, and odd about the nodes',
  args: '',
  takes: [0, 0],
  options: {
    retained: { takes: 'COUNT', help: 'so many retained messages are tried (1500; up to 20000)' },
    listen: { takes: 'SECONDS', help: 'how long the nodes are listened to: 0 to 3600 (5)' },
    'broker-only': { help: 'do not look at the nodes' },
    as: { takes: 'NODE', help: 'look through the eyes of a node, too' },
    'as-password-file': { takes: 'FILE', help: 'file with the password of that node' },
  },
  details: `What the broker keeps, what it cuts without telling, whom it lets do what; copies of
nodes, forgeries, clocks. It writes below mb/1/doctor, which no router listens to, and
cleans up. Whether the broker keeps messages over a restart is known at the second look,
after one. It takes about twenty seconds. Exit code 1: something is an error.`,
  async run(context) {
    const { options, output, home, env } = context;
    const broker = readBroker(home);
    let now = 'connecting';
    const doctor = new Doctor({
      broker,
      env,
      retained: options.whole('retained', 10, 20_000, 1500),
      marker: readMarker(home, broker.url),
      node: readLogin(context),
      onStep: (what) => (now = what),
    });
    const listenMs = options.whole('listen', 0, 3600, 5) * 1000;
    const findings = await output.waiting(() => `looking at ${broker.url}: ${now}`, doctor.look());
    if (!options.flag('broker-only'))
      findings.push(...(await output.waiting('looking at the nodes', lookAtNodes(context, listenMs))));
    if (doctor.marker) home.write(FILE, doctor.marker);
    const errors = findings.filter(({ level }) => level === 'error').length;
    const warnings = findings.filter(({ level }) => level === 'warning').length;
    output.result({ url: broker.url, findings, errors, warnings });
    for (const finding of findings) output.print(...formatFinding(finding, context));
    output.print('', `${broker.url}: ${count(errors, 'error')}, ${count(warnings, 'warning')}`);
    if (errors > 0) throw new Failure('failed', '');
  },
};

/** What is odd about the nodes, as the broker tells of them. */
async function lookAtNodes({ home, env, ended }: Context, listenMs: number): Promise<Finding[]> {
  const pins = readPins(home);
  const fleet = new Fleet(pins);
  const survey = new Survey(fleet, pins);
  const session = await Session.open({ broker: readBroker(home), env, onMessage: (message) => survey.take(message) });
  try {
    await survey.run(session, undefined);
    await survey.keptCommands(session);
    for (const until = Date.now() + listenMs; Date.now() < until && !ended.aborted && session.endedBy === undefined; )
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  } finally {
    await session.close();
  }
  return findOdd(fleet, { cut: survey.cut, keptCommands: survey.commands, nowMs: Date.now() });
}

function formatFinding({ level, what, why, fix }: Finding, { output }: Context): string[] {
  const lines = [`${output.paint(level.padEnd(8), STYLES[level])} ${clean(what)}`];
  if (why) lines.push(`${' '.repeat(9)}${clean(why)}`);
  if (fix) lines.push(`${' '.repeat(9)}-> ${clean(fix)}`);
  return lines;
}
