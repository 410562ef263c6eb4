// The desk of a gateway's operator on ubus: the object `meshbridge.client`. Only where this machine is a gateway; it tells of people, so only
// operators may call it.

import { DRAIN, LEASE_QUOTA, LIMITS, PERSONAL_TEXTS } from './lease.ts';
import type { Shape } from './model.ts';
import type { MethodContract } from './objects.ts';

/** How it is with a home: it waits for the operator, holds a lease, does neither though something was decided on it. */
export const CLIENT_STATES = ['waiting', 'active', 'suspended', 'refused', 'away'] as const;
export type ClientState = (typeof CLIENT_STATES)[number];

/** In which order homes can be listed: most used this month, or today; by name, those without one last; the newest lease first. */
export const CLIENT_SORTS = ['month', 'today', 'name', 'since'] as const;
export type ClientSort = (typeof CLIENT_SORTS)[number];

/** Bytes, IPv4 and IPv6 together, as the home sees their direction. */
export const CLIENT_USE = { rx_bytes: 'int64', tx_bytes: 'int64' } as const;
export type ClientUse = Shape<typeof CLIENT_USE>;

/** The source ports in the Internet that a home has for itself. */
export const PORT_BLOCK = { first: 'int32', last: 'int32' } as const;
export type PortBlock = Shape<typeof PORT_BLOCK>;

/** A home, as its gateway knows it. What it told of itself is a stranger's text. */
export const CLIENT_VIEW = {
  address: 'string',
  'key?': 'string',
  /** One of CLIENT_STATES. */
  state: 'string',
  /** What was decided on it: `admitted`, `suspended`, `refused`; absent: nothing. */
  'standing?': 'string',
  /** As it is told to the home. */
  'reason?': 'string',
  /** When that is over, Unix seconds. */
  'until_s?': 'int64',
  /** Decided in the configuration, which only its file changes. */
  configured: 'bool',
  /** Key of the captain by whose word it came in. */
  'vouched_by?': 'string',
  ...PERSONAL_TEXTS,
  'site?': 'string',
  'captain_key?': 'string',
  /** Place in the queue, from 1 on. */
  'place?': 'int32',
  /** Of its lease: kind of tunnel, inner addresses, when it began by the gateway's clock, and what is left of it. */
  'kind?': 'string',
  'home4?': 'string',
  'home6?': 'string',
  'since_s?': 'int64',
  'left_s?': 'int32',
  /** TCP and UDP ports by which what it sends leaves the gateway. */
  'ports?': PORT_BLOCK,
  today: CLIENT_USE,
  month: CLIENT_USE,
  /** This month at other gateways of the operator. */
  'elsewhere?': CLIENT_USE,
  /** Its own limits; of what it has none of its own, those of the configuration count. */
  'limits?': LIMITS,
  /** This month's volume, whoever set it; absent: no limit. */
  'quota?': LEASE_QUOTA,
} as const;
export type ClientView = Shape<typeof CLIENT_VIEW>;

/** A home, and what was decided on it before. */
const AUDIT_CLIENT = {
  address: 'string',
  'was?': 'string',
  'reason?': 'string',
  'until_s?': 'int64',
  'limits?': LIMITS,
  'vouched_by?': 'string',
} as const;

/** What an operator did, as it is kept. */
export const AUDIT_ENTRY = {
  /** From 1 on, without gaps. */
  n: 'int32',
  /** What was done to more homes than an entry holds stands in several: the number of their first. */
  'of?': 'int32',
  /** Unix seconds, by the gateway's clock. */
  at_s: 'int64',
  /** Who, as whoever called said. */
  by: 'string',
  /**
   * `admit`, `suspend`, `refuse`, `forget`, `limit`, `drain`, `undrain`, `undo`, `invite`, `revoke`, `captain`, `uncaptain`, `uphold`, `dismiss` (a report),
   * `erase`, `share` (by a list for several gateways); by itself, `invited`, `vouched` and `over`; `failed`: the entry before could not be carried out.
   */
  did: 'string',
  reason: 'string',
  /** The homes, and what was decided on each before. */
  clients: [AUDIT_CLIENT],
} as const;
export type AuditEntry = Shape<typeof AUDIT_ENTRY>;

/** Who speaks for homes of a neighbourhood, as the operator knows them by their key of `meshctl`. */
export const CAPTAIN_VIEW = {
  /** ed25519, 64 hex digits. */
  key: 'string',
  /** As the operator calls them; empty: nobody whom the operator named, but homes name this key as their captain's, and it reported some. */
  name: 'string',
  /** The neighbourhood that they speak for; absent: any. */
  'site?': 'string',
  /** Whether homes get in by their word, and how many at the same time. */
  may_vouch: 'bool',
  max_homes: 'int32',
  /** Homes that are in by their word now. */
  homes: 'int32',
  /** Their reports that are kept, by state. */
  open: 'int32',
  upheld: 'int32',
  dismissed: 'int32',
  /** Unix seconds. */
  added_s: 'int64',
} as const;
export type CaptainView = Shape<typeof CAPTAIN_VIEW>;

