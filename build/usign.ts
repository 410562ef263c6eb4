// Keys and signatures of feeds as OpenWrt's usign and OpenBSD's signify have them: Ed25519 in two lines of text.
//
// A file is `untrusted comment: …` and base64 of, in bytes:
//   public key 42   "Ed" | fingerprint 8 | key 32
//   secret key 104  "Ed" | "BK" | rounds 4, zero: not encrypted | salt 16 | first 8 of the sha512 of the last 64 | fingerprint 8 | seed 32 | key 32
//   signature 74    "Ed" | fingerprint 8 | signature 64
// The fingerprint is random and only tells keys apart. Source: usign's main.c, signify(1).

import { createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify } from 'node:crypto';

const ALGORITHM = 'Ed';
/** DER of an Ed25519 key before its 32 bytes: PKCS #8 and SubjectPublicKeyInfo. Source: RFC 8410. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const PUBLIC_BYTES = 42;
const SECRET_BYTES = 104;
const SIGNATURE_BYTES = 74;

export interface PublicKey {
  /** 8 bytes. */
  fingerprint: Uint8Array;
  /** 32 bytes. */
  key: Uint8Array;
}

export interface SecretKey extends PublicKey {
  /** 32 bytes, from which the key follows. */
  seed: Uint8Array;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function privateKey(seed: Uint8Array) {
  return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
}

function publicKey(key: Uint8Array) {
  return createPublicKey({ key: Buffer.concat([SPKI, key]), format: 'der', type: 'spki' });
}

function publicOf(seed: Uint8Array): Uint8Array {
  return createPublicKey(privateKey(seed)).export({ format: 'der', type: 'spki' }).subarray(SPKI.length);
}

const checksum = (pair: Uint8Array): Buffer => createHash('sha512').update(pair).digest().subarray(0, 8);

function format(comment: string, ...parts: Uint8Array[]): string {
  return `untrusted comment: ${comment}\n${Buffer.concat(parts).toString('base64')}\n`;
}

/** The bytes of the second line. */
function parse(text: string, what: string, bytes: number): Buffer {
  const match = /^untrusted comment: [^\n]*\n([A-Za-z0-9+/]+={0,2})\n?$/.exec(text);
  if (!match) throw new Error(`${what}: expected a line "untrusted comment: …" and one of base64`);
  const decoded = Buffer.from(match[1]!, 'base64');
  if (decoded.length !== bytes) throw new Error(`${what}: ${decoded.length} bytes, expected ${bytes}`);
  const algorithm = decoded.toString('latin1', 0, 2);
  if (algorithm !== ALGORITHM)
    throw new Error(`${what}: algorithm ${JSON.stringify(algorithm)}, expected ${ALGORITHM}`);
  return decoded;
}

/** A new key. */
export function makeKey(): SecretKey {
  const seed = randomBytes(32);
  return { fingerprint: randomBytes(8), seed, key: publicOf(seed) };
}

/** The name under which opkg looks for a key in `/etc/opkg/keys`: 16 hex digits. */
export function keyName({ fingerprint }: PublicKey): string {
  return hex(fingerprint);
}

/** The file of a secret key, not encrypted. */
export function formatSecretKey(key: SecretKey, comment: string): string {
  const pair = Buffer.concat([key.seed, key.key]);
  const head = Buffer.concat([Buffer.from(`${ALGORITHM}BK`), Buffer.alloc(4)]);
  return format(comment, head, randomBytes(16), checksum(pair), key.fingerprint, pair);
}

/** Reads the file of a secret key. @throws Error: not one, encrypted, damaged. */
export function parseSecretKey(text: string): SecretKey {
  const bytes = parse(text, 'secret key', SECRET_BYTES);
  const rounds = bytes.readUInt32BE(4);
  if (rounds !== 0) throw new Error(`secret key: encrypted with ${rounds} rounds, expected one without a passphrase`);
  const pair = bytes.subarray(40);
  const seed = pair.subarray(0, 32);
  const key = pair.subarray(32);
  if (!checksum(pair).equals(bytes.subarray(24, 32)) || !key.equals(publicOf(seed)))
    throw new Error('secret key: damaged: its checksum does not fit');
  return { fingerprint: bytes.subarray(32, 40), seed, key };
}

/** The file of a public key. */
export function formatPublicKey({ fingerprint, key }: PublicKey, comment: string): string {
  return format(comment, Buffer.from(ALGORITHM), fingerprint, key);
}

/** Reads the file of a public key. @throws Error when it is not one. */
export function parsePublicKey(text: string): PublicKey {
  const bytes = parse(text, 'public key', PUBLIC_BYTES);
  return { fingerprint: bytes.subarray(2, 10), key: bytes.subarray(10) };
}

/** The file of a signature of `message`. */
export function signMessage(message: Uint8Array, key: SecretKey): string {
  const signature = sign(null, message, privateKey(key.seed));
  return format(`signed by key ${keyName(key)}`, Buffer.from(ALGORITHM), key.fingerprint, signature);
}

/** Whether the file of a signature is of this message and key. @throws Error when it is no signature. */
export function isSignedBy(signature: string, message: Uint8Array, key: PublicKey): boolean {
  const bytes = parse(signature, 'signature', SIGNATURE_BYTES);
  if (!bytes.subarray(2, 10).equals(key.fingerprint)) return false;
  return verify(null, message, publicKey(key.key), bytes.subarray(10));
}
