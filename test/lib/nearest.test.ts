import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nearest } from '../../src/lib/nearest.ts';

const KNOWN = ['log_level', 'poll_brisk', 'poll_idle', 'probe', 'on'];

const WORDS: [string, string | undefined][] = [
  ['loglevel', 'log_level'],
  ['LOG_LEVEL', 'log_level'],
  ['log-level', 'log_level'],
  ['poll_birsk', 'poll_brisk'],
  ['pol_idle', 'poll_idle'],
  ['poll_idel', 'poll_idle'],
  ['prob', 'probe'],
  ['porbe', 'probe'],
  ['om', 'on'],
  ['off', undefined],
  ['password', undefined],
  ['', undefined],
  ['x'.repeat(100_000), undefined],
];

const near = suite('nearest');
for (const [word, known] of WORDS)
  near(`finds ${known ?? 'nothing'} for ${word.slice(0, 20)}`, () => assert.is(nearest(word, KNOWN), known));
near('finds nothing among nothing', () => assert.is(nearest('a', []), undefined));
near.run();
