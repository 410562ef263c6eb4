import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bundleProgram } from '../../build/bundle.ts';
import { buildNative, findCompiler } from '../../build/native.ts';
import { inProject } from '../../build/project.ts';
import { THIS_MACHINE } from '../../build/targets.ts';
import {
  TLS_EXPIRED as EXPIRED,
  type Native,
  TLS_NOT_YET as NOT_YET,
  TLS_OTHER_NAME as OTHER_NAME,
  TLS_UNTRUSTED as UNTRUSTED,
} from '../../src/host/native.ts';
import { nodeHost } from '../../src/host/node/host.ts';
import { readAuthorities, readIdentity, serverProblem } from '../../src/host/tls.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import type { Tls } from '../../src/transport/host.ts';
import {
  check,
  dialBy,
  directory,
  ECHO,
  ECHOED,
  file,
  good,
  makeCases,
  otherCa,
  own,
  serve,
  serverName,
  trusted,
  us,
} from './tls-cases.ts';
import { type Dial, dialAll } from './tls-dials.ts';

const cases = await makeCases();
const dialPort = await serve(good);
const dials = cases.map(({ dial }) => dial);

const node = suite('TLS on Node');
const onNode = await dialAll(nodeHost({ signals: false }), dials);
for (const [i, one] of cases.entries()) node(one.name, () => check(one, onNode.outcomes[i]!, true));

// ---

/** A clock that says one moment, as of a router without a battery that has not heard of the time yet. */
const clockOf = (seconds: number): string => `#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
time_t time(time_t *out) { return out ? (*out = ${seconds}) : ${seconds}; }
int clock_gettime(clockid_t clock, struct timespec *out) {
  if (clock != CLOCK_REALTIME) return (int)syscall(SYS_clock_gettime, clock, out);
  *out = (struct timespec){.tv_sec = ${seconds}};
  return 0;
}
`;

/** A library that makes a program believe it. */
function clockLibrary(name: string, seconds: number): string {
  const library = join(directory, `${name}.so`);
  execFileSync(THIS_MACHINE.cc[0]!, ['-shared', '-fPIC', '-o', library, file(`${name}.c`, clockOf(seconds))]);
  return library;
}

const native = suite('TLS on the C host');
if (findCompiler()) {
  const bundle = join(directory, 'guest.js');
  const program = join(directory, 'guest');
  await bundleProgram(inProject('test/host/tls-guest.ts'), bundle, `${bundle}.json`);
  await buildNative({ bundle, out: program, debug: true, tls: true });
  const onNative = await dialBy([program], dials);
  for (const [i, one] of cases.entries()) native(one.name, () => check(one, onNative.outcomes[i]!, false));

  const to = (tls: Tls): Dial => ({ to: { host: '127.0.0.1', port: dialPort, tls }, ...ECHO });
  native('gives everything back', async () => {
    const many = Array.from({ length: 800 }, (_, i) =>
      to(i % 2 ? { ...trusted, ...own('us', us) } : { serverName, caFile: otherCa }),
    );
    const { outcomes, descriptors, memoryKb } = await dialBy([program], many);
    assert.is(outcomes.filter(({ opened }) => opened).length, 400);
    assert.is(descriptors, 0);
    // a certificate alone takes more than 2 KB
    assert.ok(memoryKb < 600, `~> 400 connections took ${memoryKb} KB for good`);
  });
  native('takes no certificate for valid by a clock of 1970, and says so, unless its key is pinned', async () => {
    const pins = [good.pin];
    const dials = [to(trusted), to({ ...trusted, pins }), to({ pins }), to({ serverName, caFile: otherCa, pins })];
    const { outcomes } = await dialBy([program], dials, { LD_PRELOAD: clockLibrary('early', 1000) });
    assert.match(outcomes[0]!.error!, /is not valid yet; the clock of this router says 1970-01-01T00:16:40\.000Z$/);
    assert.equal(outcomes.slice(1, 3), [ECHOED, ECHOED]);
    assert.match(outcomes[3]!.error!, /its certificate is of no known authority$/);
  });
  native('takes none for expired by a clock of 2038 that nobody trusts, where its key is pinned', async () => {
    const pins = [good.pin];
    const dials = [
      to({ pins }),
      { ...to({ ...trusted, pins }), isClockRight: false },
      to({ ...trusted, pins }),
      { ...to(trusted), isClockRight: false },
      { ...to({ serverName, caFile: otherCa, pins }), isClockRight: false },
    ];
    const { outcomes } = await dialBy([program], dials, { LD_PRELOAD: clockLibrary('late', 2_147_483_640) });
    assert.equal(outcomes.slice(0, 2), [ECHOED, ECHOED]);
    for (const { error } of outcomes.slice(2, 4))
      assert.match(error!, /has expired; the clock of this router says 2038-01-19T03:14:00\.000Z$/);
    assert.match(outcomes[4]!.error!, /its certificate is of no known authority$/);
  });
  native('is missed where it was left out', async () => {
    const plain = join(directory, 'plain');
    await buildNative({ bundle, out: plain, debug: true });
    const { outcomes } = await dialBy([plain], [to(trusted)]);
    const error = `connect 127.0.0.1:${dialPort}: this program was built without TLS, install meshbridge-tls`;
    assert.equal(outcomes, [{ opened: false, received: 0, error }]);
  });
} else console.log('skipped: TLS on the C host: no C compiler');
node.run();
native.run();

