// What the verdict says to people: of each situation what is wrong, what to do, and what it was seen by.
//
// A sentence and a fix name only what is the router's own: members of the household read them too. Peers and host names stand in the
// evidence. `{name}` is a value.

import type { ChainLink } from '../api/model.ts';

export interface SituationWords {
  readonly sentence: string;
  /** The very next step; empty when there is none. */
  readonly fix: string;
  readonly evidence: string;
}

const RESTART_UPLINK = 'Network → Interfaces: press Restart at {uplink}.';
const RESTART_YGGDRASIL = 'Network → Interfaces: press Restart at {interface}.';
const RESTART_MODEM = 'Switch the modem off for a minute and on again. If that does not help, call the provider.';
const EDIT_UPLINK = 'Network → Interfaces → {uplink} → Edit';
const SET_CLOCK =
  'System → System: press "Sync with browser", and under Time Synchronization tick "Enable NTP client".';
const COMPARE = 'Mesh → Peers shows which one. Compare its address with what its owner gave you';
const WAIT = 'Wait a minute.';
const PEER_DOWN = '{up} of {count} peers are up. Down: {peer} ({error}).';
const PEER_COUNT = '{up} of {count} peers are up.';
const CLOCK = 'The clock shows {date}.';
const UNREACHED = 'The last attempt: {error}.';

