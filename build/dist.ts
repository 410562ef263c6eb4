// `npm run dist`: what an OpenWrt SDK builds from, where no Node is. Two archives in dist/, the same bytes from the same sources:
// `meshbridge-<version>.tar.gz`, the release, holds the bundled programs, the C sources and the LuCI app with its built views;
// `meshbridge-feed-<version>.tar.gz` holds the feed: the recipes, with the release's hash in the daemon's, and the LuCI app.

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { version } from '../package.json';
import { errorText } from '../src/errors.ts';
import { bundleRouter } from './bundle.ts';
import { cataloguePath, TEMPLATE } from './catalogue.ts';
import { MENDED_ENGINE_FILE } from './engine.ts';
import { gzipFile } from './gzip.ts';
import { buildPages } from './luci.ts';
import { readPackage } from './pack.ts';
import { LANGUAGES, type Language, PACKAGES } from './packages.ts';
import { DIST, inProject } from './project.ts';
import { encodeTar, type TreeEntry, treeEntries } from './tar.ts';
import { sourceTime } from './time.ts';
import { TINYSSH_HEADER } from './tinyssh.ts';

const HOST = 'src/host/quickjs';
const RECIPE = 'openwrt-feed/meshbridge';
const LUCI_APP = 'luci-app-meshbridge';

/** A file of an archive; `name` is its path in the archive's only directory, with `/` before it. */
function file(name: string, content: Uint8Array): TreeEntry {
  return { name: `/${name}`, mode: 0o644, content };
}

function copy(path: string, name = path): TreeEntry {
  return file(name, readFileSync(inProject(path)));
}

/** The LuCI app as luci.mk wants it: its recipe, `htdocs/` for what is below `/www`, `po/` for translations, `root/` for the rest. */
async function luciFiles(): Promise<TreeEntry[]> {
  const pages = await buildPages();
  const program = () =>
    Promise.reject(new Error(`${LUCI_APP}: expected no program, which is not the same on all machines`));
  const contents = await readPackage(PACKAGES.find(({ name }) => name === LUCI_APP)!, {
    program,
    pages: async () => pages,
  });
  const place = (path: string): string => (path.startsWith('/www/') ? path.replace('/www', '/htdocs') : `/root${path}`);
  const catalogues = [TEMPLATE, ...(Object.keys(LANGUAGES) as Language[]).map(cataloguePath)];
  const copies = ['luci-app/Makefile', ...catalogues].map((path) => copy(path, path.slice('luci-app/'.length)));
  return [...copies, ...contents.map((entry) => ({ ...entry, name: place(entry.name) }))];
}

/** Moves files into a directory of the archive. */
function into(directory: string, files: readonly TreeEntry[]): TreeEntry[] {
  return files.map((entry) => ({ ...entry, name: `/${directory}${entry.name}` }));
}

async function releaseFiles(luci: readonly TreeEntry[]): Promise<TreeEntry[]> {
  const { bundle, others, parts } = await bundleRouter();
  const modules = [bundle, ...others.map((other) => other.bundle), ...parts];
  const sources = readdirSync(inProject(HOST)).filter((name) => /\.[ch]$/.test(name));
  return [
    ...['LICENSE', 'README.md', 'CHANGELOG.md', 'build/bytecode.c', MENDED_ENGINE_FILE, TINYSSH_HEADER].map((path) =>
      copy(path),
    ),
    ...sources.map((name) => copy(`${HOST}/${name}`)),
    ...modules.map((path) => file(`dist/${basename(path)}`, readFileSync(path))),
    ...into('luci-app', luci),
  ];
}

/** The daemon's recipe for a release archive. @throws Error when the recipe has no empty PKG_HASH to fill. */
export function withHash(recipe: string, sha256: string): string {
  const filled = recipe.replace(/^PKG_HASH:=$/m, `PKG_HASH:=${sha256}`);
  if (filled === recipe) throw new Error(`${RECIPE}/Makefile: expected a line "PKG_HASH:="`);
  return filled;
}

function feedFiles(sha256: string, luci: readonly TreeEntry[]): TreeEntry[] {
  const recipe = readFileSync(inProject(`${RECIPE}/Makefile`), 'utf8');
  const names = readdirSync(inProject(`${RECIPE}/files`));
  return [
    copy('LICENSE'),
    copy('openwrt-feed/README.md', 'README.md'),
    file('meshbridge/Makefile', Buffer.from(withHash(recipe, sha256))),
    ...names.map((name) => copy(`${RECIPE}/files/${name}`, `meshbridge/files/${name}`)),
    ...into(LUCI_APP, luci),
  ];
}

/** Packs files below one directory, which the archive is named after. */
function pack(directory: string, files: readonly TreeEntry[], time: number): Uint8Array {
  const entries = treeEntries(into(directory, files));
  // Without `./`: who unpacks wants the directory, not the owner and mode of the place where it is unpacked.
  const inside = entries.slice(1).map((entry) => ({ ...entry, name: entry.name.slice('./'.length) }));
  return gzipFile(encodeTar(inside, time));
}

/** Archives as they were written, and the sha256 of the release. */
export interface Release {
  archive: string;
  feed: string;
  sha256: string;
}

/** Writes both archives to a directory. @throws Error that names what is missing or past its budget. */
export async function makeRelease(directory: string): Promise<Release> {
  const time = sourceTime();
  const luci = await luciFiles();
  const release = pack(`meshbridge-${version}`, await releaseFiles(luci), time);
  const sha256 = createHash('sha256').update(release).digest('hex');
  const feed = pack(`meshbridge-feed-${version}`, feedFiles(sha256, luci), time);
  const made = {
    archive: join(directory, `meshbridge-${version}.tar.gz`),
    feed: join(directory, `meshbridge-feed-${version}.tar.gz`),
    sha256,
  };
  mkdirSync(directory, { recursive: true });
  writeFileSync(made.archive, release);
  writeFileSync(made.feed, feed);
  return made;
}

if (process.argv[1] === inProject('build/dist.ts')) {
  try {
    const { archive, feed, sha256 } = await makeRelease(DIST);
    console.log(`${archive}\n  sha256 ${sha256}, which is PKG_HASH in\n${feed}`);
  } catch (error) {
    console.error(`meshbridge: ${errorText(error)}`);
    process.exit(1);
  }
}
