// Finds out whether names resolve: asks for the hosts that Yggdrasil's peerings have anyway, one now and then, and for no others.

import { TimeoutError } from '../errors.ts';
import type { DnsFact } from '../mesh/verdict.ts';
import type { Cancel, Clock, Names } from '../transport/host.ts';

/** A host name of a peering. */
export interface PeeringHost {
  readonly host: string;
  /** A peering with it is down. */
  readonly down: boolean;
}

/** While somebody looks or a peering with a name is down, and otherwise. */
const BRISK_MS = 60_000;
const IDLE_MS = 600_000;
/** While no peering has a name: at a start the configuration is not known yet. */
const NAMELESS_MS = 10_000;
/** A name that was not found while another one was is at fault itself: it is left alone for so long. */
const AT_FAULT_MS = 600_000;
const MAX_AT_FAULT = 32;

/** Asks when it is reminded and it is time; it has no timer of its own. */
export class DnsSource {
  /** The last answer; `undefined`: nothing was asked yet, or no peering has a name. */
  fact: DnsFact | undefined;
  private askedAtMs = Number.NEGATIVE_INFINITY;
  /** Before this, the peerings are not looked through again. */
  private notBeforeMs = 0;
  private asked = '';
  private readonly atFault = new Map<string, number>();
  private cancel: Cancel | undefined;

  constructor(
    private readonly names: Names,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
    private readonly hosts: () => readonly PeeringHost[],
    private readonly isLookedAt: () => boolean,
    private readonly onFact: () => void,
  ) {}

  /** A moment at which a question would be convenient. */
  remind(): void {
    const nowMs = this.clock.monotonicMs();
    if (this.cancel || nowMs < this.notBeforeMs) return;
    const hosts = this.hosts();
    this.notBeforeMs = nowMs + (hosts.length > 0 ? BRISK_MS : NAMELESS_MS);
    if (hosts.length === 0) {
      this.fact = undefined;
      return;
    }
    const brisk = this.isLookedAt() || hosts.some(({ down }) => down);
    if (nowMs - this.askedAtMs < (brisk ? BRISK_MS : IDLE_MS)) return;
    this.askedAtMs = nowMs;
    this.ask(this.choose(hosts, nowMs));
  }

  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
  }

  private ask(host: string): void {
    this.cancel = this.names.resolve(host, (outcome) => {
      this.cancel = undefined;
      const failed = outcome instanceof TimeoutError ? 'timeout' : 'unknown';
      const result = outcome instanceof Error ? failed : 'found';
      const before = this.fact;
      if (result === 'found' && before && before.result !== 'found' && before.host !== host) this.blame(before.host);
      this.fact = { host, result };
      this.onFact();
    });
  }

  private blame(host: string): void {
    this.atFault.set(host, this.clock.monotonicMs());
    for (const oldest of this.atFault.keys()) if (this.atFault.size > MAX_AT_FAULT) this.atFault.delete(oldest);
  }

  /** Another one than the last time, where there is: of peerings that are down first. */
  private choose(hosts: readonly PeeringHost[], nowMs: number): string {
    for (const [host, atMs] of this.atFault) if (nowMs - atMs > AT_FAULT_MS) this.atFault.delete(host);
    const rank = ({ host, down }: PeeringHost): number =>
      (this.atFault.has(host) ? 4 : 0) + (host === this.asked ? 2 : 0) + (down ? 0 : 1);
    this.asked = hosts.reduce((best, one) => (rank(one) < rank(best) ? one : best)).host;
    return this.asked;
  }
}
