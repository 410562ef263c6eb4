// Who is at the other end of a TLS connection: names, authorities, dates and pinned keys. The machine finds, this decides.

import { encodeBase64 } from '../lib/base64.ts';
import type { Tls } from '../transport/host.ts';
import { type Native, TLS_EXPIRED, TLS_NOT_YET, TLS_OTHER_NAME, TLS_UNTRUSTED } from './native.ts';

/** Where OpenWrt, Debian and others keep the authorities that they trust. */
const AUTHORITIES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/ssl/cert.pem'];
/** The largest such file known has 0.25 MB. */
const MAX_AUTHORITIES_BYTES = 1024 * 1024;
/** A certificate, those between it and an authority, and a key: a tenth of that. */
const MAX_IDENTITY_BYTES = 64 * 1024;
const LINE_END = Uint8Array.of(10).buffer;
/** 2026-01-01. Older than every release of this program: a clock that says an earlier time is wrong. */
const EARLIEST_MS = 1_767_225_600_000;

const DATES = TLS_EXPIRED | TLS_NOT_YET;
/** What speaks against a certificate, in words. */
const PROBLEMS: readonly (readonly [number, string])[] = [
  [TLS_EXPIRED, 'has expired'],
  [TLS_NOT_YET, 'is not valid yet'],
  [TLS_OTHER_NAME, 'is for another name'],
  [TLS_UNTRUSTED, 'is of no known authority'],
];

/** Pins alone stand for everything else: name, dates and authorities are not looked at. As for DANE-EE: RFC 7671, section 5.1. */
export function isPinnedOnly({ pins, caFile }: Tls): boolean {
  return pins !== undefined && caFile === undefined;
}

/** What `tlsStart` is to be given for the authorities. @throws Error when there is no file of them. */
export function readAuthorities(native: Native, tls: Tls): ArrayBuffer {
  if (isPinnedOnly(tls)) return new ArrayBuffer(0);
  const paths = tls.caFile === undefined ? AUTHORITIES : [tls.caFile];
  for (const path of paths) {
    const pem = native.readFile(path, MAX_AUTHORITIES_BYTES);
    if (pem) return ended(pem);
  }
  throw new Error(`no authorities: expected ${paths.join(' or ')}`);
}

/** What `tlsStart` is to be given for our own certificate. @throws Error when a file is missing, or one of them is not named. */
export function readIdentity(native: Native, { certFile, keyFile }: Tls): ArrayBuffer {
  if (certFile === undefined && keyFile === undefined) return new ArrayBuffer(0);
  if (certFile === undefined || keyFile === undefined)
    throw new Error('expected a certificate and its key, got one of them');
  const [certificate, key] = [certFile, keyFile].map((path) => {
    const pem = native.readFile(path, MAX_IDENTITY_BYTES);
    if (!pem) throw new Error(`no certificate or key: expected ${path}`);
    return pem;
  });
  return ended(certificate!, LINE_END, key!);
}

/** All of them in one, and a zero byte. */
function ended(...parts: readonly ArrayBuffer[]): ArrayBuffer {
  const all = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 1));
  let at = 0;
  for (const part of parts) {
    all.set(new Uint8Array(part), at);
    at += part.byteLength;
  }
  return all.buffer;
}

/** Why the server is not the one that was meant; `undefined` when it is. @param found the result of `tlsHandshake`. */
export function serverProblem(found: ArrayBuffer, tls: Tls, unixMs: number): string | undefined {
  const { pins } = tls;
  const key = encodeBase64(new Uint8Array(found, 4));
  if (pins && !pins.includes(key)) return `its key is ${key}, expected ${pins.join(' or ')}`;
  if (isPinnedOnly(tls)) return undefined;
  // where the clock cannot be right, dates say nothing, and the key is known
  const isClockWrong = unixMs < EARLIEST_MS || tls.isClockRight?.() === false;
  const problems = new Uint32Array(found)[0]! & (pins && isClockWrong ? ~DATES : -1);
  if (problems === 0) return undefined;
  const words = PROBLEMS.filter(([bit]) => problems & bit).map(([, word]) => word);
  const clock = problems & DATES ? `; the clock of this router says ${new Date(unixMs).toISOString()}` : '';
  return `its certificate ${words.join(', ') || `has problem 0x${problems.toString(16)}`}${clock}`;
}
