// What can be asked for by a signed command: a table of operations, each with the scope that it takes, its arguments, and what it does.

import { type Cap, type DeskCap, SCOPES, type Scope } from '../api/scope.ts';
import type { ArgumentTable, ArgumentValues } from './argument.ts';

/** The command that an operation is done for. */
export interface Order {
  /** The whole message, signatures included: for whoever believes nobody in between. */
  readonly payload: string;
  /** The name of the key that signed it. */
  readonly by: string;
  /** Tells how it goes, seldom. */
  progress(out: object): void;
  /**
   * Tells a part of an answer that is too long for one message, of at most `MAX_PART` bytes of JSON; lists of parts belong behind one another.
   * @returns false: no more of it is told.
   */
  part(out: object): Promise<boolean>;
}

/** Bytes of JSON in one part of an answer. */
export const MAX_PART = 6144;

/** One operation. */
export interface Operation {
  readonly scope: Scope;
  readonly args: ArgumentTable;
  /** It takes its time: whoever asks is told that it was accepted. */
  readonly isSlow?: true;
  /** The daemon ends by it: what the next one finds begun was done. */
  readonly endsDaemon?: true;
  /** What it tells is of people: nothing of it is kept. */
  readonly isPrivate?: true;
  /**
   * Does it.
   * @returns what is told of it: JSON of at most 4 KiB; more is left out.
   * @throws (rejects) any Error, whose text is told.
   */
  run(args: Readonly<Record<string, unknown>>, order: Order): unknown;
}

export type Operations = Readonly<Record<string, Operation>>;

/** Groups that are kept for what is to come; nobody's scope reaches them. */
const RESERVED = /^(upgrade|keys)(_|$)/;

/** Whether an operation is one of a later time. */
export function isReserved(name: string): boolean {
  return RESERVED.test(name);
}

/** Whether who has the scope `held` may do what takes `wanted`. */
export function reaches(held: Scope | 'none', wanted: Scope): boolean {
  if (held === 'none') return false;
  if (held === 'desk' || wanted === 'desk') return wanted === held || wanted === 'observe';
  return SCOPES.indexOf(held) >= SCOPES.indexOf(wanted);
}

/** What the owner lets keys of others do. */
export interface Permit {
  readonly cap: Cap;
  /** To the homes of this gateway. */
  readonly desk: DeskCap;
}

/** What keeps a key of a scope from what takes `wanted`, as the end of a sentence; `undefined`: nothing does. */
export function barrierTo(
  { name, scope }: { readonly name: string; readonly scope: Scope },
  wanted: Scope,
  { cap, desk }: Permit,
): string | undefined {
  if (wanted !== 'desk') {
    if (!reaches(scope, wanted)) return `${name} has ${scope}`;
    return reaches(cap, wanted) ? undefined : `the owner of this router allows ${cap}`;
  }
  const isLet = scope === 'desk' || (scope === 'configure' && desk === 'configure');
  if (!isLet) return `${name} has ${scope}`;
  // whatever is said of homes, who lets nobody do anything means all of it
  if (cap === 'none' || desk === 'none') return 'the operator of this gateway lets no key decide on homes';
  return undefined;
}

/** An operation that did not come to a good end, of which there is more to tell than a sentence. */
export class OperationError extends Error {
  override name = 'OperationError';
  constructor(
    message: string,
    readonly out: object,
  ) {
    super(message);
  }
}

/** An operation whose arguments have types. */
export function operation<A extends ArgumentTable>(
  definition: Omit<Operation, 'args' | 'run'> & {
    readonly args: A;
    run(args: ArgumentValues<A>, order: Order): unknown;
  },
): Operation {
  return definition as unknown as Operation;
}
