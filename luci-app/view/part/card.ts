// Boxes with a heading, and lists of facts in them whose values change in place.

import { Keyed, setContent } from './keyed.ts';

/** A section of a page as a box; `beside` stands next to its heading. */
export function card(title: string, content: readonly (Node | string)[], beside: readonly Node[] = []): HTMLElement {
  return E('section', { class: 'mb-card', 'aria-label': title }, [
    E('div', { class: 'mb-head' }, [E('h3', [title]), ...beside]),
    ...content,
  ]);
}

/** A list of names and values. */
export class Facts {
  readonly root = E('dl', { class: 'mb-facts' });
  private readonly rows = new Keyed<{ root: HTMLElement; value: HTMLElement }, Node | string>(
    this.root,
    (name) => {
      const value = E('dd');
      return { root: E('div', [E('dt', [name]), value]), value };
    },
    ({ value }, content) => setContent(value, content),
  );

  /** Shows these, in this order; a value that stays the same, text or node, is left alone. */
  update(facts: readonly (readonly [name: string, value: Node | string])[]): void {
    this.rows.update(new Map(facts));
  }
}
