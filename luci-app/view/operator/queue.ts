// Who waits to be let in: the first of them, each with one tap for yes and one for no. What was tapped can be undone.

import type { ClientView } from '../../../src/api/client-object.ts';
import { told } from '../more/text.ts';
import { actButton } from '../part/act.ts';
import { button } from '../part/button.ts';
import { card } from '../part/card.ts';
import { join } from '../part/join.ts';
import { setContent } from '../part/keyed.ts';
import { doDeed } from './deed.ts';
import { dim } from './dim.ts';
import type { Done } from './done.ts';
import { type Item, makeItems, row } from './items.ts';
import { linkButton } from './link.ts';
import { labelOf, nameOf } from './word.ts';

/** Those that show. */
export const FIRST = 5;

export interface Queue {
  root: HTMLElement;
  /** The first of those who wait, and how many there are. */
  update(homes: readonly ClientView[], total: number): void;
}

/** Makes it. @param all shows all of them. */
export function makeQueue(done: Done, open: (address: string) => void, all: () => void): Queue {
  function makeItem(): Item<ClientView> {
    let home: ClientView;
    const name = linkButton(() => open(home.address));
    const about = dim();
    const admit = actButton(
      labelOf('admit'),
      async () => {
        await doDeed('admit', [home], {}, done);
        return '';
      },
      { kind: 'positive' },
    );
    const refuse = actButton(
      labelOf('refuse'),
      async () => {
        await doDeed(
          'refuse',
          [home],
          { reason: _('The operator of this gateway does not know you. Please get in touch.') },
          done,
        );
        return '';
      },
      { kind: 'negative' },
    );
    return {
      root: E('li', { class: 'mb-asks' }, [E('span', { class: 'mb-stack' }, [name, about]), row(admit, refuse)]),
      fill(next) {
        home = next;
        const { address, site, email, phone } = home;
        setContent(name, nameOf(home));
        setContent(about, join([told(site), told(email), told(phone), nameOf(home) !== address && address], ' · '));
      },
    };
  }

  const items = makeItems<ClientView>(makeItem, ({ address }) => address);
  const rest = E('p', { hidden: '' });
  const root = card(_('They wait for you'), [items.root, rest]);
  const more = button('', all);
  rest.append(more);
  root.hidden = true;
  return {
    root,
    update(homes, total) {
      root.hidden = total === 0;
      items.update(homes.slice(0, FIRST));
      rest.hidden = total <= FIRST;
      setContent(more, _('All %d that wait').format(total));
    },
  };
}
