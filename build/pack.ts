// `npm run ipk`: every package for every architecture, indexed and signed, in dist/feed/<architecture>.
//
// `--target mips,arm` makes those alone; `--key FILE`, or MESHBRIDGE_FEED_KEY, names the secret key that signs.

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { errorText } from '../src/errors.ts';
import { readCatalogue } from './catalogue.ts';
import { encodeFeed } from './feed.ts';
import { encodeData, encodeIpk, type Ipk } from './ipk.ts';
import { encodeLmo } from './lmo.ts';
import { withLock } from './lock.ts';
import { type BuiltPages, buildPages } from './luci.ts';
import { buildTarget } from './native.ts';
import { ARCHITECTURES, PACKAGES, type Package } from './packages.ts';
import { CACHE, DIST, inProject } from './project.ts';
import type { TreeEntry } from './tar.ts';
import { BUDGETS, TARGET_NAMES, type TargetName, targetsOf } from './targets.ts';
import { sourceTime } from './time.ts';
import { formatPublicKey, formatSecretKey, keyName, makeKey, parseSecretKey, type SecretKey } from './usign.ts';

/** Where built content comes from. */
export interface Builds {
  /** The program of a flavour, for the target that is packed. */
  program(tls: boolean): Promise<Uint8Array>;
  /** The LuCI pages. */
  pages(): Promise<BuiltPages>;
}

/** The files of a package with their contents. @throws Error that names a file of the project that is missing. */
export async function readPackage(pkg: Package, builds: Builds): Promise<TreeEntry[]> {
  const files: TreeEntry[] = [];
  for (const { path, mode, from } of pkg.files) {
    if (from.kind === 'pages') {
      for (const page of (await builds.pages()).files)
        files.push({ name: `${path}/${page.path}`, mode, content: page.bytes });
      continue;
    }
    let content: TreeEntry['content'];
    if (from.kind === 'link') content = { link: from.to };
    else if (from.kind === 'program') content = await builds.program(from.tls);
    else if (from.kind === 'menu') content = new TextEncoder().encode((await builds.pages()).menu);
    else if (from.kind === 'text') content = new TextEncoder().encode(from.text);
    else if (from.kind === 'catalogue') content = encodeLmo(readCatalogue(from.language));
    else if (existsSync(inProject(from.path))) content = readFileSync(inProject(from.path));
    else throw new Error(`${pkg.name}: ${from.path}: no such file, but the package brings it as ${path}`);
    files.push({ name: path, mode, content });
  }
  return files;
}

/** Packs packages for some architectures, each package of kind `all` once; answers with the files of each architecture's feed. */
export async function packFor(
  architectures: readonly string[],
  packages: readonly Package[],
  builds: Builds,
  time: number,
): Promise<Map<string, Ipk[]>> {
  const feeds = new Map<string, Ipk[]>(architectures.map((architecture) => [architecture, []]));
  for (const pkg of packages) {
    const data = encodeData(await readPackage(pkg, builds), time);
    for (const [architecture, ipks] of feeds)
      ipks.push(encodeIpk(pkg, pkg.architecture === 'all' ? 'all' : architecture, data, time));
  }
  return feeds;
}

/** Replaces the feed of one architecture: package files and their signed index. One writer at a time. */
export function writeFeed(directory: string, ipks: readonly Ipk[], key: SecretKey): void {
  const made = `${directory}.new`;
  rmSync(made, { recursive: true, force: true });
  mkdirSync(made, { recursive: true });
  for (const { file, bytes } of ipks) writeFileSync(join(made, file), bytes);
  for (const [name, bytes] of encodeFeed(ipks, key)) writeFileSync(join(made, name), bytes);
  rmSync(directory, { recursive: true, force: true });
  renameSync(made, directory);
}

/** A key that signs, and where it is. */
export interface FeedKey {
  key: SecretKey;
  path: string;
  /** It was not given, and is this clone's own. */
  own: boolean;
}

/**
 * The key in a file, or without one the key of this clone, which is made the first time.
 * @throws Error when the file is missing or no secret key, or named by an empty text: a key was meant.
 */
