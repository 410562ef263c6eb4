// What the verdict says to people: of each situation what is wrong, what to do, and what it was seen by.
//
// A sentence and a fix name only what is the router's own: members of the household read them too. Peers and host names stand in the
// evidence. `{name}` is a value.

import type { ChainLink, Check, Values, Verdict } from '../api/model.ts';
import { fillWords, shown } from '../lib/words.ts';
import type { JudgedCheck, Judgement } from './verdict.ts';

/** What is wrong, the very next step (empty when there is none), and what it was seen by. */
export type SituationWords = readonly [sentence: string, fix: string, evidence: string];

const RESTART_UPLINK = 'Network → Interfaces: press Restart at {uplink}.';
const RESTART_YGGDRASIL = 'Network → Interfaces: press Restart at {interface}.';
const RESTART_MODEM = 'Switch the modem off for a minute and on again. If that does not help, call the provider.';
const EDIT_UPLINK = 'Network → Interfaces → {uplink} → Edit';
const OTHER_SERVER =
  'If that does not help, enter another name server under Network → Interfaces → Edit → Advanced Settings, at the Internet line.';
const SET_CLOCK =
  'System → System: press "Sync with browser", and under Time Synchronization tick "Enable NTP client".';
const WHICH = 'Mesh → Peers shows which one.';
const COMPARE = `${WHICH} Compare its address with what its owner gave you`;
const YGGDRASIL = 'Yggdrasil, the program that makes the mesh,';
const SAFETY = 'Do what the safety check under Mesh → Settings says.';
const WAIT = 'Wait a minute.';
const GATEWAY = 'Wait, or choose another gateway under Mesh → Internet.';
const OWN_LINE = 'There you can also let devices out by the own line for a while.';
const PEER_DOWN = '{up} of {count} peers are up. Down: {peer} ({error}).';
const PEER_COUNT = '{up} of {count} peers are up.';
const CLOCK = 'The clock shows {date}.';
const UNREACHED = 'The last attempt: {error}.';

