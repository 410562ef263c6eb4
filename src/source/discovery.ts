// Finds the Yggdrasil interfaces of this router: set by configuration, known to netifd, or by their admin sockets.

import { errorText } from '../errors.ts';
import type { Log } from '../log.ts';
import type { FoundBy } from '../mesh/node.ts';
import type { Clock, Endpoint, Files } from '../transport/host.ts';

/** One Yggdrasil to look after. */
export interface FoundInterface {
  /** Logical interface, as netifd names it. */
  name: string;
  endpoint: Endpoint;
  foundBy: FoundBy;
}

export interface DiscoveryOptions {
  /** Interfaces of the configuration; always there, always first. */
  configured: readonly { name: string; endpoint: Endpoint }[];
  /** Look further than the configuration. */
  discover: boolean;
  /** Where netifd's protocol handler puts the sockets: `<directory>/<interface>.sock`. */
  socketDirectory: string;
  /** Interfaces that are looked after; a router with more has a mistake in its configuration. */
  most: number;
}

/** Missing for longer than any restart takes: it makes room for one that is there. */
const LONG_MISSING_MS = 600_000;
const NAME = /^[A-Za-z0-9_.-]{1,32}$/;
const SUFFIX = '.sock';

/** Names of the interfaces with protocol yggdrasil in the answer of `network.interface dump`. */
export function yggdrasilInterfaces(dump: unknown): string[] {
  const list = (dump as { interface?: unknown } | null | undefined)?.interface;
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown) => {
    const { interface: name, proto } = (entry ?? {}) as { interface?: unknown; proto?: unknown };
    return proto === 'yggdrasil' && typeof name === 'string' && NAME.test(name) ? [name] : [];
  });
}

interface Kept {
  name: string;
  foundBy: FoundBy;
  /** Monotonic time at which it was last there, milliseconds. */
  seenMs: number;
  /** It was in the list before. */
  listed: boolean;
}

/**
 * Keeps the list of interfaces from `start()` to `stop()`. What was found once stays while it is missing, since a Yggdrasil that restarts takes
 * its socket away for a moment; only when places are short does the one that is missing longest go.
 */
export class Discovery {
  private netifd: string[] = [];
  private kept: Kept[] = [];
  private known = '';
  private running = false;

  /** @param onChange gets the whole list, now and whenever it changes. */
  constructor(
    private readonly files: Files,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
    private options: DiscoveryOptions,
    private readonly log: Log,
    private readonly onChange: (interfaces: FoundInterface[]) => void,
  ) {}

  start(): void {
    this.running = true;
    this.tell();
  }

  stop(): void {
    this.running = false;
  }

  /** The configuration changed; what netifd said last still counts, and what was found, unless it is looked for elsewhere or no more. */
  setOptions(options: DiscoveryOptions): void {
    if (!options.discover || options.socketDirectory !== this.options.socketDirectory) this.kept = [];
    this.options = options;
    if (this.running) this.tell();
  }

  /** Takes what netifd says, and looks at the sockets. @param dump answer of `network.interface dump`; `undefined`: what it said last counts. */
  look(dump: unknown): void {
    if (!this.options.discover || !this.running) return;
    if (dump !== undefined) this.netifd = yggdrasilInterfaces(dump);
    this.tell();
  }

  private tell(): void {
    const { configured, discover, most } = this.options;
    const own = configured.map(({ name, endpoint }): FoundInterface => ({ name, endpoint, foundBy: 'config' }));
    const unplaced = discover ? this.find(Math.max(0, most - own.length)) : [];
    const interfaces = [...own.slice(0, most), ...this.kept.map((kept) => this.toInterface(kept))];
    const leftOut = [...own.slice(most), ...unplaced].map(({ name }) => name);
    const text = JSON.stringify([interfaces, leftOut]);
    if (text === this.known) return;
    this.known = text;
    if (leftOut.length > 0) this.log.warn('too many interfaces', { most, left_out: leftOut.join(',') });
    this.onChange(interfaces);
  }

  private toInterface({ name, foundBy }: Kept): FoundInterface {
    return { name, endpoint: { path: `${this.options.socketDirectory}/${name}${SUFFIX}` }, foundBy };
  }

  /** Looks, fills the places with what is there or was, and tells what is there and has none. */
  private find(places: number): Kept[] {
    const nowMs = this.clock.monotonicMs();
    const all = new Map(this.kept.map((kept) => [kept.name, kept]));
    const see = (name: string, foundBy: FoundBy): void => {
      const kept = all.get(name) ?? { name, foundBy, seenMs: nowMs, listed: false };
      kept.seenMs = nowMs;
      if (foundBy === 'netifd') kept.foundBy = foundBy;
      all.set(name, kept);
    };
    for (const name of this.netifd) see(name, 'netifd');
    for (const name of this.socketNames()) see(name, 'socket');
    for (const { name } of this.options.configured) all.delete(name);
    const longMissing = ({ seenMs }: Kept) => Number(nowMs - seenMs > LONG_MISSING_MS);
    const ranked = [...all.values()].sort(
      (a, b) =>
        longMissing(a) - longMissing(b) || Number(b.listed) - Number(a.listed) || b.seenMs - a.seenMs || inOrder(a, b),
    );
    this.kept = ranked.slice(0, places).sort(inOrder);
    for (const kept of this.kept) kept.listed = true;
    return ranked.slice(places).filter(({ seenMs }) => seenMs === nowMs);
  }

  private socketNames(): string[] {
    try {
      return this.files
        .list(this.options.socketDirectory)
        .filter((name) => name.endsWith(SUFFIX))
        .map((name) => name.slice(0, -SUFFIX.length))
        .filter((name) => NAME.test(name));
    } catch (error) {
      this.log.debug('sockets not listed', { error: errorText(error) });
      return [];
    }
  }
}

/** What netifd knows comes first, then by name: the order does not depend on what is missing just now. */
function inOrder(a: Kept, b: Kept): number {
  if (a.foundBy !== b.foundBy) return a.foundBy === 'netifd' ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}
