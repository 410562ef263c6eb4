// Instant heal: when an uplink comes back, peers that are down are dialled at once instead of at the end of their backoff.
//
// After its n-th failure in a row Yggdrasil waits 2^n s, up to `maxbackoff`. It tells neither n nor when it dials next, only how long ago it
// failed last. What a heal saved is worked out from the failures that were seen, and where they leave a choice, the shorter wait is taken.

import type { Heal, Peer } from '../api/model.ts';

/** Time, and one call after a while. */
export interface HealClock {
  monotonicMs(): number;
  after(delayMs: number, callback: () => void): () => void;
}

/** A node as it is healed. */
export interface HealNode {
  readonly name: string;
  /** The newest list. */
  peers(): Promise<readonly Peer[]>;
  /** Dials a peer that is down; one that is up or gone stays so. */
  redial(peer: Peer): Promise<unknown>;
  /** `maxbackoff` of a peering, where it is known. */
  longestWaitMs(remote: string): number | undefined;
}

/** Uplinks come back in steps: address, route, names. */
const SETTLE_MS = 2000;
/** Between two heals, and to the second try where the first one was too early. */
const PAUSE_MS = 10_000;
const MAX_DIALS = 32;
const BETWEEN_DIALS_MS = 100;
/** A heal is told when all are up, or after so long. */
const TELL_MS = 15_000;
/** Rounds and returns within so long are one heal. */
const ONE_HEAL_MS = 60_000;
/** Longest wait of a peering that sets none: 1h8m16s, which is 2^12 s. */
const LONGEST_WAIT_MS = 4_096_000;
/** Longest time that dialling takes until it fails, but for hosts with many addresses. */
const DIAL_MS = 15_000;
/** Failures nearer than this are the same one. */
const SAME_MS = 1500;
/** Peers of one node whose failures are remembered. */
const MAX_WATCHED = 512;
/** The fault is this router's own: its network was not ready. */
const TOO_EARLY = /lookup|unreachable|no route/;
/** Dialling failed without waiting for anybody. */
const AT_ONCE = /refused|unreachable/;

/** The failures of one peer that is down. */
interface Failures {
  /** The last one. */
  atMs: number;
  /** When it was last seen to be the last one. */
  seenMs: number;
  /** How long Yggdrasil waits after it, at least; 0: not known. */
  waitMs: number;
}

interface Dial {
  readonly node: string;
  readonly remote: string;
  /** When Yggdrasil would have dialled by itself, at the earliest. */
  readonly dueMs: number;
  up: boolean;
}

interface Run {
  readonly uplink: string;
  readonly atMs: number;
  readonly dials: Dial[];
  savedS: number | undefined;
  told: boolean;
}

/** The address of a peering that is to be dialled. What multicast found it finds again by itself. */
function remoteOfDown({ inbound, up, remote, origin }: Peer): string | undefined {
  return inbound || up || origin === 'multicast' ? undefined : remote;
}

/** A peering that is down, and whose it is. */
interface Due {
  readonly node: HealNode;
  readonly peer: Peer;
  readonly remote: string;
}

/** Heals all nodes; it is told of uplinks and of every list of peers. */
export class Healer {
  private readonly failures = new Map<string, Map<string, Failures>>();
  private run: Run | undefined;
  private roundMs = Number.NEGATIVE_INFINITY;
  /** End what waits: the next round, and the next dial of this one. */
  private cancelRound: (() => void) | undefined;
  private cancelDial: (() => void) | undefined;

  /** @param onHealed peers came back; told once a heal. */
  constructor(
    private readonly clock: HealClock,
    private readonly nodes: () => readonly HealNode[],
    private readonly onHealed: (heal: Heal) => void,
  ) {}

  /** An uplink came back. Several in a row are one heal. */
  uplinkBack(uplink: string): void {
    const sinceMs = this.clock.monotonicMs() - this.roundMs;
    this.plan(Math.max(SETTLE_MS, PAUSE_MS - sinceMs), uplink, false);
  }

  /** Takes the newest list of a node's peers. */
  observe(node: string, peers: readonly Peer[], atMs: number): void {
    const before = this.failures.get(node);
    const failures = new Map<string, Failures>();
    for (const peer of peers) {
      if (failures.size >= MAX_WATCHED) break;
      const remote = remoteOfDown(peer);
      if (remote !== undefined && peer.last_error_ago_ms !== undefined)
        failures.set(remote, nextFailures(before?.get(remote), peer, peer.last_error_ago_ms, atMs));
    }
    const names = this.nodes().map(({ name }) => name);
    for (const name of this.failures.keys()) if (!names.includes(name)) this.failures.delete(name);
    this.failures.set(node, failures);
    if (this.run) this.watch(this.run, node, peers, atMs);
  }

  /** The last heal. */
  last(nowMs: number): Heal | undefined {
    const { run } = this;
    return (
      run && {
        ago_s: Math.floor((nowMs - run.atMs) / 1000),
        uplink: run.uplink,
        dialled: run.dials.length,
        healed: run.dials.filter(({ up }) => up).length,
        saved_s: run.savedS ?? 0,
      }
    );
  }

