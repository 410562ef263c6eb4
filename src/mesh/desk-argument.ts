// What operators hand in at the desk: texts and numbers within their bounds.

import { InputError } from '../errors.ts';
import { replaceInvisible } from '../lib/text.ts';

/** Characters of what homes are told, and of what is called by a name. */
export const MAX_REASON = 256;
const MAX_SHORT = 64;

/** A text that homes are told. @throws InputError */
export function reasonOf(text = '', name = 'reason'): string {
  const reason = text.trim();
  if (reason.length > MAX_REASON)
    throw new InputError(`${name}: expected at most ${MAX_REASON} characters, got ${reason.length}`, name);
  return reason;
}

/** A name, or a note. @throws InputError */
export function shortText(name: string, given: string): string {
  const text = replaceInvisible(given.trim(), '·');
  if (text.length > MAX_SHORT)
    throw new InputError(`${name}: expected at most ${MAX_SHORT} characters, got ${text.length}`, name);
  return text;
}

/** @throws InputError */
export function expectWhole(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new InputError(`${name}: expected ${least} to ${most}, got ${value}`, name);
}

/** What was given, as an error quotes it. */
export const quoted = (text: string): string => JSON.stringify(text.slice(0, 40));