/** Of each link of the chain, the situations that it can be in, by id; of those with nothing to say but what they were seen by, only that. */
export const SITUATIONS = {
  line: {
    line_good: '{uplink} on {device} is up, with a default route.',
    line_unused: 'No Internet line is connected; the mesh does without.',
    line_unasked: 'The router does not tell how its lines are.',
    no_line: [
      'This router has no Internet line, and no neighbour is connected.',
      'Connect a neighbour by radio or cable, or set up a line under Network → Interfaces.',
      'No interface leads to the Internet.',
    ],
    no_device: [
      'The port or modem of the Internet line {uplink} is missing.',
      `Plug the modem in again. If it is in, choose it anew: ${EDIT_UPLINK} → Device.`,
      '{uplink} has no device.',
    ],
    no_cable: [
      'There is no signal on the Internet line {uplink}: no cable is plugged in, or the modem is off.',
      'Check the cable between the port {device} and the modem, and that the modem is on.',
      '{uplink}: {device} has no carrier.',
    ],
    no_login: [
      'The provider refuses the user name or the password of the Internet line {uplink}.',
      `Compare both with the letter of the provider: ${EDIT_UPLINK}. If they are right, call the provider.`,
      '{uplink} reports {errors}.',
    ],
    no_sim: [
      'The mobile modem of the Internet line {uplink} cannot use its SIM card.',
      `Check that the card sits well, and its PIN: ${EDIT_UPLINK}.`,
      '{uplink} reports {errors}.',
    ],
    line_error: [
      'The Internet line {uplink} cannot be set up ({errors}).',
      `${RESTART_UPLINK} If the error comes back, check the settings under Edit.`,
      '{uplink} on {device} reports {errors}.',
    ],
    line_waits: [
      'The Internet line {uplink} asks the provider for an address, and gets no answer.',
      RESTART_MODEM,
      '{uplink} on {device} has been waiting for {minutes} minutes.',
    ],
    line_setup: ['The Internet line {uplink} is being set up.', WAIT, '{uplink} on {device} is being set up.'],
    line_off: [
      'The Internet line {uplink} is off, and the router does not try to start it.',
      `${RESTART_UPLINK} If it stays off, check its cable and its modem.`,
      '{uplink} on {device} is down.',
    ],
    no_address: [
      'The Internet line {uplink} is on, but was given no address.',
      `${RESTART_UPLINK} ${RESTART_MODEM}`,
      '{uplink} on {device} is up without an address.',
    ],
    no_route: [
      'The Internet line {uplink} has an address, but knows no way to the Internet.',
      `${EDIT_UPLINK}: check the gateway, and that "Use default gateway" is ticked under Advanced Settings.`,
      '{uplink} on {device} has {addresses}, and no default route.',
    ],
  },
  dns: {
    dns_good: 'The name {host} is found.',
    dns_unused: 'No name has to be found: peers have numbers, or need no line.',
    dns_unasked: 'No name has been looked up yet.',
    dns_waits: 'Names are not looked up while the line is down.',
    no_name_server: [
      'The Internet line came without a name server, so peers that have a name cannot be found.',
      `${EDIT_UPLINK} → Advanced Settings: enter a name server under "Use custom DNS servers".`,
      '{uplink} has no name server; {host} was not found.',
    ],
    dns_silent: [
      'The name server does not answer, so peers that have a name cannot be found.',
      `Switch the modem off for a minute and on again. ${OTHER_SERVER}`,
      'No answer to the question for {host}.',
    ],
    dns_empty: [
      'The name of a peer is not found: it is misspelt or gone, or the name server is faulty.',
      `Compare the names under Mesh → Peers. ${OTHER_SERVER}`,
      '{host} was not found.',
    ],
  },
  clock: {
    clock_good: 'The clock shows {date}.',
    clock_behind: ['The clock of the router is wrong: it shows {date}, which is long past.', SET_CLOCK, CLOCK],
    clock_ahead: ['The clock of the router is wrong: it shows {date}, which is far off.', SET_CLOCK, CLOCK],
    clock_blocks: [
      'The clock of the router shows {date}: by that date the certificates of its peers are not valid.',
      SET_CLOCK,
      'The clock shows {date}. {peer}: {error}.',
    ],
    clock_jumps: [
      'The clock of the router jumps back and forth.',
      'System → System → Time Synchronization: leave only one time server. If it goes on, the router may be broken.',
      'The clock jumped {jumps} times within an hour, and shows {date}.',
    ],
  },
  yggdrasil: {
    yggdrasil_good: '{interface} answers.',
    no_yggdrasil: [
      `${YGGDRASIL} is not set up on this router.`,
      'Network → Interfaces → Add new interface: protocol "Yggdrasil Network" (from the package luci-proto-yggdrasil).',
      'No interface has the protocol yggdrasil, and there is no socket of it.',
    ],
    yggdrasil_off: [`${YGGDRASIL} is switched off.`, RESTART_YGGDRASIL, '{interface} is down.'],
    yggdrasil_error: [
      `${YGGDRASIL} cannot be set up ({errors}).`,
      `${SAFETY} ${RESTART_YGGDRASIL}`,
      '{interface} reports {errors}.',
    ],
    yggdrasil_loop: [
      `${YGGDRASIL} is started over and over, and ends each time.`,
      `${SAFETY} Most often a setting is mistyped. Status → System Log tells more.`,
      '{interface} has been starting for {minutes} minutes.',
    ],
    yggdrasil_missing: [`${YGGDRASIL} is not running.`, RESTART_YGGDRASIL, `There is no socket. ${UNREACHED}`],
    yggdrasil_crashed: [
      `${YGGDRASIL} has broken down.`,
      RESTART_YGGDRASIL,
      `Nobody listens at the socket. ${UNREACHED}`,
    ],
    yggdrasil_silent: [`${YGGDRASIL} runs but does not answer.`, RESTART_YGGDRASIL, `There is no answer. ${UNREACHED}`],
    yggdrasil_locked: [
      'It is not known how the mesh is: meshbridge is not allowed to ask Yggdrasil.',
      'System → Startup: restart meshbridge. If that does not help, install the package meshbridge again.',
      `The socket may not be opened. ${UNREACHED}`,
    ],
    yggdrasil_unreached: [
      `${YGGDRASIL} cannot be reached by meshbridge.`,
      `${RESTART_YGGDRASIL} If that does not help, restart the router.`,
      UNREACHED,
    ],
    yggdrasil_restarting: [`${YGGDRASIL} is starting.`, WAIT, '{interface} does not answer at the moment.'],
  },
  peers: {
    peers_good: '{up} of {count} peers are up, {near} of them neighbours.',
    peers_waits: 'Peers are not known while Yggdrasil does not answer.',
    no_peers: [
      'This router has no peers: it knows nobody to connect to, and looks for no neighbours.',
      'Mesh → Peers: add a peer. To find neighbours, add a multicast rule: Network → Interfaces → {interface} → Edit.',
      'There are no peers, and no device is searched.',
    ],
    no_neighbours: [
      'No neighbour has been found, by radio or by cable.',
      'Check that the router of the neighbour is on and in reach. Mesh → Peers can add one on the Internet.',
      'There are no peers. Searched: {devices}.',
    ],
    neighbours_lost: [
      'All neighbours are gone: none is found any more, by radio or by cable.',
      'Check the antenna and the cables of this router, and ask the neighbours whether theirs are on.',
      'There are no peers; there were. Searched: {devices}.',
    ],
    not_in_force: [
      'Peers that were saved are not in use: {missing}.',
      'Mesh → Peers shows the difference, and a button that settles it.',
      `${PEER_COUNT} Saved, but not in use: {peer}.`,
    ],
    only_ipv6: [
      'The Internet line has IPv6 only, the new kind of address, and all peers have the old one, IPv4.',
      'Mesh → Peers: add a peer with an IPv6 address, or with a name.',
      PEER_DOWN,
    ],
    only_ipv4: [
      'The Internet line has IPv4 only, the old kind of address, and all peers have the new one, IPv6.',
      'Mesh → Peers: add a peer with an IPv4 address, or with a name.',
      PEER_DOWN,
    ],
    all_unreachable: [
      'None of the {count} peers can be reached: behind this router, the Internet is out.',
      RESTART_MODEM,
      PEER_DOWN,
    ],
    all_down: [
      'None of the {count} peers is connected, each for a reason of its own.',
      'Mesh → Peers shows the reasons. Press "Retry now" there, or add another peer.',
      PEER_DOWN,
    ],
    some_down: [
      '{down} of {count} peers are not connected.',
      'Mesh → Peers shows which and why. Remove those that are gone for good.',
      `${PEER_COUNT} Down: {peer}.`,
    ],
    all_unproven: [
      'The peers seem to be connected, but nothing comes from them.',
      `Check the cables and the modem. If they are right, ${RESTART_YGGDRASIL}`,
      `${PEER_COUNT} Silent: {peer}.`,
    ],
    some_unproven: [
      'Some peers seem to be connected, but nothing comes from them: {silent} of {count}.',
      'If that lasts, check the radio or the cable to them. Mesh → Peers shows which they are.',
      `${PEER_COUNT} No sign of life: {peer}.`,
    ],
    flapping: [
      'The connection to a peer breaks again and again: {changes} changes within an hour.',
      `${WHICH} Check the antenna, the cable, and the power supply on both sides.`,
      `${PEER_COUNT} Unsteady: {peer}.`,
    ],
    only_inbound: [
      'The router is connected only because others call it; it calls nobody itself.',
      'Mesh → Peers: add a peer, so that the router gets back into the mesh by itself.',
      `${PEER_COUNT} All of them called us.`,
    ],
    refused: [
      'A peer refuses the connection: Yggdrasil does not run there, or waits at another port.',
      `${COMPARE}, above all the number at its end.`,
      PEER_DOWN,
    ],
    unreachable: [
      'No way leads to a peer: its address is wrong, or its network is out.',
      `${COMPARE}. If it is right, wait: the router goes on trying.`,
      PEER_DOWN,
    ],
    silent: [
      'A peer does not answer: it is switched off, or something on the way holds it back.',
      `${WHICH} Ask its owner whether it is on; the router goes on trying.`,
      PEER_DOWN,
    ],
    nameless: [
      'The name of a peer is unknown on the Internet.',
      `${COMPARE}. If the name is gone for good, remove the peer.`,
      PEER_DOWN,
    ],
    wrong_key: [
      'A peer is not the one that it should be: its key differs from the one in its address.',
      `${WHICH} Ask its owner for the key. If it did not change, remove the peer: somebody pretends to be it.`,
      PEER_DOWN,
    ],
    wrong_password: [
      'A peer has another password than this router.',
      `${WHICH} Ask its owner for the password, remove the peer, and add it with that.`,
      PEER_DOWN,
    ],
    wrong_version: [
      'A peer has a version of Yggdrasil that does not fit the one of this router.',
      `${WHICH} Update Yggdrasil where it is older: here under System → Software.`,
      PEER_DOWN,
    ],
    wrong_protocol: [
      'A peer answers, but encryption cannot be agreed on.',
      `${COMPARE}, above all its beginning (tls, tcp, quic, wss).`,
      PEER_DOWN,
    ],
    hung_up: [
      'A peer hangs up at once: it may know only those that its owner allowed.',
      `${WHICH} Send its owner the key of this router (Mesh → Overview).`,
      PEER_DOWN,
    ],
    wrong_device: [
      'A peer is tied to a network device that this router does not have.',
      `${WHICH} Remove it, and add it without a device or with the right one.`,
      PEER_DOWN,
    ],
    wrong_address: [
      'The address of a peer cannot be used as it is written.',
      `${COMPARE}: it looks like tls://name:number.`,
      PEER_DOWN,
    ],
    own_address: ['A peer is this router itself.', `${WHICH} Remove it.`, PEER_DOWN],
    bad_proxy: [
      'The proxy on the way to a peer does not do its work.',
      `${WHICH} Check that the proxy runs, and its address in that of the peer.`,
      PEER_DOWN,
    ],
    odd: [
      'A peer is not connected, for a reason that only its error message tells.',
      'Mesh → Peers shows the message. Send it to the owner of the peer.',
      PEER_DOWN,
    ],
    quiet: [
      'A peer is not connected, and Yggdrasil gives no reason.',
      `${WHICH} Press "Retry now" there.`,
      '{up} of {count} peers are up. Down: {peer}.',
    ],
    dialling: ['The router is calling its peers.', WAIT, `${PEER_COUNT} Not long ago, something changed.`],
    unasked: ['Yggdrasil has not said yet who its peers are.', WAIT, 'The list of peers has not come yet.'],
  },
  tree: {
    tree_good: '{nodes} nodes of the mesh are known here.',
    tree_waits: 'Nothing is known of the mesh while no peer is up.',
    tree_unasked: 'Yggdrasil does not tell how much of the mesh it knows.',
    tree_alone: [
      'Peers are connected, but the router learns from none of them how the mesh is built.',
      `${RESTART_YGGDRASIL} If that does not help, the peers may be cut off themselves: ask their owners.`,
      'This node knows of no other, with {up} peers up.',
    ],
    tree_joining: [
      'The router is finding its place in the mesh.',
      WAIT,
      'This node knows of no other yet, with {up} peers up.',
    ],
  },
  internet: {
    internet_good: 'Everything that leaves the mesh goes through {gateway}.',
    internet_waits: 'The way to the Internet is not known while the mesh does not work.',
    internet_asking: 'The gateways are being asked for a way to the Internet.',
    internet_suspect: '{gateway} does not answer for a moment; another gateway is being prepared.',
    internet_trial: [
      'The way to the Internet by a gateway is on trial, and is undone unless somebody confirms it.',
      'Mesh → Internet: press Confirm.',
      'On trial: {gateway}.',
    ],
    internet_waiting: [
      'The Internet waits: the operator of the gateway has not let this home in yet.',
      'Mesh → Internet shows whom to ask.',
      '{gateway}: number {place} of {of} that wait.',
    ],
    internet_let_out: [
      'Devices go out by the own line for a while, past the gateway.',
      'Mesh → Internet ends that; else it ends by itself.',
      'The own line is open for {left} more seconds.',
    ],
    internet_offline: [
      'The Internet is out: the gateway itself does not reach it.',
      `${GATEWAY} Name a second one, so that there is one to move to.`,
      '{gateway} says that it does not reach the Internet.',
    ],
    internet_no_exit: [
      'The Internet was not reached through the gateway when that was last tested.',
      `${GATEWAY} The test under Mesh → Internet shows where the way breaks.`,
      'The last test by {gateway} did not reach the Internet.',
    ],
    internet_draining: [
      'The gateway is about to stop, and there is no other one to move to.',
      'Name another gateway under Mesh → Internet.',
      '{gateway} stops: {reason}.',
    ],
    internet_renewing: [
      'The gateway serves, but does not renew the lease of this home.',
      `${GATEWAY} If it lasts, ask the operator of the gateway.`,
      '{gateway} did not renew the lease several times.',
    ],
    internet_no_ipv6: [
      'Through the gateway the Internet is reached by IPv4 only.',
      'Most pages work. Mesh → Internet shows whether another gateway has IPv6.',
      'The last test by {gateway} reached the Internet by IPv4 alone.',
    ],
    internet_no_gateway: [
      'Nothing goes out to the Internet: no gateway is named.',
      'Mesh → Internet: name a gateway, or switch off that one is used.',
      'There is no gateway in the configuration.',
    ],
    internet_unreachable: [
      'Nothing goes out to the Internet: no gateway answers.',
      `${GATEWAY} ${OWN_LINE}`,
      '{gateway}: {problem}.',
    ],
    internet_suspended: [
      'Nothing goes out to the Internet: the operator of the gateway has suspended this home.',
      `Mesh → Internet shows why, and whom to ask. ${OWN_LINE}`,
      'The operator of {gateway} says: {reason}.',
    ],
    internet_refused: [
      'Nothing goes out to the Internet: the operator of the gateway refuses this home.',
      `Mesh → Internet shows why, and whom to ask. ${OWN_LINE}`,
      'The operator of {gateway} says: {reason}.',
    ],
    internet_full: [
      'Nothing goes out to the Internet: the gateway has no room for this home now.',
      `${GATEWAY} Name a second one, so that there is one to move to. ${OWN_LINE}`,
      '{gateway}: {reason}.',
    ],
    internet_machine: [
      'Nothing goes out to the Internet: this router could not set up the tunnel to the gateway.',
      `Mesh → Internet shows why. ${OWN_LINE}`,
      'This router could not do it: {problem}.',
    ],
    internet_odd: [
      'Nothing goes out to the Internet: the gateway and this router do not get along.',
      `Mesh → Internet shows why, and what to do. ${OWN_LINE}`,
      '{gateway}: {reason}.',
    ],
  },
} as const satisfies Record<ChainLink, Record<string, SituationWords | string>>;
export type Situations = typeof SITUATIONS;

