// LuCI's translation and formatting: globals of every page. No DOM here, so that tests on Node can give them too.
// Source: luci-base, resources/cbi.js.

/** A text of ours as it is in the catalogue, nothing filled in. LuCI takes titles of forms for HTML: they may be nothing else. */
type Translated = string & { readonly translated: unique symbol };

/** The translation of a text, which must stand there as one literal; placeholders are filled outside: `_('%d peers').format(3)`. */
declare function _(text: string): Translated;

/** The translation of the one of two texts that a number asks for. */
declare function N_(count: number, one: string, many: string): string;

interface String {
  /** Fills `%s`, `%d` and `%t` (seconds as `1h 2m 3s`). Nothing is escaped: the result is text, never HTML. */
  format(...values: (string | number)[]): string;
}
