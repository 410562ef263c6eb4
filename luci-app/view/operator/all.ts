// What is done to all homes at once, in two steps: what, and why; then how many that are, in words.

import { openForm } from '../more/field.ts';
import { button } from '../part/button.ts';
import { openDialog } from '../part/dialog.ts';
import { decideAll } from './call.ts';
import { reasonField } from './deed.ts';
import type { Done } from './done.ts';
import { row } from './items.ts';
import { inWords } from './numeral.ts';
import { doneOf, kindOf, labelOf } from './word.ts';

type What = 'suspend' | 'admit';

function titleOf(what: What): string {
  return what === 'suspend' ? _('Turn off all homes') : _('Let in all that are turned off');
}

function confirm(what: What, reason: string, count: number, token: string, done: Done): void {
  const words = inWords(count, document.documentElement.lang);
  const meant = N_(count, 'That is %s home (%d). Is it meant?', 'Those are %s homes (%d). Are all of them meant?');
  openDialog({
    title: titleOf(what),
    content: [E('p', [E('strong', [meant.format(words, count)])])],
    actions: [
      {
        label: `${labelOf(what)}: ${count}`,
        kind: kindOf(what),
        async work() {
          const { clients, entry } = await decideAll({ what, reason, confirm: token });
          done.tell(doneOf(what, clients), entry === undefined ? [] : [entry]);
        },
      },
    ],
  });
}

function ask(what: What, done: Done): void {
  openForm({
    title: titleOf(what),
    intro:
      what === 'suspend'
        ? _(
            'The Internet of every home ends at once. Use it where nothing less helps; one Undo puts back what was before.',
          )
        : _('They reach the Internet again, for good.'),
    fields: { reason: reasonField(what === 'suspend') },
    label: _('Go on'),
    kind: kindOf(what),
    async save(values) {
      const reason = String(values.reason);
      const { clients, confirm: token } = await decideAll({ what, ...(reason && { reason }) });
      if (clients === 0) done.tell(_('There is no such home.'));
      else confirm(what, reason, clients, token ?? '', done);
    },
  });
}

/** The two buttons. */
export function makeForAll(done: Done): HTMLElement {
  const kinds: What[] = ['suspend', 'admit'];
  return row(...kinds.map((what) => button(`${titleOf(what)} …`, () => ask(what, done), kindOf(what))));
}
