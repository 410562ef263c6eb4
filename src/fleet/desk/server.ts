// The desk of a gateway's operator as a web page, for a gateway without LuCI: served on this machine alone, to whoever logs in with the password of
// this run. A session's cookie is out of reach of scripts and of other sites; what a page asks bears a token that no other site's page knows.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { extname } from 'node:path';
import { CLIENT_METHODS } from '../../api/client-object.ts';
import type { MethodContract } from '../../api/objects.ts';
import { hashText } from '../../lib/text-hash.ts';
import {
  checkOrigin,
  cookieOf,
  type PageResponse,
  Refused,
  readBody,
  readUrl,
  servePages,
} from '../../page-host/http.ts';
import { forwardPage, loginPage, viewPage } from '../../page-host/page.ts';
import { makePassword } from '../../page-host/password.ts';
import { type SessionState, Sessions } from '../../page-host/session.ts';
import { TOKEN_HEADER } from '../../page-host/token.ts';
import { answerUbus, type PageAnswer, type PageCall } from '../../page-host/ubus.ts';
import type { DeskAssets } from './assets.ts';
import { OTHER_WORDS } from './words.ts';

export interface DeskOptions {
  assets: DeskAssets;
  /** Asks the daemon. */
  daemon: { call(object: string, method: string, args: object): Promise<PageAnswer> };
  /** 0: any that is free. */
  port: number;
  /** Who it is in the gateway's log, where the page does not say. */
  by: string;
  /** Takes a line about what went wrong. */
  log(line: string): void;
  /** Monotonic milliseconds. */
  nowMs?(): number;
}

/** A running desk. */
export interface Desk {
  readonly port: number;
  readonly password: string;
  /** An address that logs in, once. */
  readonly url: string;
  close(): Promise<void>;
}

/** Half an hour without a page that asks, and half a day in all. */
const SESSION = { idleS: 1800, lifeS: 43_200 } as const;
/** A wrong password is answered after this, one after the other, so that guessing takes longer than anybody has. */
const FAILED_LOGIN_MS = 500;
const MAX_FAILING = 8;
const RESOURCES = '/luci-static/resources/';
const TRANSLATIONS = /^\/cgi-bin\/luci\/admin\/translations\/([a-z]{2})$/;
const TYPES: Record<string, string> = { '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8' };
const HTML = 'text/html; charset=utf-8';
const HINT = 'The password stands where meshctl desk runs.';
/** Besides what the desk itself can do: is the daemon there, and what is its key. */
const MORE = ['meshbridge.status', 'yggdrasil.self'];
const OBJECT = 'meshbridge.client';
const METHODS: Readonly<Record<string, MethodContract>> = CLIENT_METHODS;

/** This machine, whatever port a tunnel has at its other end: another site's name that leads here is none of these. */
function isLoopback(authority: string): boolean {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/.test(authority);
}

/** Browsers keep cookies by host, not by port, and tunnels to several gateways end here. */
function cookieName({ headers }: IncomingMessage): string {
  return `meshbridge_desk_${/:(\d+)$/.exec(headers.host ?? '')?.[1] ?? 80}`;
}

function isEqual(a: string, b: string): boolean {
  const [one, other] = [a, b].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(one!, other!);
}

/** Texts of pages in a language, in the form of LuCI's client. */
function textsOf({ translations }: DeskAssets, language: string): Record<string, string> {
  const own = Object.entries(OTHER_WORDS[language] ?? {});
  const hashed = own.map(([text, other]) => [hashText(text).toString(16).padStart(8, '0'), other]);
  return { ...translations[language], ...Object.fromEntries(hashed) };
}

/** The first language that a browser wants and there is. */
function languageOf({ headers }: IncomingMessage, { translations }: DeskAssets): string {
  const names = (headers['accept-language'] ?? '').split(',').map((one) => one.trim().slice(0, 2).toLowerCase());
  return names.find((name) => name === 'en' || Object.hasOwn(translations, name)) ?? 'en';
}

