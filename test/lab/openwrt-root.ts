// A router of OpenWrt's own programs and scripts, over this machine's files, in namespaces of its own: ubusd, procd with its init scripts, rpcd,
// netifd, fw4, dnsmasq as its init script starts it. Only the kernel is this machine's.

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Package } from '../../build/packages.ts';
import type { TreeEntry } from '../../build/tar.ts';
import { findYggdrasil } from '../../build/yggdrasil.ts';
import { Child, findProgram } from '../../src/dev/child.ts';
import type { Namespace } from '../../src/dev/lab/namespace.ts';
import { nodeHost } from '../../src/host/node/host.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { HostMachine, type Machine } from '../../src/plane/machine.ts';
import { findBusybox } from '../support/shell.ts';
import { until } from './router.ts';

const PROGRAMS = ['ubusd', 'ubus', 'uci', 'procd', 'rpcd', 'netifd', 'fw4', 'ucode', 'logd', 'validate_data'] as const;
/** Of OpenWrt, below the directory that `usr` is in, as a router has it. */
const FILES = [
  'etc/rc.common',
  'etc/init.d/dnsmasq',
  'etc/init.d/firewall',
  'etc/init.d/log',
  'etc/init.d/network',
  'etc/init.d/rpcd',
  'usr/lib/functions.sh',
  'usr/lib/functions/procd.sh',
  'usr/lib/netifd/netifd-proto.sh',
  'usr/lib/netifd/proto/vxlan.sh',
  'usr/lib/netifd/proto/yggdrasil.sh',
  'usr/sbin/hotplug-call',
  'usr/share/firewall4/main.uc',
];
/** As whom dnsmasq runs. */
const RESOLVER_UID = 453;
const BUS = '/run/ubus/ubus.sock';
/** In the order of a boot. */
const SERVICES = ['log', 'rpcd', 'firewall', 'dnsmasq', 'network'] as const;
const SYSTEM = "config system\n\toption hostname 'OpenWrt'\n";
/** What /etc/init.d/boot does before the services, as far as it concerns them. */
const BOOT = `mkdir -p /var/lock /var/log /var/state /var/tmp /tmp/.uci /tmp/resolv.conf.d
touch /tmp/resolv.conf.d/resolv.conf.auto; ln -sf /tmp/resolv.conf.d/resolv.conf.auto /tmp/resolv.conf
cd /etc/uci-defaults 2> /dev/null || exit 0
for file in *; do (. ./$file) && rm -f $file; done
true`;
const BOOT_MS = 60_000;
const RUN_MS = 60_000;

/** Where OpenWrt's files are: the directory with `usr` and `etc`; or why there is none that would do. */
export async function findOpenwrt(): Promise<{ root: string } | { problem: string }> {
  const missing = PROGRAMS.filter((name) => !findProgram(name));
  if (missing.length > 0) return { problem: `not on PATH: ${missing.join(', ')}` };
  const root = resolve(dirname(findProgram('netifd')!), '../..');
  const absent = FILES.filter((path) => !existsSync(join(root, path)));
  if (absent.length > 0) return { problem: `${root}, where netifd's usr is, has no ${absent.join(', ')}` };
  const other = ['nft', 'dnsmasq', 'ip', 'unshare', 'nsenter'].filter((name) => !findProgram(name));
  if (other.length > 0) return { problem: `not on PATH: ${other.join(', ')}` };
  try {
    await findBusybox();
  } catch (error) {
    return { problem: (error as Error).message };
  }
  return findYggdrasil() ? { root } : { problem: 'no yggdrasil in the cache' };
}

