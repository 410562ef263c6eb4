// Who is logged in: sessions as rpcd keeps them, and one-time tokens that open one without a password.
// Source: rpcd, session.c.

import { randomBytes } from 'node:crypto';
import type { Access } from './access.ts';

/** LuCI asks for it: an hour since the last use. */
export const SESSION_S = 3600;
/** The oldest make room. */
const MAX_SESSIONS = 64;

export interface Session {
  /** 32 hex digits. */
  readonly id: string;
  readonly username: string;
  readonly access: Access;
  /** Goes with requests that change something, so that another site's cannot. */
  readonly token: string;
  usedMs: number;
}

function secret(): string {
  return randomBytes(16).toString('hex');
}

/** The sessions of one host. */
export class Sessions {
  private readonly all = new Map<string, Session>();
  private readonly oneTime = new Map<string, string>();

  constructor(private readonly nowMs: () => number) {}

  open(username: string, access: Access): Session {
    for (const id of this.all.keys()) if (this.all.size >= MAX_SESSIONS) this.all.delete(id);
    const session = { id: secret(), username, access, token: secret(), usedMs: this.nowMs() };
    this.all.set(session.id, session);
    return session;
  }

  /** A session that is open; looking at it keeps it so. */
  find(id: string | undefined): Session | undefined {
    const session = id === undefined ? undefined : this.all.get(id);
    if (!session) return undefined;
    const now = this.nowMs();
    if (now - session.usedMs > SESSION_S * 1000) {
      this.all.delete(session.id);
      return undefined;
    }
    session.usedMs = now;
    return session;
  }

  close(id: string): void {
    this.all.delete(id);
  }

  list(): readonly Session[] {
    return [...this.all.values()];
  }

  /** A token for one login as somebody: the same until it was used. */
  issue(username: string): string {
    for (const [token, name] of this.oneTime) if (name === username) return token;
    const token = secret();
    this.oneTime.set(token, username);
    return token;
  }

  /** Whom a token lets in; never again. */
  redeem(token: string): string | undefined {
    const username = this.oneTime.get(token);
    this.oneTime.delete(token);
    return username;
  }
}
