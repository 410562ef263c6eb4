// The desk router's web pages: its bus and its configuration behind the page host, and a login.

import { buildPages } from '../../build/luci.ts';
import { makePassword } from '../page-host/password.ts';
import { BrokerBus } from './page-host/bus.ts';
import { cryptSha256 } from './page-host/crypt.ts';
import { type PageHost, startPageHost } from './page-host/host.ts';
import { Router } from './page-host/router.ts';
import { readTranslations } from './page-host/translations.ts';

/** Where the pages are unless somebody else is there. */
export const PAGES_PORT = 8765;

export interface PagesOptions {
  /** Path of the broker's socket. */
  socket: string;
  /** Stands in for /etc/config. */
  directory: string;
  /** Only this port, or an error; without, PAGES_PORT or any other. */
  port: number | undefined;
  /** Root's password. */
  password: string;
  /** Takes a line about what went wrong. */
  log(line: string): void;
}

/** What crypt(3) makes of a password. */
export function hashPassword(password: string): string {
  return cryptSha256(password, `$5$${makePassword().replaceAll('-', '')}`)!;
}

/** The pages of a desk router. */
export class Pages {
  private constructor(
    private readonly options: PagesOptions,
    private readonly router: Router,
    private readonly bus: BrokerBus,
    private readonly host: PageHost,
  ) {}

  /** @throws Error when they cannot be built, or the port is taken */
  static async start(options: PagesOptions): Promise<Pages> {
    const { socket, directory, port, log } = options;
    const pages = await buildPages();
    const translations = readTranslations();
    const bus = new BrokerBus(socket);
    const router = new Router({ directory, bus, log });
    const luci = process.env.LUCI_DIR || undefined;
    const listen = (at: number): Promise<PageHost> =>
      startPageHost({ pages, router, luci, translations, port: at, log });
    try {
      const host = await listen(port ?? PAGES_PORT).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EADDRINUSE' || port !== undefined) throw error;
        return listen(0);
      });
      return new Pages(options, router, bus, host);
    } catch (error) {
      await bus.close();
      throw error;
    }
  }

  /** How to get in, for people: an address that works once, and after that is another one. */
  get words(): string {
    return `${this.host.entryUrl('root')} (once; or log in as root, password ${this.options.password})`;
  }

  /** Answers the helper's calls as a router's bus does; procd, which is not there, takes everything. @throws Error */
  async call(object: string, method: string, args: Record<string, unknown>): Promise<readonly object[]> {
    const { sessions } = this.router;
    if (object === 'session' && method === 'list')
      return sessions.list().map(({ id, username }) => ({ ubus_rpc_session: id, data: { username } }));
    if (object === 'session' && method === 'destroy') {
      sessions.close(String(args.ubus_rpc_session));
      return [];
    }
    if (object === 'service') return [];
    const answer = await this.bus.call({ session: '', object, method, args });
    if (typeof answer === 'string') throw new Error(`${object} ${method}: ${answer}`);
    if (answer.status !== 0) throw new Error(`${object} ${method}: status ${answer.status}`);
    return answer.reply ? [answer.reply] : [];
  }

  async close(): Promise<void> {
    await this.host.close();
    this.router.close();
    await this.bus.close();
  }
}
