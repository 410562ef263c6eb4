// Two ways to install packages into a root directory: opkg itself where it is on PATH, and the same steps done here.
//
// opkg ends with 0 although files are missing, so what counts is the tree that it leaves. Source: opkg as OpenWrt pins it (38eccbb).

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
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
import { addProgram } from '../support/chroot.ts';

export const ARCHITECTURE = 'x86_64';
/** Where a live system has its programs. */
const LIVE_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

/** OpenWrt's defaults, which write down in /script.log what they would do. Source: base-files' /lib/functions.sh. */
const FUNCTIONS = `
log() {
	echo "$*" >> "$IPKG_INSTROOT/script.log"
}

init_scripts() {
	grep -s ^/etc/init.d/ "$1.list"
}

default_postinst() {
	local info="\${1%.postinst}" script
	log "postinst upgrade=$PKG_UPGRADE"
	log "users$(sed -n s/^Require-User:/:/p "$info.control")"
	[ ! -e "$info.postinst-pkg" ] || ( . "$info.postinst-pkg" ) || return
	for script in $(init_scripts "$info"); do
		[ "$PKG_UPGRADE" = 1 ] || log "enable $script"
		[ -n "$IPKG_INSTROOT" ] || log "start $script"
	done
}

default_prerm() {
	local info="\${1%.prerm}" script
	log "prerm upgrade=$PKG_UPGRADE"
	[ ! -e "$info.prerm-pkg" ] || ( . "$info.prerm-pkg" ) || return
	for script in $(init_scripts "$info"); do
		[ "$PKG_UPGRADE" = 1 ] || log "disable $script"
		[ -n "$IPKG_INSTROOT" ] || log "stop $script"
	done
}
`;

/** What a root has before any package: a router's shell functions, and what our packages depend on as far as opkg is concerned. */
const FOUNDATION = ['libc', 'rpcd', 'ip', 'ca-bundle', 'luci-base'];

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
      if (/^\/(usr\/lib\/opkg|var|tmp|lib\/(?!upgrade\b)[^/]+|etc\/opkg(\.conf)?|script\.log)(\/|$)/.test(path))
        continue;
      if (kind === 0o040000) visit(path);
      else if (kind === 0o120000) tree.set(path, `${uid}:${gid} -> ${readlinkSync(join(root, path))}`);
      else tree.set(path, `${(mode & 0o7777).toString(8)} ${uid}:${gid}`);
    }
  };
  visit('');
  return tree;
}

/** A shell and what OpenWrt's defaults need beside it; busybox would not do: its shell has a `killall` of its own. */
const TOOLS = ['sh', 'grep', 'sed', 'rm'];

/** Why no root can be a live system here; `undefined`: it can. */
export function liveProblem(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  const missing = TOOLS.find((name) => !existsSync(`/bin/${name}`));
  return missing && `no /bin/${missing}`;
}

/** Makes a root a live system as far as scripts see it: they run in it, with nothing in IPKG_INSTROOT, and write down whom they tell. */
export function enliven(root: string): void {
  for (const name of TOOLS) addProgram(root, `/bin/${name}`, `/bin/${name}`);
  mkdirSync(join(root, 'etc/init.d'), { recursive: true });
  for (const path of ['bin/killall', 'etc/init.d/rpcd'])
    writeFileSync(join(root, path), `#!/bin/sh\necho "\${0##*/} $*" >> /script.log\n`, { mode: 0o755 });
}

/** What the scripts of packages did since the last look, one a line. */
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

/** The steps of opkg, without opkg: into a root for an image, or into a live system. */
export class OwnInstaller implements Installer {
  readonly name = 'the steps of opkg';

  constructor(private readonly isLive = false) {}

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
    const script = `/usr/lib/opkg/info/${pkg}.${kind}`;
    if (!existsSync(root + script)) return;
    const env = { PKG_UPGRADE: upgrade };
    if (this.isLive) must(['chroot', root, script, ...args], { env: { ...env, PATH: LIVE_PATH, IPKG_INSTROOT: '' } });
    else must([root + script, ...args], { env: { ...env, IPKG_INSTROOT: root } });
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

/** opkg itself. */
export class Opkg implements Installer {
  constructor(readonly name: string) {}

  install(root: string, what: string): void {
    must(this.command(root, 'install', what), { env: { IPKG_INSTROOT: root } });
  }

  remove(root: string, name: string): void {
    must(this.command(root, 'remove', name), { env: { IPKG_INSTROOT: root } });
  }

  /** Lets a root install by name from a feed: a directory with packages and their index. */
  subscribe(root: string, feed: string): void {
    appendFileSync(join(root, 'etc/opkg.conf'), `src/gz feed file://${feed}\n`);
    must(this.command(root, 'update'));
  }

  /** Names of our packages that are installed. */
  installed(root: string): string[] {
    const lines = must(this.command(root, 'list-installed')).toString().split('\n');
    return lines.map((line) => line.split(' ')[0]!).filter((name) => name.includes('meshbridge'));
  }

  private command(root: string, ...args: string[]): string[] {
    return ['opkg', '-f', join(root, 'etc/opkg.conf'), '-o', root, '--force-postinstall', ...args];
  }
}

/** opkg on PATH, or why it is not used. */
export function findOpkg(): Opkg | string {
  const { status, stdout } = spawnSync('opkg', ['--version'], { encoding: 'utf8' });
  return status === 0 ? new Opkg(stdout.trim()) : 'no opkg on PATH';
}
