// Which public peers a router keeps: what is measured, what is tried, what stays and what goes. No I/O and no clock of its own.
//
// A round measures a sample of the list. Then, one at a time, the best candidates are tried as peerings and kept when they prove
// themselves, until three of different operators are. A kept one is replaced when it was down for long, or when another was much better
// in several rounds in a row. Peerings that people made are never touched, and never counted.

import type { AdviserStatus, Candidate, Peer } from '../api/model.ts';
import { identityOf } from '../lib/peer-text.ts';
import { hostOf, operatorOf, type PublicPeer, rankOf } from '../lib/public-peers.ts';
import type { PeeringName } from './peer.ts';

/** Milliseconds. */
export interface AdviserPace {
  /** From the start to the first round; by chance up to twice as much. */
  firstMs: number;
  /** From one round to the next; by chance up to a tenth more. */
  roundMs: number;
  /** As `roundMs`, when none answered at all, and across a restart of the daemon. */
  againMs: number;
  /** How long a peering is tried, and for how much of that, at its end, it must have been up. */
  trialMs: number;
  steadyMs: number;
  /** A kept one that was not proven up for so long is replaced. */
  downMs: number;
  /** For so long nothing is done with one that was tried in vain, or taken away by people. */
  refusedMs: number;
}

export const ADVISER_PACE: AdviserPace = {
  firstMs: 60_000,
  roundMs: 6 * 3_600_000,
  againMs: 1_800_000,
  trialMs: 600_000,
  steadyMs: 300_000,
  downMs: 1_800_000,
  refusedMs: 24 * 3_600_000,
};

/** Most peerings that are kept; one on trial comes on top. */
export const MAX_KEPT = 3;
/** Most that are measured in a round, and shown. */
export const MAX_SAMPLE = 40;
/** Of these, the best ones of the rounds before, so that a better one can be so several times. */
const MAX_KNOWN = 12;
/** Most measurements that are remembered. */
const MAX_MEASURED = 3 * MAX_SAMPLE;
/** Trials that may follow one round. */
const MAX_TRIALS = 6;
/** More ups and downs than this within a trial, and it failed: up, down and up again is borne. */
const MAX_CHANGES = 3;
/** A better one has to be so by this share and by this much, in so many rounds in a row. */
const BETTER_SHARE = 0.7;
const BETTER_MS = 20;
const BETTER_ROUNDS = 3;
/** Candidates within this of the best are as good: then one from another region is preferred. */
const NEAR_SHARE = 1.1;
const NEAR_MS = 2;
/** Most peerings whose removal waits for Yggdrasil. */
const MAX_LEAVING = 16;
/** Of a candidate that is not tried for now; pages say it in other languages. */
export const REFUSED = 'tried in vain, or taken away by hand';

/** One Yggdrasil of this router, as the adviser sees it. */
export interface AdviserNode {
  interface: string;
  /** Its peers are known, as of this connection to it. */
  connected: boolean;
  key?: string | undefined;
  peers: readonly Peer[];
  configured: readonly PeeringName[];
}

export interface AdviserWorld {
  /** There is a line to the Internet, as far as is known. */
  online: boolean;
  nodes: readonly AdviserNode[];
}

/** A peering of the adviser's. */
export interface Held {
  interface: string;
  uri: string;
}

/** What must outlive the daemon, so that nothing is left behind. */
export interface AdviserRecord {
  kept: Held[];
  /** To be removed as soon as their Yggdrasil answers. */
  leaving: Held[];
  /** Monotonic time of the newest round. */
  round_ms?: number;
}

/**
 * What is to be done now: `try` begins a trial, which ends by itself unless `keep` comes; `add` brings back what is kept; `remove` ends a
 * peering, or finds that it is gone.
 */
export interface AdviserAct extends Held {
  kind: 'try' | 'keep' | 'add' | 'remove';
}

/** What came of measuring one: milliseconds, or why there are none. */
export type Measurement = number | string;

interface Measured {
  peer: PublicPeer;
  result: Measurement;
  atMs: number;
  /** In how many rounds in a row it was much better than the kept one of that URI. */
  better: Record<string, number>;
}

type Ranked = Measured & { result: number };

