// The URI of a peering, `scheme://host:port?options`, checked part by part before a node sees it.
//
// Yggdrasil accepts much that can never work (0.5.12: any scheme, no port, short keys) and then retries for ever; what is refused here is
// refused with the reason. Schemes: tcp tls quic ws wss socks sockstls unix. Options: key (repeatable), priority, password, maxbackoff, sni,
// origin. Source: yggdrasil-go src/core/link.go, 0.5.5 to 0.5.14.

import { InputError } from '../errors.ts';
import { splitAt } from './peer-text.ts';
import { hasBlank } from './text.ts';
import { encodeUtf8 } from './utf8.ts';

export const PEER_SCHEMES = ['tcp', 'tls', 'quic', 'ws', 'wss', 'socks', 'sockstls', 'unix'] as const;
export type PeerScheme = (typeof PEER_SCHEMES)[number];

/** A peering URI, taken apart. */
export interface PeerUri {
  /** The URI as a node takes it: scheme in lower case, zone written `%25`. */
  uri: string;
  /** `uri` without its query: what a node calls `remote`, and knows the peering by. */
  identity: string;
  scheme: PeerScheme;
  /** Name, IPv4 address, or IPv6 address without brackets and with `%zone`; of socks and sockstls, the proxy's. Absent with unix. */
  host?: string;
  port?: number;
  /** unix: the socket's path; ws and wss: the path; socks and sockstls: `host:port` behind the proxy. */
  path?: string;
  /** Keys that the other end may have, 64 hex digits each. */
  keys: string[];
  /** 0..254, lower is preferred. */
  priority?: number;
  password?: string;
  /** Longest wait between attempts, milliseconds. */
  maxBackoffMs?: number;
  sni?: string;
  origin?: string;
}

const MAX_URI = 2048;
const MAX_PASSWORD_BYTES = 64;
/** `sockaddr_un` holds 108 bytes with the final zero. */
const MAX_UNIX_PATH = 107;
const MIN_BACKOFF_MS = 5000;
const MAX_KEYS = 16;

/**
 * Takes a peering URI apart.
 * @throws InputError (field `uri`) naming the part at fault, what was expected and what was seen; where the URI holds a password or a user,
 * nothing of it is quoted.
 */
export function parsePeerUri(text: string): PeerUri {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const { expected, seen, quotes } = error;
    const hidden = quotes && /@|password/i.test(text);
    // no cause: it would carry what is hidden
    throw new InputError(
      `uri: ${expected}, got ${hidden ? 'what is not shown, since the URI holds a secret' : seen}`,
      'uri',
    );
  }
}

function parse(text: string): PeerUri {
  if (text.length > MAX_URI) throw new Fault(`expected at most ${MAX_URI} characters`, text.length);
  if (hasBlank(text)) throw new Fault('expected no white space and no control characters', text);
  if (text.includes('#')) throw new Fault('expected no # (inside a value it is written %23)', text);
  const scheme = schemeOf(text);
  const [body = '', query] = splitAt(text.slice(scheme.length + '://'.length), '?');
  const { authority, ...where } = scheme === 'unix' ? parseUnix(body) : parsePlace(scheme, body);
  const identity = `${scheme}://${authority}`;
  const uri = query === undefined || query === '' ? identity : `${identity}?${query}`;
  return { uri, identity, scheme, ...where, ...parseOptions(query ?? '') };
}

/** What was expected of which part, and what was seen; becomes an InputError at the surface, where it is known what may be shown. */
class Fault extends Error {
  readonly seen: string;
  /** `seen` holds a part of the URI. */
  readonly quotes: boolean;

  constructor(
    readonly expected: string,
    seen: string | number,
  ) {
    super(expected);
    this.quotes = typeof seen === 'string' && seen !== '';
    this.seen = typeof seen === 'number' ? String(seen) : seen === '' ? 'none' : JSON.stringify(seen.slice(0, 80));
  }
}

