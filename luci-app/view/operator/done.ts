// What was just done, and the way back: a line that stays in sight at the bottom of the page.

import { button } from '../part/button.ts';
import { failureText } from '../part/failure.ts';
import { putBack } from './call.ts';

export interface Done {
  root: HTMLElement;
  /** Says what was done; with entries of the log, offers to undo them. */
  tell(text: string, entries?: readonly number[]): void;
  /** Undoes an act. Never rejects. */
  undo(entries: readonly number[]): Promise<void>;
}

/** Makes it. @param changed something was done: the page asks anew. */
export function makeDone(changed: () => void): Done {
  const said = E('span', { role: 'status' });
  const back = button(_('Undo'), () => void undo(last), 'action');
  const away = button('×', () => hide());
  away.setAttribute('aria-label', _('Close'));
  const root = E('div', { class: 'mb-done mb-row', hidden: '' }, [said, back, away]);
  let last: readonly number[] = [];
  let busy = false;

  function tell(text: string, entries: readonly number[] = []): void {
    last = entries;
    root.hidden = false;
    said.textContent = text;
    back.hidden = entries.length === 0;
    changed();
  }

  function hide(): void {
    root.hidden = true;
    said.textContent = '';
  }

  async function undo(entries: readonly number[]): Promise<void> {
    if (busy) return;
    busy = true;
    try {
      tell(_('Undone: all is as it was before.'), await putBack(entries));
    } catch (error) {
      tell(failureText(error));
    } finally {
      busy = false;
    }
  }

  return { root, tell, undo };
}
