// What a lint can find, in words for people who are not engineers, and the one place where values of the router enter these words.

import type { Finding, FindingLevel } from '../api/model.ts';
import { fillWords, shown } from '../lib/words.ts';

interface Words {
  /** Unless the check says otherwise. */
  level: FindingLevel;
  what: string;
  why: string;
  fix: string;
  /** What the helper's verb `fix` does, where it can; nothing that could cut anybody off. */
  does?: string;
}

const AGAIN = 'Yggdrasil stops at once when it reads this, netifd starts it again, and so on without end.';
const IN_PEERS = 'In LuCI: Network, Interfaces, {interface}, Edit, Peers.';
const IN_GENERAL = 'In LuCI: Network, Interfaces, {interface}, Edit, General Settings.';
const IN_FIREWALL = 'In LuCI: Network, Firewall.';

/** Every finding by its id. `{name}` is filled in; no text holds a value that was not cleaned. */
export const FINDINGS = {
  broken_file: {
    level: 'error',
    what: '/etc/config/{file} has a mistake in line {line}, column {column}.',
    why: 'OpenWrt reads nothing of a file with a mistake: after the next restart it is as if the file were empty.',
    fix: 'Open the file at that line: most often a quotation mark is missing. "uci show {file}" says whether it is good again.',
  },
  unread_file: {
    level: 'note',
    what: '/etc/config/{file} could not be looked at: {reason}.',
    why: 'What is wrong in it, if anything, is not told here.',
    fix: 'Run the check as root, on the router.',
  },
  no_interface: {
    level: 'note',
    what: '/etc/config/network has no interface of protocol yggdrasil.',
    why: 'The router is no node of the mesh yet.',
    fix: 'In LuCI: Network, Interfaces, Add new interface, protocol Yggdrasil Network. Set the private key to auto.',
  },
  more: {
    level: 'note',
    what: '{count} more findings are left out.',
    why: 'The list would become too long to read.',
    fix: 'Put right what is listed, then check again.',
  },

  empty_private_key: {
    level: 'error',
    what: '{interface} has no private key.',
    why: 'The key is the identity of the router. Without one it gets a new key, and with it a new address, at every start: whoever knew the old one cannot reach it any more, and gateways take it for a stranger.',
    fix: `Run: uci set network.{interface}.private_key='auto'; uci commit network; ifup {interface}. A key is then made once and kept. ${IN_GENERAL}`,
    does: 'Writes auto as the private key of {interface}: when {interface} starts next it makes a key, and keeps it.',
  },
  bad_private_key: {
    level: 'error',
    what: 'The private key of {interface} is not made of 128 hex digits (0-9, a-f); it has {length} characters.',
    why: AGAIN,
    fix: `Put the right key back from a backup. If there is none, write auto in its place: the router then gets a new key, and a new address. ${IN_GENERAL}`,
  },
  duplicate_private_key: {
    level: 'error',
    what: '{interface} has the same private key as {other}.',
    why: 'Two nodes with one identity take each other’s traffic: both are reached only by chance.',
    fix: `Give one of them a key of its own: uci set network.{interface}.private_key='auto'; uci commit network; ifup {interface}. Never copy a configuration with its key to another router.`,
  },
  public_key_mismatch: {
    level: 'note',
    what: 'The public key that is noted for {interface} does not belong to its private key.',
    why: 'Yggdrasil goes by the private key alone. Whoever copies the noted public key gives others the wrong identity.',
    fix: 'Run: uci delete network.{interface}.public_key; uci commit network. It is for information only.',
    does: 'Takes the wrong note out. Nothing else changes.',
  },
  long_name: {
    level: 'error',
    what: 'The name of the interface {interface} has {length} characters; a network device may have 15.',
    why: AGAIN,
    fix: 'Give the interface a short name, such as ygg0, also in the types of its peer sections and in the firewall.',
  },
  bad_node_info: {
    level: 'error',
    what: 'The node info of {interface} is not the JSON of a table: {problem}.',
    why: 'Yggdrasil stops at once on nearly every such text, netifd starts it again, and so on without end.',
    fix: `Write it as {"name":"our-router"}, or leave it empty. ${IN_GENERAL}`,
  },
  large_node_info: {
    level: 'error',
    what: 'The node info of {interface} takes {bytes} bytes with what Yggdrasil adds; it may take 16384.',
    why: AGAIN,
    fix: `Keep a name and a way to reach you; put the rest on a page and name its address. ${IN_GENERAL}`,
  },
  dropped_node_info: {
    level: 'warning',
    what: 'The node info of {interface} holds blanks or line breaks.',
    why: 'The start script of Yggdrasil on OpenWrt loses a node info with blanks: the node then tells nothing about itself.',
    fix: `Write it without any blank: {"name":"our-router"}. In names, use - or _ instead. ${IN_GENERAL}`,
    does: 'Writes the node info of {interface} without blanks; in names, unbreakable ones that look the same take their place. It counts when {interface} starts next.',
  },
  mangled_node_info: {
    level: 'warning',
    what: 'The node info of {interface} holds {mark}.',
    why: 'The start script of Yggdrasil on OpenWrt changes & and \\ on the way. At best the text is wrong; at worst it is no JSON any more, and Yggdrasil is started again without end.',
    fix: `Leave out & and \\. Letters such as é may stand as they are. ${IN_GENERAL}`,
  },
  no_peers: {
    level: 'error',
    what: '{interface} has no peers, looks for none on any device, and waits for none.',
    why: 'The node stays alone: it reaches nobody, and nobody reaches it.',
    fix: `Add a peer address, or a multicast rule with beacon and listen on the devices that lead to the neighbours. ${IN_PEERS}`,
  },
  idle_multicast: {
    level: 'warning',
    what: 'A multicast rule of {interface} neither sends beacons nor listens to them.',
    why: 'It does nothing: no neighbour is found by it.',
    fix: `Run: uci set {place}.beacon='1'; uci set {place}.listen='1'; uci commit network; ifup {interface}. ${IN_PEERS}`,
    does: 'Switches beacon and listen of the rule on. It counts when {interface} starts next.',
  },
  multicast_nowhere: {
    level: 'warning',
    what: 'A multicast rule of {interface} names no device.',
    why: 'It does nothing: no neighbour is found by it.',
    fix: `Add the devices that lead to the neighbours, such as br-lan or the mesh radio. ${IN_PEERS}`,
  },
  bad_multicast_pattern: {
    level: 'error',
    what: '"{value}", a device in a multicast rule of {interface}, is neither a name nor a pattern.',
    why: AGAIN,
    fix: `Name devices in full, such as br-lan. Any device is .* (with the dot). ${IN_PEERS}`,
  },
  bad_multicast_port: {
    level: 'error',
    what: 'A multicast rule of {interface} has port {value}; it may be 0 (any) to 65535.',
    why: AGAIN,
    fix: `Run: uci delete {place}.port; uci commit network; ifup {interface}. ${IN_PEERS}`,
    does: 'Takes the port out of the rule, so that any will do. It counts when {interface} starts next.',
  },
  dropped_password: {
    level: 'warning',
    what: 'The password of a multicast rule of {interface} holds blanks.',
    why: 'The start script of Yggdrasil on OpenWrt loses a password with blanks: the rule then works without any, and neighbours with the password are refused.',
    fix: `Choose one without blanks, the same on all routers. ${IN_PEERS}`,
  },
  bad_peer: {
    level: 'error',
    what: 'A peer of {interface} cannot work: {problem}.',
    why: 'Yggdrasil tries it in vain for ever. For many of these mistakes it does not even start, and is started again without end.',
    fix: `Write it as tls://address:port, or remove it. ${IN_PEERS}`,
  },
  odd_peer: {
    level: 'note',
    what: 'A part of a peer address of {interface} has no effect: {problem}.',
    why: 'Yggdrasil passes over what it does not know. If it was meant to protect something, it does not.',
    fix: `Correct the address, or leave the part out. ${IN_PEERS}`,
  },
  duplicate_peer: {
    level: 'note',
    what: '{interface} has the peer {peer} more than once.',
    why: 'Only the first counts. Options of the others, such as a key or a password, have no effect.',
    fix: `Run: uci delete {place}; uci commit network. ${IN_PEERS}`,
    does: 'Takes the entry out that has no effect. Nothing else changes.',
  },
  logical_device: {
    level: 'warning',
    what: '{interface} is told to use the device "{value}", but that is the name of an interface; its device is {device}.',
    why: 'Yggdrasil knows devices only. It finds none of that name, so no connection is made over it.',
    fix: `Write {device} instead of {value}, in {place}. ${IN_PEERS}`,
  },
  bad_listen: {
    level: 'error',
    what: '{interface} is told to wait for peers at "{value}", which is no address to listen at.',
    why: 'Yggdrasil passes over it: nobody can connect there.',
    fix: `Write it as tls://[::]:port or tcp://0.0.0.0:port; tcp, tls, quic, ws and unix will do. ${IN_PEERS}`,
  },
  unreachable_listen: {
    level: 'note',
    what: '{interface} waits for peers at port {port} ({protocol}), but no firewall rule lets the Internet in there.',
    why: 'Peers on the Internet cannot connect. Neighbours in the own network are not concerned.',
    fix: `If the Internet shall connect, add a rule: from wan, to this device, {protocol} port {port}, accept. If not, all is well. ${IN_FIREWALL}`,
  },
  bad_allowed_key: {
    level: 'error',
    what: 'A key in the list of allowed keys of {interface} is not made of 64 hex digits (0-9, a-f); it has {length} characters.',
    why: 'At best its owner is locked out. At worst Yggdrasil stops at once, and is started again without end.',
    fix: `Ask the neighbour for the public key again, and copy it whole. ${IN_PEERS}`,
  },
  idle_allowed_keys: {
    level: 'note',
    what: '{interface} has a list of allowed keys, but waits for peers at no address.',
    why: 'The list concerns only peers that connect to a listen address. It keeps out no neighbour that is found by multicast.',
    fix: `To choose among neighbours, set a password in the multicast rule. ${IN_PEERS}`,
  },
  option_for_list: {
    level: 'warning',
    what: '{place} says "option {option}" where "list {option}" is wanted.',
    why: 'The start script of Yggdrasil does not see it: it is as if nothing were written there.',
    fix: 'Change the word option to list in that line of /etc/config/network, then run: ifup {interface}.',
  },
  orphan_section: {
    level: 'warning',
    what: 'A section of type {type} belongs to no Yggdrasil interface.',
    why: 'Nothing reads it. Its interface was removed, renamed, or is spelt otherwise.',
    fix: 'Correct the type to yggdrasil_NAME_peer or yggdrasil_NAME_interface, with the name of the interface; or run: uci delete {place}; uci commit network.',
  },
  disabled: {
    level: 'note',
    what: '{interface} is switched off.',
    why: 'The router does not take part in the mesh by it. Its other options were not checked.',
    fix: 'To switch it on: uci delete network.{interface}.disabled; uci commit network; ifup {interface}.',
  },
  no_autostart: {
    level: 'note',
    what: '{interface} is not brought up when the router starts.',
    why: 'After a power cut the router stays out of the mesh until somebody brings the interface up.',
    fix: 'Run: uci delete network.{interface}.auto; uci commit network. In LuCI: Network, Interfaces, {interface}, Edit, Bring up on boot.',
    does: 'Lets {interface} come up whenever the router starts.',
  },
  no_protocol: {
    level: 'error',
    what: 'The router does not know the protocol yggdrasil, which {interface} has.',
    why: 'The interface cannot come up.',
    fix: 'Install the package yggdrasil. If it is there, run: /etc/init.d/network restart (everybody loses the connection for a moment).',
  },
  lan_mesh_prefix: {
    level: 'warning',
    what: '{interface} gives its devices addresses of the mesh ({prefix}), and the router has an IPv6 way to the Internet.',
    why: 'Phones and computers then use their mesh address towards the Internet, where it means nothing: pages load late or not at all.',
    fix: `Keep the prefix of the mesh out: uci add_list network.{interface}.ip6class='wan6'; uci add_list network.{interface}.ip6class='local'; uci commit network; ifup {interface} (wan6 being the interface that has the Internet's prefix). In LuCI: Network, Interfaces, {interface}, Edit, Advanced Settings, IPv6 prefix filter.`,
  },

  no_firewall: {
    level: 'warning',
    what: 'There is no /etc/config/firewall.',
    why: 'Unless it is protected in some other way, everybody in the Yggdrasil network reaches everything on {interface}.',
    fix: 'Install the package firewall4, and put {interface} in a zone that rejects what comes in.',
  },
  no_zone: {
    level: 'warning',
    what: '{interface} is in no zone of the firewall.',
    why: 'Nothing comes in, as it should be, but nothing of the homes gets out either, and no rule can be made for it.',
    fix: `Make a zone for it: input reject, output accept, forward reject, covered network {interface}. ${IN_FIREWALL}`,
  },
  no_zone_open: {
    level: 'error',
    what: '{interface} is in no zone of the firewall, and what is in none is let in.',
    why: 'Everybody in the Yggdrasil network, which is open to the whole world, reaches the router and what is behind it.',
    fix: `Make a zone for it: input reject, output accept, forward reject, covered network {interface}. ${IN_FIREWALL}`,
  },
  ipv4_zone: {
    level: 'warning',
    what: 'The firewall zone {zone}, in which {interface} is, counts for IPv4 only.',
    why: 'All traffic of Yggdrasil is IPv6: the zone does not concern it, it is as if {interface} were in none.',
    fix: `Run: uci delete {place}.family; uci commit firewall; /etc/init.d/firewall reload. ${IN_FIREWALL}`,
  },
  broken_zone: {
    level: 'error',
    what: 'The firewall does not understand "{option}" of the zone in which {interface} is.',
    why: 'It leaves the whole zone out, without an error: {interface} is in none.',
    fix: `Correct it: input, output and forward may be ACCEPT, REJECT or DROP. ${IN_FIREWALL}`,
  },
  open_input: {
    level: 'error',
    what: 'The firewall zone {zone}, in which {interface} is, lets everything in.',
    why: 'Everybody in the Yggdrasil network, which is open to the whole world, reaches every service of the router: its pages, its login, its name server.',
    fix: `Put {interface} in a zone of its own, with input reject: uci set {place}.input='REJECT' if nothing else is in the zone; uci commit firewall; /etc/init.d/firewall reload. ${IN_FIREWALL}`,
  },
  open_forward: {
    level: 'error',
    what: 'The firewall zone {zone} holds {interface} and {others}, and forwards between them.',
    why: 'Everybody in the Yggdrasil network, which is open to the whole world, reaches the devices of the homes.',
    fix: `Put {interface} in a zone of its own, with input reject and forward reject. ${IN_FIREWALL}`,
  },
  open_default_forward: {
    level: 'error',
    what: 'The firewall forwards whatever no zone forbids.',
    why: 'Everybody in the Yggdrasil network, which is open to the whole world, is passed on from {interface} to the homes and to the Internet.',
    fix: `Run: uci set {place}.forward='REJECT'; uci commit firewall; /etc/init.d/firewall reload. In LuCI: Network, Firewall, General Settings, Forward.`,
    does: 'Sets forward to reject for whatever no zone mentions, and loads the firewall anew. Forwarding that is written down stays.',
  },
  loose_forward: {
    level: 'note',
    what: 'The firewall zone {zone}, in which {interface} is, has forward accept, with nothing else in it.',
    why: 'It exposes nothing now. A network that is added to the zone later is open to everybody in the Yggdrasil network.',
    fix: `Run: uci set {place}.forward='REJECT'; uci commit firewall; /etc/init.d/firewall reload. ${IN_FIREWALL}`,
    does: 'Sets forward of the zone {zone} to reject, and loads the firewall anew.',
  },
  open_forwarding: {
    level: 'error',
    what: 'The firewall forwards from {interface} (zone {zone}) to {dest}.',
    why: 'Everybody in the Yggdrasil network, which is open to the whole world, reaches the devices there: cameras, printers, computers.',
    fix: `Remove it: uci delete {place}; uci commit firewall; /etc/init.d/firewall reload. To offer one service, make one traffic rule for its address and port. ${IN_FIREWALL}`,
  },
  open_line: {
    level: 'error',
    what: 'The firewall forwards from {interface} (zone {zone}) to the Internet ({dest}).',
    why: 'Everybody in the Yggdrasil network, which is open to the whole world, can use the Internet line in its owner’s name.',
    fix: `Remove it: uci delete {place}; uci commit firewall; /etc/init.d/firewall reload. ${IN_FIREWALL}`,
  },
  open_rule: {
    level: 'error',
    what: 'The firewall rule {rule} accepts everything from {interface} (zone {zone}).',
    why: 'Everybody in the Yggdrasil network, which is open to the whole world, gets in.',
    fix: `Name the protocol and the port that are meant, or remove it: uci delete {place}; uci commit firewall; /etc/init.d/firewall reload. In LuCI: Network, Firewall, Traffic Rules.`,
  },
  open_login: {
    level: 'warning',
    what: 'The firewall rule {rule} lets everybody in the Yggdrasil network reach {service} of the router.',
    why: 'That network is open to the whole world, and some of it tries passwords day and night.',
    fix: `Name the addresses that may (Source address, option src_ip), or switch the rule off: uci set {place}.enabled='0'; uci commit firewall; /etc/init.d/firewall reload. In LuCI: Network, Firewall, Traffic Rules.`,
  },
  missing_network: {
    level: 'note',
    what: 'The firewall zone {zone} names the network {network}, which does not exist.',
    why: 'The name has no effect. If an interface was renamed, it has lost the protection of its zone.',
    fix: `Choose the right network in the zone, or take the name out. ${IN_FIREWALL}`,
  },

  admin_over_network: {
    level: 'error',
    what: 'The control socket of {interface} is reached over the network, at {endpoint}.',
    why: 'Yggdrasil asks nobody for a password there: whoever reaches that port can add and remove peers, and stop the node.',
    fix: 'Let Yggdrasil listen at a socket file (AdminListen unix:///tmp/yggdrasil/{interface}.sock) and write that path in /etc/config/meshbridge.',
  },

  other_routing: {
    level: 'warning',
    what: '{program} is switched on, and so is the way to the Internet through a gateway.',
    why: 'Both decide by rules of their own where the packets of your devices go. What {program} sends by your own line is refused there, so some of your devices may have no Internet.',
    fix: 'Switch {program} off (service {program} stop; service {program} disable), or leave the networks that use the gateway out of its rules.',
  },
  local_resolver: {
    level: 'warning',
    what: 'The resolver of your devices asks {server}, a program on this router, and the way to the Internet through a gateway is switched on.',
    why: 'That program asks further by your own line: which names your devices look up leaves past the gateway.',
    fix: 'Take the entry out, and switch off what puts it there (such as https-dns-proxy or stubby): names are then asked through the gateway. In LuCI: Network, DHCP and DNS, DNS forwardings.',
  },
  flow_offload: {
    level: 'warning',
    what: 'Flow offloading is switched on, and so is the way to the Internet through a gateway.',
    why: 'Connections that stand are then forwarded past the rules that keep your devices from your own line: one that began by the line may go on there when the gateway is switched on.',
    fix: 'Switch it off: it makes tunnels little faster. In LuCI: Network, Firewall, General Settings, Routing/NAT Offloading.',
  },
} as const satisfies Record<string, Words>;
export type FindingId = keyof typeof FINDINGS;

