// Certificates for tests, made by hand: any key, name and dates. Node only. Source: RFC 5280, X.690 (DER).

import { Buffer } from 'node:buffer';
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

const YEAR_MS = 365 * 86_400_000;

export interface CertificateRequest {
  /** Common name, and the host name that it is for unless it is an authority's. */
  name: string;
  /** `rsa`, or a curve as OpenSSL names it; default `P-256`. */
  key?: string;
  /** Absent: it signs itself. */
  issuer?: Certificate;
  isAuthority?: boolean;
  /** Milliseconds since 1970; default: a year ago, and in a year. */
  from?: number;
  to?: number;
}

export interface Certificate {
  name: string;
  pem: string;
  key: KeyObject;
  keyPem: string;
  /** As `Tls.pins` has it. */
  pin: string;
}

function tlv(tag: number, ...contents: Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

const sequence = (...contents: Uint8Array[]): Buffer => tlv(0x30, ...contents);
const text = (tag: number, characters: string): Buffer => tlv(tag, Buffer.from(characters));
/** An object identifier by its encoded bytes, in hex. */
const oid = (hex: string): Buffer => tlv(0x06, Buffer.from(hex, 'hex'));
const TRUE = Buffer.from('0101ff', 'hex');

const nameOf = (name: string): Buffer => sequence(tlv(0x31, sequence(oid('550403'), text(0x0c, name))));

/** YYYYMMDDhhmmssZ, of which UTCTime, which is for years before 2050, has two digits of the year. */
function time(ms: number): Buffer {
  const digits = `${new Date(ms).toISOString().replace(/\D/g, '').slice(0, 14)}Z`;
  return digits < '2050' ? text(0x17, digits.slice(2)) : text(0x18, digits);
}

/** Makes a key and its certificate, version 3, signed with SHA-256. */
export function makeCertificate(request: CertificateRequest): Certificate {
  const { name, key: kind = 'P-256', issuer, isAuthority = false } = request;
  const { from = Date.now() - YEAR_MS, to = Date.now() + YEAR_MS } = request;
  const { privateKey, publicKey } =
    kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: kind });
  const signer = issuer?.key ?? privateKey;
  const algorithm =
    signer.asymmetricKeyType === 'rsa'
      ? sequence(oid('2a864886f70d01010b'), Buffer.from('0500', 'hex'))
      : sequence(oid('2a8648ce3d040302'));
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const extensions = isAuthority
    ? [sequence(oid('551d13'), TRUE, tlv(0x04, sequence(TRUE)))]
    : [sequence(oid('551d11'), tlv(0x04, sequence(text(0x82, name))))];
  const serial = createHash('sha256').update(spki).digest().subarray(0, 8);
  serial[0] = (serial[0]! & 0x3f) | 0x40;
  const body = sequence(
    Buffer.from('a003020102', 'hex'),
    tlv(0x02, serial),
    algorithm,
    nameOf(issuer?.name ?? name),
    sequence(time(from), time(to)),
    nameOf(name),
    spki,
    tlv(0xa3, sequence(...extensions)),
  );
  const der = sequence(body, algorithm, tlv(0x03, Buffer.from([0]), sign('sha256', body, signer)));
  const lines = der.toString('base64').match(/.{1,64}/g)!;
  return {
    name,
    pem: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey,
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    pin: createHash('sha256').update(spki).digest('base64'),
  };
}
