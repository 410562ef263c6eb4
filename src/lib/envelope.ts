// Signed messages: JSON that anybody can read, whose last member are signatures over the exact bytes of the rest.
//
//   payload     BODY without its last `}`, then `,"sigs":[` SIGNATURE `,` … `]}`
//   SIGNATURE   `"` key id (16 lower-case hex digits) `:` base64 of 64 bytes `"`, at most four of them
//   signed      `mb/1 ` kind, a line end, BODY
//
// All that follows BODY has a known length, so there is one way to read a payload and no search in it. What is not exactly this is refused
// before anything of it is parsed. Checking the signatures, and believing a key, is somebody else's.

import { WireError } from '../errors.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { joinBytes } from './bytes.ts';
import { decodeUtf8, encodeUtf8 } from './utf8.ts';

/** What is signed: also in the signed bytes, so that none can be taken for another. `code` is what a router joins a fleet by; `report` and `vouch` are what captains tell gateways; `homes`
 * what is decided on homes at all gateways of a group, `held` and `use` what these say to that, and of what homes used. */
export type EnvelopeKind =
  | ('cmd' | 'want' | 'res' | 'have' | 'info' | 'code')
  | ('report' | 'vouch')
  | ('homes' | 'held' | 'use');

/** Longest payloads, in bytes. */
export const MAX_PAYLOAD: Readonly<Record<EnvelopeKind, number>> = {
  cmd: 8192,
  want: 16_384,
  res: 8192,
  have: 8192,
  info: 8192,
  code: 8192,
  report: 4096,
  vouch: 4096,
  homes: 16_384,
  held: 4096,
  use: 8192,
};
export const MAX_SIGNATURES = 4;
/** How deep lists and tables may stand in one another: parsers of engines call themselves. */
export const MAX_DEPTH = 12;

/** Who signs: id of the key, and what it makes of bytes (64 of them). */
export interface EnvelopeSigner {
  readonly key: string;
  sign(bytes: Uint8Array): Uint8Array;
}

/** A payload taken apart. */
export interface Envelope {
  /** What the signatures are of. */
  readonly signed: Uint8Array;
  /** JSON text of a table, of the right shape so far as brackets go; not parsed yet. */
  readonly body: string;
  /** Each of another key. */
  readonly signatures: readonly { readonly key: string; readonly signature: Uint8Array }[];
}

const HEAD = encodeUtf8(',"sigs":[');
/** Of one signature, quotes included. */
const LENGTH = 1 + 16 + 1 + 88 + 1;
const SIGNATURE = /^"([0-9a-f]{16}):([A-Za-z0-9+/]{86}==)"$/;
const [COMMA, CLOSE_LIST, CLOSE_TABLE] = [0x2c, 0x5d, 0x7d];
/** A whole text, a quote that begins none, or a bracket. */
const TOKEN = /"(?:[^"\\]|\\.)*"|["[\]{}]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what is looked for
const CONTROL = /[\x00-\x1f]/;

/**
 * A signed payload.
 * @param body JSON text of a table with something in it, as JSON.stringify makes it.
 * @throws RangeError when that is too long or something else, or on none or too many signers.
 */
