import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.ts';
import {
  addSection,
  formatUci,
  isUciName,
  isUciType,
  MAX_UCI_LENGTH,
  MAX_UCI_SECTIONS,
  MAX_UCI_VALUE,
  parseUci,
  removeOption,
  removeSection,
  setList,
  setOption,
  UciError,
  type UciPackage,
} from '../../src/lib/uci.ts';
import { seededRandom } from '../support/random.ts';
import { ACCEPTED, REFUSED, randomUciText } from '../support/uci-text.ts';

/** A tree without its line numbers: `[type, name, [option, value]...]`, anonymous sections without name. */
function plain(tree: UciPackage): unknown[] {
  return tree.sections.map((section) => [
    section.type,
    section.anonymous ? '' : section.name,
    ...[...section.options].map(([name, { value }]) => [name, value]),
  ]);
}

function read(text: string): unknown[] {
  return plain(parseUci(text));
}

/** Trees of texts that parse, and whose sections can all be edited. */
function randomTexts(seed: number, count: number): string[] {
  const random = seededRandom(seed);
  const texts: string[] = [];
  while (texts.length < count) {
    const text = `${randomUciText(random)}\n`;
    try {
      if (parseUci(text).sections.length > 0) texts.push(text);
    } catch (error) {
      assert.instance(error, UciError);
    }
  }
  return texts;
}

const VALUES: [string, string | string[]][] = [
  ['option x y', 'y'],
  ["option x 'a b'", 'a b'],
  ['option x "a b"', 'a b'],
  ['option x \'a\'" b"\\ c', 'a b c'],
  ["option x 'it'\\''s'", "it's"],
  ['option x "say \\"hi\\""', 'say "hi"'],
  ["option x '\\n'", '\\n'],
  ['option x "\\n"', 'n'],
  ["option x 'one\n\ttwo'", 'one\n\ttwo'],
  ['option x "one\\\ntwo"', 'onetwo'],
  ['option x one\\\r\ntwo', 'onetwo'],
  ['option x tcp://host:1#2 3', 'tcp://host:1'],
  ['option x 1;option x 2', '1'],
  ["option x '1';option x 2", '2'],
  ['option x 1\noption x 2', '2'],
  ["option x 1\noption x ''", '1'],
  ['option x 1\nlist x 2', ['1', '2']],
  ['list x 1\noption x 2', '2'],
  ["list x ''\nlist x 1", ['', '1']],
  ['list x', ['']],
  ['option x höme', 'höme'],
];

const parse = suite('parseUci');
for (const text of ACCEPTED)
  parse(`accepts ${JSON.stringify(text).slice(0, 80)}`, () => {
    assert.equal(read(formatUci(parseUci(text))), read(text), '~> printed and read again');
  });
for (const [text, line, column, message] of REFUSED)
  parse(`refuses ${JSON.stringify(text)}`, () => {
    try {
      parseUci(text);
    } catch (error) {
      assert.instance(error, UciError);
      const { message: said, ...at } = error as UciError;
      assert.ok(said.startsWith(`line ${line}: `) && said.includes(message), `~> ${said}`);
      assert.is(`${at.line}:${at.column}`, `${line}:${column}`, `~> ${said}`);
      return;
    }
    assert.unreachable('~> accepted');
  });
for (const [text, value] of VALUES)
  parse(`reads ${JSON.stringify(text)}`, () => {
    assert.equal(parseUci(`config a b\n${text}\n`).sections[0]!.options.get('x')!.value, value);
  });
