// A table for a terminal: columns as wide as what they hold, cut where the terminal is narrower.

import { clean, columnsOf, fit } from './display.ts';

const STYLES = { bold: '1', dim: '2', red: '31', green: '32', yellow: '33', cyan: '36' } as const;
export type Style = keyof typeof STYLES;
/** What `paint` writes, and nothing else of what a terminal obeys; of one group, as `split` takes it. */
export const STYLING = new RegExp(`(\x1b\\[(?:0|${Object.values(STYLES).join('|')})m)`);

/** One cell: a text of any origin, and how it is shown. */
export interface Cell {
  text: string;
  style?: Style | undefined;
}

/** One column. */
export interface Column<Row> {
  title: string;
  align?: 'right';
  /** Columns that it keeps when it is cut; absent: it is never cut. */
  least?: number;
  cell(row: Row): Cell | string;
}

/** What the output is shown on. */
export interface Terminal {
  /** Columns; `undefined`: no terminal, nothing is cut. */
  width: number | undefined;
  isColoured: boolean;
}

/** A text with its style, where there is colour. */
export function paint(text: string, style: Style | undefined, { isColoured }: Pick<Terminal, 'isColoured'>): string {
  return style && isColoured ? `\x1b[${STYLES[style]}m${text}\x1b[0m` : text;
}

/** Lines of a table with its heading; no line ends in blanks. */
export function formatTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[], terminal: Terminal): string[] {
  const cells = rows.map((row) =>
    columns.map((column): Cell => {
      const cell = column.cell(row);
      return typeof cell === 'string' ? { text: clean(cell) } : { ...cell, text: clean(cell.text) };
    }),
  );
  const widths = columns.map(({ title }, at) =>
    cells.reduce((widest, line) => Math.max(widest, columnsOf(line[at]!.text)), columnsOf(title)),
  );
  if (terminal.width !== undefined) squeeze(widths, columns, terminal.width - 2 * (columns.length - 1));
  const line = (texts: readonly Cell[]): string => {
    const parts = texts.map(({ text, style }, at) => {
      const last = at === columns.length - 1 && columns[at]!.align === undefined;
      const shown = fit(text, widths[at]!, columns[at]!.align);
      return paint(last ? shown.trimEnd() : shown, style, terminal);
    });
    return parts.join('  ').trimEnd();
  };
  return [line(columns.map(({ title }) => ({ text: title, style: 'dim' }))), ...cells.map(line)];
}

/** Takes columns from the widest of those that may be cut until all fit. */
function squeeze(widths: number[], columns: readonly Column<never>[], room: number): void {
  for (let over = widths.reduce((sum, one) => sum + one, 0) - room; over > 0; over--) {
    let widest = -1;
    for (const [at, { least }] of columns.entries())
      if (least !== undefined && widths[at]! > least && (widest < 0 || widths[at]! > widths[widest]!)) widest = at;
    if (widest < 0) return;
    widths[widest]!--;
  }
}

/** Lines `name  value`, the names in one column; what is `undefined` is left out. */
export function formatFields(
  fields: readonly (readonly [name: string, value: Cell | string | undefined])[],
  terminal: Terminal,
): string[] {
  const shown = fields.flatMap(([name, value]) => (value === undefined ? [] : [[clean(name), value] as const]));
  const widest = Math.max(0, ...shown.map(([name]) => columnsOf(name)));
  return shown.map(([name, value]) => {
    const cell = typeof value === 'string' ? { text: value } : value;
    return `${paint(fit(name, widest), 'dim', terminal)}  ${paint(clean(cell.text), cell.style, terminal)}`.trimEnd();
  });
}
