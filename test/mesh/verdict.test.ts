import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CHAIN, CHECK_STATES, type Peer, type Uplink, type Verdict } from '../../src/api/model.ts';
import { type InternetFact, Judge as Thinker, type VerdictFacts, type YggdrasilFact } from '../../src/mesh/verdict.ts';
import { SITUATIONS, speak, verdictTexts, WHOLE } from '../../src/mesh/verdict-words.ts';
import { seededRandom } from '../support/random.ts';

const KEY = 'ab'.repeat(32);
const NOW_MS = 1_000_000;
const BUILT_MS = Date.UTC(2026, 0, 1);
const CLOCK = { unixMs: Date.UTC(2026, 7, 1), earliestMs: BUILT_MS, latestMs: Date.UTC(2038, 0, 1) };

const uplink = (more: Partial<Uplink> = {}): Uplink => ({
  interface: 'wan',
  device: 'eth1',
  proto: 'dhcp',
  up: true,
  pending: false,
  addresses: ['198.51.100.20'],
  default_route: true,
  next_hops: ['198.51.100.1'],
  dns_servers: ['198.51.100.1'],
  uptime_s: 5000,
  errors: [],
  ...more,
});
const outage = (more: Partial<Uplink> = {}): Uplink => {
  const { uptime_s, ...rest } = uplink();
  return { ...rest, up: false, addresses: [], default_route: false, next_hops: [], dns_servers: [], ...more };
};
const UNPLUGGED = outage({ carrier: false });
/** Up, without a default route. */
const unrouted = (more: Partial<Uplink> = {}): Uplink => uplink({ default_route: false, next_hops: [], ...more });

const peer = (more: Partial<Peer> = {}): Peer => ({
  remote: 'tls://203.0.113.7:4001',
  origin: 'configured',
  inbound: false,
  up: true,
  state: 'up',
  proven_ago_ms: 1000,
  proof: 'traffic',
  state_ago_ms: 900_000,
  changes_per_hour: 0,
  key: KEY,
  ...more,
});
const neighbour = (more: Partial<Peer> = {}): Peer =>
  peer({ remote: 'tls://[fe80::1%25mesh0]:1234', origin: 'multicast', name: 'maple-12', ...more });
const broken = (last_error?: string, more: Partial<Peer> = {}): Peer => {
  const { proven_ago_ms, proof, ...rest } = peer();
  return { ...rest, up: false, state: 'down', ...(last_error !== undefined && { last_error }), ...more };
};
const REFUSED = 'dial tcp 203.0.113.7:4001: connect: connection refused';
const TIMEOUT = 'dial tcp 203.0.113.7:4001: i/o timeout';
const NO_WAY = 'dial tcp 203.0.113.7:4001: connect: network is unreachable';
const NO_NAME = 'lookup peer.example on 127.0.0.1:53: no such host';
const NAMED = 'tls://peer.example:4001';

const yggdrasil = (more: Partial<YggdrasilFact> = {}): YggdrasilFact => ({
  interface: 'ygg0',
  connectedAtMs: 0,
  configured: [],
  multicast: [{ name: 'mesh0', beacon: true, listen: true }],
  peers: [peer(), neighbour()],
  self: {
    build_name: 'yggdrasil',
    build_version: '0.5.14',
    key: KEY,
    address: '200::1',
    subnet: '300::/64',
    routing_entries: 9,
  },
  ...more,
});
const facts = (more: Partial<VerdictFacts> = {}): VerdictFacts => ({
  uplinks: [uplink()],
  clock: CLOCK,
  yggdrasil: yggdrasil(),
  ...more,
});
const withPeers = (peers: Peer[], more: Partial<VerdictFacts> = {}): VerdictFacts =>
  facts({ yggdrasil: yggdrasil({ peers }), ...more });
const unreached = (problem: string, more: Partial<YggdrasilFact> = {}): VerdictFacts =>
  facts({ yggdrasil: { interface: 'ygg0', configured: [], problem, ...more } });
const ALONE = [broken(REFUSED)];
const ONE_UP = [peer()];
/** An outgoing peer that is down beside one that is up. */
const beside = (last_error?: string, more: Partial<Peer> = {}) =>
  withPeers([peer(), broken(last_error, { remote: 'tls://203.0.113.8:1', ...more })]);

interface Row {
  facts: VerdictFacts;
  id: string;
  state: string;
  /** The link that is broken. */
  link?: string;
  /** What was so until a minute ago. */
  before?: VerdictFacts;
  /** How long this has been so. */
  forMs?: number;
}
const GOOD = facts();

