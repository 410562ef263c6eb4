// Numbers for people: sizes, rates and times, rounded to what they need.

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** A size in bytes, in steps of a thousand: `1.2 MB`. */
export function bytes(count: number): string {
  let size = count;
  let unit = 0;
  for (; size >= 999.5 && unit < UNITS.length - 1; unit++) size /= 1000;
  const digits = unit > 0 && size < 99.95 ? 1 : 0;
  return `${size.toLocaleString([], { maximumFractionDigits: digits })} ${UNITS[unit]}`;
}

/** Bytes a second: `1.2 MB/s`. */
export function rate(bytesPerS: number): string {
  return _('%s/s').format(bytes(bytesPerS));
}

/** A time in its largest unit: `40 seconds`, `34 minutes`, `3 days`. */
export function duration(seconds: number): string {
  const [s, min, h, d] = [1, 60, 3600, 86_400].map((unit) => Math.round(seconds / unit)) as [
    number,
    number,
    number,
    number,
  ];
  if (s < 90) return N_(s, '%d second', '%d seconds').format(s);
  if (min < 90) return N_(min, '%d minute', '%d minutes').format(min);
  if (h < 36) return N_(h, '%d hour', '%d hours').format(h);
  return N_(d, '%d day', '%d days').format(d);
}

/** How long ago that was. */
export function ago(ms: number): string {
  return ms < 1500 ? _('just now') : _('%s ago').format(duration(ms / 1000));
}
