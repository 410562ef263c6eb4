// What was sent to a broker: counted, and the last of it, for people who want to see what leaves their house. What a message said is kept
// only while somebody looks.

import { decodeUtf8 } from '../lib/utf8.ts';

/** One message. */
export interface SentMessage {
  readonly topic: string;
  readonly bytes: number;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly atMs: number;
  /** What it said, or how that begins. */
  readonly text?: string;
}

/** So many are remembered. */
const MAX_RECENT = 20;
/** Of a text, so many bytes; together at most 20 KiB. */
const MAX_TEXT = 1024;
/** Somebody looks for so long after each look. */
const LOOK_MS = 60_000;

/** What went to one broker. */
export class Sent {
  messages = 0;
  bytes = 0;
  private last: SentMessage[] = [];
  private lookUntilMs = Number.NEGATIVE_INFINITY;

  /** Somebody looks: what is sent from now on is kept for a while. */
  look(nowMs: number): void {
    this.forget(nowMs);
    this.lookUntilMs = nowMs + LOOK_MS;
  }

  add(message: Omit<SentMessage, 'bytes' | 'text'>, payload: Uint8Array): void {
    const { length } = payload;
    this.messages++;
    this.bytes += length;
    this.forget(message.atMs);
    const isSeen = message.atMs < this.lookUntilMs;
    this.last.push({ ...message, bytes: length, ...(isSeen && { text: textOf(payload) }) });
    if (this.last.length > MAX_RECENT) this.last.shift();
  }

  /** The newest first. */
  recent(): SentMessage[] {
    return [...this.last].reverse();
  }

  /** Nobody looks any more. */
  private forget(nowMs: number): void {
    if (nowMs < this.lookUntilMs || this.lookUntilMs === Number.NEGATIVE_INFINITY) return;
    this.lookUntilMs = Number.NEGATIVE_INFINITY;
    this.last = this.last.map(({ text: _, ...message }) => message);
  }
}

function textOf(payload: Uint8Array): string {
  const begin = decodeUtf8(payload.subarray(0, MAX_TEXT));
  return payload.length > MAX_TEXT ? `${begin} …` : begin;
}
