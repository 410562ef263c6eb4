// What LuCI's client does, piece by piece: expressions that a view evaluates, in LuCI's own client and in our stand-in for it.
//
// Each is JavaScript: the body of an async function of `p`, the classes and globals that a view has, and helpers. What it gives, or throws,
// is described as text. LuCI's own answers are kept in test/fixtures/luci/contract.json.

import type { BuiltPages } from '../../build/luci.ts';
import type { Script } from './browser.ts';

/** One expression, and why the stand-in refuses it where it does: LuCI does something there that no page of ours should meet. */
export interface Probe {
  name: string;
  code: string;
  refused?: string;
}

const plain = (codes: readonly string[]): Probe[] => codes.map((code) => ({ name: code, code: `return ${code}` }));

const FORMATS: Probe[] = [
  ...plain([
    `'%s'.format('a')`,
    `'%s and %s'.format('a', 'b')`,
    `'%s'.format('<b>&"')`,
    `'%s'.format(1.5)`,
    `'%s'.format('%d')`,
    `'%d'.format(3)`,
    `'%d'.format(3.7)`,
    `'%d'.format(-3.2)`,
    `'%d'.format('12')`,
    `'100 %%'.format()`,
    `'%d %%'.format(5)`,
    `'nothing'.format('a')`,
    `''.format()`,
    `'%t'.format(0)`,
    `'%t'.format(59)`,
    `'%t'.format(3661)`,
    `'%t'.format(90061)`,
    `'%s%s%s'.format(1, 2, 3)`,
  ]),
  { name: 'fewer values than places', code: `return '%s %s'.format('a')`, refused: 'LuCI takes the last one again' },
  { name: 'another letter', code: `return '%5.1f'.format(2.25)`, refused: 'no page uses it' },
];

const TEXTS: Probe[] = plain([
  `_('a text of nobody')`,
  `_('Peers')`,
  `_('The mesh works.')`,
  `N_(0, '%d peer', '%d peers')`,
  `N_(1, '%d peer', '%d peers')`,
  `N_(2, '%d peer', '%d peers')`,
  `N_(1, '%d second', '%d seconds')`,
  `N_(7, '%d second', '%d seconds')`,
]);

const ELEMENTS: Probe[] = [
  ...plain([
    `E('p')`,
    `E('p', [])`,
    `E('p', {}, [])`,
    `E('p', ['a'])`,
    `E('p', ['<b>a</b>', '&amp;'])`,
    `E('p', [1, ' ', 0])`,
    `E('p', [''])`,
    `E('p', [E('b', ['a']), 'b', E('i')])`,
    `E('p', { class: 'a b', id: 'c' }, ['d'])`,
    `E('p', { title: '"<>&' })`,
    `E('p', { title: null, lang: '' })`,
    `E('input', { type: 'number', min: 0, max: 254, value: 3 })`,
    `E('p', { 'data-title': 'a', 'aria-label': 'b' })`,
    `E('p', { hidden: '' })`,
    `E('p', { style: 'color:red' })`,
    `E('select', [E('option', { value: 'a', selected: '' }, ['b'])])`,
  ]),
  {
    name: 'a function as attribute listens',
    code: `let n = 0; const b = E('button', { click: () => n++ }, ['a']); b.click(); b.click(); return [n, b.outerHTML]`,
  },
  {
    name: 'a child is moved, not copied',
    code: `const c = E('i'); E('p', [c]); const b = E('b', [c]); return [b.outerHTML, c.parentNode === b]`,
  },
  { name: 'a text alone as content', code: `return E('p', '<i>a</i>')`, refused: 'LuCI takes it for HTML' },
  {
    name: 'a text alone as content, after attributes',
    code: `return E('p', {}, '<i>a</i>')`,
    refused: 'LuCI takes it for HTML',
  },
  { name: 'null in a list', code: `return E('p', [null])`, refused: 'LuCI prints it' },
  { name: 'a list in a list', code: `return E('p', [['a', 'b']])`, refused: 'LuCI prints it with commas' },
  { name: 'false as attribute', code: `return E('button', { disabled: false })`, refused: 'LuCI sets it' },
  { name: 'HTML as tag', code: `return E('<p>a</p>')`, refused: 'LuCI parses it' },
];