/** What became of a report. */
export const REPORT_STATES = ['open', 'upheld', 'dismissed'] as const;
export type ReportState = (typeof REPORT_STATES)[number];

/** What a captain told of a home, signed. Texts are those of a stranger, but for the note. */
export const REPORT_VIEW = {
  id: 'int32',
  /** When it came, by the gateway's clock. */
  at_s: 'int64',
  address: 'string',
  captain_key: 'string',
  /** As the operator calls them. */
  'captain?': 'string',
  reason: 'string',
  'evidence?': 'string',
  'contact?': 'string',
  /** One of REPORT_STATES. */
  state: 'string',
  'decided_s?': 'int64',
  /** The operator's, told to the home. */
  'note?': 'string',
} as const;
export type ReportView = Shape<typeof REPORT_VIEW>;

/** Which home had which addresses and ports, and when: from when on, and until when; without the latter, it has them still. */
export const HELD_SPAN = {
  address: 'string',
  home4: 'string',
  'home6?': 'string',
  'ports?': PORT_BLOCK,
  from_s: 'int64',
  'to_s?': 'int64',
  ...PERSONAL_TEXTS,
  'site?': 'string',
} as const;
export type HeldSpan = Shape<typeof HELD_SPAN>;

const DECISION = {
  args: { addresses: ['string'], 'reason?': 'string', 'by?': 'string' },
  reply: { message: 'string', entry: 'int32' },
  writes: true,
} as const satisfies MethodContract;

