// SHA-512 and ed25519 over Node's own cryptography, with raw keys, as the router's port has them.

import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { isWeakKey } from '../lib/weak-key.ts';

/** What precedes the 32 raw bytes in PKCS #8 and in SubjectPublicKeyInfo. Source: RFC 8410, section 10. */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

function privateKey(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, seed]), format: 'der', type: 'pkcs8' });
}

/** Seeds, public keys, signatures: 32, 32 and 64 bytes. */
export const crypto = {
  sha512(bytes: Uint8Array): Uint8Array {
    return new Uint8Array(createHash('sha512').update(bytes).digest());
  },
  ed25519Public(seed: Uint8Array): Uint8Array {
    const der = createPublicKey(privateKey(seed)).export({ format: 'der', type: 'spki' });
    return new Uint8Array(der.subarray(PUBLIC_PREFIX.length));
  },
  ed25519Sign(seed: Uint8Array, bytes: Uint8Array): Uint8Array {
    return new Uint8Array(sign(null, bytes, privateKey(seed)));
  },
  /** False too for keys that are no points of the curve, or sign anything. */
  ed25519Verify(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
    if (publicKey.length !== 32 || signature.length !== 64 || isWeakKey(publicKey)) return false;
    try {
      const key = createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, publicKey]), format: 'der', type: 'spki' });
      return verify(null, bytes, key, signature);
    } catch {
      return false;
    }
  },
};
