// The children of an element, found again by key: a new state changes what differs and leaves focus and selection alone.

/** What is made once for each key; `root` is the child. */
export interface KeyedParts {
  root: Element;
}

/** Shows `value` in `element`; a text or node that stands there already is left alone. */
export function setContent(element: Element, value: Node | string): void {
  if (typeof value !== 'string') {
    if (element.firstChild !== value) element.replaceChildren(value);
  } else if (element.firstElementChild || element.textContent !== value) element.textContent = value;
}

/** Keeps one child for each key. */
export class Keyed<Parts extends KeyedParts, Value> {
  /** What stands there now. */
  readonly made = new Map<string, Parts>();

  constructor(
    private readonly parent: Element,
    private readonly make: (key: string) => Parts,
    private readonly fill: (parts: Parts, value: Value) => void,
  ) {}

  /** Shows these, in this order. */
  update(wanted: ReadonlyMap<string, Value>): void {
    for (const [key, { root }] of this.made) {
      if (wanted.has(key)) continue;
      root.remove();
      this.made.delete(key);
    }
    let next = this.parent.firstChild;
    for (const [key, value] of wanted) {
      let parts = this.made.get(key);
      if (!parts) {
        parts = this.make(key);
        this.made.set(key, parts);
      }
      this.fill(parts, value);
      if (parts.root === next) next = next.nextSibling;
      else this.parent.insertBefore(parts.root, next);
    }
  }
}
