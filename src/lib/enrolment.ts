// How a router joins a fleet: it shows a card, the operator answers with a code. Neither holds a secret, so both may go through any chat.
//
//   card   `mbcard` and in base32: version 1 · public key (32) · salt (12) · hash of the password (64) · signature of all that (64)
//   code   `mbcode` and in base32: a signed message (envelope.ts) of kind `code`
//
// The password that the broker asks for is made of the router's own key and the salt: the router keeps neither, and two brokers never see
// the same one. The broker is given its hash, as mosquitto takes it. A code is for one router: others refuse it.

import { InputError, WireError } from '../errors.ts';
import { decodeBase32, encodeBase32 } from './base32.ts';
import { encodeBase64 } from './base64.ts';
import { fromHex, joinBytes, toHex } from './bytes.ts';
import { type EnvelopeSigner, sealEnvelope, splitEnvelope } from './envelope.ts';
import { hmacSha512, pbkdf2Sha512 } from './hmac.ts';
import { nodeIdOf } from './node-id.ts';
import { encodeUtf8 } from './utf8.ts';

/** The part of the port that is needed here: 32-byte seeds and keys, 64-byte signatures. */
export interface EnrolmentCrypto {
  sha512(bytes: Uint8Array): Uint8Array;
  ed25519Public(seed: Uint8Array): Uint8Array;
  ed25519Sign(seed: Uint8Array, bytes: Uint8Array): Uint8Array;
  ed25519Verify(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean;
}

/** What an operator learns of a router. */
export interface Card {
  node: string;
  /** 64 hex digits. */
  key: string;
  /** Base32; the code says it again. */
  salt: string;
  /** As a password file of mosquitto has it, behind the user and a colon. */
  passwordHash: string;
}

/** A key that is to order, as a code names it. */
export interface CodeKey {
  /** 1 to 24 of a-z, 0-9 and _. */
  name: string;
  public: string;
  scope: string;
}

/** What an operator tells a router. Its JSON is the body of a code. */
export interface Code {
  v: 1;
  /** Whom it is for. */
  node: string;
  site: string;
  /** The broker: `mqtts://host[:port]` or `mqtt://host[:port]`. */
  url: string;
  /** Of the card that it answers; the password is made of it. Either this or `password`. */
  salt?: string;
  /** For brokers that do not take the hash of the card. A secret, unlike all else. */
  password?: string;
  /** As the configuration's `server_name` and `pin`. */
  server_name?: string;
  pins?: string[];
  keys: CodeKey[];
  /** What the operator proposes as `manage_cap`. */
  cap: string;
  /** Unix seconds. */
  exp: number;
}

const CARD = 'mbcard';
const CODE = 'mbcode';
const CARD_VERSION = 1;
const SALT_BYTES = 12;
const CARD_BODY = 1 + 32 + SALT_BYTES + 64;
const CARD_BYTES = CARD_BODY + 64;
/** As mosquitto_passwd counts. The password has 130 random bits: more rounds would protect nothing. */
const ROUNDS = 101;
const PASSWORD_LENGTH = 26;
/** Longest code, in characters. */
export const MAX_CODE = 6000;
/** A card is about 280. */
const MAX_CARD = 1000;
const MAX_KEYS = 4;
const MAX_PINS = 4;

/** A new card, by the router's seed; `salt` are 12 random bytes. */
export function makeCard(crypto: EnrolmentCrypto, seed: Uint8Array, salt: Uint8Array): string {
  const password = encodeUtf8(passwordOf(crypto, seed, salt));
  const hash = pbkdf2Sha512((bytes) => crypto.sha512(bytes), password, salt, ROUNDS);
  const body = joinBytes([new Uint8Array([CARD_VERSION]), crypto.ed25519Public(seed), salt, hash]);
  return CARD + encodeBase32(joinBytes([body, crypto.ed25519Sign(seed, signedPart(body))]));
}

/** What a card says. @throws InputError when it is none, is cut, or was mistyped. */
export function parseCard(crypto: EnrolmentCrypto, text: string): Card {
  const bytes = read(text, CARD, 'card', MAX_CARD);
  if (bytes[0] !== CARD_VERSION)
    throw new InputError(`card: expected version ${CARD_VERSION}, got ${bytes[0]}`, 'card');
  if (bytes.length !== CARD_BYTES) throw damaged('card');
  const body = bytes.subarray(0, CARD_BODY);
  const key = body.slice(1, 33);
  if (!crypto.ed25519Verify(key, signedPart(body), bytes.slice(CARD_BODY))) throw damaged('card');
  const salt = body.slice(33, 33 + SALT_BYTES);
  return {
    node: nodeIdOf((part) => crypto.sha512(part), key),
    key: toHex(key),
    salt: encodeBase32(salt),
    passwordHash: `$7$${ROUNDS}$${encodeBase64(salt)}$${encodeBase64(body.slice(33 + SALT_BYTES))}`,
  };
}

/** The password of a router at the broker that its card was made for: 26 letters and digits. */
export function passwordOf(crypto: EnrolmentCrypto, seed: Uint8Array, salt: Uint8Array): string {
  const made = hmacSha512((bytes) => crypto.sha512(bytes), seed, joinBytes([encodeUtf8('mb/1 password\n'), salt]));
  return encodeBase32(made).slice(0, PASSWORD_LENGTH);
}

/** The text of a code. */
export function sealCode(code: Code, signers: readonly EnvelopeSigner[]): string {
  return CODE + encodeBase32(sealEnvelope('code', JSON.stringify(code), signers));
}

/**
 * What a code says, whoever it is for and however old. At least one of the keys that it names signed it, so nobody changed it.
 * @throws InputError when it is none, is cut, was mistyped, or is not signed.
 */
export function openCode(crypto: EnrolmentCrypto, text: string): Code {
  const payload = read(text, CODE, 'code', MAX_CODE);
  let code: Code;
  try {
    const { signed, body, signatures } = splitEnvelope('code', payload);
    code = checkCode(JSON.parse(body));
    const holds = signatures.some(({ key, signature }) => {
      const known = code.keys.find((one) => one.public.startsWith(key));
      return known !== undefined && crypto.ed25519Verify(fromHex(known.public), signed, signature);
    });
    if (!holds) throw damaged('code');
  } catch (error) {
    if (error instanceof WireError || error instanceof SyntaxError) throw damaged('code');
    throw error;
  }
  return code;
}

/** The salt of a code, as `passwordOf` takes it. */
export function saltOf(code: Pick<Code, 'salt'>): Uint8Array | undefined {
  return code.salt === undefined ? undefined : decodeBase32(code.salt);
}

const TEXT = /^[!-~]{1,255}$/;
const CHECKS: { readonly [F in keyof Required<Code>]: (value: unknown) => boolean } = {
  v: (value) => value === 1,
  node: (value) => isLike(value, /^[a-z2-7]{13}$/),
  site: (value) => isLike(value, /^[a-z0-9-]{1,32}$/),
  url: (value) => isLike(value, /^mqtts?:\/\/[!-?A-~]{1,255}$/), // without @
  salt: (value) => value === undefined || isLike(value, /^[a-z2-7]{20}$/),
  password: (value) => value === undefined || isLike(value, TEXT),
  server_name: (value) => value === undefined || isLike(value, TEXT),
  pins: (value) => value === undefined || isList(value, MAX_PINS, (pin) => isLike(pin, /^[A-Za-z0-9+/]{43}=$/)),
  keys: (value) => isList(value, MAX_KEYS, isCodeKey) && (value as unknown[]).length > 0,
  cap: (value) => isLike(value, /^[a-z]{1,16}$/),
  exp: (value) => Number.isSafeInteger(value) && (value as number) > 0,
};

function checkCode(value: unknown): Code {
  const code = value as Partial<Code>;
  if (typeof code !== 'object' || code === null) throw damaged('code');
  if (code.v !== 1)
    throw new InputError(`code: expected version 1, got ${JSON.stringify(code.v)?.slice(0, 32)}`, 'code');
  for (const [name, holds] of Object.entries(CHECKS))
    if (!holds(code[name as keyof Code])) throw new InputError(`code: its ${name} does not do`, 'code');
  if ((code.salt === undefined) === (code.password === undefined))
    throw new InputError('code: expected a salt or a password', 'code');
  return code as Code;
}

function isLike(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value);
}