const ADDRESSES: Probe[] = plain([
  `L.url()`,
  `L.url('admin/mesh/peers')`,
  `L.url('admin', 'mesh', 'peers')`,
  `L.url('admin', 'a b')`,
  `L.url('admin', '')`,
  `L.url('a.b-c_d%20,;')`,
  `L.url('../x')`,
  `L.url('a//b')`,
  `L.resource('meshbridge/style-1.css')`,
  `L.resource('view', 'a.js')`,
  `L.resource('a"b')`,
]);

const declare = (object: string, method: string, params: readonly string[] = [], more = ''): string =>
  `p.rpc.declare({ object: '${object}', method: '${method}', params: ${JSON.stringify(params)}, reject: true${more} })`;

const CALLS: Probe[] = [
  {
    name: 'a reply',
    code: `return ${declare('yggdrasil', 'peers', ['interface', 'key'])}('a', 1)`,
  },
  {
    name: 'an argument that is undefined is not sent',
    code: `return ${declare('yggdrasil', 'peers', ['a', 'b'])}(undefined, 2)`,
  },
  { name: 'an argument that is missing is not sent', code: `return ${declare('yggdrasil', 'peers', ['a', 'b'])}(1)` },
  { name: 'null is sent', code: `return ${declare('yggdrasil', 'peers', ['a'])}(null)` },
  {
    name: 'tables and lists are sent',
    code: `return ${declare('yggdrasil', 'peers', ['a', 'b'])}({ c: [1, 'd'] }, [true])`,
  },
  { name: 'no reply', code: `return ${declare('meshbridge', 'reload')}()` },
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((status) => ({
    name: `status ${status}`,
    code: `return ${declare('yggdrasil', 'tun', ['interface'])}('${status}')`,
  })),
  { name: 'a status with a reply', code: `return ${declare('meshbridge', 'adviser')}()` },
  { name: 'an object that is not there', code: `return ${declare('nothing', 'at_all')}()` },
  { name: 'a method that is not granted', code: `return ${declare('meshbridge', 'made_up')}()` },
  {
    name: 'several at once, one of which fails',
    code: `const f = ${declare('yggdrasil', 'peers', ['a'])}, g = ${declare('meshbridge', 'lint')};
      return (await Promise.allSettled([f(1), g(), f(2)])).map((one) => one.value ?? p.firstLine(one.reason))`,
  },
  {
    name: 'an interceptor sees the answer and the call, and may refuse it',
    code: `const seen = [];
      p.rpc.addInterceptor(async (answer, call) => {
        if (call.object !== 'meshbridge' || call.method !== 'adviser') return;
        seen.push(answer.result);
        throw new Error('intercepted');
      });
      const told = await ${declare('meshbridge', 'adviser')}().catch((error) => p.firstLine(error));
      return [told, seen]`,
  },
  {
    name: 'a call without reject: true',
    code: `return p.rpc.declare({ object: 'meshbridge', method: 'lint', expect: { findings: [] } })()`,
    refused: 'LuCI hides the failure',
  },
];

