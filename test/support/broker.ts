// A broker in memory as the router's own parts see it: whether it is there, what it keeps, and what it does with each message.

import { LinkDownError } from '../../src/errors.ts';
import { decodeUtf8 } from '../../src/lib/utf8.ts';
import type { Publication, SubscribeOptions } from '../../src/mqtt/client.ts';
import type { MqttConnection } from '../../src/surface/mqtt.ts';

/** A message as it arrived. */
export interface Arrived {
  topic: string;
  text: string;
  qos: 0 | 1;
  retain: boolean;
  expiryS: number | undefined;
  atMs: number;
}

/** Takes everything while it is up; with QoS 1 it answers at once. */
export class MemoryBroker implements MqttConnection {
  up = false;
  congested = false;
  readonly arrived: Arrived[] = [];
  /** What is kept, by topic. */
  readonly retained = new Map<string, string>();
  readonly subscriptions = new Map<string, SubscribeOptions>();
  /** Refuses, where it gives a reason. */
  refuse: ((message: Publication) => Error | undefined) | undefined;

  constructor(private readonly nowMs: () => number) {}

  publish(message: Publication & { qos: 0 }): boolean;
  publish(message: Publication & { qos: 1 }): Promise<void>;
  publish(message: Publication): boolean | Promise<void> {
    const refusal = this.up ? this.refuse?.(message) : new LinkDownError('mqtt: not connected');
    if (!refusal) this.arrive(message);
    if (message.qos === 0) return !refusal;
    return refusal ? Promise.reject(refusal) : Promise.resolve();
  }

  subscribe(filter: string, _qos: 0 | 1, options: SubscribeOptions = {}): () => void {
    this.subscriptions.set(filter, options);
    return () => this.subscriptions.delete(filter);
  }

  /** Takes away all that arrived, as `topic text` with the head of the topics left out. */
  take(head = ''): string[] {
    return this.arrived
      .splice(0)
      .map(({ topic, text }) => `${topic.startsWith(head) ? topic.slice(head.length) : topic} ${text}`);
  }

  private arrive({ topic, payload, qos, retain = false, expiryS }: Publication): void {
    const text = decodeUtf8(payload);
    this.arrived.push({ topic, text, qos, retain, expiryS, atMs: this.nowMs() });
    if (retain && text === '') this.retained.delete(topic);
    else if (retain) this.retained.set(topic, text);
  }
}
