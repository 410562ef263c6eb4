// What every host owes of hashes and signatures: the vectors of the standards, and agreement with a library of others over random,
// changed and malformed input.

import * as noble from '@noble/ed25519';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fromHex, joinBytes, toHex } from '../../src/lib/bytes.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import type { Crypto } from '../../src/transport/host.ts';
import { seededRandom } from '../support/random.ts';
import { WEAK_KEYS } from '../support/weak-keys.ts';

/** FIPS 180-4, as in NIST's examples: text, hash. */
const HASHES: [string, string][] = [
  [
    '',
    'cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e',
  ],
  [
    'abc',
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
  ],
  [
    'abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu',
    '8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909',
  ],
];
/** Of the hashes of 0, 1, … 299 times the byte 0x61, one after the other. Source: hashlib of Python 3.11. */
const HASH_OF_HASHES =
  '31c336adab577370612bbdd2a77b25de07ec8389de752295ba890ce160fc80654d34f23f93a5819b359f2a8ef15f3f274cbfa5becc521e5728397d60265ffb21';

/** RFC 8032, section 7.1: seed, public key, message, signature. */
const SIGNATURES: [string, string, string, string, string][] = [
  [
    'TEST 1',
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    'TEST 2',
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'TEST 3',
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
  [
    'TEST SHA(abc)',
    '833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42',
    'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
    HASHES[1]![1],
    'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
  ],
];

/** The order of the base point. */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const ROUNDS = 8;
/** Bytes on both sides of what one or two blocks of the hash hold. */
const LENGTHS = [0, 1, 47, 48, 63, 64, 65, 111, 112, 175, 176, 200, 8192];

function toNumber(bytes: Uint8Array): bigint {
  return [...bytes].reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
}

function toBytes(number: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, at) => Number((number >> BigInt(8 * at)) & 255n));
}

