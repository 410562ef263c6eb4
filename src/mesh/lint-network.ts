// What a lint checks in /etc/config/network, with netifd's view of the same where it is known.
//
// What Yggdrasil does with each mistake was tried on 0.5.12; how the options reach it is in yggdrasil.sh of OpenWrt's packages feed.

import { errorText } from '../errors.ts';
import { MAX_NODE_INFO, mergeNodeInfo, nodeInfoBytes, nodeInfoTable, OWN_NODE_INFO } from '../lib/node-info.ts';
import { identityOf, redact } from '../lib/peer-text.ts';
import { parsePeerUri } from '../lib/peer-uri.ts';
import { isOn, itemsOf, type LintFacts, type Placed, placedSections, textOf } from './lint-fact.ts';
import type { Findings } from './lint-finding.ts';

/** An interface of protocol yggdrasil that is not switched off, with the sections that go with it. */
export interface LintInterface {
  name: string;
  section: Placed;
  peers: readonly Placed[];
  /** Where neighbours are looked for. */
  multicasts: readonly Placed[];
}

/** What netifd says of one interface. */
interface Netifd {
  proto?: unknown;
  up?: unknown;
  device?: unknown;
  l3_device?: unknown;
  route?: unknown;
  'ipv6-address'?: unknown;
  'ipv6-prefix-assignment'?: unknown;
}

/** `IFNAMSIZ` without the final zero. */
const MAX_DEVICE = 15;

/** Checks the file, and answers the interfaces that were found in it. */
export function lintNetwork(facts: LintFacts, findings: Findings): LintInterface[] {
  const sections = placedSections('network', facts.network);
  const netifd = netifdInterfaces(facts.dump);
  const all = sections.get('interface') ?? [];
  const nodes = all.filter((section) => textOf(section, 'proto') === 'yggdrasil');
  const devices = new Devices(all, sections.get('device') ?? [], netifd);
  const keys = new Map<string, string>();
  const interfaces: LintInterface[] = [];
  for (const section of nodes) {
    const { name } = section;
    if (textOf(section, 'disabled') === '1') {
      findings.add('disabled', `${section.place}.disabled`, { interface: name });
      continue;
    }
    const node: LintInterface = {
      name,
      section,
      peers: sections.get(`yggdrasil_${name}_peer`) ?? [],
      multicasts: sections.get(`yggdrasil_${name}_interface`) ?? [],
    };
    interfaces.push(node);
    lintSection(node, netifd.get(name), findings);
    lintKeys(node, keys, findings);
    lintNodeInfo(node, findings);
    lintPeers(node, devices, findings);
    lintMulticasts(node, devices, findings);
    lintListen(node, findings);
    if (node.peers.length === 0 && !node.multicasts.some(finds) && itemsOf(section, 'listen_address').length === 0)
      findings.add('no_peers', section.place, { interface: name });
  }
  lintOrphans(sections, nodes, findings);
  lintPrefixes(netifd, findings);
  return interfaces;
}

function lintSection({ name, section }: LintInterface, netifd: Netifd | undefined, findings: Findings): void {
  if (name.length > MAX_DEVICE) findings.add('long_name', section.place, { interface: name, length: name.length });
  if (/^(0|false)$/.test(textOf(section, 'auto')))
    findings.add('no_autostart', `${section.place}.auto`, { interface: name });
  if (netifd?.proto === 'none') findings.add('no_protocol', `${section.place}.proto`, { interface: name });
}

function lintKeys({ name, section }: LintInterface, known: Map<string, string>, findings: Findings): void {
  const place = `${section.place}.private_key`;
  const key = textOf(section, 'private_key').toLowerCase();
  if (key === '') findings.add('empty_private_key', place, { interface: name });
  else if (key === 'auto') return;
  else if (!/^[0-9a-f]{128}$/.test(key))
    findings.add('bad_private_key', place, { interface: name, length: key.length });
  else {
    const other = known.get(key);
    if (other !== undefined) findings.add('duplicate_private_key', place, { interface: name, other });
    known.set(key, other ?? name);
    const noted = textOf(section, 'public_key').toLowerCase();
    if (noted !== '' && noted !== key.slice(64))
      findings.add('public_key_mismatch', `${section.place}.public_key`, { interface: name });
  }
}

