// The login for the household, who may see one page and change nothing: a section of our own in `/etc/config/rpcd`.
//
// rpcd reads that file at each attempt to log in (session.c), so nothing needs to be reloaded; it gives a session its rights when that
// begins, so sessions of a login that changes are ended. The groups: `unauthenticated` lets a page ask what it may, `luci-base` lets LuCI
// itself start and shows Log out, and the last one is our page.

import { InputError } from '../errors.ts';
import { addSection, removeSection, type UciPackage, type UciSection } from '../lib/uci.ts';
import { callUbus, type UbusProgramHost } from './ubus-program.ts';
import { UciFile, type UciFiles } from './uci-file.ts';

/** The part of the port that is needed here. */
export interface MemberHost extends UbusProgramHost {
  readonly files: UciFiles;
}

const SECTION = 'meshbridge_member';
const GROUPS = ['unauthenticated', 'luci-base', 'luci-app-meshbridge-member'];
/** SHA-256 crypt; without `rounds`, 5000. Many rounds would hold up rpcd, which does one thing at a time. */
const HASH = /^\$5\$(rounds=[1-9]\d{3,4}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43}$/;

/** That login. Its methods throw Error when the file cannot be read or is no UCI file. */
export class MemberLogin {
  private readonly file: UciFile;

  constructor(
    private readonly host: MemberHost,
    directory: string,
  ) {
    this.file = new UciFile(host.files, directory, 'rpcd');
  }

  /** Its user name; `undefined` when there is no such login. */
  read(): string | undefined {
    return usernameOf(this.file.read());
  }

  /**
   * Makes the login, or changes it, and ends its sessions.
   * @param hash what crypt(3) made of the password.
   * @throws InputError on a name that does not do or is taken, and on a hash of another kind; Error when the sessions cannot be ended.
   */
  async set(username: string, hash: string): Promise<void> {
    if (!/^[a-z0-9_-]{1,32}$/.test(username))
      throw new InputError('username: expected 1 to 32 of a-z, 0-9, _ and -', 'username');
    if (username === 'root') throw new InputError('username: expected another name than root', 'username');
    if (!HASH.test(hash)) throw new InputError('hash: expected what SHA-256 crypt makes, $5$salt$…', 'hash');
    let before: string | undefined;
    this.file.edit((text, tree) => {
      const others = tree.sections.filter(({ type, name }) => type === 'login' && name !== SECTION);
      if (others.some((section) => optionOf(section, 'username') === username))
        throw new InputError('username: expected a name that no other login has', 'username');
      before = usernameOf(tree);
      const rest = find(tree) ? removeSection(text, SECTION) : text;
      return addSection(rest, 'login', SECTION, { username, password: hash, read: GROUPS });
    });
    await this.endSessions(before);
  }

  /** Removes the login, if there is one, and ends its sessions. @throws Error when they cannot be ended. */
  async remove(): Promise<void> {
    let before: string | undefined;
    this.file.edit((text, tree) => {
      before = usernameOf(tree);
      return find(tree) ? removeSection(text, SECTION) : text;
    });
    await this.endSessions(before);
  }

  private async endSessions(username: string | undefined): Promise<void> {
    if (username === undefined) return;
    const replies = (await callUbus(this.host, 'session', 'list')).split(/^(?=\{)/m);
    for (const reply of replies.filter((text) => text !== '')) {
      const { ubus_rpc_session, data } = JSON.parse(reply) as {
        ubus_rpc_session: string;
        data?: { username?: string };
      };
      if (data?.username === username) await callUbus(this.host, 'session', 'destroy', { ubus_rpc_session });
    }
  }
}

function find({ sections }: UciPackage): UciSection | undefined {
  return sections.find(({ name }) => name === SECTION);
}

function usernameOf(tree: UciPackage | undefined): string | undefined {
  const section = tree && find(tree);
  return section && optionOf(section, 'username');
}

function optionOf({ options }: UciSection, option: string): string | undefined {
  const value = options.get(option)?.value;
  return typeof value === 'string' ? value : undefined;
}
