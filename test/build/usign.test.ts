import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inProject } from '../../build/project.ts';
import {
  formatPublicKey,
  formatSecretKey,
  isSignedBy,
  keyName,
  makeKey,
  parsePublicKey,
  parseSecretKey,
  signMessage,
} from '../../build/usign.ts';
import { findSignify } from '../support/signify.ts';

// Before the first suite, which would run meanwhile.
const signify = await findSignify();
const fixture = (name: string): Buffer => readFileSync(inProject(`test/fixtures/packaging/${name}`));
const GOLDEN_KEY = parsePublicKey(fixture('test-only.pub').toString());

const signed = suite('isSignedBy');
signed('believes the signature of the golden feed', () => {
  assert.is(keyName(GOLDEN_KEY), 'd9a0832c253365d1');
  assert.ok(isSignedBy(fixture('Packages.sig').toString(), fixture('Packages'), GOLDEN_KEY));
});
signed('believes no other text, key or fingerprint', () => {
  const text = fixture('Packages');
  const signature = fixture('Packages.sig').toString();
  text[0]! ^= 1;
  assert.not.ok(isSignedBy(signature, text, GOLDEN_KEY), '~> text');
  const key = makeKey();
  assert.not.ok(isSignedBy(signature, fixture('Packages'), { ...key, fingerprint: GOLDEN_KEY.fingerprint }), '~> key');
  assert.not.ok(isSignedBy(signature, fixture('Packages'), { ...GOLDEN_KEY, fingerprint: key.fingerprint }), '~> name');
});
signed.run();

const sign = suite('signMessage');
sign('signs what its own key verifies', () => {
  const key = makeKey();
  for (const size of [0, 1, 45, 46, 47, 127, 128, 5000]) {
    const message = Buffer.alloc(size, 7);
    const signature = signMessage(message, key);
    assert.match(signature, new RegExp(`^untrusted comment: signed by key ${keyName(key)}\n[A-Za-z0-9+/]{99}=\n$`));
    assert.ok(isSignedBy(signature, message, key), `~> ${size} bytes`);
  }
});
sign.run();

const keys = suite('parseSecretKey');
keys('reads what was written', () => {
  const key = makeKey();
  const text = formatSecretKey(key, 'a key');
  assert.match(text, /^untrusted comment: a key\n[A-Za-z0-9+/]+=*\n$/);
  const read = parseSecretKey(text);
  for (const part of ['fingerprint', 'seed', 'key'] as const)
    assert.is(Buffer.from(read[part]).toString('hex'), Buffer.from(key[part]).toString('hex'), `~> ${part}`);
  const open = parsePublicKey(formatPublicKey(key, 'its public half'));
  assert.is(Buffer.from(open.key).toString('hex'), Buffer.from(key.key).toString('hex'));
  assert.is(keyName(open), keyName(key));
});
/** A secret key's file with one byte changed. */
function damaged(at: number): string {
  const [comment, base64] = formatSecretKey(makeKey(), 'x').split('\n');
  const bytes = Buffer.from(base64!, 'base64');
  bytes[at]! ^= 1;
  return `${comment}\n${bytes.toString('base64')}\n`;
}
const FAULTY: [string, () => string, RegExp][] = [
  ['an empty file', () => '', /^secret key: expected a line "untrusted comment/],
  ['a file without comment', () => `${'A'.repeat(139)}=\n`, /expected a line/],
  ['a file of three lines', () => `${formatSecretKey(makeKey(), 'x')}more\n`, /expected a line/],
  ['a public key', () => formatPublicKey(makeKey(), 'x'), /42 bytes, expected 104/],
  ['another algorithm', () => damaged(0), /algorithm "Dd", expected Ed/],
  ['an encrypted key', () => damaged(7), /encrypted with 1 rounds/],
  ['a damaged checksum', () => damaged(24), /damaged/],
  ['a damaged seed', () => damaged(41), /damaged/],
  ['a damaged public half', () => damaged(100), /damaged/],
];
for (const [what, text, message] of FAULTY)
  keys(`refuses ${what}`, () =>
    assert.throws(
      () => parseSecretKey(text()),
      (error: Error) => message.test(error.message),
    ),
  );
keys.run();

const openbsd = suite('signify-openbsd');
if (typeof signify === 'string') {
  const directory = mkdtempSync(join(tmpdir(), 'usign-'));
  const at = (name: string): string => join(directory, name);
  const run = (...args: string[]): { status: number | null; stderr: string } =>
    spawnSync(signify, args, { encoding: 'utf8' });
  openbsd('verifies what we sign, and not when a byte differs', () => {
    const key = makeKey();
    writeFileSync(at('our.pub'), formatPublicKey(key, 'ours'));
    for (const size of [1, 46, 47, 3000]) {
      const message = Buffer.alloc(size, 9);
      writeFileSync(at('message'), message);
      writeFileSync(at('message.sig'), signMessage(message, key));
      const args = ['-V', '-p', at('our.pub'), '-m', at('message'), '-x', at('message.sig')];
      assert.is(run(...args).status, 0, `~> ${size} bytes: ${run(...args).stderr}`);
      message[0]! ^= 1;
      writeFileSync(at('message'), message);
      assert.is(run(...args).status, 1, `~> ${size} bytes, changed`);
    }
  });
  openbsd('signs with our secret key what we verify, in the same bytes', () => {
    const key = makeKey();
    writeFileSync(at('our.sec'), formatSecretKey(key, 'ours'), { mode: 0o600 });
    writeFileSync(at('message'), 'text');
    const { status, stderr } = run('-S', '-s', at('our.sec'), '-m', at('message'), '-x', at('their.sig'));
    assert.is(status, 0, stderr);
    const theirs = readFileSync(at('their.sig'), 'utf8');
    assert.ok(isSignedBy(theirs, Buffer.from('text'), key));
    assert.is(theirs.split('\n')[1], signMessage(Buffer.from('text'), key).split('\n')[1]);
  });
  openbsd('makes keys that we read', () => {
    assert.is(run('-G', '-n', '-p', at('their.pub'), '-s', at('their.sec')).status, 0);
    const key = parseSecretKey(readFileSync(at('their.sec'), 'utf8'));
    const message = Buffer.from('text');
    assert.ok(isSignedBy(signMessage(message, key), message, parsePublicKey(readFileSync(at('their.pub'), 'utf8'))));
  });
  openbsd.after(() => rmSync(directory, { recursive: true }));
  openbsd.run();
} else console.log(`skipped: signatures by signify-openbsd: ${signify.message}`);
