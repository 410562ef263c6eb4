// The recipes of the SDK: compared with the list of packages that the ipk files follow, and run from a release archive alone, by stubs
// of OpenWrt's includes (test/support/openwrt-stub) and this machine's tools. That a real SDK takes them is not shown here.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cataloguePath } from '../../build/catalogue.ts';
import { downloadDebian } from '../../build/debian.ts';
import { makeRelease, type Release, withHash } from '../../build/dist.ts';
import { ENGINE, ENGINE_FILES, ENGINE_FLAGS, MENDED_ENGINE_FILE } from '../../build/engine.ts';
import { buildPages } from '../../build/luci.ts';
import { findCompiler } from '../../build/native.ts';
import { readPackage } from '../../build/pack.ts';
import { LANGUAGES, type Language, LICENSE, MAINTAINER, PACKAGES, type Package } from '../../build/packages.ts';
import { inProject } from '../../build/project.ts';
import { C_FLAGS, HELPER, LINK_FLAGS, ROUTER_LIMITS } from '../../build/targets.ts';
import { TINYSSH, TINYSSH_FILES } from '../../build/tinyssh.ts';
import { version } from '../../package.json';
import { errorText } from '../../src/errors.ts';
import { findDebianProgram } from '../support/debian-program.ts';

const STUB = inProject('test/support/openwrt-stub');
/** This machine's GNU make, else Debian's, else why there is none. */
async function findMake(): Promise<{ path: string } | string> {
  for (const path of ['make', 'gmake'])
    if (/^GNU Make/.test(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout ?? '')) return { path };
  return await findDebianProgram({ name: 'make', path: 'usr/bin/make', proof: ['--version'] });
}

const make = await findMake();

/** Debian's archives of the engine and of tinyssh, or why there are none. */
async function findArchives(): Promise<{ engine: string; tinyssh: string } | string> {
  const find = async ({ suite, source }: { suite: string; source: string }): Promise<string> => {
    const log = (line: string): void => console.log(line);
    const directory = await downloadDebian({ suite, sources: [source], log });
    return join(directory, readdirSync(directory).find((name) => /\.orig\.tar\.[a-z0-9]+$/.test(name))!);
  };
  try {
    return { engine: await find(ENGINE), tinyssh: await find(TINYSSH) };
  } catch (error) {
    return errorText(error);
  }
}
const work = mkdtempSync(join(tmpdir(), 'meshbridge-feed-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));

/** Directories of one run of the stub SDK. */
function sdk(name: string, ...words: string[]): { bin: string; argv: string[] } {
  const at = join(work, name);
  const dirs = ['BIN', 'BUILD', 'DL', 'STAGING'].map((dir) => `${dir}_DIR=${join(at, dir.toLowerCase())}`);
  return { bin: join(at, 'bin'), argv: ['-s', `TOPDIR=${STUB}`, ...dirs, ...words] };
}

function run(
  recipe: string,
  argv: readonly string[],
  path = process.env.PATH,
): { status: number | null; said: string } {
  const env = { PATH: path, LC_ALL: 'C' };
  const { status, stdout, stderr } = spawnSync((make as { path: string }).path, ['-C', recipe, ...argv], {
    env,
    encoding: 'utf8',
  });
  return { status, said: stdout + stderr };
}

function succeed(recipe: string, argv: readonly string[], path?: string): string {
  const { status, said } = run(recipe, argv, path);
  assert.is(status, 0, said);
  return said;
}

/** What a recipe says of a package: its fields and texts by name, `undefined` when it does not know the package. */
function control(bin: string, name: string): Record<string, string> | undefined {
  const directory = join(bin, name, 'control');
  try {
    return Object.fromEntries(
      readdirSync(directory).map((field) => [field, readFileSync(join(directory, field), 'utf8').trimEnd()]),
    );
  } catch {
    return undefined;
  }
}

/** Libraries that a static program has inside and the SDK's has not. */
const SHARED: Record<string, string[]> = {
  meshbridge: ['libatomic'],
  'meshbridge-tls': ['libatomic', 'libmbedtls'],
};

/** The fields that the recipe of a package must have, by the list of packages. */
function expected(pkg: Package): Record<string, unknown> {
  const script = (text: string | undefined): string | undefined => text?.trimEnd();
  return {
    version: pkg.version,
    title: pkg.title,
    section: pkg.section,
    description: pkg.description,
    depends: [...pkg.depends.filter((name) => name !== 'libc'), ...(SHARED[pkg.name] ?? [])].sort(),
    provides: pkg.provides.join(' '),
    conflicts: pkg.conflicts.join(' '),
    user: pkg.user ?? '',
    all: pkg.architecture === 'all',
    maintainer: MAINTAINER,
    license: LICENSE,
    conffiles: pkg.conffiles.join('\n'),
    postinst: script(pkg.scripts.postinst),
    prerm: script(pkg.scripts.prerm),
    postrm: script(pkg.scripts.postrm),
  };
}

/** The same of what a recipe said. */
function told(fields: Record<string, string>): Record<string, unknown> {
  const script = (text: string | undefined): string | undefined => text?.replace(/^#!\/bin\/sh\n/, '');
  return {
    version: fields.VERSION,
    title: fields.TITLE,
    section: fields.SECTION,
    description: fields.description,
    depends: (fields.DEPENDS ?? '')
      .split(/\s+/)
      .map((name) => name.replace(/^\+/, ''))
      .sort(),
    provides: fields.PROVIDES ?? '',
    conflicts: fields.CONFLICTS ?? '',
    user: fields.USERID ?? '',
    all: fields.PKGARCH === 'all',
    maintainer: fields.MAINTAINER,
    license: fields.LICENSE,
    conffiles: fields.conffiles ?? '',
    postinst: script(fields.postinst),
    prerm: script(fields.prerm),
    postrm: script(fields.postrm),
  };
}

/** OpenWrt finds recipes by these words: `scripts/feeds` looks for them, and passes a Makefile without them over in silence. */
const isFound = (recipe: string): boolean => recipe.includes('call BuildPackage');

/** A copy of a recipe, changed. */
function changed(source: string, name: string, change: (recipe: string) => string): string {
  const directory = join(work, 'changed', name);
  cpSync(inProject(source), directory, { recursive: true });
  const path = join(directory, 'Makefile');
  const before = readFileSync(path, 'utf8');
  writeFileSync(path, change(before));
  assert.is.not(readFileSync(path, 'utf8'), before, 'the change changes something');
  return directory;
}

/** Files and links of a tree: `mode path` or `path -> target`, sorted. */
function tree(directory: string, prefix = ''): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) return tree(path, `${prefix}/${entry.name}`);
      if (entry.isSymbolicLink()) return [`${prefix}/${entry.name} -> ${readlinkSync(path)}`];
      return [`${prefix}/${entry.name} ${(lstatSync(path).mode & 0o7777).toString(8)}`];
    })
    .sort();
}

