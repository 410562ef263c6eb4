// The word of an invite: sixteen characters of base32 in groups of four, of which a gateway knows a hash alone.

import { encodeBase32 } from './base32.ts';
import { encodeUtf8 } from './utf8.ts';

/** Random bytes that a word is made of: 80 bits, which nobody guesses. */
export const INVITE_BYTES = 10;
const WORD = /^[a-z2-7]{16}$/;
const GROUP = /.{4}(?=.)/g;
/** Bytes of a hash that are kept, and its characters. */
const HASH_BYTES = 20;
/** As a gateway keeps it. */
export const INVITE_HASH = /^[a-z2-7]{32}$/;

/** The word of some bytes, as people are told it. */
export function formatInvite(bytes: Uint8Array): string {
  return encodeBase32(bytes).slice(0, 16).replace(GROUP, '$&-');
}

/** The hash of a word, however people wrote it down; `undefined`: it is none. */
export function inviteHash(sha512: (bytes: Uint8Array) => Uint8Array, text: string): string | undefined {
  const word = text.toLowerCase().replace(/[\s-]/g, '');
  if (!WORD.test(word)) return undefined;
  return encodeBase32(sha512(encodeUtf8(`meshbridge invite ${word}`)).slice(0, HASH_BYTES));
}
