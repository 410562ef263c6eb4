// One connection to a broker, from CONNECT to its end: greeting, what comes and its acknowledgement, what goes and how much of it may wait.
//
// Bytes that a broker does not read pile up in the kernel, where nobody sees them. So all bytes that went out count as waiting until something
// proves that the broker has read them: the answer to a ping, or the acknowledgement of a later message. A ping is sent for that alone when it
// is worth it. What comes is read in small portions: a broker that floods us is slowed down by TCP and holds up nothing else.

import { errorText, InputError, RemoteError, TimeoutError, WireError } from '../errors.ts';
import { joinBytes } from '../lib/bytes.ts';
import type { Log } from '../log.ts';
import type { Cancel, Clock, Stream } from '../transport/host.ts';
import type { LinkSession } from '../transport/link.ts';
import type { Message, Publication } from './client.ts';
import { PacketReader } from './decode.ts';
import {
  encodeAck,
  encodeConnect,
  encodePing,
  encodePublish,
  encodeReason,
  encodeSubscribe,
  encodeUnsubscribe,
} from './encode.ts';
import { Keepalive, type Silence } from './keepalive.ts';
import {
  type AckPacket,
  CONNACK,
  type ConnackPacket,
  type ConnectPacket,
  DISCONNECT,
  type FilterRequest,
  PACKET_NAMES,
  type Packet,
  PINGRESP,
  PUBACK,
  PUBLISH,
  type PublishPacket,
  SUBACK,
  type SubackPacket,
  UNSUBACK,
  type Version,
} from './packet.ts';
import type { Properties } from './property.ts';
import { BAD_ALIAS, ID_IN_USE, MALFORMED_PACKET, QOS_NOT_SUPPORTED, reasonOf, refusal, Violation } from './reason.ts';

/** From CONNECT to CONNACK. */
const GREETING_MS = 20_000;
/** Bytes without proof that they were read: from here on a ping asks for it, and nothing is sent that need not be. */
const PROVE_BYTES = 16_384;
export const MAX_UNPROVEN_BYTES = 65_536;
/** Bytes that the kernel does not take any more: beyond both bounds of messages, and answers to theirs. Then the broker reads nothing. */
export const MAX_STUCK_BYTES = 196_608;
/** Packets that are taken at once, and how long after the first of them the next portion is: 256 a second. */
const PORTION = 64;
const PORTION_MS = 250;
/** Topics that are sent once. */
const MAX_ALIASES = 16;
const NOTHING = new Uint8Array(0);

/** What a connection tells the client. */
export interface ConnectionEvents {
  /** The broker lets us in. */
  onGreeted(connack: ConnackPacket): void;
  /** As `MqttOptions.onMessage`. */
  onMessage(message: Message): void | Promise<void>;
  /** PUBACK. */
  onAck(packet: AckPacket): void;
  /** SUBACK or UNSUBACK. @throws WireError when it is none. */
  onSuback(packet: SubackPacket): void;
  /** The connection cannot be used any more. */
  onBroken(error: Error): void;
}

export interface ConnectionOptions {
  stream: Stream;
  clock: Clock;
  log: Log;
  version: Version;
  connect: ConnectPacket;
  silence: Silence;
  receiveMaximum: number;
  maxPacketBytes: number;
  events: ConnectionEvents;
}

/** One connection. */
export class Connection implements LinkSession {
  private readonly reader: PacketReader;
  private keepalive: Keepalive | undefined;
  private cancelGreeting: Cancel | undefined;
  /** What the broker said of itself; `undefined`: it has not greeted us yet. */
  private limits: Properties | undefined;
  private down = false;
  private isLeaving = false;
  /** Bytes sent so far, how many of them the broker has read for sure, and how many it will have read when it answers the ping. */
  private sentBytes = 0;
  private provenBytes = 0;
  private pingBytes = 0;
  /** Where in what was sent a message ends, by packet id. */
  private readonly ends = new Map<number, number>();
  private readonly aliases = new Map<string, number>();
  /** Messages with QoS 1 in the order in which they came; answered in that order too. */
  private unanswered: { id: number; isDone: boolean }[] = [];
  /** Bytes that came and wait for the next portion. */
  private backlog: Uint8Array = NOTHING;
  /** More came than we said that we take before we answer: mosquitto 2.0.11 does that. The rest waits until we have answered. */
  private isHeld = false;
  private portion = 0;
  private portionAtMs = 0;
  private cancelPause: Cancel | undefined;
  private readonly warned = new Set<string>();

  constructor(private readonly options: ConnectionOptions) {
    const { clock, version, maxPacketBytes, connect } = options;
    this.reader = new PacketReader(version, maxPacketBytes);
    this.cancelGreeting = clock.after(GREETING_MS, () =>
      this.drop(new TimeoutError(`connect: no answer within ${GREETING_MS} ms`)),
    );
    this.write(encodeConnect(connect, version));
  }

  get isGreeted(): boolean {
    return this.limits !== undefined;
  }

  /** Messages that the broker takes without having acknowledged any. */
  get receiveMaximum(): number {
    return this.limits?.receiveMaximum ?? 65_535;
  }

