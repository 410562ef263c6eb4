// The broker of a fleet as the operator's directory knows it: where it is, as whom we come, how it proves who it is.

import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { isAbsolute, resolve } from 'node:path';
import { errorText, InputError } from '../errors.ts';
import { Failure } from './failure.ts';
import type { Home } from './home.ts';

/** Where a connection goes. */
export type Place = { path: string } | { host: string; port: number; secure: boolean };

/** `config.json`. */
export interface BrokerSetting {
  /** As meshctl reaches it: `mqtt://host[:1883]`, `mqtts://host[:8883]`, `unix:///path`. */
  url: string;
  /** As routers reach it, where that differs. */
  node_url?: string;
  username?: string;
  /** File with the password on its first line; without it, `MESHCTL_PASSWORD`. */
  password_file?: string;
  /** PEM file of the authorities that may vouch for it. */
  ca_file?: string;
  /** SHA-256 of public keys, base64, one of which it must have. Routers are told of them. */
  pins?: string[];
  /** Name that its certificate must have, where that is not the host. */
  server_name?: string;
  /** Users that the access list lets manage the fleet; absent: `username` alone. */
  operators?: string[];
  /** Users that it lets read what nodes tell. */
  readers?: string[];
}

const FILE = 'config.json';
const PORTS = { mqtt: 1883, mqtts: 8883 } as const;
const PIN = /^[A-Za-z0-9+/]{43}=$/;
const HOST = /^(?:\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|([A-Za-z0-9._-]{1,253}))(?::(\d{1,5}))?\/?$/;
/** Most pins that a code carries. */
export const MAX_PINS = 4;

/** @throws InputError on what is no address of a broker; shows nothing of one that may hold a password. */
export function parseBrokerUrl(text: string, option = 'url'): Place {
  const expected = 'expected mqtt://host[:port], mqtts://host[:port] or unix:///path';
  if (text.startsWith('unix:///')) return { path: text.slice('unix://'.length) };
  if (text.includes('@'))
    throw new InputError(`${option}: ${expected}, without a user: --user and --password-file are for that`);
  const [, scheme, rest] = /^(mqtts?):\/\/(.+)$/.exec(text) ?? [];
  const [, address, name, digits] = HOST.exec(rest ?? '') ?? [];
  if (scheme === undefined || (address === undefined && name === undefined) || (address && !isIPv6(address)))
    throw new InputError(`${option}: ${expected}, got ${JSON.stringify(text.slice(0, 80))}`);
  const port = digits === undefined ? PORTS[scheme as keyof typeof PORTS] : Number(digits);
  if (port < 1 || port > 65_535) throw new InputError(`${option}: expected a port from 1 to 65535, got ${digits}`);
  return { host: (address ?? name)!, port, secure: scheme === 'mqtts' };
}

/** Whether what is sent there can be read on the way: not by TLS, not over Yggdrasil (200::/7), not on this machine. */
export function isOpen(place: Place): boolean {
  if ('path' in place || place.secure) return false;
  return !/^(localhost$|127\.|::1$)/.test(place.host) && !/^0?[23][0-9a-f]{2}:/i.test(place.host);
}

/** The setting. @throws Failure when there is none, or it does not do. */
export function readBroker(home: Home): BrokerSetting {
  const value = home.read(FILE) as { broker?: BrokerSetting } | undefined;
  const broker = value?.broker;
  if (typeof broker !== 'object' || broker === null || typeof broker.url !== 'string')
    throw new Failure(
      'usage',
      `no broker is set in ${home.file(FILE)}`,
      'meshctl broker set --url mqtts://broker.example.org --user operator --password-file FILE',
    );
  return checkBroker(broker);
}

/** Keeps the setting. @throws InputError on what does not do. */
export function writeBroker(home: Home, broker: BrokerSetting): void {
  home.write(FILE, { v: 1, broker: checkBroker(broker) });
}

function checkBroker(broker: BrokerSetting): BrokerSetting {
  parseBrokerUrl(broker.url, '--url');
  if (broker.node_url !== undefined && 'path' in parseBrokerUrl(broker.node_url, '--node-url'))
    throw new InputError('--node-url: expected mqtt:// or mqtts://, got a socket of this machine');
  for (const pin of broker.pins ?? [])
    if (!PIN.test(pin)) throw new InputError('--pin: expected the SHA-256 of a public key, 44 characters of base64');
  if ((broker.pins?.length ?? 0) > MAX_PINS)
    throw new InputError(`--pin: expected at most ${MAX_PINS}, got ${broker.pins!.length}`);
  return broker;
}

/** The address that routers are told. @throws Failure when it is one of this machine alone. */
export function nodeUrl(broker: BrokerSetting): string {
  const url = broker.node_url ?? broker.url;
  const place = parseBrokerUrl(url);
  if ('path' in place || /^(localhost$|127\.|::1$)/.test(place.host))
    throw new Failure(
      'usage',
      `${url}: routers do not reach the broker there`,
      'meshctl broker set --node-url mqtts://… says where they do.',
    );
  return url;
}

/** The password; `undefined` when none is set. @throws Failure when its file cannot be read. */
export function readPassword({ password_file }: BrokerSetting, env: NodeJS.ProcessEnv): string | undefined {
  if (password_file === undefined) return env.MESHCTL_PASSWORD;
  try {
    return readFileSync(password_file, 'utf8').split('\n')[0]!.replace(/\r$/, '');
  } catch (error) {
    throw new Failure('usage', `password file: ${errorText(error)}`);
  }
}

/** A path as it is kept: absolute. */
export function absolute(path: string): string {
  return isAbsolute(path) ? path : resolve(path);
}
