// What captains sign and send to gateways, read from bytes that strangers wrote.

import type { ReportMessage, VouchMessage } from '../api/lease.ts';
import { WireError } from '../errors.ts';
import { type Envelope, splitEnvelope } from '../lib/envelope.ts';
import { JsonFields } from '../lib/json-field.ts';
import { nodeAddress } from '../lib/yggdrasil-address.ts';

/** What may be said, and its message. */
interface Messages {
  readonly report: ReportMessage;
  readonly vouch: VouchMessage;
}
export type CaptainWord = keyof Messages;

/** Signed by one key, so far as its form goes: the signature is not checked yet. */
export interface Signed<W extends CaptainWord> {
  readonly message: Messages[W];
  /** Id of the key. */
  readonly keyId: string;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

/** Characters of a text. */
export const MAX_REASON = 256;
const MAX_EVIDENCE = 1024;
const MAX_CONTACT = 256;
const MAX_SITE = 64;
const MAX_DAYS = 3650;
const MOST = Number.MAX_SAFE_INTEGER;
const KEY = /^[0-9a-f]{64}$/;

/** @throws WireError on everything that is none, in words for who sent it. */
export function readSigned<W extends CaptainWord>(word: W, payload: Uint8Array): Signed<W> {
  const envelope = splitEnvelope(word, payload);
  const { keyId, signature } = onlyOne(word, envelope);
  const fields = new JsonFields(word, parse(word, envelope.body));
  fields.match('kind', word === 'report' ? /^report$/ : /^vouch$/, `"${word}"`);
  const message = word === 'report' ? readReport(fields) : readVouch(fields);
  return { message: message as Messages[W], keyId, signed: envelope.signed, signature };
}

function onlyOne(word: CaptainWord, { signatures }: Envelope): { keyId: string; signature: Uint8Array } {
  const [one, more] = signatures;
  if (!one || more) throw new WireError(`${word}: expected one signature, got ${signatures.length}`);
  return { keyId: one.key, signature: one.signature };
}

function parse(word: CaptainWord, body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new WireError(`${word}: expected JSON`, undefined, { cause });
  }
}

function readReport(fields: JsonFields): ReportMessage {
  const reason = fields.text('reason', MAX_REASON).trim();
  if (reason === '') throw fields.fault('reason', 'some words');
  return {
    kind: 'report',
    ...common(fields),
    reason,
    ...(fields.has('evidence') && { evidence: fields.text('evidence', MAX_EVIDENCE) }),
    ...(fields.has('contact') && { contact: fields.text('contact', MAX_CONTACT) }),
  };
}

function readVouch(fields: JsonFields): VouchMessage {
  return {
    kind: 'vouch',
    ...common(fields),
    ...(fields.has('site') && { site: fields.text('site', MAX_SITE) }),
    ...(fields.has('days') && { days: fields.whole('days', 1, MAX_DAYS) }),
  };
}

function common(fields: JsonFields): { address: string; at_s: number; gateway: string } {
  return {
    address: fields.read('address', nodeAddress, 'an address of a node (200::/8)'),
    at_s: fields.whole('at_s', 0, MOST),
    gateway: fields.match('gateway', KEY, "the gateway's key, 64 lower-case hex digits"),
  };
}
