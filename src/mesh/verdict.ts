// Does the mesh work, and if not, which is the first broken link of the chain: judged from facts that others gather.

import {
  CHAIN,
  type ChainLink,
  type CheckState,
  type MulticastInterface,
  type Peer,
  type Self,
  type TreeEntry,
  type Uplink,
  type Values,
} from '../api/model.ts';
import { identityOf, redact } from '../lib/peer-text.ts';
import type { LeaseState } from './home-situation.ts';
import type { PeeringName } from './peer.ts';
import type { Situations, Tail, Whole } from './verdict-words.ts';

/** What came of resolving one host name that a configured peering uses. */
export interface DnsFact {
  readonly host: string;
  /** `unknown`: the answer held no address; `timeout`: there was no answer. */
  readonly result: 'found' | 'unknown' | 'timeout';
}

/** The wall clock, and between what it must be; Unix milliseconds. */
export interface ClockFact {
  readonly unixMs: number;
  /** This program was built then. */
  readonly earliestMs: number;
  readonly latestMs: number;
}

/** What netifd says of Yggdrasil's interface. */
export interface SetupFact {
  readonly up: boolean;
  readonly pending: boolean;
  /** Codes: `SETUP_FAILED`, say. */
  readonly errors: readonly string[];
}

/** One Yggdrasil of this router. What it said counts while it is connected; absent: not said yet. */
export interface YggdrasilFact {
  readonly interface: string;
  /** Since when it answers, on the clock of `nowMs`; absent: it does not. */
  readonly connectedAtMs?: number | undefined;
  /** The error of the last attempt to reach it. */
  readonly problem?: string | undefined;
  /** Absent: netifd does not know it, or was not asked. */
  readonly setup?: SetupFact | undefined;
  /** Peerings of the configuration; absent: not known. */
  readonly configured?: readonly PeeringName[] | undefined;
  readonly peers?: readonly Peer[] | undefined;
  readonly multicast?: readonly MulticastInterface[] | undefined;
  readonly self?: Self | undefined;
  readonly tree?: readonly TreeEntry[] | undefined;
}

/** How it is with the home's lease, while that is switched on or on trial. */
export interface InternetFact {
  readonly state: LeaseState;
  /** Its situation, as home-situation.ts has it. */
  readonly id: string;
  /** Nothing goes out by the own line. */
  readonly blocking: boolean;
  /** Of its situation. */
  readonly values: Values;
}

/** All that a verdict rests on. */
export interface VerdictFacts {
  /** Interfaces that hold a default route, did, or should; absent: netifd does not answer. */
  readonly uplinks?: readonly Uplink[] | undefined;
  /** Absent: no configured peering has a name, or none was asked for yet. */
  readonly dns?: DnsFact | undefined;
  readonly clock: ClockFact;
  /** Absent: there is none on this router. */
  readonly yggdrasil?: YggdrasilFact | undefined;
  /** Absent: this home uses no gateway. */
  readonly internet?: InternetFact | undefined;
}

type Situation<L extends ChainLink = ChainLink> = L extends ChainLink ? keyof Situations[L] : never;

/** Situations that are no fault: of these there is nothing to say but what they were seen by. */
type Sound<L extends ChainLink = ChainLink> = L extends ChainLink
  ? { [K in keyof Situations[L]]: Situations[L][K] extends string ? K : never }[keyof Situations[L]]
  : never;
const SOUND: Readonly<Record<Sound, true>> = {
  line_good: true,
  line_unused: true,
  line_unasked: true,
  dns_good: true,
  dns_unused: true,
  dns_unasked: true,
  dns_waits: true,
  clock_good: true,
  yggdrasil_good: true,
  peers_good: true,
  peers_waits: true,
  tree_good: true,
  tree_waits: true,
  tree_unasked: true,
  internet_good: true,
  internet_waits: true,
  internet_asking: true,
  internet_suspect: true,
};

/** A link as it was found, not put into words yet. */
export interface JudgedCheck {
  readonly link: ChainLink;
  readonly state: CheckState;
  readonly since_s: number;
  readonly situation: string;
  readonly values: Values;
}

