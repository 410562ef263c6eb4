// `meshctl group`: gateways of one operator that share what is decided on homes.

import { InputError } from '../../errors.ts';
import { sealEnvelope } from '../../lib/envelope.ts';
import { headBody, type ListedHome, packHomes, partHash } from '../../lib/home-list.ts';
import { formatLimits } from '../amount.ts';
import { readBroker } from '../broker.ts';
import type { Command, Context } from '../command.ts';
import { crypto } from '../crypto.ts';
import { csvLine } from '../csv.ts';
import { count, formatTime } from '../display.ts';
import { Failure } from '../failure.ts';
import { deskKeys, GATEWAY_WORDS, withDesk } from '../gateway-desk.ts';
import {
  changeHomes,
  checkGroup,
  type GroupDeed,
  type GroupList,
  type GroupTerms,
  groupsOf,
  keepGroup,
  membersOf,
  readGroup,
  setMembers,
} from '../group.ts';
import { type GroupProgress, GroupStanding, headTopic, isRejected, partTopic } from '../group-standing.ts';
import { type Chosen, chooseHomes, HOME_OPTIONS, listHomes } from '../homes.ts';
import { listKeys } from '../key.ts';
import { changePins, findPin, type Pin, readPins } from '../pin.ts';
import { Session } from '../session.ts';
import { type Column, formatTable, type Style } from '../table.ts';
import { LIMIT_OPTIONS, limitsOf } from './client.ts';
import { KEY_OPTION, openKeys } from './keys.ts';

const LOOK_MS = 100;
const DAY_S = 86_400;
/** Homes that are named before it is asked whether they are meant. */
const SHOWN = 10;
const STYLES: Readonly<Record<string, Style>> = { applied: 'green', fetching: 'yellow', rejected: 'red' };
const STANDING_STYLES: Readonly<Record<string, Style>> = { admitted: 'green', suspended: 'red', refused: 'red' };
const SEND_OPTIONS = {
  yes: { help: 'do not ask' },
  wait: { takes: 'SECONDS', help: 'until all gateways have it: 0 to 86400 (60)' },
  ...KEY_OPTION,
} as const;
const AT = {
  at: { takes: 'GATEWAY', help: 'look up names, --state and --search at this gateway' },
} as const;

const nameOf = ({ name, node }: Pin): string => name ?? node;

const set: Command = {
  words: 'group set',
  summary: 'say which gateways share what is decided on homes',
  args: 'GROUP [GATEWAY …]',
  takes: [1, 17],
  options: {},
  details: `GROUP is called like a site. Those that are named are of it, and no others; without any,
there is no such group any more. Each gateway has to be told by its own configuration, too:
option group 'GROUP' in its section registrar. Then write the broker's access list again.`,
  async run({ args, output, home }) {
    const group = checkGroup(args[0]!);
    const members = await changePins(home, (pins) => {
      const named = args.slice(1).map((text) => findPin(pins, text));
      setMembers(pins, group, [...new Map(named.map((pin) => [pin.node, pin])).values()]);
      return groupsOf(pins).get(group) ?? [];
    });
    output.result({ group, gateways: members.map(({ node, name, site }) => ({ node, ...(name && { name }), site })) });
    if (members.length === 0) return output.print(`there is no group ${group} any more`);
    output.print(
      `group ${group}: ${members.map(nameOf).join(', ')}`,
      '',
      'still to be done:',
      "  meshctl enroll acl --write FILE          the broker's access list with what they read of one another",
      '  systemctl reload mosquitto',
      `  uci set meshbridge.registrar.group='${group}'; uci commit meshbridge; service meshbridge reload`,
      '                                           on each of them',
      `  meshctl group show ${group}`,
    );
  },
};

/** A group as it is looked at: at the broker, and as it is remembered here. */
interface Look {
  readonly seen: GroupStanding;
  readonly session: Session;
  readonly local: GroupList | undefined;
}

/** Opens a session and waits until what the broker keeps is there. */
async function look({ home, env, output }: Context, group: string, members: readonly Pin[]): Promise<Look> {
  const mine = listKeys(home).map((key) => key.public);
  const seen = new GroupStanding(group, members, mine);
  const broker = readBroker(home);
  const session = await Session.open({ broker, env, onMessage: (message) => seen.take(message) });
  try {
    await output.waiting(`reading what ${broker.url} keeps`, seen.look(session));
  } catch (error) {
    await session.close();
    throw error;
  }
  return { seen, session, local: readGroup(home, group) };
}

