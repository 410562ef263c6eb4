import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transform } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildView, buildViews } from '../../build/luci.ts';
import { inProject } from '../../build/project.ts';
import { jsmin } from './jsmin.ts';

const out = mkdtempSync(join(tmpdir(), 'meshbridge-views-'));
process.on('exit', () => rmSync(out, { recursive: true }));
const views = await buildViews({ out, log() {} });

/** What LuCI makes of a view's text: the classes that it asks for, and what the function returns when it is given them. */
function load(text: string, given: Record<string, unknown>): { wanted: string[]; result: unknown } {
  const wanted: string[] = [];
  for (const [, literal] of text.matchAll(/(?:^|;|\n)\s*['"]([^'"]*)['"]/g)) {
    const name = /^require[ \t]+(\S+)$/.exec(literal!)?.[1];
    if (name) wanted.push(name);
    else if (literal !== 'use strict') break;
  }
  const names = wanted.map((name) => name.replace(/[^a-zA-Z0-9_]/g, '_'));
  const body = new Function('window', 'document', 'L', ...names, text);
  return { wanted, result: body({}, {}, {}, ...wanted.map((name) => given[name])) };
}

/** One form for all texts of the same program. */
async function sameProgram(text: string): Promise<string> {
  return (await transform(`(function(){${text}})`, { minify: true })).code;
}

async function buildText(text: string): Promise<string> {
  const entry = join(out, 'made.ts');
  writeFileSync(entry, text);
  return buildView(entry);
}

const built = suite('buildViews');
for (const { path, bytes } of views) {
  const text = new TextDecoder().decode(bytes);
  built(`makes the body of a function that returns a class: ${path}`, () => {
    const made = {};
    const given = {
      view: { extend: () => made },
      rpc: {
        addInterceptor() {},
        declare: (call: { reject?: boolean }) => {
          assert.is(call.reject, true);
          return () => Promise.reject(new Error());
        },
      },
      poll: {},
    };
    const { wanted, result } = load(text, given);
    assert.is(result, made);
    assert.equal([...wanted].sort(), ['poll', 'rpc', 'view']);
  });
  built(`survives the SDK's minifier: ${path}`, async () => {
    assert.is(await sameProgram(jsmin(text)), await sameProgram(text));
  });
  built(`is plain ASCII without import, export and template literals: ${path}`, () => {
    assert.match(text, /^[\n -~]*$/);
    assert.not.match(text, /\bimport\b|\bexport\b|`/);
  });
  built(`is written below the directory: ${path}`, () => {
    assert.equal(new Uint8Array(readFileSync(join(out, path))), bytes);
  });
}
built('gives the same bytes again', async () => {
  assert.equal(await buildViews({ out, log() {} }), views);
});
built('are what the package holds', async () => {
  const { PACKAGES } = await import('../../build/packages.ts');
  const packaged = PACKAGES.flatMap(({ files }) => files).filter(({ from }) => from.kind === 'view');
  assert.equal(
    packaged.map(({ path }) => path),
    views.map(({ path }) => `/www/luci-static/resources/${path}`),
  );
});
built.run();

// ---

// biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a program
const NESTED = "`'a' ${a} ${a + `//b ${a}`}`";

const one = suite('buildView');
one('asks for a class whose name has a dot', async () => {
  const text = await buildText("import widgets from 'luci:tools.widgets'; export default widgets.of('x');");
  const { wanted, result } = load(text, { 'tools.widgets': { of: (name: string) => ({ name }) } });
  assert.equal(wanted, ['tools.widgets']);
  assert.equal(result, { name: 'x' });
});
one('uses no template literals', async () => {
  const text = await buildText(`export default (a: string) => ${NESTED};`);
  assert.not.match(text, /`/);
  assert.is((load(text, {}).result as (a: string) => string)('1'), "'a' 1 1//b 1");
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
