// The daemon's sentences in the language of the page.

import { fillWords } from '../../../src/lib/words.ts';

/** A sentence of the daemon's, translated and then filled; the values come cleaned. */
export function say(template: string, values: unknown): string {
  return fillWords(_(template), values as Record<string, string | number>);
}
