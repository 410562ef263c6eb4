// One MQTT session of meshctl: MQTT 5 where the broker speaks it, else 3.1.1; ends with its connection, for commands are short.
//
// MQTT.js tells of what happens while nobody waits: its handlers are attached before it is handed the connection.

import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { type IClientOptions, type IConnackPacket, type IPublishPacket, MqttClient } from 'mqtt';
import { errorText } from '../errors.ts';
import { type BrokerSetting, readPassword } from './broker.ts';
import { dial } from './dial.ts';
import { Failure } from './failure.ts';

/** A message as it arrived. */
export interface Arrival {
  topic: string;
  payload: Uint8Array;
  /** It was kept by the broker and is older than our subscription. */
  isRetained: boolean;
  /** Seconds that are left until the broker forgets it; absent: for ever, or the broker does not tell. */
  expires_in_s?: number;
}

/** How a session is to be. */
export interface SessionOptions {
  broker: BrokerSetting;
  env: NodeJS.ProcessEnv;
  onMessage?(message: Arrival): void;
  /** The connection ended by itself; in words. */
  onEnd?(reason: string): void;
  /** Default: one of its own. */
  clientId?: string;
  /** Absent: MQTT 5, then 3.1.1. */
  version?: 5 | 4;
  /** Others than the broker's settings say; null: none. */
  login?: { username: string; password: string } | null;
  will?: { topic: string; payload: string; retain: boolean };
}

/** Of one message. */
export interface PublishOptions {
  qos?: 0 | 1;
  retain?: boolean;
  expiry_s?: number;
}

const CONNECT_MS = 15_000;
const ANSWER_MS = 15_000;
const KEEPALIVE_S = 30;
/** Largest message that a broker is told to send, and so much more is read before it is taken for hostile. */
const MAX_PACKET = 256 * 1024;
/** Filters of one SUBSCRIBE. */
const MAX_FILTERS = 100;
/** "Unsupported protocol version", in 3.1.1 and in 5. */
const WRONG_VERSION = [1, 132];
const REFUSALS: Readonly<Record<number, string>> = {
  2: 'it does not like our client id',
  4: 'wrong user name or password',
  5: 'not permitted to connect, or wrong user name or password',
  133: 'it does not like our client id',
  134: 'wrong user name or password',
  135: 'not permitted to connect, or wrong user name or password',
  136: 'it is not available',
  137: 'it is busy',
  138: 'we are banned',
  142: 'another client came with our id',
  151: 'our quota is used up',
};

/** Open until it is closed, or its connection ends. */
export class Session {
  private ended: string | undefined;

  /** Connects and logs in. @throws Failure that says which step failed. */
  static async open(options: SessionOptions): Promise<Session> {
    if (options.version !== undefined) return Session.start(options, options.version);
    try {
      return await Session.start(options, 5);
    } catch (error) {
      if (!(error instanceof WrongVersion)) throw error;
      return Session.start(options, 4);
    }
  }

  private static async start(options: SessionOptions, version: 5 | 4): Promise<Session> {
    const { broker, env, login } = options;
    const { username } = broker;
    const password = login === undefined ? readPassword(broker, env) : undefined;
    const { socket } = await dial(broker);
    const settings: IClientOptions = {
      manualConnect: true,
      protocolVersion: version,
      clientId: options.clientId ?? `meshctl-${randomBytes(8).toString('hex')}`,
      clean: true,
      keepalive: KEEPALIVE_S,
      connectTimeout: CONNECT_MS,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      ...(login ?? {}),
      ...(login === undefined && username !== undefined && { username }),
      ...(password !== undefined && { password }),
      ...(version === 5 && { properties: { maximumPacketSize: MAX_PACKET } }),
      ...(options.will && { will: { ...options.will, payload: Buffer.from(options.will.payload), qos: 1 } }),
    };
    const client = new MqttClient(() => socket, settings);
    return new Promise((resolve, reject) => {
      const session = new Session(client, socket, broker.url, version, options);
      client.once('connect', (packet) => {
        session.connack = packet;
        resolve(session);
      });
      session.onFailed = (error, code) => {
        socket.destroy();
        const isVersion =
          version === 5 && options.version === undefined && (code === undefined || WRONG_VERSION.includes(code));
        if (isVersion) return reject(new WrongVersion());
        const words = (code !== undefined && REFUSALS[code]) || error;
        const hint = [4, 5, 134, 135].includes(code ?? 0) ? 'meshctl broker show tells as whom we come.' : undefined;
        reject(new Failure('unreachable', `${broker.url}: login: ${words}`, hint));
      };
      client.connect();
    });
  }

  /** What the broker said when it let us in. */
  connack: IConnackPacket | undefined;
  /** Until the session stands. */
  private onFailed: ((error: string, code?: number) => void) | undefined;
  private isClosing = false;

