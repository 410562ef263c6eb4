// What a home shows of its lease on ubus: the object `meshbridge.lease`. Apart from the others, for most routers have no use for it.

import { HOME_REPORT, INFO_LIMITS, LEASE_QUOTA, LEASE_USE, LIMITS, TERMS } from './lease.ts';
import type { Shape } from './model.ts';
import type { MethodContract } from './objects.ts';

/** A gateway, as a home knows it. Texts of its own are absent while it has not told them. */
export const GATEWAY_VIEW = {
  name: 'string',
  address: 'string',
  'key?': 'string',
  port: 'int32',
  /** The lower, the rather. */
  preference: 'int32',
  /** Preferred by hand until the daemon restarts. */
  chosen: 'bool',
  /** `unknown`, `ready`, `waiting`, `refused`, `unreachable`. */
  state: 'string',
  /** `in_use`, `next` (its tunnel is being made); absent: neither. */
  'role?': 'string',
  /** Why it is not ready. */
  'problem?': 'string',
  /** When it is asked again. */
  'retry_s?': 'int32',
  /** Where it has this home wait: which place, and of how many. */
  'place?': 'int32',
  'waiting?': 'int32',
  'latency_ms?': 'double',
  /** How old what follows is. */
  'info_ago_s?': 'int32',
  'software?': 'string',
  'operator?': 'string',
  'place_name?': 'string',
  'country?': 'string',
  'website?': 'string',
  'abuse_contact?': 'string',
  'logging?': 'string',
  'ask?': 'string',
  /** One of ADMISSIONS. */
  'admission?': 'string',
  asks_for: ['string'],
  kinds: ['string'],
  'online?': 'bool',
  'ipv6?': 'bool',
  'clients?': 'int32',
  'max_clients?': 'int32',
  'load_percent?': 'int32',
  blocked_ports: ['int32'],
  /** What it lets every home use of which nothing else was decided. */
  'limits?': INFO_LIMITS,
} as const;
export type GatewayView = Shape<typeof GATEWAY_VIEW>;

/** How it is with this home's lease. */
export const LEASE_STATUS = {
  /** `off`, `trial`, `kept`. */
  mode: 'string',
  /** `idle`, `asking`, `waiting`, `trial`, `up`, `degraded`, `blocked`. */
  state: 'string',
  /** Which situation this is; each has a sentence of its own. */
  id: 'string',
  since_s: 'int64',
  sentence: 'string',
  /** What to do; empty when there is nothing to do. */
  fix: 'string',
  words: { sentence: 'string', fix: 'string' },
  /** Values. */
  values: 'json',
  /** Whether packets of the LAN are kept from the own line. */
  blocking: 'bool',
  'trial_left_s?': 'int32',
  'let_out_left_s?': 'int32',
  /** Name of the gateway in use. */
  'gateway?': 'string',
  'lease_left_s?': 'int32',
  'terms?': TERMS,
  /** What the last test of the exit found; absent: not tested. */
  'ipv4?': 'bool',
  'ipv6?': 'bool',
  /** As the gateway counts. */
  'use?': LEASE_USE,
  /** What of this month's volume is used, and what this home is kept to; absent: no limit. */
  'quota?': LEASE_QUOTA,
  'limits?': LIMITS,
  /** What the captain told the operator of the gateway about this home, and what became of it. */
  'report?': HOME_REPORT,
  /** When the gateway does not let this home in any more. */
  'access_left_s?': 'int32',
} as const;
export type LeaseStatus = Shape<typeof LEASE_STATUS>;

/** How far the test of the way to the Internet is, or what the last one found. */
export const TEST_STATUS = {
  running: 'bool',
  /** Absent: none was begun since the daemon started. */
  'gateway?': 'string',
  'begun_ago_s?': 'int32',
  steps: [
    {
      /** `gateway`, `tunnel`, `exit4`, `exit6`, `dns`, `mtu`, `down`, `up`. */
      id: 'string',
      /** `waiting`, `running`, `good`, `bad`, `skipped`. */
      state: 'string',
      /** What was seen, and where that is a fault, what was expected. */
      sentence: 'string',
      words: { sentence: 'string' },
      /** Values; `rate` is in Mbit/s. */
      values: 'json',
      /** Of a step that takes seconds. */
      'done_percent?': 'int32',
    },
  ],
} as const;
export type TestStatus = Shape<typeof TEST_STATUS>;

/** The methods of the object `meshbridge.lease`: this home's way to the Internet through a gateway. */
export const LEASE_METHODS = {
  status: { args: {}, reply: LEASE_STATUS },
  /** What is known of the gateways; whoever asks has it renewed. */
  gateways: { args: {}, reply: { gateways: [GATEWAY_VIEW] } },
  /** Begins a trial of `seconds` (default 90, 30..600) by one gateway, or the best; undone unless `confirm` comes. */
  connect: { args: { 'gateway?': 'string', 'seconds?': 'int32' }, reply: { message: 'string' }, writes: true },
  /** Keeps what is on trial, over restarts too, if the last test of it passed. */
  confirm: { args: {}, reply: { message: 'string' }, writes: true },
  /** Ends a trial, and undoes what it did. */
  undo: { args: {}, reply: { message: 'string' }, writes: true },
  /** Switches off for good: the own line serves again. */
  release: { args: {}, reply: { message: 'string' }, writes: true },
  /** Prefers a gateway, by name or address, until the daemon restarts; empty: none. */
  choose: { args: { gateway: 'string' }, reply: { message: 'string' }, writes: true },
  /** Lets devices out by the own line for `seconds` (60..3600); 0 ends that. */
  let_out: { args: { seconds: 'int32' }, reply: { message: 'string' }, writes: true },
  /** Asks all gateways again now, those that said no, too. */
  ask: { args: {}, reply: { message: 'string' }, writes: true },
  /** Tests the way to the Internet step by step, for a minute at most; up to 32 MB go through the tunnel. One at a time. */
  test: { args: {}, reply: { message: 'string' }, writes: true },
  test_status: { args: {}, reply: TEST_STATUS },
} as const satisfies Record<string, MethodContract>;
