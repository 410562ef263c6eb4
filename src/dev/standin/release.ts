// How the releases of Yggdrasil differ on the admin socket, seen from 0.5.12: entries and error texts rewritten for another one.

import type { Command, RawMulticast, RawPeer } from './transcript.ts';

/** 0.5.5 to 0.5.14, and 0.4.7, which a client only has to recognise. */
export class Release {
  readonly isOld: boolean;
  private readonly patch: number;

  /** @throws RangeError on a release that is not known. */
  constructor(readonly version: string) {
    this.isOld = version === '0.4.7';
    this.patch = Number(/^0\.5\.(\d{1,2})$/.exec(version)?.[1] ?? Number.NaN);
    if (!this.isOld && !(this.patch >= 5 && this.patch <= 14))
      throw new RangeError(`version: expected 0.4.7 or 0.5.5 to 0.5.14, got "${version}"`);
  }

  /** `arguments: null` kills the node with `getpeers` too. */
  get diesOfNullGetPeers(): boolean {
    return this.patch >= 13;
  }

  /** `addpeer` refuses a scheme that it does not know, instead of making a dead peer of it. */
  get checksScheme(): boolean {
    return this.patch >= 13;
  }

  /** Shortest `maxbackoff`, seconds. */
  get minBackoffS(): number {
    return this.patch >= 13 ? 5 : 30;
  }

  /** Whether a short key is refused by `getnodeinfo`, instead of being asked for in vain. */
  get checksKeyLength(): boolean {
    return this.patch >= 14;
  }

  /** An error text of 0.5.12 as this release words it. */
  words(text: string): string {
    return this.patch >= 14 ? text.charAt(0).toLowerCase() + text.slice(1) : text;
  }

  peer(entry: RawPeer): object {
    const { cost, rate_recvd, rate_sent, latency, ...rest } = entry;
    const known: Record<string, unknown> = { ...rest };
    if (this.patch >= 9) known.cost = cost;
    if (this.patch >= 10 && rate_recvd) known.rate_recvd = rate_recvd;
    if (this.patch >= 10 && rate_sent) known.rate_sent = rate_sent;
    // nanoseconds under either name
    if (this.patch >= 6 && latency) known[this.patch >= 12 ? 'latency' : 'latency_ms'] = latency;
    return known;
  }

  multicast(entry: RawMulticast): object | string {
    return this.patch >= 10 ? entry : entry.name;
  }

  command(entry: Command): Command {
    return this.patch >= 13 && entry.command === 'getpeers' ? { ...entry, fields: ['sort'] } : entry;
  }
}
