// Messages with QoS 1 that are ours until the broker has acknowledged them: in order, bounded, sent again on each new connection.

import { BusyError, type LinkDownError, TimeoutError } from '../errors.ts';
import type { Cancel, Clock } from '../transport/host.ts';
import type { Publication } from './client.ts';
import type { AckPacket } from './packet.ts';
import { refusal } from './reason.ts';

/** Messages that wait or are on their way, and their bytes. */
export const MAX_MESSAGES = 64;
export const MAX_BYTES = 65_536;
/** Packet ids go up to this; those beyond are for subscriptions. */
export const MAX_MESSAGE_ID = 32_767;
/** Longest wait for an acknowledgement of a broker that answers pings. */
const ACK_TIMEOUT_MS = 120_000;

/** What it needs of a connection. */
export interface Sender {
  /** Messages that the broker takes without having acknowledged any. */
  readonly receiveMaximum: number;
  /**
   * Sends it; false: nobody will acknowledge it, for the broker takes QoS 0 only. @param isAgain the broker may have it already.
   * @throws InputError when it is longer than the broker takes, or no message.
   */
  publish(message: Publication, id: number, isAgain: boolean): boolean;
  drop(error: Error): void;
}

interface Entry {
  message: Publication;
  sinceMs: number;
  bytes: number;
  /** 0: was never sent in this session. */
  id: number;
  /** When it was sent on this connection. */
  sentAtMs: number | undefined;
  resolve(): void;
  reject(error: Error): void;
}

/** All of them, in the order in which they came. */
export class Outgoing {
  private entries: Entry[] = [];
  private sender: Sender | undefined;
  private lastId = 0;
  private cancelTimer: Cancel | undefined;

  constructor(private readonly clock: Clock) {}

  /** Their bytes, topics included. */
  get bytes(): number {
    return this.entries.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Sends it now or as soon as possible; resolves when it is acknowledged. Rejects as `MqttPublisher.publish` says. */
  add(message: Publication): Promise<void> {
    return new Promise((resolve, reject) => {
      const bytes = message.topic.length + message.payload.length;
      const [count, all] = [this.entries.length + 1, this.bytes + bytes];
      if (count > MAX_MESSAGES || all > MAX_BYTES)
        throw new BusyError(`publish ${message.topic}: ${count - 1} messages of ${all - bytes} bytes wait already`);
      const sinceMs = this.clock.monotonicMs();
      this.entries.push({ message, sinceMs, bytes, id: 0, sentAtMs: undefined, resolve, reject });
      this.pump();
    });
  }

  /** The broker greeted us: whatever it has not acknowledged is sent again. @param isResumed it knows our session. */
  attach(sender: Sender, isResumed: boolean): void {
    this.sender = sender;
    for (const entry of this.entries) if (!isResumed) entry.id = 0;
    this.pump();
  }

  /** The connection is gone. */
  detach(): void {
    this.sender = undefined;
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    for (const entry of this.entries) entry.sentAtMs = undefined;
  }

  /** PUBACK. */
  onAck({ id, code, properties }: AckPacket): void {
    const entry = this.entries.find((one) => one.id === id && one.sentAtMs !== undefined);
    if (!entry) return;
    this.remove(entry, code < 0x80 ? undefined : refusal(`publish ${entry.message.topic}`, code, properties));
    this.pump();
  }

  /** Nobody waits for them any more. */
  clear(error: LinkDownError): void {
    for (const entry of [...this.entries]) this.remove(entry, error);
  }

  private pump(): void {
    const { sender } = this;
    if (!sender) return;
    let free = sender.receiveMaximum - this.entries.filter(({ sentAtMs }) => sentAtMs !== undefined).length;
    for (const entry of [...this.entries]) {
      if (free <= 0) break;
      if (entry.sentAtMs !== undefined) continue;
      if (this.send(sender, entry)) free--;
      // whatever was written may have ended the connection
      if (this.sender !== sender) return;
    }
    this.watch();
  }

  /** Whether it waits for its acknowledgement now. */
  private send(sender: Sender, entry: Entry): boolean {
    const { expiryS } = entry.message;
    const nowMs = this.clock.monotonicMs();
    const leftS = expiryS === undefined ? undefined : expiryS - Math.floor((nowMs - entry.sinceMs) / 1000);
    if (leftS !== undefined && leftS <= 0) {
      this.remove(entry, new TimeoutError(`publish ${entry.message.topic}: waited for longer than ${expiryS} s`));
      return false;
    }
    const isAgain = entry.id !== 0;
    if (!isAgain) entry.id = this.nextId();
    entry.sentAtMs = nowMs;
    try {
      const message = leftS === undefined ? entry.message : { ...entry.message, expiryS: leftS };
      if (sender.publish(message, entry.id, isAgain)) return true;
      this.remove(entry, undefined);
    } catch (error) {
      this.remove(entry, error as Error);
    }
    return false;
  }

  private remove(entry: Entry, error: Error | undefined): void {
    this.entries = this.entries.filter((one) => one !== entry);
    if (error) entry.reject(error);
    else entry.resolve();
  }

  private nextId(): number {
    do this.lastId = (this.lastId % MAX_MESSAGE_ID) + 1;
    while (this.entries.some(({ id }) => id === this.lastId));
    return this.lastId;
  }

  /** A broker that answers pings and acknowledges nothing would hold everything up. */
  private watch(): void {
    if (this.cancelTimer) return;
    const oldest = this.entries.find(({ sentAtMs }) => sentAtMs !== undefined)?.sentAtMs;
    if (oldest === undefined) return;
    this.cancelTimer = this.clock.after(oldest + ACK_TIMEOUT_MS - this.clock.monotonicMs(), () => {
      this.cancelTimer = undefined;
      const late = this.clock.monotonicMs() - ACK_TIMEOUT_MS;
      if (this.entries.some(({ sentAtMs }) => sentAtMs !== undefined && sentAtMs <= late))
        this.sender?.drop(new TimeoutError(`publish: no acknowledgement within ${ACK_TIMEOUT_MS} ms`));
      else this.watch();
    });
  }
}
