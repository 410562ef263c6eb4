// Answers of the daemon for the pages' tests: made, in the form of the contract.

import { version } from '../../package.json';
import type { Shape } from '../../src/api/model.ts';
import {
  CHAIN,
  type Check,
  type CheckState,
  type HistorySample,
  type Values,
  type Verdict,
} from '../../src/api/model.ts';
import type { MESHBRIDGE_METHODS } from '../../src/api/objects.ts';
import { fillWords } from '../../src/lib/words.ts';
import type { PageAnswer } from '../../src/page-host/ubus.ts';

export const HOSTILE = '<img src=x onerror="window.harmed=1"><script>window.harmed=1</script>%s%d&amp;{x}';

export type OverviewAnswer = Shape<(typeof MESHBRIDGE_METHODS)['overview']['reply']>;
export type MapAnswer = Shape<(typeof MESHBRIDGE_METHODS)['map']['reply']>;
export type MemberAnswer = Shape<(typeof MESHBRIDGE_METHODS)['member']['reply']>;

/** An answer with status 0. */
export function ok(reply: object): PageAnswer {
  return { status: 0, reply };
}

function check(link: string, state: CheckState, words: string, values: Values = {}): Check {
  return { link, state, since_s: 7200, evidence: fillWords(words, values), words: { evidence: words }, values };
}

export const CHECKS: Check[] = [
  check('line', 'good', '{uplink} is up and has a default route by {hop}.', { uplink: 'wan', hop: '192.0.2.1' }),
  check('dns', 'good', 'The names of the peers are found.'),
  check('clock', 'good', 'The clock agrees with the newest file on this router.'),
  check('yggdrasil', 'good', 'Yggdrasil 0.5.12 answers.'),
  check('peers', 'good', '{up} of {all} peers are up, the nearest is {ms} ms away.', { up: 3, all: 4, ms: 12 }),
  check('tree', 'good', 'This node knows {count} others.', { count: 41 }),
];

/** A verdict: the links that are named are in that state, and those after a bad one are not known. */
export function verdict(
  state: CheckState,
  id: string,
  [sentence, fix]: [string, string],
  values: Values = {},
  more: Partial<Verdict> = {},
): Verdict {
  return {
    state,
    id,
    sentence: fillWords(sentence, values),
    fix: fillWords(fix, values),
    words: { sentence, fix },
    values,
    since_s: 7200,
    checks: CHECKS,
    ...more,
  };
}

export const GOOD = verdict(
  'good',
  'works',
  ['The mesh works: {up} of {all} peers are up.', ''],
  { up: 3, all: 4 },
  {
    last_good_ago_s: 0,
  },
);
export const WEAK = verdict(
  'weak',
  'few_peers',
  ['The mesh works, but only {up} of {all} peers is up.', 'Look at the peers that are down.'],
  { up: 1, all: 4 },
  {
    since_s: 600,
    last_good_ago_s: 600,
    checks: CHECKS.map((one) =>
      one.link === 'peers'
        ? { ...check('peers', 'weak', '{up} of {all} peers is up.', { up: 1, all: 4 }), since_s: 600 }
        : one,
    ),
  },
);
export const BAD = verdict(
  'bad',
  'no_cable',
  ['The Internet line is down: there is no cable in {device}.', 'Plug the cable of the modem into the port {device}.'],
  { device: 'wan' },
  {
    since_s: 300,
    last_good_ago_s: 310,
    checks: CHECKS.map(({ link }) =>
      link === 'line'
        ? { ...check('line', 'bad', 'The device {device} has no signal.', { device: 'wan' }), since_s: 300 }
        : link === 'clock'
          ? check('clock', 'good', 'The clock agrees with the newest file on this router.')
          : check(link, link === 'dns' ? 'unused' : 'unknown', 'Not looked at: the line is down.'),
    ),
  },
);
export const UNKNOWN = verdict(
  'unknown',
  'starting',
  ['The mesh daemon has just started and is still looking.', ''],
  {},
  {
    since_s: 2,
    checks: CHAIN.map((link) => ({ ...check(link, 'unknown', 'Not looked at yet.'), since_s: 2 })),
  },
);
export const EMPTY = verdict(
  'bad',
  'no_interface',
  ['This router has no Yggdrasil interface.', 'Add one with the protocol “Yggdrasil Network”.'],
  {},
  {
    checks: CHECKS.map((one) =>
      ['yggdrasil', 'peers', 'tree'].includes(one.link)
        ? check(one.link, one.link === 'yggdrasil' ? 'bad' : 'unknown', 'There is no interface of this protocol.')
        : one,
    ),
  },
);

