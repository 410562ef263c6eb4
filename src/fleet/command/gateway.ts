// `meshctl gateway`: a gateway as a whole: how it is, its maintenance, captains, log, and who had which address.

import type { AuditEntry, CaptainView } from '../../api/client-object.ts';
import { InputError } from '../../errors.ts';
import { formatBytes, parseMoment, parseSpan, sparkline } from '../amount.ts';
import type { Command } from '../command.ts';
import { csvLine } from '../csv.ts';
import { count, formatAge, formatTime } from '../display.ts';
import { Failure } from '../failure.ts';
import { GATEWAY_WORDS, type GatewayDesk, withDesk } from '../gateway-desk.ts';
import { homeAddress } from '../homes.ts';
import { findKey } from '../key.ts';
import { type Column, formatFields, formatTable } from '../table.ts';
import { DESK_OPTIONS } from './client.ts';

const KEY = /^[0-9a-f]{64}$/;
/** Entries of the log in one call: an entry may tell of many homes. */
const ENTRIES = 50;
const MAX_ENTRIES = 100_000;
/** Days of the summary that are drawn. */
const DRAWN = 60;

const summary: Command = {
  words: 'gateway summary',
  summary: 'show how a gateway is: homes, use, what waits for its operator',
  args: 'GATEWAY',
  takes: [1, 1],
  options: DESK_OPTIONS,
  details: GATEWAY_WORDS,
  run: (context) =>
    withDesk(context, context.args[0]!, async (desk) => {
      const { output } = context;
      const it = await desk.ask('summary', {});
      output.result({ gateway: desk.name, ...it });
      const both = ({ rx_bytes, tx_bytes }: { rx_bytes: number; tx_bytes: number }): number => rx_bytes + tx_bytes;
      const days = it.days.slice(-DRAWN).map(both);
      const { drain } = it;
      output.print(
        output.paint(desk.name, 'bold'),
        ...formatFields(
          [
            [
              'homes',
              `${it.active} of ${it.max_clients} active, ${it.suspended} suspended, ${it.refused} refused, ${it.away} away`,
            ],
            ['waiting', { text: count(it.waiting, 'home'), style: it.waiting > 0 ? 'yellow' : undefined }],
            ['reports', { text: `${it.reports_open} open`, style: it.reports_open > 0 ? 'yellow' : undefined }],
            ['Internet', it.online ? { text: 'reached', style: 'green' } : { text: 'not reached', style: 'red' }],
            [
              'maintenance',
              drain && {
                text: `stops in ${formatAge(drain.in_s)}${drain.reason && `: ${drain.reason}`}`,
                style: 'yellow',
              },
            ],
            ['admission', it.admission],
            ['today', formatBytes(both(it.today))],
            ['this month', formatBytes(both(it.month))],
            [
              `last ${count(days.length, 'day')}`,
              `${sparkline(days)}  at most ${formatBytes(Math.max(0, ...days))} a day`,
            ],
            ['kept', `${it.keep_days} days; ${it.logging}`],
            [
              'log',
              it.broken_at === undefined
                ? { text: 'whole', style: 'green' }
                : { text: `changed or lost at entry ${it.broken_at}`, style: 'red' },
            ],
          ],
          output.terminal,
        ),
      );
    }),
};

const drain: Command = {
  words: 'gateway drain',
  summary: 'tell homes that the gateway stops, so that they move to another one',
  args: 'GATEWAY IN',
  takes: [2, 2],
  options: { reason: { takes: 'TEXT', help: 'told to the homes' }, ...DESK_OPTIONS },
  details: `${GATEWAY_WORDS}
IN is a duration such as 15m or 2h, at most a day; 0: now. Nobody new is let in. It ends by
gateway undrain, and when the daemon ends or its section registrar changes.`,
  run: (context) =>
    withDesk(context, context.args[0]!, async (desk) => {
      const { args, options, output } = context;
      const in_s = parseSpan('IN', args[1]!);
      const reason = options.text('reason');
      const done = await desk.ask('drain', { in_s, ...(reason !== undefined && { reason }) });
      output.result({ gateway: desk.name, in_s, ...done });
      output.print(`${done.message} (entry ${done.entry})`);
    }),
};

const undrain: Command = {
  words: 'gateway undrain',
  summary: 'tell homes that it does not stop after all',
  args: 'GATEWAY',
  takes: [1, 1],
  options: DESK_OPTIONS,
  details: GATEWAY_WORDS,
  run: (context) =>
    withDesk(context, context.args[0]!, async (desk) => {
      const done = await desk.ask('undrain', {});
      context.output.result({ gateway: desk.name, ...done });
      context.output.print(`${done.message} (entry ${done.entry})`);
    }),
};

