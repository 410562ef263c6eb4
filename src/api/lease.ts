// What homes and gateways say to each other: protocol v1, JSON over HTTP in the mesh.
//
// Conventions as in model.ts. Of times there are only durations: nobody's clock is believed. Texts are those of strangers.

import type { Shape } from './model.ts';

/** Number of the protocol that this program speaks. */
export const PROTOCOL = 1;
/** Where registrars listen unless they are told otherwise; autoygg's, too. */
export const REGISTRAR_PORT = 8080;
/** Name of the one section of type `lease` in a home's configuration. */
export const LEASE_SECTION = 'home';
/** Where a gateway's end of a tunnel takes and gives bytes, for homes that measure: `GET` gives a block, `POST` takes up to one. */
export const SPEED_PATH = '/v1/speed';
/** Bytes of a block. */
export const SPEED_BLOCK = 65_536;

/** Ways to carry a home's packets to its gateway. */
export const TUNNEL_KINDS = ['gre6', 'wireguard', 'vxlan'] as const;
export type TunnelKind = (typeof TUNNEL_KINDS)[number];

/** Who gets a lease: anybody, who was let in, or nobody new. */
export const ADMISSIONS = ['open', 'ask', 'closed'] as const;
export type Admission = (typeof ADMISSIONS)[number];

/** What a gateway may ask a home to tell of its people. */
export const PERSONAL = ['name', 'email', 'phone'] as const;
export type Personal = (typeof PERSONAL)[number];
/** The same, as a home told them: a stranger's texts. */
export const PERSONAL_TEXTS = { 'name?': 'string', 'email?': 'string', 'phone?': 'string' } as const;

/** What of people a gateway may tell to brokers: what homes told, and how to reach captains who reported one. */
export const TELL_NAMES = [...PERSONAL, 'contact'] as const;
export type TellName = (typeof TELL_NAMES)[number];

/** Why a registrar says no. */
export const REFUSALS = [
  /** Not a node of the mesh: a host behind one, a browser, another network. */
  'not_a_node',
  /** The key belongs to another address. */
  'other_key',
  /** Turned off by the operator: `reason` says why. */
  'suspended',
  'refused',
  /** Nobody new is let in. */
  'closed',
  /** It can make no tunnel that the home can make. */
  'no_kind',
  /** It wants to know what the home did not tell: `missing`. */
  'asks_for',
  'too_often',
  'full',
  'queue_full',
  'draining',
  'busy',
  'no_lease',
  'malformed',
  'unknown',
] as const;
export type RefusalCode = (typeof REFUSALS)[number];

/** What both ends set their tunnel up by. Inner addresses are single ones: the home translates. */
export const TERMS = {
  /** One of TUNNEL_KINDS. */
  kind: 'string',
  /** The gateway's address in the mesh, where its end of the tunnel is. */
  outer: 'string',
  'home4?': 'string',
  'home6?': 'string',
  /** They answer TCP on the registrar's port, by taking or by refusing it: that is the probe. An autoygg does not. */
  'gateway4?': 'string',
  'gateway6?': 'string',
  mtu: 'int32',
  /** Name servers to be used through the tunnel. */
  dns: ['string'],
  /** Of VXLAN: its number. */
  'vni?': 'int32',
  /** Of VXLAN and WireGuard: UDP. */
  'port?': 'int32',
  /** Of WireGuard: the gateway's public key, base64. */
  'wireguard_key?': 'string',
} as const;
export type Terms = Shape<typeof TERMS> & { kind: TunnelKind };

/** The gateway is going to stop, for maintenance, say. */
export const DRAIN = { in_s: 'int32', reason: 'string' } as const;
export type Drain = Shape<typeof DRAIN>;

/** What one home may use. Absent: as its gateway has it for all; 0: without a limit. */
export const LIMITS = {
  /** Of a month, 10^6 bytes, both directions and both families together. */
  'quota_mb?': 'int64',
  'down_kbits?': 'int32',
  'up_kbits?': 'int32',
  /** Connections at the same time, of IPv4 and of IPv6 each. */
  'flows?': 'int32',
} as const;
export type Limits = Shape<typeof LIMITS>;

