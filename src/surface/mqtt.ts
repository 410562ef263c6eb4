// One broker as the router sees it: what is told there, on which topic and how, and what is taken from there. Decides nothing.

import {
  ALL_NODES,
  type AlarmId,
  type EventKind,
  type MetricGroup,
  type OptionalTopic,
  type Payload,
  TOPIC_ROOT,
  TOPICS,
  type TopicContract,
  type TopicName,
  topicOf,
} from '../api/topics.ts';
import { BusyError, errorText, LinkDownError } from '../errors.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import type { Log } from '../log.ts';
import type { FeedSink } from '../mesh/feed.ts';
import type { Moments } from '../mesh/moment.ts';
import { Replay, type ReplayClock } from '../mesh/replay.ts';
import type { Report, ReportQueue } from '../mesh/report-queue.ts';
import type { Message, MqttPublisher, Publication, SubscribeOptions, Will } from '../mqtt/client.ts';
import { BIRTH_TOPIC, discoveryTopic, HomeAssistant, type HomeAssistantParts } from './home-assistant.ts';
import { Sent } from './sent.ts';

/** What the broker says of us when it lost us for so long. */
const WILL_DELAY_S = 90;
/** Which group of measurements an event or alarm belongs to. */
const EVENT_GROUPS: readonly (readonly [RegExp, MetricGroup])[] = [
  [/^(peer|link|verdict|healed)/, 'yggdrasil'],
  [/^uplink/, 'uplink'],
];
const ALARM_GROUPS: Readonly<Partial<Record<AlarmId, MetricGroup>>> = {
  mesh: 'yggdrasil',
  memory: 'system',
  flash: 'system',
};

/** What may be sent to a broker, and taken from it. */
export interface MqttFilter {
  readonly send: readonly OptionalTopic[];
  readonly groups: readonly MetricGroup[];
  /** Commands and desired state are taken. */
  readonly manage: boolean;
  readonly discovery: boolean;
}

/** The connection, as far as it is needed here. */
export interface MqttConnection extends MqttPublisher {
  subscribe(filter: string, qos: 0 | 1, options?: SubscribeOptions): () => void;
}

/** What comes down. */
export interface MqttTakers {
  onCommand(payload: Uint8Array, retained: boolean): void;
  onWant(payload: Uint8Array, audience: 'node' | 'site'): void;
}

export interface MqttSurfaceParts extends MqttTakers {
  readonly site: string;
  readonly node: string;
  readonly clock: ReplayClock;
  /** Uniform in [0, 1). */
  random(): number;
  readonly log: Log;
  readonly moments: Pick<Moments, 'sid' | 'now'>;
  readonly queue: ReportQueue;
  connection(): MqttConnection;
  /** What the router is, signed; `undefined`: not known yet. */
  info(): Uint8Array | undefined;
  /** Its configuration as `have`, signed; `undefined`: nobody asked for any. */
  have(): Uint8Array | undefined;
  /** Alarms that stand, and all that there are. */
  alarms(): readonly (readonly [AlarmId, string])[];
  readonly alarmIds: readonly AlarmId[];
  /** The broker is there: it wants a keyframe. */
  onConnected(): void;
  /** Somebody who knows no number came. */
  onAsked(): void;
  homeAssistant: Pick<HomeAssistantParts, 'device' | 'fields'>;
}

/** Tells one broker, and takes from it. */
export class MqttSurface implements FeedSink {
  readonly sent = new Sent();
  /** Messages that came. */
  received = 0;
  private readonly replay: Replay;
  private readonly homeAssistant: HomeAssistant;
  private subscriptions: (() => void)[] = [];
  /** What else is asked for, and whoever takes it. */
  private readonly followed = new Map<string, () => void>();
  private takeFollowed: (topic: string, payload: Uint8Array) => void = () => {};
  private filter: MqttFilter;
  /** Which connection of this session. */
  private connections = 0;
  private isFirst = true;
  /** Home Assistant knows the router, and should not any more. */
  private isToForget = false;

  constructor(
    private readonly parts: MqttSurfaceParts,
    filter: MqttFilter,
  ) {
    const { clock, log, queue } = parts;
    this.filter = filter;
    this.replay = new Replay(queue, clock, (report) => this.resend(report), log);
    this.homeAssistant = new HomeAssistant({
      ...parts.homeAssistant,
      after: (delayMs, callback) => clock.after(delayMs, callback),
      random: () => parts.random(),
      publish: (text) => this.tellHomeAssistant(text),
      onBirth: () => parts.onAsked(),
    });
  }

