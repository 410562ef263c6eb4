// E() of LuCI's client, without the ways in which text becomes HTML.
// Source: luci-base, resources/luci.js (dom.create, dom.attr, dom.append).

function refuse(what: string, value: unknown): never {
  throw new TypeError(`E: expected ${what}, got ${value === null ? 'null' : typeof value}`);
}

/** Makes an element. @throws TypeError on what LuCI would take for HTML, print as `null` or set although it is false. */
export function element(tag: string, second?: unknown, third?: unknown): HTMLElement {
  if (!/^[a-z][a-z0-9]*$/.test(tag)) throw new TypeError(`E: expected a tag's name, got ${tag}`);
  const made = document.createElement(tag);
  const [attributes, children] = Array.isArray(second) ? [undefined, second] : [second, third];
  if (attributes !== undefined && (typeof attributes !== 'object' || attributes === null))
    refuse('attributes or a list', attributes);
  for (const [name, value] of Object.entries((attributes ?? {}) as object)) {
    if (value === null) continue;
    if (typeof value === 'function') made.addEventListener(name, value);
    else if (typeof value === 'string' || typeof value === 'number') made.setAttribute(name, String(value));
    else refuse(`text, a number, a function or null as ${name}`, value);
  }
  if (children !== undefined && !Array.isArray(children)) refuse('a list as content', children);
  for (const child of (children ?? []) as unknown[]) {
    if (child instanceof Node) made.append(child);
    else if (typeof child === 'string' || typeof child === 'number') made.append(String(child));
    else refuse('text, a number or a node in a list', child);
  }
  return made;
}
