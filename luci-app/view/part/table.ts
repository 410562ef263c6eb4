// A table whose rows are found again by key: a new state changes the cells that differ and leaves focus and selection alone.
// On a narrow screen each row becomes a card, its cells labelled by `data-title`; the roles keep it a table for screen readers.

/** One row: its cells' texts, in the order of the titles. */
export interface Row {
  key: string;
  cells: readonly string[];
}

/** A table of texts. */
export class Table {
  readonly root: HTMLElement;
  private readonly body: HTMLElement;
  private readonly rows = new Map<string, { row: HTMLElement; cells: HTMLElement[] }>();

  constructor(
    label: string,
    private readonly titles: readonly string[],
  ) {
    const heads = titles.map((title) => E('th', { class: 'th', role: 'columnheader', scope: 'col' }, [title]));
    this.body = E('tbody', { role: 'rowgroup' });
    this.root = E('table', { class: 'table mb-table', role: 'table', 'aria-label': label }, [
      E('thead', { role: 'rowgroup' }, [E('tr', { class: 'tr table-titles', role: 'row' }, heads)]),
      this.body,
    ]);
  }

  /** Shows these rows, in this order; of rows with equal keys the last one. */
  update(rows: readonly Row[]): void {
    const wanted = new Map(rows.map((row) => [row.key, row.cells]));
    for (const [key, { row }] of this.rows) {
      if (wanted.has(key)) continue;
      row.remove();
      this.rows.delete(key);
    }
    let next = this.body.firstChild;
    for (const [key, texts] of wanted) {
      const { row, cells } = this.rows.get(key) ?? this.add(key);
      cells.forEach((cell, i) => {
        const text = texts[i] ?? '';
        if (cell.textContent !== text) cell.textContent = text;
      });
      if (row === next) next = row.nextSibling;
      else this.body.insertBefore(row, next);
    }
  }

  private add(key: string): { row: HTMLElement; cells: HTMLElement[] } {
    const cells = this.titles.map((title) => E('td', { class: 'td', role: 'cell', 'data-title': title }));
    const added = { row: E('tr', { class: 'tr', role: 'row' }, cells), cells };
    this.rows.set(key, added);
    return added;
  }
}
