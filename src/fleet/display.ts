// Text of strangers on a terminal: made harmless, measured in columns, cut to fit. And values as people read them.

/** Controls, invisible and private characters, line separators, and the letters and signs that show nothing. */
const HARMFUL = /[\p{C}\p{Zl}\p{Zp}\u115f\u1160\u2800\u3164\uffa0]/gu;
/** Marks that pile up on one letter reach into other lines. */
const PILE = /(\p{M}{2})\p{M}+/gu;
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;
const HALF_WIDTH = /[\uff61-\uffdc]/;

/** A text of any origin as it may be printed: one line, no escape sequence, nothing that hides or reorders what stands beside it. */
export function clean(text: string): string {
  return text
    .replace(/[\t\n\r]+/g, ' ')
    .replace(HARMFUL, '?')
    .replace(/\p{Zs}/gu, ' ')
    .replace(PILE, '$1');
}

/** Columns of a terminal that a clean text takes. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const char of text) {
    if (/^[ -~]$/.test(char)) columns += 1;
    else if (!/\p{M}/u.test(char)) columns += WIDE.test(char) && !HALF_WIDTH.test(char) ? 2 : 1;
  }
  return columns;
}

/** A clean text of at most so many columns; what is cut ends in `…`. */
export function shorten(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let short = '';
  let taken = 0;
  for (const char of text) {
    taken += columnsOf(char);
    if (taken > columns - 1) break;
    short += char;
  }
  return columns > 0 ? `${short}…` : '';
}

/** A clean text of exactly so many columns. */
export function fit(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const short = shorten(text, columns);
  const blank = ' '.repeat(Math.max(0, columns - columnsOf(short)));
  return align === 'left' ? short + blank : blank + short;
}

/** JSON that a terminal may be shown: JSON.stringify leaves C1 controls and invisible characters as they are. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(/[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (char) =>
    [...char]
      .flatMap((one) => Array.from({ length: one.length }, (_, at) => one.charCodeAt(at)))
      .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

/** A duration in seconds as two figures or three: `8s`, `14m`, `3h`, `12d`. */
export function formatAge(seconds: number): string {
  if (seconds < 100) return `${Math.max(0, Math.floor(seconds))}s`;
  if (seconds < 6000) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** A moment in Unix seconds as a day and a time in UTC: `2026-03-01 14:05`. */
export function formatTime(unix_s: number): string {
  const date = new Date(unix_s * 1000);
  return Number.isNaN(date.getTime()) ? 'no time' : `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** Things with their number: `1 node`, `3 nodes`. */
export function count(number: number, thing: string, things = `${thing}s`): string {
  return `${number} ${number === 1 ? thing : things}`;
}
