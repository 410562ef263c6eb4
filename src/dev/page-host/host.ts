// Serves the router's pages without a router, on this machine only: on a small client of ours, or on LuCI's own where that is at hand.

import { readFileSync, statSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { type BuiltPages, buildClient } from '../../../build/luci.ts';
import {
  checkOrigin,
  cookieOf,
  type PageResponse,
  Refused,
  readBody,
  readUrl,
  servePages,
} from '../../page-host/http.ts';
import { forwardPage, loginPage, type ViewPage, viewPage } from '../../page-host/page.ts';
import { type Answerer, answerUbus } from '../../page-host/ubus.ts';
import { luciMenu, luciPage, luciRoots } from './luci.ts';
import { nodeOf, pagesOf, readMenu } from './menu.ts';
import type { Router, Session } from './router.ts';

export interface PageHostOptions {
  pages: BuiltPages;
  /** Who may log in, and what answers. */
  router: Router;
  /** A LuCI checkout or an installed web root, whose client runs the pages instead of ours. */
  luci?: string | undefined;
  /** Answers calls of pages instead of the router. */
  answer?: Answerer;
  /** By language, in the form in which LuCI's client has them: each text by the hash of the English one. */
  translations?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Default: any that is free. */
  port?: number;
  /** Seconds until changes that nobody confirmed are taken back. */
  rollbackS?: number;
  /** Takes a line about what went wrong. */
  log(line: string): void;
}

/** A running host. */
export interface PageHost {
  readonly port: number;
  /** The address of a page: `admin/mesh/overview`. */
  pageUrl(path: string): string;
  /** An address that logs somebody in, once. */
  entryUrl(username: string): string;
  /** The cookie of a session. */
  cookieFor(session: Session): { name: string; value: string };
  close(): Promise<void>;
}

const TYPES: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};
const HTML = 'text/html; charset=utf-8';
const JSON_TYPE = 'application/json';
const RESOURCES = '/luci-static/resources/';
const PAGES = '/cgi-bin/luci/';
/** As LuCI's server has it at least. */
const ROLLBACK_S = 90;
/** A wrong password is answered after this, so that guessing takes long. */
const FAILED_LOGIN_MS = 500;
/** Waiting answers to wrong passwords. */
const MAX_FAILING = 8;

/** A file of one of the roots; a path that leads out of them is none. */
function readStatic(roots: readonly string[], path: string): Uint8Array {
  const below = normalize(path);
  if (below.startsWith('/') && !below.includes('\0'))
    for (const root of roots) {
      const file = join(root, below);
      if (statSync(file, { throwIfNoEntry: false })?.isFile()) return readFileSync(file);
    }
  throw new Refused(404);
}

/** The first language that a browser wants and we have; what we are written in is one. */
function languageOf(wanted: string, have: readonly string[]): string {
  const names = wanted.split(',').map((one) => one.trim().split(/[-;]/, 1)[0]!.toLowerCase());
  return names.find((name) => name === 'en' || have.includes(name)) ?? 'en';
}

function redirect(path: string): PageResponse {
  return { status: 303, type: HTML, body: '', headers: { location: path } };
}

