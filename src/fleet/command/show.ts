// `meshctl show`: one node, whole: who it is, what it measures, which configuration it has, what is wrong with it.

import { topicOf } from '../../api/topics.ts';
import { readBroker } from '../broker.ts';
import type { Command } from '../command.ts';
import { count, formatAge, formatTime } from '../display.ts';
import { Failure } from '../failure.ts';
import { Fleet, type NodeView, nameOf } from '../fleet.ts';
import { findPin, type Pin, readPins } from '../pin.ts';
import { Session } from '../session.ts';
import { stateCell, summarize, trustCell, verdictCell } from '../summary.ts';
import { KEPT, Survey } from '../survey.ts';
import { type Cell, type Column, formatFields, formatTable } from '../table.ts';

type Peer = NonNullable<NonNullable<NonNullable<NodeView['state']>['yggdrasil']>[number]['peers']>[number];

export const SHOW: Command = {
  words: 'show',
  summary: 'show all that is known of one node',
  args: 'NODE',
  takes: [1, 1],
  options: {},
  details: `NODE is its id, the beginning of it, or its name. What stands below "signed" is signed
by the key that was enrolled; the rest the broker could make up.`,
  async run({ args, output, home, env }) {
    const pins = readPins(home);
    const pin = findPin(pins, args[0]!);
    const broker = readBroker(home);
    const view = await output.waiting(`reading what ${broker.url} keeps of ${pin.node}`, look(pin));
    output.result(toShown(view));
    output.print(...format(view, output));

    async function look({ site, node }: Pin): Promise<NodeView> {
      const fleet = new Fleet(pins);
      const survey = new Survey(fleet, new Map([[node, pin]]));
      const session = await Session.open({ broker, env, onMessage: (message) => survey.take(message) });
      try {
        await survey.collect(
          session,
          KEPT.map((name) => (name === 'alarm/+' ? topicOf(site, node, 'alarm', '+') : topicOf(site, node, name))),
        );
      } finally {
        await session.close();
      }
      const view = fleet.nodes().find((one) => one.node === node && one.site === site);
      if (!view) throw new Failure('silent', `${node}: the broker keeps nothing of it`);
      return view;
    }
  },
};

function toShown(view: NodeView): object {
  const { info, have, status, state, alarms } = view;
  return {
    ...summarize(view),
    ...(info && { info }),
    ...(have && { have }),
    ...(status && { status }),
    ...(state && { measured: state }),
    alarms: [...alarms].map(([id, alarm]) => ({ id, ...alarm })),
  };
}

function format(view: NodeView, output: Parameters<Command['run']>[0]['output']): string[] {
  const { info, have, state, pin, alarms } = view;
  const { terminal } = output;
  const summary = summarize(view);
  const now = Date.now() / 1000;
  const lines = [
    output.paint(`${nameOf(view)}`, 'bold'),
    ...formatFields(
      [
        ['node', `${view.site}/${view.node}`],
        ['key', trustCell(view.trust)],
        ['state', stateCell(summary.state)],
        ['mesh', verdictCell(summary.verdict)],
        ['heard of', summary.seen_at === undefined ? undefined : `${formatAge(now - summary.seen_at)} ago`],
        ['enrolled', pin ? formatTime(pin.enrolled_at) : 'no'],
      ],
      terminal,
    ),
  ];
  for (const [id, { sev, msg, since_s }] of alarms)
    lines.push(
      '',
      `${output.paint(`alarm ${id}`, sev === 'error' ? 'red' : 'yellow')}, for ${formatAge(since_s)}: ${output.paint(msg, 'bold')}`,
    );
  if (info)
    lines.push(
      '',
      output.paint('signed', 'dim'),
      ...formatFields(
        [
          ['name', info.name],
          ['model', info.model],
          ['system', info.os],
          ['meshbridge', info.version],
          ['session', info.sid],
          ...info.interfaces.map(
            ({ interface: name, address, version }) =>
              [name, [address, version && `Yggdrasil ${version}`].filter(Boolean).join(', ') || '-'] as const,
          ),
          ['permits', `${info.cap}; keys ${info.keys.map(({ id, scope }) => `${id} (${scope})`).join(', ') || 'none'}`],
          ['knows', info.ops.join(' ')],
        ],
        terminal,
      ),
    );
  if (have) lines.push('', ...formatFields([['configuration', haveCell(have)], ...rejectedOf(have)], terminal));
  for (const { id, up, default_route } of state?.uplink ?? [])
    lines.push(
      ...formatFields(
        [[`uplink ${id}`, up ? (default_route ? 'up, to the Internet' : 'up') : { text: 'down', style: 'red' }]],
        terminal,
      ),
    );
  for (const { id, peers = [] } of state?.yggdrasil ?? [])
    if (peers.length > 0)
      lines.push('', output.paint(`peers of ${id}`, 'dim'), ...formatTable(peers, PEER_COLUMNS, terminal));
  const left = state?.left_out?.peers;
  if (left !== undefined) lines.push(`and ${count(left, 'peer')} more; meshctl do ${view.node} peers lists all`);
  return lines;
}

const PEER_COLUMNS: Column<Peer>[] = [
  { title: 'KEY', cell: ({ id }) => id },
  {
    title: 'STATE',
    cell: ({ state = 'up' }) => ({
      text: state,
      style: state === 'up' ? 'green' : state === 'down' ? 'red' : 'yellow',
    }),
  },
  {
    title: 'LATENCY',
    align: 'right',
    cell: ({ latency_ms }) => (latency_ms === undefined ? '-' : `${latency_ms.toFixed(1)} ms`),
  },
  { title: 'COST', align: 'right', cell: ({ cost }) => (cost === undefined ? '-' : String(cost)) },
  { title: 'RX', align: 'right', cell: ({ rx_kb }) => size(rx_kb) },
  { title: 'TX', align: 'right', cell: ({ tx_kb }) => size(tx_kb) },
];

function size(kb: number | undefined): string {
  if (kb === undefined) return '-';
  return kb < 10_000
    ? `${kb} KB`
    : kb < 10_000_000
      ? `${Math.round(kb / 1000)} MB`
      : `${Math.round(kb / 1_000_000)} GB`;
}

const HAVE_STYLES = { applied: 'green', pending: 'yellow', 'rolled-back': 'red', rejected: 'red' } as const;

function haveCell({ st, node_gen, site_gen, error }: NonNullable<NodeView['have']>): Cell {
  const of = [node_gen !== undefined && `node ${node_gen}`, site_gen !== undefined && `site ${site_gen}`].filter(
    Boolean,
  );
  return {
    text: [st, ...of, ...(error === undefined ? [] : [error])].join(', '),
    style: HAVE_STYLES[st as keyof typeof HAVE_STYLES],
  };
}

function rejectedOf({ rejected = [] }: NonNullable<NodeView['have']>): [string, Cell][] {
  return rejected.map(({ path, reason }) => ['refused', { text: `${path}: ${reason}`, style: 'red' }]);
}