/** The situations of each link of the chain, by id. */
export const SITUATIONS = {
  line: {
    no_line: {
      sentence: 'This router has no Internet line, and no neighbour is connected.',
      fix: 'Connect a neighbour by radio or cable. If there is a line, add it under Network → Interfaces (it is usually called wan).',
      evidence: 'The router has no interface that leads to the Internet.',
    },
    no_device: {
      sentence: 'The port or modem of the Internet line {uplink} is missing.',
      fix: `Plug the modem in again. If it is in, choose it anew: ${EDIT_UPLINK} → Device.`,
      evidence: '{uplink} has no device.',
    },
    no_cable: {
      sentence: 'There is no signal on the Internet line {uplink}: no cable is plugged in, or the modem is off.',
      fix: 'Check the cable between the port {device} and the modem, and that the modem is switched on.',
      evidence: '{uplink}: {device} has no carrier.',
    },
    no_login: {
      sentence: 'The provider refuses the user name or the password of the Internet line {uplink}.',
      fix: `Compare both with the letter of the provider: ${EDIT_UPLINK}. If they are right, call the provider.`,
      evidence: '{uplink} reports {errors}.',
    },
    no_sim: {
      sentence: 'The mobile modem of the Internet line {uplink} cannot use its SIM card.',
      fix: `Check that the card sits well, and its PIN: ${EDIT_UPLINK}.`,
      evidence: '{uplink} reports {errors}: the SIM card.',
    },
    line_error: {
      sentence: 'The Internet line {uplink} cannot be set up ({errors}).',
      fix: `${RESTART_UPLINK} If the error comes back, check the settings under Edit.`,
      evidence: '{uplink} on {device} reports {errors}.',
    },
    line_waits: {
      sentence: 'The Internet line {uplink} asks the provider for an address, and gets no answer.',
      fix: RESTART_MODEM,
      evidence: '{uplink} on {device} has been waiting for {minutes} minutes.',
    },
    line_setup: {
      sentence: 'The Internet line {uplink} is being set up.',
      fix: WAIT,
      evidence: '{uplink} on {device} is being set up.',
    },
    line_off: {
      sentence: 'The Internet line {uplink} is off, and the router does not try to start it.',
      fix: `${RESTART_UPLINK} If it stays off, check its cable and its modem.`,
      evidence: '{uplink} on {device} is down.',
    },
    no_address: {
      sentence: 'The Internet line {uplink} is on, but was given no address.',
      fix: `${RESTART_UPLINK} ${RESTART_MODEM}`,
      evidence: '{uplink} on {device} is up without an address.',
    },
    no_route: {
      sentence: 'The Internet line {uplink} has an address, but knows no way to the Internet.',
      fix: `${EDIT_UPLINK}: check the gateway, and that "Use default gateway" is ticked under Advanced Settings.`,
      evidence: '{uplink} on {device} has {addresses}, and no default route.',
    },
  },
  dns: {
    no_name_server: {
      sentence: 'The Internet line came without a name server, so peers that have a name cannot be found.',
      fix: `${EDIT_UPLINK} → Advanced Settings: enter a name server under "Use custom DNS servers".`,
      evidence: '{uplink} has no name server; {host} was not found.',
    },
    dns_silent: {
      sentence: 'The name server does not answer, so peers that have a name cannot be found.',
      fix: 'Switch the modem off for a minute and on again. If that does not help, enter another name server under Network → Interfaces → Edit → Advanced Settings, at the Internet line.',
      evidence: 'No answer to the question for {host}.',
    },
    dns_empty: {
      sentence: 'The name of a peer is not found: it is misspelt or gone, or the name server is faulty.',
      fix: 'Compare the names under Mesh → Peers. If they are right, enter another name server under Network → Interfaces → Edit → Advanced Settings, at the Internet line.',
      evidence: '{host} was not found.',
    },
  },
  clock: {
    clock_behind: {
      sentence: 'The clock of the router is wrong: it shows {date}, which is long past.',
      fix: SET_CLOCK,
      evidence: CLOCK,
    },
    clock_ahead: {
      sentence: 'The clock of the router is wrong: it shows {date}, which is far off.',
      fix: SET_CLOCK,
      evidence: CLOCK,
    },
    clock_blocks: {
      sentence: 'The clock of the router shows {date}: by that date the certificates of its peers are not valid.',
      fix: SET_CLOCK,
      evidence: 'The clock shows {date}. {peer}: {error}.',
    },
    clock_jumps: {
      sentence: 'The clock of the router jumps back and forth.',
      fix: 'System → System → Time Synchronization: leave only one time server. If it goes on, the router may be broken.',
      evidence: 'The clock jumped {jumps} times within an hour, and shows {date}.',
    },
  },
  yggdrasil: {
    no_yggdrasil: {
      sentence: 'Yggdrasil, the program that makes the mesh, is not set up on this router.',
      fix: 'Network → Interfaces → Add new interface, with the protocol "Yggdrasil Network". If that is not offered, install the package luci-proto-yggdrasil.',
      evidence: 'There is no interface with the protocol yggdrasil, and no socket of it.',
    },
    yggdrasil_off: {
      sentence: 'Yggdrasil, the program that makes the mesh, is switched off.',
      fix: RESTART_YGGDRASIL,
      evidence: '{interface} is down.',
    },
    yggdrasil_error: {
      sentence: 'Yggdrasil, the program that makes the mesh, cannot be set up ({errors}).',
      fix: `Do what the safety check under Mesh → Settings says. Then, ${RESTART_YGGDRASIL}`,
      evidence: '{interface} reports {errors}.',
    },
    yggdrasil_loop: {
      sentence: 'Yggdrasil, the program that makes the mesh, is started over and over, and ends each time.',
      fix: 'Do what the safety check under Mesh → Settings says: most often a setting is mistyped. Status → System Log tells more.',
      evidence: '{interface} has been starting for {minutes} minutes.',
    },
    yggdrasil_missing: {
      sentence: 'Yggdrasil, the program that makes the mesh, is not running.',
      fix: RESTART_YGGDRASIL,
      evidence: `There is no socket. ${UNREACHED}`,
    },
    yggdrasil_crashed: {
      sentence: 'Yggdrasil, the program that makes the mesh, has broken down.',
      fix: RESTART_YGGDRASIL,
      evidence: `Nobody listens at the socket. ${UNREACHED}`,
    },
    yggdrasil_silent: {
      sentence: 'Yggdrasil, the program that makes the mesh, runs but does not answer.',
      fix: RESTART_YGGDRASIL,
      evidence: `There is no answer. ${UNREACHED}`,
    },
    yggdrasil_locked: {
      sentence: 'It is not known how the mesh is: meshbridge is not allowed to ask Yggdrasil.',
      fix: 'System → Startup: restart meshbridge. If that does not help, install the package meshbridge again.',
      evidence: `The socket may not be opened. ${UNREACHED}`,
    },
    yggdrasil_unreached: {
      sentence: 'Yggdrasil, the program that makes the mesh, cannot be reached by meshbridge.',
      fix: `${RESTART_YGGDRASIL} If that does not help, restart the router.`,
      evidence: UNREACHED,
    },
    yggdrasil_restarting: {
      sentence: 'Yggdrasil, the program that makes the mesh, is starting.',
      fix: WAIT,
      evidence: '{interface} does not answer at the moment.',
    },
  },
  peers: {
    no_peers: {
      sentence: 'This router has no peers: it knows nobody to connect to, and looks for no neighbours.',
      fix: 'Mesh → Peers: add the address of a peer. For neighbours: Network → Interfaces → {interface} → Edit, add a multicast rule.',
      evidence: 'There are no peers, none is configured, and no device is searched.',
    },
    no_neighbours: {
      sentence: 'No neighbour has been found, by radio or by cable.',
      fix: 'Check that the router of the neighbour is on and in reach. A peer on the Internet can be added under Mesh → Peers.',
      evidence: 'There are no peers. Searched: {devices}.',
    },
    neighbours_lost: {
      sentence: 'All neighbours are gone: none is found any more, by radio or by cable.',
      fix: 'Check the antenna and the cables of this router, and ask the neighbours whether theirs are on.',
      evidence: 'There are no peers; there were. Searched: {devices}.',
    },
    not_in_force: {
      sentence: 'Peers that were saved are not in use: {missing}.',
      fix: 'Mesh → Peers shows the difference, and a button that settles it.',
      evidence: `${PEER_COUNT} Saved, but not in use: {peer}.`,
    },
    only_ipv6: {
      sentence: 'The Internet line has IPv6 only, the new kind of address, and all peers have the old one, IPv4.',
      fix: 'Mesh → Peers: add a peer with an IPv6 address, or with a name.',
      evidence: PEER_DOWN,
    },
    only_ipv4: {
      sentence: 'The Internet line has IPv4 only, the old kind of address, and all peers have the new one, IPv6.',
      fix: 'Mesh → Peers: add a peer with an IPv4 address, or with a name.',
      evidence: PEER_DOWN,
    },
    all_unreachable: {
      sentence: 'None of the {count} peers can be reached: behind the router, the Internet is out.',
      fix: RESTART_MODEM,
      evidence: PEER_DOWN,
    },
    all_down: {
      sentence: 'None of the {count} peers is connected, each for a reason of its own.',
      fix: 'Mesh → Peers shows the reasons. Press Retry there, or add another peer.',
      evidence: PEER_DOWN,
    },
    some_down: {
      sentence: '{down} of {count} peers are not connected.',
      fix: 'Mesh → Peers shows which and why. Remove those that are gone for good.',
      evidence: `${PEER_COUNT} Down: {peer}.`,
    },
    all_unproven: {
      sentence: 'The peers seem to be connected, but nothing comes from them.',
      fix: 'Mesh → Peers: press Retry. If that does not help, check the cables and the modem.',
      evidence: `${PEER_COUNT} Silent: {peer}.`,
    },
    some_unproven: {
      sentence: 'Some peers seem to be connected, but nothing comes from them: {silent} of {count}.',
      fix: 'If that lasts, check the radio or the cable to them. Mesh → Peers shows which they are.',
      evidence: `${PEER_COUNT} No sign of life: {peer}.`,
    },
    flapping: {
      sentence: 'The connection to a peer breaks again and again: {changes} changes within an hour.',
      fix: 'Mesh → Peers shows which one. Check the antenna, the cable, and the power supply on both sides.',
      evidence: `${PEER_COUNT} Unsteady: {peer}.`,
    },
    only_inbound: {
      sentence: 'The router is connected only because others call it; it calls nobody itself.',
      fix: 'Mesh → Peers: add a peer, so that the router gets back into the mesh by itself.',
      evidence: `${PEER_COUNT} All of them called us.`,
    },
    refused: {
      sentence: 'A peer refuses the connection: Yggdrasil does not run there, or waits at another port.',
      fix: `${COMPARE}, above all the number at its end.`,
      evidence: PEER_DOWN,
    },
    unreachable: {
      sentence: 'No way leads to a peer: its address is wrong, or its network is out.',
      fix: `${COMPARE}. If it is right, wait: the router goes on trying.`,
      evidence: PEER_DOWN,
    },
    silent: {
      sentence: 'A peer does not answer: it is switched off, or something on the way holds it back.',
      fix: 'Mesh → Peers shows which one. Ask its owner whether it is on; the router goes on trying.',
      evidence: PEER_DOWN,
    },
    nameless: {
      sentence: 'The name of a peer is unknown on the Internet.',
      fix: `${COMPARE}. If the name is gone for good, remove the peer.`,
      evidence: PEER_DOWN,
    },
    wrong_key: {
      sentence: 'A peer is not the one that it should be: its key differs from the one in its address.',
      fix: 'Mesh → Peers shows which one. Ask its owner for the key. If it did not change, somebody pretends to be that peer: remove it.',
      evidence: PEER_DOWN,
    },
    wrong_password: {
      sentence: 'A peer has another password than this router.',
      fix: 'Mesh → Peers shows which one. Ask its owner for the password, remove the peer, and add it with that.',
      evidence: PEER_DOWN,
    },
    wrong_version: {
      sentence: 'A peer has a version of Yggdrasil that does not fit the one of this router.',
      fix: 'Mesh → Peers shows which one. Update Yggdrasil where it is older: here under System → Software.',
      evidence: PEER_DOWN,
    },
    wrong_protocol: {
      sentence: 'A peer answers, but encryption cannot be agreed on.',
      fix: `${COMPARE}, above all its beginning (tls, tcp, quic, wss).`,
      evidence: PEER_DOWN,
    },
    hung_up: {
      sentence: 'A peer hangs up at once: it may know only those that its owner allowed.',
      fix: 'Mesh → Peers shows which one. Send its owner the key of this router (Mesh → Overview).',
      evidence: PEER_DOWN,
    },
    wrong_device: {
      sentence: 'A peer is tied to a network device that this router does not have.',
      fix: 'Mesh → Peers shows which one. Remove it, and add it without a device or with the right one.',
      evidence: PEER_DOWN,
    },
    wrong_address: {
      sentence: 'The address of a peer cannot be used as it is written.',
      fix: `${COMPARE}: it looks like tls://name:number.`,
      evidence: PEER_DOWN,
    },
    own_address: {
      sentence: 'A peer is this router itself.',
      fix: 'Mesh → Peers shows which one. Remove it.',
      evidence: PEER_DOWN,
    },
    bad_proxy: {
      sentence: 'The proxy on the way to a peer does not do its work.',
      fix: 'Mesh → Peers shows which one. Check that the proxy runs, and its address in that of the peer.',
      evidence: PEER_DOWN,
    },
    odd: {
      sentence: 'A peer is not connected, for a reason that only its error message tells.',
      fix: 'Mesh → Peers shows the message. Press Retry there; if it comes back, send it to the owner of the peer.',
      evidence: PEER_DOWN,
    },
    quiet: {
      sentence: 'A peer is not connected, and Yggdrasil gives no reason.',
      fix: 'Mesh → Peers shows which one. Press Retry there.',
      evidence: '{up} of {count} peers are up. Down: {peer}.',
    },
    dialling: {
      sentence: 'The router is calling its peers.',
      fix: WAIT,
      evidence: `${PEER_COUNT} Not long ago, something changed.`,
    },
    unasked: {
      sentence: 'Yggdrasil has not said yet who its peers are.',
      fix: WAIT,
      evidence: 'The list of peers has not come yet.',
    },
  },
  tree: {
    tree_alone: {
      sentence: 'Peers are connected, but the router learns from none of them how the mesh is built.',
      fix: `${RESTART_YGGDRASIL} If that does not help, the peers may be cut off themselves: ask their owners.`,
      evidence: 'This node knows of no other, with {up} peers up.',
    },
    tree_joining: {
      sentence: 'The router is finding its place in the mesh.',
      fix: WAIT,
      evidence: 'This node knows of no other yet, with {up} peers up.',
    },
  },
} as const satisfies Record<ChainLink, Record<string, SituationWords>>;

