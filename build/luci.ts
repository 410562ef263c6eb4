// `npm run luci`: the LuCI pages as a router serves them: each view `luci-app/view/<name>.ts` with its own code alone, one class with
// what views share, their style sheet, and LuCI's menu.
//
// Every file is named by a hash of its content, and the menu names the hashed views: LuCI before 2025 tells browsers to keep a file for
// as long as LuCI's own version stays the same, so a name must never stand for two contents.

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build, transform } from 'esbuild';
import { errorText } from '../src/errors.ts';
import {
  type CompiledView,
  compileShared,
  compileView,
  FOR_BROWSERS,
  formatClass,
  importsOf,
  shortenTaking,
} from './luci-class.ts';
import { DIST, inProject } from './project.ts';
import { BUDGETS } from './targets.ts';

/** One file below `/www/luci-static/resources`: `view/meshbridge/overview-0123abcd.js`. */
export interface BuiltFile {
  path: string;
  bytes: Uint8Array;
}

/** What a browser loads, the shared class first and the style sheet last, and the entries of LuCI's menu that lead there. */
export interface BuiltPages {
  files: readonly BuiltFile[];
  /** JSON, as in menu.d. */
  menu: string;
}

const VIEWS = 'luci-app/view';
const PARTS = `${VIEWS}/part`;
const STYLE = `${PARTS}/style.css`;
/** Views of what not every router does. */
const MORE: readonly string[] = ['telemetry', 'internet', 'operator'];
/** Entries of LuCI's menu, with views by their names alone. */
export const MENU = 'luci-app/root/usr/share/luci/menu.d/luci-app-meshbridge.json';

function modulesIn(directory: string): string[] {
  return readdirSync(inProject(directory))
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => `${directory}/${name}`);
}

function isMore(view: string): boolean {
  return MORE.some((name) => view === `${VIEWS}/${name}.ts`);
}

/**
 * Modules that views must not contain themselves: all parts, what those import, and what more than one view imports, one of them a view that every
 * router has; what only views beyond those have in common lies in each of them, for the shared class is loaded everywhere.
 */
async function sharedModules(views: readonly string[]): Promise<Set<string>> {
  const parts = modulesIn(PARTS);
  const inputs = await importsOf([...views, ...parts]);
  const reached = (entries: readonly string[]): Set<string> => {
    const found = new Set(entries);
    for (const path of found) for (const one of inputs[path]?.imports ?? []) found.add(one.path);
    return found;
  };
  const shared = reached(parts);
  const seen = new Set<string>();
  const base = views.filter((view) => !isMore(view));
  for (const view of [...base, ...views.filter(isMore)])
    for (const path of reached([view])) {
      if (seen.has(path)) shared.add(path);
      if (!isMore(view)) seen.add(path);
    }
  return shared;
}

/** A file whose name tells its content. */
function named(stem: string, text: string, extension = 'js'): BuiltFile {
  const bytes = new TextEncoder().encode(text);
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 8);
  return { path: `${stem}-${hash}.${extension}`, bytes };
}

/** The menu with views by their names in the package. @throws Error on a view that is not there, and on one that no entry shows. */
export function hashedMenu(text: string, views: ReadonlyMap<string, string>): string {
  const menu: Record<string, { action: { type: string; path?: string } }> = JSON.parse(text);
  const unused = new Set(views.keys());
  for (const [key, { action }] of Object.entries(menu)) {
    if (action.type !== 'view') continue;
    const path = views.get(action.path!);
    if (path === undefined)
      throw new Error(`${MENU}: ${key}: expected one of ${[...views.keys()]}, got ${action.path}`);
    unused.delete(action.path!);
    action.path = path;
  }
  if (unused.size > 0) throw new Error(`${MENU}: expected an entry for each view, got none for ${[...unused]}`);
  return `${JSON.stringify(menu, null, 2)}\n`;
}

/** The style sheet, minified. @throws Error when it is past its budget. */
async function buildStyle(): Promise<BuiltFile> {
  const { code } = await transform(readFileSync(inProject(STYLE)), { loader: 'css', minify: true, charset: 'ascii' });
  const file = named('meshbridge/style', code, 'css');
  const { length } = file.bytes;
  if (length > BUDGETS.style) throw new Error(`LuCI style sheet: ${length} bytes, budget ${BUDGETS.style}`);
  return file;
}

/** Builds all pages. @throws Error when views and menu do not match, or are past their budget. */
export async function buildPages(): Promise<BuiltPages> {
  const sources = modulesIn(VIEWS);
  const modules = await sharedModules(sources);
  const views: [name: string, CompiledView][] = [];
  for (const path of sources)
    views.push([path.slice(VIEWS.length + 1, -'.ts'.length), await compileView(inProject(path), modules)]);
  const style = await buildStyle();
  const { compiled, short } = await compileShared(
    views.map(([, view]) => view),
    style.path,
  );
  const shared = named('meshbridge/part', formatClass(compiled));
  const className = shared.path.slice(0, -'.js'.length).replace('/', '.');
  const files = [shared];
  const paths = new Map<string, string>();
  for (const [name, view] of views) {
    const text = formatClass(shortenTaking(view, short), view.uses.size > 0 ? className : undefined);
    const file = named(`view/meshbridge/${name}`, text);
    paths.set(`meshbridge/${name}`, file.path.slice('view/'.length, -'.js'.length));
    files.push(file);
  }
  for (const { what, value, budget } of weighScripts(files))
    if (value > budget) throw new Error(`LuCI pages, ${what}: ${value} bytes, budget ${budget}`);
  files.push(style);
  return { files, menu: hashedMenu(readFileSync(inProject(MENU), 'utf8'), paths) };
}

/** What the JavaScript of pages weighs together: of those that every router has, and of all. */
export function weighScripts(files: readonly BuiltFile[]): { what: string; value: number; budget: number }[] {
  const scripts = files.filter(({ path }) => path.endsWith('.js'));
  const sum = (some: readonly BuiltFile[]): number => some.reduce((all, { bytes }) => all + bytes.length, 0);
  const base = scripts.filter(({ path }) => !MORE.some((name) => path.startsWith(`view/meshbridge/${name}-`)));
  return [
    { what: 'JavaScript of the base', value: sum(base), budget: BUDGETS.views },
    { what: 'JavaScript together', value: sum(scripts), budget: BUDGETS.allViews },
  ];
}

/** Bundles the stand-in for LuCI's client, in which the page host runs views. @throws Error */
export async function buildClient(): Promise<string> {
  const entryPoints = [inProject('src/dev/page-host/client/main.ts')];
  const { outputFiles } = await build({ ...FOR_BROWSERS, entryPoints, format: 'iife' });
  return outputFiles[0]!.text;
}

/** Writes the pages to a directory that holds nothing else, laid out as `/www/luci-static/resources` is. */
function write(directory: string, files: readonly BuiltFile[]): void {
  rmSync(directory, { recursive: true, force: true });
  for (const { path, bytes } of files) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), bytes);
  }
}

if (process.argv[1] === inProject('build/luci.ts')) {
  try {
    const { files } = await buildPages();
    write(join(DIST, 'luci'), files);
    for (const { path, bytes } of files) console.log(`${String(bytes.length).padStart(6)}  ${path}`);
    for (const { what, value, budget } of weighScripts(files))
      console.log(`${String(value).padStart(6)}  ${what}, of ${budget}`);
  } catch (error) {
    console.error(`meshbridge: ${errorText(error)}`);
    process.exit(1);
  }
}
