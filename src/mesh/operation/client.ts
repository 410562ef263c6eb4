// Operations on the homes of a gateway: one for each method of its operator's desk, made of the same contract, so that there is none of the
// one without the other. Brokers read what they carry: what homes told of their people, codes of invites and how to reach captains they do
// not get unless the operator says so.

import { CLIENT_METHODS, type ClientMethod } from '../../api/client-object.ts';
import { PERSONAL, type Personal, type TellName } from '../../api/lease.ts';
import type { MethodContract } from '../../api/objects.ts';
import { InputError } from '../../errors.ts';
import { argumentsBy } from '../argument.ts';
import { MAX_PART, type Operations, type Order, operation } from '../operation.ts';
import { jsonBytes } from '../page.ts';

/** The desk of this gateway's operator. */
export interface ClientDesk {
  /**
   * @param by who wants it. @param hidden by what of people nothing is to be found, nor to be sorted. @throws (rejects) InputError where there is
   * no gateway, or on what it does not take
   */
  ask(
    method: ClientMethod,
    args: Readonly<Record<string, unknown>>,
    by: string,
    hidden: readonly Personal[],
  ): object | Promise<object>;
  /** What of homes and people may be told to brokers. */
  tells(): readonly TellName[];
}

/** What of the entries of a list is of people, by the name of the list. */
export const OF_PEOPLE: Readonly<Record<string, readonly TellName[]>> = {
  clients: PERSONAL,
  leases: PERSONAL,
  reports: ['contact'],
};
/** Bytes of an answer that go without parts. */
const AT_ONCE = 3600;
/** Room in a part for the name of its list. */
const FRAME = 64;

/** The operations on homes: `client_` and the name of a method. */
export function clientOperations(desk: ClientDesk): Operations {
  return Object.fromEntries(
    (Object.keys(CLIENT_METHODS) as ClientMethod[]).map((method) => {
      const contract: MethodContract = CLIENT_METHODS[method];
      const of = operation({
        scope: 'desk',
        isPrivate: true,
        // who wants it is whose key it is
        args: argumentsBy(contract.args, ['by']),
        async run(args: Readonly<Record<string, unknown>>, order) {
          if (method === 'invite' && args.hash === undefined)
            throw new InputError('hash: missing: brokers would read the code, so make it yourself', 'hash');
          const tells = desk.tells();
          const hidden = PERSONAL.filter((one) => !tells.includes(one));
          return inParts(within(await desk.ask(method, args, `key ${order.by}`, hidden), tells), order);
        },
      });
      return [`client_${method}`, of];
    }),
  );
}

/** An answer without what is of people and is not to be told. */
function within(reply: object, tells: readonly TellName[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(reply).map(([name, value]) => {
      const hidden = (OF_PEOPLE[name] ?? []).filter((one) => !tells.includes(one));
      if (hidden.length === 0 || !Array.isArray(value)) return [name, value];
      return [name, value.map((item: object) => without(item, hidden))];
    }),
  );
}

function without(item: object, hidden: readonly string[]): object {
  return Object.fromEntries(Object.entries(item).filter(([name]) => !hidden.includes(name)));
}

/** Tells the lists of a long answer in parts. @returns what is left of it */
async function inParts(reply: Readonly<Record<string, unknown>>, order: Order): Promise<object> {
  if (jsonBytes(reply) <= AT_ONCE) return reply;
  const rest: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(reply)) {
    if (!Array.isArray(value)) {
      rest[name] = value;
      continue;
    }
    let left = 0;
    for (const items of portions(value, MAX_PART - FRAME))
      if (left > 0 || !(await order.part({ [name]: items }))) left += items.length;
    if (left > 0) rest.left_out = left;
  }
  return rest;
}

/** The entries of a list in as few lists as have room. */
function* portions(list: readonly unknown[], room: number): Generator<unknown[]> {
  let items: unknown[] = [];
  let bytes = 2;
  for (const one of list) {
    const item = fitted(one, room);
    const more = jsonBytes(item) + 1;
    if (bytes + more > room && items.length > 0) {
      yield items;
      items = [];
      bytes = 2;
    }
    items.push(item);
    bytes += more;
  }
  if (items.length > 0) yield items;
}

/** An entry that has room by itself: else its lists lose what is at their ends, and `left_out` counts that. */
function fitted(item: unknown, room: number): unknown {
  if (typeof item !== 'object' || item === null || jsonBytes(item) <= room) return item;
  const short: Record<string, unknown> = { ...item };
  let left = 0;
  for (const [name, value] of Object.entries(item)) {
    if (!Array.isArray(value)) continue;
    let kept = value;
    while (kept.length > 0 && jsonBytes({ ...short, [name]: kept, left_out: value.length }) > room)
      kept = kept.slice(0, Math.floor(kept.length / 2));
    short[name] = kept;
    left += value.length - kept.length;
  }
  return left > 0 ? { ...short, left_out: left } : short;
}
