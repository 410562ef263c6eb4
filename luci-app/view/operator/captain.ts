// Captains: who speaks for the homes of a neighbourhood, by a key of their own. Homes get in by their word, and they report what goes wrong.

import { atMost, openForm, textField, tickField } from '../more/field.ts';
import { told } from '../more/text.ts';
import { actButton } from '../part/act.ts';
import { button } from '../part/button.ts';
import { card } from '../part/card.ts';
import type { Reply } from '../part/daemon.ts';
import { join } from '../part/join.ts';
import { setContent } from '../part/keyed.ts';
import { endCaptain, nameCaptain } from './call.ts';
import { countField } from './deed.ts';
import { dimLine } from './dim.ts';
import type { Done } from './done.ts';
import { type Items, makeItems, row } from './items.ts';

type Captain = Reply<'meshbridge.client', 'captains'>['captains'][number];
const MAX_HOMES = 4000;
const MAX_NAME = 64;

/** Asks for what is known of a captain. @param now one that is to be changed, or named. */
function edit(done: Done, now?: Captain): void {
  const fits = atMost(MAX_NAME);
  const key = textField(_('Key'), now?.key ?? '', {
    hint: _('64 digits and letters, as “meshctl keys” shows it to them'),
    fits: (text) => /^[0-9a-f]{64}$/i.test(text) || _('Expected 64 digits and letters from a to f.'),
  });
  const name = textField(_('Name'), told(now?.name), { fits });
  const site = textField(_('Only homes of this site'), told(now?.site), { hint: _('Empty: any.'), fits });
  const vouch = tickField(_('Homes get in by their word, without waiting'), now?.may_vouch ?? true);
  const homes = countField(_('So many homes at most'), String(now?.max_homes ?? 20), MAX_HOMES, '');
  openForm({
    title: now ? _('Captain %s').format(told(now.name) || now.key.slice(0, 8)) : _('Name a captain'),
    intro: _('Somebody whom you trust: they may let homes in, and their reports come to this page.'),
    fields: { key, name, site, vouch, homes },
    label: _('Save'),
    async save(values) {
      await nameCaptain({
        ...{ key: String(values.key).toLowerCase(), name: String(values.name), site: String(values.site) },
        may_vouch: values.vouch === '1',
        ...(values.homes && { max_homes: Number(values.homes) }),
      });
      done.tell(_('Saved.'));
    },
  });
}

/** Makes the list. */
export function makeCaptainList(done: Done): Items<Captain> {
  const items = makeItems<Captain>(
    () => {
      let captain: Captain;
      const [title, about] = [E('strong'), dimLine()];
      const key = E('code');
      const end = actButton(
        _('No captain any more'),
        async () => {
          await endCaptain(captain.key);
          done.tell(_('That was a captain. Homes that came by their word stay.'));
          return '';
        },
        { kind: 'negative', confirm: _('Homes that came by their word stay.') },
      );
      const change = button(`${_('Change')} …`, () => edit(done, captain));
      return {
        root: E('li', [E('p', [title]), about, E('p', [key]), row(change, end)]),
        fill(next: Captain) {
          captain = next;
          const { name, site, may_vouch: may, homes, max_homes: most, open, upheld, dismissed } = captain;
          setContent(title, told(name) || _('Nobody whom you named'));
          setContent(key, captain.key);
          setContent(
            about,
            join(
              [
                told(site),
                may ? _('%d of %d homes by their word').format(homes, most) : _('reports only'),
                open + upheld + dismissed > 0 &&
                  _('reports: %d open, %d right, %d wrong').format(open, upheld, dismissed),
              ],
              ' · ',
            ),
          );
          end.hidden = !name;
        },
      };
    },
    ({ key }) => key,
    _('There is none. A captain knows the homes of a neighbourhood, so that you need not know all of them.'),
  );
  return {
    root: card(_('Captains'), [items.root], [button(`${_('Name a captain')} …`, () => edit(done), 'positive')]),
    update: items.update,
  };
}