function lintNodeInfo({ name, section }: LintInterface, findings: Findings): void {
  const text = textOf(section, 'node_info');
  if (text === '') return;
  const place = `${section.place}.node_info`;
  const told = { interface: name };
  // what the shell takes for the end of a word
  if (/[ \t\n]/.test(text)) findings.add('dropped_node_info', place, told, { canFix: canCompact(text) });
  // & always breaks the text, a backslash only sometimes
  if (text.includes('&'))
    findings.add('mangled_node_info', place, { ...told, mark: 'an ampersand' }, { level: 'error' });
  else if (text.includes('\\')) findings.add('mangled_node_info', place, { ...told, mark: 'a backslash' });
  const table = nodeInfoTable(text);
  if (typeof table === 'string') findings.add('bad_node_info', place, { ...told, problem: table });
  else if (table) {
    const bytes = nodeInfoBytes(table) + (isOn(section, 'node_info_privacy') ? 0 : OWN_NODE_INFO);
    if (bytes > MAX_NODE_INFO) findings.add('large_node_info', place, { ...told, bytes });
  }
}

/** Whether it can be written without blanks. */
function canCompact(text: string): boolean {
  try {
    return mergeNodeInfo(text) !== '';
  } catch {
    return false;
  }
}

function lintPeers({ name, peers }: LintInterface, devices: Devices, findings: Findings): void {
  const seen = new Set<string>();
  for (const peer of peers) {
    const address = textOf(peer, 'address');
    const device = textOf(peer, 'interface');
    const place = `${peer.place}.address`;
    const problem = peerProblem(address);
    if (problem) findings.add(problem.id, place, { interface: name, problem: problem.text });
    const identity = `${identityOf(address)} ${device}`;
    if (seen.has(identity))
      findings.add('duplicate_peer', place, { interface: name, place: peer.place, peer: placeOf(address) });
    seen.add(identity);
    devices.lint(device, name, `${peer.place}.interface`, findings);
  }
}

