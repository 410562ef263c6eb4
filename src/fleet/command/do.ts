// `meshctl do`: one signed command to one node, and what became of it.

import { InputError } from '../../errors.ts';
import { readBroker } from '../broker.ts';
import type { Command, Context } from '../command.ts';
import { nextCounter } from '../counter.ts';
import { clean, toJson } from '../display.ts';
import { Failure } from '../failure.ts';
import { Order, type Result } from '../order.ts';
import { findPin, readPins } from '../pin.ts';
import { Session } from '../session.ts';
import type { Style } from '../table.ts';
import { chosenKeys, KEY_OPTION, openKeys } from './keys.ts';

const OP = /^[a-z_]{1,32}$/;
const STYLES: Readonly<Record<string, Style>> = { done: 'green', failed: 'red', rejected: 'red', expired: 'red' };

export const DO: Command = {
  words: 'do',
  summary: 'have a node do something: peers, ping, peer_add, reload …',
  args: 'NODE OP [NAME=VALUE …]',
  takes: [2, 18],
  options: {
    wait: { takes: 'SECONDS', help: 'for its last answer: 2 to 900 (60)' },
    ...KEY_OPTION,
  },
  details: `A value that is a whole number, true or false is sent as such, anything else as a
text; NAME:=JSON sends JSON as it is. meshctl show NODE lists what a node knows.
The command is signed; so is the answer, by the key that was enrolled.`,
  async run(context) {
    const [name, op, ...pairs] = context.args as [string, string, ...string[]];
    if (!OP.test(op)) throw new InputError(`op: expected a word of a-z and _, got ${JSON.stringify(op)}`);
    await haveDone(context, name, op, Object.fromEntries(pairs.map(parsePair)), (out) => toJson(out, 2));
  },
};

/**
 * Has one node do one operation, and tells what became of it.
 * @param show what it answered, for people. @throws (rejects) Failure unless it was done.
 */
export async function haveDone(
  context: Context,
  name: string,
  op: string,
  given: Readonly<Record<string, unknown>>,
  show: (out: unknown) => string,
): Promise<void> {
  const { options, output, home, env } = context;
  const pin = findPin(readPins(home), name);
  const timeoutMs = options.whole('wait', 2, 900, 60) * 1000;
  const broker = readBroker(home);
  const signers = await openKeys(context, chosenKeys(context));
  const counter = (): Promise<number> =>
    nextCounter(
      home,
      signers.map(({ key }) => key),
    );
  const order = new Order(pin, { op, args: given, counter, signers, timeoutMs });
  const states: Result[] = [];
  let said = `waiting for ${pin.name ?? pin.node}`;
  order.onState = (result) => {
    states.push(result);
    said = `${pin.name ?? pin.node}: ${result.st}`;
    if (result.st === 'accepted' || result.st === 'running')
      output.print(`${output.paint(result.st, 'dim')}${result.out === undefined ? '' : ` ${toJson(result.out)}`}`);
  };
  const session = await Session.open({ broker, env, onMessage: (message) => order.take(message) });
  let result: Result;
  try {
    result = await output.waiting(() => said, order.run(session));
  } finally {
    await session.close();
  }
  output.result({ node: pin.node, op, ...result, states: states.map(({ st }) => st), forged: order.forged });
  if (result.out !== undefined) output.print(show(result.out));
  if (result.left_out === true) output.warn('the answer was longer than a message may be: this is its beginning');
  if (order.forged > 0)
    output.warn(`${order.forged} messages in its name were not signed by its key: somebody at the broker interferes`);
  const why = [result.code, result.error].filter(Boolean).join(': ');
  output.print(`${output.paint(result.st, STYLES[result.st] ?? 'yellow')}${why ? ` ${clean(why)}` : ''}`);
  if (result.st !== 'done' && result.st !== 'dup')
    throw new Failure('failed', output.json ? '' : `${pin.node}: ${op} ${result.st}${why ? `, ${why}` : ''}`);
}

/** One `NAME=VALUE` or `NAME:=JSON`. @throws InputError */
function parsePair(text: string): [string, unknown] {
  const [, name, isJson, value = ''] = /^([a-z_]{1,32})(:?)=(.*)$/s.exec(text) ?? [];
  if (name === undefined) throw new InputError(`${JSON.stringify(text)}: expected NAME=VALUE, as in seconds=60`);
  if (isJson) {
    try {
      return [name, JSON.parse(value)];
    } catch {
      throw new InputError(`${name}: expected JSON behind :=, got ${JSON.stringify(value)}`);
    }
  }
  if (value === 'true' || value === 'false') return [name, value === 'true'];
  return [name, /^-?(0|[1-9]\d{0,14})$/.test(value) ? Number(value) : value];
}
