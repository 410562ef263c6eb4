// Hashes and signatures as the native calls have them, by Node's own library.

import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { Native } from '../native.ts';

/** What stands before 32 bytes of a key of ed25519 in PKCS #8 and in SubjectPublicKeyInfo. Source: RFC 8410. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/** @throws RangeError as the C host does */
function exact(what: string, buffer: ArrayBuffer, length: number): Uint8Array {
  if (buffer.byteLength === length) return new Uint8Array(buffer);
  throw new RangeError(`${what}: ${buffer.byteLength} bytes, expected ${length}`);
}

function privateKey(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
}

/** A buffer that holds these bytes and nothing else. */
function own(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

export const nodeCrypto: Pick<Native, 'sha512' | 'ed25519Public' | 'ed25519Sign' | 'ed25519Verify'> = {
  sha512: (bytes) => own(createHash('sha512').update(new Uint8Array(bytes)).digest()),
  ed25519Public(seed) {
    const key = createPublicKey(privateKey(exact('public: seed', seed, 32)));
    return own(key.export({ format: 'der', type: 'spki' }).subarray(SPKI.length));
  },
  ed25519Sign: (seed, bytes) => own(sign(null, new Uint8Array(bytes), privateKey(exact('sign: seed', seed, 32)))),
  ed25519Verify(publicKey, bytes, signature) {
    const der = Buffer.concat([SPKI, exact('verify: key', publicKey, 32)]);
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    return verify(null, new Uint8Array(bytes), key, exact('verify: signature', signature, 64));
  },
};
