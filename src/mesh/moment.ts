// When something was, so that it can be dated later: session, time since the router started, and how far its clock can be trusted.

import type { ClockQuality, Payload } from '../api/topics.ts';

export type Moment = Pick<Payload<'alarm'>, 'sid' | 'mono' | 't' | 'clk'>;

/** What is known of the clock of a router. */
export interface ClockFacts {
  monotonicMs(): number;
  unixMs(): number;
  /** Between these a clock can be right; Unix milliseconds. */
  readonly earliestMs: number;
  readonly latestMs: number;
  /** It was set over the network since the router started. */
  isSet(): boolean;
  /** It has a battery. */
  readonly hasBattery: boolean;
}

/** Moments of one session. */
export class Moments {
  constructor(
    readonly sid: string,
    private readonly facts: ClockFacts,
  ) {}

  /** How good the clock is now. */
  quality(): ClockQuality {
    const { facts } = this;
    const unixMs = facts.unixMs();
    if (unixMs < facts.earliestMs || unixMs > facts.latestMs) return 'none';
    if (facts.isSet()) return 'ntp';
    return facts.hasBattery ? 'rtc' : 'file';
  }

  /** This moment. */
  now(): Moment {
    const clk = this.quality();
    return {
      sid: this.sid,
      mono: Math.floor(this.facts.monotonicMs()),
      ...(clk !== 'none' && { t: Math.floor(this.facts.unixMs() / 1000) }),
      clk,
    };
  }
}
