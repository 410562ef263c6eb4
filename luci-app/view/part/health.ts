// How things are, in words.

import type { CheckState } from '../../../src/api/model.ts';

/** `good`: nothing to do; `weak`: it works, something is wrong; `bad`: it does not work; `unknown`: that cannot be told now. */
export type Health = Exclude<CheckState, 'unused'>;

/** The word for a state. */
export function stateWord(state: CheckState): string {
  const words: Partial<Record<string, string>> = {
    good: _('Works'),
    weak: _('Attention'),
    bad: _('Broken'),
    unused: _('Not used'),
  };
  return words[state] ?? _('Not known');
}
