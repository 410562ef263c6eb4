// `npm run luci`: the LuCI pages as a router serves them: each view `luci-app/view/<name>.ts` with its own code alone, one class with
// what views share, another one with what only some do, their style sheet, and LuCI's menu.
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

/** What a browser loads, the class that all views share first, that of some second, and the style sheet last, and the entries of LuCI's menu that lead there. */
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

/** Modules that views must not contain themselves. */
interface SharedModules {
  /** All parts, what those import, and what more than one view imports, one of them a view that every router has. */
  all: ReadonlySet<string>;
  /** What only views beyond those have in common. */
  more: ReadonlySet<string>;
}

async function sharedModules(views: readonly string[]): Promise<SharedModules> {
  const parts = modulesIn(PARTS);
  const inputs = await importsOf([...views, ...parts]);
  const reached = (entries: readonly string[]): Set<string> => {
    const found = new Set(entries);
    for (const path of found) for (const one of inputs[path]?.imports ?? []) found.add(one.path);
    return found;
  };
  const [all, more, seen, seenMore] = [reached(parts), new Set<string>(), new Set<string>(), new Set<string>()];
  const base = views.filter((view) => !isMore(view));
  for (const view of base)
    for (const path of reached([view])) {
      if (seen.has(path)) all.add(path);
      seen.add(path);
    }
  for (const view of views.filter(isMore))
    for (const path of reached([view])) {
      if (seen.has(path)) all.add(path);
      else if (seenMore.has(path)) more.add(path);
      seenMore.add(path);
    }
  for (const path of all) more.delete(path);
  return { all, more };
}

/** A file whose name tells its content. */
function named(stem: string, text: string, extension = 'js'): BuiltFile {
  const bytes = new TextEncoder().encode(text);
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 8);
  return { path: `${stem}-${hash}.${extension}`, bytes };
}

/** What LuCI calls the class in a file. */
function classOf({ path }: BuiltFile): string {
  return path.slice(0, -'.js'.length).replace('/', '.');
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
  const { all, more } = await sharedModules(sources);
  const views: [name: string, CompiledView][] = [];
  for (const path of sources)
    views.push([path.slice(VIEWS.length + 1, -'.ts'.length), await compileView(inProject(path), all, more)]);
  const style = await buildStyle();
  const some = await compileShared(
    views.map(([, view]) => view.more),
    style.path,
    all,
  );
  const { compiled, short } = await compileShared(
    [...views.map(([, view]) => view.uses), some.compiled.uses],
    style.path,
  );
  const shared = named('meshbridge/part', formatClass(compiled));
  const shareMore = named('meshbridge/more', formatClass(shortenTaking(some.compiled, short), classOf(shared)));
  const files = [shared, shareMore];
  const paths = new Map<string, string>();
  for (const [name, view] of views) {
    const text = formatClass(
      shortenTaking(view, short, some.short),
      view.uses.size > 0 ? classOf(shared) : undefined,
      view.more.size > 0 ? classOf(shareMore) : undefined,
    );
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
  const more = ['meshbridge/more-', ...MORE.map((name) => `view/meshbridge/${name}-`)];
  const base = scripts.filter(({ path }) => !more.some((beginning) => path.startsWith(beginning)));
  return [
    { what: 'JavaScript of the base', value: sum(base), budget: BUDGETS.views },
    { what: 'JavaScript together', value: sum(scripts), budget: BUDGETS.allViews },
  ];
}

/** Clients that run views: a stand-in for LuCI's with all that our pages take of it, and a small one without forms. */
const CLIENTS = { whole: 'src/dev/page-host/client/main.ts', small: 'src/page-host/client/main.ts' } as const;

/** Bundles a client. @throws Error */
export async function buildClient(which: keyof typeof CLIENTS = 'whole'): Promise<string> {
  const entryPoints = [inProject(CLIENTS[which])];
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
