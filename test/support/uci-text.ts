// Texts that are UCI files, or nearly: a table of the format's corners, and a generator of random ones.

/** Accepted by libuci. */
export const ACCEPTED: readonly string[] = [
  '',
  '\n',
  ' \t\v\f\r\n',
  '# only a comment',
  '   # an indented one\n',
  'config a',
  'config a\n',
  'config a b',
  "config 'a' 'b'\n",
  'config "a" "b"\n',
  '\tconfig\ta\tb\t\n',
  'config a b\r\n\toption x y\r\n',
  'c a b\no x y\nl z 1\nl z 2\n',
  'package p\nconfig a b\n',
  'p my-package\n',
  'config a b\npackage p\noption x y\n',
  'config a b # comment\noption x y # comment\n',
  'config a #comment\n',
  'config a b#c\n',
  'config a.b-c/d\n',
  "config 'a#b' c\n",
  "config '\"' c\n",
  "config a b\noption x 'a b'\n",
  'config a b\noption x "a b"\n',
  'config a b\noption x a\\ b\n',
  'config a b\noption x a\\\\b\n',
  'config a b\noption x "a\\"b"\n',
  'config a b\noption x "a\\nb"\n',
  "config a b\noption x 'a\\nb'\n",
  "config a b\noption x 'it'\\''s'\n",
  'config a b\noption x \'a\'"b"c\n',
  "config a b\noption x ''\n",
  "config a b\noption x 1\noption x ''\n",
  'config a b\noption x\n',
  'config a b\noption x 1\noption x 2\n',
  'config a b\noption x 1\noption y 2\noption x 333\n',
  'config a b\noption x 1\nlist x 2\n',
  'config a b\nlist x 1\noption x 2\n',
  'config a b\nlist x\n',
  "config a b\nlist x ''\nlist x 1\n",
  "config a b\noption x 'one\ntwo'\noption y 1\n",
  'config a b\noption x "one\ntwo\n"\n',
  'config a b\noption x "one\\\ntwo"\n',
  'config a b\noption x "one\\\r\ntwo"\n',
  'config a b\noption x one\\\ntwo\n',
  'config a b\noption x one\\\r\ntwo\n',
  'config a b\noption x one\\\n',
  'config a b\noption x one\\',
  'config a b\noption x one\\\n\noption y 1\n',
  'config a b\noption x one\\\n # two\n',
  'config a b\noption x one#two\n',
  "config a b\noption x 'one'#two\n",
  'config a b\noption x 1;option y 2\n',
  "config a b\noption x '1';option y 2\n",
  "config a b\noption x '1' ; option y '2'\n",
  'config a b\noption x 1 ; option y 2\n',
  'config a b\noption x 1;\n',
  "config a b\noption x '1'; # comment\n",
  "config a b\noption x '1' ;",
  'config a b\noption x ;\\\n',
  'config a b;option x 1\n',
  "config a 'b';option x 1\n",
  'config a;option x 1\n',
  "config a b\noption x 1 ''\n",
  "config a b\noption x 1 '' c d\n",
  'config a b\nconfig a b\n',
  'config a b\noption x 1\nconfig a c\nconfig a b\noption y 2\nlist x 3\n',
  'config a\nconfig a\nconfig bb\nconfig a\n',
  'config a\noption x 1\nconfig a cfg01b606\noption x 2\n',
  'config cfg02b606 cfg02b606\nconfig a\nconfig cfg02b606 cfg02b606\noption x 1\n',
  'config a b\noption x h\u00f6me\n',
  'config a b\noption x a\vb\n'.replace('a\vb', "'a\vb'"),
  'config a b\noption x \u0001\n',
  'config a b\noption __proto__ x\noption constructor y\n',
  `config a b\noption x ${'y'.repeat(5000)}\n`,
];

