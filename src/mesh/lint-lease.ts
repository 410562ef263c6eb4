// What a lint checks where the Internet comes through a gateway: who else sends the LAN's packets, past what keeps them from the own line.

import { isEnabled, type LintFacts, OTHER_ROUTERS, type Placed, placedSections, textOf, wordsOf } from './lint-fact.ts';
import type { Findings } from './lint-finding.ts';

const ON = /^(1|on|true|yes)$/;
/** A server of dnsmasq for all names (`/#/` or no domain) on this router itself. Source: dnsmasq(8), --server. */
const LOCAL_SERVER = /^(\/#?\/)?(127(\.\d+){3}|::1|0*(:0*){6}:0*1)(#\d+)?(@.*)?$/;
/** Sections by which each is switched on. */
const SWITCHES = { pbr: 'pbr', mwan3: 'interface' } as const;

/** Checks other programs and the firewall; without a lease that is switched on, nothing. */
export function lintLease(facts: LintFacts, findings: Findings): void {
  const lease = (placedSections('meshbridge', facts.meshbridge).get('lease') ?? []).find(isOn);
  if (!lease) return;
  for (const program of OTHER_ROUTERS) {
    const fact = facts[program];
    const section = fact && placedSections(program, fact).get(SWITCHES[program])?.find(isOn);
    if (section) findings.add('other_routing', `${section.place}.enabled`, { program });
  }
  for (const resolver of facts.dhcp ? (placedSections('dhcp', facts.dhcp).get('dnsmasq') ?? []) : []) {
    const server = wordsOf(resolver, 'server').find((one) => LOCAL_SERVER.test(one));
    if (server !== undefined) findings.add('local_resolver', `${resolver.place}.server`, { server });
  }
  const defaults = placedSections('firewall', facts.firewall).get('defaults')?.[0];
  if (defaults && ON.test(textOf(defaults, 'flow_offloading')))
    findings.add('flow_offload', `${defaults.place}.flow_offloading`);
}

function isOn(section: Placed): boolean {
  return isEnabled(section) === true && ON.test(textOf(section, 'enabled'));
}