export function feedKey(given: string | undefined, directory = join(CACHE, 'feed')): FeedKey {
  if (given === '') throw new Error('--key, MESHBRIDGE_FEED_KEY: expected the path of a secret key, got ""');
  const path = given ?? join(directory, 'secret.key');
  if (!given && !existsSync(path)) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(path, formatSecretKey(makeKey(), 'meshbridge feed, secret key'), { mode: 0o600, flag: 'wx' });
  }
  try {
    return { key: parseSecretKey(readFileSync(path, 'utf8')), path, own: !given };
  } catch (error) {
    throw new Error(`${path}: ${errorText(error)}`, { cause: error });
  }
}

/** The packages that are past the budget; with TLS they have none. */
export function pastBudget(ipks: readonly Ipk[]): Ipk[] {
  return ipks.filter(({ file, bytes }) => !file.startsWith('meshbridge-tls_') && bytes.length > BUDGETS.ipk);
}

/** A row for each architecture, a column for each package, in bytes. */
export function formatSizes(feeds: ReadonlyMap<string, readonly Ipk[]>): string {
  const names = PACKAGES.map(({ name }) => name);
  const row = (head: string, cells: readonly string[]): string =>
    head.padEnd(26) + cells.map((cell, at) => cell.padStart(names[at]!.length + 2)).join('');
  const rows = [...feeds].map(([architecture, ipks]) =>
    row(
      architecture,
      ipks.map(({ bytes }) => String(bytes.length)),
    ),
  );
  return [row('bytes', names), ...rows].join('\n');
}

/** Makes the feeds of some kinds of machines; answers with their package files by architecture. */
export async function makeFeeds(
  targets: readonly TargetName[],
  directory: string,
  key: SecretKey,
  log: (line: string) => void,
): Promise<Map<string, Ipk[]>> {
  const time = sourceTime();
  const pages = await buildPages();
  const feeds = new Map<string, Ipk[]>();
  for (const target of targets) {
    const builds: Builds = {
      program: async (tls) => readFileSync(await buildTarget(target, { tls, log })),
      pages: async () => pages,
    };
    log(`${target}: packing`);
    for (const [architecture, ipks] of await packFor(ARCHITECTURES[target], PACKAGES, builds, time)) {
      writeFeed(join(directory, architecture), ipks, key);
      feeds.set(architecture, ipks);
    }
  }
  return feeds;
}

const HELP = `usage: npm run ipk [-- [--target NAME,…] [--key FILE]]

  --target NAME,…  some of ${TARGET_NAMES.join(', ')}; without it, all
  --key FILE       secret key (usign) that signs the feeds; else that of MESHBRIDGE_FEED_KEY, else one of this clone's own
`;

async function main(): Promise<void> {
  const options = { target: { type: 'string' }, key: { type: 'string' }, help: { type: 'boolean' } } as const;
  const { values } = parseArgs({ options });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const targets = targetsOf(values.target ?? 'all');
  const { key, path, own } = feedKey(values.key ?? process.env.MESHBRIDGE_FEED_KEY);
  const directory = join(DIST, 'feed');
  const log = (line: string): void => console.error(`ipk: ${line}`);
  const make = () => makeFeeds(targets, directory, key, log);
  const feeds = await withLock(directory, make, () => log(`waiting for another build of ${directory} …`));
  const publicKey = join(directory, keyName(key));
  writeFileSync(publicKey, formatPublicKey(key, 'meshbridge feed'));
  console.log(formatSizes(feeds));
  console.log(`\nin ${directory}, a directory for each architecture`);
  console.log(`signed with ${path}${own ? ', a key that was made for this clone: keep it, and keep it secret' : ''}`);
  console.log(`a router trusts the feeds once it has ${publicKey}: opkg-key add ${keyName(key)}`);
  const past = [...feeds.values()].flatMap(pastBudget);
  for (const { file, bytes } of past) console.error(`ipk: ${file}: ${bytes.length} bytes, budget ${BUDGETS.ipk}`);
  if (past.length > 0) process.exitCode = 1;
}

if (process.argv[1] === inProject('build/pack.ts')) {
  try {
    await main();
  } catch (error) {
    console.error(`ipk: ${errorText(error)}`);
    process.exitCode = 1;
  }
}
