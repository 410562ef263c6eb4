// `meshctl client`: the homes of a gateway, listed, and decided on: one, some, or all.

import { CLIENT_SORTS, CLIENT_STATES, type ClientView } from '../../api/client-object.ts';
import { InputError } from '../../errors.ts';
import { formatBytes, formatLimits } from '../amount.ts';
import type { Command, Context } from '../command.ts';
import { csvLine } from '../csv.ts';
import { count, formatAge, formatTime } from '../display.ts';
import { Failure } from '../failure.ts';
import { GATEWAY_WORDS, type GatewayDesk, withDesk } from '../gateway-desk.ts';
import { type Chosen, chooseHomes, findHome, HOME_OPTIONS, listHomes, portions } from '../homes.ts';
import { type Cell, type Column, formatFields, formatTable, type Style } from '../table.ts';
import { KEY_OPTION } from './keys.ts';

/** Options of all that ask a gateway. */
export const DESK_OPTIONS = {
  wait: { takes: 'SECONDS', help: 'for each of its answers: 2 to 900 (60)' },
  ...KEY_OPTION,
} as const;
const REASON = { reason: { takes: 'TEXT', help: 'told to the homes' } } as const;
const YES = { yes: { help: 'do not ask' } } as const;
/** As the desk takes them. */
export const LIMIT_OPTIONS = {
  quota: { takes: 'GB', help: 'volume a month, both directions together; 0: any' },
  down: { takes: 'KBITS', help: 'speed towards the home, kbit/s; 0: any' },
  up: { takes: 'KBITS', help: 'speed from it, kbit/s; 0: any' },
  flows: { takes: 'NUMBER', help: 'connections at the same time; 0: any' },
} as const;
/** Homes that are named before it is asked whether they are meant. */
const SHOWN = 10;
const STATE_STYLES: Readonly<Record<string, Style>> = {
  waiting: 'yellow',
  active: 'green',
  suspended: 'red',
  refused: 'red',
  away: 'dim',
};
const QUOTA_STYLES: Readonly<Record<string, Style>> = { near: 'yellow', over: 'red' };

/** Limits that options name. @throws InputError */
export function limitsOf(options: Context['options']): Record<string, number> {
  const limits: Record<string, number> = {};
  const quota = options.text('quota');
  if (quota !== undefined) {
    const gb = /^\d{1,6}(\.\d{1,3})?$/.test(quota) ? Number(quota) : Number.NaN;
    if (Number.isNaN(gb))
      throw new InputError(`--quota: expected gigabytes a month such as 50 or 2.5, got ${JSON.stringify(quota)}`);
    limits.quota_mb = Math.round(gb * 1000);
  }
  for (const [option, name, most] of [
    ['down', 'down_kbits', 1e8],
    ['up', 'up_kbits', 1e8],
    ['flows', 'flows', 1e6],
  ] as const)
    if (options.text(option) !== undefined) limits[name] = options.whole(option, 0, most, 0);
  return limits;
}

const stateOf = ({ state }: ClientView): Cell => ({ text: state, style: STATE_STYLES[state] });
const bytesOf = ({ rx_bytes, tx_bytes }: ClientView['month']): number => rx_bytes + tx_bytes;
const shown = (bytes: number): string => (bytes === 0 ? '-' : formatBytes(bytes));

function quotaOf({ quota }: ClientView): Cell {
  if (!quota) return { text: '-' };
  const share = quota.bytes > 0 ? Math.round((100 * quota.used_bytes) / quota.bytes) : 100;
  return { text: `${share} %`, style: QUOTA_STYLES[quota.state] };
}

function noteOf({ place, reason, until_s, configured, vouched_by, limits }: ClientView): string {
  const parts = [
    place !== undefined && `number ${place}`,
    reason,
    until_s !== undefined && `until ${formatTime(until_s).slice(0, 10)}`,
    configured && 'by the configuration',
    vouched_by !== undefined && 'vouched for',
    limits && formatLimits(limits),
  ];
  return parts.filter(Boolean).join('; ') || '-';
}