/** Starts a host on 127.0.0.1. @throws Error when there is no LuCI where it should be, or the port is taken */
export async function startPageHost(options: PageHostOptions): Promise<PageHost> {
  const { pages, router, luci, translations = {}, port = 0, rollbackS = ROLLBACK_S, log } = options;
  const roots = luci === undefined ? [] : luciRoots(luci);
  const client = luci === undefined ? await buildClient() : '';
  const built = new Map(pages.files.map(({ path, bytes }) => [RESOURCES + path, bytes]));
  const answer: Answerer = options.answer ?? ((call) => router.answer(call));
  let failing = 0;
  let authorities: readonly string[] = [];
  let cookieName = '';

  const cookie = (value: string, more = ''): Record<string, string> => ({
    'set-cookie': `${cookieName}=${value}; HttpOnly; SameSite=Strict; Path=/${more}`,
  });

  function showPage(request: IncomingMessage, path: string, nonce: string): PageResponse {
    const session = router.sessions.find(cookieOf(request, cookieName));
    if (!session) return { status: 403, type: HTML, body: loginPage({ to: path, failed: false }) };
    const menu = readMenu(pages.menu, session.access);
    if (path === `${PAGES}admin/menu`) return { type: JSON_TYPE, body: JSON.stringify(luciMenu(menu)) };
    if (path === `${PAGES}admin/logout`) return leave(request);
    const parts = path.slice(PAGES.length);
    const node = nodeOf(menu, parts.split('/'));
    if (!node) throw new Refused(404);
    const page: ViewPage = {
      view: node.action.path!,
      path: parts,
      session: session.id,
      token: session.token,
      rollbackS,
      language: languageOf(request.headers['accept-language'] ?? '', Object.keys(translations)),
      menu: pagesOf(menu),
    };
    return { type: HTML, body: luci === undefined ? viewPage(page) : luciPage(page, node.readonly, nonce) };
  }

  function showFirst(request: IncomingMessage, token: string | null): PageResponse {
    const username = token === null ? undefined : router.sessions.redeem(token);
    if (username !== undefined)
      return { type: HTML, body: forwardPage('/'), headers: cookie(router.enter(username).id) };
    const session = router.sessions.find(cookieOf(request, cookieName));
    if (!session)
      return { status: token === null ? 200 : 403, type: HTML, body: loginPage({ to: '/', failed: false }) };
    const first = pagesOf(readMenu(pages.menu, session.access))[0];
    if (!first) throw new Refused(404);
    return redirect(PAGES + first.path);
  }

  async function enter(request: IncomingMessage): Promise<PageResponse> {
    const form = new URLSearchParams(await readBody(request));
    const to = form.get('to') ?? '/';
    const path = to === '/' || to.startsWith(`${PAGES}admin/`) ? to : '/';
    if (failing >= MAX_FAILING) throw new Refused(429);
    const session = router.login(form.get('username') ?? '', form.get('password') ?? '');
    if (session) return { ...redirect(path), headers: { location: path, ...cookie(session.id) } };
    failing++;
    await new Promise((resolve) => setTimeout(resolve, FAILED_LOGIN_MS));
    failing--;
    return { status: 403, type: HTML, body: loginPage({ to: path, failed: true }) };
  }

  function leave(request: IncomingMessage): PageResponse {
    const id = cookieOf(request, cookieName);
    if (id !== undefined) router.sessions.close(id);
    return { ...redirect('/'), headers: { location: '/', ...cookie('', '; Max-Age=0') } };
  }

  /** LuCI's way to apply, confirm and revert. */
  function apply(request: IncomingMessage, action: string, query: URLSearchParams): PageResponse {
    const session = router.sessions.find(cookieOf(request, cookieName));
    if (!session || query.get('token') !== session.token) throw new Refused(403);
    const status = router.applyBy(session, action, rollbackS);
    if (status >= 400) throw new Refused(status);
    const body = status === 200 && action === 'apply_rollback' ? JSON.stringify({ token: session.token }) : '';
    return { status, type: JSON_TYPE, body };
  }

  async function respond(request: IncomingMessage, nonce: string): Promise<PageResponse> {
    checkOrigin(request, (authority) => authorities.includes(authority));
    const { path, query } = readUrl(request.url ?? '/');
    const action = /^\/cgi-bin\/luci\/admin\/uci\/(apply_rollback|apply_unchecked|confirm|revert)$/.exec(path)?.[1];
    // LuCI's client adds the names of the calls to the path
    const isUbus = path === '/ubus' || path.startsWith('/ubus/');
    const isPosted = isUbus || action !== undefined || path === '/login' || path === '/logout';
    if (request.method !== (isPosted ? 'POST' : 'GET')) throw new Refused(405);
    if (isUbus)
      return { type: JSON_TYPE, body: JSON.stringify(await answerUbus(await readBody(request), answer, log)) };
    if (action) return apply(request, action, query);
    if (path === '/login') return enter(request);
    if (path === '/logout') return leave(request);
    if (path === '/') return showFirst(request, query.get('token'));
    const type = TYPES[extname(path)] ?? 'application/octet-stream';
    const language = /^\/cgi-bin\/luci\/admin\/translations\/([a-zA-Z-]{1,16})$/.exec(path)?.[1];
    if (language) return { type: TYPES['.js']!, body: `window.TR = ${JSON.stringify(translations[language] ?? {})};` };
    if (path.startsWith(PAGES)) return showPage(request, path, nonce);
    if (path === '/client.js' && client) return { type, body: client };
    return { type, body: built.get(path) ?? readStatic(roots, path) };
  }

  const { port: bound, close } = await servePages(port, respond, log);
  authorities = [`127.0.0.1:${bound}`, `localhost:${bound}`];
  // browsers keep cookies by host, not by port
  cookieName = `meshbridge_${bound}`;
  const origin = `http://127.0.0.1:${bound}`;
  return {
    port: bound,
    pageUrl: (path) => `${origin}${PAGES}${path}`,
    entryUrl: (username) => `${origin}/?token=${router.sessions.issue(username)}`,
    cookieFor: ({ id }) => ({ name: cookieName, value: id }),
    close,
  };
}
