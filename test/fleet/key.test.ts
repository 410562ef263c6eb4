import { createHash, generateKeyPairSync, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { crypto } from '../../src/fleet/crypto.ts';
import { Home } from '../../src/fleet/home.ts';
import { findKey, formatKeySection, listKeys, makeKey, openKey } from '../../src/fleet/key.ts';
import { fromHex, toHex } from '../../src/lib/bytes.ts';
import { parseUci } from '../../src/lib/uci.ts';

const never = (): Promise<string> => Promise.reject(new Error('asked'));

async function withHome(use: (home: Home) => void | Promise<void>): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'meshbridge-key-'));
  try {
    await use(new Home(path));
  } finally {
    rmSync(path, { recursive: true });
  }
}

async function problem(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'none',
    (error: Error) => error.message,
  );
}

const ed25519 = suite('crypto');
// RFC 8032, section 7.1, test 2
const SEED = '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb';
const PUBLIC = '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c';
const SIGNATURE =
  '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00';
ed25519('makes the keys and signatures of RFC 8032', () => {
  assert.is(toHex(crypto.ed25519Public(fromHex(SEED))), PUBLIC);
  assert.is(toHex(crypto.ed25519Sign(fromHex(SEED), new Uint8Array([0x72]))), SIGNATURE);
});
ed25519('takes what is signed, and nothing that differs by a bit', () => {
  const [key, message, signature] = [fromHex(PUBLIC), new Uint8Array([0x72]), fromHex(SIGNATURE)];
  assert.ok(crypto.ed25519Verify(key, message, signature));
  for (const bytes of [key, message, signature])
    for (let at = 0; at < bytes.length; at += 7) {
      bytes[at]! ^= 1;
      assert.not.ok(crypto.ed25519Verify(key, message, signature));
      bytes[at]! ^= 1;
    }
  assert.not.ok(crypto.ed25519Verify(key.subarray(1), message, signature));
  assert.not.ok(crypto.ed25519Verify(new Uint8Array(32).fill(255), message, signature));
  assert.not.ok(crypto.ed25519Verify(key, message, signature.subarray(1)));
});
ed25519('agrees with Node', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
  assert.is(
    toHex(crypto.ed25519Public(seed)),
    publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex'),
  );
  const bytes = new TextEncoder().encode('words');
  assert.ok(verify(null, bytes, publicKey, crypto.ed25519Sign(seed, bytes)));
  assert.is(toHex(crypto.sha512(bytes)), createHash('sha512').update(bytes).digest('hex'));
});
ed25519.run();

// ---

const keys = suite('keys');
keys('are made, listed and sign', () =>
  withHome(async (home) => {
    assert.equal(listKeys(home), []);
    const made = makeKey(home, 'anna', 'operate');
    assert.equal(listKeys(home), [made]);
    assert.equal(findKey(home, 'anna'), made);
    assert.not.ok(made.isSealed);
    const signer = await openKey(home, 'anna', never);
    assert.equal([signer.name, signer.key], ['anna', made.public.slice(0, 16)]);
    const bytes = new Uint8Array([1, 2, 3]);
    assert.ok(crypto.ed25519Verify(fromHex(made.public), bytes, signer.sign(bytes)));
  }),
);
keys('that are sealed open by their passphrase alone', () =>
  withHome(async (home) => {
    const made = makeKey(home, 'anna', 'configure', 'pässword one');
    assert.ok(made.isSealed);
    const text = readFileSync(home.file('keys/anna.json'), 'utf8');
    assert.not.match(text, '"seed"');
    // the same letters, composed differently
    const signer = await openKey(home, 'anna', async () => 'pa\u0308ssword one');
    assert.is(signer.key, made.public.slice(0, 16));
    assert.match(await problem(openKey(home, 'anna', async () => 'another')), 'the passphrase is another one');
    // another public key would let somebody sign with what is not theirs
    writeFileSync(home.file('keys/anna.json'), text.replace(made.public, PUBLIC));
    assert.match(await problem(openKey(home, 'anna', async () => 'pässword one')), 'the file was changed');
    writeFileSync(home.file('keys/anna.json'), text.replace(/"n": \d+/, '"n": 1073741824'));
    assert.match(await problem(openKey(home, 'anna', async () => 'pässword one')), 'the file was changed');
  }),
);
keys('whose halves do not belong together do not sign', () =>
  withHome(async (home) => {
    const made = makeKey(home, 'anna', 'operate');
    const file = home.file('keys/anna.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace(made.public, PUBLIC));
    assert.match(await problem(openKey(home, 'anna', never)), 'its secret does not belong to its public key');
  }),
);
for (const [what, change] of [
  ['another version', (text: string) => text.replace('"v": 1', '"v": 2')],
  ['another name', (text: string) => text.replace('"anna"', '"otto"')],
  ['no scope', (text: string) => text.replace('"operate"', '"everything"')],
  ['half a key', (text: string) => text.replace(/("public": "[0-9a-f]{32})[0-9a-f]+/, '$1')],
  ['no secret', (text: string) => text.replace('"seed"', '"sead"')],
  ['a list', () => '[]'],
  ['null', () => 'null'],
] as const)
  keys(`are none with ${what}`, () =>
    withHome((home) => {
      makeKey(home, 'anna', 'operate');
      const file = home.file('keys/anna.json');
      writeFileSync(file, change(readFileSync(file, 'utf8')));
      assert.throws(() => findKey(home, 'anna'), /expected a key of version 1/);
    }),
  );
keys('have names that are paths to nowhere else, and are not made twice', () =>
  withHome((home) => {
    for (const name of ['', '../x', 'A', 'a b', 'x'.repeat(25)])
      assert.throws(() => makeKey(home, name, 'operate'), /expected a name of 1 to 24/);
    makeKey(home, 'anna', 'operate');
    assert.throws(() => makeKey(home, 'anna', 'operate'), /there is one called anna/);
    assert.throws(() => findKey(home, 'otto'), /there is none called otto/);
  }),
);
keys('are written down for a router as UCI', () =>
  withHome((home) => {
    const key = makeKey(home, 'anna', 'diagnose');
    const [section] = parseUci(formatKeySection(key)).sections;
    assert.equal([section!.type, section!.name], ['key', 'anna']);
    assert.is(section!.options.get('public')!.value, key.public);
    assert.is(section!.options.get('scope')!.value, 'diagnose');
  }),
);
keys.run();
