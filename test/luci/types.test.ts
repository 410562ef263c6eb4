import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inProject } from '../../build/project.ts';

const CALL = "object: 'meshbridge', method: 'status'";
const IMPORT = "import rpc from 'luci:rpc';";

/** Snippets and whether they compile. */
const SNIPPETS: [string, string, boolean][] = [
  ['text in a list', "E('p', ['<b>'])", true],
  ['text in a list after attributes', "E('p', { class: 'x', hidden: null }, ['<b>', 1, E('br')])", true],
  ['a bare string as content', "E('p', '<b>')", false],
  ['a bare string as content after attributes', "E('p', {}, '<b>')", false],
  ['a variable text as content', "E('p', {}, document.title)", false],
  ['a number as content', "E('p', {}, 1)", false],
  ['a null in a list', "E('p', [null])", false],
  ['a list in a list', "E('p', [['a']])", false],
  ['a tag made of HTML', "E('<p>')", false],
  ['a boolean attribute', "E('p', { hidden: false })", false],
  ['a handler as text', "E('p', { onclick: 'x()' })", false],
  ['a handler as function', "E('p', { click: () => {} })", true],
  ['a call that rejects', `${IMPORT} rpc.declare<[], object>({ ${CALL}, reject: true })`, true],
  ['a call without reject', `${IMPORT} rpc.declare<[], object>({ ${CALL} })`, false],
  ['a call with reject: false', `${IMPORT} rpc.declare<[], object>({ ${CALL}, reject: false })`, false],
  [
    'a call that hides failures by expect',
    `${IMPORT} rpc.declare<[], object>({ ${CALL}, reject: true, expect: {} })`,
    false,
  ],
  ['a poll that may throw before it waits', "import poll from 'luci:poll'; poll.add(() => {}, 5)", false],
  ['a class that LuCI has and we do not use', "import fs from 'luci:fs'; fs", false],
];

/** Files that do not compile. */
function compile(): Set<string> {
  const directory = mkdtempSync(join(tmpdir(), 'meshbridge-types-'));
  try {
    mkdirSync(join(directory, 'view'));
    for (const [i, [, text]] of SNIPPETS.entries())
      writeFileSync(join(directory, 'view', `${i}.ts`), `${text};\nexport {};\n`);
    const config = {
      extends: inProject('luci-app/tsconfig.json'),
      include: ['view', inProject('luci-app/*.d.ts')],
    };
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config));
    const tsc = inProject('node_modules/typescript/bin/tsc');
    const { stdout } = spawnSync(process.execPath, [tsc, '-p', directory, '--pretty', 'false'], { encoding: 'utf8' });
    return new Set([...stdout.matchAll(/(\d+)\.ts\(1,\d+\): error TS/g)].map((match) => match[1]!));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const types = suite("LuCI's types");
const refused = compile();
SNIPPETS.forEach(([what, , compiles], i) => {
  types(`${compiles ? 'allow' : 'refuse'} ${what}`, () => assert.is(refused.has(String(i)), !compiles));
});
types.run();
