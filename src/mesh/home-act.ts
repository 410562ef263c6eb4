// What a home does about its lease, one step each, and what may come of it.

import type { GatewayInfo, Terms } from '../api/lease.ts';
import type { GatewayName } from './gateway.ts';
import type { LeaseAnswer } from './lease-message.ts';
import type { Slot, TunnelAbility } from './tunnel.ts';

/** Something that is asked of a gateway; of one gateway each thing once at a time. */
export type GatewayAct =
  /** Ask for a lease, or for more time. */
  | { readonly kind: 'ask' | 'renew'; readonly gateway: GatewayName }
  /** Ask what it is. */
  | { readonly kind: 'inform'; readonly gateway: GatewayName }
  /** Ask it to tell when the lease is not any more what it was. */
  | { readonly kind: 'watch'; readonly gateway: GatewayName; readonly generation: number }
  | { readonly kind: 'release'; readonly gateway: GatewayName };

/** How far a check looks: `probe` once, and soon over; `tunnel` with patience, since it is new; `exit` as far as the Internet. */
export type CheckDepth = 'probe' | 'tunnel' | 'exit';

/** Look whether a tunnel carries. */
export interface CheckAct {
  readonly kind: 'check';
  readonly gateway: GatewayName;
  readonly terms: Terms;
  readonly depth: CheckDepth;
}

/** Something that is done on the machine; one at a time. */
export type PlaneAct =
  /** Find out what tunnels it can make. */
  | { readonly kind: 'ability' }
  | { readonly kind: 'build'; readonly slot: Slot; readonly terms: Terms }
  | { readonly kind: 'drop'; readonly slot: Slot }
  | { readonly kind: 'use'; readonly slot: Slot | undefined; readonly terms: Terms | undefined }
  | { readonly kind: 'block'; readonly on: boolean }
  | { readonly kind: 'keep'; readonly terms: Terms }
  | { readonly kind: 'undo' };

export type HomeAct = GatewayAct | CheckAct | PlaneAct;

/** What a gateway said. */
export interface Heard {
  readonly answer?: LeaseAnswer;
  /** Of one round trip; not of an answer that was held back. */
  readonly latencyMs: number;
  readonly info?: GatewayInfo;
}

/** What a check found. */
export interface CheckResult {
  /** The gateway's end answered. */
  readonly carries: boolean;
  /** Of one as far as the exit: whether the Internet was reached, by IPv4 and by IPv6; absent: not looked at. */
  readonly ipv4?: boolean;
  readonly ipv6?: boolean;
  readonly problem?: string;
}

/** What came of an act: an Error where it could not be done. */
export type HomeOutcome = Error | Heard | CheckResult | TunnelAbility | undefined;

/** What outlives the daemon, but not a power-cycle. */
export interface HomeRecord {
  /**
   * `asking`: a trial that has changed nothing on the machine yet, and goes on. `trial`: one that has, and is undone by whoever finds it. `kept`: switched on.
   */
  readonly mode: 'asking' | 'trial' | 'kept';
  /** In use, and goes on with whoever finds it. */
  readonly lease?: { readonly address: string; readonly slot: Slot; readonly lease_s: number; readonly terms: Terms };
}

/** Whether two tunnels are set up in the same way. */
export function isSameTerms(a: Terms | undefined, b: Terms | undefined): boolean {
  return a === b || fieldsOf(a) === fieldsOf(b);
}

/** As text, whatever the order in which they were told. */
function fieldsOf(terms: Terms | undefined): string {
  return JSON.stringify(
    Object.entries(terms ?? {})
      .filter(([, value]) => value !== undefined)
      .sort(),
  );
}

/** Of acts with the same name one is under way at a time. */
export function nameOf(act: HomeAct): string {
  return 'gateway' in act && act.kind !== 'check' ? `${act.kind} ${act.gateway.address}` : act.kind;
}

const PLANE: readonly string[] = ['ability', 'build', 'drop', 'use', 'block', 'keep', 'undo'];

/** Whether an act is done on the machine. */
export function isPlaneAct(act: HomeAct): act is PlaneAct {
  return PLANE.includes(act.kind);
}

/** Whether the name of an act is that of one on the machine. */
export function isPlaneName(name: string): boolean {
  return PLANE.includes(name);
}
