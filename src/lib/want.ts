// The signed desired state: the body of a `want`, and in which order it is believed. The daemon and its helper ask the same questions.
//
//   {"gen","aud":{"node"}|{"site"},"not_before"?,"exp"?,"confirm_s"?,"changes":[…]}
//
// What a reader does not know it refuses: half of what was wanted is not what was wanted. Times are Unix seconds.

import { InputError } from '../errors.ts';
import { type Change, parseChanges } from './uci-path.ts';

/** Whose desired state it is: this node's own, or that of all nodes of its site. */
export type Audience = 'node' | 'site';
export const AUDIENCES = ['site', 'node'] as const satisfies readonly Audience[];

/** The content of a `want`. */
export interface Want {
  /** Increases with each want for the same audience. */
  readonly gen: number;
  readonly audience: Audience;
  /** The node or site that is meant. */
  readonly name: string;
  readonly notBefore?: number;
  readonly exp?: number;
  /** Seconds until it is undone unless the router finds itself well. */
  readonly confirmS: number;
  readonly changes: readonly Change[];
}

/** Longest message, signatures included. */
export const MAX_WANT_BYTES = 16_384;
/** Seconds in which a change is confirmed or undone. */
export const CONFIRM_S = { least: 30, usual: 120, most: 600 } as const;

const MEMBERS = ['gen', 'aud', 'not_before', 'exp', 'confirm_s', 'changes'];

/** Reads the body of a want. @throws InputError when it is none. */
export function parseWant(body: string): Want {
  const given = asTable(parseJson(body), 'body');
  const unknown = Object.keys(given).find((name) => !MEMBERS.includes(name));
  if (unknown !== undefined)
    throw new InputError(`body: expected ${MEMBERS.join(', ')}, got ${JSON.stringify(unknown.slice(0, 32))}`);
  const aud = asTable(given.aud, 'aud');
  const [audience, ...more] = Object.keys(aud);
  if ((audience !== 'node' && audience !== 'site') || more.length > 0)
    throw new InputError('aud: expected node or site', 'aud');
  const name = aud[audience];
  if (typeof name !== 'string' || !/^[a-z0-9-]{1,32}$/.test(name))
    throw new InputError(`aud.${audience}: expected 1 to 32 of a-z, 0-9 and -`, 'aud');
  const notBefore = whole(given, 'not_before', 0);
  const exp = whole(given, 'exp', 0);
  return {
    gen: whole(given, 'gen', 1, Number.MAX_SAFE_INTEGER) ?? missing('gen'),
    audience,
    name,
    ...(notBefore !== undefined && { notBefore }),
    ...(exp !== undefined && { exp }),
    confirmS: parseConfirmS(given.confirm_s),
    changes: parseChanges(given.changes),
  };
}

/** Seconds of a trial, as they were given or the usual ones. @throws InputError */
export function parseConfirmS(value: unknown): number {
  const { least, usual, most } = CONFIRM_S;
  return whole({ confirm_s: value }, 'confirm_s', least, most) ?? usual;
}

function whole(
  given: Readonly<Record<string, unknown>>,
  name: string,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): number | undefined {
  const value = given[name];
  if (value === undefined) return undefined;
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
  throw new InputError(`${name}: expected a whole number from ${least} to ${most}`, name);
}

function missing(name: string): never {
  throw new InputError(`${name}: missing`, name);
}

function asTable(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new InputError(`${name}: expected a table`, name);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InputError('body: expected JSON');
  }
}
