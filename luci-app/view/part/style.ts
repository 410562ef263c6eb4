// The style sheet of all pages, a file of its own beside them.

/** A link to it, to stand in each page. */
export function styleSheet(): HTMLElement {
  return E('link', { rel: 'stylesheet', href: L.resource(MESHBRIDGE_STYLE) });
}
