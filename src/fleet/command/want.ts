// `meshctl want`: the signed configuration that a node, or all nodes of a site, should have.

import { readFileSync } from 'node:fs';
import { TOPICS } from '../../api/topics.ts';
import { errorText, InputError } from '../../errors.ts';
import { sealEnvelope } from '../../lib/envelope.ts';
import { type Change, pathOf } from '../../lib/uci-path.ts';
import { CONFIRM_S, parseWant } from '../../lib/want.ts';
import { readBroker } from '../broker.ts';
import type { Command, Context } from '../command.ts';
import { nextCounter } from '../counter.ts';
import {
  addGeneration,
  compareChanges,
  compareValues,
  formatChange,
  parseChangeLines,
  readGenerations,
  type Target,
  takeBack,
  type Values,
} from '../desired.ts';
import { count, formatTime } from '../display.ts';
import { Failure } from '../failure.ts';
import { listKeys, type PublicKey, type Signer } from '../key.ts';
import { Order } from '../order.ts';
import { checkSite, findPin, type Pin, readPins } from '../pin.ts';
import { Session } from '../session.ts';
import { Standing, topicFor } from '../standing.ts';
import { formatTable, type Style } from '../table.ts';
import { chosenKeys, KEY_OPTION, openKeys } from './keys.ts';

const LOOK_MS = 100;
/** So much longer than a router has to confirm, its answer is waited for. */
const GRACE_S = 30;
/** A node is asked what its options are for so long. */
const ASK_MS = 10_000;
const STYLES: Readonly<Record<string, Style>> = {
  applied: 'green',
  'rolled-back': 'red',
  rejected: 'red',
  pending: 'yellow',
};

const TARGET_OPTIONS = { site: { takes: 'SITE', help: 'for all nodes of this site, instead of one node' } } as const;
const SEND_OPTIONS = {
  ...TARGET_OPTIONS,
  confirm: {
    takes: 'SECONDS',
    help: `a router undoes it unless it is well again: ${CONFIRM_S.least} to ${CONFIRM_S.most} (${CONFIRM_S.usual})`,
  },
  wait: { takes: 'SECONDS', help: 'for the answers: 0 to 86400 (a little longer than --confirm)' },
  yes: { help: 'do not ask before a whole site is changed' },
  ...KEY_OPTION,
} as const;

/** Whom the arguments mean, and what is left of them. */
function targetOf({ args, options, home }: Context): { target: Target; rest: string[]; pins: Pin[] } {
  const pins = readPins(home);
  const site = options.text('site');
  if (site !== undefined) {
    checkSite(site);
    const all = [...pins.values()].filter((pin) => pin.site === site);
    if (all.length === 0) throw new InputError(`site: no enrolled node is in ${site}`);
    return { target: { site }, rest: [...args], pins: all };
  }
  const [name, ...rest] = args;
  if (name === undefined) throw new InputError('expected a node, or --site SITE');
  const pin = findPin(pins, name);
  return { target: { pin }, rest, pins: [pin] };
}

function wordsOf(target: Target): string {
  return 'pin' in target ? (target.pin.name ?? target.pin.node) : `site ${target.site}`;
}

/** The keys to sign a desired state with. @throws Failure when routers would take it from none of them. */
function configuringKeys(context: Context): PublicKey[] {
  const keys = chosenKeys(context);
  if (keys.some(({ scope }) => scope === 'configure')) return keys;
  throw new Failure(
    'usage',
    `key ${keys.map(({ name, scope }) => `${name} has scope ${scope}`).join(', ')}: desired state takes configure`,
    'meshctl keys new NAME --scope configure makes such a key; routers get to know it by a new code.',
  );
}

/** Opens a session and waits until what the broker keeps is there. */
async function look(
  context: Context,
  target: Target,
  pins: readonly Pin[],
  order?: Order,
): Promise<{ seen: Standing; session: Session }> {
  const { home, env, output } = context;
  const mine = listKeys(home).map((key) => key.public);
  const seen = new Standing(target, pins, mine);
  const broker = readBroker(home);
  const session = await Session.open({
    broker,
    env,
    onMessage: (message) => {
      order?.take(message);
      seen.take(message);
    },
  });
  try {
    await output.waiting(`reading what ${broker.url} keeps`, seen.look(session));
  } catch (error) {
    await session.close();
    throw error;
  }
  return { seen, session };
}