/** The methods of the object `meshbridge.client`. */
export const CLIENT_METHODS = {
  /** All homes together; `days` are the bytes of all of them, the oldest day first and today last, at most 90. */
  summary: {
    args: {},
    reply: {
      waiting: 'int32',
      active: 'int32',
      suspended: 'int32',
      refused: 'int32',
      away: 'int32',
      max_clients: 'int32',
      online: 'bool',
      'drain?': DRAIN,
      /** Who gets a lease: one of ADMISSIONS. */
      admission: 'string',
      reports_open: 'int32',
      /** What homes are told of what is kept here, and for how many days it is. */
      logging: 'string',
      keep_days: 'int32',
      /** The log of what operators did is broken there: see `audit`. */
      'broken_at?': 'int32',
      today: CLIENT_USE,
      month: CLIENT_USE,
      days: [CLIENT_USE],
    },
  },
  /**
   * Homes: those who wait in their order, then the others by address, unless `sort` is one of CLIENT_SORTS. `state` is one of CLIENT_STATES;
   * `search` is looked for in addresses and in what homes told; `skip` and `count` (at most 200) page. `total` is how many there are.
   */
  list: {
    args: { 'state?': 'string', 'search?': 'string', 'sort?': 'string', 'skip?': 'int32', 'count?': 'int32' },
    reply: { total: 'int32', clients: [CLIENT_VIEW] },
  },
  /** Lets homes in, also such as were suspended or refused; for so many `days` (1..3650), else for good. Limits as with `limit`. */
  admit: { ...DECISION, args: { ...DECISION.args, 'days?': 'int32', ...LIMITS } },
  /** Turns homes off at once, flows that stand too; their leases stay until they end. They are told `reason`. */
  suspend: DECISION,
  /** Turns homes away; their leases end. They are told `reason`. */
  refuse: DECISION,
  /** Takes back what was decided, with limits: from then on they are like homes that never came. */
  forget: DECISION,
  /**
   * Gives homes limits of their own: those that are given count, those that are not stay, or with `clear` are gone. Running flows feel it at once. A
   * home on which nothing was decided is let in by that. `quota_mb` (0..10^9), `down_kbits` and `up_kbits` (0..10^8), `flows` (0..10^6); 0: no limit.
   */
  limit: { ...DECISION, args: { ...DECISION.args, ...LIMITS, 'clear?': 'bool' } },
  /**
   * `what` is `suspend`, of all homes that hold a lease, or `admit`, for good, of all that are suspended (`undo` puts back what was before). Without `confirm` nothing is done yet: `confirm` of the reply, handed in within a
   * minute with the same words, does it.
   */
  all: {
    args: { what: 'string', 'reason?': 'string', 'by?': 'string', 'confirm?': 'string' },
    reply: { message: 'string', clients: 'int32', 'confirm?': 'string', 'entry?': 'int32' },
    writes: true,
  },
  /** Tells homes that the gateway stops in `in_s` (0..86400), so that they move to another one; nobody new is let in. Ends with the daemon, or when another configuration counts. */
  drain: {
    args: { in_s: 'int32', 'reason?': 'string', 'by?': 'string' },
    reply: { message: 'string', entry: 'int32' },
    writes: true,
  },
  /** It does not stop after all. */
  undrain: { args: { 'by?': 'string' }, reply: { message: 'string', entry: 'int32' }, writes: true },
  /** Invites; `open`: homes may still come by it. */
  invites: {
    args: {},
    reply: {
      invites: [
        {
          ...{ id: 'string', open: 'bool', left: 'int32', used: 'int32', made_s: 'int64', until_s: 'int64' },
          ...{ 'access_s?': 'int64', 'site?': 'string', note: 'string', 'limits?': LIMITS },
        },
      ],
    },
  },
  /**
   * Makes a word by which `uses` homes (1, at most 1000) get in within `days` (30, at most 365), those of one `site` if that is given; they are let in for
   * `access_days` (1..3650), else for good, with limits as with `limit`. `code` is shown this once; empty where the caller made it and told its
   * `hash` alone (lib/invite-code.ts).
   */
  invite: {
    args: {
      ...{ 'uses?': 'int32', 'days?': 'int32', 'access_days?': 'int32', 'site?': 'string' },
      ...{ 'note?': 'string', 'hash?': 'string', 'by?': 'string', ...LIMITS },
    },
    reply: { message: 'string', code: 'string', id: 'string', entry: 'int32' },
    writes: true,
  },
  /** Nobody comes by an invite any more; who came stays. */
  revoke: { args: { id: 'string', 'by?': 'string' }, reply: { message: 'string', entry: 'int32' }, writes: true },
  /** Puts back what was decided on the homes of an entry before it, where nothing was decided since. */
  undo: { args: { entry: 'int32', 'by?': 'string' }, reply: { message: 'string', entry: 'int32' }, writes: true },
  /** Captains, those first whom the operator named. */
  captains: { args: {}, reply: { captains: [CAPTAIN_VIEW] } },
  /**
   * Names a captain, or changes what is not left out: `name` (at most 64 characters), `site` (empty: any), `may_vouch` (else true), `max_homes` (20; 0..4000)
   * that may be in by their word at the same time.
   */
  captain: {
    args: {
      ...{ key: 'string', 'name?': 'string', 'site?': 'string', 'may_vouch?': 'bool', 'max_homes?': 'int32' },
      'by?': 'string',
    },
    reply: { message: 'string', entry: 'int32' },
    writes: true,
  },
  /** They are no captain any more; homes that are in by their word stay. */
  uncaptain: { args: { key: 'string', 'by?': 'string' }, reply: { message: 'string', entry: 'int32' }, writes: true },
  /** Reports, the newest first: at most `count` (50, at most 200) with an id below `before`, of one of REPORT_STATES; `total` is how many are kept of that state. */
  reports: {
    args: { 'state?': 'string', 'before?': 'int32', 'count?': 'int32' },
    reply: { reports: [REPORT_VIEW], total: 'int32' },
  },
  /** Decides on a report: `decision` is `upheld` or `dismissed`; the home reads that, and `note`. What is to become of the home is another decision. */
  decide_report: {
    args: { id: 'int32', decision: 'string', 'note?': 'string', 'by?': 'string' },
    reply: { message: 'string', entry: 'int32' },
    writes: true,
  },
  /**
   * Who had a source port in the Internet, an inner address, or which ones a home had: at `at_s` (Unix seconds), else now; of a home, without `at_s`, all that
   * is kept, the newest first. One of `port`, `address4`, `address6` and `address` (the home's) must be given. `message` says what was looked through.
   */
  who: {
    args: { 'port?': 'int32', 'address4?': 'string', 'address6?': 'string', 'address?': 'string', 'at_s?': 'int64' },
    reply: { message: 'string', leases: [HELD_SPAN] },
  },
  /** Deletes now what is personal of a home: what it told, when it had which address, its use, reports on it. What was decided on it stays: see `forget`. */
  erase: { args: { address: 'string', 'by?': 'string' }, reply: { message: 'string', entry: 'int32' }, writes: true },
  /**
   * What operators did, to one home where `address` is given, the newest first: at most `count` (50, at most 200) entries below number `before`. Each entry bears the hash of the one before it:
   * `broken_at` is the first that does not fit what follows from those before, so something was changed or lost there. `head` is the newest hash.
   */
  audit: {
    args: { 'address?': 'string', 'before?': 'int32', 'count?': 'int32' },
    reply: { entries: [AUDIT_ENTRY], head: 'string', 'broken_at?': 'int32' },
  },
} as const satisfies Record<string, MethodContract>;
export type ClientMethod = keyof typeof CLIENT_METHODS;
