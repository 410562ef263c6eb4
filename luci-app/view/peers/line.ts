// The lines of the page Peers: each peering as Yggdrasil shows it, as the configuration has it, and what there is to say and to do about it.

import type { ConfiguredInterface } from '../../../src/api/helper.ts';
import type { Candidate, Peer } from '../../../src/api/model.ts';
import { identityOf, redact } from '../../../src/lib/peer-text.ts';
import { ago, duration } from '../part/format.ts';
import type { Health } from '../part/health.ts';
import { describeTrouble, type Trouble } from './trouble.ts';

export type ConfiguredPeer = ConfiguredInterface['peers'][number];

/**
 * How running peerings and the configuration differ: `missing` is configured and not dialled, `extra` dialled and not configured, `options`
 * dialled with other options than the configuration has.
 */
export type Difference = 'missing' | 'extra' | 'options';

/** What may be done with a peering. `redial`: as the configuration has it; `dial`: one that is only configured. */
export type ActionName =
  | 'confirm'
  | 'undo'
  | 'retry'
  | 'dial'
  | 'redial'
  | 'keep'
  | 'pin'
  | 'priority'
  | 'remove'
  | 'forget';

export interface Action {
  name: ActionName;
  /** Belongs to what is said of this peering: stands beside that, not among the details. */
  near: boolean;
}

/** What a peering is on the page. */
export interface Line {
  key: string;
  /** Absent: it is only configured. */
  peer?: Peer | undefined;
  configured?: ConfiguredPeer | undefined;
  /** How commands name it, and how it is shown. */
  remote: string;
  device?: string | undefined;
  title: string;
  health: Health;
  badge: string;
  /** What was found, in a few words. */
  state: string;
  difference?: Difference | undefined;
  /** The adviser added it. */
  advised: boolean;
  note?: Trouble | undefined;
  actions: readonly Action[];
}

/** What the login may have done: until a restart, and for good. */
export interface Allowed {
  operate: boolean;
  operator: boolean;
}

/** What is known beside the list of peers. */
export interface Knowledge {
  rights: Allowed;
  /** Peerings of the configuration; absent: not known. */
  configured?: readonly ConfiguredPeer[] | undefined;
  /** Peerings of the adviser. */
  candidates?: readonly Candidate[] | undefined;
}

/** A peering that is down without an error for so long is being dialled for the first time. */
const DIALLING_MS = 30_000;
/** So many ups and downs in an hour are too many. */
const UNSTEADY = 6;

function shownIdentity(uri: string): string {
  return redact(identityOf(uri));
}

function optionsOf(uri: string): string[] {
  const [, query = ''] = /\?(.*)/.exec(uri) ?? [];
  return query.split('&').filter((pair) => pair !== '');
}

function valuesOf(pairs: readonly string[], name: string): string[] {
  return pairs.filter((pair) => pair.startsWith(`${name}=`)).map((pair) => pair.slice(name.length + 1));
}

/** The options with which a peering is dialled, as far as they are known, secrets hidden. */
export function knownOptions({ peer, configured }: Pick<Line, 'peer' | 'configured'>): string[] {
  return optionsOf(peer?.options === undefined ? redact(configured?.uri ?? '') : `?${peer.options}`);
}

/** Whether its key is pinned. */
export function isPinned(line: Pick<Line, 'peer' | 'configured'>): boolean {
  return valuesOf(knownOptions(line), 'key').length > 0;
}

/** True only where it is certain: Yggdrasil itself tells neither options nor pins. */
function hasOtherOptions(peer: Peer, configured: ConfiguredPeer): boolean {
  const wanted = optionsOf(redact(configured.uri));
  if (peer.options !== undefined) return wanted.sort().join() !== optionsOf(`?${peer.options}`).sort().join();
  if (!peer.up) return false;
  const keys = valuesOf(wanted, 'key');
  const [priority = '0'] = valuesOf(wanted, 'priority');
  // what is shown is the larger of both ends' priorities
  return (
    (peer.key !== undefined && keys.length > 0 && !keys.some((key) => key.toLowerCase() === peer.key)) ||
    (peer.priority !== undefined && peer.priority < Number(priority))
  );
}

