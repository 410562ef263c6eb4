// What homes used of this gateway in this month, told to the other gateways of its group, and what those tell: so that a home that moves has used
// what it has used, wherever that was.
//
// Homes lie in a fixed number of buckets, each of which is told as a whole: in megabytes, which only rise within a month. So a statement that is
// late, or comes twice, takes nothing back, and there is nothing to be in order.

import type { ClientUse } from '../api/client-object.ts';
import { GROUP } from '../lib/home-list.ts';
import { JsonFields } from '../lib/json-field.ts';
import { nodeAddress } from '../lib/yggdrasil-address.ts';
import type { ClientLedger } from './client-ledger.ts';

export const USE_BUCKETS = 64;
/** Homes of one bucket that are told. */
const MAX_TOLD = 100;
const MB = 1_000_000;
const MAX_MB = 1e9;
/** A home that is here is told of again once it used so much more, and the last time was so long ago. */
const GROWN_MB = 50;
const EACH_MS = 15 * 60_000;

export interface SharedUseParts {
  readonly group: string;
  readonly ledger: Pick<ClientLedger, 'months' | 'setElsewhere' | 'atOther'>;
  /** Whether a home holds a lease here now. */
  isHere(address: string): boolean;
  /** Unix seconds; `undefined` while the clock is wrong. */
  dateS(): number | undefined;
  nowMs(): number;
  /** Homes used something elsewhere. */
  onChange(): void;
}

/** A bucket that is to be told. */
export interface UseStatement {
  readonly bucket: number;
  readonly body: string;
}

/** One gateway's. */
export class SharedUse {
  /** What was told of each home, in megabytes. */
  private readonly told = new Map<string, number>();
  private readonly toldAtMs = new Map<number, number>();
  private month = '';

  constructor(private readonly parts: SharedUseParts) {}

  /** Whether the month is known: until then nothing is told, and nothing can be taken. */
  get isDated(): boolean {
    return this.parts.dateS() !== undefined;
  }

  /** What is to be told now. @param all also what was told before, for whoever may have lost it. */
  due(all: boolean): UseStatement[] {
    const { ledger, dateS, nowMs, group } = this.parts;
    const unixS = dateS();
    if (unixS === undefined) return [];
    const month = monthOf(unixS);
    if (month !== this.month) {
      this.told.clear();
      this.toldAtMs.clear();
      this.month = month;
    }
    const buckets = new Map<number, [string, number, number][]>();
    const due = new Set<number>();
    for (const [address, use] of ledger.months()) {
      const [rx, tx] = [Math.ceil(use.rx_bytes / MB), Math.ceil(use.tx_bytes / MB)];
      const bucket = bucketOf(address);
      const homes = buckets.get(bucket) ?? [];
      homes.push([address, rx, tx]);
      buckets.set(bucket, homes);
      if (all || this.isDue(bucket, address, rx + tx, nowMs())) due.add(bucket);
    }
    return [...due].map((bucket) => {
      // where there are too many, those that used most
      const homes = buckets
        .get(bucket)!
        .sort((a, b) => b[1] + b[2] - (a[1] + a[2]))
        .slice(0, MAX_TOLD);
      for (const [address, rx, tx] of homes) this.told.set(address, rx + tx);
      this.toldAtMs.set(bucket, nowMs());
      const table = Object.fromEntries(homes.map(([address, rx, tx]) => [address, [rx, tx]]));
      return { bucket, body: JSON.stringify({ group, month, homes: table }) };
    });
  }

  /** Takes what another gateway signed. @param source what that one is known by. @throws WireError on what is none; what is of another month or group is passed over. */
  take(source: string, body: unknown): void {
    const { group, dateS, ledger, onChange } = this.parts;
    const fields = new JsonFields('use', body);
    const unixS = dateS();
    const isMine = fields.match('group', GROUP, 'a group') === group;
    const isNow = fields.match('month', /^\d{4}-\d{2}$/, 'a month') === (unixS !== undefined && monthOf(unixS));
    if (!isMine || !isNow) return;
    const homes = Object.entries((body as { homes?: unknown }).homes ?? {});
    if (homes.length > MAX_TOLD) throw fields.fault('homes', `at most ${MAX_TOLD} homes`);
    let isChanged = false;
    for (const [text, value] of homes) {
      const address = nodeAddress(text);
      if (address === undefined || !Array.isArray(value))
        throw fields.fault('homes', 'two numbers by the address of a home');
      const [rx, tx] = value.map((one) => (Number.isInteger(one) && one >= 0 && one <= MAX_MB ? one * MB : undefined));
      if (rx === undefined || tx === undefined) throw fields.fault('homes', 'two whole numbers of megabytes');
      const before = ledger.atOther(source, address);
      // of a month that only grows the largest is the newest
      const now: ClientUse = {
        rx_bytes: Math.max(rx, before?.rx_bytes ?? 0),
        tx_bytes: Math.max(tx, before?.tx_bytes ?? 0),
      };
      if (before && now.rx_bytes === before.rx_bytes && now.tx_bytes === before.tx_bytes) continue;
      ledger.setElsewhere(source, address, now);
      isChanged = true;
    }
    if (isChanged) onChange();
  }

  /** Whoever moved away is told of at once, others now and then. */
  private isDue(bucket: number, address: string, mb: number, nowMs: number): boolean {
    const grown = mb - (this.told.get(address) ?? 0);
    if (grown <= 0) return false;
    if (!this.parts.isHere(address)) return true;
    const lastMs = this.toldAtMs.get(bucket);
    return grown >= GROWN_MB && (lastMs === undefined || nowMs - lastMs >= EACH_MS);
  }
}

/** Which bucket a home lies in: its last digits are as random as its key. */
export function bucketOf(address: string): number {
  return Number.parseInt(address.slice(-2).replace(':', '0'), 16) % USE_BUCKETS;
}

/** The month of a moment in UTC, as `2026-03`. */
function monthOf(unixS: number): string {
  return new Date(unixS * 1000).toISOString().slice(0, 7);
}
