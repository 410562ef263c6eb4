// What the captain of this home told the operator of the gateway about it. Texts of strangers.

import type { HomeReport } from '../../../src/api/lease.ts';
import { told } from '../more/text.ts';
import { card } from '../part/card.ts';
import { setContent } from '../part/keyed.ts';

export interface ReportCard {
  root: HTMLElement;
  show(report: HomeReport | undefined, gateway: string): void;
}

function stateText({ state, note }: HomeReport): string {
  const texts: Record<string, string> = {
    upheld: _('The operator found that it is so.'),
    dismissed: _('The operator found nothing in it: there is nothing to do.'),
  };
  const text = texts[state] ?? _('The operator has not decided yet. Talk to your captain.');
  const words = told(note);
  return words === '' ? text : `${text} ${_('The operator says: “%s”').format(words)}`;
}

/** Makes the card, hidden while there is no report. */
export function makeReport(): ReportCard {
  const [what, state] = [E('p'), E('p')];
  const root = card(_('A report about this home'), [what, state]);
  root.hidden = true;
  return {
    root,
    show(report, gateway) {
      root.hidden = !report;
      if (!report) return;
      const words = _('The captain whom you named told the operator of %s: “%s”');
      setContent(what, words.format(told(gateway), told(report.reason)));
      setContent(state, stateText(report));
    },
  };
}