parse('keeps sections and options in order, with their lines', () => {
  const text =
    "# head\nconfig a 'one'\n\toption y 1\n\toption x '2\n3'\n\nconfig a\n\tlist z 1\nconfig a one\n\toption w 4\n\toption y 5\n";
  const { sections } = parseUci(text);
  assert.equal(
    sections.map((s) => [s.name, s.anonymous, s.line]),
    [
      ['one', false, 2],
      ['cfg02b606', true, 7],
    ],
  );
  assert.equal(
    [...sections[0]!.options].map(([name, { value, line }]) => [name, value, line]),
    [
      ['y', '5', 11],
      ['x', '2\n3', 4],
      ['w', '4', 10],
    ],
  );
});
parse('reads one character a byte and leaves it as it is', () => {
  assert.equal(read('config a b\noption x \u00c3\u00b6\u00ff\u00a0\u0085\n'), [
    ['a', 'b', ['x', '\u00c3\u00b6\u00ff\u00a0\u0085']],
  ]);
});
parse('refuses a NUL, which libuci takes for the end of its line', () => {
  assert.throws(() => parseUci('config a b\noption x y\0z\n'), /line 2: expected text, got a NUL/);
});
parse('refuses too long a file', () => {
  assert.is(parseUci('#'.repeat(MAX_UCI_LENGTH)).sections.length, 0);
  assert.throws(() => parseUci('#'.repeat(MAX_UCI_LENGTH + 1)), /at most 262144 characters, got 262145/);
});
parse('refuses too many sections', () => {
  assert.is(parseUci('config a\n'.repeat(MAX_UCI_SECTIONS)).sections.length, MAX_UCI_SECTIONS);
  assert.throws(() => parseUci('config a\n'.repeat(MAX_UCI_SECTIONS + 1)), /line 2049: expected at most 2048 sections/);
});
parse('refuses too long a value', () => {
  const text = (length: number): string => `config a b\noption x '${'y'.repeat(length)}'\n`;
  assert.is(parseUci(text(MAX_UCI_VALUE)).sections.length, 1);
  assert.throws(() => parseUci(text(MAX_UCI_VALUE + 1)), /line 2: expected an argument of at most 32768 characters/);
});
parse('reads the largest files', () => {
  for (const line of [
    'l z 1\n',
    "o x ''\\''''\n",
    'o x \\\n\n',
    "o x '1';o x '2' \n",
    'o x "\\\n"\n',
    ';',
    '\\',
    "''",
    '\n',
  ]) {
    const text = `config a b\no x ${line.repeat(Math.floor(MAX_UCI_LENGTH / line.length) - 10)}`;
    try {
      assert.is(parseUci(text).sections.length, 1);
    } catch (error) {
      assert.instance(error, UciError);
    }
  }
});
parse.run();

const format = suite('formatUci');
format('writes as uci commit does', () => {
  const text = "package p\nconfig a b # c\n option x \"it's\" \n list z 1\nconfig a\nlist z '2\n3'\n";
  assert.is(
    formatUci(parseUci(text)),
    "\nconfig a 'b'\n\toption x 'it'\\''s'\n\tlist z '1'\n\nconfig a\n\tlist z '2\n3'\n\n",
  );
});
format('writes an empty file as one empty line', () => assert.is(formatUci({ sections: [] }), '\n'));
format('quotes a type that would not be read back', () => {
  assert.is(formatUci(parseUci("config 'a#b' c\n")), "\nconfig 'a#b' 'c'\n\n");
});
format('is read back as the same tree', () => {
  for (const text of randomTexts(3, 300))
    assert.equal(read(formatUci(parseUci(text))), read(text), `~> ${JSON.stringify(text)}`);
});
format.run();

const FILE = `# the network of this house
config interface 'lan'\t# wired
\toption proto static
\t# option ipaddr '192.168.1.1'
\tlist dns 9.9.9.9 # one
\tlist dns 1.1.1.1

config route
	option target "10.0.0.0/8"   # all of it
`;

