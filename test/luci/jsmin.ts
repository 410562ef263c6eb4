// A minifier with the limits of the one that the SDK sends our views through: no grammar, only the last character and the next.
//
// It keeps a blank or a line end only where two names, or a name and what may continue it, would run together; it takes a slash for
// the start of a regular expression only after some punctuation; a template literal ends at the next back quote.
// Source: the description of JSMin by D. Crockford, and how luci-base's src/jsmin.c behaves.

/** After these, a slash begins a regular expression. */
const BEFORE_REGEXP = '(,=:[!&|?+-~*/{};';
const OPENS_AFTER_LINE = '{[(+-!~';
const CLOSES_BEFORE_LINE = '}])+-"\'`';

function isNameCharacter(char: string): boolean {
  return /[\w$\\]/.test(char) || char > '~';
}

/** Length of the string that begins at `start`, quotes included. */
function stringLength(code: string, start: number): number {
  for (let i = start + 1; i < code.length; i++) {
    if (code[i] === '\\') i++;
    else if (code[i] === code[start]) return i + 1 - start;
  }
  throw new Error(`unterminated string at ${start}: ${code.slice(start, start + 30)}`);
}

function regExpLength(code: string, start: number): number {
  let inSet = false;
  for (let i = start + 1; i < code.length; i++) {
    if (code[i] === '\\') i++;
    else if (code[i] === '[') inSet = true;
    else if (code[i] === ']') inSet = false;
    else if (code[i] === '/' && !inSet) {
      if (/[/*]/.test(code[i + 1] ?? '')) throw new Error(`regular expression before a comment at ${i}`);
      return i + 1 - start;
    }
  }
  throw new Error(`unterminated regular expression at ${start}`);
}

/** Strings, regular expressions and single characters; a comment is a blank, blanks and line ends are one of either. */
function tokens(code: string): string[] {
  const found: string[] = [];
  let previous = ';';
  for (let i = 0; i < code.length; ) {
    const char = code[i]!;
    let length = 1;
    if (code.startsWith('//', i)) length = (code.indexOf('\n', i) + 1 || code.length + 1) - 1 - i;
    else if (code.startsWith('/*', i)) {
      const end = code.indexOf('*/', i + 2);
      if (end < 0) throw new Error(`unterminated comment at ${i}`);
      length = end + 2 - i;
    } else if (`'"\``.includes(char)) length = stringLength(code, i);
    else if (char === '/' && BEFORE_REGEXP.includes(previous)) length = regExpLength(code, i);
    const isBlank = char <= ' ' || (length > 1 && /^\/[/*]/.test(code.slice(i, i + 2)));
    if (!isBlank) {
      found.push(code.slice(i, i + length));
      previous = found.at(-1)!.at(-1)!;
    } else if (found.at(-1)?.trim() !== '') found.push(char === '\n' ? '\n' : ' ');
    else if (char === '\n') found[found.length - 1] = '\n';
    i += length;
  }
  return found;
}

/** Minifies as the SDK does. @throws Error where it would refuse. */
export function jsmin(code: string): string {
  const all = tokens(code);
  return all
    .filter((token, i) => {
      if (token.trim() !== '') return true;
      const before = all[i - 1]?.at(-1);
      const after = all[i + 1]?.[0];
      if (before === undefined || after === undefined) return false;
      const joins = isNameCharacter(before) && isNameCharacter(after);
      if (token === ' ') return joins || ('+-*/'.includes(before) && '+-*/'.includes(after));
      return (
        (isNameCharacter(before) || CLOSES_BEFORE_LINE.includes(before)) &&
        (isNameCharacter(after) || OPENS_AFTER_LINE.includes(after))
      );
    })
    .join('');
}
