import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { transform } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildPages, hashedMenu, weighScripts } from '../../build/luci.ts';
import { compileShared, compileView, formatClass, shortenTaking } from '../../build/luci-class.ts';
import { inProject, ROOT } from '../../build/project.ts';
import { version } from '../../package.json';
import { jsmin } from './jsmin.ts';

const pages = await buildPages();
const style = pages.files.at(-1)!;
const scripts = pages.files.slice(0, -1);
const texts = new Map(scripts.map(({ path, bytes }) => [path, new TextDecoder().decode(bytes)]));

/** The pragmas of a class file as LuCI reads them: what it asks for, and as what. */
function pragmasOf(text: string): { name: string; as: string }[] {
  const wanted: { name: string; as: string }[] = [];
  for (const [, literal] of text.matchAll(/(?:^|;|\n)\s*['"]([^'"]*)['"]/g)) {
    const [, name, as] = /^require[ \t]+(\S+)(?:[ \t]+as[ \t]+([a-zA-Z_]\S*))?$/.exec(literal!) ?? [];
    if (name) wanted.push({ name, as: as ?? name.replace(/[^a-zA-Z0-9_]/g, '_') });
    else if (literal !== 'use strict') break;
  }
  return wanted;
}

/** What the function returns that LuCI makes of a class file, when it is given the classes that it asks for. */
function load(text: string, given: Record<string, unknown>): unknown {
  const wanted = pragmasOf(text);
  const body = new Function('window', 'document', 'L', ...wanted.map(({ as }) => as), text);
  return body({}, {}, {}, ...wanted.map(({ name }) => given[name] ?? assert.unreachable(`no class ${name}`)));
}

/** One form for all texts of the same program. */
async function sameProgram(text: string): Promise<string> {
  return (await transform(`(function(){${text}})`, { minify: true })).code;
}

/** LuCI's classes as far as files of ours use them while they load. */
const made = { view: {} };
const CLASSES: Record<string, unknown> = {
  baseclass: { extend: (members: object) => members },
  view: { extend: () => made.view },
  rpc: {
    addInterceptor() {},
    declare: (call: { reject?: boolean }) => {
      assert.is(call.reject, true);
      return () => Promise.reject(new Error());
    },
  },
  poll: {},
  form: {},
  uci: {},
  ui: {},
};
Object.assign(globalThis, { _: (text: string) => text, N_: (_: number, one: string) => one });

const built = suite('buildPages');
const [sharedPath, morePath] = pages.files.map(({ path }) => path) as [string, string];
const classOf = (path: string): string => path.slice(0, -'.js'.length).replace('/', '.');
/** The shared classes, by the names by which views ask for them. */
function sharedClasses(): Record<string, object> {
  const all = { [classOf(sharedPath)]: load(texts.get(sharedPath)!, CLASSES) as object };
  const more = load(texts.get(morePath)!, { ...CLASSES, ...all }) as object;
  return { ...all, [classOf(morePath)]: more };
}
built('makes a class that views share, one that some share, and the views', () => {
  assert.match(sharedPath, /^meshbridge\/part-[0-9a-f]{8}\.js$/);
  assert.match(morePath, /^meshbridge\/more-[0-9a-f]{8}\.js$/);
  for (const { path } of scripts.slice(2)) assert.match(path, /^view\/meshbridge\/[a-z]+-[0-9a-f]{8}\.js$/);
  for (const [path, text] of texts)
    assert.is(text.includes(classOf(morePath)), /\/(internet|operator|telemetry)-/.test(path), path);
});
for (const [path, text] of texts) {
  built(`makes the body of a function that returns a class: ${path}`, () => {
    const result = load(text, { ...CLASSES, ...sharedClasses() });
    if (path === sharedPath || path === morePath) assert.type(result, 'object');
    else assert.is(result, made.view);
  });
  built(`survives the SDK's minifier: ${path}`, async () => {
    assert.is(await sameProgram(jsmin(text)), await sameProgram(text));
  });
  built(`is plain ASCII without import and export: ${path}`, () => {
    assert.match(text, /^[\n -~]*$/);
    assert.not.match(text, /\bimport\b|\bexport\b/);
  });
}
built('gives each class what is taken out of it, and nothing else', () => {
  for (const [as, path] of [
    ['s', sharedPath],
    ['m', morePath],
  ] as const) {
    const taking = new RegExp(`[\\n;]var\\{([^}]*)\\}=${as}\\$;`);
    const lists = [...texts.values()].flatMap((text) => taking.exec(text)?.[1]?.split(',') ?? []);
    const taken = [...new Set(lists.map((one) => one.split(':')[0]))];
    assert.equal(taken.sort(), Object.keys(sharedClasses()[classOf(path)]!).sort(), path);
  }
  for (const text of texts.values()) assert.not.match(text, /[sm]\$\./);
});
built('makes a style sheet, which the class names', () => {
  assert.match(style.path, /^meshbridge\/style-[0-9a-f]{8}\.css$/);
  assert.ok(texts.get(sharedPath)!.includes(`"${style.path}"`));
  assert.match(new TextDecoder().decode(style.bytes), /^\.mb-[^\n]*\n?$/);
});
built('gives the same bytes again', async () => assert.equal(await buildPages(), pages));
built('names what the menu leads to', () => {
  const menu: Record<string, { action: { type: string; path?: string } }> = JSON.parse(pages.menu);
  const paths = Object.values(menu).flatMap(({ action }) => (action.type === 'view' ? [`view/${action.path}.js`] : []));
  assert.equal(
    paths.sort(),
    scripts
      .slice(2)
      .map(({ path }) => path)
      .sort(),
  );
});
built('weighs apart what not every router has', () => {
  const file = (path: string, length: number) => ({ path, bytes: new Uint8Array(length) });
  const files = [
    file('meshbridge/part-01234567.js', 1),
    file('view/meshbridge/map-01234567.js', 2),
    file('view/meshbridge/telemetry-01234567.js', 4),
    file('meshbridge/style-01234567.css', 8),
    file('meshbridge/more-01234567.js', 16),
  ];
  assert.equal(
    weighScripts(files).map(({ value }) => value),
    [3, 23],
  );
});
built.run();

