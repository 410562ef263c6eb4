import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError, WireError } from '../../src/errors.ts';
import {
  type HomeListHead,
  headBody,
  type ListedHome,
  MAX_LISTED,
  MAX_PART_BYTES,
  packHomes,
  partHash,
  readHead,
  readPart,
} from '../../src/lib/home-list.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { crypto } from '../support/crypto.ts';
import { nodeOf } from '../support/node-key.ts';

const sha512 = (bytes: Uint8Array): Uint8Array => crypto.sha512(bytes);
const home = (n: number, more: Partial<ListedHome> = {}): ListedHome => ({
  ...{ address: nodeOf(n).address, standing: 'admitted', reason: '' },
  ...more,
});
const GATEWAY = { site: 'elm-street', node: 'abcdefghij234', key: 'ab'.repeat(32) };
const HEAD: HomeListHead = {
  ...{ gen: 7, group: 'east', homes: 2, parts: ['a'.repeat(52)], gateways: [GATEWAY], again: false },
};

const parts = suite('parts of a list of homes');
parts('hold what is decided on each, by address', () => {
  const homes = [
    home(3, { standing: 'refused', reason: 'spam „ä“' }),
    home(1),
    home(2, { standing: 'suspended', reason: 'not paid', until_s: 1_900_000_000 }),
    home(4, { limits: { quota_mb: 50_000, flows: 0 } }),
    home(5, { reason: 'x', limits: {} }),
  ];
  const packed = packHomes(homes);
  assert.is(packed.length, 1);
  const { limits: _, ...fifth } = homes[4]!;
  const wanted = [...homes.slice(0, 4), fifth].sort((a, b) => (a.address < b.address ? -1 : 1));
  assert.equal(readPart(packed[0]!), wanted);
  assert.equal(packHomes([...homes].reverse()), packed, '~> whatever their order was');
  assert.equal(packHomes([]), []);
});
parts('are as few as there can be, and each has room in a message', () => {
  const homes = Array.from({ length: MAX_LISTED }, (_, n) =>
    home(n, { standing: 'suspended', reason: 'ä'.repeat(n % 50) }),
  );
  const packed = packHomes(homes);
  for (const part of packed) assert.ok(part.length <= MAX_PART_BYTES, String(part.length));
  const bytes = packed.reduce((sum, part) => sum + part.length, 0);
  assert.ok(packed.length <= Math.ceil(bytes / (MAX_PART_BYTES - 200)), String(packed.length));
  assert.is(packed.flatMap((part) => readPart(part)).length, MAX_LISTED);
  assert.throws(
    () => packHomes([...homes, home(MAX_LISTED)]),
    (error: Error) => error instanceof InputError && /at most 4096, got 4097/.test(error.message),
  );
  const long = homes.map((one) => ({ ...one, reason: 'ä'.repeat(256) }));
  assert.throws(() => packHomes(long), /expected at most 768000 bytes in all/);
});
parts('are told apart by their hashes', () => {
  const [one] = packHomes([home(1)]);
  const [other] = packHomes([home(1, { standing: 'suspended', reason: 'x' })]);
  assert.match(partHash(sha512, one!), /^[a-z2-7]{52}$/);
  assert.is.not(partHash(sha512, one!), partHash(sha512, other!));
});
const ADDRESS = nodeOf(1).address;
for (const text of [
  '',
  'x',
  '{}',
  '7',
  '[7]',
  '[[]]',
  `[["${ADDRESS}"]]`,
  `[["${ADDRESS}","x"]]`,
  `[["${ADDRESS}","aa"]]`,
  '[["300::1","a"]]',
  '[["10.0.0.1","a"]]',
  `[["${ADDRESS}","s",7]]`,
  `[["${ADDRESS}","s","${'x'.repeat(257)}"]]`,
  `[["${ADDRESS}","s","x",-1]]`,
  `[["${ADDRESS}","s","x",1.5]]`,
  `[["${ADDRESS}","s","x","1"]]`,
  `[["${ADDRESS}","a","",0,[]]]`,
  `[["${ADDRESS}","a","",0,7]]`,
  `[["${ADDRESS}","a","",0,{"quota_mb":-1}]]`,
  `[["${ADDRESS}","a","",0,{"quota_mb":1e10}]]`,
  `[["${ADDRESS}","a","",0,{"colour":1}]]`,
  `[["${ADDRESS}","a","",0,{},1]]`,
])
  parts(`are not ${text.slice(0, 70)}, ${text.length}`, () => {
    assert.throws(
      () => readPart(encodeUtf8(text)),
      (error: unknown) => error instanceof WireError,
    );
  });
parts.run();

const heads = suite('the head of a list of homes');
heads('is read as it was written', () => {
  for (const again of [false, true]) assert.equal(readHead(headBody({ ...HEAD, again })), { ...HEAD, again });
});
const BODY = JSON.parse(headBody(HEAD)) as Record<string, unknown>;
for (const [what, change] of [
  ['no generation', { gen: undefined }],
  ['generation 0', { gen: 0 }],
  ['generation 1.5', { gen: 1.5 }],
  ['no group', { aud: {} }],
  ['another kind of audience', { aud: { site: 'east' } }],
  ['a group with a slash', { aud: { group: 'a/b' } }],
  ['a wildcard for a group', { aud: { group: '+' } }],
  ['too many homes', { homes: MAX_LISTED + 1 }],
  ['too many parts', { parts: Array(65).fill('a'.repeat(52)) }],
  ['a part that is no hash', { parts: ['A'.repeat(52)] }],
  ['too many gateways', { gateways: Array(17).fill(GATEWAY) }],
  ['a gateway with a wildcard', { gateways: [{ ...GATEWAY, node: '+' }] }],
  ['a gateway without a key', { gateways: [{ ...GATEWAY, key: undefined }] }],
  ['a member of a time to come', { colour: 'red' }],
] as const)
  heads(`is refused with ${what}`, () => {
    assert.throws(
      () => readHead(JSON.stringify({ ...BODY, ...change })),
      (error: unknown) => error instanceof WireError,
    );
  });
heads('is refused where it is no table', () => {
  for (const text of ['', '[]', '7', 'null', '"x"'])
    assert.throws(
      () => readHead(text),
      (error: unknown) => error instanceof WireError,
      text,
    );
});
heads.run();
