// What we are subscribed to: asked for again on each connection, whether or not the broker knows our session.

import { BusyError, InputError, TimeoutError, WireError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Cancel, Clock } from '../transport/host.ts';
import { type FilterRequest, SUBACK, type SubackPacket } from './packet.ts';
import { reasonText } from './reason.ts';
import { filterProblem } from './topic.ts';

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

/** All subscriptions of a client, by filter. */
export class Subscriptions {
  private readonly wanted = new Map<string, FilterRequest>();
  /** Not wanted any more, but the broker may remember them with our session. */
  private readonly unwanted = new Set<string>();
  /** What was asked on this connection and not answered yet: the filters, by packet id. */
  private readonly asked = new Map<number, readonly string[]>();
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

  /** SUBACK or UNSUBACK. @throws WireError when it does not answer what was asked. */
  onAck({ type, id, codes, properties }: SubackPacket): void {
    const filters = this.asked.get(id);
    if (!filters) return;
    if (codes.length !== filters.length && (type === SUBACK || codes.length > 0))
      throw new WireError(`mqtt: ${codes.length} answers to ${filters.length} filters`);
    this.asked.delete(id);
    this.watch();
    if (type !== SUBACK) {
      for (const filter of filters) this.unwanted.delete(filter);
      return;
    }
    filters.forEach((filter, i) => {
      const code = codes[i]!;
      this.refused.delete(filter);
      if (code < 0x80) return;
      const why = `${filter}: ${reasonText(code, properties)}`;
      this.log.warn('subscription refused', { filter, reason: reasonText(code, properties) });
      if (this.wanted.has(filter)) this.refused.set(filter, why);
    });
    if (this.asked.size === 0) this.tell();
  }

  private remove(filter: string): void {
    this.wanted.delete(filter);
    if (this.refused.delete(filter)) this.tell();
    // beyond that many, the session is as large as the broker lets it be
    if (this.unwanted.size < MAX_SUBSCRIPTIONS) this.unwanted.add(filter);
    if (this.sender) this.askEnd([filter]);
  }

  private ask(requests: readonly FilterRequest[]): void {
    const id = this.note(requests.map(({ filter }) => filter));
    this.sender?.subscribe(id, requests);
  }

  private askEnd(filters: readonly string[]): void {
    const id = this.note(filters);
    this.sender?.unsubscribe(id, filters);
  }

  private note(filters: readonly string[]): number {
    this.lastId = this.lastId === LAST_ID ? FIRST_ID : this.lastId + 1;
    this.asked.set(this.lastId, filters);
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