export function sealEnvelope(kind: EnvelopeKind, body: string, signers: readonly EnvelopeSigner[]): Uint8Array {
  if (!/^\{".*\}$/s.test(body)) throw new RangeError(`${kind}: expected the JSON of a table with something in it`);
  if (signers.length < 1 || signers.length > MAX_SIGNATURES)
    throw new RangeError(`${kind}: expected 1 to ${MAX_SIGNATURES} signers, got ${signers.length}`);
  const signed = signedBytes(kind, encodeUtf8(body));
  const signatures = signers.map(({ key, sign }) => `"${key}:${encodeBase64(sign(signed))}"`);
  const payload = encodeUtf8(`${body.slice(0, -1)},"sigs":[${signatures.join()}]}`);
  if (payload.length > MAX_PAYLOAD[kind])
    throw new RangeError(`${kind}: ${payload.length} bytes, expected at most ${MAX_PAYLOAD[kind]}`);
  return payload;
}

/** Takes a payload apart. @throws WireError on everything that is none. */
export function splitEnvelope(kind: EnvelopeKind, payload: Uint8Array): Envelope {
  const { length } = payload;
  if (length > MAX_PAYLOAD[kind])
    throw new WireError(`${kind}: ${length} bytes, expected at most ${MAX_PAYLOAD[kind]}`);
  if (payload[length - 2] !== CLOSE_LIST || payload[length - 1] !== CLOSE_TABLE)
    throw new WireError(`${kind}: expected signatures, a list and the last member`, Math.max(0, length - 2));
  let at = length - 2;
  const signatures: Envelope['signatures'][number][] = [];
  for (;;) {
    at -= LENGTH;
    signatures.unshift(readSignature(kind, payload, at));
    if (payload[at - 1] !== COMMA) break;
    at -= 1;
    if (signatures.length === MAX_SIGNATURES)
      throw new WireError(`${kind}: more than ${MAX_SIGNATURES} signatures`, at);
  }
  at -= HEAD.length;
  if (at < 2 || HEAD.some((byte, i) => payload[at + i] !== byte))
    throw new WireError(`${kind}: expected ,"sigs":[`, at);
  if (new Set(signatures.map(({ key }) => key)).size < signatures.length)
    throw new WireError(`${kind}: two signatures of one key`, at);
  const bytes = payload.slice(0, at + 1);
  bytes[at] = CLOSE_TABLE;
  const body = decodeUtf8(bytes);
  if (!isUtf8(body, bytes)) throw new WireError(`${kind}: expected UTF-8`);
  checkBrackets(kind, body);
  return { signed: signedBytes(kind, bytes), body, signatures };
}

function signedBytes(kind: EnvelopeKind, body: Uint8Array): Uint8Array {
  return joinBytes([encodeUtf8(`mb/1 ${kind}\n`), body]);
}

function readSignature(kind: EnvelopeKind, payload: Uint8Array, at: number): Envelope['signatures'][number] {
  const [, key, text] = (at > 0 && SIGNATURE.exec(decodeUtf8(payload, at, at + LENGTH))) || [];
  if (key === undefined || text === undefined) throw new WireError(`${kind}: expected a signature`, Math.max(0, at));
  try {
    return { key, signature: decodeBase64(text) };
  } catch (cause) {
    throw new WireError(`${kind}: expected a signature`, at, { cause });
  }
}

/** One table from the first character to the last, brackets in pairs and not too deep, no control characters. */
function checkBrackets(kind: EnvelopeKind, body: string): void {
  if (CONTROL.test(body)) throw new WireError(`${kind}: a control character`);
  const open: string[] = [];
  TOKEN.lastIndex = 0;
  for (let found = TOKEN.exec(body); found; found = TOKEN.exec(body)) {
    const [token] = found;
    if (token === '"') throw new WireError(`${kind}: a text without an end`);
    if (token === '{' || token === '[') {
      if (open.length === MAX_DEPTH) throw new WireError(`${kind}: deeper than ${MAX_DEPTH}`);
      open.push(token === '{' ? '}' : ']');
    } else if ((token === '}' || token === ']') && open.pop() !== token)
      throw new WireError(`${kind}: brackets that are no pair`);
    if (open.length === 0 && TOKEN.lastIndex < body.length) throw new WireError(`${kind}: expected one table`);
  }
  if (open.length > 0 || !body.startsWith('{')) throw new WireError(`${kind}: expected one table`);
}

/** Malformed bytes become one and the same character, which does not come back as they were. */
function isUtf8(text: string, bytes: Uint8Array): boolean {
  if (!text.includes('\ufffd')) return true;
  const again = encodeUtf8(text);
  return again.length === bytes.length && again.every((byte, i) => byte === bytes[i]);
}
