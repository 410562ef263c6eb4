// The MQTT client: one supervised connection to a broker, over which messages are published and come.
//
// Subscriptions and messages with QoS 1 are desired state: they outlive every connection, and are asked for and sent again on the next one.
// A broker is a stranger: it can withhold and delay, lie and flood, but neither end the daemon nor fill its memory, and what it hands us as
// somebody's message proves nothing. So it decides neither where we connect (it may say that it has moved) nor which version we trust.

import { errorText, InputError, LinkDownError, WireError } from '../errors.ts';
import { encodeUtf8 } from '../lib/utf8.ts';
import type { Log } from '../log.ts';
import type { Cancel, Clock, Endpoint, Stream, Streams } from '../transport/host.ts';
import { Link, type LinkReport, type LinkSession } from '../transport/link.ts';
import { Connection } from './connection.ts';
import { encodeConnect } from './encode.ts';
import { Silence } from './keepalive.ts';
import { Outgoing } from './outgoing.ts';
import type { ConnackPacket, ConnectPacket, Version } from './packet.ts';
import { Protocol } from './protocol.ts';
import { Retry } from './retry.ts';
import { Subscriptions } from './subscription.ts';
import { topicProblem } from './topic.ts';

/** From dialling to the broker's greeting: names, several addresses, TLS. */
const READY_TIMEOUT_MS = 60_000;
/** Wait before the other version is tried. */
const CHANGE_MS = 1000;
/** More than this waits to be sent or acknowledged: what can be left out should be. */
const CONGESTED_BYTES = 32_768;
const SESSION_EXPIRY_S = 600;
const KEEPALIVE_S = 240;
const RECEIVE_MAXIMUM = 20;
const MAX_PACKET_BYTES = 16_384;
/** Characters of a stranger's topic that are logged. */
const MAX_SHOWN = 80;

/** Whom a broker serves: many routers, which must not return in step, or a home. */
export type Profile = 'fleet' | 'home';

/** What needs a person; each is raised once and withdrawn when it is over. */
export type AlarmId = 'duplicate-id' | 'not-authorised' | 'quota' | 'subscription-refused';

/** What the broker publishes for us when it loses us. */
export interface Will {
  topic: string;
  payload: Uint8Array;
  qos: 0 | 1;
  retain: boolean;
  /** How long the broker waits for us to come back; MQTT 5 only, before that it does not wait. */
  delayS: number;
}

/** A message to be published. */
export interface Publication {
  topic: string;
  /** Not to be changed afterwards. */
  payload: Uint8Array;
  qos: 0 | 1;
  retain?: boolean;
  /** Nobody gets it after so long; also while it waits here. The broker's part of it is of MQTT 5. */
  expiryS?: number;
  /** MQTT 5 only. */
  contentType?: string;
  /** Published often: its topic is sent once a connection, where the broker allows it. */
  alias?: boolean;
}

/** A message that came. */
export interface Message {
  topic: string;
  /** Shares memory with others: what is kept is to be copied. */
  payload: Uint8Array;
  qos: 0 | 1;
  retain: boolean;
  /** Perhaps not for the first time. */
  dup: boolean;
  responseTopic?: string;
  correlationData?: Uint8Array;
  contentType?: string;
  /** What is left of it, seconds. */
  expiryS?: number;
}

export interface SubscribeOptions {
  /** Retained messages come: 0 with each connection, 1 (default) when the broker did not know the subscription, 2 never. Before MQTT 5: always. */
  retainHandling?: 0 | 1 | 2;
  /** What we publish ourselves does not come back; default false, and so before MQTT 5. */
  noLocal?: boolean;
}

export interface MqttOptions {
  streams: Streams;
  clock: Clock;
  /** Uniform in [0, 1). */
  random(): number;
  log: Log;
  endpoint: Endpoint;
  clientId: string;
  username?: string;
  password?: string;
  /** The only version to speak; default: 5, and 4 with brokers that refuse it. */
  version?: Version;
  /** Asked for each connection. */
  will?(): Will | undefined;
  /** How long the broker keeps our session after it lost us; default 600. Before MQTT 5, 0 means not at all and anything else for ever. */
  sessionExpiryS?: number;
  /** Longest silence; default 240. Shorter when it turns out that the line does not stand it. */
  keepaliveS?: number;
  /** Messages with QoS 1 that may be on their way to us without our answer; default 20. */
  receiveMaximum?: number;
  /** Longest packet that is taken, default 16,384. */
  maxPacketBytes?: number;
  profile: Profile;
  /** As `setSpread`; default: 180 for a fleet, 5 for a home. */
  spreadS?: number;
  /** The broker greeted us, or the connection was lost; called once per change. */
  onChange?(up: boolean, error: Error | undefined): void;
  /** A message came; with QoS 1 it is acknowledged when this returns, or when its promise is settled. */
  onMessage(message: Message): void | Promise<void>;
  /** A person is needed, and why; `undefined`: not any more. */
  onAlarm?(id: AlarmId, why: string | undefined): void;
}

