import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { toHex } from '../../src/lib/bytes.ts';
import {
  addressAt,
  canonicalIp,
  countOf,
  formatIp,
  formatPrefix,
  inPrefix,
  parseIp,
  parsePrefix,
} from '../../src/lib/ip.ts';
import { seededRandom } from '../support/random.ts';

const ADDRESSES: [string, string, string][] = [
  ['0.0.0.0', '00000000', '0.0.0.0'],
  ['192.168.42.1', 'c0a82a01', '192.168.42.1'],
  ['255.255.255.255', 'ffffffff', '255.255.255.255'],
  ['::', '00000000000000000000000000000000', '::'],
  ['::1', '00000000000000000000000000000001', '::1'],
  ['1::', '00010000000000000000000000000000', '1::'],
  [
    '200:85a9:4320:fa5c:97fa:5870:b0ec:51c9',
    '020085a94320fa5c97fa5870b0ec51c9',
    '200:85a9:4320:fa5c:97fa:5870:b0ec:51c9',
  ],
  ['2001:DB8:0:0:1:0:0:1', '20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
  ['::ffff:10.1.2.3', '00000000000000000000ffff0a010203', '::ffff:a01:203'],
  ['0:0:0:0:0:0:1.2.3.4', '00000000000000000000000001020304', '::102:304'],
  ['1:2:3:4:5:6:7::', '00010002000300040005000600070000', '1:2:3:4:5:6:7:0'],
];

const BAD = [
  '',
  '1.2.3',
  '1.2.3.4.5',
  '1.2.3.256',
  '01.2.3.4',
  '1.2.3.4 ',
  '1.2.3.-4',
  '0x1.2.3.4',
  ':',
  ':::',
  '1:2',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1::2::3',
  '1:2:3:4:5:6:7:8::',
  '::1:2:3:4:5:6:7:8',
  'fe80::1%eth0',
  '12345::',
  'g::',
  '::1.2.3',
  '::01.2.3.4',
  '1.2.3.4::',
  '[::1]',
  `${'0'.repeat(50)}::`,
];

const parse = suite('parseIp');
for (const [text, hex] of ADDRESSES) parse(`reads ${text}`, () => assert.is(toHex(parseIp(text)!), hex));
for (const text of BAD) parse(`refuses "${text}"`, () => assert.is(parseIp(text), undefined));
parse.run();

// ---

const format = suite('formatIp');
for (const [text, , normal] of ADDRESSES)
  format(`writes ${text} as ${normal}`, () => assert.is(formatIp(parseIp(text)!), normal));
format('is read again as what it was', () => {
  const random = seededRandom(1);
  for (let i = 0; i < 500; i++) {
    // many zeros, so that there are runs of them
    const bytes = Uint8Array.from({ length: i % 5 === 0 ? 4 : 16 }, () => (random() < 0.6 ? 0 : random() * 256));
    assert.equal(parseIp(formatIp(bytes)), bytes);
  }
});
format.run();

// ---

const canonical = suite('canonicalIp');
canonical('makes texts of one address the same', () => {
  assert.is(canonicalIp('0200:0:0:0:0:0:0:00AB'), '200::ab');
  assert.is(canonicalIp('nowhere'), undefined);
});
canonical.run();

// ---

const prefix = suite('parsePrefix');
for (const text of ['10.43.0.0/16', '0.0.0.0/0', '192.168.1.128/25', 'fd43:1:2:3::/64', '200::/7', '::/0', '::1/128'])
  prefix(`reads ${text}, and formatPrefix writes it`, () => assert.is(formatPrefix(parsePrefix(text)!), text));
prefix('takes an address alone for all its bits', () => {
  assert.is(formatPrefix(parsePrefix('10.0.0.1')!), '10.0.0.1/32');
  assert.is(formatPrefix(parsePrefix('::1')!), '::1/128');
});
for (const text of [
  '10.43.0.1/16',
  '10.0.0.0/33',
  'fd00::/129',
  '10.0.0.0/',
  '10.0.0.0/8/8',
  '/8',
  '10.0.0.0/-1',
  'fd00::1/64',
])
  prefix(`refuses ${text}`, () => assert.is(parsePrefix(text), undefined));
prefix.run();

// ---

const inside = suite('inPrefix');
const belongs = (address: string, of: string): boolean => inPrefix(parseIp(address)!, parsePrefix(of)!);
inside('compares as many bits as the prefix has', () => {
  assert.ok(belongs('10.43.255.255', '10.43.0.0/16'));
  assert.not.ok(belongs('10.44.0.0', '10.43.0.0/16'));
  assert.ok(belongs('192.168.1.129', '192.168.1.128/25'));
  assert.not.ok(belongs('192.168.1.127', '192.168.1.128/25'));
  assert.ok(belongs('3ff::1', '200::/7'));
  assert.not.ok(belongs('400::1', '200::/7'));
  assert.ok(belongs('1.2.3.4', '0.0.0.0/0'));
});
inside('tells the families apart', () => {
  assert.not.ok(belongs('::', '0.0.0.0/0'));
  assert.not.ok(belongs('0.0.0.0', '::/0'));
});
inside.run();

// ---

const at = suite('addressAt and countOf');
at('count the addresses of a prefix', () => {
  const pool = parsePrefix('10.43.0.0/16')!;
  assert.is(countOf(pool, 1e9), 65_536);
  assert.is(countOf(pool, 100), 100);
  assert.is(countOf(parsePrefix('fd43::/64')!, 1e6), 1e6);
  assert.is(countOf(parsePrefix('10.0.0.1/32')!, 1e6), 1);
  assert.is(formatIp(addressAt(pool, 0)), '10.43.0.0');
  assert.is(formatIp(addressAt(pool, 258)), '10.43.1.2');
  assert.is(formatIp(addressAt(pool, 65_535)), '10.43.255.255');
  assert.is(formatIp(addressAt(parsePrefix('fd43::/64')!, 70_000)), 'fd43::1:1170');
});
at('do not go past its end', () => {
  assert.throws(
    () => addressAt(parsePrefix('10.43.0.0/16')!, 65_536),
    /^address 65536: past the end of 10\.43\.0\.0\/16$/,
  );
  assert.throws(() => addressAt(parsePrefix('10.43.0.0/16')!, -1), RangeError);
});
at.run();