/** The newest list that is known: ours, or that of a colleague with the same key. @throws Failure */
function newest(group: string, { seen, local }: Look): GroupList {
  const mine = local ?? { gen: 0, homes: [] };
  const { head } = seen;
  if (!head || head.gen <= mine.gen) return mine;
  const homes = seen.homes();
  if (homes) return { gen: head.gen, homes };
  throw new Failure(
    'failed',
    `group ${group}: the broker keeps generation ${head.gen}, but not all of it as it was signed`,
    'meshctl group send sends what is known here, as the newest; group import makes a list of what a gateway has.',
  );
}

/** As `newest`. @throws Failure also when gateways have a newer one */
function standing(group: string, at: Look): GroupList {
  const list = newest(group, at);
  if (at.seen.held <= list.gen) return list;
  const by = at.seen.strangers.length > 0 ? `, signed by ${at.seen.strangers.join(', ')}` : '';
  throw new Failure(
    'failed',
    `group ${group}: gateways have generation ${at.seen.held}${by}, of which nothing is known here`,
    `meshctl group import ${group} GATEWAY makes a list of what a gateway has, to go on with.`,
  );
}

/** Signs and publishes a list, and waits for what the gateways make of it. */
async function send(
  context: Context,
  { seen, session, local }: Look,
  homes: readonly ListedHome[],
  { again = false, more = {} }: { again?: boolean; more?: object } = {},
): Promise<void> {
  const { home, options, output, ended } = context;
  const { group, pins } = seen;
  const wait_s = options.whole('wait', 0, DAY_S, 60);
  const signers = await openKeys(context, deskKeys(context));
  const gen = Math.max(local?.gen ?? 0, seen.head?.gen ?? 0, seen.held) + 1;
  const parts = packHomes(homes);
  const head = {
    ...{ gen, group, homes: homes.length, again },
    parts: parts.map((bytes) => partHash((data) => crypto.sha512(data), bytes)),
    gateways: pins.map(({ site, node, key }) => ({ site, node, key })),
  };
  const payload = sealEnvelope('homes', headBody(head), signers);
  await keepGroup(home, group, local?.gen ?? 0, { gen, homes });
  // whoever has the head finds the parts; with the one before they do not fit, and are passed over
  const stale = [...seen.parts.keys()].filter((index) => index >= parts.length);
  let sent = 0;
  const publish = async (): Promise<void> => {
    for (const [index, bytes] of parts.entries()) {
      await session.publish(partTopic(group, index), bytes, { retain: true });
      sent++;
    }
    await session.publish(headTopic(group), payload, { retain: true });
    for (const index of stale) await session.publish(partTopic(group, index), '', { retain: true });
  };
  await output.waiting(() => `${sent} of ${count(parts.length, 'part')} sent`, publish());
  output.print(`generation ${gen} for group ${group} is with the broker: ${count(homes.length, 'home')}`);
  const settled = (): number => pins.filter((pin) => seen.isSettled(pin, gen)).length;
  const until = Date.now() + wait_s * 1000;
  const come = async (): Promise<void> => {
    while (settled() < pins.length && Date.now() < until && !ended.aborted && session.endedBy === undefined)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  };
  await output.waiting(() => `${settled()} of ${count(pins.length, 'gateway')} have it`, come());
  report(context, seen, { gen, homes: homes.length, ...more });
}

const whyOf = ({ held, st }: GroupProgress): string =>
  held?.error ??
  (st === 'elsewhere'
    ? 'its section registrar names another group'
    : (held?.differ ?? 0) > 0
      ? 'something else was decided there since'
      : '-');

const PROGRESS: Column<GroupProgress>[] = [
  { title: 'GATEWAY', least: 8, cell: ({ pin }) => nameOf(pin) },
  { title: 'NODE', cell: ({ pin }) => pin.node },
  { title: 'GENERATION', align: 'right', cell: ({ held }) => String(held?.gen ?? '-') },
  { title: 'STATE', cell: ({ st }) => ({ text: st, style: STYLES[st] ?? 'yellow' }) },
  { title: 'HOMES', align: 'right', cell: ({ held }) => (held ? String(held.homes) : '-') },
  {
    title: 'DIFFER',
    align: 'right',
    cell: ({ held }) => (held ? { text: String(held.differ), style: held.differ > 0 ? 'yellow' : undefined } : '-'),
  },
  { title: 'WHY', least: 20, cell: whyOf },
];