const STORED: Probe[] = [
  ...plain([
    `p.uci.load('meshbridge')`,
    `p.uci.load(['meshbridge'])`,
    `p.uci.get('meshbridge', 'main')`,
    `p.uci.get('meshbridge', 'main', 'log_level')`,
    `p.uci.get('meshbridge', 'main', 'nothing')`,
    `p.uci.get('meshbridge', 'nothing')`,
    `p.uci.get('meshbridge', 'nothing', 'a')`,
    `p.uci.get('nothing', 'main')`,
    `p.uci.get('meshbridge', 'ygg0', 'list')`,
    `p.uci.sections('meshbridge').map((one) => [one['.type'], one['.index'], one['.anonymous']])`,
    `p.uci.sections('meshbridge', 'interface').map((one) => one['.name'])`,
    `p.uci.sections('meshbridge', 'nothing')`,
    `p.uci.sections('nothing')`,
    `p.uci.load('network').then(() => 'loaded', (error) => p.firstLine(error))`,
  ]),
  {
    name: 'what is set is read, and not sent before it is saved',
    code: `p.uci.set('meshbridge', 'main', 'log_level', 'debug'); const now = p.uci.get('meshbridge', 'main', 'log_level');
      p.uci.unload('meshbridge'); await p.uci.load('meshbridge'); return [now, p.uci.get('meshbridge', 'main', 'log_level')]`,
  },
  {
    name: 'an empty text removes',
    code: `p.uci.set('meshbridge', 'main', 'log_level', ''); const now = p.uci.get('meshbridge', 'main', 'log_level');
      p.uci.unload('meshbridge'); await p.uci.load('meshbridge'); return now`,
  },
  {
    name: 'unset',
    code: `p.uci.unset('meshbridge', 'main', 'log_level'); const now = [p.uci.get('meshbridge', 'main', 'log_level'), Object.keys(p.uci.get('meshbridge', 'main')).includes('log_level')];
      p.uci.unload('meshbridge'); await p.uci.load('meshbridge'); return now`,
  },
  {
    name: 'set of a section that is not there',
    code: `p.uci.set('meshbridge', 'nothing', 'a', 'b'); return p.uci.get('meshbridge', 'nothing')`,
  },
  {
    name: 'remove',
    code: `p.uci.remove('meshbridge', 'ygg0'); const now = [p.uci.get('meshbridge', 'ygg0'), p.uci.sections('meshbridge').length];
      p.uci.unload('meshbridge'); await p.uci.load('meshbridge'); return [now, p.uci.sections('meshbridge').length]`,
  },
  {
    name: 'add, with a name and without',
    code: `const names = [p.uci.add('meshbridge', 'interface', 'made'), p.uci.add('meshbridge', 'interface')];
      const types = names.map((name) => p.uci.get('meshbridge', name, '.type') ?? p.uci.get('meshbridge', name)['.type']);
      const order = p.uci.sections('meshbridge').slice(-2).map((one) => one['.anonymous']);
      p.uci.set('meshbridge', 'made', 'socket', 'x'); const value = p.uci.get('meshbridge', 'made', 'socket');
      p.uci.unload('meshbridge'); await p.uci.load('meshbridge');
      return [names[0], /^new[0-9a-f]{6}$/.test(names[1]), types, order, value, p.uci.get('meshbridge', 'made')]`,
  },
  {
    name: 'save sends what was changed, and reads it anew',
    code: `p.uci.set('meshbridge', 'main', 'note', ['a', 'b']); p.uci.add('meshbridge', 'interface', 'saved'); p.uci.set('meshbridge', 'saved', 'socket', 'unix:///x');
      await p.uci.save(); const { changes } = await p.rpc.declare({ object: 'uci', method: 'changes', reject: true })();
      return [p.uci.get('meshbridge', 'main', 'note'), p.uci.get('meshbridge', 'saved', 'socket'), changes]`,
  },
  { name: 'save without a change', code: `await p.uci.save(); return 'saved'` },
];

/** A form over the section `main`; `p.option(name)` finds a field of it. */
const formOf = (options: string): string => `const m = new p.form.Map('meshbridge', _('Options'));
  const s = m.section(p.form.NamedSection, 'main', 'meshbridge', _('Peers'));
  ${options}
  const root = await p.mount(await m.render());`;
const saved = `await m.save(null, true); `;
const optionOf = (name: string): string => `p.uci.get('meshbridge', 'main', '${name}')`;

