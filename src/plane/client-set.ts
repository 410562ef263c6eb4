// The table of a gateway, and changes of what its sets hold, as text for nft.

/** The table of a gateway; that of a home is another one, for a machine may be both. */
export const CLIENT_TABLE = 'inet meshbridge_gw';

/** Puts elements in; those that are in stay. */
export function addElements(set: string, items: readonly string[]): string {
  return items.length === 0 ? '' : `add element ${CLIENT_TABLE} ${set} { ${items.join(', ')} }\n`;
}

/** Takes elements away, by their keys as a set lists them. */
export function removeElements(set: string, items: readonly string[]): string {
  return items.length === 0 ? '' : `delete element ${CLIENT_TABLE} ${set} { ${items.join(', ')} }\n`;
}

/** Takes elements away that may be there or not: only what is there can be deleted. */
export function removeAny(set: string, items: readonly string[]): string {
  return addElements(set, items) + removeElements(set, items);
}

/** Has a set hold exactly these. */
export function refill(set: string, items: readonly string[]): string {
  return `flush set ${CLIENT_TABLE} ${set}\n${addElements(set, items)}`;
}
