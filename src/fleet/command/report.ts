// `meshctl report` and `meshctl vouch`: what a captain tells the operator of a gateway, over the mesh; and what the operator makes of it.

import { readFileSync } from 'node:fs';
import { REPORT_STATES, type ReportView } from '../../api/client-object.ts';
import { REGISTRAR_PORT } from '../../api/lease.ts';
import { errorText, InputError } from '../../errors.ts';
import { findRegistrar, sendWord } from '../captain.ts';
import type { Command, Context } from '../command.ts';
import { csvLine } from '../csv.ts';
import { count, formatTime } from '../display.ts';
import { Failure } from '../failure.ts';
import { GATEWAY_WORDS, type GatewayDesk, withDesk } from '../gateway-desk.ts';
import { homeAddress, parseHomes } from '../homes.ts';
import type { Signer } from '../key.ts';
import { type Column, formatTable, type Style } from '../table.ts';
import { DESK_OPTIONS } from './client.ts';
import { chosenKeys, KEY_OPTION, openKeys } from './keys.ts';

const SEND_OPTIONS = {
  port: { takes: 'PORT', help: `of its registrar (${REGISTRAR_PORT})` },
  ...KEY_OPTION,
} as const;
const PLACE_WORDS = `GATEWAY is the key of its Yggdrasil (64 hex digits), or its address in the mesh.
This machine has to be in the mesh; the signature is what counts, so a host behind a router
will do, but it has to name the gateway by its key.`;
const PAGE = 200;
const MAX_REPORTS = 10_000;
const STYLES: Readonly<Record<string, Style>> = { open: 'yellow', upheld: 'red', dismissed: 'dim' };

/** The one key of a captain. @throws (rejects) Failure */
async function signerOf(context: Context): Promise<Signer> {
  const keys = chosenKeys(context);
  if (keys.length > 1) throw new Failure('usage', `--key: expected one, got ${keys.length}`);
  return (await openKeys(context, keys))[0]!;
}

function expectHome(text: string): string {
  const address = homeAddress(text);
  if (address === undefined)
    throw new InputError(
      `home: expected its address in the mesh (200::/8) or its key, got ${JSON.stringify(text.slice(0, 80))}`,
    );
  return address;
}

const send: Command = {
  words: 'report send',
  summary: 'tell the operator of a gateway what is wrong with a home of yours',
  args: 'GATEWAY HOME',
  takes: [2, 2],
  options: {
    reason: { takes: 'TEXT', help: 'what is wrong; the home reads it: at most 256 characters' },
    evidence: { takes: 'TEXT', help: 'what it is known by, for the operator alone: at most 1024; @FILE: from a file' },
    contact: { takes: 'TEXT', help: 'how you are reached, for the operator alone: at most 256' },
    ...SEND_OPTIONS,
  },
  details: `For captains: it counts if the home itself named your key as captain_key.
${PLACE_WORDS}`,
  async run(context) {
    const { args, options, output } = context;
    const address = expectHome(args[1]!);
    const reason = options.required('reason');
    const [evidence, contact] = [textOf('evidence', options.text('evidence')), options.text('contact')];
    const signer = await signerOf(context);
    const port = options.whole('port', 1, 65_535, REGISTRAR_PORT);
    const place = await output.waiting('asking the gateway', findRegistrar(args[0]!, port));
    const message = {
      kind: 'report',
      address,
      reason,
      ...(evidence !== undefined && { evidence }),
      ...(contact !== undefined && { contact }),
    };
    const taken = await output.waiting('sending the report', sendWord(place, message, signer));
    output.result({ gateway: place.address, address, ...taken });
    output.print(`${taken.message}${taken.id === undefined ? '' : ` (report ${taken.id})`}`);
  },
};

function textOf(name: string, text: string | undefined): string | undefined {
  if (!text?.startsWith('@')) return text;
  try {
    return readFileSync(text.slice(1), 'utf8').trim();
  } catch (error) {
    throw new Failure('usage', `--${name}: ${errorText(error)}`);
  }
}

const COLUMNS: Column<ReportView>[] = [
  { title: 'REPORT', align: 'right', cell: ({ id }) => String(id) },
  { title: 'WHEN', cell: ({ at_s }) => formatTime(at_s) },
  { title: 'STATE', cell: ({ state }) => ({ text: state, style: STYLES[state] }) },
  { title: 'HOME', cell: ({ address }) => address },
  { title: 'CAPTAIN', least: 8, cell: ({ captain, captain_key }) => captain ?? captain_key.slice(0, 16) },
  { title: 'REASON', least: 12, cell: ({ reason }) => reason },
];

async function reportsOf(
  desk: GatewayDesk,
  state: string | undefined,
): Promise<{ reports: ReportView[]; total: number }> {
  const reports: ReportView[] = [];
  for (let before: number | undefined; ; ) {
    const reply = await desk.ask('reports', {
      count: PAGE,
      ...(state !== undefined && { state }),
      ...(before !== undefined && { before }),
    });
    reports.push(...reply.reports);
    before = reply.reports.at(-1)?.id;
    if (before === undefined || reports.length >= Math.min(reply.total, MAX_REPORTS))
      return { reports, total: reply.total };
  }
}

