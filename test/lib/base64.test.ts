import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeBase64, encodeBase64 } from '../../src/lib/base64.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';

/** RFC 4648, section 10. */
const VECTORS: Record<string, string> = {
  '': '',
  f: 'Zg==',
  fo: 'Zm8=',
  foo: 'Zm9v',
  foob: 'Zm9vYg==',
  fooba: 'Zm9vYmE=',
  foobar: 'Zm9vYmFy',
};

const encode = suite('encodeBase64');
for (const [plain, text] of Object.entries(VECTORS))
  encode(`writes "${plain}" as "${text}"`, () => assert.is(encodeBase64(encodeUtf8(plain)), text));
encode('has all 64 digits', () => {
  const bytes = Uint8Array.from({ length: 48 }, (_, i) => {
    const [a = 0, b = 0] = [Math.floor((i * 8) / 6), Math.floor((i * 8) / 6) + 1];
    const shift = (i * 8) % 6;
    return (((a << 6) | b) >> (4 - shift)) & 255;
  });
  assert.is(encodeBase64(bytes), 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
});
encode('keeps the first bit of each byte', () =>
  assert.is(encodeBase64(new Uint8Array([255, 254, 128, 127])), '//6Afw=='),
);
encode.run();

const decode = suite('decodeBase64');
for (const [plain, text] of Object.entries(VECTORS))
  decode(`reads "${text}" as "${plain}"`, () => assert.equal(decodeBase64(text), encodeUtf8(plain)));
decode('reads what it wrote, of every length', () => {
  for (let length = 0; length < 70; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 73 + length) & 255);
    assert.equal(decodeBase64(encodeBase64(bytes)), bytes);
  }
});
for (const text of [
  'Z',
  'Zg',
  'Zg=',
  'Zg===',
  '====',
  'Z===',
  '=Zg=',
  'Zh==',
  'Zm9=',
  'Z-==',
  'Z_==',
  'Zm 9',
  'Zm9v\n',
  'Zg==Zg==',
  'Zmé=',
])
  decode(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => decodeBase64(text), /^base64: expected/));
decode.run();