  /** Asks the broker for what comes down; called once, before it is connected to. */
  subscribe(): void {
    for (const cancel of this.subscriptions.splice(0)) cancel();
    const { site, node } = this.parts;
    const connection = this.parts.connection();
    const { manage, discovery } = this.filter;
    const wanted: [string, SubscribeOptions][] = [];
    if (manage) {
      // a retained command would come again with each connection, for ever
      wanted.push([topicOf(site, node, 'cmd'), { retainHandling: 2 }]);
      for (const topic of this.wants()) wanted.push([topic, { retainHandling: 0 }]);
    }
    if (discovery) wanted.push([BIRTH_TOPIC, { retainHandling: 2 }]);
    this.subscriptions = wanted.map(([topic, options]) => connection.subscribe(topic, 1, options));
  }

  /** Asks the broker for these topics, too, and for no others that it was asked for so; what it keeps of new ones comes. @param take is given what comes on topics of no other use. */
  follow(filters: readonly string[], take: (topic: string, payload: Uint8Array) => void): void {
    this.takeFollowed = take;
    for (const [filter, cancel] of this.followed)
      if (!filters.includes(filter)) {
        cancel();
        this.followed.delete(filter);
      }
    const connection = this.parts.connection();
    for (const filter of filters)
      if (!this.followed.has(filter)) this.followed.set(filter, connection.subscribe(filter, 1, { retainHandling: 0 }));
  }

  setFilter(filter: MqttFilter): void {
    const before = this.filter;
    this.filter = filter;
    if (before.manage !== filter.manage || before.discovery !== filter.discovery) this.subscribe();
    if (before.discovery && !filter.discovery) this.homeAssistant.remove();
    else if (filter.discovery) this.homeAssistant.offer();
  }

  /** What the broker is to say when it loses us; asked for each connection. */
  will(): Will {
    this.connections++;
    const status: Payload<'status'> = { state: 'offline', sid: this.parts.moments.sid, n: this.connections };
    const payload = encodeUtf8(JSON.stringify(status));
    return { topic: this.topic('status'), payload, qos: 1, retain: true, delayS: WILL_DELAY_S };
  }

  /** The broker was reached, or lost. It is not trusted with what it was told before: all that it should keep is told again. */
  changed(up: boolean): void {
    if (!up) {
      this.replay.stop();
      return;
    }
    this.status('online');
    this.tellInfo();
    const have = this.parts.have();
    if (have) this.put('have', have);
    this.tellAlarms();
    this.parts.onConnected();
    if (this.filter.discovery) this.homeAssistant.connected();
    else if (this.isToForget) this.tellHomeAssistant('');
    this.replay.start();
  }

  /** A message came. */
  take({ topic, payload, retain }: Message): void {
    this.received++;
    const { site, node } = this.parts;
    const [ofNode, ofSite] = this.wants();
    // whoever keeps it may not share memory with the connection
    if (topic === topicOf(site, node, 'cmd')) this.parts.onCommand(payload.slice(), retain);
    else if (topic === ofNode) this.parts.onWant(payload.slice(), 'node');
    else if (topic === ofSite) this.parts.onWant(payload.slice(), 'site');
    else if (topic === BIRTH_TOPIC) this.homeAssistant.heard(decodeUtf8(payload.subarray(0, 16)));
    else this.takeFollowed(topic, payload.slice());
  }

  /** Says that the router is going; what waits is left. */
  async bye(): Promise<void> {
    this.replay.stop();
    this.homeAssistant.stop();
    if (this.up) await this.status('bye');
  }

  /** As `bye`, and for good: Home Assistant forgets the router. */
  leave(): Promise<void> {
    if (this.filter.discovery && this.up) this.homeAssistant.remove();
    return this.bye();
  }

  /** The clock is better or worse than it was: what came before can be dated. */
  clockChanged(): void {
    if (this.up) void this.status('online');
  }

  /** What the router is may have changed. */
  tellInfo(): void {
    const info = this.up ? this.parts.info() : undefined;
    if (info) void this.put('info', info);
  }

  // FeedSink

  get up(): boolean {
    return this.parts.connection().up;
  }

  get congested(): boolean {
    return this.parts.connection().congested;
  }

  queue(): { queued: number; dropped: number } {
    return { queued: this.parts.queue.size, dropped: this.parts.queue.dropped };
  }

  keyframe(text: string): void {
    void this.put('state', text);
    if (this.filter.discovery) this.homeAssistant.offer();
  }

  heartbeat(text: string): void {
    const topic = this.topic('tele');
    if (!this.up || !this.once('tele', topic, text)) this.hold({ kind: 'tele', text });
    // it may have a number that was not known before
    if (this.up && this.filter.discovery) this.homeAssistant.offer();
  }

  // what happens

  /** Something happened. */
  event(kind: EventKind, text: string): void {
    const group = EVENT_GROUPS.find(([form]) => form.test(kind))?.[1] ?? 'own';
    if (!this.filter.send.includes('evt') || !this.filter.groups.includes(group)) return;
    const report: Report = { kind: 'evt', tail: kind, text };
    if (!this.up) this.hold(report);
    else this.resend(report).catch((error) => this.lost(report, error));
  }

