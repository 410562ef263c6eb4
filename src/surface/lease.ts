// The object `meshbridge.lease` on ubus: shows this home's lease, takes commands, decides nothing.

import { type GatewayView, LEASE_METHODS, type LeaseStatus, type TestStatus } from '../api/lease-object.ts';
import type { Table } from '../ubus/blobmsg.ts';
import type { Reply, UbusMethod, UbusObject } from '../ubus/object.ts';

/** This home's lease. Commands answer with a sentence, and throw (reject with) InputError. */
export interface LeaseDesk {
  status(): LeaseStatus;
  gateways(): Promise<GatewayView[]>;
  testStatus(): TestStatus;
  command(what: LeaseCommand): Promise<string>;
}

/** What people may want of it. */
export type LeaseCommand =
  | { readonly kind: 'connect'; readonly gateway?: string; readonly seconds?: number }
  | { readonly kind: 'choose'; readonly gateway: string }
  | { readonly kind: 'let_out'; readonly seconds: number }
  | { readonly kind: 'confirm' | 'undo' | 'release' | 'ask' | 'test' };

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
