// Does a tunnel carry: judged from what is sent and received anyway, so that a tunnel in use costs nothing, and an idle one a probe a minute.

import type { Flow } from './tunnel.ts';

/** Milliseconds. */
export interface LivenessPace {
  /** What is sent stays without anything received for so long: a probe is due. */
  readonly silentMs: number;
  /** Between two probes that were answered, while something is sent and nothing but them comes back. */
  readonly oneWayMs: number;
  /** Without any proof for so long: a probe is due. */
  readonly idleMs: number;
  /** Probes in a row that must be lost. */
  readonly lost: number;
}

export const LIVENESS_PACE: LivenessPace = { silentMs: 1000, oneWayMs: 2000, idleMs: 60_000, lost: 3 };

export type Life = 'good' | 'suspect' | 'dead';

/** One tunnel, from when it is in use. */
export class Liveness {
  private flow: Flow | undefined;
  /** Something was sent then, and nothing has come since. */
  private unansweredMs: number | undefined;
  private provenMs: number;
  private probedMs = Number.NEGATIVE_INFINITY;
  private lost = 0;
  private gone = false;
  /** When something was last sent. */
  sentMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly pace: LivenessPace,
    nowMs: number,
  ) {
    this.provenMs = nowMs;
  }

  get life(): Life {
    if (this.gone || this.lost >= this.pace.lost) return 'dead';
    return this.lost > 0 ? 'suspect' : 'good';
  }

  /** Takes the counters; `undefined`: there is no such device. */
  sample(flow: Flow | undefined, nowMs: number): void {
    this.gone = flow === undefined;
    const before = this.flow;
    this.flow = flow;
    if (!flow || !before) return;
    if (flow.txPackets !== before.txPackets) this.sentMs = nowMs;
    if (flow.rxPackets !== before.rxPackets) this.prove(nowMs);
    else if (flow.txPackets !== before.txPackets) this.unansweredMs ??= nowMs;
  }

  /** A probe is due now; the next one when this one has been told of. */
  isDue(nowMs: number): boolean {
    if (this.life === 'dead') return false;
    if (this.lost > 0) return true;
    const { silentMs, oneWayMs, idleMs } = this.pace;
    const isSilent = this.unansweredMs !== undefined && nowMs - this.unansweredMs >= silentMs;
    return (isSilent && nowMs - this.probedMs >= oneWayMs) || nowMs - this.provenMs >= idleMs;
  }

  /** What came of a probe. */
  probed(answered: boolean, nowMs: number): void {
    this.probedMs = nowMs;
    if (answered) this.prove(nowMs);
    else this.lost++;
  }

  private prove(nowMs: number): void {
    this.provenMs = nowMs;
    this.unansweredMs = undefined;
    this.lost = 0;
  }
}
