// Servers of all kinds that speak TLS or should, and what becomes of who dials them: the same for every host that can.

import type { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import * as assert from 'uvu/assert';
import type { Tls } from '../../src/transport/host.ts';
import { type Certificate, makeCertificate } from '../support/certificate.ts';
import { type Dial, type Outcome, patternBytes, type Report } from './tls-dials.ts';

/** For the files of these cases; gone when the program ends. */
export const directory = mkdtempSync(join(tmpdir(), 'meshbridge-tls-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

const DAY_MS = 86_400_000;
const BIG_BYTES = 2 * 1024 * 1024;

/** Writes a file to `directory`; its path. */
export function file(name: string, content: string): string {
  writeFileSync(join(directory, name), content);
  return join(directory, name);
}

const root = makeCertificate({ name: 'made root', isAuthority: true });
const rsaRoot = makeCertificate({ name: 'made RSA root', key: 'rsa', isAuthority: true });
const middle = makeCertificate({ name: 'made middle', key: 'P-384', issuer: root, isAuthority: true });
export const good = makeCertificate({ name: 'broker.mesh.example', issuer: root });
const rsa = makeCertificate({ name: 'broker.mesh.example', key: 'rsa', issuer: rsaRoot });
const deep = makeCertificate({ name: 'broker.mesh.example', key: 'P-384', issuer: middle });
const star = makeCertificate({ name: '*.mesh.example', issuer: root });
const expired = makeCertificate({ name: 'broker.mesh.example', issuer: root, to: Date.now() - DAY_MS });
const early = makeCertificate({ name: 'broker.mesh.example', issuer: root, from: Date.now() + DAY_MS });
const lone = makeCertificate({ name: 'nobody', to: Date.now() - DAY_MS });

/** Files of a certificate, as `Tls` names them. */
export function own(name: string, certificate: Certificate, more = '', key = certificate.keyPem): Tls {
  return { certFile: file(`${name}.crt`, certificate.pem + more), keyFile: file(`${name}.key`, key) };
}
export const us = makeCertificate({ name: 'router', issuer: root });
const usDeep = makeCertificate({ name: 'router', key: 'P-384', issuer: middle });
const usRsa = makeCertificate({ name: 'router', key: 'rsa', issuer: rsaRoot });
const locked = us.key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' }).toString();

const caFile = file('ca.pem', `${rsaRoot.pem}${root.pem}`);
export const otherCa = file('other.pem', makeCertificate({ name: 'other root', isAuthority: true }).pem);
const noCa = file('none.pem', 'no certificates here');
export const serverName = 'broker.mesh.example';
export const trusted: Tls = { caFile, serverName };

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return (server.address() as AddressInfo).port;
}

/** A TLS server that does as it is told with each connection; answers with its port. */
export function serve(
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

/** One dial, and how it must end. */
export interface Case {
  name: string;
  dial: Dial;
  /** Not the whole outcome: `error` is searched for. Different where Node cannot tell. */
  expected: Partial<Outcome> & { problem?: RegExp; onNode?: Partial<Outcome> };
}

export const ECHO = { sends: 1000, expects: 1000 } as const;
export const ECHOED = { opened: true, received: 1000 } as const;

/** Starts the servers, which end with the program. */
export async function makeCases(): Promise<Case[]> {
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
  refuses('a server that never says a word', await serveTcp(() => {}), /: no answer after 10000 ms$/);
  refuses(
    'a server that is too old',
    await serve(good, undefined, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }),
    /: tls: alert 70 came$/,
  );
  return cases;
}

let dialled = 0;

/** What became of dials by the guest (tls-guest.ts) on the C host, which `argv` starts. @throws Error when that fails. */
export async function dialBy(
  argv: readonly string[],
  dials: readonly Dial[],
  env: NodeJS.ProcessEnv = {},
): Promise<Report> {
  const [program, ...args] = argv as [string, ...string[]];
  const child = spawn(program, [...args, file(`dials-${++dialled}.json`, JSON.stringify(dials))], {
    env: { ...process.env, ...env },
  });
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

/** @throws Error when an outcome is another one. */
export function check({ expected: { problem, onNode, ...rest } }: Case, outcome: Outcome, isNode: boolean): void {
  const { error, ...others } = outcome;
  if (isNode && onNode) assert.equal(outcome, onNode);
  else {
    assert.equal(others, rest, error ?? '');
    if (problem) assert.match(error ?? 'no error', problem, error);
    else assert.is(error, undefined);
  }
}
