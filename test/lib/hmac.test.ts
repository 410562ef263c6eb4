import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { toHex } from '../../src/lib/bytes.ts';
import { hmacSha512, pbkdf2Sha512 } from '../../src/lib/hmac.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { crypto } from '../support/crypto.ts';

const sha512 = (bytes: Uint8Array): Uint8Array => crypto.sha512(bytes);

const hmac = suite('hmacSha512');
// RFC 4231, section 4
const CASES: [what: string, key: Uint8Array, message: Uint8Array, hex: string][] = [
  [
    'a key',
    new Uint8Array(20).fill(0x0b),
    encodeUtf8('Hi There'),
    '87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854',
  ],
  [
    'a short key',
    encodeUtf8('Jefe'),
    encodeUtf8('what do ya want for nothing?'),
    '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
  ],
  [
    'a key longer than a block',
    new Uint8Array(131).fill(0xaa),
    encodeUtf8('Test Using Larger Than Block-Size Key - Hash Key First'),
    '80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598',
  ],
];
for (const [what, key, message, hex] of CASES)
  hmac(`is that of RFC 4231 with ${what}`, () => assert.is(toHex(hmacSha512(sha512, key, message)), hex));
hmac.run();

// ---

const pbkdf2 = suite('pbkdf2Sha512');
const HASHES: [rounds: number, hex: string][] = [
  // made by OpenSSL 3.0.15: openssl kdf -keylen 64 -kdfopt digest:SHA512 -kdfopt pass:password -kdfopt salt:salt -kdfopt iter:N PBKDF2
  [
    1,
    '867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252c02d470a285a0501bad999bfe943c08f050235d7d68b1da55e63f73b60a57fce',
  ],
  [
    2,
    'e1d9c16aa681708a45f5c7c4e215ceb66e011a2e9f0040713f18aefdb866d53cf76cab2868a39b9f7840edce4fef5a82be67335c77a6068e04112754f27ccf4e',
  ],
];
for (const [rounds, hex] of HASHES)
  pbkdf2(`is that of OpenSSL after ${rounds} rounds`, () =>
    assert.is(toHex(pbkdf2Sha512(sha512, encodeUtf8('password'), encodeUtf8('salt'), rounds)), hex),
  );
pbkdf2.run();
