// A dialog on the browser's own <dialog>: it keeps the focus inside, closes by Esc and gives the focus back, which LuCI's does not.

import { type ButtonKind, button } from './button.ts';
import { failureText } from './failure.ts';

export interface DialogAction {
  label: string;
  kind?: ButtonKind | undefined;
  /** What the button does; the dialog closes when it is done, stays when that gave false, and stays and says why when it fails. */
  work(): unknown;
}

export interface DialogOptions {
  title: string;
  content: readonly (Node | string)[];
  /** Beside the button that cancels. */
  actions: readonly DialogAction[];
}

/** Opens a dialog; it removes itself when it closes. */
export function openDialog({ title, content, actions }: DialogOptions): HTMLDialogElement {
  const failed = E('p', { class: 'mb-said', 'data-health': 'bad', role: 'alert' });
  let busy = false;
  const run = async (work: DialogAction['work']): Promise<void> => {
    if (busy) return;
    busy = true;
    try {
      if ((await work()) !== false) dialog.close();
    } catch (error) {
      failed.textContent = failureText(error);
    } finally {
      busy = false;
    }
  };
  const dialog = E('dialog', { class: 'mb-dialog', 'aria-label': title, close: () => dialog.remove() }, [
    E('h3', [title]),
    ...content,
    failed,
    E('div', { class: 'mb-actions' }, [
      button(_('Cancel'), () => dialog.close()),
      ...actions.map(({ label, kind, work }) => button(label, () => void run(work), kind)),
    ]),
  ]);
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
