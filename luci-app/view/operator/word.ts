// What the page Operator calls things: states of homes, what was done to them, times, and the texts of strangers.

import type { ClientState, ClientUse, ClientView } from '../../../src/api/client-object.ts';
import type { CheckState } from '../../../src/api/model.ts';
import { told } from '../more/text.ts';
import type { ButtonKind } from '../part/button.ts';
import { bytes } from '../part/format.ts';

/** What can be done to a home. */
export type Deed = 'admit' | 'limit' | 'suspend' | 'refuse' | 'forget';
export const DEEDS = ['admit', 'limit', 'suspend', 'refuse', 'forget'] as const satisfies readonly Deed[];

const MAX_NAMES = 5;

/** What a home is called: as it says, else by its address. */
export function nameOf({ name, address }: Pick<ClientView, 'address' | 'name'>): string {
  return told(name).trim() || address;
}

/** Some homes by their names, the others by their number. */
export function namesOf(homes: readonly Pick<ClientView, 'address' | 'name'>[]): string {
  const names = homes.slice(0, MAX_NAMES).map(nameOf).join(', ');
  const more = homes.length - MAX_NAMES;
  return more > 0 ? N_(more, '%s and %d more', '%s and %d more').format(names, more) : names;
}

/** A state as a badge has it. */
export function stateOf(state: string): [CheckState, string] {
  const states: Partial<Record<string, [CheckState, string]>> = {
    waiting: ['weak', _('waits')],
    active: ['good', _('connected')],
    suspended: ['bad', _('turned off')],
    refused: ['bad', _('turned away')],
    away: ['unused', _('not here')],
  } satisfies Record<ClientState, [CheckState, string]>;
  return states[state] ?? ['unknown', told(state)];
}

/** What the button of a deed says. */
export function labelOf(deed: Deed): string {
  const labels: Record<Deed, string> = {
    admit: _('Let in'),
    limit: _('Limits'),
    suspend: _('Turn off'),
    refuse: _('Turn away'),
    forget: _('Forget'),
  };
  return labels[deed];
}

/** How its button looks. */
export function kindOf(deed: Deed): ButtonKind {
  return deed === 'admit' ? 'positive' : deed === 'suspend' || deed === 'refuse' ? 'negative' : 'neutral';
}

/** What it does, for whoever is about to. */
export function meaningOf(deed: Deed): string {
  const meanings: Record<Deed, string> = {
    admit: _('They reach the Internet through this gateway, also if they were turned off before.'),
    limit: _('They feel it at once. Who was not let in yet is let in by that.'),
    suspend: _('Their Internet ends at once, with what is open now. They stay in the list, and read your reason.'),
    refuse: _('They lose their place here, and read your reason. Who asks again is turned away again.'),
    forget: _('What was decided is taken back: from now on they are like homes that never came.'),
  };
  return meanings[deed];
}

/** What was done, in one sentence. */
export function doneOf(deed: Deed, count: number): string {
  const sentences: Record<Deed, string> = {
    admit: N_(count, '%d home is let in.', '%d homes are let in.'),
    limit: N_(count, '%d home has other limits.', '%d homes have other limits.'),
    suspend: N_(count, '%d home is turned off.', '%d homes are turned off.'),
    refuse: N_(count, '%d home is turned away.', '%d homes are turned away.'),
    forget: N_(count, '%d home is forgotten.', '%d homes are forgotten.'),
  };
  return sentences[deed].format(count);
}

/** An act of the log. */
export function deedText(did: string): string {
  const texts: Record<string, string> = {
    admit: _('let in'),
    suspend: _('turned off'),
    refuse: _('turned away'),
    forget: _('forgot what was decided'),
    limit: _('set limits'),
    captain: _('named a captain'),
    uncaptain: _('ended a captain'),
    uphold: _('found a report right'),
    dismiss: _('found a report not right'),
    erase: _('deleted what was told'),
    vouched: _('came by the word of a captain'),
    drain: _('said that the gateway stops'),
    undrain: _('said that it goes on'),
    undo: _('undid'),
    invite: _('made an invite'),
    revoke: _('ended an invite'),
    invited: _('came by an invite'),
    over: _('access was over'),
    failed: _('what was meant could not be done'),
  };
  return texts[did] ?? told(did);
}

/** What can be undone: what was decided on homes. */
export function isUndoable(did: string): boolean {
  return ['admit', 'suspend', 'refuse', 'forget', 'undo', 'limit'].includes(did);
}

/** A moment, by the clock of whoever looks. */
export function moment(unixS: number): string {
  return new Date(unixS * 1000).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
}

/** The day of a moment. */
export function day(unixS: number): string {
  return new Date(unixS * 1000).toLocaleDateString([], { dateStyle: 'medium' });
}

/** The day as files are named by it. */
export function today(): string {
  return new Date().toISOString().slice(0, 10);
}

/** Both directions. */
export function total({ rx_bytes: rx, tx_bytes: tx }: ClientUse): number {
  return rx + tx;
}

/** Both directions, for people. */
export function useText(use: ClientUse): string {
  return `↓ ${bytes(use.rx_bytes)} ↑ ${bytes(use.tx_bytes)}`;
}
