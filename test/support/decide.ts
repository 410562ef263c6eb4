// Deciding on one home, and looking at those who wait, as tests write it.

import type { ClientRow, Clients, Standing } from '../../src/mesh/client.ts';

/** Decides on one home; `undefined`: takes back what was decided. @throws Error as `decideAll` */
export function decide(clients: Clients, address: string, standing: Standing | undefined, reason = ''): void {
  clients.decideAll(new Map([[address, standing && { standing, reason }]]));
}

/** Those who wait, in their order. */
export function waitingOf(clients: Clients): Pick<ClientRow, 'address' | 'told'>[] {
  return clients
    .rows()
    .filter(({ place }) => place !== undefined)
    .map(({ address, told }) => ({ address, told }));
}
