// Everything that is measured of a router at one moment, from what its parts know.

import type { LeaseStatus } from '../api/lease-object.ts';
import type { CheckState, Peer, Uplink } from '../api/model.ts';
import type { PeerSample, Sample } from '../api/topics.ts';
import type { Node } from './node.ts';

/** What a sample is made of, beside the nodes. */
export interface SampleFacts {
  readonly nodes: readonly Node[];
  /** The verdict on an interface, or on a router without one (`''`), where it was judged. */
  verdictOf(iface: string): { readonly state: CheckState; readonly id: string } | undefined;
  readonly uplinks: readonly Uplink[] | undefined;
  readonly radio: Sample['radio'];
  readonly system: Sample['system'];
  /** Of this home, while it is switched on or on trial. */
  readonly lease: LeaseStatus | undefined;
  /** Where this machine is a gateway. */
  readonly gateway: Sample['gateway'];
  /** Since the daemon started. */
  readonly uptimeS: number;
  /** Resident memory of the daemon. */
  readonly rssKb: number | undefined;
}

/** What is beyond is left out. */
const MAX_PEERS = 256;
const MAX_UPLINKS = 4;
const MAX_RADIOS = 8;
const MAX_NAME = 64;
const KEY_DIGITS = 16;

const toKb = (bytes: number): number => Math.round(bytes / 1000);
const toTenth = (value: number): number => Math.round(value * 10) / 10;

/** Names for peers: the first digits of their keys, numbered where there are several. */
function idsOf(peers: readonly Peer[]): string[] {
  const ids = new Map<Peer, string>();
  const counts = new Map<string, number>();
  // not in the order of the list, which changes when one connects anew
  const sorted = [...peers].sort((a, b) => ((a.remote ?? '') < (b.remote ?? '') ? -1 : 1));
  for (const peer of sorted) {
    const name = peer.key?.slice(0, KEY_DIGITS) ?? 'none';
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    ids.set(peer, count === 1 ? name : `${name}.${count}`);
  }
  return peers.map((peer) => ids.get(peer)!);
}

function peerSamples(list: readonly Peer[]): PeerSample[] {
  const peers = list.slice(0, MAX_PEERS);
  const ids = idsOf(peers);
  return peers.map(({ state, cost, latency_ms, rx_bytes, tx_bytes }, i) => ({
    id: ids[i]!,
    ...(state !== 'up' && { state }),
    ...(state !== 'down' && {
      ...(cost !== undefined && { cost }),
      ...(latency_ms !== undefined && { latency_ms: toTenth(latency_ms) }),
      ...(rx_bytes !== undefined && { rx_kb: toKb(rx_bytes) }),
      ...(tx_bytes !== undefined && { tx_kb: toKb(tx_bytes) }),
    }),
  }));
}

type NodeSample = NonNullable<Sample['yggdrasil']>[number];

function nodeSample(node: Node, verdict: string | undefined, nowMs: number): NodeSample {
  const peers = node.current('peers')?.value.peers;
  const sessions = node.current('sessions')?.value.sessions;
  const routing = node.current('self')?.value.routing_entries;
  const traffic = node.usage.traffic(nowMs);
  const count = (state: string): number => peers!.filter((peer) => peer.state === state).length;
  return {
    id: node.name,
    connected: node.connected,
    ...(verdict !== undefined && { verdict }),
    ...(peers && { peers_up: count('up'), peers_unproven: count('unproven'), peers_down: count('down') }),
    ...(sessions && { sessions: sessions.length }),
    ...(routing !== undefined && { routing_entries: routing }),
    ...(traffic && {
      own_rx_kb: toKb(traffic.own_rx_bytes),
      own_tx_kb: toKb(traffic.own_tx_bytes),
      relayed_kb: toKb(traffic.relayed_bytes),
    }),
    ...(peers && { peers: peerSamples(peers) }),
  };
}

function uplinkSample({ interface: id, up, default_route, carrier, uptime_s }: Uplink) {
  return {
    id,
    up,
    default_route,
    ...(carrier !== undefined && { carrier }),
    ...(uptime_s !== undefined && { uptime_s }),
  };
}

function leaseSample({ mode, state, id, blocking, gateway, use }: LeaseStatus): NonNullable<Sample['internet']> {
  return {
    ...{ mode, state, situation: id, blocking },
    ...(gateway !== undefined && { gateway: gateway.slice(0, MAX_NAME) }),
    ...(use && { rx_kb: toKb(use.rx_bytes), tx_kb: toKb(use.tx_bytes) }),
  };
}

/** A sample as of `nowMs`, monotonic. What a broker's queue holds is not in it. */
export function takeSample(facts: SampleFacts, nowMs: number): Sample {
  const { nodes, uplinks, radio, system, lease, gateway, uptimeS, rssKb } = facts;
  const first = facts.verdictOf(nodes[0]?.name ?? '');
  return {
    own: {
      uptime_s: uptimeS,
      ...(first && { verdict: first.state, situation: first.id }),
      ...(rssKb !== undefined && { rss_kb: rssKb }),
      queued: 0,
      dropped: 0,
    },
    yggdrasil: nodes.map((node) => nodeSample(node, facts.verdictOf(node.name)?.state, nowMs)),
    ...(uplinks && { uplink: uplinks.slice(0, MAX_UPLINKS).map(uplinkSample) }),
    ...(radio && { radio: radio.slice(0, MAX_RADIOS) }),
    ...(system && { system }),
    ...(lease && { internet: leaseSample(lease) }),
    ...(gateway && { gateway }),
  };
}
