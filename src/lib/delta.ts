// What changed between two tables of JSON, and a table brought up to date by it.
//
// A change is a table of the fields that changed: tables are merged, `null` removes a field. A list of tables that all have an `id` of their
// own is changed by those of its items that did, each with its `id` and the fields that changed; `gone: true` removes one, an unknown `id`
// adds one at the end. Any other list is replaced as a whole.

/** JSON, as far as it goes here. */
export type Value = null | boolean | number | string | Value[] | { [name: string]: Value };
export type Fields = { [name: string]: Value };

const MAX_DEPTH = 16;

function isTable(value: Value | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isListed(value: Value | undefined): value is Fields[] {
  if (!Array.isArray(value) || !value.every((item) => isTable(item) && typeof item.id === 'string')) return false;
  return new Set(value.map((item) => (item as Fields).id)).size === value.length;
}

function isSame(a: Value | undefined, b: Value | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && JSON.stringify(a) === JSON.stringify(b));
}

/** What turns `before` into `now`; `undefined`: nothing. Fields of both are not `undefined`, and those of `now` not null. */
export function difference(before: Fields, now: Fields): Fields | undefined {
  const change: Fields = {};
  for (const name of Object.keys(before)) if (!Object.hasOwn(now, name)) change[name] = null;
  for (const [name, value] of Object.entries(now)) {
    const old = Object.hasOwn(before, name) ? before[name] : undefined;
    if (isSame(old, value)) continue;
    change[name] = changeOf(old, value);
  }
  return Object.keys(change).length > 0 ? change : undefined;
}

function changeOf(old: Value | undefined, value: Value): Value {
  if (isTable(old) && isTable(value)) return difference(old, value)!;
  // an empty list would read as "nothing of it changed"
  if (isListed(old) && isListed(value) && old.length > 0 && value.length > 0) return changedItems(old, value);
  return value;
}

function changedItems(old: readonly Fields[], now: readonly Fields[]): Fields[] {
  const before = new Map(old.map((item) => [item.id, item]));
  const changed: Fields[] = [];
  for (const item of now) {
    const known = before.get(item.id!);
    before.delete(item.id!);
    const change = known ? difference(known, item) : item;
    if (change) changed.push({ id: item.id!, ...change });
  }
  for (const id of before.keys()) changed.push({ id: id!, gone: true });
  // only their order changed, which does not count
  return changed.length > 0 ? changed : [...now];
}

/** `before` as the change says; `before` stays as it is. @throws RangeError on what is nested too deeply */
export function patched(before: Fields, change: Fields): Fields {
  return patchTable(before, change, 0);
}

function patchTable(before: Fields, change: Fields, depth: number): Fields {
  if (depth > MAX_DEPTH) throw new RangeError(`change: nested deeper than ${MAX_DEPTH}`);
  const now = new Map(Object.entries(before));
  for (const [name, value] of Object.entries(change)) {
    if (value === null) now.delete(name);
    else now.set(name, patchValue(now.get(name), value, depth + 1));
  }
  return Object.fromEntries(now);
}

function patchValue(old: Value | undefined, value: Value, depth: number): Value {
  if (isTable(old) && isTable(value)) return patchTable(old, value, depth);
  if (!isListed(old) || !isListed(value) || old.length === 0 || value.length === 0) return value;
  const items = new Map(old.map((item) => [item.id, item]));
  for (const { id, ...change } of value) {
    if (change.gone === true) items.delete(id!);
    else items.set(id!, { id: id!, ...patchTable(items.get(id!) ?? {}, change, depth) });
  }
  return [...items.values()];
}