const CAPTAINS: Column<CaptainView>[] = [
  { title: 'KEY', cell: ({ key }) => key.slice(0, 16) },
  { title: 'NAME', least: 8, cell: ({ name }) => name || { text: 'not named', style: 'dim' } },
  { title: 'SITE', least: 6, cell: ({ site }) => site ?? 'any' },
  { title: 'VOUCHES', cell: ({ may_vouch }) => (may_vouch ? 'yes' : 'no') },
  {
    title: 'HOMES',
    align: 'right',
    cell: ({ homes, max_homes, may_vouch }) => (may_vouch ? `${homes}/${max_homes}` : String(homes)),
  },
  {
    title: 'OPEN',
    align: 'right',
    cell: ({ open }) => ({ text: String(open), style: open > 0 ? 'yellow' : undefined }),
  },
  { title: 'UPHELD', align: 'right', cell: ({ upheld }) => String(upheld) },
  { title: 'DISMISSED', align: 'right', cell: ({ dismissed }) => String(dismissed) },
];

/** The captain's key: 64 hex digits, or the name of one of this operator's own. */
function captainKey(context: Parameters<Command['run']>[0], text: string): string {
  return KEY.test(text.toLowerCase()) ? text.toLowerCase() : findKey(context.home, text).public;
}

const captain: Command = {
  words: 'gateway captain',
  summary: 'list the captains of a gateway, name one, or take one out',
  args: 'GATEWAY [KEY]',
  takes: [1, 2],
  options: {
    name: { takes: 'TEXT', help: 'how you call them' },
    site: { takes: 'SITE', help: 'the neighbourhood that they speak for; empty: any' },
    vouch: { takes: 'yes|no', help: 'whether homes get in by their word (yes)' },
    'max-homes': { takes: 'NUMBER', help: 'that may be in by their word: 0 to 4000 (20)' },
    remove: { help: 'they are no captain any more; homes that are in by their word stay' },
    ...DESK_OPTIONS,
  },
  details: `${GATEWAY_WORDS}
KEY is what their meshctl keys list and keys show print: 64 hex digits. What is not named of a
captain that there is stays as it is.`,
  run: (context) =>
    withDesk(context, context.args[0]!, async (desk) => {
      const { args, options, output } = context;
      if (args[1] === undefined) {
        const { captains } = await desk.ask('captains', {});
        output.result({ gateway: desk.name, captains });
        if (captains.length === 0) return output.print('no captains');
        return output.print(...formatTable(captains, CAPTAINS, output.terminal));
      }
      const key = captainKey(context, args[1]);
      const done = options.flag('remove')
        ? await desk.ask('uncaptain', { key })
        : await desk.ask('captain', { key, ...captainOptions(options) });
      output.result({ gateway: desk.name, key, ...done });
      output.print(`${done.message} (entry ${done.entry})`);
    }),
};

function captainOptions(options: Parameters<Command['run']>[0]['options']) {
  const [name, site, vouch] = [options.text('name'), options.text('site'), options.text('vouch')];
  if (vouch !== undefined && vouch !== 'yes' && vouch !== 'no')
    throw new InputError(`--vouch: expected yes or no, got ${JSON.stringify(vouch)}`);
  return {
    ...(name !== undefined && { name }),
    ...(site !== undefined && { site }),
    ...(vouch !== undefined && { may_vouch: vouch === 'yes' }),
    ...(options.text('max-homes') !== undefined && { max_homes: options.whole('max-homes', 0, 4000, 20) }),
  };
}

/** Entries of the log, the newest first. */
async function entriesOf(
  desk: GatewayDesk,
  most: number,
  address: string | undefined,
  told: (count: number) => void,
): Promise<{ entries: AuditEntry[]; head: string; broken_at?: number }> {
  const entries: AuditEntry[] = [];
  for (let before: number | undefined; ; ) {
    const reply = await desk.ask('audit', {
      count: Math.min(ENTRIES, most - entries.length),
      ...(before !== undefined && { before }),
      ...(address !== undefined && { address }),
    });
    entries.push(...reply.entries);
    told(entries.length);
    const last = reply.entries.at(-1);
    if (!last || last.n <= 1 || entries.length >= most) return { ...reply, entries };
    before = last.n;
  }
}