/** What was found, not put into words yet: verdict-words.ts has them, and is not in memory as long as nobody looks. Values are not cleaned. */
export interface Judgement {
  readonly state: CheckState;
  readonly id: string;
  readonly since_s: number;
  readonly last_good_ago_s?: number;
  /** The fault that counts, by its link; else how the whole is. */
  readonly fault: { readonly link: ChainLink; readonly situation: string; readonly tail: Tail | undefined } | Whole;
  readonly values: Values;
  readonly checks: readonly JudgedCheck[];
}

/** One link, looked at. Values are as they came, not cleaned. */
interface Finding<L extends ChainLink = ChainLink> {
  readonly state: CheckState;
  readonly id: Situation<L>;
  readonly values?: Values;
  /** The sentence is about one peer, and no other is up. */
  readonly alone?: boolean;
}

/** What one look at all links has in common. */
interface Sight {
  readonly facts: VerdictFacts;
  readonly nowMs: number;
  /** The node answers, and its peers and the others are those of now. */
  readonly node: YggdrasilFact | undefined;
  readonly peers: readonly Peer[];
  /** Peerings that this router dials itself. */
  readonly dialled: readonly Peer[];
  /** Peers that are up, and not only claimed to be by the time that the line went. */
  readonly up: readonly Peer[];
  /** Configured peerings that the node does not have, as they may be shown. */
  readonly missing: readonly string[];
  /** Some peering has a host name. */
  readonly named: boolean;
  /** Some peering leads through the Internet. */
  readonly needsLine: boolean;
  /** Uplinks that carry the Internet, as far as this router can tell. */
  readonly lines: readonly Uplink[];
}

/** What is remembered of an uplink. */
interface Outage {
  /** Since when it does not carry the Internet. */
  readonly sinceMs: number;
  /** It did, while this watched. */
  readonly hasCarried: boolean;
  /** netifd forgets errors each time that it tries again. */
  readonly errors: readonly string[];
}

/** After the start, nothing is called broken for so long. */
const START_MS = 20_000;
/** How long something may take to come up before that is a fault: a line, its last step, Yggdrasil, and its peers. */
const LINE_SETUP_MS = 60_000;
const LINE_FRESH_S = 30;
const YGGDRASIL_SETUP_MS = 60_000;
const YGGDRASIL_PAUSE_MS = 20_000;
const DIALLING_MS = 30_000;
const PEER_PAUSE_MS = 20_000;
/** What the node knows of the mesh is asked for about once a minute. */
const JOINING_MS = 120_000;
/** One peer of several that is down for less is not worth a word. */
const PEER_DOWN_MS = 120_000;
const FLAPPING_PER_HOUR = 6;
/** The wall clock against the monotonic one: more is a jump. So many in an hour, and it is ill. */
const JUMP_MS = 60_000;
const ILL_JUMPS = 4;
const MAX_JUMPS = 16;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** A proof that is so much younger than the loss of the line is none from before it. */
const PROOF_MS = 5000;
const LAST_DATE_MS = 8.64e15;
/** Names and devices in one sentence. */
const MAX_NAMED = 3;

