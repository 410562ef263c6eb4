// Makes hostile inputs: a sample of a corpus that was changed, or noise. The random source alone decides which.

import { joinBytes } from '../../src/lib/bytes.ts';

/** Longest input, in bytes: more than any captured sample, little enough for thousands of runs a second. */
const MAX_BYTES = 8192;

/** Uniform numbers in [0, 1). */
type Random = () => number;

/** Sizes at which decoders go wrong. */
const LENGTHS = [
  0, 1, 3, 4, 5, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0xffffff, 0x1000000, 0x7fffffff, 0x80000000, 0xffffffff,
];

/** Text at which parsers go wrong. */
const TEXTS = [
  '"',
  "'",
  '\\',
  '\n',
  '\0',
  '{',
  '[[[[[[[[',
  ']',
  '}',
  ',',
  ':',
  'null',
  '-',
  '1e999',
  '18446744073709551616',
  '\\ud800',
  '__proto__',
];

const below = (random: Random, count: number): number => Math.floor(random() * count);

function noise(random: Random, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, () => below(random, 256));
}

/** `bytes` with the range from `at` to `end` replaced. */
function replaced(bytes: Uint8Array, at: number, end: number, by: Uint8Array): Uint8Array {
  return joinBytes([bytes.subarray(0, at), by, bytes.subarray(end)]);
}

/** A length field that lies: two or four bytes, most significant first. */
function lie(bytes: Uint8Array, random: Random): Uint8Array {
  const size = random() < 0.5 ? 2 : 4;
  const near = bytes.length + below(random, 9) - 4;
  const value = random() < 0.5 ? near : LENGTHS[below(random, LENGTHS.length)]!;
  const field = Uint8Array.from({ length: size }, (_, i) => value >>> (8 * (size - 1 - i)));
  // most fields are aligned
  const at = random() < 0.7 ? 4 * below(random, (bytes.length >> 2) + 1) : below(random, bytes.length + 1);
  return replaced(bytes, at, at + size, field);
}

type Change = (bytes: Uint8Array, random: Random, corpus: readonly Uint8Array[]) => Uint8Array;

const CHANGES: readonly Change[] = [
  function flip(bytes, random) {
    const flipped = bytes.slice();
    for (let count = 1 + below(random, 8); count > 0 && bytes.length > 0; count--) {
      const at = below(random, bytes.length);
      flipped[at] = flipped[at]! ^ (1 << below(random, 8));
    }
    return flipped;
  },
  function truncate(bytes, random) {
    return bytes.subarray(0, below(random, bytes.length + 1));
  },
  function splice(bytes, random, corpus) {
    const other = corpus[below(random, corpus.length)]!;
    return joinBytes([
      bytes.subarray(0, below(random, bytes.length + 1)),
      other.subarray(below(random, other.length + 1)),
    ]);
  },
  function repeat(bytes, random) {
    const at = below(random, bytes.length + 1);
    const part = bytes.subarray(at, at + 1 + below(random, 64));
    return replaced(bytes, at, at, joinBytes(Array.from({ length: 1 + below(random, 40) }, () => part)));
  },
  function remove(bytes, random) {
    const at = below(random, bytes.length + 1);
    return replaced(bytes, at, at + 1 + below(random, 32), new Uint8Array(0));
  },
  function insertText(bytes, random) {
    const at = below(random, bytes.length + 1);
    return replaced(bytes, at, at, Buffer.from(TEXTS[below(random, TEXTS.length)]!));
  },
  function insertNoise(bytes, random) {
    const at = below(random, bytes.length + 1);
    return replaced(bytes, at, at + below(random, 9), noise(random, below(random, 9)));
  },
  lie,
];

/** The next input, at most 8 KiB: noise, or a sample with one to four changes. */
export function nextInput(corpus: readonly Uint8Array[], random: Random): Uint8Array {
  if (random() < 0.2) return noise(random, below(random, random() < 0.9 ? 64 : 1024));
  let bytes = corpus[below(random, corpus.length)]!;
  for (let count = 1 + below(random, 4); count > 0; count--)
    bytes = CHANGES[below(random, CHANGES.length)]!(bytes, random, corpus).subarray(0, MAX_BYTES);
  return bytes;
}
