import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { catalogueOf, cataloguePath, faultsOf, readCatalogue, TEMPLATE, templateOf } from '../../build/catalogue.ts';
import { LANGUAGES, type Language } from '../../build/packages.ts';
import { formatPo, type Message } from '../../build/po.ts';
import { inProject } from '../../build/project.ts';
import { projectTexts } from '../../build/texts.ts';

const HINT = '~> run: npm run po, and translate what it lists';
const texts = projectTexts();

const catalogue = suite('catalogues');
catalogue('have in their template what pages say', () => {
  assert.ok(readFileSync(inProject(TEMPLATE), 'utf8') === formatPo(templateOf(texts)), HINT);
});
for (const language of Object.keys(LANGUAGES) as Language[]) {
  const known = readCatalogue(language);
  catalogue(`have what pages say, and nothing else: ${language}`, () => {
    const wanted = formatPo(catalogueOf(language, texts, known));
    assert.ok(readFileSync(inProject(cataloguePath(language)), 'utf8') === wanted, HINT);
  });
  catalogue(`are complete: ${language}`, () => {
    assert.equal(known.messages.flatMap(faultsOf), [], HINT);
  });
}
catalogue.run();

// ---

const message = (id: string, ...translations: string[]): Message => ({ id, files: [], translations });
const plural = (one: string, many: string, ...translations: string[]): Message => ({
  ...message(one, ...translations),
  plural: many,
});

const faults = suite('faultsOf');
for (const [what, one, found] of [
  ['nothing of a good one', message('%s of {a}', '%s von {a}'), []],
  ['nothing of names in another order', message('{a} {b}', '{b} {a}'), []],
  ['one that is missing', message('a', ''), ['missing: a']],
  ['a place that is lost', message('%s is %d', '%s ist'), ['expected the places %s %d, got %s: %s is %d']],
  ['places in another order', message('%s is %d', '%d ist %s'), ['expected the places %s %d, got %d %s: %s is %d']],
  ['a name that nobody gives', message('a', '{b}'), ['expected the places (none), got {b}: a']],
  ['HTML', message('a', '<b>'), ['expected no < or &, got <b>: a']],
  ['blanks that LuCI changes', message('a', 'b '), ['expected single blanks inside: a']],
  ['nothing of one without its number', plural('the only day', '%d days', 'der einzige Tag', '%d Tage'), []],
  ['a form that is missing', plural('%d day', '%d days', '%d Tag', ''), ['missing: %d day [1]']],
  [
    'many without their number',
    plural('%d day', '%d days', '%d Tag', 'Tage'),
    ['expected the places %d, got (none): %d day [1]'],
  ],
] as const)
  faults(`tells of ${what}`, () => assert.equal(faultsOf(one), [...found]));
faults.run();
