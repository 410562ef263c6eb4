// A router of OpenWrt's own programs: ubusd, rpcd, netifd and fw4 in namespaces of their own, over this machine's files. procd and the init
// scripts are played: what they hand on is as they hand it on.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { inProject } from '../../build/project.ts';
import { findYggdrasil } from '../../build/yggdrasil.ts';
import { Child, findProgram } from '../../src/dev/child.ts';
import type { Namespace } from '../../src/dev/lab/namespace.ts';
import { nodeHost } from '../../src/host/node/host.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';
import { HostMachine, type Machine } from '../../src/plane/machine.ts';
import { until } from '../service/router.ts';
import { findBusybox } from '../support/shell.ts';

const PROGRAMS = ['ubusd', 'ubus', 'uci', 'rpcd', 'netifd', 'fw4', 'ucode'] as const;
/** Of OpenWrt, below the directory that `sbin/netifd` is in. */
const FILES = [
  'lib/netifd/netifd-proto.sh',
  'lib/netifd/proto/vxlan.sh',
  'lib/functions.sh',
  'share/firewall4/main.uc',
];
/** As whom dnsmasq runs. */
export const RESOLVER_UID = 453;
const BUS = '/run/ubus/ubus.sock';

/** Where OpenWrt's files are (`usr`); or why there is none that would do. */
export async function findOpenwrt(): Promise<{ usr: string } | { problem: string }> {
  const missing = PROGRAMS.filter((name) => !findProgram(name));
  if (missing.length > 0) return { problem: `not on PATH: ${missing.join(', ')}` };
  const usr = resolve(dirname(findProgram('netifd')!), '..');
  const absent = FILES.filter((path) => !existsSync(join(usr, path)));
  if (absent.length > 0) return { problem: `${usr}, where netifd is, has no ${absent.join(', ')}` };
  const other = ['nft', 'dnsmasq', 'unshare', 'nsenter'].filter((name) => !findProgram(name));
  if (other.length > 0) return { problem: `not on PATH: ${other.join(', ')}` };
  try {
    await findBusybox();
  } catch (error) {
    return { problem: (error as Error).message };
  }
  return findYggdrasil() ? { usr } : { problem: 'no yggdrasil in the cache' };
}

/** netifd's handler of a node, in short: OpenWrt's own has the same calls. */
const YGGDRASIL_PROTO = `#!/bin/sh
[ -n "$INCLUDE_ONLY" ] || {
	. /lib/functions.sh
	. ../netifd-proto.sh
	init_proto "$@"
}
proto_yggdrasil_init_config() {
	available=1
}
proto_yggdrasil_setup() {
	proto_run_command "$1" /usr/sbin/yggdrasil -useconffile /etc/yggdrasil.conf
	proto_init_update "$1" 1
	proto_add_ipv6_address "$(/usr/sbin/yggdrasil -useconffile /etc/yggdrasil.conf -address)" 7
	proto_add_ipv6_route "200::" "7"
	proto_send_update "$1"
}
proto_yggdrasil_teardown() {
	proto_kill_command "$1"
}
[ -n "$INCLUDE_ONLY" ] || add_protocol yggdrasil
`;

/** The init script of dnsmasq, in short: what it is started with, and by what the router looks up. */
const DNSMASQ_INIT = `#!/bin/dash
mkdir -p /var/etc /tmp/dnsmasq.d
[ ! -s /var/run/dnsmasq.pid ] || kill "$(cat /var/run/dnsmasq.pid)" 2> /dev/null
sleep 0.2
ln -sf /tmp/resolv.conf.d/resolv.conf.auto /tmp/resolv.conf
[ "$1" != stop ] || exit 0
[ "$(uci -q get dhcp.@dnsmasq[0].localuse)" = 0 ] || {
	rm /tmp/resolv.conf
	echo 'nameserver 127.0.0.1' > /tmp/resolv.conf
}
cat > /var/etc/dnsmasq.conf.cfg01411c << EOF
conf-file=/dev/null
user=dnsmasq
no-hosts
bind-interfaces
listen-address=192.168.42.1
cache-size=0
pid-file=/var/run/dnsmasq.pid
resolv-file=/tmp/resolv.conf.d/resolv.conf.auto
conf-dir=/tmp/dnsmasq.d
EOF
exec dnsmasq -C /var/etc/dnsmasq.conf.cfg01411c
`;

