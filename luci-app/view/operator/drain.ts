// The gateway that is about to stop: homes are told, and move to another one while it still serves.

import type { Drain } from '../../../src/api/lease.ts';
import { Countdown } from '../more/countdown.ts';
import { choiceField, openForm, textField } from '../more/field.ts';
import { told } from '../more/text.ts';
import { actButton } from '../part/act.ts';
import { button } from '../part/button.ts';
import { duration } from '../part/format.ts';
import { setContent } from '../part/keyed.ts';
import { tellGoOn, tellStop } from './call.ts';
import type { Done } from './done.ts';

const MINUTES = [0, 5, 15, 60, 240, 1440] as const;

export interface DrainControl {
  /** What can be begun. */
  begin: HTMLElement;
  /** What runs; hidden while nothing does. */
  running: HTMLElement;
  update(drain: Drain | undefined): void;
}

/** Seconds as `5:09`, or `1:05:09`. */
function clockText(seconds: number): string {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const text = parts.map((part) => String(part).padStart(2, '0')).join(':');
  return text.replace(/^(00:)?0?/, '');
}

/** Makes it. */
export function makeDrain(done: Done): DrainControl {
  const countdown = new Countdown((left) =>
    left > 0 ? _('It may be stopped in %s.').format(clockText(left)) : _('It may be stopped now.'),
  );
  const why = E('p');
  const go = actButton(
    _('Go on after all'),
    async () => {
      await tellGoOn();
      done.tell(_('Homes are told that it goes on.'));
      return '';
    },
    { kind: 'action' },
  );
  const running = E('div', { class: 'mb-note', 'data-level': 'warning', hidden: '' }, [countdown.root, why, go]);
  const begin = E('p', [
    button(`${_('Tell homes that it stops')} …`, () =>
      openForm({
        title: _('Tell homes that it stops'),
        intro: _(
          'They move to another gateway of theirs, where they have one, and nobody new is let in. The gateway itself is not stopped: do that when the time is over.',
        ),
        fields: {
          minutes: choiceField(
            _('When'),
            '15',
            MINUTES.map((min) => [String(min), min === 0 ? _('now') : _('in %s').format(duration(60 * min))] as const),
          ),
          reason: textField(_('What they are told'), '', { suggest: [_('Maintenance')] }),
        },
        label: _('Tell them'),
        kind: 'action',
        async save({ minutes, reason }) {
          await tellStop({ in_s: 60 * Number(minutes), reason: String(reason) });
          done.tell(_('Homes are told that it stops.'));
        },
      }),
    ),
  ]);
  return {
    begin,
    running,
    update(drain) {
      running.hidden = drain === undefined;
      begin.hidden = drain !== undefined;
      countdown.update(drain?.in_s);
      setContent(
        why,
        drain?.reason
          ? _('Homes are told: %s').format(told(drain.reason))
          : _('Homes are told that it stops, and nobody new is let in.'),
      );
    },
  };
}
