// What the page Operator writes: numbers in words, homes as CSV.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { homesAsCsv } from '../../luci-app/view/operator/csv.ts';
import { inWords } from '../../luci-app/view/operator/numeral.ts';
import type { ClientView } from '../../src/api/client-object.ts';
import { nodeOf } from '../support/node-key.ts';

const numbers = suite('numbers in words');
numbers('are what people say', () => {
  for (const [n, en, de, es] of [
    [0, 'zero', 'null', 'cero'],
    [1, 'one', 'eins', 'uno'],
    [16, 'sixteen', 'sechzehn', 'dieciséis'],
    [22, 'twenty-two', 'zweiundzwanzig', 'veintidós'],
    [31, 'thirty-one', 'einunddreißig', 'treinta y uno'],
    [100, 'one hundred', 'einhundert', 'cien'],
    [215, 'two hundred and fifteen', 'zweihundertfünfzehn', 'doscientos quince'],
    [1000, 'one thousand', 'eintausend', 'mil'],
    [1012, 'one thousand and twelve', 'eintausendzwölf', 'mil doce'],
    [4096, 'four thousand and ninety-six', 'viertausendsechsundneunzig', 'cuatro mil noventa y seis'],
    [21_500, 'twenty-one thousand five hundred', 'einundzwanzigtausendfünfhundert', 'veintiún mil quinientos'],
  ] as const)
    assert.equal([inWords(n, 'en'), inWords(n, 'de'), inWords(n, 'es-MX')], [en, de, es]);
  assert.is(inWords(7, 'fr'), 'seven');
});
numbers('are other ones for each of 10,000', () => {
  for (const language of ['en', 'de', 'es']) {
    const all = new Set(Array.from({ length: 10_000 }, (_none, n) => inWords(n, language)));
    assert.is(all.size, 10_000);
    assert.not.ok([...all].some((text) => /undefined|NaN/.test(text)));
  }
});
numbers.run();

const HOME: ClientView = {
  ...{ address: nodeOf(1).address, state: 'active', configured: false },
  today: { rx_bytes: 1, tx_bytes: 2 },
  month: { rx_bytes: 3, tx_bytes: 4 },
};
const csv = suite('homes as CSV');
csv('have a line each, and a column for all that one of them has', () => {
  const text = homesAsCsv([
    HOME,
    { ...HOME, name: 'Ann, "the first"\nof all', limits: { quota_mb: 5 }, ports: { first: 1024, last: 2047 } },
  ]);
  assert.is(text[0], '\ufeff');
  assert.equal(text.slice(1).split('\r\n'), [
    'address,state,configured,today_rx_bytes,today_tx_bytes,month_rx_bytes,month_tx_bytes,name,limits_quota_mb,ports_first,ports_last',
    `${HOME.address},active,false,1,2,3,4,,,,`,
    `${HOME.address},active,false,1,2,3,4,"Ann, ""the first""\nof all",5,1024,2047`,
    '',
  ]);
});
csv('begin with nothing that a spreadsheet would run', () => {
  for (const name of ['=1+1', '+49 30', '-1', '@x', '\t=1', '\r=1']) {
    const [, line] = homesAsCsv([{ ...HOME, name }]).split('\r\n');
    assert.ok(line!.includes(`,"'${name}"`), line);
  }
});
csv.run();
