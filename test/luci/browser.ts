// A browser that shows one of the router's pages, whose calls on the bus are answered by a script.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page, type Request } from 'playwright-core';
import { ensureChromium } from '../../build/chromium.ts';
import { type BuiltPages, buildPages } from '../../build/luci.ts';
import { DIST } from '../../build/project.ts';
import { type PageHost, startPageHost } from '../../src/dev/page-host/host.ts';
import { Router } from '../../src/dev/page-host/router.ts';
import { readTranslations } from '../../src/dev/page-host/translations.ts';
import { errorText } from '../../src/errors.ts';
import type { PageAnswer, PageCall } from '../../src/page-host/ubus.ts';

/**
 * Answers by `<object>.<method>`; a function is called each time, with the arguments. What is not there is absent from the bus, but for
 * `session`, `uci` and `luci`, which the page host itself serves. Access lists come first: what a login may not call is denied.
 */
export type Script = Record<string, PageAnswer | ((args: PageCall['args']) => PageAnswer | Promise<PageAnswer>)>;

/** Who opens a page, and what the router has. */
export interface Visit {
  /** A login of `rpcd`; default: root. */
  as?: string;
  /** Texts of files in /etc/config, by name; `luci` and `rpcd` as they are here unless they are among them. */
  config?: Readonly<Record<string, string>>;
  /** Seconds until changes that nobody confirmed are taken back. */
  rollbackS?: number;
  /** What the browser asks for; default: English. */
  language?: string;
  /** Of that language, in the form of LuCI's server; default: as they are packaged. */
  translation?: Readonly<Record<string, string>>;
}

const LOGINS = `
config login
	option username 'root'
	option password '$p$root'
	list read '*'
	list write '*'

config login
	option username 'member'
	option password '$5$'
	list read 'unauthenticated'
	list read 'luci-base'
	list read 'luci-app-meshbridge-member'
`;

export interface Screen {
  width: number;
  height: number;
  /** A phone: LuCI's theme asks for the width of the device. */
  phone?: boolean;
  theme?: 'light' | 'dark';
}
export const DESKTOP: Screen = { width: 1100, height: 800 };
export const PHONE: Screen = { width: 360, height: 740, phone: true };

/** LuCI's own client, where a checkout is at hand; else ours. */
export const LUCI = process.env.LUCI_DIR || undefined;
const translations = readTranslations();
const SHOTS = join(DIST, 'screenshots', LUCI === undefined ? 'stand-in' : 'luci');

/** Ends after the tasks that wait already; its clock cannot be stopped. */
const TASK = `new Promise((resolve) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => resolve();
  port2.postMessage(0);
})`;

/** Ends when a style sheet is there. */
const STYLED = `(link) => link.sheet || new Promise((resolve, reject) => {
  link.onload = resolve;
  link.onerror = () => reject(new Error('no style sheet: ' + link.href));
})`;

/** One page in the browser. */
export class Opened {
  /** Calls in the order of their arrival. */
  readonly calls: string[] = [];
  /** Requests to /ubus that carried calls of the page. */
  requests = 0;
  /** Those of them that were answered. */
  finished = 0;
  /** Errors that nobody caught in the page. */
  readonly faults: string[] = [];
  page!: Page;
  private context!: BrowserContext;
  private host!: PageHost;
  private router: Router | undefined;
  /** Stands in for /etc/config. */
  private readonly directory = mkdtempSync(join(tmpdir(), 'meshbridge-page-'));

  constructor(public script: Script) {}