/** Runs through a line, and is none. */
const TUNNEL = /^(wireguard|gre|ipip|vxlan|vti|xfrm|openvpn|openconnect|nebula|tailscale|464xlat)/;
/** Hosts that no Internet line leads to: link-local and private addresses, sockets. */
const NEAR =
  /^unix:|^(?!socks)\w+:\/\/(\[(fe[89ab][0-9a-f]|f[cd][0-9a-f]{2}):|(10|127|192\.168|169\.254|172\.(1[6-9]|2\d|3[01]))\.)/i;
const IPV4 = /^(?!socks)\w+:\/\/[\d.]+(:|$)/;
const IPV6 = /^(?!socks)\w+:\/\/\[/;

/** What Yggdrasil says of a peer that is down (Go's words, and its own), the most telling first. Source: versions 0.5.5 to 0.5.14. */
const PEER_ERRORS = [
  ['wrong_password', /password/],
  ['wrong_key', /pinned/],
  ['wrong_version', /incompatible version/],
  ['own_address', /connect to self/],
  ['bad_proxy', /socks/],
  ['nameless', /\blookup /],
  ['wrong_device', /interface .* not found|no such network interface/],
  ['wrong_address', /suitable addresses|missing port|schema|scheme|pars(e|ing)|invalid/],
  ['refused', /refused/],
  ['wrong_protocol', /certificate|tls|x509|handshake|bad status/],
  ['unreachable', /no route|unreachable/],
  ['silent', /timeout|timed out|deadline/],
  ['hung_up', /closed|\beof\b|reset|broken pipe/],
] as const satisfies readonly [Situation<'peers'>, RegExp][];
const CERTIFICATE_DATE = /certificate.*(expired|not yet valid)/;
/** Situations of a lease that is switched on and serves, but not as it should. */
const LEASE_FAULTS: ReadonlyMap<string, Situation<'internet'>> = new Map([
  ['offline', 'internet_offline'],
  ['draining', 'internet_draining'],
  ['renewing', 'internet_renewing'],
  ['no_exit', 'internet_no_exit'],
  ['no_ipv6', 'internet_no_ipv6'],
]);
/** Those that leave a home without the Internet. */
const OUT: readonly Situation<'internet'>[] = ['internet_offline', 'internet_no_exit'];
/** Why no gateway serves; of all other reasons, the gateway does not take this home. */
const LEASE_TROUBLES: ReadonlyMap<string, Situation<'internet'>> = new Map([
  ['no_gateway', 'internet_no_gateway'],
  ['machine', 'internet_machine'],
  ['unreachable', 'internet_unreachable'],
  ['no_lease', 'internet_unreachable'],
  ['suspended', 'internet_suspended'],
  ['refused', 'internet_refused'],
  ['closed', 'internet_full'],
  ['full', 'internet_full'],
  ['queue_full', 'internet_full'],
  ['busy', 'internet_full'],
  ['too_often', 'internet_full'],
  ['draining', 'internet_full'],
]);
const NETWORK_ERRORS: readonly string[] = ['unreachable', 'silent'];

function isNear({ remote = '' }: Pick<Peer, 'remote'>): boolean {
  return NEAR.test(remote);
}

function isFar(peer: Pick<Peer, 'remote'>): boolean {
  return !isNear(peer);
}

function hasIpv4({ remote = '' }: Pick<Peer, 'remote'>): boolean {
  return IPV4.test(remote);
}

function hasIpv6({ remote = '' }: Pick<Peer, 'remote'>): boolean {
  return IPV6.test(remote);
}

function hasName(peer: Pick<Peer, 'remote'>): boolean {
  return peer.remote !== undefined && !isNear(peer) && !hasIpv4(peer) && !hasIpv6(peer);
}

/** The line has not stood for long enough to hold anything against what lies behind it. */
function isFresh(lines: readonly Uplink[]): boolean {
  return lines.length > 0 && lines.every(({ uptime_s = Number.POSITIVE_INFINITY }) => uptime_s < LINE_FRESH_S);
}

function deviceOf({ device, interface: name }: Uplink): string {
  return device ?? name;
}

/** The last error, short enough to look for anything in it. */
function errorOf({ last_error = '' }: Peer): string {
  return last_error.slice(0, 500).toLowerCase();
}

function kindOf(peer: Peer): Situation<'peers'> {
  const text = errorOf(peer);
  if (text === '') return 'quiet';
  return PEER_ERRORS.find(([, pattern]) => pattern.test(text))?.[0] ?? 'odd';
}

/** What is known of names; Yggdrasil looks them up as well, and its errors tell. */
function dnsResult({ facts, dialled }: Sight): DnsFact | undefined {
  const named = dialled.filter(hasName);
  const failed = named.filter((peer) => !peer.up && kindOf(peer) === 'nameless');
  const { dns } = facts;
  if (dns?.result === 'found') return dns;
  const fact: DnsFact | undefined =
    dns ??
    (failed[0] && {
      host: (failed[0].remote ?? '').replace(/^\w+:\/\/|:\d*$/g, ''),
      result: failed.some((peer) => errorOf(peer).includes('no such host')) ? 'unknown' : 'timeout',
    });
  // where other names are found, one that is not is the fault of that peer's address
  const others = named.length > failed.length;
  return fact?.result === 'unknown' && others ? { ...fact, result: 'found' } : fact;
}

function dateOf(ms: number): string {
  const safe = Number.isFinite(ms) ? Math.max(-LAST_DATE_MS, Math.min(LAST_DATE_MS, ms)) : 0;
  return new Date(safe).toISOString().slice(0, -8).replace('T', ' ');
}

function label({ name, remote, key }: Peer): string {
  return name ?? remote ?? key ?? '-';
}

function lineSituation({ up, carrier, addresses, pending }: Uplink, errors: readonly string[]): Situation<'line'> {
  const text = errors.join(' ');
  if (/NO_DEVICE/.test(text)) return 'no_device';
  if (carrier === false && !up) return 'no_cable';
  if (/AUTH/.test(text)) return 'no_login';
  if (/(^|[ _])(SIM|PIN|PUK)/.test(text)) return 'no_sim';
  if (errors.length > 0) return 'line_error';
  if (up) return addresses.length > 0 ? 'no_route' : 'no_address';
  return pending ? 'line_waits' : 'line_off';
}

/** Judges one node of this router, and remembers since when it is how it is. Ask it at each change, and each minute. */
export class Judge {
  private startedAtMs: number | undefined;
  private outages = new Map<string, Outage>();
  /** Since when no uplink carries the Internet. */
  private lineLostAtMs: number | undefined;
  private unreachedAtMs: number | undefined;
  private hadNeighbours = false;
  private clockOffsetMs: number | undefined;
  private jumpsMs: number[] = [];
  private readonly checkSince = new Map<ChainLink, { state: CheckState; atMs: number }>();
  private since = { id: '', atMs: 0 };
  private lastGoodMs: number | undefined;

  /** Each link, in the order of the chain; a link further on may use what was found of those before it. */
  private readonly looks: { [L in ChainLink]: (sight: Sight, found: readonly Finding[]) => Finding<L> } = {
    line: (sight) => this.line(sight),
    dns: (sight, [line]) => this.dns(sight, line!),
    clock: (sight) => this.clock(sight),
    yggdrasil: (sight) => this.yggdrasil(sight),
    peers: (sight, [line]) => this.peers(sight, line!),
    tree: (sight) => this.tree(sight),
    internet: (sight, found) => internetOf(sight, found[CHAIN.indexOf('tree')]!),
  };

  /** The verdict on these facts. @param nowMs monotonic; never less than the time before. */
  judge(facts: VerdictFacts, nowMs: number): Judgement {
    this.startedAtMs ??= nowMs;
    const sight = this.see(facts, nowMs);
    const looked: Finding[] = [];
    const chain = facts.internet ? CHAIN : CHAIN.filter((link) => link !== 'internet');
    for (const link of chain) looked.push(this.looks[link](sight, looked) as Finding);
    const tree = looked[CHAIN.indexOf('tree')]!;
    const works = sight.up.length > 0 && !isFault(tree);
    const starting = !works && nowMs - this.startedAtMs < START_MS;
    const found = starting
      ? looked.map((finding): Finding => (finding.state === 'bad' ? { ...finding, state: 'unknown' } : finding))
      : looked;
    const first = (state: CheckState): number =>
      found.findIndex((finding) => finding.state === state && isFault(finding));
    const [bad, next] = [first('bad'), first(works ? 'weak' : 'unknown')];
    const at = bad >= 0 ? bad : next;
    const state = works ? (at < 0 ? 'good' : 'weak') : bad < 0 ? 'unknown' : 'bad';

    const whole = wholeOf(works, found);
    let [id, fault, values]: [string, Judgement['fault'], Values] = [whole, whole, found.at(-1)!.values ?? {}];
    if (at >= 0 && !starting) {
      const { id: situation, alone, values: seen } = found[at]!;
      const link = chain[at]!;
      const tail = works ? tailOf(link, sight) : alone ? 'alone' : undefined;
      id = tail ? `${situation}_${tail}` : situation;
      fault = { link, situation, tail };
      values = { ...seen, spare: sight.lines[0]?.interface ?? '' };
    }
    if (this.since.id !== id) this.since = { id, atMs: nowMs };
    if (state === 'good') this.lastGoodMs = nowMs;
    return {
      state,
      id,
      since_s: secondsTo(nowMs, this.since.atMs),
      ...(this.lastGoodMs !== undefined && { last_good_ago_s: secondsTo(nowMs, this.lastGoodMs) }),
      fault,
      values,
      checks: chain.map((link, i) => this.check(link, found[i]!, nowMs)),
    };
  }

  private check(link: ChainLink, { state, id, values = {} }: Finding, nowMs: number): JudgedCheck {
    let since = this.checkSince.get(link);
    if (since?.state !== state) {
      since = { state, atMs: nowMs };
      this.checkSince.set(link, since);
    }
    return { link, state, since_s: secondsTo(nowMs, since.atMs), situation: id, values };
  }

  /** Finds what several links are judged by, and takes note of what the next time needs. */
  private see(facts: VerdictFacts, nowMs: number): Sight {
    const lines = this.seeLines(facts.uplinks, nowMs);
    this.seeClock(facts.clock, nowMs);
    const { yggdrasil } = facts;
    const node = yggdrasil?.connectedAtMs === undefined ? undefined : yggdrasil;
    this.unreachedAtMs = node ? undefined : (this.unreachedAtMs ?? nowMs);
    const peers = node?.peers ?? [];
    const configured = (yggdrasil?.configured ?? []).map(({ uri }) => redact(identityOf(uri)));
    const remotes = new Set(peers.map(({ remote }) => remote));
    const dialled = peers.filter(({ inbound, origin }) => !inbound && origin !== 'multicast');
    const wanted = [...dialled, ...configured.map((remote) => ({ remote }))];
    const lostAgoMs = this.lineLostAtMs === undefined ? undefined : nowMs - this.lineLostAtMs;
    const up = peers.filter(
      (peer) =>
        peer.state === 'up' &&
        // Yggdrasil goes on claiming peers for minutes after the line went
        (lostAgoMs === undefined || isNear(peer) || (peer.proven_ago_ms ?? lostAgoMs) < lostAgoMs - PROOF_MS),
    );
    if (up.some(isNear)) this.hadNeighbours = true;
    return {
      facts,
      nowMs,
      node,
      peers,
      dialled,
      up,
      missing: node?.peers ? configured.filter((remote) => !remotes.has(remote)) : [],
      named: wanted.some(hasName),
      needsLine: wanted.some((peer) => !isNear(peer)),
      lines,
    };
  }

  private seeLines(uplinks: readonly Uplink[] | undefined, nowMs: number): readonly Uplink[] {
    const lines = (uplinks ?? []).filter(
      ({ up, default_route, proto = '' }) => up && default_route && !TUNNEL.test(proto),
    );
    this.lineLostAtMs = uplinks && lines.length === 0 ? (this.lineLostAtMs ?? nowMs) : undefined;
    if (!uplinks) return lines;
    const before = this.outages;
    this.outages = new Map(
      uplinks.map((uplink) => {
        const { interface: name, errors } = uplink;
        const known = before.get(name);
        const carried = lines.includes(uplink);
        return [
          name,
          {
            sinceMs: carried ? nowMs : (known?.sinceMs ?? nowMs),
            errors: carried ? [] : errors.length > 0 ? errors : (known?.errors ?? []),
            hasCarried: carried || (known?.hasCarried ?? false),
          },
        ];
      }),
    );
    return lines;
  }

  private seeClock({ unixMs }: ClockFact, nowMs: number): void {
    const offsetMs = unixMs - nowMs;
    const jumped = this.clockOffsetMs !== undefined && Math.abs(offsetMs - this.clockOffsetMs) > JUMP_MS;
    this.clockOffsetMs = offsetMs;
    this.jumpsMs = this.jumpsMs.filter((at) => nowMs - at < HOUR_MS).slice(-MAX_JUMPS);
    if (jumped) this.jumpsMs.push(nowMs);
  }

  private line({ facts, nowMs, lines, up, needsLine }: Sight): Finding<'line'> {
    const { uplinks } = facts;
    if (!uplinks) return { state: 'unknown', id: 'line_unasked' };
    const inUse = new Set(lines.map(({ device }) => device));
    const names = new Set(lines.map((line) => `@${line.interface}`));
    // an interface for IPv6 beside one for IPv4 is the same line, and often without an answer
    const out = uplinks.filter(
      ({ device = '', interface: name, up, default_route, proto = '' }) =>
        !(up && default_route) &&
        !TUNNEL.test(proto) &&
        !inUse.has(device) &&
        !names.has(device) &&
        this.outages.has(name),
    );
    const main = out.filter(({ proto }) => proto !== 'dhcpv6');
    const broken = lines.length > 0 || main.length > 0 ? main : out;
    const outage = (uplink: Uplink): Outage => this.outages.get(uplink.interface)!;
    const tried = broken.filter((uplink) => uplink.pending || outage(uplink).errors.length > 0);
    const lost = broken.find((uplink) => outage(uplink).hasCarried);

    const [line] = lines;
    if (line) {
      const spare = lost ?? tried[0];
      const fault = spare && this.lineFault(spare, nowMs);
      if (fault?.state === 'bad') return { ...fault, state: 'weak' };
      return { state: 'good', id: 'line_good', values: { uplink: line.interface, device: deviceOf(line) } };
    }
    const suspect = lost ?? tried[0] ?? broken.find(({ up, carrier }) => up || carrier);
    if (!suspect && (!needsLine || up.some(isNear))) return { state: 'unused', id: 'line_unused' };
    const faulty = suspect ?? broken[0];
    if (!faulty) return { state: 'bad', id: 'no_line' };
    const fault = this.lineFault(faulty, nowMs);
    return fault.state === 'bad' && !needsLine ? { ...fault, state: 'weak' } : fault;
  }

  private lineFault(uplink: Uplink, nowMs: number): Finding<'line'> {
    const { sinceMs, errors } = this.outages.get(uplink.interface)!;
    const ageMs = nowMs - sinceMs;
    const id = lineSituation(uplink, errors);
    const setup =
      (id === 'line_waits' && ageMs < LINE_SETUP_MS) || (uplink.up && (uplink.uptime_s ?? ageMs / 1000) < LINE_FRESH_S);
    return {
      state: setup ? 'unknown' : 'bad',
      id: setup ? 'line_setup' : id,
      values: {
        uplink: uplink.interface,
        device: deviceOf(uplink),
        errors: errors.join(', '),
        addresses: uplink.addresses.join(', '),
        minutes: Math.round(ageMs / MINUTE_MS),
      },
    };
  }

  private dns(sight: Sight, line: Finding): Finding<'dns'> {
    const { facts, lines, named } = sight;
    if (line.state === 'unused' || !(named || facts.dns)) return { state: 'unused', id: 'dns_unused' };
    if (facts.uplinks && lines.length === 0) return { state: 'unknown', id: 'dns_waits' };
    const fact = dnsResult(sight);
    if (!fact || (fact.result !== 'found' && isFresh(lines))) return { state: 'unknown', id: 'dns_unasked' };
    const { host, result } = fact;
    if (result === 'found') return { state: 'good', id: 'dns_good', values: { host } };
    const unserved = lines.length > 0 && lines.every(({ dns_servers }) => dns_servers.length === 0);
    const id = unserved ? 'no_name_server' : result === 'timeout' ? 'dns_silent' : 'dns_empty';
    return { state: 'bad', id, values: { host, uplink: lines[0]?.interface ?? '' } };
  }

  private clock({ facts, dialled }: Sight): Finding<'clock'> {
    const { unixMs, earliestMs, latestMs } = facts.clock;
    const values = { date: dateOf(unixMs) };
    if (unixMs < earliestMs || unixMs > latestMs) {
      const stopped = dialled.find((peer) => !peer.up && CERTIFICATE_DATE.test(errorOf(peer)));
      if (stopped)
        return {
          state: 'bad',
          id: 'clock_blocks',
          values: { ...values, peer: label(stopped), error: stopped.last_error! },
        };
      return { state: 'weak', id: unixMs < earliestMs ? 'clock_behind' : 'clock_ahead', values };
    }
    const jumps = this.jumpsMs.length;
    if (jumps >= ILL_JUMPS) return { state: 'weak', id: 'clock_jumps', values: { ...values, jumps } };
    return { state: 'good', id: 'clock_good', values };
  }

  private yggdrasil({ facts, nowMs, node }: Sight): Finding<'yggdrasil'> {
    const { yggdrasil } = facts;
    if (!yggdrasil) return { state: 'bad', id: 'no_yggdrasil' };
    const { interface: name, problem = '', setup } = yggdrasil;
    if (node) return { state: 'good', id: 'yggdrasil_good', values: { interface: name } };
    const waitedMs = nowMs - this.unreachedAtMs!;
    const fault = (id: Situation<'yggdrasil'>, state: CheckState = 'bad'): Finding<'yggdrasil'> => ({
      state,
      id,
      values: {
        interface: name,
        error: problem,
        errors: setup?.errors.join(', ') ?? '',
        minutes: Math.round(waitedMs / MINUTE_MS),
      },
    });
    if (/permission denied/i.test(problem)) return fault('yggdrasil_locked', 'unknown');
    if (setup && setup.errors.length > 0) return fault('yggdrasil_error');
    if (setup && !setup.up && !setup.pending) return fault('yggdrasil_off');
    if (waitedMs < (setup?.pending ? YGGDRASIL_SETUP_MS : YGGDRASIL_PAUSE_MS))
      return fault('yggdrasil_restarting', 'unknown');
    if (setup?.pending) return fault('yggdrasil_loop');
    if (/no such file/i.test(problem)) return fault('yggdrasil_missing');
    if (/refused/i.test(problem)) return fault('yggdrasil_crashed');
    if (/not ready|no answer|timeout|timed out/i.test(problem)) return fault('yggdrasil_silent');
    return fault('yggdrasil_unreached');
  }

  private peers(sight: Sight, line: Finding): Finding<'peers'> {
    const { facts, node, nowMs, peers, dialled, up, missing, lines, needsLine } = sight;
    if (!node) return { state: 'unknown', id: 'peers_waits' };
    if (!node.peers) return { state: 'unknown', id: 'unasked' };
    const lineOut = facts.uplinks !== undefined && lines.length === 0;
    const down = dialled.filter((peer) => peer.state === 'down' && !(lineOut && !isNear(peer)));
    const silent = peers.filter((peer) => peer.state !== 'down' && !up.includes(peer));
    const shaky = peers.find(({ changes_per_hour }) => changes_per_hour >= FLAPPING_PER_HOUR);
    const finding = (state: CheckState, id: Situation<'peers'>, about: readonly Peer[] = []): Finding<'peers'> => ({
      state,
      id,
      values: {
        up: up.length,
        count: peers.length,
        down: down.length,
        silent: silent.length,
        missing: missing.length,
        interface: node.interface,
        changes: shaky?.changes_per_hour ?? 0,
        devices:
          (node.multicast ?? [])
            .map(({ name }) => name)
            .slice(0, MAX_NAMED)
            .join(', ') || '-',
        peer: (id === 'not_in_force' ? missing : about.map(label)).slice(0, MAX_NAMED).join(', '),
        error: about[0]?.last_error ?? '-',
      },
    });
    const recent =
      nowMs - node.connectedAtMs! < DIALLING_MS ||
      (needsLine && (isFresh(lines) || (lineOut && line.state === 'unknown'))) ||
      peers.some(({ state, state_ago_ms }) => state === 'down' && state_ago_ms < PEER_PAUSE_MS);

    if (up.length > 0) {
      const gone = down.filter(({ state_ago_ms }) => state_ago_ms >= PEER_DOWN_MS);
      if (gone.length === 1) return finding('weak', kindOf(gone[0]!), gone);
      if (gone.length > 1) return finding('weak', 'some_down', gone);
      if (silent.length > 0 && !lineOut) return finding('weak', 'some_unproven', silent);
      if (shaky) return finding('weak', 'flapping', [shaky]);
      if (missing.length > 0 && !recent) return finding('weak', 'not_in_force');
      if (up.every((peer) => peer.inbound && !isNear(peer))) return finding('weak', 'only_inbound');
      return {
        state: 'good',
        id: 'peers_good',
        values: { up: up.length, count: peers.length, near: up.filter(isNear).length },
      };
    }
    if (shaky && shaky.state_ago_ms < PEER_DOWN_MS) return { ...finding('bad', 'flapping', [shaky]), alone: true };
    if (recent) return finding('unknown', 'dialling');
    if (silent.length > 0) return finding('bad', 'all_unproven', silent);
    const missed = dialled.filter(({ state }) => state === 'down');
    if (missed.length === 0) {
      if (missing.length > 0) return finding('bad', 'not_in_force');
      const searches = node.multicast?.some(({ beacon, listen }) => beacon !== false || listen !== false) ?? true;
      return finding('bad', this.hadNeighbours ? 'neighbours_lost' : searches ? 'no_neighbours' : 'no_peers');
    }
    const kinds = new Set(missed.map(kindOf));
    const network = [...kinds].every((kind) => NETWORK_ERRORS.includes(kind));
    if (network && missed.every(isFar)) {
      const hops = lines.flatMap(({ next_hops }) => next_hops);
      const six = hops.filter((hop) => hop.includes(':')).length;
      if (six > 0 && six === hops.length && missed.every(hasIpv4)) return finding('bad', 'only_ipv6', missed);
      if (six === 0 && hops.length > 0 && missed.every(hasIpv6)) return finding('bad', 'only_ipv4', missed);
      if (missed.length > 1) return finding('bad', 'all_unreachable', missed);
    }
    if (kinds.size > 1) return finding('bad', 'all_down', missed);
    return { ...finding('bad', kindOf(missed[0]!), missed), alone: true };
  }

  private tree({ node, up }: Sight): Finding<'tree'> {
    if (!node || up.length === 0) return { state: 'unknown', id: 'tree_waits' };
    const known = [node.self?.routing_entries, node.tree?.length].filter((count) => count !== undefined);
    if (known.length === 0) return { state: 'unknown', id: 'tree_unasked' };
    const nodes = Math.max(...known);
    if (nodes > 1) return { state: 'good', id: 'tree_good', values: { nodes } };
    const joining = up.every(({ state_ago_ms }) => state_ago_ms < JOINING_MS);
    return {
      state: joining ? 'unknown' : 'bad',
      id: joining ? 'tree_joining' : 'tree_alone',
      values: { up: up.length, interface: node.interface },
    };
  }
}

/** How the whole is where no link is broken. */
function wholeOf(works: boolean, found: readonly Finding[]): Whole {
  if (!works) return 'starting';
  if (found.at(-1)!.id === 'internet_good') return 'good_with_internet';
  return found[0]!.state === 'unused' ? 'good_without_line' : 'good';
}

/** The way to the Internet by a gateway, which the mesh has to carry. */
function internetOf({ facts, up }: Sight, tree: Finding): Finding<'internet'> {
  const { state, id, blocking, values } = facts.internet!;
  const say = (found: Situation<'internet'>, health: CheckState): Finding<'internet'> => ({
    state: health,
    id: found,
    values,
  });
  if (up.length === 0 || isFault(tree) || id === 'no_mesh') return say('internet_waits', 'unknown');
  if (id === 'let_out') return say('internet_let_out', 'weak');
  if (state === 'up') return say('internet_good', 'good');
  if (state === 'trial') return say('internet_trial', 'weak');
  if (id === 'suspect') return say('internet_suspect', 'unknown');
  if (state === 'degraded') {
    const fault = LEASE_FAULTS.get(id) ?? 'internet_no_exit';
    return say(fault, OUT.includes(fault) ? 'bad' : 'weak');
  }
  if (state === 'waiting') return say('internet_waiting', blocking ? 'bad' : 'weak');
  // while nothing was changed on this router yet, nothing is broken
  if (!blocking || id === 'asking' || id === 'preparing') return say('internet_asking', 'unknown');
  return say(LEASE_TROUBLES.get(id) ?? 'internet_odd', 'bad');
}

/** What a fault means while the mesh works. */
function tailOf(link: ChainLink, { lines, up }: Sight): Tail {
  if (link !== 'line') return 'still';
  return lines.length > 0 ? 'spare' : up.every(isNear) ? 'carried' : 'still';
}

/** It has a sentence of its own. */
function isFault({ id }: Finding): boolean {
  return !Object.hasOwn(SOUND, id);
}

function secondsTo(nowMs: number, thenMs: number): number {
  return Math.floor((nowMs - thenMs) / 1000);
}
