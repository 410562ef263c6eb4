// One module of ours as a class file in the form that LuCI's client loads.
//
// LuCI runs such a file as the body of a function: pragmas `'require <class>';` first, which become its arguments, no import or export,
// and `return <class>` at the end. So imports of `luci:<class>` turn into pragmas, what is imported from a shared module becomes a
// property of the one class that holds all of those, and the rest is bundled in. In the SDK the files go through a simple JavaScript
// minifier that knows no template literals within one another: a test finds them.
// Source: luci-base, resources/luci.js (`require`, `baseclass`) and src/jsmin.c; luci.mk.

import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin, transform } from 'esbuild';
import { version } from '../package.json';
import { ROOT } from './project.ts';

/** Browsers of 2020 on, which the client of OpenWrt 22.03 needs too. */
export const FOR_BROWSERS = {
  absWorkingDir: ROOT,
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  target: 'es2020',
  charset: 'ascii',
  minify: true,
  legalComments: 'none',
  logLevel: 'silent',
  write: false,
} as const satisfies BuildOptions;

/** Globals of pages: the version that they are of, and functions without side effects, whose results are left out where unused. */
const FOR_PAGES = {
  ...FOR_BROWSERS,
  define: {
    MESHBRIDGE_VERSION: JSON.stringify(version),
    'Number.POSITIVE_INFINITY': 'Infinity',
    'Number.NaN': 'NaN',
  },
  pure: ['E', 'N_', '_'],
} as const satisfies BuildOptions;

/** What shared classes are called where they are used, that of all views and that of some: no source can mean it by chance. */
const SHARED = 's$';
const MORE = 'm$';
type SharedName = typeof SHARED | typeof MORE;
/** A view takes one thing out of a shared class, as the bundler writes that. */
const TAKES = /var ([\w$]+)=([sm]\$)\.(\w+);/g;
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** A module without its pragmas. */
interface Compiled {
  code: string;
  /** Classes of LuCI that it needs. */
  classes: readonly string[];
}

/** By module, relative to the root, which of its exports are used. */
export type Uses = ReadonlyMap<string, ReadonlySet<string>>;

/** A view, or the class that some views share: what it uses of the modules that all share, and of those that some share. */
export interface CompiledView extends Compiled {
  uses: Uses;
  more: Uses;
}

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