/** A question to a node: what options are set to. */
function askFor(
  { home }: Context,
  pin: Pin,
  changes: readonly Change[],
  signers: readonly Signer[],
): Order | undefined {
  const paths = changes.flatMap((change) => ('value' in change ? [] : [pathOf(change)]));
  if (paths.length === 0) return undefined;
  const keys = signers.map(({ key }) => key);
  return new Order(pin, {
    op: 'config_get',
    args: { paths },
    counter: () => nextCounter(home, keys),
    signers,
    timeoutMs: ASK_MS,
  });
}

/** What the node answered. @throws Failure when it did not. */
async function valuesOf(order: Order, session: Session): Promise<Values> {
  const { st, out, code, error } = await order.run(session);
  const values = (out as { values?: unknown } | null | undefined)?.values;
  if (st !== 'done' || typeof values !== 'object' || values === null)
    throw new Failure('failed', `${order.pin.node}: config_get ${[st, code, error].filter(Boolean).join(', ')}`);
  return values as Values;
}

/** Signs and publishes a generation, and waits for what the nodes make of it. */
async function send(context: Context, target: Target, pins: readonly Pin[], changes: readonly Change[]): Promise<void> {
  const { options, output, home, prompt, ended } = context;
  const confirm_s = options.whole('confirm', CONFIRM_S.least, CONFIRM_S.most, CONFIRM_S.usual);
  const wait_s = options.whole('wait', 0, 86_400, confirm_s + GRACE_S);
  const signers = await openKeys(context, configuringKeys(context));
  if ('site' in target && !options.flag('yes')) {
    for (const change of changes) output.note(`  ${formatChange(change)}`);
    if (!(await prompt.confirm(`This changes ${count(pins.length, 'node')} of ${target.site}. Go on?`)))
      throw new Failure('usage', 'nothing was sent');
  }
  const order = 'pin' in target ? askFor(context, target.pin, changes, signers) : undefined;
  const { seen, session } = await look(context, target, pins, order);
  try {
    const asked = order && output.waiting('asking what the options are now', valuesOf(order, session));
    const before = await asked?.catch((error) => {
      output.note(`what the options were is not known (${errorText(error)}): want rollback gives them their defaults`);
      return undefined;
    });
    const gen = Math.max(seen.highest, readGenerations(home, target).at(-1)?.gen ?? 0) + 1;
    const aud = 'pin' in target ? { node: target.pin.node } : { site: target.site };
    const body = JSON.stringify({ gen, aud, confirm_s, changes });
    parseWant(body);
    const payload = sealEnvelope('want', body, signers);
    if (payload.length > TOPICS.want.maxBytes)
      throw new InputError(`changes: ${payload.length} bytes in all, expected at most ${TOPICS.want.maxBytes}`);
    await addGeneration(home, target, {
      gen,
      at: Math.floor(Date.now() / 1000),
      confirm_s,
      changes,
      ...(before && { before }),
    });
    seen.sent(Math.floor(Date.now() / 1000));
    await session.publish(topicFor(target), payload, { retain: true });
    output.print(`generation ${gen} for ${wordsOf(target)} is with the broker`);
    const settled = (): number => pins.filter((pin) => seen.isSettled(pin, gen)).length;
    const until = Date.now() + wait_s * 1000;
    const come = async (): Promise<void> => {
      while (settled() < pins.length && Date.now() < until && !ended.aborted && session.endedBy === undefined)
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    };
    await output.waiting(() => `${settled()} of ${count(pins.length, 'node')} have answered`, come());
    report(context, seen, gen);
  } finally {
    await session.close();
  }
}