/** The first process of the router: everything in it ends with it, and what its parent left is its child. */
const INIT = `set -e
root=$1; openwrt=$2; busybox=$3; mkdir -p $root; mount -t tmpfs tmpfs $root
mkdir $root/lower $root/upper $root/work $root/merged
cp -a $openwrt/usr $openwrt/etc $root/lower/
mount -t overlay overlay -o lowerdir=$root/lower:/,upperdir=$root/upper,workdir=$root/work $root/merged
cd $root/merged
mount -t proc proc proc; mount -t sysfs sysfs sys; mount -t tmpfs -o mode=0755 tmpfs dev
mknod -m 0666 dev/null c 1 3; mknod -m 0666 dev/zero c 1 5; mknod -m 0666 dev/full c 1 7
mknod -m 0666 dev/random c 1 8; mknod -m 0666 dev/urandom c 1 9; mknod -m 0666 dev/tty c 5 0
mkdir dev/net; mknod -m 0666 dev/net/tun c 10 200
mount --bind dev/null proc/kmsg; mount -t tmpfs tmpfs tmp; mount -t tmpfs -o mode=0755 tmpfs run
ln -sf /tmp/resolv.conf etc/resolv.conf; rm -rf var etc/config etc/rc.d etc/init.d usr/bin/sh; mkdir -p var/lock run/ubus tmp/resolv.conf.d tmp/lock
mkdir -p etc/config etc/rc.d etc/meshbridge usr/lib/opkg/info; cp -a $openwrt/etc/init.d etc/; ln -s /run var/run
cp $busybox usr/bin/busybox
for name in $($busybox --list); do
	case "$name" in
	busybox | ip | init | halt | poweroff | reboot | ifup | ifdown) ;;
	*) [ -e $openwrt/usr/bin/$name ] || [ -e $openwrt/usr/sbin/$name ] || ln -sf busybox usr/bin/$name ;;
	esac
	# an own one of Debian would be found first
	[ -e $openwrt/usr/sbin/$name ] || [ ! -e usr/sbin/$name ] || [ "$name" = ip ] || rm -f usr/sbin/$name
done
for knob in ipv4/ip_forward ipv6/conf/all/forwarding; do echo 1 > /proc/sys/net/$knob; done
mount --make-private / 2> /dev/null || true
echo ready
while :; do sleep 1 || :; done
`;

/** One router, from `open` to `close`. */
export class OpenwrtRouter {
  readonly machine: Machine;
  /** What was logged, since it was opened. */
  readonly log: string[] = [];
  private readonly children: Child[] = [];

  private constructor(
    readonly space: Namespace,
    private readonly holder: Child,
    private readonly directory: string,
  ) {
    const host = nodeHost();
    const machine = new HostMachine(host);
    const inside = <T>(path: string, there: (at: string) => T, other?: () => T): T =>
      other && /^\/proc\//.test(path) ? other() : there(this.path(path));
    this.machine = {
      clock: host.clock,
      files: {
        ...host.files,
        read: (path, most) =>
          inside(
            path,
            (at) => host.files.read(at, most),
            // the kernel tells each process of its own network
            () => encodeUtf8(this.run('cat', path)),
          ),
        write: (path, bytes, mode, keeps) => inside(path, (at) => host.files.write(at, bytes, mode, keeps)),
        list: (path) => inside(path, (at) => host.files.list(at)),
        remove: (path) => inside(path, (at) => host.files.remove(at)),
      },
      run: (program, args, options) => {
        const [first, ...rest] = this.command([program, ...args]);
        return machine.run(first!, rest, options);
      },
    };
  }

