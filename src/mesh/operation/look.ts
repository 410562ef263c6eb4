// Operations that only look: what this router knows, in parts that fit an answer.

import type { Peer } from '../../api/model.ts';
import { InputError } from '../../errors.ts';
import { KEY, maybe, text, whole } from '../argument.ts';
import { HISTORY_STEP_S } from '../history.ts';
import { type Operations, operation } from '../operation.ts';
import type { Overview } from '../overview.ts';
import { jsonBytes, pageOf } from '../page.ts';
import type { Member, MeshState } from '../state.ts';

/** What is looked at. */
export interface LookView {
  readonly mesh: Pick<MeshState, 'find' | 'all'>;
  readonly overview: Pick<Overview, 'look'>;
  nowMs(): number;
}

/** Of an answer, what a list may take. */
const ROOM = 3600;
const MAX_NAME = 32;
const MAX_SAMPLES = 288;
const USUAL_SAMPLES = 12;
/** Fields of a peer that are told. */
const PEER_FIELDS = [
  'remote',
  'device',
  'origin',
  'inbound',
  'state',
  'state_ago_ms',
  'key',
  'name',
  'cost',
  'latency_ms',
  'uptime_s',
  'rx_bytes',
  'tx_bytes',
  'last_error',
  'last_error_ago_ms',
] as const satisfies readonly (keyof Peer)[];

/** Which Yggdrasil, by its interface. */
export const INTERFACE = maybe(text(MAX_NAME));
const FROM = maybe(whole(0, 100_000));

/** The node of an interface, or the first one. @throws InputError when there is none */
export function memberOf(mesh: Pick<MeshState, 'find'>, name: string | undefined): Member {
  const member = mesh.find(name);
  if (member) return member;
  throw new InputError(
    `interface: no Yggdrasil interface ${name === undefined ? 'was found' : `"${name}"`}`,
    'interface',
  );
}

/** The operations that look. */
export function lookOperations({ mesh, overview, nowMs }: LookView): Operations {
  const member = (name: string | undefined): Member => memberOf(mesh, name);
  return {
    self: operation({
      scope: 'observe',
      args: { interface: INTERFACE },
      async run({ interface: name }) {
        const { node } = member(name);
        const { value, atMs } = await node.read('self', nowMs());
        return { interface: node.name, age_ms: nowMs() - atMs, ...value };
      },
    }),
    peers: operation({
      scope: 'observe',
      args: { interface: INTERFACE, from: FROM },
      async run({ interface: name, from = 0 }) {
        const { node } = member(name);
        const { value, atMs } = await node.read('peers', nowMs());
        const { items, next } = pageOf(value.peers.map(shortPeer), from, ROOM);
        return { interface: node.name, age_ms: nowMs() - atMs, peers: items, next };
      },
    }),
    node_info: operation({
      scope: 'observe',
      isSlow: true,
      args: { key: KEY, interface: INTERFACE },
      async run({ key, interface: name }) {
        const { value } = await member(name).remote.nodeInfo(key, nowMs());
        // of what strangers say, all or nothing
        return jsonBytes(value) > ROOM ? { key, left_out: true } : { key, node_info: value };
      },
    }),
    node_peers: operation({
      scope: 'observe',
      isSlow: true,
      args: { key: KEY, interface: INTERFACE, from: FROM },
      async run({ key, interface: name, from = 0 }) {
        const { value } = await member(name).remote.nodePeers(key, nowMs());
        const { items, next } = pageOf(value, from, ROOM);
        return { key, keys: items, next };
      },
    }),
    verdict: operation({
      scope: 'observe',
      args: { interface: INTERFACE },
      async run({ interface: name }) {
        // a router without Yggdrasil has a verdict, too
        const iface = name === undefined && mesh.all().length === 0 ? '' : member(name).node.name;
        const { verdict } = await overview.look(iface);
        const { state, id, sentence, fix, since_s, last_good_ago_s, checks } = verdict;
        const short = checks.map((check) => ({ link: check.link, state: check.state, since_s: check.since_s }));
        return { interface: iface, state, id, sentence, fix, since_s, last_good_ago_s, checks: short };
      },
    }),
    history: operation({
      scope: 'observe',
      args: { interface: INTERFACE, samples: maybe(whole(1, MAX_SAMPLES)) },
      run({ interface: name, samples = USUAL_SAMPLES }) {
        const { node } = member(name);
        const all = node.history.samples(nowMs());
        // the newest count more
        const { items } = pageOf(all.slice(-samples).reverse(), 0, ROOM);
        return { interface: node.name, step_s: HISTORY_STEP_S, samples: items.reverse() };
      },
    }),
  };
}

function shortPeer(peer: Peer): Partial<Peer> {
  return Object.fromEntries(PEER_FIELDS.flatMap((field) => (peer[field] === undefined ? [] : [[field, peer[field]]])));
}
