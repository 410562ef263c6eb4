// A broker on a real socket that does what a test says: what no real one would ever send, at any moment. Node only.

import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { joinBytes } from '../../src/lib/bytes.ts';
import { decodeUtf8 } from '../../src/lib/utf8.ts';
import {
  CONNECT,
  PACKET_NAMES,
  PINGREQ,
  PUBLISH,
  SUBSCRIBE,
  UNSUBSCRIBE,
  type Version,
} from '../../src/mqtt/packet.ts';
import type { Endpoint } from '../../src/transport/host.ts';
import { broker, type ClientPacket, readClientPacket } from './mqtt.ts';

/** What it says to a packet; nothing: it keeps silent. */
export type Answer = (packet: ClientPacket, connection: ScriptedConnection) => Uint8Array | undefined;

/** Long enough for a busy machine. */
const WAIT_MS = 30_000;
const LOOK_MS = 5;
/** Packets of a connection that are kept. */
const MAX_PACKETS = 5000;

/** The answers of a broker that keeps to the rules, and hands nothing on. */
export const obey: Answer = (packet, { version }) => {
  switch (packet.type) {
    case CONNECT:
      return broker.connack(version, version === 5 ? { topicAliasMaximum: 10 } : {});
    case SUBSCRIBE:
      return broker.suback(
        version,
        packet.id,
        packet.requests.map(({ qos }) => qos),
      );
    case UNSUBSCRIBE:
      return broker.unsuback(
        version,
        packet.id,
        packet.filters.map(() => 0),
      );
    case PUBLISH:
      return packet.qos === 0 ? undefined : broker.puback(version, packet.id!);
    case PINGREQ:
      return broker.pingresp();
    default:
      return undefined;
  }
};

/** One connection of a client, and what it sent. */
export class ScriptedConnection {
  version: Version = 5;
  readonly packets: ClientPacket[] = [];
  /** The client ended it, or the test did. */
  closed = false;
  private rest: Uint8Array = new Uint8Array(0);
  private readonly aliases = new Map<number, string>();

  constructor(
    private readonly socket: Socket,
    answer: (packet: ClientPacket, connection: ScriptedConnection) => Uint8Array | undefined,
  ) {
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => {
      this.rest = joinBytes([this.rest, bytes]);
      for (;;) {
        const found = this.rest.length > 0 ? readClientPacket(this.rest, this.version) : undefined;
        if (!found) break;
        this.rest = this.rest.slice(found.length);
        const { packet } = found;
        if (packet.type === CONNECT) this.version = packet.version;
        if (this.packets.length < MAX_PACKETS) this.packets.push(this.named(packet));
        const bytes = answer(packet, this);
        if (bytes) this.send(bytes);
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
    });
  }

  /** What waits because the client does not read. */
  get waitingBytes(): number {
    return this.socket.writableLength;
  }

  /** False: the kernel takes no more for now. */
  send(...packets: Uint8Array[]): boolean {
    return this.closed || this.socket.write(joinBytes(packets));
  }

  /** From now on nothing is read of what the client sends. */
  deafen(): void {
    this.socket.pause();
  }

  /** Ends it without a word. */
  end(): void {
    this.socket.destroy();
    this.closed = true;
  }

  /** The packets of a type. */
  of<T extends ClientPacket['type']>(type: T): (ClientPacket & { type: T })[] {
    return this.packets.filter((packet): packet is ClientPacket & { type: T } => packet.type === type);
  }

  /** The messages that the client published: topic and text. */
  messages(): { topic: string; text: string }[] {
    return this.of(PUBLISH).map(({ topic, payload }) => ({ topic, text: decodeUtf8(payload) }));
  }

  /** A message with its topic, where it has an alias of one. */
  private named(packet: ClientPacket): ClientPacket {
    if (packet.type !== PUBLISH) return packet;
    const { topicAlias } = packet.properties;
    if (topicAlias === undefined) return packet;
    if (packet.topic !== '') this.aliases.set(topicAlias, packet.topic);
    return { ...packet, topic: this.aliases.get(topicAlias) ?? '' };
  }
}

/** The broker, from `start` to `stop`. */
export class ScriptedBroker {
  /** All connections, oldest first. */
  readonly connections: ScriptedConnection[] = [];
  /** What it says from now on. */
  answer: Answer = obey;
  private readonly server: Server;

  /** Listens on a port of the loopback device. */
  static async start(): Promise<ScriptedBroker> {
    const it = new ScriptedBroker();
    await new Promise<void>((resolve, reject) => {
      it.server.once('error', reject);
      it.server.listen(0, '127.0.0.1', resolve);
    });
    return it;
  }

  private constructor() {
    this.server = createServer((socket) => {
      this.connections.push(new ScriptedConnection(socket, (...packet) => this.answer(...packet)));
    });
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get endpoint(): Endpoint {
    return { host: '127.0.0.1', port: this.port };
  }

  /** The newest connection. @throws Error when there was none. */
  get live(): ScriptedConnection {
    const connection = this.connections.at(-1);
    if (!connection) throw new Error('nobody connected');
    return connection;
  }

  /** Waits for the connection with this number, counted from 1, to have sent something of this type. @throws Error when it does not. */
  async connection(count: number, type: ClientPacket['type'] = CONNECT): Promise<ScriptedConnection> {
    await waitFor(`connection ${count}: ${PACKET_NAMES[type]}`, () =>
      this.connections[count - 1]?.packets.some((packet) => packet.type === type),
    );
    return this.connections[count - 1]!;
  }

  /** Ends it, and all connections. */
  async stop(): Promise<void> {
    for (const connection of this.connections) connection.end();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

/** Waits until something holds. @throws Error that names it. */
export async function waitFor(what: string, test: () => unknown, limitMs = WAIT_MS): Promise<void> {
  for (const endMs = performance.now() + limitMs; !(await test()); ) {
    if (performance.now() > endMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