/** The columns of the list, at a moment in Unix seconds. */
function columnsAt(nowS: number): Column<ClientView>[] {
  return [
    { title: 'HOME', cell: ({ address }) => address },
    { title: 'NAME', least: 6, cell: ({ name }) => name ?? '-' },
    { title: 'SITE', least: 6, cell: ({ site }) => site ?? '-' },
    { title: 'STATE', cell: stateOf },
    { title: 'TODAY', align: 'right', cell: ({ today }) => shown(bytesOf(today)) },
    { title: 'MONTH', align: 'right', cell: ({ month }) => shown(bytesOf(month)) },
    { title: 'QUOTA', align: 'right', cell: quotaOf },
    {
      title: 'SINCE',
      align: 'right',
      cell: ({ since_s }) => (since_s === undefined ? '-' : formatAge(nowS - since_s)),
    },
    { title: 'NOTE', least: 8, cell: noteOf },
  ];
}

/** What a line of CSV has of a home. */
const CSV: readonly (readonly [string, (home: ClientView) => string | number | boolean | undefined])[] = [
  ['address', ({ address }) => address],
  ['key', ({ key }) => key],
  ['state', ({ state }) => state],
  ['standing', ({ standing }) => standing],
  ['reason', ({ reason }) => reason],
  ['until_s', ({ until_s }) => until_s],
  ['name', ({ name }) => name],
  ['email', ({ email }) => email],
  ['phone', ({ phone }) => phone],
  ['site', ({ site }) => site],
  ['captain_key', ({ captain_key }) => captain_key],
  ['vouched_by', ({ vouched_by }) => vouched_by],
  ['kind', ({ kind }) => kind],
  ['home4', ({ home4 }) => home4],
  ['home6', ({ home6 }) => home6],
  ['ports_first', ({ ports }) => ports?.first],
  ['ports_last', ({ ports }) => ports?.last],
  ['since_s', ({ since_s }) => since_s],
  ['today_rx_bytes', ({ today }) => today.rx_bytes],
  ['today_tx_bytes', ({ today }) => today.tx_bytes],
  ['month_rx_bytes', ({ month }) => month.rx_bytes],
  ['month_tx_bytes', ({ month }) => month.tx_bytes],
  ['quota_bytes', ({ quota }) => quota?.bytes],
  ['quota_used_bytes', ({ quota }) => quota?.used_bytes],
  ['quota_mb', ({ limits }) => limits?.quota_mb],
  ['down_kbits', ({ limits }) => limits?.down_kbits],
  ['up_kbits', ({ limits }) => limits?.up_kbits],
  ['flows', ({ limits }) => limits?.flows],
];

/** A list as CSV, or as JSON. */
function printCsv({ output }: Context, clients: readonly ClientView[]): void {
  output.print(
    csvLine(CSV.map(([name]) => name)),
    ...clients.map((home) => csvLine(CSV.map(([, cell]) => cell(home)))),
  );
}

const FILTER = {
  state: { takes: 'STATE', help: `those that are ${CLIENT_STATES.join(', ')}` },
  search: { takes: 'TEXT', help: 'those whose address, name, mail, site or key has TEXT in it' },
  sort: { takes: 'ORDER', help: `${CLIENT_SORTS.join(', ')}; without it, who waits first, then by address` },
} as const;

function filterOf({ options }: Context) {
  const [state, search, sort] = [options.text('state'), options.text('search'), options.text('sort')];
  for (const [name, value, known] of [
    ['state', state, CLIENT_STATES],
    ['sort', sort, CLIENT_SORTS],
  ] as const)
    if (value !== undefined && !(known as readonly string[]).includes(value))
      throw new InputError(`--${name}: expected one of ${known.join(', ')}, got ${JSON.stringify(value)}`);
  return {
    ...(state !== undefined && { state }),
    ...(search !== undefined && { search }),
    ...(sort !== undefined && { sort }),
  };
}

