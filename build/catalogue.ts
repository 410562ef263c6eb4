// `npm run po`: brings the template luci-app/po/templates/meshbridge.pot and the catalogue of each language up to date with what pages
// say: new texts get an empty translation, texts that nothing says any more go. Lists what is missing; ends with exit code 1 then.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorText } from '../src/errors.ts';
import { LANGUAGES, type Language } from './packages.ts';
import { formatPo, HEADER, type Message, type Po, parsePo } from './po.ts';
import { inProject } from './project.ts';
import { projectTexts } from './texts.ts';

/** Where the template is. */
export const TEMPLATE = 'luci-app/po/templates/meshbridge.pot';

/** Where the catalogue of a language is. */
export function cataloguePath(language: Language): string {
  return `luci-app/po/${language}/meshbridge.po`;
}

/** The catalogue of a language. @throws Error that names the line at fault. */
export function readCatalogue(language: Language): Po {
  const path = cataloguePath(language);
  return parsePo(readFileSync(inProject(path), 'utf8'), path);
}

/** The template for these texts. */
export function templateOf(texts: readonly Message[]): Po {
  return { header: new Map(HEADER), messages: texts };
}

/** The catalogue for these texts with the translations that are known: those of a text that is the same, plural and all. */
export function catalogueOf(language: Language, texts: readonly Message[], known: Po | undefined): Po {
  const keyOf = ({ id, plural }: Message): string => `${id}\0${plural ?? ''}`;
  const before = new Map(known?.messages.map((message) => [keyOf(message), message.translations]));
  const { plurals, rule } = LANGUAGES[language];
  const messages = texts.map((message) => {
    const empty = message.plural === undefined ? [''] : Array.from({ length: plurals }, () => '');
    return { ...message, translations: before.get(keyOf(message)) ?? empty };
  });
  const forms = `nplurals=${plurals}; plural=${rule};`;
  return { header: new Map([...HEADER, ['Language', language], ['Plural-Forms', forms]]), messages };
}

/** Places that are filled: `%s`, `%d`, `%t`, `%%` in their order, names in braces in any. */
function placesOf(text: string): string {
  return [...(text.match(/%./g) ?? []), ...new Set((text.match(/\{[a-z]+\}/g) ?? []).sort())].join(' ');
}

/** What is wrong with the translation of a text, one line each; of a missing one that it is missing. */
export function faultsOf({ id, plural, translations }: Message): string[] {
  return translations.flatMap((text, form) => {
    const faults: string[] = [];
    // the form for one may leave the number out
    const sources = plural === undefined ? [id] : form === 0 ? [id, plural] : [plural];
    const name = plural === undefined ? id : `${id} [${form}]`;
    if (text === '') return [`missing: ${name}`];
    if (!sources.some((source) => placesOf(source) === placesOf(text)))
      faults.push(
        `expected the places ${placesOf(sources[0]!) || '(none)'}, got ${placesOf(text) || '(none)'}: ${name}`,
      );
    // forms of LuCI take a text for HTML; what the daemon says, with such marks or without, never gets there
    if (/[<&]/.test(text) && !/[<&]/.test(id)) faults.push(`expected no < or &, got ${text}: ${name}`);
    if (/\s\s|^\s|\s$|[\n\t]/.test(text)) faults.push(`expected single blanks inside: ${name}`);
    return faults;
  });
}

function write(path: string, text: string): void {
  mkdirSync(dirname(inProject(path)), { recursive: true });
  writeFileSync(inProject(path), text);
}

function main(): void {
  const texts = projectTexts();
  write(TEMPLATE, formatPo(templateOf(texts)));
  console.log(`${TEMPLATE}: ${texts.length} texts`);
  for (const language of Object.keys(LANGUAGES) as Language[]) {
    const catalogue = catalogueOf(language, texts, readCatalogue(language));
    write(cataloguePath(language), formatPo(catalogue));
    const faults = catalogue.messages.flatMap(faultsOf);
    console.log(`${cataloguePath(language)}: ${faults.length === 0 ? 'complete' : ''}`);
    for (const fault of faults) console.log(`  ${fault}`);
    if (faults.length > 0) process.exitCode = 1;
  }
}

if (process.argv[1] === inProject('build/catalogue.ts')) {
  try {
    main();
  } catch (error) {
    console.error(`meshbridge: ${errorText(error)}`);
    process.exitCode = 2;
  }
}
