import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readCatalogue } from '../../build/catalogue.ts';
import { LANGUAGES, type Language } from '../../build/packages.ts';
import { parsePo } from '../../build/po.ts';
import { luciRoots } from '../../src/dev/page-host/luci.ts';
import { readTranslations } from '../../src/dev/page-host/translations.ts';

const languages = Object.keys(LANGUAGES) as Language[];
const tables = readTranslations();

/** LuCI's own look-up, from its client, with a table. */
interface LookUp {
  _(text: string): string;
  N_(count: number, one: string, many: string): string;
}
function luciWith(directory: string, table: object): LookUp {
  const script = luciRoots(directory)
    .map((root) => join(root, 'luci-static/resources/cbi.js'))
    .find((path) => readFileSync(path, { flag: 'r' }));
  const document = { addEventListener() {}, querySelectorAll: () => [] };
  // as a browser has it, whose window is the global object
  const context = createContext({ document, TR: table });
  runInContext('globalThis.window = globalThis', context);
  runInContext(readFileSync(script!, 'utf8'), context);
  return context as unknown as LookUp;
}

const translations = suite('readTranslations');
translations('has a table for each language, with the rule for plurals', () => {
  assert.equal(Object.keys(tables), languages);
  for (const language of languages) assert.is(tables[language]['00000000'], 'nplurals=2; plural=(n != 1);');
});
const directory = process.env.LUCI_DIR;
if (!directory) console.log("skipped: translations looked up by LuCI's client: LUCI_DIR is not set");
else
  for (const language of languages)
    translations(`gives LuCI's client each text: ${language}`, () => {
      const luci = luciWith(directory, tables[language]);
      for (const { id, plural, translations } of readCatalogue(language).messages)
        if (plural === undefined) assert.is(luci._(id), translations[0] || id);
        else
          for (const [count, form] of [
            [0, 1],
            [1, 0],
            [2, 1],
          ] as const)
            assert.is(luci.N_(count, id, plural), translations[form] || (form === 0 ? id : plural));
      assert.is(luci._('Peers is not a text of ours'), 'Peers is not a text of ours');
    });

/** Of these, what LuCI says is as good. */
const SHARED = ['Changes', 'Network device', 'Peers', 'Remove', 'To', 'Traffic', 'Upload'];
/** A file of LuCI's without what ours never have: contexts, and texts of the past. */
const plainPo = (path: string): string =>
  readFileSync(path, 'utf8')
    .split('\n\n')
    .filter((entry) => !/^(msgctxt|#[,~|])/m.test(entry))
    .join('\n\n');
const base = (language: Language): string => join(directory ?? '', 'modules/luci-base/po', language, 'base.po');
if (directory && !existsSync(base('de'))) console.log('skipped: texts that LuCI has, too: LUCI_DIR is no checkout');
else if (directory)
  for (const language of languages)
    translations(`says nothing that means something else in LuCI: ${language}`, () => {
      const path = base(language);
      const known = new Map(parsePo(plainPo(path), path).messages.map((one) => [one.id, one.translations[0]]));
      const other = readCatalogue(language).messages.filter(({ id, translations: [ours] }) => {
        const theirs = known.get(id);
        return theirs !== undefined && theirs !== '' && theirs !== ours && !SHARED.includes(id);
      });
      assert.equal(
        other.map(({ id }) => id),
        [],
        '~> LuCI looks up its own first',
      );
    });
translations.run();
