// SHA-256 crypt ($5$) of a password, as crypt(3) makes it: the router keeps the hash alone and never sees the password. Written out,
// for pages come over http, where browsers offer no cryptography but random numbers.
//
// Source: U. Drepper, "Unix crypt using SHA-256 and SHA-512"; FIPS 180-4.

const DIGITS = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ROUNDS = 5000;
const DIGEST = 32;

/** Fractional parts of roots of the first 64 primes: what the constants of SHA-256 are made of. */
const primes: number[] = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p > 0)) primes.push(n);
const fractions = (power: number): Int32Array => Int32Array.from(primes, (p) => ((p ** power % 1) * 2 ** 32) | 0);
const START = fractions(1 / 2).subarray(0, 8);
const ADDED = fractions(1 / 3);

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const padded = new Uint8Array(((length + 72) >> 6) << 6);
  let end = 0;
  for (const part of parts) {
    padded.set(part, end);
    end += part.length;
  }
  padded[length] = 0x80;
  const input = new DataView(padded.buffer);
  input.setUint32(padded.length - 4, length * 8);

  const state = START.slice();
  const words = new Int32Array(64);
  for (let block = 0; block < padded.length; block += 64) {
    let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
    for (let i = 0; i < 64; i++) {
      words[i] =
        i < 16
          ? input.getInt32(block + 4 * i)
          : mix(words[i - 15]!, 7, 18, 3) + mix(words[i - 2]!, 17, 19, 10) + words[i - 7]! + words[i - 16]!;
      const first = (turn(e, 6, 11, 25) + ((e & f) ^ (~e & g)) + h + ADDED[i]! + words[i]!) | 0;
      const second = turn(a, 2, 13, 22) + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => {
      state[i]! += word;
    });
  }
  const output = new DataView(new ArrayBuffer(DIGEST));
  state.forEach((word, i) => {
    output.setInt32(4 * i, word);
  });
  return new Uint8Array(output.buffer);
}

function rotate(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}

function turn(word: number, a: number, b: number, c: number): number {
  return rotate(word, a) ^ rotate(word, b) ^ rotate(word, c);
}

function mix(word: number, a: number, b: number, shift: number): number {
  return rotate(word, a) ^ rotate(word, b) ^ (word >>> shift);
}

/** As many bytes as wanted, of one digest over and over. */
function repeated(digest: Uint8Array, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => digest[i % DIGEST]!);
}

function digestOf(password: Uint8Array, salt: Uint8Array): Uint8Array {
  const { length } = password;
  const both = sha256(password, salt, password);
  const parts = [password, salt, repeated(both, length)];
  for (let bits = length; bits > 0; bits >>= 1) parts.push(bits & 1 ? both : password);
  let digest = sha256(...parts);
  const secret = repeated(sha256(...Array<Uint8Array>(length).fill(password)), length);
  const spice = repeated(sha256(...Array<Uint8Array>(16 + digest[0]!).fill(salt)), salt.length);
  for (let round = 0; round < ROUNDS; round++) {
    const odd = round % 2 > 0;
    digest = sha256(
      odd ? secret : digest,
      ...(round % 3 ? [spice] : []),
      ...(round % 7 ? [secret] : []),
      odd ? digest : secret,
    );
  }
  return digest;
}

/** crypt's own base 64: three bytes from all over the digest, lowest bits first. */
function digits(digest: Uint8Array): string {
  let text = '';
  const add = (value: number, count: number): void => {
    for (let i = 0; i < count; i++) text += DIGITS[(value >> (6 * i)) & 63];
  };
  let [a, b, c] = [0, 10, 20];
  for (let i = 0; i < 10; i++) {
    add((digest[a]! << 16) | (digest[b]! << 8) | digest[c]!, 4);
    [a, b, c] = [c + 1, a + 1, b + 1];
  }
  add((digest[31]! << 8) | digest[30]!, 3);
  return text;
}

function randomSalt(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => DIGITS[byte & 63]).join('');
}

/** The `$5$…` of a password; `salt` is 1 to 16 of crypt's 64 digits. Takes some tens of milliseconds. */
export function hashPassword(password: string, salt = randomSalt()): string {
  const encoder = new TextEncoder();
  return `$5$${salt}$${digits(digestOf(encoder.encode(password), encoder.encode(salt)))}`;
}
