import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { Logger } from '../../src/log.ts';
import { ClientLedger, LEDGER_DAYS } from '../../src/mesh/client-ledger.ts';
import { LedgerFile } from '../../src/system/ledger-file.ts';
import { MemoryFiles } from '../support/files.ts';
import { nodeOf } from '../support/node-key.ts';

const DAY_S = 86_400;
/** Noon of 15 January 2027. */
const NOON = Date.UTC(2027, 0, 15, 12) / 1000;
const [ANN, BOB] = [nodeOf(1).address, nodeOf(2).address];
const use = (rx_bytes: number, tx_bytes = 0) => ({ rx_bytes, tx_bytes });

const ledger = suite('ClientLedger');
ledger('counts today and this month, of each home and of all', () => {
  const book = new ClientLedger(undefined);
  book.add(ANN, use(10, 1), NOON);
  book.add(ANN, use(5), NOON + 60);
  book.add(BOB, use(100), NOON + 60);
  book.add(ANN, use(7), NOON + DAY_S);
  assert.equal(book.of(ANN), { today: use(7), month: use(22, 1) });
  assert.equal(book.of(BOB), { today: use(0), month: use(100) });
  assert.equal(book.all(), { today: use(7), month: use(122, 1), days: [use(115, 1), use(7)] });
});
ledger('begins a month anew, forgets homes that were not there, and keeps empty days', () => {
  const book = new ClientLedger(undefined);
  book.add(ANN, use(10), NOON);
  book.add(BOB, use(10), NOON + 17 * DAY_S);
  assert.equal(book.of(ANN), { today: use(0), month: use(0) });
  assert.equal(book.of(BOB), { today: use(10), month: use(10) });
  assert.is(book.all().days.length, 18);
  assert.equal(Object.keys(book.record().clients), [BOB]);
});
ledger('keeps 90 days, however long nobody came', () => {
  const book = new ClientLedger(undefined);
  for (let day = 0; day < 200; day++) book.add(ANN, use(day), NOON + day * DAY_S);
  const { days } = book.all();
  assert.is(days.length, LEDGER_DAYS);
  assert.equal([days[0], days.at(-1)], [use(110), use(199)]);
  book.turn(NOON + 5000 * DAY_S);
  assert.equal(book.all().days, Array(LEDGER_DAYS).fill(use(0)));
});
ledger('gives what came by a wrong clock to the day on which it became right', () => {
  const book = new ClientLedger(undefined);
  book.add(ANN, use(10), undefined);
  book.add(ANN, use(1), NOON);
  assert.equal(book.of(ANN), { today: use(11), month: use(11) });
  // an hour back over midnight: not another day, and not a day twice
  const late = new ClientLedger(undefined);
  late.add(ANN, use(1), NOON + DAY_S / 2);
  late.add(ANN, use(1), NOON + DAY_S / 2 - 3600);
  late.add(ANN, use(1), NOON + DAY_S / 2);
  assert.equal(late.all().today, use(3));
});
ledger('goes on from what it has when the clock was days ahead for a moment', () => {
  const book = new ClientLedger(undefined);
  for (let day = 0; day < 5; day++) book.add(ANN, use(day + 1), NOON + day * DAY_S);
  book.turn(NOON + 9 * DAY_S);
  book.turn(NOON + 5 * DAY_S);
  book.add(ANN, use(7), NOON + 5 * DAY_S);
  const { days } = book.all();
  assert.equal([days.length, days.slice(0, 5), days.at(-1)], [10, [1, 2, 3, 4, 5].map((bytes) => use(bytes)), use(7)]);
});
ledger('adds what other gateways counted this month, each once, and forgets it with the month', () => {
  const book = new ClientLedger(undefined);
  book.add(ANN, use(10, 1), NOON);
  book.setElsewhere('north', ANN, use(100, 5));
  book.setElsewhere('north', ANN, use(200, 6));
  book.setElsewhere('south', ANN, use(1000, 0));
  assert.equal(book.elsewhere(ANN), use(1200, 6));
  assert.is(book.monthBytes(ANN), 1217);
  assert.equal([book.atOther('north', ANN), book.atOther('south', BOB)], [use(200, 6), undefined]);
  assert.equal([...book.months()], [[ANN, use(10, 1)]]);
  assert.equal([book.elsewhere(BOB), book.monthBytes(BOB)], [undefined, 0]);
  book.setElsewhere('north', ANN, undefined);
  assert.is(book.monthBytes(ANN), 1011);
  book.turn(NOON + DAY_S);
  assert.is(book.monthBytes(ANN), 1011);
  book.turn(NOON + 17 * DAY_S);
  assert.equal([book.elsewhere(ANN), book.monthBytes(ANN)], [undefined, 0]);
});
ledger('keeps of other gateways no more than it has room for', () => {
  const book = new ClientLedger(undefined);
  for (let i = 0; i < 20; i++) book.setElsewhere(`gateway ${i}`, ANN, use(1));
  assert.is(book.monthBytes(ANN), 16);
  for (let i = 0; i < 8200; i++) book.setElsewhere('gateway 0', `200::${i.toString(16)}`, use(1));
  assert.equal([book.monthBytes('200::1ffe'), book.monthBytes('200::2004')], [1, 0]);
});
ledger('knows when the next month begins', () => {
  const book = new ClientLedger(undefined);
  assert.is(book.nextMonth, undefined);
  book.turn(NOON);
  assert.is(book.nextMonth, '2027-02-01');
  book.turn(Date.UTC(2027, 11, 31, 23, 59) / 1000);
  assert.is(book.nextMonth, '2028-01-01');
});
ledger('makes room for a new home where one used least', () => {
  const book = new ClientLedger(undefined);
  for (let i = 0; i < 8192; i++) book.add(`200::${i.toString(16)}`, use(i + 2), NOON);
  book.add(ANN, use(1), NOON);
  assert.equal(book.of(ANN).month, use(1));
  assert.equal(book.of('200::0').month, use(0));
  assert.equal(book.of('200::1').month, use(3));
});
ledger.run();

