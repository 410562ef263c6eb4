// What homes used of a gateway: today, this month, and all of them together on each of the last 90 days. Days are those of UTC.

import type { ClientUse } from '../api/client-object.ts';

/** Days that are kept of all homes together. */
export const LEDGER_DAYS = 90;
const DAY_S = 86_400;

/** One home's bytes. */
interface Account {
  day: ClientUse;
  month: ClientUse;
}

/** As it is kept. */
export interface LedgerRecord {
  /** Number of the day since 1970; absent: the clock was never right. */
  readonly day?: number;
  /** Bytes of all homes, the oldest day first, today last: received, sent, and so on. */
  readonly days: readonly number[];
  /** By address: received and sent today, and this month. */
  readonly clients: Readonly<Record<string, readonly [number, number, number, number]>>;
}

/** Other gateways that tell of homes. */
const MAX_SOURCES = 16;
/** Homes whose use is kept; the one that used least this month makes room. */
const MAX_ACCOUNTS = 8192;
const none = (): ClientUse => ({ rx_bytes: 0, tx_bytes: 0 });

/** The book of all homes. */
export class ClientLedger {
  private day: number | undefined;
  private readonly days: ClientUse[] = [none()];
  private readonly accounts = new Map<string, Account>();
  /** This month at other gateways of the operator: by gateway, by home. In memory alone, for they tell it again. */
  private readonly others = new Map<string, Map<string, ClientUse>>();
  /** Something was added since it was last kept. */
  isDirty = false;

  constructor(record: LedgerRecord | undefined) {
    if (!record) return;
    this.day = record.day;
    const { days } = record;
    this.days.length = 0;
    for (let i = 0; i < days.length; i += 2) this.days.push({ rx_bytes: days[i]!, tx_bytes: days[i + 1]! });
    if (this.days.length === 0) this.days.push(none());
    for (const [address, [rx, tx, monthRx, monthTx]] of Object.entries(record.clients)) {
      this.accounts.set(address, {
        day: { rx_bytes: rx, tx_bytes: tx },
        month: { rx_bytes: monthRx, tx_bytes: monthTx },
      });
    }
  }

  /** A home's bytes since it was last told, as the home sees their direction. @param unixS `undefined`: the clock is not right. */
  add(address: string, use: ClientUse, unixS: number | undefined): void {
    this.turn(unixS);
    if (use.rx_bytes === 0 && use.tx_bytes === 0) return;
    this.isDirty = true;
    let account = this.accounts.get(address);
    if (!account) {
      if (this.accounts.size >= MAX_ACCOUNTS) this.forgetLeast();
      account = { day: none(), month: none() };
      this.accounts.set(address, account);
    }
    for (const sum of [account.day, account.month, this.days.at(-1)!]) {
      sum.rx_bytes += use.rx_bytes;
      sum.tx_bytes += use.tx_bytes;
    }
  }

  /** A home's. */
  of(address: string): { today: ClientUse; month: ClientUse } {
    const account = this.accounts.get(address);
    return { today: account?.day ?? none(), month: account?.month ?? none() };
  }

  /** Bytes of a home in this month, in both directions, here and elsewhere. */
  monthBytes(address: string): number {
    const { month } = this.of(address);
    const elsewhere = this.elsewhere(address);
    const other = elsewhere ? elsewhere.rx_bytes + elsewhere.tx_bytes : 0;
    return month.rx_bytes + month.tx_bytes + other;
  }

  /** The first day of the next month, in UTC, as `2027-02-01`; `undefined` while the clock was never right. */
  get nextMonth(): string | undefined {
    if (this.day === undefined) return undefined;
    const month = monthOf(this.day) + 1;
    return `${Math.floor(month / 12)}-${String((month % 12) + 1).padStart(2, '0')}-01`;
  }