/** What each gateway has. @throws Failure when one has not the list that is to count */
function report({ output }: Context, seen: GroupStanding, list: { gen: number; homes: number }): void {
  const { group } = seen;
  const rows = seen.pins.map((pin) => seen.progressOf(pin));
  output.result({
    ...{ group, ...list },
    gateways: rows.map(({ pin: { node, name }, held, st }) => ({
      ...{ node, ...(name !== undefined && { name }), st },
      ...(held && { gen: held.gen, homes: held.homes, differ: held.differ, ...(held.error && { error: held.error }) }),
    })),
    forged: seen.forged,
  });
  output.print(...formatTable(rows, PROGRESS, output.terminal));
  if (seen.forged > 0)
    output.warn(`${count(seen.forged, 'message')} not signed by whom they must be: somebody at the broker interferes`);
  if (list.gen === 0) return;
  const missing = rows.filter(({ held, st }) => st !== 'applied' || (held?.gen ?? 0) < list.gen);
  if (missing.length === 0) return;
  const failed = missing.filter(({ held }) => held && isRejected(held, list.gen));
  throw new Failure(
    failed.length > 0 ? 'failed' : 'silent',
    `${missing.length} of ${count(rows.length, 'gateway')} without generation ${list.gen}`,
    failed.length < missing.length
      ? 'Who is away gets it when it comes back. Does its section registrar name the group, does it know the key, and has the broker its access list?'
      : undefined,
  );
}

/** Lends a look at a group. */
async function withGroup<T>(context: Context, name: string, use: (at: Look) => Promise<T>): Promise<T> {
  const at = await look(context, name, membersOf(readPins(context.home), name));
  try {
    return await use(at);
  } finally {
    await at.session.close();
  }
}

const show: Command = {
  words: 'group show',
  summary: 'show the groups, or which list each gateway of one has',
  args: '[GROUP]',
  takes: [0, 1],
  options: {},
  async run(context) {
    const { args, output, home } = context;
    if (args[0] !== undefined)
      return withGroup(context, args[0], async (at) => {
        const { group } = at.seen;
        const { gen, homes } = newest(group, at);
        if (gen > 0) output.print(`generation ${gen} of group ${group}: ${count(homes.length, 'home')}`);
        else output.print(`group ${group}: no list was made; meshctl group import or group admit makes one`);
        if (at.seen.strangers.length > 0)
          output.warn(`the broker keeps a list signed by ${at.seen.strangers.join(', ')}, no key of yours`);
        report(context, at.seen, { gen, homes: homes.length });
      });
    const groups = [...groupsOf(readPins(home))].map(([group, members]) => {
      const list = readGroup(home, group);
      return { group, members, gen: list?.gen ?? 0, homes: list?.homes.length ?? 0 };
    });
    output.result({
      groups: groups.map(({ members, ...rest }) => ({ ...rest, gateways: members.map(({ node }) => node) })),
    });
    if (groups.length === 0) return output.print('no groups; meshctl group set --help tells how to make one');
    output.print(
      ...formatTable(
        groups,
        [
          { title: 'GROUP', cell: ({ group }) => group },
          { title: 'GENERATION', align: 'right', cell: ({ gen }) => (gen > 0 ? String(gen) : '-') },
          { title: 'HOMES', align: 'right', cell: (one) => String(one.homes) },
          { title: 'GATEWAYS', least: 10, cell: ({ members }) => members.map(nameOf).join(', ') },
        ],
        output.terminal,
      ),
    );
  },
};

const HOMES: Column<ListedHome>[] = [
  { title: 'HOME', cell: ({ address }) => address },
  { title: 'STANDING', cell: ({ standing: text }) => ({ text, style: STANDING_STYLES[text] }) },
  { title: 'UNTIL', cell: ({ until_s }) => (until_s === undefined ? '-' : formatTime(until_s).slice(0, 10)) },
  { title: 'LIMITS', least: 10, cell: ({ limits }) => (limits && formatLimits(limits)) || '-' },
  { title: 'REASON', least: 10, cell: ({ reason }) => reason || '-' },
];

