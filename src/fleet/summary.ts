// A node in one line: what matters of all that it told.

import { isHeard, type NodeView, nameOf, type Trust } from './fleet.ts';
import type { Cell, Style } from './table.ts';

/** That line. Absent: not known. */
export interface Summary {
  node: string;
  site: string;
  name: string;
  enrolled: boolean;
  trust: Trust;
  /** `online`, `offline`, `bye`; `never`: enrolled, and not heard of. */
  state: string;
  version?: string;
  /** What the node finds of its mesh: `good`, `weak`, `bad`, `unknown`. */
  verdict?: string;
  peers_up?: number;
  peers?: number;
  /** Unix seconds. */
  seen_at?: number;
  alarms: { id: string; sev: string; msg: string }[];
}

/** Sums a node up. */
export function summarize(view: NodeView): Summary {
  const { node, site, pin, trust, info, status, state, tele, alarms, heard_ms, kept_ms } = view;
  const version = info?.version;
  const verdict = tele?.verdict ?? state?.own?.verdict;
  const peers = peersOf(view);
  const seen = Math.max(heard_ms ?? 0, kept_ms ?? 0);
  return {
    node,
    site,
    name: nameOf(view),
    enrolled: pin !== undefined,
    trust,
    state: status?.state ?? (isHeard(view) ? 'unknown' : 'never'),
    ...(version !== undefined && { version }),
    ...(verdict !== undefined && { verdict }),
    ...peers,
    ...(seen > 0 && { seen_at: Math.floor(seen / 1000) }),
    alarms: [...alarms].map(([id, { sev, msg }]) => ({ id, sev, msg })),
  };
}

function peersOf({ tele, state }: NodeView): { peers_up?: number; peers?: number } {
  if (tele?.peers_up !== undefined && tele.peers !== undefined) return { peers_up: tele.peers_up, peers: tele.peers };
  const nodes = state?.yggdrasil;
  if (!nodes || nodes.every(({ peers_up }) => peers_up === undefined)) return {};
  const sum = (field: 'peers_up' | 'peers_unproven' | 'peers_down'): number =>
    nodes.reduce((all, one) => all + (one[field] ?? 0), 0);
  return { peers_up: sum('peers_up'), peers: sum('peers_up') + sum('peers_unproven') + sum('peers_down') };
}

const STATES: Readonly<Record<string, Style>> = { online: 'green', offline: 'red', bye: 'yellow', never: 'yellow' };
const VERDICTS: Readonly<Record<string, Style>> = { good: 'green', weak: 'yellow', bad: 'red' };
const TRUSTS: Readonly<Record<Trust, Cell>> = {
  pinned: { text: 'pinned', style: 'green' },
  new: { text: 'new', style: 'yellow' },
  forged: { text: 'FORGED', style: 'red' },
  unsigned: { text: '-', style: 'dim' },
};

/** A state as a cell. */
export function stateCell(state: string): Cell {
  return { text: state, style: STATES[state] };
}

/** A verdict as a cell. */
export function verdictCell(verdict: string | undefined): Cell {
  return { text: verdict ?? '-', style: VERDICTS[verdict ?? ''] };
}

/** Whose a node is, as a cell. */
export function trustCell(trust: Trust): Cell {
  return TRUSTS[trust];
}

/** Peers as a cell: those that are up, of all. */
export function peersCell({ peers_up, peers }: Pick<Summary, 'peers_up' | 'peers'>): Cell {
  if (peers_up === undefined) return { text: '-', style: 'dim' };
  return { text: `${peers_up}/${peers}`, style: peers_up === 0 ? 'red' : undefined };
}

/** Alarms as a cell: their ids. */
export function alarmsCell(alarms: Summary['alarms']): Cell {
  if (alarms.length === 0) return { text: '-', style: 'dim' };
  return {
    text: alarms.map(({ id }) => id).join(' '),
    style: alarms.some(({ sev }) => sev === 'error') ? 'red' : 'yellow',
  };
}