const ROWS: Record<string, Row> = {
  // whole
  'all is well': { facts: GOOD, id: 'good', state: 'good' },
  'only neighbours, with a line': { facts: withPeers([neighbour()]), id: 'good', state: 'good' },
  'a home without a line, and no cable in its port': {
    facts: withPeers([neighbour()], { uplinks: [UNPLUGGED] }),
    id: 'good_without_line',
    state: 'good',
  },
  'a home without a line, with peers of the image that need one': {
    facts: withPeers([neighbour(), broken(NO_WAY)], { uplinks: [UNPLUGGED] }),
    id: 'good_without_line',
    state: 'good',
  },
  'a router without any uplink, carried by neighbours': {
    facts: withPeers([neighbour()], { uplinks: [] }),
    id: 'good_without_line',
    state: 'good',
  },
  'netifd does not answer, but peers are up': { facts: facts({ uplinks: undefined }), id: 'good', state: 'good' },
  'an interface for IPv6 that waits in vain beside a good one for IPv4': {
    facts: facts({ uplinks: [uplink(), outage({ interface: 'wan6', proto: 'dhcpv6', pending: true })] }),
    id: 'good',
    state: 'good',
  },
  'an interface for IPv4 that waits on the device of a good one for IPv6': {
    facts: facts({ uplinks: [outage({ pending: true }), uplink({ interface: 'wan6', proto: 'dhcpv6' })] }),
    id: 'good',
    state: 'good',
  },
  'an alias on a line': {
    facts: facts({ uplinks: [uplink(), outage({ interface: 'wan_6', device: '@wan', pending: true })] }),
    id: 'good',
    state: 'good',
  },
  'a port for a second line that was never used': {
    facts: facts({ uplinks: [uplink(), outage({ interface: 'wwan', device: 'wlan0' })] }),
    id: 'good',
    state: 'good',
  },
  'one of several peers is down for a moment': {
    facts: withPeers([peer(), broken(REFUSED, { state_ago_ms: 30_000 })]),
    id: 'good',
    state: 'good',
  },
  'a neighbour of an Internet cafe: the line is out, and was never needed': {
    facts: withPeers([neighbour()], { uplinks: [] }),
    before: withPeers([neighbour()], { uplinks: [] }),
    id: 'good_without_line',
    state: 'good',
  },
  'just started, nothing known': {
    facts: { clock: CLOCK, yggdrasil: { interface: 'ygg0' } },
    forMs: 0,
    id: 'starting',
    state: 'unknown',
  },
  'just started, and no cable': {
    facts: withPeers(ALONE, { uplinks: [UNPLUGGED] }),
    forMs: 5000,
    id: 'starting',
    state: 'unknown',
  },

  // line
  'no uplink and no neighbour, but peers on the Internet': {
    facts: withPeers(ALONE, { uplinks: [] }),
    id: 'no_line',
    state: 'bad',
    link: 'line',
  },
  'the device of the line is gone': {
    facts: withPeers(ALONE, { uplinks: [outage({ errors: ['NO_DEVICE'] })] }),
    id: 'no_device',
    state: 'bad',
    link: 'line',
  },
  'the cable is unplugged': {
    facts: withPeers(ALONE, { uplinks: [UNPLUGGED] }),
    id: 'no_cable',
    state: 'bad',
    link: 'line',
  },
  'the cable is unplugged, and Yggdrasil still claims its peers': {
    facts: withPeers([peer({ proven_ago_ms: 210_000 })], { uplinks: [UNPLUGGED] }),
    before: GOOD,
    id: 'no_cable',
    state: 'bad',
    link: 'line',
  },
  'the cable is unplugged, and neighbours carry the mesh': {
    facts: withPeers([peer({ proven_ago_ms: 210_000 }), neighbour()], { uplinks: [UNPLUGGED] }),
    before: GOOD,
    id: 'no_cable_carried',
    state: 'weak',
    link: 'line',
  },
  'the cable seems unplugged, but a peer on the Internet shows signs of life': {
    facts: withPeers([peer({ proven_ago_ms: 1000 })], { uplinks: [UNPLUGGED] }),
    before: GOOD,
    id: 'no_cable_still',
    state: 'weak',
    link: 'line',
  },
  'the cable of one of two lines is unplugged': {
    facts: facts({ uplinks: [UNPLUGGED, uplink({ interface: 'wwan', device: 'wwan0' })] }),
    before: facts({ uplinks: [uplink(), uplink({ interface: 'wwan', device: 'wwan0' })] }),
    id: 'no_cable_spare',
    state: 'weak',
    link: 'line',
  },
  'a tunnel with a default route is no line': {
    facts: withPeers(ALONE, { uplinks: [UNPLUGGED, uplink({ interface: 'vpn', device: 'vpn', proto: 'wireguard' })] }),
    id: 'no_cable',
    state: 'bad',
    link: 'line',
  },
  'the provider refuses the login': {
    facts: withPeers(ALONE, { uplinks: [outage({ proto: 'pppoe', errors: ['AUTH_FAILED'] })] }),
    id: 'no_login',
    state: 'bad',
    link: 'line',
  },
  'the provider refused the login, and it is tried again': {
    facts: withPeers(ALONE, { uplinks: [outage({ proto: 'pppoe', pending: true })] }),
    before: withPeers(ALONE, { uplinks: [outage({ proto: 'pppoe', errors: ['AUTH_FAILED'] })] }),
    id: 'no_login',
    state: 'bad',
    link: 'line',
  },
  'the login fails, and neighbours carry the mesh': {
    facts: withPeers([neighbour(), broken(NO_WAY)], { uplinks: [outage({ proto: 'pppoe', errors: ['AUTH_FAILED'] })] }),
    id: 'no_login_carried',
    state: 'weak',
    link: 'line',
  },
  'the SIM card wants a PIN': {
    facts: withPeers(ALONE, { uplinks: [outage({ proto: 'qmi', errors: ['PIN_FAILED'] })] }),
    id: 'no_sim',
    state: 'bad',
    link: 'line',
  },
  'the line reports another error': {
    facts: withPeers(ALONE, { uplinks: [outage({ errors: ['CONNECT_FAILED'] })] }),
    id: 'line_error',
    state: 'bad',
    link: 'line',
  },
  'nobody answers the request for an address': {
    facts: withPeers(ALONE, { uplinks: [outage({ pending: true, carrier: true })] }),
    id: 'line_waits',
    state: 'bad',
    link: 'line',
  },
  'the line is being set up': {
    facts: withPeers(ALONE, { uplinks: [outage({ pending: true, carrier: true })] }),
    forMs: 30_000,
    id: 'line_setup',
    state: 'unknown',
  },
  'the line came up a moment ago, and has no route yet': {
    facts: withPeers(ALONE, { uplinks: [unrouted({ uptime_s: 3 })] }),
    id: 'line_setup',
    state: 'unknown',
  },
  'the line is switched off': {
    facts: withPeers(ALONE, { uplinks: [outage({ carrier: true })] }),
    id: 'line_off',
    state: 'bad',
    link: 'line',
  },
  'the line is up without an address': {
    facts: withPeers(ALONE, { uplinks: [unrouted({ addresses: [] })] }),
    id: 'no_address',
    state: 'bad',
    link: 'line',
  },
  'the line has no default route': {
    facts: withPeers(ALONE, { uplinks: [unrouted()] }),
    id: 'no_route',
    state: 'bad',
    link: 'line',
  },
  'only an interface for IPv6, and it waits in vain': {
    facts: withPeers(ALONE, { uplinks: [outage({ interface: 'wan6', proto: 'dhcpv6', pending: true })] }),
    id: 'line_waits',
    state: 'bad',
    link: 'line',
  },
  'line and Yggdrasil are broken: the line comes first': {
    facts: { ...unreached('No such file or directory', { configured: [{ uri: NAMED }] }), uplinks: [UNPLUGGED] },
    id: 'no_cable',
    state: 'bad',
    link: 'line',
  },

  // dns
  'the line came without a name server': {
    facts: withPeers([broken(NO_NAME, { remote: NAMED })], {
      uplinks: [uplink({ dns_servers: [] })],
      dns: { host: 'peer.example', result: 'timeout' },
    }),
    id: 'no_name_server',
    state: 'bad',
    link: 'dns',
  },
  'the name server does not answer': {
    facts: withPeers([broken(TIMEOUT, { remote: NAMED })], { dns: { host: 'peer.example', result: 'timeout' } }),
    id: 'dns_silent',
    state: 'bad',
    link: 'dns',
  },
  'the name server does not answer Yggdrasil': {
    facts: withPeers([
      broken('lookup peer.example on 127.0.0.1:53: read udp 127.0.0.1:9: i/o timeout', { remote: NAMED }),
    ]),
    id: 'dns_silent',
    state: 'bad',
    link: 'dns',
  },
  'the name server does not answer, but peers are up': {
    facts: withPeers([peer({ remote: NAMED })], { dns: { host: 'peer.example', result: 'timeout' } }),
    id: 'dns_silent_still',
    state: 'weak',
    link: 'dns',
  },
  'no name is found': {
    facts: withPeers([broken(NO_NAME, { remote: NAMED })]),
    id: 'dns_empty',
    state: 'bad',
    link: 'dns',
  },

  // clock
  'the clock is behind': {
    facts: facts({ clock: { ...CLOCK, unixMs: 0 } }),
    id: 'clock_behind_still',
    state: 'weak',
    link: 'clock',
  },
  'the clock is ahead': {
    facts: facts({ clock: { ...CLOCK, unixMs: Date.UTC(2099, 0, 1) } }),
    id: 'clock_ahead_still',
    state: 'weak',
    link: 'clock',
  },
  'the clock is wrong, which is not why the peer refuses': {
    facts: withPeers(ALONE, { clock: { ...CLOCK, unixMs: 0 } }),
    id: 'refused_alone',
    state: 'bad',
    link: 'peers',
  },
  'the clock is wrong, and therefore certificates are': {
    facts: withPeers([broken('x509: certificate has expired or is not yet valid')], {
      clock: { ...CLOCK, unixMs: 0 },
    }),
    id: 'clock_blocks',
    state: 'bad',
    link: 'clock',
  },

  // yggdrasil
  'no Yggdrasil': { facts: facts({ yggdrasil: undefined }), id: 'no_yggdrasil', state: 'bad', link: 'yggdrasil' },
  'its interface is switched off': {
    facts: unreached('No such file or directory', { setup: { up: false, pending: false, errors: [] } }),
    id: 'yggdrasil_off',
    state: 'bad',
    link: 'yggdrasil',
  },
  'its interface cannot be set up': {
    facts: unreached('No such file or directory', { setup: { up: false, pending: false, errors: ['SETUP_FAILED'] } }),
    id: 'yggdrasil_error',
    state: 'bad',
    link: 'yggdrasil',
  },
  'it is started over and over': {
    facts: unreached('No such file or directory', { setup: { up: false, pending: true, errors: [] } }),
    id: 'yggdrasil_loop',
    state: 'bad',
    link: 'yggdrasil',
  },
  'its socket is missing': {
    facts: unreached('connect /tmp/yggdrasil/ygg0.sock: No such file or directory'),
    id: 'yggdrasil_missing',
    state: 'bad',
    link: 'yggdrasil',
  },
  'its socket refuses': {
    facts: unreached('connect /tmp/yggdrasil/ygg0.sock: Connection refused'),
    id: 'yggdrasil_crashed',
    state: 'bad',
    link: 'yggdrasil',
  },
  'its socket is forbidden': {
    facts: unreached('connect /tmp/yggdrasil/ygg0.sock: Permission denied'),
    id: 'yggdrasil_locked',
    state: 'unknown',
  },
  'it does not answer': {
    facts: unreached('not ready after 5000 ms', { setup: { up: true, pending: false, errors: [] } }),
    id: 'yggdrasil_silent',
    state: 'bad',
    link: 'yggdrasil',
  },
  'it cannot be reached for another reason': {
    facts: unreached('connect /tmp/yggdrasil/ygg0.sock: Too many open files'),
    id: 'yggdrasil_unreached',
    state: 'bad',
    link: 'yggdrasil',
  },
  'it is restarted': {
    facts: unreached('connect /tmp/yggdrasil/ygg0.sock: No such file or directory'),
    before: GOOD,
    forMs: 10_000,
    id: 'yggdrasil_restarting',
    state: 'unknown',
  },

  // peers
  'no peers at all': {
    facts: facts({ yggdrasil: yggdrasil({ peers: [], multicast: [] }) }),
    id: 'no_peers',
    state: 'bad',
    link: 'peers',
  },
  'no neighbour found': { facts: withPeers([]), id: 'no_neighbours', state: 'bad', link: 'peers' },
  'no neighbour any more': {
    facts: withPeers([]),
    before: GOOD,
    id: 'neighbours_lost',
    state: 'bad',
    link: 'peers',
  },
  'saved peers that are not in use': {
    facts: facts({ yggdrasil: yggdrasil({ peers: [], configured: [{ uri: 'tls://203.0.113.7:1?key=x' }] }) }),
    id: 'not_in_force',
    state: 'bad',
    link: 'peers',
  },
  'one of the saved peers is not in use': {
    facts: facts({ yggdrasil: yggdrasil({ peers: ONE_UP, configured: [{ uri: 'tls://203.0.113.9:1' }] }) }),
    id: 'not_in_force_still',
    state: 'weak',
    link: 'peers',
  },
  'IPv6 only, and peers with IPv4': {
    facts: withPeers([broken(NO_WAY)], { uplinks: [uplink({ addresses: ['2001:db8::2'], next_hops: ['fe80::1'] })] }),
    id: 'only_ipv6',
    state: 'bad',
    link: 'peers',
  },
  'IPv4 only, and peers with IPv6': {
    facts: withPeers([broken(NO_WAY, { remote: 'tls://[2001:db8::7]:1' })]),
    id: 'only_ipv4',
    state: 'bad',
    link: 'peers',
  },
  'line and names are good, nothing on the Internet answers': {
    facts: withPeers([broken(TIMEOUT), broken(NO_WAY, { remote: 'tls://203.0.113.8:1' })]),
    id: 'all_unreachable',
    state: 'bad',
    link: 'peers',
  },
  'all are down, for different reasons': {
    facts: withPeers([broken(REFUSED), broken(TIMEOUT, { remote: 'tls://203.0.113.8:1' })]),
    id: 'all_down',
    state: 'bad',
    link: 'peers',
  },
  'all are down, and netifd does not answer': {
    facts: withPeers([broken(REFUSED), broken(TIMEOUT)], { uplinks: undefined }),
    id: 'all_down',
    state: 'bad',
    link: 'peers',
  },
  'two of three are down': {
    facts: withPeers([peer(), broken(REFUSED), broken(TIMEOUT)]),
    id: 'some_down_still',
    state: 'weak',
    link: 'peers',
  },
  'nothing comes from any': {
    facts: withPeers([peer({ state: 'unproven' })]),
    id: 'all_unproven',
    state: 'bad',
    link: 'peers',
  },
  'nothing comes from one': {
    facts: withPeers([peer(), neighbour({ state: 'unproven' })]),
    id: 'some_unproven_still',
    state: 'weak',
    link: 'peers',
  },
  'one is unsteady': {
    facts: withPeers([peer(), neighbour({ changes_per_hour: 8 })]),
    id: 'flapping_still',
    state: 'weak',
    link: 'peers',
  },
  'the only one is unsteady, and down now': {
    facts: withPeers([broken('EOF', { changes_per_hour: 8, state_ago_ms: 4000 })]),
    id: 'flapping_alone',
    state: 'bad',
    link: 'peers',
  },
  'only inbound peers from the Internet': {
    facts: withPeers([peer({ inbound: true, origin: 'inbound' })]),
    id: 'only_inbound_still',
    state: 'weak',
    link: 'peers',
  },
  'a neighbour that called us is as good as one that we called': {
    facts: withPeers([neighbour({ inbound: true, origin: 'inbound' })]),
    id: 'good',
    state: 'good',
  },
  'the line came up a moment ago': {
    facts: withPeers(ALONE, { uplinks: [uplink({ uptime_s: 5 })] }),
    id: 'dialling',
    state: 'unknown',
  },
  'Yggdrasil started a moment ago': {
    facts: facts({ yggdrasil: yggdrasil({ peers: ALONE, connectedAtMs: NOW_MS - 10_000 }) }),
    id: 'dialling',
    state: 'unknown',
  },
  'the last peer went a moment ago': {
    facts: withPeers([broken('EOF', { state_ago_ms: 5000 })]),
    id: 'dialling',
    state: 'unknown',
  },
  'the list of peers has not come': {
    facts: facts({ yggdrasil: yggdrasil({ peers: undefined }) }),
    id: 'unasked',
    state: 'unknown',
  },

  // tree
  'peers are up, but the node knows nobody': {
    facts: facts({ yggdrasil: yggdrasil({ self: { ...yggdrasil().self!, routing_entries: 1 } }) }),
    id: 'tree_alone',
    state: 'bad',
    link: 'tree',
  },
  'a peer came up a moment ago, and the node knows nobody yet': {
    facts: facts({
      yggdrasil: yggdrasil({
        peers: [peer({ state_ago_ms: 60_000 })],
        tree: [{ key: KEY, address: '200::1', parent: KEY, sequence: 1 }],
        self: undefined,
      }),
    }),
    id: 'tree_joining',
    state: 'unknown',
  },
};