function isList(value: unknown, most: number, holds: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length <= most && value.every(holds);
}

function isCodeKey(value: unknown): value is CodeKey {
  const { name, public: publicKey, scope } = (value ?? {}) as Partial<CodeKey>;
  return isLike(name, /^[a-z0-9_]{1,24}$/) && isLike(publicKey, /^[0-9a-f]{64}$/) && isLike(scope, /^[a-z]{1,16}$/);
}

function signedPart(body: Uint8Array): Uint8Array {
  return joinBytes([encodeUtf8('mb/1 card\n'), body]);
}

/** The bytes of a card or code that went through chats and mails: broken into lines, quoted, begun with a capital. */
function read(text: string, prefix: string, what: string, most: number): Uint8Array {
  const plain = text
    .slice(0, 4 * most)
    .replace(/[\s>\u200b\u2060\ufeff]/g, '')
    .toLowerCase();
  if (!plain.startsWith(prefix)) {
    const other = plain.startsWith(CARD) ? ', got a card' : plain.startsWith(CODE) ? ', got a code' : '';
    throw new InputError(`${what}: expected a text that begins with ${prefix}${other}`, what);
  }
  if (plain.length > most) throw new InputError(`${what}: expected at most ${most} characters`, what);
  try {
    return decodeBase32(plain.slice(prefix.length));
  } catch {
    throw damaged(what);
  }
}

function damaged(what: string): InputError {
  return new InputError(`${what}: expected it whole and as it was sent; it was cut or changed on the way`, what);
}
