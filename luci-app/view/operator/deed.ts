// What is done to homes: asked for in a dialog, where a reason belongs to it that homes read.

import type { ClientView } from '../../../src/api/client-object.ts';
import { atMost, type FieldValue, openForm, type TextField, textField } from '../more/field.ts';
import { join } from '../part/join.ts';
import { type Decided, decide } from './call.ts';
import type { Done } from './done.ts';
import { limitFields, limitsOf } from './limit.ts';
import { type Deed, doneOf, kindOf, labelOf, meaningOf, namesOf } from './word.ts';

const MAX_REASON = 256;
const MAX_DAYS = 3650;

/** A field for a reason; some acts have none without. */
export function reasonField(isNeeded: boolean): TextField {
  return textField(isNeeded ? _('Reason, which homes read') : _('Reason, if there is one'), '', {
    hint: isNeeded ? _('It appears on their page Internet within seconds, in your words.') : '',
    suggest: [
      _('The volume of this month is used up.'),
      _('There are complaints about what was sent from there.'),
      _('Please get in touch with the operator.'),
    ],
    fits: (text) => (isNeeded && text === '' ? _('Say why: people shall know what to do.') : atMost(MAX_REASON)(text)),
  });
}

/** A field for a number of days, or of something else that is counted; may be empty. */
export function countField(label: string, value: string, most: number, hint: string): TextField {
  return textField(label, value, {
    hint,
    numeric: true,
    fits: (text) =>
      text === '' ||
      (/^\d{1,6}$/.test(text) && Number(text) >= 1 && Number(text) <= most) ||
      _('Expected a number from %d to %d.').format(1, most),
  });
}

/** Does something to homes at once, and says so. */
export async function doDeed(deed: Deed, homes: readonly ClientView[], decided: Decided, done: Done): Promise<void> {
  const entries = await decide(
    deed,
    homes.map(({ address }) => address),
    decided,
  );
  const fixed = homes.filter(({ configured }) => configured).length;
  const told = join([
    doneOf(deed, homes.length),
    fixed > 0 &&
      N_(
        fixed,
        'On %d of them the configuration decides, and that counts.',
        'On %d of them the configuration decides, and that counts.',
      ).format(fixed),
  ]);
  done.tell(told, entries);
}

/** Asks for what belongs to it, and does it. @param after it was done. */
export function askDeed(deed: Deed, homes: readonly ClientView[], done: Done, after?: () => void): void {
  const [only] = homes;
  const limits = limitFields(homes.length === 1 ? only!.limits : undefined);
  const fields: Record<Deed, Readonly<Record<string, TextField>>> = {
    admit: {
      days: countField(_('For how many days'), '', MAX_DAYS, _('Empty: for good.')),
      reason: reasonField(false),
      ...limits,
    },
    limit: limits,
    suspend: { reason: reasonField(true) },
    refuse: { reason: reasonField(true) },
    forget: {},
  };
  openForm<string>({
    title: `${labelOf(deed)}: ${namesOf(homes)}`,
    intro: meaningOf(deed),
    fields: fields[deed],
    rare: deed === 'admit' ? ['reason', ...Object.keys(limits)] : [],
    label: deed === 'limit' ? _('Save') : labelOf(deed),
    kind: kindOf(deed),
    async save(values: Partial<Record<string, FieldValue>>) {
      await doDeed(
        deed,
        homes,
        {
          ...limitsOf(values),
          ...(deed === 'limit' && { clear: true }),
          ...(values.reason && { reason: String(values.reason) }),
          ...(values.days && { days: Number(values.days) }),
        },
        done,
      );
      after?.();
    },
  });
}
