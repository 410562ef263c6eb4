import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fromHex } from '../../src/lib/bytes.ts';
import { keyIdOf, nodeIdOf } from '../../src/lib/node-id.ts';
import { crypto } from '../support/crypto.ts';

const KEY = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';

const node = suite('nodeIdOf');
node('is 13 characters of the hash of the key', () => {
  // hashlib.sha512 and base64.b32encode of Python 3.11
  assert.is(
    nodeIdOf((bytes) => crypto.sha512(bytes), fromHex(KEY)),
    'bybkkarfws5ku',
  );
});
node.run();

const key = suite('keyIdOf');
key('is the first 16 digits', () => assert.is(keyIdOf(KEY), 'd75a980182b10ab7'));
key.run();
