// `meshctl nodes`: all nodes of the fleet, one a line.

import { InputError } from '../../errors.ts';
import { readBroker } from '../broker.ts';
import type { Command, Context } from '../command.ts';
import { clean, count, formatAge } from '../display.ts';
import { Fleet } from '../fleet.ts';
import { checkSite, type Pins, readPins } from '../pin.ts';
import { Session } from '../session.ts';
import { alarmsCell, peersCell, type Summary, stateCell, summarize, trustCell, verdictCell } from '../summary.ts';
import { Survey } from '../survey.ts';
import { type Column, formatTable } from '../table.ts';

type Order = (a: Summary, b: Summary) => number;
const text =
  (of: (one: Summary) => string): Order =>
  (a, b) =>
    of(a).localeCompare(of(b), 'en', { numeric: true });
const rank =
  (of: (one: Summary) => number): Order =>
  (a, b) =>
    of(a) - of(b);
const STATE_RANKS = ['offline', 'unknown', 'never', 'bye', 'online'];
const VERDICT_RANKS = ['bad', 'weak', 'unknown', 'good'];

/** What is wrong or old comes first. */
const ORDERS: Readonly<Record<string, Order>> = {
  name: text(({ name }) => name),
  site: text(({ site, name }) => `${site} ${name}`),
  state: rank(({ state }) => STATE_RANKS.indexOf(state)),
  mesh: rank(({ verdict }) => VERDICT_RANKS.indexOf(verdict ?? 'unknown')),
  version: text(({ version }) => version ?? ''),
  peers: rank(({ peers_up }) => peers_up ?? -1),
  seen: rank(({ seen_at }) => seen_at ?? 0),
  alarms: rank(({ alarms }) => -alarms.length),
};

/** What is kept of the nodes of a fleet. */
export async function survey(
  { home, env, output }: Pick<Context, 'home' | 'env' | 'output'>,
  pins: Pins,
  site: string | undefined,
): Promise<{ fleet: Fleet; cut: number }> {
  const broker = readBroker(home);
  const fleet = new Fleet(pins);
  const survey = new Survey(fleet, pins);
  const look = async (): Promise<void> => {
    const session = await Session.open({ broker, env, onMessage: (message) => survey.take(message) });
    try {
      await survey.run(session, site);
    } finally {
      await session.close();
    }
  };
  await output.waiting(() => `reading what ${broker.url} keeps: ${count(survey.heard, 'node')}`, look());
  return { fleet, cut: survey.cut };
}

export const NODES: Command = {
  words: 'nodes',
  summary: 'list all nodes: state, version, peers, alarms',
  args: '',
  takes: [0, 0],
  options: {
    site: { takes: 'SITE', help: 'of this site alone' },
    sort: { takes: 'COLUMN', help: `${Object.keys(ORDERS).join(', ')} (site); what is wrong comes first` },
    reverse: { help: 'the other way round' },
    trouble: { help: 'only those that are not online, not well, or not who they should be' },
  },
  details: `KEY tells whose a node is: pinned (it signs with the key that was enrolled), new (it
has a key that nobody enrolled), FORGED (something in its name is not signed by it).
STATE, MESH, PEERS and ALARMS are not signed: the broker could make them up.`,
  async run(context) {
    const { options, output, home } = context;
    const site = options.text('site');
    if (site !== undefined) checkSite(site);
    const sort = options.text('sort') ?? 'site';
    if (!Object.hasOwn(ORDERS, sort))
      throw new InputError(`--sort: expected one of ${Object.keys(ORDERS).join(', ')}, got ${JSON.stringify(sort)}`);
    const { fleet, cut } = await survey(context, readPins(home), site);
    const all = fleet
      .nodes()
      .filter((view) => site === undefined || view.site === site)
      .map(summarize);
    const nodes = (options.flag('trouble') ? all.filter(isTroubled) : all).sort(ORDERS[sort]);
    if (options.flag('reverse')) nodes.reverse();
    output.result({ nodes, all: all.length, cut, dropped: fleet.dropped });
    if (nodes.length > 0) output.print(...formatTable(nodes, columnsOf(Date.now()), output.terminal), '');
    output.print(totalOf(all, nodes.length));
    warnOf(all, cut, fleet.dropped, output);
  },
};

function isTroubled({ state, verdict, alarms, trust }: Summary): boolean {
  return state !== 'online' || verdict === 'bad' || verdict === 'weak' || alarms.length > 0 || trust !== 'pinned';
}

/** The columns of the table, at a moment in Unix milliseconds. */
export function columnsOf(nowMs: number): Column<Summary>[] {
  return [
    { title: 'NAME', least: 10, cell: ({ name }) => name },
    { title: 'SITE', least: 8, cell: ({ site }) => site },
    { title: 'NODE', cell: ({ node }) => node },
    { title: 'KEY', cell: ({ trust }) => trustCell(trust) },
    { title: 'STATE', cell: ({ state }) => stateCell(state) },
    { title: 'MESH', cell: ({ verdict }) => verdictCell(verdict) },
    { title: 'PEERS', align: 'right', cell: peersCell },
    { title: 'SEEN', align: 'right', cell: ({ seen_at }) => (seen_at ? formatAge(nowMs / 1000 - seen_at) : '-') },
    { title: 'VERSION', least: 7, cell: ({ version }) => version ?? '-' },
    { title: 'ALARMS', least: 6, cell: ({ alarms }) => alarmsCell(alarms) },
  ];
}

function totalOf(all: readonly Summary[], shown: number): string {
  const states = new Map<string, number>();
  for (const { state } of all) states.set(state, (states.get(state) ?? 0) + 1);
  const alarms = all.reduce((sum, one) => sum + one.alarms.length, 0);
  const parts = [...states]
    .sort(([a], [b]) => STATE_RANKS.indexOf(b) - STATE_RANKS.indexOf(a))
    .map(([state, many]) => `${many} ${clean(state)}`);
  const shownPart = shown < all.length ? `${shown} shown of ` : '';
  return `${shownPart}${count(all.length, 'node')}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}${alarms > 0 ? `; ${count(alarms, 'alarm')}` : ''}`;
}

function warnOf(all: readonly Summary[], cut: number, dropped: number, output: Context['output']): void {
  if (cut > 0)
    output.warn(
      `the broker kept ${count(cut, 'node')} back from a wildcard; they were asked for one by one. Others that nobody enrolled may be missing: meshctl doctor`,
    );
  const forged = all.filter(({ trust }) => trust === 'forged');
  if (forged.length > 0)
    output.warn(`${count(forged.length, 'node')} not signed by whom they say they are: ${namesOf(forged)}`);
  const strangers = all.filter(({ enrolled }) => !enrolled);
  if (strangers.length > 0)
    output.warn(`${count(strangers.length, 'node')} that nobody enrolled: ${namesOf(strangers)}`);
  if (dropped > 0)
    output.warn(`${count(dropped, 'message')} passed over: too long, not signed as they must be, or none of ours`);
}

function namesOf(nodes: readonly Summary[]): string {
  const more = nodes.length - 3;
  return `${nodes
    .slice(0, 3)
    .map(({ site, node }) => `${site}/${node}`)
    .join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