/** What each node has. @throws Failure when one has not the generation that is wanted. */
function report({ output }: Context, seen: Standing, gen: number | undefined, more: object = {}): void {
  const rows = seen.pins.map((pin) => seen.progressOf(pin));
  output.result({
    ...more,
    gen: gen ?? null,
    nodes: rows.map(({ pin: { node, name }, have, gen, st }) => ({
      node,
      ...(name !== undefined && { name }),
      st,
      ...(gen !== undefined && { gen }),
      ...(have && { have }),
    })),
    forged: seen.forged,
  });
  output.print(
    ...formatTable(
      rows,
      [
        { title: 'NAME', least: 8, cell: ({ pin }) => pin.name ?? pin.node },
        { title: 'NODE', cell: ({ pin }) => pin.node },
        { title: 'GENERATION', align: 'right', cell: ({ gen }) => (gen === undefined ? '-' : String(gen)) },
        { title: 'STATE', cell: ({ st }) => ({ text: st, style: STYLES[st] ?? 'yellow' }) },
        { title: 'WHY', least: 20, cell: ({ have }) => whyOf(have) },
      ],
      output.terminal,
    ),
  );
  if (seen.forged > 0)
    output.warn(`${count(seen.forged, 'message')} not signed by whom they must be: somebody at the broker interferes`);
  if (gen === undefined) return;
  const beyond = rows.filter(({ gen: has = 0 }) => has > gen);
  if (beyond.length > 0)
    throw new Failure(
      'failed',
      `${count(beyond.length, 'node')} of ${rows.length} with a later generation than ${gen}, which is passed over: ${beyond
        .slice(0, 3)
        .map(({ pin, gen: has }) => `${pin.name ?? pin.node} has ${has}`)
        .join(', ')}`,
      'Somebody else wanted something, or the broker hid it: look with meshctl want show, then send yours again.',
    );
  const missing = rows.filter(({ st, gen: has }) => st !== 'applied' || has !== gen);
  if (missing.length === 0) return;
  const silent = missing.filter(({ pin }) => !seen.isSettled(pin, gen));
  throw new Failure(
    silent.length === missing.length ? 'silent' : 'failed',
    `${count(missing.length, 'node')} of ${rows.length} without generation ${gen}`,
    silent.length > 0 ? 'Who is away gets it when it comes back; meshctl want show tells.' : undefined,
  );
}

function whyOf(have: Parameters<typeof formatWhy>[0] | undefined): string {
  return have === undefined ? '-' : formatWhy(have);
}

function formatWhy({
  error,
  rejected = [],
}: {
  error?: string;
  rejected?: { path: string; reason: string }[];
}): string {
  return [error, ...rejected.map(({ path, reason }) => `${path}: ${reason}`)].filter(Boolean).join('; ') || '-';
}

/** The changes of a command line: arguments, or the lines of a file. */
function changesOf({ options }: Context, rest: readonly string[]): Change[] {
  const path = options.text('file');
  if (path === undefined) {
    if (rest.length === 0) throw new InputError('expected changes such as wireless.radio0.channel=11, or --file FILE');
    return parseChangeLines(rest);
  }
  if (rest.length > 0) throw new InputError(`expected changes or --file, got ${JSON.stringify(rest[0])} as well`);
  try {
    return parseChangeLines(readFileSync(path === '-' ? 0 : path, 'utf8').split('\n'));
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new Failure('usage', `--file: ${errorText(error)}`);
  }
}

const FILE_OPTION = {
  file: { takes: 'FILE', help: 'read the changes from FILE (- for standard input), one a line' },
} as const;
const CHANGES = `Changes: PATH=VALUE, PATH= (unset), and of peerings network.yggdrasil_ygg0_peer.address
+=URI and -=URI. Only what routers let be changed from afar is taken; they check
it once more.`;

const set: Command = {
  words: 'want set',
  summary: 'say which configuration a node or a site should have',
  args: '[NODE] [CHANGE …]',
  takes: [0, 64],
  options: { ...FILE_OPTION, ...SEND_OPTIONS },
  details: `${CHANGES}
All changes of a generation are applied in one step. A router that does not find
itself well within --confirm seconds undoes them by itself. Who is away gets them
when it comes back.`,
  async run(context) {
    const { target, rest, pins } = targetOf(context);
    await send(context, target, pins, changesOf(context, rest));
  },
};

