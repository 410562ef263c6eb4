import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeData, encodeIpk } from '../../build/ipk.ts';
import { buildPages } from '../../build/luci.ts';
import { buildTarget } from '../../build/native.ts';
import { feedKey, formatSizes, makeFeeds, packFor, pastBudget, readPackage, writeFeed } from '../../build/pack.ts';
import { PACKAGES, type Package } from '../../build/packages.ts';
import { targetsOf } from '../../build/targets.ts';
import { makeKey } from '../../build/usign.ts';
import { HELPER_METHODS } from '../../src/api/helper.ts';
import {
  ARCHITECTURE,
  enliven,
  findOpkg,
  type Installer,
  liveProblem,
  makeRoot,
  type Opkg,
  OwnInstaller,
  takeScriptLog,
  treeOf,
} from './installer.ts';

const directory = mkdtempSync(join(tmpdir(), 'meshbridge-packages-'));
const roots: string[] = [];
const CONFIG = '/etc/config/meshbridge';
const TIME = 1_764_000_000;

/** What reading files of the project cannot bring: made once, for this machine's own kind. */
const log = (line: string): void => console.log(line);
const programs = new Map<boolean, Promise<Uint8Array>>();
const builds = {
  program: (tls: boolean): Promise<Uint8Array> => {
    const made =
      programs.get(tls) ?? buildTarget('x86_64', { tls, log }).then((path): Uint8Array => readFileSync(path));
    programs.set(tls, made);
    return made;
  },
  pages: buildPages,
};

const find = (name: string): Package => PACKAGES.find((pkg) => pkg.name === name)!;

/** Writes the package file of a package, as it is or with another version or configuration. */
async function ipkOf(pkg: Package, version = pkg.version, config?: string): Promise<string> {
  const files = (await readPackage(pkg, builds)).map((entry) =>
    entry.name === CONFIG && config !== undefined ? { ...entry, content: Buffer.from(config) } : entry,
  );
  const architecture = pkg.architecture === 'all' ? 'all' : ARCHITECTURE;
  const { file, bytes } = encodeIpk({ ...pkg, version }, architecture, encodeData(files, TIME), TIME);
  writeFileSync(join(directory, file), bytes);
  return join(directory, file);
}

function root(present: readonly string[] = []): string {
  const made = makeRoot(present);
  roots.push(made);
  return made;
}

/** What of ours opkg wants to find before it installs a package. */
const before = ({ depends }: Package): string[] => depends.filter((name) => name.includes('meshbridge'));

