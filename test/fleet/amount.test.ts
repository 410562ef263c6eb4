import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.ts';
import { formatBytes, formatLimits, parseMoment, parseSpan, sparkline } from '../../src/fleet/amount.ts';
import { csvLine, parseCsvLine } from '../../src/fleet/csv.ts';
import { homeAddress, parseHomes, portions } from '../../src/fleet/homes.ts';
import { nodeOf } from '../support/node-key.ts';

const amounts = suite('amounts');
amounts('of bytes have three figures at most, and no unit too small', () => {
  for (const [bytes, text] of [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [9949, '9.9 kB'],
    [9950, '10 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [1.4e9, '1.4 GB'],
    [2 ** 53, '9.0 PB'],
  ] as const)
    assert.is(formatBytes(bytes), text);
});
amounts('of time are read with and without a unit', () => {
  for (const [text, seconds] of [
    ['0', 0],
    ['90', 90],
    ['15m', 900],
    ['2h', 7200],
    ['3d', 259_200],
    ['1w', 604_800],
  ] as const)
    assert.is(parseSpan('in', text), seconds);
  for (const text of ['', '-1', '1.5h', '1 h', 'h', '1y', '1e9'])
    assert.throws(
      () => parseSpan('in', text),
      (error: Error) => error instanceof InputError && /^in: expected/.test(error.message),
      text,
    );
});
amounts('are moments of one zone, whatever that of this machine is', () => {
  const day = Date.UTC(2026, 2, 1) / 1000;
  for (const [text, seconds] of [
    ['2026-03-01', day],
    ['2026-03-01T14:05', day + 14 * 3600 + 300],
    ['2026-03-01 14:05:09', day + 14 * 3600 + 309],
    ['2026-03-01T14:05Z', day + 14 * 3600 + 300],
    ['2026-03-01T14:05+01:00', day + 13 * 3600 + 300],
    ['1772373900', 1_772_373_900],
  ] as const)
    assert.is(parseMoment('--at', text), seconds, text);
  for (const text of ['yesterday', '2026-13-01', '2026-03-01T25:00', '14:05', '', '1'])
    assert.throws(() => parseMoment('--at', text), /--at: expected a moment/, text);
});
amounts('of homes are said in words, none as any', () => {
  assert.is(formatLimits({}), '');
  assert.is(
    formatLimits({ quota_mb: 50_000, down_kbits: 4000, flows: 100 }),
    '50 GB a month, 4000 kbit/s down, 100 connections',
  );
  assert.is(formatLimits({ quota_mb: 0, up_kbits: 0 }), 'any volume, any speed up');
});
amounts('in a row are bars', () => {
  assert.is(sparkline([0, 1, 8, 4]), ' ▂█▅');
  assert.equal([sparkline([]), sparkline([0, 0])], ['', '  ']);
});
amounts.run();

const csv = suite('CSV');
csv('is quoted where it must be, and read back', () => {
  const cells = ['a', 'b,c', 'd"e', '', 'ä', 7, true, undefined];
  const line = csvLine(cells);
  assert.is(line, 'a,"b,c","d""e",,ä,7,true,');
  assert.equal(parseCsvLine(line), ['a', 'b,c', 'd"e', '', 'ä', '7', 'true', '']);
});
csv('calculates nothing, and moves no cursor', () => {
  for (const text of ['=1+1', '+1', '-1', '@SUM(A1)']) assert.is(csvLine([text]), `'${text}`);
  assert.is(csvLine(['\u001b[2J\u202ex\ny']), '?[2J?x y');
  assert.is(csvLine([-1]), '-1', '~> a number is one');
});
csv.run();

const [ANN, BOB] = [nodeOf(1), nodeOf(2)];
const homes = suite('homes in a file');
homes('are addresses and keys, one a line, each once', () => {
  const text = `# spring\n\n${ANN.address}\r\n${BOB.key.toUpperCase()}\n  ${ANN.key}\n`;
  assert.equal(parseHomes(text), [ANN.address, BOB.address]);
});
homes('are the column address of CSV, else the first', () => {
  assert.equal(parseHomes(`name,address\n"Ann, the first",${ANN.address}\n`), [ANN.address]);
  assert.equal(parseHomes(`\ufeffAddress;state\n${ANN.address};active\n`), [ANN.address]);
  assert.equal(parseHomes(`${ANN.address},active\n`), [ANN.address]);
});
homes('are all good, or none is taken', () => {
  for (const [text, why] of [
    ['', /expected at least one home/],
    ['# nothing', /expected at least one home/],
    [`${ANN.address}\n300:1::1\n`, /line 2: expected the address of a node .*300:1::1/],
    ['10.0.0.1', /line 1/],
    [`address\n${ANN.address}\nx\u001b[2J`, /line 3: .*x\?/],
  ] as const)
    assert.throws(() => parseHomes(text), why);
});
homes('go in portions that a signed command has room for', () => {
  const all = Array.from({ length: 400 }, () => '2ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff');
  const parts = portions(all);
  assert.equal(
    parts.map(({ length }) => length),
    [150, 150, 100],
  );
  const reason = 'ä'.repeat(256);
  assert.ok(
    Buffer.byteLength(JSON.stringify({ addresses: parts[0], reason })) < 7400,
    '~> beside its frame and four signatures',
  );
});
homes('are known by address or key', () => {
  assert.equal([homeAddress(ANN.key), homeAddress(ANN.address)], [ANN.address, ANN.address]);
  for (const text of ['ann', '10.0.0.1', '300::1', '', 'f'.repeat(63)]) assert.is(homeAddress(text), undefined, text);
});
homes.run();