const FIELDS: [name: string, options: string, code: string][] = [
  ['a text shows what is set', `s.option(p.form.Value, 'log_level', _('Log'));`, `return p.input('log_level').value`],
  [
    'a text shows its default, and saves it',
    `s.option(p.form.Value, 'fresh', _('Fresh')).default = 'x';`,
    `const shown = p.input('fresh').value; ${saved}return [shown, ${optionOf('fresh')}]`,
  ],
  [
    'a placeholder is not saved',
    `s.option(p.form.Value, 'holder', _('Holder')).placeholder = '30';`,
    `const { value, placeholder } = p.input('holder'); ${saved}return [value, placeholder, ${optionOf('holder')} ?? null]`,
  ],
  [
    'an empty text removes the option',
    `s.option(p.form.Value, 'gone', _('Gone'));`,
    `const before = ${optionOf('gone')}; p.type('gone', ''); ${saved}return [before, ${optionOf('gone')} ?? null]`,
  ],
  [
    'an empty text where there must be one is refused',
    `s.option(p.form.Value, 'must', _('Must')).rmempty = false;`,
    `p.type('must', ''); return [await m.save(null, true).then(() => 'saved', (error) => p.firstLine(error)), p.marked('must')]`,
  ],
  [
    'a text is checked by what the page says',
    `s.option(p.form.Value, 'log_level', _('Log')).validate = (section, value) => value === 'warn' || 'Say warn to ' + section;`,
    `p.type('log_level', 'x'); const bad = [p.marked('log_level'), await m.save(null, true).then(() => 'saved', (error) => p.firstLine(error))];
     p.type('log_level', 'warn'); ${saved}return [bad, p.marked('log_level'), ${optionOf('log_level')}]`,
  ],
  [
    'a password is hidden',
    `s.option(p.form.Value, 'secret', _('Secret')).password = true;`,
    `await p.tick(50); return [p.input('secret').type, p.input('secret').value]`,
  ],
  [
    'a box that is ticked as by default is not saved',
    `s.option(p.form.Flag, 'flag', _('Flag')).default = '1';`,
    `const shown = p.input('flag').checked; ${saved}return [shown, ${optionOf('flag')} ?? null]`,
  ],
  [
    'a box that is not as by default is saved',
    `s.option(p.form.Flag, 'flag', _('Flag')).default = '1';`,
    `p.input('flag').click(); ${saved}return [p.input('flag').checked, ${optionOf('flag')}]`,
  ],
  [
    'a box that must be kept is saved as by default',
    `Object.assign(s.option(p.form.Flag, 'kept', _('Kept')), { default: '0', rmempty: false });`,
    `${saved}return ${optionOf('kept')}`,
  ],
  [
    'a choice shows and saves one',
    `const o = s.option(p.form.ListValue, 'choice', _('Choice')); o.value('a', 'A'); o.value('b', 'B'); o.default = 'b';`,
    `const shown = p.input('choice').value; p.select('choice', 'a'); ${saved}return [shown, ${optionOf('choice')}]`,
  ],
  [
    'a choice that may be left out begins with none',
    `const o = s.option(p.form.ListValue, 'none', _('None')); o.optional = true; o.value('a', 'A');`,
    `return [...p.input('none').options].map((one) => one.value)`,
  ],
  [
    'a list shows and saves several',
    `s.option(p.form.DynamicList, 'several', _('Several'));`,
    `const shown = p.items('several'); p.type('several', 'c'); p.enter('several'); ${saved}return [shown, p.items('several'), ${optionOf('several')}]`,
  ],
  [
    'a text to be read is not saved',
    `s.option(p.form.DummyValue, 'log_level', _('Log'));`,
    `const before = ${optionOf('log_level')}; ${saved}return ${optionOf('log_level')} === before`,
  ],
  [
    'a field that depends on another comes and goes',
    `s.option(p.form.Flag, 'switch', _('Switch')); s.option(p.form.Value, 'below', _('Below')).depends('switch', '1');`,
    `const hidden = p.hidden('below'); p.input('switch').click(); const shown = p.hidden('below'); p.type('below', 'x'); ${saved}
     const value = ${optionOf('below')}; p.input('switch').click(); const again = p.hidden('below'); ${saved}return [hidden, shown, value, again, ${optionOf('below')} ?? null]`,
  ],
  [
    'a field that is hidden keeps its value where that is wanted',
    `s.option(p.form.Flag, 'switch2', _('Switch')); const o = s.option(p.form.Value, 'retained', _('Below')); o.depends('switch2', '1'); o.retain = true;`,
    `${saved}return [p.hidden('retained'), ${optionOf('retained')}]`,
  ],
  [
    'of several conditions one must be met, of one condition all',
    `s.option(p.form.Value, 'a', _('A')); s.option(p.form.Value, 'b', _('B')); const o = s.option(p.form.Value, 'c', _('C'));
     o.depends({ a: '1', b: '1' }); o.depends('b', '2');`,
    `const seen = []; for (const [a, b] of [['', ''], ['1', ''], ['1', '1'], ['', '2']]) { p.type('a', a); p.type('b', b); seen.push(p.hidden('c')); } return seen`,
  ],
  [
    'a field to be read only is disabled',
    `s.option(p.form.Value, 'log_level', _('Log')).readonly = true;`,
    `return p.input('log_level').disabled`,
  ],
  [
    'titles and descriptions',
    `s.option(p.form.Value, 'log_level', _('Log'), _('How much'));`,
    `return [root.querySelector('h2').textContent, root.querySelector('h3').textContent, root.querySelector('.cbi-value-title').textContent.trim(), root.querySelector('.cbi-value-description').textContent.trim()]`,
  ],
  [
    'Reset shows again what is set',
    `s.option(p.form.Value, 'log_level', _('Log'));`,
    `const before = p.input('log_level').value; p.type('log_level', 'other'); await m.reset(); return [before === p.input('log_level').value]`,
  ],
];

