// `meshctl invite`: words by which homes get in without waiting for the operator. They are made here: gateways, and brokers in between, get hashes.

import { randomBytes } from 'node:crypto';
import { InputError } from '../../errors.ts';
import { formatInvite, INVITE_BYTES, inviteHash } from '../../lib/invite-code.ts';
import { formatLimits } from '../amount.ts';
import type { Command } from '../command.ts';
import { crypto } from '../crypto.ts';
import { count, formatTime } from '../display.ts';
import { Failure } from '../failure.ts';
import { GATEWAY_WORDS, withDesk } from '../gateway-desk.ts';
import { formatTable } from '../table.ts';
import { DESK_OPTIONS, LIMIT_OPTIONS, limitsOf } from './client.ts';

const DAY_S = 86_400;

const make: Command = {
  words: 'invite make',
  summary: 'make a code by which homes get in at once',
  args: 'GATEWAY …',
  takes: [1, 16],
  options: {
    uses: { takes: 'NUMBER', help: 'homes that may come by it: 1 to 1000 (1)' },
    days: { takes: 'DAYS', help: 'until when: 1 to 365 (30)' },
    'access-days': { takes: 'DAYS', help: 'for how long they are let in: 1 to 3650 (for good)' },
    site: { takes: 'SITE', help: 'homes of this neighbourhood alone' },
    note: { takes: 'TEXT', help: 'for yourself' },
    ...LIMIT_OPTIONS,
    ...DESK_OPTIONS,
  },
  details: `${GATEWAY_WORDS}
The code is made here and shown this once; each gateway that is named gets its hash, and
counts its own homes. A home types it on its page Internet, as "invite".`,
  async run(context) {
    const { args, options, output } = context;
    const [site, note] = [options.text('site'), options.text('note')];
    const code = formatInvite(new Uint8Array(randomBytes(INVITE_BYTES)));
    const terms = {
      hash: inviteHash((bytes) => crypto.sha512(bytes), code)!,
      uses: options.whole('uses', 1, 1000, 1),
      days: options.whole('days', 1, 365, 30),
      ...(options.text('access-days') !== undefined && { access_days: options.whole('access-days', 1, 3650, 1) }),
      ...(site !== undefined && { site }),
      ...(note !== undefined && { note }),
      ...limitsOf(options),
    };
    const made: { gateway: string; id: string; entry: number }[] = [];
    for (const name of new Set(args))
      try {
        const { id, entry, message } = await withDesk(context, name, (desk) => desk.ask('invite', terms));
        made.push({ gateway: name, id, entry });
        output.print(`${name}: ${message}`);
      } catch (error) {
        if (made.length === 0) throw error;
        output.warn(`it counts at ${made.map(({ gateway }) => gateway).join(', ')} already: ${code}`);
        throw error;
      }
    output.result({ code, gateways: made });
    output.print('', output.paint(code, 'bold'));
  },
};

const list: Command = {
  words: 'invite list',
  summary: 'list the invites of a gateway',
  args: 'GATEWAY',
  takes: [1, 1],
  options: DESK_OPTIONS,
  details: GATEWAY_WORDS,
  run: (context) =>
    withDesk(context, context.args[0]!, async (desk) => {
      const { output } = context;
      const { invites } = await desk.ask('invites', {});
      output.result({ gateway: desk.name, invites });
      if (invites.length === 0) return output.print('no invites');
      output.print(
        ...formatTable(
          invites,
          [
            { title: 'ID', cell: ({ id }) => id },
            {
              title: 'OPEN',
              cell: ({ open }) => (open ? { text: 'yes', style: 'green' } : { text: 'no', style: 'dim' }),
            },
            { title: 'USED', align: 'right', cell: ({ used, left }) => `${used} of ${used + left}` },
            { title: 'MADE', cell: ({ made_s }) => formatTime(made_s) },
            { title: 'UNTIL', cell: ({ until_s }) => formatTime(until_s) },
            {
              title: 'LETS IN FOR',
              cell: ({ access_s }) => (access_s === undefined ? 'good' : count(Math.round(access_s / DAY_S), 'day')),
            },
            { title: 'SITE', least: 4, cell: ({ site }) => site ?? 'any' },
            { title: 'LIMITS', least: 6, cell: ({ limits }) => (limits && formatLimits(limits)) || '-' },
            { title: 'NOTE', least: 6, cell: ({ note }) => note || '-' },
          ],
          output.terminal,
        ),
      );
    }),
};

const revoke: Command = {
  words: 'invite revoke',
  summary: 'let nobody come by an invite any more; who came stays',
  args: 'GATEWAY ID …',
  takes: [2, 33],
  options: DESK_OPTIONS,
  details: `${GATEWAY_WORDS}
ID is what invite list shows; the code will do, too.`,
  run: (context) =>
    withDesk(context, context.args[0]!, async (desk) => {
      const { args, output } = context;
      const ids = args.slice(1).map((text) => inviteHash((bytes) => crypto.sha512(bytes), text)?.slice(0, 8) ?? text);
      const entries: number[] = [];
      for (const id of new Set(ids)) {
        if (!/^[a-z2-7]{8}$/.test(id))
          throw new InputError(`id: expected 8 characters of a-z and 2-7, got ${JSON.stringify(id)}`);
        const { entry, message } = await desk.ask('revoke', { id });
        entries.push(entry);
        output.print(`${id}: ${message} (entry ${entry})`);
      }
      if (entries.length === 0) throw new Failure('failed', 'nothing was revoked');
      output.result({ gateway: desk.name, ids, entries });
    }),
};

export const INVITE: readonly Command[] = [make, list, revoke];