const add = suite('addSection');
add('appends after a blank line and leaves the rest alone', () => {
  assert.is(
    addSection(FILE, 'peer', undefined, { address: "tcp://it's", key: ['1', '2'] }),
    `${FILE}\nconfig peer\n\toption address 'tcp://it'\\''s'\n\tlist key '1'\n\tlist key '2'\n`,
  );
});
add('keeps the form of a file that uci wrote', () => {
  const text = formatUci(parseUci(FILE));
  const tree = parseUci(text);
  tree.sections.push({
    type: 'peer',
    name: 'p',
    anonymous: false,
    line: 0,
    options: new Map([['x', { value: '1', line: 0 }]]),
  });
  assert.is(addSection(text, 'peer', 'p', { x: '1' }), formatUci(tree));
});
add('begins an empty file', () => {
  assert.is(addSection('', 'a', 'b', {}), "config a 'b'\n");
  assert.is(addSection('\n', 'a', 'b', {}), "\nconfig a 'b'\n\n");
});
add('ends a last line that has no end', () => {
  assert.is(addSection('config a b', 'c', undefined, {}), 'config a b\n\nconfig c\n');
  assert.equal(read(addSection('config a b\noption x 1\\', 'c', undefined, {})), [
    ['a', 'b', ['x', '1']],
    ['c', ''],
  ]);
});
add('adds to every tree', () => {
  for (const text of randomTexts(4, 300)) {
    const result = addSection(text, 'added', 'added', { x: "a'\nb" });
    assert.ok(result.startsWith(text));
    assert.equal(read(result), [...read(text), ['added', 'added', ['x', "a'\nb"]]], `~> ${JSON.stringify(text)}`);
  }
});
const UNFIT: [string, () => string, RegExp][] = [
  ['a taken name', () => addSection(FILE, 'a', 'lan', {}), /section "lan": expected a new name, it is taken/],
  ['a bad name', () => addSection(FILE, 'a', 'b-c', {}), /section name "b-c": expected letters, digits and _/],
  ['an empty name', () => addSection(FILE, 'a', '', {}), /section name ""/],
  ['a bad type', () => addSection(FILE, 'a b', 'c', {}), /section type "a b": expected printable ASCII/],
  ['a bad option name', () => addSection(FILE, 'a', 'b', { 'x y': '1' }), /option name "x y"/],
  ['an empty value', () => addSection(FILE, 'a', 'b', { x: '' }), /option x: expected a value, got none/],
  ['a NUL', () => addSection(FILE, 'a', 'b', { x: ['1', '\0'] }), /option x: expected text, got a NUL/],
  ['too long a value', () => addSection(FILE, 'a', 'b', { x: 'y'.repeat(MAX_UCI_VALUE + 1) }), /at most 32768/],
];
for (const [what, run, message] of UNFIT)
  add(`refuses ${what}`, () => {
    assert.throws(run, (error: Error) => error instanceof InputError && message.test(error.message));
  });
add('refuses what is no UCI file, or would be too long for one', () => {
  assert.throws(() => addSection('garbage', 'a', 'b', {}), /line 1: expected config/);
  assert.throws(() => addSection('#'.repeat(MAX_UCI_LENGTH), 'a', 'b', {}), /at most 262144/);
});
add.run();