export const SELF = {
  build_name: 'yggdrasil',
  build_version: '0.5.12',
  key: 'd91b81ea43a8bd6b1ef7bfcbf6a3c8d2d91b81ea43a8bd6b1ef7bfcbf6a3c8d2',
  address: '200:4dc8:fc2b:78ae:8529:c210:8068:12b8',
  subnet: '300:4dc8:fc2b:78ae::/64',
};

/** What the page Overview is told. */
export function overview(one: Verdict, more: Partial<OverviewAnswer> = {}): OverviewAnswer {
  return {
    age_ms: 800,
    interface: 'ygg0',
    version,
    interfaces: ['ygg0'],
    name: 'mill-roof',
    self: SELF,
    verdict: one,
    uplinks: [
      {
        interface: 'wan',
        device: 'eth1',
        proto: 'dhcp',
        up: true,
        pending: false,
        carrier: true,
        addresses: ['192.0.2.17'],
        default_route: true,
        next_hops: ['192.0.2.1'],
        dns_servers: ['192.0.2.1', '198.51.100.53'],
        uptime_s: 93_784,
        errors: [],
      },
      {
        interface: 'wan6',
        device: 'eth1',
        proto: 'dhcpv6',
        up: false,
        pending: true,
        addresses: [],
        default_route: false,
        next_hops: [],
        dns_servers: [],
        errors: [],
      },
    ],
    peers: { up: 3, unproven: 0, down: 1 },
    traffic: {
      since_s: 93_784,
      own_rx_bytes: 4_210_000_000,
      own_tx_bytes: 1_130_000_000,
      relayed_bytes: 17_400_000_000,
      own_rx_bytes_per_s: 1_240_000,
      own_tx_bytes_per_s: 310_000,
      relayed_bytes_per_s: 87_000,
    },
    ...more,
  };
}

/** What the pages Map and Services are told, the tree among it. */
export function map(one: Verdict, more: Partial<MapAnswer> = {}): MapAnswer {
  const { age_ms, interface: name, self, name: called, uplinks } = overview(one);
  return {
    age_ms,
    interface: name,
    name: called!,
    self: self!,
    verdict: one,
    uplinks,
    peers: [],
    sessions: [],
    tree: [],
    ...more,
  };
}

/** What the page of the household is told. */
export function member(one: Verdict, more: Partial<MemberAnswer> = {}): MemberAnswer {
  const { name, traffic } = overview(one);
  const checks = one.checks.map((each) => ({ ...each, evidence: '', words: { evidence: '' }, values: {} }));
  return { age_ms: 800, name: name!, verdict: { ...one, checks }, traffic: traffic!, ...more };
}

/** A day of five-minute steps with two outages, or its last steps. */
export function day(steps = 288): HistorySample[] {
  return Array.from({ length: steps }, (_, at) => {
    const i = at + 288 - steps;
    const out = (i >= 90 && i < 94) || (i >= 200 && i < 203);
    const up = out ? 0 : i % 37 === 0 ? 2 : i > 150 ? 4 : 3;
    const latency = 14 + 6 * Math.sin(i / 20) + (i % 7);
    return {
      ago_s: (287 - i) * 300,
      connected_s: 300,
      peers_up_min: up,
      peers_up_max: out ? 0 : Math.max(up, 3),
      peers_total: 4,
      ...(out ? {} : { latency_ms: Math.round(latency * 10) / 10 }),
      rx_bytes: out ? 0 : 9_000_000,
      tx_bytes: out ? 0 : 4_000_000,
    };
  });
}

/** What `yggdrasil history` answers. */
export function history(samples: HistorySample[]): PageAnswer {
  return ok({ age_ms: 100, interface: 'ygg0', step_s: 300, samples });
}
