// `meshctl watch`: what happens in the fleet, as it happens, one line each.

import { TOPIC_ROOT } from '../../api/topics.ts';
import { readBroker } from '../broker.ts';
import type { Command, Context } from '../command.ts';
import { clean, count, toJson } from '../display.ts';
import { Failure } from '../failure.ts';
import { Fleet, type NodeView, nameOf } from '../fleet.ts';
import { parseTable, readTopic, type Topic } from '../message.ts';
import { checkSite, findPin, readPins } from '../pin.ts';
import { type Arrival, Session } from '../session.ts';
import type { Style } from '../table.ts';

const WATCHED = ['status', 'info', 'tele', 'have', 'evt/+', 'alarm/+'] as const;
const LOOK_MS = 100;
/** Lines a second; what is beyond is counted. */
const MAX_LINES = 200;
/** Of what strangers say in one line. */
const MAX_WORDS = 160;

export const WATCH: Command = {
  words: 'watch',
  summary: 'show what happens, as it happens',
  args: '[NODE]',
  takes: [0, 1],
  options: {
    site: { takes: 'SITE', help: 'of this site alone' },
    all: { help: 'heartbeats, too' },
    for: { takes: 'SECONDS', help: 'end by itself: 1 to 86400' },
  },
  details: `Ctrl-C ends it. With --json, one JSON object a line. Comings, goings, events and alarms
are not signed; what is in a node's name and not signed as it must be says FORGED.`,
  async run(context) {
    const { args, options, output, home, env, ended } = context;
    const pins = readPins(home);
    const broker = readBroker(home);
    const site = options.text('site');
    if (site !== undefined) checkSite(site);
    const pin = args[0] === undefined ? undefined : findPin(pins, args[0]);
    const seconds = options.whole('for', 1, 86_400, 0);
    const lines = new Lines(context, new Fleet(pins), options.flag('all'));
    const session = await Session.open({ broker, env, onMessage: (message) => lines.take(message) });
    try {
      const filters = WATCHED.filter((name) => name !== 'tele' || options.flag('all')).map((name) =>
        pin ? `${TOPIC_ROOT}/${pin.site}/${pin.node}/${name}` : `${TOPIC_ROOT}/${site ?? '+'}/+/${name}`,
      );
      await session.subscribe(filters);
      output.note(`watching ${pin ? (pin.name ?? pin.node) : (site ?? 'all sites')} at ${broker.url}; Ctrl-C ends it`);
      const until = seconds === 0 ? Number.POSITIVE_INFINITY : Date.now() + seconds * 1000;
      while (!ended.aborted && Date.now() < until && session.endedBy === undefined) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        lines.tick();
      }
      if (session.endedBy !== undefined) throw new Failure('unreachable', `${broker.url}: ${session.endedBy}`);
    } finally {
      await session.close();
    }
  },
};

/** Turns messages into lines; what the broker had kept is where it begins, and is not told. */
class Lines {
  private second = 0;
  private printed = 0;
  private passedOver = 0;

  constructor(
    private readonly context: Context,
    private readonly fleet: Fleet,
    private readonly all: boolean,
  ) {}

  take(message: Arrival): void {
    const parts = readTopic(message.topic);
    if (!parts) return;
    const before = this.fleet.find(parts.site, parts.node)?.status?.state;
    const view = this.fleet.take(message, Date.now());
    if (message.isRetained) return;
    const known = this.fleet.find(parts.site, parts.node);
    const who = known ? nameOf(known) : parts.node;
    if (!view) {
      this.print(parts, who, 'FORGED', 'red', 'not signed as it must be, or no message at all', undefined);
      return;
    }
    const line = describe(parts, view, message.payload, before);
    if (line && (this.all || parts.kind !== 'tele'))
      this.print(parts, who, line.word, line.style, line.text, parseTable(parts.kind, message.payload));
  }

  /** Tells how many lines were too many. */
  tick(): void {
    if (this.passedOver === 0 || Date.now() - this.second < 1000) return;
    this.context.output.warn(`${count(this.passedOver, 'line')} passed over: more than ${MAX_LINES} a second`);
    this.passedOver = 0;
  }

  private print(parts: Topic, who: string, word: string, style: Style | undefined, text: string, said: unknown): void {
    const { output } = this.context;
    const now = Date.now();
    if (now - this.second >= 1000) {
      this.second = now;
      this.printed = 0;
    }
    if (++this.printed > MAX_LINES) {
      this.passedOver++;
      return;
    }
    const { site, node, kind, name } = parts;
    const isForged = word === 'FORGED';
    output.result(
      {
        at: Math.floor(now / 1000),
        site,
        node,
        kind,
        ...(name && { name }),
        ...(isForged ? { forged: true } : { said }),
      },
      true,
    );
    const time = new Date(now).toISOString().slice(11, 19);
    output.print(
      `${output.paint(time, 'dim')}  ${output.paint(`${site}/${who}`, 'bold')}  ${output.paint(word, style ?? 'cyan')}  ${clean(text).slice(0, MAX_WORDS)}`.trimEnd(),
    );
  }
}

interface Line {
  word: string;
  style?: Style;
  text: string;
}

function describe(
  { kind, name = '' }: Topic,
  view: NodeView,
  payload: Uint8Array,
  before: string | undefined,
): Line | undefined {
  switch (kind) {
    case 'status': {
      const state = view.status?.state ?? 'gone';
      if (state === before) return undefined;
      return { word: state, style: state === 'online' ? 'green' : 'red', text: '' };
    }
    case 'info':
      return payload.length === 0
        ? undefined
        : { word: 'info', text: [view.info?.model, view.info?.version].filter(Boolean).join(', ') };
    case 'have': {
      const { st = 'none', error, rejected = [] } = view.have ?? {};
      const refused = rejected.length > 0 ? `${count(rejected.length, 'change')} refused` : '';
      return { word: `configuration ${st}`, text: [error, refused].filter(Boolean).join(', ') };
    }
    case 'alarm': {
      const alarm = view.alarms.get(name);
      return alarm
        ? { word: `alarm ${name}`, style: alarm.sev === 'error' ? 'red' : 'yellow', text: alarm.msg }
        : { word: `alarm ${name} over`, style: 'green', text: '' };
    }
    case 'evt':
      return { word: name, text: wordsOf(parseTable(kind, payload)) };
    case 'tele':
      return { word: 'heartbeat', style: 'dim', text: wordsOf(parseTable(kind, payload)) };
    default:
      return undefined;
  }
}

const STAMPS = ['sid', 'mono', 't', 'clk', 'seq', 'eseq', 'base'];

/** What an event says, its stamps left out. */
function wordsOf(table: Record<string, unknown> | undefined): string {
  return Object.entries(table ?? {})
    .filter(([field]) => !STAMPS.includes(field))
    .map(([field, value]) => `${field}=${typeof value === 'object' ? toJson(value) : String(value)}`)
    .join(' ');
}