  /** Bytes that the broker has not read for sure: whatever it claims, none of those that are still here. */
  get unprovenBytes(): number {
    return Math.max(this.sentBytes - this.provenBytes, this.options.stream.queuedBytes);
  }

  /**
   * Sends a message with QoS 1; false: with QoS 0, for the broker takes no other, so that nobody will acknowledge it.
   * @throws InputError when it is longer than the broker takes, or no message.
   */
  publish(message: Publication, id: number, isAgain: boolean): boolean {
    const isAcknowledged = this.limits?.maximumQos !== 0;
    this.writeMessage(message, isAcknowledged ? id : undefined, isAgain);
    if (isAcknowledged) this.ends.set(id, this.sentBytes);
    return isAcknowledged;
  }

  /** Sends a message with QoS 0, unless too much waits already. @throws InputError as `publish`. */
  publishOnce(message: Publication): boolean {
    if (this.unprovenBytes > MAX_UNPROVEN_BYTES) return false;
    this.writeMessage(message, undefined, false);
    return true;
  }

  subscribe(id: number, requests: readonly FilterRequest[]): void {
    this.write(encodeSubscribe(id, requests, this.options.version));
  }

  unsubscribe(id: number, filters: readonly string[]): void {
    this.write(encodeUnsubscribe(id, filters, this.options.version));
  }

  /** Takes leave of the broker. @param code 0, or 4: it shall publish our will. */
  leave(code: 0 | 4): void {
    const { version } = this.options;
    this.isLeaving = true;
    // before MQTT 5 only an end without DISCONNECT does that
    if (this.isGreeted && (code === 0 || version === 5)) this.write(encodeReason(DISCONNECT, code, version));
  }

  /** Gives the connection up; the broker is told why, where it is at fault. */
  drop(error: Error): void {
    if (this.down) return;
    if (error instanceof WireError && this.isGreeted && this.options.version === 5)
      this.write(encodeReason(DISCONNECT, error instanceof Violation ? error.code : MALFORMED_PACKET, 5));
    this.options.events.onBroken(error);
  }

  onData(bytes: Uint8Array): void {
    this.keepalive?.onHeard();
    this.backlog = this.backlog.length === 0 ? bytes : joinBytes([this.backlog, bytes]);
    if (!this.isPaused) this.read();
  }

  onDown(error: Error): void {
    this.down = true;
    this.reader.stop();
    this.backlog = NOTHING;
    this.cancelGreeting?.();
    this.cancelPause?.();
    this.keepalive?.stop(!this.isLeaving && !(error instanceof WireError) && !(error instanceof RemoteError));
  }

  private write(bytes: Uint8Array): void {
    if (this.down) return;
    this.sentBytes += bytes.length;
    this.keepalive?.onSent();
    const { stream } = this.options;
    stream.write(bytes);
    if (stream.queuedBytes > MAX_STUCK_BYTES) {
      this.drop(new TimeoutError(`the broker reads nothing: ${stream.queuedBytes} bytes wait`));
      return;
    }
    if (this.unprovenBytes > PROVE_BYTES) this.keepalive?.ask();
  }

  private writeMessage(message: Publication, id: number | undefined, isAgain: boolean): void {
    const { limits = {} } = this;
    const { topic, payload, retain = false, expiryS, contentType, alias } = message;
    const properties: Properties = {};
    if (expiryS !== undefined) properties.messageExpiryS = expiryS;
    if (contentType !== undefined) properties.contentType = contentType;
    const known = this.aliases.get(topic);
    const next = this.aliases.size + 1;
    if (known !== undefined) properties.topicAlias = known;
    else if (alias && next <= Math.min(limits.topicAliasMaximum ?? 0, MAX_ALIASES)) properties.topicAlias = next;
    const isKept = retain && limits.retainAvailable !== 0;
    if (retain !== isKept) this.warnOnce('the broker keeps no messages', { topic });
    const bytes = encodePublish(
      {
        topic: known === undefined ? topic : '',
        payload,
        qos: id === undefined ? 0 : 1,
        retain: isKept,
        dup: isAgain && id !== undefined,
        ...(id !== undefined && { id }),
        properties,
      },
      this.options.version,
    );
    const { maximumPacketBytes = Number.POSITIVE_INFINITY } = limits;
    if (bytes.length > maximumPacketBytes)
      throw new InputError(`publish ${topic}: ${bytes.length} bytes, the broker takes at most ${maximumPacketBytes}`);
    if (properties.topicAlias === next) this.aliases.set(topic, next);
    this.write(bytes);
  }

  private read(): void {
    const bytes = this.backlog;
    this.backlog = NOTHING;
    try {
      const taken = this.reader.push(bytes, this.onPacket);
      if (this.isPaused) this.backlog = bytes.subarray(taken);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.drop(error);
    }
  }

  private get isPaused(): boolean {
    return this.isHeld || this.cancelPause !== undefined;
  }

  private goOn(): void {
    if (this.isPaused) return;
    this.read();
    if (!this.isPaused && !this.down) this.options.stream.setReading(true);
  }