const list: Command = {
  words: 'client list',
  summary: 'list the homes of a gateway',
  args: 'GATEWAY',
  takes: [1, 1],
  options: {
    ...FILTER,
    most: { takes: 'NUMBER', help: 'so many at most: 1 to 20000 (20000)' },
    csv: { help: 'as CSV' },
    ...DESK_OPTIONS,
  },
  details: `${GATEWAY_WORDS}
What homes told of themselves is a stranger's text. By way of a broker it is told only
as far as the gateway's option desk_tells goes.`,
  run: (context) =>
    withDesk(context, context.args[0]!, async (desk) => {
      const { options, output } = context;
      if (options.flag('csv') && output.json) throw new InputError('expected --csv or --json, got both');
      const filter = filterOf(context);
      let said = `asking ${desk.name}`;
      const most = options.whole('most', 1, 20_000, 20_000);
      const asked = listHomes(desk, filter, most, (come, total) => {
        said = `${come} of ${count(total, 'home')}`;
      });
      const { clients, total } = await output.waiting(() => said, asked);
      output.result({ gateway: desk.name, total, clients });
      if (options.flag('csv')) return printCsv(context, clients);
      if (clients.length > 0) output.print(...formatTable(clients, columnsAt(Date.now() / 1000), output.terminal), '');
      const states = CLIENT_STATES.flatMap((state) => {
        const many = clients.filter((home) => home.state === state).length;
        return many > 0 ? [`${many} ${state}`] : [];
      });
      const part = clients.length < total ? `${clients.length} shown of ` : '';
      output.print(`${part}${count(total, 'home')}${states.length > 0 ? `: ${states.join(', ')}` : ''}`);
    }),
};

const csv: Command = {
  ...list,
  words: 'client csv',
  summary: 'the homes of a gateway as CSV, with all that is known of each',
  options: { ...FILTER, most: list.options.most!, ...DESK_OPTIONS },
  details: `${GATEWAY_WORDS}
Such a file is what --file of client admit, suspend and the others takes. Cells that a
spreadsheet would calculate begin with an apostrophe.`,
  run: (context) =>
    withDesk(context, context.args[0]!, async (desk) => {
      const { options, output } = context;
      const asked = listHomes(desk, filterOf(context), options.whole('most', 1, 20_000, 20_000));
      const { clients, total } = await output.waiting(`asking ${desk.name}`, asked);
      output.result({ gateway: desk.name, total, clients });
      printCsv(context, clients);
    }),
};

const show: Command = {
  words: 'client show',
  summary: 'show one home, and what was decided on it',
  args: 'GATEWAY HOME',
  takes: [2, 2],
  options: DESK_OPTIONS,
  details: `${GATEWAY_WORDS}
HOME is its address or key, the beginning of one, its name, or anything that it alone told.`,
  run: (context) =>
    withDesk(context, context.args[0]!, async (desk) => {
      const { output } = context;
      const home = await findHome(desk, context.args[1]!);
      const { entries } = await desk.ask('audit', { address: home.address, count: 20 });
      const { terminal } = output;
      output.result({ gateway: desk.name, client: home, entries });
      const { elsewhere, quota, limits, ports } = home;
      const use = (of: ClientView['month']): string =>
        `${formatBytes(of.rx_bytes)} down, ${formatBytes(of.tx_bytes)} up`;
      output.print(
        output.paint(home.name ?? home.address, 'bold'),
        ...formatFields(
          [
            ['address', home.address],
            ['key', home.key],
            ['state', stateOf(home)],
            ['standing', home.standing && [home.standing, home.reason].filter(Boolean).join(': ')],
            ['until', home.until_s === undefined ? undefined : formatTime(home.until_s)],
            ['place', home.place === undefined ? undefined : `number ${home.place} of those who wait`],
            ['email', home.email],
            ['phone', home.phone],
            ['site', home.site],
            ['captain', home.captain_key],
            ['vouched by', home.vouched_by],
            ['tunnel', home.kind && [home.kind, home.home4, home.home6].filter(Boolean).join(', ')],
            ['ports', ports && `${ports.first} to ${ports.last}`],
            [
              'lease',
              home.since_s === undefined
                ? undefined
                : `since ${formatTime(home.since_s)}, ${formatAge(home.left_s ?? 0)} left`,
            ],
            ['today', use(home.today)],
            ['this month', use(home.month)],
            ['elsewhere', elsewhere && use(elsewhere)],
            [
              'volume',
              quota && {
                text: `${formatBytes(quota.used_bytes)} of ${formatBytes(quota.bytes)}, then ${quota.at_quota}`,
                style: QUOTA_STYLES[quota.state],
              },
            ],
            ['limits', limits && (formatLimits(limits) || undefined)],
            ['configured', home.configured ? 'the configuration decides on it' : undefined],
          ],
          terminal,
        ),
      );
      if (entries.length > 0) output.print('', output.paint('decided', 'dim'));
      for (const { n, at_s, by, did, reason } of entries)
        output.print(`${n}  ${formatTime(at_s)}  ${did}  by ${by}${reason === '' ? '' : `: ${reason}`}`);
    }),
};

