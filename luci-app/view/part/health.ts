// How things are, in words.

import type { CheckState } from '../../../src/api/model.ts';

/** `good`: nothing to do; `weak`: it works, something is wrong; `bad`: it does not work; `unknown`: that cannot be told now. */
export type Health = Exclude<CheckState, 'unused'>;

/** The word for a state. */
export function stateWord(state: CheckState): string {
  switch (state) {
    case 'good':
      return _('Works');
    case 'weak':
      return _('Attention');
    case 'bad':
      return _('Broken');
    case 'unused':
      return _('Not used');
    default:
      return _('Not known');
  }
}