// ---

const SOURCE = JSON.stringify({
  'admin/x': { action: { type: 'view', path: 'meshbridge/a' } },
  admin: { action: { type: 'firstchild' } },
});
const menus = suite('hashedMenu');
menus('changes nothing but the paths of views', () => {
  assert.equal(JSON.parse(hashedMenu(SOURCE, new Map([['meshbridge/a', 'meshbridge/a-1']]))), {
    ...JSON.parse(SOURCE),
    'admin/x': { action: { type: 'view', path: 'meshbridge/a-1' } },
  });
});
menus('refuses an entry whose view is not there', () => {
  assert.throws(
    () => hashedMenu(SOURCE, new Map([['meshbridge/b', 'b']])),
    /admin\/x: expected one of meshbridge\/b, got meshbridge\/a$/,
  );
});
menus('refuses a view that no entry shows', () => {
  const views = ['a', 'b'].map((name): [string, string] => [`meshbridge/${name}`, name]);
  assert.throws(
    () => hashedMenu(SOURCE, new Map(views)),
    /expected an entry for each view, got none for meshbridge\/b$/,
  );
});
menus.run();

// ---

/** Inside the project: what is shared is named from its root. */
mkdirSync(inProject('dist'), { recursive: true });
const directory = mkdtempSync(join(inProject('dist'), 'made-view-'));
process.on('exit', () => rmSync(directory, { recursive: true }));

