// The rules of nftables of a home: what keeps the LAN's packets from the own line, whatever becomes of routes and of the daemon.
//
// The kill switch stands in a table of its own before other people's firewalls: what it drops is dropped, what it lets pass they judge.
// Routes alone do not do: netifd removes and adds its rules of routing at every reload, and what the router itself refuses with (RST, ICMP,
// with the refused destination in it) leaves by the default route while the LAN is down.

import type { Terms } from '../api/lease.ts';
import type { Slot } from '../mesh/tunnel.ts';
import { nftSet, quoted } from './nft.ts';

/** Their table. */
export const HOME_TABLE = 'inet meshbridge';
/** On packets of devices that keep the own line; routing knows no MAC addresses. No packet of others has it from us. */
export const BYPASS_MARK = '0x40000000';
/** Who connects there is refused by our table with another word than by the kernel: so anybody sees, without any right, that it stands. */
export const CANARY = { host: '127.43.0.1', port: 430 } as const;

/** Headers of TCP and IP, which an MSS leaves out. */
const HEADERS = { ipv4: 40, ipv6: 60 } as const;
const PRIORITY = 'priority filter - 5; policy accept;';

/** Name of a home's tunnel device. */
export function homeDevice(slot: Slot): string {
  return `mbt${slot}`;
}

/** Names that it may have: netifd names those of GRE itself. */
export function homeDevices(slot: Slot): string[] {
  return [homeDevice(slot), `gre6-${homeDevice(slot)}`];
}

/** What rules and routes of a home follow from. */
export interface HomeFacts {
  /** Devices whose traffic goes through the gateway. */
  readonly lan: readonly string[];
  /** Prefixes that those devices have, or had. */
  readonly prefixes: readonly string[];
  /** Devices of Yggdrasil. */
  readonly mesh: readonly string[];
  /** Tunnels that are there, by slot. */
  readonly tunnels: readonly (Terms | undefined)[];
  /** The tunnel that the LAN's packets take. */
  readonly used: Slot | undefined;
  /** Whether the LAN is kept from the own line. */
  readonly blocked: boolean;
  /** MAC addresses, addresses and prefixes that keep the own line. */
  readonly bypass: readonly string[];
  /** Number of the user as whom the LAN's resolver asks others; absent: there is none. */
  readonly resolverUid?: number;
  /** What carries a tunnel; default: `mbt0` and `mbt1`. */
  deviceOf?(slot: Slot): string;
}

/** The tunnels that are there. */
export function tunnelsOf({
  tunnels,
  deviceOf = homeDevice,
}: HomeFacts): { slot: Slot; device: string; terms: Terms }[] {
  return ([0, 1] as const).flatMap((slot) => {
    const terms = tunnels[slot];
    return terms ? [{ slot, device: deviceOf(slot), terms }] : [];
  });
}

/** The body of the table; `undefined`: nothing is to be kept. */
export function homeRules(facts: HomeFacts): string | undefined {
  const tunnels = tunnelsOf(facts);
  if (!facts.blocked && tunnels.length === 0) return undefined;
  const lan = nftSet(facts.lan.map(quoted));
  const devices = tunnels.map(({ device }) => quoted(device));
  const inside = nftSet([...facts.lan.map(quoted), ...facts.mesh.map(quoted), ...devices, '"lo"'])!;
  const chains: Record<string, string[]> = { forward: [], input: [], output: [] };
  const { forward, input, output } = chains as Record<'forward' | 'input' | 'output', string[]>;

  if (tunnels.length > 0) {
    // a gateway answers, it begins nothing
    const begun = `iifname ${nftSet(devices)} ct state != { established, related } counter drop`;
    // while the LAN is down, answers to it would follow the default route
    forward.push(begun, `iifname ${nftSet(devices)} oifname != ${lan ?? '"lo"'} counter drop`);
    input.push(begun, ...tunnels.flatMap(({ terms }) => outerChecks(terms)));
    for (const { device, terms } of tunnels)
      for (const way of ['iifname', 'oifname'])
        for (const [family, headers] of Object.entries(HEADERS))
          forward.push(
            `${way} "${device}" meta nfproto ${family} tcp flags syn tcp option maxseg size set ${terms.mtu - headers}`,
          );
    chains.translate = [
      'type nat hook postrouting priority srcnat; policy accept;',
      ...tunnels.map(({ device }) => `oifname "${device}" masquerade`),
    ];
  }
  if (lan) {
    forward.push(...tunnels.flatMap(({ device, terms }) => resets(lan, device, terms)));
    if (facts.blocked) Object.assign(chains, killSwitch(facts, lan, inside));
  }
  if (facts.blocked) {
    if (lan) forward.push(`iifname ${lan} jump from_lan`);
    output.push(
      `ip daddr ${CANARY.host} tcp dport ${CANARY.port} reject with icmp admin-prohibited`,
      `oifname != ${inside} jump by_line`,
    );
    chains.by_line = byLine(facts);
  }
  for (const hook of ['forward', 'input', 'output'] as const) {
    const rules = chains[hook]!;
    if (rules.length === 0) delete chains[hook];
    else rules.unshift(`type filter hook ${hook} ${PRIORITY}`);
  }
  // who is jumped to comes first
  const names = Object.keys(chains).sort((a, b) => rank(a) - rank(b));
  return names
    .map((name) => `\tchain ${name} {\n${chains[name]!.map((rule) => `\t\t${rule}\n`).join('')}\t}\n`)
    .join('');
}