const MOUNTS = `set -e
root=$1; usr=$2; busybox=$3; mkdir -p $root; mount -t tmpfs tmpfs $root
mkdir $root/lower $root/upper $root/work $root/merged
mkdir $root/lower/usr; cp -a $usr/. $root/lower/usr/
mount -t overlay overlay -o lowerdir=$root/lower:/,upperdir=$root/upper,workdir=$root/work $root/merged
cd $root/merged
mount --bind /proc proc; mount -t sysfs sysfs sys; mount --bind /dev dev
mount -t tmpfs tmpfs tmp; mount -t tmpfs tmpfs run
rm -rf var etc/config usr/bin/sh; mkdir -p var/lock run/ubus tmp/resolv.conf.d etc/config etc/init.d etc/meshbridge usr/share/meshbridge
ln -s /run var/run; cp $busybox usr/bin/busybox; ln -s busybox usr/bin/sh
echo 'nameserver 198.51.100.1' > tmp/resolv.conf.d/resolv.conf.auto
for knob in ipv4/ip_forward ipv6/conf/all/forwarding; do echo 1 > /proc/sys/net/$knob; done
echo ready
exec sleep infinity
`;

/** One router, from `open` to `close`. */
export class OpenwrtRouter {
  readonly machine: Machine;
  private readonly children = new Map<string, Child>();

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
        write: (path, bytes, mode) => inside(path, (at) => host.files.write(at, bytes, mode)),
        list: (path) => inside(path, (at) => host.files.list(at)),
        remove: (path) => inside(path, (at) => host.files.remove(at)),
      },
      run: (program, args, options) => {
        const [first, ...rest] = this.command([program, ...args]);
        return machine.run(first!, rest, options);
      },
    };
  }

  /** @param configs UCI files by name @param yggdrasil configuration of the node */
  static async open(
    space: Namespace,
    usr: string,
    configs: Readonly<Record<string, string>>,
    yggdrasil: string,
  ): Promise<OpenwrtRouter> {
    const directory = mkdtempSync(join(tmpdir(), 'mb-owrt-'));
    let isReady = false;
    const argv = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', MOUNTS, 'sh', join(directory, 'root')];
    const holder = await Child.start(space.command([...argv, usr, await findBusybox()]), (line) => {
      isReady ||= line === 'ready';
    });
    await until('the root directory', () => {
      if (!holder.isRunning) throw new Error(holder.tail.join(' '));
      return isReady;
    });
    const router = new OpenwrtRouter(space, holder, directory);
    for (const [name, text] of Object.entries(configs)) router.write(`/etc/config/${name}`, text);
    router.write('/etc/yggdrasil.conf', yggdrasil);
    router.write('/usr/sbin/yggdrasil', readFileSync(findYggdrasil()!), 0o755);
    router.write('/usr/lib/netifd/proto/yggdrasil.sh', YGGDRASIL_PROTO, 0o755);
    router.write('/etc/init.d/dnsmasq', DNSMASQ_INIT, 0o755);
    router.write(
      '/usr/share/meshbridge/guard.sh',
      readFileSync(inProject('openwrt-feed/meshbridge/files/meshbridge.guard')),
    );
    router.write('/usr/share/meshbridge/procd.uc', readFileSync(inProject('test/lab/openwrt-procd.uc')));
    const accounts = readFileSync('/etc/passwd', 'utf8').replace(/^dnsmasq:.*\n/m, '');
    router.write('/etc/passwd', `${accounts}dnsmasq:x:${RESOLVER_UID}:${RESOLVER_UID}::/:/bin/false\n`);
    return router;
  }

  /** Where a path of the router is on this machine. */
  path(path: string): string {
    return `/proc/${this.holder.pid}/root${this.directory}/root/merged${path}`;
  }

  write(path: string, content: string | Uint8Array, mode = 0o600): void {
    rmSync(this.path(path), { force: true });
    writeFileSync(this.path(path), content, { mode });
  }

  /** `argv` so that it runs inside. */
  command(argv: readonly string[]): string[] {
    const { pid } = this.holder;
    const enter = ['nsenter', `--mount=/proc/${pid}/ns/mnt`, `--net=/proc/${pid}/ns/net`, '--'];
    const path = 'PATH=/usr/sbin:/usr/bin:/sbin:/bin';
    return [...enter, 'env', '-i', path, 'chroot', `${this.directory}/root/merged`, ...argv];
  }

  /** @throws Error with what it said */
  run(...argv: string[]): string {
    const [program, ...args] = this.command(argv);
    return execFileSync(program!, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000 });
  }

  /** From power-up: bus, firewall, network. */
  async boot(): Promise<void> {
    await this.start('ubusd', BUS);
    await this.start('procd', undefined, ['ucode', '/usr/share/meshbridge/procd.uc']);
    await until('procd', () => {
      if (!this.children.get('procd')!.isRunning) throw new Error(this.children.get('procd')!.tail.join(' '));
      return this.run('ubus', 'list').includes('service');
    });
    await this.start('rpcd', undefined);
    // S19, S20
    this.run('fw4', '-q', 'start');
    await this.start('netifd', undefined);
    await until('the network', () =>
      this.run('ubus', 'call', 'network.interface.lan', 'status').includes('"up": true'),
    );
    this.run('/etc/init.d/dnsmasq', 'start');
    // hotplug's
    this.run('fw4', '-q', 'reload');
  }

  /** Power-cut: everything in RAM is gone but what the kernel still has of others, which goes, too. Files stay. */
  async cut(): Promise<void> {
    this.run('/etc/init.d/dnsmasq', 'stop');
    for (const name of ['netifd', 'rpcd', 'procd', 'ubusd']) await this.kill(name);
    this.run('sh', '-c', 'rm -rf /tmp/* /run/* /tmp/.[a-z]*; mkdir -p /run/ubus /tmp/resolv.conf.d');
    this.write('/tmp/resolv.conf.d/resolv.conf.auto', 'nameserver 198.51.100.1\n', 0o644);
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
    const devices = this.run('ip', '-o', 'link').matchAll(/^\d+: (mbt\d|ygg0)[:@]/gm);
    for (const [, name] of devices) this.run('ip', 'link', 'del', name!);
  }

  /** Starts a program that stays. @param socket that it listens at */
  async start(name: string, socket: string | undefined, argv: readonly string[] = [name]): Promise<void> {
    const child = await Child.start(this.command(argv));
    this.children.set(name, child);
    if (socket !== undefined) await until(name, () => existsSync(this.path(socket)));
  }

  async kill(name: string): Promise<void> {
    const child = this.children.get(name);
    child?.kill('SIGKILL');
    await child?.ended;
  }

  /** Kills every process of this root with a name. @returns how many */
  killProcesses(name: string): number {
    const root = `${this.directory}/root/merged`;
    const found = readdirSync('/proc').filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === name && readlinkSync(`/proc/${pid}/root`) === root;
      } catch {
        return false;
      }
    });
    for (const pid of found) process.kill(Number(pid), 'SIGKILL');
    return found.length;
  }

  async close(): Promise<void> {
    try {
      this.run('/etc/init.d/dnsmasq', 'stop');
    } catch {
      // it was not there yet
    }
    for (const child of this.children.values()) await child.stop();
    this.holder.kill('SIGKILL');
    await this.holder.ended;
    rmSync(this.directory, { recursive: true, force: true });
  }
}