  /** @param openwrt the directory with OpenWrt's files @param configs UCI files by name */
  static async open(
    space: Namespace,
    openwrt: string,
    configs: Readonly<Record<string, string>>,
  ): Promise<OpenwrtRouter> {
    const directory = mkdtempSync(join(tmpdir(), 'mb-owrt-'));
    let isReady = false;
    const alone = ['unshare', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child'];
    const argv = [...alone, 'sh', '-c', INIT, 'sh', join(directory, 'root'), openwrt, await findBusybox()];
    const holder = await Child.start(space.command(argv), (line) => {
      isReady ||= line === 'ready';
    });
    await until('the root directory', () => {
      if (!holder.isRunning) throw new Error(holder.tail.join(' '));
      return isReady;
    });
    const router = new OpenwrtRouter(space, holder, directory);
    for (const [name, text] of Object.entries({ system: SYSTEM, ...configs }))
      router.write(`/etc/config/${name}`, text);
    router.write('/usr/sbin/yggdrasil', readFileSync(findYggdrasil()!), 0o755);
    for (const file of ['passwd', 'group']) {
      const own = `dnsmasq:x:${RESOLVER_UID}:${file === 'passwd' ? `${RESOLVER_UID}::/:/bin/false` : ''}\n`;
      const others = readFileSync(`/etc/${file}`, 'utf8').replace(/^(dnsmasq|meshbridge):.*\n/gm, '');
      router.write(`/etc/${file}`, others + own, 0o644);
    }
    for (const name of SERVICES) router.run(`/etc/init.d/${name}`, 'enable');
    return router;
  }

  /** Where a path of the router is on this machine. */
  path(path: string): string {
    return `/proc/${this.holder.pid}/root${this.directory}/root/merged${path}`;
  }

  write(path: string, content: string | Uint8Array, mode = 0o600): void {
    rmSync(this.path(path), { force: true });
    mkdirSync(dirname(this.path(path)), { recursive: true });
    writeFileSync(this.path(path), content);
    chmodSync(this.path(path), mode);
  }

  read(path: string): string {
    return readFileSync(this.path(path), 'utf8');
  }

  /** `argv` so that it runs inside. */
  command(argv: readonly string[]): string[] {
    const of = (kind: string): string => `/proc/${this.holder.pid}/ns/${kind}`;
    const spaces = [`--mount=${of('mnt')}`, `--net=${of('net')}`, `--pid=${of('pid_for_children')}`];
    const path = 'PATH=/usr/sbin:/usr/bin:/sbin:/bin';
    return ['nsenter', ...spaces, '--', 'env', '-i', path, 'chroot', `${this.directory}/root/merged`, ...argv];
  }

  /** @throws Error with what it said */
  run(...argv: string[]): string {
    const [program, ...args] = this.command(argv);
    return execFileSync(program!, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: RUN_MS });
  }

  /** Calls an object on the bus, as root. @throws Error with what `ubus` said */
  call(object: string, method: string, args: object = {}): Record<string, unknown> {
    return JSON.parse(this.run('ubus', '-t', '30', 'call', object, method, JSON.stringify(args)).trim() || '{}');
  }

  /** From power-up: what runs once, then all services in their order, as procd's rcS does it. */
  async boot(): Promise<void> {
    await this.startProgram(['ubusd']);
    await until('ubusd', () => existsSync(this.path(BUS)));
    await this.startProgram(['procd', '-S']);
    await until('procd', () => this.run('ubus', 'list').includes('service'));
    this.run('sh', '-c', BOOT);
    for (const name of readdirSync(this.path('/etc/rc.d')).sort())
      if (name.startsWith('S')) this.run('sh', '-c', `/etc/rc.d/${name} boot > /dev/null 2>&1 < /dev/null; true`);
    await until('the log', () => this.run('ubus', 'list').includes('log'));
    await this.startProgram(['logread', '-f'], (line) => this.log.push(line));
    await this.isUp('lan');
  }

  /** Waits until a network is up. */
  async isUp(name: string): Promise<void> {
    await until(`network ${name}`, () => this.call(`network.interface.${name}`, 'status').up === true, BOOT_MS);
  }

  /** Power-cut: everything in RAM is gone, and so is what the kernel has. Files stay. */
  async cut(): Promise<void> {
    this.run('sh', '-c', 'kill -9 -1; rm -rf /tmp/* /run/* /tmp/.[a-z]*; mkdir -p /run/ubus');
    for (const child of this.children.splice(0)) await child.ended;
    this.run('nft', 'flush', 'ruleset');
    for (const family of ['-4', '-6']) {
      for (const table of ['430', '431', '432'])
        try {
          this.run('ip', family, 'route', 'flush', 'table', table);
        } catch {
          // there is none
        }
      this.run('ip', family, 'rule', 'flush');
      this.run('ip', family, 'rule', 'add', 'pref', '32766', 'lookup', 'main');
    }
    const devices = this.run('ip', '-o', 'link').matchAll(/^\d+: (mbt\d|mbwg|mbc\w+|ygg0)[:@]/gm);
    for (const [, name] of devices) this.run('ip', 'link', 'del', name!);
  }

