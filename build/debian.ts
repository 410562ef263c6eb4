// Fetches Debian packages and sources into the project's cache with apt's own tools: apt checks the signatures, nothing is
// installed, and nothing outside the cache changes, whoever runs it.

import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.ts';
import { CACHE } from './project.ts';

export interface DebianRequest {
  /** `bookworm-backports`, say. */
  suite: string;
  /** Names of binary packages, for this machine's architecture. */
  packages?: readonly string[];
  /** Whether all that the packages depend on comes too, also what this machine has installed. */
  closure?: boolean;
  /** Names of source packages. */
  sources?: readonly string[];
  /** Takes a line for people; called when it takes more than two seconds. */
  log(line: string): void;
}

/** Where a machine takes Debian from. */
export interface Mirror {
  uri: string;
  /** A keyring file; absent: the machine's trusted keys. */
  signedBy?: string;
}

/** A file of apt's configuration: its path and text. */
export interface SourcesFile {
  path: string;
  text: string;
}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const ARCHIVE_SUITES = ['stable', 'testing', 'unstable', 'oldstable', 'sid', 'bookworm', 'trixie', 'forky', 'duke'];
const PROGRESS_AFTER_MS = 2000;

interface Entry {
  uri: string;
  suite: string;
  components: string[];
  signedBy: string | undefined;
}

/** One-line format: `deb [signed-by=/k arch=amd64] http://host/debian bookworm main`. Source: sources.list(5). */
function parseList(text: string): Entry[] {
  const entries: Entry[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*deb(?:-src)?\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line);
    if (!match) continue;
    const [, options = '', uri = '', suite = '', components = ''] = match;
    const signedBy = /(?:^|\s)signed-by\s*=\s*(\S+)/i.exec(options)?.[1];
    entries.push({ uri, suite, components: components.split(/\s+/).filter(Boolean), signedBy });
  }
  return entries;
}

/** Stanzas of `Field: values`, continued on indented lines. Source: sources.list(5), "deb822-style format". */
function parseStanzas(text: string): Entry[] {
  const entries: Entry[] = [];
  for (const stanza of text.replace(/^#.*\n?/gm, '').split(/\n\s*\n/)) {
    const fields = new Map<string, string>();
    for (const match of stanza.matchAll(/^([A-Za-z-]+):((?:.*)(?:\n[ \t].*)*)/gm))
      fields.set(match[1]!.toLowerCase(), match[2]!.trim());
    const words = (name: string): string[] => (fields.get(name) ?? '').split(/\s+/).filter(Boolean);
    if (/^(no|false|without|off|disable|0)$/i.test(fields.get('enabled') ?? 'yes')) continue;
    for (const uri of words('uris'))
      for (const suite of words('suites'))
        entries.push({ uri, suite, components: words('components'), signedBy: fields.get('signed-by') });
  }
  return entries;
}

/**
 * Finds Debian's own archive in apt's configuration; archives of others are passed over, also those that use Debian's suite names.
 * @param codename the machine's release (`bookworm`), to know its suite by.
 */
export function findMirror(files: readonly SourcesFile[], codename: string | undefined): Mirror | undefined {
  const suites = codename ? [...ARCHIVE_SUITES, codename] : ARCHIVE_SUITES;
  let best: { mirror: Mirror; rank: number } | undefined;
  for (const { path, text } of files) {
    for (const entry of path.endsWith('.sources') ? parseStanzas(text) : parseList(text)) {
      if (!suites.includes(entry.suite.replace(/\/$/, '')) || !entry.components.includes('main')) continue;
      if (entry.uri.startsWith('cdrom:')) continue;
      const { signedBy } = entry;
      const isArchiveKey = signedBy?.includes('debian-archive') === true;
      if (signedBy?.startsWith('/') && !isArchiveKey) continue;
      const rank = (isArchiveKey ? 2 : 0) + (/debian(\.list)?\/?$/.test(entry.uri) ? 1 : 0);
      if (best && best.rank >= rank) continue;
      best = { mirror: { uri: entry.uri, ...(isArchiveKey && signedBy.startsWith('/') && { signedBy }) }, rank };
    }
  }
  return best?.mirror;
}

/** apt's own order, Debian's own file first. */
function readSources(): SourcesFile[] {
  const parts = '/etc/apt/sources.list.d';
  const names = existsSync(parts) ? readdirSync(parts).filter((name) => /\.(list|sources)$/.test(name)) : [];
  names.sort((a, b) => Number(b === 'debian.sources') - Number(a === 'debian.sources') || (a < b ? -1 : 1));
  return ['/etc/apt/sources.list', ...names.map((name) => join(parts, name))]
    .filter((path) => existsSync(path))
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }));
}

