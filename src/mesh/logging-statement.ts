// What a gateway tells of what it keeps, made of what it is really told to keep.

import type { Personal } from '../api/lease.ts';

/** Characters of what gateways say about it; the operator's own words come last, and are what is cut. */
export const MAX_STATEMENT = 1024;

/** What is kept. */
export interface Keeping {
  /** Of who had which address when; 0: not at all. */
  readonly keepDays: number;
  /** Homes have source ports of their own, and so are told apart. */
  readonly hasPorts: boolean;
  readonly asksFor: readonly Personal[];
  /** The operator's own words. */
  readonly words: string;
}

const CALLED: Readonly<Record<Personal, string>> = { name: 'name', email: 'e-mail address', phone: 'telephone number' };

/** The statement. */
export function loggingStatement({ keepDays, hasPorts, asksFor, words }: Keeping): string {
  const what = hasPorts ? 'addresses and source ports' : 'addresses';
  const asked = asksFor.map((one) => CALLED[one]).join(', ');
  const days = keepDays === 1 ? 'today' : `for ${keepDays} days`;
  const sentences = [
    keepDays > 0
      ? `Which home had which ${what} when is kept ${days}.`
      : `Which home had which ${what} when is not kept.`,
    'How many bytes each home used is kept for this month, of all together for 90 days.',
    'What homes connect to, ask for by name, send and receive is not logged by this program.',
    asked === ''
      ? 'Nothing is asked of the people of a home.'
      : `Asked of homes: ${asked}; deleted with the lease${keepDays > 0 ? `, and with what is kept of it` : ''}.`,
    'What the operator decided on a home is kept until it is taken back, and in a log of bounded size.',
    words.trim(),
  ];
  return sentences.join(' ').trim().slice(0, MAX_STATEMENT);
}