/** Situations in which no link is broken. */
export const WHOLE = {
  good: { sentence: 'The mesh works.', fix: '' },
  good_without_line: { sentence: 'The mesh works, without an Internet line of this home.', fix: '' },
  starting: { sentence: 'The router is still looking whether the mesh works.', fix: WAIT },
} as const satisfies Record<string, Pick<SituationWords, 'sentence' | 'fix'>>;

/** A second sentence, what a fault means for the mesh; it ends the id too: `no_cable_carried`. */
export const TAILS = {
  carried: 'Neighbours still carry the mesh.',
  spare: 'The line {spare} is in use instead.',
  still: 'The mesh still works.',
  alone: 'No other peer is up, so this router is cut off.',
} as const;
export type Tail = keyof typeof TAILS;

/** What a link was seen by that is in no situation of its own. */
export const EVIDENCE = {
  line_good: '{uplink} on {device} is up, with a default route.',
  line_unused: 'No Internet line is connected; the mesh does without.',
  line_unasked: 'The router does not tell how its lines are.',
  dns_good: 'The name {host} is found.',
  dns_unused: 'No name has to be found: peers have numbers, or need no line.',
  dns_unasked: 'No name has been looked up yet.',
  dns_waits: 'Names are not looked up while the line is down.',
  clock_good: 'The clock shows {date}.',
  clock_set: 'The clock was set {minutes} minutes ago, and shows {date}.',
  yggdrasil_good: '{interface} answers.',
  yggdrasil_version: '{interface} answers, version {version}.',
  peers_good: '{up} of {count} peers are up, {near} of them neighbours.',
  peers_waits: 'Peers are not known while Yggdrasil does not answer.',
  tree_good: '{nodes} nodes of the mesh are known here.',
  tree_waits: 'Nothing is known of the mesh while no peer is up.',
  tree_unasked: 'Yggdrasil does not tell how much of the mesh it knows.',
} as const;

const TAILS_OF: Partial<Record<ChainLink, readonly Tail[]>> = {
  line: ['carried', 'spare', 'still'],
  dns: ['still'],
  clock: ['still'],
  peers: ['still', 'alone'],
};

/** The sentence of a situation with its second one. */
export function withTail(sentence: string, tail: Tail | undefined): string {
  return tail ? `${sentence} ${TAILS[tail]}` : sentence;
}

/** Every template that a verdict or a check can carry as `words`, for the catalogues of other languages. */
export function verdictTexts(): string[] {
  const texts = new Set<string>(Object.values(EVIDENCE));
  for (const { sentence, fix } of Object.values(WHOLE)) texts.add(sentence).add(fix);
  for (const [link, situations] of Object.entries(SITUATIONS))
    for (const { sentence, fix, evidence } of Object.values<SituationWords>(situations))
      for (const tail of [undefined, ...(TAILS_OF[link as ChainLink] ?? [])])
        texts.add(withTail(sentence, tail)).add(fix).add(evidence);
  texts.delete('');
  return [...texts];
}