  /** False: enough for now. */
  private readonly onPacket = (packet: Packet): boolean => {
    this.take(packet);
    if (this.down) return false;
    const { clock, stream, receiveMaximum } = this.options;
    if (this.unanswered.length > receiveMaximum) {
      this.isHeld = true;
      stream.setReading(false);
      return false;
    }
    const nowMs = clock.monotonicMs();
    if (nowMs - this.portionAtMs >= PORTION_MS) {
      this.portionAtMs = nowMs;
      this.portion = 0;
    }
    if (++this.portion < PORTION) return true;
    stream.setReading(false);
    this.cancelPause = clock.after(this.portionAtMs + PORTION_MS - nowMs, () => {
      this.cancelPause = undefined;
      this.goOn();
    });
    return false;
  };

  private take(packet: Packet): void {
    const { events } = this.options;
    if (packet.type === CONNACK) this.greet(packet);
    else if (!this.isGreeted) throw new Violation(`mqtt: ${PACKET_NAMES[packet.type]} before CONNACK`);
    else if (packet.type === PUBLISH) this.receive(packet);
    else if (packet.type === PUBACK) {
      this.prove(this.ends.get(packet.id));
      this.ends.delete(packet.id);
      events.onAck(packet);
    } else if (packet.type === SUBACK || packet.type === UNSUBACK) events.onSuback(packet);
    else if (packet.type === PINGRESP) {
      this.prove(this.pingBytes);
      this.keepalive?.onPong();
      if (this.unprovenBytes > PROVE_BYTES) this.keepalive?.ask();
    } else if (packet.type === DISCONNECT)
      this.drop(refusal('the broker ended the connection', packet.code, packet.properties));
    else throw new Violation(`mqtt: ${PACKET_NAMES[packet.type]}, which nothing of ours asks for`);
  }

  private greet(connack: ConnackPacket): void {
    if (this.isGreeted) throw new Violation('mqtt: CONNACK twice');
    const { version, clock, silence, connect, events } = this.options;
    const { code, properties, sessionPresent } = connack;
    if (code !== 0) {
      this.drop(refusal('connect', version === 5 && code >= 0x80 ? code : reasonOf(code), properties));
      return;
    }
    if (connect.cleanStart && sessionPresent) throw new Violation('mqtt: a session although we began a new one');
    this.cancelGreeting?.();
    this.prove(this.sentBytes);
    this.limits = properties;
    const { serverKeepAliveS } = properties;
    this.keepalive = new Keepalive({
      clock,
      silence,
      serverMs: serverKeepAliveS ? serverKeepAliveS * 1000 : undefined,
      ping: () => {
        this.write(encodePing());
        this.pingBytes = this.sentBytes;
      },
      unprovenBytes: () => this.unprovenBytes,
      onDead: (error) => this.drop(error),
    });
    events.onGreeted(connack);
  }

  private receive(packet: PublishPacket): void {
    const { topic, payload, qos, retain, dup, id, isCut, properties } = packet;
    if (properties.topicAlias !== undefined) throw new Violation('mqtt: a topic alias, and we allow none', BAD_ALIAS);
    if (qos === 2) throw new Violation('mqtt: a message with QoS 2, and we asked for 1', QOS_NOT_SUPPORTED);
    const { events, version } = this.options;
    // before MQTT 5 a broker may send again what was not answered yet
    if (version === 5 && qos === 1 && this.unanswered.some((one) => one.id === id))
      throw new Violation(`mqtt: message ${id} before we answered the one with this id`, ID_IN_USE);
    const answer = { id: id ?? 0, isDone: false };
    if (qos === 1) this.unanswered.push(answer);
    const done = (): void => {
      answer.isDone = true;
      this.answer();
    };
    if (isCut) {
      this.warnOnce('message passed over, it is too long', { topic });
      done();
      return;
    }
    const { responseTopic, correlationData, contentType, messageExpiryS } = properties;
    const failed = (error: unknown): void => this.warnOnce('message not taken', { topic, error: errorText(error) });
    try {
      const pending = events.onMessage({
        topic,
        payload,
        qos,
        retain,
        dup,
        ...(responseTopic !== undefined && { responseTopic }),
        ...(correlationData && { correlationData }),
        ...(contentType !== undefined && { contentType }),
        ...(messageExpiryS !== undefined && { expiryS: messageExpiryS }),
      });
      if (pending) {
        pending.catch(failed).then(done);
        return;
      }
    } catch (error) {
      failed(error);
    }
    done();
  }

  private answer(): void {
    const { version, receiveMaximum } = this.options;
    while (this.unanswered[0]?.isDone) this.write(encodeAck(PUBACK, this.unanswered.shift()!.id, version));
    if (!this.isHeld || this.unanswered.length > receiveMaximum) return;
    this.isHeld = false;
    this.goOn();
  }

  private prove(bytes = 0): void {
    this.provenBytes = Math.max(this.provenBytes, bytes);
  }

  /** Each thing once a connection: a broker could have it happen all the time. */
  private warnOnce(event: string, fields: { topic: string; error?: string }): void {
    if (!this.warned.has(event)) this.options.log.warn(event, fields);
    this.warned.add(event);
  }
}