/** @throws Error that says why this machine has no Debian to download from. */
function machineMirror(wanted: string): Mirror {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  const field = (name: string): string | undefined => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(release)?.[1];
  if (field('ID') !== 'debian' && !existsSync('/etc/debian_version')) {
    const system = field('PRETTY_NAME') ?? process.platform;
    throw new Error(`${wanted} comes from Debian packages: this machine runs ${system}, not Debian`);
  }
  const mirror = findMirror(readSources(), field('VERSION_CODENAME'));
  if (!mirror)
    throw new Error(
      `${wanted} comes from Debian packages: no Debian archive in /etc/apt/sources.list or sources.list.d`,
    );
  if (!mirror.signedBy && existsSync(KEYRING)) mirror.signedBy = KEYRING;
  return mirror;
}

function run(argv: readonly string[], cwd: string): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0]!, argv.slice(1), {
      cwd,
      env: { ...process.env, LC_ALL: 'C', LANGUAGE: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const collect = (bytes: Buffer): void => {
      output = (output + bytes.toString()).slice(-65536);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, output }));
  });
}

/** One line from apt's many. */
function explain(output: string, wanted: string, suite: string, uri: string): string {
  const said =
    /^E: (.*)$/m.exec(output)?.[1] ?? /^(?:W|Err): (.*)$/m.exec(output)?.[1] ?? output.trim().split('\n').at(-1);
  if (/Unable to locate package|Unable to find a source package|no installation candidate/.test(output))
    return `${wanted}: not in Debian ${suite} of ${uri}`;
  if (/resolving|resolve|connect|timed out|unreachable|Connection failed/i.test(output))
    return `${wanted}: cannot reach the Debian archive ${uri}: is the network up? apt says: ${said}`;
  if (/does not have a Release file|404 /.test(output)) return `${wanted}: ${uri} has no suite ${suite}`;
  return `${wanted}: apt-get failed: ${said}`;
}

// Cleared, because they are for the machine's own package lists: docker-clean empties /var/cache/apt, others refresh caches.
const APT_CONFIG = `#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Update::Error-Mode "any";
// As root, apt would download as the user _apt, who may not write here. Signatures are checked all the same.
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
Dir::Etc::sourceparts "-";
Dir::Etc::preferences "-";
Dir::Etc::preferencesparts "-";
Debug::NoLocking "1";
`;

/** Options with which apt-get takes nothing for installed, and only downloads what it would install. */
function fromNothing(downloads: string, status: string): string[] {
  writeFileSync(status, '');
  mkdirSync(join(downloads, 'partial'));
  const options = [
    `Dir::State::status=${status}`,
    `Dir::Cache::archives=${downloads}`,
    'APT::Install-Recommends=false',
  ];
  return ['-y', '--download-only', ...options.flatMap((option) => ['-o', option])];
}