function stateOf(peer: Peer): Pick<Line, 'health' | 'badge' | 'state'> {
  const { state, proven_ago_ms: proven, proof, state_ago_ms: since } = peer;
  if (state === 'up') {
    const unsteady = peer.changes_per_hour >= UNSTEADY;
    return {
      health: unsteady ? 'weak' : 'good',
      badge: unsteady ? _('Unsteady') : _('Is up'),
      state:
        proven === undefined
          ? ''
          : (proof === 'traffic' ? _('data arrived %s') : _('connected %s')).format(ago(proven)),
    };
  }
  if (state === 'unproven')
    return {
      health: 'weak',
      badge: _('Silent'),
      state: _('says up, silent for %s').format(duration((proven ?? since) / 1000)),
    };
  if (peer.last_error === undefined && since < DIALLING_MS)
    return { health: 'unknown', badge: _('Dialling'), state: _('for %s').format(duration(since / 1000)) };
  return { health: 'bad', badge: _('Is down'), state: _('for %s').format(duration(since / 1000)) };
}

function noteOf(peer: Peer, difference: Difference | undefined): Trouble | undefined {
  if (peer.trial_left_s !== undefined)
    return {
      what: peer.up ? _('On trial, and up.') : _('On trial, and not up yet.'),
      fix: _('It is undone by itself unless you confirm it.'),
    };
  if (peer.state === 'down' && peer.last_error !== undefined) return describeTrouble(peer.last_error);
  if (peer.state === 'unproven')
    return {
      what: _('Yggdrasil says that this link is up, but nothing arrives over it.'),
      fix: _('A cable or radio may be cut, or the other end gone. Yggdrasil itself notices after minutes.'),
    };
  if (difference === 'extra')
    return {
      what: _('It is not in the configuration: after a restart of Yggdrasil it is gone.'),
      fix: _('Keep it, or remove it.'),
    };
  if (difference === 'options')
    return {
      what: _('It runs with other options than the configuration has.'),
      fix: _('After a restart of Yggdrasil those of the configuration count.'),
    };
  if (peer.changes_per_hour >= UNSTEADY)
    return {
      what: _('It went up and down %d times in the last hour.').format(peer.changes_per_hour),
      fix: _('Look at the cable or radio that it runs over.'),
    };
  return undefined;
}

/** Whether commands can name it: the other side made an inbound link, multicast makes one again, and a nameless one has no name. */
function isOurs({ inbound, origin, remote }: Peer): boolean {
  return !inbound && origin !== 'multicast' && remote !== undefined;
}

function actionsOf(line: Omit<Line, 'actions'>, { operate, operator }: Allowed): Action[] {
  const { peer, difference, advised } = line;
  const actions: Action[] = [];
  const add = (when: boolean | undefined, name: ActionName, near = false): void => {
    if (when) actions.push({ name, near });
  };
  if (!peer) {
    add(operate, 'dial', true);
    add(operator, 'forget', true);
    return actions;
  }
  if (peer.inbound || peer.remote === undefined) return actions;
  const ours = isOurs(peer);
  const trial = peer.trial_left_s !== undefined;
  const extra = difference === 'extra';
  add(operate && trial, 'confirm', true);
  add(operate && !peer.up && !trial, 'retry', true);
  add(operate && ours && difference === 'options' && !trial, 'redial', true);
  // the options that it runs with are written down only where they are known
  const keepable = trial || extra || advised || (difference === 'options' && peer.options !== undefined);
  add(operator && ours && keepable, 'keep', !advised);
  add(operate && trial, 'undo', true);
  if (!ours || trial) return actions;
  add(operate && peer.up && peer.key !== undefined && !isPinned(line), 'pin');
  add(operate, 'priority');
  add(operate, 'remove', extra);
  add(operator && line.configured !== undefined, 'forget');
  return actions;
}

/** What is known beside the list of peers, by the address as it is shown. */
interface Index {
  rights: Allowed;
  configured: ReadonlyMap<string, readonly ConfiguredPeer[]> | undefined;
  advised: ReadonlySet<string>;
}

function indexOf({ rights, configured, candidates = [] }: Knowledge): Index {
  const byRemote = new Map<string, ConfiguredPeer[]>();
  for (const one of configured ?? []) {
    const remote = shownIdentity(one.uri);
    byRemote.set(remote, [...(byRemote.get(remote) ?? []), one]);
  }
  const advised = candidates.filter(({ role }) => role).map(({ uri }) => shownIdentity(uri));
  return { rights, configured: configured && byRemote, advised: new Set(advised) };
}

