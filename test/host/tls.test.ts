import { Buffer } from 'node:buffer';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
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
import { type Certificate, makeCertificate } from '../support/certificate.ts';
import { type Dial, dialAll, type Outcome, patternBytes, type Report } from './tls-dials.ts';

const directory = mkdtempSync(join(tmpdir(), 'meshbridge-tls-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

const DAY_MS = 86_400_000;
const BIG_BYTES = 2 * 1024 * 1024;

function file(name: string, content: string): string {
  writeFileSync(join(directory, name), content);
  return join(directory, name);
}

// ---

const root = makeCertificate({ name: 'made root', isAuthority: true });
const rsaRoot = makeCertificate({ name: 'made RSA root', key: 'rsa', isAuthority: true });
const middle = makeCertificate({ name: 'made middle', key: 'P-384', issuer: root, isAuthority: true });
const good = makeCertificate({ name: 'broker.mesh.example', issuer: root });
const rsa = makeCertificate({ name: 'broker.mesh.example', key: 'rsa', issuer: rsaRoot });
const deep = makeCertificate({ name: 'broker.mesh.example', key: 'P-384', issuer: middle });
const star = makeCertificate({ name: '*.mesh.example', issuer: root });
const expired = makeCertificate({ name: 'broker.mesh.example', issuer: root, to: Date.now() - DAY_MS });
const early = makeCertificate({ name: 'broker.mesh.example', issuer: root, from: Date.now() + DAY_MS });
const lone = makeCertificate({ name: 'nobody', to: Date.now() - DAY_MS });

/** Files of a certificate, as `Tls` names them. */
function own(name: string, certificate: Certificate, more = '', key = certificate.keyPem): Tls {
  return { certFile: file(`${name}.crt`, certificate.pem + more), keyFile: file(`${name}.key`, key) };
}
const us = makeCertificate({ name: 'router', issuer: root });
const usDeep = makeCertificate({ name: 'router', key: 'P-384', issuer: middle });
const usRsa = makeCertificate({ name: 'router', key: 'rsa', issuer: rsaRoot });
const locked = us.key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' }).toString();

const caFile = file('ca.pem', `${rsaRoot.pem}${root.pem}`);
const otherCa = file('other.pem', makeCertificate({ name: 'other root', isAuthority: true }).pem);
const noCa = file('none.pem', 'no certificates here');
const serverName = 'broker.mesh.example';
const trusted: Tls = { caFile, serverName };

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return (server.address() as AddressInfo).port;
}

/** A TLS server that does as it is told with each connection; answers with its port. */
function serve(
  certificate: Certificate,
  onConnection: (socket: TLSSocket) => void = (socket) => void socket.pipe(socket),
  options: TlsOptions = {},
): Promise<number> {
  const server = createServer({ cert: certificate.pem, key: certificate.keyPem, ...options }, (socket) => {
    socket.on('error', () => {});
    onConnection(socket);
  });
  server.on('tlsClientError', () => {});
  return listen(server);
}

function serveTcp(onConnection: (socket: Socket) => void): Promise<number> {
  return listen(
    createTcpServer((socket) => {
      socket.on('error', () => {});
      onConnection(socket);
    }),
  );
}

/** Sends `BIG_BYTES` in records of `recordBytes`, whatever comes meanwhile, which it counts; then ends in order. */
function pump(recordBytes: number): (socket: TLSSocket) => void {
  return (socket) => {
    socket.setMaxSendFragment(recordBytes);
    let at = 0;
    const send = (): void => {
      for (let room = true; room && at < BIG_BYTES; at += 16_384) room = socket.write(patternBytes(at, 16_384));
      if (at >= BIG_BYTES) socket.off('drain', send);
    };
    socket.on('drain', send).resume();
    send();
  };
}

interface Case {
  name: string;
  dial: Dial;
  /** Not the whole outcome: `error` is searched for. Different where Node cannot tell. */
  expected: Partial<Outcome> & { problem?: RegExp; onNode?: Partial<Outcome> };
}

const ECHO = { sends: 1000, expects: 1000 } as const;
const ECHOED = { opened: true, received: 1000 } as const;

async function makeCases(): Promise<Case[]> {
  const cases: Case[] = [];
  const add = (name: string, port: number, tls: Tls, more: Partial<Dial>, expected: Case['expected']): void => {
    cases.push({ name, dial: { to: { host: '127.0.0.1', port, tls }, ...more }, expected });
  };
  const accepts = (name: string, port: number, tls: Tls = trusted): void =>
    add(`accepts ${name}`, port, tls, ECHO, ECHOED);
  const refuses = (name: string, port: number, problem: RegExp, tls: Tls = trusted): void =>
    add(`refuses ${name}`, port, tls, ECHO, { opened: false, received: 0, problem });

  const broker = await serve(good);
  accepts('a server with the right name, of a known authority', broker);
  accepts('a certificate with an RSA key', await serve(rsa));
  accepts('a chain by way of another authority', await serve({ ...deep, pem: deep.pem + middle.pem }));
  accepts('a name that a wildcard covers', await serve(star));
  refuses('another name', broker, /its certificate is for another name$/, { caFile, serverName: 'other.mesh.example' });
  refuses('a name below that of a wildcard', await serve(star), /for another name$/, {
    caFile,
    serverName: 'a.b.mesh.example',
  });
  refuses('an unknown authority', broker, /its certificate is of no known authority$/, { caFile: otherCa, serverName });
  refuses('a chain with a link missing', await serve(deep), /of no known authority$/);
  refuses(
    'a certificate that signed itself',
    await serve(makeCertificate({ name: serverName })),
    /of no known authority$/,
  );
  refuses('a certificate that has expired', await serve(expired), /has expired; the clock of this router says 20\d\d-/);
  refuses(
    'a certificate that is not valid yet',
    await serve(early),
    /is not valid yet; the clock of this router says 20/,
  );
  refuses('an address as a name', broker, /: expected the name that its certificate is for$/, { caFile });
  refuses('authorities that are not there', broker, /: no authorities: expected \/no\/such\.pem$/, {
    serverName,
    caFile: '/no/such.pem',
  });
  refuses('authorities that make no sense', broker, /: tls with these authorities: /, { serverName, caFile: noCa });

  const selfMade = await serve(lone);
  const { pin } = lone;
  const wrong = /: its key is [A-Za-z0-9+/]{43}=, expected [A-Za-z0-9+/]{43}=$/;
  accepts('a pinned key, whatever the certificate says', selfMade, { pins: [pin] });
  accepts('one of several pinned keys', selfMade, { pins: [good.pin, pin] });
  accepts('a pinned key of a known authority', broker, { ...trusted, pins: [good.pin] });
  refuses('a key that is not pinned', selfMade, wrong, { pins: [good.pin] });
  refuses('every key when none is pinned', selfMade, /: its key is \S+, expected $/, { pins: [] });
  refuses('a key that is not pinned, of a known authority', broker, wrong, { ...trusted, pins: [pin] });
  refuses('a pinned key of an unknown authority', broker, /of no known authority$/, {
    serverName,
    caFile: otherCa,
    pins: [good.pin],
  });

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const only = { minVersion: version, maxVersion: version } as const;
    for (const certificate of [good, rsa])
      accepts(`${version} alone, ${certificate === rsa ? 'RSA' : 'ECDSA'}`, await serve(certificate, undefined, only));
    for (const curve of ['X25519', 'P-256', 'P-384'])
      accepts(`${version} over ${curve} alone`, await serve(good, undefined, { ...only, ecdhCurve: curve }));
    const ciphers =
      version === 'TLSv1.2'
        ? ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305']
        : ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];
    for (const cipher of ciphers)
      accepts(`${version} by ${cipher} alone`, await serve(good, undefined, { ...only, ciphers: cipher }));
    const asking = await serve(good, undefined, { ...only, requestCert: true, ca: root.pem + rsaRoot.pem });
    accepts(`a server that wants to know us, ${version}`, asking, { ...trusted, ...own('us', us) });
    accepts(`the same by way of another authority, ${version}`, asking, {
      ...trusted,
      ...own('deep', usDeep, middle.pem),
    });
    accepts(`the same with an RSA key, ${version}`, asking, { ...trusted, ...own('rsa', usRsa) });
    accepts(`a server that does not care who we are, ${version}`, await serve(good, undefined, only), {
      ...trusted,
      ...own('us', us),
    });
    // the server judges when we are done already: in 1.3 we hear of it later
    add(
      `is refused by a server that wants to know us, as nobody, ${version}`,
      asking,
      trusted,
      ECHO,
      version === 'TLSv1.2'
        ? { opened: false, received: 0, problem: /: tls: (alert 40 came|Connection reset by peer|Broken pipe)$/ }
        : {
            opened: true,
            received: 0,
            problem: /: (read|write): (alert 116 came|Connection reset by peer|Broken pipe)$/,
          },
    );
    for (const recordBytes of [512, 16_384])
      add(
        `carries much both ways at once, ${version}, records of ${recordBytes} bytes, and pauses`,
        await serve(good, pump(recordBytes), only),
        trusted,
        { sends: BIG_BYTES, expects: BIG_BYTES, isSlow: true },
        { opened: true, received: BIG_BYTES },
      );
    add(
      `hears that the other side ended in order, ${version}`,
      await serve(good, (socket) => socket.once('data', () => socket.end(patternBytes(0, 5000))), only),
      trusted,
      { sends: 1 },
      { opened: true, received: 5000 },
    );
    add(
      `tells that the other side was cut off, ${version}`,
      await serve(
        good,
        (socket) => {
          const under = (socket as unknown as { _parent: Socket })._parent;
          socket.write(patternBytes(0, 5000), () => setTimeout(() => under.destroy(), 50));
        },
        only,
      ),
      trusted,
      {},
      {
        opened: true,
        received: 5000,
        problem: /read: cut off: no close_notify came$/,
        onNode: { opened: true, received: 5000 },
      },
    );
  }
  const noCertificate = /: tls with this certificate: /;
  refuses('our certificate with another key', broker, noCertificate, {
    ...trusted,
    ...own('mixed', us, '', usDeep.keyPem),
  });
  refuses('a key behind a password', broker, noCertificate, { ...trusted, ...own('locked', us, '', locked) });
  refuses('a certificate that makes no sense', broker, noCertificate, { ...trusted, certFile: noCa, keyFile: noCa });
  refuses('a certificate that is not there', broker, /: no certificate or key: expected \/no\/such\.crt$/, {
    ...trusted,
    ...own('us', us),
    certFile: '/no/such.crt',
  });
  refuses('a certificate without a key', broker, /: expected a certificate and its key, got one of them$/, {
    ...trusted,
    certFile: file('us.crt', us.pem),
  });
  const oldServer = await serve(expired);
  for (const [what, isClockRight, tls, problem] of [
    [
      'a pinned key, expired by a clock that is not known to be right',
      false,
      { ...trusted, pins: [expired.pin] },
      undefined,
    ],
    ['a pinned key, expired by a clock that is', true, { ...trusted, pins: [expired.pin] }, /has expired/],
    ['a key that is not pinned, expired by a clock that is not known to be right', false, trusted, /has expired/],
  ] as const)
    add(
      `${problem ? 'refuses' : 'accepts'} ${what}`,
      oldServer,
      tls,
      { ...ECHO, isClockRight },
      problem ? { opened: false, received: 0, problem } : ECHOED,
    );
  accepts(
    'a server that asks for another handshake, and goes on without',
    await serve(
      good,
      (socket) => {
        socket.on('error', () => {});
        socket.renegotiate({}, () => {});
        socket.pipe(socket);
      },
      { maxVersion: 'TLSv1.2' },
    ),
  );
  const asked = await serve(good, (socket) => {
    const name = (socket as TLSSocket & { servername: unknown }).servername;
    if (name === serverName) socket.pipe(socket);
    else socket.destroy();
  });
  accepts('a server that wants to be asked by its name', asked);
  const nameless = await serve(lone, (socket) => {
    if ((socket as TLSSocket & { servername: unknown }).servername === false) socket.pipe(socket);
    else socket.destroy();
  });
  accepts('a server that is asked by no name, for it has none', nameless, { pins: [pin] });
  refuses(
    'what is no TLS',
    await serveTcp((socket) => socket.write('220 mail.example ESMTP ready\r\n')),
    /: tls: what came is not TLS$/,
  );
  refuses(
    'an end instead of an answer',
    await serveTcp((socket) => socket.once('data', () => socket.end())),
    /: tls: cut off: no close_notify came$/,
  );
  refuses(
    'a reset instead of an answer',
    await serveTcp((socket) => socket.once('data', () => socket.resetAndDestroy())),
    /: tls: Connection reset by peer$/,
  );
  refuses(
    'a server that is too old',
    await serve(good, undefined, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }),
    /: tls: alert 70 came$/,
  );
  return cases;
}

