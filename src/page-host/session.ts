// Who is logged in: sessions as rpcd keeps them, and one-time tokens that open one without a password.
// Source: rpcd, session.c.

import { randomBytes } from 'node:crypto';

/** The oldest make room. */
const MAX_SESSIONS = 64;

/** Seconds. */
export interface SessionLimits {
  /** From the last use to the end. */
  idleS: number;
  /** From the beginning to the end, however much it is used; absent: for ever. */
  lifeS?: number;
}

export interface SessionState {
  /** 32 hex digits. */
  readonly id: string;
  /** Goes with requests that change something, so that another site's cannot. */
  readonly token: string;
  readonly openedMs: number;
  usedMs: number;
}

function secret(): string {
  return randomBytes(16).toString('hex');
}

/** The sessions of one host, each with what is known of who is logged in. */
export class Sessions<Who extends object> {
  private readonly all = new Map<string, SessionState & Who>();
  private readonly oneTime = new Map<string, string>();

  constructor(
    private readonly nowMs: () => number,
    private readonly limits: SessionLimits,
  ) {}

  open(who: Who): SessionState & Who {
    for (const id of this.all.keys()) if (this.all.size >= MAX_SESSIONS) this.all.delete(id);
    const now = this.nowMs();
    const session = { ...who, id: secret(), token: secret(), openedMs: now, usedMs: now };
    this.all.set(session.id, session);
    return session;
  }

  /** A session that is open; looking at it keeps it so. */
  find(id: string | undefined): (SessionState & Who) | undefined {
    const session = id === undefined ? undefined : this.all.get(id);
    if (!session) return undefined;
    const now = this.nowMs();
    const { idleS, lifeS = Number.POSITIVE_INFINITY } = this.limits;
    if (now - session.usedMs > idleS * 1000 || now - session.openedMs > lifeS * 1000) {
      this.all.delete(session.id);
      return undefined;
    }
    session.usedMs = now;
    return session;
  }

  close(id: string): void {
    this.all.delete(id);
  }

  list(): readonly (SessionState & Who)[] {
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