/** Situations in which no link is broken. */
export const WHOLE = {
  good: ['The mesh works.', ''],
  good_with_internet: ['The mesh works, and the Internet is reached by the gateway {gateway}.', ''],
  good_without_line: ['The mesh works, without an Internet line of this home.', ''],
  starting: ['The router is still looking whether the mesh works.', WAIT],
} as const satisfies Record<string, readonly [sentence: string, fix: string]>;
export type Whole = keyof typeof WHOLE;

/** A second sentence, what a fault means for the mesh; it ends the id too: `no_cable_carried`. */
export const TAILS = {
  carried: 'Neighbours still carry the mesh.',
  spare: 'The line {spare} is in use instead.',
  still: 'The mesh still works.',
  alone: 'No other peer is up, so this router is cut off.',
} as const;
export type Tail = keyof typeof TAILS;

const TAILS_OF: Partial<Record<ChainLink, readonly Tail[]>> = {
  line: ['carried', 'spare', 'still'],
  dns: ['still'],
  clock: ['still'],
  peers: ['still', 'alone'],
  internet: ['still'],
};

/** The sentence of a situation with its second one. */
function withTail(sentence: string, tail: Tail | undefined): string {
  return tail ? `${sentence} ${TAILS[tail]}` : sentence;
}

function wordsOf(link: ChainLink, situation: string): SituationWords | string {
  return (SITUATIONS[link] as Record<string, SituationWords | string>)[situation]!;
}

