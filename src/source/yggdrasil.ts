// Feeds one node's state from its Yggdrasil: polls briskly while somebody looks, slowly otherwise, and asks silent peers whether they are there.

import type { Json, PeerClaim } from '../api/model.ts';
import { errorText, LinkDownError, TimeoutError } from '../errors.ts';
import { identityOf, redact } from '../lib/peer-text.ts';
import type { Log } from '../log.ts';
import type { Node, NodeSource, ViewKind } from '../mesh/node.ts';
import type { PeeringName } from '../mesh/peer.ts';
import type { PeeringLinks } from '../mesh/peering.ts';
import type { RemoteSource } from '../mesh/remote.ts';
import type { Cancel, Clock } from '../transport/host.ts';
import type { AdminResponse } from '../yggdrasil/admin.ts';
import type { YggdrasilClient } from '../yggdrasil/client.ts';
import {
  toMulticast,
  toNodeInfo,
  toNodePeers,
  toPaths,
  toPeers,
  toSelf,
  toSessions,
  toTree,
  toTun,
} from '../yggdrasil/entries.ts';

export interface YggdrasilPace {
  briskMs: number;
  idleMs: number;
  /** Ask silent peers whether they are there, and nameless ones for their name, while somebody looks. */
  probe: boolean;
}

/** What a source does not know by itself. */
export interface PollHooks {
  /** The next peer whose name is worth asking for, if any. */
  nameless(nowMs: number): string | undefined;
  learnName(key: string): Promise<unknown>;
  /** Yggdrasil was asked, with or without success. */
  polled(): void;
}

/** Answers that a poll renews beside peers and sessions, when they are older than this: while somebody looks, and otherwise. */
const RENEWED: readonly (readonly [ViewKind, briskMs: number, idleMs: number])[] = [
  ['self', 30_000, 55_000],
  ['tree', 10_000, 55_000],
  ['multicast', 60_000, 600_000],
];
/** One look keeps the pace brisk for this long. */
const LOOK_MS = 15_000;
/** A link that showed nothing for so long is asked, each at most so often, so many at a time. */
const SILENT_MS = 15_000;
const PROBE_EVERY_MS = 10_000;
/** Questions under way at once: one way to other nodes stays free for people. */
const PROBES_AT_ONCE = 3;

export type AdminClient = Pick<
  YggdrasilClient,
  'up' | (`get${string}` & keyof YggdrasilClient) | 'addPeer' | 'removePeer' | 'remoteSelf' | 'remotePeers'
>;

/** What feeds a node, from `onLink(true)` on, and carries out what is wanted of it. */
export class YggdrasilSource implements NodeSource, PeeringLinks, RemoteSource {
  private readonly asking = new Map<ViewKind, Promise<void>>();
  private timer: Cancel | undefined;
  private brisk = false;
  private lookedAtMs = Number.NEGATIVE_INFINITY;
  private listeners = false;
  private stopped = false;
  private probing = 0;
  /** Peerings with credentials in their address, by the form that may be shown. */
  private credentialed = new Map<string, string>();

  constructor(
    private readonly node: Node,
    private readonly client: AdminClient,
    private readonly clock: Clock,
    private readonly log: Log,
    private pace: YggdrasilPace,
    private readonly hooks: PollHooks,
  ) {}

  /** The link to Yggdrasil came up or went down. */
  onLink(up: boolean, error: Error | undefined): void {
    const nowMs = this.clock.monotonicMs();
    this.node.setLink(
      up ? undefined : `Yggdrasil does not answer: ${error ? errorText(error) : 'not connected'}`,
      nowMs,
    );
    this.clearTimer();
    if (up) this.poll();
    else this.hooks.polled();
  }

  /** The configuration changed. */
  setPace(pace: YggdrasilPace): void {
    this.pace = pace;
    if (this.timer) this.schedule();
  }

  /** Somebody subscribed, or nobody is subscribed any more. */
  setListeners(listeners: boolean): void {
    this.listeners = listeners;
    if (listeners) this.quicken();
  }

  stop(): void {
    this.stopped = true;
    this.clearTimer();
  }

  // NodeSource

  look(): void {
    this.lookedAtMs = this.clock.monotonicMs();
    this.quicken();
  }

  refresh(kind: ViewKind): Promise<void> {
    const known = this.asking.get(kind);
    if (known) return known;
    const asked = this.ask(kind).finally(() => this.asking.delete(kind));
    this.asking.set(kind, asked);
    return asked;
  }

  // PeeringLinks

  async add(name: PeeringName): Promise<void> {
    const shown = redact(identityOf(name.uri));
    await this.client.addPeer(this.credentialed.get(shown) ?? name.uri, name.device);
    await this.again('peers');
  }

  async remove(name: PeeringName): Promise<void> {
    const shown = redact(identityOf(name.uri));
    await this.client.removePeer(this.credentialed.get(shown) ?? name.uri, name.device);
    await this.again('peers');
  }

  async redial({ uri, device }: PeeringName): Promise<void> {
    const dialled = this.credentialed.get(redact(identityOf(uri))) ?? uri;
    // it was removed meanwhile, or is bound to a device that we do not know
    if ((await this.client.addPeer(dialled, device)) === 'added') await this.client.removePeer(dialled, device);
  }