// ---

const KEY = new Uint8Array(32).fill(7);
const PIN = Buffer.from(KEY).toString('base64');
const NOW_MS = Date.UTC(2026, 10, 1);
const EARLY_MS = Date.UTC(2025, 11, 31);
const LATE_MS = Date.UTC(2038, 0, 19);

const problem = suite('serverProblem');
const JUDGED: [name: string, problems: number, tls: Tls, unixMs: number, expected: string | undefined][] = [
  ['nothing', 0, {}, NOW_MS, undefined],
  [
    'all at once',
    0xf | NOT_YET,
    {},
    EARLY_MS,
    'its certificate has expired, is not valid yet, is for another name, is of no known authority; the clock of this router says 2025-12-31T00:00:00.000Z',
  ],
  ['what has no words', 0x4000, {}, NOW_MS, 'its certificate has problem 0x4000'],
  [
    'dates of an early clock',
    NOT_YET,
    {},
    EARLY_MS,
    'its certificate is not valid yet; the clock of this router says 2025-12-31T00:00:00.000Z',
  ],
  [
    'dates of an early clock where the key is known',
    NOT_YET | EXPIRED,
    { pins: [PIN], caFile: '/x' },
    EARLY_MS,
    undefined,
  ],
  [
    'dates where the key is known and the clock may be right',
    EXPIRED,
    { pins: [PIN], caFile: '/x' },
    NOW_MS,
    'its certificate has expired; the clock of this router says 2026-11-01T00:00:00.000Z',
  ],
  [
    'dates of a clock that nobody trusts where the key is known',
    EXPIRED,
    { pins: [PIN], caFile: '/x', isClockRight: () => false },
    LATE_MS,
    undefined,
  ],
  [
    'dates of a clock that nobody trusts where the key is not known',
    EXPIRED,
    { isClockRight: () => false },
    LATE_MS,
    'its certificate has expired; the clock of this router says 2038-01-19T00:00:00.000Z',
  ],
  [
    'dates of a clock that is trusted where the key is known',
    EXPIRED,
    { pins: [PIN], caFile: '/x', isClockRight: () => true },
    LATE_MS,
    'its certificate has expired; the clock of this router says 2038-01-19T00:00:00.000Z',
  ],
  [
    'another name at an early clock',
    NOT_YET | OTHER_NAME,
    { pins: [PIN], caFile: '/x' },
    EARLY_MS,
    'its certificate is for another name',
  ],
  ['everything where the key alone decides', -1, { pins: [PIN] }, NOW_MS, undefined],
  ['another key', UNTRUSTED, { pins: ['AAAA', 'BBBB'] }, NOW_MS, `its key is ${PIN}, expected AAAA or BBBB`],
];
for (const [name, problems, tls, unixMs, expected] of JUDGED)
  problem(`judges ${name}`, () => {
    const found = new Uint8Array(36);
    found.set(KEY, 4);
    new Uint32Array(found.buffer)[0] = problems;
    assert.is(serverProblem(found.buffer, tls, unixMs), expected);
  });
problem.run();

// ---

const authorities = suite('readAuthorities');
const reading = (files: Record<string, string>): Native => {
  const readFile = (path: string): ArrayBuffer | undefined =>
    files[path] === undefined ? undefined : (encodeUtf8(files[path]).buffer as ArrayBuffer);
  return { readFile } as unknown as Native;
};
const DEFAULTS = ['/etc/ssl/certs/ca-certificates.crt', '/etc/ssl/cert.pem'] as const;
authorities('are the machine’s own, with a zero byte behind', () => {
  for (const path of DEFAULTS)
    assert.equal([...new Uint8Array(readAuthorities(reading({ [path]: 'pem' }), {}))], [...encodeUtf8('pem\0')]);
});
authorities('are those of the file that is named, and no others', () => {
  const native = reading({ '/a': 'a', [DEFAULTS[0]]: 'b' });
  assert.is(decodeUtf8(new Uint8Array(readAuthorities(native, { caFile: '/a', pins: [] }))), 'a\0');
  assert.throws(() => readAuthorities(native, { caFile: '/c' }), /^no authorities: expected \/c$/);
  assert.throws(() => readAuthorities(reading({}), {}), `no authorities: expected ${DEFAULTS.join(' or ')}`);
});
authorities('are nobody where pins decide', () => {
  assert.is(readAuthorities(reading({ [DEFAULTS[0]]: 'b' }), { pins: [PIN] }).byteLength, 0);
});
authorities.run();

// ---

const identity = suite('readIdentity');
identity('is certificate and key, with a zero byte behind', () => {
  const files = { '/c': 'cert', '/k': 'key' };
  const bytes = readIdentity(reading(files), { certFile: '/c', keyFile: '/k' });
  assert.is(decodeUtf8(new Uint8Array(bytes)), 'cert\nkey\0');
  assert.throws(() => readIdentity(reading(files), { certFile: '/c', keyFile: '/x' }), /expected \/x$/);
});
identity('is nothing where none is named, and not half of it', () => {
  assert.is(readIdentity(reading({}), {}).byteLength, 0);
  for (const half of [{ certFile: '/c' }, { keyFile: '/k' }])
    assert.throws(() => readIdentity(reading({}), half), /got one of them$/);
});
identity.run();
