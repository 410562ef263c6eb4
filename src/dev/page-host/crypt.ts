// Passwords as crypt(3) keeps them by SHA-256: `$5$[rounds=N$]salt$hash`.
// Source: U. Drepper, "Unix crypt using SHA-256 and SHA-512", version 0.6.

import { createHash, timingSafeEqual } from 'node:crypto';

const DEFAULT_ROUNDS = 5000;
const MIN_ROUNDS = 1000;
/** What crypt(3) would take is 10^9: hours. */
const MAX_ROUNDS = 1_000_000;
const MAX_SALT = 16;
const MAX_PASSWORD = 256;
const DIGITS = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** Which bytes of the digest make each group of four digits. */
const GROUPS = [0, 21, 12, 3, 24, 15, 6, 27, 18, 9].map((first) => [first, (first + 10) % 30, (first + 20) % 30]);

function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** `length` bytes of `bytes`, again and again. */
function repeated(bytes: Uint8Array, length: number): Buffer {
  return Buffer.alloc(length, bytes);
}

function digits(value: number, count: number): string {
  let text = '';
  for (let i = 0; i < count; i++) text += DIGITS[(value >> (6 * i)) & 63];
  return text;
}

/** The hash of a password with the salt and rounds of `setting`, which may be a hash; `undefined` where that is none of SHA-256. */
export function cryptSha256(password: string, setting: string): string | undefined {
  const parsed = /^\$5\$(?:rounds=(\d{1,9})\$)?([^$]*)/.exec(setting);
  const key = Buffer.from(password, 'utf8');
  if (!parsed || key.length > MAX_PASSWORD || key.includes(0)) return undefined;
  const rounds = parsed[1] === undefined ? DEFAULT_ROUNDS : Math.max(MIN_ROUNDS, Number(parsed[1]));
  if (rounds > MAX_ROUNDS) return undefined;
  const salt = Buffer.from(parsed[2]!, 'utf8').subarray(0, MAX_SALT);

  const b = sha256(key, salt, key);
  const first = [key, salt, repeated(b, key.length)];
  for (let bits = key.length; bits > 0; bits >>= 1) first.push(bits & 1 ? b : key);
  const a = sha256(...first);
  const p = repeated(sha256(repeated(key, key.length * key.length)), key.length);
  const s = repeated(sha256(repeated(salt, salt.length * (16 + a[0]!))), salt.length);
  let c: Uint8Array = a;
  for (let i = 0; i < rounds; i++)
    c = sha256(i & 1 ? p : c, i % 3 ? s : Buffer.alloc(0), i % 7 ? p : Buffer.alloc(0), i & 1 ? c : p);

  const groups = GROUPS.map(([x, y, z]) => digits((c[x!]! << 16) | (c[y!]! << 8) | c[z!]!, 4)).join('');
  const prefix = parsed[1] === undefined ? '$5$' : `$5$rounds=${rounds}$`;
  return `${prefix}${salt.toString('utf8')}$${groups}${digits((c[31]! << 8) | c[30]!, 3)}`;
}

/** Whether a password is the one that a hash was made of. */
export function isPassword(password: string, hash: string): boolean {
  const made = cryptSha256(password, hash);
  if (made === undefined) return false;
  const [a, b] = [Buffer.from(made), Buffer.from(hash)];
  return a.length === b.length && timingSafeEqual(a, b);
}