interface Kept extends Held {
  downMs: number;
  /** Yggdrasil may have forgotten it, so that its absence is not what people wanted. */
  forgotten: boolean;
}

interface Trial extends Held {
  atMs: number;
  /** The kept one that it replaces, and whether that was down. */
  instead?: Held;
  wasDown?: boolean;
}

/** All decisions; the caller measures and carries out. Times are monotonic milliseconds. */
export class Adviser {
  private kept: Kept[];
  private leaving: Held[];
  private trial: Trial | undefined;
  private measured = new Map<string, Measured>();
  private readonly refused = new Map<string, number>();
  private trialsLeft = 0;
  private roundMs: number | undefined;
  private dueMs: number;
  private lastMs: number;

  /** @param random uniform in [0, 1). */
  constructor(
    record: AdviserRecord,
    private readonly pace: AdviserPace,
    private readonly random: () => number,
    nowMs: number,
  ) {
    this.kept = record.kept.slice(0, MAX_KEPT).map((held) => ({ ...held, downMs: 0, forgotten: true }));
    this.leaving = record.leaving.slice(0, MAX_LEAVING);
    this.lastMs = nowMs;
    this.dueMs = nowMs + pace.firstMs * (1 + random());
    const { round_ms: roundMs } = record;
    // a clock that is behind the record has started anew
    if (roundMs === undefined || roundMs > nowMs) return;
    this.roundMs = roundMs;
    this.dueMs = Math.max(this.dueMs, roundMs + pace.againMs);
  }

  /** What is to be kept in a file; to be saved before what `next` says is done. */
  record(): AdviserRecord {
    const plain = ({ interface: iface, uri }: Held): Held => ({ interface: iface, uri });
    return {
      kept: this.kept.map(plain),
      // a trial is nobody's once its daemon is dead
      leaving: [...this.leaving, ...(this.trial ? [this.trial] : [])].map(plain),
      ...(this.roundMs !== undefined && { round_ms: this.roundMs }),
    };
  }

  /** The connection to a Yggdrasil is new: it may have started anew, without what was added to it. */
  onLinkUp(iface: string): void {
    for (const kept of this.kept) if (kept.interface === iface) kept.forgotten = true;
  }

  /** Everything is to be removed, as `next` will say, and nothing more is tried until another round is over. @returns how many peerings. */
  retire(): number {
    this.trialsLeft = 0;
    this.leave(...this.kept, ...(this.trial ? [this.trial] : []));
    this.kept = [];
    this.trial = undefined;
    return this.leaving.length;
  }

  // rounds

  /** Whether a round is due. */
  isDue(nowMs: number): boolean {
    return nowMs >= this.dueMs;
  }

  /** Begins a round: what is to be measured, of a list. Those that lead nowhere now are left out. */
  plan(list: readonly PublicPeer[], world: AdviserWorld, nowMs: number): PublicPeer[] {
    this.roundMs = nowMs;
    this.dueMs = nowMs + this.pace.roundMs * (1 + this.random() / 10);
    const isTaken = this.takenBy(world);
    const isHeld = this.holding();
    const byHost = new Map<string, PublicPeer>();
    const sample = new Set<PublicPeer>();
    for (const peer of list) {
      const known = byHost.get(peer.host);
      if (isHeld(peer.uri)) sample.add(peer);
      else if ((this.refused.get(peer.uri) ?? 0) > nowMs || isTaken(peer)) continue;
      else if (!known || rankOf(peer) < rankOf(known)) byHost.set(peer.host, peer);
    }
    for (const { host } of sample) byHost.delete(host);
    const open = [...byHost.values()];
    const known = this.ranked().flatMap(({ peer: { host, uri } }) => {
      const peer = byHost.get(host);
      return peer?.uri === uri ? [peer] : [];
    });
    for (const peer of known.slice(0, MAX_KNOWN)) sample.add(peer);
    const rest = this.byTurns(open.filter((peer) => !sample.has(peer)));
    return [...sample, ...rest].slice(0, MAX_SAMPLE);
  }