/** The state of the connection, for people. */
export interface MqttReport extends LinkReport {
  /** 4 is MQTT 3.1.1; `undefined` while there is no connection. */
  protocol: Version | undefined;
  /** Messages that came although no subscription covers them; none was taken. */
  unasked: number;
  /** Why a person is needed. */
  alarm?: string;
}

/** What the parts of the daemon that publish need of the client. */
export interface MqttPublisher {
  /** The broker has greeted us, and nothing was heard of the connection's end. */
  readonly up: boolean;
  /** More waits to be sent or acknowledged than should: what can be left out should be. */
  readonly congested: boolean;
  /** QoS 0: false when it is not sent, because there is no connection or too much waits. */
  publish(message: Publication & { qos: 0 }): boolean;
  /**
   * QoS 1: resolves when the broker has it, also on a later connection.
   *
   * Rejects with RemoteError (a reason code of MQTT 5 as status) when it was refused, InputError when it is longer than the broker takes or is
   * no message, TimeoutError when it expired here, BusyError when too many wait, LinkDownError when the client is stopped.
   */
  publish(message: Publication & { qos: 1 }): Promise<void>;
}

/** A client of one broker, from `start()` to `stop()`. */
export class MqttClient implements MqttPublisher {
  private readonly link: Link;
  private readonly retry: Retry;
  private readonly protocol: Protocol;
  private readonly silence: Silence;
  private readonly outgoing: Outgoing;
  private readonly subscriptions: Subscriptions;
  private readonly alarms = new Map<AlarmId, string>();
  /** The one that lives, unless it is being ended by us. */
  private connection: Connection | undefined;
  private version: Version | undefined;
  private hasStarted = false;
  /** The broker may know a session of ours, that is of this process. */
  private hasSession = false;
  /** Something that the broker keeps in our session ended the connection: it would do so each time. */
  private isSpoilt = false;
  /** The broker refused the version of the last connection, and knows perhaps the other. */
  private hasChanged = false;
  private unasked = 0;

  /** @throws InputError when id, user or password cannot be sent. */
  constructor(private readonly options: MqttOptions) {
    const { streams, clock, random, log, endpoint, profile, spreadS, keepaliveS = KEEPALIVE_S } = options;
    encodeConnect(this.connectPacket(5), 5);
    const onAlarm = (id: AlarmId, why: string | undefined): void => this.alarm(id, why);
    this.retry = new Retry({ clock, random, profile, spreadS, onAlarm });
    this.protocol = new Protocol(clock, options.version);
    this.silence = new Silence(keepaliveS * 1000);
    this.outgoing = new Outgoing(clock);
    this.subscriptions = new Subscriptions(clock, log, (why) => this.alarm('subscription-refused', why));
    this.link = new Link(streams, clock, {
      endpoint,
      log,
      backoff: { nextMs: (error) => this.nextMs(error), reset: () => this.retry.reset() },
      readyTimeoutMs: READY_TIMEOUT_MS,
      open: (stream) => this.open(stream),
      onChange: (up, error) => this.onLinkChange(up, error),
    });
  }

  get up(): boolean {
    return this.link.up;
  }

  /** Bytes that were sent and not proved to have been read, and those of messages that wait. */
  get queuedBytes(): number {
    return (this.connection?.unprovenBytes ?? 0) + this.outgoing.bytes;
  }

  get congested(): boolean {
    return this.queuedBytes > CONGESTED_BYTES;
  }

  /** The state of the connection, for people. */
  report(): MqttReport {
    const { unasked } = this;
    const protocol = this.up ? this.version : undefined;
    const report: MqttReport = { ...this.link.report(), protocol, unasked };
    if (this.alarms.size > 0) report.alarm = [...this.alarms.values()].join('; ');
    return report;
  }

  /** Connects; the first time after a random wait, since whole neighbourhoods start at once. */
  start(): void {
    this.link.start(this.hasStarted ? 0 : this.retry.startMs());
    this.hasStarted = true;
  }

  /** Ends the connection and stays down; what waits is given up. `will`: the broker is to publish our will. */
  stop(leave: 'quiet' | 'will' = 'quiet'): void {
    this.connection?.leave(leave === 'will' ? 4 : 0);
    this.connection = undefined;
    this.link.stop();
    this.retry.end();
    this.outgoing.clear(new LinkDownError('mqtt: client stopped'));
  }

  /** The time over which those of the fleet return who were lost together, 0 to 180 s. */
  setSpread(spreadS: number): void {
    this.retry.setSpread(spreadS);
  }

  /** An uplink came back: there is no use in waiting for long. */
  lineBack(): void {
    const withinMs = this.retry.lineBackMs();
    if (withinMs !== undefined) this.link.hasten(withinMs);
  }

