// A broker at the end of a wire, on a clock that a test moves: answers the MQTT client packet by packet, keeps what came, and counts what went
// over the wire, with what TCP/IP and TLS add to it. Portable.

import { joinBytes } from '../../src/lib/bytes.ts';
import { decodeUtf8 } from '../../src/lib/utf8.ts';
import { CONNECT, DISCONNECT, PINGREQ, PUBLISH, SUBSCRIBE, UNSUBSCRIBE } from '../../src/mqtt/packet.ts';
import type { Stream, StreamEvents, Streams } from '../../src/transport/host.ts';
import type { ManualClock } from './clock.ts';
import { broker, type ClientPacket, readClientPacket } from './mqtt.ts';

/** Each way. */
const TRIP_MS = 50;
/** IPv4 and TCP with timestamps, of each segment and of an acknowledgement alone. */
const SEGMENT_BYTES = 52;
const SEGMENT_MOST = 1400;
/** A record of TLS 1.3 in each write: head, kind and tag. */
const RECORD_BYTES = 22;

/** A message that came. */
export interface WireMessage {
  topic: string;
  text: string;
  qos: number;
  retain: boolean;
  dup: boolean;
  atMs: number;
}

/** Speaks MQTT 5. */
export class WireBroker implements Streams {
  /** While it is false, nobody is let in, and whoever is in is thrown out. */
  private isUp = true;
  readonly messages: WireMessage[] = [];
  /** Over the wire, both ways. */
  wireBytes = 0;
  /** Of MQTT alone, both ways. */
  mqttBytes = 0;
  pings = 0;
  connections = 0;
  private live: { close(error: Error): void }[] = [];
  private readonly aliases = new Map<number, string>();

  constructor(private readonly clock: ManualClock) {}

  setUp(up: boolean): void {
    this.isUp = up;
    if (up) return;
    for (const one of this.live.splice(0)) one.close(new Error('the broker is gone'));
  }

  listen(): never {
    throw new Error('listen: nobody is served');
  }

  dial(_: unknown, events: StreamEvents): Stream {
    let closed = false;
    let rest: Uint8Array = new Uint8Array(0);
    const later = (work: () => void): void => {
      this.clock.after(TRIP_MS, () => {
        if (!closed) work();
      });
    };
    const answer = (bytes: Uint8Array): void => {
      this.count(bytes.length);
      later(() => events.onData(bytes));
    };
    const connection = {
      close(error: Error) {
        if (closed) return;
        closed = true;
        events.onClose(error);
      },
    };
    later(() => {
      if (!this.isUp) {
        connection.close(new Error('dial: Connection refused'));
        return;
      }
      this.live.push(connection);
      this.connections++;
      // three packets of TCP; a handshake of TLS 1.3 with a certificate
      this.wireBytes += 3 * SEGMENT_BYTES + 2500;
      events.onOpen?.();
    });
    return {
      queuedBytes: 0,
      write: (bytes) => {
        this.count(bytes.length);
        // and it is acknowledged
        this.wireBytes += SEGMENT_BYTES;
        later(() => {
          rest = joinBytes([rest, bytes]);
          for (
            let found = readClientPacket(rest, 5);
            found;
            found = rest.length > 0 ? readClientPacket(rest, 5) : undefined
          ) {
            rest = rest.slice(found.length);
            this.take(found.packet, answer);
          }
        });
        return true;
      },
      setReading() {},
      close: () => {
        closed = true;
        this.live = this.live.filter((one) => one !== connection);
      },
    };
  }

  private count(bytes: number): void {
    this.mqttBytes += bytes;
    this.wireBytes += bytes + RECORD_BYTES + SEGMENT_BYTES * Math.ceil((bytes + RECORD_BYTES) / SEGMENT_MOST);
  }

  private take(packet: ClientPacket, answer: (bytes: Uint8Array) => void): void {
    if (packet.type === CONNECT) {
      this.aliases.clear();
      answer(broker.connack(5, { topicAliasMaximum: 10 }));
    } else if (packet.type === SUBSCRIBE)
      answer(
        broker.suback(
          5,
          packet.id,
          packet.requests.map(() => 1),
        ),
      );
    else if (packet.type === UNSUBSCRIBE)
      answer(
        broker.unsuback(
          5,
          packet.id,
          packet.filters.map(() => 0),
        ),
      );
    else if (packet.type === PINGREQ) {
      this.pings++;
      answer(broker.pingresp());
    } else if (packet.type === PUBLISH) {
      const { topicAlias } = packet.properties;
      if (topicAlias && packet.topic !== '') this.aliases.set(topicAlias, packet.topic);
      const topic = packet.topic || this.aliases.get(topicAlias ?? 0)!;
      const { qos, retain, dup, payload } = packet;
      this.messages.push({ topic, text: decodeUtf8(payload), qos, retain, dup, atMs: this.clock.monotonicMs() });
      if (qos === 1) answer(broker.puback(5, packet.id!));
    } else if (packet.type !== DISCONNECT) throw new Error(`packet ${packet.type}: not expected of a router`);
  }
}
