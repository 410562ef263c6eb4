// String.format of LuCI's client: `%s`, `%d`, `%t` and `%%`.
// Source: luci-base, resources/cbi.js.

function duration(seconds: number): string {
  const [d, h, m, s] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
    seconds % 60,
  ];
  return d > 0 ? `${d}d ${h}h ${m}m ${s}s` : `${h}h ${m}m ${s}s`;
}

/** Fills the places of `this` in turn. @throws Error on another letter, or too few values. */
export function format(this: string, ...values: (string | number)[]): string {
  let next = 0;
  return this.replace(/%(.?)/g, (_, letter: string) => {
    if (letter === '%') return '%';
    if (next >= values.length) throw new Error(`format: ${this}: too few values`);
    const value = values[next++]!;
    if (letter === 's') return String(value);
    if (letter === 'd') return String(Math.floor(Number(value)));
    if (letter === 't') return duration(Number(value));
    throw new Error(`format: ${this}: this stand-in knows no %${letter}`);
  });
}