const list: Command = {
  words: 'report list',
  summary: 'list what captains reported to a gateway',
  args: 'GATEWAY [REPORT]',
  takes: [1, 2],
  options: {
    state: { takes: 'STATE', help: `those that are ${REPORT_STATES.join(', ')}` },
    csv: { help: 'as CSV' },
    ...DESK_OPTIONS,
  },
  details: `${GATEWAY_WORDS}
With a number, that one whole. Texts are those of strangers.`,
  run: (context) =>
    withDesk(context, context.args[0]!, async (desk) => {
      const { args, options, output } = context;
      if (options.flag('csv') && output.json) throw new InputError('expected --csv or --json, got both');
      const { reports, total } = await output.waiting(`asking ${desk.name}`, reportsOf(desk, options.text('state')));
      if (args[1] !== undefined) {
        const report = reports.find(({ id }) => String(id) === args[1]);
        if (!report) throw new InputError(`report: ${desk.name} keeps none with number ${JSON.stringify(args[1])}`);
        output.result({ gateway: desk.name, report });
        const { id, reason, evidence, contact, note, captain_key, captain, address, state, at_s } = report;
        return output.print(
          output.paint(`report ${id}, ${state}`, 'bold'),
          `${formatTime(at_s)} on ${address}`,
          `by ${captain ?? 'a captain whom nobody named'}, ${captain_key}`,
          ...[
            reason,
            evidence && `evidence: ${evidence}`,
            contact && `contact: ${contact}`,
            note && `note: ${note}`,
          ].flatMap((text) => (text ? [text] : [])),
        );
      }
      output.result({ gateway: desk.name, total, reports });
      if (options.flag('csv')) {
        const names = [
          'id',
          'at_s',
          'state',
          'address',
          'captain_key',
          'captain',
          'reason',
          'evidence',
          'contact',
          'decided_s',
          'note',
        ] as const;
        output.print(csvLine(names), ...reports.map((report) => csvLine(names.map((name) => report[name]))));
        return;
      }
      if (reports.length > 0) output.print(...formatTable(reports, COLUMNS, output.terminal), '');
      output.print(count(total, 'report'));
    }),
};

/** What an operator types, and what is told. */
const DECISIONS: Readonly<Record<string, string>> = {
  uphold: 'upheld',
  dismiss: 'dismissed',
  upheld: 'upheld',
  dismissed: 'dismissed',
};

const decide: Command = {
  words: 'report decide',
  summary: 'decide on a report: the home and its captain read that',
  args: 'GATEWAY REPORT uphold|dismiss',
  takes: [3, 3],
  options: { note: { takes: 'TEXT', help: 'told to the home' }, ...DESK_OPTIONS },
  details: `${GATEWAY_WORDS}
What is to become of the home is another decision: client suspend, say.`,
  run: (context) =>
    withDesk(context, context.args[0]!, async (desk) => {
      const { args, options, output } = context;
      const decision = DECISIONS[args[2]!];
      if (decision === undefined) throw new InputError(`expected uphold or dismiss, got ${JSON.stringify(args[2])}`);
      if (!/^[1-9]\d{0,8}$/.test(args[1]!))
        throw new InputError(`report: expected its number, got ${JSON.stringify(args[1])}`);
      const note = options.text('note');
      const done = await desk.ask('decide_report', {
        id: Number(args[1]),
        decision,
        ...(note !== undefined && { note }),
      });
      output.result({ gateway: desk.name, id: Number(args[1]), decision, ...done });
      output.print(`${done.message} (entry ${done.entry})`);
    }),
};

const vouch: Command = {
  words: 'vouch',
  summary: 'give your word for homes, which get in at a gateway at once',
  args: 'GATEWAY [HOME …]',
  takes: [1, 65],
  options: {
    site: { takes: 'SITE', help: 'their neighbourhood' },
    days: { takes: 'DAYS', help: 'for so many days: 1 to 3650 (for good)' },
    file: { takes: 'FILE', help: 'homes from FILE (- for standard input), one a line' },
    ...SEND_OPTIONS,
  },
  details: `For captains whom the operator named, and lets vouch for so many homes.
${PLACE_WORDS}`,
  async run(context) {
    const { args, options, output } = context;
    const words = args.slice(1);
    const file = options.text('file');
    if (words.length > 0 === (file !== undefined)) throw new InputError('expected homes, or --file FILE');
    const homes = file === undefined ? words.map(expectHome) : homesIn(file);
    const [site, signer] = [options.text('site'), await signerOf(context)];
    const port = options.whole('port', 1, 65_535, REGISTRAR_PORT);
    const place = await output.waiting('asking the gateway', findRegistrar(args[0]!, port));
    const done: { address: string; message?: string; error?: string }[] = [];
    for (const address of new Set(homes)) {
      const message = {
        kind: 'vouch',
        address,
        ...(site !== undefined && { site }),
        ...(options.text('days') !== undefined && { days: options.whole('days', 1, 3650, 1) }),
      };
      try {
        const said = `${done.length} of ${count(homes.length, 'home')}`;
        const taken = await output.waiting(said, sendWord(place, message, signer));
        done.push({ address, message: taken.message });
        output.print(`${address}: ${taken.message}`);
      } catch (error) {
        // what is refused of one home is no reason not to speak of the others
        if (!(error instanceof Failure) || error.ending !== 'failed' || homes.length === 1) throw error;
        done.push({ address, error: error.message });
        output.print(`${address}: ${output.paint(error.message, 'red')}`);
      }
    }
    output.result({ gateway: place.address, homes: done });
    const refused = done.filter(({ error }) => error !== undefined).length;
    if (refused > 0) throw new Failure('failed', `${refused} of ${count(done.length, 'home')} did not get in`);
  },
};

function homesIn(path: string): string[] {
  try {
    return parseHomes(readFileSync(path === '-' ? 0 : path, 'utf8'));
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new Failure('usage', `--file: ${errorText(error)}`);
  }
}

export const REPORT: readonly Command[] = [send, list, decide, vouch];