const homes: Command = {
  words: 'group homes',
  summary: 'list what is decided on homes for a group',
  args: 'GROUP',
  takes: [1, 1],
  options: {
    search: { takes: 'TEXT', help: 'those whose address or reason has TEXT in it' },
    csv: { help: 'as CSV' },
  },
  run: (context) =>
    withGroup(context, context.args[0]!, async (at) => {
      const { output, options } = context;
      if (options.flag('csv') && output.json) throw new InputError('expected --csv or --json, got both');
      const list = newest(at.seen.group, at);
      const wanted = options.text('search')?.toLowerCase() ?? '';
      const found = list.homes.filter(({ address, reason }) => `${address} ${reason}`.toLowerCase().includes(wanted));
      output.result({ group: at.seen.group, gen: list.gen, total: list.homes.length, homes: found });
      if (options.flag('csv')) {
        output.print(
          csvLine(['address', 'standing', 'reason', 'until_s', 'quota_mb', 'down_kbits', 'up_kbits', 'flows']),
        );
        for (const { address, standing, reason, until_s, limits: of } of found)
          output.print(
            csvLine([address, standing, reason, until_s, of?.quota_mb, of?.down_kbits, of?.up_kbits, of?.flows]),
          );
        return;
      }
      if (found.length > 0) output.print(...formatTable(found, HOMES, output.terminal), '');
      output.print(`generation ${list.gen}: ${count(list.homes.length, 'home')}`);
    }),
};

const DEEDS: Readonly<Record<GroupDeed, { summary: string; question: string; options: Command['options'] }>> = {
  admit: {
    summary: 'let homes in at all gateways of a group',
    question: 'lets in',
    options: { days: { takes: 'DAYS', help: 'for so many days: 1 to 3650 (for good)' }, ...LIMIT_OPTIONS },
  },
  suspend: { summary: 'turn homes off at all gateways of a group', question: 'turns off', options: {} },
  refuse: { summary: 'turn homes away at all gateways of a group', question: 'turns away', options: {} },
  forget: {
    summary: 'take homes out of the list of a group: each gateway decides for itself',
    question: 'takes out of the list',
    options: {},
  },
  limit: {
    summary: 'give homes limits of their own at all gateways of a group',
    question: 'gives limits to',
    options: { ...LIMIT_OPTIONS, clear: { help: "what is not named is as each gateway's configuration has it" } },
  },
};

/** @throws InputError */
function termsOf(deed: GroupDeed, { options }: Context): GroupTerms {
  const reason = deed === 'forget' ? undefined : options.text('reason')?.trim();
  if (!reason && (deed === 'suspend' || deed === 'refuse'))
    throw new InputError('--reason: missing, for homes are told why');
  if (reason !== undefined && [...reason].length > 256)
    throw new InputError('--reason: expected at most 256 characters');
  const limits = deed === 'admit' || deed === 'limit' ? limitsOf(options) : {};
  const clear = deed === 'limit' && options.flag('clear');
  if (deed === 'limit' && !clear && Object.keys(limits).length === 0)
    throw new InputError('expected one of --quota, --down, --up, --flows, or --clear');
  const days = deed === 'admit' && options.text('days') !== undefined ? options.whole('days', 1, 3650, 1) : 0;
  return {
    ...(reason !== undefined && { reason }),
    ...(Object.keys(limits).length > 0 && { limits }),
    ...(days > 0 && { until_s: Math.floor(Date.now() / 1000) + days * DAY_S }),
    clear,
  };
}

/** Homes that are meant; names are looked up where somebody knows them. */
function chosenHomes(context: Context, words: readonly string[]): Promise<Chosen> {
  const { options } = context;
  const at = options.text('at');
  if (at !== undefined) return withDesk(context, at, (desk) => chooseHomes(words, options, desk));
  const nobody = {
    name: 'group',
    ask(): never {
      throw new InputError('expected addresses or keys; --at GATEWAY says where names are looked up');
    },
  };
  return chooseHomes(words, options, nobody);
}

