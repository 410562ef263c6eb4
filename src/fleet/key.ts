// An operator's key: an ed25519 seed in a file of the operator's directory, sealed by a passphrase where one was given.

import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto';
import { SCOPES, type Scope } from '../api/scope.ts';
import { InputError } from '../errors.ts';
import { fromHex, toHex } from '../lib/bytes.ts';
import { keyIdOf } from '../lib/node-id.ts';
import { crypto } from './crypto.ts';
import { Failure } from './failure.ts';
import type { Home } from './home.ts';

const DIRECTORY = 'keys';
const NAME = /^[a-z0-9_]{1,24}$/;
/** About 0.1 s and 32 MiB a guess. */
const SCRYPT = { N: 32_768, r: 8, p: 1 } as const;
/** What a file may ask for, at the most: 256 MiB. */
const MAX_SCRYPT = { N: 262_144, r: 8, p: 4 } as const;
const SCRYPT_BYTES = 300 * 1024 * 1024;

/** What everybody may know of a key. */
export interface PublicKey {
  name: string;
  /** 64 hex digits. */
  public: string;
  /** What routers are told that it may do. */
  scope: Scope;
  /** Unix seconds. */
  created_at: number;
  isSealed: boolean;
}

interface Sealed {
  n: number;
  r: number;
  p: number;
  salt: string;
  nonce: string;
  tag: string;
  data: string;
}

interface KeyFile {
  v: 1;
  name: string;
  public: string;
  scope: Scope;
  created_at: number;
  seed?: string;
  sealed?: Sealed;
}

/** Signs for one key. */
export interface Signer {
  readonly name: string;
  /** First 16 hex digits of its public key. */
  readonly key: string;
  sign(bytes: Uint8Array): Uint8Array;
}

/** @throws InputError on what is no name of a key: it is one of a section in UCI, too. */
export function checkKeyName(name: string): string {
  if (!NAME.test(name))
    throw new InputError(`key: expected a name of 1 to 24 of a-z, 0-9 and _, got ${JSON.stringify(name)}`);
  return name;
}

/** @throws InputError on what is no scope. */
export function checkScope(text: string): Scope {
  const scope = SCOPES.find((one) => one === text);
  if (!scope) throw new InputError(`scope: expected one of ${SCOPES.join(', ')}, got ${JSON.stringify(text)}`);
  return scope;
}

/** Makes a key and writes it. @throws InputError when the name is taken. */
export function makeKey(home: Home, name: string, scope: Scope, passphrase?: string): PublicKey {
  const file = `${DIRECTORY}/${checkKeyName(name)}.json`;
  if (home.read(file) !== undefined) throw new InputError(`key: expected a new name, there is one called ${name}`);
  const seed = randomBytes(32);
  const publicKey = toHex(crypto.ed25519Public(seed));
  const content: KeyFile = { v: 1, name, public: publicKey, scope, created_at: Math.floor(Date.now() / 1000) };
  if (passphrase === undefined) content.seed = toHex(seed);
  else content.sealed = seal(seed, passphrase, publicKey);
  home.write(file, content);
  return publicOf(content);
}

/** All keys, by name. @throws Failure on a file that is no key. */
export function listKeys(home: Home): PublicKey[] {
  const names = home.list(DIRECTORY).filter((name) => name.endsWith('.json'));
  return names.map((name) => publicOf(readFile(home, name.slice(0, -5))));
}

/** One key. @throws InputError when there is none. */
export function findKey(home: Home, name: string): PublicKey {
  return publicOf(readFile(home, name));
}

/**
 * A key to sign with.
 * @param passphrase asked for when the key is sealed.
 * @throws Failure when the passphrase is another one; InputError when there is no such key.
 */
export async function openKey(home: Home, name: string, passphrase: () => Promise<string>): Promise<Signer> {
  const content = readFile(home, name);
  const seed = content.seed !== undefined ? fromHex(content.seed) : unseal(content, await passphrase());
  if (toHex(crypto.ed25519Public(seed)) !== content.public)
    throw new Failure(
      'failed',
      `${home.file(`${DIRECTORY}/${name}.json`)}: its secret does not belong to its public key`,
    );
  return { name, key: keyIdOf(content.public), sign: (bytes) => crypto.ed25519Sign(seed, bytes) };
}

/** The section that makes a router take orders of a key, for `/etc/config/meshbridge`. */
export function formatKeySection({
  name,
  public: publicKey,
  scope,
}: Pick<PublicKey, 'name' | 'public' | 'scope'>): string {
  return `config key '${name}'\n\toption public '${publicKey}'\n\toption scope '${scope}'\n`;
}

function publicOf({ name, public: publicKey, scope, created_at, sealed }: KeyFile): PublicKey {
  return { name, public: publicKey, scope, created_at, isSealed: sealed !== undefined };
}

function readFile(home: Home, name: string): KeyFile {
  const file = `${DIRECTORY}/${checkKeyName(name)}.json`;
  const value = home.read(file, true) as Partial<KeyFile> | undefined;
  if (value === undefined)
    throw new InputError(`key: there is none called ${name}; meshctl keys list shows those of ${home.path}`);
  const isKey =
    value?.v === 1 &&
    value.name === name &&
    /^[0-9a-f]{64}$/.test(String(value.public)) &&
    (SCOPES as readonly unknown[]).includes(value.scope) &&
    (value.sealed !== undefined || /^[0-9a-f]{64}$/.test(String(value.seed)));
  if (!isKey) throw new Failure('failed', `${home.file(file)}: expected a key of version 1, it is none`);
  return value as KeyFile;
}

function seal(seed: Uint8Array, passphrase: string, publicKey: string): Sealed {
  const [salt, nonce] = [randomBytes(16), randomBytes(12)];
  const cipher = createCipheriv('aes-256-gcm', stretch(passphrase, salt, SCRYPT), nonce);
  cipher.setAAD(Buffer.from(publicKey));
  const data = Buffer.concat([cipher.update(seed), cipher.final()]);
  const hex = { salt: toHex(salt), nonce: toHex(nonce), tag: toHex(cipher.getAuthTag()), data: toHex(data) };
  return { n: SCRYPT.N, r: SCRYPT.r, p: SCRYPT.p, ...hex };
}

function unseal({ name, public: publicKey, sealed }: KeyFile, passphrase: string): Uint8Array {
  const { n, r, p, salt, nonce, tag, data } = sealed!;
  try {
    if (!(n <= MAX_SCRYPT.N && r <= MAX_SCRYPT.r && p <= MAX_SCRYPT.p)) throw new RangeError('too much work');
    const key = stretch(passphrase, fromHex(salt), { N: n, r, p });
    const decipher = createDecipheriv('aes-256-gcm', key, fromHex(nonce), { authTagLength: 16 });
    decipher.setAAD(Buffer.from(publicKey));
    decipher.setAuthTag(fromHex(tag));
    return new Uint8Array(Buffer.concat([decipher.update(fromHex(data)), decipher.final()]));
  } catch {
    throw new Failure('failed', `key ${name}: the passphrase is another one, or the file was changed`);
  }
}

function stretch(passphrase: string, salt: Uint8Array, cost: { N: number; r: number; p: number }): Buffer {
  return scryptSync(passphrase.normalize('NFC'), salt, 32, { ...cost, maxmem: SCRYPT_BYTES });
}
