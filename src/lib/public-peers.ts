// Lists of public peers in the form of publicnodes.json: `{"germany.md": {"tls://host:port": {"up": true, "key": "…", …}}}`.
//
// Strangers write into them: what does not fit is passed over, whatever else is said of a peer is not looked at, and nothing is
// believed but where a peer is, which the router then measures itself. Source: github.com/yggdrasil-network/public-peers.

import { errorText, InputError } from '../errors.ts';
import { type PeerUri, parsePeerUri } from './peer-uri.ts';

/** One entry that can be measured by a TCP connection. */
export interface PublicPeer {
  uri: string;
  host: string;
  port: number;
  /** The file that it is listed in, without its ending: `germany`; empty when that is no name. */
  region: string;
  /** 64 hex digits, where the list tells. */
  key?: string;
}

/** Longest list that is kept, in bytes of the form that `formatPublicPeers` makes: rpcd passes 64 KiB. */
export const MAX_KEPT_BYTES = 60_000;
/** Longest text that is read, in characters. */
const MAX_TEXT = 1_000_000;
const MAX_PEERS = 1024;
const MAX_URI = 256;
/** QUIC runs over UDP. What the others are asked for by way of a proxy or a file is not the host. */
const SCHEMES = ['tls', 'tcp', 'wss', 'ws'];

/**
 * The peers of a list that are not marked as down, each once, at most 1024; those that TCP does not reach are left out.
 * @throws InputError (field `list`) when it is no such list.
 */
export function parsePublicPeers(text: string): PublicPeer[] {
  if (text.length > MAX_TEXT) throw refusal(`at most ${MAX_TEXT} characters`, `${text.length}`);
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (cause) {
    throw refusal('the JSON of publicnodes.json', errorText(cause).slice(0, 120));
  }
  if (!isTable(list)) throw refusal('a table of regions', Array.isArray(list) ? 'a list' : typeof list);
  const peers = new Map<string, PublicPeer>();
  for (const [file, entries] of Object.entries(list)) {
    if (!isTable(entries)) continue;
    const region = /^(?:.*\/)?([a-z][a-z_ .-]{1,30}?)(?:\.md)?$/i.exec(file)?.[1] ?? '';
    for (const [uri, facts] of Object.entries(entries)) {
      if (peers.size >= MAX_PEERS) return [...peers.values()];
      const about = isTable(facts) ? facts : {};
      const parsed = about.up === false ? undefined : measurable(uri);
      if (!parsed || peers.has(parsed.identity)) continue;
      const { host = '', port = 0, keys } = parsed;
      const peer: PublicPeer = { uri: parsed.uri, host: host.toLowerCase(), port, region };
      const key = typeof about.key === 'string' ? about.key.toLowerCase() : keys[0];
      if (key !== undefined && /^[0-9a-f]{64}$/.test(key)) peer.key = key;
      peers.set(parsed.identity, peer);
    }
  }
  return [...peers.values()];
}

/** A list as short as it can be said, which `parsePublicPeers` reads. */
export function formatPublicPeers(peers: readonly PublicPeer[]): string {
  const regions: Record<string, Record<string, { key?: string }>> = Object.create(null);
  for (const { uri, region, key } of peers) {
    regions[region] ??= {};
    regions[region][uri] = key === undefined ? {} : { key };
  }
  return JSON.stringify(regions);
}

/** Lower is preferred among the ways to one host: `tls` is encrypted and plain to every network that lets TCP through. */
export function rankOf({ uri }: PublicPeer): number {
  return SCHEMES.indexOf(uri.slice(0, uri.indexOf(':')));
}

/** The host of a peering's address, in lower case; empty when it has none. Any text is taken. */
export function hostOf(uri: string): string {
  const [, v6, host = ''] = /^\w+:\/\/(?:\[([^\]]*)\]|([^:/?]*))/.exec(uri) ?? [];
  return (v6 ?? host).toLowerCase();
}

/**
 * Who runs a host, as far as its name tells: what can be registered of it (`a.example.org` and `b.example.org` are one); of an
 * address its network, /24 or /48.
 */
export function operatorOf(host: string): string {
  if (host.includes(':')) return `${networkOf(host)}::/48`;
  const labels = host.replace(/\.$/, '').split('.');
  if (isIpv4(host)) return `${labels.slice(0, 3).join('.')}.0/24`;
  // under a country, a second label that is short or usual is the country's own: co.uk, com.br
  const [second = '', top = ''] = labels.slice(-2);
  const shared = top.length === 2 && (second.length <= 2 || /^(com|net|org|gov|edu|mil|nom)$/.test(second));
  return labels.slice(shared ? -3 : -2).join('.');
}

/** Whether a numeric address is one of the Internet: not of this machine, of a LAN, or of a provider's inside. */
export function isPublicAddress(address: string): boolean {
  if (!isIpv4(address)) return /^[23][0-9a-f]{3}:/i.test(address);
  const [a = 0, b = 0] = address.split('.').map(Number);
  const inner =
    a === 0 ||
    a === 10 ||
    a === 127 ||
    a > 223 ||
    (a === 100 && b >= 64 && b < 128) ||
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168);
  return !inner;
}

/** Whether a host is an address, so that no name has to be resolved. */
export function isNumeric(host: string): boolean {
  return host.includes(':') || isIpv4(host);
}

function isIpv4(host: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(host);
}

/** The first three groups of an IPv6 address, without leading zeros. */
function networkOf(address: string): string {
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':');
    while (groups.length + after.length < 8) groups.push('0');
  }
  return groups
    .slice(0, 3)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}

function measurable(uri: string): PeerUri | undefined {
  if (uri.length > MAX_URI) return undefined;
  try {
    const parsed = parsePeerUri(uri);
    return SCHEMES.includes(parsed.scheme) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refusal(expected: string, seen: string): InputError {
  return new InputError(`list: expected ${expected}, got ${seen}`, 'list');
}