function deedOf(deed: GroupDeed): Command {
  const { summary, question, options: own } = DEEDS[deed];
  return {
    words: `group ${deed}`,
    summary,
    args: 'GROUP [HOME …]',
    takes: [1, 1001],
    options: {
      ...HOME_OPTIONS,
      ...AT,
      ...(deed === 'forget' ? {} : { reason: { takes: 'TEXT', help: 'told to the homes' } }),
      ...own,
      ...SEND_OPTIONS,
    },
    details: `HOME is an address or a key; with --at, a name, too. The list has what is decided on homes at
all gateways of the group, at most 4096 of them; on all others each gateway decides for itself.
What is decided at one gateway since stands there until the list says something new on that
home.`,
    run: (context) =>
      withGroup(context, context.args[0]!, async (at) => {
        const { args, options, output, prompt } = context;
        const { group, pins } = at.seen;
        const terms = termsOf(deed, context);
        const list = standing(group, at);
        const { addresses, by } = await chosenHomes(context, args.slice(1));
        if (by !== undefined && !options.flag('yes')) {
          for (const address of addresses.slice(0, SHOWN)) output.note(`  ${address}`);
          if (addresses.length > SHOWN) output.note(`  and ${addresses.length - SHOWN} more`);
          const what = `This ${question} ${count(addresses.length, 'home')} (${by}) at ${count(pins.length, 'gateway')}. Go on?`;
          if (!(await prompt.confirm(what))) throw new Failure('usage', 'nothing was done');
        }
        const after = changeHomes(list.homes, deed, addresses, terms);
        if (JSON.stringify(after) === JSON.stringify(list.homes) && list.gen > 0)
          throw new Failure('usage', `group ${group}: the list says so already; nothing was sent`);
        await send(context, at, after, { more: { changed: addresses.length } });
      }),
  };
}

const sendAgain: Command = {
  words: 'group send',
  summary: 'send the list of a group once more, as the newest',
  args: 'GROUP',
  takes: [1, 1],
  options: { again: { help: 'all of it counts anew, whatever was decided at one gateway since' }, ...SEND_OPTIONS },
  details: `After a gateway came into the group or left it, or when the broker lost the list.`,
  run: (context) =>
    withGroup(context, context.args[0]!, async (at) => {
      const { options, prompt } = context;
      const { group, held, pins } = at.seen;
      const { local } = at;
      const list = at.seen.homes() !== undefined || !local ? newest(group, at) : local;
      if (list.gen === 0) throw new Failure('usage', `group ${group}: there is no list to send`);
      const again = options.flag('again');
      const isLost = held > list.gen;
      if ((again || isLost) && !options.flag('yes')) {
        const lost = isLost ? `Gateways have generation ${held}, which is not known here and is lost. ` : '';
        const what = again ? 'All of the list counts anew' : 'The list that is known here counts';
        if (!(await prompt.confirm(`${lost}${what} at ${count(pins.length, 'gateway')}. Go on?`)))
          throw new Failure('usage', 'nothing was sent');
      }
      await send(context, at, list.homes, { again });
    }),
};

const take: Command = {
  words: 'group import',
  summary: 'make the list of a group of what is decided on homes at a gateway',
  args: 'GROUP GATEWAY',
  takes: [2, 2],
  options: SEND_OPTIONS,
  details: `${GATEWAY_WORDS}
The list is then what that gateway has: homes that were let in, turned off and turned away there,
with their limits; what its configuration says of homes is not of it. Homes that stood in the
list before and are not decided on there are taken out of it.`,
  run: (context) =>
    withGroup(context, context.args[0]!, async (at) => {
      const { args, options, output, prompt } = context;
      const { pins } = at.seen;
      const known = await withDesk(context, args[1]!, async (desk) => {
        let said = `asking ${desk.name}`;
        const asked = listHomes(desk, {}, undefined, (come, total) => {
          said = `${come} of ${count(total, 'home')}`;
        });
        return (await output.waiting(() => said, asked)).clients;
      });
      const nowS = Date.now() / 1000;
      const found = known.flatMap(
        ({ address, standing: is, configured, reason = '', until_s, limits }): ListedHome[] =>
          configured || (is !== 'admitted' && is !== 'suspended' && is !== 'refused') || (until_s ?? nowS) < nowS
            ? []
            : [
                {
                  ...{ address, standing: is, reason },
                  ...(until_s !== undefined && { until_s }),
                  ...(limits && { limits }),
                },
              ],
      );
      if (!options.flag('yes')) {
        const what = `This makes ${count(found.length, 'home')} of ${args[1]} the list of ${count(pins.length, 'gateway')}. Go on?`;
        if (!(await prompt.confirm(what))) throw new Failure('usage', 'nothing was done');
      }
      await send(context, at, changeHomes(found, 'forget', [], {}));
    }),
};

export const GROUP: readonly Command[] = [
  set,
  show,
  homes,
  ...(Object.keys(DEEDS) as GroupDeed[]).map(deedOf),
  take,
  sendAgain,
];
