// Who may order something of this router from afar, what was ordered, and what was refused.

import type { CheckState, CommandList } from '../../../src/api/model.ts';
import { shown } from '../../../src/lib/words.ts';
import { actButton } from '../part/act.ts';
import { badge } from '../part/badge.ts';
import { button } from '../part/button.ts';
import { card } from '../part/card.ts';
import { ago } from '../part/format.ts';
import { join } from '../part/join.ts';
import { setContent } from '../part/keyed.ts';
import { Table } from '../part/table.ts';
import { editCap, editKey, isInUse, removeSection, sectionsOf } from './option.ts';
import { fingerprint, refusalWord, scopeWord } from './word.ts';

/** Characters of a name in a table. */
const MAX_WORD = 40;

export interface Commands {
  root: HTMLElement;
  update(list: CommandList, isOn: boolean): void;
  /** Offers to change keys and limit. */
  allowChanging(): void;
}

/** A key that is trusted, or could be. */
interface Key {
  name: string;
  /** As much of it as is known. */
  key: string;
  scope: string;
  isInUse: boolean;
}

function stateBadge(state: string): HTMLElement {
  const words: Record<string, [CheckState, string]> = {
    accepted: ['unknown', _('under way')],
    done: ['good', _('done')],
    failed: ['bad', _('failed')],
    rejected: ['weak', _('refused')],
    expired: ['weak', _('came too late')],
  };
  return badge(...(words[state] ?? ['unknown', shown(state, 16)]));
}

/** Whoever may not read the options sees what the daemon says of its keys. */
function keysOf({ keys }: CommandList): Key[] {
  return (
    sectionsOf('key')?.map((section) => ({
      name: section['.name'],
      key: String(section.public ?? ''),
      scope: String(section.scope ?? ''),
      isInUse: isInUse(section),
    })) ?? keys.map(({ name, id, scope }) => ({ name, key: id, scope, isInUse: true }))
  );
}

/** Makes it. */
export function makeCommands(): Commands {
  const limit = E('p');
  const keys = new Table(_('Trusted keys'), [_('Key'), _('Its digits begin with'), _('May at most'), '']);
  const orders = new Table(_('What was ordered'), [_('When'), _('By'), _('What'), _('Result')]);
  const none = E('p', [_('Nothing was ordered since this router started.')]);
  const refused = E('p', { class: 'mb-dim' });
  /** What stands in a row stays in it, and so does the focus. */
  const made = new Map<string, HTMLElement>();
  const change = button(_('Change the limit'), editCap);
  const add = button(_('Trust a key'), () => editKey());
  for (const one of [change, add]) one.hidden = true;
  let mayChange = false;

  function actions(name: string): Node | string {
    if (!mayChange || !sectionsOf('key')) return '';
    const known = made.get(name);
    if (known) return known;
    const removing = actButton(_('Remove'), () => removeSection(name), {
      kind: 'negative',
      confirm: _('Whoever holds this key can order nothing here any more.'),
    });
    const row = E('span', { class: 'mb-row' }, [button(_('Change'), () => editKey(name)), removing]);
    made.set(name, row);
    return row;
  }

  function update(list: CommandList, isOn: boolean): void {
    const { cap } = list;
    const all = keysOf(list);
    setContent(
      limit,
      !isOn
        ? _('Nobody: telemetry is off, so nothing is taken from anybody.')
        : cap === 'none'
          ? _('Nobody: you permit nothing to anybody.')
          : all.some((key) => key.isInUse)
            ? _('Whoever holds one of these keys, and nobody else. You permit at most: %s.').format(scopeWord(cap))
            : _('Nobody: no key is trusted. You permit at most: %s.').format(scopeWord(cap)),
    );
    keys.root.hidden = all.length === 0;
    keys.update(
      all.map(({ name, key, scope, isInUse }) => ({
        key: name,
        cells: [
          shown(name, MAX_WORD),
          E('code', [fingerprint(shown(key))]),
          isInUse ? scopeWord(shown(scope, MAX_WORD)) : _('nothing: it is not in use'),
          actions(name),
        ],
      })),
    );
    const { commands } = list;
    none.hidden = commands.length > 0;
    orders.root.hidden = commands.length === 0;
    orders.update(
      commands.map(({ cid, by, key, op, state, error = '', ago_s: agoS }) => ({
        key: `${cid} ${key}`,
        cells: [
          ago(agoS * 1000),
          shown(by ?? _('key %s').format(fingerprint(key)), MAX_WORD),
          shown(op, MAX_WORD),
          E('span', { class: 'mb-any' }, [stateBadge(state), ' ', shown(error)]),
        ],
      })),
    );
    setContent(
      refused,
      list.refused.length === 0
        ? ''
        : _('Refused since the daemon started: %s.').format(
            join(
              list.refused.map(({ code, count }) => `${count} × ${refusalWord(shown(code))}`),
              ', ',
            ),
          ),
    );
  }

  return {
    root: card(
      _('Who may order something here'),
      [limit, keys.root, E('h4', [_('What was ordered')]), none, orders.root, refused],
      [E('span', { class: 'mb-row' }, [change, add])],
    ),
    update,
    allowChanging() {
      mayChange = true;
      for (const one of [change, add]) one.hidden = false;
    },
  };
}