  /** Ends the round; without results, none answered or it was broken off. */
  finish(results: ReadonlyMap<PublicPeer, Measurement> | undefined, nowMs: number): void {
    if (!results) {
      this.dueMs = Math.min(this.dueMs, nowMs + this.pace.againMs);
      return;
    }
    this.trialsLeft = MAX_TRIALS;
    const latencyOf = new Map([...results].map(([{ uri }, result]) => [uri, result]));
    const before = this.measured;
    this.measured = new Map();
    for (const [peer, result] of results) {
      const better: Record<string, number> = {};
      for (const { uri } of this.kept) {
        const kept = latencyOf.get(uri);
        if (typeof result === 'number' && typeof kept === 'number' && isMuchBetter(result, kept))
          better[uri] = (before.get(peer.uri)?.better[uri] ?? 0) + 1;
      }
      this.measured.set(peer.uri, { peer, result, atMs: nowMs, better });
    }
    for (const [uri, old] of before) {
      if (this.measured.size >= MAX_MEASURED) break;
      if (!this.measured.has(uri)) this.measured.set(uri, { ...old, better: {} });
    }
    for (const [uri, untilMs] of this.refused) if (untilMs <= nowMs) this.refused.delete(uri);
  }

  // peerings

  /** What is to be done now, if anything; `done` or `failed` must follow before the next question. */
  next(world: AdviserWorld, nowMs: number): AdviserAct | undefined {
    const stepMs = Math.min(nowMs - this.lastMs, this.pace.downMs / 10);
    this.lastMs = nowMs;
    this.release(world, nowMs);
    for (const kept of this.kept) {
      if (peerOf(world, kept)?.state === 'up') kept.downMs = 0;
      else if (world.online) kept.downMs += stepMs;
    }
    const isThere = ({ interface: iface }: Held): boolean => nodeOf(world, iface) !== undefined;
    const leaving = this.leaving.find(isThere);
    if (leaving) return { kind: 'remove', ...leaving };
    const lost = this.kept.find((kept) => kept.forgotten && isThere(kept));
    if (lost) return { kind: 'add', interface: lost.interface, uri: lost.uri };
    return this.trial ? this.judge(this.trial, world, nowMs) : this.begin(world, nowMs);
  }

  done({ kind, uri, interface: iface }: AdviserAct): void {
    if (kind === 'remove') this.leaving = this.leaving.filter((held) => held.uri !== uri || held.interface !== iface);
    if (kind === 'add') for (const kept of this.kept) if (kept.uri === uri) kept.forgotten = false;
  }

  /**
   * What was to be done could not be: `remove` and `add` come again, a trial does not.
   * @param isOurs the peering may exist all the same, and is nobody else's.
   */
  failed({ kind, uri, interface: iface }: AdviserAct, isOurs: boolean, nowMs: number): void {
    if (kind !== 'try') return;
    this.trial = undefined;
    this.refuse(uri, nowMs);
    if (isOurs) this.leave({ interface: iface, uri });
  }

  /** What the adviser shows; `state` and `problem` only as far as it can tell. */
  status(nowMs: number): Pick<AdviserStatus, 'state' | 'candidates' | 'next_s'> {
    const shown = new Map<string, Candidate>();
    const add = (uri: string, role?: string): void => {
      if (shown.has(uri) || shown.size >= MAX_SAMPLE) return;
      const { peer, result, atMs } = this.measured.get(uri) ?? {};
      shown.set(uri, {
        uri: identityOf(uri),
        operator: operatorOf(hostOf(uri)),
        ...(peer?.region && { region: peer.region }),
        ...(typeof result === 'number' && { latency_ms: result }),
        ...(atMs !== undefined && { measured_ago_s: Math.round((nowMs - atMs) / 1000) }),
        ...(typeof result === 'string' && { problem: result }),
        ...((this.refused.get(uri) ?? 0) > nowMs && { problem: REFUSED }),
        ...(role !== undefined && { role }),
      });
    };
    for (const { uri } of this.kept) add(uri, 'kept');
    if (this.trial) add(this.trial.uri, 'trial');
    for (const { peer } of this.ranked()) add(peer.uri);
    for (const uri of this.measured.keys()) add(uri);
    return {
      state: this.trial ? 'trial' : this.kept.length === MAX_KEPT ? 'content' : 'waiting',
      candidates: [...shown.values()],
      next_s: Math.max(0, Math.round((this.dueMs - nowMs) / 1000)),
    };
  }

