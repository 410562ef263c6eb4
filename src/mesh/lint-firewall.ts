// What a lint checks in /etc/config/firewall: who in the Yggdrasil network, which is everybody, gets how far.
//
// As fw4 reads it: of several zones with an interface the first counts; `forward` of a zone is about traffic within it; what no
// forwarding and no rule accepts ends at the policy of `defaults`. Rules that are not in this file are not seen.

import {
  familyOf,
  isEnabled,
  itemsOf,
  type LintFacts,
  type Placed,
  type Policy,
  placedSections,
  policyOf,
  textOf,
  wordsOf,
} from './lint-fact.ts';
import type { Findings } from './lint-finding.ts';
import type { LintInterface } from './lint-network.ts';

interface Firewall {
  sections: Map<string, Placed[]>;
  defaults: Placed | undefined;
  input: Policy;
  forward: Policy;
  /** By their names. */
  zones: Map<string, Placed>;
  /** Names of the Yggdrasil interfaces. */
  nodes: ReadonlySet<string>;
  /** netifd's. */
  dump: unknown;
}

/** Ways in that are worth a word when the whole world may try them. */
const LOGINS: readonly [port: number, service: string][] = [
  [22, 'the login (SSH)'],
  [80, 'the web pages (HTTP)'],
  [443, 'the web pages (HTTPS)'],
];
/** In the firewall that OpenWrt ships, whether or not the router has them. */
const SHIPPED_NETWORKS = ['lan', 'wan', 'wan6'];
/** A rule with any other option concerns only a part of the traffic. */
const WIDE_OPTIONS = ['name', 'enabled', 'src', 'dest', 'target', 'proto', 'family', 'log', 'log_limit', 'counter'];

/** Checks the file for each interface. */
export function lintFirewall(facts: LintFacts, interfaces: readonly LintInterface[], findings: Findings): void {
  if (facts.firewall.state === 'absent') {
    for (const { name, section } of interfaces) findings.add('no_firewall', section.place, { interface: name });
    return;
  }
  if (facts.firewall.state !== 'read') return;
  const sections = placedSections('firewall', facts.firewall);
  const defaults = sections.get('defaults')?.[0];
  const zones = sections.get('zone') ?? [];
  const firewall: Firewall = {
    sections,
    defaults,
    input: (defaults && policyOf(defaults, 'input', 'drop')) ?? 'drop',
    forward: (defaults && policyOf(defaults, 'forward', 'drop')) ?? 'drop',
    zones: zonesByName(zones),
    nodes: new Set(interfaces.map(({ name }) => name)),
    dump: facts.dump,
  };
  const finder = new ZoneFinder(zones, facts.dump);
  for (const node of interfaces) {
    lintZone(node, finder, firewall, findings);
    lintListeners(node, firewall, findings);
  }
  lintNames(zones, facts, findings);
}

/** Those that are switched on; of several with one name the first counts. */
function zonesByName(zones: readonly Placed[]): Map<string, Placed> {
  const named = zones.filter((zone) => isEnabled(zone) && textOf(zone, 'name') !== '');
  return new Map(named.reverse().map((zone) => [textOf(zone, 'name'), zone]));
}

/** Which zone an interface is in. */
class ZoneFinder {
  private readonly byNetwork = new Map<string, Placed>();
  private readonly byDevice = new Map<string, Placed>();
  private readonly patterns: [start: string, zone: Placed][] = [];
  /** A zone that tells its traffic by something else: whether an interface is in it cannot be said. */
  readonly isVague: boolean = false;

  constructor(zones: readonly Placed[], dump: unknown) {
    for (const zone of zones.filter((one) => isEnabled(one) !== false)) {
      const networks = [...wordsOf(zone, 'network'), ...networksOf(dump, textOf(zone, 'name'))];
      const devices = wordsOf(zone, 'device');
      if ([...networks, ...devices].some((word) => word.startsWith('!')) || zone.options.has('subnet'))
        this.isVague = true;
      for (const name of networks) if (!this.byNetwork.has(name)) this.byNetwork.set(name, zone);
      for (const name of devices) {
        if (name.endsWith('+')) this.patterns.push([name.slice(0, -1), zone]);
        else if (!this.byDevice.has(name)) this.byDevice.set(name, zone);
      }
    }
  }

  find({ name, section }: LintInterface, zones: ReadonlyMap<string, Placed>): Placed | undefined {
    return (
      this.byNetwork.get(name) ??
      this.byDevice.get(name) ??
      this.patterns.find(([start]) => start !== '' && name.startsWith(start))?.[1] ??
      zones.get(textOf(section, 'zone'))
    );
  }
}

/** Interfaces that say by themselves which zone they are in. */
function networksOf(dump: unknown, zone: string): string[] {
  const list = (dump as { interface?: unknown } | null | undefined)?.interface;
  if (zone === '' || !Array.isArray(list)) return [];
  return list.flatMap((entry: unknown) => {
    const { interface: name, data } = (entry ?? {}) as { interface?: unknown; data?: unknown };
    return typeof name === 'string' && (data as { zone?: unknown } | null | undefined)?.zone === zone ? [name] : [];
  });
}

