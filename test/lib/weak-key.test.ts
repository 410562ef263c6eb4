import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fromHex } from '../../src/lib/bytes.ts';
import { isWeakKey } from '../../src/lib/weak-key.ts';
import { WEAK_KEYS } from '../support/weak-keys.ts';

const weak = suite('isWeakKey');

weak('knows the points of small order, with both signs', () => {
  for (const text of WEAK_KEYS)
    for (const sign of [0, 0x80]) {
      const key = fromHex(text);
      key[31]! |= sign;
      assert.ok(isWeakKey(key), `${text} ${sign}`);
      key[16]! ^= 1;
      assert.not.ok(isWeakKey(key), `${text} ${sign}, changed`);
    }
});

weak('lets the keys of people pass, and does not change them', () => {
  const key = fromHex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
  const before = key.slice();
  assert.not.ok(isWeakKey(key));
  assert.equal(key, before);
});

weak.run();
