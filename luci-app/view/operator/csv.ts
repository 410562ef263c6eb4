// Homes as a table for spreadsheets: RFC 4180, with the names of the contract as titles.

import type { ClientView } from '../../../src/api/client-object.ts';

/** A spreadsheet would run a text that begins so. */
const FORMULA = /^[=+\-@\t\r]/;

function cell(value: unknown): string {
  const text = value === undefined ? '' : String(value);
  const harmless = typeof value === 'string' && FORMULA.test(text) ? `'${text}` : text;
  // a minifier in LuCI's build knows regular expressions behind a bracket only
  return harmless.search(/[",\n\r']/) >= 0 ? `"${harmless.replace(/"/g, '""')}"` : harmless;
}

/** What a line of a home holds. */
function valuesOf(home: ClientView): Record<string, unknown> {
  const { today, month, ...rest } = home;
  const flat = (prefix: string, of: object): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(of).flatMap(([name, value]) =>
        typeof value === 'object' && value !== null
          ? Object.entries(flat(`${prefix}${name}_`, value))
          : [[prefix + name, value]],
      ),
    );
  return { ...flat('', rest), ...flat('today_', today), ...flat('month_', month) };
}

/** The text of a file, a line a home; a column for all that one of them has. */
export function homesAsCsv(homes: readonly ClientView[]): string {
  const lines = homes.map(valuesOf);
  const titles = [...new Set(lines.flatMap((line) => Object.keys(line)))];
  const rows = [titles, ...lines.map((line) => titles.map((title) => line[title]))];
  // the mark at its beginning tells spreadsheets that it is UTF-8
  return `\ufeff${rows.map((row) => row.map(cell).join(',')).join('\r\n')}\r\n`;
}