function lineOf(peer: Peer, key: string, known: Index): Line {
  const { remote = '', device } = peer;
  const configured = peer.inbound
    ? undefined
    : known.configured?.get(remote)?.find((one) => device === undefined || one.device === device);
  const advised = !peer.inbound && known.advised.has(remote);
  let difference: Difference | undefined;
  if (configured) difference = hasOtherOptions(peer, configured) ? 'options' : undefined;
  else if (isOurs(peer) && !advised && (known.configured || peer.origin === 'runtime')) difference = 'extra';
  const line = {
    key,
    peer,
    configured,
    remote,
    device: device ?? configured?.device,
    title: titleOf(peer),
    ...stateOf(peer),
    difference,
    advised,
    note: noteOf(peer, difference),
  };
  return { ...line, actions: actionsOf(line, known.rights) };
}

function titleOf({ name, remote = '', key }: Peer): string {
  if (name) return name;
  const [, host] = /^[a-z]+:\/\/(?:[^/?]*@)?(\[[^\]]*\]|[^:/?]*)/.exec(remote) ?? [];
  return host || remote || (key ? `${key.slice(0, 16)}…` : _('(unknown)'));
}

function missingLine(configured: ConfiguredPeer, key: string, { rights }: Index): Line {
  const line = {
    key,
    configured,
    remote: shownIdentity(configured.uri),
    device: configured.device,
    title: titleOf({ remote: shownIdentity(configured.uri) } as Peer),
    health: 'bad' as const,
    badge: _('Not dialled'),
    state: '',
    difference: 'missing' as const,
    advised: false,
    note: {
      what: _('It is in the configuration, but Yggdrasil does not dial it.'),
      fix: _('It was removed since the last restart, or written down since. Dial it, or take it out.'),
    },
  };
  return { ...line, actions: actionsOf(line, rights) };
}

/** What needs somebody comes first. */
function rankOf({ peer, health, difference }: Line): number {
  if (peer?.trial_left_s !== undefined) return 0;
  if (health === 'bad') return 1;
  if (health === 'weak') return 2;
  if (difference) return 3;
  return health === 'unknown' ? 4 : 5;
}

/** All lines: what needs somebody first, then by name. */
export function linesOf(peers: readonly Peer[], known: Knowledge): Line[] {
  const index = indexOf(known);
  const counts = new Map<string, number>();
  const unique = (name: string): string => {
    const nth = (counts.get(name) ?? 0) + 1;
    counts.set(name, nth);
    return `${nth} ${name}`;
  };
  const lines = peers.map((peer) => {
    const { inbound, key = '', remote = '', device = '' } = peer;
    return lineOf(peer, unique(inbound ? `< ${key} ${remote}` : `> ${remote} ${device}`), index);
  });
  const dialled = new Set(peers.filter(({ inbound }) => !inbound).map(({ remote }) => remote));
  for (const [remote, all] of index.configured ?? [])
    if (!dialled.has(remote))
      for (const one of all) lines.push(missingLine(one, unique(`! ${remote} ${one.device ?? ''}`), index));
  return lines
    .map((line) => ({ line, rank: rankOf(line), title: line.title.toLowerCase() }))
    .sort((a, b) => a.rank - b.rank || (a.title < b.title ? -1 : a.title > b.title ? 1 : 0))
    .map(({ line }) => line);
}

/** How the link came about. */
export function originOf({ peer, advised }: Line): string {
  const origins: Record<string, string> = {
    configured: _('in the configuration'),
    runtime: _('added until the next restart'),
    multicast: _('found by multicast'),
    inbound: _('dialled by the other side'),
  };
  return advised ? _('added by the adviser') : (origins[peer?.origin ?? 'configured'] ?? _('not known'));
}

/** All of them in one sentence, and what to do. */
export function summaryOf(lines: readonly Line[]): { health: Health; text: string; fix?: string } {
  const total = lines.length;
  if (total === 0)
    return {
      health: 'bad',
      text: _('This router has no peers.'),
      fix: _(
        'Add one below, let the interface look for neighbours by multicast (Network → Interfaces), or have the adviser find public ones (Settings).',
      ),
    };
  const up = lines.filter(({ peer }) => peer?.state === 'up').length;
  if (up === total)
    return { health: 'good', text: N_(total, 'The only peer is up.', 'All %d peers are up.').format(total) };
  if (up > 0)
    return { health: 'weak', text: _('%d of %d peers are up. The others come first below.').format(up, total) };
  return {
    health: 'bad',
    text: N_(total, 'The only peer is not up.', 'None of the %d peers is up.').format(total),
    fix: _('Does the Internet connection work? What is wrong with each stands below.'),
  };
}
