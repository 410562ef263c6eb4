// What a router with the desk's nodes would have in /etc/config: `network` as luci-proto-yggdrasil writes it, and `meshbridge`.

import { formatUci, type UciSection } from '../lib/uci.ts';

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

function section(type: string, name: string, options: Record<string, string>): UciSection {
  const entries = Object.entries(options).map(([option, value]) => [option, { value, line: 0 }] as const);
  return { type, name, anonymous: name === '', line: 0, options: new Map(entries) };
}

/** The texts of the files, by package. */
export function routerConfig(
  nodes: readonly ConfiguredNode[],
  paths: RouterPaths,
): { network: string; meshbridge: string } {
  const network = nodes.flatMap(({ iface, peers }) => [
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
  return { network: formatUci({ sections: network }), meshbridge: formatUci({ sections: meshbridge }) };
}
