// How it is with a home's lease: one situation, not put into words yet.

import type { Grant } from '../api/lease.ts';
import type { Gateway } from './gateway.ts';
import type { CheckResult } from './home-act.ts';

export type LeaseMode = 'off' | 'trial' | 'kept';
export type LeaseState = 'idle' | 'asking' | 'waiting' | 'trial' | 'up' | 'degraded' | 'blocked';
export type SituationValues = Readonly<Record<string, string | number>>;

/** Values are those of strangers: they are cleaned where they are put into words (home-words.ts). */
export interface Situation {
  readonly state: LeaseState;
  readonly id: string;
  readonly values: SituationValues;
}

/** What it is judged by. */
export interface HomeView {
  readonly mode: LeaseMode;
  /** What a trial or a lease ended with. */
  readonly ending: Omit<Situation, 'state'> | undefined;
  readonly undoing: boolean;
  readonly letOutLeftS: number | undefined;
  readonly trialLeftS: number | undefined;
  readonly gateways: readonly Gateway[];
  /** In use, and carrying packets. */
  readonly active: Gateway | undefined;
  /** Whose tunnel is being made. */
  readonly preparing: Gateway | undefined;
  /** Of the active one. */
  readonly grant: Grant | undefined;
  /** How long this home is let in. */
  readonly accessLeftS: number | undefined;
  readonly renewals: number;
  readonly suspect: boolean;
  readonly test: CheckResult | undefined;
  readonly asking: boolean;
  readonly meshUp: boolean;
  /** Why the machine did not do what it was told. */
  readonly problem: string | undefined;
}

/** Renewals in a row that may fail before it is told. */
const QUIET_RENEWALS = 1;
/** Access that ends is told so long before. */
const ENDING_S = 3 * 86_400;
const HOUR_S = 3600;

/** How it is. */
export function situationOf(view: HomeView): Situation {
  const { mode, ending, undoing, letOutLeftS, trialLeftS, active, preparing, gateways } = view;
  if (mode === 'off') {
    if (undoing) return { state: 'idle', id: 'undoing', values: {} };
    return { state: 'idle', ...(ending ?? { id: 'off', values: {} }) };
  }
  if (letOutLeftS !== undefined) return { state: 'blocked', id: 'let_out', values: { left: letOutLeftS } };
  if (active) {
    const gateway = active.name.name;
    if (mode === 'trial') return { state: 'trial', id: 'trial', values: { gateway, left: trialLeftS ?? 0 } };
    return (
      weakness(view, gateway) ??
      endOf(view, gateway) ??
      volumeOf(view, gateway) ?? { state: 'up', id: 'up', values: { gateway } }
    );
  }
  if (preparing) return { state: 'asking', id: 'preparing', values: { gateway: preparing.name.name } };
  const isOpen = gateways.some(({ state }) => state === 'unknown' || state === 'ready');
  if (view.asking && isOpen) return { state: 'asking', id: 'asking', values: { count: gateways.length } };
  const first = gateways.find(({ waiting }) => waiting !== undefined);
  if (first?.waiting) {
    const { place, waiting: of, ask } = first.waiting;
    return { state: 'waiting', id: 'waiting', values: { gateway: first.name.name, place, of, ask } };
  }
  return { state: mode === 'kept' ? 'blocked' : 'asking', ...troubleOf(view) };
}

/** What works, and will not for long. */
function endOf({ accessLeftS = Number.POSITIVE_INFINITY }: HomeView, gateway: string): Situation | undefined {
  if (accessLeftS > ENDING_S) return undefined;
  return { state: 'up', id: 'access_ends', values: { gateway, hours: Math.ceil(accessLeftS / HOUR_S) } };
}

/** What works, and is slow, or will be. */
function volumeOf({ grant }: HomeView, gateway: string): Situation | undefined {
  const { state, used_bytes: used, bytes, at_quota: then } = grant?.quota ?? {};
  if (state === 'over') return { state: 'degraded', id: 'slowed', values: { gateway } };
  if (state !== 'near' || !bytes) return undefined;
  const percent = Math.floor((100 * (used ?? 0)) / bytes);
  return { state: 'up', id: then === 'slow' ? 'near_slow' : 'near_stop', values: { gateway, percent } };
}

/** What is wrong with what works. */
function weakness({ suspect, grant, renewals, test }: HomeView, gateway: string): Situation | undefined {
  const say = (id: string, more: SituationValues = {}): Situation => ({
    state: 'degraded',
    id,
    values: { gateway, ...more },
  });
  if (suspect) return say('suspect');
  if (grant && !grant.online) return say('offline');
  if (grant?.drain) return say('draining', { left: grant.drain.in_s, reason: grant.drain.reason });
  if (renewals > QUIET_RENEWALS) return say('renewing');
  if (test?.ipv4 === false) return say('no_exit');
  return test?.ipv6 === false ? say('no_ipv6') : undefined;
}

/** Why nothing is in use. */
export function troubleOf({
  meshUp,
  problem,
  gateways,
}: Pick<HomeView, 'meshUp' | 'problem' | 'gateways'>): Omit<Situation, 'state'> {
  if (gateways.length === 0) return { id: 'no_gateway', values: {} };
  if (!meshUp) return { id: 'no_mesh', values: {} };
  if (problem !== undefined) return { id: 'machine', values: { problem } };
  const [worst] = [...gateways].sort((a, b) => rank(a) - rank(b));
  const gateway = worst!.name.name;
  const { refusal, state } = worst!;
  if (refusal) {
    const missing = (refusal.missing ?? []).join(', ');
    return { id: refusal.error, values: { gateway, reason: refusal.reason, missing } };
  }
  if (state === 'unreachable') return { id: 'unreachable', values: { gateway, problem: worst!.problem ?? '' } };
  return { id: 'asking', values: { count: gateways.length } };
}

/** Whose trouble is told where several have some: what an operator said comes first. */
function rank({ refusal, state }: Gateway): number {
  if (refusal) return refusal.error === 'suspended' ? 0 : 1;
  return state === 'unreachable' ? 2 : 3;
}
