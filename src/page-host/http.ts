// What all requests to a host of pages have in common: who may ask, how much, and what browsers must not do with the answers.

import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorText } from '../errors.ts';

/** uhttpd's own. */
const MAX_BODY = 65_536;
const MAX_CONNECTIONS = 100;
const REQUEST_MS = 30_000;

/** What is said to a request. */
export interface PageResponse {
  /** 200 unless it is given. */
  status?: number;
  type: string;
  body: string | Uint8Array;
  headers?: Record<string, string>;
}

/** A server that listens. */
export interface PageServer {
  readonly port: number;
  close(): Promise<void>;
}

/** A request that is answered with a status and nothing else. */
export class Refused extends Error {
  constructor(readonly status: number) {
    super(`HTTP ${status}`);
  }
}

/** The whole body. @throws Refused 413 when it is longer than uhttpd would take. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY) throw new Refused(413);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Path and query. @throws Refused 400 when the path is no text. */
export function readUrl(url: string): { path: string; query: URLSearchParams } {
  const [path, query] = url.split('?', 2);
  try {
    return { path: decodeURIComponent(path!), query: new URLSearchParams(query) };
  } catch {
    throw new Refused(400);
  }
}

/**
 * Refuses what comes from elsewhere: under another name that leads to this machine, or from another site's page.
 * @param isOurs whether a name and port are those of this host.
 * @throws Refused 403
 */
export function checkOrigin({ method, headers }: IncomingMessage, isOurs: (authority: string) => boolean): void {
  const { host = '', origin } = headers;
  if (!isOurs(host)) throw new Refused(403);
  if (method !== 'GET' && origin !== undefined && origin !== `http://${host}`) throw new Refused(403);
}

/** The value of a cookie. */
export function cookieOf({ headers }: IncomingMessage, name: string): string | undefined {
  for (const pair of (headers.cookie ?? '').split(';')) {
    const [key, value] = pair.trim().split('=', 2);
    if (key === name) return value;
  }
  return undefined;
}

/**
 * Headers of every answer. LuCI evaluates its classes, and views bring their style sheets with them. Where no referrer may be told, browsers
 * send forms from nowhere, and those are refused.
 * @param nonce of inline scripts.
 */
export function headersOf(type: string, nonce: string): Record<string, string> {
  const policy = [
    "default-src 'none'",
    `script-src 'self' 'unsafe-eval' 'nonce-${nonce}'`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    'content-type': type,
    'cache-control': 'no-store',
    'content-security-policy': policy.join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
  };
}

/**
 * Serves on 127.0.0.1. @param port 0: any that is free. @param respond may throw (reject with) Refused; gets the nonce of inline scripts.
 * @param log takes a line about what went wrong; without the address, which may hold what logs somebody in.
 * @throws (rejects) Error when the port is taken
 */
export async function servePages(
  port: number,
  respond: (request: IncomingMessage, nonce: string) => Promise<PageResponse>,
  log: (line: string) => void,
): Promise<PageServer> {
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const nonce = randomBytes(16).toString('base64');
    try {
      const { status = 200, type, body, headers = {} } = await respond(request, nonce);
      response.writeHead(status, { ...headersOf(type, nonce), ...headers }).end(body);
    } catch (error) {
      const refused = error instanceof Refused;
      if (!refused && !request.destroyed) log(`${request.method} request: ${errorText(error)}`);
      response
        .writeHead(refused ? error.status : 500, { ...headersOf('text/plain', nonce), connection: 'close' })
        .end();
    }
  }

  const server = createServer({ requestTimeout: REQUEST_MS }, (request, response) => void serve(request, response));
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