const IMPORT = /^import (?:([^;"]*) from )?"(\.[^"]+)";$/gm;

/** Modules that are shared by one class. */
interface Sharing {
  as: SharedName;
  modules: ReadonlySet<string>;
  /** Filled with what is used of them. */
  uses: Map<string, Set<string>>;
}

/** Makes imports from shared modules properties of their class, each read once a view, and notes each name. */
function propertiesOfShared(sharings: readonly Sharing[]): Plugin {
  return {
    name: 'shared',
    setup({ onResolve, onLoad }) {
      onLoad({ filter: /\.ts$/, namespace: 'file' }, async ({ path }) => {
        // esbuild prints imports in one form, and leaves out what is a type
        const { code } = await transform(readFileSync(path, 'utf8'), { loader: 'ts', charset: 'utf8' });
        const contents = code.replace(IMPORT, (whole, what: string | undefined, from: string) => {
          const target = relative(ROOT, join(dirname(path), from));
          const sharing = sharings.find(({ modules }) => modules.has(target));
          if (!sharing) return whole;
          const { as, uses } = sharing;
          const names = /^\{(.*)\}$/s
            .exec(what ?? '')?.[1]
            ?.trim()
            .split(/,\s*/);
          if (!names)
            throw new Error(`${relative(ROOT, path)}: expected names imported from ${from}, got ${what ?? 'none'}`);
          const used = uses.get(target) ?? new Set();
          uses.set(target, used);
          return names
            .map((name) => {
              const [property = ''] = name.split(' as ');
              used.add(property);
              return `import {${name}} from 'property:${as}.${property}';`;
            })
            .join('');
        });
        return { contents, loader: 'ts' };
      });
      onResolve({ filter: /^property:/ }, ({ path }) => ({ path: path.slice(9), namespace: 'property' }));
      onLoad({ filter: /./, namespace: 'property' }, ({ path }) => ({
        contents: `export const ${path.slice(path.indexOf('.') + 1)} = ${path};`,
      }));
    },
  };
}

/** What entries import, and those in turn. @throws Error */
export async function importsOf(entries: readonly string[]): Promise<Metafile['inputs']> {
  const entryPoints = [...entries];
  const plugins = [classesOfLuci(new Set())];
  const { metafile } = await build({ ...FOR_PAGES, entryPoints, outdir: '.', metafile: true, plugins });
  return metafile.inputs;
}

/**
 * Compiles a view, whose default export is what `view.extend` gave.
 * @param shared modules that it is not to contain, and more of such, which not every view shares. @throws Error
 */
export async function compileView(
  entry: string,
  shared: ReadonlySet<string>,
  more: ReadonlySet<string> = new Set(),
): Promise<CompiledView> {
  return compileClass(entry, { entryPoints: [entry] }, shared, more);
}

async function compileClass(
  name: string,
  options: Pick<BuildOptions, 'entryPoints' | 'stdin' | 'define'>,
  shared: ReadonlySet<string>,
  more: ReadonlySet<string>,
): Promise<CompiledView> {
  const classes = new Set<string>();
  const [uses, usesMore] = [new Map<string, Set<string>>(), new Map<string, Set<string>>()];
  const sharings: Sharing[] = [
    { as: SHARED, modules: shared, uses },
    { as: MORE, modules: more, uses: usesMore },
  ];
  const plugins = [classesOfLuci(classes), propertiesOfShared(sharings)];
  const { outputFiles } = await build({ ...FOR_PAGES, ...options, plugins });
  const code = outputFiles[0]!.text.trimEnd();
  const end = /;?export\{([\w$]+) as default\};?$/.exec(code);
  if (!end) throw new Error(`${name}: expected one export, the default one, got …${code.slice(-60)}`);
  return { code: `${code.slice(0, end.index)};return ${end[1]};`, classes: [...classes], uses, more: usesMore };
}

/** Short names for what views use of the shared modules. */
export type ShortNames = ReadonlyMap<string, string>;

/** The nth short name: none that LuCI's classes have for themselves. */
function shortName(n: number): string {
  return LETTERS[n] ?? `${LETTERS[n % LETTERS.length]}${Math.floor(n / LETTERS.length)}`;
}

/** A view that takes everything out of each shared class at once, by the short names. */
export function shortenTaking(
  { code, classes, uses, more }: CompiledView,
  short: ShortNames,
  shortMore: ShortNames = new Map(),
): CompiledView {
  const taken: Record<SharedName, string[]> = { [SHARED]: [], [MORE]: [] };
  const rest = code.replace(TAKES, (_whole, local: string, as: SharedName, name: string) => {
    taken[as].push(`${(as === SHARED ? short : shortMore).get(name)}:${local}`);
    return '';
  });
  const takes = Object.entries(taken).map(([as, names]) => (names.length > 0 ? `var{${names.join(',')}}=${as};` : ''));
  return { code: takes.join('') + rest, classes, uses, more };
}

/**
 * Compiles the class with those exports of shared modules that are used, under short names.
 * @param style path of the style sheet below LuCI's resources. @param shared modules that another class has.
 * @throws Error when two have the same name.
 */
export async function compileShared(
  all: readonly Uses[],
  style: string,
  shared: ReadonlySet<string> = new Set(),
): Promise<{ compiled: CompiledView; short: ShortNames }> {
  const origins = new Map<string, string>();
  for (const [module, names] of all.flatMap((uses) => [...uses]))
    for (const name of names) {
      const other = origins.get(name) ?? module;
      if (other !== module)
        throw new Error(`${module}: expected names that no other module shares, got ${name} of ${other}`);
      origins.set(name, module);
    }
  const short = new Map([...origins.keys()].sort().map((name, i) => [name, shortName(i)]));
  const contents = [
    "import base from 'luci:baseclass';",
    ...[...origins].map(([name, module]) => `import {${name}} from './${module}';`),
    `export default base.extend({${[...short].map(([name, property]) => `${property}: ${name}`).join(', ')}});`,
  ].join('\n');
  const stdin = { contents, resolveDir: ROOT, sourcefile: 'shared.ts', loader: 'ts' } as const;
  const define = { ...FOR_PAGES.define, MESHBRIDGE_STYLE: JSON.stringify(style) };
  return { compiled: await compileClass('shared.ts', { stdin, define }, shared, new Set()), short };
}

/** The text of a class file. @param shared LuCI's names for the shared classes, that of all views and that of some. */
export function formatClass({ code, classes }: Compiled, shared?: string, more?: string): string {
  const pragmas = ['use strict', ...[...classes].sort().map((name) => `require ${name}`)];
  if (shared !== undefined) pragmas.push(`require ${shared} as ${SHARED}`);
  if (more !== undefined) pragmas.push(`require ${more} as ${MORE}`);
  return `${pragmas.map((text) => `'${text}';`).join('\n')}\n${code}\n`;
}
