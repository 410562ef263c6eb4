import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatInvite, INVITE_BYTES, INVITE_HASH, inviteHash } from '../../src/lib/invite-code.ts';
import { crypto } from '../support/crypto.ts';

const sha512 = (bytes: Uint8Array): Uint8Array => crypto.sha512(bytes);
const WORD = formatInvite(new Uint8Array(INVITE_BYTES).map((_, i) => 25 * i));

const code = suite('codes of invites');
code('are groups of letters and digits that are not mistaken for one another', () => {
  assert.is(WORD, 'aamt-es3e-pwlk-7shb');
  assert.match(formatInvite(new Uint8Array(INVITE_BYTES)), /^aaaa-aaaa-aaaa-aaaa$/);
});
code('have the same hash however they are written down', () => {
  const hash = inviteHash(sha512, WORD)!;
  assert.match(hash, INVITE_HASH);
  for (const text of [WORD.toUpperCase(), WORD.replaceAll('-', ''), ` ${WORD.replaceAll('-', ' ')}\n`])
    assert.is(inviteHash(sha512, text), hash, text);
  assert.is.not(inviteHash(sha512, formatInvite(new Uint8Array(INVITE_BYTES))), hash);
});
code('are nothing else', () => {
  for (const text of ['', 'abc', WORD.slice(1), `${WORD}a`, WORD.replace('a', '1'), 'ä'.repeat(16)])
    assert.is(inviteHash(sha512, text), undefined, text);
});
code.run();
