// The object `meshbridge.lease` on ubus: shows this home's lease, takes commands, decides nothing.

import { LEASE_METHODS } from '../api/lease-object.ts';
import type { LeaseCommand, LeaseDesk } from '../mesh/lease-desk.ts';
import type { Table } from '../ubus/blobmsg.ts';
import type { Reply, UbusMethod, UbusObject } from '../ubus/object.ts';

type Method = keyof typeof LEASE_METHODS;

/** The object, over a desk. */
export function leaseObject(desk: LeaseDesk): UbusObject {
  const shows: Partial<Record<Method, (args: Table) => Reply | Promise<Reply>>> = {
    status: () => desk.status(),
    gateways: async () => ({ gateways: await desk.gateways() }),
    test_status: () => desk.testStatus(),
  };
  const methods: Record<string, UbusMethod> = {};
  for (const name of Object.keys(LEASE_METHODS) as Method[]) {
    const command = async (args: Table) => ({ message: await desk.command({ ...args, kind: name } as LeaseCommand) });
    methods[name] = { ...LEASE_METHODS[name], handle: shows[name] ?? command };
  }
  return { path: 'meshbridge.lease', methods };
}
