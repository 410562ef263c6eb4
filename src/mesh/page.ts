// Parts of long lists, for answers that hold few bytes.

import { encodeUtf8 } from '../lib/utf8.ts';

/** Some entries of a list, and where the next part begins; without `next`, nothing is behind them. */
export interface Page<T> {
  readonly items: T[];
  readonly next?: number;
}

/** Bytes of a value as JSON. */
export function jsonBytes(value: unknown): number {
  return encodeUtf8(JSON.stringify(value)).length;
}

/** As many entries from `from` on as there is room for, in bytes of JSON; at least one, however long. */
export function pageOf<T>(list: readonly T[], from: number, room: number): Page<T> {
  const items: T[] = [];
  let left = room;
  for (const item of list.slice(from)) {
    left -= jsonBytes(item) + 1;
    if (left < 0 && items.length > 0) break;
    items.push(item);
  }
  const next = from + items.length;
  return next < list.length ? { items, next } : { items };
}