  /** An alarm is raised, or, with an empty text, over. */
  alarm(id: AlarmId, text: string): void {
    if (this.up && this.mayAlarm(id)) void this.put('alarm', text, id);
  }

  /** What became of a command, signed. Resolves when the broker has it, or it is known that it will not; never rejects. */
  async result(payload: Uint8Array): Promise<void> {
    if (this.up) await this.put('res', payload);
  }

  /** What gateways of a group tell one another, signed; as `result`. */
  async share(name: 'held' | 'use', payload: Uint8Array, tail?: string): Promise<void> {
    if (this.up) await this.put(name, payload, tail);
  }

  /** Which configuration it has, signed. */
  tellHave(payload: Uint8Array): void {
    if (this.up) void this.put('have', payload);
  }

  /** Resolves when the broker has answered. @throws (rejects) when it refuses, or is lost for good */
  knock(): Promise<void> {
    return this.parts.connection().publish(this.message('status', this.statusText('online')));
  }

  /** Lines of the log. */
  lines(text: string): void {
    if (this.filter.send.includes('log')) this.once('log', this.topic('log'), text);
  }

  /** A topic of this node at this broker. */
  topic(name: TopicName, tail?: string): string {
    return topicOf(this.parts.site, this.parts.node, name, tail);
  }

  private wants(): [string, string] {
    return [this.topic('want'), `${TOPIC_ROOT}/${this.parts.site}/${ALL_NODES}/want`];
  }

  private status(state: 'online' | 'bye'): Promise<void> {
    return this.put('status', this.statusText(state));
  }

  private statusText(state: 'online' | 'bye'): string {
    const { sid, ...when } = this.parts.moments.now();
    const status: Payload<'status'> = { state, sid, n: this.connections, ...when };
    return JSON.stringify(status);
  }

  private mayAlarm(id: AlarmId): boolean {
    return this.filter.send.includes('alarm') && this.filter.groups.includes(ALARM_GROUPS[id] ?? 'own');
  }

  private tellAlarms(): void {
    const standing = new Map(this.parts.alarms());
    for (const id of this.parts.alarmIds) {
      const text = standing.get(id);
      // what an earlier run left behind is over, or comes again
      if (this.mayAlarm(id) && (text !== undefined || this.isFirst)) void this.put('alarm', text ?? '', id);
    }
    this.isFirst = false;
  }

  private tellHomeAssistant(text: string): void {
    const topic = discoveryTopic(this.parts.node);
    this.isToForget = text === '' && !this.up;
    if (this.up) void this.publish({ topic, payload: encodeUtf8(text), qos: 1, retain: true });
  }

  /** What the broker is to keep, or to hand on, at once; what becomes of it is logged. */
  private put(name: TopicName, payload: string | Uint8Array, tail?: string): Promise<void> {
    return this.publish(this.message(name, payload, tail));
  }

  private message(name: TopicName, payload: string | Uint8Array, tail?: string): Publication & { qos: 1 } {
    const { retain, expiryS }: TopicContract = TOPICS[name];
    return {
      topic: this.topic(name, tail),
      payload: typeof payload === 'string' ? encodeUtf8(payload) : payload,
      qos: 1,
      retain,
      ...(expiryS !== undefined && { expiryS }),
      ...(name === 'state' && { alias: true }),
    };
  }

  private async publish(message: Publication & { qos: 1 }): Promise<void> {
    this.note(message);
    try {
      await this.parts.connection().publish(message);
    } catch (error) {
      this.parts.log.warn('not told', { topic: message.topic, error: errorText(error) });
    }
  }

  private once(name: 'tele' | 'log', topic: string, text: string): boolean {
    const message = { topic, payload: encodeUtf8(text), qos: 0 as const, expiryS: TOPICS[name].expiryS, alias: true };
    if (!this.parts.connection().publish(message)) return false;
    this.note(message);
    return true;
  }

  /** What may have waited: QoS 1, and of a heartbeat no expiry, for it is old already. */
  private async resend({ kind, tail, text }: Report): Promise<void> {
    const message = {
      topic: this.topic(kind, tail),
      payload: encodeUtf8(text),
      qos: 1 as const,
      ...(kind === 'evt' && { expiryS: TOPICS.evt.expiryS }),
    };
    await this.parts.connection().publish(message);
    this.note(message);
  }

  private hold(report: Report): void {
    if (report.kind === 'tele' && !this.filter.send.includes('tele')) return;
    this.parts.queue.push(report);
    this.replay.wake();
  }

  private lost(report: Report, error: unknown): void {
    if (error instanceof LinkDownError || error instanceof BusyError) this.hold(report);
    else {
      this.parts.queue.countLost();
      this.parts.log.warn('not told', { topic: this.topic(report.kind, report.tail), error: errorText(error) });
    }
  }

  private note({ topic, payload, qos, retain = false }: Publication): void {
    this.sent.add({ topic, qos, retain, atMs: this.parts.clock.monotonicMs() }, payload);
  }
}
