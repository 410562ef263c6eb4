// The object `meshbridge.client` on ubus: the desk of a gateway's operator. Takes commands, decides nothing.

import { CLIENT_METHODS, type ClientMethod } from '../api/client-object.ts';
import type { Personal } from '../api/lease.ts';
import type { MethodContract } from '../api/objects.ts';
import type { Desk } from '../mesh/desk.ts';
import type { Table } from '../ubus/blobmsg.ts';
import type { Caller, UbusMethod, UbusObject } from '../ubus/object.ts';

/** What each method is at the desk. */
const HANDLERS: Readonly<
  Record<ClientMethod, (desk: Desk, args: never, hidden: readonly Personal[] | undefined) => object>
> = {
  summary: (at) => at.summary(),
  list: (at, args, hidden) => at.list(args, hidden),
  admit: (at, args) => at.decide('admit', args),
  suspend: (at, args) => at.decide('suspend', args),
  refuse: (at, args) => at.decide('refuse', args),
  forget: (at, args) => at.decide('forget', args),
  limit: (at, args) => at.limit(args),
  all: (at, args) => at.all(args),
  drain: (at, args) => at.drain(args),
  undrain: (at, args) => at.undrain(args),
  invites: (at) => at.invites(),
  invite: (at, args) => at.invite(args),
  revoke: (at, args) => at.revoke(args),
  undo: (at, args) => at.undo(args),
  audit: (at, args) => at.log(args),
  captains: (at) => at.people.captains(),
  captain: (at, args) => at.people.captain(args),
  uncaptain: (at, args) => at.people.uncaptain(args),
  reports: (at, args) => at.people.reports(args),
  decide_report: (at, args) => at.people.decideReport(args),
  who: (at, args) => at.people.who(args),
  erase: (at, args) => at.people.erase(args),
};

/**
 * Has a desk do something. @param args as the contract has them. @param by who wants it, where they do not say so. @param hidden what whoever
 * reads the answer is not to learn of people. @throws InputError
 */
export function askDesk(
  desk: Desk,
  method: ClientMethod,
  args: Readonly<Record<string, unknown>>,
  by: string,
  hidden?: readonly Personal[],
): object {
  const contract: MethodContract = CLIENT_METHODS[method];
  return HANDLERS[method](desk, { ...(contract.writes && { by }), ...args } as never, hidden);
}

/** The object, over the desk of the gateway that there is now; `desk` throws InputError where there is none. */
export function clientObject(desk: () => Desk): UbusObject {
  const methods: Record<string, UbusMethod> = {};
  for (const name of Object.keys(CLIENT_METHODS) as ClientMethod[]) {
    const contract: MethodContract = CLIENT_METHODS[name];
    // ubus has checked them by the contract; who gives no name is called as the bus knows it
    const handle = (args: Table, { user }: Caller) => askDesk(desk(), name, args, user);
    methods[name] = { ...contract, handle };
  }
  return { path: 'meshbridge.client', methods };
}
