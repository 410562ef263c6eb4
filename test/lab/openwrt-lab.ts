// A router of OpenWrt's own programs in the lab of the Internet, with the package installed: the daemon as its own user, root's helper by rpcd.

import { readFileSync } from 'node:fs';
import { buildPages } from '../../build/luci.ts';
import { readPackage } from '../../build/pack.ts';
import { PACKAGES } from '../../build/packages.ts';
import { findYggdrasil } from '../../build/yggdrasil.ts';
import { Namespace } from '../../src/dev/lab/namespace.ts';
import { addressOf } from '../../src/lib/yggdrasil-address.ts';
import { atProvider, INTERNET, PEER_NAME, PEER_PORT, PROVIDER } from './internet/address.ts';
import { type Place, plug } from './internet/place.ts';
import { until } from './internet/until.ts';
import type { World } from './internet/world.ts';
import { firewallFile, OpenwrtRouter } from './openwrt-root.ts';

/** The router's own network, and the host in it. */
export const OWRT_LAN = { router4: '192.168.77.1', router6: 'fd77::1', host4: '192.168.77.100', host6: 'fd77::100' };
export const OWRT_CONFIG = '/etc/config/meshbridge';

/** OpenWrt's own, but for what Debian's dnsmasq does not know, and for its taking addresses of documentation for private ones. */
const DHCP = `config dnsmasq
	option domainneeded '1'
	option localise_queries '1'
	option rebind_protection '0'
	option local '/lan/'
	option domain 'lan'
	option expandhosts '1'
	option cachesize '0'
	option readethers '1'
	option leasefile '/tmp/dhcp.leases'
	option resolvfile '/tmp/resolv.conf.d/resolv.conf.auto'
	option localservice '1'
	option ubus '0'
`;

const find = (name: string) => PACKAGES.find((one) => one.name === name)!;

function network(number: number, privateKey: string): string {
  const { v4, v6 } = atProvider(number);
  return `config interface 'loopback'
	option device 'lo'
	option proto 'static'
	option ipaddr '127.0.0.1'
	option netmask '255.0.0.0'

config interface 'lan'
	option device 'br-lan'
	option proto 'static'
	option ipaddr '${OWRT_LAN.router4}/24'
	option ip6addr '${OWRT_LAN.router6}/64'

config interface 'wan'
	option device 'wan0'
	option proto 'static'
	option ipaddr '${v4}/24'
	option gateway '${PROVIDER.gateway4}'
	option ip6addr '${v6}/64'
	option ip6gw '${PROVIDER.gateway6}'
	option dns '${INTERNET.dns4}'

config interface 'ygg0'
	option proto 'yggdrasil'
	option private_key '${privateKey}'

config yggdrasil_ygg0_peer
	option address 'tls://${PEER_NAME}:${PEER_PORT}'
`;
}

/** A router at the provider with one host behind it. */
export class OpenwrtMachine {
  private constructor(
    readonly router: OpenwrtRouter,
    readonly lan: Place,
    /** Of its Yggdrasil, 64 hex digits. */
    readonly key: string,
    /** As the Internet sees it. */
    readonly line: { v4: string; v6: string },
    private readonly space: Namespace,
    private readonly program: string,
  ) {}