/** What becomes of a home that has used its month's volume: it goes on slowly, or is turned off until the next one. */
export const AT_QUOTA = ['slow', 'stop'] as const;
export type AtQuota = (typeof AT_QUOTA)[number];

/** What a gateway lets every home use that it knows nothing else of; absent: as much as there is. */
export const INFO_LIMITS = {
  ...LIMITS,
  /** One of AT_QUOTA, and how slow that is. */
  at_quota: 'string',
  slow_kbits: 'int32',
} as const;
export type InfoLimits = Shape<typeof INFO_LIMITS> & { at_quota: AtQuota };

/** How far a home is with its month's volume: `ok`, `near` its end, `over`. */
export const VOLUME_STATES = ['ok', 'near', 'over'] as const;
export type VolumeState = (typeof VOLUME_STATES)[number];

/** A home's volume of this month, and what it used of it. */
export const LEASE_QUOTA = {
  bytes: 'int64',
  used_bytes: 'int64',
  /** One of VOLUME_STATES. */
  state: 'string',
  /** One of AT_QUOTA. */
  at_quota: 'string',
} as const;
export type LeaseQuota = Shape<typeof LEASE_QUOTA> & { state: VolumeState; at_quota: AtQuota };

/** What a gateway tells of itself: `GET /v1/info`. Texts may be empty. */
export const GATEWAY_INFO = {
  protocol: 'int32',
  software: 'string',
  key: 'string',
  address: 'string',
  name: 'string',
  operator: 'string',
  place: 'string',
  /** Where its traffic appears in the Internet: two letters. */
  country: 'string',
  website: 'string',
  abuse_contact: 'string',
  /** What is kept of its homes' traffic, in the operator's words. */
  logging: 'string',
  /** Whom to ask for admission. */
  ask: 'string',
  /** One of ADMISSIONS. */
  admission: 'string',
  /** Of PERSONAL. */
  asks_for: ['string'],
  /** Of TUNNEL_KINDS, the preferred one first. */
  kinds: ['string'],
  /** MTU of its Yggdrasil. */
  mesh_mtu: 'int32',
  ipv4: 'bool',
  ipv6: 'bool',
  dns: ['string'],
  /** Whether it reaches the Internet itself. */
  online: 'bool',
  clients: 'int32',
  max_clients: 'int32',
  /** 100: it has no room, or its line is full. */
  load_percent: 'int32',
  lease_s: 'int32',
  /** TCP ports in the Internet that are closed to homes. */
  blocked_ports: ['int32'],
  /** Hosts in the Internet by which a home may test its exit: `address:port`. */
  check: ['string'],
  'drain?': DRAIN,
  'limits?': INFO_LIMITS,
} as const;
export type GatewayInfo = Omit<Shape<typeof GATEWAY_INFO>, 'limits'> & {
  limits?: InfoLimits;
  admission: Admission;
  asks_for: Personal[];
  kinds: TunnelKind[];
};

/** What a home asks for: `PUT /v1/lease`. */
export const LEASE_REQUEST = {
  /** Of its Yggdrasil; its address must follow from it. */
  key: 'string',
  /** Those of TUNNEL_KINDS that it can make. */
  kinds: ['string'],
  mesh_mtu: 'int32',
  software: 'string',
  /** Its public key of WireGuard, base64. */
  'wireguard_key?': 'string',
  'name?': 'string',
  'email?': 'string',
  'phone?': 'string',
  /** The neighbourhood, and the key of its captain, who may report this home to the operator. */
  'site?': 'string',
  'captain_key?': 'string',
  'invite?': 'string',
} as const;
export type LeaseRequest = Shape<typeof LEASE_REQUEST> & { kinds: TunnelKind[] };

/** Bytes of one home through its gateway, IPv4 and IPv6 together, as the home sees their direction. */
export const LEASE_USE = { rx_bytes: 'int64', tx_bytes: 'int64', since_s: 'int64' } as const;
export type LeaseUse = Shape<typeof LEASE_USE>;

/** What the captain of a home told the operator about it, and what became of that: `state` is one of REPORT_STATES. */
export const HOME_REPORT = { reason: 'string', state: 'string', 'note?': 'string' } as const;
export type HomeReport = Shape<typeof HOME_REPORT>;

