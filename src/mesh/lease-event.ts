// What brokers are told of a home's lease as it happens: it serves, it serves by another gateway, nothing goes out.

import type { LeaseStatus } from '../api/lease-object.ts';
import type { EventFields } from './event.ts';

/** An event of a lease. */
export type LeaseEvent =
  | { readonly kind: 'lease-up'; readonly fields: EventFields<'lease-up'> }
  | { readonly kind: 'lease-moved'; readonly fields: EventFields<'lease-moved'> }
  | { readonly kind: 'lease-blocked'; readonly fields: EventFields<'lease-blocked'> }
  | { readonly kind: 'lease-off'; readonly fields: EventFields<'lease-off'> };

/** Remembers how it was told last. */
export class LeaseEvents {
  /** The gateway that served last, while nothing else was told since. */
  private gateway: string | undefined;
  private told = '';

  /** How it is now. @returns what is to be told of that. */
  see({ mode, state, id, gateway }: Pick<LeaseStatus, 'mode' | 'state' | 'id' | 'gateway'>): LeaseEvent | undefined {
    if (mode === 'off') {
      const wasOn = this.told !== '';
      this.gateway = undefined;
      this.told = '';
      return wasOn ? { kind: 'lease-off', fields: { situation: id } } : undefined;
    }
    if (state === 'blocked') {
      this.gateway = undefined;
      return this.once(`blocked ${id}`, { kind: 'lease-blocked', fields: { situation: id } });
    }
    // a gateway that is only suspected still serves
    if (gateway === undefined || (state !== 'up' && state !== 'degraded')) return undefined;
    const { gateway: from } = this;
    this.gateway = gateway;
    if (from !== undefined && from !== gateway)
      return this.once(`up ${gateway}`, { kind: 'lease-moved', fields: { from, gateway } });
    return this.once(`up ${gateway}`, { kind: 'lease-up', fields: { gateway } });
  }

  private once(what: string, event: LeaseEvent): LeaseEvent | undefined {
    if (this.told === what) return undefined;
    this.told = what;
    return event;
  }
}