/** Real texts of Yggdrasil and Go. */
const ERRORS: [string | undefined, string, Partial<Peer>?][] = [
  [REFUSED, 'refused'],
  ['dial tcp 203.0.113.7:1: connect: no route to host', 'unreachable'],
  [TIMEOUT, 'silent'],
  ['context deadline exceeded', 'silent'],
  [NO_NAME, 'nameless'],
  ['node public key that does not match pinned keys', 'wrong_key'],
  ['password does not match remote side', 'wrong_password'],
  ['remote node incompatible version (local 0.5, remote 0.4)', 'wrong_version'],
  ['tls: first record does not look like a TLS handshake', 'wrong_protocol'],
  ['remote side closed the connection', 'hung_up'],
  ['EOF', 'hung_up'],
  ['interface "wan9" not found', 'wrong_device'],
  ['peer has no suitable addresses', 'wrong_address'],
  ['address 1.2.3.4: missing port in address', 'wrong_address'],
  ['link schema unknown', 'wrong_address'],
  ['node cannot connect to self', 'own_address'],
  [
    'socks connect tcp 127.0.0.1:9050->peer.example:1: dial tcp 127.0.0.1:9050: connect: connection refused',
    'bad_proxy',
  ],
  ['something nobody has seen', 'odd'],
  [undefined, 'quiet'],
];
for (const [text, kind, more] of ERRORS) {
  ROWS[`one of two peers is down: ${text}`] = {
    facts: beside(text, more),
    id: `${kind}_still`,
    state: 'weak',
    link: 'peers',
  };
  ROWS[`the only peer is down: ${text}`] = {
    facts: withPeers([broken(text)]),
    id: `${kind}_alone`,
    state: 'bad',
    link: 'peers',
  };
}

