// The daemon's sentences in the language of the page.

import { fillWords } from '../../../src/lib/words.ts';

/** A sentence of the daemon's, translated and then filled; the values come cleaned. */
export function say(template: string, values: unknown): string {
  // the empty text has an entry of its own in a catalogue: how it counts
  return template && fillWords(_(template), values as Record<string, string | number>);
}
