// What homes and gateways say to each other, read from JSON that strangers wrote: field by field, each with its bounds.

import { REPORT_STATES } from '../api/client-object.ts';
import {
  ADMISSIONS,
  AT_QUOTA,
  type Drain,
  type GatewayInfo,
  type Grant,
  type HomeReport,
  type InfoLimits,
  type LeaseQuota,
  type LeaseRequest,
  PERSONAL,
  PROTOCOL,
  REFUSALS,
  type Refusal,
  type Terms,
  TUNNEL_KINDS,
  VOLUME_STATES,
  type Waiting,
} from '../api/lease.ts';
import { formatIp, inPrefix, parseIp, parsePrefix } from '../lib/ip.ts';
import { JsonFields, knownWords } from '../lib/json-field.ts';
import { nodeAddress } from '../lib/yggdrasil-address.ts';
import { readLimits } from './client-limit.ts';
import { MAX_STATEMENT } from './logging-statement.ts';

/** Characters of a text. */
export const MAX_TEXT = 256;
/** Items of a list. */
const MAX_ITEMS = 16;
const MOST = 2 ** 31 - 1;
const DAY_S = 86_400;
/** MTU of a Yggdrasil. */
const MESH_MTU = { least: 1280, most: 65_535 } as const;
const KEY = /^[0-9a-f]{64}$/i;
/** A public key of WireGuard. */
export const WIREGUARD_KEY = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;
const TARGET = /^(\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\]):\d{1,5}$/i;

/** What a registrar answered to who asked for a lease. */
export type LeaseAnswer =
  | { readonly kind: 'granted'; readonly grant: Grant }
  | { readonly kind: 'waiting'; readonly waiting: Waiting }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

const kindsOf = (fields: JsonFields): Terms['kind'][] => [
  ...new Set(fields.list('kinds', MAX_ITEMS, knownWords(TUNNEL_KINDS))),
];
const text = (item: unknown): string | undefined => (typeof item === 'string' ? item : undefined);

/** Never inside a tunnel: nothing, this machine, one link, many at once, the mesh. */
const ELSEWHERE = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/3',
  '::/64',
  'fe80::/10',
  'ff00::/8',
  '200::/7',
].map((prefix) => parsePrefix(prefix)!);

/** An address that a tunnel may have inside. */
export function innerIp(text: string, version: 4 | 6): string | undefined {
  const bytes = parseIp(text);
  if (!bytes || (bytes.length === 4) !== (version === 4)) return undefined;
  return ELSEWHERE.some((prefix) => inPrefix(bytes, prefix)) ? undefined : formatIp(bytes);
}

function addressesOf(fields: JsonFields, name: string): string[] {
  return fields.list(name, MAX_ITEMS, (item) => innerIp(text(item) ?? '', 4) ?? innerIp(text(item) ?? '', 6));
}

function drainOf(fields: JsonFields): { drain?: Drain } {
  if (!fields.has('drain')) return {};
  const drain = fields.fields('drain');
  return { drain: { in_s: drain.whole('in_s', 0, DAY_S), reason: drain.text('reason', MAX_TEXT, '') } };
}

const atQuotaOf = (fields: JsonFields): InfoLimits['at_quota'] =>
  knownWords(AT_QUOTA)(fields.text('at_quota', MAX_TEXT, '')) ?? 'stop';

function infoLimitsOf(fields: JsonFields): { limits?: InfoLimits } {
  const { limits } = readLimits(fields);
  if (!limits) return {};
  const more = fields.fields('limits');
  return { limits: { ...limits, at_quota: atQuotaOf(more), slow_kbits: more.whole('slow_kbits', 0, MOST, 0) } };
}

function quotaOf(fields: JsonFields): LeaseQuota {
  const count = (name: string): number => fields.whole(name, 0, Number.MAX_SAFE_INTEGER);
  return {
    bytes: count('bytes'),
    used_bytes: count('used_bytes'),
    // a word of times to come says nothing bad
    state: knownWords(VOLUME_STATES)(fields.text('state', MAX_TEXT, '')) ?? 'ok',
    at_quota: atQuotaOf(fields),
  };
}

/** What a gateway tells of itself. @throws WireError */
export function readInfo(json: unknown): GatewayInfo {
  const fields = new JsonFields('info', json);
  const say = (name: string): string => fields.text(name, MAX_TEXT, '');
  return {
    protocol: fields.whole('protocol', PROTOCOL, MOST),
    software: say('software'),
    key: fields.match('key', KEY, 'a key').toLowerCase(),
    address: fields.read('address', nodeAddress, 'an address of a node'),
    name: say('name'),
    operator: say('operator'),
    place: say('place'),
    country: fields.has('country') ? fields.match('country', /^([A-Z]{2})?$/, 'two letters') : '',
    website: say('website'),
    abuse_contact: say('abuse_contact'),
    logging: fields.text('logging', MAX_STATEMENT, ''),
    ask: say('ask'),
    // a word of times to come means that somebody decides
    admission: knownWords(ADMISSIONS)(say('admission')) ?? 'ask',
    asks_for: fields.list('asks_for', MAX_ITEMS, knownWords(PERSONAL)),
    kinds: kindsOf(fields),
    mesh_mtu: fields.whole('mesh_mtu', MESH_MTU.least, MESH_MTU.most),
    ipv4: fields.flag('ipv4', true),
    ipv6: fields.flag('ipv6', false),
    dns: addressesOf(fields, 'dns'),
    online: fields.flag('online', true),
    clients: fields.whole('clients', 0, MOST, 0),
    max_clients: fields.whole('max_clients', 0, MOST, 0),
    load_percent: Math.min(100, fields.whole('load_percent', 0, MOST, 0)),
    lease_s: fields.whole('lease_s', 60, DAY_S),
    blocked_ports: fields.list('blocked_ports', 64, (item) =>
      Number.isInteger(item) && (item as number) > 0 && (item as number) < 65_536 ? (item as number) : undefined,
    ),
    check: fields.list('check', MAX_ITEMS, (item) => (TARGET.test(text(item) ?? '') ? (item as string) : undefined)),
    ...drainOf(fields),
    ...infoLimitsOf(fields),
  };
}