// the way to the Internet by a gateway
const lease = (state: InternetFact['state'], id: string, more: Partial<InternetFact> = {}): VerdictFacts =>
  facts({
    internet: {
      ...{ state, id, blocking: state !== 'asking' },
      values: { gateway: 'boston', reason: 'not paid', problem: 'timeout', place: 2, of: 5, left: 60 },
      ...more,
    },
  });
const LEASES: [what: string, facts: VerdictFacts, id: string, isBad?: true][] = [
  ['is on trial', lease('trial', 'trial'), 'internet_trial'],
  ['waits for an operator, and is blocked', lease('waiting', 'waiting'), 'internet_waiting', true],
  ['waits for an operator', lease('waiting', 'waiting', { blocking: false }), 'internet_waiting'],
  ['is let out', lease('blocked', 'let_out', { blocking: false }), 'internet_let_out'],
  ['has a gateway that is offline', lease('degraded', 'offline'), 'internet_offline', true],
  ['failed its test', lease('degraded', 'no_exit'), 'internet_no_exit', true],
  ['has a gateway that drains', lease('degraded', 'draining'), 'internet_draining'],
  ['is not renewed', lease('degraded', 'renewing'), 'internet_renewing'],
  ['has no IPv6', lease('degraded', 'no_ipv6'), 'internet_no_ipv6'],
  ['has no gateway', lease('blocked', 'no_gateway'), 'internet_no_gateway', true],
  ['has a gateway that is gone', lease('blocked', 'unreachable'), 'internet_unreachable', true],
  ['is suspended', lease('blocked', 'suspended'), 'internet_suspended', true],
  ['is refused', lease('blocked', 'refused'), 'internet_refused', true],
  ['finds all full', lease('blocked', 'queue_full'), 'internet_full', true],
  ['cannot make a tunnel', lease('blocked', 'machine'), 'internet_machine', true],
  ['is asked for a name', lease('blocked', 'asks_for'), 'internet_odd', true],
];
for (const [what, facts, id] of LEASES)
  ROWS[`the lease ${what}`] = { facts, id: `${id}_still`, state: 'weak', link: 'internet' };