/** What a package is to hold, as `tree` shows it. */
async function listed(pkg: Package): Promise<string[]> {
  const builds = { program: async () => new Uint8Array(), pages: buildPages };
  return (await readPackage(pkg, builds))
    .map(({ name, mode, content }) =>
      content && 'link' in content ? `${name} -> ${content.link}` : `${name} ${mode.toString(8)}`,
    )
    .sort();
}

const recipes = suite('recipes of the SDK');
const release = suite('makeRelease');

if (typeof make === 'string') console.log(`skipped: the recipes of the SDK: no GNU make: ${make}`);
else {
  recipes('say of each package what the list of packages says', () => {
    const { bin, argv } = sdk('metadata', 'PKG_HASH=given', 'metadata');
    for (const source of new Set(PACKAGES.map((pkg) => pkg.source))) succeed(inProject(source), argv);
    assert.equal(
      readdirSync(bin)
        .filter((name) => name !== 'download')
        .sort(),
      PACKAGES.map(({ name }) => name).sort(),
    );
    for (const pkg of PACKAGES) assert.equal(told(control(bin, pkg.name)!), expected(pkg), `~> ${pkg.name}`);
  });

  recipes("compile with the build's flags, files and limits", () => {
    const { argv } = sdk(
      'variables',
      'PKG_HASH=given',
      '--eval=show: ; $(foreach n,$(NAMES),$(info $(n)=$($(n)))):',
      'show',
    );
    const names = [
      'ENGINE_VERSION',
      'ENGINE_HASH',
      'ENGINE_SOURCE',
      'ENGINE_FILES',
      'MENDED_ENGINE_FILE',
      'TINYSSH_VERSION',
      'TINYSSH_HASH',
      'TINYSSH_FILES',
      'HOST_FILES',
      'C_FLAGS',
      'ENGINE_FLAGS',
      'LINK_FLAGS',
      'HEAP_BYTES',
      'STACK_BYTES',
      'HELPER_NAMES',
    ];
    const said = succeed(inProject('openwrt-feed/meshbridge'), [`NAMES=${names.join(' ')}`, ...argv]);
    const values = Object.fromEntries(
      said
        .trimEnd()
        .split('\n')
        .map((line) => [line.split('=', 1)[0], line.replace(/^\w+=/, '')]),
    );
    assert.equal(values, {
      ENGINE_VERSION: ENGINE.version,
      ENGINE_HASH: ENGINE.upstream.sha256,
      ENGINE_SOURCE: ENGINE.upstream.file,
      ENGINE_FILES: ENGINE_FILES.join(' '),
      MENDED_ENGINE_FILE,
      TINYSSH_VERSION: TINYSSH.version,
      TINYSSH_HASH: TINYSSH.sha256,
      TINYSSH_FILES: TINYSSH_FILES.join(' '),
      HOST_FILES: readdirSync(inProject('src/host/quickjs'))
        .filter((name) => name.endsWith('.c') && name !== 'tls.c')
        .sort()
        .join(' '),
      C_FLAGS: C_FLAGS.join(' '),
      ENGINE_FLAGS: ENGINE_FLAGS.map((flag) => (flag.includes('(') ? `'${flag}'` : flag)).join(' '),
      LINK_FLAGS: LINK_FLAGS.join(' '),
      HEAP_BYTES: `${ROUTER_LIMITS.heapBytes}`,
      STACK_BYTES: `${ROUTER_LIMITS.stackBytes}`,
      HELPER_NAMES: HELPER.names.join(),
    });
  });

  recipes('are found by the scan for packages', () => {
    for (const source of new Set(PACKAGES.map((pkg) => pkg.source)))
      assert.ok(isFound(readFileSync(inProject(`${source}/Makefile`), 'utf8')), source);
  });

  recipes('keep sources of LuCI views out of src, where luci.mk would run make', () => {
    assert.not.ok(readdirSync(inProject('luci-app')).includes('src'));
  });

  const metadata = (recipe: string): { status: number | null; said: string } =>
    run(recipe, sdk('broken', 'PKG_HASH=given', 'metadata').argv);
  const REFUSED: [what: string, source: string, change: (recipe: string) => string, complaint: RegExp][] = [
    [
      'a title',
      'openwrt-feed/meshbridge',
      (text) => text.replace(/ *TITLE:=.*\n/, ''),
      /Package\/meshbridge is missing the TITLE field/,
    ],
    [
      'a title',
      'luci-app',
      (text) => text.replace(/LUCI_TITLE:=.*\n/, ''),
      /luci-app-meshbridge is missing the TITLE field/,
    ],
    [
      'the hash of the engine',
      'openwrt-feed/meshbridge',
      (text) => text.replace(/ENGINE_HASH:=.*/, 'ENGINE_HASH:='),
      /Download\/engine is missing the HASH field/,
    ],
    [
      'an install recipe',
      'openwrt-feed/meshbridge',
      (text) => text.replace('Package/meshbridge/install\n', 'Package/other/install\n'),
      /Package\/meshbridge has no install recipe/,
    ],
  ];
  for (const [what, source, change, complaint] of REFUSED)
    recipes(`of ${source} are refused without ${what}`, () => {
      const { status, said } = metadata(changed(source, `${source}-${what}`.replace(/\W/g, '-'), change));
      assert.is(status, 2);
      assert.match(said, complaint);
    });
  recipes('are refused without the hash of the release', () => {
    const { status, said } = run(inProject('openwrt-feed/meshbridge'), sdk('unfilled', 'metadata').argv);
    assert.is(status, 2);
    assert.match(said, /Download\/default is missing the HASH field/);
  });

  const archives = findCompiler() ? await findArchives() : 'no C compiler (install gcc)';
  if (typeof archives === 'string') console.log(`skipped: building by the recipes: ${archives}`);
  else {
    let made: Release;
    const unpacked = join(work, 'unpacked');
    const feed = join(unpacked, `meshbridge-feed-${version}`);
    const downloads = join(work, 'dl');

    release('makes the same bytes each time', async () => {
      made = await makeRelease(join(work, 'first'));
      const again = await makeRelease(join(work, 'second'));
      assert.is(again.sha256, made.sha256);
      assert.ok(readFileSync(again.feed).equals(readFileSync(made.feed)), 'the feed is another one');
    });

    release("gives the feed the archive's hash and all recipes", () => {
      mkdirSync(unpacked);
      assert.is(spawnSync('tar', ['-C', unpacked, '-xzf', made.feed]).status, 0);
      const sha256 = createHash('sha256').update(readFileSync(made.archive)).digest('hex');
      assert.is(sha256, made.sha256);
      const recipe = readFileSync(inProject('openwrt-feed/meshbridge/Makefile'), 'utf8');
      assert.is(readFileSync(join(feed, 'meshbridge/Makefile'), 'utf8'), withHash(recipe, sha256));
    });

    // Tools of the build, and no Node: by links, for Node may be in the same directory as they are.
    const tools = join(work, 'tools');
    mkdirSync(tools);
    for (const directory of (process.env.PATH ?? '')
      .split(delimiter)
      .reverse()
      .filter((path) => existsSync(path)))
      for (const name of readdirSync(directory).filter((name) => !/^(node|npm|npx|corepack|esbuild)/.test(name))) {
        rmSync(join(tools, name), { force: true });
        symlinkSync(join(directory, name), join(tools, name));
      }

    /** Runs the daemon's recipe of the feed; answers with the root that the package was installed to. */
    const build = async (name: string, variant: string): Promise<string> => {
      // Debian packed upstream's files again, so its archive has another sum.
      const words = [`DL_DIR=${downloads}`, `ENGINE_HASH=${ENGINE.sha256}`];
      const { bin, argv } = sdk(name, 'packages', `BUILD_VARIANT=${variant}`, ...words);
      succeed(join(feed, 'meshbridge'), argv, tools);
      const root = join(bin, name, 'root');
      assert.equal(tree(root), await listed(PACKAGES.find((pkg) => pkg.name === name)!));
      const ran = spawnSync(join(root, 'usr/sbin/meshbridge'), ['--version'], { encoding: 'utf8' });
      assert.is(ran.stdout, `${version}\n`, ran.stderr);
      return root;
    };

    release('holds all that the daemon is built from, without Node', async () => {
      mkdirSync(downloads);
      copyFileSync(made.archive, join(downloads, `meshbridge-${version}.tar.gz`));
      copyFileSync(archives.engine, join(downloads, ENGINE.upstream.file));
      copyFileSync(archives.tinyssh, join(downloads, `tinyssh-${TINYSSH.version}.tar.gz`));
      const root = await build('meshbridge', 'plain');
      const config = ['--check', '--config', join(root, 'etc/config/meshbridge')];
      const helper = spawnSync(join(root, 'usr/libexec/rpcd/meshbridge.helper'), config, { encoding: 'utf8' });
      assert.is(helper.status, 0, helper.stderr);
    });

    release('holds all that the LuCI app and its translations are built from', async () => {
      const { bin, argv } = sdk('luci', 'packages');
      writeFileSync(join(tools, 'po2lmo'), '#!/bin/sh\ncp "$1" "$2"\n', { mode: 0o755 });
      succeed(join(feed, 'luci-app-meshbridge'), argv, tools);
      for (const pkg of PACKAGES.filter(({ source }) => source === 'luci-app'))
        assert.equal(tree(join(bin, pkg.name, 'root')), await listed(pkg), pkg.name);
      for (const language of Object.keys(LANGUAGES) as Language[]) {
        const root = join(bin, `luci-i18n-meshbridge-${language}`, 'root');
        const [defaults] = PACKAGES.find(({ name }) => name === `luci-i18n-meshbridge-${language}`)!.files;
        const { from, path } = defaults!;
        assert.is(readFileSync(join(root, path), 'utf8'), from.kind === 'text' && from.text);
        const made = readFileSync(join(root, `usr/lib/lua/luci/i18n/meshbridge.${language}.lmo`), 'utf8');
        assert.is(made, readFileSync(inProject(cataloguePath(language)), 'utf8'), '~> of the right catalogue');
      }
      assert.is(spawnSync('tar', ['-C', unpacked, '-xzf', made.archive]).status, 0);
      const inRelease = join(unpacked, `meshbridge-${version}`, 'luci-app');
      assert.equal(tree(inRelease), tree(join(feed, 'luci-app-meshbridge')), 'the release holds the same app');
    });

    release('is refused when it is not the one that the feed names', () => {
      const other = join(work, 'other-dl');
      cpSync(downloads, other, { recursive: true });
      writeFileSync(join(other, `meshbridge-${version}.tar.gz`), 'something else');
      const { argv } = sdk('refused', 'downloads', `DL_DIR=${other}`, `ENGINE_HASH=${ENGINE.sha256}`);
      const { status, said } = run(join(feed, 'meshbridge'), argv);
      assert.is(status, 2);
      assert.match(said, /meshbridge-.*FAILED/);
    });
    release.run();
  }
  recipes.run();
}