async function fetch(request: DebianRequest, wanted: string, directory: string): Promise<void> {
  const { suite, packages = [], closure = false, sources = [] } = request;
  const mirror = machineMirror(wanted);
  const apt = join(CACHE, 'debian', 'apt', suite);
  const lists = join(apt, sources.length ? 'lists-src' : 'lists');
  for (const path of [join(lists, 'partial'), join(apt, 'cache/archives/partial')])
    mkdirSync(path, { recursive: true });
  const option = mirror.signedBy ? ` signed-by=${mirror.signedBy}` : '';
  const lines = [
    ...(packages.length ? [`deb [target=Packages${option}] ${mirror.uri} ${suite} main`] : []),
    ...(sources.length ? [`deb-src [target=Sources${option}] ${mirror.uri} ${suite} main`] : []),
  ];
  const config = join(apt, 'apt.conf');
  const list = join(apt, 'sources.list');
  const dirs = `Dir::Etc::sourcelist "${list}";\nDir::State::lists "${lists}";\nDir::Cache "${join(apt, 'cache')}";\n`;
  writeFileSync(config, APT_CONFIG + dirs);
  writeFileSync(list, `${lines.join('\n')}\n`);

  const work = mkdtempSync(join(apt, 'download-'));
  const aptGet = async (...args: string[]): Promise<void> => {
    const { status, output } = await run(['apt-get', '-q', '-c', config, ...args], work).catch(
      (error: NodeJS.ErrnoException) => {
        const why = error.code === 'ENOENT' ? 'it is not on PATH' : error.message;
        throw new Error(`${wanted}: cannot run apt-get: ${why}`);
      },
    );
    if (status !== 0) throw new Error(explain(output, wanted, suite, mirror.uri));
  };
  try {
    await aptGet('update');
    if (packages.length && closure) await aptGet(...fromNothing(work, join(apt, 'status')), 'install', ...packages);
    else if (packages.length) await aptGet('download', ...packages);
    if (sources.length) await aptGet('source', '--download-only', ...sources);
    rmSync(join(work, 'partial'), { recursive: true, force: true });
    chmodSync(work, 0o755);
    renameSync(work, directory);
  } finally {
    rmSync(apt, { recursive: true, force: true });
  }
}

/**
 * Downloads packages, sources or both from the archive that this machine's apt uses; answers with the directory that holds their files
 * (`<name>_<version>_<architecture>.deb`, `.dsc`, `.orig.tar.*` …) and nothing else. What was downloaded before is not asked for again.
 * @throws Error with one line: not Debian, no apt, no network, no such suite or package.
 */
export async function downloadDebian(request: DebianRequest): Promise<string> {
  const { suite, packages = [], closure = false, sources = [], log } = request;
  const names = [...packages, ...(closure ? ['closure'] : []), ...sources.map((name) => `${name}.src`)];
  const wanted = [...packages, ...sources].join(', ');
  const parent = join(CACHE, 'debian', suite);
  const directory = join(parent, names.join('+'));
  if (existsSync(directory)) return directory;
  mkdirSync(parent, { recursive: true });
  const timer = setTimeout(() => log(`downloading ${wanted} from Debian ${suite} …`), PROGRESS_AFTER_MS);
  try {
    await withLock(join(CACHE, 'debian'), async () => {
      if (!existsSync(directory)) await fetch(request, wanted, directory);
    });
  } finally {
    clearTimeout(timer);
  }
  return directory;
}

/**
 * Unpacks binary packages into one directory as a whole or not at all: it appears complete; one that is there is left as it is.
 * @throws Error when dpkg is missing or refuses a file.
 */
export async function unpackDeb(files: string | readonly string[], directory: string): Promise<void> {
  // whoever was first may remove what it unpacked from
  await withLock(directory, async () => {
    if (existsSync(directory)) return;
    const work = `${directory}.${process.pid}`;
    mkdirSync(work, { recursive: true });
    try {
      for (const file of [files].flat()) await unpackOne(file, work);
      renameSync(work, directory);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  });
}

async function unpackOne(file: string, directory: string): Promise<void> {
  const { status, output } = await run(['dpkg', '-x', file, directory], directory).catch((error: Error) => {
    throw new Error(`cannot unpack ${file}: ${error.message}`);
  });
  if (status !== 0) throw new Error(`cannot unpack ${file}: ${output.trim()}`);
}

/** Directories with shared libraries in an unpacked package, `usr/lib/<triplet>` and `lib/<triplet>`, as LD_LIBRARY_PATH has them. */
export function libraryPath(unpacked: string): string {
  return ['usr/lib', 'lib']
    .map((name) => join(unpacked, name))
    .filter((lib) => existsSync(lib))
    .flatMap((lib) => readdirSync(lib, { withFileTypes: true }).filter((entry) => /-linux-gnu/.test(entry.name)))
    .map((entry) => join(entry.parentPath, entry.name))
    .flatMap((directory) => [directory, join(directory, 'pulseaudio')])
    .filter((directory) => existsSync(directory))
    .join(':');
}