  /** Lets go of what people made their own or took away. */
  private release(world: AdviserWorld, nowMs: number): void {
    const isConfigured = (held: Held): boolean => {
      const configured = nodeOf(world, held.interface)?.configured ?? [];
      return configured.some(({ uri }) => identityOf(uri) === identityOf(held.uri));
    };
    this.leaving = this.leaving.filter((held) => !isConfigured(held));
    if (this.trial && isConfigured(this.trial)) this.trial = undefined;
    this.kept = this.kept.filter((kept) => {
      if (isConfigured(kept)) return false;
      const isGone = !kept.forgotten && nodeOf(world, kept.interface) && !peerOf(world, kept);
      if (isGone) this.refuse(kept.uri, nowMs);
      return !isGone;
    });
  }

  /** At its end, a trial is kept or leaves. */
  private judge(trial: Trial, world: AdviserWorld, nowMs: number): AdviserAct | undefined {
    const node = nodeOf(world, trial.interface);
    if (node && world.online && nowMs - trial.atMs < this.pace.trialMs) return undefined;
    this.trial = undefined;
    const old = this.kept.find(({ uri }) => uri === trial.instead?.uri);
    // without a line it showed nothing; and what came back stays
    if (!node || !world.online || (trial.wasDown && old?.downMs === 0)) {
      this.leave(trial);
      return this.next(world, nowMs);
    }
    if (!this.isProven(trial, world)) {
      this.leave(trial);
      this.refuse(trial.uri, nowMs);
      return this.next(world, nowMs);
    }
    if (old) {
      this.kept = this.kept.filter((kept) => kept !== old);
      this.leave(old);
      if (trial.wasDown) this.refuse(old.uri, nowMs);
    }
    this.kept.push({ interface: trial.interface, uri: trial.uri, downMs: 0, forgotten: false });
    return { kind: 'keep', interface: trial.interface, uri: trial.uri };
  }

  private isProven(trial: Trial, world: AdviserWorld): boolean {
    const peer = peerOf(world, trial);
    if (peer?.state !== 'up' || peer.state_ago_ms < this.pace.steadyMs || peer.changes_per_hour > MAX_CHANGES)
      return false;
    // whatever the list said: it may be a node that is a peer already
    return !world.nodes.some((node) =>
      node.peers.some((other) => other !== peer && other.up && other.key === peer.key && !this.isInstead(trial, other)),
    );
  }

  private isInstead({ instead }: Trial, { remote, inbound }: Peer): boolean {
    return instead !== undefined && !inbound && remote === identityOf(instead.uri);
  }

  /** Begins the trial of the best candidate where one is missing, or one is to be replaced. */
  private begin(world: AdviserWorld, nowMs: number): AdviserAct | undefined {
    const node = world.nodes.find(({ connected }) => connected);
    if (!node || !world.online || this.trialsLeft === 0) return undefined;
    const dead = this.kept.find(({ downMs }) => downMs >= this.pace.downMs);
    const slots: (Kept | undefined)[] = this.kept.length < MAX_KEPT ? [undefined] : dead ? [dead] : this.kept;
    for (const old of slots) {
      const best = this.bestFor(old, !old || old === dead, world, nowMs);
      if (!best) continue;
      this.trialsLeft--;
      const held = { interface: node.interface, uri: best.peer.uri };
      this.trial = { ...held, atMs: nowMs };
      if (old) Object.assign(this.trial, { instead: old, wasDown: old === dead });
      return { kind: 'try', ...held };
    }
    return undefined;
  }