/** What is done to homes, and how it is said. */
const DEEDS = {
  admit: {
    summary: 'let homes in',
    question: 'lets',
    end: 'in',
    options: { days: { takes: 'DAYS', help: 'for so many days: 1 to 3650 (for good)' }, ...LIMIT_OPTIONS },
  },
  suspend: {
    summary: 'turn homes off at once, with the connections that stand',
    question: 'turns',
    end: 'off',
    options: {},
  },
  refuse: { summary: 'turn homes away; their leases end', question: 'turns', end: 'away', options: {} },
  forget: {
    summary: 'take back what was decided on homes, with their limits',
    question: 'takes back what was decided on',
    end: '',
    options: {},
  },
  limit: {
    summary: 'give homes limits of their own',
    question: 'gives',
    end: 'limits',
    options: { ...LIMIT_OPTIONS, clear: { help: 'what is not named is as the configuration has it' } },
  },
} as const;
type Deed = keyof typeof DEEDS;

/** The arguments of a deed, beside homes. @throws InputError */
function argumentsOf(deed: Deed, { options }: Context): Record<string, unknown> {
  const reason = options.text('reason');
  if (reason === undefined && (deed === 'suspend' || deed === 'refuse'))
    throw new InputError('--reason: missing, for homes are told why');
  const limits = deed === 'admit' || deed === 'limit' ? limitsOf(options) : {};
  const clear = deed === 'limit' && options.flag('clear');
  if (deed === 'limit' && !clear && Object.keys(limits).length === 0)
    throw new InputError('expected one of --quota, --down, --up, --flows, or --clear');
  return {
    ...limits,
    ...(reason !== undefined && { reason }),
    ...(clear && { clear }),
    ...(deed === 'admit' && options.text('days') !== undefined && { days: options.whole('days', 1, 3650, 1) }),
  };
}

/** Asks the person whether these homes are meant, where it was not said one by one. @throws Failure */
async function confirmed(context: Context, deed: Deed, desk: GatewayDesk, { addresses, by }: Chosen): Promise<void> {
  const { options, output, prompt } = context;
  if (by === undefined || options.flag('yes')) return;
  for (const address of addresses.slice(0, SHOWN)) output.note(`  ${address}`);
  if (addresses.length > SHOWN) output.note(`  and ${addresses.length - SHOWN} more`);
  const { question, end } = DEEDS[deed];
  const what = `This ${question} ${count(addresses.length, 'home')}${end && ` ${end}`} at ${desk.name} (${by}). Go on?`;
  if (!(await prompt.confirm(what))) throw new Failure('usage', 'nothing was done');
}

function deedOf(deed: Deed): Command {
  const { summary, options } = DEEDS[deed];
  return {
    words: `client ${deed}`,
    summary,
    args: 'GATEWAY [HOME …]',
    takes: [1, 1001],
    options: { ...HOME_OPTIONS, ...(deed === 'forget' ? {} : REASON), ...options, ...YES, ...DESK_OPTIONS },
    details: `${GATEWAY_WORDS}
HOME is its address or key, the beginning of one, its name, or anything that it alone told.
Each act is an entry of the gateway's log; client undo puts back what was before it.`,
    run: (context) =>
      withDesk(context, context.args[0]!, async (desk) => {
        const { args, options, output } = context;
        const more = argumentsOf(deed, context);
        const chosen = await chooseHomes(args.slice(1), options, desk);
        await confirmed(context, deed, desk, chosen);
        const all = portions(chosen.addresses);
        const entries: number[] = [];
        const messages: string[] = [];
        let done = 0;
        try {
          for (const addresses of all) {
            const work = desk.ask(deed, { ...more, addresses } as never);
            const said = `${done} of ${count(chosen.addresses.length, 'home')}`;
            const { message, entry } = await output.waiting(said, work);
            done += addresses.length;
            entries.push(entry);
            messages.push(message);
            output.print(`${message} (entry ${entry})`);
          }
        } catch (error) {
          if (done > 0)
            output.warn(`${done} of ${chosen.addresses.length} homes were done, in entries ${entries.join(', ')}`);
          throw error;
        }
        output.result({ gateway: desk.name, homes: done, entries, messages });
      }),
  };
}

