// Who had an address or a port at a time: for a complaint that names one, without a log of what homes did.

import { textField } from '../more/field.ts';
import { told } from '../more/text.ts';
import { actButton } from '../part/act.ts';
import { card } from '../part/card.ts';
import { join } from '../part/join.ts';
import { findHolder } from './call.ts';
import { dimLine } from './dim.ts';
import { row } from './items.ts';
import { linkButton } from './link.ts';
import { moment } from './word.ts';

const MAX_PORT = 65_535;

/** The box to find out. @param open shows a home. */
export function makeWho(open: (address: string) => void): HTMLElement {
  const place = textField(_('Source port at this gateway, or an inner address'), '', {
    hint: _('A number from 1 to 65535, or an address as 10.43.0.7.'),
  });
  const time = E('input', {
    class: 'cbi-input-text',
    type: 'datetime-local',
    'aria-label': _('When, by your clock; empty: now'),
  });
  const found = E('ul', { class: 'mb-list' });

  async function look(): Promise<string> {
    const text = String(place.read());
    const isPort = /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_PORT;
    const which = isPort ? { port: Number(text) } : text.includes(':') ? { address6: text } : { address4: text };
    const atS = Math.floor(new Date(time.value).getTime() / 1000);
    const { leases, message } = await findHolder({ ...which, ...(time.value !== '' && { at_s: atS }) });
    found.replaceChildren(
      ...leases.map(({ address, name, from_s: fromS, to_s: toS, ports }) =>
        E('li', [
          E('p', [linkButton(() => open(address), told(name) || address)]),
          dimLine(
            join(
              [
                _('from %s').format(moment(fromS)),
                toS === undefined ? _('until now') : _('until %s').format(moment(toS)),
                ports && _('ports %d to %d').format(ports.first, ports.last),
              ],
              ' · ',
            ),
          ),
        ]),
      ),
    );
    return leases.length > 0 ? '' : told(message);
  }

  return card(_('Who was it?'), [
    dimLine(
      _(
        'For a complaint: it names a time and a port of this gateway. What homes do is not logged, only who had which ports and addresses.',
      ),
    ),
    place.root,
    row(time, actButton(_('Look'), look)),
    found,
  ]);
}