/** The values that the words have a place for, cleaned. */
function pick(words: string, values: Values): Values {
  const picked: Values = {};
  for (const [, name] of words.matchAll(/\{([a-z]+)\}/g)) {
    const value = values[name!];
    if (value !== undefined) picked[name!] = typeof value === 'number' ? value : shown(value);
  }
  return picked;
}

/** Puts what was found into words. */
export function speak({ fault, values, checks, ...judged }: Judgement): Verdict {
  let [sentence, fix]: readonly string[] = typeof fault === 'string' ? WHOLE[fault] : [];
  if (typeof fault !== 'string') {
    [sentence, fix] = wordsOf(fault.link, fault.situation) as SituationWords;
    sentence = withTail(sentence, fault.tail);
  }
  const words = { sentence: sentence!, fix: fix! };
  const picked = pick(words.sentence + words.fix, values);
  return {
    ...judged,
    sentence: fillWords(words.sentence, picked),
    fix: fillWords(words.fix, picked),
    words,
    values: picked,
    checks: checks.map(speakCheck),
  };
}

function speakCheck({ situation, values, ...judged }: JudgedCheck): Check {
  const words = wordsOf(judged.link, situation);
  const evidence = typeof words === 'string' ? words : words[2];
  const picked = pick(evidence, values);
  return { ...judged, evidence: fillWords(evidence, picked), words: { evidence }, values: picked };
}

/** Every template that a verdict or a check can carry as `words`, for the catalogues of other languages. */
export function verdictTexts(): string[] {
  const texts = new Set<string>(Object.values(WHOLE).flat());
  for (const [link, situations] of Object.entries(SITUATIONS))
    for (const words of Object.values<SituationWords | string>(situations)) {
      if (typeof words === 'string') texts.add(words);
      else {
        const [sentence, fix, evidence] = words;
        texts.add(fix).add(evidence);
        for (const tail of [undefined, ...(TAILS_OF[link as ChainLink] ?? [])]) texts.add(withTail(sentence, tail));
      }
    }
  texts.delete('');
  return [...texts];
}
