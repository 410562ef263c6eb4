import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { Logger } from '../../src/log.ts';
import { Invites } from '../../src/mesh/invite.ts';
import { InviteFile } from '../../src/system/invite-file.ts';
import { crypto } from '../support/crypto.ts';
import { MemoryFiles } from '../support/files.ts';

const DIRECTORY = '/etc/meshbridge/clients';
const PATH = `${DIRECTORY}/invites.json`;
function make(files = new MemoryFiles()) {
  const lines: string[] = [];
  const file = new InviteFile(files, DIRECTORY, new Logger((line) => lines.push(line)).scope('registrar'));
  let made = 0;
  const invites = new Invites(file, crypto.sha512, (count) => new Uint8Array(count).fill(++made));
  return { files, lines, file, invites };
}
const TERMS = { left: 2, until_s: 2000, access_s: 60, site: 'north', note: 'a' };

const test = suite('InviteFile');
test('keeps invites over restarts, with what is left of them, and never their words', () => {
  const { files, invites } = make();
  const { code } = invites.make(TERMS, 1000);
  const again = make(files);
  assert.equal(again.invites.redeem(code, 'north', 1500)?.accessS, 60);
  const third = make(files).invites;
  assert.equal([third.list()[0]!.left, third.list()[0]!.used], [1, 1]);
  assert.not.match(decodeUtf8(files.all.get(PATH)!.bytes), new RegExp(code.replaceAll('-', '')));
  assert.is(files.all.get(PATH)!.mode, 0o600);
  assert.is(third.revoke(third.list()[0]!.id), true);
  assert.equal(files.list(DIRECTORY), []);
});
test('drops those that are over when another one is made', () => {
  const { invites } = make();
  invites.make({ ...TERMS, until_s: 1500 }, 1000);
  invites.make(TERMS, 1600);
  assert.is(invites.list().length, 1);
});
test('leaves out what is broken, and says so', () => {
  for (const text of ['{', '[{"hash":"short"}]', '[7]']) {
    const files = new MemoryFiles();
    files.write(PATH, encodeUtf8(text), 0o600);
    const { invites, lines } = make(files);
    assert.equal(invites.list(), [], text);
    assert.match(lines.join(), /not read/);
  }
});
test.run();