/** Writes modules; answers with the path of the first. */
function write(modules: Record<string, string>): string {
  for (const [name, text] of Object.entries(modules)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return join(directory, Object.keys(modules)[0]!);
}
const inDirectory = (name: string): string => relative(ROOT, join(directory, name));

async function buildText(text: string): Promise<string> {
  return formatClass(await compileView(write({ 'made.ts': text }), new Set()));
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a program
const NESTED = "`'a' ${a} ${a + `//b ${a}`}`";

const one = suite('compileView');
one('asks for a class whose name has a dot', async () => {
  const text = await buildText("import widgets from 'luci:tools.widgets'; export default widgets.of('x');");
  assert.equal(pragmasOf(text), [{ name: 'tools.widgets', as: 'tools_widgets' }]);
  assert.equal(load(text, { 'tools.widgets': { of: (name: string) => ({ name }) } }), { name: 'x' });
});
one('knows the version', async () => {
  assert.is(load(await buildText('export default MESHBRIDGE_VERSION;'), {}), version);
});
one('keeps template literals, which are short', async () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a program
  const text = await buildText("export default (a: string) => `'a'  ${a}`;");
  assert.match(text, /`/);
  assert.is((load(jsmin(text), {}) as (a: string) => string)('1'), "'a'  1");
});
one('takes what is shared out of the class, and has the rest inside', async () => {
  const entry = write({
    'view.ts':
      "import { a, b as c } from './part/one.ts';\nimport { own } from './own.ts';\nexport default [a, c, own];\n",
    'own.ts': "import {\n  longer,\n} from './part/two.ts';\nexport const own = 'own' + longer;\n",
    'part/one.ts': "export const a = 'shared', b = 1;\n",
    'part/two.ts': "export const longer = 'shared';\n",
  });
  const compiled = await compileView(entry, new Set([inDirectory('part/one.ts'), inDirectory('part/two.ts')]));
  assert.equal([...compiled.uses].sort(), [
    [inDirectory('part/one.ts'), new Set(['a', 'b'])],
    [inDirectory('part/two.ts'), new Set(['longer'])],
  ]);
  assert.not.match(compiled.code, /"shared"/);
  const short = new Map(['a', 'b', 'longer'].map((name, i) => [name, `x${i}`]));
  const text = formatClass(shortenTaking(compiled, short), 'meshbridge.part-0123abcd');
  assert.equal(load(text, { 'meshbridge.part-0123abcd': { x0: 1, x1: 2, x2: 3 } }), [1, 2, 'own3']);
});
one('takes what only some views share out of a class of its own', async () => {
  const entry = write({
    'view.ts': "import { a } from './part/one.ts';\nimport { rare } from './rare.ts';\nexport default [a, rare];\n",
    'rare.ts': "export const rare = 'rare';\n",
    'part/one.ts': "export const a = 'shared';\n",
  });
  const compiled = await compileView(entry, new Set([inDirectory('part/one.ts')]), new Set([inDirectory('rare.ts')]));
  assert.equal([...compiled.more], [[inDirectory('rare.ts'), new Set(['rare'])]]);
  const short = shortenTaking(compiled, new Map([['a', 'x']]), new Map([['rare', 'y']]));
  const text = formatClass(short, 'meshbridge.part-0', 'meshbridge.more-0');
  assert.equal(load(text, { 'meshbridge.part-0': { x: 1 }, 'meshbridge.more-0': { y: 2 } }), [1, 2]);
});
for (const [what, text] of [
  ['a whole module', "import * as one from './part/one.ts'; export default one;"],
  ['what a module does', "import './part/one.ts'; export default 1;"],
])
  one(`refuses to take ${what} out of the class`, async () => {
    const entry = write({ 'whole.ts': text!, 'part/one.ts': 'export const a = 1;' });
    try {
      await compileView(entry, new Set([inDirectory('part/one.ts')]));
      assert.unreachable();
    } catch (error) {
      assert.match(String(error), /expected names imported from \.\/part\/one\.ts, got (none|\* as one)/);
    }
  });
for (const [what, text] of [
  ['no export', 'globalThis.x = 1;'],
  ['more than one export', 'export const a = globalThis.x; export default a;'],
])
  one(`refuses a view with ${what}`, async () => {
    try {
      await buildText(text!);
      assert.unreachable();
    } catch (error) {
      assert.match(String(error), /expected one export, the default one, got …/);
    }
  });
one.run();

// ---

const shared = suite('compileShared');
const using = (...uses: [module: string, ...names: string[]][]) =>
  new Map(uses.map(([module, ...names]) => [inDirectory(module), new Set(names)]));
shared('holds what views use, under short names, and leaves the rest out', async () => {
  write({
    'part/few.ts':
      "import { deep } from './deep.ts';\nexport const a = () => deep;\nexport const gone = () => 'unused';\n",
    'part/deep.ts': "export const deep = 'deep', more = 'unused';\n",
    'part/call.ts': "export const kept = 'kept', text = _('unused');\n",
  });
  const { compiled, short } = await compileShared([using(['part/few.ts', 'a']), using(['part/call.ts', 'kept'])], '');
  const text = formatClass(compiled);
  assert.equal(pragmasOf(text), [{ name: 'baseclass', as: 'baseclass' }]);
  const members = load(text, CLASSES) as { a(): string; b: string };
  assert.equal(
    [...short],
    [
      ['a', 'a'],
      ['kept', 'b'],
    ],
  );
  assert.equal(Object.keys(members), ['a', 'b']);
  assert.equal([members.a(), members.b], ['deep', 'kept']);
  assert.not.match(text, /unused/);
});
shared('refuses two things of one name', async () => {
  try {
    await compileShared([using(['part/x.ts', 'a']), using(['part/y.ts', 'a'])], '');
    assert.unreachable();
  } catch (error) {
    assert.match(String(error), /y\.ts: expected names that no other module shares, got a of .*x\.ts/);
  }
});
shared('has a name for however many', async () => {
  const names = Array.from({ length: 60 }, (_none, i) => `made${i}`);
  write({ 'part/many.ts': names.map((name, i) => `export const ${name} = ${i};`).join('\n') });
  const { compiled, short } = await compileShared([using(['part/many.ts', ...names])], '');
  assert.is(new Set(short.values()).size, 60);
  const members = load(formatClass(compiled), CLASSES) as Record<string, number>;
  for (const [i, name] of names.entries()) assert.is(members[short.get(name)!], i);
});
shared.run();

// ---

const minifier = suite("the SDK's minifier");
minifier('knows regular expressions after punctuation only', async () => {
  assert.is(jsmin('a = /[/"]x/.test( b ) ; // c'), 'a=/[/"]x/.test(b);');
  // the quote that it takes for a string's beginning
  assert.throws(() => jsmin('return /"/'), /unterminated string/);
});
minifier('breaks templates within templates', async () => {
  const text = `x = ${NESTED};`;
  const broken = await sameProgram(jsmin(text)).catch(() => undefined);
  assert.is.not(broken, await sameProgram(text));
});
minifier('keeps what separates', () => {
  assert.is(jsmin('a + +b\nlet  c\n/* d */ = e\n(f)'), 'a+ +b\nlet c=e\n(f)');
});
minifier('keeps a program of ours', async () => {
  const text = readFileSync(inProject('build/run.mjs'), 'utf8')
    .replace(/^import .*$/gm, '')
    .replace(/import\.meta\.url/g, '""');
  const body = text.slice(text.indexOf('function isAlive'), text.indexOf('/** Removes what earlier'));
  assert.is(await sameProgram(jsmin(body)), await sameProgram(body));
});
minifier.run();
