import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inProject } from '../../build/project.ts';

const CALL = "object: 'meshbridge', method: 'status'";
const IMPORT = "import rpc from 'luci:rpc';";
const FORM = "import form from 'luci:form'; const map = new form.Map('meshbridge', _('Settings'));";
const SECTION = `${FORM} const s = map.section(form.NamedSection, 'main', 'meshbridge', _('Main'));`;
const VALUE = `${SECTION} const o = s.option(form.Value, 'port', _('Port'));`;
const VIEW = "import view from 'luci:view';";
const NO_BUTTONS = 'handleSave: null, handleSaveApply: null, handleReset: null';

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
  ['a form', `${VALUE} o.datatype = 'port'; o.rmempty = false; o.validate = (s, v) => v !== s || 'no';`, true],
  ['a table of sections', `${FORM} map.section(form.TableSection, 'interface', _('All')).anonymous = true`, true],
  ['a choice', `${SECTION} s.option(form.ListValue, 'a', _('A')).value('1', document.title)`, true],
  ['a flag', `${SECTION} s.option(form.Flag, 'a', _('A')).default = '1'`, true],
  ['a flag that is true', `${SECTION} s.option(form.Flag, 'a', _('A')).default = true`, false],
  ['a field that depends', `${VALUE} o.depends('enabled', '1'); o.depends({ a: '1', b: '2' })`, true],
  ['a field that depends on an operator', `${VALUE} o.depends({ '!reverse': true })`, false],
  ['a title of a form that is not translated', "import form from 'luci:form'; new form.Map('a', 'b')", false],
  ['a title with something filled in', `${SECTION} s.option(form.Value, 'a', _('A %s').format('<b>'))`, false],
  ['a description that comes from elsewhere', `${SECTION} s.option(form.Value, 'a', _('A'), document.title)`, false],
  ['a datatype with arguments', `${VALUE} o.datatype = 'range(1,65535)'`, true],
  ['a datatype that LuCI would not check', `${VALUE} o.datatype = 'prot'`, false],
  ['a check that says no and not why', `${VALUE} o.validate = () => false`, false],
  ['a section that is an option', `${SECTION} s.option(form.NamedSection, 'a', _('A'))`, false],
  ['an option that we do not use', `${SECTION} s.option(form.TextValue, 'a', _('A'))`, false],
  ['HTML in a text to be read', `${SECTION} s.option(form.DummyValue, 'a', _('A')).rawhtml = true`, false],
  ['a page without a form', `${VIEW} view.extend({ ${NO_BUTTONS}, render: () => E('p') })`, true],
  ['a page with a form', `${VIEW} ${FORM} view.extend({ render: () => map.render() })`, true],
  [
    'a page with a form and half the buttons',
    `${VIEW} ${FORM} view.extend({ handleSave: null, render: () => map.render() })`,
    false,
  ],
  ['a page with buttons and no form', `${VIEW} view.extend({ render: () => E('p') })`, false],
  ['a note whose title is a bare string', "import ui from 'luci:ui'; ui.addNotification('<b>', [])", false],
  ['a note whose content is a bare string', "import ui from 'luci:ui'; ui.addNotification(null, '<b>')", false],
  ['a note', "import ui from 'luci:ui'; ui.addNotification([document.title], [E('p')], 'info')", true],
  ['the dialogue of LuCI', "import ui from 'luci:ui'; ui.showModal", false],
  ['changes of the configuration', "import uci from 'luci:uci'; uci.set('a', 'b', 'c', ['d']); void uci.save()", true],
  ['a value of a number', "import uci from 'luci:uci'; uci.set('a', 'b', 'c', 1)", false],
  ['a value that may be missing taken for a text', "import uci from 'luci:uci'; uci.get('a', 'b', 'c').length", false],
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
