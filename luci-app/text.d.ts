// LuCI's translation and formatting: globals of every page. No DOM here, so that tests on Node can give them too.
// Source: luci-base, resources/cbi.js.

/** The translation of a text, which must stand there as one literal; placeholders are filled outside: `_('%d peers').format(3)`. */
declare function _(text: string): string;

/** The translation of the one of two texts that a number asks for. */
declare function N_(count: number, one: string, many: string): string;

interface String {
  /** Fills `%s`, `%d` and `%t` (seconds as `1h 2m 3s`). Nothing is escaped: the result is text, never HTML. */
  format(...values: (string | number)[]): string;
}
