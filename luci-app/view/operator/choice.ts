// The homes that are chosen, on whatever page of the list they are, and what can be done to all of them.

import type { ClientView } from '../../../src/api/client-object.ts';
import { actButton } from '../part/act.ts';
import { button } from '../part/button.ts';
import { setContent } from '../part/keyed.ts';
import { askDeed } from './deed.ts';
import type { Done } from './done.ts';
import { row } from './items.ts';
import { DEEDS, kindOf, labelOf } from './word.ts';

export interface Choice {
  /** What can be done; hidden while none is chosen. */
  root: HTMLElement;
  has(address: string): boolean;
  /** All that are chosen. */
  list(): ClientView[];
  set(homes: readonly ClientView[], isOn: boolean): void;
  /** @param total how many homes the list has. */
  update(total: number): void;
}

/** Makes it. @param all reads every home of the list. @param changed others are chosen. */
export function makeChoice(done: Done, all: () => Promise<readonly ClientView[]>, changed: () => void): Choice {
  const chosen = new Map<string, ClientView>();
  const list = (): ClientView[] => [...chosen.values()];

  function set(homes: readonly ClientView[], isOn: boolean): void {
    for (const home of homes)
      if (isOn) chosen.set(home.address, home);
      else chosen.delete(home.address);
    changed();
  }

  const count = E('strong', { role: 'status' });
  const more = E('span');
  let offered = 0;
  const root = E('div', { class: 'mb-bulk', role: 'group', 'aria-label': _('Those that are chosen'), hidden: '' }, [
    row(
      count,
      more,
      button(_('Choose none'), () => set(list(), false)),
    ),
    row(
      ...DEEDS.map((deed) =>
        button(`${labelOf(deed)} …`, () => askDeed(deed, list(), done, () => set(list(), false)), kindOf(deed)),
      ),
    ),
  ]);

  return {
    root,
    has: (address) => chosen.has(address),
    list,
    set,
    update(total) {
      const { size } = chosen;
      root.hidden = size === 0;
      setContent(count, N_(size, '%d home is chosen.', '%d homes are chosen.').format(size));
      more.hidden = size >= total;
      if (total === offered) return;
      offered = total;
      more.replaceChildren(
        actButton(_('Choose all %d').format(total), async () => {
          set(await all(), true);
          return '';
        }),
      );
    },
  };
}
