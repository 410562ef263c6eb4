// The protocol of autoygg 0.3, by which older homes and gateways give leases: one object for every call, in both directions.
//
// Its client looks at `Error` and never at the status. Its server takes ids from whoever sends them; ours reads the fields below and no
// others. Source: MassMesh/autoygg 09f9fbc, and what such a server answered (test/fixtures/autoygg).

import { type GatewayInfo, type Grant, PROTOCOL, type Refusal, type RefusalCode, type Terms } from '../api/lease.ts';
import { formatRfc3339, parseRfc3339 } from '../lib/date-text.ts';
import { JsonFields } from '../lib/json-field.ts';
import { addressOf } from '../lib/yggdrasil-address.ts';
import { innerIp, type LeaseAnswer, MAX_TEXT } from './lease-message.ts';
import { tunnelMtu } from './tunnel.ts';

/** The least and the most that a lease of such a gateway is taken for, seconds; and what it gives unless it is told otherwise. */
const LEASE_S = { least: 120, most: 86_400, usual: 14_400 } as const;
/** Such a gateway does not tell the MTU of its Yggdrasil: that of one that nobody has set. */
const MESH_MTU = 65_535;
const NEVER = '0001-01-01T00:00:00Z';

/** What a home of autoygg says of itself. */
export interface Registration {
  readonly key: string;
  readonly version: string;
  readonly name: string;
  readonly email: string;
  readonly phone: string;
}

/** What is said in the words of autoygg to who asks for a lease. */
export interface RegistrationAnswer {
  /** `open`, `success`, `expired`, … */
  readonly state: string;
  readonly gatewayKey: string;
  readonly key: string;
  readonly home: string;
  readonly address: string;
  readonly bits: number;
  readonly gateway: string;
  /** Of the tunnel at the gateway. */
  readonly device: string;
  /** Unix seconds. */
  readonly expiresS: number;
  readonly version: string;
}

/** A home's registration. @throws WireError whose text says what autoygg would. */
export function readRegistration(json: unknown): Registration {
  const fields = new JsonFields('request', json);
  const say = (name: string): string => fields.text(name, MAX_TEXT, '');
  return {
    key: say('PublicKey').toLowerCase(),
    version: say('ClientVersion'),
    name: say('ClientName'),
    email: say('ClientEmail'),
    phone: say('ClientPhone'),
  };
}

/** The object of every answer. Of what a home told of its people it says nothing. */
export function registrationJson(answer: RegistrationAnswer | undefined, error: string): Record<string, unknown> {
  return {
    ID: 0,
    CreatedAt: NEVER,
    UpdatedAt: NEVER,
    DeletedAt: null,
    State: answer?.state ?? '',
    GatewayPublicKey: answer?.gatewayKey ?? '',
    PublicKey: answer?.key ?? '',
    YggIP: answer?.home ?? '',
    ClientIP: answer?.address ?? '',
    ClientNetMask: answer?.bits ?? 0,
    ClientGateway: answer?.gateway ?? '',
    ClientTunnelName: answer?.device ?? '',
    ClientName: '',
    ClientEmail: '',
    ClientPhone: '',
    ClientVersion: answer?.version ?? '',
    LeaseExpires: answer ? formatRfc3339(answer.expiresS) : NEVER,
    Error: error,
  };
}

/** What such a gateway tells of itself, as others do; its key is in its registrations alone. @throws WireError */
export function readAutoyggInfo(json: unknown, address: string): Omit<GatewayInfo, 'key'> {
  const fields = new JsonFields('info', json);
  const say = (name: string): string => fields.text(name, MAX_TEXT, '');
  return {
    protocol: PROTOCOL,
    software: `autoygg ${fields.text('SoftwareVersion', MAX_TEXT)}`,
    address,
    name: say('Description'),
    operator: say('GatewayOwner'),
    place: say('Location'),
    country: '',
    website: say('GatewayInfoURL'),
    abuse_contact: '',
    logging: '',
    ask: say('GatewayOwner'),
    admission: fields.flag('AccessListEnabled', false) ? 'ask' : 'open',
    asks_for: fields.flag('RequireRegistration', false) ? ['name', 'email', 'phone'] : [],
    kinds: ['gre6'],
    mesh_mtu: MESH_MTU,
    ipv4: true,
    ipv6: false,
    dns: [],
    online: true,
    clients: 0,
    max_clients: 0,
    load_percent: 0,
    lease_s: LEASE_S.usual,
    blocked_ports: [],
    check: [],
  };
}

/** What a home asks such a gateway. */
export function registrationRequest(registration: Registration): Record<string, unknown> {
  const { key, version, name, email, phone } = registration;
  return {
    PublicKey: key,
    ClientVersion: version,
    ...(name !== '' && { ClientName: name }),
    ...(email !== '' && { ClientEmail: email }),
    ...(phone !== '' && { ClientPhone: phone }),
  };
}

/** What it is about: the gateway's address, its key where that is pinned, the own key, the own MTU in the mesh. */
export interface AutoyggContext {
  readonly address: string;
  readonly gatewayKey?: string | undefined;
  readonly key: string;
  readonly meshMtu: number;
}

/**
 * What such a gateway answered to `register` or `renew`, as others would have said it. Both the status and `Error` can say no.
 * @param dateS when it answered, by its own clock, Unix seconds.
 * @throws WireError
 */
export function readAutoyggAnswer(
  status: number,
  json: unknown,
  dateS: number | undefined,
  context: AutoyggContext,
): LeaseAnswer {
  const fields = new JsonFields('registration', json);
  // it once misspelt the name of that member
  const error = fields.text('Error', MAX_TEXT, '') || fields.text('{Error', MAX_TEXT, '');
  if (status >= 300 || error !== '') return { kind: 'refused', refusal: refusalOf(status, error) };
  const gatewayKey = fields.match('GatewayPublicKey', /^[0-9a-f]{64}$/i, 'a key').toLowerCase();
  if (addressOf(gatewayKey) !== context.address || gatewayKey !== (context.gatewayKey ?? gatewayKey))
    throw fields.fault('GatewayPublicKey', "the gateway's own");
  if (fields.match('PublicKey', /^[0-9a-f]{64}$/i, 'a key').toLowerCase() !== context.key)
    throw fields.fault('PublicKey', 'the own one');
  const v4 = (name: string): string => fields.read(name, (text) => innerIp(text, 4), 'an IPv4 address');
  const terms: Terms = {
    kind: 'gre6',
    outer: context.address,
    home4: v4('ClientIP'),
    gateway4: v4('ClientGateway'),
    mtu: tunnelMtu('gre6', context.meshMtu, MESH_MTU),
    dns: [],
  };
  const expiresS = fields.read('LeaseExpires', parseRfc3339, 'a moment');
  const leftS = dateS === undefined ? LEASE_S.usual : expiresS - dateS;
  const lease_s = Math.max(LEASE_S.least, Math.min(LEASE_S.most, leftS));
  const grant: Grant = { state: 'active', generation: 0, lease_s, terms, online: true };
  return { kind: 'granted', grant };
}

function refusalOf(status: number, error: string): Refusal {
  const codes: Readonly<Record<number, RefusalCode>> = { 403: 'refused', 404: 'no_lease', 500: 'busy', 503: 'busy' };
  const isMissing = /name, e-mail and phone/.test(error);
  const code = isMissing ? 'asks_for' : (codes[status] ?? 'refused');
  return { error: code, reason: error, ...(isMissing && { missing: ['name', 'email', 'phone'] }) };
}