  publish(message: Publication & { qos: 0 }): boolean;
  publish(message: Publication & { qos: 1 }): Promise<void>;
  publish(message: Publication): boolean | Promise<void>;
  publish(message: Publication): boolean | Promise<void> {
    const problem = topicProblem(message.topic);
    const error = problem === undefined ? undefined : new InputError(`topic: ${problem}`, 'topic');
    if (message.qos === 1) return error ? Promise.reject(error) : this.outgoing.add(message);
    if (error) throw error;
    if (!this.up) return false;
    try {
      return this.connection!.publishOnce(message);
    } catch (refusal) {
      // how much it takes is the broker's to say, so that is no fault of the caller's
      if (!(refusal instanceof InputError)) throw refusal;
      this.options.log.debug('not sent', { error: refusal.message });
      return false;
    }
  }

  /**
   * Keeps a subscription from now on, until cancelled. Where the broker refuses it, it is asked for again with each connection.
   * @throws InputError when it is no filter; BusyError past 32.
   */
  subscribe(filter: string, qos: 0 | 1, options: SubscribeOptions = {}): Cancel {
    const { retainHandling = 1, noLocal = false } = options;
    return this.subscriptions.add({ filter, qos, retainHandling, noLocal });
  }

  private open(stream: Stream): LinkSession {
    const { options } = this;
    const { clock, log, receiveMaximum = RECEIVE_MAXIMUM, maxPacketBytes = MAX_PACKET_BYTES } = options;
    const version = this.protocol.begin();
    this.version = version;
    const connection: Connection = new Connection({
      stream,
      clock,
      log,
      version,
      connect: this.connectWithWill(version),
      silence: this.silence,
      receiveMaximum,
      maxPacketBytes,
      events: {
        onGreeted: (connack) => this.onGreeted(connection, connack),
        onMessage: (message) => this.take(message),
        onAck: (packet) => this.outgoing.onAck(packet),
        onSuback: (packet) => this.subscriptions.onAck(packet),
        onBroken: (error) => this.link.drop(error),
      },
    });
    this.connection = connection;
    return {
      onData: (bytes) => connection.onData(bytes),
      onDown: (error) => {
        connection.onDown(error);
        this.subscriptions.detach();
        this.outgoing.detach();
        if (this.connection !== connection) return;
        this.connection = undefined;
        if (error instanceof WireError) this.isSpoilt = true;
        this.hasChanged = !connection.isGreeted && this.protocol.onRefused(error);
      },
    };
  }

  private connectPacket(version: Version): ConnectPacket {
    const { options } = this;
    const { clientId, username, password, keepaliveS = KEEPALIVE_S, sessionExpiryS = SESSION_EXPIRY_S } = options;
    const { receiveMaximum = RECEIVE_MAXIMUM, maxPacketBytes = MAX_PACKET_BYTES } = options;
    return {
      clientId,
      // before MQTT 5 a session that is begun anew also ends with its connection
      cleanStart: this.isSpoilt || (version === 5 ? !this.hasSession : sessionExpiryS === 0),
      keepAliveS: keepaliveS,
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password: encodeUtf8(password) }),
      properties: { sessionExpiryS, receiveMaximum, maximumPacketBytes: maxPacketBytes },
    };
  }

  private connectWithWill(version: Version): ConnectPacket {
    const packet = this.connectPacket(version);
    const will = this.options.will?.();
    if (!will) return packet;
    const { topic, payload, qos, retain, delayS } = will;
    const whole = { ...packet, will: { topic, payload, qos, retain, properties: { willDelayS: delayS } } };
    try {
      encodeConnect(whole, version);
      return whole;
    } catch (error) {
      this.options.log.error('will left out', { error: errorText(error) });
      return packet;
    }
  }

  private onGreeted(connection: Connection, { sessionPresent }: ConnackPacket): void {
    this.hasSession = true;
    this.isSpoilt = false;
    this.protocol.onGreeted();
    this.subscriptions.attach(connection, sessionPresent);
    this.outgoing.attach(connection, sessionPresent);
    this.options.log.info('connected', { protocol: this.version, session: sessionPresent ? 'resumed' : 'new' });
    this.link.ready();
  }

  private take(message: Message): void | Promise<void> {
    const { topic, qos } = message;
    if (this.subscriptions.isAsked(topic, qos)) return this.options.onMessage(message);
    if (this.unasked++ === 0)
      this.options.log.warn('message passed over, nobody asked for it', { topic: topic.slice(0, MAX_SHOWN), qos });
  }

  private onLinkChange(up: boolean, error: Error | undefined): void {
    if (!up) this.options.log.info('lost', { error: error?.message });
    this.options.onChange?.(up, error);
  }

  private nextMs(error: Error): number {
    const wait = this.hasChanged ? this.options.random() * CHANGE_MS : this.retry.nextMs(error);
    this.hasChanged = false;
    return wait;
  }

  private alarm(id: AlarmId, why: string | undefined): void {
    if (this.alarms.get(id) === why) return;
    if (why === undefined) this.alarms.delete(id);
    else this.alarms.set(id, why);
    if (why === undefined) this.options.log.info('alarm is over', { id });
    else this.options.log.warn('alarm', { id, why });
    this.options.onAlarm?.(id, why);
  }
}