  /** Numbers of the processes of this router, as it sees them, whose program has a name; those in jails, too. */
  pidsOf(program: string): string[] {
    const lines = this.run(
      'sh',
      '-c',
      'cd /proc; for p in [0-9]*; do echo "$p $(tr "\\0" " " < $p/cmdline)"; done 2> /dev/null; true',
    );
    return [...lines.matchAll(/^(\d+) (\S+)/gm)]
      .filter(([, , path]) => path!.split('/').at(-1) === program)
      .map(([, pid]) => pid!);
  }

  /** Kills them. @returns how many there were */
  killProcesses(program: string): number {
    const pids = this.pidsOf(program);
    // one that was killed may have taken another with it
    if (pids.length > 0) this.run('sh', '-c', `kill -9 ${pids.join(' ')} 2> /dev/null; true`);
    return pids.length;
  }

  /** Installs a package as opkg does: its default scripts are OpenWrt's own. @param files as the package has them */
  install({ name, user, scripts }: Package, files: readonly TreeEntry[]): void {
    for (const { name: path, mode, content } of files)
      if (content instanceof Uint8Array) this.write(path, content, mode);
      else if (content) {
        mkdirSync(dirname(this.path(path)), { recursive: true });
        symlinkSync(content.link, this.path(path));
      }
    const info = (kind: string): string => `/usr/lib/opkg/info/${name}.${kind}`;
    this.write(info('list'), files.map((file) => `${file.name}\n`).join(''));
    this.write(info('control'), `Package: ${name}\n${user === undefined ? '' : `Require-User: ${user}\n`}`);
    for (const kind of ['postinst', 'prerm'] as const)
      if (scripts[kind] !== undefined) this.write(info(`${kind}-pkg`), scripts[kind]);
    this.run('sh', '-c', `. /lib/functions.sh; PKG_UPGRADE=0 default_postinst ${info('postinst')}`);
  }

  /** Takes a package away as opkg does, with all files, also those that were changed. */
  remove({ name, scripts }: Package): void {
    const info = `/usr/lib/opkg/info/${name}`;
    this.run('sh', '-c', `. /lib/functions.sh; PKG_UPGRADE=0 default_prerm ${info}.prerm`);
    for (const path of this.read(`${info}.list`).trim().split('\n')) rmSync(this.path(path), { force: true });
    if (scripts.postrm !== undefined) this.run('sh', '-c', scripts.postrm);
    this.run('sh', '-c', `rm -f ${info}.*`);
  }

  async close(): Promise<void> {
    this.holder.kill('SIGKILL');
    await this.holder.ended;
    for (const child of this.children) await child.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async startProgram(argv: readonly string[], onLine?: (line: string) => void): Promise<void> {
    this.children.push(await Child.start(this.command(argv), onLine));
  }
}

/** `/etc/config/firewall` of a router with a LAN, a line and a mesh, as OpenWrt ships it. @param wan an option of the line's zone that is on */
export function firewallFile(wan: 'mtu_fix' | 'masq6'): string {
  return `config defaults
	option input 'REJECT'
	option output 'ACCEPT'
	option forward 'REJECT'

config zone
	option name 'lan'
	list network 'lan'
	option input 'ACCEPT'
	option output 'ACCEPT'
	option forward 'ACCEPT'

config zone
	option name 'wan'
	list network 'wan'
	option input 'REJECT'
	option output 'ACCEPT'
	option forward 'REJECT'
	option masq '1'
	option ${wan} '1'

config zone
	option name 'mesh'
	list network 'ygg0'
	option input 'REJECT'
	option output 'ACCEPT'
	option forward 'REJECT'

config forwarding
	option src 'lan'
	option dest 'wan'

config forwarding
	option src 'lan'
	option dest 'mesh'

config rule
	option src 'wan'
	option proto 'icmp'
	list icmp_type 'neighbour-solicitation'
	list icmp_type 'neighbour-advertisement'
	option family 'ipv6'
	option target 'ACCEPT'
`;
}
