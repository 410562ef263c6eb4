// How much of a node's traffic is its own, and how much it relays for others: from the counters of sessions and of peerings.
//
// What is relayed comes in over one peering and goes out over another, so it is in both directions what the own sessions do not account
// for. Sessions count packets and peerings what goes over the wire, so the smaller of the two differences is taken: that leaves out the
// overhead of a download or an upload. A session vanishes 60 s after its last packet: a longer time between two looks tells too little.

import type { Session, Traffic } from '../api/model.ts';
import type { Traffic as Moved } from './peer.ts';

/** Peerings and sessions were asked for together: not further apart than this. */
const TOGETHER_MS = 100;
/** How long Yggdrasil remembers a session that is silent. */
const SESSION_MS = 60_000;
/** Rates are over the shortest time between looks that is at least this long, of this many looks. */
const WINDOW_MS = 10_000;
const MAX_LOOKS = 8;

interface Sums {
  readonly atMs: number;
  readonly rx: number;
  readonly tx: number;
  readonly relayed: number;
}

/** The traffic of one node since it is watched; times are monotonic milliseconds. */
export class Usage {
  /** The list of the look before. */
  private sessions: readonly Session[] | undefined;
  /** What went over the peerings, and of own sessions, since `relayed` was last counted. */
  private readonly wire: Moved = { rxBytes: 0, txBytes: 0 };
  private readonly own: Moved = { rxBytes: 0, txBytes: 0 };
  private wireAtMs = Number.NEGATIVE_INFINITY;
  private countedAtMs = Number.NEGATIVE_INFINITY;
  private beganMs = 0;
  private rx = 0;
  private tx = 0;
  private relayed = 0;
  /** Newest last. */
  private looks: Sums[] = [];

  /** What went over all peerings since the time before. */
  addPeers({ rxBytes, txBytes }: Moved, atMs: number): void {
    this.wire.rxBytes += rxBytes;
    this.wire.txBytes += txBytes;
    this.wireAtMs = atMs;
  }

  /** The newest list of sessions. */
  addSessions(list: readonly Session[], atMs: number): void {
    const before = this.sessions;
    this.sessions = list;
    if (before) this.addOwn(list, before);
    else this.beganMs = atMs;
    // peerings that were not looked at since the last time would be missing
    if (Math.abs(atMs - this.wireAtMs) <= TOGETHER_MS) this.count(atMs);
    if (this.looks.at(-1)?.atMs === atMs) this.looks.pop();
    this.looks.push({ atMs, rx: this.rx, tx: this.tx, relayed: this.relayed });
    while (this.looks.length > MAX_LOOKS || (this.looks[1] && atMs - this.looks[1].atMs >= WINDOW_MS))
      this.looks.shift();
  }

  /** `undefined` before the first look. */
  traffic(nowMs: number): Traffic | undefined {
    const [first, last] = [this.looks[0], this.looks.at(-1)];
    if (!first || !last) return undefined;
    const rate = (of: 'rx' | 'tx' | 'relayed'): number =>
      last === first ? 0 : Math.round(((last[of] - first[of]) * 1000) / (last.atMs - first.atMs));
    return {
      since_s: Math.floor((nowMs - this.beganMs) / 1000),
      own_rx_bytes: this.rx,
      own_tx_bytes: this.tx,
      relayed_bytes: this.relayed,
      own_rx_bytes_per_s: rate('rx'),
      own_tx_bytes_per_s: rate('tx'),
      relayed_bytes_per_s: rate('relayed'),
    };
  }

  private addOwn(list: readonly Session[], before: readonly Session[]): void {
    const known = new Map(before.map((session) => [session.key, session]));
    for (const { key, rx_bytes, tx_bytes, uptime_s } of list) {
      const old = known.get(key);
      // counters that fell belong to another session with the same node
      const same = old && rx_bytes >= old.rx_bytes && tx_bytes >= old.tx_bytes && uptime_s >= old.uptime_s;
      const rx = rx_bytes - (same ? old.rx_bytes : 0);
      const tx = tx_bytes - (same ? old.tx_bytes : 0);
      this.rx += rx;
      this.tx += tx;
      this.own.rxBytes += rx;
      this.own.txBytes += tx;
    }
  }

  private count(atMs: number): void {
    const { wire, own } = this;
    if (atMs - this.countedAtMs <= SESSION_MS)
      this.relayed += Math.max(0, Math.min(wire.rxBytes - own.rxBytes, wire.txBytes - own.txBytes));
    this.countedAtMs = atMs;
    wire.rxBytes = wire.txBytes = own.rxBytes = own.txBytes = 0;
  }
}