/** What both ends set their tunnel up by. @throws WireError also when it names no address of IPv4 or IPv6 for the home. */
export function readTerms(fields: JsonFields): Terms {
  const terms: Terms = {
    kind: fields.read('kind', knownWords(TUNNEL_KINDS), `one of ${TUNNEL_KINDS.join(', ')}`),
    outer: fields.read('outer', nodeAddress, 'an address of a node'),
    mtu: fields.whole('mtu', 576, MESH_MTU.most),
    dns: addressesOf(fields, 'dns'),
  };
  for (const name of ['home4', 'gateway4'] as const)
    if (fields.has(name)) terms[name] = fields.read(name, (text) => innerIp(text, 4), 'an IPv4 address');
  for (const name of ['home6', 'gateway6'] as const)
    if (fields.has(name)) terms[name] = fields.read(name, (text) => innerIp(text, 6), 'an IPv6 address');
  if (terms.home4 === undefined && terms.home6 === undefined) throw fields.fault('home4', 'an address');
  if (terms.kind === 'vxlan') terms.vni = fields.whole('vni', 1, 0xffffff);
  if (terms.kind !== 'gre6') terms.port = fields.whole('port', 1, 65_535);
  if (terms.kind === 'wireguard') terms.wireguard_key = fields.match('wireguard_key', WIREGUARD_KEY, 'a key');
  return terms;
}

/** What a registrar answered. @throws WireError */
export function readAnswer(status: number, json: unknown): LeaseAnswer {
  const fields = new JsonFields('answer', json);
  if (status === 200) {
    const grant: Grant = {
      state: 'active',
      generation: fields.whole('generation', 0, MOST),
      lease_s: fields.whole('lease_s', 0, DAY_S),
      terms: readTerms(fields.fields('terms')),
      online: fields.flag('online', true),
      ...drainOf(fields),
      ...readLimits(fields),
    };
    if (fields.has('quota')) grant.quota = quotaOf(fields.fields('quota'));
    if (fields.has('held')) grant.held = fields.flag('held');
    if (fields.has('report')) grant.report = readHomeReport(fields.fields('report'));
    if (fields.has('access_left_s')) grant.access_left_s = fields.whole('access_left_s', 0, MOST);
    if (fields.has('use')) {
      const use = fields.fields('use');
      const count = (name: string): number => use.whole(name, 0, Number.MAX_SAFE_INTEGER);
      grant.use = { rx_bytes: count('rx_bytes'), tx_bytes: count('tx_bytes'), since_s: count('since_s') };
    }
    return { kind: 'granted', grant };
  }
  if (status === 202) {
    const place = fields.whole('place', 1, MOST, 1);
    const waiting: Waiting = {
      state: 'waiting',
      place,
      waiting: Math.max(place, fields.whole('waiting', 1, MOST, 1)),
      retry_after_s: fields.whole('retry_after_s', 0, MOST, 60),
      ask: fields.text('ask', MAX_TEXT, ''),
    };
    return { kind: 'waiting', waiting };
  }
  return { kind: 'refused', refusal: readRefusal(fields) };
}

function readHomeReport(fields: JsonFields): HomeReport {
  return {
    reason: fields.text('reason', MAX_TEXT),
    // a state of times to come is not decided, so far as is known here
    state: knownWords(REPORT_STATES)(fields.text('state', MAX_TEXT)) ?? 'open',
    ...(fields.has('note') && { note: fields.text('note', MAX_TEXT) }),
  };
}

function readRefusal(fields: JsonFields): Refusal {
  const refusal: Refusal = {
    // a code of times to come is a no all the same
    error: knownWords(REFUSALS)(fields.text('error', MAX_TEXT)) ?? 'refused',
    reason: fields.text('reason', MAX_TEXT, ''),
  };
  if (fields.has('retry_after_s')) refusal.retry_after_s = fields.whole('retry_after_s', 0, MOST);
  if (fields.has('missing')) refusal.missing = fields.list('missing', MAX_ITEMS, knownWords(PERSONAL));
  return refusal;
}

/** What a home asks for. Ids, addresses and whatever else it may hold are not looked at. @throws WireError */
export function readRequest(json: unknown): LeaseRequest {
  const fields = new JsonFields('request', json);
  const request: LeaseRequest = {
    key: fields.match('key', KEY, '64 hex digits').toLowerCase(),
    kinds: kindsOf(fields),
    mesh_mtu: fields.whole('mesh_mtu', MESH_MTU.least, MESH_MTU.most),
    software: fields.text('software', MAX_TEXT, ''),
  };
  if (fields.has('wireguard_key')) request.wireguard_key = fields.match('wireguard_key', WIREGUARD_KEY, 'a key');
  if (fields.has('captain_key')) request.captain_key = fields.match('captain_key', KEY, '64 hex digits').toLowerCase();
  for (const name of [...PERSONAL, 'site', 'invite'] as const)
    if (fields.has(name)) request[name] = fields.text(name, MAX_TEXT);
  return request;
}