  private constructor(
    private readonly client: MqttClient,
    private readonly socket: Socket,
    private readonly url: string,
    /** 5, or 4 for 3.1.1. */
    readonly version: 5 | 4,
    { onMessage, onEnd }: SessionOptions,
  ) {
    // one for each answer that is waited for
    client.setMaxListeners(0);
    let last = 'the connection was closed';
    client.on('message', (topic, payload, packet) => onMessage?.(toArrival(topic, payload, packet)));
    client.on('disconnect', ({ reasonCode = 0 }) => {
      last = REFUSALS[reasonCode] ?? `the broker ended the session (reason ${reasonCode})`;
    });
    client.on('error', (error) => {
      last = errorText(error);
      this.failed(last, (error as { code?: unknown }).code);
    });
    client.on('close', () => {
      this.failed(last);
      if (this.ended === undefined && !this.isClosing) {
        this.ended = last;
        onEnd?.(last);
      }
      this.ended ??= 'closed';
    });
    client.once('connect', () => {
      this.onFailed = undefined;
    });
    // MQTT.js collects a message until it is whole, however long it says that it is
    let read = 0;
    client.on('packetreceive', () => {
      read = 0;
    });
    socket.on('data', ({ length }: Buffer) => {
      read += length;
      if (read <= 4 * MAX_PACKET) return;
      last = `the broker sends a message of more than ${4 * MAX_PACKET} bytes`;
      socket.destroy();
    });
  }

  private failed(error: string, code?: unknown): void {
    const report = this.onFailed;
    this.onFailed = undefined;
    report?.(error, typeof code === 'number' ? code : undefined);
  }

  /** Why it ended; `undefined` while it stands. */
  get endedBy(): string | undefined {
    return this.ended;
  }

  /** Subscribes to filters, in portions. @throws Failure naming the first that is refused. */
  async subscribe(filters: readonly string[], qos: 0 | 1 = 1): Promise<void> {
    for (let at = 0; at < filters.length; at += MAX_FILTERS) {
      const portion = filters.slice(at, at + MAX_FILTERS);
      await this.answered(`subscribing to ${portion[0]}`, (done) =>
        this.client.subscribe(portion, { qos }, (error, granted) => {
          const refused = granted?.find((one) => one.qos >= 128)?.topic;
          done(refused === undefined ? error : new Refusal(`not permitted to read ${refused}`));
        }),
      );
    }
  }

  async unsubscribe(filters: readonly string[]): Promise<void> {
    for (let at = 0; at < filters.length; at += MAX_FILTERS)
      await this.answered('unsubscribing', (done) =>
        this.client.unsubscribe(filters.slice(at, at + MAX_FILTERS) as string[], (error) => done(error)),
      );
  }

  /**
   * Sends a message, and with QoS 1 waits until the broker has it.
   * @throws Failure when the broker refuses it; 3.1.1 cannot tell.
   */
  publish(
    topic: string,
    payload: Uint8Array | string,
    { qos = 1, retain = false, expiry_s }: PublishOptions = {},
  ): Promise<void> {
    const properties = this.version === 5 && expiry_s !== undefined ? { messageExpiryInterval: expiry_s } : undefined;
    return this.answered(`publishing to ${topic}`, (done) =>
      this.client.publish(
        topic,
        Buffer.from(payload as Uint8Array),
        { qos, retain, ...(properties && { properties }) },
        (error) => {
          const code = (error as { code?: unknown } | undefined)?.code;
          done(code === 135 ? new Refusal(`not permitted to write ${topic}`) : error);
        },
      ),
    );
  }

  /** Ends in order, or after 2 s all the same. */
  close(): Promise<void> {
    this.isClosing = true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.socket.destroy();
        resolve();
      }, 2000);
      this.client.end(false, {}, () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Ends as a cut line does: the broker sends our will. */
  cut(): void {
    this.isClosing = true;
    this.socket.destroy();
    this.client.end(true);
  }

  private answered(what: string, start: (done: (error?: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (words: string, ending: 'silent' | 'unreachable' | 'failed'): void => {
        clearTimeout(timer);
        this.client.off('close', lost);
        reject(new Failure(ending, `${this.url}: ${what}: ${words}`));
      };
      const lost = (): void => fail(this.ended ?? 'the connection was closed', 'unreachable');
      const timer = setTimeout(() => fail('the broker does not answer', 'silent'), ANSWER_MS);
      if (this.ended !== undefined) return lost();
      this.client.once('close', lost);
      start((error) => {
        if (error) return fail(errorText(error), error instanceof Refusal ? 'failed' : 'unreachable');
        clearTimeout(timer);
        this.client.off('close', lost);
        resolve();
      });
    });
  }
}

class WrongVersion extends Error {}
class Refusal extends Error {}

function toArrival(topic: string, payload: Buffer, { retain, properties }: IPublishPacket): Arrival {
  const left = properties?.messageExpiryInterval;
  return {
    topic,
    payload: new Uint8Array(payload),
    isRetained: retain,
    ...(left !== undefined && { expires_in_s: left }),
  };
}
