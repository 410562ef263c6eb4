// A sample as it is sent: the groups that a broker gets, within the size of a keyframe; a heartbeat of it; what changed since a keyframe.

import { type MetricGroup, type Payload, type PeerSample, type Sample, TOPICS } from '../api/topics.ts';
import { difference, type Fields } from '../lib/delta.ts';
import { encodeUtf8 } from '../lib/utf8.ts';

/** First in each state and tele. */
export type Stamp = Pick<Payload<'state'>, 'sid' | 'seq' | 'mono' | 't' | 'clk'>;

type LeftOut = NonNullable<Payload<'state'>['left_out']>;

/** A keyframe as it was sent, and what of the sample is in it: the base of changes to come. */
export interface Keyframe {
  readonly seq: number;
  readonly text: string;
  readonly content: Sample;
  readonly leftOut: LeftOut | undefined;
}

/** Bytes of one peer without its traffic, at least. */
const MIN_PEER_BYTES = 36;

/** Those groups of a sample. */
export function inGroups(sample: Sample, groups: readonly MetricGroup[]): Sample {
  const known = groups.filter((group): group is keyof Sample & MetricGroup => Object.hasOwn(sample, group));
  return Object.fromEntries(known.map((group) => [group, sample[group]])) as Sample;
}

function bytesOf(text: string): number {
  return encodeUtf8(text).length;
}

/** What is left out of each peer, in this order. */
const STAGES = [
  ['peer_traffic', ['rx_kb', 'tx_kb']],
  ['peer_latency', ['latency_ms']],
] as const satisfies [keyof LeftOut, (keyof PeerSample)[]][];

/** The more a peer needs somebody's eyes, the earlier it comes. */
function rank({ state, cost = 0 }: PeerSample): number {
  return state === undefined ? cost : -1;
}

function without(fields: readonly (keyof PeerSample)[]): (peers: PeerSample[]) => PeerSample[] {
  return (peers) =>
    peers.map((peer) => {
      const rest = { ...peer };
      for (const field of fields) delete rest[field as 'cost'];
      return rest;
    });
}

function withPeers(sample: Sample, change: (peers: PeerSample[]) => PeerSample[]): Sample {
  const yggdrasil = sample.yggdrasil!.map((node) => (node.peers ? { ...node, peers: change(node.peers) } : node));
  return { ...sample, yggdrasil };
}

/** A keyframe of what a broker gets, at most as long as one may be: of what there is no room for it tells. */
export function keyframe(stamp: Stamp, sample: Sample): Keyframe {
  const fit = (content: Sample, left_out?: LeftOut): Keyframe | number => {
    const text = JSON.stringify({ ...stamp, ...content, ...(left_out && { left_out }) });
    const over = bytesOf(text) - TOPICS.state.maxBytes;
    return over > 0 ? over : { seq: stamp.seq, text, content, leftOut: left_out && { ...left_out } };
  };
  let fitting = fit(sample);
  if (typeof fitting !== 'number') return fitting;

  let content = sample;
  const left: LeftOut = {};
  if (content.yggdrasil) {
    for (const [name, fields] of STAGES) {
      if (typeof fitting !== 'number') break;
      content = withPeers(content, without(fields));
      left[name] = true;
      fitting = fit(content, left);
    }
    const all = content.yggdrasil!.flatMap(({ peers = [] }) => peers).sort((a, b) => rank(a) - rank(b));
    let keep = all.length;
    while (typeof fitting === 'number' && keep > 0) {
      keep = Math.max(0, keep - Math.ceil(fitting / (2 * MIN_PEER_BYTES)));
      const kept = new Set(all.slice(0, keep));
      left.peers = all.length - keep;
      fitting = fit(
        withPeers(content, (peers) => peers.filter((peer) => kept.has(peer))),
        left,
      );
    }
    if (typeof fitting === 'number') content = withPeers(content, () => []);
  }
  left.entries = 0;
  while (typeof fitting === 'number') {
    const name = (['radio', 'uplink', 'yggdrasil'] as const).find((group) => (content[group]?.length ?? 0) > 0);
    // what is left has a fixed number of fields
    if (!name) throw new RangeError(`keyframe: ${fitting} bytes too long without any list`);
    content = { ...content, [name]: content[name]!.slice(0, -1) };
    left.entries++;
    fitting = fit(content, left);
  }
  return fitting;
}

/** What changed since a keyframe; `undefined`: nothing. What it had no room for is no change, but for peers that need somebody. */
export function changeSince({ content, leftOut }: Keyframe, sample: Sample): Fields | undefined {
  const now = sample.yggdrasil && leftOut ? shortenedLike(content, leftOut, sample) : sample;
  return difference(content as Fields, now as Fields);
}

function shortenedLike(content: Sample, leftOut: LeftOut, sample: Sample): Sample {
  let now = sample;
  for (const [name, fields] of STAGES) if (leftOut[name]) now = withPeers(now, without(fields));
  if (leftOut.peers === undefined) return now;
  const kept = new Set(content.yggdrasil?.flatMap(({ peers = [] }) => peers.map(({ id }) => id)));
  return withPeers(now, (peers) => peers.filter(({ id, state }) => kept.has(id) || state !== undefined));
}

const sum = <T>(items: readonly T[] | undefined, of: (item: T) => number | undefined): number | undefined => {
  const values = items?.map(of).filter((value) => value !== undefined) ?? [];
  return values.length > 0 ? values.reduce((a, b) => a + b, 0) : undefined;
};

/** The dozen numbers of a sample that tell most; absent is what is not known. */
export function heartbeat({
  own,
  yggdrasil,
  uplink,
  radio,
  system,
  internet,
}: Sample): Omit<Payload<'tele'>, keyof Stamp> {
  const peers = yggdrasil?.flatMap((node) => node.peers ?? []);
  const latencies = peers?.flatMap(({ state, latency_ms }) =>
    state === undefined && latency_ms !== undefined ? [latency_ms] : [],
  );
  const all = {
    verdict: own?.verdict,
    peers_up: sum(yggdrasil, (node) => node.peers_up),
    peers: sum(yggdrasil, ({ peers_up, peers_unproven = 0, peers_down = 0 }) =>
      peers_up === undefined ? undefined : peers_up + peers_unproven + peers_down,
    ),
    latency_ms: latencies && latencies.length > 0 ? Math.min(...latencies) : undefined,
    sessions: sum(yggdrasil, (node) => node.sessions),
    own_kb: sum(yggdrasil, ({ own_rx_kb, own_tx_kb = 0 }) =>
      own_rx_kb === undefined ? undefined : own_rx_kb + own_tx_kb,
    ),
    relayed_kb: sum(yggdrasil, (node) => node.relayed_kb),
    online: uplink?.some(({ default_route }) => default_route),
    stations: sum(radio, ({ stations }) => stations),
    load: system?.load,
    memory_free_kb: system?.memory_free_kb,
    temperature_c: system?.temperature_c,
    internet: internet?.state,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