const DIRECTORY = '/etc/meshbridge/clients';
const PATH = `${DIRECTORY}/use.json`;
function make(files = new MemoryFiles()) {
  const lines: string[] = [];
  return {
    files,
    lines,
    file: new LedgerFile(files, DIRECTORY, new Logger((line) => lines.push(line)).scope('registrar')),
  };
}
const file = suite('LedgerFile');
file('keeps the book as it is', () => {
  const { file, files } = make();
  const book = new ClientLedger(undefined);
  book.add(ANN, use(10, 1), NOON);
  book.add(BOB, use(1), NOON + DAY_S);
  assert.is(book.isDirty, true);
  file.save(book.record());
  assert.is(book.isDirty, false);
  const again = new ClientLedger(make(files).file.load());
  assert.equal([again.all(), again.of(ANN), again.of(BOB)], [book.all(), book.of(ANN), book.of(BOB)]);
  again.add(ANN, use(1), NOON + DAY_S);
  assert.equal(again.all().today, use(2));
});
file('takes a hundred homes for less than 10 KB', () => {
  const { file, files } = make();
  const book = new ClientLedger(undefined);
  for (let i = 0; i < 100; i++) book.add(nodeOf(i).address, use(123_456_789_012, 1_234_567_890), NOON);
  file.save(book.record());
  assert.ok(files.all.get(PATH)!.bytes.length < 10_000, `~> ${files.all.get(PATH)!.bytes.length}`);
});
file('begins anew, and says so, where it finds something else', () => {
  for (const text of ['', '[]', '{"days":7}', '{"day":-1,"days":[]}', 'x'.repeat(100)]) {
    const { file, files, lines } = make();
    files.write(PATH, encodeUtf8(text), 0o600);
    assert.is(file.load(), undefined, text);
    assert.match(lines.join(), /use of homes not read/);
  }
  const { file, files } = make();
  const odd = { day: 7, days: [1, 2, 3], clients: { x: [1, 2, 3, 4], [ANN]: [1, 2, 3], [BOB]: [1, 2, 3, 4] } };
  files.write(PATH, encodeUtf8(JSON.stringify(odd)), 0o600);
  assert.equal(file.load(), { day: 7, days: [], clients: { [BOB]: [1, 2, 3, 4] } });
});
file.run();