  /**
   * What another gateway of the operator counted of a home in this month; `undefined`: nothing. A gateway too many, or a home, is not kept.
   * @param source whatever that gateway is known by.
   */
  setElsewhere(source: string, address: string, use: ClientUse | undefined): void {
    const homes = this.others.get(source) ?? new Map<string, ClientUse>();
    if (!use) homes.delete(address);
    else if (homes.has(address) || homes.size < MAX_ACCOUNTS) homes.set(address, use);
    if (homes.size === 0) this.others.delete(source);
    else if (this.others.has(source) || this.others.size < MAX_SOURCES) this.others.set(source, homes);
  }

  /** What one other gateway counted of a home in this month. */
  atOther(source: string, address: string): ClientUse | undefined {
    return this.others.get(source)?.get(address);
  }

  /** What each home used here in this month. */
  *months(): Generator<readonly [address: string, use: ClientUse]> {
    for (const [address, { month }] of this.accounts) yield [address, month];
  }

  /** What all other gateways counted of a home in this month. */
  elsewhere(address: string): ClientUse | undefined {
    let sum: ClientUse | undefined;
    for (const homes of this.others.values()) {
      const use = homes.get(address);
      if (!use) continue;
      sum ??= none();
      sum.rx_bytes += use.rx_bytes;
      sum.tx_bytes += use.tx_bytes;
    }
    return sum;
  }

  /** Deletes a home's; what all used together stays. */
  forget(address: string): void {
    if (this.accounts.delete(address)) this.isDirty = true;
  }

  /** Of all homes. */
  all(): { today: ClientUse; month: ClientUse; days: readonly ClientUse[] } {
    const month = none();
    for (const account of this.accounts.values()) {
      month.rx_bytes += account.month.rx_bytes;
      month.tx_bytes += account.month.tx_bytes;
    }
    return { today: this.days.at(-1)!, month, days: this.days };
  }

  /** As it is to be kept. */
  record(): LedgerRecord {
    this.isDirty = false;
    const clients: Record<string, [number, number, number, number]> = {};
    for (const [address, { day, month }] of this.accounts)
      clients[address] = [day.rx_bytes, day.tx_bytes, month.rx_bytes, month.tx_bytes];
    return {
      ...(this.day !== undefined && { day: this.day }),
      days: this.days.flatMap(({ rx_bytes, tx_bytes }) => [rx_bytes, tx_bytes]),
      clients,
    };
  }

  /** Begins a new day, and a new month, when it is time; what was counted by a wrong clock belongs to the day on which it became right. */
  turn(unixS: number | undefined): void {
    if (unixS === undefined) return;
    const day = Math.floor(unixS / DAY_S);
    const before = this.day;
    // set back by a day or less, as by a clock that is mended around midnight: the later day goes on
    if (before === day || before === day + 1) return;
    this.day = day;
    this.isDirty = true;
    if (before === undefined) return;
    // set back by more: the days that are kept go on from there
    const passed = day > before ? Math.min(day - before, LEDGER_DAYS) : 0;
    if (passed === 0) return;
    for (let i = 0; i < passed; i++) this.days.push(none());
    this.days.splice(0, Math.max(0, this.days.length - LEDGER_DAYS));
    const isMonth = monthOf(day) !== monthOf(before);
    if (isMonth) this.others.clear();
    for (const [address, account] of this.accounts) {
      account.day = none();
      if (isMonth) account.month = none();
      if (account.month.rx_bytes + account.month.tx_bytes === 0) this.accounts.delete(address);
    }
  }

  private forgetLeast(): void {
    let least: string | undefined;
    let leastBytes = Number.POSITIVE_INFINITY;
    for (const [address, { month }] of this.accounts) {
      const bytes = month.rx_bytes + month.tx_bytes;
      if (bytes >= leastBytes) continue;
      [least, leastBytes] = [address, bytes];
    }
    if (least !== undefined) this.accounts.delete(least);
  }
}

/** A number for each month. */
function monthOf(day: number): number {
  const date = new Date(day * DAY_S * 1000);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}