function lintZone(node: LintInterface, finder: ZoneFinder, firewall: Firewall, findings: Findings): void {
  const { name, section } = node;
  const zone = finder.find(node, firewall.zones);
  const isOpen = firewall.input === 'accept' || firewall.forward === 'accept';
  if (!zone) {
    if (!finder.isVague) findings.add(isOpen ? 'no_zone_open' : 'no_zone', section.place, { interface: name });
    return;
  }
  const told = { interface: name, zone: textOf(zone, 'name'), place: zone.place };
  const broken = brokenOption(zone, firewall);
  if (broken) {
    findings.add('broken_zone', `${zone.place}.${broken}`, { ...told, option: broken });
    return;
  }
  if (familyOf(zone) === 'ipv4') {
    findings.add('ipv4_zone', `${zone.place}.family`, told, isOpen ? { level: 'error' } : {});
    return;
  }
  const rules = rulesFrom(told.zone, firewall);
  const closed = rules.some((rule) => isWide(rule) && targetOf(rule) !== 'accept' && textOf(rule, 'dest') === '');
  const isInput = policyOf(zone, 'input', firewall.input) === 'accept' && !closed;
  if (isInput) findings.add('open_input', `${zone.place}.input`, told);
  if (policyOf(zone, 'forward', firewall.forward) === 'accept') {
    const members = [...wordsOf(zone, 'network'), ...wordsOf(zone, 'device')];
    const others = members.filter((member) => !firewall.nodes.has(member));
    if (others.length > 0)
      findings.add('open_forward', `${zone.place}.forward`, { ...told, others: others.join(', ') });
    else findings.add('loose_forward', `${zone.place}.forward`, told, { canFix: members.length < 2 });
  }
  if (firewall.defaults && firewall.forward === 'accept') {
    const { place } = firewall.defaults;
    const canFix = isSpelledOut(zone, firewall);
    findings.add('open_default_forward', `${place}.forward`, { ...told, place }, { canFix });
  }
  lintForwardings(told, firewall, findings);
  lintRules(told, isInput, rules, findings);
}

/** Whether nothing but this zone may live on what the firewall forwards by default: every other one says what it forwards, or leads out. */
function isSpelledOut(zone: Placed, { sections, zones }: Firewall): boolean {
  const sources = (sections.get('forwarding') ?? []).filter(isEnabled).map((section) => textOf(section, 'src'));
  return [...zones].every(
    ([name, other]) => other.options.has('forward') && (other === zone || isLine(other) || sources.includes(name)),
  );
}

/** An option for which fw4 leaves the zone out. */
function brokenOption(zone: Placed, { input, forward }: Firewall): string | undefined {
  if (isEnabled(zone) === undefined) return 'enabled';
  if (!/^[A-Za-z_.][A-Za-z0-9/_.-]*$/.test(textOf(zone, 'name'))) return 'name';
  if (familyOf(zone) === undefined) return 'family';
  if (policyOf(zone, 'input', input) === undefined) return 'input';
  if (policyOf(zone, 'output', 'accept') === undefined) return 'output';
  return policyOf(zone, 'forward', forward) === undefined ? 'forward' : undefined;
}

interface Told extends Record<string, string> {
  interface: string;
  zone: string;
}

function lintForwardings(told: Told, { sections, zones, dump }: Firewall, findings: Findings): void {
  for (const section of sections.get('forwarding') ?? []) {
    const src = textOf(section, 'src');
    const dest = textOf(section, 'dest');
    const target = zones.get(dest);
    const counts = isEnabled(section) && /^(any|ipv6)$/.test(familyOf(section) ?? '');
    if (!counts || (src !== told.zone && src !== '*') || dest === told.zone || (dest !== '*' && !target)) continue;
    if (target && (familyOf(target) === 'ipv4' || isEmpty(target, dump))) continue;
    const id = target && isLine(target) ? 'open_line' : 'open_forwarding';
    findings.add(id, section.place, { ...told, dest: dest === '*' ? 'every zone' : dest, place: section.place });
  }
}

/** True for a zone that nothing is in. */
function isEmpty(zone: Placed, dump: unknown): boolean {
  const has = ['network', 'device', 'subnet'].some((option) => zone.options.has(option));
  return !has && networksOf(dump, textOf(zone, 'name')).length === 0;
}

/** True for a zone that leads to the Internet. */
function isLine(zone: Placed): boolean {
  return textOf(zone, 'name') === 'wan' || /^(1|on|true|yes)$/.test(textOf(zone, 'masq'));
}

/** The rules that concern what comes from a zone. */
function rulesFrom(zone: string, { sections }: Firewall): Placed[] {
  return (sections.get('rule') ?? []).filter((rule) => {
    const src = textOf(rule, 'src');
    return isEnabled(rule) && (src === zone || src === '*') && /^(any|ipv6)$/.test(familyOf(rule) ?? '');
  });
}

