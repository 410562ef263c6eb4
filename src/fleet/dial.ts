// A connection to a broker, made step by step, so that a failure says which step it was: name, line, TLS.

import { createHash } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { errorText } from '../errors.ts';
import { type BrokerSetting, type Place, parseBrokerUrl } from './broker.ts';
import { Failure } from './failure.ts';

/** For all steps together. */
const DIAL_MS = 15_000;
/** What people can do about it, by the system's code. */
const WORDS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no such name',
  EAI_AGAIN: 'the resolver does not answer',
  ECONNREFUSED: 'nothing listens there',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'no route to it',
  ENETUNREACH: 'no route to it',
  ENOENT: 'no such socket',
  EACCES: 'no permission',
  ECONNRESET: 'it broke the connection off',
};

/** A stream, and with TLS the SHA-256 of the server's public key, base64, as pins are written. */
export interface Dialled {
  socket: Socket;
  pin?: string | undefined;
}

/** Node tells of a certificate once: asked again, it has none. */
function pinOf(socket: TLSSocket): string | undefined {
  const key = socket.getPeerX509Certificate()?.publicKey.export({ format: 'der', type: 'spki' });
  return key && createHash('sha256').update(key).digest('base64');
}

/**
 * A stream to the broker; the server of TLS has proven who it is before a byte of ours is sent.
 * @param isTrusting takes any server: for looking at its key.
 * @throws Failure that names the step.
 */
export async function dial(broker: BrokerSetting, isTrusting = false): Promise<Dialled> {
  const place = parseBrokerUrl(broker.url);
  const { url } = broker;
  if ('path' in place) return { socket: await open(connect(place.path), 'connect', url) };
  const socket = await open(connect(place.port, await resolve(place.host, url)), 'connect', url);
  socket.setNoDelay(true);
  if (!place.secure) return { socket };
  return secure(socket, place, broker, isTrusting);
}

async function resolve(host: string, url: string): Promise<string> {
  if (isIP(host.split('%')[0]!)) return host;
  try {
    return (await within(lookup(host), DIAL_MS)).address;
  } catch (error) {
    throw unreachable(url, `name ${host}`, error);
  }
}

function open<S extends Socket>(socket: S, event: 'connect' | 'secureConnect', url: string): Promise<S> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(unreachable(url, event === 'connect' ? 'connection' : 'TLS', error));
    };
    const timer = setTimeout(() => fail(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })), DIAL_MS);
    socket.once('error', fail);
    socket.once(event, () => {
      clearTimeout(timer);
      socket.off('error', fail);
      resolve(socket);
    });
  });
}

async function secure(
  socket: Socket,
  { host }: Exclude<Place, { path: string }>,
  { url, ca_file, pins = [], server_name }: BrokerSetting,
  isTrusting: boolean,
): Promise<Dialled> {
  const name = server_name ?? host;
  // pins alone decide, whatever the name and the dates; with a file of authorities both must hold
  const isByPin = pins.length > 0 && ca_file === undefined;
  const secured = await open(
    connectTls({
      socket,
      // who it must be; without it Node takes an address for localhost
      host: name,
      ...(isIP(name) ? {} : { servername: name }),
      ...(ca_file !== undefined && { ca: readAuthorities(ca_file) }),
      minVersion: 'TLSv1.2',
      rejectUnauthorized: !isByPin && !isTrusting,
    }),
    'secureConnect',
    url,
  );
  const pin = pinOf(secured);
  if (isTrusting || pins.length === 0 || (pin !== undefined && pins.includes(pin))) return { socket: secured, pin };
  secured.destroy();
  throw new Failure(
    'untrusted',
    `${url}: expected a server with one of the pinned keys, got ${pin ?? 'none'}`,
    'Somebody else may be answering there. If the broker has a new key: meshctl broker set --pin …',
  );
}

function readAuthorities(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Failure('usage', `CA file: ${errorText(error)}`);
  }
}

function unreachable(url: string, step: string, error: unknown): Failure {
  const { code = '' } = error as NodeJS.ErrnoException;
  const isCertificate = /CERT|SIGNATURE|SELF_SIGNED|ALTNAME|UNABLE_TO/.test(code);
  const words = WORDS[code] ?? errorText(error).split('\n')[0]!;
  return new Failure(
    isCertificate ? 'untrusted' : 'unreachable',
    `${url}: ${step}: ${words}`,
    isCertificate
      ? 'meshctl broker pin shows the key that it has; --ca-file or --pin of meshctl broker set says which one it must have.'
      : undefined,
    { cause: error },
  );
}

function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
