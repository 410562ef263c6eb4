// Operators, the router's own key, and messages that are signed.

import { toHex } from '../../src/lib/bytes.ts';
import { type EnvelopeKind, type EnvelopeSigner, sealEnvelope } from '../../src/lib/envelope.ts';
import { keyIdOf, nodeIdOf } from '../../src/lib/node-id.ts';
import { crypto } from './crypto.ts';

/** Somebody who signs. */
export class Signer implements EnvelopeSigner {
  /** 64 hex digits. */
  readonly public: string;
  readonly key: string;

  constructor(private readonly seed: Uint8Array) {
    this.public = toHex(crypto.ed25519Public(seed));
    this.key = keyIdOf(this.public);
  }

  sign(bytes: Uint8Array): Uint8Array {
    return crypto.ed25519Sign(this.seed, bytes);
  }
}

const seedOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

export const OPERATOR = new Signer(seedOf(1));
export const SECOND = new Signer(seedOf(2));
export const STRANGER = new Signer(seedOf(3));

/** The key of the router itself, as it is in its file, and its id. */
export const NODE_SEED = toHex(seedOf(9));
export const NODE = nodeIdOf(crypto.sha512, crypto.ed25519Public(seedOf(9)));
export const SITE = 'hill';

/** A signed message of anything. */
export function seal(kind: EnvelopeKind, body: object, signers: readonly Signer[] = [OPERATOR]): Uint8Array {
  const own = signers.map((signer): EnvelopeSigner => ({ key: signer.key, sign: (bytes) => signer.sign(bytes) }));
  return sealEnvelope(kind, JSON.stringify(body), own);
}

/** A want for the node, as far as nothing else is given. */
export function wantBody(gen: number, more: object = {}): object {
  return { gen, aud: { node: NODE }, changes: [{ set: 'meshbridge.main.log_level', to: 'debug' }], ...more };
}
