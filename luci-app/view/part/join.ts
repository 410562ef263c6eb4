// Texts put together.

/** Those that there are, with `by` between them. */
export function join(texts: readonly (string | false | null | undefined)[], by = ' '): string {
  return texts.filter(Boolean).join(by);
}
