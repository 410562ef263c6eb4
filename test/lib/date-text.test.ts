import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatRfc3339, parseHttpDate, parseRfc3339 } from '../../src/lib/date-text.ts';

const AT = Date.UTC(2026, 10, 23, 18, 58, 9) / 1000;

const rfc3339 = suite('parseRfc3339 and formatRfc3339');
for (const [text, unixS] of [
  ['2026-11-23T18:58:09Z', AT],
  ['2026-11-23T18:58:09.487220698Z', AT],
  ['2026-11-23T19:58:09+01:00', AT],
  ['2026-11-23T13:28:09-05:30', AT],
  ['1970-01-01T00:00:00Z', 0],
  ['0001-01-01T00:00:00Z', -62_135_596_800],
] as const)
  rfc3339(`read ${text}`, () => assert.is(parseRfc3339(text), unixS));
for (const text of ['', '2026-11-23', '2026-11-23 18:58:09Z', '2026-11-23T18:58:09', '2026-11-23T18:58:09.Z', 'now'])
  rfc3339(`refuse "${text}"`, () => assert.is(parseRfc3339(text), undefined));
rfc3339('write what they read', () => {
  assert.is(formatRfc3339(AT), '2026-11-23T18:58:09Z');
  assert.is(parseRfc3339(formatRfc3339(AT)), AT);
});
rfc3339.run();

// ---

const http = suite('parseHttpDate');
http('reads the date of an answer', () => assert.is(parseHttpDate('Mon, 23 Nov 2026 18:58:09 GMT'), AT));
for (const text of [
  '',
  'Mon, 23 Nov 2026 18:58:09 CET',
  'Mon, 23 Abc 2026 18:58:09 GMT',
  'Mon, 23 anF 2026 18:58:09 GMT',
  '23 Nov 2026',
])
  http(`refuses "${text}"`, () => assert.is(parseHttpDate(text), undefined));
http.run();