/** What Yggdrasil passes over without harm; it is refused only where people write new peers. */
const HARMLESS =
  /^(path: expected none|user: |expected no #|option: |sni: |origin: |\w+: expected once|\w+: expected \w+=value)/;

function peerProblem(address: string): { id: 'bad_peer' | 'odd_peer'; text: string } | undefined {
  try {
    parsePeerUri(address);
    return undefined;
  } catch (error) {
    const text = errorText(error)
      .replace(/^uri: /, '')
      .replaceAll('"', '');
    // these have a usual port
    if (/^wss?:/i.test(address) && /^host port: .*got none$/.test(text)) return undefined;
    return { id: HARMLESS.test(text) ? 'odd_peer' : 'bad_peer', text };
  }
}

/** Scheme, host and port of a URI that may be none: nothing behind them, and nothing that may be a user. */
function placeOf(uri: string): string {
  return uri.includes('@') ? '…' : /^[^\s?&;=#]*/.exec(redact(uri))![0];
}

function lintMulticasts({ name, multicasts }: LintInterface, devices: Devices, findings: Findings): void {
  for (const rule of multicasts) {
    const { place } = rule;
    const told = { interface: name, place };
    const names = itemsOf(rule, 'interface');
    lintList(rule, 'interface', name, findings);
    if (!isOn(rule, 'beacon') && !isOn(rule, 'listen')) findings.add('idle_multicast', place, told);
    if (!rule.options.has('interface') || (names.length > 0 && names.every((text) => text === '')))
      findings.add('multicast_nowhere', `${place}.interface`, told);
    for (const value of names) {
      if (!isPattern(value)) findings.add('bad_multicast_pattern', `${place}.interface`, { ...told, value });
      devices.lint(value, name, `${place}.interface`, findings);
    }
    const port = Number.parseInt(textOf(rule, 'port'), 10);
    if (port < 0 || port > 65535) findings.add('bad_multicast_port', `${place}.port`, { ...told, value: port });
    if (/\s/.test(textOf(rule, 'password'))) findings.add('dropped_password', `${place}.password`, told);
  }
}

/** True for a multicast rule that can find somebody. */
function finds(rule: Placed): boolean {
  return itemsOf(rule, 'interface').some((name) => name !== '') && (isOn(rule, 'beacon') || isOn(rule, 'listen'));
}

/** False for what neither Go nor this engine takes for a pattern; `(?` begins what only one of them knows. */
function isPattern(text: string): boolean {
  if (text.includes('(?')) return true;
  try {
    new RegExp(`^(${text})$`);
    return true;
  } catch {
    return false;
  }
}

function lintListen({ name, section }: LintInterface, findings: Findings): void {
  const { place } = section;
  lintList(section, 'listen_address', name, findings);
  lintList(section, 'allowed_public_key', name, findings);
  const listens = itemsOf(section, 'listen_address');
  for (const value of listens)
    if (!isListenAddress(value))
      findings.add('bad_listen', `${place}.listen_address`, { interface: name, value: placeOf(value) });
  const keys = itemsOf(section, 'allowed_public_key');
  for (const key of keys)
    if (!/^[0-9a-f]{64}$/i.test(key))
      findings.add('bad_allowed_key', `${place}.allowed_public_key`, { interface: name, length: key.length });
  if (keys.length > 0 && listens.length === 0)
    findings.add('idle_allowed_keys', `${place}.allowed_public_key`, { interface: name });
}

function isListenAddress(text: string): boolean {
  if (/^unix:\/\/\/?[^\s?]+$/i.test(text)) return true;
  const parsed =
    /^(?:tcp|tls|quic|ws):\/\/(?:\[[0-9a-f:.]*(?:%[^\s\]]+)?\]|[^\s[\]/?#:]*):(\d{1,5})(?:\/[^\s?]*)?(?:\?\S*)?$/i.exec(
      text,
    );
  return parsed !== null && Number(parsed[1]) <= 65535;
}

/** An option that ought to be a list, which the handler does not see; where it chooses who may connect, everybody may. */
function lintList(section: Placed, option: string, name: string, findings: Findings): void {
  const value = section.options.get(option)?.value;
  if (typeof value !== 'string') return;
  const told = { interface: name, place: section.place, option };
  const extra = option === 'allowed_public_key' ? ({ level: 'error' } as const) : {};
  findings.add('option_for_list', `${section.place}.${option}`, told, extra);
}

function lintOrphans(sections: Map<string, Placed[]>, nodes: readonly Placed[], findings: Findings): void {
  const types = new Set(nodes.flatMap(({ name }) => [`yggdrasil_${name}_peer`, `yggdrasil_${name}_interface`]));
  for (const [type, same] of sections) {
    if (!type.startsWith('yggdrasil_') || types.has(type)) continue;
    for (const { place } of same) findings.add('orphan_section', place, { type, place });
  }
}

/** Which names are devices, and which are interfaces. LuCI's page writes an interface where a peer wants a device. */
class Devices {
  private readonly devices = new Set<string>();
  /** Device of each interface where it is known. */
  private readonly byInterface = new Map<string, string>();

  constructor(interfaces: readonly Placed[], devices: readonly Placed[], netifd: ReadonlyMap<string, Netifd>) {
    for (const section of interfaces) this.learn(section.name, textOf(section, 'device') || textOf(section, 'ifname'));
    for (const section of devices) this.devices.add(textOf(section, 'name'));
    for (const [name, { device, l3_device }] of netifd) {
      this.learn(name, device);
      this.learn(name, l3_device);
    }
  }

  private learn(name: string, device: unknown): void {
    // `@lan` is the device of another interface, whatever that is
    if (typeof device !== 'string' || device === '' || device.startsWith('@')) return;
    this.devices.add(device);
    this.byInterface.set(name, device);
  }

  lint(value: string, name: string, place: string, findings: Findings): void {
    const device = this.byInterface.get(value);
    if (device === undefined || this.devices.has(value)) return;
    findings.add('logical_device', place, { interface: name, value, device, place });
  }
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'object' && entry !== null) : [];
}

function netifdInterfaces(dump: unknown): Map<string, Netifd> {
  const interfaces = new Map<string, Netifd>();
  for (const entry of listOf((dump as { interface?: unknown } | null | undefined)?.interface))
    if (typeof entry.interface === 'string') interfaces.set(entry.interface, entry);
  return interfaces;
}

/** Addresses of nodes begin with 02, those of the devices behind them with 03. */
function isMeshPrefix({ address }: Record<string, unknown>): boolean {
  return typeof address === 'string' && /^0?3[0-9a-f]{2}:/i.test(address);
}

function isGlobal({ address }: Record<string, unknown>): boolean {
  return typeof address === 'string' && /^[23][0-9a-f]{3}:/i.test(address);
}

function lintPrefixes(netifd: ReadonlyMap<string, Netifd>, findings: Findings): void {
  // a route in a table of its own belongs to a policy, which knows what it does
  const isDefault = ({ target, mask, table }: Record<string, unknown>) =>
    target === '::' && mask === 0 && table === undefined;
  const others = [...netifd].filter(([, { proto, up }]) => proto !== 'yggdrasil' && up === true);
  if (!others.some(([, { route }]) => listOf(route).some(isDefault))) return;
  for (const [name, entry] of others) {
    const addresses = [...listOf(entry['ipv6-prefix-assignment']), ...listOf(entry['ipv6-address'])];
    const mesh = addresses.find(isMeshPrefix);
    if (!mesh) continue;
    // devices that have an address of the line as well prefer it towards the Internet (RFC 6724, rule 8)
    const extra = addresses.some(isGlobal) ? ({ level: 'note' } as const) : {};
    const prefix = typeof mesh.mask === 'number' ? `${mesh.address}/${mesh.mask}` : String(mesh.address);
    findings.add('lan_mesh_prefix', `network.${name}.ip6class`, { interface: name, prefix }, extra);
  }
}
