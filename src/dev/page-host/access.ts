// What a login may do: the access lists of rpcd, for the logins in /etc/config/rpcd.
// Source: rpcd, session.c; luci-base, root/usr/share/rpcd/acl.d.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inProject } from '../../../build/project.ts';
import type { UciPackage, UciSection } from '../../lib/uci.ts';
import { isPassword } from './crypt.ts';

export type Right = 'read' | 'write';
type Scope = Readonly<Record<string, readonly string[]>> | readonly string[];
/** By group. */
type AccessList = Readonly<Record<string, Partial<Record<Right, Readonly<Record<string, Scope>>>>>>;

/** What rpcd and LuCI bring with them, as far as pages of ours come to use it. */
const BASE: AccessList = {
  unauthenticated: { read: { ubus: { luci: ['getFeatures'], session: ['access', 'login'] } } },
  'luci-base': {
    read: { ubus: { uci: ['changes', 'get'] }, uci: ['luci', 'system'] },
    write: { ubus: { uci: ['add', 'apply', 'confirm', 'delete', 'order', 'rename', 'set'] } },
  },
};
const LISTS = 'luci-app/root/usr/share/rpcd/acl.d';

/** All access lists: those of a router, and our package's. */
export function readAccessLists(): AccessList {
  const directory = inProject(LISTS);
  const ours = readdirSync(directory).map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')));
  return Object.assign({}, BASE, ...ours);
}

/** As fnmatch(3) matches it, without brackets: `*` and `?` stand for anything. */
function matches(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${source}$`, 's').test(text);
}

/** What one session may do. */
export class Access {
  private readonly granted: { scope: string; object: string; method: string }[] = [];

  /** @param grants whether a group is granted to it. */
  constructor(lists: AccessList, grants: (right: Right, group: string) => boolean) {
    for (const [group, rights] of Object.entries(lists))
      for (const right of ['read', 'write'] as const) {
        const scopes = rights[right];
        if (!scopes || !grants(right, group)) continue;
        this.granted.push({ scope: 'access-group', object: group, method: right });
        for (const [scope, objects] of Object.entries(scopes)) {
          const entries = Array.isArray(objects)
            ? (objects as readonly string[]).map((object) => [object, [right]] as const)
            : Object.entries(objects as Record<string, readonly string[]>);
          for (const [object, methods] of entries)
            for (const method of methods) this.granted.push({ scope, object, method });
        }
      }
  }

  allows(scope: string, object: string, method: string): boolean {
    return this.granted.some(
      (one) => one.scope === scope && matches(one.object, object) && matches(one.method, method),
    );
  }

  /** All of it, as `session access` tells it: scope, object, methods. */
  table(): Record<string, Record<string, string[]>> {
    const table: Record<string, Record<string, string[]>> = {};
    for (const { scope, object, method } of this.granted) {
      table[scope] ??= {};
      table[scope][object] ??= [];
      table[scope][object].push(method);
    }
    return table;
  }
}

function text(section: UciSection, option: string): string | undefined {
  const value = section.options.get(option)?.value;
  return typeof value === 'string' ? value : undefined;
}

/** The login with this name and password; `$p$`, for which rpcd asks the system, lets nobody in here. */
export function findLogin({ sections }: UciPackage, username: string, password: string): UciSection | undefined {
  return sections.find((section) => {
    if (section.type !== 'login' || text(section, 'username') !== username) return false;
    const hash = text(section, 'password');
    return hash !== undefined && isPassword(password, hash);
  });
}

/** The login of this name, whatever its password. */
export function namedLogin({ sections }: UciPackage, username: string): UciSection | undefined {
  return sections.find((section) => section.type === 'login' && text(section, 'username') === username);
}

/** Which groups a login is granted: those that its lists name; who may write may read. */
export function grantsOf(login: UciSection): (right: Right, group: string) => boolean {
  const listed = (right: Right, group: string): boolean => {
    const patterns = login.options.get(right)?.value;
    if (!Array.isArray(patterns)) return false;
    if (patterns.some((one) => one.startsWith('!') && matches(one.slice(1).trimStart(), group))) return false;
    return patterns.some((one) => matches(one, group));
  };
  return (right, group) => listed(right, group) || (right === 'read' && listed('write', group));
}

/** What nobody in particular may do. */
export function isForAll(right: Right, group: string): boolean {
  return right === 'read' && group === 'unauthenticated';
}