Object.assign(ROWS, {
  'the lease is up': { facts: lease('up', 'up'), id: 'good_with_internet', state: 'good' },
  'the gateways are being asked': { facts: lease('blocked', 'asking'), id: 'good', state: 'good' },
  'a trial has not begun': { facts: lease('asking', 'refused'), id: 'good', state: 'good' },
  'a tunnel is suspect': { facts: lease('degraded', 'suspect'), id: 'good', state: 'good' },
  'a lease is blocked, since the mesh is out': {
    facts: { ...lease('blocked', 'unreachable'), yggdrasil: yggdrasil({ peers: [broken(REFUSED)] }) },
    id: 'refused_alone',
    state: 'bad',
    link: 'peers',
  },
} satisfies Record<string, Row>);

/** Judges, and says it. */
class Judge {
  private readonly thinker = new Thinker();

  judge(facts: VerdictFacts, nowMs: number): Verdict {
    return speak(this.thinker.judge(facts, nowMs));
  }
}

function verdictOf({ facts, before, forMs = 200_000 }: Row) {
  const judge = new Judge();
  if (before) {
    judge.judge(before, NOW_MS - forMs - 60_000);
    judge.judge({ ...before, clock: later(before, 59_000) }, NOW_MS - forMs - 1000);
  }
  judge.judge({ ...facts, clock: later(facts, 60_000) }, NOW_MS - forMs);
  return judge.judge({ ...facts, clock: later(facts, 60_000 + forMs) }, NOW_MS);
}
const later = ({ clock }: VerdictFacts, ms: number) => ({ ...clock, unixMs: clock.unixMs + ms });

