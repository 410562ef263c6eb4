// Passwords that a program makes and people type.

import { randomInt } from 'node:crypto';

/** No letters that are taken for others. */
const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789';

/** A password that can be typed: 60 bits. */
export function makePassword(): string {
  const letters = Array.from({ length: 12 }, () => LETTERS[randomInt(LETTERS.length)]!);
  return [0, 4, 8].map((from) => letters.slice(from, from + 4).join('')).join('-');
}