function schemeOf(text: string): PeerScheme {
  const seen = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1] ?? '';
  const scheme = PEER_SCHEMES.find((known) => known === seen.toLowerCase());
  if (scheme) return scheme;
  throw new Fault(`scheme: expected one of ${PEER_SCHEMES.join(', ')} and ://`, seen);
}

interface Place {
  /** Everything behind `scheme://`, in the form that a node takes. */
  authority: string;
  host?: string;
  port?: number;
  path?: string;
}

function parseUnix(body: string): Place {
  if (!body.startsWith('/') || body.length < 2)
    throw new Fault('path: expected unix:///absolute/path', `unix://${body}`);
  const path = decodePercent(body, 'path');
  const bytes = encodeUtf8(path).length;
  if (bytes > MAX_UNIX_PATH) throw new Fault(`path: expected at most ${MAX_UNIX_PATH} bytes`, bytes);
  return { authority: body, path };
}

function parsePlace(scheme: PeerScheme, body: string): Place {
  const [before = '', path] = splitAt(body, '/');
  const socks = scheme === 'socks' || scheme === 'sockstls';
  const at = before.lastIndexOf('@');
  const user = before.slice(0, at + 1);
  if (user && !socks) throw new Fault(`user: expected none with ${scheme}`, user);
  const { text, host, port } = parseHostPort(before.slice(at + 1), socks ? 'proxy' : 'host');
  const authority = user + text;
  if (socks) {
    if (!path) throw new Fault(`target: expected ${scheme}://proxy:port/host:port`, '');
    const target = parseHostPort(path, 'target').text;
    return { authority: `${authority}/${target}`, host, port, path: target };
  }
  if (path === undefined) return { authority, host, port };
  if (scheme !== 'ws' && scheme !== 'wss') throw new Fault(`path: expected none with ${scheme}`, `/${path}`);
  return { authority: `${authority}/${path}`, host, port, path: `/${path}` };
}

function parseHostPort(text: string, part: string): { text: string; host: string; port: number } {
  const bracketed = /^\[([^[\]]*)\]/.exec(text);
  const colon = bracketed ? bracketed[0].length : text.indexOf(':');
  const name = colon < 0 ? text : text.slice(0, colon);
  const tail = colon < 0 ? '' : text.slice(colon);
  if (!bracketed && (tail.lastIndexOf(':') > 0 || text.includes('[')))
    throw new Fault(`${part}: expected an IPv6 address in brackets, [address]:port`, text);
  const host = bracketed ? checkIpv6(bracketed[1]!, part) : checkName(name, part);
  const port = Number(tail.slice(1));
  if (!/^:[1-9]\d{0,4}$/.test(tail) || port > 65535)
    throw new Fault(`${part} port: expected 1 to 65535`, tail.replace(/^:/, ''));
  return { text: `${bracketed ? `[${host.replace('%', '%25')}]` : host}:${port}`, host, port };
}

function checkName(name: string, part: string): string {
  if (/^[\d.]+$/.test(name)) {
    if (isIpv4(name)) return name;
    throw new Fault(`${part}: expected an IPv4 address of 4 numbers from 0 to 255`, name);
  }
  const labels = (name.endsWith('.') ? name.slice(0, -1) : name).split('.');
  if (name.length <= 253 && labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label)))
    return name;
  throw new Fault(`${part}: expected an address, or a name of letters, digits, - and .`, name);
}

function isIpv4(text: string): boolean {
  const numbers = text.split('.');
  return numbers.length === 4 && numbers.every((n) => /^(0|[1-9]\d{0,2})$/.test(n) && Number(n) < 256);
}

