// What all pages are made of: a title, a sentence that leads, a body that waits for the first answer, and the poll.

import poll from 'luci:poll';
import view, { type ViewClass } from 'luci:view';
import type { Verdict } from '../../../src/api/model.ts';
import { describeFailure } from './failure.ts';
import type { Health } from './health.ts';
import { say } from './say.ts';
import { styleSheet } from './style.ts';

export interface PageOptions<T> {
  title: string;
  /** Asks for all that the page shows; what it rejects with is told in the lead. */
  ask(): Promise<T>;
  /** Shows an answer; a lead that it does not tell anew is taken away. */
  show(answer: T): void;
  /** Between two questions. */
  seconds: number;
  /** What the lead says until the first answer. */
  loading?: string;
  /** What can be done where nothing can be asked; shown only then. */
  rescue?: HTMLElement;
}

/** A page that asks again and again and shows the last answer, or why there is none. */
export class Page<T> {
  readonly root: HTMLElement;
  /** Hidden as long as nothing is known: an old state must not be taken for the present one. */
  readonly body = E('div', { class: 'mb-body', hidden: '' });
  /** In the lead, but not read aloud: for what changes with every answer. */
  readonly aside = E('div', { class: 'mb-aside' });
  private readonly said = E('div', { role: 'status' });
  private readonly lead = E('div', { class: 'mb-lead' }, [this.said, this.aside]);
  private told = '';
  private silent = false;
  private asking: Promise<void> | undefined;

  constructor(private readonly options: PageOptions<T>) {
    const { title, rescue } = options;
    if (rescue) rescue.hidden = true;
    this.root = E('div', { class: 'mb-page' }, [
      styleSheet(),
      E('h2', [title]),
      this.lead,
      ...(rescue ? [rescue] : []),
      this.body,
    ]);
    this.tell('unknown', options.loading ?? _('Asking the mesh daemon …'));
  }

  /** Says how things are, and what to do; without text, nothing. Once: a screen reader reads a changed element aloud. */
  tell(health: Health, text: string, fix = ''): void {
    this.silent = false;
    this.lead.dataset.health = health;
    this.lead.hidden = text === '';
    const told = [text, fix].join('\n');
    if (this.told === told) return;
    this.told = told;
    this.said.replaceChildren(E('p', [text]), ...(fix ? [E('p', [fix])] : []));
  }

  /** Says what a verdict says. */
  judge({ state, words, values }: Verdict): void {
    this.tell(state as Health, say(words.sentence, values), say(words.fix, values));
  }

  /** Asks and shows, once for all who want it at the same time. Never rejects. */
  refresh(): Promise<void> {
    this.asking ??= this.askOnce().finally(() => {
      this.asking = undefined;
    });
    return this.asking;
  }

  /** Begins to ask, now and at every turn of LuCI's poll. */
  start(): HTMLElement {
    void this.refresh();
    poll.add(() => this.refresh(), this.options.seconds);
    return this.root;
  }

  private async askOnce(): Promise<void> {
    try {
      const answer = await this.options.ask();
      this.silent = true;
      this.options.show(answer);
      if (this.silent) this.tell('good', '');
      this.body.hidden = false;
    } catch (error) {
      const { what, fix } = describeFailure(error);
      this.tell('bad', what, fix);
      this.body.hidden = true;
    }
    this.aside.hidden = this.body.hidden;
    const { rescue } = this.options;
    if (rescue) rescue.hidden = !this.body.hidden;
  }
}

/** The view of a page without a form, and so without LuCI's buttons. */
export function pageView(render: () => Node): ViewClass {
  return view.extend({ handleSave: null, handleSaveApply: null, handleReset: null, render });
}