  /** Ends what is under way. */
  stop(): void {
    this.cancelRound?.();
    this.cancelDial?.();
  }

  private plan(delayMs: number, uplink: string, again: boolean): void {
    this.cancelRound?.();
    this.cancelRound = this.clock.after(delayMs, () => {
      this.cancelRound = undefined;
      void this.round(uplink, again);
    });
  }

  /** Dials all that are down; `again`, only those for which the first time was too early. */
  private async round(uplink: string, again: boolean): Promise<void> {
    this.roundMs = this.clock.monotonicMs();
    const found = await Promise.all(
      this.nodes().map(async (node) => {
        const peers = await node.peers().catch(() => []);
        return peers.flatMap((peer): Due[] => {
          const remote = remoteOfDown(peer);
          return remote === undefined ? [] : [{ node, peer, remote }];
        });
      }),
    );
    // who was there until just now is the likeliest to be there again
    const due = found
      .flat()
      .filter(({ peer }) => !again || TOO_EARLY.test(peer.last_error ?? ''))
      .sort((a, b) => a.peer.state_ago_ms - b.peer.state_ago_ms)
      .slice(0, MAX_DIALS);
    if (due.length === 0) return;
    const nowMs = this.clock.monotonicMs();
    if (!this.run || nowMs - this.run.atMs > ONE_HEAL_MS)
      this.run = { uplink, atMs: nowMs, dials: [], savedS: undefined, told: false };
    this.cancelDial?.();
    this.dial(this.run, due, () => {
      if (!again && !this.cancelRound) this.plan(PAUSE_MS, uplink, true);
    });
  }

  private dial(run: Run, due: readonly Due[], then: () => void): void {
    const [next, ...others] = due;
    if (!next) {
      then();
      return;
    }
    const { node, peer, remote } = next;
    if (!run.dials.some((dial) => dial.node === node.name && dial.remote === remote))
      run.dials.push({ node: node.name, remote, dueMs: this.dueMs(node, remote), up: false });
    node.redial(peer).catch(() => {});
    this.cancelDial = this.clock.after(BETWEEN_DIALS_MS, () => {
      this.cancelDial = undefined;
      this.dial(run, others, then);
    });
  }

  /** When Yggdrasil would dial by itself, at the earliest. */
  private dueMs(node: HealNode, remote: string): number {
    const failures = this.failures.get(node.name)?.get(remote);
    if (!failures) return 0;
    const passedMs = this.clock.monotonicMs() - failures.atMs;
    // where the wait is not known, it is at least what has passed of it
    const waitMs = failures.waitMs || powerAbove(passedMs - DIAL_MS);
    return failures.atMs + Math.min(waitMs, node.longestWaitMs(remote) ?? LONGEST_WAIT_MS);
  }

  private watch(run: Run, node: string, peers: readonly Peer[], atMs: number): void {
    const up = new Set(peers.filter((peer) => peer.up && !peer.inbound).map(({ remote }) => remote));
    for (const dial of run.dials) {
      if (dial.node !== node) continue;
      dial.up = up.has(dial.remote);
      if (dial.up) run.savedS ??= Math.max(0, Math.floor((dial.dueMs - atMs) / 1000));
    }
    const healed = run.dials.some((dial) => dial.up);
    if (run.told || !healed || atMs - run.atMs > ONE_HEAL_MS) return;
    if (run.dials.some((dial) => !dial.up) && atMs - run.atMs < TELL_MS) return;
    run.told = true;
    this.onHealed(this.last(atMs)!);
  }
}

/** What is known of a peer's failures after one more list. */
function nextFailures(known: Failures | undefined, peer: Peer, agoMs: number, nowMs: number): Failures {
  const atMs = nowMs - agoMs;
  if (!known) return { atMs, seenMs: nowMs, waitMs: 0 };
  const gapMs = atMs - known.atMs;
  if (gapMs < SAME_MS) return { ...known, seenMs: nowMs };
  // one failure more: had there been several, the first of them would have been seen halfway
  const isOneMore = known.seenMs - known.atMs > gapMs / 2;
  const waitMs = isOneMore ? 2 * lastWaitMs(gapMs, peer.last_error ?? '') : 0;
  return { atMs, seenMs: nowMs, waitMs: Math.max(waitMs, 2 * known.waitMs) };
}

/** How long Yggdrasil waited between two failures: the gap is the wait and what dialling took. */
function lastWaitMs(gapMs: number, error: string): number {
  // a short gap may be a short wait and a long dial
  const surely = gapMs >= 2 * DIAL_MS || AT_ONCE.test(error) ? gapMs : gapMs - DIAL_MS;
  return surely < 2000 ? 0 : 1000 * 2 ** Math.floor(Math.log2(surely / 1000));
}

function powerAbove(ms: number): number {
  return ms <= 2000 ? 2000 : 1000 * 2 ** Math.ceil(Math.log2(ms / 1000));
}
