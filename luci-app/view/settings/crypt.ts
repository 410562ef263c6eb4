// SHA-256 crypt ($5$) of a password, as crypt(3) makes it: the router keeps the hash alone and never sees the password. Written out,
// for pages come over http, where browsers offer no cryptography but random numbers; in plain lists of bytes, for it must be small.
//
// Source: U. Drepper, "Unix crypt using SHA-256 and SHA-512"; FIPS 180-4.

type Bytes = readonly number[];

const DIGITS = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ROUNDS = 5000;

/** Fractional parts of roots of the first 64 primes are the constants of SHA-256. */
const primes: number[] = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p > 0)) primes.push(n);
const constants = (power: number): Bytes => primes.map((p) => ((p ** power % 1) * 2 ** 32) | 0);
const START = constants(1 / 2).slice(0, 8);
const ADDED = constants(1 / 3);

const turn = (word: number, by: number): number => (word >>> by) | (word << (32 - by));
const turnTwice = (word: number, a: number, b: number): number => turn(word, a) ^ turn(word, b);

function sha256(...message: Bytes): Bytes {
  const bits = 8 * message.length;
  const bytes = [...message, 0x80];
  while (bytes.length % 64 !== 60 || bytes.length < message.length + 5) bytes.push(0);
  bytes.push(...toBytes(bits));
  let state: Bytes = START;
  for (let block = 0; block < bytes.length; block += 64) {
    const words: number[] = [];
    let [a, b, c, d, e, f, g, h] = state as [number, number, number, number, number, number, number, number];
    for (let i = 0; i < 64; i++) {
      const at = block + 4 * i;
      const [old = 0, last = 0] = [words[i - 15], words[i - 2]];
      const word =
        i < 16
          ? (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
          : ((turnTwice(old, 7, 18) ^ (old >>> 3)) +
              (turnTwice(last, 17, 19) ^ (last >>> 10)) +
              words[i - 7]! +
              words[i - 16]!) |
            0;
      words.push(word);
      const first = (turnTwice(e, 6, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + h + ADDED[i]! + word;
      const second = (turnTwice(a, 2, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
    }
    state = [a, b, c, d, e, f, g, h].map((word, i) => (word + state[i]!) | 0);
  }
  return state.flatMap(toBytes);
}

function toBytes(word: number): number[] {
  return [24, 16, 8, 0].map((by) => (word >>> by) & 255);
}

/** `length` bytes of a digest, over and over. */
function fill(digest: Bytes, length: number): Bytes {
  return Array.from({ length }, (_, i) => digest[i % 32]!);
}

function times(count: number, bytes: Bytes): Bytes {
  return Array<Bytes>(count).fill(bytes).flat();
}

function digestOf(password: Bytes, salt: Bytes): Bytes {
  const { length } = password;
  const both = sha256(...password, ...salt, ...password);
  const parts = [password, salt, fill(both, length)];
  for (let bits = length; bits > 0; bits >>= 1) parts.push(bits & 1 ? both : password);
  let digest = sha256(...parts.flat());
  const secret = fill(sha256(...times(length, password)), length);
  const spice = fill(sha256(...times(16 + digest[0]!, salt)), salt.length);
  for (let round = 0; round < ROUNDS; round++) {
    const [first, last] = round % 2 ? [secret, digest] : [digest, secret];
    digest = sha256(...first, ...(round % 3 ? spice : []), ...(round % 7 ? secret : []), ...last);
  }
  return digest;
}

/** crypt's own base 64: three bytes from all over the digest, lowest bits first. */
function toDigits(digest: Bytes): string {
  let text = '';
  for (let i = 0, group = [0, 10, 20]; i < 11; i++, group = [group[2]! + 1, group[0]! + 1, group[1]! + 1]) {
    const [a = 0, b = 0, c = 0] = i < 10 ? group.map((at) => digest[at]!) : [0, digest[31]!, digest[30]!];
    for (let by = 0; by < (i < 10 ? 24 : 18); by += 6) text += DIGITS[(((a << 16) | (b << 8) | c) >> by) & 63];
  }
  return text;
}

const encode = (text: string): Bytes => [...new TextEncoder().encode(text)];

/** The `$5$…` of a password; `salt` is 1 to 16 of crypt's 64 digits. Takes about a tenth of a second. */
export function hashPassword(
  password: string,
  salt = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => DIGITS[byte & 63]).join(''),
): string {
  return `$5$${salt}$${toDigits(digestOf(encode(password), encode(salt)))}`;
}
