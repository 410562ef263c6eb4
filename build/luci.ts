// `npm run luci`: the LuCI views, each `luci-app/view/<name>.ts` as one minified file in the form that LuCI's client loads.
//
// LuCI runs a view as the body of a function: pragmas `'require <class>';` first, which become its arguments, no import or export,
// and `return <class>` at the end. So imports of `luci:<class>` turn into pragmas, and the rest is bundled in. In the SDK the files
// go through a simple JavaScript minifier that knows no template literals within one another: there are none.
// Source: luci-base, resources/luci.js (`require`) and src/jsmin.c; luci.mk.

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { errorText } from '../src/errors.ts';
import { DIST, inProject, ROOT } from './project.ts';
import { BUDGETS } from './targets.ts';

/** One built view. */
export interface BuiltView {
  /** Below `/www/luci-static/resources`: `view/meshbridge/status.js`. */
  path: string;
  bytes: Uint8Array;
}

const SOURCES = inProject('luci-app/view');

/** Browsers of 2020 on, which the client of OpenWrt 22.03 needs too. */
const FOR_BROWSERS: BuildOptions = {
  absWorkingDir: ROOT,
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  target: 'es2020',
  supported: { 'template-literal': false },
  charset: 'ascii',
  minify: true,
  legalComments: 'none',
  logLevel: 'error',
  write: false,
};

/** LuCI names the argument for a class after it, with `_` for dots. */
function argumentOf(name: string): string {
  return name.replace(/[^a-zA-Z0-9_]/g, '_');
}

/** Makes `luci:<class>` the argument of that name, and notes each class that is imported. */
function classesOfLuci(wanted: Set<string>): Plugin {
  return {
    name: 'luci',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^luci:[a-z][a-z0-9.]*$/ }, ({ path }) => ({ path: path.slice(5), namespace: 'luci' }));
      onLoad({ filter: /./, namespace: 'luci' }, ({ path }) => {
        wanted.add(path);
        return { contents: `export default ${argumentOf(path)};` };
      });
    },
  };
}

/** Builds one view, whose default export is what `view.extend` gave. @throws Error */
export async function buildView(entry: string): Promise<string> {
  const wanted = new Set<string>();
  const { outputFiles } = await build({ ...FOR_BROWSERS, entryPoints: [entry], plugins: [classesOfLuci(wanted)] });
  const code = outputFiles![0]!.text.trimEnd();
  const end = /;export\{([\w$]+) as default\};?$/.exec(code);
  if (!end) throw new Error(`${entry}: expected one export, the default one, got …${code.slice(-60)}`);
  const pragmas = ['use strict', ...[...wanted].sort().map((name) => `require ${name}`)];
  return `${pragmas.map((text) => `'${text}';`).join('\n')}\n${code.slice(0, end.index)};return ${end[1]};\n`;
}

/** Builds all views into `out`, laid out as `/www/luci-static/resources` is. @throws Error when they are past their budget. */
export async function buildViews({ out, log }: { out: string; log(line: string): void }): Promise<BuiltView[]> {
  const names = readdirSync(SOURCES)
    .filter((name) => name.endsWith('.ts'))
    .sort();
  const views: BuiltView[] = [];
  for (const name of names) {
    const path = `view/meshbridge/${basename(name, '.ts')}.js`;
    const bytes = new TextEncoder().encode(await buildView(join(SOURCES, name)));
    mkdirSync(dirname(join(out, path)), { recursive: true });
    writeFileSync(join(out, path), bytes);
    log(`${path}: ${bytes.length} bytes`);
    views.push({ path, bytes });
  }
  const total = views.reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (total > BUDGETS.views) throw new Error(`LuCI views: ${total} bytes, budget ${BUDGETS.views}`);
  return views;
}

/** Bundles the stand-in for LuCI's client, in which the page host runs views. @throws Error */
export async function buildClient(): Promise<string> {
  const entryPoints = [inProject('src/dev/page-host/client/main.ts')];
  const { outputFiles } = await build({ ...FOR_BROWSERS, entryPoints, format: 'iife' });
  return outputFiles![0]!.text;
}

if (process.argv[1] === inProject('build/luci.ts')) {
  try {
    await buildViews({ out: join(DIST, 'luci'), log: console.log });
  } catch (error) {
    console.error(`meshbridge: ${errorText(error)}`);
    process.exit(1);
  }
}
