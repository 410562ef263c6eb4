// Endpoints as text: `unix:///path`, `unix://@name` (abstract), `tcp://host:port`, with IPv6 addresses in brackets.

import { InputError } from '../errors.ts';
import { hasControl } from '../lib/text.ts';
import { encodeUtf8 } from '../lib/utf8.ts';
import type { Endpoint } from './host.ts';

/** `sun_path` of Linux, without its last zero. */
export const MAX_SOCKET_PATH_BYTES = 107;

/** An endpoint from its text; `host:port` may stand without its scheme. @throws InputError with what was expected. */
export function parseEndpoint(text: string): Endpoint {
  const [, scheme, rest] = /^(?:(unix|tcp):\/\/)?(.*)$/s.exec(text)!;
  if (scheme === 'unix') {
    const problem = socketPathProblem(rest!);
    if (problem) throw refusal(problem, text);
    return { path: rest! };
  }
  if (scheme === undefined && /^[/@]/.test(text)) throw refusal('expected unix:// before a path', text);
  const [, v6, name, port] = /^(?:\[([^[\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(rest!) ?? [];
  const host = v6 ?? name;
  if (host === undefined) throw refusal('expected unix:///path or tcp://host:port', text);
  if (v6 !== undefined ? !isIpv6(v6) : !isHostName(host)) throw refusal('expected a host name or an address', text);
  if (Number(port) < 1 || Number(port) > 65535) throw refusal('expected a port from 1 to 65535', text);
  return { host, port: Number(port) };
}

/** The text of an endpoint, as `parseEndpoint` reads it. */
export function formatEndpoint(endpoint: Endpoint): string {
  if ('path' in endpoint) return `unix://${endpoint.path}`;
  const { host, port } = endpoint;
  return `tcp://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Why a unix socket cannot have this path, or `undefined`. */
export function socketPathProblem(path: string): string | undefined {
  if (!/^[/@]./.test(path)) return 'expected an absolute path or @name';
  if (hasControl(path)) return 'expected a path without control characters';
  const bytes = encodeUtf8(path).length;
  return bytes > MAX_SOCKET_PATH_BYTES
    ? `expected a path of at most ${MAX_SOCKET_PATH_BYTES} bytes, it has ${bytes}`
    : undefined;
}

function isHostName(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9_][a-z0-9_-]*(\.[a-z0-9_][a-z0-9_-]*)*\.?$/i.test(text);
}

/** Near enough to send the rest to the machine, which judges addresses anyway. */
function isIpv6(text: string): boolean {
  return text.length <= 64 && /^(?=.*:.*:)[0-9a-f:.]+(%[\w.-]{1,15})?$/i.test(text);
}

function refusal(expected: string, text: string): InputError {
  return new InputError(`${expected}, got ${JSON.stringify(text.slice(0, 120))}`, 'endpoint');
}
