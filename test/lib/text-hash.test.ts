import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hashText } from '../../src/lib/text-hash.ts';

const hash = suite('hashText');
hash('is 0 for nothing, and tells texts apart', () => {
  assert.is(hashText(''), 0);
  assert.is(hashText('Peers'), 0xf58eeafb);
  const texts = Array.from({ length: 5000 }, (_, n) => `text ${n} ${'ä'.repeat(n % 5)}`);
  assert.is(new Set(texts.map(hashText)).size, texts.length);
});
hash.run();
