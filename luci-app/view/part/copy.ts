// Texts that can be copied.

import { button } from './button.ts';

/** Over plain HTTP, as routers are reached, browsers give pages no clipboard; a selected text they copy. */
function copySelected(text: string): boolean {
  const field = E('textarea', { class: 'mb-hidden' }, [text]);
  const before = document.activeElement;
  document.body.append(field);
  field.select();
  const copied = document.execCommand('copy');
  field.remove();
  if (before instanceof HTMLElement) before.focus();
  return copied;
}

async function copy(text: string): Promise<boolean> {
  try {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch {
    // forbidden here: the old way may still work
  }
  return copySelected(text);
}

/** A button that copies `text` and says so; `label` is its name for screen readers: what is copied. */
function copyButton(text: string, label: string): HTMLElement {
  const said = E('span', { class: 'mb-said', role: 'status' });
  const click = async (): Promise<void> => {
    said.textContent = (await copy(text)) ? _('Copied.') : _('This browser copies nothing.');
  };
  const copies = button(_('Copy'), () => void click());
  copies.classList.add('mb-copy');
  copies.setAttribute('aria-label', label);
  return E('span', { class: 'mb-act' }, [copies, said]);
}

/** Shows texts one after the other, each as code beside a button that copies it; a text that stays keeps its elements. */
export function makeCopyable(label: string): (text: string) => HTMLElement {
  let shown: string | undefined;
  let root: HTMLElement;
  return (text) => {
    if (text !== shown) root = E('span', [E('code', [text]), ' ', copyButton(text, label)]);
    shown = text;
    return root;
  };
}
