// What looks like a link and shows something else of this page.

/** Makes one; its text may be set later. */
export function linkButton(click: () => void, text = ''): HTMLButtonElement {
  return E('button', { type: 'button', class: 'mb-link', click }, [text]);
}