  /** Opens one, from power-up, without any package. @param openwrt the directory with OpenWrt's files @param number of its line at the provider */
  static async open(world: World, openwrt: string, name: string, number: number): Promise<OpenwrtMachine> {
    const net = world.place('net');
    const space = await Namespace.open();
    const lan = await world.open(`${name}-lan`, OWRT_LAN.router4);
    await plug(lan, 'eth0', space, 'br-lan');
    await plug(space, 'wan0', net, name);
    await net.ip([`link set ${name} gso_max_segs 1 master br0`]);
    await lan.ip([
      ...[`addr add ${OWRT_LAN.host4}/24 dev eth0`, `addr add ${OWRT_LAN.host6}/64 dev eth0 nodad`],
      ...[`route add default via ${OWRT_LAN.router4}`, `route add default via ${OWRT_LAN.router6}`],
    ]);
    const { PrivateKey: privateKey } = JSON.parse(await net.must([findYggdrasil()!, '-genconf', '-json']));
    const router = await OpenwrtRouter.open(space, openwrt, {
      ...{
        network: network(number, privateKey),
        firewall: firewallFile('mtu_fix'),
        dhcp: DHCP,
        rpcd: '',
        luci: '',
        uhttpd: '',
      },
    });
    await router.boot();
    await router.isUp('ygg0');
    await until('the firewall has heard of it', () =>
      router.run('nft', 'list', 'table', 'inet', 'fw4').includes('iifname "ygg0"'),
    );
    const key = String(privateKey).slice(64);
    return new OpenwrtMachine(router, lan, key, atProvider(number), space, world.options.daemon);
  }

  get address(): string {
    return addressOf(this.key)!;
  }

  /** Installs a package with the program that was built for this machine. */
  async install(name: string): Promise<void> {
    const program = async (): Promise<Uint8Array> => readFileSync(this.program);
    this.router.install(find(name), await readPackage(find(name), { program, pages: buildPages }));
  }

  remove(name: string): void {
    this.router.remove(find(name));
  }

  /** Puts sections behind the configuration that the package brought, and has the service read it. */
  configure(sections: string): void {
    const { router } = this;
    router.write(OWRT_CONFIG, `${router.read(OWRT_CONFIG)}\n${sections}`);
    router.run('/etc/init.d/meshbridge', 'reload');
  }

  /** What its network is made of and what could be left of ours, as text; numbers that count on are left out. */
  left(): string {
    const { router } = this;
    const shown = ['rule', '-6 rule', 'route show table all', '-6 route show table all', '-o link'].map((words) =>
      router.run('ip', ...words.split(' ')),
    );
    const files = ['network', 'firewall', 'dhcp'].map((name) => router.read(`/etc/config/${name}`));
    const listed = router.run('ubus', 'list').replace(/^.*meshbridge.*\n|^hotplug\..*\n/gm, '');
    // a reload of fw4 leaves chains of zones that are gone, with nothing in them
    const ruleset = router.run('nft', '-s', 'list', 'ruleset').replace(/^\tchain \w+ \{\n\t\}\n\n?/gm, '');
    const services = router.run('ubus', 'call', 'service', 'list').replace(/"pid": \d+/g, '');
    const names = router.run(
      'sh',
      '-c',
      'cat /tmp/resolv.conf; ls -A /tmp/dnsmasq.d /etc/rc.d /tmp/run 2>/dev/null; true',
    );
    return [...shown, ...files, listed, ruleset, services, names]
      .join('\n')
      .replace(/ (expires|lft) \S+/g, '')
      .replace(/^\d+: /gm, '')
      .split('\n')
      .filter((line) => !/ygg0|fe80|ff00|anycast/.test(line))
      .join('\n');
  }

  /** The daemon, as procd has it. */
  get pid(): number | undefined {
    const { meshbridge } = this.router.call('service', 'list', { name: 'meshbridge' }) as {
      meshbridge?: { instances?: Record<string, { running: boolean; pid?: number }> };
    };
    return Object.values(meshbridge?.instances ?? {}).find(({ running }) => running)?.pid;
  }

  async close(): Promise<void> {
    await this.router.close();
    await this.space.close();
  }
}

/** Lines of one text that the other has not, to be read. */
export function differenceOf(before: string, after: string): string[] {
  const [old, now] = [before, after].map((text) => text.split('\n'));
  return [
    ...now!.filter((line) => !old!.includes(line)).map((line) => `more: ${line}`),
    ...old!.filter((line) => !now!.includes(line)).map((line) => `less: ${line}`),
  ];
}
