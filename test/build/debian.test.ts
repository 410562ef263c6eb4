import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findMirror } from '../../build/debian.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

const mirror = suite('findMirror');

mirror('reads the one-line format', () => {
  const text = '# deb http://old/debian bookworm main\ndeb http://deb.example/debian bookworm main contrib # here\n';
  assert.equal(findMirror([{ path: 'sources.list', text }], 'bookworm'), { uri: 'http://deb.example/debian' });
});

mirror('reads options of the one-line format', () => {
  const text = `deb [ arch=amd64 signed-by=${KEYRING} ] https://deb.example/debian/ trixie main non-free-firmware`;
  const found = { uri: 'https://deb.example/debian/', signedBy: KEYRING };
  assert.equal(findMirror([{ path: 'sources.list', text }], 'trixie'), found);
});

mirror('reads stanzas with several suites, comments and continued lines', () => {
  const text = `Types: deb
# http://snapshot.example/archive
URIs: http://deb.example/debian
Suites: bookworm bookworm-updates
Components:
 main
 contrib
Signed-By: ${KEYRING}
`;
  assert.equal(findMirror([{ path: 'debian.sources', text }], 'bookworm'), {
    uri: 'http://deb.example/debian',
    signedBy: KEYRING,
  });
});

mirror('takes a mirror list as it is', () => {
  const text = 'Types: deb\nURIs: mirror+file:///etc/apt/mirrors/debian.list\nSuites: bookworm\nComponents: main\n';
  assert.equal(findMirror([{ path: 'debian.sources', text }], 'bookworm'), {
    uri: 'mirror+file:///etc/apt/mirrors/debian.list',
  });
});

mirror("leaves a key that is not a file to the machine's keyring", () => {
  const block = ' -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n -----END PGP PUBLIC KEY BLOCK-----';
  const text = `Types: deb\nURIs: http://deb.example/debian\nSuites: trixie\nComponents: main\nSigned-By:\n${block}\n`;
  assert.equal(findMirror([{ path: 'debian.sources', text }], 'trixie'), { uri: 'http://deb.example/debian' });
});

mirror("knows the machine's own release, whatever its name", () => {
  const text = 'deb http://deb.example/debian someday main';
  assert.equal(findMirror([{ path: 'sources.list', text }], 'someday'), { uri: 'http://deb.example/debian' });
  assert.is(findMirror([{ path: 'sources.list', text }], 'bookworm'), undefined);
});

const FOREIGN: [string, string, string][] = [
  [
    'an archive with its own key',
    'a.list',
    'deb [signed-by=/etc/apt/keyrings/php.gpg] https://php.example bookworm main',
  ],
  ['a foreign component', 'a.list', 'deb https://docker.example/linux/debian bookworm stable'],
  ['a foreign suite', 'a.list', 'deb http://pg.example/debian bookworm-pgdg main'],
  ['security updates', 'a.list', 'deb http://security.example/debian-security bookworm-security main'],
  ['a disc', 'a.list', 'deb cdrom:[Debian_12]/ bookworm main'],
  [
    'a disabled stanza',
    'a.sources',
    'Types: deb\nEnabled: no\nURIs: http://a.example/debian\nSuites: bookworm\nComponents: main',
  ],
  [
    'another system',
    'a.sources',
    'Types: deb\nURIs: http://a.example/ubuntu\nSuites: noble noble-updates\nComponents: main',
  ],
  ['broken lines', 'a.list', 'deb\ndeb [signed-by=\ndeb http://a.example/debian\n'],
  ['an empty file', 'a.sources', ''],
];
for (const [what, path, text] of FOREIGN)
  mirror(`passes over ${what}`, () => assert.is(findMirror([{ path, text }], 'bookworm'), undefined));

mirror("prefers Debian's key, then an address that ends in debian", () => {
  const foreign = { path: 'a.list', text: 'deb http://php.example/php bookworm main' };
  const plain = { path: 'sources.list', text: 'deb http://deb.example/debian bookworm main' };
  const signed = { path: 'z.list', text: `deb [signed-by=${KEYRING}] http://mirror.example/d bookworm main` };
  assert.is(findMirror([foreign], 'bookworm')?.uri, 'http://php.example/php');
  assert.is(findMirror([foreign, plain], 'bookworm')?.uri, 'http://deb.example/debian');
  assert.is(findMirror([foreign, plain, signed], 'bookworm')?.uri, 'http://mirror.example/d');
});

mirror.run();
