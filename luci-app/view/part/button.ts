// Buttons in LuCI's looks.

/** LuCI's looks of buttons: what is plain, what is meant, what destroys. */
export type ButtonKind = 'neutral' | 'action' | 'positive' | 'negative';

/** A button that submits nothing. */
export function button(label: string, click: () => void, kind: ButtonKind = 'neutral'): HTMLButtonElement {
  return E('button', { class: `btn cbi-button cbi-button-${kind}`, type: 'button', click }, [label]);
}
