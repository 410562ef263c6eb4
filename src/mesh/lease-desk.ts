// What people, and who has a key, may want of this home's lease.

import type { GatewayView, LeaseStatus, TestStatus } from '../api/lease-object.ts';

/** This home's lease. Commands answer with a sentence, and throw (reject with) InputError. */
export interface LeaseDesk {
  status(): LeaseStatus;
  gateways(): Promise<GatewayView[]>;
  testStatus(): TestStatus;
  command(what: LeaseCommand): Promise<string>;
}

/** What may be wanted of it. */
export type LeaseCommand =
  | { readonly kind: 'connect'; readonly gateway?: string; readonly seconds?: number }
  | { readonly kind: 'choose'; readonly gateway: string }
  | { readonly kind: 'let_out'; readonly seconds: number }
  | { readonly kind: 'confirm' | 'undo' | 'release' | 'ask' | 'test' };