const audit: Command = {
  words: 'gateway audit',
  summary: 'show or export what operators of a gateway did',
  args: 'GATEWAY',
  takes: [1, 1],
  options: {
    home: { takes: 'HOME', help: 'to this home alone: its address or key' },
    most: { takes: 'NUMBER', help: `so many entries, the newest: 1 to ${MAX_ENTRIES} (50)` },
    all: { help: 'all that are kept' },
    csv: { help: 'as CSV, one line for each home of an entry' },
    ...DESK_OPTIONS,
  },
  details: `${GATEWAY_WORDS}
The gateway keeps the newest 128 pieces of 2 KB. Each entry bears the hash of the one before it;
keep the newest hash elsewhere, and what is cut off at the end shows, too.`,
  run: (context) =>
    withDesk(context, context.args[0]!, async (desk) => {
      const { options, output } = context;
      if (options.flag('csv') && output.json) throw new InputError('expected --csv or --json, got both');
      const home = options.text('home');
      const address = home === undefined ? undefined : homeAddress(home);
      if (home !== undefined && address === undefined)
        throw new InputError(`--home: expected an address of the mesh or a key, got ${JSON.stringify(home)}`);
      const most = options.flag('all') ? MAX_ENTRIES : options.whole('most', 1, MAX_ENTRIES, ENTRIES);
      let said = `asking ${desk.name}`;
      const asked = entriesOf(desk, most, address, (come) => {
        said = count(come, 'entry', 'entries');
      });
      const { entries, head, broken_at } = await output.waiting(() => said, asked);
      output.result({ gateway: desk.name, head, ...(broken_at !== undefined && { broken_at }), entries });
      if (options.flag('csv')) {
        output.print(csvLine(['n', 'at_s', 'by', 'did', 'reason', 'address', 'was', 'was_reason', 'was_until_s']));
        for (const { n, at_s, by, did, reason, clients } of entries)
          for (const one of clients.length > 0 ? clients : [undefined])
            output.print(csvLine([n, at_s, by, did, reason, one?.address, one?.was, one?.reason, one?.until_s]));
      } else {
        output.print(...formatTable(entries, AUDIT, output.terminal), '', `newest hash ${head}`);
      }
      if (broken_at !== undefined)
        throw new Failure(
          'failed',
          `${desk.name}: the log was changed or lost at entry ${broken_at}`,
          'What stands before it proves nothing any more.',
        );
    }),
};

const AUDIT: Column<AuditEntry>[] = [
  { title: 'ENTRY', align: 'right', cell: ({ n }) => String(n) },
  { title: 'WHEN', cell: ({ at_s }) => formatTime(at_s) },
  { title: 'BY', least: 8, cell: ({ by }) => by },
  { title: 'DID', cell: ({ did }) => ({ text: did, style: did === 'failed' ? 'red' : undefined }) },
  {
    title: 'HOMES',
    least: 12,
    cell: ({ clients }) =>
      clients.length === 0 ? '-' : clients.length === 1 ? clients[0]!.address : count(clients.length, 'home'),
  },
  { title: 'REASON', least: 10, cell: ({ reason }) => reason || '-' },
];

const who: Command = {
  words: 'gateway who',
  summary: 'which home had a source port or an inner address, for complaints',
  args: 'GATEWAY',
  takes: [1, 1],
  options: {
    port: { takes: 'PORT', help: 'source port in the Internet, TCP or UDP' },
    address4: { takes: 'ADDRESS', help: 'inner address of IPv4' },
    address6: { takes: 'ADDRESS', help: 'inner address of IPv6' },
    home: { takes: 'HOME', help: 'which addresses and ports this home had' },
    at: {
      takes: 'MOMENT',
      help: 'when: 2026-03-01T14:05, or Unix seconds (now)',
    },
    ...DESK_OPTIONS,
  },
  details: `${GATEWAY_WORDS}
Source ports tell homes apart where the gateway's option port_block gives each its own. What is
older than keep_days days is deleted.`,
  run: (context) =>
    withDesk(context, context.args[0]!, async (desk) => {
      const { options, output } = context;
      const [address4, address6, home, at] = ['address4', 'address6', 'home', 'at'].map((name) => options.text(name));
      const address = home === undefined ? undefined : homeAddress(home);
      if (home !== undefined && address === undefined)
        throw new InputError(`--home: expected an address of the mesh or a key, got ${JSON.stringify(home)}`);
      const found = await desk.ask('who', {
        ...(options.text('port') !== undefined && { port: options.whole('port', 1, 65_535, 1) }),
        ...(address4 !== undefined && { address4 }),
        ...(address6 !== undefined && { address6 }),
        ...(address !== undefined && { address }),
        ...(at !== undefined && { at_s: parseMoment('--at', at) }),
      });
      output.result({ gateway: desk.name, ...found });
      output.print(found.message);
      if (found.leases.length === 0) return;
      output.print(
        '',
        ...formatTable(
          found.leases,
          [
            { title: 'HOME', cell: (one) => one.address },
            { title: 'NAME', least: 6, cell: (one) => one.name ?? '-' },
            { title: 'INNER', least: 10, cell: ({ home4, home6 }) => [home4, home6].filter(Boolean).join(' ') },
            { title: 'PORTS', cell: ({ ports }) => (ports ? `${ports.first}-${ports.last}` : '-') },
            { title: 'FROM', cell: ({ from_s }) => formatTime(from_s) },
            { title: 'TO', cell: ({ to_s }) => (to_s === undefined ? 'now' : formatTime(to_s)) },
          ],
          output.terminal,
        ),
      );
    }),
};

export const GATEWAY: readonly Command[] = [summary, drain, undrain, captain, audit, who];
