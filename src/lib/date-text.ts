// Moments as text: RFC 3339 in JSON, and the date of HTTP.

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:Z|([+-])(\d\d):(\d\d))$/;
const HTTP = /^[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT$/;
const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec';

/** Whole seconds since 1970 of an RFC 3339 text; `undefined` of what is none. */
export function parseRfc3339(text: string): number | undefined {
  const found = RFC3339.exec(text);
  if (!found) return undefined;
  const [year = 0, month = 0, day, hour, minute, second] = found.slice(1, 7).map(Number);
  const [sign, hours, minutes] = found.slice(7);
  const offsetS = sign === undefined ? 0 : (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -60 : 60);
  const date = new Date(0);
  // by setters, for a year below 100 is not one of the last century here
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour!, minute, second, 0);
  return date.getTime() / 1000 - offsetS;
}

/** The RFC 3339 text of a moment, in UTC and whole seconds. */
export function formatRfc3339(unixS: number): string {
  return new Date(unixS * 1000).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Whole seconds since 1970 of an HTTP date; `undefined` of what is none. Source: RFC 9110, section 5.6.7. */
export function parseHttpDate(text: string): number | undefined {
  const [, day, name = '', year, ...time] = HTTP.exec(text) ?? [];
  const month = MONTHS.indexOf(name) / 3;
  if (name === '' || !Number.isInteger(month) || month < 0) return undefined;
  const [hour, minute, second] = time.map(Number);
  return Date.UTC(Number(year), month, Number(day), hour, minute, second) / 1000;
}