function rank(chain: string): number {
  return ['from_lan', 'by_line'].includes(chain) ? 0 : 1;
}

/** VXLAN does not look where its packets come from. */
function outerChecks({ kind, outer, port, vni }: Terms): string[] {
  if (kind !== 'vxlan') return [];
  const number = `udp dport ${port} @th,96,24 ${vni}`;
  return [`${number} ip6 saddr != ${outer} counter drop`, `meta nfproto ipv4 ${number} counter drop`];
}

/**
 * Flows that went another way before: whoever answers them knows nothing of this one. TCP is reset with its next packet; other flows are
 * forgotten by the kernel's masquerading when their way is another one, and go on after one lost packet.
 */
function resets(lan: string, device: string, { home4, home6 }: Terms): string[] {
  return (
    [
      ['ip', home4],
      ['ip6', home6],
    ] as const
  ).flatMap(([family, home]) => {
    if (home === undefined) return [];
    const old = (way: string, is: string): string =>
      `iifname ${lan} oifname ${way}"${device}" ct state established ct reply ${family} daddr ${is}${home} meta l4proto tcp reject with tcp reset`;
    return [old('', '!= '), old('!= ', '')];
  });
}

function killSwitch(facts: HomeFacts, lan: string, inside: string): Record<string, string[]> {
  const { bypass } = facts;
  const spared = bypass.length > 0 ? [`meta mark and ${BYPASS_MARK} == ${BYPASS_MARK} return`] : [];
  const chains: Record<string, string[]> = {
    from_lan: [
      ...spared,
      `oifname ${inside} return`,
      'meta l4proto tcp counter reject with tcp reset',
      'counter reject with icmpx admin-prohibited',
    ],
  };
  if (spared.length > 0)
    chains.exempt = [
      'type filter hook prerouting priority mangle; policy accept;',
      ...[
        ['ether', bypass.filter((one) => /^..(:..){5}$/.test(one))] as const,
        ['ip', bypass.filter((one) => !one.includes(':'))] as const,
        ['ip6', bypass.filter((one) => one.includes(':') && !/^..(:..){5}$/.test(one))] as const,
      ].flatMap(([family, from]) =>
        from.length > 0
          ? [`iifname ${lan} ${family} saddr ${nftSet(from)} meta mark set meta mark or ${BYPASS_MARK}`]
          : [],
      ),
    ];
  // where no tunnel is used, packets meet an unreachable route: of that TCP only hears when it gives up
  const { home4, home6 } = (facts.used === undefined ? undefined : facts.tunnels[facts.used]) ?? {};
  const idle = [...(home4 === undefined ? ['ipv4'] : []), ...(home6 === undefined ? ['ipv6'] : [])];
  if (idle.length > 0)
    chains.refuse = [
      `type filter hook prerouting ${PRIORITY}`,
      ...spared,
      `iifname ${lan} meta nfproto ${nftSet(idle)} meta l4proto tcp fib daddr type unicast fib daddr oifname != ${inside} counter reject with tcp reset`,
    ];
  return chains;
}

/** What this machine itself says to a line because of the LAN. */
function byLine({ prefixes, resolverUid }: HomeFacts): string[] {
  const [six, four] = [true, false].map((is) => nftSet(prefixes.filter((prefix) => prefix.includes(':') === is)));
  return [
    // resets in the name of others
    'fib saddr type != local counter drop',
    // refusals, which quote what was refused; that of a closed port and of a size are about this machine's own
    'icmp type destination-unreachable icmp code { net-unreachable, host-unreachable, admin-prohibited } counter drop',
    'icmpv6 type destination-unreachable icmpv6 code { no-route, admin-prohibited, addr-unreachable, policy-fail, reject-route } counter drop',
    // while Yggdrasil is down, what a tunnel carries would leave by the line, as it is
    'ip6 daddr 200::/7 counter drop',
    // answers to the LAN while it is down
    ...(four ? [`ip daddr ${four} counter drop`] : []),
    ...(six ? [`ip6 daddr ${six} counter drop`] : []),
    // what the LAN's resolver asks others
    ...(resolverUid === undefined
      ? []
      : [`meta skuid ${resolverUid} meta l4proto { tcp, udp } th dport { 53, 853 } counter drop`]),
  ];
}
