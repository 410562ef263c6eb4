// Lists of this page: an item for each thing, found again by its key, or a sentence where there is none.

import { Keyed } from '../part/keyed.ts';
import { dimLine } from './dim.ts';

/** What stands for one thing. */
export interface Item<T> {
  root: HTMLElement;
  fill(value: T): void;
}

export interface Items<T> {
  root: HTMLElement;
  update(values: readonly T[]): void;
}

/** Makes a list. @param none what is said while it is empty. */
export function makeItems<T>(make: () => Item<T>, keyOf: (value: T) => string, none = ''): Items<T> {
  const list = E('ul', { class: 'mb-list' });
  const nothing = dimLine(none);
  const items = new Keyed<Item<T>, T>(list, make, (item, value) => item.fill(value));
  return {
    root: E('div', [nothing, list]),
    update(values) {
      nothing.hidden = values.length > 0;
      items.update(new Map(values.map((value) => [keyOf(value), value])));
    },
  };
}

/** A row of buttons and the like. */
export function row(...children: readonly (Node | string)[]): HTMLElement {
  return E('div', { class: 'mb-row' }, children);
}