const SECTIONS: Probe[] = [
  {
    name: 'a section that is not there shows nothing',
    code: `const m = new p.form.Map('meshbridge'); const s = m.section(p.form.NamedSection, 'absent', 'meshbridge'); s.option(p.form.Value, 'a', _('A'));
      const root = await p.mount(await m.render()); return root.querySelectorAll('input').length`,
  },
  {
    name: 'sections of a type, one below the other',
    code: `const m = new p.form.Map('meshbridge'); const s = m.section(p.form.TypedSection, 'interface', _('Peers')); s.option(p.form.Value, 'socket', _('Socket'));
      const root = await p.mount(await m.render()); return [...root.querySelectorAll('input[type=text]')].map((one) => one.value)`,
  },
  {
    name: 'sections of a type that are chosen',
    code: `const m = new p.form.Map('meshbridge'); const s = m.section(p.form.TypedSection, 'interface'); s.filter = (name) => name !== 'ygg0'; s.anonymous = true; s.option(p.form.Value, 'socket', _('Socket'));
      const root = await p.mount(await m.render()); return [...root.querySelectorAll('input[type=text]')].map((one) => one.value)`,
  },
  {
    name: 'sections as a table',
    code: `const m = new p.form.Map('meshbridge'); const s = m.section(p.form.TableSection, 'interface'); s.option(p.form.Value, 'socket', _('Socket')); s.option(p.form.Flag, 'enabled', _('In use')).default = '1';
      const root = await p.mount(await m.render());
      return [[...root.querySelectorAll('th')].map((one) => one.textContent.trim()).filter(Boolean), [...root.querySelectorAll('tbody tr, .tr.cbi-section-table-row')].filter((one, i, all) => all.indexOf(one) === i).length, [...root.querySelectorAll('[data-title]')].map((one) => one.dataset.title)]`,
  },
  {
    name: 'a section is added and deleted by its buttons',
    code: `const m = new p.form.Map('meshbridge'); const s = m.section(p.form.TypedSection, 'interface'); s.addremove = true; s.option(p.form.Value, 'socket', _('Socket'));
      const root = await p.mount(await m.render()); const count = () => p.uci.sections('meshbridge', 'interface').length; const before = count();
      const name = root.querySelector('.cbi-section-create-name'); const add = root.querySelector('.cbi-button-add'); const locked = add.disabled;
      name.value = 'by_hand'; name.dispatchEvent(new KeyboardEvent('keyup', { bubbles: true })); const open = add.disabled; add.click();
      await p.until(() => count() === before + 1 && root.querySelector('#cbi-meshbridge-by_hand'));
      const there = p.uci.get('meshbridge', 'by_hand')['.type'];
      [...root.querySelectorAll('.cbi-section-remove button')].at(-1).click(); await p.until(() => count() === before);
      return [locked, open, there, p.uci.get('meshbridge', 'by_hand')]`,
  },
  {
    name: 'a class that is none of a form',
    code: `const m = new p.form.Map('meshbridge'); return m.section(Object, 'a')`,
  },
  {
    name: 'a form over a package that may not be read',
    code: `return new p.form.Map('network').render().then(() => 'drawn', (error) => p.firstLine(error))`,
  },
];

