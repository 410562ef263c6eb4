// The signed desired state: the body of a `want`, and whether it is believed. The daemon and its helper, which trusts nobody, ask the same.
//
//   {"gen","aud":{"node"}|{"site"},"not_before"?,"exp"?,"confirm_s"?,"changes":[…]}
//
// What a reader does not know it refuses: half of what was wanted is not what was wanted. Times are Unix seconds.

import { InputError, WireError } from '../errors.ts';
import { fromHex } from './bytes.ts';
import { type Envelope, MAX_PAYLOAD, splitEnvelope } from './envelope.ts';
import { keyIdOf } from './node-id.ts';
import { type Change, parseChanges } from './uci-path.ts';
import { decodeUtf8 } from './utf8.ts';

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

/** Whom a router believes. */
export interface Trust {
  readonly keys: readonly TrustedKey[];
  /** Its own id, and its site's; absent: none yet. */
  readonly node: string | undefined;
  readonly site: string | undefined;
}

/** A key that a router knows. */
export interface TrustedKey {
  /** 64 lower-case hex digits. */
  readonly public: string;
  /** By its scope, and by what the owner allows. */
  readonly mayConfigure: boolean;
}

/** Whether a signature is one of these bytes by this key. */
export type Verify = (publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array) => boolean;

/** A message whose form and audience were looked at, and whose signatures were not. */
export interface SignedWant {
  readonly want: Want;
  readonly envelope: Envelope;
  /** The message as a text. */
  readonly text: string;
}

/** Why a message is refused. */
export type WantCode =
  | 'oversize'
  | 'malformed'
  | 'unknown-key'
  | 'audience'
  | 'generation'
  | 'busy'
  | 'signature'
  | 'scope'
  | 'expired';

/** A message that is not believed, or not for now. */
export class WantRefusal extends InputError {
  override name = 'WantRefusal';
  /** @param signed the message, where a key that is known has signed it: then its sender is answered. */
  constructor(
    readonly code: WantCode,
    message: string,
    readonly signed?: SignedWant,
  ) {
    super(message);
  }
}

/** Seconds in which a change is confirmed or undone. */
export const CONFIRM_S = { least: 30, usual: 120, most: 600 } as const;

const MEMBERS = ['gen', 'aud', 'not_before', 'exp', 'confirm_s', 'changes'];

/** Takes a message apart, and looks whether it is for this router. @throws WantRefusal */
export function openWant(payload: Uint8Array, trust: Trust): SignedWant {
  const { length } = payload;
  if (length > MAX_PAYLOAD.want) throw new WantRefusal('oversize', `want: ${length} bytes`);
  try {
    const envelope = splitEnvelope('want', payload);
    const want = parseWant(envelope.body);
    if (signersOf(envelope, trust.keys).length === 0)
      throw new WantRefusal('unknown-key', `sigs: expected a key that is known here, got ${keysOf(envelope)}`);
    if (want.name !== trust[want.audience])
      throw new WantRefusal('audience', `aud: expected this ${want.audience}, got "${want.name}"`);
    return { want, envelope, text: decodeUtf8(payload) };
  } catch (error) {
    if (error instanceof WantRefusal || !(error instanceof WireError || error instanceof InputError)) throw error;
    throw new WantRefusal('malformed', error.message);
  }
}

/** Checks who signed a message. @throws WantRefusal */
export function verifyWant(signed: SignedWant, trust: Trust, verify: Verify): void {
  const { envelope } = signed;
  if (!isSigned(envelope, trust.keys, verify))
    throw new WantRefusal('signature', `sigs: expected a signature of this message, got others of ${keysOf(envelope)}`);
  if (!signersOf(envelope, trust.keys).some(({ mayConfigure }) => mayConfigure))
    throw new WantRefusal('scope', 'scope: the owner of this router lets none of these keys configure it', signed);
}

/** The known keys that signed something, if their signatures hold. */
export function signersOf({ signatures }: Envelope, keys: readonly TrustedKey[]): TrustedKey[] {
  return keys.filter((known) => signatures.some(({ key }) => key === keyIdOf(known.public)));
}

/** Whether known keys signed something, and all of those did: one that is known and does not hold is no good sign. */
export function isSigned({ signed, signatures }: Envelope, keys: readonly TrustedKey[], verify: Verify): boolean {
  const known = signatures.flatMap(({ key, signature }) =>
    keys.filter((one) => keyIdOf(one.public) === key).map((one) => ({ publicKey: fromHex(one.public), signature })),
  );
  return known.length > 0 && known.every(({ publicKey, signature }) => verify(publicKey, signed, signature));
}

function keysOf({ signatures }: Envelope): string {
  return signatures.map(({ key }) => key).join(', ');
}

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