/** Findings of one id, beyond which they are only counted. */
export const MAX_SAME = 8;
/** Characters of an `option`. */
const MAX_PLACE = 120;

/** Collects findings, with a bound for each id. */
export class Findings {
  readonly list: Finding[] = [];
  /** Findings that are only counted. */
  leftOut = 0;
  private readonly counts = new Map<FindingId, number>();

  /**
   * @param option where: `network.ygg0.private_key`.
   * @param values what `{name}` stands for in the words of `id`.
   * @param extra `level`, instead of the usual one; `canFix` false: here the helper cannot do what it does for others of this id.
   */
  add(
    id: FindingId,
    option: string,
    values: Readonly<Record<string, string | number>> = {},
    extra: { level?: FindingLevel; canFix?: boolean } = {},
  ): void {
    const count = (this.counts.get(id) ?? 0) + 1;
    this.counts.set(id, count);
    if (count > MAX_SAME) {
      this.leftOut++;
      return;
    }
    const clean = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, typeof value === 'number' ? value : shown(value)]),
    );
    const { level, what, why, fix, does }: Words = FINDINGS[id];
    const fixable = does !== undefined && extra.canFix !== false;
    this.list.push({
      id,
      level: extra.level ?? level,
      option: shown(option, MAX_PLACE),
      what: fillWords(what, clean),
      why: fillWords(why, clean),
      fix: fillWords(fix, clean),
      words: fixable ? { what, why, fix, does } : { what, why, fix },
      values: clean,
      fixable,
    });
  }
}