async function onC(program: string, dials: readonly Dial[], env: NodeJS.ProcessEnv = {}): Promise<Report> {
  const child = spawn(program, [file('dials.json', JSON.stringify(dials))], { env: { ...process.env, ...env } });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (bytes: Buffer) => {
    stdout += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  const end = await new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)));
  assert.equal([end, stderr], [0, '']);
  return JSON.parse(stdout);
}

function check({ expected: { problem, onNode, ...rest } }: Case, outcome: Outcome, isNode: boolean): void {
  const { error, ...others } = outcome;
  if (isNode && onNode) assert.equal(outcome, onNode);
  else {
    assert.equal(others, rest, error ?? '');
    if (problem) assert.match(error ?? 'no error', problem, error);
    else assert.is(error, undefined);
  }
}

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
  const onNative = await onC(program, dials);
  for (const [i, one] of cases.entries()) native(one.name, () => check(one, onNative.outcomes[i]!, false));

  const to = (tls: Tls): Dial => ({ to: { host: '127.0.0.1', port: dialPort, tls }, ...ECHO });
  native('gives everything back', async () => {
    const many = Array.from({ length: 800 }, (_, i) =>
      to(i % 2 ? { ...trusted, ...own('us', us) } : { serverName, caFile: otherCa }),
    );
    const { outcomes, descriptors, memoryKb } = await onC(program, many);
    assert.is(outcomes.filter(({ opened }) => opened).length, 400);
    assert.is(descriptors, 0);
    // a certificate alone takes more than 2 KB
    assert.ok(memoryKb < 600, `~> 400 connections took ${memoryKb} KB for good`);
  });
  native('takes no certificate for valid by a clock of 1970, and says so, unless its key is pinned', async () => {
    const pins = [good.pin];
    const dials = [to(trusted), to({ ...trusted, pins }), to({ pins }), to({ serverName, caFile: otherCa, pins })];
    const { outcomes } = await onC(program, dials, { LD_PRELOAD: clockLibrary('early', 1000) });
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
    const { outcomes } = await onC(program, dials, { LD_PRELOAD: clockLibrary('late', 2_147_483_640) });
    assert.equal(outcomes.slice(0, 2), [ECHOED, ECHOED]);
    for (const { error } of outcomes.slice(2, 4))
      assert.match(error!, /has expired; the clock of this router says 2038-01-19T03:14:00\.000Z$/);
    assert.match(outcomes[4]!.error!, /its certificate is of no known authority$/);
  });
  native('is missed where it was left out', async () => {
    const plain = join(directory, 'plain');
    await buildNative({ bundle, out: plain, debug: true });
    const { outcomes } = await onC(plain, [to(trusted)]);
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
