// What a home's machine was last told, and what it is to be told next, so that it becomes what is wanted.

import type { Terms } from '../api/lease.ts';
import { isSameTerms, type PlaneAct } from './home-act.ts';
import { type Slot, type TunnelAbility, tunnelMtu } from './tunnel.ts';

/** One tunnel of a home. */
export interface HomeTunnel {
  readonly address: string;
  terms: Terms;
  /** `built`: the kernel shows it; `good`: it was seen to carry. */
  state: 'planned' | 'built' | 'good';
}

/** What the machine is to become. */
export interface PlaneWant {
  /** Whether packets of the LAN are kept from the own line; `undefined`: as it is. */
  readonly block: boolean | undefined;
  /** Gateways, by address: the one in use, and the one that is being prepared. */
  readonly active: string | undefined;
  readonly spare: string | undefined;
  /** What is in use is to be written down. */
  readonly keep: boolean;
}

/** From one attempt to the next, where the machine did not do what it was told, milliseconds. */
const AGAIN_MS = 5000;

/** The machine of one home, as it was told. */
export class HomePlane {
  ability: TunnelAbility | undefined;
  private readonly tunnels: [HomeTunnel | undefined, HomeTunnel | undefined] = [undefined, undefined];
  blocked: boolean | undefined;
  used: { readonly slot: Slot | undefined; readonly terms: Terms | undefined } | undefined;
  /** Why it did not do what it was last told. */
  problem: string | undefined;
  private againMs = Number.NEGATIVE_INFINITY;
  /** What is being built or dropped: meanwhile its slot may have become another one's. */
  private handled: HomeTunnel | undefined;

  /** @param undoing an earlier daemon left something that is to go. */
  constructor(public undoing: boolean) {}

  /** Nothing of ours is on the machine, as far as it was told. */
  get isClean(): boolean {
    return !this.undoing && this.used === undefined && this.blocked !== true && !this.tunnels.some(Boolean);
  }

  /** When it may be told again what it did not do; `undefined`: now. */
  retryMs(nowMs: number): number | undefined {
    return this.againMs > nowMs ? this.againMs : undefined;
  }

  slotOf(address: string | undefined): Slot | undefined {
    const slot = this.tunnels.findIndex((tunnel) => tunnel !== undefined && tunnel.address === address);
    return slot < 0 ? undefined : (slot as Slot);
  }

  tunnelOf(address: string | undefined): HomeTunnel | undefined {
    const slot = this.slotOf(address);
    return slot === undefined ? undefined : this.tunnels[slot];
  }

  /** A tunnel to a gateway is wanted, or is wanted otherwise. @param except the gateway whose tunnel must stay. */
  plan(address: string, terms: Terms, except?: string): void {
    const known = this.tunnelOf(address);
    if (known && isSameTerms(known.terms, terms)) return;
    const isFree = (slot: Slot): boolean => !this.tunnels[slot] && this.used?.slot !== slot;
    const other: Slot = this.slotOf(except) === 0 ? 1 : 0;
    const slot = this.slotOf(address) ?? ([0, 1] as const).find(isFree) ?? other;
    this.tunnels[slot] = { address, terms, state: 'planned' };
  }

  /** Tunnels of an earlier daemon. */
  adopt(slot: Slot, address: string, terms: Terms): void {
    this.tunnels[slot] = { address, terms, state: 'planned' };
  }

  /** What both ends carry, whatever the other one says. */
  agreed(terms: Terms): Terms {
    const own = this.ability?.meshMtu;
    return own === undefined ? terms : { ...terms, mtu: Math.min(terms.mtu, tunnelMtu(terms.kind, own, own)) };
  }

  /** What it is to be told now. */
  next(want: PlaneWant, nowMs: number): PlaneAct | undefined {
    if (nowMs < this.againMs) return undefined;
    if (this.undoing) return { kind: 'undo' };
    if (want.block !== undefined && want.block !== this.blocked) return { kind: 'block', on: want.block };
    if (!this.ability) return { kind: 'ability' };
    const slot = this.slotOf(want.active);
    const tunnel = this.tunnelOf(want.active);
    if (this.blocked === true && (want.active === undefined || tunnel?.state === 'good')) {
      const terms = tunnel?.terms;
      if (this.used?.slot !== slot || !this.used || !isSameTerms(this.used.terms, terms))
        return { kind: 'use', slot, terms };
    }
    for (const at of [0, 1] as const) {
      const held = this.tunnels[at];
      if (!held || held.address === want.active || held.address === want.spare) continue;
      this.handled = held;
      return { kind: 'drop', slot: at };
    }
    for (const at of [0, 1] as const) {
      const held = this.tunnels[at];
      if (held?.state !== 'planned') continue;
      this.handled = held;
      return { kind: 'build', slot: at, terms: held.terms };
    }
    return want.keep && tunnel ? { kind: 'keep', terms: tunnel.terms } : undefined;
  }

  /** It did what it was told. */
  did(act: PlaneAct, ability: TunnelAbility | undefined): void {
    this.problem = undefined;
    if (act.kind === 'ability') this.ability = ability;
    else if (act.kind === 'block') {
      this.blocked = act.on;
      // the way of packets has to be told anew
      if (!act.on) this.used = undefined;
    } else if (act.kind === 'use') this.used = { slot: act.slot, terms: act.terms };
    else if (act.kind === 'drop' && this.isHandled(act.slot)) this.tunnels[act.slot] = undefined;
    else if (act.kind === 'build' && this.isHandled(act.slot)) this.handled!.state = 'built';
    else if (act.kind === 'undo') {
      this.undoing = false;
      this.blocked = undefined;
      this.used = undefined;
      this.tunnels.fill(undefined);
    }
  }

  /** It did not. @returns the gateway whose tunnel could not be made. */
  failed(act: PlaneAct, problem: string, nowMs: number): string | undefined {
    this.problem = problem;
    this.againMs = nowMs + AGAIN_MS;
    return act.kind === 'build' && this.isHandled(act.slot) ? this.handled!.address : undefined;
  }

  /** Everything of ours is to go, at once. */
  undo(): void {
    this.undoing = !this.isClean || this.blocked !== undefined;
    this.againMs = Number.NEGATIVE_INFINITY;
  }

  private isHandled(slot: Slot): boolean {
    return this.handled !== undefined && this.tunnels[slot] === this.handled;
  }
}
