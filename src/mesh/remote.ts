// What other nodes say of themselves: asked through one node, kept for a while, within bounds.

import type { Json } from '../api/model.ts';
import { InputError } from '../errors.ts';
import { replaceInvisible } from '../lib/text.ts';
import type { Node } from './node.ts';

/** One kept answer. */
export interface RemoteAnswer<T> {
  readonly value: T;
  /** Monotonic time of the answer, milliseconds. */
  readonly atMs: number;
}

interface Entry<T> extends RemoteAnswer<T> {
  readonly size: number;
}

/** Answers by key, bounded in number and in size: the least recently used go first. */
export class RemoteAnswers<T> {
  private readonly entries = new Map<string, Entry<T>>();
  private size = 0;

  /** @param maxSize sum of the sizes that `set` was given. */
  constructor(
    private readonly maxEntries: number,
    private readonly maxSize: number,
  ) {}

  /** The answer of the node with this key, unless it is older than `maxAgeMs`. */
  get(key: string, nowMs: number, maxAgeMs = Number.POSITIVE_INFINITY): RemoteAnswer<T> | undefined {
    const entry = this.entries.get(key);
    if (!entry || nowMs - entry.atMs > maxAgeMs) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry;
  }

  /** Keeps an answer; one that is larger than everything together may be is not kept. */
  set(key: string, value: T, size: number, atMs: number): void {
    this.drop(key);
    if (size > this.maxSize) return;
    this.entries.set(key, { value, size, atMs });
    this.size += size;
    for (const oldest of this.entries.keys()) {
      if (this.entries.size <= this.maxEntries && this.size <= this.maxSize) break;
      this.drop(oldest);
    }
  }

  private drop(key: string): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    this.entries.delete(key);
    this.size -= entry.size;
  }
}

/** Asks other nodes over the network; rejects when they do not answer. */
export interface RemoteSource {
  nodeInfo(key: string): Promise<Json>;
  nodePeers(key: string): Promise<string[]>;
  /** Milliseconds that it took another node to answer a small question. */
  echo(key: string): Promise<number>;
}

const NODE_INFO_AGE_MS = 600_000;
const NODE_PEERS_AGE_MS = 30_000;
/** How soon a node is asked for its name again: after an answer, and after none. */
const NAMED_MS = 3_600_000;
const UNANSWERED_MS = 60_000;
const MAX_NAME = 64;

function checkKey(text: string): string {
  if (!/^[0-9a-f]{64}$/i.test(text))
    throw new InputError(`key: expected 64 hex digits, got ${text.length} characters`, 'key');
  return text.toLowerCase();
}

/** The name that a node gives itself in its node info, if it is a text that can be shown. */
export function nameIn(info: Json | undefined): string | undefined {
  if (typeof info !== 'object' || info === null || Array.isArray(info)) return undefined;
  const { name } = info;
  if (typeof name !== 'string') return undefined;
  return (
    replaceInvisible(name, ' ')
      .trim()
      .slice(0, MAX_NAME)
      .replace(/[\ud800-\udbff]$/, '') || undefined
  );
}

/** Questions to other nodes, and to this one about itself, which the network would never answer. */
export class Remote {
  /** As many as a visit of the map asks. */
  private readonly infos = new RemoteAnswers<Json>(128, 131_072);
  private readonly peers = new RemoteAnswers<string[]>(64, 65_536);
  /** Names outlive the answers that they were in; empty: the node gives none. */
  private readonly names = new RemoteAnswers<string>(1024, 32_768);
  private readonly askedForName = new RemoteAnswers<true>(2048, 2048);

  /** @param ownInfo node info of this node as its configuration has it. */
  constructor(
    private readonly node: Node,
    private readonly source: RemoteSource,
    private readonly ownInfo: () => Json | undefined,
  ) {}

  /** What a node says of itself. @throws (rejects) InputError on a key that is none, and what the source throws. */
  async nodeInfo(text: string, nowMs: number): Promise<RemoteAnswer<Json>> {
    const key = checkKey(text);
    const self = this.node.view('self');
    if (self?.value.key === key) {
      const { build_name, build_version } = self.value;
      const own = this.ownInfo();
      const given = typeof own === 'object' && own !== null && !Array.isArray(own) ? own : {};
      return { value: { buildname: build_name, buildversion: build_version, ...given }, atMs: nowMs };
    }
    const kept = this.infos.get(key, nowMs, NODE_INFO_AGE_MS);
    if (kept) return kept;
    const value = await this.source.nodeInfo(key);
    this.infos.set(key, value, JSON.stringify(value).length, nowMs);
    const name = nameIn(value) ?? '';
    this.names.set(key, name, name.length, nowMs);
    return { value, atMs: nowMs };
  }

  /** Keys of a node's peers, each once. @throws (rejects) as `nodeInfo`. */
  async nodePeers(text: string, nowMs: number): Promise<RemoteAnswer<string[]>> {
    const key = checkKey(text);
    if (this.node.view('self')?.value.key === key) {
      const { value, atMs } = await this.node.read('peers', nowMs);
      const keys = value.peers.flatMap((peer) => (peer.up && peer.key !== undefined ? [peer.key] : []));
      return { value: [...new Set(keys)], atMs };
    }
    const kept = this.peers.get(key, nowMs, NODE_PEERS_AGE_MS);
    if (kept) return kept;
    const value = await this.source.nodePeers(key);
    this.peers.set(key, value, value.length * 64, nowMs);
    return { value, atMs: nowMs };
  }

  /** How long the node with this key took to answer: about a round trip, and at first the search for a path. @throws (rejects) as `nodeInfo`. */
  async echo(text: string): Promise<number> {
    const key = checkKey(text);
    if (this.node.view('self')?.value.key === key) throw new InputError('key: is that of this node', 'key');
    return this.source.echo(key);
  }

  /** A node's name, where its node info was asked for already. */
  nameOf(key: string, nowMs: number): string | undefined {
    return this.names.get(key, nowMs)?.value || undefined;
  }

  /** The next peer that was not asked for its name lately. */
  nextNameless(nowMs: number): string | undefined {
    for (const peer of this.node.view('peers')?.value.peers ?? []) {
      if (!peer.up || peer.key === undefined) continue;
      if (this.names.get(peer.key, nowMs, NAMED_MS)) continue;
      if (this.askedForName.get(peer.key, nowMs, UNANSWERED_MS)) continue;
      this.askedForName.set(peer.key, true, 1, nowMs);
      return peer.key;
    }
    return undefined;
  }
}