const all: Command = {
  words: 'client all',
  summary: 'turn all homes off, or let all that are off in again, in two steps',
  args: 'GATEWAY suspend|admit',
  takes: [2, 2],
  options: { ...REASON, ...YES, ...DESK_OPTIONS },
  details: `${GATEWAY_WORDS}
The gateway first says how many homes that would be, and nothing is done before you agree.
client undo with the entry that is printed puts back what was before.`,
  run: (context) =>
    withDesk(context, context.args[0]!, async (desk) => {
      const { args, options, output, prompt } = context;
      const what = args[1]!;
      if (what !== 'suspend' && what !== 'admit')
        throw new InputError(`expected suspend or admit, got ${JSON.stringify(what)}`);
      const reason = options.text('reason');
      if (what === 'suspend' && reason === undefined) throw new InputError('--reason: missing, for homes are told why');
      const words = { what, ...(reason !== undefined && { reason }) };
      const { message, clients, confirm } = await desk.ask('all', words);
      if (confirm === undefined) throw new Failure('failed', `${desk.name}: all: expected what to confirm it by`);
      if (clients === 0) {
        output.result({ gateway: desk.name, what, homes: 0 });
        return output.print('there is no home to do it to');
      }
      if (!options.flag('yes')) {
        output.note(message);
        if (!(await prompt.confirm(`Go on with ${count(clients, 'home')} of ${desk.name}?`)))
          throw new Failure('usage', 'nothing was done');
      }
      const done = await desk.ask('all', { ...words, confirm });
      output.result({ gateway: desk.name, what, homes: done.clients, entry: done.entry, message: done.message });
      output.print(`${done.message}${done.entry === undefined ? '' : ` (entry ${done.entry})`}`);
    }),
};

const undo: Command = {
  words: 'client undo',
  summary: 'put back what was decided before an entry of the log',
  args: 'GATEWAY ENTRY …',
  takes: [2, 65],
  options: DESK_OPTIONS,
  details: `${GATEWAY_WORDS}
ENTRY is the number that was printed when something was done; gateway audit lists them. What
was decided on a home since stays.`,
  run: (context) =>
    withDesk(context, context.args[0]!, async (desk) => {
      const { args, output } = context;
      const numbers = args.slice(1).map((text) => {
        if (!/^[1-9]\d{0,8}$/.test(text)) throw new InputError(`entry: expected a number, got ${JSON.stringify(text)}`);
        return Number(text);
      });
      const entries: number[] = [];
      // what was done last is undone first
      for (const entry of [...new Set(numbers)].sort((a, b) => b - a)) {
        const done = await desk.ask('undo', { entry });
        entries.push(done.entry);
        output.print(`${done.message} (entry ${done.entry})`);
      }
      output.result({ gateway: desk.name, undone: numbers, entries });
    }),
};

const erase: Command = {
  words: 'client erase',
  summary: 'delete what is personal of a home now',
  args: 'GATEWAY HOME',
  takes: [2, 2],
  options: { ...YES, ...DESK_OPTIONS },
  details: `${GATEWAY_WORDS}
What it told, when it had which address, its use, and reports on it; what was decided on it
stays, see client forget. This cannot be undone.`,
  run: (context) =>
    withDesk(context, context.args[0]!, async (desk) => {
      const { args, options, output, prompt } = context;
      const { address } = await findHome(desk, args[1]!);
      if (!options.flag('yes') && !(await prompt.confirm(`This deletes what ${desk.name} keeps of ${address}. Go on?`)))
        throw new Failure('usage', 'nothing was done');
      const done = await desk.ask('erase', { address });
      output.result({ gateway: desk.name, address, ...done });
      output.print(`${done.message} (entry ${done.entry})`);
    }),
};

export const CLIENT: readonly Command[] = [
  list,
  show,
  csv,
  ...(Object.keys(DEEDS) as Deed[]).map(deedOf),
  all,
  undo,
  erase,
];
