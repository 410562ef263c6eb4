import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeBase32, encodeBase32 } from '../../src/lib/base32.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';

/** RFC 4648, section 10, in lower case and without padding. */
const VECTORS: Record<string, string> = {
  '': '',
  f: 'my',
  fo: 'mzxq',
  foo: 'mzxw6',
  foob: 'mzxw6yq',
  fooba: 'mzxw6ytb',
  foobar: 'mzxw6ytboi',
};

const encode = suite('encodeBase32');
for (const [plain, text] of Object.entries(VECTORS))
  encode(`writes "${plain}" as "${text}"`, () => assert.is(encodeBase32(encodeUtf8(plain)), text));
encode('has all 32 digits', () => {
  const bytes = [0, 68, 50, 20, 199, 66, 84, 182, 53, 207, 132, 101, 58, 86, 215, 198, 117, 190, 119, 223];
  assert.is(encodeBase32(Uint8Array.from(bytes)), 'abcdefghijklmnopqrstuvwxyz234567');
});
encode.run();

const decode = suite('decodeBase32');
for (const [plain, text] of Object.entries(VECTORS))
  decode(`reads "${text}" as "${plain}"`, () => assert.equal(decodeBase32(text), encodeUtf8(plain)));
decode('reads what it wrote, of every length', () => {
  for (let length = 0; length < 40; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 73 + length) & 255);
    assert.equal(decodeBase32(encodeBase32(bytes)), bytes);
  }
});
for (const text of ['a', 'mzx', 'mzxw6y', 'mz', 'mzxr', 'MY', 'my======', 'm1', 'm0', 'm8', 'm y', 'mý'])
  decode(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => decodeBase32(text), /^base32: expected/));
decode.run();