function targetOf(rule: Placed): Policy | undefined {
  return rule.options.has('target') ? policyOf(rule, 'target', 'drop') : undefined;
}

/** Protocols of a rule; `all` for every one. */
function protocolsOf(rule: Placed): string[] {
  const given = wordsOf(rule, 'proto').map((word) => word.toLowerCase());
  const words = given.length > 0 ? given : ['tcpudp'];
  return words.flatMap((word) => {
    if (word === 'tcpudp') return ['tcp', 'udp'];
    if (word === 'any' || word === '*') return ['all'];
    return [word === '6' ? 'tcp' : word === '17' ? 'udp' : word];
  });
}

/** True for a rule that concerns every port and every address. */
function isWide(rule: Placed): boolean {
  const protocols = protocolsOf(rule);
  const most = protocols.includes('all') || (protocols.includes('tcp') && protocols.includes('udp'));
  return most && targetOf(rule) !== undefined && [...rule.options.keys()].every((name) => WIDE_OPTIONS.includes(name));
}

function lintRules(told: Told, isInput: boolean, rules: readonly Placed[], findings: Findings): void {
  for (const rule of rules) {
    const dest = textOf(rule, 'dest');
    if (targetOf(rule) !== 'accept' || dest === told.zone || (dest === '' && isInput)) continue;
    const named = { ...told, rule: textOf(rule, 'name') || rule.place, place: rule.place };
    if (isWide(rule)) {
      findings.add('open_rule', rule.place, named);
      continue;
    }
    const isNarrow = [...rule.options.keys()].some((name) => name !== 'dest_port' && !WIDE_OPTIONS.includes(name));
    if (dest !== '' || isNarrow || !protocolsOf(rule).some((word) => word === 'tcp' || word === 'all')) continue;
    const services = LOGINS.filter(([port]) => hasPort(rule, 'dest_port', port)).map(([, service]) => service);
    if (services.length > 0) findings.add('open_login', rule.place, { ...named, service: services.join(', ') });
  }
}

/** True when one of the ports or ranges (`a-b`, `a:b`) of an option holds `port`. */
function hasPort(rule: Placed, option: string, port: number): boolean {
  return wordsOf(rule, option).some((word) => {
    const range = /^(\d{1,5})(?:[-:](\d{1,5}))?$/.exec(word);
    return range !== null && Number(range[1]) <= port && port <= Number(range[2] ?? range[1]);
  });
}

/** A listen address that the zone wan keeps the Internet from. */
function lintListeners({ name, section }: LintInterface, firewall: Firewall, findings: Findings): void {
  const wan = firewall.zones.get('wan');
  if (!wan || policyOf(wan, 'input', firewall.input) === 'accept') return;
  for (const value of itemsOf(section, 'listen_address')) {
    const parsed = /^(tcp|tls|quic|ws):\/\/(.*):([1-9]\d{0,4})(?:[/?]|$)/i.exec(value);
    // loopback and link-local addresses are not for the Internet
    if (!parsed || /^(127\.|localhost$|\[::1\]$|\[fe80:)/i.test(parsed[2]!)) continue;
    const protocol = parsed[1]!.toLowerCase() === 'quic' ? 'udp' : 'tcp';
    const port = Number(parsed[3]);
    if (port <= 65535 && !isLetIn(protocol, port, firewall))
      findings.add('unreachable_listen', `${section.place}.listen_address`, { interface: name, port, protocol });
  }
}

/** True when any rule or port forwarding, whatever else it asks, lets somebody from wan in at a port. */
function isLetIn(protocol: string, port: number, { sections }: Firewall): boolean {
  const concerns = (rule: Placed) =>
    isEnabled(rule) &&
    /^(wan|\*)$/.test(textOf(rule, 'src')) &&
    protocolsOf(rule).some((word) => word === protocol || word === 'all');
  const rules = (sections.get('rule') ?? []).filter((rule) => concerns(rule) && targetOf(rule) === 'accept');
  if (rules.some((rule) => !rule.options.has('dest_port') || hasPort(rule, 'dest_port', port))) return true;
  const redirects = (sections.get('redirect') ?? []).filter(concerns);
  return redirects.some((rule) => !rule.options.has('src_dport') || hasPort(rule, 'src_dport', port));
}

/** Names of networks that neither the file nor netifd knows. */
function lintNames(zones: readonly Placed[], facts: LintFacts, findings: Findings): void {
  if (facts.network.state !== 'read') return;
  const known = new Set(SHIPPED_NETWORKS);
  for (const { type, name } of facts.network.tree.sections) if (type === 'interface') known.add(name);
  const list = (facts.dump as { interface?: unknown } | null | undefined)?.interface;
  for (const entry of Array.isArray(list) ? list : []) known.add(String(entry?.interface));
  for (const zone of zones) {
    if (isEnabled(zone) === false) continue;
    for (const network of wordsOf(zone, 'network')) {
      if (known.has(network.replace(/^!\s*/, ''))) continue;
      findings.add('missing_network', `${zone.place}.network`, { zone: textOf(zone, 'name'), network });
    }
  }
}