  async open(browser: Browser, pages: BuiltPages, path: string, screen: Screen, visit: Visit): Promise<void> {
    for (const [name, text] of Object.entries({ luci: '', rpcd: LOGINS, ...visit.config }))
      writeFileSync(join(this.directory, name), text);
    const log = (line: string): void => void this.faults.push(line);
    const router = new Router({
      directory: this.directory,
      bus: {
        has: async (object) => Object.keys(this.script).some((name) => name.startsWith(`${object}.`)),
        call: (call) => this.answer(call),
      },
      log,
    });
    this.router = router;
    const isScripted = ({ object, method }: PageCall): boolean =>
      ['session', 'uci', 'luci'].includes(object) && Object.hasOwn(this.script, `${object}.${method}`);
    this.host = await startPageHost({
      pages,
      router,
      luci: LUCI,
      translations: visit.translation ? { [visit.language!]: visit.translation } : translations,
      answer: (call) => (isScripted(call) ? this.answer(call) : router.answer(call)),
      ...(visit.rollbackS !== undefined && { rollbackS: visit.rollbackS }),
      log,
    });
    const { width, height, phone = false, theme = 'light' } = screen;
    const viewport = { width, height };
    this.context = await browser.newContext({
      viewport,
      screen: viewport,
      isMobile: phone,
      colorScheme: theme,
      locale: visit.language ?? 'en',
    });
    this.page = await this.context.newPage();
    await this.page.clock.install();
    this.page.on('pageerror', (error) => this.faults.push(error.message));
    const carriesCalls = (request: Request): boolean =>
      /"call".*"(meshbridge(\.lease|\.client)?|yggdrasil)"/.test(request.postData() ?? '');
    this.page.on('request', (request) => {
      if (carriesCalls(request)) this.requests++;
    });
    this.page.on('requestfinished', (request) => {
      if (carriesCalls(request)) this.finished++;
    });
    const url = this.host.pageUrl(path);
    const cookie = this.host.cookieFor(router.enter(visit.as ?? 'root'));
    await this.context.addCookies([{ ...cookie, url: new URL('/', url).href }]);

    await this.page.goto(url);
    // what has no style yet is not what people see
    const style = this.page.locator('link[href*="/meshbridge/style-"]');
    await style.waitFor({ state: 'attached', timeout: 10_000 });
    await style.evaluate(STYLED);
  }

  async close(): Promise<void> {
    await this.context?.close();
    await this.host?.close();
    this.router?.close();
    rmSync(this.directory, { recursive: true });
  }

  /** The text of a file in /etc/config. */
  config(name: string): string {
    return readFileSync(join(this.directory, name), 'utf8');
  }

  /** Writes it, as somebody else would. */
  setConfig(name: string, text: string): void {
    writeFileSync(join(this.directory, name), text);
  }

  /** From here on the page's time passes by `page.clock.runFor` only. */
  async stopClock(): Promise<void> {
    await this.page.clock.pauseAt(Number(await this.page.evaluate('Date.now()')) + 1000);
  }

  /** Waits until so many requests with calls of the page were answered, and the page has seen the answers. */
  async answered(requests: number): Promise<void> {
    for (let i = 0; this.finished < requests; i++) {
      if (i === 500) throw new Error(`expected ${requests} answers, got ${this.finished} for ${this.calls.join(', ')}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await this.page.evaluate(TASK);
  }

  /** Keeps a picture of the whole page in dist/screenshots. */
  async shoot(name: string): Promise<void> {
    mkdirSync(SHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
  }

  private async answer({ object, method, args }: PageCall): Promise<PageAnswer> {
    const name = `${object}.${method}`;
    this.calls.push(name);
    const answer = this.script[name] ?? 'absent';
    return typeof answer === 'function' ? answer(args) : answer;
  }
}

/** A browser for one suite, which closes it. */
export class Pages {
  private constructor(
    private readonly browser: Browser,
    private readonly pages: BuiltPages,
  ) {}

  /** Where there is no browser, prints a line that says why. @param pages instead of ours. @throws Error when ours cannot be built */
  static async start(pages?: BuiltPages): Promise<Pages | undefined> {
    const built = pages ?? (await buildPages());
    try {
      const { path, env } = await ensureChromium((line) => console.log(line));
      const browser = await chromium.launch({ executablePath: path, env });
      return new Pages(browser, built);
    } catch (error) {
      console.log(`skipped: the pages in a browser: ${errorText(error).split('\n', 1)[0]}`);
      return undefined;
    }
  }

  /** Opens a page for as long as `work` takes. */
  async show(
    path: string,
    screen: Screen,
    script: Script,
    work: (opened: Opened) => Promise<void>,
    visit: Visit = {},
  ): Promise<void> {
    const opened = new Opened(script);
    try {
      await opened.open(this.browser, this.pages, path, screen, visit);
      await work(opened);
    } finally {
      await opened.close();
    }
  }

  async close(): Promise<void> {
    await this.browser.close();
  }
}
