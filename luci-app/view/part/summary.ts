// The state of the mesh in one sentence, and what to do about it. The worst thing is said first.

import type { InterfaceStatus } from '../../../src/api/model.ts';
import type { Health } from './health.ts';

export interface Summary {
  health: Health;
  text: string;
  fix?: string;
}

/** What is wrong with one Yggdrasil interface, in one sentence; `undefined`: nothing. */
export function faultOf(one: InterfaceStatus): Summary | undefined {
  const name = one.interface;
  if (!one.connected) {
    const fix = _('Is the interface up? See Network → Interfaces.');
    if (!one.problem) return { health: 'bad', text: _('%s: Yggdrasil does not answer.').format(name), fix };
    return { health: 'bad', text: _('%s: Yggdrasil does not answer: %s').format(name, one.problem), fix };
  }
  if (one.peers_up === undefined || one.peers_total === undefined)
    return {
      health: 'weak',
      text: _('%s: Yggdrasil runs, its peers are not known yet.').format(name),
      fix: _('This takes a few seconds after a start.'),
    };
  if (one.peers_total === 0)
    return {
      health: 'bad',
      text: _('%s: Yggdrasil runs, but has no peers.').format(name),
      fix: _('Add a peer, or let the interface look for neighbours by multicast: Network → Interfaces.'),
    };
  if (one.peers_up === 0)
    return {
      health: 'bad',
      text: N_(
        one.peers_total,
        '%s: Yggdrasil runs, but its only peer cannot be reached.',
        '%s: Yggdrasil runs, but none of its %d peers can be reached.',
      ).format(name, one.peers_total),
      fix: _('Does the Internet connection work? If so, the other ends may be down.'),
    };
  return undefined;
}

/** The sentence for all interfaces together. One that works makes the mesh usable, whatever the others do. */
export function summarize(interfaces: readonly InterfaceStatus[]): Summary {
  if (interfaces.length === 0)
    return {
      health: 'bad',
      text: _('This router has no Yggdrasil interface.'),
      fix: _('Add one with the protocol “Yggdrasil Network” under Network → Interfaces.'),
    };
  const faults = interfaces.map(faultOf).filter((fault) => fault !== undefined);
  const worst = faults.find(({ health }) => health === 'bad') ?? faults[0];
  if (worst) return faults.length < interfaces.length ? { ...worst, health: 'weak' } : worst;
  const up = interfaces.reduce((sum, { peers_up = 0 }) => sum + peers_up, 0);
  const total = interfaces.reduce((sum, { peers_total = 0 }) => sum + peers_total, 0);
  return {
    health: 'good',
    text: N_(total, 'The mesh works: the peer is up.', 'The mesh works: %d of %d peers are up.').format(up, total),
  };
}
