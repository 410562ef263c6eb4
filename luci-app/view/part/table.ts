// A table whose rows are found again by key.
// On a narrow screen each row becomes a card, its cells labelled by `data-title`; the roles keep it a table for screen readers.

import { Keyed, setContent } from './keyed.ts';

/** One row: its cells in the order of the titles. A node that is given again is left alone, and with it the focus in it. */
export interface Row {
  key: string;
  cells: readonly (Node | string)[];
}

interface TableRow {
  root: HTMLElement;
  cells: readonly HTMLElement[];
}

/** A table. */
export class Table {
  readonly root: HTMLElement;
  private readonly rows: Keyed<TableRow, Row['cells']>;

  constructor(label: string, titles: readonly string[]) {
    const heads = titles.map((title) => E('th', { class: 'th', role: 'columnheader', scope: 'col' }, [title]));
    const body = E('tbody', { role: 'rowgroup' });
    this.rows = new Keyed<TableRow, Row['cells']>(
      body,
      () => {
        const cells = titles.map((title) => E('td', { class: 'td', role: 'cell', 'data-title': title }));
        return { root: E('tr', { class: 'tr', role: 'row' }, cells), cells };
      },
      ({ cells }, wanted) => {
        for (const [i, cell] of cells.entries()) setContent(cell, wanted[i] ?? '');
      },
    );
    this.root = E('table', { class: 'table mb-table', role: 'table', 'aria-label': label }, [
      E('thead', { role: 'rowgroup' }, [E('tr', { class: 'tr table-titles', role: 'row' }, heads)]),
      body,
    ]);
  }

  /** Shows these rows, in this order; of rows with equal keys the last one. */
  update(rows: readonly Row[]): void {
    this.rows.update(new Map(rows.map(({ key, cells }) => [key, cells])));
  }
}
