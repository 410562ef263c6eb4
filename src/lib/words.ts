// Sentences for people with values of the router in them: the one place where such values are cleaned.

import { replaceInvisible } from './text.ts';

/** Characters of a value, in a sentence. */
const MAX_VALUE = 160;

/** A text of the router or of strangers for the eyes of people: letters, digits and harmless marks, the rest as dots, cut when it is long. */
export function shown(text: string, most = MAX_VALUE): string {
  const cut = text.length > most;
  const part = cut ? text.slice(0, most - 1) : text;
  // how blanks travel in a node info
  const seen = replaceInvisible(part.replace(/\u00a0/g, ' '), '·');
  return seen.replace(/[^\w .,:;/@%+=?()[\]{}*|^$~#!\u00a1-\u{10ffff}-]|[\ud800-\udfff]/gu, '·') + (cut ? '…' : '');
}

/** A sentence with each `{name}` that has a value replaced by it; the value is shown as it is: clean it before. */
export function fillWords(words: string, values: Readonly<Record<string, string | number>>): string {
  return words.replace(/\{([a-z]+)\}/g, (whole, name: string) => {
    const value: unknown = values[name];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : whole;
  });
}
