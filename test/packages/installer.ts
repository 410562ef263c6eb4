// Two ways to install packages into a root directory: opkg itself where it is on PATH, and the same steps done here.
//
// opkg ends with 0 although files are missing, so what counts is the tree that it leaves. Source: opkg as OpenWrt pins it (38eccbb).

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export const ARCHITECTURE = 'x86_64';

/** OpenWrt's defaults as far as a root that is no live system sees them: a line in a log, and the package's own part. */
const FUNCTIONS = `
default_script() {
	echo "$1 $PKG_UPGRADE" >> "\${IPKG_INSTROOT}/script.log"
	info="\${2%.$1}"
	[ ! -e "$info.$1-pkg" ] || . "$info.$1-pkg"
}
default_postinst() { default_script postinst "$@"; }
default_prerm() { default_script prerm "$@"; }
`;

/** What a root has before any package: a router's shell functions, and what our packages depend on as far as opkg is concerned. */
const FOUNDATION = ['libc', 'rpcd', 'ca-bundle', 'luci-base'];

export interface Installer {
  name: string;
  /** Installs a package file, or upgrades to it. */
  install(root: string, file: string): void;
  remove(root: string, name: string): void;
}

/** An empty root, for one installer. @param present further packages that count as installed. */
export function makeRoot(present: readonly string[] = []): string {
  const root = mkdtempSync(join(tmpdir(), 'meshbridge-root-'));
  chmodSync(root, 0o755);
  for (const name of ['lib', 'tmp', 'var/lock', 'usr/lib/opkg/info', 'etc/opkg'])
    mkdirSync(join(root, name), { recursive: true });
  writeFileSync(join(root, 'lib/functions.sh'), FUNCTIONS);
  const status = [...FOUNDATION, ...present].map((name) => {
    writeFileSync(join(root, `usr/lib/opkg/info/${name}.list`), '');
    return `Package: ${name}\nVersion: 1\nStatus: install user installed\nArchitecture: ${ARCHITECTURE}\n\n`;
  });
  writeFileSync(join(root, 'usr/lib/opkg/status'), status.join(''));
  const lines = ['dest root /', 'lists_dir ext /var/opkg-lists', 'arch all 1', `arch ${ARCHITECTURE} 10`];
  writeFileSync(join(root, 'etc/opkg.conf'), `${lines.join('\n')}\n`);
  return root;
}

/** What is where in a root, beside what `makeRoot` and the installers' own records put there: `mode uid:gid [-> target]` by path. */
export function treeOf(root: string): Map<string, string> {
  const tree = new Map<string, string>();
  const visit = (directory: string): void => {
    for (const name of readdirSync(join(root, directory)).sort()) {
      const path = `${directory}/${name}`;
      const { mode, uid, gid } = lstatSync(join(root, path));
      const kind = mode & 0o170000;
      if (/^\/(usr\/lib\/opkg|var|tmp|lib|etc\/opkg(\.conf)?|script\.log)(\/|$)/.test(path)) continue;
      if (kind === 0o040000) visit(path);
      else if (kind === 0o120000) tree.set(path, `${uid}:${gid} -> ${readlinkSync(join(root, path))}`);
      else tree.set(path, `${(mode & 0o7777).toString(8)} ${uid}:${gid}`);
    }
  };
  visit('');
  return tree;
}

/** What the scripts of packages did since the last look: `postinst 0` for a first installation, `postinst 1` for an upgrade. */
export function takeScriptLog(root: string): string[] {
  const path = join(root, 'script.log');
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  rmSync(path);
  return lines;
}

