// What is odd about the nodes of a fleet, as a broker tells of them: copies, forgeries, commands that were kept, clocks, silence.

import type { Finding } from './doctor.ts';
import { type Fleet, type NodeView, nameOf } from './fleet.ts';

/** What was seen beside the nodes themselves. */
export interface Seen {
  /** Nodes that a wildcard would have missed. */
  cut: number;
  /** Topics of commands that the broker keeps. */
  keptCommands: readonly string[];
  nowMs: number;
}

/** A clock that is set over the network is nearer than this. */
const CLOCK_S = 120;
/** A keyframe comes at least that often, twice over. */
const SILENT_MS = 3 * 1_800_000;
/** So many are named. */
const MAX_NAMES = 4;

/** Looks at the nodes. Answers only what is odd, or that nothing is. */
export function findOdd(fleet: Fleet, { cut, keptCommands, nowMs }: Seen): Finding[] {
  const nodes = fleet.nodes();
  const findings: Finding[] = [];
  const add = (
    level: Finding['level'],
    id: string,
    who: readonly string[],
    what: string,
    why: string,
    fix?: string,
  ): void => {
    if (who.length > 0)
      findings.push({ id, level, what: `${what}: ${namesOf(who)}`, why, ...(fix !== undefined && { fix }) });
  };
  const names = (holds: (view: NodeView) => boolean): string[] => nodes.filter(holds).map(labelOf);

  add(
    'error',
    'forged',
    names(({ trust }) => trust === 'forged'),
    'not signed by whom they say they are',
    'Somebody at the broker speaks in their name, or their key is another one.',
    'Ask their owners for a new card, if the routers were set up anew.',
  );
  add(
    'error',
    'kept-commands',
    keptCommands,
    'the broker keeps commands',
    'Routers pass over what was kept, but nobody should keep a command.',
    'Publish an empty retained message to these topics.',
  );
  add(
    'error',
    'copies',
    names(({ sessions }) => new Set([...sessions].map((one) => one.split(' ')[0])).size > 1),
    'started more than once while we looked',
    'Two routers may have one key, as after a backup was put onto another one; each puts the other out.',
  );
  const sites = new Map<string, string[]>();
  for (const { site, node, status, info } of nodes)
    if (status || info) sites.set(node, [...(sites.get(node) ?? []), site]);
  add(
    'warning',
    'two-sites',
    [...sites].filter(([, all]) => all.length > 1).map(([node, all]) => `${node} (${all.join(', ')})`),
    'in more than one site',
    'What the broker kept of the old site stays until it expires, and the status for ever.',
    'Publish empty retained messages to the topics of the old site.',
  );
  add(
    'warning',
    'clocks',
    names((view) => Math.abs(clockError(view) ?? 0) > CLOCK_S),
    'of another time than the broker',
    'They say that their clocks were set over the network. Either those are wrong, or that of this machine.',
  );
  add(
    'warning',
    'silent',
    names(
      ({ status, kept_ms, heard_ms }) =>
        status?.state === 'online' && kept_ms !== undefined && nowMs - Math.max(kept_ms, heard_ms ?? 0) > SILENT_MS,
    ),
    'online, and silent for an hour and a half',
    'They hold their connection and tell nothing.',
  );
  add(
    'note',
    'strangers',
    names(({ pin, status, info }) => pin === undefined && (status !== undefined || info !== undefined)),
    'not enrolled here',
    'Another operator may have enrolled them.',
  );
  if (cut > 0)
    findings.push({
      id: 'cut',
      level: 'error',
      what: `the broker kept ${cut} enrolled nodes back from a wildcard`,
      why: 'Programs that list the fleet by a wildcard do not see them.',
      fix: 'mosquitto.conf: max_queued_messages 100000',
    });
  if (findings.length === 0 && nodes.length > 0)
    findings.push({ id: 'fleet', level: 'ok', what: `nothing is odd about ${nodes.length} nodes` });
  return findings;
}

/** Seconds by which a node's time is ahead of when the broker was given its state; `undefined`: not known. */
function clockError({ state, state_ms }: NodeView): number | undefined {
  if (state?.t === undefined || state.clk !== 'ntp' || state_ms === undefined) return undefined;
  return state.t - state_ms / 1000;
}

function labelOf(view: NodeView): string {
  return `${view.site}/${nameOf(view)}`;
}

function namesOf(names: readonly string[]): string {
  const more = names.length - MAX_NAMES;
  return `${names.slice(0, MAX_NAMES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
