// A state as a coloured word: never by colour alone.

import type { CheckState } from '../../../src/api/model.ts';
import { stateWord } from './health.ts';

/** A badge; without a text of its own it says the state's word. */
export function badge(state: CheckState, text = stateWord(state)): HTMLElement {
  return E('span', { class: 'mb-badge', 'data-health': state }, [text]);
}
