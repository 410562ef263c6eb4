// Links to other pages of LuCI.

/** A link to the page at a path: `admin/mesh/peers`. */
export function pageLink(path: string, text: string): HTMLElement {
  return E('a', { href: L.url(path) }, [text]);
}