const situation = suite('Judge situations');
for (const [what, row] of Object.entries(ROWS)) {
  situation(`tells ${row.id}: ${what}`, () => {
    const verdict = verdictOf(row);
    assert.equal([verdict.id, verdict.state], [row.id, row.state], verdict.sentence);
    const link =
      verdict.checks.find(({ state }) => state === 'bad') ?? verdict.checks.find(({ state }) => state === 'weak');
    if (row.state === 'bad') assert.is(verdict.checks.find(({ state }) => state === 'bad')?.link, row.link);
    else assert.is(link?.link, row.link);
    assert.not.match(verdict.sentence + verdict.fix, /[{}]/);
  });
}
situation.run();

const words = suite('verdict words');
words('say of different situations different things', () => {
  const sentences = new Map<string, string>();
  for (const row of Object.values(ROWS)) {
    const { id, words } = verdictOf(row);
    const other = sentences.get(words.sentence);
    assert.ok(other === undefined || other === id, `${id} and ${other}: ${words.sentence}`);
    sentences.set(words.sentence, id);
  }
});
words('are all reached', () => {
  const left = new Set<string>(Object.values(WHOLE).map(([sentence]) => sentence));
  for (const situations of Object.values(SITUATIONS))
    for (const words of Object.values<string | readonly string[]>(situations))
      left.add(typeof words === 'string' ? words : words[0]!);
  const reach = (verdict: ReturnType<typeof verdictOf>): void => {
    for (const text of left) if (verdict.words.sentence.startsWith(text)) left.delete(text);
    for (const check of verdict.checks) left.delete(check.words.evidence);
  };
  for (const row of Object.values(ROWS)) reach(verdictOf(row));
  // not reached by a single moment: the suites below are about these
  for (const verdict of [...jumping(), judged(withPeers([peer({ remote: NAMED })], { dns: FOUND }))]) reach(verdict);
  reach(judged(withPeers([peer({ remote: NAMED })])));
  reach(judged(facts({ yggdrasil: yggdrasil({ self: undefined }) })));
  assert.equal([...left], []);
});
words('leave no value out that they have a place for', () => {
  for (const [what, row] of Object.entries(ROWS)) {
    const { checks } = verdictOf(row);
    for (const { evidence } of checks) assert.not.match(evidence, /[{}]/, what);
  }
});
words('name nothing of others in sentence and fix', () => {
  for (const row of Object.values(ROWS)) {
    const { sentence, fix, values } = verdictOf(row);
    assert.not.match(JSON.stringify([sentence, fix, values]), /203\.0\.113|peer\.example|maple|fe80|abab/);
  }
});
words('are all in the list for catalogues', () => {
  const texts = new Set(verdictTexts());
  for (const row of Object.values(ROWS)) {
    const { words, checks } = verdictOf(row);
    for (const text of [words.sentence, words.fix, ...checks.map((check) => check.words.evidence)])
      assert.ok(text === '' || texts.has(text), text);
  }
});
words.run();

const FOUND = { host: 'peer.example', result: 'found' } as const;
const judged = (known: VerdictFacts) => verdictOf({ facts: known, id: '', state: '' });
function* jumping() {
  const judge = new Judge();
  for (let i = 0; i < 6; i++) {
    const unixMs = CLOCK.unixMs + (i % 2) * 7_200_000;
    yield judge.judge(facts({ clock: { ...CLOCK, unixMs } }), NOW_MS + i * 60_000);
  }
}

