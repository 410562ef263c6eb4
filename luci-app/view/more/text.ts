// What gateways say of themselves, as it may be shown: texts of strangers, cut and without characters that hide.

import { replaceInvisible } from '../../../src/lib/text.ts';

const MAX_TEXT = 300;

/** A stranger's text; empty where there is none. @param most characters. */
export function told(text = '', most = MAX_TEXT): string {
  const cut = text.length > most ? `${text.slice(0, most - 1)}…` : text;
  return replaceInvisible(cut, '·');
}

/** A country by its two letters, in the language of the page. */
export function country(code = ''): string {
  if (!/^[A-Z]{2}$/.test(code)) return told(code);
  try {
    return new Intl.DisplayNames([document.documentElement.lang || 'en'], { type: 'region' }).of(code) ?? code;
  } catch {
    return code;
  }
}