/** Starts it on 127.0.0.1. @throws (rejects) Error when the port is taken */
export async function startDesk({ assets, daemon, port, by, log, nowMs }: DeskOptions): Promise<Desk> {
  const sessions = new Sessions(nowMs ?? (() => performance.now()), SESSION);
  const password = makePassword();
  const token = sessions.issue('operator');
  let failing = 0;

  function sessionOf(request: IncomingMessage): SessionState | undefined {
    return sessions.find(cookieOf(request, cookieName(request)));
  }

  const cookie = (request: IncomingMessage, value: string, more = ''): Record<string, string> => ({
    'set-cookie': `${cookieName(request)}=${value}; HttpOnly; SameSite=Strict; Path=/${more}`,
  });

  /** What a page asks, for a session that is open. */
  async function answer({ object, method, args }: PageCall): Promise<PageAnswer> {
    const contract = object === OBJECT && Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
    if (!contract && !MORE.includes(`${object}.${method}`)) return 'denied';
    return daemon.call(object, method, contract?.writes ? { by, ...args } : args);
  }

  async function ask(request: IncomingMessage): Promise<PageResponse> {
    const session = sessionOf(request);
    const given = request.headers[TOKEN_HEADER];
    if (session && (typeof given !== 'string' || !isEqual(given, session.token))) throw new Refused(403);
    const said = await answerUbus(await readBody(request), session ? answer : () => 'denied', log);
    return { type: 'application/json', body: JSON.stringify(said) };
  }

  function showFirst(request: IncomingMessage, given: string | null): PageResponse {
    const isInvited = given !== null && sessions.redeem(given) !== undefined;
    // from within this site: a browser sends no strict cookie along a redirection that began elsewhere
    if (isInvited) return { type: HTML, body: forwardPage('/'), headers: cookie(request, sessions.open({}).id) };
    const session = sessionOf(request);
    if (!session)
      return {
        status: given === null ? 200 : 403,
        type: HTML,
        body: loginPage({ to: '/', failed: false, hint: HINT }),
      };
    const { view } = assets;
    const language = languageOf(request, assets);
    const page = {
      view,
      path: '',
      session: '',
      token: session.token,
      rollbackS: 0,
      language,
      brand: 'meshbridge',
      menu: [],
    };
    return { type: HTML, body: viewPage(page) };
  }

  async function enter(request: IncomingMessage): Promise<PageResponse> {
    const form = new URLSearchParams(await readBody(request));
    if (failing >= MAX_FAILING) throw new Refused(429);
    if (isEqual(form.get('password') ?? '', password))
      return {
        status: 303,
        type: HTML,
        body: '',
        headers: { location: '/', ...cookie(request, sessions.open({}).id) },
      };
    failing++;
    await new Promise((resolve) => setTimeout(resolve, failing * FAILED_LOGIN_MS));
    failing--;
    return { status: 403, type: HTML, body: loginPage({ to: '/', failed: true, hint: HINT }) };
  }

  function leave(request: IncomingMessage): PageResponse {
    const session = sessionOf(request);
    if (session) sessions.close(session.id);
    return { status: 303, type: HTML, body: '', headers: { location: '/', ...cookie(request, '', '; Max-Age=0') } };
  }

  async function respond(request: IncomingMessage): Promise<PageResponse> {
    checkOrigin(request, isLoopback);
    const { path, query } = readUrl(request.url ?? '/');
    const isPosted = ['/ubus/', '/login', '/logout'].includes(path);
    if (request.method !== (isPosted ? 'POST' : 'GET')) throw new Refused(405);
    if (path === '/ubus/') return ask(request);
    if (path === '/login') return enter(request);
    if (path === '/logout') return leave(request);
    if (path === '/') return showFirst(request, query.get('token'));
    if (path === '/client.js') return { type: TYPES['.js']!, body: assets.client };
    const language = TRANSLATIONS.exec(path)?.[1];
    if (language) return { type: TYPES['.js']!, body: `window.TR = ${JSON.stringify(textsOf(assets, language))};` };
    const name = path.startsWith(RESOURCES) ? path.slice(RESOURCES.length) : '';
    if (!Object.hasOwn(assets.files, name)) throw new Refused(404);
    return { type: TYPES[extname(name)] ?? 'application/octet-stream', body: assets.files[name]! };
  }

  const { port: bound, close } = await servePages(port, respond, log);
  return { port: bound, password, url: `http://127.0.0.1:${bound}/?token=${token}`, close };
}