const wisdom = suite('Judge wisdom');
wisdom('looks at the way to the Internet only where a gateway is used, and tells how bad it is there', () => {
  assert.equal(
    judged(GOOD).checks.map(({ link }) => link),
    CHAIN.slice(0, -1),
  );
  for (const [what, known, , isBad] of LEASES) {
    const { checks } = judged(known);
    assert.equal([checks.at(-1)!.link, checks.at(-1)!.state], ['internet', isBad ? 'bad' : 'weak'], what);
  }
  assert.is(judged(ROWS['a lease is blocked, since the mesh is out']!.facts).checks.at(-1)!.state, 'unknown');
});
wisdom('tells which gateway serves, and what an operator says only in the evidence', () => {
  assert.match(judged(lease('up', 'up')).sentence, /by the gateway boston/);
  const { sentence, fix, checks } = judged(lease('blocked', 'suspended'));
  assert.not.match(sentence + fix, /not paid/);
  assert.match(checks.at(-1)!.evidence, /boston says: not paid/);
});
wisdom('finds one name unknown where others are found to be the fault of that peer', () => {
  const peers = [broken(NO_NAME, { remote: NAMED }), peer({ remote: 'tls://other.example:1' })];
  const verdict = judged(withPeers(peers, { dns: { host: 'peer.example', result: 'unknown' } }));
  assert.equal([verdict.id, verdict.checks[1]!.state], ['nameless_still', 'good']);
});
wisdom('names the peer that is down, and its error, in the evidence', () => {
  const { checks } = judged(withPeers([neighbour(), broken(REFUSED)]));
  assert.is(checks[4]!.evidence, `1 of 2 peers are up. Down: tls://203.0.113.7:4001 (${REFUSED}).`);
});
wisdom('asks nothing of the line while names need none', () => {
  assert.is(judged(withPeers([neighbour()])).checks[1]!.state, 'unused');
});
wisdom('holds nothing against peers on the Internet while the line is out', () => {
  const known = withPeers([neighbour(), broken(NO_WAY)], { uplinks: [UNPLUGGED] });
  assert.is(verdictOf({ facts: known, before: GOOD, id: '', state: '' }).checks[4]!.state, 'good');
});
wisdom('calls a clock ill that jumps again and again', () => {
  const verdicts = [...jumping()];
  assert.equal(
    verdicts.map(({ id }) => id),
    ['good', 'good', 'good', 'good', 'clock_jumps_still', 'clock_jumps_still'],
  );
});
wisdom('forgets the error of a line that came back', () => {
  const judge = new Judge();
  const failed = withPeers(ALONE, { uplinks: [outage({ errors: ['AUTH_FAILED'] })] });
  const waits = withPeers(ALONE, { uplinks: [outage({ pending: true })] });
  judge.judge(failed, 0);
  assert.is(judge.judge(waits, 100_000).id, 'no_login');
  judge.judge(GOOD, 110_000);
  judge.judge(waits, 120_000);
  assert.is(judge.judge(waits, 200_000).id, 'line_waits');
});
wisdom.run();

const memory = suite('Judge memory');
memory('counts how long a situation has been so, and when all was good', () => {
  const judge = new Judge();
  assert.equal(judge.judge(GOOD, 1000).last_good_ago_s, 0);
  const still = judge.judge(GOOD, 61_000);
  assert.equal([still.since_s, still.last_good_ago_s], [60, 0]);
  const cut = withPeers([neighbour()], { uplinks: [UNPLUGGED] });
  const fresh = judge.judge(cut, 71_000);
  assert.equal([fresh.id, fresh.since_s, fresh.last_good_ago_s], ['no_cable_carried', 0, 10]);
  assert.equal(
    fresh.checks.map(({ since_s }) => since_s),
    [0, 70, 70, 70, 70, 70],
  );
  const lasting = judge.judge(cut, 131_000);
  assert.equal([lasting.since_s, lasting.last_good_ago_s, lasting.checks[0]!.since_s], [60, 70, 60]);
  const back = judge.judge(GOOD, 141_000);
  assert.equal([back.id, back.since_s, back.last_good_ago_s], ['good', 0, 0]);
});
memory('does not tell when all was good where it never was', () => {
  assert.not('last_good_ago_s' in judged(withPeers(ALONE)));
});
memory('begins anew when one fault follows another', () => {
  const judge = new Judge();
  judge.judge(withPeers(ALONE, { uplinks: [UNPLUGGED] }), 0);
  judge.judge(withPeers(ALONE, { uplinks: [UNPLUGGED] }), 100_000);
  const other = judge.judge(withPeers(ALONE, { uplinks: [outage({ errors: ['AUTH_FAILED'] })] }), 150_000);
  assert.equal([other.id, other.since_s, other.checks[0]!.since_s], ['no_login', 0, 50]);
});
memory.run();

const hostile = suite('Judge hostile values');
const BAD_TEXT = `<script>alert(1)</script>\u0000\u202e\n{up}${'x'.repeat(10_240)}`;
hostile('keeps them harmless and short', () => {
  const bad = { last_error: BAD_TEXT, name: BAD_TEXT, remote: BAD_TEXT };
  const all: VerdictFacts[] = [
    withPeers([peer(), broken('', bad)]),
    withPeers([broken('', bad)]),
    withPeers([broken(`lookup ${BAD_TEXT}`, { remote: `tls://${BAD_TEXT}` })]),
    withPeers([peer({ remote: NAMED })], { dns: { host: BAD_TEXT, result: 'timeout' } }),
    withPeers(ALONE, { uplinks: [outage({ interface: BAD_TEXT, device: BAD_TEXT, errors: [BAD_TEXT, 'SIM'] })] }),
    unreached(BAD_TEXT),
    unreached(BAD_TEXT, { interface: BAD_TEXT, setup: { up: false, pending: false, errors: [BAD_TEXT] } }),
    facts({ yggdrasil: yggdrasil({ peers: ONE_UP, configured: [{ uri: BAD_TEXT }, { uri: `tls://x@${BAD_TEXT}` }] }) }),
  ];
  for (const known of all) {
    const text = JSON.stringify(judged(known));
    assert.not.match(text, /<|\\u0000|\u202e|\\n/);
    assert.ok(text.length < 8000, `~> ${text.length}`);
  }
});
hostile('hides what is secret in a configured peering', () => {
  const configured = [{ uri: 'socks://me:hunter2@proxy.example:1/203.0.113.9:1?password=sesame' }];
  const text = JSON.stringify(judged(facts({ yggdrasil: yggdrasil({ peers: ONE_UP, configured }) })));
  assert.match(text, /proxy\.example/);
  assert.not.match(text, /hunter2|sesame/);
});
hostile.run();

