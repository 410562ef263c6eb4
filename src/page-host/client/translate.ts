// LuCI's look-up of texts: by their hash, in the table that the server gave.
// Source: luci-base, resources/cbi.js (_ and N_).

import { hashText } from '../../lib/text-hash.ts';

/** What stands in a file of translations: each text by the hash of the English one in hex, and under 0 the rule of plurals. */
const table = (): Readonly<Record<string, string>> => (window as { TR?: Record<string, string> }).TR ?? {};

/** Pages say few texts, and those again and again. */
const keys = new Map<string, string>();

function keyOf(text: string): string {
  const known = keys.get(text);
  if (known !== undefined) return known;
  const key = hashText(text.trim().replace(/\s+/g, ' ')).toString(16).padStart(8, '0');
  keys.set(text, key);
  return key;
}

/** The translation of a text, or the text. */
export function translate(text: string): string {
  return table()[keyOf(text)] ?? text;
}

/** The one that a number asks for. */
export function translateCount(count: number, one: string, many: string): string {
  const rule = table()['00000000'] ?? 'plural=(n != 1);';
  const form = Number(new Function('n', `${rule.replace(/nplurals=\d+;\s*/, 'let ')}return plural`)(count));
  return table()[keyOf(`${one}\u0002${form}`)] ?? (form > 0 ? many : one);
}