const remove = suite('removeSection');
remove('takes the statements and leaves comments of their own', () => {
  assert.is(
    removeSection(FILE, 'lan'),
    '# the network of this house\n\t# option ipaddr \'192.168.1.1\'\n\nconfig route\n\toption target "10.0.0.0/8"   # all of it\n',
  );
});
remove('names anonymous sections as libuci does', () => {
  const { name } = parseUci(FILE).sections[1]!;
  assert.is(removeSection(FILE, name), FILE.slice(0, FILE.indexOf('\nconfig route')));
});
remove('takes every part of a section', () => {
  const text = "config a b\n\toption x 1\n\nconfig a c\n\nconfig a b\n\toption y '2\n3'\n";
  assert.is(removeSection(text, 'b'), 'config a c\n');
});
remove('undoes addSection', () => {
  for (const text of ['', '\n', FILE, formatUci(parseUci(FILE)), ...randomTexts(5, 300)])
    assert.is(removeSection(addSection(text, 'added', 'added', { x: '1', y: ['2'] }), 'added'), text);
});
remove('removes from every tree', () => {
  let edited = 0;
  for (const text of randomTexts(6, 300)) {
    const { sections } = parseUci(text);
    for (const section of sections) {
      try {
        const rest = { sections: sections.filter((s) => s !== section) };
        // a later section of the same made name would come to light
        if (sections.some((s) => s !== section && s.name === section.name)) continue;
        assert.equal(
          read(removeSection(text, section.name)),
          plain(rest),
          `~> ${JSON.stringify(text)} ${section.name}`,
        );
        edited++;
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
      }
    }
  }
  assert.ok(edited > 200, `~> ${edited}`);
});
remove('refuses a section that does not exist', () => {
  assert.throws(() => removeSection(FILE, 'wan'), /section "wan": expected one that exists/);
});
remove('refuses a made name that a section bears as well', () => {
  assert.throws(
    () => removeSection('config c cfg02b606\nconfig a\n', 'cfg02b606'),
    /expected one of this name, got several/,
  );
});
remove('refuses lines that hold more', () => {
  assert.throws(() => removeSection("config a 'b'; config c d\n", 'b'), /line 1: expected config|line 1: expected one/);
  assert.throws(
    () => removeSection("config a b\noption x '1'; config c d\n", 'b'),
    /line 2: expected one statement a line/,
  );
});
remove.run();

const drop = suite('removeOption');
drop('takes an option or a list, and leaves the rest', () => {
  assert.is(removeOption(FILE, 'lan', 'proto'), FILE.replace(/.*proto static.*\n/, ''));
  assert.is(read(removeOption(FILE, 'lan', 'dns')).includes('1.1.1.1'), false);
  const text = "config a b\noption x 1\n# why\nlist x '2\n3'\noption y 1\n\nconfig a c\noption x 1\n";
  assert.is(removeOption(text, 'b', 'x'), 'config a b\n# why\noption y 1\n\nconfig a c\noption x 1\n');
});
drop('leaves a section without it as it is', () => assert.is(removeOption(FILE, 'lan', 'nothing'), FILE));
drop('undoes setOption', () => {
  assert.is(removeOption(setOption(FILE, 'lan', 'mtu', '1280'), 'lan', 'mtu'), FILE);
});
drop('removes in every tree', () => {
  let edited = 0;
  for (const text of randomTexts(9, 300)) {
    const tree = parseUci(text);
    for (const section of tree.sections)
      for (const name of section.options.keys())
        try {
          const options = new Map([...section.options].filter(([other]) => other !== name));
          const rest = { sections: tree.sections.map((s) => (s === section ? { ...s, options } : s)) };
          assert.equal(read(removeOption(text, section.name, name)), plain(rest), `~> ${JSON.stringify(text)} ${name}`);
          edited++;
        } catch (error) {
          if (!(error instanceof InputError)) throw error;
        }
  }
  assert.ok(edited > 200, `~> ${edited}`);
});
drop('refuses an unknown section, and lines that hold more', () => {
  assert.throws(() => removeOption(FILE, 'wan', 'x'), /section "wan"/);
  assert.throws(
    () => removeOption("config a b\noption x '1'; option y 2\n", 'b', 'x'),
    /line 2: expected one statement/,
  );
});
drop.run();