const property = suite('Judge properties');
property('holds for any facts: one verdict, checks in order, and a state that they bear out', () => {
  const random = seededRandom(4);
  const one = <T>(...of: T[]): T => of[Math.floor(random() * of.length)]!;
  const some = <T>(make: () => T): T[] => Array.from({ length: Math.floor(random() * 4) }, make);
  const texts = [REFUSED, TIMEOUT, NO_NAME, NO_WAY, 'EOF', '', BAD_TEXT, 'x509: certificate has expired'];
  const anyPeer = (): Peer =>
    one(peer, neighbour, (more: Partial<Peer>) => broken(one(...texts), more))({
      state: one('up', 'unproven', 'down'),
      inbound: random() < 0.3,
      origin: one('configured', 'runtime', 'multicast', 'inbound', 'unknown'),
      state_ago_ms: one(0, 50_000, 500_000),
      changes_per_hour: one(0, 0, 0, 9),
      remote: one(NAMED, 'tls://203.0.113.7:1', 'tls://[2001:db8::1]:1', 'tcp://10.0.0.1:1', 'unix:///x', '', BAD_TEXT),
    });
  const anyUplink = (): Uplink => ({
    ...uplink({
      interface: one('wan', 'wan6', 'wwan'),
      proto: one('dhcp', 'dhcpv6', 'pppoe', 'wireguard', 'static'),
      device: one('eth1', 'wwan0', '@wan'),
      up: random() < 0.5,
      pending: random() < 0.3,
      default_route: random() < 0.5,
      next_hops: one([], ['fe80::1'], ['198.51.100.1']),
      addresses: one([], ['198.51.100.2']),
      dns_servers: one([], ['198.51.100.1']),
      errors: one([], [], ['NO_DEVICE'], ['AUTH_FAILED'], [BAD_TEXT]),
    }),
    ...(random() < 0.5 && { carrier: random() < 0.5 }),
  });
  const anyFacts = (nowMs: number): VerdictFacts => ({
    internet: one(undefined, undefined, {
      state: one('idle', 'asking', 'waiting', 'trial', 'up', 'degraded', 'blocked'),
      id: one(BAD_TEXT, 'up', 'unreachable', 'suspended', 'offline', 'no_exit', 'asking', 'constructor'),
      blocking: random() < 0.5,
      values: one({}, { gateway: BAD_TEXT, reason: BAD_TEXT, problem: BAD_TEXT }),
    }),
    uplinks: one(undefined, some(anyUplink), some(anyUplink)),
    dns: one(undefined, { host: BAD_TEXT, result: one('found', 'unknown', 'timeout') }),
    clock: { ...CLOCK, unixMs: one(CLOCK.unixMs, 0, Number.NaN, 9e99, -9e99, BUILT_MS) },
    yggdrasil: one(
      undefined,
      unreached(one(BAD_TEXT, 'Permission denied', 'No such file or directory')).yggdrasil,
      ...Array.from({ length: 4 }, () =>
        yggdrasil({
          peers: one(undefined, some(anyPeer), some(anyPeer)),
          connectedAtMs: one(0, nowMs),
          configured: one(undefined, [], [{ uri: NAMED }, { uri: BAD_TEXT }]),
          multicast: one(undefined, [], [{ name: BAD_TEXT, beacon: true }]),
          self: one(undefined, yggdrasil().self),
        }),
      ),
    ),
  });
  let judge = new Judge();
  let lastGoodMs: number | undefined;
  let nowMs = 0;
  for (let i = 0; i < 2000; i++) {
    if (i % 20 === 0) {
      judge = new Judge();
      lastGoodMs = undefined;
    }
    nowMs += one(0, 1000, 30_000, 600_000);
    const known = anyFacts(nowMs);
    const verdict = judge.judge(known, nowMs);
    const { state, checks } = verdict;
    const has = (wanted: string): boolean => checks.some((check) => check.state === wanted);
    assert.equal(
      checks.map(({ link }) => link),
      CHAIN.slice(0, known.internet ? undefined : -1),
    );
    for (const check of checks) {
      assert.ok((CHECK_STATES as readonly string[]).includes(check.state));
      assert.not.match(check.evidence, /</);
      assert.ok(check.since_s >= 0 && check.evidence.length < 800);
    }
    assert.ok(verdict.sentence.length > 10 && verdict.sentence.length < 500, verdict.sentence);
    assert.is(verdict.fix === '', state === 'good', verdict.id);
    if (state === 'good') assert.not(has('bad') || has('weak'), verdict.id);
    else if (state === 'weak') assert.ok(has('bad') || has('weak'), verdict.id);
    else if (state === 'bad') assert.ok(has('bad'), verdict.id);
    else assert.not(has('bad'), verdict.id);
    if (state === 'good') lastGoodMs = nowMs;
    assert.is(verdict.last_good_ago_s, lastGoodMs === undefined ? undefined : (nowMs - lastGoodMs) / 1000);
  }
});
property.run();
