// What a router's web server and rpcd are to pages: logins, rights, the objects `session`, `uci` and `luci`, and the bus behind them.
// Source: uhttpd, ubus.c; rpcd, session.c; luci-base, ucode/dispatcher.uc.

import { errorText } from '../../errors.ts';
import { parseUci, type UciPackage, type UciSection } from '../../lib/uci.ts';
import { type SessionState, Sessions } from '../../page-host/session.ts';
import type { PageAnswer, PageCall, PageStatus } from '../../page-host/ubus.ts';
import {
  UBUS_STATUS_INVALID_ARGUMENT,
  UBUS_STATUS_METHOD_NOT_FOUND,
  UBUS_STATUS_NO_DATA,
  UBUS_STATUS_OK,
  UBUS_STATUS_PERMISSION_DENIED,
} from '../../ubus/status.ts';
import { Access, findLogin, grantsOf, isForAll, namedLogin, readAccessLists } from './access.ts';
import type { Bus } from './bus.ts';
import { Uci } from './uci.ts';

/** The session of those who are not logged in. */
const NOBODY = '0'.repeat(32);

export interface RouterOptions {
  /** Stands in for /etc/config; its file `rpcd` holds the logins. */
  directory: string;
  bus: Bus;
  /** Takes a line about what went wrong. */
  log(line: string): void;
}

/** LuCI asks for it: an hour since the last use. */
const SESSION_S = 3600;

/** Somebody's, and what they may do. */
export type Session = SessionState & { readonly username: string; readonly access: Access };

/** A router as its pages see it. */
export class Router {
  readonly sessions = new Sessions<Pick<Session, 'username' | 'access'>>(() => performance.now(), { idleS: SESSION_S });
  readonly uci: Uci;
  private readonly lists = readAccessLists();
  private readonly everybody = new Access(this.lists, isForAll);

  constructor(private readonly options: RouterOptions) {
    const { directory } = options;
    this.uci = new Uci({ directory, onApplied: (configs) => void this.tell(configs) });
  }

  close(): void {
    this.uci.close();
  }

  /** Logs somebody in. */
  login(username: string, password: string): Session | undefined {
    const login = findLogin(this.logins(), username, password);
    return login && this.sessions.open({ username, access: this.accessOf(login) });
  }

  /** Opens a session without a password. @throws Error when there is no such login */
  enter(username: string): Session {
    const login = namedLogin(this.logins(), username);
    if (!login) throw new Error(`login ${JSON.stringify(username)}: expected one in the configuration of rpcd`);
    return this.sessions.open({ username, access: this.accessOf(login) });
  }

  /** Answers a call of a page. */
  async answer(call: PageCall): Promise<PageAnswer> {
    const own = OWN.includes(call.object);
    if (!own && !(await this.options.bus.has(call.object))) return 'absent';
    const session = this.sessions.find(call.session);
    const access = session?.access ?? (call.session === NOBODY ? this.everybody : undefined);
    if (!access?.allows('ubus', call.object, call.method)) return 'denied';
    if (!own) return this.options.bus.call(call);
    if (call.object === 'session') return this.answerSession(access, call);
    if (call.object === 'uci' && session) return this.uci.answer(session, call.method, call.args);
    if (call.object === 'luci' && call.method === 'getFeatures') return { status: UBUS_STATUS_OK, reply: {} };
    return { status: UBUS_STATUS_METHOD_NOT_FOUND };
  }

  /** Sentences for LuCI's `admin/uci/…`: the HTTP status of one that a page asked for. */
  applyBy(session: Session, action: string, rollbackS: number): number {
    if (action === 'revert') {
      const { reply } = this.uci.answer(session, 'changes', {});
      for (const config of Object.keys((reply as { changes: object }).changes))
        this.uci.answer(session, 'revert', { config });
      return 200;
    }
    const args = action === 'apply_rollback' ? { rollback: true, timeout: rollbackS } : {};
    const method = action === 'confirm' ? 'confirm' : 'apply';
    const { status } = this.uci.answer(session, method, args);
    if (status === UBUS_STATUS_OK) return action === 'apply_unchecked' ? 204 : 200;
    if (status === UBUS_STATUS_NO_DATA) return 204;
    return status === UBUS_STATUS_PERMISSION_DENIED ? 403 : 400;
  }

  private logins(): UciPackage {
    return parseUci(this.uci.read('rpcd'));
  }

  private accessOf(login: UciSection): Access {
    return new Access(this.lists, grantsOf(login));
  }

  private answerSession(access: Access, { method, args }: PageCall): PageStatus {
    const { scope = 'ubus', object, function: name, username, password } = args;
    if (method === 'access') {
      // whose, does not matter: there is no other way to be asked
      if (object === undefined || name === undefined) return { status: UBUS_STATUS_OK, reply: access.table() };
      if (typeof scope !== 'string' || typeof object !== 'string' || typeof name !== 'string')
        return { status: UBUS_STATUS_INVALID_ARGUMENT };
      return { status: UBUS_STATUS_OK, reply: { access: access.allows(scope, object, name) } };
    }
    if (method !== 'login') return { status: UBUS_STATUS_METHOD_NOT_FOUND };
    if (typeof username !== 'string' || typeof password !== 'string') return { status: UBUS_STATUS_INVALID_ARGUMENT };
    const session = this.login(username, password);
    if (!session) return { status: UBUS_STATUS_PERMISSION_DENIED };
    const reply = {
      ubus_rpc_session: session.id,
      timeout: SESSION_S,
      expires: SESSION_S,
      acls: session.access.table(),
      data: { username },
    };
    return { status: UBUS_STATUS_OK, reply };
  }

  /** procd has the daemon read its configuration again. */
  private async tell(configs: readonly string[]): Promise<void> {
    if (!configs.includes('meshbridge')) return;
    try {
      const said = await this.options.bus.call({ session: NOBODY, object: 'meshbridge', method: 'reload', args: {} });
      if (typeof said === 'string' && said !== 'absent') throw new Error(said);
    } catch (error) {
      this.options.log(`meshbridge reload: ${errorText(error)}`);
    }
  }
}

const OWN: readonly string[] = ['session', 'uci', 'luci'];
