// The last 24 hours of one node in steps of five minutes, in typed arrays of a fixed size (7,488 bytes a node).

import type { HistorySample } from '../api/model.ts';
import type { Traffic } from './peer.ts';

export const HISTORY_STEP_S = 300;
const STEP_MS = HISTORY_STEP_S * 1000;
const STEPS = 288;

// fields of one step in `small`
const CONNECTED_S = 0;
const UP_MIN = 1;
const UP_MAX = 2;
const TOTAL = 3;
/** Tenths of a millisecond plus one; 0: not known. */
const LATENCY = 4;
const FIELDS = 5;
const U16 = 0xffff;

/** What one poll contributes. */
export interface HistoryPoint {
  peersUp: number;
  peersTotal: number;
  latencyMs: number | undefined;
  traffic: Traffic;
}

/** A ring of steps; `add` is called at each poll, times are monotonic milliseconds. */
export class History {
  private readonly small = new Uint16Array(STEPS * FIELDS);
  private readonly bytes = new Float64Array(STEPS * 2);
  /** Number of the step in progress, counted from monotonic 0; -1 before the first. */
  private step = -1;
  private firstStep = -1;
  private latencySumMs = 0;
  private latencyCount = 0;
  private points = 0;
  private connectedMs = 0;
  private lastAtMs: number | undefined;

  /** Bytes that all steps take. */
  get byteLength(): number {
    return this.small.byteLength + this.bytes.byteLength;
  }

  /** A poll that was answered. */
  add(point: HistoryPoint, nowMs: number): void {
    this.moveTo(nowMs, true);
    const at = (this.step % STEPS) * FIELDS;
    const { small, bytes } = this;
    const up = Math.min(U16, point.peersUp);
    small[at + UP_MIN] = this.points === 0 ? up : Math.min(small[at + UP_MIN]!, up);
    small[at + UP_MAX] = Math.max(small[at + UP_MAX]!, up);
    small[at + TOTAL] = Math.min(U16, point.peersTotal);
    this.points++;
    if (point.latencyMs !== undefined) {
      this.latencySumMs += point.latencyMs;
      this.latencyCount++;
      const tenths = Math.round((this.latencySumMs / this.latencyCount) * 10);
      small[at + LATENCY] = 1 + Math.max(0, Math.min(U16 - 1, tenths));
    }
    const pair = (this.step % STEPS) * 2;
    bytes[pair] = bytes[pair]! + point.traffic.rxBytes;
    bytes[pair + 1] = bytes[pair + 1]! + point.traffic.txBytes;
  }

  /** Time passed without an answer (the link to Yggdrasil is down). */
  gap(nowMs: number): void {
    this.moveTo(nowMs, false);
  }

  /** Finished steps and the one in progress, oldest first. */
  samples(nowMs: number): HistorySample[] {
    const samples: HistorySample[] = [];
    const last = Math.floor(nowMs / STEP_MS);
    const from = Math.max(this.firstStep, last - STEPS + 1, this.step - STEPS + 1);
    if (this.firstStep < 0) return samples;
    for (let step = from; step <= this.step; step++) {
      const at = (step % STEPS) * FIELDS;
      const sample: HistorySample = {
        ago_s: Math.max(0, Math.round((nowMs - (step + 1) * STEP_MS) / 1000)),
        connected_s: this.small[at + CONNECTED_S]!,
        peers_up_min: this.small[at + UP_MIN]!,
        peers_up_max: this.small[at + UP_MAX]!,
        peers_total: this.small[at + TOTAL]!,
        rx_bytes: this.bytes[(step % STEPS) * 2]!,
        tx_bytes: this.bytes[(step % STEPS) * 2 + 1]!,
      };
      const latency = this.small[at + LATENCY]!;
      if (latency > 0) sample.latency_ms = (latency - 1) / 10;
      samples.push(sample);
    }
    return samples;
  }

  /** Opens the steps up to now; the time since the last call counts as connected or not. */
  private moveTo(timeMs: number, connected: boolean): void {
    // an answer is dated when it was asked for, which may be before the gap that was noticed meanwhile
    const nowMs = Math.max(timeMs, this.lastAtMs ?? timeMs);
    const step = Math.floor(nowMs / STEP_MS);
    let fromMs = this.lastAtMs ?? nowMs;
    this.lastAtMs = nowMs;
    if (this.step < 0) {
      this.firstStep = step;
      this.open(step);
    }
    if (step - this.step > STEPS) {
      this.open(step - STEPS);
      fromMs = this.step * STEP_MS;
    }
    for (;;) {
      const end = Math.min(nowMs, (this.step + 1) * STEP_MS);
      if (connected && end > fromMs) {
        this.connectedMs += end - fromMs;
        this.small[(this.step % STEPS) * FIELDS + CONNECTED_S] = Math.round(this.connectedMs / 1000);
      }
      fromMs = Math.max(fromMs, end);
      if (this.step === step) return;
      this.open(this.step + 1);
    }
  }

  private open(step: number): void {
    this.step = step;
    this.small.fill(0, (step % STEPS) * FIELDS, (step % STEPS) * FIELDS + FIELDS);
    this.bytes.fill(0, (step % STEPS) * 2, (step % STEPS) * 2 + 2);
    this.latencySumMs = 0;
    this.latencyCount = 0;
    this.points = 0;
    this.connectedMs = 0;
  }
}