const set = suite('setOption');
set('replaces a value where it stands', () => {
  assert.is(
    setOption(FILE, parseUci(FILE).sections[1]!.name, 'target', '::/0'),
    FILE.replace('"10.0.0.0/8"', "'::/0'"),
  );
  assert.is(setOption(FILE, 'lan', 'proto', "it's"), FILE.replace('proto static', "proto 'it'\\''s'"));
});
set('replaces the value that is in force', () => {
  const text = "config a b\noption x 1\noption x 2\noption x ''\n";
  assert.is(setOption(text, 'b', 'x', '3'), "config a b\noption x 1\noption x '3'\noption x ''\n");
});
set('adds an option after the last statement of its section', () => {
  assert.is(setOption(FILE, 'lan', 'mtu', '1280'), FILE.replace('1.1.1.1\n', "1.1.1.1\n\toption mtu '1280'\n"));
  assert.is(setOption('config a b', 'b', 'x', '1'), "config a b\n\toption x '1'\n");
});
set('refuses a list, an unknown section, an empty value', () => {
  assert.throws(() => setOption(FILE, 'lan', 'dns', '::1'), /option "dns": expected one value, it is a list/);
  assert.throws(() => setOption(FILE, 'wan', 'x', '1'), /section "wan"/);
  assert.throws(() => setOption(FILE, 'lan', 'proto', ''), /option proto: expected a value/);
});
set('sets in every tree', () => {
  let edited = 0;
  for (const text of randomTexts(8, 300)) {
    const tree = parseUci(text);
    for (const section of tree.sections) {
      const names = [...section.options].filter(([, { value }]) => typeof value === 'string').map(([name]) => name);
      for (const name of [...names, 'set_here']) {
        try {
          const result = setOption(text, section.name, name, 'new\nvalue');
          const wanted = parseUci(text);
          const first = wanted.sections.find((s) => s.name === section.name)!;
          first.options.set(name, { value: 'new\nvalue', line: 0 });
          assert.equal(read(result), plain(wanted), `~> ${JSON.stringify(text)} ${section.name}.${name}`);
          edited++;
        } catch (error) {
          if (!(error instanceof InputError)) throw error;
        }
      }
    }
  }
  assert.ok(edited > 200, `~> ${edited}`);
});
set.run();

const list = suite('setList');
list('replaces a list or an option by one after the last statement', () => {
  const rest = FILE.replace(/\tlist dns.*\n/g, '');
  assert.is(
    setList(FILE, 'lan', 'dns', ['::1', "it's"]),
    rest.replace('proto static\n', "proto static\n\tlist dns '::1'\n\tlist dns 'it'\\''s'\n"),
  );
  assert.equal(parseUci(setList(FILE, 'lan', 'proto', ['x'])).sections[0]!.options.get('proto')!.value, ['x']);
});
list('adds a list to a section without it', () => {
  assert.is(setList('config a b', 'b', 'x', ['1', '2']), "config a b\n\tlist x '1'\n\tlist x '2'\n");
});
list('sets in every tree', () => {
  let edited = 0;
  for (const text of randomTexts(10, 300)) {
    for (const { name } of parseUci(text).sections)
      try {
        const wanted = parseUci(text);
        const section = wanted.sections.find((s) => s.name === name)!;
        section.options.delete('set_here');
        section.options.set('set_here', { value: ['new', 'value'], line: 0 });
        assert.equal(
          read(setList(text, name, 'set_here', ['new', 'value'])),
          plain(wanted),
          `~> ${JSON.stringify(text)}`,
        );
        edited++;
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
      }
  }
  assert.ok(edited > 100, `~> ${edited}`);
});
list('refuses no items, an empty item, an unknown section', () => {
  assert.throws(() => setList(FILE, 'lan', 'dns', []), /option "dns": expected a list with items/);
  assert.throws(() => setList(FILE, 'lan', 'dns', ['']), /option dns: expected a value/);
  assert.throws(() => setList(FILE, 'wan', 'x', ['1']), /section "wan"/);
});
list.run();

const names = suite('isUciName');
names('takes letters, digits and _', () => {
  assert.equal(['a', '_', '0', 'Ab_9'].map(isUciName), [true, true, true, true]);
  assert.equal(['', '-', 'a b', 'ö', 'a\n'].map(isUciName), [false, false, false, false, false]);
});
names.run();

const types = suite('isUciType');
types('takes printable ASCII', () => {
  assert.equal(['a', '-', 'a#b'].map(isUciType), [true, true, true]);
  assert.equal(['', 'a b', 'ö', 'a\n'].map(isUciType), [false, false, false, false]);
});
types.run();
