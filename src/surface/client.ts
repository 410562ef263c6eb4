// The object `meshbridge.client` on ubus: the desk of a gateway's operator. Takes commands, decides nothing.

import { CLIENT_METHODS, type ClientMethod } from '../api/client-object.ts';
import type { Desk } from '../mesh/desk.ts';
import type { Table } from '../ubus/blobmsg.ts';
import type { UbusMethod, UbusObject } from '../ubus/object.ts';

/** The object, over the desk of the gateway that there is now; `desk` throws (rejects with) InputError where there is none. */
export function clientObject(desk: () => Desk): UbusObject {
  const handlers: Record<ClientMethod, (desk: Desk, args: never) => object> = {
    summary: (at) => at.summary(),
    list: (at, args) => at.list(args),
    admit: (at, args) => at.decide('admit', args),
    suspend: (at, args) => at.decide('suspend', args),
    refuse: (at, args) => at.decide('refuse', args),
    forget: (at, args) => at.decide('forget', args),
    all: (at, args) => at.all(args),
    drain: (at, args) => at.drain(args),
    undrain: (at, args) => at.undrain(args),
    invites: (at) => at.invites(),
    invite: (at, args) => at.invite(args),
    revoke: (at, args) => at.revoke(args),
    undo: (at, args) => at.undo(args),
    audit: (at, args) => at.log(args),
  };
  const methods: Record<string, UbusMethod> = {};
  for (const name of Object.keys(CLIENT_METHODS) as ClientMethod[]) {
    // ubus has checked them by the contract
    const handle = (args: Table) => handlers[name](desk(), args as never);
    methods[name] = { ...CLIENT_METHODS[name], handle };
  }
  return { path: 'meshbridge.client', methods };
}
