// What we are subscribed to: asked for again on each connection, whether or not the broker knows our session.

import { BusyError, InputError, TimeoutError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Cancel, Clock } from '../transport/host.ts';
import { type FilterRequest, PACKET_NAMES, type Qos, SUBACK, type SubackPacket, UNSUBACK } from './packet.ts';
import { reasonText, Violation } from './reason.ts';
import { filterProblem, isCovered } from './topic.ts';

export const MAX_SUBSCRIPTIONS = 32;
/** Filters of one packet: some brokers take no more. */
const MAX_FILTERS = 8;
const ACK_TIMEOUT_MS = 30_000;
/** Packet ids of ours. */
const FIRST_ID = 32_768;
const LAST_ID = 65_535;

/** What it needs of a connection. */
export interface SubscriptionSender {
  subscribe(id: number, requests: readonly FilterRequest[]): void;
  unsubscribe(id: number, filters: readonly string[]): void;
  drop(error: Error): void;
}

/** What was asked: filters, with the QoS of each where they are wanted. */
interface Asked {
  /** Which packet answers it. */
  type: SubackPacket['type'];
  filters: readonly string[];
  qos: readonly Qos[];
}

/** All subscriptions of a client, by filter. */
export class Subscriptions {
  private readonly wanted = new Map<string, FilterRequest>();
  /** Not wanted any more, but the broker may remember them with our session. */
  private readonly unwanted = new Set<string>();
  /** What was asked on this connection and not answered yet, by packet id. */
  private readonly asked = new Map<number, Asked>();
  /** Why the broker refused, by filter; as it was on this connection. */
  private readonly refused = new Map<string, string>();
  private sender: SubscriptionSender | undefined;
  private lastId = LAST_ID;
  private cancelTimer: Cancel | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly log: Log,
    /** What is refused, in one text; `undefined`: nothing. */
    private readonly onRefused: (why: string | undefined) => void,
  ) {}

  /** Keeps a subscription from now on; one with the same filter is replaced. @throws InputError when it is no filter; BusyError past 32. */
  add(request: FilterRequest): Cancel {
    const { filter } = request;
    const problem = filterProblem(filter);
    if (problem) throw new InputError(`filter: ${problem}`, 'filter');
    if (this.wanted.size >= MAX_SUBSCRIPTIONS && !this.wanted.has(filter))
      throw new BusyError(`subscribe ${filter}: there are ${MAX_SUBSCRIPTIONS} subscriptions already`);
    this.wanted.set(filter, request);
    this.unwanted.delete(filter);
    if (this.sender) this.ask([request]);
    return () => {
      if (this.wanted.get(filter) === request) this.remove(filter);
    };
  }

  /** The broker greeted us. @param isResumed it knows our session. */
  attach(sender: SubscriptionSender, isResumed: boolean): void {
    this.sender = sender;
    this.refused.clear();
    if (!isResumed) this.unwanted.clear();
    for (const part of parts([...this.unwanted])) this.askEnd(part);
    for (const part of parts([...this.wanted.values()])) this.ask(part);
  }

  /** The connection is gone. */
  detach(): void {
    this.sender = undefined;
    this.asked.clear();
    this.watch();
  }

  /** Whether a message like this was asked for: brokers hand on what they like. */
  isAsked(topic: string, qos: Qos): boolean {
    for (const request of this.wanted.values()) if (qos <= request.qos && isCovered(topic, request.filter)) return true;
    return false;
  }

  /** SUBACK or UNSUBACK. @throws Violation when it does not answer what was asked. */
  onAck({ type, id, codes, properties }: SubackPacket): void {
    const asked = this.asked.get(id);
    if (!asked) return;
    const { filters, qos } = asked;
    if (type !== asked.type)
      throw new Violation(`mqtt: ${PACKET_NAMES[type]} ${id}, expected ${PACKET_NAMES[asked.type]}`);
    if (codes.length !== filters.length && (type === SUBACK || codes.length > 0))
      throw new Violation(`mqtt: ${codes.length} answers to ${filters.length} filters`);
    const more = codes.findIndex((code, i) => type === SUBACK && code < 0x80 && code > qos[i]!);
    if (more >= 0)
      throw new Violation(`mqtt: ${filters[more]} granted with QoS ${codes[more]}, we asked for ${qos[more]}`);
    this.asked.delete(id);
    this.watch();
    filters.forEach((filter, i) => {
      const code = codes[i] ?? 0;
      if (type === SUBACK) this.onGranted(filter, code, qos[i]!, reasonText(code, properties));
      else if (code < 0x80) this.unwanted.delete(filter);
    });
    if (type === SUBACK && this.asked.size === 0) this.tell();
  }

  /** @param code the QoS that was granted, or from 0x80 on why none was. */
  private onGranted(filter: string, code: number, wantedQos: Qos, reason: string): void {
    this.refused.delete(filter);
    if (code < 0x80) {
      if (code < wantedQos) this.log.warn('subscription granted with less', { filter, qos: code });
      return;
    }
    this.log.warn('subscription refused', { filter, reason });
    if (this.wanted.has(filter)) this.refused.set(filter, `${filter}: ${reason}`);
  }

  private remove(filter: string): void {
    this.wanted.delete(filter);
    if (this.refused.delete(filter)) this.tell();
    // beyond that many, the session is as large as the broker lets it be
    if (this.unwanted.size < MAX_SUBSCRIPTIONS) this.unwanted.add(filter);
    if (this.sender) this.askEnd([filter]);
  }

  private ask(requests: readonly FilterRequest[]): void {
    const filters = requests.map(({ filter }) => filter);
    const id = this.note({ type: SUBACK, filters, qos: requests.map(({ qos }) => qos) });
    this.sender?.subscribe(id, requests);
  }

  private askEnd(filters: readonly string[]): void {
    const id = this.note({ type: UNSUBACK, filters, qos: [] });
    this.sender?.unsubscribe(id, filters);
  }

  private note(asked: Asked): number {
    this.lastId = this.lastId === LAST_ID ? FIRST_ID : this.lastId + 1;
    this.asked.set(this.lastId, asked);
    this.watch();
    return this.lastId;
  }

  private tell(): void {
    this.onRefused(this.refused.size === 0 ? undefined : [...this.refused.values()].join('; '));
  }

  /** Each answer starts the wait for the next one. */
  private watch(): void {
    this.cancelTimer?.();
    this.cancelTimer =
      this.asked.size === 0
        ? undefined
        : this.clock.after(ACK_TIMEOUT_MS, () =>
            this.sender?.drop(new TimeoutError(`subscribe: no answer within ${ACK_TIMEOUT_MS} ms`)),
          );
  }
}

/** As many in a part as a packet may have. */
function parts<T>(all: readonly T[]): T[][] {
  return all.flatMap((_, i) => (i % MAX_FILTERS === 0 ? [all.slice(i, i + MAX_FILTERS)] : []));
}
