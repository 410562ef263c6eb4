// What root does because a signed message says so: it checks the message itself, for the daemon that hands it over may be somebody else.
//
// When a message may come and until when is not looked at: only the daemon knows whether the clock is right. Who took it over could use a
// message after its time, but none that is older than what was done.

import { InputError } from '../errors.ts';
import { toHex } from '../lib/bytes.ts';
import { splitEnvelope } from '../lib/envelope.ts';
import { keyIdOf } from '../lib/node-id.ts';
import { parseChanges } from '../lib/uci-path.ts';
import { encodeUtf8 } from '../lib/utf8.ts';
import { isSigned, openWant, parseConfirmS, signersOf, type Trust, verifyWant } from '../lib/want.ts';
import type { Crypto } from '../transport/host.ts';
import type { Order } from './desired-state.ts';

const ID_BYTES = 8;
/** The operation of a command that changes the configuration. */
const OPERATION = 'config_set';

/** Reads a message. @throws InputError (field `payload`, `kind`) on whatever is not to be done; WireError */
export function readOrder(
  text: string,
  kind: string,
  trust: Trust,
  crypto: Pick<Crypto, 'sha512' | 'ed25519Verify'>,
): Order {
  const payload = encodeUtf8(text);
  const id = toHex(crypto.sha512(payload).subarray(0, ID_BYTES));
  if (kind === 'want') {
    const signed = openWant(payload, trust);
    verifyWant(signed, trust, crypto.ed25519Verify);
    const { audience, gen, confirmS, changes } = signed.want;
    return { id, origin: { audience, gen }, confirmS, changes };
  }
  if (kind !== 'cmd') throw new InputError('kind: expected want or cmd', 'kind');
  return { id, ...readCommand(payload, trust, crypto) };
}

function readCommand(payload: Uint8Array, trust: Trust, crypto: Pick<Crypto, 'ed25519Verify'>): Omit<Order, 'id'> {
  const envelope = splitEnvelope('cmd', payload);
  if (!isSigned(envelope, trust.keys, crypto.ed25519Verify))
    throw refused('expected a signature by a key that is known here');
  const signer = signersOf(envelope, trust.keys).find(({ mayConfigure }) => mayConfigure);
  if (!signer) throw refused('the owner of this router lets none of these keys configure it');
  const { op, args, aud, ctr } = parse(envelope.body);
  if (op !== OPERATION) throw refused(`expected the operation ${OPERATION}`);
  if (trust.node === undefined || tableOf(aud).node !== trust.node) throw refused('expected a command for this node');
  if (!Number.isSafeInteger(ctr) || (ctr as number) < 0) throw refused('ctr: expected a whole number');
  const { changes, confirm_s: confirmS } = tableOf(args);
  return {
    origin: { key: keyIdOf(signer.public), ctr: ctr as number },
    confirmS: parseConfirmS(confirmS),
    changes: parseChanges(changes),
  };
}

function parse(body: string): Record<string, unknown> {
  try {
    return tableOf(JSON.parse(body));
  } catch {
    throw refused('expected JSON');
  }
}

function tableOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function refused(why: string): InputError {
  return new InputError(`payload: ${why}`, 'payload');
}