const diff: Command = {
  words: 'want diff',
  summary: 'compare changes with what was wanted last, or with what a node has',
  args: '[NODE] [CHANGE …]',
  takes: [0, 64],
  options: { ...FILE_OPTION, ...TARGET_OPTIONS, live: { help: 'ask the node what it has' }, ...KEY_OPTION },
  details: `${CHANGES}
Lines with - are in the last generation alone, lines with + in these changes alone. A
router leaves what a generation does not name as it is. With --live, and without
changes, it is what was wanted last that is compared with what the node has.`,
  async run(context) {
    const { home, output, options } = context;
    const { target, rest, pins } = targetOf(context);
    const last = readGenerations(home, target).at(-1);
    const isNew = rest.length > 0 || options.text('file') !== undefined;
    const changes = isNew || !options.flag('live') ? changesOf(context, rest) : (last?.changes ?? []);
    const { removed, added } = compareChanges(last?.changes ?? [], changes);
    const differs = options.flag('live')
      ? compareValues(await live(context, target, pins, changes), changes)
      : undefined;
    output.result({ gen: last?.gen ?? null, removed, added, ...(differs && { differs }) });
    if (removed.length + added.length === 0 && !differs) output.print(`the same as generation ${last?.gen ?? 0}`);
    if (differs?.length === 0) output.print(`${wordsOf(target)} has all of it`);
    output.print(
      ...removed.map((line) => output.paint(`- ${line}`, 'red')),
      ...added.map((line) => output.paint(`+ ${line}`, 'green')),
      ...(differs ?? []).map((line) => output.paint(`~ ${line}`, 'yellow')),
    );
  },
};

/** What a node has. */
async function live(
  context: Context,
  target: Target,
  pins: readonly Pin[],
  changes: readonly Change[],
): Promise<Values> {
  if (!('pin' in target)) throw new InputError('--live: expected one node, not a site');
  const order = askFor(context, target.pin, changes, await openKeys(context, configuringKeys(context)));
  if (!order) throw new InputError('--live: expected options, peerings are not compared');
  const { session } = await look(context, target, pins, order);
  try {
    return await context.output.waiting(`asking ${wordsOf(target)}`, valuesOf(order, session));
  } finally {
    await session.close();
  }
}

const show: Command = {
  words: 'want show',
  summary: 'show what is wanted of a node or a site, and what they have',
  args: '[NODE]',
  takes: [0, 1],
  options: TARGET_OPTIONS,
  async run(context) {
    const { output, home } = context;
    const { target, pins } = targetOf(context);
    const { seen, session } = await look(context, target, pins);
    await session.close();
    const last = readGenerations(home, target).at(-1);
    const { want, strangers } = seen;
    const lines = want ? parseWant(JSON.stringify({ ...want, sigs: undefined })).changes.map(formatChange) : [];
    if (want)
      output.print(
        `generation ${want.gen} for ${wordsOf(target)}, signed by ${want.sigs.join(', ')}`,
        ...lines.map((line) => output.paint(`  ${line}`, 'bold')),
      );
    else if (strangers.length > 0)
      output.print(
        `what the broker keeps for ${wordsOf(target)} is signed by ${strangers.join(', ')}, none of your keys`,
      );
    else output.print(`the broker keeps nothing that is wanted of ${wordsOf(target)}`);
    if (last) output.print(`the last one from here: generation ${last.gen}, ${formatTime(last.at)}`);
    if (last && last.gen > (want?.gen ?? 0))
      output.warn(`the broker does not keep generation ${last.gen}, which was sent from here: want set sends it again`);
    output.print('');
    report(context, seen, undefined, {
      wanted: want ? { gen: want.gen, signed_by: want.sigs, changes: want.changes } : null,
      strangers,
      last: last ?? null,
    });
  },
};

const rollback: Command = {
  words: 'want rollback',
  summary: 'go back to the generation before',
  args: '[NODE]',
  takes: [0, 1],
  options: SEND_OPTIONS,
  details: `It is sent as a new generation: what the one before said, and the contrary of what only
the last one said. Options that only the last one set become what the node said that
they were; where it had said nothing, as with sites, they get their defaults.`,
  async run(context) {
    const { home, output } = context;
    const { target, pins } = targetOf(context);
    const [newer, older] = readGenerations(home, target).slice(-2).reverse();
    if (!newer) throw new InputError(`nothing was wanted of ${wordsOf(target)} from here`);
    const { changes, stay } = takeBack(newer, older?.changes ?? []);
    for (const path of stay) output.warn(`${path} stays as it is: what it was is not known, and it needs a value`);
    if (changes.length === 0) throw new Failure('usage', 'nothing of it can be taken back');
    await send(context, target, pins, changes);
  },
};

export const WANT: readonly Command[] = [set, show, diff, rollback];