/** What may be typed, by type of value. */
const SAMPLES: Record<string, readonly string[]> = {
  string: ['a', ' ', '<b>'],
  integer: ['1', '-1', '0', '007', '1.5', 'a', '1e3', '+1', ' 1'],
  uinteger: ['1', '0', '-1', '1.5', 'a', '00'],
  port: ['0', '1', '65535', '65536', '-1', 'a', '8.0'],
  host: ['a', 'a.example', '192.0.2.1', '2001:db8::1', 'a_b', '-a', 'a-', 'a b', '1.2', '192.0.2.256', '::', 'a.'],
  hostname: ['a', 'a.example', '1', '1.2', '192.0.2.1', 'a_b', '-a', 'a..b', 'a b', `${'a'.repeat(254)}`],
  ipaddr: [
    '192.0.2.1',
    '192.0.2.1/24',
    '192.0.2.1/33',
    '2001:db8::1',
    '2001:db8::/32',
    '2001:db8::/129',
    'a',
    '1.2.3',
    '192.0.2.1/255.255.255.0',
  ],
  ip4addr: ['192.0.2.1', '192.0.2.0/24', '::1', '256.1.1.1', '192.0.2.1/', '01.2.3.4'],
  ip6addr: [
    '::',
    '::1',
    '2001:db8::1',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7',
    '1::2::3',
    '::ffff:192.0.2.1',
    'fe80::1%eth0',
    '192.0.2.1',
    '2001:db8::/64',
    'g::',
  ],
  uciname: ['a', 'a_1', 'a-b', 'a b', 'ä', ''],
  netdevname: ['eth0', 'br-lan', 'a.b', '.', '..', 'a/b', 'a:b', 'a b', 'x'.repeat(15), 'x'.repeat(16)],
  'range(1,60)': ['0', '1', '60', '61', '1.5', '-1', 'a', '07'],
  'min(5)': ['4', '5', '5.5', 'a', '-9'],
  'max(5)': ['4', '5', '6', 'a', '-9'],
  'maxlength(3)': ['abc', 'abcd', 'äb', 'ää', '€'],
  'rangelength(2,3)': ['a', 'ab', 'abc', 'abcd', 'ä'],
};

const CHECKS: Probe[] = [
  ...Object.entries(SAMPLES).map(
    ([type, samples]): Probe => ({
      name: `values of type ${type}`,
      code: `${formOf(`s.option(p.form.Value, 'checked', _('Checked')).datatype = '${type}';`)}
        return ${JSON.stringify(samples)}.map((text) => { p.type('checked', text); return [text, p.marked('checked')] })`,
    }),
  ),
  {
    name: 'a type that is none',
    code: `${formOf(`s.option(p.form.Value, 'checked', _('Checked')).datatype = 'nothing';`)} let fault; addEventListener('error', ({ message }) => { fault = message }, { once: true }); p.type('checked', 'a'); if (fault) throw new Error(fault); return p.marked('checked')`,
    refused: 'LuCI checks nothing then',
  },
];

const NOTES: Probe[] = [
  {
    name: 'a note above the page',
    code: `const note = p.ui.addNotification(['<b>a'], ['b', E('i', ['c'])], 'warning');
      const told = [note.textContent.replace(/\\s+/g, ' ').trim(), note.classList.contains('alert-message'), note.classList.contains('warning'), note.querySelectorAll('b').length, document.contains(note)];
      return [...told, note.querySelectorAll('button, .btn').length]`,
  },
  { name: 'a note without a title', code: `return p.ui.addNotification(null, ['b']).querySelectorAll('h4').length` },
  {
    name: 'the count of changes that wait',
    code: `await p.ui.changes.init(); const shown = document.querySelector('#indicators [data-indicator="uci-changes"]'); return shown.textContent.replace(/\\d+/, 'n')`,
  },
];

const VIEWS: Probe[] = [
  {
    name: 'a class with members',
    code: `const one = p.baseclass.extend({ a: 1, b() { return this.a } }); return typeof one`,
  },
  {
    name: 'work of a poll is called at its turns, once at a time',
    code: `let calls = 0, open = []; const work = () => { calls++; return new Promise((resolve) => open.push(resolve)) };
      const added = p.poll.add(work, 2); await p.tick(7000); const pending = calls; open.splice(0).forEach((one) => one()); await p.tick(4000); return [added, pending, calls > pending]`,
  },
];

/** All of them, in the order in which they must be evaluated: some change what others read. */
export const PROBES: readonly Probe[] = [
  ...FORMATS,
  ...TEXTS,
  ...ELEMENTS,
  ...ADDRESSES,
  ...CALLS,
  ...STORED,
  ...CHECKS,
  ...FIELDS.map(([name, options, code]): Probe => ({ name, code: `${formOf(options)} ${code}` })),
  ...SECTIONS,
  ...NOTES,
  ...VIEWS,
];