  // RemoteSource

  async nodeInfo(key: string): Promise<Json> {
    return toNodeInfo(await this.client.getNodeInfo(key), key);
  }

  async nodePeers(key: string): Promise<string[]> {
    return toNodePeers(await this.client.remotePeers(key)).entries;
  }

  async echo(key: string): Promise<number> {
    const begunMs = this.clock.monotonicMs();
    await this.client.remoteSelf(key);
    return this.clock.monotonicMs() - begunMs;
  }

  /** Asks once more, after an answer that may be under way already. */
  private async again(kind: ViewKind): Promise<void> {
    await this.asking.get(kind)?.catch(() => {});
    await this.refresh(kind);
  }

  /** An answer counts only while the connection stands that brought it. */
  private async answer(asked: Promise<AdminResponse>): Promise<AdminResponse> {
    const response = await asked;
    if (!this.client.up) throw new LinkDownError(this.node.problem ?? 'not connected');
    return response;
  }

  private async ask(kind: ViewKind): Promise<void> {
    const { client, node } = this;
    const atMs = this.clock.monotonicMs();
    switch (kind) {
      case 'self':
        return node.set(kind, toSelf(await this.answer(client.getSelf())), atMs);
      case 'peers':
        return node.setPeers(
          this.withoutSecrets(this.counted(kind, toPeers(await this.answer(client.getPeers())))),
          atMs,
        );
      case 'sessions':
        return node.set(
          kind,
          { sessions: this.counted(kind, toSessions(await this.answer(client.getSessions()))) },
          atMs,
        );
      case 'paths':
        return node.set(kind, { paths: this.counted(kind, toPaths(await this.answer(client.getPaths()))) }, atMs);
      case 'tree':
        return node.set(kind, { tree: this.counted(kind, toTree(await this.answer(client.getTree()))) }, atMs);
      case 'tun':
        return node.set(kind, toTun(await this.answer(client.getTun())), atMs);
      case 'multicast': {
        const interfaces = toMulticast(await this.answer(client.getMulticastInterfaces()));
        return node.set(kind, { multicast_interfaces: this.counted(kind, interfaces) }, atMs);
      }
    }
  }

  private counted<T>(kind: ViewKind, { entries, ignored }: { entries: T[]; ignored: number }): T[] {
    if (ignored > 0) this.log.debug('broken entries left out', { kind, ignored });
    return entries;
  }

  /** Yggdrasil shows the password of a socks proxy in the address of a peering; nobody else does. */
  private withoutSecrets(claims: readonly PeerClaim[]): readonly PeerClaim[] {
    this.credentialed = new Map();
    return claims.map((claim) => {
      if (!claim.remote?.includes('@')) return claim;
      const shown = redact(claim.remote);
      this.credentialed.set(shown, claim.remote);
      return { ...claim, remote: shown };
    });
  }

  private isBrisk(): boolean {
    return this.listeners || this.clock.monotonicMs() - this.lookedAtMs < LOOK_MS;
  }

  private quicken(): void {
    if (!this.brisk && this.timer) this.schedule();
  }

  private poll(): void {
    const nowMs = this.clock.monotonicMs();
    const kinds = RENEWED.filter(([kind, briskMs, idleMs]) => {
      const view = this.node.current(kind);
      return !view || nowMs - view.atMs >= (this.isBrisk() ? briskMs : idleMs);
    }).map(([kind]) => kind);
    // these two last: what they count belongs together
    const asked = [...kinds, 'peers' as const, 'sessions' as const].map((kind) =>
      this.refresh(kind).catch((error) => this.log.debug('not read', { kind, error: errorText(error) })),
    );
    void Promise.all(asked).then(() => {
      if (this.stopped) return;
      if (this.client.up) this.probe();
      this.hooks.polled();
      if (this.client.up && !this.stopped) this.schedule();
    });
  }

  private schedule(): void {
    this.clearTimer();
    this.brisk = this.isBrisk();
    this.timer = this.clock.after(this.brisk ? this.pace.briskMs : this.pace.idleMs, () => {
      this.timer = undefined;
      this.poll();
    });
  }

  /** Asks silent peers whether they are there: the answer makes bytes arrive over their link, its absence tells too. */
  private probe(): void {
    if (!this.pace.probe || !this.isBrisk()) return;
    const nowMs = this.clock.monotonicMs();
    const nameless = this.probing < PROBES_AT_ONCE ? this.hooks.nameless(nowMs) : undefined;
    if (nameless !== undefined) this.question(this.hooks.learnName(nameless), nameless, () => {});
    const most = PROBES_AT_ONCE - this.probing;
    for (const { id, key } of this.node.silentPeers(nowMs, SILENT_MS, PROBE_EVERY_MS, most)) {
      this.question(this.client.remoteSelf(key), key, (error) => {
        if (error instanceof TimeoutError) this.node.peerUnanswered(id);
      });
    }
  }

  private question(asked: Promise<unknown>, key: string, onError: (error: unknown) => void): void {
    this.probing++;
    asked
      .catch((error: unknown) => {
        this.log.debug('no answer', { key, error: errorText(error) });
        onError(error);
      })
      .finally(() => {
        this.probing--;
      });
  }

  private clearTimer(): void {
    this.timer?.();
    this.timer = undefined;
  }
}
