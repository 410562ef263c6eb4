// A button that has something done, and says beside itself how that went.

import { type ButtonKind, button } from './button.ts';
import { openDialog } from './dialog.ts';
import { failureText } from './failure.ts';

export interface ActOptions {
  kind?: ButtonKind;
  /** Asked first, in a dialog: what will happen. */
  confirm?: string;
}

/** A button and its result: what `work` resolves to, or why it failed. Stays enabled meanwhile, for one that is disabled loses the focus. */
export function actButton(label: string, work: () => Promise<string>, { kind, confirm }: ActOptions = {}): HTMLElement {
  const said = E('span', { class: 'mb-said', role: 'status' });
  let busy = false;
  const run = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    said.textContent = '…';
    said.dataset.health = 'unknown';
    try {
      said.textContent = await work();
      said.dataset.health = 'good';
    } catch (error) {
      said.textContent = failureText(error);
      said.dataset.health = 'bad';
    } finally {
      busy = false;
    }
  };
  const ask = (): void => {
    if (confirm === undefined) void run();
    else if (!busy)
      openDialog({ title: label, content: [E('p', [confirm])], actions: [{ label, kind, work: () => void run() }] });
  };
  return E('span', { class: 'mb-act' }, [button(label, ask, kind), said]);
}
