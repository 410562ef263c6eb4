// The pages' texts in other languages, as LuCI's server gives them to its client: `/cgi-bin/luci/admin/translations/<language>`.

import { readCatalogue } from '../../../build/catalogue.ts';
import { translationTable } from '../../../build/lmo.ts';
import { LANGUAGES, type Language } from '../../../build/packages.ts';

/** By language, what is `window.TR` in LuCI's client. @throws Error on a catalogue that cannot be read. */
export function readTranslations(): Record<Language, Record<string, string>> {
  const tables = Object.keys(LANGUAGES).map((language) => [
    language,
    translationTable(readCatalogue(language as Language)),
  ]);
  return Object.fromEntries(tables);
}
