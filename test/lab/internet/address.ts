// Where everything is in the lab: addresses of documentation, so that nothing in it can reach anybody.

export const WEB_PORT = 80;
export const ECHO_PORT = 7;
/** Takes datagrams, and counts them. */
export const SINK_PORT = 9;
export const PEER_PORT = 9001;
/** The public peer is found by its name, as in real life. */
export const PEER_NAME = 'peer.mesh.example';
export const WEB_NAME = 'web.example';
/** Names that only devices of the LAN ask for end so. */
export const LAN_DOMAIN = 'lan.example';

/** Of servers in the Internet: they are off-link, so the way to them is a default route. */
export const INTERNET = {
  web4: '203.0.113.80',
  web6: '2001:db8:80::80',
  dns4: '203.0.113.53',
  dns6: '2001:db8:80::53',
  peer4: '192.0.2.30',
  peer6: '2001:db8:80::30',
} as const;

/** The provider's network: whoever has a line has an address here. */
export const PROVIDER = { gateway4: '198.51.100.1', gateway6: '2001:db8:1::1' } as const;

/** An address at the provider, by its last number. */
export function atProvider(number: number): { v4: string; v6: string } {
  return { v4: `198.51.100.${number}`, v6: `2001:db8:1::${number}` };
}

/** The number of the router of the home's line there. */
export const LINE_AT_PROVIDER = 10;

/** Behind the line's router, where the home is: private addresses, translated; public ones of IPv6. */
export const LINE = {
  router4: '192.168.8.1',
  home4: '192.168.8.2',
  router6: '2001:db8:8::1',
  home6: '2001:db8:8::2',
} as const;

/** The home's own network. */
export const LAN = {
  home4: '192.168.42.1',
  host4: '192.168.42.100',
  home6: 'fd42::1',
  host6: 'fd42::100',
} as const;

/** A device of the LAN that its resolver knows by name. */
export const PRINTER = { name: 'printer.lan', v4: '192.168.42.50' } as const;
