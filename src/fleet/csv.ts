// Lists as CSV: for spreadsheets, which take what begins as a formula does for one, whoever wrote it.

import { clean } from './display.ts';

/** What a spreadsheet would calculate. */
const FORMULA = /^[=+\-@\t\r]/;
/** A semicolon, for that is what some countries' spreadsheets divide by. */
const SPECIAL = /[",;\n]/;
const MAX_CELLS = 64;

/** A line of CSV, without its end. Source: RFC 4180. */
export function csvLine(cells: readonly (string | number | boolean | undefined)[]): string {
  return cells
    .map((cell) => {
      if (typeof cell !== 'string') return cell === undefined ? '' : String(cell);
      const text = clean(cell);
      const safe = FORMULA.test(text) ? `'${text}` : text;
      return SPECIAL.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
    })
    .join(',');
}

/** The cells of a line that `csvLine` or a spreadsheet made. */
export function parseCsvLine(line: string): string[] {
  const cells: string[] = [];
  const form = /\s*(?:"((?:[^"]|"")*)"|([^",;]*))\s*(,|;|$)/y;
  while (cells.length < MAX_CELLS) {
    const found = form.exec(line);
    if (!found) break;
    cells.push(found[1] === undefined ? found[2]!.trim() : found[1].replaceAll('""', '"'));
    if (found[3] === '') break;
  }
  return cells;
}