  /** What is to be tried in place of a kept one, or beside those that there are. */
  private bestFor(old: Kept | undefined, anyDoes: boolean, world: AdviserWorld, nowMs: number): Ranked | undefined {
    const known = this.ranked().filter(
      ({ peer: { uri }, atMs, better }) =>
        (anyDoes || (better[old?.uri ?? ''] ?? 0) >= BETTER_ROUNDS) &&
        nowMs - atMs < 2.5 * this.pace.roundMs &&
        (this.refused.get(uri) ?? 0) <= nowMs,
    );
    if (known.length === 0) return undefined;
    const others = this.kept.filter((kept) => kept !== old);
    const isHeld = this.holding();
    const isTaken = this.takenBy(world);
    const operators = others.map(({ uri }) => operatorOf(hostOf(uri)));
    const keys = others.map((kept) => peerOf(world, kept)?.key ?? this.measured.get(kept.uri)?.peer.key);
    const usable = known.filter(
      ({ peer }) =>
        !isHeld(peer.uri) &&
        !isTaken(peer) &&
        !operators.includes(operatorOf(peer.host)) &&
        (peer.key === undefined || !keys.includes(peer.key)),
    );
    return nearestBest(
      usable,
      others.map(({ uri }) => this.measured.get(uri)?.peer.region),
    );
  }

  /** Whether a public peer is this router, or one that it has without the adviser: by key, or by host. */
  private takenBy({ nodes }: AdviserWorld): (peer: PublicPeer) => boolean {
    const hosts = new Set<string>();
    const keys = new Set<string>();
    const isHeld = this.holding();
    for (const node of nodes) {
      if (node.key !== undefined) keys.add(node.key);
      for (const { uri } of node.configured) hosts.add(hostOf(uri));
      for (const { remote = '', inbound, up, key } of node.peers) {
        if (!inbound && isHeld(remote)) continue;
        hosts.add(hostOf(remote));
        if (up && key !== undefined) keys.add(key);
      }
    }
    return ({ host, key }) => hosts.has(host) || (key !== undefined && keys.has(key));
  }

  /** Tells whether a URI or remote is that of a peering of the adviser's. */
  private holding(): (uri: string) => boolean {
    const held: Held[] = [...this.kept, ...this.leaving, ...(this.trial ? [this.trial] : [])];
    const identities = held.map(({ uri }) => identityOf(uri));
    return (uri) => identities.includes(identityOf(uri));
  }

  /** What was measured, best first. */
  private ranked(): Ranked[] {
    const good = [...this.measured.values()].filter((one): one is Ranked => typeof one.result === 'number');
    return good.sort((a, b) => a.result - b.result);
  }

  /** One of each region in turn, those first that were not measured for longest. */
  private byTurns(peers: readonly PublicPeer[]): PublicPeer[] {
    const lots = peers.map((peer) => ({ peer, atMs: this.measured.get(peer.uri)?.atMs ?? -1, lot: this.random() }));
    lots.sort((a, b) => a.atMs - b.atMs || a.lot - b.lot);
    const turns = new Map<string, number>();
    const ordered = lots.map(({ peer, lot }) => {
      const turn = turns.get(peer.region) ?? 0;
      turns.set(peer.region, turn + 1);
      return { peer, turn, lot };
    });
    return ordered.sort((a, b) => a.turn - b.turn || a.lot - b.lot).map(({ peer }) => peer);
  }

  private leave(...held: Held[]): void {
    this.leaving = [...this.leaving, ...held].slice(-MAX_LEAVING);
  }

  private refuse(uri: string, nowMs: number): void {
    this.refused.set(uri, nowMs + this.pace.refusedMs);
  }
}

function isMuchBetter(latencyMs: number, thanMs: number): boolean {
  return latencyMs <= thanMs * BETTER_SHARE && latencyMs <= thanMs - BETTER_MS;
}

/** The first, or the first of those about as good that is from none of these regions. */
function nearestBest(ranked: readonly Ranked[], regions: readonly (string | undefined)[]): Ranked | undefined {
  const [best] = ranked;
  if (!best) return undefined;
  const near = ranked.filter(({ result }) => result <= best.result * NEAR_SHARE + NEAR_MS);
  return near.find(({ peer }) => !regions.includes(peer.region)) ?? best;
}

/** The node of an interface, while it is connected. */
function nodeOf({ nodes }: AdviserWorld, iface: string): AdviserNode | undefined {
  return nodes.find((node) => node.connected && node.interface === iface);
}

function peerOf(world: AdviserWorld, held: Held): Peer | undefined {
  const remote = identityOf(held.uri);
  return nodeOf(world, held.interface)?.peers.find((peer) => !peer.inbound && peer.remote === remote);
}
