// What can be asked for by a signed command: a table of operations, each with the scope that it takes, its arguments, and what it does.

import { SCOPES, type Scope } from '../api/scope.ts';
import type { ArgumentTable, ArgumentValues } from './argument.ts';

/** The command that an operation is done for. */
export interface Order {
  /** The whole message, signatures included: for whoever believes nobody in between. */
  readonly payload: string;
  /** Tells how it goes, seldom. */
  progress(out: object): void;
}

/** One operation. */
export interface Operation {
  readonly scope: Scope;
  readonly args: ArgumentTable;
  /** It takes its time: whoever asks is told that it was accepted. */
  readonly isSlow?: true;
  /** The daemon ends by it: what the next one finds begun was done. */
  readonly endsDaemon?: true;
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
  return held !== 'none' && SCOPES.indexOf(held) >= SCOPES.indexOf(wanted);
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
