// Whether a message is by whom it says that it is: the broker in between is believed nothing.

import { PAYLOADS, type Payload } from '../api/topics.ts';
import { fromHex } from '../lib/bytes.ts';
import { splitEnvelope } from '../lib/envelope.ts';
import { nodeIdOf } from '../lib/node-id.ts';
import { crypto } from './crypto.ts';
import { conform, parseTable } from './message.ts';

/** Topics whose messages are signed. */
export type SignedName = 'info' | 'res' | 'have' | 'cmd' | 'want' | 'homes' | 'held';

/** What a message says, if one of these keys (64 hex digits) signed it; `undefined` for anything else. */
export function openSigned<T extends SignedName>(
  kind: T,
  payload: Uint8Array,
  keys: readonly string[],
): Payload<T> | undefined {
  if (parseTable(kind, payload) === undefined) return undefined;
  try {
    const { signed, body, signatures } = splitEnvelope(kind, payload);
    const by = signatures.filter(({ key, signature }) =>
      keys.some((one) => one.startsWith(key) && crypto.ed25519Verify(fromHex(one), signed, signature)),
    );
    if (by.length === 0) return undefined;
    const value = { ...JSON.parse(body), sigs: by.map(({ key }) => key) };
    return conform(PAYLOADS[kind], value) as Payload<T> | undefined;
  } catch {
    return undefined;
  }
}

/** The key that a signed message claims, if that is the key of the node with this id. */
export function claimedKey(payload: Uint8Array, node: string): string | undefined {
  const key = parseTable('info', payload)?.key;
  return typeof key === 'string' && /^[0-9a-f]{64}$/.test(key) && idOf(key) === node ? key : undefined;
}

/** The id of the node with a key of 64 hex digits. */
export function idOf(key: string): string {
  return nodeIdOf((bytes) => crypto.sha512(bytes), fromHex(key));
}
