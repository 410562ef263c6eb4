// What the samples of a day say together.

import type { HistorySample } from '../../../src/api/model.ts';

/** What the steps say together. */
export interface DaySummary {
  watchedS: number;
  outages: number;
  outS: number;
  /** Fewest and most peers up outside outages; absent: never any. */
  peers?: [fewest: number, most: number];
  latency?: [least: number, most: number];
}

/** No peer was up at any moment of it. */
export function isOut({ peers_up_max }: HistorySample): boolean {
  return peers_up_max === 0;
}

/** Counts what a day was like; `stepS` is what one sample covers. */
export function summarizeDay(samples: readonly HistorySample[], stepS: number): DaySummary {
  const summary: DaySummary = { watchedS: samples.length * stepS, outages: 0, outS: 0 };
  let wasOut = false;
  for (const sample of samples) {
    const out = isOut(sample);
    if (out) {
      summary.outS += stepS;
      if (!wasOut) summary.outages++;
    } else {
      const [fewest, most] = summary.peers ?? [Number.POSITIVE_INFINITY, 0];
      summary.peers = [Math.min(fewest, sample.peers_up_min), Math.max(most, sample.peers_up_max)];
    }
    wasOut = out;
    if (sample.latency_ms === undefined) continue;
    const [least, worst] = summary.latency ?? [Number.POSITIVE_INFINITY, 0];
    summary.latency = [Math.min(least, sample.latency_ms), Math.max(worst, sample.latency_ms)];
  }
  return summary;
}
