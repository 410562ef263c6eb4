// Who signs in the lab.

import type { CAPTAIN_PATHS } from '../../../src/api/lease.ts';
import { crypto } from '../../../src/fleet/crypto.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { sealEnvelope } from '../../../src/lib/envelope.ts';
import { keyIdOf } from '../../../src/lib/node-id.ts';

/** Somebody who signs: a seed of one byte, over and over. */
class Captain {
  readonly key: string;
  private readonly seed: Uint8Array;

  constructor(byte: number) {
    this.seed = new Uint8Array(32).fill(byte);
    this.key = toHex(crypto.ed25519Public(this.seed));
  }

  sign(word: keyof typeof CAPTAIN_PATHS, message: object): string {
    const sign = (bytes: Uint8Array): Uint8Array => crypto.ed25519Sign(this.seed, bytes);
    const sealed = sealEnvelope(word, JSON.stringify(message), [{ key: keyIdOf(this.key), sign }]);
    return Buffer.from(sealed).toString('utf8');
  }
}

/** The captain whom the home names in its lease. */
export const CAPTAIN = new Captain(7);
/** Somebody who signs as well as he. */
export const STRANGER = new Captain(8);
