// What an operator sends to a router that wants to join, made by hand: codes that are as they should be, and others.

import { type Code, sealCode } from '../../src/lib/enrolment.ts';
import { keyIdOf } from '../../src/lib/node-id.ts';
import { identityOf } from '../../src/system/node-key.ts';
import { crypto } from './crypto.ts';

/** The operator's. */
export const OPERATOR_SEED = new Uint8Array(32).fill(7);
export const OPERATOR = identityOf(crypto, OPERATOR_SEED).publicKey;
/** That of a router in memory that has just made its key. */
export const MADE_SEED = new Uint8Array(32).fill(0x80);
export const MADE_NODE = identityOf(crypto, MADE_SEED).node;
/** Of 12 bytes 1, 2, 3, …. */
export const SALT = 'aebagbafaydqqcikbmga';

/** A code for that router; parts may be given otherwise, `undefined` leaves one out. */
export function makeCode(
  more: { readonly [F in keyof Code]?: Code[F] | undefined } = {},
  seed = OPERATOR_SEED,
): string {
  const code = {
    v: 1,
    node: MADE_NODE,
    site: 'elm-street',
    url: 'mqtts://broker.example.org:8883',
    salt: SALT,
    keys: [{ name: 'anna', public: OPERATOR, scope: 'configure' }],
    cap: 'operate',
    exp: 1_900_000_000,
    ...more,
  };
  const { publicKey } = identityOf(crypto, seed);
  const sign = (bytes: Uint8Array): Uint8Array => crypto.ed25519Sign(seed, bytes);
  return sealCode(JSON.parse(JSON.stringify(code)) as Code, [{ key: keyIdOf(publicKey), sign }]);
}
