// Serves the router's pages without a router, on this machine only: on a small client of ours, or on LuCI's own where that is at hand.

import { readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { type BuiltPages, buildClient } from '../../../build/luci.ts';
import { errorText } from '../../errors.ts';
import { answerLuci, luciMenu, luciPage, luciRoots } from './luci.ts';
import { type MenuTree, parseMenu, SESSION, viewOf } from './menu.ts';
import { type Answerer, answerUbus } from './ubus.ts';

export interface PageHostOptions {
  pages: BuiltPages;
  /** A LuCI checkout or an installed web root, whose client runs the pages instead of ours. */
  luci?: string | undefined;
  /** Takes the pages' calls. */
  answer: Answerer;
  /** Takes a line about what went wrong. */
  log(line: string): void;
}

/** A running host. */
export interface PageHost {
  /** The address of a page: `admin/mesh/status`. */
  pageUrl(path: string): string;
  close(): Promise<void>;
}

/** uhttpd's own limit. */
const MAX_BODY = 65_536;
const TYPES: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};
const RESOURCES = '/luci-static/resources/';
const PAGES = '/cgi-bin/luci/';

class Refused extends Error {
  constructor(readonly status: number) {
    super(`HTTP ${status}`);
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY) throw new Refused(413);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function pathOf(url: string): string {
  try {
    return decodeURIComponent(url.split('?', 1)[0]!);
  } catch {
    throw new Refused(400);
  }
}

/** A file of one of the roots; a path that leads out of them is none. */
function readStatic(roots: readonly string[], path: string): Uint8Array {
  const below = normalize(path);
  if (below.startsWith('/'))
    for (const root of roots) {
      const file = join(root, below);
      if (statSync(file, { throwIfNoEntry: false })?.isFile()) return readFileSync(file);
    }
  throw new Refused(404);
}

/** The document of one view, with our own client. */
function ownPage(view: string): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>meshbridge</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark }
body { font: 15px/1.4 sans-serif; margin: 0 auto; max-width: 60em; padding: 0 1em 2em }
table { border-collapse: collapse; width: 100% }
th, td { padding: .3em .6em .3em 0; text-align: left; vertical-align: top }
ul { padding: 0; list-style: none }
.alert-message { border: 1px solid; padding: .2em .8em }
</style>
<script src="/client.js" data-view="${view}" data-session="${SESSION}" defer></script>
</head>
<body><div id="view">Loading view…</div></body>
</html>
`;
}

/** Starts a host on a free port of 127.0.0.1. @throws Error when there is no LuCI where it should be. */
export async function startPageHost({ pages, luci, answer, log }: PageHostOptions): Promise<PageHost> {
  const roots = luci === undefined ? [] : luciRoots(luci);
  const client = luci === undefined ? await buildClient() : '';
  const menu: MenuTree = parseMenu(pages.menu);
  const built = new Map(pages.files.map(({ path, bytes }) => [RESOURCES + path, bytes]));

  const answerAll: Answerer = (call) => (luci === undefined ? undefined : answerLuci(call)) ?? answer(call);

  async function respond(request: IncomingMessage, path: string): Promise<{ type: string; body: string | Uint8Array }> {
    // LuCI's client adds the names of the calls to the path
    if (path === '/ubus' || path.startsWith('/ubus/')) {
      if (request.method !== 'POST') throw new Refused(405);
      const reply = await answerUbus(await readBody(request), answerAll, log);
      return { type: 'application/json', body: JSON.stringify(reply) };
    }
    if (request.method !== 'GET') throw new Refused(405);
    const type = TYPES[extname(path)] ?? 'application/octet-stream';
    const view = built.get(path);
    if (view) return { type, body: view };
    if (path === `${PAGES}admin/menu`) return { type: 'application/json', body: JSON.stringify(luciMenu(menu)) };
    if (path.startsWith(PAGES)) {
      const parts = path.slice(PAGES.length).split('/');
      const name = viewOf(menu, parts);
      if (!name) throw new Refused(404);
      return { type: 'text/html; charset=utf-8', body: luci === undefined ? ownPage(name) : luciPage(parts, name) };
    }
    if (path === '/client.js' && client) return { type, body: client };
    return { type, body: readStatic(roots, path) };
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      // another name that leads here would be a page of somebody else's
      if (request.headers.host !== authority) throw new Refused(403);
      const { type, body } = await respond(request, pathOf(request.url ?? '/'));
      response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
    } catch (error) {
      if (!(error instanceof Refused)) log(`${request.url}: ${errorText(error)}`);
      response.writeHead(error instanceof Refused ? error.status : 500, { connection: 'close' }).end();
    }
  }

  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const authority = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    pageUrl: (path) => `http://${authority}${PAGES}${path}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
