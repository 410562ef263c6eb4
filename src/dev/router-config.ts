// What a router with the desk's nodes would have in /etc/config: `network` as luci-proto-yggdrasil writes it, `meshbridge`, and the logins
// of its web pages in `rpcd`.

import { formatUci, type UciSection } from '../lib/uci.ts';

/** What a home has beside the mesh: an Internet line and a network of its own. */
const HOME: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  lan: { proto: 'static', device: 'br-lan', ipaddr: '192.168.1.1', netmask: '255.255.255.0' },
  wan: { proto: 'dhcp', device: 'eth0' },
};

/** A node as its router knows it. */
export interface ConfiguredNode {
  /** Its logical interface. */
  iface: string;
  /** Path of its admin socket. */
  socket: string;
  /** URIs of its configured peers. */
  peers: readonly string[];
}

export interface RouterPaths {
  ubusSocket: string;
  /** Where the daemon keeps what must survive its crash. */
  stateDirectory: string;
}

function section(type: string, name: string, options: Readonly<Record<string, string | string[]>>): UciSection {
  const entries = Object.entries(options).map(([option, value]) => [option, { value, line: 0 }] as const);
  return { type, name, anonymous: name === '', line: 0, options: new Map(entries) };
}

/** The texts of the files, by package. */
export function routerConfig(
  nodes: readonly ConfiguredNode[],
  paths: RouterPaths,
): { network: string; meshbridge: string } {
  const home = Object.entries(HOME).map(([name, options]) => section('interface', name, options));
  const own = nodes.flatMap(({ iface, peers }) => [
    section('interface', iface, { proto: 'yggdrasil' }),
    ...peers.map((address) => section(`yggdrasil_${iface}_peer`, '', { address })),
  ]);
  const meshbridge = [
    section('meshbridge', 'main', {
      ubus_socket: paths.ubusSocket,
      state_dir: paths.stateDirectory,
      discover: '0',
    }),
    ...nodes.map(({ iface, socket }) => section('interface', iface, { socket: `unix://${socket}` })),
  ];
  return { network: formatUci({ sections: [...home, ...own] }), meshbridge: formatUci({ sections: meshbridge }) };
}

/** The text of the package `rpcd` with root, who may everything. @param hash what crypt(3) made of the password. */
export function rootLogin(hash: string): string {
  const login = { username: 'root', password: hash, read: ['*'], write: ['*'] };
  return formatUci({ sections: [section('login', '', login)] });
}
