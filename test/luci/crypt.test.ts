import { spawnSync } from 'node:child_process';
import { transformSync } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hashPassword } from '../../luci-app/view/settings/crypt.ts';
import { read } from '../rules/source.ts';

/** What `openssl` makes of it; `undefined` where there is none. */
function opensslHash(password: string, salt: string): string | undefined {
  const { status, stdout } = spawnSync('openssl', ['passwd', '-5', '-salt', salt, '-stdin'], {
    input: `${password}\n`,
    encoding: 'utf8',
  });
  return status === 0 ? stdout.trim() : undefined;
}

const hash = suite('hashPassword');
/** Those of the published specification that have 5000 rounds; then what libxcrypt 4.4.33 made. */
const VECTORS: [password: string, salt: string, hash: string][] = [
  ['Hello world!', 'saltstring', '5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5'],
  ['This is just a test', 'toolongsaltstrin', 'Un/5jzAHMgOGZ5.mWJpuVolil07guHPvOW8mGRcvxa5'],
  ['', 'x', 'yHbtfs4Y8t6X1xcJemNX.4JQRfUTafA2qQenWGLBee2'],
  ['é😀', './', 'cLOtpQ1U9fpsua8Wf0jtczIve5mS1Pw1S.mwSicrPK.'],
];
for (const [password, salt, wanted] of VECTORS)
  hash(`makes what crypt(3) makes of ${JSON.stringify(password)}`, () => {
    assert.is(hashPassword(password, salt), `$5$${salt}$${wanted}`);
  });
const has = opensslHash('x', 'y') !== undefined;
if (!has) console.log('skipped: hashes beside those of openssl: no openssl');
else
  hash('makes what openssl makes, at every length that matters', () => {
    for (const length of [1, 15, 16, 17, 31, 32, 33, 55, 56, 63, 64, 65, 100, 128])
      for (const salt of ['a', 'abcdefgh', 'ABCDEFGH01234567']) {
        const password = 'pä$w0rd "\\'.repeat(13).slice(0, length);
        assert.is(hashPassword(password, salt), opensslHash(password, salt), `~> ${length} characters`);
      }
  });
hash('takes a new salt each time', () => {
  const made = [1, 2, 3].map(() => hashPassword('x'));
  assert.is(new Set(made).size, 3);
  for (const one of made) assert.match(one, /^\$5\$[./A-Za-z0-9]{16}\$[./A-Za-z0-9]{43}$/);
});
hash('costs pages less than 3 KB', () => {
  const { code } = transformSync(read('luci-app/view/settings/crypt.ts'), { loader: 'ts', minify: true });
  assert.ok(code.length < 3000, `~> ${code.length} bytes`);
});
hash.run();
