// `meshctl want`: the signed configuration that a node, or all nodes of a site, should have.

import { readFileSync } from 'node:fs';
import { ALL_NODES, type Payload, TOPICS, topicOf } from '../../api/topics.ts';
import { errorText, InputError } from '../../errors.ts';
import { sealEnvelope } from '../../lib/envelope.ts';
import { CONFIRM_S, parseWant } from '../../lib/want.ts';
import { readBroker } from '../broker.ts';
import type { Command, Context } from '../command.ts';
import {
  addGeneration,
  compareChanges,
  formatChange,
  type Generation,
  parseChangeLines,
  readGenerations,
  type Target,
  takeBack,
} from '../desired.ts';
import { count, formatTime } from '../display.ts';
import { Failure } from '../failure.ts';
import { listKeys } from '../key.ts';
import { readTopic } from '../message.ts';
import { checkSite, findPin, type Pin, readPins } from '../pin.ts';
import { type Arrival, Session } from '../session.ts';
import { formatTable, type Style } from '../table.ts';
import { openSigned } from '../trust.ts';
import { chosenKeys, KEY_OPTION, openKeys } from './keys.ts';

type Have = Payload<'have'>;

const LOOK_MS = 100;
/** So much longer than a router has to confirm, its answer is waited for. */
const GRACE_S = 30;
const SETTLED = ['applied', 'rolled-back', 'rejected'];
const HAVE_STYLES: Readonly<Record<string, Style>> = {
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

function topicFor(target: Target): string {
  return 'pin' in target ? topicOf(target.pin.site, target.pin.node, 'want') : topicOf(target.site, ALL_NODES, 'want');
}

/** What the broker keeps: the want that stands, if one of our keys signed it, and what each node says that it has. */
class Look {
  want: Payload<'want'> | undefined;
  forged = 0;
  readonly haves = new Map<string, Have>();
  onHave: (() => void) | undefined;

  constructor(
    private readonly target: Target,
    private readonly pins: readonly Pin[],
    private readonly keys: readonly string[],
  ) {}

  get filters(): string[] {
    return [topicFor(this.target), ...this.pins.map(({ site, node }) => topicOf(site, node, 'have'))];
  }

  take({ topic, payload }: Arrival): void {
    if (payload.length === 0) return;
    if (topic === topicFor(this.target)) {
      const want = openSigned('want', payload, this.keys);
      if (want) this.want = want;
      else this.forged++;
      return;
    }
    const parts = readTopic(topic);
    const pin = this.pins.find(({ site, node }) => parts?.site === site && parts.node === node);
    if (!pin || parts?.kind !== 'have') return;
    const have = openSigned('have', payload, [pin.key]);
    if (have) this.haves.set(pin.node, have);
    else this.forged++;
    this.onHave?.();
  }

  /** The highest generation that anybody of us or of them has signed. */
  get highest(): number {
    const field = 'pin' in this.target ? 'node_gen' : 'site_gen';
    return Math.max(0, this.want?.gen ?? 0, ...[...this.haves.values()].map((have) => have[field] ?? 0));
  }
}

/** Opens a session and waits until what the broker keeps is there. */
async function look(context: Context, target: Target, pins: readonly Pin[]): Promise<{ seen: Look; session: Session }> {
  const { home, env } = context;
  const seen = new Look(
    target,
    pins,
    listKeys(home).map((key) => key.public),
  );
  const session = await Session.open({ broker: readBroker(home), env, onMessage: (message) => seen.take(message) });
  try {
    await session.subscribe(seen.filters);
    // what is kept comes before the answer to whatever is asked after it
    await session.unsubscribe(['mb/1/doctor/none']);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  } catch (error) {
    await session.close();
    throw error;
  }
  return { seen, session };
}

/** Signs and publishes a generation, and waits for what the nodes make of it. */
async function send(
  context: Context,
  target: Target,
  pins: readonly Pin[],
  changes: Generation['changes'],
): Promise<void> {
  const { options, output, home, prompt, ended } = context;
  const confirm_s = options.whole('confirm', CONFIRM_S.least, CONFIRM_S.most, CONFIRM_S.usual);
  const wait_s = options.whole('wait', 0, 86_400, confirm_s + GRACE_S);
  const signers = await openKeys(context, chosenKeys(context));
  if ('site' in target && !options.flag('yes')) {
    for (const change of changes) output.note(`  ${formatChange(change)}`);
    if (!(await prompt.confirm(`This changes ${count(pins.length, 'node')} of ${target.site}. Go on?`)))
      throw new Failure('usage', 'nothing was sent');
  }
  const { seen, session } = await look(context, target, pins);
  try {
    const gen = Math.max(seen.highest, readGenerations(home, target).at(-1)?.gen ?? 0) + 1;
    const aud = 'pin' in target ? { node: target.pin.node } : { site: target.site };
    const body = JSON.stringify({ gen, aud, confirm_s, changes });
    parseWant(body);
    const payload = sealEnvelope('want', body, signers);
    if (payload.length > TOPICS.want.maxBytes)
      throw new InputError(`changes: ${payload.length} bytes in all, expected at most ${TOPICS.want.maxBytes}`);
    await addGeneration(home, target, { gen, at: Math.floor(Date.now() / 1000), confirm_s, changes });
    await session.publish(topicFor(target), payload, { retain: true });
    output.print(`generation ${gen} for ${wordsOf(target)} is with the broker`);
    const settled = (): Pin[] => pins.filter(({ node }) => isSettled(seen.haves.get(node), target, gen));
    const until = Date.now() + wait_s * 1000;
    const come = async (): Promise<void> => {
      while (settled().length < pins.length && Date.now() < until && !ended.aborted && session.endedBy === undefined)
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    };
    await output.waiting(() => `${settled().length} of ${count(pins.length, 'node')} have answered`, come());
    report(context, target, pins, seen, gen);
  } finally {
    await session.close();
  }
}

function isSettled(have: Have | undefined, target: Target, gen: number): boolean {
  const has = 'pin' in target ? have?.node_gen : have?.site_gen;
  return has !== undefined && has >= gen && SETTLED.includes(have!.st);
}

/** What each node has. @throws Failure when one has not what is wanted. */
function report({ output }: Context, target: Target, pins: readonly Pin[], seen: Look, gen: number | undefined): void {
  const rows = pins.map((pin) => {
    const have = seen.haves.get(pin.node);
    const field = 'pin' in target ? have?.node_gen : have?.site_gen;
    return { node: pin.node, name: pin.name ?? pin.node, st: have?.st ?? 'silent', gen: field, have };
  });
  output.result({
    gen,
    nodes: rows.map(({ have, ...row }) => ({ ...row, ...(have && { have }) })),
    forged: seen.forged,
  });
  output.print(
    ...formatTable(
      rows,
      [
        { title: 'NAME', least: 8, cell: ({ name }) => name },
        { title: 'NODE', cell: ({ node }) => node },
        { title: 'GENERATION', align: 'right', cell: ({ gen }) => (gen === undefined ? '-' : String(gen)) },
        { title: 'STATE', cell: ({ st }) => ({ text: st, style: HAVE_STYLES[st] ?? 'yellow' }) },
        { title: 'WHY', least: 20, cell: ({ have }) => whyOf(have) },
      ],
      output.terminal,
    ),
  );
  if (seen.forged > 0)
    output.warn(`${count(seen.forged, 'message')} not signed by whom they must be: somebody at the broker interferes`);
  if (gen === undefined) return;
  const missing = rows.filter(({ st, gen: has }) => st !== 'applied' || (has ?? 0) < gen);
  if (missing.length === 0) return;
  const silent = missing.filter(({ st, gen: has }) => !SETTLED.includes(st) || (has ?? 0) < gen);
  throw new Failure(
    silent.length === missing.length ? 'silent' : 'failed',
    output.json ? '' : `${count(missing.length, 'node')} of ${rows.length} without generation ${gen}`,
    silent.length > 0 ? 'Who is away gets it when it comes back; meshctl want show tells.' : undefined,
  );
}

function whyOf(have: Have | undefined): string {
  const refused = (have?.rejected ?? []).map(({ path, reason }) => `${path}: ${reason}`);
  return [have?.error, ...refused].filter(Boolean).join('; ') || '-';
}

/** The changes of a command line: arguments, or the lines of a file. */
function changesOf({ options }: Context, rest: readonly string[]): Generation['changes'] {
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
itself well within --confirm seconds undoes them by itself.`,
  async run(context) {
    const { target, rest, pins } = targetOf(context);
    await send(context, target, pins, changesOf(context, rest));
  },
};

const diff: Command = {
  words: 'want diff',
  summary: 'compare changes with what was wanted last',
  args: '[NODE] [CHANGE …]',
  takes: [0, 64],
  options: { ...FILE_OPTION, ...TARGET_OPTIONS },
  details: `${CHANGES}
Lines with - are in the last generation alone, lines with + in these changes alone. A
router leaves what a generation does not name as it is.`,
  async run(context) {
    const { target, rest } = targetOf(context);
    const last = readGenerations(context.home, target).at(-1);
    const { removed, added } = compareChanges(last?.changes ?? [], changesOf(context, rest));
    const { output } = context;
    output.result({ gen: last?.gen ?? null, removed, added });
    if (removed.length + added.length === 0) output.print(`the same as generation ${last?.gen ?? 0}`);
    output.print(
      ...removed.map((line) => output.paint(`- ${line}`, 'red')),
      ...added.map((line) => output.paint(`+ ${line}`, 'green')),
    );
  },
};

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
    const { want } = seen;
    if (!want) output.print(`the broker keeps nothing that is wanted of ${wordsOf(target)}`);
    else
      output.print(
        `generation ${want.gen} for ${wordsOf(target)}, signed by ${want.sigs.join(', ')}`,
        ...parseWant(JSON.stringify({ ...want, sigs: undefined })).changes.map((change) => `  ${formatChange(change)}`),
      );
    if (last) output.print(`the last one from here: generation ${last.gen}, ${formatTime(last.at)}`);
    output.print('');
    report(context, target, pins, seen, undefined);
  },
};

const rollback: Command = {
  words: 'want rollback',
  summary: 'go back to the generation before',
  args: '[NODE]',
  takes: [0, 1],
  options: SEND_OPTIONS,
  details: `It is sent as a new generation: what the one before said, and the contrary of what only
the last one said. Options that only the last one set get their defaults back.`,
  async run(context) {
    const { target, pins } = targetOf(context);
    const [newer, older] = readGenerations(context.home, target).slice(-2).reverse();
    if (!newer) throw new InputError(`nothing was wanted of ${wordsOf(target)} from here`);
    await send(context, target, pins, takeBack(newer.changes, older?.changes ?? []));
  },
};

export const WANT: readonly Command[] = [set, show, diff, rollback];