/** Status 200: the lease is in force for `lease_s` from now. */
export const GRANT = {
  /** `active`. */
  state: 'string',
  /** Another one where anything but the time left has changed. */
  generation: 'int32',
  lease_s: 'int32',
  terms: TERMS,
  /** Whether the gateway reaches the Internet. */
  online: 'bool',
  'drain?': DRAIN,
  /** With GET. */
  'use?': LEASE_USE,
  /** Where there are such: what of this month's volume is used, and the limits of this home. */
  'quota?': LEASE_QUOTA,
  'limits?': LIMITS,
  /** With GET: false where it was not held open, since too many wait. */
  'held?': 'bool',
  /** The newest report on this home that is kept. */
  'report?': HOME_REPORT,
  /** When this home is not let in any more; absent: no end was set. */
  'access_left_s?': 'int32',
} as const;
export type Grant = Omit<Shape<typeof GRANT>, 'terms' | 'quota'> & { terms: Terms; quota?: LeaseQuota };

/** Status 202: the operator has not decided yet. Who does not ask again within an hour loses the place. */
export const WAITING = {
  /** `waiting`. */
  state: 'string',
  /** From 1 on, and of how many. */
  place: 'int32',
  waiting: 'int32',
  retry_after_s: 'int32',
  ask: 'string',
} as const;
export type Waiting = Shape<typeof WAITING>;

/** Every other status. */
export const REFUSAL = {
  /** One of REFUSALS. */
  error: 'string',
  /** A sentence. */
  reason: 'string',
  'retry_after_s?': 'int32',
  /** With `asks_for`: of PERSONAL. */
  'missing?': ['string'],
} as const;
export type Refusal = Shape<typeof REFUSAL> & { error: RefusalCode };

/**
 * Where captains send what they sign: `POST`, the body an envelope (`src/lib/envelope`) of the same kind as the path's last word, at most CAPTAIN_BYTES.
 * Sources may be nodes (0200::/8) and hosts behind them (0300::/8): the signature is what counts.
 */
export const CAPTAIN_PATHS = { report: '/v1/report', vouch: '/v1/vouch' } as const;
export const CAPTAIN_BYTES = 4096;
/** How far a captain's clock may be off, seconds. */
export const CAPTAIN_AGE_S = 900;

/** Signed by the key that the home's lease names as its captain's (`captain_key`): tells the operator about this home. */
export const REPORT_MESSAGE = {
  /** `report`. */
  kind: 'string',
  /** The home. */
  address: 'string',
  /** At most 256 characters; the home reads it. */
  reason: 'string',
  /** What it is known by, at most 1024, and how the captain is reached, at most 256: for the operator alone. */
  'evidence?': 'string',
  'contact?': 'string',
  /** Unix seconds, and the gateway's key: so that it counts here and now. */
  at_s: 'int64',
  gateway: 'string',
} as const;
export type ReportMessage = Shape<typeof REPORT_MESSAGE>;

/** Signed by a captain who may vouch: lets this home in at once, for `days` (1..3650) or for good. */
export const VOUCH_MESSAGE = {
  /** `vouch`. */
  kind: 'string',
  address: 'string',
  'site?': 'string',
  at_s: 'int64',
  gateway: 'string',
  'days?': 'int32',
} as const;
export type VouchMessage = Shape<typeof VOUCH_MESSAGE>;

/** Status 200 to a captain: it was taken, also where it was taken before. */
export const CAPTAIN_TAKEN = {
  message: 'string',
  /** Of a report. */
  'id?': 'int32',
} as const;
export type CaptainTaken = Shape<typeof CAPTAIN_TAKEN>;

/** Every other status, as a REFUSAL with one of these. */
export const CAPTAIN_REFUSALS = [
  'malformed',
  /** No key that may say this: none that the home named, no captain who may vouch, or not signed by it. The same words for a home that is not known here. */
  'not_captain',
  /** Of another gateway, or of another time: `reason` says which. */
  'stale',
  /** The operator, or the configuration, has decided on this home otherwise. */
  'decided',
  'too_often',
  'full',
  'busy',
] as const;
export type CaptainRefusal = (typeof CAPTAIN_REFUSALS)[number];