/** Refused by libuci, with the line and column at which we say so, and a part of what we say. */
export const REFUSED: readonly (readonly [text: string, line: number, column: number, message: string])[] = [
  ['config', 1, 7, 'got the end of the file'],
  ['config\n', 1, 1, 'expected config, option, list or package, got "config"'],
  ['config \n', 1, 8, "expected the section's type, got nothing"],
  ['config # a\n', 1, 8, "expected the section's type"],
  ['config\va\n', 1, 1, 'expected config, option'],
  ['Config a\n', 1, 1, 'got "Config"'],
  ['conf a\n', 1, 1, 'got "conf"'],
  ['"config" a\n', 1, 1, 'got "\\"config\\""'],
  ['garbage\n', 1, 1, 'got "garbage"'],
  ['{"a":1}\n', 1, 1, 'got "{\\"a\\":1}"'],
  ["config ''\n", 1, 8, "expected the section's type"],
  ["config 'a b'\n", 1, 8, 'printable ASCII, got "a b"'],
  ['config h\u00f6me\n', 1, 8, 'printable ASCII'],
  ['config a b c\n', 1, 12, 'expected the end of the line, got "c"'],
  ['config a b-c\n', 1, 10, 'section name of letters, digits and _, got "b-c"'],
  ['config a b.c\n', 1, 10, 'got "b.c"'],
  ["config a 'b c'\n", 1, 10, 'got "b c"'],
  ['config a h\u00f6me\n', 1, 10, 'section name'],
  ['config a @b[0]\n', 1, 10, 'section name'],
  ['config a b\nconfig c b\n', 2, 10, 'expected type "a" as in line 1, got "c"'],
  ['config a\nconfig b cfg01b606\n', 2, 10, 'expected type "a"'],
  ['option x y\n', 1, 1, 'expected config first, got option'],
  ['list x y\n', 1, 1, 'expected config first, got list'],
  ['# c\n\n  option x y\n', 3, 3, 'expected config first'],
  ['package p\noption x y\n', 2, 1, 'expected config first'],
  ['config a b\noption', 2, 7, 'expected an argument after option'],
  ['config a b\noption\n', 2, 1, 'got "option"'],
  ['config a b\noption \n', 2, 8, "expected the option's name"],
  ['config a b\nlist ', 2, 6, "expected the option's name"],
  ["config a b\noption '' x\n", 2, 8, "expected the option's name"],
  ['config a b\noption x-y z\n', 2, 8, 'option name of letters, digits and _, got "x-y"'],
  ['config a b\noption x y z\n', 2, 12, 'expected the end of the line, got "z"'],
  ["config a b\noption x 'y' z\n", 2, 14, 'got "z"'],
  ['config a b\noption x = y\n', 2, 12, 'got "y"'],
  ["config a b\noption x 'y\n", 2, 10, "expected a closing ', got the end of the file"],
  ['config a b\noption x "y\n\n\n', 2, 10, 'expected a closing "'],
  ['config a b\noption x "y\\"', 2, 10, 'expected a closing "'],
  ['config a b\noption x "y\\', 2, 10, 'expected a closing "'],
  ["config a b\noption x it's\n", 2, 12, "expected a closing '"],
  ["config a b\noption x y' z\n", 2, 11, "expected a closing '"],
  ['config a b\noption x \\\n  y\n', 3, 3, 'expected the end of the line, got "y"'],
  ['config a b\noption x ; option y 2\n', 2, 12, 'got "option"'],
  ["config a b\noption 'x';y\n", 2, 12, 'got "y"'],
  ["config 'a';option x 1\n", 1, 12, 'got "option"'],
  ['config ;\n', 1, 8, "expected the section's type"],
  ["config a b\noption x '1';\n", 2, 14, 'got "\\n"'],
  ["config a b\noption x '1' ; \n", 2, 16, 'got "\\n"'],
  [';\n', 1, 1, 'got ";"'],
  ['package\n', 1, 1, 'got "package"'],
  ['package \n', 1, 9, "expected the package's name"],
  ['package a.b\n', 1, 9, 'expected a package name of letters, digits, _ and -, got "a.b"'],
  ['package a b\n', 1, 11, 'got "b"'],
  ["config a b\noption x 1 '' c\n", 2, 15, 'got "c"'],
  ['\ufeffconfig a b\n', 1, 1, 'expected config, option'],
];

const PIECES = [
  ...[
    'config ',
    'option ',
    'list ',
    'package ',
    'c ',
    'o ',
    'l ',
    'p ',
    'config',
    '\nconfig ',
    '\noption ',
    '\n\tlist ',
  ],
  ...['a', 'b', 'x', 'y', 'name', 'cfg01b606', 'cfg02b606', '1', '-', '.', '\u00f6'],
  ...[' ', ' ', ' ', '\t', '\n', '\n', '\n', '\r\n', '\r', '\v', '\f'],
  ...["'", "'", '"', '"', "''", '""', '\\', '\\\n', '\\\r\n', ';', '#', ' ; ', '\\"', "'\\''"],
];

/** A random text: mostly sections and options as people write them, disturbed here and there; sometimes mere pieces. */
export function randomUciText(random: () => number): string {
  const pick = (list: readonly string[]): string => list[Math.floor(random() * list.length)]!;
  const soup = (most: number): string => {
    let text = '';
    for (let n = Math.floor(random() * most); n > 0; n--) text += pick(PIECES);
    return text;
  };
  if (random() < 0.2) return soup(24);
  const disturb = (rare: number): string => (random() < rare ? soup(4) : '');
  const word = (): string => pick(['a', 'b', 'x', 'y', 'name', 'x1', 'long_name']);
  const value = (): string => {
    const raw = `${word()}${disturb(0.05)}`;
    return pick([
      raw,
      `'${raw}'`,
      `"${raw}"`,
      `'${word()} ${raw}'`,
      `'${word()}\n${raw}'`,
      `"${word()}\\\n${word()}"`,
      "''",
    ]);
  };
  let text = '';
  for (let sections = Math.floor(random() * 5); sections >= 0; sections--) {
    text += `${disturb(0.05)}config ${pick(['a', 'a', 'b', "'c'"])}${random() < 0.6 ? ` ${value()}` : ''}${disturb(0.02)}\n`;
    for (let options = Math.floor(random() * 4); options > 0; options--) {
      const end = pick(['\n', '\n', '\n', '\n', ' # comment\n', '; ', ' ;', '\r\n', '\n\n', '\n# comment\n']);
      text += `${pick(['\t', ' ', ''])}${pick(['option', 'option', 'list'])} ${word()} ${value()}${disturb(0.02)}${end}`;
    }
    text += pick(['\n', '\n', '', '# comment\n']);
  }
  return text;
}
