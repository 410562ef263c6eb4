// What a gateway's rules are, as text for nft: who may send what by the tunnels of homes, what is refused, what is counted.
//
// Rules say everything by sets, so that homes come and go as elements, and a table that stands is made anew in one transaction without losing
// a packet, a suspension or a count. Our drops are final whatever other tables say; what other tables drop stays dropped.

import { formatPrefix, type Prefix, parsePrefix } from '../lib/ip.ts';
import { LEAVING, LIMIT_MAPS, type LimitAbility, limitRules } from './client-limit.ts';
import { addElements, CLIENT_TABLE, refill, removeAny, removeElements } from './client-set.ts';
import { SHARE_COUNTED, SHARE_COUNTERS, SHARE_MAPS, type ShareRules, shareRules } from './client-share.ts';
import { quoted } from './nft.ts';

/** The one device of all homes that come by WireGuard. */
export const WIREGUARD_DEVICE = 'mbwg';

/** The device of a home's tunnel, unless that is one of WireGuard. */
export function clientDevice(slot: number): string {
  return `mbc${slot.toString(16).padStart(4, '0')}`;
}

/** The slot that a device belongs to; `undefined`: it is none of ours. */
export function slotOfDevice(name: string): number | undefined {
  const digits = /^mbc([0-9a-f]{4})$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

/** What the rules depend on, beside homes. */
export interface GatewayRules {
  /** The gateway's address in the mesh. */
  readonly address: string;
  readonly gateway4: string;
  readonly gateway6: string;
  readonly pool4: Prefix;
  readonly pool6: Prefix;
  /** TCP port of the registrar; on inner addresses homes measure their way there, or the kernel refuses: both show a home that its tunnel carries. */
  readonly port: number;
  readonly vxlanPort: number;
  /** Absent: no home comes by WireGuard. */
  readonly wireguardPort: number | undefined;
  readonly closedPorts: readonly number[];
  readonly isolate: boolean;
  /** Own networks that homes may reach: prefixes or addresses. */
  readonly reach: readonly string[];
  /** Whether homes ask this machine for names. */
  readonly resolver: boolean;
  /** Absent: the line is shared as the kernel does it. */
  readonly share?: ShareRules;
}

/** What is no address of the Internet. Source: IANA's registries of special purpose; those for documentation lead nowhere by themselves. */
const PRIVATE4 =
  '0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16, 224.0.0.0/3';
const PRIVATE6 = '::/96, ::ffff:0:0/96, 64:ff9b::/96, 200::/7, fc00::/7, fe80::/9, ff00::/8';

/** Sets that hold homes: the last part of an element is an inner address; of `outer`, a number of VXLAN. */
export const HOME_SETS = [
  'clients4',
  'clients6',
  'outer',
  'suspended4',
  'suspended6',
  'from4',
  'from6',
  'to4',
  'to6',
] as const;

/** Sets with the homes that come and go. The key of `outer` is the number of VXLAN as it lies in the packet. */
const HOMES = `
  counter spoofed { }
  set clients4 { type ifname . ipv4_addr; }
  set clients6 { type ifname . ipv6_addr; }
  set outer { typeof ip6 saddr . @th,96,24; }
  set suspended4 { type ipv4_addr; }
  set suspended6 { type ipv6_addr; }
  set from4 { type ipv4_addr; counter; }
  set from6 { type ipv6_addr; counter; }
  set to4 { type ipv4_addr; counter; }
  set to6 { type ipv6_addr; counter; }${LIMIT_MAPS}${SHARE_MAPS}${SHARE_COUNTERS}`;

/** Which devices the rules mean: that of Yggdrasil, and those by which this machine reaches the Internet. */
export function deviceScript(mesh: string, lines: readonly string[]): string {
  return refill('mesh', [quoted(mesh)]) + refill('lines', lines.map(quoted));
}

/** The table, whether it stood before or not; sets of homes, and chains of single ones, keep what they hold. As `deviceScript`. */
export function gatewayScript(
  rules: GatewayRules,
  mesh: string,
  lines: readonly string[],
  able: Pick<LimitAbility, 'rates'>,
): string {
  const { pool4, pool6, isolate } = rules;
  const reach = [...rules.reach, ...(isolate ? [] : [formatPrefix(pool4), formatPrefix(pool6)])];
  const reachOf = (bytes: 4 | 16): string[] => reach.filter((text) => parsePrefix(text)?.bytes.length === bytes);
  const chains = chainText(rules, able);
  const found = [...chains.matchAll(/^ {2}chain (\w+) \{\n( {4}type .*\n)?/gm)];
  const declared = found.map(([, name, hook = '']) => `  chain ${name} {\n${hook}  }\n`).join('');
  const flushed = found.map(([, name]) => `flush chain ${CLIENT_TABLE} ${name}\n`).join('');
  return `table ${CLIENT_TABLE} {${HOMES}
  set mesh { type ifname; }
  set lines { type ifname; }
  set reach4 { type ipv4_addr; flags interval; auto-merge; }
  set reach6 { type ipv6_addr; flags interval; auto-merge; }
  set closed { type inet_service; }
${declared}}
${flushed}${deviceScript(mesh, lines)}${refill('reach4', reachOf(4))}${refill('reach6', reachOf(16))}${refill('closed', rules.closedPorts.map(String))}table ${CLIENT_TABLE} {
${chains}}
`;
}

/** The chains that are the same for all homes. */
function chainText(rules: GatewayRules, able: Pick<LimitAbility, 'rates'>): string {
  const { address, gateway4, gateway6, pool4, pool6, port, vxlanPort, wireguardPort, isolate, resolver } = rules;
  const limits = limitRules(able);
  return `  chain refuse {
    meta l4proto tcp reject with tcp reset
    reject with icmpx type admin-prohibited
  }
  # who sends, before anything else looks at it
  chain source {
    iifname . ip saddr @clients4 return
    iifname . ip6 saddr @clients6 return
    counter name spoofed drop
  }
  chain prerouting {
    type filter hook prerouting priority -301; policy accept;
    iifname "mbc*" jump source
    iifname "${WIREGUARD_DEVICE}" jump source
  }
  # VXLAN does not ask where its packets come from
  chain outer_source {
    iifname @mesh ip6 saddr . @th,96,24 @outer accept
    counter name spoofed drop
  }
  chain own {
    icmp type echo-request accept
    icmpv6 type echo-request accept
    ${resolver ? 'meta l4proto { tcp, udp } th dport 53 accept' : '# homes ask others for names'}
    tcp dport ${port} accept
  }
  # of this machine itself homes reach what they need, and nothing else
  chain service {
    ip saddr @suspended4 jump refuse
    ip6 saddr @suspended6 jump refuse
    ct state established,related accept
    ip daddr ${gateway4} jump own
    ip6 daddr ${gateway6} jump own
    jump refuse
  }
  chain input {
    type filter hook input priority -5; policy accept;
    ip6 daddr ${address} udp dport ${vxlanPort} jump outer_source
    ip6 daddr ${address} meta l4proto gre iifname != @mesh iifname != "lo" counter name spoofed drop
    ${wireguardPort === undefined ? '# no WireGuard' : `udp dport ${wireguardPort} iifname != @mesh iifname != "lo" drop`}
    iifname "mbc*" goto service
    iifname "${WIREGUARD_DEVICE}" goto service
  }
  chain counted_from {
    ${limits.fromHome}
    tcp flags syn tcp option maxseg size set rt mtu
    ip saddr @from4
    ip6 saddr @from6
  }
  # suspension is first, so that flows that stand are cut, too
  chain from_home {
    ip saddr @suspended4 jump refuse
    ip6 saddr @suspended6 jump refuse
    ${isolate ? `oifname "mbc*" jump refuse\n    oifname "${WIREGUARD_DEVICE}" jump refuse` : '# homes reach each other'}
    ip daddr @reach4 goto counted_from
    ip6 daddr @reach6 goto counted_from
    ip daddr { ${PRIVATE4} } jump refuse
    ip6 daddr { ${PRIVATE6} } jump refuse
    # own networks may have public addresses
    oifname != @lines jump refuse
    tcp dport @closed reject with tcp reset
    goto counted_from
  }
  # nobody calls a home but, where that is wanted, homes: who sends by their tunnels was judged already
  chain to_home {
    ip daddr @suspended4 drop
    ip6 daddr @suspended6 drop
    iifname != "mbc*" iifname != "${WIREGUARD_DEVICE}" ct state new drop
    ${limits.toHome}
    tcp flags syn tcp option maxseg size set rt mtu
    ip daddr @to4
    ip6 daddr @to6
  }
  chain forward {
    type filter hook forward priority -5; policy accept;
    iifname "mbc*" jump from_home
    iifname "${WIREGUARD_DEVICE}" jump from_home
    oifname "mbc*" jump to_home
    oifname "${WIREGUARD_DEVICE}" jump to_home
  }
  chain share {
    type filter hook postrouting priority 90; policy accept;
    ${shareRules(rules.share ?? {})}
  }
  chain own_sent {
    type filter hook output priority -5; policy accept;
    ${SHARE_COUNTED}
  }
  chain leaving {
    ${LEAVING}
  }
  chain postrouting {
    type nat hook postrouting priority 100; policy accept;
    ip saddr ${formatPrefix(pool4)} oifname != "mbc*" oifname != "${WIREGUARD_DEVICE}" goto leaving
    ip6 saddr ${formatPrefix(pool6)} oifname != "mbc*" oifname != "${WIREGUARD_DEVICE}" goto leaving
  }
`;
}

/** A home as the rules know it. */
export interface RuleClient {
  readonly device: string;
  readonly home4: string;
  readonly home6?: string;
  readonly suspended: boolean;
  /** Of VXLAN: where its packets come from, and under which number. */
  readonly outer?: { readonly address: string; readonly vni: number };
}

/** Lets homes in; one that is in already keeps its counts. */
export function addScript(clients: readonly RuleClient[]): string {
  const four = clients.map(({ home4 }) => home4);
  const six = clients.flatMap(({ home6 }) => home6 ?? []);
  const held = clients.filter(({ suspended }) => suspended);
  return [
    addElements(
      'suspended4',
      held.map(({ home4 }) => home4),
    ),
    addElements(
      'suspended6',
      held.flatMap(({ home6 }) => home6 ?? []),
    ),
    addElements('from4', four) + addElements('to4', four) + addElements('from6', six) + addElements('to6', six),
    addElements(
      'outer',
      clients.flatMap(({ outer }) => (outer ? `${outer.address} . ${outer.vni}` : [])),
    ),
    addElements(
      'clients4',
      clients.map(({ device, home4 }) => `${quoted(device)} . ${home4}`),
    ),
    addElements(
      'clients6',
      clients.flatMap(({ device, home6 }) => (home6 ? `${quoted(device)} . ${home6}` : [])),
    ),
  ].join('');
}

/** The inner addresses of a slot. */
export interface Inner {
  readonly slot: number;
  readonly home4: string;
  readonly home6: string;
}

/** Takes homes out, with their counts, whatever is there of them. `outer` are elements of that set, as it lists them. */
export function removeScript(homes: readonly Inner[], outer: readonly string[]): string {
  const four = homes.map(({ home4 }) => home4);
  const six = homes.map(({ home6 }) => home6);
  const keys = (address: (home: Inner) => string): string[] =>
    homes.flatMap((home) =>
      [clientDevice(home.slot), WIREGUARD_DEVICE].map((name) => `${quoted(name)} . ${address(home)}`),
    );
  return [
    removeAny(
      'clients4',
      keys(({ home4 }) => home4),
    ) +
      removeAny(
        'clients6',
        keys(({ home6 }) => home6),
      ),
    removeElements('outer', outer),
    ...['suspended4', 'from4', 'to4'].map((set) => removeAny(set, four)),
    ...['suspended6', 'from6', 'to6'].map((set) => removeAny(set, six)),
  ].join('');
}

/** Cuts homes off, or lets them go on. */
export function suspendScript(homes: readonly Inner[], suspended: boolean): string {
  const act = suspended ? addElements : removeAny;
  return (
    act(
      'suspended4',
      homes.map(({ home4 }) => home4),
    ) +
    act(
      'suspended6',
      homes.map(({ home6 }) => home6),
    )
  );
}

/** Who is in is exactly who is told afterwards: goes before `addScript`, in the same transaction. Counts stay. */
export function clearScript(): string {
  return ['clients4', 'clients6', 'outer', 'suspended4', 'suspended6']
    .map((set) => `flush set ${CLIENT_TABLE} ${set}\n`)
    .join('');
}

/** The elements of a set as nft lists them, each with the bytes that it counted. */
export function readElements(listing: string): { key: string; bytes: number }[] {
  const from = listing.indexOf('elements = {');
  if (from < 0) return [];
  return listing
    .slice(from + 12, listing.indexOf('}', from))
    .split(',')
    .flatMap((text) => {
      const [, key, bytes] = /^\s*(.+?)(?: counter packets \d+ bytes (\d+))?\s*$/s.exec(text) ?? [];
      return key === undefined ? [] : [{ key, bytes: Number(bytes ?? 0) }];
    });
}

/** The bytes of a counter as nft lists it. */
export function readBytes(listing: string): number {
  return Number(/\bpackets \d+ bytes (\d+)/.exec(listing)?.[1] ?? 0);
}

/** The packets of a counter as nft lists it; `undefined`: it lists none. */
export function readPackets(listing: string): number | undefined {
  const digits = /\bpackets (\d+) bytes \d+/.exec(listing)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
