// What a home writes into /etc/config when it is kept: own sections of network and firewall, so that the machine starts with it, whatever
// becomes of the daemon. Pure texts.

import type { Slot } from '../../mesh/tunnel.ts';
import { type TunnelDevice, vxlanMac } from '../device.ts';
import { HOME_ROUTES, innerOf, nextHop, wantedRoutes, wantedRules } from '../home-route.ts';
import { type HomeFacts, tunnelsOf } from '../home-rules.ts';
import { FAMILIES, type Family } from '../ip.ts';
import type { InterfaceOptions } from './netifd.ts';
import { handlerOf, innerOptions, interfaceNames, tunnelOptions } from './tunnel-interface.ts';

/** A section of ours. */
export interface OwnSection {
  readonly type: string;
  readonly name: string;
  readonly options: Readonly<Record<string, string | readonly string[]>>;
}

/** Whether a section is one of ours: by its name alone. */
export function isOwnName(name: string): boolean {
  return /^mb_|^mbt[01]a?$/.test(name);
}

/** The interfaces of one tunnel; none of a kind that netifd does not make. */
export function tunnelSections(slot: Slot, device: TunnelDevice): OwnSection[] {
  if (!handlerOf(device.kind)) return [];
  const { tunnel, inner } = interfaceNames(slot);
  const neighbours = device.kind === 'vxlan' ? device.neighbours : [];
  return [
    { type: 'interface', name: tunnel, options: toUci(tunnelOptions(device)) },
    { type: 'interface', name: inner, options: toUci(innerOptions(slot, device)) },
    // nobody asks for them: they follow from the tunnel's number
    ...neighbours.map((ipaddr, at) => ({
      type: 'neighbor',
      name: `mb_neighbour${slot}${at}`,
      options: { interface: inner, ipaddr, mac: vxlanMac('gateway', device.vni!) },
    })),
  ];
}

/**
 * Rules and routes as `home-route.ts` wants them, at the same places and with the same words, so that whoever compares finds nothing to do.
 * @param networkOf the interface of OpenWrt that a device of the LAN belongs to; `undefined`: of none, so it has to do without.
 */
export function routingSections(facts: HomeFacts, networkOf: (device: string) => string | undefined): OwnSection[] {
  return FAMILIES.flatMap((family) => {
    const six = family === 6 ? '6' : '';
    const rules = wantedRules(facts, family).flatMap((rule): OwnSection[] => {
      const network = rule.iif === undefined ? undefined : networkOf(rule.iif);
      // that of an inner address is only for looking at a tunnel, and the daemon's; a mark is nftables', who sets it
      if (rule.from !== undefined || (rule.iif !== undefined && network === undefined)) return [];
      const options = {
        priority: String(rule.priority),
        lookup: rule.table,
        ...(network !== undefined && { in: network }),
        ...(rule.suppress !== undefined && { suppress_prefixlength: String(rule.suppress) }),
        ...(rule.mark !== undefined && { mark: rule.mark }),
      };
      return [{ type: `rule${six}`, name: `mb_rule${family}_${rule.priority}`, options }];
    });
    return [...rules, ...routeSections(facts, family)];
  });
}

function routeSections(facts: HomeFacts, family: Family): OwnSection[] {
  const used = tunnelsOf(facts).find(({ slot }) => slot === facts.used);
  const six = family === 6 ? '6' : '';
  const target = family === 4 ? '0.0.0.0/0' : '::/0';
  return wantedRoutes(facts, family, HOME_ROUTES).flatMap(({ type, metric }): OwnSection[] => {
    const common = { target, table: String(HOME_ROUTES), metric: String(metric) };
    // the loopback interface is always there, and nothing else is needed of it
    if (type !== undefined)
      return [{ type: `route${six}`, name: `mb_last${family}`, options: { interface: 'loopback', type, ...common } }];
    if (!used || !handlerOf(used.terms.kind) || innerOf(used.terms, family) === undefined) return [];
    const via = used.terms.kind === 'vxlan' ? { gateway: nextHop(used.terms, family), onlink: '1' } : {};
    const { inner } = interfaceNames(used.slot);
    return [{ type: `route${six}`, name: `mb_default${family}`, options: { interface: inner, ...common, ...via } }];
  });
}

/** What fw4 has to let pass, by name: it judges after our own table, which lets only the LAN in, and what belongs to flows back. */
export function acceptRules(facts: HomeFacts): { readonly name: string; readonly options: Record<string, string> }[] {
  return tunnelsOf(facts).flatMap(({ slot, device, terms }) => [
    {
      name: `mb_pass${slot}`,
      options: { src: '*', dest: '*', proto: 'all', device, direction: 'out', target: 'ACCEPT' },
    },
    {
      name: `mb_outer${slot}`,
      // VXLAN's ports differ by direction: answers belong to no flow
      options: { src: '*', family: 'ipv6', src_ip: terms.outer, ...outerWords(terms), target: 'ACCEPT' },
    },
  ]);
}

function outerWords({ kind, port }: { kind: string; port?: number }): Record<string, string> {
  if (kind === 'gre6') return { proto: '47' };
  return kind === 'vxlan' ? { proto: 'udp', dest_port: String(port) } : { proto: 'udp', src_port: String(port) };
}

function toUci(options: InterfaceOptions): OwnSection['options'] {
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [
      key,
      typeof value === 'boolean' ? String(Number(value)) : typeof value === 'number' ? String(value) : value,
    ]),
  );
}
