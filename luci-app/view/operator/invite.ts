// Invites: words by which homes get in without waiting. A word is shown once, where it was made; the gateway keeps only a hash of it.

import { atMost, openForm, textField } from '../more/field.ts';
import { told } from '../more/text.ts';
import { actButton } from '../part/act.ts';
import { badge } from '../part/badge.ts';
import { button } from '../part/button.ts';
import { card } from '../part/card.ts';
import { makeCopyable } from '../part/copy.ts';
import type { Reply } from '../part/daemon.ts';
import { duration } from '../part/format.ts';
import { join } from '../part/join.ts';
import { setContent } from '../part/keyed.ts';
import { endInvite, makeInvite } from './call.ts';
import { countField } from './deed.ts';
import { dimLine } from './dim.ts';
import type { Done } from './done.ts';
import { type Item, type Items, makeItems } from './items.ts';
import { limitFields, limitsOf, limitsText } from './limit.ts';
import { day } from './word.ts';

type Invite = Reply<'meshbridge.client', 'invites'>['invites'][number];
const MAX_SHORT = 64;

function short(label: string, hint: string): ReturnType<typeof textField> {
  return textField(label, '', {
    hint,
    fits: atMost(MAX_SHORT),
  });
}

/** Makes the list, with what makes one. */
export function makeInviteList(done: Done): Items<Invite> {
  function makeItem(): Item<Invite> {
    let invite: Invite;
    const title = E('strong');
    const state = badge('good', '');
    const about = dimLine();
    const end = actButton(
      _('End it'),
      async () => {
        await endInvite(invite.id);
        done.tell(_('Nobody comes by that invite any more; who came stays.'));
        return '';
      },
      { kind: 'negative', confirm: _('Nobody comes by it any more. Who came stays.') },
    );
    return {
      root: E('li', [E('p', [title, ' ', state]), about, end]),
      fill(next) {
        invite = next;
        const { note, site, open, left, used, until_s: untilS, access_s: accessS } = invite;
        setContent(title, told(note) || _('Invite %s').format(invite.id));
        state.dataset.health = open ? 'good' : 'unused';
        setContent(state, open ? _('open') : left === 0 ? _('used up') : _('over'));
        setContent(
          about,
          join(
            [
              N_(used, '%d home came', '%d homes came').format(used),
              N_(left, '%d more may come', '%d more may come').format(left),
              open && _('until %s').format(day(untilS)),
              site && _('only from %s').format(told(site)),
              accessS !== undefined && _('let in for %s').format(duration(accessS)),
              limitsText(invite.limits),
            ],
            ' · ',
          ),
        );
        end.hidden = !open;
      },
    };
  }

  const items = makeItems<Invite>(
    makeItem,
    ({ id }) => id,
    _('There is none. Make one for people whom you know: they need not wait then.'),
  );
  const code = makeCopyable(_('Copy the invite'));
  const codePlace = E('p', { class: 'mb-code' });
  const fresh = E('div', { class: 'mb-note', 'data-level': 'warning', hidden: '' }, [
    E('p', [E('strong', [_('Hand this over now: it is shown this once.')])]),
    codePlace,
    E('p', [_('At home it goes into Mesh → Internet, field Invitation.')]),
  ]);

  function ask(): void {
    const limits = limitFields();
    openForm<string>({
      title: _('Make an invite'),
      intro: _('Whoever has the word gets in without waiting. Give it to nobody whom you would not let in.'),
      fields: {
        note: short(_('For whom'), _('A note for you, in the list and in the log.')),
        uses: countField(_('For how many homes'), '1', 1000, ''),
        days: countField(_('It may be used for so many days'), '30', 365, ''),
        access_days: countField(_('They are let in for so many days'), '', 3650, _('Empty: for good.')),
        site: short(_('Only homes of this site'), _('As their routers name it; empty: any.')),
        ...limits,
      },
      rare: ['access_days', 'site', ...Object.keys(limits)],
      label: _('Make it'),
      async save(values) {
        const given: Record<string, string | number> = { ...limitsOf(values) };
        for (const name of ['uses', 'days', 'access_days']) if (values[name]) given[name] = Number(values[name]);
        for (const name of ['note', 'site']) if (values[name]) given[name] = String(values[name]);
        const made = await makeInvite(given);
        codePlace.replaceChildren(code(made.code));
        fresh.hidden = false;
        done.tell(_('The invite is made: hand it over.'));
      },
    });
  }

  return {
    root: card(_('Invites'), [fresh, items.root], [button(`${_('Make an invite')} …`, ask, 'positive')]),
    update: (invites) => items.update([...invites].reverse()),
  };
}