/** @returns the address with `%zone`, if any. */
function checkIpv6(text: string, part: string): string {
  const [address = '', zoneText] = splitAt(text, '%');
  if (!isIpv6(address)) throw new Fault(`${part}: expected an IPv6 address in the brackets`, text);
  if (/^0?[23][0-9a-f]{2}:/i.test(address))
    throw new Fault(
      `${part}: expected an address outside 200::/7, since a peering cannot run through the network that it makes`,
      address,
    );
  if (zoneText === undefined) return address;
  // a URI writes % as %25 (RFC 6874); a lone % is what people type
  const zone = zoneText.startsWith('25') ? zoneText.slice(2) : zoneText;
  if (!/^[\w.:@-]{1,15}$/.test(zone))
    throw new Fault(`${part} zone: expected a network device of 1 to 15 characters`, zone);
  return `${address}%${zone}`;
}

function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const dotted = text.includes('.') ? groups.pop() : undefined;
  if (dotted !== undefined && (!isIpv4(dotted) || !text.endsWith(dotted))) return false;
  const count = groups.length + (dotted === undefined ? 0 : 2);
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group)) && (halves.length === 2 ? count < 8 : count === 8);
}

type Options = Pick<PeerUri, 'keys' | 'priority' | 'password' | 'maxBackoffMs' | 'sni' | 'origin'>;

function parseOptions(query: string): Options {
  const options: Options = { keys: [] };
  const seen = new Set<string>();
  for (const pair of query === '' ? [] : query.split('&')) {
    const [name = '', raw] = splitAt(pair, '=');
    if (!isOption(name))
      throw new Fault(
        `option: expected one of ${Object.keys(OPTIONS).join(', ')} (inside a value, & is written %26)`,
        name,
      );
    if (!raw) throw new Fault(`${name}: expected ${name}=value`, '');
    if (raw.includes(';')) throw new Fault(`${name}: expected no ; (inside a value it is written %3B)`, raw);
    if (name !== 'key' && seen.has(name)) throw new Fault(`${name}: expected once`, 'several');
    seen.add(name);
    OPTIONS[name](options, decodePercent(raw.replaceAll('+', ' '), name));
  }
  return options;
}

function isOption(name: string): name is keyof typeof OPTIONS {
  return Object.hasOwn(OPTIONS, name);
}

const OPTIONS = {
  key(options: Options, value: string): void {
    if (!/^[0-9a-f]{64}$/i.test(value)) throw new Fault('key: expected 64 hex digits', value);
    if (options.keys.length === MAX_KEYS) throw new Fault(`key: expected at most ${MAX_KEYS}`, 'more');
    options.keys.push(value.toLowerCase());
  },
  priority(options: Options, value: string): void {
    if (!/^\d{1,3}$/.test(value) || Number(value) > 254) throw new Fault('priority: expected 0 to 254', value);
    options.priority = Number(value);
  },
  password(options: Options, value: string): void {
    const bytes = encodeUtf8(value).length;
    if (bytes > MAX_PASSWORD_BYTES) throw new Fault(`password: expected at most ${MAX_PASSWORD_BYTES} bytes`, bytes);
    options.password = value;
  },
  maxbackoff(options: Options, value: string): void {
    const ms = durationMs(value);
    if (ms === undefined || ms < MIN_BACKOFF_MS)
      throw new Fault('maxbackoff: expected a duration of at least 5s, such as 90s or 1h30m', value);
    options.maxBackoffMs = ms;
  },
  sni(options: Options, value: string): void {
    options.sni = checkName(value, 'sni');
  },
  origin(options: Options, value: string): void {
    if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@]+$/i.test(value)) throw new Fault('origin: expected scheme://host', value);
    options.origin = value;
  },
} as const;

const UNIT_MS: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** A Go duration: numbers with units, added up (`1h30m`, `1.5s`); `undefined` when it is none. */
function durationMs(text: string): number | undefined {
  const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;
  let ms = 0;
  while (part.lastIndex < text.length) {
    const found = part.exec(text);
    if (!found) return undefined;
    ms += Number(found[1]) * UNIT_MS[found[2]!]!;
  }
  return text === '' ? undefined : ms;
}

function decodePercent(text: string, part: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Fault(`${part}: expected %XX to be UTF-8 (a plain % is written %25)`, text);
  }
}
