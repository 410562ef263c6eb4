// How a command of meshctl ends when it does not end well: one sentence, what can be done about it, and an exit code.

import { ConfigError, errorText, InputError } from '../errors.ts';

/** Exit codes, by what they mean. */
export const EXITS = {
  ok: 0,
  /** The other side said no, or a check found something wrong. */
  failed: 1,
  /** The command line, or a file that it names, does not do. */
  usage: 2,
  /** No connection to the broker, or the broker refuses. */
  unreachable: 3,
  /** Nobody answered in time; what was asked for may still happen. */
  silent: 4,
  /** Something is not signed by whom it must be. */
  untrusted: 5,
} as const;
export type Ending = keyof typeof EXITS;

/** A command that ends early. */
export class Failure extends Error {
  override name = 'Failure';
  /**
   * @param message one sentence, `what: why`.
   * @param hint what people can do about it.
   */
  constructor(
    readonly ending: Exclude<Ending, 'ok'>,
    message: string,
    readonly hint?: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** Any error as a failure: what a person typed is a matter of usage, the rest has failed. */
export function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const ending = error instanceof InputError || error instanceof ConfigError ? 'usage' : 'failed';
  return new Failure(ending, errorText(error), undefined, { cause: error });
}
