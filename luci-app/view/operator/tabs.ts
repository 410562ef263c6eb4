// Parts of a page of which one shows at a time. Which one, stands in the address behind `#`: so it is there after a reload, and the browser's
// way back leads back.

import { setContent } from '../part/keyed.ts';

export interface Tab {
  id: string;
  title: string;
  content: readonly Node[];
}

/** Tabs as WAI-ARIA has them: arrows move between them, Tab leaves them. */
export class Tabs {
  readonly root: HTMLElement;
  private readonly buttons: HTMLButtonElement[];
  private readonly panels: HTMLElement[];
  private chosen = 0;
  private hash: string | undefined;

  /** @param shown told which part shows, and what stands behind its id in the address. */
  constructor(
    label: string,
    private readonly tabs: readonly Tab[],
    private readonly shown: (id: string, rest: string) => void,
  ) {
    this.panels = tabs.map(({ id, content }) =>
      E('div', { id: `mb-${id}`, role: 'tabpanel', 'aria-labelledby': `mb-tab-${id}` }, content),
    );
    this.buttons = tabs.map(({ id, title }, at) => {
      const attributes = { id: `mb-tab-${id}`, role: 'tab', type: 'button', 'aria-controls': `mb-${id}` };
      return E('button', { ...attributes, click: () => this.choose(at) }, [title]);
    });
    const list = E('div', { class: 'mb-tabs', role: 'tablist', 'aria-label': label }, this.buttons);
    list.addEventListener('keydown', (event) => this.move(event));
    this.root = E('div', [list, ...this.panels]);
    window.addEventListener('hashchange', () => this.read());
  }

  /** Shows what the address says, once. */
  read(): void {
    const { hash } = location;
    if (hash === this.hash) return;
    this.hash = hash;
    const [id = '', rest = ''] = hash.slice(1).split('/', 2);
    const at = Math.max(
      0,
      this.tabs.findIndex((tab) => tab.id === id),
    );
    this.chosen = at;
    for (const [i, panel] of this.panels.entries()) {
      const made = this.buttons[i]!;
      made.setAttribute('aria-selected', String(i === at));
      made.tabIndex = i === at ? 0 : -1;
      panel.hidden = i !== at;
    }
    this.shown(this.tabs[at]!.id, rest);
  }

  /** Goes to a part. @param rest what is shown in it. */
  go(id: string, rest = ''): void {
    location.hash = rest === '' ? id : `${id}/${rest}`;
    // at once: the browser tells of it later, and the next key may come before
    this.read();
  }

  /** Shows a number behind a title; 0: none. */
  count(id: string, number: number): void {
    const at = this.tabs.findIndex((tab) => tab.id === id);
    const { title } = this.tabs[at]!;
    setContent(this.buttons[at]!, number > 0 ? `${title} (${number})` : title);
  }

  private choose(at: number): void {
    this.go(this.tabs[at]!.id);
    this.buttons[at]!.focus();
  }

  private move(event: KeyboardEvent): void {
    const { length } = this.tabs;
    const to: Record<string, number> = {
      ArrowRight: (this.chosen + 1) % length,
      ArrowLeft: (this.chosen + length - 1) % length,
      Home: 0,
      End: length - 1,
    };
    const at = to[event.key];
    if (at === undefined) return;
    event.preventDefault();
    this.choose(at);
  }
}
