// Amounts as people write and read them: bytes, kilobits a second, durations, moments, limits of homes.

import { InputError } from '../errors.ts';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;
const STEP = 1000;
const SPANS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 7 * 86_400 };

/** Bytes in three figures: `0 B`, `17 kB`, `1.4 GB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // what would be shown as 1000 is one of the next unit
  while (value >= STEP - 0.5 && unit < UNITS.length - 1) {
    value /= STEP;
    unit++;
  }
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

/** A duration of people: `90`, `90s`, `15m`, `2h`, `3d`, `1w`. @returns seconds. @throws InputError */
export function parseSpan(name: string, text: string): number {
  const [, digits, unit = 's'] = /^(\d{1,9})([smhdw])?$/.exec(text) ?? [];
  if (digits === undefined)
    throw new InputError(`${name}: expected a duration such as 90s, 15m, 2h or 3d, got ${JSON.stringify(text)}`);
  return Number(digits) * SPANS[unit]!;
}

/** A moment: Unix seconds, or a day and a time of ISO 8601, in UTC where no zone is named. @returns Unix seconds. @throws InputError */
export function parseMoment(name: string, text: string): number {
  if (/^\d{9,11}$/.test(text)) return Number(text);
  const form = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(Z|[+-]\d{2}:\d{2})?)?$/.exec(text);
  const ms = form ? Date.parse(`${form[1]}T${form[2] ?? '00:00'}${form[3] ?? 'Z'}`) : Number.NaN;
  if (Number.isNaN(ms))
    throw new InputError(
      `${name}: expected a moment such as 2026-03-01 or 2026-03-01T14:05, got ${JSON.stringify(text)}`,
    );
  return Math.floor(ms / 1000);
}

/** Limits of a home in short; empty: none of its own. */
export function formatLimits(limits: {
  readonly quota_mb?: number;
  readonly down_kbits?: number;
  readonly up_kbits?: number;
  readonly flows?: number;
}): string {
  const { quota_mb: quota, down_kbits: down, up_kbits: up, flows } = limits;
  const parts = [
    quota !== undefined && (quota === 0 ? 'any volume' : `${formatBytes(quota * 1e6)} a month`),
    down !== undefined && (down === 0 ? 'any speed down' : `${down} kbit/s down`),
    up !== undefined && (up === 0 ? 'any speed up' : `${up} kbit/s up`),
    flows !== undefined && (flows === 0 ? 'any number of connections' : `${flows} connections`),
  ];
  return parts.filter(Boolean).join(', ');
}

const BARS = '▁▂▃▄▅▆▇█';

/** A row of numbers as a line of bars, the largest one whole; a number of zero is a blank. */
export function sparkline(values: readonly number[]): string {
  const most = Math.max(0, ...values);
  return values
    .map((value) => (value <= 0 || most === 0 ? ' ' : BARS[Math.min(7, Math.floor((8 * value) / most))]!))
    .join('');
}
