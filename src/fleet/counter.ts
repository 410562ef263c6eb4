// The counter of a key's commands: it only rises, also when this machine's clock is set back.

import type { Home } from './home.ts';

const FILE = 'counters.json';

/** The next counters of some keys (16 hex digits each): one that is higher than all before, about the Unix time in milliseconds. */
export function nextCounter(home: Home, keys: readonly string[], nowMs = Date.now()): Promise<number> {
  return home.locked(() => {
    const before = (home.read(FILE) ?? {}) as Record<string, number>;
    const last = Math.max(0, ...keys.map((key) => Number(before[key]) || 0));
    const next = Math.max(nowMs, last + 1);
    home.write(FILE, { ...before, ...Object.fromEntries(keys.map((key) => [key, next])) });
    return next;
  });
}
