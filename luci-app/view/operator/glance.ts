// The gateway at a glance: how many homes, how much they use, and the picture of the last days.

import { card } from '../part/card.ts';
import type { Reply } from '../part/daemon.ts';
import { bytes } from '../part/format.ts';
import { setContent } from '../part/keyed.ts';
import { makeDays } from './days.ts';
import { dim } from './dim.ts';
import { total, useText } from './word.ts';

type Summary = Reply<'meshbridge.client', 'summary'>;

interface Figure {
  root: HTMLElement;
  show(value: string, about: string): void;
}

function figure(what: string): Figure {
  const [number, about] = [E('strong'), dim()];
  return {
    root: E('p', { class: 'mb-stack' }, [number, E('span', [what]), about]),
    show(value, text) {
      setContent(number, value);
      setContent(about, text);
    },
  };
}

export interface Glance {
  root: HTMLElement;
  update(summary: Summary): void;
}

/** Makes it. */
export function makeGlance(): Glance {
  const figures = {
    here: figure(_('homes connected')),
    off: figure(_('turned off or away')),
    today: figure(_('today')),
    month: figure(_('this month')),
  };
  const days = makeDays();
  return {
    root: card(_('At a glance'), [
      E(
        'div',
        { class: 'mb-figures' },
        Object.values(figures).map(({ root }) => root),
      ),
      days.root,
    ]),
    update(summary) {
      const { active, max_clients: most, suspended, refused, away, today, month } = summary;
      figures.here.show(String(active), _('of %d that it takes').format(most));
      figures.off.show(String(suspended + refused), _('%d more let in, but not here').format(away));
      figures.today.show(bytes(total(today)), useText(today));
      figures.month.show(bytes(total(month)), useText(month));
      days.update(summary.days);
    },
  };
}