/** The bus that the expressions call. */
export const PROBE_BUS: Script = {
  'yggdrasil.peers': (args) => ({ status: 0, reply: { args } }),
  'yggdrasil.tun': (args) => ({ status: Number(args.interface) }),
  'meshbridge.reload': { status: 0 },
  'meshbridge.lint': { status: 4 },
  'meshbridge.adviser': { status: 2, reply: { error: 'made', field: 'x' } },
};

/** The package that they read and change. */
export const PROBE_CONFIG = `
config meshbridge 'main'
	option log_level 'info'
	option gone 'x'
	option retained 'x'
	list several 'a'
	list several 'b'

config interface 'ygg0'
	option socket 'unix:///a'
	list list 'x y'
	list list 'z'

config interface
	option socket 'unix:///b'
`;

/** A page whose view leaves its classes and helpers in `window.probe`. */
export const PROBE_PAGES: BuiltPages = {
  files: [
    {
      path: 'view/meshbridge/probe-0.js',
      bytes: new TextEncoder().encode(`'use strict';
'require baseclass';
'require form';
'require poll';
'require rpc';
'require uci';
'require ui';
'require view';
const holds = (name) => document.querySelector('#probe [data-name="' + name + '"]');
const inside = (name) => holds(name).querySelector('input:not([type=hidden]), select');
const tell = (element, ...events) => events.forEach((event) => element.dispatchEvent(new Event(event, { bubbles: event === 'change' })));
const frame = E('div', { id: 'probe' });
window.probe = {
  baseclass, form, poll, rpc, uci, ui, view,
  firstLine: (error) => String(error instanceof Error ? error.message : error).split('\\n')[0],
  async mount(node) { frame.replaceChildren(node); return node },
  input: inside,
  type(name, text) { const field = inside(name); field.focus(); field.value = text; tell(field, 'keyup', 'change', 'blur') },
  select(name, value) { const field = inside(name); field.value = value; tell(field, 'change') },
  enter(name) { inside(name).dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', keyCode: 13, bubbles: true })) },
  items: (name) => [...holds(name).querySelectorAll('.item > span')].map((one) => one.textContent),
  marked: (name) => { const field = inside(name); return field.classList.contains('cbi-input-invalid') ? field.getAttribute('data-tooltip') : false },
  hidden: (name) => { const place = holds(name).closest('.cbi-value') ?? holds(name); return place.classList.contains('hidden') || !place.isConnected },
  async until(holds) { for (let i = 0; i < 1000 && !holds(); i++) { await fetch(L.resource('meshbridge/style-0.css'), { cache: 'no-store' }).then((answer) => answer.text()); await new Promise((resolve) => { const { port1, port2 } = new MessageChannel(); port1.onmessage = () => setTimeout(resolve, 0); port2.postMessage(0); window.tick(20) }) } if (!holds()) throw new Error('it did not come') },
  tick: (ms) => window.tick(ms),
};
return view.extend({ handleSave: null, handleSaveApply: null, handleReset: null, render: () => E('div', [E('link', { rel: 'stylesheet', href: L.resource('meshbridge/style-0.css') }), frame]) });
`),
    },
    { path: 'meshbridge/style-0.css', bytes: new TextEncoder().encode('#probe{}') },
  ],
  menu: JSON.stringify({
    'admin/mesh': { title: 'Mesh', order: 1, action: { type: 'firstchild' } },
    'admin/mesh/probe': {
      title: 'Probe',
      order: 1,
      action: { type: 'view', path: 'meshbridge/probe-0' },
      depends: { acl: ['luci-app-meshbridge'] },
    },
  }),
};

/** Evaluates one expression in the page; a text that tells what came of it. */
export function evaluation({ code }: Probe): string {
  return `(async (p) => {
    const describe = (value) => {
      if (value === undefined) return 'undefined';
      if (value instanceof Element) return value.outerHTML;
      if (typeof value === 'function') return 'function';
      return JSON.stringify(value);
    };
    try {
      return describe(await (async () => { ${code} })());
    } catch (error) {
      return 'throws: ' + p.firstLine(error);
    }
  })(window.probe)`;
}