function must(argv: readonly string[], options: { env?: Record<string, string>; input?: Uint8Array } = {}): Buffer {
  const { status, stdout, stderr, error } = spawnSync(argv[0]!, argv.slice(1), {
    env: { ...process.env, ...options.env },
    ...(options.input && { input: options.input }),
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${error?.message ?? `${status} ${stderr}`}`);
  return stdout;
}

const sum = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

/** The steps of opkg, without opkg. */
export class OwnInstaller implements Installer {
  readonly name = 'the steps of opkg';

  install(root: string, file: string): void {
    const part = (name: string): Buffer => must(['tar', '-xzOf', file, `./${name}`]);
    const work = mkdtempSync(join(tmpdir(), 'meshbridge-ipk-'));
    try {
      must(['tar', '-xzf', '-', '-C', work], { input: part('control.tar.gz') });
      const pkg = /^Package: (.*)$/m.exec(readFileSync(join(work, 'control'), 'utf8'))![1]!;
      const info = (kind: string): string => join(root, `usr/lib/opkg/info/${pkg}.${kind}`);
      const isUpgrade = existsSync(info('list'));
      const before = isUpgrade ? this.files(root, pkg) : [];
      const defaults = this.defaults(root, pkg);
      if (isUpgrade) {
        this.run(root, pkg, 'prerm', '1', ['upgrade']);
        this.run(root, pkg, 'postrm', '1', ['upgrade']);
      }
      for (const kind of readdirSync(join(root, 'usr/lib/opkg/info')))
        if (kind.startsWith(`${pkg}.`)) rmSync(join(root, 'usr/lib/opkg/info', kind));
      for (const kind of readdirSync(work)) must(['cp', '-p', join(work, kind), info(kind)]);

      const data = part('data.tar.gz');
      const paths = must(['tar', '-tzf', '-'], { input: data }).toString().trim().split('\n');
      const files = paths.filter((path) => !path.endsWith('/')).map((path) => path.slice(1));
      const conffiles = this.conffiles(root, pkg);
      // a conffile that is not what it was when it was installed belongs to the user
      const changed = conffiles.filter(
        (path) =>
          existsSync(root + path) && defaults.get(path) !== undefined && sum(root + path) !== defaults.get(path),
      );
      const kept = new Map(changed.map((path) => [path, readFileSync(root + path)]));
      must(['tar', '-xzpf', '-', '-C', root], { input: data });
      const marks = conffiles.map((path) => `${path} ${sum(root + path)}\n`);
      for (const [path, content] of kept) {
        must(['cp', '-p', root + path, `${root}${path}-opkg`]);
        writeFileSync(root + path, content);
      }
      writeFileSync(info('marks'), marks.join(''));
      writeFileSync(info('list'), files.map((path) => `${path}\n`).join(''));
      for (const path of before) if (!files.includes(path)) this.unlink(root, path);
      this.run(root, pkg, 'postinst', isUpgrade ? '1' : '0', ['configure']);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }

  remove(root: string, pkg: string): void {
    this.run(root, pkg, 'prerm', '0', ['remove']);
    const defaults = this.defaults(root, pkg);
    for (const path of this.files(root, pkg)) {
      const known = defaults.get(path);
      if (known === undefined || !existsSync(root + path) || sum(root + path) === known) this.unlink(root, path);
    }
    this.run(root, pkg, 'postrm', '0', ['remove']);
    for (const kind of readdirSync(join(root, 'usr/lib/opkg/info')))
      if (kind.startsWith(`${pkg}.`)) rmSync(join(root, 'usr/lib/opkg/info', kind));
  }

  private lines(root: string, pkg: string, kind: string): string[] {
    const path = join(root, `usr/lib/opkg/info/${pkg}.${kind}`);
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
  }

  private files(root: string, pkg: string): string[] {
    return this.lines(root, pkg, 'list');
  }

  private conffiles(root: string, pkg: string): string[] {
    return this.lines(root, pkg, 'conffiles');
  }

  private defaults(root: string, pkg: string): Map<string, string> {
    return new Map(this.lines(root, pkg, 'marks').map((line) => line.split(' ') as [string, string]));
  }

  private run(root: string, pkg: string, kind: string, upgrade: string, args: readonly string[]): void {
    const script = join(root, `usr/lib/opkg/info/${pkg}.${kind}`);
    if (existsSync(script)) must([script, ...args], { env: { IPKG_INSTROOT: root, PKG_UPGRADE: upgrade } });
  }

  private unlink(root: string, path: string): void {
    rmSync(root + path, { force: true });
    for (let directory = dirname(path); directory !== '/'; directory = dirname(directory)) {
      try {
        rmdirSync(root + directory);
      } catch {
        return;
      }
    }
  }
}

/** opkg on PATH, or why it is not used. */
export function findOpkg(): Installer | string {
  const { status, stdout } = spawnSync('opkg', ['--version'], { encoding: 'utf8' });
  if (status !== 0) return 'no opkg on PATH';
  const run = (root: string, ...args: string[]): void => {
    must(['opkg', '-f', join(root, 'etc/opkg.conf'), '-o', root, '--force-postinstall', ...args], {
      env: { IPKG_INSTROOT: root },
    });
  };
  return {
    name: stdout.trim(),
    install: (root, file) => run(root, 'install', file),
    remove: (root, name) => run(root, 'remove', name),
  };
}