/** The tree that a package is to leave, as `treeOf` shows it. Who runs this without root installs files of their own. */
async function expectedTree(pkg: Package): Promise<[string, string][]> {
  const owner = `${process.getuid!()}:${process.getgid!()}`;
  return (await readPackage(pkg, builds))
    .map(({ name, mode, content }): [string, string] => [
      name,
      content && 'link' in content ? `${owner} -> ${content.link}` : `${mode.toString(8)} ${owner}`,
    ])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** What the scripts of a package write down of its user, and of its init scripts, each with `did` before it. */
const users = ({ user }: Package): string[] => [user ? `users: ${user}` : 'users'];
const enabled = ({ files }: Package, ...did: string[]): string[] =>
  files.flatMap(({ path }) => (path.startsWith('/etc/init.d/') ? did.map((verb) => `${verb} ${path}`) : []));

const sorted = (tree: Map<string, string>): [string, string][] => [...tree].sort(([a], [b]) => (a < b ? -1 : 1));

function holds(installer: Installer): void {
  const test = suite(`packages, installed by ${installer.name}`);
  for (const pkg of PACKAGES) {
    test(`leave what the list says: ${pkg.name}`, async () => {
      const at = root(before(pkg));
      installer.install(at, await ipkOf(pkg));
      assert.equal(sorted(treeOf(at)), await expectedTree(pkg));
      for (const { name, content } of await readPackage(pkg, builds))
        if (content instanceof Uint8Array) assert.ok(readFileSync(at + name).equals(content), name);
      assert.equal(takeScriptLog(at), ['postinst upgrade=0', ...users(pkg), ...enabled(pkg, 'enable')]);
      installer.remove(at, pkg.name);
      assert.equal(sorted(treeOf(at)), [], '~> nothing is left');
      assert.equal(takeScriptLog(at), ['prerm upgrade=0', ...enabled(pkg, 'disable')]);
    });
  }
  for (const name of ['meshbridge', 'meshbridge-tls']) {
    test(`bring a program that runs: ${name}`, async () => {
      const at = root();
      installer.install(at, await ipkOf(find(name)));
      const run = (program: string, args: string[], input = '') =>
        spawnSync(join(at, program), args, { encoding: 'utf8', input });
      assert.is(`${run('usr/sbin/meshbridge', ['--version']).stdout.trim()}-r1`, find(name).version);
      const check = run('usr/sbin/meshbridge', ['--check', '--config', join(at, CONFIG)]);
      assert.is(check.status, 0, check.stderr);
      const list = run('usr/libexec/rpcd/meshbridge.helper', ['list']);
      assert.equal(Object.keys(JSON.parse(list.stdout)).sort(), Object.keys(HELPER_METHODS).sort());
    });
  }
  test('keep a configuration that was changed, with the new one beside it', async () => {
    const at = root();
    const pkg = find('meshbridge');
    installer.install(at, await ipkOf(pkg));
    takeScriptLog(at);
    writeFileSync(at + CONFIG, "config meshbridge 'main'\n\toption log_level 'debug'\n");
    installer.install(at, await ipkOf(pkg, '99.0.0-r1', '# of the new version\n'));
    assert.match(readFileSync(at + CONFIG, 'utf8'), /debug/);
    assert.is(readFileSync(`${at}${CONFIG}-opkg`, 'utf8'), '# of the new version\n');
    assert.is(lstatSync(at + CONFIG).mode & 0o777, 0o600);
    assert.equal(takeScriptLog(at), ['prerm upgrade=1', 'postinst upgrade=1', ...users(pkg)]);
    installer.remove(at, pkg.name);
    const left = [...treeOf(at).keys()];
    assert.ok(left.includes(CONFIG), "~> the user's own file stays");
    assert.equal(
      left.filter((path) => !path.startsWith(CONFIG)),
      [],
    );
  });
  test('replace a configuration that nobody changed', async () => {
    const at = root();
    const pkg = find('meshbridge');
    installer.install(at, await ipkOf(pkg));
    installer.install(at, await ipkOf(pkg, '99.0.0-r1', '# of the new version\n'));
    assert.is(readFileSync(at + CONFIG, 'utf8'), '# of the new version\n');
    installer.remove(at, pkg.name);
    assert.equal(sorted(treeOf(at)), []);
  });
  test.run();
}

/** What is told on a live system; LuCI looks for translations with each page. */
const TOLD: Record<string, string[]> = {
  meshbridge: ['killall -HUP ubusd', 'rpcd reload'],
  'meshbridge-tls': ['killall -HUP ubusd', 'rpcd reload'],
  'luci-app-meshbridge': ['rpcd reload'],
};
/** And when the package goes. luci.mk has the app say nothing. */
const TOLD_AFTER: Record<string, string[]> = { ...TOLD, 'luci-app-meshbridge': [] };

function holdsLive(): void {
  const test = suite('packages on a live system');
  const installer = new OwnInstaller(true);
  const live = (): string => {
    const at = root();
    enliven(at);
    return at;
  };
  for (const pkg of PACKAGES)
    test(`tell who has to know, between the files and the start: ${pkg.name}`, async () => {
      const at = live();
      const told = TOLD[pkg.name] ?? [];
      const after = TOLD_AFTER[pkg.name] ?? [];
      installer.install(at, await ipkOf(pkg));
      const first = ['postinst upgrade=0', ...users(pkg), ...told, ...enabled(pkg, 'enable', 'start')];
      assert.equal(takeScriptLog(at), first, '~> installed');
      installer.install(at, await ipkOf(pkg, '99.0.0-r1'));
      const old = ['prerm upgrade=1', ...enabled(pkg, 'stop'), ...after];
      const next = ['postinst upgrade=1', ...users(pkg), ...told, ...enabled(pkg, 'start')];
      assert.equal(takeScriptLog(at), [...old, ...next], '~> upgraded');
      installer.remove(at, pkg.name);
      assert.equal(takeScriptLog(at), ['prerm upgrade=0', ...enabled(pkg, 'disable', 'stop'), ...after], '~> removed');
    });
  test('make LuCI look for menus and modules again', async () => {
    const at = live();
    mkdirSync(join(at, 'tmp/luci-modulecache'));
    const caches = ['luci-indexcache.12.json', 'luci-modulecache/x'].map((name) => join(at, 'tmp', name));
    for (const path of caches) writeFileSync(path, '');
    installer.install(at, await ipkOf(find('luci-app-meshbridge')));
    assert.equal(readdirSync(join(at, 'tmp')), []);
  });
  test.run();
}

function holdsFeed(opkg: Opkg): void {
  const test = suite(`a feed, read by ${opkg.name}`);
  const subscribed = async (): Promise<string> => {
    const feed = join(directory, 'opkg-feed');
    const packed = await packFor([ARCHITECTURE], PACKAGES, builds, TIME);
    writeFeed(feed, packed.get(ARCHITECTURE)!, makeKey());
    const at = root();
    opkg.subscribe(at, feed);
    return at;
  };
  test('brings the daemon with the app, the flavour without TLS', async () => {
    const at = await subscribed();
    opkg.install(at, 'luci-app-meshbridge');
    assert.equal(opkg.installed(at), ['luci-app-meshbridge', 'meshbridge']);
    assert.throws(() => opkg.install(at, 'meshbridge-tls'), /conflict with meshbridge-tls/);
    assert.equal(opkg.installed(at), ['luci-app-meshbridge', 'meshbridge']);
  });
  test('brings the app with its translation', async () => {
    const at = await subscribed();
    opkg.install(at, 'luci-i18n-meshbridge-de');
    assert.equal(opkg.installed(at), ['luci-app-meshbridge', 'luci-i18n-meshbridge-de', 'meshbridge']);
  });
  test('lets the app be content with the other flavour', async () => {
    const at = await subscribed();
    opkg.install(at, 'meshbridge-tls');
    opkg.install(at, 'luci-app-meshbridge');
    assert.equal(opkg.installed(at), ['luci-app-meshbridge', 'meshbridge-tls']);
    assert.throws(() => opkg.install(at, 'meshbridge'), /already provided by package +\* meshbridge-tls/);
    assert.equal(opkg.installed(at), ['luci-app-meshbridge', 'meshbridge-tls']);
  });
  test.run();
}

const canRun = process.arch === 'x64' && process.platform === 'linux';
if (!canRun) console.log(`skipped: packages are not installed: their programs are for x86_64, this is ${process.arch}`);
else {
  holds(new OwnInstaller());
  const opkg = findOpkg();
  if (typeof opkg === 'string') console.log(`skipped: packages installed by opkg itself: ${opkg}`);
  else {
    holds(opkg);
    holdsFeed(opkg);
  }
  const problem = liveProblem();
  if (problem) console.log(`skipped: scripts of packages on a live system: ${problem}`);
  else holdsLive();
}

// ---

const feeds = suite('makeFeeds');
if (canRun) {
  feeds('makes the same bytes twice, signed, within the budget', async () => {
    const key = makeKey();
    const make = () => makeFeeds(['x86_64'], join(directory, 'feed'), key, log);
    const [once, again] = [await make(), await make()];
    assert.equal([...once.keys()], ['x86_64']);
    assert.equal(once, again);
    assert.equal(pastBudget(once.get('x86_64')!), []);
    assert.match(formatSizes(once), /^x86_64 +\d{6} +\d{6}( +\d+){3}$/m);
  });
}
feeds('pack a package for all machines once', async () => {
  const packed = await packFor(['one', 'two'], [find('luci-app-meshbridge')], builds, TIME);
  assert.equal(
    [...packed.values()].map((ipks) => ipks.map(({ file }) => file)),
    [0, 1].map(() => [`luci-app-meshbridge_${find('luci-app-meshbridge').version}_all.ipk`]),
  );
});
feeds('say which target is not known', () => {
  assert.throws(() => targetsOf('mips,vax'), /--target: expected all or some of mips, .*, got "vax"/);
  assert.equal(targetsOf('mips,arm,mips'), ['mips', 'arm']);
  assert.ok(targetsOf('all').length >= 6);
});
feeds('make a key that nobody else can read, once', () => {
  const made = feedKey(undefined, join(directory, 'key'));
  assert.is(lstatSync(made.path).mode & 0o777, 0o600);
  assert.is(made.own, true);
  assert.equal(feedKey(undefined, join(directory, 'key')).key, made.key);
  assert.equal(feedKey(made.path).own, false);
  assert.throws(() => feedKey(join(directory, 'none')), /none: .*no such file/);
  assert.throws(() => feedKey(''), /expected the path of a secret key, got ""/);
});
feeds.after(() => {
  for (const made of [directory, ...roots]) rmSync(made, { recursive: true, force: true });
});
feeds.run();
