// What stands beside the main thing: less strong.

/** A text of that kind, which may be set later. */
export function dim(text = ''): HTMLElement {
  return E('span', { class: 'mb-dim' }, [text]);
}

/** A paragraph of it. */
export function dimLine(text = ''): HTMLElement {
  return E('p', { class: 'mb-dim' }, [text]);
}