/** Registers the suites of hashes and signatures; `rest` gives the loop a turn, for the other library is slow on an engine without a compiler. */
export function testCrypto(crypto: Crypto, rest: () => Promise<void>): void {
  const hashing = suite('sha512');
  for (const [text, hash] of HASHES)
    hashing(`hashes ${text.length} characters as the standard does`, () => {
      assert.is(toHex(crypto.sha512(encodeUtf8(text))), hash);
    });
  hashing('hashes every length up to 299, also of a part of an array', () => {
    const hashes = Array.from({ length: 300 }, (_, count) => {
      const bytes = new Uint8Array(count + 7)
        .fill(0x61)
        .fill(0, 0, 3)
        .fill(0, 3 + count);
      return crypto.sha512(bytes.subarray(3, 3 + count));
    });
    assert.is(toHex(crypto.sha512(joinBytes(hashes))), HASH_OF_HASHES);
  });
  hashing.run();

  const signing = suite('ed25519');
  for (const [name, seed, publicKey, message, signature] of SIGNATURES)
    signing(`holds ${name} of RFC 8032`, () => {
      const [key, bytes] = [fromHex(publicKey), fromHex(message)];
      assert.is(toHex(crypto.ed25519Public(fromHex(seed))), publicKey);
      assert.is(toHex(crypto.ed25519Sign(fromHex(seed), bytes)), signature);
      assert.ok(crypto.ed25519Verify(key, bytes, fromHex(signature)));
      assert.not.ok(crypto.ed25519Verify(key, joinBytes([bytes, new Uint8Array(1)]), fromHex(signature)));
    });

  signing('agrees with a library of others on keys, signatures and what is none', async () => {
    noble.hashes.sha512 = (bytes) => crypto.sha512(bytes) as Uint8Array<ArrayBuffer>;
    const random = seededRandom(8032);
    const below = (limit: number): number => Math.floor(random() * limit);
    const some = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => below(256));
    let refused = 0;
    const agree = async (signature: Uint8Array, message: Uint8Array, key: Uint8Array): Promise<boolean> => {
      await rest();
      const ours = crypto.ed25519Verify(key, message, signature);
      let theirs = false;
      try {
        theirs = noble.verify(signature, message, key, { zip215: false });
      } catch {
        // no point of the curve
      }
      assert.is(ours, theirs, `~> key ${toHex(key)}, message ${toHex(message)}, signature ${toHex(signature)}`);
      if (!ours) refused++;
      return ours;
    };
    const flip = (bytes: Uint8Array): Uint8Array => {
      const changed = bytes.slice();
      changed[below(changed.length)]! ^= 1 << below(8);
      return changed;
    };
    for (let round = 0; round < ROUNDS; round++) {
      const seed = some(32);
      const message = some(LENGTHS[round % LENGTHS.length]! + 1);
      const key = crypto.ed25519Public(seed);
      assert.equal(key, noble.getPublicKey(seed));
      await rest();
      const signature = crypto.ed25519Sign(seed, message);
      assert.equal(signature, noble.sign(message, seed));
      assert.ok(await agree(signature, message, key));
      await agree(flip(signature), message, key);
      await agree(signature, flip(message), key);
      await agree(signature, message, flip(key));
      await agree(some(64), message, some(32));
    }
    assert.is(refused, 4 * ROUNDS);
  });

  signing('takes every length of a message', () => {
    const seed = new Uint8Array(32).fill(5);
    const key = crypto.ed25519Public(seed);
    for (const length of LENGTHS) {
      const message = new Uint8Array(length).fill(length);
      const signature = crypto.ed25519Sign(seed, message);
      assert.ok(crypto.ed25519Verify(key, message, signature), `${length}`);
      assert.not.ok(crypto.ed25519Verify(key, new Uint8Array(length + 1), signature), `${length}`);
    }
  });

  signing('refuses a second signature made of a known one', () => {
    const [seed, message] = [new Uint8Array(32).fill(7), encodeUtf8('message')];
    const key = crypto.ed25519Public(seed);
    const signature = crypto.ed25519Sign(seed, message);
    const scalar = toNumber(signature.subarray(32));
    // up to 2^256: without the check, each would hold
    for (let times = 1n; scalar + times * ORDER < 2n ** 256n; times++) {
      const other = joinBytes([signature.subarray(0, 32), toBytes(scalar + times * ORDER)]);
      assert.not.ok(crypto.ed25519Verify(key, message, other), `${times}`);
    }
    assert.ok(crypto.ed25519Verify(key, message, signature));
  });

  signing('refuses keys under which anything can be signed', () => {
    // the neutral point, and nothing times the base: it holds under a key of small order whenever that cancels out
    const forged = joinBytes([fromHex(WEAK_KEYS[1]!), new Uint8Array(32)]);
    for (const text of WEAK_KEYS)
      for (const sign of [0, 0x80]) {
        const key = fromHex(text);
        key[31]! |= sign;
        for (let message = 0; message < 32; message++)
          assert.not.ok(crypto.ed25519Verify(key, Uint8Array.of(message), forged), toHex(key));
      }
  });

  signing('refuses what has a wrong length, and what is no point', () => {
    const seed = new Uint8Array(32);
    const [key, signature] = [crypto.ed25519Public(seed), crypto.ed25519Sign(seed, seed)];
    for (const count of [0, 31, 33, 64])
      assert.not.ok(crypto.ed25519Verify(new Uint8Array(count).fill(9), seed, signature));
    for (const count of [0, 63, 65, 96]) assert.not.ok(crypto.ed25519Verify(key, seed, new Uint8Array(count)));
    assert.not.ok(crypto.ed25519Verify(new Uint8Array(32).fill(2), seed, signature), '~> not on the curve');
    for (const count of [0, 31, 33]) {
      assert.throws(() => crypto.ed25519Public(new Uint8Array(count)), `public: seed: ${count} bytes, expected 32`);
      assert.throws(() => crypto.ed25519Sign(new Uint8Array(count), seed), `sign: seed: ${count} bytes, expected 32`);
    }
  });
  signing.run();
}
