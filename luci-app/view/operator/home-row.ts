// One home in the list.

import type { ClientView } from '../../../src/api/client-object.ts';
import { told } from '../more/text.ts';
import { bytes } from '../part/format.ts';
import { join } from '../part/join.ts';
import { setContent } from '../part/keyed.ts';
import { dim } from './dim.ts';
import { linkButton } from './link.ts';
import { makeQuota } from './quota.ts';
import { day, nameOf, stateOf, total } from './word.ts';

export interface HomeRow {
  /** @returns its cells; what is empty takes no place on a phone. */
  fill(home: ClientView, isChosen: boolean): readonly (HTMLElement | string)[];
}

/** What the columns are called, after the one of the boxes to tick. */
export const columns = (): string[] => [_('Home'), _('State'), _('This month'), _('Today'), _('Until')];

function stack(...parts: readonly HTMLElement[]): HTMLElement {
  return E('span', { class: 'mb-stack' }, parts);
}

/** Makes it. @param open shows the home. @param choose it was ticked, or is not any more. */
export function makeHomeRow(open: () => void, choose: (isOn: boolean) => void): HomeRow {
  const tick = E('input', { type: 'checkbox', change: () => choose(tick.checked) });
  const name = linkButton(open);
  const badge = E('span', { class: 'mb-badge' });
  const [about, why, beside] = [0, 1, 2].map(() => dim()) as [HTMLElement, HTMLElement, HTMLElement];
  const month = E('span');
  const quota = makeQuota();
  const [who, how, used] = [stack(name, about, why), stack(badge, beside), stack(month, quota.root)];
  return {
    fill(home, isChosen) {
      const { address, site, reason, configured, place, until_s: untilS } = home;
      const [health, word] = stateOf(home.state);
      tick.checked = isChosen;
      tick.setAttribute('aria-label', _('Choose %s').format(nameOf(home)));
      setContent(name, nameOf(home));
      setContent(about, join([told(site), nameOf(home) !== address && address], ' · '));
      badge.dataset.health = health;
      setContent(badge, word);
      setContent(why, told(reason));
      setContent(
        beside,
        place === undefined ? (configured ? _('by the configuration') : '') : _('number %d').format(place),
      );
      setContent(month, bytes(total(home.month)));
      quota.update(home.quota);
      return [tick, who, how, used, bytes(total(home.today)), untilS === undefined ? '' : day(untilS)];
    },
  };
}
