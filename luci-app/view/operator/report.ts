// Reports of captains on homes: read, and decided; the home reads what was decided.

import type { CheckState } from '../../../src/api/model.ts';
import { atMost, openForm, textField } from '../more/field.ts';
import { told } from '../more/text.ts';
import { badge } from '../part/badge.ts';
import { button } from '../part/button.ts';
import type { Reply } from '../part/daemon.ts';
import { join } from '../part/join.ts';
import { setContent } from '../part/keyed.ts';
import { decideReport } from './call.ts';
import { dimLine } from './dim.ts';
import type { Done } from './done.ts';
import { type Items, makeItems, row } from './items.ts';
import { linkButton } from './link.ts';
import { moment } from './word.ts';

type Report = Reply<'meshbridge.client', 'reports'>['reports'][number];
type Decision = 'upheld' | 'dismissed';
const MAX_NOTE = 256;
const MAX_EVIDENCE = 1024;

function stateOf(state: string): [CheckState, string] {
  const states: Record<string, [CheckState, string]> = {
    open: ['weak', _('open')],
    upheld: ['bad', _('it is right')],
    dismissed: ['unused', _('it is not right')],
  };
  return states[state] ?? ['unknown', told(state)];
}

function ask(id: number, decision: Decision, done: Done): void {
  const [, word] = stateOf(decision);
  openForm({
    title: _('The report: %s').format(word),
    intro: _('The home reads that, and your note. Nothing else happens to it: turn it off yourself if that must be.'),
    fields: {
      note: textField(_('Note'), '', {
        fits: atMost(MAX_NOTE),
      }),
    },
    label: _('Decide'),
    kind: 'action',
    async save({ note }) {
      await decideReport({ id, decision, ...(note && { note: String(note) }) });
      done.tell(_('Decided: the home reads it.'));
    },
  });
}

/** Makes a list of reports. @param open shows a home; absent: it is not named. */
export function makeReports(done: Done, open?: (address: string) => void): Items<Report> {
  return makeItems<Report>(
    () => {
      let report: Report;
      const state = badge('unknown', '');
      const reason = E('strong');
      const [evidence, about, note] = [E('p'), dimLine(), E('p')];
      const home = linkButton(() => open?.(report.address));
      home.hidden = !open;
      const decide = (decision: Decision): HTMLElement =>
        button(`${_('Decide')}: ${stateOf(decision)[1]} …`, () => ask(report.id, decision, done));
      const acts = row(decide('upheld'), decide('dismissed'));
      return {
        root: E('li', [E('p', [state, ' ', reason]), evidence, E('p', [home]), about, note, acts]),
        fill(next: Report) {
          report = next;
          const [health, word] = stateOf(report.state);
          state.dataset.health = health;
          setContent(state, word);
          setContent(reason, told(report.reason));
          setContent(evidence, told(report.evidence, MAX_EVIDENCE));
          setContent(home, report.address);
          setContent(
            about,
            join(
              [
                moment(report.at_s),
                _('by %s').format(told(report.captain) || report.captain_key.slice(0, 8)),
                report.contact && _('contact: %s').format(told(report.contact)),
              ],
              ' · ',
            ),
          );
          setContent(note, report.note ? _('Your note: %s').format(told(report.note)) : '');
          acts.hidden = report.state !== 'open';
        },
      };
    },
    ({ id }) => String(id),
    _('There is none.'),
  );
}
