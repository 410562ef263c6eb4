// What the page Peers has done to a peering: each command, what it is called, what it says before and after.

import { method } from '../part/daemon.ts';
import type { ActionName, Line } from './line.ts';

const PEERING = ['uri', 'device', 'interface'] as const;

const add = method('yggdrasil', 'peer_add', PEERING);
const remove = method('yggdrasil', 'peer_remove', [...PEERING, 'forget']);
const retry = method('yggdrasil', 'peer_retry', PEERING);
const attempt = method('yggdrasil', 'peer_try', [...PEERING, 'seconds', 'replace']);
const confirm = method('yggdrasil', 'peer_confirm', PEERING);
const undo = method('yggdrasil', 'peer_undo', PEERING);
const keep = method('yggdrasil', 'peer_keep', PEERING);

/** How long a trial lasts: time enough to see it come up, short enough to wait for where one has locked oneself out. */
export const TRIAL_S = 60;

/** A peering as commands take it. */
export interface Peering {
  uri: string;
  device?: string;
  interface?: string;
}

/** How a new peering is added. */
export type AddingWay = 'try' | 'add' | 'keep';

/** Adds a peering. @returns what was done, in one sentence. */
export async function addPeering(way: AddingWay, peering: Peering): Promise<string> {
  if (way === 'try') {
    await attempt({ ...peering, seconds: TRIAL_S });
    return _('On trial: confirm it within %d seconds.').format(TRIAL_S);
  }
  await (way === 'add' ? add : keep)(peering);
  return way === 'add' ? _('Added until the next restart.') : _('Added, and written into the configuration.');
}

/** What the button of an action says. */
export function labelOf(action: ActionName): string {
  const labels: Record<ActionName, string> = {
    confirm: _('Confirm'),
    undo: _('Undo'),
    retry: _('Retry now'),
    dial: _('Dial it now'),
    redial: _('Dial as configured'),
    keep: _('Keep'),
    pin: _('Pin this key'),
    priority: _('Change priority'),
    remove: _('Remove'),
    forget: _('Remove and forget'),
  };
  return labels[action];
}

/** What an action will do that is asked about before. */
export function warningsOf(action: ActionName, { configured, peer }: Line): string[] {
  if (action === 'remove')
    return [
      configured || peer?.origin === 'configured'
        ? _('The link ends now. It is configured, so it comes back when Yggdrasil restarts.')
        : _('The link ends now. To have it back you need its address, and its password if it has one.'),
    ];
  if (action === 'forget')
    return [_('The link ends now, and the configuration loses it: it does not come back by itself.')];
  return [
    ...(action === 'pin' ? [_('Then only the node with this key is accepted at this address.')] : []),
    _('The link breaks for a moment. Unless you confirm it within %d seconds, it gets its old options back.').format(
      TRIAL_S,
    ),
  ];
}

/** Does it. @returns what was done, in one sentence. */
export async function carryOut(action: ActionName, line: Line, iface: string, priority = ''): Promise<string> {
  const { remote, device, configured, peer, title } = line;
  const peering: Peering = { uri: remote, interface: iface, ...(device !== undefined && { device }) };
  const replace = (options: string): Promise<unknown> =>
    attempt({ ...peering, uri: remote + options, seconds: TRIAL_S, replace: true });
  switch (action) {
    case 'confirm':
      await confirm(peering);
      return _('%s stays until the next restart.').format(title);
    case 'undo':
      await undo(peering);
      return _('%s is as it was before.').format(title);
    case 'retry':
      await retry(peering);
      break;
    case 'dial':
      await add({ ...peering, uri: configured!.uri });
      break;
    case 'keep':
      await keep(peering);
      return _('%s is in the configuration now.').format(title);
    case 'remove':
    case 'forget':
      await remove(action === 'forget' ? { ...peering, forget: true } : peering);
      return _('%s is removed.').format(title);
    case 'redial':
      await replace('');
      break;
    case 'pin':
      await replace(`?key=${peer!.key}`);
      break;
    case 'priority':
      await replace(`?priority=${priority}`);
      break;
  }
  return _('%s is being dialled.').format(title);
}
